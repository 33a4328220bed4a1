//! A certificate with its key, read from PEM files and looked over.

use std::fmt::Write as _;
use std::io::Read as _;
use std::net::IpAddr;
use std::path::Path;

use jiff::Timestamp;
use rustls::crypto::ring::default_provider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use sha2::{Digest as _, Sha256};
use x509_parser::extensions::GeneralName;

use crate::model::limits::SMALL_FILE_MAX_BYTES;

/// What can be served.
#[derive(Debug)]
pub struct Certificate {
    pub(super) key: CertifiedKey,
    pub(super) described: Described,
}

/// What stands in a certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Described {
    /// SHA-256 of it, as browsers show it: `AB:CD:…`.
    pub fingerprint: String,
    pub since: Timestamp,
    pub until: Timestamp,
    pub names: Names,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Names {
    pub(super) hosts: Vec<String>,
    pub(super) addresses: Vec<IpAddr>,
}

impl Described {
    /// What keeps browsers from trusting it now under all of these names.
    pub fn trouble(&self, names: &[String], now: Timestamp) -> Option<String> {
        if now > self.until {
            return Some(format!("it has ended at {}", self.until));
        }
        if now < self.since {
            return Some(format!("it is good from {} on; look at the clock of this computer too", self.since));
        }
        let missing: Vec<String> =
            names.iter().filter(|name| !super::is_for(&self.names, name)).map(|name| format!("`{name}`")).collect();
        (!missing.is_empty()).then(|| format!("it is not for {}", missing.join(", ")))
    }
}

fn bounded(path: &Path) -> Result<Vec<u8>, String> {
    let shown = path.display();
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).map_err(|e| format!("{shown}: {e}"))?;
    file.take(SMALL_FILE_MAX_BYTES + 1).read_to_end(&mut bytes).map_err(|e| format!("{shown}: {e}"))?;
    if bytes.len() as u64 > SMALL_FILE_MAX_BYTES {
        return Err(format!("{shown} is larger than {} KiB", SMALL_FILE_MAX_BYTES / 1024));
    }
    Ok(bytes)
}

/// The certificate of one file and the key of another, which may be the same.
pub(super) fn read(certificate: &Path, key: &Path) -> Result<Certificate, String> {
    parse(&bounded(certificate)?, &bounded(key)?, &certificate.display().to_string(), &key.display().to_string())
}

/// `shown` and `key_shown` say in messages where it comes from.
pub(super) fn parse(certificate: &[u8], key: &[u8], shown: &str, key_shown: &str) -> Result<Certificate, String> {
    let chain = CertificateDer::pem_slice_iter(certificate).collect::<Result<Vec<_>, _>>();
    let chain = chain.map_err(|e| format!("{shown} is no certificate in PEM form: {e}"))?;
    let Some(first) = chain.first() else { return Err(format!("{shown} holds no certificate in PEM form")) };
    let described = describe(first).ok_or_else(|| format!("{shown} holds a certificate that cannot be read"))?;
    let key =
        PrivateKeyDer::from_pem_slice(key).map_err(|e| format!("{key_shown} is no private key in PEM form: {e}"))?;
    let key = CertifiedKey::from_der(chain, key, &default_provider()).map_err(|e| match e {
        rustls::Error::InconsistentKeys(_) => {
            format!("the key in {key_shown} is not that of the certificate in {shown}")
        }
        other => format!("{key_shown}: {other}"),
    })?;
    Ok(Certificate { key, described })
}

fn describe(der: &CertificateDer<'_>) -> Option<Described> {
    let (_, parsed) = x509_parser::parse_x509_certificate(der).ok()?;
    let mut names = Names::default();
    let alternatives = parsed.subject_alternative_name().ok()?;
    for name in alternatives.iter().flat_map(|known| &known.value.general_names) {
        match name {
            GeneralName::DNSName(host) => names.hosts.push((*host).to_string()),
            GeneralName::IPAddress(bytes) => names.addresses.extend(address(bytes)),
            _ => {}
        }
    }
    let fingerprint = Sha256::digest(der).iter().fold(String::new(), |mut text, byte| {
        let colon = if text.is_empty() { "" } else { ":" };
        let _ = write!(text, "{colon}{byte:02X}");
        text
    });
    let validity = parsed.validity();
    Some(Described {
        fingerprint,
        since: Timestamp::from_second(validity.not_before.timestamp()).ok()?,
        until: Timestamp::from_second(validity.not_after.timestamp()).ok()?,
        names,
    })
}

fn address(bytes: &[u8]) -> Option<IpAddr> {
    let v4 = <[u8; 4]>::try_from(bytes).map(IpAddr::from);
    v4.or_else(|_| <[u8; 16]>::try_from(bytes).map(IpAddr::from)).ok()
}
