//! `to: command`: a program of the studio's own.
//!
//! Owns: no program is started whose start is not in the journal, and one that was running when the journal ended is not
//! started again before a person has said what became of it. No shell; a program gets copies under the names that the
//! plan gives, never our own files.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use jiff::Timestamp;

use super::Job;
use super::content;
use super::error::DeliverError;
use super::staging;
use crate::model::delivery::CommandFor;
use crate::model::name::RelPath;
use crate::model::units::show_moment;
use crate::plan::{DeliveryStep, Member, PlannedRun};
use crate::process;
use crate::spool::durable::{self, Folder};
use crate::spool::journal::{Entry, Journal};

/// How often a program is tried before its delivery fails.
const TRIES_MAX: u32 = 5;

/// A start whose end nobody knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Doubt {
    pub unit: String,
    /// Tells this start from every other one.
    pub start: u32,
    pub text: String,
}

/// Runs what has not run. Says whether all of it has; doubts are for a person.
pub(super) fn deliver(
    job: &Job<'_>,
    step: &DeliveryStep,
    (program, timeout, of): (&str, Duration, CommandFor),
    journal: &mut Journal,
    doubts: &mut Vec<Doubt>,
) -> Result<bool, DeliverError> {
    let rendered = |member: &Member| content::source(job.outputs, member, journal.progress()).is_some();
    if !step.members.iter().all(rendered) {
        return Ok(false);
    }
    let folder = job.outputs.with_file_name("commands").join(step.id.to_string());
    for run in &step.runs {
        let members: Vec<&Member> =
            step.members.iter().filter(|m| run.file.as_ref().is_none_or(|f| *f == m.path)).collect();
        // What an earlier job has had done is left out of the plan.
        if members.is_empty() {
            continue;
        }
        let unit = run.file.as_ref().map_or_else(|| "all".to_string(), ToString::to_string);
        let known = journal.progress().commands.get(&step.id).and_then(|units| units.get(&unit)).cloned();
        let known = known.unwrap_or_default();
        if known.done {
            continue;
        }
        if let Some(at) = known.running {
            doubts.push(Doubt { text: doubt(program, &unit, &show_moment(at, job.zone)), unit, start: known.starts });
            continue;
        }
        let target = lay_out(job, &folder, &members, journal, of)?;
        append(job, journal, Entry::CommandStarted { step: step.id.clone(), unit: unit.clone() })?;
        let ended = start(job, program, run, &target, timeout);
        let entry =
            Entry::CommandEnded { step: step.id.clone(), unit: unit.clone(), fine: ended.fine, text: ended.in_full() };
        append(job, journal, entry)?;
        if !ended.fine {
            let text = format!("{program} for {unit}: {}", ended.text);
            return Err(DeliverError::Command { text, is_last: known.tries + 1 >= TRIES_MAX });
        }
    }
    if !doubts.is_empty() {
        return Ok(false);
    }
    durable::remove_tree(&folder)?;
    if let Some(commands) = folder.parent() {
        durable::remove_empty_folder(commands);
    }
    append(job, journal, Entry::Delivered { step: step.id.clone() })?;
    Ok(true)
}

/// What a person has said of a doubt.
pub fn settle(
    journal: &mut Journal,
    at: Timestamp,
    step: &crate::plan::StepId,
    unit: &str,
    fine: bool,
) -> Result<(), DeliverError> {
    let text = if fine { "a person said that it was done" } else { "a person wants it to be run again" };
    let entry = Entry::CommandEnded { step: step.clone(), unit: unit.to_string(), fine, text: text.into() };
    journal.append(at, vec![entry]).map_err(DeliverError::Journal)
}

fn append(job: &Job<'_>, journal: &mut Journal, entry: Entry) -> Result<(), DeliverError> {
    journal.append((job.now)(), vec![entry]).map_err(DeliverError::Journal)
}

fn doubt(program: &str, unit: &str, at: &str) -> String {
    let of = if unit == "all" { String::new() } else { format!(" for {unit}") };
    format!(
        "{program}{of} was started {at}, and hotfolders ended before it did: nobody knows whether it came to its end. Look \
         what became of it, then say `--done` or `--again`"
    )
}

/// Copies under the planned names; of one run `{file}` is its file, of a whole delivery the folder of all.
fn lay_out(
    job: &Job<'_>,
    folder: &Path,
    members: &[&Member],
    journal: &Journal,
    of: CommandFor,
) -> Result<PathBuf, DeliverError> {
    durable::remove_tree(folder)?;
    durable::make_folders(job.outputs, folder)?;
    let root = Folder::open(folder)?;
    let mut tree = staging::Tree::new(&root);
    for member in members {
        let Some(source) = content::source(job.outputs, member, journal.progress()) else { continue };
        tree.copy(&source, &member.path)?;
    }
    tree.sync()?;
    let file = members.first().map(|member| &member.path).filter(|_| of == CommandFor::File);
    Ok(file.map_or_else(|| folder.to_path_buf(), |file: &RelPath| file.below(folder)))
}

fn start(job: &Job<'_>, program: &str, run: &PlannedRun, target: &Path, timeout: Duration) -> process::Ended {
    let path = target.to_string_lossy();
    let mut command = Command::new(program);
    command.args(run.arguments.iter().map(|parts| parts.join(&*path)));
    command.current_dir(job.home).env("HOTFOLDERS_JOB", job.id).env("HOTFOLDERS_RECORD", job.record);
    process::run(command, timeout, "run")
}
