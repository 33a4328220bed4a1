//! WebP files, lossy: the library's picture in a container of our own.
//!
//! Must not know: what the words of the metadata mean.

use ::webp::{Encoder, WebPConfig};

use super::super::chunk::{self, WebpParts};
use super::super::error::RenderError;
use super::{Sheet, failed};

/// The format counts a side in 14 bits, less one.
pub(super) const SIDE_MAX_PX: u32 = 16_383;

/// How hard the library looks for a smaller file, 0 … 6. Above 4 it takes up to twice the time for one or two in a
/// hundred bytes.
const METHOD: i32 = 4;

pub(super) fn write(sheet: &Sheet<'_>, quality: u8) -> Result<Vec<u8>, RenderError> {
    let mut config = WebPConfig::new().map_err(|()| failed(&"the WebP library is of another version"))?;
    config.quality = f32::from(quality);
    config.method = METHOD;
    // The format always has 4:2:0. Weighing the chroma of neighbours keeps red clothes, lips and thin lines of colour
    // from getting dark, jagged edges, which is what WebP is known for in portraits.
    config.use_sharp_yuv = 1;
    // One thread: the workers share the processor already, and the bytes must not hang on how many there are.
    config.thread_level = 0;
    let (width, height) = (sheet.pixels.width, sheet.pixels.height);
    let coded = Encoder::from_rgb(sheet.bytes()?, width, height)
        .encode_advanced(&config)
        .map_err(|e| failed(&format!("the WebP library says {e:?}")))?;
    let chunks = chunk::walk_webp(&coded)?;
    let [picture] = chunks.as_slice() else { return Err(failed(&"the WebP library wrote more than a picture")) };
    let exif = sheet.metadata.exif.write();
    Ok(chunk::webp_file(&WebpParts {
        size: sheet.pixels,
        alpha: false,
        icc: Some(sheet.icc),
        picture: &[*picture],
        exif: Some(&exif),
        xmp: sheet.metadata.xmp.as_deref(),
    }))
}
