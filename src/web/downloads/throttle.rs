//! Wrong guesses of tokens and PINs cost more and more time.
//!
//! Owns: what is kept of them is bounded; somebody who opens a link that is good never waits for what others tried.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Wrong tokens from one place that are answered like any other; then that place waits.
const TOKENS_FREE: u32 = 20;
/// Wrong PINs of one link, in a row.
const PINS_FREE: u32 = 5;
/// The first wait; each further guess doubles it.
const WAIT_FIRST: Duration = Duration::from_mins(1);
/// The longest. A four-digit PIN then takes a year of guessing.
const WAIT_LONGEST: Duration = Duration::from_hours(1);
/// Guesses are forgotten after so long without another.
const FORGET: Duration = Duration::from_hours(24);
/// Places, and links, that are kept at most; the one that was quiet for longest goes.
const KEPT_MAX: usize = 10_000;

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Guesser {
    /// Of tokens.
    Place(IpAddr),
    /// Of the PIN of this link.
    Link(String),
}

#[derive(Debug, Clone, Copy)]
struct Guesses {
    count: u32,
    last: Instant,
    until: Instant,
}

#[derive(Debug, Default)]
pub(super) struct Throttle {
    kept: Mutex<HashMap<Guesser, Guesses>>,
}

impl Throttle {
    /// One more wrong token from there. How long that place waits, if it does: until then it learns nothing.
    pub(super) fn wrong_token(&self, from: IpAddr, now: Instant) -> Option<Duration> {
        self.wrong(Guesser::Place(network(from)), TOKENS_FREE, now)
    }

    /// How long the PIN of this link cannot be tried.
    pub(super) fn pin_wait(&self, hash: &str, now: Instant) -> Option<Duration> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let until = kept.get(&Guesser::Link(hash.to_string()))?.until;
        Some(until.saturating_duration_since(now)).filter(|left| !left.is_zero())
    }

    /// How long the next try must wait, if it must.
    pub(super) fn wrong_pin(&self, hash: &str, now: Instant) -> Option<Duration> {
        self.wrong(Guesser::Link(hash.to_string()), PINS_FREE, now)
    }

    pub(super) fn right_pin(&self, hash: &str) {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).remove(&Guesser::Link(hash.to_string()));
    }

    fn wrong(&self, guesser: Guesser, free: u32, now: Instant) -> Option<Duration> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= KEPT_MAX && !kept.contains_key(&guesser) {
            kept.retain(|_, guesses| now.saturating_duration_since(guesses.last) < FORGET);
            if kept.len() >= KEPT_MAX {
                let quietest = kept.iter().min_by_key(|(_, guesses)| guesses.last).map(|(key, _)| key.clone());
                quietest.and_then(|key| kept.remove(&key));
            }
        }
        let known = kept.entry(guesser).or_insert(Guesses { count: 0, last: now, until: now });
        if now.saturating_duration_since(known.last) >= FORGET {
            known.count = 0;
        }
        // Who goes on while waiting does not wait longer for it: a link's client must get in some day.
        if known.until <= now {
            known.count += 1;
            let over = known.count.saturating_sub(free);
            if over > 0 {
                known.until = now + WAIT_FIRST.saturating_mul(1 << (over - 1).min(16)).min(WAIT_LONGEST);
            }
        }
        known.last = now;
        Some(known.until.saturating_duration_since(now)).filter(|left| !left.is_zero())
    }
}

/// One machine may have a whole /64 of the new addresses to itself.
fn network(from: IpAddr) -> IpAddr {
    match from.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6((address.to_bits() & !u128::from(u64::MAX)).into()),
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_four_digit_pin_takes_a_year() {
        let throttle = Throttle::default();
        let (start, mut now, mut tries, mut before) = (Instant::now(), Instant::now(), 0_u64, Instant::now());
        let year = Duration::from_hours(365 * 24);
        while now.duration_since(start) < year {
            tries += 1;
            before = now;
            now += throttle.wrong_pin("h", now).unwrap_or(Duration::ZERO);
        }
        assert!(tries < 10_000, "{tries}");
        assert!(throttle.pin_wait("h", before).is_some() && throttle.pin_wait("i", now).is_none());
        throttle.right_pin("h");
        assert!(throttle.pin_wait("h", now).is_none() && throttle.wrong_pin("h", now).is_none());
    }

    #[test]
    fn a_place_is_a_network_and_what_is_kept_is_bounded() {
        let (throttle, now) = (Throttle::default(), Instant::now());
        let place = |text: &str| text.parse::<IpAddr>().unwrap();
        for _ in 0..TOKENS_FREE {
            assert_eq!(throttle.wrong_token(place("2001:db8::1"), now), None);
        }
        assert!(throttle.wrong_token(place("2001:db8::ffff"), now).is_some());
        assert!(throttle.wrong_token(place("2001:db8:0:1::1"), now).is_none());
        for number in 0..2 * KEPT_MAX as u32 {
            throttle.wrong_token(IpAddr::V4(number.into()), now + Duration::from_millis(u64::from(number)));
        }
        assert!(throttle.kept.lock().unwrap().len() <= KEPT_MAX);
    }
}
