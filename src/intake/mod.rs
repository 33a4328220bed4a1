//! The drop folders: from a file that somebody writes to a job in `pending/`.
//!
//! ```text
//! watch ─hints─▶ scan ─▶ folder: list ─▶ settle ─▶ judge: read, pictures there? ─▶ accept ─▶ clear
//! ```
//!
//! Owns: a file that is still changing is never taken; what is accepted is accepted once, and leaves the drop folder
//! only then; the library's originals are only ever read. Must not know what is made of a job: what the config says of a
//! manifest comes through [`Matcher`].
//!
//! `job.json` of a job that a scan accepts is written here once more, when its drop is clear. So a job is to be started
//! only when [`Intake::scan`] has returned its id, or, at start, when [`Intake::recover`] has returned.

mod accept;
mod alone;
mod batch;
mod beside;
mod claim;
mod clear;
mod ending;
mod folder;
mod judge;
pub mod library;
mod listing;
mod mend;
mod names;
mod overtaken;
mod pictures;
mod reading;
mod same;
mod settle;
mod standing;
mod state;
mod trouble;
mod waiting;
mod watch;

#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;

use self::accept::Acceptance;
use self::claim::Stray;
use self::clear::{Leftover, Leftovers};
use self::folder::Folder;
use self::judge::{Around, Of, Ready};
use self::mend::Mending;
use crate::clock;
use crate::model::config::{Config, HotFolder, Images};
use crate::model::manifest::Manifest;
use crate::model::name::RelPath;
use crate::plan::facts::Want;
use crate::plan::frozen::Frozen;
use crate::spool::durable::{self, DurableError};
use crate::spool::job::{JobFile, JobId};
use crate::spool::places::Places;
use crate::spool::queue::{Spool, SpoolError, State};

pub use self::beside::{Beside, Lying, done_file, why_elsewhere, why_never_taken};
pub use self::mend::{bring_from, lacking};
pub use self::pictures::{input_name, left_of};
pub use self::state::{DropTrouble, FolderState, Mode, Unnamed, WaitingManifest};
pub use self::watch::{Hints, Waker, Watch};

/// What the config says of a manifest, so that this room needs no profile logic.
pub trait Matcher {
    /// Which rules and profiles take it, and what the job keeps of them.
    fn freeze(&self, manifest: &Manifest, hot_folder: &HotFolder) -> Frozen;
    /// The pictures that will be looked for in the library.
    fn wants(&self, manifest: &Manifest, frozen: &Frozen) -> Vec<Want>;
    /// When it may start, and before which others.
    fn start(&self, manifest: &Manifest, frozen: &Frozen, hot_folder: &HotFolder, accepted: Timestamp) -> Start;
    /// Whether another job of the record makes, or has made, just what this manifest asks for. `there` are the pictures
    /// that came with it, each with its name in `inputs/`; what is not there counts as unchanged.
    fn was_made(&self, manifest: &Manifest, hot_folder: &HotFolder, there: &[(&RelPath, &Path)]) -> bool;
    /// Where the pictures are that came with the job which a reprint makes again; `None` where there are none.
    fn pictures_of_then(&self, _: &Manifest) -> Option<PathBuf> {
        None
    }
    /// Whether a manifest asks for all that an older one of its record does, in another way.
    fn replaces(&self, newer: (&Manifest, &HotFolder), older: (&Manifest, &HotFolder)) -> bool;
    /// Whether there was ever such a job, also when its folder is gone.
    fn is_known(&self, job: &JobId) -> bool;
    /// Files of the operator's that the frozen profiles use: copies are kept in the spool's `assets/`.
    fn assets(&self, frozen: &Frozen) -> Vec<PathBuf>;
}

/// What the rules say of a job's place in the queue.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Start {
    /// Higher goes first.
    pub priority: i32,
    pub not_before: Option<Timestamp>,
    /// Why it is held until somebody releases it.
    pub hold: Option<String>,
}

/// The spool itself cannot be read: nothing can be accepted.
#[derive(Debug, thiserror::Error)]
pub enum IntakeError {
    #[error(transparent)]
    Spool(#[from] SpoolError),
    #[error(transparent)]
    Disk(#[from] DurableError),
}

/// Something that could not be done; the drop lies where it lay and is tried again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IntakeProblem {
    pub hot_folder: String,
    pub text: String,
}

/// What a scan did.
#[derive(Debug)]
pub struct ScanReport {
    /// Jobs that may be started; in the first report also those of an earlier life whose drop is still not clear.
    pub accepted: Vec<JobId>,
    /// When the next scan is due, without a hint.
    pub next: Instant,
    /// Those that were not there at the scan before.
    pub problems: Vec<IntakeProblem>,
}

/// Without a hot folder there is nothing to wait for.
const IDLE: Duration = Duration::from_mins(1);
/// After something could not be done.
fn try_again() -> Duration {
    clock::wait(Duration::from_secs(5), clock::RETRY)
}

/// All hot folders; owned by the server's scanner thread.
#[derive(Debug)]
pub struct Intake {
    config: Arc<Config>,
    acceptance: Acceptance,
    places: Places,
    clock: fn() -> Timestamp,
    folders: Vec<Folder>,
    leftovers: Leftovers,
    /// Claims that became no jobs and could not be given back yet.
    claimed: Vec<JobFile>,
    /// Jobs that wait for pictures to be looked for once more.
    mending: Vec<Mending>,
    /// When clearing is tried again.
    clear_again: Option<Instant>,
    told: Vec<IntakeProblem>,
    uncleared: Vec<IntakeProblem>,
    /// Jobs of an earlier life that are accepted for certain, though their drop could not be cleared; for the first
    /// report.
    unannounced: Vec<JobId>,
    /// For the first report.
    at_start: Vec<IntakeProblem>,
}

impl Intake {
    pub fn new(
        config: Arc<Config>,
        spool: Spool,
        matcher: Arc<dyn Matcher + Send + Sync>,
        clock: fn() -> Timestamp,
    ) -> Intake {
        Intake {
            places: Places::of_spool(spool.root()),
            acceptance: Acceptance::new(&config, spool, matcher),
            folders: config.hot_folders.iter().cloned().map(Folder::new).collect(),
            config,
            clock,
            leftovers: Leftovers::default(),
            claimed: Vec::new(),
            mending: Vec::new(),
            clear_again: None,
            told: Vec::new(),
            uncleared: Vec::new(),
            unannounced: Vec::new(),
            at_start: Vec::new(),
        }
    }

    /// Another config is in force: hot folders that stay keep what is known of their files.
    pub fn reconfigure(&mut self, config: Arc<Config>, matcher: Arc<dyn Matcher + Send + Sync>) {
        let mut old = std::mem::take(&mut self.folders);
        self.folders = config
            .hot_folders
            .iter()
            .map(|new| match old.iter().position(|f| f.settings.name == new.name && f.settings.folder == new.folder) {
                Some(index) => {
                    let mut folder = old.swap_remove(index);
                    folder.settings = new.clone();
                    folder.forget_readings();
                    folder
                }
                None => Folder::new(new.clone()),
            })
            .collect();
        self.acceptance.reconfigure(&config, matcher);
        self.config = config;
    }

    /// Gives back what was claimed and became no job, empties `tmp/`, and finishes the clearings that a crash cut off.
    /// Before the first scan, and before any job is started. Of finished jobs those that are known to be `cleared` are not
    /// looked at.
    pub fn recover(&mut self, cleared: &dyn Fn(&JobId) -> bool) -> Result<(), IntakeError> {
        let config = Arc::clone(&self.config);
        self.claimed = claim::empty_tmp(&self.acceptance.spool, &self.places, &|name| root_of(&config, name))?;
        let root_of = |name: &str| root_of(&config, name).unwrap_or_default();
        let (leftovers, damaged) = clear::uncleared(&self.acceptance.spool, cleared, root_of)?;
        self.leftovers = leftovers;
        let cleared = self.leftovers.clear(&self.acceptance.spool);
        self.unannounced = self.leftovers.accepted();
        self.at_start = problems(damaged);
        self.uncleared = problems(cleared.problems);
        Ok(())
    }

    /// One look at every hot folder that is due or hinted at; accepts what is ready.
    pub fn scan(&mut self, hints: &Hints, now: Instant) -> ScanReport {
        let mut accepted = std::mem::take(&mut self.unannounced);
        self.give_back_claims();
        for index in 0..self.folders.len() {
            let folder = &mut self.folders[index];
            folder.set_polling(hints.polling.get(&folder.settings.name));
            if hints.speak_of(&folder.settings.name) {
                folder.hint(now);
            }
            if folder.is_due(now) {
                let around = around(&self.config, &self.acceptance, &self.places, &self.leftovers, now, (self.clock)());
                let mut ready = folder.look(&around);
                for stray in folder.take_strays() {
                    self.end_stray(index, &stray);
                }
                let stuck = self.accept_overtaken(index, &ready, now, &mut accepted);
                ready.retain(|one| one.of().is_none_or(|of| !stuck.contains(&of)));
                accepted.extend(self.accept(index, &ready, now).0);
            }
        }
        self.mend_all(now);
        if self.clear_again.is_none_or(|at| at <= now) {
            let cleared = self.leftovers.clear(&self.acceptance.spool);
            accepted.extend(cleared.accepted);
            self.clear_again = (!self.leftovers.is_empty()).then(|| now + try_again());
            self.uncleared = problems(cleared.problems);
        }
        let due = self.folders.iter().filter_map(|f| f.due);
        let next = due.chain(self.clear_again).min().unwrap_or(now + IDLE).max(now);
        ScanReport { accepted, next, problems: self.news() }
    }

    /// A job in `pending/` looks into its hot folder once more for what it lacks. It is reported as accepted when its
    /// pictures are its own, or are not there.
    pub fn mend(&mut self, job: &JobFile, folder: PathBuf, now: Instant) {
        self.mending.retain(|known| known.job != job.job);
        self.mending.push(Mending::of(job, folder));
        for folder in self.folders.iter_mut().filter(|folder| folder.settings.name == job.hot_folder) {
            folder.hint(now);
        }
    }

    fn mend_all(&mut self, now: Instant) {
        for mending in std::mem::take(&mut self.mending) {
            let is_its = |f: &&mut Folder| f.settings.name == mending.hot_folder && f.settings.images == Images::Beside;
            let around = around(&self.config, &self.acceptance, &self.places, &self.leftovers, now, (self.clock)());
            let (root, found) = match self.folders.iter_mut().find(is_its) {
                Some(folder) => (folder.settings.folder.clone(), folder.found_for(&mending, &around)),
                None => (PathBuf::new(), Some(Vec::new())),
            };
            let Some(found) = found else {
                self.mending.push(mending);
                continue;
            };
            match mend::take(&mending, &found) {
                Ok(None) => {}
                Ok(Some(job)) => {
                    self.leftovers.push(Leftover { job, folder: mending.folder, root, accepted: false });
                    self.clear_again = Some(now);
                }
                Err(e) => {
                    if let Some(folder) = self.folders.iter_mut().find(is_its) {
                        folder.cannot_mend(mending.job.as_str(), &e, now + try_again());
                    }
                    self.mending.push(mending);
                }
            }
        }
    }

    /// What waits in any hot folder and is made needless by what is ready in one of them becomes a job first. Where it does
    /// not, its record is named: what is ready of that one waits too, so that it is not overtaken in turn.
    fn accept_overtaken(
        &mut self,
        index: usize,
        ready: &[Ready],
        now: Instant,
        accepted: &mut Vec<JobId>,
    ) -> HashSet<Of> {
        let newer = self.folders[index].newer(ready);
        let mut stuck = HashSet::new();
        if newer.is_empty() {
            return stuck;
        }
        let matcher = Arc::clone(&self.acceptance.matcher);
        for other in 0..self.folders.len() {
            let overtaken = self.folders[other].overtaken(&newer, ready, &*matcher);
            let (certain, left) = self.accept(other, &overtaken, now);
            accepted.extend(certain);
            stuck.extend(left);
        }
        stuck
    }

    /// Makes jobs of what is ready, and leaves their drop to be cleared. Names those that are jobs for certain, and whose
    /// drops did not become jobs.
    fn accept(&mut self, index: usize, ready: &[Ready], now: Instant) -> (Vec<JobId>, HashSet<Of>) {
        let folder = &mut self.folders[index];
        let batch = self.acceptance.accept(folder, ready, self.clock);
        for failed in &batch.failed {
            folder.failed(&ready[failed.at], failed, now, (self.clock)());
        }
        if batch.changed {
            folder.hint(now);
        }
        self.claimed.extend(batch.claimed);
        let taken: HashSet<&str> = batch.jobs.iter().map(|(job, _)| job.manifest.as_str()).collect();
        let left = ready.iter().filter(|one| !taken.contains(one.below.as_str())).filter_map(Ready::of).collect();
        let pending = self.acceptance.spool.folder(State::Pending);
        let mut certain = Vec::new();
        for (job, accepted) in batch.jobs {
            certain.extend(accepted.then(|| job.job.clone()));
            let (own, root) = (pending.join(job.job.as_str()), folder.settings.folder.clone());
            self.leftovers.push(Leftover { job, folder: own, root, accepted });
            self.clear_again = Some(now);
        }
        (certain, left)
    }

    /// Tries once more.
    fn give_back_claims(&mut self) {
        let (config, acceptance, places) = (&self.config, &self.acceptance, &self.places);
        self.claimed.retain(|job| {
            let tried = claim::try_to_give_back(&acceptance.spool, job, places, &|name| root_of(config, name));
            let is_back = tried.is_ok_and(|is_back| is_back);
            if is_back {
                acceptance.abandon(job);
            }
            !is_back
        });
    }

    /// A claim of ours of which nothing is known here, as after a backup was restored: of a job that there was it is the rest
    /// of its drop, else it is the drop.
    fn end_stray(&mut self, index: usize, stray: &Stray) {
        if self.claimed.iter().any(|job| job.job == stray.job) || self.leftovers.is_of(&stray.job) {
            return;
        }
        let spool = &self.acceptance.spool;
        let was_job = match spool.find(&stray.job) {
            Ok(found) => found.is_some() || self.acceptance.matcher.is_known(&stray.job),
            Err(_) => return,
        };
        let done =
            if was_job { durable::remove_file(&stray.path) } else { claim::name_back(&stray.path, &stray.own_name()) };
        if let Err(e) = done {
            self.folders[index].problem(e.to_string());
        }
    }

    /// Problems that the report before did not have.
    fn news(&mut self) -> Vec<IntakeProblem> {
        let of_folder = |folder: &Folder| {
            let named = |text: String| (folder.settings.name.clone(), text);
            problems(folder.problems().into_iter().map(named).collect())
        };
        let mut now: Vec<IntakeProblem> = self.folders.iter().flat_map(of_folder).collect();
        now.extend(self.uncleared.iter().cloned());
        now.append(&mut self.at_start);
        let news = now.iter().filter(|p| !self.told.contains(p)).cloned().collect();
        self.told = now;
        news
    }

    /// For `status` and the dashboard.
    pub fn state(&self) -> Vec<FolderState> {
        let mut states: Vec<FolderState> = self.folders.iter().map(Folder::state).collect();
        for state in &mut states {
            let uncleared = self.uncleared.iter().filter(|problem| problem.hot_folder == state.name);
            state.problems.extend(uncleared.map(|problem| problem.text.clone()));
        }
        states
    }
}

/// What a look at a folder needs; of the intake's parts and not of all of it, since its folders change while they look.
fn around<'a>(
    config: &'a Config,
    acceptance: &'a Acceptance,
    places: &'a Places,
    leftovers: &'a Leftovers,
    now: Instant,
    wall: Timestamp,
) -> Around<'a> {
    let (matcher, spool) = (&*acceptance.matcher, acceptance.spool.id());
    Around { config, matcher, places, leftovers, spool, now, wall }
}

/// Empties `tmp/` where no server runs.
pub fn empty_tmp(spool: &Spool, config: &Config) -> Result<(), SpoolError> {
    claim::empty_tmp(spool, &Places::of_spool(spool.root()), &|name| root_of(config, name)).map(drop)
}

fn root_of(config: &Config, name: &str) -> Option<PathBuf> {
    config.hot_folder(name).map(|hot_folder| hot_folder.folder.clone())
}

fn problems(list: Vec<(String, String)>) -> Vec<IntakeProblem> {
    list.into_iter().map(|(hot_folder, text)| IntakeProblem { hot_folder, text }).collect()
}
