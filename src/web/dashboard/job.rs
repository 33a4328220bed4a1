//! Everything about one job: why it is what it is, what it makes, what came of it.

mod confirm;
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

pub(super) use self::confirm::ask as confirm;
use self::links::Link;
pub(super) use self::links::hide as hide_links;
pub(super) use self::pictures::{Lies, Output, Shown};
use self::prints::Prints;

use super::asked::{self, Asked, AtPrinter};
use super::frame::{Frame, NoteKey, Page, Setting};
use super::sessions::Visitor;
use super::told::Told;
use super::words::{self, Badge, Clock, badge};
use super::{Dashboard, blocking, jobs};
use crate::model::counted::counted;
use crate::plan::frozen::{Frozen, RuleVerdict, Verdict};
use crate::plan::{Finding, Plan, Skipped, StepId, Weight};
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

impl Read {
    /// Pictures that are made, without the small ones for download pages.
    pub(super) fn rendered(&self) -> usize {
        let pictures = self.plan.iter().flat_map(Plan::pictures);
        pictures.filter(|step| self.progress.rendered.contains_key(&step.id)).count()
    }
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
    /// The page that one came from.
    crumb: (&'static str, &'static str),
    /// As it stands in the URL.
    via: &'static str,
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
    release: Option<&'static str>,
    reason: Vec<String>,
    /// How the pictures that it lacks are put right.
    mend: Option<String>,
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
    /// What was found of each picture, where it is the same for many.
    each: Vec<String>,
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
    /// Which page led here.
    via: String,
}

pub(super) async fn show(
    State(dashboard): State<Arc<Dashboard>>,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
    Query(part): Query<Part>,
) -> Result<Response, Trouble> {
    let setting = dashboard.setting(Page::Job, &visitor, &NoteKey { note: part.note.clone() });
    blocking(move || {
        let id = JobId::parse(&id).ok_or_else(|| Trouble::not_found("There is no such job."))?;
        match find(&dashboard, &id)? {
            Some(read) => Ok(page::html(&job_page(&dashboard, read, setting, part.from, crumb(&part.via)))),
            None => past::show(&dashboard.site.spool, &id, setting),
        }
    })
    .await
}

fn job_page(dashboard: &Dashboard, read: Read, setting: Setting, from: usize, crumb: Crumb) -> JobPage {
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
    let mut receipt: Option<serde_json::Value> = job::read(folder, file::RECEIPT).ok();
    if let Some(receipt) = receipt.as_mut().filter(|_| !frame.acts) {
        links::hide(receipt);
    }
    let result = receipt.as_ref().and_then(|receipt| receipt["result"].as_str());
    let finished = receipt.as_ref().and_then(|receipt| receipt["finished"].as_str()?.parse().ok());
    let badge = match (read.located.state, result) {
        (Place::Done, Some(result)) => words::result(result),
        (Place::Processing, _) if told.is_waiting(&read.located.id) => badge("Waits", "warn"),
        (state, _) => words::state(state),
    };
    let log_folder = dashboard.site.config().server.log.folder.clone();
    let mut log =
        log::lines(&log_folder, &read.located.id, read.job.accepted, finished.unwrap_or_else(crate::clock::now));
    if !frame.acts {
        links::hide_in(&mut log, &read);
    }
    let lines = manifest.iter().flat_map(|manifest| &manifest.lines).map(|line| Line {
        number: line.line,
        text: [line.item.clone(), line.description.clone(), Some(format!("{} ordered", line.quantity))]
            .into_iter()
            .flatten()
            .collect::<Vec<_>>()
            .join(" · "),
    });
    JobPage {
        crumb: (crumb.0, crumb.1),
        via: crumb.2,
        title: jobs::title(read.job.kind, &read.job.record, &read.located.id),
        client: manifest.as_ref().and_then(jobs::client_name),
        badge,
        facts: facts(&read, finished, &clock),
        buttons: buttons(read.located.state, result, read.job.is_dropped()),
        release: asked::release(&questions),
        rests,
        // While it goes on, more sheets of a printer may be in doubt than somebody has looked at.
        printers: if rests { asked::at_printers(&questions) } else { Vec::new() },
        questions: asked::asked(&questions),
        mend: reason.as_ref().and_then(|reason| reason.mend.clone()),
        reason: reason.map(|reason| words::reasons(&reason)).unwrap_or_default(),
        waits: waits(&told, &read.located.id, &clock),
        progress: progress(&read),
        verdict: frozen.as_ref().and_then(verdict),
        rules: frozen.map(|frozen| frozen.rules).unwrap_or_default(),
        findings: read.plan.as_ref().map(|plan| remarks(&plan.findings)).unwrap_or_default(),
        skipped: read.plan.iter().flat_map(|plan| &plan.skipped).map(skipped).collect(),
        outputs: pictures::outputs(&read, from, OUTPUTS_SHOWN),
        from,
        all: read.plan.as_ref().map_or(0, |plan| plan.pictures().count()),
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

fn buttons(state: Place, result: Option<&str>, is_dropped: bool) -> Buttons {
    let cancelled = result == Some("cancelled");
    let is_ended_by_hand = cancelled || (result == Some("ignored") && is_dropped);
    Buttons {
        retry: state == Place::Failed || (state == Place::Done && is_ended_by_hand),
        release: state == Place::Pending,
        hold: matches!(state, Place::Pending | Place::Processing),
        cancel: state != Place::Done,
        reprint: matches!(state, Place::Done | Place::Failed) && !is_ended_by_hand,
    }
}

/// Where it leads, what it says, and how it stands in the URL.
type Crumb = (&'static str, &'static str, &'static str);

fn crumb(via: &str) -> Crumb {
    match via {
        "history" => ("/history", "History", "history"),
        "places" => ("/places", "Places", "places"),
        _ => ("/", "Queue", ""),
    }
}

/// What keeps it from going on: in the queue, or while it runs.
fn waits(told: &Told, id: &JobId, clock: &Clock) -> Option<String> {
    if let Some(running) = told.running.iter().find(|running| running.job == *id) {
        return running.waits(clock);
    }
    let waiting = told.waiting.iter().find(|waiting| waiting.job == *id)?;
    let starts = || waiting.not_before.map(|at| format!("It starts {}.", clock.moment(at).shown));
    waiting.why.clone().or_else(starts)
}

fn progress(read: &Read) -> Option<Bar> {
    let plan = read.plan.as_ref().filter(|_| matches!(read.located.state, Place::Processing | Place::Held))?;
    let (done, of) = (read.rendered(), plan.pictures().count());
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

/// What the same check says of many pictures of a profile is said once.
fn remarks(findings: &[Finding]) -> Vec<Remark> {
    let mut groups: Vec<(&Finding, Vec<&Finding>)> = Vec::new();
    for finding in findings {
        let is_alike = |first: &Finding| {
            (first.weight, &first.code, &first.profile) == (finding.weight, &finding.code, &finding.profile)
        };
        match groups.iter_mut().find(|(first, _)| is_alike(first)) {
            Some((_, all)) => all.push(finding),
            None => groups.push((finding, vec![finding])),
        }
    }
    let remark = |(first, all): (&Finding, Vec<&Finding>)| {
        let (class, word) = if first.weight == Weight::Hold { ("bad", "Asks") } else { ("warn", "Note") };
        let about = first.profile.clone().unwrap_or_default();
        let each: Vec<String> = all.iter().map(|finding| finding.text.clone()).collect();
        if all.len() == 1 {
            return Remark { class, word, about, text: first.text.clone(), each: Vec::new() };
        }
        // Which line and picture it is about stands before the first colon.
        let said = |text: &str| text.split_once(": ").map(|(_, said)| said.to_string());
        let same = said(&first.text).filter(|same| each.iter().all(|text| said(text).as_ref() == Some(same)));
        let what = same.unwrap_or_else(|| words::finding(&first.code));
        Remark { class, word, about, text: format!("{} pictures: {what}", all.len()), each }
    };
    groups.into_iter().map(remark).collect()
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

/// What stands in the place of a picture that cannot be shown after all: never a torn one.
const NOT_KEPT: &str = "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 240 160\" width=\"240\" height=\"160\">\
<rect width=\"240\" height=\"160\" fill=\"#eeece6\"/><text x=\"120\" y=\"85\" text-anchor=\"middle\" font-family=\"sans-serif\" \
font-size=\"15\" fill=\"#58626b\">not kept</text></svg>";

/// A picture of the job, small.
pub(super) async fn picture(
    State(dashboard): State<Arc<Dashboard>>,
    Path((id, step, which)): Path<(String, String, String)>,
) -> Result<Response, Trouble> {
    let of = Arc::clone(&dashboard);
    let shown = blocking(move || {
        let missing = || Trouble::not_found("There is no such picture.");
        let id = JobId::parse(&id).ok_or_else(missing)?;
        let read = find(&of, &id)?.ok_or_else(missing)?;
        let is_known = read.plan.as_ref().is_some_and(|plan| plan.render(&StepId(step.clone())).is_some());
        if is_known { Ok(pictures::find(&read, &step, &which)) } else { Err(missing()) }
    })
    .await?;
    let small = match shown {
        Some(shown) => dashboard.thumbnails.of(shown).await.ok(),
        None => None,
    };
    Ok(match small {
        Some(small) => ([(CONTENT_TYPE, "image/jpeg"), (CACHE_CONTROL, "private, max-age=600")], small).into_response(),
        None => ([(CONTENT_TYPE, "image/svg+xml"), (CACHE_CONTROL, "no-store")], NOT_KEPT).into_response(),
    })
}
