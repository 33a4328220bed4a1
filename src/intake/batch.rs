//! Many drops through the accept point together: all are written, then all put on disk, then all claimed, then all renamed.
//!
//! Owns: a drop that fails on the way stays whole in its folder, with the pictures that it shares with others, and the
//! others go on; none that came after it goes before it, which may take it back or correct it.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::accept::{Acceptance, NotNow, Taking};
use super::claim::{self, Claim};
use super::folder::Folder;
use super::judge::{Of, Ready};
use super::waiting::Picture;
use crate::spool::durable::{self, DurableError, Unsynced, Written};
use crate::spool::job::JobFile;
use crate::spool::queue::State;

/// After so many drops that the spool itself could not take, the others are not tried: its disk may be full.
const OURS_MAX: usize = 3;

/// What became of them.
#[derive(Debug, Default)]
pub(super) struct Batch {
    /// Jobs in `pending/`, and whether that is certain to outlive a power failure.
    pub(super) jobs: Vec<(JobFile, bool)>,
    /// Some changed while they were being taken.
    pub(super) changed: bool,
    pub(super) failed: Vec<Failed>,
    /// Claims that could not be given back yet.
    pub(super) claimed: Vec<JobFile>,
    /// Whose later manifests wait.
    stuck: HashSet<Of>,
    ours: usize,
}

/// A drop that cannot be accepted now.
#[derive(Debug)]
pub(super) struct Failed {
    /// Which of those that were ready.
    pub(super) at: usize,
    /// The one that is the reason.
    pub(super) picture: Option<Picture>,
    pub(super) why: String,
}

impl Batch {
    fn fails(&mut self, at: usize, ready: &Ready, e: &NotNow) {
        let picture = e.file().and_then(|file| ready.pictures.iter().find(|picture| picture.from == file)).cloned();
        self.stuck.extend(ready.of());
        self.ours += usize::from(e.is_ours());
        let why = match e {
            NotNow::Dropped { source, .. } if picture.is_some() => format!("cannot be taken: {source}"),
            _ => e.to_string(),
        };
        self.failed.push(Failed { at, picture, why });
    }

    fn lets_try(&self, at: usize, ready: &Ready) -> bool {
        self.ours < OURS_MAX
            && !self.failed.iter().any(|failed| failed.at == at)
            && ready.of().is_none_or(|of| !self.stuck.contains(&of))
    }
}

impl Acceptance {
    pub(super) fn accept(&mut self, folder: &mut Folder, ready: &[Ready], clock: fn() -> Timestamp) -> Batch {
        let mut batch = Batch::default();
        if self.accept_together(folder, ready, 0..ready.len(), clock, &mut batch).is_ok() {
            return batch;
        }
        // One of them may be the reason: by themselves the others go on.
        for at in 0..ready.len() {
            if let Err(e) = self.accept_together(folder, ready, at..at + 1, clock, &mut batch) {
                batch.fails(at, &ready[at], &e.into());
            }
        }
        batch
    }

    /// What can be taken of them is on disk in `tmp/` before the first becomes a job. With an error nothing of them is left
    /// there.
    fn accept_together(
        &mut self,
        folder: &mut Folder,
        ready: &[Ready],
        which: std::ops::Range<usize>,
        clock: fn() -> Timestamp,
        batch: &mut Batch,
    ) -> Result<(), DurableError> {
        let mut unsynced = None;
        let mut jobs = Vec::new();
        for at in which {
            let one = &ready[at];
            if !batch.lets_try(at, one) {
                continue;
            }
            let unsynced = match &mut unsynced {
                Some(unsynced) => unsynced,
                none => none.insert(Unsynced::on_volume_of(&self.spool.tmp())?),
            };
            let stays = |picture: &Path| folder.is_shared(picture);
            let taking = Taking {
                hot_folder: &folder.settings,
                ready: one,
                accepted: clock(),
                stays: &stays,
                kept_folders: folder.kept_folders(one),
            };
            match self.stage(&taking, unsynced) {
                Ok(job) => {
                    folder.lets_go(one);
                    jobs.push((at, job));
                }
                Err(NotNow::Changed) => {
                    batch.changed = true;
                    batch.stuck.extend(one.of());
                }
                Err(e) => batch.fails(at, one, &e),
            }
        }
        if let Err(e) = unsynced.map_or(Ok(()), Unsynced::sync) {
            for (at, job) in &jobs {
                self.abandon(job);
                folder.needs(&ready[*at]);
            }
            return Err(e);
        }
        let jobs = self.claim_all(folder, ready, jobs, batch)?;
        self.commit_all(folder, ready, jobs, batch);
        Ok(())
    }

    /// Those that are ours alone from now on, also after a power failure.
    fn claim_all(
        &self,
        folder: &mut Folder,
        ready: &[Ready],
        jobs: Vec<(usize, JobFile)>,
        batch: &mut Batch,
    ) -> Result<Vec<(usize, JobFile)>, DurableError> {
        let mut claimed: Vec<(usize, JobFile)> = Vec::new();
        let mut needed: HashSet<PathBuf> = HashSet::new();
        for (at, job) in jobs {
            let one = &ready[at];
            let claim = batch.lets_try(at, one).then(|| claim::claim(self.spool.id(), &job));
            match claim {
                Some(Ok(Claim::Ours | Claim::NotAllowed)) => {
                    claimed.push((at, job));
                    continue;
                }
                // Whoever has it has its pictures.
                Some(Ok(Claim::Gone)) => {
                    self.give_up(job, folder, one, batch);
                    continue;
                }
                Some(Ok(Claim::Changed)) => {
                    batch.changed = true;
                    batch.stuck.extend(one.of());
                }
                Some(Err(e)) => batch.fails(at, one, &e.into()),
                None => {}
            }
            needed.extend(job.taken.iter().map(|taken| taken.from.clone()));
            self.give_up(job, folder, one, batch);
        }
        // It was counted on that those that failed would not need their pictures any more: a job that would remove one of
        // these is not made now, but with the next look, which knows better. None of its record goes before it.
        loop {
            let waits = |at: usize, job: &JobFile| {
                job.taken.iter().any(|taken| !taken.shared && needed.contains(&taken.from))
                    || ready[at].of().is_some_and(|of| batch.stuck.contains(&of))
            };
            let (back, kept): (Vec<_>, Vec<_>) = claimed.into_iter().partition(|(at, job)| waits(*at, job));
            claimed = kept;
            if back.is_empty() {
                break;
            }
            for (at, job) in back {
                needed.extend(job.taken.iter().map(|taken| taken.from.clone()));
                batch.stuck.extend(ready[at].of());
                self.give_up(job, folder, &ready[at], batch);
            }
        }
        let mut touched = Written::default();
        for (_, job) in &claimed {
            touched.folder(job.taken[0].from.parent().unwrap_or(&folder.settings.folder));
        }
        if claimed.is_empty() {
            return Ok(claimed);
        }
        let synced = Unsynced::on_volume_of(&folder.settings.folder).and_then(|mut unsynced| {
            unsynced.add(touched);
            unsynced.sync()
        });
        if let Err(e) = synced {
            for (at, job) in claimed {
                self.give_up(job, folder, &ready[at], batch);
            }
            return Err(e);
        }
        Ok(claimed)
    }

    /// The accept point.
    fn commit_all(&self, folder: &mut Folder, ready: &[Ready], jobs: Vec<(usize, JobFile)>, batch: &mut Batch) {
        if jobs.is_empty() {
            return;
        }
        let (tmp, pending) = (self.spool.tmp(), self.spool.folder(State::Pending));
        let names: Vec<&str> = jobs.iter().map(|(_, job)| job.job.as_str()).collect();
        // Without an error it was not tried, because one before it failed.
        let moved: Vec<Result<bool, Option<NotNow>>> = match durable::move_all_new(&tmp, &pending, &names) {
            Ok(moves) => {
                let moves = moves.into_iter().map(|done| done.map(|()| true).map_err(|e| Some(e.into())));
                moves.chain(std::iter::repeat_with(|| Err(None))).take(names.len()).collect()
            }
            // The moves were made, but perhaps not on disk: until they are, the drops are the jobs' only durable home.
            Err(e) => {
                let unmoved = |name: &&str| !pending.join(name).is_dir();
                let mut first = Some(e);
                names
                    .iter()
                    .map(|name| if unmoved(name) { Err(first.take().map(NotNow::from)) } else { Ok(false) })
                    .collect()
            }
        };
        let mut needed: HashSet<PathBuf> = HashSet::new();
        let first = batch.jobs.len();
        for ((at, job), moved) in jobs.into_iter().zip(moved) {
            match moved {
                Ok(certain) => {
                    folder.taken(&ready[at]);
                    batch.jobs.push((job, certain));
                }
                Err(e) => {
                    if let Some(e) = e {
                        batch.fails(at, &ready[at], &e);
                    }
                    needed.extend(job.taken.iter().map(|t| t.from.clone()));
                    self.give_up(job, folder, &ready[at], batch);
                }
            }
        }
        // It was counted on that the one that failed would not need them any more.
        let taken = batch.jobs[first..].iter_mut().flat_map(|(job, _)| &mut job.taken);
        taken.filter(|t| needed.contains(&t.from)).for_each(|t| t.shared = true);
    }

    /// The drop lies again where it lay.
    fn give_up(&self, job: JobFile, folder: &mut Folder, ready: &Ready, batch: &mut Batch) {
        folder.needs(ready);
        match claim::give_back(self.spool.id(), &job) {
            Ok(()) => self.abandon(&job),
            Err(_) => batch.claimed.push(job),
        }
    }

    /// What cannot be removed of our side either is wiped at the next start.
    pub(super) fn abandon(&self, job: &JobFile) {
        let _ = durable::remove_tree(&self.spool.tmp().join(job.job.as_str()));
    }
}
