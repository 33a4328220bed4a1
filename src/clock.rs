//! The one place that asks what time it is. Everything below takes the time as a parameter.

use jiff::{Timestamp, tz::TimeZone};

/// Now, to the millisecond: finer digits would only make records longer.
#[allow(clippy::disallowed_methods, reason = "this is the one place")]
pub fn now() -> Timestamp {
    let now = Timestamp::now();
    Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now)
}

/// The studio's time zone, else the system's.
pub fn time_zone(name: Option<&str>) -> TimeZone {
    name.and_then(|n| TimeZone::get(n).ok()).unwrap_or_else(TimeZone::system)
}
