//! Straightened by a fine angle: the picture turns to the right about its centre, on a canvas of the same size.

use super::color;
use super::photo;
use super::picture::{Picture, colors};
use super::reference::{Part, cropped, resampled, straightened, turned};
use super::shot::{Limits, ordered};

/// Turning needs pixels between pixels, for which several good filters exist; the finest structure may come out
/// different. The place may not: half of a tenth of a degree is a pixel at the corner of these pictures.
const TURNED: Limits = Limits { mean: 0.8, p99: 4.0, shift: 0.1 };

/// The largest centred part of the frame's shape that shows no empty corner.
fn without_corners(picture: &Picture, degrees: f64) -> Part {
    let (w, h) = (picture.width as f64, picture.height as f64);
    let (sin, cos) = degrees.to_radians().abs().sin_cos();
    let share = (w / (w * cos + h * sin)).min(h / (w * sin + h * cos));
    cropped(picture, [(1.0 - share) / 2.0, (1.0 - share) / 2.0, share, share])
}

fn small_photo() -> Picture {
    let picture = Picture::read(&photo("Landscape_1"));
    resampled(&picture, Part::whole(&picture), 600, 400).clamped().in_8_bits()
}

#[test]
fn without_a_crop_the_corners_are_left_out() {
    for (name, picture) in [("photo", small_photo()), ("colours", colors(480, 360).in_8_bits())] {
        for degrees in [3.2, -1.4, 0.15] {
            let edits = format!(r#""straighten": {degrees}"#);
            let shot = ordered("size: 300px, format: png", &edits, "a.png", &picture.png(None));
            let part = without_corners(&picture, degrees);
            let (width, height) = part.fitted(300.0);
            let expected = resampled(&straightened(&picture, degrees), part, width, height).clamped();
            shot.compare(&format!("straighten {degrees}, {name}"), &expected, &color::srgb(), TURNED);
        }
    }
}

#[test]
fn a_crop_counts_on_the_canvas_that_does_not_grow() {
    let (picture, crop) = (small_photo(), [0.21, 0.23, 0.5, 0.55]);
    let edits = r#""straighten": -6.5, "crop": [0.21, 0.23, 0.5, 0.55]"#;
    let shot = ordered("size: 240x200px, format: png", edits, "a.png", &picture.png(None));
    let part = cropped(&picture, crop).filling(240, 200);
    let expected = resampled(&straightened(&picture, -6.5), part, 240, 200).clamped();
    shot.compare("straighten -6.5 and crop", &expected, &color::srgb(), TURNED);
    // After the quarter turn, which changes the frame.
    let edits = r#""rotate": 90, "straighten": 2.5, "crop": [0.2, 0.2, 0.6, 0.6]"#;
    let shot = ordered("size: 200x240px, format: png", edits, "a.png", &picture.png(None));
    let seen = turned(&picture, 1);
    let part = cropped(&seen, [0.2, 0.2, 0.6, 0.6]).filling(200, 240);
    let expected = resampled(&straightened(&seen, 2.5), part, 200, 240).clamped();
    shot.compare("rotate 90, straighten 2.5 and crop", &expected, &color::srgb(), TURNED);
}

/// The reference itself: what lies right of the middle goes down when a picture is turned to the right.
#[test]
fn to_the_right_is_clockwise() {
    let spot = Picture::drawn(101, 81, |x, y| [(1.0 - (x - 85.5).hypot(y - 40.5) / 8.0).max(0.0); 3]);
    let turned = straightened(&spot, 20.0);
    let brightest = (0..101 * 81).max_by(|a, b| turned.values[a * 3].total_cmp(&turned.values[b * 3])).unwrap();
    let (sin, cos) = 20f64.to_radians().sin_cos();
    let expected = ((50.0 + 35.0 * cos).round() as usize, (40.0 + 35.0 * sin).round() as usize);
    assert_eq!((brightest % 101, brightest / 101), expected);
}
