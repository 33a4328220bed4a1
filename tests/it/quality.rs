//! Quality: what the program makes, against a reference that is computed here, in real numbers, from the published
//! order of operations. Figures are told by `scripts/quality`.
//!
//! The limits are those of the program's requirements; where a comparison is allowed more, its test says why.

pub mod color;
mod deep;
mod difference;
mod flat;
mod measure;
pub mod picture;
mod reference;
pub mod shot;
mod straight;

use measure::note;
use picture::{Picture, colors, edges, greys, zone_plate};
use reference::{Part, cropped, padded, resampled, resampled_over, sharpened, turned, upright};
use shot::{LOSSLESS, Limits, ordered, render};

const WHITE: [f32; 3] = [1.0; 3];

fn photo(name: &str) -> Vec<u8> {
    std::fs::read(format!("{}/fixtures/photos/{name}.jpg", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

/// Photos and made pictures, as files of a PNG or JPEG, with their pixels.
fn originals() -> Vec<(&'static str, String, Vec<u8>, Picture)> {
    let made = [("zone plate", zone_plate(750, 500)), ("colours", colors(640, 480)), ("edges", edges(701, 467))];
    let mut all: Vec<_> = made
        .into_iter()
        .map(|(name, picture)| (name, "a.png".to_string(), picture.png(None), picture.in_8_bits()))
        .collect();
    let file = photo("Landscape_1");
    let picture = Picture::read(&file);
    all.push(("photo", "a.jpg".to_string(), file, picture));
    all
}

#[test]
fn the_whole_picture_made_to_fit() {
    for (name, file_name, file, picture) in originals() {
        let shot = render("size: 333px, decode: full, format: png", &file_name, &file);
        let (width, height) = Part::whole(&picture).fitted(333.0);
        let expected = resampled(&picture, Part::whole(&picture), width, height).clamped();
        shot.compare(&format!("fit, {name}"), &expected, &color::srgb(), LOSSLESS);
    }
}

#[test]
fn the_middle_cut_out_to_fill() {
    for (name, file_name, file, picture) in originals() {
        let shot = render("size: 301x287px, decode: full, format: png", &file_name, &file);
        // The box is turned to the picture's orientation.
        let part = Part::whole(&picture).filling(301, 287);
        let expected = resampled(&picture, part, 301, 287).clamped();
        shot.compare(&format!("fill, {name}"), &expected, &color::srgb(), LOSSLESS);
    }
}

#[test]
fn the_whole_picture_on_a_sheet() {
    let picture = edges(701, 467);
    let profile = "size: 340x300px, fit: pad, background: \"#204080\", format: png";
    let shot = render(profile, "a.png", &picture.png(None));
    let (width, height) = Part::whole(&picture).fitted(340.0);
    let small = resampled(&picture.in_8_bits(), Part::whole(&picture), width, height).clamped();
    let background = [32.0, 64.0, 128.0].map(|v: f32| v / 255.0);
    shot.compare("pad, edges", &padded(&small, 340, 300, background), &color::srgb(), LOSSLESS);
}

#[test]
fn enlarged() {
    let picture = edges(160, 120);
    let shot = render("size: 401px, format: png", "a.png", &picture.png(None));
    let (width, height) = Part::whole(&picture).fitted(401.0);
    let expected = resampled(&picture.in_8_bits(), Part::whole(&picture), width, height).clamped();
    shot.compare("enlarged, edges", &expected, &color::srgb(), LOSSLESS);
}

#[test]
fn photos_of_every_orientation() {
    for orientation in 1..=8u8 {
        let file = photo(&format!("Portrait_{orientation}"));
        let seen = upright(&Picture::read(&file), orientation);
        assert!(seen.height > seen.width);
        let shot = render("size: 150x190px, decode: full, format: png", "a.jpg", &file);
        let expected = resampled(&seen, Part::whole(&seen).filling(150, 190), 150, 190).clamped();
        shot.compare(&format!("orientation {orientation}, fill"), &expected, &color::srgb(), LOSSLESS);
    }
}

#[test]
fn turned_and_cropped_by_a_manifest() {
    let file = photo("Portrait_6");
    let seen = turned(&upright(&Picture::read(&file), 6), 1);
    let edits = r#""rotate": 90, "crop": [0.1234, 0.2071, 0.6113, 0.5729]"#;
    let shot = ordered("size: 240x200px, decode: full, format: png", edits, "a.jpg", &file);
    let part = cropped(&seen, [0.1234, 0.2071, 0.6113, 0.5729]).filling(240, 200);
    let expected = resampled(&seen, part, 240, 200).clamped();
    shot.compare("rotate 90, crop, fill", &expected, &color::srgb(), LOSSLESS);
}

#[test]
fn black_and_white() {
    let (picture, adobe) = (colors(400, 300), color::adobe_rgb());
    for (name, file, space) in
        [("sRGB", picture.png(None), color::srgb()), ("Adobe RGB", picture.png(Some(&adobe)), adobe)]
    {
        let shot = ordered("size: 200px, format: png, sharpen: { for: screen }", r#""tone": "bw""#, "a.png", &file);
        let small = resampled(&picture.in_8_bits(), Part::whole(&picture), 200, 150).clamped();
        let grey = sharpened(&color::without_color(&small, &space), 0.6, 0.45, 2.0);
        let expected = color::converted(&grey, &space, &color::srgb());
        shot.compare(&format!("bw, sharpened, {name}"), &expected, &color::srgb(), LOSSLESS);
    }
}

#[test]
fn from_one_rgb_space_to_another() {
    let (srgb, adobe, p3) = (color::srgb(), color::adobe_rgb(), color::display_p3());
    let picture = colors(600, 450);
    for (case, from, to, key) in [
        ("Adobe RGB to sRGB", &adobe, &srgb, "srgb"),
        ("Display P3 to sRGB", &p3, &srgb, "srgb"),
        ("sRGB to Adobe RGB", &srgb, &adobe, "adobe_rgb"),
        ("sRGB to Display P3", &srgb, &p3, "display_p3"),
    ] {
        let profile = format!("size: 300px, format: png, color: {{ profile: {key} }}");
        let shot = render(&profile, "a.png", &picture.png(Some(from)));
        let small = resampled(&picture.in_8_bits(), Part::whole(&picture), 300, 225).clamped();
        shot.compare(case, &color::converted(&small, from, to), to, LOSSLESS);
    }
}

#[test]
fn inks_of_a_press() {
    let inks = {
        let rgb = colors(400, 300);
        let mut inks = Picture::new(400, 300, 4);
        for (ink, rgb) in inks.values.as_chunks_mut::<4>().0.iter_mut().zip(rgb.values.as_chunks::<3>().0) {
            let black = 0.4 * (1.0 - rgb[0].max(rgb[1]).max(rgb[2]));
            *ink = [1.0 - rgb[0], 0.9 - 0.9 * rgb[1], 1.0 - rgb[2], black];
        }
        inks.clamped()
    };
    let press = color::press();
    // Where black lies is a matter of choice among colour engines, so it is not moved here.
    let profile = "size: 200px, format: png, color: { profile: srgb, black_point: false }";
    let shot = render(profile, "a.tif", &inks.tiff(8, Some(&press)));
    let small = resampled(&inks.in_8_bits(), Part::whole(&inks), 200, 150).clamped();
    let expected = color::converted(&small, &press, &color::srgb());
    shot.compare("CMYK TIFF to sRGB", &expected, &color::srgb(), LOSSLESS);
}

#[test]
fn sixteen_bits_in() {
    let (picture, adobe) = (colors(600, 450), color::adobe_rgb());
    let shot = render("size: 300px, format: tiff", "a.tif", &picture.tiff(16, Some(&adobe)));
    let small = resampled(&picture.in_16_bits(), Part::whole(&picture), 300, 225).clamped();
    let expected = color::converted(&small, &adobe, &color::srgb());
    shot.compare("16-bit TIFF, Adobe RGB to sRGB", &expected, &color::srgb(), LOSSLESS);
}

#[test]
fn a_grey_picture() {
    let rgb = greys(512, 200);
    let grey = Picture { channels: 1, values: rgb.values.iter().copied().step_by(3).collect(), ..rgb };
    let shot = render("size: 300px, format: png", "a.png", &grey.png(None));
    let (width, height) = Part::whole(&rgb).fitted(300.0);
    let expected = resampled(&rgb.in_8_bits(), Part::whole(&rgb), width, height).clamped();
    shot.compare("grey PNG", &expected, &color::srgb(), LOSSLESS);
}

#[test]
fn a_picture_with_alpha() {
    let mut picture = Picture::new(400, 300, 4);
    let colored = colors(400, 300);
    for (i, pixel) in picture.values.as_chunks_mut::<4>().0.iter_mut().enumerate() {
        let (x, y) = ((i % 400) as f32, (i / 400) as f32);
        let alpha = ((160.0 - (x - 200.0).hypot(y - 150.0)) / 40.0).clamp(0.0, 1.0);
        pixel[..3].copy_from_slice(&colored.values[i * 3..][..3]);
        pixel[3] = alpha;
    }
    let shot = render("size: 200px, format: png", "a.png", &picture.png(None));
    let expected = resampled_over(&picture.in_8_bits(), Part::whole(&picture), 200, 150, WHITE);
    shot.compare("alpha over white", &expected, &color::srgb(), LOSSLESS);
}

#[test]
fn sharpened_for_screen_and_print() {
    let picture = Picture::read(&photo("Portrait_1"));
    for (case, keys, radius, amount, threshold) in [
        ("screen, standard", "sharpen: { for: screen }", 0.6, 0.45, 2.0),
        ("glossy, high, 300 dpi", "sharpen: { for: glossy, amount: high }", 0.8, 0.7 * 1.6, 3.0),
        ("matte, low, 450 dpi", "sharpen: { for: matte, amount: low }, dpi: 450", 1.5, 0.95 * 0.6, 3.0),
        ("1.2 px, 150 %, 1", "sharpen: { radius: 1.2, amount: 150%, threshold: 1 }", 1.2, 1.5, 1.0),
    ] {
        let profile = format!("size: 240x300px, decode: full, format: png, {keys}");
        let shot = render(&profile, "a.jpg", &photo("Portrait_1"));
        let small = resampled(&picture, Part::whole(&picture).filling(240, 300), 240, 300).clamped();
        let expected = sharpened(&small, radius, amount, threshold);
        shot.compare(&format!("sharpened: {case}"), &expected, &color::srgb(), LOSSLESS);
        // The reference would notice if nothing was sharpened at all.
        let icc = color::srgb();
        let (with, without) =
            (measure::difference(&shot.picture, &expected, &icc), measure::difference(&shot.picture, &small, &icc));
        assert!(without.mean > with.mean * 1.2, "{case}: {with:?} {without:?}");
    }
}

/// A scaled decode is another filter: the DCT leaves out the upper half of its frequencies and what is left is then
/// scaled with Lanczos. Fine structure comes out a little softer or harder, nothing else may change: not the place,
/// not the colours, not what is larger than some pixels.
const SCALED: Limits = Limits { mean: 1.0, p99: 3.0, shift: 0.1 };

#[test]
fn decoded_at_a_part_of_the_size() {
    for (name, size, factor) in [("Landscape_1", 450, 2), ("Portrait_6", 230, 4), ("Landscape_8", 120, 8)] {
        let file = photo(name);
        let orientation = name.as_bytes()[name.len() - 1] - b'0';
        let seen = upright(&Picture::read(&file), orientation);
        let shot = render(&format!("size: {size}px, format: png"), "a.jpg", &file);
        let (width, height) = Part::whole(&seen).fitted(f64::from(size));
        let expected = resampled(&seen, Part::whole(&seen), width, height).clamped();
        shot.compare(&format!("decoded at 1/{factor}, {name}"), &expected, &color::srgb(), SCALED);
    }
}

#[test]
fn jpeg_of_print_quality_is_not_told_from_lossless() {
    for (name, file_name, file, _) in originals() {
        // Finer than pixels can show is not what photos hold; its chroma would be the test of the encoder alone.
        if name == "zone plate" {
            continue;
        }
        let keys = "size: 480x400px, decode: full, sharpen: { for: glossy }";
        let lossless = render(&format!("{keys}, format: png"), &file_name, &file);
        let coded = render(&format!("{keys}, format: jpeg, quality: 95, subsampling: \"4:4:4\""), &file_name, &file);
        let score = measure::ssimulacra2(&coded.picture, &lossless.picture);
        note(&format!("JPEG q95 4:4:4, {name}: SSIMULACRA2"), &format!("{score:.1}"));
        assert!(score >= 90.0, "{name}: {score}");
    }
}

/// With `scripts/quality --photos FOLDER`: the JPEGs of that folder, in their full size.
#[test]
fn photos_of_a_folder() {
    let Some(folder) = std::env::var_os("HOTFOLDERS_QUALITY_PHOTOS") else { return };
    let mut paths: Vec<_> = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    paths.retain(|p| p.extension().is_some_and(|e| e.eq_ignore_ascii_case("jpg") || e.eq_ignore_ascii_case("jpeg")));
    paths.sort();
    for path in paths {
        let (name, file) = (path.file_name().unwrap().to_string_lossy(), std::fs::read(&path).unwrap());
        let exif = exif::Reader::new().read_from_container(&mut std::io::Cursor::new(&file)).ok();
        let orientation = exif.and_then(|e| e.get_field(exif::Tag::Orientation, exif::In::PRIMARY)?.value.get_uint(0));
        let seen = upright(&Picture::read(&file), orientation.unwrap_or(1) as u8);
        // Read as sRGB on both sides, so that only the pixels are compared.
        let file = Picture::without_profile(&file);
        let whole = Part::whole(&seen);
        let (width, height) = whole.fitted(2048.0);
        let fitted = resampled(&seen, whole, width, height).clamped();
        let (w, h) = if seen.width > seen.height { (2400, 3000) } else { (3000, 2400) };
        let filled = sharpened(&resampled(&seen, whole.filling(h, w), h, w).clamped(), 0.8, 0.7, 3.0);
        for (case, keys, expected, limits) in [
            ("fit 2048", "size: 2048px, decode: full", &fitted, LOSSLESS),
            ("fit 2048, decoded as the plan says", "size: 2048px", &fitted, SCALED),
            ("3000x2400, glossy", "size: 3000x2400px, decode: full, sharpen: { for: glossy }", &filled, LOSSLESS),
        ] {
            let shot = render(&format!("{keys}, format: png"), "a.jpg", &file);
            shot.compare(&format!("{name}: {case}"), expected, &color::srgb(), limits);
        }
    }
}
