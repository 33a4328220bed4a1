//! Handing a mail to the studio's mail server.
//!
//! Owns: what is said without TLS stays on this machine; every wait has an end; and the difference between *this mail
//! will never be taken*, which is a matter for a person, *not now*, which is waited out, and *nobody knows*, which is not
//! repeated without end. Only what a server says of a recipient or of the message itself is for good: a wrong password, a
//! sender it does not like or a certificate that ran out would stop every mail, so they are mended in one place and no
//! mail fails for them.

mod line;
mod reply;
mod terms;

use std::net::IpAddr;
use std::path::Path;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use lettre::address::Address;

pub use self::terms::{Patience, Recall, Terms};

use self::line::Line;
use self::reply::{About, Reply, Step};
use super::message::{Message, Written, own_address};
use crate::model::config::{Mail, Security};
use crate::trust::{self, Trust};

/// What helps where a refusal would meet every other mail, too.
const OF_US: &str = "that is said of us, not of this mail: look at `from`, `user` and `hello` of the `mail` section";
/// For the goodbye, which decides nothing.
const GOODBYE: Duration = Duration::from_secs(5);
/// The mail is handed over in pieces of this size, each with its own time.
const BLOCK_BYTES: usize = 64 * 1024;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MailError {
    /// The mail server, or our way to it: tried again later.
    #[error("{0}")]
    NotNow(String),
    /// The server does not take mail for this recipient now; others are not concerned. Tried again later.
    #[error("{text}")]
    NotNowFor { to: String, text: String },
    /// It will not be taken however often it is tried.
    #[error("{0}")]
    Refused(String),
    /// The server takes no mail for those whom it is for, or no mail can be addressed to them.
    #[error("{0}")]
    NoRecipient(String),
    /// The server has all of it and did not say whether it took it.
    #[error("{0}")]
    InDoubt(String),
}

/// Who a mail could not be sent to, and what the server said.
pub type Refusal = (String, String);

/// Sends it to all of its recipients, or to none.
pub fn send_to_all(mail: &Mail, message: &Message<'_>, terms: &Terms<'_>) -> Result<(), MailError> {
    transact(mail, message, terms, false).map(drop)
}

/// Sends it to those of its recipients whom the server takes; names the others. An error where it takes none.
pub fn send_to_any(mail: &Mail, message: &Message<'_>, terms: &Terms<'_>) -> Result<Vec<Refusal>, MailError> {
    transact(mail, message, terms, true)
}

/// Whether the server answers, lets us in and takes mail from us: it is asked about a mail from the sender's address to
/// that address, because servers say only then what they have against us. Sends nothing.
pub fn probe(mail: &Mail) -> Result<(), MailError> {
    let terms = Terms::new(Patience::TO_LOOK);
    let mut session = Session::open(mail, &terms)?;
    let from = own_address(&mail.from, "`from` of the `mail` section")?;
    let asked = session.mail_from(&from, &[]).and_then(|()| match session.recipient(&from)? {
        // Nobody has to read what is sent to that address, and whoever is to come again later may come.
        reply if reply.is_permanent() && reply.about(Step::Recipient) == About::Us => Err(session.of_us(&from, &reply)),
        _ => Ok(()),
    });
    session.line.leave(GOODBYE);
    asked
}

fn transact(
    mail: &Mail,
    message: &Message<'_>,
    terms: &Terms<'_>,
    some_are_enough: bool,
) -> Result<Vec<Refusal>, MailError> {
    let written = message.write()?;
    if let Some((_, why)) = written.unusable.first().filter(|_| !some_are_enough) {
        return Err(MailError::NoRecipient(why.clone()));
    }
    let mut session = Session::open(mail, terms)?;
    let result = session.send(&written, some_are_enough);
    // Whether the server says goodbye does not matter.
    session.line.leave(GOODBYE);
    result
}

struct Session<'a> {
    mail: &'a Mail,
    terms: &'a Terms<'a>,
    line: Line,
    /// What the server offers, in capitals.
    offers: Vec<String>,
}

fn not_now(mail: &Mail, what: &str, why: &dyn std::fmt::Display) -> MailError {
    MailError::NotNow(format!("the mail server {}: {what}: {why}", mail.smtp.written))
}

impl<'a> Session<'a> {
    /// Connects, secures the connection, logs in.
    fn open(mail: &'a Mail, terms: &'a Terms<'a>) -> Result<Session<'a>, MailError> {
        let (smtp, within) = (&mail.smtp, terms.patience.command);
        let not_now = |what: &str, why: &dyn std::fmt::Display| not_now(mail, what, why);
        let tls = match smtp.security {
            Security::None => None,
            Security::Tls | Security::Starttls => {
                let whom = mail.ca_file.as_deref().map_or(Trust::System, Trust::SystemAndFile);
                Some(trust::client_config(whom).map_err(|why| not_now("TLS", &why))?)
            }
        };
        let away = |why: String| not_now("cannot be reached", &why);
        let mut line = Line::connect(&smtp.host, smtp.port, terms).map_err(away)?;
        if let Some(config) = tls.as_ref().filter(|_| smtp.security == Security::Tls) {
            line = line.secure(config.clone(), &smtp.host, within).map_err(|why| not_now("no TLS", &why))?;
        }
        let greeting = line.reply(within).map_err(away)?;
        if !greeting.is_fine() {
            return Err(not_now("takes no mail", &greeting));
        }
        let mut session = Session { mail, terms, line, offers: Vec::new() };
        session.greet()?;
        if let Some(config) = tls.filter(|_| smtp.security == Security::Starttls) {
            if !session.offers("STARTTLS") {
                session.line.leave(GOODBYE);
                return Err(not_now("offers no TLS", &"nothing is sent that others can read; try `smtps://`"));
            }
            let reply = session.line.command("STARTTLS", within).map_err(|why| not_now("no TLS", &why))?;
            if !reply.is_fine() {
                return Err(not_now("no TLS", &reply));
            }
            let line = session.line.secure(config, &smtp.host, within);
            session.line = line.map_err(|why| not_now("no TLS", &why))?;
            session.greet()?;
        }
        if let (Some(user), Some(file)) = (&mail.user, &mail.password_file) {
            let password = read_small(file).map_err(|why| not_now("`password_file`", &why))?;
            let entered = session.log_in(user, password.trim_end_matches(['\r', '\n']));
            entered.map_err(|why| not_now("does not let us in", &why))?;
        }
        Ok(session)
    }

    fn offers(&self, what: &str) -> bool {
        self.offers.iter().any(|offer| offer.split_whitespace().next() == Some(what))
    }

    fn greet(&mut self) -> Result<(), MailError> {
        let name = self.mail.hello.clone().unwrap_or_else(|| own_name(self.line.own_address()));
        let refused = |why: &dyn std::fmt::Display| not_now(self.mail, &format!("does not talk to `{name}`"), why);
        let within = self.terms.patience.command;
        let said = self.line.write(format!("EHLO {name}\r\n").as_bytes(), within);
        let (reply, lines) = said.and_then(|()| self.line.lines(within)).map_err(|why| refused(&why))?;
        if !reply.is_fine() {
            return Err(refused(&format!("{reply}; the name is `mail.hello`")));
        }
        self.offers = lines.iter().skip(1).map(|line| line.to_ascii_uppercase()).collect();
        Ok(())
    }

    /// What a server says to a password may repeat it: only the number is told.
    fn log_in(&mut self, user: &str, password: &str) -> Result<(), String> {
        let ways: Vec<&str> = self.offers.iter().filter_map(|offer| offer.strip_prefix("AUTH")).collect();
        let knows = |way: &str| ways.iter().any(|ways| ways.split([' ', '=']).any(|known| known == way));
        let lines = if knows("PLAIN") {
            vec![format!("AUTH PLAIN {}", STANDARD.encode(format!("\0{user}\0{password}")))]
        } else if knows("LOGIN") {
            vec!["AUTH LOGIN".into(), STANDARD.encode(user), STANDARD.encode(password)]
        } else {
            return Err("it offers no login with a password; leave out `user` if it needs none".into());
        };
        for line in &lines {
            let reply = self.line.command(line, self.terms.patience.command)?;
            let goes_on = reply.code == 334 && Some(line) != lines.last();
            if !goes_on && !reply.is_fine() {
                return Err(format!("it answers {}; look at `user` and `password_file`", reply.code));
            }
        }
        Ok(())
    }

    fn mail_from(&mut self, from: &Address, parameters: &[&str]) -> Result<(), MailError> {
        let from_path = format!("MAIL FROM:<{from}>");
        let command = [&[from_path.as_str()], parameters].concat().join(" ");
        let reply = self.line.command(&command, self.terms.patience.command);
        let why = match reply {
            Ok(reply) if reply.is_fine() => return Ok(()),
            Ok(reply) => reply.to_string(),
            Err(why) => why,
        };
        let server = &self.mail.smtp.written;
        Err(MailError::NotNow(format!("the mail server {server} takes no mail from {from}: {why}")))
    }

    fn recipient(&mut self, to: &Address) -> Result<Reply, MailError> {
        let reply = self.line.command(&format!("RCPT TO:<{to}>"), self.terms.patience.command);
        reply.map_err(|why| MailError::NotNow(self.not_now_for(to, &why)))
    }

    fn not_now_for(&self, to: &Address, why: &dyn std::fmt::Display) -> String {
        format!("the mail server {} does not take a mail for {to} now: {why}", self.mail.smtp.written)
    }

    /// A refusal that is no fault of the recipient's.
    fn of_us(&self, to: &Address, reply: &Reply) -> MailError {
        MailError::NotNow(format!("{}; {OF_US}", self.not_now_for(to, reply)))
    }

    fn send(&mut self, written: &Written, some_are_enough: bool) -> Result<Vec<Refusal>, MailError> {
        let server = &self.mail.smtp.written;
        let any_letters = self.offers("SMTPUTF8");
        let (mut to, mut refused): (Vec<&Address>, Vec<Refusal>) = (Vec::new(), written.unusable.clone());
        for address in &written.to {
            if any_letters || is_ascii(address) {
                to.push(address);
            } else {
                refused.push((address.to_string(), "it takes only plain letters before the @".into()));
            }
        }
        let mut parameters = Vec::new();
        if to.iter().chain([&&written.from]).any(|address| !is_ascii(address)) {
            parameters.push("SMTPUTF8");
        }
        if !written.bytes.is_ascii() && self.offers("8BITMIME") {
            parameters.push("BODY=8BITMIME");
        }
        self.mail_from(&written.from, &parameters)?;
        let (mut taken, mut put_off) = (0, None);
        for address in to {
            let reply = self.recipient(address)?;
            if reply.is_fine() {
                taken += 1;
                continue;
            }
            match (reply.about(Step::Recipient), reply.is_permanent()) {
                (About::Us, true) => return Err(self.of_us(address, &reply)),
                (About::Us, false) => return Err(MailError::NotNow(self.not_now_for(address, &reply))),
                (About::Recipient | About::Mail, true) => refused.push((address.to_string(), reply.to_string())),
                (About::Recipient | About::Mail, false) if some_are_enough => {
                    refused.push((address.to_string(), reply.to_string()));
                    put_off = Some((address.to_string(), self.not_now_for(address, &reply)));
                }
                (About::Recipient | About::Mail, false) => {
                    put_off = put_off.or(Some((address.to_string(), self.not_now_for(address, &reply))));
                }
            }
        }
        if taken == 0 || !some_are_enough {
            match put_off {
                Some((to, text)) if some_are_enough || refused.is_empty() => {
                    return Err(MailError::NotNowFor { to, text });
                }
                _ if taken > 0 && refused.is_empty() => {}
                _ => {
                    let list: Vec<String> = refused.iter().map(|(to, why)| format!("for {to}: {why}")).collect();
                    let text = format!("the mail server {server} refuses a mail {}", list.join("; "));
                    return Err(MailError::NoRecipient(text));
                }
            }
        }
        self.content(&written.bytes)?;
        Ok(refused)
    }

    /// Hands over what stands in the mail. From its final dot on the server may have it.
    fn content(&mut self, bytes: &[u8]) -> Result<(), MailError> {
        let server = &self.mail.smtp.written;
        let patience = self.terms.patience;
        let lost = |why: String| MailError::NotNow(format!("the mail server {server} did not take the mail: {why}"));
        let refused = |step: Step, reply: &Reply| {
            if reply.is_permanent() && reply.about(step) != About::Us {
                MailError::Refused(format!("the mail server {server} refuses the mail: {reply}"))
            } else if reply.is_permanent() {
                lost(format!("{reply}; {OF_US}"))
            } else {
                lost(reply.to_string())
            }
        };
        let reply = self.line.command("DATA", patience.data).map_err(lost)?;
        if reply.code != 354 {
            return Err(refused(Step::Data, &reply));
        }
        for block in stuffed(bytes).chunks(BLOCK_BYTES) {
            self.line.write(block, patience.block).map_err(lost)?;
        }
        if !self.terms.recall.complete() {
            return Err(lost("it was called off".into()));
        }
        (self.terms.before_dot)().map_err(MailError::NotNow)?;
        let ended = self.line.write(b".\r\n", patience.block).and_then(|()| self.line.reply(patience.end));
        match ended {
            Ok(reply) if reply.is_fine() => Ok(()),
            Ok(reply) if reply.code >= 400 => Err(refused(Step::Content, &reply)),
            Ok(reply) => Err(MailError::InDoubt(format!(
                "the mail server {server} was given the mail and did not say whether it took it: {reply}"
            ))),
            Err(why) => Err(MailError::InDoubt(format!(
                "the mail server {server} was given the mail and did not say whether it took it: {why}"
            ))),
        }
    }
}

/// Lines that begin with a dot get another, and the last one an end (RFC 5321, 4.5.2).
fn stuffed(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len() + 2);
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        if line.first() == Some(&b'.') {
            out.push(b'.');
        }
        out.extend_from_slice(line);
    }
    if !out.ends_with(b"\r\n") {
        out.extend_from_slice(b"\r\n");
    }
    out
}

fn is_ascii(address: &Address) -> bool {
    let text: &str = address.as_ref();
    text.is_ascii()
}

/// How we introduce ourselves where the config does not say: by this machine's name, where that is a full one, else by its
/// address (RFC 5321, 4.1.4). Many servers refuse a bare name.
fn own_name(address: Option<IpAddr>) -> String {
    full_name(sysinfo::System::host_name().ok()).unwrap_or_else(|| match address {
        Some(IpAddr::V6(address)) => format!("[IPv6:{address}]"),
        Some(IpAddr::V4(address)) => format!("[{address}]"),
        None => "[127.0.0.1]".into(),
    })
}

/// One that others may know, too: names that end in `.local` are known in their own network alone.
fn full_name(name: Option<String>) -> Option<String> {
    let fine = |name: &String| {
        let plain = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '.');
        plain && name.split('.').count() > 1 && name.split('.').all(|part| !part.is_empty())
    };
    name.filter(fine).filter(|name| !name.to_ascii_lowercase().ends_with(".local"))
}

/// A text file of the operator's that has no reason to be large.
pub(super) fn read_small(file: &Path) -> Result<String, String> {
    let read = trust::small_file(file).and_then(|bytes| String::from_utf8(bytes).map_err(|_| "is not UTF-8".into()));
    read.map_err(|why| format!("{} {why}", file.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn we_introduce_ourselves_by_what_servers_take() {
        for (name, known) in [
            ("print.larson.example", true),
            ("studio-pc", false),
            ("Annas-MacBook.local", false),
            ("a..b", false),
            ("a b.c", false),
            ("", false),
        ] {
            assert_eq!(full_name(Some(name.into())).is_some(), known, "{name}");
        }
        let own = own_name(Some("fe80::1".parse().unwrap()));
        assert!(own == "[IPv6:fe80::1]" || own.contains('.'), "{own}");
    }

    #[test]
    fn no_line_of_a_mail_ends_it() {
        assert_eq!(stuffed(b".\r\n..a\r\nb."), b"..\r\n...a\r\nb.\r\n");
        assert_eq!(stuffed(b"a\r\n"), b"a\r\n");
    }
}
