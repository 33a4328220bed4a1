//! Conversion between colour spaces.
//!
//! Invariant: results are rounded, never truncated: all conversions run in 16 bits (the library's 8-bit path cuts
//! off, half a level too dark on average). Must not know: files, sheets.

use std::borrow::Cow;
use std::sync::Arc;

use moxcms::{
    ColorProfile, DataColorSpace, Layout as Channels, RenderingIntent, Transform16BitExecutor, TransformOptions,
};
use rayon::prelude::*;

use super::black::blacks;
use super::error::RenderError;
use super::profile::{Input, Profile};
use super::raster::{Layout, Raster, Sample, Samples};
use crate::model::spec::{ColorSpec, Intent};

/// Pixels that are converted in one go. Fixed, so that vector and scalar code meet the same pixels whatever the
/// number of threads.
const BLOCK_PIXELS: usize = 4096;

/// Of 8 bits, in 16.
const QUARTER_LEVEL: u16 = 64;

/// From one space to another; RGB comes out.
pub(super) struct Converter {
    transform: Arc<Transform16BitExecutor>,
    /// Black point compensation, before or after the transform; three tables of 65,536 values.
    before: Option<Curves>,
    after: Option<Curves>,
    channels: usize,
    /// Greys of the one space are greys of the other. Rounding of the matrix must not tint them.
    keeps_greys: bool,
    /// Of greys, black comes out as black, white as white, but for rounding: it would become a level or two where a
    /// steep curve follows.
    keeps_ends: [bool; 2],
}

impl std::fmt::Debug for Converter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Converter({} channels)", self.channels)
    }
}

type Curves = [Vec<u16>; 3];

pub(super) fn bad(reason: &impl ToString) -> RenderError {
    RenderError::BadProfile { name: "of the picture or the output".to_owned(), reason: reason.to_string() }
}

pub(super) fn options(intent: Intent) -> TransformOptions {
    TransformOptions {
        rendering_intent: match intent {
            Intent::Relative => RenderingIntent::RelativeColorimetric,
            Intent::Perceptual => RenderingIntent::Perceptual,
        },
        // The curves are what other programs read; the code points may say something else.
        allow_use_cicp_transfer: false,
        ..TransformOptions::default()
    }
}

/// Whether colours can be brought out of a profile. One can be read without a fault and still lack what that takes.
pub(super) fn connects(profile: &Profile) -> Result<(), String> {
    // Primaries and curves are all that it takes, and making tables for nothing is what most pictures would pay for.
    if profile.is_matrix() {
        return Ok(());
    }
    let made = Converter::new(profile, &Profile::srgb(), Intent::Relative, false);
    made.map(|_| ()).map_err(|error| match error {
        RenderError::BadProfile { reason, .. } => reason,
        other => other.to_string(),
    })
}

impl Converter {
    pub(super) fn new(
        from: &Profile,
        to: &Profile,
        intent: Intent,
        black_point: bool,
    ) -> Result<Converter, RenderError> {
        let (source, channels) = match from.parsed.color_space {
            DataColorSpace::Gray => (Channels::Gray, 1),
            DataColorSpace::Cmyk => (Channels::Rgba, 4),
            _ => (Channels::Rgb, 3),
        };
        let transform = from
            .parsed
            .create_transform_16bit(source, &to.parsed, Channels::Rgb, options(intent))
            .map_err(|e| bad(&e))?;
        let mut converter =
            Converter { transform, before: None, after: None, channels, keeps_greys: false, keeps_ends: [false; 2] };
        let blacks = if black_point { blacks(from, to, intent)? } else { None };
        if let Some((black_in, black_out)) = blacks.filter(|(black_in, black_out)| (black_in - black_out).abs() > 1e-9)
        {
            if to.is_matrix() {
                converter.after = Some(compensation(to, black_in, black_out)?);
            } else if from.is_matrix() {
                converter.before = Some(compensation(from, black_in, black_out)?);
            }
        }
        converter.keeps_greys = from.is_matrix() && to.is_matrix() && converter.greys_are_near()?;
        if channels == 1 || converter.keeps_greys {
            let mut ends: Vec<u16> = [0, u16::MAX].into_iter().flat_map(|end| vec![end; channels]).collect();
            let mut out = [0; 6];
            converter.block(&mut ends, &mut out)?;
            let (black, white) = out.split_at(3);
            let near = |found: &[u16], end: u16| found.iter().all(|v| v.abs_diff(end) <= QUARTER_LEVEL);
            converter.keeps_ends = [near(black, 0), near(white, u16::MAX)];
        }
        Ok(converter)
    }

    /// Whether greys come out as greys but for rounding.
    fn greys_are_near(&self) -> Result<bool, RenderError> {
        let mut greys: Vec<u16> = (0..=u16::MAX).step_by(4_369).flat_map(|v| [v; 3]).collect();
        let mut out = vec![0; greys.len()];
        self.block(&mut greys, &mut out)?;
        let near = |a: u16, b: u16| a.abs_diff(b) <= QUARTER_LEVEL;
        Ok(out.as_chunks::<3>().0.iter().all(|[r, g, b]| near(*g, *r) && near(*g, *b)))
    }

    /// Whether 8-bit pixels would come out as they went in, but for what rounding inside the profiles does: a level or
    /// two in the one dark channel of strong colours, a quarter of a level on average.
    fn changes_nothing(&self) -> Result<bool, RenderError> {
        let mut probes = Vec::new();
        let steps = [0u16, 1, 4, 12, 32, 64, 96, 128, 160, 192, 224, 240, 255];
        for r in steps {
            for g in steps {
                probes.extend(steps.iter().flat_map(|b| [r * 257, g * 257, b * 257]));
            }
        }
        probes.extend((0..=255u16).flat_map(|v| [v * 257; 3]));
        let mut out = vec![0; probes.len()];
        self.block(&mut probes.clone(), &mut out)?;
        let moved = || probes.iter().zip(&out).map(|(a, b)| u64::from(a.abs_diff(*b)));
        let mean = moved().sum::<u64>() / probes.len() as u64;
        Ok(mean < 257 / 4 && moved().all(|m| m < 2 * 257))
    }

    fn block(&self, source: &mut [u16], out: &mut [u16]) -> Result<(), RenderError> {
        if let Some(curves) = &self.before {
            apply(curves, source);
        }
        self.transform.transform(source, out).map_err(|e| bad(&e))?;
        if let Some(curves) = &self.after {
            apply(curves, out);
        }
        if self.keeps_greys {
            let ((source, _), (out, _)) = (source.as_chunks::<3>(), out.as_chunks_mut::<3>());
            for ([r, g, b], out) in source.iter().zip(out) {
                *out = if r == g && g == b { [self.end(*g).unwrap_or(out[1]); 3] } else { *out };
            }
        }
        if self.channels == 1 {
            for (source, out) in source.iter().zip(out.as_chunks_mut::<3>().0) {
                *out = self.end(*source).map_or(*out, |end| [end; 3]);
            }
        }
        Ok(())
    }

    /// What becomes of a grey that is an end of the scale, where the ends are kept.
    fn end(&self, grey: u16) -> Option<u16> {
        let [black, white] = self.keeps_ends;
        ((grey == 0 && black) || (grey == u16::MAX && white)).then_some(grey)
    }

    fn run<S: Sample, D: Sample>(&self, source: &[S]) -> Result<Vec<D>, RenderError> {
        let pixels = source.len() / self.channels;
        let mut out = vec![D::default(); pixels * 3];
        out.par_chunks_mut(BLOCK_PIXELS * 3).zip(source.par_chunks(BLOCK_PIXELS * self.channels)).try_for_each_init(
            || (Vec::with_capacity(BLOCK_PIXELS * 4), vec![0; BLOCK_PIXELS * 3]),
            |(wide, converted), (out, source)| {
                wide.clear();
                wide.extend(source.iter().map(|v| v.to_u16()));
                let converted = &mut converted[..out.len()];
                self.block(wide, converted)?;
                for (to, from) in out.iter_mut().zip(converted) {
                    *to = D::from_u16(*from);
                }
                Ok(())
            },
        )?;
        Ok(out)
    }

    /// To 8-bit RGB samples.
    fn to_rgb8(&self, raster: &Raster) -> Result<Vec<u8>, RenderError> {
        match &raster.samples {
            Samples::U8(v) => self.run(v),
            Samples::U16(v) => self.run(v),
        }
    }

    /// To 16-bit RGB samples.
    pub(super) fn to_rgb16(&self, raster: &Raster) -> Result<Raster, RenderError> {
        let samples = match &raster.samples {
            Samples::U8(v) => self.run(v),
            Samples::U16(v) => self.run(v),
        }?;
        Ok(Raster { size: raster.size, layout: Layout::Rgb, samples: Samples::U16(samples) })
    }

    /// One colour.
    pub(super) fn color(&self, rgb: [u8; 3]) -> Result<[u16; 3], RenderError> {
        let out: Vec<u16> = self.run(&rgb[..])?;
        Ok([out[0], out[1], out[2]])
    }
}

fn apply(curves: &Curves, pixels: &mut [u16]) {
    let (pixels, _) = pixels.as_chunks_mut::<3>();
    for pixel in pixels {
        for (value, curve) in pixel.iter_mut().zip(curves) {
            *value = curve[usize::from(*value)];
        }
    }
}

/// Curves that map one black onto another, white staying white.
///
/// Black point compensation scales XYZ about the white: with neutral blacks of luminance `in` and `out` it is
/// `x' = (x - 1) × (1 - out) / (1 - in) + 1` on every linear channel. So it can be done on the linear values of
/// whichever side is a matrix profile.
fn compensation(matrix: &Profile, black_in: f64, black_out: f64) -> Result<Curves, RenderError> {
    let linear = linear_tables(&matrix.parsed)?;
    let scale = (1.0 - black_out) / (1.0 - black_in);
    Ok(linear.map(|table| {
        table.iter().map(|x| encode(&table, ((f64::from(*x) - 1.0) * scale + 1.0).max(0.0) as f32)).collect()
    }))
}

/// Linear light, 0 … 1, of every 16-bit value of the three channels.
pub(super) fn linear_tables(profile: &ColorProfile) -> Result<[Vec<f32>; 3], RenderError> {
    let r = profile.build_r_linearize_table::<u16, 65_536, 16>(false).map_err(|e| bad(&e))?;
    let g = profile.build_g_linearize_table::<u16, 65_536, 16>(false).map_err(|e| bad(&e))?;
    let b = profile.build_b_linearize_table::<u16, 65_536, 16>(false).map_err(|e| bad(&e))?;
    Ok([r.to_vec(), g.to_vec(), b.to_vec()])
}

/// The 16-bit value whose linear light is nearest; the table must rise.
pub(super) fn encode(table: &[f32], linear: f32) -> u16 {
    let above = table.partition_point(|x| *x < linear);
    let nearest = match (table.get(above.wrapping_sub(1)), table.get(above)) {
        (Some(low), Some(high)) if linear - low < high - linear => above - 1,
        (_, None) => table.len() - 1,
        _ => above,
    };
    nearest as u16
}

/// How one source gets into one output space.
#[derive(Debug)]
pub(super) struct Path {
    input: Input,
    /// Into the working space, for pictures that have none of their own.
    inward: Option<Converter>,
    /// The space that tones and sharpening work in: always RGB by primaries and curves, unless nothing is converted.
    pub(super) working: Profile,
    /// Out of the working space; none when both are the same but for rounding.
    outward: Option<Converter>,
}

impl Path {
    /// The working space is the input's own when it is RGB by primaries and curves, else sRGB.
    ///
    /// Pictures that are adjusted or toned (`edited`) need a working space of that kind even where nothing would have to
    /// be converted.
    pub(super) fn new(input: Input, output: &Profile, spec: &ColorSpec, edited: bool) -> Result<Path, RenderError> {
        let works = |profile: &Profile| profile.is_matrix() || (profile.icc == output.icc && !edited);
        let convert = |from: &Profile, to: &Profile| Converter::new(from, to, spec.intent, spec.black_point);
        let (inward, working) = match &input {
            Input::Profile(profile) | Input::PlainGray(profile) if works(profile) => (None, profile.clone()),
            Input::Profile(profile) => (Some(convert(profile, &Profile::srgb())?), Profile::srgb()),
            Input::PlainGray(_) | Input::PlainCmyk => (None, Profile::srgb()),
        };
        let outward = if working.icc == output.icc {
            None
        } else {
            let converter = convert(&working, output)?;
            // Camera makers each write their own sRGB. Converting between them would only add rounding.
            if working.is_matrix() && output.is_matrix() && converter.changes_nothing()? {
                None
            } else {
                Some(converter)
            }
        };
        Ok(Path { input, inward, working, outward })
    }

    /// RGB of the working space. The raster has no alpha.
    pub(super) fn inward<'a>(&self, raster: Cow<'a, Raster>) -> Result<Cow<'a, Raster>, RenderError> {
        if let Some(converter) = &self.inward {
            // Grey with alpha was decoded as RGB; its profile knows one channel.
            let raster = if converter.channels == 1 { first_channel(raster) } else { raster };
            if raster.layout.channels() != converter.channels {
                return Err(bad(&"it is for other channels than the pixels have"));
            }
            return converter.to_rgb16(&raster).map(Cow::Owned);
        }
        Ok(match (&self.input, raster.layout) {
            (Input::PlainCmyk, Layout::Cmyk) => Cow::Owned(plain_cmyk(&raster)),
            (_, Layout::Gray) => Cow::Owned(spread_gray(&raster)),
            _ => raster,
        })
    }

    /// Finished RGB samples of the output space; `wide`: 16 bits a channel.
    pub(super) fn outward(&self, raster: Cow<'_, Raster>, wide: bool) -> Result<Samples, RenderError> {
        if let Some(converter) = &self.outward {
            return if wide {
                converter.to_rgb16(&raster).map(|raster| raster.samples)
            } else {
                converter.to_rgb8(&raster).map(Samples::U8)
            };
        }
        let samples = match raster {
            Cow::Borrowed(raster) => raster.samples.clone(),
            Cow::Owned(raster) => raster.samples,
        };
        Ok(samples.in_depth(wide))
    }
}

fn first_channel(raster: Cow<'_, Raster>) -> Cow<'_, Raster> {
    fn first<T: Sample>(samples: &[T]) -> Vec<T> {
        samples.as_chunks::<3>().0.iter().map(|[v, ..]| *v).collect()
    }
    if raster.layout != Layout::Rgb {
        return raster;
    }
    let samples = match &raster.samples {
        Samples::U8(v) => Samples::U8(first(v)),
        Samples::U16(v) => Samples::U16(first(v)),
    };
    Cow::Owned(Raster { size: raster.size, layout: Layout::Gray, samples })
}

fn spread_gray(raster: &Raster) -> Raster {
    fn spread<T: Sample>(samples: &[T]) -> Vec<T> {
        samples.iter().flat_map(|v| [*v; 3]).collect()
    }
    let samples = match &raster.samples {
        Samples::U8(v) => Samples::U8(spread(v)),
        Samples::U16(v) => Samples::U16(spread(v)),
    };
    Raster { size: raster.size, layout: Layout::Rgb, samples }
}

/// CMYK without a profile: each ink takes away its own light, black all of it.
fn plain_cmyk(raster: &Raster) -> Raster {
    fn plain<T: Sample>(samples: &[T]) -> Vec<u16> {
        let (pixels, _) = samples.as_chunks::<4>();
        let light = |v: T| u32::from(u16::MAX - v.to_u16());
        pixels
            .iter()
            .flat_map(|[c, m, y, k]| [*c, *m, *y].map(|ink| ((light(ink) * light(*k) + 32_767) / 65_535) as u16))
            .collect()
    }
    let samples = match &raster.samples {
        Samples::U8(v) => plain(v),
        Samples::U16(v) => plain(v),
    };
    Raster { size: raster.size, layout: Layout::Rgb, samples: Samples::U16(samples) }
}
