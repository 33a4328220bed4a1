//! A job's folder: what is written in it besides plan and journal.
//!
//! Owns: the forms of `job.json`, `questions.json`, `reason.json` and the receipt.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::durable;
use crate::model::manifest::Kind;
use crate::model::name::RelPath;
pub use crate::plan::frozen::{Frozen, FrozenAsset, FrozenStudio, RuleDelivery, RuleVerdict, Verdict};

/// `20261120-150405-invoice-1042-7f3a`: sorts by time, tells what it is, never used twice.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct JobId(String);

impl JobId {
    /// Takes the name of a job folder, or what a person typed; `None` for what cannot be one.
    pub fn parse(text: &str) -> Option<JobId> {
        // Most are our own: a hundred thousand of them are listed in one go.
        let plain = text.len() <= 120 && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
        if plain && text.starts_with(|c: char| c.is_ascii_digit()) {
            return Some(JobId(text.to_string()));
        }
        let fine = !text.is_empty()
            && text.len() <= 255
            && !text.starts_with('.')
            && RelPath::parse(text).is_ok_and(|p| !p.as_str().contains('/'));
        fine.then(|| JobId(text.to_string()))
    }

    /// `salt` makes ids of the same second and record distinct.
    pub fn new(local: &jiff::civil::DateTime, kind: &str, record: &str, salt: u16) -> JobId {
        JobId(format!("{}-{kind}-{}-{salt:04x}", local.strftime("%Y%m%d-%H%M%S"), part_of_id(record)))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// False for certain where the job is of another kind or record; its `job.json` tells for certain where it is true.
    pub fn may_be_of(&self, kind: &str, record: &str) -> bool {
        self.0.contains(&format!("-{kind}-{}-", part_of_id(record)))
    }
}

fn part_of_id(record: &str) -> String {
    let safe = crate::model::name::safe_part(record);
    safe.chars().map(|c| if c.is_whitespace() || c == '.' { '_' } else { c }).take(64).collect()
}

impl std::fmt::Display for JobId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// What tells that a file is still the one that was looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Stamp {
    pub device: u64,
    pub inode: u64,
    pub bytes: u64,
    /// Nanoseconds since 1970.
    pub modified_ns: i128,
}

impl Stamp {
    /// Of the file itself, not of what a symbolic link points to.
    pub fn of(path: &Path) -> std::io::Result<Stamp> {
        path.symlink_metadata().map(|m| Stamp::from_metadata(&m))
    }

    pub fn from_metadata(metadata: &std::fs::Metadata) -> Stamp {
        let nanoseconds = |duration: std::time::Duration| i128::try_from(duration.as_nanos()).unwrap_or(i128::MAX);
        let modified_ns = metadata.modified().ok().map_or(0, |t| match t.duration_since(std::time::UNIX_EPOCH) {
            Ok(after) => nanoseconds(after),
            Err(before) => -nanoseconds(before.duration()),
        });
        #[cfg(unix)]
        let (device, inode) = {
            use std::os::unix::fs::MetadataExt as _;
            (metadata.dev(), metadata.ino())
        };
        #[cfg(not(unix))]
        let (device, inode) = (0, 0);
        Stamp { device, inode, bytes: metadata.len(), modified_ns }
    }
}

/// A file that was taken from a drop folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Taken {
    /// Where it lay, absolute.
    pub from: PathBuf,
    pub stamp: Stamp,
    /// Its place in the job's folder; `None` for a done file, which only told that the manifest is whole.
    pub file: Option<RelPath>,
    /// Another waiting manifest names it too: it stays.
    #[serde(default)]
    pub shared: bool,
}

/// `job.json`: where the job came from, and what was decided about it since.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(clippy::struct_excessive_bools, reason = "each is a fact of its own; they do not exclude one another")]
pub struct JobFile {
    pub job: JobId,
    pub accepted: Timestamp,
    /// Of equal times, the lower was accepted first.
    pub sequence: u64,
    pub hot_folder: String,
    /// The name the manifest had in the drop folder, below it.
    pub manifest: String,
    /// Its name in the job's folder.
    pub manifest_file: String,
    pub manifest_sha256: String,
    /// `None` for a manifest that cannot be read.
    pub kind: Option<Kind>,
    pub record: String,
    pub id: Option<String>,
    /// The manifest first.
    pub taken: Vec<Taken>,
    /// The drop folder holds nothing of the job any more.
    pub drop_cleared: bool,
    /// Higher goes first.
    pub priority: i32,
    pub not_before: Option<Timestamp>,
    /// Held by a rule, a profile or by hand, until it is released.
    pub hold: Option<String>,
    /// A person looked at the questions and let the job go on.
    pub released: bool,
    /// A person looked at what a profile with `hold` has rendered, and let it be delivered.
    #[serde(default)]
    pub looked_at: bool,
    /// When a person let it go on or had it tried again: since then it waits for its turn, not since it was accepted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queued_again: Option<Timestamp>,
    /// The request in `commands/` that let it go on last: carried out again after a crash, it does so no second time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub let_go_by: Option<String>,
    /// How often it went to `failed/` and was tried again.
    pub retries: u32,
    /// It is tried again: originals are looked for anew, and the plan is made again around what is done.
    #[serde(default)]
    pub look_again: bool,
    /// Pictures that it looks for in its hot folder once more before it is tried again: their places in `inputs/`, or `#`
    /// and a number.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lacks: Vec<String>,
    /// It takes back what the record ordered, and so goes before its other jobs.
    #[serde(default)]
    pub cancels: bool,
    /// Which reprint of the record it is, once it is planned; 0 for none.
    #[serde(default)]
    pub reprint: u32,
    /// A reprint that an operator asked for, not the studio app.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reprint_of: Option<Reprint>,
    /// What a person answered, by the code of the question.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub answers: BTreeMap<String, String>,
    /// Where a copy of the receipt goes.
    pub receipts: Option<PathBuf>,
    /// Sub-folders of the hot folder that the drop came in and that stay when they are empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub kept_folders: Vec<PathBuf>,
    /// Pictures that the manifest names and that stayed in the drop folder, because they could not be read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left: Vec<Left>,
}

/// A picture that did not come along.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Left {
    /// Where it lies, absolute.
    pub from: PathBuf,
    /// The name that it would have in `inputs/`.
    pub input: RelPath,
    pub why: String,
}

impl JobFile {
    /// No render job takes it, and a person has said that none is to.
    pub fn is_dropped(&self) -> bool {
        self.answers.get(UNMATCHED).is_some_and(|answer| answer == DROP)
    }
}

/// What an operator wants to have again of a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reprint {
    pub job: JobId,
    /// All, where it names none.
    pub lines: Vec<u32>,
    /// Prints, or sheets of a layout, of each line; what the line says where there is none.
    pub copies: Option<u32>,
    /// With the profiles of then, also when it is tried again.
    pub as_then: bool,
    /// The request in `commands/` that asked for it: one that is carried out again after a crash finds its job.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked: Option<String>,
}

static CHANGES: RwLock<()> = RwLock::new(());

/// Held by whoever reads a record to write it back changed, in a job that does not run: the intake notes that a drop is
/// clear, an operator or another job changes what is decided, and neither may undo what the other has written. Also by
/// whoever answers a job that runs.
pub fn exclusively() -> RwLockWriteGuard<'static, ()> {
    // It guards no value: a panic elsewhere leaves nothing half-done.
    CHANGES.write().unwrap_or_else(PoisonError::into_inner)
}

/// Held by a job that runs while its folder moves, or while it says what it asks: not in the middle of a change by one of
/// those.
pub fn moving() -> RwLockReadGuard<'static, ()> {
    CHANGES.read().unwrap_or_else(PoisonError::into_inner)
}

/// One question that waits for a person.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Question {
    pub code: String,
    pub line: Option<u32>,
    pub number: Option<String>,
    /// Short: it stands in lists and mails.
    pub text: String,
    /// All that the text only counts or sums up, a line each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub details: Vec<String>,
    /// Under which the answer is kept, where the code is not enough to tell the question from another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// What can be answered, the first is what a release means. Empty: go on as it is, or cancel.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub answers: Vec<String>,
    /// Of a doubtful print: which, where, and how many copies of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub printer: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub copies: Option<u32>,
    /// A release says too little.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub needs_answer: bool,
}

impl Question {
    /// To go on as it is, or to cancel.
    pub fn new(code: &str, text: impl Into<String>) -> Question {
        Question { code: code.into(), text: text.into(), ..Question::default() }
    }

    /// Under which its answer is kept.
    pub fn key(&self) -> &str {
        self.key.as_deref().unwrap_or(&self.code)
    }

    /// Of a job that somebody holds.
    pub fn by_hand() -> Question {
        Question::new(BY_HAND, "held by hand")
    }

    /// Of a job that no render job takes.
    pub fn unmatched(why: &str) -> Question {
        let text = format!("{why}; mend the config and try it again, or drop the order");
        Question { answers: vec![TRY_AGAIN.into(), DROP.into()], ..Question::new(UNMATCHED, text) }
    }
}

/// What a job asks; nothing where that cannot be read.
pub fn questions(folder: &Path) -> Vec<Question> {
    let mut questions: Vec<Question> = read(folder, file::QUESTIONS).unwrap_or_default();
    // Version 0.1 wrote none of its answers.
    for question in questions.iter_mut().filter(|question| question.code == UNMATCHED && question.answers.is_empty()) {
        question.answers = vec![TRY_AGAIN.into(), DROP.into()];
    }
    questions
}

/// The code of the hold of a profile: what it has rendered waits for a look. Whoever released the job before it was
/// rendered has not seen it.
pub const LOOK: &str = "look";

/// The code of a hold that a person asked for: nothing else is settled when it is released.
pub const BY_HAND: &str = "by_hand";
/// The code of the question whether to make again what an earlier job has made.
pub const REPEAT: &str = "repeat";
/// The code of the question whether a mail has arrived of which the mail server did not say whether it took it.
pub const MAIL: &str = "mail";
/// The code of the question about a job that no render job takes, and its answers. A release means the first of them: it
/// never ends the job.
pub const UNMATCHED: &str = "unmatched";
pub const TRY_AGAIN: &str = "try-again";
pub const DROP: &str = "drop";

/// `reason.json` beside `reason.txt`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    pub code: String,
    pub text: String,
    /// The steps that failed.
    pub steps: Vec<FailedStep>,
    /// How often the job has been tried.
    pub attempts: u32,
    /// Pictures that should have come with it and did not, or are spoilt: as [`JobFile::lacks`] has them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lacks: Vec<String>,
    /// Where these are put.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mend: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailedStep {
    pub step: String,
    pub code: String,
    pub text: String,
}

/// Names of the files in a job's folder.
pub mod file {
    pub const JOB: &str = "job.json";
    pub const RULES: &str = "rules.json";
    /// What the plan makes, in digests.
    pub const WORKS: &str = "works.json";
    pub const PLAN: &str = "plan.json";
    pub const JOURNAL: &str = "journal.jsonl";
    pub const RECEIPT: &str = "receipt.json";
    pub const QUESTIONS: &str = "questions.json";
    /// What a person has answered while the job runs: its record is its own then.
    pub const ANSWERS: &str = "answers.json";
    pub const REASON: &str = "reason.json";
    pub const REASON_TEXT: &str = "reason.txt";
    pub const INPUTS: &str = "inputs";
    pub const OUTPUTS: &str = "outputs";
    /// The job ends as cancelled at its next step; its text, where it has one, says why.
    pub const CANCEL: &str = "cancel";
    /// Somebody held the job while it ran: it is held at its next step.
    pub const HOLD: &str = "hold";
}

/// A record of ours that cannot be read: no crash writes such a file.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    #[error("cannot read {}: {source}", path.display())]
    Read { path: PathBuf, source: std::io::Error },
    #[error("{} is damaged ({source}): restore it from a backup, or move the job's folder away", path.display())]
    Damaged { path: PathBuf, source: serde_json::Error },
    #[error(transparent)]
    Disk(#[from] durable::DurableError),
}

impl RecordError {
    pub fn is_not_found(&self) -> bool {
        matches!(self, RecordError::Read { source, .. } if source.kind() == std::io::ErrorKind::NotFound)
    }
}

/// Reads one of the JSON files.
pub fn read<T: for<'de> Deserialize<'de>>(folder: &Path, name: &str) -> Result<T, RecordError> {
    let path = folder.join(name);
    let text = std::fs::read(&path).map_err(|source| RecordError::Read { path: path.clone(), source })?;
    serde_json::from_slice(&text).map_err(|source| RecordError::Damaged { path, source })
}

/// What a person has answered while the job ran, by the keys of its questions.
pub fn answers(folder: &Path) -> Result<BTreeMap<String, String>, RecordError> {
    match read(folder, file::ANSWERS) {
        Err(e) if e.is_not_found() => Ok(BTreeMap::new()),
        answers => answers,
    }
}

/// Writes one of the JSON files, in place of an older one. They name clients: only their owner reads them.
pub fn write<T: Serialize>(folder: &Path, name: &str, value: &T) -> Result<(), RecordError> {
    let path = folder.join(name);
    let mut text =
        serde_json::to_vec_pretty(value).map_err(|source| RecordError::Damaged { path: path.clone(), source })?;
    text.push(b'\n');
    Ok(durable::replace_private(&path, &text)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_folder_names() {
        let at = jiff::civil::date(2026, 11, 20).at(15, 4, 5, 0);
        assert_eq!(JobId::new(&at, "invoice", "1042", 0x7f3a).as_str(), "20261120-150405-invoice-1042-7f3a");
        let odd = JobId::new(&at, "session", "a b/../ü", 1);
        assert_eq!(JobId::parse(odd.as_str()), Some(odd));
        for bad in ["", "..", "a/b", ".x", "a\\b"] {
            assert_eq!(JobId::parse(bad), None);
        }
    }
}
