//! JPEG files: our own head, the library's scans.
//!
//! Must not know: what the words of the metadata mean.

use turbojpeg::{Compressor, Image, PixelFormat, Subsamp};

use super::super::dpi;
use super::super::error::{RenderError, RenderWarning};
use super::super::exif::Exif;
use super::super::metadata::Metadata;
use super::super::segment::{self, EXIF_PREFIX, PAYLOAD_MAX, XMP_PREFIX, marker};
use super::{Sheet, failed};
use crate::model::spec::Subsampling;

/// How the pixels are coded, beside their quality.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scan {
    pub(super) subsampling: Subsampling,
    pub(super) progressive: bool,
    pub(super) optimize: bool,
}

/// Everything before the tables and scans: resolution, metadata, profile.
pub(super) fn head(sheet: &Sheet<'_>, warnings: &mut Vec<RenderWarning>) -> Result<Vec<u8>, RenderError> {
    let mut out = vec![0xff, marker::SOI];
    let (dots, _) = dpi::fraction(sheet.dpi, true);
    let dots = (dots as u16).to_be_bytes();
    segment::push(&mut out, marker::APP0, &[b"JFIF\0\x01\x01\x01", &dots, &dots, &[0, 0]]);
    push_metadata(&mut out, sheet.metadata, warnings);
    if sheet.icc.len() > 255 * (PAYLOAD_MAX - 14) {
        return Err(RenderError::Encode("the colour profile is too large for a JPEG".to_owned()));
    }
    segment::push_icc(&mut out, sheet.icc);
    Ok(out)
}

/// The whole file.
pub(super) fn write(sheet: &Sheet<'_>, head: &[u8], quality: u8, scan: Scan) -> Result<Vec<u8>, RenderError> {
    let (width, height) = (sheet.pixels.width as usize, sheet.pixels.height as usize);
    let mut compressor = Compressor::new().map_err(|e| failed(&e))?;
    compressor.set_quality(i32::from(quality)).map_err(|e| failed(&e))?;
    compressor
        .set_subsamp(match scan.subsampling {
            Subsampling::S444 => Subsamp::None,
            Subsampling::S422 => Subsamp::Sub2x1,
            Subsampling::S420 => Subsamp::Sub2x2,
        })
        .map_err(|e| failed(&e))?;
    compressor.set_progressive(scan.progressive).map_err(|e| failed(&e))?;
    compressor.set_optimize(scan.optimize).map_err(|e| failed(&e))?;
    let image = Image { pixels: sheet.bytes()?, width, pitch: width * 3, height, format: PixelFormat::RGB };
    // The library writes SOI and a JFIF segment without a resolution, where the end of our own head will be. The
    // buffer is for the worst case; of what is not written the system gives no page.
    let at = head.len() - LIBRARY_HEAD_BYTES;
    let most = compressor.buf_len(width, height).map_err(|e| failed(&e))?;
    let mut out = vec![0; at + most];
    let length = compressor.compress_to_slice(image, &mut out[at..]).map_err(|e| failed(&e))?;
    if !matches!(out[at..], [0xff, marker::SOI, 0xff, marker::APP0, 0, 16, ..]) {
        return Err(RenderError::Encode("the JPEG library wrote no JFIF header".to_owned()));
    }
    out[..head.len()].copy_from_slice(head);
    out.truncate(at + length);
    out.shrink_to_fit();
    Ok(out)
}

/// SOI, and the JFIF segment as the library writes it; our own head is longer.
const LIBRARY_HEAD_BYTES: usize = 2 + 18;

/// EXIF and XMP segments. What is too large for a segment loses its largest fields: a picture without a long comment
/// is better than none.
pub(in crate::render) fn push_metadata(out: &mut Vec<u8>, metadata: &Metadata, warnings: &mut Vec<RenderWarning>) {
    if !metadata.exif.fields.is_empty() {
        let block = exif_block(&metadata.exif, PAYLOAD_MAX - EXIF_PREFIX.len());
        segment::push(out, marker::APP1, &[EXIF_PREFIX, &block]);
    }
    match &metadata.xmp {
        Some(block) if block.len() <= PAYLOAD_MAX - XMP_PREFIX.len() => {
            segment::push(out, marker::APP1, &[XMP_PREFIX, block]);
        }
        Some(_) => warnings.push(RenderWarning::XmpDropped("it is too large for a JPEG")),
        None => {}
    }
}

fn exif_block(exif: &Exif, most: usize) -> Vec<u8> {
    let mut block = exif.write();
    let mut exif = exif.clone();
    while block.len() > most {
        let Some(largest) = (0..exif.fields.len()).max_by_key(|i| exif.fields[*i].bytes.len()) else { break };
        exif.fields.remove(largest);
        block = exif.write();
    }
    block
}
