//! The files of the config that a job uses: ICC profiles, artwork, fonts, by digest.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use crate::plan::frozen::Frozen;
use crate::render::Assets;

/// Read from where the digests lead to when they are first asked for, and kept: every picture of a job asks again.
#[derive(Debug, Default)]
pub struct JobAssets {
    files: BTreeMap<String, PathBuf>,
    /// Where the spool keeps them.
    folder: Option<PathBuf>,
    read: Mutex<BTreeMap<String, Option<Arc<[u8]>>>>,
}

impl JobAssets {
    /// Of a job: the spool keeps them, whatever becomes of the config's files.
    pub fn kept(folder: PathBuf) -> JobAssets {
        JobAssets { folder: Some(folder), ..JobAssets::default() }
    }

    /// Where there is no job: the config's files as they are.
    pub fn of_config(frozen: &Frozen) -> JobAssets {
        let files = frozen.assets.iter().map(|a| (a.sha256.clone(), a.path.clone())).collect();
        JobAssets { files, ..JobAssets::default() }
    }

    fn path(&self, digest: &str) -> Option<PathBuf> {
        let is_digest = digest.len() == 64 && digest.bytes().all(|b| b.is_ascii_hexdigit());
        match &self.folder {
            Some(folder) => is_digest.then(|| folder.join(digest)),
            None => self.files.get(digest).cloned(),
        }
    }
}

impl Assets for JobAssets {
    fn get(&self, digest: &str) -> Option<Arc<[u8]>> {
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        let load = || self.path(digest).and_then(|path| std::fs::read(path).ok()).map(Into::into);
        read.entry(digest.to_string()).or_insert_with(load).clone()
    }
}
