//! The sheet: background, windows, the final turn.
//!
//! Invariant: every pixel of the sheet is background or lies in a window that is inside the sheet. Must not know:
//! how the pixels of a window were made.

use super::cell::Finished;
use super::error::RenderError;
use super::raster::{Pose, turn_pixels};
use crate::model::spec::{PixelSize, Turn, Window};

/// RGB samples of a sheet.
#[derive(Debug)]
pub(super) struct Canvas {
    size: PixelSize,
    samples: Vec<u8>,
    background: [u8; 3],
    /// Nothing was laid yet; the buffer is made with the first window that needs it.
    blank: bool,
}

impl Canvas {
    /// An empty sheet; `background` in the output's colours.
    pub(super) fn new(size: PixelSize, background: [u8; 3]) -> Canvas {
        Canvas { size, samples: Vec::new(), background, blank: true }
    }

    /// Lays a picture into its window, over what is there, by its alpha.
    pub(super) fn lay(&mut self, window: Window, mut picture: Finished) -> Result<(), RenderError> {
        if !is_inside(window, self.size) {
            return Err(RenderError::BadSpec(format!("the window {window:?} lies outside the sheet {}", self.size)));
        }
        let covers = window.width == self.size.width && window.height == self.size.height;
        if self.blank && covers {
            if let Some(alpha) = &picture.alpha {
                let (pixels, _) = picture.rgb.as_chunks_mut::<3>();
                for (pixel, alpha) in pixels.iter_mut().zip(alpha) {
                    *pixel = over(*pixel, *alpha, self.background);
                }
            }
            self.samples = picture.rgb;
            self.blank = false;
            return Ok(());
        }
        self.fill();
        let row_bytes = self.size.width as usize * 3;
        let window_bytes = window.width as usize * 3;
        let start = window.y as usize * row_bytes + window.x as usize * 3;
        for (row, line) in picture.rgb.chunks_exact(window_bytes).enumerate() {
            let at = start + row * row_bytes;
            let under = &mut self.samples[at..at + window_bytes];
            let Some(alpha) = &picture.alpha else {
                under.copy_from_slice(line);
                continue;
            };
            let alpha = &alpha[row * window.width as usize..];
            let ((under, _), (line, _)) = (under.as_chunks_mut::<3>(), line.as_chunks::<3>());
            for ((under, pixel), alpha) in under.iter_mut().zip(line).zip(alpha) {
                *under = over(*pixel, *alpha, *under);
            }
        }
        Ok(())
    }

    fn fill(&mut self) {
        if self.blank {
            self.samples = self.background.repeat(self.size.pixels() as usize);
            self.blank = false;
        }
    }

    /// The finished samples, turned.
    pub(super) fn into_samples(mut self, turn: Turn) -> Vec<u8> {
        self.fill();
        match turn {
            Turn::None => self.samples,
            turn => turn_pixels::<u8, 3>(&self.samples, self.size, Pose::turned(turn)),
        }
    }
}

fn is_inside(window: Window, sheet: PixelSize) -> bool {
    window.width > 0
        && window.height > 0
        && u64::from(window.x) + u64::from(window.width) <= u64::from(sheet.width)
        && u64::from(window.y) + u64::from(window.height) <= u64::from(sheet.height)
}

/// One pixel over another, on encoded values as all browsers and viewers do it.
fn over(pixel: [u8; 3], alpha: u8, under: [u8; 3]) -> [u8; 3] {
    let alpha = u32::from(alpha);
    std::array::from_fn(|i| ((u32::from(pixel[i]) * alpha + u32::from(under[i]) * (255 - alpha) + 127) / 255) as u8)
}
