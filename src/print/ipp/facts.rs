//! What a printer says about itself.

use super::answer::Attributes;
use super::media::PrinterMedia;
use super::paper::Paper;
use super::reason::{Keeps, Reason};

const CREATE_JOB: i32 = 0x0005;
const SEND_DOCUMENT: i32 = 0x0006;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PrinterState {
    Idle,
    Printing,
    /// It prints nothing until somebody has been there.
    Stopped,
    /// It does not say, or something that is no state.
    Unknown,
}

/// A printer at one moment. What it does not say is `None` or empty; nothing is guessed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PrinterFacts {
    /// Which device or queue this is, over restarts.
    pub uuid: Option<String>,
    pub make: Option<String>,
    /// Seconds since it was started: smaller than before means restarted. CUPS hands out the time of day instead.
    pub up_time_s: Option<u32>,
    pub state: PrinterState,
    pub reasons: Vec<Reason>,
    pub accepting: bool,
    pub queued_jobs: u32,
    pub media: PrinterMedia,
    /// MIME types of documents; empty when it does not say.
    pub formats: Vec<String>,
    /// Values of `print-color-mode`.
    pub color_modes: Vec<String>,
    /// Values of `print-quality`: 3 draft, 4 normal, 5 high.
    pub qualities: Vec<i32>,
    /// Values of `print-scaling`.
    pub scalings: Vec<String>,
    /// Most copies of one job; `None` when it does not say.
    pub max_copies: Option<u32>,
    /// Create-Job and Send-Document. Without them a job and its document are one request.
    pub has_create_job: bool,
    /// A queue such as one of CUPS: what it calls completed was handed on, and need not be printed.
    pub is_spooler: bool,
}

/// What is asked for. A printer that ignores the list sends everything, within the bounds of an answer.
pub(super) const REQUESTED: [&str; 30] = [
    "printer-uuid",
    "printer-make-and-model",
    "printer-up-time",
    "printer-state",
    "printer-state-reasons",
    "printer-is-accepting-jobs",
    "queued-job-count",
    "operations-supported",
    "document-format-supported",
    "print-color-mode-supported",
    "print-quality-supported",
    "print-scaling-supported",
    "copies-supported",
    "media-supported",
    "media-size-supported",
    "media-col-supported",
    "media-type-supported",
    "media-source-supported",
    "media-col-ready",
    "media-ready",
    "media-bottom-margin-supported",
    "media-left-margin-supported",
    "media-right-margin-supported",
    "media-top-margin-supported",
    // What only spoolers have.
    "cups-version",
    "printer-type",
    "device-uri",
    "printer-is-shared",
    "printer-is-temporary",
    "member-names",
];

impl PrinterFacts {
    /// `None` when there is no state in it: then it is no printer that answers.
    pub(super) fn read(printer: Attributes<'_>) -> Option<PrinterFacts> {
        let state = match printer.int("printer-state") {
            Some(3) => PrinterState::Idle,
            Some(4) => PrinterState::Printing,
            Some(5) => PrinterState::Stopped,
            _ if printer.has("printer-state") => PrinterState::Unknown,
            _ => return None,
        };
        let operations = printer.ints("operations-supported");
        let does = |operation| operations.contains(&operation);
        Some(PrinterFacts {
            uuid: printer.text("printer-uuid"),
            make: printer.text("printer-make-and-model"),
            up_time_s: printer.count("printer-up-time"),
            state,
            reasons: printer.texts("printer-state-reasons").iter().filter_map(|r| Reason::read(r)).collect(),
            accepting: printer.flag("printer-is-accepting-jobs").unwrap_or(true),
            queued_jobs: printer.count("queued-job-count").unwrap_or(0),
            media: PrinterMedia::read(printer),
            formats: printer.texts("document-format-supported"),
            color_modes: printer.texts("print-color-mode-supported"),
            qualities: printer.ints("print-quality-supported"),
            scalings: printer.texts("print-scaling-supported"),
            max_copies: printer.range("copies-supported").and_then(|(_, max)| u32::try_from(max).ok()),
            has_create_job: does(CREATE_JOB) && does(SEND_DOCUMENT),
            is_spooler: ["cups-version", "device-uri", "printer-type", "member-names"].iter().any(|n| printer.has(n)),
        })
    }

    /// Whether a document of this type can be sent; a printer that does not say gets it.
    pub fn takes_format(&self, format: &str) -> bool {
        self.formats.is_empty() || self.formats.iter().any(|known| known.eq_ignore_ascii_case(format))
    }

    /// Why nothing can be printed on it now, in plain words; empty when something can.
    pub fn blocked_by(&self) -> Vec<String> {
        let is_stopped = self.state == PrinterState::Stopped;
        let says_what_is_loaded = !self.media.ready.is_empty();
        let blocks = |reason: &&Reason| match reason.keeps() {
            _ if is_stopped => reason.may_stop(),
            Keeps::Everything => true,
            Keeps::OneTray => !says_what_is_loaded,
            Keeps::Nothing => false,
        };
        let mut words: Vec<String> = self.reasons.iter().filter(blocks).map(Reason::words).collect();
        if is_stopped && words.is_empty() {
            words.extend(self.reasons.iter().map(Reason::words));
            if words.is_empty() {
                words.push("stopped".into());
            }
        }
        if !self.accepting {
            words.push("accepts no jobs".into());
        }
        words
    }

    /// Why a sheet on this paper cannot be printed on it now. A tray that is empty matters to what would come out of it.
    pub fn kept_from(&self, paper: &Paper) -> Option<String> {
        let blocked = self.blocked_by();
        if !blocked.is_empty() {
            return Some(blocked.join(", "));
        }
        let reason = self.reasons.iter().find(|reason| reason.keeps() == Keeps::OneTray)?;
        (!self.media.has_loaded(paper)).then(|| format!("{}: no {paper} is loaded", reason.words()))
    }
}

#[cfg(test)]
mod tests {
    use ipp::model::DelimiterTag;
    use ipp::value::IppValue;

    use super::super::answer::tests::{answer, keyword};
    use super::*;

    fn read(attributes: &[(&str, IppValue)]) -> Option<PrinterFacts> {
        let tag = DelimiterTag::PrinterAttributes;
        answer(tag, attributes).group(tag).and_then(PrinterFacts::read)
    }

    #[test]
    fn a_printer_that_says_little_is_read_with_little() {
        let facts = read(&[("printer-state", IppValue::Enum(3))]).unwrap();
        assert!(facts.accepting && !facts.has_create_job && !facts.is_spooler);
        assert_eq!((facts.uuid.as_deref(), facts.up_time_s, facts.queued_jobs), (None, None, 0));
        assert!(facts.takes_format("image/jpeg") && facts.blocked_by().is_empty());
        assert_eq!(read(&[("printer-name", keyword("x"))]), None);
    }

    #[test]
    fn a_stopped_printer_says_why() {
        let why = |reasons: &[&str], state, accepting| {
            let reasons = IppValue::Array(reasons.iter().map(|r| keyword(r)).collect());
            let facts = [
                ("printer-state", IppValue::Enum(state)),
                ("printer-state-reasons", reasons),
                ("printer-is-accepting-jobs", IppValue::Boolean(accepting)),
            ];
            read(&facts).unwrap().blocked_by()
        };
        assert_eq!(why(&["media-empty-error", "marker-supply-low-report"], 5, true), ["out of paper"]);
        assert_eq!(why(&["marker-supply-low-report"], 3, true), Vec::<String>::new());
        assert_eq!(why(&["com.example-odd"], 5, true), ["com.example odd"]);
        assert_eq!(why(&["none"], 5, false), ["stopped", "accepts no jobs"]);
    }

    #[test]
    fn what_an_idle_printer_only_warns_of_stops_nothing_and_an_empty_tray_only_its_own_paper() {
        let sheet = Paper::of_size(10160, 15240);
        let size = |x: i32, y: i32| {
            let member = |name: &str, length: i32| (name.try_into().unwrap(), IppValue::Integer(length));
            let size = IppValue::Collection([member("x-dimension", x), member("y-dimension", y)].into_iter().collect());
            IppValue::Collection([("media-size".try_into().unwrap(), size)].into_iter().collect())
        };
        let kept = |reason: &str, state, loaded: &[IppValue]| {
            let mut facts = vec![("printer-state", IppValue::Enum(state)), ("printer-state-reasons", keyword(reason))];
            if !loaded.is_empty() {
                facts.push(("media-col-ready", IppValue::Array(loaded.to_vec())));
            }
            read(&facts).unwrap().kept_from(&sheet)
        };
        let (both, other) = ([size(20320, 25400), size(15240, 10160)], [size(20320, 25400)]);
        for warning in ["media-empty-warning", "marker-supply-empty-warning", "cover-open-warning", "media-jam-report"]
        {
            assert_eq!(kept(warning, 3, &both), None, "{warning}");
            assert_eq!(kept(warning, 4, &[]), None, "{warning}");
        }
        for empty in ["media-empty", "media-empty-error", "media-needed-error"] {
            assert_eq!(kept(empty, 3, &both), None, "{empty}");
            assert!(kept(empty, 3, &other).unwrap().contains("no 4x6in is loaded"), "{empty}");
            // It may be its only tray.
            assert!(kept(empty, 3, &[]).is_some() && kept(empty, 5, &both).is_some(), "{empty}");
        }
        assert_eq!(kept("media-empty-warning", 5, &both).as_deref(), Some("out of paper"));
        assert_eq!(kept("marker-supply-empty-error", 3, &both).as_deref(), Some("out of ink or ribbon"));
    }

    #[test]
    fn a_queue_is_known_by_what_only_queues_have() {
        let state = ("printer-state", IppValue::Enum(3));
        let version = ("cups-version", IppValue::new_text_without_language("2.4.2").unwrap());
        assert!(read(&[state.clone(), version]).unwrap().is_spooler);
        let operations = IppValue::Array([2, 5, 6, 9, 10, 11].map(IppValue::Enum).to_vec());
        assert!(read(&[state.clone(), ("operations-supported", operations)]).unwrap().has_create_job);
        assert!(!read(&[state, ("operations-supported", IppValue::Enum(5))]).unwrap().has_create_job);
    }

    #[test]
    fn values_that_lie_about_their_type_are_left_out() {
        let facts = read(&[
            ("printer-state", keyword("idle")),
            ("printer-up-time", IppValue::Integer(-5)),
            ("queued-job-count", keyword("many")),
            ("copies-supported", IppValue::RangeOfInteger { min: 1, max: -9 }),
            ("printer-state-reasons", IppValue::Integer(3)),
        ])
        .unwrap();
        assert_eq!((facts.state, facts.up_time_s, facts.queued_jobs), (PrinterState::Unknown, None, 0));
        assert_eq!((facts.max_copies, facts.reasons.len()), (None, 0));
    }
}
