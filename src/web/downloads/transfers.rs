//! The transfers that run, and the end of those that may not go on.
//!
//! Owns: bytes flow only as long as a request for the next of them would be answered. A link that is revoked, erased or
//! renewed, and a signed address whose day is over, end what runs within [`LOOK_EVERY`]; an expired link, or one that is
//! used up, lets those end who have begun.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use jiff::Timestamp;

use super::blocking;
use super::seal::Grant;
use super::visit::{Grace, Visit};
use crate::clock;
use crate::spool::links::{LinkRecord, Links};

/// How often the records of links that are being taken are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// That a transfer may go on. Whoever sends asks it before each piece.
#[derive(Debug)]
pub(super) struct Permit {
    /// What lay behind the link when it began.
    folder: PathBuf,
    grant: Grant,
    is_over: AtomicBool,
}

impl Permit {
    pub(super) fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Relaxed)
    }

    /// Whether the record of its link, as it is now, lets it go on.
    fn holds(&self, record: Option<&LinkRecord>, now: Timestamp) -> bool {
        let leads_there = |record: &LinkRecord| Grace::Download.lets(record.state(now)) && record.folder == self.folder;
        record.is_some_and(leads_there) && !self.grant.is_over(now)
    }
}

/// All of them, by the hashes of their links.
#[derive(Debug, Default)]
pub(super) struct Transfers {
    running: Mutex<Running>,
}

#[derive(Debug, Default)]
struct Running {
    permits: HashMap<String, Vec<Weak<Permit>>>,
    is_watched: bool,
}

impl Transfers {
    fn running(&self) -> MutexGuard<'_, Running> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A transfer begins; it is watched for as long as somebody holds what this returns.
    pub(super) fn begin(self: &Arc<Self>, links: &Arc<Links>, visit: &Visit, grant: &Grant) -> Arc<Permit> {
        let folder = visit.record.folder.clone();
        let permit = Arc::new(Permit { folder, grant: grant.clone(), is_over: AtomicBool::new(false) });
        let mut running = self.running();
        running.permits.entry(visit.hash.clone()).or_default().push(Arc::downgrade(&permit));
        if !std::mem::replace(&mut running.is_watched, true) {
            tokio::spawn(watch(Arc::clone(self), Arc::clone(links)));
        }
        permit
    }

    /// Ends those that may not go on; `false` when none runs any more.
    fn look(&self, links: &Links) -> bool {
        let hashes: Vec<String> = self.running().permits.keys().cloned().collect();
        for hash in hashes {
            // What cannot be read just now says nothing.
            match links.read(&hash) {
                Ok(record) => self.keep_to(&hash, record.as_ref()),
                Err(e) => tracing::error!("{e}"),
            }
        }
        let mut running = self.running();
        running.permits.retain(|_, permits| permits.iter().any(|permit| permit.strong_count() > 0));
        running.is_watched = !running.permits.is_empty();
        running.is_watched
    }

    fn keep_to(&self, hash: &str, record: Option<&LinkRecord>) {
        let now = clock::now();
        if let Some(permits) = self.running().permits.get_mut(hash) {
            permits.retain(|permit| permit.strong_count() > 0);
            for permit in permits.iter().filter_map(Weak::upgrade).filter(|permit| !permit.holds(record, now)) {
                permit.is_over.store(true, Ordering::Relaxed);
            }
        }
    }
}

async fn watch(transfers: Arc<Transfers>, links: Arc<Links>) {
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        let (of, links) = (Arc::clone(&transfers), Arc::clone(&links));
        if !blocking(move || of.look(&links)).await.unwrap_or(true) {
            return;
        }
    }
}
