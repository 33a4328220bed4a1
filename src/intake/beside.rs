//! A manifest that is not dropped yet: whether a hot folder would take it, and which pictures beside it.
//!
//! Owns: what is said beforehand is what the intake does, because the same code says it. Only looks.

use std::io;
use std::path::{Path, PathBuf};

use super::judge::location_elsewhere;
use super::pictures::{Named, Presence, Tree};
use super::{listing, names, pictures};
use crate::model::config::{Config, HotFolder};
use crate::model::manifest::{Image, Manifest};
use crate::model::name::{RelPath, quoted};

/// The pictures of a manifest, as they lie beside it.
#[derive(Debug)]
pub struct Beside {
    named: Vec<(Named, Result<Lying, String>)>,
}

/// A picture that lies there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lying {
    /// Its name in a job's `inputs/`.
    pub input: RelPath,
    pub file: PathBuf,
    /// Below the manifest's folder, `/` between its parts.
    pub below: String,
}

impl Beside {
    /// Looks for the pictures in the manifest's folder as a hot folder would.
    pub fn find(manifest: &Manifest, folder: &Path, config: &Config) -> io::Result<Beside> {
        let named = pictures::named(manifest);
        let listing = listing::list(folder, named.iter().any(Named::is_deep))?;
        let tree = Tree::new(&listing, config);
        let found = |named: Named| {
            let lying = match tree.find("", &named) {
                Presence::There(file, input) => Ok(Lying { input, file: file.path.clone(), below: file.below.clone() }),
                Presence::Missing => Err(format!("{} does not lie beside the manifest", named.label)),
                Presence::Unclear(why) => Err(why),
            };
            (named, lying)
        };
        Ok(Beside { named: named.into_iter().map(found).collect() })
    }

    pub fn lying(&self) -> impl Iterator<Item = &Lying> {
        self.named.iter().filter_map(|(_, lying)| lying.as_ref().ok())
    }

    /// What does not lie there, and why.
    pub fn missing(&self) -> impl Iterator<Item = &str> {
        self.named.iter().filter_map(|(_, lying)| lying.as_ref().err().map(String::as_str))
    }

    pub fn of(&self, image: &Image) -> Option<&Lying> {
        self.named.iter().find(|(named, _)| named.is_of(image)).and_then(|(_, lying)| lying.as_ref().ok())
    }
}

/// Why a file of this name would lie in a hot folder for ever; `None` where it is taken for a manifest.
pub fn why_never_taken(name: &str, hot_folder: &HotFolder) -> Option<String> {
    let shown = quoted(name);
    if names::is_ignored(name) {
        return Some(format!(
            "{shown} is a name that programs use for unfinished files, and hot folders pass it over: rename it"
        ));
    }
    if hot_folder.done_file && names::is_done_file(name) {
        return Some(format!("{shown} is the name of a file that says that another one is whole: rename it"));
    }
    (!hot_folder.match_.matches(name)).then(|| {
        let takes = hot_folder.match_.written().join(", ");
        format!("{shown} is no manifest for hot folder {}, whose `match` takes {takes}: rename it", hot_folder.name)
    })
}

/// Why this server leaves a manifest to another one.
pub fn why_elsewhere(manifest: &Manifest, hot_folder: &HotFolder, config: &Config) -> Option<String> {
    location_elsewhere(manifest.location.as_deref(), hot_folder, config)
}

/// The name of the file that says that a manifest is whole, in hot folders with `done_file`.
pub fn done_file(manifest: &str) -> String {
    format!("{manifest}{}", names::DONE)
}
