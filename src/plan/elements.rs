//! Overlays of a profile, texts and artwork of a layout, with the job's values filled in.
//!
//! Owns: every text is asked for glyphs that its font has not, and for tokens that came out empty.

use std::collections::BTreeMap;
use std::path::Path;

use super::facts::Glyphs;
use super::frozen::Frozen;
use super::layout::Scale;
use crate::model::config::{Align, Layout};
use crate::model::profile::{Anchor, Extent, Overlay, OverlayContent};
use crate::model::spec::{Artwork, Element, Fill, Spot, Text, Window};
use crate::model::template::{EmptyToken, Template, Values};
use crate::model::units::Color;

/// What is drawn over one output, and what is to be said of it.
pub struct Drawing<'a> {
    pub frozen: &'a Frozen,
    pub glyphs: &'a dyn Glyphs,
    pub values: &'a Values<'a>,
    pub elements: Vec<Element>,
    pub remarks: Vec<Remark>,
}

/// What a check has to judge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Remark {
    Empty {
        token: String,
        template: String,
    },
    MissingGlyph {
        /// Each with its code points.
        letters: String,
        text: String,
        /// What the text was made from.
        template: String,
        /// The name of its file; `None` is the one that ships with the program.
        font: Option<String>,
    },
    /// It shrinks below what the layout allows.
    TooLong {
        text: String,
        percent: u32,
    },
}

impl std::fmt::Debug for Drawing<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Drawing({:?})", self.elements)
    }
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}

impl Drawing<'_> {
    fn fill(&mut self, template: &Template) -> String {
        let mut empty = Vec::new();
        let text = template.text(self.values, &mut empty);
        self.remarks.extend(
            empty
                .into_iter()
                .map(|EmptyToken { what }| Remark::Empty { token: what, template: template.source().to_string() }),
        );
        text
    }

    fn asset(&self, path: &Path) -> (String, &[Template]) {
        let known = self.frozen.assets.iter().find(|a| a.path == *path);
        known.map_or((String::new(), &[]), |a| (a.sha256.clone(), a.tokens.as_slice()))
    }

    /// Looks for letters of a text that its font, of this path and digest, does not have.
    fn check_glyphs(&mut self, font: Option<(&Path, &str)>, text: &str, template: &Template) {
        let missing = self.glyphs.missing(font.map(|(_, digest)| digest), text);
        if missing.is_empty() {
            return;
        }
        let code_points =
            |letter: &str| letter.chars().map(|c| format!("U+{:04X}", u32::from(c))).collect::<Vec<_>>().join(" ");
        let letters: Vec<_> = missing.iter().map(|letter| format!("{letter} ({})", code_points(letter))).collect();
        self.remarks.push(Remark::MissingGlyph {
            letters: letters.join(", "),
            text: text.to_string(),
            template: template.source().to_string(),
            font: font.map(|(path, _)| file_name(path)),
        });
    }

    fn artwork(&mut self, path: &Path, sides: [Option<f64>; 2], spot: Spot, opacity: f64) {
        let (asset, tokens) = self.asset(path);
        let tokens = tokens.to_vec();
        let mut values = BTreeMap::new();
        for token in &tokens {
            let text = self.fill(token);
            self.check_glyphs(None, &text, token);
            values.insert(token.source().to_string(), text);
        }
        let shown = file_name(path);
        let [width, height] = sides;
        self.elements.push(Element::Artwork(Artwork { asset, shown, values, width, height, spot, opacity }));
    }

    /// A profile's overlays, placed by the trimmed size.
    pub fn overlays(&mut self, overlays: &[Overlay], trim: Window, dpi: f64) {
        let short_edge = f64::from(trim.width.min(trim.height));
        let px = |extent: Extent| match extent {
            Extent::Share(share) => share.0 * short_edge,
            Extent::Length(length) => length.to_px_exact(dpi),
        };
        for overlay in overlays {
            let spot = Spot { area: trim, anchor: overlay.at, margin: px(overlay.margin) };
            let (width, height) = (overlay.width.map(px), overlay.height.map(px));
            match &overlay.content {
                OverlayContent::Image(path) => self.artwork(path, [width, height], spot, overlay.opacity.0),
                OverlayContent::Text { text: template, font: path, color, outline } => {
                    let font = path.as_ref().map(|path| self.asset(path).0);
                    let text = self.fill(template);
                    self.check_glyphs(path.as_deref().zip(font.as_deref()), &text, template);
                    self.elements.push(Element::Text(Text {
                        text,
                        font,
                        height: height.unwrap_or(short_edge * 0.03),
                        max_width: width,
                        spot,
                        color: *color,
                        outline: *outline,
                        opacity: overlay.opacity.0,
                    }));
                }
            }
        }
    }

    /// A layout's artwork and texts; `moved` by the bleed.
    pub fn layout(&mut self, layout: &Layout, scale: Scale, moved: impl Fn(Window) -> Window) {
        for art in &layout.artwork {
            let (width, height) = (scale.px(art.width), art.height.map(|h| scale.px(h)));
            // Without a height the box reaches down to the sheet's edge; the shape decides.
            let down = art.height.unwrap_or(layout.sheet.height.minus(art.y));
            let area = moved(scale.window([art.x, art.y, art.width, down]));
            let anchor = if art.height.is_some() { Anchor::Center } else { Anchor::TopLeft };
            self.artwork(&art.image, [Some(width), height], Spot { area, anchor, margin: 0.0 }, 1.0);
        }
        for text in &layout.texts {
            let font = text.font.as_ref().map(|path| self.asset(path).0);
            let filled = self.fill(&text.text);
            self.check_glyphs(text.font.as_deref().zip(font.as_deref()), &filled, &text.text);
            let (width, height) = (scale.px(text.width), scale.px(text.height));
            let natural = self.glyphs.width(font.as_deref(), &filled) * height;
            if natural > 0.0 && width / natural < text.shrink.0 {
                let percent = (width / natural * 100.0).round() as u32;
                self.remarks.push(Remark::TooLong { text: filled.clone(), percent });
            }
            self.elements.push(Element::Text(Text {
                text: filled,
                font,
                height,
                max_width: Some(width),
                spot: Spot {
                    area: moved(scale.window([text.x, text.y, text.width, text.height])),
                    anchor: match text.align {
                        Align::Left => Anchor::Left,
                        Align::Center => Anchor::Center,
                        Align::Right => Anchor::Right,
                    },
                    margin: 0.0,
                },
                color: text.color,
                outline: None,
                opacity: 1.0,
            }));
        }
    }
}

/// The colours under a picture: outside the finished size, of the border, around the picture.
#[derive(Debug, Clone, Copy)]
pub struct Under {
    pub outside: Color,
    pub border: Color,
    pub pad: Color,
}

impl Under {
    /// What of them is seen, over a sheet of the outside's colour; nothing of an area that is `covered` by a picture
    /// that nothing shows through.
    pub fn fills(self, trim: Window, inner: Window, covered: Option<Window>) -> Vec<Fill> {
        let areas = [(trim, self.border, self.outside), (inner, self.pad, self.border)];
        let seen = areas.into_iter().filter(|(window, color, under)| color != under && Some(*window) != covered);
        seen.map(|(window, color, _)| Fill { window, color }).collect()
    }
}
