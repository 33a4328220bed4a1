//! `index.brief.jsonl`: of each line of the index where it is, and what a list shows of it.
//!
//! Owns: it only ever repeats what the index says. Lines of the index may be long (every file of a job); with this one
//! a list of many jobs, and the start of a server, read a few hundred bytes of each. Whoever finds that it does not fit
//! the index reads the index itself; removing it does no harm.

use std::borrow::Cow;
use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::super::queue::{Spool, SpoolError};
use super::Summary;
use crate::model::manifest::Kind;

/// One line, an array in the file: names of fields would be half of it. Empty texts are for what there is not.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Brief<'a> {
    /// Where the line begins in the index, and how many bytes it has, its end included.
    pub start: u64,
    pub bytes: u32,
    #[serde(borrow)]
    pub job: Cow<'a, str>,
    #[serde(borrow)]
    pub result: Cow<'a, str>,
    /// Milliseconds since 1970; `accepted` is 0 in lines of older versions.
    pub finished_ms: i64,
    pub accepted_ms: i64,
    pub kind: Option<Kind>,
    #[serde(borrow)]
    pub record: Cow<'a, str>,
    #[serde(borrow)]
    pub client: Cow<'a, str>,
    #[serde(borrow)]
    pub email: Cow<'a, str>,
    /// A line each.
    #[serde(borrow)]
    pub sessions: Cow<'a, str>,
    pub cleared: bool,
    /// A line each; missing in lines of versions before this field.
    #[serde(borrow, default)]
    pub items: Cow<'a, str>,
}

impl Brief<'_> {
    pub(super) fn of(summary: &Summary, start: u64, bytes: u32) -> Brief<'static> {
        let client = summary.client.clone().unwrap_or_default();
        Brief {
            start,
            bytes,
            job: Cow::Owned(summary.job.as_str().to_string()),
            result: Cow::Owned(summary.result.clone()),
            finished_ms: summary.finished.as_millisecond(),
            accepted_ms: summary.accepted.map_or(0, jiff::Timestamp::as_millisecond),
            kind: summary.kind,
            record: Cow::Owned(summary.record.clone()),
            client: Cow::Owned(client.name.unwrap_or_default()),
            email: Cow::Owned(client.email.unwrap_or_default()),
            sessions: Cow::Owned(summary.sessions.join("\n")),
            cleared: summary.cleared,
            items: Cow::Owned(summary.items.join("\n")),
        }
    }

    pub(super) fn line(&self) -> String {
        let all = (
            self.start,
            self.bytes,
            &self.job,
            &self.result,
            self.finished_ms,
            self.accepted_ms,
            self.kind,
            &self.record,
            &self.client,
            &self.email,
            &self.sessions,
            self.cleared,
            &self.items,
        );
        serde_json::to_string(&all).unwrap_or_default() + "\n"
    }

    pub fn is_erased(&self) -> bool {
        self.result == super::ERASED
    }

    pub fn is_of_session(&self, session: &str) -> bool {
        self.sessions.lines().any(|s| s.eq_ignore_ascii_case(session))
    }

    /// Whether a part of the client's name or mail address is this, which is in small letters.
    pub fn client_has(&self, small: &str) -> bool {
        [&self.client, &self.email].iter().any(|text| !text.is_empty() && text.to_lowercase().contains(small))
    }
}

/// Everything the index knows, in the order of the file, as far as lists need it.
#[derive(Debug)]
pub struct History {
    index: PathBuf,
    text: Vec<u8>,
}

impl History {
    /// Reads what stands now; a server may be appending meanwhile.
    pub fn read(spool: &Spool) -> Result<History, SpoolError> {
        let index = super::path(spool);
        let mut text = read(&path(spool))?;
        let covered = fits(&mut text, &index).unwrap_or_else(|| {
            text.clear();
            0
        });
        // What a server of today has appended since, or all of it after one of an older version.
        scan(&index, covered, None, &mut |start, line, summary| {
            if let Some(summary) = summary {
                text.extend_from_slice(Brief::of(&summary, start, line.len() as u32).line().as_bytes());
            }
            Ok(())
        })?;
        Ok(History { index, text })
    }

    /// Only the last lines, about so many. Whoever shows the newest jobs time and again need not read all of it.
    pub fn newest(spool: &Spool, lines: usize) -> Result<History, SpoolError> {
        /// Longer than most lines.
        const LINE_BYTES: u64 = 512;
        let index = super::path(spool);
        let path = path(spool);
        let mut file = match File::open(&path) {
            Ok(file) => file,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Self::read(spool),
            Err(source) => return Err(SpoolError::Read { path: path.display().to_string(), source }),
        };
        let failed = |source| SpoolError::Read { path: path.display().to_string(), source };
        let bytes = file.metadata().map_err(failed)?.len();
        let from = bytes.saturating_sub(lines as u64 * LINE_BYTES);
        let mut text = Vec::new();
        file.seek(SeekFrom::Start(from)).and_then(|_| file.read_to_end(&mut text)).map_err(failed)?;
        if from > 0 {
            let whole = text.iter().position(|b| *b == b'\n').map_or(text.len(), |at| at + 1);
            text.drain(..whole);
        }
        match fits(&mut text, &index) {
            Some(covered) if std::fs::metadata(&index).is_ok_and(|m| m.len() == covered) => Ok(History { index, text }),
            _ => Self::read(spool),
        }
    }

    /// The last line of each job, in the order in which they ended.
    pub fn jobs(&self) -> Vec<Brief<'_>> {
        let mut all: Vec<Option<Brief<'_>>> = parse(&self.text).into_iter().map(Some).collect();
        let mut seen = std::collections::HashSet::with_capacity(all.len());
        for slot in all.iter_mut().rev() {
            // The texts live in the buffer where they could be borrowed; a copied one is hashed the same.
            let is_new = slot.as_ref().is_some_and(|brief| seen.insert(super::hash(&*brief.job)));
            if !is_new {
                *slot = None;
            }
        }
        all.into_iter().flatten().collect()
    }

    /// The last line of each job, the one that ended last first. Lines without this text, which is in small letters, are
    /// passed over unread; empty: none is.
    pub fn newest_first<'h>(&'h self, small: &'h str) -> impl Iterator<Item = Brief<'h>> {
        // What is written otherwise in JSON cannot be looked for in it.
        let plain = !small.is_empty() && !small.contains(['"', '\\', '\n']);
        let may_have = move |line: &&[u8]| !plain || String::from_utf8_lossy(line).to_lowercase().contains(small);
        let mut seen = std::collections::HashSet::new();
        self.text
            .rsplit(|b| *b == b'\n')
            .filter(|line| !line.is_empty())
            .filter(may_have)
            .filter_map(|line| serde_json::from_slice::<Brief<'h>>(line).ok())
            .filter(move |brief| seen.insert(super::hash(&*brief.job)))
    }

    /// When a record was erased last, if it ever was.
    pub fn erased_at(&self, record: &str) -> Option<jiff::Timestamp> {
        let kinds = Kind::WORDS.iter().map(|word| Kind::from_word(word)).chain([None]);
        // `invoice-1042` may also be the record's own name.
        let with_kind = |kind: Kind| Some((Some(kind), record.strip_prefix(kind.word())?.strip_prefix('-')?));
        let named = kinds.flat_map(|kind| [Some((kind, record)), kind.and_then(with_kind)]).flatten();
        let hashes: Vec<String> = named.map(|(kind, record)| super::record_hash(kind, record)).collect();
        let erased = self.jobs().into_iter().filter(Brief::is_erased).filter_map(|brief| self.line(&brief).ok());
        erased.filter(|l| l.erased.as_ref().is_some_and(|hash| hashes.contains(hash))).map(|l| l.finished).max()
    }

    /// The whole line of a job.
    pub fn line(&self, brief: &Brief<'_>) -> Result<super::IndexLine, SpoolError> {
        super::read_line(&self.index, brief.start, brief.bytes)
    }
}

pub(super) fn path(spool: &Spool) -> PathBuf {
    spool.root().join("index.brief.jsonl")
}

fn read(path: &Path) -> Result<Vec<u8>, SpoolError> {
    match std::fs::read(path) {
        Ok(text) => Ok(text),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(source) => Err(SpoolError::Read { path: path.display().to_string(), source }),
    }
}

fn parse(text: &[u8]) -> Vec<Brief<'_>> {
    text.split_inclusive(|b| *b == b'\n').map_while(|line| serde_json::from_slice(line).ok()).collect()
}

/// What a server finds at its start.
pub(super) struct Loaded<'t> {
    pub(super) lines: Vec<Brief<'t>>,
    /// So many bytes of the index they tell of.
    pub(super) covered: u64,
    /// So many they have themselves.
    pub(super) bytes: u64,
}

/// The brief lines, in `text`; `None` where they do not fit the index.
pub(super) fn load<'t>(text: &'t mut Vec<u8>, spool: &Spool) -> Result<Option<Loaded<'t>>, SpoolError> {
    *text = read(&path(spool))?;
    let Some(covered) = fits(text, &super::path(spool)) else { return Ok(None) };
    let lines = parse(text);
    let mut end = 0;
    for line in &lines {
        if line.start != end {
            return Ok(None);
        }
        end += u64::from(line.bytes);
    }
    Ok((end == covered).then_some(Loaded { lines, covered, bytes: text.len() as u64 }))
}

/// How many bytes of the index these lines tell of. Any change of the index but a longer one moves its last line.
fn fits(text: &mut Vec<u8>, index: &Path) -> Option<u64> {
    text.truncate(text.iter().rposition(|b| *b == b'\n').map_or(0, |at| at + 1));
    let whole = text.strip_suffix(b"\n")?;
    let last = whole.rsplit(|b| *b == b'\n').next()?;
    let last: Brief<'_> = serde_json::from_slice(last).ok()?;
    if last.start > 0 {
        let mut before = [0];
        let mut file = File::open(index).ok()?;
        file.seek(SeekFrom::Start(last.start - 1)).ok()?;
        file.read_exact(&mut before).ok()?;
        if before != *b"\n" {
            return None;
        }
    }
    let line = super::read_line(index, last.start, last.bytes).ok()?;
    let same = line.job.as_str() == last.job && line.finished.as_millisecond() == last.finished_ms;
    same.then_some(last.start + u64::from(last.bytes))
}

/// Is told of a line of the index: where it begins, its bytes with its end, and what it says, if it can be read.
pub(super) type Tell<'a> = dyn FnMut(u64, &[u8], Option<Summary>) -> Result<(), SpoolError> + 'a;

/// Tells of each whole line from one place to another (or the end); not of a torn last one. Returns where they end.
pub(super) fn scan(index: &Path, from: u64, until: Option<u64>, tell: &mut Tell<'_>) -> Result<u64, SpoolError> {
    let read = |source| SpoolError::Read { path: index.display().to_string(), source };
    let mut file = match File::open(index) {
        Ok(file) => file,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(from),
        Err(e) => return Err(read(e)),
    };
    file.seek(SeekFrom::Start(from)).map_err(read)?;
    let mut lines = BufReader::with_capacity(1 << 20, file);
    let (mut start, mut line) = (from, Vec::new());
    while until.is_none_or(|until| start < until) {
        line.clear();
        let bytes = lines.read_until(b'\n', &mut line).map_err(read)?;
        if bytes == 0 || line.last() != Some(&b'\n') {
            break;
        }
        tell(start, &line, serde_json::from_slice(&line).ok())?;
        start += bytes as u64;
    }
    Ok(start)
}
