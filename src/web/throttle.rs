//! Tries that cost more and more time: of passwords, of PINs, of addresses.
//!
//! Owns: a try is counted before it is looked at, so that many at once get no further than one after the other; what is
//! kept of them is bounded.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Keys that are kept at most; the one that was quiet for longest goes.
const KEPT_MAX: usize = 10_000;

/// How many wrong tries are free, and what the others cost.
#[derive(Debug)]
pub(super) struct Limits {
    pub(super) free: u32,
    /// The wait after the last free one; each further try doubles it.
    pub(super) first: Duration,
    pub(super) longest: Duration,
    /// Tries are forgotten after so long without another.
    pub(super) forget: Duration,
}

/// What tries are counted by.
pub(super) trait Counted: Clone + Eq + Hash {
    fn limits(&self) -> &'static Limits;
}

#[derive(Debug, Clone, Copy)]
struct Tries {
    count: u32,
    last: Instant,
    until: Instant,
}

#[derive(Debug)]
pub(super) struct Throttle<K> {
    kept: Mutex<HashMap<K, Tries>>,
}

impl<K> Default for Throttle<K> {
    fn default() -> Throttle<K> {
        Throttle { kept: Mutex::default() }
    }
}

impl<K: Counted> Throttle<K> {
    fn kept(&self) -> MutexGuard<'_, HashMap<K, Tries>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts one more try under each of the keys, as a wrong one. Where one of them has to wait, nothing is counted and
    /// nothing may be looked at: the error is how long.
    pub(super) fn begin(&self, keys: &[K], now: Instant) -> Result<(), Duration> {
        let mut kept = self.kept();
        if let Some(longest) = keys.iter().filter_map(|key| wait(&kept, key, now)).max() {
            return Err(longest);
        }
        for key in keys {
            count(&mut kept, key, now);
        }
        Ok(())
    }

    /// How long the next try under this key has to wait, if it has to.
    pub(super) fn wait(&self, key: &K, now: Instant) -> Option<Duration> {
        wait(&self.kept(), key, now)
    }

    /// The try was a right one: it alone is counted no more.
    pub(super) fn take_back(&self, key: &K, now: Instant) {
        if let Some(tries) = self.kept().get_mut(key) {
            tries.count = tries.count.saturating_sub(1);
            tries.until = now;
        }
    }

    /// All that were wrong before are counted no more.
    pub(super) fn forgive(&self, key: &K) {
        self.kept().remove(key);
    }
}

fn wait<K: Counted>(kept: &HashMap<K, Tries>, key: &K, now: Instant) -> Option<Duration> {
    kept.get(key).map(|tries| tries.until.saturating_duration_since(now)).filter(|left| !left.is_zero())
}

fn count<K: Counted>(kept: &mut HashMap<K, Tries>, key: &K, now: Instant) {
    let is_old = |key: &K, tries: &Tries| now.saturating_duration_since(tries.last) >= key.limits().forget;
    if kept.len() >= KEPT_MAX && !kept.contains_key(key) {
        kept.retain(|key, tries| !is_old(key, tries));
        if kept.len() >= KEPT_MAX
            && let Some(quietest) = kept.iter().min_by_key(|(_, tries)| tries.last).map(|(key, _)| key.clone())
        {
            kept.remove(&quietest);
        }
    }
    let limits = key.limits();
    let tries = kept.entry(key.clone()).or_insert(Tries { count: 0, last: now, until: now });
    if is_old(key, tries) {
        tries.count = 0;
    }
    tries.count += 1;
    tries.last = now;
    if let Some(over) = tries.count.checked_sub(limits.free) {
        tries.until = now + limits.first.saturating_mul(1 << over.min(16)).min(limits.longest);
    }
}

/// What is counted as one place: one machine may have a whole /64 of the IPv6 addresses to itself.
pub(super) fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6((address.to_bits() & !u128::from(u64::MAX)).into()),
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);
    static LIMITS: Limits =
        Limits { free: 3, first: SECOND, longest: Duration::from_secs(3), forget: Duration::from_secs(100) };

    impl Counted for u32 {
        fn limits(&self) -> &'static Limits {
            &LIMITS
        }
    }

    #[test]
    fn waits_begin_after_the_free_tries_grow_and_are_forgotten() {
        let (throttle, start) = (Throttle::default(), Instant::now());
        for _ in 0..3 {
            assert_eq!(throttle.begin(&[1], start), Ok(()));
        }
        assert_eq!(throttle.begin(&[1], start), Err(SECOND), "the one after the free ones is not looked at");
        assert_eq!(throttle.begin(&[2, 1], start), Err(SECOND));
        assert_eq!((throttle.wait(&1, start), throttle.wait(&2, start)), (Some(SECOND), None));
        let mut now = start;
        for expected in [1, 2, 3, 3] {
            assert_eq!(throttle.wait(&1, now), Some(SECOND * expected));
            now += SECOND * expected;
            assert_eq!(throttle.begin(&[1], now), Ok(()));
        }
        assert_eq!(throttle.begin(&[1], now + LIMITS.forget), Ok(()));
        assert_eq!(throttle.wait(&1, now + LIMITS.forget), None);
        throttle.forgive(&1);
        assert_eq!(throttle.wait(&1, now), None);
    }

    #[test]
    fn a_right_try_takes_back_itself_alone() {
        let (throttle, now) = (Throttle::default(), Instant::now());
        for _ in 0..2 {
            throttle.begin(&[1], now).unwrap();
        }
        for _ in 0..5 {
            throttle.begin(&[1], now).unwrap();
            throttle.take_back(&1, now);
        }
        throttle.begin(&[1], now).unwrap();
        assert_eq!(throttle.begin(&[1], now), Err(SECOND));
    }

    #[test]
    fn what_is_kept_is_bounded_and_the_quietest_goes() {
        let (throttle, start) = (Throttle::default(), Instant::now());
        for number in 0..=KEPT_MAX as u32 {
            throttle.begin(&[number], start + Duration::from_micros(number.into())).unwrap();
        }
        let kept = throttle.kept();
        assert_eq!(kept.len(), KEPT_MAX);
        assert!(!kept.contains_key(&0) && kept.contains_key(&1));
    }

    #[test]
    fn a_place_is_a_network() {
        let of = |text: &str| network(text.parse().unwrap());
        assert_eq!(of("2001:db8::1"), of("2001:db8::ffff:1"));
        assert_ne!(of("2001:db8::1"), of("2001:db8:0:1::1"));
        assert_eq!(of("::ffff:10.0.0.1"), of("10.0.0.1"));
        assert_ne!(of("10.0.0.1"), of("10.0.0.2"));
    }
}
