//! What is done to a picture beside its size: sharpening, colour, overlays, border, bleed.

use std::path::PathBuf;

use serde_json::{Value, json};

use super::Context;
use crate::model::document::{Node, Path as Place};
use crate::model::problem::{Problems, did_you_mean};
use crate::model::profile::{
    Anchor, Bleed, BleedFill, Border, ColorChoice, ColorProfile, Extent, Medium, Overlay, OverlayContent, Sharpen,
    SharpenAmount,
};
use crate::model::section::{Read, Real, misplaced, word};
use crate::model::spec::Intent;
use crate::model::template::Template;
use crate::model::units::{Color, Length, Share};
use crate::section;

section! {
    /// Sharpening by what the picture is for.
    pub(super) struct RawPreset {
        /// What the picture is for: `screen`, `matte` or `glossy` paper.
        r#for: Medium [required],
        /// `low`, `standard` or `high`. Default `standard`.
        amount: SharpenAmount,
    }
}

section! {
    /// An unsharp mask by numbers.
    pub(super) struct RawUnsharp {
        /// Radius in pixels of the finished picture, 0.1 to 20.
        radius: Radius [required],
        /// How much is added: a number from 0 to 5, or a share such as `120%`.
        amount: UnsharpAmount [required],
        /// Differences of up to so many of 255 levels are left alone, 0 to 255. Default 0.
        threshold: Real<0, 255>,
    }
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Radius(f64);

impl Read for Radius {
    fn read(node: &Node, path: &Place, problems: &mut Problems) -> Option<Radius> {
        match node {
            Node::Number(n) => n.as_f64().filter(|n| (0.1..=20.0).contains(n)).map(Radius),
            _ => None,
        }
        .or_else(|| misplaced(node, path, problems, "a number of pixels from 0.1 to 20"))
    }
    fn schema() -> Value {
        json!({ "type": "number", "minimum": 0.1, "maximum": 20 })
    }
}

#[derive(Debug, Clone, Copy)]
pub(super) struct UnsharpAmount(f64);

impl Read for UnsharpAmount {
    fn read(node: &Node, path: &Place, problems: &mut Problems) -> Option<UnsharpAmount> {
        let amount = match node {
            Node::Number(n) => n.as_f64(),
            Node::Text(t) => t.trim().strip_suffix('%').and_then(|n| n.parse::<f64>().ok()).map(|n| n / 100.0),
            _ => None,
        };
        amount
            .filter(|n| (0.0..=5.0).contains(n))
            .map(UnsharpAmount)
            .or_else(|| misplaced(node, path, problems, "an amount from `0%` to `500%`"))
    }
    fn schema() -> Value {
        json!({ "anyOf": [{ "type": "number", "minimum": 0, "maximum": 5 }, { "type": "string", "pattern": r"^\d+(\.\d+)?%$" }] })
    }
}

impl Read for Sharpen {
    fn read(node: &Node, path: &Place, problems: &mut Problems) -> Option<Sharpen> {
        match node {
            Node::Text(text) if text == "none" => Some(Sharpen::None),
            Node::Map(_) if node.get("radius").is_some() || node.get("threshold").is_some() => {
                let raw = RawUnsharp::read(node, path, problems)?;
                Some(Sharpen::Custom {
                    radius: raw.radius?.0,
                    amount: raw.amount?.0,
                    threshold: raw.threshold.map_or(0.0, |t| t.0),
                })
            }
            Node::Map(_) => {
                let raw = RawPreset::read(node, path, problems)?;
                Some(Sharpen::Preset { medium: raw.r#for?, amount: raw.amount.unwrap_or(SharpenAmount::Standard) })
            }
            other => misplaced(
                other,
                path,
                problems,
                "`none`, `{ for: screen, amount: standard }` or `{ radius: 0.8, amount: 120%, threshold: 2 }`",
            ),
        }
    }
    fn schema() -> Value {
        json!({ "anyOf": [{ "const": "none" }, RawPreset::schema(), RawUnsharp::schema()] })
    }
}

section! {
    /// The colour of what is made.
    pub(super) struct RawColor {
        /// Pictures are converted to this profile and it is embedded: `srgb`, `adobe_rgb`, `display_p3` or an ICC file. Default `srgb`.
        profile: String,
        /// What becomes of colours that the profile cannot show: `relative` or `perceptual`. Default `relative`.
        intent: Intent,
        /// Black point compensation. Default `true`.
        black_point: bool,
        /// What a picture without a profile is taken for: `srgb`, `adobe_rgb`, `display_p3` or an ICC file. Default `srgb`.
        untagged: String,
    }
}

impl Read for Intent {
    fn read(node: &Node, path: &Place, problems: &mut Problems) -> Option<Intent> {
        word(node, path, problems, &["relative", "perceptual"])
            .map(|word| if word == "relative" { Intent::Relative } else { Intent::Perceptual })
    }
    fn schema() -> Value {
        json!({ "enum": ["relative", "perceptual"] })
    }
}

impl RawColor {
    pub(super) fn check(self, cx: &mut Context<'_>) -> ColorChoice {
        let mut profile = |written: Option<String>, key| {
            written.map_or(ColorProfile::Srgb, |written| color_profile(&written, &self.here.key(key), cx))
        };
        let default = ColorChoice::default();
        ColorChoice {
            profile: profile(self.profile, "profile"),
            intent: self.intent.unwrap_or(default.intent),
            black_point: self.black_point.unwrap_or(default.black_point),
            untagged: profile(self.untagged, "untagged"),
        }
    }
}

fn color_profile(written: &str, at: &Place, cx: &mut Context<'_>) -> ColorProfile {
    const WORDS: &[&str] = &["srgb", "adobe_rgb", "display_p3"];
    match written {
        "srgb" => ColorProfile::Srgb,
        "adobe_rgb" => ColorProfile::AdobeRgb,
        "display_p3" => ColorProfile::DisplayP3,
        file if file.contains(['.', '/']) => ColorProfile::File(cx.file(file, at, &["icc", "icm"], "")),
        other => {
            let hint = did_you_mean(other, WORDS.iter().copied());
            let text =
                format!("`{other}` is not `srgb`, `adobe_rgb`, `display_p3` or an ICC file such as `paper.icc`{hint}");
            cx.error(at, text);
            ColorProfile::Srgb
        }
    }
}

section! {
    /// A logo or a text on the picture.
    pub(super) struct RawOverlay {
        /// A PNG or SVG file. Either this or `text`.
        image: String,
        /// A template of the text. Either this or `image`.
        text: Template,
        /// Font file of the text (`.ttf`, `.otf`, `.ttc`). Default: the font that ships with the program.
        font: String,
        /// Colour of the text, `"#rrggbb"` or `"#rrggbbaa"`. Default `"#ffffff"`.
        color: Color,
        /// Colour of a line around the letters. Default none.
        outline: Color,
        /// Where it lies: `top-left`, `top`, `top-right`, `left`, `center`, `right`, `bottom-left`, `bottom`, `bottom-right`, or `tile` for all over the picture. Default `bottom-right`.
        at: Anchor,
        /// Width as a share of the picture's short edge, or a length. An image needs this or `height`.
        width: Extent,
        /// Height as a share of the picture's short edge, or a length. A text needs it.
        height: Extent,
        /// Distance from the picture's edge, as a share of its short edge, or a length. Default `0%`.
        margin: Extent,
        /// How much it covers, `0%` to `100%`. Default `100%`.
        opacity: Share,
    }
}

impl Read for Extent {
    fn read(node: &Node, path: &Place, problems: &mut Problems) -> Option<Extent> {
        let Node::Text(text) = node else {
            return misplaced(node, path, problems, "a share such as `15%`, or a length such as `3mm`");
        };
        if text.ends_with('%') {
            Share::read(node, path, problems).map(Extent::Share)
        } else {
            match Length::parse(text) {
                Ok(length) => Some(Extent::Length(length)),
                Err(_) => misplaced(node, path, problems, "a share such as `15%`, or a length such as `3mm`"),
            }
        }
    }
    fn schema() -> Value {
        json!({ "anyOf": [Share::schema(), Length::schema()] })
    }
}

/// What a logo may be; what it may not be is said, because studios have it.
pub(super) fn artwork(written: &str, at: &Place, cx: &mut Context<'_>) -> PathBuf {
    cx.file(written, at, &["png", "svg"], "; export a PDF, EPS or CMYK logo as SVG or as sRGB PNG")
}

pub(super) fn font(written: &str, at: &Place, cx: &mut Context<'_>) -> PathBuf {
    cx.file(written, at, &["ttf", "otf", "ttc"], "; a font is named by its file, not by its family")
}

impl RawOverlay {
    pub(super) fn check(self, cx: &mut Context<'_>) -> Option<Overlay> {
        let at = |key: &str| self.here.key(key);
        if self.text.is_none() {
            let text_keys =
                [("font", self.font.is_some()), ("color", self.color.is_some()), ("outline", self.outline.is_some())];
            for (key, _) in text_keys.iter().filter(|(_, is_there)| *is_there) {
                cx.error(&at(key), format!("`{key}` goes with `text`, not with an image"));
            }
        }
        let content = match (self.image, self.text) {
            (Some(image), None) => {
                if self.width.is_none() && self.height.is_none() && !cx.failed(&self.here) {
                    cx.error(&self.here, "how large? Give the image a `width` or a `height`, such as `15%`");
                }
                OverlayContent::Image(artwork(&image, &at("image"), cx))
            }
            (None, Some(text)) => {
                cx.template(&text, &at("text"));
                if self.height.is_none() {
                    cx.missing(&self.here, "height", "how high the text's letters are, such as `2.5%`");
                }
                OverlayContent::Text {
                    text,
                    font: self.font.as_ref().map(|file| font(file, &at("font"), cx)),
                    color: self.color.unwrap_or(Color::WHITE),
                    outline: self.outline,
                }
            }
            (Some(_), Some(_)) => {
                cx.error(&self.here, "an overlay is an `image` or a `text`; make two of it");
                return None;
            }
            (None, None) => {
                if !cx.failed(&self.here) {
                    cx.error(&self.here, "an overlay needs an `image` or a `text`");
                }
                return None;
            }
        };
        Some(Overlay {
            content,
            at: self.at.unwrap_or(Anchor::BottomRight),
            width: self.width,
            height: self.height,
            margin: self.margin.unwrap_or(Extent::Share(Share(0.0))),
            opacity: self.opacity.unwrap_or(Share(1.0)),
        })
    }
}

section! {
    /// A border inside the size.
    pub(super) struct RawBorder {
        /// Width of the border on each side, such as `0.25in`.
        width: Length [required],
        /// Its colour. Default `"#ffffff"`.
        color: Color,
    }
}

impl RawBorder {
    pub(super) fn check(self) -> Option<Border> {
        let width = self.width.filter(|width| *width != Length::px(0) && *width != Length::inches(0.0))?;
        Some(Border { width, color: self.color.unwrap_or(Color::WHITE) })
    }
}

section! {
    /// Picture outside the size, to be cut off.
    pub(super) struct RawBleed {
        /// Width of the bleed on each side, such as `3mm`.
        width: Length [required],
        /// What it shows: the `image` around the crop (mirrored where that ends), a `mirror` of the edge, or a `color`. Default `image`.
        fill: BleedFill,
        /// With `fill: color`: the colour. Default `"#ffffff"`.
        color: Color,
    }
}

/// A width alone, or a map.
#[derive(Debug, Clone)]
pub(super) struct BleedForm(RawBleed);

impl Read for BleedForm {
    fn read(node: &Node, path: &Place, problems: &mut Problems) -> Option<BleedForm> {
        if let Node::Map(_) = node {
            return RawBleed::read(node, path, problems).map(BleedForm);
        }
        let width = Length::read(node, path, problems)?;
        Some(BleedForm(RawBleed { here: path.clone(), width: Some(width), ..RawBleed::default() }))
    }
    fn schema() -> Value {
        json!({ "anyOf": [Length::schema(), RawBleed::schema()] })
    }
}

impl BleedForm {
    pub(super) fn check(self, cx: &mut Context<'_>) -> Option<Bleed> {
        let raw = self.0;
        let fill = raw.fill.unwrap_or(BleedFill::Image);
        if raw.color.is_some() && fill != BleedFill::Color {
            cx.error(&raw.here.key("color"), "`color` goes with `fill: color`");
        }
        let width = raw.width.filter(|width| *width != Length::px(0) && *width != Length::inches(0.0))?;
        Some(Bleed { width, fill, color: raw.color.unwrap_or(Color::WHITE) })
    }
}
