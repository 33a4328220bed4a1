//! The one place that asks what time it is. Everything below takes the time as a parameter.

use std::time::Duration;

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

/// How long to wait. In a debug build a variable of the environment may shorten it (in milliseconds): a test that tries
/// hundreds of failures need not wait for seconds after each.
pub fn wait(normal: Duration, variable: &str) -> Duration {
    #[cfg(debug_assertions)]
    if let Some(ms) = std::env::var(variable).ok().and_then(|text| text.parse().ok()) {
        return normal.min(Duration::from_millis(ms));
    }
    let _ = variable;
    normal
}

/// The variable for what is tried again.
pub const RETRY: &str = "HOTFOLDERS_RETRY_MS";
