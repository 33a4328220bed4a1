//! Which part of a picture lands where, in real numbers.
//!
//! Owns: a region never leaves its frame, a window never its sheet. Crop edges stay real numbers; only sizes of finished
//! pixels are rounded.

use crate::model::limits::{PICTURE_MAX_PX, SIDE_MAX_PX};
use crate::model::manifest::{Crop, Fit};
use crate::model::profile::{Enlarge, Medium, Orient, Sharpen, SharpenAmount, SizeChoice};
use crate::model::spec::{DecodeFactor, PixelSize, Region, Turn, Unsharp, Window};
use crate::model::units::Dimensions;

/// What a picture is to become, in the words of profile and line.
#[derive(Debug, Clone, Copy)]
pub struct Wish {
    /// Upright, after the manifest's turn.
    pub frame: PixelSize,
    pub crop: Option<Crop>,
    /// `Ordered` has been replaced by the line's size.
    pub size: SizeChoice,
    pub fit: Fit,
    pub enlarge: Enlarge,
    pub orient: Orient,
    pub dpi: f64,
}

/// What it becomes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Geometry {
    pub region: Region,
    pub sheet: PixelSize,
    pub window: Window,
    pub turn: Turn,
    /// Source pixels per inch of the finished picture.
    pub ppi: f64,
    /// Share of the crop that `fit: fill` cuts away.
    pub cut: f64,
    /// How much larger than its source pixels the picture is shown; over 1 is enlarged.
    pub scale: f64,
}

/// Why there is no such picture.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the finished picture would have {0} pixels; at most {SIDE_MAX_PX} a side and {PICTURE_MAX_PX} in all are made"
)]
pub struct TooLarge(PixelSize);

/// Decides the geometry of one plain picture.
pub fn decide(wish: &Wish) -> Result<Geometry, TooLarge> {
    let whole = cropped(wish.frame, wish.crop);
    let target = target_box(wish, whole);
    let mut geometry = match target {
        Target::Scale(scale) => fitted(whole, scale),
        Target::Box(size) => match wish.fit {
            Fit::Fill => filled(whole, size),
            Fit::Fit => fitted(whole, (f64::from(size.width) / whole.width).min(f64::from(size.height) / whole.height)),
            Fit::Pad => padded(whole, size),
        },
    };
    if geometry.scale > 1.0 && wish.enlarge == Enlarge::Never {
        geometry = unscaled(geometry);
    }
    geometry.ppi = wish.dpi / geometry.scale;
    let portrait = geometry.sheet.height > geometry.sheet.width;
    let landscape = geometry.sheet.width > geometry.sheet.height;
    if (wish.orient == Orient::Portrait && landscape) || (wish.orient == Orient::Landscape && portrait) {
        geometry.turn = Turn::Quarter;
    }
    let sheet = geometry.sheet;
    if sheet.long_edge() > SIDE_MAX_PX || sheet.pixels() > PICTURE_MAX_PX {
        return Err(TooLarge(sheet));
    }
    Ok(geometry)
}

enum Target {
    Scale(f64),
    Box(PixelSize),
}

fn target_box(wish: &Wish, region: Region) -> Target {
    match wish.size {
        SizeChoice::Original | SizeChoice::Ordered => Target::Scale(1.0),
        SizeChoice::LongEdge(length) => {
            let edge = length.to_px(wish.dpi).max(1);
            if wish.fit == Fit::Fit {
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

/// The size turned to the orientation of the crop; for a square crop it stays as it was written.
pub fn turned_to(size: Dimensions, region: Region) -> Dimensions {
    let size_is_landscape = size.width.to_px_exact(300.0) > size.height.to_px_exact(300.0);
    // A crop of whole pixels that is one off is square to everyone; real numbers never are quite.
    let is_square = (region.width - region.height).abs() < 0.5;
    if is_square || size.is_square() || size_is_landscape == (region.width > region.height) {
        size
    } else {
        size.swapped()
    }
}

/// The crop in pixels of the frame, kept inside it and at least a pixel wide.
pub fn cropped(frame: PixelSize, crop: Option<Crop>) -> Region {
    let (w, h) = (f64::from(frame.width), f64::from(frame.height));
    let Some(crop) = crop else { return Region { x: 0.0, y: 0.0, width: w, height: h } };
    let width = (crop.width * w).clamp(1.0_f64.min(w), w);
    let height = (crop.height * h).clamp(1.0_f64.min(h), h);
    Region { x: (crop.x * w).clamp(0.0, w - width), y: (crop.y * h).clamp(0.0, h - height), width, height }
}

fn whole_window(sheet: PixelSize) -> Window {
    Window { x: 0, y: 0, width: sheet.width, height: sheet.height }
}

fn rounded(region: Region, scale: f64) -> PixelSize {
    let side = |length: f64| ((length * scale).round() as u32).max(1);
    PixelSize::new(side(region.width), side(region.height))
}

fn fitted(region: Region, scale: f64) -> Geometry {
    let sheet = rounded(region, scale);
    Geometry { region, sheet, window: whole_window(sheet), turn: Turn::None, ppi: 0.0, cut: 0.0, scale }
}

/// The largest centred part of the region that has the shape of the sheet; never more than the crop left.
fn filled(region: Region, sheet: PixelSize) -> Geometry {
    let shape = f64::from(sheet.width) / f64::from(sheet.height);
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
    let scale = f64::from(sheet.width) / width;
    Geometry { region: part, sheet, window: whole_window(sheet), turn: Turn::None, ppi: 0.0, cut: cut.max(0.0), scale }
}

fn padded(region: Region, sheet: PixelSize) -> Geometry {
    let scale = (f64::from(sheet.width) / region.width).min(f64::from(sheet.height) / region.height);
    let size = rounded(region, scale);
    let size = PixelSize::new(size.width.min(sheet.width), size.height.min(sheet.height));
    let window = centred(size, sheet);
    Geometry { region, sheet, window, turn: Turn::None, ppi: 0.0, cut: 0.0, scale }
}

fn centred(size: PixelSize, sheet: PixelSize) -> Window {
    Window {
        x: (sheet.width - size.width) / 2,
        y: (sheet.height - size.height) / 2,
        width: size.width,
        height: size.height,
    }
}

/// `enlarge: never`: the same picture in its original pixels. A sheet around it shrinks with it.
fn unscaled(enlarged: Geometry) -> Geometry {
    let window = rounded(enlarged.region, 1.0);
    let has_sheet = enlarged.window != whole_window(enlarged.sheet);
    let sheet = if has_sheet {
        let side = |length: u32, least: u32| ((f64::from(length) / enlarged.scale).round() as u32).max(least);
        PixelSize::new(side(enlarged.sheet.width, window.width), side(enlarged.sheet.height, window.height))
    } else {
        window
    };
    Geometry { sheet, window: centred(window, sheet), scale: 1.0, ..enlarged }
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
    use crate::model::units::Length;
    use proptest::prelude::*;

    fn wish(frame: (u32, u32), size: SizeChoice, fit: Fit) -> Wish {
        Wish {
            frame: PixelSize::new(frame.0, frame.1),
            crop: None,
            size,
            fit,
            enlarge: Enlarge::Warn,
            orient: Orient::Keep,
            dpi: 300.0,
        }
    }

    fn boxed(text: &str) -> SizeChoice {
        SizeChoice::Box(Dimensions::parse(text).unwrap())
    }

    #[test]
    fn fill_cuts_the_centre_and_turns_the_box() {
        let g = decide(&wish((6000, 4000), boxed("8x10in"), Fit::Fill)).unwrap();
        assert_eq!(g.sheet, PixelSize::new(3000, 2400));
        assert_eq!(g.region, Region { x: 500.0, y: 0.0, width: 5000.0, height: 4000.0 });
        assert!((g.cut - 1.0 / 6.0).abs() < 1e-9 && (g.ppi - 500.0).abs() < 1e-9);
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
        assert_eq!((g.sheet, g.window.width, g.window.height), (PixelSize::new(1000, 800), 1000, 500));
    }

    #[test]
    fn pad_centres_on_the_sheet() {
        let g = decide(&wish((6000, 4000), boxed("8x10in"), Fit::Pad)).unwrap();
        assert_eq!(
            (g.sheet, g.window),
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
            w in 1_u32..12_000, h in 1_u32..12_000,
            x in 0.0..1.0_f64, y in 0.0..1.0_f64, cw in 0.0..1.0_f64, ch in 0.0..1.0_f64,
            bw in 1_u32..6_000, bh in 1_u32..6_000, fit in 0..3, never: bool, edge: bool,
        ) {
            let size = if edge { SizeChoice::LongEdge(Length::px(bw)) } else { SizeChoice::Box(Dimensions::new(Length::px(bw), Length::px(bh))) };
            let g = decide(&Wish {
                frame: PixelSize::new(w, h),
                crop: Some(Crop { x, y, width: cw, height: ch }),
                size,
                fit: [Fit::Fill, Fit::Fit, Fit::Pad][fit as usize],
                enlarge: if never { Enlarge::Never } else { Enlarge::Warn },
                orient: Orient::Keep,
                dpi: 300.0,
            });
            if let Ok(g) = g {
                prop_assert!(g.region.x >= 0.0 && g.region.y >= 0.0);
                prop_assert!(g.region.x + g.region.width <= f64::from(w) + 1e-6);
                prop_assert!(g.region.y + g.region.height <= f64::from(h) + 1e-6);
                prop_assert!(g.region.width > 0.0 && g.region.height > 0.0);
                prop_assert!(g.window.width >= 1 && g.window.x + g.window.width <= g.sheet.width);
                prop_assert!(g.window.height >= 1 && g.window.y + g.window.height <= g.sheet.height);
                prop_assert!((0.0..=1.0).contains(&g.cut));
                if never { prop_assert!(g.scale <= 1.0) }
            }
        }
    }
}
