//! `format: copy`: the original's own pixels, with other words around them.
//!
//! Invariant: not one coded pixel is touched, and the copy is shown exactly as the original: its orientation,
//! profile and colour space tags stay whatever the policy says. A damaged original is handed on only where that is
//! accepted, and it is a JPEG. Must not know: sheets.

mod tiff;

use super::chunk::{self, WebpParts};
use super::encode::push_metadata;
use super::error::{RenderError, RenderWarning};
use super::header::Facts;
use super::metadata;
use super::segment::{self, ICC_PREFIX, Piece, marker};
use super::verify;
use crate::model::spec::{MetadataSpec, PictureFormat};

/// The original under the policy. With nothing to do it is the original to the bit.
pub(super) fn copy(
    bytes: &[u8],
    facts: &mut Facts,
    spec: &MetadataSpec,
    accept_damage: bool,
    warnings: &mut Vec<RenderWarning>,
) -> Result<Vec<u8>, RenderError> {
    let copied = verify::read_through(bytes, facts, accept_damage).and_then(|()| {
        if metadata::leaves_as_is(spec) {
            return Ok(bytes.to_vec());
        }
        match facts.header.format {
            PictureFormat::Jpeg => copy_jpeg(bytes, facts, spec, accept_damage, warnings),
            PictureFormat::Png => copy_png(bytes, facts, spec, warnings),
            PictureFormat::Tiff => tiff::copy(bytes, &metadata::for_copy(facts, spec, warnings)),
            PictureFormat::Webp => copy_webp(bytes, facts, spec, warnings),
        }
    });
    // What is left of the others cannot be told from what lies between.
    let nothing_else = accept_damage || facts.header.format != PictureFormat::Jpeg;
    copied.map_err(|e| if nothing_else { e.lost() } else { e })
}

fn copy_jpeg(
    bytes: &[u8],
    facts: &Facts,
    spec: &MetadataSpec,
    accept_damage: bool,
    warnings: &mut Vec<RenderWarning>,
) -> Result<Vec<u8>, RenderError> {
    let mut pieces = Vec::new();
    match segment::walk_into(bytes, &mut pieces) {
        Err(e) if !accept_damage => return Err(e),
        _ => {}
    }
    let metadata = metadata::for_copy(facts, spec, warnings);
    let mut out = Vec::with_capacity(bytes.len() + 4096);
    out.extend([0xff, marker::SOI]);
    // JFIF must come first, the rest of what is kept after our own segments.
    let jfif = |p: &Piece<'_>| p.marker == marker::APP0 && p.payload.starts_with(b"JFIF\0");
    if let Some(first) = pieces.iter().find(|p| jfif(p)) {
        // Without the thumbnail that JFIF can hold.
        match first.payload.first_chunk::<12>() {
            Some(head) => segment::push(&mut out, marker::APP0, &[head, &[0, 0]]),
            None => out.extend(first.whole),
        }
    }
    push_metadata(&mut out, &metadata, warnings);
    for piece in pieces.iter().skip(1).filter(|p| !jfif(p)) {
        let kept = match piece.marker {
            marker::APP2 => piece.payload.starts_with(ICC_PREFIX),
            // Says how the colours are coded; without it CMYK and RGB come out wrong.
            marker::APP14 => piece.payload.starts_with(b"Adobe"),
            // Frames, scans and tables. All others are words, or unknown to every reader.
            0xc0..=0xdf => true,
            _ => false,
        };
        if kept {
            out.extend(piece.whole);
        }
    }
    // What follows EOI (previews, films, trailers of cameras) is not part of the picture and may tell anything.
    Ok(out)
}

fn copy_png(
    bytes: &[u8],
    facts: &Facts,
    spec: &MetadataSpec,
    warnings: &mut Vec<RenderWarning>,
) -> Result<Vec<u8>, RenderError> {
    let metadata = metadata::for_copy(facts, spec, warnings);
    let mut out = Vec::with_capacity(bytes.len() + 4096);
    out.extend(chunk::PNG_SIGNATURE);
    for piece in chunk::walk_png(bytes)? {
        let words = matches!(&piece.kind, b"eXIf" | b"tEXt" | b"zTXt" | b"iTXt" | b"tIME");
        // Lower-case first letter: not needed for the pixels. Of those only the known ones tell nothing.
        let unknown = piece.kind[0].is_ascii_lowercase()
            && !matches!(
                &piece.kind,
                b"cHRM" | b"gAMA" | b"iCCP" | b"sBIT" | b"sRGB" | b"cICP" | b"bKGD" | b"hIST" | b"tRNS" | b"pHYs"
            );
        if !words && !unknown {
            out.extend(piece.whole);
        }
        if &piece.kind == b"IHDR" {
            if !metadata.exif.fields.is_empty() {
                chunk::push_png(&mut out, *b"eXIf", &[&metadata.exif.write()]);
            }
            if let Some(block) = &metadata.xmp {
                chunk::push_png(&mut out, *b"iTXt", &[chunk::XMP_KEYWORD, block]);
            }
        }
    }
    Ok(out)
}

fn copy_webp(
    bytes: &[u8],
    facts: &Facts,
    spec: &MetadataSpec,
    warnings: &mut Vec<RenderWarning>,
) -> Result<Vec<u8>, RenderError> {
    let metadata = metadata::for_copy(facts, spec, warnings);
    let exif = (!metadata.exif.fields.is_empty()).then(|| metadata.exif.write());
    let mut picture = chunk::walk_webp(bytes)?;
    picture.retain(|chunk| matches!(&chunk.kind, b"ALPH" | b"VP8 " | b"VP8L"));
    Ok(chunk::webp_file(&WebpParts {
        size: facts.header.stored,
        alpha: facts.header.has_alpha,
        icc: facts.icc.as_deref(),
        picture: &picture,
        exif: exif.as_deref(),
        xmp: metadata.xmp.as_deref(),
    }))
}
