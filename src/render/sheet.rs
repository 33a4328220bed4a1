//! The sheet: background, areas, windows, what is blended over them, the final turn.
//!
//! Invariant: every pixel of the sheet is background or was laid by a window that is inside the sheet. Must not know:
//! how the pixels of a window were made.

use super::cell::Finished;
use super::error::RenderError;
use super::raster::{Pose, Sample, Samples, turn_pixels};
use super::stamp::{Places, Stamp};
use crate::model::spec::{Edges, PixelSize, Turn, Window};

/// RGB samples of a sheet.
#[derive(Debug)]
pub(super) struct Canvas {
    size: PixelSize,
    samples: Samples,
    background: [u16; 3],
    /// Nothing was laid yet; the buffer is made with the first window that needs it.
    blank: bool,
}

impl Canvas {
    /// An empty sheet; `background` in the output's colours. `wide`: 16 bits a channel.
    pub(super) fn new(size: PixelSize, background: [u16; 3], wide: bool) -> Canvas {
        let samples = if wide { Samples::U16(Vec::new()) } else { Samples::U8(Vec::new()) };
        Canvas { size, samples, background, blank: true }
    }

    /// Whether an area lies on the sheet and is one.
    pub(super) fn check(&self, window: Window) -> Result<(), RenderError> {
        if is_inside(window, self.size) {
            return Ok(());
        }
        Err(RenderError::BadSpec(format!("the window {window:?} lies outside the sheet {}", self.size)))
    }

    /// Takes a picture that covers the whole sheet, if nothing lies there yet: without a copy. Else gives it back.
    pub(super) fn adopt(&mut self, window: Window, picture: Finished) -> Option<Finished> {
        let covers = self.blank && window == Window::of(self.size);
        match (picture, &self.samples) {
            (Finished { rgb: Samples::U8(rgb), alpha: None }, Samples::U8(_)) if covers => {
                self.samples = Samples::U8(rgb);
            }
            (Finished { rgb: Samples::U16(rgb), alpha: None }, Samples::U16(_)) if covers => {
                self.samples = Samples::U16(rgb);
            }
            (picture, _) => return Some(picture),
        }
        self.blank = false;
        None
    }

    /// Lays a picture into its window, over what is there, by its alpha.
    pub(super) fn lay(&mut self, window: Window, picture: &Finished) -> Result<(), RenderError> {
        self.check(window)?;
        self.fill();
        match (&mut self.samples, &picture.rgb, &picture.alpha) {
            (Samples::U8(sheet), Samples::U8(rgb), None) => lay(sheet, self.size, window, rgb, None),
            (Samples::U8(sheet), Samples::U8(rgb), Some(Samples::U8(alpha))) => {
                lay(sheet, self.size, window, rgb, Some(alpha));
            }
            (Samples::U16(sheet), Samples::U16(rgb), None) => lay(sheet, self.size, window, rgb, None),
            (Samples::U16(sheet), Samples::U16(rgb), Some(Samples::U16(alpha))) => {
                lay(sheet, self.size, window, rgb, Some(alpha));
            }
            _ => return Err(RenderError::BadSpec("a picture and its sheet differ in depth".to_owned())),
        }
        Ok(())
    }

    /// Fills an area; the colour is in the output's space and blended by its alpha.
    pub(super) fn fill_area(&mut self, window: Window, color: [u16; 4]) -> Result<(), RenderError> {
        self.check(window)?;
        self.fill();
        let line = vec![color; window.width as usize];
        for y in window.y as usize..(window.y + window.height) as usize {
            let at = (y * self.size.width as usize + window.x as usize) * 3;
            let span = at..at + line.len() * 3;
            match &mut self.samples {
                Samples::U8(v) => blend(&mut v[span], &line),
                Samples::U16(v) => blend(&mut v[span], &line),
            }
        }
        Ok(())
    }

    /// Blends a stamp over the sheet, once or again and again; what lies outside `area` is cut off.
    pub(super) fn blend(&mut self, stamp: &Stamp, places: Places, area: Window) -> Result<(), RenderError> {
        self.check(area)?;
        self.fill();
        match &mut self.samples {
            Samples::U8(v) => stamp.blend(v, self.size, places, area),
            Samples::U16(v) => stamp.blend(v, self.size, places, area),
        }
        Ok(())
    }

    /// Whether it has 16 bits a channel.
    pub(super) fn is_wide(&self) -> bool {
        matches!(self.samples, Samples::U16(_))
    }

    /// Continues the picture of a window past its edges as in a mirror, for so many pixels; they lie on the sheet.
    pub(super) fn mirror(&mut self, window: Window, edges: Edges) -> Result<(), RenderError> {
        if edges.is_none() {
            return Ok(());
        }
        let fits = edges.left <= window.x && edges.top <= window.y;
        if !fits {
            return Err(RenderError::BadSpec("a mirrored edge lies outside the sheet".to_owned()));
        }
        let outer = Window {
            x: window.x - edges.left,
            y: window.y - edges.top,
            width: window.width + edges.left + edges.right,
            height: window.height + edges.top + edges.bottom,
        };
        self.check(outer)?;
        self.fill();
        match &mut self.samples {
            Samples::U8(v) => mirror(v, self.size, window, outer),
            Samples::U16(v) => mirror(v, self.size, window, outer),
        }
        Ok(())
    }

    fn fill(&mut self) {
        if self.blank {
            let pixels = self.size.pixels() as usize;
            match &mut self.samples {
                Samples::U8(v) => *v = self.background.map(u8::from_u16).repeat(pixels),
                Samples::U16(v) => *v = self.background.repeat(pixels),
            }
            self.blank = false;
        }
    }

    /// The finished samples, turned.
    pub(super) fn into_samples(mut self, turn: Turn) -> Samples {
        self.fill();
        if turn == Turn::None {
            return self.samples;
        }
        match &self.samples {
            Samples::U8(v) => Samples::U8(turn_pixels::<u8, 3>(v, self.size, Pose::turned(turn))),
            Samples::U16(v) => Samples::U16(turn_pixels::<u16, 3>(v, self.size, Pose::turned(turn))),
        }
    }
}

fn is_inside(window: Window, sheet: PixelSize) -> bool {
    window.width > 0
        && window.height > 0
        && u64::from(window.x) + u64::from(window.width) <= u64::from(sheet.width)
        && u64::from(window.y) + u64::from(window.height) <= u64::from(sheet.height)
}

fn lay<T: Sample>(sheet: &mut [T], size: PixelSize, window: Window, rgb: &[T], alpha: Option<&[T]>) {
    let row_samples = size.width as usize * 3;
    let window_samples = window.width as usize * 3;
    let start = window.y as usize * row_samples + window.x as usize * 3;
    for (row, line) in rgb.chunks_exact(window_samples).enumerate() {
        let at = start + row * row_samples;
        let under = &mut sheet[at..at + window_samples];
        let Some(alpha) = alpha else {
            under.copy_from_slice(line);
            continue;
        };
        let alpha = &alpha[row * window.width as usize..];
        let ((under, _), (line, _)) = (under.as_chunks_mut::<3>(), line.as_chunks::<3>());
        for ((under, pixel), alpha) in under.iter_mut().zip(line).zip(alpha) {
            *under = std::array::from_fn(|i| over(pixel[i].to_u16(), alpha.to_u16(), under[i]));
        }
    }
}

fn blend<T: Sample>(under: &mut [T], line: &[[u16; 4]]) {
    let (under, _) = under.as_chunks_mut::<3>();
    for (under, [colors @ .., alpha]) in under.iter_mut().zip(line) {
        match *alpha {
            0 => {}
            u16::MAX => *under = colors.map(T::from_u16),
            alpha => *under = std::array::from_fn(|i| over(colors[i], alpha, under[i])),
        }
    }
}

/// One value over another, on encoded values as all browsers and viewers do it; rounded once.
fn over<T: Sample>(value: u16, alpha: u16, under: T) -> T {
    let (value, alpha, under) = (u64::from(value), u64::from(alpha), u64::from(under.to_u16()));
    T::from_u16(((value * alpha + under * (65_535 - alpha) + 32_767) / 65_535) as u16)
}

/// Where the pixel at `distance` past an edge comes from, counted from the edge inwards: back and forth for ever.
fn reflected(distance: u32, length: u32) -> u32 {
    let at = distance % (2 * length);
    if at < length { at } else { 2 * length - 1 - at }
}

fn mirror<T: Sample>(sheet: &mut [T], size: PixelSize, window: Window, outer: Window) {
    let row = size.width as usize * 3;
    let (left, right) = (window.x, window.x + window.width);
    for y in window.y..window.y + window.height {
        let (line, _) = sheet[y as usize * row..][..row].as_chunks_mut::<3>();
        for x in outer.x..left {
            line[x as usize] = line[(left + reflected(left - 1 - x, window.width)) as usize];
        }
        for x in right..outer.x + outer.width {
            line[x as usize] = line[(right - 1 - reflected(x - right, window.width)) as usize];
        }
    }
    let (top, bottom) = (window.y, window.y + window.height);
    let span = outer.x as usize * 3..(outer.x + outer.width) as usize * 3;
    let above = (outer.y..top).map(|y| (top + reflected(top - 1 - y, window.height), y));
    let below = (bottom..outer.y + outer.height).map(|y| (bottom - 1 - reflected(y - bottom, window.height), y));
    for (from, to) in above.chain(below) {
        let from = from as usize * row;
        sheet.copy_within(from + span.start..from + span.end, to as usize * row + span.start);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grey(canvas: Canvas) -> Vec<u8> {
        let Samples::U8(v) = canvas.into_samples(Turn::None) else { panic!("8 bits expected") };
        v.chunks(3).map(|p| p[0]).collect()
    }

    fn picture(values: &[u8]) -> Finished {
        Finished { rgb: Samples::U8(values.iter().flat_map(|v| [*v; 3]).collect()), alpha: None }
    }

    #[test]
    fn a_mirrored_edge_repeats_the_picture_backwards() {
        let mut canvas = Canvas::new(PixelSize::new(7, 4), [0; 3], false);
        let window = Window { x: 3, y: 1, width: 2, height: 2 };
        canvas.lay(window, &picture(&[1, 2, 3, 4])).unwrap();
        canvas.mirror(window, Edges { left: 3, top: 1, right: 2, bottom: 1 }).unwrap();
        let wanted = [2, 2, 1, 1, 2, 2, 1, 2, 2, 1, 1, 2, 2, 1, 4, 4, 3, 3, 4, 4, 3, 4, 4, 3, 3, 4, 4, 3];
        assert_eq!(grey(canvas), wanted);
    }

    #[test]
    fn a_mirror_past_the_sheet_is_refused() {
        let mut canvas = Canvas::new(PixelSize::new(4, 4), [0; 3], false);
        let window = Window { x: 1, y: 1, width: 2, height: 2 };
        assert!(canvas.mirror(window, Edges::all(2)).is_err());
        assert!(canvas.mirror(window, Edges::all(1)).is_ok());
    }

    #[test]
    fn areas_are_filled() {
        let mut canvas = Canvas::new(PixelSize::new(3, 1), [u16::MAX; 3], false);
        canvas.fill_area(Window { x: 1, y: 0, width: 1, height: 1 }, [0, 0, 0, u16::MAX]).unwrap();
        assert_eq!(grey(canvas), [255, 0, 255]);
    }
}
