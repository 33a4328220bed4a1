//! Render profiles: the operator's recipes. Checked, and frozen with a job as they are here.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::checks::Checks;
use super::delivery::Delivery;
use super::globs::Globs;
use super::manifest::Fit;
use super::spec::{Intent, Subsampling};
use super::template::Template;
use super::units::{Color, Dimensions, Length, Share};
use crate::keyword;

keyword! {
    pub enum Purpose { Any = "any", Proof = "proof", Final = "final" }
}
keyword! {
    pub enum ImageChoice {
        Ordered = "ordered", Selected = "selected", SelectedOrUndecided = "selected_or_undecided", All = "all",
    }
}
keyword! {
    pub enum Per { Line = "line", Image = "image" }
}
keyword! {
    pub enum CropChoice { Line = "line", Image = "image", None = "none" }
}
keyword! {
    pub enum Enlarge { Never = "never", Warn = "warn" }
}
keyword! {
    pub enum Decode { Auto = "auto", Full = "full" }
}
keyword! {
    pub enum Orient { Keep = "keep", Portrait = "portrait", Landscape = "landscape" }
}
keyword! {
    pub enum Format { Jpeg = "jpeg", Png = "png", Tiff = "tiff", Webp = "webp", Copy = "copy" }
}
keyword! {
    pub enum Compression {
        Fast = "fast", Standard = "standard", Best = "best", None = "none", Lzw = "lzw", Deflate = "deflate",
    }
}
keyword! {
    pub enum MetadataPolicy { All = "all", Copyright = "copyright", None = "none" }
}
keyword! {
    pub enum Strip { Location = "location", People = "people", Serials = "serials" }
}
keyword! {
    pub enum Repeat { Ask = "ask", Changed = "changed", All = "all" }
}
keyword! {
    pub enum OnDamage { Refuse = "refuse", Accept = "accept" }
}
keyword! {
    /// What the sharpening is for.
    pub enum Medium { Screen = "screen", Matte = "matte", Glossy = "glossy" }
}
keyword! {
    pub enum SharpenAmount { Low = "low", Standard = "standard", High = "high" }
}
keyword! {
    pub enum BleedFill { Image = "image", Mirror = "mirror", Color = "color" }
}
keyword! {
    pub enum Anchor {
        TopLeft = "top-left", Top = "top", TopRight = "top-right", Left = "left", Center = "center", Right = "right",
        BottomLeft = "bottom-left", Bottom = "bottom", BottomRight = "bottom-right", Tile = "tile",
    }
}

/// How large the finished picture is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SizeChoice {
    /// The pixels of the crop.
    Original,
    /// The line's.
    Ordered,
    LongEdge(Length),
    Box(Dimensions),
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sharpen {
    None,
    Preset {
        medium: Medium,
        amount: SharpenAmount,
    },
    /// Radius in output pixels, amount as a share (1 = 100 %), threshold in levels of 255.
    Custom {
        radius: f64,
        amount: f64,
        threshold: f64,
    },
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ColorProfile {
    Srgb,
    AdobeRgb,
    DisplayP3,
    /// An ICC file, absolute.
    File(PathBuf),
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ColorChoice {
    pub profile: ColorProfile,
    pub intent: Intent,
    pub black_point: bool,
    pub untagged: ColorProfile,
}

impl Default for ColorChoice {
    fn default() -> Self {
        ColorChoice {
            profile: ColorProfile::Srgb,
            intent: Intent::Relative,
            black_point: true,
            untagged: ColorProfile::Srgb,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Bleed {
    pub width: Length,
    pub fill: BleedFill,
    pub color: Color,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Border {
    pub width: Length,
    pub color: Color,
}

/// An overlay's length: a share of the short edge, or a length.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Extent {
    Share(Share),
    Length(Length),
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OverlayContent {
    /// A PNG or SVG file, absolute.
    Image(PathBuf),
    Text {
        text: Template,
        font: Option<PathBuf>,
        color: Color,
        outline: Option<Color>,
    },
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Overlay {
    pub content: OverlayContent,
    pub at: Anchor,
    pub width: Option<Extent>,
    pub height: Option<Extent>,
    pub margin: Extent,
    pub opacity: Share,
}

/// Templates of what is always written into the file.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct SetMetadata {
    pub artist: Option<Template>,
    pub copyright: Option<Template>,
    pub caption: Option<Template>,
    pub keywords: Option<Template>,
}

/// A checked profile. Keys whose default depends on the manifest or on each other keep `None` until the plan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Profile {
    pub name: String,
    pub purpose: Purpose,
    pub images: Option<ImageChoice>,
    /// Resolved: the default depends on the profile alone.
    pub per: Per,
    pub items: Globs,
    pub vendors: Globs,
    pub groups: Globs,
    /// Resolved: the default is what `per` says.
    pub crop: CropChoice,
    pub source: Vec<String>,
    pub size: SizeChoice,
    /// Resolved but for `size: ordered`, where a line may say its own.
    pub fit: Fit,
    pub background: Color,
    pub enlarge: Enlarge,
    pub decode: Decode,
    pub dpi: f64,
    pub orient: Orient,
    pub bleed: Option<Bleed>,
    pub sharpen: Sharpen,
    pub color: ColorChoice,
    pub overlays: Vec<Overlay>,
    pub border: Option<Border>,
    pub format: Format,
    pub quality: u8,
    pub subsampling: Subsampling,
    pub progressive: bool,
    pub small_files: bool,
    pub bits: u8,
    /// Resolved: `standard` for PNG, `lzw` for TIFF.
    pub compression: Compression,
    pub max_bytes: Option<u64>,
    pub metadata: MetadataPolicy,
    pub strip: Vec<Strip>,
    pub set: SetMetadata,
    pub name_template: Template,
    pub sort: Vec<Template>,
    pub deliver: Vec<Delivery>,
    pub repeat: Repeat,
    pub on_damage: OnDamage,
    pub hold: bool,
    /// The config's, with what the profile overrides.
    pub checks: Checks,
}
