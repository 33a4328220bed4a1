//! A text that a person or program wrote, as a tree: JSON or YAML, bounded, without duplicate keys.
//!
//! Owns: nothing deeper, larger or more repetitive than the limits gets past here, and every value of the tree can be
//! found again in the text. Must not know what the values mean.
//!
//! The tree carries no positions. A problem is rare and a file small, so the place of a value is looked up when a
//! problem is shown: the text is read once more up to that value, and the parser's own position is taken.

use std::fmt;

use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

use super::limits::{DOCUMENT_MAX_DEPTH, DOCUMENT_MAX_NODES};

/// One value.
#[derive(Debug, Clone, PartialEq)]
pub enum Node {
    Null,
    Bool(bool),
    Number(serde_json::Number),
    Text(String),
    List(Vec<Node>),
    /// In the order of the text; keys are distinct.
    Map(Vec<(String, Node)>),
}

impl Node {
    /// What a person would call this kind of value.
    pub fn kind(&self) -> &'static str {
        match self {
            Node::Null => "nothing",
            Node::Bool(_) => "true or false",
            Node::Number(_) => "a number",
            Node::Text(_) => "a text",
            Node::List(_) => "a list",
            Node::Map(_) => "a map",
        }
    }

    pub fn get(&self, key: &str) -> Option<&Node> {
        match self {
            Node::Map(entries) => entries.iter().find(|(k, _)| k == key).map(|(_, v)| v),
            _ => None,
        }
    }

    /// A text, or a number or truth value as it would be written: what a template shows of a field.
    pub fn as_shown(&self) -> Option<String> {
        match self {
            Node::Text(text) => Some(text.clone()),
            Node::Number(number) => Some(number.to_string()),
            Node::Bool(value) => Some(value.to_string()),
            _ => None,
        }
    }
}

impl From<&Node> for serde_json::Value {
    fn from(node: &Node) -> serde_json::Value {
        match node {
            Node::Null => serde_json::Value::Null,
            Node::Bool(b) => (*b).into(),
            Node::Number(n) => serde_json::Value::Number(n.clone()),
            Node::Text(t) => t.clone().into(),
            Node::List(items) => items.iter().map(serde_json::Value::from).collect(),
            Node::Map(entries) => {
                serde_json::Value::Object(entries.iter().map(|(k, v)| (k.clone(), v.into())).collect())
            }
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Syntax {
    Json,
    Yaml,
}

/// 1-based; the column counts characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    pub line: usize,
    pub column: usize,
}

/// Why a text is no document at all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyntaxError {
    pub text: String,
    pub position: Option<Position>,
    /// The text ends too early: it may still be growing.
    pub cut_off: bool,
}

/// One step from a value into it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Step {
    Key(String),
    Index(usize),
}

/// Where a value lies in a document, from its root: `lines[2].crop`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Path(pub Vec<Step>);

impl Path {
    #[must_use]
    pub fn key(&self, key: &str) -> Path {
        let mut steps = self.0.clone();
        steps.push(Step::Key(key.to_string()));
        Path(steps)
    }

    #[must_use]
    pub fn index(&self, index: usize) -> Path {
        let mut steps = self.0.clone();
        steps.push(Step::Index(index));
        Path(steps)
    }

    pub fn last_key(&self) -> Option<&str> {
        match self.0.last() {
            Some(Step::Key(key)) => Some(key),
            _ => None,
        }
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, step) in self.0.iter().enumerate() {
            match step {
                Step::Index(index) => write!(f, "[{index}]")?,
                Step::Key(key) => {
                    if i > 0 {
                        f.write_str(".")?;
                    }
                    if key.is_empty() || key.contains(['.', '[', ']', '"', ' ', '\n']) {
                        write!(f, "{key:?}")?;
                    } else {
                        f.write_str(key)?;
                    }
                }
            }
        }
        Ok(())
    }
}

/// Reads a text as JSON where it is JSON, else as YAML. `json_only` says that YAML was not meant (a `.json` file).
pub fn parse(text: &str, json_only: bool) -> Result<(Node, Syntax), SyntaxError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let json = parse_json(text);
    match json {
        Ok(node) => Ok((node, Syntax::Json)),
        Err(error) if json_only => Err(error),
        Err(_) => parse_yaml(text).map(|node| (node, Syntax::Yaml)),
    }
}

fn parse_json(text: &str) -> Result<Node, SyntaxError> {
    let mut reader = serde_json::Deserializer::from_str(text);
    // The tree's own depth limit is the lower one and says so in plain words.
    let budget = Budget::new();
    let parsed =
        Tree { depth: 0, budget: &budget }.deserialize(&mut reader).and_then(|node| reader.end().map(|()| node));
    parsed.map_err(|e| SyntaxError {
        cut_off: e.is_eof(),
        position: (e.line() > 0).then(|| Position { line: e.line(), column: e.column().max(1) }),
        text: without_position(&e.to_string()),
    })
}

fn parse_yaml(text: &str) -> Result<Node, SyntaxError> {
    if let Some(position) = flow_too_deep(text) {
        let text = format!("lists and maps lie more than {DOCUMENT_MAX_DEPTH} deep in one another");
        return Err(SyntaxError { text, position: Some(position), cut_off: false });
    }
    let budget = Budget::new();
    let parsed = Tree { depth: 0, budget: &budget }.deserialize(serde_yaml::Deserializer::from_str(text));
    parsed.map_err(|e| SyntaxError {
        position: e.location().map(|l| Position { line: l.line(), column: l.column() }),
        text: without_position(&e.to_string()),
        cut_off: false,
    })
}

/// The parsers end their messages with the place, which is shown in front.
fn without_position(message: &str) -> String {
    let cut = message.find(" at line ").unwrap_or(message.len());
    let text = message[..cut].trim_end_matches(',');
    // A message may start with the path the parser was at; the position says it better.
    text.to_string()
}

/// The YAML scanner takes quadratic time over nested flow brackets, before any visitor can stop it. Brackets in
/// texts and comments count too, so this bound is far above the real one, which the tree keeps.
fn flow_too_deep(text: &str) -> Option<Position> {
    const SCANNER_MAX_DEPTH: usize = 1_000;
    let mut depth = 0_usize;
    for (line, content) in text.lines().enumerate() {
        for (column, c) in content.chars().enumerate() {
            match c {
                '[' | '{' => depth += 1,
                ']' | '}' => depth = depth.saturating_sub(1),
                _ => {}
            }
            if depth > SCANNER_MAX_DEPTH {
                return Some(Position { line: line + 1, column: column + 1 });
            }
        }
    }
    None
}

/// How many values may still be read; shared by the whole tree.
struct Budget(std::cell::Cell<usize>);

impl Budget {
    fn new() -> Budget {
        Budget(std::cell::Cell::new(DOCUMENT_MAX_NODES))
    }

    fn take<E: de::Error>(&self) -> Result<(), E> {
        let left = self.0.get();
        if left == 0 {
            return Err(E::custom(format!("more than {DOCUMENT_MAX_NODES} values (aliases count each time)")));
        }
        self.0.set(left - 1);
        Ok(())
    }
}

#[derive(Clone, Copy)]
struct Tree<'b> {
    depth: usize,
    budget: &'b Budget,
}

impl Tree<'_> {
    fn deeper<E: de::Error>(self) -> Result<Self, E> {
        if self.depth >= DOCUMENT_MAX_DEPTH {
            return Err(E::custom(format!("lists and maps lie more than {DOCUMENT_MAX_DEPTH} deep in one another")));
        }
        Ok(Tree { depth: self.depth + 1, ..self })
    }
}

impl<'de> DeserializeSeed<'de> for Tree<'_> {
    type Value = Node;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Node, D::Error> {
        self.budget.take()?;
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Tree<'_> {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a plain value without YAML tags")
    }
    fn visit_bool<E>(self, v: bool) -> Result<Node, E> {
        Ok(Node::Bool(v))
    }
    fn visit_i64<E>(self, v: i64) -> Result<Node, E> {
        Ok(Node::Number(v.into()))
    }
    fn visit_u64<E>(self, v: u64) -> Result<Node, E> {
        Ok(Node::Number(v.into()))
    }
    fn visit_f64<E: de::Error>(self, v: f64) -> Result<Node, E> {
        serde_json::Number::from_f64(v).map(Node::Number).ok_or_else(|| E::custom("not a finite number"))
    }
    fn visit_str<E>(self, v: &str) -> Result<Node, E> {
        Ok(Node::Text(v.to_string()))
    }
    fn visit_unit<E>(self) -> Result<Node, E> {
        Ok(Node::Null)
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Node, A::Error> {
        let inner = self.deeper()?;
        let mut items = Vec::new();
        while let Some(item) = seq.next_element_seed(inner)? {
            items.push(item);
        }
        Ok(Node::List(items))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Node, A::Error> {
        let inner = self.deeper()?;
        let mut seen = std::collections::HashSet::new();
        let mut entries = Vec::new();
        while let Some(key) = map.next_key_seed(UniqueKey { seen: &mut seen })? {
            entries.push((key, map.next_value_seed(inner)?));
        }
        Ok(Node::Map(entries))
    }
}

/// Fails in the key's own visit, where the parser still knows its place.
struct UniqueKey<'s> {
    seen: &'s mut std::collections::HashSet<String>,
}

impl UniqueKey<'_> {
    fn take<E: de::Error>(self, key: String) -> Result<String, E> {
        if self.seen.insert(key.clone()) {
            Ok(key)
        } else {
            Err(E::custom(format!("the key `{key}` stands here twice")))
        }
    }
}

impl<'de> DeserializeSeed<'de> for UniqueKey<'_> {
    type Value = String;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<String, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl Visitor<'_> for UniqueKey<'_> {
    type Value = String;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key that is a text or a number")
    }
    fn visit_str<E: de::Error>(self, v: &str) -> Result<String, E> {
        self.take(v.to_string())
    }
    fn visit_u64<E: de::Error>(self, v: u64) -> Result<String, E> {
        self.take(v.to_string())
    }
    fn visit_i64<E: de::Error>(self, v: i64) -> Result<String, E> {
        self.take(v.to_string())
    }
    fn visit_bool<E: de::Error>(self, v: bool) -> Result<String, E> {
        self.take(v.to_string())
    }
}

/// Where a value stands in the text, or the key of it. `None` when the path does not exist there.
pub fn locate(text: &str, syntax: Syntax, path: &Path, at_key: bool) -> Option<Position> {
    let bom = usize::from(text.starts_with('\u{feff}'));
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let probe = Probe { steps: &path.0, at_key, syntax };
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
    probe_scalars!(visit_bool: bool, visit_i64: i64, visit_u64: u64, visit_f64: f64, visit_str: &str);
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
        let fail_in_key = self.is_last_key();
        while let Some(matches) = map.next_key_seed(KeyProbe { wanted, fail: fail_in_key })? {
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
    fail: bool,
}

impl KeyProbe<'_> {
    fn check<E: de::Error>(&self, key: &str) -> Result<bool, E> {
        let matches = self.wanted == Some(key);
        if matches && self.fail { Err(E::custom(FOUND)) } else { Ok(matches) }
    }
}

impl<'de> DeserializeSeed<'de> for KeyProbe<'_> {
    type Value = bool;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<bool, D::Error> {
        deserializer.deserialize_any(self)
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
    fn visit_u64<E: de::Error>(self, v: u64) -> Result<bool, E> {
        self.check(&v.to_string())
    }
    fn visit_i64<E: de::Error>(self, v: i64) -> Result<bool, E> {
        self.check(&v.to_string())
    }
    fn visit_bool<E: de::Error>(self, v: bool) -> Result<bool, E> {
        self.check(&v.to_string())
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

#[cfg(test)]
mod tests {
    use super::*;

    fn path(steps: &[&str]) -> Path {
        let step = |s: &&str| s.parse().map_or_else(|_| Step::Key((*s).to_string()), Step::Index);
        Path(steps.iter().map(step).collect())
    }

    #[test]
    fn values_are_found_again_in_yaml() {
        let text = "version: 1\nprofiles:\n  web:\n    size: 20px\n    list: [ a, {b: ü, c: 3} ]\n";
        let at = |p: &[&str], key| locate(text, Syntax::Yaml, &path(p), key).map(|p| (p.line, p.column));
        assert_eq!(at(&["profiles", "web", "size"], false), Some((4, 11)));
        assert_eq!(at(&["profiles", "web", "size"], true), Some((4, 5)));
        assert_eq!(at(&["profiles", "web", "list", "1", "c"], false), Some((5, 26)));
        assert_eq!(at(&["profiles", "web", "list", "0"], false), Some((5, 13)));
        assert_eq!(at(&["profiles"], false), Some((3, 3)));
        assert_eq!(at(&["nothing"], false), None);
    }

    #[test]
    fn values_are_found_again_in_json() {
        let text = "{\n  \"a\": { \"b\" : \"x\" },\n  \"ü\": [ 1,\n [\"y\"] ]\n}";
        let at = |p: &[&str], key| locate(text, Syntax::Json, &path(p), key).map(|p| (p.line, p.column));
        assert_eq!(at(&["a", "b"], false), Some((2, 16)));
        assert_eq!(at(&["a", "b"], true), Some((2, 10)));
        assert_eq!(at(&["ü", "0"], false), Some((3, 10)));
        assert_eq!(at(&["ü", "1"], false), Some((4, 2)));
        assert_eq!(at(&["ü", "1", "0"], false), Some((4, 3)));
        assert_eq!(at(&["ü"], false), Some((3, 8)));
        assert_eq!(at(&[], false), Some((1, 1)));
    }

    #[test]
    fn duplicate_keys_are_refused_with_their_place() {
        let error = parse("a: 1\nb: 2\na: 3\n", false).unwrap_err();
        assert!(error.text.contains("`a` stands here twice"), "{error:?}");
        assert_eq!(error.position.unwrap().line, 3);
        assert!(parse("{\"a\":1,\"a\":2}", true).unwrap_err().text.contains("twice"));
    }

    #[test]
    fn bombs_are_refused_quickly() {
        for bomb in ["[".repeat(60_000), "{a: ".repeat(60_000), format!("a: {}1{}", "[".repeat(100), "]".repeat(100))] {
            let error = parse(&bomb, false).unwrap_err();
            assert!(error.text.contains("deep"), "{}", error.text);
        }
        let mut laughs = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
        for i in 1..9 {
            let previous = format!("*a{}", i - 1);
            laughs += &format!("a{i}: &a{i} [{}]\n", vec![previous; 10].join(", "));
        }
        assert!(parse(&laughs, false).is_err());
        assert!(parse(&format!("{}1", "[".repeat(200)), true).is_err());
    }

    #[test]
    fn a_json_text_that_ends_too_early_says_so() {
        for text in ["", "{", "{\"a\": [1, 2", "{\"a\": \"b"] {
            assert!(parse(text, true).unwrap_err().cut_off, "{text}");
        }
        assert!(!parse("{\"a\" 1}", true).unwrap_err().cut_off);
    }
}
