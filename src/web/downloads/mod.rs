//! The pages that download links open, at an address of their own: nothing of the dashboard can be reached here.
//!
//! ```text
//! GET /d/TOKEN ─▶ PIN, if there is one ─▶ page ─POST─▶ 303 ─▶ signed GET, good for a day, counted once ─▶ bytes
//! ```
//!
//! Owns: a link that does not open looks the same, and takes as long, whatever the reason; the pages of one that does
//! speak its client's language; nothing is counted that nobody clicked on; no file is in memory whole; no token, PIN or
//! signed address gets into a log.

mod closed;
mod disposition;
mod gallery;
mod pages;
pub mod range;
mod seal;
mod send;
mod small;
mod sorry;
mod taking;
mod throttle;
mod transfers;
mod turns;
mod visit;
mod visitor;

use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};

use axum::Router;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::header::{ACCEPT_LANGUAGE, HeaderName, HeaderValue, REFERRER_POLICY};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};

use self::seal::Key;
use self::send::Spare;
use self::throttle::Throttle;
use self::transfers::Transfers;
use self::turns::{Turns, lasting};
use self::visit::Shelf;
use super::page::Tell;
use super::peer;
use super::tls::Terms;
use super::{Door, Opening, Site, asset_routes, secured};
use crate::model::config::Config;
use crate::model::words::Words;

/// Whoever downloads keeps a connection for long.
const CONNECTIONS_MAX: usize = 512;

/// What the pages share.
#[derive(Debug, Clone)]
pub(super) struct Room {
    site: Site,
    throttle: Arc<Throttle>,
    shelf: Arc<Shelf>,
    key: Arc<OnceLock<Key>>,
    spare: Spare,
    turns: Turns,
    transfers: Arc<Transfers>,
}

impl Room {
    /// Made when it is first needed: a spool whose disk is full still shows its pages.
    fn key(&self) -> std::io::Result<&Key> {
        if let Some(key) = self.key.get() {
            return Ok(key);
        }
        let key = Key::of_links(self.site.links.folder())?;
        Ok(self.key.get_or_init(|| key))
    }

    /// What stands in front of every address of ours: `public_url` may lead into a folder of the studio's own site.
    fn base(&self) -> String {
        let config = self.site.config();
        let url = config.downloads.as_ref().map_or("", |downloads| downloads.public_url.as_str());
        let behind_host = url.split_once("://").and_then(|(_, rest)| rest.find('/').map(|at| &rest[at..]));
        behind_host.unwrap_or_default().trim_end_matches('/').to_string()
    }

    fn is_public_over_tls(&self) -> bool {
        let config = self.site.config();
        config.downloads.as_ref().is_some_and(|downloads| downloads.public_url.starts_with("https://"))
    }

    fn frame(&self, words: &'static Words) -> Frame {
        let studio = self.site.config().studio.name.clone().unwrap_or_else(|| words.page.studio.into());
        Frame { base: self.base(), studio, words }
    }
}

/// What every page has.
#[derive(Debug)]
struct Frame {
    /// See [`Room::base`].
    base: String,
    studio: String,
    words: &'static Words,
}

/// Where the pages are, if the config wants them.
fn opening(config: &Config) -> Option<Opening> {
    let downloads = config.downloads.as_ref()?;
    Some(Opening { listen: downloads.listen, hosts: Vec::new(), tls: Terms::of_downloads(config) })
}

pub(super) fn door(site: &Site) -> Door {
    let room = Room {
        site: site.clone(),
        throttle: Arc::new(Throttle::default()),
        shelf: Arc::new(Shelf::default()),
        key: Arc::new(OnceLock::new()),
        spare: Spare::default(),
        turns: Turns::default(),
        transfers: Arc::default(),
    };
    let of_errors = room.clone();
    let tell: Tell =
        Arc::new(move |status, _, accepted| sorry::in_general(&of_errors, visitor::spoken(accepted), status));
    let of_client = middleware::from_fn_with_state(room.clone(), known_by_client);
    let router = secured(routes(room), tell).layer(of_client).layer(middleware::from_fn(discreet));
    Door { name: "download pages", opening, router, connections_max: CONNECTIONS_MAX }
}

fn routes(room: Room) -> Router {
    let small = middleware::from_fn_with_state(room.clone(), in_turn);
    let taken = Router::new()
        .route("/d/{token}/all/{grant}/{name}", get(taking::all))
        .route("/d/{token}/file/{index}/{grant}/{name}", get(taking::file))
        .with_state(room.clone());
    Router::new()
        .route("/", get(pages::nothing_here))
        .route("/robots.txt", get(async || "User-agent: *\nDisallow: /\n"))
        .route("/ask", post(closed::ask))
        .route("/d/{token}", get(gallery::landing))
        .route("/d/{token}/pin", post(pages::pin))
        .route("/d/{token}/picture/{index}", get(gallery::picture))
        .route("/d/{token}/thumb/{index}", get(small::thumb))
        .route("/d/{token}/screen/{index}", get(small::screen))
        .route("/d/{token}/all", post(taking::ask_for_all))
        .route("/d/{token}/file/{index}", post(taking::ask_for_file))
        .with_state(room)
        .merge(asset_routes())
        .layer(small)
        .merge(taken)
}

/// Whatever is not a download itself.
async fn in_turn(
    State(room): State<Room>,
    ConnectInfo(client): ConnectInfo<SocketAddr>,
    request: Request,
    next: Next,
) -> Response {
    match room.turns.small(client.ip()).await {
        Some(turn) => lasting(next.run(request).await, turn),
        None => sorry::busy(&room, visitor::spoken(request.headers().get(ACCEPT_LANGUAGE))),
    }
}

/// From here on the address of a request is its client's, not that of a web server in front.
async fn known_by_client(
    State(room): State<Room>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    mut request: Request,
    next: Next,
) -> Response {
    let config = room.site.config();
    let trusted = config.downloads.as_ref().map_or(&[][..], |downloads| &downloads.trusted_proxies);
    let client = peer::source(peer, request.headers(), trusted);
    request.extensions_mut().insert(ConnectInfo(SocketAddr::new(client, peer.port())));
    next.run(request).await
}

/// Nobody is told where a page was opened, and no search engine keeps it; that goes for every answer of this door.
async fn discreet(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(HeaderName::from_static("x-robots-tag"), HeaderValue::from_static("noindex, nofollow, noarchive"));
    response
}

/// What blocks is done where it may.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, super::page::Trouble> {
    tokio::task::spawn_blocking(work).await.map_err(super::page::Trouble::from)
}

/// A way out of a handler: what is answered instead.
type Answer<T> = Result<T, Box<Response>>;

#[allow(clippy::unnecessary_box_returns, reason = "an error of many results: a response is large")]
fn instead(response: impl IntoResponse) -> Box<Response> {
    Box::new(response.into_response())
}
