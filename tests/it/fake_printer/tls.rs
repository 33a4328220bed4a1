//! Certificates as printers have them.

use std::sync::Arc;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::{CertifiedKey, SingleCertAndKey};

const FIRST_VERSION: &str = "-----BEGIN CERTIFICATE-----\nMIIBLzCB1wIUWLVNpuACXemV6MRDJqjysj6usHEwCgYIKoZIzj0EAwIwGjEYMBYG\nA1UEAwwPQlJXMDA4MDkyN0FGQkNFMCAXDTI2MTIwMTAxNTAyMloYDzIxMjYxMTA3\nMDE1MDIyWjAaMRgwFgYDVQQDDA9CUlcwMDgwOTI3QUZCQ0UwWTATBgcqhkjOPQIB\nBggqhkjOPQMBBwNCAAQTIJuJh5RfGRqc+zmYwK19JsXaof0Mw+keuzvFM7cM4mhq\nye1VeM0dljMyw+6VWQI3Zk3wCtqeV+aPCXmxMdUwMAoGCCqGSM49BAMCA0cAMEQC\nIA2AT97976iczqwUvfGk+3zehJCcV8i14Vf3mks8KcSkAiBuWPWOdmBaoqUvWZio\ndRY3xr0MXMQDE82MDPc+MVoQqw==\n-----END CERTIFICATE-----\n";
const FIRST_VERSION_KEY: &str = "-----BEGIN PRIVATE KEY-----\nMIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgIxjQ+ccOjkl2699l\nMa7ZTtlHFPFZ5NHvudG/r6yfCsahRANCAAQTIJuJh5RfGRqc+zmYwK19JsXaof0M\nw+keuzvFM7cM4mhqye1VeM0dljMyw+6VWQI3Zk3wCtqeV+aPCXmxMdUw\n-----END PRIVATE KEY-----\n";

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

    /// As old printers make it: of the first version of X.509.
    pub fn of_the_first_version() -> Certificate {
        let shown = CertificateDer::from_pem_slice(FIRST_VERSION.as_bytes()).unwrap();
        let key = PrivateKeyDer::from_pem_slice(FIRST_VERSION_KEY.as_bytes()).unwrap();
        Certificate { trusted: FIRST_VERSION.to_string(), shown, key: key.secret_der().to_vec() }
    }

    /// The same certificate, shown by somebody who has another key.
    #[must_use]
    pub fn without_its_key(self) -> Certificate {
        Certificate { key: rcgen::KeyPair::generate().unwrap().serialize_der(), ..self }
    }

    pub(super) fn server(&self) -> Arc<rustls::ServerConfig> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let key = PrivateKeyDer::try_from(self.key.clone()).unwrap();
        let key = provider.key_provider.load_private_key(key).unwrap();
        let builder = rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        // It looks at no certificate that it shows.
        let shown = SingleCertAndKey::from(CertifiedKey::new(vec![self.shown.clone()], key));
        Arc::new(builder.unwrap().with_no_client_auth().with_cert_resolver(Arc::new(shown)))
    }
}
