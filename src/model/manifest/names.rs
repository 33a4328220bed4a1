//! The names of a manifest that the configuration must have, and by which names a person calls its record.

use super::{Kind, Manifest};
use crate::model::name::quoted;
use crate::model::problem::did_you_mean;

/// Refuses a manifest that names a profile or layout which the configuration does not have; all of them at once, one
/// line each. Call it when the price list was applied.
pub fn check_names(manifest: &Manifest, profiles: &[&str], layouts: &[&str]) -> Result<(), String> {
    let mut wrong: Vec<String> = Vec::new();
    let mut check = |place: &str, what: &str, name: &str, known: &[&str]| {
        if !known.contains(&name) {
            let hint = did_you_mean(name, known.iter().copied());
            let text = format!("{place}: the configuration has no {what} {}{hint}", quoted(name));
            if !wrong.contains(&text) {
                wrong.push(text);
            }
        }
    };
    for name in &manifest.profiles {
        check("profiles", "profile", name, profiles);
    }
    for line in &manifest.lines {
        let place = format!("line {}", line.line);
        if let Some(name) = &line.profile {
            check(&place, "profile", name, profiles);
        }
        if let Some(name) = &line.layout {
            check(&place, "layout", name, layouts);
        }
    }
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n")) }
}

/// Whether a person means this record by `text`: its number (`1042`), or its kind and number where one number stands for
/// records of several kinds (`invoice-1042`). Case does not count.
pub fn is_record(text: &str, kind: Option<Kind>, record: &str) -> bool {
    text.eq_ignore_ascii_case(record)
        || kind.is_some_and(|kind| text.eq_ignore_ascii_case(&record_with_kind(kind, record)))
}

/// A record by its kind and number, `invoice-1042`.
pub fn record_with_kind(kind: Kind, record: &str) -> String {
    format!("{}-{record}", kind.word())
}

/// The one record that a person means by `text`, of all those that [`is_record`] finds. Where there are several, nobody
/// can know which: the error names them. Of two that differ only in case the one that is written so is meant.
pub fn one_record<'r>(
    text: &str,
    found: impl IntoIterator<Item = (Option<Kind>, &'r str)>,
) -> Result<Option<(Option<Kind>, String)>, String> {
    let mut all: Vec<(Option<Kind>, &str)> = found.into_iter().filter(|(kind, r)| is_record(text, *kind, r)).collect();
    all.sort_unstable();
    all.dedup();
    let is_exact = |(kind, record): &(Option<Kind>, &str)| {
        *record == text || kind.is_some_and(|kind| record_with_kind(kind, record) == text)
    };
    if all.iter().any(is_exact) {
        all.retain(is_exact);
    }
    match all[..] {
        [] => Ok(None),
        [(kind, record)] => Ok(Some((kind, record.to_string()))),
        _ => {
            let name = |(kind, record): &(Option<Kind>, &str)| match kind {
                Some(kind) => quoted(&record_with_kind(*kind, record)),
                None => "a manifest that could not be read (name its job)".to_string(),
            };
            let names: Vec<String> = all.iter().map(name).collect();
            Err(format!("{} stands for several records; say which one: {}", quoted(text), names.join(", ")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_of_several_records_is_named_with_its_kind() {
        let (session, invoice) = (Some(Kind::Session), Some(Kind::Invoice));
        let known =
            [(session, "1042"), (invoice, "1042"), (invoice, "1042"), (invoice, "7"), (invoice, "a"), (invoice, "A")];
        let one = |text: &str| one_record(text, known);
        assert_eq!(one("7"), Ok(Some((invoice, "7".to_string()))));
        assert_eq!(one("8"), Ok(None));
        assert_eq!(one("Invoice-1042"), Ok(Some((invoice, "1042".to_string()))));
        assert_eq!(one("A"), Ok(Some((invoice, "A".to_string()))));
        let told = one("1042").unwrap_err();
        assert!(told.contains("`1042` stands for several records") && told.contains("`session-1042`, `invoice-1042`"));
        assert!(one_record("1042", [(None, "1042"), (invoice, "1042")]).unwrap_err().contains("could not be read"));
    }
}
