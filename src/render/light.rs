//! The light of a pixel: luminance in linear light, and the grey that has it.
//!
//! Invariant: a grey is its own grey, but for rounding. Must not know: other spaces than the working one.

use std::sync::Arc;

use moxcms::ColorProfile;

use super::color::{encode, linear_tables};
use super::error::RenderError;
use super::raster::Sample;

/// Entries of the table of greys. It is read by the root of linear light, which spreads the shadows out, where
/// encoded values change fastest.
pub(super) const STEPS: usize = 16_384;

/// Luminance in one working space, by primaries and curves.
#[derive(Debug)]
pub(super) struct Light {
    /// One table for all channels where they share a curve: three fall out of the cache.
    linear: [Arc<[f32]>; 3],
    /// Luminance of the three primaries; the sum is 1.
    weights: [f32; 3],
}

impl Light {
    pub(super) fn new(profile: &ColorProfile) -> Result<Light, RenderError> {
        let [red, green, blue] = linear_tables(profile)?.map(Arc::<[f32]>::from);
        let shared = |table: Arc<[f32]>| if table == red { Arc::clone(&red) } else { table };
        let linear = [Arc::clone(&red), shared(green), shared(blue)];
        Ok(Light { linear, weights: weights(profile).map(|weight| weight as f32) })
    }

    /// Linear light, 0 … 1, of every 16-bit value of the three channels.
    pub(super) fn linear(&self) -> &[Arc<[f32]>; 3] {
        &self.linear
    }

    /// The 16-bit grey of each step.
    pub(super) fn greys(&self) -> Vec<u16> {
        (0..=STEPS).map(|i| encode(&self.linear[1], (i as f32 / STEPS as f32).powi(2))).collect()
    }

    /// Luminance, 0 … 1.
    #[inline]
    pub(super) fn of<T: Sample>(&self, [r, g, b]: [T; 3]) -> f32 {
        let light = self.weights[0] * self.linear[0][usize::from(r.to_u16())]
            + self.weights[1] * self.linear[1][usize::from(g.to_u16())]
            + self.weights[2] * self.linear[2][usize::from(b.to_u16())];
        light.clamp(0.0, 1.0)
    }

    /// The step of a pixel's luminance, and how far it is on the way to the next one.
    #[inline]
    pub(super) fn step<T: Sample>(&self, pixel: [T; 3]) -> (usize, f32) {
        let place = self.of(pixel).sqrt() * STEPS as f32;
        let step = (place as usize).min(STEPS - 1);
        (step, place - step as f32)
    }
}

/// Between two entries of a table. Sixteen bits are finer than the steps.
#[inline]
pub(super) fn between(low: u16, high: u16, share: f32) -> f32 {
    let (low, high) = (f32::from(low), f32::from(high));
    low + (high - low) * share
}

/// Luminance of the three primaries; the sum is 1.
pub(super) fn weights(profile: &ColorProfile) -> [f64; 3] {
    let y = [profile.red_colorant.y, profile.green_colorant.y, profile.blue_colorant.y];
    let sum: f64 = y.iter().sum();
    y.map(|y| y / sum)
}
