//! The outside world as the server sees it: alerts, hot folders, printers, labs, disks, and what is waited for.

mod alerts;
mod labs;

use std::sync::Arc;

use askama::Template;
use axum::Extension;
use axum::extract::{Query, State};
use axum::response::Response;

use self::alerts::Alerts;
use self::labs::Labs;
use super::Dashboard;
use super::disks::{Disk, Volumes};
use super::frame::{Frame, NoteKey, Page, Setting};
use super::sessions::Visitor;
use super::told::{self, Mode};
use super::words::{self, Badge, Clock, Moment, badge};
use crate::model::counted::counted;
use crate::web::page;

/// Names of one folder that are shown.
const NAMES_SHOWN: usize = 8;

#[derive(Template)]
#[template(path = "dashboard/places.html")]
struct PlacesPage {
    frame: Frame,
    alerts: Alerts,
    folders: Vec<Folder>,
    awaited: Vec<Awaited>,
    printers: Vec<Printer>,
    pools: Vec<Pool>,
    labs: Labs,
    disks: Vec<Disk>,
    /// What has no disk just now.
    unmounted: Vec<String>,
}

struct Folder {
    name: String,
    path: String,
    badge: Badge,
    text: String,
    waiting: Vec<String>,
    unnamed: Vec<String>,
    unnamed_more: usize,
    problems: Vec<String>,
}

struct Awaited {
    place: String,
    why: String,
    since: Moment,
    jobs: String,
}

struct Printer {
    name: String,
    about: String,
    badge: Badge,
    since: Option<Moment>,
    reasons: String,
    queued: usize,
    /// What its button says.
    button: &'static str,
}

struct Pool {
    name: String,
    about: String,
    open: usize,
}

pub(super) async fn show(
    State(dashboard): State<Arc<Dashboard>>,
    Extension(visitor): Extension<Visitor>,
    Query(key): Query<NoteKey>,
) -> Response {
    let Setting { frame, told, clock } = dashboard.setting(Page::Places, &visitor, &key);
    let Volumes { disks, away } = dashboard.disks.look(&dashboard.site).await;
    let awaited = |place: &told::Place| Awaited {
        place: place.path.display().to_string(),
        why: place.why.clone(),
        since: clock.moment(place.since),
        jobs: counted(place.jobs, "job"),
    };
    page::html(&PlacesPage {
        frame,
        alerts: alerts::of(told.alerts.as_ref(), &clock),
        labs: labs::of(&told.labs, &clock),
        folders: told.hot_folders.iter().map(|known| folder(known, &clock)).collect(),
        awaited: told.places.iter().map(awaited).collect(),
        printers: told.printers.iter().map(|known| printer(known, &clock)).collect(),
        pools: told.pools.iter().map(pool).collect(),
        disks,
        unmounted: away,
    })
}

fn folder(known: &told::HotFolder, clock: &Clock) -> Folder {
    let (badge, text) = match &known.mode {
        Mode::Events => (badge("Watching", "good"), "Drops are noticed at once.".to_string()),
        Mode::Polling { reason } => (badge("Polling", "good"), format!("Looked through every few seconds: {reason}.")),
        Mode::Unreachable { since, reason } => {
            (badge("Unreachable", "bad"), format!("Since {}: {reason}", clock.moment(*since).shown))
        }
    };
    let waiting = known.waiting.iter().take(NAMES_SHOWN).map(|drop| format!("{}: {}", drop.name, drop.why));
    let more = known.waiting.len().saturating_sub(NAMES_SHOWN) + known.waiting_more;
    let waiting = waiting.chain((more > 0).then(|| format!("and {more} more")));
    let unnamed = known.unnamed.iter().take(NAMES_SHOWN);
    Folder {
        name: known.name.clone(),
        path: known.path.display().to_string(),
        badge,
        text,
        waiting: waiting.collect(),
        unnamed: unnamed.map(|file| format!("{} (since {})", file.name, clock.moment(file.since).shown)).collect(),
        unnamed_more: known.unnamed.len().saturating_sub(NAMES_SHOWN) + known.unnamed_more,
        problems: known.problems.iter().chain(&known.never).take(NAMES_SHOWN).cloned().collect(),
    }
}

fn printer(known: &told::Printer, clock: &Clock) -> Printer {
    let badge = match known.state.as_str() {
        "idle" => badge("Ready", "good"),
        "printing" => badge("Printing", "busy"),
        "waiting" => badge("Waits", "warn"),
        "stopped" => badge("Stopped", "bad"),
        "unreachable" => badge("Unreachable", "bad"),
        "paused" => badge("Paused", "warn"),
        "closed" => badge("Closed", "quiet"),
        _ => badge("Not asked yet", "quiet"),
    };
    let kind = match known.kind.as_str() {
        "ipp" => "network printer",
        "folder" => "hot folder",
        other => other,
    };
    let mut about = vec![kind.to_string()];
    about.extend(known.pool.as_ref().map(|pool| format!("pool {pool}")));
    about.extend(known.location.clone());
    about.extend((!known.media.is_empty()).then(|| known.media.join(", ")));
    Printer {
        name: known.name.clone(),
        about: about.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" · "),
        badge,
        since: known.since.map(|since| clock.moment(since)),
        reasons: known.reasons.join("; "),
        queued: known.queued,
        button: if known.state == "paused" { "resume" } else { "pause" },
    }
}

fn pool(known: &told::Pool) -> Pool {
    let how = match known.allocate.as_str() {
        "least_busy" => "the least busy goes first",
        "round_robin" => "one after the other",
        "priority" => "by priority",
        other => other,
    };
    Pool { name: known.name.clone(), about: format!("{} · {how}", known.members.join(", ")), open: known.open_units }
}
