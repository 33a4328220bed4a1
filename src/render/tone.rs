//! Black and white, sepia and custom tones.
//!
//! Invariant: the luminance of a pixel stays; black stays black and white stays white, both neutral. Must not know:
//! other spaces than the working one.

use rayon::prelude::*;

use super::error::RenderError;
use super::light::{Light, between};
use super::profile::Profile;
use super::raster::{Raster, Sample, Samples};
use crate::model::spec::Tone;
use crate::model::units::Color;

/// A warm brown of middle brightness; sRGB.
const SEPIA: Color = Color { red: 150, green: 118, blue: 84, alpha: 255 };

/// A tone made ready for one working space.
#[derive(Debug)]
pub(super) struct Toner {
    light: Light,
    /// The 16-bit pixel that stands for a luminance, by its step.
    results: Vec<[u16; 3]>,
}

impl Toner {
    /// `None` for colour. `tone_color` takes a colour of sRGB into the working space.
    pub(super) fn new(
        tone: Tone,
        working: &Profile,
        tone_color: impl FnOnce([u8; 3]) -> Result<[u16; 3], RenderError>,
    ) -> Result<Option<Toner>, RenderError> {
        let color = match tone {
            Tone::Color => return Ok(None),
            Tone::Bw => None,
            Tone::Sepia => Some(SEPIA),
            Tone::Custom(color) => Some(color),
        };
        let light = Light::new(&working.parsed)?;
        let results = light.greys().into_iter().map(|grey| [grey; 3]).collect();
        let mut toner = Toner { light, results };
        if let Some(Color { red, green, blue, .. }) = color {
            let rgb = tone_color([red, green, blue])?;
            let own = toner.result(rgb)[0];
            for result in &mut toner.results {
                let grey = result[0];
                *result = rgb.map(|channel| toned(grey, channel, own));
            }
        }
        Ok(Some(toner))
    }

    fn result<T: Sample>(&self, pixel: [T; 3]) -> [u16; 3] {
        let (step, share) = self.light.step(pixel);
        let (low, high) = (self.results[step], self.results[step + 1]);
        std::array::from_fn(|i| (between(low[i], high[i], share) + 0.5) as u16)
    }

    pub(super) fn apply(&self, raster: &mut Raster) {
        match &mut raster.samples {
            Samples::U8(v) => self.apply_to(v),
            Samples::U16(v) => self.apply_to(v),
        }
    }

    fn apply_to<T: Sample>(&self, samples: &mut [T]) {
        let (pixels, _) = samples.as_chunks_mut::<3>();
        pixels.par_chunks_mut(4096).for_each(|pixels| {
            for pixel in pixels {
                let [r, g, b] = self.result(*pixel);
                *pixel = [T::from_u16(r), T::from_u16(g), T::from_u16(b)];
            }
        });
    }
}

/// One channel of a grey: straight from black to the tone at the tone's own grey, and on to white.
fn toned(grey: u16, channel: u16, own: u16) -> u16 {
    const WHITE: f64 = 65_535.0;
    if own == 0 || own == u16::MAX {
        return grey;
    }
    let (at, channel, own) = (f64::from(grey), f64::from(channel), f64::from(own));
    let value = if at <= own { channel * at / own } else { channel + (WHITE - channel) * (at - own) / (WHITE - own) };
    value.round() as u16
}
