//! What keeps a printer from printing that the printer does not know: an operator's pause, its hours.

use std::collections::BTreeSet;

use crate::clock;
use crate::control;
use crate::model::config::{Config, Printer};
use crate::model::units::TimeOfDay;
use crate::print::look::Condition;
use crate::spool::queue::Spool;

/// The gates of all printers at one moment.
#[derive(Debug)]
pub struct Gates {
    paused: BTreeSet<String>,
    time: TimeOfDay,
}

impl Gates {
    pub fn now(spool: &Spool, config: &Config) -> Gates {
        let zone = clock::time_zone(config.studio.time_zone.as_deref());
        let local = clock::now().to_zoned(zone);
        let minutes = u16::from(local.hour().unsigned_abs()) * 60 + u16::from(local.minute().unsigned_abs());
        Gates { paused: control::paused_printers(spool), time: TimeOfDay(minutes) }
    }

    /// Why it gets no sheet now, whatever its own state.
    pub fn keep(&self, printer: &Printer) -> Option<(Condition, String)> {
        if self.paused.contains(&printer.name) {
            return Some((Condition::Paused, "paused; it prints again when it is resumed".into()));
        }
        let hours = printer.hours.filter(|hours| !hours.contain(self.time))?;
        let shown = |time: TimeOfDay| format!("{:02}:{:02}", time.0 / 60, time.0 % 60);
        Some((Condition::Closed, format!("closed; it prints from {} to {}", shown(hours.from), shown(hours.to))))
    }
}
