//! Everything about one job: why it is what it is, what it makes, what came of it.

mod links;
mod log;
mod past;
mod pictures;
mod prints;

use std::sync::Arc;

use askama::Template;
use axum::Extension;
use axum::extract::{Path, Query, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;

use self::links::Link;
pub(super) use self::pictures::{Output, Shown};
use self::prints::Prints;

use super::asked::{self, Asked, AtPrinter};
use super::frame::{Frame, NoteKey, Page, Setting};
use super::sessions::Visitor;
use super::told::Told;
use super::words::{self, Badge, Clock, badge};
use super::{Dashboard, blocking, jobs};
use crate::model::counted::counted;
use crate::plan::frozen::{Frozen, RuleVerdict, Verdict};
use crate::plan::{Finding, Plan, Skipped, Weight};
use crate::spool::job::{self, JobFile, JobId, Reason, file};
use crate::spool::journal::{self, Progress};
use crate::spool::queue::{Located, State as Place};
use crate::web::page::{self, Trouble};

/// Outputs on one page.
const OUTPUTS_SHOWN: usize = 48;
/// Longest text of a manifest or receipt that stands on the page.
const TEXT_MAX_CHARS: usize = 100_000;

/// A job whose folder stands, as far as it can be read.
pub(super) struct Read {
    pub(super) located: Located,
    pub(super) job: JobFile,
    pub(super) plan: Option<Plan>,
    pub(super) progress: Progress,
}

/// Finds a job by its id, nothing else.
pub(super) fn find(dashboard: &Dashboard, id: &JobId) -> Result<Option<Read>, Trouble> {
    let Some(located) = dashboard.site.spool.find(id)? else { return Ok(None) };
    // It may have moved meanwhile; then it is found at the next try.
    let job = job::read(&located.folder, file::JOB)?;
    let plan = job::read(&located.folder, file::PLAN).ok();
    let progress = journal::read(&located.folder.join(file::JOURNAL)).unwrap_or_default();
    Ok(Some(Read { located, job, plan, progress }))
}

#[derive(Template)]
#[template(path = "dashboard/job.html")]
struct JobPage {
    frame: Frame,
    id: JobId,
    title: String,
    client: Option<String>,
    badge: Badge,
    facts: Vec<(&'static str, String)>,
    buttons: Buttons,
    questions: Vec<Asked>,
    /// It is held, and goes on with the last answer.
    rests: bool,
    printers: Vec<AtPrinter>,
    releases: bool,
    reason: Vec<String>,
    waits: Option<String>,
    progress: Option<Bar>,
    rules: Vec<RuleVerdict>,
    verdict: Option<String>,
    findings: Vec<Remark>,
    skipped: Vec<String>,
    outputs: Vec<Output>,
    from: usize,
    all: usize,
    deliveries: Vec<Delivery>,
    links: Vec<Link>,
    prints: Prints,
    lines: Vec<Line>,
    manifest: String,
    manifest_name: String,
    receipt: Option<String>,
    log: Vec<String>,
}

impl JobPage {
    fn newer(&self) -> Option<usize> {
        (self.from > 0).then(|| self.from.saturating_sub(OUTPUTS_SHOWN))
    }

    fn older(&self) -> Option<usize> {
        Some(self.from + OUTPUTS_SHOWN).filter(|from| *from < self.all)
    }

    fn shown_to(&self) -> usize {
        self.from + self.outputs.len()
    }
}

/// Which of them make sense for the job as it is.
#[derive(Debug, Default)]
#[allow(clippy::struct_excessive_bools, reason = "each is a button of its own")]
struct Buttons {
    retry: bool,
    release: bool,
    hold: bool,
    cancel: bool,
    reprint: bool,
}

struct Bar {
    done: usize,
    of: usize,
    text: String,
}

/// What a check found.
struct Remark {
    class: &'static str,
    word: &'static str,
    /// The profile, where there is one.
    about: String,
    text: String,
}

struct Delivery {
    what: String,
    owner: String,
    badge: Badge,
    places: Vec<String>,
    why: Option<String>,
}

/// A line of the order, to be made again.
struct Line {
    number: u32,
    text: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Part {
    from: usize,
    note: String,
}

pub(super) async fn show(
    State(dashboard): State<Arc<Dashboard>>,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
    Query(part): Query<Part>,
) -> Result<Response, Trouble> {
    let setting = dashboard.setting(Page::Job, &visitor, &NoteKey { note: part.note });
    blocking(move || {
        let id = JobId::parse(&id).ok_or_else(|| Trouble::not_found("There is no such job."))?;
        match find(&dashboard, &id)? {
            Some(read) => Ok(page::html(&job_page(&dashboard, read, setting, part.from))),
            None => past::show(&dashboard.site.spool, &id, setting),
        }
    })
    .await
}

fn job_page(dashboard: &Dashboard, read: Read, setting: Setting, from: usize) -> JobPage {
    let Setting { frame, told, clock } = setting;
    let folder = read.located.folder.as_path();
    let text = jobs::manifest_text(folder, &read.job).unwrap_or_default();
    let manifest = jobs::manifest(folder, &read.job);
    let frozen: Option<Frozen> = job::read(folder, file::RULES).ok();
    let questions = asked::questions(&read.located);
    let rests = read.located.state == Place::Held;
    let reason: Option<Reason> = match read.located.state {
        Place::Failed => job::read(folder, file::REASON).ok(),
        _ => None,
    };
    let receipt: Option<serde_json::Value> = job::read(folder, file::RECEIPT).ok();
    let result = receipt.as_ref().and_then(|receipt| receipt["result"].as_str());
    let finished = receipt.as_ref().and_then(|receipt| receipt["finished"].as_str()?.parse().ok());
    let badge = match (read.located.state, result) {
        (Place::Done, Some(result)) => words::result(result),
        (state, _) => words::state(state),
    };
    let log_folder = dashboard.site.config().server.log.folder.clone();
    let log = log::lines(&log_folder, &read.located.id, read.job.accepted, finished.unwrap_or_else(crate::clock::now));
    let lines = manifest.iter().flat_map(|manifest| &manifest.lines).map(|line| Line {
        number: line.line,
        text: [line.item.clone(), line.description.clone(), Some(format!("{} ordered", line.quantity))]
            .into_iter()
            .flatten()
            .collect::<Vec<_>>()
            .join(" · "),
    });
    JobPage {
        title: jobs::title(read.job.kind, &read.job.record, &read.located.id),
        client: manifest.as_ref().and_then(jobs::client_name),
        badge,
        facts: facts(&read, finished, &clock),
        buttons: buttons(read.located.state, result),
        releases: questions.iter().all(|question| !question.needs_answer),
        rests,
        // While it goes on, more sheets of a printer may be in doubt than somebody has looked at.
        printers: if rests { asked::at_printers(&questions) } else { Vec::new() },
        questions: asked::asked(&questions),
        reason: reason.map(|reason| words::reasons(&reason)).unwrap_or_default(),
        waits: waits(&told, &read.located.id, &clock),
        progress: progress(&read),
        verdict: frozen.as_ref().and_then(verdict),
        rules: frozen.map(|frozen| frozen.rules).unwrap_or_default(),
        findings: read.plan.iter().flat_map(|plan| &plan.findings).map(remark).collect(),
        skipped: read.plan.iter().flat_map(|plan| &plan.skipped).map(skipped).collect(),
        outputs: pictures::outputs(&read, from, OUTPUTS_SHOWN),
        from,
        all: read.plan.as_ref().map_or(0, |plan| pictures::shown(plan).count()),
        deliveries: deliveries(&read),
        links: links::links(&read, &dashboard.site, &clock),
        prints: prints::prints(&read),
        lines: lines.collect(),
        manifest: cut(String::from_utf8_lossy(&text).into_owned()),
        manifest_name: read.job.manifest.clone(),
        receipt: receipt.map(|receipt| cut(serde_json::to_string_pretty(&receipt).unwrap_or_default())),
        log,
        id: read.located.id,
        frame,
    }
}

fn cut(text: String) -> String {
    match text.char_indices().nth(TEXT_MAX_CHARS) {
        Some((at, _)) => format!("{}\n… and so on; the whole text lies in the job's folder", &text[..at]),
        None => text,
    }
}

fn facts(read: &Read, finished: Option<jiff::Timestamp>, clock: &Clock) -> Vec<(&'static str, String)> {
    let mut facts = vec![
        ("came", clock.moment(read.job.accepted).shown),
        ("hot folder", read.job.hot_folder.clone()),
        ("manifest", read.job.manifest.clone()),
    ];
    facts.extend(finished.map(|at| ("ended", clock.moment(at).shown)));
    facts.extend(read.job.not_before.map(|at| ("starts", clock.moment(at).shown)));
    if read.job.priority != 0 {
        facts.push(("priority", read.job.priority.to_string()));
    }
    if read.job.retries > 0 {
        facts.push(("tried again", counted(read.job.retries, "time")));
    }
    facts.extend(read.job.reprint_of.as_ref().map(|reprint| ("made again from", reprint.job.to_string())));
    facts.push(("job", read.located.id.to_string()));
    facts
}

fn buttons(state: Place, result: Option<&str>) -> Buttons {
    let cancelled = result == Some("cancelled");
    Buttons {
        retry: state == Place::Failed || (state == Place::Done && cancelled),
        release: state == Place::Pending,
        hold: matches!(state, Place::Pending | Place::Processing),
        cancel: state != Place::Done,
        reprint: matches!(state, Place::Done | Place::Failed) && !cancelled,
    }
}

fn waits(told: &Told, id: &JobId, clock: &Clock) -> Option<String> {
    let waiting = told.waiting.iter().find(|waiting| waiting.job == *id)?;
    let starts = || waiting.not_before.map(|at| format!("It starts {}.", clock.moment(at).shown));
    waiting.why.clone().or_else(starts)
}

fn progress(read: &Read) -> Option<Bar> {
    let plan = read.plan.as_ref().filter(|_| matches!(read.located.state, Place::Processing | Place::Held))?;
    let (done, of) = (read.progress.rendered.len(), plan.renders.len());
    let (delivered, deliveries) = (read.progress.delivered.len(), plan.deliveries.len());
    let text = format!("{done} of {of} pictures, {delivered} of {deliveries} deliveries");
    Some(Bar { done: done + delivered, of: of + deliveries, text })
}

fn verdict(frozen: &Frozen) -> Option<String> {
    match &frozen.verdict {
        Verdict::Run => frozen.named_by_manifest.then(|| "The manifest names its profiles itself.".to_string()),
        Verdict::Cancel => Some("It takes back what the record ordered.".to_string()),
        Verdict::Unmatched { why }
        | Verdict::Ignored { why }
        | Verdict::Skipped { why }
        | Verdict::Reject { why, .. } => Some(why.clone()),
    }
}

fn remark(finding: &Finding) -> Remark {
    let (class, word) = if finding.weight == Weight::Hold { ("bad", "Asks") } else { ("warn", "Note") };
    // Which line and picture it is about stands in the text.
    Remark { class, word, about: finding.profile.clone().unwrap_or_default(), text: finding.text.clone() }
}

fn skipped(skipped: &Skipped) -> String {
    let mut about = Vec::new();
    about.extend(skipped.line.map(|line| format!("line {line}")));
    about.extend(skipped.image.clone());
    about.extend(skipped.profile.clone());
    format!("{}: {}", about.join(", "), skipped.reason)
}

fn deliveries(read: &Read) -> Vec<Delivery> {
    let Some(plan) = &read.plan else { return Vec::new() };
    let delivery = |step: &crate::plan::DeliveryStep| {
        let failed = read.progress.failed.get(&step.id).map(|(_, why)| why.clone());
        let badge = match (&step.blocked, read.progress.delivered.contains(&step.id), &failed) {
            (_, true, _) => badge("Delivered", "good"),
            (Some(_), ..) => badge("Cannot be made", "bad"),
            (_, _, Some(_)) => badge("Failed", "bad"),
            _ => badge("To do", "quiet"),
        };
        Delivery {
            what: step.delivery.word().to_string(),
            owner: step.owner.clone(),
            badge,
            places: step.place.iter().map(|place| place.shown.clone()).collect(),
            why: step.blocked.clone().or(failed),
        }
    };
    plan.deliveries.iter().map(delivery).collect()
}

/// A picture of the job, small.
pub(super) async fn picture(
    State(dashboard): State<Arc<Dashboard>>,
    Path((id, step, which)): Path<(String, String, String)>,
) -> Result<Response, Trouble> {
    let missing = || Trouble::not_found("The picture is not where it was any more.");
    let of = Arc::clone(&dashboard);
    let shown = blocking(move || {
        let id = JobId::parse(&id).ok_or_else(missing)?;
        let read = find(&of, &id)?.ok_or_else(missing)?;
        let shown = match which.as_str() {
            "source" => pictures::source(&read, &step),
            "result" => pictures::result(&read, &step),
            _ => None,
        };
        shown.ok_or_else(missing)
    })
    .await?;
    let small = dashboard.thumbnails.of(shown).await?;
    let headers = [(CONTENT_TYPE, "image/jpeg"), (CACHE_CONTROL, "private, max-age=600")];
    Ok((headers, small).into_response())
}
