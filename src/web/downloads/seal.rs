//! What this server has signed: downloads that somebody clicked on, and PINs that somebody knew.
//!
//! Owns: neither can be made up or changed without the spool's key; each says until when it is good.

use std::path::Path;

use jiff::{SignedDuration, Timestamp};
use sha2::{Digest as _, Sha256};

use crate::model::token::{self, base64url};
use crate::spool::durable;
use crate::spool::links::Set;

/// A download that was begun can be taken up again for so long.
pub(super) const GRANT_FOR: SignedDuration = SignedDuration::from_hours(24);
/// A PIN need not be given again for so long.
pub(super) const PIN_FOR: SignedDuration = SignedDuration::from_hours(24);
/// Beside the records; it opens nothing without a token.
const KEY_FILE: &str = "key";
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

/// A download that may begin, as the URL says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Grant {
    pub(super) until: i64,
    /// By which it is counted once.
    pub(super) nonce: String,
    /// Of the file that it was given for.
    content: String,
}

impl Grant {
    /// Not once another file lies where that one lay.
    pub(super) fn is_for(&self, etag: &str) -> bool {
        self.content == content(etag)
    }
}

/// What stands in a URL for an entity tag, whose quotes have no place there.
fn content(etag: &str) -> &str {
    etag.trim_matches('"')
}

fn random<const N: usize>() -> std::io::Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|e| std::io::Error::other(e.to_string()))?;
    Ok(bytes)
}

impl Key {
    /// The spool's; made when there is none. One that is cut short is made anew: what it had signed is asked for again.
    pub(super) fn of_links(folder: &Path) -> std::io::Result<Key> {
        let path = folder.join(KEY_FILE);
        if let Ok(known) = std::fs::read(&path)
            && let Ok(key) = known.try_into()
        {
            return Ok(Key(key));
        }
        let key = random()?;
        durable::replace_private(&path, &key).map_err(|e| e.source)?;
        Ok(Key(key))
    }

    fn sign(&self, parts: &[&str]) -> String {
        let message = parts.iter().fold(String::new(), |text, part| text + &part.len().to_string() + ":" + part);
        base64url(&hmac(&self.0, message.as_bytes()))
    }

    fn is_signed(&self, parts: &[&str], signature: &str) -> bool {
        same(self.sign(parts).as_bytes(), signature.as_bytes())
    }

    /// A new grant, as it stands in a URL, for the files that lie there now: `etag` tells them from others.
    pub(super) fn grant(&self, hash: &str, set: Set, etag: &str, now: Timestamp) -> std::io::Result<String> {
        let until = now.as_second() + GRANT_FOR.as_secs();
        let nonce = base64url(&random::<12>()?);
        let content = content(etag);
        let signature = self.sign(&["get", hash, &word(set), &until.to_string(), &nonce, content]);
        Ok(format!("{until}.{nonce}.{content}.{signature}"))
    }

    /// A grant that this server gave for just that, and that is good still.
    pub(super) fn granted(&self, text: &str, hash: &str, set: Set, now: Timestamp) -> Option<Grant> {
        let mut parts = text.splitn(4, '.');
        let (until, nonce, content, signature) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        let good = self.is_signed(&["get", hash, &word(set), until, nonce, content], signature);
        let until = until.parse().ok().filter(|until| good && now.as_second() < *until)?;
        Some(Grant { until, nonce: nonce.to_string(), content: content.to_string() })
    }

    /// What a browser keeps once it knew the PIN; another PIN makes it worthless.
    pub(super) fn pin_known(&self, hash: &str, pin_seal: &str, now: Timestamp) -> String {
        let until = (now.as_second() + PIN_FOR.as_secs()).to_string();
        let signature = self.sign(&["pin", hash, pin_seal, &until]);
        format!("{until}.{signature}")
    }

    pub(super) fn knows_pin(&self, text: &str, hash: &str, pin_seal: &str, now: Timestamp) -> bool {
        let Some((until, signature)) = text.split_once('.') else { return false };
        let good = self.is_signed(&["pin", hash, pin_seal, until], signature);
        good && until.parse().is_ok_and(|until: i64| now.as_second() < until)
    }
}

fn word(set: Set) -> String {
    match set {
        Set::All => "all".into(),
        Set::File(index) => format!("file {index}"),
    }
}

/// In the same time, wherever they differ.
pub(super) fn same(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && a.iter().zip(b).fold(0, |differs, (a, b)| differs | (a ^ b)) == 0
}

/// Whether a PIN is the one that was sealed.
pub(super) fn is_pin(token: &token::Token, pin: &str, pin_seal: &str) -> bool {
    same(token.seal(pin).as_bytes(), pin_seal.as_bytes())
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
    fn what_was_signed_is_good_for_just_that_and_for_a_day() {
        let dir = tempfile::tempdir().unwrap();
        let key = Key::of_links(dir.path()).unwrap();
        assert_eq!(Key::of_links(dir.path()).unwrap().0, key.0);
        let at = |second: i64| Timestamp::from_second(second).unwrap();
        let grant = key.grant("h", Set::File(1), "\"e5\"", at(0)).unwrap();
        assert!(key.granted(&grant, "h", Set::File(1), at(86_399)).is_some());
        for (hash, set, now) in
            [("h", Set::File(1), 86_400), ("h", Set::File(11), 0), ("h", Set::All, 0), ("i", Set::File(1), 0)]
        {
            assert_eq!(key.granted(&grant, hash, set, at(now)), None);
        }
        let known = key.granted(&grant, "h", Set::File(1), at(0)).unwrap();
        assert!(known.is_for("\"e5\"") && !known.is_for("\"e6\""), "another file lies there");
        for index in 0..grant.len() {
            let mut changed = grant.clone().into_bytes();
            changed[index] = if changed[index] == b'1' { b'2' } else { b'1' };
            assert_eq!(key.granted(&String::from_utf8(changed).unwrap(), "h", Set::File(1), at(0)), None);
        }
        assert_eq!(Key([7; 32]).granted(&grant, "h", Set::File(1), at(0)), None);
        let known = key.pin_known("h", "seal", at(0));
        assert!(key.knows_pin(&known, "h", "seal", at(1)) && !key.knows_pin(&known, "h", "other", at(1)));
        assert!(!key.knows_pin(&known, "h", "seal", at(86_400)) && !key.knows_pin("", "h", "seal", at(0)));
    }
}
