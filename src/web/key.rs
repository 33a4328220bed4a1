//! A secret of this spool's, and what is signed with it: nobody else can make up or change what it signed.

use std::path::Path;

use sha2::{Digest as _, Sha256};

use crate::model::token::base64url;
use crate::spool::durable;

const KEY_BYTES: usize = 32;
/// Of SHA-256.
const BLOCK_BYTES: usize = 64;

#[derive(Clone)]
pub(super) struct Key([u8; KEY_BYTES]);

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Key(…)")
    }
}

pub(super) fn random<const N: usize>() -> std::io::Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|e| std::io::Error::other(e.to_string()))?;
    Ok(bytes)
}

impl Key {
    /// The one in this file; made when there is none. One that is cut short is made anew: what it had signed is asked for
    /// again.
    pub(super) fn of_file(path: &Path) -> std::io::Result<Key> {
        if let Ok(known) = std::fs::read(path)
            && let Ok(key) = known.try_into()
        {
            return Ok(Key(key));
        }
        let key = random()?;
        durable::replace_private(path, &key).map_err(|e| e.source)?;
        Ok(Key(key))
    }

    pub(super) fn sign(&self, parts: &[&str]) -> String {
        let message = parts.iter().fold(String::new(), |text, part| text + &part.len().to_string() + ":" + part);
        base64url(&hmac(&self.0, message.as_bytes()))
    }

    pub(super) fn is_signed(&self, parts: &[&str], signature: &str) -> bool {
        same(self.sign(parts).as_bytes(), signature.as_bytes())
    }

    #[cfg(test)]
    pub(super) fn of_bytes(bytes: [u8; KEY_BYTES]) -> Key {
        Key(bytes)
    }
}

/// In the same time, wherever they differ.
pub(super) fn same(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && a.iter().zip(b).fold(0, |differs, (a, b)| differs | (a ^ b)) == 0
}

/// RFC 2104 with SHA-256, for a key that is not longer than a block.
fn hmac(key: &[u8], message: &[u8]) -> [u8; 32] {
    let mut block = [0_u8; BLOCK_BYTES];
    block[..key.len()].copy_from_slice(key);
    let inner = Sha256::new().chain_update(block.map(|b| b ^ 0x36)).chain_update(message).finalize();
    Sha256::new().chain_update(block.map(|b| b ^ 0x5c)).chain_update(inner).finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::digest::hex;

    #[test]
    fn hmac_is_that_of_rfc_4231() {
        assert_eq!(
            hex(&hmac(&[0x0b; 20], b"Hi There")),
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"
        );
        assert_eq!(
            hex(&hmac(b"Jefe", b"what do ya want for nothing?")),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
    }

    #[test]
    fn a_key_is_kept_and_another_signs_otherwise() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("key");
        let key = Key::of_file(&path).unwrap();
        assert_eq!(Key::of_file(&path).unwrap().0, key.0);
        let signed = key.sign(&["a", "bc"]);
        assert!(key.is_signed(&["a", "bc"], &signed) && !key.is_signed(&["ab", "c"], &signed));
        assert!(!Key::of_bytes([7; 32]).is_signed(&["a", "bc"], &signed));
        durable::replace(&path, b"short").unwrap();
        assert_ne!(Key::of_file(&path).unwrap().0, key.0);
    }
}
