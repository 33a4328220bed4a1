//! Once a day: what is too old goes, and the index is read through for damage.
//!
//! Owns: it runs beside the jobs and never keeps one waiting; what it could not do it says and tries again tomorrow.

mod links;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};

use self::links::Purged;
use crate::clock;
use crate::logging;
use crate::model::config::Config;
use crate::model::counted::counted;
use crate::spool::durable;
use crate::spool::index::{Change, History, Index, Summary};
use crate::spool::queue::{Spool, SpoolError, State};
use crate::spool::retention::{self, Forecast, Limits};
use crate::worker::history;
use crate::worker::run::Workshop;

/// The first time after a start: by then the server has taken up its work.
const FIRST_AFTER: Duration = Duration::from_mins(2);
const EVERY: Duration = Duration::from_hours(24);
/// How soon a stop is heard.
const TICK: Duration = Duration::from_millis(100);
/// After each folder it gives the disk to others.
const PAUSE: Duration = Duration::from_millis(2);
/// An answer that nobody has taken by then is not waited for any more.
const ANSWERS_FOR: Duration = Duration::from_hours(24);

/// How often it is counted what goes within a day: a hundred thousand jobs take a second, so nobody is kept waiting for it.
const COUNT_EVERY: Duration = Duration::from_hours(1);

/// How often links are looked through for `status`, beside the queue.
const LINKS_EVERY: Duration = Duration::from_secs(20);

/// The index with a line of every finished job that stands.
pub(super) fn open_index(spool: &Spool) -> Result<Index, SpoolError> {
    let (mut index, warning) = Index::open(spool)?;
    if let Some(warning) = warning {
        tracing::error!("{warning}");
    }
    let restored = history::restore(&mut index, spool)?;
    if restored > 0 {
        tracing::warn!("missing in index.jsonl and made again from their folders: {}", counted(restored, "job"));
    }
    Ok(index)
}

/// Starts its thread, which ends soon after `stop`.
pub(super) fn start(workshop: &Arc<Workshop>, stop: &Arc<AtomicBool>) -> std::io::Result<JoinHandle<()>> {
    let (workshop, stop) = (Arc::clone(workshop), Arc::clone(stop));
    std::thread::Builder::new().name("housekeeping".into()).spawn(move || run(&workshop, &stop))
}

fn run(workshop: &Workshop, stop: &AtomicBool) {
    let mut due = Instant::now() + clock::wait(FIRST_AFTER, "HOTFOLDERS_HOUSEKEEPING_MS");
    let mut counted: Option<(Instant, Arc<Config>)> = None;
    let links_every = clock::wait(LINKS_EVERY, "HOTFOLDERS_LINKS_MS");
    let mut looked: Option<Instant> = None;
    links::hide(workshop);
    while !stop.load(Ordering::SeqCst) {
        if Instant::now() < due {
            let config = workshop.config();
            if counted.as_ref().is_none_or(|(at, by)| at.elapsed() > COUNT_EVERY || !Arc::ptr_eq(by, &config)) {
                logging::hide(&config.server.log);
                let forecast = forecast(&workshop.spool, &config);
                let forecast = forecast.inspect_err(|e| tracing::warn!("retention: {e}")).ok();
                *workshop.outlook.lock().unwrap_or_else(PoisonError::into_inner) = forecast;
                counted = Some((Instant::now(), config));
            }
            if looked.is_none_or(|at| at.elapsed() > links_every) {
                workshop.links.look(clock::now());
                looked = Some(Instant::now());
            }
            std::thread::sleep(TICK);
            continue;
        }
        counted = None;
        due = Instant::now() + EVERY;
        let stop = || stop.load(Ordering::SeqCst);
        Sweep {
            workshop,
            config: workshop.config(),
            now: clock::now(),
            stop: &stop,
            gone: Gone::default(),
            failed: false,
        }
        .run();
    }
}

/// The `receipts:` folders of a config.
pub(crate) fn receipts_folders(config: &Config) -> BTreeSet<PathBuf> {
    config.hot_folders.iter().filter_map(|folder| folder.receipts.clone()).collect()
}

/// What goes until a moment by this config.
pub(crate) fn limits(config: &Config, now: Timestamp) -> Limits {
    let zone = clock::time_zone(config.studio.time_zone.as_deref());
    Limits::of(&config.server.retention, &now.to_zoned(zone))
}

/// What goes within a day from now.
pub(crate) fn forecast(spool: &Spool, config: &Config) -> Result<Forecast, SpoolError> {
    let tomorrow = clock::now() + SignedDuration::from_hours(24);
    Forecast::of(spool, &receipts_folders(config), &limits(config, tomorrow))
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Gone {
    jobs: usize,
    receipts: usize,
    lines: usize,
    assets: usize,
}

struct Sweep<'a> {
    workshop: &'a Workshop,
    config: Arc<Config>,
    now: Timestamp,
    stop: &'a dyn Fn() -> bool,
    gone: Gone,
    /// Something could not be removed.
    failed: bool,
}

/// One of the things it does.
type Step<'a> = fn(&mut Sweep<'a>, &Limits) -> Result<(), SpoolError>;

impl<'a> Sweep<'a> {
    fn run(mut self) {
        let limits = limits(&self.config, self.now);
        let steps: [Step<'a>; 6] =
            // By the history receipts are known, so its turn comes last.
            [Self::jobs, Self::receipts, Self::assets, Self::answers, Self::links, Self::history];
        for step in steps {
            if (self.stop)() {
                return;
            }
            if let Err(e) = step(&mut self, &limits) {
                self.failed = true;
                tracing::warn!("retention: {e}; it is tried again tomorrow");
            }
        }
        let Gone { jobs, receipts, lines, assets } = self.gone;
        if self.gone != Gone::default() {
            tracing::info!(
                "retention: removed {}, {}, {} of the history, {}",
                counted(jobs, "job"),
                counted(receipts, "receipt"),
                counted(lines, "line"),
                counted(assets, "asset")
            );
        }
    }

    fn spool(&self) -> &Spool {
        &self.workshop.spool
    }

    /// Reads every line, and takes out those that are too old, unless something of their jobs could not be removed.
    fn history(&mut self, limits: &Limits) -> Result<(), SpoolError> {
        let index = || self.workshop.index.lock().unwrap_or_else(PoisonError::into_inner);
        let failed = self.failed;
        let mut decide = |line: &Summary, _: &[u8]| if failed { Change::Keep } else { limits.decide(line) };
        let rewrite = index().rewrite()?;
        let old = rewrite.count(&mut decide)?;
        if old.is_none() {
            let mut index = index();
            index.reload()?;
            if let Some(warning) = index.take_warning() {
                tracing::error!("{warning}");
            }
            history::restore(&mut index, self.spool())?;
        }
        if old != Some(0) {
            let rewrite = index().rewrite()?;
            let copied = rewrite.copy(&mut decide)?;
            // `None`: an erasure came in between; there is another day.
            self.gone.lines = index().publish(copied, &mut decide)?.unwrap_or_default();
        }
        Ok(())
    }

    fn jobs(&mut self, limits: &Limits) -> Result<(), SpoolError> {
        for state in [State::Done, State::Failed] {
            for day in retention::old_days(self.spool(), state, limits)? {
                let day = retention::take_away(self.spool(), &day)?;
                for entry in list(&day)? {
                    if (self.stop)() {
                        // The next start removes the rest with all of `tmp/`.
                        return Ok(());
                    }
                    if entry.is_dir() {
                        durable::remove_tree(&entry)?;
                    } else {
                        durable::remove_file(&entry)?;
                    }
                    self.gone.jobs += 1;
                    std::thread::sleep(PAUSE);
                }
                durable::remove_tree(&day)?;
            }
        }
        Ok(())
    }

    fn receipts(&mut self, limits: &Limits) -> Result<(), SpoolError> {
        let history = History::read(self.spool())?;
        let (old, problems) = retention::old_receipts(&receipts_folders(&self.config), &history.jobs(), limits);
        drop(history);
        for problem in problems {
            self.failed = true;
            tracing::warn!("retention: {problem}");
        }
        for receipt in old {
            if (self.stop)() {
                return Ok(());
            }
            if retention::is_receipt_of(&receipt.path, &receipt.job) {
                durable::remove_file(&receipt.path)?;
                self.gone.receipts += 1;
                std::thread::sleep(PAUSE);
            }
        }
        Ok(())
    }

    fn assets(&mut self, _: &Limits) -> Result<(), SpoolError> {
        for asset in retention::unused_assets(self.spool(), self.now, self.stop)? {
            self.gone.assets += usize::from(retention::remove_asset(self.spool(), &asset, self.now)?);
        }
        Ok(())
    }

    /// What lies behind links that ended long ago, and who used them.
    #[allow(clippy::unnecessary_wraps, reason = "one of the steps")]
    fn links(&mut self, _: &Limits) -> Result<(), SpoolError> {
        let Purged { links, lines } = links::purge(self.workshop, &self.config, self.now, self.stop);
        if links + lines > 0 {
            tracing::info!(
                "retention: removed {} and {} of access logs",
                counted(links, "link"),
                counted(lines, "line")
            );
        }
        Ok(())
    }

    /// Answers whose askers have gone.
    fn answers(&mut self, _: &Limits) -> Result<(), SpoolError> {
        for path in list(&self.spool().root().join("commands"))? {
            let is_answer = path.to_string_lossy().ends_with(".answer.json");
            let since = std::fs::metadata(&path).and_then(|m| m.modified()).ok();
            let at = since.and_then(|at| Timestamp::try_from(at).ok()).unwrap_or(self.now);
            let age: Duration = self.now.duration_since(at).try_into().unwrap_or_default();
            if is_answer && age > ANSWERS_FOR {
                durable::remove_file(&path)?;
            }
        }
        Ok(())
    }
}

fn list(folder: &Path) -> Result<Vec<PathBuf>, SpoolError> {
    let read = |source| SpoolError::Read { path: folder.display().to_string(), source };
    let entries = std::fs::read_dir(folder).map_err(read)?;
    entries.map(|entry| entry.map(|e| e.path()).map_err(read)).collect()
}
