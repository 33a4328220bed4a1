//! The mail with a link, from what a job's folder says.

use jiff::civil::Date;

use crate::alert::{self, Letter, LinkTold, MailError, Message, MessageId, Patience, Terms};
use crate::clock;
use crate::model::config::{Config, Mail};
use crate::model::manifest::{self, Manifest};
use crate::plan::addressee::{addressees, mail_step};
use crate::plan::frozen::Frozen;
use crate::plan::values::{JobValues, PictureValues};
use crate::plan::{DeliveryStep, Plan, StepId};
use crate::spool::job::{self, JobFile, file};
use crate::spool::journal::{self, MadeLink};
use crate::spool::queue::Located;

/// Everything that a letter is written from.
#[derive(Debug, Clone, Copy)]
pub struct Occasion<'a> {
    pub config: &'a Config,
    pub job: &'a JobFile,
    pub frozen: &'a Frozen,
    pub manifest: &'a Manifest,
    pub step: &'a DeliveryStep,
    pub link: &'a MadeLink,
}

/// The day on which something happens in the studio.
fn day(config: &Config, at: jiff::Timestamp) -> Date {
    at.to_zoned(clock::time_zone(config.studio.time_zone.as_deref())).date()
}

impl Occasion<'_> {
    /// In the studio's words, where it has some. `Err` says what is wrong with these.
    pub fn letter(&self, mail: &Mail) -> Result<Letter, String> {
        let template = mail.template.as_deref().map(alert::read_template).transpose()?;
        let client = &self.manifest.client;
        let told = LinkTold {
            url: &self.link.url,
            until: day(self.config, self.link.expires),
            pictures: self.step.pictures(),
            has_pin: self.link.pin.is_some(),
            language: client.language.as_deref(),
            first_name: client.first.as_deref(),
            studio: self.config.studio.name.as_deref(),
            studio_email: self.config.studio.email.as_deref(),
        };
        let values = JobValues {
            job: self.job.job.as_str(),
            date: day(self.config, self.job.accepted),
            studio: &self.frozen.studio,
            manifest: self.manifest,
        };
        let value = |token: &_| values.value(&PictureValues::default(), token);
        Ok(alert::link_letter(&told, template.as_ref(), &value))
    }
}

/// Hands a letter to the mail server.
pub fn send(
    config: &Config,
    mail: &Mail,
    letter: &Letter,
    to: &[String],
    (id, at): (&MessageId, jiff::Timestamp),
    terms: &Terms<'_>,
) -> Result<(), MailError> {
    let message = Message {
        name: config.studio.name.as_deref(),
        from: &mail.from,
        reply_to: config.studio.email.as_deref(),
        to,
        subject: &letter.subject,
        text: &letter.text,
        html: &letter.html,
        id,
        at,
    };
    alert::send_to_all(mail, &message, terms)
}

/// The manifest of a job.
pub fn manifest_of(folder: &std::path::Path, job: &JobFile) -> Result<Manifest, String> {
    let path = folder.join(&job.manifest_file);
    let bytes = std::fs::read(&path).map_err(|e| format!("cannot read {}: {e}", path.display()))?;
    let read = manifest::read_job(&bytes, &job.manifest, job.kind).map_err(|e| e.to_string())?;
    Ok(read.manifest)
}

/// Mails a link once more, on purpose: to `to`, or to those whom its job mails to. Says to whom. It is another mail, with
/// an id of its own, and nothing of the job changes. It may take as long as the mail server does.
pub fn mail_again(config: &Config, located: &Located, step: &StepId, to: &[String]) -> Result<Vec<String>, String> {
    let mail = config.mail.as_ref().ok_or("the config has no `mail` section to send it with")?;
    let said = |e: job::RecordError| e.to_string();
    let record: JobFile = job::read(&located.folder, file::JOB).map_err(said)?;
    let frozen: Frozen = job::read(&located.folder, file::RULES).map_err(said)?;
    let plan: Plan = job::read(&located.folder, file::PLAN).map_err(said)?;
    let progress = journal::read(&located.folder.join(file::JOURNAL)).map_err(|e| e.to_string())?;
    let manifest = manifest_of(&located.folder, &record)?;
    let step = plan.deliveries.iter().find(|delivery| delivery.id == *step);
    let (step, link) = step
        .and_then(|step| Some((step, progress.links.get(&step.id)?)))
        .ok_or_else(|| format!("job {} has made no such link", record.job))?;
    let to = if to.is_empty() { addressees(&step.delivery, &manifest) } else { to.to_vec() };
    if to.is_empty() {
        return Err(format!("nobody is to get the link of job {}: name an address", record.job));
    }
    let occasion = Occasion { config, job: &record, frozen: &frozen, manifest: &manifest, step, link };
    let letter = occasion.letter(mail)?;
    let now = clock::now();
    let id = MessageId::of(&format!("{} {} again {now}", record.job, mail_step(&step.id)), &mail.from);
    let terms = Terms::new(Patience::BY_HAND);
    match send(config, mail, &letter, &to, (&id, now), &terms) {
        Ok(()) => Ok(to),
        Err(MailError::InDoubt(text)) => Err(format!("{text}; ask whether it came before you send it again")),
        Err(e) => Err(e.to_string()),
    }
}
