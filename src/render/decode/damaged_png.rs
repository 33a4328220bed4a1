//! What can still be read of a damaged PNG: its rows up to the damage, or its first, coarse passes.
//!
//! The `image` crate gives all of a picture or nothing. Must not know: sound pictures.

use std::io::Cursor;

use png::{BitDepth, ColorType, Decoder, Limits, Transformations};

use super::super::error::RenderError;
use super::super::header::Facts;
use super::super::raster::{Layout, Raster, Samples};
use super::{DECODER_EXTRA_BYTES, gray_alpha_to_rgba};

/// The rest is black, or clear where the picture has alpha.
pub(super) fn decode(bytes: &[u8], facts: &mut Facts) -> Result<Raster, RenderError> {
    let damaged = |e: &png::DecodingError| RenderError::Damaged(e.to_string());
    let size = facts.header.stored;
    let limits = Limits { bytes: (size.pixels() * 8 + DECODER_EXTRA_BYTES) as usize };
    let mut decoder = Decoder::new_with_limits(Cursor::new(bytes), limits);
    decoder.set_transformations(Transformations::EXPAND);
    let mut reader = decoder.read_info().map_err(|e| damaged(&e))?;
    if (reader.info().width, reader.info().height) != (size.width, size.height) {
        return Err(RenderError::Damaged("it names two different sizes".to_owned()));
    }
    facts.icc = reader.info().icc_profile.as_ref().map(|icc| icc.to_vec());
    let (color, depth) = reader.output_color_type();
    let channels = color.samples();
    let wide = depth == BitDepth::Sixteen;
    let mut samples = vec![0; size.pixels() as usize * channels * if wide { 2 } else { 1 }];
    match reader.next_frame(&mut samples) {
        // Where nothing of it was read there is no picture.
        Err(e) if samples.iter().all(|v| *v == 0) => return Err(damaged(&e)),
        _ => {}
    }
    let spread = |samples: Samples| match samples {
        Samples::U8(v) => Samples::U8(gray_alpha_to_rgba(&v)),
        Samples::U16(v) => Samples::U16(gray_alpha_to_rgba(&v)),
    };
    let samples = if wide {
        Samples::U16(samples.as_chunks::<2>().0.iter().map(|v| u16::from_be_bytes(*v)).collect())
    } else {
        Samples::U8(samples)
    };
    let (layout, samples) = match color {
        ColorType::Grayscale => (Layout::Gray, samples),
        ColorType::GrayscaleAlpha => (Layout::Rgba, spread(samples)),
        ColorType::Rgba => (Layout::Rgba, samples),
        ColorType::Rgb | ColorType::Indexed => (Layout::Rgb, samples),
    };
    Ok(Raster { size, layout, samples })
}
