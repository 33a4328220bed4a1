//! Templates of names, paths and texts: literal text with `{tokens}`.
//!
//! Owns: a [`Template`] holds known tokens only. Where the values come from is the plan's business.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::document::{Node, Path};
use super::name::{self, RelPath};
use super::problem::{Problems, did_you_mean};
use super::section::Read;

/// Every token but `fields.ANYTHING`, in the order of the documentation.
pub const TOKENS: &[&str] = &[
    "record",
    "kind",
    "status",
    "session",
    "type",
    "location",
    "date",
    "year",
    "due_date",
    "studio.name",
    "client.first",
    "client.last",
    "client.email",
    "client.phone",
    "profile",
    "job",
    "number",
    "file",
    "stem",
    "line",
    "item",
    "description",
    "size",
    "paper",
    "quantity",
    "copy",
    "copies",
    "vendor",
    "notes",
    "package",
    "tone",
    "seq",
    "disc",
    "discs",
];

/// One token: its name, and what stands behind its colon.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Token {
    /// One of [`TOKENS`] or of those that its place has more, or `fields.NAME`.
    pub name: String,
    /// A width with leading zeros (`04`), or for `date` a format.
    pub format: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Part {
    Literal(String),
    Token(Token),
}

/// A checked template; `{{` and `}}` are braces.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Template {
    source: String,
    parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct TemplateError(pub String);

/// A token of a name, path, text or address that came out empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EmptyToken {
    /// The token, or the part of the template that came out empty.
    pub what: String,
}

/// Gives the value of a token; `None` or an empty text where the manifest has none.
pub type Values<'v> = dyn Fn(&Token) -> Option<String> + 'v;

impl Template {
    pub fn parse(source: &str) -> Result<Template, TemplateError> {
        Template::parse_with(source, &[])
    }

    /// With tokens that have a value in this place alone.
    pub fn parse_with(source: &str, more: &[&str]) -> Result<Template, TemplateError> {
        let mut parts = Vec::new();
        let mut literal = String::new();
        let mut rest = source;
        while let Some(c) = rest.chars().next() {
            if let Some(after) = rest.strip_prefix("{{") {
                literal.push('{');
                rest = after;
            } else if let Some(after) = rest.strip_prefix("}}") {
                literal.push('}');
                rest = after;
            } else if let Some(after) = rest.strip_prefix('{') {
                let Some(end) = after.find('}') else {
                    return Err(TemplateError(format!(
                        "`{source}`: a `{{` has no `}}`; a brace itself is written `{{{{`"
                    )));
                };
                if !literal.is_empty() {
                    parts.push(Part::Literal(std::mem::take(&mut literal)));
                }
                parts.push(Part::Token(Token::parse(&after[..end], source, more)?));
                rest = &after[end + 1..];
            } else if c == '}' {
                return Err(TemplateError(format!("`{source}`: a `}}` has no `{{`; a brace itself is written `}}}}`")));
            } else {
                literal.push(c);
                rest = &rest[c.len_utf8()..];
            }
        }
        if !literal.is_empty() {
            parts.push(Part::Literal(literal));
        }
        Ok(Template { source: source.to_string(), parts })
    }

    /// `{stem}`: the name of a file that nobody named.
    pub fn stem() -> Template {
        let token = Token { name: "stem".into(), format: None };
        Template { source: token.to_string(), parts: vec![Part::Token(token)] }
    }

    pub fn source(&self) -> &str {
        &self.source
    }

    pub fn tokens(&self) -> impl Iterator<Item = &Token> {
        self.parts.iter().filter_map(|p| match p {
            Part::Token(token) => Some(token),
            Part::Literal(_) => None,
        })
    }

    /// As a text for people: nothing is replaced. Tokens without a value are listed in `empty`.
    pub fn text(&self, values: &Values<'_>, empty: &mut Vec<EmptyToken>) -> String {
        self.fill(values, empty, &|value| value)
    }

    /// As one name without folders: also a `/` of the template itself becomes `_`. `None` when nothing is left.
    pub fn file_name(&self, values: &Values<'_>, empty: &mut Vec<EmptyToken>) -> Option<RelPath> {
        RelPath::from_part(&self.fill(values, empty, &|value| value))
    }

    /// As a path: `/` of the template separates folders, one of a value becomes `_`. An empty template gives `None`;
    /// a folder that comes out empty is an error.
    pub fn path(&self, values: &Values<'_>, empty: &mut Vec<EmptyToken>) -> Result<Option<RelPath>, EmptyToken> {
        let filled = self.fill(values, empty, &|value| name::safe_characters(&value));
        if filled.trim_matches('/').is_empty() && !self.source.trim_matches('/').is_empty() {
            return Err(EmptyToken { what: self.source.clone() });
        }
        let mut path: Option<RelPath> = None;
        for part in filled.split('/').filter(|part| *part != "." || self.tokens().next().is_some()) {
            if part.is_empty() && filled.trim_end_matches('/').is_empty() {
                break;
            }
            if part.is_empty() && filled.ends_with('/') && self.source.ends_with('/') {
                continue;
            }
            let part = RelPath::from_part(part).ok_or_else(|| EmptyToken { what: self.source.clone() })?;
            path = Some(path.map_or_else(|| part.clone(), |p| p.join(&part)));
        }
        Ok(path)
    }

    fn fill(&self, values: &Values<'_>, empty: &mut Vec<EmptyToken>, safe: &dyn Fn(String) -> String) -> String {
        let mut out = String::new();
        for part in &self.parts {
            match part {
                Part::Literal(text) => out += text,
                Part::Token(token) => match values(token).filter(|v| !v.trim().is_empty()) {
                    Some(value) => out += &safe(token.formatted(value)),
                    None => empty.push(EmptyToken { what: token.to_string() }),
                },
            }
        }
        out
    }

    /// Splits a destination at its first token: the folders in front of it are fixed.
    pub fn split_fixed(&self) -> (String, Template) {
        let Some(Part::Literal(first)) = self.parts.first() else { return (String::new(), self.clone()) };
        if self.parts.len() == 1 {
            return (first.clone(), Template { source: String::new(), parts: Vec::new() });
        }
        let cut = first.rfind('/').map_or(0, |at| at + 1);
        let mut parts = self.parts.clone();
        if cut == first.len() {
            parts.remove(0);
        } else {
            parts[0] = Part::Literal(first[cut..].to_string());
        }
        // The literal part of the source has the same length unless it holds doubled braces; then show it whole.
        let source = self.source.get(cut..).filter(|_| self.source.starts_with(&first[..cut])).unwrap_or(&self.source);
        (first[..cut].to_string(), Template { source: source.to_string(), parts })
    }
}

impl Token {
    fn parse(text: &str, source: &str, more: &[&str]) -> Result<Token, TemplateError> {
        let (name, format) = text.split_once(':').map_or((text, None), |(n, f)| (n, Some(f)));
        let wrong = |why: String| Err(TemplateError(format!("`{source}`: {why}")));
        if let Some(field) = name.strip_prefix("fields.") {
            if field.is_empty() {
                return wrong("`{fields.}` names no field".into());
            }
        } else if !TOKENS.contains(&name) && !more.contains(&name) {
            let known = TOKENS.iter().chain(more).copied();
            return wrong(format!("`{{{name}}}` is no token{}", did_you_mean(name, known)));
        }
        if let Some(format) = format {
            let is_width = !format.is_empty() && format.len() <= 2 && format.bytes().all(|b| b.is_ascii_digit());
            if format.is_empty() || (name != "date" && name != "due_date" && !is_width) {
                return wrong(format!("`{{{text}}}`: behind the colon belongs a width such as `04`"));
            }
        }
        Ok(Token { name: name.to_string(), format: format.map(str::to_string) })
    }

    /// Leading zeros for whole numbers; dates were formatted by whoever knew the day.
    fn formatted(&self, value: String) -> String {
        match &self.format {
            Some(format) if self.name != "date" && self.name != "due_date" => {
                let width = format.parse::<usize>().unwrap_or(0);
                let digits = value.bytes().all(|b| b.is_ascii_digit());
                if digits { format!("{:0>width$}", value.trim_start_matches('0')) } else { value }
            }
            _ => value,
        }
    }
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.format {
            Some(format) => write!(f, "{{{}:{format}}}", self.name),
            None => write!(f, "{{{}}}", self.name),
        }
    }
}

impl Serialize for Template {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(&self.source)
    }
}

impl<'de> Deserialize<'de> for Template {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Template, D::Error> {
        Template::parse(&String::deserialize(d)?).map_err(serde::de::Error::custom)
    }
}

impl Read for Template {
    fn read(node: &Node, path: &Path, problems: &mut Problems) -> Option<Template> {
        let text = String::read(node, path, problems)?;
        Template::parse(&text).map_err(|e| problems.error(path, e.0)).ok()
    }
    fn schema() -> serde_json::Value {
        serde_json::json!({ "type": "string" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(token: &Token) -> Option<String> {
        match token.name.as_str() {
            "record" => Some("10/42".into()),
            "number" => Some("7".into()),
            "client.last" => Some("..".into()),
            "stem" => Some("a".repeat(250)),
            "fields.name" => Some("Ada & Ben".into()),
            _ => None,
        }
    }

    #[test]
    fn names_and_paths_are_made_safe() {
        let path = |t: &str| Template::parse(t).unwrap().path(&values, &mut Vec::new());
        assert_eq!(path("web/{record}").unwrap().unwrap().as_str(), "web/10_42");
        assert_eq!(path("").unwrap(), None);
        assert_eq!(path("a/").unwrap().unwrap().as_str(), "a");
        assert!(path("a/{client.last}/b").is_err());
        assert!(path("a/{session}/b").is_err());
        assert!(path("../{record}").is_err());
        let name = |t: &str| Template::parse(t).unwrap().file_name(&values, &mut Vec::new());
        assert_eq!(name("{record}_{number:04}").unwrap().as_str(), "10_42_0007");
        assert_eq!(name("{{{fields.name}}}").unwrap().as_str(), "{Ada & Ben}");
        assert!(name("{stem}").unwrap().as_str().len() <= 200);
    }

    #[test]
    fn empty_tokens_are_reported() {
        let mut empty = Vec::new();
        assert_eq!(Template::parse("{session}_{number}").unwrap().text(&values, &mut empty), "_7");
        assert_eq!(empty, [EmptyToken { what: "{session}".into() }]);
    }

    #[test]
    fn unknown_tokens_are_refused() {
        for (text, part) in [
            ("{sesion}", "did you mean `session`"),
            ("{number:x}", "width"),
            ("{a", "no `}`"),
            ("a}", "no `{`"),
            ("{fields.}", "names no"),
        ] {
            assert!(Template::parse(text).unwrap_err().0.contains(part), "{text}");
        }
    }

    #[test]
    fn the_fixed_part_of_a_destination() {
        let split = |t: &str| {
            let (fixed, rest) = Template::parse(t).unwrap().split_fixed();
            (fixed, rest.source)
        };
        assert_eq!(split("delivery/web/{session}"), ("delivery/web/".into(), "{session}".into()));
        assert_eq!(split("/mnt/x/pre_{record}/y"), ("/mnt/x/".into(), "pre_{record}/y".into()));
        assert_eq!(split("{record}"), (String::new(), "{record}".into()));
        assert_eq!(split("out"), ("out".into(), String::new()));
    }
}
