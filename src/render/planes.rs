//! Luma and chroma as a JPEG stores them: half the memory of RGB, and half the work, until they are scaled.
//!
//! Scaling is linear and RGB is a linear function of YCbCr, so scaling first and converting then is the same but for
//! rounding, and for colours outside RGB, which are cut off later. Only for pictures whose chroma is not enlarged: the
//! decoder enlarges it more gently than the resizer would. Must not know: files, what the colours mean.

use pulp::Arch;
use rayon::prelude::*;

use super::raster::Layout;
use super::scratch;
use crate::model::spec::{PixelSize, Region};

/// How many luma samples share a chroma sample, across and down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Chroma {
    pub(super) across: u8,
    pub(super) down: u8,
}

impl Chroma {
    /// Of a JPEG whose planes are worth keeping and have no padding.
    pub(super) fn of(subsampling: turbojpeg::Subsamp, size: PixelSize) -> Option<Chroma> {
        let chroma = match subsampling {
            turbojpeg::Subsamp::Sub2x2 => Chroma { across: 2, down: 2 },
            turbojpeg::Subsamp::Sub2x1 => Chroma { across: 2, down: 1 },
            _ => return None,
        };
        let whole = size.width.is_multiple_of(chroma.across.into()) && size.height.is_multiple_of(chroma.down.into());
        whole.then_some(chroma)
    }

    fn size(self, luma: PixelSize) -> PixelSize {
        PixelSize::new(luma.width / u32::from(self.across), luma.height / u32::from(self.down))
    }

    /// Samples of all three planes of a picture.
    pub(super) fn samples(self, luma: PixelSize) -> usize {
        (luma.pixels() + 2 * self.size(luma).pixels()) as usize
    }

    /// The planes, one after the other in `samples`; each with its size and with the part of it that `seen` is. A
    /// chroma sample lies in the middle of its luma samples, so edges only have to be divided.
    pub(super) fn planes(self, samples: &[u8], luma: PixelSize, seen: Region) -> [(&[u8], PixelSize, Region); 3] {
        let small = self.size(luma);
        let (y, chroma) = samples.split_at(luma.pixels() as usize);
        let (blue, red) = chroma.split_at(small.pixels() as usize);
        let (across, down) = (f64::from(self.across), f64::from(self.down));
        let part =
            Region { x: seen.x / across, y: seen.y / down, width: seen.width / across, height: seen.height / down };
        [(y, luma, seen), (blue, small, part), (red, small, part)]
    }
}

/// Pixels that are converted in one go.
const BLOCK_PIXELS: usize = 16_384;

/// RGB out of three planes of one size, as JFIF defines them.
pub(super) fn to_rgb([luma, blue, red]: [&[u8]; 3]) -> Vec<u8> {
    let mut out = scratch::take(luma.len() * Layout::Rgb.channels());
    let arch = Arch::new();
    let blocks = luma.par_chunks(BLOCK_PIXELS).zip(blue.par_chunks(BLOCK_PIXELS)).zip(red.par_chunks(BLOCK_PIXELS));
    out.par_chunks_mut(BLOCK_PIXELS * 3).zip(blocks).for_each(|(out, ((luma, blue), red))| {
        arch.dispatch(
            #[inline(always)]
            || {
                let (pixels, _) = out.as_chunks_mut::<3>();
                for (((pixel, y), b), r) in pixels.iter_mut().zip(luma).zip(blue).zip(red) {
                    *pixel = rgb(*y, *b, *r);
                }
            },
        );
    });
    out
}

/// In parts of 65,536: 1.402, 0.344136, 0.714136, 1.772.
#[inline(always)]
fn rgb(luma: u8, blue: u8, red: u8) -> [u8; 3] {
    const HALF: i32 = 32_768;
    let (luma, blue, red) = (i32::from(luma), i32::from(blue) - 128, i32::from(red) - 128);
    let r = luma + ((91_881 * red + HALF) >> 16);
    let g = luma + ((HALF - 22_554 * blue - 46_802 * red) >> 16);
    let b = luma + ((116_130 * blue + HALF) >> 16);
    [r, g, b].map(|v| v.clamp(0, 255) as u8)
}

#[cfg(test)]
mod tests {
    use turbojpeg::Subsamp;

    use super::*;

    #[test]
    fn planes_lie_one_after_the_other() {
        let size = PixelSize::new(4, 2);
        let chroma = Chroma::of(Subsamp::Sub2x2, size).unwrap();
        let samples: Vec<u8> = (0..12).collect();
        assert_eq!(chroma.samples(size), 12);
        let seen = Region { x: 1.0, y: 0.0, width: 3.0, height: 2.0 };
        let [y, blue, red] = chroma.planes(&samples, size, seen);
        assert_eq!((y.0, y.1, y.2), (&samples[..8], size, seen));
        let half = Region { x: 0.5, y: 0.0, width: 1.5, height: 1.0 };
        assert_eq!((blue.0, blue.1, blue.2), (&[8u8, 9][..], PixelSize::new(2, 1), half));
        assert_eq!(red.0, [10, 11]);
    }

    #[test]
    fn padded_and_full_planes_are_left_alone() {
        for (subsampling, size) in [
            (Subsamp::Sub2x2, PixelSize::new(5, 4)),
            (Subsamp::Sub2x2, PixelSize::new(4, 5)),
            (Subsamp::Sub2x1, PixelSize::new(5, 4)),
            (Subsamp::None, PixelSize::new(4, 4)),
            (Subsamp::Gray, PixelSize::new(4, 4)),
        ] {
            assert_eq!(Chroma::of(subsampling, size), None);
        }
        assert!(Chroma::of(Subsamp::Sub2x1, PixelSize::new(4, 5)).is_some());
    }

    #[test]
    fn colours_are_those_of_jfif() {
        for luma in (0..=255).step_by(5) {
            assert_eq!(rgb(luma, 128, 128), [luma; 3]);
            for blue in (0..=255).step_by(15) {
                for red in (0..=255).step_by(15) {
                    let (y, b, r) = (f64::from(luma), f64::from(blue) - 128.0, f64::from(red) - 128.0);
                    let wanted = [y + 1.402 * r, y - 0.344_136 * b - 0.714_136 * r, y + 1.772 * b];
                    for (found, wanted) in rgb(luma, blue, red).iter().zip(wanted) {
                        assert!((f64::from(*found) - wanted.clamp(0.0, 255.0)).abs() < 0.51);
                    }
                }
            }
        }
        let planes = [[76u8; 3], [85; 3], [255; 3]];
        assert_eq!(to_rgb([&planes[0], &planes[1], &planes[2]]), [254, 0, 0].repeat(3));
    }
}
