//! The sheet for its printer: as large as the paper, the finished size placed on it and never scaled.

use super::draft::Draft;
use super::geometry::{self, Impossible};
use super::layout::marks_around;
use super::picture::{Blocked, Request};
use super::printing::{Ask, Demand, PrintKey, Printing};
use crate::model::config::Layout;
use crate::model::delivery::PrintMedia;
use crate::model::manifest::{Fit, Line};
use crate::model::profile::{Bleed, BleedFill, Decode, Enlarge, Format, Orient, Profile, SizeChoice};
use crate::model::spec::{Fill, PixelSize, Turn, Window};
use crate::model::units::{Color, Dimensions};

/// A sheet, and what its printer asks of it.
#[derive(Debug, Clone)]
pub struct PrintTarget {
    pub key: PrintKey,
    pub ask: Ask,
    pub demand: Demand,
    /// The profile with what the printer has to say in the place of what it says of files.
    pub profile: Profile,
}

/// The size that a profile makes of a line, where it is one of paper.
fn finished_size(profile: &Profile, line: Option<&Line>, layout: Option<&Layout>) -> Option<Dimensions> {
    let size = match (profile.size, layout) {
        (SizeChoice::Box(size), _) => Some(size),
        (SizeChoice::Ordered | SizeChoice::Original, Some(layout)) => Some(layout.sheet),
        (SizeChoice::Ordered, None) => line.and_then(|line| line.size),
        (SizeChoice::Original | SizeChoice::LongEdge(_), _) => None,
    };
    size.filter(|size| !size.is_px())
}

/// The size that an order to a lab names. It prints the picture as it comes, so that is the picture's own size wherever
/// it has one on paper; else what was ordered.
pub fn lab_size(profile: &Profile, line: Option<&Line>, layout: Option<&Layout>) -> Option<Dimensions> {
    let ordered = || layout.map(|layout| layout.sheet).or_else(|| line.and_then(|line| line.size));
    finished_size(profile, line, layout).or_else(ordered)
}

/// Decides what a picture becomes for a printer, or why it cannot be printed there.
pub fn print_target(
    key: &PrintKey,
    profile: &Profile,
    line: Option<&Line>,
    layout: Option<&Layout>,
    location: Option<&str>,
    printing: &Printing,
) -> Result<PrintTarget, Blocked> {
    let finished = finished_size(profile, line, layout);
    let size = match key.media {
        PrintMedia::Size(size) => size,
        PrintMedia::Ordered => finished.ok_or_else(|| Blocked {
            code: "no_size",
            reason: format!(
                "it has no size on paper for `{}`: the line needs a size in inches or millimetres, or the delivery a `media`",
                key.printer
            ),
        })?,
    };
    let ask = Ask {
        printer: key.printer.clone(),
        size,
        borderless: key.borderless,
        paper: line.and_then(|line| line.paper.clone()).filter(|paper| !paper.trim().is_empty()),
        location: location.map(str::to_string),
    };
    let demand = printing.demand(&ask).map_err(|refusal| Blocked { code: refusal.code, reason: refusal.why })?;
    // Around a smaller print the paper is white: nothing of the picture lies beyond its edge.
    let covers = finished.is_some_and(|finished| finished.same_size(demand.paper));
    let bleed =
        demand.overspray.filter(|_| covers).map(|width| Bleed { width, fill: BleedFill::Image, color: Color::WHITE });
    let profile = Profile {
        bleed,
        orient: Orient::Keep,
        enlarge: Enlarge::Warn,
        decode: Decode::Full,
        fit: on_paper(profile.fit, finished.is_some()),
        format: match profile.format {
            _ if demand.jpeg => Format::Jpeg,
            Format::Copy | Format::Webp => Format::Jpeg,
            other => other,
        },
        max_bytes: None,
        ..profile.clone()
    };
    Ok(PrintTarget { key: key.clone(), ask, demand, profile })
}

/// Paper has its size: a picture that has to be whole is surrounded by the background.
pub fn on_paper(fit: Fit, has_size: bool) -> Fit {
    if fit == Fit::Fit && has_size { Fit::Pad } else { fit }
}

impl Request<'_> {
    /// Puts the finished sheet on its paper, and turns it as it lies in the feed.
    pub(super) fn put_on_paper(&self, draft: &mut Draft<'_>) -> Result<(), Blocked> {
        let Some(demand) = self.demand else { return Ok(()) };
        let dpi = self.profile.dpi;
        let sheet = draft.sheet;
        let landscape = sheet.width > sheet.height;
        let mut paper = demand.paper.short_first();
        // What has no side that is longer lies as it goes through the printer.
        let square = sheet.width == sheet.height;
        if landscape || (square && demand.across == Some(paper.height)) {
            paper = paper.swapped();
        }
        let spray = demand.overspray.map_or(0, |length| length.to_px(dpi));
        let canvas = PixelSize::new(paper.width.to_px(dpi) + 2 * spray, paper.height.to_px(dpi) + 2 * spray);
        if sheet.width > canvas.width || sheet.height > canvas.height {
            let reason = format!("{}: its {sheet} pixels do not fit on {} at {dpi} dpi", self.label(), demand.paper);
            return Err(Blocked { code: "does_not_fit", reason });
        }
        geometry::check_size(canvas)
            .map_err(|e: Impossible| Blocked { code: e.code(), reason: format!("{}: {e}", self.label()) })?;
        if sheet != canvas {
            let by = ((canvas.width - sheet.width) / 2, (canvas.height - sheet.height) / 2);
            if draft.background != Color::WHITE {
                draft.fills.insert(0, Fill { window: Window::of(sheet), color: draft.background });
            }
            shift(draft, by);
            draft.sheet = canvas;
            draft.background = Color::WHITE;
            if demand.cut_marks {
                draft.marks.extend(marks_around(draft.trim, canvas, dpi));
            }
        }
        draft.turn = match demand.across {
            Some(across) if across != paper.width && across == paper.height => Turn::Quarter,
            Some(_) => Turn::None,
            None => geometry::turn_for(self.orient, canvas),
        };
        Ok(())
    }
}

fn shift(draft: &mut Draft<'_>, (x, y): (u32, u32)) {
    let windows = draft.fills.iter_mut().chain(&mut draft.marks).map(|fill| &mut fill.window);
    for window in windows.chain(draft.cells.iter_mut().map(|cell| &mut cell.window)).chain([&mut draft.trim]) {
        window.x += x;
        window.y += y;
    }
}
