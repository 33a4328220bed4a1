//! Clearing the drop: what was accepted leaves the drop folder, the claim last, so that it says until the end whose the
//! rest is.
//!
//! Owns: a file is removed only while it is the one that was accepted, and one that was accepted is never taken a second
//! time, also where it cannot be removed. A file is renamed aside, looked at, and only then unlinked: between a look and
//! an unlink under its own name another file could take that name.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use super::{claim, names};
use crate::model::name::quoted;
use crate::spool::durable::{self, Done, DurableError};
use crate::spool::job::{self, JobFile, JobId, Stamp, Taken, file};
use crate::spool::queue::{Spool, SpoolError, State};

/// Accepted jobs whose drop may not be clear yet.
#[derive(Debug, Default)]
pub(super) struct Leftovers {
    list: Vec<Leftover>,
    stamps: HashMap<PathBuf, Vec<Stamp>>,
}

#[derive(Debug)]
pub(super) struct Leftover {
    pub(super) job: JobFile,
    /// The job's folder, while nobody else may write in it.
    pub(super) folder: PathBuf,
    /// The hot folder; empty for one that the config does not have any more.
    pub(super) root: PathBuf,
    /// The job's folder is known to be on disk in its place; before that the drop is its only durable home.
    pub(super) accepted: bool,
}

/// What became of an attempt.
#[derive(Debug, Default)]
pub(super) struct Cleared {
    /// Jobs whose acceptance became certain.
    pub(super) accepted: Vec<JobId>,
    /// Hot folder and text.
    pub(super) problems: Vec<(String, String)>,
}

/// The same file, whatever number its volume has: network volumes get another one each time they are mounted.
pub(super) fn is_same(a: &Stamp, b: &Stamp) -> bool {
    (a.inode, a.bytes, a.modified_ns) == (b.inode, b.bytes, b.modified_ns)
}

impl Leftovers {
    pub(super) fn push(&mut self, leftover: Leftover) {
        for taken in leftover.job.taken.iter().filter(|t| !t.shared) {
            self.stamps.entry(taken.from.clone()).or_default().push(taken.stamp);
        }
        self.list.push(leftover);
    }

    /// Whether a file of the drop was accepted already.
    pub(super) fn holds(&self, path: &Path, stamp: &Stamp) -> bool {
        self.stamps.get(path).is_some_and(|stamps| stamps.iter().any(|s| is_same(s, stamp)))
    }

    /// Whether the drop of this job is not clear yet.
    pub(super) fn is_of(&self, job: &JobId) -> bool {
        self.list.iter().any(|leftover| leftover.job.job == *job)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Jobs that wait for nothing of ours but a clear drop. Also those that are held or at work: they are started again one
    /// day, and the drop may not be clear by then.
    pub(super) fn accepted(&self) -> Vec<JobId> {
        self.list.iter().filter(|l| l.accepted).map(|l| l.job.job.clone()).collect()
    }

    /// Tries to clear everything that is left.
    pub(super) fn clear(&mut self, spool: &Spool) -> Cleared {
        let mut cleared = Cleared::default();
        if self.list.is_empty() {
            return cleared;
        }
        if self.list.iter().any(|l| !l.accepted)
            && let Err(e) =
                durable::sync_folder(&spool.folder(State::Pending)).and_then(|()| durable::sync_folder(&spool.tmp()))
        {
            let names: BTreeSet<&String> = self.list.iter().map(|l| &l.job.hot_folder).collect();
            cleared.problems = names.into_iter().map(|name| (name.clone(), e.to_string())).collect();
            return cleared;
        }
        let (mut touched, mut tries) = (BTreeSet::new(), Vec::new());
        for mut leftover in std::mem::take(&mut self.list) {
            if !leftover.accepted {
                leftover.accepted = true;
                cleared.accepted.push(leftover.job.job.clone());
            }
            let removed = leftover.remove_files(spool.id(), &mut touched).map_err(|e| e.to_string());
            tries.push((leftover, removed));
        }
        let unsynced = sync(&touched);
        let (mut clear, mut left) = (Vec::new(), Vec::new());
        for (mut leftover, removed) in tries {
            let is_in = |folder: &Path| leftover.job.taken.iter().any(|t| t.from.starts_with(folder));
            let unsynced = unsynced.iter().find(|e| is_in(&e.path)).map(ToString::to_string);
            match removed.and_then(|is_clear| unsynced.map_or(Ok(is_clear), Err)) {
                Ok(true) => {
                    leftover.job.drop_cleared = true;
                    clear.push(leftover);
                }
                Ok(false) => left.push(leftover),
                Err(e) => {
                    let JobFile { job, hot_folder, manifest, .. } = &leftover.job;
                    let manifest = quoted(manifest);
                    let text = format!("{manifest} was accepted as {job} and will not be taken again, but {e}");
                    cleared.problems.push((hot_folder.clone(), text));
                    left.push(leftover);
                }
            }
        }
        // Only now: until it is gone for good, a file must be known as one that was accepted.
        self.stamps.clear();
        for leftover in left {
            self.push(leftover);
        }
        note(spool, &clear, &mut cleared);
        cleared
    }
}

/// Notes in the jobs that their drop is clear, except where somebody has moved a job on: then the next start looks once
/// more and finds nothing to do.
fn note(spool: &Spool, clear: &[Leftover], cleared: &mut Cleared) {
    let mut files = Vec::new();
    // What was decided about the job since it was accepted must not be undone.
    let _changes = job::exclusively();
    for leftover in clear {
        let path = leftover.folder.join(file::JOB);
        if let Ok(record) = job::read::<JobFile>(&leftover.folder, file::JOB)
            && let Ok(mut text) = serde_json::to_vec_pretty(&JobFile { drop_cleared: true, ..record })
        {
            text.push(b'\n');
            files.push((path, text));
        }
    }
    let written = match durable::replace_all_private(spool.root(), &files) {
        Ok(written) => written.into_iter().filter_map(Result::err).filter(|e| !e.is_not_found()).collect(),
        Err(e) => vec![e],
    };
    cleared.problems.extend(written.into_iter().map(|e| (String::new(), e.to_string())));
}

impl Leftover {
    /// Removes what is still there; false when that cannot be known now, because the hot folder is not there.
    fn remove_files(&self, spool: &str, touched: &mut BTreeSet<PathBuf>) -> Done<bool> {
        for (n, taken) in self.job.taken.iter().enumerate().rev().filter(|(_, t)| !t.shared) {
            if !self.is_reachable(taken) {
                return Ok(false);
            }
            let folder = taken.from.parent().unwrap_or(Path::new("/"));
            let (job, old) = (&self.job.job, names::aside_of_old(&self.job.job, n));
            remove(taken, &folder.join(names::aside(spool, job, n)), &folder.join(old))?;
            touched.insert(folder.to_path_buf());
        }
        for taken in &self.job.taken {
            self.remove_emptied(&taken.from);
        }
        Ok(true)
    }

    /// A volume that was unmounted shows an empty folder: its files are not gone.
    fn is_reachable(&self, taken: &Taken) -> bool {
        if taken.from.symlink_metadata().is_ok() {
            return true;
        }
        let folder = if self.root.as_os_str().is_empty() { taken.from.parent() } else { Some(self.root.as_path()) };
        folder.and_then(|f| f.metadata().ok()).is_some_and(|m| Stamp::from_metadata(&m).device == taken.stamp.device)
    }

    /// One order, one sub-folder: it goes with its content, and with what systems have put beside it. Not one that stood there
    /// before, and never the hot folder itself.
    fn remove_emptied(&self, path: &Path) {
        let mut folder = path.parent();
        while let Some(path) =
            folder.filter(|f| !self.root.as_os_str().is_empty() && *f != self.root && f.starts_with(&self.root))
        {
            let may_go = |name: &str, is_folder: bool| {
                if is_folder { names::is_litter_folder(name) } else { names::is_litter(name) }
            };
            if self.job.kept_folders.iter().any(|kept| kept == path) || !durable::remove_folder_with(path, &may_go) {
                return;
            }
            folder = path.parent();
        }
    }
}

/// Makes the entries of folders durable, of each once; of one that was removed, those of the one that it was in.
fn sync(folders: &BTreeSet<PathBuf>) -> Vec<DurableError> {
    let standing = |folder: &PathBuf| folder.ancestors().find(|f| f.is_dir()).map(Path::to_path_buf);
    let standing: BTreeSet<PathBuf> = folders.iter().filter_map(standing).collect();
    standing.iter().filter_map(|folder| durable::sync_folder(folder).err()).collect()
}

/// Removes one file if it is still the one that was accepted. It may stand aside already: as the claim, or because a crash
/// came between the renaming and the unlinking.
fn remove(taken: &Taken, aside: &Path, aside_of_old: &Path) -> Done {
    for aside in [aside, aside_of_old] {
        if aside.symlink_metadata().is_ok() {
            judge_aside(taken, aside)?;
        }
    }
    match Stamp::of(&taken.from) {
        Ok(stamp) if is_same(&stamp, &taken.stamp) => {}
        Ok(_) => return Ok(()),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(source) => return Err(DurableError { action: "look at", path: taken.from.clone(), source }),
    }
    match durable::set_aside(&taken.from, aside) {
        Err(e) if e.is_not_found() => return Ok(()),
        other => other?,
    }
    judge_aside(taken, aside)
}

/// The file under the aside name is ours to remove, or goes back.
fn judge_aside(taken: &Taken, aside: &Path) -> Done {
    match Stamp::of(aside) {
        Ok(stamp) if is_same(&stamp, &taken.stamp) => durable::remove_file_unsynced(aside),
        Ok(_) => claim::name_back(aside, &taken.from),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(source) => Err(DurableError { action: "look at", path: aside.to_path_buf(), source }),
    }
}

/// Every job whose drop may not be clear, in whatever state it is by now.
pub(super) fn uncleared(
    spool: &Spool,
    cleared: &dyn Fn(&JobId) -> bool,
    root_of: impl Fn(&str) -> PathBuf,
) -> Result<(Leftovers, Vec<(String, String)>), SpoolError> {
    let (mut leftovers, mut problems) = (Leftovers::default(), Vec::new());
    for state in State::ALL {
        for located in spool.jobs(state)?.into_iter().filter(|job| !state.is_dated() || !cleared(&job.id)) {
            match job::read::<JobFile>(&located.folder, file::JOB) {
                Ok(job) if job.drop_cleared => {}
                Ok(job) => {
                    let root = root_of(&job.hot_folder);
                    leftovers.push(Leftover { job, folder: located.folder, root, accepted: false });
                }
                // A person's own folder in `done/`, or a job that is about to be removed.
                Err(e) if e.is_not_found() => {}
                Err(e) => problems.push((located.id.to_string(), e.to_string())),
            }
        }
    }
    Ok((leftovers, problems))
}
