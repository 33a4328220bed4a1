//! The content of one folder of the library, as far as it can be a picture or lead to one.
//!
//! Owns: a symbolic link counts only where it leads below a root of the library, and is resolved then.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::path::{Path, PathBuf};

use super::super::names;
use crate::model::name::fold;

/// Most entries that are read of one folder.
const ENTRIES_MAX: usize = 500_000;

#[derive(Debug, Default)]
pub(super) struct Shelf {
    /// Files of the library's types.
    pub(super) files: Vec<Shelved>,
    /// Where a link leads, for folders that are one.
    folders: BTreeMap<String, Option<PathBuf>>,
    by_stem: HashMap<String, Vec<usize>>,
}

#[derive(Debug)]
pub(super) struct Shelved {
    pub(super) name: String,
    /// The name as names are compared.
    pub(super) folded: String,
    /// `folded` without its extension.
    pub(super) stem: String,
    /// Of its type in the library's order of preference.
    pub(super) rank: usize,
    /// Where a link leads.
    pub(super) target: Option<PathBuf>,
}

impl Shelf {
    pub(super) fn read(folder: &Path, types: &[String], resolved_roots: &[PathBuf]) -> io::Result<Shelf> {
        let mut shelf = Shelf::default();
        for entry in std::fs::read_dir(folder)?.take(ENTRIES_MAX) {
            let entry = entry?;
            let Ok(name) = entry.file_name().into_string() else { continue };
            let mut kind = entry.file_type()?;
            let mut target = None;
            if kind.is_symlink() {
                let Ok(resolved) = entry.path().canonicalize() else { continue };
                if !resolved_roots.iter().any(|root| resolved.starts_with(root)) {
                    continue;
                }
                let Ok(metadata) = resolved.symlink_metadata() else { continue };
                kind = metadata.file_type();
                target = Some(resolved);
            }
            if kind.is_dir() && !names::is_ignored_folder(&name) {
                shelf.folders.insert(name, target);
            } else if kind.is_file() && !names::is_ignored(&name) {
                shelf.add(name, target, types);
            }
        }
        Ok(shelf)
    }

    fn add(&mut self, name: String, target: Option<PathBuf>, types: &[String]) {
        let Some(rank) = names::extension(&name).and_then(|e| types.iter().position(|t| *t == e)) else { return };
        let folded = fold(&name);
        let stem = names::stem(&folded).to_string();
        self.by_stem.entry(stem.clone()).or_default().push(self.files.len());
        self.files.push(Shelved { name, folded, stem, rank, target });
    }

    /// `None`: there is no such folder. `Some(Some(_))`: it is a link that leads there.
    pub(super) fn folder(&self, name: &str) -> Option<&Option<PathBuf>> {
        self.folders.get(name)
    }

    pub(super) fn folders(&self) -> impl Iterator<Item = &str> {
        self.folders.keys().map(String::as_str)
    }

    /// Files of a folded stem.
    pub(super) fn of_stem(&self, stem: &str) -> &[usize] {
        self.by_stem.get(stem).map_or(&[], Vec::as_slice)
    }
}
