//! Wrong guesses of tokens and PINs cost more and more time.
//!
//! Owns: somebody who opens a link that is good never waits for what others tried, unless so many networks guess its PIN
//! that four digits would not last; who knew it before does not even wait then.

use std::collections::HashSet;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::web::throttle::{self, Counted, Limits, network};

const DAY: Duration = Duration::from_hours(24);
/// Longer than the longest wait: whoever waits it out is known still.
const FORGET: Duration = Duration::from_hours(30 * 24);
/// Tokens from one network: 20 wrong ones are answered like any other.
static OF_PLACE: Limits =
    Limits { free: 20, first: Duration::from_mins(1), longest: Duration::from_hours(1), forget: DAY };
/// PINs of one link from one network: five, eleven more within 34 hours, then one a day. That is 44 of ten thousand in
/// the 30 days that a link is open unless its delivery says otherwise.
static OF_PIN: Limits = Limits { free: 5, first: Duration::from_mins(1), longest: DAY, forget: FORGET };
/// PINs of one link from all networks that have not known it yet: a hundred, then two a day, 160 of ten thousand in 30 days.
/// A single network never gets so far.
static OF_LINK: Limits =
    Limits { free: 100, first: Duration::from_hours(12), longest: Duration::from_hours(12), forget: FORGET };
/// Networks that knew the PIN of a link and are remembered.
const KNOWN_MAX: usize = 10_000;

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum By {
    Place(IpAddr),
    Pin(String, IpAddr),
    Link(String),
}

impl Counted for By {
    fn limits(&self) -> &'static Limits {
        match self {
            By::Place(_) => &OF_PLACE,
            By::Pin(..) => &OF_PIN,
            By::Link(_) => &OF_LINK,
        }
    }
}

#[derive(Debug, Default)]
pub(super) struct Throttle {
    tries: throttle::Throttle<By>,
    /// The link's hash, and from where somebody knew its PIN.
    known: Mutex<HashSet<(String, IpAddr)>>,
}

/// A PIN that is looked at.
#[derive(Debug)]
pub(super) struct Try {
    pin: By,
    /// Where it is counted too.
    link: Option<By>,
    of: (String, IpAddr),
}

impl Throttle {
    /// One more wrong token from there. How long that place waits, if it does: until then it learns nothing.
    pub(super) fn wrong_token(&self, from: IpAddr, now: Instant) -> Option<Duration> {
        self.tries.begin(&[By::Place(network(from))], now).err()
    }

    /// A PIN of this link is tried from there; the error is how long it has to wait.
    pub(super) fn begin_pin(&self, hash: &str, from: IpAddr, now: Instant) -> Result<Try, Duration> {
        let of = (hash.to_string(), network(from));
        let is_known = self.known.lock().unwrap_or_else(PoisonError::into_inner).contains(&of);
        let pin = By::Pin(of.0.clone(), of.1);
        let link = (!is_known).then(|| By::Link(of.0.clone()));
        let keys: Vec<By> = [Some(pin.clone()), link.clone()].into_iter().flatten().collect();
        self.tries.begin(&keys, now).map(|()| Try { pin, link, of })
    }

    /// It was a wrong one: how long the next has to wait, if it has to.
    pub(super) fn wait_after(&self, tried: &Try, now: Instant) -> Option<Duration> {
        let waits = [Some(&tried.pin), tried.link.as_ref()].into_iter().flatten();
        waits.filter_map(|key| self.tries.wait(key, now)).max()
    }

    pub(super) fn right_pin(&self, tried: Try, now: Instant) {
        self.tries.forgive(&tried.pin);
        if let Some(link) = &tried.link {
            self.tries.take_back(link, now);
        }
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= KNOWN_MAX {
            known.clear();
        }
        known.insert(tried.of);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MONTH: Duration = Duration::from_hours(30 * 24);

    fn place(number: u32) -> IpAddr {
        IpAddr::V4(number.into())
    }

    /// Guesses that are compared within 30 days by this many networks, which try whenever they may.
    fn guesses(networks: u32) -> u32 {
        let (throttle, start) = (Throttle::default(), Instant::now());
        let (mut compared, mut after) = (0, Duration::ZERO);
        while after < MONTH {
            for number in 0..networks {
                while throttle.begin_pin("h", place(number), start + after).is_ok() {
                    compared += 1;
                }
            }
            after += Duration::from_mins(10);
        }
        compared
    }

    #[test]
    fn a_month_of_guessing_leaves_a_four_digit_pin_unknown() {
        let (one, many) = (guesses(1), guesses(40));
        assert!((40..=50).contains(&one), "{one} of ten thousand");
        assert!((150..=165).contains(&many), "{many} of ten thousand");
    }

    #[test]
    fn a_stranger_with_the_address_does_not_keep_its_client_out() {
        let (throttle, start) = (Throttle::default(), Instant::now());
        let mut after = Duration::ZERO;
        while after < MONTH {
            let _ = throttle.begin_pin("h", place(1), start + after);
            after += Duration::from_mins(10);
        }
        let now = start + after;
        assert!(throttle.begin_pin("h", place(1), now).is_err());
        let client = throttle.begin_pin("h", place(2), now).unwrap();
        assert_eq!(throttle.wait_after(&client, now), None);
        throttle.right_pin(client, now);
        // Even when the whole world guesses, whoever knew it comes in.
        for number in 10..200 {
            let _ = throttle.begin_pin("h", place(number), now);
        }
        assert!(throttle.begin_pin("h", place(3), now).is_err());
        assert!(throttle.begin_pin("h", place(2), now).is_ok());
        assert!(throttle.begin_pin("i", place(3), now).is_ok(), "another link");
    }

    #[test]
    fn the_sixth_pin_is_not_compared() {
        let (throttle, now) = (Throttle::default(), Instant::now());
        for left in (0..5).rev() {
            let tried = throttle.begin_pin("h", place(1), now).unwrap();
            assert_eq!(throttle.wait_after(&tried, now).is_some(), left == 0);
        }
        assert_eq!(throttle.begin_pin("h", place(1), now).unwrap_err(), Duration::from_mins(1));
    }

    #[test]
    fn twenty_wrong_tokens_of_a_network_are_answered() {
        let (throttle, now) = (Throttle::default(), Instant::now());
        let from = |text: &str| throttle.wrong_token(text.parse().unwrap(), now);
        for _ in 0..20 {
            assert_eq!(from("2001:db8::1"), None);
        }
        assert!(from("2001:db8::ffff").is_some());
        assert!(from("2001:db8:0:1::1").is_none());
    }
}
