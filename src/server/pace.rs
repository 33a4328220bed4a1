//! How fast a running job makes its pictures.

use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use crate::worker::run::Report;

/// What was made before this run is not counted.
#[derive(Debug, Default)]
pub(super) struct Pace {
    first: Mutex<Option<(Instant, usize)>>,
}

/// What can be said of it now.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Seen {
    pub(super) pictures_per_second: Option<f64>,
    pub(super) seconds_left: Option<u64>,
}

impl Pace {
    pub(super) fn look(&self, report: &Report, now: Instant) -> Seen {
        let mut first = self.first.lock().unwrap_or_else(PoisonError::into_inner);
        // Nothing can be said of a job that is still looking for its pictures, that has made them all, or that waits.
        if report.rendered >= report.to_render || report.waits.is_some() || report.printing {
            return Seen::default();
        }
        let (since, before) = *first.get_or_insert((now, report.rendered));
        let seconds = now.saturating_duration_since(since).as_secs_f64();
        let made = report.rendered.saturating_sub(before);
        // A moment tells nothing.
        if made == 0 || seconds < 0.5 {
            return Seen::default();
        }
        let rate = made as f64 / seconds;
        let left = report.to_render.saturating_sub(report.rendered) as f64 / rate;
        let seconds_left = (left > 0.0).then(|| left.ceil() as u64);
        Seen { pictures_per_second: Some((rate * 10.0).round() / 10.0), seconds_left }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn pace_is_told_from_what_this_run_made() {
        let (pace, start) = (Pace::default(), Instant::now());
        let report = |rendered, to_render| Report { rendered, to_render, ..Report::default() };
        let after = |seconds| start + Duration::from_secs(seconds);
        assert_eq!(pace.look(&report(0, 0), start), Seen::default());
        assert_eq!(pace.look(&report(40, 100), after(10)), Seen::default());
        let seen = pace.look(&report(60, 100), after(20));
        assert_eq!((seen.pictures_per_second, seen.seconds_left), (Some(2.0), Some(20)));
        let waits = Report { waits: Some("for paper".into()), ..report(70, 100) };
        assert_eq!(pace.look(&waits, after(30)), Seen::default());
        assert_eq!(pace.look(&report(100, 100), after(40)), Seen::default());
    }
}
