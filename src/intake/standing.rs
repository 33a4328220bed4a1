//! Sub-folders of a hot folder that are there for good, and not for one order.
//!
//! Owns: an order's own folder goes with its content, and one that an app made once and writes to again and again stays.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use super::listing::Listing;

/// What the looks have shown of sub-folders.
#[derive(Debug, Default)]
pub(super) struct Standing {
    /// With nothing in them, and since when.
    empty: HashMap<String, Instant>,
    /// They stood empty for a while before something came.
    kept: HashSet<String>,
}

impl Standing {
    /// A folder that is made for one order is filled at once. Whoever made one that is empty for the whole of `settle` may
    /// write to it any time, and not make it again.
    pub(super) fn note(&mut self, listing: &Listing, settle: Duration, now: Instant) {
        let mut filled: HashSet<&str> = HashSet::new();
        for file in listing.files.iter().chain(&listing.passing).chain(&listing.claims) {
            let mut folder = file.folder();
            while !folder.is_empty() && filled.insert(folder) {
                folder = folder.rsplit_once('/').map_or("", |(above, _)| above);
            }
        }
        let is_there: HashSet<&str> = listing.folders.iter().map(String::as_str).collect();
        self.kept.retain(|folder| is_there.contains(folder.as_str()));
        self.empty.retain(|folder, _| is_there.contains(folder.as_str()) && !filled.contains(folder.as_str()));
        for folder in listing.folders.iter().filter(|folder| !filled.contains(folder.as_str())) {
            let since = *self.empty.entry(folder.clone()).or_insert(now);
            if now >= since + settle && now > since {
                self.kept.insert(folder.clone());
            }
        }
    }

    /// `folder` is below the hot folder.
    pub(super) fn keeps(&self, folder: &str) -> bool {
        self.kept.contains(folder)
    }
}
