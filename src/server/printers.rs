//! The printers of the studio, each looked at by a thread of its own, and what a doubtful print keeps waiting.
//!
//! Owns: nobody waits for a printer that does not answer but the thread that looks at it.

use std::collections::BTreeMap;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::Scheduler;
use super::waiting::Record;
use crate::clock;
use crate::control;
use crate::model::config::Printer;
use crate::print::look::{Condition, Looker};
use crate::spool::job::{self, JobFile, JobId, Question, file};
use crate::spool::queue::{Spool, State};
use crate::worker::run::Workshop;

/// How often it is looked whether the config names other printers, and whether somebody waits for one.
const TICK: Duration = Duration::from_millis(200);
/// Between two looks at a printer that somebody waits for, and at one that nobody does.
const WANTED: Duration = Duration::from_secs(1);
const UNWANTED: Duration = Duration::from_secs(15);
/// Jobs that wait for printers and keep a thread each; more than these wait in the queue.
const PRINTING_MAX: usize = 200;
/// Jobs that wait for a slow mail server beside those that compute; servers take so many connections, and hardly more.
const MAILING_MAX: usize = 8;
/// The longest rest after looks that got no answer.
const UNREACHABLE_MOST: Duration = Duration::from_secs(20);

impl Scheduler {
    /// Jobs whose sheets are up to printers, or whose mails are up to the mail server, need no core.
    pub(super) fn has_room(&self) -> bool {
        let (mut computing, mut mailing) = (0, 0);
        for job in self.running.values() {
            let report = job.report.lock().unwrap_or_else(PoisonError::into_inner);
            computing += usize::from(!report.printing && !report.mailing);
            mailing += usize::from(report.mailing);
        }
        let computing = computing + mailing.saturating_sub(MAILING_MAX);
        computing < self.max_jobs && self.running.len() < self.max_jobs + PRINTING_MAX
    }
}

/// Looks at every printer of the config in force until the server stops.
pub(super) fn start(workshop: &Arc<Workshop>, stop: &Arc<AtomicBool>) -> io::Result<JoinHandle<()>> {
    let (workshop, stop) = (Arc::clone(workshop), Arc::clone(stop));
    std::thread::Builder::new().name("printers".into()).spawn(move || {
        let mut lookers: BTreeMap<String, (Printer, Arc<AtomicBool>)> = BTreeMap::new();
        while !stop.load(Ordering::SeqCst) {
            let config = workshop.config();
            lookers.retain(|_, (printer, end)| {
                let stays = config.printers.contains(printer);
                end.store(!stays, Ordering::SeqCst);
                stays
            });
            for printer in &config.printers {
                if !lookers.contains_key(&printer.name) {
                    let end = Arc::new(AtomicBool::new(false));
                    if look_after(&workshop, printer, &end) {
                        lookers.insert(printer.name.clone(), (printer.clone(), end));
                    }
                }
            }
            std::thread::sleep(TICK);
        }
        for (_, end) in lookers.values() {
            end.store(true, Ordering::SeqCst);
        }
    })
}

/// A thread that only reads: it is not waited for when the server stops.
fn look_after(workshop: &Arc<Workshop>, printer: &Printer, end: &Arc<AtomicBool>) -> bool {
    let (workshop, printer, end) = (Arc::clone(workshop), printer.clone(), Arc::clone(end));
    let look = move || {
        let (mut looker, mut rest) = (Looker::default(), WANTED);
        while !end.load(Ordering::SeqCst) {
            let name = printer.name.as_str();
            let look = looker.look(&printer, &workshop.press.below(name), &|place| workshop.places.unmounted(place));
            let (condition, reasons) = (look.condition, look.reasons.join(", "));
            rest = if condition == Condition::Unreachable { (rest * 2).min(UNREACHABLE_MOST) } else { WANTED };
            if workshop.press.saw(name, look, clock::now()) {
                tracing::info!(printer = name, %condition, "{reasons}");
            }
            let since = Instant::now();
            let is_due = || since.elapsed() >= if workshop.press.is_wanted(name) { rest } else { UNWANTED.max(rest) };
            while !is_due() && !end.load(Ordering::SeqCst) {
                std::thread::sleep(TICK);
            }
        }
    };
    let started = std::thread::Builder::new().name("printer".into()).spawn(look);
    started.map_err(|e| tracing::error!("cannot start a thread: {e}")).is_ok()
}

/// Records of held jobs: `Some` where a print is in doubt.
#[derive(Debug, Default)]
pub(super) struct Doubtful(BTreeMap<JobId, Option<Record>>);

impl Doubtful {
    /// Looks at the held jobs that it does not know yet.
    pub(super) fn refresh(&mut self, spool: &Spool) {
        let Ok(held) = spool.jobs(State::Held) else { return };
        self.0.retain(|id, _| held.iter().any(|job| job.id == *id));
        for job in held {
            self.0.entry(job.id.clone()).or_insert_with(|| {
                let questions: Vec<Question> = job::read(&job.folder, file::QUESTIONS).unwrap_or_default();
                let asks = questions.iter().any(|question| question.code == control::PRINT);
                let record: JobFile = job::read(&job.folder, file::JOB).ok().filter(|_| asks)?;
                Some((record.kind, record.record))
            });
        }
    }

    pub(super) fn records(&self) -> impl Iterator<Item = &Record> {
        self.0.values().flatten()
    }
}
