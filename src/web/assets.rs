//! Styles, scripts and pictures of the pages themselves, part of the program.

use std::sync::LazyLock;

use axum::Router;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;

use crate::model::digest;

struct Asset {
    name: &'static str,
    kind: &'static str,
    text: &'static str,
}

const ASSETS: [Asset; 6] = [
    Asset { name: "style.css", kind: "text/css; charset=utf-8", text: include_str!("style.css") },
    Asset { name: "live.js", kind: "text/javascript; charset=utf-8", text: include_str!("live.js") },
    Asset { name: "downloads.css", kind: "text/css; charset=utf-8", text: include_str!("downloads.css") },
    Asset { name: "viewer.js", kind: "text/javascript; charset=utf-8", text: include_str!("viewer.js") },
    Asset { name: "drop.js", kind: "text/javascript; charset=utf-8", text: include_str!("drop.js") },
    Asset { name: "icon.svg", kind: "image/svg+xml", text: include_str!("icon.svg") },
];

/// Changes with the files, so that a browser may keep them for good.
static EDITION: LazyLock<String> = LazyLock::new(|| {
    let all: String = ASSETS.iter().map(|asset| asset.text).collect();
    digest::sha256(all.as_bytes())[..12].to_string()
});

/// The address of an asset, as templates write it.
pub(super) fn url(name: &str) -> String {
    format!("/assets/{}/{name}", *EDITION)
}

pub fn routes() -> Router {
    Router::new().route("/assets/{edition}/{name}", get(asset))
}

async fn asset(Path((_, name)): Path<(String, String)>) -> Response {
    let Some(asset) = ASSETS.iter().find(|asset| asset.name == name) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let headers = [(CONTENT_TYPE, asset.kind), (CACHE_CONTROL, "public, max-age=31536000, immutable")];
    // Weak: compressed it has other bytes.
    let etag = [(ETAG, format!("W/\"{}\"", *EDITION))];
    (headers, etag, asset.text).into_response()
}
