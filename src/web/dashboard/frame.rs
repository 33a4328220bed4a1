//! What stands around each page: where one is, who one is, and what came of the last button.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use super::queue::name_of;
use super::sessions::Visitor;
use super::told::{Told, told};
use super::words::Clock;
use super::{Dashboard, studio_name};
use crate::clock;
use crate::control;
use crate::spool::job::JobId;

/// Notes that nobody has come back for, at most.
const NOTES_KEPT: usize = 100;

/// The pages that the head of each page leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Page {
    Queue,
    History,
    Places,
    Profiles,
    Drop,
    /// None of them.
    Job,
}

#[derive(Debug)]
pub(super) struct Frame {
    pub(super) studio: String,
    pub(super) page: Page,
    pub(super) user: Option<String>,
    /// Whether buttons are shown.
    pub(super) acts: bool,
    pub(super) paused: bool,
    pub(super) note: Option<Note>,
    /// The config file is not what is in force: what is, and what is wrong with the file.
    pub(super) config: Option<ConfigNotice>,
    pub(super) version: &'static str,
}

impl Note {
    /// The jobs that the button is for besides the first.
    pub(super) fn also(&self) -> String {
        self.undo.iter().skip(1).map(JobId::as_str).collect::<Vec<_>>().join(",")
    }
}

impl Frame {
    pub(super) fn is(&self, page: Page) -> bool {
        self.page == page
    }
}

/// Shown on each page for as long as the config file is wrong.
#[derive(Debug)]
pub(super) struct ConfigNotice {
    pub(super) title: String,
    pub(super) text: &'static str,
}

/// Of what the server tells; `file` is the config's name.
fn config_notice(told: &Told, file: &str, clock: &Clock) -> Option<ConfigNotice> {
    told.config_refused.as_ref()?;
    Some(match told.config_started_with {
        None => ConfigNotice {
            title: format!("The edited {file} is not in force"),
            text: "The last good one is, and its users may log in.",
        },
        Some(since) => ConfigNotice {
            title: format!(
                "{file} is wrong: the server has started with the last good one, of {}",
                clock.moment(since).shown
            ),
            text: "The users of that one may log in.",
        },
    })
}

/// What came of a button.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Note {
    pub(super) done: Vec<String>,
    pub(super) refused: Vec<String>,
    /// Jobs that were ended: one button leads back.
    pub(super) undo: Vec<JobId>,
}

/// Each is shown once, on the page that comes after a button. Never a part of a URL: then anybody could write one.
#[derive(Debug, Default)]
pub(super) struct Notes {
    kept: Mutex<VecDeque<(String, Note)>>,
}

impl Notes {
    /// Under which it is fetched.
    pub(super) fn leave(&self, note: Note) -> String {
        let mut bytes = [0; 8];
        // What stands in a note is no secret.
        let _ = getrandom::fill(&mut bytes);
        let key = format!("{:016x}", u64::from_le_bytes(bytes));
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= NOTES_KEPT {
            kept.pop_front();
        }
        kept.push_back((key.clone(), note));
        key
    }

    fn take(&self, key: &str) -> Option<Note> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let at = kept.iter().position(|(known, _)| known == key)?;
        kept.remove(at).map(|(_, note)| note)
    }
}

/// In the URL after a button.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
pub(super) struct NoteKey {
    pub(super) note: String,
}

/// What nearly every page is made with.
#[derive(Debug)]
pub(super) struct Setting {
    pub(super) frame: Frame,
    pub(super) told: Told,
    pub(super) clock: Clock,
}

impl Dashboard {
    pub(super) fn setting(&self, page: Page, visitor: &Visitor, key: &NoteKey) -> Setting {
        let config = self.site.config();
        let clock = Clock::new(clock::time_zone(config.studio.time_zone.as_deref()), clock::now());
        let told = told(&self.site);
        let frame = Frame {
            studio: studio_name(&config).to_string(),
            page,
            user: visitor.name.clone(),
            acts: visitor.acts(),
            paused: control::is_paused(&self.site.spool),
            note: self.notes.take(&key.note),
            config: config_notice(&told, &name_of(&config.file), &clock),
            version: env!("CARGO_PKG_VERSION"),
        };
        Setting { frame, told, clock }
    }
}
