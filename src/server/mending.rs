//! Jobs that are tried again and lack pictures: the intake looks for these before they start.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, mpsc};

use crate::intake::Waker;
use crate::spool::job::{JobFile, JobId};

/// The scheduler's way to the intake.
pub(super) struct ToIntake {
    lacking: mpsc::Sender<(JobFile, PathBuf)>,
    /// Of the scanner.
    waker: Arc<Mutex<Waker>>,
    asked: HashSet<JobId>,
}

impl ToIntake {
    pub(super) fn new(lacking: mpsc::Sender<(JobFile, PathBuf)>, waker: Arc<Mutex<Waker>>) -> ToIntake {
        ToIntake { lacking, waker, asked: HashSet::new() }
    }

    /// Has the pictures of a job in `pending/` looked for; asked for once, it is announced when that is done.
    pub(super) fn look_for(&mut self, job: JobFile, folder: PathBuf) {
        if self.asked.insert(job.job.clone()) && self.lacking.send((job, folder)).is_ok() {
            self.waker.lock().unwrap_or_else(PoisonError::into_inner).wake();
        }
    }

    /// It lacks nothing any more.
    pub(super) fn forget(&mut self, job: &JobId) {
        self.asked.remove(job);
    }

    /// A job that has left `pending/` asks anew when it comes back.
    pub(super) fn keep(&mut self, pending: &HashSet<&JobId>) {
        self.asked.retain(|job| pending.contains(job));
    }
}
