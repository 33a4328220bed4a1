//! When a file counts as whole: it has not changed for as long as the hot folder's `settle`, by our own clock.
//!
//! Owns: a file that is still changing is never called settled. The file's own times are only compared with each other,
//! never with our clock: a share may be ten minutes off, and a copy may bring any time with it.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use jiff::Timestamp;

use crate::spool::job::Stamp;

/// What the looks at the files of one folder have shown so far.
#[derive(Debug, Default)]
pub(super) struct Settling {
    seen: HashMap<PathBuf, Seen>,
    pass: u64,
}

#[derive(Debug)]
struct Seen {
    stamp: Stamp,
    /// When a look first showed this stamp.
    since: Instant,
    /// When a look first showed the file, for people.
    first: Timestamp,
    /// The pass that looked at it last.
    pass: u64,
}

/// What a look at a file showed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Look {
    /// Since when it has not changed.
    pub(super) since: Instant,
    pub(super) first: Timestamp,
    /// It was not there at the last pass.
    pub(super) is_new: bool,
}

impl Look {
    pub(super) fn settled_at(&self, settle: Duration) -> Instant {
        self.since + settle
    }

    /// Two looks, so far apart, have shown the same. A `settle` of nothing asks for one look.
    pub(super) fn is_settled(&self, settle: Duration, now: Instant) -> bool {
        now >= self.settled_at(settle)
    }
}

impl Settling {
    /// Begins a pass; what it does not look at is forgotten at its end.
    pub(super) fn begin(&mut self) {
        self.pass += 1;
    }

    pub(super) fn look(&mut self, path: &Path, stamp: Stamp, now: Instant, wall: Timestamp) -> Look {
        let pass = self.pass;
        if let Some(seen) = self.seen.get_mut(path) {
            if seen.stamp != stamp {
                seen.stamp = stamp;
                seen.since = now;
            }
            seen.pass = pass;
            return Look { since: seen.since, first: seen.first, is_new: false };
        }
        self.seen.insert(path.to_path_buf(), Seen { stamp, since: now, first: wall, pass });
        Look { since: now, first: wall, is_new: true }
    }

    /// What the last look at a file showed, if it is still the same one.
    pub(super) fn known(&self, path: &Path, stamp: &Stamp) -> Option<Look> {
        let seen = self.seen.get(path).filter(|seen| seen.stamp == *stamp)?;
        Some(Look { since: seen.since, first: seen.first, is_new: false })
    }

    /// Ends a pass: a file that went and comes back begins anew.
    pub(super) fn end(&mut self) {
        self.seen.retain(|_, seen| seen.pass == self.pass);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SETTLE: Duration = Duration::from_secs(2);

    fn stamp(bytes: u64, modified_ns: i128) -> Stamp {
        Stamp { device: 1, inode: 2, bytes, modified_ns }
    }

    #[test]
    fn every_change_begins_the_wait_anew() {
        let (mut settling, start) = (Settling::default(), Instant::now());
        let path = Path::new("/a");
        let mut settled = |after_ms: u64, stamp: Stamp| {
            let now = start + Duration::from_millis(after_ms);
            settling.begin();
            let look = settling.look(path, stamp, now, Timestamp::UNIX_EPOCH);
            settling.end();
            look.is_settled(SETTLE, now)
        };
        assert!(!settled(0, stamp(10, 5)));
        assert!(!settled(1_999, stamp(10, 5)));
        assert!(settled(2_000, stamp(10, 5)));
        assert!(!settled(2_100, stamp(11, 5)), "it grew");
        assert!(!settled(4_000, stamp(11, 6)), "same size, other time");
        assert!(!settled(5_900, stamp(11, 6)));
        assert!(!settled(5_950, Stamp { inode: 3, ..stamp(11, 6) }), "another file of that name");
        assert!(settled(7_950, Stamp { inode: 3, ..stamp(11, 6) }));
    }

    #[test]
    fn a_file_that_went_begins_anew() {
        let (mut settling, start) = (Settling::default(), Instant::now());
        let mut pass = |after_s: u64, there: bool| {
            let now = start + Duration::from_secs(after_s);
            settling.begin();
            let look = there.then(|| settling.look(Path::new("/a"), stamp(1, 1), now, Timestamp::UNIX_EPOCH));
            settling.end();
            look.is_some_and(|l| l.is_settled(SETTLE, now))
        };
        assert!(!pass(0, true));
        assert!(!pass(1, false));
        assert!(!pass(2, true));
        assert!(pass(4, true));
    }
}
