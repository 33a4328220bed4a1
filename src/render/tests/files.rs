//! Formats, dpi, reading back.

use super::*;

fn encodings() -> Vec<Encoding> {
    let mut all = vec![JPEG, WEBP];
    for bits in [8, 16] {
        for compression in [TiffCompression::None, TiffCompression::Lzw, TiffCompression::Deflate] {
            all.push(Encoding::Tiff { bits, compression });
        }
        for compression in [PngCompression::Fast, PngCompression::Standard, PngCompression::Best] {
            all.push(Encoding::Png { bits, compression });
        }
    }
    for subsampling in [Subsampling::S420, Subsampling::S422, Subsampling::S444] {
        for (progressive, optimize) in [(true, false), (false, true), (true, true), (false, false)] {
            all.push(Encoding::Jpeg { quality: 85, subsampling, progressive, optimize, max_bytes: None });
        }
    }
    all
}

fn is_lossy(encoding: &Encoding) -> bool {
    matches!(encoding, Encoding::Jpeg { .. } | Encoding::Webp { .. })
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
                let other = match encoding.clone() {
                    Encoding::Png { bits, compression } => Encoding::Png { bits: 24 - bits, compression },
                    Encoding::Tiff { bits, compression } => Encoding::Tiff { bits: 24 - bits, compression },
                    _ => continue,
                };
                let other = OutputSpec { encoding: other, ..spec.clone() };
                assert_eq!(verify(&out.bytes, &other, VerifyDepth::Headers).unwrap_err().code(), "other_depth");
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
        if is_lossy(&encoding) {
            assert!(mean_difference(&found, &rgb).abs() < 0.5, "{encoding:?}");
        } else {
            assert_eq!(found, rgb, "{encoding:?}");
        }
    }
}

#[test]
fn sixteen_bits_stay_sixteen() {
    let samples: Vec<u16> = (0..60 * 40 * 3u32).map(|i| (i * 9 + i % 7 * 1_000) as u16).collect();
    let bytes: Vec<u8> = samples.iter().flat_map(|v| v.to_be_bytes()).collect();
    let file = png_of((60, 40), png::ColorType::Rgb, png::BitDepth::Sixteen, None, &bytes);
    for encoding in encodings().into_iter().filter(Encoding::is_wide) {
        let spec = OutputSpec { encoding: encoding.clone(), ..spec((60, 40), (60, 40)) };
        let out = render_one(&file, &spec).unwrap().bytes;
        verify(&out, &spec, VerifyDepth::Full).unwrap();
        let image::DynamicImage::ImageRgb16(found) = image::load_from_memory(&out).unwrap() else {
            panic!("{encoding:?} has 8 bits")
        };
        assert!(found.into_raw() == samples, "{encoding:?}");
    }
}

#[test]
fn a_file_is_not_larger_than_asked() {
    let file = rgb_png(300, 200, &noisy_picture(300, 200));
    for encoding in encodings().into_iter().filter(is_lossy) {
        let with = |most: Option<u64>| {
            let mut spec = spec((300, 200), (300, 200));
            spec.encoding = match encoding.clone() {
                Encoding::Webp { .. } => Encoding::Webp { quality: 90, max_bytes: most },
                Encoding::Jpeg { subsampling, progressive, optimize, .. } => {
                    Encoding::Jpeg { quality: 90, subsampling, progressive, optimize, max_bytes: most }
                }
                other => other,
            };
            let out = render_one(&file, &spec).unwrap();
            verify(&out.bytes, &spec, VerifyDepth::Full).unwrap();
            out
        };
        let free = with(None);
        let length = free.bytes.len() as u64;
        assert_eq!(with(Some(length)), free);
        let fitted = with(Some(length * 3 / 4));
        let found = fitted.bytes.len() as u64;
        assert!(found <= length * 3 / 4 && found > length / 2 && fitted.warnings.is_empty(), "{encoding:?}: {found}");
        let smallest = with(Some(100));
        let bytes = smallest.bytes.len() as u64;
        assert_eq!(smallest.warnings, [RenderWarning::TooManyBytes { bytes, wanted: 100 }]);
        assert!(bytes < found);
    }
}

#[test]
fn what_is_too_wide_for_webp_is_refused_at_once() {
    let file = jpeg_of(16, 16, &picture(16, 16));
    let mut spec = OutputSpec { encoding: WEBP, ..spec((16, 16), (16, 16)) };
    spec.sheet = PixelSize::new(16_384, 20);
    let error = render_one(&file, &spec).unwrap_err();
    assert_eq!(error.code(), "too_large_for_format");
    assert!(error.to_string().contains("16383"), "{error}");
    // The sides of the finished file count, and the largest ones are fine.
    spec.sheet = PixelSize::new(16_383, 3);
    spec.cells[0].window.height = 3;
    spec.turn = Turn::Quarter;
    verify(&render_one(&file, &spec).unwrap().bytes, &spec, VerifyDepth::Full).unwrap();
}

#[test]
fn damage_of_finished_files_is_seen() {
    let file = jpeg_of(200, 160, &noisy_picture(200, 160));
    for encoding in encodings() {
        let spec = OutputSpec { encoding: encoding.clone(), ..spec((200, 160), (200, 160)) };
        let good = render_one(&file, &spec).unwrap().bytes;
        for cut in [1, 2, 30, good.len() / 3, good.len() / 2] {
            let error = verify(&good[..good.len() - cut], &spec, VerifyDepth::Headers);
            assert!(error.is_err_and(|e| e.code() == "unreadable"), "{encoding:?} without {cut}");
        }
        // A flipped bit is seen wherever the format has a checksum or codes that can be wrong.
        let packed = !is_lossy(&encoding) && encoding != Encoding::Tiff { bits: 8, compression: TiffCompression::None };
        if packed && matches!(encoding, Encoding::Png { .. }) {
            let mut bad = good.clone();
            bad[good.len() / 2] ^= 0x10;
            assert!(verify(&bad, &spec, VerifyDepth::Full).is_err(), "{encoding:?}");
        }
    }
}

#[test]
fn a_scan_of_nonsense_is_found_by_the_small_decode() {
    let file = jpeg_of(200, 160, &noisy_picture(200, 160));
    let spec = OutputSpec { encoding: JPEG, ..spec((200, 160), (200, 160)) };
    let good = render_one(&file, &spec).unwrap().bytes;
    let scan = segment::walk(&good).unwrap().iter().rposition(|p| p.marker == 0xda).unwrap();
    let start = segment::walk(&good).unwrap()[..scan].iter().map(|p| p.whole.len()).sum::<usize>() + 14;
    let mut seed = 7u32;
    let mut found = [0, 0];
    for _ in 0..200 {
        let mut bad = good.clone();
        for _ in 0..6 {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let at = start + (seed >> 8) as usize % (good.len() - start - 2);
            if bad[at] != 0xff && bad[at - 1] != 0xff {
                bad[at] = (seed >> 3) as u8 & 0x7f;
            }
        }
        // The decode at full size agrees with the small one, every time.
        let full = turbojpeg::decompress(&bad, turbojpeg::PixelFormat::RGB).is_err();
        let small = verify(&bad, &spec, VerifyDepth::Full).is_err();
        assert_eq!(full, small);
        found[usize::from(small)] += 1;
    }
    assert!(found[1] > 100, "{found:?}");
}

#[test]
fn other_programs_find_the_dpi_and_the_fields() {
    let file = jpeg_of(60, 40, &picture(60, 40));
    let mut spec = spec((60, 40), (60, 40));
    spec.metadata.set_artist = Some("Studio Größe".to_owned());
    for encoding in [JPEG, PNG, TIFF, WEBP] {
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
    for encoding in [JPEG, PNG, TIFF, WEBP] {
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
fn a_pass_stays_under_its_peak() {
    let header = probe(Cursor::new(jpeg_of(40, 30, &picture(40, 30)))).unwrap();
    let header = Header { stored: PixelSize::new(6000, 4000), ..header };
    let spec = spec((6000, 4000), (2048, 1365));
    let peak = |header: &Header, factor| peak_bytes(&[(header.clone(), 7_000_000, factor)], &[&spec]);
    let full = peak(&header, DecodeFactor::FULL);
    // 24 MP: the decode of 72 MB must be in it, and the rows that are scaled one way only, of 25 MB.
    assert!(full > 97_000_000 && full < 280_000_000, "{full}");
    assert!(peak(&header, DecodeFactor(8)) < 130_000_000);
    // A progressive JPEG's coefficients of 144 MB, however little of it is decoded.
    let header = Header { progressive: true, ..header };
    let (full, eighth) = (peak(&header, DecodeFactor::FULL), peak(&header, DecodeFactor(8)));
    assert!(full > 216_000_000 && full < 400_000_000, "{full}");
    assert!(eighth > 144_000_000 && eighth < full);
}
