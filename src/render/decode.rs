//! Bytes to pixels, in the stored orientation.
//!
//! Invariant: limits were checked before a buffer is made, and a picture that decodes only with a warning is refused
//! unless damage is accepted, or it is certain that none of its pixels is missing. Must not know: outputs.

mod damaged_png;
mod mended_jpeg;

use std::borrow::Cow;
use std::io::Cursor;

use image::{DynamicImage, ImageDecoder};
use turbojpeg::{Colorspace, Decompressor, Image, PixelFormat, ScalingFactor, YuvImage};

pub(super) use mended_jpeg::mend;

use super::bands;
use super::chunk;
use super::error::{RenderError, RenderWarning};
use super::header::Facts;
use super::planes::Chroma;
use super::raster::{Layout, Raster, Sample, Samples};
use super::scratch;
use super::segment::marker;
use crate::model::limits::METADATA_MAX_BYTES;
use crate::model::spec::{DecodeFactor, PictureFormat, PixelSize};

/// Progressive scans of one JPEG. Encoders write about ten; each costs a pass over the whole picture, so thousands
/// of empty ones are a known way to keep a machine busy.
const SCANS_MAX: u32 = 200;

/// What whoever decodes asks for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wish {
    /// How much of a JPEG.
    pub(super) factor: DecodeFactor,
    pub(super) accept_damage: bool,
    /// A JPEG's luma and chroma will do, if it has less chroma than luma.
    pub(super) planes: bool,
}

/// Decodes the whole picture into its own channels.
pub(super) fn decode(
    bytes: &[u8],
    facts: &mut Facts,
    factor: DecodeFactor,
    accept_damage: bool,
) -> Result<Raster, RenderError> {
    decode_as(bytes, facts, Wish { factor, accept_damage, planes: false })
}

/// Decodes the whole picture, at `1/factor` when it is a JPEG. Fills in what only decoding tells (a PNG's profile,
/// warnings).
pub(super) fn decode_as(bytes: &[u8], facts: &mut Facts, wish: Wish) -> Result<Raster, RenderError> {
    // The library gives all of a WebP or nothing.
    let nothing_else = wish.accept_damage || facts.header.format == PictureFormat::Webp;
    decode_pixels(bytes, facts, wish).map_err(|e| if nothing_else { e.lost() } else { e })
}

fn decode_pixels(bytes: &[u8], facts: &mut Facts, wish: Wish) -> Result<Raster, RenderError> {
    if !facts.complete {
        let what = "the file ends early".to_owned();
        if !wish.accept_damage {
            return Err(RenderError::Damaged(what));
        }
        facts.warnings.push(RenderWarning::DamageAccepted(what));
    }
    match facts.header.format {
        PictureFormat::Jpeg => decode_jpeg(bytes, facts, wish),
        PictureFormat::Tiff => {
            let bands = facts.bands.ok_or_else(|| RenderError::Damaged("its colours are unknown".to_owned()))?;
            let (mut raster, damage) = bands::decode(bytes, bands, facts.header.stored, wish.accept_damage)?;
            facts.warnings.extend(damage.map(RenderWarning::DamageAccepted));
            if facts.premultiplied {
                divide_by_alpha(&mut raster);
            }
            Ok(raster)
        }
        PictureFormat::Png => match decode_png(bytes, facts) {
            Err(RenderError::Damaged(what)) if wish.accept_damage => {
                let raster = damaged_png::decode(bytes, facts)?;
                facts.warnings.push(RenderWarning::DamageAccepted(what));
                Ok(raster)
            }
            result => result,
        },
        PictureFormat::Webp => {
            let decoder = image::codecs::webp::WebPDecoder::new(Cursor::new(bytes)).map_err(|e| image_error(&e))?;
            decode_with(decoder, facts)
        }
    }
}

fn decode_png(bytes: &[u8], facts: &mut Facts) -> Result<Raster, RenderError> {
    let limits = limits_for(facts.header.stored);
    let decoder = image::codecs::png::PngDecoder::with_limits(Cursor::new(bytes), limits);
    let mut decoder = decoder.map_err(|e| image_error(&e))?;
    facts.icc = decoder.icc_profile().ok().flatten();
    // The decoder passes over what does not match its checksum, even transparency.
    if (facts.icc.is_none() || facts.header.has_alpha)
        && let chunks = chunk::walk_png(bytes)?
        && facts.icc.is_none()
        && chunks.iter().any(|c| &c.kind == b"iCCP")
    {
        // One that cannot be unpacked is broken, not absent.
        facts.icc = Some(Vec::new());
    }
    decode_with(decoder, facts)
}

/// The size that a decode at `1/factor` gives.
pub(super) fn decoded_size(stored: PixelSize, format: PictureFormat, factor: DecodeFactor) -> PixelSize {
    if format != PictureFormat::Jpeg {
        return stored;
    }
    let factor = u32::from(factor.0.max(1));
    PixelSize::new(stored.width.div_ceil(factor), stored.height.div_ceil(factor))
}

/// Decodes a JPEG. Of one that the library complains of, it looks whether anything is missing: many cameras write files
/// that are whole, though not to the letter.
fn decode_jpeg(bytes: &[u8], facts: &mut Facts, wish: Wish) -> Result<Raster, RenderError> {
    // The library refuses pictures for a profile whose parts are not numbered right, though their pixels are fine.
    let bytes = if facts.profile_misnumbered { Cow::Owned(without_profile(bytes)) } else { Cow::Borrowed(bytes) };
    let strict = Wish { accept_damage: false, ..wish };
    let complaint = match decode_stream(&bytes, facts, strict) {
        Err(RenderError::Damaged(complaint)) => complaint,
        result => return result,
    };
    let mended = mend(&bytes).map(|mended| if facts.profile_misnumbered { without_profile(&mended) } else { mended });
    let missing = match mended.as_deref().map(|mended| decode_stream(mended, facts, strict)) {
        Some(Ok(raster)) => {
            facts.warnings.push(RenderWarning::Irregular(complaint));
            return Ok(raster);
        }
        Some(Err(RenderError::Damaged(missing))) => missing,
        Some(Err(other)) => return Err(other),
        None => complaint,
    };
    if wish.accept_damage {
        decode_stream(mended.as_deref().unwrap_or(&bytes), facts, wish)
    } else {
        Err(RenderError::Damaged(missing))
    }
}

/// What the library says of a picture.
fn complaint(error: turbojpeg::Error) -> String {
    match error {
        turbojpeg::Error::TurboJpegError(text) => text,
        other => other.to_string(),
    }
}

fn decode_stream(bytes: &[u8], facts: &mut Facts, wish: Wish) -> Result<Raster, RenderError> {
    let Wish { factor, accept_damage, planes } = wish;
    if !matches!(factor.0, 1 | 2 | 4 | 8) {
        return Err(RenderError::BadSpec(format!("a decode at 1/{}", factor.0)));
    }
    let mut decoder = Decompressor::new().map_err(|e| RenderError::Io(e.to_string()))?;
    decoder.set_scan_limit(SCANS_MAX).map_err(|e| RenderError::Io(e.to_string()))?;
    let head = decoder.read_header(bytes).map_err(|e| RenderError::Damaged(complaint(e)))?;
    let stored = facts.header.stored;
    if (head.width, head.height) != (stored.width as usize, stored.height as usize) {
        return Err(RenderError::Damaged("it names two different sizes".to_owned()));
    }
    if head.is_lossless {
        return Err(RenderError::Unsupported("a lossless JPEG".to_owned()));
    }
    decoder
        .set_scaling_factor(ScalingFactor::new(1, usize::from(factor.0)))
        .map_err(|e| RenderError::BadSpec(e.to_string()))?;
    let size = decoded_size(stored, PictureFormat::Jpeg, factor);
    // A scaled decode would scale the chroma too, where a decode to RGB takes what there is of it.
    let chroma = (planes && factor == DecodeFactor::FULL).then(|| Chroma::of(head.subsamp, size)).flatten();
    let (layout, format) = match (head.colorspace, chroma) {
        (Colorspace::Gray, _) => (Layout::Gray, PixelFormat::GRAY),
        (Colorspace::CMYK | Colorspace::YCCK, _) => (Layout::Cmyk, PixelFormat::CMYK),
        (Colorspace::YCbCr, Some(chroma)) => (Layout::Planes(chroma), PixelFormat::RGB),
        _ => (Layout::Rgb, PixelFormat::RGB),
    };
    let (width, height) = (size.width as usize, size.height as usize);
    let pitch = width * layout.channels();
    let mut samples = scratch::take(match layout {
        Layout::Planes(chroma) => chroma.samples(size),
        _ => pitch * height,
    });
    if accept_damage {
        // What the decoder may leave out must not show another picture.
        samples.fill(0);
    }
    let pixels = samples.as_mut_slice();
    let result = if let Layout::Planes(_) = layout {
        decoder.decompress_to_yuv(bytes, YuvImage { pixels, width, align: 1, height, subsamp: head.subsamp })
    } else {
        decoder.decompress(bytes, Image { pixels, width, pitch, height, format })
    };
    if let Err(error) = result {
        let text = complaint(error);
        if !(accept_damage && is_warning(&text)) {
            return Err(RenderError::Damaged(text));
        }
        facts.warnings.push(RenderWarning::DamageAccepted(text));
    }
    if layout == Layout::Cmyk && facts.inverted {
        for ink in &mut samples {
            *ink = !*ink;
        }
    }
    Ok(Raster { size, layout, samples: Samples::U8(samples) })
}

/// The same JPEG without APP2 segments before its first scan.
fn without_profile(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 2.min(bytes.len());
    out.extend(&bytes[..at]);
    while let Some([0xff, found, high, low]) = bytes.get(at..).and_then(<[u8]>::first_chunk) {
        let end = at + 2 + usize::from(u16::from_be_bytes([*high, *low]));
        let Some(segment) = bytes.get(at..end).filter(|_| *found != marker::SOS) else { break };
        if *found != marker::APP2 {
            out.extend(segment);
        }
        at = end;
    }
    out.extend(&bytes[at..]);
    out
}

/// The library gives one error for a picture that it gave up and one that it decoded with a warning; only the text
/// tells them apart. These are the warnings of libjpeg's `jerror.h` after which the pixels are filled in.
fn is_warning(text: &str) -> bool {
    ["Premature end of JPEG file", "Corrupt JPEG data", "Inconsistent progression sequence", "Invalid SOS parameters"]
        .iter()
        .any(|start| text.starts_with(start))
}

/// Memory that a decoder of the image crate may take beside the pixels: rows, tiles, packed metadata.
const DECODER_EXTRA_BYTES: u64 = 64 * 1024 * 1024;

fn limits_for(stored: PixelSize) -> image::Limits {
    let mut limits = image::Limits::default();
    limits.max_alloc = Some(stored.pixels() * 8 + DECODER_EXTRA_BYTES);
    limits
}

fn decode_with(mut decoder: impl ImageDecoder, facts: &Facts) -> Result<Raster, RenderError> {
    let stored = facts.header.stored;
    if decoder.dimensions() != (stored.width, stored.height) {
        return Err(RenderError::Damaged("it names two different sizes".to_owned()));
    }
    // `from_decoder` does not look at limits; the decoder's own word on the size is checked here.
    if decoder.total_bytes() > stored.pixels() * 16 {
        return Err(RenderError::Unsupported("this kind of pixels".to_owned()));
    }
    decoder.set_limits(limits_for(stored)).map_err(|e| image_error(&e))?;
    let picture = DynamicImage::from_decoder(decoder).map_err(|e| image_error(&e))?;
    let (layout, samples) = match picture {
        DynamicImage::ImageLuma8(p) => (Layout::Gray, Samples::U8(p.into_raw())),
        DynamicImage::ImageLumaA8(p) => (Layout::Rgba, Samples::U8(gray_alpha_to_rgba(&p.into_raw()))),
        DynamicImage::ImageRgb8(p) => (Layout::Rgb, Samples::U8(p.into_raw())),
        DynamicImage::ImageRgba8(p) => (Layout::Rgba, Samples::U8(p.into_raw())),
        DynamicImage::ImageLuma16(p) => (Layout::Gray, Samples::U16(p.into_raw())),
        DynamicImage::ImageLumaA16(p) => (Layout::Rgba, Samples::U16(gray_alpha_to_rgba(&p.into_raw()))),
        DynamicImage::ImageRgb16(p) => (Layout::Rgb, Samples::U16(p.into_raw())),
        DynamicImage::ImageRgba16(p) => (Layout::Rgba, Samples::U16(p.into_raw())),
        _ => return Err(RenderError::Unsupported("a picture with 32-bit pixels".to_owned())),
    };
    Ok(Raster { size: stored, layout, samples })
}

pub(super) fn gray_alpha_to_rgba<T: Sample>(samples: &[T]) -> Vec<T> {
    let (pixels, _) = samples.as_chunks::<2>();
    pixels.iter().flat_map(|[gray, alpha]| [*gray, *gray, *gray, *alpha]).collect()
}

fn divide_by_alpha(raster: &mut Raster) {
    fn divide<T: Sample>(samples: &mut [T]) {
        let (pixels, _) = samples.as_chunks_mut::<4>();
        for [colors @ .., alpha] in pixels {
            let alpha = u32::from(alpha.to_u16());
            for color in colors {
                let value = (u32::from(color.to_u16()) * 65_535 + alpha / 2).checked_div(alpha).unwrap_or(0);
                *color = T::from_u16(value.min(65_535) as u16);
            }
        }
    }
    if raster.layout == Layout::Rgba {
        match &mut raster.samples {
            Samples::U8(v) => divide(v),
            Samples::U16(v) => divide(v),
        }
    }
}

fn image_error(error: &image::ImageError) -> RenderError {
    match error {
        image::ImageError::Unsupported(e) => RenderError::Unsupported(e.to_string()),
        image::ImageError::Limits(_) => {
            RenderError::TooLarge { what: "bytes of metadata", found: 0, most: METADATA_MAX_BYTES as u64 }
        }
        other => RenderError::Damaged(other.to_string()),
    }
}
