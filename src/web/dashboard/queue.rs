//! The first page: what runs, what waits for whom, what failed and why, what came out.

mod resting;

use std::collections::HashSet;
use std::sync::Arc;

use askama::Template;
use axum::Extension;
use axum::extract::{Query, State};
use axum::response::Response;

use self::resting::{Cards, Failed, Held};
use super::asked::{self, Asked, AtPrinter};
use super::frame::{Frame, NoteKey, Page, Setting};
use super::jobs::Face;
use super::links::{self, Clients};
use super::sessions::Visitor;
use super::told::{self, Told};
use super::words::{self, Badge, Clock, Moment};
use super::{Dashboard, blocking};
use crate::spool::index::History;
use crate::spool::job::{self, JobId, file};
use crate::spool::queue::State as Place;
use crate::web::page::{self, Trouble};

/// So many of each kind are shown; the rest is counted.
const SHOWN_MAX: usize = 40;
const DONE_SHOWN: usize = 12;

#[derive(Template)]
#[template(path = "dashboard/queue.html")]
struct QueuePage {
    frame: Frame,
    alarms: Vec<Alarm>,
    running: Vec<Running>,
    held: Cards<Held>,
    failed: Cards<Failed>,
    waiting: Vec<Waiting>,
    waiting_more: usize,
    arriving: Vec<Arriving>,
    done: Vec<Done>,
    asked_links: Clients,
}

impl QueuePage {
    fn is_idle(&self) -> bool {
        self.running.is_empty() && self.waiting.is_empty() && self.arriving.is_empty()
    }

    /// The sections with how many jobs each has: what is further down is one click away.
    fn summary(&self) -> [(&'static str, usize, &'static str); 4] {
        let waiting = self.waiting.len() + self.waiting_more + self.arriving.len();
        [
            ("running", self.running.len(), "running"),
            ("waiting", waiting, "waiting"),
            ("held", self.held.jobs, "to answer"),
            ("failed", self.failed.jobs, "failed"),
        ]
    }
}

/// Something that somebody should look at, whichever job it stops.
struct Alarm {
    class: &'static str,
    title: String,
    text: String,
}

struct Running {
    face: Arc<Face>,
    since: Moment,
    pictures: Option<Bar>,
    deliveries: Option<Bar>,
    pace: String,
    /// What it waits for: it stands still until then.
    waits: Option<String>,
    /// About prints in doubt, each by itself: more of a printer may be than somebody has looked at.
    questions: Vec<Asked>,
    printers: [AtPrinter; 0],
}

/// A progress bar and its words.
struct Bar {
    done: usize,
    of: usize,
    text: String,
}

struct Waiting {
    face: Arc<Face>,
    text: String,
    urgent: bool,
}

struct Arriving {
    name: String,
    hot_folder: String,
    since: Moment,
    text: String,
}

struct Done {
    id: JobId,
    title: String,
    client: Option<String>,
    badge: Badge,
    finished: Moment,
}

pub(super) async fn show(
    State(dashboard): State<Arc<Dashboard>>,
    Extension(visitor): Extension<Visitor>,
    Query(key): Query<NoteKey>,
) -> Result<Response, Trouble> {
    let setting = dashboard.setting(Page::Queue, &visitor, &key);
    let page = blocking(move || gather(&dashboard, setting)).await?;
    Ok(page::html(&page))
}

fn gather(dashboard: &Dashboard, setting: Setting) -> Result<QueuePage, Trouble> {
    let spool = &dashboard.site.spool;
    let Setting { frame, told, clock } = setting;
    let running: Vec<Running> = told.running.iter().filter_map(|run| running(dashboard, run, &clock)).collect();

    let mut held_jobs = spool.jobs(Place::Held)?;
    let held_more = held_jobs.len().saturating_sub(SHOWN_MAX);
    held_jobs.truncate(SHOWN_MAX);
    let held_jobs = held_jobs.iter().filter_map(|at| Some((dashboard.faces.of(at)?, asked::questions(at))));
    let held = resting::held(held_jobs.collect(), held_more);

    let (failed_jobs, failed_more) = spool.newest(Place::Failed, SHOWN_MAX)?;
    let failed_jobs =
        failed_jobs.iter().filter_map(|at| Some((dashboard.faces.of(at)?, job::read(&at.folder, file::REASON).ok())));
    let failed = resting::failed(failed_jobs.collect(), failed_more);

    let (waiting, waiting_more) = waiting(dashboard, &told, &clock);
    let arriving = told
        .hot_folders
        .iter()
        .flat_map(|folder| folder.waiting.iter().map(|drop| arriving(folder, drop, &clock)))
        .take(SHOWN_MAX)
        .collect();
    let open: HashSet<&str> = told.running.iter().map(|run| run.job.as_str()).collect();
    let history = History::newest(spool, DONE_SHOWN * 4)?;
    let done = history
        .jobs()
        .into_iter()
        .rev()
        .filter(|brief| brief.result != "failed" && !brief.is_erased() && !open.contains(&*brief.job))
        .filter_map(|brief| {
            let id = JobId::parse(&brief.job)?;
            Some(Done {
                title: super::jobs::title(brief.kind, &brief.record, &id),
                client: Some(brief.client.to_string()).filter(|client| !client.is_empty()),
                badge: words::result(&brief.result),
                finished: clock.moment(jiff::Timestamp::from_millisecond(brief.finished_ms).ok()?),
                id,
            })
        })
        .take(DONE_SHOWN)
        .collect();
    Ok(QueuePage {
        asked_links: links::clients(dashboard, &clock),
        alarms: alarms(&told, &clock),
        frame,
        running,
        held,
        failed,
        waiting,
        waiting_more,
        arriving,
        done,
    })
}

fn running(dashboard: &Dashboard, run: &told::Running, clock: &Clock) -> Option<Running> {
    let face = dashboard.faces.find(&dashboard.site.spool, &run.job)?;
    let progress = run.progress;
    let bar =
        |done: usize, of: usize, what: &str| (of > 0).then(|| Bar { done, of, text: format!("{done} of {of} {what}") });
    let mut pace = Vec::new();
    if let Some(rate) = run.pictures_per_second {
        pace.push(format!("{rate:.1} pictures a second"));
    }
    if let Some(left) = run.seconds_left {
        pace.push(format!("about {} left", words::duration(left)));
    }
    let questions = match dashboard.site.spool.find(&run.job) {
        Ok(Some(located)) if progress.asks > 0 && located.state == Place::Processing => {
            asked::asked(&asked::questions(&located))
        }
        _ => Vec::new(),
    };
    Some(Running {
        face,
        since: clock.moment(run.since),
        pictures: bar(progress.rendered, progress.to_render, "pictures"),
        deliveries: bar(progress.delivered, progress.to_deliver, "deliveries"),
        pace: pace.join(" · "),
        waits: run.waits(clock),
        questions,
        printers: [],
    })
}

/// In the order in which they will start, as far as that is known now.
fn waiting(dashboard: &Dashboard, told: &Told, clock: &Clock) -> (Vec<Waiting>, usize) {
    let mut jobs: Vec<&told::Waiting> = told.waiting.iter().collect();
    jobs.sort_by_key(|job| (job.not_before, std::cmp::Reverse(job.priority), &job.job));
    let more = jobs.len().saturating_sub(SHOWN_MAX);
    let row = |job: &told::Waiting| {
        let face = dashboard.faces.find(&dashboard.site.spool, &job.job)?;
        let text = match (&job.why, job.not_before) {
            (Some(why), _) if job.halted => format!("Stopped, somebody must look: {why}"),
            (Some(why), _) => why.clone(),
            (None, Some(at)) => format!("Starts {}", clock.moment(at).shown),
            (None, None) => "Waits for its turn".to_string(),
        };
        Some(Waiting { face, text, urgent: job.halted })
    };
    (jobs.into_iter().take(SHOWN_MAX).filter_map(row).collect(), more)
}

fn arriving(folder: &told::HotFolder, drop: &told::Arriving, clock: &Clock) -> Arriving {
    let mut text = drop.why.clone();
    if !drop.missing.is_empty() {
        let shown = drop.missing.iter().take(5).map(String::as_str).collect::<Vec<_>>().join(", ");
        let more = drop.missing.len().saturating_sub(5) + drop.missing_more;
        text += &format!(": {shown}");
        if more > 0 {
            text += &format!(" and {more} more");
        }
    }
    Arriving { name: drop.name.clone(), hot_folder: folder.name.clone(), since: clock.moment(drop.since), text }
}

fn alarms(told: &Told, clock: &Clock) -> Vec<Alarm> {
    let mut alarms = Vec::new();
    for folder in &told.hot_folders {
        if let told::Mode::Unreachable { since, reason } = &folder.mode {
            let title = format!("Hot folder {} cannot be reached since {}", folder.name, clock.moment(*since).shown);
            alarms.push(Alarm { class: "bad", title, text: reason.clone() });
        }
    }
    for place in &told.places {
        let who = if place.jobs == 1 { "1 job waits".to_string() } else { format!("{} jobs wait", place.jobs) };
        let title = format!("{who} for {} since {}", place.path.display(), clock.moment(place.since).shown);
        alarms.push(Alarm { class: "warn", title, text: place.why.clone() });
    }
    for printer in told.printers.iter().filter(|printer| matches!(printer.state.as_str(), "stopped" | "unreachable")) {
        let title = format!("Printer {} is {}", printer.name, printer.state);
        alarms.push(Alarm { class: "warn", title, text: printer.reasons.join("; ") });
    }
    if let Some(closed) = &told.closed {
        alarms.push(Alarm { class: "quiet", title: "No job starts now".into(), text: closed.clone() });
    }
    alarms
}

pub(super) fn name_of(path: &std::path::Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}
