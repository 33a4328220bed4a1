//! Takes an answer apart (RFC 8010, section 3), and leaves out what it cannot read.
//!
//! Owns: what a printer sends cannot make it panic, recurse without end or allocate out of proportion. The crate's own
//! parser refuses a whole answer for one text that is too long; printers send hundreds of attributes that nobody asked
//! for, and one of those must not make a printer unreachable.

use ipp::attribute::{IppAttribute, IppAttributeGroup};
use ipp::model::DelimiterTag;
use ipp::value::{IppName, IppValue};

use crate::model::limits::{PRINTER_ANSWER_MAX_DEPTH, PRINTER_ANSWER_MAX_VALUES};

pub(super) const HEADER_BYTES: usize = 8;
/// Tags below it begin a group, or end the answer.
const FIRST_VALUE_TAG: u8 = 0x10;
const END_OF_ATTRIBUTES: u8 = 0x03;
const BEGIN_COLLECTION: u8 = 0x34;
const TEXT_WITH_LANGUAGE: u8 = 0x35;
const NAME_WITH_LANGUAGE: u8 = 0x36;
const END_COLLECTION: u8 = 0x37;
const MEMBER_NAME: u8 = 0x4a;
/// Values that are characters and nothing else.
const TEXTS: std::ops::RangeInclusive<u8> = 0x41..=0x49;

/// Status and groups; `Err` says what is wrong, to go behind "its answer".
pub(super) fn read(answer: &[u8]) -> Result<(u16, Vec<IppAttributeGroup>), String> {
    let header = answer.first_chunk::<HEADER_BYTES>().ok_or_else(cut_off)?;
    let status = u16::from_be_bytes([header[2], header[3]]);
    let mut items = Items { rest: &answer[HEADER_BYTES..], values: 0 };
    let mut groups: Vec<IppAttributeGroup> = Vec::new();
    // Of a group that nobody knows, `None`: its attributes are read and left out. The same of an attribute.
    let mut group: Option<IppAttributeGroup> = None;
    let mut attribute: Option<(IppName, Vec<IppValue>)> = None;
    loop {
        let tag = items.tag()?;
        if tag < FIRST_VALUE_TAG {
            close(attribute.take(), group.as_mut());
            groups.extend(group.take());
            if tag == END_OF_ATTRIBUTES {
                return Ok((status, groups));
            }
            group = group_of(tag).map(IppAttributeGroup::new);
            continue;
        }
        let (name, value) = items.name_and_value()?;
        let value = match tag {
            BEGIN_COLLECTION => Some(items.collection(1)?),
            // Outside of a collection it names nothing, and neither do the values behind it.
            MEMBER_NAME | END_COLLECTION => {
                close(attribute.take(), group.as_mut());
                continue;
            }
            _ => single(tag, value),
        };
        if !name.is_empty() {
            close(attribute.take(), group.as_mut());
            attribute = name_of(name).map(|name| (name, Vec::new()));
        }
        if let Some((_, values)) = &mut attribute {
            values.extend(value);
        }
    }
}

/// Where the attributes end, of an answer that may not be whole yet. It goes on where it stopped.
#[derive(Debug, Default)]
pub(super) struct End {
    at: usize,
}

impl End {
    pub(super) fn is_in(&mut self, answer: &[u8]) -> bool {
        self.at = self.at.max(HEADER_BYTES);
        loop {
            let mut items = Items { rest: answer.get(self.at..).unwrap_or_default(), values: 0 };
            match items.tag() {
                Ok(END_OF_ATTRIBUTES) => return true,
                Ok(tag) if tag >= FIRST_VALUE_TAG && items.name_and_value().is_err() => return false,
                Ok(_) => self.at = answer.len() - items.rest.len(),
                Err(_) => return false,
            }
        }
    }
}

/// Whether that can be an answer at all, whatever HTTP calls it: a version of IPP, and a group or the end behind the
/// header.
pub(super) fn looks_right(answer: &[u8]) -> bool {
    matches!(answer.first(), Some(1 | 2)) && answer.get(HEADER_BYTES).is_some_and(|tag| *tag < FIRST_VALUE_TAG)
}

struct Items<'a> {
    rest: &'a [u8],
    values: usize,
}

impl<'a> Items<'a> {
    fn tag(&mut self) -> Result<u8, String> {
        let (tag, rest) = self.rest.split_first().ok_or_else(cut_off)?;
        self.rest = rest;
        Ok(*tag)
    }

    fn name_and_value(&mut self) -> Result<(&'a [u8], &'a [u8]), String> {
        self.values += 1;
        if self.values > PRINTER_ANSWER_MAX_VALUES {
            return Err(format!("has more than {PRINTER_ANSWER_MAX_VALUES} values"));
        }
        Ok((take(&mut self.rest)?, take(&mut self.rest)?))
    }

    /// A collection that has begun.
    fn collection(&mut self, depth: usize) -> Result<IppValue, String> {
        if depth > PRINTER_ANSWER_MAX_DEPTH {
            return Err(format!("has collections in one another, more than {PRINTER_ANSWER_MAX_DEPTH} deep"));
        }
        let mut members: Vec<(IppName, Vec<IppValue>)> = Vec::new();
        // Values behind a name that cannot be read belong to nobody.
        let mut has_name = false;
        loop {
            let tag = self.tag()?;
            if tag < FIRST_VALUE_TAG {
                return Err("has a collection without an end".into());
            }
            let (name, value) = self.name_and_value()?;
            if !name.is_empty() {
                return Err("has a collection without an end".into());
            }
            let value = match tag {
                END_COLLECTION => {
                    let member = |(name, values): (IppName, Vec<IppValue>)| Some((name, one_or_list(values)?));
                    return Ok(IppValue::Collection(members.into_iter().filter_map(member).collect()));
                }
                MEMBER_NAME => {
                    let name = name_of(value);
                    has_name = name.is_some();
                    members.extend(name.map(|name| (name, Vec::new())));
                    continue;
                }
                BEGIN_COLLECTION => Some(self.collection(depth + 1)?),
                _ => single(tag, value),
            };
            if let (true, Some((_, values))) = (has_name, members.last_mut()) {
                values.extend(value);
            }
        }
    }
}

/// An attribute whose values could not be read is there all the same: a refusal names attributes by their names alone.
fn close(attribute: Option<(IppName, Vec<IppValue>)>, group: Option<&mut IppAttributeGroup>) {
    if let (Some((name, values)), Some(group)) = (attribute, group) {
        let value = one_or_list(values).unwrap_or(IppValue::NoValue);
        group.attributes_mut().push(IppAttribute::new(name, value));
    }
}

fn one_or_list(mut values: Vec<IppValue>) -> Option<IppValue> {
    if values.len() > 1 { Some(IppValue::Array(values)) } else { values.pop() }
}

/// `None` for a value that is longer than its kind can be, too short for it, or of no kind that is known.
fn single(tag: u8, value: &[u8]) -> Option<IppValue> {
    // The crate trusts the two lengths inside a text with a language.
    if matches!(tag, TEXT_WITH_LANGUAGE | NAME_WITH_LANGUAGE) {
        let mut parts = value;
        take(&mut parts).and_then(|_| take(&mut parts)).ok().filter(|_| parts.is_empty())?;
    }
    // A text in another character set, or cut in the middle of a character, is read as far as it can be.
    let value = if TEXTS.contains(&tag) { String::from_utf8_lossy(value).into_owned().into() } else { value.to_vec() };
    IppValue::parse(tag, value.into()).ok().filter(|value| !matches!(value, IppValue::Other { .. }))
}

fn name_of(bytes: &[u8]) -> Option<IppName> {
    IppName::try_from(String::from_utf8_lossy(bytes).into_owned()).ok()
}

/// Those that a printer puts into an answer of ours.
fn group_of(tag: u8) -> Option<DelimiterTag> {
    let known = [
        DelimiterTag::OperationAttributes,
        DelimiterTag::JobAttributes,
        DelimiterTag::PrinterAttributes,
        DelimiterTag::UnsupportedAttributes,
    ];
    known.into_iter().find(|known| *known as u8 == tag)
}

/// Two bytes of length and what they measure.
fn take<'a>(rest: &mut &'a [u8]) -> Result<&'a [u8], String> {
    let (length, behind) = rest.split_first_chunk::<2>().ok_or_else(cut_off)?;
    let length = usize::from(u16::from_be_bytes(*length));
    let (taken, behind) = behind.split_at_checked(length).ok_or_else(cut_off)?;
    *rest = behind;
    Ok(taken)
}

fn cut_off() -> String {
    "ends in the middle".into()
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEYWORD: u8 = 0x44;

    fn value(tag: u8, name: &str, value: &[u8]) -> Vec<u8> {
        let mut bytes = vec![tag];
        bytes.extend((name.len() as u16).to_be_bytes());
        bytes.extend(name.as_bytes());
        bytes.extend((value.len() as u16).to_be_bytes());
        bytes.extend(value);
        bytes
    }

    fn answer(values: &[Vec<u8>]) -> Vec<u8> {
        let mut bytes = vec![2, 0, 0, 0, 0, 0, 0, 1, 4];
        bytes.extend(values.concat());
        bytes.push(END_OF_ATTRIBUTES);
        bytes
    }

    fn only(values: &[Vec<u8>]) -> IppAttributeGroup {
        let (_, mut groups) = read(&answer(values)).unwrap();
        assert_eq!(groups.len(), 1);
        groups.remove(0)
    }

    fn value_of(group: &IppAttributeGroup, name: &str) -> IppValue {
        group.get(name).map_or(IppValue::NoValue, |attribute| attribute.value().clone())
    }

    fn keyword(text: &str) -> IppValue {
        IppValue::new_keyword(text).unwrap()
    }

    #[test]
    fn lists_and_collections_are_read() {
        let group = only(&[
            value(KEYWORD, "modes", b"auto"),
            value(KEYWORD, "", b"color"),
            value(BEGIN_COLLECTION, "media-col", b""),
            value(MEMBER_NAME, "", b"media-size"),
            value(BEGIN_COLLECTION, "", b""),
            value(MEMBER_NAME, "", b"x-dimension"),
            value(0x21, "", &[0, 0, 0, 7]),
            value(END_COLLECTION, "", b""),
            value(MEMBER_NAME, "", b"types"),
            value(KEYWORD, "", b"a"),
            value(KEYWORD, "", b"b"),
            value(END_COLLECTION, "", b""),
            value(TEXT_WITH_LANGUAGE, "text", b"\0\x02en\0\x01x"),
        ]);
        assert_eq!(value_of(&group, "modes"), IppValue::Array(vec![keyword("auto"), keyword("color")]));
        let IppValue::Collection(media) = value_of(&group, "media-col") else { panic!("no collection") };
        assert_eq!(media["types"], IppValue::Array(vec![keyword("a"), keyword("b")]));
        let IppValue::Collection(size) = &media["media-size"] else { panic!("no collection") };
        assert_eq!(size["x-dimension"], IppValue::Integer(7));
        assert!(matches!(value_of(&group, "text"), IppValue::TextWithLanguage { .. }));
    }

    #[test]
    fn what_cannot_be_read_is_left_out_and_the_rest_counts() {
        let long = "x".repeat(1400);
        let odd: [Vec<u8>; 11] = [
            value(0x41, "printer-device-id", long.as_bytes()),
            value(KEYWORD, "languages", &long.as_bytes()[..300]),
            value(0x45, "icons", long.as_bytes()),
            value(0x7f, "x-vendor", b"\0\0\0\x01ab"),
            value(0x23, "finishings-default", b""),
            value(0x22, "color-supported", b""),
            value(0x31, "now", b"\x07\xea\x0b\x1e"),
            value(TEXT_WITH_LANGUAGE, "a", b"\xff\xffen\0\x01x"),
            value(NAME_WITH_LANGUAGE, "a", b"\0\x02en\0\x09x"),
            value(KEYWORD, &"n".repeat(300), b"x"),
            [value(MEMBER_NAME, "", b"media-size"), value(0x21, "", &[0, 0, 0, 1])].concat(),
        ];
        for odd in &odd {
            let group = only(&[value(KEYWORD, "before", b"1"), odd.clone(), value(KEYWORD, "behind", b"2")]);
            let shown = format!("{odd:?}").chars().take(40).collect::<String>();
            assert_eq!(
                (value_of(&group, "before"), value_of(&group, "behind")),
                (keyword("1"), keyword("2")),
                "{shown}"
            );
        }
        // One of a list.
        let group =
            only(&[value(KEYWORD, "media", b"a"), value(KEYWORD, "", long.as_bytes()), value(KEYWORD, "", b"b")]);
        assert_eq!(value_of(&group, "media"), IppValue::Array(vec![keyword("a"), keyword("b")]));
        let group = only(&[value(0x42, "printer-location", b"B\xfcro")]);
        assert_eq!(value_of(&group, "printer-location"), IppValue::new_name_without_language("B\u{fffd}ro").unwrap());
        // A group that nobody knows, before one that is.
        let mut bytes = vec![2, 0, 0, 0, 0, 0, 0, 1, 0x0b];
        bytes.extend([value(KEYWORD, "x", b"y"), vec![4], value(KEYWORD, "z", b"1"), vec![3]].concat());
        let (_, groups) = read(&bytes).unwrap();
        assert_eq!((groups.len(), value_of(&groups[0], "z")), (1, keyword("1")));
    }

    #[test]
    fn every_cut_is_seen_and_the_end_is_found_as_it_comes() {
        let whole = answer(&[value(0x21, "job-id", &[0, 0, 0, 7]), value(KEYWORD, "x", b"\x03yes")]);
        let mut end = End::default();
        for length in 0..whole.len() {
            assert_eq!(read(&whole[..length]).unwrap_err(), "ends in the middle", "{length}");
            assert!(!end.is_in(&whole[..length]), "{length}");
        }
        assert!(end.is_in(&whole) && End::default().is_in(&[&whole[..], b"behind it"].concat()));
        assert!(looks_right(&whole) && !looks_right(b"<html>...") && !looks_right(b""));
    }

    #[test]
    fn collections_have_an_end_and_a_bottom() {
        let why = |values: &[Vec<u8>]| read(&answer(values)).unwrap_err();
        let deep: Vec<Vec<u8>> = std::iter::once(value(BEGIN_COLLECTION, "a", b""))
            .chain(std::iter::repeat_n(value(BEGIN_COLLECTION, "", b""), 100_000))
            .collect();
        assert!(why(&deep).contains("deep"));
        assert!(why(&[value(BEGIN_COLLECTION, "a", b"")]).contains("without an end"));
        assert!(why(&[value(BEGIN_COLLECTION, "a", b""), value(KEYWORD, "b", b"c")]).contains("without an end"));
        let many = vec![value(0x21, "", &[0, 0, 0, 1]); PRINTER_ANSWER_MAX_VALUES + 1];
        assert!(why(&many).contains("more than"));
    }
}
