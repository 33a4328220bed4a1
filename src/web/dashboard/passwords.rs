//! Passwords: made into hashes, and compared with them.
//!
//! Owns: no more than [`AT_ONCE`] are worked on at a time, each of them takes 19 MiB and some tens of milliseconds; a user
//! who does not exist takes as long as one who does.

use std::sync::LazyLock;
use std::time::Duration;

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use tokio::sync::Semaphore;

/// Longest password that is worked on, in bytes.
pub(super) const PASSWORD_MAX_BYTES: usize = 1024;
const AT_ONCE: usize = 2;
/// Whoever has not got a turn by then is told that the server is busy.
const TURN_WITHIN: Duration = Duration::from_secs(10);

/// Of a password that nobody knows: compared when there is no such user.
static NOBODY: LazyLock<String> = LazyLock::new(|| {
    let mut password = [0; 32];
    // Without the system's randomness the password is a known one, and still opens nothing.
    let _ = getrandom::fill(&mut password);
    hash(&password).unwrap_or_default()
});

/// An argon2id hash in the PHC form, with a salt of its own.
pub fn hash(password: &[u8]) -> Result<String, String> {
    Argon2::default().hash_password(password).map(|hash| hash.to_string()).map_err(|e| e.to_string())
}

fn matches(password: &[u8], hash: &str) -> bool {
    PasswordHash::new(hash).is_ok_and(|hash| Argon2::default().verify_password(password, &hash).is_ok())
}

/// Compares passwords on threads of their own.
#[derive(Debug)]
pub(super) struct Verifier {
    turns: Semaphore,
}

impl Verifier {
    pub(super) fn new() -> Verifier {
        Verifier { turns: Semaphore::new(AT_ONCE) }
    }

    /// Whether it is the password of a user's hash; `None` when the server is too busy to tell. Without a user it never is.
    pub(super) async fn verify(&self, password: String, hash: Option<String>) -> Option<bool> {
        let turn = tokio::time::timeout(TURN_WITHIN, self.turns.acquire()).await.ok()?.ok()?;
        let work = move || {
            let fits = password.len() <= PASSWORD_MAX_BYTES;
            let password = if fits { password.as_bytes() } else { &[] };
            let right = matches(password, hash.as_deref().unwrap_or(NOBODY.as_str()));
            right && fits && hash.is_some()
        };
        let right = tokio::task::spawn_blocking(work).await.ok();
        drop(turn);
        right
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_is_of_one_password() {
        let known = hash(b"correct horse").unwrap();
        assert!(known.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{known}");
        assert!(matches(b"correct horse", &known));
        assert!(!matches(b"correct horsf", &known));
        assert_ne!(hash(b"correct horse").unwrap(), known, "each has a salt of its own");
        assert!(!matches(b"", &NOBODY));
    }
}
