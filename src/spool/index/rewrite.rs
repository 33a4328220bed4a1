//! Taking lines out of the index: what is too old, what is erased.
//!
//! Owns: at any moment one whole index stands, and no line that stays is lost, also none that is appended while the
//! others are copied. The long copy runs beside the server; only its last stretch needs the index for itself.

use std::io::Write as _;
use std::path::PathBuf;

use super::super::durable::{self, DurableError, Staged};
use super::super::queue::{Spool, SpoolError};
use super::brief::{self, Brief};
use super::{Entry, Index, IndexLine, Summary, path};

/// What becomes of a line.
#[derive(Debug)]
pub enum Change {
    Keep,
    Drop,
    Replace(Box<IndexLine>),
}

/// Decides about a line by what it says; the whole of it is there too.
pub type Decide<'a> = dyn FnMut(&Summary, &[u8]) -> Change + 'a;

/// The lines that stood at one moment.
#[derive(Debug)]
pub struct Rewrite {
    spool: Spool,
    end: u64,
    generation: u64,
}

/// A copy of them, on its way to the disk.
#[derive(Debug)]
pub struct Copied {
    rewrite: Rewrite,
    index: (PathBuf, Staged),
    brief: (PathBuf, Staged),
    entries: Vec<Entry>,
    end: u64,
    /// Lines that were taken out or replaced.
    changed: usize,
}

fn write(staged: &mut (PathBuf, Staged), bytes: &[u8]) -> Result<(), SpoolError> {
    let path = staged.0.clone();
    staged.1.write_all(bytes).map_err(|source| DurableError { action: "write", path, source }.into())
}

impl Rewrite {
    /// How many lines would change; `None` when one is damaged.
    pub fn count(&self, decide: &mut Decide<'_>) -> Result<Option<usize>, SpoolError> {
        let (mut changed, mut whole) = (0, true);
        brief::scan(&path(&self.spool), 0, Some(self.end), &mut |_, line, summary| {
            match summary.map(|summary| decide(&summary, line)) {
                Some(Change::Keep) => {}
                Some(Change::Drop | Change::Replace(_)) => changed += 1,
                None => whole = false,
            }
            Ok(())
        })?;
        Ok(whole.then_some(changed))
    }

    /// Copies what stays to `tmp/`. Damaged lines do not; the caller knows that there is none, or has set them aside.
    pub fn copy(self, decide: &mut Decide<'_>) -> Result<Copied, SpoolError> {
        let staged = |name: &str| {
            let path = self.spool.tmp().join(name);
            durable::stage_private(&path, b"").map(|staged| (path, staged))
        };
        let (index, brief) = (staged(".index.jsonl")?, staged(".index.brief.jsonl")?);
        let until = self.end;
        let mut copied = Copied { rewrite: self, index, brief, entries: Vec::new(), end: 0, changed: 0 };
        copied.take(0, until, decide)?;
        Ok(copied)
    }
}

impl Copied {
    fn take(&mut self, from: u64, until: u64, decide: &mut Decide<'_>) -> Result<(), SpoolError> {
        let source = path(&self.rewrite.spool);
        brief::scan(&source, from, Some(until), &mut |_, line, summary| {
            let Some(summary) = summary else { return Ok(()) };
            match decide(&summary, line) {
                Change::Keep => self.add(&summary, line),
                Change::Drop => {
                    self.changed += 1;
                    Ok(())
                }
                Change::Replace(by) => {
                    self.changed += 1;
                    let text = serde_json::to_string(&by).unwrap_or_default() + "\n";
                    self.add(&by.summary(), text.as_bytes())
                }
            }
        })?;
        Ok(())
    }

    fn add(&mut self, summary: &Summary, line: &[u8]) -> Result<(), SpoolError> {
        let brief = Brief::of(summary, self.end, line.len() as u32);
        write(&mut self.index, line)?;
        write(&mut self.brief, brief.line().as_bytes())?;
        self.entries.push(Entry::of(&brief));
        self.end += line.len() as u64;
        Ok(())
    }

    fn discard(self) -> Result<(), SpoolError> {
        durable::remove_file(&self.index.0)?;
        Ok(durable::remove_file(&self.brief.0)?)
    }

    /// Gives the copy the names. Between the two the brief file is missing, and the index is read in its place.
    fn publish(self) -> Result<(Vec<Entry>, u64), SpoolError> {
        let spool = &self.rewrite.spool;
        self.index.1.finish()?;
        self.brief.1.finish()?;
        durable::remove_file(&brief::path(spool))?;
        durable::publish_replace(&self.index.0, &path(spool))?;
        durable::publish_replace(&self.brief.0, &brief::path(spool))?;
        Ok((self.entries, self.end))
    }
}

impl Index {
    pub fn rewrite(&mut self) -> Result<Rewrite, SpoolError> {
        self.refresh()?;
        Ok(Rewrite { spool: self.spool.clone(), end: self.end, generation: self.generation })
    }

    /// Puts the copy in place of the index, with what was appended since; how many lines changed. `None` when somebody
    /// else wrote the index anew meanwhile: then nothing is changed.
    pub fn publish(&mut self, mut copied: Copied, decide: &mut Decide<'_>) -> Result<Option<usize>, SpoolError> {
        self.refresh()?;
        if copied.rewrite.generation != self.generation {
            copied.discard()?;
            return Ok(None);
        }
        copied.take(copied.rewrite.end, self.end, decide)?;
        let changed = copied.changed;
        if changed == 0 {
            copied.discard()?;
            return Ok(Some(0));
        }
        // From the first name on, memory and disk differ until all is done.
        self.stale = true;
        let (entries, end) = copied.publish()?;
        let anew = Index::over(&self.spool, end, None)?;
        *self = Index { generation: self.generation + 1, warning: self.warning.take(), ..anew };
        for entry in &entries {
            self.remember(entry);
        }
        Ok(Some(changed))
    }
}

/// Gives a damaged index another name, and keeps its readable lines in its place.
pub(super) fn set_damaged_aside(spool: &Spool, end: u64) -> Result<PathBuf, SpoolError> {
    let mut aside = spool.root().join("index.jsonl.damaged");
    let mut number = 2;
    while aside.symlink_metadata().is_ok() {
        aside = spool.root().join(format!("index.jsonl.damaged-{number}"));
        number += 1;
    }
    durable::link_or_copy(&path(spool), &aside)?;
    durable::sync_folder(spool.root())?;
    let rewrite = Rewrite { spool: spool.clone(), end, generation: 0 };
    rewrite.copy(&mut |_, _| Change::Keep)?.publish()?;
    Ok(aside)
}
