//! What the studio was told of and is not over, and what could not be told.

use crate::model::counted::counted;
use crate::spool::job::JobId;
use crate::web::dashboard::told;
use crate::web::dashboard::words::{self, Clock, Moment};

/// Alerts on the page.
const SHOWN: usize = 20;

#[derive(Debug, Default)]
pub(crate) struct Alerts {
    pub(crate) open: Vec<Alert>,
    pub(crate) more: usize,
    pub(crate) untold: Vec<Untold>,
}

#[derive(Debug)]
pub(crate) struct Alert {
    pub(crate) title: String,
    pub(crate) text: String,
    pub(crate) since: Moment,
    pub(crate) job: Option<JobId>,
}

/// Alerts that wait for a mail server or a webhook.
#[derive(Debug)]
pub(crate) struct Untold {
    pub(crate) what: String,
    pub(crate) why: String,
    pub(crate) since: Moment,
}

impl Alerts {
    pub(crate) fn is_nothing(&self) -> bool {
        self.open.is_empty() && self.untold.is_empty()
    }
}

pub(super) fn of(told: Option<&told::Alerts>, clock: &Clock) -> Alerts {
    let Some(told) = told else { return Alerts::default() };
    let alert = |alert: &told::Alert| Alert {
        title: words::sentence(&alert.title),
        text: alert.text.clone(),
        since: clock.moment(alert.since),
        job: alert.job.clone(),
    };
    let untold = |(way, how): (&told::Way, &str)| {
        let trouble = way.trouble.as_ref()?;
        Some(Untold {
            what: format!("{} could not be {how}", counted(way.undelivered, "alert")),
            why: trouble.why.clone(),
            since: clock.moment(trouble.since),
        })
    };
    Alerts {
        open: told.open.iter().take(SHOWN).map(alert).collect(),
        more: told.open.len().saturating_sub(SHOWN) + told.open_more,
        untold: [(&told.mail, "mailed"), (&told.webhook, "posted")].into_iter().filter_map(untold).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_keeps_its_name_at_the_beginning_of_a_text() {
        let since = "2026-11-20T12:00:00Z".parse().unwrap();
        let why = "i-bad.json: line 1: it ends in the middle";
        let alert = told::Alert {
            title: "session 7 failed".into(),
            text: "a.jpg for `web` is missing".into(),
            since,
            job: None,
        };
        let trouble = Some(told::WayTrouble { since, why: why.into() });
        let told = told::Alerts {
            open: vec![alert],
            open_more: 0,
            mail: told::Way { undelivered: 1, trouble },
            webhook: told::Way::default(),
        };
        let shown = of(Some(&told), &Clock::new(jiff::tz::TimeZone::UTC, since));
        assert_eq!(
            (shown.open[0].title.as_str(), shown.open[0].text.as_str()),
            ("Session 7 failed", "a.jpg for `web` is missing")
        );
        assert_eq!(shown.untold[0].why, why);
    }
}
