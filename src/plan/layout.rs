//! Layouts in pixels: the sheet, its openings, the marks to cut along.
//!
//! Owns: a box that neighbours share is computed from its edges, so that openings without a gutter meet without a gap.

use super::geometry::{Impossible, check_size};
use crate::model::config::{CellTurn, Layout, Openings};
use crate::model::manifest::{Fit, Line, QuantityUnit};
use crate::model::profile::SizeChoice;
use crate::model::spec::{Fill, PixelSize, Window};
use crate::model::units::{Color, Dimensions, Length};

/// A layout at the resolution of its output.
#[derive(Debug, Clone, Copy)]
pub struct Scale {
    /// What lengths are counted with.
    dpi: f64,
    /// A profile that makes another size than the ordered one shows the same sheet, smaller or larger.
    zoom: f64,
}

/// One opening.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Opening {
    pub window: Window,
    pub fit: Fit,
}

/// A sheet in pixels.
#[derive(Debug, Clone, PartialEq)]
pub struct LaidOut {
    pub size: PixelSize,
    pub openings: Vec<Opening>,
    pub turn: CellTurn,
    /// Real edges of the openings along each axis, where they are to be cut apart.
    cuts: Option<[Vec<(f64, f64)>; 2]>,
}

impl Scale {
    /// The scale that a profile's size asks for.
    pub fn new(layout: &Layout, size: SizeChoice, dpi: f64) -> Scale {
        let px = |length: Length| length.to_px_exact(dpi);
        let (width, height) = (px(layout.sheet.width), px(layout.sheet.height));
        let zoom = match size {
            SizeChoice::Original | SizeChoice::Ordered => 1.0,
            SizeChoice::LongEdge(length) => px(length) / width.max(height),
            SizeChoice::Box(size) => {
                let (w, h) = (px(size.width), px(size.height));
                let (w, h) = if (w > h) == (width > height) { (w, h) } else { (h, w) };
                (w / width).min(h / height)
            }
        };
        Scale { dpi, zoom }
    }

    /// Pixels, not rounded.
    pub fn px(self, length: Length) -> f64 {
        length.to_px_exact(self.dpi) * self.zoom
    }

    /// Pixels of an inch.
    pub fn resolution(self) -> f64 {
        self.dpi * self.zoom
    }

    /// The area of a box on the sheet.
    pub fn window(self, [x, y, width, height]: [Length; 4]) -> Window {
        let (x, y) = (self.px(x), self.px(y));
        between((x, x + self.px(width)), (y, y + self.px(height)))
    }

    fn size(self, size: Dimensions) -> PixelSize {
        let whole = |length| (self.px(length).round() as u32).max(1);
        PixelSize::new(whole(size.width), whole(size.height))
    }
}

fn between(x: (f64, f64), y: (f64, f64)) -> Window {
    let edge = |at: f64| at.round().max(0.0) as u32;
    Window {
        x: edge(x.0),
        y: edge(y.0),
        width: (edge(x.1).saturating_sub(edge(x.0))).max(1),
        height: (edge(y.1).saturating_sub(edge(y.0))).max(1),
    }
}

/// The sheet of a layout. `fit` is the line's own word on how pictures meet the openings of a grid.
pub fn lay_out(layout: &Layout, scale: Scale, fit: Option<Fit>) -> Result<LaidOut, Impossible> {
    let size = scale.size(layout.sheet);
    check_size(size)?;
    let mut cuts = None;
    let mut openings: Vec<Opening> = match &layout.openings {
        Openings::Slots(slots) => slots
            .iter()
            .map(|slot| {
                let window = scale.window([slot.x, slot.y, slot.width, slot.height]);
                Opening { window, fit: slot.fit }
            })
            .collect(),
        Openings::Grid(grid) => {
            let gutter = scale.px(grid.gutter);
            let line = |room: Length, opening: Length, count: u32| -> Vec<(f64, f64)> {
                let opening = scale.px(opening);
                let all = f64::from(count) * opening + f64::from(count - 1) * gutter;
                let first = (scale.px(room) - all) / 2.0;
                (0..count).map(|i| first + f64::from(i) * (opening + gutter)).map(|at| (at, at + opening)).collect()
            };
            let columns = line(layout.sheet.width, grid.opening.width, grid.columns);
            let rows = line(layout.sheet.height, grid.opening.height, grid.rows);
            let fit = fit.unwrap_or(Fit::Fill);
            let windows = rows.iter().flat_map(|y| columns.iter().map(|x| between(*x, *y)));
            let openings = windows.map(|window| Opening { window, fit }).collect();
            cuts = grid.cut_marks.then_some([columns, rows]);
            openings
        }
    };
    // Rounding may put an edge a pixel past the sheet's.
    for Opening { window, .. } in &mut openings {
        window.x = window.x.min(size.width - 1);
        window.y = window.y.min(size.height - 1);
        window.width = window.width.min(size.width - window.x);
        window.height = window.height.min(size.height - window.y);
    }
    Ok(LaidOut { size, openings, turn: layout.turn, cuts })
}

/// Marks to cut a print out of larger paper.
pub fn marks_around(trim: Window, sheet: PixelSize, dpi: f64) -> Vec<Fill> {
    let span = |at: u32, length: u32| vec![(f64::from(at), f64::from(at + length))];
    let cuts = Some([span(trim.x, trim.width), span(trim.y, trim.height)]);
    let out = LaidOut { size: sheet, openings: Vec::new(), turn: CellTurn::Never, cuts };
    out.cut_marks(Scale { dpi, zoom: 1.0 }, Color::WHITE)
}

/// Millimetres: how far a mark stays away from the picture, how long it is at most, how short where it has to lie in
/// the picture, how wide.
const MARK_DISTANCE_MM: f64 = 0.8;
const MARK_LENGTH_MM: f64 = 5.0;
const MARK_INSIDE_MM: f64 = 1.5;
const MARK_WIDTH_MM: f64 = 0.1;

impl LaidOut {
    /// Marks to cut along, beside the openings; on the sheet's edge, where the openings leave no room, short ones in
    /// the pictures: they lie on the cut.
    pub fn cut_marks(&self, scale: Scale, background: Color) -> Vec<Fill> {
        let Some([columns, rows]) = &self.cuts else { return Vec::new() };
        let mm = scale.resolution() / 25.4;
        let width = ((MARK_WIDTH_MM * mm).round() as u32).max(1);
        let dark = u32::from(background.red) + u32::from(background.green) + u32::from(background.blue) < 384;
        let color = if dark { Color::WHITE } else { Color { red: 0, green: 0, blue: 0, alpha: 255 } };
        let grey = Color { red: 128, green: 128, blue: 128, alpha: 255 };
        let mut marks = Vec::new();
        let axes =
            [(columns, rows, self.size.width, self.size.height), (rows, columns, self.size.height, self.size.width)];
        for (axis, (along, across, end, depth)) in axes.into_iter().enumerate() {
            let mut edges: Vec<u32> = along
                .iter()
                .flat_map(|(from, to)| [*from, *to])
                // Half of the mark on each side of the edge.
                .map(|at| ((at - f64::from(width) / 2.0).round().max(0.0) as u32).min(end - width.min(end)))
                .collect();
            edges.dedup();
            for (from, to, inside) in mark_spans(across, f64::from(depth), mm) {
                let (from, to) = (from.round() as u32, (to.round() as u32).min(depth));
                for edge in edges.iter().filter(|_| to > from) {
                    let (at, length) = (*edge, to - from);
                    let window = if axis == 0 {
                        Window { x: at, y: from, width, height: length }
                    } else {
                        Window { x: from, y: at, width: length, height: width }
                    };
                    marks.push(Fill { window, color: if inside { grey } else { color } });
                }
            }
        }
        marks
    }
}

/// Where marks lie across one axis: from, to, and whether that is in a picture.
fn mark_spans(boxes: &[(f64, f64)], depth: f64, mm: f64) -> Vec<(f64, f64, bool)> {
    let (distance, length) = (MARK_DISTANCE_MM * mm, MARK_LENGTH_MM * mm);
    let (Some(first), Some(last)) = (boxes.first(), boxes.last()) else { return Vec::new() };
    let has_room = |room: f64| room > 2.0 * distance;
    let mut spans = Vec::new();
    spans.push(if has_room(first.0) {
        ((first.0 - distance - length).max(0.0), first.0 - distance, false)
    } else {
        (0.0, MARK_INSIDE_MM * mm, true)
    });
    for (before, after) in boxes.iter().zip(boxes.iter().skip(1)) {
        if has_room(after.0 - before.1) {
            spans.push((before.1, after.0, false));
        }
    }
    spans.push(if has_room(depth - last.1) {
        (last.1 + distance, (last.1 + distance + length).min(depth), false)
    } else {
        (depth - MARK_INSIDE_MM * mm, depth, true)
    });
    spans
}

/// How many sheets, or prints, a line asks for.
pub fn copies(line: &Line, layout: Option<&Layout>) -> u32 {
    match (line.unit, layout) {
        (Some(QuantityUnit::Piece), Some(layout)) => line.quantity.div_ceil((layout.opening_count() as u32).max(1)),
        _ => line.quantity,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::config::{Grid, LayoutSlot};

    fn grid(sheet: &str, columns: u32, rows: u32, opening: &str, gutter: &str) -> Layout {
        Layout {
            name: "g".into(),
            sheet: Dimensions::parse(sheet).unwrap(),
            background: Color::WHITE,
            openings: Openings::Grid(Grid {
                columns,
                rows,
                opening: Dimensions::parse(opening).unwrap(),
                gutter: Length::parse(gutter).unwrap(),
                cut_marks: true,
            }),
            turn: CellTurn::Fit,
            texts: Vec::new(),
            artwork: Vec::new(),
        }
    }

    #[test]
    fn openings_without_a_gutter_meet_without_a_gap() {
        let layout = grid("8x10in", 3, 7, "2.1x1.3in", "0in");
        let out = lay_out(&layout, Scale::new(&layout, SizeChoice::Ordered, 254.5), None).unwrap();
        assert_eq!(out.openings.len(), 21);
        for pair in out.openings.chunks(3) {
            assert_eq!(pair[0].window.x + pair[0].window.width, pair[1].window.x);
            assert_eq!(pair[1].window.x + pair[1].window.width, pair[2].window.x);
        }
        for (above, below) in out.openings.iter().zip(&out.openings[3..]) {
            assert_eq!(above.window.y + above.window.height, below.window.y);
        }
    }

    #[test]
    fn a_grid_is_centred_and_as_large_as_ordered() {
        let layout = grid("8x10in", 2, 4, "3.5x2.5in", "0in");
        let out = lay_out(&layout, Scale::new(&layout, SizeChoice::Ordered, 300.0), None).unwrap();
        assert_eq!(out.size, PixelSize::new(2400, 3000));
        assert_eq!(out.openings[0].window, Window { x: 150, y: 0, width: 1050, height: 750 });
        assert_eq!(out.openings[7].window, Window { x: 1200, y: 2250, width: 1050, height: 750 });
        let small = Scale::new(&layout, SizeChoice::LongEdge(Length::px(1000)), 300.0);
        let out = lay_out(&layout, small, None).unwrap();
        assert_eq!((out.size, out.openings[0].window.width), (PixelSize::new(800, 1000), 350));
        assert!((small.resolution() - 100.0).abs() < 1e-9);
    }

    #[test]
    fn cut_marks_lie_beside_the_pictures_or_on_the_edge() {
        let layout = grid("8x10in", 2, 4, "3.5x2.5in", "0in");
        let scale = Scale::new(&layout, SizeChoice::Ordered, 300.0);
        let out = lay_out(&layout, scale, None).unwrap();
        let marks = out.cut_marks(scale, Color::WHITE);
        // Three vertical cuts, marked at both ends on the pictures, in grey; five horizontal ones beside them.
        assert_eq!(marks.len(), 3 * 2 + 5 * 2);
        for mark in &marks {
            let w = mark.window;
            assert!(w.x + w.width <= 2400 && w.y + w.height <= 3000);
            let in_picture = out.openings.iter().any(|o| {
                let p = o.window;
                w.x + w.width > p.x && w.x < p.x + p.width && w.y + w.height > p.y && w.y < p.y + p.height
            });
            assert!(mark.color.red == 128 || !in_picture, "{w:?}");
        }
    }

    #[test]
    fn slots_lie_where_they_are_written() {
        let length = |text| Length::parse(text).unwrap();
        let slot = |y| LayoutSlot {
            x: length("0.5in"),
            y: length(y),
            width: length("9in"),
            height: length("6in"),
            fit: Fit::Fill,
        };
        let layout = Layout {
            openings: Openings::Slots(vec![slot("0.5in"), slot("7in")]),
            ..grid("10x20in", 1, 1, "1x1in", "0in")
        };
        let out = lay_out(&layout, Scale::new(&layout, SizeChoice::Ordered, 100.0), None).unwrap();
        assert_eq!(out.openings[1].window, Window { x: 50, y: 700, width: 900, height: 600 });
        assert!(out.cut_marks(Scale::new(&layout, SizeChoice::Ordered, 100.0), Color::WHITE).is_empty());
    }

    #[test]
    fn pieces_become_sheets() {
        let layout = grid("8x10in", 2, 4, "3.5x2.5in", "0in");
        let line = |quantity, unit| Line { quantity, unit: Some(unit), ..Line::default() };
        assert_eq!(copies(&line(16, QuantityUnit::Piece), Some(&layout)), 2);
        assert_eq!(copies(&line(17, QuantityUnit::Piece), Some(&layout)), 3);
        assert_eq!(copies(&line(16, QuantityUnit::Sheet), Some(&layout)), 16);
        assert_eq!(copies(&line(5, QuantityUnit::Piece), None), 5);
    }
}
