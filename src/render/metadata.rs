//! Which words about a picture go into its copies.
//!
//! Invariant: what is to be stripped never gets through: fields are taken over by a list of what is known to be
//! harmless to move, and properties of XMP without those that are named. Decided once for all formats:
//!
//! - Maker notes and thumbnails are never taken over. They hold offsets and pictures of the old file.
//! - XMP is taken over only under `keep: all`, without what is to be stripped and what no longer holds. A packet of
//!   which nothing goes and to which nothing comes keeps its bytes.
//! - The words of IPTC blocks and text chunks count where EXIF and XMP say nothing, and go on as XMP.
//! - Texts that the studio sets are written to EXIF and to XMP, which other programs read first.
//!
//! Must not know: file formats.

use super::error::RenderWarning;
use super::exif::{self, Directory, Exif, Field, tag};
use super::header::Facts;
use super::iim;
use super::segment;
use super::xmp::{self, Packet, Property, Unwanted};
use crate::model::spec::{ColorSpace, KeepMetadata, MetadataSpec, Orientation, PixelSize};

/// What is written into a file beside pixels, profile and dpi.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Metadata {
    pub(super) exif: Exif,
    pub(super) xmp: Option<Vec<u8>>,
}

/// Metadata of a newly encoded file of `pixels`. `facts` are those of the sheet's first source.
pub(super) fn for_encoded(
    facts: Option<&Facts>,
    spec: &MetadataSpec,
    pixels: PixelSize,
    dpi: (u32, u32),
    color: &ColorSpace,
    warnings: &mut Vec<RenderWarning>,
) -> Metadata {
    let mut out = by_policy(facts, spec, true, warnings);
    let exif = &mut out.exif;
    exif.set(Field::rational(Directory::Main, tag::X_RESOLUTION, dpi));
    exif.set(Field::rational(Directory::Main, tag::Y_RESOLUTION, dpi));
    exif.set(Field::short(Directory::Main, tag::RESOLUTION_UNIT, 2));
    let version = exif::UNDEFINED;
    exif.set(Field { directory: Directory::Exif, tag: tag::EXIF_VERSION, kind: version, bytes: b"0232".to_vec() });
    let space = if *color == ColorSpace::Srgb { 1 } else { 0xffff };
    exif.set(Field::short(Directory::Exif, tag::COLOR_SPACE, space));
    exif.set(Field::long(Directory::Exif, tag::PIXEL_WIDTH, pixels.width));
    exif.set(Field::long(Directory::Exif, tag::PIXEL_HEIGHT, pixels.height));
    out
}

/// Metadata of an original whose pixels stay as they are: what tells how to show it stays with them.
pub(super) fn for_copy(facts: &Facts, spec: &MetadataSpec, warnings: &mut Vec<RenderWarning>) -> Metadata {
    let mut out = by_policy(Some(facts), spec, false, warnings);
    let exif = &mut out.exif;
    if facts.header.orientation != Orientation::UPRIGHT {
        exif.set(Field::short(Directory::Main, tag::ORIENTATION, u16::from(facts.header.orientation.exif())));
    }
    let shown = [
        (Directory::Exif, tag::COLOR_SPACE),
        (Directory::Interop, tag::INTEROP_INDEX),
        (Directory::Main, tag::X_RESOLUTION),
        (Directory::Main, tag::Y_RESOLUTION),
        (Directory::Main, tag::RESOLUTION_UNIT),
    ];
    for (directory, tag) in shown {
        if let Some(field) = facts.exif.get(directory, tag) {
            exif.set(field.clone());
        }
    }
    out
}

/// Whether the policy leaves an original's metadata exactly as it is.
pub(super) fn leaves_as_is(spec: &MetadataSpec) -> bool {
    let MetadataSpec { keep, strip_location, strip_people, strip_serials, .. } = spec;
    let set = [&spec.set_artist, &spec.set_copyright, &spec.set_caption, &spec.set_keywords];
    let fallback = [&spec.fallback_artist, &spec.fallback_copyright];
    *keep == KeepMetadata::All
        && !(*strip_location || *strip_people || *strip_serials)
        && set.iter().chain(&fallback).all(|text| text.is_none())
}

fn by_policy(facts: Option<&Facts>, spec: &MetadataSpec, encoded: bool, warnings: &mut Vec<RenderWarning>) -> Metadata {
    let kept = |field: &&Field| match spec.keep {
        KeepMetadata::All => may_move(field) && !is_stripped(field, spec),
        KeepMetadata::Copyright => {
            let of_author = field.directory == Directory::Main && matches!(field.tag, tag::ARTIST | tag::COPYRIGHT);
            of_author || (spec.keep_dates && field.is_date())
        }
        KeepMetadata::None => false,
    };
    let fields = facts.map(|f| f.exif.fields.iter().filter(kept).cloned().collect()).unwrap_or_default();
    let mut exif = Exif { fields };
    let mut packet = Packet::default();
    let read = facts.and_then(|f| f.xmp.as_deref()).filter(|_| spec.keep != KeepMetadata::None).map(Packet::read);
    match read {
        Some(Ok(read)) => packet = read,
        Some(Err(why)) => warnings.push(RenderWarning::XmpDropped(why)),
        None => {}
    }
    let source = packet.clone();
    let extension = facts.and_then(|f| f.xmp_extension.as_deref()).filter(|_| spec.keep != KeepMetadata::None);
    match extension.map(Packet::read) {
        Some(Ok(rest)) => packet.join(rest),
        Some(Err(why)) => warnings.push(RenderWarning::XmpDropped(why)),
        None => {}
    }
    fill(&mut packet, facts.map(|f| &f.words[..]).unwrap_or_default());
    let source_text = |tag, property: Property| {
        let written = facts.and_then(|f| f.exif.get(Directory::Main, tag)).and_then(Field::as_text);
        written.or_else(|| packet.text(property))
    };
    let author = |set: &Option<String>, fallback: &Option<String>, tag, property| {
        // Whether it is the studio's word, and so has to be written everywhere.
        let ours = |text: &String| (text.clone(), true);
        if let Some(text) = set {
            return Some(ours(text));
        }
        if spec.keep == KeepMetadata::None {
            return None;
        }
        source_text(tag, property).map(|text| (text, false)).or_else(|| fallback.as_ref().map(ours))
    };
    let artist = author(&spec.set_artist, &spec.fallback_artist, tag::ARTIST, xmp::CREATOR);
    let copyright = author(&spec.set_copyright, &spec.fallback_copyright, tag::COPYRIGHT, xmp::RIGHTS);
    if spec.set_artist.is_some() {
        exif.fields.retain(|f| f.tag != tag::XP_AUTHOR);
    }
    // The source's own field was taken over as it is: in the letters it was written in, with all its parts.
    let stands = |tag| facts.and_then(|f| f.exif.get(Directory::Main, tag)).and_then(Field::as_text).is_some();
    let written = |of: &Option<(String, bool)>, tag| match of {
        Some((text, ours)) if *ours || !stands(tag) => Some(text.clone()),
        _ => None,
    };
    let texts = [
        (tag::ARTIST, written(&artist, tag::ARTIST)),
        (tag::COPYRIGHT, written(&copyright, tag::COPYRIGHT)),
        (tag::DESCRIPTION, spec.set_caption.clone()),
    ];
    for (tag, text) in texts {
        if let Some(text) = text {
            exif.set(Field::text(Directory::Main, tag, &text));
        }
    }
    if let Some(keywords) = &spec.set_keywords {
        // Windows' own field: UTF-16 with a zero at the end.
        let bytes = keywords.encode_utf16().chain([0]).flat_map(u16::to_le_bytes).collect();
        exif.set(Field { directory: Directory::Main, tag: tag::XP_KEYWORDS, kind: exif::BYTE, bytes });
    }
    let ours = |text: &Option<(String, bool)>| text.clone().and_then(|(text, ours)| ours.then_some(text));
    let own = [
        (xmp::CREATOR, ours(&artist).map(|text| vec![text])),
        (xmp::RIGHTS, ours(&copyright).map(|text| vec![text])),
        (xmp::DESCRIPTION, spec.set_caption.clone().map(|text| vec![text])),
        (xmp::SUBJECT, spec.set_keywords.as_deref().map(xmp::keywords)),
    ];
    if spec.keep != KeepMetadata::All {
        packet = Packet::default();
    }
    packet.strip(Unwanted {
        location: spec.strip_location,
        people: spec.strip_people,
        serials: spec.strip_serials,
        stale: encoded,
    });
    for (property, values) in own {
        if let Some(values) = values {
            packet.set(property, &values);
        }
    }
    let as_it_is = facts.and_then(|f| f.xmp.as_ref()).filter(|block| packet == source && fits_everywhere(block));
    Metadata { exif, xmp: packet.write().map(|written| as_it_is.cloned().unwrap_or(written)) }
}

/// Whether a block fits into one segment of a JPEG; a larger one is written anew, without its padding.
fn fits_everywhere(block: &[u8]) -> bool {
    block.len() <= segment::PAYLOAD_MAX - segment::XMP_PREFIX.len()
}

/// Writes the words of the older blocks where the packet has none. A list takes all of its kind.
fn fill(packet: &mut Packet, words: &[iim::Word]) {
    let mut done: Vec<Property> = Vec::new();
    for (property, text) in words {
        if done.contains(property) {
            continue;
        }
        done.push(*property);
        let is_list = matches!(property.shape, xmp::Shape::Bag | xmp::Shape::Seq);
        let all = || words.iter().filter(|(of, _)| of == property).map(|(_, text)| text.clone()).collect();
        packet.fill(*property, &if is_list { all() } else { vec![text.clone()] });
    }
}

/// Whether a field is known to mean the same in another file. All others are left out: those that describe how the
/// old pixels were stored, that point into the old file, or whose insides nobody knows.
fn may_move(field: &Field) -> bool {
    match field.directory {
        // Description, make, model, software, date, artist, ratings, copyright, and what Windows calls title,
        // comment, author, keywords and subject.
        Directory::Main => matches!(
            field.tag,
            0x010e..=0x0110 | 0x0131 | 0x0132 | 0x013b | 0x4746 | 0x4749 | 0x8298 | 0x9c9b..=0x9c9f
        ),
        // How and when it was taken, with what; the photographer's comment.
        Directory::Exif => matches!(
            field.tag,
            0x829a | 0x829d | 0x8822 | 0x8827 | 0x8830..=0x8835 | 0x9003 | 0x9004 | 0x9010..=0x9012
                | 0x9201..=0x920a | 0x9286 | 0x9290..=0x9292 | 0x9400..=0x9405 | 0xa20b | 0xa215 | 0xa217
                | 0xa300 | 0xa301 | 0xa401..=0xa406 | 0xa408..=0xa40a | 0xa40c | 0xa420 | 0xa430..=0xa435
        ),
        Directory::Gps => true,
        Directory::Interop => false,
    }
}

fn is_stripped(field: &Field, spec: &MetadataSpec) -> bool {
    match (field.directory, field.tag) {
        (Directory::Gps, _) => spec.strip_location,
        // Camera owner.
        (Directory::Exif, 0xa430) => spec.strip_people,
        // Body and lens serials; the picture's unique number, of which some cameras make one from the serial.
        (Directory::Exif, 0xa431 | 0xa435 | 0xa420) => spec.strip_serials,
        _ => false,
    }
}
