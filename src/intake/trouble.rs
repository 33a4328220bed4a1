//! Why a drop that is whole cannot be taken, and when it is tried again.
//!
//! Owns: the trouble of one drop is its own. It waits alone, is shown for as long as it lasts, and is tried again at ever
//! longer intervals; no other drop waits for it.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::judge::Around;
use super::same::{self, NotRead};
use super::waiting::Picture;
use crate::clock;
use crate::model::name::quoted;
use crate::spool::job::{Left, Stamp};

/// After the first failure; twice as long after each further one.
const PAUSE: Duration = Duration::from_secs(5);
const PAUSE_MAX: Duration = Duration::from_mins(5);
/// Most pictures that are named at once.
const NAMED_MAX: usize = 3;

#[derive(Debug)]
struct Trouble {
    why: String,
    since: Timestamp,
    tries: u32,
    /// Without a time it is asked again at each look.
    again: Option<Instant>,
}

impl Trouble {
    fn pauses(&self, now: Instant) -> bool {
        self.again.is_some_and(|again| now < again)
    }
}

/// What stands in the way of one drop.
#[derive(Debug, Default)]
pub(super) struct Troubles {
    own: Option<Trouble>,
    /// Of single pictures, as they were then.
    pictures: HashMap<PathBuf, (Stamp, Trouble)>,
}

/// A trouble that lasts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Lasting {
    pub(super) why: String,
    pub(super) since: Timestamp,
}

/// The same trouble for longer, or a new one.
fn lasts(known: Option<&Trouble>, why: String, now: Instant, wall: Timestamp) -> Trouble {
    let tries = known.map_or(0, |trouble| trouble.tries);
    let pause = clock::wait(PAUSE, clock::RETRY) * 2_u32.pow(tries.min(8));
    let again = now + pause.min(clock::wait(PAUSE_MAX, clock::RETRY));
    Trouble { why, since: known.map_or(wall, |trouble| trouble.since), tries: tries + 1, again: Some(again) }
}

impl Troubles {
    /// It was tried, and did not work.
    pub(super) fn failed(&mut self, why: &dyn std::fmt::Display, now: Instant, wall: Timestamp) {
        self.own = Some(lasts(self.own.as_ref(), format!("cannot be accepted now: {why}"), now, wall));
    }

    /// As [`Troubles::failed`], because of one picture.
    pub(super) fn picture_failed(&mut self, picture: &Picture, why: String, now: Instant, wall: Timestamp) {
        let known = self.pictures.get(&picture.from).filter(|(stamp, _)| *stamp == picture.stamp);
        let trouble = lasts(known.map(|(_, trouble)| trouble), why, now, wall);
        self.pictures.insert(picture.from.clone(), (picture.stamp, trouble));
    }

    /// The drop itself cannot be read.
    pub(super) fn cannot_read(&mut self, why: &std::io::Error, wall: Timestamp) {
        let since = self.own.as_ref().map_or(wall, |trouble| trouble.since);
        self.own = Some(Trouble { why: format!("cannot be read: {why}"), since, tries: 0, again: None });
    }

    pub(super) fn can_read(&mut self) {
        self.own.take_if(|trouble| trouble.again.is_none());
    }

    /// It waits for something else by now.
    pub(super) fn is_not_ready(&mut self) {
        self.own = None;
    }

    /// Before that it is not tried again; and why.
    pub(super) fn pause(&self, now: Instant) -> Option<(Instant, String)> {
        let trouble = self.own.as_ref().filter(|trouble| trouble.pauses(now))?;
        Some((trouble.again?, format!("it {}", trouble.why)))
    }

    /// Why a picture cannot come along just now. It is opened for that, which costs little beside bringing it.
    fn of_picture(&mut self, picture: &Picture, now: Instant, wall: Timestamp) -> Option<String> {
        let known = self.pictures.get(&picture.from).filter(|(stamp, _)| *stamp == picture.stamp);
        if let Some((_, trouble)) = known.filter(|(_, trouble)| trouble.pauses(now)) {
            return Some(trouble.why.clone());
        }
        match same::open(&picture.from, &picture.stamp) {
            Err(NotRead::Failed(e)) => {
                let why = format!("cannot be read: {e}");
                let since = known.map_or(wall, |(_, trouble)| trouble.since);
                let trouble = Trouble { why: why.clone(), since, tries: 0, again: None };
                self.pictures.insert(picture.from.clone(), (picture.stamp, trouble));
                Some(why)
            }
            Ok(_) | Err(NotRead::Changed) => {
                // One that can be opened may still fail when it is read to its end.
                if known.is_none_or(|(_, trouble)| trouble.again.is_none()) {
                    self.pictures.remove(&picture.from);
                }
                None
            }
        }
    }

    /// Takes the pictures that cannot come along out of those that are there. Until then it is enough to know that there are
    /// such pictures: thousands are not opened again at each look.
    pub(super) fn take_out(&mut self, pictures: &mut Vec<Picture>, until: Instant, around: &Around<'_>) -> Vec<Left> {
        let Around { now, wall, .. } = *around;
        let mut left = Vec::new();
        let mut ask = |troubles: &mut Troubles, picture: &Picture| {
            let why = troubles.of_picture(picture, now, wall);
            left.extend(why.iter().map(|why| picture.left(why)));
            why.is_none()
        };
        self.pictures.retain(|path, _| pictures.iter().any(|picture| picture.from == *path));
        if now < until && !self.pictures.is_empty() {
            let known: Vec<&Picture> = pictures.iter().filter(|p| self.pictures.contains_key(&p.from)).collect();
            let mut is_clear = true;
            for picture in known {
                is_clear &= ask(self, picture);
            }
            if !is_clear {
                return left;
            }
        }
        pictures.retain(|picture| ask(self, picture));
        left
    }

    /// For the operator.
    pub(super) fn lasting(&self, folder: &Path) -> Option<Lasting> {
        if let Some(trouble) = &self.own {
            return Some(Lasting { why: trouble.why.clone(), since: trouble.since });
        }
        let since = self.pictures.values().map(|(_, trouble)| trouble.since).min()?;
        let mut named: Vec<String> = self
            .pictures
            .iter()
            .map(|(path, (_, trouble))| {
                let below = path.strip_prefix(folder).unwrap_or(path);
                format!("{} {}", quoted(&below.to_string_lossy()), trouble.why)
            })
            .collect();
        named.sort();
        let more = named.len().saturating_sub(NAMED_MAX);
        named.truncate(NAMED_MAX);
        let more = if more > 0 { format!("; and {more} more") } else { String::new() };
        Some(Lasting { why: format!("waits: {}{more}", named.join("; ")), since })
    }
}
