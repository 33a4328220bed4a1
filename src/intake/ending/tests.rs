//! Every format cut short everywhere, with its space reserved, and with what may follow a whole picture.

use image::{ImageFormat, Rgb, RgbImage};

use super::*;
use crate::spool::durable;

/// Nothing in it compresses to nothing.
fn noise() -> RgbImage {
    let mut state = 1_u32;
    RgbImage::from_fn(97, 61, |_, _| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let [_, a, b, c] = state.to_le_bytes();
        Rgb([a, b, c])
    })
}

fn encoded(picture: &RgbImage, format: ImageFormat) -> Vec<u8> {
    let mut file = io::Cursor::new(Vec::new());
    picture.write_to(&mut file, format).unwrap();
    file.into_inner()
}

fn jpeg(picture: &RgbImage) -> Vec<u8> {
    let image = turbojpeg::Image {
        pixels: picture.as_raw().as_slice(),
        width: picture.width() as usize,
        pitch: picture.width() as usize * 3,
        height: picture.height() as usize,
        format: turbojpeg::PixelFormat::RGB,
    };
    turbojpeg::compress(image, 90, turbojpeg::Subsamp::Sub2x2).unwrap().to_vec()
}

/// A preview of its own in an APP1 segment, as cameras write it.
fn with_preview(jpeg: &[u8]) -> Vec<u8> {
    let mut whole = vec![0xFF, 0xD8, 0xFF, 0xE1];
    whole.extend((jpeg.len() as u16 + 2).to_be_bytes());
    whole.extend(jpeg);
    whole.extend(&jpeg[2..]);
    whole
}

fn compressed_tiff(picture: &RgbImage) -> Vec<u8> {
    let mut file = io::Cursor::new(Vec::new());
    let mut encoder =
        ::tiff::encoder::TiffEncoder::new(&mut file).unwrap().with_compression(::tiff::encoder::Compression::Lzw);
    let (width, height) = picture.dimensions();
    encoder.write_image::<::tiff::encoder::colortype::RGB8>(width, height, picture.as_raw()).unwrap();
    file.into_inner()
}

fn end_of(bytes: &[u8]) -> End {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a");
    durable::stage(&path, bytes).unwrap();
    let mut ends = Ends::default();
    ends.begin();
    ends.look(&path, &Stamp::of(&path).unwrap())
}

fn whole() -> Vec<(&'static str, Vec<u8>)> {
    let noise = noise();
    vec![
        ("jpeg", jpeg(&noise)),
        ("jpeg with preview", with_preview(&jpeg(&noise))),
        ("png", encoded(&noise, ImageFormat::Png)),
        ("webp", encoded(&noise, ImageFormat::WebP)),
        ("tiff", encoded(&noise, ImageFormat::Tiff)),
        ("lzw tiff", compressed_tiff(&noise)),
    ]
}

#[test]
fn a_whole_picture_has_its_end_whatever_follows_it() {
    for (what, bytes) in whole() {
        assert_eq!(end_of(&bytes), End::There, "{what}");
        for trailer in [&b"\n"[..], &[0; 5_000], b"a film behind a motion photo", &jpeg(&noise())] {
            let longer = [&bytes, trailer].concat();
            assert_eq!(end_of(&longer), End::There, "{what} and {} bytes", trailer.len());
        }
    }
}

#[test]
fn a_picture_that_was_cut_short_misses_its_end() {
    for (what, bytes) in whole() {
        // What a writer of uncompressed TIFFs puts in last may be the directory: then nothing is known before.
        for percent in [5, 20, 50, 80, 95, 99] {
            let cut = &bytes[..bytes.len() * percent / 100];
            assert_eq!(end_of(cut), End::Missing, "{what} at {percent} %");
        }
    }
}

#[test]
fn space_that_was_only_reserved_is_no_end() {
    for (what, bytes) in whole().into_iter().filter(|(what, _)| *what != "tiff") {
        for percent in [0, 5, 20, 50, 80] {
            let mut reserved = bytes.clone();
            reserved[bytes.len() * percent / 100..].fill(0);
            assert_eq!(end_of(&reserved), End::Missing, "{what} at {percent} %");
        }
    }
}

#[test]
fn black_pixels_and_unknown_files_are_no_missing_end() {
    let black = RgbImage::new(200, 100);
    for format in [ImageFormat::Tiff, ImageFormat::Png, ImageFormat::WebP] {
        assert_eq!(end_of(&encoded(&black, format)), End::There, "{format:?}");
    }
    assert_eq!(end_of(&compressed_tiff(&black)), End::There);
    assert_eq!(end_of(&jpeg(&black)), End::There);
    for odd in [&b"x"[..], b"not a picture at all", b"\xFF\xD8\xFF\xDB\x00\x04abgarbage", b"8BPS and a whole PSD"] {
        assert_eq!(end_of(odd), End::There, "{odd:?}");
    }
    assert_eq!(end_of(&[]), End::Missing);
}
