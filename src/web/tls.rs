//! HTTPS without a web server in front: certificates, from files or made here, and what `hotfolders check` says of them.
//!
//! Owns: a certificate is served only with the key that belongs to it; one that was replaced in its files is served from
//! then on, and one that cannot be used leaves the one before in force.

mod certificate;
mod own;

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::SystemTime;

use rustls::ServerConfig;
use rustls::crypto::ring::default_provider;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

pub use self::certificate::{Certificate, Described};

use crate::clock;
use crate::model::config::{Config, Tls};

/// What a door serves over TLS with, and which names its certificate is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terms {
    pub tls: Tls,
    /// Names under which it is reached.
    pub hosts: Vec<String>,
    listen: IpAddr,
    /// Where a certificate that we make ourselves is kept.
    own: PathBuf,
}

impl Terms {
    pub fn of_dashboard(config: &Config) -> Option<Terms> {
        let server = &config.server;
        Some(Terms::new(config, server.tls.as_ref()?, server.hosts.clone(), server.listen?.ip(), "dashboard"))
    }

    pub fn of_downloads(config: &Config) -> Option<Terms> {
        let downloads = config.downloads.as_ref()?;
        let rest = downloads.public_url.split_once("://").map_or("", |(_, rest)| rest);
        let authority = rest.split('/').next().unwrap_or_default();
        let host = match authority.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            Some((address, _)) => address,
            None => authority.split(':').next().unwrap_or_default(),
        };
        let hosts = vec![host.to_string()];
        Some(Terms::new(config, downloads.tls.as_ref()?, hosts, downloads.listen.ip(), "downloads"))
    }

    fn new(config: &Config, tls: &Tls, hosts: Vec<String>, listen: IpAddr, door: &str) -> Terms {
        let own = config.spool.join(super::FOLDER).join(format!("{door}.pem"));
        Terms { tls: tls.clone(), hosts, listen, own }
    }

    /// The certificate that would be served now. Nothing is made: `None` where it is one of ours that was not needed yet.
    pub fn look(&self) -> Result<Option<Described>, String> {
        match &self.tls {
            Tls::SelfSigned => {
                Ok(certificate::read(&self.own, &self.own).ok().map(|certificate| certificate.described.clone()))
            }
            Tls::Files { certificate, key } => {
                certificate::read(certificate, key).map(|certificate| Some(certificate.described))
            }
        }
    }

    /// Names and addresses that one of ours is made for.
    fn names(&self) -> Vec<String> {
        let address = Some(self.listen).filter(|ip| !ip.is_unspecified()).map(|ip| ip.to_canonical().to_string());
        self.hosts.iter().cloned().chain(address).collect()
    }

    fn certificate(&self) -> Result<Certificate, String> {
        match &self.tls {
            Tls::SelfSigned => own::certificate(&self.own, &self.names(), clock::now()),
            Tls::Files { certificate, key } => certificate::read(certificate, key),
        }
    }

    /// By what a change of the files is seen.
    fn stamp(&self) -> Vec<Option<(u64, SystemTime)>> {
        let of = |path: &Path| {
            let about = std::fs::metadata(path).ok()?;
            Some((about.len(), about.modified().ok()?))
        };
        match &self.tls {
            Tls::SelfSigned => vec![of(&self.own)],
            Tls::Files { certificate, key } => vec![of(certificate), of(key)],
        }
    }
}

/// What a door serves over TLS with, for as long as it is open.
#[derive(Debug)]
pub(super) struct Identity {
    terms: Terms,
    served: Arc<Served>,
    pub(super) config: Arc<ServerConfig>,
    stamp: Vec<Option<(u64, SystemTime)>>,
    until: i64,
    /// Why another certificate is not served, so that it is said once.
    refused: Option<String>,
}

#[derive(Debug)]
struct Served(RwLock<Arc<CertifiedKey>>);

impl ResolvesServerCert for Served {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner)))
    }
}

impl Identity {
    /// Reads, or makes, what the terms ask for.
    pub(super) fn new(terms: Terms) -> Result<(Identity, Described), String> {
        let stamp = terms.stamp();
        let Certificate { key, described } = terms.certificate()?;
        let served = Arc::new(Served(RwLock::new(Arc::new(key))));
        let mut config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|e| e.to_string())?
            .with_no_client_auth()
            .with_cert_resolver(Arc::<Served>::clone(&served));
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        let stamp = if terms.tls == Tls::SelfSigned { terms.stamp() } else { stamp };
        let until = described.until.as_second();
        Ok((Identity { terms, served, config: Arc::new(config), stamp, until, refused: None }, described))
    }

    /// Looks whether there is another certificate by now. `None` where there is none, or the same one is refused again.
    pub(super) fn renew(&mut self) -> Option<Result<Described, String>> {
        let (stamp, is_own) = (self.terms.stamp(), self.terms.tls == Tls::SelfSigned);
        let is_ending = is_own && self.until - clock::now().as_second() < own::RENEW_BEFORE.as_secs();
        if stamp == self.stamp && !is_ending {
            return None;
        }
        // A pair of files is replaced one after the other: what does not fit together now may do so at the next look.
        self.stamp = stamp;
        match self.terms.certificate() {
            Ok(Certificate { key, described }) => {
                *self.served.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(key);
                self.until = described.until.as_second();
                self.refused = None;
                if is_own {
                    self.stamp = self.terms.stamp();
                }
                Some(Ok(described))
            }
            Err(why) if self.refused.as_ref() == Some(&why) => None,
            Err(why) => {
                self.refused = Some(why.clone());
                Some(Err(why))
            }
        }
    }
}

/// Whether somebody who asks for this name is shown a certificate for it.
fn is_for(known: &certificate::Names, name: &str) -> bool {
    if let Ok(address) = name.parse::<IpAddr>() {
        return known.addresses.contains(&address.to_canonical());
    }
    let name = name.to_ascii_lowercase();
    known.hosts.iter().any(|host| {
        let host = host.to_ascii_lowercase();
        match host.strip_prefix("*.") {
            Some(domain) => name.split_once('.').is_some_and(|(_, rest)| rest == domain),
            None => host == name,
        }
    })
}
