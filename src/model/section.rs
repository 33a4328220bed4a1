//! Reading a [`Node`] into typed values, collecting every problem on the way.
//!
//! `section!` and `keyword!` describe a map or a word list once; its reader, the hints for unknown keys and its
//! JSON Schema all come from that one description.

use serde_json::{Value, json};

use super::document::{Node, Path};
use super::name::quoted;
use super::problem::{Problems, did_you_mean};
use super::units::{self, Color, Dimensions, Length, Share, TimeOfDay};

/// A value that can be read from a node, and whose form a JSON Schema can tell.
pub trait Read: Sized {
    /// `None` only when an error went into `problems`.
    fn read(node: &Node, path: &Path, problems: &mut Problems) -> Option<Self>;
    /// The JSON Schema of what `read` takes.
    fn schema() -> Value;
}

/// A map with known keys.
///
/// Each field is an `Option`; `key: Type` in YAML terms. Doc comments become the schema's descriptions. `[required]`
/// makes a missing key an error. Every section remembers where it stood, as `here`.
#[macro_export]
macro_rules! section {
    (
        $(#[doc = $doc:literal])*
        $vis:vis struct $name:ident {
            $( $(#[doc = $fdoc:literal])* $field:ident : $ty:ty $([$required:ident])? ),* $(,)?
        }
    ) => {
        $(#[doc = $doc])*
        #[derive(Debug, Clone, Default)]
        $vis struct $name {
            /// Where this section stands in the document.
            #[allow(dead_code, reason = "a section whose keys need no check beyond their own has no use for it")]
            $vis here: $crate::model::document::Path,
            $( $(#[doc = $fdoc])* $vis $field: Option<$ty>, )*
        }

        impl $name {
            /// The keys this section knows.
            $vis const KEYS: &'static [&'static str] = &[$( $crate::model::section::key_name(stringify!($field)) ),*];
        }

        impl $crate::model::section::Read for $name {
            fn read(
                node: &$crate::model::document::Node,
                path: &$crate::model::document::Path,
                problems: &mut $crate::model::problem::Problems,
            ) -> Option<Self> {
                let entries = $crate::model::section::entries(node, path, problems)?;
                let mut section = $name { here: path.clone(), ..Default::default() };
                for (key, value) in entries {
                    let at = path.key(key);
                    $(
                        if key == $crate::model::section::key_name(stringify!($field)) {
                            // An empty value (`key:`) counts as a key that is not there.
                            if *value != $crate::model::document::Node::Null {
                                section.$field = <$ty as $crate::model::section::Read>::read(value, &at, problems);
                            }
                            continue;
                        }
                    )*
                    problems.unknown_key(&at, Self::KEYS.iter().copied());
                }
                $( $(
                    let _: &str = stringify!($required);
                    let key = $crate::model::section::key_name(stringify!($field));
                    if node.get(key).is_none_or(|n| *n == $crate::model::document::Node::Null) {
                        problems.error(&path.key(key), format!("`{key}` is missing"));
                    }
                )? )*
                Some(section)
            }

            fn schema() -> serde_json::Value {
                let mut properties = serde_json::Map::new();
                #[allow(unused_mut, reason = "a section without required keys never pushes")]
                let mut required: Vec<&str> = Vec::new();
                $(
                    let mut schema = <$ty as $crate::model::section::Read>::schema();
                    $crate::model::section::describe(&mut schema, concat!($($fdoc, "\n"),*));
                    properties.insert($crate::model::section::key_name(stringify!($field)).into(), schema);
                    $(
                        let _: &str = stringify!($required);
                        required.push($crate::model::section::key_name(stringify!($field)));
                    )?
                )*
                let mut schema = serde_json::json!({
                    "type": "object", "properties": properties, "additionalProperties": false,
                });
                if !required.is_empty() {
                    schema["required"] = required.into();
                }
                schema
            }
        }
    };
}

/// A value that is one of some words.
#[macro_export]
macro_rules! keyword {
    (
        $(#[$meta:meta])*
        $vis:vis enum $name:ident { $( $(#[$vmeta:meta])* $variant:ident = $word:literal ),* $(,)? }
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
        $vis enum $name { $( $(#[$vmeta])* #[serde(rename = $word)] $variant ),* }

        impl $name {
            /// The words, in the order of the documentation.
            $vis const WORDS: &'static [&'static str] = &[$($word),*];

            $vis fn from_word(word: &str) -> Option<Self> {
                match word { $( $word => Some(Self::$variant), )* _ => None }
            }

            $vis fn word(self) -> &'static str {
                match self { $( Self::$variant => $word ),* }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.word())
            }
        }

        impl $crate::model::section::Read for $name {
            fn read(
                node: &$crate::model::document::Node,
                path: &$crate::model::document::Path,
                problems: &mut $crate::model::problem::Problems,
            ) -> Option<Self> {
                $crate::model::section::word(node, path, problems, Self::WORDS).and_then(Self::from_word)
            }
            fn schema() -> serde_json::Value {
                serde_json::json!({ "enum": Self::WORDS })
            }
        }
    };
}

/// Puts a doc comment into a schema, as one line: editors show it beside the key.
pub fn describe(schema: &mut Value, doc: &str) {
    let text = doc.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" ");
    if let (false, Some(map)) = (text.is_empty(), schema.as_object_mut()) {
        map.insert("description".into(), text.into());
    }
}

/// `r#type` is spelt `type`.
pub const fn key_name(field: &'static str) -> &'static str {
    let bytes = field.as_bytes();
    if bytes.len() > 2 && bytes[0] == b'r' && bytes[1] == b'#' { field.split_at(2).1 } else { field }
}

/// The entries of a map; anything else is a problem.
pub fn entries<'n>(node: &'n Node, path: &Path, problems: &mut Problems) -> Option<&'n [(String, Node)]> {
    match node {
        Node::Map(entries) => Some(entries),
        other => {
            problems.error(path, format!("a map (`key: value`) belongs here, not {}", other.kind()));
            None
        }
    }
}

/// One of some words; a wrong one is shown beside the right ones.
pub fn word<'n>(node: &'n Node, path: &Path, problems: &mut Problems, words: &[&str]) -> Option<&'n str> {
    let list = || words.iter().map(|w| format!("`{w}`")).collect::<Vec<_>>().join(", ");
    match node {
        Node::Text(text) if words.contains(&text.as_str()) => Some(text),
        Node::Text(text) => {
            let hint = did_you_mean(text, words.iter().copied());
            problems.error(path, format!("{} is not one of {}{hint}", quoted(text), list()));
            None
        }
        other => {
            problems.error(path, format!("one of {} belongs here, not {}", list(), other.kind()));
            None
        }
    }
}

/// Reports that a value is not what belongs here.
pub fn misplaced<T>(node: &Node, path: &Path, problems: &mut Problems, expected: &str) -> Option<T> {
    let text = match node {
        Node::Text(text) => format!("{} is not {expected}", quoted(text)),
        Node::Number(number) => format!("{number} is not {expected}"),
        other => format!("{expected} belongs here, not {}", other.kind()),
    };
    problems.error(path, text);
    None
}

impl Read for String {
    /// Numbers are taken as they are written: a `record: 1042` is a text to everyone.
    fn read(node: &Node, path: &Path, problems: &mut Problems) -> Option<String> {
        match node {
            Node::Text(text) => Some(text.clone()),
            Node::Number(number) => Some(number.to_string()),
            other => misplaced(other, path, problems, "a text"),
        }
    }
    fn schema() -> Value {
        json!({ "type": ["string", "number"] })
    }
}

impl Read for bool {
    fn read(node: &Node, path: &Path, problems: &mut Problems) -> Option<bool> {
        match node {
            Node::Bool(value) => Some(*value),
            Node::Text(t) if t == "true" => Some(true),
            Node::Text(t) if t == "false" => Some(false),
            other => misplaced(other, path, problems, "`true` or `false`"),
        }
    }
    fn schema() -> Value {
        json!({ "type": "boolean" })
    }
}

fn number(node: &Node) -> Option<f64> {
    match node {
        Node::Number(n) => n.as_f64(),
        Node::Text(t) => t.trim().parse::<f64>().ok().filter(|n| n.is_finite()),
        _ => None,
    }
}

/// A text that is a number, in schemas.
const NUMBER_PATTERN: &str = r"^\s*[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?\s*$";

/// A number within bounds; a text that is one is taken, as many programs write them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Real<const MIN: i64, const MAX: i64>(pub f64);

impl<const MIN: i64, const MAX: i64> Read for Real<MIN, MAX> {
    fn read(node: &Node, path: &Path, problems: &mut Problems) -> Option<Self> {
        match number(node) {
            Some(n) if n >= MIN as f64 && n <= MAX as f64 => Some(Real(n)),
            _ => misplaced(node, path, problems, &format!("a number from {MIN} to {MAX}")),
        }
    }
    fn schema() -> Value {
        json!({ "type": ["number", "string"], "minimum": MIN, "maximum": MAX, "pattern": NUMBER_PATTERN })
    }
}

/// A whole number within bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Whole<const MIN: i64, const MAX: i64>(pub i64);

impl<const MIN: i64, const MAX: i64> Read for Whole<MIN, MAX> {
    fn read(node: &Node, path: &Path, problems: &mut Problems) -> Option<Self> {
        match number(node) {
            Some(n) if n.fract() == 0.0 && n >= MIN as f64 && n <= MAX as f64 => Some(Whole(n as i64)),
            _ => misplaced(node, path, problems, &format!("a whole number from {MIN} to {MAX}")),
        }
    }
    fn schema() -> Value {
        json!({ "type": ["integer", "string"], "minimum": MIN, "maximum": MAX, "pattern": NUMBER_PATTERN })
    }
}

/// Any value, kept as it is.
impl Read for Node {
    fn read(node: &Node, _: &Path, _: &mut Problems) -> Option<Node> {
        Some(node.clone())
    }
    fn schema() -> Value {
        json!({})
    }
}

impl<T: Read> Read for Vec<T> {
    fn read(node: &Node, path: &Path, problems: &mut Problems) -> Option<Vec<T>> {
        let Node::List(items) = node else { return misplaced(node, path, problems, "a list (`[a, b]`)") };
        let read: Vec<Option<T>> =
            items.iter().enumerate().map(|(i, item)| T::read(item, &path.index(i), problems)).collect();
        read.into_iter().collect()
    }
    fn schema() -> Value {
        json!({ "type": "array", "items": T::schema() })
    }
}

/// One value, or a list of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OneOrMany<T>(pub Vec<T>);

impl<T> Default for OneOrMany<T> {
    fn default() -> Self {
        OneOrMany(Vec::new())
    }
}

impl<T: Read> Read for OneOrMany<T> {
    fn read(node: &Node, path: &Path, problems: &mut Problems) -> Option<Self> {
        match node {
            Node::List(_) => Vec::read(node, path, problems).map(OneOrMany),
            one => T::read(one, path, problems).map(|value| OneOrMany(vec![value])),
        }
    }
    fn schema() -> Value {
        json!({ "anyOf": [T::schema(), { "type": "array", "items": T::schema() }] })
    }
}

/// A map with free keys, in the order of the text.
#[derive(Debug, Clone)]
pub struct Entries<T>(pub Vec<(String, T)>);

impl<T> Default for Entries<T> {
    fn default() -> Self {
        Entries(Vec::new())
    }
}

impl<T> Entries<T> {
    pub fn get(&self, key: &str) -> Option<&T> {
        self.0.iter().find(|(k, _)| k == key).map(|(_, v)| v)
    }
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(k, _)| k.as_str())
    }
    pub fn iter(&self) -> impl Iterator<Item = (&str, &T)> {
        self.0.iter().map(|(k, v)| (k.as_str(), v))
    }
}

impl<T: Read> Read for Entries<T> {
    fn read(node: &Node, path: &Path, problems: &mut Problems) -> Option<Self> {
        let entries = entries(node, path, problems)?;
        // What cannot be read is reported and left out: its siblings are checked all the same.
        let readable =
            entries.iter().filter_map(|(key, value)| Some((key.clone(), T::read(value, &path.key(key), problems)?)));
        Some(Entries(readable.collect()))
    }
    fn schema() -> Value {
        json!({ "type": "object", "additionalProperties": T::schema() })
    }
}

/// A value written as one text.
macro_rules! read_texts {
    ($($t:ty, $parse:expr, $example:literal;)*) => {$(
        impl Read for $t {
            fn read(node: &Node, path: &Path, problems: &mut Problems) -> Option<Self> {
                let text = match node {
                    Node::Text(text) => text.trim().to_string(),
                    Node::Number(n) => n.to_string(),
                    other => return misplaced(other, path, problems, concat!("a text such as `", $example, "`")),
                };
                match $parse(&text) {
                    Ok(value) => Some(value),
                    Err(error) => {
                        problems.error(path, error.to_string());
                        None
                    }
                }
            }
            fn schema() -> Value {
                json!({ "type": "string", "examples": [$example] })
            }
        }
    )*};
}

/// A length of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span(pub std::time::Duration);

/// A number of bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bytes(pub u64);

read_texts! {
    Length, Length::parse, "2048px";
    Dimensions, Dimensions::parse, "8x10in";
    Share, Share::parse, "35%";
    Color, Color::parse, "#ffffff";
    TimeOfDay, TimeOfDay::parse, "22:00";
    Span, |t: &str| units::parse_duration(t).map(Span), "30d";
    Bytes, |t: &str| units::parse_bytes(t).map(Bytes), "4.7GB";
}

#[cfg(test)]
mod tests {
    use super::super::document::parse;
    use super::*;

    keyword! {
        enum Fit { Fill = "fill", Pad = "pad" }
    }
    section! {
        /// A test.
        struct Sample {
            /// How long.
            size: Dimensions,
            r#type: OneOrMany<Fit> [required],
            count: Whole<1, 10>,
        }
    }

    #[test]
    fn all_problems_come_at_once() {
        let text = "size: 8x\ntype: [fill, padd]\ncuont: 3\ncount: 11\n";
        let (node, syntax) = parse(text, false).unwrap();
        let mut problems = Problems::new();
        Sample::read(&node, &Path::default(), &mut problems).unwrap();
        let shown = problems.show("x.yaml", text, syntax);
        assert_eq!(
            shown,
            "x.yaml:1:7: error: size: `8x` is not a size: two lengths, such as `8x10in` or `2048x1365px`, or `A3` … `A5`\n\
             x.yaml:2:14: error: type[1]: `padd` is not one of `fill`, `pad`; did you mean `pad`?\n\
             x.yaml:3:1: error: cuont: unknown key `cuont`; did you mean `count`?\n\
             x.yaml:4:8: error: count: 11 is not a whole number from 1 to 10\n"
        );
        assert_eq!(Sample::schema()["required"][0], "type");
        assert_eq!(Sample::schema()["properties"]["size"]["description"], "How long.");
    }
}
