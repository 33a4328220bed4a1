//! What an operator asks for: one form, one way in, for the command line and every other door.
//!
//! A request is a file in `spool/commands/`; whoever holds the spool's lock carries it out and answers beside it.

mod answers;
mod printers;
mod release;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use self::answers::{Given, PRINT, PRINT_AGAIN, PRINTED, PRINTED_UP_TO};
pub use self::printers::paused_printers;
use crate::clock;
use crate::spool::durable::{self, DurableError};
use crate::spool::job::{self, JobFile, JobId, Question, REPEAT, file};
use crate::spool::queue::{Located, Spool, SpoolError, State};
use crate::spool::reserve;

/// A request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case")]
pub enum Command {
    /// Failed jobs, and those that a person has ended, are tried again; what is done stays done.
    Retry {
        jobs: Vec<JobId>,
        /// A folder that has pictures which they lack.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pictures: Option<PathBuf>,
    },
    /// Held jobs go on as they are.
    Release {
        jobs: Vec<JobId>,
    },
    Cancel {
        jobs: Vec<JobId>,
    },
    /// Waiting jobs are held, running ones after the step in hand.
    Hold {
        jobs: Vec<JobId>,
    },
    /// One of the answers that a question of a held job takes, or a print in doubt of one that runs.
    Answer {
        jobs: Vec<JobId>,
        #[serde(flatten)]
        given: Given,
    },
    /// Printers that get no sheet until they are resumed; also over a restart.
    PausePrinters {
        printers: Vec<String>,
    },
    ResumePrinters {
        printers: Vec<String>,
    },
    /// A finished job is made again, on purpose, as a job of its own.
    Reprint(Reprint),
    /// Download links, by the hashes of their tokens.
    Links {
        links: Vec<String>,
        act: LinkAct,
    },
    Pause,
    Resume,
    /// What only the server knows: hot folders, running jobs.
    Status,
    /// Everything that is kept of somebody goes; with `dry_run` it is only listed.
    Erase {
        whom: Whom,
        dry_run: bool,
    },
}

/// What becomes of a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkAct {
    /// Another address for the same files; the one before closes.
    Renew,
    Revoke,
    /// Whoever asks for another gets none.
    SetAside,
}

/// Whose jobs are erased.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Whom {
    Record(String),
    Session(String),
    /// A mail address.
    Client(String),
}

/// Which job is made again, and what of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reprint {
    pub job: JobId,
    /// All, where there is none.
    pub lines: Vec<u32>,
    pub copies: Option<u32>,
    /// Instead of the job's own.
    pub manifest: Option<GivenManifest>,
    /// With the profiles of then, not those of now.
    pub as_then: bool,
}

/// A manifest that the operator gives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GivenManifest {
    pub name: String,
    pub text: String,
    /// Where it lies: pictures that belong beside it are taken from here when the job has none.
    pub folder: PathBuf,
}

impl Command {
    /// The jobs it is about.
    pub fn jobs(&self) -> &[JobId] {
        match self {
            Command::Retry { jobs, .. }
            | Command::Release { jobs }
            | Command::Cancel { jobs }
            | Command::Hold { jobs }
            | Command::Answer { jobs, .. } => jobs,
            Command::Reprint(_)
            | Command::PausePrinters { .. }
            | Command::ResumePrinters { .. }
            | Command::Links { .. }
            | Command::Pause
            | Command::Resume
            | Command::Status
            | Command::Erase { .. } => &[],
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Answer {
    /// What was done, a line each.
    pub done: Vec<String>,
    /// What was not, and why.
    pub refused: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<serde_json::Value>,
    /// Of `erase`: what it found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub report: Option<serde_json::Value>,
}

#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    #[error(transparent)]
    Disk(#[from] DurableError),
    #[error(transparent)]
    Spool(#[from] SpoolError),
    #[error("the server ({0}) did not answer within {1} s; see `hotfolders status` and the log")]
    NoAnswer(String, u64),
    #[error("the server's answer cannot be read: {0}")]
    BadAnswer(serde_json::Error),
}

/// How long a server may take; it looks several times a second.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);

fn commands(spool: &Spool) -> PathBuf {
    spool.root().join("commands")
}

/// Leaves a request for the server and waits for its answer.
pub fn ask(spool: &Spool, command: &Command, server: &str) -> Result<Answer, ControlError> {
    let id = format!("{}-{:08x}", clock::now().as_millisecond(), random());
    let request = commands(spool).join(format!("{id}.json"));
    let answer = commands(spool).join(format!("{id}.answer.json"));
    // It may name a client.
    let text = serde_json::to_vec(command).unwrap_or_default();
    reserve::with_room(spool.root(), || durable::write_new_for_folder(&request, &text))?;
    let start = Instant::now();
    while start.elapsed() < ANSWER_WITHIN {
        if let Ok(text) = std::fs::read(&answer) {
            durable::remove_file(&answer)?;
            reserve::take_back(spool.root());
            return serde_json::from_slice(&text).map_err(ControlError::BadAnswer);
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    durable::remove_file(&request)?;
    Err(ControlError::NoAnswer(server.to_string(), ANSWER_WITHIN.as_secs()))
}

fn random() -> u32 {
    let mut bytes = [0; 4];
    // Without the system's randomness the time alone tells two requests apart.
    let _ = getrandom::fill(&mut bytes);
    u32::from_le_bytes(bytes)
}

/// A command that waits for the holder of the lock.
#[derive(Debug)]
pub struct Asked {
    path: PathBuf,
    pub command: Result<Command, String>,
}

impl Asked {
    pub fn name(&self) -> Option<&str> {
        self.path.file_stem()?.to_str()
    }
}

/// The commands that wait, oldest first.
pub fn waiting(spool: &Spool) -> Vec<Asked> {
    let Ok(list) = std::fs::read_dir(commands(spool)) else { return Vec::new() };
    let mut paths: Vec<PathBuf> = list.flatten().map(|e| e.path()).collect();
    paths.retain(|p| {
        let name = p.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        let is_json = p.extension().is_some_and(|e| e == "json");
        is_json && !name.ends_with(".answer.json") && !name.starts_with('.')
    });
    paths.sort();
    paths
        .into_iter()
        .filter_map(|path| {
            let text = std::fs::read(&path).ok()?;
            let command = serde_json::from_slice(&text).map_err(|e| e.to_string());
            Some(Asked { path, command })
        })
        .collect()
}

/// Answers a request and takes it away. The answer is durable first: a crash in between carries it out again, and
/// every command may be carried out twice.
pub fn reply(spool: &Spool, request: &Asked, answer: &Answer) -> Result<(), ControlError> {
    let path = request.path.with_extension("answer.json");
    // It may tell the address and the PIN of a link.
    let text = serde_json::to_vec(answer).unwrap_or_default();
    reserve::with_room(spool.root(), || durable::replace_for_folder(&path, &text))?;
    durable::remove_file(&request.path)?;
    Ok(())
}

/// What is done to one job: what to tell the operator, or why it was refused.
type Act<'a> = &'a dyn Fn(&Spool, &Located) -> Result<String, String>;

/// Carries out what needs nothing but the spool. `running` jobs are left to the server, but for answers: they are taken up
/// by the job. `asked` is the name of the request: after a crash one may be carried out a second time.
pub fn carry_out(spool: &Spool, command: &Command, asked: Option<&str>, running: &dyn Fn(&JobId) -> bool) -> Answer {
    let mut answer = Answer::default();
    let (release, settle);
    let (jobs, act): (&[JobId], Act<'_>) = match command {
        Command::Retry { jobs, .. } => (jobs, &retry),
        Command::Release { jobs } => {
            release = move |spool: &Spool, job: &Located| release::release(spool, job, asked);
            (jobs, &release)
        }
        Command::Hold { jobs } => (jobs, &hold),
        Command::Cancel { jobs } => (jobs, &cancel),
        Command::Answer { jobs, given } => {
            settle = move |spool: &Spool, job: &Located| answers::settle(spool, job, given, asked);
            (jobs, &settle)
        }
        Command::PausePrinters { printers } => return printers::pause(spool, printers, true),
        Command::ResumePrinters { printers } => return printers::pause(spool, printers, false),
        Command::Pause | Command::Resume => {
            let path = spool.root().join("PAUSED");
            let pause = *command == Command::Pause;
            let result = reserve::with_room(spool.root(), || {
                if pause { durable::replace(&path, b"paused\n") } else { durable::remove_file(&path) }
            });
            match result {
                Ok(()) => answer.done.push(if pause { "paused: running jobs are finished" } else { "resumed" }.into()),
                Err(e) => answer.refused.push(e.to_string()),
            }
            return answer;
        }
        // Whoever knows config and server does these.
        Command::Reprint(_) | Command::Links { .. } | Command::Status | Command::Erase { .. } => return answer,
    };
    for id in jobs {
        let is_left_alone = |job: &Located| {
            let is_answered = matches!(command, Command::Answer { .. }) && job.state == State::Processing;
            running(id) && !is_answered
        };
        // Found where it cannot move away meanwhile.
        let once = || match spool.find(id) {
            Ok(Some(job)) if is_left_alone(&job) => Err("it is running".to_string()),
            Ok(Some(job)) => act(spool, &job),
            Ok(None) => Err("there is no such job".to_string()),
            Err(e) => Err(e.to_string()),
        };
        let told = reserve::with_room(spool.root(), || exclusively(once));
        match told {
            Ok(done) => answer.done.push(done),
            Err(why) => answer.refused.push(format!("{id}: {why}")),
        }
    }
    answer
}

pub fn is_paused(spool: &Spool) -> bool {
    spool.root().join("PAUSED").exists()
}

fn day(at: Timestamp) -> jiff::civil::Date {
    at.to_zoned(clock::time_zone(None)).date()
}

fn change(job: &Located, change: impl FnOnce(&mut JobFile)) -> Result<JobFile, String> {
    let mut record: JobFile = job::read(&job.folder, file::JOB).map_err(|e| e.to_string())?;
    change(&mut record);
    job::write(&job.folder, file::JOB, &record).map_err(|e| e.to_string())?;
    Ok(record)
}

fn retry(spool: &Spool, job: &Located) -> Result<String, String> {
    match job.state {
        State::Pending | State::Processing => {
            let mark = job.folder.join(file::CANCEL);
            // A reason is in it where another order ends the job.
            if !std::fs::read(&mark).is_ok_and(|why| why.is_empty()) {
                return Ok(format!("{}: it is waiting already", job.id));
            }
            durable::remove_file(&mark).map_err(|e| e.to_string())?;
            Ok(format!("{}: it is not cancelled any more, and goes on", job.id))
        }
        State::Held => Err("it is held; answer its questions with `jobs release` or `jobs cancel`".into()),
        State::Failed | State::Done => {
            let receipt: serde_json::Value = job::read(&job.folder, file::RECEIPT).map_err(|e| e.to_string())?;
            let record: JobFile = job::read(&job.folder, file::JOB).map_err(|e| e.to_string())?;
            let is_ended_by_hand =
                receipt["result"] == "cancelled" || (receipt["result"] == "ignored" && record.is_dropped());
            if job.state == State::Done && !is_ended_by_hand {
                return Err("it is done; nothing is left to try again".into());
            }
            // Left by a crash, they would end or hold the job once more.
            for mark in [file::CANCEL, file::HOLD] {
                durable::remove_file(&job.folder.join(mark)).map_err(|e| e.to_string())?;
            }
            release::requeue(spool, job, |record| {
                record.not_before = None;
                record.released = false;
                record.looked_at = false;
                // Asked again, the question is about what is left by then.
                record.answers.remove(REPEAT);
            })?;
            Ok(format!("{}: it is tried again", job.id))
        }
    }
}

fn hold(spool: &Spool, job: &Located) -> Result<String, String> {
    match job.state {
        State::Held => Ok(format!("{}: it is held already", job.id)),
        // Also what a stopped server left at work.
        State::Pending | State::Processing => {
            let mut questions = vec![Question::by_hand()];
            // A hold answers no question about its sheets.
            questions.extend(job::questions(&job.folder).into_iter().filter(|question| question.code == PRINT));
            job::write(&job.folder, file::QUESTIONS, &questions).map_err(|e| e.to_string())?;
            spool.move_to(job, State::Held, day(clock::now())).map_err(|e| e.to_string())?;
            Ok(format!("{}: it is held", job.id))
        }
        state => Err(format!("it is {state}; only a job that waits or runs can be held")),
    }
}

/// A job that does not run ends here; one that runs is told to stop by its server. The mark makes the worker finish it
/// as cancelled, so that the receipt is written in one place.
fn cancel(spool: &Spool, job: &Located) -> Result<String, String> {
    match job.state {
        State::Held | State::Pending | State::Processing | State::Failed => {
            let mark = job.folder.join(file::CANCEL);
            if !mark.exists() {
                durable::replace(&mark, b"").map_err(|e| e.to_string())?;
            }
            let mut record: JobFile = job::read(&job.folder, file::JOB).map_err(|e| e.to_string())?;
            if record.not_before.take().is_some() {
                job::write(&job.folder, file::JOB, &record).map_err(|e| e.to_string())?;
            }
            if matches!(job.state, State::Held | State::Failed) {
                spool.move_to(job, State::Pending, day(clock::now())).map_err(|e| e.to_string())?;
            }
            Ok(format!("{}: it is cancelled", job.id))
        }
        State::Done => Err("it is done already".into()),
    }
}

/// So that a running job ends as cancelled also when the server ends before it does.
pub fn mark_cancelled(spool: &Spool, id: &JobId) -> Result<(), String> {
    mark_running(spool, id, file::CANCEL)
}

/// So that a running job is held also when the server ends before it is.
pub fn mark_held(spool: &Spool, id: &JobId) -> Result<(), String> {
    mark_running(spool, id, file::HOLD)
}

fn mark_running(spool: &Spool, id: &JobId, mark: &str) -> Result<(), String> {
    let folder = spool.folder(State::Processing).join(id.as_str());
    if !folder.is_dir() {
        return Err("it is just coming to its end; see `hotfolders jobs show`".into());
    }
    let mark = || durable::replace(&folder.join(mark), b"").map_err(|e| e.to_string());
    reserve::with_room(spool.root(), || exclusively(mark))
}

/// Ends a waiting or held job as cancelled, for a reason that its receipt tells.
pub fn end_for(spool: &Spool, job: &Located, why: &str) -> Result<(), String> {
    exclusively(|| {
        durable::replace(&job.folder.join(file::CANCEL), why.as_bytes()).map_err(|e| e.to_string())?;
        cancel(spool, job).map(drop)
    })
}

fn exclusively<T>(act: impl FnOnce() -> T) -> T {
    let _changes = job::exclusively();
    act()
}
