//! What must come out of flat and straight pictures: told beforehand, without a reference.

use std::ops::Range;

use super::color;
use super::measure::{note, tint};
use super::picture::{Picture, greys};
use super::shot::{ordered, render};

/// Largest difference in levels of 255.
fn levels(picture: &Picture, expected: impl Fn(usize, usize) -> [f32; 3]) -> f32 {
    let mut most = 0f32;
    for y in 0..picture.height {
        for x in 0..picture.width {
            let pairs = picture.at(x, y).iter().zip(expected(x, y));
            most = pairs.fold(most, |most, (found, expected)| most.max((found - expected).abs() * 255.0));
        }
    }
    most
}

const SHARP: &str = "sharpen: { for: matte, amount: high }";

#[test]
fn a_flat_picture_stays_flat_to_its_last_row() {
    let color = [118.0, 203.0, 34.0].map(|v: f64| v / 255.0);
    let picture = Picture::drawn(403, 307, |_, _| color);
    for (name, file) in [
        ("a.png", picture.png(None)),
        ("a.tif", picture.tiff(16, None)),
        ("a.jpg", picture.jpeg(100, turbojpeg::Subsamp::None, false)),
    ] {
        let same =
            if name == "a.jpg" { Picture::read(&file).at(0, 0).to_vec() } else { color.map(|v| v as f32).to_vec() };
        for keys in ["size: 133px", "size: 131x97px", "size: 600px", "size: 101x101px, fit: fill", "size: original"] {
            let shot = render(&format!("{keys}, format: png, {SHARP}"), name, &file);
            let most = levels(&shot.picture, |_, _| [same[0], same[1], same[2]]);
            assert!(most < 0.01, "{name}, {keys}: {most} levels");
        }
    }
}

#[test]
fn a_hard_frame_rings_no_farther_than_the_kernel() {
    let (frame, field) = ([20.0 / 255.0; 3], [180.0 / 255.0; 3]);
    let picture =
        Picture::drawn(900, 600, |x, y| if x < 60.0 || y < 60.0 || x > 840.0 || y > 540.0 { frame } else { field });
    for (case, name, file) in [
        ("PNG", "a.png", picture.png(None)),
        // Its blocks have the frame's edge inside them, so it rings by itself: at most a block far.
        ("JPEG, decoded at 1/2", "a.jpg", picture.jpeg(100, turbojpeg::Subsamp::None, false)),
    ] {
        let shot = render(&format!("size: 225px, format: png, {SHARP}"), name, &file);
        // The frame is 15 pixels wide; three of the kernel, three of the mask, and for JPEG a block of 8 at a quarter.
        let reach = if name == "a.jpg" { 3 + 3 + 2 } else { 3 + 3 };
        let mut most = 0f32;
        for y in 0..150 {
            for x in 0..225 {
                let depth = [x, 224 - x, y, 149 - y].into_iter().min().unwrap();
                let expected = if depth < 15 { frame[0] } else { field[0] } as f32;
                let distance = if depth < 15 { 15 - depth } else { depth - 14 };
                if distance > reach {
                    let far = shot.picture.at(x, y).iter().map(|v| (v - expected).abs() * 255.0).fold(0.0, f32::max);
                    most = most.max(far);
                }
            }
        }
        note(&format!("ringing beyond the kernel, {case}: levels"), &format!("{most:.1}"));
        assert!(most <= if name == "a.jpg" { 1.01 } else { 0.01 }, "{case}: {most} levels");
    }
}

/// A ramp is its own scaled copy, so its place is known without a reference: the middle of a pixel shows what the
/// middle of its part of the original shows.
#[test]
fn a_ramp_stays_where_it_is() {
    let ramp = |x: f64, y: f64| [0.1 + 0.8 * x / 640.0, 0.1 + 0.8 * y / 480.0, 0.5];
    let picture = Picture::drawn(640, 480, ramp);
    let file = picture.tiff(16, None);
    let jpeg = picture.jpeg(100, turbojpeg::Subsamp::None, false);
    for (keys, name, file, part) in [
        ("size: 213px", "a.tif", &file, (0.0, 0.0, 640.0, 480.0)),
        ("size: 1000px", "a.tif", &file, (0.0, 0.0, 640.0, 480.0)),
        ("size: 200x200px", "a.tif", &file, (80.0, 0.0, 480.0, 480.0)),
        ("size: 301x97px", "a.tif", &file, (0.0, 240.0 - 320.0 * 97.0 / 301.0, 640.0, 640.0 * 97.0 / 301.0)),
        ("size: 170px", "a.jpg", &jpeg, (0.0, 0.0, 640.0, 480.0)),
    ] {
        let shot = render(&format!("{keys}, format: png"), name, file);
        let (left, top, width, height) = part;
        let (w, h) = (shot.picture.width as f64, shot.picture.height as f64);
        let place = |i: usize, start: f64, length: f64, count: f64| start + (i as f64 + 0.5) * length / count;
        // The mean over many pixels, so that what rounding and JPEG do to single ones is not taken for a shift. Three
        // pixels from the edge the kernel sees less of the ramp on one side, so its middle is elsewhere.
        let off = |columns: Range<usize>, rows: Range<usize>| {
            let mut sums = [0.0; 2];
            for (x, y) in rows.clone().flat_map(|y| columns.clone().map(move |x| (x, y))) {
                let expected = ramp(place(x, left, width, w), place(y, top, height, h));
                (0..2).for_each(|c| sums[c] += f64::from(shot.picture.at(x, y)[c]) - expected[c]);
            }
            let count = (columns.len() * rows.len()) as f64;
            (sums[0] / count / (0.8 / 640.0 * width / w)).hypot(sums[1] / count / (0.8 / 480.0 * height / h))
        };
        let (w, h) = (shot.picture.width, shot.picture.height);
        let bands = [
            (4..w - 4, 4..h - 4),
            (4..20, 4..h - 4),
            (w - 20..w - 4, 4..h - 4),
            (4..w - 4, 4..20),
            (4..w - 4, h - 20..h - 4),
        ];
        let [whole, edges @ ..] = bands.map(|(columns, rows)| off(columns, rows));
        let edges = edges.into_iter().fold(0.0, f64::max);
        note(&format!("ramp, {keys}, {name}: pixels off"), &format!("{whole:.3}, at an edge {edges:.3}"));
        // A band at an edge has few different levels, so rounding alone is up to a third of a pixel where much is
        // enlarged.
        assert!(whole < 0.05 && edges < 0.5, "{keys}, {name}: {whole} pixels, at an edge {edges}");
    }
}

/// The same greys as PNG and as TIFF of 16 bits, sharpened, in every one of the output spaces that is wanted.
fn greys_through(wanted: impl Fn(&str, &str) -> bool) {
    let picture = greys(512, 120);
    let spaces = [
        ("sRGB", "srgb", color::srgb()),
        ("Adobe RGB", "adobe_rgb", color::adobe_rgb()),
        ("Display P3", "display_p3", color::display_p3()),
    ];
    let untagged = ("untagged", "srgb", None);
    let sources = spaces.iter().map(|(name, key, icc)| (*name, *key, Some(icc.as_slice()))).chain([untagged]);
    for (from, from_key, icc) in sources {
        for (to, key, space) in spaces.iter().filter(|(_, key, _)| wanted(from_key, key)) {
            let mut worst = 0f64;
            for (name, file) in [("a.png", picture.png(icc)), ("a.tif", picture.tiff(16, icc))] {
                let profile = format!("size: 300px, format: png, {SHARP}, color: {{ profile: {key} }}");
                let shot = render(&profile, name, &file);
                // By its own profile, and by what the space is in truth.
                for space in [&shot.is_in(space), space] {
                    let (most, pixel) = tint(&shot.picture, space);
                    assert!(most <= 0.5, "{from} to {to}, {name}: {most} at {pixel:?}");
                    worst = worst.max(most);
                }
            }
            note(&format!("greys, {from} to {to}: |a*|, |b*|"), &format!("{worst:.2}"));
        }
    }
}

#[test]
fn greys_stay_grey() {
    greys_through(|from, to| from == to);
}

#[test]
fn greys_stay_grey_from_space_to_space() {
    greys_through(|from, to| from != to);
}

#[test]
fn greys_of_a_jpeg_stay_grey() {
    let picture = greys(512, 120);
    for subsampling in [turbojpeg::Subsamp::None, turbojpeg::Subsamp::Sub2x2, turbojpeg::Subsamp::Gray] {
        let file = picture.jpeg(92, subsampling, false);
        for keys in ["size: 300px, decode: full", "size: 140px"] {
            let shot = render(&format!("{keys}, format: png, {SHARP}"), "a.jpg", &file);
            let (most, pixel) = tint(&shot.picture, &shot.is_in(&color::srgb()));
            assert!(most <= 0.5, "{subsampling:?}, {keys}: {most} at {pixel:?}");
        }
    }
}

#[test]
fn black_and_white_is_neutral() {
    let picture = super::picture::colors(400, 300);
    let shot = ordered(&format!("size: 200px, format: png, {SHARP}"), r#""tone": "bw""#, "a.png", &picture.png(None));
    let (most, pixel) = tint(&shot.picture, &shot.is_in(&color::srgb()));
    assert!(most <= 0.5, "{most} at {pixel:?}");
}
