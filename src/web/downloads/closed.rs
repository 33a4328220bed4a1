//! The one page for links that do not open.
//!
//! Owns: whether a link never was, has expired, was revoked or is used up is told to nobody; the page is the same, byte
//! for byte, and comes after the same time. Only the studio hears of it, when somebody asks for a link that it made.

use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use askama::Template;
use axum::extract::{ConnectInfo, Form, State};
use axum::http::header::{HeaderValue, RETRY_AFTER};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;

use super::{Room, blocking, source};
use crate::clock;
use crate::model::token::Token;
use crate::web::page::{Trouble, html};

/// So long it always takes: longer than looking something up on a busy disk, too short to annoy anybody.
const ANSWER_AFTER: Duration = Duration::from_millis(250);

#[derive(Template)]
#[template(path = "downloads/closed.html")]
struct ClosedPage<'a> {
    base: &'a str,
    studio: &'a str,
    /// Only what has the form of one is repeated.
    token: &'a str,
}

#[derive(Template)]
#[template(path = "downloads/asked.html")]
struct AskedPage<'a> {
    base: &'a str,
    studio: &'a str,
    email: Option<String>,
}

/// Not valid, or not any more.
pub(super) async fn page(room: &Room, token: &str, from: IpAddr, start: Instant) -> Box<Response> {
    if let Some(wait) = room.throttle.wrong_token(from, Instant::now()) {
        let text = "Too many links that do not open were tried from your connection. Wait a little, then try again.";
        return Box::new(too_many(wait, text));
    }
    let token = if Token::parse(token).is_some() { token } else { "" };
    let page = html(&ClosedPage { base: &room.base(), studio: &room.studio(), token });
    let response = (StatusCode::NOT_FOUND, page).into_response();
    tokio::time::sleep_until((start + ANSWER_AFTER).into()).await;
    Box::new(response)
}

/// Somebody guesses.
pub(super) fn too_many(wait: Duration, text: &str) -> Response {
    let mut response = Trouble::new(StatusCode::TOO_MANY_REQUESTS, text).into_response();
    let seconds = wait.as_secs().max(1);
    response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    response
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
    let from = source(peer, &headers);
    let links = std::sync::Arc::clone(&room.site.links);
    let known = blocking(move || {
        let hash = Token::parse(&asked.token)?.hash();
        links.read(&hash).ok().flatten()?;
        links.ask(&hash, clock::now()).map_err(|e| tracing::error!("{e}")).ok()
    });
    let is_known = known.await.ok().flatten().is_some();
    let wait = if is_known { None } else { room.throttle.wrong_token(from, Instant::now()) };
    let response = if let Some(wait) = wait {
        too_many(wait, "Too many questions came from your connection. Wait a little, then try again.")
    } else {
        let email = room.site.config().studio.email.clone();
        html(&AskedPage { base: &room.base(), studio: &room.studio(), email })
    };
    tokio::time::sleep_until((start + ANSWER_AFTER).into()).await;
    response
}
