//! One hot folder: what lies in it, and which of it is ready to be accepted.
//!
//! Owns: a manifest is handed on only when it has settled, is whole, and every picture that it names is there, or has
//! been waited for. In a folder of `images: library` manifests lie in the folder itself; with `beside` they lie in it or
//! in its sub-folders, each with its pictures.

mod shown;

use std::collections::{BTreeSet, HashMap, HashSet};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};

use super::alone::{Units, is_picture};
use super::batch::Failed;
use super::claim::Stray;
use super::judge::{Around, Pass, Ready};
use super::listing::{self, Dropped, Listing};
use super::mend::Mending;
use super::names;
use super::pictures::{self, Content, Contents, Presence, Tree};
use super::settle::{Look, Settling};
use super::standing::Standing;
use super::state::{DropTrouble, LISTED_MAX, Unnamed, cut};
use super::waiting::{Picture, Waiting};
use crate::model::config::{HotFolder, Images};

/// Parsed manifests that are kept while they wait, by the bytes of their texts.
const KEPT_MAX_BYTES: u64 = 32 * 1024 * 1024;
/// Between two looks that events ask for.
const GAP: Duration = Duration::from_millis(100);
/// How long a claim stands before it is looked into. It stands for moments, while nothing goes wrong.
const CLAIM_STANDS: SignedDuration = SignedDuration::from_mins(10);
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
    /// The next look is asked for by an event.
    is_announced: bool,
    /// A look without an event showed something new.
    unannounced: Option<Instant>,
    missed_events: bool,
    standing: Standing,
    /// Drops without a manifest.
    units: Units,
    unnamed: (Vec<Unnamed>, usize),
    never: Vec<String>,
    /// Claims of other servers that have stood for long.
    claimed_elsewhere: Vec<DropTrouble>,
    /// Claims of ours that have stood for long.
    strays: Vec<Stray>,
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
            is_announced: false,
            unannounced: None,
            missed_events: false,
            standing: Standing::default(),
            units: Units::default(),
            unnamed: (Vec::new(), 0),
            never: Vec::new(),
            claimed_elsewhere: Vec::new(),
            strays: Vec::new(),
            problems: Vec::new(),
        }
    }

    /// An event speaks of this folder, or a file changed while it was being taken.
    pub(super) fn hint(&mut self, now: Instant) {
        self.unannounced = None;
        self.is_announced = true;
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

    /// One that was ready could not be accepted; it is tried again in a while, and nothing else waits for it.
    pub(super) fn failed(&mut self, ready: &Ready, failed: &Failed, now: Instant, wall: Timestamp) {
        let troubles = match self.waiting.get_mut(&ready.path) {
            Some(waiting) => Some(&mut waiting.troubles),
            None => self.units.troubles(&ready.below),
        };
        match (troubles, &failed.picture) {
            (Some(troubles), Some(picture)) => troubles.picture_failed(picture, failed.why.clone(), now, wall),
            (Some(troubles), None) => troubles.failed(&failed.why, now, wall),
            (None, _) => {}
        }
    }

    pub(super) fn problem(&mut self, text: String) {
        if !self.problems.contains(&text) {
            self.problems.push(text);
        }
    }

    /// The pictures that a job lacks, and that lie here, cannot be brought to it now; they are looked at again then.
    pub(super) fn cannot_mend(&mut self, job: &str, why: &dyn std::fmt::Display, again: Instant) {
        self.problem(format!("pictures of job {job} cannot be taken now: {why}"));
        self.due = Some(self.due.map_or(again, |due| due.min(again)));
    }

    /// Whether another waiting manifest names the picture too.
    pub(super) fn is_shared(&self, picture: &Path) -> bool {
        self.named_by.get(picture).is_some_and(|n| *n > 1)
    }

    /// A manifest is about to be taken: others need not leave its pictures to it.
    pub(super) fn lets_go(&mut self, ready: &Ready) {
        for picture in of(ready) {
            if let Some(n) = self.named_by.get_mut(picture) {
                *n = n.saturating_sub(1);
            }
        }
    }

    /// It was not taken after all.
    pub(super) fn needs(&mut self, ready: &Ready) {
        for picture in of(ready) {
            *self.named_by.entry(picture.clone()).or_default() += 1;
        }
    }

    pub(super) fn taken(&mut self, ready: &Ready) {
        self.waiting.remove(&ready.path);
    }

    /// What lies here, settled and whole, of what a job lacks; `None` while some of it may still be written. What a waiting
    /// manifest names is that one's.
    pub(super) fn found_for(&mut self, mending: &Mending, around: &Around<'_>) -> Option<Vec<Picture>> {
        let is_there = around.places.unmounted(&self.settings.folder).is_none();
        let listed = is_there.then(|| listing::list(&self.settings.folder, true).ok()).flatten();
        let Some(mut listing) = listed else { return Some(Vec::new()) };
        listing.files.retain(|file| !around.leftovers.holds(&file.path, &file.stamp));
        let tree = Tree::new(&listing, around.config);
        // The order's own folder went with its content.
        let folder = if tree.has_folder(&mending.below) { mending.below.as_str() } else { "" };
        let (now, settle) = (around.now, self.settings.settle);
        let (mut found, mut again) = (Vec::new(), None);
        self.contents.begin();
        for named in &mending.named {
            let Presence::There(file, input) = tree.find(folder, named) else { continue };
            if self.named_by.contains_key(&file.path) {
                continue;
            }
            let look = self.settling.known(&file.path, &file.stamp);
            let at = match look.filter(|look| look.is_settled(settle, now)) {
                None => Some(look.map_or(now + settle, |look| look.settled_at(settle))),
                Some(look) => match self.contents.look(file, named) {
                    Content::Whole => {
                        found.push(Picture { from: file.path.clone(), stamp: file.stamp, input, stays: false });
                        None
                    }
                    Content::Later => Some(now),
                    Content::Spoilt(_) => {
                        Some(look.settled_at(self.settings.complete_within)).filter(|given_up| *given_up > now)
                    }
                    Content::Unreadable(_) => None,
                },
            };
            again = [again, at].into_iter().flatten().min();
        }
        self.look_again(again, now);
        again.is_none().then_some(found)
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
        let is_earlier = |file: &mut Dropped| around.leftovers.holds(&file.path, &file.stamp);
        listing.earlier = listing.files.extract_if(.., is_earlier).collect();
        let looks = self.settle(&listing, around, is_first);
        self.note_claims(&listing, &looks, around);
        self.standing.note(&listing, self.settings.settle, now);
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
        let is_waited_for = |path: &Path| {
            looks.contains_key(path)
                || listing.earlier.iter().any(|file| file.path == path)
                || self.waiting.values().any(|w| w.waits_for(path))
        };
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
        for file in listing.files.iter().chain(&listing.passing).chain(&listing.claims) {
            let look = self.settling.look(&file.path, file.stamp, around.now, around.wall);
            is_new |= look.is_new && !names::is_ours(file.name());
            looks.insert(file.path.as_path(), look);
        }
        self.settling.end();
        self.never.clone_from(&listing.never);
        let is_announced = std::mem::take(&mut self.is_announced);
        if self.unannounced.take_if(|at| around.now >= *at + EVENT_LATENCY).is_some() {
            self.missed_events = true;
        } else if is_new && is_announced {
            // They come, also if one was missed before.
            self.missed_events = false;
        } else if is_new && !is_first && self.polling.is_none() {
            self.unannounced.get_or_insert(around.now);
        }
        looks
    }

    /// The sub-folders of a drop that stay when they are empty.
    pub(super) fn kept_folders(&self, ready: &Ready) -> Vec<PathBuf> {
        let root = self.settings.folder.as_path();
        let files = ready.pictures.iter().map(|picture| &picture.from).chain([&ready.path]);
        let folders = files.flat_map(|file| file.ancestors().skip(1).take_while(|folder| *folder != root));
        let kept: BTreeSet<&Path> = folders.filter(|folder| self.standing.keeps(&below(root, folder))).collect();
        kept.into_iter().map(Path::to_path_buf).collect()
    }

    /// A server that lives has removed its claims within moments.
    fn note_claims(&mut self, listing: &Listing, looks: &HashMap<&Path, Look>, around: &Around<'_>) {
        self.claimed_elsewhere.clear();
        self.strays.clear();
        for file in &listing.claims {
            let Some((spool, job)) = names::claim_of(file.name()) else { continue };
            let Some(look) = looks.get(file.path.as_path()) else { continue };
            // By our own clock: that of a share may be off, and its files need not say when they were renamed.
            let since = look.first;
            if around.wall.duration_since(since) < CLAIM_STANDS {
                continue;
            }
            let stray = Stray { path: file.path.clone(), job };
            if spool == around.spool {
                self.strays.push(stray);
                continue;
            }
            let command = stray.command();
            let why = format!(
                "was taken by another server (spool {spool}), which has not come to its end: if that server is gone for \
                 good, `{command}` gives it back"
            );
            self.claimed_elsewhere.push(DropTrouble { name: file.below.clone(), why, since });
        }
    }

    pub(super) fn take_strays(&mut self) -> Vec<Stray> {
        std::mem::take(&mut self.strays)
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
        // Of claims, those that may come back: not those of jobs whose drop is being cleared.
        let is_open =
            |claim: &&Dropped| names::claim_of(claim.name()).is_some_and(|(_, job)| !around.leftovers.is_of(&job));
        let claimed: Vec<PathBuf> =
            listing.claims.iter().filter(is_open).flat_map(|claim| pass.pictures_of_claim(claim)).collect();
        let again = pass.end();
        self.look_again(again, around.now);
        self.waiting.retain(|_, waiting| waiting.pass == self.pass);
        self.named_by.clear();
        for (picture, _) in self.waiting.values().filter(|w| w.names_pictures()).flat_map(|w| &w.there) {
            *self.named_by.entry(picture.clone()).or_default() += 1;
        }
        for picture in claimed {
            *self.named_by.entry(picture).or_default() += 1;
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
            (!is_known).then(|| Unnamed { name: file.below.clone(), since: since(file, *look) })
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
}

/// The pictures of a drop, each once.
fn of(ready: &Ready) -> HashSet<&PathBuf> {
    ready.pictures.iter().map(|picture| &picture.from).collect()
}

fn below(folder: &Path, path: &Path) -> String {
    path.strip_prefix(folder).unwrap_or(path).to_string_lossy().replace('\\', "/")
}

/// Since when it has lain there. The disk's word outlives a restart of ours; where its clock is ahead, ours counts.
fn since(file: &Dropped, look: Look) -> Timestamp {
    file.entered.map_or(look.first, |entered| entered.min(look.first))
}

fn unreachable(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "it is not there; it is never made, because a drive may be missing".to_string(),
        io::ErrorKind::NotADirectory => "it is not a folder".to_string(),
        _ => error.to_string(),
    }
}
