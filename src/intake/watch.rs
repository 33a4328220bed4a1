//! Events of the drop folders: rumours that wake the scanner early.
//!
//! Owns: a lost, late or doubled event changes nothing but time. What is kept of a million events is which hot folders
//! they spoke of. Must not look into the folders; the scan does.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use notify::event::{AccessKind, AccessMode, ModifyKind};
use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};

use crate::model::config::{Config, Images};
use crate::spool::job::Stamp;
use crate::spool::queue::network_file_system;

/// How often it is made sure that what is watched is still what stands there.
const TENDED_EVERY: Duration = Duration::from_secs(1);

/// What the events since the last wait spoke of.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hints {
    /// Some may be lost: everything is looked at.
    pub all: bool,
    /// Hot folders by name.
    pub folders: BTreeSet<String>,
    /// Hot folders without events, and why.
    pub polling: BTreeMap<String, String>,
}

impl Hints {
    pub(super) fn speak_of(&self, hot_folder: &str) -> bool {
        self.all || self.folders.contains(hot_folder)
    }
}

/// Watches the hot folders of one config.
#[derive(Debug)]
pub struct Watch {
    rumours: Arc<Rumours>,
    watched: Mutex<Watched>,
}

/// Ends a [`Watch::wait`] from another thread.
#[derive(Debug, Clone)]
pub struct Waker(Arc<Rumours>);

#[derive(Debug, Default)]
struct Rumours {
    heard: Mutex<Heard>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Heard {
    all: bool,
    folders: BTreeSet<String>,
    woken: bool,
}

#[derive(Debug)]
struct Watched {
    /// `None` where the system gives none.
    watcher: Option<RecommendedWatcher>,
    folders: Vec<WatchedFolder>,
    tended: Option<Instant>,
}

#[derive(Debug)]
struct WatchedFolder {
    name: String,
    path: PathBuf,
    recursive: bool,
    /// Device and inode of the folder that is watched.
    identity: Option<(u64, u64)>,
    /// Why there are no events.
    polling: Option<String>,
    /// The config or the file system says so; it is not tried.
    never: bool,
}

/// A lock that a panic poisoned still holds whole values: every change of them is one step.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Rumours {
    fn hear(&self, change: impl FnOnce(&mut Heard)) {
        change(&mut lock(&self.heard));
        self.changed.notify_all();
    }
}

impl Waker {
    pub fn wake(&self) {
        self.0.hear(|heard| heard.woken = true);
    }
}

impl Watch {
    /// Never fails: what cannot be watched is polled, and the hints say why.
    pub fn start(config: &Config) -> Watch {
        let rumours = Arc::new(Rumours::default());
        let folders: Vec<WatchedFolder> = config
            .hot_folders
            .iter()
            .map(|h| WatchedFolder {
                name: h.name.clone(),
                path: h.folder.clone(),
                recursive: h.images != Images::Library,
                identity: None,
                polling: h.poll.then(|| "the config says `watch: poll`".to_string()),
                never: h.poll,
            })
            .collect();
        let mut state = Watched { watcher: None, folders, tended: None };
        let paths = state.folders.iter().filter(|f| !f.never).flat_map(|f| {
            // Some systems report the path that links lead to.
            let resolved = f.path.canonicalize().unwrap_or_else(|_| f.path.clone());
            [(f.path.clone(), f.name.clone()), (resolved, f.name.clone())]
        });
        let paths: Vec<(PathBuf, String)> = paths.collect();
        let heard = Arc::clone(&rumours);
        match notify::recommended_watcher(move |event| listen(&heard, &paths, event)) {
            Ok(watcher) => state.watcher = Some(watcher),
            Err(e) => {
                for folder in state.folders.iter_mut().filter(|f| !f.never) {
                    folder.polling = Some(format!("the system gives no events: {e}"));
                    folder.never = true;
                }
            }
        }
        // What came before the first event is found by a look.
        rumours.hear(|heard| heard.all = true);
        let watch = Watch { rumours, watched: Mutex::new(state) };
        watch.tend();
        watch
    }

    /// Waits for an event, a [`Waker`], or the time.
    pub fn wait(&self, until: Instant) -> Hints {
        self.tend();
        let mut heard = lock(&self.rumours.heard);
        loop {
            let left = until.saturating_duration_since(Instant::now());
            if heard.all || heard.woken || !heard.folders.is_empty() || left.is_zero() {
                break;
            }
            heard = self.rumours.changed.wait_timeout(heard, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        let Heard { all, folders, .. } = std::mem::take(&mut *heard);
        drop(heard);
        let watched = lock(&self.watched);
        let polling = watched.folders.iter().filter_map(|f| Some((f.name.clone(), f.polling.clone()?))).collect();
        Hints { all, folders, polling }
    }

    pub fn waker(&self) -> Waker {
        Waker(Arc::clone(&self.rumours))
    }

    /// A folder that was deleted and made again, or whose drive came back, is another one: it is watched anew.
    fn tend(&self) {
        let mut state = lock(&self.watched);
        let now = Instant::now();
        if state.tended.is_some_and(|at| now < at + TENDED_EVERY) {
            return;
        }
        state.tended = Some(now);
        let Watched { watcher, folders, .. } = &mut *state;
        let Some(watcher) = watcher else { return };
        for folder in folders.iter_mut().filter(|f| !f.never) {
            let identity = identity(&folder.path);
            // At the first time one that is not there has still to say so.
            if identity == folder.identity && (identity.is_some() || folder.polling.is_some()) {
                continue;
            }
            if folder.identity.is_some() {
                // It is gone already in most systems: then there is nothing to end.
                let _ = watcher.unwatch(&folder.path);
            }
            folder.identity = identity;
            folder.polling = match identity {
                None => Some("the folder is not there".to_string()),
                Some(_) => start(watcher, folder).err(),
            };
            self.rumours.hear(|heard| heard.folders.extend([folder.name.clone()]));
        }
    }
}

/// Begins to watch a folder, or says why its changes are not told.
fn start(watcher: &mut RecommendedWatcher, folder: &WatchedFolder) -> Result<(), String> {
    if let Some(kind) = network_file_system(&folder.path) {
        return Err(format!("it lies on {kind}, where changes by others are not told"));
    }
    let mode = if folder.recursive { RecursiveMode::Recursive } else { RecursiveMode::NonRecursive };
    watcher.watch(&folder.path, mode).map_err(|e| format!("the system gives no events for it: {e}"))
}

fn identity(folder: &Path) -> Option<(u64, u64)> {
    let metadata = folder.metadata().ok().filter(std::fs::Metadata::is_dir)?;
    let stamp = Stamp::from_metadata(&metadata);
    Some((stamp.device, stamp.inode))
}

fn listen(rumours: &Rumours, paths: &[(PathBuf, String)], event: notify::Result<notify::Event>) {
    let event = match event {
        Ok(event) if !event.need_rescan() => event,
        // The queue ran over, or nobody knows: everything is looked at.
        Ok(_) | Err(_) => return rumours.hear(|heard| heard.all = true),
    };
    let is_news = match event.kind {
        EventKind::Access(AccessKind::Close(AccessMode::Write)) => true,
        // Our own looks open folders, and our links change a file's count of links: neither may cause the next look.
        EventKind::Access(_) | EventKind::Modify(ModifyKind::Metadata(_)) | EventKind::Remove(_) => false,
        EventKind::Any | EventKind::Create(_) | EventKind::Modify(_) | EventKind::Other => true,
    };
    if !is_news {
        return;
    }
    let is_in = |folder: &PathBuf| event.paths.iter().any(|path| path.starts_with(folder));
    let names: BTreeSet<&String> = paths.iter().filter(|(folder, _)| is_in(folder)).map(|(_, name)| name).collect();
    rumours.hear(|heard| {
        heard.all |= names.is_empty();
        heard.folders.extend(names.into_iter().cloned());
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spool::durable;

    fn watch(dir: &Path, more: &str) -> Watch {
        let text = format!("version: 1\nhot_folders: {{ in: {{ folder: drop, images: beside {more} }} }}\n");
        let watch = Watch::start(&Config::parse(&text, &dir.join("hotfolders.yaml")).unwrap());
        assert!(watch.wait(Instant::now()).all, "the first look is at everything");
        watch
    }

    fn hears(watch: &Watch, within_ms: u64) -> bool {
        let until = Instant::now() + Duration::from_millis(within_ms);
        while Instant::now() < until {
            if watch.wait(until).folders.contains("in") {
                return true;
            }
        }
        false
    }

    #[test]
    fn an_arrival_is_heard_and_a_look_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let drop = dir.path().join("drop");
        durable::make_folder(&drop).unwrap();
        let watch = watch(dir.path(), "");
        assert!(watch.wait(Instant::now()).polling.is_empty());
        while hears(&watch, 50) {}
        durable::stage(&drop.join("a.json"), b"{}").unwrap();
        assert!(hears(&watch, 2_000));
        while hears(&watch, 50) {}
        super::super::listing::list(&drop, true).unwrap();
        std::fs::read(drop.join("a.json")).unwrap();
        assert!(!hears(&watch, 200), "our own looks are no news");
        durable::make_folder(&drop.join("sub")).unwrap();
        durable::stage(&drop.join("sub/b.json"), b"{}").unwrap();
        assert!(hears(&watch, 2_000));
    }

    #[test]
    fn a_folder_that_is_made_again_is_watched_again() {
        let dir = tempfile::tempdir().unwrap();
        let drop = dir.path().join("drop");
        let watch = watch(dir.path(), "");
        assert_eq!(watch.wait(Instant::now()).polling["in"], "the folder is not there");
        for _ in 0..2 {
            durable::make_folder(&drop).unwrap();
            let until = Instant::now() + Duration::from_secs(4);
            while Instant::now() < until
                && watch.wait(Instant::now() + Duration::from_millis(100)).polling.contains_key("in")
            {}
            while hears(&watch, 50) {}
            durable::stage(&drop.join("a.json"), b"{}").unwrap();
            assert!(hears(&watch, 2_000));
            durable::remove_tree(&drop).unwrap();
            std::thread::sleep(TENDED_EVERY);
            assert!(watch.wait(Instant::now()).polling.contains_key("in"));
        }
    }

    #[test]
    fn a_polled_folder_says_why_and_a_waker_wakes() {
        let dir = tempfile::tempdir().unwrap();
        durable::make_folder(&dir.path().join("drop")).unwrap();
        let watch = watch(dir.path(), ", watch: poll");
        assert!(watch.wait(Instant::now()).polling["in"].contains("watch: poll"));
        let waker = watch.waker();
        let begun = Instant::now();
        let thread = std::thread::spawn(move || waker.wake());
        watch.wait(begun + Duration::from_secs(10));
        thread.join().unwrap();
        assert!(begun.elapsed() < Duration::from_secs(5));
    }
}
