//! The thread that looks into the hot folders.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::Instant;

use super::memory::Memory;
use crate::intake::{FolderState, Hints, Intake, Mode, Waker, Watch};
use crate::model::config::Config;
use crate::spool::job::{JobFile, JobId};
use crate::spool::places::Away;
use crate::worker::run::Workshop;

pub(super) struct Scanner {
    pub(super) watch: Watch,
    pub(super) intake: Intake,
    pub(super) workshop: Arc<Workshop>,
    /// For `status`.
    pub(super) folders: Arc<Mutex<Vec<FolderState>>>,
    pub(super) accepted: mpsc::Sender<Vec<JobId>>,
    pub(super) edited: mpsc::Receiver<Arc<Config>>,
    /// Jobs that are tried again and lack pictures, and where they are.
    pub(super) lacking: mpsc::Receiver<(JobFile, PathBuf)>,
    /// Of the watch that is waited for.
    pub(super) waker: Arc<Mutex<Waker>>,
    pub(super) away: Away,
}

impl Scanner {
    pub(super) fn run(mut self, stop: &AtomicBool) {
        // Before the first look nobody knows what lies there.
        let mut hints = Hints { all: true, ..Hints::default() };
        while !stop.load(Ordering::SeqCst) {
            if let Some(config) = self.edited.try_iter().last() {
                self.take(&config);
                hints.all = true;
            }
            for (job, folder) in self.lacking.try_iter() {
                self.intake.mend(&job, folder, Instant::now());
            }
            let report = self.intake.scan(&hints, Instant::now());
            for id in &report.accepted {
                tracing::info!(job = %id, "accepted");
            }
            if !report.accepted.is_empty() && self.accepted.send(report.accepted).is_err() {
                return;
            }
            for problem in &report.problems {
                tracing::warn!(hot_folder = %problem.hot_folder, "{}", problem.text);
            }
            let folders = self.since_when(self.intake.state());
            *self.folders.lock().unwrap_or_else(PoisonError::into_inner) = folders;
            hints = self.watch.wait(report.next);
        }
    }

    /// A folder that the server before could not reach either has been away since then.
    fn since_when(&mut self, mut folders: Vec<FolderState>) -> Vec<FolderState> {
        let away = folders.iter().filter_map(|folder| match &folder.mode {
            Mode::Unreachable { since, .. } => Some((folder.path.clone(), *since)),
            _ => None,
        });
        if let Err(e) = self.away.note(&away.collect()) {
            tracing::warn!("{e}");
        }
        for folder in &mut folders {
            if let Mode::Unreachable { since, .. } = &mut folder.mode {
                *since = self.away.since(&folder.path).unwrap_or(*since);
            }
        }
        folders
    }

    fn take(&mut self, config: &Arc<Config>) {
        self.intake.reconfigure(Arc::clone(config), Arc::new(Memory::new(config, &self.workshop)));
        self.watch = Watch::start(config);
        *self.waker.lock().unwrap_or_else(PoisonError::into_inner) = self.watch.waker();
    }
}
