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

/// What cannot be printed because of a reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keeps {
    Nothing,
    /// Sheets for the tray that it speaks of: a printer has several, and does not say which.
    OneTray,
    Everything,
}

/// Keyword, plain words, and what cannot be printed meanwhile.
const KNOWN: [(&str, &str, Keeps); 29] = [
    ("media-empty", "out of paper", Keeps::OneTray),
    ("media-needed", "needs paper", Keeps::OneTray),
    ("media-jam", "paper jam", Keeps::Everything),
    ("media-low", "little paper left", Keeps::Nothing),
    ("cover-open", "a cover is open", Keeps::Everything),
    ("door-open", "a door is open", Keeps::Everything),
    ("interlock-open", "a cover is open", Keeps::Everything),
    ("input-tray-missing", "the paper tray is missing", Keeps::OneTray),
    ("output-tray-missing", "the output tray is missing", Keeps::Everything),
    ("output-area-full", "the output tray is full", Keeps::Everything),
    ("output-area-almost-full", "the output tray is almost full", Keeps::Nothing),
    ("marker-supply-empty", "out of ink or ribbon", Keeps::Everything),
    ("marker-supply-low", "little ink or ribbon left", Keeps::Nothing),
    ("marker-waste-full", "the waste tank is full", Keeps::Everything),
    ("marker-waste-almost-full", "the waste tank is almost full", Keeps::Nothing),
    ("toner-empty", "out of toner", Keeps::Everything),
    ("toner-low", "little toner left", Keeps::Nothing),
    ("developer-empty", "out of developer", Keeps::Everything),
    ("fuser-over-temp", "the fuser is too hot", Keeps::Everything),
    ("spool-area-full", "its memory is full", Keeps::Everything),
    ("paused", "paused at the printer", Keeps::Everything),
    ("moving-to-paused", "pausing", Keeps::Everything),
    ("shutdown", "switched off", Keeps::Everything),
    ("offline", "offline", Keeps::Everything),
    ("connecting-to-device", "the queue is looking for its printer", Keeps::Nothing),
    ("timed-out", "the queue's printer does not answer", Keeps::Everything),
    ("stopping", "stopping", Keeps::Everything),
    ("stopped-partly", "partly stopped", Keeps::Nothing),
    ("hold-new-jobs", "holds new jobs back", Keeps::Everything),
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

    /// What it keeps from printing as long as the printer itself goes on. It does so after a warning: an empty second
    /// tray, a cartridge that it calls empty and prints with.
    pub fn keeps(&self) -> Keeps {
        if self.severity == Severity::Error { self.is_about() } else { Keeps::Nothing }
    }

    /// Whether it may be what has stopped a printer.
    pub(super) fn may_stop(&self) -> bool {
        self.is_about() != Keeps::Nothing && self.severity > Severity::Report
    }

    fn is_about(&self) -> Keeps {
        KNOWN.iter().find(|(keyword, ..)| *keyword == self.keyword).map_or(Keeps::Nothing, |(.., keeps)| *keeps)
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
            (empty.keyword.as_str(), empty.words().as_str(), empty.keeps()),
            ("media-empty", "out of paper", Keeps::OneTray)
        );
        assert_eq!(Reason::read("media-empty").unwrap(), empty);
        assert_eq!(Reason::read("none"), None);
        let own = Reason::read("com.example-drum-odd-warning").unwrap();
        assert_eq!((own.words().as_str(), own.keeps()), ("com.example drum odd", Keeps::Nothing));
    }

    #[test]
    fn a_warning_keeps_nothing_from_printing_and_may_be_what_stopped_it() {
        for keyword in ["media-jam", "cover-open", "marker-supply-empty", "toner-empty", "paused", "offline"] {
            let reason = |suffix: &str| Reason::read(&format!("{keyword}{suffix}")).unwrap();
            assert_eq!((reason("").keeps(), reason("-error").keeps()), (Keeps::Everything, Keeps::Everything));
            assert_eq!(
                (reason("-warning").keeps(), reason("-warning").may_stop()),
                (Keeps::Nothing, true),
                "{keyword}"
            );
            assert_eq!((reason("-report").keeps(), reason("-report").may_stop()), (Keeps::Nothing, false), "{keyword}");
        }
        assert_eq!(Reason::read("media-needed").unwrap().keeps(), Keeps::OneTray);
        let low = Reason::read("marker-supply-low-warning").unwrap();
        assert_eq!((low.keeps(), low.may_stop()), (Keeps::Nothing, false));
    }
}
