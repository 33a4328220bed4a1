//! The dashboard: the queue, live, and everything an operator does to it.
//!
//! Owns: whatever changes something goes through [`control`](crate::control), the same way the command line goes; what
//! is shown of a job comes from its folder, found by its id.

mod actions;
mod api;
mod asked;
mod browsers;
mod disks;
mod events;
mod frame;
mod guard;
mod history;
mod job;
mod jobs;
mod links;
mod login;
mod passwords;
mod places;
mod profiles;
mod queue;
mod sessions;
mod throttle;
mod thumbnails;
mod told;
mod upload;
mod words;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::StatusCode;
use axum::middleware;
use axum::routing::{get, post};

pub use self::passwords::hash;

use self::browsers::Browsers;
use self::disks::Disks;
use self::frame::Notes;
use self::jobs::Faces;
use self::passwords::Verifier;
use self::sessions::Sessions;
use self::throttle::Throttle;
use self::thumbnails::Thumbnails;
use super::page::Trouble;
use super::page::tell_studio;
use super::tls::Terms;
use super::{Door, Opening, Site, Tools, asset_routes, dressed, hurried};
use crate::model::config::Config;

/// Connections at a time; each browser takes a few.
const CONNECTIONS_MAX: usize = 256;

#[derive(Debug)]
pub(super) struct Dashboard {
    site: Site,
    sessions: Sessions,
    throttle: Throttle,
    verifier: Verifier,
    browsers: Arc<Browsers>,
    notes: Notes,
    faces: Faces,
    disks: Disks,
    thumbnails: Thumbnails,
    uploads: tokio::sync::Semaphore,
}

/// Where the dashboard is, if the config wants one.
pub fn opening(config: &Config) -> Option<Opening> {
    let server = &config.server;
    Some(Opening { listen: server.listen?, hosts: server.hosts.clone(), tls: Terms::of_dashboard(config) })
}

pub(super) fn door(site: &Site, tools: Arc<dyn Tools>) -> Door {
    let dashboard = Arc::new(Dashboard {
        site: site.clone(),
        sessions: Sessions::default(),
        throttle: Throttle::default(),
        verifier: Verifier::new(),
        browsers: Arc::default(),
        notes: Notes::default(),
        faces: Faces::default(),
        disks: Disks::default(),
        thumbnails: Thumbnails::new(tools),
        uploads: tokio::sync::Semaphore::new(upload::AT_ONCE),
    });
    let config = site.config();
    tokio::task::spawn_blocking(move || upload::clear(&config));
    let all = hurried(routes(&dashboard)).merge(unhurried(&dashboard)).fallback(async || StatusCode::NOT_FOUND);
    let guarded = all.layer(middleware::from_fn_with_state(dashboard, guard::guard));
    Door {
        name: "dashboard",
        opening,
        router: dressed(guarded, tell_studio(site.clone())),
        connections_max: CONNECTIONS_MAX,
    }
}

fn routes(dashboard: &Arc<Dashboard>) -> Router {
    Router::new()
        .route("/", get(queue::show))
        .route("/login", get(login::show).post(login::log_in))
        .route("/logout", post(login::log_out))
        .route("/history", get(history::show))
        .route("/places", get(places::show))
        .route("/profiles", get(profiles::show))
        .route("/drop", get(upload::show))
        .route("/jobs/{id}", get(job::show))
        .route("/jobs/{id}/pictures/{step}/{which}", get(job::picture))
        .route("/jobs/{id}/{action}", post(actions::on_job))
        .route("/jobs/{id}/links/{step}/{action}", get(job::confirm).post(actions::on_link))
        .route("/links/{hash}/{action}", get(links::confirm).post(links::act))
        .route("/printers/{name}/{action}", post(actions::on_printer))
        .route("/pause", post(actions::pause))
        .route("/resume", post(actions::resume))
        .route("/events", get(events::stream))
        .route("/healthz", get(async || "ok\n"))
        .route("/metrics", get(api::metrics))
        .route("/api/status", get(api::status))
        .route("/api/jobs", get(api::jobs))
        .route("/api/jobs/{id}", get(api::job))
        .route("/api/jobs/{id}/{action}", post(actions::on_job))
        .route("/api/printers", get(api::printers))
        .route("/api/links", get(api::links))
        .with_state(Arc::clone(dashboard))
        .merge(asset_routes())
}

/// Requests that may take as long as they come on.
fn unhurried(dashboard: &Arc<Dashboard>) -> Router {
    let large = DefaultBodyLimit::disable();
    Router::new()
        .route("/drop", post(upload::take).layer(large))
        .route("/jobs/{id}/pictures", post(upload::mend::take).layer(large))
        .with_state(Arc::clone(dashboard))
}

/// Looks at the disk, on a thread where that keeps nobody waiting.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T, Trouble> + Send + 'static) -> Result<T, Trouble> {
    tokio::task::spawn_blocking(work).await?
}

/// What the pages are headed with.
pub(super) fn studio_name(config: &Config) -> &str {
    config.studio.name.as_deref().unwrap_or("Hot folders")
}

/// A text as a part of a URL.
fn encoded(text: &str) -> String {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~/".contains(byte);
    text.as_bytes()
        .iter()
        .map(|byte| if plain(byte) { char::from(*byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}
