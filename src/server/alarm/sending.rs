//! Two ways to the studio, each with a thread of its own.
//!
//! Owns: a way that is closed is tried again, later and later; what it has not taken stays in the book.

use std::sync::Mutex;
use std::sync::atomic::Ordering;
use std::time::Instant;

use super::{Shared, TICK, Trouble, lock};
use crate::alert::{self, Batch, MailError, Message, MessageId, Notice, Patience, PostError, Terms};
use crate::clock;
use crate::model::config::Config;
use crate::model::counted::counted;

/// So often an alert is mailed without an answer of the mail server before it counts as told.
const DOUBTS_MAX: u32 = 3;

/// One way of telling.
pub(super) trait Way {
    /// What goes out at once.
    type Load;

    /// What is to go out now, put down as such.
    fn next(&self, shared: &Shared, config: &Config) -> Option<Self::Load>;
    /// An error says why it did not go out.
    fn send(&self, shared: &Shared, config: &Config, load: &Self::Load) -> Result<(), String>;
    fn sent(&self, shared: &Shared, load: &Self::Load);
    fn trouble<'s>(&self, shared: &'s Shared) -> &'s Mutex<Option<Trouble>>;
}

pub(super) fn run<W: Way>(shared: &Shared, way: &W) {
    let mut wait = shared.pace.retry_first;
    let mut due = Instant::now();
    while !shared.stop.load(Ordering::SeqCst) {
        if Instant::now() < due {
            std::thread::sleep(TICK.min(shared.pace.look));
            continue;
        }
        let config = shared.workshop.config();
        let Some(load) = way.next(shared, &config) else {
            due = Instant::now() + TICK;
            continue;
        };
        match way.send(shared, &config, &load) {
            Ok(()) => {
                way.sent(shared, &load);
                wait = shared.pace.retry_first;
                if lock(way.trouble(shared)).take().is_some() {
                    tracing::info!("alerts go out again");
                }
            }
            Err(why) => {
                let mut trouble = lock(way.trouble(shared));
                if trouble.as_ref().is_none_or(|known| known.why != why) {
                    tracing::warn!("an alert could not go out: {why}; it is kept and tried again");
                }
                let since = trouble.as_ref().map_or_else(clock::now, |known| known.since);
                *trouble = Some(Trouble { since, why });
                due = Instant::now() + wait;
                wait = (wait * 2).min(shared.pace.retry_most);
            }
        }
    }
}

/// Changes the book and puts it on the disk; what the disk does not take is taken by a later look.
fn in_book<T: Default>(shared: &Shared, change: impl FnOnce(&mut alert::Book) -> T) -> T {
    let mut book = lock(&shared.book);
    let Some(book) = book.as_mut() else { return T::default() };
    let result = change(book);
    if let Err(e) = book.save() {
        tracing::warn!("{e}");
    }
    result
}

/// From now on the mail may have arrived. What is not on the disk is not sent.
fn note_closing(shared: &Shared) -> Result<(), String> {
    let mut book = lock(&shared.book);
    let book = book.as_mut().ok_or("alerts.json is not open")?;
    book.close_batch(clock::now());
    book.save().map_err(|e| e.to_string())
}

fn given_up(why: &str) {
    tracing::error!(
        "{why}: a mail with alerts may have arrived {DOUBTS_MAX} times, and is not sent again; see the alerts in \
         `hotfolders status`"
    );
}

/// Many alerts in one mail.
pub(super) struct MailWay;

impl Way for MailWay {
    type Load = (Batch, Vec<Notice>);

    fn next(&self, shared: &Shared, config: &Config) -> Option<Self::Load> {
        let from = &config.mail.as_ref()?.from;
        let now = clock::now();
        let mut book = lock(&shared.book);
        let book = book.as_mut()?;
        // Killed each time before the server had answered.
        if let Some(batch) = book.open_batch().filter(|batch| batch.doubts >= DOUBTS_MAX).cloned() {
            given_up("the server was killed before the answer of the mail server");
            book.mailed_batch(&batch, now);
        }
        let oldest = book.to_mail_since()?;
        let may_go = match book.open_batch() {
            None => shared.pace.lets_mail(oldest, book.mailed(), now),
            Some(Batch { doubted: None, .. }) => true,
            // As far from the one that may have arrived as any two mails are, where there is more to tell.
            Some(batch @ Batch { doubted: Some(at), .. }) => {
                let passed = now.duration_since(*at);
                let is_over = passed.is_negative() || passed.unsigned_abs() >= shared.pace.rest;
                is_over || (book.has_more_than(batch) && shared.pace.lets_mail(*at, &[*at], now))
            }
        };
        if !may_go {
            return None;
        }
        let load = book.batch(from, now);
        // A mail whose id is not on the disk would come twice, as two, after a crash.
        match book.save() {
            Ok(()) => load,
            Err(e) => {
                tracing::warn!("{e}");
                None
            }
        }
    }

    fn send(&self, shared: &Shared, config: &Config, (batch, notices): &Self::Load) -> Result<(), String> {
        let (Some(mail), Some(alerts)) = (&config.mail, &config.alerts) else { return Ok(()) };
        let zone = clock::time_zone(config.studio.time_zone.as_deref());
        let (studio, dashboard) = (config.studio.name.as_deref(), config.server.public_url.as_deref());
        let letter = alert::digest(notices, batch.lost, studio, &zone, dashboard);
        let id = MessageId::recorded(&batch.message_id).ok_or("alerts.json holds a message id that is none")?;
        let message = Message {
            name: config.studio.name.as_deref().or(Some("hotfolders")),
            from: &mail.from,
            reply_to: None,
            to: &alerts.mail,
            subject: &letter.subject,
            text: &letter.text,
            html: &letter.html,
            id: &id,
            at: batch.at,
        };
        let before_dot = || note_closing(shared);
        let terms = Terms { before_dot: &before_dot, ..Terms::new(Patience::STANDARD) };
        *lock(&shared.recall) = terms.recall.clone();
        if shared.stop.load(Ordering::SeqCst) {
            return Err("the server stops".into());
        }
        let sent = alert::send_to_any(mail, &message, &terms);
        if !matches!(sent, Ok(_) | Err(MailError::InDoubt(_))) {
            in_book(shared, |book| book.not_taken(batch));
        }
        let refused = match sent {
            Ok(refused) => refused,
            Err(MailError::InDoubt(why)) if batch.doubts + 1 >= DOUBTS_MAX => {
                given_up(&why);
                return Ok(());
            }
            // All of it may have arrived; what comes up meanwhile takes it along.
            Err(MailError::InDoubt(why)) => {
                in_book(shared, |book| book.doubted_batch(clock::now()));
                return Err(why);
            }
            // It would keep all later ones waiting.
            Err(MailError::Refused(why)) => {
                tracing::error!(
                    "{why}: a mail with {} is dropped; see the alerts in `hotfolders status`",
                    counted(notices.len(), "alert")
                );
                return Ok(());
            }
            // Who else is to be told is for the config to say.
            Err(e) => return Err(e.to_string()),
        };
        for (address, why) in refused {
            tracing::error!("no alerts can be mailed to {address}: {why}; look at `alerts.mail`");
        }
        Ok(())
    }

    fn sent(&self, shared: &Shared, (batch, _): &Self::Load) {
        in_book(shared, |book| book.mailed_batch(batch, clock::now()));
    }

    fn trouble<'s>(&self, shared: &'s Shared) -> &'s Mutex<Option<Trouble>> {
        &shared.mail
    }
}

/// One alert after another.
pub(super) struct WebhookWay;

impl Way for WebhookWay {
    type Load = Notice;

    fn next(&self, shared: &Shared, config: &Config) -> Option<Notice> {
        config.alerts.as_ref()?.webhook.as_ref()?;
        lock(&shared.book).as_ref()?.to_post()
    }

    fn send(&self, _: &Shared, config: &Config, notice: &Notice) -> Result<(), String> {
        let Some(url) = config.alerts.as_ref().and_then(|alerts| alerts.webhook.as_ref()) else { return Ok(()) };
        match alert::post(url, notice, config.studio.name.as_deref()) {
            Ok(()) => Ok(()),
            Err(PostError::NotNow(why)) => Err(why),
            Err(PostError::Refused(why)) => {
                tracing::error!("{why}: it does not take the alert `{}`, which is dropped there", notice.of.title);
                Ok(())
            }
        }
    }

    fn sent(&self, shared: &Shared, notice: &Notice) {
        in_book(shared, |book| book.posted(notice.number));
    }

    fn trouble<'s>(&self, shared: &'s Shared) -> &'s Mutex<Option<Trouble>> {
        &shared.webhook
    }
}
