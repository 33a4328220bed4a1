//! What an order consists of: pictures and one text.
//!
//! Owns: the digest of an order is known before its first byte is written, and an order that does not read back so is
//! not handed over.

use super::super::content::{self, Source, Written};
use super::super::error::DeliverError;
use super::super::staging::Tree;
use crate::model::digest::sha256;
use crate::model::name::RelPath;
use crate::spool::durable::{Folder, Found};

pub(super) struct Parcel<'s> {
    pub(super) pictures: Vec<(RelPath, &'s Source)>,
    pub(super) text: (RelPath, Vec<u8>),
}

impl Parcel<'_> {
    /// The digest of its listing, with the empty files of these names in it.
    pub(super) fn digest(&self, empty: &[&str]) -> Written {
        let (mut lines, mut bytes) = (Vec::new(), 0);
        for (path, source) in &self.pictures {
            if let Source::Output { bytes: size, sha256, .. } = source {
                lines.push(content::listed(sha256, path.as_str()));
                bytes += size;
            }
        }
        let (path, text) = &self.text;
        lines.push(content::listed(&sha256(text), path.as_str()));
        lines.extend(empty.iter().map(|name| content::listed(&sha256(b""), name)));
        Written { sha256: content::digest_listing(lines), bytes: bytes + text.len() as u64 }
    }

    /// Writes it into an empty folder, onto the disk, and reads it once more: a print cannot be taken back.
    pub(super) fn build(&self, folder: &Folder) -> Result<(), DeliverError> {
        let mut tree = Tree::new(folder);
        for (path, source) in &self.pictures {
            tree.copy(source, path)?;
        }
        tree.write(&self.text.1, &self.text.0)?;
        tree.sync()?;
        if content::digest_tree(folder)? != self.digest(&[]) {
            return Err(DeliverError::Unreachable(format!(
                "what was written to {} reads back differently: its disk, share or cable needs a look",
                folder.path().display()
            )));
        }
        Ok(())
    }

    /// Whether a folder is just this.
    pub(super) fn stands(&self, above: &Folder, name: &str) -> Result<bool, DeliverError> {
        if above.look(name)? != Found::Folder {
            return Ok(false);
        }
        Ok(content::digest_tree(&above.folder(name)?)? == self.digest(&[]))
    }
}
