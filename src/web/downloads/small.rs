//! The small pictures of a link, which a browser may keep for a while.
//!
//! Owns: only the browser that asked keeps them, for [`KEPT_FOR`]; each has an address of its own for each link and for
//! what lies behind it, so that one that was replaced is never shown in place of another. Whoever asks the server again
//! is answered by the link as it is then.

use std::net::SocketAddr;

use axum::extract::{ConnectInfo, Path, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};

use super::visit::{self, Grace, Visit};
use super::visitor::Visitor;
use super::{Answer, Room, blocking, instead, sorry};
use crate::model::digest;
use crate::spool::links::{LinkedFile, SmallPicture, screen_name, thumb_name};
use crate::web::page::Trouble;

/// Ten minutes: a visit.
const KEPT_FOR: &str = "private, max-age=600";

/// What lies behind a link, in a few characters: what lies there is never changed, only replaced by another folder.
pub(super) fn edition(visit: &Visit) -> String {
    const CHARACTERS: usize = 16;
    let of = format!("{} {}", visit.hash, visit.record.folder.display());
    digest::sha256(of.as_bytes())[..CHARACTERS].to_string()
}

pub(super) async fn thumb(
    room: State<Room>,
    from: ConnectInfo<SocketAddr>,
    path: Path<(String, usize)>,
    headers: HeaderMap,
) -> Response {
    small(room.0, from.0, path.0, &headers, |file| file.thumb, thumb_name).await.unwrap_or_else(|instead| *instead)
}

pub(super) async fn screen(
    room: State<Room>,
    from: ConnectInfo<SocketAddr>,
    path: Path<(String, usize)>,
    headers: HeaderMap,
) -> Response {
    small(room.0, from.0, path.0, &headers, |file| file.screen, screen_name).await.unwrap_or_else(|instead| *instead)
}

/// A small picture is small: it is read whole.
async fn small(
    room: Room,
    peer: SocketAddr,
    (token, number): (String, usize),
    headers: &HeaderMap,
    of: fn(&LinkedFile) -> Option<SmallPicture>,
    name: fn(usize) -> String,
) -> Answer<Response> {
    let visit = visit::find(&room, &token, Visitor::of(peer, headers), Grace::None).await?;
    if !visit.knows_pin(&room, headers) {
        return Err(instead(StatusCode::FORBIDDEN));
    }
    let index = number.wrapping_sub(1);
    if visit.contents.files.get(index).and_then(of).is_none() {
        return Err(instead(sorry::not_found(&room, visit.words, visit.words.page.no_such_picture)));
    }
    let name = name(index);
    let etag = format!("\"{}-{name}\"", edition(&visit));
    let kept = [(CACHE_CONTROL, KEPT_FOR.to_string()), (ETAG, etag.clone())];
    let known = headers.get(IF_NONE_MATCH).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if known.split(',').any(|known| known.trim().trim_start_matches("W/") == etag) {
        return Ok((StatusCode::NOT_MODIFIED, kept).into_response());
    }
    let path = visit.record.folder.join(name);
    let read = blocking(move || std::fs::read(path)).await.map_err(instead)?;
    let bytes = read.map_err(|e| instead(Trouble::from(e)))?;
    Ok((kept, [(CONTENT_TYPE, "image/jpeg")], bytes).into_response())
}
