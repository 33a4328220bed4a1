//! Finds a value of the tree again in its text: the text is read once more up to that value, and the parser's own
//! position is taken.

use std::cell::Cell;
use std::fmt;

use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

use super::{Path, Position, Step, Syntax};

/// Where a value stands in the text, or the key of it. `None` when the path does not exist there.
pub fn locate(text: &str, syntax: Syntax, path: &Path, at_key: bool) -> Option<Position> {
    locate_nth(text, syntax, path, at_key, 0)
}

/// Where a key stands again that must not: 1 is its second time.
pub(super) fn locate_nth_key(text: &str, syntax: Syntax, path: &Path, nth: usize) -> Option<Position> {
    locate_nth(text, syntax, path, true, nth)
}

fn locate_nth(text: &str, syntax: Syntax, path: &Path, at_key: bool, nth: usize) -> Option<Position> {
    let bom = usize::from(text.starts_with('\u{feff}'));
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let skip = Cell::new(nth);
    let probe = Probe { steps: &path.0, at_key, syntax, skip: &skip };
    let mut position = match syntax {
        Syntax::Json => {
            let mut reader = serde_json::Deserializer::from_str(text);
            let error = probe.deserialize(&mut reader).err()?;
            if !error.to_string().starts_with(FOUND) {
                return None;
            }
            let at = byte_of(text, error.line(), error.column());
            position_of(text, if at_key { json_key_start(text, at) } else { json_value_start(text, at) })
        }
        Syntax::Yaml => {
            let error = probe.deserialize(serde_yaml::Deserializer::from_str(text)).err()?;
            if !error.to_string().contains(FOUND) {
                return None;
            }
            let location = error.location()?;
            Position { line: location.line(), column: location.column() }
        }
    };
    if position.line == 1 {
        position.column += bom;
    }
    Some(position)
}

const FOUND: &str = "\u{1}found";

/// Walks along a path and fails at its end, so that the parser says where that is.
#[derive(Clone, Copy)]
struct Probe<'p> {
    steps: &'p [Step],
    at_key: bool,
    syntax: Syntax,
    /// How many keys of that name to pass by.
    skip: &'p Cell<usize>,
}

impl Probe<'_> {
    fn is_last_key(&self) -> bool {
        self.at_key && self.steps.len() == 1
    }
}

impl<'de> DeserializeSeed<'de> for Probe<'_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        if self.steps.is_empty() && self.syntax == Syntax::Json {
            // JSON errors carry the place of the byte read last: before the value it is the better one.
            return Err(de::Error::custom(FOUND));
        }
        deserializer.deserialize_any(self)
    }
}

macro_rules! probe_scalars {
    ($($name:ident: $t:ty),*) => {$(
        fn $name<E: de::Error>(self, _: $t) -> Result<(), E> {
            if self.steps.is_empty() { Err(E::custom(FOUND)) } else { Ok(()) }
        }
    )*};
}

impl<'de> Visitor<'de> for Probe<'_> {
    type Value = ();
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }
    probe_scalars!(
        visit_bool: bool, visit_i64: i64, visit_u64: u64, visit_i128: i128, visit_u128: u128, visit_f64: f64, visit_str: &str
    );
    fn visit_unit<E: de::Error>(self) -> Result<(), E> {
        if self.steps.is_empty() { Err(E::custom(FOUND)) } else { Ok(()) }
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        let wanted = match self.steps.first() {
            None => return Err(de::Error::custom(FOUND)),
            Some(Step::Index(index)) => Some(*index),
            Some(Step::Key(_)) => None,
        };
        let mut index = 0;
        loop {
            let more = if wanted == Some(index) {
                seq.next_element_seed(Probe { steps: &self.steps[1..], ..self })?.is_some()
            } else {
                seq.next_element::<de::IgnoredAny>()?.is_some()
            };
            if !more {
                return Ok(());
            }
            index += 1;
        }
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let wanted = match self.steps.first() {
            None => return Err(de::Error::custom(FOUND)),
            Some(Step::Key(key)) => Some(key.as_str()),
            Some(Step::Index(_)) => None,
        };
        let skip = self.is_last_key().then_some(self.skip);
        while let Some(matches) = map.next_key_seed(KeyProbe { wanted, fail_after: skip })? {
            if matches {
                map.next_value_seed(Probe { steps: &self.steps[1..], ..self })?;
            } else {
                map.next_value::<de::IgnoredAny>()?;
            }
        }
        Ok(())
    }
}

struct KeyProbe<'p> {
    wanted: Option<&'p str>,
    /// It is the key itself that is looked for, after so many others of its name.
    fail_after: Option<&'p Cell<usize>>,
}

impl KeyProbe<'_> {
    fn check<E: de::Error>(&self, key: &str) -> Result<bool, E> {
        let matches = self.wanted == Some(key);
        match self.fail_after {
            Some(skip) if matches && skip.get() == 0 => Err(E::custom(FOUND)),
            Some(skip) if matches => {
                skip.set(skip.get() - 1);
                // Another one of the same name is meant: what is in this one is passed by.
                Ok(false)
            }
            _ => Ok(matches),
        }
    }
}

impl<'de> DeserializeSeed<'de> for KeyProbe<'_> {
    type Value = bool;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<bool, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for KeyProbe<'_> {
    type Value = bool;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }
    fn visit_str<E: de::Error>(self, v: &str) -> Result<bool, E> {
        self.check(v)
    }
}

fn byte_of(text: &str, line: usize, column: usize) -> usize {
    let line_start: usize = text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
    (line_start + column).min(text.len())
}

/// The JSON parser stands somewhere between the last token and the value; the value starts behind the punctuation.
fn json_value_start(text: &str, mut at: usize) -> usize {
    let bytes = text.as_bytes();
    while at < bytes.len() && matches!(bytes[at], b' ' | b'\t' | b'\r' | b'\n' | b':' | b',') {
        at += 1;
    }
    at
}

/// The JSON parser stands behind the key: back over its closing quote to the one that opens it.
fn json_key_start(text: &str, at: usize) -> usize {
    let before = text.get(..at).unwrap_or(text);
    let close = before.rfind('"').unwrap_or(0);
    let mut open = close;
    while let Some(quote) = before[..open].rfind('"') {
        open = quote;
        let backslashes = before[..open].bytes().rev().take_while(|b| *b == b'\\').count();
        if backslashes % 2 == 0 {
            break;
        }
    }
    open
}

fn position_of(text: &str, at: usize) -> Position {
    let before = text.get(..at).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |n| n + 1);
    Position { line: before.matches('\n').count() + 1, column: before[line_start..].chars().count() + 1 }
}
