//! What lies behind the picture of a JPEG file: HDR gain maps, further pictures, the film of a motion photo.
//!
//! Pictures are listed by an index in the first one, by their places in the file (Multi-Picture Format, CIPA DC-007);
//! programs that show gain maps and films also look for a list in its XMP. Invariant: nothing is taken that does not lie
//! behind the first picture, inside the file and behind the one before, so that all together are no more than the
//! file. Must not know: policies.

mod film;

use super::segment::{self, Piece, XMP_PREFIX, marker};

pub(super) use film::{blanked, find as find_film};

pub(super) const MPF_PREFIX: &[u8] = b"MPF\0";
/// What a file with a gain map says of it by ISO 21496-1; numbers only.
pub(super) const ISO_GAIN_MAP_PREFIX: &[u8] = b"urn:iso:std:iso:ts:21496:-1\0";
/// In the XMP of gain maps, those of Adobe and Google, and of Apple.
const GAIN_MAP_WORDS: [&[u8]; 2] = [b"hdr-gain-map", b"hdrgainmap"];
/// The prefixes of names in the XMP of a gain map that says how light is mapped, and nothing else.
const LIGHT_PREFIXES: [&str; 7] = ["x", "xml", "xmlns", "rdf", "hdrgm", "HDRGainMap", "apdi"];

/// Attributes that have no prefix there: of the packet, and of the oldest way to write RDF.
const PLAIN_ATTRIBUTES: [&str; 6] = ["begin", "id", "end", "version", "encoding", "about"];

const TAG_VERSION: u16 = 0xb000;
const TAG_COUNT: u16 = 0xb001;
const TAG_LIST: u16 = 0xb002;
const ENTRY_BYTES: usize = 16;

/// A picture behind the first one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Further<'a> {
    /// From SOI to EOI.
    pub(super) bytes: &'a [u8],
    /// What the index says that it is.
    pub(super) attribute: u32,
    pub(super) gain_map: bool,
}

impl Further<'_> {
    /// A small copy of the first picture, for displays.
    pub(super) fn is_thumbnail(&self) -> bool {
        self.attribute >> 16 & 0xff == 1
    }
}

/// Whether the picture has a gain map behind it.
pub(super) fn has_gain_map(file: &[u8]) -> bool {
    let mut pieces = Vec::new();
    // What was read before some damage is enough to look.
    let _ = segment::walk_into(file, &mut pieces);
    pictures(file, &pieces).iter().any(|further| further.gain_map)
}

/// Where the pieces of the first picture end.
pub(super) fn end(file: &[u8], pieces: &[Piece<'_>]) -> usize {
    pieces.last().map_or(file.len(), |piece| place(file, piece.whole) + piece.whole.len())
}

/// Whether programs look for a gain map in the list of the XMP: those that take its numbers from its own XMP.
pub(super) fn is_listed(gain_map: &[u8]) -> bool {
    let pieces = segment::walk(gain_map).unwrap_or_default();
    let mut blocks = pieces.iter().filter(|p| p.marker == marker::APP1 && p.payload.starts_with(XMP_PREFIX));
    blocks.any(|block| memchr::memmem::find(block.payload, GAIN_MAP_WORDS[0]).is_some())
}

/// Where a further picture ends.
pub(super) fn end_of(file: &[u8], further: &Further<'_>) -> usize {
    place(file, further.bytes) + further.bytes.len()
}

fn place(file: &[u8], part: &[u8]) -> usize {
    part.as_ptr().addr().saturating_sub(file.as_ptr().addr())
}

/// The pictures behind the first one, in their order; of each all that the index gives it, up to its end.
pub(super) fn pictures<'a>(file: &'a [u8], pieces: &[Piece<'a>]) -> Vec<Further<'a>> {
    let index = pieces.iter().find(|p| p.marker == marker::APP2 && p.payload.starts_with(MPF_PREFIX));
    let Some(index) = index else { return Vec::new() };
    let block = &index.payload[MPF_PREFIX.len()..];
    let start = place(file, block);
    let mut behind = end(file, pieces);
    let mut found = Vec::new();
    for (attribute, length, offset) in entries(block).unwrap_or_default() {
        let from = start.saturating_add(offset as usize);
        let bytes = file.get(from..).and_then(|rest| rest.get(..length as usize));
        let Some(bytes) = bytes.filter(|_| offset != 0 && from >= behind) else { continue };
        let mut pieces = Vec::new();
        if segment::walk_into(bytes, &mut pieces).is_err() {
            continue;
        }
        let bytes = &bytes[..end(bytes, &pieces)];
        behind = from + bytes.len();
        found.push(Further { bytes, attribute, gain_map: is_gain_map(&pieces) });
    }
    found
}

fn is_gain_map(pieces: &[Piece<'_>]) -> bool {
    pieces.iter().any(|piece| match piece.marker {
        marker::APP1 if piece.payload.starts_with(XMP_PREFIX) => {
            GAIN_MAP_WORDS.iter().any(|word| memchr::memmem::find(piece.payload, word).is_some())
        }
        marker::APP2 => piece.payload.starts_with(ISO_GAIN_MAP_PREFIX),
        _ => false,
    })
}

/// What the index says: attribute, length and place of each picture.
fn entries(block: &[u8]) -> Option<Vec<(u32, u32, u32)>> {
    let little = block.starts_with(b"II");
    let short = |at: usize| {
        let bytes = *block.get(at..)?.first_chunk::<2>()?;
        Some(if little { u16::from_le_bytes(bytes) } else { u16::from_be_bytes(bytes) })
    };
    let long = |at: usize| {
        let bytes = *block.get(at..)?.first_chunk::<4>()?;
        Some(if little { u32::from_le_bytes(bytes) } else { u32::from_be_bytes(bytes) })
    };
    let directory = long(4)? as usize;
    let fields = (0..usize::from(short(directory)?)).map(|i| directory + 2 + 12 * i);
    let list = fields.into_iter().find(|at| short(*at) == Some(TAG_LIST))?;
    let (bytes, from) = (long(list + 4)? as usize, long(list + 8)? as usize);
    block.get(from..)?.get(..bytes)?;
    let of = |at: usize| Some((long(at)?, long(at + 4)?, long(at + 8)?));
    (0..bytes / ENTRY_BYTES).map(|i| of(from + i * ENTRY_BYTES)).collect()
}

/// Bytes of an index of so many pictures.
pub(super) fn index_bytes(pictures: usize) -> usize {
    8 + 2 + 3 * 12 + 4 + pictures * ENTRY_BYTES
}

/// The index of a file: of each picture what it is, and its length. The first one begins the file, and the others
/// follow it; the index itself stands at `at`.
pub(super) fn index(pictures: &[(u32, usize)], at: usize) -> Vec<u8> {
    let mut out = b"MM\0*\0\0\0\x08\0\x03".to_vec();
    let mut field = |tag: u16, kind: u16, count: u32, value: [u8; 4]| {
        out.extend([tag.to_be_bytes(), kind.to_be_bytes()].concat());
        out.extend([count.to_be_bytes(), value].concat());
    };
    let count = pictures.len() as u32;
    field(TAG_VERSION, 7, 4, *b"0100");
    field(TAG_COUNT, 4, 1, count.to_be_bytes());
    field(TAG_LIST, 7, count * ENTRY_BYTES as u32, (index_bytes(0) as u32).to_be_bytes());
    out.extend([0; 4]);
    let mut from = 0;
    for (attribute, length) in pictures {
        let offset = if from == 0 { 0 } else { from - at };
        for number in [*attribute, *length as u32, offset as u32, 0] {
            out.extend(number.to_be_bytes());
        }
        from += length;
    }
    out
}

/// What the index says of the first picture: it is the one to be shown, and a JPEG.
pub(super) const FIRST: u32 = 0x2003_0000;

/// Whether the XMP of a gain map says how light is mapped, and nothing else.
pub(super) fn tells_light_only(xmp: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(xmp) else { return false };
    let is_of_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, ':' | '_' | '-' | '.');
    let is_light = |name: &str| match name.split_once(':') {
        Some((prefix, _)) => LIGHT_PREFIXES.contains(&prefix),
        None => PLAIN_ATTRIBUTES.contains(&name),
    };
    let marks = text.split('<').skip(1).map(|mark| mark.strip_prefix('/').unwrap_or(mark));
    let mut elements = marks.filter(|mark| !mark.starts_with('?'));
    let is_element = |mark: &str| mark.split(|c| !is_of_name(c)).next().is_some_and(|n| n.contains(':') && is_light(n));
    let mut attributes = text.match_indices('=').map(|(at, _)| text[..at].trim_end());
    let is_attribute = |before: &str| before.rsplit(|c| !is_of_name(c)).next().is_some_and(is_light);
    elements.all(is_element) && attributes.all(is_attribute)
}

/// What the XMP of a file says of what lies behind its picture.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Contents {
    /// Bytes of the gain map.
    pub(super) gain_map: Option<usize>,
    /// Bytes of the film, and the moment of the picture in it, in microseconds.
    pub(super) film: Option<(usize, i64)>,
}

const RDF_END: &str = "</rdf:RDF>";

/// A block of XMP that lists the contents, beside what is in `block` already.
pub(super) fn listed(block: Option<Vec<u8>>, contents: Contents) -> Option<Vec<u8>> {
    let mut attributes = String::new();
    let mut items = String::from(r#"Item:Semantic="Primary" Item:Mime="image/jpeg""#);
    let mut item = |semantic: &str, mime: &str, length: usize| {
        let text = format!(r#"Item:Semantic="{semantic}" Item:Mime="{mime}" Item:Length="{length}""#);
        items = format!("{items}|{text}");
    };
    // A property must not be in a block twice.
    let says = |space: &[u8]| block.as_deref().is_some_and(|block| memchr::memmem::find(block, space).is_some());
    if let Some(length) = contents.gain_map {
        if !says(GAIN_MAP_WORDS[0]) {
            attributes += r#" xmlns:hdrgm="http://ns.adobe.com/hdr-gain-map/1.0/" hdrgm:Version="1.0""#;
        }
        item("GainMap", "image/jpeg", length);
    }
    if let Some((length, moment)) = contents.film {
        attributes += r#" xmlns:GCamera="http://ns.google.com/photos/1.0/camera/" GCamera:MotionPhoto="1""#;
        attributes +=
            &format!(r#" GCamera:MotionPhotoVersion="1" GCamera:MotionPhotoPresentationTimestampUs="{moment}""#);
        item("MotionPhoto", "video/mp4", length);
    }
    if contents.gain_map.is_none() && contents.film.is_none() {
        return block;
    }
    let items: Vec<String> = items
        .split('|')
        .map(|item| format!(r#"<rdf:li rdf:parseType="Resource"><Container:Item {item}/></rdf:li>"#))
        .collect();
    let items = items.concat();
    let list = format!(
        r#"<rdf:Description rdf:about="" xmlns:Container="http://ns.google.com/photos/1.0/container/" xmlns:Item="http://ns.google.com/photos/1.0/container/item/"{attributes}><Container:Directory><rdf:Seq>{items}</rdf:Seq></Container:Directory></rdf:Description>"#
    );
    let text = match block {
        None => format!(
            "<?xpacket begin=\"\u{feff}\" id=\"W5M0MpCehiHzreSzNTczkc9d\"?><x:xmpmeta xmlns:x=\"adobe:ns:meta/\">\
             <rdf:RDF xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\">{list}{RDF_END}</x:xmpmeta>\
             <?xpacket end=\"r\"?>"
        ),
        Some(block) => {
            let text = String::from_utf8_lossy(&block);
            match text.rfind(RDF_END) {
                Some(at) => format!("{}{list}{}", &text[..at], &text[at..]),
                // Written by another rule: readers still have the index.
                None => return Some(block),
            }
        }
    };
    Some(text.into_bytes())
}

/// The moment of a motion photo's picture in its film, in microseconds; -1 where nobody says it.
pub(super) fn moment(xmp: &[u8]) -> i64 {
    let text = String::from_utf8_lossy(xmp);
    let found = text.split("PresentationTimestampUs").nth(1).map(|rest| rest.trim_start_matches(['=', '"', '\'', '>']));
    let digits = found.and_then(|rest| rest.split(|c: char| !c.is_ascii_digit()).next());
    digits.and_then(|digits| digits.parse().ok()).unwrap_or(-1)
}
