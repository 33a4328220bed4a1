//! Straightening: the picture turned by a fine angle about its centre, on an unchanged canvas.
//!
//! One interpolation, straight from the pixels as they are stored, by Keys' six-point cubic on both axes. Against
//! patterns whose values between the pixels are known (amplitude 78 levels, turned by 7 degrees), mean error in levels:
//!
//! ```text
//! period in pixels    16      8      6      4      3      2.5     overshoot of a hard edge
//! Catmull and Rom     0.023   0.23   0.64   2.7    7.2    13      7 %
//! Lanczos3            0.26    0.36   0.45   1.3    1.3    2.1     12 %
//! this one            0.001   0.03   0.12   0.9    3.6    8.3     9 %
//! ```
//!
//! Lanczos3 is not exact on even ramps, which are most of a photo; only below periods of 3.5 pixels it is better, where
//! lenses and Bayer sensors leave little. The bicubic spline blurs hair, and is hardly quicker.
//!
//! The result is made in tiles. What a tile is made from is first copied out as four floats a pixel, with the edge
//! of the frame repeated past it and colours weighted by alpha: the loop over the taps then has neither branches nor
//! conversions, and its memory stays in the cache.
//!
//! Invariant: one interpolation, at about the resolution that the output needs; no shift, to the fraction of a
//! pixel; the same bytes for any number of threads. Must not know: what the colours mean.

use std::borrow::Cow;
use std::sync::LazyLock;

use rayon::prelude::*;

use super::error::RenderError;
use super::raster::{Layout, Pose, Raster, Sample, Samples};
use super::resample::resample;
use crate::model::spec::{PixelSize, Region, Turn};

/// Sides of a tile of the result. What it is made from takes up to 230 KB.
const TILE: usize = 64;

/// Neighbours of a point on each axis that have a weight.
const TAPS: usize = 6;

/// Of them on either side.
const REACH: i64 = 3;

/// Places between two pixels that have weights of their own. The place is off by 1/2048 of a pixel at most: an eighth
/// of a level on the hardest edge.
const PHASES: usize = 1024;

/// Bits of the fraction of a coordinate.
const FRACTION: u32 = 32;

/// What a region may reach past the turned picture, in pixels; sums of fractions do.
const EDGE_TOLERANCE: f64 = 0.01;

/// Pixels that are turned for one of the window, on each side: twice as many as it has leave nothing to see of the
/// scaling before.
const OVERSIZE: f64 = 2.0;

/// The picture is scaled down before it is turned where that leaves at most this share of its sides. Above it the
/// scaling would take the time that it saves.
const WORTH_SCALING: f64 = 0.75;

/// How the picture lies, and what it was decoded from.
#[derive(Debug, Clone, Copy)]
pub(super) struct Slant {
    pub(super) stored: PixelSize,
    /// The raster is decoded at `1/factor` of `stored`.
    pub(super) factor: u8,
    pub(super) pose: Pose,
    /// Clockwise.
    pub(super) degrees: f64,
}

impl Slant {
    /// Where a point of the upright canvas lies in the upright picture before it was turned.
    fn turned_back(self, x: f64, y: f64) -> (f64, f64) {
        let frame = self.stored.turned(self.pose.turn);
        let (middle_x, middle_y) = (f64::from(frame.width) / 2.0, f64::from(frame.height) / 2.0);
        let (sin, cos) = self.degrees.to_radians().sin_cos();
        let (dx, dy) = (x - middle_x, y - middle_y);
        (middle_x + dx * cos + dy * sin, middle_y + dy * cos - dx * sin)
    }

    fn check(self, region: Region) -> Result<(), RenderError> {
        let frame = self.stored.turned(self.pose.turn);
        let in_frame = |x: f64, y: f64| {
            let within = |v: f64, side: u32| v >= -EDGE_TOLERANCE && v <= f64::from(side) + EDGE_TOLERANCE;
            within(x, frame.width) && within(y, frame.height)
        };
        let (right, bottom) = (region.x + region.width, region.y + region.height);
        let corners = [(region.x, region.y), (right, region.y), (region.x, bottom), (right, bottom)];
        let fits = region.width > 0.0
            && region.height > 0.0
            && corners.iter().all(|(x, y)| {
                let (turned_x, turned_y) = self.turned_back(*x, *y);
                in_frame(*x, *y) && in_frame(turned_x, turned_y)
            });
        if self.degrees.abs() <= 45.0 && fits {
            return Ok(());
        }
        let text = format!("the crop {region:?} reaches out of the picture straightened by {} degrees", self.degrees);
        Err(RenderError::BadSpec(text))
    }
}

/// Cuts `region` of the upright, straightened canvas out of the raster, upright, with pixels enough to be scaled to
/// `window`.
pub(super) fn straighten(
    raster: Cow<'_, Raster>,
    slant: Slant,
    region: Region,
    window: PixelSize,
) -> Result<Raster, RenderError> {
    slant.check(region)?;
    if matches!(raster.layout, Layout::Planes(_)) {
        return Err(RenderError::BadSpec("planes cannot be straightened".to_owned()));
    }
    let decoded = 1.0 / f64::from(slant.factor);
    let wanted = (f64::from(window.width) / region.width).max(f64::from(window.height) / region.height) * OVERSIZE;
    let mut scale = (decoded, decoded);
    let raster = if wanted < decoded * WORTH_SCALING {
        let side = |length: u32| (f64::from(length) * wanted / decoded).ceil();
        let (width, height) = (side(raster.size.width), side(raster.size.height));
        let (full_width, full_height) = (f64::from(raster.size.width), f64::from(raster.size.height));
        scale = (decoded * width / full_width, decoded * height / full_height);
        let whole = Region { x: 0.0, y: 0.0, width: full_width, height: full_height };
        let (full, smaller) = (raster.size, PixelSize::new(width as u32, height as u32));
        resample(raster, full, 1, Pose::turned(Turn::None), whole, smaller)?
    } else {
        raster
    };
    let finest = scale.0.max(scale.1);
    // Without the dust of a float a pixel more would come out, and nothing be sampled where it lies.
    let pixels = |length: f64| ((length * finest - 1e-6).ceil() as u32).max(1);
    let size = PixelSize::new(pixels(region.width), pixels(region.height));
    let walk = Walk::new(slant, scale, region, size);
    let samples = match &raster.samples {
        Samples::U8(v) => Samples::U8(sample(v, &raster, walk, size)),
        Samples::U16(v) => Samples::U16(sample(v, &raster, walk, size)),
    };
    Ok(Raster { size, layout: raster.layout, samples })
}

/// From pixels of the result to places in the raster, counted from the centre of its first pixel.
#[derive(Debug, Clone, Copy)]
struct Walk {
    origin: (f64, f64),
    right: (f64, f64),
    down: (f64, f64),
}

impl Walk {
    fn new(slant: Slant, scale: (f64, f64), region: Region, size: PixelSize) -> Walk {
        let (step_x, step_y) = (region.width / f64::from(size.width), region.height / f64::from(size.height));
        let at = |i: f64, j: f64| {
            let (x, y) = slant.turned_back(region.x + (i + 0.5) * step_x, region.y + (j + 0.5) * step_y);
            let stored = slant.pose.to_stored(Region { x, y, width: 0.0, height: 0.0 }, slant.stored);
            (stored.x * scale.0 - 0.5, stored.y * scale.1 - 0.5)
        };
        // The ends of the rows and columns: differences of neighbours would gather rounding on the way.
        let (last_x, last_y) = (f64::from(size.width), f64::from(size.height));
        let (origin, right, down) = (at(0.0, 0.0), at(last_x, 0.0), at(0.0, last_y));
        let step = |end: (f64, f64), length: f64| ((end.0 - origin.0) / length, (end.1 - origin.1) / length);
        Walk { origin, right: step(right, last_x), down: step(down, last_y) }
    }

    fn at(self, x: usize, y: usize) -> (f64, f64) {
        let (x, y) = (x as f64, y as f64);
        let along = |origin: f64, right: f64, down: f64| origin + x * right + y * down;
        (along(self.origin.0, self.right.0, self.down.0), along(self.origin.1, self.right.1, self.down.1))
    }
}

fn sample<T: Sample>(samples: &[T], raster: &Raster, walk: Walk, size: PixelSize) -> Vec<T> {
    let mut out = vec![T::default(); size.pixels() as usize * raster.layout.channels()];
    match (raster.layout, raster.layout.channels()) {
        // Colour counts as much as it covers; else the colour of clear pixels would show at edges.
        (Layout::Rgba, _) => {
            let load = |pixel: [T; 4]| {
                let [r, g, b, a] = pixel.map(number);
                let share = a / 65_535.0;
                [r * share, g * share, b * share, a]
            };
            turn(samples, raster.size, walk, size, &mut out, load, |[r, g, b, a]| {
                let share = (a / 65_535.0).max(1e-6);
                [r / share, g / share, b / share, a].map(rounded)
            });
        }
        (_, 1) => {
            let load = |[v]: [T; 1]| [number(v), 0.0, 0.0, 0.0];
            turn(samples, raster.size, walk, size, &mut out, load, |[v, ..]| [rounded(v)]);
        }
        (_, 3) => {
            let load = |[r, g, b]: [T; 3]| [number(r), number(g), number(b), 0.0];
            turn(samples, raster.size, walk, size, &mut out, load, |[r, g, b, _]| [r, g, b].map(rounded));
        }
        _ => {
            turn(samples, raster.size, walk, size, &mut out, |inks: [T; 4]| inks.map(number), |inks| inks.map(rounded));
        }
    }
    out
}

fn number<T: Sample>(value: T) -> f32 {
    f32::from(value.to_u16())
}

fn rounded<T: Sample>(value: f32) -> T {
    T::from_u16((value + 0.5).clamp(0.0, 65_535.0) as u16)
}

/// The part of the raster that a tile is made from.
#[derive(Debug, Default)]
struct Patch {
    /// Of the raster; may lie before its first pixel.
    left: i64,
    top: i64,
    width: usize,
    height: usize,
    pixels: Vec<[f32; 4]>,
}

impl Patch {
    /// Takes what the taps about these four corners of a tile reach.
    fn take<P: Copy>(&mut self, corners: [(f64, f64); 4], pixels: &[P], size: PixelSize, load: impl Fn(P) -> [f32; 4]) {
        let span = |places: [f64; 4]| {
            let low = places.iter().copied().fold(f64::INFINITY, f64::min).floor() as i64;
            let high = places.iter().copied().fold(f64::NEG_INFINITY, f64::max).floor() as i64;
            // One more on each side for what rounding to a phase moves.
            (low - REACH, (high - low) as usize + TAPS + 2)
        };
        (self.left, self.width) = span(corners.map(|(x, _)| x));
        (self.top, self.height) = span(corners.map(|(_, y)| y));
        self.pixels.clear();
        self.pixels.reserve(self.width * self.height);
        let (last_x, last_y) = (i64::from(size.width) - 1, i64::from(size.height) - 1);
        let (right, bottom) =
            (self.left + self.width.cast_signed() as i64, self.top + self.height.cast_signed() as i64);
        for y in self.top..bottom {
            let row = &pixels[y.clamp(0, last_y) as usize * size.width as usize..][..size.width as usize];
            let (first, stop) = (self.left.clamp(0, last_x), right.clamp(1, last_x + 1));
            let before = (first - self.left).min(right - self.left) as usize;
            let inside = &row[first as usize..stop.max(first + 1) as usize];
            let inside = &inside[..inside.len().min(self.width - before)];
            self.pixels.extend(std::iter::repeat_n(load(row[0]), before));
            self.pixels.extend(inside.iter().map(|p| load(*p)));
            let after = self.width - before - inside.len();
            self.pixels.extend(std::iter::repeat_n(load(row[last_x as usize]), after));
        }
    }

    /// The value about a place, in pixels of the patch with a fraction.
    fn at(&self, x: i64, y: i64, weights: &[[f32; TAPS]]) -> [f32; 4] {
        let phase = |v: i64| (v >> (FRACTION - PHASES.ilog2())) as usize % PHASES;
        let (across, down) = (&weights[phase(x)], &weights[phase(y)]);
        let first = ((y >> FRACTION) as usize + 1 - TAPS / 2) * self.width + (x >> FRACTION) as usize + 1 - TAPS / 2;
        let mut sum = [0f32; 4];
        for (row, down) in down.iter().enumerate() {
            let Some(taps) = self.pixels[first + row * self.width..].first_chunk::<TAPS>() else { break };
            let mut line = [0f32; 4];
            for (tap, across) in taps.iter().zip(across) {
                for (line, value) in line.iter_mut().zip(tap) {
                    *line += value * across;
                }
            }
            for (sum, value) in sum.iter_mut().zip(line) {
                *sum += value * down;
            }
        }
        sum
    }
}

/// Weights of the neighbours for every phase; each set sums up to 1.
static WEIGHTS: LazyLock<Vec<[f32; TAPS]>> = LazyLock::new(|| {
    let set = |phase: usize| {
        let place = phase as f64 / PHASES as f64 + (TAPS / 2 - 1) as f64;
        let all: [f64; TAPS] = std::array::from_fn(|tap| kernel((tap as f64 - place).abs()));
        let sum: f64 = all.iter().sum();
        all.map(|weight| (weight / sum) as f32)
    };
    (0..PHASES).map(set).collect()
});

/// Keys' cubic of six points: exact on polynomials of the third degree.
fn kernel(t: f64) -> f64 {
    match t {
        t if t < 1.0 => (4.0 / 3.0 * t - 7.0 / 3.0) * t * t + 1.0,
        t if t < 2.0 => ((-7.0 / 12.0 * t + 3.0) * t - 59.0 / 12.0) * t + 2.5,
        t if t < 3.0 => ((t / 12.0 - 2.0 / 3.0) * t + 1.75) * t - 1.5,
        _ => 0.0,
    }
}

/// Fills `out`, tile by tile.
fn turn<T: Sample, const N: usize>(
    samples: &[T],
    from: PixelSize,
    walk: Walk,
    size: PixelSize,
    out: &mut [T],
    load: impl Fn([T; N]) -> [f32; 4] + Sync,
    store: impl Fn([f32; 4]) -> [T; N] + Sync,
) {
    let (pixels, _) = samples.as_chunks::<N>();
    let (out, _) = out.as_chunks_mut::<N>();
    let width = size.width as usize;
    let weights: &[[f32; TAPS]] = &WEIGHTS;
    out.par_chunks_mut(width * TILE).enumerate().for_each_init(Patch::default, |patch, (band, rows)| {
        let (top, height) = (band * TILE, rows.len() / width);
        for left in (0..width).step_by(TILE) {
            let right = (left + TILE).min(width);
            let corners = [(left, top), (right, top), (left, top + height), (right, top + height)];
            patch.take(corners.map(|(x, y)| walk.at(x, y)), pixels, from, &load);
            // Whole numbers add up without rounding, and take no call for the part below the point.
            let fixed = |v: f64| (v * (1i64 << FRACTION) as f64) as i64;
            let half_phase = 1i64 << (FRACTION - PHASES.ilog2() - 1);
            let (step_x, step_y) = (fixed(walk.right.0), fixed(walk.right.1));
            for (row, line) in rows.chunks_exact_mut(width).enumerate() {
                let (x, y) = walk.at(left, top + row);
                let mut x = fixed(x - patch.left as f64) + half_phase;
                let mut y = fixed(y - patch.top as f64) + half_phase;
                for pixel in &mut line[left..right] {
                    *pixel = store(patch.at(x, y, weights));
                    x += step_x;
                    y += step_y;
                }
            }
        }
    });
}
