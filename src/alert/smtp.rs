//! Handing a mail to the studio's mail server.
//!
//! Owns: what is said without TLS stays on this machine; every wait has an end; and the difference between *this mail
//! will never be taken*, which is a matter for a person, and *not now*, which is waited out. Only what a server says of a
//! recipient or of the message itself is for good: a wrong password, a sender it does not like or a certificate that ran
//! out would stop every mail, so they are mended in one place and no mail fails for them.

use std::io::Read as _;
use std::path::Path;
use std::time::Duration;

use lettre::address::Address;
use lettre::transport::smtp::Error as SmtpError;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{Certificate, SmtpConnection, TlsParameters};
use lettre::transport::smtp::commands::{Data, Mail as MailFrom, Rcpt};
use lettre::transport::smtp::extension::{ClientId, Extension, MailBodyParameter, MailParameter};

use super::message::{Message, Written};
use crate::model::config::{Mail, Security};
use crate::model::limits::{REPLY_SHOWN_CHARS, SMALL_FILE_MAX_BYTES};

/// For a connection, and for each answer of the server.
const ANSWERS_WITHIN: Duration = Duration::from_secs(20);
/// For the answer to the message itself: servers look for viruses before they give it.
const TAKES_WITHIN: Duration = Duration::from_mins(1);

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MailError {
    /// The mail server, or our way to it: tried again later.
    #[error("{0}")]
    NotNow(String),
    /// It will not be taken however often it is tried.
    #[error("{0}")]
    Refused(String),
    /// The server takes no mail for those whom it is for, or no mail can be addressed to them.
    #[error("{0}")]
    NoRecipient(String),
}

/// Who a mail could not be sent to, and what the server said.
pub type Refusal = (String, String);

/// Sends it to all of its recipients, or to none.
pub fn send_to_all(mail: &Mail, message: &Message<'_>) -> Result<(), MailError> {
    transact(mail, message, false).map(drop)
}

/// Sends it to those of its recipients whom the server takes; names the others. An error where it takes none.
pub fn send_to_any(mail: &Mail, message: &Message<'_>) -> Result<Vec<Refusal>, MailError> {
    transact(mail, message, true)
}

/// Whether the server answers and lets us in. Sends nothing.
pub fn probe(mail: &Mail) -> Result<(), MailError> {
    let mut server = Session::open(mail)?;
    let _ = server.connection.quit();
    Ok(())
}

fn transact(mail: &Mail, message: &Message<'_>, some_are_enough: bool) -> Result<Vec<Refusal>, MailError> {
    let written = message.write().map_err(MailError::NoRecipient)?;
    let mut server = Session::open(mail)?;
    match server.send(&written, some_are_enough) {
        Ok(refused) => {
            // It is taken; whether the server says goodbye does not matter.
            let _ = server.connection.quit();
            Ok(refused)
        }
        Err(e) => {
            server.connection.abort();
            Err(e)
        }
    }
}

struct Session<'a> {
    mail: &'a Mail,
    connection: SmtpConnection,
}

impl<'a> Session<'a> {
    /// Connects, secures the connection, logs in.
    fn open(mail: &'a Mail) -> Result<Session<'a>, MailError> {
        let not_now = |what: &str, why: &dyn std::fmt::Display| {
            MailError::NotNow(format!("the mail server {}: {what}: {why}", mail.smtp.written))
        };
        let smtp = &mail.smtp;
        let tls = match smtp.security {
            Security::None => None,
            Security::Tls | Security::Starttls => Some(tls(mail).map_err(|why| not_now("TLS", &why))?),
        };
        let at_once = tls.as_ref().filter(|_| smtp.security == Security::Tls);
        let name = own_name();
        let address = (smtp.host.as_str(), smtp.port);
        let mut connection = SmtpConnection::connect(address, Some(ANSWERS_WITHIN), &name, at_once, None)
            .map_err(|e| not_now("cannot be reached", &shown(&e)))?;
        if let Some(tls) = tls.as_ref().filter(|_| smtp.security == Security::Starttls) {
            if !connection.can_starttls() {
                connection.abort();
                return Err(not_now("offers no TLS", &"nothing is sent that others can read; try `smtps://`"));
            }
            connection.starttls(tls, &name).map_err(|e| not_now("no TLS", &shown(&e)))?;
        }
        let mut session = Session { mail, connection };
        if let (Some(user), Some(file)) = (&mail.user, &mail.password_file) {
            let password = read_small(file).map_err(|why| not_now("`password_file`", &why))?;
            let credentials = Credentials::new(user.clone(), password.trim_end_matches(['\r', '\n']).to_string());
            session.log_in(&credentials).map_err(|why| not_now("does not let us in", &why))?;
        }
        Ok(session)
    }

    /// What a server says to a password may repeat it: only the number is told.
    fn log_in(&mut self, credentials: &Credentials) -> Result<(), String> {
        let known = [Mechanism::Plain, Mechanism::Login];
        if self.connection.server_info().get_auth_mechanism(&known).is_none() {
            return Err("it offers no login with a password; leave out `user` if it needs none".into());
        }
        self.connection.auth(&known, credentials).map(drop).map_err(|e| match e.status() {
            Some(code) => format!("it answers {code}; look at `user` and `password_file`"),
            None => shown(&e),
        })
    }

    fn send(&mut self, written: &Written, some_are_enough: bool) -> Result<Vec<Refusal>, MailError> {
        let server = &self.mail.smtp.written;
        let offers = |extension| self.connection.server_info().supports_feature(extension);
        let (any_letters, any_bytes) = (offers(Extension::SmtpUtfEight), offers(Extension::EightBitMime));
        let (mut to, mut refused): (Vec<&Address>, Vec<Refusal>) = (Vec::new(), Vec::new());
        for address in &written.to {
            if any_letters || is_ascii(address) {
                to.push(address);
            } else {
                refused.push((address.to_string(), "it takes only plain letters in addresses".into()));
            }
        }
        let mut parameters = Vec::new();
        if to.iter().chain([&&written.from]).any(|address| !is_ascii(address)) {
            parameters.push(MailParameter::SmtpUtfEight);
        }
        if !written.bytes.is_ascii() && any_bytes {
            parameters.push(MailParameter::Body(MailBodyParameter::EightBitMime));
        }
        self.connection.command(MailFrom::new(Some(written.from.clone()), parameters)).map_err(|e| {
            MailError::NotNow(format!("the mail server {server} takes no mail from {}: {}", written.from, shown(&e)))
        })?;
        let mut taken = 0;
        for address in to {
            match self.connection.command(Rcpt::new(address.clone(), Vec::new())) {
                Ok(_) => taken += 1,
                Err(e) if is_about_the_mail(&e) => refused.push((address.to_string(), shown(&e))),
                Err(e) => {
                    let text =
                        format!("the mail server {server} does not take a mail for {address} now: {}", shown(&e));
                    return Err(MailError::NotNow(text));
                }
            }
        }
        if taken == 0 || (!some_are_enough && !refused.is_empty()) {
            let list: Vec<String> = refused.iter().map(|(to, why)| format!("for {to}: {why}")).collect();
            let text = format!("the mail server {server} refuses a mail {}", list.join("; "));
            return Err(MailError::NoRecipient(text));
        }
        let of_message = |e: &SmtpError| {
            let text = |how| format!("the mail server {server} {how}: {}", shown(e));
            if is_about_the_mail(e) {
                MailError::Refused(text("refuses the mail"))
            } else {
                MailError::NotNow(text("did not take the mail"))
            }
        };
        self.connection.command(Data).map_err(|e| of_message(&e))?;
        let longer = self.connection.set_timeout(Some(TAKES_WITHIN));
        longer.map_err(|e| MailError::NotNow(format!("the mail server {server}: {e}")))?;
        self.connection.message(&written.bytes).map_err(|e| of_message(&e))?;
        Ok(refused)
    }
}

fn is_ascii(address: &Address) -> bool {
    let text: &str = address.as_ref();
    text.is_ascii()
}

/// A reply for good, and about this recipient or message: not that we should log in first.
fn is_about_the_mail(e: &SmtpError) -> bool {
    let asks_for_login = e.status().is_some_and(|code| matches!(code.to_string().as_str(), "530" | "535" | "538"));
    e.is_permanent() && !asks_for_login
}

/// An error in one line, whatever the server says.
fn shown(e: &SmtpError) -> String {
    let text = e.to_string();
    let plain: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    plain.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(REPLY_SHOWN_CHARS).collect()
}

fn tls(mail: &Mail) -> Result<TlsParameters, String> {
    let mut builder = TlsParameters::builder(mail.smtp.host.clone());
    if let Some(file) = &mail.ca_file {
        let pem = read_small(file)?;
        let wrong = |_| format!("{} is no certificate in PEM form", file.display());
        builder = builder.add_root_certificate(Certificate::from_pem(pem.as_bytes()).map_err(wrong)?);
    }
    builder.build().map_err(|e| shown(&e))
}

/// How we introduce ourselves; some servers want a name.
fn own_name() -> ClientId {
    let fine =
        |name: &String| !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '.');
    sysinfo::System::host_name().ok().filter(fine).map_or_else(ClientId::default, ClientId::Domain)
}

/// A text file of the operator's that has no reason to be large.
pub(super) fn read_small(file: &Path) -> Result<String, String> {
    let said = |e: &dyn std::fmt::Display| format!("{}: {e}", file.display());
    let mut text = String::new();
    let opened = std::fs::File::open(file).map_err(|e| said(&e))?;
    opened.take(SMALL_FILE_MAX_BYTES + 1).read_to_string(&mut text).map_err(|e| said(&e))?;
    if text.len() as u64 > SMALL_FILE_MAX_BYTES {
        return Err(said(&"it is too large to be what it should"));
    }
    Ok(text)
}
