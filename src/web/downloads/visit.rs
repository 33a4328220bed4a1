//! From what stands in a URL to the link that it names.
//!
//! Owns: a path on the disk comes from a record that was found by the digest of a token, never from a URL.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use axum::http::HeaderMap;
use jiff::Timestamp;

use super::visitor::Visitor;
use super::{Answer, Room, blocking, closed, instead};
use crate::clock;
use crate::model::token::Token;
use crate::model::words::Words;
use crate::spool::links::{Contents, LinkRecord, LinkState, Usage};
use crate::web::cookies;

/// The cookie of a browser that knew the PIN.
pub(super) const PIN_COOKIE: &str = "pin";

/// What was read of the links that were opened last. What lies behind a link is never changed, only replaced by another
/// folder.
#[derive(Debug, Default)]
pub(super) struct Shelf {
    known: Mutex<HashMap<PathBuf, Arc<Contents>>>,
}

impl Shelf {
    fn contents(&self, record: &LinkRecord) -> Option<Arc<Contents>> {
        /// Those of a thousand pictures take a quarter of a megabyte.
        const KEPT_MAX: usize = 32;
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(contents) = known.get(&record.folder) {
            return Some(Arc::clone(contents));
        }
        let contents = Arc::new(Contents::read(&record.folder).ok()?);
        if known.len() >= KEPT_MAX {
            known.clear();
        }
        known.insert(record.folder.clone(), Arc::clone(&contents));
        Some(contents)
    }
}

/// A link that somebody opened.
#[derive(Debug, Clone)]
pub(super) struct Visit {
    pub(super) token: Token,
    pub(super) hash: String,
    pub(super) record: LinkRecord,
    pub(super) contents: Arc<Contents>,
    pub(super) usage: Arc<Mutex<Usage>>,
    pub(super) now: Timestamp,
    /// In the client's language; where that is unknown, or none of ours, in the browser's.
    pub(super) words: &'static Words,
}

impl Visit {
    /// The address of the link's page, and what all its other addresses begin with.
    pub(super) fn address(&self, base: &str) -> String {
        self.token.url(base)
    }

    pub(super) fn knows_pin(&self, room: &Room, headers: &HeaderMap) -> bool {
        let Some(pin_seal) = &self.record.pin else { return true };
        let Ok(key) = room.key() else { return false };
        cookies::sent(headers, PIN_COOKIE).any(|value| key.knows_pin(value, &self.hash, pin_seal, self.now))
    }
}

/// What a link that has come to its end is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Grace {
    None,
    /// A download that was begun may be ended, unless the link was revoked.
    Download,
}

impl Grace {
    /// Whether a link that stands like this is good for it.
    pub(super) fn lets(self, state: LinkState) -> bool {
        match self {
            Grace::None => state == LinkState::Open,
            Grace::Download => state != LinkState::Revoked,
        }
    }
}

/// The open link of a token; else the page that says no, after as long as it always takes.
pub(super) async fn find(room: &Room, token: &str, visitor: Visitor, grace: Grace) -> Answer<Visit> {
    let (start, now) = (Instant::now(), clock::now());
    let found = match Token::parse(token) {
        Some(token) => {
            let room = room.clone();
            blocking(move || look(&room, token, visitor, now, grace)).await.map_err(instead)?
        }
        None => None,
    };
    match found {
        Some(visit) => Ok(visit),
        None => Err(closed::page(room, token, visitor, start).await),
    }
}

fn look(room: &Room, token: Token, visitor: Visitor, now: Timestamp, grace: Grace) -> Option<Visit> {
    let hash = token.hash();
    let links = &room.site.links;
    let record = links.read(&hash).unwrap_or_else(|e| {
        tracing::error!("{e}");
        None
    })?;
    let usage = links.usage(&hash).map_err(|e| tracing::error!("{e}")).ok()?;
    let contents = room.shelf.contents(&record)?;
    let state = {
        let usage = usage.lock().unwrap_or_else(PoisonError::into_inner);
        record.state_after(now, usage.used(), contents.files.len())
    };
    let words = contents.language.as_deref().and_then(Words::of).unwrap_or(visitor.words);
    grace.lets(state).then_some(Visit { token, hash, record, contents, usage, now, words })
}
