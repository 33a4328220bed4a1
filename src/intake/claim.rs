//! The exclusive claim: of several servers that watch one hot folder, one takes a drop.
//!
//! Owns: before a drop becomes a job its first file, which is the manifest, is renamed to a name that says whose it is. A
//! rename succeeds for one of several servers, on every file system. A claim that came to nothing gets its name back, and
//! nothing is replaced by that.

use std::io::{ErrorKind, Read as _};
use std::path::{Path, PathBuf};

use super::clear::is_same;
use super::names;
use crate::spool::durable::{self, Done, DurableError};
use crate::spool::job::{self, JobFile, JobId, Stamp, Taken, file};
use crate::spool::places::Places;
use crate::spool::queue::{Spool, SpoolError};

/// How many names are tried for a file that cannot get its own back.
const NAMES_MAX: u32 = 99;
/// How much of a file is read to tell what it is.
const HEAD_BYTES: u64 = 512;

/// What became of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Claim {
    /// Not on disk until its folder is synced.
    Ours,
    /// Nothing may be renamed here. It is taken all the same: the folder may be one from which nothing can be removed.
    NotAllowed,
    /// Another server has it, or somebody took it away.
    Gone,
    /// It is not the file any more that was staged.
    Changed,
}

/// The name that the claim of a job stands under.
fn aside<'j>(spool: &str, job: &'j JobFile) -> Option<(PathBuf, &'j Taken)> {
    let first = job.taken.first()?;
    Some((first.from.with_file_name(names::aside(spool, &job.job, 0)), first))
}

pub(super) fn claim(spool: &str, job: &JobFile) -> Done<Claim> {
    let Some((aside, first)) = aside(spool, job) else { return Ok(Claim::Gone) };
    match durable::set_aside(&first.from, &aside) {
        // A share may lose its answer and ask again: what stands under our name is ours.
        Err(e) if e.is_not_found() && aside.symlink_metadata().is_err() => return Ok(Claim::Gone),
        Err(e) if e.is_not_found() => {}
        Err(e) if matches!(e.source.kind(), ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem) => {
            return Ok(Claim::NotAllowed);
        }
        other => other?,
    }
    match Stamp::of(&aside) {
        Ok(stamp) if is_same(&stamp, &first.stamp) => Ok(Claim::Ours),
        Ok(_) => name_back(&aside, &first.from).map(|()| Claim::Changed),
        Err(source) => Err(DurableError { action: "look at", path: aside, source }),
    }
}

/// The drop lies again where it lay; fine where it was never claimed.
pub(super) fn give_back(spool: &str, job: &JobFile) -> Done {
    let Some((aside, first)) = aside(spool, job) else { return Ok(()) };
    match aside.symlink_metadata() {
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(()),
        Err(source) => return Err(DurableError { action: "look at", path: aside, source }),
        Ok(_) => name_back(&aside, &first.from)?,
    }
    first.from.parent().map_or(Ok(()), durable::sync_folder)
}

/// Renames to a file's own name. Where another one has it by now, it stands beside that under a number: nothing of
/// somebody else's is ever removed.
pub(super) fn name_back(aside: &Path, own: &Path) -> Done {
    let mut back = durable::rename_unsynced(aside, own);
    let name = own.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    for n in 2..NAMES_MAX {
        match back {
            Err(e) if e.already_exists() => {
                back = durable::rename_unsynced(aside, &own.with_file_name(names::numbered(&name, n)));
            }
            other => return other,
        }
    }
    back
}

/// Empties `tmp/`. What was claimed and became no job goes back to its hot folder; while that is not there, what is known
/// of the claim is kept and returned.
pub(super) fn empty_tmp(
    spool: &Spool,
    places: &Places,
    root_of: &dyn Fn(&str) -> Option<PathBuf>,
) -> Result<Vec<JobFile>, SpoolError> {
    let mut open = Vec::new();
    spool.wipe_tmp_but(&mut |folder| {
        let Ok(job) = job::read::<JobFile>(folder, file::JOB) else { return false };
        let is_back = try_to_give_back(spool, &job, places, root_of).is_ok_and(|is_back| is_back);
        if !is_back {
            open.push(job);
        }
        !is_back
    })?;
    Ok(open)
}

/// False while the hot folder is not there: then nobody knows whether the claim is.
pub(super) fn try_to_give_back(
    spool: &Spool,
    job: &JobFile,
    places: &Places,
    root_of: &dyn Fn(&str) -> Option<PathBuf>,
) -> Done<bool> {
    if job.taken.is_empty() {
        return Ok(true);
    }
    let folder = root_of(&job.hot_folder).or_else(|| Some(job.taken.first()?.from.parent()?.to_path_buf()));
    if !folder.is_none_or(|folder| folder.is_dir() && places.unmounted(&folder).is_none()) {
        return Ok(false);
    }
    give_back(spool.id(), job).map(|()| true)
}

/// A claim in a hot folder, by its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stray {
    pub(super) path: PathBuf,
    pub(super) job: JobId,
}

impl Stray {
    /// What it is called when nobody knows any more what its name was.
    pub(super) fn own_name(&self) -> PathBuf {
        let mut head = Vec::new();
        if let Ok(file) = std::fs::File::open(&self.path) {
            // What cannot be read is taken for a manifest.
            let _ = file.take(HEAD_BYTES).read_to_end(&mut head);
        }
        let extension = match head.as_slice() {
            [0xff, 0xd8, ..] => "jpg",
            [0x89, b'P', b'N', b'G', ..] => "png",
            [b'I', b'I', ..] | [b'M', b'M', ..] => "tif",
            [b'R', b'I', b'F', b'F', ..] => "webp",
            text if String::from_utf8_lossy(text)
                .trim_start_matches(['\u{feff}', ' ', '\t', '\r', '\n'])
                .starts_with('{') =>
            {
                "json"
            }
            _ => "yaml",
        };
        self.path.with_file_name(format!("{}.{extension}", self.job))
    }

    /// How a person gives it back.
    pub(super) fn command(&self) -> String {
        let quoted = |path: &Path| format!("'{}'", path.display().to_string().replace('\'', r"'\''"));
        format!("mv -n {} {}", quoted(&self.path), quoted(&self.own_name()))
    }
}
