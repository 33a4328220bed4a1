//! Damaged, hostile and huge input.

use super::*;

fn fit(bytes: &[u8], accept_damage: bool) -> Result<Rendered, RenderError> {
    let header = probe(Cursor::new(bytes))?;
    let upright = header.upright();
    let mut spec = spec((upright.width, upright.height), (40, 30));
    spec.accept_damage = accept_damage;
    let sources = BTreeMap::from([(0, Source { bytes, header, factor: DecodeFactor::FULL, planes: false })]);
    let mut out = None;
    render(&sources, &[&spec], &Shelf::default(), &mut |_, result| out = Some(result));
    out.unwrap()
}

#[test]
fn truncated_pictures_are_refused_at_every_twentieth() {
    let rgb = noisy_picture(160, 120);
    let jpeg = jpeg_of(160, 120, &rgb);
    let progressive = {
        let mut spec = spec((160, 120), (160, 120));
        spec.encoding = Encoding::Jpeg {
            quality: 90,
            subsampling: Subsampling::S420,
            progressive: true,
            optimize: false,
            max_bytes: None,
        };
        render_one(&jpeg, &spec).unwrap().bytes
    };
    let mut webp = Cursor::new(Vec::new());
    image::codecs::webp::WebPEncoder::new_lossless(&mut webp)
        .encode(&rgb, 160, 120, image::ExtendedColorType::Rgb8)
        .unwrap();
    let mut tiff = spec((160, 120), (160, 120));
    tiff.encoding = TIFF;
    let tiff = render_one(&jpeg, &tiff).unwrap().bytes;
    for (file, name) in [
        (jpeg, "baseline"),
        (progressive, "progressive"),
        (rgb_png(160, 120, &rgb), "PNG"),
        (tiff, "TIFF"),
        (webp.into_inner(), "WebP"),
    ] {
        fit(&file, false).unwrap();
        for part in 0..20 {
            let error = fit(&file[..file.len() * part / 20], false).expect_err(name);
            assert!(matches!(error.code(), "damaged" | "not_a_picture"), "{name} at {}: {error}", part * 5);
        }
        // Without its end, even though all pixels may be there. Of a JPEG that can be told.
        if name == "baseline" || name == "progressive" {
            assert_eq!(
                pixels(&fit(&file[..file.len() - 2], false).unwrap().bytes),
                pixels(&fit(&file, false).unwrap().bytes)
            );
        } else if name != "TIFF" {
            assert_eq!(fit(&file[..file.len() - 2], false).unwrap_err().code(), "damaged", "{name}");
        }
    }
}

#[test]
fn damage_can_be_accepted() {
    let jpeg = jpeg_of(160, 120, &noisy_picture(160, 120));
    let half = &jpeg[..jpeg.len() / 2];
    let out = fit(half, true).unwrap();
    assert!(matches!(out.warnings[..], [RenderWarning::DamageAccepted(_)]), "{:?}", out.warnings);
    // The upper part is there.
    let whole = fit(&jpeg, false).unwrap();
    let (found, expected) = (pixels(&out.bytes), pixels(&whole.bytes));
    assert!(largest_difference(&found[..40 * 10 * 3], &expected[..40 * 10 * 3]) <= 1);
    // One output that accepts it does not make the others accept it.
    let plain = spec((160, 120), (40, 30));
    let accepting = OutputSpec { accept_damage: true, ..plain.clone() };
    let both = render_with(half, 1, &Shelf::default(), &[&plain, &accepting]);
    assert_eq!(both[0].as_ref().unwrap_err().code(), "damaged");
    assert!(both[1].is_ok());
    // Nor is a damaged original handed on.
    let copy = OutputSpec { encoding: Encoding::Copy, ..plain };
    assert_eq!(render_one(half, &copy).unwrap_err().code(), "damaged");
}

/// A third of the rows, and what is said of the rest.
fn cut_off(file: &[u8], whole: &[u8]) {
    let half = &file[..file.len() / 2];
    let refused = fit(half, false).unwrap_err();
    assert!(refused.to_string().contains("`on_damage: accept`"), "{refused}");
    let out = fit(half, true).unwrap();
    assert!(out.warnings.iter().any(|w| matches!(w, RenderWarning::DamageAccepted(_))), "{:?}", out.warnings);
    let upper = 40 * 10 * 3;
    assert!(largest_difference(&pixels(&out.bytes)[..upper], &whole[..upper]) <= 1);
}

#[test]
fn what_is_left_of_a_png_or_a_tiff_is_shown() {
    let (width, height) = (160u32, 120u32);
    let rgb = noisy_picture(width, height);
    let whole = pixels(&fit(&rgb_png(width, height, &rgb), false).unwrap().bytes);
    cut_off(&rgb_png(width, height, &rgb), &whole);
    let wide: Vec<u8> = rgb.iter().flat_map(|v| [*v, *v]).collect();
    cut_off(&png_of((width, height), png::ColorType::Rgb, png::BitDepth::Sixteen, None, &wide), &whole);
    // What is not there of a picture with alpha is clear.
    let rgba: Vec<u8> = rgb.as_chunks::<3>().0.iter().flat_map(|[r, g, b]| [*r, *g, *b, 255]).collect();
    let file = png_of((width, height), png::ColorType::Rgba, png::BitDepth::Eight, None, &rgba);
    cut_off(&file, &whole);
    let out = pixels(&fit(&file[..file.len() / 2], true).unwrap().bytes);
    assert_eq!(out[out.len() - 3..], [255; 3]);
    // A TIFF's strips are each there or not. Here the last of them lies outside the file.
    let mut file = Vec::new();
    let strip_rows = 40;
    file.extend(b"II*\0");
    let pixels_at = 8 + 2 + 9 * 12 + 4 + 6 + 24;
    file.extend(8u32.to_le_bytes());
    file.extend(9u16.to_le_bytes());
    let values_at = 8 + 2 + 9 * 12 + 4;
    for (tag, kind, count, value) in [
        (256u16, 4u16, 1u32, width),
        (257, 4, 1, height),
        (258, 3, 3, values_at),
        (259, 3, 1, 1),
        (262, 3, 1, 2),
        (273, 4, 3, values_at + 6),
        (277, 3, 1, 3),
        (278, 4, 1, strip_rows),
        (279, 4, 3, values_at + 18),
    ] {
        file.extend(tag.to_le_bytes());
        file.extend(kind.to_le_bytes());
        file.extend(count.to_le_bytes());
        file.extend(value.to_le_bytes());
    }
    file.extend([0; 4]);
    file.extend([8, 0, 8, 0, 8, 0]);
    let strip = strip_rows * width * 3;
    (0..3).for_each(|i| file.extend((pixels_at + i * strip).to_le_bytes()));
    (0..3).for_each(|_| file.extend(strip.to_le_bytes()));
    file.extend(&rgb);
    assert_eq!(pixels(&fit(&file, false).unwrap().bytes), whole);
    cut_off(&file, &whole);
}

#[test]
fn nobody_is_told_to_accept_damage_where_that_changes_nothing() {
    let rgb = noisy_picture(160, 120);
    let mut webp = Cursor::new(Vec::new());
    image::codecs::webp::WebPEncoder::new_lossless(&mut webp)
        .encode(&rgb, 160, 120, image::ExtendedColorType::Rgb8)
        .unwrap();
    let webp = webp.into_inner();
    let jpeg = jpeg_of(160, 120, &rgb);
    for (file, accept) in [(&webp[..webp.len() / 2], false), (&webp[..webp.len() / 2], true), (&jpeg[..100], false)] {
        let error = fit(file, accept).unwrap_err();
        assert_eq!(error.code(), "damaged");
        assert!(!error.to_string().contains("on_damage"), "{error}");
    }
}

#[test]
fn a_damaged_jpeg_is_handed_on_where_that_is_accepted() {
    let jpeg =
        with_segments(&jpeg_of(160, 120, &noisy_picture(160, 120)), |out| segment::push(out, 0xfe, &[b"secret"]));
    let half = &jpeg[..jpeg.len() / 2];
    let mut copy = OutputSpec { encoding: Encoding::Copy, accept_damage: true, ..spec((160, 120), (160, 120)) };
    copy.metadata.set_artist = Some("Studio".to_owned());
    let out = render_one(half, &copy).unwrap();
    assert!(matches!(out.warnings[..], [RenderWarning::DamageAccepted(_)]), "{:?}", out.warnings);
    verify(&out.bytes, &copy, VerifyDepth::Full).unwrap();
    assert!(out.bytes.ends_with(&half[half.len() - 1000..]) && !out.bytes.windows(6).any(|w| w == b"secret"));
    // Of the others, what is left cannot be told from what lies between.
    let png = rgb_png(160, 120, &noisy_picture(160, 120));
    let error = render_one(&png[..png.len() / 2], &copy).unwrap_err();
    assert!(error.code() == "damaged" && !error.to_string().contains("on_damage"), "{error}");
}

#[test]
fn a_flipped_byte_in_a_png_is_seen() {
    let mut png = rgb_png(160, 120, &noisy_picture(160, 120));
    let middle = png.len() / 2;
    png[middle] ^= 0x40;
    assert_eq!(fit(&png, false).unwrap_err().code(), "damaged");
}

#[test]
fn a_png_is_made_without_the_words_that_do_not_match_their_checksum() {
    let size = (160, 120);
    let png = rgb_png(size.0, size.1, &noisy_picture(size.0, size.1));
    let good = pixels(&fit(&png, false).unwrap().bytes);
    let with = |kind: [u8; 4], data: &[u8], spoilt: bool| {
        let mut file = png[..33].to_vec();
        chunk::push_png(&mut file, kind, &[data]);
        let last = file.len() - 1;
        file[last] ^= u8::from(spoilt);
        [&file[..], &png[33..]].concat()
    };
    let chunks: [([u8; 4], &[u8]); 5] = [
        (*b"tEXt", b"Comment\0hello"),
        (*b"sRGB", &[0]),
        (*b"gAMA", &[0, 1, 0x86, 0xa0]),
        (*b"iCCP", b"p\0\0nothing"),
        (*b"eXIf", b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0"),
    ];
    for (kind, data) in chunks {
        let file = with(kind, data, true);
        let out = fit(&file, false).unwrap();
        let name = String::from_utf8_lossy(&kind).into_owned();
        assert_eq!(out.warnings, [RenderWarning::ChunkLeftOut(name)]);
        assert_eq!(pixels(&out.bytes), good);
        let mut copy = OutputSpec { encoding: Encoding::Copy, ..spec(size, size) };
        copy.metadata.set_artist = Some("Studio".to_owned());
        let out = render_one(&file, &copy).unwrap();
        assert!(chunk::walk_png(&out.bytes).unwrap().iter().all(|c| c.data != data), "{kind:?}");
        verify(&out.bytes, &copy, VerifyDepth::Full).unwrap();
    }
    // What the pixels need is damage as ever.
    for kind in [*b"tRNS", *b"IDAT"] {
        assert_eq!(fit(&with(kind, &[0; 6], true), false).unwrap_err().code(), "damaged", "{kind:?}");
    }
    for at in [30, png.len() - 1] {
        let mut file = png.clone();
        file[at] ^= 1;
        assert_eq!(fit(&file, false).unwrap_err().code(), "damaged", "the checksum at {at}");
    }
}

#[test]
fn giant_headers_are_refused_before_anything_is_made() {
    let jpeg = jpeg_of(16, 16, &picture(16, 16));
    let frame = jpeg.windows(2).position(|w| w == [0xff, 0xc0]).unwrap();
    let mut giant = jpeg.clone();
    giant[frame + 5..frame + 9].copy_from_slice(&[0xff, 0xff, 0xff, 0xff]);
    assert_eq!(probe(Cursor::new(&giant)).unwrap_err().code(), "too_large");
    // Under the side limit, over the area.
    giant[frame + 5..frame + 9].copy_from_slice(&[0x9c, 0x40, 0x9c, 0x40]);
    assert!(matches!(probe(Cursor::new(&giant)), Err(RenderError::TooLarge { what: "pixels", .. })));
    let mut png = rgb_png(16, 16, &picture(16, 16));
    png[16..24].copy_from_slice(&[0x7f, 0xff, 0xff, 0xff, 0x7f, 0xff, 0xff, 0xff]);
    assert_eq!(probe(Cursor::new(&png)).unwrap_err().code(), "too_large");
    let sheet = OutputSpec { sheet: PixelSize::new(50_000, 10), ..spec((16, 16), (16, 16)) };
    assert_eq!(render_one(&jpeg, &sheet).unwrap_err().code(), "too_large");
}

#[test]
fn a_header_that_lies_about_its_size_is_bounded() {
    // 100 MP said, a few bytes given: an error, quickly, not a crash.
    let mut png = rgb_png(16, 16, &picture(16, 16));
    png[16..24].copy_from_slice(&[0, 0, 0x27, 0x10, 0, 0, 0x27, 0x10]);
    assert!(fit(&png, false).is_err());
}

#[test]
fn what_is_no_picture_is_named() {
    for (bytes, word) in [
        (&b""[..], "empty"),
        (b"%PDF-1.7 and so on", "PDF"),
        (b"8BPS\0\x01\0\0\0\0\0\0", "Photoshop"),
        (b"hello, world, this is text", "it is a text"),
        ("zu groß für ein Bild, und noch etwas länger als nur eine Zeile: äöü".as_bytes(), "it is a text"),
        (b"\x01\x02\x03\x04 neither text nor a known kind", "first bytes"),
        (b"\0\0\0\x18ftypheic....", "export it as JPEG or TIFF"),
        (b"\0\0\0\x18ftypmif1....", "HEIC"),
        (b"\0\0\0\x18ftypavif....", "AVIF"),
        (b"\0\0\0\x1cftypmif1\0\0\0\0mif1avifmiaf", "AVIF"),
        (b"\0\0\0\x18ftypqt  ....", "film"),
        (b"\0\0\0\x18ftypcrx \0\0\0\x01crx isom", "develop it first"),
        (b"FUJIFILMCCD-RAW 0201", "develop it first"),
        (b"II\x2a\0\x10\0\0\0CR\x02\0", "develop it first"),
        (b"IIU\0\x18\0\0\0\x88", "develop it first"),
        (b"IIRO\x08\0\0\0", "develop it first"),
        (b"\xff\x0a\xfa\x7f", "JPEG XL"),
        (b"\0\0\0\x0cjP  \r\n\x87\n", "JPEG 2000"),
        (b"BM\x36\x10\0\0", "BMP"),
        (b"PK\x03\x04\x14", "unpack it"),
        (b"\0\x05\x16\x07\0\x02\0\0Mac OS X", "`._`"),
        (b"\n  <!DOCTYPE html><html>", "web page"),
        (b"\xef\xbb\xbf<html>", "web page"),
        (&[0; 64], "zeros"),
    ] {
        let error = probe(Cursor::new(bytes)).unwrap_err();
        assert_eq!(error.code(), "not_a_picture");
        assert!(error.to_string().contains(word), "{error}");
    }
    // Pixels of a TIFF may look like the mark of a CR2.
    let tiff = b"II\x2a\0\x20\0\0\0CR\x02\0 and more pixels";
    assert_ne!(probe(Cursor::new(&tiff[..])).unwrap_err().code(), "not_a_picture");
}

#[test]
fn broken_exif_is_a_warning() {
    let jpeg = jpeg_of(40, 30, &picture(40, 30));
    let mut block = exif::Exif::default();
    block.set(exif::Field::text(exif::Directory::Main, exif::tag::ARTIST, "somebody"));
    let mut block = block.write();
    block.truncate(20);
    let file = with_segments(&jpeg, |out| segment::push(out, 0xe1, &[segment::EXIF_PREFIX, &block]));
    let out = fit(&file, false).unwrap();
    assert!(matches!(out.warnings[..], [RenderWarning::BrokenExif(_)]), "{:?}", out.warnings);
    assert_eq!(pixels(&out.bytes), pixels(&fit(&jpeg, false).unwrap().bytes));
}

#[test]
fn random_damage_never_panics() {
    let rgb = noisy_picture(64, 48);
    let jpeg = with_orientation(&jpeg_of(64, 48, &rgb), 6);
    let mut tiff = spec((48, 64), (48, 64));
    tiff.encoding = TIFF;
    let tiff = render_one(&jpeg, &tiff).unwrap().bytes;
    let mut webp = Cursor::new(Vec::new());
    image::codecs::webp::WebPEncoder::new_lossless(&mut webp)
        .encode(&rgb, 64, 48, image::ExtendedColorType::Rgb8)
        .unwrap();
    let mut seed = 99u32;
    let mut next = |most: usize| {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (seed >> 8) as usize % most
    };
    let mut lossy = spec((48, 64), (48, 64));
    lossy.encoding = WEBP;
    let lossy = render_one(&jpeg, &lossy).unwrap().bytes;
    for file in [jpeg, rgb_png(64, 48, &rgb), tiff, webp.into_inner(), lossy] {
        for round in 0..150 {
            let mut bad = file.clone();
            for _ in 0..=next(4) {
                // Headers more often than pixels.
                let at = if round % 2 == 0 { next(bad.len().min(600)) } else { next(bad.len()) };
                bad[at] = next(256) as u8;
            }
            let _ = fit(&bad, round % 3 == 0);
            let Ok(header) = probe(Cursor::new(&bad)) else { continue };
            let size = (header.upright().width, header.upright().height);
            let mut copy = OutputSpec { encoding: Encoding::Copy, ..spec(size, size) };
            copy.metadata.set_artist = Some("Studio".to_owned());
            let _ = render_one(&bad, &copy);
        }
    }
}
