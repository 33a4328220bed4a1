//! `format: copy`: what comes out is shown exactly as the original.

use ::tiff::encoder::{TiffEncoder, TiffKind, colortype};
use ::tiff::tags::Tag;

use super::*;

const ICC: &[u8] = include_bytes!("../icc/adobe-rgb-compatible.icc");

fn tiff_original<K: TiffKind>(encoder: &mut TiffEncoder<&mut Cursor<Vec<u8>>, K>, samples: &[u16]) {
    let mut image = encoder.new_image::<colortype::RGB16>(48, 32).unwrap();
    image.encoder().write_tag(Tag::Orientation, 6u16).unwrap();
    image.encoder().write_tag(Tag::IccProfile, ICC).unwrap();
    image.rows_per_strip(10).unwrap();
    image.write_data(samples).unwrap();
}

/// A picture of each format whose tag turns it by a quarter, in Adobe RGB, with 16 bits where the format has them.
fn turned_originals() -> Vec<(&'static str, Vec<u8>)> {
    let mut exif = exif::Exif::default();
    exif.set(exif::Field::short(exif::Directory::Main, exif::tag::ORIENTATION, 6));
    let rgb = picture(48, 32);
    let wide: Vec<u16> = rgb.iter().enumerate().map(|(i, v)| u16::from(*v) << 8 | (i % 251) as u16).collect();
    let jpeg = with_segments(&jpeg_of(48, 32, &rgb), |out| {
        segment::push(out, 0xe1, &[segment::EXIF_PREFIX, &exif.write()]);
        segment::push_icc(out, ICC);
    });
    let bytes: Vec<u8> = wide.iter().flat_map(|v| v.to_be_bytes()).collect();
    let mut png = png_of((48, 32), png::ColorType::Rgb, png::BitDepth::Sixteen, Some(ICC), &bytes);
    let end = png.split_off(png.len() - 12);
    chunk::push_png(&mut png, *b"eXIf", &[&exif.write()]);
    png.extend(end);
    let plain = render_one(&jpeg_of(48, 32, &rgb), &OutputSpec { encoding: WEBP, ..spec((48, 32), (48, 32)) }).unwrap();
    let mut picture = chunk::walk_webp(&plain.bytes).unwrap();
    picture.retain(|chunk| chunk.kind.starts_with(b"VP8") && &chunk.kind != b"VP8X");
    let webp = chunk::webp_file(&chunk::WebpParts {
        size: PixelSize::new(48, 32),
        alpha: false,
        icc: Some(ICC),
        picture: &picture,
        exif: Some(&exif.write()),
        xmp: None,
    });
    let (mut tiff, mut big) = (Cursor::new(Vec::new()), Cursor::new(Vec::new()));
    tiff_original(&mut TiffEncoder::new(&mut tiff).unwrap(), &wide);
    tiff_original(&mut TiffEncoder::new_big(&mut big).unwrap(), &wide);
    vec![("jpeg", jpeg), ("png", png), ("webp", webp), ("tiff", tiff.into_inner()), ("big tiff", big.into_inner())]
}

/// All samples as they are stored, by a decoder of its own.
fn stored(file: &[u8]) -> Vec<u16> {
    if file.starts_with(&[0xff, 0xd8]) {
        return pixels(file).into_iter().map(u16::from).collect();
    }
    // It knows a BigTIFF only if it is told.
    let big = file.starts_with(b"II+").then_some(image::ImageFormat::Tiff);
    let format = big.unwrap_or_else(|| image::guess_format(file).unwrap());
    image::load_from_memory_with_format(file, format).unwrap().into_rgb16().into_raw()
}

#[test]
fn turned_originals_are_handed_on_with_orientation_depth_and_profile() {
    for (name, file) in turned_originals() {
        for keep in [KeepMetadata::All, KeepMetadata::Copyright, KeepMetadata::None] {
            let mut metadata = plain_metadata(keep);
            metadata.fallback_artist = Some("The Studio".to_owned());
            let spec = OutputSpec { encoding: Encoding::Copy, metadata, ..spec((32, 48), (32, 48)) };
            let out = render_one(&file, &spec).unwrap_or_else(|e| panic!("{name}: {e}"));
            verify(&out.bytes, &spec, VerifyDepth::Full).unwrap();
            assert_eq!(out.pixels, PixelSize::new(32, 48), "{name}: as it is seen");
            assert!(stored(&out.bytes) == stored(&file), "{name}");
            let facts = |file: &[u8]| {
                let mut facts = header::read(Cursor::new(file)).unwrap();
                decode::decode(file, &mut facts, DecodeFactor::FULL, false).unwrap();
                facts
            };
            let (found, before) = (facts(&out.bytes), facts(&file));
            assert_eq!(found.header, before.header, "{name}");
            assert_eq!((found.header.orientation.exif(), found.icc.as_deref()), (6, Some(ICC)), "{name}");
            let artist = found.exif.get(exif::Directory::Main, exif::tag::ARTIST).and_then(exif::Field::as_text);
            assert_eq!(artist.is_some(), keep != KeepMetadata::None, "{name}");
        }
    }
}
