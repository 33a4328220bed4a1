//! Black points: how dark a space can get, for black point compensation.
//!
//! The rules are those of Adobe's paper on black point compensation (ISO 18619), as `lcms2` has them. Invariant: between
//! none and half of the white. Must not know: pixels.

use moxcms::{ColorProfile, DataColorSpace, Layout as Channels, ProfileVersion, ToneReprCurve, Xyzd};

use super::color::{bad, encode, options};
use super::error::RenderError;
use super::light::Light;
use super::profile::Profile;
use crate::model::spec::Intent;

/// The black of the perceptual intent since version 4, by definition.
const PERCEPTUAL_BLACK: f64 = 0.003_473_1;

/// Lightness of the darkest black that is believed.
const BLACK_MAX: f64 = 0.184_187;

/// Luminances of the darkest colours on both sides, in parts of the white. None where nothing is to be compensated.
pub(super) fn blacks(from: &Profile, to: &Profile, intent: Intent) -> Result<Option<(f64, f64)>, RenderError> {
    let both_matrix = from.is_matrix() && to.is_matrix();
    // Then the library does it by itself.
    let by_library = |p: &Profile| p.parsed.color_space == DataColorSpace::Rgb && is_v4(p);
    if both_matrix || (intent == Intent::Perceptual && by_library(from) && by_library(to)) {
        return Ok(None);
    }
    Ok(Some((source_black(from, intent)?, output_black(to, intent)?)))
}

fn is_v4(profile: &Profile) -> bool {
    profile.parsed.version() >= ProfileVersion::V4_0
}

fn source_black(profile: &Profile, intent: Intent) -> Result<f64, RenderError> {
    if profile.is_matrix() {
        return Ok(0.0);
    }
    if intent == Intent::Perceptual && is_v4(profile) && profile.parsed.color_space != DataColorSpace::Gray {
        return Ok(PERCEPTUAL_BLACK);
    }
    let (source, darkest) = match profile.parsed.color_space {
        DataColorSpace::Gray => (Channels::Gray, vec![0]),
        // All inks at once are more than paper takes: what the profile itself makes of black counts.
        DataColorSpace::Cmyk => {
            let inks = if intent == Intent::Relative { blackest_inks(profile) } else { None };
            (Channels::Rgba, inks.unwrap_or(vec![u16::MAX; 4]))
        }
        _ => (Channels::Rgb, vec![0; 3]),
    };
    Ok(luminance_of(profile, source, intent, &darkest)?.min(BLACK_MAX))
}

fn output_black(profile: &Profile, intent: Intent) -> Result<f64, RenderError> {
    if profile.is_matrix() {
        return Ok(0.0);
    }
    match intent {
        Intent::Relative => source_black(profile, intent),
        Intent::Perceptual if is_v4(profile) => Ok(PERCEPTUAL_BLACK),
        Intent::Perceptual => Ok(luminance(knee(profile)?)),
    }
}

/// Lightness that the shadows of a perceptual table begin at.
///
/// A good table has drawn its shadows together already and is not to be compensated once more; one that cuts them off
/// is. So a ramp of greys goes to the device and back, and a parabola through its dark part tells where it starts.
fn knee(profile: &Profile) -> Result<f64, RenderError> {
    const STEPS: usize = 256;
    let ramp: Vec<f64> = (0..STEPS).map(|i| i as f64 / (STEPS - 1) as f64 * 100.0).collect();
    // By way of sRGB: the library works with a grid, which is too coarse for the shadows of linear light.
    let srgb = Profile::srgb();
    let light = Light::new(&srgb.parsed)?;
    let greys: Vec<u16> = ramp.iter().flat_map(|l| [encode(&light.linear()[1], luminance(*l) as f32); 3]).collect();
    let convert = |from: &Profile, to: &Profile, intent: Intent, pixels: &[u16]| {
        let transform = from
            .parsed
            .create_transform_16bit(Channels::Rgb, &to.parsed, Channels::Rgb, options(intent))
            .map_err(|e| bad(&e))?;
        let mut out = vec![0; pixels.len()];
        transform.transform(pixels, &mut out).map_err(|e| bad(&e))?;
        Ok::<_, RenderError>(out)
    };
    let device = convert(&srgb, profile, Intent::Perceptual, &greys)?;
    let back = convert(profile, &srgb, Intent::Relative, &device)?;
    let (back, _) = back.as_chunks::<3>();
    let mut seen: Vec<f64> = back.iter().map(|rgb| lightness(f64::from(light.of(*rgb)))).collect();
    for i in (0..STEPS - 1).rev() {
        seen[i] = seen[i].min(seen[i + 1]);
    }
    let (darkest, range) = (seen[0], seen[STEPS - 1] - seen[0]);
    if range <= 0.0 {
        return Ok(0.0);
    }
    let dark = ramp.iter().zip(&seen).map(|(l, seen)| (*l, (seen - darkest) / range));
    Ok(parabola_root(&dark.filter(|(_, y)| (0.03..0.25).contains(y)).collect::<Vec<_>>()).clamp(0.0, 50.0))
}

/// Where the parabola that fits the points best crosses zero, rising.
fn parabola_root(points: &[(f64, f64)]) -> f64 {
    if points.len() < 3 {
        return 0.0;
    }
    // The normal equations of y = a + b x + c x².
    let sum = |f: &dyn Fn(f64, f64) -> f64| points.iter().map(|(x, y)| f(*x, *y)).sum::<f64>();
    let powers: Vec<f64> = (0..5).map(|n| sum(&|x, _| x.powi(n))).collect();
    let right = [0, 1, 2].map(|n| sum(&|x, y| y * x.powi(n)));
    let determinant = |m: [[f64; 3]; 3]| {
        (0..3)
            .map(|i| m[0][i] * (m[1][(i + 1) % 3] * m[2][(i + 2) % 3] - m[1][(i + 2) % 3] * m[2][(i + 1) % 3]))
            .sum::<f64>()
    };
    let matrix: [[f64; 3]; 3] = std::array::from_fn(|r| std::array::from_fn(|c| powers[r + c]));
    let whole = determinant(matrix);
    let [a, b, c]: [f64; 3] = std::array::from_fn(|column| {
        let mut m = matrix;
        (0..3).for_each(|row| m[row][column] = right[row]);
        determinant(m) / whole
    });
    let root = if c.abs() < 1e-10 { -a / b } else { (-b + (b * b - 4.0 * a * c).sqrt()) / (2.0 * c) };
    // A parabola that does not cross zero.
    if root.is_finite() { root } else { 0.0 }
}

fn lightness(y: f64) -> f64 {
    if y > 216.0 / 24_389.0 { 116.0 * y.cbrt() - 16.0 } else { y * 24_389.0 / 27.0 }
}

fn luminance(lightness: f64) -> f64 {
    if lightness > 8.0 { ((lightness + 16.0) / 116.0).powi(3) } else { lightness * 27.0 / 24_389.0 }
}

/// A space whose channels are XYZ itself, in parts of the white: the second is the luminance.
fn xyz_space() -> ColorProfile {
    let mut xyz = ColorProfile::new_srgb();
    let axis = |x, y, z| Xyzd { x, y, z };
    (xyz.red_colorant, xyz.green_colorant, xyz.blue_colorant) =
        (axis(0.964_203, 0.0, 0.0), axis(0.0, 1.0, 0.0), axis(0.0, 0.0, 0.824_905));
    let straight = Some(ToneReprCurve::Lut(Vec::new()));
    (xyz.red_trc, xyz.green_trc, xyz.blue_trc) = (straight.clone(), straight.clone(), straight);
    xyz.cicp = None;
    xyz
}

/// Of one colour of a device.
fn luminance_of(profile: &Profile, channels: Channels, intent: Intent, color: &[u16]) -> Result<f64, RenderError> {
    let transform = profile
        .parsed
        .create_transform_16bit(channels, &xyz_space(), Channels::Rgb, options(intent))
        .map_err(|e| bad(&e))?;
    let mut out = [0u16; 3];
    transform.transform(color, &mut out).map_err(|e| bad(&e))?;
    Ok(f64::from(out[1]) / 65_535.0)
}

/// What a press prints for black, by its perceptual table.
fn blackest_inks(press: &Profile) -> Option<Vec<u16>> {
    let black = Profile::srgb();
    let options = options(Intent::Perceptual);
    let transform = black.parsed.create_transform_16bit(Channels::Rgb, &press.parsed, Channels::Rgba, options).ok()?;
    let mut inks = vec![0; 4];
    transform.transform(&[0; 3], &mut inks).ok()?;
    Some(inks)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parabola_is_found() {
        let points: Vec<(f64, f64)> = (10..30).map(f64::from).map(|x| (x, (x - 4.0) * (x + 30.0) / 900.0)).collect();
        assert!((parabola_root(&points) - 4.0).abs() < 1e-6);
        let straight: Vec<(f64, f64)> = (10..30).map(f64::from).map(|x| (x, (x - 7.0) / 90.0)).collect();
        assert!((parabola_root(&straight) - 7.0).abs() < 1e-3);
        assert!(parabola_root(&points[..2]).abs() < 1e-12);
    }

    #[test]
    fn lightness_and_luminance_are_opposites() {
        for l in [0.0, 1.0, 8.0, 8.1, 50.0, 100.0] {
            assert!((lightness(luminance(l)) - l).abs() < 1e-9);
        }
        assert!((luminance(50.0) - BLACK_MAX).abs() < 1e-5);
    }
}
