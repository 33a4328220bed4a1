//! The journal of a job: an append-only record of which steps are done.
//!
//! Owns: it replays from any prefix, tolerates one torn last line, and steps only move forward. A bad line elsewhere
//! means that the disk lied, and stops the job.

mod mails;
mod prints;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

pub use self::mails::{LinkMail, MailEvent};
pub use self::prints::{PrintEvent, PrintIntent, PrintRun, PrintState, PrinterJob};
use super::durable::{Appender, Done, DurableError};
use crate::model::digest;
use crate::model::name::RelPath;
use crate::model::spec::PixelSize;
use crate::plan::StepId;

/// The digest that a source had when it was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceDigest {
    /// The plan's index.
    pub source: usize,
    pub sha256: String,
}

/// A finished picture in `outputs/`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RenderedFile {
    pub file: RelPath,
    pub bytes: u64,
    pub sha256: String,
    pub pixels: PixelSize,
    pub dpi: f64,
    /// What it was made from.
    pub sources: Vec<SourceDigest>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

/// A file on its way to a destination, or there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlacedFile {
    /// The name that was chosen, below the delivery's destination.
    pub path: RelPath,
    pub sha256: String,
    pub bytes: u64,
}

/// A download link. With its URL and PIN it stands in the job's journal and receipt, and nowhere else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MadeLink {
    pub url: String,
    pub pin: Option<String>,
    /// Of the token: the name of its record.
    pub hash: String,
    pub made: Timestamp,
    pub expires: Timestamp,
    pub max_downloads: Option<u32>,
    /// What lies behind it, absolute.
    pub folder: PathBuf,
    /// Its zip, as receipts show it.
    pub zip: Option<String>,
    /// It had this address before, and other files.
    #[serde(default)]
    pub refreshed: bool,
    /// The folder of these, which goes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaces: Option<PathBuf>,
}

/// One line of a journal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "entry", rename_all = "snake_case")]
pub enum Entry {
    Started,
    Rendered {
        step: StepId,
        #[serde(flatten)]
        output: RenderedFile,
    },
    /// The step cannot be made; a retry tries it again.
    Failed {
        step: StepId,
        code: String,
        text: String,
    },
    /// A destination was reached: from now on something of the job may lie aside there. After a power failure it may be
    /// missing.
    Reached {
        step: StepId,
    },
    /// Before a file becomes visible at a destination: on recovery a file of this name and digest is ours. `unit` tells
    /// the files of a delivery apart: the index of the member, the number of the volume, `trigger`.
    Delivering {
        step: StepId,
        unit: String,
        #[serde(flatten)]
        file: PlacedFile,
    },
    /// The file stands under that name.
    Placed {
        step: StepId,
        unit: String,
    },
    /// It was announced, and did not become visible: it will not any more.
    Withdrawn {
        step: StepId,
        unit: String,
    },
    /// All of the delivery stands.
    Delivered {
        step: StepId,
    },
    /// Before a program is started: it cannot be taken back.
    CommandStarted {
        step: StepId,
        unit: String,
    },
    /// It ended, or a person said so.
    CommandEnded {
        step: StepId,
        unit: String,
        fine: bool,
        text: String,
    },
    /// How a sheet goes to its printer.
    Print {
        step: StepId,
        #[serde(flatten)]
        event: PrintEvent,
    },
    /// Pictures that have to be made anew, because their printer asks for another sheet by now.
    Reopened {
        steps: Vec<StepId>,
    },
    /// Before a download link answers; another one when it was renewed.
    LinkMade {
        step: StepId,
        link: MadeLink,
    },
    /// Before the mail server hears of a link's mail. `step` is that of the link.
    MailIntended {
        step: StepId,
        message_id: String,
        to: Vec<String>,
    },
    /// What came of handing it over, where the mail server has not taken it.
    Mail {
        step: StepId,
        #[serde(flatten)]
        event: MailEvent,
    },
    /// The mail server has taken it.
    MailSent {
        step: StepId,
    },
    /// A person released what was held, or asked for another try: failed steps count as open again.
    Retried,
}

#[derive(Serialize, Deserialize)]
struct Line<'a> {
    at: Timestamp,
    /// The first eight hexadecimal digits of the SHA-256 of `event`.
    sum: String,
    #[serde(borrow)]
    event: &'a RawValue,
}

/// What a journal says, folded.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Progress {
    pub started: Option<Timestamp>,
    pub rendered: BTreeMap<StepId, RenderedFile>,
    pub failed: BTreeMap<StepId, (String, String)>,
    /// By step and unit; true when it stands.
    pub placed: BTreeMap<StepId, BTreeMap<String, (PlacedFile, bool)>>,
    pub delivered: BTreeSet<StepId>,
    /// Deliveries whose destination was there once; none of a job that an earlier version has run.
    pub reached: BTreeSet<StepId>,
    /// By step and unit.
    pub commands: BTreeMap<StepId, BTreeMap<String, CommandRun>>,
    /// By print.
    pub prints: BTreeMap<StepId, PrintRun>,
    /// How often pictures were opened again: what is made since has names of its own in `outputs/`.
    pub generation: u32,
    /// The last one of each step.
    pub links: BTreeMap<StepId, MadeLink>,
    /// By the step of their link.
    pub mails: BTreeMap<StepId, LinkMail>,
    pub entries: usize,
}

/// What is known of one run of a program.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CommandRun {
    /// Since when; of one that has not ended.
    pub running: Option<Timestamp>,
    pub starts: u32,
    /// How often it did not come to a good end since somebody last asked for another try.
    pub tries: u32,
    pub done: bool,
}

impl Progress {
    /// One more line. Steps only move forward: what is done stays done; only a picture that is wrong by now is made anew.
    pub fn apply(&mut self, at: Timestamp, entry: Entry) {
        self.entries += 1;
        match entry {
            Entry::Started => self.started = self.started.or(Some(at)),
            Entry::Rendered { step, output } => {
                self.failed.remove(&step);
                self.rendered.entry(step).or_insert(output);
            }
            Entry::Failed { step, code, text } => {
                if !self.rendered.contains_key(&step) && !self.delivered.contains(&step) {
                    self.failed.insert(step, (code, text));
                }
            }
            Entry::Reached { step } => {
                self.reached.insert(step);
            }
            Entry::Delivering { step, unit, file } => {
                let units = self.placed.entry(step).or_default();
                // Another name may be chosen as long as the file does not stand.
                if !units.get(&unit).is_some_and(|(_, stands)| *stands) {
                    units.insert(unit, (file, false));
                }
            }
            Entry::Placed { step, unit } => {
                if let Some(placed) = self.placed.entry(step).or_default().get_mut(&unit) {
                    placed.1 = true;
                }
            }
            Entry::Withdrawn { step, unit } => {
                let units = self.placed.entry(step).or_default();
                if units.get(&unit).is_some_and(|(_, stands)| !stands) {
                    units.remove(&unit);
                }
            }
            Entry::Delivered { step } => {
                self.failed.remove(&step);
                self.delivered.insert(step);
            }
            Entry::CommandStarted { step, unit } => {
                let run = self.commands.entry(step).or_default().entry(unit).or_default();
                run.running = Some(at);
                run.starts += 1;
            }
            Entry::CommandEnded { step, unit, fine, .. } => {
                let run = self.commands.entry(step).or_default().entry(unit).or_default();
                run.running = None;
                run.done |= fine;
                run.tries += u32::from(!fine);
            }
            Entry::Print { step, event } => self.prints.entry(step).or_default().apply(at, event),
            Entry::Reopened { steps } => {
                self.generation += 1;
                for step in steps {
                    self.rendered.remove(&step);
                }
            }
            Entry::LinkMade { step, link } => {
                self.links.insert(step, link);
            }
            Entry::MailIntended { step, message_id, to } => {
                self.mails.entry(step).or_insert_with(|| LinkMail::new(message_id, to, at));
            }
            Entry::Mail { step, event } => {
                if let Some(mail) = self.mails.get_mut(&step) {
                    mail.apply(at, event);
                }
            }
            Entry::MailSent { step } => {
                if let Some(mail) = self.mails.get_mut(&step) {
                    mail.sent = mail.sent.or(Some(at));
                }
            }
            Entry::Retried => {
                self.failed.clear();
                self.commands.values_mut().flat_map(BTreeMap::values_mut).for_each(|run| run.tries = 0);
                self.prints.values_mut().for_each(PrintRun::try_again);
            }
        }
    }

    /// Nothing of the job has become visible anywhere.
    pub fn nothing_left(&self) -> bool {
        self.placed.is_empty()
            && self.delivered.is_empty()
            && self.commands.is_empty()
            && self.prints.values().all(|print| print.attempts == 0)
            && self.links.is_empty()
    }
}

/// A line in the middle that does not fit its checksum: no crash writes that.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    #[error(
        "line {line} of {path} is damaged (not just cut off at the end): restore it from a backup, or move the job's folder away"
    )]
    Damaged { path: String, line: usize },
    #[error(transparent)]
    Disk(#[from] DurableError),
    #[error("cannot read {path}: {source}")]
    Read { path: String, source: std::io::Error },
}

/// Replays a text: the progress, and how many of its bytes are whole lines.
pub fn replay(text: &[u8], path: &str) -> Result<(Progress, u64), JournalError> {
    let mut progress = Progress::default();
    let mut valid = 0_u64;
    let mut rest = text;
    let mut number = 0;
    while !rest.is_empty() {
        number += 1;
        let (line, after, whole) = match rest.iter().position(|b| *b == b'\n') {
            Some(end) => (&rest[..end], &rest[end + 1..], true),
            None => (rest, &rest[rest.len()..], false),
        };
        match read_line(line).filter(|_| whole) {
            Some((at, entry)) => {
                progress.apply(at, entry);
                valid += line.len() as u64 + 1;
            }
            None if after.is_empty() => break,
            None => return Err(JournalError::Damaged { path: path.to_string(), line: number }),
        }
        rest = after;
    }
    Ok((progress, valid))
}

fn read_line(line: &[u8]) -> Option<(Timestamp, Entry)> {
    let line: Line<'_> = serde_json::from_slice(line).ok()?;
    let event = line.event.get();
    (digest::sha256(event.as_bytes())[..8] == line.sum).then_some(())?;
    Some((line.at, serde_json::from_str(event).ok()?))
}

fn write_line(at: Timestamp, entry: &Entry) -> String {
    // An entry holds strings, numbers and maps with text keys: it always has a JSON form.
    let event = serde_json::to_string(entry).unwrap_or_default();
    let sum = &digest::sha256(event.as_bytes())[..8];
    format!("{{\"at\":\"{at}\",\"sum\":\"{sum}\",\"event\":{event}}}\n")
}

/// A journal that is open for more.
#[derive(Debug)]
pub struct Journal {
    appender: Appender,
    progress: Progress,
    /// Why the file cannot be gone on with.
    broken: Option<DurableError>,
}

impl Journal {
    /// Replays what is there and opens the file for more; a torn end is cut off first.
    pub fn open(path: &Path) -> Result<Journal, JournalError> {
        let shown = path.display().to_string();
        let text = match std::fs::read(path) {
            Ok(text) => text,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Vec::new(),
            Err(source) => return Err(JournalError::Read { path: shown, source }),
        };
        let (progress, valid) = replay(&text, &shown)?;
        Ok(Journal { appender: Appender::open(path, Some(valid))?, progress, broken: None })
    }

    pub fn progress(&self) -> &Progress {
        &self.progress
    }

    /// Durable when it returns. After an error nothing more is taken: a line behind a torn one would make that a damaged
    /// one, and a failed sync tells the truth but once. Opened again, it goes on behind the last whole line.
    pub fn append(&mut self, at: Timestamp, entries: Vec<Entry>) -> Done {
        self.append_with(at, entries, Appender::append)
    }

    /// As [`append`](Self::append), but a power failure may take the lines back, unless others came after them.
    pub fn append_unsynced(&mut self, at: Timestamp, entries: Vec<Entry>) -> Done {
        self.append_with(at, entries, Appender::append_unsynced)
    }

    fn append_with(&mut self, at: Timestamp, entries: Vec<Entry>, append: fn(&mut Appender, &str) -> Done) -> Done {
        let again = |error: &DurableError| DurableError {
            action: error.action,
            path: error.path.clone(),
            source: std::io::Error::new(error.source.kind(), error.source.to_string()),
        };
        if let Some(error) = &self.broken {
            return Err(again(error));
        }
        let lines: String = entries.iter().map(|e| write_line(at, e)).collect();
        append(&mut self.appender, &lines).inspect_err(|error| self.broken = Some(again(error)))?;
        for entry in entries {
            self.progress.apply(at, entry);
        }
        Ok(())
    }
}

/// Reads a journal without opening it for more.
pub fn read(path: &Path) -> Result<Progress, JournalError> {
    let shown = path.display().to_string();
    match std::fs::read(path) {
        Ok(text) => replay(&text, &shown).map(|(progress, _)| progress),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(Progress::default()),
        Err(source) => Err(JournalError::Read { path: shown, source }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Vec<Entry> {
        let step = |s: &str| StepId(s.into());
        let output = RenderedFile {
            file: RelPath::parse("r1.jpg").unwrap(),
            bytes: 10,
            sha256: "ab".into(),
            pixels: PixelSize::new(3, 2),
            dpi: 300.0,
            sources: vec![SourceDigest { source: 0, sha256: "cd".into() }],
            warnings: Vec::new(),
        };
        let file = PlacedFile { path: RelPath::parse("a.jpg").unwrap(), sha256: "ab".into(), bytes: 10 };
        vec![
            Entry::Started,
            Entry::Failed { step: step("r2"), code: "missing".into(), text: "gone\nfor good".into() },
            Entry::Rendered { step: step("r1"), output },
            Entry::Delivering { step: step("d1"), unit: "0".into(), file },
            Entry::Placed { step: step("d1"), unit: "0".into() },
            Entry::Withdrawn { step: step("d1"), unit: "0".into() },
            Entry::Delivered { step: step("d1") },
            Entry::Retried,
        ]
    }

    fn text() -> String {
        sample().iter().map(|e| write_line(Timestamp::UNIX_EPOCH, e)).collect()
    }

    #[test]
    fn nothing_is_written_behind_a_line_that_may_be_torn() {
        use crate::spool::durable::trial::{self, Cut};
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.jsonl");
        let mut journal = Journal::open(&path).unwrap();
        trial::begin(Some(Cut::At(1, 28)));
        journal.append(Timestamp::UNIX_EPOCH, vec![Entry::Started]).unwrap_err();
        trial::begin(None);
        let after = std::fs::read(&path).unwrap();
        let error = journal.append(Timestamp::UNIX_EPOCH, vec![Entry::Started]).unwrap_err();
        assert_eq!(error.source.kind(), std::io::ErrorKind::StorageFull);
        assert_eq!(std::fs::read(&path).unwrap(), after);
        let mut journal = Journal::open(&path).unwrap();
        journal.append(Timestamp::UNIX_EPOCH, vec![Entry::Started]).unwrap();
    }

    #[test]
    fn every_prefix_replays_and_nothing_goes_back() {
        let text = text();
        let mut done = (0, 0, 0);
        for cut in 0..=text.len() {
            let (progress, valid) = replay(&text.as_bytes()[..cut], "j").unwrap();
            assert!(valid as usize <= cut && cut - (valid as usize) < 400);
            let now = (progress.entries, progress.rendered.len(), progress.delivered.len());
            assert!(now.0 >= done.0 && now.1 >= done.1 && now.2 >= done.2);
            done = now;
        }
        assert_eq!(done, (8, 1, 1));
    }

    #[test]
    fn what_stands_is_not_withdrawn() {
        let mut progress = Progress::default();
        for entry in sample() {
            progress.apply(Timestamp::UNIX_EPOCH, entry);
        }
        let d1 = StepId("d1".into());
        assert!(progress.placed[&d1]["0"].1);
        let file = progress.placed[&d1]["0"].0.clone();
        progress.apply(Timestamp::UNIX_EPOCH, Entry::Delivering { step: d1.clone(), unit: "1".into(), file });
        progress.apply(Timestamp::UNIX_EPOCH, Entry::Withdrawn { step: d1.clone(), unit: "1".into() });
        assert_eq!(progress.placed[&d1].keys().collect::<Vec<_>>(), ["0"]);
    }

    #[test]
    fn a_mail_is_decided_once_and_sent_once() {
        let mut progress = Progress::default();
        let at = |second| Timestamp::from_second(second).unwrap();
        let intended = |id: &str| Entry::MailIntended {
            step: StepId("d1".into()),
            message_id: id.into(),
            to: vec!["a@b.c".into()],
        };
        progress.apply(at(1), intended("<1@x>"));
        progress.apply(at(2), intended("<2@x>"));
        for second in [3, 4] {
            progress.apply(at(second), Entry::MailSent { step: StepId("d1".into()) });
        }
        let mail = &progress.mails[&StepId("d1".into())];
        assert_eq!((mail.message_id.as_str(), mail.at, mail.sent), ("<1@x>", at(1), Some(at(3))));
    }

    #[test]
    fn a_bad_line_in_the_middle_stops() {
        let text = text();
        for at in 0..text.find('\n').unwrap() {
            let mut bytes = text.clone().into_bytes();
            bytes[at] ^= 1;
            let at_key_of_time = replay(&bytes, "j");
            // The time is not under the checksum: a flipped digit of it may still be a time.
            assert!(
                at_key_of_time.is_err() || text[..at].contains("\"at\":\"") && !text[..at].contains("\"sum\""),
                "{at}"
            );
        }
    }

    #[test]
    fn a_journal_opens_again_after_a_torn_end() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("journal.jsonl");
        for entry in sample() {
            Journal::open(&path).unwrap().append(Timestamp::UNIX_EPOCH, vec![entry]).unwrap();
            let mut torn = std::fs::read(&path).unwrap();
            torn.extend_from_slice(b"{\"at\":\"2026");
            super::super::durable::replace(&path, &torn).unwrap();
        }
        assert_eq!(read(&path).unwrap().entries, 8);
    }
}
