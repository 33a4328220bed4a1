//! Acceptance: from a drop that is whole to a job in `pending/`.
//!
//! Owns: nothing leaves the drop folder here. The job is built in `tmp/`, every file is looked at again when it has been
//! taken, everything is on disk, and one rename makes it a job: the accept point. Whatever fails before it removes only
//! our side.

use std::collections::HashMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::judge::Ready;
use super::names;
use super::same::{self, NotRead};
use super::{Matcher, Start};
use crate::model::checks::Checks;
use crate::model::config::{Config, HotFolder, Images};
use crate::model::digest;
use crate::model::limits::{ASSET_MAX_BYTES, MANIFEST_MAX_BYTES};
use crate::model::manifest::Action;
use crate::model::name::RelPath;
use crate::plan::frozen::{Frozen, FrozenAsset, FrozenStudio, Verdict};
use crate::spool::durable::{self, DurableError, Unsynced, Written};
use crate::spool::job::{JobFile, JobId, RecordError, Stamp, Taken, file};
use crate::spool::queue::{Spool, SpoolError};
use crate::spool::retention;

/// The code of a manifest that cannot be read.
const INVALID: &str = "invalid_manifest";
/// How often another id is tried.
const IDS_MAX: u32 = 1_000;

/// Why a drop was not taken this time. It lies where it lay.
#[derive(Debug, thiserror::Error)]
pub(super) enum NotNow {
    #[error("it changed while it was being taken")]
    Changed,
    #[error(transparent)]
    Disk(#[from] DurableError),
    #[error(transparent)]
    Spool(#[from] SpoolError),
    #[error("cannot read {}: {source}", path.display())]
    Read { path: PathBuf, source: std::io::Error },
    /// It is this file's own.
    #[error("cannot take {}: {source}", path.display())]
    Dropped { path: PathBuf, source: std::io::Error },
    #[error("the record {0} cannot be written as JSON: {1}")]
    Form(&'static str, serde_json::Error),
    #[error("{0}")]
    Record(#[from] RecordError),
    #[error("no free job id was found in {IDS_MAX} tries")]
    NoId,
}

impl NotNow {
    /// The file in the drop folder that it is about, if it is about one.
    pub(super) fn file(&self) -> Option<&Path> {
        match self {
            NotNow::Dropped { path, .. } | NotNow::Read { path, .. } => Some(path),
            _ => None,
        }
    }

    /// Whether it is the spool's, and may well stop every other drop too.
    pub(super) fn is_ours(&self) -> bool {
        matches!(self, NotNow::Disk(_) | NotNow::Spool(_) | NotNow::NoId)
    }

    /// The place in the job is another file's, or cannot be one.
    fn placed(path: &Path) -> impl FnOnce(DurableError) -> NotNow {
        move |error| match error.source.kind() {
            ErrorKind::AlreadyExists | ErrorKind::NotADirectory | ErrorKind::InvalidFilename => {
                NotNow::Dropped { path: path.to_path_buf(), source: error.source }
            }
            _ => NotNow::Disk(error),
        }
    }

    fn read(path: &Path) -> impl FnOnce(NotRead) -> NotNow {
        move |error| match error {
            NotRead::Changed => NotNow::Changed,
            NotRead::Failed(source) => NotNow::Dropped { path: path.to_path_buf(), source },
        }
    }
}

/// A drop that is being taken.
pub(super) struct Taking<'a> {
    pub(super) hot_folder: &'a HotFolder,
    pub(super) ready: &'a Ready,
    pub(super) accepted: Timestamp,
    /// Whether another waiting manifest names a picture too.
    pub(super) stays: &'a dyn Fn(&Path) -> bool,
    /// Sub-folders that it came in and that are not its own.
    pub(super) kept_folders: Vec<PathBuf>,
}

/// Builds jobs.
pub(super) struct Acceptance {
    pub(super) spool: Spool,
    pub(super) matcher: Arc<dyn Matcher + Send + Sync>,
    pub(super) studio: FrozenStudio,
    pub(super) zone: TimeZone,
    pub(super) sequence: u64,
    /// Digests of assets, each made once for its size and time.
    pub(super) assets: HashMap<PathBuf, (Stamp, String)>,
}

impl std::fmt::Debug for Acceptance {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Acceptance").field("spool", &self.spool).finish_non_exhaustive()
    }
}

impl Acceptance {
    pub(super) fn new(config: &Config, spool: Spool, matcher: Arc<dyn Matcher + Send + Sync>) -> Acceptance {
        let studio = FrozenStudio {
            name: config.studio.name.clone(),
            copyright: config.studio.copyright.clone(),
            time_zone: config.studio.time_zone.clone(),
            location: None,
        };
        let zone = crate::clock::time_zone(config.studio.time_zone.as_deref());
        Acceptance { spool, matcher, studio, zone, sequence: 0, assets: HashMap::new() }
    }

    /// Another config is in force.
    pub(super) fn reconfigure(&mut self, config: &Config, matcher: Arc<dyn Matcher + Send + Sync>) {
        let Acceptance { spool, sequence, .. } = &*self;
        *self = Acceptance { sequence: *sequence, ..Acceptance::new(config, spool.clone(), matcher) };
    }

    /// Writes one job in `tmp/`; it is not on disk until `unsynced` is synced.
    pub(super) fn stage(&mut self, taking: &Taking<'_>, unsynced: &mut Unsynced) -> Result<JobFile, NotNow> {
        let (id, folder) = self.new_id(taking.ready, taking.accepted)?;
        let mut written = Written::default();
        let staged = self.fill(&id, &folder, taking, &mut written);
        if staged.is_ok() {
            unsynced.add(written);
        } else {
            // What cannot be removed either is wiped at the next start.
            let _ = durable::remove_tree(&folder);
        }
        staged
    }

    fn new_id(&self, ready: &Ready, accepted: Timestamp) -> Result<(JobId, PathBuf), NotNow> {
        let local = accepted.to_zoned(self.zone.clone()).datetime();
        let kind = ready.manifest.as_ref().map_or("unreadable", |m| m.kind.word());
        for attempt in 0..IDS_MAX {
            let mut salt = [0; 2];
            // Without randomness the ids still differ: they are looked up.
            let salt = match getrandom::fill(&mut salt) {
                Ok(()) => u16::from_le_bytes(salt),
                Err(_) => (self.sequence + u64::from(attempt)) as u16,
            };
            let id = JobId::new(&local, kind, &ready.record(), salt);
            let folder = self.spool.tmp().join(id.as_str());
            if folder.exists() || self.spool.find(&id)?.is_some() {
                continue;
            }
            durable::make_scratch_folder(&folder)?;
            return Ok((id, folder));
        }
        Err(NotNow::NoId)
    }

    fn fill(
        &mut self,
        id: &JobId,
        folder: &Path,
        taking: &Taking<'_>,
        written: &mut Written,
    ) -> Result<JobFile, NotNow> {
        let Taking { hot_folder, ready, accepted, stays, .. } = *taking;
        written.folder(folder);
        // Its own entry too: until it is a job, it alone says what a claim was called.
        written.folder(&self.spool.tmp());
        let (manifest_file, mut taken) = if let Some(text) = &ready.text {
            written.file(durable::stage_private(&folder.join(names::OF_PICTURES), text)?);
            (names::OF_PICTURES, Vec::new())
        } else {
            let name = names::in_job_folder(ready.name());
            (name, vec![take_manifest(ready, &folder.join(name), name, written)?])
        };
        for picture in &ready.pictures {
            let inputs = folder.join(file::INPUTS);
            let to = picture.input.below(&inputs);
            make_folders(folder, to.parent().unwrap_or(&inputs), written)?;
            bring(&picture.from, &picture.stamp, &to, written)?;
            let place = RelPath::parse(file::INPUTS).ok().map(|inputs| inputs.join(&picture.input));
            let shared = picture.stays || stays(&picture.from);
            taken.push(Taken { from: picture.from.clone(), stamp: picture.stamp, file: place, shared });
        }
        if let Some((from, stamp)) = &ready.done_file {
            taken.push(Taken { from: from.clone(), stamp: *stamp, file: None, shared: false });
        }

        if let Some(why) = &ready.overtaken {
            written.file(durable::stage_private(&folder.join(file::CANCEL), why.as_bytes())?);
        }
        let (frozen, start) = self.freeze(hot_folder, ready, accepted)?;
        let json = |name, text: serde_json::Result<Vec<u8>>| text.map_err(|e| NotNow::Form(name, e));
        let rules = json(file::RULES, serde_json::to_vec(&frozen))?;
        written.file(durable::stage_private(&folder.join(file::RULES), &rules)?);
        // The last moment before it is a job: whatever changed meanwhile is not what was taken.
        if taken.iter().any(|taken| Stamp::of(&taken.from).ok() != Some(taken.stamp)) {
            return Err(NotNow::Changed);
        }
        self.sequence += 1;
        let manifest = ready.manifest.as_deref();
        let job = JobFile {
            job: id.clone(),
            accepted,
            sequence: self.sequence,
            hot_folder: hot_folder.name.clone(),
            manifest: ready.below.clone(),
            manifest_file: manifest_file.to_string(),
            manifest_sha256: ready.sha256.clone(),
            kind: manifest.map(|m| m.kind),
            record: ready.record(),
            id: manifest.and_then(|m| m.id.clone()),
            taken,
            drop_cleared: false,
            priority: start.priority,
            not_before: start.not_before.filter(|_| ready.overtaken.is_none()),
            hold: start.hold,
            released: false,
            looked_at: false,
            queued_again: None,
            let_go_by: None,
            retries: 0,
            look_again: false,
            lacks: Vec::new(),
            cancels: manifest.is_some_and(|m| m.action == Action::Cancel),
            reprint: 0,
            reprint_of: None,
            answers: std::collections::BTreeMap::new(),
            receipts: hot_folder.receipts.clone(),
            kept_folders: taking.kept_folders.clone(),
            left: ready.left.clone(),
        };
        let record = json(file::JOB, serde_json::to_vec_pretty(&job))?;
        written.file(durable::stage_private(&folder.join(file::JOB), &record)?);
        Ok(job)
    }

    /// What the job keeps of the config, and when it may start.
    fn freeze(
        &mut self,
        hot_folder: &HotFolder,
        ready: &Ready,
        accepted: Timestamp,
    ) -> Result<(Frozen, Start), NotNow> {
        let Some(manifest) = &ready.manifest else {
            let why = ready.unreadable.as_ref().map(|u| u.why.clone()).unwrap_or_default();
            let studio = FrozenStudio { location: hot_folder.location.clone(), ..self.studio.clone() };
            return Ok((rejected(why, studio, hot_folder), Start::default()));
        };
        let mut frozen = self.matcher.freeze(manifest, hot_folder);
        for path in self.matcher.assets(&frozen) {
            // What is kept counts, also where the file was edited since the digest was made.
            let sha256 = self.keep_asset(&path, accepted)?;
            let known = frozen.assets.iter().position(|a| a.path == path).map(|at| frozen.assets.remove(at));
            let tokens = known.map(|asset| asset.tokens).unwrap_or_default();
            frozen.assets.push(FrozenAsset { path, sha256, tokens });
        }
        let start = self.matcher.start(manifest, &frozen, hot_folder, accepted);
        Ok((frozen, start))
    }

    /// Keeps a copy in `assets/` under its digest: a profile that is edited tomorrow must not change today's job.
    fn keep_asset(&mut self, path: &Path, accepted: Timestamp) -> Result<String, NotNow> {
        let read = |source| NotNow::Read { path: path.to_path_buf(), source };
        // The operator's own file: a link is fine.
        let metadata = path.metadata().map_err(read)?;
        let stamp = Stamp::from_metadata(&metadata);
        let kept = |sha256: &str| self.spool.assets().join(sha256);
        if let Some((_, sha256)) =
            self.assets.get(path).filter(|(known, sha256)| *known == stamp && kept(sha256).is_file())
        {
            retention::mark_used(&kept(sha256), accepted)?;
            return Ok(sha256.clone());
        }
        if metadata.len() > ASSET_MAX_BYTES {
            return Err(read(std::io::Error::other(format!("it is larger than {ASSET_MAX_BYTES} bytes"))));
        }
        let bytes = std::fs::read(path).map_err(read)?;
        let sha256 = digest::sha256(&bytes);
        let to = kept(&sha256);
        if to.is_file() {
            retention::mark_used(&to, accepted)?;
        } else {
            durable::replace(&to, &bytes)?;
        }
        self.assets.insert(path.to_path_buf(), (stamp, sha256.clone()));
        Ok(sha256)
    }
}

fn rejected(why: String, studio: FrozenStudio, hot_folder: &HotFolder) -> Frozen {
    Frozen {
        verdict: Verdict::Reject { code: INVALID.to_string(), why },
        rules: Vec::new(),
        profiles: Vec::new(),
        deliveries: Vec::new(),
        named_by_manifest: false,
        without_delivery: Vec::new(),
        items: Vec::new(),
        studio,
        checks: Checks::default(),
        layouts: Vec::new(),
        assets: Vec::new(),
        pictures_beside: hot_folder.images != Images::Library,
    }
}

/// The manifest verbatim. One that is too large to be one is linked: nobody reads it.
fn take_manifest(ready: &Ready, to: &Path, name: &str, written: &mut Written) -> Result<Taken, NotNow> {
    if ready.stamp.bytes > MANIFEST_MAX_BYTES {
        bring(&ready.path, &ready.stamp, to, written)?;
    } else {
        let bytes = same::read(&ready.path, &ready.stamp).map_err(NotNow::read(&ready.path))?;
        if digest::sha256(&bytes) != ready.sha256 {
            return Err(NotNow::Changed);
        }
        written.file(durable::stage_private(to, &bytes)?);
    }
    Ok(Taken { from: ready.path.clone(), stamp: ready.stamp, file: RelPath::parse(name).ok(), shared: false })
}

/// Makes what is missing of a folder in `tmp/`, and remembers what must be synced.
fn make_folders(base: &Path, folder: &Path, written: &mut Written) -> Result<(), NotNow> {
    let below = folder.strip_prefix(base).unwrap_or(folder);
    let mut path = base.to_path_buf();
    for part in below.components() {
        path.push(part);
        if written.folder(&path) {
            durable::make_scratch_folder(&path).map_err(NotNow::placed(&path))?;
        }
    }
    Ok(())
}

/// Links a dropped file into the job, else copies it; it is the one that was looked at, before and after.
pub(super) fn bring(from: &Path, stamp: &Stamp, to: &Path, written: &mut Written) -> Result<(), NotNow> {
    let linked = match durable::link(from, to) {
        Err(e) if e.is_not_found() => return Err(NotNow::Changed),
        other => other.map_err(NotNow::placed(from))?,
    };
    if linked {
        // A link is made of what may not be read, too.
        same::open(to, stamp).map_err(NotNow::read(from))?;
        written.linked(to);
        return Ok(());
    }
    copy_in(from, stamp, to)
}

/// Copies a file that was looked at; it is the same one, before and after.
pub(super) fn copy_in(from: &Path, stamp: &Stamp, to: &Path) -> Result<(), NotNow> {
    let mut source = same::open(from, stamp).map_err(NotNow::read(from))?;
    let bytes = durable::copy_open(&mut source, to)?;
    let metadata = source.metadata().map_err(|source| NotNow::Read { path: from.to_path_buf(), source })?;
    let unchanged = bytes == stamp.bytes && Stamp::from_metadata(&metadata) == *stamp;
    if unchanged { Ok(()) } else { Err(NotNow::Changed) }
}
