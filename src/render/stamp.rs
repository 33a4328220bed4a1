//! Stamps: artwork and letters in the output's colours, blended over a sheet once or again and again.
//!
//! Invariant: a pixel of the sheet depends on nothing but its place, so threads do not show. Must not know: files, fonts.

use std::ops::Range;

use rayon::prelude::*;

use super::cell::Finished;
use super::raster::{Sample, Samples};
use crate::model::spec::{PixelSize, Window};

/// Pixels of a stamp that are made ready in one go; 12 bytes each, so that they stay in the cache between the copies.
const READY_PIXELS: usize = 256 * 1024;

/// What a stamp is made of, in the output's colours.
#[derive(Debug)]
pub(super) enum Matter {
    Picture(Finished),
    /// Coverage of letters and of their outline, together at most 255; the colours of both, with their alpha.
    Letters {
        coverage: Vec<[u8; 2]>,
        colors: [[u16; 4]; 2],
    },
}

/// A picture that is blended over a sheet.
#[derive(Debug)]
pub(super) struct Stamp {
    pub(super) size: PixelSize,
    pub(super) matter: Matter,
    /// Of the whole, 65,535 for opaque.
    pub(super) opacity: u16,
}

/// Where the top left of a stamp lies on the sheet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Places {
    Once {
        x: i64,
        y: i64,
    },
    /// One copy lies at `x`, `y`, others all over, so far from left to left and from top to top; every second row is
    /// shifted by half of that.
    Tiled {
        x: i64,
        y: i64,
        across: i64,
        down: i64,
    },
}

impl Places {
    /// The row of the stamp that lies in this row of the sheet, and the left of a copy there.
    fn on_row(self, y: i64) -> (i64, i64) {
        match self {
            Places::Once { x, y: top } => (y - top, x),
            Places::Tiled { x, y: top, across, down } => {
                let shift = if (y - top).div_euclid(down) % 2 == 0 { 0 } else { across / 2 };
                ((y - top).rem_euclid(down), x + shift)
            }
        }
    }

    /// The lefts of all copies of a stamp so wide that lie between two columns, when one of them is at `x`.
    fn copies(self, x: i64, width: i64, columns: &Range<i64>) -> impl Iterator<Item = i64> + use<> {
        let (first, step) = match self {
            Places::Once { .. } => (x, i64::MAX),
            Places::Tiled { across, .. } => (x + (columns.start - width - x).div_euclid(across) * across, across),
        };
        let end = columns.end;
        std::iter::successors(Some(first), move |x| x.checked_add(step)).take_while(move |x| *x < end)
    }
}

/// Rows of a stamp as they are blended: `sample × keep + add`, each a share of 65,535, the same for all three colours.
#[derive(Default)]
struct Ready {
    add: Vec<u16>,
    keep: Vec<u16>,
    /// In each row the columns between the first and the last that show.
    shown: Vec<Vec<Range<u32>>>,
}

/// Gaps of so many transparent pixels are skipped; shorter ones cost less blended.
const GAP_PIXELS: u32 = 16;

impl Ready {
    fn row(&mut self, pixels: impl Iterator<Item = ([u16; 3], u16)>) {
        let mut shown: Vec<Range<u32>> = Vec::new();
        for (x, (color, alpha)) in (0..).zip(pixels) {
            self.add.extend(color);
            self.keep.extend([u16::MAX - alpha; 3]);
            if alpha > 0 {
                match shown.last_mut().filter(|last| x - last.end < GAP_PIXELS) {
                    Some(last) => last.end = x + 1,
                    None => shown.push(x..x + 1),
                }
            }
        }
        self.shown.push(shown);
    }
}

/// The product of two shares of 65,535, rounded.
fn share(a: u16, b: u16) -> u16 {
    ((u32::from(a) * u32::from(b) + 32_767) / 65_535) as u16
}

impl Stamp {
    /// Makes some rows ready; their colours are multiplied with their alpha.
    fn ready(&self, rows: Range<usize>) -> Ready {
        let width = self.size.width as usize;
        let mut ready = Ready::default();
        for y in rows {
            let span = y * width..(y + 1) * width;
            match &self.matter {
                Matter::Picture(Finished { rgb: Samples::U8(rgb), alpha }) => {
                    ready.row(self.picture(rgb, alpha.as_ref(), span));
                }
                Matter::Picture(Finished { rgb: Samples::U16(rgb), alpha }) => {
                    ready.row(self.picture(rgb, alpha.as_ref(), span));
                }
                Matter::Letters { coverage, colors } => {
                    let inks = colors.map(|[.., alpha]| share(alpha, self.opacity));
                    ready.row(coverage[span].iter().map(|covered| {
                        let shares = [0, 1].map(|i| share(covered[i].to_u16(), inks[i]));
                        let mixed =
                            |c: usize| share(colors[0][c], shares[0]).saturating_add(share(colors[1][c], shares[1]));
                        ([mixed(0), mixed(1), mixed(2)], shares[0].saturating_add(shares[1]))
                    }));
                }
            }
        }
        ready
    }

    fn picture<'a, T: Sample>(
        &'a self,
        rgb: &'a [T],
        alpha: Option<&'a Samples>,
        span: Range<usize>,
    ) -> impl Iterator<Item = ([u16; 3], u16)> + 'a {
        span.map(move |at| {
            let own = match alpha {
                Some(Samples::U8(alpha)) => alpha[at].to_u16(),
                Some(Samples::U16(alpha)) => alpha[at],
                None => u16::MAX,
            };
            let alpha = share(own, self.opacity);
            ([0, 1, 2].map(|c| share(rgb[at * 3 + c].to_u16(), alpha)), alpha)
        })
    }

    /// Blends over the samples of a sheet, inside `area`, which lies on it.
    pub(super) fn blend<T: Blend>(&self, sheet: &mut [T], size: PixelSize, places: Places, area: Window) {
        let (width, height) = (self.size.width as usize, self.size.height as usize);
        let row_samples = size.width as usize * 3;
        let span = area.y as usize * row_samples..(area.y + area.height) as usize * row_samples;
        let rows_at_once = (READY_PIXELS / width.max(1)).max(1);
        for top in (0..height).step_by(rows_at_once) {
            let rows = top..(top + rows_at_once).min(height);
            let ready = self.ready(rows.clone());
            let lines = sheet[span.clone()].par_chunks_exact_mut(row_samples).zip(area.y..area.y + area.height);
            lines.for_each(|(line, y)| {
                let (row, x) = places.on_row(i64::from(y));
                if let Some(row) = usize::try_from(row).ok().filter(|row| rows.contains(row)) {
                    self.blend_row(line, &ready, row - top, places, x, area);
                }
            });
        }
    }

    /// Blends a row that was made ready over one of the sheet, for every copy that lies there.
    fn blend_row<T: Blend>(&self, line: &mut [T], ready: &Ready, row: usize, places: Places, x: i64, area: Window) {
        let columns = i64::from(area.x)..i64::from(area.x) + i64::from(area.width);
        let start = row * self.size.width as usize;
        for left in places.copies(x, i64::from(self.size.width), &columns) {
            for shown in &ready.shown[row] {
                let from = i64::from(shown.start).max(columns.start - left);
                let to = i64::from(shown.end).min(columns.end - left);
                if from >= to {
                    continue;
                }
                let samples = (start + from as usize) * 3..(start + to as usize) * 3;
                let under = &mut line[(left + from) as usize * 3..(left + to) as usize * 3];
                let over = ready.add[samples.clone()].iter().zip(&ready.keep[samples]);
                for (under, (add, keep)) in under.iter_mut().zip(over) {
                    *under = under.blended(*add, *keep);
                }
            }
        }
    }
}

/// A sample under a stamp, on encoded values as all browsers and viewers do it.
pub(super) trait Blend: Sample {
    /// `self × keep + add` in shares of 65,535.
    fn blended(self, add: u16, keep: u16) -> Self;
}

impl Blend for u8 {
    /// In 16 bits all the way, which the compiler does eight at a time.
    fn blended(self, add: u16, keep: u16) -> u8 {
        // At most 2 of 65,535 too low, and one level is 257 of them.
        let kept = ((u32::from(self.to_u16()) * u32::from(keep)) >> 16) as u16;
        let sum = kept.saturating_add(add);
        ((sum - (sum >> 8) + 128) >> 8) as u8
    }
}

impl Blend for u16 {
    fn blended(self, add: u16, keep: u16) -> u16 {
        share(self, keep).saturating_add(add)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stamp(width: u32, height: u32, alpha: u8, opacity: u16) -> Stamp {
        let pixels = (width * height) as usize;
        let (rgb, alpha) = (Samples::U8(vec![255; pixels * 3]), Some(Samples::U8(vec![alpha; pixels])));
        Stamp { size: PixelSize::new(width, height), matter: Matter::Picture(Finished { rgb, alpha }), opacity }
    }

    fn blended(stamp: &Stamp, size: PixelSize, places: Places, area: Window) -> Vec<u8> {
        let mut sheet = vec![0u8; size.pixels() as usize * 3];
        stamp.blend(&mut sheet, size, places, area);
        sheet.chunks(3).map(|p| p[0]).collect()
    }

    #[test]
    fn opacity_and_alpha_are_multiplied_and_rounded() {
        for (alpha, opacity, wanted) in [(255, 65_535, 255), (128, 65_535, 128), (255, 32_768, 128), (128, 32_768, 64)]
        {
            let sheet = blended(
                &stamp(1, 1, alpha, opacity),
                PixelSize::new(1, 1),
                Places::Once { x: 0, y: 0 },
                Window::of(PixelSize::new(1, 1)),
            );
            assert_eq!(sheet, [wanted]);
        }
    }

    /// The quick way of 8 bits against plain arithmetic.
    #[test]
    fn eight_bits_are_blended_as_well_as_sixteen() {
        for under in 0..=255u8 {
            for over in (0..=255u8).step_by(5) {
                for alpha in (0..=65_535u16).step_by(771) {
                    let exact =
                        (f64::from(over) * f64::from(alpha) + f64::from(under) * f64::from(65_535 - alpha)) / 65_535.0;
                    let found = under.blended(share(over.to_u16(), alpha), 65_535 - alpha);
                    assert!((f64::from(found) - exact).abs() < 0.515, "{under} {over} {alpha}");
                }
                assert_eq!(under.blended(0, u16::MAX), under);
                assert_eq!(under.blended(over.to_u16(), 0), over);
            }
        }
    }

    #[test]
    fn what_is_outside_the_area_is_cut_off() {
        let size = PixelSize::new(4, 3);
        let area = Window { x: 1, y: 1, width: 2, height: 2 };
        let sheet = blended(&stamp(2, 2, 255, 65_535), size, Places::Once { x: 2, y: 0 }, area);
        assert_eq!(sheet, [0, 0, 0, 0, 0, 0, 255, 0, 0, 0, 0, 0]);
        let sheet = blended(&stamp(9, 9, 255, 65_535), size, Places::Once { x: -3, y: -3 }, area);
        assert_eq!(sheet, [0, 0, 0, 0, 0, 255, 255, 0, 0, 255, 255, 0]);
    }

    #[test]
    fn tiles_cover_everything_and_shift_every_second_row() {
        let places = Places::Tiled { x: 1, y: 1, across: 4, down: 2 };
        let sheet = blended(&stamp(2, 1, 255, 65_535), PixelSize::new(8, 4), places, Window::of(PixelSize::new(8, 4)));
        let rows: Vec<String> =
            sheet.chunks(8).map(|row| row.iter().map(|v| if *v == 0 { '.' } else { '#' }).collect()).collect();
        assert_eq!(rows, ["........", ".##..##.", "........", "#..##..#"]);
    }
}
