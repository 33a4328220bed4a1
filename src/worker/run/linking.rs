//! A download link: its files onto the shelf, its token into the journal, then its record.
//!
//! Owns: a token is made once and is in the journal before anything answers to it; cut off anywhere, the job ends with
//! one link, of that token.

use std::path::Path;
use std::sync::PoisonError;

use super::{Run, Stop};
use crate::clock;
use crate::deliver::{self, link::Shelf};
use crate::error::Fate;
use crate::model::config::{Config, Downloads};
use crate::model::delivery::{Delivery, PinChoice, Show};
use crate::model::manifest::Kind;
use crate::model::token::{self, TOKEN_BYTES, Token};
use crate::plan::{DeliveryStep, PlannedLink};
use crate::spool::durable;
use crate::spool::job::file;
use crate::spool::journal;
use crate::spool::journal::{Entry, MadeLink};
use crate::spool::links::{LINK_VERSION, LinkRecord, LinkState};
use crate::worker::history;
use crate::worker::link::{address_of, random};

impl Run<'_> {
    /// Brings a link as far as it can be now; a failure of its own is journaled by the caller.
    pub(super) fn link(
        &mut self,
        step: &DeliveryStep,
        planned: &PlannedLink,
    ) -> Result<Result<(), deliver::DeliverError>, Stop> {
        let config = self.workshop.config();
        let Some(downloads) = &config.downloads else { return Err(no_downloads(&config)) };
        self.reach(&downloads.folder)?;
        let Delivery::Link { show, .. } = &step.delivery else { return Ok(Ok(())) };
        let all_links = Shelf { folder: &downloads.folder, made: downloads.made };
        let to_keep = *show == Show::Download;
        let (id, outputs) = (self.job.job.to_string(), self.folder().join(file::OUTPUTS));
        let job = deliver::Job {
            id: &id,
            record: "",
            accepted: self.accepted(),
            zone: &clock::time_zone(None),
            home: &outputs,
            outputs: &outputs,
            now: &clock::now,
            earlier: &|_| None,
            foreign: deliver::FOREIGN,
        };
        let folder = match deliver::link::package(&job, step, planned, to_keep, all_links, &mut self.journal) {
            Ok(Some(folder)) => folder,
            Ok(None) => return Ok(Ok(())),
            Err(e) if e.is_world() => {
                return Err(Stop::Unreachable { place: downloads.folder.clone(), text: e.to_string() });
            }
            Err(e) => return Ok(Err(e)),
        };
        let made = match self.progress().links.get(&step.id) {
            Some(made) => made.clone(),
            None => self.make_link(step, planned, downloads, &folder)?,
        };
        self.publish_link(step, planned, &made)?;
        match deliver::link::close(&job, step, &mut self.journal) {
            Err(e) if e.is_world() => {
                Err(Stop::Unreachable { place: self.folder().to_path_buf(), text: e.to_string() })
            }
            done => Ok(done),
        }
    }

    /// Removes what a link that came to nothing left on the shelf.
    pub(super) fn clean_link(&self, step: &DeliveryStep) -> Result<(), Stop> {
        let config = self.workshop.config();
        let (Some(_), Some(downloads)) = (&step.link, &config.downloads) else { return Ok(()) };
        let cleaned = deliver::link::clean(self.job.job.as_str(), &step.id, &downloads.folder);
        cleaned.map_err(|e| Stop::Unreachable { place: downloads.folder.clone(), text: e.to_string() })
    }

    /// Makes the token, or finds that of the link that this one renews; in the journal when it returns.
    fn make_link(
        &mut self,
        step: &DeliveryStep,
        planned: &PlannedLink,
        downloads: &Downloads,
        folder: &Path,
    ) -> Result<MadeLink, Stop> {
        let Delivery::Link { expires, max_downloads, pin, show, .. } = &step.delivery else {
            return Err(Stop::Stopped);
        };
        let now = clock::now();
        let before = self.link_of_key(step, planned);
        let token = match before.as_ref().and_then(|(_, url, _)| Token::of_url(url)) {
            Some(token) => token,
            None => Token::of(random::<TOKEN_BYTES>()?),
        };
        let pin = match (pin, before.as_ref().and_then(|(_, _, pin)| pin.clone())) {
            (PinChoice::None, _) => None,
            (PinChoice::Auto, Some(pin)) => Some(pin),
            (PinChoice::Auto, None) => Some(token::pin(random::<8>()?)),
        };
        let name = deliver::link::folder_name(self.job.job.as_str(), &step.id);
        let zip = format!("{}/{name}/{}", downloads.shown, crate::spool::links::ZIP);
        let made = MadeLink {
            url: token.url(&downloads.public_url),
            pin,
            hash: token.hash(),
            made: now,
            expires: now + *expires,
            max_downloads: *max_downloads,
            folder: folder.to_path_buf(),
            zip: (*show == Show::Download).then_some(zip),
            refreshed: before.is_some(),
            replaces: before.map(|(record, ..)| record.folder).filter(|old| old != folder),
        };
        self.append(vec![Entry::LinkMade { step: step.id.clone(), link: made.clone() }])?;
        Ok(made)
    }

    /// The open link of an earlier run with the same key, with its URL and PIN. `None` also where the journal that has
    /// these is gone: then there is another link.
    fn link_of_key(&self, step: &DeliveryStep, planned: &PlannedLink) -> Option<(LinkRecord, String, Option<String>)> {
        let key = planned.key.as_ref().filter(|key| !key.is_empty())?;
        let now = clock::now();
        let is_it = |link: &LinkRecord| {
            let same_record = link.kind == self.job.kind && link.record == self.job.record;
            same_record
                && link.owner == step.owner
                && link.key.as_ref() == Some(key)
                && link.state(now) == LinkState::Open
        };
        let all = self.workshop.links.all();
        let (hash, record) = all.into_iter().filter(|(_, link)| is_it(link)).max_by_key(|(_, link)| link.made)?;
        // What a client was given stays behind its address.
        if self.job.reprint > 0 || (self.job.kind == Some(Kind::Pictures) && !self.brings_all_of(&record)) {
            return None;
        }
        let made = address_of(&self.workshop.spool, &hash, &record)?;
        Some((record, made.url, made.pin))
    }

    /// Whether everything that lies behind a link comes again. Pictures without a manifest are of one record when they
    /// have one name, and the next card has the same names: whoever has the address must not see another client's.
    fn brings_all_of(&self, link: &LinkRecord) -> bool {
        let Ok(Some(at)) = self.workshop.spool.find(&link.job) else { return false };
        let then = journal::read(&at.folder.join(file::JOURNAL)).unwrap_or_default();
        let (then, now) = (history::originals(&then), history::originals(self.progress()));
        !then.is_empty() && then.is_subset(&now)
    }

    /// The record, by which it opens; twice is once. One that was revoked or renewed meanwhile stays as it is.
    fn publish_link(&self, step: &DeliveryStep, planned: &PlannedLink, made: &MadeLink) -> Result<(), Stop> {
        let Delivery::Link { expires, single_files, show, .. } = &step.delivery else { return Ok(()) };
        let links = &self.workshop.links;
        let known = links.read(&made.hash)?;
        if known.as_ref().is_none_or(|known| known.folder != made.folder) {
            let token = Token::of_url(&made.url);
            let record = LinkRecord {
                link: LINK_VERSION,
                job: self.job.job.clone(),
                step: step.id.clone(),
                kind: self.job.kind,
                record: self.job.record.clone(),
                owner: step.owner.clone(),
                key: planned.key.clone(),
                made: made.made,
                expires: made.expires,
                lasts_s: expires.as_secs(),
                max_downloads: made.max_downloads,
                pin: made.pin.as_ref().zip(token).map(|(pin, token)| token.seal(pin)),
                single_files: *single_files,
                show: *show,
                folder: made.folder.clone(),
                revoked: None,
                renewed_as: None,
            };
            links.write(&made.hash, &record)?;
        }
        if made.refreshed {
            let usage = links.usage(&made.hash)?;
            usage.lock().unwrap_or_else(PoisonError::into_inner).renewed(clock::now())?;
        }
        if let Some(old) = &made.replaces {
            durable::remove_tree(old)?;
        }
        Ok(())
    }
}

fn no_downloads(config: &Config) -> Stop {
    let text = format!(
        "{} has no `downloads` section any more, and this job makes a download link: put it back, or cancel the job",
        config.file.display()
    );
    Stop::Unreachable { place: config.file.clone(), text }
}

impl From<std::io::Error> for Stop {
    /// Of the system's source of randomness.
    fn from(e: std::io::Error) -> Stop {
        Stop::Failure { fate: Fate::Wait, code: "random", text: format!("the system gives no random bytes: {e}") }
    }
}
