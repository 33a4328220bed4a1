//! What an operator is told of the hot folders: `hotfolders status` and the dashboard.

use std::path::PathBuf;

use jiff::Timestamp;
use serde::Serialize;

/// Most manifests, and most names, that one hot folder lists; the rest is counted.
pub(super) const LISTED_MAX: usize = 100;
/// Most missing pictures that are listed of one manifest.
pub(super) const MISSING_MAX: usize = 20;

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FolderState {
    pub name: String,
    pub path: PathBuf,
    pub mode: Mode,
    /// The oldest first.
    pub waiting: Vec<WaitingManifest>,
    /// How many more wait.
    pub waiting_more: usize,
    /// Files that no waiting manifest names and that have settled, the oldest first: somebody may have forgotten them.
    pub unnamed: Vec<Unnamed>,
    pub unnamed_more: usize,
    /// What lies there and is never taken (links, pipes), and why.
    pub never: Vec<String>,
    /// What could not be done, for as long as it lasts.
    pub problems: Vec<String>,
    pub problems_more: usize,
    /// Those of single drops, the oldest first.
    #[serde(skip)]
    pub troubles: Vec<DropTrouble>,
}

/// Why a drop that is whole is not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DropTrouble {
    /// Below the hot folder.
    pub name: String,
    /// The rest of a sentence that begins with the name.
    pub why: String,
    pub since: Timestamp,
}

/// How drops are noticed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "mode", rename_all = "snake_case")]
pub enum Mode {
    Events,
    Polling { reason: String },
    Unreachable { since: Timestamp, reason: String },
}

/// A file that nothing is made of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Unnamed {
    /// Below the hot folder.
    pub name: String,
    /// Since when it has lain there.
    pub since: Timestamp,
}

/// A manifest, or a drop without one, that has not been accepted yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WaitingManifest {
    /// Below the hot folder.
    pub name: String,
    /// When it was first seen.
    pub since: Timestamp,
    /// Pictures that are not there yet.
    pub missing: Vec<String>,
    pub missing_more: usize,
    /// In words.
    pub why: String,
}

/// A list that was cut, and how much is left.
pub(super) fn cut<T>(mut list: Vec<T>, most: usize) -> (Vec<T>, usize) {
    let more = list.len().saturating_sub(most);
    list.truncate(most);
    (list, more)
}
