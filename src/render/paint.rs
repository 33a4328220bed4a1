//! The config's colours, which are sRGB, and artwork in the colours of an output.
//!
//! Invariant: what is sRGB already is not touched. Must not know: where the colours end up.

use std::borrow::Cow;

use super::cell::{Finished, split_alpha};
use super::color::{Converter, Path};
use super::error::RenderError;
use super::profile::{Input, Profile};
use super::raster::{Raster, Sample};
use crate::model::spec::{ColorSpace, ColorSpec, Intent};
use crate::model::units::Color;

/// Brings colours and artwork into one output's space.
#[derive(Debug)]
pub(super) struct Paint {
    /// None where the output is sRGB.
    converter: Option<Converter>,
    keeps_white: bool,
    output: Profile,
    /// How artwork is converted; the spaces that it names are not looked at.
    spec: ColorSpec,
}

impl Paint {
    pub(super) fn new(output: &Profile, black_point: bool) -> Result<Paint, RenderError> {
        let srgb = Profile::srgb();
        let converter = if output.icc == srgb.icc {
            None
        } else {
            Some(Converter::new(&srgb, output, Intent::Relative, black_point)?)
        };
        let (space, intent) = (ColorSpace::Srgb, Intent::Relative);
        let spec = ColorSpec { output: space.clone(), intent, black_point, untagged: space };
        Ok(Paint { converter, keeps_white: output.is_matrix(), output: output.clone(), spec })
    }

    /// Of one colour: 16-bit RGB, and its alpha.
    pub(super) fn color(&self, color: Color) -> Result<[u16; 4], RenderError> {
        let rgb = [color.red, color.green, color.blue];
        let alpha = color.alpha.to_u16();
        let [r, g, b] = match &self.converter {
            Some(_) if rgb == [255; 3] && self.keeps_white => [u16::MAX; 3],
            Some(converter) => converter.color(rgb)?,
            None => rgb.map(Sample::to_u16),
        };
        Ok([r, g, b, alpha])
    }

    /// The pixels of artwork whose numbers mean `input`; `wide`: 16 bits a channel.
    pub(super) fn picture(&self, raster: Raster, input: Input, wide: bool) -> Result<Finished, RenderError> {
        let path = Path::new(input, &self.output, &self.spec, false)?;
        let (raster, alpha) = split_alpha(Cow::Owned(raster));
        let rgb = path.outward(path.inward(raster)?, wide)?;
        Ok(Finished { rgb, alpha: alpha.map(|alpha| alpha.in_depth(wide)) })
    }
}
