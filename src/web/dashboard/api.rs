//! The same for programs: JSON in the words of the receipts.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Path, Query, State};
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse as _, Json, Response};
use serde_json::{Value, json};

use super::history::{Wanted, look};
use super::job::{find, hide_links};
use super::sessions::Visitor;
use super::told::{Mode, told};
use super::{Dashboard, blocking};
use crate::clock;
use crate::control;
use crate::spool::job::{self, JobId, file};
use crate::spool::links::LinkRecord;
use crate::spool::queue::State as Place;
use crate::web::page::Trouble;

/// Jobs in one answer.
const JOBS_MAX: usize = 200;

pub(super) async fn status(State(dashboard): State<Arc<Dashboard>>) -> Json<Value> {
    let mut status = (**dashboard.site.status.borrow()).clone();
    if status.is_null() {
        status = json!({});
    }
    status["paused"] = control::is_paused(&dashboard.site.spool).into();
    Json(status)
}

/// A part of the status; an empty list where the server tells nothing of it.
fn part(dashboard: &Dashboard, key: &str) -> Json<Value> {
    let known = dashboard.site.status.borrow().get(key).filter(|value| !value.is_null()).cloned();
    Json(known.unwrap_or_else(|| json!([])))
}

pub(super) async fn printers(State(dashboard): State<Arc<Dashboard>>) -> Json<Value> {
    part(&dashboard, "printers")
}

/// Without their addresses, which stand in the receipts.
pub(super) async fn links(State(dashboard): State<Arc<Dashboard>>) -> Result<Json<Value>, Trouble> {
    blocking(move || {
        let now = clock::now();
        let shown = |(hash, record): (String, LinkRecord)| {
            json!({
                "link": hash, "job": record.job, "record": record.record, "owner": record.owner, "made": record.made,
                "expires": record.expires, "state": record.state(now), "revoked": record.revoked,
            })
        };
        Ok(Json(Value::Array(dashboard.site.links.all().into_iter().map(shown).collect())))
    })
    .await
}

/// Open jobs, the oldest first, or those that have ended, the newest first.
pub(super) async fn jobs(
    State(dashboard): State<Arc<Dashboard>>,
    Query(wanted): Query<Wanted>,
) -> Result<Json<Value>, Trouble> {
    blocking(move || {
        let state = Place::from_word(&wanted.state).filter(|state| !state.is_dated());
        if let Some(state) = state {
            let mut jobs = dashboard.site.spool.jobs(state)?.into_iter().skip(wanted.from);
            let shown: Vec<Value> = jobs
                .by_ref()
                .take(JOBS_MAX)
                .filter_map(|located| {
                    let face = dashboard.faces.of(&located)?;
                    Some(json!({
                        "job": face.id, "state": state, "kind": face.kind, "record": face.record, "client": face.client,
                        "hot_folder": face.hot_folder, "accepted": face.accepted,
                    }))
                })
                .collect();
            return Ok(Json(json!({ "jobs": shown, "more": jobs.next().is_some() })));
        }
        let (jobs, more) = look(&dashboard.site.spool, &wanted, JOBS_MAX)?;
        Ok(Json(json!({ "jobs": jobs, "more": more })))
    })
    .await
}

pub(super) async fn job(
    State(dashboard): State<Arc<Dashboard>>,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
) -> Result<Json<Value>, Trouble> {
    blocking(move || {
        let missing = || Trouble::not_found("There is no such job, or its folder is gone.");
        let id = JobId::parse(&id).ok_or_else(missing)?;
        let read = find(&dashboard, &id)?.ok_or_else(missing)?;
        let of = |name| job::read::<Value>(&read.located.folder, name).unwrap_or_default();
        let mut receipt = of(file::RECEIPT);
        if !visitor.acts() && receipt.is_object() {
            hide_links(&mut receipt);
        }
        Ok(Json(json!({
            "job": id, "state": read.located.state, "record": read.job, "rules": of(file::RULES)["rules"],
            "plan": of(file::PLAN), "questions": of(file::QUESTIONS), "reason": of(file::REASON),
            "rendered": read.rendered(), "delivered": read.progress.delivered.len(),
            "receipt": receipt,
        })))
    })
    .await
}

/// For Prometheus. Nothing in it names a client or a job.
pub(super) async fn metrics(State(dashboard): State<Arc<Dashboard>>) -> Result<Response, Trouble> {
    let told = told(&dashboard.site);
    let changes = dashboard.site.status.borrow()["changes"].as_u64().unwrap_or_default();
    let spool = dashboard.site.spool.clone();
    let (counts, paused) = blocking(move || {
        let states = [Place::Pending, Place::Processing, Place::Held, Place::Failed];
        let count = |state: Place| Ok::<_, Trouble>((state.word(), spool.count(state)?));
        let counts: Vec<_> = states.into_iter().map(count).collect::<Result<_, _>>()?;
        Ok((counts, control::is_paused(&spool)))
    })
    .await?;
    let mut text = Metrics::default();
    text.head("jobs", "gauge", "Jobs by state.");
    for (state, count) in counts {
        text.line("jobs", &[("state", state)], count as f64);
    }
    text.head("job_changes_total", "counter", "Jobs that came to rest, and what operators asked for, since the start.");
    text.line("job_changes_total", &[], changes as f64);
    text.head("paused", "gauge", "1 while no job is started.");
    text.line("paused", &[], f64::from(u8::from(paused)));
    text.head("config_refused", "gauge", "1 while an edited config is not in force.");
    text.line("config_refused", &[], f64::from(u8::from(told.config_refused.is_some())));
    text.head("places_waited_for", "gauge", "Places that are not as they should be.");
    text.line("places_waited_for", &[], told.places.len() as f64);
    text.head("jobs_waiting_for_places", "gauge", "Jobs that wait for them.");
    text.line("jobs_waiting_for_places", &[], told.places.iter().map(|place| place.jobs).sum::<usize>() as f64);
    text.head("hot_folder_up", "gauge", "1 where the hot folder can be reached.");
    for folder in &told.hot_folders {
        let up = !matches!(folder.mode, Mode::Unreachable { .. });
        text.line("hot_folder_up", &[("hot_folder", &folder.name)], f64::from(u8::from(up)));
    }
    text.head("hot_folder_waiting", "gauge", "Manifests that wait in a hot folder.");
    for folder in &told.hot_folders {
        let waiting = folder.waiting.len() + folder.waiting_more;
        text.line("hot_folder_waiting", &[("hot_folder", &folder.name)], waiting as f64);
    }
    text.head("printer_up", "gauge", "1 where the printer takes work.");
    for printer in &told.printers {
        let up = matches!(printer.state.as_str(), "idle" | "printing");
        text.line("printer_up", &[("printer", &printer.name)], f64::from(u8::from(up)));
    }
    text.head("disk_free_bytes", "gauge", "Free bytes of each volume that holds folders of the studio.");
    for disk in dashboard.disks.look(&dashboard.site).await.disks {
        text.line("disk_free_bytes", &[("holds", &disk.what)], disk.free_bytes as f64);
    }
    Ok(([(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text.text).into_response())
}

/// The text form of Prometheus.
#[derive(Debug, Default)]
struct Metrics {
    text: String,
}

impl Metrics {
    fn head(&mut self, name: &str, kind: &str, help: &str) {
        self.text += &format!("# HELP hotfolders_{name} {help}\n# TYPE hotfolders_{name} {kind}\n");
    }

    fn line(&mut self, name: &str, labels: &[(&str, &str)], value: f64) {
        let escaped = |text: &str| text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
        let labels: Vec<String> = labels.iter().map(|(key, text)| format!("{key}=\"{}\"", escaped(text))).collect();
        let labels = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
        self.text += &format!("hotfolders_{name}{labels} {value}\n");
    }
}
