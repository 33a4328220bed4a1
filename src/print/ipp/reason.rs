//! Why a printer is in its state, in words for people.

/// How much a reason matters: what stands behind the keyword's last dash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    Report,
    Warning,
    /// Also without a suffix.
    Error,
}

/// One of a printer's state reasons.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// Without `-report`, `-warning` or `-error`.
    pub keyword: String,
    pub severity: Severity,
}

/// Keyword, plain words, and whether nothing can be printed meanwhile.
const KNOWN: [(&str, &str, bool); 29] = [
    ("media-empty", "out of paper", true),
    ("media-needed", "needs paper", true),
    ("media-jam", "paper jam", true),
    ("media-low", "little paper left", false),
    ("cover-open", "a cover is open", true),
    ("door-open", "a door is open", true),
    ("interlock-open", "a cover is open", true),
    ("input-tray-missing", "the paper tray is missing", true),
    ("output-tray-missing", "the output tray is missing", true),
    ("output-area-full", "the output tray is full", true),
    ("output-area-almost-full", "the output tray is almost full", false),
    ("marker-supply-empty", "out of ink or ribbon", true),
    ("marker-supply-low", "little ink or ribbon left", false),
    ("marker-waste-full", "the waste tank is full", true),
    ("marker-waste-almost-full", "the waste tank is almost full", false),
    ("toner-empty", "out of toner", true),
    ("toner-low", "little toner left", false),
    ("developer-empty", "out of developer", true),
    ("fuser-over-temp", "the fuser is too hot", true),
    ("spool-area-full", "its memory is full", true),
    ("paused", "paused at the printer", true),
    ("moving-to-paused", "pausing", true),
    ("shutdown", "switched off", true),
    ("offline", "offline", true),
    ("connecting-to-device", "the queue is looking for its printer", false),
    ("timed-out", "the queue's printer does not answer", true),
    ("stopping", "stopping", true),
    ("stopped-partly", "partly stopped", false),
    ("hold-new-jobs", "holds new jobs back", true),
];

impl Reason {
    /// `None` for `none`, which is there when nothing is the matter.
    pub(super) fn read(written: &str) -> Option<Reason> {
        if written == "none" || written.is_empty() {
            return None;
        }
        let suffixes = [("-report", Severity::Report), ("-warning", Severity::Warning), ("-error", Severity::Error)];
        let (keyword, severity) = suffixes
            .iter()
            .find_map(|(suffix, severity)| Some((written.strip_suffix(suffix)?, *severity)))
            .unwrap_or((written, Severity::Error));
        Some(Reason { keyword: keyword.to_string(), severity })
    }

    /// Nothing can be printed until a person has been there. A mere report does not say so.
    pub fn blocks(&self) -> bool {
        let known = KNOWN.iter().any(|(keyword, _, blocks)| *keyword == self.keyword && *blocks);
        known && self.severity > Severity::Report
    }

    /// For people; the keyword itself where we have no words for it.
    pub fn words(&self) -> String {
        let known = KNOWN.iter().find(|(keyword, ..)| *keyword == self.keyword);
        known.map_or_else(|| self.keyword.replace('-', " "), |(_, words, _)| (*words).to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suffixes_are_taken_off() {
        let empty = Reason::read("media-empty-error").unwrap();
        assert_eq!(
            (empty.keyword.as_str(), empty.words().as_str(), empty.blocks()),
            ("media-empty", "out of paper", true)
        );
        assert_eq!(Reason::read("media-empty").unwrap(), empty);
        assert_eq!(Reason::read("none"), None);
        let own = Reason::read("com.example-drum-odd-warning").unwrap();
        assert_eq!((own.words().as_str(), own.blocks()), ("com.example drum odd", false));
    }

    #[test]
    fn what_is_only_reported_or_low_does_not_block() {
        assert!(!Reason::read("media-empty-report").unwrap().blocks());
        assert!(Reason::read("media-empty-warning").unwrap().blocks());
        assert!(!Reason::read("marker-supply-low-warning").unwrap().blocks());
        for keyword in ["media-needed", "media-jam", "cover-open", "marker-supply-empty", "paused", "offline"] {
            assert!(Reason::read(keyword).unwrap().blocks(), "{keyword}");
        }
    }
}
