//! Taking the spool for a server.

use std::time::{Duration, Instant};

use crate::clock;
use crate::error::Error;
use crate::spool::queue::{Lock, Spool, SpoolError};

/// A command that holds the lock for the blink of an eye must not end a server that starts just then; nor must a server
/// that has lost its `LOCK`, and finishes the steps in hand.
pub(super) fn patient_lock(spool: &Spool) -> Result<Lock, Error> {
    const WITHIN: Duration = Duration::from_secs(1);
    const LEFT_WITHIN: Duration = Duration::from_mins(1);
    let start = Instant::now();
    let mut told = false;
    loop {
        let patience = match spool.lock(clock::now()) {
            Ok(lock) => return Ok(lock),
            Err(SpoolError::Leaving) if start.elapsed() < LEFT_WITHIN => {
                if !std::mem::replace(&mut told, true) {
                    tracing::warn!("{}; this one waits for it", SpoolError::Leaving);
                }
                Duration::from_millis(500)
            }
            Err(SpoolError::Locked(_)) if start.elapsed() < WITHIN => Duration::from_millis(50),
            Err(e) => return Err(Error::failed(e.to_string())),
        };
        std::thread::sleep(patience);
    }
}
