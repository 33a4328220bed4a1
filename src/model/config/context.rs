//! What a section is checked against: the folder of the file, the names that exist, the folders claimed so far.
//!
//! Owns: every problem of the file ends in one list. A check that fails still yields a value, so that the sections
//! after it are checked too; none of these values gets out, because a file with an error yields no config.

use std::path::{Path, PathBuf};

use super::names::Names;
use super::overlaps::{Claim, Role};
use super::paths;
use crate::model::delivery::Destination;
use crate::model::document::Path as Place;
use crate::model::name::{RelPath, quoted, safe_characters};
use crate::model::problem::Problems;
use crate::model::template::{Template, Token};
use crate::model::units::Dimensions;

#[derive(Debug)]
pub(super) struct Context<'c> {
    /// The folder of the config file, absolute and normalised.
    pub(super) folder: &'c Path,
    pub(super) names: Names,
    pub(super) problems: Problems,
    pub(super) claims: Vec<Claim>,
    /// Sizes that a delivery prints on, whatever was ordered: its printer or pool, and where that is said.
    pub(super) papers: Vec<(String, Dimensions, Place)>,
    /// There is a `mail` section.
    pub(super) has_mail: bool,
    /// There is a `downloads` section.
    pub(super) has_downloads: bool,
}

impl Context<'_> {
    pub(super) fn error(&mut self, at: &Place, text: impl Into<String>) {
        self.problems.error(at, text);
    }

    /// Reports a key that must be there.
    pub(super) fn missing(&mut self, section: &Place, key: &str, why: &str) {
        // A value that was there but wrong has its own error already.
        let at = section.key(key);
        if !self.failed(&at) {
            self.error(&at, format!("`{key}` is missing: {why}"));
        }
    }

    /// Whether this place or one inside it has an error: what depends on its value is not judged then.
    pub(super) fn failed(&self, at: &Place) -> bool {
        self.problems.has_error_in(at)
    }

    /// A path as the file writes it, absolute.
    pub(super) fn path(&mut self, written: &str, at: &Place) -> PathBuf {
        match paths::resolve(self.folder, written) {
            Ok(resolved) => resolved.path,
            Err(why) => {
                self.error(at, why);
                PathBuf::new()
            }
        }
    }

    /// A file of one of some types.
    pub(super) fn file(&mut self, written: &str, at: &Place, extensions: &[&str], hint: &str) -> PathBuf {
        let extension = written.rsplit_once('.').map(|(_, e)| e.to_lowercase()).unwrap_or_default();
        if !extensions.contains(&extension.as_str()) {
            let list = extensions.iter().map(|e| format!("`.{e}`")).collect::<Vec<_>>().join(", ");
            self.error(at, format!("`{written}` is not a file of a type that fits here ({list}){hint}"));
            return PathBuf::new();
        }
        self.path(written, at)
    }

    /// A folder of ours, watched or written; it must keep clear of the others.
    pub(super) fn claim(&mut self, written: &str, at: &Place, role: Role) -> PathBuf {
        let path = self.path(written, at);
        if !path.as_os_str().is_empty() {
            self.claims.push(Claim { role, path: path.clone(), at: at.clone() });
        }
        path
    }

    /// Where a delivery goes. `what` names the delivery in messages about overlaps.
    pub(super) fn destination(&mut self, template: &Template, at: &Place) -> Destination {
        self.template(template, at);
        let (fixed, rest) = template.split_fixed();
        // No fixed part at all: it is the folder of the config file that is written to.
        let resolved = paths::resolve(self.folder, if fixed.is_empty() { "." } else { &fixed });
        let resolved = match resolved {
            Ok(resolved) => resolved,
            Err(why) => {
                self.error(at, why);
                paths::Resolved { path: PathBuf::new(), relative: true }
            }
        };
        let shape = shape(&rest);
        for part in shape.trim_end_matches('/').split('/').filter(|_| !shape.is_empty()) {
            self.file_name_part(part, template, at);
        }
        if template.source().is_empty() {
            self.error(at, "a folder belongs here, not an empty text");
        } else if !resolved.path.as_os_str().is_empty() {
            let role = Role::Destination { below: rest.clone() };
            self.claims.push(Claim { role, path: resolved.path.clone(), at: at.clone() });
        }
        Destination { written: template.source().to_string(), fixed: resolved.path, made: resolved.relative, rest }
    }

    /// The name of a file: one part, without folders.
    pub(super) fn name_template(&mut self, template: &Template, at: &Place) {
        self.template(template, at);
        let shape = shape(template);
        if shape.contains('/') {
            self.error(
                at,
                format!("`{}` has a `/`: a name has no folders, the `path` of a delivery has", template.source()),
            );
        } else {
            self.file_name_part(&shape, template, at);
        }
    }

    /// Folders inside something that we make.
    pub(super) fn folder_template(&mut self, template: &Template, at: &Place) {
        self.template(template, at);
        for part in shape(template).split('/') {
            self.file_name_part(part, template, at);
        }
    }

    /// What every template must keep to but a disc's label: no disc numbers, date formats that can be followed.
    pub(super) fn template(&mut self, template: &Template, at: &Place) {
        if let Some(token) = template.tokens().find(|t| matches!(t.name.as_str(), "disc" | "discs")) {
            self.error(at, format!("`{token}` has a value in the `label` of a disc only"));
        }
        self.date_formats(template, at);
    }

    pub(super) fn templates(&mut self, templates: &[Template], at: &Place) {
        for (index, template) in templates.iter().enumerate() {
            self.template(template, &at.index(index));
        }
    }

    pub(super) fn date_formats(&mut self, template: &Template, at: &Place) {
        for token in template.tokens().filter(|t| matches!(t.name.as_str(), "date" | "due_date")) {
            if let Some(why) = wrong_date_format(token) {
                self.error(at, why);
            }
        }
    }

    /// One part of what a template makes. A name that would be changed in silence is refused here.
    fn file_name_part(&mut self, part: &str, template: &Template, at: &Place) {
        let forbidden = |c: &char| !part.contains("..") && safe_characters(&c.to_string()) == "_" && *c != '_';
        let safe = RelPath::from_part(part);
        let why = match &safe {
            Some(safe) if safe.as_str() == part => return,
            _ if part.is_empty() => "it has a part without a name".to_string(),
            None => format!("`{part}` is no name"),
            Some(_) => match part.chars().find(forbidden) {
                Some(c) => format!("a name cannot have a {c:?} in it on every system"),
                None if part.trim() != part || part.ends_with('.') => {
                    "a name cannot start or end with a space, or end with a dot, on every system".to_string()
                }
                None => format!("`{part}` cannot be a name on every system"),
            },
        };
        self.error(at, format!("{}: {why}", quoted(template.source())));
    }
}

/// The template with an `x` for every token: what stands in it literally.
fn shape(template: &Template) -> String {
    template.text(&|_| Some("x".into()), &mut Vec::new())
}

/// A format is tried on a day; what a day cannot answer, no job can. One without `%` is made of `YYYY`, `YY`, `MM`, `DD`.
fn wrong_date_format(token: &Token) -> Option<String> {
    let format = token.format.as_deref()?;
    let fine = if format.contains('%') {
        jiff::fmt::strtime::format(format, jiff::civil::date(2026, 11, 20)).is_ok()
    } else {
        let rest =
            ["YYYY", "yyyy", "YY", "yy", "MM", "DD", "dd"].iter().fold(format.to_string(), |t, w| t.replace(w, ""));
        rest.len() < format.len() && !rest.contains(char::is_alphanumeric)
    };
    (!fine).then(|| format!("`{token}`: `{format}` is no form of a date; write one such as `YYYY-MM-DD`"))
}
