//! One hot folder: what lies in it, and which of it is ready to be accepted.
//!
//! Owns: a manifest is handed on only when it has settled, is whole, and every picture that it names is there, or has
//! been waited for. In a folder of `images: library` manifests lie in the folder itself; with `beside` they lie in it or
//! in its sub-folders, each with its pictures.

use std::collections::{HashMap, HashSet};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::alone::{Units, is_picture};
use super::judge::{Around, Pass, Ready};
use super::listing::{self, Dropped, Listing};
use super::names;
use super::pictures::{self, Contents};
use super::settle::{Look, Settling};
use super::state::{FolderState, LISTED_MAX, MISSING_MAX, Mode, Unnamed, WaitingManifest, cut};
use super::waiting::Waiting;
use crate::model::config::{HotFolder, Images};
use crate::model::name::quoted;

/// Parsed manifests that are kept while they wait, by the bytes of their texts.
const KEPT_MAX_BYTES: u64 = 32 * 1024 * 1024;
/// Between two looks that events ask for.
const GAP: Duration = Duration::from_millis(100);
/// How long after an arrival its event may come.
const EVENT_LATENCY: Duration = Duration::from_secs(1);

/// A hot folder and what is known of it.
#[derive(Debug)]
pub(super) struct Folder {
    pub(super) settings: HotFolder,
    settling: Settling,
    contents: Contents,
    pub(super) waiting: HashMap<PathBuf, Waiting>,
    /// How many waiting manifests name a picture.
    named_by: HashMap<PathBuf, usize>,
    pass: u64,
    pub(super) due: Option<Instant>,
    last: Option<Instant>,
    unreachable: Option<(Timestamp, String)>,
    /// Why there are no events.
    polling: Option<String>,
    /// A look without an event showed something new.
    unannounced: Option<Instant>,
    missed_events: bool,
    /// Drops without a manifest.
    units: Units,
    unnamed: (Vec<Unnamed>, usize),
    never: Vec<String>,
    problems: Vec<String>,
}

impl Folder {
    pub(super) fn new(settings: HotFolder) -> Folder {
        Folder {
            settings,
            settling: Settling::default(),
            contents: Contents::default(),
            waiting: HashMap::new(),
            named_by: HashMap::new(),
            pass: 0,
            due: None,
            last: None,
            unreachable: None,
            polling: None,
            unannounced: None,
            missed_events: false,
            units: Units::default(),
            unnamed: (Vec::new(), 0),
            never: Vec::new(),
            problems: Vec::new(),
        }
    }

    /// An event speaks of this folder, or a file changed while it was being taken.
    pub(super) fn hint(&mut self, now: Instant) {
        self.unannounced = None;
        // A writer in small pieces makes thousands of events.
        let at = self.last.map_or(now, |last| (last + GAP).max(now));
        self.due = Some(self.due.map_or(at, |due| due.min(at)));
    }

    pub(super) fn set_polling(&mut self, reason: Option<&String>) {
        self.polling = reason.cloned();
    }

    /// What was parsed under another config is read again.
    pub(super) fn forget_readings(&mut self) {
        self.waiting.clear();
        self.named_by.clear();
        self.units = Units::default();
        self.due = None;
    }

    pub(super) fn is_due(&self, now: Instant) -> bool {
        self.due.is_none_or(|due| due <= now)
    }

    /// Something stands in the way, and the drop stays where it is: of all drops until then, or of this one.
    pub(super) fn cannot_accept(&mut self, manifest: &str, why: &dyn std::fmt::Display, until: Option<Instant>) {
        self.problem(format!("{} cannot be accepted now: {why}", quoted(manifest)));
        self.due = until.or(self.due);
    }

    fn problem(&mut self, text: String) {
        if !self.problems.contains(&text) {
            self.problems.push(text);
        }
    }

    pub(super) fn problems(&self) -> &[String] {
        &self.problems
    }

    /// Whether another waiting manifest names the picture too.
    pub(super) fn is_shared(&self, picture: &Path) -> bool {
        self.named_by.get(picture).is_some_and(|n| *n > 1)
    }

    /// A manifest was taken: it does not name its pictures any more.
    pub(super) fn taken(&mut self, ready: &Ready) {
        self.waiting.remove(&ready.path);
        let pictures: HashSet<&PathBuf> = ready.pictures.iter().map(|p| &p.from).collect();
        for picture in pictures {
            if let Some(n) = self.named_by.get_mut(picture) {
                *n = n.saturating_sub(1);
            }
        }
    }

    /// One look. What is ready comes in the order in which it came to the folder.
    pub(super) fn look(&mut self, around: &Around<'_>) -> Vec<Ready> {
        let now = around.now;
        self.problems.clear();
        let is_first = self.last.replace(now).is_none();
        self.due = Some(now + self.settings.scan);
        let deep = self.settings.images != Images::Library;
        let listed = match around.places.unmounted(&self.settings.folder) {
            Some(why) => Err(why),
            None => listing::list(&self.settings.folder, deep).map_err(|e| unreachable(&e)),
        };
        let mut listing = match listed {
            Ok(listing) => listing,
            Err(reason) => {
                let since = self.unreachable.as_ref().map_or(around.wall, |(since, _)| *since);
                self.problem(format!("{} cannot be reached: {reason}", self.settings.folder.display()));
                self.unreachable = Some((since, reason));
                return Vec::new();
            }
        };
        let is_first = is_first || self.unreachable.take().is_some();
        listing.files.retain(|file| !around.leftovers.holds(&file.path, &file.stamp));
        let looks = self.settle(&listing, around, is_first);
        let types = pictures::types(around.config);
        self.contents.begin();
        let ready = if self.settings.images == Images::Alone {
            let found = self.units.look(&self.settings, &listing, &types, &looks, &mut self.contents.ends, around);
            self.problems = found.problems;
            self.look_again(found.again, now);
            found.ready
        } else {
            self.judge_all(&listing, looks.clone(), around)
        };
        let is_waited_for = |path: &Path| looks.contains_key(path) || self.waiting.values().any(|w| w.waits_for(path));
        self.contents.end(is_waited_for);
        self.list_unnamed(&listing, &looks, &types, now);
        if listing.is_cut {
            let more = "it holds more entries than are looked at; the rest is seen when some of it is gone";
            self.problem(more.to_string());
        }
        ready
    }

    fn look_again(&mut self, at: Option<Instant>, now: Instant) {
        if let Some(at) = at {
            self.due = Some(self.due.map_or(at, |due| due.min(at)).max(now));
        }
    }

    fn settle<'l>(&mut self, listing: &'l Listing, around: &Around<'_>, is_first: bool) -> HashMap<&'l Path, Look> {
        let mut looks = HashMap::with_capacity(listing.files.len());
        self.settling.begin();
        let mut is_new = false;
        for file in listing.files.iter().chain(&listing.passing) {
            let look = self.settling.look(&file.path, file.stamp, around.now, around.wall);
            is_new |= look.is_new;
            looks.insert(file.path.as_path(), look);
        }
        self.settling.end();
        self.never.clone_from(&listing.never);
        if self.unannounced.is_some_and(|at| around.now >= at + EVENT_LATENCY) {
            self.missed_events = true;
        } else if is_new && !is_first && self.polling.is_none() {
            self.unannounced.get_or_insert(around.now);
        }
        looks
    }

    /// What is ready, in the order in which it came.
    fn judge_all(&mut self, listing: &Listing, looks: HashMap<&Path, Look>, around: &Around<'_>) -> Vec<Ready> {
        self.pass += 1;
        let mut candidates: Vec<(&Dropped, Look)> = listing
            .files
            .iter()
            .filter(|file| self.is_manifest(file))
            .filter_map(|file| Some((file, *looks.get(file.path.as_path())?)))
            .collect();
        candidates.sort_by_key(|(file, look)| (look.first, file.stamp.modified_ns, &file.below));
        let mut pass = Pass::new(&self.settings, around, listing, looks, &mut self.contents);
        let mut ready = Vec::new();
        for (file, look) in candidates {
            let mut waiting = match self.waiting.remove(&file.path) {
                Some(waiting) if waiting.stamp == file.stamp => waiting,
                _ => Waiting::new(file, look),
            };
            waiting.pass = self.pass;
            ready.extend(pass.judge(&mut waiting, file, look));
            self.waiting.insert(file.path.clone(), waiting);
        }
        let (again, problems) = pass.end();
        self.problems = problems;
        self.look_again(again, around.now);
        self.waiting.retain(|_, waiting| waiting.pass == self.pass);
        self.named_by.clear();
        for (picture, _) in self.waiting.values().filter(|w| w.names_pictures()).flat_map(|w| &w.there) {
            *self.named_by.entry(picture.clone()).or_default() += 1;
        }
        self.save_memory();
        ready
    }

    fn is_manifest(&self, file: &Dropped) -> bool {
        let name = file.name();
        let is_done_file = self.settings.done_file && names::is_done_file(name);
        self.settings.match_.matches(name) && !is_done_file
    }

    /// What nobody waits for, for the operator.
    fn list_unnamed(&mut self, listing: &Listing, looks: &HashMap<&Path, Look>, types: &[String], now: Instant) {
        let alone = self.settings.images == Images::Alone;
        let is_known = |file: &Dropped| {
            let is_done_file = self.settings.done_file && names::is_done_file(file.name());
            is_done_file || self.is_manifest(file) || self.named_by.contains_key(&file.path)
        };
        let is_idle = |file: &Dropped| {
            let is_known = if alone { is_picture(file, types) } else { is_known(file) };
            let look = looks.get(file.path.as_path()).filter(|l| l.is_settled(self.settings.settle, now))?;
            // The disk's word outlives a restart of ours; where its clock is ahead, ours counts.
            let since = file.entered.map_or(look.first, |entered| entered.min(look.first));
            (!is_known).then(|| Unnamed { name: file.below.clone(), since })
        };
        let mut unnamed: Vec<Unnamed> = listing.files.iter().filter_map(is_idle).collect();
        unnamed.sort_by(|a, b| (a.since, &a.name).cmp(&(b.since, &b.name)));
        self.unnamed = cut(unnamed, LISTED_MAX);
    }

    /// Ten thousand waiting manifests must not fill the memory; those that are let go are parsed again when needed.
    fn save_memory(&mut self) {
        let mut kept = 0;
        for waiting in self.waiting.values_mut() {
            kept += waiting.stamp.bytes;
            if kept > KEPT_MAX_BYTES
                && let Some(reading) = &mut waiting.reading
            {
                reading.drop_manifest();
            }
        }
    }

    pub(super) fn state(&self) -> FolderState {
        let mode = match (&self.unreachable, &self.polling) {
            (Some((since, reason)), _) => Mode::Unreachable { since: *since, reason: reason.clone() },
            (None, Some(reason)) => Mode::Polling { reason: reason.clone() },
            (None, None) if self.missed_events => Mode::Polling { reason: "events were missed".to_string() },
            (None, None) => Mode::Events,
        };
        let mut waiting: Vec<WaitingManifest> = self.waiting.iter().map(|(path, w)| self.told(path, w)).collect();
        waiting.extend(self.units.waiting());
        waiting.sort_by(|a, b| (a.since, &a.name).cmp(&(b.since, &b.name)));
        let (waiting, waiting_more) = cut(waiting, LISTED_MAX);
        FolderState {
            name: self.settings.name.clone(),
            path: self.settings.folder.clone(),
            mode,
            waiting,
            waiting_more,
            unnamed: self.unnamed.0.clone(),
            unnamed_more: self.unnamed.1,
            never: self.never.iter().take(LISTED_MAX).cloned().collect(),
            problems: self.problems.clone(),
        }
    }

    fn told(&self, path: &Path, waiting: &Waiting) -> WaitingManifest {
        let below = path.strip_prefix(&self.settings.folder).unwrap_or(path);
        let (missing, missing_more) = cut(waiting.missing.clone(), MISSING_MAX);
        WaitingManifest {
            name: below.to_string_lossy().replace('\\', "/"),
            since: waiting.first,
            missing,
            missing_more,
            why: waiting.why.clone(),
        }
    }
}

fn unreachable(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "it is not there; it is never made, because a drive may be missing".to_string(),
        io::ErrorKind::NotADirectory => "it is not a folder".to_string(),
        _ => error.to_string(),
    }
}
