//! How full the volumes are that the studio's folders lie on.
//!
//! Owns: a share that hangs hides no other disk; pages show what the last look found and are not kept waiting.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::words;
use crate::model::config::Config;
use crate::spool::gauge::Gauge;
use crate::spool::places::Places;
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

/// Where a folder lies.
#[derive(Debug, Clone, Copy)]
enum Found {
    On(Space),
    /// On a disk that is not there.
    Away,
}

/// What one look found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Volumes {
    pub(super) disks: Vec<Disk>,
    /// Folders whose disk is not there: each in a sentence.
    pub(super) away: Vec<String>,
}

#[derive(Debug, Default)]
pub(super) struct Disks {
    looking: Arc<tokio::sync::Mutex<Gauge<Found>>>,
    last: Arc<Mutex<Volumes>>,
}

impl Disks {
    pub(super) async fn look(&self, site: &Site) -> Volumes {
        if let Ok(mut gauge) = Arc::clone(&self.looking).try_lock_owned() {
            let (config, spool, last) = (site.config(), site.spool.root().to_path_buf(), Arc::clone(&self.last));
            let look = tokio::task::spawn_blocking(move || {
                let found = look(&config, &spool, &mut gauge);
                *last.lock().unwrap_or_else(PoisonError::into_inner) = found;
            });
            let _ = tokio::time::timeout(LOOK_WITHIN, look).await;
        }
        self.last.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// A folder of the studio.
struct Place {
    what: String,
    path: PathBuf,
    /// We make it where it is missing, so it lies where what is above it lies. Any other that is missing is on a disk that
    /// is not there.
    is_made: bool,
}

fn places(config: &Config, spool: &Path) -> Vec<Place> {
    let place = |what: String, path: &Path, is_made: bool| Place { what, path: path.to_path_buf(), is_made };
    let mut places = vec![place("spool".into(), spool, true)];
    places.extend(config.hot_folders.iter().map(|of| place(format!("hot folder {}", of.name), &of.folder, false)));
    let roots = config.library.iter().flat_map(|library| &library.roots);
    places.extend(roots.map(|root| place("library".into(), root, false)));
    places.extend(config.downloads.iter().map(|downloads| place("downloads".into(), &downloads.folder, true)));
    let of_rules = config.rules.iter().flat_map(|rule| &rule.deliver);
    let deliveries = config.profiles.iter().flat_map(|profile| &profile.deliver).chain(of_rules);
    places.extend(deliveries.filter_map(|delivery| {
        let destination = delivery.destination()?;
        let what = destination.written.split('{').next()?.trim_end_matches('/').to_string();
        Some(place(what, &destination.fixed, destination.made))
    }));
    places
}

fn look(config: &Config, spool: &Path, gauge: &mut Gauge<Found>) -> Volumes {
    let places = places(config, spool);
    let made: BTreeSet<PathBuf> = places.iter().filter(|place| place.is_made).map(|place| place.path.clone()).collect();
    let (made, mounts) = (Arc::new(made), Arc::new(Places::of_spool(spool)));
    let find = move |path: &Path| {
        let is_away = mounts.unmounted(path).is_some() || (!made.contains(path) && !path.is_dir());
        let standing = || path.ancestors().find(|folder| folder.is_dir()).and_then(space);
        if is_away { Some(Found::Away) } else { standing().map(Found::On) }
    };
    let paths: Vec<PathBuf> = places.iter().map(|place| place.path.clone()).collect();
    let known: BTreeMap<PathBuf, Found> = gauge.look(&paths, find, ANSWER_WITHIN).into_iter().collect();
    let mut volumes: BTreeMap<u64, (Vec<String>, Space)> = BTreeMap::new();
    let mut away = BTreeSet::new();
    for Place { what, path, .. } in places {
        let found = match known.get(&path) {
            Some(Found::On(found)) => *found,
            Some(Found::Away) => {
                let text = format!("{what} is not there, and on none of these disks: {}", path.display());
                away.insert(words::sentence(&text));
                continue;
            }
            None => continue,
        };
        let (names, _) = volumes.entry(found.volume).or_insert_with(|| (Vec::new(), found));
        if !what.is_empty() && !names.contains(&what) {
            names.push(what);
        }
    }
    let low = config.alerts.as_ref().map_or(LOW_BYTES, |alerts| alerts.disk_low);
    let disk = |(names, space): (Vec<String>, Space)| Disk {
        what: names.join(", "),
        free_bytes: space.free_bytes,
        total_bytes: space.total_bytes,
        low: space.free_bytes < low,
    };
    Volumes { disks: volumes.into_values().map(disk).collect(), away: away.into_iter().collect() }
}
