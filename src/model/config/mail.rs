//! Mail that goes out, and the alerts that a studio gets.

use std::path::PathBuf;
use std::time::Duration;

use super::Context;
use crate::model::section::{Bytes, OneOrMany, Span};
use crate::section;

/// The server that takes our mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    /// `smtps://…` or `smtp://…`.
    pub smtp: String,
    pub from: String,
    pub user: Option<String>,
    pub password_file: Option<PathBuf>,
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
        /// Its address: `smtps://HOST` (TLS from the start) or `smtp://HOST` (TLS after the greeting).
        smtp: String [required],
        /// The address that mails come from.
        from: String [required],
        /// User that the server asks for. Default none.
        user: String,
        /// A file with that user's password, and nothing else.
        password_file: String,
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

impl RawMail {
    pub(super) fn check(self, cx: &mut Context<'_>) -> Option<Mail> {
        let at = |key: &str| self.here.key(key);
        if let Some(smtp) = &self.smtp {
            cx.url(smtp, &at("smtp"), &["smtps", "smtp"], "smtps://mail.larson.example");
        }
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
        Some(Mail { smtp: self.smtp?, from: self.from?, user: self.user, password_file })
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
