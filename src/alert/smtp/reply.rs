//! What a mail server's reply is about: whom it is for, this mail, or us.
//!
//! Owns: only what is said of a recipient or of the mail itself is for good. Servers put off what they object to in us, our
//! name, our address, our login, until they are told a recipient, so that the step alone does not tell; the enhanced status
//! code (RFC 3463) does.

use std::fmt;

use crate::model::limits::REPLY_SHOWN_CHARS;

/// A whole reply of one or more lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reply {
    pub(super) code: u16,
    /// Subject and detail of its enhanced status code, where it has one: `5.1.2` is `(1, 2)`.
    pub(super) status: Option<(u16, u16)>,
    text: String,
}

/// Where in the conversation something was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    Recipient,
    /// `DATA`: nothing of the mail was said yet.
    Data,
    /// The final dot.
    Content,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum About {
    Recipient,
    Mail,
    /// Who we are, what we may, how we ask: no other mail would fare better.
    Us,
}

impl Reply {
    /// Of lines without their ends. `None` where they are no reply.
    pub(super) fn of(lines: &[String]) -> Option<Reply> {
        let code = |line: &String| line.get(..3).and_then(|code| code.parse::<u16>().ok());
        let first = code(lines.first()?).filter(|code| (200..600).contains(code))?;
        if lines.iter().any(|line| code(line) != Some(first)) {
            return None;
        }
        let texts: Vec<&str> = lines.iter().map(|line| line.get(4..).unwrap_or_default()).collect();
        Some(Reply { code: first, status: texts.first().and_then(|text| status(text)), text: texts.join(" ") })
    }

    pub(super) fn is_fine(&self) -> bool {
        (200..300).contains(&self.code)
    }

    pub(super) fn is_permanent(&self) -> bool {
        self.code >= 500
    }

    /// What is refused by it. Without an enhanced code the step and the plain code decide (RFC 5321, 4.2.3).
    pub(super) fn about(&self, step: Step) -> About {
        // Asked to log in, or not understood, whatever else it says.
        if matches!(self.code, 500 | 502..=504 | 530 | 534 | 535 | 538) {
            return About::Us;
        }
        match self.status {
            Some(status) => by_status(step, status),
            None => by_code(step, self.code),
        }
    }
}

fn by_status(step: Step, status: (u16, u16)) -> About {
    match status {
        (1, 1..=6 | 9 | 10) | (2, 0..=2 | 4) => About::Recipient,
        // Too large, or with a body that the server cannot take.
        (2, 3) | (3, 4) | (6, _) => About::Mail,
        // After the body it is said of what stands in it.
        (7, 1) if step == Step::Content => About::Mail,
        _ => About::Us,
    }
}

fn by_code(step: Step, code: u16) -> About {
    match (step, code) {
        (Step::Content, _) => About::Mail,
        (Step::Recipient, 501 | 550..=553 | 556) => About::Recipient,
        (Step::Recipient | Step::Data, _) => About::Us,
    }
}

/// `5.1.1` at the beginning of a text.
fn status(text: &str) -> Option<(u16, u16)> {
    let word = text.split_whitespace().next()?;
    let numbers: Vec<u16> = word.split('.').map(str::parse).collect::<Result<_, _>>().ok()?;
    match numbers.as_slice() {
        [2 | 4 | 5, subject, detail] => Some((*subject, *detail)),
        _ => None,
    }
}

/// One line, whatever the server says.
impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.code {
            500.. => "permanent error",
            400.. => "transient error",
            _ => "unexpected answer",
        };
        write!(f, "{kind} ({}): {}", self.code, one_line(&self.text))
    }
}

pub(super) fn one_line(text: &str) -> String {
    let plain: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    plain.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(REPLY_SHOWN_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(text: &str) -> Reply {
        Reply::of(&[text.to_string()]).unwrap()
    }

    #[test]
    fn what_is_said_of_us_is_not_said_of_the_client() {
        use About::{Mail, Recipient, Us};
        use Step::{Content, Data};
        for (step, text, about) in [
            (Step::Recipient, "504 5.5.2 <studio-pc>: Helo command rejected: need fully-qualified hostname", Us),
            (Step::Recipient, "553 5.7.1 <studio@larson.example>: Sender address rejected: not owned by user", Us),
            (Step::Recipient, "554 5.7.1 <ada@client.example>: Relay access denied", Us),
            (Step::Recipient, "550 5.7.1 Service unavailable; Client host [203.0.113.7] blocked", Us),
            (Step::Recipient, "550 5.1.8 sender domain not found", Us),
            (Step::Recipient, "553 5.1.7 bad sender", Us),
            (Step::Recipient, "554 relay denied", Us),
            (Step::Recipient, "530 5.7.0 log in first", Us),
            (Step::Recipient, "550 5.1.1 User unknown", Recipient),
            (Step::Recipient, "550 5.1.10 RESOLVER.ADR.RecipientNotFound", Recipient),
            (Step::Recipient, "552 5.2.2 mailbox full", Recipient),
            (Step::Recipient, "550 no such user", Recipient),
            (Step::Recipient, "450 4.1.2 Domain not found", Recipient),
            (Step::Recipient, "451 4.7.1 greylisted", Us),
            (Step::Recipient, "451 come again", Us),
            (
                Content,
                "554 5.2.252 SendAsDenied; studio@larson.example not allowed to send as other@larson.example",
                Us,
            ),
            (Content, "550 5.7.30 Basic authentication is not supported for Client Submission", Us),
            (Content, "550 5.4.5 Daily user sending limit exceeded", Us),
            (Content, "554 5.7.1 looks like spam", Mail),
            (Content, "552 5.3.4 Message size exceeds fixed limit", Mail),
            (Content, "552 too large", Mail),
            (Data, "550 5.7.1 client host rejected", Us),
            (Data, "554 no valid recipients", Us),
            (Content, "503 5.5.1 what", Us),
        ] {
            assert_eq!(reply(text).about(step), about, "{text}");
        }
    }

    #[test]
    fn a_reply_has_one_code_and_becomes_one_line() {
        let lines = ["550-5.1.1 nobody\u{1b}[0m".to_string(), "550 5.1.1 of that name".to_string()];
        let told = Reply::of(&lines).unwrap();
        assert_eq!(told.to_string(), "permanent error (550): 5.1.1 nobody [0m 5.1.1 of that name");
        assert_eq!(told.status, Some((1, 1)));
        for wrong in [vec![], vec!["ok"], vec!["99 x"], vec!["600 x"], vec!["250-a", "550 b"], vec!["25ö x"]] {
            assert_eq!(Reply::of(&wrong.iter().map(ToString::to_string).collect::<Vec<_>>()), None, "{wrong:?}");
        }
        assert_eq!(reply("250").status, None);
        assert_eq!(reply("550 10.0.0.1 is listed").status, None);
    }
}
