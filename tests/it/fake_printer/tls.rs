//! Certificates as printers have them.

use std::sync::Arc;

use rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// A certificate with its key, and what a client may be given to believe it.
#[derive(Debug, Clone)]
pub struct Certificate {
    /// PEM of the certificate itself, or of who signed it.
    pub trusted: String,
    shown: CertificateDer<'static>,
    key: Vec<u8>,
}

impl Certificate {
    /// As most printers make it: by itself, for itself, with a name that nobody reaches it by.
    pub fn of_its_own() -> Certificate {
        let key = rcgen::KeyPair::generate().unwrap();
        let params = rcgen::CertificateParams::new(vec!["BRW0080927AFBCE".to_string()]).unwrap();
        let own = params.self_signed(&key).unwrap();
        Certificate { trusted: own.pem(), shown: own.der().clone(), key: key.serialize_der() }
    }

    /// As an office with an authority of its own makes it.
    pub fn signed() -> Certificate {
        let mut params = rcgen::CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let authority = rcgen::CertifiedIssuer::self_signed(params, rcgen::KeyPair::generate().unwrap()).unwrap();
        let key = rcgen::KeyPair::generate().unwrap();
        let names = vec!["127.0.0.1".to_string()];
        let own = rcgen::CertificateParams::new(names).unwrap().signed_by(&key, &authority).unwrap();
        Certificate { trusted: authority.pem(), shown: own.der().clone(), key: key.serialize_der() }
    }

    pub(super) fn server(&self) -> Arc<rustls::ServerConfig> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let key = PrivateKeyDer::try_from(self.key.clone()).unwrap();
        let config = builder.unwrap().with_no_client_auth().with_single_cert(vec![self.shown.clone()], key);
        Arc::new(config.unwrap())
    }
}
