//! Colour profiles: the ones that ship with the program, the ones of the job, the ones inside pictures.
//!
//! Invariant: the bytes of a shipped profile never change, so the same picture embeds the same profile for ever.
//! Must not know: pixels.

use std::sync::{Arc, LazyLock};

use moxcms::{ColorProfile, DataColorSpace, ProfileClass};

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
        let parsed = ColorProfile::new_from_slice(icc).map_err(|e| e.to_string())?;
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
