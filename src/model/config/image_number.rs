//! Where a picture's number stands in the name of its file.

use regex::Regex;

use crate::model::document::{Node, Path as Place};
use crate::model::problem::Problems;
use crate::model::section::{Read, Whole, entries};

/// How the number is told from a file's stem.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum ImageNumber {
    /// The whole stem, if it is digits.
    #[default]
    Whole,
    /// So many characters at the start.
    First(usize),
    /// So many characters at the end.
    Last(usize),
    /// From this character on, counted from 1.
    From(usize),
    /// What the pattern's first group takes, or all of it.
    Pattern(NumberPattern),
}

/// A regular expression, read once for the thousands of names it is tried on.
#[derive(Debug, Clone)]
pub struct NumberPattern(Regex);

impl PartialEq for NumberPattern {
    fn eq(&self, other: &NumberPattern) -> bool {
        self.0.as_str() == other.0.as_str()
    }
}

impl NumberPattern {
    pub fn parse(text: &str) -> Result<NumberPattern, String> {
        let regex = Regex::new(text).map_err(|e| {
            // The last line of the parser's drawing says what is wrong.
            let text = e.to_string();
            let why = text.lines().last().unwrap_or_default().trim().trim_start_matches("error: ").to_string();
            format!("this is no pattern: {why}")
        })?;
        Ok(NumberPattern(regex))
    }

    fn find<'s>(&self, stem: &'s str) -> Option<&'s str> {
        let found = self.0.captures(stem)?;
        found.get(1).or_else(|| found.get(0)).map(|m| m.as_str())
    }
}

impl ImageNumber {
    /// Digits without leading zeros; `None` where the name has no number at that place.
    pub fn of_stem(&self, stem: &str) -> Option<String> {
        // Counted in characters: a name may start with any script.
        let byte_at = |n: usize| stem.char_indices().nth(n).map_or(stem.len(), |(at, _)| at);
        let part = match self {
            ImageNumber::Whole => stem,
            ImageNumber::First(n) => &stem[..byte_at(*n)],
            ImageNumber::Last(n) => &stem[byte_at(stem.chars().count().saturating_sub(*n))..],
            ImageNumber::From(n) => &stem[byte_at(n.saturating_sub(1))..],
            ImageNumber::Pattern(pattern) => pattern.find(stem)?,
        };
        if part.is_empty() || !part.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        let digits = part.trim_start_matches('0');
        Some(if digits.is_empty() { "0".into() } else { digits.into() })
    }
}

/// Longest number that is counted off, in characters.
const MOST: i64 = 200;

impl Read for ImageNumber {
    fn read(node: &Node, path: &Place, problems: &mut Problems) -> Option<ImageNumber> {
        const KEYS: &[&str] = &["whole", "first", "last", "from", "pattern"];
        let entries = entries(node, path, problems)?;
        let [(key, value)] = entries else {
            problems.error(
                path,
                "one of `whole: true`, `first: N`, `last: N`, `from: N`, `pattern: '(\\d+)'` belongs here",
            );
            return None;
        };
        let at = path.key(key);
        let mut count = || Whole::<1, MOST>::read(value, &at, problems).map(|n| n.0 as usize);
        match key.as_str() {
            "first" => count().map(ImageNumber::First),
            "last" => count().map(ImageNumber::Last),
            "from" => count().map(ImageNumber::From),
            "whole" if bool::read(value, &at, problems)? => Some(ImageNumber::Whole),
            "whole" => {
                problems.error(&at, "`whole` is `true`, or another key stands here in its place");
                None
            }
            "pattern" => {
                let text = String::read(value, &at, problems)?;
                NumberPattern::parse(&text).map_err(|why| problems.error(&at, why)).ok().map(ImageNumber::Pattern)
            }
            _ => {
                problems.unknown_key(&at, KEYS.iter().copied());
                None
            }
        }
    }

    fn schema() -> serde_json::Value {
        serde_json::json!({
            "type": "object",
            "properties": {
                "whole": { "const": true, "description": "The whole stem is the number." },
                "first": { "type": "integer", "minimum": 1, "maximum": MOST, "description": "The number is the first N characters." },
                "last": { "type": "integer", "minimum": 1, "maximum": MOST, "description": "The number is the last N characters." },
                "from": { "type": "integer", "minimum": 1, "maximum": MOST, "description": "The number is everything from character N on; the first is 1." },
                "pattern": { "type": "string", "description": "The number is the first group of this regular expression, or all it matches." },
            },
            "additionalProperties": false, "minProperties": 1, "maxProperties": 1,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_found_in_names() {
        let pattern = |text: &str| ImageNumber::Pattern(NumberPattern::parse(text).unwrap());
        for (rule, stem, number) in [
            (ImageNumber::Whole, "0007", Some("7")),
            (ImageNumber::Whole, "000", Some("0")),
            (ImageNumber::Whole, "S7", None),
            (ImageNumber::Last(3), "S10001007", Some("7")),
            (ImageNumber::Last(3), "07", Some("7")),
            (ImageNumber::Last(3), "S10-07", None),
            (ImageNumber::First(4), "0123-x", Some("123")),
            (ImageNumber::From(7), "S10001007", Some("7")),
            (ImageNumber::From(20), "S10001007", None),
            (ImageNumber::Last(2), "日本12", Some("12")),
            (ImageNumber::First(2), "日本12", None),
            (pattern(r"_(\d+)"), "IMG_0042-2", Some("42")),
            (pattern(r"\d+$"), "IMG_0042", Some("42")),
            (pattern(r"(x)?\d"), "y", None),
        ] {
            assert_eq!(rule.of_stem(stem).as_deref(), number, "{rule:?} {stem}");
        }
        assert!(NumberPattern::parse("(").unwrap_err().contains("unclosed group"));
    }
}
