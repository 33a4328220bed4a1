//! One job, from wherever its journal says it is, to a state folder where it rests.

mod again;
mod ending;
mod handing;
mod lacks;
mod linking;
mod mailing;
mod making;
mod planning;
mod printing;
mod signals;
mod withdraw;

pub use self::again::{Asks, Compared, compare, open_before};
pub use self::signals::Signals;

use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use self::mailing::Handover;
use super::earlier::{self, Open};
use super::passes::Renderer;
use super::receipt::Notice;
use crate::clock;
use crate::error::Fate;
use crate::model::config::Config;
use crate::plan::frozen::Frozen;
use crate::plan::{Plan, Weight};
use crate::print::press::Press;
use crate::spool::durable::{self, DurableError};
use crate::spool::index::Index;
use crate::spool::job::{self, JobFile, JobId, Question, RecordError, UNMATCHED, file};
use crate::spool::journal::{Entry, Journal, JournalError, Progress};
use crate::spool::links::Links;
use crate::spool::places::Places;
use crate::spool::queue::{Located, Spool, SpoolError, State};
use crate::spool::retention::Forecast;
use crate::spool::thumbnails;

/// What all jobs share.
#[derive(Debug)]
pub struct Workshop {
    /// The one in force.
    pub config: RwLock<Arc<Config>>,
    pub spool: Spool,
    pub index: Mutex<Index>,
    pub places: Places,
    pub renderer: Renderer,
    pub links: Arc<Links>,
    pub press: Press,
    /// What retention removes within a day, once that was counted.
    pub outlook: Mutex<Option<Forecast>>,
}

impl Workshop {
    pub fn config(&self) -> Arc<Config> {
        Arc::clone(&self.config.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Another one is in force from the next question on.
    pub fn reconfigure(&self, config: Arc<Config>) {
        *self.config.write().unwrap_or_else(PoisonError::into_inner) = config;
    }
}

/// Where a job came to rest, or why it goes on later.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// `done` or `failed`, with the receipt's result.
    Finished {
        state: State,
        result: String,
    },
    Held {
        questions: usize,
    },
    /// The world's failure: tried again later. `place` is what was not as it should be.
    Wait {
        why: String,
        place: PathBuf,
    },
    /// Told to stop; it goes on after the next start.
    Stopped,
    /// Ours: the job stays where it is and a person must look.
    Halted {
        why: String,
    },
}

/// What a running job tells while it runs.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub struct Report {
    pub rendered: usize,
    pub to_render: usize,
    pub delivered: usize,
    pub to_deliver: usize,
    /// Sheets that have come to their end at a printer.
    pub printed: usize,
    pub to_print: usize,
    /// It computes no more: what is left is up to printers.
    pub printing: bool,
    /// It computes no more: what is left is up to the mail server.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub mailing: bool,
    /// What its sheets, or its mails, wait for, and since when.
    pub waits: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waits_since: Option<jiff::Timestamp>,
    /// Sheets that a person has to look at.
    pub asks: usize,
}

/// Why a run ends before its end.
#[derive(Debug)]
enum Stop {
    Failure {
        fate: Fate,
        code: &'static str,
        text: String,
    },
    /// The world's: a place that is not as it should be.
    Unreachable {
        place: PathBuf,
        text: String,
    },
    Stopped,
    Cancelled,
    /// By hand.
    Held,
    /// A sheet has to be planned and made anew.
    Again,
}

impl From<DurableError> for Stop {
    /// The disk's errors are the world's: full, gone, read-only.
    fn from(e: DurableError) -> Stop {
        Stop::Unreachable { place: e.path.clone(), text: e.to_string() }
    }
}

impl From<RecordError> for Stop {
    fn from(e: RecordError) -> Stop {
        let fate = if matches!(e, RecordError::Damaged { .. }) || e.is_not_found() { Fate::Halt } else { Fate::Wait };
        Stop::Failure { fate, code: "record", text: e.to_string() }
    }
}

impl From<JournalError> for Stop {
    fn from(e: JournalError) -> Stop {
        let fate = if matches!(e, JournalError::Damaged { .. }) { Fate::Halt } else { Fate::Wait };
        Stop::Failure { fate, code: "journal", text: e.to_string() }
    }
}

impl From<SpoolError> for Stop {
    fn from(e: SpoolError) -> Stop {
        Stop::Failure { fate: Fate::Wait, code: "spool", text: e.to_string() }
    }
}

impl Stop {
    fn is_world(&self) -> bool {
        matches!(self, Stop::Unreachable { .. } | Stop::Failure { fate: Fate::Wait, .. })
    }

    /// Everything in the spool is one place: its disk.
    fn waits(self, spool: &Spool) -> Outcome {
        match self {
            Stop::Unreachable { place, text } if !place.starts_with(spool.root()) => Outcome::Wait { why: text, place },
            Stop::Unreachable { text, .. } | Stop::Failure { text, .. } => {
                Outcome::Wait { why: text, place: spool.root().to_path_buf() }
            }
            Stop::Stopped | Stop::Cancelled | Stop::Held | Stop::Again => Outcome::Stopped,
        }
    }
}

fn reject(code: &'static str, text: impl Into<String>) -> Stop {
    Stop::Failure { fate: Fate::Reject, code, text: text.into() }
}

/// How often a job is planned anew in one run because its printers ask for other sheets.
const WORKS_MAX: usize = 5;

/// Runs a job as far as it can go now. `later` are jobs of its record that came after it.
pub fn run(workshop: &Workshop, job: Located, signals: &Signals, later: &[JobId], report: &dyn Fn(Report)) -> Outcome {
    let mut run = match Run::open(workshop, job, signals, report) {
        Ok(run) => run,
        Err((_, stop)) if stop.is_world() => return stop.waits(&workshop.spool),
        Err((_, Stop::Failure { text, .. } | Stop::Unreachable { text, .. })) => return Outcome::Halted { why: text },
        Err((_, Stop::Stopped | Stop::Cancelled | Stop::Held | Stop::Again)) => return Outcome::Stopped,
    };
    let mut worked = run.work(later);
    // The config, and with it what printers ask for, may change again meanwhile; not for ever.
    for _ in 1..WORKS_MAX {
        if !matches!(worked, Err(Stop::Again)) {
            break;
        }
        worked = run.work(later);
    }
    let result = match worked {
        Ok(outcome) => Ok(outcome),
        Err(Stop::Cancelled) => run.cancel(),
        Err(Stop::Held) => run.hold_by_hand(),
        Err(Stop::Failure { fate: Fate::Reject, code, text }) => run.finish("failed", &[Notice::new(code, text)]),
        Err(other) => Err(other),
    };
    match result {
        Ok(outcome) => outcome,
        Err(stop) if stop.is_world() => stop.waits(&workshop.spool),
        Err(Stop::Failure { text, .. } | Stop::Unreachable { text, .. }) => Outcome::Halted { why: text },
        Err(Stop::Stopped | Stop::Cancelled | Stop::Held | Stop::Again) => Outcome::Stopped,
    }
}

struct Run<'a> {
    workshop: &'a Workshop,
    signals: &'a Signals,
    report: &'a dyn Fn(Report),
    at: Located,
    job: JobFile,
    journal: Journal,
    frozen: Option<Frozen>,
    plan: Option<Plan>,
    warnings: Vec<Notice>,
    /// The job whose work this one repeats.
    duplicate_of: Option<String>,
    /// What differs from an earlier run of the record, where the profile wants to be asked.
    repeats: Vec<Question>,
    /// Files of earlier jobs that this one removed.
    removed: Vec<PathBuf>,
    /// Commands whose end nobody knows, mails that may have arrived.
    doubts: Vec<Question>,
    /// Mails that are being handed over.
    mails: Vec<Handover>,
    /// Why one of them has to wait.
    mail_waits: Option<Stop>,
}

impl<'a> Run<'a> {
    fn open(
        workshop: &'a Workshop,
        at: Located,
        signals: &'a Signals,
        report: &'a dyn Fn(Report),
    ) -> Result<Run<'a>, (JobId, Stop)> {
        let id = at.id.clone();
        let open = || -> Result<Run<'a>, Stop> {
            let mut job: JobFile = job::read(&at.folder, file::JOB)?;
            follow(&mut job, &workshop.config());
            let at = if at.state == State::Pending {
                begin_again(&at.folder, &mut job)?;
                let _moves = job::moving();
                workshop.spool.move_to(&at, State::Processing, Self::day(&job))?
            } else {
                at
            };
            let journal = Journal::open(&at.folder.join(file::JOURNAL))?;
            Ok(Run {
                workshop,
                signals,
                report,
                at,
                job,
                journal,
                frozen: None,
                plan: None,
                warnings: Vec::new(),
                duplicate_of: None,
                repeats: Vec::new(),
                removed: Vec::new(),
                doubts: Vec::new(),
                mails: Vec::new(),
                mail_waits: None,
            })
        };
        open().map_err(|stop| (id, stop))
    }

    fn day(job: &JobFile) -> jiff::civil::Date {
        job.accepted.to_zoned(clock::time_zone(None)).date()
    }

    /// In the studio's time.
    fn accepted(&self) -> jiff::civil::DateTime {
        let zone = self.frozen.as_ref().and_then(|frozen| frozen.studio.time_zone.as_deref());
        self.job.accepted.to_zoned(clock::time_zone(zone)).datetime()
    }

    fn folder(&self) -> &Path {
        &self.at.folder
    }

    fn move_to(&mut self, state: State, day: jiff::civil::Date) -> Result<(), Stop> {
        let _moves = job::moving();
        self.at = self.workshop.spool.move_to(&self.at, state, day)?;
        Ok(())
    }

    fn append(&mut self, entries: Vec<Entry>) -> Result<(), Stop> {
        Ok(self.journal.append(clock::now(), entries)?)
    }

    fn progress(&self) -> &Progress {
        self.journal.progress()
    }

    /// A place whose disk is not mounted is not written to, whatever stands there.
    fn reach(&self, place: &Path) -> Result<(), Stop> {
        match self.workshop.places.unmounted(place) {
            Some(text) => Err(Stop::Unreachable { place: place.to_path_buf(), text }),
            None => Ok(()),
        }
    }

    /// Of a job that is on its way to be held, and waits for its sheets.
    fn check_signals_of_hold(&self) -> Result<(), Stop> {
        if self.signals.cancel.load(Ordering::SeqCst) {
            return Err(Stop::Cancelled);
        }
        if self.signals.is_server_stopping.load(Ordering::SeqCst) {
            return Err(Stop::Stopped);
        }
        Ok(())
    }

    fn check_signals(&self) -> Result<(), Stop> {
        if self.signals.cancel.load(Ordering::SeqCst) {
            return Err(Stop::Cancelled);
        }
        if self.signals.hold.load(Ordering::SeqCst) {
            return Err(Stop::Held);
        }
        if self.signals.stop.load(Ordering::SeqCst) {
            return Err(Stop::Stopped);
        }
        Ok(())
    }

    fn work(&mut self, later: &[JobId]) -> Result<Outcome, Stop> {
        if self.folder().join(file::CANCEL).exists() {
            return Err(Stop::Cancelled);
        }
        if self.folder().join(file::HOLD).exists() {
            return Err(Stop::Held);
        }
        let own = Open { at: self.at.clone(), record: self.job.clone(), works: None };
        if let Some(by) = earlier::replaced_by(&self.workshop.spool, &own, later)? {
            self.warnings.push(Notice::new("replaced", again::replaced_text(by.as_str())));
            return Err(Stop::Cancelled);
        }
        let again = self.job.look_again;
        if self.progress().started.is_none() {
            self.append(vec![Entry::Started])?;
        }
        let mut frozen: Frozen = job::read(self.folder(), file::RULES)?;
        frozen.follow(&self.workshop.config().folder);
        let (manifest, frozen) = match self.read_manifest(frozen, again)? {
            Ok(both) => both,
            Err(outcome) => return Ok(outcome),
        };
        let plan = self.planned(&manifest, &frozen, again)?;
        self.frozen = Some(frozen);
        if self.duplicate_of.is_some() {
            return self.finish("duplicate", &[]);
        }
        self.plan = Some(plan.clone());
        if !self.job.released {
            let mut questions: Vec<Question> = plan
                .holds()
                .map(|f| Question { line: f.line, number: f.number.clone(), ..Question::new(&f.code, &f.text) })
                .collect();
            questions.append(&mut self.repeats);
            if let Some(why) = &self.job.hold {
                questions.push(Question::new("hold", why));
            }
            if !questions.is_empty() {
                return self.hold(&questions);
            }
        }
        self.warnings.extend(
            plan.findings.iter().filter(|f| f.weight == Weight::Warn || self.job.released).map(Notice::of_finding),
        );
        self.render(&plan)?;
        self.deliver(&plan)
    }
}

/// Where the folder for receipts is gone because the studio's folder was moved, they go to the one of today.
fn follow(job: &mut JobFile, config: &Config) {
    let today = config.hot_folder(&job.hot_folder).and_then(|hot_folder| hot_folder.receipts.as_ref());
    if let (Some(then), Some(today)) = (&mut job.receipts, today)
        && !then.is_dir()
        && today.is_dir()
    {
        then.clone_from(today);
    }
}

/// A job that ended before and lies in `pending/` again, by `jobs retry` or by hand: what failed is open again, and the
/// world is looked at anew. While the receipt stands, a crash comes back here.
fn begin_again(folder: &Path, job: &mut JobFile) -> Result<(), Stop> {
    if !folder.join(file::REASON).exists() && !folder.join(file::RECEIPT).exists() {
        return Ok(());
    }
    job.retries += 1;
    job.look_again = true;
    job.answers.remove(UNMATCHED);
    job::write(folder, file::JOB, job)?;
    let mut journal = Journal::open(&folder.join(file::JOURNAL))?;
    if journal.progress().nothing_left() {
        // Nobody has seen anything of it: it is matched and made anew, with the config of today.
        drop(journal);
        for tree in [file::OUTPUTS, thumbnails::FOLDER] {
            durable::remove_tree(&folder.join(tree))?;
        }
        for name in [file::PLAN, file::WORKS, file::JOURNAL] {
            durable::remove_file(&folder.join(name))?;
        }
    } else {
        journal.append(clock::now(), vec![Entry::Retried])?;
    }
    for name in [file::REASON_TEXT, file::REASON, file::RECEIPT] {
        durable::remove_file(&folder.join(name))?;
    }
    Ok(())
}
