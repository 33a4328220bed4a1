//! Profiles of every kind, against an independent library; and profiles that are broken.

use super::super::color::Converter;
use super::super::icc_builder;
use super::super::profile::Profile;
use super::super::raster::{Layout, Raster, Samples};
use super::color::{cube, errors, oracle_of, shipped, tagged_png};
use super::*;

const INTENTS: [(Intent, lcms2::Intent); 2] =
    [(Intent::Relative, lcms2::Intent::RelativeColorimetric), (Intent::Perceptual, lcms2::Intent::Perceptual)];

/// Tables are interpolated differently by every library, mostly where one of them cuts off the shadows.
#[test]
fn printers_are_met_as_lcms2_does_it_in_every_intent() {
    let data = cube();
    for black in [0.002, 0.01, 0.03] {
        let printer = icc_builder::printer(black);
        let mut shelf = Shelf::default();
        let space = shelf.put(printer.clone());
        for (intent, same) in INTENTS {
            for black_point in [false, true] {
                let (file, mut spec) = tagged_png(None, png::ColorType::Rgb, 3, &data);
                spec.color = ColorSpec { output: space.clone(), intent, black_point, ..spec.color };
                let out = pixels(&render_with(&file, 1, &shelf, &[&spec]).remove(0).unwrap().bytes);
                let exact = oracle_of(&shipped("srgb"), &printer, 3, same, black_point, &data);
                let (mean, _, bias) = errors(&out, &exact);
                assert!(mean < 0.85 && bias.abs() < 0.6, "to {black} {intent:?} {black_point}: {mean} {bias}");
                let (file, mut spec) = tagged_png(Some(&printer), png::ColorType::Rgb, 3, &data);
                (spec.color.black_point, spec.color.intent) = (black_point, intent);
                let out = rendered_pixels(&file, &spec);
                let exact = oracle_of(&printer, &shipped("srgb"), 3, same, black_point, &data);
                let (mean, worst, bias) = errors(&out, &exact);
                let text = format!("from {black} {intent:?} {black_point}: {mean} {worst} {bias}");
                assert!(mean < 0.35 && worst < 2.5 && bias.abs() < 0.1, "{text}");
            }
        }
    }
}

#[test]
fn a_press_is_left_as_lcms2_does_it_in_every_intent() {
    let inks: Vec<u8> = (0..64u32 * 64)
        .flat_map(|i| [(i * 37) as u8, (i * 91) as u8, (i * 13) as u8, (i * 7) as u8 / 3])
        .chain([0, 0, 0, 0, 255, 255, 255, 255, 0, 0, 0, 255])
        .collect();
    let icc = icc_builder::cmyk();
    let size = PixelSize::new(inks.len() as u32 / 4, 1);
    let raster = Raster { size, layout: Layout::Cmyk, samples: Samples::U8(inks.clone()) };
    for (intent, same) in INTENTS {
        for black_point in [false, true] {
            let converter = Converter::new(&Profile::of_bytes(&icc), &Profile::srgb(), intent, black_point).unwrap();
            let Samples::U8(out) = converter.to_rgb16(&raster).unwrap().samples.in_depth(false) else { panic!() };
            let exact = oracle_of(&icc, &shipped("srgb"), 4, same, black_point, &inks);
            let (mean, worst, bias) = errors(&out, &exact);
            let text = format!("{intent:?} {black_point}: {mean} {worst} {bias}");
            assert!(mean < 0.6 && worst < 4.5 && bias.abs() < 0.3, "{text}");
        }
    }
}

/// Version 4, parametric curves, as phones and newer programs write them.
#[test]
fn newer_profiles_are_read() {
    let data = cube();
    for (name, icc) in [
        ("Display P3", moxcms::ColorProfile::new_display_p3()),
        ("Adobe RGB", moxcms::ColorProfile::new_adobe_rgb()),
        ("ProPhoto", moxcms::ColorProfile::new_pro_photo_rgb()),
        ("Rec. 2020", moxcms::ColorProfile::new_bt2020()),
    ] {
        let icc = icc.encode().unwrap();
        assert_eq!(icc[8], 4, "{name}");
        for (intent, same) in INTENTS {
            let (file, mut spec) = tagged_png(Some(&icc), png::ColorType::Rgb, 3, &data);
            spec.color.intent = intent;
            let out = render_one(&file, &spec).unwrap();
            assert_eq!(out.warnings, vec![], "{name}");
            let exact = oracle_of(&icc, &shipped("srgb"), 3, same, true, &data);
            let (mean, worst, bias) = errors(&pixels(&out.bytes), &exact);
            assert!(mean < 0.3 && worst < 1.1 && bias.abs() < 0.05, "{name} {intent:?}: {mean} {worst} {bias}");
        }
    }
    let greys: Vec<u8> = (0..=255).collect();
    let icc = moxcms::ColorProfile::new_gray_with_gamma(2.2).encode().unwrap();
    let (file, spec) = tagged_png(Some(&icc), png::ColorType::Grayscale, 1, &greys);
    let out = rendered_pixels(&file, &spec);
    let exact = oracle_of(&icc, &shipped("srgb"), 1, lcms2::Intent::RelativeColorimetric, true, &greys);
    let (mean, worst, _) = errors(&out, &exact);
    assert!(mean < 0.3 && worst < 1.0, "{mean} {worst}");
    assert!(out.chunks_exact(3).all(|p| p[0] == p[1] && p[1] == p[2]));
}

#[test]
fn greys_of_lightness_are_read() {
    let greys: Vec<u8> = (0..=255).collect();
    let icc = icc_builder::gray_of_lightness();
    for (intent, same) in INTENTS {
        let (file, mut spec) = tagged_png(Some(&icc), png::ColorType::Grayscale, 1, &greys);
        spec.color.intent = intent;
        let out = render_one(&file, &spec).unwrap();
        assert_eq!(out.warnings, vec![]);
        let exact = oracle_of(&icc, &shipped("srgb"), 1, same, true, &greys);
        let (mean, worst, _) = errors(&pixels(&out.bytes), &exact);
        assert!(mean < 0.4 && worst < 1.5, "{intent:?}: {mean} {worst}");
    }
}

/// Corbis RGB has primaries of a type of its own, profiles of Monaco have curves of one.
#[test]
fn private_names_of_standard_types_are_known() {
    let standard = shipped("adobe");
    let mut private = standard.clone();
    for at in 132..private.len() - 8 {
        match &standard[at..at + 8] {
            b"XYZ \0\0\0\0" => private[at..at + 4].copy_from_slice(&[0x17, 0xa5, 0x05, 0xb8]),
            b"curv\0\0\0\0" => private[at..at + 4].copy_from_slice(&[0x94, 0x78, 0xee, 0x00]),
            _ => {}
        }
    }
    assert_ne!(private, standard);
    let made = |icc: &[u8]| {
        let (file, spec) = tagged_png(Some(icc), png::ColorType::Rgb, 3, &cube());
        let out = render_one(&file, &spec).unwrap();
        assert_eq!(out.warnings, vec![]);
        pixels(&out.bytes)
    };
    assert_eq!(made(&private), made(&standard));
    // The peer reads it as well.
    let exact = oracle_of(&private, &shipped("srgb"), 3, INTENTS[0].1, true, &cube());
    let (mean, ..) = errors(&made(&private), &exact);
    assert!(mean < 0.4, "{mean}");
}

/// Bytes of profiles changed at random: warnings and errors, never a panic, and no memory or time without end.
#[test]
fn broken_profiles_do_no_harm() {
    let mut seed = 11u32;
    let mut next = || {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (seed >> 8) as usize
    };
    let rgb = [10, 200, 90].repeat(64);
    let mut warned = 0;
    for base in [shipped("srgb"), icc_builder::printer(0.01), icc_builder::gray(0x1cd)] {
        for round in 0..200 {
            let mut icc = base.clone();
            for _ in 0..=round % 4 {
                // The head, the table of tags and the heads of the tags are where it hurts.
                let at = next() % icc.len().min(600);
                icc[at] = [0, 0xff, 0x7f, next() as u8][next() % 4];
            }
            if round % 5 == 0 {
                icc.truncate(next() % icc.len());
            }
            let file = png_of((8, 8), png::ColorType::Rgb, png::BitDepth::Eight, Some(&icc), &rgb);
            let started = std::time::Instant::now();
            let out = render_one(&file, &spec((8, 8), (8, 8))).unwrap();
            assert!(started.elapsed().as_secs() < 20);
            warned += usize::from(!out.warnings.is_empty());
        }
    }
    assert!(warned > 100, "{warned}");
}
