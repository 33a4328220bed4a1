//! Whether a door speaks HTTPS itself, and with which certificate.

use std::path::PathBuf;

use serde_json::{Value, json};

use super::Context;
use crate::model::document::{Node, Path as Place};
use crate::model::problem::Problems;
use crate::model::section::{Read, misplaced};
use crate::section;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tls {
    /// One that the server makes for itself and keeps in the spool.
    SelfSigned,
    /// PEM files: the certificate with those that vouch for it, and its key.
    Files { certificate: PathBuf, key: PathBuf },
}

section! {
    /// A certificate and its key, in files.
    pub(super) struct RawFiles {
        /// The certificate in PEM form, with the intermediate ones behind it, such as `fullchain.pem`.
        certificate: String [required],
        /// Its private key in PEM form, such as `privkey.pem`.
        key: String [required],
    }
}

/// `self-signed`, or files.
#[derive(Debug, Clone)]
pub(super) enum RawTls {
    SelfSigned,
    Files(RawFiles),
}

impl Read for RawTls {
    fn read(node: &Node, path: &Place, problems: &mut Problems) -> Option<RawTls> {
        match node {
            Node::Text(text) if text == "self-signed" => Some(RawTls::SelfSigned),
            Node::Map(_) => RawFiles::read(node, path, problems).map(RawTls::Files),
            other => {
                let expected = "`self-signed`, or `{ certificate: fullchain.pem, key: privkey.pem }`";
                misplaced(other, path, problems, expected)
            }
        }
    }
    fn schema() -> Value {
        json!({ "anyOf": [{ "const": "self-signed" }, RawFiles::schema()] })
    }
}

impl RawTls {
    pub(super) fn check(self, cx: &mut Context<'_>) -> Option<Tls> {
        match self {
            RawTls::SelfSigned => Some(Tls::SelfSigned),
            RawTls::Files(RawFiles { here, certificate, key }) => Some(Tls::Files {
                certificate: cx.path(&certificate?, &here.key("certificate")),
                key: cx.path(&key?, &here.key("key")),
            }),
        }
    }
}
