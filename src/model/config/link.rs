//! Download links as a delivery.

use std::time::Duration;

use serde_json::{Value, json};

use super::Context;
use super::names::Named;
use crate::model::delivery::{Delivery, MailTo, PackageEntry, PinChoice, Show};
use crate::model::document::{Node, Path as Place};
use crate::model::problem::Problems;
use crate::model::section::{OneOrMany, Read, Span, Whole};
use crate::model::template::Template;
use crate::section;

section! {
    /// A download link.
    pub(super) struct RawLink {
        /// What lies behind the link: profiles' pictures and files. Default: the pictures of this profile, or of all that the render job runs.
        contents: Vec<RawContent>,
        /// How long the link works, such as `30d`. Default `30d`.
        expires: Span,
        /// How often the whole set may be downloaded, and each file on its own, 1 to 10000. Default: no limit.
        max_downloads: Whole<1, 10_000>,
        /// `auto`: a PIN is made; `none`: the link is enough. Default `auto`.
        pin: PinChoice,
        /// Who gets the link by mail: `client`, `none`, or one or more addresses. Default `client` where there is a `mail` section, else `none`.
        mail: MailForm,
        /// Whether pictures can be downloaded one by one. Default `true`.
        single_files: bool,
        /// `download`: pictures to keep; `view`: only to look at. Default `download`.
        show: Show,
        /// A template; a later run with the same value renews the link of that value instead of making another. Default none.
        key: Template,
    }
}

section! {
    /// One part of what lies behind a link.
    pub(super) struct RawContent {
        /// The pictures of this profile. Either this or `file`.
        profile: String,
        /// The folder in the zip that they lie in, a template. Default none.
        folder: Template,
        /// A file of the studio's own, such as a print release. Either this or `profile`.
        file: String,
    }
}

/// `client`, `none`, or addresses.
#[derive(Debug, Clone)]
pub(super) struct MailForm(Vec<String>);

impl Read for MailForm {
    fn read(node: &Node, path: &Place, problems: &mut Problems) -> Option<MailForm> {
        OneOrMany::<String>::read(node, path, problems).map(|list| MailForm(list.0))
    }
    fn schema() -> Value {
        json!({ "anyOf": [
            { "type": "string", "examples": ["client", "none"] },
            { "type": "array", "items": { "type": "string" } },
        ] })
    }
}

impl RawLink {
    pub(super) fn check(self, profiles: &[String], own: bool, cx: &mut Context<'_>) -> Delivery {
        if !cx.has_downloads {
            cx.error(&self.here.key("to"), "links need a `downloads` section: it says where the download pages are");
        }
        let contents = self.contents.unwrap_or_default();
        let contents = contents.into_iter().filter_map(|entry| entry.check(profiles, own, cx)).collect();
        if let Some(key) = &self.key {
            cx.template(key, &self.here.key("key"));
        }
        let at = self.here.key("mail");
        let mail = match self.mail {
            None if cx.has_mail => MailTo::Client,
            None => MailTo::None,
            Some(MailForm(list)) => mail_to(list, &at, cx),
        };
        if mail != MailTo::None && !cx.has_mail {
            cx.error(&at, "there is no `mail` section to send it with; write one, or `mail: none`");
        }
        let expires = self.expires.map_or(Duration::from_hours(30 * 24), |span| span.0);
        if expires < Duration::from_mins(1) {
            cx.error(&self.here.key("expires"), "a link works for a minute at least");
        }
        Delivery::Link {
            contents,
            expires,
            max_downloads: self.max_downloads.map(|n| n.0 as u32),
            pin: self.pin.unwrap_or(PinChoice::Auto),
            mail,
            single_files: self.single_files.unwrap_or(true),
            show: self.show.unwrap_or(Show::Download),
            key: self.key,
        }
    }
}

fn mail_to(list: Vec<String>, at: &Place, cx: &mut Context<'_>) -> MailTo {
    match list.as_slice() {
        [word] if word == "client" => MailTo::Client,
        [word] if word == "none" => MailTo::None,
        [] => MailTo::None,
        [word] if !word.contains('@') => {
            let hint = crate::model::problem::did_you_mean(word, ["client", "none"]);
            cx.error(at, format!("`{word}` is not `client`, `none` or a mail address{hint}"));
            MailTo::None
        }
        _ => {
            cx.mail_addresses(&list, at);
            MailTo::Addresses(list)
        }
    }
}

impl RawContent {
    fn check(self, profiles: &[String], own: bool, cx: &mut Context<'_>) -> Option<PackageEntry> {
        let at = |key: &str| self.here.key(key);
        match (self.profile, self.file) {
            (Some(profile), None) => {
                let place = at("profile");
                if cx.known(Named::Profile, &profile, &place) && !profiles.contains(&profile) {
                    let text = if own {
                        format!(
                            "a profile delivers its own pictures; a link to those of `{profile}` too belongs into the render job that runs both"
                        )
                    } else {
                        format!("`{profile}` is not among those that this render job runs; add it to `run`")
                    };
                    cx.error(&place, text);
                }
                if let Some(folder) = &self.folder {
                    cx.folder_template(folder, &at("folder"));
                }
                Some(PackageEntry::Profile { profile, folder: self.folder })
            }
            (None, Some(file)) => {
                if self.folder.is_some() {
                    cx.error(&at("folder"), "`folder` goes with `profile`; a file lies at the top");
                }
                Some(PackageEntry::File(cx.path(&file, &at("file"))))
            }
            _ => {
                if !cx.failed(&self.here) {
                    cx.error(&self.here, "an entry is either a `profile` or a `file`");
                }
                None
            }
        }
    }
}
