//! `hotfolders jobs`: list, look, and the operator's hands.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};

use super::config;
use super::terminal::{self, GREEN, RED, YELLOW, note, paint, say, say_painted};
use crate::clock;
use crate::control::{self, Answer, Command, GivenManifest, Reprint};
use crate::error::Error;
use crate::model::config::Config;
use crate::operator;
use crate::spool::job::{self, JobFile, JobId, Question, Reason, file};
use crate::spool::journal;
use crate::spool::queue::{Located, Spool, State};
use crate::worker::receipt::{self, Receipt};

#[derive(Debug, Subcommand)]
pub(super) enum JobsCommand {
    /// Jobs and where they are, the oldest first.
    List(ListArgs),
    /// Everything about one job.
    Show(ShowArgs),
    /// Try failed jobs again; what is done stays done.
    Retry(FailedArgs),
    /// Let held jobs go on as they are.
    Release(SelectArgs),
    /// End jobs that are waiting, held, running or failed; what has been made is reported.
    Cancel(FailedArgs),
    /// Hold jobs until they are released; a running one stops after the step in hand.
    Hold(SelectArgs),
    /// Answer what a held job asks; `jobs show` lists its questions.
    Answer(AnswerArgs),
    /// Make a finished job again, on purpose, as a job of its own with `-r1` in its names.
    Reprint(ReprintArgs),
}

#[derive(Debug, Args)]
pub(super) struct AnswerArgs {
    /// Job ids, or records (the newest held job of each).
    #[arg(required = true)]
    jobs: Vec<String>,
    #[command(flatten)]
    answer: AnswerChoice,
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
}

impl AnswerChoice {
    fn word(&self) -> String {
        let all = [(self.changed, "changed"), (self.all, "all"), (self.done, "done"), (self.again, "again")];
        all.iter().find(|(given, _)| *given).map_or("", |(_, word)| word).into()
    }
}

#[derive(Debug, Args)]
pub(super) struct ReprintArgs {
    /// A job id, or a record (its newest finished job).
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
pub(super) struct ListArgs {
    /// Only this record.
    #[arg(long)]
    record: Option<String>,
    /// Only this state: pending, processing, held, failed or done.
    #[arg(long)]
    state: Option<String>,
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub(super) struct ShowArgs {
    /// A job id, or a record (its newest job).
    job: String,
    #[arg(long)]
    json: bool,
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
    let (spool, config) = open(file)?;
    let act = |jobs: Vec<JobId>, command: &dyn Fn(Vec<JobId>) -> Command| act(&spool, &config, jobs, command);
    match command {
        JobsCommand::List(args) => list(&spool, args),
        JobsCommand::Show(args) => show(&spool, args),
        JobsCommand::Retry(args) => {
            let jobs = failed_or_named(&spool, args, &[State::Failed, State::Done])?;
            act(jobs, &|jobs| Command::Retry { jobs })
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
            let answer = args.answer.word();
            let command = |jobs| Command::Answer { jobs, answer: answer.clone() };
            act(named(&spool, &args.jobs, &[State::Held])?, &command)
        }
        JobsCommand::Reprint(args) => {
            let job = find(&spool, &args.job, &[State::Done, State::Failed])?.id;
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

pub(super) fn open(file: &Path) -> Result<(Spool, Config), Error> {
    let config = config::load(file)?.config;
    let root = &config.spool;
    let spool = Spool::look(root).ok_or_else(|| {
        Error::failed(format!("there is no spool at {} yet; `hotfolders serve` makes it", root.display()))
    })?;
    Ok((spool, config))
}

/// Whoever holds the lock carries a command out: the server, or we.
pub(super) fn send(spool: &Spool, config: &Config, command: &Command) -> Result<Answer, Error> {
    let failed = |e: &dyn std::fmt::Display| Error::failed(e.to_string());
    match spool.lock(clock::now()) {
        Ok(_lock) => Ok(operator::carry_out(spool, config, command, &|_| false)),
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

fn record(job: &Located) -> Option<JobFile> {
    job::read(&job.folder, file::JOB).ok()
}

fn all(spool: &Spool) -> Result<Vec<Located>, Error> {
    let mut jobs = Vec::new();
    for state in State::ALL {
        jobs.extend(spool.jobs(state).map_err(|e| Error::failed(e.to_string()))?);
    }
    jobs.sort_by(|a, b| a.id.cmp(&b.id));
    Ok(jobs)
}

/// A job id names one job; a record its newest one in the wanted states.
fn find(spool: &Spool, text: &str, states: &[State]) -> Result<Located, Error> {
    let failed = |e: crate::spool::queue::SpoolError| Error::failed(e.to_string());
    if let Some(id) = JobId::parse(text)
        && let Some(job) = spool.find(&id).map_err(failed)?
    {
        return Ok(job);
    }
    let is_of = |job: Located| record(&job).filter(|r| r.record.eq_ignore_ascii_case(text)).map(|r| (r, job));
    let mut of_record: Vec<(JobFile, Located)> = all(spool)?.into_iter().filter_map(is_of).collect();
    of_record.sort_by_key(|(record, _)| (record.accepted, record.sequence));
    let mut of_record: Vec<Located> = of_record.into_iter().map(|(_, job)| job).collect();
    if of_record.is_empty() {
        return Err(Error::failed(format!("there is no job or record `{text}`; see `hotfolders jobs list`")));
    }
    let newest = of_record.iter().rposition(|job| states.contains(&job.state));
    Ok(of_record.swap_remove(newest.unwrap_or(of_record.len() - 1)))
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

fn act(spool: &Spool, config: &Config, jobs: Vec<JobId>, command: &dyn Fn(Vec<JobId>) -> Command) -> Result<(), Error> {
    if jobs.is_empty() {
        note("no job has failed");
        return Ok(());
    }
    answer(&send(spool, config, &command(jobs))?)
}

/// What a list shows of a job in one line.
#[derive(Debug, serde::Serialize)]
pub(super) struct Row {
    job: JobId,
    state: State,
    kind: Option<crate::model::manifest::Kind>,
    record: String,
    accepted: Option<jiff::Timestamp>,
    result: Option<String>,
    /// The reason of a failed job, the first question of a held one.
    why: Option<String>,
}

fn row(job: &Located) -> Row {
    let known = record(job);
    let why = match job.state {
        State::Failed => job::read::<Reason>(&job.folder, file::REASON).ok().map(|r| r.text),
        State::Held => questions(job).first().map(|q| q.text.clone()),
        _ => None,
    };
    Row {
        job: job.id.clone(),
        state: job.state,
        kind: known.as_ref().and_then(|k| k.kind),
        accepted: known.as_ref().map(|k| k.accepted),
        record: known.map(|k| k.record).unwrap_or_default(),
        result: receipt::read(&job.folder).map(|r| r.result),
        why,
    }
}

fn questions(job: &Located) -> Vec<Question> {
    job::read(&job.folder, file::QUESTIONS).unwrap_or_default()
}

fn list(spool: &Spool, args: &ListArgs) -> Result<(), Error> {
    let wanted = match &args.state {
        Some(word) => Some(
            State::from_word(word)
                .ok_or_else(|| Error::usage(format!("`{word}` is no state; there are {}", State::WORDS.join(", "))))?,
        ),
        None => None,
    };
    let jobs = all(spool)?.into_iter().filter(|job| wanted.is_none_or(|state| job.state == state));
    let rows: Vec<Row> = jobs
        .map(|job| row(&job))
        .filter(|row| args.record.as_ref().is_none_or(|record| row.record.eq_ignore_ascii_case(record)))
        .collect();
    if args.json {
        return terminal::say_json(&rows);
    }
    if rows.is_empty() {
        return say("no jobs");
    }
    let width = rows.iter().map(|r| r.job.as_str().chars().count()).max().unwrap_or(0);
    for row in rows {
        let state = row.result.as_deref().filter(|_| row.state == State::Done).unwrap_or(row.state.word());
        let color = match row.state {
            State::Failed => RED,
            State::Held => YELLOW,
            State::Done => GREEN,
            State::Pending | State::Processing => "0",
        };
        let why = row.why.map(|w| format!("  {}", w.lines().next().unwrap_or_default())).unwrap_or_default();
        say_painted(&format!(
            "{:<width$}  {}{}",
            row.job.as_str(),
            paint(&format!("{state:<10}"), color),
            paint(&why, "0")
        ))?;
    }
    Ok(())
}

fn show(spool: &Spool, args: &ShowArgs) -> Result<(), Error> {
    let job = find(spool, &args.job, &State::ALL)?;
    let known = record(&job);
    let receipt: Option<Receipt> = receipt::read(&job.folder);
    let reason: Option<Reason> = job::read(&job.folder, file::REASON).ok();
    let plan: Option<crate::plan::Plan> = job::read(&job.folder, file::PLAN).ok();
    let rules: Option<crate::plan::frozen::Frozen> = job::read(&job.folder, file::RULES).ok();
    let progress = journal::read(&job.folder.join(file::JOURNAL)).unwrap_or_default();
    if args.json {
        return terminal::say_json(&serde_json::json!({
            "job": job.id, "state": job.state, "folder": job.folder, "record": known,
            "rules": rules.map(|r| r.rules), "questions": questions(&job), "reason": reason, "receipt": receipt,
            "plan": plan,
        }));
    }
    say(&format!("{} is {}", job.id, job.state))?;
    say(&format!("  folder    {}", job.folder.display()))?;
    if let Some(known) = &known {
        say(&format!("  manifest  {} from hot folder {}", known.manifest, known.hot_folder))?;
        say(&format!("  accepted  {}", known.accepted))?;
        if let Some(start) = known.not_before {
            say(&format!("  starts    {start}"))?;
        }
    }
    for rule in rules.iter().flat_map(|r| &r.rules).filter(|r| r.matches) {
        say(&format!("  taken by  {}", rule.rule))?;
    }
    if let Some(plan) = &plan {
        say(&format!("  rendered  {} of {}", progress.rendered.len(), plan.renders.len()))?;
        say(&format!("  delivered {} of {}", progress.delivered.len(), plan.deliveries.len()))?;
    }
    let waits = questions(&job);
    if !waits.is_empty() {
        say("\nIt waits for a person (`hotfolders jobs release` goes on as it is, `jobs cancel` ends it):")?;
        for question in waits {
            say_painted(&format!("  {} {}", paint(&question.code, YELLOW), paint(&question.text, "0")))?;
            if !question.answers.is_empty() {
                let list = question.answers.iter().map(|a| format!("--{a}")).collect::<Vec<_>>().join(" | ");
                say(&format!("    hotfolders jobs answer {} {list}", job.id))?;
            }
        }
    }
    if let Some(reason) = reason {
        say_painted(&format!("\n{}", paint("It failed:", RED)))?;
        let shown = std::fs::read_to_string(job.folder.join(file::REASON_TEXT)).unwrap_or(reason.text);
        say(&format!("  {}", shown.trim_end().replace('\n', "\n  ")))?;
    }
    if let Some(receipt) = receipt {
        show_receipt(&receipt)?;
    }
    Ok(())
}

pub(super) fn show_receipt(receipt: &Receipt) -> Result<(), Error> {
    say(&format!("\nResult: {}, {} pictures", receipt.result, receipt.pictures()))?;
    for output in &receipt.outputs {
        let place = output.path.as_deref().unwrap_or("(not delivered)");
        say(&format!("  {place} {}x{} from {}", output.width, output.height, output.source.as_deref().unwrap_or("?")))?;
    }
    for delivery in receipt.deliveries.iter().filter(|d| d.to != "folder") {
        say(&format!("  {} {}", delivery.to, delivery.paths.join(", ")))?;
    }
    for warning in &receipt.warnings {
        say_painted(&format!("  {} {}", paint(&format!("{}:", warning.code), YELLOW), paint(&warning.text, "0")))?;
    }
    for error in &receipt.errors {
        say_painted(&format!("  {} {}", paint(&format!("{}:", error.code), RED), paint(error.text.trim_end(), "0")))?;
    }
    Ok(())
}
