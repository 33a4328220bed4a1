//! What lies outside the finished size, to be cut off: the picture around the crop, then its mirror.
//!
//! Owns: all four sides are made the same way, and nothing but the picture's own pixels is shown in it.

use super::geometry::{Placed, moved};
use super::region::Canvas;
use crate::model::profile::BleedFill;
use crate::model::spec::{Edges, PixelSize, Region, Window};

/// Pixels outside the size, on each side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BleedWish {
    pub width: u32,
    pub fill: BleedFill,
}

const SIDES: [fn(&mut Edges) -> &mut u32; 4] = [|e| &mut e.left, |e| &mut e.top, |e| &mut e.right, |e| &mut e.bottom];

/// The same picture on a sheet that is wider by the bleed, continued where it touches the trimmed edge: by the picture
/// around it, as far as there is one, then mirrored.
pub fn bled(placed: Placed, trim: PixelSize, bleed: BleedWish, canvas: Canvas) -> Placed {
    let window = placed.window;
    let moved = Placed { window: moved(window, bleed.width), ..placed };
    if bleed.fill == BleedFill::Color {
        return moved;
    }
    let mut wanted = beyond(window, trim, bleed.width);
    if bleed.fill == BleedFill::Mirror {
        return Placed { mirror: wanted, ..moved };
    }
    let mut taken = Edges::default();
    for side in SIDES {
        let most = *side(&mut wanted);
        *side(&mut taken) = largest(most, |pixels| {
            let mut tried = taken;
            *side(&mut tried) = pixels;
            canvas.holds(widened(placed, tried).0)
        });
        *side(&mut wanted) -= *side(&mut taken);
    }
    let (region, window) = widened(moved, taken);
    Placed { region, window, mirror: wanted, ..moved }
}

/// An area of one colour on such a sheet, which goes on to the sheet's edge where it touches the trimmed one.
pub fn bled_area(area: Window, trim: PixelSize, bleed: BleedWish) -> Window {
    let by = beyond(area, trim, bleed.width);
    // Moved as far as the bleed is wide, so that there is room on its left and above it.
    let moved = moved(area, bleed.width);
    Window {
        x: moved.x - by.left,
        y: moved.y - by.top,
        width: area.width + by.left + by.right,
        height: area.height + by.top + by.bottom,
    }
}

/// So much on each side where an area touches the trimmed edge.
fn beyond(area: Window, trim: PixelSize, width: u32) -> Edges {
    let on = |touches: bool| if touches { width } else { 0 };
    Edges {
        left: on(area.x == 0),
        top: on(area.y == 0),
        right: on(area.x + area.width == trim.width),
        bottom: on(area.y + area.height == trim.height),
    }
}

/// The largest number up to `most` that fits; smaller ones fit too, and 0 always does.
fn largest(most: u32, fits: impl Fn(u32) -> bool) -> u32 {
    let (mut largest, mut too_many) = (0, most + 1);
    while too_many - largest > 1 {
        let middle = largest + (too_many - largest) / 2;
        if fits(middle) {
            largest = middle;
        } else {
            too_many = middle;
        }
    }
    largest
}

/// Region and window with so many finished pixels more on each side.
fn widened(placed: Placed, by: Edges) -> (Region, Window) {
    let (region, window) = (placed.region, placed.window);
    let across = region.width / f64::from(window.width);
    let down = region.height / f64::from(window.height);
    let pixels = |n: u32, each: f64| f64::from(n) * each;
    let region = Region {
        x: region.x - pixels(by.left, across),
        y: region.y - pixels(by.top, down),
        width: region.width + pixels(by.left + by.right, across),
        height: region.height + pixels(by.top + by.bottom, down),
    };
    let window = Window {
        x: window.x.saturating_sub(by.left),
        y: window.y.saturating_sub(by.top),
        width: window.width + by.left + by.right,
        height: window.height + by.top + by.bottom,
    };
    (region, window)
}
