//! What went wrong, as a client reads it.
//!
//! Owns: a client is told nothing of the disk, and reads the language of the other pages.

use std::time::Duration;

use askama::Template;
use axum::http::StatusCode;
use axum::http::header::RETRY_AFTER;
use axum::response::{IntoResponse as _, Response};

use super::turns::AGAIN_AFTER;
use super::visit::Visit;
use super::{Frame, Room};
use crate::model::words::Words;
use crate::web::page::{Told, html};

#[derive(Template)]
#[template(path = "downloads/sorry.html")]
struct SorryPage<'a> {
    frame: Frame,
    title: &'a str,
    text: &'a str,
    /// Of the link that another one may be asked for.
    token: Option<&'a str>,
    email: Option<String>,
}

impl<'a> SorryPage<'a> {
    fn new(room: &Room, words: &'static Words, title: &'a str, text: &'a str) -> SorryPage<'a> {
        SorryPage { frame: room.frame(words), title, text, token: None, email: None }
    }
}

fn page(room: &Room, words: &'static Words, title: &str, text: &str) -> Response {
    html(&SorryPage::new(room, words, title, text))
}

/// No such picture, no such file.
pub(super) fn not_found(room: &Room, words: &'static Words, text: &str) -> Response {
    (StatusCode::NOT_FOUND, page(room, words, words.page.missing_title, text)).into_response()
}

/// It was taken as often as it may.
pub(super) fn used_up(room: &Room, visit: &Visit) -> Response {
    let told = &visit.words.page;
    let page = SorryPage {
        token: Some(visit.token.as_str()),
        email: room.site.config().studio.email.clone(),
        ..SorryPage::new(room, visit.words, told.used_up_title, told.used_up_text)
    };
    (StatusCode::FORBIDDEN, html(&page)).into_response()
}

/// Somebody guesses.
pub(super) fn too_many(room: &Room, words: &'static Words, wait: Duration, text: &str) -> Response {
    let retry_after = [(RETRY_AFTER, wait.as_secs().max(1).to_string())];
    let page = page(room, words, words.page.slow_down_title, text);
    (StatusCode::TOO_MANY_REQUESTS, retry_after, page).into_response()
}

/// As many are being answered as may be at a time.
pub(super) fn busy(room: &Room, words: &'static Words) -> Response {
    let retry_after = [(RETRY_AFTER, AGAIN_AFTER.as_secs().to_string())];
    let page = page(room, words, words.page.slow_down_title, words.page.slow_down_text);
    (StatusCode::SERVICE_UNAVAILABLE, retry_after, page).into_response()
}

/// Whatever else went wrong. What it was is in our log.
pub(super) fn in_general(room: &Room, words: &'static Words, status: StatusCode) -> Told {
    let told = &words.page;
    let (title, text) = match status {
        StatusCode::NOT_FOUND => (told.missing_title, told.missing_text),
        StatusCode::TOO_MANY_REQUESTS => (told.slow_down_title, told.slow_down_text),
        _ if status.is_server_error() => (told.broken_title, told.broken_text),
        _ => (told.misread_title, told.misread_text),
    };
    let page = SorryPage::new(room, words, title, text).render().unwrap_or_else(|_| text.into());
    Told { text: text.into(), page }
}
