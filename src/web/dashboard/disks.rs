//! How full the volumes are that the studio's folders lie on.
//!
//! Owns: a share that hangs hides no other disk; pages show what the last look found and are not kept waiting.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::words;
use crate::model::config::Config;
use crate::spool::gauge::Gauge;
use crate::spool::queue::{Space, space};
use crate::web::Site;

/// A look waits so long for the disks to answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(1);
/// A page waits so long for a new look.
const LOOK_WITHIN: Duration = Duration::from_secs(2);
/// Less is low where the config says nothing.
const LOW_BYTES: u64 = 5 * 1024 * 1024 * 1024;

/// A volume, and what of ours lies on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Disk {
    pub(super) what: String,
    pub(super) free_bytes: u64,
    pub(super) total_bytes: u64,
    pub(super) low: bool,
}

impl Disk {
    pub(super) fn free(&self) -> String {
        words::size(self.free_bytes)
    }

    pub(super) fn total(&self) -> String {
        words::size(self.total_bytes)
    }

    pub(super) fn used_percent(&self) -> u64 {
        100 - self.free_bytes.saturating_mul(100).checked_div(self.total_bytes).unwrap_or(100).min(100)
    }
}

#[derive(Debug, Default)]
pub(super) struct Disks {
    looking: Arc<tokio::sync::Mutex<Gauge<Space>>>,
    last: Arc<Mutex<Vec<Disk>>>,
}

impl Disks {
    pub(super) async fn look(&self, site: &Site) -> Vec<Disk> {
        if let Ok(mut gauge) = Arc::clone(&self.looking).try_lock_owned() {
            let (config, spool, last) = (site.config(), site.spool.root().to_path_buf(), Arc::clone(&self.last));
            let look = tokio::task::spawn_blocking(move || {
                let found = disks(&config, &spool, &mut gauge);
                *last.lock().unwrap_or_else(PoisonError::into_inner) = found;
            });
            let _ = tokio::time::timeout(LOOK_WITHIN, look).await;
        }
        self.last.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn disks(config: &Config, spool: &Path, gauge: &mut Gauge<Space>) -> Vec<Disk> {
    let mut places: Vec<(String, PathBuf)> = vec![("spool".into(), spool.to_path_buf())];
    places
        .extend(config.hot_folders.iter().map(|folder| (format!("hot folder {}", folder.name), folder.folder.clone())));
    places
        .extend(config.library.iter().flat_map(|library| &library.roots).map(|root| ("library".into(), root.clone())));
    places.extend(config.downloads.iter().map(|downloads| ("downloads".into(), downloads.folder.clone())));
    let of_rules = config.rules.iter().flat_map(|rule| &rule.deliver);
    let deliveries = config.profiles.iter().flat_map(|profile| &profile.deliver).chain(of_rules);
    places.extend(deliveries.filter_map(|delivery| {
        let destination = delivery.destination()?;
        Some((destination.written.split('{').next()?.trim_end_matches('/').to_string(), destination.fixed.clone()))
    }));
    // One that is made later lies where what is above it lies.
    let look = |place: &Path| place.ancestors().find(|folder| folder.is_dir()).and_then(space);
    let (names, places): (Vec<String>, Vec<PathBuf>) = places.into_iter().unzip();
    let known: BTreeMap<PathBuf, Space> = gauge.look(&places, look, ANSWER_WITHIN).into_iter().collect();
    let mut volumes: BTreeMap<u64, (Vec<String>, Space)> = BTreeMap::new();
    for (what, place) in names.into_iter().zip(places) {
        let Some(found) = known.get(&place).copied() else { continue };
        let (names, _) = volumes.entry(found.volume).or_insert_with(|| (Vec::new(), found));
        if !what.is_empty() && !names.contains(&what) {
            names.push(what);
        }
    }
    let low = config.alerts.as_ref().map_or(LOW_BYTES, |alerts| alerts.disk_low);
    volumes
        .into_values()
        .map(|(names, space)| Disk {
            what: names.join(", "),
            free_bytes: space.free_bytes,
            total_bytes: space.total_bytes,
            low: space.free_bytes < low,
        })
        .collect()
}
