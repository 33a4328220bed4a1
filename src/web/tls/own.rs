//! The certificate that a server makes for itself.
//!
//! Owns: it stays the same over restarts, so that whoever has compared its fingerprint once need not do it again. Another
//! one is made when the names of the config are not in it, and before it ends; its key stays.

use std::path::Path;

use jiff::{SignedDuration, Timestamp};
use rcgen::{CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair, date_time_ymd};

use super::certificate::{self, Certificate};
use super::is_for;
use crate::spool::durable;

/// Apple's systems take none that lasts longer than 825 days.
const GOOD_FOR: SignedDuration = SignedDuration::from_hours(820 * 24);
/// The next is made so long before the end.
pub(super) const RENEW_BEFORE: SignedDuration = SignedDuration::from_hours(30 * 24);
/// Under these the computer itself is reached.
const OF_THIS_COMPUTER: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

/// The one in the file, or a new one that is put there.
pub(super) fn certificate(file: &Path, names: &[String], now: Timestamp) -> Result<Certificate, String> {
    let known = std::fs::read_to_string(file).ok();
    let shown = file.display().to_string();
    if let Some(text) = &known
        && let Ok(certificate) = certificate::parse(text.as_bytes(), text.as_bytes(), &shown, &shown)
        && names.iter().all(|name| is_for(&certificate.described.names, name))
        && certificate.described.until.duration_since(now) > RENEW_BEFORE
        && certificate.described.since <= now
    {
        return Ok(certificate);
    }
    let failed = |e: &dyn std::fmt::Display| format!("a certificate could not be made: {e}");
    let key = known.and_then(|text| KeyPair::from_pem(&text).ok());
    let key = key.map_or_else(KeyPair::generate, Ok).map_err(|e| failed(&e))?;
    let pem = make(&key, names, now).map_err(|e| failed(&e))?;
    let text = key.serialize_pem() + &pem;
    if let Some(folder) = file.parent() {
        durable::make_folder(folder).map_err(|e| failed(&e))?;
    }
    durable::replace_private(file, text.as_bytes()).map_err(|e| failed(&e))?;
    certificate::parse(text.as_bytes(), text.as_bytes(), &shown, &shown)
}

fn make(key: &KeyPair, names: &[String], now: Timestamp) -> Result<String, rcgen::Error> {
    let mut all = names.to_vec();
    all.extend(
        OF_THIS_COMPUTER.iter().filter(|name| !names.iter().any(|known| known == *name)).map(ToString::to_string),
    );
    let mut params = CertificateParams::new(all)?;
    let day = |at: Timestamp| {
        let day = at.to_zoned(jiff::tz::TimeZone::UTC).date();
        date_time_ymd(day.year().into(), day.month() as u8, day.day() as u8)
    };
    // From yesterday on: other computers' clocks are not ours.
    params.not_before = day(now - SignedDuration::from_hours(24));
    params.not_after = day(now + GOOD_FOR);
    params.distinguished_name.push(DnType::CommonName, names.first().map_or("hotfolders", String::as_str));
    params.is_ca = IsCa::ExplicitNoCa;
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    Ok(params.self_signed(key)?.pem())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_is_kept_until_its_names_or_its_time_run_out() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("web/dashboard.pem");
        let start: Timestamp = "2026-11-30T12:00:00Z".parse().unwrap();
        let of = |names: &[&str], days: i64| {
            let names: Vec<String> = names.iter().map(ToString::to_string).collect();
            let now = start + SignedDuration::from_hours(days * 24);
            let described = certificate(&file, &names, now).unwrap().described;
            assert_eq!(described.trouble(&names, now), None);
            described
        };
        let first = of(&["studio-pc.local", "192.168.0.7"], 0);
        assert_eq!(of(&["studio-pc.local"], 700), first);
        assert_eq!(of(&["localhost", "127.0.0.1", "::1"], 0), first);
        assert_eq!(first.fingerprint.len(), 95);
        let key = || std::fs::read_to_string(&file).unwrap().split("-----END").next().unwrap().to_string();
        let kept = key();
        let named = of(&["other.local"], 0);
        assert_ne!(named.fingerprint, first.fingerprint);
        let renewed = of(&["other.local"], 800);
        assert!(renewed.fingerprint != named.fingerprint && renewed.until > named.until);
        assert_eq!(key(), kept, "the key stays");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        }
        durable::replace(&file, b"cut short").unwrap();
        of(&["other.local"], 0);
    }

    #[test]
    fn what_browsers_would_not_trust_is_said() {
        let dir = tempfile::tempdir().unwrap();
        let now: Timestamp = "2026-11-30T12:00:00Z".parse().unwrap();
        let described = certificate(&dir.path().join("a.pem"), &["*.studio.example".into()], now).unwrap().described;
        let trouble = |name: &str, days: i64| {
            described.trouble(&[name.to_string()], now + SignedDuration::from_hours(days * 24)).unwrap_or_default()
        };
        assert_eq!(trouble("A.studio.example", 0), "");
        assert_eq!(trouble("a.b.studio.example", 0), "it is not for `a.b.studio.example`");
        assert_eq!(trouble("studio.example", 0), "it is not for `studio.example`");
        assert!(trouble("a.studio.example", 821).starts_with("it has ended at 2029-"));
        assert!(trouble("a.studio.example", -3).starts_with("it is good from 2026-11-29"));
    }

    #[test]
    fn a_key_of_another_certificate_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let now: Timestamp = "2026-11-30T12:00:00Z".parse().unwrap();
        let (a, b) = (dir.path().join("a.pem"), dir.path().join("b.pem"));
        certificate(&a, &[], now).unwrap();
        certificate(&b, &[], now).unwrap();
        assert!(certificate::read(&a, &a).is_ok());
        let said = certificate::read(&a, &b).unwrap_err();
        assert!(said.starts_with("the key in ") && said.contains("is not that of the certificate"), "{said}");
        durable::replace(&b, b"nothing").unwrap();
        assert!(certificate::read(&b, &a).unwrap_err().contains("holds no certificate in PEM form"));
        assert!(certificate::read(&a, &b).unwrap_err().contains("is no private key in PEM form"));
        assert!(certificate::read(&dir.path().join("c.pem"), &a).is_err());
    }
}
