//! The same alerts as JSON, posted to an address of the studio's.
//!
//! Owns: every post has an end, follows no redirection, and carries nothing but the alert.

use std::time::Duration;

use serde_json::json;

use super::notice::Notice;
use crate::model::limits::REPLY_SHOWN_CHARS;

/// From the connection to the last byte of the answer.
const WITHIN: Duration = Duration::from_secs(20);
/// The form of what is posted.
const FORM: u32 = 1;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PostError {
    /// Tried again later.
    #[error("{0}")]
    NotNow(String),
    /// The address does not want this one, however often it is posted.
    #[error("{0}")]
    Refused(String),
}

fn agent() -> ureq::Agent {
    let config = ureq::Agent::config_builder()
        .timeout_global(Some(WITHIN))
        .max_redirects(0)
        .http_status_as_error(false)
        .user_agent(concat!("hotfolders/", env!("CARGO_PKG_VERSION")))
        .build();
    ureq::Agent::new_with_config(config)
}

/// An address may hold a secret in its path: only its host is shown.
fn shown(url: &str) -> &str {
    let end = url.find("://").map_or(0, |at| at + 3);
    url[end..].find(['/', '?', '#']).map_or(url, |slash| &url[..end + slash])
}

fn said(url: &str, e: &ureq::Error) -> String {
    let text: String = e.to_string().chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let text: String = text.replace(url, shown(url)).chars().take(REPLY_SHOWN_CHARS).collect();
    format!("the webhook at {} cannot be reached: {text}", shown(url))
}

/// The JSON of an alert.
fn form(notice: &Notice, studio: Option<&str>) -> serde_json::Value {
    json!({
        "alert": FORM, "number": notice.number, "event": notice.event, "kind": notice.of.kind, "cause": notice.of.cause,
        "title": notice.of.title, "text": notice.of.text, "job": notice.of.job, "since": notice.of.since,
        "at": notice.at, "studio": studio,
    })
}

/// Posts one alert.
pub fn post(url: &str, notice: &Notice, studio: Option<&str>) -> Result<(), PostError> {
    let body = form(notice, studio).to_string();
    let sent = agent().post(url).content_type("application/json; charset=utf-8").send(body);
    let response = sent.map_err(|e| PostError::NotNow(said(url, &e)))?;
    let status = response.status();
    let text = format!("the webhook at {} answers {status}", shown(url));
    match status.as_u16() {
        200..300 => Ok(()),
        // It cannot read this one, or finds it too large: the next may do.
        400 | 413 | 415 | 422 => Err(PostError::Refused(text)),
        _ => Err(PostError::NotNow(text)),
    }
}

/// Whether somebody answers there; any answer is one, since what the address takes is a POST.
pub fn probe(url: &str) -> Result<(), String> {
    agent().head(url).call().map(drop).map_err(|e| said(url, &e))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_secret_part_of_an_address_is_not_shown() {
        for url in ["https://hooks.larson.example/T0/secret", "https://hooks.larson.example?key=secret"] {
            assert_eq!(shown(url), "https://hooks.larson.example");
        }
        let e = ureq::Error::BadUri("https://hooks.larson.example/T0/secret".into());
        let told = said("https://hooks.larson.example/T0/secret", &e);
        assert!(!told.contains("secret"), "{told}");
    }
}
