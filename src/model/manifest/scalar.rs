//! The plain values of a manifest: texts, lists, moments and free fields, each within its limit.

use serde_json::{Value, json};

use super::Fields;
use crate::model::document::{Node, Path};
use crate::model::limits::{MANIFEST_MAX_ENTRIES, NOTES_MAX_CHARS, STRING_MAX_CHARS};
use crate::model::name::quoted;
use crate::model::problem::Problems;
use crate::model::section::{Read, entries, misplaced};

/// A text of at most so many characters. One of spaces alone counts as none: many programs write an empty text where
/// they have nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text<const MAX: usize = STRING_MAX_CHARS>(pub Option<String>);

/// A text that may be longer than others.
pub type Notes = Text<NOTES_MAX_CHARS>;

impl<const MAX: usize> Read for Text<MAX> {
    fn read(node: &Node, path: &Path, problems: &mut Problems) -> Option<Text<MAX>> {
        let text = match node {
            Node::Text(text) => text.clone(),
            Node::Number(number) => exact_integer(node).or_else(|| {
                let why = if number.as_f64().is_some_and(|n| n.fract() == 0.0) {
                    "a text belongs here, and a number of so many digits may lose some; write it in quotes"
                } else {
                    "a text belongs here, and a number with a fraction may lose a zero; write it in quotes"
                };
                problems.error(path, format!("{number}: {why}"));
                None
            })?,
            other => return misplaced(other, path, problems, "a text"),
        };
        is_short(&text, MAX, path, problems).then_some(Text(Some(text).filter(|t| !t.trim().is_empty())))
    }
    fn schema() -> Value {
        json!({ "type": ["string", "integer"], "maxLength": MAX })
    }
}

/// A whole number that the text gives exactly; larger ones have lost digits before anyone could look at them.
pub(super) fn exact_integer(node: &Node) -> Option<String> {
    match node {
        Node::Number(n) if n.is_u64() || n.is_i64() => Some(n.to_string()),
        _ => None,
    }
}

/// The number of a picture or line: also one that a spreadsheet wrote with a fraction of nothing, `7.0`.
pub(super) fn whole_number(node: &Node) -> Option<String> {
    /// Up to here a floating-point number keeps every whole one.
    const EXACT_MAX: f64 = 9_007_199_254_740_992.0;
    let rounded = |n: &serde_json::Number| n.as_f64().filter(|n| n.fract() == 0.0 && (0.0..EXACT_MAX).contains(n));
    exact_integer(node).or_else(|| match node {
        Node::Number(n) => rounded(n).map(|n| format!("{n:.0}")),
        _ => None,
    })
}

fn is_short(text: &str, max_chars: usize, path: &Path, problems: &mut Problems) -> bool {
    let chars = text.chars().count();
    if chars > max_chars {
        problems.error(path, format!("the text has {chars} characters; at most {max_chars} are taken"));
    }
    chars <= max_chars
}

/// A list of at most 20,000 entries; a longer one is refused before its entries are read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Capped<T>(pub Vec<T>);

impl<T: Read> Read for Capped<T> {
    fn read(node: &Node, path: &Path, problems: &mut Problems) -> Option<Capped<T>> {
        if let Node::List(list) = node
            && list.len() > MANIFEST_MAX_ENTRIES
        {
            let count = list.len();
            problems.error(path, format!("the list has {count} entries; at most {MANIFEST_MAX_ENTRIES} are taken"));
            return None;
        }
        Vec::read(node, path, problems).map(Capped)
    }
    fn schema() -> Value {
        json!({ "type": "array", "items": T::schema(), "maxItems": MANIFEST_MAX_ENTRIES })
    }
}

/// The version of the format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Version;

impl Read for Version {
    fn read(node: &Node, path: &Path, problems: &mut Problems) -> Option<Version> {
        match node.as_shown().as_deref().map(str::trim) {
            Some("1") => Some(Version),
            _ => misplaced(node, path, problems, "a version that this server knows; it knows 1"),
        }
    }
    fn schema() -> Value {
        json!({ "enum": [1, "1"] })
    }
}

/// One text, or a list of them; empty ones are left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Texts(pub Vec<String>);

impl Read for Texts {
    fn read(node: &Node, path: &Path, problems: &mut Problems) -> Option<Texts> {
        let list: Vec<Text> = match node {
            Node::List(_) => Capped::read(node, path, problems)?.0,
            Node::Map(_) => return misplaced(node, path, problems, "a text or a list of texts"),
            one => vec![Text::read(one, path, problems)?],
        };
        Some(Texts(list.into_iter().filter_map(|t| t.0).collect()))
    }
    fn schema() -> Value {
        json!({ "anyOf": [Text::<STRING_MAX_CHARS>::schema(), Capped::<Text>::schema()] })
    }
}

/// A point in time, as written and as understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moment {
    pub written: String,
    pub at: jiff::Timestamp,
}

impl Read for Moment {
    fn read(node: &Node, path: &Path, problems: &mut Problems) -> Option<Moment> {
        let expected = "a date and time with its time zone, such as `2026-11-20T22:00:00-06:00`";
        let Node::Text(text) = node else { return misplaced(node, path, problems, expected) };
        let text = text.trim();
        match text.parse() {
            Ok(at) => Some(Moment { written: text.to_string(), at }),
            Err(_) => misplaced(node, path, problems, expected),
        }
    }
    fn schema() -> Value {
        json!({ "type": "string", "format": "date-time", "examples": ["2026-11-20T22:00:00-06:00"] })
    }
}

/// Free fields.
#[derive(Debug, Clone, PartialEq)]
pub struct FreeFields(pub Fields);

impl Read for FreeFields {
    fn read(node: &Node, path: &Path, problems: &mut Problems) -> Option<FreeFields> {
        let fields = entries(node, path, problems)?;
        let all_short =
            fields.iter().fold(true, |ok, (key, value)| texts_are_short(value, &path.key(key), problems) && ok);
        all_short.then(|| FreeFields(fields.to_vec()))
    }
    fn schema() -> Value {
        json!({ "type": "object" })
    }
}

fn texts_are_short(node: &Node, path: &Path, problems: &mut Problems) -> bool {
    match node {
        Node::Text(text) => is_short(text, STRING_MAX_CHARS, path, problems),
        Node::List(list) => {
            list.iter().enumerate().fold(true, |ok, (i, n)| texts_are_short(n, &path.index(i), problems) && ok)
        }
        Node::Map(map) => map.iter().fold(true, |ok, (key, n)| texts_are_short(n, &path.key(key), problems) && ok),
        Node::Null | Node::Bool(_) | Node::Number(_) => true,
    }
}

/// 64 hexadecimal digits, made lower case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sha256(pub String);

impl Read for Sha256 {
    fn read(node: &Node, path: &Path, problems: &mut Problems) -> Option<Sha256> {
        let expected = "a SHA-256 digest: 64 hexadecimal digits";
        let Node::Text(text) = node else { return misplaced(node, path, problems, expected) };
        if text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Some(Sha256(text.to_ascii_lowercase()));
        }
        let chars = text.chars().count();
        let count = if chars == 64 { String::new() } else { format!(" (these are {chars} characters)") };
        problems.error(path, format!("{} is not {expected}{count}", quoted(text)));
        None
    }
    fn schema() -> Value {
        json!({ "type": "string", "pattern": "^[0-9A-Fa-f]{64}$" })
    }
}
