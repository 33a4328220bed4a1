//! Small pictures for the job pages.
//!
//! Owns: one is made at a time, and its picture is read only then, so that the queue keeps its processors and its memory;
//! how many are kept is bounded, and only in memory: what is erased from the disk is gone.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::body::Bytes;
use axum::http::StatusCode;
use tokio::sync::Semaphore;

use super::blocking;
use super::job::{Lies, Shown};
use crate::spool::thumbnails::LONGEST_PX;
use crate::web::Tools;
use crate::web::page::Trouble;

const KEPT_MAX_BYTES: usize = 32 * 1024 * 1024;
/// A page with many of them waits in line; whoever waits longer gets none.
const TURN_WITHIN: Duration = Duration::from_secs(30);

#[derive(Debug)]
pub(super) struct Thumbnails {
    tools: Arc<dyn Tools>,
    turn: Semaphore,
    kept: Mutex<Kept>,
}

/// The one that was used last is at the end.
#[derive(Debug, Default)]
struct Kept {
    bytes: usize,
    pictures: VecDeque<(String, Bytes)>,
}

impl Thumbnails {
    pub(super) fn new(tools: Arc<dyn Tools>) -> Thumbnails {
        Thumbnails { tools, turn: Semaphore::new(1), kept: Mutex::default() }
    }

    pub(super) async fn of(&self, shown: Shown) -> Result<Bytes, Trouble> {
        let gone = || Trouble::not_found("The picture is not where it was any more.");
        if let Lies::Kept(_) = &shown.lies {
            return blocking(move || shown.lies.read().map(Bytes::from).ok_or_else(gone)).await;
        }
        if let Some(known) = self.known(&shown.key) {
            return Ok(known);
        }
        let busy = || Trouble::new(StatusCode::SERVICE_UNAVAILABLE, "The server is busy with other pictures.");
        let turn = tokio::time::timeout(TURN_WITHIN, self.turn.acquire()).await.map_err(|_| busy())?;
        if let Some(known) = self.known(&shown.key) {
            return Ok(known);
        }
        let (tools, key) = (Arc::clone(&self.tools), shown.key.clone());
        let made = blocking(move || {
            let bytes = shown.lies.read().ok_or_else(gone)?;
            let small = tools.small(&bytes, shown.turn, LONGEST_PX);
            small.map_err(|why| Trouble::new(StatusCode::UNPROCESSABLE_ENTITY, why))
        })
        .await?;
        drop(turn);
        let bytes = Bytes::from(made);
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.bytes += bytes.len();
        kept.pictures.push_back((key, bytes.clone()));
        while kept.bytes > KEPT_MAX_BYTES
            && let Some((_, oldest)) = kept.pictures.pop_front()
        {
            kept.bytes -= oldest.len();
        }
        Ok(bytes)
    }

    fn known(&self, key: &str) -> Option<Bytes> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let at = kept.pictures.iter().position(|(known, _)| known == key)?;
        let found = kept.pictures.remove(at)?;
        let bytes = found.1.clone();
        kept.pictures.push_back(found);
        Some(bytes)
    }
}
