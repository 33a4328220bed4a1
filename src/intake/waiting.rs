//! A manifest in a drop folder that is not accepted yet, and what it waits for.
//!
//! Owns: pictures are waited for until nothing has arrived for `complete_within`, never longer and never less; a library
//! that is not there is waited for without end. Must not change the disk.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::ending::{End, Ends};
use super::judge::Around;
use super::library::{Finder, LibraryAnswer};
use super::listing::Dropped;
use super::pictures::{Content, Contents, NO_END, Presence, Tree};
use super::reading::{self, Reading};
use super::settle::Look;
use super::trouble::Troubles;
use crate::model::config::HotFolder;
use crate::model::manifest::Manifest;
use crate::model::units::show_duration;
use crate::spool::job::{Left, Stamp};
use crate::spool::queue::network_file_system;

/// How long a text that ends too early is looked at again after it settled.
pub(super) const GROWS_FOR: Duration = Duration::from_secs(10);
/// An original that was changed within this time, by its own clock, may still be written.
const RECENT: Duration = Duration::from_hours(1);
/// The library is looked through again for a waiting manifest at least so often.
const LIBRARY_AGAIN_MAX: Duration = Duration::from_secs(30);

/// A manifest that waits.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) stamp: Stamp,
    pub(super) first: Timestamp,
    /// When it was whole; the wait for its pictures begins here.
    whole_since: Option<Instant>,
    last_arrival: Option<Instant>,
    pub(super) reading: Option<Reading>,
    /// The pictures that are there, settled or not.
    pub(super) there: HashSet<(PathBuf, Stamp)>,
    /// Of a reprint: where the pictures are that it need not bring along.
    pub(super) of_then: Option<PathBuf>,
    /// Originals in the library, and since when they have not changed.
    originals: HashMap<PathBuf, (Stamp, Instant)>,
    /// The library is not looked through before.
    library_again: Option<Instant>,
    /// At the last look the library was not there.
    unreachable: bool,
    /// How many pictures and originals were there when it was last asked whether all was made before.
    asked_of: Option<usize>,
    pub(super) missing: Vec<String>,
    pub(super) why: String,
    pub(super) troubles: Troubles,
    /// The pass that saw it last.
    pub(super) pass: u64,
}

/// A picture that goes into the job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Picture {
    pub(super) from: PathBuf,
    pub(super) stamp: Stamp,
    pub(super) input: crate::model::name::RelPath,
    /// It is another job's.
    pub(super) stays: bool,
}

impl Picture {
    pub(super) fn left(&self, why: &str) -> Left {
        Left { from: self.from.clone(), input: self.input.clone(), why: why.to_string() }
    }
}

/// What a look decides about a manifest that is whole.
#[derive(Debug)]
pub(super) enum Judgement {
    /// With the pictures that can come along, and those that cannot.
    Ready(Vec<Picture>, Vec<Left>),
    /// Until then at the latest, or until something arrives.
    Wait(Instant),
}

impl Waiting {
    pub(super) fn new(file: &Dropped, look: Look) -> Waiting {
        Waiting {
            stamp: file.stamp,
            first: look.first,
            whole_since: None,
            last_arrival: None,
            reading: None,
            there: HashSet::new(),
            of_then: None,
            originals: HashMap::new(),
            library_again: None,
            unreachable: false,
            asked_of: None,
            missing: Vec::new(),
            why: String::new(),
            troubles: Troubles::default(),
            pass: 0,
        }
    }

    /// Says what it waits for.
    pub(super) fn waits(&mut self, why: impl Into<String>, missing: Vec<String>) {
        self.why = why.into();
        self.missing = missing;
    }

    /// It is a manifest, read, and its pictures matter.
    pub(super) fn names_pictures(&self) -> bool {
        self.reading.as_ref().is_some_and(|r| r.runs)
    }

    /// It is whole, and would be a job but for its pictures.
    pub(super) fn waits_for_pictures(&self) -> bool {
        self.whole_since.is_some() && self.names_pictures()
    }

    fn deadline(&mut self, hot_folder: &HotFolder, now: Instant) -> Instant {
        let whole = *self.whole_since.get_or_insert(now);
        *self.last_arrival.get_or_insert(whole) + hot_folder.complete_within
    }

    /// The pictures that are named and there, without a judgement: others must leave them in their place.
    pub(super) fn note_pictures(&mut self, folder: &str, tree: &Tree<'_>) {
        let named = self.reading.as_ref().map_or(&[][..], |r| &r.named);
        let there = named.iter().filter_map(|named| match tree.find(folder, named) {
            Presence::There(file, _) => Some((file.path.clone(), file.stamp)),
            Presence::Missing | Presence::Unclear(_) => None,
        });
        self.there = there.collect();
    }

    /// Something has arrived since this was last asked.
    pub(super) fn has_news(&mut self) -> bool {
        let there = self.there.len() + self.originals.len();
        self.asked_of.replace(there) != Some(there)
    }

    /// The named pictures that are there and have settled.
    pub(super) fn settled_pictures(
        &self,
        folder: &str,
        tree: &Tree<'_>,
        looks: &HashMap<&Path, Look>,
        hot_folder: &HotFolder,
        now: Instant,
    ) -> Vec<Picture> {
        let named = self.reading.as_ref().map_or(&[][..], |r| &r.named);
        let settled = named.iter().filter_map(|named| match tree.find(folder, named) {
            Presence::There(file, input) => {
                let look = looks.get(file.path.as_path())?;
                let is_there = look.is_settled(hot_folder.settle, now) && file.stamp.bytes > 0;
                is_there.then(|| Picture { from: file.path.clone(), stamp: file.stamp, input, stays: false })
            }
            Presence::Missing | Presence::Unclear(_) => None,
        });
        settled.collect()
    }

    /// Whether every picture lies with the manifest.
    pub(super) fn judge_beside(
        &mut self,
        folder: &str,
        tree: &Tree<'_>,
        looks: &HashMap<&Path, Look>,
        contents: &mut Contents,
        hot_folder: &HotFolder,
        around: &Around<'_>,
    ) -> Judgement {
        let now = around.now;
        let before = std::mem::take(&mut self.there);
        self.note_pictures(folder, tree);
        if !self.there.is_subset(&before) && self.whole_since.is_some() {
            self.last_arrival = Some(now);
        }
        let deadline = self.deadline(hot_folder, now);
        let (mut ready, mut spoilt, mut missing, mut again) = (Vec::new(), Vec::new(), Vec::new(), None);
        let mut left = Vec::new();
        let mut look_again = |at: Instant| again = Some(again.map_or(at, |other: Instant| other.min(at)));
        let named = self.reading.as_ref().map_or(&[][..], |r| &r.named);
        for named in named {
            let (file, input) = match tree.find(folder, named) {
                Presence::There(file, input) => (file, input),
                Presence::Missing => {
                    if let Some(picture) = self.of_then.as_ref().and_then(|inputs| named.of_then(inputs)) {
                        ready.push(picture);
                        continue;
                    }
                    // The one that the order means may still come. Where the manifest says which it is, it is told by that.
                    let earlier = tree.find_earlier(folder, named);
                    if let Some(Presence::There(file, input)) = earlier {
                        let picture = Picture { from: file.path.clone(), stamp: file.stamp, input, stays: false };
                        if named.is_demanded() && contents.look(file, named) == Content::Whole {
                            ready.push(picture);
                            continue;
                        }
                        spoilt.push(picture);
                        missing
                            .push(format!("{} (only that of an earlier order, which cannot be removed)", named.label));
                    } else {
                        missing.push(named.label.clone());
                    }
                    continue;
                }
                Presence::Unclear(why) => {
                    missing.push(why);
                    continue;
                }
            };
            let picture = Picture { from: file.path.clone(), stamp: file.stamp, input, stays: false };
            let look = looks.get(file.path.as_path());
            if !look.is_some_and(|l| l.is_settled(hot_folder.settle, now)) {
                look_again(look.map_or(now, |l| l.settled_at(hot_folder.settle)));
                missing.push(format!("{} (still changing)", named.label));
                continue;
            }
            match contents.look(file, named) {
                // What is wrong with one that cannot be read is found below.
                Content::Whole | Content::Unreadable(_) => ready.push(picture),
                Content::Spoilt(why) => {
                    missing.push(format!("{} ({why})", named.label));
                    spoilt.push(picture);
                }
                Content::Later => {
                    look_again(now);
                    missing.push(format!("{} (being checked)", named.label));
                }
            }
        }
        if missing.is_empty() || (now >= deadline && again.is_none()) {
            // A spoilt picture goes along: the job fails for it, and can say what is wrong with it. So does one of an earlier
            // order, in place of which no other has come.
            ready.append(&mut spoilt);
            left = self.troubles.take_out(&mut ready, deadline, around);
            if left.is_empty() || now >= deadline {
                return Judgement::Ready(ready, left);
            }
        }
        missing.extend(left.iter().map(|left| format!("{} ({})", left.input, left.why)));
        self.waits(wait_for_pictures(missing.len(), hot_folder), missing);
        Judgement::Wait(again.unwrap_or(deadline))
    }

    /// Whether every wanted picture is in the library.
    pub(super) fn judge_library(
        &mut self,
        manifest: &Manifest,
        finder: &mut Finder<'_>,
        ends: &mut Ends,
        hot_folder: &HotFolder,
        around: &Around<'_>,
    ) -> Judgement {
        let Around { now, wall, matcher, .. } = *around;
        self.whole_since.get_or_insert(now);
        if let Some(again) = self.library_again.filter(|again| now < *again) {
            return Judgement::Wait(again);
        }
        let frozen = matcher.freeze(manifest, hot_folder);
        let (mut missing, mut originals, mut settled_at, mut unreachable) = (Vec::new(), HashMap::new(), None, None);
        for want in matcher.wants(manifest, &frozen) {
            let label =
                || manifest.images.get(want.image).map_or_else(String::new, crate::model::manifest::Image::label);
            match finder.find(manifest, &want) {
                LibraryAnswer::Files(files, looked) => {
                    let mut found = 0;
                    for file in files.into_iter().filter(|f| f.bytes > 0) {
                        found += 1;
                        let since = match self.originals.get(&file.path) {
                            Some((stamp, since)) if *stamp == file.stamp => *since,
                            _ => now,
                        };
                        let settled = since + hot_folder.settle;
                        if is_recent(&file.stamp, wall, recent(&file.path, hot_folder.settle)) && now < settled {
                            settled_at = Some(settled_at.map_or(settled, |at: Instant| at.max(settled)));
                            missing.push(format!("{} (still changing)", label()));
                        } else if is_recent(&file.stamp, wall, recent(&file.path, hot_folder.complete_within)) {
                            // A damaged one of last year is not waited for.
                            match ends.look(&file.path, &file.stamp) {
                                End::There => {}
                                End::Missing => missing.push(format!("{} ({NO_END})", label())),
                                End::Later => {
                                    settled_at.get_or_insert(now);
                                    missing.push(format!("{} (being checked)", label()));
                                }
                            }
                        }
                        originals.insert(file.path, (file.stamp, since));
                    }
                    if found == 0 {
                        missing.push(format!("{} ({looked})", label()));
                    }
                }
                // A person decides, and sees it once the job is there.
                LibraryAnswer::Tie(_) => {}
                LibraryAnswer::Unreachable(why) => {
                    unreachable = Some(why);
                    break;
                }
            }
        }
        if let Some(why) = unreachable {
            self.unreachable = true;
            let again = now + self.pause(hot_folder, now);
            self.library_again = Some(again);
            self.waits(format!("the library cannot be reached: {why}"), Vec::new());
            return Judgement::Wait(again);
        }
        let is_new = |(path, (stamp, _)): (&PathBuf, &(Stamp, Instant))| {
            self.originals.get(path).is_none_or(|(known, _)| known != stamp)
        };
        let has_arrived = self.library_again.is_some() && originals.iter().any(is_new);
        self.originals = originals;
        // While the library was away nothing was known to be missing: the wait begins when it is back.
        if has_arrived || std::mem::take(&mut self.unreachable) {
            self.last_arrival = Some(now);
        }
        let deadline = self.deadline(hot_folder, now);
        if missing.is_empty() || (now >= deadline && settled_at.is_none()) {
            return Judgement::Ready(Vec::new(), Vec::new());
        }
        let again = settled_at.unwrap_or(deadline).min(now + self.pause(hot_folder, now)).max(now);
        self.library_again = Some(again);
        self.waits(wait_for_pictures(missing.len(), hot_folder), missing);
        Judgement::Wait(again)
    }

    /// The longer it has waited, the rarer the library is looked through for it.
    fn pause(&self, hot_folder: &HotFolder, now: Instant) -> Duration {
        let waited = self.whole_since.map_or(Duration::ZERO, |since| now.saturating_duration_since(since));
        (waited / 8).clamp(hot_folder.scan.min(LIBRARY_AGAIN_MAX), LIBRARY_AGAIN_MAX)
    }

    /// It waits for this original of the library.
    pub(super) fn waits_for(&self, original: &Path) -> bool {
        self.originals.contains_key(original)
    }

    /// Whether a text that ends too early is given up.
    pub(super) fn grows_until(&self, look: Look, hot_folder: &HotFolder) -> Option<Instant> {
        let is_cut_off = matches!(self.reading.as_ref()?.content, reading::Content::CutOff(_));
        is_cut_off.then(|| look.settled_at(hot_folder.settle) + GROWS_FOR)
    }
}

fn wait_for_pictures(missing: usize, hot_folder: &HotFolder) -> String {
    let pictures = if missing == 1 { "1 picture is".to_string() } else { format!("{missing} pictures are") };
    let within = show_duration(hot_folder.complete_within);
    format!("{pictures} not there yet; after {within} without an arrival it goes on as it is")
}

/// How old a change must be to be over. On a local disk our own clock stamps each write, so a time has passed when the
/// stamp is that old; the clock of a share may be off.
fn recent(path: &Path, within: Duration) -> Duration {
    if network_file_system(path).is_some() { RECENT.max(within) } else { within }
}

/// By the file's own clock, which may be off either way.
fn is_recent(stamp: &Stamp, wall: Timestamp, within: Duration) -> bool {
    (wall.as_nanosecond() - stamp.modified_ns).unsigned_abs() < within.as_nanos()
}
