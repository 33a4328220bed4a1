//! Cropping and scaling: a part of the frame becomes a window of the sheet.
//!
//! Invariant: the region is used as real numbers, never snapped to whole pixels; where region and window are the
//! same whole pixels nothing is resampled. Must not know: what the colours mean.

use std::borrow::Cow;

use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions};

use super::error::RenderError;
use super::planes;
use super::raster::{Layout, Pose, Raster, Samples};
use super::scratch;
use crate::model::spec::{PixelSize, Region};

/// What a region may reach past the frame, in pixels; sums of fractions do.
const EDGE_TOLERANCE: f64 = 0.01;

/// Cuts `region` of the upright full-size frame out of `raster` and scales it to `window`, upright.
///
/// `raster` holds the stored orientation, decoded at `1/factor` of `stored`. The small result is turned, not the
/// large picture.
pub(super) fn resample(
    raster: Cow<'_, Raster>,
    stored: PixelSize,
    factor: u8,
    pose: Pose,
    region: Region,
    window: PixelSize,
) -> Result<Cow<'_, Raster>, RenderError> {
    let region = inside(region, stored.turned(pose.turn))?;
    let seen = pose.to_stored(region, stored);
    // A scaled decode covers exactly factor × factor stored pixels with each of its own: the scale is 1/factor,
    // not the ratio of the rounded sizes.
    let scale = 1.0 / f64::from(factor);
    let seen = Region { x: seen.x * scale, y: seen.y * scale, width: seen.width * scale, height: seen.height * scale };
    let scaled = scale_stored(raster, seen, window.turned(pose.turn))?;
    if pose.is_upright() {
        return Ok(scaled);
    }
    let upright = scaled.posed(pose);
    recycle(scaled);
    Ok(Cow::Owned(upright))
}

fn recycle(raster: Cow<'_, Raster>) {
    if let Cow::Owned(raster) = raster {
        raster.samples.recycle();
    }
}

/// The region clipped to the frame; an error when it is not a part of it.
fn inside(region: Region, frame: PixelSize) -> Result<Region, RenderError> {
    let (w, h) = (f64::from(frame.width), f64::from(frame.height));
    let numbers = [region.x, region.y, region.width, region.height];
    let fits = numbers.iter().all(|n| n.is_finite())
        && region.x >= -EDGE_TOLERANCE
        && region.y >= -EDGE_TOLERANCE
        && region.width > 0.0
        && region.height > 0.0
        && region.x + region.width <= w + EDGE_TOLERANCE
        && region.y + region.height <= h + EDGE_TOLERANCE;
    if !fits {
        return Err(RenderError::BadSpec(format!("the crop {region:?} does not lie inside the frame {frame}")));
    }
    let (x, y) = (region.x.max(0.0), region.y.max(0.0));
    Ok(Region { x, y, width: (region.x + region.width).min(w) - x, height: (region.y + region.height).min(h) - y })
}

fn scale_stored(raster: Cow<'_, Raster>, seen: Region, target: PixelSize) -> Result<Cow<'_, Raster>, RenderError> {
    if let (Layout::Planes(chroma), Samples::U8(samples)) = (raster.layout, &raster.samples) {
        let mut scaled = [(); 3].map(|()| scratch::take(target.pixels() as usize));
        for ((plane, size, seen), out) in chroma.planes(samples, raster.size, seen).into_iter().zip(&mut scaled) {
            scale((plane, size), seen, (out, target), PixelType::U8, false)?;
        }
        recycle(raster);
        let rgb = planes::to_rgb([&scaled[0], &scaled[1], &scaled[2]]);
        scaled.into_iter().for_each(scratch::give);
        return Ok(Cow::Owned(Raster { size: target, layout: Layout::Rgb, samples: Samples::U8(rgb) }));
    }
    let whole = |a: f64, b: u32| (a - f64::from(b)).abs() < 1e-6;
    let same_size = whole(seen.width, target.width) && whole(seen.height, target.height);
    if same_size && target == raster.size && whole(seen.x, 0) && whole(seen.y, 0) {
        return Ok(raster);
    }
    // Real numbers carry rounding dust; without this a whole-pixel crop would be resampled for 1e-12 of a pixel.
    let seen = if same_size && (seen.x - seen.x.round()).abs() < 1e-6 && (seen.y - seen.y.round()).abs() < 1e-6 {
        Region {
            x: seen.x.round(),
            y: seen.y.round(),
            width: f64::from(target.width),
            height: f64::from(target.height),
        }
    } else {
        seen
    };
    let length = target.pixels() as usize * raster.layout.channels();
    let (from, pixel) = (raster.size, pixel_type(&raster));
    // Without alpha in the layout, the K of CMYK would be taken for it.
    let alpha = raster.layout == Layout::Rgba;
    let samples = match &raster.samples {
        Samples::U8(v) => {
            let mut out = scratch::take(length);
            scale((v, from), seen, (&mut out, target), pixel, alpha)?;
            Samples::U8(out)
        }
        Samples::U16(v) => {
            let mut out = scratch::take::<u16>(length);
            let (bytes, out_bytes) = (bytemuck::cast_slice(v), bytemuck::cast_slice_mut(&mut out));
            scale((bytes, from), seen, (out_bytes, target), pixel, alpha)?;
            Samples::U16(out)
        }
    };
    let layout = raster.layout;
    recycle(raster);
    Ok(Cow::Owned(Raster { size: target, layout, samples }))
}

/// A part of a picture, scaled to another one.
fn scale(
    (bytes, size): (&[u8], PixelSize),
    seen: Region,
    (out, target): (&mut [u8], PixelSize),
    pixel: PixelType,
    alpha: bool,
) -> Result<(), RenderError> {
    let failed = |e: &dyn std::fmt::Display| RenderError::BadSpec(format!("scaling to {target}: {e}"));
    let source = ImageRef::new(size.width, size.height, bytes, pixel).map_err(|e| failed(&e))?;
    let mut out = Image::from_slice_u8(target.width, target.height, out, pixel).map_err(|e| failed(&e))?;
    // The resizer refuses a box that reaches past the picture by the last bit of a float.
    let width = seen.width.min(f64::from(size.width) - seen.x);
    let height = seen.height.min(f64::from(size.height) - seen.y);
    let options = ResizeOptions::new()
        .resize_alg(ResizeAlg::Convolution(FilterType::Lanczos3))
        .crop(seen.x, seen.y, width, height)
        .use_alpha(alpha);
    scratch::with_resizer(|resizer| resizer.resize(&source, &mut out, &options)).map_err(|e| failed(&e))
}

fn pixel_type(raster: &Raster) -> PixelType {
    match (&raster.samples, raster.layout) {
        (Samples::U8(_), Layout::Gray) => PixelType::U8,
        (Samples::U8(_), Layout::Rgb) => PixelType::U8x3,
        (Samples::U8(_), _) => PixelType::U8x4,
        (Samples::U16(_), Layout::Gray) => PixelType::U16,
        (Samples::U16(_), Layout::Rgb) => PixelType::U16x3,
        (Samples::U16(_), _) => PixelType::U16x4,
    }
}
