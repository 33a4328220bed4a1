//! `hotfolders jobs`: list, look, and the operator's hands.

mod find;
mod list;
mod show;

use std::path::Path;

use clap::{Args, Subcommand};

use self::find::find;
use self::list::ListArgs;
use self::show::ShowArgs;
use super::config;
use super::terminal::{note, say};
use crate::clock;
use crate::control::{self, Answer, Command};
use crate::error::Error;
use crate::spool::job::JobId;
use crate::spool::queue::{Spool, State};

#[derive(Debug, Subcommand)]
pub(super) enum JobsCommand {
    /// Jobs and where they are, the newest last.
    List(ListArgs),
    /// Everything about one job.
    Show(ShowArgs),
    /// Try failed jobs again; what is done stays done.
    Retry(FailedArgs),
    /// Let held jobs go on as they are.
    Release(SelectArgs),
    /// End jobs that are waiting, held, running or failed; what has been made is reported.
    Cancel(FailedArgs),
    /// Hold waiting jobs until they are released.
    Hold(SelectArgs),
}

#[derive(Debug, Args)]
pub(super) struct SelectArgs {
    /// Job ids, or records (the newest job of each that it can be done to).
    #[arg(required = true)]
    jobs: Vec<String>,
}

#[derive(Debug, Args)]
pub(super) struct FailedArgs {
    /// Job ids, or records (the newest job of each that it can be done to).
    #[arg(required_unless_present = "all_failed")]
    jobs: Vec<String>,
    /// Every failed job.
    #[arg(long, conflicts_with = "jobs")]
    all_failed: bool,
}

pub(super) fn run(file: &Path, command: &JobsCommand) -> Result<(), Error> {
    let loaded = config::load(file)?;
    let spool = open_of(&loaded.config.spool)?;
    match command {
        JobsCommand::List(args) => list::run(&spool, &loaded.config, args),
        JobsCommand::Show(args) => show::run(&spool, args),
        JobsCommand::Retry(args) => {
            let jobs = failed_or_named(&spool, args, &[State::Failed, State::Done])?;
            act(&spool, jobs, |jobs| Command::Retry { jobs })
        }
        JobsCommand::Cancel(args) => {
            let states = [State::Pending, State::Processing, State::Held, State::Failed];
            let jobs = failed_or_named(&spool, args, &states)?;
            act(&spool, jobs, |jobs| Command::Cancel { jobs })
        }
        JobsCommand::Release(args) => {
            let jobs = named(&spool, &args.jobs, &[State::Held, State::Pending])?;
            act(&spool, jobs, |jobs| Command::Release { jobs })
        }
        JobsCommand::Hold(args) => {
            act(&spool, named(&spool, &args.jobs, &[State::Pending])?, |jobs| Command::Hold { jobs })
        }
    }
}

pub(super) fn pause(file: &Path, pause: bool) -> Result<(), Error> {
    let spool = open(file)?;
    answer(&send(&spool, &if pause { Command::Pause } else { Command::Resume })?)
}

pub(super) fn open(file: &Path) -> Result<Spool, Error> {
    open_of(&config::load(file)?.config.spool)
}

pub(super) fn open_of(root: &Path) -> Result<Spool, Error> {
    Spool::look(root).ok_or_else(|| {
        Error::failed(format!("there is no spool at {} yet; `hotfolders serve` makes it", root.display()))
    })
}

/// Whoever holds the lock carries a command out: the server, or we.
pub(super) fn send(spool: &Spool, command: &Command) -> Result<Answer, Error> {
    let failed = |e: &dyn std::fmt::Display| Error::failed(e.to_string());
    match spool.lock(clock::now()) {
        Ok(_lock) => Ok(control::carry_out(spool, command, &|_| false)),
        Err(crate::spool::queue::SpoolError::Locked(by)) => control::ask(spool, command, &by).map_err(|e| failed(&e)),
        Err(e) => Err(failed(&e)),
    }
}

fn answer(answer: &Answer) -> Result<(), Error> {
    for line in &answer.done {
        say(line)?;
    }
    if answer.refused.is_empty() { Ok(()) } else { Err(Error::failed(answer.refused.join("\n"))) }
}

fn named(spool: &Spool, jobs: &[String], states: &[State]) -> Result<Vec<JobId>, Error> {
    jobs.iter().map(|text| find(spool, text, states).map(|job| job.id)).collect()
}

fn failed_or_named(spool: &Spool, args: &FailedArgs, states: &[State]) -> Result<Vec<JobId>, Error> {
    if !args.all_failed {
        return named(spool, &args.jobs, states);
    }
    let failed = spool.jobs(State::Failed).map_err(|e| Error::failed(e.to_string()))?;
    Ok(failed.into_iter().map(|job| job.id).collect())
}

fn act(spool: &Spool, jobs: Vec<JobId>, command: impl Fn(Vec<JobId>) -> Command) -> Result<(), Error> {
    if jobs.is_empty() {
        note("no job has failed");
        return Ok(());
    }
    answer(&send(spool, &command(jobs))?)
}
