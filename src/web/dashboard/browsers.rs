//! Browsers that were logged in before, by a cookie that outlives the session.
//!
//! Owns: it opens nothing. Who has it gives name and password as everybody does, but does not wait for what strangers try
//! under that name. It is good for one user, until their password changes.

use std::sync::{Arc, OnceLock};

use axum::http::HeaderMap;
use jiff::{SignedDuration, Timestamp};

use crate::model::config::{Config, User};
use crate::model::digest;
use crate::model::token::base64url;
use crate::spool::durable;
use crate::spool::queue::Spool;
use crate::web::cookies;
use crate::web::key::{Key, random};

/// From the last login on.
pub(super) const KNOWN_FOR: SignedDuration = SignedDuration::from_hours(180 * 24);
/// Cookies of one request that are looked at.
const SENT_MAX: usize = 4;

#[derive(Debug, Default)]
pub(super) struct Browsers {
    key: OnceLock<Arc<Key>>,
}

/// Its name, beside that of the session.
pub(super) fn cookie_name(config: &Config) -> String {
    format!("hotfolders-browser-{}", config.server.listen.map_or(0, |address| address.port()))
}

impl Browsers {
    /// Made when it is first needed, on a thread that may wait for the disk.
    pub(super) fn key(&self, spool: &Spool) -> std::io::Result<Arc<Key>> {
        if let Some(key) = self.key.get() {
            return Ok(Arc::clone(key));
        }
        let folder = spool.root().join(crate::web::FOLDER);
        durable::make_folder(&folder).map_err(|e| e.source)?;
        let key = Arc::new(Key::of_file(&folder.join("key"))?);
        Ok(Arc::clone(self.key.get_or_init(|| key)))
    }
}

fn parts<'p>(user: &'p str, password: &'p str, until: &'p str, nonce: &'p str) -> [&'p str; 5] {
    ["browser", user, password, until, nonce]
}

/// What a browser is given after a login.
pub(super) fn remembered(key: &Key, user: &User, now: Timestamp) -> std::io::Result<String> {
    let until = (now.as_second() + KNOWN_FOR.as_secs()).to_string();
    let nonce = base64url(&random::<12>()?);
    let password = digest::sha256(user.password.as_str().as_bytes());
    let signature = key.sign(&parts(&user.name, &password, &until, &nonce));
    Ok(format!("{until}.{nonce}.{signature}"))
}

/// The browser of a request, if somebody was logged in with it as this user.
pub(super) fn known(key: &Key, user: &User, headers: &HeaderMap, config: &Config, now: Timestamp) -> Option<String> {
    let password = digest::sha256(user.password.as_str().as_bytes());
    let is_good = |value: &&str| {
        let mut pieces = value.splitn(3, '.');
        let (Some(until), Some(nonce), Some(signature)) = (pieces.next(), pieces.next(), pieces.next()) else {
            return false;
        };
        until.parse().is_ok_and(|until: i64| now.as_second() < until)
            && key.is_signed(&parts(&user.name, &password, until, nonce), signature)
    };
    let name = cookie_name(config);
    let value = cookies::sent(headers, &name).take(SENT_MAX).find(is_good)?;
    value.split('.').nth(1).map(String::from)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use axum::http::header::COOKIE;

    use super::*;

    const HASH: &str = "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21l$WldVFG4ukGb0o0VPpMlYY1uRj5AMvQKJ5h5mB6FDQdQ";

    fn config(hash: &str) -> Config {
        let users = format!("anna: {{ password: \"{hash}\" }}, bert: {{ password: \"{hash}\" }}");
        let text = format!("version: 1\nserver: {{ listen: \"127.0.0.1:7\", users: {{ {users} }} }}\n");
        Config::parse(&text, Path::new("/studio/hotfolders.yaml")).unwrap()
    }

    #[test]
    fn a_browser_is_known_for_its_user_until_the_password_changes() {
        let (key, config) = (Key::of_bytes([1; 32]), config(HASH));
        let at = |second: i64| Timestamp::from_second(second).unwrap();
        let [anna, bert] = config.server.users.as_slice() else { panic!() };
        let value = remembered(&key, anna, at(0)).unwrap();
        let sent = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(COOKIE, format!("a=b; hotfolders-browser-7={value}").parse().unwrap());
            headers
        };
        let seen = |user: &User, value: &str, second: i64| known(&key, user, &sent(value), &config, at(second));
        let first = seen(anna, &value, 1).unwrap();
        assert_eq!(seen(anna, &value, KNOWN_FOR.as_secs() - 1), Some(first.clone()));
        assert_eq!(seen(anna, &value, KNOWN_FOR.as_secs()), None);
        assert_eq!(seen(bert, &value, 1), None);
        assert_eq!(seen(anna, &format!("9{value}"), 1), None);
        assert_eq!(seen(anna, "", 1), None);
        assert_ne!(seen(anna, &remembered(&key, anna, at(0)).unwrap(), 1).unwrap(), first, "each is counted by itself");
        let changed = self::config(&HASH.replace("WldV", "XldV"));
        assert_eq!(known(&key, &changed.server.users[0], &sent(&value), &config, at(1)), None);
        assert_eq!(known(&Key::of_bytes([2; 32]), anna, &sent(&value), &config, at(1)), None);
    }
}
