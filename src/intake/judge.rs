//! One pass over the manifests of a hot folder: which are ready, and when to look at the others again.
//!
//! Owns the order of the questions: settled, read, its done file there, whole, its pictures there. Must not change the
//! disk.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::Matcher;
use super::claim::Stray;
use super::clear::Leftovers;
use super::library::Finder;
use super::listing::{Dropped, Listing};
use super::names;
use super::pictures::{self, Contents, Presence, Tree};
use super::reading::{self, Content, Reading, Unreadable};
use super::same::NotRead;
use super::settle::Look;
use super::waiting::{Judgement, Picture, Waiting};
use crate::model::config::{Config, HotFolder, Images};
use crate::model::manifest::{Action, Kind, Manifest};
use crate::model::name::{RelPath, quoted};
use crate::plan::frozen::Verdict;
use crate::spool::job::{Left, Stamp};
use crate::spool::places::Places;

/// Most manifests that one look hands on, so that the first of a large drop are at work while the rest comes.
const READY_MAX: usize = 64;
/// Before a file that was just changing is looked at again.
const CHANGED_PAUSE: Duration = Duration::from_millis(100);

/// What a look needs of the world around the folder.
#[derive(Clone, Copy)]
pub(super) struct Around<'a> {
    pub(super) config: &'a Config,
    pub(super) matcher: &'a dyn Matcher,
    pub(super) places: &'a Places,
    pub(super) leftovers: &'a Leftovers,
    /// The id of our spool.
    pub(super) spool: &'a str,
    pub(super) now: Instant,
    pub(super) wall: Timestamp,
}

/// A drop that is whole.
#[derive(Debug)]
pub(super) struct Ready {
    pub(super) path: PathBuf,
    /// Below the hot folder.
    pub(super) below: String,
    pub(super) stamp: Stamp,
    pub(super) sha256: String,
    pub(super) manifest: Option<Arc<Manifest>>,
    /// Of one that is no manifest.
    pub(super) unreadable: Option<Unreadable>,
    /// Of pictures without a manifest: the one that they get.
    pub(super) text: Option<Vec<u8>>,
    pub(super) pictures: Vec<Picture>,
    pub(super) done_file: Option<(PathBuf, Stamp)>,
    /// Why it ends as cancelled before it was begun.
    pub(super) overtaken: Option<String>,
    /// Pictures that it names and that cannot come along.
    pub(super) left: Vec<Left>,
}

/// Whose a manifest is. Those of one record become jobs in the order in which they came.
pub(super) type Of = (Kind, String);

impl Ready {
    pub(super) fn of(&self) -> Option<Of> {
        self.manifest.as_ref().map(|manifest| (manifest.kind, manifest.record.clone()))
    }

    pub(super) fn name(&self) -> &str {
        self.below.rsplit_once('/').map_or(&self.below, |(_, name)| name)
    }

    /// The record, as far as it can be told.
    pub(super) fn record(&self) -> String {
        if let Some(manifest) = &self.manifest {
            return manifest.record.clone();
        }
        let guessed = self.unreadable.as_ref().and_then(|u| u.record.clone());
        guessed.unwrap_or_else(|| names::stem(self.name()).to_string())
    }
}

/// One pass, and what it needs for every manifest.
pub(super) struct Pass<'a> {
    hot_folder: &'a HotFolder,
    around: &'a Around<'a>,
    looks: HashMap<&'a Path, Look>,
    done_files: HashMap<&'a str, &'a Dropped>,
    /// For `images: beside`.
    tree: Option<Tree<'a>>,
    /// For `images: library`.
    finder: Option<Finder<'a>>,
    contents: &'a mut Contents,
    ready: usize,
    again: Option<Instant>,
    /// What cannot be accepted now, and what it is called: later ones of its record wait behind it.
    stuck: HashMap<Of, String>,
}

/// It is not ready: why, and when to look again; without a time at the next scan.
struct NotYet {
    why: String,
    again: Option<Instant>,
}

impl NotYet {
    fn until(why: impl Into<String>, again: Instant) -> Step {
        Step::NotYet(NotYet { why: why.into(), again: Some(again) })
    }
}

/// Where the questions end.
enum Step {
    Ready(Box<Ready>),
    NotYet(NotYet),
    /// It has said itself what it waits for.
    Waits(Instant),
    NotRead(NotRead),
}

impl<'a> Pass<'a> {
    pub(super) fn new(
        hot_folder: &'a HotFolder,
        around: &'a Around<'a>,
        listing: &'a Listing,
        looks: HashMap<&'a Path, Look>,
        contents: &'a mut Contents,
    ) -> Pass<'a> {
        let beside = hot_folder.images == Images::Beside;
        let is_done_file = |file: &&Dropped| hot_folder.done_file && names::is_done_file(file.name());
        let done_files = listing.files.iter().filter(is_done_file).map(|f| (f.below.as_str(), f)).collect();
        Pass {
            hot_folder,
            around,
            looks,
            done_files,
            tree: beside.then(|| Tree::new(listing, around.config)),
            finder: around
                .config
                .library
                .as_ref()
                .filter(|_| !beside)
                .map(|library| Finder::new(library, around.places)),
            contents,
            ready: 0,
            again: None,
            stuck: HashMap::new(),
        }
    }

    /// When to look again.
    pub(super) fn end(self) -> Option<Instant> {
        self.again
    }

    /// Decides about one manifest, and notes what it waits for.
    pub(super) fn judge(&mut self, waiting: &mut Waiting, file: &Dropped, look: Look) -> Option<Ready> {
        let (why, again) = match self.ask(waiting, file, look) {
            Step::Ready(ready) => {
                self.ready += 1;
                waiting.waits("it is being accepted", Vec::new());
                return Some(*ready);
            }
            Step::Waits(again) => {
                self.look_again(again);
                return None;
            }
            Step::NotYet(NotYet { why, again }) => (why, again),
            Step::NotRead(NotRead::Changed) => ("it is changing".to_string(), Some(self.around.now + CHANGED_PAUSE)),
            Step::NotRead(NotRead::Failed(e)) => {
                waiting.troubles.cannot_read(&e, self.around.wall);
                (format!("it cannot be read: {e}"), None)
            }
        };
        if let Some(again) = again {
            self.look_again(again);
        }
        waiting.waits(why, Vec::new());
        None
    }

    fn look_again(&mut self, at: Instant) {
        self.again = Some(self.again.map_or(at, |again| again.min(at)));
    }

    fn ask(&mut self, waiting: &mut Waiting, file: &Dropped, look: Look) -> Step {
        let (now, settle) = (self.around.now, self.hot_folder.settle);
        let settled = look.is_settled(settle, now);
        // A large drop is read as it is taken, unless pictures may be shared: then it must be known who names which.
        let has_turn = self.ready < READY_MAX;
        if (settled && has_turn) || self.tree.is_some() {
            let read = self.read(waiting, file, !settled);
            if let Some(tree) = &self.tree
                && !(settled && has_turn)
            {
                waiting.note_pictures(file.folder(), tree);
            }
            match read {
                Err(e) if settled => return Step::NotRead(e),
                Err(_) => {}
                Ok(()) => waiting.troubles.can_read(),
            }
        }
        if !settled {
            return NotYet::until("it may still be changing", look.settled_at(settle));
        }
        let done_file = self.done_files.get(format!("{}{}", file.below, names::DONE).as_str()).copied();
        if self.hot_folder.done_file && done_file.is_none() {
            let why = format!("{} is not there yet", quoted(&format!("{}{}", file.name(), names::DONE)));
            return Step::NotYet(NotYet { why, again: None });
        }
        if !has_turn {
            return NotYet::until("others are being accepted first", now);
        }
        if let Some(until) = waiting.grows_until(look, self.hot_folder)
            && now < until
        {
            return NotYet::until("the text ends too early; it may still be growing", until);
        }
        if let Some(why) = waiting.reading.as_ref().and_then(|r| r.elsewhere.clone()) {
            return Step::NotYet(NotYet { why, again: None });
        }
        let of = waiting.reading.as_ref().and_then(|r| r.of.clone());
        if let Some(first) = of.as_ref().and_then(|of| self.stuck.get(of)) {
            let why = format!("{first}, an earlier one of its record, cannot be accepted now");
            return Step::NotYet(NotYet { why, again: None });
        }
        if let Some((again, why)) = waiting.troubles.pause(now) {
            self.stuck.extend(of.map(|of| (of, quoted(&file.below))));
            return NotYet::until(why, again);
        }
        match self.pictures(waiting, file) {
            Err(e) => Step::NotRead(e),
            Ok(Judgement::Wait(again)) => {
                waiting.troubles.is_not_ready();
                match self.again(waiting, file) {
                    Some(pictures) => ready(waiting, file, pictures, Vec::new(), done_file),
                    None => Step::Waits(again),
                }
            }
            Ok(Judgement::Ready(pictures, left)) => ready(waiting, file, pictures, left, done_file),
        }
    }

    /// Reads the file unless that was done. What was read early is read again: it had not settled.
    fn read(&mut self, waiting: &mut Waiting, file: &Dropped, early: bool) -> Result<(), NotRead> {
        if waiting.reading.as_ref().is_some_and(|r| r.stamp == file.stamp && (early || !r.early)) {
            return Ok(());
        }
        waiting.reading = None;
        let mut reading = reading::read(file)?;
        reading.early = early;
        if let Content::Whole(Some(manifest)) = &reading.content {
            reading.elsewhere = location_elsewhere(manifest.location.as_deref(), self.hot_folder, self.around.config);
            reading.of = Some((manifest.kind, manifest.record.clone()));
            reading.is_reprint = manifest.action == Action::Reprint;
            reading.runs = self.around.matcher.freeze(manifest, self.hot_folder).verdict == Verdict::Run;
            if reading.runs && self.tree.is_some() {
                reading.named = pictures::named(manifest);
            }
        }
        waiting.reading = Some(reading);
        Ok(())
    }

    /// What makes nothing takes only itself; for the others their pictures are looked for.
    fn pictures(&mut self, waiting: &mut Waiting, file: &Dropped) -> Result<Judgement, NotRead> {
        let Some(reading) = waiting.reading.as_mut().filter(|r| r.runs) else {
            return Ok(Judgement::Ready(Vec::new(), Vec::new()));
        };
        if let Some(tree) = &self.tree {
            let folder = file.folder();
            if reading.is_reprint {
                waiting.of_then = reading.manifest(file)?.and_then(|m| self.around.matcher.pictures_of_then(&m));
            }
            return Ok(waiting.judge_beside(folder, tree, &self.looks, self.contents, self.hot_folder, self.around));
        }
        let (Some(finder), Some(manifest)) = (&mut self.finder, reading.manifest(file)?) else {
            return Ok(Judgement::Ready(Vec::new(), Vec::new()));
        };
        Ok(waiting.judge_library(&manifest, finder, &mut self.contents.ends, self.hot_folder, self.around))
    }
}

impl Pass<'_> {
    /// The pictures that a claimed manifest names. It may come back, and then it needs them.
    pub(super) fn pictures_of_claim(&self, claim: &Dropped) -> Vec<PathBuf> {
        let stray = names::claim_of(claim.name()).map(|(_, job)| Stray { path: claim.path.clone(), job });
        let (Some(tree), Some(stray)) = (&self.tree, stray) else { return Vec::new() };
        let name = stray.own_name().file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let file = Dropped { below: name, ..claim.clone() };
        let Ok(Reading { content: Content::Whole(Some(manifest)), .. }) = reading::read(&file) else {
            return Vec::new();
        };
        let named =
            pictures::named(&manifest).into_iter().filter_map(|named| match tree.find(claim.folder(), &named) {
                Presence::There(file, _) => Some(file.path.clone()),
                Presence::Missing | Presence::Unclear(_) => None,
            });
        named.collect()
    }

    /// What was made before is not waited for: the pictures that are there go with it. Asked once for each arrival.
    fn again(&mut self, waiting: &mut Waiting, file: &Dropped) -> Option<Vec<Picture>> {
        if !waiting.has_news() {
            return None;
        }
        let manifest = waiting.reading.as_mut()?.manifest(file).ok()??;
        let pictures = match &self.tree {
            Some(tree) => waiting.settled_pictures(file.folder(), tree, &self.looks, self.hot_folder, self.around.now),
            None => Vec::new(),
        };
        let there: Vec<(&RelPath, &Path)> = pictures.iter().map(|p| (&p.input, p.from.as_path())).collect();
        self.around.matcher.was_made(&manifest, self.hot_folder, &there).then_some(pictures)
    }
}

/// Servers of several locations may watch one folder: each takes its own, and what names no location.
pub(super) fn location_elsewhere(named: Option<&str>, hot_folder: &HotFolder, config: &Config) -> Option<String> {
    let taken = config.server.locations.as_ref()?;
    let location = named.or(hot_folder.location.as_deref())?.trim();
    let is_taken = taken.iter().any(|name| name.trim().to_lowercase() == location.to_lowercase());
    (!is_taken).then(|| format!("it is for {}, which is not among `server.locations`", quoted(location)))
}

fn ready(
    waiting: &mut Waiting,
    file: &Dropped,
    pictures: Vec<Picture>,
    left: Vec<Left>,
    done: Option<&Dropped>,
) -> Step {
    let Some(reading) = &mut waiting.reading else { return Step::NotRead(NotRead::Changed) };
    let manifest = match reading.manifest(file) {
        Ok(manifest) => manifest,
        Err(e) => return Step::NotRead(e),
    };
    Step::Ready(Box::new(Ready {
        path: file.path.clone(),
        below: file.below.clone(),
        stamp: file.stamp,
        sha256: reading.sha256.clone(),
        manifest,
        unreadable: reading.unreadable(),
        text: None,
        pictures,
        done_file: done.map(|d| (d.path.clone(), d.stamp)),
        overtaken: None,
        left,
    }))
}

impl Reading {
    fn unreadable(&self) -> Option<Unreadable> {
        match &self.content {
            Content::Whole(_) => None,
            Content::CutOff(unreadable) | Content::Wrong(unreadable) => Some(unreadable.clone()),
        }
    }
}
