//! Pixels to files.
//!
//! Invariant: three channels, the output's profile embedded, the same dpi everywhere; the same input gives the same
//! bytes. Must not know: where pixels and metadata come from.

mod jpeg;
mod png;
mod tiff;
mod webp;

pub(super) use jpeg::push_metadata;

use super::error::{RenderError, RenderWarning};
use super::metadata::Metadata;
use super::raster::Samples;
use crate::model::spec::{Encoding, PixelSize};

/// A finished sheet and what is to be written with it.
#[derive(Debug)]
pub(super) struct Sheet<'a> {
    pub(super) pixels: PixelSize,
    /// RGB; 16 bits exactly for encodings that have them.
    pub(super) samples: &'a Samples,
    pub(super) icc: &'a [u8],
    pub(super) dpi: f64,
    pub(super) metadata: &'a Metadata,
}

impl Sheet<'_> {
    fn bytes(&self) -> Result<&[u8], RenderError> {
        match self.samples {
            Samples::U8(v) => Ok(v),
            Samples::U16(_) => Err(RenderError::BadSpec("16 bits a channel for a file of 8".to_owned())),
        }
    }
}

/// What can be told of an encoding before there are pixels.
pub(super) fn check(encoding: &Encoding, pixels: PixelSize) -> Result<(), RenderError> {
    match encoding {
        Encoding::Png { bits, .. } | Encoding::Tiff { bits, .. } if !matches!(bits, 8 | 16) => {
            Err(RenderError::BadSpec(format!("{bits} bits a channel")))
        }
        Encoding::Webp { .. } if pixels.long_edge() > webp::SIDE_MAX_PX => {
            Err(RenderError::TooLargeForFormat { format: "WebP", found: pixels, most: webp::SIDE_MAX_PX })
        }
        _ => Ok(()),
    }
}

/// Encodes a sheet. `Copy` has no sheet and is refused.
pub(super) fn encode(
    sheet: &Sheet<'_>,
    encoding: &Encoding,
    warnings: &mut Vec<RenderWarning>,
) -> Result<Vec<u8>, RenderError> {
    check(encoding, sheet.pixels)?;
    match *encoding {
        Encoding::Jpeg { quality, subsampling, progressive, optimize, max_bytes } => {
            let scan = jpeg::Scan { subsampling, progressive, optimize };
            let head = jpeg::head(sheet, warnings)?;
            fitted(quality, max_bytes, warnings, |quality| jpeg::write(sheet, &head, quality, scan))
        }
        Encoding::Webp { quality, max_bytes } => {
            fitted(quality, max_bytes, warnings, |quality| webp::write(sheet, quality))
        }
        Encoding::Png { compression, .. } => png::write(sheet, compression),
        Encoding::Tiff { compression, .. } => tiff::write(sheet, compression),
        Encoding::Copy => Err(RenderError::BadSpec("a copy is not encoded".to_owned())),
    }
}

fn failed(error: &impl ToString) -> RenderError {
    RenderError::Encode(error.to_string())
}

/// The lowest quality that `max_bytes` goes down to.
const QUALITY_FLOOR: u8 = 40;

/// The file of the highest quality, up to the asked one, that is not larger than wanted. It is halved between a
/// quality that fits and one that does not, so at most seven files are made beside the first one; sizes do not grow
/// strictly with quality, but what is handed on was made and measured, with everything that is in it.
fn fitted(
    asked: u8,
    max_bytes: Option<u64>,
    warnings: &mut Vec<RenderWarning>,
    mut make: impl FnMut(u8) -> Result<Vec<u8>, RenderError>,
) -> Result<Vec<u8>, RenderError> {
    let asked = asked.clamp(1, 100);
    let first = make(asked)?;
    let Some(wanted) = max_bytes.filter(|wanted| first.len() as u64 > *wanted) else { return Ok(first) };
    let floor = asked.min(QUALITY_FLOOR);
    let mut best = if floor < asked {
        drop(first);
        make(floor)?
    } else {
        first
    };
    if best.len() as u64 > wanted {
        warnings.push(RenderWarning::TooManyBytes { bytes: best.len() as u64, wanted });
        return Ok(best);
    }
    let (mut fits, mut too_large) = (floor, asked);
    while too_large - fits > 1 {
        let middle = fits.midpoint(too_large);
        let file = make(middle)?;
        if file.len() as u64 > wanted {
            too_large = middle;
        } else {
            (fits, best) = (middle, file);
        }
    }
    Ok(best)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A coder whose files grow by 10 bytes with each step of quality.
    fn fit(asked: u8, max_bytes: u64) -> (usize, Vec<u8>, Vec<RenderWarning>) {
        let (mut tried, mut warnings) = (Vec::new(), Vec::new());
        let file = fitted(asked, Some(max_bytes), &mut warnings, |quality| {
            tried.push(quality);
            Ok(vec![0; usize::from(quality) * 10])
        });
        (file.unwrap().len(), tried, warnings)
    }

    #[test]
    fn quality_goes_down_only_as_far_as_it_must() {
        assert_eq!(fit(95, 950), (950, vec![95], vec![]));
        for wanted in 400..950 {
            let (bytes, tried, warnings) = fit(95, wanted);
            assert_eq!(bytes as u64, wanted / 10 * 10);
            assert!(tried.len() <= 8 && warnings.is_empty(), "{tried:?}");
        }
        assert_eq!(fit(41, 405), (400, vec![41, 40], vec![]));
    }

    #[test]
    fn the_smallest_file_comes_with_a_warning() {
        let warning = |bytes, wanted| vec![RenderWarning::TooManyBytes { bytes, wanted }];
        assert_eq!(fit(95, 399), (400, vec![95, 40], warning(400, 399)));
        // A lower quality that was asked for is not raised, and is not lowered either.
        assert_eq!(fit(30, 100), (300, vec![30], warning(300, 100)));
        assert_eq!(fit(40, 100), (400, vec![40], warning(400, 100)));
    }
}
