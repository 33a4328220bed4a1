//! The bytes of a member, and the digests of what stands at a destination.
//!
//! Owns: every byte that leaves is hashed on its way, and an output that no longer has its journaled digest never gets
//! further than a temporary name.
//!
//! Bytes are copied, never hard-linked: a destination must own its bytes, or whoever edits a delivered file in place
//! would change our output, which the digests and a retry rely on. A reflink would keep them apart, but every byte is
//! read for its digest anyway, so it would save only part of the work on the few file systems that know it.

use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use super::error::DeliverError;
use crate::model::digest::{Hasher, sha256};
use crate::plan::{Content, Member};
use crate::spool::durable::{Done, DurableError, Folder, Found};
use crate::spool::journal::{Progress, RenderedFile};

const BUFFER_BYTES: usize = 1 << 20;

/// What viewers of folders leave behind; it does not make a disc's folder somebody else's.
const LEFT_BY_VIEWERS: &[&str] = &[".DS_Store", "Thumbs.db", "desktop.ini"];

/// Where a member's bytes are.
#[derive(Debug, Clone)]
pub(super) enum Source {
    Output { path: PathBuf, bytes: u64, sha256: String },
    Extra(PathBuf),
}

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Written {
    pub(super) sha256: String,
    pub(super) bytes: u64,
}

/// `None` as long as its step is not rendered.
pub(super) fn source(outputs: &Path, member: &Member, progress: &Progress) -> Option<Source> {
    match &member.content {
        Content::File(path) => Some(Source::Extra(path.clone())),
        Content::Step(step) => progress.rendered.get(step).map(|output| rendered(outputs, output)),
    }
}

pub(super) fn rendered(outputs: &Path, output: &RenderedFile) -> Source {
    Source::Output { path: output.file.below(outputs), bytes: output.bytes, sha256: output.sha256.clone() }
}

impl Source {
    pub(super) fn path(&self) -> &Path {
        match self {
            Source::Output { path, .. } | Source::Extra(path) => path,
        }
    }

    /// How many bytes it has; of an extra file, now.
    pub(super) fn bytes(&self) -> Result<u64, DeliverError> {
        match self {
            Source::Output { bytes, .. } => Ok(*bytes),
            Source::Extra(path) => match std::fs::metadata(path) {
                Ok(metadata) if metadata.is_file() => Ok(metadata.len()),
                Ok(_) => Err(DeliverError::Unreachable(format!(
                    "the extra file {} is not a file: put it there, or change the delivery",
                    path.display()
                ))),
                Err(e) => Err(self.unreadable(e)),
            },
        }
    }

    fn unreadable(&self, error: std::io::Error) -> DeliverError {
        let gone = error.kind() == std::io::ErrorKind::NotFound;
        match self {
            Source::Output { path, .. } if gone => DeliverError::Damaged(format!(
                "the rendered picture {} is gone: it must be rendered again",
                path.display()
            )),
            Source::Extra(path) if gone => DeliverError::Unreachable(format!(
                "the extra file {} is not there: put it there, or take it out of the delivery",
                path.display()
            )),
            Source::Output { path, .. } | Source::Extra(path) => DurableError::new("read", path, error).into(),
        }
    }

    /// Copies it, hashing; `to_path` is for messages.
    pub(super) fn copy(&self, to: &mut dyn Write, to_path: &Path) -> Result<Written, DeliverError> {
        // Of an extra file this also makes sure that opening it does not wait for the writer of a pipe.
        let expected_bytes = self.bytes()?;
        let mut from = File::open(self.path()).map_err(|e| self.unreadable(e))?;
        let written = pump(
            &mut from,
            expected_bytes,
            |bytes| to.write_all(bytes).map_err(|e| DurableError::new("write", to_path, e).into()),
            |e| self.unreadable(e),
        )?;
        match self {
            Source::Output { path, bytes, sha256 } if written.bytes != *bytes || written.sha256 != *sha256 => {
                Err(DeliverError::Damaged(format!(
                    "the rendered picture {} is no longer what was rendered (its digest changed): it must be rendered \
                     again, and the disk of the spool looked at",
                    path.display()
                )))
            }
            Source::Extra(path) if written.bytes != expected_bytes => {
                Err(DeliverError::Unreachable(format!("the extra file {} is still being written", path.display())))
            }
            _ => Ok(written),
        }
    }
}

fn pump<E>(
    from: &mut dyn Read,
    expected_bytes: u64,
    mut give: impl FnMut(&[u8]) -> Result<(), E>,
    unreadable: impl Fn(std::io::Error) -> E,
) -> Result<Written, E> {
    // One byte more than expected, so that the end of a small file shows in the second read at once.
    let mut buffer = vec![0_u8; BUFFER_BYTES.min(expected_bytes as usize + 1)];
    let mut hasher = Hasher::default();
    let mut bytes = 0_u64;
    loop {
        match from.read(&mut buffer) {
            Ok(0) => return Ok(Written { sha256: hasher.finish(), bytes }),
            Ok(read) => {
                hasher.update(&buffer[..read]);
                bytes += read as u64;
                give(&buffer[..read])?;
            }
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
            Err(e) => return Err(unreadable(e)),
        }
    }
}

/// Hashes what is read to its end; `path` is for messages.
pub(super) fn digest(from: &mut dyn Read, path: &Path) -> Done<Written> {
    pump(from, BUFFER_BYTES as u64, |_| Ok(()), |e| DurableError::new("read", path, e))
}

/// Hashes a file that stands at a destination.
pub(super) fn digest_file(folder: &Folder, name: &str) -> Done<Written> {
    digest(&mut folder.read(name)?, &folder.join(name))
}

/// One line of a folder's listing.
pub(super) fn listed(sha256: &str, path: &str) -> String {
    format!("{sha256} {path}\n")
}

/// The digest of a folder is that of its sorted listing, which has a line for each file: digest, path.
pub(super) fn digest_listing(mut lines: Vec<String>) -> String {
    lines.sort_unstable();
    sha256(lines.concat().as_bytes())
}

/// Hashes a whole folder as it stands. Something that is neither file nor folder gets a line that no delivery has.
pub(super) fn digest_tree(folder: &Folder) -> Done<Written> {
    let (mut lines, mut bytes) = (Vec::new(), 0);
    list(folder, "", &mut lines, &mut bytes)?;
    Ok(Written { sha256: digest_listing(lines), bytes })
}

pub(super) fn is_left_by_viewer(name: &str) -> bool {
    LEFT_BY_VIEWERS.contains(&name)
}

fn list(folder: &Folder, above: &str, lines: &mut Vec<String>, bytes: &mut u64) -> Done {
    for name in folder.names()? {
        let shown = name.to_string_lossy();
        if is_left_by_viewer(&shown) {
            continue;
        }
        let path = format!("{above}{shown}");
        match folder.look(&name)? {
            Found::Nothing => {}
            Found::File { .. } => {
                let file = digest(&mut folder.read(&name)?, &folder.join(&name))?;
                *bytes += file.bytes;
                lines.push(listed(&file.sha256, &path));
            }
            Found::Folder => list(&folder.folder(&name)?, &format!("{path}/"), lines, bytes)?,
            Found::Other => lines.push(listed("other", &path)),
        }
    }
    Ok(())
}
