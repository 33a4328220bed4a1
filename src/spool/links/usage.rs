//! What was taken through a link: `links/HASH.log`, a line for each download and a few for what went out of it.
//!
//! Owns: a download is counted durably before its first byte leaves, and once for each grant, whatever a client repeats.
//! How much of it went out is added up by grant and written now and then, however many answers it took; a crash may take
//! the last of that back.

mod tally;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use self::tally::SENT_EVERY;
use self::tally::{Tally, add_stretch};
use super::Contents;
use crate::model::limits::PLAN_MAX_OUTPUTS;
use crate::spool::durable::{self, Appender, Done};
use crate::spool::job::RecordError;

/// Stretches of a zip that are kept: as many as a package may have files, each taken by itself.
const STRETCHES_MAX: usize = PLAN_MAX_OUTPUTS;

/// What somebody takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Set {
    All,
    /// One file, by its index in the contents.
    File(usize),
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "entry", rename_all = "snake_case")]
enum Entry {
    /// The first use of a grant.
    Counted { at: Timestamp, set: Set, grant: String, from: Option<String> },
    /// Bytes `start..end` of the zip went out, by one answer or by several of the same grant.
    Sent {
        at: Timestamp,
        set: Set,
        start: u64,
        end: u64,
        from: Option<String>,
        /// Stretches beside the first.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        more: Vec<(u64, u64)>,
        /// How many bytes that was, where it is not the length of the first stretch.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        bytes: Option<u64>,
    },
    /// Other files lie behind the link from here on.
    Renewed { at: Timestamp },
    /// What older lines came to, which are gone.
    Before(Used),
}

/// What all lines come to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Used {
    /// How often each set was taken.
    pub sets: Vec<(Set, u32)>,
    /// Grants that are counted, and when.
    pub grants: BTreeMap<String, Timestamp>,
    /// Stretches of the zip that went out, in order, none touching another.
    pub sent: Vec<(u64, u64)>,
    pub last: Option<Timestamp>,
    pub bytes: u64,
}

impl Used {
    pub fn of(&self, set: Set) -> u32 {
        self.sets.iter().find(|(known, _)| *known == set).map_or(0, |(_, count)| *count)
    }

    pub fn downloads(&self) -> u32 {
        self.sets.iter().map(|(_, count)| count).sum()
    }

    /// How many of the pictures went out whole, in one size at least.
    pub fn pictures_taken(&self, contents: &Contents) -> usize {
        let is_whole = |index: &usize| {
            let file = &contents.files[*index];
            let behind = self.sent.partition_point(|(from, _)| *from <= file.offset);
            self.sent[..behind].last().is_some_and(|(_, to)| file.offset + file.bytes <= *to)
        };
        contents.pictures().iter().filter(|sizes| sizes.iter().any(is_whole)).count()
    }

    fn apply(&mut self, entry: Entry) {
        match entry {
            Entry::Counted { at, set, grant, .. } => {
                self.last = self.last.max(Some(at));
                if self.grants.insert(grant, at).is_none() {
                    match self.sets.iter_mut().find(|(known, _)| *known == set) {
                        Some((_, count)) => *count += 1,
                        None => self.sets.push((set, 1)),
                    }
                }
            }
            Entry::Sent { at, start, end, more, bytes, .. } => {
                self.add(at, (start, end), bytes.unwrap_or(end.saturating_sub(start)));
                for stretch in more {
                    self.add(at, stretch, 0);
                }
            }
            Entry::Renewed { .. } => *self = Used { last: self.last, ..Used::default() },
            Entry::Before(used) => *self = used,
        }
    }

    fn add(&mut self, at: Timestamp, stretch: (u64, u64), bytes: u64) {
        self.last = self.last.max(Some(at));
        self.bytes += bytes;
        add_stretch(&mut self.sent, stretch, STRETCHES_MAX);
    }
}

/// The use of one link.
#[derive(Debug)]
pub struct Usage {
    path: PathBuf,
    used: Used,
    /// Opened at the first line that is written.
    appender: Option<Appender>,
    valid_bytes: u64,
    /// What went out by each grant and is not in the log yet.
    tallies: BTreeMap<String, Tally>,
    /// The link was erased: nothing is written of it any more.
    is_forgotten: bool,
}

impl Usage {
    pub(super) fn open(path: &Path) -> Result<Usage, RecordError> {
        let text = match std::fs::read(path) {
            Ok(text) => text,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Vec::new(),
            Err(source) => return Err(RecordError::Read { path: path.to_path_buf(), source }),
        };
        let mut used = Used::default();
        let mut valid_bytes = 0;
        for line in text.split_inclusive(|b| *b == b'\n') {
            if line.last() != Some(&b'\n') {
                break;
            }
            match serde_json::from_slice(line) {
                Ok(entry) => used.apply(entry),
                // One damaged line loses one download, and no link closes for it.
                Err(e) => tracing::error!("{}: a line cannot be read: {e}", path.display()),
            }
            valid_bytes += line.len() as u64;
        }
        Ok(Usage {
            path: path.to_path_buf(),
            used,
            appender: None,
            valid_bytes,
            tallies: BTreeMap::new(),
            is_forgotten: false,
        })
    }

    pub fn used(&self) -> &Used {
        &self.used
    }

    fn write(&mut self, entry: &Entry, is_durable: bool) -> Done {
        if self.is_forgotten {
            return Ok(());
        }
        let mut line = serde_json::to_string(entry).unwrap_or_default();
        line.push('\n');
        let appender = match &mut self.appender {
            Some(appender) => appender,
            None => self.appender.insert(Appender::open(&self.path, Some(self.valid_bytes))?),
        };
        if is_durable {
            appender.append(&line)?;
        } else {
            appender.append_unsynced(&line)?;
        }
        self.valid_bytes += line.len() as u64;
        Ok(())
    }

    /// The link was erased, and its log with it: downloads that still run must not bring it back.
    pub(super) fn forget(&mut self) {
        self.is_forgotten = true;
    }

    /// Counts a grant unless it is counted already, or `max` is reached: then it says so. Durable when it returns.
    pub fn count(
        &mut self,
        at: Timestamp,
        set: Set,
        grant: &str,
        max: Option<u32>,
        from: Option<String>,
    ) -> Done<bool> {
        if self.used.grants.contains_key(grant) {
            return Ok(true);
        }
        if max.is_some_and(|max| self.used.of(set) >= max) {
            return Ok(false);
        }
        let entry = Entry::Counted { at, set, grant: grant.to_string(), from };
        self.write(&entry, true)?;
        self.used.apply(entry);
        Ok(true)
    }

    /// Adds what went out by a grant. The first of it is written at once, the rest once in [`SENT_EVERY`]: `true` says
    /// that something waits for a [`settle`](Usage::settle) after that time which nobody was asked for yet.
    pub fn sent(
        &mut self,
        at: Timestamp,
        set: Set,
        grant: &str,
        stretch: (u64, u64),
        from: Option<String>,
    ) -> Done<bool> {
        // What was taken of the files that lay there before says nothing of those of now.
        if stretch.0 >= stretch.1 || !self.used.grants.contains_key(grant) {
            return Ok(false);
        }
        self.used.add(at, stretch, stretch.1 - stretch.0);
        let had_some = self.tallies.values().any(Tally::is_open);
        self.tallies.retain(|_, tally| tally.is_open() || !tally.is_due(at));
        let tally = self.tallies.entry(grant.to_string()).or_insert_with(|| Tally::new(set, from));
        tally.add(at, stretch);
        if tally.is_due(at) {
            self.write_tallies(at, &|tally| tally.is_due(at))?;
        }
        Ok(!had_some && self.tallies.values().any(Tally::is_open))
    }

    /// Writes what was added up and is not in the log yet.
    pub fn settle(&mut self, at: Timestamp) -> Done {
        self.write_tallies(at, &|_| true)
    }

    fn write_tallies(&mut self, at: Timestamp, which: &dyn Fn(&Tally) -> bool) -> Done {
        let mut tallies = std::mem::take(&mut self.tallies);
        let mut written = Ok(());
        for tally in tallies.values_mut().filter(|tally| tally.is_open() && which(tally)) {
            if let Some(entry) = tally.entry() {
                written = self.write(&entry, false);
            }
            // What the disk does not take is kept, and goes with the next.
            if written.is_err() {
                break;
            }
            tally.close(at);
        }
        self.tallies = tallies;
        written
    }

    /// Counts from zero: other files lie behind the link.
    pub fn renewed(&mut self, at: Timestamp) -> Done {
        self.tallies.clear();
        self.write(&Entry::Renewed { at }, true)?;
        self.used.apply(Entry::Renewed { at });
        Ok(())
    }

    /// Lines from before a moment become one that says what they came to, and not from where. How many went.
    pub fn forget_lines_before(&mut self, moment: Timestamp, grants_before: Timestamp) -> Result<usize, RecordError> {
        self.settle(moment).map_err(RecordError::Disk)?;
        let text = match std::fs::read(&self.path) {
            Ok(text) => text,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(0),
            Err(source) => return Err(RecordError::Read { path: self.path.clone(), source }),
        };
        let mut before = Used::default();
        let (mut gone, mut kept) = (0, Vec::new());
        for line in text.split_inclusive(|b| *b == b'\n').filter(|line| line.ends_with(b"\n")) {
            let Ok(entry) = serde_json::from_slice::<Entry>(line) else { continue };
            match &entry {
                Entry::Counted { at, .. } | Entry::Sent { at, .. } | Entry::Renewed { at } if *at >= moment => {
                    kept.extend_from_slice(line);
                }
                Entry::Before(_) => before.apply(entry),
                _ => {
                    before.apply(entry);
                    gone += 1;
                }
            }
        }
        if gone == 0 {
            return Ok(0);
        }
        // A grant that cannot be used any more need not be known.
        before.grants.retain(|_, at| *at >= grants_before);
        let mut text = serde_json::to_vec(&Entry::Before(before)).unwrap_or_default();
        text.push(b'\n');
        text.extend(kept);
        self.appender = None;
        durable::replace_private(&self.path, &text).map_err(RecordError::Disk)?;
        *self = Usage::open(&self.path)?;
        Ok(gone)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn a_grant_counts_once_and_survives_a_torn_end() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.log");
        let mut usage = Usage::open(&path).unwrap();
        for grant in ["a", "a", "b"] {
            assert!(usage.count(at(1), Set::All, grant, Some(2), None).unwrap());
        }
        assert!(!usage.count(at(2), Set::All, "c", Some(2), None).unwrap());
        // Its repeats are free, and single files have counts of their own.
        assert!(usage.count(at(2), Set::All, "a", Some(2), None).unwrap());
        assert!(usage.count(at(2), Set::File(3), "d", Some(2), Some("192.0.2.1".into())).unwrap());
        usage.sent(at(3), Set::All, "a", (0, 10), None).unwrap();
        let used = usage.used().clone();
        let mut torn = std::fs::read(&path).unwrap();
        torn.extend_from_slice(b"{\"entry\":\"cou");
        durable::replace(&path, &torn).unwrap();
        let mut again = Usage::open(&path).unwrap();
        assert_eq!(again.used(), &used);
        again.sent(at(4), Set::All, "b", (10, 20), None).unwrap();
        let mut again = Usage::open(&path).unwrap();
        assert_eq!((again.used().sent.as_slice(), again.used().of(Set::All)), (&[(0, 20)][..], 2));
        // Old lines go, with whence they came; what they came to stays.
        let used = again.used().clone();
        assert_eq!(again.forget_lines_before(at(4), at(0)).unwrap(), 4);
        assert_eq!(again.used(), &used);
        assert!(!std::fs::read_to_string(&path).unwrap().contains("192.0.2.1"));
        again.renewed(at(9)).unwrap();
        assert_eq!(Usage::open(&path).unwrap().used().downloads(), 0);
    }

    #[test]
    fn what_goes_out_by_one_grant_is_added_up() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.log");
        let lines = || std::fs::read_to_string(&path).unwrap().lines().count();
        let every = i64::try_from(SENT_EVERY.as_secs()).unwrap();
        let mut usage = Usage::open(&path).unwrap();
        usage.count(at(0), Set::All, "a", None, None).unwrap();
        // 5,000 answers of one byte in a few seconds: counted, the first, and one when the time is over.
        let mut asked = 0;
        for byte in 0..5000 {
            asked +=
                usize::from(usage.sent(at(byte / 1000), Set::All, "a", (byte as u64, byte as u64 + 1), None).unwrap());
        }
        assert_eq!((lines(), asked, usage.used().bytes, usage.used().sent.len()), (2, 1, 5000, 1));
        assert!(!usage.sent(at(every + 1), Set::All, "a", (0, 7), None).unwrap(), "all of it is written");
        assert_eq!((lines(), usage.used().bytes), (3, 5007));
        assert_eq!(Usage::open(&path).unwrap().used(), usage.used(), "the log says the same");
        // A server that stops writes what is left, once.
        usage.sent(at(every + 2), Set::All, "a", (6000, 6001), None).unwrap();
        usage.settle(at(every + 2)).unwrap();
        usage.settle(at(every + 2)).unwrap();
        assert_eq!(lines(), 4);
        // Killed before that: what is lost is the last of the sum, and no download.
        usage.sent(at(every + 3), Set::All, "a", (7000, 7001), None).unwrap();
        let after = Usage::open(&path).unwrap();
        assert_eq!((after.used().of(Set::All), after.used().bytes), (1, 5008));
        assert!(!usage.count(at(every + 4), Set::All, "b", Some(1), None).unwrap(), "it is not forgotten");
        // What is left of the files that lay there before is nobody's.
        usage.renewed(at(every + 5)).unwrap();
        usage.sent(at(every + 6), Set::All, "a", (0, 10), None).unwrap();
        assert_eq!((usage.used().bytes, usage.used().sent.len()), (0, 0));
        // Of a link that was erased nothing comes back.
        usage.forget();
        durable::remove_file(&path).unwrap();
        usage.count(at(every + 7), Set::All, "c", None, None).unwrap();
        usage.sent(at(every + 7), Set::All, "c", (0, 10), None).unwrap();
        assert!(!path.exists());
    }
}
