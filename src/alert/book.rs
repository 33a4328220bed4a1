//! `alerts.json`: what is wrong, and who still has to hear of it.
//!
//! Owns: one telling when a cause comes up and one when it is over, also over a restart. What could not be told is kept
//! until it can be, and is bounded: what is dropped is counted, and the count is told. It compares what is seen with what
//! is known; nothing depends on an event that could be missed.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::MessageId;
use super::notice::{Condition, Event, Kind, Notice};
use crate::spool::durable::{self, DurableError};

/// The file's name in the spool.
pub const FILE: &str = "alerts.json";
/// The form of the file that this version writes.
const FORM: u32 = 1;
/// Most causes that are kept apart; the rest waits for room.
const OPEN_MAX: usize = 1_000;
/// Most tellings that wait for a channel that is away.
const KEPT_MAX: usize = 1_000;
/// Something that happens again within this time is not told again.
const AGAIN_AFTER: SignedDuration = SignedDuration::from_hours(24);
/// This long after it failed, a job is in `failed/` for certain.
const SETTLED_AFTER: SignedDuration = SignedDuration::from_mins(10);
/// Mails that are remembered, to keep their number down.
const MAILS_REMEMBERED: usize = 20;

/// The ways to the studio that the config names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Channels {
    pub mail: bool,
    pub webhook: bool,
}

/// A cause that has not ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Open {
    #[serde(flatten)]
    pub condition: Condition,
    pub told: Timestamp,
}

/// A mail on its way: what it tells is fixed, so that a repetition is the same mail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Batch {
    pub message_id: String,
    pub at: Timestamp,
    /// Notices up to this number.
    pub upto: u64,
    pub lost: u64,
    /// How often nobody knew whether the mail server took what is in it.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub doubts: u32,
    /// When that was last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub doubted: Option<Timestamp>,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde wants it")]
fn is_zero(count: &u32) -> bool {
    *count == 0
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Record {
    form: u32,
    /// Nothing that ended before is told.
    since: Timestamp,
    /// A server runs, or ended without saying so.
    running: bool,
    /// Jobs that failed until then are accounted for.
    failed_until: Timestamp,
    /// Of those that failed after that, these are, too.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    failed_known: BTreeSet<String>,
    next: u64,
    open: BTreeMap<String, Open>,
    /// What happened lately, by its cause.
    #[serde(default)]
    lately: BTreeMap<String, Timestamp>,
    notices: Vec<Notice>,
    /// Dropped since the last mail.
    #[serde(default)]
    lost: u64,
    #[serde(default)]
    mailed: Vec<Timestamp>,
    #[serde(default)]
    batch: Option<Batch>,
}

/// What was looked at, and what is wrong with it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Seen {
    pub kinds: &'static [Kind],
    pub wrong: Vec<Condition>,
    /// All was seen: a cause of these kinds that is not named is over.
    pub complete: bool,
    /// Causes that are over for certain, with a sentence about how.
    pub over: Vec<(String, String)>,
}

/// The record, and whether the disk has it.
#[derive(Debug)]
pub struct Book {
    path: PathBuf,
    record: Record,
    is_saved: bool,
}

impl Book {
    /// Reads it, or begins one. A damaged one is set aside, never emptied; the text says so.
    pub fn open(spool: &Path, now: Timestamp) -> Result<(Book, Option<String>), DurableError> {
        let path = spool.join(FILE);
        let read = |source| DurableError { action: "read", path: path.clone(), source };
        let (record, warning) = match std::fs::read(&path) {
            Ok(text) => match serde_json::from_slice::<Record>(&text) {
                Ok(record) if record.form == FORM => (Some(record), None),
                _ => {
                    let aside = path.with_extension("json.damaged");
                    durable::publish_replace(&path, &aside)?;
                    let text = format!(
                        "{} cannot be read and was set aside as {}: what was still to be told is in it",
                        path.display(),
                        aside.display()
                    );
                    (None, Some(text))
                }
            },
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => (None, None),
            Err(e) => return Err(read(e)),
        };
        let is_saved = record.is_some();
        let record = record.unwrap_or_else(|| Record {
            form: FORM,
            since: now,
            running: false,
            failed_until: now,
            failed_known: BTreeSet::new(),
            next: 1,
            open: BTreeMap::new(),
            lately: BTreeMap::new(),
            notices: Vec::new(),
            lost: 0,
            mailed: Vec::new(),
            batch: None,
        });
        Ok((Book { path, record, is_saved }, warning))
    }

    /// Puts it on the disk where it changed.
    pub fn save(&mut self) -> Result<(), DurableError> {
        if !self.is_saved {
            let mut text = serde_json::to_vec_pretty(&self.record).unwrap_or_default();
            text.push(b'\n');
            durable::replace_private(&self.path, &text)?;
            self.is_saved = true;
        }
        Ok(())
    }

    fn change(&mut self) -> &mut Record {
        self.is_saved = false;
        &mut self.record
    }

    /// A server begins; says whether the one before ended without a word.
    pub fn begin(&mut self) -> bool {
        std::mem::replace(&mut self.change().running, true)
    }

    pub fn end(&mut self) {
        self.change().running = false;
    }

    /// Whether a failure was reported before, or is older than this book.
    pub fn knows_failure(&self, cause: &str, at: Timestamp) -> bool {
        at <= self.record.failed_until || self.record.failed_known.contains(cause)
    }

    /// Records which of the jobs in `failed/` are accounted for: those that were before, and those whose alert is open. A job
    /// gets there a moment after the time that it failed at, and an alert that finds no room among the open ones waits for
    /// it. So a time alone says nothing about the last few seconds, nor about what came after one that still waits.
    pub fn account_for_failed(&mut self, failures: &[(&str, Timestamp)], now: Timestamp) {
        let (known, untold): (Vec<_>, Vec<_>) =
            failures.iter().partition(|(cause, at)| self.knows_failure(cause, *at) || self.is_open(cause));
        let before_untold = untold.iter().map(|(_, at)| *at - SignedDuration::from_millis(1)).min();
        let settled = before_untold.unwrap_or(Timestamp::MAX).min(now - SETTLED_AFTER);
        let until = settled.max(self.record.failed_until);
        let failed_known: BTreeSet<String> =
            known.iter().filter(|(_, at)| *at > until).map(|(cause, _)| (*cause).to_string()).collect();
        // The time goes on by itself; it is worth a write when it changes what is known.
        if failed_known != self.record.failed_known {
            let record = self.change();
            (record.failed_until, record.failed_known) = (until, failed_known);
        }
    }

    pub fn is_open(&self, cause: &str) -> bool {
        self.record.open.contains_key(cause)
    }

    pub fn open_causes(&self) -> impl Iterator<Item = &Open> {
        self.record.open.values()
    }

    /// Jobs that something open, or not told yet, is about.
    pub fn jobs(&self) -> BTreeSet<String> {
        let open = self.record.open.values().map(|open| &open.condition);
        let told = self.record.notices.iter().map(|notice| &notice.of);
        open.chain(told).filter_map(|condition| condition.job.clone()).collect()
    }

    /// Nothing is kept of a job that is not kept, but for what `outlives` it.
    pub fn forget_job(&mut self, job: &str, outlives: &dyn Fn(&Condition) -> bool) {
        let record = self.change();
        let stays = |condition: &Condition| condition.job.as_deref() != Some(job) || outlives(condition);
        record.open.retain(|_, open| stays(&open.condition));
        record.notices.retain(|notice| stays(&notice.of));
    }

    pub fn undelivered(&self) -> &[Notice] {
        &self.record.notices
    }

    pub fn lost(&self) -> u64 {
        self.record.lost
    }

    /// Takes in what was seen.
    pub fn observe(&mut self, seen: Seen, channels: Channels, now: Timestamp) {
        let named: BTreeSet<&str> = seen.wrong.iter().map(|c| c.cause.as_str()).collect();
        let mut over = seen.over.clone();
        if seen.complete {
            let ended = self.record.open.values().filter(|open| {
                seen.kinds.contains(&open.condition.kind) && !named.contains(open.condition.cause.as_str())
            });
            over.extend(ended.map(|open| (open.condition.cause.clone(), open.condition.kind.relief().to_string())));
        }
        for (cause, how) in over {
            if let Some(open) = self.record.open.get(&cause).cloned() {
                self.change().open.remove(&cause);
                let condition = Condition { text: how, ..open.condition };
                self.tell(Event::Over, condition, channels, now);
            }
        }
        for condition in seen.wrong {
            if self.record.open.contains_key(&condition.cause) || self.record.open.len() >= OPEN_MAX {
                continue;
            }
            let open = Open { condition: condition.clone(), told: now };
            self.change().open.insert(condition.cause.clone(), open);
            self.tell(Event::Began, condition, channels, now);
        }
    }

    /// Something happened that has no end. Of the same cause once a day.
    pub fn happened(&mut self, condition: Condition, channels: Channels, now: Timestamp) {
        let is_recent = |at: &Timestamp| now.duration_since(*at) < AGAIN_AFTER;
        if self.record.lately.get(&condition.cause).is_some_and(is_recent) {
            return;
        }
        let record = self.change();
        record.lately.retain(|_, at| is_recent(at));
        if record.lately.len() < OPEN_MAX {
            record.lately.insert(condition.cause.clone(), now);
            self.tell(Event::Once, condition, channels, now);
        }
    }

    fn tell(&mut self, event: Event, of: Condition, channels: Channels, at: Timestamp) {
        let record = self.change();
        let number = record.next;
        record.next += 1;
        record.notices.push(Notice { number, event, of, at, mail: channels.mail, webhook: channels.webhook });
        if record.notices.len() > KEPT_MAX {
            record.notices.remove(0);
            record.lost += 1;
        }
        self.forget_what_is_told();
    }

    /// A way that the config does not name any more is not waited for.
    pub fn keep_to(&mut self, channels: Channels) {
        let is_left = |notice: &Notice| (notice.mail && !channels.mail) || (notice.webhook && !channels.webhook);
        if self.record.notices.iter().any(is_left) {
            for notice in &mut self.change().notices {
                notice.mail &= channels.mail;
                notice.webhook &= channels.webhook;
            }
            self.forget_what_is_told();
        }
    }

    fn forget_what_is_told(&mut self) {
        self.record.notices.retain(|notice| notice.mail || notice.webhook);
    }

    /// When the oldest of what is to be mailed came up.
    pub fn to_mail_since(&self) -> Option<Timestamp> {
        self.record.notices.iter().find(|notice| notice.mail).map(|notice| notice.at)
    }

    /// When mails were sent, the last one last.
    pub fn mailed(&self) -> &[Timestamp] {
        &self.record.mailed
    }

    /// The mail that is on its way, or may have arrived.
    pub fn open_batch(&self) -> Option<&Batch> {
        self.record.batch.as_ref()
    }

    /// There is something to mail that this one does not tell.
    pub fn has_more_than(&self, batch: &Batch) -> bool {
        self.record.notices.iter().any(|notice| notice.mail && notice.number > batch.upto)
    }

    /// Before the final dot of its mail, and to be saved: from then on nobody knows whether the server took it, until it is
    /// mailed or `not_taken`.
    pub fn close_batch(&mut self, now: Timestamp) {
        if let Some(batch) = &mut self.change().batch {
            batch.doubts += 1;
            batch.doubted = Some(now);
        }
    }

    /// The server has it whole and did not say whether it took it.
    pub fn doubted_batch(&mut self, now: Timestamp) {
        if let Some(batch) = &mut self.change().batch {
            batch.doubted = Some(now);
        }
    }

    /// The server has not taken it: it is as it was before.
    pub fn not_taken(&mut self, before: &Batch) {
        if self.record.batch.as_ref().is_some_and(|batch| batch.upto == before.upto && batch != before) {
            self.change().batch = Some(before.clone());
        }
    }

    /// What the next mail tells: that of a batch which was cut off, or all that is there. To be saved before it is sent. What
    /// may have arrived is told once more together with what is new, in another mail.
    pub fn batch(&mut self, from: &str, now: Timestamp) -> Option<(Batch, Vec<Notice>)> {
        let in_doubt = self.record.batch.clone().filter(|batch| batch.doubted.is_some() && self.has_more_than(batch));
        if self.record.batch.is_none() || in_doubt.is_some() {
            let upto = self.record.notices.iter().filter(|notice| notice.mail).map(|notice| notice.number).max()?;
            let id = MessageId::of(&format!("alerts {} {upto}", self.record.since), from);
            let (message_id, lost) = (id.as_str().to_string(), self.record.lost);
            let doubts = in_doubt.map_or(0, |batch| batch.doubts);
            let batch = Batch { message_id, at: now, upto, lost, doubts, doubted: None };
            self.change().batch = Some(batch);
        }
        let batch = self.record.batch.clone()?;
        let of_batch = |notice: &&Notice| notice.mail && notice.number <= batch.upto;
        let notices: Vec<Notice> = self.record.notices.iter().filter(of_batch).cloned().collect();
        if notices.is_empty() {
            // All of it was dropped or erased meanwhile.
            self.change().batch = None;
            return None;
        }
        Some((batch, notices))
    }

    pub fn mailed_batch(&mut self, batch: &Batch, now: Timestamp) {
        let record = self.change();
        record.batch = None;
        record.lost = record.lost.saturating_sub(batch.lost);
        record.notices.iter_mut().filter(|notice| notice.number <= batch.upto).for_each(|notice| notice.mail = false);
        record.mailed.push(now);
        let most = record.mailed.len().saturating_sub(MAILS_REMEMBERED);
        record.mailed.drain(..most);
        self.forget_what_is_told();
    }

    /// The next one for the webhook.
    pub fn to_post(&self) -> Option<Notice> {
        self.record.notices.iter().find(|notice| notice.webhook).cloned()
    }

    pub fn posted(&mut self, number: u64) {
        self.change().notices.iter_mut().filter(|n| n.number == number).for_each(|notice| notice.webhook = false);
        self.forget_what_is_told();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOTH: Channels = Channels { mail: true, webhook: true };
    const PLACES: &[Kind] = &[Kind::Place];

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + seconds).unwrap()
    }

    fn nas(name: &str) -> Condition {
        Condition {
            cause: format!("place {name}"),
            kind: Kind::Place,
            title: format!("{name} cannot be reached"),
            text: "mount it".into(),
            since: at(0),
            job: None,
        }
    }

    fn seen(names: &[&str]) -> Seen {
        Seen { kinds: PLACES, wrong: names.iter().map(|n| nas(n)).collect(), complete: true, ..Seen::default() }
    }

    fn told(book: &Book) -> Vec<(Event, String)> {
        book.undelivered().iter().map(|notice| (notice.event, notice.of.cause.clone())).collect()
    }

    #[test]
    fn one_telling_for_each_cause_and_one_when_it_is_over_also_over_a_restart() {
        let dir = tempfile::tempdir().unwrap();
        let reopen = |book: Option<Book>| {
            drop(book);
            let (book, warning) = Book::open(dir.path(), at(0)).unwrap();
            assert_eq!(warning, None);
            book
        };
        let mut book = reopen(None);
        for names in [&["a", "b"][..], &["b", "a"], &["a"], &["a"], &[], &[]] {
            book.observe(seen(names), BOTH, at(1));
            book.save().unwrap();
            book = reopen(Some(book));
        }
        let expected = [(Event::Began, "a"), (Event::Began, "b"), (Event::Over, "b"), (Event::Over, "a")];
        assert_eq!(told(&book), expected.map(|(event, name)| (event, format!("place {name}"))));
        book.observe(seen(&["a"]), BOTH, at(2));
        assert_eq!(told(&book).len(), 5, "it is a new cause when it comes again");
    }

    #[test]
    fn what_was_not_seen_whole_ends_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let (mut book, _) = Book::open(dir.path(), at(0)).unwrap();
        book.observe(seen(&["a", "b"]), BOTH, at(1));
        let over = vec![("place b".into(), "back".into())];
        book.observe(Seen { complete: false, over, ..seen(&["a"]) }, BOTH, at(2));
        let expected = [(Event::Began, "a"), (Event::Began, "b"), (Event::Over, "b")];
        assert_eq!(told(&book), expected.map(|(event, name)| (event, format!("place {name}"))));
        assert!(book.is_open("place a") && !book.is_open("place b"));
        let others = Seen { kinds: &[Kind::DiskLow], complete: true, ..Seen::default() };
        book.observe(others, BOTH, at(3));
        assert!(book.is_open("place a"), "another kind says nothing of it");
    }

    #[test]
    fn each_way_is_told_once_and_a_mail_that_was_cut_off_is_the_same_mail() {
        let dir = tempfile::tempdir().unwrap();
        let (mut book, _) = Book::open(dir.path(), at(0)).unwrap();
        book.observe(seen(&["a", "b"]), BOTH, at(1));
        let (first, notices) = book.batch("s@larson.example", at(2)).unwrap();
        assert_eq!(notices.len(), 2);
        book.save().unwrap();
        let (mut book, _) = Book::open(dir.path(), at(3)).unwrap();
        book.observe(seen(&["a", "b", "c"]), BOTH, at(3));
        assert_eq!(book.batch("s@larson.example", at(4)), Some((first.clone(), notices)));
        book.mailed_batch(&first, at(5));
        let (second, notices) = book.batch("s@larson.example", at(6)).unwrap();
        assert_eq!(notices.iter().map(|n| n.of.cause.as_str()).collect::<Vec<_>>(), ["place c"]);
        assert_ne!(second.message_id, first.message_id);
        book.mailed_batch(&second, at(7));
        assert_eq!(book.batch("s@larson.example", at(8)), None);
        for cause in ["place a", "place b", "place c"] {
            let notice = book.to_post().unwrap();
            assert_eq!(notice.of.cause, cause);
            book.posted(notice.number);
        }
        assert_eq!((book.to_post(), book.undelivered().len()), (None, 0));
        book.observe(seen(&[]), Channels { mail: false, webhook: true }, at(9));
        book.keep_to(Channels { mail: true, webhook: false });
        assert_eq!(book.undelivered(), []);
    }

    #[test]
    fn of_an_erased_job_nothing_is_kept() {
        let dir = tempfile::tempdir().unwrap();
        let (mut book, _) = Book::open(dir.path(), at(0)).unwrap();
        let of_job = |name: &str| Condition { job: Some(name.into()), ..nas(name) };
        let all = Seen {
            kinds: PLACES,
            wrong: vec![of_job("j1"), of_job("j2"), nas("x")],
            complete: true,
            ..Seen::default()
        };
        book.observe(all, BOTH, at(1));
        assert_eq!(book.jobs().into_iter().collect::<Vec<_>>(), ["j1", "j2"]);
        book.forget_job("j1", &|_| false);
        book.save().unwrap();
        assert!(!std::fs::read_to_string(dir.path().join(FILE)).unwrap().contains("j1"));
        assert_eq!((book.jobs().len(), book.undelivered().len()), (1, 2));
    }

    #[test]
    fn it_is_bounded_and_says_what_it_dropped() {
        let dir = tempfile::tempdir().unwrap();
        let (mut book, _) = Book::open(dir.path(), at(0)).unwrap();
        let names: Vec<String> = (0..2_500).map(|n| n.to_string()).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        for round in 0..3 {
            book.observe(seen(&names), BOTH, at(round));
            book.observe(seen(&[]), BOTH, at(round));
        }
        assert_eq!((book.undelivered().len(), book.lost()), (KEPT_MAX, 5_000));
        let (batch, _) = book.batch("s@larson.example", at(9)).unwrap();
        book.mailed_batch(&batch, at(9));
        assert_eq!(book.lost(), 0);
    }

    #[test]
    fn what_happens_again_is_told_again_a_day_later() {
        let dir = tempfile::tempdir().unwrap();
        let (mut book, _) = Book::open(dir.path(), at(0)).unwrap();
        for (hour, count) in [(0, 1), (1, 1), (23, 1), (24, 2)] {
            book.happened(nas("x"), BOTH, at(hour * 3600));
            assert_eq!(told(&book).len(), count, "after {hour} hours");
        }
    }

    #[test]
    fn a_damaged_file_is_set_aside() {
        let dir = tempfile::tempdir().unwrap();
        durable::replace(&dir.path().join(FILE), b"{ \"form\": 1").unwrap();
        let (mut book, warning) = Book::open(dir.path(), at(0)).unwrap();
        assert!(warning.unwrap().contains("alerts.json.damaged"));
        assert_eq!(std::fs::read(dir.path().join("alerts.json.damaged")).unwrap(), b"{ \"form\": 1");
        assert!(!book.begin());
        book.save().unwrap();
        assert!(Book::open(dir.path(), at(1)).unwrap().0.begin(), "it did not say that it ended");
    }

    #[test]
    fn a_failure_that_comes_to_rest_late_and_one_that_finds_no_room_are_told_all_the_same() {
        let dir = tempfile::tempdir().unwrap();
        let (mut book, _) = Book::open(dir.path(), at(0)).unwrap();
        let failed = |cause: &str, second| Condition {
            kind: Kind::JobFailed,
            since: at(second),
            ..Condition { cause: cause.into(), ..nas("x") }
        };
        let look = |book: &mut Book, failures: &[(&str, i64)], second| {
            let is_wrong = |(cause, at_s): &&(&str, i64)| !book.knows_failure(cause, at(*at_s)) || book.is_open(cause);
            let wrong: Vec<Condition> = failures.iter().filter(is_wrong).map(|(cause, s)| failed(cause, *s)).collect();
            let before = book.undelivered().len();
            book.observe(Seen { kinds: &[Kind::JobFailed], wrong, ..Seen::default() }, BOTH, at(second));
            let failures: Vec<_> = failures.iter().map(|(cause, s)| (*cause, at(*s))).collect();
            book.account_for_failed(&failures, at(second));
            book.undelivered().len() - before
        };
        assert_eq!(look(&mut book, &[("b", 11)], 12), 1);
        // It ended before the other one, and was moved after it.
        assert_eq!(look(&mut book, &[("a", 10), ("b", 11)], 13), 1);
        book.save().unwrap();
        let (mut book, _) = Book::open(dir.path(), at(14)).unwrap();
        book.observe(Seen { over: vec![("a".into(), "x".into())], ..Seen::default() }, BOTH, at(14));
        assert_eq!(look(&mut book, &[("a", 10), ("b", 11)], 15), 0, "what was reported is known, also when it is over");
        assert_eq!(look(&mut book, &[("a", 10), ("b", 11)], 3_000), 0);
        assert!(book.record.failed_known.is_empty(), "known by their time by now");

        let many: Vec<String> = (0..OPEN_MAX).map(|number| format!("n{number}")).collect();
        let mut all: Vec<(&str, i64)> = many.iter().map(|cause| (cause.as_str(), 3_001)).collect();
        all.push(("later", 3_002));
        look(&mut book, &all, 3_003);
        assert!(!book.is_open("later"), "there is no room");
        assert_eq!(look(&mut book, &all, 9_000), 0);
        let over = all[..2].iter().map(|(cause, _)| ((*cause).to_string(), "x".to_string())).collect();
        book.observe(Seen { over, ..Seen::default() }, BOTH, at(9_001));
        look(&mut book, &all[2..], 9_002);
        assert!(book.is_open("later"), "it has waited for room");
    }
}
