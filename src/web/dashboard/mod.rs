//! The dashboard: the queue, live, and everything an operator does to it.
//!
//! Owns: whatever changes something goes through [`control`](crate::control), the same way the command line goes; what
//! is shown of a job comes from its folder, found by its id.

mod actions;
mod events;
mod frame;
mod guard;
mod jobs;
mod login;
mod passwords;
mod queue;
mod sessions;
mod throttle;
mod told;
mod words;

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::http::StatusCode;
use axum::middleware;
use axum::routing::{get, post};

pub use self::passwords::hash;

use self::frame::Notes;
use self::jobs::Faces;
use self::passwords::Verifier;
use self::sessions::Sessions;
use self::throttle::Throttle;
use super::page::Trouble;
use super::{Door, Site, asset_routes, secured};
use crate::model::config::Config;

/// Connections at a time; each browser takes a few.
const CONNECTIONS_MAX: usize = 256;

#[derive(Debug)]
pub(super) struct Dashboard {
    site: Site,
    sessions: Sessions,
    throttle: Throttle,
    verifier: Verifier,
    notes: Notes,
    faces: Faces,
}

pub(super) fn door(site: &Site) -> Door {
    let listen: fn(&Config) -> Option<SocketAddr> = |config| config.server.listen;
    let dashboard = Arc::new(Dashboard {
        site: site.clone(),
        sessions: Sessions::default(),
        throttle: Throttle::default(),
        verifier: Verifier::new(),
        notes: Notes::default(),
        faces: Faces::default(),
    });
    Door { name: "dashboard", listen, router: secured(routes(&dashboard)), connections_max: CONNECTIONS_MAX }
}

fn routes(dashboard: &Arc<Dashboard>) -> Router {
    Router::new()
        .route("/", get(queue::show))
        .route("/login", get(login::show).post(login::log_in))
        .route("/logout", post(login::log_out))
        .route("/jobs/{id}/{action}", post(actions::on_job))
        .route("/pause", post(actions::pause))
        .route("/resume", post(actions::resume))
        .route("/events", get(events::stream))
        .route("/healthz", get(async || "ok\n"))
        .with_state(Arc::clone(dashboard))
        .merge(asset_routes())
        .fallback(async || StatusCode::NOT_FOUND)
        .layer(middleware::from_fn_with_state(Arc::clone(dashboard), guard::guard))
}

/// Looks at the disk, on a thread where that keeps nobody waiting.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T, Trouble> + Send + 'static) -> Result<T, Trouble> {
    tokio::task::spawn_blocking(work).await?
}

/// What the pages are headed with.
fn studio_name(config: &Config) -> &str {
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
