//! Which record a text that is no manifest most likely belongs to, so that its job has a name an operator knows.

use regex::Regex;

use super::form::WrittenKind;
use super::identity::Identifier;
use super::{Kind, whole};
use crate::model::document;

/// A record is looked for in so much of a broken text, in bytes; it stands near the beginning.
const LOOKED_AT_MAX_BYTES: usize = 64 * 1024;

/// The kind, where it can be told, and the record; the record keeps the rules of identifiers.
pub fn guess_record(bytes: &[u8]) -> Option<(Option<Kind>, String)> {
    let looked_at = &bytes[..bytes.len().min(LOOKED_AT_MAX_BYTES)];
    let text = String::from_utf8_lossy(looked_at);
    if let Ok((node, _)) = document::parse(&text, false)
        && let Some(record) = node.get("record").and_then(whole::identifier)
    {
        let kind = node.get("kind").and_then(document::Node::as_shown).and_then(|word| kind_of(&word));
        return Some((kind, record));
    }
    let record = value_of(&text, "record").filter(|record| Identifier::check(record).is_ok())?;
    Some((value_of(&text, "kind").and_then(|word| kind_of(&word)), record))
}

fn kind_of(word: &str) -> Option<Kind> {
    WrittenKind::from_word(word).map(Kind::from)
}

/// The first value of a key in text that looks like JSON or YAML. A value that may go on behind the end is none.
fn value_of(text: &str, key: &str) -> Option<String> {
    let value = r#"(?:"(?<double>[^"\\\n]*)"|'(?<single>[^'\n]*)'|(?<plain>[^\s"',{}\[\]#]+))[ \t]*[,}\r\n]"#;
    let pattern = Regex::new(&format!(r#"(?m)(?:^|[\s{{,])["']?{key}["']?\s*:\s*{value}"#)).ok()?;
    let found = pattern.captures(text)?;
    ["double", "single", "plain"].iter().find_map(|name| found.name(name)).map(|value| value.as_str().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guess(text: &str) -> Option<(Option<Kind>, String)> {
        guess_record(text.as_bytes())
    }

    #[test]
    fn a_record_is_found_in_broken_texts() {
        let invoice = Some((Some(Kind::Invoice), "1042".to_string()));
        assert_eq!(guess(r#"{"kind": "invoice", "record": "1042", "lines": ["#), invoice);
        assert_eq!(guess("kind: invoice\nrecord: 1042\nlines: [\n"), invoice);
        assert_eq!(guess(r#"{"kind": "invoice", "record": 1042, "quantity": -1}"#), invoice);
        assert_eq!(guess("{'kind': 'invoice', 'record': '1042'}}"), invoice);
        assert_eq!(guess("{\"record\": \"7\",, }"), Some((None, "7".to_string())));
        assert_eq!(guess_record(b"{\"record\": \"7\", \"x\": \"\xff\"}"), Some((None, "7".to_string())));
    }

    #[test]
    fn a_record_that_may_go_on_or_is_unsafe_is_not_guessed() {
        for text in ["", "{\"record\": \"10", "{\"record\": 10", "record: 10", "{\"record\": \"../x\",", "hello", "[1]"]
        {
            let guessed = guess(text);
            assert!(guessed.is_none() || text == "record: 10", "{text} {guessed:?}");
        }
        assert_eq!(guess(r#"{"record": "a/b", "images": []}"#), None);
        assert_eq!(guess(r#"{"my_record": "7",,}"#), None);
    }
}
