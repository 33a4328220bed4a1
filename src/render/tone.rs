//! Black and white, sepia and custom tones.
//!
//! Invariant: the luminance of a pixel stays; black stays black and white stays white, both neutral. Must not know:
//! other spaces than the working one.

use rayon::prelude::*;

use super::color::{encode, linear_tables};
use super::error::RenderError;
use super::profile::Profile;
use super::raster::{Raster, Sample, Samples};
use crate::model::spec::Tone;
use crate::model::units::Color;

/// A warm brown of middle brightness; sRGB.
const SEPIA: Color = Color { red: 150, green: 118, blue: 84, alpha: 255 };

/// Entries of the table of results. It is read by the root of linear light, which spreads the shadows out, where
/// encoded values change fastest.
const STEPS: usize = 16_384;

/// A tone made ready for one working space.
#[derive(Debug)]
pub(super) struct Toner {
    linear: [Vec<f32>; 3],
    /// Luminance of the three primaries; the sum is 1.
    weights: [f32; 3],
    /// The 16-bit pixel that stands for a luminance, by its root in steps.
    results: Vec<[u16; 3]>,
}

impl Toner {
    /// `None` for colour. `tone_color` takes a colour of sRGB into the working space.
    pub(super) fn new(
        tone: Tone,
        working: &Profile,
        tone_color: impl FnOnce([u8; 3]) -> Result<[u8; 3], RenderError>,
    ) -> Result<Option<Toner>, RenderError> {
        let color = match tone {
            Tone::Color => return Ok(None),
            Tone::Bw => None,
            Tone::Sepia => Some(SEPIA),
            Tone::Custom(color) => Some(color),
        };
        let profile = &working.parsed;
        let linear = linear_tables(profile)?;
        let y = [profile.red_colorant.y, profile.green_colorant.y, profile.blue_colorant.y];
        let sum: f64 = y.iter().sum();
        let grey = |i: usize| encode(&linear[1], (i as f32 / STEPS as f32).powi(2));
        let results = (0..=STEPS).map(|i| [grey(i); 3]).collect();
        let mut toner = Toner { linear, weights: y.map(|y| (y / sum) as f32), results };
        if let Some(Color { red, green, blue, .. }) = color {
            let rgb = tone_color([red, green, blue])?;
            let own = toner.result(rgb)[0];
            for result in &mut toner.results {
                let grey = result[0];
                *result = rgb.map(|channel| toned(grey, channel.to_u16(), own));
            }
        }
        Ok(Some(toner))
    }

    fn result<T: Sample>(&self, [r, g, b]: [T; 3]) -> [u16; 3] {
        let light = self.weights[0] * self.linear[0][usize::from(r.to_u16())]
            + self.weights[1] * self.linear[1][usize::from(g.to_u16())]
            + self.weights[2] * self.linear[2][usize::from(b.to_u16())];
        self.results[(light.clamp(0.0, 1.0).sqrt() * STEPS as f32 + 0.5) as usize]
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
