//! One picture of a sheet: from decoded pixels to finished ones in the output's colours.
//!
//! Invariant: the order of operations is the published one (orient, straighten, crop, resize, colour in, adjust, tone,
//! sharpen, colour out), and everything past the resize works at output size. Must not know: where on the sheet it
//! lies.

use std::borrow::Cow;

use super::adjust::Adjuster;
use super::color::{Converter, Path};
use super::error::RenderError;
use super::profile::Profile;
use super::raster::{Layout, Pose, Raster, Sample, Samples};
use super::resample::resample;
use super::sharpen::sharpen;
use super::straighten::{Slant, straighten};
use super::tone::Toner;
use crate::model::spec::{Cell, DecodeFactor, Intent, Orientation, PixelSize, Region, Tone, Turn};

/// A source that was decoded.
#[derive(Debug)]
pub(super) struct Decoded<'a> {
    pub(super) raster: Cow<'a, Raster>,
    pub(super) stored: PixelSize,
    pub(super) orientation: Orientation,
    /// 1 for all but JPEG.
    pub(super) factor: DecodeFactor,
}

/// The finished pixels of a window: RGB and, where the picture has it, alpha; both of one depth.
#[derive(Debug)]
pub(super) struct Finished {
    pub(super) rgb: Samples,
    pub(super) alpha: Option<Samples>,
}

/// Makes the pixels of `cell`'s window; `wide`: 16 bits a channel.
pub(super) fn finish(cell: &Cell, source: Decoded<'_>, path: &Path, wide: bool) -> Result<Finished, RenderError> {
    let pose = Pose::new(source.orientation, cell.rotate);
    let window = PixelSize::new(cell.window.width, cell.window.height);
    let raster = if cell.straighten == 0.0 {
        resample(source.raster, source.stored, source.factor.0, pose, cell.region, window)?
    } else {
        let slant = Slant { stored: source.stored, factor: source.factor.0, pose, degrees: cell.straighten };
        let straight = straighten(source.raster, slant, cell.region, window)?;
        let size = straight.size;
        let whole = Region { x: 0.0, y: 0.0, width: f64::from(size.width), height: f64::from(size.height) };
        resample(Cow::Owned(straight), size, 1, Pose::turned(Turn::None), whole, window)?
    };
    let (raster, alpha) = split_alpha(raster);
    let mut raster = path.inward(raster)?;
    if let Some(adjuster) = Adjuster::new(&cell.adjust, &path.working)? {
        raster = Cow::Owned(adjuster.apply(&raster));
    }
    if let Some(toner) = toner(cell.tone, path)? {
        toner.apply(raster.to_mut());
    }
    if let Some(unsharp) = cell.sharpen {
        sharpen(raster.to_mut(), alpha.as_ref(), unsharp);
    }
    Ok(Finished { rgb: path.outward(raster, wide)?, alpha: alpha.map(|alpha| alpha.in_depth(wide)) })
}

fn toner(tone: Tone, path: &Path) -> Result<Option<Toner>, RenderError> {
    Toner::new(tone, &path.working, |rgb| {
        let srgb = Profile::srgb();
        if path.working.icc == srgb.icc {
            return Ok(rgb.map(Sample::to_u16));
        }
        Converter::new(&srgb, &path.working, Intent::Relative, true)?.color(rgb)
    })
}

/// Colour is edited without its alpha; the alpha is used when the picture is laid on its background.
pub(super) fn split_alpha(raster: Cow<'_, Raster>) -> (Cow<'_, Raster>, Option<Samples>) {
    fn split<T: Sample>(samples: &[T]) -> (Vec<T>, Vec<T>) {
        let (pixels, _) = samples.as_chunks::<4>();
        let colors = pixels.iter().flat_map(|[r, g, b, _]| [*r, *g, *b]).collect();
        (colors, pixels.iter().map(|[.., alpha]| *alpha).collect())
    }
    if raster.layout != Layout::Rgba {
        return (raster, None);
    }
    let (samples, alpha) = match &raster.samples {
        Samples::U8(v) => {
            let (colors, alpha) = split(v);
            (Samples::U8(colors), Samples::U8(alpha))
        }
        Samples::U16(v) => {
            let (colors, alpha) = split(v);
            (Samples::U16(colors), Samples::U16(alpha))
        }
    };
    (Cow::Owned(Raster { size: raster.size, layout: Layout::Rgb, samples }), Some(alpha))
}
