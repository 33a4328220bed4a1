//! What is asked before a link is closed: an address that is gone never comes back.

use std::sync::Arc;

use askama::Template;
use axum::Extension;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;

use crate::plan::StepId;
use crate::spool::job::JobId;
use crate::web::dashboard::frame::{Frame, NoteKey, Page};
use crate::web::dashboard::sessions::Visitor;
use crate::web::dashboard::{Dashboard, blocking, jobs};
use crate::web::page::{self, Trouble};

#[derive(Template)]
#[template(path = "dashboard/job/confirm.html")]
struct ConfirmPage {
    frame: Frame,
    id: JobId,
    title: String,
    step: String,
    url: String,
    action: String,
    question: &'static str,
    what: &'static str,
    label: &'static str,
    class: &'static str,
}

pub(in crate::web::dashboard) async fn ask(
    State(dashboard): State<Arc<Dashboard>>,
    Extension(visitor): Extension<Visitor>,
    Path((id, step, action)): Path<(String, String, String)>,
) -> Result<Response, Trouble> {
    if !visitor.acts() {
        return Err(Trouble::new(StatusCode::FORBIDDEN, "Only an operator renews and revokes links."));
    }
    let missing = || Trouble::not_found("The job has no such link.");
    let (question, what, label, class) = match action.as_str() {
        "renew" => (
            "Renew this link?",
            "The address that the client has closes at once. The same pictures get another address, which stands on the \
             job's page.",
            "Renew: another address",
            "primary",
        ),
        "revoke" => (
            "Revoke this link?",
            "The client cannot open it any more. This address never opens again; renewing the link makes another one.",
            "Revoke",
            "danger",
        ),
        _ => return Err(Trouble::not_found("A link has no such button.")),
    };
    let id = JobId::parse(&id).ok_or_else(missing)?;
    let frame = dashboard.setting(Page::Job, &visitor, &NoteKey::default()).frame;
    let page = blocking(move || {
        let read = super::find(&dashboard, &id)?.ok_or_else(missing)?;
        let made = read.progress.links.get(&StepId(step.clone())).ok_or_else(missing)?;
        let title = jobs::title(read.job.kind, &read.job.record, &id);
        Ok(ConfirmPage { frame, title, url: made.url.clone(), step, action, question, what, label, class, id })
    })
    .await?;
    Ok(page::html(&page))
}
