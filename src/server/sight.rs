//! What the scheduler shows of itself to those who look from outside: operators, pages, the alerts.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use jiff::Timestamp;

use super::{Scheduler, gate};
use crate::clock;
use crate::control;
use crate::spool::job::JobId;
use crate::spool::queue::State;
use crate::worker::printers::Gates;

/// Most jobs that are named for one place, and for the queue.
const NAMED_MAX: usize = 5;

/// A place that jobs wait for.
#[derive(Debug, Clone)]
pub(super) struct AwaitedPlace {
    pub(super) place: PathBuf,
    pub(super) why: String,
    pub(super) since: Timestamp,
    pub(super) jobs: usize,
    /// Some of them.
    pub(super) named: Vec<JobId>,
}

/// The queue at one moment.
#[derive(Debug, Clone, Default)]
pub(super) struct Sight {
    /// There was a look at all.
    pub(super) is_there: bool,
    pub(super) places: Vec<AwaitedPlace>,
    /// Jobs that a person must look at.
    pub(super) halted: Vec<(JobId, String)>,
    /// Jobs that wait for nothing but their turn, and since when; the longest first.
    pub(super) queued: Vec<(JobId, Timestamp)>,
    /// Paused, or outside of the hours: that jobs wait is meant.
    pub(super) is_quiet: bool,
    /// Not every job that a server before left unfinished has been tried: what they wait for is not all known.
    pub(super) is_recovering: bool,
    pub(super) config: ConfigFile,
}

/// The config file as it stands.
#[derive(Debug, Clone, Default)]
pub(super) enum ConfigFile {
    /// Nobody has looked at it since it changed.
    #[default]
    NotRead,
    InForce,
    /// Why; and since when the config is good that the server was started with instead.
    Refused(String, Option<Timestamp>),
}

pub(super) type SharedSight = Arc<Mutex<Sight>>;

impl Scheduler {
    /// For `status` and the dashboard.
    pub(super) fn status(&self) -> serde_json::Value {
        let running: Vec<_> = self
            .running
            .iter()
            .map(|(id, job)| {
                let report = job.report.lock().unwrap_or_else(PoisonError::into_inner).clone();
                let pace = job.pace.look(&report, Instant::now());
                serde_json::json!({
                    "job": id, "since": job.since, "why": report.waits, "waits_since": report.waits_since, "progress": report,
                    "pictures_per_second": pace.pictures_per_second, "seconds_left": pace.seconds_left,
                })
            })
            .collect();
        let waiting: Vec<_> = self
            .queue
            .jobs
            .iter()
            .map(|(id, job)| {
                serde_json::json!({
                    "job": id, "priority": job.priority, "not_before": job.not_before, "why": job.why, "halted": job.halted,
                })
            })
            .collect();
        let closed = gate::outside_hours(&self.workshop.config(), clock::now());
        // No lock is held while another one is waited for.
        let folders = self.folders.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let labs = crate::spool::labs::shown(&self.orders.lock().unwrap_or_else(PoisonError::into_inner));
        let config = self.workshop.config();
        let gates = Gates::now(&self.workshop.spool, &config);
        let outlook = *self.workshop.outlook.lock().unwrap_or_else(PoisonError::into_inner);
        serde_json::json!({ "printers": self.workshop.press.printers(&config, &|printer| gates.keep(printer)),
            "pools": self.workshop.press.pools(&config), "labs": labs, "hot_folders": folders, "running": running, "waiting": waiting, "closed": closed,
            "places": self.queue.places(), "removed_within_a_day": outlook, "config_refused": self.reload.refused(), "config_started_with": self.reload.started_with(), "changes": self.changes,
            "alerts": self.alarms.state(), "links": self.workshop.links.looked() })
    }

    /// Puts down how things stand.
    pub(super) fn show(&mut self) {
        let spool = &self.workshop.spool;
        let unfinished = || self.queue.jobs.values().filter(|job| job.located.state == State::Processing);
        let recovering =
            self.recovering.get_or_insert_with(|| unfinished().map(|job| job.located.id.clone()).collect());
        // One that was put away by a command has nothing to tell any more.
        recovering.retain(|id| {
            self.running.contains_key(id)
                || self.queue.jobs.get(id).is_some_and(|job| job.place.is_none() && !job.halted)
        });
        let named = |place: &PathBuf| {
            let waits = self.queue.jobs.values().filter(|job| job.place.as_ref().is_some_and(|(p, _)| p == place));
            waits.map(|job| job.located.id.clone()).take(NAMED_MAX).collect()
        };
        let places = self.queue.places().into_iter();
        let places = places.map(|p| AwaitedPlace {
            named: named(&p.place),
            place: p.place,
            why: p.why,
            since: p.since,
            jobs: p.jobs,
        });
        // What waits behind a job of its record waits for what that one waits for.
        let stuck: std::collections::HashSet<_> =
            self.queue.jobs.values().filter(|job| job.place.is_some() || job.halted).map(|job| &job.record).collect();
        let now = clock::now();
        let is_quiet = control::is_paused(spool) || gate::outside_hours(&self.workshop.config(), now).is_some();
        if is_quiet {
            self.opened = now;
        }
        let mut queued: Vec<(JobId, Timestamp)> = self
            .queue
            .jobs
            .values()
            .filter(|job| job.place.is_none() && !job.halted && !stuck.contains(&job.record))
            .filter(|job| job.since <= now)
            .map(|job| (job.located.id.clone(), job.since.max(self.opened)))
            .collect();
        queued.sort_by_key(|(_, since)| *since);
        let halted = self.queue.jobs.values().filter(|job| job.halted);
        let sight = Sight {
            is_there: true,
            places: places.collect(),
            halted: halted.map(|job| (job.located.id.clone(), job.why.clone().unwrap_or_default())).collect(),
            queued,
            is_quiet,
            is_recovering: !recovering.is_empty(),
            config: match self.reload.refused() {
                _ if !self.reload.was_read() => ConfigFile::NotRead,
                Some(why) => ConfigFile::Refused(why.to_string(), self.reload.started_with()),
                None => ConfigFile::InForce,
            },
        };
        *self.sight.lock().unwrap_or_else(PoisonError::into_inner) = sight;
    }
}
