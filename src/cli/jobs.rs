//! `hotfolders jobs`: list, look, and the operator's hands.

mod find;
mod list;
mod show;

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};

use self::find::{find, to_reprint};
use self::list::ListArgs;
use self::show::ShowArgs;
use super::config;
use super::terminal::{note, say};
use crate::clock;
use crate::control::{self, Answer, Command, Given, GivenManifest, Reprint};
use crate::error::Error;
use crate::model::config::Config;
use crate::operator;
use crate::spool::job::{self, JobId};
use crate::spool::queue::{Spool, State};
use crate::spool::reserve;

#[derive(Debug, Subcommand)]
pub(super) enum JobsCommand {
    /// Jobs and where they are, the newest last.
    List(ListArgs),
    /// Everything about one job.
    Show(ShowArgs),
    /// Try failed jobs again; what is done stays done.
    Retry(RetryArgs),
    /// Let held jobs go on as they are; one that no render job takes is matched with the config of now.
    Release(SelectArgs),
    /// End jobs that are waiting, held, running or failed; what has been made is reported.
    Cancel(FailedArgs),
    /// Hold jobs until they are released; a running one stops after the step in hand.
    Hold(SelectArgs),
    /// Answer what a job asks; `jobs show` lists its questions.
    Answer(AnswerArgs),
    /// Make a finished job again, on purpose, as a job of its own with `-r1` in its names.
    Reprint(ReprintArgs),
}

#[derive(Debug, Args)]
pub(super) struct AnswerArgs {
    /// Job ids, or records (the newest held job of each, else the one that runs).
    #[arg(required = true)]
    jobs: Vec<String>,
    #[command(flatten)]
    answer: AnswerChoice,
    /// Of doubtful prints only this one, such as `p2`. While the job runs it has to be named.
    #[arg(long, value_name = "UNIT")]
    unit: Option<String>,
    /// Of doubtful prints those of this printer.
    #[arg(long, value_name = "NAME")]
    printer: Option<String>,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
#[allow(clippy::struct_excessive_bools, reason = "one flag each; clap takes care that there is one")]
struct AnswerChoice {
    /// The record ran this profile before: make what changed.
    #[arg(long)]
    changed: bool,
    /// The record ran this profile before: make all of it again.
    #[arg(long)]
    all: bool,
    /// The command that was running when hotfolders ended has done its work.
    #[arg(long)]
    done: bool,
    /// The command that was running when hotfolders ended is to be run again.
    #[arg(long)]
    again: bool,
    /// The doubtful sheets were printed.
    #[arg(long)]
    printed: bool,
    /// The doubtful sheets were not printed: print them again.
    #[arg(long)]
    print_again: bool,
    /// So many of the doubtful sheets were printed, in the order in which they were sent; print the others again.
    #[arg(long, value_name = "N")]
    printed_up_to: Option<u32>,
    /// No render job takes it: try the config of now.
    #[arg(long)]
    try_again: bool,
    /// No render job takes it: end it as ignored.
    #[arg(long)]
    drop: bool,
}

impl AnswerChoice {
    fn word(&self) -> String {
        let all = [
            (self.changed, "changed"),
            (self.all, "all"),
            (self.done, "done"),
            (self.again, "again"),
            (self.printed, control::PRINTED),
            (self.print_again, control::PRINT_AGAIN),
            (self.printed_up_to.is_some(), control::PRINTED_UP_TO),
            (self.try_again, job::TRY_AGAIN),
            (self.drop, job::DROP),
        ];
        all.iter().find(|(given, _)| *given).map_or("", |(_, word)| word).into()
    }
}

#[derive(Debug, Args)]
pub(super) struct ReprintArgs {
    /// A job id, or a record: its newest job that is done and made something.
    job: String,
    /// Only these lines: numbers with commas between them.
    #[arg(long, value_delimiter = ',', value_name = "N,…")]
    lines: Vec<u32>,
    /// So many of each line, instead of what was ordered; sheets, of a layout.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=9_999))]
    copies: Option<u32>,
    /// A manifest of the same record, instead of the job's own.
    #[arg(long, value_name = "FILE")]
    manifest: Option<PathBuf>,
    /// With the profiles that the job had then, instead of those of the config now.
    #[arg(long)]
    as_then: bool,
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

#[derive(Debug, Args)]
pub(super) struct RetryArgs {
    #[command(flatten)]
    jobs: FailedArgs,
    /// A folder with pictures that should have come with the job: those that are missing or damaged are taken from it.
    #[arg(long, value_name = "FOLDER", conflicts_with = "all_failed")]
    pictures: Option<PathBuf>,
}

pub(super) fn run(file: &Path, command: &JobsCommand) -> Result<(), Error> {
    let (spool, config) = open(file)?;
    let act = |jobs: Vec<JobId>, command: &dyn Fn(Vec<JobId>) -> Command| act(&spool, &config, jobs, command);
    match command {
        JobsCommand::List(args) => list::run(&spool, &config, args),
        JobsCommand::Show(args) => show::run(&spool, &config, args),
        JobsCommand::Retry(args) => {
            let jobs = failed_or_named(&spool, &args.jobs, &[State::Failed, State::Done])?;
            let whole = |path: &PathBuf| {
                path.canonicalize().map_err(|e| Error::failed(format!("{}: cannot be read: {e}", path.display())))
            };
            let pictures = args.pictures.as_ref().map(whole).transpose()?;
            act(jobs, &|jobs| Command::Retry { jobs, pictures: pictures.clone() })
        }
        JobsCommand::Cancel(args) => {
            let states = [State::Pending, State::Processing, State::Held, State::Failed];
            let jobs = failed_or_named(&spool, args, &states)?;
            act(jobs, &|jobs| Command::Cancel { jobs })
        }
        JobsCommand::Release(args) => {
            let jobs = named(&spool, &args.jobs, &[State::Held, State::Pending])?;
            act(jobs, &|jobs| Command::Release { jobs })
        }
        JobsCommand::Hold(args) => {
            let states = [State::Pending, State::Processing];
            act(named(&spool, &args.jobs, &states)?, &|jobs| Command::Hold { jobs })
        }
        JobsCommand::Answer(args) => {
            let given = Given {
                key: None,
                answer: args.answer.word(),
                unit: args.unit.clone(),
                printer: args.printer.clone(),
                sheets: args.answer.printed_up_to,
            };
            let command = |jobs| Command::Answer { jobs, given: given.clone() };
            act(args.jobs.iter().map(|text| asking(&spool, text)).collect::<Result<_, _>>()?, &command)
        }
        JobsCommand::Reprint(args) => {
            let job = to_reprint(&spool, &args.job)?.id;
            let request = Reprint {
                job,
                lines: args.lines.clone(),
                copies: args.copies,
                manifest: args.manifest.as_deref().map(given_manifest).transpose()?,
                as_then: args.as_then,
            };
            answer(&send(&spool, &config, &Command::Reprint(request))?)
        }
    }
}

pub(super) fn pause(file: &Path, pause: bool) -> Result<(), Error> {
    let (spool, config) = open(file)?;
    answer(&send(&spool, &config, &if pause { Command::Pause } else { Command::Resume })?)
}

fn given_manifest(path: &Path) -> Result<GivenManifest, Error> {
    let failed = |e: std::io::Error| Error::failed(format!("{}: cannot be read: {e}", path.display()));
    let text = std::fs::read_to_string(path).map_err(failed)?;
    let whole = path.canonicalize().map_err(failed)?;
    let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    Ok(GivenManifest { name, text, folder: whole.parent().map(Path::to_path_buf).unwrap_or_default() })
}

/// The spool that a config names, and the config.
pub(super) fn open(file: &Path) -> Result<(Spool, Config), Error> {
    let config = config::load_for_spool(file)?.config;
    Ok((open_of(&config.spool)?, config))
}

pub(super) fn open_of(root: &Path) -> Result<Spool, Error> {
    Spool::look(root).ok_or_else(|| {
        Error::failed(format!("there is no spool at {} yet; `hotfolders serve` makes it", root.display()))
    })
}

/// Whoever holds the lock carries a command out: the server, or we.
pub(super) fn send(spool: &Spool, config: &Config, command: &Command) -> Result<Answer, Error> {
    let failed = |e: &dyn std::fmt::Display| Error::failed(e.to_string());
    match spool.lock(clock::now()) {
        Ok(_lock) => {
            let answer = operator::carry_out(spool, config, command, None, &|_| false);
            reserve::take_back(spool.root());
            Ok(answer)
        }
        Err(crate::spool::queue::SpoolError::Locked(by)) => control::ask(spool, command, &by).map_err(|e| failed(&e)),
        Err(e) => Err(failed(&e)),
    }
}

pub(super) fn answer(answer: &Answer) -> Result<(), Error> {
    for line in &answer.done {
        say(line)?;
    }
    if answer.refused.is_empty() { Ok(()) } else { Err(Error::failed(answer.refused.join("\n"))) }
}

fn named(spool: &Spool, jobs: &[String], states: &[State]) -> Result<Vec<JobId>, Error> {
    jobs.iter().map(|text| find(spool, text, states).map(|job| job.id)).collect()
}

/// A held job asks before one that runs.
fn asking(spool: &Spool, text: &str) -> Result<JobId, Error> {
    let held = find(spool, text, &[State::Held])?;
    if held.state == State::Held { Ok(held.id) } else { Ok(find(spool, text, &[State::Processing])?.id) }
}

fn failed_or_named(spool: &Spool, args: &FailedArgs, states: &[State]) -> Result<Vec<JobId>, Error> {
    if !args.all_failed {
        return named(spool, &args.jobs, states);
    }
    let failed = spool.jobs(State::Failed).map_err(|e| Error::failed(e.to_string()))?;
    Ok(failed.into_iter().map(|job| job.id).collect())
}

fn act(spool: &Spool, config: &Config, jobs: Vec<JobId>, command: &dyn Fn(Vec<JobId>) -> Command) -> Result<(), Error> {
    if jobs.is_empty() {
        note("no job has failed");
        return Ok(());
    }
    answer(&send(spool, config, &command(jobs))?)
}
