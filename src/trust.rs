//! Which certificate a printer or a mail server may show.
//!
//! Devices and small servers make their own certificates: without the address that they are reached at, or as an authority
//! of their own. The usual rules refuse those even when the operator has the very certificate at hand, so that one named by
//! `ca_file` also counts when it is shown itself, byte for byte.

use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};

use crate::model::limits::SMALL_FILE_MAX_BYTES;

/// Who is believed.
#[derive(Debug, Clone, Copy)]
pub enum Trust<'a> {
    /// Those whom the system trusts.
    System,
    /// What the file names, and what that has signed.
    File(&'a Path),
    /// Both.
    SystemAndFile(&'a Path),
    /// Anybody.
    Any,
}

/// TLS settings for one printer or server. `Err` says what is wrong with the file.
pub fn client_config(trust: Trust<'_>) -> Result<Arc<ClientConfig>, String> {
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|e| format!("cannot set up TLS: {e}"))?;
    let named = match trust {
        Trust::File(file) | Trust::SystemAndFile(file) => certificates(file)?,
        Trust::System | Trust::Any => Vec::new(),
    };
    let mut roots = named.clone();
    if matches!(trust, Trust::System | Trust::SystemAndFile(_)) {
        roots.extend(rustls_native_certs::load_native_certs().certs);
    }
    let by_rule = by_rule(&roots, &provider);
    let verifier = Verifier { named, by_rule, takes_any: matches!(trust, Trust::Any), provider };
    Ok(Arc::new(builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier)).with_no_client_auth()))
}

/// PEM, one or more of them, or DER.
fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let setup = |why: String| format!("`ca_file` {}: {why}", file.display());
    let bytes = small_file(file).map_err(setup)?;
    if bytes.first() == Some(&DER_SEQUENCE) {
        return Ok(vec![CertificateDer::from(bytes)]);
    }
    let list: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(&bytes)
        .collect::<Result<_, _>>()
        .map_err(|e| setup(format!("is no certificate in PEM or DER: {e}")))?;
    if list.is_empty() {
        return Err(setup("holds no certificate".into()));
    }
    Ok(list)
}

/// What a file of the operator's holds that has no reason to be long.
pub fn small_file(file: &Path) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let opened = std::fs::File::open(file).map_err(|e| format!("cannot be read: {e}"))?;
    opened.take(SMALL_FILE_MAX_BYTES + 1).read_to_end(&mut bytes).map_err(|e| format!("cannot be read: {e}"))?;
    if bytes.len() as u64 > SMALL_FILE_MAX_BYTES {
        return Err(format!("is longer than {SMALL_FILE_MAX_BYTES} bytes"));
    }
    Ok(bytes)
}

const DER_SEQUENCE: u8 = 0x30;

/// The usual rules, for what these certificates have signed. `None` when none of them can sign others.
fn by_rule(roots: &[CertificateDer<'static>], provider: &Arc<CryptoProvider>) -> Option<Arc<WebPkiServerVerifier>> {
    let mut store = RootCertStore::empty();
    store.add_parsable_certificates(roots.iter().cloned());
    WebPkiServerVerifier::builder_with_provider(Arc::new(store), Arc::clone(provider)).build().ok()
}

#[derive(Debug)]
struct Verifier {
    /// Taken when shown, whatever name or date stands in it.
    named: Vec<CertificateDer<'static>>,
    by_rule: Option<Arc<WebPkiServerVerifier>>,
    /// `insecure: true`.
    takes_any: bool,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        shown: &CertificateDer<'_>,
        chain: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        if self.takes_any || self.named.iter().any(|named| named.as_ref() == shown.as_ref()) {
            return Ok(ServerCertVerified::assertion());
        }
        match &self.by_rule {
            Some(rule) => rule.verify_server_cert(shown, chain, name, ocsp, now),
            None => Err(rustls::CertificateError::UnknownIssuer.into()),
        }
    }

    // That the other side has the certificate's key is looked at in any case.
    fn verify_tls12_signature(
        &self,
        message: &[u8],
        shown: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, shown, signed, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        shown: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, shown, signed, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
