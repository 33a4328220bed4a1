//! `index.jsonl`: one line per finished job, also after its folder was pruned.
//!
//! Owns: a torn last line is cut off; a damaged file is set aside with a warning, never emptied; the last line of an id
//! wins. The lines stay on the disk; what is kept of each in memory is where it is.

mod brief;
mod placed;
mod rewrite;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::fs::File;
use std::hash::{Hash, Hasher as _};
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use self::brief::{Brief, History};
use self::placed::Placed;
pub use self::placed::moved_along;
pub use self::rewrite::{Change, Copied, Decide, Rewrite};
use super::durable;
use super::job::JobId;
use super::queue::{Spool, SpoolError};
use crate::model::digest::sha256;
use crate::model::manifest::Kind;
use crate::plan::fingerprint::Works;

/// The result of a line of which only a hash was left.
pub const ERASED: &str = "erased";

/// A finished job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IndexLine {
    pub job: JobId,
    pub result: String,
    pub finished: Timestamp,
    /// `None` in lines of versions before this field; they know no client and no session either.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accepted: Option<Timestamp>,
    pub kind: Option<Kind>,
    pub record: String,
    pub client: Option<IndexedClient>,
    /// Of the manifest, its lines and its images.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sessions: Vec<String>,
    /// Codes of the items that its lines order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub items: Vec<String>,
    /// The copy in a `receipts:` folder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receipt: Option<PathBuf>,
    /// The drop folder held nothing of it any more.
    #[serde(default)]
    pub cleared: bool,
    /// What stands at destinations, so that a later run of the record and profile knows its own files.
    pub placed: Vec<IndexedFile>,
    /// What it was asked for and made, in digests: whether a later job of the record is the same again.
    #[serde(default)]
    pub works: Works,
    /// Files of earlier jobs of the record that it removed, because they are not made any more.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub removed: Vec<PathBuf>,
    /// Which reprint of the record it was; 0 for none.
    #[serde(default)]
    pub reprint: u32,
    /// How many sheets of it left for a printer.
    #[serde(default, skip_serializing_if = "is_none")]
    pub prints: usize,
    /// What is left of an erased line: [`record_hash`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub erased: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct IndexedClient {
    pub name: Option<String>,
    pub email: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IndexedFile {
    /// Profile or render job.
    pub owner: String,
    pub path: PathBuf,
    pub sha256: String,
    /// Which delivery of the owner it belongs to, as [`Work::to`](crate::plan::fingerprint::Work::to) has it; empty for
    /// what is never removed for a later job.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub to: String,
    /// Which output it is; empty for a volume.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub output: String,
    /// Of pictures without a manifest: a digest of the originals that it was made from.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub made_of: String,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "the form that serde asks for")]
fn is_none(number: &usize) -> bool {
    *number == 0
}

/// A line without what it made: the long part is skipped when it is read.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Summary {
    pub job: JobId,
    pub result: String,
    pub finished: Timestamp,
    #[serde(default)]
    pub accepted: Option<Timestamp>,
    pub kind: Option<Kind>,
    pub record: String,
    #[serde(default)]
    pub client: Option<IndexedClient>,
    #[serde(default)]
    pub sessions: Vec<String>,
    #[serde(default)]
    pub items: Vec<String>,
    #[serde(default)]
    pub receipt: Option<PathBuf>,
    #[serde(default)]
    pub cleared: bool,
    #[serde(default)]
    pub erased: Option<String>,
}

impl IndexLine {
    pub fn summary(&self) -> Summary {
        Summary {
            job: self.job.clone(),
            result: self.result.clone(),
            finished: self.finished,
            accepted: self.accepted,
            kind: self.kind,
            record: self.record.clone(),
            client: self.client.clone(),
            sessions: self.sessions.clone(),
            items: self.items.clone(),
            receipt: self.receipt.clone(),
            cleared: self.cleared,
            erased: self.erased.clone(),
        }
    }
}

/// By this a record that was erased is known again.
pub fn record_hash(kind: Option<Kind>, record: &str) -> String {
    sha256(format!("{} {}", kind.map_or("", Kind::word), record.to_ascii_lowercase()).as_bytes())
}

impl IndexLine {
    /// What is left of a line: that there was a job, and a hash of its kind and record.
    pub fn tombstone(summary: &Summary, at: Timestamp) -> Option<IndexLine> {
        let hash = sha256(summary.job.as_str().as_bytes());
        Some(IndexLine {
            // The id names the record.
            job: JobId::parse(&format!("erased-{hash}"))?,
            result: ERASED.to_string(),
            finished: at,
            accepted: Some(at),
            kind: None,
            record: String::new(),
            client: None,
            sessions: Vec::new(),
            items: Vec::new(),
            receipt: None,
            cleared: true,
            placed: Vec::new(),
            works: Works::default(),
            removed: Vec::new(),
            reprint: 0,
            prints: 0,
            erased: Some(record_hash(summary.kind, &summary.record)),
        })
    }
}

/// What is kept of a line.
#[derive(Debug, Clone, Copy)]
struct Entry {
    start: u64,
    bytes: u32,
    cleared: bool,
    /// Hashes of its record and its job. An erased line is of no record.
    record: Option<u64>,
    job: u64,
}

impl Entry {
    fn of(brief: &Brief<'_>) -> Entry {
        Entry {
            start: brief.start,
            bytes: brief.bytes,
            cleared: brief.cleared,
            record: (!brief.is_erased()).then(|| record_key(brief.kind, &brief.record)),
            job: hash(&*brief.job),
        }
    }
}

fn record_key(kind: Option<Kind>, record: &str) -> u64 {
    hash((kind.map(Kind::word), record))
}

/// Reads and grows `index.jsonl`.
#[derive(Debug)]
pub struct Index {
    spool: Spool,
    path: PathBuf,
    entries: Vec<Entry>,
    /// The lines of each record, and the last one of each job: places in `entries`.
    of_record: HashMap<u64, Vec<u32>>,
    of_job: HashMap<u64, u32>,
    end: u64,
    appender: durable::Appender,
    /// `None` where it cannot be written; the next start makes it anew.
    brief: Option<durable::Appender>,
    /// A delivery asks for every file of one record.
    placed: Option<Placed>,
    /// Counts how often the file was written anew.
    generation: u64,
    /// A write was cut off: what is in memory may not be what is on the disk, which is loaded before the next use.
    stale: bool,
    warning: Option<String>,
}

fn path(spool: &Spool) -> PathBuf {
    spool.root().join("index.jsonl")
}

fn hash(of: impl Hash) -> u64 {
    let mut hasher = std::hash::DefaultHasher::new();
    of.hash(&mut hasher);
    hasher.finish()
}

fn read_line(path: &Path, start: u64, bytes: u32) -> Result<IndexLine, SpoolError> {
    let read = |source| SpoolError::Read { path: path.display().to_string(), source };
    let mut file = File::open(path).map_err(read)?;
    file.seek(SeekFrom::Start(start)).map_err(read)?;
    let mut text = vec![0; bytes as usize];
    file.read_exact(&mut text).map_err(read)?;
    serde_json::from_slice(&text).map_err(|e| read(e.into()))
}

impl Index {
    /// Loads the index. A torn last line is cut off; a damaged one elsewhere sets the file aside, never empties it.
    pub fn open(spool: &Spool) -> Result<(Index, Option<String>), SpoolError> {
        let (path, mut text) = (path(spool), Vec::new());
        if let Some(loaded) = brief::load(&mut text, spool)? {
            let (mut tail, mut whole) = (Vec::new(), true);
            let end = brief::scan(&path, loaded.covered, None, &mut |start, line, summary| {
                whole &= summary.is_some();
                tail.extend(summary.map(|summary| Brief::of(&summary, start, line.len() as u32)));
                Ok(())
            })?;
            if whole {
                let mut index = Self::over(spool, end, Some(loaded.bytes))?;
                loaded.lines.iter().chain(&tail).for_each(|brief| index.remember(&Entry::of(brief)));
                index.keep_briefs(&tail);
                return Ok((index, None));
            }
        }
        Self::open_anew(spool)
    }

    /// Reads all of it.
    fn open_anew(spool: &Spool) -> Result<(Index, Option<String>), SpoolError> {
        let path = path(spool);
        durable::remove_file(&brief::path(spool))?;
        let (mut briefs, mut number, mut damaged) = (Vec::new(), 0_usize, None::<usize>);
        let end = brief::scan(&path, 0, None, &mut |start, line, summary| {
            number += 1;
            match summary {
                Some(summary) => briefs.push(Brief::of(&summary, start, line.len() as u32)),
                None => damaged = damaged.or(Some(number)),
            }
            Ok(())
        })?;
        let Some(number) = damaged else {
            let mut index = Self::over(spool, end, Some(0))?;
            for brief in &briefs {
                index.remember(&Entry::of(brief));
            }
            index.keep_briefs(&briefs);
            return Ok((index, None));
        };
        let aside = rewrite::set_damaged_aside(spool, end)?;
        let warning = format!(
            "line {number} of {} is damaged: the file was set aside as {}, its readable lines were kept",
            path.display(),
            aside.display()
        );
        let (index, _) = Self::open(spool)?;
        Ok((index, Some(warning)))
    }

    /// Files that are open for more lines, nothing known of those in them. Both are cut to their whole lines.
    fn over(spool: &Spool, end: u64, brief_bytes: Option<u64>) -> Result<Index, SpoolError> {
        Ok(Index {
            spool: spool.clone(),
            path: path(spool),
            entries: Vec::new(),
            of_record: HashMap::new(),
            of_job: HashMap::new(),
            end,
            appender: durable::Appender::open(&path(spool), Some(end))?,
            brief: durable::Appender::open(&brief::path(spool), brief_bytes).ok(),
            placed: None,
            generation: 0,
            stale: false,
            warning: None,
        })
    }

    fn remember(&mut self, entry: &Entry) {
        let at = self.entries.len() as u32;
        self.entries.push(*entry);
        self.of_job.insert(entry.job, at);
        if let Some(record) = entry.record {
            self.of_record.entry(record).or_default().push(at);
        }
    }

    /// Not on the disk when it returns: what is missing there is read from the index again.
    fn keep_briefs(&mut self, briefs: &[Brief<'_>]) {
        let text: String = briefs.iter().map(Brief::line).collect();
        let kept = self.brief.as_mut().is_some_and(|file| file.append_unsynced(&text).is_ok());
        if !kept {
            self.brief = None;
        }
    }

    /// After a write that was cut off, what the disk has counts.
    fn refresh(&mut self) -> Result<(), SpoolError> {
        if self.stale {
            let (index, warning) = Self::open(&self.spool)?;
            let (generation, earlier) = (self.generation + 1, self.warning.take());
            *self = Index { generation, warning: warning.or(earlier), ..index };
        }
        Ok(())
    }

    /// What a person should know of, once.
    pub fn take_warning(&mut self) -> Option<String> {
        self.warning.take()
    }

    pub fn append(&mut self, line: &IndexLine) -> Result<(), SpoolError> {
        self.append_all(std::slice::from_ref(line))
    }

    pub fn append_all(&mut self, lines: &[IndexLine]) -> Result<(), SpoolError> {
        self.refresh()?;
        let (mut text, mut briefs, mut end) = (String::new(), Vec::new(), self.end);
        for line in lines {
            let one = serde_json::to_string(line).unwrap_or_default() + "\n";
            briefs.push(Brief::of(&line.summary(), end, one.len() as u32));
            end += one.len() as u64;
            text += &one;
        }
        if let Err(e) = self.appender.append(&text) {
            self.stale = true;
            return Err(e.into());
        }
        self.end = end;
        self.keep_briefs(&briefs);
        for brief in &briefs {
            self.remember(&Entry::of(brief));
        }
        self.placed = None;
        Ok(())
    }

    /// The jobs of a record, the oldest first; of a job that was tried again its last line.
    pub fn of_record(&mut self, kind: Option<Kind>, record: &str) -> Result<Vec<IndexLine>, SpoolError> {
        self.refresh()?;
        if let Ok(lines) = self.read_record(kind, record) {
            return Ok(lines);
        }
        // A line is not what it was when the index was loaded: it is damaged.
        self.reload()?;
        self.read_record(kind, record)
    }

    fn read_record(&self, kind: Option<Kind>, record: &str) -> Result<Vec<IndexLine>, SpoolError> {
        let mut lines: Vec<IndexLine> = Vec::new();
        for at in self.of_record.get(&record_key(kind, record)).into_iter().flatten() {
            let Entry { start, bytes, .. } = self.entries[*at as usize];
            let line = read_line(&self.path, start, bytes)?;
            lines.retain(|known| known.job != line.job);
            // Hashes may be equal by chance.
            if line.kind == kind && line.record == record {
                lines.push(line);
            }
        }
        Ok(lines)
    }

    /// Reads every line again; a damaged file is set aside.
    pub fn reload(&mut self) -> Result<(), SpoolError> {
        self.stale = true;
        durable::remove_file(&brief::path(&self.spool))?;
        self.refresh()
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether it has a line of this job.
    pub fn knows(&self, job: &JobId) -> bool {
        self.of_job.contains_key(&hash(job.as_str()))
    }

    /// Whether this job's drop was clear when it ended.
    pub fn is_cleared(&self, job: &JobId) -> bool {
        self.of_job.get(&hash(job.as_str())).is_some_and(|at| self.entries[*at as usize].cleared)
    }
}
