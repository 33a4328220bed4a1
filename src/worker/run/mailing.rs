//! The mail that tells of a link: a step of its own, after the link answers.
//!
//! Owns: its Message-ID and its recipients are in the journal before the mail server hears of it, and that it was taken is
//! there before the job goes on. That the server may have it is there before its final dot is sent: killed from then on, or
//! without an answer of the server, the mail is in doubt. The same mail goes out again after a long rest, a few times, and
//! then a person is asked. Each is handed over by a thread of its own: nothing else of the job waits for it.

use std::path::PathBuf;
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};

use super::making::DONE;
use super::{Report, Run, Stop};
use crate::alert::{MailError, MessageId, Patience, Recall, Terms};
use crate::clock;
use crate::model::units::show_moment;
use crate::plan::addressee::{addressees, mail_step};
use crate::plan::{Plan, StepId};
use crate::spool::job::{self, MAIL, Question, file};
use crate::spool::journal::{Entry, LinkMail, MailEvent};
use crate::spool::links::{LinkRecord, LinkState};
use crate::worker::letter::{self, Occasion, manifest_of};

/// The least time before a mail that the server may have taken is handed over again (RFC 5321, 4.5.4.1); doubled each time.
const REST: Duration = Duration::from_mins(30);
/// A recipient whom the mail server puts off for longer is likely to have another address.
const WRONG_ADDRESS_AFTER: SignedDuration = SignedDuration::from_hours(4);
/// How often it is looked whether a mail was taken.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// How long it may take until it is noted that a mail is about to be complete; the server waits meanwhile.
const NOTED_WITHIN: Duration = Duration::from_mins(3);
/// How long the answer to a mail that the server has whole is waited for when the job is to stop.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// A mail that is being handed over.
pub(super) struct Handover {
    step: StepId,
    owner: String,
    /// As the config has it.
    server: String,
    recall: Recall,
    heard: mpsc::Receiver<Heard>,
}

/// What is heard of a mail on its way.
enum Heard {
    /// Its final dot is sent once this is noted, and the sender of it hears so.
    Closing(mpsc::Sender<()>),
    Answer(Result<(), MailError>),
}

impl Drop for Handover {
    fn drop(&mut self) {
        self.recall.give_up();
    }
}

impl Run<'_> {
    /// Begins to hand over what is not sent yet.
    pub(super) fn begin_mails(&mut self, plan: &Plan) -> Result<(), Stop> {
        for step in &plan.deliveries {
            let mail_id = mail_step(&step.id);
            self.settle_mail(&step.id)?;
            let progress = self.progress();
            let is_done = progress.mails.get(&step.id).is_some_and(|mail| mail.sent.is_some());
            let Some(link) = progress.links.get(&step.id).cloned() else { continue };
            if is_done || !progress.delivered.contains(&step.id) || progress.failed.contains_key(&mail_id) {
                continue;
            }
            let manifest =
                manifest_of(self.folder(), &self.job).map_err(|text| super::reject("invalid_manifest", text))?;
            let to = match progress.mails.get(&step.id) {
                Some(intended) => intended.to.clone(),
                None => addressees(&step.delivery, &manifest),
            };
            if to.is_empty() {
                continue;
            }
            self.check_signals()?;
            let opens = |link: &LinkRecord| link.state(clock::now()) == LinkState::Open;
            if !self.workshop.links.read(&link.hash)?.is_some_and(|link| opens(&link)) {
                let text = format!(
                    "`{}` to: link: its mail is not sent, since the link does not open any more: `links renew` it, then \
                     `jobs retry`",
                    step.owner
                );
                self.append(vec![Entry::Failed { step: mail_id, code: "link_closed".into(), text }])?;
                continue;
            }
            let config = self.workshop.config();
            let Some(mail) = &config.mail else {
                let text = format!(
                    "{} has no `mail` section any more, and this job mails a link: put it back, or cancel the job",
                    config.file.display()
                );
                return Err(Stop::Unreachable { place: config.file.clone(), text });
            };
            let server = mail.smtp.written.clone();
            if self.rests(&step.id, &server) {
                continue;
            }
            let frozen = match &self.frozen {
                Some(frozen) => frozen.clone(),
                None => job::read(self.folder(), file::RULES)?,
            };
            let record = self.job.clone();
            let occasion =
                Occasion { config: &config, job: &record, frozen: &frozen, manifest: &manifest, step, link: &link };
            let letter = occasion.letter(mail).map_err(|text| Stop::Unreachable {
                place: mail.template.clone().unwrap_or_default(),
                text: format!("the mail of the link cannot be written: {text}"),
            })?;
            let id = MessageId::of(&format!("{} {mail_id}", self.job.job), &mail.from);
            if !self.progress().mails.contains_key(&step.id) {
                let intended = Entry::MailIntended { step: step.id.clone(), message_id: id.as_str().into(), to };
                self.append(vec![intended])?;
            }
            let Some(intended) = self.progress().mails.get(&step.id).cloned() else { continue };
            // Also when the sender's address was edited since.
            let id = MessageId::recorded(&intended.message_id).unwrap_or(id);
            let (tell, heard) = mpsc::channel();
            let recall = Recall::default();
            let recalled = recall.clone();
            let config = Arc::clone(&config);
            let hand_over = move || {
                let Some(mail) = &config.mail else { return };
                let before_dot = || closing(&tell);
                let terms = Terms { patience: Patience::STANDARD, recall: recalled, before_dot: &before_dot };
                let answer = letter::send(&config, mail, &letter, &intended.to, (&id, intended.at), &terms);
                let _ = tell.send(Heard::Answer(answer));
            };
            let started = std::thread::Builder::new().name(format!("mail {}", self.job.job)).spawn(hand_over);
            started.map_err(|e| Stop::Unreachable {
                place: PathBuf::from(&server),
                text: format!("cannot start a thread: {e}"),
            })?;
            let (step, owner) = (step.id.clone(), step.owner.clone());
            self.mails.push(Handover { step, owner, server, recall, heard });
        }
        Ok(())
    }

    /// Takes up what a person has said of a mail in doubt.
    fn settle_mail(&mut self, step: &StepId) -> Result<(), Stop> {
        let Some(mail) = self.progress().mails.get(step).filter(|mail| mail.asks()) else { return Ok(()) };
        let Some(answer) = self.job.answers.get(&key(step, mail)) else { return Ok(()) };
        let event = MailEvent::Answered { arrived: answer == DONE };
        self.append(vec![Entry::Mail { step: step.clone(), event }])
    }

    /// Whether a mail that may have arrived is not sent now: its time has not come, or a person is asked.
    fn rests(&mut self, step: &StepId, server: &str) -> bool {
        let Some(mail) = self.progress().mails.get(step).cloned() else { return false };
        if mail.asks() {
            let text = format!(
                "the mail of the link for {} was given to {server} {} times, and each time it did not say whether it took it: \
                 ask whether the mail has arrived, then say `--done` or `--again`",
                mail.to.join(", "),
                mail.doubts
            );
            self.doubts.push(Question {
                key: Some(key(step, &mail)),
                answers: vec![DONE.into(), "again".into()],
                needs_answer: true,
                ..Question::new(MAIL, text)
            });
            return true;
        }
        let now = clock::now();
        let Some(until) = mail.rests_until(clock::wait(REST, "HOTFOLDERS_MAIL_REST_MS")) else { return false };
        // A clock that was set back must not keep it for longer.
        if until <= now || mail.doubted.is_some_and(|doubted| doubted > now) {
            return false;
        }
        let zone = clock::time_zone(self.workshop.config().studio.time_zone.as_deref());
        let text = format!(
            "the mail server {server} was given the mail for {} and did not say whether it took it: it may have arrived; the \
             same mail is sent again {}",
            mail.to.join(", "),
            show_moment(until, &zone)
        );
        self.wait_for_mail(place_of(server, &mail.to.join(", ")), text);
        true
    }

    fn is_closing(&self, step: &StepId) -> bool {
        self.progress().mails.get(step).is_some_and(LinkMail::is_closing)
    }

    fn wait_for_mail(&mut self, place: PathBuf, text: String) {
        self.mail_waits.get_or_insert(Stop::Unreachable { place, text });
    }

    /// Notes what came of those whose answer is there.
    pub(super) fn take_mails(&mut self) -> Result<(), Stop> {
        let mut index = 0;
        while let Some(mail) = self.mails.get(index) {
            let answer = match mail.heard.try_recv() {
                Ok(Heard::Answer(answer)) => answer,
                Ok(Heard::Closing(noted)) => {
                    let step = mail.step.clone();
                    self.append(vec![Entry::Mail { step, event: MailEvent::Closing }])?;
                    // Whoever waits no longer has not sent the dot, and says so.
                    let _ = noted.send(());
                    continue;
                }
                Err(mpsc::TryRecvError::Disconnected) if self.is_closing(&mail.step) => {
                    Err(MailError::InDoubt(format!("the mail for {} ended with an internal error", mail.server)))
                }
                Err(mpsc::TryRecvError::Disconnected) => {
                    Err(MailError::NotNow(format!("the mail for {} was not sent: an internal error", mail.server)))
                }
                Err(mpsc::TryRecvError::Empty) => {
                    index += 1;
                    continue;
                }
            };
            let mail = self.mails.swap_remove(index);
            self.note(&mail, answer)?;
        }
        Ok(())
    }

    /// Waits for those that are on their way. One that the server has not got whole is called off when the job is to stop,
    /// and so it is when the job does not `go_on`.
    pub(super) fn finish_mails(&mut self, plan: &Plan, go_on: bool) -> Result<(), Stop> {
        self.take_mails()?;
        if let Some(mail) = self.mails.first() {
            let waits = Some(format!("the mail server {} has not taken its mail yet", mail.server));
            (self.report)(Report { mailing: true, waits, ..self.counts(plan) });
        }
        while !self.mails.is_empty() {
            if !go_on || self.check_signals().is_err() {
                self.mails.retain(|mail| !mail.recall.call_off());
                let deadline = Instant::now() + clock::wait(ANSWER_WITHIN, "HOTFOLDERS_DRAIN_MS");
                while !self.mails.is_empty() && Instant::now() < deadline {
                    std::thread::sleep(LOOK_EVERY);
                    self.take_mails()?;
                }
                for mail in std::mem::take(&mut self.mails) {
                    let text = format!("the job was to stop before {} said whether it took the mail", mail.server);
                    self.note(&mail, Err(MailError::InDoubt(text)))?;
                }
                break;
            }
            std::thread::sleep(LOOK_EVERY);
            self.take_mails()?;
        }
        let waits = self.mail_waits.take();
        if go_on {
            self.check_signals()?;
        }
        waits.map_or(Ok(()), Err)
    }

    /// A refusal is journaled as a failure of the mail; the link stays as it is.
    fn note(&mut self, mail: &Handover, answer: Result<(), MailError>) -> Result<(), Stop> {
        let step = mail.step.clone();
        let is_answer = !matches!(answer, Ok(()) | Err(MailError::InDoubt(_)));
        if is_answer && self.is_closing(&step) {
            self.append(vec![Entry::Mail { step: step.clone(), event: MailEvent::NotTaken }])?;
        }
        match answer {
            Ok(()) => return self.append(vec![Entry::MailSent { step }]),
            Err(MailError::NotNow(text)) => self.wait_for_mail(PathBuf::from(&mail.server), text),
            Err(MailError::NotNowFor { to, text }) => {
                if self.progress().mails.get(&step).is_some_and(|mail| mail.put_off.is_none()) {
                    self.append(vec![Entry::Mail { step: step.clone(), event: MailEvent::PutOff }])?;
                }
                let since = self.progress().mails.get(&step).and_then(|mail| mail.put_off);
                let (place, text) = self.put_off(&mail.server, &to, text, since.unwrap_or_else(clock::now));
                self.wait_for_mail(place, text);
            }
            Err(MailError::InDoubt(text)) => {
                tracing::warn!(job = %self.at.id, "{text}");
                self.append(vec![Entry::Mail { step: step.clone(), event: MailEvent::Doubted }])?;
                self.rests(&step, &mail.server);
            }
            Err(MailError::Refused(text) | MailError::NoRecipient(text)) => {
                let text = format!("`{}` to: link: the link is made, its mail is not sent: {text}", mail.owner);
                let failed = Entry::Failed { step: mail_step(&step), code: "mail_refused".into(), text };
                return self.append(vec![failed]);
            }
        }
        Ok(())
    }

    /// What is waited for, and why, when the server takes mail but none for this recipient: at first as any greylisting is,
    /// then as an address that somebody should look at.
    fn put_off(&self, server: &str, to: &str, text: String, since: Timestamp) -> (PathBuf, String) {
        let after =
            SignedDuration::try_from(clock::wait(WRONG_ADDRESS_AFTER.unsigned_abs(), "HOTFOLDERS_MAIL_REST_MS"));
        if clock::now().duration_since(since) < after.unwrap_or(WRONG_ADDRESS_AFTER) {
            return (place_of(server, to), text);
        }
        let zone = clock::time_zone(self.workshop.config().studio.time_zone.as_deref());
        let text = format!(
            "{text}; so it is since {}: the address may be mistyped. Mail the link to the right one with `hotfolders links mail \
             {} --to ADDRESS`, then cancel the job; until then, or until the link expires, it is tried again",
            show_moment(since, &zone),
            self.job.record
        );
        (PathBuf::from(format!("mail address {to}")), text)
    }
}

/// Has it noted that the mail server may have the mail from now on.
fn closing(tell: &mpsc::Sender<Heard>) -> Result<(), String> {
    let (noted, is_noted) = mpsc::channel();
    let said = tell.send(Heard::Closing(noted)).is_ok();
    let is_noted = said && is_noted.recv_timeout(NOTED_WITHIN).is_ok();
    is_noted
        .then_some(())
        .ok_or_else(|| "a mail was not sent, since it could not be noted that it was about to be".into())
}

/// A place of its own: what is waited for on behalf of one recipient keeps nobody else waiting.
fn place_of(server: &str, to: &str) -> PathBuf {
    PathBuf::from(format!("{server} for {to}"))
}

/// Under which the answer about a mail in doubt is kept.
fn key(step: &StepId, mail: &LinkMail) -> String {
    format!("{MAIL} {step} {}", mail.doubts)
}
