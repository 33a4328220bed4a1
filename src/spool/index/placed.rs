//! What earlier jobs of a record put where, also when the studio's folder was moved since.

use std::collections::HashMap;
use std::ffi::OsString;
use std::path::{Component, Path, PathBuf};

use super::{Index, IndexedFile, record_key};
use crate::model::manifest::Kind;
use crate::spool::queue::SpoolError;

/// What the jobs of one record left: by owner and file name, the newest last.
#[derive(Debug)]
pub(super) struct Placed {
    record: u64,
    files: HashMap<(String, OsString), Vec<IndexedFile>>,
}

impl Index {
    /// What a run of this record and owner put at a path. For a destination that is relative to the config
    /// file, `home` is the file's folder: what was put at the same place below another one is known too, because the
    /// studio's folder may have been moved since.
    pub fn earlier(
        &mut self,
        kind: Option<Kind>,
        record: &str,
        owner: &str,
        path: &Path,
        home: Option<&Path>,
    ) -> Result<Option<IndexedFile>, SpoolError> {
        let key = record_key(kind, record);
        let name = |path: &Path| path.file_name().unwrap_or_default().to_os_string();
        if self.placed.as_ref().is_none_or(|placed| placed.record != key) {
            let mut files: HashMap<_, Vec<_>> = HashMap::new();
            for line in self.of_record(kind, record)? {
                for file in line.placed {
                    files.entry((file.owner.clone(), name(&file.path))).or_default().push(file);
                }
            }
            self.placed = Some(Placed { record: key, files });
        }
        let wanted = (owner.to_string(), name(path));
        let Some(files) = self.placed.as_ref().and_then(|placed| placed.files.get(&wanted)) else { return Ok(None) };
        let newest = |is_it: &dyn Fn(&Path) -> bool| files.iter().rev().find(|file| is_it(&file.path)).cloned();
        let below = home.and_then(|home| Some((home, path.strip_prefix(home).ok()?)));
        let moved = || below.and_then(|(home, below)| newest(&|at| !at.starts_with(home) && at.ends_with(below)));
        Ok(newest(&|at| at == path).or_else(moved))
    }
}

/// Where a file lies now that lay elsewhere when the studio's folder was another one: below `home`, at the longest end of
/// its path at which something lies.
pub fn moved_along(home: &Path, path: &Path) -> Option<PathBuf> {
    if path.starts_with(home) {
        return None;
    }
    let mut rest = path.components();
    rest.find(|part| matches!(part, Component::RootDir))?;
    loop {
        let below = rest.as_path();
        if below.as_os_str().is_empty() {
            return None;
        }
        let at = home.join(below);
        if at.symlink_metadata().is_ok() {
            return Some(at);
        }
        rest.next();
    }
}
