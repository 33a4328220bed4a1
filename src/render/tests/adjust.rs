//! Adjustments: what each does to colours that can be worked out by hand, and what none may do.

use super::super::adjust::Adjuster;
use super::super::profile::Profile;
use super::super::raster::{Layout, Raster, Samples};
use super::*;

type Knob = fn(&mut Adjust, f64);

fn working(space: &ColorSpace) -> Profile {
    Profile::of_space(space, &Shelf::default()).unwrap()
}

fn adjust(change: impl Fn(&mut Adjust)) -> Adjust {
    let mut adjust = Adjust::default();
    change(&mut adjust);
    adjust
}

fn run(adjust: &Adjust, space: &ColorSpace, samples: Samples) -> Vec<u16> {
    let length = match &samples {
        Samples::U8(v) => v.len(),
        Samples::U16(v) => v.len(),
    };
    let raster = Raster { size: PixelSize::new(length as u32 / 3, 1), layout: Layout::Rgb, samples };
    let out = match Adjuster::new(adjust, &working(space)).unwrap() {
        Some(adjuster) => adjuster.apply(&raster).samples,
        None => raster.samples.in_depth(true),
    };
    let Samples::U16(out) = out else { panic!("16 bits expected") };
    out
}

/// One pixel of sRGB, in levels of 255.
fn one(change: impl Fn(&mut Adjust), rgb: [u8; 3]) -> [f64; 3] {
    let out = run(&adjust(change), &ColorSpace::Srgb, Samples::U8(rgb.to_vec()));
    [0, 1, 2].map(|i| f64::from(out[i]) / 257.0)
}

fn all_greys() -> Vec<u16> {
    (0..=u16::MAX).flat_map(|v| [v; 3]).collect()
}

/// One of each edit, both ways and to its ends.
fn edits() -> Vec<Adjust> {
    let mut all = Vec::new();
    for amount in [-1.0, -0.3, 0.01, 0.5, 1.0] {
        all.push(adjust(|a| a.exposure = amount * 5.0));
        all.push(adjust(|a| a.brightness = amount * 100.0));
        all.push(adjust(|a| a.contrast = amount * 100.0));
        all.push(adjust(|a| a.temperature = amount * 100.0));
        all.push(adjust(|a| a.tint = amount * 100.0));
        all.push(adjust(|a| (a.brightness, a.contrast, a.exposure) = (-amount * 100.0, amount * 100.0, amount)));
    }
    all
}

#[test]
fn nothing_is_nothing() {
    assert!(Adjuster::new(&Adjust::default(), &Profile::srgb()).unwrap().is_none());
    // What changes nothing but the saturation leaves greys to the bit, and the other way round.
    let greys = all_greys();
    for saturation in [-100.0, -1.0, 0.5, 100.0] {
        let edit = adjust(|a| a.saturation = saturation);
        assert!(run(&edit, &ColorSpace::Srgb, Samples::U16(greys.clone())) == greys, "{saturation}");
    }
    for tiny in [1e-9, -1e-9] {
        let edit = Adjust {
            exposure: tiny,
            brightness: tiny,
            contrast: tiny,
            saturation: tiny,
            temperature: tiny,
            tint: tiny,
        };
        let colors: Vec<u16> = (0..3 * 21_845u32).map(|i| (i * 40_503) as u16).collect();
        let out = run(&edit, &ColorSpace::AdobeRgb, Samples::U16(colors.clone()));
        let most = colors.iter().zip(&out).map(|(a, b)| a.abs_diff(*b)).max();
        assert!(most <= Some(1), "{most:?}");
    }
}

#[test]
fn a_stop_doubles_the_light() {
    // sRGB 100 is 0.1274 of the light of white; twice that is 138.2.
    let [r, g, b] = one(|a| a.exposure = 1.0, [100; 3]);
    assert!((r - 138.2).abs() < 0.3 && (r - g).abs() < 1e-9 && (g - b).abs() < 1e-9, "{r}");
    let [r, ..] = one(|a| a.exposure = -1.0, [255; 3]);
    assert!((r - 187.5).abs() < 0.3, "{r}");
    let clipped = run(&adjust(|a| a.exposure = 5.0), &ColorSpace::Srgb, Samples::U8(vec![255, 200, 0]));
    assert_eq!(clipped, [u16::MAX, u16::MAX, 0]);
    // The same light in a space of another curve: 563/256.
    let out = run(&adjust(|a| a.exposure = 1.0), &ColorSpace::AdobeRgb, Samples::U8(vec![100; 3]));
    let wanted = 100.0 * 2f64.powf(256.0 / 563.0);
    assert!((f64::from(out[0]) / 257.0 - wanted).abs() < 0.02, "{out:?} {wanted}");
}

#[test]
fn curves_rise_and_greys_stay_grey() {
    for edit in edits() {
        for space in [ColorSpace::Srgb, ColorSpace::AdobeRgb, ColorSpace::DisplayP3] {
            let out = run(&edit, &space, Samples::U16(all_greys()));
            for (before, after) in out.chunks_exact(3).zip(out.chunks_exact(3).skip(1)) {
                assert!(before.iter().zip(after).all(|(a, b)| a <= b), "{edit:?} {space:?}");
            }
            assert_eq!(out[..3], [0; 3], "{edit:?}");
            if edit.temperature == 0.0 && edit.tint == 0.0 {
                let neutral = out.chunks_exact(3).all(|p| p[0].abs_diff(p[1]) <= 1 && p[1].abs_diff(p[2]) <= 1);
                assert!(neutral, "{edit:?} {space:?}");
            }
            if edit.exposure == 0.0 && edit.temperature == 0.0 && edit.tint == 0.0 {
                assert_eq!(out[out.len() - 3..], [u16::MAX; 3], "{edit:?}");
            }
        }
    }
}

#[test]
fn small_steps_make_small_changes() {
    let pixels: Vec<u16> = (0..3000u32).map(|i| (i * 40_503) as u16).collect();
    let knobs: [Knob; 6] = [
        |a, v| a.exposure = v / 100.0,
        |a, v| a.brightness = v,
        |a, v| a.contrast = v,
        |a, v| a.saturation = v,
        |a, v| a.temperature = v,
        |a, v| a.tint = v,
    ];
    for (index, knob) in knobs.iter().enumerate() {
        let at = |value: f64| run(&adjust(|a| knob(a, value)), &ColorSpace::Srgb, Samples::U16(pixels.clone()));
        for value in [-100.0, -1.0, 0.5, 40.0, 99.0] {
            let (a, b) = (at(value), at(value + 1.0));
            let most = a.iter().zip(&b).map(|(a, b)| a.abs_diff(*b)).max().unwrap();
            // A hundredth of the way: three levels of 255 at most.
            assert!(most > 0 && most < 3 * 257, "edit {index} at {value}: {most}");
        }
    }
}

#[test]
fn warm_is_red_and_magenta_lacks_green_at_the_same_luminance() {
    let luminance = |rgb: [f64; 3]| {
        let light = rgb.map(|v| ((v / 255.0 + 0.055) / 1.055).powf(2.4));
        0.2225 * light[0] + 0.7169 * light[1] + 0.0606 * light[2]
    };
    let warm = one(|a| a.temperature = 100.0, [120; 3]);
    assert!(warm[0] > 135.0 && warm[2] < 105.0, "{warm:?}");
    let cool = one(|a| a.temperature = -100.0, [120; 3]);
    assert!(cool[2] > 135.0 && cool[0] < 105.0, "{cool:?}");
    let magenta = one(|a| a.tint = 100.0, [120; 3]);
    assert!(magenta[1] < magenta[0] - 10.0 && (magenta[0] - magenta[2]).abs() < 0.1, "{magenta:?}");
    let green = one(|a| a.tint = -100.0, [120; 3]);
    assert!(green[1] > green[0] + 10.0 && (green[0] - green[2]).abs() < 0.1, "{green:?}");
    for rgb in [warm, cool, magenta, green] {
        assert!((luminance(rgb) / luminance([120.0; 3]) - 1.0).abs() < 0.01, "{rgb:?}");
    }
}

#[test]
fn brightness_and_contrast_are_about_the_middle() {
    assert!((one(|a| a.brightness = 100.0, [128; 3])[0] - 180.3).abs() < 0.3);
    assert!((one(|a| a.brightness = 50.0, [100; 3])[0] - 127.0).abs() < 2.0);
    // Its own opposite.
    for value in [3, 60, 128, 250] {
        let up = one(|a| a.brightness = 70.0, [value; 3])[0];
        let out = run(&adjust(|a| a.brightness = -70.0), &ColorSpace::Srgb, Samples::U16(vec![(up * 257.0) as u16; 3]));
        assert!((f64::from(out[0]) / 257.0 - f64::from(value)).abs() < 0.02, "{value}: {out:?}");
    }
    // The darkest tones are not torn apart.
    assert!(one(|a| a.brightness = 100.0, [1; 3])[0] < 2.4);
    let contrast = |v: u8| one(|a| a.contrast = 100.0, [v; 3])[0];
    assert!(contrast(64) < 45.0 && contrast(192) > 211.0 && (contrast(128) - 128.0).abs() < 1.0);
    let flat = |v: u8| one(|a| a.contrast = -100.0, [v; 3])[0];
    assert!(flat(64) > 83.0 && flat(192) < 173.0);
}

#[test]
fn saturation_is_about_luminance() {
    // Fully taken away, it is what the tone `bw` makes.
    let file = rgb_png(64, 48, &picture(64, 48));
    let mut grey = spec((64, 48), (64, 48));
    grey.cells[0].adjust.saturation = -100.0;
    let mut bw = spec((64, 48), (64, 48));
    bw.cells[0].tone = Tone::Bw;
    assert!(largest_difference(&rendered_pixels(&file, &grey), &rendered_pixels(&file, &bw)) <= 1);
    let [r, g, b] = one(|a| a.saturation = 50.0, [150, 100, 90]);
    assert!(r > 165.0 && g < 101.0 && b < 82.0, "{r} {g} {b}");
    // About twice as far from grey.
    let grey = one(|a| a.saturation = -100.0, [150, 120, 110])[0];
    let double = one(|a| a.saturation = 100.0, [150, 120, 110]);
    for (found, before) in double.iter().zip([150.0, 120.0, 110.0]) {
        assert!((found - (2.0 * before - grey)).abs() < 0.1, "{double:?} about {grey}");
    }
}

#[test]
fn eight_bits_get_no_bands() {
    let ramp: Vec<u8> = (0..64u8).flat_map(|v| [v; 3]).collect();
    for edit in [adjust(|a| a.exposure = 2.0), adjust(|a| (a.brightness, a.contrast) = (60.0, -40.0))] {
        let out = run(&edit, &ColorSpace::Srgb, Samples::U8(ramp.clone()));
        let levels: std::collections::BTreeSet<&u16> = out.iter().step_by(3).collect();
        assert_eq!(levels.len(), 64, "{edit:?}");
    }
}

/// Before the tone: a sepia picture of another exposure is sepia all over.
#[test]
fn adjustments_come_before_the_tone() {
    let file = rgb_png(64, 48, &picture(64, 48));
    let mut both = spec((64, 48), (64, 48));
    (both.cells[0].adjust.temperature, both.cells[0].tone) = (100.0, Tone::Bw);
    let out = rendered_pixels(&file, &both);
    assert!(out.chunks_exact(3).all(|p| p[0] == p[1] && p[1] == p[2]));
}
