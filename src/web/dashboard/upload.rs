//! What is dragged onto the page: a manifest with its pictures, or pictures and a profile.
//!
//! Owns: a drop appears in its hot folder whole, by one rename; what was cut off leaves nothing that is scanned. Pictures
//! are never whole in memory.

pub(super) mod mend;
mod receive;

use std::sync::Arc;

use askama::Template;
use axum::Extension;
use axum::extract::{Multipart, Query, State};
use axum::http::header::LOCATION;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};

pub(super) use self::receive::clear;
use self::receive::{Received, receive};
use super::frame::{Frame, Note, NoteKey, Page, Setting};
use super::sessions::Visitor;
use super::{Dashboard, blocking};
use crate::model::config::{Config, HotFolder, Images};
use crate::model::profile::{ImageChoice, Per, Profile, Purpose};
use crate::web::Seat;
use crate::web::page::{self, Trouble};

/// Uploads at a time.
pub(super) const AT_ONCE: usize = 3;

#[derive(Template)]
#[template(path = "dashboard/upload.html")]
struct DropPage {
    frame: Frame,
    /// Every hot folder that takes manifests.
    folders: Vec<Choice>,
    /// Those whose manifests bring their pictures.
    beside: Vec<Choice>,
    profiles: Vec<String>,
}

struct Choice {
    name: String,
    about: &'static str,
}

fn choice(folder: &HotFolder) -> Choice {
    let about = match folder.images {
        Images::Beside => "manifest and pictures",
        _ => "manifest alone, pictures from the library",
    };
    Choice { name: folder.name.clone(), about }
}

/// Profiles that make something of pictures without an order, and put it somewhere.
fn usable(config: &Config) -> impl Iterator<Item = &Profile> {
    config.profiles.iter().filter(|profile| {
        profile.per == Per::Image
            && profile.purpose != Purpose::Final
            && profile.images != Some(ImageChoice::Ordered)
            && !profile.deliver.is_empty()
    })
}

pub(super) async fn show(
    State(dashboard): State<Arc<Dashboard>>,
    Extension(visitor): Extension<Visitor>,
    Query(key): Query<NoteKey>,
) -> Response {
    let Setting { frame, .. } = dashboard.setting(Page::Drop, &visitor, &key);
    let config = dashboard.site.config();
    let folders = || config.hot_folders.iter().filter(|folder| folder.images != Images::Alone);
    page::html(&DropPage {
        frame,
        folders: folders().map(choice).collect(),
        beside: folders().filter(|folder| folder.images == Images::Beside).map(choice).collect(),
        profiles: usable(&config).map(|profile| profile.name.clone()).collect(),
    })
}

pub(super) async fn take(
    State(dashboard): State<Arc<Dashboard>>,
    Extension(visitor): Extension<Visitor>,
    Extension(seat): Extension<Arc<Seat>>,
    headers: HeaderMap,
    form: Multipart,
) -> Result<Response, Trouble> {
    let busy = || Trouble::new(StatusCode::SERVICE_UNAVAILABLE, "Other uploads are running; wait for one to end.");
    let turn = dashboard.uploads.try_acquire().map_err(|_| busy())?;
    // Somebody who is logged in may send for long.
    seat.keep();
    let config = dashboard.site.config();
    let received = receive(form, &config).await?;
    let said = {
        let config = Arc::clone(&config);
        blocking(move || finish(received, &config)).await?
    };
    drop(turn);
    tracing::info!("dashboard: {} dropped {}", visitor.name.as_deref().unwrap_or("somebody on this computer"), said.0);
    let done = vec![format!("{}. The job appears here in a moment.", said.0)];
    let next = format!("/?note={}", dashboard.notes.leave(Note { done, refused: said.1, undo: Vec::new() }));
    // A script that followed by itself would use the note up.
    if headers.contains_key("x-tell-where") {
        return Ok(next.into_response());
    }
    Ok((StatusCode::SEE_OTHER, [(LOCATION, next)]).into_response())
}

/// Puts what came into its hot folder; says what, and what was left out.
fn finish(received: Received, config: &Config) -> Result<(String, Vec<String>), Trouble> {
    let usable: Vec<&str> = usable(config).map(|profile| profile.name.as_str()).collect();
    received.publish(&usable)
}
