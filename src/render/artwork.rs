//! Artwork: PNG and SVG files as pixels of a wanted size.
//!
//! Invariant: nothing is unpacked before its limits were checked. Must not know: where on a sheet it goes.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::Cursor;
use std::path::Path;

use super::decode;
use super::error::RenderError;
use super::header;
use super::profile::{self, Assets, Input, Profile};
use super::raster::{Pose, Raster};
use super::resample::resample;
use super::svg::Drawing;
use crate::model::limits::ARTWORK_MAX_BYTES;
use crate::model::spec::{ColorSpace, DecodeFactor, Orientation, PixelSize, Region, Turn};

/// An artwork file that was read.
#[derive(Debug)]
pub(super) enum Picture {
    /// Pixels, and what its numbers mean.
    Pixels(Raster, Input),
    Drawing(Box<Drawing>),
}

/// No files: a PNG brings its profile, or is sRGB.
struct Nothing;

impl Assets for Nothing {
    fn get(&self, _: &str) -> Option<std::sync::Arc<[u8]>> {
        None
    }
}

impl Picture {
    /// Reads a PNG, or an SVG whose tokens stand for `values`; else says what is wrong.
    pub(super) fn read(bytes: &[u8], values: &BTreeMap<String, String>) -> Result<Picture, String> {
        if bytes.starts_with(b"\x89PNG") {
            return read_png(bytes);
        }
        if let Some(other) = foreign(bytes) {
            return Err(format!("it is {other}; export it as SVG or as sRGB PNG"));
        }
        Drawing::read(bytes, values).map(|drawing| Picture::Drawing(Box::new(drawing)))
    }

    /// Width and height; only their ratio counts.
    pub(super) fn shape(&self) -> (f64, f64) {
        match self {
            Picture::Pixels(raster, _) => (f64::from(raster.size.width), f64::from(raster.size.height)),
            Picture::Drawing(drawing) => drawing.size(),
        }
    }

    /// Its pixels at this size, and what their numbers mean.
    pub(super) fn at(self, size: PixelSize, wide: bool) -> Result<(Raster, Input), RenderError> {
        let (raster, input) = match self {
            Picture::Drawing(drawing) => {
                let drawn =
                    drawing.draw(size).ok_or_else(|| RenderError::BadSpec(format!("artwork of {size} pixels")))?;
                return Ok((drawn, Input::Profile(Profile::srgb())));
            }
            Picture::Pixels(raster, input) => (raster, input),
        };
        let stored = raster.size;
        let whole = Region { x: 0.0, y: 0.0, width: f64::from(stored.width), height: f64::from(stored.height) };
        // In 16 bits the steps would show that colours take when they are multiplied with a low alpha.
        let raster = Raster { samples: raster.samples.in_depth(wide), ..raster };
        let upright = Pose::new(Orientation::UPRIGHT, Turn::None);
        Ok((resample(Cow::Owned(raster), stored, 1, upright, whole, size)?.into_owned(), input))
    }
}

/// Whether a file can be used as artwork; says what is wrong with it. `name` as the config has it.
pub fn check_artwork(name: &str, bytes: &[u8]) -> Result<(), String> {
    let extension = Path::new(name).extension().map(|e| e.to_string_lossy().to_lowercase());
    let told = extension.filter(|e| e == "png" || e == "svg");
    match (foreign(bytes), told) {
        (Some(other), Some(told)) => {
            Err(format!("it is {other}, though its name ends in .{told}; export it as SVG or as sRGB PNG"))
        }
        _ => match Picture::read(bytes, &BTreeMap::new())? {
            Picture::Drawing(drawing) => match &drawing.missing()?[..] {
                [] => Ok(()),
                missing => Err(format!(
                    "the font that ships with the program has no {}; turn the letters of its texts into paths",
                    missing.join(", ")
                )),
            },
            Picture::Pixels(..) => Ok(()),
        },
    }
}

/// What a file is that is neither PNG nor SVG.
fn foreign(bytes: &[u8]) -> Option<&'static str> {
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes).trim_ascii_start();
    match bytes {
        [] => Some("empty"),
        [b'%', b'P', b'D', b'F', ..] => Some("a PDF (or an Illustrator file)"),
        [b'%', b'!', b'P', b'S', ..] | [0xc5, 0xd0, 0xd3, 0xc6, ..] => Some("an EPS or PostScript file"),
        [0xff, 0xd8, ..] => Some("a JPEG"),
        [b'I', b'I', 42 | 43, 0, ..] | [b'M', b'M', 0, 42 | 43, ..] => Some("a TIFF"),
        [b'8', b'B', b'P', b'S', ..] => Some("a Photoshop file"),
        [b'G', b'I', b'F', b'8', ..] => Some("a GIF"),
        [b'R', b'I', b'F', b'F', ..] => Some("a WebP"),
        [b'B', b'M', ..] => Some("a BMP"),
        [0x1f, 0x8b, ..] => Some("a compressed SVG (SVGZ)"),
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => Some("a text in UTF-16"),
        [0x89, b'P', b'N', b'G', ..] => None,
        _ if text.starts_with(b"<") => None,
        _ => Some("of no known kind"),
    }
}

fn read_png(bytes: &[u8]) -> Result<Picture, String> {
    let refused = |e: RenderError| match e {
        RenderError::TooLarge { what, found, most } => format!("it is too large: {what} {found}, at most {most}"),
        RenderError::Damaged(what) | RenderError::Lost(what) => format!("it is damaged: {what}"),
        other => other.to_string(),
    };
    let mut facts = header::read(Cursor::new(bytes)).map_err(refused)?;
    let (stored, depth) = (facts.header.stored, u64::from(facts.header.bits.div_ceil(8)));
    if stored.pixels() * 4 * depth > ARTWORK_MAX_BYTES {
        let most = ARTWORK_MAX_BYTES / 4 / depth;
        return Err(format!("it has {stored} pixels, artwork of {} bits may have {most}", depth * 8));
    }
    let raster = decode::decode(bytes, &mut facts, DecodeFactor::FULL, false).map_err(refused)?;
    let input = profile::input(&facts, &ColorSpace::Srgb, &Nothing, &mut Vec::new()).map_err(refused)?;
    Ok(Picture::Pixels(raster, input))
}
