//! Sixteen bits in, sixteen bits out: nothing on the way is squeezed through 8.

use std::collections::BTreeSet;

use super::color;
use super::picture::{Picture, colors};
use super::reference::{Part, resampled, sharpened};
use super::shot::{Limits, render};

/// With rounding out of the way what is left is the arithmetic itself.
const DEEP: Limits = Limits { mean: 0.05, p99: 0.2, shift: 0.05 };

fn levels(picture: &Picture, channel: usize) -> usize {
    let row = picture.height / 2;
    (0..picture.width).map(|x| (picture.at(x, row)[channel] * 65_535.0).round() as u32).collect::<BTreeSet<_>>().len()
}

#[test]
fn a_smooth_gradient_keeps_its_levels() {
    // A sky: a quarter of the range over the whole width, 64 levels of 8 bits.
    let picture = Picture::drawn(1200, 60, |x, _| [0.40, 0.50, 0.60].map(|v| v + 0.25 * x / 1200.0));
    let adobe = color::adobe_rgb();
    for (format, icc) in
        [("tiff", None), ("png", None), ("tiff", Some(adobe.as_slice())), ("png", Some(adobe.as_slice()))]
    {
        let profile = format!("size: 700px, format: {format}, bits: 16");
        let shot = render(&profile, "a.tif", &picture.tiff(16, icc));
        for channel in 0..3 {
            let found = levels(&shot.picture, channel);
            assert!(found > 600, "{format}, channel {channel}: {found} levels");
        }
    }
}

#[test]
fn sixteen_bits_through_everything() {
    let (picture, srgb, adobe) = (colors(600, 450), color::srgb(), color::adobe_rgb());
    let small = resampled(&picture.in_16_bits(), Part::whole(&picture), 300, 225).clamped();
    for format in ["tiff", "png"] {
        let shot = render(&format!("size: 300px, format: {format}, bits: 16"), "a.tif", &picture.tiff(16, None));
        shot.compare(&format!("16 bits in and out, {format}"), &small, &srgb, DEEP);
        let shot =
            render(&format!("size: 300px, format: {format}, bits: 16"), "a.tif", &picture.tiff(16, Some(&adobe)));
        let expected = color::converted(&small, &adobe, &srgb);
        shot.compare(&format!("16 bits, Adobe RGB to sRGB, {format}"), &expected, &srgb, DEEP);
        let keys = "sharpen: { radius: 1.2, amount: 100%, threshold: 1 }";
        let shot =
            render(&format!("size: 300px, format: {format}, bits: 16, {keys}"), "a.tif", &picture.tiff(16, None));
        shot.compare(&format!("16 bits, sharpened, {format}"), &sharpened(&small, 1.2, 1.0, 1.0), &srgb, DEEP);
    }
}
