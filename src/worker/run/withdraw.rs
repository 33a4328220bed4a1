//! `action: cancel`: the studio app takes back what it has ordered.
//!
//! Owns: what has not started ends as cancelled; what has started or was made is reported, and goes on. The scheduler
//! starts no other job of the record while this one runs, so none slips away in between.

use std::collections::BTreeMap;
use std::sync::PoisonError;

use super::{Outcome, Run, Stop};
use crate::control;
use crate::error::Fate;
use crate::model::counted::counted;
use crate::spool::job::{self, JobFile, file};
use crate::spool::journal;
use crate::spool::queue::{Located, State};
use crate::worker::receipt::Notice;

/// What a job that rests has brought out already; what cannot be read says nothing for certain.
fn so_far(job: &Located) -> String {
    let path = job.folder.join(file::JOURNAL);
    let progress = match path.exists().then(|| journal::read(&path)) {
        None => return "had not started and".into(),
        Some(Ok(progress)) => progress,
        Some(Err(_)) => return "had started, nobody knows how far, and".into(),
    };
    let files = progress.placed.values().flat_map(BTreeMap::values).filter(|(_, stands)| *stands).count();
    let sheets = progress.prints.values().filter(|run| run.is_open() || run.ended.is_some() || run.printed > 0).count();
    let mut out = Vec::new();
    if files > 0 {
        out.push(format!("{} delivered", counted(files, "file")));
    }
    if sheets > 0 {
        out.push(format!("{} sent to printers", counted(sheets, "sheet")));
    }
    if !progress.links.is_empty() {
        out.push(format!("{} made", counted(progress.links.len(), "link")));
    }
    if !progress.commands.is_empty() {
        out.push("commands run".into());
    }
    match out.as_slice() {
        [] if progress.started.is_none() => "had not started and".into(),
        [] => "had brought nothing out yet and".into(),
        out => format!("has {}; what was left", out.join(", ")),
    }
}

impl Run<'_> {
    pub(super) fn withdraw(&mut self) -> Result<Outcome, Stop> {
        let mut told = Vec::new();
        for state in [State::Pending, State::Held, State::Processing] {
            for other in self.workshop.spool.jobs(state)? {
                let Ok(record) = job::read::<JobFile>(&other.folder, file::JOB) else { continue };
                let of_record = record.kind == self.job.kind && record.record == self.job.record;
                if !of_record || other.id == self.job.job || record.cancels {
                    continue;
                }
                if state == State::Processing {
                    told.push(format!(
                        "job {0} has started and goes on; `hotfolders jobs cancel {0}` stops it",
                        other.id
                    ));
                    continue;
                }
                let so_far = so_far(&other);
                let why = format!("cancelled by job {}, a manifest with `action: cancel`", self.job.job);
                control::end_for(&self.workshop.spool, &other, &why).map_err(|text| Stop::Failure {
                    fate: Fate::Wait,
                    code: "spool",
                    text,
                })?;
                told.push(format!("job {} {so_far} is cancelled", other.id));
            }
        }
        let mut index = self.workshop.index.lock().unwrap_or_else(PoisonError::into_inner);
        for line in index.of_record(self.job.kind, &self.job.record)? {
            if line.job == self.job.job {
                continue;
            }
            if !line.placed.is_empty() {
                told.push(format!(
                    "job {} had been made before: {} delivered",
                    line.job,
                    counted(line.placed.len(), "file")
                ));
            }
            if line.prints > 0 {
                told.push(format!(
                    "job {} had been made before: {} sent to printers",
                    line.job,
                    counted(line.prints, "sheet")
                ));
            }
        }
        drop(index);
        if told.is_empty() {
            told.push(format!("there is no job of record {} to cancel", self.job.record));
        }
        self.warnings.extend(told.into_iter().map(|text| Notice::new("cancel", text)));
        self.finish("done", &[])
    }
}
