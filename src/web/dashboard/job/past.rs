//! A job whose folder is gone: what the history has kept of it.

use askama::Template;
use axum::response::Response;

use crate::spool::index::History;
use crate::spool::job::JobId;
use crate::spool::queue::Spool;
use crate::web::dashboard::frame::{Frame, Page, Setting};
use crate::web::dashboard::jobs;
use crate::web::dashboard::words::{self, Badge};
use crate::web::page::{self, Trouble};

#[derive(Template)]
#[template(path = "dashboard/job/past.html")]
struct PastPage {
    frame: Frame,
    title: String,
    client: Option<String>,
    badge: Badge,
    facts: Vec<(&'static str, String)>,
    files: Vec<String>,
}

pub(super) fn show(spool: &Spool, id: &JobId, setting: Setting) -> Result<Response, Trouble> {
    let Setting { frame, clock, .. } = setting;
    let missing = || Trouble::not_found("There is no such job, or not any more.");
    let history = History::read(spool)?;
    let brief = history.newest_first("").find(|brief| brief.job == id.as_str() && !brief.is_erased());
    let line = history.line(&brief.ok_or_else(missing)?)?;
    let client = line.client.clone().unwrap_or_default();
    let mut facts = Vec::new();
    facts.extend(line.accepted.map(|at| ("came", clock.moment(at).shown)));
    facts.push(("ended", clock.moment(line.finished).shown));
    facts.extend((!line.sessions.is_empty()).then(|| ("sessions", line.sessions.join(", "))));
    facts.extend((!line.items.is_empty()).then(|| ("items", line.items.join(", "))));
    facts.push(("job", id.to_string()));
    Ok(page::html(&PastPage {
        frame,
        title: jobs::title(line.kind, &line.record, id),
        client: client.name.or(client.email),
        badge: words::result(&line.result),
        facts,
        files: line.placed.iter().map(|file| file.path.display().to_string()).collect(),
    }))
}
