//! How much memory a pass may take at most.
//!
//! Invariant: an upper bound; a worker takes it from the memory budget before it starts. Must not know: the budget.

use super::decode::decoded_size;
use crate::model::spec::{DecodeFactor, Encoding, Header, OutputSpec, PictureFormat};

/// Tables, profiles, row buffers, metadata of a pass; in bytes.
const BASE_BYTES: u64 = 24 * 1024 * 1024;

/// Bytes that rendering `outputs` from `sources` takes at most, the files themselves included.
pub fn peak_bytes(sources: &[(Header, u64, DecodeFactor)], outputs: &[&OutputSpec]) -> u64 {
    let mut held = BASE_BYTES;
    let mut decoding = 0;
    for (header, file_bytes, factor) in sources {
        let depth = u64::from(header.bits.div_ceil(8));
        let pixels = decoded_size(header.stored, header.format, *factor).pixels();
        // Four channels: CMYK is as large as alpha, and the header does not tell it.
        held += file_bytes + pixels * 4 * depth;
        decoding = decoding.max(match header.format {
            // A progressive JPEG keeps all its coefficients, two bytes each, whatever the factor. Whether it is one is
            // not in the header, so every JPEG counts as one.
            PictureFormat::Jpeg => header.stored.pixels() * 6,
            // Packed data, and grey with alpha before it is spread.
            _ => file_bytes + header.stored.pixels() * 2 * depth,
        });
    }
    let making = outputs.iter().map(|spec| output_bytes(spec, sources)).max().unwrap_or(0);
    held + decoding.max(making)
}

fn output_bytes(spec: &OutputSpec, sources: &[(Header, u64, DecodeFactor)]) -> u64 {
    if spec.encoding == Encoding::Copy {
        return sources.iter().map(|(_, file_bytes, _)| *file_bytes).sum();
    }
    let wide = sources.iter().any(|(header, ..)| header.bits > 8);
    let cell = spec.cells.iter().map(|cell| {
        let pixels = u64::from(cell.window.width) * u64::from(cell.window.height);
        // Scaled (and the rows that are scaled one way only, which have the window's width and the frame's height),
        // turned, converted to 16 bits, luminance.
        let one_way = u64::from(cell.window.width.max(cell.window.height)) * u64::from(cell.frame.long_edge());
        (pixels * 2 + one_way) * if wide { 8 } else { 4 } + pixels * (6 + 2 + 3)
    });
    let sheet = spec.sheet.pixels();
    // Sheet, turned sheet, coded file; a progressive or optimised JPEG keeps its coefficients.
    cell.max().unwrap_or(0) + sheet * (3 + 3 + 3 + 6)
}
