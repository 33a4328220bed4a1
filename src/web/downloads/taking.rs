//! A click, the signed address that it is answered with, and the bytes that lie there.
//!
//! Owns: what a mail scanner, a preview or a prefetch does counts nothing: only the first use of a signed address does,
//! and that there is one takes a click.

use std::net::SocketAddr;
use std::sync::PoisonError;
use std::time::Instant;

use axum::extract::{ConnectInfo, Path, RawQuery, State};
use axum::http::header::{
    ACCEPT_RANGES, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, HeaderName, HeaderValue,
    IF_RANGE, LOCATION, RANGE,
};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse as _, Response};

use super::disposition::{attachment, inline, percent};
use super::range::{Ranged, ranged};
use super::send::{Sending, body};
use super::turns::lasting;
use super::visit::{self, Grace, Visit};
use super::visitor::Visitor;
use super::{Answer, Room, blocking, closed, instead, pages, sorry};
use crate::model::delivery::Show;
use crate::spool::links::{Set, ZIP};
use crate::web::etag;
use crate::web::page::Trouble;

/// A stretch of the zip that is a file of its own, or all of it.
struct Piece {
    name: String,
    start: u64,
    bytes: u64,
    etag: String,
    kind: &'static str,
}

/// What may be taken of a link.
fn piece(visit: &Visit, set: Set) -> Option<Piece> {
    let zip = visit.contents.zip.as_ref().filter(|_| visit.record.show == Show::Download)?;
    let etag = |sha256: &str| format!("\"{}\"", &sha256[..sha256.len().min(32)]);
    match set {
        Set::All => Some(Piece {
            name: zip.name.file_name().to_string(),
            start: 0,
            bytes: zip.bytes,
            etag: etag(&zip.sha256),
            kind: "application/zip",
        }),
        Set::File(index) => {
            let file = visit.contents.files.get(index).filter(|_| visit.record.single_files)?;
            Some(Piece {
                name: file.path.file_name().to_string(),
                start: file.offset,
                bytes: file.bytes,
                etag: etag(&file.sha256),
                kind: kind_of(file.path.file_name()),
            })
        }
    }
}

fn kind_of(name: &str) -> &'static str {
    match name.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase()).as_deref() {
        Some("jpg" | "jpeg") => "image/jpeg",
        Some("png") => "image/png",
        Some("tif" | "tiff") => "image/tiff",
        Some("webp") => "image/webp",
        Some("pdf") => "application/pdf",
        _ => "application/octet-stream",
    }
}

pub(super) async fn ask_for_all(
    room: State<Room>,
    from: ConnectInfo<SocketAddr>,
    Path(token): Path<String>,
    headers: HeaderMap,
) -> Response {
    click(room.0, from.0, &token, &headers, Set::All, Use::Save).await.unwrap_or_else(|instead| *instead)
}

pub(super) async fn ask_for_file(
    room: State<Room>,
    from: ConnectInfo<SocketAddr>,
    Path((token, index)): Path<(String, usize)>,
    query: RawQuery,
    headers: HeaderMap,
) -> Response {
    let how = Use::of(&query);
    click(room.0, from.0, &token, &headers, Set::File(index), how).await.unwrap_or_else(|instead| *instead)
}

/// What a browser is to do with a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Use {
    Save,
    /// Show it by itself, so that a phone can keep it among its photos. It counts like any other download.
    Show,
}

impl Use {
    const SHOW: &str = "view";

    fn of(query: &RawQuery) -> Use {
        if query.0.as_deref() == Some(Use::SHOW) { Use::Show } else { Use::Save }
    }
}

/// Answers with a signed address.
async fn click(room: Room, peer: SocketAddr, token: &str, headers: &HeaderMap, set: Set, how: Use) -> Answer<Response> {
    let visit = visit::find(&room, token, Visitor::of(peer, headers), Grace::None).await?;
    if !visit.knows_pin(&room, headers) {
        return Ok(pages::pin_page(&room, &visit, None));
    }
    let Some(piece) = piece(&visit, set) else {
        return Err(instead(sorry::not_found(&room, visit.words, visit.words.page.no_such_file)));
    };
    if taken_up(&visit, set) {
        return Err(instead(sorry::used_up(&room, &visit)));
    }
    let key = room.key().map_err(|e| instead(Trouble::from(e)))?;
    let grant = key.grant(&visit.hash, set, &piece.etag, visit.now).map_err(|e| instead(Trouble::from(e)))?;
    let what = match set {
        Set::All => "all".to_string(),
        Set::File(index) => format!("file/{index}"),
    };
    let mut address = format!("{}/{what}/{grant}/{}", visit.address(&room.base()), percent(&piece.name));
    if how == Use::Show {
        address = format!("{address}?{}", Use::SHOW);
    }
    Ok((StatusCode::SEE_OTHER, [(LOCATION, address)]).into_response())
}

fn taken_up(visit: &Visit, set: Set) -> bool {
    let usage = visit.usage.lock().unwrap_or_else(PoisonError::into_inner);
    visit.record.max_downloads.is_some_and(|max| usage.used().of(set) >= max)
}

pub(super) async fn all(
    room: State<Room>,
    from: ConnectInfo<SocketAddr>,
    Path((token, grant, _)): Path<(String, String, String)>,
    method: Method,
    headers: HeaderMap,
) -> Response {
    let asked = Asked { method, headers, set: Set::All, how: Use::Save };
    take(room.0, from.0, &token, &grant, asked).await.unwrap_or_else(|instead| *instead)
}

pub(super) async fn file(
    room: State<Room>,
    from: ConnectInfo<SocketAddr>,
    Path((token, index, grant, _)): Path<(String, usize, String, String)>,
    query: RawQuery,
    method: Method,
    headers: HeaderMap,
) -> Response {
    let asked = Asked { method, headers, set: Set::File(index), how: Use::of(&query) };
    take(room.0, from.0, &token, &grant, asked).await.unwrap_or_else(|instead| *instead)
}

/// What comes with a signed address.
struct Asked {
    method: Method,
    headers: HeaderMap,
    set: Set,
    how: Use,
}

/// A browser that fetches ahead of its user.
fn is_ahead(headers: &HeaderMap) -> bool {
    ["sec-purpose", "purpose", "x-moz"].iter().any(|name| {
        let value = headers.get(*name).and_then(|value| value.to_str().ok());
        value.is_some_and(|value| value.contains("prefetch") || value.contains("preview"))
    })
}

async fn take(room: Room, peer: SocketAddr, token: &str, grant: &str, asked: Asked) -> Answer<Response> {
    let Asked { method, headers, set, how } = asked;
    let start = Instant::now();
    let visitor = Visitor::of(peer, &headers);
    let visit = visit::find(&room, token, visitor, Grace::Download).await?;
    let key = room.key().map_err(|e| instead(Trouble::from(e)))?;
    let Some(grant) = key.granted(grant, &visit.hash, set) else {
        return Err(closed::page(&room, token, visitor, start).await);
    };
    // What was broken off a day ago, or before the files were replaced, cannot be gone on with: the page has those of now.
    let is_good = |piece: &Piece| grant.is_for(&piece.etag) && !grant.is_over(visit.now);
    let Some(piece) = piece(&visit, set).filter(is_good) else {
        return Ok((StatusCode::SEE_OTHER, [(LOCATION, visit.address(&room.base()))]).into_response());
    };
    if etag::is_known(&headers, &piece.etag)
        && let Ok(known) = HeaderValue::from_str(&piece.etag)
    {
        return Ok(etag::unchanged(known));
    }
    let header = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let asked = ranged(header(RANGE), header(IF_RANGE), &piece.etag, piece.bytes);
    let mut response = Response::default();
    let told = response.headers_mut();
    told.insert(CONTENT_TYPE, HeaderValue::from_static(piece.kind));
    let is_shown = how == Use::Show && matches!(piece.kind, "image/jpeg" | "image/png" | "image/webp");
    told.insert(CONTENT_DISPOSITION, if is_shown { inline(&piece.name) } else { attachment(&piece.name) });
    told.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    // Hexadecimal digits in quotes.
    told.extend(HeaderValue::from_str(&piece.etag).ok().map(|etag| (ETAG, etag)));
    let (first, last) = match asked {
        Ranged::Whole => (0, piece.bytes),
        Ranged::Part(first, last) => {
            let text = format!("bytes {first}-{}/{}", last - 1, piece.bytes);
            told.extend(HeaderValue::from_str(&text).ok().map(|range| (CONTENT_RANGE, range)));
            *response.status_mut() = StatusCode::PARTIAL_CONTENT;
            (first, last)
        }
        Ranged::Nothing => {
            let text = format!("bytes */{}", piece.bytes);
            let mut response = StatusCode::RANGE_NOT_SATISFIABLE.into_response();
            response.headers_mut().extend(HeaderValue::from_str(&text).ok().map(|range| (CONTENT_RANGE, range)));
            return Ok(response);
        }
    };
    response.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(last - first));
    if method == Method::HEAD {
        return Ok(response);
    }
    if is_ahead(&headers) {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let Some(turn) = room.turns.download(&grant.nonce, &visit.hash, visitor.from) else {
        return Err(instead(sorry::busy(&room, visit.words)));
    };
    let path = visit.record.folder.join(ZIP);
    let (usage, max, now) = (std::sync::Arc::clone(&visit.usage), visit.record.max_downloads, visit.now);
    let nonce = grant.nonce.clone();
    let begun = blocking(move || {
        let file = std::fs::File::open(path)?;
        let mut usage = usage.lock().unwrap_or_else(PoisonError::into_inner);
        let counted = usage.count(now, set, &nonce, max, Some(visitor.from.to_string()));
        Ok::<_, std::io::Error>((file, counted.map_err(|e| e.source)?))
    });
    let (file, counted) = begun.await.map_err(instead)?.map_err(|e| instead(Trouble::from(e)))?;
    if !counted {
        return Err(instead(sorry::used_up(&room, &visit)));
    }
    let permit = room.transfers.begin(&room.site.links, &visit, &grant);
    let sending = Sending {
        spare: room.spare,
        file,
        permit,
        stretch: (piece.start + first, piece.start + last),
        set,
        grant: grant.nonce,
        stop: room.site.stop.clone(),
        usage: visit.usage,
        from: visitor.from.to_string(),
    };
    *response.body_mut() = body(sending);
    Ok(lasting(response, turn))
}
