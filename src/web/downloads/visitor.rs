//! Who asks for a page: from where, and in which language.
//!
//! Owns: before a link opens nothing but the browser says the language. A closed page in the language of its client would
//! tell that the link once was somebody's.

use std::net::{IpAddr, SocketAddr};

use axum::http::HeaderMap;
use axum::http::header::{ACCEPT_LANGUAGE, HeaderValue};

use crate::model::words::Words;

#[derive(Debug, Clone, Copy)]
pub(super) struct Visitor {
    pub(super) from: IpAddr,
    /// Of the browser.
    pub(super) words: &'static Words,
}

impl Visitor {
    pub(super) fn of(peer: SocketAddr, headers: &HeaderMap) -> Visitor {
        Visitor { from: source(peer, headers), words: spoken(headers.get(ACCEPT_LANGUAGE)) }
    }
}

/// By what a browser says in `Accept-Language`.
pub(super) fn spoken(accepted: Option<&HeaderValue>) -> &'static Words {
    Words::accepted(accepted.and_then(|value| value.to_str().ok()).unwrap_or_default())
}

/// Where a request comes from. A web server in front of us, on this machine, says so itself; nobody else is believed.
fn source(peer: SocketAddr, headers: &HeaderMap) -> IpAddr {
    let told = headers.get("x-forwarded-for").and_then(|value| value.to_str().ok());
    let last = told.and_then(|list| list.rsplit(',').next()).and_then(|text| text.trim().parse().ok());
    match last {
        Some(client) if peer.ip().to_canonical().is_loopback() => client,
        _ => peer.ip(),
    }
}
