//! The small pictures on the page of a download link.
//!
//! Owns: a small picture shows what its picture shows, overlays and all, and nothing more: a watermark is on it too.

use std::collections::{BTreeMap, BTreeSet};

use super::make::fingerprint;
use super::{Content, Plan, PlannedPreview, RenderStep, StepId, Work, geometry};
use crate::model::delivery::Delivery;
use crate::model::element::{Element, Fill};
use crate::model::limits::{SCREEN_PX, THUMBNAIL_PX};
use crate::model::name::RelPath;
use crate::model::profile::{Medium, Sharpen, SharpenAmount};
use crate::model::spec::{
    Adjust, Cell, ColorSpace, ColorSpec, Edges, Encoding, Header, Intent, MetadataSpec, OutputSpec, PixelSize, Region,
    Spot, Subsampling, Tone, Turn, Window,
};
use crate::model::units::Color;

/// Of a screen; it is written into the files and means nothing.
const DPI: f64 = 72.0;

/// Adds the steps that render them to the plan, and tells each link which of them are its own. `show` hears of every
/// cell that is added.
pub(super) fn add(plan: &mut Plan, mut show: impl FnMut(&Cell)) {
    let is_link = |delivery: &Delivery| matches!(delivery, Delivery::Link { .. });
    let mut wanted: BTreeSet<StepId> = BTreeSet::new();
    for delivery in plan.deliveries.iter().filter(|d| is_link(&d.delivery)) {
        wanted.extend(delivery.members.iter().filter_map(|member| match &member.content {
            Content::Step(id) => Some(id.clone()),
            Content::File(_) => None,
        }));
    }
    let mut added: Vec<RenderStep> = Vec::new();
    let mut files: BTreeMap<String, RelPath> = BTreeMap::new();
    let mut made: BTreeMap<StepId, PlannedPreview> = BTreeMap::new();
    for step in plan.renders.iter().filter(|step| wanted.contains(&step.id)) {
        let Work::Render { spec, ppi, cut, .. } = &step.work else { continue };
        let mut one = |letter: &str, long_edge: u32| {
            let id = StepId(format!("{}{letter}", step.id));
            let spec = small(spec, long_edge);
            spec.cells.iter().for_each(&mut show);
            let name = RelPath::from_part(&id.0).unwrap_or_else(RelPath::unnamed).with_extension("jpg");
            // Two profiles may show the same of a picture: it is rendered once.
            let file = files.entry(fingerprint(&spec)).or_insert_with(|| name.clone()).clone();
            let work = Work::Render { spec, file, ppi: *ppi, cut: *cut };
            added.push(RenderStep {
                id: id.clone(),
                name,
                copies: 1,
                preview_of: Some(step.id.clone()),
                work,
                ..step.clone()
            });
            id
        };
        let (thumb, screen) = (one("t", THUMBNAIL_PX), one("s", SCREEN_PX));
        made.insert(step.id.clone(), PlannedPreview { of: step.id.clone(), thumb, screen, same_as: None });
    }
    plan.renders.append(&mut added);
    let specs: BTreeMap<&StepId, &OutputSpec> =
        plan.renders.iter().filter_map(|step| Some((&step.id, step.spec()?))).collect();
    for delivery in &mut plan.deliveries {
        let Some(link) = &mut delivery.link else { continue };
        link.previews = delivery
            .members
            .iter()
            .filter_map(|member| match &member.content {
                Content::Step(id) => made.get(id).cloned(),
                Content::File(_) => None,
            })
            .collect();
        find_sizes(&mut link.previews, &specs);
    }
}

/// Finds those that show what another one before them shows.
fn find_sizes(previews: &mut [PlannedPreview], specs: &BTreeMap<&StepId, &OutputSpec>) {
    // By their originals, since there are thousands.
    let mut firsts: BTreeMap<Vec<usize>, Vec<(StepId, &OutputSpec)>> = BTreeMap::new();
    for preview in previews {
        let Some(spec) = specs.get(&preview.of) else { continue };
        let known = firsts.entry(spec.cells.iter().map(|cell| cell.source).collect()).or_default();
        match known.iter().find(|(_, first)| shows_the_same(first, spec)) {
            Some((first, _)) => preview.same_as = Some(first.clone()),
            None => known.push((preview.of.clone(), spec)),
        }
    }
}

/// Whether two sheets show the same parts of the same originals in the same colors, whatever their sizes and what is
/// printed over them.
fn shows_the_same(a: &OutputSpec, b: &OutputSpec) -> bool {
    a.cells.len() == b.cells.len() && a.cells.iter().zip(&b.cells).all(|(a, b)| is_alike(a, b))
}

fn is_alike(a: &Cell, b: &Cell) -> bool {
    /// A size in whole pixels cuts off a little of one side.
    const ROUNDING: f64 = 0.02;
    let (of_a, of_b) = (a.region, b.region);
    let room = f64::from(a.frame.long_edge()) * ROUNDING;
    let is_near = |a: f64, b: f64| (a - b).abs() <= room;
    a.source == b.source
        && (a.rotate, a.frame, a.adjust, a.tone) == (b.rotate, b.frame, b.adjust, b.tone)
        && (a.straighten - b.straighten).abs() < f64::EPSILON
        && is_near(of_a.x, of_b.x)
        && is_near(of_a.y, of_b.y)
        && is_near(of_a.x + of_a.width, of_b.x + of_b.width)
        && is_near(of_a.y + of_a.height, of_b.y + of_b.height)
}

/// The same sheet, not larger than `long_edge`, as a JPEG for the web.
pub fn small(spec: &OutputSpec, long_edge: u32) -> OutputSpec {
    let scale = Scale::new(spec.sheet, long_edge);
    let sharpen = Sharpen::Preset { medium: Medium::Screen, amount: SharpenAmount::Low };
    let cell = |cell: &Cell| {
        let (window, mirror) = scale.with_edges(cell.window, cell.mirror);
        let sharpen = if scale.factor < 1.0 { geometry::unsharp(sharpen, DPI) } else { cell.sharpen };
        Cell { window, mirror, sharpen, ..cell.clone() }
    };
    let element = |element: &Element| {
        let mut element = element.clone();
        match &mut element {
            Element::Line(fill) => fill.window = scale.window(fill.window),
            Element::Artwork(artwork) => {
                artwork.width = artwork.width.map(|width| scale.length(width));
                artwork.height = artwork.height.map(|height| scale.length(height));
                scale.spot(&mut artwork.spot);
            }
            Element::Text(text) => {
                text.height = scale.length(text.height);
                text.max_width = text.max_width.map(|width| scale.length(width));
                scale.spot(&mut text.spot);
            }
        }
        element
    };
    let fills = spec.fills.iter().map(|fill| Fill { window: scale.window(fill.window), color: fill.color }).collect();
    OutputSpec {
        sheet: scale.sheet,
        fills,
        cells: spec.cells.iter().map(cell).collect(),
        elements: spec.elements.iter().map(element).collect(),
        color: ColorSpec { output: ColorSpace::Srgb, ..spec.color.clone() },
        encoding: Encoding::Jpeg {
            quality: 82,
            subsampling: Subsampling::S420,
            progressive: true,
            optimize: true,
            max_bytes: None,
        },
        dpi: DPI,
        // Nobody needs to learn from a thumbnail where a picture was taken.
        metadata: MetadataSpec::none(),
        ..spec.clone()
    }
}

/// All of an original, upright and turned, with nothing done to it, not larger than `long_edge`.
pub fn of_original(header: &Header, source: usize, turn: Turn, long_edge: u32) -> OutputSpec {
    let frame = header.upright().turned(turn);
    let region = Region { x: 0.0, y: 0.0, width: f64::from(frame.width), height: f64::from(frame.height) };
    let whole = OutputSpec {
        sheet: frame,
        background: Color::WHITE,
        fills: Vec::new(),
        cells: vec![Cell {
            source,
            rotate: turn,
            straighten: 0.0,
            frame,
            region,
            window: Window::of(frame),
            mirror: Edges::default(),
            adjust: Adjust::default(),
            tone: Tone::Color,
            sharpen: None,
        }],
        elements: Vec::new(),
        turn: Turn::None,
        color: ColorSpec {
            output: ColorSpace::Srgb,
            intent: Intent::Relative,
            black_point: true,
            untagged: ColorSpace::Srgb,
        },
        encoding: Encoding::Copy,
        dpi: DPI,
        metadata: MetadataSpec::none(),
        accept_damage: true,
    };
    small(&whole, long_edge)
}

/// From the pixels of a sheet to those of its small picture.
struct Scale {
    factor: f64,
    sheet: PixelSize,
}

impl Scale {
    fn new(sheet: PixelSize, long_edge: u32) -> Scale {
        let factor = (f64::from(long_edge) / f64::from(sheet.long_edge().max(1))).min(1.0);
        let side = |length: u32| ((f64::from(length) * factor).round() as u32).max(1);
        Scale { factor, sheet: PixelSize::new(side(sheet.width), side(sheet.height)) }
    }

    fn length(&self, length: f64) -> f64 {
        // A text or a logo that is there stays there, if only as a speck.
        (length * self.factor).max(1.0)
    }

    /// Edges are rounded, not lengths: what touches still touches.
    fn span(&self, from: u32, length: u32, sheet: u32) -> (u32, u32) {
        let edge = |at: u32| (f64::from(at) * self.factor).round() as u32;
        let start = edge(from).min(sheet - 1);
        (start, edge(from + length).clamp(start + 1, sheet) - start)
    }

    fn window(&self, window: Window) -> Window {
        let (x, width) = self.span(window.x, window.width, self.sheet.width);
        let (y, height) = self.span(window.y, window.height, self.sheet.height);
        Window { x, y, width, height }
    }

    fn with_edges(&self, window: Window, edges: Edges) -> (Window, Edges) {
        let inner = self.window(window);
        if edges.is_none() {
            return (inner, edges);
        }
        let outer = self.window(Window {
            x: window.x - edges.left.min(window.x),
            y: window.y - edges.top.min(window.y),
            width: window.width + edges.left + edges.right,
            height: window.height + edges.top + edges.bottom,
        });
        let (left, top) = (inner.x.saturating_sub(outer.x), inner.y.saturating_sub(outer.y));
        let right = (outer.x + outer.width).saturating_sub(inner.x + inner.width);
        let bottom = (outer.y + outer.height).saturating_sub(inner.y + inner.height);
        (inner, Edges { left, top, right, bottom })
    }

    fn spot(&self, spot: &mut Spot) {
        spot.area = self.window(spot.area);
        spot.margin *= self.factor;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::spec::{Adjust, Region, Tone, Turn};
    use proptest::prelude::*;

    #[test]
    fn only_the_same_part_in_the_same_colors_is_another_size_of_a_picture() {
        let cell = |width: u32, height: u32| {
            let frame = PixelSize::new(6000, 4000);
            Cell {
                source: 0,
                rotate: Turn::None,
                straighten: 0.0,
                frame,
                region: Region { x: 0.0, y: 0.0, width: 6000.0, height: 4000.0 },
                window: Window { x: 0, y: 0, width, height },
                mirror: Edges::default(),
                adjust: Adjust::default(),
                tone: Tone::Color,
                sharpen: None,
            }
        };
        let full = cell(6000, 4000);
        // Whole pixels of the small one cut off a little.
        let web = Cell { region: Region { height: 3990.0, ..full.region }, ..cell(2048, 1362) };
        assert!(is_alike(&full, &web));
        for other in [
            Cell { tone: Tone::Bw, ..web.clone() },
            Cell { adjust: Adjust { exposure: 1.0, ..Adjust::default() }, ..web.clone() },
            Cell { region: Region { x: 500.0, width: 5000.0, ..full.region }, ..web.clone() },
            Cell { rotate: Turn::Half, ..web.clone() },
            Cell { straighten: 1.5, ..web.clone() },
            Cell { source: 1, ..web.clone() },
        ] {
            assert!(!is_alike(&full, &other), "{other:?}");
        }
    }

    proptest! {
        #[test]
        fn windows_stay_on_the_sheet_and_touch_where_they_touched(
            width in 1_u32..9000, height in 1_u32..9000, cut in 0.0_f64..1.0, long_edge in 1_u32..3000
        ) {
            let scale = Scale::new(PixelSize::new(width, height), long_edge);
            prop_assert!(scale.sheet.long_edge() <= long_edge.max(1) && scale.sheet.width >= 1 && scale.sheet.height >= 1);
            let left = ((f64::from(width) * cut) as u32).clamp(1, width);
            let first = scale.window(Window { x: 0, y: 0, width: left, height });
            prop_assert_eq!(first.height, scale.sheet.height);
            if left < width {
                let second = scale.window(Window { x: left, y: 0, width: width - left, height });
                prop_assert!(second.x + second.width == scale.sheet.width);
                // No gap; what would come out as nothing gets a pixel of its neighbour's.
                let overlap = (first.x + first.width).checked_sub(second.x);
                prop_assert!(overlap.is_some_and(|pixels| pixels <= 1), "{:?} {:?}", first, second);
            } else {
                prop_assert_eq!(first.width, scale.sheet.width);
            }
        }
    }
}
