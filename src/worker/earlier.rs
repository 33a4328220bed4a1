//! What other jobs of a record have made, or will make.
//!
//! Owns: how two jobs of one record are compared. Only reads.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::PoisonError;

use jiff::Timestamp;

use super::run::Workshop;
use crate::model::digest::sha256;
use crate::model::manifest::{self, Action, Kind, Manifest};
use crate::plan::fingerprint::{self, Work, Works};
use crate::plan::frozen::{Frozen, Verdict};
use crate::plan::{PlanSource, SourcePlace};
use crate::spool::index::{History, IndexLine};
use crate::spool::job::{self, JobFile, JobId, Stamp, file};
use crate::spool::journal;
use crate::spool::queue::{Located, Spool, SpoolError, State};

/// Enough of a digest to tell the few originals of one record apart.
const IDENTITY_DIGITS: usize = 32;

/// What tells an original from another one, or from what it was before: the demanded digest; in the library also size
/// and time; beside the manifest the digest of its bytes.
pub fn identity(source: &PlanSource, job_folder: &Path) -> std::io::Result<String> {
    identity_at(source, &source.place.path(job_folder))
}

/// As [`identity`], of an original that lies at `path`.
pub fn identity_at(source: &PlanSource, path: &Path) -> std::io::Result<String> {
    let demanded = source.sha256.as_deref();
    let told = match &source.place {
        SourcePlace::Library(_) => {
            let time_ns = Stamp::of(path)?.modified_ns;
            sha256(format!("{} {} {time_ns} {}", source.shown, source.bytes, demanded.unwrap_or_default()).as_bytes())
        }
        SourcePlace::Input(_) => match demanded {
            Some(digest) => digest.to_string(),
            None => of_bytes(path)?,
        },
    };
    Ok(told[..told.len().min(IDENTITY_DIGITS)].to_string())
}

fn of_bytes(path: &Path) -> std::io::Result<String> {
    crate::model::digest::sha256_of(&mut std::fs::File::open(path)?)
}

/// Of a picture that lies with its manifest.
pub fn identity_beside(path: &Path) -> std::io::Result<String> {
    of_bytes(path).map(|digest| digest[..IDENTITY_DIGITS].to_string())
}

/// What a job asks for, before anything is known of its pictures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    pub request: String,
    pub owners: BTreeSet<String>,
}

impl Asked {
    /// `None` for a job that is not compared with others: a reprint, one that makes nothing.
    pub fn of(manifest: &Manifest, frozen: &Frozen) -> Option<Asked> {
        // Whoever drops pictures without a manifest wants them made.
        let is_compared = manifest.action == Action::New && manifest.kind != Kind::Pictures;
        (is_compared && frozen.verdict == Verdict::Run)
            .then(|| Asked { request: fingerprint::request(manifest, frozen), owners: fingerprint::owners(frozen) })
    }

    fn of_job(folder: &Path, job: &JobFile) -> Option<Asked> {
        if job.reprint_of.is_some() {
            return None;
        }
        let bytes = std::fs::read(folder.join(&job.manifest_file)).ok()?;
        let manifest = manifest::read_job(&bytes, &job.manifest, job.kind).ok()?.manifest;
        Asked::of(&manifest, &job::read(folder, file::RULES).ok()?)
    }

    /// Asks for everything that the other one does, in another way.
    pub fn replaces(&self, other: &Asked) -> bool {
        self.owners.is_superset(&other.owners) && self.request != other.request
    }
}

/// A job of the record that is not finished.
#[derive(Debug)]
pub struct Open {
    pub at: Located,
    pub record: JobFile,
    /// Once it was planned.
    pub works: Option<Works>,
}

impl Open {
    pub fn came(&self) -> (Timestamp, u64) {
        (self.record.accepted, self.record.sequence)
    }

    pub fn asked(&self) -> Option<Asked> {
        Asked::of_job(&self.at.folder, &self.record)
    }

    /// Nobody has seen anything of it.
    pub fn nothing_left(&self) -> bool {
        journal::read(&self.at.folder.join(file::JOURNAL)).is_ok_and(|progress| progress.nothing_left())
    }

    fn sources(&self) -> BTreeMap<String, String> {
        if let Some(works) = &self.works {
            return works.sources.clone();
        }
        let inputs = self.record.taken.iter().filter_map(|taken| taken.file.as_ref());
        let identified = inputs.filter_map(|place| {
            let name = place.as_str().strip_prefix("inputs/")?;
            Some((name.to_string(), identity_beside(&place.below(&self.at.folder)).ok()?))
        });
        identified.collect()
    }
}

/// Unfinished jobs of a record, the oldest first.
pub fn open_jobs(spool: &Spool, kind: Option<Kind>, record: &str) -> Result<Vec<Open>, SpoolError> {
    let Some(kind_word) = kind.map(Kind::word) else { return Ok(Vec::new()) };
    let mut open = Vec::new();
    for state in [State::Held, State::Processing, State::Pending] {
        for at in spool.jobs(state)?.into_iter().filter(|at| at.id.may_be_of(kind_word, record)) {
            let Ok(found) = job::read::<JobFile>(&at.folder, file::JOB) else { continue };
            if found.kind == kind && found.record == record {
                let works = job::read(&at.folder, file::WORKS).ok();
                open.push(Open { at, record: found, works });
            }
        }
    }
    open.sort_by_key(Open::came);
    Ok(open)
}

/// What a finished job left.
#[derive(Debug, Clone)]
pub struct Made {
    pub job: JobId,
    pub works: Works,
}

/// What finished jobs of the record left, the newest last. A job that failed or was cancelled after something of it had
/// been seen leaves its deliveries in doubt: they are made again.
pub fn made(workshop: &Workshop, kind: Option<Kind>, record: &str, but: &JobId) -> Result<Vec<Made>, SpoolError> {
    Ok(made_by(lines(workshop, kind, record)?.into_iter().filter(|line| line.job != *but)))
}

/// As [`made`], from lines of the index, the oldest first.
fn made_by(lines: impl IntoIterator<Item = IndexLine>) -> Vec<Made> {
    let mut made: Vec<Made> = Vec::new();
    for line in lines {
        if line.result == "done" {
            made.push(Made { job: line.job, works: line.works });
        } else if !line.placed.is_empty() || line.prints > 0 {
            for before in &mut made {
                // Of a job whose pictures were not all there only what it placed tells which deliveries it ran.
                let in_doubt = |work: &Work| {
                    line.works.deliveries.iter().any(|w| w.is_run_of(work))
                        || line.placed.iter().any(|file| file.owner == work.owner && file.to == work.to)
                };
                before.works.deliveries.retain(|work| !in_doubt(work));
                before.works.request.clear();
            }
        }
    }
    made
}

/// As [`made`], without a server's index: only looks.
pub fn made_before(spool: &Spool, kind: Kind, record: &str) -> Result<Vec<Made>, SpoolError> {
    let history = History::read(spool)?;
    let mut lines: Vec<IndexLine> = Vec::new();
    for brief in history.jobs().iter().filter(|brief| brief.kind == Some(kind) && brief.record == record) {
        lines.push(history.line(brief)?);
    }
    Ok(made_by(lines))
}

/// What the index says of a record, the oldest first.
pub fn lines(workshop: &Workshop, kind: Option<Kind>, record: &str) -> Result<Vec<IndexLine>, SpoolError> {
    workshop.index.lock().unwrap_or_else(PoisonError::into_inner).of_record(kind, record)
}

/// It is done, and is not one that only took an order back, repeated another job or made nothing.
pub fn made_something(line: &IndexLine) -> bool {
    line.result == "done" && !(line.works.deliveries.is_empty() && line.placed.is_empty() && line.prints == 0)
}

/// The newest job of a record that is done and made something.
pub fn newest_made(workshop: &Workshop, kind: Option<Kind>, record: &str) -> Result<Option<JobId>, SpoolError> {
    let made = lines(workshop, kind, record)?.into_iter().filter(made_something);
    Ok(made.max_by_key(|line| line.accepted.unwrap_or(line.finished)).map(|line| line.job))
}

/// The later job that made what a failed one was to make: nobody has to mend that any more. `lines` are of its record,
/// `folder` is its own.
pub fn superseded_by(spool: &Spool, lines: &[IndexLine], folder: &Path, failed: &JobFile) -> Option<JobId> {
    let owners = Asked::of_job(folder, failed)?.owners;
    // What it asked for counts too: a corrected order may have nothing left for one of its profiles.
    let asked = |line: &IndexLine| {
        let frozen = spool.find(&line.job).ok().flatten().map(|at| job::read::<Frozen>(&at.folder, file::RULES));
        frozen.and_then(Result::ok).map(|frozen| fingerprint::owners(&frozen)).unwrap_or_default()
    };
    let covers = |line: &&IndexLine| {
        let made: BTreeSet<&String> = line.works.deliveries.iter().map(|work| &work.owner).collect();
        owners.iter().all(|owner| made.contains(owner)) || owners.is_subset(&asked(line))
    };
    let is_later = |line: &&IndexLine| line.accepted.is_some_and(|at| at > failed.accepted) && line.reprint == 0;
    let mut later = lines.iter().filter(|line| made_something(line)).filter(is_later);
    (!owners.is_empty()).then(|| later.find(covers).map(|line| line.job.clone())).flatten()
}

/// Whose job is compared, and with what.
#[derive(Debug)]
pub struct Compared<'a> {
    pub kind: Option<Kind>,
    pub record: &'a str,
    pub asked: &'a Asked,
    /// The pictures that are there, by what they are told by; one that is not there counts as unchanged.
    pub pictures: &'a BTreeMap<String, String>,
    /// The job itself, and when it came, once it is one.
    pub job: Option<(&'a JobId, (Timestamp, u64))>,
}

/// The job that makes, or has made, just what is asked for again: the newest of the record that has a delivery with it in
/// common decides.
pub fn repeated(workshop: &Workshop, compared: &Compared<'_>) -> Result<Option<JobId>, SpoolError> {
    let none = JobId::default();
    let own = compared.job.map_or(&none, |(id, _)| id);
    repeated_of(&workshop.spool, compared, &mut || made(workshop, compared.kind, compared.record, own))
}

/// As [`repeated`]; `made` is asked for what finished jobs of the record left where no open one decides.
pub fn repeated_of(
    spool: &Spool,
    compared: &Compared<'_>,
    made: &mut dyn FnMut() -> Result<Vec<Made>, SpoolError>,
) -> Result<Option<JobId>, SpoolError> {
    let is_same = |request: &str, sources: &BTreeMap<String, String>| {
        let unchanged = |(name, told): (&String, &String)| sources.get(name).is_none_or(|before| before == told);
        request == compared.asked.request && compared.pictures.iter().all(unchanged)
    };
    let is_earlier = |open: &Open| compared.job.is_none_or(|(id, came)| open.at.id != *id && open.came() < came);
    for open in open_jobs(spool, compared.kind, compared.record)?.iter().rev().filter(|open| is_earlier(open)) {
        let Some(asked) = open.asked() else { continue };
        if !asked.owners.is_disjoint(&compared.asked.owners) {
            let same = asked.request == compared.asked.request && is_same(&asked.request, &open.sources());
            return Ok(same.then(|| open.at.id.clone()));
        }
    }
    for made in made()?.iter().rev() {
        if made.works.deliveries.iter().any(|work| compared.asked.owners.contains(&work.owner)) {
            return Ok(is_same(&made.works.request, &made.works.sources).then(|| made.job.clone()));
        }
    }
    Ok(None)
}

/// Which of these later jobs of its record makes a job needless: nothing has left of it, and the other one asks for all
/// of its deliveries, in another way.
pub fn replaced_by(spool: &Spool, job: &Open, later: &[JobId]) -> Result<Option<JobId>, SpoolError> {
    if later.is_empty() || !job.nothing_left() {
        return Ok(None);
    }
    let Some(own) = job.asked() else { return Ok(None) };
    let open = open_jobs(spool, job.record.kind, &job.record.record)?;
    let newer = open.into_iter().rev().filter(|other| later.contains(&other.at.id) && other.came() > job.came());
    for other in newer {
        if other.asked().is_some_and(|asked| asked.replaces(&own)) {
            return Ok(Some(other.at.id));
        }
    }
    Ok(None)
}

/// Whether a job that waits unplanned is made needless by one that asks for all of its deliveries, in another way.
pub fn replaces_unplanned(asked: &Asked, open: &Open) -> bool {
    open.works.is_none() && open.nothing_left() && open.asked().is_some_and(|other| asked.replaces(&other))
}
