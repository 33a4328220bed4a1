//! Pictures in their places: a plain one on a sheet of its own, or several in the openings of a layout.

use super::Finding;
use super::bleed::{BleedWish, bled, bled_area};
use super::elements::Under;
use super::facts::Candidate;
use super::geometry::{self, Impossible, Placed, Wish};
use super::judge::View;
use super::layout::{Opening, Scale, lay_out};
use super::paper::on_paper;
use super::picture::{Blocked, Request};
use super::region::{Canvas, cropped, quarter_turned};
use super::shown::Shown;
use crate::model::config::{CellTurn, Layout};
use crate::model::counted::counted;
use crate::model::manifest::Fit;
use crate::model::profile::{BleedFill, Enlarge, SizeChoice};
use crate::model::spec::{Cell, Fill, PixelSize, Region, Tone, Turn, Window};
use crate::model::units::{Color, Length};

/// The pictures of an output, before texts and artwork.
#[derive(Debug)]
pub struct Draft<'a> {
    /// One for each picture shown; the cells count in it.
    pub sources: Vec<&'a Candidate>,
    pub sheet: PixelSize,
    pub trim: Window,
    pub background: Color,
    pub fills: Vec<Fill>,
    pub cells: Vec<Cell>,
    pub marks: Vec<Fill>,
    pub turn: Turn,
    pub ppi: f64,
    pub cut: f64,
    /// Its size is in pixels.
    pub in_pixels: bool,
    pub layout: Option<(&'a Layout, Scale)>,
}

impl Draft<'_> {
    /// What is done to the original's pixels, by the keys that ask for it; nothing where the picture is its original,
    /// pixel by pixel.
    pub fn edits(&self) -> Vec<&'static str> {
        let [cell] = self.cells.as_slice() else { return vec!["layout"] };
        let (region, window) = (cell.region, cell.window);
        let is_as_wide = |pixels: u32, of: f64| (f64::from(pixels) - of).abs() < 1.0;
        let edits = [
            ("layout", self.layout.is_some()),
            ("rotate", cell.rotate != Turn::None),
            ("straighten", cell.straighten != 0.0),
            ("crop", region != cropped(cell.frame, None)),
            ("size", !(is_as_wide(window.width, region.width) && is_as_wide(window.height, region.height))),
            ("border", window != Window::of(self.sheet)),
            ("orient", self.turn != Turn::None),
            ("adjust", !cell.adjust.is_none()),
            ("tone", cell.tone != Tone::Color),
            ("sharpen", cell.sharpen.is_some()),
        ];
        edits.into_iter().filter_map(|(key, is_done)| is_done.then_some(key)).collect()
    }
}

/// What one picture of an output is to be made from.
struct Chosen<'a> {
    candidate: &'a Candidate,
    canvas: Canvas,
    /// What is under it shows through.
    has_alpha: bool,
    /// Crop and what straightening leaves of it, of the canvas.
    region: Region,
    shrunk: Option<f64>,
}

impl<'a> Request<'a> {
    fn blocked(&self, shown: Shown<'_>, why: &Impossible) -> Blocked {
        Blocked { code: why.code(), reason: format!("{}: {why}", shown.label(self.manifest)) }
    }

    fn bleed(&self) -> Option<BleedWish> {
        let bleed = self.profile.bleed.as_ref()?;
        Some(BleedWish { width: bleed.width.to_px(self.profile.dpi), fill: bleed.fill }).filter(|b| b.width > 0)
    }

    /// The line's, else the profile's.
    fn border(&self) -> Option<(Length, Color)> {
        let of_line = self.line().and_then(|l| l.border.as_ref()).map(|b| (b.width, b.color));
        of_line.or_else(|| self.profile.border.as_ref().map(|b| (b.width, b.color)))
    }

    fn border_px(&self) -> u32 {
        self.border().map_or(0, |(width, _)| width.to_px(self.profile.dpi))
    }

    /// The colours around a picture; `pad` where it does not reach.
    fn under(&self, pad: Color) -> Under {
        let border = self.border().filter(|_| self.border_px() > 0).map_or(pad, |(_, color)| color);
        let outside = match &self.profile.bleed {
            Some(bleed) if bleed.fill == BleedFill::Color && self.bleed().is_some() => bleed.color,
            _ => border,
        };
        Under { outside, border, pad }
    }

    fn cell(&self, shown: Shown<'_>, source: usize, canvas: Canvas, placed: Placed, turn: Turn) -> Cell {
        Cell {
            source,
            rotate: shown.image(self.manifest).rotate.then(turn),
            straighten: canvas.straighten,
            frame: canvas.frame,
            region: placed.region,
            window: placed.window,
            mirror: placed.mirror,
            adjust: shown.adjust(self.manifest),
            tone: shown.tone(self.manifest),
            sharpen: geometry::unsharp(self.profile.sharpen, self.profile.dpi),
        }
    }

    fn wish(&self, shown: Shown<'_>, frame: PixelSize) -> Wish {
        let (size, fit) = match (self.profile.size, self.line()) {
            (SizeChoice::Ordered, Some(line)) => {
                let fit = line.fit.unwrap_or(self.profile.fit);
                let fit = if self.demand.is_some() { on_paper(fit, line.size.is_some()) } else { fit };
                (line.size.map_or(SizeChoice::Original, SizeChoice::Box), fit)
            }
            (size, _) => (size, self.profile.fit),
        };
        Wish {
            canvas: Canvas { frame, straighten: shown.image(self.manifest).straighten },
            crop: shown.crop(self.manifest, self.profile.crop),
            size,
            fit,
            enlarge: self.profile.enlarge,
            orient: self.profile.orient,
            dpi: self.profile.dpi,
            border: self.border_px(),
            bleed: self.bleed(),
            form: self.form,
        }
    }

    /// A picture on a sheet of its own.
    pub(super) fn draft_plain(&self, shown: Shown<'_>, findings: &mut Vec<Finding>) -> Result<Draft<'a>, Blocked> {
        // Enough pixels is judged by what would be shown, also where enlarging is not allowed.
        let wanted = |frame| {
            let wish = Wish { enlarge: Enlarge::Warn, ..self.wish(shown, frame) };
            geometry::decide(&wish).map(|g| g.placed.scale)
        };
        let (candidate, header) = self.choose(shown, findings, wanted)?;
        let frame = header.upright().turned(shown.image(self.manifest).rotate);
        let wish = self.wish(shown, frame);
        let geometry = geometry::decide(&wish).map_err(|e| self.blocked(shown, &e))?;
        let placed = geometry.placed;
        let (in_pixels, in_inches) = match wish.size {
            SizeChoice::Original => (false, false),
            SizeChoice::Ordered => (false, true),
            SizeChoice::LongEdge(length) => (length.is_px(), !length.is_px()),
            SizeChoice::Box(size) => (size.is_px(), !size.is_px()),
        };
        let ppi = self.profile.dpi / placed.scale;
        let ordered = self.line().and_then(|l| l.size).filter(|_| self.profile.size == SizeChoice::Ordered);
        let view = View {
            frame,
            placed,
            area: geometry.inner.size(),
            ppi: in_inches.then_some(ppi),
            cropped: wish.crop.is_some(),
            ordered: ordered.filter(|_| wish.fit == Fit::Fill).map(|size| size.to_string()),
            shrunk: geometry.shrunk,
        };
        self.judge(shown, &view, findings);
        let under = self.under(self.profile.background);
        let covered = (!header.has_alpha).then_some(placed.window);
        Ok(Draft {
            sources: vec![candidate],
            sheet: geometry.sheet,
            trim: geometry.trim,
            background: under.outside,
            fills: under.fills(geometry.trim, geometry.inner, covered),
            cells: vec![self.cell(shown, 0, wish.canvas, placed, Turn::None)],
            marks: Vec::new(),
            turn: geometry.turn,
            ppi,
            cut: placed.cut,
            in_pixels,
            layout: None,
        })
    }

    /// The sheet of a layout.
    pub(super) fn draft_sheet(
        &self,
        layout: &'a Layout,
        shown: &[Shown<'_>],
        findings: &mut Vec<Finding>,
    ) -> Result<Draft<'a>, Blocked> {
        let first = shown[0];
        let scale = Scale::new(layout, self.profile.size, self.profile.dpi);
        let out = lay_out(layout, scale, self.line().and_then(|l| l.fit)).map_err(|e| self.blocked(first, &e))?;
        if shown.len() > 1 && shown.len() != out.openings.len() {
            let reason = format!(
                "line {}: the layout `{}` has {}, the line names {}",
                self.line().map_or(0, |l| l.line),
                layout.name,
                counted(out.openings.len(), "opening"),
                counted(shown.len(), "picture")
            );
            return Err(Blocked { code: "other_openings", reason });
        }
        // A border counts as large as the sheet is shown.
        let border = self.border().map_or(0, |(width, _)| scale.px(width).round() as u32);
        let mut chosen: Vec<Chosen<'a>> = Vec::with_capacity(shown.len());
        for (index, one) in shown.iter().enumerate() {
            let openings = if shown.len() > 1 { &out.openings[index..=index] } else { &out.openings[..] };
            chosen.push(self.choose_for(*one, openings, out.turn, border, findings)?);
        }
        let under = self.under(layout.background);
        let bleed = self.bleed();
        let offset = bleed.map_or(0, |b| b.width);
        let (mut cells, mut fills) = (Vec::new(), Vec::new());
        let (mut ppi, mut cut) = (f64::INFINITY, 0.0_f64);
        let mut judged = std::collections::HashSet::new();
        for (index, opening) in out.openings.iter().enumerate() {
            let source = if shown.len() > 1 { index } else { 0 };
            let (one, from) = (shown[source], &chosen[source]);
            let inner = geometry::inset(opening.window, border).map_err(|e| self.blocked(one, &e))?;
            let (turn, canvas, region) = from.turned_for(opening, out.turn);
            let mut placed = place(region, inner, opening.fit);
            let own_ppi = scale.resolution() / placed.scale;
            (ppi, cut) = (ppi.min(own_ppi), cut.max(placed.cut));
            // A picture that is repeated is judged once for each shape of its openings.
            if judged.insert((source, inner.size())) {
                let view = View {
                    frame: canvas.frame,
                    placed,
                    area: inner.size(),
                    ppi: (!layout.sheet.is_px()).then_some(own_ppi),
                    cropped: one.crop(self.manifest, self.profile.crop).is_some(),
                    ordered: (opening.fit == Fit::Fill).then(|| format!("the opening of `{}`", layout.name)),
                    shrunk: from.shrunk,
                };
                self.judge(one, &view, findings);
            }
            if border > 0 {
                let window = match bleed {
                    Some(bleed) if bleed.fill != BleedFill::Color && !self.form.is_first() => {
                        bled_area(opening.window, out.size, bleed)
                    }
                    _ => geometry::moved(opening.window, offset),
                };
                fills.push(Fill { window, color: under.border });
                let inner = geometry::moved(inner, offset);
                if from.has_alpha || geometry::moved(placed.window, offset) != inner {
                    fills.push(Fill { window: inner, color: layout.background });
                }
            }
            if let Some(bleed) = bleed {
                placed = bled(placed, out.size, bleed, canvas);
            }
            cells.push(self.cell(one, source, canvas, placed, turn));
        }
        let sheet = PixelSize::new(out.size.width + 2 * offset, out.size.height + 2 * offset);
        geometry::check_size(sheet).map_err(|e| self.blocked(first, &e))?;
        let trim = geometry::moved(Window::of(out.size), offset);
        let outside = match &self.profile.bleed {
            Some(own) if own.fill == BleedFill::Color && bleed.is_some() => own.color,
            _ => layout.background,
        };
        if outside != layout.background {
            fills.insert(0, Fill { window: trim, color: layout.background });
        }
        let mut marks = out.cut_marks(scale, layout.background);
        for mark in &mut marks {
            mark.window = geometry::moved(mark.window, offset);
        }
        Ok(Draft {
            sources: chosen.iter().map(|c| c.candidate).collect(),
            sheet,
            trim,
            background: outside,
            fills,
            cells,
            marks,
            turn: geometry::turn_for(self.profile.orient, out.size),
            ppi,
            cut,
            in_pixels: match self.profile.size {
                SizeChoice::Original | SizeChoice::Ordered => layout.sheet.is_px(),
                SizeChoice::LongEdge(length) => length.is_px(),
                SizeChoice::Box(size) => size.is_px(),
            },
            layout: Some((layout, scale)),
        })
    }

    /// Chooses the original of a picture that has to fill some openings.
    fn choose_for(
        &self,
        shown: Shown<'_>,
        openings: &[Opening],
        turn: CellTurn,
        border: u32,
        findings: &mut Vec<Finding>,
    ) -> Result<Chosen<'a>, Blocked> {
        let image = shown.image(self.manifest);
        let crop = shown.crop(self.manifest, self.profile.crop);
        let canvas = |frame| Canvas { frame, straighten: image.straighten };
        let scale_of = |frame| {
            let region = canvas(frame).shown(crop)?.region;
            let mut largest = 0.0_f64;
            for opening in openings {
                let inner = geometry::inset(opening.window, border)?;
                let turned = turn == CellTurn::Fit && geometry::wants_turn(region, opening.window.size());
                let region = if turned { quarter_turned(region, frame) } else { region };
                largest = largest.max(place(region, inner, opening.fit).scale);
            }
            Ok(largest)
        };
        let (candidate, header) = self.choose(shown, findings, scale_of)?;
        let canvas = canvas(header.upright().turned(image.rotate));
        let part = canvas.shown(crop).map_err(|e| self.blocked(shown, &e.into()))?;
        Ok(Chosen { candidate, canvas, has_alpha: header.has_alpha, region: part.region, shrunk: part.shrunk })
    }
}

impl Chosen<'_> {
    /// How it stands in an opening: turned by a quarter where its shape asks for it. Turning by a quarter and by a fine
    /// angle may be done in either order.
    fn turned_for(&self, opening: &Opening, turn: CellTurn) -> (Turn, Canvas, Region) {
        if turn == CellTurn::Fit && geometry::wants_turn(self.region, opening.window.size()) {
            let frame = self.canvas.frame.turned(Turn::Quarter);
            return (Turn::Quarter, Canvas { frame, ..self.canvas }, quarter_turned(self.region, self.canvas.frame));
        }
        (Turn::None, self.canvas, self.region)
    }
}

fn place(region: Region, area: Window, fit: Fit) -> Placed {
    match fit {
        Fit::Fill => geometry::fill(region, area),
        Fit::Fit | Fit::Pad => geometry::fit(region, area),
    }
}
