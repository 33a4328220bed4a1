//! The pixels of TIFF files, which can be stored in more ways than any library gives a meaning to.
//!
//! The `tiff` crate knows how samples are packed, the part here knows what they mean: it shows the crate a file that
//! claims plain bands wherever the crate would refuse the colours, or would read extra channels wrongly. Invariant:
//! strips are read one at a time, so no more than the picture and a strip are held; a strip that is missing is
//! damage. Must not know: outputs.

mod lab;
mod relabelled;

use std::io::{Cursor, Read, Seek};

use bytemuck::Pod;
use tiff::decoder::{ChunkType, Decoder};
use tiff::tags::Tag;

use super::error::RenderError;
use super::header::{Inks, tiff_error};
use super::raster::{Layout, Raster, Sample, Samples};
use crate::model::limits::{METADATA_MAX_BYTES, PICTURE_MAX_PX};
use crate::model::spec::PixelSize;
use lab::Lab;
pub(super) use relabelled::Relabelled;

/// Most channels that are skipped over, the colours included; a picture has three or four and perhaps a few masks.
const BANDS_MAX: u16 = 10;

/// What the numbers of the first bands mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Colors {
    Gray { inverted: bool },
    Rgb,
    Cmyk,
    Palette,
    YCbCr,
    Lab(Lab),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Alpha {
    None,
    Straight,
    Premultiplied,
}

/// How the pixels of a TIFF are stored.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bands {
    colors: Colors,
    alpha: Alpha,
    /// All channels, the unknown ones too.
    count: u16,
    /// 1, 2, 4, 8 or 16.
    stored_bits: u8,
    planar: bool,
}

impl Bands {
    pub(super) fn inks(self) -> Inks {
        match self.colors {
            Colors::Gray { .. } => Inks::Gray,
            Colors::Rgb | Colors::Palette | Colors::YCbCr | Colors::Lab(_) => Inks::Rgb,
            Colors::Cmyk => Inks::Cmyk,
        }
    }

    pub(super) fn has_alpha(self) -> bool {
        self.alpha != Alpha::None
    }

    pub(super) fn is_premultiplied(self) -> bool {
        self.alpha == Alpha::Premultiplied
    }

    /// Bits of the decoded picture: 8 or 16. Of 8 in Lab, more than 8 are needed in RGB.
    pub(super) fn bits(self) -> u8 {
        if self.stored_bits == 16 || matches!(self.colors, Colors::Lab(_)) { 16 } else { 8 }
    }

    /// The profile of the decoded picture, where it is not the file's own.
    pub(super) fn profile(self) -> Option<Vec<u8>> {
        matches!(self.colors, Colors::Lab(_)).then(lab::profile)
    }

    /// Reads what is said of the samples; refuses what cannot be shown right.
    pub(super) fn read<R: Read + Seek>(decoder: &mut Decoder<R>, photometric: u16) -> Result<Bands, RenderError> {
        let unsupported = |what: String| Err(RenderError::Unsupported(what));
        let mut number = |tag, default: u16| {
            decoder.find_tag_unsigned::<u16>(tag).map(|found| found.unwrap_or(default)).map_err(|e| tiff_error(&e))
        };
        let (count, planar) = (number(Tag::SamplesPerPixel, 1)?, number(Tag::PlanarConfiguration, 1)? == 2);
        let (compression, inks) = (number(Tag::Compression, 1)?, number(Tag::Unknown(TAG_INK_SET), 1)?);
        let mut list = |tag| {
            let found = decoder.find_tag_unsigned_vec::<u16>(tag).map_err(|e| tiff_error(&e))?;
            Ok::<Vec<u16>, RenderError>(found.unwrap_or_default())
        };
        let bits = list(Tag::BitsPerSample)?.first().copied().unwrap_or(1);
        let (formats, extra) = (list(Tag::SampleFormat)?, list(Tag::ExtraSamples)?);
        let subsampling = list(Tag::ChromaSubsampling)?;
        if let Some(name) = unread(compression) {
            return unsupported(format!("a TIFF with {name} compression (LZW, ZIP, JPEG and ZSTD are read)"));
        }
        let (colors, used) = match photometric {
            0 | 1 => (Colors::Gray { inverted: photometric == 0 }, 1),
            2 => (Colors::Rgb, 3),
            3 => (Colors::Palette, 1),
            5 if inks == 1 => (Colors::Cmyk, 4),
            5 => return unsupported("a TIFF with other inks than CMYK".to_owned()),
            6 => (Colors::YCbCr, 3),
            8 => (Colors::Lab(Lab::Cie), 3),
            9 => (Colors::Lab(Lab::Icc), 3),
            10 => return unsupported("a TIFF in the Lab colours of fax machines (ITU Lab)".to_owned()),
            n => return unsupported(format!("a TIFF with colours of kind {n}")),
        };
        match formats.iter().find(|format| **format != 1) {
            Some(3) => return unsupported(format!("a TIFF with {bits}-bit floating-point samples (an HDR picture)")),
            Some(2) => return unsupported(format!("a TIFF with {bits}-bit signed samples")),
            Some(n) => return unsupported(format!("a TIFF with {bits}-bit samples of kind {n}")),
            None => {}
        }
        let depth = match colors {
            Colors::Gray { .. } => matches!(bits, 1 | 2 | 4 | 8 | 16),
            Colors::Palette => matches!(bits, 1 | 2 | 4 | 8),
            Colors::YCbCr => bits == 8,
            _ => matches!(bits, 8 | 16),
        };
        if !depth || (bits < 8 && count > 1) {
            return unsupported(format!("a TIFF with {bits} bits a channel"));
        }
        if count < used || count > BANDS_MAX {
            return unsupported(format!("a TIFF with {count} channels"));
        }
        // The JPEG inside of one brings its colours to full size; other compressions leave that to the reader.
        let halved = subsampling != [1, 1] && compression != COMPRESSION_JPEG;
        if colors == Colors::YCbCr && (halved || planar) {
            return unsupported("a TIFF in YCbCr colours at half size (4:2:2 or 4:2:0) without JPEG".to_owned());
        }
        let alpha = match (colors, extra.first()) {
            (Colors::Gray { .. } | Colors::Rgb, Some(1)) if count > used => Alpha::Premultiplied,
            (Colors::Gray { .. } | Colors::Rgb, Some(2)) if count > used => Alpha::Straight,
            // Channels of unknown meaning are masks of an editor, not holes in the picture. CMYK and palettes with
            // alpha are shown without it: what is below it was made to be printed.
            _ => Alpha::None,
        };
        Ok(Bands { colors, alpha, count, stored_bits: bits as u8, planar })
    }

    /// Channels that are taken: the colours and the alpha behind them.
    fn taken(self) -> usize {
        let colors = match self.colors {
            Colors::Gray { .. } | Colors::Palette => 1,
            Colors::Rgb | Colors::YCbCr | Colors::Lab(_) => 3,
            Colors::Cmyk => 4,
        };
        colors + usize::from(self.has_alpha())
    }
}

const TAG_INK_SET: u16 = 332;
const COMPRESSION_JPEG: u16 = 7;

/// What a compression is called that other programs write and that is not read here. What is not in the list is left
/// to the crate.
fn unread(compression: u16) -> Option<&'static str> {
    Some(match compression {
        2 | 3 => "fax (CCITT group 3)",
        6 => "old-style JPEG",
        34_887 => "LERC",
        34_925 => "LZMA",
        33_003 | 33_005 | 34_712 => "JPEG 2000",
        50_001 => "WebP",
        50_002 | 52_546 => "JPEG XL",
        _ => return None,
    })
}

/// A decoder for the pixels, which undoes a reversed order of bits. JPEG has its own order, whatever the file says.
fn open_pixels(bytes: &[u8]) -> Result<Decoder<Relabelled<Cursor<&[u8]>>>, RenderError> {
    let (mut decoder, _) = open(Cursor::new(bytes))?;
    let number = |decoder: &mut Decoder<_>, tag| {
        decoder.find_tag_unsigned::<u16>(tag).map(|found| found.unwrap_or(1)).map_err(|e| tiff_error(&e))
    };
    if number(&mut decoder, Tag::FillOrder)? == 2 && number(&mut decoder, Tag::Compression)? != COMPRESSION_JPEG {
        let (places, lengths) = match decoder.get_chunk_type() {
            ChunkType::Strip => (Tag::StripOffsets, Tag::StripByteCounts),
            ChunkType::Tile => (Tag::TileOffsets, Tag::TileByteCounts),
        };
        let mut list = |tag| decoder.get_tag_u64_vec(tag).map_err(|e| tiff_error(&e));
        let (places, lengths) = (list(places)?, list(lengths)?);
        decoder.inner().reverse_bits(places.into_iter().zip(lengths));
    }
    Ok(decoder)
}

/// A decoder whose limits are ours, not the crate's, and what the file says of its colours.
pub(super) fn open<R: Read + Seek>(reader: R) -> Result<(Decoder<Relabelled<R>>, u16), RenderError> {
    let (reader, photometric) = Relabelled::new(reader)?;
    let mut limits = tiff::decoder::Limits::default();
    limits.ifd_value_size = METADATA_MAX_BYTES;
    // The largest allowed picture as RGBA of 16 bits; its size is checked before.
    limits.decoding_buffer_size = PICTURE_MAX_PX as usize * 8;
    limits.intermediate_buffer_size = PICTURE_MAX_PX as usize * 8;
    Ok((Decoder::new(reader).map_err(|e| tiff_error(&e))?.with_limits(limits), photometric))
}

/// Decodes the whole picture; alpha that is multiplied into the colours stays so. Where damage is accepted, strips and
/// tiles that cannot be read stay empty, and what was wrong with the first of them comes along.
pub(super) fn decode(
    bytes: &[u8],
    bands: Bands,
    size: PixelSize,
    accept_damage: bool,
) -> Result<(Raster, Option<String>), RenderError> {
    let mut decoder = open_pixels(bytes)?;
    let mut damage = Damage { accepted: accept_damage, first: None };
    let palette = if bands.colors == Colors::Palette { palette(&mut decoder)? } else { Vec::new() };
    let samples = match (bands.colors, bands.stored_bits) {
        (Colors::Lab(lab), 16) => Samples::U16(lab.rgb_of_words(gather(&mut decoder, bands, size, &mut damage)?)),
        (Colors::Lab(lab), _) => {
            Samples::U16(lab.rgb_of_bytes(&gather::<u8, _>(&mut decoder, bands, size, &mut damage)?))
        }
        (_, 16) => Samples::U16(give_meaning(gather(&mut decoder, bands, size, &mut damage)?, bands, &palette)),
        _ => Samples::U8(give_meaning(gather(&mut decoder, bands, size, &mut damage)?, bands, &palette)),
    };
    let layout = match bands.colors {
        Colors::Gray { .. } if !bands.has_alpha() => Layout::Gray,
        Colors::Cmyk => Layout::Cmyk,
        _ if bands.has_alpha() => Layout::Rgba,
        _ => Layout::Rgb,
    };
    Ok((Raster { size, layout, samples }, damage.first))
}

/// What was wrong with strips and tiles of a picture.
struct Damage {
    accepted: bool,
    first: Option<String>,
}

impl Damage {
    /// Whether a piece is there; an error where it has to be.
    fn is_there(&mut self, read: Result<(), RenderError>) -> Result<bool, RenderError> {
        match read {
            Err(RenderError::Damaged(what)) if self.accepted => {
                self.first.get_or_insert(what);
                Ok(false)
            }
            read => read.map(|()| true),
        }
    }
}

/// Reads all coded pixels and keeps none of them.
pub(super) fn read_through(bytes: &[u8], bands: Bands, size: PixelSize) -> Result<(), RenderError> {
    let mut decoder = open_pixels(bytes)?;
    let mut buffer = Vec::new();
    for piece in pieces(&decoder, bands, size)? {
        read_piece(&mut decoder, piece.index, &mut buffer)?;
    }
    Ok(())
}

/// A strip or tile of one plane, and where it belongs.
#[derive(Debug, Clone, Copy)]
struct Piece {
    index: u32,
    plane: usize,
    x: u32,
    y: u32,
    width: u32,
    height: u32,
}

/// All strips or tiles with colours that are taken.
fn pieces<R: Read + Seek>(
    decoder: &Decoder<R>,
    bands: Bands,
    size: PixelSize,
) -> Result<impl Iterator<Item = Piece> + use<R>, RenderError> {
    let (width, height) = decoder.chunk_dimensions();
    // Tiles reach over the edge by less than a tile. A tile much wider than its picture only serves to keep a reader
    // busy with what is thrown away.
    if decoder.get_chunk_type() == ChunkType::Tile && u64::from(width) > u64::from(size.width) + 65_536 {
        return Err(RenderError::Damaged("its tiles are far wider than the picture".to_owned()));
    }
    let (across, down) = (size.width.div_ceil(width), size.height.div_ceil(height));
    let planes = if bands.planar { bands.taken() as u32 } else { 1 };
    // The crate has checked that the file names exactly so many of them.
    Ok((0..planes * down * across).map(move |index| {
        let (x, y) = (index % across * width, index / across % down * height);
        let (width, height) = (width.min(size.width - x), height.min(size.height - y));
        Piece { index, plane: (index / across / down) as usize, x, y, width, height }
    }))
}

fn read_piece<R: Read + Seek>(decoder: &mut Decoder<R>, index: u32, buffer: &mut Vec<u8>) -> Result<(), RenderError> {
    let layout = decoder.image_chunk_buffer_layout(index).map_err(|e| tiff_error(&e))?;
    buffer.resize(layout.len, 0);
    decoder.read_chunk_bytes(index, buffer).map_err(|e| tiff_error(&e))
}

/// The bands that are taken, pixel by pixel, as they are stored.
fn gather<T: Sample + Pod, R: Read + Seek>(
    decoder: &mut Decoder<R>,
    bands: Bands,
    size: PixelSize,
    damage: &mut Damage,
) -> Result<Vec<T>, RenderError> {
    let (taken, bits) = (bands.taken(), usize::from(bands.stored_bits));
    let mut out = vec![T::default(); size.pixels() as usize * taken];
    // Of pixels in one plane, these lie between two of a band.
    let step = if bands.planar { 1 } else { usize::from(bands.count) };
    let straight = bits >= 8 && step == taken && (taken == 1 || !bands.planar);
    let mut buffer = Vec::new();
    let mut found = false;
    for piece in pieces(decoder, bands, size)? {
        let start = (piece.y as usize * size.width as usize + piece.x as usize) * taken;
        if straight && piece.width == size.width {
            let rows = bytemuck::cast_slice_mut(&mut out[start..]);
            found |= damage.is_there(decoder.read_chunk_bytes(piece.index, rows).map_err(|e| tiff_error(&e)))?;
            continue;
        }
        if !damage.is_there(read_piece(decoder, piece.index, &mut buffer))? {
            continue;
        }
        found = true;
        let row_bytes = (piece.width as usize * step * bits).div_ceil(8);
        for (y, row) in buffer.chunks(row_bytes).take(piece.height as usize).enumerate() {
            let target = &mut out[start + y * size.width as usize * taken..][..piece.width as usize * taken];
            for (x, pixel) in target.chunks_mut(taken).enumerate() {
                if bits < 8 {
                    pixel[0] = T::from_u16(packed(row, x, bits, bands.colors != Colors::Palette) * 257);
                } else if bands.planar {
                    pixel[piece.plane] = stored(row, x);
                } else {
                    for (c, value) in pixel.iter_mut().enumerate() {
                        *value = stored(row, x * step + c);
                    }
                }
            }
        }
    }
    match damage.first.clone().filter(|_| !found) {
        Some(what) => Err(RenderError::Damaged(what)),
        None => Ok(out),
    }
}

fn stored<T: Pod>(row: &[u8], i: usize) -> T {
    bytemuck::pod_read_unaligned(&row[i * size_of::<T>()..][..size_of::<T>()])
}

/// A value of fewer than 8 bits, spread to the range of 8 where `spread`.
fn packed(row: &[u8], i: usize, bits: usize, spread: bool) -> u16 {
    let most = (1 << bits) - 1;
    let value = u16::from(row[i * bits / 8]) >> (8 - bits - i * bits % 8) & most;
    if spread { value * 255 / most } else { value }
}

/// From bands as stored to the channels of a layout.
fn give_meaning<T: Sample>(mut samples: Vec<T>, bands: Bands, palette: &[[u8; 3]]) -> Vec<T> {
    match bands.colors {
        Colors::Gray { inverted } => {
            if inverted {
                for gray in samples.iter_mut().step_by(bands.taken()) {
                    *gray = T::from_u16(65_535 - gray.to_u16());
                }
            }
            let (pixels, _) = samples.as_chunks::<2>();
            if bands.has_alpha() { pixels.iter().flat_map(|[v, a]| [*v, *v, *v, *a]).collect() } else { samples }
        }
        Colors::Rgb | Colors::Cmyk | Colors::Lab(_) => samples,
        Colors::Palette => {
            let color = |index: &T| palette.get(usize::from(index.to_u16() / 257)).copied().unwrap_or_default();
            samples.iter().flat_map(color).map(|v| T::from_u16(u16::from(v) * 257)).collect()
        }
        Colors::YCbCr => {
            let (pixels, _) = samples.as_chunks_mut::<3>();
            for pixel in pixels {
                let [y, cb, cr] = pixel.map(|v| f32::from(v.to_u16()) / 257.0);
                let (cb, cr) = (cb - 128.0, cr - 128.0);
                let rgb = [y + 1.402 * cr, y - 0.344_136 * cb - 0.714_136 * cr, y + 1.772 * cb];
                *pixel = rgb.map(|v| T::from_u16(v.round().clamp(0.0, 255.0) as u16 * 257));
            }
            samples
        }
    }
}

/// The colours that indices stand for.
fn palette<R: Read + Seek>(decoder: &mut Decoder<R>) -> Result<Vec<[u8; 3]>, RenderError> {
    let map = decoder.find_tag_unsigned_vec::<u16>(Tag::ColorMap).map_err(|e| tiff_error(&e))?.unwrap_or_default();
    if map.is_empty() || map.len() % 3 != 0 {
        return Err(RenderError::Damaged("the TIFF has no palette".to_owned()));
    }
    // Meant to have 16 bits; some programs write 8.
    let narrow = map.iter().all(|v| *v < 256);
    let value = |v: u16| if narrow { v as u8 } else { u8::from_u16(v) };
    let (red, rest) = map.split_at(map.len() / 3);
    let (green, blue) = rest.split_at(rest.len() / 2);
    let colors = red.iter().zip(green).zip(blue);
    Ok(colors.map(|((r, g), b)| [value(*r), value(*g), value(*b)]).collect())
}
