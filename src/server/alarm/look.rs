//! One look at everything that may be wrong.

mod folders;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use jiff::Timestamp;

pub(super) use self::folders::written_to;
use self::folders::{disks, drops, places};
use super::super::sight::{ConfigFile, Sight};
use super::room::Room;
use crate::alert::{Book, Condition, Kind, Seen};
use crate::clock;
use crate::intake::FolderState;
use crate::model::config::{Alerts, Config};
use crate::model::counted::counted;
use crate::print::look::Condition as PrinterCondition;
use crate::spool::job::{self, JobFile, JobId, Reason, file};
use crate::spool::labs::{self, LabState};
use crate::spool::queue::{Located, Spool, SpoolError, State};
use crate::worker::earlier;
use crate::worker::printers::Gates;
use crate::worker::receipt;
use crate::worker::run::Workshop;

/// Longest reason that is repeated, in characters.
const REASON_MAX_CHARS: usize = 1_000;
/// Jobs that are named for one cause.
const NAMED_MAX: usize = 5;
/// Jobs that left `failed/` and are looked for, at each look.
const FOLLOWED_AT_ONCE: usize = 20;

/// What is remembered between looks: jobs that rest need not be read again.
#[derive(Debug, Default)]
pub(super) struct Look {
    failed: BTreeMap<JobId, Failed>,
    held: BTreeMap<JobId, Condition>,
    /// Clients who ask for a link, by the address that they have.
    asked: BTreeMap<String, Condition>,
    /// Where the following of jobs goes on.
    followed: usize,
    /// All jobs that the book knows were looked for.
    has_looked: bool,
}

/// What was found out before the book was opened: none of it may keep those waiting who want the book.
#[derive(Debug)]
pub(super) struct Surroundings {
    pub(super) sight: Sight,
    pub(super) folders: Vec<FolderState>,
    pub(super) rooms: Vec<Room>,
    /// The server has run for long enough to know what orders wait for.
    pub(super) is_settled: bool,
}

/// A job in `failed/`.
#[derive(Debug, Clone)]
struct Failed {
    folder: PathBuf,
    finished: Timestamp,
    condition: Condition,
    record: Option<JobFile>,
}

impl Failed {
    /// A later job of its record has made what it was to make.
    fn superseded_by(&self, workshop: &Workshop) -> Option<JobId> {
        let record = self.record.as_ref()?;
        let lines = earlier::lines(workshop, record.kind, &record.record).ok()?;
        earlier::superseded_by(&workshop.spool, &lines, &self.folder, record)
    }
}

impl Look {
    pub(super) fn all(
        &mut self,
        workshop: &Workshop,
        config: &Config,
        around: &Surroundings,
        book: &mut Book,
        now: Timestamp,
    ) -> Vec<Seen> {
        let Some(alerts) = &config.alerts else { return Vec::new() };
        let Surroundings { sight, folders, rooms, .. } = around;
        self.forget_what_is_erased(workshop, book);
        let mut all = vec![disks(rooms, alerts, book, now)];
        all.push(self.asked(workshop, config, now));
        all.push(printers(workshop, config, book, now));
        all.push(prints(workshop, alerts, around.is_settled, book, now));
        all.extend(self.failed(workshop, book, now));
        all.extend(self.held(workshop, alerts, now));
        all.push(orders(workshop));
        if sight.is_there {
            all.push(places(config, sight, folders));
            all.push(drops(config, folders));
            all.push(stopped(sight, now));
            all.push(queue(sight, alerts, now));
            all.extend(config_file(config, sight, now));
        }
        all
    }

    /// Before the first alert goes out all of them are looked for, then some at each look.
    fn forget_what_is_erased(&mut self, workshop: &Workshop, book: &mut Book) {
        let jobs: Vec<String> = book.jobs().into_iter().collect();
        let most = if self.has_looked { FOLLOWED_AT_ONCE.min(jobs.len()) } else { jobs.len() };
        let start = self.followed % jobs.len().max(1);
        for job in jobs.iter().cycle().skip(start).take(most) {
            if JobId::parse(job).is_none_or(|id| matches!(find(&workshop.spool, &id), Ok(None))) {
                book.forget_job(job, &|condition| is_asked_still(workshop, condition));
            }
        }
        self.has_looked = true;
    }

    /// Jobs that failed. One that is tried again is waited for: then it is over, or another failure.
    fn failed(&mut self, workshop: &Workshop, book: &mut Book, now: Timestamp) -> Option<Seen> {
        let located = workshop.spool.jobs(State::Failed).ok()?;
        let here: BTreeSet<&JobId> = located.iter().map(|job| &job.id).collect();
        self.failed.retain(|id, failed| here.contains(id) && failed.folder.is_dir());
        for job in &located {
            if !self.failed.contains_key(&job.id) {
                self.failed.insert(job.id.clone(), read_failed(job, now));
            }
        }
        let is_wrong = |failed: &&Failed| {
            let cause = &failed.condition.cause;
            !book.knows_failure(cause, failed.finished) || book.is_open(cause)
        };
        let mut seen = Seen { kinds: &[Kind::JobFailed], ..Seen::default() };
        for failed in self.failed.values().filter(is_wrong) {
            match failed.superseded_by(workshop) {
                None => seen.wrong.push(failed.condition.clone()),
                Some(by) if book.is_open(&failed.condition.cause) => {
                    let how = format!("It is superseded: job {by} of the same record came later and is done.");
                    seen.over.push((failed.condition.cause.clone(), how));
                }
                Some(_) => {}
            }
        }
        // What has failed first has the first right to a place among the open ones.
        seen.wrong.sort_by_key(|condition| condition.since);
        let superseded: BTreeSet<String> = seen.over.iter().map(|(cause, _)| cause.clone()).collect();
        let named: BTreeSet<&str> = seen.wrong.iter().map(|condition| condition.cause.as_str()).collect();
        let left: Vec<(String, JobId)> = book
            .open_causes()
            .filter(|open| open.condition.kind == Kind::JobFailed && !named.contains(open.condition.cause.as_str()))
            .filter(|open| !superseded.contains(&open.condition.cause))
            .filter_map(|open| Some((open.condition.cause.clone(), JobId::parse(open.condition.job.as_deref()?)?)))
            .collect();
        let count = left.len().max(1);
        for (cause, id) in left.into_iter().cycle().skip(self.followed % count).take(FOLLOWED_AT_ONCE.min(count)) {
            match find(&workshop.spool, &id) {
                Ok(Some(job)) if job.state == State::Done => {
                    let result = receipt::read(&job.folder).map(|receipt| receipt.result);
                    let how = match result.as_deref() {
                        Some("cancelled") => "The job was cancelled.",
                        _ => Kind::JobFailed.relief(),
                    };
                    seen.over.push((cause, how.to_string()));
                }
                // It failed again, which is told by itself.
                Ok(Some(job)) if job.state == State::Failed => seen.over.push((cause, "It was tried again.".into())),
                Ok(_) | Err(_) => {}
            }
        }
        self.followed = self.followed.wrapping_add(FOLLOWED_AT_ONCE);
        Some(seen)
    }

    /// After the book has taken in what was seen.
    pub(super) fn account(&self, book: &mut Book, now: Timestamp) {
        let failures: Vec<(&str, Timestamp)> =
            self.failed.values().map(|failed| (failed.condition.cause.as_str(), failed.finished)).collect();
        book.account_for_failed(&failures, now);
    }

    /// Jobs that have waited for an answer for too long.
    fn held(&mut self, workshop: &Workshop, alerts: &Alerts, now: Timestamp) -> Option<Seen> {
        let located = workshop.spool.jobs(State::Held).ok()?;
        let here: BTreeSet<&JobId> = located.iter().map(|job| &job.id).collect();
        self.held.retain(|id, _| here.contains(id));
        let mut wrong = Vec::new();
        for job in &located {
            let since = std::fs::metadata(job.folder.join(file::QUESTIONS)).and_then(|m| m.modified()).ok();
            let since = since.and_then(|at| Timestamp::try_from(at).ok()).unwrap_or(now);
            if !is_longer(since, now, alerts) {
                continue;
            }
            let known = self.held.entry(job.id.clone()).or_insert_with(|| read_held(job, since));
            if known.since != since {
                *known = read_held(job, since);
            }
            wrong.push(known.clone());
        }
        Some(Seen { kinds: &[Kind::JobHeld], wrong, complete: true, ..Seen::default() })
    }

    /// Clients who ask for another link, as it stood when they did.
    fn asked(&mut self, workshop: &Workshop, config: &Config, now: Timestamp) -> Seen {
        let mut known = std::mem::take(&mut self.asked);
        for (hash, since) in workshop.links.all_asked() {
            let before = known.remove(&hash).filter(|condition| condition.since == since);
            if let Some(condition) = before.or_else(|| asks(workshop, config, &hash, since, now)) {
                self.asked.insert(hash, condition);
            }
        }
        Seen {
            kinds: &[Kind::LinkAsked],
            wrong: self.asked.values().cloned().collect(),
            complete: true,
            ..Seen::default()
        }
    }
}

/// A job that moves just then may be missed once.
fn find(spool: &Spool, id: &JobId) -> Result<Option<Located>, SpoolError> {
    match spool.find(id)? {
        None => spool.find(id),
        found => Ok(found),
    }
}

/// Printers that do not answer, or do not print. One that is paused or closed may be either: nothing is said of it.
fn printers(workshop: &Workshop, config: &Config, book: &Book, now: Timestamp) -> Seen {
    let gates = Gates::now(&workshop.spool, config);
    let mut seen = Seen { kinds: &[Kind::Printer], ..Seen::default() };
    let mut known = BTreeSet::new();
    for printer in workshop.press.printers(config, &|printer| gates.keep(printer)) {
        let cause = format!("printer {}", printer.name);
        known.insert(cause.clone());
        let how = match printer.state {
            PrinterCondition::Unreachable => "cannot be reached",
            PrinterCondition::Stopped => "has stopped",
            PrinterCondition::Idle | PrinterCondition::Printing | PrinterCondition::Waiting => {
                seen.over.push((cause, Kind::Printer.relief().into()));
                continue;
            }
            PrinterCondition::Paused | PrinterCondition::Closed | PrinterCondition::Unknown => continue,
        };
        let title = format!("printer {} {how}", printer.name);
        let text = format!("{}\nWhat is to be printed there waits.", cut(&printer.reasons.join(", ")));
        let since = printer.since.unwrap_or(now);
        seen.wrong.push(Condition { cause, kind: Kind::Printer, title, text, since, job: None });
    }
    let open = book.open_causes().map(|open| &open.condition);
    let gone = open.filter(|c| c.kind == Kind::Printer && !known.contains(&c.cause));
    seen.over.extend(gone.map(|c| (c.cause.clone(), "It is not in the config any more.".to_string())));
    seen
}

/// Orders that have waited for too long at a printer, for what its own state does not say: one cause for each reason.
fn prints(workshop: &Workshop, alerts: &Alerts, is_settled: bool, book: &Book, now: Timestamp) -> Seen {
    let mut causes: BTreeMap<(String, String), (Timestamp, BTreeSet<JobId>)> = BTreeMap::new();
    for (job, keep) in workshop.press.kept() {
        let (since, jobs) = causes.entry((keep.printer, keep.why)).or_insert((keep.since, BTreeSet::new()));
        *since = (*since).min(keep.since);
        jobs.insert(job);
    }
    let mut seen = Seen { kinds: &[Kind::Print], complete: is_settled, ..Seen::default() };
    for ((printer, why), (since, jobs)) in causes {
        let cause = format!("print {printer}: {}", cut(&why));
        if !is_longer(since, now, alerts) && !book.is_open(&cause) {
            continue;
        }
        let named: Vec<String> = jobs.iter().take(NAMED_MAX).map(ToString::to_string).collect();
        let text = format!(
            "{}\nFor it: {}, {}\nWhat waits there goes on by itself when the cause is mended; it can be cancelled, too.",
            cut(&why),
            counted(jobs.len(), "job"),
            named.join(", ")
        );
        let title = format!("sheets wait for printer {printer}");
        let job = jobs.first().filter(|_| jobs.len() == 1).map(ToString::to_string);
        seen.wrong.push(Condition { cause, kind: Kind::Print, title, text, since, job });
    }
    seen
}

const LINK_ASKED: &str = "link_asked ";

/// A link outlives the folder of its job, until it is erased itself.
fn is_asked_still(workshop: &Workshop, condition: &Condition) -> bool {
    let hash = condition.cause.strip_prefix(LINK_ASKED);
    hash.is_some_and(|hash| !matches!(workshop.links.read(hash), Ok(None)))
}

/// A client who asks for another link.
fn asks(workshop: &Workshop, config: &Config, hash: &str, since: Timestamp, now: Timestamp) -> Option<Condition> {
    let asking = workshop.links.asking(hash, since, now)?;
    let record = &asking.record;
    let title = match &asking.client {
        Some(client) => format!("{client} asks for a new link to the pictures of {}", record.record),
        None => format!("the client of {} asks for a new link", record.record),
    };
    let zone = clock::time_zone(config.studio.time_zone.as_deref());
    Some(Condition {
        cause: format!("{LINK_ASKED}{hash}"),
        kind: Kind::LinkAsked,
        title,
        text: format!("{} The queue of the dashboard has buttons to renew it and to mail it.", asking.why(&zone)),
        since,
        job: Some(record.job.to_string()),
    })
}

fn is_longer(since: Timestamp, now: Timestamp, alerts: &Alerts) -> bool {
    let passed = now.duration_since(since);
    passed.is_positive() && passed.unsigned_abs() > alerts.waiting
}

fn cut(text: &str) -> String {
    let text = text.trim();
    let short: String = text.chars().take(REASON_MAX_CHARS).collect();
    if short.len() < text.len() { short + " …" } else { short }
}

/// `invoice 1042`; the id of a job whose record says nothing.
fn shown(job: &Located) -> String {
    let record = job::read::<job::JobFile>(&job.folder, file::JOB).ok();
    record.map_or_else(
        || format!("job {}", job.id),
        |record| format!("{} {}", record.kind.map_or("job", |kind| kind.word()), record.record),
    )
}

fn read_failed(job: &Located, now: Timestamp) -> Failed {
    let reason = job::read::<Reason>(&job.folder, file::REASON).ok();
    let mend =
        reason.as_ref().and_then(|reason| reason.mend.as_ref()).map_or(String::new(), |mend| format!("\n{mend}"));
    let finished = receipt::read(&job.folder).map_or(now, |receipt| receipt.finished);
    let why = reason.as_ref().map_or_else(String::new, |reason| cut(&reason.text));
    let condition = Condition {
        cause: format!("job_failed {} {}", job.id, reason.map_or(0, |reason| reason.attempts)),
        kind: Kind::JobFailed,
        title: format!("{} failed", shown(job)),
        text: format!("{why}{mend}\nWhen it is mended, it can be tried again."),
        since: finished,
        job: Some(job.id.to_string()),
    };
    let record = job::read(&job.folder, file::JOB).ok();
    Failed { folder: job.folder.clone(), finished, condition, record }
}

fn read_held(job: &Located, since: Timestamp) -> Condition {
    let asked: Vec<String> = job::questions(&job.folder).iter().map(|question| question.text.clone()).collect();
    Condition {
        cause: format!("job_held {} {since}", job.id),
        kind: Kind::JobHeld,
        title: format!("{} waits for an answer", shown(job)),
        text: cut(&asked.join("\n")),
        since,
        job: Some(job.id.to_string()),
    }
}

/// Hot folders and what jobs wait for; where both are the same place it is one cause.
/// Orders that a lab has rejected, or does not take.
fn orders(workshop: &Workshop) -> Seen {
    let (orders, damaged) = labs::all(&workshop.spool);
    let mut seen = Seen { kinds: &[Kind::Lab], complete: damaged.is_empty(), ..Seen::default() };
    for order in orders {
        let cause = |what: &str| format!("lab {} {} {} {what}", order.job, order.step, order.number);
        let (rejected, late) = (cause("rejected"), cause("late"));
        if let Some(text) = order.trouble() {
            let (cause, title) = match order.state {
                LabState::Rejected => (rejected, format!("the lab has rejected order {}", order.name)),
                _ => (late, format!("the lab does not take order {}", order.name)),
            };
            let job = Some(order.job.to_string());
            seen.wrong.push(Condition { cause, kind: Kind::Lab, title, text, since: order.since, job });
        } else if order.state == LabState::Removed {
            seen.over.push((rejected, "Somebody has taken the rejected order away.".into()));
        } else if order.state == LabState::Sent {
            seen.over.push((rejected, "It was submitted again.".into()));
        }
    }
    seen
}

fn stopped(sight: &Sight, now: Timestamp) -> Seen {
    let condition = |(id, why): &(JobId, String)| Condition {
        cause: format!("job_stopped {id}"),
        kind: Kind::JobStopped,
        title: format!("job {id} cannot go on"),
        text: format!("{}\nIt stays where it is until the next start of the server.", cut(why)),
        since: now,
        job: Some(id.to_string()),
    };
    let wrong = sight.halted.iter().map(condition).collect();
    Seen { kinds: &[Kind::JobStopped], wrong, complete: !sight.is_recovering, ..Seen::default() }
}

/// Jobs that wait for nothing but their turn, and for too long.
fn queue(sight: &Sight, alerts: &Alerts, now: Timestamp) -> Seen {
    let late: Vec<_> = sight.queued.iter().filter(|(_, since)| is_longer(*since, now, alerts)).collect();
    let wrong = late.first().filter(|_| !sight.is_quiet).map(|(oldest, since)| Condition {
        cause: "queue".into(),
        kind: Kind::Queue,
        title: format!("{} waiting long for a turn", counted(late.len(), "job")),
        text: format!("The one that waits longest is {oldest}."),
        since: *since,
        job: None,
    });
    Seen { kinds: &[Kind::Queue], wrong: wrong.into_iter().collect(), complete: !sight.is_quiet, ..Seen::default() }
}

fn config_file(config: &Config, sight: &Sight, now: Timestamp) -> Option<Seen> {
    let refused = match &sight.config {
        ConfigFile::NotRead => return None,
        ConfigFile::InForce => None,
        ConfigFile::Refused(why, started_with) => Some((why, started_with)),
    };
    let wrong = refused.map(|(why, started_with)| {
        let file = config.file.file_name().unwrap_or_default().to_string_lossy();
        let (title, what) = match started_with {
            None => (format!("the edited {file} is refused"), "The one before stays in force.".to_string()),
            Some(since) => {
                let since = since.to_zoned(clock::time_zone(config.studio.time_zone.as_deref()));
                let since = since.strftime("%Y-%m-%d %H:%M");
                (
                    format!("{file} is wrong; hotfolders has started with the last good one"),
                    format!("That is in force since {since}."),
                )
            }
        };
        Condition {
            cause: "config".into(),
            kind: Kind::Config,
            title,
            text: format!("{}\n{what}", cut(why)),
            since: now,
            job: None,
        }
    });
    Some(Seen { kinds: &[Kind::Config], wrong: wrong.into_iter().collect(), complete: true, ..Seen::default() })
}
