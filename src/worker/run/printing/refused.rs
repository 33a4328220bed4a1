//! Printers that would not have a sheet: for how long they are left alone with it, and what it waits for there.

use std::time::{Duration, Instant};

use super::Unit;
use crate::clock;
use crate::print::keep::{Keep, Matter};

/// How long a printer that refused a sheet is left alone with it, doubled each time up to the most.
const REFUSED_FIRST: Duration = Duration::from_secs(2);
const REFUSED_MOST: Duration = Duration::from_mins(1);

/// A printer would not have a sheet.
pub(super) struct Refused {
    pub(super) until: Instant,
    /// From the last refusal to then.
    rest: Duration,
    /// It had the document in hand.
    pub(super) in_vain: bool,
    pub(super) keep: Keep,
}

impl Unit<'_> {
    /// A printer would not have it. What keeps it does so until the printer has it: also while it is tried again.
    pub(super) fn refuse(&mut self, printer: &str, why: String, matter: Matter, in_vain: bool) {
        let before = self.refused.get(printer);
        let first = clock::wait(REFUSED_FIRST, "HOTFOLDERS_REFUSED_MS");
        let rest = match (before, matter) {
            // Room comes with the next file that is gone.
            (None, _) | (_, Matter::Turn) => first,
            (Some(before), _) => (before.rest * 2).min(REFUSED_MOST),
        };
        let mut keep = keep_of(printer, matter, why);
        if let Some(before) = before.filter(|before| before.keep.matter == matter) {
            keep.since = before.keep.since;
        }
        let refused = Refused { until: Instant::now() + rest, rest, in_vain, keep: keep.clone() };
        self.refused.insert(printer.to_string(), refused);
        self.waits.found(vec![keep]);
    }

    /// What keeps it at the printer that it is with: what is known now, else why it was refused there before.
    pub(super) fn keep_at(&mut self, printer: &str, keep: Option<Keep>) {
        let before = || self.refused.get(printer).map(|refused| refused.keep.clone());
        let keep = keep.or_else(before);
        self.waits.found(keep.into_iter().collect());
    }
}

pub(super) fn keep_of(printer: &str, matter: Matter, why: String) -> Keep {
    Keep { printer: printer.to_string(), why, matter, since: clock::now() }
}
