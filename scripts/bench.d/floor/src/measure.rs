//! The floor: no renderer that decodes and encodes with libjpeg-turbo can be faster than this.

use std::path::Path;
use std::time::Instant;

use turbojpeg::{Compressor, Decompressor, Image, OutputBuf, PixelFormat, ScalingFactor, Subsamp};

use crate::Failure;

/// Seconds.
#[derive(Default)]
pub struct Spent {
    pub wall: f64,
    pub cpu: f64,
}

/// What one thread uses again and again, and what it spent.
#[derive(Default)]
pub struct Bench {
    pub spent: Spent,
    decoded: Vec<u8>,
    passed: Vec<u8>,
    scaled: Vec<u8>,
}

enum Shape {
    Full,
    /// Whole picture, this long edge.
    Fit(usize),
    /// The largest centred part of this shape.
    Fill(usize, usize),
}

pub struct Output {
    shape: Shape,
    quality: i32,
    subsampling: Subsamp,
}

impl Output {
    /// `fit2048:85:420`.
    pub fn parse(text: &str) -> Result<Output, Failure> {
        let mut parts = text.split(':');
        let (Some(shape), Some(quality), Some(subsampling), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(format!("{text} is not SHAPE:QUALITY:SUBSAMPLING").into());
        };
        let shape = if shape == "full" {
            Shape::Full
        } else if let Some(edge) = shape.strip_prefix("fit") {
            Shape::Fit(edge.parse()?)
        } else if let Some((width, height)) = shape.strip_prefix("fill").and_then(|s| s.split_once('x')) {
            Shape::Fill(width.parse()?, height.parse()?)
        } else {
            return Err(format!("{shape} is not full, fitN or fillNxN").into());
        };
        let subsampling = match subsampling {
            "444" => Subsamp::None,
            "420" => Subsamp::Sub2x2,
            other => return Err(format!("{other} is not 444 or 420").into()),
        };
        Ok(Output { shape, quality: quality.parse()?, subsampling })
    }

    fn size(&self, (width, height): (usize, usize)) -> (usize, usize) {
        match self.shape {
            Shape::Full => (width, height),
            Shape::Fit(edge) => {
                let by = edge as f64 / width.max(height) as f64;
                ((width as f64 * by).round() as usize, (height as f64 * by).round() as usize)
            }
            Shape::Fill(width, height) => (width, height),
        }
    }
}

/// A stretch of work that counts.
struct Clock {
    wall: Instant,
    cpu: f64,
}

impl Clock {
    fn start() -> Clock {
        Clock { cpu: cpu_seconds(), wall: Instant::now() }
    }

    fn stop(self, spent: &mut Spent) {
        spent.wall += self.wall.elapsed().as_secs_f64();
        spent.cpu += cpu_seconds() - self.cpu;
    }
}

/// What this thread has run so far. Zero where the system does not tell; only the wall counts then.
fn cpu_seconds() -> f64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    text.split(' ').next().and_then(|t| t.parse::<f64>().ok()).unwrap_or(0.0) / 1e9
}

/// Decode, one pass over the pixels, encode. Making the small picture that is encoded does not count.
pub fn floor(file: &Path, factor: usize, outputs: &[Output], bench: &mut Bench) -> Result<(), Failure> {
    let bytes = std::fs::read(file)?;
    // Once without the clock: the first touch of fresh memory costs as much as half a decode.
    if bench.decoded.is_empty() {
        decode_into(&bytes, factor, bench)?;
    }
    let clock = Clock::start();
    let size = decode_into(&bytes, factor, bench)?;
    bench.passed.copy_from_slice(&bench.decoded);
    clock.stop(&mut bench.spent);
    for output in outputs {
        let (width, height) = output.size(size);
        let pixels = if matches!(output.shape, Shape::Full) {
            &bench.passed
        } else {
            shrink(&bench.passed, size, (width, height), &mut bench.scaled);
            &bench.scaled
        };
        let clock = Clock::start();
        let mut compressor = Compressor::new()?;
        compressor.set_quality(output.quality)?;
        compressor.set_subsamp(output.subsampling)?;
        let image = Image { pixels: pixels.as_slice(), width, pitch: width * 3, height, format: PixelFormat::RGB };
        compressor.compress(image, &mut OutputBuf::new_owned())?;
        clock.stop(&mut bench.spent);
    }
    Ok(())
}

/// What it costs to read a finished picture back.
pub fn decode(file: &Path, bench: &mut Bench) -> Result<(), Failure> {
    let bytes = std::fs::read(file)?;
    if bench.decoded.is_empty() {
        decode_into(&bytes, 1, bench)?;
    }
    let clock = Clock::start();
    decode_into(&bytes, 1, bench)?;
    clock.stop(&mut bench.spent);
    Ok(())
}

fn decode_into(bytes: &[u8], factor: usize, bench: &mut Bench) -> Result<(usize, usize), Failure> {
    let mut decoder = Decompressor::new()?;
    let header = decoder.read_header(bytes)?;
    let factor = ScalingFactor::new(1, factor);
    decoder.set_scaling_factor(factor)?;
    let (width, height) = (factor.scale(header.width), factor.scale(header.height));
    bench.decoded.resize(width * height * 3, 0);
    bench.passed.resize(width * height * 3, 0);
    let pixels = bench.decoded.as_mut_slice();
    decoder.decompress(bytes, Image { pixels, width, pitch: width * 3, height, format: PixelFormat::RGB })?;
    Ok((width, height))
}

/// A plain box filter over the centred part of the target's shape: what is encoded has to be as detailed as a picture.
fn shrink(from: &[u8], (width, height): (usize, usize), (to_width, to_height): (usize, usize), to: &mut Vec<u8>) {
    to.clear();
    let step = (width as f64 / to_width as f64).min(height as f64 / to_height as f64);
    let left = (width as f64 - step * to_width as f64) / 2.0;
    let top = (height as f64 - step * to_height as f64) / 2.0;
    let range = |start: f64, at: usize, end: usize| {
        let low = ((start + at as f64 * step) as usize).min(end - 1);
        let high = ((start + (at + 1) as f64 * step) as usize).clamp(low + 1, end);
        low..high
    };
    for y in 0..to_height {
        let rows = range(top, y, height);
        for x in 0..to_width {
            let columns = range(left, x, width);
            let mut sum = [0_u32; 3];
            for row in rows.clone() {
                for pixel in from[(row * width + columns.start) * 3..(row * width + columns.end) * 3].chunks_exact(3) {
                    for (sum, value) in sum.iter_mut().zip(pixel) {
                        *sum += u32::from(*value);
                    }
                }
            }
            let count = (rows.len() * columns.len()) as u32;
            to.extend(sum.map(|sum| (sum / count) as u8));
        }
    }
}
