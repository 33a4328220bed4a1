//! Layouts: sheets with several openings, texts and artwork.
//!
//! Owns: everything lies on the sheet, and is measured as the sheet is: in lengths, or all of it in pixels.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::{Context, finish};
use crate::keyword;
use crate::model::document::Path as Place;
use crate::model::manifest::Fit;
use crate::model::section::Whole;
use crate::model::template::Template;
use crate::model::units::{Color, Dimensions, Length, Share};
use crate::section;

keyword! {
    /// Whether a cell turns its picture by a quarter when its shape asks for it.
    pub enum CellTurn { Fit = "fit", Never = "never" }
}

keyword! {
    pub enum Align { Left = "left", Center = "center", Right = "right" }
}

/// A sheet with openings for pictures.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Layout {
    pub name: String,
    /// Width first.
    pub sheet: Dimensions,
    pub background: Color,
    pub openings: Openings,
    pub turn: CellTurn,
    pub texts: Vec<LayoutText>,
    pub artwork: Vec<LayoutArtwork>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Openings {
    /// Equal ones, centred on the sheet.
    Grid(Grid),
    /// Each with a place of its own.
    Slots(Vec<LayoutSlot>),
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Grid {
    pub columns: u32,
    pub rows: u32,
    /// Of one opening; width first.
    pub opening: Dimensions,
    pub gutter: Length,
    pub cut_marks: bool,
}

/// A rectangle on the sheet, from its top left.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LayoutSlot {
    pub x: Length,
    pub y: Length,
    pub width: Length,
    pub height: Length,
    pub fit: Fit,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LayoutText {
    pub text: Template,
    pub x: Length,
    pub y: Length,
    pub width: Length,
    pub height: Length,
    pub align: Align,
    pub color: Color,
    /// Absolute; the font that ships with the program where there is none.
    pub font: Option<PathBuf>,
    /// A text that is too long shrinks down to this.
    pub shrink: Share,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LayoutArtwork {
    /// A PNG or SVG file, absolute.
    pub image: PathBuf,
    pub x: Length,
    pub y: Length,
    pub width: Length,
    /// By its shape where it is not said.
    pub height: Option<Length>,
}

impl Layout {
    /// How many pictures a sheet takes.
    pub fn opening_count(&self) -> usize {
        match &self.openings {
            Openings::Grid(grid) => grid.columns as usize * grid.rows as usize,
            Openings::Slots(slots) => slots.len(),
        }
    }
}

section! {
    /// A sheet with several openings.
    pub(super) struct RawLayout {
        /// The sheet's size, width first, such as `10x20in`.
        sheet: Dimensions [required],
        /// Colour of the sheet. Default `"#ffffff"`.
        background: Color,
        /// Equal openings in columns and rows, centred on the sheet. Either this or `slots`.
        grid: RawGrid,
        /// Openings with places of their own. Either this or `grid`.
        slots: Vec<RawSlot>,
        /// `fit`: a cell turns its picture when its shape asks for it; `never`. Default `fit` for a grid, `never` for slots.
        turn: CellTurn,
        /// Texts on the sheet. Default none.
        texts: Vec<RawText>,
        /// Logos and frames on the sheet. Default none.
        artwork: Vec<RawArtwork>,
    }
}

section! {
    /// Equal openings in columns and rows.
    pub(super) struct RawGrid {
        /// How many beside each other, 1 to 100.
        columns: Whole<1, 100> [required],
        /// How many below each other, 1 to 100.
        rows: Whole<1, 100> [required],
        /// Size of one opening, width first, such as `3.5x2.5in`.
        opening: Dimensions [required],
        /// Distance between openings. Default `0in`.
        gutter: Length,
        /// Marks to cut along. Default `false`.
        cut_marks: bool,
    }
}

section! {
    /// An opening with a place of its own.
    pub(super) struct RawSlot {
        /// Distance from the sheet's left edge.
        x: Length [required],
        /// Distance from the sheet's top edge.
        y: Length [required],
        /// Width of the opening.
        width: Length [required],
        /// Height of the opening.
        height: Length [required],
        /// How the picture meets the opening: `fill`, `fit` or `pad`. Default `fill`.
        fit: Fit,
    }
}

section! {
    /// A text on the sheet.
    pub(super) struct RawText {
        /// The text, a template such as `{fields.name}`.
        text: Template [required],
        /// Distance from the sheet's left edge.
        x: Length [required],
        /// Distance from the sheet's top edge.
        y: Length [required],
        /// Width of the box that the text lies in.
        width: Length [required],
        /// Height of the box, and of the letters.
        height: Length [required],
        /// `left`, `center` or `right`. Default `left`.
        align: Align,
        /// Colour of the letters. Default `"#000000"`.
        color: Color,
        /// Font file (`.ttf`, `.otf`, `.ttc`). Default: the font that ships with the program.
        font: String,
        /// A text that is too long shrinks down to this share. Default `70%`.
        shrink: Share,
    }
}

section! {
    /// A logo or frame on the sheet.
    pub(super) struct RawArtwork {
        /// A PNG or SVG file.
        image: String [required],
        /// Distance from the sheet's left edge.
        x: Length [required],
        /// Distance from the sheet's top edge.
        y: Length [required],
        /// Its width.
        width: Length [required],
        /// Its height. Default: by its shape.
        height: Length,
    }
}

impl RawLayout {
    pub(super) fn check(self, name: String, cx: &mut Context<'_>) -> Option<Layout> {
        let here = self.here.clone();
        cx.given_name(&name, &here);
        let sheet = self.sheet?;
        let openings = match (self.grid, self.slots) {
            (Some(grid), None) => Openings::Grid(grid.check(sheet, cx)?),
            (None, Some(slots)) => {
                if slots.is_empty() {
                    cx.error(&here.key("slots"), "a layout has at least one opening");
                }
                Openings::Slots(slots.into_iter().filter_map(|slot| slot.check(sheet, cx)).collect())
            }
            (Some(_), Some(_)) => {
                cx.error(&here, "a layout has a `grid` or `slots`, not both");
                return None;
            }
            (None, None) => {
                if !cx.failed(&here.key("grid")) && !cx.failed(&here.key("slots")) {
                    cx.error(&here, "a layout needs openings: a `grid`, or `slots`");
                }
                return None;
            }
        };
        let default_turn = if matches!(openings, Openings::Grid(_)) { CellTurn::Fit } else { CellTurn::Never };
        Some(Layout {
            name,
            sheet,
            background: self.background.unwrap_or(Color::WHITE),
            turn: self.turn.unwrap_or(default_turn),
            openings,
            texts: self.texts.unwrap_or_default().into_iter().filter_map(|text| text.check(sheet, cx)).collect(),
            artwork: self.artwork.unwrap_or_default().into_iter().filter_map(|art| art.check(sheet, cx)).collect(),
        })
    }
}

impl RawGrid {
    fn check(self, sheet: Dimensions, cx: &mut Context<'_>) -> Option<Grid> {
        let (columns, rows, opening) = (self.columns?.0 as u32, self.rows?.0 as u32, self.opening?);
        let gutter = self.gutter.unwrap_or(if sheet.is_px() { Length::px(0) } else { Length::inches(0.0) });
        if measured_alike(sheet, &[opening.width, gutter], &self.here, cx) {
            let needs =
                |count: u32, side: Length| f64::from(count) * amount(side) + f64::from(count - 1) * amount(gutter);
            for (count, side, room, what) in
                [(columns, opening.width, sheet.width, "columns"), (rows, opening.height, sheet.height, "rows")]
            {
                if needs(count, side) > amount(room) + TOLERANCE {
                    let text = format!("{count} {what} of {side} do not fit on a sheet of {sheet} (width x height)");
                    cx.error(&self.here.key(what), text);
                }
            }
        }
        Some(Grid { columns, rows, opening, gutter, cut_marks: self.cut_marks.unwrap_or(false) })
    }
}

impl RawSlot {
    fn check(self, sheet: Dimensions, cx: &mut Context<'_>) -> Option<LayoutSlot> {
        let (x, y, width, height) = (self.x?, self.y?, self.width?, self.height?);
        on_sheet(sheet, [x, y], width, Some(height), &self.here, cx);
        Some(LayoutSlot { x, y, width, height, fit: self.fit.unwrap_or(Fit::Fill) })
    }
}

impl RawText {
    fn check(self, sheet: Dimensions, cx: &mut Context<'_>) -> Option<LayoutText> {
        if let Some(text) = &self.text {
            cx.template(text, &self.here.key("text"));
        }
        let font = self.font.map(|file| finish::font(&file, &self.here.key("font"), cx));
        let (x, y, width, height) = (self.x?, self.y?, self.width?, self.height?);
        on_sheet(sheet, [x, y], width, Some(height), &self.here, cx);
        Some(LayoutText {
            text: self.text?,
            x,
            y,
            width,
            height,
            align: self.align.unwrap_or(Align::Left),
            color: self.color.unwrap_or(Color { red: 0, green: 0, blue: 0, alpha: 255 }),
            font,
            shrink: self.shrink.unwrap_or(Share(0.7)),
        })
    }
}

impl RawArtwork {
    fn check(self, sheet: Dimensions, cx: &mut Context<'_>) -> Option<LayoutArtwork> {
        let image = finish::artwork(&self.image?, &self.here.key("image"), cx);
        let (x, y, width) = (self.x?, self.y?, self.width?);
        on_sheet(sheet, [x, y], width, self.height, &self.here, cx);
        Some(LayoutArtwork { image, x, y, width, height: self.height })
    }
}

/// A thousandth of a millimetre, or of a pixel: what rounding of written decimals may come to.
const TOLERANCE: f64 = 1e3;

/// Nanometres, or billionths of a pixel: only ever compared with its own kind.
fn amount(length: Length) -> f64 {
    length.nm().map_or_else(|| length.to_px_exact(1.0) * 1e6, |nm| nm as f64)
}

/// A layout has no resolution of its own: pixels and lengths on one sheet could not be compared.
fn measured_alike(sheet: Dimensions, lengths: &[Length], at: &Place, cx: &mut Context<'_>) -> bool {
    let zero = |length: &&Length| amount(**length) > 0.0;
    let alike = lengths.iter().filter(zero).all(|length| length.is_px() == sheet.is_px());
    if !alike {
        let unit = if sheet.is_px() { "`px`, as its sheet is" } else { "`in`, `cm` or `mm`, as its sheet is" };
        cx.error(at, format!("everything on a layout is measured in {unit}"));
    }
    alike
}

fn on_sheet(
    sheet: Dimensions,
    [x, y]: [Length; 2],
    width: Length,
    height: Option<Length>,
    at: &Place,
    cx: &mut Context<'_>,
) {
    let mut lengths = vec![x, y, width];
    lengths.extend(height);
    if !measured_alike(sheet, &lengths, at, cx) {
        return;
    }
    for (key, side) in [("width", Some(width)), ("height", height)] {
        if side.is_some_and(|side| amount(side) <= 0.0) {
            cx.error(&at.key(key), format!("the {key} is nothing"));
        }
    }
    let over_right = amount(x) + amount(width) > amount(sheet.width) + TOLERANCE;
    let over_bottom = amount(y) + height.map_or(0.0, amount) > amount(sheet.height) + TOLERANCE;
    if over_right || over_bottom {
        let edge = if over_right { "right" } else { "bottom" };
        cx.error(at, format!("it reaches over the {edge} edge of the sheet, which is {sheet} (width x height)"));
    }
}
