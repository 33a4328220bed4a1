//! Who is logged in.
//!
//! Owns: only digests of the tokens are kept; a session ends when nobody uses it, when it is old, and when its user's
//! password changes or the user is gone. A restart of the server ends all of them.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::model::config::{Config, User, UserRole};
use crate::model::digest;

/// A session that nobody uses ends.
const IDLE: Duration = Duration::from_hours(8);
/// However much it is used.
const LONGEST: Duration = Duration::from_hours(7 * 24);
/// Sessions at a time; the one that was used least recently goes first.
const KEPT_MAX: usize = 1_000;
const TOKEN_BYTES: usize = 32;

#[derive(Debug, Clone)]
struct Session {
    user: String,
    /// Digest of the password's hash at login.
    password: String,
    since: Instant,
    used: Instant,
}

/// Somebody who may see the dashboard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Visitor {
    /// `None` where the dashboard has no users.
    pub(super) name: Option<String>,
    pub(super) role: UserRole,
}

impl Visitor {
    pub(super) fn acts(&self) -> bool {
        self.role == UserRole::Operator
    }
}

#[derive(Debug, Default)]
pub(super) struct Sessions {
    /// By the digest of their tokens.
    kept: Mutex<HashMap<String, Session>>,
}

impl Sessions {
    /// A new session; its token is told once.
    pub(super) fn open(&self, user: &User, now: Instant) -> Result<String, getrandom::Error> {
        let mut bytes = [0; TOKEN_BYTES];
        getrandom::fill(&mut bytes)?;
        let token: String = bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"));
        let password = digest::sha256(user.password.as_str().as_bytes());
        let session = Session { user: user.name.clone(), password, since: now, used: now };
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|_, session| session.is_alive(now));
        if kept.len() >= KEPT_MAX
            && let Some(oldest) = kept.iter().min_by_key(|(_, session)| session.used).map(|(key, _)| key.clone())
        {
            kept.remove(&oldest);
        }
        kept.insert(digest::sha256(token.as_bytes()), session);
        Ok(token)
    }

    /// Whose token it is, as the config says now.
    pub(super) fn visitor(&self, token: &str, config: &Config, now: Instant) -> Option<Visitor> {
        let key = digest::sha256(token.as_bytes());
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let session = kept.get_mut(&key)?;
        let user = config.server.users.iter().find(|user| user.name == session.user);
        let user = user.filter(|user| digest::sha256(user.password.as_str().as_bytes()) == session.password);
        let Some(user) = user.filter(|_| session.is_alive(now)) else {
            kept.remove(&key);
            return None;
        };
        session.used = now;
        Some(Visitor { name: Some(user.name.clone()), role: user.role })
    }

    pub(super) fn close(&self, token: &str) {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).remove(&digest::sha256(token.as_bytes()));
    }
}

impl Session {
    fn is_alive(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.used) < IDLE && now.saturating_duration_since(self.since) < LONGEST
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    const HASH: &str = "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21l$WldVFG4ukGb0o0VPpMlYY1uRj5AMvQKJ5h5mB6FDQdQ";

    fn config(users: &str) -> Config {
        let text = format!("version: 1\nserver: {{ listen: \"127.0.0.1:1\", users: {{ {users} }} }}\n");
        Config::parse(&text, Path::new("/studio/hotfolders.yaml")).unwrap()
    }

    #[test]
    fn sessions_end_by_themselves_and_with_their_users() {
        let anna = format!("anna: {{ password: \"{HASH}\", role: operator }}");
        let (then, sessions, start) = (config(&anna), Sessions::default(), Instant::now());
        let open = || sessions.open(&then.server.users[0], start).unwrap();
        let token = open();
        assert_eq!(token.len(), 64);
        assert_ne!(open(), token);
        let seen = |token: &str, config: &Config, at| sessions.visitor(token, config, at).map(|visitor| visitor.role);
        assert_eq!(seen(&token, &then, start), Some(UserRole::Operator));
        assert_eq!(seen(&token[1..], &then, start), None);
        // Used every few hours it lasts for days, not for ever.
        let mut at = start;
        while at + Duration::from_hours(7) < start + LONGEST {
            at += Duration::from_hours(7);
            assert_eq!(seen(&token, &then, at), Some(UserRole::Operator));
        }
        assert_eq!(seen(&token, &then, start + LONGEST), None);
        let token = open();
        assert_eq!(seen(&token, &then, start + IDLE), None);
        let token = open();
        assert_eq!(seen(&token, &config(&anna.replace("operator", "viewer")), start), Some(UserRole::Viewer));
        assert_eq!(seen(&token, &config(&anna.replace("WldV", "XldV")), start), None, "another password");
        assert_eq!(seen(&token, &then, start), None, "and it does not come back");
        let token = open();
        sessions.close(&token);
        assert_eq!(seen(&token, &then, start), None);
    }
}
