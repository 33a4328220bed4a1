//! Jobs that wait: for their turn, for their hour, for a place that is not as it should be.
//!
//! Owns: jobs of one record go in the order in which they came, one at a time; of the jobs that wait for a place one at a
//! time tries, and when it comes through all of them are free.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde::Serialize;

use crate::clock;
use crate::model::manifest::Kind;
use crate::spool::job::{JobFile, JobId};
use crate::spool::queue::Located;

/// A place is tried again after this long, doubled each time up to the most.
pub(super) const BACKOFF_FIRST: Duration = Duration::from_secs(5);
const BACKOFF_MOST: Duration = Duration::from_mins(5);

pub(super) type Record = (Option<Kind>, String);

/// A job that waits for its turn.
#[derive(Debug, Clone)]
pub(super) struct Waiting {
    pub(super) located: Located,
    pub(super) priority: i32,
    pub(super) not_before: Option<Timestamp>,
    pub(super) accepted: (Timestamp, u64),
    /// When its turn could have come at the earliest, for all that it says itself.
    pub(super) since: Timestamp,
    pub(super) record: Record,
    /// What it waits for, and when it last tried.
    pub(super) place: Option<(PathBuf, Instant)>,
    pub(super) why: Option<String>,
    /// Ours to look at: it stays where it is until the next start.
    pub(super) halted: bool,
}

impl Waiting {
    pub(super) fn new(job: JobFile, located: Located) -> Waiting {
        Waiting {
            priority: job.priority,
            not_before: job.not_before,
            // What takes orders back does not queue behind them.
            accepted: (if job.cancels { Timestamp::MIN } else { job.accepted }, job.sequence),
            since: [job.queued_again, job.not_before].into_iter().flatten().fold(job.accepted, Ord::max),
            record: (job.kind, job.record),
            place: None,
            why: None,
            halted: false,
            located,
        }
    }
}

/// A place that jobs wait for.
#[derive(Debug)]
struct Place {
    why: String,
    since: Timestamp,
    retry_at: Instant,
    backoff: Duration,
    /// The job that tries now.
    prober: Option<JobId>,
}

/// For `status`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct PlaceState {
    pub(super) place: PathBuf,
    pub(super) why: String,
    pub(super) since: Timestamp,
    pub(super) jobs: usize,
}

#[derive(Debug, Default)]
pub(super) struct Queue {
    pub(super) jobs: BTreeMap<JobId, Waiting>,
    places: BTreeMap<PathBuf, Place>,
}

impl Queue {
    pub(super) fn forget(&mut self, id: &JobId) {
        self.jobs.remove(id);
    }

    /// The next job: due, its record free, the highest priority, then the oldest. It is taken out; what it tries is tried
    /// by nobody else meanwhile.
    pub(super) fn take_next(&mut self, busy: &HashSet<&Record>, now: Timestamp, instant: Instant) -> Option<Waiting> {
        let awaited: HashSet<&Path> =
            self.jobs.values().filter_map(|job| Some(job.place.as_ref()?.0.as_path())).collect();
        self.places.retain(|place, known| known.prober.is_some() || awaited.contains(place.as_path()));
        let may_try = |job: &Waiting| {
            let Some((place, _)) = &job.place else { return true };
            self.places.get(place).is_none_or(|place| place.prober.is_none() && place.retry_at <= instant)
        };
        let has_come = |job: &&Waiting| !job.halted && job.not_before.is_none_or(|at| at <= now);
        // An earlier job of the record goes first, also while it waits for the world; not while it waits for its hour.
        let mut first: HashMap<&Record, (Timestamp, u64)> = HashMap::new();
        for job in self.jobs.values().filter(has_come) {
            let earliest = first.entry(&job.record).or_insert(job.accepted);
            *earliest = (*earliest).min(job.accepted);
        }
        let id = self
            .jobs
            .values()
            .filter(|job| has_come(job) && may_try(job) && !busy.contains(&job.record))
            .filter(|job| first.get(&job.record).is_none_or(|at| *at >= job.accepted))
            // Of those that wait for a place each gets its turn to try: what is too large for one may do for another.
            .min_by_key(|job| {
                (job.place.as_ref().map(|(_, tried)| *tried), std::cmp::Reverse(job.priority), job.accepted)
            })
            .map(|job| job.located.id.clone())?;
        let job = self.jobs.remove(&id)?;
        if let Some((place, _)) = &job.place
            && let Some(known) = self.places.get_mut(place)
        {
            known.prober = Some(id);
        }
        Some(job)
    }

    /// A job could not go on because of a place. Says whether that is news.
    pub(super) fn wait_for(
        &mut self,
        mut job: Waiting,
        place: PathBuf,
        why: String,
        now: Timestamp,
        instant: Instant,
    ) -> bool {
        self.came_through(&job, Some(&place));
        let known = self.places.get_mut(&place);
        let is_news = known.as_ref().is_none_or(|known| known.why != why);
        if let Some(known) = known {
            // Jobs that had started before they could know do not make the wait longer.
            if known.prober.as_ref() == Some(&job.located.id) {
                known.backoff = (known.backoff * 2).min(BACKOFF_MOST);
                known.retry_at = instant + known.backoff;
                known.prober = None;
            }
            known.why.clone_from(&why);
        } else {
            let backoff = clock::wait(BACKOFF_FIRST, clock::RETRY);
            let retry_at = instant + backoff;
            let known = Place { why: why.clone(), since: now, retry_at, backoff, prober: None };
            self.places.insert(place.clone(), known);
        }
        job.place = Some((place, instant));
        job.why = Some(why);
        self.jobs.insert(job.located.id.clone(), job);
        is_news
    }

    /// A job ended, or waits for something else (`but`): the place that it tried is as it should be again, and all that
    /// waited for it are free. Names it.
    pub(super) fn came_through(&mut self, job: &Waiting, but: Option<&Path>) -> Option<PathBuf> {
        let place = self.places.iter().find(|(_, known)| known.prober.as_ref() == Some(&job.located.id));
        let place = place.map(|(place, _)| place.clone()).filter(|place| Some(place.as_path()) != but)?;
        self.places.remove(&place);
        for job in self.jobs.values_mut().filter(|job| job.place.as_ref().is_some_and(|(other, _)| *other == place)) {
            job.place = None;
            job.why = None;
        }
        Some(place)
    }

    /// A job stopped before it could tell anything of the place that it tried.
    pub(super) fn told_nothing(&mut self, id: &JobId) {
        for place in self.places.values_mut().filter(|place| place.prober.as_ref() == Some(id)) {
            place.prober = None;
        }
    }

    pub(super) fn places(&self) -> Vec<PlaceState> {
        let jobs =
            |place: &Path| self.jobs.values().filter(|job| job.place.as_ref().is_some_and(|(p, _)| p == place)).count();
        let state = |(place, known): (&PathBuf, &Place)| PlaceState {
            place: place.clone(),
            why: known.why.clone(),
            since: known.since,
            jobs: jobs(place) + usize::from(known.prober.is_some()),
        };
        self.places.iter().map(state).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spool::queue::State;

    fn job(id: &str) -> Waiting {
        let id = JobId::parse(id).unwrap();
        Waiting {
            located: Located { folder: id.as_str().into(), state: State::Pending, id: id.clone() },
            priority: 0,
            not_before: None,
            since: Timestamp::UNIX_EPOCH,
            accepted: (Timestamp::UNIX_EPOCH, u64::from(id.as_str().as_bytes()[0])),
            record: (Some(Kind::Session), id.to_string()),
            place: None,
            why: None,
            halted: false,
        }
    }

    #[test]
    fn one_job_tries_a_place_and_when_it_comes_through_all_are_free() {
        let (mut queue, start, now) = (Queue::default(), Instant::now(), Timestamp::UNIX_EPOCH);
        let nas = PathBuf::from("/nas");
        for id in ["a", "b", "c"] {
            let news = queue.wait_for(job(id), nas.clone(), "gone".into(), now, start);
            assert_eq!(news, id == "a");
        }
        queue.jobs.insert(job("d").located.id, job("d"));
        let take = |queue: &mut Queue, after_s| {
            let taken = queue.take_next(&HashSet::new(), now, start + Duration::from_secs(after_s));
            taken.map(|job| job.located.id.to_string())
        };
        assert_eq!(take(&mut queue, 0).as_deref(), Some("d"), "the others go on");
        assert_eq!(take(&mut queue, 1), None);
        assert_eq!(take(&mut queue, 5).as_deref(), Some("a"));
        assert_eq!(take(&mut queue, 5), None, "one at a time");
        assert!(!queue.wait_for(job("a"), nas.clone(), "gone".into(), now, start + Duration::from_secs(6)));
        assert_eq!(take(&mut queue, 10), None, "twice as long");
        assert_eq!(take(&mut queue, 16).as_deref(), Some("b"), "each gets its turn");
        assert_eq!((queue.places()[0].jobs, queue.places()[0].why.as_str()), (3, "gone"));
        assert_eq!(queue.came_through(&job("b"), None), Some(nas));
        assert_eq!(take(&mut queue, 16).as_deref(), Some("a"));
        assert_eq!(take(&mut queue, 16).as_deref(), Some("c"));
        assert!(queue.places().is_empty());
    }

    #[test]
    fn who_waits_for_another_place_has_come_through_the_first() {
        let (mut queue, start, now) = (Queue::default(), Instant::now(), Timestamp::UNIX_EPOCH);
        queue.wait_for(job("a"), "/nas".into(), "gone".into(), now, start);
        queue.wait_for(job("b"), "/nas".into(), "gone".into(), now, start);
        let later = start + Duration::from_secs(5);
        let prober = queue.take_next(&HashSet::new(), now, later).unwrap();
        queue.wait_for(prober, "/full".into(), "full".into(), now, later);
        assert_eq!(queue.take_next(&HashSet::new(), now, later).unwrap().located.id.as_str(), "b");
        let places = queue.places();
        assert_eq!(places.iter().map(|p| p.place.as_path()).collect::<Vec<_>>(), [Path::new("/full")]);
    }
}
