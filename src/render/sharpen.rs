//! Unsharp masking on luminance.
//!
//! Invariant: flat areas and differences up to the threshold stay as they are, to the bit; all channels of a pixel
//! move by the same amount, so its colour stays; what cannot be seen makes no edge. Must not know: colour spaces.

#![expect(clippy::inline_always, reason = "only what is inlined into `dispatch` is compiled for its vectors")]

use pulp::Arch;
use rayon::prelude::*;

use super::raster::{Raster, Sample, Samples};
use super::scratch;
use crate::model::spec::Unsharp;

/// Rows that are blurred in one go; their neighbours above and below are blurred again for the next strip, which is
/// cheaper than keeping a blurred copy of the whole picture.
const STRIP_ROWS: usize = 64;

/// Sharpens RGB in place.
///
/// The difference from the blurred picture is added `amount` times, less the threshold: it sets in softly at the
/// threshold instead of with a jump, which would show as grain. Neighbours count by their `alpha`: the colour under what
/// is clear is anything.
pub(super) fn sharpen(raster: &mut Raster, alpha: Option<&Samples>, unsharp: Unsharp) {
    if unsharp.amount <= 0.0 {
        return;
    }
    let (width, height) = (raster.size.width as usize, raster.size.height as usize);
    match &mut raster.samples {
        Samples::U8(v) => sharpen_rgb(v, alpha, width, height, unsharp),
        Samples::U16(v) => sharpen_rgb(v, alpha, width, height, unsharp),
    }
}

/// Half of a gaussian from its middle on; the whole sums up to 1.
fn kernel(sigma: f64) -> Vec<f32> {
    let reach = (sigma * 3.0).ceil().max(1.0) as usize;
    let half: Vec<f64> = (0..=reach).map(|i| (-((i * i) as f64) / (2.0 * sigma * sigma)).exp()).collect();
    let sum = half[0] + 2.0 * half[1..].iter().sum::<f64>();
    half.iter().map(|v| (v / sum) as f32).collect()
}

/// Luminance in 16 bits by the weights of Rec. 709 on the encoded values.
fn luminance<T: Sample>(samples: &[T]) -> Vec<u16> {
    let mut out = scratch::take(samples.len() / 3);
    let (pixels, _) = samples.as_chunks::<3>();
    let arch = Arch::new();
    out.par_chunks_mut(16_384).zip(pixels.par_chunks(16_384)).for_each(|(out, pixels)| {
        arch.dispatch(
            #[inline(always)]
            || {
                for (y, [r, g, b]) in out.iter_mut().zip(pixels) {
                    // 65,535 × 65,536 and the rounding just fit.
                    let [r, g, b] = [r, g, b].map(|v| u32::from(v.to_u16()));
                    let sum = r * 13_933 + g * 46_871 + b * 4_732;
                    *y = ((sum + 32_768) >> 16) as u16;
                }
            },
        );
    });
    out
}

/// Loops below run in the widest vectors that the processor has. They add and multiply in the same order in all of
/// them, so the result is the same.
fn sharpen_rgb<T: Sample>(samples: &mut [T], alpha: Option<&Samples>, width: usize, height: usize, unsharp: Unsharp) {
    let kernel = kernel(unsharp.radius.clamp(0.1, 20.0));
    let luminance = luminance(samples);
    let plane = Plane { luminance: &luminance, alpha, width, height };
    let arch = Arch::new();
    samples.par_chunks_mut(STRIP_ROWS * width * 3).enumerate().for_each(|(strip, rows)| {
        arch.dispatch(
            #[inline(always)]
            || plane.sharpen_strip(strip * STRIP_ROWS, rows, &kernel, unsharp),
        );
    });
    scratch::give(luminance);
}

/// Luminance as it was before anything was sharpened.
struct Plane<'a> {
    luminance: &'a [u16],
    alpha: Option<&'a Samples>,
    width: usize,
    height: usize,
}

impl Plane<'_> {
    fn row(&self, y: usize) -> &[u16] {
        &self.luminance[y * self.width..(y + 1) * self.width]
    }

    /// Luminance in levels, times alpha where there is one.
    #[inline(always)]
    fn weighted(&self, y: usize, out: &mut [f32]) {
        for (to, from) in out.iter_mut().zip(self.row(y)) {
            *to = level(*from);
        }
        if self.alpha.is_some() {
            let mut weights = vec![0f32; self.width];
            self.weights(y, &mut weights);
            for (to, weight) in out.iter_mut().zip(weights) {
                *to *= weight;
            }
        }
    }

    /// Alpha, 0 … 1.
    fn weights(&self, y: usize, out: &mut [f32]) {
        let row = y * self.width..(y + 1) * self.width;
        match self.alpha {
            Some(Samples::U8(v)) => out.iter_mut().zip(&v[row]).for_each(|(to, a)| *to = f32::from(*a) / 255.0),
            Some(Samples::U16(v)) => out.iter_mut().zip(&v[row]).for_each(|(to, a)| *to = f32::from(*a) / 65_535.0),
            None => out.fill(1.0),
        }
    }

    /// Rows of a plane blurred sideways, edges repeated; `read` gives a row.
    #[inline(always)]
    fn sideways(
        &self,
        rows: std::ops::RangeInclusive<usize>,
        kernel: &[f32],
        read: impl Fn(usize, &mut [f32]),
    ) -> Vec<f32> {
        let (width, reach) = (self.width, kernel.len() - 1);
        let mut padded = vec![0f32; width + 2 * reach];
        let mut out = vec![0f32; (rows.end() - rows.start() + 1) * width];
        for (y, line) in rows.zip(out.chunks_exact_mut(width)) {
            read(y, &mut padded[reach..reach + width]);
            let (first, last) = (padded[reach], padded[reach + width - 1]);
            padded[..reach].fill(first);
            padded[reach + width..].fill(last);
            blur(
                line,
                kernel,
                #[inline(always)]
                |k, sign| {
                    let at = if sign { reach + k } else { reach - k };
                    &padded[at..at + width]
                },
            );
        }
        out
    }

    /// `rows` begin at the row `first`.
    #[inline(always)]
    fn sharpen_strip<T: Sample>(&self, first: usize, rows: &mut [T], kernel: &[f32], unsharp: Unsharp) {
        let width = self.width;
        let reach = kernel.len() - 1;
        let (amount, threshold) = (unsharp.amount as f32, unsharp.threshold.max(0.0) as f32);
        let last = first + rows.len() / (width * 3) - 1;
        // Rows blurred sideways, from `reach` above the strip to `reach` below it, edges repeated.
        let top = first.saturating_sub(reach);
        let bottom = (last + reach).min(self.height - 1);
        let sideways = self.sideways(
            top..=bottom,
            kernel,
            #[inline(always)]
            |y, row| self.weighted(y, row),
        );
        let weights = self.alpha.map(|_| self.sideways(top..=bottom, kernel, |y, row| self.weights(y, row)));
        let mut blurred = vec![0f32; width];
        let mut weight = vec![0f32; width];
        let mut moves = vec![[T::Move::default(); 3]; width];
        for (y, samples) in (first..=last).zip(rows.chunks_exact_mut(width * 3)) {
            let at = |k: usize, sign: bool| {
                let at = if sign { (y + k).min(self.height - 1) } else { y.saturating_sub(k) } - top;
                at * width..(at + 1) * width
            };
            blur(
                &mut blurred,
                kernel,
                #[inline(always)]
                |k, sign| &sideways[at(k, sign)],
            );
            if let Some(weights) = &weights {
                blur(&mut weight, kernel, |k, sign| &weights[at(k, sign)]);
                for ((sum, weight), own) in blurred.iter_mut().zip(&weight).zip(self.row(y)) {
                    *sum = if *weight > 0.0 { *sum / weight } else { level(*own) };
                }
            }
            for ((by, own), around) in moves.iter_mut().zip(self.row(y)).zip(&blurred) {
                let difference = level(*own) - around;
                // Rounding of the blur leaves dust on flat areas, which rounds to nothing.
                let beyond = (difference.abs() - threshold).max(0.0);
                let units = (beyond * amount * T::UNITS_OF_LEVEL).min(LARGEST_MOVE).copysign(difference);
                *by = [T::by(rounded(units)); 3];
            }
            for (sample, by) in samples.iter_mut().zip(moves.as_flattened()) {
                *sample = sample.moved(*by);
            }
        }
    }
}

/// In levels of 255.
#[inline(always)]
fn level(value: u16) -> f32 {
    f32::from(value) * (1.0 / 257.0)
}

/// More than any move that makes a difference.
const LARGEST_MOVE: f32 = 70_000.0;

/// To the nearest whole number, for numbers below two millions. At 1.5 × 2²³ a float's last bit counts ones, so adding
/// that rounds and leaves the number in the low bits. The conversion of the language does one number at a time.
#[inline(always)]
fn rounded(value: f32) -> i32 {
    const ONES: f32 = 12_582_912.0;
    (value + ONES).to_bits().wrapping_sub(ONES.to_bits()).cast_signed()
}

/// One line of a symmetric blur; `row` gives the line `k` to either side.
#[inline(always)]
fn blur<'a>(out: &mut [f32], kernel: &[f32], row: impl Fn(usize, bool) -> &'a [f32]) {
    let middle = row(0, true);
    for (to, from) in out.iter_mut().zip(middle) {
        *to = from * kernel[0];
    }
    for (k, weight) in kernel.iter().enumerate().skip(1) {
        for ((to, before), after) in out.iter_mut().zip(row(k, false)).zip(row(k, true)) {
            *to += (before + after) * weight;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STRONG: Unsharp = Unsharp { radius: 1.5, amount: 2.0, threshold: 0.0 };

    fn step(low: u8, high: u8) -> Raster {
        let row = (0..40).flat_map(|x| [if x < 20 { low } else { high }; 3]);
        Raster::rgb8(40, 100, row.cycle().take(40 * 100 * 3).collect())
    }

    fn bytes(raster: &Raster) -> &[u8] {
        match &raster.samples {
            Samples::U8(v) => v,
            Samples::U16(_) => panic!("8 bits expected"),
        }
    }

    #[test]
    fn numbers_are_rounded_to_the_nearest() {
        for (value, whole) in
            [(0.0, 0), (0.49, 0), (0.51, 1), (-0.49, 0), (-0.51, -1), (-254.6, -255), (69_999.7, 70_000)]
        {
            assert_eq!(rounded(value), whole, "{value}");
        }
    }

    #[test]
    fn flat_areas_stay_to_the_bit() {
        for grey in 0..=255 {
            let mut raster = Raster::rgb8(70, 130, vec![grey; 70 * 130 * 3]);
            let before = raster.clone();
            sharpen(&mut raster, None, STRONG);
            assert_eq!(raster, before);
        }
        let mut colored = Raster::rgb8(70, 70, [13, 200, 77].repeat(70 * 70));
        let before = colored.clone();
        sharpen(&mut colored, None, Unsharp { radius: 9.0, ..STRONG });
        assert_eq!(colored, before);
    }

    #[test]
    fn edges_gain_and_the_far_side_of_them_does_not() {
        let mut raster = step(100, 150);
        sharpen(&mut raster, None, STRONG);
        let row = &bytes(&raster)[50 * 120..51 * 120];
        assert!(row[19 * 3] < 95 && row[20 * 3] > 155, "{row:?}");
        assert_eq!((row[0], row[39 * 3]), (100, 150));
    }

    #[test]
    fn what_is_clear_makes_no_edge() {
        for hidden in [0, 255] {
            let mut raster = step(150, hidden);
            let alpha = Samples::U8((0..40 * 100).map(|i| if i % 40 < 20 { 255 } else { 0 }).collect());
            sharpen(&mut raster, Some(&alpha), STRONG);
            assert!(bytes(&raster)[50 * 120..][..20 * 3].iter().all(|v| *v == 150));
        }
        // Where all can be seen it is the same as without alpha.
        let (mut with, mut without) = (step(100, 150), step(100, 150));
        sharpen(&mut with, Some(&Samples::U16(vec![65_535; 40 * 100])), STRONG);
        sharpen(&mut without, None, STRONG);
        assert_eq!(with, without);
    }

    #[test]
    fn the_threshold_guards_small_differences() {
        let mut raster = step(100, 104);
        let before = raster.clone();
        sharpen(&mut raster, None, Unsharp { threshold: 4.0, ..STRONG });
        assert_eq!(raster, before);
        sharpen(&mut raster, None, STRONG);
        assert_ne!(raster, before);
    }

    #[test]
    fn it_is_the_unsharp_mask_of_the_book() {
        let (width, height) = (37usize, 90usize);
        let mut seed = 7u32;
        let samples: Vec<u8> = (0..width * height)
            .flat_map(|_| {
                seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                [(seed >> 24) as u8 / 2 + 60; 3]
            })
            .collect();
        let mut raster = Raster::rgb8(width as u32, height as u32, samples.clone());
        let unsharp = Unsharp { radius: 1.1, amount: 0.7, threshold: 0.0 };
        sharpen(&mut raster, None, unsharp);
        let at = |x: isize, y: isize| {
            let (x, y) = (x.clamp(0, width.cast_signed() - 1), y.clamp(0, height.cast_signed() - 1));
            f64::from(samples[(y as usize * width + x as usize) * 3])
        };
        for (x, y) in [(0, 0), (36, 89), (5, 63), (6, 64), (20, 65), (36, 30)] {
            let (mut sum, mut total) = (0.0, 0.0);
            for dy in -4..=4isize {
                for dx in -4..=4isize {
                    let weight = (-((dx * dx + dy * dy) as f64) / (2.0 * 1.1 * 1.1)).exp();
                    sum += weight * at(x + dx, y + dy);
                    total += weight;
                }
            }
            let expected = (at(x, y) + 0.7 * (at(x, y) - sum / total)).round();
            let found = f64::from(bytes(&raster)[(y as usize * width + x as usize) * 3]);
            assert!((expected - found).abs() <= 1.0, "{x},{y}: {found} instead of {expected}");
        }
    }
}
