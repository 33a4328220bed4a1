//! Straightening: places to the fraction of a pixel, and the quality of the interpolation.

use std::borrow::Cow;

use super::super::raster::{Layout, Pose, Raster, Samples};
use super::super::straighten::{Slant, straighten};
use super::*;

fn upright(stored: PixelSize, degrees: f64) -> Slant {
    Slant { stored, factor: 1, pose: Pose::turned(Turn::None), degrees }
}

/// Straightened at the resolution of the raster.
fn straightened(raster: &Raster, slant: Slant, region: Region) -> Raster {
    let window = PixelSize::new(region.width.ceil() as u32, region.height.ceil() as u32);
    straighten(Cow::Borrowed(raster), slant, region, window).unwrap()
}

fn wide(raster: &Raster) -> &[u16] {
    let Samples::U16(values) = &raster.samples else { panic!("16 bits expected") };
    values
}

fn narrow(raster: &Raster) -> &[u8] {
    let Samples::U8(values) = &raster.samples else { panic!("8 bits expected") };
    values
}

fn gray16(size: PixelSize, value: impl Fn(f64, f64) -> f64) -> Raster {
    let at = |x: u32, y: u32| value(f64::from(x) + 0.5, f64::from(y) + 0.5).round() as u16;
    let samples = (0..size.height).flat_map(|y| (0..size.width).map(move |x| (x, y))).map(|(x, y)| at(x, y)).collect();
    Raster { size, layout: Layout::Gray, samples: Samples::U16(samples) }
}

/// The middle of a region's length from a frame's, to both sides.
fn middle(frame: PixelSize, width: f64, height: f64) -> Region {
    Region { x: (f64::from(frame.width) - width) / 2.0, y: (f64::from(frame.height) - height) / 2.0, width, height }
}

#[test]
fn every_pixel_comes_from_its_place() {
    let stored = PixelSize::new(120, 80);
    // Grey that rises evenly along both axes: what is sampled from it tells where it was sampled.
    let raster = gray16(stored, |x, y| 1_000.0 + x * 150.0 + y * 200.0);
    for (exif, degrees) in [(1, 7.0), (1, -33.0), (3, 12.0), (5, 9.0), (6, -7.0), (7, 20.0), (8, 45.0)] {
        let pose = Pose::new(Orientation::from_exif(exif), Turn::None);
        let frame = stored.turned(pose.turn);
        let (w, h) = (f64::from(frame.width), f64::from(frame.height));
        let region = Region { x: w / 2.0 - 15.25, y: h / 2.0 - 10.5, width: 30.0, height: 20.0 };
        let out = straightened(&raster, Slant { stored, factor: 1, pose, degrees }, region);
        assert_eq!(out.size, PixelSize::new(30, 20));
        let (sin, cos) = degrees.to_radians().sin_cos();
        for (x, y) in [(0_u32, 0_u32), (29, 0), (0, 19), (29, 19), (14, 9)] {
            // By hand: the point of the canvas, turned back about the centre, then into the stored picture.
            let (dx, dy) = (region.x + f64::from(x) + 0.5 - w / 2.0, region.y + f64::from(y) + 0.5 - h / 2.0);
            let (ux, uy) = (w / 2.0 + dx * cos + dy * sin, h / 2.0 + dy * cos - dx * sin);
            let (sx, sy) = match exif {
                1 => (ux, uy),
                3 => (w - ux, h - uy),
                5 => (uy, ux),
                6 => (uy, w - ux),
                7 => (h - uy, w - ux),
                _ => (h - uy, ux),
            };
            let wanted = 1_000.0 + sx * 150.0 + sy * 200.0;
            let found = f64::from(wide(&out)[(y * 30 + x) as usize]);
            // A 200th of a pixel.
            assert!((found - wanted).abs() <= 1.0, "exif {exif}, {degrees} degrees, {x} {y}: {found} {wanted}");
        }
    }
}

#[test]
fn positive_is_clockwise() {
    let size = PixelSize::new(101, 101);
    // A mark above the centre.
    let raster = gray16(size, |x, y| if (x, y) == (50.5, 10.5) { 65_535.0 } else { 0.0 });
    let out = straightened(&raster, upright(size, 30.0), Region { x: 20.0, y: 10.0, width: 60.0, height: 60.0 });
    let brightest = wide(&out).iter().enumerate().max_by_key(|(_, v)| **v).unwrap().0;
    let (x, y) = (brightest % 60 + 20, brightest / 60 + 10);
    // 40 pixels from the centre, 30 degrees to the right of the top.
    assert!((69..=71).contains(&x) && (15..=17).contains(&y), "{x} {y}");
}

/// A soft dot is where it was, turned: its centre of gravity tells to a hundredth of a pixel.
#[test]
fn a_dot_lands_on_its_place_to_a_hundredth_of_a_pixel() {
    let size = PixelSize::new(161, 120);
    let (cx, cy) = (80.5, 60.0);
    for (dot, degrees) in [((80.5, 60.0), 13.0), ((70.3, 41.6), 13.0), ((95.8, 66.1), -30.0), ((90.0, 60.0), 0.3)] {
        let raster = gray16(size, |x, y| {
            let (dx, dy): (f64, f64) = (x - dot.0, y - dot.1);
            60_000.0 * (-(dx * dx + dy * dy) / 8.0).exp()
        });
        let region = middle(size, 70.0, 60.0);
        let out = straightened(&raster, upright(size, degrees), region);
        let (mut sum, mut x_sum, mut y_sum) = (0.0, 0.0, 0.0);
        for (i, value) in wide(&out).iter().enumerate() {
            let (x, y) = ((i % 70) as f64 + 0.5 + region.x, (i / 70) as f64 + 0.5 + region.y);
            let value = f64::from(*value);
            (sum, x_sum, y_sum) = (sum + value, x_sum + value * x, y_sum + value * y);
        }
        let (sin, cos) = degrees.to_radians().sin_cos();
        let (dx, dy) = (dot.0 - cx, dot.1 - cy);
        let wanted = (cx + dx * cos - dy * sin, cy + dx * sin + dy * cos);
        let off = (x_sum / sum - wanted.0).hypot(y_sum / sum - wanted.1);
        assert!(off < 0.01, "{dot:?} by {degrees}: off by {off}");
    }
}

#[test]
fn a_scaled_decode_shows_the_same_part() {
    let stored = PixelSize::new(400, 320);
    let half = gray16(PixelSize::new(200, 160), |x, y| x * 200.0 + y * 100.0);
    let slant = Slant { factor: 2, ..upright(stored, 10.0) };
    let region = Region { x: 150.0, y: 110.0, width: 100.0, height: 100.0 };
    let out = straightened(&half, slant, region);
    let middle = u32::from(wide(&out)[24 * 50 + 24]) + u32::from(wide(&out)[25 * 50 + 25]);
    assert_eq!(out.size, PixelSize::new(50, 50));
    assert!((middle / 2).abs_diff(100 * 200 + 80 * 100) <= 2, "{middle}");
}

#[test]
fn clear_pixels_lend_no_colour() {
    let size = PixelSize::new(20, 20);
    let samples = (0..400).flat_map(|i| if i % 20 < 10 { [200, 100, 50, 255] } else { [0, 255, 0, 0] }).collect();
    let raster = Raster { size, layout: Layout::Rgba, samples: Samples::U8(samples) };
    let out = straightened(&raster, upright(size, 10.0), middle(size, 10.0, 10.0));
    for [r, g, b, a] in narrow(&out).as_chunks::<4>().0.iter().filter(|p| p[3] > 8) {
        assert!(r.abs_diff(200) < 4 && g.abs_diff(100) < 4 && b.abs_diff(50) < 4, "{r} {g} {b} {a}");
    }
}

#[test]
fn a_region_outside_the_picture_is_refused() {
    let file = rgb_png(100, 100, &picture(100, 100));
    let straightened = |region: Region, degrees: f64| {
        let mut spec = spec((100, 100), (50, 50));
        (spec.cells[0].region, spec.cells[0].straighten) = (region, degrees);
        render_one(&file, &spec).map(|_| ()).map_err(|e| e.code())
    };
    let square = |side: f64| Region { x: 50.0 - side / 2.0, y: 50.0 - side / 2.0, width: side, height: side };
    // What a square keeps of its side when it is turned by ten degrees.
    let most = 100.0 / (10f64.to_radians().cos() + 10f64.to_radians().sin());
    assert_eq!(straightened(square(most), 10.0), Ok(()));
    assert_eq!(straightened(square(most + 0.001), -10.0), Ok(()));
    for (region, degrees) in [
        (square(100.0), 10.0),
        (square(most + 0.1), 10.0),
        (square(50.0), 45.1),
        (square(50.0), f64::NAN),
        (square(f64::NAN), 10.0),
        (square(0.0), 10.0),
        (Region { x: 40.0, y: -1.0, width: 5.0, height: 5.0 }, 10.0),
    ] {
        assert_eq!(straightened(region, degrees), Err("bad_spec"), "{region:?} {degrees}");
    }
}

#[test]
fn next_to_no_angle_is_no_angle() {
    let (width, height) = (97u32, 64u32);
    let file = with_orientation(&jpeg_of(width, height, &picture(width, height)), 6);
    // The corners stay inside the frame.
    let region = Region { x: 1.0, y: 1.0, width: f64::from(height) - 2.0, height: f64::from(width) - 2.0 };
    for (factor, window) in [(1, (62, 95)), (1, (31, 40)), (1, (10, 16)), (2, (31, 47)), (2, (7, 12))] {
        let mut plain = spec((height, width), window);
        plain.cells[0].region = region;
        let mut slanted = plain.clone();
        slanted.cells[0].straighten = 0.0001;
        let made: Vec<Vec<u8>> = render_with(&file, factor, &Shelf::default(), &[&plain, &slanted])
            .into_iter()
            .map(|out| pixels(&out.unwrap().bytes))
            .collect();
        // A fraction of a pixel more or less is interpolated where the decoded pixels do not fit the region.
        let most = if factor == 1 && window.0 == 62 { 0 } else { 4 };
        let (worst, mean) = (largest_difference(&made[0], &made[1]), mean_difference(&made[0], &made[1]));
        assert!(worst <= most && mean.abs() < 0.1, "1/{factor} to {window:?}: {worst} {mean}");
    }
}

/// Keys' six points on both axes in floats, the straight way.
fn naive(raster: &Raster, slant: Slant, region: Region) -> Vec<f64> {
    let samples: Vec<f64> = match &raster.samples {
        Samples::U8(v) => v.iter().map(|v| f64::from(*v)).collect(),
        Samples::U16(v) => v.iter().map(|v| f64::from(*v)).collect(),
    };
    let kernel = |x: f64| match x.abs() {
        t if t < 1.0 => 4.0 / 3.0 * t.powi(3) - 7.0 / 3.0 * t * t + 1.0,
        t if t < 2.0 => -7.0 / 12.0 * t.powi(3) + 3.0 * t * t - 59.0 / 12.0 * t + 15.0 / 6.0,
        t if t < 3.0 => t.powi(3) / 12.0 - 2.0 / 3.0 * t * t + 21.0 / 12.0 * t - 3.0 / 2.0,
        _ => 0.0,
    };
    let (w, h) = (i64::from(raster.size.width), i64::from(raster.size.height));
    let channels = raster.layout.channels();
    let most = if matches!(raster.samples, Samples::U8(_)) { 255.0 } else { 65_535.0 };
    let (sin, cos) = slant.degrees.to_radians().sin_cos();
    let mut out = Vec::new();
    for j in 0..region.height as u32 {
        for i in 0..region.width as u32 {
            let (dx, dy) =
                (region.x + f64::from(i) + 0.5 - w as f64 / 2.0, region.y + f64::from(j) + 0.5 - h as f64 / 2.0);
            let x = w as f64 / 2.0 + dx * cos + dy * sin - 0.5;
            let y = h as f64 / 2.0 + dy * cos - dx * sin - 0.5;
            let mut sums = vec![0.0; channels];
            let mut total = 0.0;
            for ty in y.floor() as i64 - 2..=y.floor() as i64 + 3 {
                for tx in x.floor() as i64 - 2..=x.floor() as i64 + 3 {
                    let weight = kernel(tx as f64 - x) * kernel(ty as f64 - y);
                    total += weight;
                    let at = (ty.clamp(0, h - 1) * w + tx.clamp(0, w - 1)) as usize * channels;
                    for (sum, value) in sums.iter_mut().zip(&samples[at..]) {
                        *sum += weight * value;
                    }
                }
            }
            out.extend(sums.iter().map(|sum| (sum / total).clamp(0.0, most)));
        }
    }
    out
}

/// Noise is the hardest picture: every pixel another one.
fn noise(size: PixelSize, layout: Layout, wide: bool) -> Raster {
    let mut seed = 3u32;
    let mut next = || {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (seed >> 16) as u16
    };
    let length = size.pixels() as usize * layout.channels();
    let samples = if wide {
        Samples::U16((0..length).map(|_| next()).collect())
    } else {
        Samples::U8((0..length).map(|_| (next() >> 8) as u8).collect())
    };
    Raster { size, layout, samples }
}

#[test]
fn it_is_the_kernel_of_the_book() {
    // Larger than a tile, and up to the edges of the frame.
    let size = PixelSize::new(150, 110);
    for (layout, degrees) in [(Layout::Gray, 3.0f64), (Layout::Rgb, -20.0), (Layout::Cmyk, 45.0), (Layout::Rgb, 0.7)] {
        let largest = 1.0 / (degrees.to_radians().cos() + degrees.to_radians().sin().abs() * 150.0 / 110.0);
        let region = middle(size, (150.0 * largest).floor(), (110.0 * largest).floor());
        for wide_samples in [false, true] {
            let raster = noise(size, layout, wide_samples);
            let slant = upright(size, degrees);
            let out = straightened(&raster, slant, region);
            let wanted = naive(&raster, slant, region);
            let found: Vec<f64> = match &out.samples {
                Samples::U8(v) => v.iter().map(|v| f64::from(*v)).collect(),
                Samples::U16(v) => v.iter().map(|v| f64::from(*v) / 257.0).collect(),
            };
            let unit = if wide_samples { 257.0 } else { 1.0 };
            let off: Vec<f64> = found.iter().zip(&wanted).map(|(a, b)| (a - b / unit).abs()).collect();
            assert_eq!(found.len(), wanted.len());
            let (mean, worst) = (off.iter().sum::<f64>() / off.len() as f64, off.iter().copied().fold(0.0, f64::max));
            // Half a level of rounding; the place of noise is worth an eighth of a level and a little more.
            let most = if wide_samples { (0.05, 0.4) } else { (0.27, 0.85) };
            assert!(mean < most.0 && worst < most.1, "{layout:?} by {degrees}: mean {mean} worst {worst}");
        }
    }
}

/// Against what the pattern itself is between the pixels. Cycles of 4 pixels are fine hair in focus.
#[test]
fn fine_detail_survives() {
    let size = PixelSize::new(160, 160);
    for (period, most) in [(16.0, 0.03), (6.0, 0.2), (4.0, 1.0)] {
        let pattern = |x: f64, y: f64| {
            let along = x * 0.8 + y * 0.6;
            32_768.0 + 20_000.0 * (std::f64::consts::TAU * along / period).sin()
        };
        let raster = gray16(size, pattern);
        let region = middle(size, 90.0, 90.0);
        let degrees = 7.0f64;
        let out = straightened(&raster, upright(size, degrees), region);
        let (sin, cos) = degrees.to_radians().sin_cos();
        let mut sum = 0.0;
        for (i, value) in wide(&out).iter().enumerate() {
            let (dx, dy) = (region.x + (i % 90) as f64 + 0.5 - 80.0, region.y + (i / 90) as f64 + 0.5 - 80.0);
            let exact = pattern(80.0 + dx * cos + dy * sin, 80.0 + dy * cos - dx * sin);
            sum += (f64::from(*value) - exact).powi(2);
        }
        let error = (sum / (90.0 * 90.0)).sqrt() / 257.0;
        assert!(error < most, "period {period}: {error} levels");
    }
}

/// Small windows are made from a picture that is scaled down first; nothing of it may be seen.
#[test]
fn a_small_window_shows_the_same() {
    let (width, height) = (640u32, 480u32);
    let rgb = picture(width, height);
    let raster = Raster::rgb8(width, height, rgb);
    let size = raster.size;
    for degrees in [-7.0, 30.0] {
        let region = middle(size, 300.0, 200.0);
        let window = PixelSize::new(60, 40);
        let scaled = |straight: Raster| {
            let size = straight.size;
            let whole = Region { x: 0.0, y: 0.0, width: f64::from(size.width), height: f64::from(size.height) };
            resample::resample(Cow::Owned(straight), size, 1, Pose::turned(Turn::None), whole, window)
                .unwrap()
                .into_owned()
        };
        let slant = upright(size, degrees);
        let small = straighten(Cow::Borrowed(&raster), slant, region, window).unwrap();
        assert_eq!(small.size, PixelSize::new(120, 80));
        let (quick, full) = (scaled(small), scaled(straightened(&raster, slant, region)));
        assert!(largest_difference(narrow(&quick), narrow(&full)) <= 2, "{degrees}");
        // The resizer rounds each time.
        assert!(mean_difference(narrow(&quick), narrow(&full)).abs() < 0.25);
    }
}

#[test]
fn threads_do_not_change_a_straightened_byte() {
    let (width, height) = (500u32, 380u32);
    let file = jpeg_of(width, height, &picture(width, height));
    let mut spec = spec((width, height), (271, 206));
    spec.cells[0].region = Region { x: 60.0, y: 45.0, width: 380.0, height: 290.0 };
    spec.cells[0].straighten = -7.3;
    spec.cells[0].adjust = Adjust { exposure: 0.4, temperature: 20.0, saturation: 30.0, ..Adjust::default() };
    let run = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| render_one(&file, &spec).unwrap().bytes)
    };
    let one = run(1);
    assert!(one == run(2) && one == run(5));
}
