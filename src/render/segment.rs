//! JPEG segments: walked for the header, and as a list for rewriting and checking.
//!
//! Invariant: nothing is allocated on the word of a length field past the metadata limit, and a walk always ends.
//! Must not know: pixels.

use std::io::{Read, Seek};

use super::error::RenderError;
use super::iim::PHOTOSHOP_PREFIX;
use crate::model::limits::METADATA_MAX_BYTES;

/// More segments than any program writes before the pixels.
const SEGMENTS_MAX: usize = 20_000;
pub(super) const EXIF_PREFIX: &[u8] = b"Exif\0\0";
pub(super) const XMP_PREFIX: &[u8] = b"http://ns.adobe.com/xap/1.0/\0";
/// Of the parts of a packet that is too large for one segment; behind it the packet's digest, its length and the
/// part's place in it.
const XMP_EXTENSION_PREFIX: &[u8] = b"http://ns.adobe.com/xmp/extension/\0";
pub(super) const ICC_PREFIX: &[u8] = b"ICC_PROFILE\0";

pub(super) mod marker {
    pub(in crate::render) const SOI: u8 = 0xd8;
    pub(in crate::render) const EOI: u8 = 0xd9;
    pub(in crate::render) const SOS: u8 = 0xda;
    pub(in crate::render) const APP0: u8 = 0xe0;
    pub(in crate::render) const APP1: u8 = 0xe1;
    pub(in crate::render) const APP2: u8 = 0xe2;
    pub(in crate::render) const APP13: u8 = 0xed;
    pub(in crate::render) const APP14: u8 = 0xee;
}

/// What the segments before the pixels say.
#[derive(Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts about a file, not states of one thing")]
pub(super) struct Segments {
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) bits: u8,
    pub(super) components: u8,
    pub(super) progressive: bool,
    /// The profile as it is embedded; `Some(empty)` when its parts do not fit together.
    pub(super) icc: Option<Vec<u8>>,
    pub(super) exif: Option<Vec<u8>>,
    pub(super) xmp: Option<Vec<u8>>,
    /// The parts of the profile are not numbered as they should be.
    pub(super) profile_misnumbered: bool,
    /// The rest of a packet that was too large for one segment.
    pub(super) xmp_extension: Option<Vec<u8>>,
    /// Image resources of Photoshop, their parts joined.
    pub(super) resources: Vec<u8>,
    /// Adobe's marker: CMYK is stored inverted.
    pub(super) adobe: bool,
    /// Coded with Huffman tables, as nearly all are: every block of 64 pixels takes a bit at least.
    pub(super) huffman: bool,
}

fn cut(_: std::io::Error) -> RenderError {
    RenderError::Damaged("the JPEG ends in its header".to_owned())
}

pub(super) fn is_frame(marker: u8) -> bool {
    matches!(marker, 0xc0..=0xcf) && !matches!(marker, 0xc4 | 0xc8 | 0xcc)
}

pub(super) fn stands_alone(marker: u8) -> bool {
    matches!(marker, 0x01 | 0xd0..=0xd8)
}

/// Reads up to the first scan; the reader stands at the start of the file.
pub(super) fn read<R: Read + Seek>(reader: &mut R) -> Result<Segments, RenderError> {
    let mut found = Segments::default();
    let mut icc: Vec<IccPart> = Vec::new();
    let mut extension = Vec::new();
    let mut kept_bytes = 0;
    let mut stray_bytes = 0;
    for _ in 0..SEGMENTS_MAX {
        let marker = next_marker(reader, &mut stray_bytes)?;
        if stands_alone(marker) {
            continue;
        }
        if marker == marker::EOI {
            break;
        }
        let mut length = [0; 2];
        reader.read_exact(&mut length).map_err(cut)?;
        let Some(length) = usize::from(u16::from_be_bytes(length)).checked_sub(2) else {
            return Err(RenderError::Damaged("a JPEG segment has no length".to_owned()));
        };
        if marker == marker::SOS {
            if found.width == 0 {
                break;
            }
            (found.icc, found.profile_misnumbered) = join_icc(icc);
            found.xmp_extension = join_extension(&extension);
            return Ok(found);
        }
        let wanted = is_frame(marker) || matches!(marker, marker::APP1 | marker::APP2 | marker::APP13 | marker::APP14);
        if !wanted || kept_bytes + length > METADATA_MAX_BYTES {
            reader.seek_relative(length.cast_signed() as i64).map_err(cut)?;
            continue;
        }
        let mut payload = vec![0; length];
        reader.read_exact(&mut payload).map_err(cut)?;
        match marker {
            m if is_frame(m) => {
                let [bits, h1, h0, w1, w0, components, ..] = payload[..] else {
                    return Err(RenderError::Damaged("the JPEG frame header is too short".to_owned()));
                };
                (found.bits, found.components, found.huffman) = (bits, components, m < 0xc8);
                found.progressive = matches!(m, 0xc2 | 0xc6 | 0xca | 0xce);
                found.height = u32::from(u16::from_be_bytes([h1, h0]));
                found.width = u32::from(u16::from_be_bytes([w1, w0]));
            }
            marker::APP1 if payload.starts_with(EXIF_PREFIX) && found.exif.is_none() => {
                kept_bytes += length;
                found.exif = Some(payload.split_off(EXIF_PREFIX.len()));
            }
            marker::APP1 if payload.starts_with(XMP_PREFIX) && found.xmp.is_none() => {
                kept_bytes += length;
                found.xmp = Some(payload.split_off(XMP_PREFIX.len()));
            }
            marker::APP1 if payload.starts_with(XMP_EXTENSION_PREFIX) => {
                kept_bytes += length;
                extension.push(payload.split_off(XMP_EXTENSION_PREFIX.len()));
            }
            marker::APP2 if payload.starts_with(ICC_PREFIX) && payload.len() >= ICC_PREFIX.len() + 2 => {
                kept_bytes += length;
                let (number, count) = (payload[ICC_PREFIX.len()], payload[ICC_PREFIX.len() + 1]);
                icc.push(IccPart { number, count, bytes: payload.split_off(ICC_PREFIX.len() + 2) });
            }
            marker::APP13 => {
                if let Some(part) = payload.strip_prefix(PHOTOSHOP_PREFIX) {
                    kept_bytes += length;
                    found.resources.extend(part);
                }
            }
            marker::APP14 if payload.starts_with(b"Adobe") => found.adobe = true,
            _ => {}
        }
    }
    Err(RenderError::Damaged("the JPEG has no picture in it".to_owned()))
}

/// The marker of the next segment. Some programs leave bytes over between two of them, which every reader passes over.
fn next_marker<R: Read>(reader: &mut R, stray_bytes: &mut usize) -> Result<u8, RenderError> {
    let mut byte = [0; 1];
    reader.read_exact(&mut byte).map_err(cut)?;
    loop {
        while byte[0] != 0xff {
            *stray_bytes += 1;
            if *stray_bytes > METADATA_MAX_BYTES {
                return Err(RenderError::Damaged("a JPEG marker is missing in the header".to_owned()));
            }
            reader.read_exact(&mut byte).map_err(cut)?;
        }
        while byte[0] == 0xff {
            reader.read_exact(&mut byte).map_err(cut)?;
        }
        if byte[0] != 0 {
            return Ok(byte[0]);
        }
    }
}

/// A part of a profile, which may take many segments.
struct IccPart {
    /// From 1.
    number: u8,
    count: u8,
    bytes: Vec<u8>,
}

/// The parts in their order, each once, and whether they are misnumbered. Of those, the length that the profile gives of
/// itself tells whether all of it is there; else it is an empty profile.
fn join_icc(mut parts: Vec<IccPart>) -> (Option<Vec<u8>>, bool) {
    if parts.is_empty() {
        return (None, false);
    }
    parts.sort_by_key(|part| part.number);
    let is_numbered =
        |(i, part): (usize, &IccPart)| usize::from(part.number) == i + 1 && usize::from(part.count) == parts.len();
    let misnumbered = !parts.iter().enumerate().all(is_numbered);
    parts.dedup_by(|later, earlier| later.number == earlier.number && later.bytes == earlier.bytes);
    let icc: Vec<u8> = parts.into_iter().flat_map(|part| part.bytes).collect();
    let length = icc.first_chunk().map(|length| u32::from_be_bytes(*length) as usize);
    let whole = !misnumbered || length == Some(icc.len());
    (Some(if whole { icc } else { Vec::new() }), misnumbered)
}

/// The parts of one packet in their order. What lacks a part is no XML, which is found when it is read.
fn join_extension(parts: &[Vec<u8>]) -> Option<Vec<u8>> {
    const DIGEST_BYTES: usize = 32;
    let mut of_first: Vec<(u32, &[u8])> = Vec::new();
    let digest = parts.first()?.get(..DIGEST_BYTES)?;
    for part in parts.iter().filter(|part| part.starts_with(digest)) {
        let (_length, rest) = part[DIGEST_BYTES..].split_first_chunk::<4>()?;
        let (place, content) = rest.split_first_chunk()?;
        of_first.push((u32::from_be_bytes(*place), content));
    }
    of_first.sort_by_key(|(place, _)| *place);
    Some(of_first.into_iter().flat_map(|(_, content)| content).copied().collect())
}

/// One part of a JPEG file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Piece<'a> {
    pub(super) marker: u8,
    /// What follows the length, for segments; with a scan, its header.
    pub(super) payload: &'a [u8],
    /// The whole piece with its marker; a scan includes its coded data.
    pub(super) whole: &'a [u8],
}

/// All pieces from SOI to EOI, both included; bytes after EOI are not part of the picture.
pub(super) fn walk(file: &[u8]) -> Result<Vec<Piece<'_>>, RenderError> {
    let mut pieces = Vec::new();
    walk_into(file, &mut pieces)?;
    Ok(pieces)
}

/// The same; with an error, `pieces` has all up to the damage. A scan that is cut off is the last of them.
pub(super) fn walk_into<'a>(file: &'a [u8], pieces: &mut Vec<Piece<'a>>) -> Result<(), RenderError> {
    let damaged = |what: &str| RenderError::Damaged(what.to_owned());
    let mut at = 0;
    loop {
        let start = at;
        if file.get(at) != Some(&0xff) {
            return Err(damaged("the JPEG ends early"));
        }
        while file.get(at) == Some(&0xff) {
            at += 1;
        }
        let marker = *file.get(at).ok_or_else(|| damaged("the JPEG ends early"))?;
        at += 1;
        let mut payload: &[u8] = &[];
        if !stands_alone(marker) && marker != marker::EOI {
            let length = match file.get(at..at + 2) {
                Some([a, b]) => usize::from(u16::from_be_bytes([*a, *b])),
                _ => return Err(damaged("the JPEG ends early")),
            };
            payload =
                file.get(at + 2..at + length).ok_or_else(|| damaged("a JPEG segment is cut off or has no length"))?;
            at += length;
        }
        if marker == marker::SOS {
            // Coded data ends at the first marker that is neither a stuffed byte nor a restart.
            loop {
                let found = memchr::memchr(0xff, &file[at..]).map(|found| (at + found, file.get(at + found + 1)));
                let Some((next, Some(after))) = found else {
                    pieces.push(Piece { marker, payload, whole: &file[start..] });
                    return Err(damaged("the JPEG ends within its pixels"));
                };
                at = next;
                match *after {
                    0 | 0xd0..=0xd7 => at += 2,
                    0xff => at += 1,
                    _ => break,
                }
            }
        }
        pieces.push(Piece { marker, payload, whole: &file[start..at] });
        if marker == marker::EOI {
            return Ok(());
        }
    }
}

/// Appends a segment; the payload must be shorter than 65,534 bytes.
pub(super) fn push(out: &mut Vec<u8>, marker: u8, parts: &[&[u8]]) {
    let length: usize = parts.iter().map(|p| p.len()).sum::<usize>() + 2;
    debug_assert!(u16::try_from(length).is_ok());
    out.extend([0xff, marker]);
    out.extend((length as u16).to_be_bytes());
    for part in parts {
        out.extend(*part);
    }
}

/// Largest payload of one segment, in bytes.
pub(super) const PAYLOAD_MAX: usize = 65_533;

/// Appends a profile as its numbered parts.
pub(super) fn push_icc(out: &mut Vec<u8>, icc: &[u8]) {
    let parts = icc.chunks(PAYLOAD_MAX - ICC_PREFIX.len() - 2);
    let count = parts.len();
    for (i, part) in parts.enumerate() {
        push(out, marker::APP2, &[ICC_PREFIX, &[(i + 1) as u8, count as u8], part]);
    }
}
