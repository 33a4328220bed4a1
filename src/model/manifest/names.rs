//! The names of a manifest that the configuration must have.

use super::Manifest;
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
