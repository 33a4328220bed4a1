//! Elements over the pictures of a sheet: cut marks, artwork, texts.
//!
//! Invariant: what belongs into an area stays in it; a text or logo is never cut off, but for the copies of a tiled
//! one at the edge. Must not know: pictures.

use std::ops::Range;
use std::sync::Arc;

use super::artwork::Picture;
use super::error::RenderError;
use super::paint::Paint;
use super::profile::{Assets, Input, Profile};
use super::sheet::Canvas;
use super::stamp::{Matter, Places, Stamp};
use super::text::{Font, Line};
use crate::model::profile::Anchor;
use crate::model::spec::{Artwork, Element, PixelSize, Spot, Text, Window};

/// Draws the elements in their order.
pub(super) fn draw(
    elements: &[Element],
    canvas: &mut Canvas,
    paint: &Paint,
    assets: &dyn Assets,
) -> Result<(), RenderError> {
    for element in elements {
        match element {
            Element::Line(line) => canvas.fill_area(line.window, paint.color(line.color)?)?,
            Element::Artwork(artwork) => draw_artwork(artwork, canvas, paint, assets)?,
            Element::Text(text) => draw_text(text, canvas, paint, assets)?,
        }
    }
    Ok(())
}

fn asset(digest: &str, shown: &str, assets: &dyn Assets) -> Result<Arc<[u8]>, RenderError> {
    assets.get(digest).ok_or_else(|| bad(shown, "it is not among the files of the job".to_owned()))
}

fn bad(shown: &str, reason: String) -> RenderError {
    RenderError::BadAsset { name: shown.to_owned(), reason }
}

/// 16 bits of a share of 1.
fn share(of_one: f64) -> u16 {
    (of_one.clamp(0.0, 1.0) * f64::from(u16::MAX)).round() as u16
}

fn draw_artwork(artwork: &Artwork, canvas: &mut Canvas, paint: &Paint, assets: &dyn Assets) -> Result<(), RenderError> {
    canvas.check(artwork.spot.area)?;
    let bytes = asset(&artwork.asset, &artwork.shown, assets)?;
    let picture = Picture::read(&bytes, &artwork.values).map_err(|reason| bad(&artwork.shown, reason))?;
    let room = Room::of(&artwork.spot);
    let (width, height) = picture.shape();
    let across = artwork.width.unwrap_or(f64::INFINITY).min(room.width) / width;
    let down = artwork.height.unwrap_or(f64::INFINITY).min(room.height) / height;
    let whole = |length: f64, most: u32| (length * across.min(down)).round().clamp(1.0, f64::from(most)) as u32;
    let area = artwork.spot.area;
    let size = PixelSize::new(whole(width, area.width), whole(height, area.height));
    let wide = canvas.is_wide();
    let (raster, input) = picture.at(size, wide)?;
    let matter = Matter::Picture(paint.picture(raster, input, wide)?);
    let stamp = Stamp { size, matter, opacity: share(artwork.opacity) };
    let (x, y) = room.place(f64::from(size.width), f64::from(size.height));
    // Rounding must not push it over the edge.
    let inside = |at: f64, start: u32, room: u32, length: u32| {
        (at.round() as i64).min(i64::from(start) + i64::from(room) - i64::from(length)).max(i64::from(start))
    };
    let (x, y) = (inside(x, area.x, area.width, size.width), inside(y, area.y, area.height, size.height));
    canvas.blend(&stamp, places(&artwork.spot, x, y, size), area)
}

fn draw_text(text: &Text, canvas: &mut Canvas, paint: &Paint, assets: &dyn Assets) -> Result<(), RenderError> {
    canvas.check(text.spot.area)?;
    let font = match &text.font {
        None => Font::shipped(),
        Some(digest) => Font::of(asset(digest, "with the font", assets)?),
    };
    let font = font.map_err(|reason| bad("with the font", reason))?;
    let Some(line) = Line::of(&font, &text.text, text.outline.is_some()) else { return Ok(()) };
    let room = Room::of(&text.spot);
    let scale = (text.height / line.height)
        .min(text.max_width.unwrap_or(f64::INFINITY) / line.advance)
        .min(room.width / line.whole.width())
        .min(room.height / line.whole.height());
    if !(scale.is_finite() && scale > 0.0) {
        return Err(RenderError::BadSpec(format!("a text of {} pixels", text.height)));
    }
    let (whole, ink) = (line.whole.scaled(scale), line.ink.scaled(scale));
    let (left, top) = room.place(whole.width(), whole.height());
    // The baseline lies between two rows of pixels, so that the feet of the letters are sharp; if there is room for it.
    let exact = top - whole.top;
    let fits = |y: &f64| y + whole.top >= room.y && y + whole.bottom <= room.y + room.height;
    let origin = (left - whole.left, [exact.round(), exact.floor()].into_iter().find(fits).unwrap_or(exact));
    let area = text.spot.area;
    let columns = cover(origin.0 + ink.left, origin.0 + ink.right, area.x, area.width);
    let rows = cover(origin.1 + ink.top, origin.1 + ink.bottom, area.y, area.height);
    let Some(letters) = line.paint(scale, origin, &columns, &rows) else { return Ok(()) };
    let colors = [paint.color(text.color)?, paint.color(text.outline.unwrap_or(text.color))?];
    let size = letters.size;
    let places = places(&text.spot, columns.start, rows.start, size);
    let matter = Matter::Letters { coverage: letters.coverage, colors };
    canvas.blend(&Stamp { size, matter, opacity: share(text.opacity) }, places, area)?;
    let Some(colored) = letters.colored else { return Ok(()) };
    let matter = Matter::Picture(paint.picture(colored, Input::Profile(Profile::srgb()), canvas.is_wide())?);
    let opacity = share(text.opacity * f64::from(text.color.alpha) / 255.0);
    canvas.blend(&Stamp { size, matter, opacity }, places, area)
}

/// The whole pixels that something covers, inside an area.
fn cover(from: f64, to: f64, start: u32, length: u32) -> Range<i64> {
    let (start, end) = (i64::from(start), i64::from(start) + i64::from(length));
    // Dust of rounding is no pixel.
    let first = ((from + 0.001).floor() as i64).clamp(start, end - 1);
    first..((to - 0.001).ceil() as i64).clamp(first + 1, end)
}

/// The area of a spot less its margins.
struct Room {
    x: f64,
    y: f64,
    width: f64,
    height: f64,
    anchor: Anchor,
}

impl Room {
    fn of(spot: &Spot) -> Room {
        let Window { x, y, width, height } = spot.area;
        let (width, height) = (f64::from(width), f64::from(height));
        // A margin that leaves nothing leaves the middle.
        let margin = match spot.anchor {
            Anchor::Tile => 0.0,
            _ => spot.margin.max(0.0).min((width.min(height) - 1.0) / 2.0),
        };
        let (x, y) = (f64::from(x) + margin, f64::from(y) + margin);
        Room { x, y, width: width - 2.0 * margin, height: height - 2.0 * margin, anchor: spot.anchor }
    }

    /// The top left of something so large.
    fn place(&self, width: f64, height: f64) -> (f64, f64) {
        use Anchor::{Bottom, BottomLeft, BottomRight, Left, Right, Top, TopLeft, TopRight};
        let across = match self.anchor {
            TopLeft | Left | BottomLeft => 0.0,
            TopRight | Right | BottomRight => 1.0,
            _ => 0.5,
        };
        let down = match self.anchor {
            TopLeft | Top | TopRight => 0.0,
            BottomLeft | Bottom | BottomRight => 1.0,
            _ => 0.5,
        };
        (self.x + (self.width - width) * across, self.y + (self.height - height) * down)
    }
}

/// Where the copies of something at `x`, `y` go: one; or all over, by the margin apart, without one by as much as the
/// shorter side (half of that looked crowded with a line of text, and as little protective as one grey veil).
fn places(spot: &Spot, x: i64, y: i64, size: PixelSize) -> Places {
    if spot.anchor != Anchor::Tile {
        return Places::Once { x, y };
    }
    let gap = match spot.margin.round() {
        margin if margin >= 1.0 => margin as i64,
        _ => i64::from(size.width.min(size.height)),
    };
    Places::Tiled { x, y, across: i64::from(size.width) + gap, down: i64::from(size.height) + gap }
}
