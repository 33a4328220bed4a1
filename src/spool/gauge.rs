//! Looks at places that may hang: disks that have spun down, shares whose server is away.
//!
//! Owns: each place is looked at on a thread of its own, and by one at a time, so that one that hangs takes nothing from
//! the others and costs one thread.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

/// What was found at places, and what is being looked at.
#[derive(Debug)]
pub struct Gauge<T> {
    last: BTreeMap<PathBuf, T>,
    asked: BTreeMap<PathBuf, Receiver<Option<T>>>,
}

impl<T> Default for Gauge<T> {
    fn default() -> Gauge<T> {
        Gauge { last: BTreeMap::new(), asked: BTreeMap::new() }
    }
}

impl<T: Clone + Send + 'static> Gauge<T> {
    /// What was found last at each of these places, in their order; of one that does not answer `within` this time, what it
    /// answered before. Places where nothing is found are left out.
    pub fn look(
        &mut self,
        places: &[PathBuf],
        find: impl Fn(&Path) -> Option<T> + Clone + Send + 'static,
        within: Duration,
    ) -> Vec<(PathBuf, T)> {
        let wanted: BTreeSet<&PathBuf> = places.iter().collect();
        self.last.retain(|place, _| wanted.contains(place));
        for place in wanted {
            if self.asked.contains_key(place) {
                continue;
            }
            let (answer, asked) = mpsc::channel();
            let look = {
                let (place, find) = (place.clone(), find.clone());
                // Nobody asks any more once the server has stopped.
                move || drop(answer.send(find(&place)))
            };
            match std::thread::Builder::new().name("disk".into()).spawn(look) {
                Ok(_) => drop(self.asked.insert(place.clone(), asked)),
                Err(e) => tracing::warn!("{} cannot be looked at: {e}", place.display()),
            }
        }
        let until = Instant::now() + within;
        let last = &mut self.last;
        self.asked.retain(|place, asked| {
            match asked.recv_timeout(until.saturating_duration_since(Instant::now())) {
                Ok(Some(found)) => drop(last.insert(place.clone(), found)),
                Ok(None) => drop(last.remove(place)),
                Err(RecvTimeoutError::Timeout) => return true,
                Err(RecvTimeoutError::Disconnected) => {}
            }
            false
        });
        places.iter().filter_map(|place| Some((place.clone(), self.last.get(place)?.clone()))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spool::durable;

    #[test]
    fn a_place_that_hangs_hides_no_other_and_is_not_asked_twice() {
        let dir = tempfile::tempdir().unwrap();
        let answers = dir.path().join("answers");
        let look = move |place: &Path| {
            while place.ends_with("a") && !answers.exists() {
                std::thread::sleep(Duration::from_millis(2));
            }
            (!place.ends_with("gone")).then(|| place.to_path_buf())
        };
        // The one that hangs comes first.
        let places: Vec<PathBuf> = ["a", "b", "c", "gone"].map(PathBuf::from).to_vec();
        let names = |found: Vec<(PathBuf, PathBuf)>| -> Vec<String> {
            found.into_iter().map(|(place, _)| place.display().to_string()).collect()
        };
        let mut gauge = Gauge::default();
        let long = Duration::from_mins(1);
        assert_eq!(names(gauge.look(&places[1..], look.clone(), long)), ["b", "c"]);
        for _ in 0..3 {
            let found = gauge.look(&places, look.clone(), Duration::from_millis(100));
            assert_eq!(names(found), ["b", "c"]);
            assert_eq!(gauge.asked.keys().filter(|place| place.ends_with("a")).count(), 1);
        }
        durable::replace(&dir.path().join("answers"), b"").unwrap();
        assert_eq!(names(gauge.look(&places, look, long)), ["a", "b", "c"]);
    }
}
