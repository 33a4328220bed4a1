//! Watches what becomes of orders at labs: accepted, rejected, taken, or not in time.
//!
//! Owns: an order is taken for gone only when its folder was there to be looked into, twice. It runs beside the jobs; no
//! job waits for a lab.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::clock;
use crate::deliver::LabFolder;
use crate::spool::labs::{self, HandedOver, LabState, News, Seen};
use crate::worker::run::Workshop;

/// How often it is looked.
const EVERY: Duration = Duration::from_secs(2);
/// How soon a stop is heard.
const TICK: Duration = Duration::from_millis(100);

/// The orders as they were last seen, the oldest first.
pub(super) type Orders = Arc<Mutex<Vec<HandedOver>>>;

/// Starts its thread, which ends soon after `stop`.
pub(super) fn start(
    workshop: &Arc<Workshop>,
    orders: &Orders,
    stop: &Arc<AtomicBool>,
) -> std::io::Result<JoinHandle<()>> {
    let (workshop, orders, stop) = (Arc::clone(workshop), Arc::clone(orders), Arc::clone(stop));
    std::thread::Builder::new().name("labs".into()).spawn(move || {
        let mut watch = Watch::default();
        let mut due = Instant::now();
        while !stop.load(Ordering::SeqCst) {
            if Instant::now() >= due {
                let seen = watch.look(&workshop);
                *orders.lock().unwrap_or_else(PoisonError::into_inner) = seen;
                due = Instant::now() + EVERY;
            }
            std::thread::sleep(TICK);
        }
    })
}

/// What is remembered from look to look.
#[derive(Debug, Default)]
struct Watch {
    /// Orders of which nothing was seen in the look before.
    missing: BTreeSet<(PathBuf, String)>,
    /// Folders that cannot be looked into, and what was said of them.
    unreachable: BTreeMap<PathBuf, String>,
    /// Records that cannot be read, told once.
    damaged: BTreeSet<String>,
    /// Troubles of an earlier server are told once more.
    has_looked: bool,
}

impl Watch {
    fn look(&mut self, workshop: &Workshop) -> Vec<HandedOver> {
        let spool = &workshop.spool;
        let (mut orders, damaged) = labs::all(spool);
        for text in damaged {
            if self.damaged.insert(text.clone()) {
                tracing::error!("{text}");
            }
        }
        let now = clock::now();
        let mut folders: BTreeMap<PathBuf, Result<LabFolder, String>> = BTreeMap::new();
        let mut missing = BTreeSet::new();
        for order in orders.iter_mut().filter(|order| !order.is_settled()) {
            let look = || match workshop.places.unmounted(&order.place) {
                Some(text) => Err(text),
                None => LabFolder::look(&order.folder).map_err(|e| e.to_string()),
            };
            let folder = folders.entry(order.folder.clone()).or_insert_with(look);
            let seen = match folder {
                Ok(folder) => folder.see(order.format, &order.name).map_err(|e| e.to_string()),
                Err(text) => Err(text.clone()),
            };
            let seen = match seen {
                Ok(seen) => seen,
                Err(text) => {
                    self.tell_once(&order.folder, text);
                    continue;
                }
            };
            self.unreachable.remove(&order.folder);
            let key = (order.folder.clone(), order.name.clone());
            // A rename may pass between the two halves of one listing.
            if seen == Seen::Gone && !self.missing.contains(&key) {
                missing.insert(key);
                continue;
            }
            let news = order.see(seen, now);
            if let Some(news) = news {
                if let Err(e) = labs::update(spool, order) {
                    tracing::warn!("{e}");
                }
                tell(order, news);
            } else if !self.has_looked
                && let Some(trouble) = order.trouble()
            {
                tracing::warn!(job = %order.job, "{trouble}");
            }
        }
        self.missing = missing;
        self.has_looked = true;
        orders.retain(|order| {
            let stays = !order.is_old(now) || labs::forget(spool, order).is_err();
            if !stays && order.state == LabState::Sent {
                tracing::info!(job = %order.job, "the lab left order {} where it was put; it is not watched any more", order.name);
            }
            stays
        });
        orders
    }

    fn tell_once(&mut self, folder: &std::path::Path, text: String) {
        let known = self.unreachable.get(folder);
        if known.is_none_or(|known| *known != text) {
            tracing::warn!("orders at a lab cannot be watched: {text}");
            self.unreachable.insert(folder.to_path_buf(), text);
        }
    }
}

fn tell(order: &HandedOver, news: News) {
    let HandedOver { job, name, .. } = order;
    match (news, order.trouble()) {
        (_, Some(trouble)) => tracing::warn!(%job, "{trouble}"),
        (News::Became(LabState::Accepted), _) => tracing::info!(%job, "the lab's software has accepted order {name}"),
        (News::Became(LabState::Taken), _) => tracing::info!(%job, "the lab's software has taken order {name} in"),
        (News::Became(LabState::Removed), _) => tracing::info!(%job, "rejected order {name} was taken away"),
        (News::Became(state), _) => tracing::info!(%job, "order {name}: {state}"),
        (News::Late, None) => {}
    }
}
