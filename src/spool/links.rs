//! Download links: `links/HASH.json`, and what is known of how they are used.
//!
//! Owns: only the hash of a token is kept here; whoever reads all of this folder can open no link. A record is replaced
//! whole. Nothing here knows of jobs but their ids.

mod asked;
mod contents;
mod short;
mod usage;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use self::asked::Asking;
pub use self::contents::{CONTENTS, Contents, LinkedFile, SmallPicture, ZIP, ZipFile, screen_name, thumb_name};
pub use self::short::{Ending, InShort, Taken, days_ago};
pub use self::usage::{SENT_EVERY, Set, Usage, Used};
use super::durable::{self, Done};
use super::job::{self, JobId, RecordError};
use crate::model::delivery::Show;
use crate::model::manifest::Kind;
use crate::plan::StepId;

/// The form of a record that this version writes.
pub const LINK_VERSION: u32 = 1;

/// So many are kept in memory; those that nobody holds just then are read again when they are needed.
const USAGES_KEPT_MAX: usize = 1000;

/// One download link.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LinkRecord {
    pub link: u32,
    /// The job that made what lies behind it, and the step: its journal has the URL and the PIN.
    pub job: JobId,
    pub step: StepId,
    pub kind: Option<Kind>,
    pub record: String,
    /// The profile or the render job that asks for it.
    pub owner: String,
    /// A later run of the record with the same one renews it.
    pub key: Option<String>,
    pub made: Timestamp,
    pub expires: Timestamp,
    /// What a renewal adds to the day of it.
    pub lasts_s: u64,
    pub max_downloads: Option<u32>,
    /// See [`Token::seal`](crate::model::token::Token::seal).
    pub pin: Option<String>,
    pub single_files: bool,
    pub show: Show,
    /// What lies behind it, absolute.
    pub folder: PathBuf,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked: Option<Timestamp>,
    /// The link that has taken its place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub renewed_as: Option<String>,
}

/// Whether a link opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkState {
    Open,
    Expired,
    Revoked,
    /// The whole set was taken as often as it may, and nothing else can be taken.
    UsedUp,
}

impl LinkRecord {
    /// How it stands, without its use.
    pub fn state(&self, now: Timestamp) -> LinkState {
        match self.revoked {
            Some(_) => LinkState::Revoked,
            None if now >= self.expires => LinkState::Expired,
            None => LinkState::Open,
        }
    }

    /// How it stands after what was taken.
    pub fn state_after(&self, now: Timestamp, used: &Used, files: usize) -> LinkState {
        let state = self.state(now);
        let Some(max) = self.max_downloads.filter(|_| state == LinkState::Open && self.show == Show::Download) else {
            return state;
        };
        let singles_left = self.single_files && (0..files).any(|index| used.of(Set::File(index)) < max);
        if used.of(Set::All) >= max && !singles_left { LinkState::UsedUp } else { state }
    }

    /// From then on nothing of it opens.
    pub fn ended(&self) -> Timestamp {
        self.revoked.map_or(self.expires, |revoked| revoked.min(self.expires))
    }
}

/// All links of a spool.
#[derive(Debug)]
pub struct Links {
    folder: PathBuf,
    usages: Mutex<HashMap<String, Arc<Mutex<Usage>>>>,
    /// As of the last [`look`](Links::look).
    looked: Mutex<InShort>,
}

impl Links {
    pub fn of_spool(root: &Path) -> Links {
        Links { folder: root.join("links"), usages: Mutex::default(), looked: Mutex::default() }
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    fn name(hash: &str) -> String {
        format!("{hash}.json")
    }

    /// `None` where there is no such link.
    pub fn read(&self, hash: &str) -> Result<Option<LinkRecord>, RecordError> {
        match job::read(&self.folder, &Self::name(hash)) {
            Ok(record) => Ok(Some(record)),
            Err(e) if e.is_not_found() => Ok(None),
            Err(e) => Err(e),
        }
    }

    /// Durable when it returns; the link opens from then on.
    pub fn write(&self, hash: &str, record: &LinkRecord) -> Result<(), RecordError> {
        durable::make_folder(&self.folder)?;
        job::write(&self.folder, &Self::name(hash), record)
    }

    /// After the studio's folder was moved, what lies behind links is in the downloads folder of today. Called before
    /// anything is removed there: without its record it would be taken for a leftover.
    pub fn follow(&self, downloads: &Path) -> Result<(), RecordError> {
        for (hash, record) in self.all() {
            let Some(at) = record.folder.file_name().map(|name| downloads.join(name)) else { continue };
            if at != record.folder && at.is_dir() {
                self.write(&hash, &LinkRecord { folder: at, ..record })?;
            }
        }
        Ok(())
    }

    /// All of them by their hashes; what cannot be read is told, and left out.
    pub fn all(&self) -> Vec<(String, LinkRecord)> {
        let mut hashes: Vec<String> = std::fs::read_dir(&self.folder)
            .into_iter()
            .flatten()
            .flatten()
            .filter_map(|entry| Some(entry.file_name().to_str()?.strip_suffix(".json")?.to_string()))
            .filter(|hash| is_hash(hash))
            .collect();
        hashes.sort();
        let read = |hash: String| match self.read(&hash) {
            Ok(record) => Some((hash, record?)),
            Err(e) => {
                tracing::error!("{e}");
                None
            }
        };
        hashes.into_iter().filter_map(read).collect()
    }

    /// Where the record is.
    pub fn path(&self, hash: &str) -> PathBuf {
        self.folder.join(Self::name(hash))
    }

    /// The record goes, and what is known of its use.
    pub fn forget(&self, hash: &str) -> Done {
        durable::remove_file(&self.folder.join(Self::name(hash)))?;
        let known = self.usages.lock().unwrap_or_else(PoisonError::into_inner).remove(hash);
        if let Some(usage) = known {
            usage.lock().unwrap_or_else(PoisonError::into_inner).forget();
        }
        self.answered(hash)?;
        durable::remove_file(&self.usage_path(hash))
    }

    pub fn usage_path(&self, hash: &str) -> PathBuf {
        self.folder.join(format!("{hash}.log"))
    }

    /// What is known of its use; held for as long as something is decided by it.
    pub fn usage(&self, hash: &str) -> Result<Arc<Mutex<Usage>>, RecordError> {
        let mut usages = self.usages.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(usage) = usages.get(hash) {
            return Ok(Arc::clone(usage));
        }
        if usages.len() >= USAGES_KEPT_MAX {
            usages.retain(|_, usage| Arc::strong_count(usage) > 1);
        }
        let usage = Arc::new(Mutex::new(Usage::open(&self.usage_path(hash))?));
        usages.insert(hash.to_string(), Arc::clone(&usage));
        Ok(usage)
    }
}

impl Links {
    /// Writes what went out and is not in the logs yet: the server stops.
    pub fn settle(&self, now: Timestamp) {
        let usages = self.usages.lock().unwrap_or_else(PoisonError::into_inner);
        for usage in usages.values() {
            if let Err(e) = usage.lock().unwrap_or_else(PoisonError::into_inner).settle(now) {
                tracing::warn!("what was downloaded could not be noted: {e}");
            }
        }
    }
}

/// 64 hexadecimal digits.
pub fn is_hash(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}
