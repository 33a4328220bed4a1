//! Sixteen bits stay sixteen bits, step by step.

use std::borrow::Cow;
use std::collections::BTreeSet;

use super::super::cell::{Decoded, finish};
use super::super::color::Path;
use super::super::profile::{Input, Profile};
use super::super::raster::{Layout, Raster, Sample, Samples};
use super::*;

type Change = fn(&mut Cell);

/// Every 16-bit grey once, row by row.
fn ramp() -> Raster {
    let samples = Samples::U16((0..=u16::MAX).flat_map(|v| [v; 3]).collect());
    Raster { size: PixelSize::new(256, 256), layout: Layout::Rgb, samples }
}

fn profile(space: &ColorSpace) -> Profile {
    Profile::of_space(space, &Shelf::default()).unwrap()
}

/// The 16-bit pixels that a cell makes of a raster.
fn made(raster: &Raster, from: &ColorSpace, to: &ColorSpace, change: impl Fn(&mut Cell)) -> Vec<u16> {
    let size = (raster.size.width, raster.size.height);
    let mut spec = spec(size, size);
    change(&mut spec.cells[0]);
    let cell = &spec.cells[0];
    let path = Path::new(Input::Profile(profile(from)), &profile(to), &spec.color, cell.tone != Tone::Color).unwrap();
    let source = Decoded {
        raster: Cow::Borrowed(raster),
        stored: raster.size,
        orientation: Orientation::UPRIGHT,
        factor: DecodeFactor::FULL,
    };
    let Samples::U16(out) = finish(cell, source, &path, true).unwrap().rgb else { panic!("16 bits expected") };
    out
}

fn levels(samples: &[u16]) -> usize {
    samples.iter().step_by(3).collect::<BTreeSet<_>>().len()
}

#[test]
fn a_ramp_keeps_its_levels_through_every_step() {
    let (srgb, adobe) = (ColorSpace::Srgb, ColorSpace::AdobeRgb);
    let ramp = ramp();
    let Samples::U16(before) = &ramp.samples else { panic!() };
    assert!(made(&ramp, &srgb, &srgb, |_| ()) == *before);
    let steps: [(&str, Change, usize); 7] = [
        ("contrast", |cell| cell.adjust.contrast = 10.0, 58_000),
        ("exposure", |cell| cell.adjust.exposure = -0.1, 60_000),
        ("temperature", |cell| cell.adjust.temperature = 5.0, 60_000),
        ("saturation", |cell| cell.adjust.saturation = 30.0, 65_536),
        ("bw", |cell| cell.tone = Tone::Bw, 65_000),
        ("sepia", |cell| cell.tone = Tone::Sepia, 56_000),
        ("sharpen", |c| c.sharpen = Some(Unsharp { radius: 0.8, amount: 1.0, threshold: 4.0 }), 60_000),
    ];
    for (name, change, least) in steps {
        let found = levels(&made(&ramp, &srgb, &srgb, change));
        assert!(found >= least, "{name}: {found} levels");
    }
    // The library's linear light has 16 bits: 63,000 levels would be perfect, and what is missing lies in the
    // darkest tones, a twentieth of an 8-bit level apart.
    let found = levels(&made(&ramp, &srgb, &adobe, |_| ()));
    assert!(found >= 43_000, "sRGB to Adobe RGB: {found} levels");
}

#[test]
fn scaling_and_straightening_keep_sixteen_bits() {
    // Rises by less than an 8-bit level from column to column.
    let size = PixelSize::new(1024, 64);
    let samples = (0..64).flat_map(|_| (0..1024u16).flat_map(|x| [x * 40 + 3_000; 3])).collect();
    let raster = Raster { size, layout: Layout::Rgb, samples: Samples::U16(samples) };
    let half = |cell: &mut Cell| cell.window = Window { x: 0, y: 0, width: 512, height: 32 };
    let scaled = made(&raster, &ColorSpace::Srgb, &ColorSpace::Srgb, half);
    assert!(levels(&scaled[..512 * 3]) > 505, "{}", levels(&scaled[..512 * 3]));
    let slanted = made(&raster, &ColorSpace::Srgb, &ColorSpace::Srgb, |cell| {
        cell.straighten = 1.0;
        cell.region = Region { x: 112.0, y: 16.0, width: 800.0, height: 32.0 };
        cell.window = Window { x: 0, y: 0, width: 800, height: 32 };
    });
    assert!(levels(&slanted[..800 * 3]) > 790, "{}", levels(&slanted[..800 * 3]));
}

/// There and back again: what rounding and the library's tables leave.
#[test]
fn spaces_are_left_and_entered_again() {
    let mut samples = Vec::new();
    for r in (0..=u16::MAX).step_by(4_369) {
        for g in (0..=u16::MAX).step_by(4_369) {
            samples.extend((0..=u16::MAX).step_by(4_369).flat_map(|b| [r, g, b]));
        }
    }
    let size = PixelSize::new(64, (samples.len() / 3 / 64) as u32);
    let raster = Raster { size, layout: Layout::Rgb, samples: Samples::U16(samples.clone()) };
    let (srgb, adobe) = (ColorSpace::Srgb, ColorSpace::AdobeRgb);
    let there = made(&raster, &srgb, &adobe, |_| ());
    let there = Raster { samples: Samples::U16(there), ..raster };
    let back = made(&there, &adobe, &srgb, |_| ());
    let off: Vec<u32> = samples.iter().zip(&back).map(|(a, b)| u32::from(a.abs_diff(*b))).collect();
    let (mean, worst) = (f64::from(off.iter().sum::<u32>()) / off.len() as f64, off.iter().max().unwrap());
    assert!(mean < 3.0 && *worst < 40, "{mean} {worst}");
}

/// What greys come out as, in the a and b of Lab.
#[test]
fn greys_are_neutral() {
    let ramp = ramp();
    let spaces = [ColorSpace::Srgb, ColorSpace::AdobeRgb, ColorSpace::DisplayP3];
    let edits: [Change; 3] = [
        |_| (),
        |c| c.adjust = Adjust { exposure: 0.7, contrast: 30.0, saturation: 60.0, ..Adjust::default() },
        |c| (c.tone, c.adjust.brightness) = (Tone::Bw, -40.0),
    ];
    for from in &spaces {
        for to in &spaces {
            let p = profile(to).parsed;
            let linear = super::super::color::linear_tables(&p).unwrap();
            let columns = [p.red_colorant, p.green_colorant, p.blue_colorant].map(|c| [c.x, c.y, c.z]);
            let white: [f64; 3] = std::array::from_fn(|i| columns.iter().map(|c| c[i]).sum());
            for edit in edits {
                let out = made(&ramp, from, to, edit);
                let (mut wide_most, mut narrow_most) = (0.0f64, 0.0f64);
                for pixel in out.as_chunks::<3>().0 {
                    let tint = |rgb: [u16; 3]| {
                        let f: [f64; 3] = std::array::from_fn(|i| {
                            let sum: f64 =
                                (0..3).map(|c| columns[c][i] * f64::from(linear[c][usize::from(rgb[c])])).sum();
                            let t = sum / white[i];
                            if t > 216.0 / 24_389.0 { t.cbrt() } else { (24_389.0 / 27.0 * t + 16.0) / 116.0 }
                        });
                        (500.0 * (f[0] - f[1])).abs().max((200.0 * (f[1] - f[2])).abs())
                    };
                    wide_most = wide_most.max(tint(*pixel));
                    narrow_most = narrow_most.max(tint(pixel.map(|v| u8::from_u16(v).to_u16())));
                }
                assert!(wide_most < 0.1, "{from:?} to {to:?}: {wide_most}");
                // A level of 255 is more than that in the dark, where one channel falls to the other side of a half.
                assert!(narrow_most < 0.5, "{from:?} to {to:?}: {narrow_most} in 8 bits");
            }
        }
    }
}
