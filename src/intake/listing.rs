//! One look at a drop folder: its plain files, each with its stamp.
//!
//! Owns: symbolic links, pipes, sockets and devices are never taken and never followed; a look is bounded in depth and
//! number. Must not know what a manifest is.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::names;
use crate::spool::job::Stamp;

/// Deepest sub-folder that is looked into, counted from the hot folder.
const DEPTH_MAX: usize = 8;
/// Most entries of one look; what comes behind waits until some of it is gone.
const ENTRIES_MAX: usize = 200_000;

/// A plain file in a drop folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Dropped {
    pub(super) path: PathBuf,
    /// Below the hot folder, `/` between its parts.
    pub(super) below: String,
    pub(super) stamp: Stamp,
    /// When its entry was last written or renamed, by the clock of its disk, where the system says so.
    pub(super) entered: Option<Timestamp>,
}

impl Dropped {
    pub(super) fn name(&self) -> &str {
        self.below.rsplit_once('/').map_or(&self.below, |(_, name)| name)
    }

    /// Its folder below the hot folder; empty for the hot folder itself.
    pub(super) fn folder(&self) -> &str {
        self.below.rsplit_once('/').map_or("", |(folder, _)| folder)
    }
}

/// What a look found.
#[derive(Debug, Default)]
pub(super) struct Listing {
    /// Sorted by `below`.
    pub(super) files: Vec<Dropped>,
    /// Files that belong to earlier orders and cannot be removed.
    pub(super) earlier: Vec<Dropped>,
    /// Files under passing names: somebody is writing there. Only of deep looks.
    pub(super) passing: Vec<Dropped>,
    /// Sub-folders that were looked into. Only of deep looks.
    pub(super) folders: Vec<String>,
    /// Claims of drops, ours and other servers'.
    pub(super) claims: Vec<Dropped>,
    /// What lies there and is never taken, and why.
    pub(super) never: Vec<String>,
    /// Folders in the hot folder that this look did not see whole, and why.
    pub(super) partial: BTreeMap<String, String>,
    /// It did not come to the end.
    pub(super) is_cut: bool,
}

impl Listing {
    /// Something in a folder was not seen; `below` is its path.
    fn misses(&mut self, below: &str, why: String) {
        if let Some((folder, _)) = below.split_once('/') {
            self.partial.entry(folder.to_string()).or_insert(why);
        }
    }

    fn stops(&mut self, below: &str) {
        let why = format!("the hot folder holds more than {ENTRIES_MAX} entries, and this one was not seen whole");
        self.misses(&format!("{below}/"), why);
        self.is_cut = true;
    }
}

/// Lists a hot folder; with `deep` its sub-folders too. An error means that the folder itself cannot be read.
pub(super) fn list(root: &Path, deep: bool) -> io::Result<Listing> {
    // Asked first: walkdir would show a root that is no folder as one file.
    std::fs::read_dir(root)?;
    let depth = if deep { DEPTH_MAX + 1 } else { 1 };
    let mut listing = Listing::default();
    let walk = walkdir::WalkDir::new(root).min_depth(1).max_depth(depth).follow_links(false).into_iter();
    let walk = walk.filter_entry(|entry| {
        !entry.file_type().is_dir() || !names::is_ignored_folder(&entry.file_name().to_string_lossy())
    });
    for (number, entry) in walk.enumerate() {
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) if error.depth() == 0 => return Err(error.into()),
            Err(error) => {
                // What went between the listing and the look is of no interest; what cannot be read is.
                if error.io_error().is_some_and(|e| e.kind() != io::ErrorKind::NotFound) {
                    listing.never.push(format!("{error}"));
                    if let Some(below) = error.path().and_then(|path| below(root, path)) {
                        // Of a folder's own listing the folder is the path.
                        listing.misses(&format!("{below}/"), format!("a part of it cannot be read: {error}"));
                    }
                }
                continue;
            }
        };
        let Some(below) = below(root, entry.path()) else {
            listing.never.push(format!("{} (its name is not UTF-8)", entry.path().display()));
            continue;
        };
        if number >= ENTRIES_MAX {
            listing.stops(below.split_once('/').map_or(&below, |(folder, _)| folder));
            break;
        }
        let name = below.rsplit_once('/').map_or(below.as_str(), |(_, name)| name);
        if entry.file_type().is_dir() {
            if deep && entry.depth() == depth {
                listing.never.push(format!("{below}/ (nested deeper than {DEPTH_MAX} folders)"));
                listing.misses(&below, format!("{below} is nested deeper than {DEPTH_MAX} folders: move it up"));
            }
            listing.folders.push(below);
            continue;
        }
        if names::is_litter(name) {
            continue;
        }
        if names::is_ignored(name) {
            let (is_ours, is_claim) = (names::is_ours(name), names::claim_of(name).is_some());
            if (is_claim || (deep && !is_ours))
                && let Ok(metadata) = entry.metadata()
            {
                let list = if is_claim { &mut listing.claims } else { &mut listing.passing };
                list.push(dropped(entry, below, &metadata));
            }
            continue;
        }
        if entry.file_type().is_symlink() {
            listing.never.push(format!("{below} (a symbolic link)"));
            continue;
        }
        if !entry.file_type().is_file() {
            listing.never.push(format!("{below} (not a plain file)"));
            continue;
        }
        let Ok(metadata) = entry.metadata() else { continue };
        if metadata.is_file() {
            listing.files.push(dropped(entry, below, &metadata));
        }
    }
    listing.files.sort_by(|a, b| a.below.cmp(&b.below));
    listing.never.sort();
    Ok(listing)
}

fn dropped(entry: walkdir::DirEntry, below: String, metadata: &std::fs::Metadata) -> Dropped {
    #[cfg(unix)]
    let entered = {
        use std::os::unix::fs::MetadataExt as _;
        Timestamp::new(metadata.ctime(), i32::try_from(metadata.ctime_nsec()).unwrap_or(0)).ok()
    };
    #[cfg(not(unix))]
    let entered = metadata.created().ok().and_then(|at| Timestamp::try_from(at).ok());
    Dropped { stamp: Stamp::from_metadata(metadata), path: entry.into_path(), below, entered }
}

fn below(root: &Path, path: &Path) -> Option<String> {
    let parts: Option<Vec<&str>> = path.strip_prefix(root).ok()?.iter().map(|part| part.to_str()).collect();
    Some(parts?.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spool::durable;

    #[test]
    fn only_plain_files_are_listed() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path();
        durable::make_folder(&root.join("sub")).unwrap();
        durable::make_folder(&root.join("folder.json")).unwrap();
        durable::make_folder(&root.join(".hidden")).unwrap();
        for file in ["a.json", "sub/b.jpg", ".hidden/c.json", "x.tmp", "folder.json/d.jpg"] {
            durable::stage(&root.join(file), b"x").unwrap();
        }
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink(root.join("a.json"), root.join("link.json")).unwrap();
            std::os::unix::fs::symlink("/", root.join("deep")).unwrap();
            let mode = rustix::fs::Mode::from_raw_mode(0o600);
            rustix::fs::mknodat(rustix::fs::CWD, root.join("pipe.json"), rustix::fs::FileType::Fifo, mode, 0).unwrap();
            let _socket = std::os::unix::net::UnixListener::bind(root.join("socket.json")).unwrap();
            let listing = list(root, true).unwrap();
            assert_eq!(listing.never.len(), 4, "{:?}", listing.never);
        }
        let below = |deep| list(root, deep).unwrap().files.iter().map(|f| f.below.clone()).collect::<Vec<_>>();
        assert_eq!(below(true), ["a.json", "folder.json/d.jpg", "sub/b.jpg"]);
        assert_eq!(below(false), ["a.json"]);
    }

    #[test]
    fn a_folder_that_is_not_there_is_an_error() {
        let dir = tempfile::tempdir().unwrap();
        assert!(list(&dir.path().join("gone"), true).is_err());
        durable::stage(&dir.path().join("file"), b"").unwrap();
        assert!(list(&dir.path().join("file"), false).is_err());
    }
}
