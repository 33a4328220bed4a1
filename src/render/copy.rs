//! `format: copy`: the original's own pixels, with other words around them.
//!
//! Invariant: not one coded pixel is touched, and the copy is shown exactly as the original: its orientation,
//! profile and colour space tags stay whatever the policy says. A damaged original is handed on only where that is
//! accepted, and it is a JPEG. What lies behind the picture of a JPEG comes along under the same policy, or is left out
//! with a warning. Must not know: sheets.

mod tiff;

use std::io::Cursor;

use super::behind::{self, Contents, Further};
use super::chunk::{self, WebpParts};
use super::decode;
use super::encode::push_metadata;
use super::error::{RenderError, RenderWarning};
use super::header::{self, Facts};
use super::metadata::{self, Metadata};
use super::segment::{self, ICC_PREFIX, Piece, marker};
use super::verify;
use crate::model::spec::{KeepMetadata, MetadataSpec, PictureFormat};

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
    // What is whole but cannot be walked is written to the letter first.
    let irregular = facts.warnings.iter().any(|w| matches!(w, RenderWarning::Irregular(_)));
    let mended = if irregular && segment::walk(bytes).is_err() { decode::mend(bytes) } else { None };
    let bytes = mended.as_deref().unwrap_or(bytes);
    let mut pieces = Vec::new();
    match segment::walk_into(bytes, &mut pieces) {
        Err(e) if !accept_damage => return Err(e),
        _ => {}
    }
    let end = behind::end(bytes, &pieces);
    let found = behind::pictures(bytes, &pieces);
    let mut metadata = metadata::for_copy(facts, spec, warnings);
    let further: Vec<(&Further<'_>, Vec<u8>)> = found
        .iter()
        .filter(|further| !further.is_thumbnail())
        .filter_map(|further| Some((further, copy_further(further, spec, warnings)?)))
        .collect();
    let film = copy_film(bytes, found.last().map_or(end, |last| behind::end_of(bytes, last)), spec, warnings);
    let gain_map = further.iter().find(|(further, _)| further.gain_map);
    let listed = gain_map.filter(|(_, copy)| behind::is_listed(copy)).map(|(_, copy)| copy.len());
    let moment = facts.xmp.as_deref().map_or(-1, behind::moment);
    let contents = Contents { gain_map: listed, film: film.as_ref().map(|film| (film.len(), moment)) };
    metadata.xmp = behind::listed(metadata.xmp, contents);
    let (mut out, index_at) = jpeg_of(&pieces, &metadata, further.len(), gain_map.is_some(), warnings);
    // What else follows EOI (small previews, trailers of cameras) is not part of the picture and may tell anything.
    if !further.is_empty() {
        let lengths = further.iter().map(|(further, copy)| (further.attribute, copy.len()));
        let pictures: Vec<(u32, usize)> = [(behind::FIRST, out.len())].into_iter().chain(lengths).collect();
        let index = behind::index(&pictures, index_at);
        out[index_at..index_at + index.len()].copy_from_slice(&index);
    }
    out.extend(further.into_iter().flat_map(|(_, copy)| copy));
    out.extend(film.into_iter().flatten());
    Ok(out)
}

/// The picture with `metadata` as its only words, with room for an index of so many further pictures: a JPEG, and where
/// the index stands in it.
fn jpeg_of(
    pieces: &[Piece<'_>],
    metadata: &Metadata,
    further: usize,
    gain_map: bool,
    warnings: &mut Vec<RenderWarning>,
) -> (Vec<u8>, usize) {
    let mut out = Vec::with_capacity(pieces.iter().map(|p| p.whole.len()).sum::<usize>() + 4096);
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
    push_metadata(&mut out, metadata, warnings);
    let mut index_at = 0;
    if further > 0 {
        let room = vec![0; behind::index_bytes(further + 1)];
        segment::push(&mut out, marker::APP2, &[behind::MPF_PREFIX, &room]);
        index_at = out.len() - room.len();
    }
    for piece in pieces.iter().skip(1).filter(|p| !jfif(p)) {
        let kept = match piece.marker {
            marker::APP2 => {
                piece.payload.starts_with(ICC_PREFIX)
                    || (gain_map && piece.payload.starts_with(behind::ISO_GAIN_MAP_PREFIX))
            }
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
    (out, index_at)
}

/// A further picture under the policy. A gain map keeps what says how it is to be used, and no other word.
fn copy_further(further: &Further<'_>, spec: &MetadataSpec, warnings: &mut Vec<RenderWarning>) -> Option<Vec<u8>> {
    let bytes = further.bytes;
    let read = header::read(Cursor::new(bytes)).and_then(|mut facts| {
        verify::read_through(bytes, &mut facts, false)?;
        Ok((facts, segment::walk(bytes)?))
    });
    let what = if further.gain_map { "the HDR gain map" } else { "a further picture" };
    let Ok((facts, pieces)) = read else {
        warnings.push(RenderWarning::LeftOut { what, why: "it cannot be read" });
        return None;
    };
    let mut unheard = Vec::new();
    if !further.gain_map {
        let metadata = metadata::for_copy(&facts, spec, &mut unheard);
        return Some(jpeg_of(&pieces, &metadata, 0, false, &mut unheard).0);
    }
    let mut metadata = metadata::for_copy(&facts, &MetadataSpec::none(), &mut unheard);
    metadata.xmp = facts.xmp.filter(|block| behind::tells_light_only(block));
    let iso = pieces.iter().any(|p| p.marker == marker::APP2 && p.payload.starts_with(behind::ISO_GAIN_MAP_PREFIX));
    if metadata.xmp.is_none() && !iso {
        warnings.push(RenderWarning::LeftOut { what, why: "its XMP tells more than how it is to be used" });
        return None;
    }
    Some(jpeg_of(&pieces, &metadata, 0, true, &mut unheard).0)
}

/// The film of a motion photo under the policy.
fn copy_film(bytes: &[u8], from: usize, spec: &MetadataSpec, warnings: &mut Vec<RenderWarning>) -> Option<Vec<u8>> {
    let film = behind::find_film(bytes.get(from..)?)?;
    let all = spec.keep == KeepMetadata::All && !(spec.strip_location || spec.strip_people || spec.strip_serials);
    if all {
        return Some(film.to_vec());
    }
    let copied = if spec.keep == KeepMetadata::None {
        Err("it tells when it was taken")
    } else {
        behind::blanked(film).ok_or("it has tracks of an unknown kind")
    };
    copied.map_err(|why| warnings.push(RenderWarning::LeftOut { what: "the film of the motion photo", why })).ok()
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
                b"cHRM"
                    | b"gAMA"
                    | b"iCCP"
                    | b"sBIT"
                    | b"sRGB"
                    | b"cICP"
                    | b"mDCV"
                    | b"cLLI"
                    | b"bKGD"
                    | b"hIST"
                    | b"tRNS"
                    | b"pHYs"
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
