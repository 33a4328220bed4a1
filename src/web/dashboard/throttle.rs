//! Wrong passwords cost time: for whoever sends them, and no more than that for the owner of the name that is tried.
//!
//! Owns: nobody keeps somebody else out by guessing. What a stranger tries is counted by their network; only where so
//! many networks try that it makes a difference do all newcomers wait, and a browser that was logged in before does not.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use crate::web::throttle::{self, Counted, Limits, network};

const FORGET: Duration = Duration::from_mins(30);
/// One name from one network.
static OF_NAME: Limits =
    Limits { free: 5, first: Duration::from_secs(2), longest: Duration::from_mins(15), forget: FORGET };
/// All names from one network: several people may sit behind one address.
static OF_NETWORK: Limits =
    Limits { free: 20, first: Duration::from_secs(2), longest: Duration::from_mins(15), forget: FORGET };
/// All networks together: from then on one try in 30 seconds, 2,880 a day, however many machines guess.
static OF_ALL: Limits =
    Limits { free: 100, first: Duration::from_secs(30), longest: Duration::from_secs(30), forget: FORGET };

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum By {
    Name(String, IpAddr),
    Network(IpAddr),
    All,
    /// One that was logged in before, for the same name.
    Browser(String),
}

impl Counted for By {
    fn limits(&self) -> &'static Limits {
        match self {
            By::Name(..) | By::Browser(_) => &OF_NAME,
            By::Network(_) => &OF_NETWORK,
            By::All => &OF_ALL,
        }
    }
}

/// A login that is looked at.
#[derive(Debug)]
pub(super) struct Try(Vec<By>);

#[derive(Debug, Default)]
pub(super) struct Throttle(throttle::Throttle<By>);

impl Throttle {
    /// A login as `name` from there; the error is how long it has to wait. `browser` is that of one who was logged in
    /// under this name before.
    pub(super) fn begin(
        &self,
        source: IpAddr,
        name: &str,
        browser: Option<&str>,
        now: Instant,
    ) -> Result<Try, Duration> {
        let network = network(source);
        let keys = match browser {
            Some(browser) => vec![By::Browser(browser.to_string())],
            None => vec![By::Name(short(name), network), By::Network(network), By::All],
        };
        self.0.begin(&keys, now).map(|()| Try(keys))
    }

    /// It was the right password.
    pub(super) fn was_right(&self, login: &Try, now: Instant) {
        for key in &login.0 {
            match key {
                By::Name(..) | By::Browser(_) => self.0.forgive(key),
                // Whoever has a password of their own must not be able to wipe out what they guess of others.
                By::Network(_) | By::All => self.0.take_back(key, now),
            }
        }
    }

    /// Nobody came to compare the password.
    pub(super) fn was_not_looked_at(&self, login: &Try, now: Instant) {
        for key in &login.0 {
            self.0.take_back(key, now);
        }
    }
}

/// Nobody has a longer name; what is kept of one is bounded.
fn short(user: &str) -> String {
    user.chars().take(100).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 1));
    const THERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 2));

    #[test]
    fn a_stranger_keeps_nobody_out_but_themselves() {
        let (throttle, now) = (Throttle::default(), Instant::now());
        let login = |from: IpAddr, name: &str, browser: Option<&str>| throttle.begin(from, name, browser, now);
        for _ in 0..5 {
            login(HERE, "anna", None).unwrap();
        }
        assert_eq!(login(HERE, "anna", None).unwrap_err(), Duration::from_secs(2));
        throttle.was_right(&login(THERE, "anna", None).unwrap(), now);
        login(HERE, "bert", None).unwrap();
        login(HERE, "anna", Some("known")).unwrap();
        // The names of one network are limited together too.
        let more = (0..50).filter(|number| login(HERE, &number.to_string(), None).is_ok()).count();
        assert_eq!(more, 20 - 6);
    }

    #[test]
    fn somebody_with_a_password_cannot_wipe_out_their_guesses() {
        let (throttle, now) = (Throttle::default(), Instant::now());
        let mut guesses = 0;
        for number in 0..100 {
            guesses += u32::from(throttle.begin(HERE, &format!("user {number}"), None, now).is_ok());
            if let Ok(own) = throttle.begin(HERE, "vera", None, now) {
                throttle.was_right(&own, now);
            }
        }
        assert_eq!(guesses, 20);
    }

    #[test]
    fn many_networks_are_slow_together_and_a_known_browser_is_not() {
        let (throttle, start) = (Throttle::default(), Instant::now());
        let mut compared = 0;
        for second in 0..3_600_u32 {
            for machine in 0..4 {
                let from = IpAddr::V4((0x0a00_0000 + second * 4 + machine).into());
                compared +=
                    u32::from(throttle.begin(from, "anna", None, start + Duration::from_secs(second.into())).is_ok());
            }
        }
        assert!((100..=100 + 3_600 / 30).contains(&compared), "{compared}");
        let now = start + Duration::from_secs(3_599);
        assert!(throttle.begin(THERE, "anna", None, now).is_err());
        for _ in 0..5 {
            throttle.begin(THERE, "anna", Some("known"), now).unwrap();
        }
        assert!(throttle.begin(THERE, "anna", Some("known"), now).is_err(), "a stolen cookie does not guess for ever");
    }
}
