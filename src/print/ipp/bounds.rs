//! Looks an answer over before the crate takes it apart.
//!
//! Owns: nothing that passes can make the parser panic, recurse without end or allocate out of proportion. It trusts
//! the lengths inside a text with a language, and builds and drops collections by recursion; both are a printer's to
//! choose.

use crate::model::limits::{PRINTER_ANSWER_MAX_DEPTH, PRINTER_ANSWER_MAX_VALUES};

const HEADER_BYTES: usize = 8;
const END_OF_ATTRIBUTES: u8 = 0x03;
const BEGIN_COLLECTION: u8 = 0x34;
const END_COLLECTION: u8 = 0x37;
const TEXT_WITH_LANGUAGE: u8 = 0x35;
const NAME_WITH_LANGUAGE: u8 = 0x36;

/// `Err` says what is wrong with the answer, to go behind "its answer".
pub(super) fn check(answer: &[u8]) -> Result<(), String> {
    let mut rest = answer.get(HEADER_BYTES..).ok_or_else(cut_off)?;
    let (mut depth, mut values) = (0_usize, 0_usize);
    loop {
        let tag = *rest.first().ok_or_else(cut_off)?;
        rest = &rest[1..];
        if tag < 0x10 {
            if depth > 0 {
                return Err("has a collection without an end".into());
            }
            if tag == END_OF_ATTRIBUTES {
                return Ok(());
            }
            continue;
        }
        let name = take(&mut rest)?;
        let value = take(&mut rest)?;
        values += 1;
        if values > PRINTER_ANSWER_MAX_VALUES {
            return Err(format!("has more than {PRINTER_ANSWER_MAX_VALUES} values"));
        }
        if depth > 0 && !name.is_empty() {
            return Err("has a collection without an end".into());
        }
        match tag {
            BEGIN_COLLECTION => depth += 1,
            END_COLLECTION => depth = depth.checked_sub(1).ok_or("ends a collection that it did not begin")?,
            TEXT_WITH_LANGUAGE | NAME_WITH_LANGUAGE => {
                let mut parts = value;
                if take(&mut parts).and_then(|_| take(&mut parts)).is_err() || !parts.is_empty() {
                    return Err("has a text whose parts are longer than it".into());
                }
            }
            _ => {}
        }
        if depth > PRINTER_ANSWER_MAX_DEPTH {
            return Err(format!("has collections in one another, more than {PRINTER_ANSWER_MAX_DEPTH} deep"));
        }
    }
}

/// Two bytes of length and what they measure.
fn take<'a>(rest: &mut &'a [u8]) -> Result<&'a [u8], String> {
    let (length, behind) = rest.split_first_chunk::<2>().ok_or_else(cut_off)?;
    let length = usize::from(u16::from_be_bytes(*length));
    if behind.len() < length {
        return Err(cut_off());
    }
    let (taken, behind) = behind.split_at(length);
    *rest = behind;
    Ok(taken)
}

fn cut_off() -> String {
    "ends in the middle".into()
}

#[cfg(test)]
mod tests {
    use super::*;

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

    #[test]
    fn whole_answers_pass() {
        let nested = [
            value(BEGIN_COLLECTION, "media-col", b""),
            value(0x4a, "", b"media-size"),
            value(BEGIN_COLLECTION, "", b""),
            value(END_COLLECTION, "", b""),
            value(END_COLLECTION, "", b""),
        ];
        assert_eq!(check(&answer(&nested)), Ok(()));
        assert_eq!(check(&answer(&[value(TEXT_WITH_LANGUAGE, "a", b"\0\x02en\0\x01x")])), Ok(()));
    }

    #[test]
    fn every_cut_is_seen() {
        let whole = answer(&[value(0x21, "job-id", &[0, 0, 0, 7]), value(0x44, "x", b"yes")]);
        for length in 0..whole.len() {
            assert_eq!(check(&whole[..length]), Err("ends in the middle".into()), "{length}");
        }
    }

    #[test]
    fn lengths_that_lie_are_refused() {
        // The parser would read behind the value's end.
        let long = answer(&[value(TEXT_WITH_LANGUAGE, "a", b"\xff\xffen\0\x01x")]);
        assert!(check(&long).unwrap_err().contains("longer"));
        let beyond = answer(&[value(NAME_WITH_LANGUAGE, "a", b"\0\x02en\0\x09x")]);
        assert!(check(&beyond).unwrap_err().contains("longer"));
    }

    #[test]
    fn collections_have_an_end_and_a_bottom() {
        let deep: Vec<Vec<u8>> = std::iter::once(value(BEGIN_COLLECTION, "a", b""))
            .chain(std::iter::repeat_n(value(BEGIN_COLLECTION, "", b""), 100_000))
            .collect();
        assert!(check(&answer(&deep)).unwrap_err().contains("deep"));
        assert!(check(&answer(&[value(BEGIN_COLLECTION, "a", b"")])).unwrap_err().contains("without an end"));
        assert!(check(&answer(&[value(END_COLLECTION, "", b"")])).unwrap_err().contains("did not begin"));
        let many = vec![value(0x21, "", &[0, 0, 0, 1]); PRINTER_ANSWER_MAX_VALUES + 1];
        assert!(check(&answer(&many)).unwrap_err().contains("more than"));
    }
}
