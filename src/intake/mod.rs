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
mod clear;
mod ending;
mod folder;
mod judge;
pub mod library;
mod listing;
mod names;
mod overtaken;
mod pictures;
mod reading;
mod same;
mod settle;
mod state;
mod waiting;
mod watch;

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;

use self::accept::Acceptance;
use self::clear::{Leftover, Leftovers};
use self::folder::Folder;
use self::judge::{Around, Ready};
use crate::clock;
use crate::model::config::{Config, HotFolder};
use crate::model::manifest::Manifest;
use crate::model::name::RelPath;
use crate::plan::facts::Want;
use crate::plan::frozen::Frozen;
use crate::spool::durable::DurableError;
use crate::spool::job::JobId;
use crate::spool::places::Places;
use crate::spool::queue::{Spool, SpoolError, State};

pub use self::beside::{Beside, Lying, done_file, why_elsewhere, why_never_taken};
pub use self::pictures::input_name;
pub use self::state::{FolderState, Mode, Unnamed, WaitingManifest};
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

    /// Finishes the clearings that a crash cut off. Before the first scan, and before any job is started. Of finished
    /// jobs those that are known to be `cleared` are not looked at.
    pub fn recover(&mut self, cleared: &dyn Fn(&JobId) -> bool) -> Result<(), IntakeError> {
        let roots = Arc::clone(&self.config);
        let root_of = |name: &str| {
            roots.hot_folders.iter().find(|h| h.name == name).map(|h| h.folder.clone()).unwrap_or_default()
        };
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
        for index in 0..self.folders.len() {
            let folder = &mut self.folders[index];
            folder.set_polling(hints.polling.get(&folder.settings.name));
            if hints.speak_of(&folder.settings.name) {
                folder.hint(now);
            }
            if folder.is_due(now) {
                let around = Around {
                    config: &self.config,
                    matcher: &*self.acceptance.matcher,
                    places: &self.places,
                    leftovers: &self.leftovers,
                    now,
                    wall: (self.clock)(),
                };
                let ready = folder.look(&around);
                if self.accept_overtaken(index, &ready, now, &mut accepted) {
                    let (certain, _) = self.accept(index, &ready, now);
                    accepted.extend(certain);
                }
            }
        }
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

    /// What waits in any hot folder and is made needless by what is ready in one of them becomes a job first. Says whether
    /// all of it did: else what is ready waits too, so that it is not overtaken in turn.
    fn accept_overtaken(&mut self, index: usize, ready: &[Ready], now: Instant, accepted: &mut Vec<JobId>) -> bool {
        let newer = self.folders[index].newer(ready);
        if newer.is_empty() {
            return true;
        }
        let matcher = Arc::clone(&self.acceptance.matcher);
        for other in 0..self.folders.len() {
            let overtaken = self.folders[other].overtaken(&newer, ready, &*matcher);
            let (certain, is_whole) = self.accept(other, &overtaken, now);
            accepted.extend(certain);
            if !is_whole {
                self.folders[index].due = Some(now + try_again());
                return false;
            }
        }
        true
    }

    /// Makes jobs of what is ready, and leaves their drop to be cleared. Those that are jobs for certain are named; says
    /// also whether all of it became jobs.
    fn accept(&mut self, index: usize, ready: &[Ready], now: Instant) -> (Vec<JobId>, bool) {
        let folder = &mut self.folders[index];
        let batch = self.acceptance.accept(folder, ready, self.clock);
        let is_whole = batch.is_whole();
        for (manifest, why) in batch.stuck {
            folder.cannot_accept(&manifest, &why, None);
        }
        for (manifest, why) in batch.failed {
            folder.cannot_accept(&manifest, &why, Some(now + try_again()));
        }
        if batch.changed {
            folder.hint(now);
        }
        let pending = self.acceptance.spool.folder(State::Pending);
        let mut certain = Vec::new();
        for (job, accepted) in batch.jobs {
            certain.extend(accepted.then(|| job.job.clone()));
            let (own, root) = (pending.join(job.job.as_str()), folder.settings.folder.clone());
            self.leftovers.push(Leftover { job, folder: own, root, accepted });
            self.clear_again = Some(now);
        }
        (certain, is_whole)
    }

    /// Problems that the report before did not have.
    fn news(&mut self) -> Vec<IntakeProblem> {
        let of_folder = |folder: &Folder| {
            let named = |text: &String| (folder.settings.name.clone(), text.clone());
            problems(folder.problems().iter().map(named).collect())
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
        self.folders.iter().map(Folder::state).collect()
    }
}

fn problems(list: Vec<(String, String)>) -> Vec<IntakeProblem> {
    list.into_iter().map(|(hot_folder, text)| IntakeProblem { hot_folder, text }).collect()
}
