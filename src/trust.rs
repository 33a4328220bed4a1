//! Which certificate a printer or a mail server may show.
//!
//! Devices and small servers make their own certificates: without the address that they are reached at, or as an authority
//! of their own. The usual rules refuse those even when the operator has the very certificate at hand, so that one named by
//! `ca_file` also counts when it is shown itself, byte for byte. Old devices make them with short keys, or in the first
//! version of X.509: of one that counts by being the same only the key is read, and it must prove that it has that.

use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;

use ::ring::signature::{
    RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY, RSA_PKCS1_1024_8192_SHA512_FOR_LEGACY_USE_ONLY, UnparsedPublicKey,
};
use rustls::DEFAULT_VERSIONS;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::WebPkiSupportedAlgorithms;
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme, SupportedProtocolVersion,
};
use x509_parser::prelude::{FromDer as _, X509Certificate};
use x509_parser::public_key::PublicKey;

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
    let named = match trust {
        Trust::File(file) | Trust::SystemAndFile(file) => certificates(file)?,
        Trust::System | Trust::Any => Vec::new(),
    };
    let mut roots = named.clone();
    if matches!(trust, Trust::System | Trust::SystemAndFile(_)) {
        roots.extend(rustls_native_certs::load_native_certs().certs);
    }
    let by_rule = by_rule(&roots, &provider);
    let algorithms = provider.signature_verification_algorithms;
    let (takes_any, mut schemes, mut versions) =
        (matches!(trust, Trust::Any), algorithms.supported_schemes(), DEFAULT_VERSIONS);
    if takes_any {
        schemes.extend(UNCHECKED_SCHEMES);
    } else if named.iter().any(has_short_key) {
        versions = &TLS12_ALONE;
        schemes.retain(|scheme| !NOT_FOR_SHORT_KEYS.contains(scheme));
    }
    let verifier = Verifier { named, by_rule, takes_any, schemes, algorithms };
    let builder = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(versions)
        .map_err(|e| format!("cannot set up TLS: {e}"))?;
    Ok(Arc::new(builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier)).with_no_client_auth()))
}

/// Signatures that are offered besides where none is looked at, so that printers with such certificates answer.
const UNCHECKED_SCHEMES: [SignatureScheme; 3] =
    [SignatureScheme::ECDSA_NISTP521_SHA512, SignatureScheme::RSA_PKCS1_SHA1, SignatureScheme::ECDSA_SHA1_Legacy];
/// Signatures that cannot be checked with an RSA key below the usual 2048 bits; TLS 1.3 knows no others.
const NOT_FOR_SHORT_KEYS: [SignatureScheme; 4] = [
    SignatureScheme::RSA_PSS_SHA256,
    SignatureScheme::RSA_PSS_SHA384,
    SignatureScheme::RSA_PSS_SHA512,
    SignatureScheme::RSA_PKCS1_SHA384,
];
static TLS12_ALONE: [&SupportedProtocolVersion; 1] = [&rustls::version::TLS12];
const USUAL_RSA_BITS: usize = 2048;

fn has_short_key(certificate: &CertificateDer<'static>) -> bool {
    let Ok((_, certificate)) = X509Certificate::from_der(certificate) else { return false };
    matches!(certificate.public_key().parsed(), Ok(PublicKey::RSA(key)) if key.key_size() < USUAL_RSA_BITS)
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
    /// Trusted byte for byte, whatever their names or dates.
    named: Vec<CertificateDer<'static>>,
    by_rule: Option<Arc<WebPkiServerVerifier>>,
    /// `insecure: true`.
    takes_any: bool,
    schemes: Vec<SignatureScheme>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl Verifier {
    fn is_named(&self, shown: &CertificateDer<'_>) -> bool {
        self.named.iter().any(|named| named.as_ref() == shown.as_ref())
    }

    /// That the other side has the certificate's key; `None`: by the usual rules. Where any certificate is taken, so is
    /// one that somebody else has the key of.
    fn signature(
        &self,
        message: &[u8],
        shown: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Option<Result<HandshakeSignatureValid, rustls::Error>> {
        if self.takes_any {
            return Some(Ok(HandshakeSignatureValid::assertion()));
        }
        let by_key = || has_signed(shown, &self.algorithms, signed.scheme, message, signed.signature());
        self.is_named(shown).then(by_key)
    }
}

/// Whether who has the key of this certificate has signed a message.
fn has_signed(
    certificate: &[u8],
    algorithms: &WebPkiSupportedAlgorithms,
    scheme: SignatureScheme,
    message: &[u8],
    signature: &[u8],
) -> Result<HandshakeSignatureValid, rustls::Error> {
    let (_, certificate) = X509Certificate::from_der(certificate).map_err(|_| CertificateError::BadEncoding)?;
    let key = certificate.public_key().subject_public_key.data.as_ref();
    let usual = algorithms.mapping.iter().filter(|(known, _)| *known == scheme);
    let mut usual = usual.flat_map(|(_, algorithms)| *algorithms);
    let with_short_key = match scheme {
        SignatureScheme::RSA_PKCS1_SHA256 => Some(&RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY),
        SignatureScheme::RSA_PKCS1_SHA512 => Some(&RSA_PKCS1_1024_8192_SHA512_FOR_LEGACY_USE_ONLY),
        _ => None,
    };
    let is_signed = usual.any(|algorithm| algorithm.verify_signature(key, message, signature).is_ok())
        || with_short_key
            .is_some_and(|algorithm| UnparsedPublicKey::new(algorithm, key).verify(message, signature).is_ok());
    if is_signed { Ok(HandshakeSignatureValid::assertion()) } else { Err(CertificateError::BadSignature.into()) }
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
        if self.takes_any || self.is_named(shown) {
            return Ok(ServerCertVerified::assertion());
        }
        match &self.by_rule {
            Some(rule) => rule.verify_server_cert(shown, chain, name, ocsp, now),
            None => Err(rustls::CertificateError::UnknownIssuer.into()),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        shown: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let by_rule = || verify_tls12_signature(message, shown, signed, &self.algorithms);
        self.signature(message, shown, signed).unwrap_or_else(by_rule)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        shown: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let by_rule = || verify_tls13_signature(message, shown, signed, &self.algorithms);
        self.signature(message, shown, signed).unwrap_or_else(by_rule)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.schemes.clone()
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

    use super::*;

    /// Of the first version of X.509, with an RSA key of 1024 bits.
    const OLD: &str = "-----BEGIN CERTIFICATE-----\nMIIBqDCCARECFHklzOU4v0NxPHXjIfTPLHcml0V+MA0GCSqGSIb3DQEBCwUAMBIx\nEDAOBgNVBAMMB3ByaW50ZXIwIBcNMjYxMjAxMDE1MDIyWhgPMjEyNjExMDcwMTUw\nMjJaMBIxEDAOBgNVBAMMB3ByaW50ZXIwgZ8wDQYJKoZIhvcNAQEBBQADgY0AMIGJ\nAoGBAO2OuI13Zvf7Ahku/AlHJPfuQPisQ36v5X1z6IJkSRgQjqyCqCqd+/x9Lr54\nkiehGuDdSYiI2iYxAMsat4R/ZpUrzpSb1oSx0h0BNjfgP3S6v9qIOjGUkX4P0ulg\npxSaDfjdsbsFKdDjGUEGnJRBxT4L4pQV9aTlA2F4OmZDmSxRAgMBAAEwDQYJKoZI\nhvcNAQELBQADgYEAXsvqjDXIYmP25sYxQbFVTXLy6SIrGSnH7VA8yMhcOwKM39tq\ntsZOcSylH3kr37i5sGzYgY/yyoaRWTjRokJRBlwhVm/1s0ExoQw92iVfPCyjv/6q\n2vlWpeYXll1XKSg6U112i8g3C24TF6dh+wb45GUvavg3fM4Fgt0+1xtkwj0=\n-----END CERTIFICATE-----\n";
    const MESSAGE: &[u8] = b"what the printer says";
    const SIGNED: &str = "d6BEwbaXeOPhsPpju18awlFTw4UsFuOFfoUctfzuKUmpVYTiRDWHdi5nHB/E2gyZvNJkr1BIoGeZ+OyRdQv1L8HupNkqfwKkRRGFn7dca0v2EbhNVb78ARtf3fbM2O0vUVeKDLhX7XmbkFBZgFTd9u/CTc4ofEfdscIytX3wZVY=";

    #[test]
    fn an_old_certificate_counts_when_its_key_has_signed() {
        let certificate = CertificateDer::from_pem_slice(OLD.as_bytes()).unwrap();
        assert!(has_short_key(&certificate));
        let algorithms = ring::default_provider().signature_verification_algorithms;
        let signature = STANDARD.decode(SIGNED).unwrap();
        let is_signed = |scheme, message: &[u8], signature: &[u8]| {
            has_signed(&certificate, &algorithms, scheme, message, signature).is_ok()
        };
        assert!(is_signed(SignatureScheme::RSA_PKCS1_SHA256, MESSAGE, &signature));
        assert!(!is_signed(SignatureScheme::RSA_PKCS1_SHA512, MESSAGE, &signature));
        assert!(!is_signed(SignatureScheme::RSA_PKCS1_SHA256, b"what somebody else says", &signature));
        let other: Vec<u8> = signature.iter().rev().copied().collect();
        assert!(!is_signed(SignatureScheme::RSA_PKCS1_SHA256, MESSAGE, &other));
    }
}
