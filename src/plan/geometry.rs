//! Which part of a picture lands where, in real numbers.
//!
//! Owns: a window never leaves its sheet, a region never its picture. Crop edges stay real numbers; only sizes of
//! finished pixels are rounded.

use super::bleed::{BleedWish, bled};
use super::form::Form;
use super::region::{Canvas, OutsidePicture, Part};
use crate::model::limits::{PICTURE_MAX_PX, SIDE_MAX_PX};
use crate::model::manifest::{Crop, Fit};
use crate::model::profile::{Enlarge, Medium, Orient, Sharpen, SharpenAmount, SizeChoice};
use crate::model::spec::{Cell, DecodeFactor, Edges, PixelSize, Region, Turn, Unsharp, Window};
use crate::model::units::Dimensions;

/// What a picture is to become, in the words of profile and line.
#[derive(Debug, Clone, Copy)]
pub struct Wish {
    /// Upright, after the manifest's turn.
    pub canvas: Canvas,
    pub crop: Option<Crop>,
    /// `Ordered` has been replaced by the line's size.
    pub size: SizeChoice,
    pub fit: Fit,
    pub enlarge: Enlarge,
    pub orient: Orient,
    pub dpi: f64,
    /// Pixels on each side, inside the size.
    pub border: u32,
    pub bleed: Option<BleedWish>,
    pub form: Form,
}

/// What it becomes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Geometry {
    /// The finished size with its bleed, before `turn`.
    pub sheet: PixelSize,
    /// The finished size in the sheet.
    pub trim: Window,
    /// What the border leaves of it.
    pub inner: Window,
    pub placed: Placed,
    pub turn: Turn,
    /// The crop reached into an empty corner and was made smaller, to this share.
    pub shrunk: Option<f64>,
}

/// A picture in its window.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Placed {
    /// With the bleed, as far as the picture reaches.
    pub region: Region,
    pub window: Window,
    /// The bleed past the end of the picture.
    pub mirror: Edges,
    /// What of the picture lies within the finished size.
    pub visible: Region,
    /// Share of the crop that `fit: fill` cuts away.
    pub cut: f64,
    /// How much larger than its source pixels the picture is shown; over 1 is enlarged.
    pub scale: f64,
}

/// Why there is no such picture.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Impossible {
    #[error(
        "the finished picture would have {0} pixels; at most {SIDE_MAX_PX} a side and {PICTURE_MAX_PX} in all are made"
    )]
    TooLarge(PixelSize),
    #[error("its border of {border} pixels on each side leaves nothing of {size} pixels for the picture")]
    BorderTooWide { border: u32, size: PixelSize },
    #[error("its crop lies in a corner that `straighten` left empty")]
    OutsidePicture,
}

impl Impossible {
    /// The code that receipts carry.
    pub fn code(&self) -> &'static str {
        match self {
            Impossible::TooLarge(_) => "too_large",
            Impossible::BorderTooWide { .. } => "border_too_wide",
            Impossible::OutsidePicture => "crop_outside",
        }
    }
}

impl From<OutsidePicture> for Impossible {
    fn from(_: OutsidePicture) -> Impossible {
        Impossible::OutsidePicture
    }
}

/// Decides the geometry of one plain picture. What the first rules could not make was never made by them, so it is the
/// newer ones that count, also in digests.
pub fn decide(wish: &Wish) -> Result<Geometry, Impossible> {
    match decide_by_its_form(wish) {
        Err(Impossible::BorderTooWide { .. }) if wish.form.is_first() => {
            decide_by_its_form(&Wish { form: Form::CURRENT, ..*wish })
        }
        decided => decided,
    }
}

fn decide_by_its_form(wish: &Wish) -> Result<Geometry, Impossible> {
    let Part { region, shrunk } = wish.canvas.shown(wish.crop)?;
    let (size, placed) = match target(wish, region) {
        Target::Scale(scale) => scaled(region, scale, wish)?,
        Target::Box(size) => boxed(region, size, wish)?,
    };
    let mut geometry = Geometry {
        sheet: size,
        trim: Window::of(size),
        inner: inset(Window::of(size), wish.border)?,
        placed,
        turn: turn_for(wish.orient, size),
        shrunk,
    };
    if let Some(bleed) = wish.bleed {
        let outer = PixelSize::new(size.width + 2 * bleed.width, size.height + 2 * bleed.width);
        geometry.sheet = outer;
        geometry.trim = moved(geometry.trim, bleed.width);
        geometry.inner = moved(geometry.inner, bleed.width);
        geometry.placed = bled(placed, size, bleed, wish.canvas);
    }
    check_size(geometry.sheet)?;
    Ok(geometry)
}

/// How a finished file is turned to lie as the profile wants it.
pub fn turn_for(orient: Orient, size: PixelSize) -> Turn {
    let turned = match orient {
        Orient::Keep => false,
        Orient::Portrait => size.width > size.height,
        Orient::Landscape => size.height > size.width,
    };
    if turned { Turn::Quarter } else { Turn::None }
}

/// Refuses what is larger than is made.
pub fn check_size(sheet: PixelSize) -> Result<(), Impossible> {
    if sheet.long_edge() > SIDE_MAX_PX || sheet.pixels() > PICTURE_MAX_PX {
        return Err(Impossible::TooLarge(sheet));
    }
    Ok(())
}

enum Target {
    Scale(f64),
    Box(PixelSize),
}

fn target(wish: &Wish, region: Region) -> Target {
    match wish.size {
        SizeChoice::Original | SizeChoice::Ordered => Target::Scale(1.0),
        SizeChoice::LongEdge(length) => {
            let edge = length.to_px(wish.dpi).max(1);
            if wish.fit == Fit::Fit && wish.form.is_first() {
                Target::Scale(f64::from(edge) / region.width.max(region.height))
            } else {
                Target::Box(PixelSize::new(edge, edge))
            }
        }
        SizeChoice::Box(size) => {
            let size = turned_to(size, region);
            Target::Box(PixelSize::new(size.width.to_px(wish.dpi).max(1), size.height.to_px(wish.dpi).max(1)))
        }
    }
}

/// Which way a region lies, to everyone: a crop of whole pixels that is one off is square; real numbers never quite are.
fn is_landscape(region: Region) -> Option<bool> {
    let is_square = (region.width - region.height).abs() < 0.5;
    (!is_square).then_some(region.width > region.height)
}

/// The size turned to the orientation of the crop; for a square crop it stays as it was written.
pub fn turned_to(size: Dimensions, region: Region) -> Dimensions {
    let size_is_landscape = size.width.to_px_exact(300.0) > size.height.to_px_exact(300.0);
    match is_landscape(region) {
        Some(landscape) if landscape != size_is_landscape && !size.is_square() => size.swapped(),
        _ => size,
    }
}

/// Whether a picture stands better in an area when it is turned by a quarter.
pub fn wants_turn(region: Region, area: PixelSize) -> bool {
    area.width != area.height && is_landscape(region).is_some_and(|landscape| landscape != (area.width > area.height))
}

/// What a border leaves of an area.
pub fn inset(area: Window, border: u32) -> Result<Window, Impossible> {
    if u64::from(area.width.min(area.height)) <= 2 * u64::from(border) {
        return Err(Impossible::BorderTooWide { border, size: area.size() });
    }
    Ok(Window {
        x: area.x + border,
        y: area.y + border,
        width: area.width - 2 * border,
        height: area.height - 2 * border,
    })
}

/// The same area on a sheet that is wider on all sides.
pub fn moved(window: Window, by: u32) -> Window {
    Window { x: window.x + by, y: window.y + by, ..window }
}

fn rounded(region: Region, scale: f64) -> PixelSize {
    let side = |length: f64| ((length * scale).round() as u32).max(1);
    PixelSize::new(side(region.width), side(region.height))
}

fn placed(region: Region, window: Window, cut: f64, scale: f64) -> Placed {
    Placed { region, window, mirror: Edges::default(), visible: region, cut, scale }
}

/// The scale at which the whole region fits an area.
fn scale_into(region: Region, area: PixelSize) -> f64 {
    (f64::from(area.width) / region.width).min(f64::from(area.height) / region.height)
}

/// The region at a scale, which with its border is the size.
fn scaled(region: Region, scale: f64, wish: &Wish) -> Result<(PixelSize, Placed), Impossible> {
    let never = wish.enlarge == Enlarge::Never;
    let outer = rounded(region, if never { scale.min(1.0) } else { scale });
    check_size(outer)?;
    let inner = inset(Window::of(outer), wish.border)?;
    let scale = if wish.border == 0 { scale } else { scale_into(region, inner.size()) };
    Ok(framed(region, scale, inner.size(), wish))
}

/// The region scaled, never larger than `most` (rounding would make it so), and a sheet of its border around it.
fn framed(region: Region, scale: f64, most: PixelSize, wish: &Wish) -> (PixelSize, Placed) {
    let scale = if wish.enlarge == Enlarge::Never { scale.min(1.0) } else { scale };
    let size = rounded(region, scale);
    let size = PixelSize::new(size.width.min(most.width), size.height.min(most.height));
    let sheet = PixelSize::new(size.width + 2 * wish.border, size.height + 2 * wish.border);
    (sheet, placed(region, moved(Window::of(size), wish.border), 0.0, scale))
}

/// The region in a box, less its border.
fn boxed(region: Region, size: PixelSize, wish: &Wish) -> Result<(PixelSize, Placed), Impossible> {
    // One length is a square that the picture need not fill: what comes out of it counts.
    if wish.fit != Fit::Fit {
        check_size(size)?;
    }
    let inner = inset(Window::of(size), wish.border)?;
    let never = wish.enlarge == Enlarge::Never;
    match wish.fit {
        Fit::Fit => Ok(framed(region, scale_into(region, inner.size()), inner.size(), wish)),
        Fit::Fill => {
            let filled = fill(region, inner);
            if never && filled.scale > 1.0 {
                let (sheet, unscaled) = framed(filled.region, 1.0, inner.size(), wish);
                return Ok((sheet, Placed { cut: filled.cut, ..unscaled }));
            }
            Ok((size, filled))
        }
        Fit::Pad => {
            let scale = scale_into(region, inner.size());
            if never && scale > 1.0 {
                // The sheet shrinks with the picture, so that their proportion stays.
                let window = rounded(region, 1.0);
                let shrunk = |length: u32, least: u32| ((f64::from(length) / scale).round() as u32).max(least);
                let room = PixelSize::new(shrunk(inner.width, window.width), shrunk(inner.height, window.height));
                let sheet = PixelSize::new(room.width + 2 * wish.border, room.height + 2 * wish.border);
                let window = centred(window, moved(Window::of(room), wish.border));
                return Ok((sheet, placed(region, window, 0.0, 1.0)));
            }
            Ok((size, fit(region, inner)))
        }
    }
}

/// The largest centred part of the region that has the shape of the area; never more than the crop left.
pub fn fill(region: Region, area: Window) -> Placed {
    let shape = f64::from(area.width) / f64::from(area.height);
    let (mut width, mut height) = (region.width, region.height);
    if width / height > shape {
        width = height * shape;
    } else {
        height = width / shape;
    }
    let cut = 1.0 - (width * height) / (region.width * region.height);
    let part = Region {
        x: region.x + (region.width - width) / 2.0,
        y: region.y + (region.height - height) / 2.0,
        width,
        height,
    };
    placed(part, area, cut.max(0.0), f64::from(area.width) / width)
}

/// The whole region, centred in the area.
pub fn fit(region: Region, area: Window) -> Placed {
    let scale = scale_into(region, area.size());
    let size = rounded(region, scale);
    let size = PixelSize::new(size.width.min(area.width), size.height.min(area.height));
    placed(region, centred(size, area), 0.0, scale)
}

fn centred(size: PixelSize, area: Window) -> Window {
    Window {
        x: area.x + (area.width - size.width) / 2,
        y: area.y + (area.height - size.height) / 2,
        width: size.width,
        height: size.height,
    }
}

/// The smallest decode that leaves enough pixels for every output of a source: 1.4 × the long edge of the largest
/// (1.8 × below 600 px), so that the resampler still has something to choose from. `outputs` are the region of the
/// upright frame and the window that each shows it in; one that is not sized in pixels asks for all.
pub fn decode_factor(outputs: &[(Region, Window)]) -> DecodeFactor {
    let enough = |factor: u8| {
        outputs.iter().all(|(region, window)| {
            let wanted = f64::from(window.width.max(window.height));
            let spare = if wanted < 600.0 { 1.8 } else { 1.4 };
            region.width.max(region.height) / f64::from(factor) >= spare * wanted
        })
    };
    let factor = [8, 4, 2].into_iter().find(|f| enough(*f)).unwrap_or(1);
    DecodeFactor(if outputs.is_empty() { 1 } else { factor })
}

/// Whether luma and chroma of a JPEG need not be made RGB before this is made of it: it shrinks so far that chroma of half
/// the size shrinks too. The decoder enlarges chroma more gently than the resizer would.
pub fn takes_planes(cell: &Cell) -> bool {
    let (region, window) = (cell.region, cell.window);
    cell.straighten == 0.0
        && region.width >= 2.0 * f64::from(window.width)
        && region.height >= 2.0 * f64::from(window.height)
}

/// Sharpening for the pixels of the output. Print presets are made for 300 ppi and grow with the resolution, because
/// the eye sees millimetres; the screen shows pixels.
pub fn unsharp(sharpen: Sharpen, dpi: f64) -> Option<Unsharp> {
    let (medium, amount) = match sharpen {
        Sharpen::None => return None,
        Sharpen::Custom { radius, amount, threshold } => return Some(Unsharp { radius, amount, threshold }),
        Sharpen::Preset { medium, amount } => (medium, amount),
    };
    let strength = match amount {
        SharpenAmount::Low => 0.6,
        SharpenAmount::Standard => 1.0,
        SharpenAmount::High => 1.6,
    };
    // Matte paper lets ink spread, so it needs a wider and stronger one than glossy.
    let (radius, base, threshold) = match medium {
        Medium::Screen => (0.6, 0.45, 2.0),
        Medium::Glossy => (0.8 * dpi / 300.0, 0.7, 3.0),
        Medium::Matte => (1.0 * dpi / 300.0, 0.95, 3.0),
    };
    Some(Unsharp { radius: radius.clamp(0.3, 5.0), amount: base * strength, threshold })
}

/// Whether two shapes differ by more than half a percent: somebody cropped one of the files.
pub fn shape_differs(a: PixelSize, b: PixelSize) -> bool {
    let shape = |s: PixelSize| f64::from(s.width) / f64::from(s.height);
    // Two roundings of small previews can be off by a pixel without anyone having cropped.
    let rounding = 1.0 / f64::from(a.width.min(a.height).min(b.width).min(b.height)).max(1.0);
    (shape(a) / shape(b) - 1.0).abs() > 0.005_f64.max(rounding)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::profile::BleedFill;
    use crate::model::units::Length;
    use proptest::prelude::*;

    fn wish(frame: (u32, u32), size: SizeChoice, fit: Fit) -> Wish {
        Wish {
            canvas: Canvas { frame: PixelSize::new(frame.0, frame.1), straighten: 0.0 },
            crop: None,
            size,
            fit,
            enlarge: Enlarge::Warn,
            orient: Orient::Keep,
            dpi: 300.0,
            border: 0,
            bleed: None,
            form: Form::CURRENT,
        }
    }

    fn boxed(text: &str) -> SizeChoice {
        SizeChoice::Box(Dimensions::parse(text).unwrap())
    }

    #[test]
    fn fill_cuts_the_centre_and_turns_the_box() {
        let g = decide(&wish((6000, 4000), boxed("8x10in"), Fit::Fill)).unwrap();
        assert_eq!(g.sheet, PixelSize::new(3000, 2400));
        assert_eq!(g.placed.region, Region { x: 500.0, y: 0.0, width: 5000.0, height: 4000.0 });
        assert!((g.placed.cut - 1.0 / 6.0).abs() < 1e-9 && (g.placed.scale - 0.6).abs() < 1e-9);
    }

    #[test]
    fn a_square_crop_keeps_the_size_as_written() {
        let mut w = wish((4000, 4000), boxed("8x10in"), Fit::Fill);
        assert_eq!(decide(&w).unwrap().sheet, PixelSize::new(2400, 3000));
        w.size = boxed("10x8in");
        assert_eq!(decide(&w).unwrap().sheet, PixelSize::new(3000, 2400));
    }

    #[test]
    fn one_length_is_the_long_edge() {
        let size = SizeChoice::LongEdge(Length::px(2048));
        assert_eq!(decide(&wish((6000, 4000), size, Fit::Fit)).unwrap().sheet, PixelSize::new(2048, 1365));
        assert_eq!(decide(&wish((4000, 6000), size, Fit::Fit)).unwrap().sheet, PixelSize::new(1365, 2048));
        assert_eq!(decide(&wish((1000, 500), size, Fit::Fit)).unwrap().sheet, PixelSize::new(2048, 1024));
    }

    #[test]
    fn never_enlarged_keeps_pixels_and_shape() {
        let mut w = wish((1000, 500), SizeChoice::LongEdge(Length::px(2048)), Fit::Fit);
        w.enlarge = Enlarge::Never;
        assert_eq!(decide(&w).unwrap().sheet, PixelSize::new(1000, 500));
        w.size = boxed("8x10in");
        w.fit = Fit::Fill;
        assert_eq!(decide(&w).unwrap().sheet, PixelSize::new(625, 500));
        w.fit = Fit::Pad;
        let g = decide(&w).unwrap();
        assert_eq!((g.sheet, g.placed.window.size()), (PixelSize::new(1000, 800), PixelSize::new(1000, 500)));
    }

    #[test]
    fn pad_centres_on_the_sheet() {
        let g = decide(&wish((6000, 4000), boxed("8x10in"), Fit::Pad)).unwrap();
        assert_eq!(
            (g.sheet, g.placed.window),
            (PixelSize::new(3000, 2400), Window { x: 0, y: 200, width: 3000, height: 2000 })
        );
    }

    #[test]
    fn the_finished_file_can_be_turned() {
        let mut w = wish((6000, 4000), boxed("8x10in"), Fit::Fill);
        w.orient = Orient::Portrait;
        assert_eq!(decide(&w).unwrap().turn, Turn::Quarter);
        w.orient = Orient::Landscape;
        assert_eq!(decide(&w).unwrap().turn, Turn::None);
    }

    #[test]
    fn too_large_is_refused() {
        assert!(decide(&wish((6000, 4000), boxed("200x200in"), Fit::Fill)).is_err());
    }

    #[test]
    fn a_border_lies_inside_the_size() {
        let mut w = wish((6000, 4000), boxed("8x10in"), Fit::Fill);
        w.border = 75;
        let g = decide(&w).unwrap();
        assert_eq!(g.sheet, PixelSize::new(3000, 2400));
        assert_eq!(g.placed.window, Window { x: 75, y: 75, width: 2850, height: 2250 });
        let shape = g.placed.region.width / g.placed.region.height;
        assert!((shape - 2850.0 / 2250.0).abs() < 1e-9, "cut once, to the window: {shape}");
        w.size = SizeChoice::LongEdge(Length::px(2048));
        w.fit = Fit::Fit;
        let g = decide(&w).unwrap();
        assert_eq!((g.sheet, g.placed.region.width), (PixelSize::new(2048, 1265 + 150), 6000.0));
        assert_eq!(g.placed.window, Window { x: 75, y: 75, width: 1898, height: 1265 });
        let first = decide(&Wish { form: Form::FIRST, ..w }).unwrap();
        assert_eq!(first.sheet, PixelSize::new(1973, 1365), "as plans of 0.1.0 have it");
        let wide = Wish { border: 700, ..w };
        assert_eq!(decide(&Wish { form: Form::FIRST, ..wide }), decide(&wide), "which 0.1.0 could not make");
        w.canvas.frame = PixelSize::new(1000, 500);
        w.enlarge = Enlarge::Never;
        assert_eq!(decide(&w).unwrap().sheet, PixelSize::new(1150, 650));
        w.border = 1024;
        assert_eq!(decide(&w).unwrap_err().code(), "border_too_wide");
    }

    #[test]
    fn bleed_comes_from_the_picture_then_from_its_mirror() {
        let mut w = wish((6000, 4000), boxed("8x10in"), Fit::Fill);
        w.bleed = Some(BleedWish { width: 36, fill: BleedFill::Image });
        let g = decide(&w).unwrap();
        assert_eq!((g.sheet, g.trim.x, g.trim.size()), (PixelSize::new(3072, 2472), 36, PixelSize::new(3000, 2400)));
        // 500 pixels of the original on each side: at 0.6 more than enough; above and below there is nothing.
        assert_eq!(g.placed.mirror, Edges { left: 0, top: 36, right: 0, bottom: 36 });
        assert_eq!(g.placed.window, Window { x: 0, y: 36, width: 3072, height: 2400 });
        assert_eq!(g.placed.region, Region { x: 440.0, y: 0.0, width: 5120.0, height: 4000.0 });
        w.bleed = Some(BleedWish { width: 36, fill: BleedFill::Mirror });
        let g = decide(&w).unwrap();
        assert_eq!((g.placed.mirror, g.placed.window.width), (Edges::all(36), 3000));
        w.bleed = Some(BleedWish { width: 36, fill: BleedFill::Color });
        assert_eq!(decide(&w).unwrap().placed.mirror, Edges::default());
        w.fit = Fit::Pad;
        w.bleed = Some(BleedWish { width: 36, fill: BleedFill::Mirror });
        assert_eq!(decide(&w).unwrap().placed.mirror, Edges { left: 36, top: 0, right: 36, bottom: 0 });
    }

    #[test]
    fn decode_only_as_much_as_is_needed() {
        let out = |region: f64, window: u32| {
            (
                Region { x: 0.0, y: 0.0, width: region, height: region / 2.0 },
                Window { x: 0, y: 0, width: window, height: 10 },
            )
        };
        assert_eq!(decode_factor(&[out(6000.0, 2048)]), DecodeFactor(2));
        assert_eq!(decode_factor(&[out(6000.0, 400)]), DecodeFactor(8));
        assert_eq!(decode_factor(&[out(6000.0, 420)]), DecodeFactor(4));
        assert_eq!(decode_factor(&[out(6000.0, 400), out(6000.0, 3000)]), DecodeFactor(1));
        assert_eq!(decode_factor(&[out(600.0, 400)]), DecodeFactor(1));
    }

    #[test]
    fn shapes_are_compared_with_a_margin_for_rounding() {
        let s = PixelSize::new;
        assert!(!shape_differs(s(6000, 4000), s(1200, 800)) && !shape_differs(s(6000, 4000), s(100, 67)));
        assert!(shape_differs(s(6000, 4000), s(5000, 4000)) && shape_differs(s(6000, 4000), s(4000, 6000)));
    }

    proptest! {
        #[test]
        fn geometry_stays_in_bounds(
            w in 1_u32..12_000, h in 1_u32..12_000, straighten in -45.0..45.0_f64, turned: bool,
            x in 0.0..1.0_f64, y in 0.0..1.0_f64, cw in 0.0..1.0_f64, ch in 0.0..1.0_f64,
            bw in 1_u32..6_000, bh in 1_u32..6_000, fit in 0..3, never: bool, edge: bool,
            border in 0_u32..200, bleed in 0_u32..200, fill in 0..3,
        ) {
            let size = if edge { SizeChoice::LongEdge(Length::px(bw)) } else { SizeChoice::Box(Dimensions::new(Length::px(bw), Length::px(bh))) };
            let canvas = Canvas { frame: PixelSize::new(w, h), straighten: if turned { straighten } else { 0.0 } };
            let fill = [BleedFill::Image, BleedFill::Mirror, BleedFill::Color][fill as usize];
            let g = decide(&Wish {
                canvas,
                crop: Some(Crop { x, y, width: cw, height: ch }),
                size,
                fit: [Fit::Fill, Fit::Fit, Fit::Pad][fit as usize],
                enlarge: if never { Enlarge::Never } else { Enlarge::Warn },
                orient: Orient::Keep,
                dpi: 300.0,
                border,
                bleed: (bleed > 0).then_some(BleedWish { width: bleed, fill }),
                form: Form::CURRENT,
            });
            if let Ok(g) = g {
                let (window, mirror) = (g.placed.window, g.placed.mirror);
                prop_assert!(canvas.holds(g.placed.region) && canvas.holds(g.placed.visible));
                prop_assert!(g.placed.region.width > 0.0 && g.placed.region.height > 0.0);
                prop_assert!(window.width >= 1 && window.x >= mirror.left && window.y >= mirror.top);
                prop_assert!(window.x + window.width + mirror.right <= g.sheet.width);
                prop_assert!(window.height >= 1 && window.y + window.height + mirror.bottom <= g.sheet.height);
                prop_assert!((0.0..=1.0).contains(&g.placed.cut));
                prop_assert_eq!(g.trim.width + 2 * bleed, g.sheet.width);
                if fit == 0 && fill != BleedFill::Color && border == 0 {
                    // The bleed is the picture's, whole or mirrored, on all four sides.
                    prop_assert_eq!(window.x - mirror.left, 0);
                    prop_assert_eq!(window.x + window.width + mirror.right, g.sheet.width);
                    prop_assert_eq!(window.y - mirror.top, 0);
                    prop_assert_eq!(window.y + window.height + mirror.bottom, g.sheet.height);
                }
            }
        }
    }
}
