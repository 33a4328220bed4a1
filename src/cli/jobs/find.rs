//! What the arguments of `jobs` mean: which jobs there are, open ones by their folders, finished ones by the index.

use std::collections::HashSet;

use crate::error::Error;
use crate::model::manifest::Kind;
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

/// A job id names one job; a record its newest one in the wanted states, if there is one in them.
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
    // Newest first, those in the wanted states before the others, those whose folders stand before all.
    let mut of_record: Vec<(State, i64, JobId)> = past
        .iter()
        .filter(|brief| brief.record.eq_ignore_ascii_case(text))
        .filter_map(|brief| Some((state_of(brief), brief.accepted_ms, JobId::parse(&brief.job)?)))
        .collect();
    let accepted = |job: &Located| {
        let record = record(job).filter(|r| r.record.eq_ignore_ascii_case(text))?;
        Some((job.state, record.accepted.as_millisecond(), job.id.clone()))
    };
    of_record.extend(open.iter().filter_map(accepted));
    of_record.sort_by(|a, b| (states.contains(&b.0), b.1, &b.2).cmp(&(states.contains(&a.0), a.1, &a.2)));
    for (_, _, id) in &of_record {
        if let Some(job) = spool.find(id).map_err(|e| failed(&e))? {
            return Ok(Meant::Standing(job));
        }
    }
    match of_record.into_iter().next() {
        Some((_, _, id)) => Ok(Meant::Past(id)),
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
    past.retain(|brief| brief.record.eq_ignore_ascii_case(text));
    if past.is_empty() {
        return find(spool, text, &[State::Done]);
    }
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
