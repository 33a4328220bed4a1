//! Colours: against an independent library, and against plain sense.

use super::super::icc_builder;
use super::*;

/// What lcms2 makes of 8-bit pixels, in levels. By its floating point path: the one of 16 bits squeezes its values
/// through XYZ of 15 bits, which is up to eight levels off in the dark channel of strong colours.
fn oracle(from: &[u8], to: &[u8], channels: usize, black_point: bool, data: &[u8]) -> Vec<f64> {
    oracle_of(from, to, channels, lcms2::Intent::RelativeColorimetric, black_point, data)
}

pub(super) fn oracle_of(
    from: &[u8],
    to: &[u8],
    channels: usize,
    intent: lcms2::Intent,
    black_point: bool,
    data: &[u8],
) -> Vec<f64> {
    use lcms2::PixelFormat;
    let from = lcms2::Profile::new_icc(from).unwrap();
    let to = lcms2::Profile::new_icc(to).unwrap();
    let mut flags = lcms2::Flags::NO_CACHE | lcms2::Flags::NO_OPTIMIZE;
    if black_point {
        flags = flags | lcms2::Flags::BLACKPOINT_COMPENSATION;
    }
    // Inks are counted in percent.
    let (format, most) = match channels {
        1 => (PixelFormat::GRAY_FLT, 1.0),
        3 => (PixelFormat::RGB_FLT, 1.0),
        _ => (PixelFormat::CMYK_FLT, 100.0),
    };
    let wide: Vec<f32> = data.iter().map(|v| f32::from(*v) / 255.0 * most).collect();
    let mut out = vec![[0f32; 3]; data.len() / channels];
    macro_rules! convert {
        ($n:literal) => {{
            let t: lcms2::Transform<[f32; $n], [f32; 3], _, _> =
                lcms2::Transform::new_flags(&from, format, &to, PixelFormat::RGB_FLT, intent, flags).unwrap();
            t.transform_pixels(wide.as_chunks::<$n>().0, &mut out);
        }};
    }
    match channels {
        1 => convert!(1),
        3 => convert!(3),
        _ => convert!(4),
    }
    out.iter().flatten().map(|v| f64::from(v.clamp(0.0, 1.0)) * 255.0).collect()
}

/// Colours all over the cube, and all greys.
pub(super) fn cube() -> Vec<u8> {
    let steps: Vec<u8> = (0..=17).map(|i| (i * 15) as u8).collect();
    let mut out = Vec::new();
    for r in &steps {
        for g in &steps {
            out.extend(steps.iter().flat_map(|b| [*r, *g, *b]));
        }
    }
    out.extend((0..=255u8).flat_map(|v| [v; 3]));
    out.extend((0..=255u8).flat_map(|v| [v, v / 2, 255 - v]));
    out.resize(out.len().next_multiple_of(3 * 64), 0);
    out
}

pub(super) fn shipped(name: &str) -> Vec<u8> {
    icc_builder::shipped().into_iter().find(|(n, _)| n.starts_with(name)).unwrap().1
}

/// (mean, worst, bias) of 8-bit values against exact ones.
pub(super) fn errors(found: &[u8], exact: &[f64]) -> (f64, f64, f64) {
    let all: Vec<f64> = found.iter().zip(exact).map(|(a, b)| f64::from(*a) - b).collect();
    let mean = all.iter().map(|d| d.abs()).sum::<f64>() / all.len() as f64;
    (mean, all.iter().fold(0.0, |m: f64, d| m.max(d.abs())), all.iter().sum::<f64>() / all.len() as f64)
}

pub(super) fn tagged_png(
    icc: Option<&[u8]>,
    color: png::ColorType,
    channels: usize,
    data: &[u8],
) -> (Vec<u8>, OutputSpec) {
    let size = (64, (data.len() / channels / 64) as u32);
    (png_of(size, color, png::BitDepth::Eight, icc, data), spec(size, size))
}

#[test]
fn rgb_spaces_are_converted_as_lcms2_does_it_and_rounded() {
    let data = cube();
    let spaces = [("srgb", ColorSpace::Srgb), ("adobe", ColorSpace::AdobeRgb), ("display", ColorSpace::DisplayP3)];
    for (from, _) in &spaces {
        for (to, space) in &spaces {
            let (file, mut spec) = tagged_png(Some(&shipped(from)), png::ColorType::Rgb, 3, &data);
            spec.color.output = space.clone();
            let found = rendered_pixels(&file, &spec);
            if from == to {
                assert_eq!(found, data);
                continue;
            }
            let exact = oracle(&shipped(from), &shipped(to), 3, true, &data);
            let (mean, _, bias) = errors(&found, &exact);
            // A perfect rounding has a mean error of 0.25, none on average, and half a level at worst.
            assert!(mean < 0.28 && bias.abs() < 0.02, "{from} to {to}: mean {mean} bias {bias}");
            // Against the rounded right value: one level at most, where a gamma without a toe starts in the dark.
            let levels = found.iter().zip(&exact).map(|(a, b)| a.abs_diff(b.round() as u8)).max();
            assert!(levels <= Some(1), "{from} to {to}: {levels:?} levels");
        }
    }
}

#[test]
fn greys_stay_grey_through_everything() {
    let greys: Vec<u8> = (0..=255u8).flat_map(|v| [v; 3]).collect();
    for from in ["srgb", "adobe", "display"] {
        for space in [ColorSpace::Srgb, ColorSpace::AdobeRgb, ColorSpace::DisplayP3] {
            for tone in [Tone::Color, Tone::Bw] {
                let (file, mut spec) = tagged_png(Some(&shipped(from)), png::ColorType::Rgb, 3, &greys);
                (spec.color.output, spec.cells[0].tone) = (space.clone(), tone);
                spec.cells[0].sharpen = Some(Unsharp { radius: 1.0, amount: 1.0, threshold: 0.0 });
                let found = rendered_pixels(&file, &spec);
                let tint = found.chunks(3).map(|p| p[0].abs_diff(p[1]).max(p[1].abs_diff(p[2]))).max();
                assert!(tint <= Some(1), "{from} to {space:?}: {tint:?}");
            }
        }
    }
}

#[test]
fn an_equal_profile_changes_nothing() {
    // sRGB as another program writes it: version 4, parametric curves.
    let foreign = moxcms::ColorProfile::new_srgb().encode().unwrap();
    assert_ne!(foreign, shipped("srgb"));
    let (file, spec) = tagged_png(Some(&foreign), png::ColorType::Rgb, 3, &cube());
    assert!(rendered_pixels(&file, &spec) == cube());
}

#[test]
fn untagged_pictures_are_taken_for_what_the_profile_says() {
    let (file, mut spec) = tagged_png(None, png::ColorType::Rgb, 3, &cube());
    assert_eq!(rendered_pixels(&file, &spec), cube());
    spec.color.untagged = ColorSpace::AdobeRgb;
    let as_adobe = rendered_pixels(&file, &spec);
    let (tagged, plain) = tagged_png(Some(&shipped("adobe")), png::ColorType::Rgb, 3, &cube());
    assert_eq!(as_adobe, rendered_pixels(&tagged, &plain));
    assert_ne!(as_adobe, cube());
}

#[test]
fn exif_can_name_adobe_rgb() {
    let jpeg = jpeg_of(64, 40, &picture(64, 40));
    let mut exif = exif::Exif::default();
    exif.set(exif::Field::short(exif::Directory::Exif, exif::tag::COLOR_SPACE, 0xffff));
    exif.set(exif::Field::text(exif::Directory::Interop, exif::tag::INTEROP_INDEX, "R03"));
    let named = with_exif(&jpeg, &exif);
    assert!(probe(Cursor::new(&named)).unwrap().tagged && !probe(Cursor::new(&jpeg)).unwrap().tagged);
    let tagged = with_segments(&jpeg, |out| segment::push_icc(out, &shipped("adobe")));
    let spec = spec((64, 40), (64, 40));
    assert_eq!(rendered_pixels(&named, &spec), rendered_pixels(&tagged, &spec));
    assert_ne!(rendered_pixels(&named, &spec), rendered_pixels(&jpeg, &spec));
}

#[test]
fn grey_profiles_are_used() {
    let greys: Vec<u8> = (0..=255).collect();
    let icc = icc_builder::gray(0x01cd);
    let (file, spec) = tagged_png(Some(&icc), png::ColorType::Grayscale, 1, &greys);
    let found = rendered_pixels(&file, &spec);
    let exact = oracle(&icc, &shipped("srgb"), 1, true, &greys);
    let (mean, worst, bias) = errors(&found, &exact);
    assert!(mean < 0.30 && worst < 1.0 && bias.abs() < 0.05, "{mean} {worst} {bias}");
    let with_alpha: Vec<u8> = greys.iter().flat_map(|v| [*v, 255]).collect();
    let (opaque, spec) = tagged_png(Some(&icc), png::ColorType::GrayscaleAlpha, 2, &with_alpha);
    assert!(rendered_pixels(&opaque, &spec) == found);
    let (plain, spec) = tagged_png(None, png::ColorType::Grayscale, 1, &greys);
    assert_eq!(rendered_pixels(&plain, &spec), greys.iter().flat_map(|v| [*v; 3]).collect::<Vec<_>>());
}

#[test]
fn black_and_white_of_greys_are_the_ends_of_every_space() {
    let mut shelf = Shelf::default();
    let spaces = [ColorSpace::Srgb, ColorSpace::AdobeRgb, ColorSpace::DisplayP3, shelf.put(shipped("adobe"))];
    for gamma in [0x01cd, 0x0200, 0x0233] {
        for space in &spaces {
            let (file, mut spec) =
                tagged_png(Some(&icc_builder::gray(gamma)), png::ColorType::Grayscale, 1, &[0, 255].repeat(64));
            spec.color.output = space.clone();
            spec.encoding = Encoding::Png { bits: 16, compression: PngCompression::Fast };
            let out = render_with(&file, 1, &shelf, &[&spec]).remove(0).unwrap().bytes;
            let wide = image::load_from_memory(&out).unwrap().into_rgb16().into_raw();
            assert_eq!(wide[..6], [0, 0, 0, 65_535, 65_535, 65_535], "{space:?}");
        }
    }
}

/// CMYK as Photoshop writes it: Adobe's marker, inverted.
fn cmyk_jpeg(size: (usize, usize), inks: &[u8], icc: Option<&[u8]>) -> Vec<u8> {
    let inverted: Vec<u8> = inks.iter().map(|v| !v).collect();
    let mut compressor = turbojpeg::Compressor::new().unwrap();
    compressor.set_quality(100).unwrap();
    compressor.set_subsamp(turbojpeg::Subsamp::None).unwrap();
    let format = turbojpeg::PixelFormat::CMYK;
    let image = turbojpeg::Image { pixels: &inverted[..], width: size.0, pitch: size.0 * 4, height: size.1, format };
    let jpeg = compressor.compress_to_vec(image).unwrap();
    with_segments(&jpeg, |out| {
        if let Some(icc) = icc {
            segment::push_icc(out, icc);
        }
    })
}

/// Fields of 16 × 16 pixels, so that JPEG leaves their middles alone.
fn cmyk_fields() -> (Vec<[u8; 4]>, Vec<u8>) {
    let mut fields = vec![[0, 0, 0, 0], [255, 0, 0, 0], [0, 255, 0, 0], [0, 0, 255, 0], [0, 0, 0, 255], [255; 4]];
    fields.extend((0..10u8).map(|i| [i * 20, 180 - i * 15, i * 7, i * 12]));
    let row: Vec<u8> = fields.iter().flat_map(|f| f.repeat(16)).collect();
    (fields, row.repeat(16))
}

#[test]
fn cmyk_goes_through_its_profile() {
    let (fields, inks) = cmyk_fields();
    let icc = icc_builder::cmyk();
    let width = fields.len() * 16;
    let mut tiff = Cursor::new(Vec::new());
    {
        let mut encoder = tiff::encoder::TiffEncoder::new(&mut tiff).unwrap();
        let mut image = encoder.new_image::<tiff::encoder::colortype::CMYK8>(width as u32, 16).unwrap();
        image.encoder().write_tag(tiff::tags::Tag::IccProfile, &icc[..]).unwrap();
        image.write_data(&inks).unwrap();
    }
    let flat: Vec<u8> = fields.iter().flatten().copied().collect();
    for black_point in [false, true] {
        let exact = oracle(&icc, &shipped("srgb"), 4, black_point, &flat);
        for (file, name) in [(cmyk_jpeg((width, 16), &inks, Some(&icc)), "JPEG"), (tiff.get_ref().clone(), "TIFF")] {
            let mut spec = spec((width as u32, 16), (width as u32, 16));
            spec.color.black_point = black_point;
            let out = render_one(&file, &spec).unwrap();
            assert_eq!(out.warnings, vec![]);
            let out = pixels(&out.bytes);
            let middle: Vec<u8> =
                (0..fields.len()).flat_map(|i| out[(8 * width + i * 16 + 8) * 3..][..3].to_vec()).collect();
            let (mean, worst, _) = errors(&middle, &exact);
            // JPEG itself moves the values by a level or two, more where a channel is near black.
            assert!(mean < 0.6 && worst < 4.5, "{name} {black_point}: {mean} {worst}\n{middle:?}\n{exact:?}");
        }
    }
}

#[test]
fn cmyk_without_a_profile_is_a_guess_that_is_named() {
    let (fields, inks) = cmyk_fields();
    let width = fields.len() * 16;
    let out = render_one(&cmyk_jpeg((width, 16), &inks, None), &spec((width as u32, 16), (width as u32, 16))).unwrap();
    assert_eq!(out.warnings, vec![RenderWarning::UntaggedCmyk]);
    let out = pixels(&out.bytes);
    for (i, expected) in [[255, 255, 255], [0, 255, 255], [255, 0, 255], [255, 255, 0], [0, 0, 0]].iter().enumerate() {
        let found: [u8; 3] = out[(8 * width + i * 16 + 8) * 3..][..3].try_into().unwrap();
        assert!(largest_difference(&found, expected) <= 3, "{found:?} {expected:?}");
    }
}

#[test]
fn a_printer_profile_is_an_output() {
    let printer = icc_builder::printer(0.01);
    let mut shelf = Shelf::default();
    let space = shelf.put(printer.clone());
    let data = cube();
    for black_point in [false, true] {
        let (file, mut spec) = tagged_png(None, png::ColorType::Rgb, 3, &data);
        (spec.color.output, spec.color.black_point) = (space.clone(), black_point);
        let out = render_with(&file, 1, &shelf, &[&spec]).remove(0).unwrap();
        verify(&out.bytes, &spec, VerifyDepth::Full).unwrap();
        let exact = oracle(&shipped("srgb"), &printer, 3, black_point, &data);
        let (mean, _, bias) = errors(&pixels(&out.bytes), &exact);
        // Tables are interpolated differently by every library.
        assert!(mean < 0.8 && bias.abs() < 0.2, "{mean} {bias}");
    }
    // A picture that is already in it is not touched.
    let (file, mut spec) = tagged_png(Some(&printer), png::ColorType::Rgb, 3, &data);
    spec.color.output = space;
    assert_eq!(pixels(&render_with(&file, 1, &shelf, &[&spec]).remove(0).unwrap().bytes), data);
    let missing = render_with(&file, 1, &Shelf::default(), &[&spec]).remove(0).unwrap_err();
    assert_eq!(missing.code(), "bad_profile");
}

#[test]
fn pictures_in_the_printers_own_profile_can_be_edited() {
    let printer = icc_builder::printer(0.01);
    let mut shelf = Shelf::default();
    let space = shelf.put(printer.clone());
    let (file, mut spec) = tagged_png(Some(&printer), png::ColorType::Rgb, 3, &cube());
    spec.color.output = space;
    let edits: [fn(&mut Cell); 4] = [
        |c| c.adjust.exposure = 0.5,
        |c| c.adjust.saturation = 30.0,
        |c| c.tone = Tone::Bw,
        |c| c.sharpen = Some(Unsharp { radius: 0.8, amount: 1.0, threshold: 0.0 }),
    ];
    for edit in edits {
        let mut edited = spec.clone();
        edit(&mut edited.cells[0]);
        let out = render_with(&file, 1, &shelf, &[&edited]).remove(0).unwrap();
        assert!(largest_difference(&pixels(&out.bytes), &cube()) > 10);
    }
}

#[test]
fn tones_keep_luminance_and_neutral_ends() {
    let pixels_in: Vec<u8> =
        [[0; 3], [255; 3], [255, 0, 0], [0, 255, 0], [0, 0, 255], [128; 3], [200, 150, 100]].concat();
    let file = png_of((7, 1), png::ColorType::Rgb, png::BitDepth::Eight, None, &pixels_in);
    let mut toned = spec((7, 1), (7, 1));
    toned.cells[0].tone = Tone::Bw;
    let bw = rendered_pixels(&file, &toned);
    let greys: Vec<u8> = bw.chunks(3).map(|p| p[0]).collect();
    assert!(bw.chunks(3).all(|p| p[0] == p[1] && p[1] == p[2]));
    // The published luminance of the sRGB primaries (seen under D50), back through the curve.
    assert_eq!((greys[0], greys[1], greys[5]), (0, 255, 128));
    for (found, expected) in [(greys[2], 130), (greys[3], 219), (greys[4], 70)] {
        assert!(found.abs_diff(expected) <= 1, "{greys:?}");
    }
    for tone in [Tone::Sepia, Tone::Custom(Color::parse("#406080").unwrap())] {
        toned.cells[0].tone = tone;
        let out = rendered_pixels(&file, &toned);
        assert_eq!((&out[..3], &out[3..6]), (&[0u8; 3][..], &[255u8; 3][..]));
        let middle = &out[15..18];
        match tone {
            Tone::Sepia => assert!(middle[0] > middle[1] && middle[1] > middle[2], "{middle:?}"),
            _ => assert!(middle[2] > middle[1] && middle[1] > middle[0], "{middle:?}"),
        }
    }
    // The tone itself stays the tone.
    let own = png_of((1, 1), png::ColorType::Rgb, png::BitDepth::Eight, None, &[0x40, 0x60, 0x80]);
    let mut toned = spec((1, 1), (1, 1));
    toned.cells[0].tone = Tone::Custom(Color::parse("#406080").unwrap());
    assert!(largest_difference(&rendered_pixels(&own, &toned), &[0x40, 0x60, 0x80]) <= 1);
}

#[test]
fn sixteen_bits_come_down_to_eight_rounded() {
    let (width, height) = (64u32, 64u32);
    let wide: Vec<u8> = (0..width * height).flat_map(|i| [(i * 16) as u16; 3]).flat_map(u16::to_be_bytes).collect();
    let file = png_of((width, height), png::ColorType::Rgb, png::BitDepth::Sixteen, None, &wide);
    assert_eq!(probe(Cursor::new(&file)).unwrap().bits, 16);
    let found = rendered_pixels(&file, &spec((width, height), (width, height)));
    let exact: Vec<f64> = (0..width * height).flat_map(|i| [f64::from(i * 16) / 257.0; 3]).collect();
    let (_, worst, bias) = errors(&found, &exact);
    assert!(worst <= 0.51 && bias.abs() < 0.01, "{worst} {bias}");
}

#[test]
fn a_broken_profile_is_a_warning() {
    let jpeg = jpeg_of(64, 40, &picture(64, 40));
    let spec = spec((64, 40), (64, 40));
    let plain = rendered_pixels(&jpeg, &spec);
    let cut = with_segments(&jpeg, |out| segment::push_icc(out, &shipped("adobe")[..200]));
    let other = with_segments(&jpeg, |out| segment::push_icc(out, &icc_builder::gray(0x0200)));
    let lost = with_segments(&jpeg, |out| segment::push(out, 0xe2, &[segment::ICC_PREFIX, &[2, 2], b"part"]));
    for file in [cut, other, lost] {
        let out = render_one(&file, &spec).unwrap();
        assert!(matches!(out.warnings[..], [RenderWarning::BrokenProfile(_)]), "{:?}", out.warnings);
        assert_eq!(pixels(&out.bytes), plain);
    }
}
