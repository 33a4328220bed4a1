//! The manifest's adjustments: exposure, white balance, brightness, contrast, saturation.
//!
//! All but the saturation are one curve a channel, worked out for each 16-bit value:
//!
//! ```text
//! exposure e (stops), temperature t, tint m   linear light × 2^e × gain
//!     gains: red 2^(t/2), green 2^(-m/3), blue 2^(-t/2), divided by the luminance of their white
//! brightness b                                encoded v → k v / (1 + (k - 1) v), k = 2.4^b: 0.5 becomes 0.71 at most
//! contrast c                                  v → v + c · v (1 - v) (2v - 1): steeper about the middle, ends stay
//! saturation s                                v → y + (1 + s) (v - y), y the grey of the pixel's luminance
//! ```
//!
//! with b, c, s, t, m from −1 to 1; e from −5 to 5. What is beyond a range counts as its end.
//!
//! Why so: a white balance of +100 makes red to blue of a grey twice what it was, about what light of 4,500 K does to
//! a picture balanced for daylight. The brightness curve is its own mirror image (+b undoes −b) and is never steeper
//! than 2.4: a power would pull the noise out of the shadows, where it is infinitely steep. Saturation is about
//! luminance in linear light, so that −100 is what the tone `bw` makes. What exposure lifts past white is clipped
//! there: a shoulder would also darken what was below white, and move tones that the studio app showed its user in
//! their places.
//!
//! Invariant: curves rise everywhere; an adjustment of zero changes nothing, to the bit; greys stay neutral but for
//! temperature and tint; results have 16 bits, so that 8-bit pictures get no bands. Must not know: other spaces than
//! the working one.

use rayon::prelude::*;

use super::error::RenderError;
use super::light::{Light, between, weights};
use super::profile::Profile;
use super::raster::{Layout, Raster, Sample, Samples};
use crate::model::spec::Adjust;

/// Of brightness: how many times the darkest tones are lifted at +100, and the brightest ones drawn together.
const LIFT: f64 = 2.4;

const WHITE: f64 = 65_535.0;

/// An adjustment made ready for one working space.
#[derive(Debug)]
pub(super) struct Adjuster {
    /// What becomes of every 16-bit value; none where only the saturation changes.
    curves: Option<[Vec<u16>; 3]>,
    saturation: Option<Saturation>,
}

#[derive(Debug)]
struct Saturation {
    light: Light,
    greys: Vec<u16>,
    /// 1 changes nothing.
    factor: f32,
}

impl Adjuster {
    /// `None` where nothing is adjusted.
    pub(super) fn new(adjust: &Adjust, working: &Profile) -> Result<Option<Adjuster>, RenderError> {
        if adjust.is_none() {
            return Ok(None);
        }
        let share = |percent: f64| (percent / 100.0).clamp(-1.0, 1.0);
        let light = Light::new(&working.parsed)?;
        let curves = Adjust { saturation: 0.0, ..*adjust };
        let curves = (!curves.is_none()).then(|| {
            let (temperature, tint) = (share(curves.temperature), share(curves.tint));
            let gains = [temperature / 2.0, -tint / 3.0, -temperature / 2.0].map(f64::exp2);
            let white: f64 = gains.iter().zip(weights(&working.parsed)).map(|(gain, weight)| gain * weight).sum();
            let exposure = curves.exposure.clamp(-5.0, 5.0).exp2();
            let bend = Shape { lift: LIFT.powf(share(curves.brightness)), contrast: share(curves.contrast) };
            let tables = light.linear();
            [0, 1, 2].map(|channel: usize| {
                let mut curve = gained(&tables[channel], exposure * gains[channel] / white);
                bend.apply(&mut curve);
                curve
            })
        });
        let factor = (1.0 + share(adjust.saturation)) as f32;
        let greys = light.greys();
        let saturation = (adjust.saturation != 0.0).then_some(Saturation { light, greys, factor });
        Ok(Some(Adjuster { curves, saturation }))
    }

    /// The adjusted RGB picture.
    pub(super) fn apply(&self, raster: &Raster) -> Raster {
        let samples = match &raster.samples {
            Samples::U8(v) => self.adjusted(v),
            Samples::U16(v) => self.adjusted(v),
        };
        Raster { size: raster.size, layout: Layout::Rgb, samples: Samples::U16(samples) }
    }

    fn adjusted<T: Sample>(&self, samples: &[T]) -> Vec<u16> {
        let mut out = vec![0u16; samples.len()];
        let (pixels, _) = samples.as_chunks::<3>();
        let (results, _) = out.as_chunks_mut::<3>();
        results.par_chunks_mut(4096).zip(pixels.par_chunks(4096)).for_each(|(results, pixels)| {
            match &self.curves {
                Some([red, green, blue]) => {
                    let of = |curve: &[u16], v: T| curve[usize::from(v.to_u16())];
                    for (result, [r, g, b]) in results.iter_mut().zip(pixels) {
                        *result = [of(red, *r), of(green, *g), of(blue, *b)];
                    }
                }
                None => results.iter_mut().zip(pixels).for_each(|(result, pixel)| *result = pixel.map(T::to_u16)),
            }
            if let Some(saturation) = &self.saturation {
                for pixel in results.iter_mut() {
                    *pixel = saturation.of(*pixel);
                }
            }
        });
        out
    }
}

impl Saturation {
    fn of(&self, rgb: [u16; 3]) -> [u16; 3] {
        if rgb[0] == rgb[1] && rgb[1] == rgb[2] {
            return rgb;
        }
        let (step, share) = self.light.step(rgb);
        let grey = between(self.greys[step], self.greys[step + 1], share);
        rgb.map(|v| (grey + (f32::from(v) - grey) * self.factor + 0.5).clamp(0.0, 65_535.0) as u16)
    }
}

/// For every value the one of so many times its light. Both rise together, so that one walk finds them all.
fn gained(linear: &[f32], gain: f64) -> Vec<u16> {
    if (gain - 1.0).abs() < 1e-12 {
        return (0..=u16::MAX).collect();
    }
    let mut at = 0;
    let last = linear.len() - 1;
    linear
        .iter()
        .map(|light| {
            let wanted = (f64::from(*light) * gain) as f32;
            while at < last && (linear[at + 1] - wanted).abs() <= (linear[at] - wanted).abs() {
                at += 1;
            }
            at as u16
        })
        .collect()
}

/// What happens to encoded values.
#[derive(Debug, Clone, Copy)]
struct Shape {
    /// 1 changes nothing.
    lift: f64,
    contrast: f64,
}

impl Shape {
    fn of(self, value: f64) -> f64 {
        let v = self.lift * value / (1.0 + (self.lift - 1.0) * value);
        v + self.contrast * v * (1.0 - v) * (2.0 * v - 1.0)
    }

    fn apply(self, curve: &mut [u16]) {
        if (self.lift - 1.0).abs() < 1e-12 && self.contrast == 0.0 {
            return;
        }
        for v in curve {
            *v = (self.of(f64::from(*v) / WHITE) * WHITE).round().clamp(0.0, WHITE) as u16;
        }
    }
}
