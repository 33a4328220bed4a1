//! `index.jsonl`: one line per finished job, also after its folder was pruned.
//!
//! Owns: a torn last line is cut off; a damaged file is set aside with a warning, never emptied; the last line of an id
//! wins.

use std::collections::HashMap;
use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::durable::{self, Done};
use super::job::JobId;
use super::queue::{Spool, SpoolError};
use crate::model::manifest::Kind;
use crate::plan::fingerprint::Works;

/// A finished job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IndexLine {
    pub job: JobId,
    pub result: String,
    pub finished: Timestamp,
    pub kind: Option<Kind>,
    pub record: String,
    pub client: Option<String>,
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
}

/// Where a line begins in the file, and how many bytes it has.
type Stretch = (u64, usize);

/// Reads and grows `index.jsonl`; the last line of an id wins.
#[derive(Debug)]
pub struct Index {
    path: PathBuf,
    /// By kind, record and owner: path → digest, the newest wins.
    placed: HashMap<(Option<Kind>, String, String), HashMap<PathBuf, String>>,
    /// Where the lines of a record begin, and how long they are; the lines themselves stay on the disk.
    lines: HashMap<(Option<Kind>, String), Vec<Stretch>>,
    end: u64,
    appender: durable::Appender,
}

impl Index {
    /// Loads the index. A torn last line is cut off; a damaged one elsewhere sets the file aside, never empties it.
    pub fn open(spool: &Spool) -> Result<(Index, Option<String>), SpoolError> {
        let path = spool.root().join("index.jsonl");
        let text = match std::fs::read(&path) {
            Ok(text) => text,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Vec::new(),
            Err(source) => return Err(SpoolError::Read { path: path.display().to_string(), source }),
        };
        let (mut lines, valid, damaged) = Self::parse(&text);
        let mut warning = None;
        let appender = if let Some(number) = damaged {
            let aside = path.with_extension("jsonl.damaged");
            warning = Some(format!(
                "line {number} of {} is damaged: the file was set aside as {}, its readable lines were kept",
                path.display(),
                aside.display()
            ));
            durable::replace(&aside, &text)?;
            let mut kept = String::new();
            for (line, bytes) in &mut lines {
                let text = serde_json::to_string(line).unwrap_or_default() + "\n";
                *bytes = text.len();
                kept += &text;
            }
            durable::replace(&path, kept.as_bytes())?;
            durable::Appender::open(&path, None)?
        } else {
            durable::Appender::open(&path, Some(valid))?
        };
        let mut index = Index { path, placed: HashMap::new(), lines: HashMap::new(), end: 0, appender };
        for line in &lines {
            index.remember(&line.0, line.1);
        }
        Ok((index, warning))
    }

    /// Whole lines with the bytes of each, how many bytes all take, and the number of a damaged one in the middle.
    fn parse(text: &[u8]) -> (Vec<(IndexLine, usize)>, u64, Option<usize>) {
        let (mut lines, mut valid, mut damaged) = (Vec::new(), 0_u64, None::<usize>);
        let mut pieces = text.split_inclusive(|b| *b == b'\n').enumerate().peekable();
        while let Some((i, piece)) = pieces.next() {
            match serde_json::from_slice(piece) {
                Ok(line) if piece.ends_with(b"\n") => lines.push((line, piece.len())),
                _ if pieces.peek().is_none() => break,
                _ => damaged = damaged.or(Some(i + 1)),
            }
            valid += piece.len() as u64;
        }
        (lines, valid, damaged)
    }

    fn remember(&mut self, line: &IndexLine, bytes: usize) {
        self.lines.entry((line.kind, line.record.clone())).or_default().push((self.end, bytes));
        self.end += bytes as u64;
        for file in &line.placed {
            let key = (line.kind, line.record.clone(), file.owner.clone());
            self.placed.entry(key).or_default().insert(file.path.clone(), file.sha256.clone());
        }
    }

    pub fn append(&mut self, line: &IndexLine) -> Done {
        let text = serde_json::to_string(line).unwrap_or_default() + "\n";
        self.appender.append(&text)?;
        self.remember(line, text.len());
        Ok(())
    }

    /// The jobs of a record, the oldest first; of a job that was tried again its last line.
    pub fn of_record(&self, kind: Option<Kind>, record: &str) -> Result<Vec<IndexLine>, SpoolError> {
        let read = |source| SpoolError::Read { path: self.path.display().to_string(), source };
        let Some(places) = self.lines.get(&(kind, record.to_string())) else { return Ok(Vec::new()) };
        let mut file = File::open(&self.path).map_err(read)?;
        let mut lines: Vec<IndexLine> = Vec::new();
        for (start, bytes) in places {
            file.seek(SeekFrom::Start(*start)).map_err(read)?;
            let mut text = vec![0; *bytes];
            file.read_exact(&mut text).map_err(read)?;
            let line: IndexLine = serde_json::from_slice(&text).map_err(|e| read(e.into()))?;
            lines.retain(|known| known.job != line.job);
            lines.push(line);
        }
        Ok(lines)
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What a run of this record and owner put at a path.
    pub fn earlier(&self, kind: Option<Kind>, record: &str, owner: &str, path: &Path) -> Option<String> {
        self.placed.get(&(kind, record.to_string(), owner.to_string()))?.get(path).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(job: &str) -> IndexLine {
        IndexLine {
            job: JobId::parse(job).unwrap(),
            result: "done".into(),
            finished: Timestamp::UNIX_EPOCH,
            kind: None,
            record: "1".into(),
            works: Works::default(),
            removed: Vec::new(),
            reprint: 0,
            client: None,
            placed: vec![IndexedFile {
                owner: "web".into(),
                path: "/x".into(),
                sha256: job.into(),
                to: String::new(),
                output: String::new(),
            }],
        }
    }

    #[test]
    fn a_damaged_index_is_set_aside_and_never_emptied() {
        let dir = tempfile::tempdir().unwrap();
        let spool = Spool::open(dir.path(), false).unwrap();
        for job in ["a", "b", "c"] {
            Index::open(&spool).unwrap().0.append(&line(job)).unwrap();
        }
        let path = dir.path().join("index.jsonl");
        let text = std::fs::read_to_string(&path).unwrap();
        durable::replace(&path, format!("{text}{{\"job\":\"to").as_bytes()).unwrap();
        let (index, warning) = Index::open(&spool).unwrap();
        assert_eq!((warning, index.earlier(None, "1", "web", Path::new("/x"))), (None, Some("c".into())));
        durable::replace(&path, text.replacen("\"b\"", "b", 1).as_bytes()).unwrap();
        let (_, warning) = Index::open(&spool).unwrap();
        assert!(warning.unwrap().contains("line 2"));
        assert!(dir.path().join("index.jsonl.damaged").is_file());
        assert_eq!(std::fs::read_to_string(&path).unwrap().lines().count(), 2);
    }
}
