//! Many drops through the accept point together: all are written, then all put on disk, then all renamed.
//!
//! Owns: a drop that fails on the way stays whole in its folder, with the pictures that it shares with others; none that
//! came after it goes before it, which may take it back or correct it.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::accept::{Acceptance, NotNow, Taking};
use super::folder::Folder;
use super::judge::Ready;
use crate::spool::durable::{self, DurableError, Unsynced};
use crate::spool::job::JobFile;
use crate::spool::queue::State;

/// What became of them.
#[derive(Debug, Default)]
pub(super) struct Batch {
    /// Jobs in `pending/`, and whether that is certain to outlive a power failure.
    pub(super) jobs: Vec<(JobFile, bool)>,
    /// Some changed while they were being taken.
    pub(super) changed: bool,
    /// A manifest and why it cannot be accepted for now: something of its own.
    pub(super) stuck: Vec<(String, String)>,
    /// The same for what stops one and mostly all.
    pub(super) failed: Vec<(String, String)>,
}

impl Batch {
    /// All are jobs.
    pub(super) fn is_whole(&self) -> bool {
        !self.changed && self.stuck.is_empty() && self.failed.is_empty()
    }
}

impl Acceptance {
    pub(super) fn accept(&mut self, folder: &mut Folder, ready: &[Ready], clock: fn() -> Timestamp) -> Batch {
        let mut batch = Batch::default();
        if ready.is_empty() {
            return batch;
        }
        match self.stage_all(folder, ready, clock, &mut batch) {
            Ok(jobs) => self.commit_all(jobs, &mut batch),
            Err(e) => batch.failed.push((ready[0].below.clone(), e.to_string())),
        }
        batch
    }

    /// All of them in `tmp/` and on disk, or none.
    fn stage_all(
        &mut self,
        folder: &mut Folder,
        ready: &[Ready],
        clock: fn() -> Timestamp,
        batch: &mut Batch,
    ) -> Result<Vec<JobFile>, DurableError> {
        let mut unsynced = Unsynced::on_volume_of(&self.spool.tmp())?;
        let mut jobs = Vec::new();
        for ready in ready {
            let stays = |picture: &Path| folder.is_shared(picture);
            let taking = Taking { hot_folder: &folder.settings, ready, accepted: clock(), stays: &stays };
            match self.stage(&taking, &mut unsynced) {
                Ok(job) => {
                    folder.taken(ready);
                    jobs.push(job);
                }
                Err(NotNow::Changed) => batch.changed = true,
                Err(e @ NotNow::Dropped { .. }) => batch.stuck.push((ready.below.clone(), e.to_string())),
                // A full disk, an asset that is not there: it would stop the others too.
                Err(e) => {
                    batch.failed.push((ready.below.clone(), e.to_string()));
                    break;
                }
            }
        }
        if let Err(e) = unsynced.sync() {
            for job in &jobs {
                self.abandon(job);
            }
            return Err(e);
        }
        Ok(jobs)
    }

    /// The accept point.
    fn commit_all(&self, jobs: Vec<JobFile>, batch: &mut Batch) {
        let (tmp, pending) = (self.spool.tmp(), self.spool.folder(State::Pending));
        let names: Vec<&str> = jobs.iter().map(|j| j.job.as_str()).collect();
        // Without a text it was not tried, because one before it failed.
        let moved: Vec<Result<bool, Option<String>>> = match durable::move_all_new(&tmp, &pending, &names) {
            Ok(moves) => {
                let moves = moves.into_iter().map(|done| done.map(|()| true).map_err(|e| Some(e.to_string())));
                moves.chain(std::iter::repeat_with(|| Err(None))).take(names.len()).collect()
            }
            // The moves were made, but perhaps not on disk: until they are, the drops are the jobs' only durable home.
            Err(e) => names
                .iter()
                .map(|name| if pending.join(name).is_dir() { Ok(false) } else { Err(Some(e.to_string())) })
                .collect(),
        };
        let mut needed: HashSet<PathBuf> = HashSet::new();
        for (job, moved) in jobs.into_iter().zip(moved) {
            match moved {
                Ok(certain) => batch.jobs.push((job, certain)),
                Err(e) => {
                    self.abandon(&job);
                    batch.failed.extend(e.map(|why| (job.manifest, why)));
                    needed.extend(job.taken.into_iter().map(|t| t.from));
                }
            }
        }
        // It was counted on that the one that failed would not need them any more.
        let taken = batch.jobs.iter_mut().flat_map(|(job, _)| &mut job.taken);
        taken.filter(|t| needed.contains(&t.from)).for_each(|t| t.shared = true);
    }

    /// What cannot be removed of our side either is wiped at the next start.
    fn abandon(&self, job: &JobFile) {
        let _ = durable::remove_tree(&self.spool.tmp().join(job.job.as_str()));
    }
}
