//! PNG and WebP chunks: walked for the header, and as a list for rewriting and checking.
//!
//! Invariant: nothing is allocated on the word of a length field past the metadata limit, and a walk always ends.
//! Must not know: pixels.

mod text;

use std::io::{Read, Seek, SeekFrom};

use super::colorimetry::Colorimetry;
use super::error::RenderError;
use super::iim::{self, Word};
use super::segment::{EXIF_PREFIX, XMP_PREFIX};
use crate::model::limits::METADATA_MAX_BYTES;
use crate::model::spec::PixelSize;
use text::Text;

pub(super) const PNG_SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";
/// The keyword of an XMP block, with its empty compression, language and translation fields.
pub(super) const XMP_KEYWORD: &[u8] = b"XML:com.adobe.xmp\0\0\0\0\0";
/// More chunks than any program writes into 1 GiB.
const CHUNKS_MAX: usize = 4_000_000;

/// What the chunks of a PNG or WebP say.
#[derive(Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts about a file, not states of one thing")]
pub(super) struct Chunks {
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) bits: u8,
    pub(super) gray: bool,
    pub(super) alpha: bool,
    pub(super) animated: bool,
    /// A profile is embedded. PNG packs it; it is unpacked with the pixels.
    pub(super) has_icc: bool,
    pub(super) icc: Option<Vec<u8>>,
    /// What a PNG says of its colours beside that.
    pub(super) colors: Colorimetry,
    pub(super) exif: Option<Vec<u8>>,
    pub(super) xmp: Option<Vec<u8>>,
    /// An IIM block that older programs wrote as text.
    pub(super) iptc: Option<Vec<u8>>,
    /// What text chunks say, as properties of XMP.
    pub(super) words: Vec<Word>,
    /// Whether the file goes on to its end mark.
    pub(super) complete: bool,
    /// Kinds of PNG chunks that do not match their checksums and are not needed for the pixels.
    pub(super) spoilt: Vec<String>,
}

fn damaged(what: &str) -> RenderError {
    RenderError::Damaged(what.to_owned())
}

fn cut(_: std::io::Error) -> RenderError {
    damaged("the file ends in its header")
}

/// Reads a whole PNG but its pixels; the reader stands at the start, `file_bytes` is the file's length.
///
/// EXIF may stand behind the pixels, so it takes a walk to the end to know the orientation.
pub(super) fn read_png<R: Read + Seek>(reader: &mut R, file_bytes: u64) -> Result<Chunks, RenderError> {
    let mut found = Chunks::default();
    let mut kept_bytes = 0;
    let mut palette = false;
    let mut older = Older::default();
    let mut at = reader.seek(SeekFrom::Start(PNG_SIGNATURE.len() as u64)).map_err(cut)?;
    for _ in 0..CHUNKS_MAX {
        if at + 12 > file_bytes {
            break;
        }
        let mut head = [0; 8];
        reader.read_exact(&mut head).map_err(cut)?;
        let [l0, l1, l2, l3, kind @ ..] = head;
        let length = u32::from_be_bytes([l0, l1, l2, l3]);
        at += 12 + u64::from(length);
        if at > file_bytes {
            break;
        }
        if &kind == b"IEND" {
            let mut sum = [0; 4];
            reader.read_exact(&mut sum).map_err(cut)?;
            found.complete = matches_sum(&[&kind], &sum);
            break;
        }
        if can_be_left_out(kind) && length as usize <= METADATA_MAX_BYTES {
            let start = at - 12 - u64::from(length);
            let mut rest = vec![0; length as usize + 4];
            reader.read_exact(&mut rest).map_err(cut)?;
            let (data, sum) = rest.split_at(length as usize);
            if !matches_sum(&[&kind, data], sum) {
                found.spoilt.push(String::from_utf8_lossy(&kind).into_owned());
                continue;
            }
            reader.seek(SeekFrom::Start(start + 8)).map_err(cut)?;
        }
        match &kind {
            b"tRNS" => found.alpha = true,
            b"iCCP" => found.has_icc = true,
            b"sRGB" => found.colors.srgb = true,
            b"acTL" => found.animated = true,
            b"PLTE" => palette = true,
            _ => {}
        }
        let wanted = matches!(&kind, b"IHDR" | b"eXIf" | b"tEXt" | b"zTXt" | b"iTXt" | b"cICP" | b"cHRM" | b"gAMA")
            && kept_bytes + length as usize <= METADATA_MAX_BYTES;
        if !wanted {
            reader.seek_relative(i64::from(length) + 4).map_err(cut)?;
            continue;
        }
        let mut data = vec![0; length as usize];
        reader.read_exact(&mut data).map_err(cut)?;
        reader.seek_relative(4).map_err(cut)?;
        match &kind {
            b"IHDR" => {
                let [w0, w1, w2, w3, h0, h1, h2, h3, depth, color, ..] = data[..] else {
                    return Err(damaged("the PNG header is too short"));
                };
                found.width = u32::from_be_bytes([w0, w1, w2, w3]);
                found.height = u32::from_be_bytes([h0, h1, h2, h3]);
                found.bits = if depth == 16 { 16 } else { 8 };
                found.gray = matches!(color, 0 | 4);
                found.alpha |= matches!(color, 4 | 6);
            }
            b"cICP" => found.colors.code_points = Some(data.try_into().unwrap_or_default()),
            b"cHRM" => found.colors.chromaticities = Some(numbers(&data)),
            b"gAMA" => found.colors.gamma = Some(numbers::<1>(&data)[0]),
            b"eXIf" if found.exif.is_none() => {
                kept_bytes += data.len();
                // Some programs leave the JPEG prefix on.
                found.exif = Some(data.strip_prefix(EXIF_PREFIX).unwrap_or(&data).to_vec());
            }
            b"tEXt" | b"zTXt" | b"iTXt" => {
                let mut budget = METADATA_MAX_BYTES - kept_bytes;
                let text = text::read(kind, &data, &mut budget);
                kept_bytes = METADATA_MAX_BYTES - budget;
                match text {
                    Some(Text::Words { keyword, text }) => {
                        let property = iim::property_of_png(&keyword).filter(|_| !text.is_empty());
                        kept_bytes += if property.is_some() { text.len() } else { 0 };
                        found.words.extend(property.map(|property| (property, text)));
                    }
                    Some(Text::Xmp(block)) if found.xmp.is_none() => {
                        kept_bytes += block.len();
                        found.xmp = Some(block);
                    }
                    Some(Text::Raw { name, block }) => {
                        kept_bytes += block.len();
                        older.take(&name, block);
                    }
                    _ => {}
                }
            }
            _ => {}
        }
    }
    found.gray &= !palette;
    found.exif = found.exif.or(older.exif);
    found.xmp = found.xmp.or(older.xmp);
    found.iptc = older.iptc;
    if found.width == 0 || found.height == 0 {
        return Err(damaged("the PNG has no picture in it"));
    }
    Ok(found)
}

/// Blocks that programs wrote as text before PNG had chunks for them; the chunks count first.
#[derive(Debug, Default)]
struct Older {
    exif: Option<Vec<u8>>,
    xmp: Option<Vec<u8>>,
    iptc: Option<Vec<u8>>,
}

impl Older {
    fn take(&mut self, name: &str, block: Vec<u8>) {
        let (place, block) = match (name, &block) {
            ("exif" | "app1", b) if b.starts_with(EXIF_PREFIX) => (&mut self.exif, block[EXIF_PREFIX.len()..].to_vec()),
            ("app1", b) if b.starts_with(XMP_PREFIX) => (&mut self.xmp, block[XMP_PREFIX.len()..].to_vec()),
            ("exif", _) => (&mut self.exif, block),
            ("xmp", _) => (&mut self.xmp, block),
            ("iptc" | "8bim", _) => (&mut self.iptc, block),
            _ => return,
        };
        place.get_or_insert(block);
    }
}

/// Numbers of four bytes; all zero where there are not so many.
fn numbers<const N: usize>(data: &[u8]) -> [u32; N] {
    let (numbers, rest) = data.as_chunks::<4>();
    let numbers = <[[u8; 4]; N]>::try_from(numbers).ok().filter(|_| rest.is_empty());
    numbers.unwrap_or([[0; 4]; N]).map(u32::from_be_bytes)
}

/// Reads the chunks of a WebP; the reader stands at the start, `file_bytes` is the file's length.
pub(super) fn read_webp<R: Read + Seek>(reader: &mut R, file_bytes: u64) -> Result<Chunks, RenderError> {
    let mut found = Chunks { bits: 8, ..Chunks::default() };
    let mut kept_bytes = 0;
    let mut head = [0; 12];
    reader.read_exact(&mut head).map_err(cut)?;
    let [_, _, _, _, s0, s1, s2, s3, ..] = head;
    let end = 8 + u64::from(u32::from_le_bytes([s0, s1, s2, s3]));
    found.complete = end <= file_bytes;
    let end = end.min(file_bytes);
    let mut at = 12;
    for _ in 0..CHUNKS_MAX {
        if at + 8 > end {
            break;
        }
        let mut head = [0; 8];
        reader.read_exact(&mut head).map_err(cut)?;
        let [kind @ .., l0, l1, l2, l3] = head;
        let length = u32::from_le_bytes([l0, l1, l2, l3]);
        let padded = u64::from(length) + u64::from(length % 2);
        at += 8 + padded;
        let kept = matches!(&kind, b"ICCP" | b"EXIF" | b"XMP ")
            && at <= end
            && kept_bytes + length as usize <= METADATA_MAX_BYTES;
        let wanted = match &kind {
            b"VP8X" | b"VP8 " | b"VP8L" => length.min(10),
            _ if kept => length,
            _ => 0,
        };
        let mut data = vec![0; wanted as usize];
        reader.read_exact(&mut data).map_err(cut)?;
        reader.seek_relative((padded - u64::from(wanted)).cast_signed()).map_err(cut)?;
        match (&kind, &data[..]) {
            (b"VP8X", [flags, _, _, _, w0, w1, w2, h0, h1, h2]) => {
                found.alpha = flags & 0x10 != 0;
                found.animated = flags & 0x02 != 0;
                found.width = 1 + u32::from_le_bytes([*w0, *w1, *w2, 0]);
                found.height = 1 + u32::from_le_bytes([*h0, *h1, *h2, 0]);
            }
            (b"VP8 ", [_, _, _, 0x9d, 0x01, 0x2a, w0, w1, h0, h1]) if found.width == 0 => {
                found.width = u32::from(u16::from_le_bytes([*w0, *w1]) & 0x3fff);
                found.height = u32::from(u16::from_le_bytes([*h0, *h1]) & 0x3fff);
            }
            (b"VP8L", [0x2f, a, b, c, d, ..]) if found.width == 0 => {
                let packed = u32::from_le_bytes([*a, *b, *c, *d]);
                found.width = 1 + (packed & 0x3fff);
                found.height = 1 + (packed >> 14 & 0x3fff);
                found.alpha = packed >> 28 & 1 == 1;
            }
            (b"ICCP", _) if kept => {
                kept_bytes += data.len();
                (found.has_icc, found.icc) = (true, Some(data));
            }
            // Too large or cut off: there, but not to be used.
            (b"ICCP", _) => (found.has_icc, found.icc) = (true, Some(Vec::new())),
            (b"EXIF", _) if kept => {
                kept_bytes += data.len();
                // Some programs leave the JPEG prefix on.
                found.exif = Some(data.strip_prefix(super::segment::EXIF_PREFIX).unwrap_or(&data).to_vec());
            }
            (b"XMP ", _) if kept => {
                kept_bytes += data.len();
                found.xmp = Some(data);
            }
            _ => {}
        }
    }
    if found.width == 0 || found.height == 0 {
        return Err(damaged("the WebP has no picture in it"));
    }
    Ok(found)
}

/// One chunk of a PNG or WebP file.
#[derive(Debug, Clone, Copy)]
pub(super) struct Chunk<'a> {
    pub(super) kind: [u8; 4],
    pub(super) data: &'a [u8],
    /// With all that is around it: length, kind, checksum, padding.
    pub(super) whole: &'a [u8],
}

/// Whether a PNG shows the same pixels without such a chunk. Transparency is among the pixels.
fn can_be_left_out(kind: [u8; 4]) -> bool {
    kind[0].is_ascii_lowercase() && &kind != b"tRNS"
}

fn matches_sum(parts: &[&[u8]], sum: &[u8]) -> bool {
    let mut hasher = crc32fast::Hasher::new();
    for part in parts {
        hasher.update(part);
    }
    hasher.finalize().to_be_bytes() == *sum
}

/// All chunks of a PNG up to and with IEND. A checksum that does not match is damage where the chunk is needed for the
/// pixels; another is left out, as the standard has it.
pub(super) fn walk_png(file: &[u8]) -> Result<Vec<Chunk<'_>>, RenderError> {
    if !file.starts_with(PNG_SIGNATURE) {
        return Err(damaged("the PNG signature is missing"));
    }
    let mut chunks = Vec::new();
    let mut at = PNG_SIGNATURE.len();
    loop {
        let Some(&[l0, l1, l2, l3, ref kind @ ..]) = file.get(at..).and_then(<[u8]>::first_chunk::<8>) else {
            return Err(damaged("the PNG ends early"));
        };
        let end = at + 12 + u32::from_be_bytes([l0, l1, l2, l3]) as usize;
        let whole = file.get(at..end).ok_or_else(|| damaged("the PNG ends early"))?;
        let (body, sum) = whole[4..].split_at(whole.len() - 8);
        if matches_sum(&[body], sum) {
            chunks.push(Chunk { kind: *kind, data: &body[4..], whole });
        } else if !can_be_left_out(*kind) {
            return Err(damaged("a PNG chunk does not match its checksum"));
        }
        if kind == b"IEND" {
            return Ok(chunks);
        }
        at = end;
    }
}

/// Appends a PNG chunk.
pub(super) fn push_png(out: &mut Vec<u8>, kind: [u8; 4], parts: &[&[u8]]) {
    let length: usize = parts.iter().map(|p| p.len()).sum();
    out.extend((length as u32).to_be_bytes());
    let start = out.len();
    out.extend(kind);
    for part in parts {
        out.extend(*part);
    }
    let sum = crc32(&out[start..]);
    out.extend(sum.to_be_bytes());
}

fn crc32(bytes: &[u8]) -> u32 {
    crc32fast::hash(bytes)
}

/// All chunks of a WebP; bytes after its end are not part of the picture.
pub(super) fn walk_webp(file: &[u8]) -> Result<Vec<Chunk<'_>>, RenderError> {
    let Some(([b'R', b'I', b'F', b'F', s0, s1, s2, s3, b'W', b'E', b'B', b'P'], _)) = file.split_first_chunk() else {
        return Err(damaged("the WebP signature is missing"));
    };
    let early = || damaged("the WebP ends early");
    let end = 8 + u32::from_le_bytes([*s0, *s1, *s2, *s3]) as usize;
    let mut rest = file.get(12..end).ok_or_else(early)?;
    let mut chunks = Vec::new();
    while let Some(([kind @ .., l0, l1, l2, l3], after)) = rest.split_first_chunk::<8>() {
        let length = u32::from_le_bytes([*l0, *l1, *l2, *l3]) as usize;
        let data = after.get(..length).ok_or_else(early)?;
        // Some programs leave the padding of the last chunk out.
        let (whole, behind) = rest.split_at((8 + length + length % 2).min(rest.len()));
        chunks.push(Chunk { kind: *kind, data, whole });
        rest = behind;
    }
    Ok(chunks)
}

/// What a WebP file is made of.
#[derive(Debug, Clone, Copy)]
pub(super) struct WebpParts<'a> {
    pub(super) size: PixelSize,
    pub(super) alpha: bool,
    pub(super) icc: Option<&'a [u8]>,
    /// The chunks of the picture, with its alpha.
    pub(super) picture: &'a [Chunk<'a>],
    pub(super) exif: Option<&'a [u8]>,
    pub(super) xmp: Option<&'a [u8]>,
}

/// A WebP file in the extended form, its chunks in the order that the format asks for.
pub(super) fn webp_file(parts: &WebpParts<'_>) -> Vec<u8> {
    let mut out = b"RIFF\0\0\0\0WEBP".to_vec();
    let flags = [(parts.icc.is_some(), 0x20), (parts.alpha, 0x10), (parts.exif.is_some(), 8), (parts.xmp.is_some(), 4)];
    let flags = flags.iter().filter(|(set, _)| *set).map(|(_, flag)| flag).sum();
    let [w0, w1, w2, _] = (parts.size.width - 1).to_le_bytes();
    let [h0, h1, h2, _] = (parts.size.height - 1).to_le_bytes();
    push_riff(&mut out, *b"VP8X", &[flags, 0, 0, 0, w0, w1, w2, h0, h1, h2]);
    if let Some(icc) = parts.icc {
        push_riff(&mut out, *b"ICCP", icc);
    }
    for chunk in parts.picture {
        push_riff(&mut out, chunk.kind, chunk.data);
    }
    if let Some(exif) = parts.exif {
        push_riff(&mut out, *b"EXIF", exif);
    }
    if let Some(xmp) = parts.xmp {
        push_riff(&mut out, *b"XMP ", xmp);
    }
    let length = (out.len() - 8) as u32;
    out[4..8].copy_from_slice(&length.to_le_bytes());
    out
}

/// Appends a RIFF chunk, padded to an even length.
fn push_riff(out: &mut Vec<u8>, kind: [u8; 4], data: &[u8]) {
    out.extend(kind);
    out.extend((data.len() as u32).to_le_bytes());
    out.extend(data);
    out.resize(out.len() + data.len() % 2, 0);
}
