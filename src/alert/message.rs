//! What a mail says, in the form in which it is sent.
//!
//! Owns: headers have one line each, whatever stands in the names of clients and records; addresses are whole and one.

use jiff::Timestamp;
use lettre::address::Address;
use lettre::message::header::{Header, HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart};

use super::MailError;
use crate::model::digest;
use crate::model::limits::SUBJECT_MAX_CHARS;

/// Tells a mail from every other. One that is sent again keeps it, so that a reader may show it once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessageId(String);

impl MessageId {
    /// The same for the same `of`; the host is that of the sender's address, which is nobody else's.
    pub fn of(of: &str, from: &str) -> MessageId {
        let host = idna::domain_to_ascii(from.rsplit('@').next().unwrap_or_default()).unwrap_or_default();
        let host = if host.is_empty() { "hotfolders.invalid" } else { &host };
        MessageId(format!("<{}@{host}>", &digest::sha256(of.as_bytes())[..32]))
    }

    /// As it was written down when it was made.
    pub fn recorded(text: &str) -> Option<MessageId> {
        let inner = text.strip_prefix('<')?.strip_suffix('>')?;
        let fine = |c: char| c.is_ascii_graphic() && !matches!(c, '<' | '>');
        (inner.split('@').count() == 2 && inner.chars().all(fine)).then(|| MessageId(text.to_string()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A mail, before it is one.
#[derive(Debug, Clone)]
pub struct Message<'a> {
    /// The sender's name: the studio's.
    pub name: Option<&'a str>,
    pub from: &'a str,
    pub reply_to: Option<&'a str>,
    pub to: &'a [String],
    pub subject: &'a str,
    pub text: &'a str,
    pub html: &'a str,
    pub id: &'a MessageId,
    pub at: Timestamp,
}

/// Whom it goes to, and its bytes.
#[derive(Debug)]
pub(super) struct Written {
    pub(super) from: Address,
    /// At least one.
    pub(super) to: Vec<Address>,
    /// Whom it is for and whom no mail can be addressed to, and why.
    pub(super) unusable: Vec<(String, String)>,
    pub(super) bytes: Vec<u8>,
}

/// RFC 3834: no automatic answers, please.
#[derive(Clone)]
struct AutoSubmitted;

impl Header for AutoSubmitted {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(AutoSubmitted)
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), "auto-generated".into())
    }
}

/// One line without what could steer a reader's program: controls, and marks that turn the direction of text.
fn one_line(text: &str) -> String {
    let turns = |c: char| matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let breaks = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}');
    let plain: String = text.chars().filter(|c| !turns(*c)).map(|c| if breaks(c) { ' ' } else { c }).collect();
    let words: Vec<&str> = plain.split_whitespace().collect();
    words.join(" ").chars().take(SUBJECT_MAX_CHARS).collect()
}

/// An address as every mail server can take it: a domain with other letters than ASCII has a form without them (RFC 5890),
/// which is the one that is looked up. What stands before the @ has none.
fn address(text: &str) -> Result<Address, String> {
    let wrong = || format!("`{}` is no mail address", one_line(text));
    let address: Address = text.parse().map_err(|_| wrong())?;
    if address.domain().is_ascii() {
        return Ok(address);
    }
    let domain = idna::domain_to_ascii(address.domain()).map_err(|_| wrong())?;
    Address::new(address.user(), domain).map_err(|_| wrong())
}

/// One that the config names; `what` says where.
pub(super) fn own_address(text: &str, what: &str) -> Result<Address, MailError> {
    address(text).map_err(|why| MailError::NotNow(format!("no mail can be sent: {what}: {why}")))
}

impl Message<'_> {
    /// For those of its recipients whose address is one. What is wrong with the studio's own addresses is no fault of theirs
    /// and can be mended.
    pub(super) fn write(&self) -> Result<Written, MailError> {
        let from = own_address(self.from, "`from` of the `mail` section")?;
        let (mut to, mut unusable) = (Vec::new(), Vec::new());
        for text in self.to {
            match address(text) {
                Ok(address) => to.push(address),
                Err(why) => unusable.push((one_line(text), why)),
            }
        }
        if to.is_empty() {
            let list: Vec<&str> = unusable.iter().map(|(_, why)| why.as_str()).collect();
            return Err(MailError::NoRecipient(list.join("; ")));
        }
        let name = self.name.map(one_line).filter(|name| !name.is_empty());
        let mut builder = lettre::Message::builder()
            .from(Mailbox::new(name, from.clone()))
            .subject(one_line(self.subject))
            .date(self.at.into())
            .message_id(Some(self.id.0.clone()))
            .header(AutoSubmitted);
        for to in &to {
            builder = builder.to(Mailbox::new(None, to.clone()));
        }
        if let Some(reply_to) = self.reply_to {
            builder = builder.reply_to(Mailbox::new(None, own_address(reply_to, "`email` of the `studio` section")?));
        }
        let body = MultiPart::alternative_plain_html(self.text.to_string(), self.html.to_string());
        let message = builder.multipart(body);
        let message = message.map_err(|e| MailError::Refused(format!("the mail cannot be written: {e}")))?;
        Ok(Written { from, to, unusable, bytes: message.formatted() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(subject: &str, name: &str, to: &str) -> Result<String, MailError> {
        let to = [to.to_string()];
        let id = MessageId::of("x", "studio@larson.example");
        let message = Message {
            name: Some(name),
            from: "studio@larson.example",
            reply_to: Some("ask@larson.example"),
            to: &to,
            subject,
            text: "Grüße",
            html: "<p>Grüße</p>",
            id: &id,
            at: Timestamp::UNIX_EPOCH,
        };
        message.write().map(|written| String::from_utf8(written.bytes).unwrap())
    }

    #[test]
    fn nothing_in_a_name_becomes_a_header() {
        let hostile = "Ada\r\nBcc: all@evil.example\r\n\r\n<script>\u{202e}\u{2028}Bcc: x@evil.example\0";
        for (subject, name) in [(hostile, "Larson"), ("Pictures", hostile)] {
            let text = written(subject, name, "ada@larson.example").unwrap();
            let (head, _) = text.split_once("\r\n\r\n").unwrap();
            let names: Vec<&str> = head
                .split("\r\n")
                .filter(|line| !line.starts_with([' ', '\t']))
                .map(|line| line.split_once(':').unwrap().0)
                .collect();
            let expected = [
                "From",
                "Subject",
                "Date",
                "Message-ID",
                "Auto-Submitted",
                "To",
                "Reply-To",
                "MIME-Version",
                "Content-Type",
            ];
            assert_eq!(names, expected, "{text}");
            assert!(!head.contains("\nBcc") && head.is_ascii(), "{head}");
        }
    }

    #[test]
    fn an_address_is_one_address() {
        for wrong in [
            "a@b.example\r\nRCPT TO:<all@evil.example>",
            "a@b.example> <c@d.example",
            "a@b.example, c@d.example",
            "a b@c.example",
            "a@b.example\n",
            "",
        ] {
            let error = written("s", "n", wrong).unwrap_err();
            assert!(matches!(&error, MailError::NoRecipient(why) if why.contains("is no mail address")), "{error}");
        }
        // What the config and the checks of a job let pass can be sent.
        for fine in [
            "ada@larson.example",
            "a.b+c_d'e@larson.example",
            "root@localhost",
            "info@müller.example",
            "jörg@xn--mller-kva.example",
            "a@1.print-2.my_nas",
        ] {
            assert!(crate::model::config::is_mail_address(fine) && written("s", "n", fine).is_ok(), "{fine}");
        }
    }

    #[test]
    fn the_same_mail_has_the_same_id() {
        let id = MessageId::of("20261120-1 d1", "studio@larson.example");
        assert_eq!(id, MessageId::of("20261120-1 d1", "studio@larson.example"));
        assert_ne!(id, MessageId::of("20261120-1 d2", "studio@larson.example"));
        assert!(id.as_str().ends_with("@larson.example>"));
        assert_eq!(MessageId::recorded(id.as_str()), Some(id));
        for wrong in ["", "<>", "<a>", "<a@b", "<a@b>\r\nBcc: x", "<a b@c>", "<a@b@c>"] {
            assert_eq!(MessageId::recorded(wrong), None, "{wrong:?}");
        }
    }
}
