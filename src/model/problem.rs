//! Everything that is wrong with one text, collected: a person mends a file once, not once per error.

use std::fmt::Write as _;

use super::document::{Path, Position, Syntax, SyntaxError, locate};
use super::limits::PROBLEMS_SHOWN;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    Error,
    Warning,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    pub severity: Severity,
    pub path: Path,
    /// The key is wrong, not its value.
    pub at_key: bool,
    /// What is wrong and what would be right.
    pub text: String,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Problems {
    list: Vec<Problem>,
    /// Unknown keys of a config stop it; those of a manifest are kept and warned of.
    unknown_keys_warn: bool,
}

impl Problems {
    pub fn new() -> Problems {
        Problems::default()
    }

    /// For manifests: an unknown key is a warning.
    pub fn lenient() -> Problems {
        Problems { unknown_keys_warn: true, ..Problems::default() }
    }

    pub fn error(&mut self, path: &Path, text: impl Into<String>) {
        self.push(Severity::Error, path, false, text.into());
    }

    pub fn warn(&mut self, path: &Path, text: impl Into<String>) {
        self.push(Severity::Warning, path, false, text.into());
    }

    /// `path` is that of the unknown entry; `known` what could have been meant.
    pub fn unknown_key<'k>(&mut self, path: &Path, known: impl IntoIterator<Item = &'k str>) {
        let key = path.last_key().unwrap_or_default().to_string();
        let severity = if self.unknown_keys_warn { Severity::Warning } else { Severity::Error };
        let text = format!("unknown key `{key}`{}", did_you_mean(&key, known));
        self.push(severity, path, true, text);
    }

    fn push(&mut self, severity: Severity, path: &Path, at_key: bool, text: String) {
        self.list.push(Problem { severity, path: path.clone(), at_key, text });
    }

    pub fn has_errors(&self) -> bool {
        self.list.iter().any(|p| p.severity == Severity::Error)
    }

    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    pub fn iter(&self) -> impl Iterator<Item = &Problem> {
        self.list.iter()
    }

    pub fn warnings(&self) -> impl Iterator<Item = &Problem> {
        self.list.iter().filter(|p| p.severity == Severity::Warning)
    }

    /// One paragraph a problem, in the order of the file: `file:line:column: error: where: what`.
    pub fn show(&self, file: &str, text: &str, syntax: Syntax) -> String {
        let mut placed: Vec<(Option<Position>, &Problem)> = self
            .list
            .iter()
            .enumerate()
            .map(|(i, p)| ((i < PROBLEMS_SHOWN).then(|| locate_nearest(text, syntax, p)).flatten(), p))
            .collect();
        placed.sort_by_key(|(position, _)| position.map_or((usize::MAX, 0), |p| (p.line, p.column)));
        let mut out = String::new();
        for (position, problem) in placed.iter().take(PROBLEMS_SHOWN) {
            let place = position.map(|p| format!(":{}:{}", p.line, p.column)).unwrap_or_default();
            let severity = match problem.severity {
                Severity::Error => "error",
                Severity::Warning => "warning",
            };
            let field = problem.path.to_string();
            let field = if field.is_empty() { field } else { format!("{field}: ") };
            let _ = writeln!(out, "{file}{place}: {severity}: {field}{}", problem.text);
        }
        if self.list.len() > PROBLEMS_SHOWN {
            let _ = writeln!(out, "{file}: and {} more", self.list.len() - PROBLEMS_SHOWN);
        }
        out
    }
}

/// What is missing has no place of its own; the map that should hold it has.
fn locate_nearest(text: &str, syntax: Syntax, problem: &Problem) -> Option<Position> {
    let mut path = problem.path.clone();
    let mut at_key = problem.at_key;
    loop {
        if let Some(position) = locate(text, syntax, &path, at_key) {
            return Some(position);
        }
        path.0.pop()?;
        at_key = !path.0.is_empty() && matches!(path.0.last(), Some(super::document::Step::Key(_)));
    }
}

/// `file:line:column: error: what`, for a text that is no document.
pub fn show_syntax_error(file: &str, error: &SyntaxError) -> String {
    let place = error.position.map(|p| format!(":{}:{}", p.line, p.column)).unwrap_or_default();
    format!("{file}{place}: error: {}\n", error.text)
}

/// `; did you mean …?` when something known is close to what was written.
pub fn did_you_mean<'k>(written: &str, known: impl IntoIterator<Item = &'k str>) -> String {
    let lower = written.to_lowercase();
    let best = known
        .into_iter()
        .map(|k| (strsim::damerau_levenshtein(&lower, &k.to_lowercase()), k))
        .min_by_key(|(distance, k)| (*distance, k.len()));
    match best {
        Some((distance, known)) if distance <= 1 + lower.chars().count() / 4 => format!("; did you mean `{known}`?"),
        _ => String::new(),
    }
}
