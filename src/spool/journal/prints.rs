//! What a journal knows of prints: how far each sheet is on its way to paper.
//!
//! Owns: an attempt is closed before the next one begins, and what is printed stays printed.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::keyword;

/// Written down before anything of a sheet leaves: enough to find it again at its printer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PrintIntent {
    /// From 1. The same one again where the printer has surely never heard of it.
    pub attempt: u32,
    pub printer: String,
    /// Its address, folder or program.
    pub endpoint: String,
    /// Unique; it is in the name of the printer's job.
    pub token: String,
    pub copies: u32,
    /// Copies that come after these, in attempts of their own: its printer takes no more at a time.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub left: u32,
    pub bytes: u64,
    pub sha256: String,
    /// What the printer said of itself just before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub printer_uuid: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub up_time_s: Option<u64>,
    /// It only passes sheets on: what it calls completed is not printed yet.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_spooler: bool,
    /// Of a folder printer: all copies are one file, or each is one. Decided once: the config may say otherwise before the
    /// last copy has its place. An earlier version did not write it down.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_one_file: Option<bool>,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde wants it")]
fn is_zero(copies: &u32) -> bool {
    *copies == 0
}

/// What the printer calls the unit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PrinterJob {
    pub id: i32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uuid: Option<String>,
}

keyword! {
    /// How far a print is, as far as it is known.
    pub enum PrintState {
        Rendered = "rendered", Sent = "sent", Accepted = "accepted", Printed = "printed", Uncertain = "uncertain",
    }
}

/// One event of a print.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "print", rename_all = "snake_case")]
pub enum PrintEvent {
    /// Nothing has left yet.
    Intended(PrintIntent),
    /// The printer made a job of it, which may have no document yet.
    Created(PrinterJob),
    /// The printer has the whole document.
    Sent,
    /// It was seen printing it: written down for a printer that forgets a job when it has ended.
    Begun,
    /// A copy is about to get its name in the folder of a folder printer.
    Placing { copy: u32 },
    /// The copy stood there.
    Placed { copy: u32 },
    /// Provably nothing came out of the attempt: another one may be made, also elsewhere.
    Aborted {
        text: String,
        /// The printer had the document in hand, and gave it up or would not have it. An earlier version did not say so.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        in_vain: bool,
    },
    /// Nobody knows what came of it: a person is asked.
    Doubted { text: String },
    /// A person has said how many copies of it lie there.
    Answered { printed: u32 },
    /// All that will ever be known of these copies; where others are left it goes on with them.
    Ended { state: PrintState },
    /// The job was cancelled when so many copies were in the folder of its printer: the others are not sent.
    Cut { printed: u32 },
    /// The job was cancelled before anything of it left.
    Dropped,
}

/// What is known of one print.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PrintRun {
    pub attempts: u32,
    /// Of the attempt that is open or ended, and when it was made.
    pub intent: Option<(Timestamp, PrintIntent)>,
    pub job: Option<PrinterJob>,
    pub sent: Option<Timestamp>,
    /// Its printer was seen printing it.
    pub begun: bool,
    /// Copies at a folder printer; true for one that stood there.
    pub placed: BTreeMap<u32, bool>,
    pub doubt: Option<String>,
    /// Copies that lie there from earlier attempts.
    pub printed: u32,
    /// How often in a row a printer had the document in hand and nothing came of it.
    pub in_vain: u32,
    /// Where its paper comes from: the printer of the attempt that is open or ended, else of copies that lie there.
    pub printer: Option<String>,
    pub ended: Option<(Timestamp, PrintState)>,
    pub dropped: bool,
    /// Why the last attempt came to nothing.
    pub aborted: Option<String>,
}

impl PrintRun {
    pub(super) fn apply(&mut self, at: Timestamp, event: PrintEvent) {
        if self.ended.is_some() {
            return;
        }
        match event {
            PrintEvent::Intended(intent) => {
                self.close();
                self.attempts = self.attempts.max(intent.attempt);
                self.printer = Some(intent.printer.clone());
                self.intent = Some((at, intent));
            }
            PrintEvent::Created(job) => self.job = Some(job),
            PrintEvent::Sent => self.sent = self.sent.or(Some(at)),
            PrintEvent::Begun => self.begun = true,
            PrintEvent::Placing { copy } => drop(self.placed.entry(copy).or_insert(false)),
            PrintEvent::Placed { copy } => drop(self.placed.insert(copy, true)),
            PrintEvent::Aborted { text, in_vain } => {
                self.close();
                self.in_vain += u32::from(in_vain);
                self.aborted = Some(text);
            }
            PrintEvent::Doubted { text } => self.doubt = Some(text),
            PrintEvent::Answered { printed } => {
                let wanted = self.intent.as_ref().map_or(0, |(_, intent)| intent.copies.saturating_add(intent.left));
                if printed >= wanted {
                    self.doubt = None;
                    self.ended = Some((at, PrintState::Printed));
                } else {
                    self.keep(printed);
                }
            }
            PrintEvent::Ended { state } => match &self.intent {
                Some((_, intent)) if intent.left > 0 => {
                    let copies = intent.copies;
                    self.keep(copies);
                }
                _ => {
                    self.doubt = None;
                    self.ended = Some((at, state));
                }
            },
            PrintEvent::Cut { printed } => self.keep(printed),
            PrintEvent::Dropped => self.dropped = true,
        }
    }

    /// The job is tried again: what had been left out for its end leaves after all.
    pub(super) fn try_again(&mut self) {
        self.dropped = false;
    }

    /// So many copies lie there, and others are to follow.
    fn keep(&mut self, copies: u32) {
        self.printed += copies;
        if copies > 0 {
            self.in_vain = 0;
        }
        self.close();
        self.aborted = None;
    }

    fn close(&mut self) {
        self.intent = None;
        self.job = None;
        self.sent = None;
        self.begun = false;
        self.placed.clear();
        self.doubt = None;
        if self.printed == 0 {
            self.printer = None;
        }
    }

    /// Something of it may have left, and its end is not known.
    pub fn is_open(&self) -> bool {
        self.intent.is_some() && self.ended.is_none()
    }

    /// No copy of it lies anywhere, and none may come out any more.
    pub fn is_unsent(&self) -> bool {
        !self.is_open() && !self.is_over() && self.printed == 0
    }

    pub fn is_over(&self) -> bool {
        self.ended.is_some() || (self.dropped && self.intent.is_none())
    }

    pub fn state(&self) -> PrintState {
        match (&self.ended, &self.doubt) {
            (Some((_, state)), _) => *state,
            (None, Some(_)) => PrintState::Uncertain,
            (None, None) if self.sent.is_some() || self.placed.values().any(|stood| *stood) || self.printed > 0 => {
                PrintState::Sent
            }
            (None, None) if self.intent.is_some() => PrintState::Uncertain,
            (None, None) => PrintState::Rendered,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(events: &[PrintEvent]) -> PrintRun {
        let mut run = PrintRun::default();
        for event in events {
            run.apply(Timestamp::UNIX_EPOCH, event.clone());
        }
        run
    }

    #[test]
    fn what_came_to_nothing_is_counted_until_copies_come_out() {
        let vain = |in_vain| PrintEvent::Aborted { text: "no".into(), in_vain };
        let twice = [intended(1, "a"), vain(true), intended(2, "a"), vain(false), intended(3, "b"), vain(true)];
        assert_eq!(run(&twice).in_vain, 2, "one was never in its printer's hand");
        let answered = PrintEvent::Answered { printed: 0 };
        let out = [&twice[..], &[intended(4, "b"), PrintEvent::Cut { printed: 1 }]].concat();
        assert_eq!((run(&[&twice[..], &[answered]].concat()).in_vain, run(&out).in_vain), (2, 0));
        // As an earlier version wrote it, and as this one does where there is nothing new to say.
        let old = r#"{"print":"aborted","text":"no"}"#;
        assert_eq!(serde_json::from_str::<PrintEvent>(old).unwrap(), vain(false));
        assert_eq!(serde_json::to_string(&vain(false)).unwrap(), old);
    }

    #[test]
    fn what_was_seen_printing_is_another_attempt_s_when_that_begins() {
        let seen = [intended(1, "a"), PrintEvent::Sent, PrintEvent::Begun];
        assert!(run(&seen).begun);
        assert!(!run(&[&seen[..], &[intended(2, "a")]].concat()).begun);
    }

    fn intended(attempt: u32, printer: &str) -> PrintEvent {
        PrintEvent::Intended(PrintIntent {
            attempt,
            printer: printer.into(),
            endpoint: String::new(),
            token: String::new(),
            copies: 3,
            left: 0,
            bytes: 1,
            sha256: String::new(),
            printer_uuid: None,
            up_time_s: None,
            is_spooler: false,
            in_one_file: None,
        })
    }

    #[test]
    fn a_print_is_of_the_printer_that_its_paper_comes_from() {
        let at = |events: &[PrintEvent]| run(events).printer;
        let (aborted, ended) = (
            PrintEvent::Aborted { text: String::new(), in_vain: true },
            PrintEvent::Ended { state: PrintState::Printed },
        );
        let answered = |printed| PrintEvent::Answered { printed };
        assert_eq!(at(&[intended(1, "a")]).as_deref(), Some("a"));
        assert_eq!(at(&[intended(1, "a"), ended]).as_deref(), Some("a"));
        assert_eq!(at(&[intended(1, "a"), aborted.clone()]), None, "nothing came out of it");
        assert_eq!(at(&[intended(1, "a"), answered(0)]), None);
        assert_eq!(at(&[intended(1, "a"), answered(1)]).as_deref(), Some("a"), "a copy lies there");
        assert_eq!(at(&[intended(1, "a"), aborted, intended(2, "b")]).as_deref(), Some("b"));
    }

    #[test]
    fn a_part_that_has_come_to_its_end_leaves_the_rest() {
        let part = |attempt, left| match intended(attempt, "a") {
            PrintEvent::Intended(intent) => PrintEvent::Intended(PrintIntent { left, ..intent }),
            other => other,
        };
        let ended = || PrintEvent::Ended { state: PrintState::Printed };
        let one = run(&[part(1, 4), ended()]);
        assert_eq!((one.printed, one.is_over(), one.is_open(), one.in_vain), (3, false, false, 0));
        let doubted = [part(1, 4), PrintEvent::Doubted { text: String::new() }, PrintEvent::Answered { printed: 3 }];
        assert_eq!(
            (run(&doubted).printed, run(&doubted).is_over()),
            (3, false),
            "all of the part, and not of the print"
        );
        let all = run(&[part(1, 4), ended(), part(2, 1), ended(), part(3, 0), ended()]);
        assert_eq!((all.state(), all.is_over(), all.attempts), (PrintState::Printed, true, 3));
        // A journal of the version before knows of no parts.
        let text = serde_json::to_string(&part(1, 0)).unwrap();
        assert!(!text.contains("left") && serde_json::from_str::<PrintEvent>(&text).unwrap() == part(1, 0), "{text}");
    }
}
