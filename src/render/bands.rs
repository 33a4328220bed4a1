//! The pixels of TIFF files, which can be stored in more ways than any library gives a meaning to.
//!
//! The `tiff` crate knows how samples are packed, the part here knows what they mean: it shows the crate a file that
//! claims plain bands wherever the crate would refuse the colours, or would read extra channels wrongly. Invariant:
//! strips are read one at a time, so no more than the picture and a strip are held; a strip that is missing is
//! damage. Must not know: outputs, profiles.

use std::io::{Cursor, Read, Seek, SeekFrom};

use bytemuck::Pod;
use tiff::decoder::{ChunkType, Decoder};
use tiff::tags::Tag;

use super::error::RenderError;
use super::header::{Inks, tiff_error};
use super::raster::{Layout, Raster, Sample, Samples};
use crate::model::limits::{METADATA_MAX_BYTES, PICTURE_MAX_PX};
use crate::model::spec::PixelSize;

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
            Colors::Rgb | Colors::Palette | Colors::YCbCr => Inks::Rgb,
            Colors::Cmyk => Inks::Cmyk,
        }
    }

    pub(super) fn has_alpha(self) -> bool {
        self.alpha != Alpha::None
    }

    pub(super) fn is_premultiplied(self) -> bool {
        self.alpha == Alpha::Premultiplied
    }

    /// Bits of the decoded picture: 8 or 16.
    pub(super) fn bits(self) -> u8 {
        if self.stored_bits == 16 { 16 } else { 8 }
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
        let (colors, used) = match photometric {
            0 | 1 => (Colors::Gray { inverted: photometric == 0 }, 1),
            2 => (Colors::Rgb, 3),
            3 => (Colors::Palette, 1),
            5 if inks == 1 => (Colors::Cmyk, 4),
            5 => return unsupported("a TIFF with other inks than CMYK".to_owned()),
            6 => (Colors::YCbCr, 3),
            8..=10 => return unsupported("a TIFF in Lab colours".to_owned()),
            n => return unsupported(format!("a TIFF with colours of kind {n}")),
        };
        if formats.iter().any(|f| *f != 1) {
            return unsupported(format!("a TIFF with {bits}-bit samples that are signed or fractions"));
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
            return unsupported("a TIFF with colours at half size".to_owned());
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
            Colors::Rgb | Colors::YCbCr => 3,
            Colors::Cmyk => 4,
        };
        colors + usize::from(self.has_alpha())
    }
}

const TAG_INK_SET: u16 = 332;
const COMPRESSION_JPEG: u16 = 7;

/// Most strips or tiles of a file. The crate unfolds their lists to 32 bytes a value before its limits can be set; a
/// picture of the largest size in strips of one row has 40,000.
const PARTS_MAX: u64 = 1_000_000;
/// Most values of any other list: a palette of 16 bits has three for each of its colours.
const LIST_MAX: u64 = 3 * 65_536;

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

/// A TIFF whose first directory claims plain bands with the largest value for white, whatever it says.
///
/// So the crate neither inverts, nor drops channels, nor refuses colours.
#[derive(Debug)]
pub(super) struct Relabelled<R> {
    inner: R,
    position: u64,
    /// Where the value stands that is replaced, and what is read there instead.
    at: u64,
    value: [u8; 2],
}

impl<R: Read + Seek> Relabelled<R> {
    /// The reader from its start, and the value that it hides.
    fn new(mut inner: R) -> Result<(Relabelled<R>, u16), RenderError> {
        let (at, photometric, value) = find_photometric(&mut inner).map_err(|e| match e.kind() {
            std::io::ErrorKind::UnexpectedEof => RenderError::Damaged("the TIFF ends in its header".to_owned()),
            std::io::ErrorKind::InvalidData => RenderError::Damaged(e.to_string()),
            _ => RenderError::Io(e.to_string()),
        })?;
        inner.seek(SeekFrom::Start(0)).map_err(|e| RenderError::Io(e.to_string()))?;
        Ok((Relabelled { inner, position: 0, at, value }, photometric))
    }
}

/// The place of the value that says what the colours are, the value, and the bytes that claim plain bands.
fn find_photometric<R: Read + Seek>(reader: &mut R) -> std::io::Result<(u64, u16, [u8; 2])> {
    let damaged = |what: &str| std::io::Error::new(std::io::ErrorKind::InvalidData, what.to_owned());
    let mut head = [0; 16];
    reader.seek(SeekFrom::Start(0))?;
    reader.read_exact(&mut head[..8])?;
    let little = head[0] == b'I';
    let number = |bytes: &[u8]| {
        let value = |sum, byte: &u8| sum << 8 | u64::from(*byte);
        if little { bytes.iter().rev().fold(0, value) } else { bytes.iter().fold(0, value) }
    };
    let big = number(&head[2..4]) == 43;
    let directory = if big {
        reader.read_exact(&mut head[8..])?;
        number(&head[8..])
    } else {
        number(&head[4..8])
    };
    let (count_bytes, entry_bytes) = if big { (8, 20) } else { (2, 12) };
    reader.seek(SeekFrom::Start(directory))?;
    let mut entry = [0; 20];
    reader.read_exact(&mut entry[..count_bytes])?;
    let count = number(&entry[..count_bytes]);
    if count > 65_535 {
        return Err(damaged("the TIFF's directory has no end"));
    }
    let mut found = None;
    for i in 0..count {
        let entry = &mut entry[..entry_bytes];
        reader.read_exact(entry)?;
        let (tag, values) = (number(&entry[..2]) as u16, number(&entry[4..entry_bytes - if big { 8 } else { 4 }]));
        let parts = [Tag::StripOffsets, Tag::StripByteCounts, Tag::TileOffsets, Tag::TileByteCounts];
        let lists = [Tag::BitsPerSample, Tag::ColorMap, Tag::ExtraSamples, Tag::SampleFormat, Tag::JPEGTables];
        if values > LIST_MAX && lists.iter().any(|list| list.to_u16() == tag) {
            return Err(damaged("the TIFF claims a longer list of values than a picture has"));
        }
        if values > PARTS_MAX && parts.iter().any(|part| part.to_u16() == tag) {
            return Err(damaged("the TIFF claims more strips or tiles than a picture has"));
        }
        if tag == Tag::PhotometricInterpretation.to_u16() {
            let value_at = entry_bytes - if big { 8 } else { 4 };
            let at = directory + (count_bytes + i as usize * entry_bytes + value_at) as u64;
            let value = number(&entry[value_at..value_at + 2]) as u16;
            found = found.or(Some((at, value, if little { [1, 0] } else { [0, 1] })));
        }
    }
    found.ok_or_else(|| damaged("the TIFF does not say what its colours are"))
}

impl<R: Read> Read for Relabelled<R> {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        let read = self.inner.read(out)?;
        for (place, byte) in (self.at..).zip(self.value) {
            let hit = place.checked_sub(self.position).and_then(|i| out[..read].get_mut(i as usize));
            if let Some(found) = hit {
                *found = byte;
            }
        }
        self.position += read as u64;
        Ok(read)
    }
}

impl<R: Seek> Seek for Relabelled<R> {
    fn seek(&mut self, to: SeekFrom) -> std::io::Result<u64> {
        self.position = self.inner.seek(to)?;
        Ok(self.position)
    }
}

/// Decodes the whole picture; alpha that is multiplied into the colours stays so. Where damage is accepted, strips and
/// tiles that cannot be read stay empty, and what was wrong with the first of them comes along.
pub(super) fn decode(
    bytes: &[u8],
    bands: Bands,
    size: PixelSize,
    accept_damage: bool,
) -> Result<(Raster, Option<String>), RenderError> {
    let (mut decoder, _) = open(Cursor::new(bytes))?;
    let mut damage = Damage { accepted: accept_damage, first: None };
    let palette = if bands.colors == Colors::Palette { palette(&mut decoder)? } else { Vec::new() };
    let samples = if bands.bits() == 16 {
        Samples::U16(give_meaning(gather(&mut decoder, bands, size, &mut damage)?, bands, &palette))
    } else {
        Samples::U8(give_meaning(gather(&mut decoder, bands, size, &mut damage)?, bands, &palette))
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
    let (mut decoder, _) = open(Cursor::new(bytes))?;
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
        Colors::Rgb | Colors::Cmyk => samples,
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
