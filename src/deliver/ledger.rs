//! The journal of a job as one delivery sees it: announce, place, close.
//!
//! Owns: nothing is placed that was not announced, durably. That something was placed may reach the disk later, with
//! the next lines: until then a crash only means that it is found again by its digest. Each line saved this way is a
//! sync of the disk saved.

use jiff::Timestamp;

use super::error::DeliverError;
use crate::plan::StepId;
use crate::spool::journal::{Entry, Journal, PlacedFile, Progress};

/// The unit of the empty file that is written last.
pub(super) const TRIGGER: &str = "trigger";

pub(super) struct Ledger<'j> {
    journal: &'j mut Journal,
    step: &'j StepId,
    now: &'j dyn Fn() -> Timestamp,
    /// Not in the journal yet.
    late: Vec<Entry>,
}

impl<'j> Ledger<'j> {
    pub(super) fn new(journal: &'j mut Journal, step: &'j StepId, now: &'j dyn Fn() -> Timestamp) -> Ledger<'j> {
        Ledger { journal, step, now, late: Vec::new() }
    }

    pub(super) fn progress(&self) -> &Progress {
        self.journal.progress()
    }

    pub(super) fn stands(&self, unit: &str) -> bool {
        let known = self.progress().placed.get(self.step).and_then(|units| units.get(unit));
        known.is_some_and(|(_, stands)| *stands)
            || self.late.iter().any(|e| matches!(e, Entry::Placed { unit: placed, .. } if placed == unit))
    }

    /// What was announced for a unit, whether it stands or not.
    pub(super) fn file(&self, unit: &str) -> Option<&PlacedFile> {
        self.progress().placed.get(self.step)?.get(unit).map(|(file, _)| file)
    }

    /// Announced and not known to stand: a crash may have come before or after.
    pub(super) fn doubtful(&self) -> Vec<(String, PlacedFile)> {
        let units = self.progress().placed.get(self.step).into_iter().flatten();
        units.filter(|(unit, _)| !self.stands(unit)).map(|(unit, (file, _))| (unit.clone(), file.clone())).collect()
    }

    /// Durable when it returns; then the files may become visible.
    pub(super) fn announce(&mut self, files: Vec<(String, PlacedFile)>) -> Result<(), DeliverError> {
        let step = self.step;
        let announced = |(unit, file)| Entry::Delivering { step: step.clone(), unit, file };
        self.late.extend(files.into_iter().map(announced));
        self.flush()
    }

    pub(super) fn placed(&mut self, unit: &str) {
        self.late.push(Entry::Placed { step: self.step.clone(), unit: unit.to_string() });
    }

    /// Announced, and not to become visible any more; durable when it returns.
    pub(super) fn withdraw(&mut self, unit: &str) -> Result<(), DeliverError> {
        self.late.push(Entry::Withdrawn { step: self.step.clone(), unit: unit.to_string() });
        self.flush()
    }

    /// All of it stands.
    pub(super) fn close(&mut self) -> Result<(), DeliverError> {
        self.late.push(Entry::Delivered { step: self.step.clone() });
        self.flush()
    }

    pub(super) fn flush(&mut self) -> Result<(), DeliverError> {
        if self.late.is_empty() {
            return Ok(());
        }
        self.journal.append((self.now)(), std::mem::take(&mut self.late)).map_err(DeliverError::Journal)
    }
}
