//! What a running job is told from outside.

use std::sync::atomic::{AtomicBool, Ordering};

/// Signals from outside, looked at between steps.
#[derive(Debug, Default)]
pub struct Signals {
    /// Finish the steps in hand and stop.
    pub(super) stop: AtomicBool,
    /// Why.
    pub(super) is_server_stopping: AtomicBool,
    pub(super) cancel: AtomicBool,
    pub(super) hold: AtomicBool,
}

impl Signals {
    /// The server stops.
    pub fn stop(&self) {
        self.is_server_stopping.store(true, Ordering::SeqCst);
        self.stop.store(true, Ordering::SeqCst);
    }

    pub fn cancel(&self) {
        self.cancel.store(true, Ordering::SeqCst);
        self.stop.store(true, Ordering::SeqCst);
    }

    pub fn hold(&self) {
        self.hold.store(true, Ordering::SeqCst);
        self.stop.store(true, Ordering::SeqCst);
    }
}
