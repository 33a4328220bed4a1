//! Which part of a frame can be shown: crops, and what straightening leaves of the frame.
//!
//! Owns: a region never leaves its frame, nor the turned picture in it. Real numbers; nothing is rounded here.

use crate::model::manifest::Crop;
use crate::model::spec::{PixelSize, Region};

/// What rounding of real numbers may come to, in pixels.
const DUST: f64 = 1e-6;

/// A picture that was turned by a fine angle about its centre, on an unchanged canvas.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Canvas {
    pub frame: PixelSize,
    /// Degrees clockwise.
    pub straighten: f64,
}

/// The part that is shown.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Part {
    pub region: Region,
    /// The crop reached into an empty corner and was made smaller, to this share of its sides.
    pub shrunk: Option<f64>,
}

/// The crop lies in a corner that straightening left empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OutsidePicture;

impl Canvas {
    fn sides(self) -> (f64, f64) {
        (f64::from(self.frame.width), f64::from(self.frame.height))
    }

    /// Sine and cosine of the angle.
    fn angle(self) -> (f64, f64) {
        self.straighten.to_radians().sin_cos()
    }

    /// Whether a region lies in the picture.
    pub fn holds(self, region: Region) -> bool {
        let (w, h) = self.sides();
        let inside = region.x >= -DUST
            && region.y >= -DUST
            && region.x + region.width <= w + DUST
            && region.y + region.height <= h + DUST;
        inside && (self.straighten == 0.0 || self.room(region) >= 1.0 - DUST / w.max(h))
    }

    /// By how much a region can grow about its centre, at most, within the turned picture: its corners, turned back,
    /// must lie within the frame. Zero or less where its centre does not.
    fn room(self, region: Region) -> f64 {
        let (w, h) = self.sides();
        let (sin, cos) = self.angle();
        let (dx, dy) = (region.x + region.width / 2.0 - w / 2.0, region.y + region.height / 2.0 - h / 2.0);
        let (off_x, off_y) = ((dx * cos + dy * sin).abs(), (dy * cos - dx * sin).abs());
        let (sin, cos) = (sin.abs(), cos.abs());
        let across = f64::midpoint(region.width * cos, region.height * sin);
        let down = f64::midpoint(region.width * sin, region.height * cos);
        ((w / 2.0 - off_x) / across).min((h / 2.0 - off_y) / down)
    }

    /// The crop in pixels, kept inside and at least a pixel wide. Without one, all of the frame, or the largest centred
    /// part of its shape that the turned picture covers.
    pub fn shown(self, crop: Option<Crop>) -> Result<Part, OutsidePicture> {
        let region = cropped(self.frame, crop);
        if self.holds(region) {
            return Ok(Part { region, shrunk: None });
        }
        let room = self.room(region);
        let (width, height) = (region.width * room, region.height * room);
        if room <= 0.0 || width < 1.0 || height < 1.0 {
            return Err(OutsidePicture);
        }
        let region = Region {
            x: region.x + (region.width - width) / 2.0,
            y: region.y + (region.height - height) / 2.0,
            width,
            height,
        };
        Ok(Part { region, shrunk: crop.map(|_| room) })
    }
}

/// The crop in pixels of the frame, kept inside it and at least a pixel wide.
pub fn cropped(frame: PixelSize, crop: Option<Crop>) -> Region {
    let (w, h) = (f64::from(frame.width), f64::from(frame.height));
    let Some(crop) = crop else { return Region { x: 0.0, y: 0.0, width: w, height: h } };
    let width = (crop.width * w).clamp(1.0_f64.min(w), w);
    let height = (crop.height * h).clamp(1.0_f64.min(h), h);
    Region { x: (crop.x * w).clamp(0.0, w - width), y: (crop.y * h).clamp(0.0, h - height), width, height }
}

/// A region of a frame, after the frame was turned by a quarter clockwise.
pub fn quarter_turned(region: Region, frame: PixelSize) -> Region {
    let Region { x, y, width, height } = region;
    Region { x: f64::from(frame.height) - y - height, y: x, width: height, height: width }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn canvas(width: u32, height: u32, straighten: f64) -> Canvas {
        Canvas { frame: PixelSize::new(width, height), straighten }
    }

    #[test]
    fn without_a_crop_the_largest_centred_part_of_the_frames_shape_is_shown() {
        // A square turned by 45 degrees holds a square of 1/√2 of its side.
        let shown = canvas(1000, 1000, 45.0).shown(None).unwrap();
        let side = 1000.0 / 2.0_f64.sqrt();
        assert!((shown.region.width - side).abs() < 1e-6 && (shown.region.x - (1000.0 - side) / 2.0).abs() < 1e-6);
        assert_eq!(shown.shrunk, None);
        let shown = canvas(6000, 4000, -3.0).shown(None).unwrap().region;
        assert!((shown.width / shown.height - 1.5).abs() < 1e-9 && canvas(6000, 4000, -3.0).holds(shown));
        let larger = Region {
            x: shown.x - 1.0,
            y: shown.y - 1.0 / 1.5,
            width: shown.width + 2.0,
            height: shown.height + 2.0 / 1.5,
        };
        assert!(!canvas(6000, 4000, -3.0).holds(larger));
    }

    #[test]
    fn a_crop_in_an_empty_corner_shrinks_about_its_centre() {
        let crop = |x, y, width, height| Some(Crop { x, y, width, height });
        let canvas = canvas(1000, 1000, 10.0);
        assert_eq!(canvas.shown(crop(0.3, 0.3, 0.4, 0.4)).unwrap().shrunk, None);
        let shown = canvas.shown(crop(0.0, 0.2, 0.8, 0.8)).unwrap();
        let share = shown.shrunk.unwrap();
        assert!(share > 0.5 && share < 1.0 && canvas.holds(shown.region));
        assert!((shown.region.x + shown.region.width / 2.0 - 400.0).abs() < 1e-6);
        assert!((shown.region.y + shown.region.height / 2.0 - 600.0).abs() < 1e-6);
        assert_eq!(canvas.shown(crop(0.0, 0.0, 0.02, 0.02)), Err(OutsidePicture));
    }

    #[test]
    fn a_region_turns_with_its_frame() {
        let region = Region { x: 1.0, y: 2.0, width: 3.0, height: 4.0 };
        let turned = quarter_turned(region, PixelSize::new(10, 20));
        assert_eq!(turned, Region { x: 14.0, y: 1.0, width: 4.0, height: 3.0 });
    }

    proptest! {
        #[test]
        fn what_is_shown_lies_in_the_picture(
            w in 2_u32..9_000, h in 2_u32..9_000, angle in -45.0..45.0_f64,
            x in 0.0..1.0_f64, y in 0.0..1.0_f64, cw in 0.001..1.0_f64, ch in 0.001..1.0_f64, cropped: bool,
        ) {
            let crop = Crop { x: x * (1.0 - cw), y: y * (1.0 - ch), width: cw, height: ch };
            if let Ok(shown) = canvas(w, h, angle).shown(cropped.then_some(crop)) {
                prop_assert!(canvas(w, h, angle).holds(shown.region));
                prop_assert!(shown.shrunk.is_none_or(|share| share > 0.0 && share < 1.0));
            }
        }
    }
}
