//! What names things in a manifest: identifiers, file names, image numbers, and references to images.
//!
//! Owns: none of these can name anything outside the folders that the config gives. What is not safe is refused and
//! never repaired, because a repaired record is another record.

use serde_json::{Value, json};
use unicode_normalization::UnicodeNormalization as _;

use super::scalar::{Capped, exact_integer, whole_number};
use crate::model::document::{Node, Path};
use crate::model::limits::{IDENTIFIER_MAX_CHARS, MANIFEST_MAX_ENTRIES, NUMBER_MAX_DIGITS, STRING_MAX_CHARS};
use crate::model::name::{RelPath, is_control_or_bidi, quoted};
use crate::model::problem::Problems;
use crate::model::section::{Read, misplaced};

/// A session, a record, a submission: the name of a job and of its folders.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identifier(pub String);

impl Identifier {
    /// What is wrong with it and what would be right.
    pub fn check(text: &str) -> Result<(), String> {
        let wrong = |why: String| {
            let rule = "without `/`, `\\`, `:` and control characters";
            Err(format!("{} {why}; it must have 1 to {IDENTIFIER_MAX_CHARS} characters, {rule}", quoted(text)))
        };
        let chars = text.chars().count();
        if text.is_empty() {
            return Err("the text is empty; leave the field out, or give it a value".to_string());
        }
        if chars > IDENTIFIER_MAX_CHARS {
            return wrong(format!("has {chars} characters"));
        }
        if let Some(c) = text.chars().find(|c| matches!(c, '/' | '\\' | ':')) {
            return wrong(format!("holds `{c}`"));
        }
        if let Some(c) = text.chars().find(|c| is_control_or_bidi(*c)) {
            return wrong(format!("holds the invisible character U+{:04X}", u32::from(c)));
        }
        if matches!(text, "." | "..") {
            return wrong("means a folder".to_string());
        }
        if text.trim() != text {
            return wrong("begins or ends with a space".to_string());
        }
        Ok(())
    }
}

impl Read for Identifier {
    fn read(node: &Node, path: &Path, problems: &mut Problems) -> Option<Identifier> {
        let text = match node {
            Node::Text(text) => text.clone(),
            Node::Number(number) => exact_integer(node).or_else(|| {
                let hint = "is not a whole number that can be kept exactly; write it as a text, in quotes";
                problems.error(path, format!("{number} {hint}"));
                None
            })?,
            other => return misplaced(other, path, problems, "a text or a number"),
        };
        Identifier::check(&text).map_err(|why| problems.error(path, why)).ok()?;
        Some(Identifier(text))
    }
    fn schema() -> Value {
        let banned = r"/\\:\u0000-\u001f\u007f-\u009f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff";
        json!({
            "type": ["string", "integer"], "minLength": 1, "maxLength": IDENTIFIER_MAX_CHARS,
            "pattern": format!("^[^\\s{banned}]([^{banned}]*[^\\s{banned}])?$"), "not": { "enum": [".", ".."] },
        })
    }
}

/// The number of an image: digits, without the zeros in front.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageNumber(pub String);

impl ImageNumber {
    pub fn parse(text: &str) -> Option<ImageNumber> {
        let digits = (1..=NUMBER_MAX_DIGITS).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
        let significant = text.trim_start_matches('0');
        digits.then(|| ImageNumber(if significant.is_empty() { "0" } else { significant }.to_string()))
    }
}

impl Read for ImageNumber {
    fn read(node: &Node, path: &Path, problems: &mut Problems) -> Option<ImageNumber> {
        let text = match node {
            Node::Text(text) => Some(text.trim().to_string()),
            other => whole_number(other),
        };
        text.and_then(|t| ImageNumber::parse(&t)).or_else(|| {
            let expected = format!("an image number: 1 to {NUMBER_MAX_DIGITS} digits");
            misplaced(node, path, problems, &expected)
        })
    }
    fn schema() -> Value {
        json!({
            "type": ["integer", "string"], "minimum": 0,
            "pattern": format!("^\\s*[0-9]{{1,{NUMBER_MAX_DIGITS}}}\\s*$"), "examples": [7],
        })
    }
}

/// A picture's file: a name, or a path below the manifest's folder with `/` between its parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileName(pub String);

impl FileName {
    /// What is wrong with it and what would be right.
    pub fn check(text: &str) -> Result<(), String> {
        let shown = quoted(text);
        if text.trim().is_empty() {
            return Err("the file name is empty".to_string());
        }
        if text.chars().count() > STRING_MAX_CHARS {
            return Err(format!("{shown} is longer than {STRING_MAX_CHARS} characters"));
        }
        if text.contains('\\') {
            return Err(format!("{shown} holds `\\`; folders are separated by `/`, and no other path is taken"));
        }
        if text.starts_with('/') || text.contains(':') {
            let hint = "it must be a name, or a path below the manifest's folder such as `album/S10001007.jpg`";
            return Err(format!("{shown} is an absolute path, names a drive or holds `:`; {hint}"));
        }
        if text.split('/').any(|part| part == "..") {
            return Err(format!("{shown} leaves its folder by `..`; files lie in the manifest's folder or below it"));
        }
        if let Some(c) = text.chars().find(|c| is_control_or_bidi(*c)) {
            return Err(format!("{shown} holds the invisible character U+{:04X}", u32::from(c)));
        }
        // Names are composed differently on different systems; the rules are about the composed form.
        RelPath::parse(&text.nfc().collect::<String>()).map(|_| ()).map_err(|_| {
            let why = "has a part that not every system can hold: an empty one, a device name such as `NUL`, one with \
                       `* ? \" < > |`, with a dot or space at its end or a space in front";
            format!("{shown} {why}")
        })
    }
}

impl Read for FileName {
    fn read(node: &Node, path: &Path, problems: &mut Problems) -> Option<FileName> {
        let text = match node {
            Node::Text(text) => text.clone(),
            other => exact_integer(other).or_else(|| misplaced(other, path, problems, "a file name"))?,
        };
        FileName::check(&text).map_err(|why| problems.error(path, why)).ok()?;
        Some(FileName(text))
    }
    fn schema() -> Value {
        json!({
            "type": ["string", "integer"], "minLength": 1, "maxLength": STRING_MAX_CHARS,
            "pattern": r"^[^/\\:][^\\:]*$", "examples": ["S10001007.jpg"],
        })
    }
}

/// What a line says of its picture: a number, an id or a file name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageRef(pub String);

impl Read for ImageRef {
    fn read(node: &Node, path: &Path, problems: &mut Problems) -> Option<ImageRef> {
        let expected = "an image's number, id or file name";
        let text = match node {
            Node::Text(text) if text.trim().is_empty() => {
                problems.error(path, format!("the text is empty; {expected} belongs here"));
                return None;
            }
            Node::Text(text) => text.clone(),
            other => whole_number(other).or_else(|| misplaced(other, path, problems, expected))?,
        };
        if text.chars().count() > STRING_MAX_CHARS {
            problems.error(path, format!("{} is longer than {STRING_MAX_CHARS} characters", quoted(&text)));
            return None;
        }
        Some(ImageRef(text))
    }
    fn schema() -> Value {
        json!({ "type": ["integer", "string"], "minLength": 1, "maxLength": STRING_MAX_CHARS })
    }
}

/// The pictures of a line that makes one output for each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LineImages {
    All,
    These(Vec<ImageRef>),
}

impl Read for LineImages {
    fn read(node: &Node, path: &Path, problems: &mut Problems) -> Option<LineImages> {
        match node {
            Node::Text(text) if text.trim().eq_ignore_ascii_case("all") => Some(LineImages::All),
            Node::List(_) => Capped::read(node, path, problems).map(|list| LineImages::These(list.0)),
            other => misplaced(other, path, problems, "`all` or a list of images such as `[7, 9]`"),
        }
    }
    fn schema() -> Value {
        let list = json!({ "type": "array", "items": ImageRef::schema(), "maxItems": MANIFEST_MAX_ENTRIES });
        json!({ "anyOf": [{ "const": "all" }, list] })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_are_taken_or_refused() {
        for good in ["1", "1042", "INV-1042-3", "Größe 7", "...", "a.b", &"x".repeat(64), "日本", "می\u{200c}خواهم"]
        {
            assert_eq!(Identifier::check(good), Ok(()), "{good}");
        }
        for (bad, part) in [
            ("", "empty"),
            (&"x".repeat(65) as &str, "has 65 characters"),
            ("a/b", "holds `/`"),
            ("a\\b", "holds `\\`"),
            ("C:", "holds `:`"),
            (".", "means a folder"),
            ("..", "means a folder"),
            ("a\nb", "U+000A"),
            ("a\u{202e}b", "U+202E"),
            (" 1042", "space"),
            (" ", "space"),
        ] {
            assert!(Identifier::check(bad).unwrap_err().contains(part), "{bad:?}");
        }
    }

    #[test]
    fn numbers_lose_their_zeros() {
        let parse = |t: &str| ImageNumber::parse(t).map(|n| n.0);
        assert_eq!(parse("0007"), Some("7".into()));
        assert_eq!(parse("000"), Some("0".into()));
        for bad in ["", "-1", "7a", "1.0", "１", &"1".repeat(19)] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn file_names_never_escape() {
        let joined = ["👨\u{200d}👩\u{200d}👧 Familie.jpg", "می\u{200c}خواهم.jpg", "क्\u{200d}ष.jpg"];
        for good in
            ["a.jpg", "album/a.jpg", "e\u{301}.jpg", ".a", "a b (1).tif", "日本.png", "10%.jpg"].iter().chain(&joined)
        {
            assert_eq!(FileName::check(good), Ok(()), "{good}");
        }
        for (bad, part) in [
            ("", "empty"),
            ("../a.jpg", "`..`"),
            ("a/../../b.jpg", "`..`"),
            ("/etc/passwd", "absolute"),
            ("C:/a.jpg", "drive"),
            ("a.jpg:stream", "`:`"),
            ("a\\b.jpg", "separated by `/`"),
            ("\\\\nas\\x", "separated by `/`"),
            ("a//b.jpg", "an empty one"),
            ("a/", "an empty one"),
            ("./a.jpg", "a dot"),
            ("NUL.jpg", "device"),
            ("x/con", "device"),
            ("a.jpg.", "a dot"),
            ("a\u{202e}gpj.exe", "U+202E"),
            ("a\0.jpg", "U+0000"),
        ] {
            assert!(FileName::check(bad).unwrap_err().contains(part), "{bad:?}");
        }
    }
}
