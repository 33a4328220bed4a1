//! `hotfolders jobs`: list, look, and the operator's hands.

use std::path::Path;

use clap::{Args, Subcommand};

use super::config;
use super::terminal::{self, GREEN, RED, YELLOW, note, paint, say, say_painted};
use crate::clock;
use crate::control::{self, Answer, Command};
use crate::error::Error;
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
    /// Hold waiting jobs until they are released.
    Hold(SelectArgs),
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
    let spool = open(file)?;
    match command {
        JobsCommand::List(args) => list(&spool, args),
        JobsCommand::Show(args) => show(&spool, args),
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
    let loaded = config::load(file)?;
    let root = &loaded.config.spool;
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
    let mut of_record: Vec<Located> = all(spool)?
        .into_iter()
        .filter(|job| record(job).is_some_and(|r| r.record.eq_ignore_ascii_case(text)))
        .collect();
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

fn act(spool: &Spool, jobs: Vec<JobId>, command: impl Fn(Vec<JobId>) -> Command) -> Result<(), Error> {
    if jobs.is_empty() {
        note("no job has failed");
        return Ok(());
    }
    answer(&send(spool, &command(jobs))?)
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
