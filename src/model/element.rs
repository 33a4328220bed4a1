//! What lies on a sheet beside its pictures: areas, artwork, texts; resolved to pixels and asset digests.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::profile::Anchor;
use super::spec::Window;
use super::units::Color;

/// An area of one colour (sRGB); its alpha counts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Fill {
    pub window: Window,
    pub color: Color,
}

/// Where an element lies.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Spot {
    /// The trim box, or the box of a layout; inside the sheet.
    pub area: Window,
    pub anchor: Anchor,
    /// Distance from the area's edges in pixels; between the copies with [`Anchor::Tile`].
    pub margin: f64,
}

/// Something over the pictures.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Element {
    /// A cut mark.
    Line(Fill),
    Artwork(Artwork),
    Text(Text),
}

/// A PNG or SVG picture in sRGB. It keeps its shape: the largest that fits `width` and `height` (at least one is
/// given), and the spot's area less its margins.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Artwork {
    /// SHA-256 (hex) of the file among the job's assets.
    pub asset: String,
    /// As messages name the file.
    pub shown: String,
    /// What the tokens of an SVG stand for, by their text with braces: `{studio.name}`.
    #[serde(default)]
    pub values: BTreeMap<String, String>,
    /// Pixels.
    pub width: Option<f64>,
    pub height: Option<f64>,
    pub spot: Spot,
    /// 0 … 1.
    pub opacity: f64,
}

/// One line of text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Text {
    pub text: String,
    /// SHA-256 (hex) of a font file among the job's assets; `None`: the font that ships with the program.
    pub font: Option<String>,
    /// From the ascender to the descender, in pixels.
    pub height: f64,
    /// It shrinks when it is wider, in pixels; also when it is wider than the spot's area less its margins.
    pub max_width: Option<f64>,
    pub spot: Spot,
    /// sRGB.
    pub color: Color,
    /// A line around the letters, in sRGB.
    pub outline: Option<Color>,
    /// 0 … 1.
    pub opacity: f64,
}
