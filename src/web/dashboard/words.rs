//! How things are said on a page: times, sizes, states, kinds.

use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};

use crate::model::manifest::Kind;

/// A moment, for people and for machines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Moment {
    pub(super) iso: String,
    pub(super) shown: String,
}

/// Tells moments as somebody in the studio would.
#[derive(Debug, Clone)]
pub(super) struct Clock {
    zone: TimeZone,
    now: Zoned,
}

impl Clock {
    pub(super) fn new(zone: TimeZone, now: Timestamp) -> Clock {
        Clock { now: now.to_zoned(zone.clone()), zone }
    }

    pub(super) fn moment(&self, at: Timestamp) -> Moment {
        let local = at.to_zoned(self.zone.clone());
        let form = if local.date() == self.now.date() {
            "%H:%M"
        } else if self.now.date().yesterday().is_ok_and(|day| day == local.date()) {
            "yesterday, %H:%M"
        } else if self.now.date().tomorrow().is_ok_and(|day| day == local.date()) {
            "tomorrow, %H:%M"
        } else if local.year() == self.now.year() {
            "%-d %b, %H:%M"
        } else {
            "%-d %b %Y, %H:%M"
        };
        Moment { iso: at.to_string(), shown: local.strftime(form).to_string() }
    }
}

/// A length of time, to the unit that matters.
pub(super) fn duration(seconds: u64) -> String {
    match seconds {
        0..90 => format!("{seconds} s"),
        90..5400 => format!("{} min", (seconds + 30) / 60),
        5400..172_800 => format!("{} h", (seconds + 1800) / 3600),
        _ => format!("{} days", (seconds + 43_200) / 86_400),
    }
}

pub(super) fn kind(kind: Option<Kind>) -> &'static str {
    match kind {
        Some(Kind::Session) => "Session",
        Some(Kind::Invoice) => "Invoice",
        Some(Kind::ProductionOrder) => "Production order",
        Some(Kind::Pictures) => "Pictures",
        None => "Job",
    }
}

/// A state in a word, and the class that colours it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Badge {
    pub(super) word: &'static str,
    pub(super) class: &'static str,
}

const fn badge(word: &'static str, class: &'static str) -> Badge {
    Badge { word, class }
}

/// What a receipt says came of a job.
pub(super) fn result(result: &str) -> Badge {
    match result {
        "done" => badge("Done", "good"),
        "failed" => badge("Failed", "bad"),
        "duplicate" => badge("Made before", "quiet"),
        "ignored" => badge("Ignored", "quiet"),
        "skipped" => badge("Skipped", "quiet"),
        "cancelled" => badge("Cancelled", "quiet"),
        _ => badge("Ended", "quiet"),
    }
}

/// `try_again` as it stands on a button.
pub(super) fn label(word: &str) -> String {
    let spaced = word.replace(['_', '-'], " ");
    let mut chars = spaced.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_told_from_today() {
        let now: Timestamp = "2026-11-20T12:00:00Z".parse().unwrap();
        let clock = Clock::new(TimeZone::get("America/Chicago").unwrap(), now);
        let shown = |text: &str| clock.moment(text.parse().unwrap()).shown;
        assert_eq!(shown("2026-11-20T11:05:00Z"), "05:05");
        assert_eq!(shown("2026-11-20T04:00:00Z"), "yesterday, 22:00");
        assert_eq!(shown("2026-11-22T03:00:00Z"), "tomorrow, 21:00");
        assert_eq!(shown("2026-03-02T12:00:00Z"), "2 Mar, 06:00");
        assert_eq!(shown("2025-03-02T12:00:00Z"), "2 Mar 2025, 06:00");
    }

    #[test]
    fn durations_have_the_unit_that_matters() {
        assert_eq!([duration(7), duration(100), duration(7200), duration(200_000)], ["7 s", "2 min", "2 h", "2 days"]);
        assert_eq!(label("print_again"), "Print again");
    }
}
