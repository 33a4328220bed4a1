//! Words that stand neither in EXIF nor in XMP: IPTC's older blocks (IIM) and the text chunks of PNG.
//!
//! They are read as the properties of XMP that took their place, by the table of the IPTC and the Metadata Working Group.
//! Invariant: a block that breaks off gives what stands before. Must not know: which words a profile keeps.

use super::exif::decoded;
use super::xmp::{CREATOR, DESCRIPTION, IPTC, PHOTOSHOP, Property, RIGHTS, SUBJECT, Shape, TITLE};

/// A property of XMP, and one value of it.
pub(super) type Word = (Property, String);

/// What the segments of Photoshop's image resources begin with.
pub(super) const PHOTOSHOP_PREFIX: &[u8] = b"Photoshop 3.0\0";
const RESOURCE: &[u8] = b"8BIM";
/// The resource that holds the IIM block.
const IIM_RESOURCE: [u8; 2] = [4, 4];
/// What each dataset of IIM begins with.
const DATASET: u8 = 0x1c;
/// The record of IIM that describes the picture.
const APPLICATION: u8 = 2;
/// More words than any program writes about a picture.
const WORDS_MAX: usize = 10_000;
const DATE_CREATED: u8 = 55;
const TIME_CREATED: u8 = 60;

const fn photoshop(local: &'static str) -> Property {
    Property { space: PHOTOSHOP, local, shape: Shape::Text }
}

/// Datasets of the second record.
const PROPERTIES: [(u8, Property); 20] = [
    (5, TITLE),
    (10, photoshop("Urgency")),
    (15, photoshop("Category")),
    (20, Property { space: PHOTOSHOP, local: "SupplementalCategories", shape: Shape::Bag }),
    (25, SUBJECT),
    (40, photoshop("Instructions")),
    (80, CREATOR),
    (85, photoshop("AuthorsPosition")),
    (90, photoshop("City")),
    (92, Property { space: IPTC, local: "Location", shape: Shape::Text }),
    (95, photoshop("State")),
    (100, Property { space: IPTC, local: "CountryCode", shape: Shape::Text }),
    (101, photoshop("Country")),
    (103, photoshop("TransmissionReference")),
    (105, photoshop("Headline")),
    (110, photoshop("Credit")),
    (115, photoshop("Source")),
    (116, RIGHTS),
    (120, DESCRIPTION),
    (122, photoshop("CaptionWriter")),
];

/// The keywords of PNG text chunks that its standard defines, and `Artist`, which some programs write.
pub(super) fn property_of_png(keyword: &str) -> Option<Property> {
    match keyword.to_ascii_lowercase().as_str() {
        "author" | "artist" => Some(CREATOR),
        "copyright" => Some(RIGHTS),
        "title" => Some(TITLE),
        "description" => Some(DESCRIPTION),
        _ => None,
    }
}

/// The words of a block: image resources of Photoshop, or IIM alone.
pub(super) fn read(block: &[u8]) -> Vec<Word> {
    let block = block.strip_prefix(PHOTOSHOP_PREFIX).unwrap_or(block);
    // Photoshop wrote it into TIFF as numbers of four bytes, whose order some programs turned.
    if let [first, _, _, DATASET, ..] = block
        && *first != DATASET
    {
        let turned: Vec<u8> = block.chunks(4).flat_map(|number| number.iter().rev().copied()).collect();
        return words(&turned);
    }
    if block.starts_with(RESOURCE) { resource(block).map(words).unwrap_or_default() } else { words(block) }
}

/// The IIM block among image resources.
fn resource(mut rest: &[u8]) -> Option<&[u8]> {
    loop {
        let (kind, after) = rest.strip_prefix(RESOURCE)?.split_first_chunk::<2>()?;
        // A name and its length take an even number of bytes; so does the content.
        let name = usize::from(*after.first()?) + 1;
        let (length, after) = after.get(name.next_multiple_of(2)..)?.split_first_chunk::<4>()?;
        let length = u32::from_be_bytes(*length) as usize;
        if *kind == IIM_RESOURCE {
            return Some(after.get(..length).unwrap_or(after));
        }
        rest = after.get(length.checked_next_multiple_of(2)?..)?;
    }
}

fn words(mut rest: &[u8]) -> Vec<Word> {
    let mut found = Vec::new();
    let (mut date, mut time) = (None, None);
    while let Some(([DATASET, record, dataset, high, low], after)) = rest.split_first_chunk()
        && found.len() < WORDS_MAX
    {
        // Longer values than 32,767 bytes have another form, which no program uses for words.
        let length = usize::from(u16::from_be_bytes([*high, *low]));
        let Some((value, after)) = after.split_at_checked(length) else { break };
        rest = after;
        let text = decoded(value).trim_matches(|c: char| c.is_whitespace() || c == '\0').to_owned();
        if *record != APPLICATION || text.is_empty() {
            continue;
        }
        match *dataset {
            DATE_CREATED => date = date.or(as_date(&text)),
            TIME_CREATED => time = time.or(as_time(&text)),
            number => {
                let known = PROPERTIES.iter().find(|(of, _)| *of == number);
                found.extend(known.map(|(_, property)| (*property, text)));
            }
        }
    }
    found.extend(date.map(|date| (photoshop("DateCreated"), date + &time.unwrap_or_default())));
    found
}

fn digits(text: &str, length: usize) -> Option<&str> {
    text.get(..length).filter(|part| part.bytes().all(|b| b.is_ascii_digit()))
}

/// `20260620` as `2026-06-20`.
fn as_date(text: &str) -> Option<String> {
    let day = digits(text, 8)?;
    Some(format!("{}-{}-{}", &day[..4], &day[4..6], &day[6..]))
}

/// `140102+0200` as `T14:01:02+02:00`; the zone may be missing.
fn as_time(text: &str) -> Option<String> {
    let clock = digits(text, 6)?;
    let zone = text.get(6..7).filter(|sign| matches!(*sign, "+" | "-"));
    let zone = zone.and_then(|sign| Some((sign, digits(text.get(7..)?, 4)?)));
    let zone = zone.map(|(sign, zone)| format!("{sign}{}:{}", &zone[..2], &zone[2..])).unwrap_or_default();
    Some(format!("T{}:{}:{}{zone}", &clock[..2], &clock[2..4], &clock[4..]))
}
