//! An edited config is taken when it is right; else the last good one stays in force, and says so.
//!
//! Owns: a file that is still being written is not read; jobs keep what was frozen for them; the text that is in force is
//! kept for the next start.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::{Duration, Instant};

use jiff::Timestamp;

use crate::clock;
use crate::intake::Waker;
use crate::matcher;
use crate::model::config::{Config, let_in_although_edited};
use crate::spool::configs;
use crate::spool::job::Stamp;
use crate::worker::run::Workshop;

/// How often the file is looked at. It counts when two looks find the same.
const EVERY: Duration = Duration::from_secs(1);
/// A text that could not be kept is tried again after this long.
const KEEP_AGAIN: Duration = Duration::from_secs(30);

/// A config, and the text that it was read from.
#[derive(Debug)]
pub struct Loaded {
    pub config: Config,
    pub text: String,
}

/// A config file that cannot be taken.
#[derive(Debug)]
pub struct Wrong {
    /// All of them, with their places.
    pub problems: String,
    /// What the file says; nothing where it could not be read.
    pub text: String,
}

/// The last good config is in force because the file is wrong.
#[derive(Debug)]
pub struct Instead {
    pub wrong: Wrong,
    /// When the config that is used came into force.
    pub since: Timestamp,
}

impl Instead {
    /// For whoever typed a command: the first problem, and what is used.
    pub fn in_short(&self, used: &Config) -> String {
        let first = self.wrong.problems.lines().next().unwrap_or_default();
        let since = self.since.to_zoned(clock::time_zone(used.studio.time_zone.as_deref()));
        format!(
            "{first}\nThe last good config is used, in force since {}; `hotfolders check` shows all that is wrong.",
            since.strftime("%Y-%m-%d %H:%M")
        )
    }
}

/// How a config file is read.
pub type Load = fn(&Path) -> Result<Loaded, Wrong>;

pub(super) struct Reload {
    load: Load,
    /// To the scanner, which is woken to take it.
    edited: mpsc::Sender<Arc<Config>>,
    scanner: Arc<Mutex<Waker>>,
    due: Instant,
    seen: Option<Stamp>,
    is_read: bool,
    refused: Option<String>,
    /// The server was started with a config that came into force then, because the file was wrong, and still is.
    started_with: Option<Timestamp>,
    /// What is in force and not kept yet, and when that is tried again.
    to_keep: Option<(String, Instant)>,
    /// Why it could not be kept: said once.
    unkept: Option<String>,
}

impl Reload {
    /// `config` and its `text` are in force from now on; `instead` of a wrong file.
    pub(super) fn new(
        load: Load,
        edited: mpsc::Sender<Arc<Config>>,
        scanner: Arc<Mutex<Waker>>,
        config: &Config,
        text: String,
        instead: Option<&Instead>,
    ) -> Reload {
        let due = Instant::now();
        // It may have been edited since it was read for this start: the first looks read it once more.
        let mut reload = Reload {
            load,
            edited,
            scanner,
            due,
            seen: None,
            is_read: false,
            refused: instead.map(|instead| shown(config, &instead.wrong)),
            started_with: instead.map(|instead| instead.since),
            to_keep: Some((text, due)),
            unkept: None,
        };
        reload.keep(config, due);
        reload
    }

    /// Why the file as it stands is not in force.
    pub(super) fn refused(&self) -> Option<&str> {
        self.refused.as_deref()
    }

    /// Since when the config is good that the server was started with, where its file is wrong since before that.
    pub(super) fn started_with(&self) -> Option<Timestamp> {
        self.started_with
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
        self.keep(&current, now);
        let stamp = std::fs::metadata(&current.file).ok().map(|metadata| Stamp::from_metadata(&metadata));
        if stamp != self.seen {
            (self.seen, self.is_read) = (stamp, false);
            return None;
        }
        if std::mem::replace(&mut self.is_read, true) {
            return None;
        }
        let Loaded { config, text } = match (self.load)(&current.file) {
            Ok(Loaded { config, text }) if config.spool != current.spool => {
                let problems = format!(
                    "{}: error: `spool` cannot change while the server runs: stop it, then start it again",
                    current.file.display()
                );
                self.refuse(shown(&current, &Wrong { problems, text }));
                return None;
            }
            Ok(loaded) => loaded,
            Err(wrong) => {
                self.refuse(shown(&current, &wrong));
                return None;
            }
        };
        self.started_with = None;
        if self.refused.take().is_some() {
            tracing::info!("the config is right again");
        }
        self.to_keep = Some((text, now));
        if config == *current {
            self.keep(&current, now);
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
        warn_of_assets(&config);
        self.keep(&config, now);
        Some(config)
    }

    fn refuse(&mut self, text: String) {
        if self.refused.as_ref() != Some(&text) {
            tracing::error!("the edited config is refused, the one before stays in force:\n{text}");
        }
        self.refused = Some(text);
    }

    /// Keeps what is in force for the next start. Where that is not possible, this start is none the worse.
    fn keep(&mut self, config: &Config, now: Instant) {
        let Some((text, due)) = &mut self.to_keep else { return };
        if now < *due {
            return;
        }
        let user = ["USER", "LOGNAME", "USERNAME"].into_iter().find_map(|name| std::env::var(name).ok());
        let kept = configs::point(config).and_then(|()| configs::keep(config, text, user.as_deref(), clock::now()));
        match kept {
            Ok(()) => (self.to_keep, self.unkept) = (None, None),
            Err(e) => {
                *due = now + KEEP_AGAIN;
                let why = e.to_string();
                if self.unkept.as_ref() != Some(&why) {
                    tracing::warn!("the config is not kept for a start with a wrong file: {why}; it is tried again");
                }
                self.unkept = Some(why);
            }
        }
    }
}

/// What is wrong, and who may log in although the file says otherwise.
fn shown(in_force: &Config, wrong: &Wrong) -> String {
    let users = let_in_although_edited(&in_force.server.users, &wrong.text);
    if users.is_empty() {
        return wrong.problems.clone();
    }
    format!(
        "{}\nwarning: until this is mended the users of the config in force count: {} may log in to the dashboard as before, \
         which the edited file does not say",
        wrong.problems,
        users.join(", ")
    )
}

/// Says of fonts, artwork and ICC files that cannot be used before the first job fails for them.
pub(super) fn warn_of_assets(config: &Config) {
    for trouble in matcher::asset_troubles(config) {
        tracing::warn!("{trouble}");
    }
}
