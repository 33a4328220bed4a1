//! Formats, dpi, reading back.

use super::*;

fn encodings() -> Vec<Encoding> {
    let mut all = vec![TIFF, PNG, JPEG];
    all.extend(
        [TiffCompression::None, TiffCompression::Deflate].map(|compression| Encoding::Tiff { bits: 8, compression }),
    );
    all.extend(
        [PngCompression::Standard, PngCompression::Best].map(|compression| Encoding::Png { bits: 8, compression }),
    );
    for subsampling in [Subsampling::S420, Subsampling::S422] {
        for (progressive, optimize) in [(true, false), (false, true)] {
            all.push(Encoding::Jpeg { quality: 85, subsampling, progressive, optimize, max_bytes: None });
        }
    }
    all
}

#[test]
fn every_format_is_read_back_as_planned() {
    let file = jpeg_of(120, 80, &picture(120, 80));
    for encoding in encodings() {
        for dpi in [300.0, 72.0, 254.5] {
            for output in [ColorSpace::Srgb, ColorSpace::AdobeRgb, ColorSpace::DisplayP3] {
                let mut spec = spec((120, 80), (61, 41));
                (spec.encoding, spec.dpi, spec.color.output) = (encoding.clone(), dpi, output);
                let out = render_one(&file, &spec).unwrap();
                assert_eq!(out.pixels, PixelSize::new(61, 41));
                verify(&out.bytes, &spec, VerifyDepth::Full).unwrap_or_else(|e| panic!("{encoding:?} {dpi}: {e}"));
                // And it notices when something else was planned.
                let other = OutputSpec { dpi: dpi + 1.0, ..spec.clone() };
                assert_eq!(verify(&out.bytes, &other, VerifyDepth::Headers).unwrap_err().code(), "other_dpi");
                let mut other = spec.clone();
                other.color.output = ColorSpace::Asset("0".repeat(64));
                assert_eq!(verify(&out.bytes, &other, VerifyDepth::Headers).unwrap_err().code(), "other_profile");
                let other = OutputSpec { sheet: PixelSize::new(61, 40), ..spec.clone() };
                assert_eq!(verify(&out.bytes, &other, VerifyDepth::Headers).unwrap_err().code(), "other_size");
            }
        }
    }
}

#[test]
fn lossless_formats_hold_the_same_pixels() {
    let rgb = picture(120, 80);
    let file = rgb_png(120, 80, &rgb);
    for encoding in encodings() {
        let mut spec = spec((120, 80), (120, 80));
        spec.encoding = encoding.clone();
        let found = rendered_pixels(&file, &spec);
        match encoding {
            Encoding::Jpeg { .. } => assert!(mean_difference(&found, &rgb).abs() < 0.5, "{encoding:?}"),
            _ => assert_eq!(found, rgb, "{encoding:?}"),
        }
    }
}

#[test]
fn other_programs_find_the_dpi_and_the_fields() {
    let file = jpeg_of(60, 40, &picture(60, 40));
    let mut spec = spec((60, 40), (60, 40));
    spec.metadata.set_artist = Some("Studio Größe".to_owned());
    for encoding in [JPEG, PNG, TIFF] {
        spec.encoding = encoding;
        let out = render_one(&file, &spec).unwrap();
        // kamadak-exif reads the file on its own.
        let read = ::exif::Reader::new().read_from_container(&mut Cursor::new(&out.bytes)).unwrap();
        let text = |tag| read.get_field(tag, ::exif::In::PRIMARY).unwrap().display_value().to_string();
        assert_eq!(text(::exif::Tag::XResolution), "300");
        assert_eq!(text(::exif::Tag::YResolution), "300");
        assert_eq!(text(::exif::Tag::ResolutionUnit), "inch");
        assert_eq!(text(::exif::Tag::PixelXDimension), "60");
        assert!(read.get_field(::exif::Tag::Orientation, ::exif::In::PRIMARY).is_none());
        let artist = &read.get_field(::exif::Tag::Artist, ::exif::In::PRIMARY).unwrap().value;
        let ::exif::Value::Ascii(parts) = artist else { panic!("{artist:?}") };
        assert_eq!(std::str::from_utf8(&parts[0]).unwrap(), "Studio Größe");
    }
}

#[test]
fn grey_becomes_three_channels() {
    let data: Vec<u8> = (0..64 * 4).map(|v| v as u8).collect();
    let file = png_of((64, 4), png::ColorType::Grayscale, png::BitDepth::Eight, None, &data);
    for encoding in [JPEG, PNG, TIFF] {
        let mut spec = spec((64, 4), (64, 4));
        spec.encoding = encoding;
        verify(&render_one(&file, &spec).unwrap().bytes, &spec, VerifyDepth::Full).unwrap();
    }
}

#[test]
fn all_formats_are_read_whatever_they_are_called() {
    let rgb = picture(50, 30);
    let mut webp = Cursor::new(Vec::new());
    image::codecs::webp::WebPEncoder::new_lossless(&mut webp)
        .encode(&rgb, 50, 30, image::ExtendedColorType::Rgb8)
        .unwrap();
    let mut tiff = Cursor::new(Vec::new());
    tiff::encoder::TiffEncoder::new(&mut tiff)
        .unwrap()
        .write_image::<tiff::encoder::colortype::RGB8>(50, 30, &rgb)
        .unwrap();
    for (file, format) in [
        (webp.into_inner(), PictureFormat::Webp),
        (tiff.into_inner(), PictureFormat::Tiff),
        (rgb_png(50, 30, &rgb), PictureFormat::Png),
    ] {
        assert_eq!(probe(Cursor::new(&file)).unwrap().format, format);
        assert_eq!(rendered_pixels(&file, &spec((50, 30), (50, 30))), rgb, "{format:?}");
        // Orientation is looked for in every one of them.
        let header = probe(Cursor::new(&file)).unwrap();
        assert_eq!((header.orientation, header.stored), (Orientation::UPRIGHT, PixelSize::new(50, 30)));
    }
}

#[test]
fn orientation_is_found_in_png_tiff_and_webp() {
    let rgb = picture(50, 30);
    let mut exif = exif::Exif::default();
    exif.set(exif::Field::short(exif::Directory::Main, exif::tag::ORIENTATION, 6));
    let png = rgb_png(50, 30, &rgb);
    // Behind the pixels, where some programs put it.
    let mut late = png[..png.len() - 12].to_vec();
    chunk::push_png(&mut late, *b"eXIf", &[&exif.write()]);
    late.extend(&png[png.len() - 12..]);
    let mut tiff = Cursor::new(Vec::new());
    {
        let mut encoder = tiff::encoder::TiffEncoder::new(&mut tiff).unwrap();
        let mut image = encoder.new_image::<tiff::encoder::colortype::RGB8>(50, 30).unwrap();
        image.encoder().write_tag(tiff::tags::Tag::Orientation, 6u16).unwrap();
        image.write_data(&rgb).unwrap();
    }
    let mut webp = Cursor::new(Vec::new());
    let mut encoder = image::codecs::webp::WebPEncoder::new_lossless(&mut webp);
    image::ImageEncoder::set_exif_metadata(&mut encoder, exif.write()).unwrap();
    encoder.encode(&rgb, 50, 30, image::ExtendedColorType::Rgb8).unwrap();
    let expected = raster::turn_pixels::<u8, 3>(&rgb, PixelSize::new(50, 30), raster::Pose::turned(Turn::Quarter));
    for file in [late, tiff.into_inner(), webp.into_inner()] {
        assert_eq!(probe(Cursor::new(&file)).unwrap().upright(), PixelSize::new(30, 50));
        assert_eq!(rendered_pixels(&file, &spec((30, 50), (30, 50))), expected);
    }
}

#[test]
fn what_is_not_built_yet_says_so() {
    let file = jpeg_of(40, 30, &picture(40, 30));
    let plain = spec((40, 30), (20, 15));
    let mut straightened = plain.clone();
    straightened.cells[0].straighten = 0.5;
    let mut adjusted = plain.clone();
    adjusted.cells[0].adjust.exposure = 1.0;
    let mut others = vec![straightened, adjusted];
    for encoding in [
        Encoding::Webp { quality: 80 },
        Encoding::Png { bits: 16, compression: PngCompression::Fast },
        Encoding::Tiff { bits: 16, compression: TiffCompression::None },
        Encoding::Jpeg {
            quality: 90,
            subsampling: Subsampling::S420,
            progressive: false,
            optimize: false,
            max_bytes: Some(9),
        },
    ] {
        others.push(OutputSpec { encoding, ..plain.clone() });
    }
    for spec in others {
        assert_eq!(render_one(&file, &spec).unwrap_err().code(), "not_built_yet", "{spec:?}");
    }
}

#[test]
fn a_pass_stays_under_its_peak() {
    let header = probe(Cursor::new(jpeg_of(40, 30, &picture(40, 30)))).unwrap();
    let header = Header { stored: PixelSize::new(6000, 4000), ..header };
    let spec = spec((6000, 4000), (2048, 1365));
    let full = peak_bytes(&[(header.clone(), 7_000_000, DecodeFactor::FULL)], &[&spec]);
    let eighth = peak_bytes(&[(header, 7_000_000, DecodeFactor(8))], &[&spec]);
    // 24 MP: the decode of 72 MB and a progressive JPEG's coefficients of 144 MB must both be in it.
    assert!(full > 216_000_000 && full < 400_000_000, "{full}");
    assert!(eighth > 144_000_000 && eighth < full);
}
