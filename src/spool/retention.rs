//! What is too old to be kept, and how it goes.
//!
//! Owns: only what has ended goes, and whole days of it: nothing pending, processing or held, no original, nothing at a
//! destination. A folder that goes is moved to `tmp/` first, so that a cut leaves it for the next start, not half of it
//! among the jobs.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp, Zoned};
use serde::{Deserialize, Serialize};

use super::durable::{self, Done};
use super::index::{Brief, Change, History, Summary};
use super::job::{JobId, file};
use super::queue::{Spool, SpoolError, State};
use crate::model::config::Retention;

/// What is older than these goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The first day of `done/` and of `failed/` that stays.
    pub done: Date,
    pub failed: Date,
    pub receipts: Timestamp,
    pub history: Timestamp,
}

fn before(now: &Zoned, age: Duration) -> Zoned {
    let age = SignedDuration::try_from(age).unwrap_or(SignedDuration::MAX);
    now.checked_sub(age).unwrap_or_else(|_| Timestamp::MIN.to_zoned(now.time_zone().clone()))
}

impl Limits {
    /// `now` in the studio's time zone, by which the days of the spool go.
    pub fn of(retention: &Retention, now: &Zoned) -> Limits {
        // By the history the rest is known: it stays as long as anything of a job.
        let history = retention.history.max(retention.done).max(retention.failed).max(retention.receipts);
        Limits {
            done: before(now, retention.done).date(),
            failed: before(now, retention.failed).date(),
            receipts: before(now, retention.receipts).timestamp(),
            history: before(now, history).timestamp(),
        }
    }

    fn first_day(&self, state: State) -> Option<Date> {
        match state {
            State::Done => Some(self.done),
            State::Failed => Some(self.failed),
            State::Pending | State::Processing | State::Held => None,
        }
    }

    /// What becomes of a line of the index.
    pub fn decide(&self, line: &Summary) -> Change {
        if line.finished < self.history { Change::Drop } else { Change::Keep }
    }
}

/// The folders of the days that go, the oldest first.
pub fn old_days(spool: &Spool, state: State, limits: &Limits) -> Result<Vec<PathBuf>, SpoolError> {
    let Some(first) = limits.first_day(state) else { return Ok(Vec::new()) };
    let mut days = Spool::entries(&spool.folder(state))?;
    days.retain(|day| {
        let name = day.file_name().and_then(|name| name.to_str());
        // A folder with another name is somebody's own.
        name.and_then(|name| name.parse::<Date>().ok().filter(|date| date.to_string() == name))
            .is_some_and(|date| date < first)
            && day.is_dir()
    });
    Ok(days)
}

/// Takes a folder from among the jobs; it is in `tmp/`, to be removed at leisure, or by the next start.
pub fn take_away(spool: &Spool, folder: &Path) -> Done<PathBuf> {
    let of = folder.parent().and_then(Path::file_name).map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    let name = folder.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    // No id begins with a dot, so nothing that is being accepted has this name.
    let gone = spool.tmp().join(format!(".gone-{of}-{name}"));
    durable::remove_tree(&gone)?;
    durable::move_new(folder, &gone)?;
    Ok(gone)
}

/// A receipt in a `receipts:` folder, by its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedReceipt {
    pub path: PathBuf,
    pub job: JobId,
}

/// The files of a `receipts:` folder whose names end as ours do, of the jobs that are `wanted`. There may be very many
/// others.
pub fn receipts_in(folder: &Path, wanted: &dyn Fn(&str) -> bool) -> Result<Vec<NamedReceipt>, SpoolError> {
    let read = |source| SpoolError::Read { path: folder.display().to_string(), source };
    let mut receipts = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(read)? {
        let entry = entry.map_err(read)?.file_name();
        let job = entry.to_str().and_then(|name| name.strip_suffix(".json")?.rsplit_once('.')).map(|(_, job)| job);
        if let Some(job) = job.filter(|job| wanted(job)).and_then(JobId::parse) {
            receipts.push(NamedReceipt { job, path: folder.join(&entry) });
        }
    }
    receipts.sort_by(|a, b| a.job.cmp(&b.job));
    Ok(receipts)
}

/// Those of them whose jobs ended before the limit; those of jobs that are not ours are not known.
pub fn old_receipts(
    folders: &BTreeSet<PathBuf>,
    jobs: &[Brief<'_>],
    limits: &Limits,
) -> (Vec<NamedReceipt>, Vec<String>) {
    let ended: HashMap<&str, i64> = jobs.iter().map(|brief| (&*brief.job, brief.finished_ms)).collect();
    let (mut old, mut problems) = (Vec::new(), Vec::new());
    let is_old = |job: &str| ended.get(job).is_some_and(|ms| *ms < limits.receipts.as_millisecond());
    for folder in folders {
        match receipts_in(folder, &is_old) {
            Ok(of_folder) => old.extend(of_folder),
            Err(e) => problems.push(e.to_string()),
        }
    }
    (old, problems)
}

/// Whether a file is the receipt of this job that we wrote.
pub fn is_receipt_of(path: &Path, job: &JobId) -> bool {
    #[derive(Deserialize)]
    struct Ours {
        #[serde(rename = "receipt")]
        _version: u32,
        job: String,
    }
    let is_file = path.symlink_metadata().is_ok_and(|m| m.is_file());
    let text = if is_file { std::fs::read(path).unwrap_or_default() } else { Vec::new() };
    serde_json::from_slice(&text).is_ok_and(|ours: Ours| ours.job == job.as_str())
}

/// How much goes until a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Forecast {
    pub done: usize,
    pub failed: usize,
    pub receipts: usize,
    pub history: usize,
}

impl Forecast {
    pub fn of(spool: &Spool, receipts: &BTreeSet<PathBuf>, limits: &Limits) -> Result<Forecast, SpoolError> {
        let jobs = |state| -> Result<usize, SpoolError> {
            old_days(spool, state, limits)?.iter().map(|day| Ok(Spool::entries(day)?.len())).sum()
        };
        let history = History::read(spool)?;
        let lines = history.jobs();
        Ok(Forecast {
            done: jobs(State::Done)?,
            failed: jobs(State::Failed)?,
            receipts: old_receipts(receipts, &lines, limits).0.len(),
            history: lines.iter().filter(|line| line.finished_ms < limits.history.as_millisecond()).count(),
        })
    }

    pub fn is_nothing(&self) -> bool {
        *self == Forecast::default()
    }
}

/// An asset is told to be in use when a job is accepted with it, at least once in so many hours; and stays as long after.
pub const ASSET_GRACE: Duration = Duration::from_hours(24);

/// Tells that a job which is being accepted uses an asset.
pub fn mark_used(asset: &Path, now: Timestamp) -> Done {
    match modified(asset) {
        Some(at) if age(now, at) < ASSET_GRACE / 2 => Ok(()),
        _ => durable::touch(asset, now),
    }
}

fn modified(file: &Path) -> Option<Timestamp> {
    std::fs::metadata(file).and_then(|m| m.modified()).ok().and_then(|at| Timestamp::try_from(at).ok())
}

fn age(now: Timestamp, at: Timestamp) -> Duration {
    now.duration_since(at).try_into().unwrap_or_default()
}

/// Assets that no job which stands uses, and none that is being accepted. None at all when the search is told to `stop`.
pub fn unused_assets(spool: &Spool, now: Timestamp, stop: &dyn Fn() -> bool) -> Result<Vec<PathBuf>, SpoolError> {
    let old = |path: &PathBuf| modified(path).is_some_and(|at| age(now, at) > ASSET_GRACE);
    let mut assets: Vec<PathBuf> = Spool::entries(&spool.assets())?.into_iter().filter(old).collect();
    if assets.is_empty() {
        return Ok(assets);
    }
    // The digest of an asset stands in the rules of every job that uses it. Most jobs need not be read: the search ends
    // with the last asset that is found in use.
    for state in State::ALL {
        for job in spool.jobs(state)? {
            if assets.is_empty() || stop() {
                return Ok(Vec::new());
            }
            let rules = std::fs::read(job.folder.join(file::RULES)).unwrap_or_default();
            assets.retain(|asset| {
                let name = asset.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
                memchr::memmem::find(&rules, name.as_bytes()).is_none()
            });
        }
    }
    Ok(assets)
}

/// Removes an asset that was not in use, unless an acceptance has taken it into use meanwhile.
pub fn remove_asset(spool: &Spool, asset: &Path, now: Timestamp) -> Done<bool> {
    let name = asset.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    let aside = spool.tmp().join(format!(".asset-{name}"));
    durable::remove_file(&aside)?;
    durable::move_new(asset, &aside)?;
    if modified(&aside).is_some_and(|at| age(now, at) <= ASSET_GRACE) {
        match durable::move_new(&aside, asset) {
            // The acceptance wrote it again.
            Err(e) if e.already_exists() => {}
            other => return other.map(|()| false),
        }
    }
    durable::remove_file(&aside)?;
    Ok(true)
}

#[cfg(test)]
mod tests;
