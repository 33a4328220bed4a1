//! `labs/`: orders that were handed to a lab's software, and what became of them.
//!
//! Owns: an order is remembered from its hand-over until its end is old, also without a server, and one that was
//! rejected stays in sight until the order is resubmitted or taken away.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::durable::{self, Done};
use super::job::JobId;
use super::queue::Spool;
use crate::keyword;
use crate::model::counted::counted;
use crate::model::delivery::LabFormat;
use crate::plan::StepId;

/// The folder's name in the spool.
pub const FOLDER: &str = "labs";
/// How long an order whose end is known is remembered, in seconds.
const KEPT_S: i64 = 7 * 86_400;
/// How long one is watched that nobody takes: some labs leave what they have read where it is.
const WATCHED_S: i64 = 30 * 86_400;

keyword! {
    /// What is known of an order that was handed over.
    pub enum LabState {
        /// It stands where it was put.
        Sent = "sent",
        /// The lab's software said so.
        Accepted = "accepted",
        /// The lab's software said so: a person must look.
        Rejected = "rejected",
        /// It is not there any more: as far as we can see the lab's software has taken it in.
        Taken = "taken",
        /// It was rejected, and somebody took it away.
        Removed = "removed",
    }
}

/// What stands of an order in the folder that the lab's software watches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seen {
    Waiting,
    Accepted,
    /// With what the software wrote about it.
    Rejected(String),
    Gone,
}

/// An order that was handed over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HandedOver {
    pub job: JobId,
    pub step: StepId,
    /// Which order of the step, counted from 1.
    pub number: usize,
    pub record: String,
    /// The profile, or the render job, that asked for it.
    pub owner: String,
    pub format: LabFormat,
    /// The fixed part of the destination: which disk or share it is.
    pub place: PathBuf,
    /// The folder that the lab's software watches.
    pub folder: PathBuf,
    /// As it was handed over, in that folder.
    pub name: String,
    pub copies: u64,
    pub sent: Timestamp,
    /// How long the lab's software may take, in milliseconds.
    pub accepted_within_ms: Option<u64>,
    pub state: LabState,
    /// Since when.
    pub since: Timestamp,
    /// It was not accepted in time.
    #[serde(default)]
    pub late: bool,
    /// What the lab's software wrote about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub told: Option<String>,
}

/// What is new about an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum News {
    Became(LabState),
    Late,
}

impl HandedOver {
    fn file(&self) -> String {
        format!("{}-{}-{}.json", self.job, self.step, self.number)
    }

    /// Nothing more will come of it.
    pub fn is_settled(&self) -> bool {
        matches!(self.state, LabState::Accepted | LabState::Taken | LabState::Removed)
    }

    /// What a person must look after; `None` when all is well.
    pub fn trouble(&self) -> Option<String> {
        let at = self.folder.join(&self.name);
        let told = self.told.as_ref().map(|told| format!(" It wrote: {told}")).unwrap_or_default();
        match self.state {
            LabState::Rejected => Some(format!(
                "the lab's software has rejected {} ({} of job {}).{told} Mend it there and submit it again, or take \
                 it away",
                at.display(),
                counted(self.copies, "print"),
                self.job
            )),
            LabState::Sent if self.late => Some(format!(
                "the lab's software has not accepted {} ({} of job {}) within the time it has: see whether it runs and \
                 watches that folder",
                at.display(),
                counted(self.copies, "print"),
                self.job
            )),
            _ => None,
        }
    }

    /// Takes note of what was seen.
    pub fn see(&mut self, seen: Seen, now: Timestamp) -> Option<News> {
        let (state, told) = match (self.state, seen) {
            (LabState::Sent | LabState::Rejected, Seen::Accepted) => (LabState::Accepted, None),
            (LabState::Sent, Seen::Rejected(told)) => (LabState::Rejected, Some(told).filter(|told| !told.is_empty())),
            (LabState::Sent, Seen::Gone) => (LabState::Taken, None),
            (LabState::Rejected, Seen::Gone) => (LabState::Removed, None),
            // Submitted again: its time begins anew.
            (LabState::Rejected, Seen::Waiting) => (LabState::Sent, None),
            (LabState::Sent, Seen::Waiting) if !self.late && self.is_overdue(now) => {
                self.late = true;
                return Some(News::Late);
            }
            _ => return None,
        };
        (self.state, self.since, self.told, self.late) = (state, now, told, false);
        Some(News::Became(state))
    }

    fn is_overdue(&self, now: Timestamp) -> bool {
        let waited_ms = now.as_millisecond() - self.since.as_millisecond();
        self.accepted_within_ms.is_some_and(|within| waited_ms >= i64::try_from(within).unwrap_or(i64::MAX))
    }

    /// It need not be remembered any more.
    pub fn is_old(&self, now: Timestamp) -> bool {
        let age_s = now.as_second() - self.since.as_second();
        age_s > if self.is_settled() { KEPT_S } else { WATCHED_S } && self.trouble().is_none()
    }
}

/// As `status` shows them: each with its trouble.
pub fn shown(orders: &[HandedOver]) -> Vec<serde_json::Value> {
    let one = |order: &HandedOver| {
        let mut shown = serde_json::to_value(order).unwrap_or_default();
        shown["trouble"] = order.trouble().into();
        shown
    };
    orders.iter().map(one).collect()
}

fn path(spool: &Spool, order: &HandedOver) -> PathBuf {
    spool.root().join(FOLDER).join(order.file())
}

/// Remembers an order; one that is known stays as it is.
pub fn remember(spool: &Spool, order: &HandedOver) -> Done {
    let path = path(spool, order);
    if path.exists() {
        return Ok(());
    }
    durable::make_folder(&spool.root().join(FOLDER))?;
    durable::replace_private(&path, &serde_json::to_vec_pretty(order).unwrap_or_default())
}

/// Keeps what became of it, unless it was erased meanwhile.
pub fn update(spool: &Spool, order: &HandedOver) -> Done {
    let path = path(spool, order);
    if !path.exists() {
        return Ok(());
    }
    durable::replace_private(&path, &serde_json::to_vec_pretty(order).unwrap_or_default())
}

pub fn forget(spool: &Spool, order: &HandedOver) -> Done {
    durable::remove_file(&path(spool, order))
}

/// Every order that is remembered, the oldest first, and what cannot be read.
pub fn all(spool: &Spool) -> (Vec<HandedOver>, Vec<String>) {
    let (mut orders, mut damaged) = (Vec::new(), Vec::new());
    for path in files(&spool.root().join(FOLDER)) {
        match std::fs::read(&path).map_err(|e| e.to_string()).and_then(|text| read(&text)) {
            Ok(order) => orders.push(order),
            Err(why) => damaged.push(format!("{}: {why}; the order that it tells of is not watched", path.display())),
        }
    }
    orders.sort_by(|a, b| (a.sent, &a.job, a.number).cmp(&(b.sent, &b.job, b.number)));
    (orders, damaged)
}

fn read(text: &[u8]) -> Result<HandedOver, String> {
    serde_json::from_slice(text).map_err(|e| e.to_string())
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    entries.filter(|path| path.extension().is_some_and(|extension| extension == "json")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order() -> HandedOver {
        HandedOver {
            job: JobId::parse("20261120-150405-invoice-9-7f3a").unwrap(),
            step: StepId("d1".into()),
            number: 1,
            record: "9".into(),
            owner: "outside-lab".into(),
            format: LabFormat::Noritsu,
            place: "/lab".into(),
            folder: "/lab".into(),
            name: "o9-7f3a_011".into(),
            copies: 3,
            sent: Timestamp::UNIX_EPOCH,
            accepted_within_ms: Some(60_000),
            state: LabState::Sent,
            since: Timestamp::UNIX_EPOCH,
            late: false,
            told: None,
        }
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).unwrap()
    }

    #[test]
    fn it_is_late_once_and_well_when_it_is_accepted_after_all() {
        let mut order = order();
        assert_eq!(order.see(Seen::Waiting, at(59)), None);
        assert_eq!(order.see(Seen::Waiting, at(60)), Some(News::Late));
        assert_eq!(order.see(Seen::Waiting, at(61)), None);
        assert!(order.trouble().unwrap().contains("has not accepted /lab/o9-7f3a_011 (3 prints"));
        assert_eq!(order.see(Seen::Accepted, at(62)), Some(News::Became(LabState::Accepted)));
        assert!(order.is_settled() && order.trouble().is_none());
        assert_eq!(order.see(Seen::Gone, at(63)), None);
        assert!(!order.is_old(at(62 + KEPT_S)) && order.is_old(at(63 + KEPT_S)));
    }

    #[test]
    fn what_was_rejected_stays_in_sight_until_somebody_has_seen_to_it() {
        let mut order = order();
        let rejected = || Seen::Rejected("no such size".into());
        assert_eq!(order.see(rejected(), at(1)), Some(News::Became(LabState::Rejected)));
        assert!(order.trouble().unwrap().contains("It wrote: no such size"));
        assert_eq!(order.see(rejected(), at(2)), None);
        assert!(!order.is_old(at(10 * WATCHED_S)));
        let mut again = order.clone();
        assert_eq!(again.see(Seen::Waiting, at(100)), Some(News::Became(LabState::Sent)));
        assert_eq!((again.see(Seen::Waiting, at(159)), again.see(Seen::Waiting, at(160))), (None, Some(News::Late)));
        assert_eq!(order.see(Seen::Gone, at(3)), Some(News::Became(LabState::Removed)));
        assert!(order.trouble().is_none());
    }

    #[test]
    fn what_vanishes_was_taken_and_without_a_limit_nothing_is_late() {
        let mut order = HandedOver { accepted_within_ms: None, ..order() };
        assert_eq!(order.see(Seen::Waiting, at(WATCHED_S)), None);
        assert!(order.is_old(at(WATCHED_S + 1)));
        assert_eq!(order.see(Seen::Gone, at(9)), Some(News::Became(LabState::Taken)));
    }

    #[test]
    fn it_is_remembered_once_and_not_after_it_was_erased() {
        let dir = tempfile::tempdir().unwrap();
        let spool = Spool::open(dir.path(), true).unwrap();
        let mut order = order();
        remember(&spool, &order).unwrap();
        order.see(Seen::Accepted, at(5));
        update(&spool, &order).unwrap();
        // A job that goes through its deliveries once more.
        remember(&spool, &self::order()).unwrap();
        durable::replace(&spool.root().join("labs/x.json"), b"{").unwrap();
        let (orders, damaged) = all(&spool);
        assert_eq!((orders, damaged.len()), (vec![order.clone()], 1));
        forget(&spool, &order).unwrap();
        update(&spool, &order).unwrap();
        assert!(all(&spool).0.is_empty());
    }
}
