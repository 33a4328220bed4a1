//! Clients who ask for another link, and how the one stands that they have.
//!
//! Owns: a question is kept from its first time until somebody answers it, by a renewal, a mail or setting it aside; what
//! is said of the link is what is true of it now. A client may ask with an address of long ago.

use std::path::PathBuf;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::{Contents, LinkRecord, LinkState, Links};
use crate::spool::durable::{self, Done};

/// A link has been renewed so often at most, as far as it is followed.
const RENEWALS_FOLLOWED: usize = 100;

/// A client who asks.
#[derive(Debug, Clone, PartialEq)]
pub struct Asking {
    /// Of the address that was asked with.
    pub hash: String,
    pub since: Timestamp,
    /// The client's name, where what lies behind the link has one.
    pub client: Option<String>,
    /// The link as it is now: the one that was asked with, or what it was renewed as.
    pub now_as: String,
    pub record: LinkRecord,
    pub state: LinkState,
}

impl Asking {
    /// What became of the link that the client has, in a sentence.
    pub fn why(&self, zone: &TimeZone) -> String {
        let moment = |at: Timestamp| at.to_zoned(zone.clone()).strftime("%-d %B %Y, %H:%M").to_string();
        match self.state {
            LinkState::Open if self.now_as != self.hash => {
                format!(
                    "The address that they have was renewed; the new one opens until {}.",
                    moment(self.record.expires)
                )
            }
            LinkState::Open => format!("Their link opens until {}.", moment(self.record.expires)),
            LinkState::Expired => format!("Their link has expired on {}.", moment(self.record.expires)),
            LinkState::Revoked => match self.record.revoked {
                Some(at) => format!("Their link was revoked on {}.", moment(at)),
                None => "Their link was revoked.".into(),
            },
            LinkState::UsedUp => "Their link is used up: all of it was downloaded as often as it may be.".into(),
        }
    }
}

impl Links {
    fn asked_path(&self, hash: &str) -> PathBuf {
        self.folder().join(format!("{hash}.asked"))
    }

    /// Somebody asks the studio for another link. Asking once more changes nothing.
    pub fn ask(&self, hash: &str, at: Timestamp) -> Done {
        if self.asked(hash).is_some() {
            return Ok(());
        }
        let asked = serde_json::to_vec(&at).unwrap_or_default();
        durable::replace_private(&self.asked_path(hash), &asked)
    }

    /// Since when somebody asks with this address.
    pub fn asked(&self, hash: &str) -> Option<Timestamp> {
        serde_json::from_slice(&std::fs::read(self.asked_path(hash)).ok()?).ok()
    }

    /// Every address that is asked with, and since when.
    pub fn all_asked(&self) -> Vec<(String, Timestamp)> {
        let names = std::fs::read_dir(self.folder()).into_iter().flatten().flatten();
        let hashes = names.filter_map(|entry| Some(entry.file_name().to_str()?.strip_suffix(".asked")?.to_string()));
        hashes.filter_map(|hash| self.asked(&hash).map(|at| (hash, at))).collect()
    }

    /// The question is answered.
    pub fn answered(&self, hash: &str) -> Done {
        durable::remove_file(&self.asked_path(hash))
    }

    /// So are all that asked for the same, with whatever address of it.
    pub fn answered_for(&self, record: &LinkRecord) -> Done {
        for (hash, _) in self.all_asked() {
            let asked = self.read(&hash).ok().flatten();
            if asked.is_some_and(|asked| asked.job == record.job && asked.step == record.step) {
                self.answered(&hash)?;
            }
        }
        Ok(())
    }

    /// The link that an address leads to now, as far as it was renewed.
    pub fn latest(&self, hash: &str, record: &LinkRecord) -> (String, LinkRecord) {
        let (mut hash, mut record) = (hash.to_string(), record.clone());
        for _ in 0..RENEWALS_FOLLOWED {
            let Some(later) = record.renewed_as.clone() else { break };
            let Ok(Some(renewed)) = self.read(&later) else { break };
            (hash, record) = (later, renewed);
        }
        (hash, record)
    }

    /// What is asked with an address, and how it stands; `None` where there is no such link any more.
    pub fn asking(&self, hash: &str, since: Timestamp, now: Timestamp) -> Option<Asking> {
        let asked = self.read(hash).ok().flatten()?;
        let (now_as, record) = self.latest(hash, &asked);
        let client = Contents::read(&record.folder).ok().and_then(|contents| contents.client);
        let state = self.taken(&now_as, &record, now).state;
        Some(Asking { hash: hash.to_string(), since, client, now_as, record, state })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::delivery::Show;
    use crate::plan::StepId;
    use crate::spool::job::JobId;
    use crate::spool::links::LINK_VERSION;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn a_client_is_told_of_once_and_by_how_the_link_stands_now() {
        let dir = tempfile::tempdir().unwrap();
        let links = Links::of_spool(dir.path());
        let first = LinkRecord {
            link: LINK_VERSION,
            job: JobId::parse("20261120-150405-invoice-1042-7f3a").unwrap(),
            step: StepId("d1".into()),
            kind: None,
            record: "1042".into(),
            owner: "package".into(),
            key: None,
            made: at(0),
            expires: at(100),
            lasts_s: 100,
            max_downloads: None,
            pin: None,
            single_files: true,
            show: Show::Download,
            folder: dir.path().join("none"),
            revoked: None,
            renewed_as: None,
        };
        let (old, new) = ("a".repeat(64), "b".repeat(64));
        links.write(&old, &first).unwrap();
        let why = |now: i64| {
            let (hash, since) = links.all_asked().remove(0);
            links.asking(&hash, since, at(now)).unwrap().why(&TimeZone::UTC)
        };
        links.ask(&old, at(10)).unwrap();
        links.ask(&old, at(20)).unwrap();
        assert_eq!(links.asked(&old), Some(at(10)), "since the first time");
        assert_eq!(why(30), "Their link opens until 1 January 1970, 00:01.");
        assert_eq!(why(100), "Their link has expired on 1 January 1970, 00:01.");
        links.write(&old, &LinkRecord { revoked: Some(at(70)), ..first.clone() }).unwrap();
        assert_eq!(why(80), "Their link was revoked on 1 January 1970, 00:01.");
        // Asked with the address of before: the one that took its place counts.
        let renewed = LinkRecord { expires: at(190), ..first.clone() };
        links.write(&new, &renewed).unwrap();
        links.write(&old, &LinkRecord { revoked: Some(at(70)), renewed_as: Some(new.clone()), ..first }).unwrap();
        assert_eq!(why(80), "The address that they have was renewed; the new one opens until 1 January 1970, 00:03.");
        links.answered_for(&renewed).unwrap();
        assert!(links.all_asked().is_empty());
    }
}
