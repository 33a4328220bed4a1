//! How things are said on a page: times, sizes, states, kinds.

use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};

use crate::model::manifest::Kind;
use crate::spool::job::Reason;
use crate::spool::queue::State;

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

pub(super) fn size(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["bytes", "KB", "MB", "GB", "TB"];
    let (mut value, mut unit) = (bytes as f64, 0);
    while value >= 999.5 && unit + 1 < UNITS.len() {
        value /= 1000.0;
        unit += 1;
    }
    if unit == 0 || value >= 99.5 {
        format!("{value:.0} {}", UNITS[unit])
    } else {
        format!("{value:.1} {}", UNITS[unit])
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

pub(super) const fn badge(word: &'static str, class: &'static str) -> Badge {
    Badge { word, class }
}

pub(super) fn state(state: State) -> Badge {
    match state {
        State::Pending => badge("Waiting", "quiet"),
        State::Processing => badge("Running", "busy"),
        State::Held => badge("Needs an answer", "warn"),
        State::Failed => badge("Failed", "bad"),
        State::Done => badge("Done", "good"),
    }
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

/// What a person reads of a failed job, one piece for each thing that is wrong.
pub(super) fn reasons(reason: &Reason) -> Vec<String> {
    let mut texts: Vec<String> = Vec::new();
    for step in &reason.steps {
        if !texts.contains(&step.text) {
            texts.push(step.text.clone());
        }
    }
    if texts.is_empty() {
        texts.push(reason.text.clone());
    }
    texts
}

/// A text of which a page shows the beginning; the rest is folded away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Folded {
    pub(super) short: String,
    pub(super) rest: Option<String>,
}

/// Texts up to this length are shown whole, in characters.
const SHORT_MAX_CHARS: usize = 280;

/// Cuts a long text behind its first part.
pub(super) fn folded(text: &str) -> Folded {
    let text = text.trim();
    let first = text.lines().next().unwrap_or_default();
    if first.len() == text.len() && text.chars().count() <= SHORT_MAX_CHARS {
        return Folded { short: text.to_string(), rest: None };
    }
    let bound = first.char_indices().nth(SHORT_MAX_CHARS).map_or(first.len(), |(at, _)| at);
    let part = first[..bound].find("; ");
    let word = || first[..bound].rfind(' ').filter(|_| bound < first.len());
    let mut end = part.or_else(word).unwrap_or(bound);
    // Not in the middle of a name.
    if first[..end].matches('`').count() % 2 == 1 {
        end = first[..end].rfind('`').filter(|at| *at > 0).unwrap_or(end);
    }
    let rest = text[end..].trim_start_matches([';', ' ', '\n', '\r']).to_string();
    let more = if end < first.len() && part.is_none() { " …" } else { "" };
    Folded { short: format!("{}{more}", first[..end].trim_end()), rest: Some(rest).filter(|rest| !rest.is_empty()) }
}

/// A message as HTML: names and keys, which stand between backticks, are set apart.
pub(super) fn prose(text: &str) -> String {
    let mut html = String::with_capacity(text.len() + 32);
    let pieces: Vec<&str> = text.split('`').collect();
    for (index, piece) in pieces.iter().enumerate() {
        // One without a partner stays as it is.
        let is_code = index % 2 == 1 && index + 1 < pieces.len();
        let is_alone = index % 2 == 1 && !is_code;
        html += if is_code {
            "<code>"
        } else if is_alone {
            "`"
        } else {
            ""
        };
        for c in piece.chars() {
            match c {
                '&' => html += "&amp;",
                '<' => html += "&lt;",
                '>' => html += "&gt;",
                '"' => html += "&quot;",
                '\'' => html += "&#39;",
                c => html.push(c),
            }
        }
        html += if is_code { "</code>" } else { "" };
    }
    html
}

/// `try_again` as it stands on a button.
pub(super) fn label(word: &str) -> String {
    sentence(&word.replace(['_', '-'], " "))
}

/// What a check of the config finds of many pictures; its key where there is no better word.
pub(super) fn finding(code: &str) -> String {
    match code {
        "low_ppi" => "fewer pixels than the size asks for".into(),
        "enlarged" => "enlarged".into(),
        "crop_cuts" => "much is cut away".into(),
        "uncropped_line" => "nobody cropped them; the middle is taken".into(),
        "copies_over" => "many copies".into(),
        other => other.replace('_', " "),
    }
}

/// With a capital letter. Only for texts whose first word is ours: that of a message may be the name of a file, which
/// stays as it is.
pub(super) fn sentence(text: &str) -> String {
    let first = text.split_whitespace().next().unwrap_or_default();
    if !first.trim_end_matches([',', ':']).chars().all(char::is_alphabetic) {
        return text.to_string();
    }
    let mut chars = text.chars();
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
    fn sizes_and_durations_have_the_unit_that_matters() {
        assert_eq!([size(0), size(999), size(1000), size(99_600_000)], ["0 bytes", "999 bytes", "1.0 KB", "100 MB"]);
        assert_eq!([duration(7), duration(100), duration(7200), duration(200_000)], ["7 s", "2 min", "2 h", "2 days"]);
        assert_eq!(label("print_again"), "Print again");
    }

    #[test]
    fn names_keep_their_letters() {
        let shown =
            ["printer lustre stopped", "a.jpg is gone", "x-mail.json:1:2: wrong", "gone, for good"].map(sentence);
        assert_eq!(shown, ["Printer lustre stopped", "a.jpg is gone", "x-mail.json:1:2: wrong", "Gone, for good"]);
    }

    #[test]
    fn long_texts_are_folded_behind_their_first_part() {
        let whole = folded("60 copies of `a.jpg`; more than 50");
        assert_eq!((whole.short.as_str(), whole.rest), ("60 copies of `a.jpg`; more than 50", None));
        let rules = format!("no render job takes this; `web`: {}", "the kind is another, ".repeat(20));
        let cut = folded(&rules);
        assert_eq!(cut.short, "no render job takes this");
        assert!(cut.rest.unwrap().starts_with("`web`: the kind"));
        let lines = folded("first\nsecond");
        assert_eq!((lines.short.as_str(), lines.rest.as_deref()), ("first", Some("second")));
        let long = "word ".repeat(54) + "`a name with blanks in it` " + &"word ".repeat(20);
        let cut = folded(&long);
        assert!(cut.short.ends_with("word …") && cut.rest.unwrap().starts_with("`a name with"), "{}", cut.short);
    }

    #[test]
    fn messages_are_escaped() {
        assert_eq!(prose("line `<b>` & \"x\" of `y"), "line <code>&lt;b&gt;</code> &amp; &quot;x&quot; of `y");
    }
}
