//! Numbers of a YAML text as they are written.
//!
//! YAML reads `0x1A` as 26, `0o17` as 15 and `+49` as 49. For a record, an item code or a telephone number that is
//! another value, so such a scalar stays the text that it is; only plain decimal numbers are numbers.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::Node;

/// Gives every integer that is not written as a plain decimal number its text back. `text` is what the tree was read
/// from.
pub(super) fn restore(node: &mut Node, text: &str) {
    if may_hold_one(text) {
        // It was read before without an error, so there is none now.
        let _ = Walk(node).deserialize(serde_yaml::Deserializer::from_str(text));
    }
}

/// Most texts hold no such number; they are not read a second time.
fn may_hold_one(text: &str) -> bool {
    text.as_bytes().windows(2).any(|pair| match pair {
        [b'0', b'x' | b'o' | b'b'] => true,
        [b'+', next] => next.is_ascii_digit(),
        _ => false,
    })
}

/// Reads a value a second time, led by the tree: where that has an integer, its scalar is asked for as a text.
struct Walk<'n>(&'n mut Node);

impl<'de> DeserializeSeed<'de> for Walk<'_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        match self.0 {
            Node::Map(_) => deserializer.deserialize_map(self),
            Node::List(_) => deserializer.deserialize_seq(self),
            Node::Number(number) if !number.is_f64() => deserializer.deserialize_str(self),
            _ => deserializer.deserialize_ignored_any(IgnoredAny).map(drop),
        }
    }
}

impl<'de> Visitor<'de> for Walk<'_> {
    type Value = ();
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("what was there before")
    }
    fn visit_str<E>(self, written: &str) -> Result<(), E> {
        if let Node::Number(number) = self.0
            && number.to_string() != written
        {
            *self.0 = Node::Text(written.to_string());
        }
        Ok(())
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        let Node::List(items) = self.0 else { return Ok(()) };
        for item in items {
            seq.next_element_seed(Walk(item))?;
        }
        // The end of the list has to be read too.
        seq.next_element::<IgnoredAny>().map(drop)
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Node::Map(entries) = self.0 else { return Ok(()) };
        let mut entries = entries.iter_mut().peekable();
        while let Some(key) = map.next_key::<String>()? {
            // Of a key that stands twice the tree has the first.
            match entries.next_if(|(known, _)| *known == key) {
                Some((_, value)) => map.next_value_seed(Walk(value))?,
                None => map.next_value::<IgnoredAny>().map(drop)?,
            }
        }
        Ok(())
    }
}
