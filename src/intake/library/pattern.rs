//! One pattern of a library source: plain folders, then a file name of `{stem}`, letters and `*`.
//!
//! Owns: what a manifest says of a picture is compared letter by letter; only the operator's `*` is one. A `.*` at the
//! end stands for one extension, so that `S1007.*` is not also `S1007.old.tif`.

use super::super::names;
use super::shelf::Shelf;
use crate::model::name::fold;

const STEM: &str = "{stem}";

/// A pattern taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pattern {
    pub(super) folders: Vec<String>,
    before: String,
    after: String,
    /// It ends in `.*`, which `before` and `after` are without.
    any_extension: bool,
}

impl Pattern {
    /// The config checked its form.
    pub(super) fn parse(written: &str) -> Pattern {
        let (folders, file) = written.rsplit_once('/').unwrap_or(("", written));
        let (file, any_extension) = match file.strip_suffix(".*") {
            Some(file) => (file, true),
            None => (file, false),
        };
        let (before, after) = file.split_once(STEM).unwrap_or((file, ""));
        Pattern {
            folders: folders.split('/').filter(|f| !f.is_empty() && *f != ".").map(ToString::to_string).collect(),
            before: before.to_string(),
            after: after.to_string(),
            any_extension,
        }
    }

    /// The files that are this stem's.
    pub(super) fn of_stem(&self, stem: &str, content: &Shelf) -> Vec<usize> {
        // Split before the stem goes in: a `*` of the manifest's is a letter.
        let before: Vec<&str> = self.before.split('*').collect();
        let after: Vec<&str> = self.after.split('*').collect();
        let middle = format!("{}{stem}{}", before.last().unwrap_or(&""), after.first().unwrap_or(&""));
        let mut literals: Vec<String> = before[..before.len() - 1].iter().map(|l| fold(l)).collect();
        literals.push(fold(&middle));
        literals.extend(after[1..].iter().map(|l| fold(l)));
        if let ([whole], true) = (literals.as_slice(), self.any_extension) {
            return content.of_stem(whole).to_vec();
        }
        let fits = |name: &str| is_like(&literals, name);
        let files = content.files.iter().enumerate();
        files.filter(|(_, f)| fits(if self.any_extension { &f.stem } else { &f.folded })).map(|(i, _)| i).collect()
    }

    /// What `{stem}` stands for in a file's name; the longest text where a `*` leaves it open.
    pub(super) fn stem_in<'n>(&self, name: &'n str) -> Option<&'n str> {
        let name = if self.any_extension { names::stem(name) } else { name };
        let ends: Vec<usize> = name.char_indices().map(|(at, _)| at).chain([name.len()]).collect();
        let starts = candidates(&self.before, &ends, |count| count);
        let stops = candidates(&self.after, &ends, |count| (ends.len() - 1).saturating_sub(count));
        let fits = |pattern: &str, text: &str| is_like(&pattern.split('*').map(fold).collect::<Vec<_>>(), &fold(text));
        let starts: Vec<usize> = starts.into_iter().filter(|at| fits(&self.before, &name[..*at])).collect();
        let stops: Vec<usize> = stops.into_iter().filter(|at| fits(&self.after, &name[*at..])).collect();
        let (start, stop) = (starts.first()?, stops.last()?);
        (start < stop).then(|| &name[*start..*stop])
    }
}

/// Where a text of this form can end (or begin): anywhere with a `*` in it, else at its own length.
fn candidates(pattern: &str, ends: &[usize], index: impl Fn(usize) -> usize) -> Vec<usize> {
    if pattern.contains('*') {
        return ends.to_vec();
    }
    ends.get(index(pattern.chars().count())).copied().into_iter().collect()
}

/// Whether a text is these literals with anything between them.
fn is_like(literals: &[String], text: &str) -> bool {
    let (Some(first), Some(last)) = (literals.first(), literals.last()) else { return text.is_empty() };
    if literals.len() == 1 {
        return text == first;
    }
    let Some(mut rest) = text.strip_prefix(first.as_str()) else { return false };
    for literal in &literals[1..literals.len() - 1] {
        let Some(at) = rest.find(literal.as_str()) else { return false };
        rest = &rest[at + literal.len()..];
    }
    rest.ends_with(last.as_str())
}

/// Whether a folder's name has the session's number as a whole one: `S1042*` is also `S10421`, another client's.
pub(super) fn stands_alone(session: &str, folder: &str) -> bool {
    let (session, folder) = (fold(session), fold(folder));
    let is_digit = |c: Option<char>| c.is_some_and(|c| c.is_ascii_digit());
    folder.match_indices(&session).any(|(at, text)| {
        let (before, after) = (folder[..at].chars().next_back(), folder[at + text.len()..].chars().next());
        let goes_on = is_digit(text.chars().next()) && is_digit(before);
        let goes_further = is_digit(text.chars().next_back()) && is_digit(after);
        !(goes_on || goes_further)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stem_is_found_in_a_name() {
        let stem = |pattern: &str, name: &'static str| Pattern::parse(pattern).stem_in(name);
        assert_eq!(stem("Hi-Res/{stem}.*", "S1007.TIF"), Some("S1007"));
        assert_eq!(stem("{stem}-Edit.*", "S1007-edit.tif"), Some("S1007"));
        assert_eq!(stem("{stem}-Edit.*", "S1007.tif"), None);
        assert_eq!(stem("{stem}.tif", "S1007.TIF"), Some("S1007"));
        assert_eq!(stem("{stem}.tif", "S1007.jpg"), None);
        assert_eq!(stem("x_{stem}*.*", "X_7b.tif"), Some("7b"));
        assert_eq!(stem("*_{stem}.*", "ab_cd_7.tif"), Some("cd_7"));
        assert_eq!(stem("{stem}.*", "ß.old.tif"), Some("ß.old"));
        assert_eq!(stem("{stem}-Edit.*", "-Edit.tif"), None);
    }

    #[test]
    fn a_longer_number_is_another_session() {
        assert!(stands_alone("S1042", "S1042 Larson") && stands_alone("1042", "2026_1042_Larson"));
        assert!(!stands_alone("S1042", "S10421 Miller") && !stands_alone("042", "S1042"));
        assert!(stands_alone("1042", "10421 and 1042") && stands_alone("Larson", "Larson2"));
    }
}
