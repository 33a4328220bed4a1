//! What the studio was told of and is not over, and what could not be told.

use crate::model::counted::counted;
use crate::spool::job::JobId;
use crate::web::dashboard::told;
use crate::web::dashboard::words::{self, Clock, Folded, Moment};

/// Alerts that are open; the others are folded away.
const OPEN: usize = 3;

#[derive(Debug, Default)]
pub(crate) struct Alerts {
    pub(crate) open: Vec<Alert>,
    pub(crate) folded: Vec<Alert>,
    pub(crate) more: usize,
    pub(crate) untold: Vec<Untold>,
}

/// One alert, or those about several jobs of which the same is to be said.
#[derive(Debug)]
pub(crate) struct Alert {
    pub(crate) title: String,
    pub(crate) text: Folded,
    pub(crate) since: Moment,
    pub(crate) jobs: Vec<(JobId, String)>,
    /// Where somebody can do something about it, and what the link says.
    pub(crate) leads: Option<(&'static str, &'static str)>,
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
    let untold = |(way, how): (&told::Way, &str)| {
        let trouble = way.trouble.as_ref()?;
        Some(Untold {
            what: format!("{} could not be {how}", counted(way.undelivered, "alert")),
            why: trouble.why.clone(),
            since: clock.moment(trouble.since),
        })
    };
    let mut open = grouped(&told.open).into_iter().map(|group| alert(&group, clock)).collect::<Vec<_>>();
    let folded = open.split_off(open.len().min(OPEN));
    Alerts {
        open,
        folded,
        more: told.open_more,
        untold: [(&told.mail, "mailed"), (&told.webhook, "posted")].into_iter().filter_map(untold).collect(),
    }
}

/// What is said of several jobs at once: one alert on the page.
fn common(kind: &str) -> Option<&'static str> {
    match kind {
        "job_held" => Some("wait for an answer"),
        "job_failed" => Some("failed"),
        "job_stopped" => Some("cannot go on"),
        _ => None,
    }
}

fn grouped(open: &[told::Alert]) -> Vec<Vec<&told::Alert>> {
    let mut groups: Vec<Vec<&told::Alert>> = Vec::new();
    for alert in open {
        let is_common = common(&alert.kind).is_some();
        match groups.iter_mut().find(|group| is_common && group[0].kind == alert.kind) {
            Some(group) => group.push(alert),
            None => groups.push(vec![alert]),
        }
    }
    groups
}

fn alert(group: &[&told::Alert], clock: &Clock) -> Alert {
    let since = group.iter().map(|alert| alert.since).min().unwrap_or_default();
    let jobs = group.iter().filter_map(|alert| Some((alert.job.clone()?, words::sentence(&alert.title))));
    let leads = match group[0].kind.as_str() {
        "job_held" => Some(("/#held", "Answer on the queue")),
        "job_failed" => Some(("/#failed", "Look at the queue")),
        "printer" => Some(("#printers", "Printers")),
        "config" => Some(("/profiles", "What is wrong with it")),
        "queue" => Some(("/", "Look at the queue")),
        "link_asked" => Some(("/#asked", "Answer on the queue")),
        _ => None,
    };
    let (title, text) = match (group, common(&group[0].kind)) {
        ([_, _, ..], Some(what)) => (format!("{} jobs {what}", group.len()), String::new()),
        _ => (words::sentence(&group[0].title), group[0].text.clone()),
    };
    Alert { title, text: words::folded(&text), since: clock.moment(since), jobs: jobs.collect(), leads }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::tz::TimeZone;

    #[test]
    fn alerts_about_jobs_are_one_and_no_more_than_a_few_are_open() {
        let alert = |kind: &str, n: i64| told::Alert {
            kind: kind.into(),
            title: format!("invoice {n} waits"),
            text: "why".into(),
            since: jiff::Timestamp::from_second(n).unwrap(),
            job: JobId::parse(&format!("20261120-150405-invoice-{n}-0000")),
        };
        let mut open: Vec<_> = (1..=12).rev().map(|n| alert("job_held", n)).collect();
        open.extend((13..18).map(|n| alert("place", n)));
        let clock = Clock::new(TimeZone::UTC, jiff::Timestamp::UNIX_EPOCH);
        let alerts = of(Some(&told::Alerts { open, ..told::Alerts::default() }), &clock);
        assert_eq!((alerts.open.len(), alerts.folded.len()), (3, 3));
        let held = &alerts.open[0];
        assert_eq!((held.title.as_str(), held.jobs.len()), ("12 jobs wait for an answer", 12));
        assert_eq!(held.since, clock.moment(jiff::Timestamp::from_second(1).unwrap()));
        assert_eq!(alerts.open[1].title, "Invoice 13 waits");
    }

    #[test]
    fn a_file_keeps_its_name_at_the_beginning_of_a_text() {
        let since = jiff::Timestamp::UNIX_EPOCH;
        let why = "i-bad.json: line 1: it ends in the middle";
        let open = vec![told::Alert {
            kind: "job_failed".into(),
            title: "session 7 failed".into(),
            text: "a.jpg for `web` is missing".into(),
            since,
            job: None,
        }];
        let mail = told::Way { undelivered: 1, trouble: Some(told::WayTrouble { since, why: why.into() }) };
        let clock = Clock::new(TimeZone::UTC, since);
        let shown = of(Some(&told::Alerts { open, mail, ..told::Alerts::default() }), &clock);
        let alert = &shown.open[0];
        assert_eq!(
            (alert.title.as_str(), alert.text.short.as_str()),
            ("Session 7 failed", "a.jpg for `web` is missing")
        );
        assert_eq!(shown.untold[0].why, why);
    }
}
