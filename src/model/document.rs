//! A text that a person or program wrote, as a tree: JSON or YAML, bounded, without duplicate keys.
//!
//! Owns: nothing deeper, larger or more repetitive than the limits gets past here, and every value of the tree can be
//! found again in the text. Must not know what the values mean.
//!
//! The tree carries no positions. A problem is rare and a file small, so the place of a value is looked up when a
//! problem is shown: the text is read once more up to that value, and the parser's own position is taken.

use std::cell::{Cell, RefCell};
use std::collections::HashSet;
use std::fmt;

use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

use super::limits::{DOCUMENT_MAX_DEPTH, DOCUMENT_MAX_NODES, PROBLEMS_SHOWN};

mod locate;
mod written;

pub use self::locate::locate;
use self::locate::locate_nth_key;
use super::name::is_control_or_bidi;

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
            Node::Null => "an empty value",
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

impl Step {
    /// The same step into any entry of a list.
    #[must_use]
    pub fn without_position(&self) -> Step {
        match self {
            Step::Key(key) => Step::Key(key.clone()),
            Step::Index(_) => Step::Index(0),
        }
    }
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
                    let is_plain = |c| !matches!(c, '.' | '[' | ']' | '"' | ' ') && !is_control_or_bidi(c);
                    if key.is_empty() || !key.chars().all(is_plain) {
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
    match parse_json(text, None) {
        Ok(node) => Ok((node, Syntax::Json)),
        Err(error) if json_only => Err(error),
        Err(_) => {
            let mut node = parse_yaml(text, None)?;
            written::restore(&mut node, text);
            Ok((node, Syntax::Yaml))
        }
    }
}

/// A key that stands in its map a second time, or a third.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repeated {
    pub path: Path,
    pub again: Option<Position>,
}

/// As [`parse`], but a key that stands twice does not end it: the first one counts, and the others are returned with
/// their places, so that a person sees them together with everything else that is wrong.
pub fn parse_collecting(text: &str) -> Result<(Node, Syntax, Vec<Repeated>), SyntaxError> {
    let whole = text;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let twice = Twice::default();
    let (node, syntax) = if let Ok(node) = parse_json(text, Some(&twice)) {
        (node, Syntax::Json)
    } else {
        twice.found.take();
        twice.at.take();
        (parse_yaml(text, Some(&twice))?, Syntax::Yaml)
    };
    let mut paths = twice.found.take();
    // Places are looked up in the whole text each time.
    let unplaced = paths.split_off(paths.len().min(PROBLEMS_SHOWN));
    let mut times = std::collections::HashMap::new();
    let place = |path: Path| {
        let nth = times.entry(path.clone()).and_modify(|n| *n += 1).or_insert(1);
        let again = locate_nth_key(whole, syntax, &path, *nth);
        Repeated { path, again }
    };
    let placed: Vec<_> = paths.into_iter().map(place).collect();
    let duplicates =
        placed.into_iter().chain(unplaced.into_iter().map(|path| Repeated { path, again: None })).collect();
    Ok((node, syntax, duplicates))
}

fn parse_json(text: &str, twice: Option<&Twice>) -> Result<Node, SyntaxError> {
    let mut reader = serde_json::Deserializer::from_str(text);
    // The tree's own depth limit is the lower one and says so in plain words.
    let budget = Budget::new();
    let parsed =
        Tree { depth: 0, budget: &budget, twice }.deserialize(&mut reader).and_then(|node| reader.end().map(|()| node));
    parsed.map_err(|e| SyntaxError {
        cut_off: e.is_eof(),
        position: (e.line() > 0).then(|| Position { line: e.line(), column: e.column().max(1) }),
        text: without_position(&e.to_string()),
    })
}

fn parse_yaml(text: &str, twice: Option<&Twice>) -> Result<Node, SyntaxError> {
    if let Some(position) = flow_too_deep(text) {
        let text = format!("lists and maps lie more than {DOCUMENT_MAX_DEPTH} deep in one another");
        return Err(SyntaxError { text, position: Some(position), cut_off: false });
    }
    let budget = Budget::new();
    let parsed = Tree { depth: 0, budget: &budget, twice }.deserialize(serde_yaml::Deserializer::from_str(text));
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
struct Budget(Cell<usize>);

impl Budget {
    fn new() -> Budget {
        Budget(Cell::new(DOCUMENT_MAX_NODES))
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

/// Keys that stand twice, where they are collected.
#[derive(Default)]
struct Twice {
    /// Where the parser is.
    at: RefCell<Path>,
    found: RefCell<Vec<Path>>,
}

impl Twice {
    fn enter(twice: Option<&Twice>, step: impl FnOnce() -> Step) {
        if let Some(twice) = twice {
            twice.at.borrow_mut().0.push(step());
        }
    }

    fn leave(twice: Option<&Twice>) {
        if let Some(twice) = twice {
            twice.at.borrow_mut().0.pop();
        }
    }
}

#[derive(Clone, Copy)]
struct Tree<'b> {
    depth: usize,
    budget: &'b Budget,
    /// Without it a key that stands twice is an error.
    twice: Option<&'b Twice>,
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
    /// Too long to be kept exactly, as in JSON: whoever needs its digits asks for quotes.
    fn visit_u128<E: de::Error>(self, v: u128) -> Result<Node, E> {
        self.visit_f64(v as f64)
    }
    fn visit_i128<E: de::Error>(self, v: i128) -> Result<Node, E> {
        self.visit_f64(v as f64)
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
    /// An empty YAML text.
    fn visit_none<E>(self) -> Result<Node, E> {
        Ok(Node::Null)
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Node, A::Error> {
        let inner = self.deeper()?;
        let mut items = Vec::new();
        loop {
            Twice::enter(self.twice, || Step::Index(items.len()));
            let item = seq.next_element_seed(inner)?;
            Twice::leave(self.twice);
            match item {
                Some(item) => items.push(item),
                None => return Ok(Node::List(items)),
            }
        }
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Node, A::Error> {
        let inner = self.deeper()?;
        let mut seen = HashSet::new();
        let mut entries = Vec::new();
        while let Some((key, is_new)) = map.next_key_seed(UniqueKey { seen: &mut seen, twice: self.twice })? {
            Twice::enter(self.twice, || Step::Key(key.clone()));
            let value = map.next_value_seed(inner)?;
            Twice::leave(self.twice);
            if is_new {
                entries.push((key, value));
            }
        }
        Ok(Node::Map(entries))
    }
}

/// Fails in the key's own visit, where the parser still knows its place.
struct UniqueKey<'s> {
    seen: &'s mut HashSet<String>,
    twice: Option<&'s Twice>,
}

impl UniqueKey<'_> {
    /// The key, and whether it is the first of its name.
    fn take<E: de::Error>(self, key: String) -> Result<(String, bool), E> {
        if self.seen.insert(key.clone()) {
            return Ok((key, true));
        }
        let Some(twice) = self.twice else {
            return Err(E::custom(format!("the key {} stands here twice", super::name::quoted(&key))));
        };
        twice.found.borrow_mut().push(twice.at.borrow().key(&key));
        Ok((key, false))
    }
}

impl<'de> DeserializeSeed<'de> for UniqueKey<'_> {
    type Value = (String, bool);
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        // A key is a text as it is written: `0x1A` is no other name for `26`.
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for UniqueKey<'_> {
    type Value = (String, bool);
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key that is a text or a number")
    }
    fn visit_str<E: de::Error>(self, v: &str) -> Result<(String, bool), E> {
        self.take(v.to_string())
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

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
    fn yaml_does_not_turn_one_number_into_another() {
        let text = "a: [0x1A, 0o17, 0b101, +49, 1042, -3, 0012, '7', &n 0xB, *n]\n0x1A: 5\nb: { c: 0xF }\n";
        let (node, _) = parse(text, false).unwrap();
        let Some(Node::List(list)) = node.get("a") else { panic!("{node:?}") };
        let shown: Vec<String> = list.iter().filter_map(Node::as_shown).collect();
        assert_eq!(shown, ["0x1A", "0o17", "0b101", "+49", "1042", "-3", "0012", "7", "0xB", "0xB"]);
        assert_eq!((&list[0], &list[4]), (&Node::Text("0x1A".into()), &Node::Number(1042.into())));
        assert_eq!(node.get("0x1A"), Some(&Node::Number(5.into())));
        assert_eq!(node.get("b").and_then(|b| b.get("c")), Some(&Node::Text("0xF".into())));
    }

    #[test]
    fn duplicate_keys_are_refused_with_their_place() {
        let error = parse("a: 1\nb: 2\na: 3\n", false).unwrap_err();
        assert!(error.text.contains("`a` stands here twice"), "{error:?}");
        assert_eq!(error.position.unwrap().line, 3);
        assert!(parse("{\"a\":1,\"a\":2}", true).unwrap_err().text.contains("twice"));
    }

    #[test]
    fn keys_that_stand_twice_are_collected_with_their_places() {
        for text in [
            "a: 1\nb: [{c: 1, d: 2, c: {c: 1, c: 2}}]\na: 3\na: 4\n",
            "{\"a\":1,\n\"b\":[{\"c\":1,\"c\":2}],\n\"a\":3,\n\"a\":4}",
        ] {
            let (node, _, twice) = parse_collecting(text).unwrap();
            assert_eq!(node.get("a"), Some(&Node::Number(1.into())));
            let shown: Vec<(String, Option<usize>)> =
                twice.into_iter().map(|r| (r.path.to_string(), r.again.map(|p| p.line))).collect();
            let of = |path: &str| shown.iter().filter(|(p, _)| p == path).map(|(_, line)| *line).collect::<Vec<_>>();
            assert_eq!(of("a"), [Some(3), Some(4)]);
            assert_eq!(of("b[0].c"), [Some(2)]);
        }
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
            let _ = writeln!(laughs, "a{i}: &a{i} [{}]", vec![previous; 10].join(", "));
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
