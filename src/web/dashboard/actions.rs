//! Buttons: what an operator asks for becomes a [`Command`], and its answer a note on the next page.

use std::sync::Arc;

use axum::Extension;
use axum::extract::rejection::FormRejection;
use axum::extract::{Form, Path, State};
use axum::http::header::{ACCEPT, CONTENT_LENGTH, CONTENT_TYPE, LOCATION, TRANSFER_ENCODING};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse as _, Json, Response};
use serde::Deserialize;

use super::frame::Note;
use super::sessions::Visitor;
use super::{Dashboard, blocking, encoded};
use crate::control::{self, Command, LinkAct, Reprint};
use crate::plan::StepId;
use crate::spool::job::{DROP, JobId};
use crate::web::page::Trouble;

/// So much of a link's id tells it from the others.
const LINK_SHOWN_CHARS: usize = 8;

/// What the forms send along.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Given {
    answer: String,
    /// The question that it is for; empty: all that take this answer.
    key: String,
    /// Of doubtful prints: one of them, those of a printer, how many sheets lie there.
    unit: String,
    printer: String,
    sheets: String,
    /// Numbers with commas between them; empty: all.
    lines: String,
    copies: String,
    as_then: Option<String>,
    /// Where the button stands: `job` for the job's page, else the queue.
    from: String,
    /// Other jobs that the button is for: ids with commas between them.
    also: String,
}

pub(super) async fn on_job(
    State(dashboard): State<Arc<Dashboard>>,
    Extension(visitor): Extension<Visitor>,
    Path((id, action)): Path<(String, String)>,
    uri: Uri,
    headers: HeaderMap,
    given: Result<Form<Given>, FormRejection>,
) -> Result<Response, Trouble> {
    let given = or_nothing(given, &headers)?;
    let id = JobId::parse(&id).ok_or_else(|| Trouble::not_found("There is no such job."))?;
    let also = given.also.split(',').filter(|text| !text.is_empty());
    let also = also.map(|text| JobId::parse(text).ok_or_else(|| Trouble::not_found("There is no such job.")));
    let jobs: Vec<JobId> = std::iter::once(Ok(id.clone())).chain(also).collect::<Result<_, _>>()?;
    let command = match action.as_str() {
        "retry" => Command::Retry { jobs, pictures: None },
        "release" => Command::Release { jobs },
        "cancel" => Command::Cancel { jobs },
        "hold" => Command::Hold { jobs },
        "answer" => Command::Answer { jobs, given: answered(&given)? },
        "reprint" => Command::Reprint(reprint(&id, &given)?),
        _ => return Err(Trouble::not_found("A job has no such button.")),
    };
    let to = if given.from == "job" { format!("/jobs/{}", encoded(id.as_str())) } else { "/".to_string() };
    let as_json = uri.path().starts_with("/api/") || wants_json(&headers);
    dashboard.carry_out(command, &visitor, as_json, &to).await
}

/// A program that has nothing to add sends neither a form nor its type.
fn or_nothing(given: Result<Form<Given>, FormRejection>, headers: &HeaderMap) -> Result<Given, Trouble> {
    let has_nothing = !headers.contains_key(CONTENT_TYPE)
        && !headers.contains_key(TRANSFER_ENCODING)
        && headers.get(CONTENT_LENGTH).is_none_or(|length| length == "0");
    match given {
        Ok(Form(given)) => Ok(given),
        Err(_) if has_nothing => Ok(Given::default()),
        Err(e) => Err(Trouble::new(e.status(), e.body_text())),
    }
}

pub(super) fn wants_json(headers: &HeaderMap) -> bool {
    headers.get(ACCEPT).and_then(|value| value.to_str().ok()).is_some_and(|accepts| accepts.contains("json"))
}

pub(super) async fn pause(
    State(dashboard): State<Arc<Dashboard>>,
    Extension(visitor): Extension<Visitor>,
    headers: HeaderMap,
) -> Result<Response, Trouble> {
    dashboard.carry_out(Command::Pause, &visitor, wants_json(&headers), "/").await
}

pub(super) async fn resume(
    State(dashboard): State<Arc<Dashboard>>,
    Extension(visitor): Extension<Visitor>,
    headers: HeaderMap,
) -> Result<Response, Trouble> {
    dashboard.carry_out(Command::Resume, &visitor, wants_json(&headers), "/").await
}

fn answered(given: &Given) -> Result<control::Given, Trouble> {
    let some = |text: &str| Some(text.trim().to_string()).filter(|text| !text.is_empty());
    let sheets = some(&given.sheets)
        .map(|text| text.parse().map_err(|_| Trouble::new(StatusCode::BAD_REQUEST, format!("`{text}` is no number."))));
    Ok(control::Given {
        answer: given.answer.clone(),
        key: some(&given.key),
        unit: some(&given.unit),
        printer: some(&given.printer),
        sheets: sheets.transpose()?,
    })
}

fn reprint(id: &JobId, given: &Given) -> Result<Reprint, Trouble> {
    let number = |text: &str| {
        let fine = text.trim().parse::<u32>().ok().filter(|number| *number > 0);
        fine.ok_or_else(|| Trouble::new(StatusCode::BAD_REQUEST, format!("`{}` is no number.", text.trim())))
    };
    let lines = given.lines.split(',').filter(|text| !text.trim().is_empty()).map(number);
    Ok(Reprint {
        job: id.clone(),
        lines: lines.collect::<Result<_, _>>()?,
        copies: Some(given.copies.as_str()).filter(|text| !text.trim().is_empty()).map(number).transpose()?,
        manifest: None,
        as_then: given.as_then.is_some(),
    })
}

/// The link of a step of a job, which is found by these; its own name is in no URL.
pub(super) async fn on_link(
    State(dashboard): State<Arc<Dashboard>>,
    Extension(visitor): Extension<Visitor>,
    Path((id, step, action)): Path<(String, String, String)>,
    headers: HeaderMap,
) -> Result<Response, Trouble> {
    let missing = || Trouble::not_found("The job has no such link.");
    let act = match action.as_str() {
        "renew" => LinkAct::Renew,
        "revoke" => LinkAct::Revoke,
        _ => return Err(Trouble::not_found("A link has no such button.")),
    };
    let id = JobId::parse(&id).ok_or_else(missing)?;
    let to = format!("/jobs/{}", encoded(id.as_str()));
    let of = Arc::clone(&dashboard);
    let hash = blocking(move || {
        let read = super::job::find(&of, &id)?.ok_or_else(missing)?;
        read.progress.links.get(&StepId(step)).map(|made| made.hash.clone()).ok_or_else(missing)
    })
    .await?;
    let command = Command::Links { links: vec![hash], act };
    dashboard.carry_out(command, &visitor, wants_json(&headers), &to).await
}

/// A printer that is to get no sheet, or to get them again.
pub(super) async fn on_printer(
    State(dashboard): State<Arc<Dashboard>>,
    Extension(visitor): Extension<Visitor>,
    Path((name, action)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, Trouble> {
    let is_known = dashboard.site.config().printers.iter().any(|printer| printer.name == name);
    let printers = vec![name];
    let command = match action.as_str() {
        _ if !is_known => return Err(Trouble::not_found("The config has no such printer.")),
        "pause" => Command::PausePrinters { printers },
        "resume" => Command::ResumePrinters { printers },
        _ => return Err(Trouble::not_found("A printer has no such button.")),
    };
    dashboard.carry_out(command, &visitor, wants_json(&headers), "/places").await
}

/// For the log: what is asked for, and of what.
fn in_words(command: &Command) -> String {
    let value = serde_json::to_value(command).unwrap_or_default();
    let word = |key: &str| value[key].as_str().map(String::from);
    let of: Vec<String> = match command {
        Command::PausePrinters { printers } | Command::ResumePrinters { printers } => printers.clone(),
        // As `hotfolders links list` names them.
        Command::Links { links, .. } => {
            links.iter().map(|hash| hash.chars().take(LINK_SHOWN_CHARS).collect()).collect()
        }
        Command::Reprint(reprint) => vec![reprint.job.to_string()],
        _ => command.jobs().iter().map(ToString::to_string).collect(),
    };
    let of = Some(of.join(", ")).filter(|of| !of.is_empty());
    [word("command"), word("act"), of].into_iter().flatten().collect::<Vec<_>>().join(" ")
}

impl Dashboard {
    /// Asks the server, and goes on to a page that says what came of it; a program gets the answer itself.
    pub(super) async fn carry_out(
        &self,
        command: Command,
        visitor: &Visitor,
        as_json: bool,
        to: &str,
    ) -> Result<Response, Trouble> {
        let spool = self.site.spool.clone();
        let asked = in_words(&command);
        let given = command.clone();
        let answer = blocking(move || Ok(control::ask(&spool, &given, "this one")?)).await?;
        tracing::info!(
            "dashboard: {} asked for {asked}: {}",
            visitor.name.as_deref().unwrap_or("somebody on this computer"),
            if answer.refused.is_empty() { "done" } else { "refused" },
        );
        if as_json {
            let status = if answer.refused.is_empty() { StatusCode::OK } else { StatusCode::CONFLICT };
            return Ok((status, Json(answer)).into_response());
        }
        let undo = match &command {
            Command::Cancel { jobs } if answer.refused.is_empty() => jobs.clone(),
            Command::Answer { jobs, given } if given.answer == DROP && answer.refused.is_empty() => jobs.clone(),
            _ => Vec::new(),
        };
        let note = self.notes.leave(Note { done: answer.done, refused: answer.refused, undo });
        let sign = if to.contains('?') { '&' } else { '?' };
        Ok((StatusCode::SEE_OTHER, [(LOCATION, format!("{to}{sign}note={note}"))]).into_response())
    }
}
