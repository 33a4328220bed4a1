//! Orientation, turns, crops, scaling, sheets.

use super::super::raster::{Pose, turn_pixels};
use super::*;

/// Lanczos3 in floats, the straight way: every output pixel from all input pixels.
fn naive(rgb: &[u8], size: (u32, u32), region: Region, window: (u32, u32)) -> Vec<f64> {
    let kernel = |x: f64| {
        let sinc = |x: f64| if x == 0.0 { 1.0 } else { (std::f64::consts::PI * x).sin() / (std::f64::consts::PI * x) };
        if x.abs() < 3.0 { sinc(x) * sinc(x / 3.0) } else { 0.0 }
    };
    let weights = |start: f64, length: f64, from: u32, to: u32| -> Vec<Vec<f64>> {
        let scale = length / f64::from(to);
        let stretch = scale.max(1.0);
        (0..to)
            .map(|i| {
                let center = start + (f64::from(i) + 0.5) * scale;
                let all: Vec<f64> = (0..from).map(|k| kernel((f64::from(k) + 0.5 - center) / stretch)).collect();
                let sum: f64 = all.iter().sum();
                all.iter().map(|w| w / sum).collect()
            })
            .collect()
    };
    let across = weights(region.x, region.width, size.0, window.0);
    let down = weights(region.y, region.height, size.1, window.1);
    let mut out = Vec::new();
    for rows in &down {
        for columns in &across {
            for channel in 0..3 {
                let mut sum = 0.0;
                for (y, wy) in rows.iter().enumerate().filter(|(_, w)| **w != 0.0) {
                    for (x, wx) in columns.iter().enumerate().filter(|(_, w)| **w != 0.0) {
                        sum += wy * wx * f64::from(rgb[(y * size.0 as usize + x) * 3 + channel]);
                    }
                }
                out.push(sum.clamp(0.0, 255.0));
            }
        }
    }
    out
}

#[test]
fn crops_are_exact_to_the_fraction_of_a_pixel() {
    let size = (90, 70);
    let rgb = picture(size.0, size.1);
    let file = rgb_png(size.0, size.1, &rgb);
    for (x, y, width, height, window) in [
        (10.3, 5.7, 41.2, 33.4, (23, 19)),
        (0.0, 0.0, 90.0, 70.0, (31, 17)),
        (59.5, 40.25, 30.5, 29.75, (61, 60)),
        (12.5, 12.5, 40.0, 40.0, (40, 40)),
    ] {
        let region = Region { x, y, width, height };
        let mut spec = spec(size, window);
        spec.cells[0].region = region;
        let found = rendered_pixels(&file, &spec);
        let expected = naive(&rgb, size, region, window);
        let worst = found.iter().zip(&expected).map(|(a, b)| (f64::from(*a) - b).abs()).fold(0.0, f64::max);
        // Half a level of rounding after each of the two directions, a little more where the filter rings.
        assert!(worst <= 1.25, "{region:?}: off by {worst}");
        // A crop that is a tenth of a pixel off is seen.
        let shifted = naive(&rgb, size, Region { x: (x - 0.1).max(0.0) + 0.2, width: width - 0.2, ..region }, window);
        let mean =
            |e: &[f64]| found.iter().zip(e).map(|(a, b)| (f64::from(*a) - b).abs()).sum::<f64>() / e.len() as f64;
        assert!(mean(&expected) < mean(&shifted), "{} {}", mean(&expected), mean(&shifted));
    }
}

#[test]
fn equal_sizes_are_not_resampled() {
    let rgb = picture(64, 48);
    let file = rgb_png(64, 48, &rgb);
    assert_eq!(rendered_pixels(&file, &spec((64, 48), (64, 48))), rgb);
    let mut cut = spec((64, 48), (20, 10));
    // With the dust that sums of fractions leave.
    cut.cells[0].region = Region { x: 5.000_000_000_1, y: 6.999_999_999_9, width: 20.0, height: 10.0 };
    let expected: Vec<u8> = (7..17).flat_map(|y| rgb[(y * 64 + 5) * 3..(y * 64 + 25) * 3].to_vec()).collect();
    assert_eq!(rendered_pixels(&file, &cut), expected);
}

/// A white frame of 60 pixels around black: where its edge comes out tells the scale and the place.
#[test]
fn edges_land_within_half_a_pixel() {
    let (width, height) = (600u32, 400u32);
    let rgb: Vec<u8> = (0..height)
        .flat_map(|y| (0..width).map(move |x| (x, y)))
        .flat_map(|(x, y)| [if x < 60 || y < 60 || x >= 540 || y >= 340 { 255 } else { 0 }; 3])
        .collect();
    for (file, factor) in [(rgb_png(width, height, &rgb), 1), (jpeg_of(width, height, &rgb), 4)] {
        for window in [(300, 200), (127, 85), (200, 133)] {
            let out = render_with(&file, factor, &Shelf::default(), &[&spec((width, height), window)]).remove(0);
            let out = pixels(&out.unwrap().bytes);
            let row = &out[(window.1 / 2 * window.0) as usize * 3..][..window.0 as usize * 3];
            let white: f64 = row.iter().step_by(3).take(window.0 as usize / 2).map(|v| f64::from(*v) / 255.0).sum();
            let expected = 60.0 * f64::from(window.0) / 600.0;
            assert!((white - expected).abs() < 0.5, "{window:?} at 1/{factor}: {white} for {expected}");
        }
    }
}

#[test]
fn all_orientations_come_out_the_same() {
    let (width, height) = (96u32, 64u32);
    let upright = picture(width, height);
    for exif in 0..=8u16 {
        let orientation = Orientation::from_exif(u32::from(exif));
        // The stored picture: the pose backwards, found by trying all eight.
        let stored_size = PixelSize::new(width, height).turned(orientation.turn());
        let stored = (1..=8)
            .map(|k| {
                turn_pixels::<u8, 3>(
                    &upright,
                    PixelSize::new(width, height),
                    Pose::new(Orientation::from_exif(k), Turn::None),
                )
            })
            .find(|stored| turn_pixels::<u8, 3>(stored, stored_size, Pose::new(orientation, Turn::None)) == upright)
            .unwrap();
        let file = with_orientation(&jpeg_of(stored_size.width, stored_size.height, &stored), exif);
        assert_eq!(probe(Cursor::new(&file)).unwrap().upright(), PixelSize::new(width, height));
        for factor in [1, 2] {
            let mut spec = spec((width, height), (40, 31));
            spec.cells[0].region = Region { x: 10.5, y: 3.25, width: 60.0, height: 46.5 };
            let found = render_with(&file, factor, &Shelf::default(), &[&spec]).remove(0).unwrap();
            let expected = rendered_pixels(&rgb_png(width, height, &upright), &spec);
            let most = if factor == 1 { 6 } else { 12 };
            assert!(largest_difference(&pixels(&found.bytes), &expected) <= most, "orientation {exif}, 1/{factor}");
            assert_eq!(probe(Cursor::new(&found.bytes)).unwrap().orientation, Orientation::UPRIGHT);
        }
        let whole = rendered_pixels(&file, &spec_of_size(width, height));
        assert!(largest_difference(&whole, &upright) <= 6, "orientation {exif}");
    }
}

fn spec_of_size(width: u32, height: u32) -> OutputSpec {
    spec((width, height), (width, height))
}

#[test]
fn turns_follow_the_orientation_and_the_sheet_turns_last() {
    let (width, height) = (48u32, 32u32);
    let rgb = picture(width, height);
    let file = rgb_png(width, height, &rgb);
    for degrees in [0, 90, 180, 270] {
        let turn = Turn::from_degrees(degrees).unwrap();
        let size = PixelSize::new(width, height).turned(turn);
        let expected = turn_pixels::<u8, 3>(&rgb, PixelSize::new(width, height), Pose::turned(turn));
        let mut rotated = spec((size.width, size.height), (size.width, size.height));
        rotated.cells[0].rotate = turn;
        assert_eq!(rendered_pixels(&file, &rotated), expected, "rotate {degrees}");
        let mut turned = spec_of_size(width, height);
        turned.turn = turn;
        let out = render_one(&file, &turned).unwrap();
        assert_eq!((out.pixels, pixels(&out.bytes)), (size, expected), "turn {degrees}");
    }
    // Clockwise: what was at the top left is at the top right.
    let mut quarter = spec((height, width), (height, width));
    quarter.cells[0].rotate = Turn::Quarter;
    let out = rendered_pixels(&file, &quarter);
    assert_eq!(out[(height as usize - 1) * 3..height as usize * 3], rgb[..3]);
}

#[test]
fn a_source_that_changed_is_refused() {
    let file = with_orientation(&jpeg_of(40, 30, &picture(40, 30)), 6);
    let error = render_one(&file, &spec((40, 30), (20, 15))).unwrap_err();
    assert_eq!(error.code(), "frame_changed");
    assert!(error.to_string().contains("30x40"), "{error}");
}

#[test]
fn regions_outside_the_frame_are_refused() {
    let file = rgb_png(40, 30, &picture(40, 30));
    for region in [
        Region { x: -1.0, y: 0.0, width: 10.0, height: 10.0 },
        Region { x: 35.0, y: 0.0, width: 10.0, height: 10.0 },
        Region { x: 0.0, y: 0.0, width: 0.0, height: 10.0 },
        Region { x: f64::NAN, y: 0.0, width: 10.0, height: 10.0 },
    ] {
        let mut spec = spec((40, 30), (10, 10));
        spec.cells[0].region = region;
        assert_eq!(render_one(&file, &spec).unwrap_err().code(), "bad_spec");
    }
    let mut outside = spec((40, 30), (10, 10));
    outside.cells[0].window.x = 1;
    assert_eq!(render_one(&file, &outside).unwrap_err().code(), "bad_spec");
}

#[test]
fn a_sheet_holds_several_pictures_and_its_background() {
    let (red, blue) = ([200, 10, 10], [10, 10, 200]);
    let first = rgb_png(30, 20, &red.repeat(600));
    let second = rgb_png(20, 20, &blue.repeat(400));
    let mut sheet = spec((30, 20), (30, 20));
    sheet.sheet = PixelSize::new(100, 50);
    sheet.background = Color::parse("#102030").unwrap();
    sheet.cells[0].window = Window { x: 5, y: 5, width: 30, height: 20 };
    let mut other = sheet.cells[0].clone();
    (other.source, other.frame) = (7, PixelSize::new(20, 20));
    other.region = Region { x: 0.0, y: 0.0, width: 20.0, height: 20.0 };
    other.window = Window { x: 60, y: 30, width: 40, height: 20 };
    sheet.cells.push(other);
    let sources = BTreeMap::from([(0, source(&first, 1)), (7, source(&second, 1))]);
    let mut out = None;
    render(&sources, &[&sheet], &Shelf::default(), &mut |_, result| out = Some(result.unwrap()));
    let out = pixels(&out.unwrap().bytes);
    let at = |x: usize, y: usize| <[u8; 3]>::try_from(&out[(y * 100 + x) * 3..][..3]).unwrap();
    assert_eq!((at(0, 0), at(5, 5), at(34, 24), at(35, 24)), ([16, 32, 48], red, red, [16, 32, 48]));
    assert_eq!((at(60, 30), at(99, 49), at(59, 30)), (blue, blue, [16, 32, 48]));
}

#[test]
fn alpha_is_laid_on_the_background() {
    let (width, height) = (64u32, 32u32);
    let data: Vec<u8> =
        (0..width * height).flat_map(|i| if i % width < 32 { [255, 0, 0, 0] } else { [0, 128, 0, 128] }).collect();
    let file = png_of((width, height), png::ColorType::Rgba, png::BitDepth::Eight, None, &data);
    let mut spec = spec((width, height), (32, 16));
    spec.background = Color::parse("#0000ff").unwrap();
    let out = rendered_pixels(&file, &spec);
    assert_eq!(out[..3], [0, 0, 255]);
    assert_eq!(out[31 * 3..32 * 3], [0, 64, 127]);
    // The red under the clear part must not bleed into the edge.
    assert!(out.chunks(3).all(|p| p[0] <= 1), "{:?}", out.chunks(3).map(|p| p[0]).max());
}

#[test]
fn threads_do_not_change_a_byte() {
    let (width, height) = (500u32, 380u32);
    let file = with_orientation(&jpeg_of(width, height, &picture(width, height)), 8);
    let mut spec = spec((height, width), (271, 333));
    spec.encoding = JPEG;
    spec.color.output = ColorSpace::AdobeRgb;
    spec.cells[0].sharpen = Some(Unsharp { radius: 0.8, amount: 0.9, threshold: 1.0 });
    spec.cells[0].tone = Tone::Sepia;
    let run = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| render_one(&file, &spec).unwrap().bytes)
    };
    let one = run(1);
    assert_eq!(one, run(2));
    assert_eq!(one, run(5));
}

#[test]
fn what_else_is_made_in_the_same_pass_changes_no_byte() {
    let rgb = noisy_picture(320, 240);
    let mut large = spec((320, 240), (320, 240));
    large.encoding = Encoding::Jpeg {
        quality: 90,
        subsampling: Subsampling::S420,
        progressive: false,
        optimize: false,
        max_bytes: None,
    };
    let file = render_one(&rgb_png(320, 240, &rgb), &large).unwrap().bytes;
    let small = spec((320, 240), (80, 60));
    for planes in [false, true] {
        let sources = BTreeMap::from([(0, Source { planes, ..source(&file, 1) })]);
        let made = |outputs: &[&OutputSpec]| {
            let mut last = None;
            render(&sources, outputs, &Shelf::default(), &mut |_, result| last = Some(result.unwrap()));
            last.unwrap()
        };
        assert!(made(&[&large, &small]) == made(&[&small]), "{planes}");
    }
}

#[test]
fn one_decode_gives_what_single_renders_give() {
    let file = jpeg_of(300, 200, &picture(300, 200));
    let mut specs: Vec<OutputSpec> = [(300, 200), (150, 100), (60, 40)].map(|w| spec((300, 200), w)).to_vec();
    specs[1].encoding = JPEG;
    specs.push(OutputSpec {
        encoding: Encoding::Copy,
        metadata: plain_metadata(KeepMetadata::All),
        ..specs[0].clone()
    });
    specs.push(OutputSpec { sheet: PixelSize::new(0, 0), ..specs[0].clone() });
    let all: Vec<&OutputSpec> = specs.iter().collect();
    let together = render_with(&file, 1, &Shelf::default(), &all);
    for (spec, together) in specs.iter().zip(&together) {
        assert_eq!(&render_one(&file, spec), together);
    }
    assert!(together[3].as_ref().unwrap().bytes == file && together[4].is_err());
}
