//! TIFF files as other programs write them.

use super::*;

/// A field of a TIFF: tag, type, numbers.
type Entry<'a> = (u16, u16, &'a [u32]);

const SHORT: u16 = 3;
const LONG: u16 = 4;
const STRIPS: (u16, u16) = (273, 279);
const TILES: (u16, u16) = (324, 325);

/// A TIFF of any kind: its strips or tiles, and the fields but those that say where they are.
fn tiff_of(big_endian: bool, places: (u16, u16), blocks: &[&[u8]], entries: &[Entry<'_>]) -> Vec<u8> {
    let short = |v: u32| if big_endian { (v as u16).to_be_bytes() } else { (v as u16).to_le_bytes() };
    let long = |v: u32| if big_endian { v.to_be_bytes() } else { v.to_le_bytes() };
    let mut out = if big_endian { b"MM\0*\0\0\0\0".to_vec() } else { b"II*\0\0\0\0\0".to_vec() };
    let (mut at, mut lengths) = (Vec::new(), Vec::new());
    for block in blocks {
        at.push(out.len() as u32);
        lengths.push(block.len() as u32);
        out.extend(*block);
        out.resize(out.len().next_multiple_of(2), 0);
    }
    let mut entries = [entries, &[(places.0, LONG, &at[..]), (places.1, LONG, &lengths[..])]].concat();
    entries.sort_by_key(|e| e.0);
    let mut directory = short(entries.len() as u32).to_vec();
    for (tag, kind, numbers) in entries {
        let mut value = Vec::new();
        for number in numbers {
            if kind == SHORT { value.extend(short(*number)) } else { value.extend(long(*number)) }
        }
        if value.len() > 4 {
            let at = long(out.len() as u32).to_vec();
            out.append(&mut value);
            value = at;
        }
        value.resize(4, 0);
        directory.extend([short(tag.into()), short(kind.into())].concat());
        directory.extend([long(numbers.len() as u32).to_vec(), value].concat());
    }
    let start = long(out.len() as u32);
    out[4..8].copy_from_slice(&start);
    out.append(&mut directory);
    out.extend([0; 4]);
    out
}

/// The fields that every picture here has: size, channels, bits, kind of colours.
fn fields<'a>(size: &'a [u32; 2], samples: &'a [u32; 1], bits: &'a [u32], colors: &'a [u32; 1]) -> Vec<Entry<'a>> {
    vec![
        (256, LONG, &size[..1]),
        (257, LONG, &size[1..]),
        (258, SHORT, bits),
        (262, SHORT, colors),
        (277, SHORT, samples),
        (278, LONG, &size[1..]),
    ]
}

fn rendered_rgb(file: &[u8], size: [u32; 2]) -> Vec<u8> {
    rendered_pixels(file, &spec(size.into(), size.into()))
}

const SIZE: [u32; 2] = [50, 30];

fn planes(rgb: &[u8]) -> [Vec<u8>; 3] {
    [0, 1, 2].map(|c| rgb.iter().skip(c).step_by(3).copied().collect())
}

#[test]
fn planes_and_extra_channels_are_read() {
    let rgb = picture(SIZE[0], SIZE[1]);
    let [r, g, b] = planes(&rgb);
    let entries = fields(&SIZE, &[3], &[8, 8, 8], &[2]);
    let planar = [&entries[..], &[(284, SHORT, &[2])]].concat();
    assert_eq!(rendered_rgb(&tiff_of(false, STRIPS, &[&r, &g, &b], &planar), SIZE), rgb);
    // A mask of an editor behind the colours, in the same and in a plane of its own.
    let mask: Vec<u8> = rgb.chunks(3).flat_map(|p| [p[0], p[1], p[2], 99]).collect();
    let entries = [&fields(&SIZE, &[4], &[8; 4], &[2])[..], &[(338, SHORT, &[0])]].concat();
    assert_eq!(rendered_rgb(&tiff_of(true, STRIPS, &[&mask], &entries), SIZE), rgb);
    let planar = [&entries[..], &[(284, SHORT, &[2])]].concat();
    assert_eq!(rendered_rgb(&tiff_of(true, STRIPS, &[&r, &g, &b, &[99; 1500]], &planar), SIZE), rgb);
}

#[test]
fn masks_do_not_spoil_packed_pixels() {
    // Differences of neighbours are stored over all channels, the unknown ones too.
    use ::tiff::encoder::{Compression, Predictor, TiffEncoder, colortype};
    use ::tiff::tags::{ExtraSamples, Tag};
    let rgb = picture(SIZE[0], SIZE[1]);
    let mask: Vec<u8> = rgb.chunks(3).flat_map(|p| [p[0], p[1], p[2], p[0] ^ p[2]]).collect();
    let mut file = Cursor::new(Vec::new());
    let mut encoder = TiffEncoder::new_big(&mut file)
        .unwrap()
        .with_compression(Compression::Lzw)
        .with_predictor(Predictor::Horizontal);
    let mut image = encoder.new_image::<colortype::RGBA8>(SIZE[0], SIZE[1]).unwrap();
    image.encoder().write_tag(Tag::ExtraSamples, &[ExtraSamples::Unspecified.to_u16()][..]).unwrap();
    image.write_data(&mask).unwrap();
    // A BigTIFF at that.
    assert_eq!(file.get_ref()[2], 43);
    assert_eq!(rendered_rgb(file.get_ref(), SIZE), rgb);
}

#[test]
fn tiles_are_put_together() {
    let rgb = picture(SIZE[0], SIZE[1]);
    let mut tiles = Vec::new();
    for (row, column) in [(0, 0), (0, 1), (0, 2), (0, 3), (1, 0), (1, 1), (1, 2), (1, 3)] {
        let mut tile = vec![77; 16 * 16 * 3];
        for y in 0..16.min(30 - row * 16) {
            let (x, width) = (column * 16, 16.min(50 - column * 16));
            let from = ((row * 16 + y) * 50 + x) * 3;
            tile[y * 48..y * 48 + width * 3].copy_from_slice(&rgb[from..from + width * 3]);
        }
        tiles.push(tile);
    }
    let tiles: Vec<&[u8]> = tiles.iter().map(Vec::as_slice).collect();
    let mut entries = fields(&SIZE, &[3], &[8, 8, 8], &[2]);
    entries.retain(|e| e.0 != 278);
    entries.extend([(322, LONG, &[16][..]), (323, LONG, &[16])]);
    assert_eq!(rendered_rgb(&tiff_of(false, TILES, &tiles, &entries), SIZE), rgb);
}

#[test]
fn palettes_and_greys_of_any_depth_are_read() {
    for (bits, big_endian) in [(1, false), (2, true), (4, false), (8, true)] {
        let most = (1u32 << bits) - 1;
        let size = [13, 4];
        let value = |x: u32, y: u32| (x * 7 + y * 3) & most;
        let row_bytes = (13 * bits as usize).div_ceil(8);
        let mut packed = vec![0u8; row_bytes * 4];
        for y in 0..4 {
            for x in 0..13 {
                let at = x * bits;
                packed[y as usize * row_bytes + at as usize / 8] |= (value(x, y) << (8 - bits - at % 8)) as u8;
            }
        }
        let values = (0..4).flat_map(|y| (0..13).map(move |x| value(x, y)));
        let gray = |v: u32| [(v * 255 / most) as u8; 3];
        let colors: Vec<u32> =
            [255, 100, 7].iter().flat_map(|top| (0..=most).map(move |v| v * top / most * 257)).collect();
        let palette = |v: u32| [255, 100, 7].map(|top| (v * top / most) as u8);
        let kinds: [(u32, Vec<u8>); 3] = [
            (1, values.clone().flat_map(gray).collect()),
            (0, values.clone().flat_map(gray).map(|v| 255 - v).collect()),
            (3, values.flat_map(palette).collect()),
        ];
        for (kind, expected) in kinds {
            let (kind, bits) = ([kind], [bits]);
            let mut entries = fields(&size, &[1], &bits, &kind);
            entries.push((320, SHORT, &colors));
            let found = rendered_rgb(&tiff_of(big_endian, STRIPS, &[&packed], &entries), size);
            assert!(largest_difference(&found, &expected) <= 1, "{bits:?} bits, kind {kind:?}");
        }
    }
}

#[test]
fn grey_with_alpha_lies_on_the_background() {
    let size = [2, 1];
    let samples = [0, 255, 0, 0];
    for (alpha, inverted) in [(2, 1), (1, 1), (2, 0)] {
        let (alpha, inverted) = ([alpha], [inverted]);
        let entries = [&fields(&size, &[2], &[8, 8], &inverted)[..], &[(338, SHORT, &alpha)]].concat();
        let first = if inverted == [1] { 0 } else { 255 };
        let found = rendered_rgb(&tiff_of(false, STRIPS, &[&samples], &entries), size);
        assert_eq!(found, [first, first, first, 255, 255, 255]);
    }
}

#[test]
fn cmyk_in_planes_is_the_same_as_in_pixels() {
    let inks: Vec<u8> = picture(40, 30)[..50 * 16 * 4].to_vec();
    let size = [50, 16];
    let plane = |c: usize| inks.iter().skip(c).step_by(4).copied().collect::<Vec<u8>>();
    let wide: Vec<u8> = inks.iter().flat_map(|v| [*v, *v]).collect();
    let entries = fields(&size, &[4], &[8; 4], &[5]);
    let expected = rendered_rgb(&tiff_of(false, STRIPS, &[&inks], &entries), size);
    let planar = [&entries[..], &[(284, SHORT, &[2])]].concat();
    let planes = [0, 1, 2, 3].map(plane);
    assert_eq!(rendered_rgb(&tiff_of(false, STRIPS, &planes.each_ref().map(Vec::as_slice), &planar), size), expected);
    let wide = tiff_of(true, STRIPS, &[&wide], &fields(&size, &[4], &[16; 4], &[5]));
    assert!(largest_difference(&rendered_rgb(&wide, size), &expected) <= 1);
}

#[test]
fn a_jpeg_inside_is_read() {
    let rgb = picture(48, 32);
    let size = [48, 32];
    for (subsamp, factor) in [(turbojpeg::Subsamp::None, 1), (turbojpeg::Subsamp::Sub2x2, 2)] {
        let image = turbojpeg::Image {
            pixels: &rgb[..],
            width: 48,
            pitch: 144,
            height: 32,
            format: turbojpeg::PixelFormat::RGB,
        };
        let jpeg = turbojpeg::compress(image, 97, subsamp).unwrap();
        let factors = [factor, factor];
        let mut entries = fields(&size, &[3], &[8, 8, 8], &[6]);
        entries.extend([(259, SHORT, &[7][..]), (530, SHORT, &factors)]);
        let found = rendered_rgb(&tiff_of(false, STRIPS, &[&jpeg], &entries), size);
        assert!(largest_difference(&found, &rgb) < 24 && mean_difference(&found, &rgb).abs() < 0.5);
    }
}

/// Bytes with their bits the other way round.
fn reversed(bytes: &[u8]) -> Vec<u8> {
    bytes.iter().map(|byte| byte.reverse_bits()).collect()
}

#[test]
fn bits_in_reversed_order_are_turned_round() {
    let rgb = picture(SIZE[0], SIZE[1]);
    let mut entries = fields(&SIZE, &[3], &[8, 8, 8], &[2]);
    entries.retain(|e| e.0 != 278);
    entries.extend([(278, LONG, &[10][..]), (266, SHORT, &[2])]);
    let plain: Vec<Vec<u8>> = rgb.chunks(1500).map(reversed).collect();
    // Runs of bytes as they are, each after its length.
    let packed = |rows: &[u8]| rows.chunks(75).flat_map(|run| [&[74], run].concat()).collect::<Vec<u8>>();
    let packed: Vec<Vec<u8>> = rgb.chunks(1500).map(|rows| reversed(&packed(rows))).collect();
    for (compression, parts) in [(1, plain), (32_773, packed)] {
        let parts: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
        let compression = [compression];
        let entries = [&entries[..], &[(259, SHORT, &compression)]].concat();
        let file = tiff_of(true, STRIPS, &parts, &entries);
        assert_eq!(rendered_rgb(&file, SIZE), rgb, "{compression:?}");
        let spec = OutputSpec { encoding: Encoding::Copy, ..spec((50, 30), (50, 30)) };
        let copy = render_one(&file, &spec).unwrap().bytes;
        assert_eq!(rendered_rgb(&copy, SIZE), rgb, "a copy of {compression:?}");
    }
    let bytes: Vec<u8> = rgb.iter().flat_map(|v| [*v, *v]).collect();
    let wide = [&fields(&SIZE, &[3], &[16; 3], &[2])[..], &[(266, SHORT, &[2])]].concat();
    assert_eq!(rendered_rgb(&tiff_of(false, STRIPS, &[&reversed(&bytes)], &wide), SIZE), rgb);
    // What is not of the pixels keeps its order, and so does a JPEG.
    let image =
        turbojpeg::Image { pixels: &rgb[..], width: 50, pitch: 150, height: 30, format: turbojpeg::PixelFormat::RGB };
    let jpeg = turbojpeg::compress(image, 97, turbojpeg::Subsamp::None).unwrap();
    let mut entries = fields(&SIZE, &[3], &[8, 8, 8], &[6]);
    entries.extend([(259, SHORT, &[7][..]), (530, SHORT, &[1, 1]), (266, SHORT, &[2])]);
    let found = rendered_rgb(&tiff_of(false, STRIPS, &[&jpeg], &entries), SIZE);
    assert!(largest_difference(&found, &rgb) < 24);
}

#[test]
fn lab_is_read() {
    // White, black, a grey, and the primaries of sRGB, by D50.
    let colors: [([f64; 3], [u8; 3]); 6] = [
        ([100.0, 0.0, 0.0], [255, 255, 255]),
        ([0.0, 0.0, 0.0], [0, 0, 0]),
        ([53.39, 0.0, 0.0], [127, 127, 127]),
        ([54.29, 80.81, 69.89], [255, 0, 0]),
        ([87.82, -79.29, 80.99], [0, 255, 0]),
        ([29.57, 68.30, -112.03], [0, 0, 255]),
    ];
    let size = [6, 1];
    let expected: Vec<u8> = colors.iter().flat_map(|(_, rgb)| *rgb).collect();
    let byte = |v: f64| (v.round() as i64).rem_euclid(256) as u8;
    let word = |v: f64| (v.round() as i64).rem_euclid(65_536) as u16;
    let each = |of: &dyn Fn(f64, f64, f64) -> [f64; 3]| {
        colors.iter().flat_map(|([l, a, b], _)| of(*l, *a, *b)).collect::<Vec<f64>>()
    };
    let bytes = |list: Vec<f64>| list.into_iter().map(byte).collect::<Vec<u8>>();
    let words = |list: Vec<f64>| list.into_iter().flat_map(|v| word(v).to_be_bytes()).collect::<Vec<u8>>();
    let formats: [Entry<'_>; 2] = [(339, SHORT, &[1, 2, 2]), (339, SHORT, &[1, 1, 1])];
    for (kind, bits, near, samples) in [
        (8, 8, 10, bytes(each(&|l, a, b| [l * 2.55, a, b]))),
        (8, 16, 2, words(each(&|l, a, b| [l * 655.35, a * 256.0, b * 256.0]))),
        (9, 8, 10, bytes(each(&|l, a, b| [l * 2.55, a + 128.0, b + 128.0]))),
        (9, 16, 2, words(each(&|l, a, b| [l * 652.8, (a + 128.0) * 256.0, (b + 128.0) * 256.0]))),
    ] {
        let (kind, bits) = ([kind], [bits; 3]);
        let entries = fields(&size, &[3], &bits, &kind);
        for more in [&[][..], &formats[..1], &formats[1..]] {
            let file = tiff_of(true, STRIPS, &[&samples], &[&entries[..], more].concat());
            let found = rendered_rgb(&file, size);
            let far = largest_difference(&found, &expected);
            assert!(far <= near && mean_difference(&found, &expected).abs() < 1.5, "{kind:?} {bits:?}: {found:?}");
        }
    }
}

#[test]
fn fields_that_are_filled_in_another_way_are_understood() {
    let rgb = picture(16, 16);
    let size = [16, 16];
    let mut entries = fields(&size, &[3], &[8; 3], &[2]);
    // A kind of numbers that is not said.
    let undefined = [&entries[..], &[(339, SHORT, &[4, 4, 4])]].concat();
    for big_endian in [false, true] {
        assert_eq!(rendered_rgb(&tiff_of(big_endian, STRIPS, &[&rgb], &undefined), size), rgb);
    }
    // Tiles whose places are kept where those of strips belong.
    entries.retain(|e| e.0 != 278);
    entries.extend([(322, LONG, &[16][..]), (323, LONG, &[16])]);
    for places in [STRIPS, (324, 279), TILES] {
        let file = tiff_of(false, places, &[&rgb], &entries);
        assert_eq!(rendered_rgb(&file, size), rgb, "{places:?}");
        let spec = OutputSpec { encoding: Encoding::Copy, ..spec((16, 16), (16, 16)) };
        if places != (324, 279) {
            assert_eq!(rendered_rgb(&render_one(&file, &spec).unwrap().bytes, size), rgb);
        }
    }
}

/// A Zstandard frame of one block: as it is, or one byte that is repeated.
fn zstd(data: &[u8], repeated: bool) -> Vec<u8> {
    let length = data.len() as u32;
    let header = |kind: u32| (length << 3 | kind << 1 | 1).to_le_bytes();
    let (header, block) = if repeated { (header(1), &data[..1]) } else { (header(0), data) };
    // One segment, its size in four bytes.
    [&[0x28, 0xb5, 0x2f, 0xfd, 0xa0][..], &length.to_le_bytes(), &header[..3], block].concat()
}

#[test]
fn zstd_is_read() {
    let rgb = picture(16, 16);
    let entries = [&fields(&[16, 16], &[3], &[8; 3], &[2])[..], &[(259, SHORT, &[50_000])]].concat();
    let file = tiff_of(false, STRIPS, &[&zstd(&rgb, false)], &entries);
    assert_eq!(rendered_rgb(&file, [16, 16]), rgb);
    let gray = [0x80; 16 * 16 * 3];
    let file = tiff_of(false, STRIPS, &[&zstd(&gray, true)], &entries);
    assert_eq!(rendered_rgb(&file, [16, 16]), gray);
    let cut = tiff_of(false, STRIPS, &[&zstd(&rgb, false)[..300]], &entries);
    let error = render_one(&cut, &spec((16, 16), (16, 16))).unwrap_err();
    assert_eq!(error.code(), "damaged", "{error}");
}

#[test]
fn what_cannot_be_shown_right_is_refused() {
    let data = vec![0; 50 * 30 * 16];
    let none: &[Entry<'_>] = &[];
    for (name, samples, bits, colors, more) in [
        ("ITU Lab", [3], 8, [10], none),
        ("inks", [4], 8, [5], &[(332, SHORT, &[2])]),
        ("32 bits", [3], 32, [2], none),
        ("12 bits", [3], 12, [2], none),
        ("32-bit floating-point", [3], 32, [2], &[(339, SHORT, &[3, 3, 3])]),
        ("signed", [3], 16, [2], &[(339, SHORT, &[2, 2, 2])]),
        ("half size", [3], 8, [6], none),
        ("12 channels", [12], 8, [2], none),
        ("kind 32803", [1], 16, [32_803], none),
        ("WebP", [3], 8, [2], &[(259, SHORT, &[50_001])]),
        ("JPEG 2000", [3], 8, [2], &[(259, SHORT, &[34_712])]),
        ("old-style JPEG", [3], 8, [6], &[(259, SHORT, &[6])]),
    ] {
        let bits = vec![bits; samples[0] as usize];
        let entries = [&fields(&SIZE, &samples, &bits, &colors)[..], more].concat();
        let error = probe(Cursor::new(tiff_of(false, STRIPS, &[&data], &entries))).expect_err(name);
        assert_eq!(error.code(), "unsupported", "{name}: {error}");
        assert!(error.to_string().contains(name), "{name}: {error}");
    }
}

#[test]
fn directories_and_values_lie_at_even_places() {
    let mut exif = exif::Exif::default();
    exif.set(exif::Field::text(exif::Directory::Main, exif::tag::ARTIST, "even"));
    exif.set(exif::Field::text(exif::Directory::Exif, 0x9003, "2025:01:02 03:04:05 "));
    exif.set(exif::Field::text(exif::Directory::Gps, 1, "odd..."));
    let jpeg = with_exif(&jpeg_of(61, 47, &noisy_picture(61, 47)), &exif);
    for compression in [TiffCompression::None, TiffCompression::Lzw, TiffCompression::Deflate] {
        for width in 20..40 {
            let mut spec = spec((61, 47), (width, 31));
            spec.encoding = Encoding::Tiff { bits: 8, compression };
            spec.metadata = plain_metadata(KeepMetadata::All);
            spec.metadata.set_caption = (width % 2 == 0).then(|| "odd, with its end: 24 b.".to_owned());
            let file = render_one(&jpeg, &spec).unwrap().bytes;
            verify(&file, &spec, VerifyDepth::Full).unwrap();
            let long = |at: usize| u32::from_ne_bytes(file[at..at + 4].try_into().unwrap()) as usize;
            let short = |at: usize| u16::from_ne_bytes(file[at..at + 2].try_into().unwrap());
            let mut directories = vec![long(4)];
            while let Some(directory) = directories.pop() {
                assert_eq!(directory % 2, 0, "{compression:?} {width}");
                for entry in (0..usize::from(short(directory))).map(|i| directory + 2 + 12 * i) {
                    if matches!(short(entry), exif::tag::EXIF_POINTER | exif::tag::GPS_POINTER) {
                        directories.push(long(entry + 8));
                    } else if long(entry + 4) * exif::kind_size(short(entry + 2)) > 4 {
                        assert_eq!(long(entry + 8) % 2, 0, "{compression:?} {width} {:x}", short(entry));
                    }
                }
            }
        }
    }
}

#[test]
fn missing_strips_are_damage() {
    let rgb = picture(SIZE[0], SIZE[1]);
    let mut entries = fields(&SIZE, &[3], &[8, 8, 8], &[2]);
    entries.retain(|e| e.0 != 278);
    entries.push((278, LONG, &[10]));
    let parts: Vec<&[u8]> = rgb.chunks(50 * 10 * 3).collect();
    assert_eq!(rendered_rgb(&tiff_of(false, STRIPS, &parts, &entries), SIZE), rgb);
    let spec = spec((50, 30), (50, 30));
    let file = tiff_of(false, STRIPS, &parts[..2], &entries);
    assert!(probe(Cursor::new(&file)).is_err_and(|e| e.code() == "damaged"));
    // One that begins behind the end.
    let mut file = tiff_of(false, STRIPS, &parts, &entries);
    let at = file.windows(4).rposition(|w| w == 3008u32.to_le_bytes()).unwrap();
    file[at..at + 4].copy_from_slice(&9_000_000u32.to_le_bytes());
    assert_eq!(render_one(&file, &spec).unwrap_err().code(), "damaged");
}

#[test]
fn a_copy_of_a_tiff_has_the_same_strips_and_other_words() {
    let rgb = picture(SIZE[0], SIZE[1]);
    let wide: Vec<u8> = rgb.iter().flat_map(|v| [*v, 3]).collect();
    let parts: Vec<&[u8]> = wide.chunks(50 * 10 * 6).collect();
    let mut metadata = plain_metadata(KeepMetadata::Copyright);
    metadata.set_artist = Some("Studio".to_owned());
    for big_endian in [false, true] {
        let mut entries = fields(&SIZE, &[3], &[16; 3], &[2]);
        entries.retain(|e| e.0 != 278);
        // Private fields, a preview, a description, a resolution.
        let word: Vec<u32> = b"secret".iter().map(|b| u32::from(*b) << 24 | 0x41_41_41).collect();
        entries.extend([(278, LONG, &[10][..]), (37_724, LONG, &word), (330, LONG, &[8]), (274, SHORT, &[3])]);
        entries.extend([(296, SHORT, &[2][..])]);
        let file = tiff_of(big_endian, STRIPS, &parts, &entries);
        let spec = OutputSpec { encoding: Encoding::Copy, metadata: metadata.clone(), ..spec((50, 30), (50, 30)) };
        let out = render_one(&file, &spec).unwrap().bytes;
        verify(&out, &spec, VerifyDepth::Full).unwrap();
        assert_eq!(out[..2], file[..2]);
        let decoded = |file: &[u8]| image::load_from_memory(file).unwrap().into_rgb16().into_raw();
        assert_eq!(decoded(&out), decoded(&file));
        let found = header::read(Cursor::new(&out)).unwrap();
        assert_eq!((found.header.orientation.exif(), found.header.bits), (3, 16));
        let artist = found.exif.get(exif::Directory::Main, exif::tag::ARTIST).and_then(exif::Field::as_text);
        assert_eq!(artist.as_deref(), Some("Studio"));
        assert!(!out.windows(3).any(|w| w == b"AAA"));
    }
}
