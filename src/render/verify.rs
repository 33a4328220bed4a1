//! Reading finished files back, as another program would.
//!
//! Invariant: a file that passes is whole, of the planned size and depth, with the planned profile and dpi, and stands
//! upright by itself, whatever it is called. Must not know: how files are made.

use std::io::Cursor;

use sha2::{Digest, Sha256};

use super::bands;
use super::chunk;
use super::decode;
use super::dpi;
use super::error::RenderError;
use super::exif::{Directory, tag};
use super::header::{self, Facts, Inks};
use super::profile::{Assets, Profile};
use super::segment::{self, marker};
use crate::model::spec::{ColorSpace, DecodeFactor, Encoding, Orientation, OutputSpec, PictureFormat, PixelSize};

/// How closely a file is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VerifyDepth {
    /// Markers, end, size, dpi, profile, orientation.
    Headers,
    /// The same, and all coded pixels are read.
    Full,
}

/// Why a finished file is not what was planned.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum VerifyError {
    #[error("the finished file cannot be read: {0}")]
    Unreadable(#[from] RenderError),
    #[error("the finished file is a {found:?}, not what was planned")]
    OtherFormat { found: PictureFormat },
    #[error("the finished file has {found} pixels, {planned} were planned")]
    OtherSize { planned: PixelSize, found: PixelSize },
    #[error("the finished file has {found} bits a channel, {planned} were planned")]
    OtherDepth { planned: u8, found: u8 },
    #[error("the finished file says {found} dpi in its {place}, {planned} were planned")]
    OtherDpi { place: &'static str, planned: f64, found: f64 },
    #[error("the finished file does not carry the planned colour profile")]
    OtherProfile,
    #[error("the finished file would be turned by its orientation tag")]
    Turned,
    #[error("the finished file is not in three channels")]
    OtherChannels,
}

impl VerifyError {
    /// The code that receipts carry; never changes once published.
    pub fn code(&self) -> &'static str {
        match self {
            VerifyError::Unreadable(_) => "unreadable",
            VerifyError::OtherFormat { .. } => "other_format",
            VerifyError::OtherSize { .. } => "other_size",
            VerifyError::OtherDepth { .. } => "other_depth",
            VerifyError::OtherDpi { .. } => "other_dpi",
            VerifyError::OtherProfile => "other_profile",
            VerifyError::Turned => "turned",
            VerifyError::OtherChannels => "other_channels",
        }
    }
}

/// Checks a finished file against its spec. Of a copy only that it is whole: it keeps the original's size, dpi,
/// profile and orientation.
pub fn verify(file: &[u8], spec: &OutputSpec, depth: VerifyDepth) -> Result<(), VerifyError> {
    let mut facts = header::read(Cursor::new(file))?;
    let found = facts.header.format;
    let planned = match spec.encoding {
        Encoding::Jpeg { .. } => PictureFormat::Jpeg,
        Encoding::Png { .. } => PictureFormat::Png,
        Encoding::Tiff { .. } => PictureFormat::Tiff,
        Encoding::Webp { .. } => PictureFormat::Webp,
        Encoding::Copy => found,
    };
    if found != planned {
        return Err(VerifyError::OtherFormat { found });
    }
    let accept_damage = spec.encoding == Encoding::Copy && spec.accept_damage;
    let ended = if accept_damage { Ok(()) } else { check_end(file, found) };
    // An original may have no end though all of its pixels are there: they are looked at instead.
    let is_copied_jpeg = spec.encoding == Encoding::Copy && found == PictureFormat::Jpeg;
    let depth = match ended {
        Ok(()) => depth,
        Err(_) if is_copied_jpeg => VerifyDepth::Full,
        Err(error) => return Err(error),
    };
    if spec.encoding != Encoding::Copy {
        if facts.header.stored != spec.pixels() {
            return Err(VerifyError::OtherSize { planned: spec.pixels(), found: facts.header.stored });
        }
        if facts.header.orientation != Orientation::UPRIGHT {
            return Err(VerifyError::Turned);
        }
        if facts.inks != Inks::Rgb || facts.header.has_alpha {
            return Err(VerifyError::OtherChannels);
        }
        let planned = if spec.encoding.is_wide() { 16 } else { 8 };
        if facts.header.bits != planned {
            return Err(VerifyError::OtherDepth { planned, found: facts.header.bits });
        }
        check_dpi(file, &facts, spec.dpi)?;
        if found == PictureFormat::Png {
            // Unpacked by the decoder, which stops before the pixels.
            let decoder = png::Decoder::new(Cursor::new(file)).read_info();
            let reader = decoder.map_err(|e| RenderError::Damaged(e.to_string()))?;
            facts.icc = reader.info().icc_profile.as_ref().map(|icc| icc.to_vec());
        }
        check_profile(facts.icc.as_deref(), &spec.color.output)?;
    }
    if depth == VerifyDepth::Full {
        read_through(file, &mut facts, accept_damage)?;
    }
    Ok(())
}

/// Reads all coded pixels of a file and keeps none of them, in little memory: whatever a decoder could stumble over,
/// this stumbles over.
///
/// Of a JPEG, that is what a decode at 1/8 does. It reads every symbol of every block of every scan, so a wrong code,
/// a missing restart, a cut end shows up exactly as in a decode at full size. What it leaves out is the arithmetic
/// after that, which maps any numbers to some colour and cannot fail. It takes two thirds of the time, and a 64th of
/// the memory.
pub(super) fn read_through(file: &[u8], facts: &mut Facts, accept_damage: bool) -> Result<(), RenderError> {
    if !facts.complete && !accept_damage {
        return Err(RenderError::Damaged("the file ends early".to_owned()));
    }
    match (facts.header.format, facts.bands) {
        (PictureFormat::Png, _) if !accept_damage => {
            let damaged = |e: png::DecodingError| RenderError::Damaged(e.to_string());
            let mut options = png::DecodeOptions::default();
            options.set_ignore_adler32(false);
            let decoder = png::Decoder::new_with_options(Cursor::new(file), options);
            let mut reader = decoder.read_info().map_err(damaged)?;
            while reader.next_row().map_err(damaged)?.is_some() {}
            reader.finish().map_err(damaged)
        }
        (PictureFormat::Tiff, Some(bands)) => bands::read_through(file, bands, facts.header.stored),
        _ => decode::decode(file, facts, DecodeFactor(8), accept_damage).map(|_| ()),
    }
}

/// Containers are walked to their ends, checksums included.
fn check_end(file: &[u8], format: PictureFormat) -> Result<(), VerifyError> {
    match format {
        PictureFormat::Jpeg => segment::walk(file).map(|_| ())?,
        PictureFormat::Png => chunk::walk_png(file).map(|_| ())?,
        PictureFormat::Webp => chunk::walk_webp(file).map(|_| ())?,
        // Its end is wherever its last strip is; those are found when pixels are read.
        PictureFormat::Tiff => {}
    }
    Ok(())
}

fn check_dpi(file: &[u8], facts: &Facts, dpi: f64) -> Result<(), VerifyError> {
    let ratio = |(above, below): (u32, u32)| f64::from(above) / f64::from(below);
    let planned = ratio(dpi::fraction(dpi, facts.header.format == PictureFormat::Jpeg));
    let check = |place, found: f64, tolerance: f64| {
        let same = (found - planned).abs() <= tolerance;
        if same { Ok(()) } else { Err(VerifyError::OtherDpi { place, planned, found }) }
    };
    match facts.header.format {
        PictureFormat::Jpeg => {
            let jfif = file.get(2..).and_then(|rest| rest.strip_prefix(&[0xff, marker::APP0]));
            let found = match jfif {
                Some([_, _, b'J', b'F', b'I', b'F', 0, _, _, 1, x1, x0, y1, y0, ..]) if [x1, x0] == [y1, y0] => {
                    f64::from(u16::from_be_bytes([*x1, *x0]))
                }
                _ => 0.0,
            };
            check("JFIF header", found, 0.0)?;
        }
        PictureFormat::Png => {
            let chunks = chunk::walk_png(file)?;
            let found = match chunks.iter().find(|c| &c.kind == b"pHYs").map(|c| c.data) {
                Some([x3, x2, x1, x0, y3, y2, y1, y0, 1]) if [x3, x2, x1, x0] == [y3, y2, y1, y0] => {
                    f64::from(u32::from_be_bytes([*x3, *x2, *x1, *x0])) * 0.0254
                }
                _ => 0.0,
            };
            // PNG counts whole pixels a metre.
            check("pHYs chunk", found, 0.0254)?;
        }
        PictureFormat::Tiff | PictureFormat::Webp => {}
    }
    for (place, tag) in [("EXIF XResolution", tag::X_RESOLUTION), ("EXIF YResolution", tag::Y_RESOLUTION)] {
        let found = facts.exif.get(Directory::Main, tag).and_then(super::exif::Field::as_ratio);
        check(place, found.unwrap_or(0.0), 0.0)?;
    }
    let unit = facts.exif.get(Directory::Main, tag::RESOLUTION_UNIT).and_then(super::exif::Field::as_u32);
    if unit == Some(2) { Ok(()) } else { check("EXIF resolution unit", 0.0, -1.0) }
}

/// Shipped profiles are compared byte by byte, others by the digest that names them.
fn check_profile(icc: Option<&[u8]>, space: &ColorSpace) -> Result<(), VerifyError> {
    struct Nothing;
    impl Assets for Nothing {
        fn get(&self, _: &str) -> Option<std::sync::Arc<[u8]>> {
            None
        }
    }
    let icc = icc.ok_or(VerifyError::OtherProfile)?;
    let same = match space {
        ColorSpace::Asset(digest) => {
            let found = Sha256::digest(icc);
            let named = digest.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).ok());
            let named: Option<Vec<u8>> = named.map(|pair| u8::from_str_radix(pair?, 16).ok()).collect();
            named.is_some_and(|named| named == found[..])
        }
        shipped => *Profile::of_space(shipped, &Nothing)?.icc == *icc,
    };
    if same { Ok(()) } else { Err(VerifyError::OtherProfile) }
}
