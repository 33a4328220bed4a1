//! Globs over statuses, items, types and names: without case and surrounding space; `!GLOB` excludes.
//!
//! A text that is written just as a glob is matches it too: the item `PKG[A]` has the price of the key `PKG[A]`.

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use serde::{Deserialize, Serialize};

/// A list of globs. An empty one matches everything; one of exclusions alone matches what none of them does.
#[derive(Debug, Clone, Default)]
pub struct Globs {
    written: Vec<String>,
    include: GlobSet,
    exclude: GlobSet,
}

impl Globs {
    /// Errors name the glob that cannot be read.
    pub fn new(written: Vec<String>) -> Result<Globs, String> {
        let (mut include, mut exclude) = (GlobSetBuilder::new(), GlobSetBuilder::new());
        for text in &written {
            let (pattern, set) = match text.trim().strip_prefix('!') {
                Some(pattern) => (pattern.trim(), &mut exclude),
                None => (text.trim(), &mut include),
            };
            let glob = GlobBuilder::new(&pattern.to_lowercase())
                .case_insensitive(true)
                .build()
                .map_err(|e| format!("`{text}` is no glob: {}", e.kind()))?;
            set.add(glob);
            if pattern.contains(['[', ']', '{', '}']) {
                let itself = globset::escape(&pattern.to_lowercase());
                set.add(GlobBuilder::new(&itself).build().map_err(|e| format!("`{text}` is no glob: {}", e.kind()))?);
            }
        }
        let build = |set: &GlobSetBuilder| set.build().map_err(|e| e.to_string());
        Ok(Globs { include: build(&include)?, exclude: build(&exclude)?, written })
    }

    pub fn is_empty(&self) -> bool {
        self.written.is_empty()
    }

    pub fn written(&self) -> &[String] {
        &self.written
    }

    pub fn matches(&self, text: &str) -> bool {
        let text = text.trim().to_lowercase();
        (self.include.is_empty() || self.include.is_match(&text)) && !self.exclude.is_match(&text)
    }

    /// For a value that is a list: one of it is included, none excluded.
    pub fn matches_any(&self, list: &[String]) -> bool {
        if list.is_empty() {
            return self.include.is_empty();
        }
        let excluded = |text: &String| self.exclude.is_match(text.trim().to_lowercase());
        list.iter().any(|text| self.matches(text)) && !list.iter().any(excluded)
    }

    /// For a value that may be missing: inclusions need one, exclusions alone let it pass.
    pub fn matches_optional(&self, text: Option<&str>) -> bool {
        match text.map(str::trim).filter(|t| !t.is_empty()) {
            Some(text) => self.matches(text),
            None => self.include.is_empty(),
        }
    }
}

impl PartialEq for Globs {
    fn eq(&self, other: &Globs) -> bool {
        self.written == other.written
    }
}

impl Serialize for Globs {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        self.written.serialize(s)
    }
}

impl<'de> Deserialize<'de> for Globs {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Globs, D::Error> {
        Globs::new(Vec::deserialize(d)?).map_err(serde::de::Error::custom)
    }
}

impl super::section::Read for Globs {
    fn read(
        node: &super::document::Node,
        path: &super::document::Path,
        problems: &mut super::problem::Problems,
    ) -> Option<Globs> {
        let written = super::section::OneOrMany::<String>::read(node, path, problems)?.0;
        Globs::new(written).map_err(|e| problems.error(path, e)).ok()
    }
    fn schema() -> serde_json::Value {
        super::section::OneOrMany::<String>::schema()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn globs_ignore_case_and_space_and_exclude() {
        let globs = |list: &[&str]| Globs::new(list.iter().map(ToString::to_string).collect()).unwrap();
        assert!(globs(&["paid*"]).matches(" Paid in Full "));
        assert!(globs(&["!MPix*"]).matches("Own") && !globs(&["!MPix*"]).matches("mpix pro"));
        assert!(globs(&["!MPix*"]).matches_optional(None) && !globs(&["MPix*"]).matches_optional(None));
        assert!(globs(&["a*", "!ab"]).matches("ac") && !globs(&["a*", "!ab"]).matches("AB"));
        assert!(globs(&[]).matches("x") && globs(&["*"]).matches("a/b"));
        assert!(globs(&["PKG[A]"]).matches("pkg[a] ") && globs(&["PKG[A]"]).matches("PKGA"));
        assert!(globs(&["a{1}x"]).matches("A{1}X") && !globs(&["!PKG[A]"]).matches("pkg[a]"));
        assert!(!globs(&["PKG[A]"]).matches("PKG[B]"));
        assert!(Globs::new(vec!["[".into()]).is_err());
    }
}
