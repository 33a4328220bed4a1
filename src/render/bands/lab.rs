//! TIFFs in Lab colours, as Photoshop and drum scanners write them.
//!
//! They become RGB of 16 bits in a space that holds all colours of surfaces, and go on as every other picture. Must not
//! know: files.

use std::sync::LazyLock;

use moxcms::ColorProfile;
use rayon::prelude::*;

/// Pixels that are converted in one go.
const BLOCK_PIXELS: usize = 16_384;
/// The white of Lab colours in files: D50 of the profile connection space, X and Z for Y = 1.
const WHITE: [f64; 3] = [0.9642, 1.0, 0.8249];
/// Of the space that they are brought into.
const GAMMA: f64 = 1.8;

/// How `a` and `b` are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lab {
    /// Signed.
    Cie,
    /// From zero, with the middle for grey; white is a little below the largest value of 16 bits, as in profiles.
    Icc,
}

/// `ProPhoto` RGB, and from XYZ to it.
static WIDE: LazyLock<(ColorProfile, [[f64; 3]; 3])> = LazyLock::new(|| {
    let profile = ColorProfile::new_pro_photo_rgb();
    let back = profile.rgb_to_xyz_matrix().inverse().v;
    (profile, back)
});

/// The profile of what comes out.
pub(super) fn profile() -> Vec<u8> {
    // Empty if it cannot be written, which counts as broken and comes with a warning.
    WIDE.0.encode().unwrap_or_default()
}

impl Lab {
    pub(super) fn rgb_of_bytes(self, samples: &[u8]) -> Vec<u16> {
        let mut out = vec![0; samples.len()];
        let back = &WIDE.1;
        out.par_chunks_mut(3 * BLOCK_PIXELS).zip(samples.par_chunks(3 * BLOCK_PIXELS)).for_each(|(out, samples)| {
            for (out, [light, a, b]) in out.as_chunks_mut::<3>().0.iter_mut().zip(samples.as_chunks::<3>().0) {
                let around = |v: u8| match self {
                    Lab::Cie => f64::from(v.cast_signed()),
                    Lab::Icc => f64::from(v) - 128.0,
                };
                *out = rgb(back, f64::from(*light) / 2.55, around(*a), around(*b));
            }
        });
        out
    }

    pub(super) fn rgb_of_words(self, mut samples: Vec<u16>) -> Vec<u16> {
        let back = &WIDE.1;
        samples.par_chunks_mut(3 * BLOCK_PIXELS).for_each(|samples| {
            for pixel in samples.as_chunks_mut::<3>().0 {
                let [light, a, b] = *pixel;
                let around = |v: u16| match self {
                    Lab::Cie => f64::from(v.cast_signed()) / 256.0,
                    Lab::Icc => f64::from(v) / 256.0 - 128.0,
                };
                let white = if self == Lab::Cie { 655.35 } else { 652.8 };
                *pixel = rgb(back, f64::from(light) / white, around(a), around(b));
            }
        });
        samples
    }
}

fn rgb(back: &[[f64; 3]; 3], light: f64, a: f64, b: f64) -> [u16; 3] {
    let y = (light + 16.0) / 116.0;
    let linear = |f: f64| if f > 6.0 / 29.0 { f.powi(3) } else { (f - 4.0 / 29.0) * 108.0 / 841.0 };
    let xyz = [linear(y + a / 500.0) * WHITE[0], linear(y) * WHITE[1], linear(y - b / 200.0) * WHITE[2]];
    back.map(|row| {
        let value: f64 = row.iter().zip(xyz).map(|(factor, v)| factor * v).sum();
        (value.clamp(0.0, 1.0).powf(1.0 / GAMMA) * 65_535.0).round() as u16
    })
}
