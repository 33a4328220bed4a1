//! One picture of a sheet: from decoded pixels to finished ones in the output's colours.
//!
//! Invariant: the order of operations is the published one (orient, crop, resize, colour in, tone, sharpen, colour
//! out), and everything past the resize works at output size. Must not know: where on the sheet it lies.

use std::borrow::Cow;

use super::color::{Converter, Path};
use super::error::RenderError;
use super::profile::Profile;
use super::raster::{Layout, Pose, Raster, Sample, Samples};
use super::resample::resample;
use super::sharpen::sharpen;
use super::tone::Toner;
use crate::model::spec::{Cell, DecodeFactor, Intent, Orientation, PixelSize, Tone};

/// A source that was decoded.
#[derive(Debug)]
pub(super) struct Decoded<'a> {
    pub(super) raster: Cow<'a, Raster>,
    pub(super) stored: PixelSize,
    pub(super) orientation: Orientation,
    /// 1 for all but JPEG.
    pub(super) factor: DecodeFactor,
}

/// The finished pixels of a window: 8-bit RGB and, where the picture has it, alpha.
#[derive(Debug)]
pub(super) struct Finished {
    pub(super) rgb: Vec<u8>,
    pub(super) alpha: Option<Vec<u8>>,
}

/// Makes the pixels of `cell`'s window.
pub(super) fn finish(cell: &Cell, source: Decoded<'_>, path: &Path) -> Result<Finished, RenderError> {
    let pose = Pose::new(source.orientation, cell.rotate);
    let window = PixelSize::new(cell.window.width, cell.window.height);
    let raster = resample(source.raster, source.stored, source.factor.0, pose, cell.region, window)?;
    let (raster, alpha) = split_alpha(raster);
    let mut raster = path.inward(raster)?;
    if let Some(toner) = toner(cell.tone, path)? {
        toner.apply(raster.to_mut());
    }
    if let Some(unsharp) = cell.sharpen {
        sharpen(raster.to_mut(), unsharp);
    }
    Ok(Finished { rgb: path.outward(raster)?, alpha })
}

fn toner(tone: Tone, path: &Path) -> Result<Option<Toner>, RenderError> {
    Toner::new(tone, &path.working, |rgb| {
        let srgb = Profile::srgb();
        if path.working.icc == srgb.icc {
            return Ok(rgb);
        }
        Converter::new(&srgb, &path.working, Intent::Relative, true)?.color(rgb)
    })
}

/// Colour is edited without its alpha; the alpha is used when the picture is laid on its background.
fn split_alpha(raster: Cow<'_, Raster>) -> (Cow<'_, Raster>, Option<Vec<u8>>) {
    fn split<T: Sample>(samples: &[T]) -> (Vec<T>, Vec<u8>) {
        let (pixels, _) = samples.as_chunks::<4>();
        let colors = pixels.iter().flat_map(|[r, g, b, _]| [*r, *g, *b]).collect();
        (colors, pixels.iter().map(|[.., alpha]| u8::from_u16(alpha.to_u16())).collect())
    }
    if raster.layout != Layout::Rgba {
        return (raster, None);
    }
    let (samples, alpha) = match &raster.samples {
        Samples::U8(v) => {
            let (colors, alpha) = split(v);
            (Samples::U8(colors), alpha)
        }
        Samples::U16(v) => {
            let (colors, alpha) = split(v);
            (Samples::U16(colors), alpha)
        }
    };
    (Cow::Owned(Raster { size: raster.size, layout: Layout::Rgb, samples }), Some(alpha))
}
