//! What a failed job lacks, before it is tried again: `jobs retry`.
//!
//! Owns: a job whose pictures came with it is tried again with those that were put right since: from a folder that the
//! operator names, at once, else from the hot folder that it came from, by the intake.

use std::path::Path;

use crate::intake;
use crate::model::config::{Config, Images};
use crate::model::manifest::{self, Kind};
use crate::plan::frozen::Frozen;
use crate::spool::job::{self, JobFile, JobId, Reason, file};
use crate::spool::queue::{Located, Spool, State};

/// Brings what the operator gives, and has the rest looked for; says what came. A job that is not to be tried again is
/// left as it is.
pub(super) fn prepare(
    spool: &Spool,
    config: &Config,
    id: &JobId,
    pictures: Option<&Path>,
) -> Result<Option<String>, String> {
    let Some(at) = spool.find(id).map_err(|e| e.to_string())? else { return Ok(None) };
    if !matches!(at.state, State::Failed | State::Done) {
        return Ok(None);
    }
    let record: JobFile = job::read(&at.folder, file::JOB).map_err(|e| e.to_string())?;
    let mut lacks = lacks(&at, &record);
    let mut told = None;
    if let Some(folder) = pictures {
        if lacks.is_empty() {
            return Err("it lacks no picture that could be given: see `hotfolders jobs show`".into());
        }
        let brought = intake::bring_from(folder, config, (&record, &at.folder), &lacks)?;
        if brought.is_empty() {
            return Err(format!("{} holds none of the pictures that it lacks: {}", folder.display(), lacks.join(", ")));
        }
        // What the dashboard has received lies nowhere that somebody would know.
        let is_sent = folder.starts_with(spool.tmp());
        let from = if is_sent { String::new() } else { format!(" from {}", folder.display()) };
        told = Some(format!("{id}: {} came{from}", brought.join(", ")));
        lacks.retain(|lacked| !brought.contains(lacked));
    }
    let is_beside = |name: &str| config.hot_folder(name).is_some_and(|known| known.images == Images::Beside);
    if record.kind == Some(Kind::Pictures) || !is_beside(&record.hot_folder) {
        lacks.clear();
    }
    if record.lacks != lacks {
        let _changes = job::exclusively();
        let record: JobFile = job::read(&at.folder, file::JOB).map_err(|e| e.to_string())?;
        job::write(&at.folder, file::JOB, &JobFile { lacks, ..record }).map_err(|e| e.to_string())?;
    }
    Ok(told)
}

/// What its failure says, and what is not there at all. Pictures of the library are looked for there.
fn lacks(at: &Located, record: &JobFile) -> Vec<String> {
    let is_beside = job::read::<Frozen>(&at.folder, file::RULES).is_ok_and(|frozen| frozen.pictures_beside);
    let bytes = std::fs::read(at.folder.join(&record.manifest_file)).unwrap_or_default();
    let read = manifest::read_job(&bytes, &record.manifest, record.kind).ok().filter(|_| is_beside);
    let Some(read) = read else { return Vec::new() };
    let told = job::read::<Reason>(&at.folder, file::REASON).map(|reason| reason.lacks).unwrap_or_default();
    let missing = intake::lacking(&read.manifest, &at.folder.join(file::INPUTS), &|_| false);
    let mut lacks = told;
    for place in missing {
        if !lacks.contains(&place) {
            lacks.push(place);
        }
    }
    lacks
}
