//! PNG files.
//!
//! Must not know: what the words of the metadata mean.

use std::io::Write as _;

use ::png::{BitDepth, ColorType, Compression, Encoder, Info, PixelDimensions, Unit, Writer};

use super::super::chunk;
use super::super::dpi;
use super::super::error::RenderError;
use super::super::raster::Samples;
use super::{Sheet, failed};
use crate::model::spec::PngCompression;

/// Bytes of pixels in one chunk of the file.
const CHUNK_BYTES: usize = 256 * 1024;

pub(super) fn write(sheet: &Sheet<'_>, compression: PngCompression) -> Result<Vec<u8>, RenderError> {
    let mut info = Info::with_size(sheet.pixels.width, sheet.pixels.height);
    info.color_type = ColorType::Rgb;
    info.bit_depth = match sheet.samples {
        Samples::U8(_) => BitDepth::Eight,
        Samples::U16(_) => BitDepth::Sixteen,
    };
    info.icc_profile = Some(sheet.icc.into());
    let dots = dpi::per_metre(sheet.dpi);
    info.pixel_dims = Some(PixelDimensions { xppu: dots, yppu: dots, unit: Unit::Meter });
    let mut out = Vec::new();
    let mut encoder = Encoder::with_info(&mut out, info).map_err(|e| failed(&e))?;
    encoder.set_compression(match compression {
        PngCompression::Fast => Compression::Fast,
        PngCompression::Standard => Compression::Balanced,
        PngCompression::Best => Compression::High,
    });
    let mut writer = encoder.write_header().map_err(|e| failed(&e))?;
    let write = |writer: &mut Writer<_>, kind, data: &[u8]| {
        writer.write_chunk(::png::chunk::ChunkType(kind), data).map_err(|e| failed(&e))
    };
    write(&mut writer, *b"eXIf", &sheet.metadata.exif.write())?;
    if let Some(block) = &sheet.metadata.xmp {
        write(&mut writer, *b"iTXt", &[chunk::XMP_KEYWORD, block].concat())?;
    }
    // Row by row: the packed pixels are not held twice, and 16-bit ones not in both byte orders.
    let mut pixels = writer.stream_writer_with_size(CHUNK_BYTES).map_err(|e| failed(&e))?;
    match sheet.samples {
        Samples::U8(v) => pixels.write_all(v).map_err(|e| failed(&e))?,
        Samples::U16(v) => {
            let mut row = Vec::new();
            for samples in v.chunks(sheet.pixels.width as usize * 3) {
                row.clear();
                row.extend(samples.iter().flat_map(|v| v.to_be_bytes()));
                pixels.write_all(&row).map_err(|e| failed(&e))?;
            }
        }
    }
    pixels.finish().map_err(|e| failed(&e))?;
    writer.finish().map_err(|e| failed(&e))?;
    Ok(out)
}
