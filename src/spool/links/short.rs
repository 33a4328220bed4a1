//! Links in short: what was taken through one, how many open, and which of them end soon.
//!
//! Owns: what is told of all links is bounded, however many there are.

use crate::model::counted::counted;
use std::sync::PoisonError;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::{Contents, LinkRecord, LinkState, Links, Set};

/// A link that ends within so long ends soon.
const SOON: SignedDuration = SignedDuration::from_hours(7 * 24);
/// Links that are named.
const NAMED_MAX: usize = 20;

/// What was taken through a link, and how it stands after that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Taken {
    pub state: LinkState,
    pub pictures: usize,
    /// Those that went out whole.
    pub pictures_taken: usize,
    pub downloads: u32,
    pub bytes: u64,
    pub last: Option<Timestamp>,
}

impl Taken {
    /// `38 of 40 pictures`.
    pub fn count(&self) -> String {
        format!("{} of {}", self.pictures_taken, counted(self.pictures, "picture"))
    }

    /// `38 of 40 pictures, yesterday`.
    pub fn told(&self, now: Timestamp, zone: &TimeZone) -> String {
        match self.last {
            None => "nothing taken".into(),
            Some(last) => format!("{}, {}", self.count(), days_ago(last, now, zone)),
        }
    }
}

/// `today`, `yesterday`, `5 days ago`.
pub fn days_ago(at: Timestamp, now: Timestamp, zone: &TimeZone) -> String {
    let day = |at: Timestamp| at.to_zoned(zone.clone()).date();
    match (day(now) - day(at)).get_days() {
        0 => "today".into(),
        1 => "yesterday".into(),
        days => format!("{days} days ago"),
    }
}

/// All links, as `status` has them.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct InShort {
    pub open: usize,
    /// Open ones that end within a week, the next one first.
    pub ending: Vec<Ending>,
    pub ending_more: usize,
}

/// A link that ends soon.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Ending {
    pub record: String,
    pub job: String,
    pub expires: Timestamp,
    pub taken: String,
    pub last: Option<Timestamp>,
}

impl Links {
    pub fn taken(&self, hash: &str, record: &LinkRecord, now: Timestamp) -> Taken {
        let contents = Contents::read(&record.folder).ok();
        let used = self.usage(hash).map(|usage| usage.lock().unwrap_or_else(PoisonError::into_inner).used().clone());
        let used = used.unwrap_or_default();
        Taken {
            state: record.state_after(now, &used, contents.as_ref().map_or(0, |contents| contents.files.len())),
            pictures: contents.as_ref().map_or(0, |contents| contents.pictures().len()),
            pictures_taken: contents.as_ref().map_or(0, |contents| used.pictures_taken(contents)),
            downloads: used.downloads(),
            bytes: used.bytes,
            last: used.last,
        }
    }

    /// Reads all of them: not for a thread that others wait for.
    pub fn in_short(&self, now: Timestamp) -> InShort {
        let mut open = self.all();
        open.retain(|(hash, record)| self.opens(hash, record, now));
        let count = open.len();
        open.retain(|(_, record)| record.expires <= now + SOON);
        open.sort_by_key(|(_, record)| record.expires);
        let ending = |(hash, record): &(String, LinkRecord)| {
            let taken = self.taken(hash, record, now);
            Ending {
                record: record.record.clone(),
                job: record.job.to_string(),
                expires: record.expires,
                taken: taken.count(),
                last: taken.last,
            }
        };
        InShort {
            open: count,
            ending: open.iter().take(NAMED_MAX).map(ending).collect(),
            ending_more: open.len().saturating_sub(NAMED_MAX),
        }
    }

    /// For [`looked`](Links::looked).
    pub fn look(&self, now: Timestamp) {
        let short = self.in_short(now);
        *self.looked.lock().unwrap_or_else(PoisonError::into_inner) = short;
    }

    /// What the last look has found; nothing before the first.
    pub fn looked(&self) -> InShort {
        self.looked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What lies behind a link is read only where it may be used up: it is long.
    fn opens(&self, hash: &str, record: &LinkRecord, now: Timestamp) -> bool {
        if record.state(now) != LinkState::Open {
            return false;
        }
        let Some(max) = record.max_downloads else { return true };
        let whole_sets =
            self.usage(hash).map(|usage| usage.lock().unwrap_or_else(PoisonError::into_inner).used().of(Set::All));
        whole_sets.is_ok_and(|taken| taken < max) || self.taken(hash, record, now).state == LinkState::Open
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::model::delivery::Show;
    use crate::plan::StepId;
    use crate::spool::job::JobId;
    use crate::spool::links::LINK_VERSION;

    fn record(number: i64, expires_s: i64) -> LinkRecord {
        LinkRecord {
            link: LINK_VERSION,
            job: JobId::parse(&format!("20261120-150405-invoice-{number}-7f3a")).unwrap(),
            step: StepId("d1".into()),
            kind: None,
            record: number.to_string(),
            owner: "web".into(),
            key: None,
            made: Timestamp::UNIX_EPOCH,
            expires: Timestamp::from_second(expires_s).unwrap(),
            lasts_s: 60,
            max_downloads: None,
            pin: None,
            single_files: true,
            show: Show::Download,
            folder: "/nowhere".into(),
            revoked: None,
            renewed_as: None,
        }
    }

    #[test]
    fn what_lies_behind_a_link_is_found_where_the_studio_was_moved_to() {
        let dir = tempfile::tempdir().unwrap();
        let (links, downloads) = (Links::of_spool(&dir.path().join("spool")), dir.path().join("downloads"));
        crate::spool::durable::make_folders(dir.path(), &dir.path().join("spool")).unwrap();
        crate::spool::durable::make_folders(dir.path(), &downloads.join("job-d1")).unwrap();
        let (moved, gone) = ("ab".repeat(32), "cd".repeat(32));
        let folder = |hash: &str| links.read(hash).unwrap().unwrap().folder;
        links.write(&moved, &LinkRecord { folder: "/old disk/downloads/job-d1".into(), ..record(1, 100) }).unwrap();
        links.write(&gone, &LinkRecord { folder: "/old disk/downloads/job-d2".into(), ..record(2, 100) }).unwrap();
        links.follow(&downloads).unwrap();
        assert_eq!(folder(&moved), downloads.join("job-d1"));
        assert_eq!(folder(&gone), Path::new("/old disk/downloads/job-d2"));
    }

    #[test]
    fn open_links_are_counted_and_those_that_end_within_a_week_are_named_up_to_a_bound() {
        const WEEK_S: i64 = 7 * 86_400;
        let dir = tempfile::tempdir().unwrap();
        let links = Links::of_spool(dir.path());
        let now = Timestamp::from_second(100).unwrap();
        let all = [
            record(1, 100),
            record(2, 100 + WEEK_S),
            record(3, 101 + WEEK_S),
            record(4, 101),
            LinkRecord { revoked: Some(now), ..record(5, 500) },
            // Looked at only, it has no end but its day.
            LinkRecord { max_downloads: Some(0), show: Show::View, ..record(6, 102 + WEEK_S) },
            LinkRecord { max_downloads: Some(0), ..record(7, 500) },
        ];
        for (number, record) in all.iter().enumerate() {
            links.write(&format!("{number:064x}"), record).unwrap();
        }
        let short = links.in_short(now);
        let named: Vec<&str> = short.ending.iter().map(|ending| ending.record.as_str()).collect();
        assert_eq!((short.open, named, short.ending_more), (4, vec!["4", "2"], 0));
        assert_eq!((short.ending[0].taken.as_str(), short.ending[0].last), ("0 of 0 pictures", None));
        for number in 100..120 {
            links.write(&format!("{number:064x}"), &record(number, 200)).unwrap();
        }
        let short = links.in_short(now);
        assert_eq!((short.open, short.ending.len(), short.ending_more), (24, NAMED_MAX, 2));
    }

    #[test]
    fn it_is_told_by_the_days_of_the_studio() {
        let zone = TimeZone::get("America/Chicago").unwrap();
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let taken =
            |last| Taken { state: LinkState::Open, pictures: 40, pictures_taken: 38, downloads: 1, bytes: 9, last };
        let told = |last: Option<&str>| taken(last.map(at)).told(at("2026-11-20T12:00:00Z"), &zone);
        assert_eq!(told(None), "nothing taken");
        assert_eq!(told(Some("2026-11-20T06:00:00Z")), "38 of 40 pictures, today");
        assert_eq!(told(Some("2026-11-20T05:59:00Z")), "38 of 40 pictures, yesterday");
        assert_eq!(told(Some("2026-11-10T12:00:00Z")), "38 of 40 pictures, 10 days ago");
    }
}
