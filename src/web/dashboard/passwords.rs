//! Passwords: made into hashes, and compared with them.
//!
//! Owns: one is worked on at a time, in a thread with one buffer that all of them share, so that no number of logins
//! takes more memory than the largest hash of the config asks for (19 MiB for ours); whoever comes when the queue is full
//! is refused at once.

use std::sync::mpsc::{self, Receiver, RecvTimeoutError, SyncSender};
use std::time::Duration;

use argon2::password_hash::PasswordHasher as _;
use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, Block, Params, Version};
use tokio::sync::oneshot;

use crate::web::key::same;

/// Longest password that is worked on, in bytes.
pub(super) const PASSWORD_MAX_BYTES: usize = 1024;
/// Passwords that wait for their turn; each takes some tens of milliseconds.
const QUEUE_MAX: usize = 16;
/// The buffer is given back when nobody has logged in for so long.
const KEEP: Duration = Duration::from_secs(30);

/// An argon2id hash in the PHC form, with a salt of its own.
pub fn hash(password: &[u8]) -> Result<String, String> {
    Argon2::default().hash_password(password).map(|hash| hash.to_string()).map_err(|e| e.to_string())
}

/// Whether it is the password of that hash. `memory` is what is computed in, as large as the largest hash so far needs.
fn matches(memory: &mut Vec<Block>, password: &[u8], hash: &str) -> Option<bool> {
    let hash = PasswordHash::new(hash).ok()?;
    let (salt, expected) = (hash.salt.as_ref()?, hash.hash.as_ref()?);
    let algorithm = Algorithm::try_from(hash.algorithm.as_str()).ok()?;
    let version = Version::try_from(hash.version?).ok()?;
    let params = Params::try_from(&hash).ok()?;
    let blocks = params.block_count();
    if memory.len() < blocks {
        memory.try_reserve_exact(blocks - memory.len()).ok()?;
        memory.resize(blocks, Block::new());
    }
    let mut computed = vec![0; expected.len()];
    let argon2 = Argon2::new(algorithm, version, params);
    argon2.hash_password_into_with_memory(password, salt, &mut computed, memory.as_mut_slice()).ok()?;
    Some(same(&computed, expected.as_ref()))
}

#[derive(Debug)]
struct Asked {
    password: String,
    hash: String,
    answer: oneshot::Sender<bool>,
}

/// Compares passwords, one after the other.
#[derive(Debug)]
pub(super) struct Verifier {
    queue: SyncSender<Asked>,
}

impl Verifier {
    pub(super) fn new() -> Verifier {
        let (queue, asked) = mpsc::sync_channel(QUEUE_MAX);
        let thread = std::thread::Builder::new().name("passwords".into());
        if let Err(e) = thread.spawn(move || work(&asked)) {
            tracing::error!("nobody can log in to the dashboard: {e}");
        }
        Verifier { queue }
    }

    /// Whether it is the password of a hash; `None` when the server is too busy to say.
    pub(super) async fn verify(&self, password: &str, hash: &str) -> Option<bool> {
        let (answer, answered) = oneshot::channel();
        let asked = Asked { password: password.to_string(), hash: hash.to_string(), answer };
        self.queue.try_send(asked).ok()?;
        answered.await.ok()
    }
}

fn work(asked: &Receiver<Asked>) {
    let mut memory = Vec::new();
    loop {
        match asked.recv_timeout(KEEP) {
            // Whoever asked may have gone meanwhile.
            Ok(Asked { answer, .. }) if answer.is_closed() => {}
            Ok(Asked { password, hash, answer }) => {
                let fits = password.len() <= PASSWORD_MAX_BYTES;
                let password = if fits { password.as_bytes() } else { &[] };
                let right = matches(&mut memory, password, &hash).unwrap_or(false);
                let _ = answer.send(right && fits);
            }
            Err(RecvTimeoutError::Timeout) => memory = Vec::new(),
            Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_is_of_one_password_whatever_was_computed_before() {
        let known = hash(b"correct horse").unwrap();
        assert!(known.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{known}");
        assert_ne!(hash(b"correct horse").unwrap(), known, "each has a salt of its own");
        let params = Params::new(64, 1, 2, None).unwrap();
        let small =
            Argon2::new(Algorithm::Argon2id, Version::V0x13, params).hash_password(b"other").unwrap().to_string();
        let mut memory = Vec::new();
        for (password, hash, expected) in [
            ("other", &small, true),
            ("correct horse", &known, true),
            ("correct horsf", &known, false),
            ("other", &small, true),
            ("", &small, false),
            ("correct horse", &known, true),
        ] {
            assert_eq!(matches(&mut memory, password.as_bytes(), hash), Some(expected), "{password}");
        }
        assert_eq!(memory.len(), 19_456, "one buffer for all");
        assert_eq!(matches(&mut memory, b"x", "$argon2id$v=19$m=8"), None);
    }

    #[test]
    fn whoever_comes_when_the_queue_is_full_is_refused_at_once() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let verifier = Verifier::new();
            let known = hash(b"correct horse").unwrap();
            let (mut compared, mut refused) = (0, 0);
            let asked: Vec<_> =
                (0..4 * QUEUE_MAX).map(|_| Box::pin(verifier.verify("correct horse", &known))).collect();
            let mut waiting = Vec::new();
            for mut one in asked {
                // The first look puts it into the queue.
                match std::future::poll_fn(|cx| std::task::Poll::Ready(one.as_mut().poll(cx))).await {
                    std::task::Poll::Ready(None) => refused += 1,
                    std::task::Poll::Ready(Some(right)) => compared += u32::from(right),
                    std::task::Poll::Pending => waiting.push(one),
                }
            }
            for one in waiting {
                compared += u32::from(one.await == Some(true));
            }
            assert!(refused > 0 && compared as usize >= QUEUE_MAX, "{compared} compared, {refused} refused");
            assert_eq!(compared + refused, 4 * QUEUE_MAX as u32);
            assert_eq!(verifier.verify(&"x".repeat(PASSWORD_MAX_BYTES + 1), &known).await, Some(false));
        });
    }
}
