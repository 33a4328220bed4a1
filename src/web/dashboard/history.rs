//! Jobs that have ended, the newest first, and those among them that are looked for.
//!
//! Owns: a page is made of the index alone, and of no more lines of it than it shows, however long the history is.

use std::collections::HashSet;
use std::sync::Arc;

use askama::Template;
use axum::Extension;
use axum::extract::{Query, State};
use axum::response::Response;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::frame::{Frame, NoteKey, Page, Setting};
use super::sessions::Visitor;
use super::words::{self, Badge, Clock, Moment};
use super::{Dashboard, blocking, encoded, jobs};
use crate::spool::index::{Brief, History};
use crate::spool::job::JobId;
use crate::spool::queue::{Spool, State as Place};
use crate::web::page::{self, Trouble};

const ROWS: usize = 50;
/// Longest text that is looked for.
const WANTED_MAX_CHARS: usize = 200;

/// What is looked for.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Wanted {
    /// In record, client, item, session or id.
    pub(super) q: String,
    /// `done`, `failed` or another result; empty: any.
    pub(super) state: String,
    /// So many newer ones are passed over.
    pub(super) from: usize,
}

/// A job that has ended, in the words of the receipt.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Ended {
    pub(super) job: String,
    pub(super) kind: Option<crate::model::manifest::Kind>,
    pub(super) record: String,
    pub(super) result: String,
    pub(super) client: Option<String>,
    pub(super) email: Option<String>,
    pub(super) sessions: Vec<String>,
    pub(super) items: Vec<String>,
    pub(super) accepted: Option<Timestamp>,
    pub(super) finished: Option<Timestamp>,
}

impl Ended {
    fn of(brief: &Brief<'_>) -> Ended {
        let some = |text: &str| Some(text.to_string()).filter(|text| !text.is_empty());
        let time = |ms: i64| Timestamp::from_millisecond(ms).ok().filter(|_| ms != 0);
        Ended {
            job: brief.job.to_string(),
            kind: brief.kind,
            record: brief.record.to_string(),
            result: brief.result.to_string(),
            client: some(&brief.client),
            email: some(&brief.email),
            sessions: brief.sessions.lines().map(String::from).collect(),
            items: brief.items.lines().map(String::from).collect(),
            accepted: time(brief.accepted_ms),
            finished: time(brief.finished_ms),
        }
    }
}

/// The newest jobs that are looked for, at most so many, and whether there are more.
pub(super) fn look(spool: &Spool, wanted: &Wanted, most: usize) -> Result<(Vec<Ended>, bool), Trouble> {
    let mut open = HashSet::new();
    for state in [Place::Pending, Place::Processing, Place::Held] {
        open.extend(spool.jobs(state)?.into_iter().map(|job| job.id.to_string()));
    }
    let history = History::read(spool)?;
    let small: String = wanted.q.trim().to_lowercase().chars().take(WANTED_MAX_CHARS).collect();
    let is_wanted = |brief: &Brief<'_>| {
        let has = |text: &str| text.to_lowercase().contains(&small);
        !brief.is_erased()
            && !open.contains(&*brief.job)
            && (wanted.state.is_empty() || wanted.state == brief.result)
            && (small.is_empty()
                || [&brief.record, &brief.client, &brief.email, &brief.items, &brief.sessions, &brief.job]
                    .into_iter()
                    .any(|text| has(text)))
    };
    let mut found = history.newest_first(&small).filter(is_wanted).skip(wanted.from);
    let rows = found.by_ref().take(most).map(|brief| Ended::of(&brief)).collect();
    Ok((rows, found.next().is_some()))
}

#[derive(Template)]
#[template(path = "dashboard/history.html")]
struct HistoryPage {
    frame: Frame,
    wanted: Wanted,
    rows: Vec<Row>,
    newer: Option<String>,
    older: Option<String>,
}

impl HistoryPage {
    fn is(&self, state: &str) -> bool {
        self.wanted.state == state
    }
}

struct Row {
    id: String,
    title: String,
    client: Option<String>,
    about: String,
    badge: Badge,
    finished: Option<Moment>,
}

fn row(ended: Ended, clock: &Clock) -> Row {
    let title = match JobId::parse(&ended.job) {
        Some(id) => jobs::title(ended.kind, &ended.record, &id),
        None => ended.record.clone(),
    };
    let mut about = Vec::new();
    // A session names itself already.
    about.extend(ended.sessions.iter().filter(|session| **session != ended.record).take(3).cloned());
    if !ended.items.is_empty() {
        let more = ended.items.len().saturating_sub(4);
        let mut items = ended.items.iter().take(4).cloned().collect::<Vec<_>>().join(", ");
        if more > 0 {
            items += &format!(" and {more} more");
        }
        about.push(items);
    }
    Row {
        title,
        client: ended.client.or(ended.email),
        about: about.join(" · "),
        badge: words::result(&ended.result),
        finished: ended.finished.map(|at| clock.moment(at)),
        id: ended.job,
    }
}

pub(super) async fn show(
    State(dashboard): State<Arc<Dashboard>>,
    Extension(visitor): Extension<Visitor>,
    Query(wanted): Query<Wanted>,
) -> Result<Response, Trouble> {
    let Setting { frame, clock, .. } = dashboard.setting(Page::History, &visitor, &NoteKey::default());
    let page = blocking(move || {
        let (rows, more) = look(&dashboard.site.spool, &wanted, ROWS)?;
        let at =
            |from: usize| format!("/history?q={}&state={}&from={from}", encoded(&wanted.q), encoded(&wanted.state));
        let newer = (wanted.from > 0).then(|| at(wanted.from.saturating_sub(ROWS)));
        let older = more.then(|| at(wanted.from + ROWS));
        let rows = rows.into_iter().map(|ended| row(ended, &clock)).collect();
        Ok(HistoryPage { frame, wanted, rows, newer, older })
    })
    .await?;
    Ok(page::html(&page))
}
