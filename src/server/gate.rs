//! Whether jobs may start now: the hours of operation.

use jiff::Timestamp;

use crate::clock;
use crate::model::config::Config;
use crate::model::units::TimeOfDay;

/// Why no job starts at this time of day; `None` within `server.hours`, or where there are none.
pub(super) fn outside_hours(config: &Config, now: Timestamp) -> Option<String> {
    let hours = config.server.hours?;
    let local = now.to_zoned(clock::time_zone(config.studio.time_zone.as_deref()));
    let minutes = u16::from(local.hour().unsigned_abs()) * 60 + u16::from(local.minute().unsigned_abs());
    let shown = |time: TimeOfDay| format!("{:02}:{:02}", time.0 / 60, time.0 % 60);
    (!hours.contain(TimeOfDay(minutes))).then(|| {
        format!("outside of the hours of operation, {} to {}: jobs start then", shown(hours.from), shown(hours.to))
    })
}
