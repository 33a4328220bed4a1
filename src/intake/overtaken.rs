//! Manifests that still wait for their pictures when a later one of the record takes the order back, or corrects it.
//!
//! Owns: what came first is not made after what came later has undone it. It is taken at once, alone, and ends as
//! cancelled; its pictures stay where they lie.

use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;

use super::Matcher;
use super::folder::Folder;
use super::judge::Ready;
use super::listing::Dropped;
use super::names;
use super::waiting::Waiting;
use crate::model::config::HotFolder;
use crate::model::manifest::{Action, Manifest};
use crate::spool::job::Stamp;

/// A manifest that is about to be accepted.
pub(super) struct Newer {
    manifest: Arc<Manifest>,
    hot_folder: HotFolder,
    name: String,
    came: Came,
}

/// In which order manifests come: when a look first showed them, then by their own times.
type Came = (Timestamp, i128);

fn came(waiting: &Waiting) -> Came {
    (waiting.first, waiting.stamp.modified_ns)
}

impl Folder {
    /// Of what is ready in this folder, those that may make others needless.
    pub(super) fn newer(&self, ready: &[Ready]) -> Vec<Newer> {
        let newer = |ready: &Ready| {
            Some(Newer {
                manifest: Arc::clone(ready.manifest.as_ref()?),
                hot_folder: self.settings.clone(),
                name: ready.below.clone(),
                came: came(self.waiting.get(&ready.path)?),
            })
        };
        ready.iter().filter_map(newer).filter(|newer| newer.manifest.action != Action::Reprint).collect()
    }

    /// Those that wait here and are made needless; what is `ready` itself becomes a job as it is, and the queue decides.
    pub(super) fn overtaken(&mut self, by: &[Newer], ready: &[Ready], matcher: &dyn Matcher) -> Vec<Ready> {
        let mut overtaken = Vec::new();
        let hot_folder = &self.settings;
        let waits = |path: &Path, waiting: &Waiting| {
            waiting.waits_for_pictures() && !ready.iter().any(|ready| ready.path == *path)
        };
        for (path, waiting) in self.waiting.iter_mut().filter(|(path, waiting)| waits(path, waiting)) {
            let came = came(waiting);
            let is_of = |newer: &&Newer| {
                let named = waiting.reading.as_ref().and_then(|reading| reading.of.as_ref());
                named.is_some_and(|(kind, record)| *kind == newer.manifest.kind && *record == newer.manifest.record)
            };
            let Some(newer) = by.iter().filter(|newer| newer.came > came).find(is_of) else { continue };
            if let Some((manifest, why)) = undone(waiting, path, hot_folder, newer, matcher) {
                let mut ready = alone(path, hot_folder, waiting, manifest);
                ready.overtaken = Some(why);
                overtaken.push((came, ready));
            }
        }
        overtaken.sort_by_key(|(came, _)| *came);
        overtaken.into_iter().map(|(_, ready)| ready).collect()
    }
}

/// Why it is not made any more.
fn undone(
    waiting: &mut Waiting,
    path: &Path,
    hot_folder: &HotFolder,
    newer: &Newer,
    matcher: &dyn Matcher,
) -> Option<(Arc<Manifest>, String)> {
    let file =
        Dropped { path: path.to_path_buf(), below: below(path, hot_folder), stamp: waiting.stamp, entered: None };
    // One that cannot be read just now is not taken either; it is asked about again when it is ready itself.
    let manifest = waiting.reading.as_mut()?.manifest(&file).ok()??;
    let why = if newer.manifest.action == Action::Cancel {
        format!("cancelled by {}, a manifest with `action: cancel`, while it still waited for pictures", newer.name)
    } else if matcher.replaces((&newer.manifest, &newer.hot_folder), (&manifest, hot_folder)) {
        format!("{} of the same record came later and replaces this one, which still waited for pictures", newer.name)
    } else {
        return None;
    };
    Some((manifest, why))
}

fn below(path: &Path, hot_folder: &HotFolder) -> String {
    path.strip_prefix(&hot_folder.folder).unwrap_or(path).to_string_lossy().replace('\\', "/")
}

fn alone(path: &Path, hot_folder: &HotFolder, waiting: &Waiting, manifest: Arc<Manifest>) -> Ready {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let done = path.with_file_name(format!("{name}{}", names::DONE));
    let done_file = hot_folder.done_file.then(|| Stamp::of(&done).ok()).flatten().map(|stamp| (done, stamp));
    Ready {
        path: path.to_path_buf(),
        below: below(path, hot_folder),
        stamp: waiting.stamp,
        sha256: waiting.reading.as_ref().map(|reading| reading.sha256.clone()).unwrap_or_default(),
        manifest: Some(manifest),
        unreadable: None,
        text: None,
        pictures: Vec::new(),
        done_file,
        overtaken: None,
        left: Vec::new(),
    }
}
