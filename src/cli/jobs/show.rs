//! `hotfolders jobs show`: everything about one job.

use clap::Args;
use jiff::tz::TimeZone;

use super::find::{self, Meant, OfRecord, failed, record};
use super::list;
use crate::cli::terminal::{self, RED, YELLOW, paint, say, say_painted};
use crate::clock;
use crate::error::Error;
use crate::model::config::Config;
use crate::model::counted::counted;
use crate::model::units::show_moment;
use crate::plan::frozen::Verdict;
use crate::spool::index::{History, IndexLine};
use crate::spool::job::{self, JobId, Reason, file, questions};
use crate::spool::journal;
use crate::spool::queue::{Located, Spool, State};
use crate::worker::receipt::{self, Receipt};

#[derive(Debug, Args)]
pub(in crate::cli) struct ShowArgs {
    /// A job id, or a record (its newest job).
    job: String,
    #[arg(long)]
    json: bool,
}

pub(super) fn run(spool: &Spool, config: &Config, args: &ShowArgs) -> Result<(), Error> {
    let zone = clock::time_zone(config.studio.time_zone.as_deref());
    match find::meant(spool, &args.job, &State::ALL)? {
        Meant::Standing(job) => {
            let waits = list::waits(spool, config, std::slice::from_ref(&job)).remove(job.id.as_str());
            show(spool, &job, waits.as_deref(), &zone, args.json)
        }
        Meant::Past(id) => show_past(spool, &id, &zone, args.json),
    }
}

/// What the history has of a job whose folder is gone.
fn show_past(spool: &Spool, id: &JobId, zone: &TimeZone, json: bool) -> Result<(), Error> {
    let history = History::read(spool).map_err(|e| failed(&e))?;
    let brief = history.jobs().into_iter().find(|brief| brief.job == id.as_str());
    let brief = brief.ok_or_else(|| Error::failed(format!("{id}: it was removed just now")))?;
    let line: IndexLine = history.line(&brief).map_err(|e| failed(&e))?;
    if json {
        return terminal::say_json(&serde_json::json!({ "job": id, "state": find::state_of(&brief), "history": line }));
    }
    say(&format!("{id} ended as {} at {}; its folder is gone", line.result, show_moment(line.finished, zone)))?;
    say(&format!("  record    {} {}", find::word(line.kind), line.record))?;
    if let Some(client) = &line.client {
        let both = [client.name.as_deref(), client.email.as_deref()].into_iter().flatten().collect::<Vec<_>>();
        say(&format!("  client    {}", both.join(", ")))?;
    }
    for file in &line.placed {
        say(&format!("  {} from `{}`", file.path.display(), file.owner))?;
    }
    Ok(())
}

/// So many other jobs of the record are named.
const SIBLINGS_SHOWN: usize = 10;

/// A record that was sent again has more than one job.
fn show_siblings(others: &[OfRecord]) -> Result<(), Error> {
    for other in others.iter().take(SIBLINGS_SHOWN) {
        say(&format!("  see also  {} ({})", other.id, other.word()))?;
    }
    match others.len().saturating_sub(SIBLINGS_SHOWN) {
        0 => Ok(()),
        more => say(&format!("  see also  {more} older of this record: `hotfolders jobs list --record`")),
    }
}

fn show(spool: &Spool, job: &Located, waits: Option<&str>, zone: &TimeZone, json: bool) -> Result<(), Error> {
    let known = record(job);
    let receipt: Option<Receipt> = receipt::read(&job.folder);
    let reason: Option<Reason> = job::read(&job.folder, file::REASON).ok();
    let plan: Option<crate::plan::Plan> = job::read(&job.folder, file::PLAN).ok();
    let rules: Option<crate::plan::frozen::Frozen> = job::read(&job.folder, file::RULES).ok();
    let progress = journal::read(&job.folder.join(file::JOURNAL)).unwrap_or_default();
    let others = find::siblings(spool, &job.id)?;
    if json {
        let others: Vec<_> = others.iter().map(|o| serde_json::json!({ "job": o.id, "result": o.word() })).collect();
        return terminal::say_json(&serde_json::json!({
            "job": job.id, "state": job.state, "folder": job.folder, "record": known,
            "rules": rules.map(|r| r.rules), "questions": questions(&job.folder), "reason": reason, "receipt": receipt,
            "plan": plan, "others": others, "waits": waits,
        }));
    }
    say(&format!("{} is {}", job.id, job.state))?;
    say(&format!("  folder    {}", job.folder.display()))?;
    if let Some(known) = &known {
        say(&format!("  manifest  {} from hot folder {}", known.manifest, known.hot_folder))?;
        say(&format!("  accepted  {}", show_moment(known.accepted, zone)))?;
        if let Some(start) = known.not_before {
            say(&format!("  starts    {}", show_moment(start, zone)))?;
        }
    }
    if let Some(of) = receipt.as_ref().and_then(|receipt| receipt.duplicate_of.as_ref()) {
        say(&format!("  repeats   {of}, which made what this one asks for"))?;
    }
    show_siblings(&others)?;
    for rule in rules.iter().flat_map(|r| &r.rules).filter(|r| r.matches) {
        say(&format!("  taken by  {}", rule.rule))?;
    }
    for rule in rules.iter().filter(|r| ended_unmatched(&r.verdict)).flat_map(|r| &r.rules) {
        say(&format!("  not by    {}: {}", rule.rule, rule.why_not.join(", ")))?;
    }
    if let Some(plan) = &plan {
        let rendered = plan.pictures().filter(|step| progress.rendered.contains_key(&step.id)).count();
        say(&format!("  rendered  {rendered} of {}", plan.pictures().count()))?;
        say(&format!("  delivered {} of {}", progress.delivered.len(), plan.deliveries.len()))?;
    }
    if let Some(why) = waits {
        say_painted(&format!("  {}     {}", paint("waits", YELLOW), paint(why, "0")))?;
    }
    let asked = questions(&job.folder);
    if !asked.is_empty() {
        say(if job.state == State::Processing {
            "\nA person has to look at these sheets; the others go on:"
        } else {
            "\nIt waits for a person (`hotfolders jobs release` lets it go on, `jobs cancel` ends it):"
        })?;
        for question in asked {
            say_painted(&format!("  {} {}", paint(&question.code, YELLOW), paint(&question.text, "0")))?;
            for detail in &question.details {
                say(&format!("    {detail}"))?;
            }
            if !question.answers.is_empty() {
                let list = question.answers.iter().map(|a| format!("--{a}")).collect::<Vec<_>>().join(" | ");
                let unit = question.unit.as_ref().filter(|_| job.state == State::Processing);
                let unit = unit.map(|unit| format!(" --unit {unit}")).unwrap_or_default();
                say(&format!("    hotfolders jobs answer {}{unit} {list}", job.id))?;
            }
        }
    }
    if let Some(reason) = reason {
        say_painted(&format!("\n{}", paint("It failed:", RED)))?;
        let shown = std::fs::read_to_string(job.folder.join(file::REASON_TEXT)).unwrap_or(reason.text);
        say(&format!("  {}", shown.trim_end().replace('\n', "\n  ")))?;
    }
    if let Some(receipt) = receipt {
        show_receipt(&receipt, zone)?;
    }
    Ok(())
}

/// No render job takes it, and nobody is asked: a question has its own details.
fn ended_unmatched(verdict: &Verdict) -> bool {
    match verdict {
        Verdict::Ignored { .. } => true,
        Verdict::Reject { code, .. } => code == "unmatched",
        _ => false,
    }
}

fn show_receipt(receipt: &Receipt, zone: &TimeZone) -> Result<(), Error> {
    say(&format!("\nResult: {}, {}", receipt.result, counted(receipt.pictures(), "picture")))?;
    for output in &receipt.outputs {
        let place = output.path.as_deref().unwrap_or("(not delivered)");
        say(&format!("  {place} {}x{} from {}", output.width, output.height, output.source.as_deref().unwrap_or("?")))?;
    }
    for delivery in receipt.deliveries.iter().filter(|d| d.to != "folder" && !d.paths.is_empty()) {
        say(&format!("  {} {}", delivery.to, delivery.paths.join(", ")))?;
    }
    for print in &receipt.prints {
        let line = print.line.map(|line| format!("line {line}, ")).unwrap_or_default();
        let copies = counted(print.copies, "copy");
        say(&format!("  print {} on {}: {line}{copies}, {}", print.step, print.printer, print.state.word()))?;
    }
    for link in &receipt.links {
        say(&format!("  link {} until {}", link.url, show_moment(link.expires, zone)))?;
    }
    for warning in &receipt.warnings {
        say_painted(&format!("  {} {}", paint(&format!("{}:", warning.code), YELLOW), paint(&warning.text, "0")))?;
    }
    for error in &receipt.errors {
        say_painted(&format!("  {} {}", paint(&format!("{}:", error.code), RED), paint(error.text.trim_end(), "0")))?;
    }
    Ok(())
}
