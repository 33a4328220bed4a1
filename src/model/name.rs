//! Names of output files and folders.
//!
//! Owns: a [`RelPath`] is relative, NFC, and without `..`, roots, drive letters, colons, control or bidi characters,
//! reserved device names, trailing dots or spaces. It is the only way an output name is made.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization as _;

use super::digest;
use super::limits::{NAME_PART_MAX_BYTES, QUOTED_MAX_CHARS};

/// A safe path below some folder; `/` between its parts, at least one part.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct RelPath(String);

/// A text that is no safe path.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a safe relative path")]
pub struct UnsafePath(pub String);

impl RelPath {
    /// Takes a path that is safe already, such as one from a plan; repairs nothing.
    pub fn parse(text: &str) -> Result<RelPath, UnsafePath> {
        let safe = !text.is_empty() && text.split('/').all(|part| !part.is_empty() && legal_part(part) == part);
        if safe { Ok(RelPath(text.to_string())) } else { Err(UnsafePath(text.to_string())) }
    }

    /// One part made of any text; `None` when nothing is left of it.
    pub fn from_part(text: &str) -> Option<RelPath> {
        let part = safe_part(text);
        (!part.is_empty()).then_some(RelPath(part))
    }

    /// One part made of any text, with an ending that stays whole: where both are too long, the text is cut. The ending
    /// is safe, and tells such names apart.
    pub fn with_ending(text: &str, ending: &str) -> Option<RelPath> {
        /// So much of the text stays before an ending that is very long itself.
        const LEAST_BYTES: usize = 8;
        let mut text = legal_part(text);
        let mut end = NAME_PART_MAX_BYTES.saturating_sub(ending.len()).max(LEAST_BYTES).min(text.len());
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        text.truncate(end);
        RelPath::parse(&format!("{text}{ending}")).ok()
    }

    /// For what no template gave a name.
    pub fn unnamed() -> RelPath {
        RelPath("unnamed".to_string())
    }

    #[must_use]
    pub fn join(&self, below: &RelPath) -> RelPath {
        RelPath(format!("{}/{}", self.0, below.0))
    }

    /// Adds to the last part, before its extension when it has one of `extension`'s kind.
    #[must_use]
    pub fn with_suffix(&self, suffix: &str) -> RelPath {
        let (folder, file) = self.0.rsplit_once('/').map_or((None, self.0.as_str()), |(d, f)| (Some(d), f));
        let (stem, extension) = match file.rsplit_once('.') {
            Some((stem, e)) if !stem.is_empty() && e.len() <= 5 => (stem, Some(e)),
            _ => (file, None),
        };
        let mut text = folder.map(|d| format!("{d}/")).unwrap_or_default();
        text += stem;
        text += suffix;
        if let Some(extension) = extension {
            text += ".";
            text += extension;
        }
        RelPath(text)
    }

    /// `name` + `.jpg`; the extension is ours and safe.
    #[must_use]
    pub fn with_extension(&self, extension: &str) -> RelPath {
        RelPath(format!("{}.{extension}", self.0))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub fn file_name(&self) -> &str {
        self.0.rsplit_once('/').map_or(&self.0, |(_, f)| f)
    }

    pub fn parent(&self) -> Option<RelPath> {
        self.0.rsplit_once('/').map(|(d, _)| RelPath(d.to_string()))
    }

    /// Below a folder of this machine.
    pub fn below(&self, folder: &Path) -> PathBuf {
        self.0.split('/').fold(folder.to_path_buf(), |path, part| path.join(part))
    }

    /// What two names share on a file system that ignores case.
    pub fn fold_case(&self) -> String {
        self.0.to_lowercase()
    }
}

impl fmt::Display for RelPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for RelPath {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<RelPath, D::Error> {
        RelPath::parse(&String::deserialize(d)?).map_err(serde::de::Error::custom)
    }
}

/// Characters that some file system refuses or that make a name read as another one.
fn is_forbidden(c: char) -> bool {
    matches!(c, '/' | '\\' | ':' | '*' | '?' | '"' | '<' | '>' | '|') || is_control_or_bidi(c)
}

/// Control characters, and those that change the direction or show nothing. The two joiners, U+200C and U+200D, are
/// neither: words of Persian and Hindi and many emoji are written with them.
pub fn is_control_or_bidi(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{61c}')
}

/// What a token yields, made safe for a part of a path: `/ \ : * ? " < > |` and controls become `_`.
pub fn safe_characters(text: &str) -> String {
    text.nfc().map(|c| if is_forbidden(c) { '_' } else { c }).collect()
}

/// A whole part of a path: safe characters, no end dots or spaces, no device name, at most 200 bytes. Empty when
/// nothing is left.
pub fn safe_part(text: &str) -> String {
    shorten(legal_part(text))
}

/// All of [`safe_part`] but its length: an extension may come on top of a name that was long enough already.
fn legal_part(text: &str) -> String {
    let mut part = safe_characters(text).trim_end_matches(['.', ' ']).trim_start_matches(' ').to_string();
    let stem_end = part.find('.').unwrap_or(part.len());
    if is_device(part[..stem_end].trim_end()) {
        part.insert(stem_end, '_');
    }
    // Our temporary names begin so; what carries one at a destination is taken for a leftover.
    if part.get(..4).is_some_and(|start| start.eq_ignore_ascii_case(".hf-")) {
        part.insert(0, '_');
    }
    part
}

fn shorten(part: String) -> String {
    if part.len() <= NAME_PART_MAX_BYTES {
        return part;
    }
    let digest = digest::sha256(part.as_bytes());
    let mut end = NAME_PART_MAX_BYTES - 9;
    while !part.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}_{}", part[..end].trim_end_matches(['.', ' ']), &digest[..8])
}

fn is_device(stem: &str) -> bool {
    let upper = stem.to_uppercase();
    if matches!(upper.as_str(), "CON" | "PRN" | "AUX" | "NUL" | "CONIN$" | "CONOUT$") {
        return true;
    }
    let mut chars = upper.chars();
    let head: String = chars.by_ref().take(3).collect();
    let digit = chars.next();
    matches!(head.as_str(), "COM" | "LPT")
        && matches!(digit, Some('0'..='9' | '¹' | '²' | '³'))
        && chars.next().is_none()
}

/// What browsers, copy programs and editors put behind the name of a file that is not finished.
const PASSING: &[&str] = &[
    "tmp",
    "temp",
    "part",
    "partial",
    "crdownload",
    "opdownload",
    "download",
    "filepart",
    "swp",
    "swx",
    "bak",
    "hf-new",
];
/// No scan of a hot folder looks at these: hidden files, files that are being written under a passing name, copies that
/// editors leave, and ours.
pub fn is_ignored(name: &str) -> bool {
    let lower = name.to_lowercase();
    let extension = lower.rsplit_once('.').map_or("", |(_, e)| e);
    name.starts_with(['.', '~'])
        || name.ends_with('~')
        || (name.starts_with('#') && name.ends_with('#'))
        || PASSING.contains(&extension)
        // What a macOS program saves beside the file that it will replace: `invoice.json.sb-1a2b3c4d-x`.
        || extension.starts_with("sb-")
}

/// Compared without case and composition: names of files and images.
pub fn same_name(a: &str, b: &str) -> bool {
    fold(a) == fold(b)
}

/// NFC and lower case.
pub fn fold(text: &str) -> String {
    text.nfc().collect::<String>().to_lowercase().nfc().collect()
}

/// Shown on a terminal or in a log: controls escaped, nothing can move the cursor.
pub fn printable(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut out, c| {
        if is_control_or_bidi(c) && c != '\n' {
            out.extend(c.escape_unicode());
        } else {
            out.push(c);
        }
        out
    })
}

/// A value in a message: in backquotes, on one line, nothing that moves a cursor, and cut where it is long.
pub fn quoted(text: &str) -> String {
    if text.is_empty() { "the empty text".to_string() } else { format!("`{}`", brief(text, QUOTED_MAX_CHARS)) }
}

/// One printable line of at most so many characters, `…` where something was cut.
pub fn brief(text: &str, max_chars: usize) -> String {
    let cut = text.char_indices().nth(max_chars).map(|(at, _)| at);
    let shown = printable(&text[..cut.unwrap_or(text.len())]).replace('\n', "\\n");
    if cut.is_some() { shown + "…" } else { shown }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn hostile_names_become_safe_ones() {
        for (from, to) in [
            ("../../etc/passwd", ".._.._etc_passwd"),
            ("..", ""),
            (".", ""),
            ("a. . ", "a"),
            ("C:\\x", "C__x"),
            ("con", "con_"),
            ("CON.tar.gz", "CON_.tar.gz"),
            ("com1", "com1_"),
            ("com10", "com10"),
            ("nul .txt", "nul _.txt"),
            (".HF-x.part", "_.HF-x.part"),
            ("a\u{202e}gpj", "a_gpj"),
            ("a\0b", "a_b"),
            ("a\u{200b}b", "a_b"),
            ("می\u{200c}خواهم 👨\u{200d}👩", "می\u{200c}خواهم 👨\u{200d}👩"),
            ("Großmann Ñ 日本", "Großmann Ñ 日本"),
            ("e\u{301}", "é"),
            ("", ""),
        ] {
            assert_eq!(safe_part(from), to, "{from:?}");
        }
    }

    #[test]
    fn long_names_are_cut_and_stay_distinct() {
        let a = safe_part(&"ä".repeat(300));
        let b = safe_part(&format!("{}x", "ä".repeat(299)));
        assert!(a.len() <= NAME_PART_MAX_BYTES && b.len() <= NAME_PART_MAX_BYTES && a != b);
    }

    #[test]
    fn an_ending_stays_whole_before_any_text() {
        let name = |text: &str, ending: &str| RelPath::with_ending(text, ending).unwrap().0;
        assert_eq!(name("a. ", ".j.json"), "a.j.json");
        assert_eq!(name("", ".j.json"), ".j.json");
        let long = name(&"ä".repeat(300), ".20261130-1-1042.json");
        assert!(long.ends_with("ä.20261130-1-1042.json") && long.len() <= NAME_PART_MAX_BYTES, "{long}");
        let longest = format!(".{}.json", "日".repeat(76));
        assert!(name("Bestellung", &longest).ends_with(&longest));
    }

    #[test]
    fn paths_are_taken_or_refused_never_repaired() {
        for good in ["a", "a/b.jpg", "Full size/ü.jpg", ".hidden"] {
            assert_eq!(RelPath::parse(good).unwrap().as_str(), good);
        }
        for bad in ["", "/a", "a/", "a//b", "../a", "a/..", "a/./b", "c:x", "a\\b", "a.", "a ", "con", "e\u{301}"] {
            assert!(RelPath::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn suffixes_go_before_the_extension() {
        let suffixed = |p: &str| RelPath::parse(p).unwrap().with_suffix("_2").0;
        assert_eq!(suffixed("a/b.jpg"), "a/b_2.jpg");
        assert_eq!(suffixed("a.b/c"), "a.b/c_2");
        assert_eq!(suffixed(".x"), ".x_2");
    }

    proptest! {
        #[test]
        fn no_text_escapes(text in "\\PC{0,300}|[./\\\\: ]{0,20}|(con|aux|\\.|/|\u{202e}|e\u{301}){1,8}") {
            let part = safe_part(&text);
            if !part.is_empty() {
                prop_assert_eq!(RelPath::parse(&part).map(|p| p.0), Ok(part.clone()));
                prop_assert!(!part.contains('/') && part != ".." && part.len() <= NAME_PART_MAX_BYTES);
                prop_assert_eq!(safe_part(&part), part);
            }
        }
    }
}
