//! What the arguments of `jobs` mean: which jobs there are, open ones by their folders, finished ones by the index.

use std::collections::HashSet;

use crate::error::Error;
use crate::model::manifest::{self, Kind};
use crate::spool::index::{Brief, History};
use crate::spool::job::{self, JobFile, JobId, file};
use crate::spool::queue::{Located, Spool, SpoolError, State};
use crate::worker::earlier::made_something;

pub(super) fn failed(e: &SpoolError) -> Error {
    Error::failed(e.to_string())
}

pub(super) fn record(job: &Located) -> Option<JobFile> {
    job::read(&job.folder, file::JOB).ok()
}

/// Jobs that have not ended, the oldest first. They are few, and their folders say what the index does not.
pub(super) fn open_jobs(spool: &Spool) -> Result<Vec<Located>, Error> {
    let mut jobs = Vec::new();
    for state in [State::Pending, State::Processing, State::Held] {
        jobs.extend(spool.jobs(state).map_err(|e| failed(&e))?);
    }
    jobs.sort_by(|a, b| a.id.cmp(&b.id));
    Ok(jobs)
}

/// The finished jobs of the index but those that are open again.
pub(super) fn finished<'h>(history: &'h History, open: &[Located]) -> Vec<Brief<'h>> {
    let open: HashSet<&str> = open.iter().map(|job| job.id.as_str()).collect();
    let mut jobs = history.jobs();
    jobs.retain(|brief| !brief.is_erased() && !open.contains(&*brief.job));
    jobs
}

/// The folder in which a finished job would be.
pub(super) fn state_of(brief: &Brief<'_>) -> State {
    if brief.result == "failed" { State::Failed } else { State::Done }
}

/// A job that somebody means.
#[derive(Debug)]
pub(super) enum Meant {
    Standing(Located),
    /// Its folder is gone; the index has a line of it.
    Past(JobId),
}

/// A job of a record, as far as it takes to choose among several.
#[derive(Debug, Clone)]
pub(super) struct OfRecord {
    pub(super) id: JobId,
    pub(super) state: State,
    /// Empty for one that has not ended.
    pub(super) result: String,
    kind: Option<Kind>,
    record: String,
    accepted_ms: i64,
}

impl OfRecord {
    /// `pending`, `failed`, `done`, `duplicate`, `cancelled` …
    pub(super) fn word(&self) -> &str {
        if self.result.is_empty() { self.state.word() } else { &self.result }
    }

    /// Whether it made something, or is about to: not one that an earlier job made needless, or that asks for nothing.
    fn makes_something(&self) -> bool {
        !matches!(self.result.as_str(), "duplicate" | "ignored" | "skipped")
    }

    fn of_brief(brief: &Brief<'_>) -> Option<OfRecord> {
        Some(OfRecord {
            id: JobId::parse(&brief.job)?,
            state: state_of(brief),
            result: brief.result.to_string(),
            kind: brief.kind,
            record: brief.record.to_string(),
            accepted_ms: brief.accepted_ms,
        })
    }

    fn of_open(job: &Located) -> Option<OfRecord> {
        let record = record(job)?;
        Some(OfRecord {
            id: job.id.clone(),
            state: job.state,
            result: String::new(),
            kind: record.kind,
            record: record.record,
            accepted_ms: record.accepted.as_millisecond(),
        })
    }
}

/// All jobs of the record that somebody means. A number that stands for records of several kinds is
/// refused: a guess may cancel the wrong one.
fn of_record(text: &str, past: &[Brief<'_>], open: &[Located]) -> Result<Vec<OfRecord>, Error> {
    let open: Vec<OfRecord> = open.iter().filter_map(OfRecord::of_open).collect();
    let records = past.iter().map(|brief| (brief.kind, &*brief.record));
    let records = records.chain(open.iter().map(|job| (job.kind, job.record.as_str())));
    let one = manifest::one_record(text, records).map_err(Error::failed)?;
    Ok(one.map(|(kind, record)| jobs_of(kind, &record, past, open)).unwrap_or_default())
}

/// All jobs of a record, the newest first.
fn jobs_of(kind: Option<Kind>, record: &str, past: &[Brief<'_>], open: Vec<OfRecord>) -> Vec<OfRecord> {
    let past = past.iter().filter(|brief| brief.kind == kind && brief.record == record).filter_map(OfRecord::of_brief);
    let open = open.into_iter().filter(|job| job.kind == kind && job.record == record);
    let mut all: Vec<OfRecord> = past.chain(open).collect();
    all.sort_by(|a, b| (b.accepted_ms, &b.id).cmp(&(a.accepted_ms, &a.id)));
    all
}

/// The other jobs of a job's record, the newest first.
pub(super) fn siblings(spool: &Spool, job: &JobId) -> Result<Vec<OfRecord>, Error> {
    let open = open_jobs(spool)?;
    let history = History::read(spool).map_err(|e| failed(&e))?;
    let past = finished(&history, &open);
    let open: Vec<OfRecord> = open.iter().filter_map(OfRecord::of_open).collect();
    let own = past.iter().find(|brief| brief.job == job.as_str()).and_then(OfRecord::of_brief);
    let own = own.or_else(|| open.iter().find(|other| other.id == *job).cloned());
    let mut all = own.map(|own| jobs_of(own.kind, &own.record, &past, open)).unwrap_or_default();
    all.retain(|other| other.id != *job);
    Ok(all)
}

/// A job id names one job; a record its newest one: first among those in the wanted states, and among those that made
/// something.
pub(super) fn meant(spool: &Spool, text: &str, states: &[State]) -> Result<Meant, Error> {
    if let Some(id) = JobId::parse(text)
        && let Some(job) = spool.find(&id).map_err(|e| failed(&e))?
    {
        return Ok(Meant::Standing(job));
    }
    let open = open_jobs(spool)?;
    let history = History::read(spool).map_err(|e| failed(&e))?;
    let past = finished(&history, &open);
    if let Some(id) = past.iter().find(|brief| brief.job == text).and_then(|brief| JobId::parse(&brief.job)) {
        return Ok(Meant::Past(id));
    }
    let mut jobs = of_record(text, &past, &open)?;
    jobs.sort_by_key(|job| (!states.contains(&job.state), !job.makes_something()));
    // Those whose folders stand before all.
    for OfRecord { id, .. } in &jobs {
        if let Some(job) = spool.find(id).map_err(|e| failed(&e))? {
            return Ok(Meant::Standing(job));
        }
    }
    match jobs.into_iter().next() {
        Some(job) => Ok(Meant::Past(job.id)),
        None => Err(Error::failed(format!("there is no job or record `{text}`; see `hotfolders jobs list`"))),
    }
}

/// A job that stands; one whose folder is gone can only be looked at.
pub(super) fn find(spool: &Spool, text: &str, states: &[State]) -> Result<Located, Error> {
    match meant(spool, text, states)? {
        Meant::Standing(job) => Ok(job),
        Meant::Past(id) => Err(Error::failed(format!(
            "{id}: its folder is gone, only its line in the history is left; see `hotfolders jobs show {id}`"
        ))),
    }
}

/// The job that is made again: the one with this id, whatever became of it, else the newest of the record that is done
/// and made something.
pub(super) fn to_reprint(spool: &Spool, text: &str) -> Result<Located, Error> {
    if let Some(id) = JobId::parse(text)
        && let Some(job) = spool.find(&id).map_err(|e| failed(&e))?
    {
        return Ok(job);
    }
    let open = open_jobs(spool)?;
    let history = History::read(spool).map_err(|e| failed(&e))?;
    let mut past = finished(&history, &open);
    let records = past.iter().map(|brief| (brief.kind, &*brief.record));
    let Some((kind, record)) = manifest::one_record(text, records).map_err(Error::failed)? else {
        return find(spool, text, &[State::Done]);
    };
    past.retain(|brief| brief.kind == kind && brief.record == record);
    past.sort_by(|a, b| (b.accepted_ms, &b.job).cmp(&(a.accepted_ms, &a.job)));
    for brief in past.iter().filter(|brief| brief.result == "done") {
        if made_something(&history.line(brief).map_err(|e| failed(&e))?) {
            return find(spool, &brief.job, &[State::Done]);
        }
    }
    let list: Vec<String> = past.iter().map(|brief| format!("{} ({})", brief.job, brief.result)).collect();
    let text = format!(
        "no job of record `{text}` is done and has made something; name one of these by its id to have it made all the same: {}",
        list.join(", ")
    );
    Err(Error::failed(text))
}

/// How a kind is shown.
pub(super) fn word(kind: Option<Kind>) -> &'static str {
    kind.map_or("job", Kind::word)
}
