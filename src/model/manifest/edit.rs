//! The edits a manifest asks for: quarter turns, crops, tones.

use serde_json::{Value, json};

use super::Crop;
use crate::model::document::{Node, Path};
use crate::model::limits::{CROP_MIN_SIDE, CROP_TOLERANCE};
use crate::model::problem::Problems;
use crate::model::section::{Read, Real, Whole, misplaced};
use crate::model::spec::{Tone, Turn};
use crate::model::units::Color;

/// More turns than once round are no quarter turn any more.
type Degrees = Whole<-360, 360>;

impl Read for Turn {
    fn read(node: &Node, path: &Path, problems: &mut Problems) -> Option<Turn> {
        let expected = "a turn to the right in degrees: 0, 90, 180 or 270 (a small angle goes into `straighten`)";
        // Read aside, so that every wrong value gets the one message that names all the right ones.
        let degrees = Degrees::read(node, path, &mut Problems::new());
        degrees.and_then(|d| Turn::from_degrees(d.0)).or_else(|| misplaced(node, path, problems, expected))
    }
    fn schema() -> Value {
        json!({ "enum": [0, 90, 180, 270, "0", "90", "180", "270"] })
    }
}

impl Read for Crop {
    fn read(node: &Node, path: &Path, problems: &mut Problems) -> Option<Crop> {
        let expected = "`[x, y, width, height]`, fractions of the whole frame such as `[0.1, 0.05, 0.8, 0.9]`";
        let Node::List(list) = node else { return misplaced(node, path, problems, expected) };
        if list.len() != 4 {
            problems.error(path, format!("the crop has {} numbers; it is {expected}", list.len()));
            return None;
        }
        let numbers: Vec<Option<f64>> =
            list.iter().enumerate().map(|(i, n)| fraction(n, &path.index(i), problems)).collect();
        let [Some(x), Some(y), Some(width), Some(height)] = numbers[..] else { return None };
        for (start, length, side) in [(x, width, "x + width"), (y, height, "y + height")] {
            let end = ((start + length) * 1e5).round() / 1e5;
            if length < CROP_MIN_SIDE {
                problems.error(path, "the crop is empty; leave it out for the whole picture");
                return None;
            }
            if end > 1.0 + CROP_TOLERANCE {
                problems
                    .error(path, format!("the crop reaches out of the frame: {side} is {end}, at most 1 is possible"));
                return None;
            }
        }
        Some(Crop { x, y, width: width.min(1.0 - x), height: height.min(1.0 - y) })
    }
    fn schema() -> Value {
        let side = json!({ "type": ["number", "string"], "minimum": 0, "maximum": 1.0 + CROP_TOLERANCE });
        json!({ "type": "array", "items": side, "minItems": 4, "maxItems": 4, "examples": [[0.1, 0.05, 0.8, 0.9]] })
    }
}

/// A number from 0 to 1; one that programs got wrong by rounding is the bound.
fn fraction(node: &Node, path: &Path, problems: &mut Problems) -> Option<f64> {
    let number = Real::<{ i64::MIN }, { i64::MAX }>::read(node, path, &mut Problems::new()).map(|r| r.0);
    match number {
        Some(n) if (-CROP_TOLERANCE..=1.0 + CROP_TOLERANCE).contains(&n) => Some(n.clamp(0.0, 1.0)),
        Some(n) if n > 1.0 => misplaced(node, path, problems, "a fraction from 0 to 1 (not pixels, not percent)"),
        _ => misplaced(node, path, problems, "a fraction from 0 to 1"),
    }
}

impl Read for Tone {
    fn read(node: &Node, path: &Path, problems: &mut Problems) -> Option<Tone> {
        let expected = "a tone: `color`, `bw`, `sepia` or a colour such as `#704214`, in quotes";
        let Node::Text(text) = node else { return misplaced(node, path, problems, expected) };
        match text.as_str() {
            "color" => Some(Tone::Color),
            "bw" => Some(Tone::Bw),
            "sepia" => Some(Tone::Sepia),
            hex if hex.len() == 7 => match Color::parse(hex) {
                Ok(color) => Some(Tone::Custom(color)),
                Err(_) => misplaced(node, path, problems, expected),
            },
            _ => misplaced(node, path, problems, expected),
        }
    }
    fn schema() -> Value {
        json!({ "type": "string", "pattern": "^(color|bw|sepia|#[0-9A-Fa-f]{6})$" })
    }
}
