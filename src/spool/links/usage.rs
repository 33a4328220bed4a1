//! What was taken through a link: `links/HASH.log`, a line for each download.
//!
//! Owns: a download is counted durably before its first byte leaves, and once for each grant, whatever a client repeats.
//! How much of it went out is noted when it ends; a power failure may take that back.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Contents;
use crate::spool::durable::{self, Appender, Done, DurableError};
use crate::spool::job::RecordError;

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
    /// A response came to its end: bytes `start..end` of the zip went out.
    Sent { at: Timestamp, set: Set, start: u64, end: u64, from: Option<String> },
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

    /// How many of the pictures went out whole.
    pub fn pictures_taken(&self, contents: &Contents) -> usize {
        let whole = |start: u64, end: u64| self.sent.iter().any(|(from, to)| *from <= start && end <= *to);
        let pictures = contents.files.iter().filter(|file| file.thumb.is_some());
        pictures.filter(|file| whole(file.offset, file.offset + file.bytes)).count()
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
            Entry::Sent { at, start, end, .. } => {
                self.last = self.last.max(Some(at));
                self.bytes += end - start;
                add_stretch(&mut self.sent, (start, end));
            }
            Entry::Renewed { .. } => *self = Used { last: self.last, ..Used::default() },
            Entry::Before(used) => *self = used,
        }
    }
}

fn add_stretch(list: &mut Vec<(u64, u64)>, (mut start, mut end): (u64, u64)) {
    if start >= end {
        return;
    }
    list.retain(|(from, to)| {
        let touches = *from <= end && start <= *to;
        if touches {
            (start, end) = (start.min(*from), end.max(*to));
        }
        !touches
    });
    let at = list.partition_point(|(from, _)| *from < start);
    list.insert(at, (start, end));
}

/// The use of one link.
#[derive(Debug)]
pub struct Usage {
    path: PathBuf,
    used: Used,
    /// Opened at the first line that is written.
    appender: Option<Appender>,
    valid_bytes: u64,
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
        Ok(Usage { path: path.to_path_buf(), used, appender: None, valid_bytes })
    }

    pub fn used(&self) -> &Used {
        &self.used
    }

    fn append(&mut self, entry: Entry, is_durable: bool) -> Done {
        let mut line = serde_json::to_string(&entry).unwrap_or_default();
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
        self.used.apply(entry);
        Ok(())
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
        self.append(Entry::Counted { at, set, grant: grant.to_string(), from }, true)?;
        Ok(true)
    }

    /// Notes what went out.
    pub fn sent(&mut self, at: Timestamp, set: Set, stretch: (u64, u64), from: Option<String>) -> Done {
        if stretch.0 >= stretch.1 {
            return Ok(());
        }
        self.append(Entry::Sent { at, set, start: stretch.0, end: stretch.1, from }, false)
    }

    /// Counts from zero: other files lie behind the link.
    pub fn renewed(&mut self, at: Timestamp) -> Done {
        self.append(Entry::Renewed { at }, true)
    }

    /// Lines from before a moment become one that says what they came to, and not from where. How many went.
    pub fn forget_lines_before(&mut self, moment: Timestamp, grants_before: Timestamp) -> Result<usize, RecordError> {
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
        durable::replace_private(&self.path, &text).map_err(|e: DurableError| RecordError::Disk(e))?;
        *self = Usage::open(&self.path)?;
        Ok(gone)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

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
        usage.sent(at(3), Set::All, (0, 10), None).unwrap();
        let used = usage.used().clone();
        let mut torn = std::fs::read(&path).unwrap();
        torn.extend_from_slice(b"{\"entry\":\"cou");
        durable::replace(&path, &torn).unwrap();
        let mut again = Usage::open(&path).unwrap();
        assert_eq!(again.used(), &used);
        again.sent(at(4), Set::All, (10, 20), None).unwrap();
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

    proptest! {
        #[test]
        fn stretches_are_those_of_a_row_of_bits(list in prop::collection::vec((0_u64..60, 0_u64..20), 0..30)) {
            let mut bits = [false; 80];
            let mut stretches = Vec::new();
            for (start, length) in list {
                add_stretch(&mut stretches, (start, start + length));
                bits[start as usize..(start + length) as usize].fill(true);
            }
            for (index, bit) in bits.iter().enumerate() {
                prop_assert_eq!(*bit, stretches.iter().any(|(from, to)| (*from..*to).contains(&(index as u64))));
            }
            prop_assert!(stretches.windows(2).all(|pair| pair[0].1 < pair[1].0));
        }
    }
}
