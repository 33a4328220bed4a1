//! TIFF files.
//!
//! Must not know: what the words of the metadata mean.

use std::io::{Cursor, Seek, Write};

use ::tiff::encoder::colortype::{ColorType, RGB8, RGB16};
use ::tiff::encoder::compression::DeflateLevel;
use ::tiff::encoder::{Compression, DirectoryEncoder, Rational, TiffEncoder, TiffKindStandard, TiffValue};
use ::tiff::tags::{Predictor, ResolutionUnit, Tag, Type};

use super::super::dpi;
use super::super::error::RenderError;
use super::super::exif::{self, Directory, Field, tag};
use super::super::raster::Samples;
use super::{Sheet, failed};
use crate::model::spec::{PixelSize, TiffCompression};

/// About how much of the pixels is in one strip: few enough strips, and each fits a cache.
const STRIP_BYTES: u32 = 512 * 1024;

pub(super) fn write(sheet: &Sheet<'_>, compression: TiffCompression) -> Result<Vec<u8>, RenderError> {
    match sheet.samples {
        Samples::U8(v) => write_as::<RGB8>(sheet, compression, v),
        Samples::U16(v) => write_as::<RGB16>(sheet, compression, v),
    }
}

fn write_as<C: ColorType>(
    sheet: &Sheet<'_>,
    compression: TiffCompression,
    samples: &[C::Inner],
) -> Result<Vec<u8>, RenderError>
where
    [C::Inner]: TiffValue,
{
    let bytes = std::mem::size_of_val(samples);
    let mut out = Cursor::new(Vec::with_capacity(match compression {
        TiffCompression::None => bytes + sheet.icc.len() + 65_536,
        _ => bytes / 2,
    }));
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
    let mut image = encoder.new_image::<C>(width, height).map_err(|e| failed(&e))?;
    let row_bytes = width * 3 * size_of::<C::Inner>() as u32;
    image.rows_per_strip((STRIP_BYTES / row_bytes).clamp(1, height)).map_err(|e| failed(&e))?;
    let resolution = [tag::X_RESOLUTION, tag::Y_RESOLUTION, tag::RESOLUTION_UNIT];
    for field in fields(Directory::Main).filter(|f| !resolution.contains(&f.tag)) {
        write_field(image.encoder(), field)?;
    }
    for (pointer, offset) in pointers {
        image.encoder().write_tag(Tag::from_u16_exhaustive(pointer), offset).map_err(|e| failed(&e))?;
    }
    if let Some(block) = &sheet.metadata.xmp {
        let block = Field { directory: Directory::Main, tag: tag::XMP, kind: exif::BYTE, bytes: block.clone() };
        write_field(image.encoder(), &block)?;
    }
    let profile = Field {
        directory: Directory::Main,
        tag: Tag::IccProfile.to_u16(),
        kind: exif::UNDEFINED,
        bytes: sheet.icc.to_vec(),
    };
    write_field(image.encoder(), &profile)?;
    let (n, d) = dpi::fraction(sheet.dpi, false);
    image.resolution(ResolutionUnit::Inch, Rational { n, d });
    image.write_data(samples).map_err(|e| failed(&e))?;
    let mut file = out.into_inner();
    align_directory(&mut file).ok_or_else(|| failed(&"the TIFF's directory is not where it should be"))?;
    Ok(file)
}

/// The crate puts the directory, and what belongs to it, right behind the last strip, wherever that ends. TIFF has them
/// at even places, and some readers take no others: all of it moves by a byte where that is needed.
fn align_directory(file: &mut Vec<u8>) -> Option<()> {
    fn long(file: &[u8], at: usize) -> Option<usize> {
        Some(u32::from_ne_bytes(*file.get(at..)?.first_chunk()?) as usize)
    }
    fn short(file: &[u8], at: usize) -> Option<u16> {
        Some(u16::from_ne_bytes(*file.get(at..)?.first_chunk()?))
    }
    let directory = long(file, 4)?;
    if directory.is_multiple_of(2) {
        return Some(());
    }
    let mut pointers = vec![4];
    let mut behind = None;
    for entry in (0..usize::from(short(file, directory)?)).map(|i| directory + 2 + 12 * i) {
        let bytes = long(file, entry + 4)?.checked_mul(exif::kind_size(short(file, entry + 2)?))?;
        if bytes > 4 {
            pointers.push(entry + 8);
        }
        // The first of what comes behind the strips.
        if short(file, entry)? == Tag::BitsPerSample.to_u16() {
            behind = Some(long(file, entry + 8)?);
        }
    }
    let behind = behind?;
    for pointer in pointers {
        let at = long(file, pointer)?;
        if at >= behind {
            file.get_mut(pointer..)?.first_chunk_mut().map(|bytes| *bytes = (at as u32 + 1).to_ne_bytes())?;
        }
    }
    (behind <= file.len()).then(|| file.insert(behind, 0))
}

/// One field as it is; the file is written in the machine's byte order, which its header names.
fn write_field<W: Write + Seek>(
    directory: &mut DirectoryEncoder<'_, W, TiffKindStandard>,
    field: &Field,
) -> Result<(), RenderError> {
    let Some(kind) = Type::from_u16(field.kind) else { return Ok(()) };
    let mut bytes = field.bytes.clone();
    if cfg!(target_endian = "big") {
        bytes.chunks_mut(exif::word_size(field.kind)).for_each(<[u8]>::reverse);
    }
    let entry = directory.write_entry_bytes(kind, &bytes).map_err(|e| failed(&e))?;
    // What is longer than its place in the directory was written before it; the next begins at an even place again.
    if bytes.len() > 4 && bytes.len() % 2 == 1 {
        directory.write_data(0_u8).map_err(|e| failed(&e))?;
    }
    let mut one = ::tiff::Directory::empty();
    one.extend([(Tag::from_u16_exhaustive(field.tag), entry)]);
    directory.extend_from(&one);
    Ok(())
}
