//! The mail to the studio: all that came up since the last one.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use jiff::tz::TimeZone;

use super::letter::{Letter, escaped, html_of};
use super::notice::{Condition, Event, Kind, Notice};

/// Most tellings that one mail lists; the rest is counted.
const LISTED_MAX: usize = 50;

/// `lost` could not be kept. `dashboard` is where people reach it.
pub fn digest(notices: &[Notice], lost: u64, studio: Option<&str>, zone: &TimeZone, dashboard: Option<&str>) -> Letter {
    let plain = |text: &str| text.replace('`', "");
    let title = |notice: &Notice| match notice.event {
        Event::Over => format!("Over: {}", plain(&notice.of.title)),
        Event::Began | Event::Once => plain(&notice.of.title),
    };
    let first = notices.first().map(title).unwrap_or_default();
    let head = match notices.len() {
        0 | 1 => first,
        count => format!("{first}, and {} more", count - 1),
    };
    let subject = format!("{}: {head}", studio.unwrap_or("hotfolders"));
    let (mut text, mut pages) = (String::new(), BTreeSet::new());
    for notice in notices.iter().take(LISTED_MAX) {
        let time = |at: jiff::Timestamp| at.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M").to_string();
        let when = match notice.event {
            Event::Over => format!("since {}, over at {}", time(notice.of.since), time(notice.at)),
            Event::Began | Event::Once => time(notice.of.since),
        };
        let _ = writeln!(text, "{}\n{when}\n{}", title(notice), plain(notice.of.text.trim()));
        if let (Some(url), Event::Began | Event::Once) = (dashboard, notice.event) {
            let page = format!("{url}{}", page(&notice.of));
            let _ = writeln!(text, "{page}");
            pages.insert(page);
        }
        text.push('\n');
    }
    if notices.len() > LISTED_MAX {
        let _ = write!(text, "And {} more, which the dashboard shows.\n\n", notices.len() - LISTED_MAX);
    }
    if lost > 0 {
        let _ = write!(text, "{lost} more came up while no mail could be sent, and were not kept.\n\n");
    }
    let text = format!("{}\n", text.trim_end());
    let mut html = html_of(&text, None);
    for page in pages {
        // A line of its own, the last one of what is said of a cause.
        let url = escaped(&page);
        html = html.replace(&format!("\n{url}</p>"), &format!("\n<a href=\"{url}\">{url}</a></p>"));
    }
    Letter { subject, text, html }
}

/// The page on which somebody can do something about it.
fn page(of: &Condition) -> String {
    match (&of.job, of.kind) {
        (Some(job), _) => format!("/jobs/{job}"),
        (None, Kind::Config) => "/profiles".into(),
        (None, Kind::Queue) => "/".into(),
        (None, _) => "/places".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn notice(number: u64, event: Event, title: &str) -> Notice {
        let of = Condition {
            cause: title.into(),
            kind: Kind::JobFailed,
            title: title.into(),
            text: "why <b> & what to do\n".into(),
            since: jiff::Timestamp::UNIX_EPOCH,
            job: None,
        };
        Notice { number, event, of, at: jiff::Timestamp::from_second(7200).unwrap(), mail: true, webhook: false }
    }

    #[test]
    fn one_alert_is_its_own_subject_and_many_are_counted() {
        let one = digest(&[notice(1, Event::Over, "job 7 failed")], 0, Some("Larson"), &TimeZone::UTC, None);
        assert_eq!(one.subject, "Larson: Over: job 7 failed");
        assert_eq!(
            one.text,
            "Over: job 7 failed\nsince 1970-01-01 00:00, over at 1970-01-01 02:00\nwhy <b> & what to do\n"
        );
        assert!(one.html.contains("why &lt;b&gt; &amp; what to do"), "{}", one.html);
        let many: Vec<Notice> = (0..2_000).map(|n| notice(n, Event::Began, &format!("job {n} failed"))).collect();
        let many = digest(&many, 3, None, &TimeZone::UTC, None);
        assert_eq!(many.subject, "hotfolders: job 0 failed, and 1999 more");
        assert!(many.text.contains("job 49 failed\n") && !many.text.contains("job 50 failed"));
        assert!(many.text.contains("And 1950 more") && many.text.contains("3 more came up"), "{}", many.text);
    }

    #[test]
    fn a_mail_speaks_no_command_line_and_leads_to_the_page_of_each_cause() {
        let mut failed = notice(1, Event::Began, "invoice 7 failed");
        failed.of.job = Some("20261120-150405-invoice-7-7f3a".into());
        failed.of.text = "`7.jpg` is missing".into();
        let mut printer = notice(2, Event::Began, "printer lustre-1 cannot be reached");
        printer.of.kind = Kind::Printer;
        let url = "https://studio.example/hot";
        let mail = digest(&[printer, failed], 0, Some("Larson Portraits"), &TimeZone::UTC, Some(url));
        assert_eq!(mail.subject, "Larson Portraits: printer lustre-1 cannot be reached, and 1 more");
        assert!(mail.text.contains("\nhttps://studio.example/hot/places\n"), "{}", mail.text);
        let page = "https://studio.example/hot/jobs/20261120-150405-invoice-7-7f3a";
        assert!(mail.text.contains(&format!("7.jpg is missing\n{page}\n")), "{}", mail.text);
        assert!(mail.html.contains(&format!("<a href=\"{page}\">{page}</a>")), "{}", mail.html);
        assert!(!mail.text.contains('`'), "{}", mail.text);
    }
}
