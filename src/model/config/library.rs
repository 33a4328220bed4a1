//! The studio's originals: where they lie and how a picture is found among them. Only ever read.

use std::path::PathBuf;

use super::Context;
use super::image_number::ImageNumber;
use super::overlaps::Role;
use crate::model::document::Path as Place;
use crate::model::name::fold;
use crate::model::problem::did_you_mean;
use crate::model::section::Entries;
use crate::section;

/// Where originals are looked for.
#[derive(Debug, Clone, PartialEq)]
pub struct Library {
    /// The first that has the session's folder.
    pub roots: Vec<PathBuf>,
    pub session_folder: SessionPattern,
    /// In the order of the file.
    pub sources: Vec<LibrarySource>,
    /// Lower-case extensions without a dot, best first; no other file is ever taken.
    pub types: Vec<String>,
    pub image_number: ImageNumber,
}

/// One kind of original.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LibrarySource {
    pub name: String,
    /// Below the session's folder: plain folder names, then a file name of `{stem}`, letters and `*`. The first
    /// that matches counts.
    pub patterns: Vec<String>,
}

impl Library {
    pub fn source(&self, name: &str) -> Option<&LibrarySource> {
        self.sources.iter().find(|source| source.name == name)
    }
}

/// The name of a session's folder, with `{session}` and `*` in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionPattern(String);

impl SessionPattern {
    fn parse(text: &str) -> Result<SessionPattern, String> {
        if text.contains(['/', '\\']) {
            return Err(format!(
                "`{text}` is the name of one folder, without `/`; what lies above it belongs into `roots`"
            ));
        }
        let rest = text.replacen(SESSION, "", 1);
        if rest == text {
            return Err(format!("`{text}` does not say where the session's number stands: it needs `{{session}}`"));
        }
        if rest.contains(['{', '}', '?', '[', ']']) {
            return Err(format!("`{text}` has more in it than one `{{session}}`, letters and `*`"));
        }
        Ok(SessionPattern(text.to_string()))
    }

    pub fn written(&self) -> &str {
        &self.0
    }

    /// The folder that wins over others that match: the pattern with nothing for its `*`.
    pub fn exact_name(&self, session: &str) -> String {
        self.0.replace('*', "").replace(SESSION, session).trim().to_string()
    }

    /// Whether this is a folder of the session. Without case, as names are compared everywhere.
    pub fn matches(&self, session: &str, folder_name: &str) -> bool {
        // Only the pattern's own `*` is one: what the manifest calls its session is compared letter by letter.
        let literals: Vec<String> = self.0.split('*').map(|l| fold(&l.replace(SESSION, session))).collect();
        let name = fold(folder_name);
        let (Some(first), Some(last)) = (literals.first(), literals.last()) else { return false };
        let Some(mut rest) = name.strip_prefix(first.as_str()) else { return false };
        if literals.len() == 1 {
            return rest.is_empty();
        }
        for literal in &literals[1..literals.len() - 1] {
            let Some(at) = rest.find(literal.as_str()) else { return false };
            rest = &rest[at + literal.len()..];
        }
        rest.ends_with(last.as_str())
    }
}

impl Default for SessionPattern {
    fn default() -> Self {
        SessionPattern(format!("{SESSION}*"))
    }
}

const SESSION: &str = "{session}";
const STEM: &str = "{stem}";
/// What can be decoded.
const TYPES: &[&str] = &["tif", "tiff", "jpg", "jpeg", "png", "webp"];

section! {
    /// The studio's originals.
    pub(super) struct RawLibrary {
        /// Folders with the sessions' folders in them; the first that has the session counts.
        roots: Vec<String> [required],
        /// Name of a session's folder: `{session}`, letters and `*`. Default `{session}*`; a folder of exactly that name wins.
        session_folder: String,
        /// Kinds of originals by name, each with one or more patterns below the session's folder such as `Hi-Res/{stem}.*`; the first pattern that matches counts.
        sources: Entries<Patterns> [required],
        /// File types that are taken, best first, of `tif`, `tiff`, `jpg`, `jpeg`, `png` and `webp`. Default all of them in this order.
        types: Vec<String>,
        /// Where the image number stands in a file's stem: `first: N`, `last: N` or `from: N` characters, `pattern: REGEX`, or `whole: true`, the default.
        image_number: ImageNumber,
    }
}

type Patterns = crate::model::section::OneOrMany<String>;

impl RawLibrary {
    pub(super) fn check(self, cx: &mut Context<'_>) -> Library {
        let at = self.here.key("roots");
        let written = self.roots.unwrap_or_default();
        if written.is_empty() && !cx.failed(&at) {
            cx.error(&at, "name at least one folder");
        }
        let roots =
            written.iter().enumerate().map(|(i, root)| cx.claim(root, &at.index(i), Role::LibraryRoot)).collect();

        let mut session_folder = SessionPattern::default();
        if let Some(text) = self.session_folder {
            match SessionPattern::parse(&text) {
                Ok(pattern) => session_folder = pattern,
                Err(why) => cx.error(&self.here.key("session_folder"), why),
            }
        }

        let at = self.here.key("sources");
        let mut sources = Vec::new();
        for (name, patterns) in self.sources.unwrap_or_default().0 {
            let at = at.key(&name);
            cx.given_name(&name, &at);
            let patterns = patterns.0;
            if patterns.is_empty() {
                cx.error(&at, "name at least one pattern, such as `Hi-Res/{stem}.*`");
            }
            for (index, pattern) in patterns.iter().enumerate() {
                if let Err(why) = check_pattern(pattern) {
                    let at = if patterns.len() == 1 { at.clone() } else { at.index(index) };
                    cx.error(&at, why);
                }
            }
            sources.push(LibrarySource { name, patterns });
        }

        let types = match self.types {
            None => TYPES.iter().map(ToString::to_string).collect(),
            Some(types) => check_types(&types, &self.here.key("types"), cx),
        };
        Library { roots, session_folder, sources, types, image_number: self.image_number.unwrap_or_default() }
    }
}

fn check_pattern(pattern: &str) -> Result<(), String> {
    if pattern.contains('\\') {
        return Err(format!("`{pattern}`: write `/` between folders, on Windows too"));
    }
    let (folders, file) = pattern.rsplit_once('/').unwrap_or(("", pattern));
    if pattern.starts_with('/') || folders.contains(':') || folders.split('/').any(|part| part == "..") {
        return Err(format!("`{pattern}` lies below the session's folder: write it without a root, a drive or `..`"));
    }
    if folders.contains(['*', '?', '{', '}', '[', ']']) {
        return Err(format!(
            "`{pattern}`: folders stand as they are called; `{{stem}}` and `*` belong into the file's name"
        ));
    }
    let rest = file.replacen(STEM, "", 1);
    if rest == file {
        return Err(format!("`{pattern}` does not say where the picture's name stands: it needs `{{stem}}`"));
    }
    if rest.contains(['{', '}', '?', '[', ']']) {
        return Err(format!("`{pattern}` has more in its file's name than one `{{stem}}`, letters and `*`"));
    }
    Ok(())
}

fn check_types(types: &[String], at: &Place, cx: &mut Context<'_>) -> Vec<String> {
    if types.is_empty() {
        cx.error(at, "name at least one type");
    }
    let mut known = Vec::new();
    for (index, written) in types.iter().enumerate() {
        let lower = written.to_lowercase();
        let at = at.index(index);
        if lower.starts_with('.') && TYPES.contains(&&lower[1..]) {
            cx.error(&at, format!("`{written}`: write it without the dot"));
        } else if !TYPES.contains(&lower.as_str()) {
            let hint = did_you_mean(&lower, TYPES.iter().copied());
            let list = TYPES.iter().map(|t| format!("`{t}`")).collect::<Vec<_>>().join(", ");
            cx.error(&at, format!("`{written}` is no type that can be rendered (those are {list}){hint}"));
        } else if known.contains(&lower) {
            cx.error(&at, format!("`{written}` stands here twice"));
        } else {
            known.push(lower);
        }
    }
    known
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn session_folders_are_told_by_their_pattern() {
        let pattern = SessionPattern::default();
        assert!(pattern.matches("S1", "S1") && pattern.matches("S1", "s1 Larson") && !pattern.matches("S1", "xS1"));
        assert_eq!(pattern.exact_name("S1"), "S1");
        let pattern = SessionPattern::parse("20* - {session}*x").unwrap();
        assert!(pattern.matches("S1", "2026 - S1 ax") && !pattern.matches("S1", "2026 - S2 ax"));
        // A session called `*` is no wildcard.
        assert!(!SessionPattern::default().matches("*", "S1"));
        assert!(!SessionPattern::parse("{session}").unwrap().matches("S1", "S1 Larson"));
        for wrong in ["sessions", "a/{session}", "{session}{session}", "{session}?", "{sesion}*"] {
            assert!(SessionPattern::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn source_patterns_are_names_below_the_session() {
        for good in ["{stem}.*", "Hi-Res/{stem}.*", "a/b/{stem}-Edit.tif", "Retouched/*{stem}*.*"] {
            assert_eq!(check_pattern(good), Ok(()), "{good}");
        }
        for bad in ["Hi-Res/*.*", "/x/{stem}.*", "../{stem}.*", "*/{stem}.*", "{stem}/x", "a\\{stem}", "{stem}{number}"]
        {
            assert!(check_pattern(bad).is_err(), "{bad}");
        }
    }
}
