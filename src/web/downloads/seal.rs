//! What this server has signed: downloads that somebody clicked on, and PINs that somebody knew.
//!
//! Owns: neither can be made up or changed without the spool's key; each says until when it is good.

use std::path::Path;

use jiff::{SignedDuration, Timestamp};

use crate::model::token;
use crate::spool::links::Set;
pub(super) use crate::web::key::Key;
use crate::web::key::{random, same};

/// A download that was begun can be taken up again for so long.
pub(super) const GRANT_FOR: SignedDuration = SignedDuration::from_hours(24);
/// A PIN need not be given again for so long.
pub(super) const PIN_FOR: SignedDuration = SignedDuration::from_hours(24);
/// Beside the records; it opens nothing without a token.
const KEY_FILE: &str = "key";

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
    /// Its day has passed.
    pub(super) fn is_over(&self, now: Timestamp) -> bool {
        now.as_second() >= self.until
    }

    /// Not once another file lies where that one lay.
    pub(super) fn is_for(&self, etag: &str) -> bool {
        self.content == content(etag)
    }
}

/// What stands in a URL for an entity tag, whose quotes have no place there.
fn content(etag: &str) -> &str {
    etag.trim_matches('"')
}

impl Key {
    pub(super) fn of_links(folder: &Path) -> std::io::Result<Key> {
        Key::of_file(&folder.join(KEY_FILE))
    }

    /// A new grant, as it stands in a URL, for the files that lie there now: `etag` tells them from others.
    pub(super) fn grant(&self, hash: &str, set: Set, etag: &str, now: Timestamp) -> std::io::Result<String> {
        let until = now.as_second() + GRANT_FOR.as_secs();
        let nonce = token::base64url(&random::<12>()?);
        let content = content(etag);
        let signature = self.sign(&["get", hash, &word(set), &until.to_string(), &nonce, content]);
        Ok(format!("{until}.{nonce}.{content}.{signature}"))
    }

    /// A grant that this server gave for just that, at some time.
    pub(super) fn granted(&self, text: &str, hash: &str, set: Set) -> Option<Grant> {
        let mut parts = text.splitn(4, '.');
        let (until, nonce, content, signature) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        let good = self.is_signed(&["get", hash, &word(set), until, nonce, content], signature);
        let until = until.parse().ok().filter(|_| good)?;
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

/// Whether a PIN is the one that was sealed.
pub(super) fn is_pin(token: &token::Token, pin: &str, pin_seal: &str) -> bool {
    same(token.seal(pin).as_bytes(), pin_seal.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_signed_is_good_for_just_that_and_for_a_day() {
        let dir = tempfile::tempdir().unwrap();
        let key = Key::of_links(dir.path()).unwrap();
        let at = |second: i64| Timestamp::from_second(second).unwrap();
        let grant = key.grant("h", Set::File(1), "\"e5\"", at(0)).unwrap();
        for (hash, set) in [("h", Set::File(11)), ("h", Set::All), ("i", Set::File(1))] {
            assert_eq!(key.granted(&grant, hash, set), None);
        }
        let known = key.granted(&grant, "h", Set::File(1)).unwrap();
        assert!(!known.is_over(at(86_399)) && known.is_over(at(86_400)));
        assert!(known.is_for("\"e5\"") && !known.is_for("\"e6\""), "another file lies there");
        for index in 0..grant.len() {
            let mut changed = grant.clone().into_bytes();
            changed[index] = if changed[index] == b'1' { b'2' } else { b'1' };
            assert_eq!(key.granted(&String::from_utf8(changed).unwrap(), "h", Set::File(1)), None);
        }
        assert_eq!(Key::of_bytes([7; 32]).granted(&grant, "h", Set::File(1)), None);
        let known = key.pin_known("h", "seal", at(0));
        assert!(key.knows_pin(&known, "h", "seal", at(1)) && !key.knows_pin(&known, "h", "other", at(1)));
        assert!(!key.knows_pin(&known, "h", "seal", at(86_400)) && !key.knows_pin("", "h", "seal", at(0)));
    }
}
