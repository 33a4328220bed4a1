//! `erase`: everything that is kept of a record, a session or a client goes, and a hash is left.
//!
//! Owns: what finds the rest goes last. Cut off anywhere, the same request finds what is left and ends it. Nothing goes
//! while one of the jobs is at work.

mod logs;
mod search;

use std::path::{Path, PathBuf};
use std::sync::PoisonError;

use serde::{Deserialize, Serialize};

use self::search::Found;
use crate::clock;
use crate::control::{Answer, Whom};
use crate::deliver;
use crate::intake;
use crate::model::config::Config;
use crate::model::counted::counted;
use crate::model::units::show_moment;
use crate::plan::Plan;
use crate::spool::durable;
use crate::spool::index::{Change, History, Index, IndexLine, Summary, moved_along};
use crate::spool::job::{self, JobFile, JobId, file};
use crate::spool::journal::Journal;
use crate::spool::labs;
use crate::spool::links::Links;
use crate::spool::queue::{Located, Spool, SpoolError, State};
use crate::spool::retention;
use crate::worker::history;
use crate::worker::run::Workshop;

/// Where it is looked.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ground<'a> {
    pub(crate) spool: &'a Spool,
    pub(crate) config: &'a Config,
}

/// What was found and removed, or with a dry run would be.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Erased {
    pub(crate) dry_run: bool,
    pub(crate) jobs: Vec<ErasedJob>,
    pub(crate) receipts: Vec<PathBuf>,
    /// Lines of the history; a hash of each is left.
    pub(crate) history: usize,
    pub(crate) log_lines: usize,
    /// Links, orders at labs, answers to commands, and copies of a damaged history with lines of it.
    pub(crate) others: Vec<PathBuf>,
    /// What still stands at destinations.
    pub(crate) delivered: Vec<PathBuf>,
    /// Where there may be more.
    pub(crate) out_of_reach: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ErasedJob {
    pub(crate) job: JobId,
    pub(crate) state: State,
}

/// What no program on this machine can know to be about somebody, or can take back.
const OUT_OF_REACH: [&str; 6] = [
    "files at destinations (above), and copies that were made of them",
    "originals in the library, and manifests in hot folders that are not accepted yet",
    "backups of the spool and of the logs",
    "what left the house: discs, prints, mails, downloads, orders at a lab",
    "the studio app, and receipts that it has taken elsewhere",
    "the system's own log, where it keeps the server's standard error",
];

fn shown(whom: &Whom) -> String {
    match whom {
        Whom::Record(record) => format!("record {record}"),
        Whom::Session(session) => format!("session {session}"),
        Whom::Client(mail) => format!("client {mail}"),
    }
}

/// Without a server; the caller holds the lock.
pub(crate) fn offline(ground: Ground<'_>, whom: &Whom, dry_run: bool) -> Answer {
    let open = || -> Result<Index, SpoolError> {
        // What a crash left half-way into a hot folder's acceptance goes back to the hot folder.
        intake::empty_tmp(ground.spool, ground.config)?;
        let (mut index, _) = Index::open(ground.spool)?;
        history::restore(&mut index, ground.spool)?;
        Ok(index)
    };
    match open() {
        Ok(mut index) => carry_out(ground, &mut index, whom, dry_run, &|_| false),
        Err(e) => refused(e.to_string()),
    }
}

/// In the server, where nothing else reads or writes the index meanwhile.
pub(super) fn serve(workshop: &Workshop, whom: &Whom, dry_run: bool, running: &dyn Fn(&JobId) -> bool) -> Answer {
    let config = workshop.config();
    let mut index = workshop.index.lock().unwrap_or_else(PoisonError::into_inner);
    carry_out(Ground { spool: &workshop.spool, config: &config }, &mut index, whom, dry_run, running)
}

fn refused(why: impl Into<String>) -> Answer {
    Answer { refused: vec![why.into()], ..Answer::default() }
}

/// Carries a request out, or says why nothing was changed.
fn carry_out(
    ground: Ground<'_>,
    index: &mut Index,
    whom: &Whom,
    dry_run: bool,
    running: &dyn Fn(&JobId) -> bool,
) -> Answer {
    let found = match search::find(ground, index, whom) {
        Ok(found) => found,
        Err(e) => return refused(e.to_string()),
    };
    let busy: Vec<String> = found.jobs.iter().filter_map(|job| why_not_now(job, running)).collect();
    if !busy.is_empty() {
        return Answer { refused: busy, ..Answer::default() };
    }
    let problems = found.problems.clone();
    let mut eraser =
        Eraser { ground, found, dry_run, erased: Erased { dry_run, ..Erased::default() }, refused: problems };
    eraser.run(index);
    let Eraser { mut erased, mut refused, found, .. } = eraser;
    let stands = |path: PathBuf| {
        let here = path.symlink_metadata().is_ok();
        if here { Some(path) } else { moved_along(&ground.config.folder, &path) }
    };
    erased.delivered = found.delivered.into_iter().filter_map(stands).collect();
    let nothing = found.ids.is_empty() && erased == Erased { dry_run, ..Erased::default() };
    if nothing && refused.is_empty() {
        let before = match whom {
            Whom::Record(record) => History::read(ground.spool).ok().and_then(|history| history.erased_at(record)),
            Whom::Session(_) | Whom::Client(_) => None,
        };
        let zone = clock::time_zone(ground.config.studio.time_zone.as_deref());
        let before = before.map(|at| format!("; it was erased at {}", show_moment(at, &zone))).unwrap_or_default();
        refused.push(format!("nothing is kept of {}{before}", shown(whom)));
    } else {
        erased.out_of_reach = OUT_OF_REACH.map(String::from).to_vec();
        if !dry_run {
            tracing::info!(
                "erased {} and {} of the history",
                counted(erased.jobs.len(), "job"),
                counted(erased.history, "line")
            );
        }
    }
    Answer { refused, report: serde_json::to_value(&erased).ok(), ..Answer::default() }
}

fn why_not_now(job: &Located, running: &dyn Fn(&JobId) -> bool) -> Option<String> {
    if running(&job.id) {
        return Some(format!(
            "{0} is running: wait for its end, or `hotfolders jobs cancel {0}` first; nothing was erased",
            job.id
        ));
    }
    let record: JobFile = job::read(&job.folder, file::JOB).ok()?;
    (!record.drop_cleared).then(|| {
        format!(
            "{}: its files could not all be removed from hot folder {} yet, and would come again; nothing was erased",
            job.id, record.hot_folder
        )
    })
}

struct Eraser<'a> {
    ground: Ground<'a>,
    found: Found,
    dry_run: bool,
    erased: Erased,
    refused: Vec<String>,
}

impl Eraser<'_> {
    fn run(&mut self, index: &mut Index) {
        self.logs();
        self.links();
        self.others();
        self.receipts();
        self.jobs();
        // By the history the rest is found: it stays while something could not be removed.
        if self.refused.is_empty()
            && !self.found.ids.is_empty()
            && let Err(e) = self.history(index)
        {
            self.refused.push(e.to_string());
        }
    }

    /// Notes what could not be removed.
    fn done<E: std::fmt::Display>(&mut self, result: Result<(), E>) -> bool {
        match result {
            Ok(()) => true,
            Err(e) => {
                self.refused.push(e.to_string());
                false
            }
        }
    }

    fn logs(&mut self) {
        match logs::erase(&self.ground.config.server.log.folder, &self.found.names, self.dry_run) {
            Ok(lines) => self.erased.log_lines = lines,
            Err(e) => self.refused.push(e),
        }
    }

    /// What lies behind them first: the record is what it is found by.
    fn links(&mut self) {
        let links = Links::of_spool(self.ground.spool.root());
        for (hash, record) in links.all() {
            if !self.found.ids.contains(&record.job) {
                continue;
            }
            let gone =
                self.dry_run || (self.done(durable::remove_tree(&record.folder)) && self.done(links.forget(&hash)));
            if gone {
                self.erased.others.push(record.folder);
                self.erased.others.push(links.path(&hash));
            }
        }
    }

    fn others(&mut self) {
        let root = self.ground.spool.root();
        for folder in [labs::FOLDER, "commands"] {
            for path in files(&root.join(folder)) {
                // Requests are answered, one by one; this one is among them.
                let counts = folder != "commands" || path.to_string_lossy().ends_with(".answer.json");
                let text = if counts { std::fs::read(&path).unwrap_or_default() } else { Vec::new() };
                let of_ours = |id: &JobId| memchr::memmem::find(&text, id.as_str().as_bytes()).is_some();
                if self.found.ids.iter().any(of_ours) && (self.dry_run || self.done(durable::remove_file(&path))) {
                    self.erased.others.push(path);
                }
            }
        }
        let copies = files(root).into_iter().filter(|path| {
            path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("index.jsonl.damaged"))
        });
        for path in copies.collect::<Vec<_>>() {
            let text = match std::fs::read(&path) {
                Ok(text) => text,
                Err(e) => {
                    self.refused.push(format!("cannot read {}: {e}", path.display()));
                    continue;
                }
            };
            let stays = |line: &&[u8]| !self.found.names.are_in(line);
            let kept = text.split_inclusive(|b| *b == b'\n').filter(stays).collect::<Vec<_>>().concat();
            if kept.len() != text.len() && (self.dry_run || self.done(durable::replace_private(&path, &kept))) {
                self.erased.others.push(path);
            }
        }
    }

    fn receipts(&mut self) {
        for receipt in std::mem::take(&mut self.found.receipts) {
            let ours = retention::is_receipt_of(&receipt.path, &receipt.job);
            if ours && (self.dry_run || self.done(durable::remove_file(&receipt.path))) {
                self.erased.receipts.push(receipt.path);
            }
        }
    }

    fn jobs(&mut self) {
        for job in std::mem::take(&mut self.found.jobs) {
            let removed = self.dry_run || {
                let parts = clean_destinations(&job);
                self.done(parts) && {
                    let spool = self.ground.spool;
                    let gone = retention::take_away(spool, &job.folder).and_then(|gone| durable::remove_tree(&gone));
                    self.done(gone)
                }
            };
            if removed {
                self.erased.jobs.push(ErasedJob { job: job.id, state: job.state });
            }
        }
    }

    fn history(&mut self, index: &mut Index) -> Result<(), SpoolError> {
        let (now, ids) = (clock::now(), &self.found.ids);
        let mut decide = |line: &Summary, _: &[u8]| match IndexLine::tombstone(line, now) {
            Some(tombstone) if ids.contains(&line.job) => Change::Replace(Box::new(tombstone)),
            _ => Change::Keep,
        };
        let rewrite = index.rewrite()?;
        if self.dry_run {
            self.erased.history = rewrite.count(&mut decide)?.unwrap_or_default();
            return Ok(());
        }
        let copied = rewrite.copy(&mut decide)?;
        // The index is ours alone meanwhile, so the copy always fits.
        self.erased.history = index.publish(copied, &mut decide)?.unwrap_or_default();
        Ok(())
    }
}

/// Temporary names at destinations that a job which has not ended left.
fn clean_destinations(job: &Located) -> Result<(), String> {
    let Ok(plan) = job::read::<Plan>(&job.folder, file::PLAN) else { return Ok(()) };
    let is_open = !job.state.is_dated();
    if !is_open {
        return Ok(());
    }
    let mut journal = Journal::open(&job.folder.join(file::JOURNAL)).map_err(|e| e.to_string())?;
    plan.deliveries.iter().try_for_each(|step| {
        deliver::clean(job.id.as_str(), step, &mut journal, &clock::now).map_err(|e| e.to_string())
    })
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.symlink_metadata().is_ok_and(|m| m.is_file()))
        .collect();
    files.sort();
    files
}
