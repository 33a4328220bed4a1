//! Pixels to files.
//!
//! Invariant: three channels of 8 bits, the output's profile embedded, the same dpi everywhere; the same input
//! gives the same bytes. Must not know: where pixels and metadata come from.

use std::io::Cursor;

use tiff::encoder::{DirectoryEncoder, Rational, TiffEncoder, TiffKindStandard, colortype};
use tiff::tags::{Predictor, ResolutionUnit, Tag, Type};
use turbojpeg::{Compressor, Image, PixelFormat, Subsamp};

use super::chunk;
use super::dpi;
use super::error::RenderError;
use super::exif::{Directory, Exif, Field, tag};
use super::metadata::Metadata;
use super::segment::{self, EXIF_PREFIX, PAYLOAD_MAX, XMP_PREFIX, marker};
use crate::model::spec::{Encoding, PixelSize, PngCompression, Subsampling, TiffCompression};

/// A finished sheet and what is to be written with it.
#[derive(Debug)]
pub(super) struct Sheet<'a> {
    pub(super) pixels: PixelSize,
    /// RGB, 8 bits.
    pub(super) samples: &'a [u8],
    pub(super) icc: &'a [u8],
    pub(super) dpi: f64,
    pub(super) metadata: &'a Metadata,
}

/// Encodes a sheet. `Copy` has no sheet and is refused.
pub(super) fn encode(sheet: &Sheet<'_>, encoding: &Encoding) -> Result<Vec<u8>, RenderError> {
    match encoding {
        Encoding::Jpeg { quality, subsampling, progressive, optimize, max_bytes } => {
            if max_bytes.is_some() {
                return Err(RenderError::NotBuiltYet("`max_bytes`"));
            }
            jpeg(sheet, *quality, *subsampling, *progressive, *optimize)
        }
        Encoding::Png { bits: 8, compression } => png_file(sheet, *compression),
        Encoding::Tiff { bits: 8, compression } => tiff_file(sheet, *compression),
        Encoding::Png { bits: 16, .. } | Encoding::Tiff { bits: 16, .. } => {
            Err(RenderError::NotBuiltYet("an output of 16 bits"))
        }
        Encoding::Webp { .. } => Err(RenderError::NotBuiltYet("WebP as an output")),
        Encoding::Png { bits, .. } | Encoding::Tiff { bits, .. } => {
            Err(RenderError::BadSpec(format!("{bits} bits a channel")))
        }
        Encoding::Copy => Err(RenderError::BadSpec("a copy is not encoded".to_owned())),
    }
}

fn failed(error: &impl ToString) -> RenderError {
    RenderError::Encode(error.to_string())
}

fn jpeg(
    sheet: &Sheet<'_>,
    quality: u8,
    subsampling: Subsampling,
    progressive: bool,
    optimize: bool,
) -> Result<Vec<u8>, RenderError> {
    let (width, height) = (sheet.pixels.width as usize, sheet.pixels.height as usize);
    let mut compressor = Compressor::new().map_err(|e| failed(&e))?;
    compressor.set_quality(i32::from(quality.clamp(1, 100))).map_err(|e| failed(&e))?;
    compressor
        .set_subsamp(match subsampling {
            Subsampling::S444 => Subsamp::None,
            Subsampling::S422 => Subsamp::Sub2x1,
            Subsampling::S420 => Subsamp::Sub2x2,
        })
        .map_err(|e| failed(&e))?;
    compressor.set_progressive(progressive).map_err(|e| failed(&e))?;
    compressor.set_optimize(optimize).map_err(|e| failed(&e))?;
    let image = Image { pixels: sheet.samples, width, pitch: width * 3, height, format: PixelFormat::RGB };
    let coded = compressor.compress_to_owned(image).map_err(|e| failed(&e))?;
    // The library writes SOI and a JFIF segment of 18 bytes without a resolution; ours take their place.
    let rest = match segment::walk(&coded)?.as_slice() {
        [soi, jfif, ..] if jfif.marker == marker::APP0 => &coded[soi.whole.len() + jfif.whole.len()..],
        _ => return Err(RenderError::Encode("the JPEG library wrote no JFIF header".to_owned())),
    };
    let mut out = Vec::with_capacity(coded.len() + sheet.icc.len() + 4096);
    out.extend([0xff, marker::SOI]);
    let (dots, _) = dpi::fraction(sheet.dpi, true);
    let dots = (dots as u16).to_be_bytes();
    segment::push(&mut out, marker::APP0, &[b"JFIF\0\x01\x01\x01", &dots, &dots, &[0, 0]]);
    push_metadata(&mut out, sheet.metadata);
    if sheet.icc.len() > 255 * (PAYLOAD_MAX - 14) {
        return Err(RenderError::Encode("the colour profile is too large for a JPEG".to_owned()));
    }
    segment::push_icc(&mut out, sheet.icc);
    out.extend(rest);
    Ok(out)
}

/// EXIF and XMP segments. What is too large for a segment loses its largest fields: a picture without a long comment
/// is better than none.
pub(super) fn push_metadata(out: &mut Vec<u8>, metadata: &Metadata) {
    if !metadata.exif.fields.is_empty() {
        let block = exif_block(&metadata.exif, PAYLOAD_MAX - EXIF_PREFIX.len());
        segment::push(out, marker::APP1, &[EXIF_PREFIX, &block]);
    }
    if let Some(block) = metadata.xmp.as_ref().filter(|b| b.len() <= PAYLOAD_MAX - XMP_PREFIX.len()) {
        segment::push(out, marker::APP1, &[XMP_PREFIX, block]);
    }
}

fn exif_block(exif: &Exif, most: usize) -> Vec<u8> {
    let mut block = exif.write();
    let mut exif = exif.clone();
    while block.len() > most {
        let Some(largest) = (0..exif.fields.len()).max_by_key(|i| exif.fields[*i].bytes.len()) else { break };
        exif.fields.remove(largest);
        block = exif.write();
    }
    block
}

fn png_file(sheet: &Sheet<'_>, compression: PngCompression) -> Result<Vec<u8>, RenderError> {
    let mut info = png::Info::with_size(sheet.pixels.width, sheet.pixels.height);
    info.color_type = png::ColorType::Rgb;
    info.bit_depth = png::BitDepth::Eight;
    info.icc_profile = Some(sheet.icc.into());
    let dots = dpi::per_metre(sheet.dpi);
    info.pixel_dims = Some(png::PixelDimensions { xppu: dots, yppu: dots, unit: png::Unit::Meter });
    let mut out = Vec::new();
    let mut encoder = png::Encoder::with_info(&mut out, info).map_err(|e| failed(&e))?;
    encoder.set_compression(match compression {
        PngCompression::Fast => png::Compression::Fast,
        PngCompression::Standard => png::Compression::Balanced,
        PngCompression::Best => png::Compression::High,
    });
    let mut writer = encoder.write_header().map_err(|e| failed(&e))?;
    let write = |writer: &mut png::Writer<_>, kind, data: &[u8]| {
        writer.write_chunk(png::chunk::ChunkType(kind), data).map_err(|e| failed(&e))
    };
    write(&mut writer, *b"eXIf", &sheet.metadata.exif.write())?;
    if let Some(block) = &sheet.metadata.xmp {
        write(&mut writer, *b"iTXt", &[chunk::XMP_KEYWORD, block].concat())?;
    }
    writer.write_image_data(sheet.samples).map_err(|e| failed(&e))?;
    writer.finish().map_err(|e| failed(&e))?;
    Ok(out)
}

fn tiff_file(sheet: &Sheet<'_>, compression: TiffCompression) -> Result<Vec<u8>, RenderError> {
    use tiff::encoder::{Compression, compression::DeflateLevel};
    let mut out = Cursor::new(Vec::with_capacity(sheet.samples.len() / 2));
    let mut encoder = TiffEncoder::new(&mut out).map_err(|e| failed(&e))?;
    encoder = match compression {
        TiffCompression::None => encoder.with_compression(Compression::Uncompressed),
        // Neighbours' differences pack better than values.
        TiffCompression::Lzw => encoder.with_compression(Compression::Lzw).with_predictor(Predictor::Horizontal),
        TiffCompression::Deflate => {
            encoder.with_compression(Compression::Deflate(DeflateLevel::Balanced)).with_predictor(Predictor::Horizontal)
        }
    };
    let fields = |directory| sheet.metadata.exif.fields.iter().filter(move |f| f.directory == directory);
    let mut pointers = Vec::new();
    for (directory, pointer) in [(Directory::Exif, tag::EXIF_POINTER), (Directory::Gps, tag::GPS_POINTER)] {
        if fields(directory).next().is_some() {
            let mut extra = encoder.extra_directory().map_err(|e| failed(&e))?;
            for field in fields(directory) {
                write_field(&mut extra, field)?;
            }
            pointers.push((pointer, extra.finish_with_offsets().map_err(|e| failed(&e))?.offset));
        }
    }
    let PixelSize { width, height } = sheet.pixels;
    let mut image = encoder.new_image::<colortype::RGB8>(width, height).map_err(|e| failed(&e))?;
    // Strips of about half a megabyte: few enough, and each fits a cache.
    image.rows_per_strip((524_288 / (width * 3)).clamp(1, height)).map_err(|e| failed(&e))?;
    let resolution = [tag::X_RESOLUTION, tag::Y_RESOLUTION, tag::RESOLUTION_UNIT];
    for field in fields(Directory::Main).filter(|f| !resolution.contains(&f.tag)) {
        write_field(image.encoder(), field)?;
    }
    for (pointer, offset) in pointers {
        image.encoder().write_tag(Tag::from_u16_exhaustive(pointer), offset).map_err(|e| failed(&e))?;
    }
    if let Some(block) = &sheet.metadata.xmp {
        image.encoder().write_tag(Tag::Unknown(700), &block[..]).map_err(|e| failed(&e))?;
    }
    let profile = Field {
        directory: Directory::Main,
        tag: Tag::IccProfile.to_u16(),
        kind: super::exif::UNDEFINED,
        bytes: sheet.icc.to_vec(),
    };
    write_field(image.encoder(), &profile)?;
    let (n, d) = dpi::fraction(sheet.dpi, false);
    image.resolution(ResolutionUnit::Inch, Rational { n, d });
    image.write_data(sheet.samples).map_err(|e| failed(&e))?;
    Ok(out.into_inner())
}

/// One field as it is; the file is written in the machine's byte order, which its header names.
fn write_field<W: std::io::Write + std::io::Seek>(
    directory: &mut DirectoryEncoder<'_, W, TiffKindStandard>,
    field: &Field,
) -> Result<(), RenderError> {
    let Some(kind) = Type::from_u16(field.kind) else { return Ok(()) };
    let mut bytes = field.bytes.clone();
    if cfg!(target_endian = "big") {
        let word = match field.kind {
            5 | 10 => 4,
            kind => super::exif::kind_size(kind),
        };
        bytes.chunks_mut(word).for_each(<[u8]>::reverse);
    }
    let entry = directory.write_entry_bytes(kind, &bytes).map_err(|e| failed(&e))?;
    let mut one = tiff::Directory::empty();
    one.extend([(Tag::from_u16_exhaustive(field.tag), entry)]);
    directory.extend_from(&one);
    Ok(())
}
