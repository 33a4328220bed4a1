//! `to: command`: a program of the studio's own.
//!
//! Owns: no program is started whose start is not in the journal, and one that was running when the journal ended is not
//! started again before a person has said what became of it. No shell; a program gets copies under the names that the
//! plan gives, never our own files.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::Job;
use super::content;
use super::error::DeliverError;
use super::staging;
use crate::model::delivery::CommandFor;
use crate::model::name::RelPath;
use crate::plan::{DeliveryStep, Member, PlannedRun};
use crate::spool::durable::{self, Folder};
use crate::spool::journal::{Entry, Journal};

/// How often a program is tried before its delivery fails.
const TRIES_MAX: u32 = 5;
/// How much of what a program says is kept: its end.
const SAID_MAX_BYTES: usize = 8 * 1024;
/// How often it is looked whether it has ended.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// How long its output is waited for after it has ended: a program of its own may hold it open.
const OUTPUT_WITHIN: Duration = Duration::from_secs(1);

/// A start whose end nobody knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Doubt {
    pub unit: String,
    /// Tells this start from every other one.
    pub start: u32,
    pub text: String,
}

/// How a run ended.
struct Ended {
    fine: bool,
    text: String,
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
            doubts.push(Doubt { text: doubt(program, &unit, at), unit, start: known.starts });
            continue;
        }
        let target = lay_out(job, &folder, &members, journal, of)?;
        append(job, journal, Entry::CommandStarted { step: step.id.clone(), unit: unit.clone() })?;
        let ended = start(job, program, run, &target, timeout);
        let entry = Entry::CommandEnded {
            step: step.id.clone(),
            unit: unit.clone(),
            fine: ended.fine,
            text: ended.text.clone(),
        };
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

fn doubt(program: &str, unit: &str, at: Timestamp) -> String {
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

fn start(job: &Job<'_>, program: &str, run: &PlannedRun, target: &Path, timeout: Duration) -> Ended {
    let path = target.to_string_lossy();
    let mut command = Command::new(program);
    command.args(run.arguments.iter().map(|parts| parts.join(&*path)));
    command.current_dir(job.home).env("HOTFOLDERS_JOB", job.id).env("HOTFOLDERS_RECORD", job.record);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    #[cfg(unix)]
    {
        use std::os::unix::process::CommandExt as _;
        // What it starts ends with it when its time is up; and Ctrl-C is not for it.
        command.process_group(0);
    }
    let mut child = match command.spawn() {
        Ok(child) => child,
        Err(e) => return Ended { fine: false, text: format!("it cannot be started: {e}; see `run` in the config") },
    };
    let outputs = [listen(child.stdout.take()), listen(child.stderr.take())];
    let status = wait(&mut child, timeout);
    let said: Vec<String> =
        outputs.into_iter().map(|output| output.recv_timeout(OUTPUT_WITHIN).unwrap_or_default()).collect();
    let said = said.join("\n").trim().to_string();
    let quoted = if said.is_empty() { "it said nothing".to_string() } else { format!("it said: {said}") };
    match status {
        Some(Ok(status)) if status.success() => Ended { fine: true, text: said },
        Some(Ok(status)) => Ended { fine: false, text: format!("it ended with {status}; {quoted}") },
        Some(Err(e)) => Ended { fine: false, text: format!("it cannot be waited for: {e}") },
        None => Ended {
            fine: false,
            text: format!("it did not end within {} s, and was stopped; {quoted}", timeout.as_secs()),
        },
    }
}

/// `None` when its time was up.
fn wait(child: &mut Child, timeout: Duration) -> Option<std::io::Result<ExitStatus>> {
    let begun = Instant::now();
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Some(Ok(status)),
            Ok(None) if begun.elapsed() < timeout => std::thread::sleep(LOOK_EVERY),
            Ok(None) => {
                stop(child);
                return None;
            }
            Err(e) => return Some(Err(e)),
        }
    }
}

fn stop(child: &mut Child) {
    #[cfg(unix)]
    if let Some(group) = i32::try_from(child.id()).ok().and_then(rustix::process::Pid::from_raw) {
        // One that has just ended needs no signal.
        let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
    }
    let _ = child.kill();
    let _ = child.wait();
}

/// Reads to the end, so that the program never waits for us; hands on the last of it.
fn listen(from: Option<impl Read + Send + 'static>) -> mpsc::Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    let read = move || {
        let (mut last, mut buffer) = (Vec::new(), [0; 4096]);
        let mut from = from;
        while let Some(Ok(read @ 1..)) = from.as_mut().map(|from| from.read(&mut buffer)) {
            last.extend_from_slice(&buffer[..read]);
            if last.len() > 2 * SAID_MAX_BYTES {
                last.drain(..last.len() - SAID_MAX_BYTES);
            }
        }
        let start = last.len().saturating_sub(SAID_MAX_BYTES);
        let _ = sender.send(String::from_utf8_lossy(&last[start..]).into_owned());
    };
    // Without a thread what it says is lost, and nothing else.
    let _ = std::thread::Builder::new().name("command".into()).spawn(read);
    receiver
}
