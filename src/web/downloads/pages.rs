//! What a client sees before a link opens: the question for the PIN.

use std::net::SocketAddr;
use std::time::Instant;

use askama::Template;
use axum::extract::{ConnectInfo, Form, Path, State};
use axum::http::header::{HeaderValue, LOCATION, SET_COOKIE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;

use super::seal::{PIN_FOR, is_pin};
use super::visit::{self, Grace, PIN_COOKIE, Visit};
use super::visitor::Visitor;
use super::{Answer, Frame, Room, instead, sorry};
use crate::web::page::{Trouble, html};

#[derive(Template)]
#[template(path = "downloads/nothing.html")]
struct NothingPage {
    frame: Frame,
}

/// The address itself, without a link.
pub(super) async fn nothing_here(
    State(room): State<Room>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
) -> Response {
    html(&NothingPage { frame: room.frame(Visitor::of(peer, &headers).words) })
}

#[derive(Template)]
#[template(path = "downloads/pin.html")]
struct PinPage {
    frame: Frame,
    action: String,
    wrong: Option<String>,
    email: Option<String>,
}

/// Before it nothing is shown: no picture, no name.
pub(super) fn pin_page(room: &Room, visit: &Visit, wrong: Option<String>) -> Response {
    let status = if wrong.is_some() { StatusCode::FORBIDDEN } else { StatusCode::OK };
    let frame = room.frame(visit.words);
    let email = room.site.config().studio.email.clone();
    let page = PinPage { action: visit.address(&frame.base) + "/pin", frame, wrong, email };
    (status, html(&page)).into_response()
}

#[derive(Deserialize)]
pub(super) struct Given {
    #[serde(default)]
    pin: String,
}

pub(super) async fn pin(
    State(room): State<Room>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    Path(token): Path<String>,
    headers: HeaderMap,
    Form(given): Form<Given>,
) -> Response {
    let answer = async || -> Answer<Response> {
        let visit = visit::find(&room, &token, Visitor::of(peer, &headers), Grace::None).await?;
        let (address, told) = (visit.address(&room.base()), &visit.words.page);
        let Some(pin_seal) = &visit.record.pin else { return Ok(go_to(&address)) };
        let tried = match room.throttle.begin_pin(&visit.hash, peer.ip(), Instant::now()) {
            Ok(tried) => tried,
            Err(wait) => return Ok(sorry::too_many(&room, visit.words, wait, &told.pin_wait(wait))),
        };
        // People write it with spaces.
        let pin: String = given.pin.chars().filter(|c| !c.is_whitespace()).collect();
        if !is_pin(&visit.token, &pin, pin_seal) {
            let wait = room.throttle.wait_after(&tried, Instant::now());
            let wait = wait.map(|wait| format!(" {}", told.pin_wait(wait))).unwrap_or_default();
            let text = format!("{}{wait}", told.pin_wrong);
            return Ok(pin_page(&room, &visit, Some(text)));
        }
        room.throttle.right_pin(tried, Instant::now());
        let key = room.key().map_err(|e| instead(Trouble::from(e)))?;
        let known = key.pin_known(&visit.hash, pin_seal, visit.now);
        let secure = if room.is_public_over_tls() { "; Secure" } else { "" };
        let cookie = format!(
            "{PIN_COOKIE}={known}; Path={address}; Max-Age={}; HttpOnly; SameSite=Lax{secure}",
            PIN_FOR.as_secs()
        );
        let mut response = go_to(&address);
        response.headers_mut().extend(HeaderValue::from_str(&cookie).ok().map(|cookie| (SET_COOKIE, cookie)));
        Ok(response)
    };
    answer().await.unwrap_or_else(|instead| *instead)
}

fn go_to(address: &str) -> Response {
    (StatusCode::SEE_OTHER, [(LOCATION, address.to_string())]).into_response()
}
