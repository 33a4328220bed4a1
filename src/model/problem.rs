//! Everything that is wrong with one text, collected: a person mends a file once, not once per error.

use std::collections::HashMap;
use std::fmt::Write as _;

use super::document::{Path, Position, Step, Syntax, SyntaxError, locate};
use super::limits::{GUESSED_MAX_CHARS, LOCATE_MAX_BYTES, MESSAGE_MAX_CHARS, PROBLEMS_SHOWN};
use super::name::{brief, quoted};

/// Most keys that are listed where none of them is close to what was written.
const KEYS_LISTED: usize = 12;

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
    /// How many more entries of the same list have the same unknown key: a foreign key of 20,000 lines is one problem.
    pub more_places: usize,
}

impl Problem {
    /// The text for people, on one line.
    pub fn told(&self) -> String {
        let places = match self.more_places {
            0 => String::new(),
            1 => " (and in 1 more place)".to_string(),
            n => format!(" (and in {n} more places)"),
        };
        brief(&self.text, MESSAGE_MAX_CHARS) + &places
    }
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Problems {
    /// At most [`PROBLEMS_SHOWN`] errors and as many warnings.
    list: Vec<Problem>,
    errors: usize,
    warnings: usize,
    /// Where in `list` an unknown key was first met, by its path without list positions.
    unknown_keys: HashMap<Path, usize>,
    /// Unknown keys of a config stop it; those of a manifest are kept and warned of.
    unknown_keys_warn: bool,
}

impl From<Vec<Problem>> for Problems {
    fn from(list: Vec<Problem>) -> Problems {
        let errors = list.iter().filter(|p| p.severity == Severity::Error).count();
        Problems { warnings: list.len() - errors, errors, list, ..Problems::default() }
    }
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

    /// Reports the key itself: its value may be right.
    pub fn error_of_key(&mut self, path: &Path, text: impl Into<String>) {
        self.push(Severity::Error, path, true, text.into());
    }

    /// Warns of the key itself: its value may be right.
    pub fn warn_of_key(&mut self, path: &Path, text: impl Into<String>) {
        self.push(Severity::Warning, path, true, text.into());
    }

    pub fn warn(&mut self, path: &Path, text: impl Into<String>) {
        self.push(Severity::Warning, path, false, text.into());
    }

    /// `path` is that of the unknown entry; `known` what could have been meant.
    pub fn unknown_key<'k>(&mut self, path: &Path, known: impl IntoIterator<Item = &'k str>) {
        let anywhere = Path(path.0.iter().map(Step::without_position).collect());
        if let Some(problem) = self.unknown_keys.get(&anywhere).and_then(|at| self.list.get_mut(*at)) {
            problem.more_places += 1;
            return;
        }
        let key = path.last_key().unwrap_or_default();
        if key == "<<" {
            // Passing it over would lose what it stands for: a crop, a quantity.
            self.push(Severity::Error, path, true, "merge keys (`<<`) are not taken; write the values out".to_string());
            return;
        }
        let severity = if self.unknown_keys_warn { Severity::Warning } else { Severity::Error };
        if self.is_full(severity) {
            self.count(severity);
            return;
        }
        self.unknown_keys.insert(anywhere, self.list.len());
        let known: Vec<&str> = known.into_iter().collect();
        let mut hint = did_you_mean(key, known.iter().copied());
        if hint.is_empty() && severity == Severity::Error && known.len() <= KEYS_LISTED {
            let list = known.iter().map(|k| format!("`{k}`")).collect::<Vec<_>>().join(", ");
            hint = format!("; the keys here are {list}");
        }
        let text = format!("unknown key {}{hint}", quoted(key));
        self.push(severity, path, true, text);
    }

    fn push(&mut self, severity: Severity, path: &Path, at_key: bool, text: String) {
        if !self.is_full(severity) {
            self.list.push(Problem { severity, path: path.clone(), at_key, text, more_places: 0 });
        }
        self.count(severity);
    }

    fn is_full(&self, severity: Severity) -> bool {
        PROBLEMS_SHOWN <= if severity == Severity::Error { self.errors } else { self.warnings }
    }

    fn count(&mut self, severity: Severity) {
        *(if severity == Severity::Error { &mut self.errors } else { &mut self.warnings }) += 1;
    }

    pub fn has_errors(&self) -> bool {
        self.errors > 0
    }

    /// Whether the value at a path, or one inside it, is wrong.
    pub fn has_error_in(&self, path: &Path) -> bool {
        self.list.iter().any(|p| p.severity == Severity::Error && p.path.0.starts_with(&path.0))
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
        // Each look-up reads the text again; a large text with many problems shows the places of the first ones.
        let mut looks = 1 + LOCATE_MAX_BYTES / text.len().max(1);
        let mut placed: Vec<(Option<Position>, &Problem)> =
            self.list.iter().map(|p| (locate_nearest(text, syntax, p, &mut looks), p)).collect();
        placed.sort_by_key(|(position, _)| position.map_or((usize::MAX, 0), |p| (p.line, p.column)));
        let mut out = String::new();
        for (position, problem) in placed {
            let place = position.map(|p| format!(":{}:{}", p.line, p.column)).unwrap_or_default();
            let severity = match problem.severity {
                Severity::Error => "error",
                Severity::Warning => "warning",
            };
            let field = brief(&problem.path.to_string(), MESSAGE_MAX_CHARS);
            let field = if field.is_empty() { field } else { format!("{field}: ") };
            let _ = writeln!(out, "{file}{place}: {severity}: {field}{}", problem.told());
        }
        let unshown = self.errors + self.warnings - self.list.len();
        if unshown > 0 {
            let _ = writeln!(out, "{file}: and {unshown} more");
        }
        out
    }
}

/// What is missing has no place of its own; the map that should hold it has. `None` when there are no looks left.
fn locate_nearest(text: &str, syntax: Syntax, problem: &Problem, looks: &mut usize) -> Option<Position> {
    let mut path = problem.path.clone();
    let mut at_key = problem.at_key;
    loop {
        *looks = looks.checked_sub(1)?;
        if let Some(position) = locate(text, syntax, &path, at_key) {
            return Some(position);
        }
        if path.0.pop().is_none() {
            // Of an empty file there is only the beginning.
            return Some(Position { line: 1, column: 1 });
        }
        at_key = !path.0.is_empty() && matches!(path.0.last(), Some(Step::Key(_)));
    }
}

/// `file:line:column: error: what`, for a text that is no document.
pub fn show_syntax_error(file: &str, error: &SyntaxError) -> String {
    // What is wrong with the whole file stands at its beginning.
    let at = error.position.unwrap_or(Position { line: 1, column: 1 });
    let place = format!(":{}:{}", at.line, at.column);
    format!("{file}{place}: error: {}\n", brief(&error.text, MESSAGE_MAX_CHARS))
}

/// `; did you mean …?` when something known is close to what was written.
pub fn did_you_mean<'k>(written: &str, known: impl IntoIterator<Item = &'k str>) -> String {
    if written.chars().nth(GUESSED_MAX_CHARS).is_some() {
        return String::new();
    }
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
