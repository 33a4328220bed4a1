//! The mail of a link: what is decided about it once, and what came of handing it over.
//!
//! Owns: a mail that the server may have taken is sent again few times and far between, over restarts too, and then a person
//! is asked.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// So often a mail is handed over without an answer before a person is asked whether it came.
const DOUBTS_MAX: u32 = 3;

/// What came of handing a mail over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "mail", rename_all = "snake_case")]
pub enum MailEvent {
    /// Before the final dot of the mail is sent. Without a word of what came of it, the mail server may have taken it.
    Closing,
    /// The mail server has not taken it after all.
    NotTaken,
    /// The mail server was given all of it and did not say whether it took it.
    Doubted,
    /// The mail server does not take it now, for a reason of its recipient's.
    PutOff,
    /// What a person has said of one in doubt.
    Answered { arrived: bool },
}

/// The mail of a link; what it is and whom it goes to is decided once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkMail {
    pub message_id: String,
    pub to: Vec<String>,
    pub at: Timestamp,
    pub sent: Option<Timestamp>,
    /// How often nobody knew whether the mail server took it.
    pub doubts: u32,
    /// When that was last.
    pub doubted: Option<Timestamp>,
    /// A handover whose outcome is not known.
    closing: Option<Closing>,
    /// From so many on a person is asked.
    asks_from: u32,
    /// Since when the mail server does not take it for a reason of its recipient's.
    pub put_off: Option<Timestamp>,
}

/// What was known before the final dot, and is again when the mail server has not taken the mail.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Closing {
    doubted: Option<Timestamp>,
}

impl LinkMail {
    pub(super) fn new(message_id: String, to: Vec<String>, at: Timestamp) -> LinkMail {
        LinkMail {
            message_id,
            to,
            at,
            sent: None,
            doubts: 0,
            doubted: None,
            closing: None,
            asks_from: DOUBTS_MAX,
            put_off: None,
        }
    }

    pub(super) fn apply(&mut self, at: Timestamp, event: MailEvent) {
        match event {
            MailEvent::Closing => {
                self.closing = Some(Closing { doubted: self.doubted });
                self.doubts += 1;
                self.doubted = Some(at);
            }
            MailEvent::NotTaken => {
                if let Some(Closing { doubted }) = self.closing.take() {
                    self.doubts -= 1;
                    self.doubted = doubted;
                }
            }
            MailEvent::Doubted => {
                // Counted before the dot, but for one that an earlier version has handed over.
                self.doubts += u32::from(self.closing.take().is_none());
                self.doubted = Some(at);
            }
            MailEvent::PutOff => self.put_off = self.put_off.or(Some(at)),
            MailEvent::Answered { arrived: true } => self.sent = self.sent.or(Some(at)),
            // Once more, and if that is in doubt, too, the next question.
            MailEvent::Answered { arrived: false } => {
                self.doubted = None;
                self.closing = None;
                self.asks_from = self.doubts + 1;
            }
        }
    }

    /// The mail server may have it, and what it said is not noted.
    pub fn is_closing(&self) -> bool {
        self.closing.is_some()
    }

    /// Only a person can say whether it came.
    pub fn asks(&self) -> bool {
        self.sent.is_none() && self.doubts >= self.asks_from
    }

    /// Until when one in doubt is not sent again: for `rest` after the first time, doubled each time.
    pub fn rests_until(&self, rest: Duration) -> Option<Timestamp> {
        let doubled = rest.saturating_mul(1 << self.doubts.saturating_sub(1).min(DOUBTS_MAX));
        self.doubted.map(|doubted| doubted + doubled)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mail_whose_outcome_is_not_known_is_in_doubt() {
        let at = |minutes: i64| Timestamp::from_second(minutes * 60).unwrap();
        let rest = Duration::from_mins(30);
        let mut mail = LinkMail::new("<1@x>".into(), Vec::new(), at(0));
        mail.apply(at(1), MailEvent::Closing);
        assert_eq!((mail.doubts, mail.rests_until(rest)), (1, Some(at(31))), "killed here, it rests");
        mail.apply(at(2), MailEvent::NotTaken);
        assert_eq!((mail.doubts, mail.rests_until(rest)), (0, None), "an answer is an answer");
        mail.apply(at(3), MailEvent::Closing);
        mail.apply(at(4), MailEvent::Doubted);
        assert_eq!((mail.doubts, mail.rests_until(rest)), (1, Some(at(34))));
        mail.apply(at(40), MailEvent::Closing);
        mail.apply(at(110), MailEvent::Closing);
        assert!(mail.asks(), "each of them may have arrived");
    }

    #[test]
    fn a_mail_in_doubt_rests_longer_each_time_and_then_asks() {
        let at = |minutes: i64| Timestamp::from_second(minutes * 60).unwrap();
        let rest = Duration::from_mins(30);
        let mut mail = LinkMail::new("<1@x>".into(), Vec::new(), at(0));
        assert_eq!((mail.rests_until(rest), mail.asks()), (None, false));
        mail.apply(at(1), MailEvent::Doubted);
        assert_eq!((mail.rests_until(rest), mail.asks()), (Some(at(31)), false));
        mail.apply(at(40), MailEvent::Doubted);
        assert_eq!((mail.rests_until(rest), mail.asks()), (Some(at(100)), false));
        mail.apply(at(101), MailEvent::Doubted);
        assert!(mail.asks());
        let mut arrived = mail.clone();
        arrived.apply(at(200), MailEvent::Answered { arrived: true });
        assert_eq!((arrived.sent, arrived.asks()), (Some(at(200)), false));
        mail.apply(at(200), MailEvent::Answered { arrived: false });
        assert_eq!((mail.rests_until(rest), mail.asks(), mail.sent), (None, false, None));
        mail.apply(at(201), MailEvent::Doubted);
        assert!(mail.asks());
        assert!(mail.rests_until(rest) > Some(at(240)));
    }
}
