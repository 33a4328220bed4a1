//! Text: fonts, shaping, measuring, and letters as coverage.
//!
//! Invariant: no font but the one that ships with the program and the one that a text names is ever looked at, so
//! the same text looks the same on every machine. Must not know: sheets, places, colours.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::{Arc, LazyLock};

use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::fontdb::{Database, ID, Source};
use resvg::usvg::{self, Tree};
use unicode_segmentation::UnicodeSegmentation as _;

use super::profile::Assets;
use super::raster::{Layout, Raster, Samples};
use crate::model::limits::ASSET_MAX_BYTES;
use crate::model::spec::PixelSize;
use crate::plan::facts::Glyphs;

static BUNDLED: &[u8] = include_bytes!("font/NotoSans-Regular.ttf");

/// Lines are laid out with letters of this size and then scaled, so that a line has the same proportions at any size.
const EM: f64 = 100.0;

/// Visible width of an outline, as a share of the height from ascender to descender: a stroke of 8 %, whose inner half
/// lies under the letter.
const OUTLINE_SHARE: f64 = 0.04;

/// One font to write with, and the one that ships with the program for what it lacks.
#[derive(Debug, Clone)]
pub(super) struct Font {
    database: Arc<Database>,
    face: ID,
}

static SHIPPED: LazyLock<Option<Font>> = LazyLock::new(|| Font::add(Database::new(), Arc::new(BUNDLED)));

impl Font {
    fn add(mut database: Database, bytes: Arc<dyn AsRef<[u8]> + Send + Sync>) -> Option<Font> {
        let faces = database.load_font_source(Source::Binary(bytes));
        let face = *faces.first()?;
        Some(Font { database: Arc::new(database), face })
    }

    /// The font that ships with the program.
    pub(super) fn shipped() -> Result<Font, String> {
        SHIPPED.clone().ok_or_else(|| "the font of the program is damaged".to_owned())
    }

    /// A studio's own; of a collection the first.
    pub(super) fn of(bytes: Arc<[u8]>) -> Result<Font, String> {
        check_outlines(&bytes)?;
        let shipped = Font::shipped()?;
        let font = Font::add((*shipped.database).clone(), Arc::new(bytes));
        let font = font.ok_or_else(|| "it cannot be read as a font (is it damaged, or without a name?)".to_owned())?;
        Line::new(&font, "x", false, false).ok_or_else(|| "its letters have no size".to_owned())?;
        Ok(font)
    }

    /// Whether it has a glyph for all that is seen of a text.
    ///
    /// The shaper decides: it hides joiners and variation selectors, finds the space for a blank that the font does
    /// not have, and puts the glyph 0, a box, for what it cannot show. What takes no room is no box.
    fn shows(&self, text: &str) -> bool {
        let Some(tree) = lay_out(self, text, 0.0, false) else { return true };
        let spans = node(&tree).map(usvg::Text::layouted).unwrap_or_default();
        spans.iter().flat_map(|span| &span.positioned_glyphs).all(|glyph| glyph.id.0 != 0)
    }

    /// What of a text it cannot show, each once: letters as people see them.
    pub(super) fn missing(&self, text: &str) -> Vec<String> {
        if text.is_empty() || self.shows(text) {
            return Vec::new();
        }
        let mut seen = BTreeSet::new();
        let lacking = text.graphemes(true).filter(|cluster| seen.insert(*cluster) && !self.shows(cluster));
        let missing: Vec<String> = lacking.map(str::to_owned).collect();
        // Each by itself may be there while the font cannot join them.
        if missing.is_empty() { vec![text.to_owned()] } else { missing }
    }

    /// Options for reading an SVG whose texts are all in this font; `fallback`: with the shipped one for what it lacks.
    pub(super) fn options(&self, fallback: bool) -> usvg::Options<'static> {
        let face = self.face;
        let others = move |c: char, used: &[ID], database: &mut Arc<Database>| {
            let able = |id: &ID| {
                let font = Font { database: database.clone(), face: *id };
                !used.contains(id) && font.shows(c.encode_utf8(&mut [0; 4]))
            };
            // Asking a font is a layout without fallback, so this ends.
            if fallback { database.faces().map(|found| found.id).find(able) } else { None }
        };
        usvg::Options {
            resources_dir: None,
            dpi: 96.0,
            languages: vec!["en".to_owned()],
            shape_rendering: usvg::ShapeRendering::GeometricPrecision,
            text_rendering: usvg::TextRendering::GeometricPrecision,
            image_rendering: usvg::ImageRendering::OptimizeQuality,
            font_resolver: usvg::FontResolver {
                select_font: Box::new(move |_, _| Some(face)),
                select_fallback: Box::new(others),
            },
            fontdb: self.database.clone(),
            ..usvg::Options::default()
        }
    }
}

/// Refuses what is no font, and fonts that hold colour pictures only.
fn check_outlines(bytes: &[u8]) -> Result<(), String> {
    if bytes.len() as u64 > ASSET_MAX_BYTES {
        return Err(format!("it has {} bytes, at most {ASSET_MAX_BYTES} are read", bytes.len()));
    }
    let at = |at: usize| bytes.get(at..).and_then(<[u8]>::first_chunk::<4>).copied().unwrap_or_default();
    let number = |place: usize| u32::from_be_bytes(at(place)) as usize;
    let start = match &at(0) {
        b"ttcf" => number(12),
        b"wOFF" | b"wOF2" => return Err("it is a web font; take the TTF or OTF file".to_owned()),
        [0x80, 0x01, ..] | b"%!PS" => return Err("it is a Type 1 font; take a TTF or OTF file".to_owned()),
        [0, 1, 0, 0] | b"OTTO" | b"true" => 0,
        _ => return Err("it is no TTF or OTF font".to_owned()),
    };
    let tables = number(start + 4) >> 16;
    let outlines = (0..tables).any(|i| matches!(&at(start + 12 + i * 16), b"glyf" | b"CFF " | b"CFF2"));
    if outlines { Ok(()) } else { Err("it holds no outlines of letters (a font of colour pictures?)".to_owned()) }
}

/// Whether a font file can be used; says what is wrong with it.
pub fn check_font(bytes: &[u8]) -> Result<(), String> {
    Font::of(bytes.into()).map(|_| ())
}

/// Escapes for XML, leaving out what XML cannot hold.
pub(super) fn push_escaped(out: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '&' => *out += "&amp;",
            '<' => *out += "&lt;",
            '>' => *out += "&gt;",
            '"' => *out += "&quot;",
            '\'' => *out += "&apos;",
            '\u{fffe}' | '\u{ffff}' => {}
            c if c.is_control() && !matches!(c, '\t' | '\n' | '\r') => {}
            c => out.push(c),
        }
    }
}

/// As one line: breaks and tabs become spaces, controls go, the ends are trimmed.
fn one_line(text: &str) -> String {
    let text = text.trim().replace("\r\n", " ");
    let kept = text.chars().map(|c| if matches!(c, '\n' | '\r' | '\t' | '\u{2028}' | '\u{2029}') { ' ' } else { c });
    kept.filter(|c| !c.is_control()).collect::<String>().trim().to_owned()
}

/// Whether a character belongs to a script that is written from the right.
fn is_from_right(c: char) -> bool {
    matches!(u32::from(c), 0x0590..=0x08ff | 0xfb1d..=0xfdff | 0xfe70..=0xfeff | 0x1_0800..=0x1_0fff | 0x1_e800..=0x1_efff)
}

/// A box, from its left to its right and from its top to its bottom.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Extent {
    pub(super) left: f64,
    pub(super) top: f64,
    pub(super) right: f64,
    pub(super) bottom: f64,
}

impl Extent {
    fn of(rect: usvg::Rect) -> Extent {
        let [left, top, right, bottom] = [rect.left(), rect.top(), rect.right(), rect.bottom()].map(f64::from);
        Extent { left, top, right, bottom }
    }

    fn and(self, other: Extent) -> Extent {
        Extent {
            left: self.left.min(other.left),
            top: self.top.min(other.top),
            right: self.right.max(other.right),
            bottom: self.bottom.max(other.bottom),
        }
    }

    pub(super) fn scaled(self, scale: f64) -> Extent {
        let Extent { left, top, right, bottom } = self;
        Extent { left: left * scale, top: top * scale, right: right * scale, bottom: bottom * scale }
    }

    pub(super) fn width(self) -> f64 {
        self.right - self.left
    }

    pub(super) fn height(self) -> f64 {
        self.bottom - self.top
    }
}

/// A line of text, laid out; lengths in hundredths of an em, its baseline at 0.
#[derive(Debug)]
pub(super) struct Line {
    tree: Tree,
    /// From ascender to descender, of the font that was asked for.
    pub(super) height: f64,
    /// From the start of the first letter to the end of the last.
    pub(super) advance: f64,
    /// What is painted, the outline included.
    pub(super) ink: Extent,
    /// Ink, advance, ascender and descender: what must not be cut off.
    pub(super) whole: Extent,
}

impl Line {
    /// None where nothing would be seen. `fallback`: with the shipped font for letters that this one lacks.
    fn new(font: &Font, text: &str, outlined: bool, fallback: bool) -> Option<Line> {
        let metrics = Extent::of(node(&lay_out(font, "x", 0.0, false)?)?.bounding_box());
        let stroke = if outlined { metrics.height() * OUTLINE_SHARE * 2.0 } else { 0.0 };
        let tree = lay_out(font, text, stroke, fallback)?;
        let found = node(&tree)?;
        let line = Extent::of(found.bounding_box());
        let ink = Extent::of(found.flattened().stroke_bounding_box());
        let (advance, whole) = (line.width(), ink.and(Extent { top: metrics.top, bottom: metrics.bottom, ..line }));
        Some(Line { height: metrics.height(), advance, ink, whole, tree })
    }

    /// A line as it is drawn; None where nothing would be seen.
    pub(super) fn of(font: &Font, text: &str, outlined: bool) -> Option<Line> {
        let text = one_line(text);
        if text.is_empty() { None } else { Line::new(font, &text, outlined, true) }
    }

    /// Coverage of the letters and of their outline, which together are never more than whole; and the glyphs that
    /// bring their own colours.
    ///
    /// `columns` and `rows` of a sheet are painted; the baseline starts there at `origin`.
    pub(super) fn paint(
        &self,
        scale: f64,
        origin: (f64, f64),
        columns: &Range<i64>,
        rows: &Range<i64>,
    ) -> Option<Letters> {
        let (width, height) = ((columns.end - columns.start) as u32, (rows.end - rows.start) as u32);
        let (x, y) = (origin.0 - columns.start as f64, origin.1 - rows.start as f64);
        let place = Transform::from_row(scale as f32, 0.0, 0.0, scale as f32, x as f32, y as f32);
        let glyphs = node(&self.tree)?.flattened().children();
        let drawn = |colored: bool| {
            let mut pixmap = Pixmap::new(width, height)?;
            for glyph in glyphs.iter().filter(|glyph| has_own_colors(glyph) == colored) {
                // A node that is drawn alone is moved into the corner; this moves it back.
                if let Some(corner) = glyph.abs_layer_bounding_box() {
                    let place = place.pre_translate(corner.x(), corner.y());
                    resvg::render_node(glyph, place, &mut pixmap.as_mut());
                }
            }
            Some(pixmap)
        };
        let colored = glyphs.iter().any(has_own_colors);
        let pixmap = if colored {
            drawn(false)?
        } else {
            let mut pixmap = Pixmap::new(width, height)?;
            resvg::render(&self.tree, place, &mut pixmap.as_mut());
            pixmap
        };
        // The letters are red and the outline under them is green, premultiplied: so red is the coverage of the
        // letters, green what they leave of the outline. Overlapping strokes of neighbours count once.
        let (pixels, _) = pixmap.data().as_chunks::<4>();
        let coverage = pixels.iter().map(|[red, green, ..]| [*red, *green]).collect();
        let size = PixelSize::new(width, height);
        let colored = if colored { drawn(true) } else { None };
        let colored = colored.map(|pixmap| Raster {
            size,
            layout: Layout::Rgba,
            samples: Samples::U8(pixmap.take_demultiplied()),
        });
        Some(Letters { size, coverage, colored })
    }
}

/// A line of text as pixels.
#[derive(Debug)]
pub(super) struct Letters {
    pub(super) size: PixelSize,
    /// Of letters and outline, 0 … 255 each.
    pub(super) coverage: Vec<[u8; 2]>,
    /// Glyphs in their own colours, as a colour font has them: RGBA in sRGB.
    pub(super) colored: Option<Raster>,
}

/// Whether a part of a line is a glyph of a colour font; letters are paths.
fn has_own_colors(glyph: &usvg::Node) -> bool {
    !matches!(glyph, usvg::Node::Path(_))
}

/// The only text of a tree that `lay_out` made.
fn node(tree: &Tree) -> Option<&usvg::Text> {
    fn first(group: &usvg::Group) -> Option<&usvg::Text> {
        group.children().iter().find_map(|node| match node {
            usvg::Node::Text(text) => Some(&**text),
            usvg::Node::Group(group) => first(group),
            _ => None,
        })
    }
    first(tree.root())
}

fn lay_out(font: &Font, text: &str, stroke: f64, fallback: bool) -> Option<Tree> {
    let mut svg = format!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" width="1" height="1"><text xml:space="preserve" font-size="{EM}" fill="#ff0000""##
    );
    if stroke > 0.0 {
        svg +=
            &format!(r##" stroke="#00ff00" stroke-width="{stroke:.4}" stroke-linejoin="round" paint-order="stroke""##);
    }
    svg.push('>');
    // The engine lays every line out from the left; the isolate gives one that starts in a script from the right its
    // own direction, so that its full stop comes last.
    let turns = text.chars().any(is_from_right);
    if turns {
        svg.push('\u{2068}');
    }
    push_escaped(&mut svg, text);
    if turns {
        svg.push('\u{2069}');
    }
    svg += "</text></svg>";
    Tree::from_str(&svg, &font.options(fallback)).ok()
}

/// What the fonts of a job can show, by their digest among its assets; `None` is the one that ships with the program.
///
/// A font that cannot be used counts as the shipped one here: making the picture says what is wrong with it.
pub struct Fonts<'a> {
    assets: &'a dyn Assets,
    known: RefCell<BTreeMap<String, Option<Font>>>,
}

impl std::fmt::Debug for Fonts<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Fonts({} known)", self.known.borrow().len())
    }
}

impl<'a> Fonts<'a> {
    pub fn new(assets: &'a dyn Assets) -> Fonts<'a> {
        Fonts { assets, known: RefCell::default() }
    }

    fn font(&self, digest: Option<&str>) -> Option<Font> {
        let own = digest.and_then(|digest| {
            let mut known = self.known.borrow_mut();
            let load = || self.assets.get(digest).and_then(|bytes| Font::of(bytes).ok());
            known.entry(digest.to_owned()).or_insert_with(load).clone()
        });
        own.or_else(|| Font::shipped().ok())
    }
}

impl Glyphs for Fonts<'_> {
    fn missing(&self, font: Option<&str>, text: &str) -> Vec<String> {
        self.font(font).map(|font| font.missing(&one_line(text))).unwrap_or_default()
    }

    fn width(&self, font: Option<&str>, text: &str) -> f64 {
        let line = self.font(font).and_then(|font| Line::of(&font, text, false));
        line.map_or(0.0, |line| line.advance / line.height)
    }
}
