//! Colour profiles: the ones that ship with the program, the ones of the job, the ones inside pictures.
//!
//! Invariant: the bytes of a shipped profile never change, so the same picture embeds the same profile for ever.
//! Must not know: pixels.

use std::borrow::Cow;
use std::sync::{Arc, LazyLock};

use moxcms::{ColorProfile, DataColorSpace, ProfileClass, ToneReprCurve};

use super::color;
use super::error::{RenderError, RenderWarning};
use super::header::{Facts, Inks};
use crate::model::limits::METADATA_MAX_BYTES;
use crate::model::spec::ColorSpace;

/// Where profiles and artwork of a job come from.
pub trait Assets {
    /// The bytes of an asset by its SHA-256 in hexadecimal.
    fn get(&self, digest: &str) -> Option<Arc<[u8]>>;
}

/// A profile that can be used: its bytes, and what they say.
#[derive(Clone)]
pub(super) struct Profile {
    pub(super) icc: Arc<[u8]>,
    pub(super) parsed: Arc<ColorProfile>,
}

impl std::fmt::Debug for Profile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Profile({} bytes)", self.icc.len())
    }
}

static SRGB: &[u8] = include_bytes!("icc/srgb.icc");
static ADOBE_RGB: &[u8] = include_bytes!("icc/adobe-rgb-compatible.icc");
static DISPLAY_P3: &[u8] = include_bytes!("icc/display-p3.icc");

/// Whether an ICC file of the config could be used.
pub fn check_icc(icc: &[u8]) -> Result<(), String> {
    Profile::parse(icc).map(drop)
}

fn shipped(icc: &'static [u8], stand_in: fn() -> ColorProfile) -> Profile {
    // A test parses all three; the stand-in has the same numbers and only keeps this free of a panic.
    let parsed = ColorProfile::new_from_slice(icc).unwrap_or_else(|_| stand_in());
    Profile { icc: icc.into(), parsed: Arc::new(parsed) }
}

static SHIPPED: LazyLock<[Profile; 3]> = LazyLock::new(|| {
    [
        shipped(SRGB, ColorProfile::new_srgb),
        shipped(ADOBE_RGB, ColorProfile::new_adobe_rgb),
        shipped(DISPLAY_P3, ColorProfile::new_display_p3),
    ]
});

impl Profile {
    pub(super) fn srgb() -> Profile {
        SHIPPED[0].clone()
    }

    pub(super) fn adobe_rgb() -> Profile {
        SHIPPED[1].clone()
    }

    pub(super) fn display_p3() -> Profile {
        SHIPPED[2].clone()
    }

    /// The profile of a space that outputs are made in; always RGB.
    pub(super) fn of_space(space: &ColorSpace, assets: &dyn Assets) -> Result<Profile, RenderError> {
        let digest = match space {
            ColorSpace::Srgb => return Ok(Profile::srgb()),
            ColorSpace::AdobeRgb => return Ok(Profile::adobe_rgb()),
            ColorSpace::DisplayP3 => return Ok(Profile::display_p3()),
            ColorSpace::Asset(digest) => digest,
        };
        let bad = |reason: &str| RenderError::BadProfile { name: digest.clone(), reason: reason.to_owned() };
        let icc = assets.get(digest).ok_or_else(|| bad("it is not among the files of the job"))?;
        let profile = Profile::parse(&icc).map_err(|reason| bad(&reason))?;
        if profile.parsed.color_space != DataColorSpace::Rgb {
            return Err(bad("it is not an RGB profile"));
        }
        Ok(profile)
    }

    #[cfg(test)]
    pub(super) fn of_bytes(icc: &[u8]) -> Profile {
        Profile::parse(icc).unwrap()
    }

    pub(super) fn parse(icc: &[u8]) -> Result<Profile, String> {
        if icc.len() > METADATA_MAX_BYTES {
            return Err(format!("it is larger than {METADATA_MAX_BYTES} bytes"));
        }
        if icc.is_empty() {
            return Err("parts of it are missing".to_owned());
        }
        let mut parsed = ColorProfile::new_from_slice(&with_standard_types(icc)).map_err(|e| e.to_string())?;
        connect_by_light(&mut parsed);
        if matches!(parsed.profile_class, ProfileClass::DeviceLink | ProfileClass::Abstract | ProfileClass::Named) {
            return Err("it is of a class that pictures do not carry".to_owned());
        }
        Ok(Profile { icc: icc.into(), parsed: Arc::new(parsed) })
    }

    /// RGB by three primaries and curves, which the working space of edits must be.
    pub(super) fn is_matrix(&self) -> bool {
        let p = &self.parsed;
        p.is_matrix_shaper() && p.pcs == DataColorSpace::Xyz && !self.has_tables()
    }

    /// Whether any lookup table is in it.
    fn has_tables(&self) -> bool {
        let p = &self.parsed;
        [
            &p.lut_a_to_b_perceptual,
            &p.lut_a_to_b_colorimetric,
            &p.lut_a_to_b_saturation,
            &p.lut_b_to_a_perceptual,
            &p.lut_b_to_a_colorimetric,
            &p.lut_b_to_a_saturation,
        ]
        .iter()
        .any(|table| table.is_some())
    }
}

/// Types of a tag that a program wrote under a name of its own, and their standard names: the primaries of Corbis RGB,
/// and the curves of Monaco profilers. Other programs read both.
const PRIVATE_TYPES: [([u8; 4], &[u8; 4]); 2] =
    [([0x17, 0xa5, 0x05, 0xb8], b"XYZ "), ([0x94, 0x78, 0xee, 0x00], b"curv")];

/// A profile with the standard names of its tags' types.
fn with_standard_types(icc: &[u8]) -> Cow<'_, [u8]> {
    let number = |at: usize| Some(u32::from_be_bytes(*icc.get(at..)?.first_chunk()?) as usize);
    let mut out = Cow::Borrowed(icc);
    // The table of tags: how many, and for each its name, place and length.
    let tags = number(128).unwrap_or(0).min(icc.len() / 12);
    for at in (0..tags).filter_map(|i| number(136 + 12 * i)) {
        let kind = icc.get(at..).and_then(<[u8]>::first_chunk::<4>);
        let known = PRIVATE_TYPES.iter().find(|(private, _)| Some(private) == kind);
        if let Some((_, standard)) = known {
            out.to_mut()[at..at + 4].copy_from_slice(*standard);
        }
    }
    out
}

/// Steps of a curve that was worked out; between them it is straight.
const CURVE_STEPS: usize = 4096;

/// A grey profile whose curve gives lightness, as of scanners ("Gray CIE*L"), becomes one whose curve gives light: the
/// library knows no other.
fn connect_by_light(profile: &mut ColorProfile) {
    if profile.color_space != DataColorSpace::Gray || profile.pcs != DataColorSpace::Lab {
        return;
    }
    let Ok(lightness) = profile.build_gray_linearize_table::<u16, 65_536, 16>() else { return };
    let light = |of_one: f32| {
        let lightness = f64::from(of_one) * 100.0;
        if lightness > 8.0 { ((lightness + 16.0) / 116.0).powi(3) } else { lightness * 27.0 / 24_389.0 }
    };
    let steps = (0..CURVE_STEPS).map(|i| lightness[i * 65_535 / (CURVE_STEPS - 1)]);
    profile.gray_trc =
        Some(ToneReprCurve::Lut(steps.map(|of_one| (light(of_one) * 65_535.0).round() as u16).collect()));
    profile.pcs = DataColorSpace::Xyz;
}

/// What the numbers of a picture mean.
#[derive(Debug, Clone)]
pub(super) enum Input {
    Profile(Profile),
    /// Grey without a profile: neutral in the space that untagged pictures are taken for.
    PlainGray(Profile),
    /// CMYK without a profile.
    PlainCmyk,
}

/// The code points of a PNG, else the picture's own profile, else what else the file says, else `untagged`.
pub(super) fn input(
    facts: &Facts,
    untagged: &ColorSpace,
    assets: &dyn Assets,
    warnings: &mut Vec<RenderWarning>,
) -> Result<Input, RenderError> {
    let expected = match facts.inks {
        Inks::Gray => DataColorSpace::Gray,
        Inks::Rgb => DataColorSpace::Rgb,
        Inks::Cmyk => DataColorSpace::Cmyk,
    };
    let coded = facts.colors.coded(warnings)?;
    if let Some(icc) = facts.icc.as_ref().filter(|_| coded.is_none()) {
        match Profile::parse(icc) {
            Ok(profile) if profile.parsed.color_space == expected => match color::connects(&profile) {
                Ok(()) => return Ok(Input::Profile(profile)),
                Err(reason) => warnings.push(RenderWarning::BrokenProfile(reason)),
            },
            // Grey pictures are often left with the RGB profile of the colour picture they were made from.
            Ok(profile) if facts.inks == Inks::Gray && profile.is_matrix() => return Ok(Input::PlainGray(profile)),
            Ok(_) => warnings.push(RenderWarning::BrokenProfile("it is for other colours".to_owned())),
            Err(reason) => warnings.push(RenderWarning::BrokenProfile(reason)),
        }
    }
    let assumed = if let Some(stated) = coded.or_else(|| facts.colors.described(warnings)) {
        stated
    } else if facts.exif.names_adobe_rgb() {
        Profile::adobe_rgb()
    } else {
        Profile::of_space(untagged, assets)?
    };
    Ok(match facts.inks {
        Inks::Rgb => Input::Profile(assumed),
        Inks::Gray => Input::PlainGray(assumed),
        Inks::Cmyk => {
            warnings.push(RenderWarning::UntaggedCmyk);
            Input::PlainCmyk
        }
    })
}
