//! The one page for links that do not open.
//!
//! Owns: whether a link never was, has expired, was revoked or is used up is told to nobody; the page is the same, byte
//! for byte, and comes after the same time, in the language of the browser. Only the studio hears of it, when somebody
//! asks for a link that it made.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use askama::Template;
use axum::extract::{ConnectInfo, Form, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;

use super::visitor::Visitor;
use super::{Frame, Room, blocking, sorry};
use crate::clock;
use crate::model::token::Token;
use crate::web::page::html;

/// So long it always takes: longer than looking something up on a busy disk, too short to annoy anybody.
const ANSWER_AFTER: Duration = Duration::from_millis(250);

#[derive(Template)]
#[template(path = "downloads/closed.html")]
struct ClosedPage<'a> {
    frame: Frame,
    /// Only what has the form of one is repeated.
    token: &'a str,
    email: Option<String>,
}

#[derive(Template)]
#[template(path = "downloads/asked.html")]
struct AskedPage {
    frame: Frame,
    email: Option<String>,
}

/// Not valid, or not any more.
pub(super) async fn page(room: &Room, token: &str, visitor: Visitor, start: Instant) -> Box<Response> {
    let words = visitor.words;
    if let Some(wait) = room.throttle.wrong_token(visitor.from, Instant::now()) {
        return Box::new(sorry::too_many(room, words, wait, words.page.slow_down_text));
    }
    let token = if Token::parse(token).is_some() { token } else { "" };
    let page = html(&ClosedPage { frame: room.frame(words), token, email: room.site.config().studio.email.clone() });
    let response = (StatusCode::NOT_FOUND, page).into_response();
    tokio::time::sleep_until((start + ANSWER_AFTER).into()).await;
    Box::new(response)
}

#[derive(Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    token: String,
}

/// Asks the studio for another link. The answer is the same whether there is anything to ask for.
pub(super) async fn ask(
    State(room): State<Room>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    Form(asked): Form<Asked>,
) -> Response {
    let start = Instant::now();
    let Visitor { from, words } = Visitor::of(peer, &headers);
    let links = std::sync::Arc::clone(&room.site.links);
    let known = blocking(move || {
        let hash = Token::parse(&asked.token)?.hash();
        links.read(&hash).ok().flatten()?;
        links.ask(&hash, clock::now()).map_err(|e| tracing::error!("{e}")).ok()
    });
    let is_known = known.await.ok().flatten().is_some();
    let wait = if is_known { None } else { room.throttle.wrong_token(from, Instant::now()) };
    let response = if let Some(wait) = wait {
        sorry::too_many(&room, words, wait, words.page.slow_down_text)
    } else {
        html(&AskedPage { frame: room.frame(words), email: room.site.config().studio.email.clone() })
    };
    tokio::time::sleep_until((start + ANSWER_AFTER).into()).await;
    response
}
