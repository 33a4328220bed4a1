//! Who the studio is.

use serde::{Deserialize, Serialize};

use super::Context;
use crate::model::problem::did_you_mean;
use crate::model::template::Template;
use crate::section;

/// What stands in templates, copyright notes and mails.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Studio {
    pub name: Option<String>,
    pub copyright: Option<Template>,
    pub email: Option<String>,
    /// An IANA name that is known here; the system's where there is none.
    pub time_zone: Option<String>,
}

section! {
    /// The studio itself.
    pub(super) struct RawStudio {
        /// The studio's name: the value of `{studio.name}`, and the artist of pictures that name none.
        name: String,
        /// Copyright note of pictures that have none: a template such as `© {year} Larson Portraits`. Default none.
        copyright: Template,
        /// The studio's own address, shown to clients. Default none.
        email: String,
        /// Time zone of dates and of times of day, an IANA name such as `America/Chicago`. Default: the system's.
        time_zone: String,
    }
}

impl RawStudio {
    pub(super) fn check(self, cx: &mut Context<'_>) -> Studio {
        if let Some(copyright) = &self.copyright {
            cx.template(copyright, &self.here.key("copyright"));
        }
        if let Some(email) = &self.email {
            cx.mail_address(email, &self.here.key("email"));
        }
        if let Some(zone) = &self.time_zone
            && jiff::tz::TimeZone::get(zone).is_err()
        {
            let known: Vec<String> = jiff::tz::db().available().map(|name| name.to_string()).collect();
            let hint = did_you_mean(zone, known.iter().map(String::as_str));
            let text =
                format!("`{zone}` is no time zone that this machine knows; write one such as `America/Chicago`{hint}");
            cx.error(&self.here.key("time_zone"), text);
        }
        Studio { name: self.name, copyright: self.copyright, email: self.email, time_zone: self.time_zone }
    }
}
