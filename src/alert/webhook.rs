//! The same alerts as JSON, posted to an address of the studio's.
//!
//! Owns: every post has an end, follows no redirection, carries nothing but the alert, and goes to nobody whom the system
//! does not trust; what is told of a failure shows no more of the address than its host.

use std::time::Duration;

use serde_json::json;
use ureq::tls::{Certificate, RootCerts, TlsConfig};

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

/// As everything else here does, it trusts whom the system trusts: a studio's own authority too. A system that names nobody
/// has the program's list.
fn trusted() -> RootCerts {
    let of_system = rustls_native_certs::load_native_certs().certs;
    if of_system.is_empty() {
        return RootCerts::WebPki;
    }
    of_system.iter().map(|certificate| Certificate::from_der(certificate).to_owned()).into()
}

fn agent() -> ureq::Agent {
    let config = ureq::Agent::config_builder()
        .timeout_global(Some(WITHIN))
        .tls_config(TlsConfig::builder().root_certs(trusted()).build())
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
    let hint = if is_about_certificate(e) { "; this system must trust who signed the certificate there" } else { "" };
    format!("the webhook at {} cannot be reached: {text}{hint}", shown(url))
}

fn is_about_certificate(e: &ureq::Error) -> bool {
    let of_tls = match e {
        ureq::Error::Rustls(e) => Some(e),
        ureq::Error::Io(e) => e.get_ref().and_then(|e| e.downcast_ref::<rustls::Error>()),
        _ => None,
    };
    matches!(of_tls, Some(rustls::Error::InvalidCertificate(_)))
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
