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
    /// `address` is the client's, whatever web servers stand in front: see [`super::known_by_client`].
    pub(super) fn of(address: SocketAddr, headers: &HeaderMap) -> Visitor {
        Visitor { from: address.ip(), words: spoken(headers.get(ACCEPT_LANGUAGE)) }
    }
}

/// By what a browser says in `Accept-Language`.
pub(super) fn spoken(accepted: Option<&HeaderValue>) -> &'static Words {
    Words::accepted(accepted.and_then(|value| value.to_str().ok()).unwrap_or_default())
}
