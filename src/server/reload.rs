//! An edited config is taken when it is right; else the last good one stays in force, and says so.
//!
//! Owns: a file that is still being written is not read; jobs keep what was frozen for them.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::{Duration, Instant};

use crate::error::Error;
use crate::intake::Waker;
use crate::model::config::Config;
use crate::spool::job::Stamp;
use crate::worker::run::Workshop;

/// How often the file is looked at. It counts when two looks find the same.
const EVERY: Duration = Duration::from_secs(1);

/// How a config file is read; the error shows all its problems.
pub type Load = fn(&Path) -> Result<Config, Error>;

pub(super) struct Reload {
    load: Load,
    /// To the scanner, which is woken to take it.
    edited: mpsc::Sender<Arc<Config>>,
    scanner: Arc<Mutex<Waker>>,
    due: Instant,
    seen: Option<Stamp>,
    is_read: bool,
    refused: Option<String>,
}

impl Reload {
    pub(super) fn new(load: Load, edited: mpsc::Sender<Arc<Config>>, scanner: Arc<Mutex<Waker>>) -> Reload {
        // It may have been edited since it was read for this start: the first looks read it once more.
        Reload { load, edited, scanner, due: Instant::now(), seen: None, is_read: false, refused: None }
    }

    /// Why the file as it stands is not in force.
    pub(super) fn refused(&self) -> Option<&str> {
        self.refused.as_deref()
    }

    /// Whether the file was read since the start, as it stands.
    pub(super) fn was_read(&self) -> bool {
        self.is_read
    }

    /// Puts an edited config into force; returns it.
    pub(super) fn look(&mut self, workshop: &Workshop, now: Instant) -> Option<Arc<Config>> {
        if now < self.due {
            return None;
        }
        self.due = now + EVERY;
        let current = workshop.config();
        let stamp = std::fs::metadata(&current.file).ok().map(|metadata| Stamp::from_metadata(&metadata));
        if stamp != self.seen {
            (self.seen, self.is_read) = (stamp, false);
            return None;
        }
        if std::mem::replace(&mut self.is_read, true) {
            return None;
        }
        let config = match (self.load)(&current.file) {
            Ok(config) if config.spool != current.spool => {
                let text = format!(
                    "{}: error: `spool` cannot change while the server runs: stop it, then start it again",
                    current.file.display()
                );
                self.refuse(text);
                return None;
            }
            Ok(config) => config,
            Err(e) => {
                self.refuse(e.text);
                return None;
            }
        };
        if self.refused.take().is_some() {
            tracing::info!("the config is right again");
        }
        if config == *current {
            return None;
        }
        if config.server.max_memory != current.server.max_memory || config.server.log != current.server.log {
            tracing::warn!("`server.max_memory` and `server.log` count from the next start");
        }
        let config = Arc::new(config);
        workshop.reconfigure(Arc::clone(&config));
        // Without a scanner the server is stopping.
        let _ = self.edited.send(Arc::clone(&config));
        self.scanner.lock().unwrap_or_else(PoisonError::into_inner).wake();
        tracing::info!("the edited config is in force; accepted jobs keep their profiles");
        Some(config)
    }

    fn refuse(&mut self, text: String) {
        if self.refused.as_ref() != Some(&text) {
            tracing::error!("the edited config is refused, the one before stays in force:\n{text}");
        }
        self.refused = Some(text);
    }
}
