//! How much memory a pass may take at most.
//!
//! Invariant: an upper bound; a worker takes it from the memory budget before it starts. Must not know: the budget,
//! what threads keep between passes.

use super::decode::decoded_size;
use crate::model::limits::ARTWORK_MAX_BYTES;
use crate::model::spec::{Cell, DecodeFactor, Element, Encoding, Header, OutputSpec, PictureFormat};

/// Tables, profiles, row buffers, metadata of a pass; in bytes.
const BASE_BYTES: u64 = 24 * 1024 * 1024;

/// One picture and how it is decoded: its header, the bytes of its file.
type Original = (Header, u64, DecodeFactor);

/// Bytes that rendering `outputs` from `sources` and reading them back takes at most, the files themselves included.
pub fn peak_bytes(sources: &[Original], outputs: &[&OutputSpec]) -> u64 {
    let mut held = BASE_BYTES;
    let mut working = 0;
    for (header, file_bytes, factor) in sources {
        let depth = u64::from(header.bits.div_ceil(8));
        let pixels = decoded_size(header.stored, header.format, *factor).pixels();
        // Four channels: CMYK is as large as alpha, and the header does not tell it.
        held += file_bytes + pixels * 4 * depth;
        working = working.max(match header.format {
            // All coefficients of its four channels, two bytes each, whatever the factor.
            PictureFormat::Jpeg if header.progressive => file_bytes + header.stored.pixels() * 8,
            // The file without its broken profile.
            PictureFormat::Jpeg => *file_bytes,
            // Packed data, and grey with alpha before it is spread.
            _ => file_bytes + header.stored.pixels() * 2 * depth,
        });
    }
    for spec in outputs {
        held += coded_bytes(spec, sources);
        working = working.max(making_bytes(spec, sources));
    }
    held + working
}

/// Of every pixel of a text's area: RGBA of the letters, their coverage.
const TEXT_BYTES: u64 = 4 + 2;
/// Of every pixel of an artwork's area: scaled, without its alpha, converted; 16 bits each. An SVG has a layer or two
/// while it is drawn instead.
const PICTURE_BYTES: u64 = 8 + 8 + 8;

fn channel_bytes(spec: &OutputSpec) -> u64 {
    if spec.encoding.is_wide() { 2 } else { 1 }
}

/// A finished file, which is held until the pass ends.
fn coded_bytes(spec: &OutputSpec, sources: &[Original]) -> u64 {
    if spec.encoding == Encoding::Copy {
        return sources.iter().map(|(_, file_bytes, _)| *file_bytes).sum();
    }
    // With `max_bytes` a second file is tried beside the best one.
    let files = match spec.encoding {
        Encoding::Jpeg { max_bytes: Some(_), .. } | Encoding::Webp { max_bytes: Some(_), .. } => 2,
        _ => 1,
    };
    // Noise grows when it is packed, by little.
    files * spec.sheet.pixels() * 7 / 2 * channel_bytes(spec)
}

/// What is needed beside that to make a file; to read it back takes less.
fn making_bytes(spec: &OutputSpec, sources: &[Original]) -> u64 {
    if spec.encoding == Encoding::Copy {
        return 0;
    }
    let pixels = spec.sheet.pixels();
    let sheet = pixels * 3 * channel_bytes(spec);
    let coding = match spec.encoding {
        // All coefficients, two bytes each.
        Encoding::Jpeg { progressive, optimize, .. } if progressive || optimize => pixels * 6,
        Encoding::Jpeg { .. } => 0,
        // The library's own copy of the picture, and its tables.
        Encoding::Webp { .. } => pixels * 12,
        // Buffers that grow by doubling.
        _ => coded_bytes(spec, sources),
    };
    let cell = spec.cells.iter().map(|cell| cell_bytes(cell, sources)).max().unwrap_or(0);
    let element = spec.elements.iter().map(|element| match element {
        Element::Line(_) => 0,
        Element::Text(text) => {
            // Any font but the shipped one may have glyphs in colour.
            let bytes = if text.font.is_some() { TEXT_BYTES + PICTURE_BYTES } else { TEXT_BYTES };
            text.spot.area.size().pixels() * bytes
        }
        // What kind of file it is is known by its bytes only, which are not here.
        Element::Artwork(artwork) => 2 * ARTWORK_MAX_BYTES + artwork.spot.area.size().pixels() * PICTURE_BYTES,
    });
    let element = element.max().unwrap_or(0);
    // The sheet, and it turned or coded.
    sheet + cell.max(element).max(sheet).max(coding)
}

fn cell_bytes(cell: &Cell, sources: &[Original]) -> u64 {
    let wide = sources.iter().any(|(header, ..)| header.bits > 8);
    let factor = sources.iter().map(|(_, _, factor)| u64::from(factor.0.max(1))).min().unwrap_or(1);
    let (width, height) = (u64::from(cell.window.width), u64::from(cell.window.height));
    // Rows that are scaled one way only; which way comes first depends on depth and orientation.
    let one_way = (width * u64::from(cell.frame.height)).max(height * u64::from(cell.frame.width)) / factor;
    let pixels = width * height;
    // Straightened before it is scaled; for a small window from a smaller copy of the whole frame.
    let straightened = if cell.straighten == 0.0 {
        0
    } else {
        let part = (cell.region.width * cell.region.height) as u64 / (factor * factor);
        let whole = cell.frame.pixels() / (factor * factor);
        (part + whole) * if wide { 8 } else { 4 }
    };
    // Scaled, turned; then converted to 16 bits twice, and luminance.
    straightened + (pixels * 2 + one_way) * if wide { 8 } else { 4 } + pixels * (6 + 6 + 2)
}
