//! Download links that a client waits for: who asks for another one, and the buttons that renew and mail it.
//!
//! Owns: nothing is mailed but to the address that stands on the page; an address that opens is closed only after a
//! question. A link is named by the hash of its token, which opens nothing.

use std::sync::Arc;

use askama::Template;
use axum::Extension;
use axum::extract::{Form, Path, Query, State};
use axum::http::StatusCode;
use axum::http::header::LOCATION;
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;

use super::frame::{Frame, Note, NoteKey, Page};
use super::sessions::Visitor;
use super::words::{Clock, Moment};
use super::{Dashboard, blocking, encoded, job, jobs};
use crate::clock;
use crate::control::{self, Answer, Command, LinkAct};
use crate::plan::addressee::addressees;
use crate::spool::job::JobId;
use crate::spool::links::{Asking, LinkRecord, LinkState, is_hash};
use crate::web::Site;
use crate::web::page::{self, Trouble};

/// Clients who ask, on the queue.
const SHOWN: usize = 20;
/// What a form of the queue says of where it stands.
const FROM_QUEUE: &str = "queue";
/// Longest mail address that is taken, in bytes.
const ADDRESS_MAX_BYTES: usize = 320;

/// A link that can be mailed, and to whom it would go.
#[derive(Debug)]
pub(super) struct Mailing {
    pub(super) hash: String,
    /// The address that stands in the form; empty where the job knows none.
    pub(super) to: String,
    pub(super) is_open: bool,
    /// There is somebody to send it, and the job's folder still has the address.
    pub(super) can_be: bool,
    /// Where the button stands: [`FROM_QUEUE`], or a job's page by its id.
    pub(super) from: String,
}

/// A client who asks for another link, on the queue.
#[derive(Debug)]
pub(super) struct Client {
    pub(super) title: String,
    pub(super) name: Option<String>,
    /// Where its folder is still there.
    pub(super) job: Option<JobId>,
    pub(super) since: Moment,
    pub(super) why: String,
    pub(super) mailing: Mailing,
}

/// Those who ask, in the order in which they did.
#[derive(Debug, Default)]
pub(super) struct Clients {
    pub(super) list: Vec<Client>,
    pub(super) more: usize,
}

/// Everybody who asks for another link.
pub(super) fn clients(dashboard: &Dashboard, shown: &Clock) -> Clients {
    let (site, now) = (&dashboard.site, clock::now());
    let mut asked = site.links.all_asked();
    asked.sort_by(|a, b| (a.1, &a.0).cmp(&(b.1, &b.0)));
    let more = asked.len().saturating_sub(SHOWN);
    let mut list: Vec<Client> = Vec::new();
    for asking in asked.iter().take(SHOWN).filter_map(|(hash, since)| site.links.asking(hash, *since, now)) {
        // Asked with several addresses of one link: one answer is for all of them.
        if !list.iter().any(|known| known.mailing.hash == asking.now_as) {
            list.push(client(dashboard, asking, shown));
        }
    }
    Clients { list, more }
}

fn client(dashboard: &Dashboard, asking: Asking, shown: &Clock) -> Client {
    let site = &dashboard.site;
    let why = asking.why(&clock::time_zone(site.config().studio.time_zone.as_deref()));
    let record = &asking.record;
    let read = job::find(dashboard, &record.job).ok().flatten();
    let manifest = read.as_ref().and_then(|read| jobs::manifest(&read.located.folder, &read.job));
    let is_open = asking.state == LinkState::Open;
    Client {
        title: jobs::title(record.kind, &record.record, &record.job),
        name: manifest.as_ref().and_then(jobs::client_name).or(asking.client),
        since: shown.moment(asking.since),
        why,
        mailing: mailing(site, read.as_ref(), &asking.now_as, record, is_open, FROM_QUEUE.to_string()),
        job: read.map(|read| read.located.id),
    }
}

/// How a link of a job can be mailed. `read` is the job, where its folder is still there.
pub(super) fn mailing(
    site: &Site,
    read: Option<&job::Read>,
    hash: &str,
    record: &LinkRecord,
    is_open: bool,
    from: String,
) -> Mailing {
    let manifest = read.and_then(|read| jobs::manifest(&read.located.folder, &read.job));
    let step = read.and_then(|read| read.plan.as_ref()?.deliveries.iter().find(|step| step.id == record.step));
    let of_delivery = step.zip(manifest.as_ref()).map(|(step, manifest)| addressees(&step.delivery, manifest));
    let to = of_delivery.and_then(|to| to.into_iter().next()).or_else(|| manifest.and_then(|m| m.client.email));
    Mailing {
        hash: hash.to_string(),
        to: to.unwrap_or_default(),
        is_open,
        can_be: read.is_some() && site.config().mail.is_some(),
        from,
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Given {
    /// To whom it is mailed.
    to: String,
    /// See [`Mailing::from`].
    from: String,
}

impl Given {
    /// The page that the button stands on.
    fn back(&self) -> String {
        match JobId::parse(&self.from).filter(|_| self.from != FROM_QUEUE) {
            Some(id) => format!("/jobs/{}", encoded(id.as_str())),
            None => "/".to_string(),
        }
    }

    fn addresses(&self) -> Result<Vec<String>, Trouble> {
        let to = self.to.trim();
        if to.is_empty() || to.len() > ADDRESS_MAX_BYTES {
            return Err(Trouble::new(StatusCode::BAD_REQUEST, "Say to which mail address the link is to go."));
        }
        Ok(vec![to.to_string()])
    }
}

fn link_of(dashboard: &Dashboard, hash: &str) -> Result<LinkRecord, Trouble> {
    let missing = || Trouble::not_found("There is no such link.");
    if !is_hash(hash) {
        return Err(missing());
    }
    dashboard.site.links.read(hash)?.ok_or_else(missing)
}

#[derive(Template)]
#[template(path = "dashboard/links/confirm.html")]
struct ConfirmPage {
    frame: Frame,
    title: String,
    hash: String,
    to: String,
    from: String,
    back: String,
}

/// Asks before an address is closed that opens.
pub(super) async fn confirm(
    State(dashboard): State<Arc<Dashboard>>,
    Extension(visitor): Extension<Visitor>,
    Path((hash, action)): Path<(String, String)>,
    Query(given): Query<Given>,
) -> Result<Response, Trouble> {
    if action != "renew" {
        return Err(Trouble::not_found("A link has no such page."));
    }
    if !visitor.acts() {
        return Err(Trouble::new(StatusCode::FORBIDDEN, "You are a viewer: you see everything, and an operator acts."));
    }
    let to = given.addresses()?.remove(0);
    let frame = dashboard.setting(Page::Job, &visitor, &NoteKey::default()).frame;
    let of = hash.clone();
    let record = blocking(move || link_of(&dashboard, &of)).await?;
    let title = jobs::title(record.kind, &record.record, &record.job);
    Ok(page::html(&ConfirmPage { frame, title, hash, to, back: given.back(), from: given.from }))
}

/// Renews a link, mails it, or both; or sets aside that somebody asks for it.
pub(super) async fn act(
    State(dashboard): State<Arc<Dashboard>>,
    Extension(visitor): Extension<Visitor>,
    Path((hash, action)): Path<(String, String)>,
    Form(given): Form<Given>,
) -> Result<Response, Trouble> {
    let to = given.back();
    let answer = match action.as_str() {
        "renew" => dashboard.on_link(hash, Some(LinkAct::Renew), None).await?,
        "renew_and_mail" => dashboard.on_link(hash, Some(LinkAct::Renew), Some(given.addresses()?)).await?,
        "mail" => dashboard.on_link(hash, None, Some(given.addresses()?)).await?,
        "set_aside" => dashboard.on_link(hash, Some(LinkAct::SetAside), None).await?,
        _ => return Err(Trouble::not_found("A link has no such button.")),
    };
    tracing::info!(
        "dashboard: {} asked for {action} of a link: {}",
        visitor.name.as_deref().unwrap_or("somebody on this computer"),
        if answer.refused.is_empty() { "done" } else { "refused" },
    );
    let note = dashboard.notes.leave(Note { done: answer.done, refused: answer.refused, undo: Vec::new() });
    Ok((StatusCode::SEE_OTHER, [(LOCATION, format!("{to}?note={note}"))]).into_response())
}

impl Dashboard {
    /// First what is done to the link, then its mail: that of an address that could not be made is not sent.
    async fn on_link(
        self: &Arc<Self>,
        hash: String,
        act: Option<LinkAct>,
        mail_to: Option<Vec<String>>,
    ) -> Result<Answer, Trouble> {
        let of = Arc::clone(self);
        blocking(move || {
            let record = link_of(&of, &hash)?;
            let mut answer = match act {
                Some(act) => {
                    control::ask(&of.site.spool, &Command::Links { links: vec![hash.clone()], act }, "this one")?
                }
                None => Answer::default(),
            };
            if let Some(to) = mail_to.filter(|_| answer.refused.is_empty()) {
                match of.site.post.mail_link(&hash, &to) {
                    Ok(to) => {
                        answer.done.push(format!("link of record {}: mailed to {}", record.record, to.join(", ")));
                    }
                    Err(why) => {
                        answer.refused.push(format!("link of record {}: it is not mailed: {why}", record.record));
                    }
                }
            }
            Ok(answer)
        })
        .await
    }
}
