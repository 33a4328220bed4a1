//! Alerts to the studio: a thread that looks, one that mails, one that posts.
//!
//! Owns: no job waits for an alert, and no alert for another way of telling it. What is wrong is found by looking, not by
//! being told, so a look that was missed is made up by the next.

mod look;
mod room;
mod sending;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use self::look::{Look, Surroundings, written_to};
use self::room::rooms;
use self::sending::{MailWay, WebhookWay};
use super::sight::SharedSight;
use crate::alert::{Book, Channels, Condition, Kind, Recall};
use crate::clock;
use crate::intake::FolderState;
use crate::model::config::Config;
use crate::spool::gauge::Gauge;
use crate::worker::run::Workshop;

/// How soon a stop is heard.
const TICK: Duration = Duration::from_millis(100);
/// How long a server that stops waits for a mail on its way.
const STOP_WITHIN: Duration = Duration::from_secs(5);
/// How long it waits then until the mail is noted as one that may have arrived.
const NOTE_WITHIN: Duration = Duration::from_secs(1);
/// Most open causes that `status` lists.
const LISTED_MAX: usize = 100;
/// After so many looks it is known what orders wait for since the start.
const SETTLED_LOOKS: u32 = 60;
/// From so many mails within an hour on they are put further apart.
const MANY_MAILS: usize = 10;

/// How often, and how far apart.
#[derive(Debug, Clone, Copy)]
struct Pace {
    look: Duration,
    /// What comes up within this time goes out in one mail.
    gather: Duration,
    /// Between two mails.
    gap: Duration,
    gap_when_many: Duration,
    retry_first: Duration,
    retry_most: Duration,
    /// Before a mail that may have arrived is sent again.
    rest: Duration,
}

impl Pace {
    /// In a debug build the tests need not wait for minutes.
    fn get() -> Pace {
        #[cfg(debug_assertions)]
        if let Some(ms) = std::env::var("HOTFOLDERS_ALERT_MS").ok().and_then(|text| text.parse().ok()) {
            let unit = Duration::from_millis(ms);
            return Pace {
                look: unit,
                gather: unit,
                gap: 2 * unit,
                gap_when_many: 4 * unit,
                retry_first: unit,
                retry_most: 8 * unit,
                rest: 16 * unit,
            };
        }
        Pace {
            look: Duration::from_secs(2),
            gather: Duration::from_secs(5),
            gap: Duration::from_mins(1),
            gap_when_many: Duration::from_mins(10),
            retry_first: Duration::from_secs(5),
            retry_most: Duration::from_mins(5),
            rest: Duration::from_mins(30),
        }
    }

    /// Whether a mail may go out that tells what came up at `oldest`.
    fn lets_mail(&self, oldest: Timestamp, mailed: &[Timestamp], now: Timestamp) -> bool {
        // A clock that was set back must not keep an alert.
        let passed = |since: Timestamp, wait: Duration| {
            let passed = now.duration_since(since);
            passed.is_negative() || passed.unsigned_abs() >= wait
        };
        let lately = mailed.iter().filter(|at| now.duration_since(**at) < SignedDuration::from_hours(1)).count();
        let gap = if lately >= MANY_MAILS { self.gap_when_many } else { self.gap };
        passed(oldest, self.gather) && mailed.last().is_none_or(|last| passed(*last, gap))
    }
}

/// Why one way of telling is not open now.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
struct Trouble {
    since: Timestamp,
    why: String,
}

/// What the three threads share.
#[derive(Debug)]
struct Shared {
    workshop: Arc<Workshop>,
    /// `None` as long as the config names nobody to tell.
    book: Mutex<Option<Book>>,
    mail: Mutex<Option<Trouble>>,
    webhook: Mutex<Option<Trouble>>,
    /// Calls off the mail that is on its way.
    recall: Mutex<Recall>,
    pace: Pace,
    stop: AtomicBool,
}

/// The alerts of a server.
#[derive(Debug, Clone)]
pub(super) struct Alarms {
    shared: Arc<Shared>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn channels(config: &Config) -> Option<Channels> {
    let alerts = config.alerts.as_ref()?;
    Some(Channels { mail: !alerts.mail.is_empty() && config.mail.is_some(), webhook: alerts.webhook.is_some() })
}

/// The threads of the alerts.
#[derive(Debug)]
pub(super) struct AlarmThreads {
    looker: JoinHandle<()>,
    senders: [JoinHandle<()>; 2],
    alarms: Alarms,
}

impl Alarms {
    pub(super) fn new(workshop: &Arc<Workshop>) -> Alarms {
        let shared = Shared {
            workshop: Arc::clone(workshop),
            book: Mutex::new(None),
            mail: Mutex::new(None),
            webhook: Mutex::new(None),
            recall: Mutex::new(Recall::default()),
            pace: Pace::get(),
            stop: AtomicBool::new(false),
        };
        Alarms { shared: Arc::new(shared) }
    }

    pub(super) fn start(
        &self,
        sight: SharedSight,
        folders: Arc<Mutex<Vec<FolderState>>>,
    ) -> std::io::Result<AlarmThreads> {
        let spawn = |name: &str, run: Box<dyn FnOnce(&Shared) + Send>| {
            let shared = Arc::clone(&self.shared);
            std::thread::Builder::new().name(name.into()).spawn(move || run(&shared))
        };
        let looker = spawn("alerts", Box::new(move |shared| look(shared, &sight, &folders)))?;
        let mailer = spawn("alert mails", Box::new(|shared| sending::run(shared, &MailWay)))?;
        let poster = spawn("alert posts", Box::new(|shared| sending::run(shared, &WebhookWay)))?;
        Ok(AlarmThreads { looker, senders: [mailer, poster], alarms: self.clone() })
    }

    /// For `status` and the dashboard; null where the config names nobody to tell.
    pub(super) fn state(&self) -> serde_json::Value {
        let book = lock(&self.shared.book);
        let Some(book) = book.as_ref() else { return serde_json::Value::Null };
        let open: Vec<_> = book.open_causes().collect();
        let of_way = |to_tell: usize, trouble: &Mutex<Option<Trouble>>| json!({ "undelivered": to_tell, "trouble": *lock(trouble) });
        json!({
            "open": open.iter().take(LISTED_MAX).collect::<Vec<_>>(),
            "open_more": open.len().saturating_sub(LISTED_MAX),
            "mail": of_way(book.undelivered().iter().filter(|n| n.mail).count(), &self.shared.mail),
            "webhook": of_way(book.undelivered().iter().filter(|n| n.webhook).count(), &self.shared.webhook),
            "lost": book.lost(),
        })
    }
}

impl AlarmThreads {
    /// A mail on its way is called off, or given a moment where the server has it whole: it is sent again after the next
    /// start, that one not before its rest is over.
    pub(super) fn stop(self) {
        let shared = &self.alarms.shared;
        shared.stop.store(true, Ordering::SeqCst);
        let recall = lock(&shared.recall).clone();
        recall.call_off();
        for (within, is_last) in [(STOP_WITHIN, false), (NOTE_WITHIN, true)] {
            let deadline = Instant::now() + within;
            while self.senders.iter().any(|sender| !sender.is_finished()) && Instant::now() < deadline {
                std::thread::sleep(TICK);
            }
            if !is_last {
                recall.give_up();
            }
        }
        if self.looker.join().is_err() {
            tracing::error!("the thread of the alerts had stopped before");
        }
        if let Some(book) = lock(&self.alarms.shared.book).as_mut() {
            book.end();
            if let Err(e) = book.save() {
                tracing::warn!("{e}");
            }
        }
    }
}

fn look(shared: &Shared, sight: &SharedSight, folders: &Mutex<Vec<FolderState>>) {
    let (mut look, mut gauge) = (Look::default(), Gauge::default());
    let (begun, mut due) = (Instant::now(), Instant::now());
    let mut told = None;
    while !shared.stop.load(Ordering::SeqCst) {
        if Instant::now() < due {
            std::thread::sleep(TICK.min(shared.pace.look));
            continue;
        }
        due = Instant::now() + shared.pace.look;
        let config = shared.workshop.config();
        let Some(channels) = channels(&config) else { continue };
        let now = clock::now();
        // Before the book is opened: whoever asks for the status holds these and then wants the book.
        let rooms = rooms(&mut gauge, &written_to(&shared.workshop, &config));
        let is_settled = begun.elapsed() > shared.pace.look * SETTLED_LOOKS;
        let around = Surroundings { rooms, sight: lock(sight).clone(), folders: lock(folders).clone(), is_settled };
        let result = with_book(shared, channels, now, |book| {
            let seen = look.all(&shared.workshop, &config, &around, book, now);
            for seen in seen {
                book.observe(seen, channels, now);
            }
            look.account(book, now);
            book.keep_to(channels);
        });
        // Told once, not with each look.
        let trouble = result.err().map(|e| e.to_string());
        if trouble != told {
            if let Some(why) = &trouble {
                tracing::error!("alerts cannot be kept: {why}");
            }
            told = trouble;
        }
    }
}

/// Opens the book at its first use, changes it, puts it on the disk.
fn with_book(
    shared: &Shared,
    channels: Channels,
    now: Timestamp,
    change: impl FnOnce(&mut Book),
) -> Result<(), crate::spool::durable::DurableError> {
    let mut slot = lock(&shared.book);
    if slot.is_none() {
        let (mut book, warning) = Book::open(shared.workshop.spool.root(), now)?;
        if let Some(warning) = warning {
            tracing::error!("{warning}");
        }
        if book.begin() {
            book.happened(unclean_stop(now), channels, now);
        }
        *slot = Some(book);
    }
    let Some(book) = slot.as_mut() else { return Ok(()) };
    change(book);
    book.save()
}

fn unclean_stop(now: Timestamp) -> Condition {
    Condition {
        cause: format!("unclean_stop {now}"),
        kind: Kind::UncleanStop,
        title: "hotfolders was started again after it had ended without being stopped".into(),
        text: "The power failed, the system stopped it, or it crashed. Jobs go on where they were; the log says what came \
               before."
            .into(),
        since: now,
        job: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mails_are_gathered_and_kept_apart() {
        let unit = Duration::from_secs(1);
        let pace = Pace {
            look: unit,
            gather: 5 * unit,
            gap: 60 * unit,
            gap_when_many: 600 * unit,
            retry_first: unit,
            retry_most: unit,
            rest: unit,
        };
        let at = |seconds: i64| Timestamp::from_second(1_800_000_000 + seconds).unwrap();
        assert!(!pace.lets_mail(at(0), &[], at(4)));
        assert!(pace.lets_mail(at(0), &[], at(5)));
        assert!(!pace.lets_mail(at(0), &[at(-50)], at(9)));
        assert!(pace.lets_mail(at(0), &[at(-50)], at(10)));
        let many: Vec<Timestamp> = (0..10).map(|n| at(n * 60)).collect();
        assert!(!pace.lets_mail(at(600), &many, at(700)));
        assert!(pace.lets_mail(at(600), &many, at(540 + 600)));
        assert!(pace.lets_mail(at(9_000), &many, at(0)), "the clock was set back");
    }
}
