//! What a delivery has at its destination under names of its own, until it is published.
//!
//! All of it lies in one folder, `.hf-<job>-<step>.part`, in the folder that it will be published in, so that one name
//! is all that recovery and cancel have to look for. An earlier disc that is being replaced waits in
//! `.hf-<job>-<step>.old` under its own name, so that it can always be put back.

use std::io::Write as _;
use std::path::Path;

use super::content::{Source, Written};
use super::error::DeliverError;
use super::place;
use crate::model::digest;
use crate::model::name::RelPath;
use crate::plan::StepId;
use crate::spool::durable::{DurableError, Folder, Found};

/// The two names of a job's step.
#[derive(Debug, Clone)]
pub(super) struct Names {
    pub(super) part: String,
    pub(super) old: String,
}

impl Names {
    pub(super) fn new(job: &str, step: &StepId) -> Names {
        Names { part: format!(".hf-{job}-{step}.part"), old: format!(".hf-{job}-{step}.old") }
    }

    /// A new, empty staging folder; what an earlier try left is removed.
    pub(super) fn fresh(&self, above: &Folder) -> Result<Part, DeliverError> {
        above.remove(&self.part)?;
        Ok(Part { folder: above.make_new(&self.part)?, above: above.again()?, names: self.clone() })
    }

    /// Removes what is ours from a folder; an earlier disc that was not yet replaced gets its name back.
    pub(super) fn clean(&self, folder: &Folder) -> Result<(), DeliverError> {
        let put_back = self.put_back(folder)?;
        if folder.remove(&self.part)? || put_back {
            folder.sync()?;
        }
        Ok(())
    }

    /// After a crash between the two renames of a replacement, the earlier disc gets its name back; when the new one
    /// has it, the earlier one is removed. Says whether there was anything.
    pub(super) fn put_back(&self, folder: &Folder) -> Result<bool, DeliverError> {
        if folder.look(&self.old)? == Found::Nothing {
            return Ok(false);
        }
        let old = folder.folder(&self.old)?;
        for name in old.names()? {
            match old.publish(&name, folder, &name) {
                Err(e) if e.already_exists() => {}
                other => other?,
            }
        }
        folder.sync()?;
        Ok(folder.remove(&self.old)?)
    }
}

/// A staging folder.
pub(super) struct Part {
    pub(super) folder: Folder,
    /// Where it lies.
    pub(super) above: Folder,
    pub(super) names: Names,
}

impl Part {
    /// The caller syncs `above`: one sync makes this durable and what was published there.
    pub(super) fn remove(&self) -> Result<(), DeliverError> {
        self.above.remove(&self.names.part)?;
        Ok(())
    }
}

/// Copies a member into a staging folder, hashing, onto the disk.
pub(super) fn copy(source: &Source, folder: &Folder, name: &str) -> Result<Written, DeliverError> {
    let mut staged = folder.create(name)?;
    let written = source.copy(&mut staged, &folder.join(name))?;
    staged.finish()?;
    Ok(written)
}

/// A small file of our own making.
pub(super) fn write(text: &[u8], folder: &Folder, name: &str) -> Result<Written, DeliverError> {
    let mut staged = folder.create(name)?;
    staged.write_all(text).map_err(|e| DurableError::new("write", &folder.join(name), e))?;
    staged.finish()?;
    Ok(Written { sha256: digest::sha256(text), bytes: text.len() as u64 })
}

/// A folder that is built with all that is in it, to be published in one rename.
pub(super) struct Tree<'f> {
    root: &'f Folder,
    /// Every folder of it, to be synced before it is published.
    inner: Vec<RelPath>,
}

impl<'f> Tree<'f> {
    pub(super) fn new(root: &'f Folder) -> Tree<'f> {
        Tree { root, inner: Vec::new() }
    }

    pub(super) fn copy(&mut self, source: &Source, path: &RelPath) -> Result<Written, DeliverError> {
        let folder = self.folder(path.parent())?;
        copy(source, &folder, path.file_name())
    }

    pub(super) fn write(&mut self, text: &[u8], path: &RelPath) -> Result<Written, DeliverError> {
        let folder = self.folder(path.parent())?;
        write(text, &folder, path.file_name())
    }

    fn folder(&mut self, path: Option<RelPath>) -> Result<Folder, DeliverError> {
        let Some(path) = path else { return Ok(self.root.again()?) };
        if self.inner.contains(&path) {
            return place::find(self.root, Some(&path))?.ok_or_else(|| vanished(self.root.path(), &path));
        }
        let above = self.folder(path.parent())?;
        // Two members may write one folder's name in different case, which some file systems take for one.
        let made = match above.make_new(path.file_name()) {
            Err(e) if e.already_exists() => above.folder(path.file_name())?,
            other => other?,
        };
        self.inner.push(path);
        Ok(made)
    }

    pub(super) fn sync(&self) -> Result<(), DeliverError> {
        for path in self.inner.iter().rev() {
            place::find(self.root, Some(path))?.ok_or_else(|| vanished(self.root.path(), path))?.sync()?;
        }
        Ok(self.root.sync()?)
    }
}

fn vanished(root: &Path, path: &RelPath) -> DeliverError {
    DeliverError::Unreachable(format!("{} was removed while it was being written", path.below(root).display()))
}
