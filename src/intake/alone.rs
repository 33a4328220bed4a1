//! Drops without a manifest: a picture, or a folder of pictures, is a job.
//!
//! Owns: a folder is one job with everything below it, and it is taken only when nothing in it has changed, come or gone
//! for the whole of `settle`. Must not change the disk.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;
use std::time::Instant;

use jiff::Timestamp;
use unicode_normalization::UnicodeNormalization as _;

use super::ending::{End, Ends};
use super::judge::{self, Around, Ready};
use super::listing::{Dropped, Listing};
use super::names;
use super::pictures::NO_END;
use super::settle::Look;
use super::state::WaitingManifest;
use super::trouble::{Lasting, Troubles};
use super::waiting::Picture;
use crate::model::config::HotFolder;
use crate::model::digest;
use crate::model::limits::MANIFEST_MAX_ENTRIES;
use crate::model::manifest::{read_pictures, write_pictures};
use crate::model::name::{RelPath, fold};
use crate::model::units::show_duration;
use crate::plan::frozen::Verdict;
use crate::spool::job::Stamp;

/// Most drops that one look hands on.
const READY_MAX: usize = 64;

/// What lies in one folder, or a single picture.
#[derive(Debug, Default)]
struct Unit<'l> {
    pictures: Vec<&'l Dropped>,
    /// Everything that shows whether somebody is still at it.
    all: Vec<&'l Dropped>,
}

/// A drop as it was when it was last looked at.
#[derive(Debug)]
struct Seen {
    content: Vec<(String, Stamp)>,
    since: Instant,
    first: Timestamp,
    why: String,
    /// Why nobody wants it, once that was asked.
    ignored: Option<String>,
    troubles: Troubles,
}

/// The drops of one hot folder.
#[derive(Debug, Default)]
pub(super) struct Units {
    seen: BTreeMap<String, Seen>,
}

/// What a look found.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) ready: Vec<Ready>,
    pub(super) again: Option<Instant>,
    pub(super) problems: Vec<String>,
}

impl Units {
    pub(super) fn look(
        &mut self,
        hot_folder: &HotFolder,
        listing: &Listing,
        types: &[String],
        looks: &HashMap<&Path, Look>,
        ends: &mut Ends,
        around: &Around<'_>,
    ) -> Found {
        let now = around.now;
        let units = units(listing, types);
        self.seen.retain(|name, _| units.contains_key(name.as_str()));
        let mut found = Found::default();
        let elsewhere = judge::location_elsewhere(None, hot_folder, around.config);
        for (name, unit) in self.in_order(units, around.wall) {
            let content: Vec<_> = unit.all.iter().map(|file| (file.below.clone(), file.stamp)).collect();
            let since = unit.all.iter().filter_map(|file| looks.get(file.path.as_path())).map(|l| l.since).max();
            let seen = self.seen.entry(name.to_string()).or_insert_with(|| Seen {
                content: content.clone(),
                since: since.unwrap_or(now),
                first: around.wall,
                why: String::new(),
                ignored: None,
                troubles: Troubles::default(),
            });
            if seen.content != content {
                seen.content = content;
                seen.since = now;
                seen.ignored = None;
            }
            let settled_at = seen.since + hot_folder.settle;
            // An empty picture may be one that was only just begun; for good it is a damaged one.
            let empty = unit.pictures.iter().find(|picture| picture.stamp.bytes == 0);
            let given_up_at = seen.since + hot_folder.complete_within;
            if let Some(why) = &elsewhere {
                seen.why.clone_from(why);
            } else if listing.claims.iter().any(|claim| claim.below.split_once('/').is_some_and(|(of, _)| of == name)) {
                seen.why = "a server is taking it".to_string();
            } else if let Some(why) = listing.partial.get(name) {
                // A part of a wedding is not what was dropped.
                seen.why.clone_from(why);
                found.problems.push(format!("{name}: {why}"));
            } else if unit.pictures.len() > MANIFEST_MAX_ENTRIES {
                let count = unit.pictures.len();
                seen.why = format!("it has {count} pictures; a job takes {MANIFEST_MAX_ENTRIES}: divide the folder");
                found.problems.push(format!("{name}: {}", seen.why));
            } else if now < settled_at {
                seen.why = format!("it is taken when nothing has changed for {}", show_duration(hot_folder.settle));
                found.look_again(settled_at);
            } else if let Some(empty) = empty.filter(|_| now < given_up_at) {
                seen.why = format!("{} is empty", empty.below);
                found.look_again(given_up_at);
            } else if let Some(why) = &seen.ignored {
                seen.why.clone_from(why);
            } else if let Some((again, why)) = seen.troubles.pause(now) {
                seen.why = why;
                found.look_again(again);
            } else if found.ready.len() == READY_MAX {
                found.look_again(now);
            } else if now < given_up_at
                && let Some((why, at)) = unit.unfinished(ends, now, given_up_at)
            {
                seen.why = why;
                found.look_again(at);
            } else if let Some(mut ready) = ready(hot_folder, name, &unit) {
                // Nobody else may have these pictures: what is ignored is left, not taken to be thrown away one day.
                seen.ignored = ignored(&ready, hot_folder, around);
                if let Some(why) = &seen.ignored {
                    seen.why.clone_from(why);
                    continue;
                }
                ready.left = seen.troubles.take_out(&mut ready.pictures, given_up_at, around);
                if ready.pictures.is_empty() {
                    seen.why = "it waits until it can be read".to_string();
                } else if !ready.left.is_empty() && now < given_up_at {
                    let within = show_duration(hot_folder.complete_within);
                    seen.why = format!("not all of it can be read; after {within} the rest becomes a job without it");
                    found.look_again(given_up_at);
                } else {
                    ready.stamp = ready.pictures[0].stamp;
                    seen.why = "it is being accepted".to_string();
                    found.ready.push(ready);
                }
            }
        }
        found
    }

    /// The order in which they came; of those that one look found, that of their names.
    fn in_order<'l>(&self, units: BTreeMap<&'l str, Unit<'l>>, wall: Timestamp) -> Vec<(&'l str, Unit<'l>)> {
        let mut units: Vec<_> = units.into_iter().collect();
        units.sort_by_key(|(name, _)| self.seen.get(*name).map_or(wall, |seen| seen.first));
        units
    }

    /// What stands in the way of one of them.
    pub(super) fn troubles(&mut self, name: &str) -> Option<&mut Troubles> {
        self.seen.get_mut(name).map(|seen| &mut seen.troubles)
    }

    pub(super) fn lasting(&self, folder: &Path) -> impl Iterator<Item = (String, Lasting)> {
        self.seen.iter().filter_map(move |(name, seen)| Some((name.clone(), seen.troubles.lasting(folder)?)))
    }

    pub(super) fn waiting(&self) -> impl Iterator<Item = WaitingManifest> {
        self.seen.iter().map(|(name, seen)| WaitingManifest {
            name: name.clone(),
            since: seen.first,
            missing: Vec::new(),
            missing_more: 0,
            why: seen.why.clone(),
        })
    }
}

impl Unit<'_> {
    /// Which picture may still be written, and when it is looked at again.
    fn unfinished(&self, ends: &mut Ends, now: Instant, given_up_at: Instant) -> Option<(String, Instant)> {
        self.pictures.iter().find_map(|picture| match ends.look(&picture.path, &picture.stamp) {
            End::There => None,
            End::Missing => Some((format!("{}: {NO_END}", picture.below), given_up_at)),
            End::Later => Some((format!("{} is being checked", picture.below), now)),
        })
    }
}

impl Found {
    fn look_again(&mut self, at: Instant) {
        self.again = Some(self.again.map_or(at, |again| again.min(at)));
    }
}

/// Whether a file is of a type that jobs are made of.
pub(super) fn is_picture(file: &Dropped, types: &[String]) -> bool {
    names::extension(file.name()).is_some_and(|extension| types.contains(&extension))
}

/// By the name of the picture, or of the folder in the hot folder. What holds no picture is no drop.
fn units<'l>(listing: &'l Listing, types: &[String]) -> BTreeMap<&'l str, Unit<'l>> {
    let mut units: BTreeMap<&str, Unit<'_>> = BTreeMap::new();
    for file in &listing.files {
        let (name, is_below) = match file.below.split_once('/') {
            Some((folder, _)) => (folder, true),
            None => (file.below.as_str(), false),
        };
        let is_picture = is_picture(file, types);
        if is_below || is_picture {
            let unit = units.entry(name).or_default();
            unit.all.push(file);
            unit.pictures.extend(is_picture.then_some(file));
        }
    }
    for file in &listing.passing {
        if let Some((folder, _)) = file.below.split_once('/')
            && let Some(unit) = units.get_mut(folder)
        {
            unit.all.push(file);
        }
    }
    units.retain(|_, unit| !unit.pictures.is_empty());
    units
}

fn ready(hot_folder: &HotFolder, name: &str, unit: &Unit<'_>) -> Option<Ready> {
    let (mut pictures, mut places) = (Vec::new(), Places::default());
    for file in &unit.pictures {
        let below = file.below.strip_prefix(name).and_then(|rest| rest.strip_prefix('/')).unwrap_or(&file.below);
        pictures.push(Picture {
            from: file.path.clone(),
            stamp: file.stamp,
            input: places.take(&input(below)),
            stays: false,
        });
    }
    pictures.sort_by_key(|picture| natural(picture.input.as_str()));
    let files: Vec<RelPath> = pictures.iter().map(|picture| picture.input.clone()).collect();
    let is_folder = unit.pictures.first().is_some_and(|file| file.below != name);
    let text = write_pictures(if is_folder { name } else { names::stem(name) }, &files);
    Some(Ready {
        path: hot_folder.folder.join(name),
        below: name.to_string(),
        stamp: pictures.first()?.stamp,
        sha256: digest::sha256(&text),
        manifest: Some(std::sync::Arc::new(read_pictures(&text)?)),
        unreadable: None,
        text: Some(text),
        pictures,
        done_file: None,
        overtaken: None,
        left: Vec::new(),
    })
}

/// Why no render job takes it, where that is fine.
fn ignored(ready: &Ready, hot_folder: &HotFolder, around: &Around<'_>) -> Option<String> {
    match around.matcher.freeze(ready.manifest.as_ref()?, hot_folder).verdict {
        Verdict::Ignored { why } => Some(format!("it is left here (`unmatched: ignore`): {why}")),
        _ => None,
    }
}

/// The name in `inputs/`; one that no system could hold is made safe, part by part.
fn input(below: &str) -> RelPath {
    let composed: String = below.nfc().collect();
    RelPath::parse(&composed).unwrap_or_else(|_| {
        let mut parts = composed.split('/').map(|part| RelPath::from_part(part).unwrap_or_else(RelPath::unnamed));
        let first = parts.next().unwrap_or_else(RelPath::unnamed);
        parts.fold(first, |path, part| path.join(&part))
    })
}

/// Names that are given in `inputs/`. Two that differed may become one when they are made safe, and a spool's disk may
/// not tell upper case from lower.
#[derive(Debug, Default)]
struct Places {
    files: HashSet<String>,
    folders: HashSet<String>,
}

impl Places {
    /// The name itself, else `name_2`, `name_3` …
    fn take(&mut self, wanted: &RelPath) -> RelPath {
        let mut free = wanted.clone();
        for number in 2..=MANIFEST_MAX_ENTRIES + 2 {
            if self.is_free(&free) {
                break;
            }
            free = RelPath::parse(&numbered(wanted, number, |folder| self.files.contains(&fold(folder))))
                .unwrap_or_else(|_| wanted.with_suffix(&format!("_{number}")));
        }
        self.files.insert(fold(free.as_str()));
        self.folders.extend(folders(&free).map(fold));
        free
    }

    fn is_free(&self, path: &RelPath) -> bool {
        let key = fold(path.as_str());
        !self.files.contains(&key)
            && !self.folders.contains(&key)
            && !folders(path).any(|folder| self.files.contains(&fold(folder)))
    }
}

/// The folders that a path goes through.
fn folders(path: &RelPath) -> impl Iterator<Item = &str> {
    let text = path.as_str();
    text.match_indices('/').map(|(at, _)| &text[..at])
}

/// Numbers the folder that is a file's name already, else the file.
fn numbered(path: &RelPath, number: usize, is_file: impl Fn(&str) -> bool) -> String {
    match folders(path).find(|folder| is_file(folder)) {
        Some(folder) => format!("{folder}_{number}{}", &path.as_str()[folder.len()..]),
        None => path.with_suffix(&format!("_{number}")).to_string(),
    }
}

/// `b2` before `b10`, whatever the case.
fn natural(text: &str) -> Vec<(String, u64)> {
    let mut key: Vec<(String, u64)> = Vec::new();
    let (mut word, mut digits) = (String::new(), String::new());
    for c in text.to_lowercase().chars() {
        if c.is_ascii_digit() && digits.len() < 18 {
            digits.push(c);
            continue;
        }
        if !digits.is_empty() {
            key.push((std::mem::take(&mut word), digits.parse().unwrap_or(0)));
            digits.clear();
        }
        word.push(c);
    }
    key.push((word, digits.parse().unwrap_or(0)));
    key
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_sort_as_people_count() {
        let mut names = ["b10.jpg", "B2.jpg", "a.jpg", "b2-1.jpg"];
        names.sort_by_key(|name| natural(name));
        assert_eq!(names, ["a.jpg", "b2-1.jpg", "B2.jpg", "b10.jpg"]);
    }
}
