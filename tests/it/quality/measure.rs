//! Figures: how far an output is from its reference, in colour and in place.

use super::color::labs;
use super::difference::delta_e;
use super::picture::Picture;

/// ΔE2000 over all pixels.
#[derive(Clone, Copy, Debug)]
pub struct Difference {
    pub mean: f64,
    pub p99: f64,
    pub most: f64,
}

/// Both pictures are in the space of the profile.
#[track_caller]
pub fn difference(found: &Picture, expected: &Picture, icc: &[u8]) -> Difference {
    assert_eq!((found.width, found.height), (expected.width, expected.height), "the size");
    let pairs = labs(found, icc).into_iter().zip(labs(expected, icc));
    let mut all: Vec<f64> = pairs.map(|(a, b)| delta_e(a, b)).collect();
    let mean = all.iter().sum::<f64>() / all.len() as f64;
    all.sort_by(f64::total_cmp);
    Difference { mean, p99: all[all.len() * 99 / 100], most: all[all.len() - 1] }
}

/// The largest |a*| or |b*|, and the levels of 255 that have it.
pub fn tint(picture: &Picture, icc: &[u8]) -> (f64, [f32; 3]) {
    let (pixels, _) = picture.values.as_chunks::<3>();
    let tints = labs(picture, icc).into_iter().map(|lab| lab[1].abs().max(lab[2].abs()));
    let (tint, pixel) = tints.zip(pixels).max_by(|a, b| a.0.total_cmp(&b.0)).unwrap();
    (tint, pixel.map(|v| v * 255.0))
}

/// How far `found` lies to the right of and below `expected`, in pixels, within `columns` and `rows`: the shift by
/// which a first-order change of the expected picture explains the difference best. Good for less than a pixel.
fn shift_within(
    found: &Picture,
    expected: &Picture,
    columns: std::ops::Range<usize>,
    rows: std::ops::Range<usize>,
) -> Option<(f64, f64)> {
    let light = |picture: &Picture, x: usize, y: usize| {
        let p = picture.at(x, y);
        f64::from(p[0]) + 2.0 * f64::from(p[1]) + f64::from(p[2])
    };
    let mut samples = Vec::new();
    for y in rows.start.max(1)..rows.end.min(expected.height - 1) {
        for x in columns.start.max(1)..columns.end.min(expected.width - 1) {
            let gx = (light(expected, x + 1, y) - light(expected, x - 1, y)) / 2.0;
            let gy = (light(expected, x, y + 1) - light(expected, x, y - 1)) / 2.0;
            samples.push([gx, gy, light(expected, x, y) - light(found, x, y)]);
        }
    }
    // Without the means: a picture that is a little darker as a whole has not moved.
    let mean = |i: usize| samples.iter().map(|v| v[i]).sum::<f64>() / samples.len() as f64;
    let means = [0, 1, 2].map(mean);
    let sum = |i: usize, j: usize| samples.iter().map(|v| (v[i] - means[i]) * (v[j] - means[j])).sum::<f64>();
    let (xx, xy, yy, xd, yd) = (sum(0, 0), sum(0, 1), sum(1, 1), sum(0, 2), sum(1, 2));
    let determinant = xx * yy - xy * xy;
    // Nearly flat, or with edges of one direction only: there is nothing to hold on to. Where neighbours differ by some
    // levels only, the rounding of one would be taken for a tenth of a pixel.
    (determinant > 0.02 * (xx + yy).powi(2) && xx + yy > 0.01 * samples.len() as f64)
        .then(|| ((xd * yy - yd * xy) / determinant, (yd * xx - xd * xy) / determinant))
}

/// Rows and columns that count as the edge of an output.
const EDGE: usize = 16;

/// The largest shift of the whole and of each of its four edges; `None` where all of them show too little.
pub fn shift(found: &Picture, expected: &Picture) -> Option<f64> {
    let (w, h) = (expected.width, expected.height);
    let parts = [(0..w, 0..h), (0..w, 0..EDGE), (0..w, h - EDGE..h), (0..EDGE, 0..h), (w - EDGE..w, 0..h)];
    parts
        .into_iter()
        .filter_map(|(columns, rows)| shift_within(found, expected, columns, rows))
        .map(|(x, y)| x.hypot(y))
        .reduce(f64::max)
}

/// SSIMULACRA2: 100 is equal, from 90 on nobody sees a difference. For sRGB.
pub fn ssimulacra2(found: &Picture, expected: &Picture) -> f64 {
    use ssimulacra2::{ColorPrimaries, Rgb, TransferCharacteristic, compute_frame_ssimulacra2};
    let frame = |picture: &Picture| {
        let (pixels, _) = picture.values.as_chunks::<3>();
        let srgb = (TransferCharacteristic::SRGB, ColorPrimaries::BT709);
        Rgb::new(pixels.to_vec(), picture.width, picture.height, srgb.0, srgb.1).unwrap()
    };
    compute_frame_ssimulacra2(frame(expected), frame(found)).unwrap()
}

/// A line for the table of `scripts/quality`; without that script it goes nowhere.
pub fn note(case: &str, figures: &str) {
    use std::io::Write;
    if let Some(table) = std::env::var_os("HOTFOLDERS_QUALITY_TABLE") {
        let mut file = std::fs::OpenOptions::new().append(true).create(true).open(table).unwrap();
        writeln!(file, "{case}\t{figures}").unwrap();
    }
}

#[test]
fn a_known_shift_is_seen() {
    use super::reference::{Part, resampled};
    let picture = Picture::drawn(120, 90, |x, y| [0.5 + 0.2 * (x / 2.0 + y / 9.0).sin() + 0.2 * (y / 2.5).cos(); 3]);
    let whole = Part { x: 10.0, y: 10.0, width: 100.0, height: 70.0 };
    let expected = resampled(&picture, whole, 100, 70);
    for (x, y) in [(0.3, 0.0), (0.0, -0.45), (-0.2, 0.4)] {
        let moved = resampled(&picture, Part { x: 10.0 - x, y: 10.0 - y, ..whole }, 100, 70);
        let (found_x, found_y) = shift_within(&moved, &expected, 0..100, 0..70).unwrap();
        assert!((found_x - x).abs() < 0.06 && (found_y - y).abs() < 0.06, "{found_x} {found_y} for {x} {y}");
        assert!(shift(&moved, &expected) > Some(0.18));
    }
    assert!(shift(&expected, &expected) < Some(1e-9));
}
