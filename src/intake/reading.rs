//! What is in a settled file that is named like a manifest.
//!
//! Owns: a text is read once for each stamp, not at each look; every file comes to an answer, also one that is no
//! manifest at all.

use std::sync::Arc;

use super::listing::Dropped;
use super::pictures::Named;
use super::same::{self, NotRead};
use crate::model::digest;
use crate::model::limits::{MANIFEST_MAX_BYTES, SOURCE_MAX_BYTES};
use crate::model::manifest::{self, Kind, Manifest, ManifestError};
use crate::model::name::quoted;
use crate::model::units::show_bytes;
use crate::spool::job::Stamp;

/// A file that was read.
#[derive(Debug)]
pub(super) struct Reading {
    pub(super) stamp: Stamp,
    /// Of the whole file; empty for one so large that it is no manifest by any measure.
    pub(super) sha256: String,
    pub(super) content: Content,
    /// The pictures that it names, when they are to lie with it.
    pub(super) named: Vec<Named>,
    /// Profiles run, so its pictures matter.
    pub(super) runs: bool,
    /// It makes a finished job again.
    pub(super) is_reprint: bool,
    /// It was read before it had settled, to know which pictures it names; it is read again.
    pub(super) early: bool,
    /// It is another server's: of a location that this one does not take.
    pub(super) elsewhere: Option<String>,
    /// Whose it is, also while the manifest itself is not kept.
    pub(super) of: Option<(Kind, String)>,
}

#[derive(Debug)]
pub(super) enum Content {
    /// `None` after it was dropped to save memory.
    Whole(Option<Arc<Manifest>>),
    /// The text ends too early: it may still be growing. All problems, and the record it seems to be.
    CutOff(Unreadable),
    Wrong(Unreadable),
}

/// Why a text is no manifest, and whose it seems to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Unreadable {
    pub(super) why: String,
    pub(super) record: Option<String>,
}

/// Reads a file that has just been looked at.
pub(super) fn read(file: &Dropped) -> Result<Reading, NotRead> {
    let done = |sha256, content| Reading {
        stamp: file.stamp,
        sha256,
        content,
        named: Vec::new(),
        runs: false,
        is_reprint: false,
        early: false,
        elsewhere: None,
        of: None,
    };
    if file.stamp.bytes > MANIFEST_MAX_BYTES {
        let (size, most) = (show_bytes(file.stamp.bytes), show_bytes(MANIFEST_MAX_BYTES));
        let why = format!("{}: error: the file has {size}; a manifest has at most {most}\n", quoted(&file.below));
        // Bounded: nobody compares the digest of what is larger, and the scanner must not stand still for it.
        let sha256 =
            if file.stamp.bytes > SOURCE_MAX_BYTES { String::new() } else { same::sha256(&file.path, &file.stamp)? };
        return Ok(done(sha256, Content::Wrong(Unreadable { why, record: None })));
    }
    let bytes = same::read(&file.path, &file.stamp)?;
    let unreadable = |why: String| {
        let record = manifest::guess_record(&bytes).map(|(_, record)| record);
        Unreadable { why, record }
    };
    let content = match manifest::read(&bytes, file.name()) {
        Ok(read) => Content::Whole(Some(Arc::new(read.manifest))),
        Err(ManifestError::CutOff(why)) => Content::CutOff(unreadable(why)),
        Err(ManifestError::Invalid(why)) => Content::Wrong(unreadable(why)),
    };
    Ok(done(digest::sha256(&bytes), content))
}

impl Reading {
    /// The manifest, read again when it had been dropped; `None` when the file is another one by now.
    pub(super) fn manifest(&mut self, file: &Dropped) -> Result<Option<Arc<Manifest>>, NotRead> {
        if let Content::Whole(kept @ None) = &mut self.content {
            match read(file)? {
                Reading { sha256, content: Content::Whole(again), .. } if sha256 == self.sha256 => *kept = again,
                _ => return Err(NotRead::Changed),
            }
        }
        match &self.content {
            Content::Whole(manifest) => Ok(manifest.clone()),
            Content::CutOff(_) | Content::Wrong(_) => Ok(None),
        }
    }

    /// Lets go of the manifest; [`Reading::manifest`] brings it back.
    pub(super) fn drop_manifest(&mut self) {
        if let Content::Whole(manifest) = &mut self.content {
            *manifest = None;
        }
    }
}
