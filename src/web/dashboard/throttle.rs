//! Wrong passwords cost time: for whoever sends them, and for the name that is tried.
//!
//! Owns: what is kept is bounded; a right password in time clears both.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// So many wrong ones are free.
const FREE: u32 = 5;
/// The first wait; each further failure doubles it.
const WAIT_FIRST: Duration = Duration::from_secs(2);
/// A source waits at most so long.
const WAIT_SOURCE: Duration = Duration::from_mins(15);
/// A name waits less: somebody who tries it from elsewhere must not lock its owner out for long.
const WAIT_USER: Duration = Duration::from_mins(1);
/// Failures are forgotten after so long without another.
const FORGET: Duration = Duration::from_mins(30);
/// Sources, and names, that are kept at most.
const KEPT_MAX: usize = 10_000;

#[derive(Debug, Clone, Copy)]
struct Failures {
    count: u32,
    last: Instant,
    until: Instant,
}

#[derive(Debug, Default)]
struct Kept {
    sources: HashMap<IpAddr, Failures>,
    users: HashMap<String, Failures>,
}

#[derive(Debug, Default)]
pub(super) struct Throttle {
    kept: Mutex<Kept>,
}

impl Throttle {
    /// How long this source must wait before it may try this name; `None` when it may now.
    pub(super) fn wait(&self, source: IpAddr, user: &str, now: Instant) -> Option<Duration> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let left = |failures: Option<&Failures>| failures.map(|f| f.until.saturating_duration_since(now));
        let longest = left(kept.sources.get(&network(source))).max(left(kept.users.get(&short(user))));
        longest.filter(|left| !left.is_zero())
    }

    pub(super) fn failed(&self, source: IpAddr, user: &str, now: Instant) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        count(&mut kept.sources, network(source), WAIT_SOURCE, now);
        count(&mut kept.users, short(user), WAIT_USER, now);
    }

    pub(super) fn came_in(&self, source: IpAddr, user: &str) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.sources.remove(&network(source));
        kept.users.remove(&short(user));
    }
}

/// Nobody has a longer name; what is kept of one is bounded.
fn short(user: &str) -> String {
    user.chars().take(100).collect()
}

/// One machine may have a whole /64 of the new addresses to itself.
fn network(source: IpAddr) -> IpAddr {
    match source.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6((address.to_bits() & !u128::from(u64::MAX)).into()),
        v4 @ IpAddr::V4(_) => v4,
    }
}

fn count<K: Hash + Eq + Clone>(kept: &mut HashMap<K, Failures>, key: K, most: Duration, now: Instant) {
    if kept.len() >= KEPT_MAX && !kept.contains_key(&key) {
        kept.retain(|_, failures| now.saturating_duration_since(failures.last) < FORGET);
        if kept.len() >= KEPT_MAX
            && let Some(oldest) = kept.iter().min_by_key(|(_, failures)| failures.last).map(|(key, _)| key.clone())
        {
            kept.remove(&oldest);
        }
    }
    let failures = kept.entry(key).or_insert(Failures { count: 0, last: now, until: now });
    if now.saturating_duration_since(failures.last) >= FORGET {
        failures.count = 0;
    }
    failures.count += 1;
    failures.last = now;
    if failures.count >= FREE {
        let doublings = (failures.count - FREE).min(16);
        failures.until = now + (WAIT_FIRST * 2_u32.pow(doublings)).min(most);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_end_and_are_forgotten() {
        let (throttle, start) = (Throttle::default(), Instant::now());
        let (here, there) = (IpAddr::from([10, 0, 0, 1]), IpAddr::from([10, 0, 0, 2]));
        for _ in 1..FREE {
            throttle.failed(here, "anna", start);
            assert_eq!(throttle.wait(here, "anna", start), None);
        }
        throttle.failed(here, "anna", start);
        assert_eq!(throttle.wait(here, "anna", start), Some(WAIT_FIRST));
        assert_eq!(throttle.wait(here, "bert", start), Some(WAIT_FIRST), "the source waits, whatever name it tries");
        assert_eq!(throttle.wait(there, "anna", start), Some(WAIT_FIRST), "the name waits, wherever it is tried");
        assert_eq!(throttle.wait(there, "bert", start), None);
        assert_eq!(throttle.wait(here, "anna", start + WAIT_FIRST), None);
        for _ in 0..30 {
            throttle.failed(here, "anna", start);
        }
        assert_eq!(throttle.wait(there, "anna", start), Some(WAIT_USER));
        assert_eq!(throttle.wait(here, "anna", start), Some(WAIT_SOURCE));
        throttle.failed(here, "anna", start + FORGET);
        assert_eq!(throttle.wait(here, "anna", start + FORGET), None);
        throttle.came_in(here, "anna");
        assert_eq!(throttle.wait(here, "anna", start), None);
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let (throttle, start) = (Throttle::default(), Instant::now());
        for number in 0..=KEPT_MAX as u32 {
            throttle.failed(
                IpAddr::V4(number.into()),
                &number.to_string(),
                start + Duration::from_millis(number.into()),
            );
        }
        let kept = throttle.kept.lock().unwrap();
        assert_eq!((kept.sources.len(), kept.users.len()), (KEPT_MAX, KEPT_MAX));
        assert!(!kept.users.contains_key("0"), "the oldest went");
    }
}
