//! Pixels in memory, and standing them upright.
//!
//! Invariant: `samples` holds exactly `size × channels` values, rows from the top, no padding; or the planes of
//! `Layout::Planes`. Must not know: where the pixels come from or what their colours mean.

use rayon::prelude::*;

use super::planes::Chroma;
use super::scratch;
use crate::model::spec::{Orientation, PixelSize, Region, Turn};

/// What the channels of a pixel are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Layout {
    Gray,
    Rgb,
    /// Unassociated alpha.
    Rgba,
    /// Full ink is the largest value, as ICC profiles count.
    Cmyk,
    /// Luma and chroma one after the other, 8 bits. Only between decoder and resizer, which makes RGB of them.
    Planes(Chroma),
}

impl Layout {
    pub(super) fn channels(self) -> usize {
        match self {
            Layout::Gray => 1,
            Layout::Rgb | Layout::Planes(_) => 3,
            Layout::Rgba | Layout::Cmyk => 4,
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Samples {
    U8(Vec<u8>),
    U16(Vec<u16>),
}

impl Samples {
    /// Leaves the buffer to the thread's next picture.
    pub(super) fn recycle(self) {
        match self {
            Samples::U8(v) => scratch::give(v),
            Samples::U16(v) => scratch::give(v),
        }
    }

    /// The same values with 8 bits, or with 16 where `wide`.
    pub(super) fn in_depth(self, wide: bool) -> Samples {
        match self {
            Samples::U8(v) if wide => Samples::U16(v.into_iter().map(Sample::to_u16).collect()),
            Samples::U16(v) if !wide => Samples::U8(v.into_iter().map(u8::from_u16).collect()),
            same => same,
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Raster {
    pub(super) size: PixelSize,
    pub(super) layout: Layout,
    pub(super) samples: Samples,
}

/// One channel value; 8 and 16 bits share the code of every step.
pub(super) trait Sample: scratch::Kept + Send + Sync {
    /// The full range as 16 bits, exact at both ends.
    fn to_u16(self) -> u16;
    /// Rounded to the nearest.
    fn from_u16(value: u16) -> Self;
    /// Of its own units, how many make a level of 255.
    const UNITS_OF_LEVEL: f32;
    /// A move by whole units, in the smallest type that holds every move that makes a difference: the narrower it is,
    /// the more of them the processor adds at once.
    type Move: Copy + Default;
    fn by(units: i32) -> Self::Move;
    /// Clamped.
    fn moved(self, by: Self::Move) -> Self;
}

impl Sample for u8 {
    fn to_u16(self) -> u16 {
        u16::from(self) * 257
    }

    fn from_u16(value: u16) -> u8 {
        ((u32::from(value) * 255 + 32_767) / 65_535) as u8
    }

    const UNITS_OF_LEVEL: f32 = 1.0;

    type Move = i16;

    #[inline]
    fn by(units: i32) -> i16 {
        units.clamp(-255, 255) as i16
    }

    #[inline]
    fn moved(self, by: i16) -> u8 {
        (i16::from(self) + by).clamp(0, 255) as u8
    }
}

impl Sample for u16 {
    fn to_u16(self) -> u16 {
        self
    }

    fn from_u16(value: u16) -> u16 {
        value
    }

    const UNITS_OF_LEVEL: f32 = 257.0;

    type Move = i32;

    #[inline]
    fn by(units: i32) -> i32 {
        units
    }

    #[inline]
    fn moved(self, by: i32) -> u16 {
        (i32::from(self) + by).clamp(0, 65_535) as u16
    }
}

/// How stored pixels become upright ones: mirrored left to right first, then turned clockwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pose {
    pub(super) mirrored: bool,
    pub(super) turn: Turn,
}

impl Pose {
    /// The camera's orientation, then the manifest's turn.
    pub(super) fn new(orientation: Orientation, rotate: Turn) -> Pose {
        Pose { mirrored: orientation.mirrored(), turn: add(orientation.turn(), rotate) }
    }

    pub(super) fn turned(turn: Turn) -> Pose {
        Pose { mirrored: false, turn }
    }

    pub(super) fn is_upright(self) -> bool {
        !self.mirrored && self.turn == Turn::None
    }

    /// A region of the upright frame in the coordinates of the stored one, whose size is given.
    pub(super) fn to_stored(self, region: Region, stored: PixelSize) -> Region {
        let (w, h) = (f64::from(stored.width), f64::from(stored.height));
        let r = region;
        let mut out = match self.turn {
            Turn::None => r,
            Turn::Quarter => Region { x: r.y, y: h - r.x - r.width, width: r.height, height: r.width },
            Turn::Half => Region { x: w - r.x - r.width, y: h - r.y - r.height, ..r },
            Turn::ThreeQuarters => Region { x: w - r.y - r.height, y: r.x, width: r.height, height: r.width },
        };
        if self.mirrored {
            out.x = w - out.x - out.width;
        }
        out
    }
}

fn add(a: Turn, b: Turn) -> Turn {
    match (a.degrees() + b.degrees()) % 360 {
        90 => Turn::Quarter,
        180 => Turn::Half,
        270 => Turn::ThreeQuarters,
        _ => Turn::None,
    }
}

impl Raster {
    #[cfg(test)]
    pub(super) fn rgb8(width: u32, height: u32, samples: Vec<u8>) -> Raster {
        assert_eq!(samples.len(), width as usize * height as usize * 3);
        Raster { size: PixelSize::new(width, height), layout: Layout::Rgb, samples: Samples::U8(samples) }
    }

    /// The same pixels, upright.
    pub(super) fn posed(&self, pose: Pose) -> Raster {
        let samples = match &self.samples {
            Samples::U8(v) => Samples::U8(turn_channels(v, self.layout, self.size, pose)),
            Samples::U16(v) => Samples::U16(turn_channels(v, self.layout, self.size, pose)),
        };
        Raster { size: self.size.turned(pose.turn), layout: self.layout, samples }
    }
}

fn turn_channels<T: Sample>(samples: &[T], layout: Layout, size: PixelSize, pose: Pose) -> Vec<T> {
    match layout.channels() {
        1 => turn_pixels::<T, 1>(samples, size, pose),
        3 => turn_pixels::<T, 3>(samples, size, pose),
        _ => turn_pixels::<T, 4>(samples, size, pose),
    }
}

/// Rows of a band; a band of turned rows reads a few columns, which stay in the cache.
const BAND_ROWS: usize = 16;

/// `N` samples a pixel, `size` of the stored picture.
pub(super) fn turn_pixels<T: Sample, const N: usize>(samples: &[T], size: PixelSize, pose: Pose) -> Vec<T> {
    let (w, h) = (size.width as usize, size.height as usize);
    let (pixels, _) = samples.as_chunks::<N>();
    let out_width = size.turned(pose.turn).width as usize;
    let mut out = scratch::take(w * h * N);
    let (out_pixels, _) = out.as_chunks_mut::<N>();
    out_pixels.par_chunks_mut((out_width * BAND_ROWS).max(1)).enumerate().for_each(|(band, rows)| {
        for tile in (0..out_width).step_by(BAND_ROWS) {
            for (row, line) in rows.chunks_mut(out_width).enumerate() {
                let y = band * BAND_ROWS + row;
                let end = (tile + BAND_ROWS).min(out_width);
                for (x, pixel) in line[tile..end].iter_mut().enumerate().map(|(i, p)| (tile + i, p)) {
                    let (mut from_x, from_y) = match pose.turn {
                        Turn::None => (x, y),
                        Turn::Quarter => (y, h - 1 - x),
                        Turn::Half => (w - 1 - x, h - 1 - y),
                        Turn::ThreeQuarters => (w - 1 - y, x),
                    };
                    if pose.mirrored {
                        from_x = w - 1 - from_x;
                    }
                    *pixel = pixels[from_y * w + from_x];
                }
            }
        }
    });
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The eight orientations of a 3 × 2 picture `abc / def`, as the EXIF standard draws them, each stored so that
    /// it stands upright as `abc / def`.
    #[test]
    fn every_orientation_stands_the_picture_upright() {
        let stored = [
            (1, 3, "abcdef"),
            (2, 3, "cbafed"),
            (3, 3, "fedcba"),
            (4, 3, "defabc"),
            (5, 2, "adbecf"),
            (6, 2, "cfbead"),
            (7, 2, "fcebda"),
            (8, 2, "daebfc"),
        ];
        for (exif, width, pixels) in stored {
            let size = PixelSize::new(width, 6 / width);
            let pose = Pose::new(Orientation::from_exif(exif), Turn::None);
            let out = turn_pixels::<u8, 1>(pixels.as_bytes(), size, pose);
            assert_eq!(String::from_utf8(out).unwrap(), "abcdef", "orientation {exif}");
            assert_eq!(size.turned(pose.turn), PixelSize::new(3, 2));
        }
    }

    #[test]
    fn a_region_names_the_same_pixels_before_and_after_turning() {
        let stored = PixelSize::new(7, 5);
        let numbers: Vec<u8> = (0..35).collect();
        for exif in 1..=8 {
            for degrees in [0, 90, 180, 270] {
                let pose = Pose::new(Orientation::from_exif(exif), Turn::from_degrees(degrees).unwrap());
                let upright = turn_pixels::<u8, 1>(&numbers, stored, pose);
                let width = stored.turned(pose.turn).width as usize;
                let seen = pose.to_stored(Region { x: 1.0, y: 2.0, width: 1.0, height: 1.0 }, stored);
                assert_eq!(numbers[(seen.y * 7.0 + seen.x) as usize], upright[2 * width + 1], "{exif} {degrees}");
            }
        }
    }

    #[test]
    fn eight_bits_survive_sixteen() {
        for v in 0..=255u8 {
            assert_eq!(u8::from_u16(v.to_u16()), v);
        }
        assert_eq!(u8::from_u16(128), 0);
        assert_eq!(u8::from_u16(129), 1);
    }
}
