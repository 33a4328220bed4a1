//! The mail that tells of a link: a step of its own, after the link answers.
//!
//! Owns: its Message-ID and its recipients are in the journal before the mail server hears of it, and that it was taken is
//! there before the job goes on. Cut off between the server's answer and that line, the same mail goes out once more.

use std::path::PathBuf;

use super::{Run, Stop};
use crate::alert::{MailError, MessageId};
use crate::clock;
use crate::plan::Plan;
use crate::plan::addressee::{addressees, mail_step};
use crate::spool::job::{self, file};
use crate::spool::journal::Entry;
use crate::spool::links::{LinkRecord, LinkState};
use crate::worker::letter::{Occasion, manifest_of};

impl Run<'_> {
    /// Sends what is not sent yet. A refusal is journaled as a failure of the mail; the link stays as it is.
    pub(super) fn mail_links(&mut self, plan: &Plan) -> Result<(), Stop> {
        for step in &plan.deliveries {
            let mail_id = mail_step(&step.id);
            let progress = self.progress();
            let is_done = progress.mails.get(&step.id).is_some_and(|mail| mail.sent.is_some());
            let Some(link) = progress.links.get(&step.id).cloned() else { continue };
            if is_done || !progress.delivered.contains(&step.id) || progress.failed.contains_key(&mail_id) {
                continue;
            }
            let manifest =
                manifest_of(self.folder(), &self.job).map_err(|text| super::reject("invalid_manifest", text))?;
            let to = addressees(&step.delivery, &manifest);
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
            match occasion.send(mail, &letter, &intended.to, &id, intended.at) {
                Ok(()) => self.append(vec![Entry::MailSent { step: step.id.clone() }])?,
                Err(MailError::NotNow(text)) => {
                    return Err(Stop::Unreachable { place: PathBuf::from(&mail.smtp.written), text });
                }
                Err(MailError::Refused(text) | MailError::NoRecipient(text)) => {
                    let text = format!("`{}` to: link: the link is made, its mail is not sent: {text}", step.owner);
                    self.append(vec![Entry::Failed { step: mail_id, code: "mail_refused".into(), text }])?;
                }
            }
        }
        Ok(())
    }
}
