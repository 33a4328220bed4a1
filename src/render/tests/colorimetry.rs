//! The colour chunks of a PNG, against the same colours in a profile and against an independent library.

use lcms2::{CIExyY, CIExyYTRIPLE, ToneCurve};

use super::super::chunk;
use super::color::{cube, errors, oracle_of, shipped, tagged_png};
use super::*;

type Named<'a> = (&'a [u8; 4], &'a [u8]);

/// Puts chunks behind the first one.
fn with_chunks(png: &[u8], chunks: &[Named<'_>]) -> Vec<u8> {
    let (head, rest) = png.split_at(33);
    let mut out = head.to_vec();
    for (kind, data) in chunks {
        chunk::push_png(&mut out, **kind, &[data]);
    }
    [out, rest.to_vec()].concat()
}

fn numbers(values: &[u32]) -> Vec<u8> {
    values.iter().flat_map(|v| v.to_be_bytes()).collect()
}

const CHRM_SRGB: [u32; 8] = [31_270, 32_900, 64_000, 33_000, 30_000, 60_000, 15_000, 6_000];
const CHRM_ADOBE: [u32; 8] = [31_270, 32_900, 64_000, 33_000, 21_000, 71_000, 15_000, 6_000];
const CHRM_P3: [u32; 8] = [31_270, 32_900, 68_000, 32_000, 26_500, 69_000, 15_000, 6_000];
const CHRM_PROPHOTO: [u32; 8] = [34_567, 35_850, 73_470, 26_530, 15_960, 84_040, 3_660, 10];

/// What becomes of a colour picture with these chunks in sRGB, and the warnings.
fn made(icc: Option<&[u8]>, chunks: &[Named<'_>]) -> (Vec<u8>, Vec<RenderWarning>) {
    let (file, spec) = tagged_png(icc, png::ColorType::Rgb, 3, &cube());
    let out = render_one(&with_chunks(&file, chunks), &spec).unwrap();
    (pixels(&out.bytes), out.warnings)
}

/// Without a warning.
fn colors(icc: Option<&[u8]>, chunks: &[Named<'_>]) -> Vec<u8> {
    let (out, warnings) = made(icc, chunks);
    assert_eq!(warnings, vec![]);
    out
}

/// A profile by another library; the curve is a gamma, or the parameters of a curve of type 4.
fn oracle(points: [u32; 8], curve: &ToneCurve) -> Vec<u8> {
    let at = |i: usize| CIExyY { x: f64::from(points[i]) / 1e5, y: f64::from(points[i + 1]) / 1e5, Y: 1.0 };
    let primaries = CIExyYTRIPLE { Red: at(2), Green: at(4), Blue: at(6) };
    lcms2::Profile::new_rgb(&at(0), &primaries, &[curve, curve, curve]).unwrap().icc().unwrap()
}

fn assert_near(found: &[u8], icc: &[u8], what: &str) {
    let exact = oracle_of(icc, &shipped("srgb"), 3, lcms2::Intent::RelativeColorimetric, true, &cube());
    let (mean, worst, bias) = errors(found, &exact);
    assert!(mean < 0.4 && worst < 2.5 && bias.abs() < 0.1, "{what}: {mean} {worst} {bias}");
}

#[test]
fn code_points_say_the_space() {
    let of = |points: [u8; 4]| colors(None, &[(b"cICP", &points)]);
    assert_eq!(of([1, 13, 0, 1]), cube());
    assert_eq!(of([12, 13, 0, 1]), colors(Some(&shipped("display")), &[]));
    assert_ne!(of([12, 13, 0, 1]), cube());
    // The camera's curve of BT.709, and BT.2020's primaries with light as it is.
    let camera = ToneCurve::new_parametric(4, &[1.0 / 0.45, 1.0 / 1.0993, 0.0993 / 1.0993, 1.0 / 4.5, 0.081]).unwrap();
    assert_near(&of([1, 1, 0, 1]), &oracle(CHRM_SRGB, &camera), "BT.709");
    let wide = [31_270, 32_900, 70_800, 29_200, 17_000, 79_700, 13_100, 4_600];
    assert_near(&of([9, 8, 0, 1]), &oracle(wide, &ToneCurve::new(1.0)), "BT.2020, linear");
}

#[test]
fn code_points_come_before_a_profile_and_that_before_the_rest() {
    let (adobe, p3) = (shipped("adobe"), shipped("display"));
    let (chrm, gama) = (numbers(&CHRM_ADOBE), numbers(&[45_455]));
    let all: [Named<'_>; 3] = [(b"sRGB", &[0]), (b"gAMA", &gama), (b"cHRM", &chrm)];
    let first: Named<'_> = (b"cICP", &[12, 13, 0, 1]);
    let coded = colors(Some(&adobe), &[&[first], &all[..]].concat());
    assert_eq!(coded, colors(Some(&p3), &[]));
    assert_eq!(colors(Some(&p3), &all), colors(Some(&p3), &[]));
    assert_eq!(colors(None, &all), cube());
    assert_eq!(colors(None, &all[1..]), colors(Some(&adobe), &[]));
}

#[test]
fn chromaticities_and_gamma_say_the_space() {
    let of = |chrm: Option<[u32; 8]>, gamma: Option<u32>| {
        let (chrm, gamma) = (chrm.map(|v| numbers(&v)), gamma.map(|v| numbers(&[v])));
        let chrm = chrm.as_deref().map(|data| -> Named<'_> { (b"cHRM", data) });
        let gamma = gamma.as_deref().map(|data| -> Named<'_> { (b"gAMA", data) });
        colors(None, &chrm.into_iter().chain(gamma).collect::<Vec<_>>())
    };
    // What most programs write beside sRGB does not move a bit.
    for gamma in [45_455, 45_450, 45_000, 46_000] {
        assert_eq!(of(None, Some(gamma)), cube());
        assert_eq!(of(Some(CHRM_SRGB), Some(gamma)), cube());
    }
    assert_eq!(of(Some(CHRM_SRGB), None), cube());
    assert_eq!(of(Some(CHRM_P3), None), colors(Some(&shipped("display")), &[]));
    assert_eq!(of(Some(CHRM_ADOBE), Some(45_471)), colors(Some(&shipped("adobe")), &[]));
    assert_near(&of(None, Some(100_000)), &oracle(CHRM_SRGB, &ToneCurve::new(1.0)), "linear");
    assert_near(&of(None, Some(55_556)), &oracle(CHRM_SRGB, &ToneCurve::new(1.8)), "old Macintosh");
    assert_near(&of(Some(CHRM_PROPHOTO), Some(55_556)), &oracle(CHRM_PROPHOTO, &ToneCurve::new(1.8)), "ProPhoto");
    assert_near(&of(Some(CHRM_P3), Some(45_455)), &oracle(CHRM_P3, &ToneCurve::new(2.2)), "P3 of a gamma");

    let greys: Vec<u8> = (0..=255).collect();
    let (file, spec) = tagged_png(None, png::ColorType::Grayscale, 1, &greys);
    let found = rendered_pixels(&with_chunks(&file, &[(b"gAMA", &numbers(&[100_000]))]), &spec);
    let neutral = greys.iter().flat_map(|v| [*v; 3]).collect::<Vec<_>>();
    let linear = oracle(CHRM_SRGB, &ToneCurve::new(1.0));
    let exact = oracle_of(&linear, &shipped("srgb"), 3, lcms2::Intent::RelativeColorimetric, true, &neutral);
    let (mean, worst, _) = errors(&found, &exact);
    assert!(mean < 0.4 && worst < 1.5, "{mean} {worst}");
}

/// `untagged` is for pictures that say nothing of their primaries.
#[test]
fn a_common_gamma_alone_leaves_a_picture_untagged() {
    let (file, mut spec) = tagged_png(None, png::ColorType::Rgb, 3, &cube());
    spec.color.untagged = ColorSpace::AdobeRgb;
    let of = |chunks: &[Named<'_>]| rendered_pixels(&with_chunks(&file, chunks), &spec);
    let gamma = numbers(&[45_455]);
    assert_eq!(of(&[(b"gAMA", &gamma)]), of(&[]));
    assert_ne!(of(&[]), cube());
    assert_eq!(of(&[(b"gAMA", &gamma), (b"cHRM", &numbers(&CHRM_SRGB))]), cube());
}

#[test]
fn nonsense_is_left_out_with_a_warning() {
    let with = |at: usize, value: u32| {
        let mut points = CHRM_SRGB;
        points[at] = value;
        numbers(&points)
    };
    let points: [(&[u8; 4], Vec<u8>, &str); 13] = [
        (b"cHRM", numbers(&[0; 8]), "cHRM"),
        (b"cHRM", with(1, 0), "cHRM"),
        (b"cHRM", with(3, 0), "cHRM"),
        (b"cHRM", with(0, 90_000), "cHRM"),
        (b"cHRM", with(7, u32::MAX), "cHRM"),
        // All primaries on a line; and the white outside of them.
        (b"cHRM", numbers(&[31_270, 32_900, 10_000, 10_000, 20_000, 20_000, 30_000, 30_000]), "cHRM"),
        (b"cHRM", numbers(&[10_000, 80_000, 64_000, 33_000, 30_000, 60_000, 15_000, 6_000]), "cHRM"),
        (b"gAMA", numbers(&[0]), "gAMA"),
        (b"gAMA", numbers(&[900_000]), "gAMA"),
        (b"cHRM", vec![1; 31], "cHRM"),
        (b"cICP", vec![99, 13, 0, 1], "cICP 99/13/0/1"),
        (b"cICP", vec![1, 17, 0, 1], "cICP 1/17/0/1"),
        (b"cICP", vec![2, 2, 0, 1], "cICP 2/2/0/1"),
    ];
    for (kind, data, part) in points {
        let (out, warnings) = made(None, &[(kind, &data)]);
        assert_eq!(out, cube(), "{kind:?} {data:?}");
        let [warning @ RenderWarning::ColorsIgnored(what)] = &warnings[..] else { panic!("{data:?}: {warnings:?}") };
        assert!(what.contains(part), "{what}");
        assert_eq!(warning.code(), "colors_ignored");
    }
    // What comes next counts.
    let (out, warnings) = made(Some(&shipped("display")), &[(b"cICP", &[0, 0, 0, 1])]);
    assert_eq!((out, warnings.len()), (colors(Some(&shipped("display")), &[]), 1));
}

#[test]
fn hdr_and_the_range_of_video_are_refused_but_handed_on() {
    let (file, spec) = tagged_png(None, png::ColorType::Rgb, 3, &cube());
    for (points, part) in [
        ([9, 16, 0, 1], "an HDR picture (PQ) (cICP 9/16/0/1)"),
        ([9, 18, 0, 1], "an HDR picture (HLG)"),
        ([1, 13, 0, 0], "the narrow range of video"),
    ] {
        let chunks: [Named<'_>; 3] = [(b"cICP", &points), (b"mDCV", &[7; 24]), (b"gAMA", &100_000u32.to_be_bytes())];
        let original = with_chunks(&file, &chunks);
        let error = render_one(&original, &spec).unwrap_err();
        assert_eq!(error.code(), "unsupported");
        assert!(error.to_string().contains(part), "{error}");
        let copied = render_one(&original, &OutputSpec { encoding: Encoding::Copy, ..spec.clone() }).unwrap();
        let kinds: Vec<_> = chunk::walk_png(&copied.bytes).unwrap().iter().map(|c| (c.kind, c.data.to_vec())).collect();
        for (kind, data) in chunks {
            assert!(kinds.contains(&(*kind, data.to_vec())), "{kind:?}");
        }
    }
}
