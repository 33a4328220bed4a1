//! The mail to the studio: all that came up since the last one.

use std::fmt::Write as _;

use jiff::tz::TimeZone;

use super::letter::{Letter, html_of};
use super::notice::{Event, Notice};

/// Most tellings that one mail lists; the rest is counted.
const LISTED_MAX: usize = 50;

/// `lost` could not be kept.
pub fn digest(notices: &[Notice], lost: u64, studio: Option<&str>, zone: &TimeZone) -> Letter {
    let title = |notice: &Notice| match notice.event {
        Event::Over => format!("Over: {}", notice.of.title),
        Event::Began | Event::Once => notice.of.title.clone(),
    };
    let first = notices.first().map(title).unwrap_or_default();
    let head = match notices.len() {
        0 | 1 => first,
        count => format!("{first}, and {} more", count - 1),
    };
    let subject = format!("[{}] {head}", studio.unwrap_or("hotfolders"));
    let mut text = String::new();
    for notice in notices.iter().take(LISTED_MAX) {
        let time = |at: jiff::Timestamp| at.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M").to_string();
        let when = match notice.event {
            Event::Over => format!("since {}, over at {}", time(notice.of.since), time(notice.at)),
            Event::Began | Event::Once => time(notice.of.since),
        };
        let _ = write!(text, "{}\n{when}\n{}\n\n", title(notice), notice.of.text.trim());
    }
    if notices.len() > LISTED_MAX {
        let _ = write!(
            text,
            "And {} more: `hotfolders status` and `hotfolders jobs list` show them.\n\n",
            notices.len() - LISTED_MAX
        );
    }
    if lost > 0 {
        let _ = write!(text, "{lost} more came up while no mail could be sent, and were not kept.\n\n");
    }
    let text = format!("{}\n", text.trim_end());
    Letter { html: html_of(&text, None), subject, text }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alert::notice::{Condition, Kind};

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
        let one = digest(&[notice(1, Event::Over, "job 7 failed")], 0, Some("Larson"), &TimeZone::UTC);
        assert_eq!(one.subject, "[Larson] Over: job 7 failed");
        assert_eq!(
            one.text,
            "Over: job 7 failed\nsince 1970-01-01 00:00, over at 1970-01-01 02:00\nwhy <b> & what to do\n"
        );
        assert!(one.html.contains("why &lt;b&gt; &amp; what to do"), "{}", one.html);
        let many: Vec<Notice> = (0..2_000).map(|n| notice(n, Event::Began, &format!("job {n} failed"))).collect();
        let many = digest(&many, 3, None, &TimeZone::UTC);
        assert_eq!(many.subject, "[hotfolders] job 0 failed, and 1999 more");
        assert!(many.text.contains("job 49 failed\n") && !many.text.contains("job 50 failed"));
        assert!(many.text.contains("And 1950 more") && many.text.contains("3 more came up"), "{}", many.text);
    }
}
