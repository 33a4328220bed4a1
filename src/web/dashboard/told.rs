//! What the server tells of itself, as far as the pages show it.
//!
//! Owns: whatever is missing in it, such as in the first moments after a start, is shown as nothing.

use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;
use serde::Deserialize;

use super::Site;
use super::words::Clock;
use crate::spool::job::JobId;

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Told {
    pub(super) hot_folders: Vec<HotFolder>,
    pub(super) running: Vec<Running>,
    pub(super) waiting: Vec<Waiting>,
    pub(super) places: Vec<Place>,
    pub(super) printers: Vec<Printer>,
    pub(super) pools: Vec<Pool>,
    pub(super) labs: Vec<LabOrder>,
    /// None where nobody is alerted.
    pub(super) alerts: Option<Alerts>,
    /// Why no job starts at this time of day.
    pub(super) closed: Option<String>,
    /// What is wrong with the edited config.
    pub(super) config_refused: Option<String>,
    /// Since when the config is good that the server was started with instead.
    pub(super) config_started_with: Option<Timestamp>,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct HotFolder {
    pub(super) name: String,
    pub(super) path: PathBuf,
    pub(super) mode: Mode,
    pub(super) waiting: Vec<Arriving>,
    pub(super) waiting_more: usize,
    pub(super) unnamed: Vec<Unnamed>,
    pub(super) unnamed_more: usize,
    pub(super) never: Vec<String>,
    pub(super) problems: Vec<String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "mode", rename_all = "snake_case")]
pub(super) enum Mode {
    Events,
    Polling { reason: String },
    Unreachable { since: Timestamp, reason: String },
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Arriving {
    pub(super) name: String,
    pub(super) since: Timestamp,
    pub(super) missing: Vec<String>,
    pub(super) missing_more: usize,
    pub(super) why: String,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Unnamed {
    pub(super) name: String,
    pub(super) since: Timestamp,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Running {
    pub(super) job: JobId,
    pub(super) since: Timestamp,
    pub(super) progress: Progress,
    /// What it waits for while it goes on.
    #[serde(default)]
    pub(super) why: Option<String>,
    #[serde(default)]
    pub(super) waits_since: Option<Timestamp>,
    #[serde(default)]
    pub(super) pictures_per_second: Option<f64>,
    #[serde(default)]
    pub(super) seconds_left: Option<u64>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct Progress {
    pub(super) rendered: usize,
    pub(super) to_render: usize,
    pub(super) delivered: usize,
    pub(super) to_deliver: usize,
    /// Prints in doubt.
    pub(super) asks: usize,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Waiting {
    pub(super) job: JobId,
    pub(super) priority: i32,
    pub(super) not_before: Option<Timestamp>,
    pub(super) why: Option<String>,
    pub(super) halted: bool,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Place {
    #[serde(rename = "place")]
    pub(super) path: PathBuf,
    pub(super) why: String,
    pub(super) since: Timestamp,
    pub(super) jobs: usize,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Printer {
    pub(super) name: String,
    pub(super) kind: String,
    pub(super) pool: Option<String>,
    pub(super) location: Option<String>,
    pub(super) state: String,
    pub(super) reasons: Vec<String>,
    pub(super) since: Option<Timestamp>,
    pub(super) media: Vec<String>,
    pub(super) queued: usize,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Pool {
    pub(super) name: String,
    pub(super) allocate: String,
    pub(super) members: Vec<String>,
    pub(super) open_units: usize,
}

/// An order at a lab's software.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct LabOrder {
    pub(super) job: JobId,
    pub(super) record: String,
    pub(super) owner: String,
    pub(super) name: String,
    pub(super) copies: u64,
    pub(super) state: String,
    pub(super) since: Timestamp,
    /// What a person must look after.
    #[serde(default)]
    pub(super) trouble: Option<String>,
}

/// What the studio was told of and is not over.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Alerts {
    pub(super) open: Vec<Alert>,
    pub(super) open_more: usize,
    pub(super) mail: Way,
    pub(super) webhook: Way,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Alert {
    #[serde(default)]
    pub(super) kind: String,
    pub(super) title: String,
    pub(super) text: String,
    pub(super) since: Timestamp,
    #[serde(default)]
    pub(super) job: Option<JobId>,
}

/// One way of telling the studio.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Way {
    pub(super) undelivered: usize,
    pub(super) trouble: Option<WayTrouble>,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct WayTrouble {
    pub(super) since: Timestamp,
    pub(super) why: String,
}

impl Running {
    /// What it waits for, and since when.
    pub(super) fn waits(&self, clock: &Clock) -> Option<String> {
        let since = self.waits_since.map(|since| format!(" (since {})", clock.moment(since).shown));
        Some(format!("{}{}", self.why.as_ref()?, since.unwrap_or_default()))
    }
}

impl Told {
    /// Whether a job that has begun stands still: for a place, or for what it needs to go on.
    pub(super) fn is_waiting(&self, id: &JobId) -> bool {
        let stands = |running: &Running| running.job == *id && running.why.is_some();
        self.running.iter().any(stands) || self.waiting.iter().any(|waiting| waiting.job == *id)
    }
}

/// What is told now. What another version tells differently is left out rather than shown wrong.
pub(super) fn told(site: &Site) -> Told {
    let status = Arc::clone(&site.status.borrow());
    Told::deserialize(&*status).unwrap_or_else(|e| {
        if !status.is_null() {
            tracing::warn!("the dashboard cannot read what the server tells: {e}");
        }
        Told::default()
    })
}
