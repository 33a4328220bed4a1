//! What a PNG says of its colours beside an embedded profile: code points, chromaticities, a gamma.
//!
//! Invariant: what makes sense becomes a profile, where it can one that ships with the program; the rest is left out
//! with a warning. Must not know: pixels.

use moxcms::{Chromaticity, CicpColorPrimaries, ColorPrimaries, ColorProfile, ToneReprCurve, TransferCharacteristics};

use super::error::{RenderError, RenderWarning};
use super::profile::Profile;

/// The colour chunks of a PNG, as they stand there. One of another length than it should have is all zero.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Colorimetry {
    /// `cICP`: primaries, transfer, matrix (ITU-T H.273), and whether the whole range is used.
    pub(super) code_points: Option<[u8; 4]>,
    /// `sRGB`.
    pub(super) srgb: bool,
    /// `cHRM`: x and y of white, red, green and blue, in 1/100,000.
    pub(super) chromaticities: Option<[u32; 8]>,
    /// `gAMA`: the exponent that the pixels were encoded with, in 1/100,000.
    pub(super) gamma: Option<u32>,
}

/// A point of the CIE 1931 diagram.
type Point = (f64, f64);

const D65: Point = (0.3127, 0.3290);
/// Illuminant C.
const C: Point = (0.310, 0.316);
/// Of cinema projectors.
const DCI: Point = (0.314, 0.351);

const SRGB: [Point; 4] = [D65, (0.64, 0.33), (0.30, 0.60), (0.15, 0.06)];
const ADOBE_RGB: [Point; 4] = [D65, (0.64, 0.33), (0.21, 0.71), (0.15, 0.06)];
const DISPLAY_P3: [Point; 4] = [D65, (0.680, 0.320), (0.265, 0.690), (0.150, 0.060)];

/// How far the points of a known space may be off: programs round them, and take D65 from several tables.
const POINT_TOLERANCE: f64 = 0.005;
/// The gamma that stands for sRGB's curve and for Adobe RGB's, and how far one may be off it, as a share (as libpng
/// has it).
const COMMON_GAMMA: f64 = 1.0 / 2.2;
const GAMMA_TOLERANCE: f64 = 0.05;
/// Gammas outside of this are of no picture.
const GAMMAS: std::ops::RangeInclusive<f64> = 0.1..=5.0;
/// Twice the area of the smallest triangle of primaries that is taken for one; sRGB's has 0.22.
const AREA_MIN: f64 = 0.01;

/// Perceptual quantisation and hybrid log-gamma, the transfers of HDR.
const PQ: u8 = 16;
const HLG: u8 = 18;

impl Colorimetry {
    /// Whether anything is said at all.
    pub(super) fn is_stated(&self) -> bool {
        *self != Colorimetry::default()
    }

    /// The space of the code points. They come before an embedded profile (PNG, third edition, 4.3).
    ///
    /// HDR and the narrow range of video are refused: taken for something else they come out pale, and how the light
    /// of HDR is brought onto paper is for a person to decide.
    pub(super) fn coded(&self, warnings: &mut Vec<RenderWarning>) -> Result<Option<Profile>, RenderError> {
        let Some([primaries, transfer, matrix, range]) = self.code_points else { return Ok(None) };
        let shown = format!("cICP {primaries}/{transfer}/{matrix}/{range}");
        let refused = |what: &str| Err(RenderError::Unsupported(format!("{what} ({shown})")));
        match (transfer, range) {
            (PQ, _) => return refused("an HDR picture (PQ)"),
            (HLG, _) => return refused("an HDR picture (HLG)"),
            (_, 0) => return refused("a PNG in the narrow range of video"),
            _ => {}
        }
        let made = if matrix == 0 { space(primaries, transfer) } else { None };
        if made.is_none() {
            warnings.push(RenderWarning::ColorsIgnored(format!("{shown} is no known space of RGB")));
        }
        Ok(made)
    }

    /// The space that counts where neither code points nor a profile do: `sRGB`, else `cHRM` and `gAMA`.
    ///
    /// The most common gamma alone says no more than none.
    pub(super) fn described(&self, warnings: &mut Vec<RenderWarning>) -> Option<Profile> {
        if self.srgb {
            return Some(Profile::srgb());
        }
        let mut ignore = |what: &str| warnings.push(RenderWarning::ColorsIgnored(what.to_owned()));
        let points = self.chromaticities.and_then(|values| {
            let points = sensible(values);
            points.is_none().then(|| ignore("the chromaticities of cHRM make no sense"));
            points
        });
        let gamma = self.gamma.and_then(|value| {
            let gamma = Some(f64::from(value) / 100_000.0).filter(|gamma| GAMMAS.contains(gamma));
            gamma.is_none().then(|| ignore("the gamma of gAMA makes no sense"));
            gamma
        });
        let is_common = gamma.is_none_or(|gamma| (gamma / COMMON_GAMMA - 1.0).abs() <= GAMMA_TOLERANCE);
        let is = |known: [Point; 4]| {
            let near = |(a, b): (&Point, &Point)| (a.0 - b.0).abs().max((a.1 - b.1).abs()) <= POINT_TOLERANCE;
            points.is_some_and(|points| points.iter().zip(&known).all(near))
        };
        match (points, gamma) {
            (None, _) if is_common => None,
            _ if is_common && is(SRGB) => Some(Profile::srgb()),
            _ if is_common && is(ADOBE_RGB) => Some(Profile::adobe_rgb()),
            _ if gamma.is_none() && is(DISPLAY_P3) => Some(Profile::display_p3()),
            _ => {
                let [white, red, green, blue] = points.unwrap_or(SRGB);
                let [red, green, blue] = [red, green, blue].map(chromaticity);
                let curve = match gamma {
                    Some(gamma) => Some(ToneReprCurve::Parametric(vec![(1.0 / gamma) as f32])),
                    None => ToneReprCurve::try_from(TransferCharacteristics::Srgb).ok(),
                };
                profile(white, ColorPrimaries { red, green, blue }, &curve?)
            }
        }
    }
}

/// The space of code points for primaries and transfer.
fn space(primaries: u8, transfer: u8) -> Option<Profile> {
    let white = match primaries {
        1 | 5 | 6 | 7 | 9 | 12 | 22 => D65,
        4 | 8 => C,
        11 => DCI,
        _ => return None,
    };
    match (primaries, transfer) {
        (1, 13) => Some(Profile::srgb()),
        (12, 13) => Some(Profile::display_p3()),
        // What H.273 has for photographs; the others are of analogue film and of measuring.
        (_, 1 | 4..=6 | 8 | 13..=15) => {
            let space = CicpColorPrimaries::try_from(primaries).and_then(ColorPrimaries::try_from).ok()?;
            let curve = TransferCharacteristics::try_from(transfer).and_then(ToneReprCurve::try_from).ok()?;
            profile(white, space, &curve)
        }
        _ => None,
    }
}

/// Points that span a space with their white inside.
fn sensible(values: [u32; 8]) -> Option<[Point; 4]> {
    let [white, red, green, blue]: [Point; 4] =
        std::array::from_fn(|i| (f64::from(values[2 * i]) / 100_000.0, f64::from(values[2 * i + 1]) / 100_000.0));
    let points = [white, red, green, blue];
    let on_diagram = points.iter().all(|(x, y)| *y > 0.0 && x + y <= 1.0 + POINT_TOLERANCE);
    let area = |a: Point, b: Point, c: Point| (b.0 - a.0) * (c.1 - a.1) - (c.0 - a.0) * (b.1 - a.1);
    let whole = area(red, green, blue);
    let parts = [area(white, red, green), area(white, green, blue), area(white, blue, red)];
    let white_is_inside = parts.iter().all(|part| part / whole > AREA_MIN);
    (on_diagram && whole.abs() >= AREA_MIN && white_is_inside).then_some(points)
}

fn chromaticity((x, y): Point) -> Chromaticity {
    Chromaticity { x: x as f32, y: y as f32 }
}

fn profile(white: Point, primaries: ColorPrimaries, curve: &ToneReprCurve) -> Option<Profile> {
    let mut made = ColorProfile::new_srgb();
    made.update_rgb_colorimetry(chromaticity(white).to_xyyb(), primaries);
    for channel in [&mut made.red_trc, &mut made.green_trc, &mut made.blue_trc] {
        *channel = Some(curve.clone());
    }
    Profile::parse(&made.encode().ok()?).ok()
}
