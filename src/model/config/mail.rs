//! Mail that goes out, and the alerts that a studio gets.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use super::Context;
use super::address::Url;
use crate::model::section::{Bytes, OneOrMany, Span};
use crate::section;

/// The server that takes our mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    pub smtp: Smtp,
    pub from: String,
    pub user: Option<String>,
    pub password_file: Option<PathBuf>,
    /// Trusted besides the authorities that the system knows.
    pub ca_file: Option<PathBuf>,
    /// How we introduce ourselves to it.
    pub hello: Option<String>,
    /// What a client is written, where the studio has words of its own.
    pub template: Option<PathBuf>,
}

/// A mail server's address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Smtp {
    /// As the operator wrote it.
    pub written: String,
    /// A name, or a number without brackets.
    pub host: String,
    pub port: u16,
    pub security: Security,
}

/// How a connection is kept from others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Security {
    /// TLS from the first byte.
    Tls,
    /// TLS after the greeting, or nothing is said.
    Starttls,
    /// None: it does not leave this machine.
    None,
}

impl Smtp {
    fn of(url: &Url<'_>, written: &str) -> Smtp {
        let host = url.host.trim_start_matches('[').trim_end_matches(']').to_string();
        let is_here = host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
        let (security, port) = match url.scheme {
            "smtps" => (Security::Tls, 465),
            _ if is_here => (Security::None, 25),
            _ => (Security::Starttls, 587),
        };
        Smtp { written: written.to_string(), host, port: url.port.unwrap_or(port), security }
    }
}

/// Who is told when something needs a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alerts {
    pub mail: Vec<String>,
    pub webhook: Option<String>,
    /// Free bytes below which an alert goes out.
    pub disk_low: u64,
    /// A job that waits for longer is worth an alert.
    pub waiting: Duration,
}

section! {
    /// The server that takes mail.
    pub(super) struct RawMail {
        /// Its address: `smtps://HOST` (TLS from the start, port 465) or `smtp://HOST` (TLS after the greeting, port 587; on this machine, `smtp://localhost`, none, port 25). `:PORT` where it has another.
        smtp: String [required],
        /// The address that mails come from.
        from: String [required],
        /// User that the server asks for. Default none.
        user: String,
        /// A file with that user's password, and nothing else.
        password_file: String,
        /// A file (PEM or DER) with the mail server's own certificate, or that of who signed it, trusted besides those of the system. Its own is trusted byte for byte, whatever its name or dates. Default none.
        ca_file: String,
        /// How hotfolders introduces itself to the mail server: a full domain name, or an address in brackets such as `[192.0.2.1]`. Default: this machine's name, where that is a full one, else its address in brackets.
        hello: String,
        /// A text file with what a client is written. Default: a text of the program, in the client's language.
        template: String,
    }
}

section! {
    /// Who is told when something needs a person. At least one of `mail` and `webhook`.
    pub(super) struct RawAlerts {
        /// One or more mail addresses. Needs the `mail` section.
        mail: OneOrMany<String>,
        /// A URL that gets each alert as JSON.
        webhook: String,
        /// Less free space than this is an alert. Default `5GiB`.
        disk_low: Bytes,
        /// A job that waits for longer is an alert. Default `30m`.
        waiting: Span,
    }
}

/// Whether mail servers take this as a name of who talks to them (RFC 5321, 4.1.1.1).
fn is_hello(text: &str) -> bool {
    if let Some(address) = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        let address = address.strip_prefix("IPv6:").map_or_else(|| address.parse(), str::parse);
        return address.is_ok_and(|address: IpAddr| address.is_ipv6() == text.starts_with("[IPv6:"));
    }
    let is_part = |part: &str| {
        let plain = part.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
        plain && (1..=63).contains(&part.len()) && !part.starts_with('-') && !part.ends_with('-')
    };
    text.len() <= 253 && text.contains('.') && text.split('.').all(is_part)
}

impl RawMail {
    pub(super) fn check(self, cx: &mut Context<'_>) -> Option<Mail> {
        let at = |key: &str| self.here.key(key);
        let smtp = self.smtp.as_deref().and_then(|written| {
            let url = cx.url(written, &at("smtp"), &["smtps", "smtp"], "smtps://mail.larson.example")?;
            if !url.path.trim_start_matches('/').is_empty() {
                cx.error(&at("smtp"), format!("`{written}`: nothing belongs behind the host and its port"));
            }
            Some(Smtp::of(&url, written))
        });
        if let Some(from) = &self.from {
            cx.mail_address(from, &at("from"));
        }
        if self.user.is_some() != self.password_file.is_some() {
            let (there, missing) =
                if self.user.is_some() { ("user", "password_file") } else { ("password_file", "user") };
            if !cx.failed(&at(missing)) {
                cx.error(&at(there), format!("`{there}` and `{missing}` go together"));
            }
        }
        let password_file = self.password_file.as_ref().map(|file| cx.path(file, &at("password_file")));
        let ca_file = self.ca_file.as_ref().map(|file| cx.path(file, &at("ca_file")));
        if let Some(hello) = self.hello.as_deref().filter(|hello| !is_hello(hello)) {
            let shown = hello.escape_debug();
            let text = format!(
                "`{shown}` is no full domain name, such as `print.larson.example`, nor an address such as `[192.0.2.1]`"
            );
            cx.error(&at("hello"), text);
        }
        let template = self.template.as_ref().map(|file| cx.path(file, &at("template")));
        let (from, user, hello) = (self.from?, self.user, self.hello);
        Some(Mail { smtp: smtp?, from, user, password_file, ca_file, hello, template })
    }
}

impl RawAlerts {
    pub(super) fn check(self, cx: &mut Context<'_>) -> Alerts {
        let at = |key: &str| self.here.key(key);
        let mail = self.mail.unwrap_or_default().0;
        cx.mail_addresses(&mail, &at("mail"));
        if !mail.is_empty() && !cx.has_mail {
            cx.error(&at("mail"), "there is no `mail` section to send it with");
        }
        if let Some(webhook) = &self.webhook {
            cx.url(webhook, &at("webhook"), &["https", "http"], "https://hooks.larson.example/studio");
        }
        if mail.is_empty() && self.webhook.is_none() && !cx.failed(&self.here) {
            cx.error(&self.here, "nobody would get them: name `mail` addresses or a `webhook`");
        }
        Alerts {
            mail,
            webhook: self.webhook,
            disk_low: self.disk_low.map_or(5 * 1024 * 1024 * 1024, |bytes| bytes.0),
            waiting: self.waiting.map_or(Duration::from_mins(30), |span| span.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::address::parse_url;
    use super::*;

    #[test]
    fn a_greeting_is_a_full_name_or_an_address() {
        for fine in ["print.larson.example", "xn--mller-kva.example", "[192.0.2.1]", "[IPv6:2001:db8::1]"] {
            assert!(is_hello(fine), "{fine}");
        }
        for wrong in [
            "studio-pc",
            "",
            "a..b",
            "-a.b",
            "a b.c",
            "müller.example",
            "[2001:db8::1]",
            "[IPv6:192.0.2.1]",
            "[x]",
            "a.b\r\nMAIL",
        ] {
            assert!(!is_hello(wrong), "{wrong}");
        }
    }

    #[test]
    fn without_tls_mail_does_not_leave_the_machine() {
        for (written, host, port, security) in [
            ("smtps://mail.larson.example", "mail.larson.example", 465, Security::Tls),
            ("smtps://localhost:4650", "localhost", 4650, Security::Tls),
            ("smtp://mail.larson.example", "mail.larson.example", 587, Security::Starttls),
            ("smtp://10.0.0.5:25", "10.0.0.5", 25, Security::Starttls),
            ("smtp://127.0.0.1:2525", "127.0.0.1", 2525, Security::None),
            ("smtp://[::1]", "::1", 25, Security::None),
            ("smtp://localhost", "localhost", 25, Security::None),
            ("smtp://localhost.larson.example", "localhost.larson.example", 587, Security::Starttls),
        ] {
            let smtp = Smtp::of(&parse_url(written).unwrap(), written);
            assert_eq!((smtp.host.as_str(), smtp.port, smtp.security), (host, port, security), "{written}");
        }
    }
}
