//! What the intake asks about a manifest, answered from the config and from what was made before.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;

use crate::intake::{Matcher, Start};
use crate::matcher::ConfigMatcher;
use crate::model::config::{Config, HotFolder};
use crate::model::manifest::{Action, Manifest};
use crate::model::name::RelPath;
use crate::model::pricing;
use crate::model::spec::DecodeFactor;
use crate::plan::facts::{Found, Want};
use crate::plan::frozen::Frozen;
use crate::plan::{PlanSource, selection};
use crate::spool::job::{JobId, Stamp, file};
use crate::worker::earlier::{self, Asked, Compared};
use crate::worker::facts::{self, Pictures};
use crate::worker::run::Workshop;

/// A [`ConfigMatcher`] that remembers.
pub(super) struct Memory {
    config: Arc<Config>,
    matcher: ConfigMatcher,
    workshop: Arc<Workshop>,
    /// What pictures beside manifests are told by. Of an order whose pictures come one by one it is asked at each arrival.
    beside: Mutex<HashMap<PathBuf, (Stamp, String)>>,
}

/// Pictures of which that is kept.
const KEPT_MAX: usize = 50_000;

impl Memory {
    pub(super) fn new(config: &Arc<Config>, workshop: &Arc<Workshop>) -> Memory {
        let matcher = ConfigMatcher::new(Arc::clone(config));
        Memory { config: Arc::clone(config), matcher, workshop: Arc::clone(workshop), beside: Mutex::default() }
    }

    /// A file that has not changed is read once.
    fn beside(&self, path: &Path) -> Option<String> {
        let stamp = Stamp::of(path).ok()?;
        let mut known = self.beside.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, identity)) = known.get(path).filter(|(then, _)| *then == stamp) {
            return Some(identity.clone());
        }
        let identity = earlier::identity_beside(path).ok()?;
        if known.len() >= KEPT_MAX {
            known.clear();
        }
        known.insert(path.to_path_buf(), (stamp, identity.clone()));
        Some(identity)
    }

    /// What the originals are told by that are there now.
    fn originals(&self, manifest: &Manifest, frozen: &Frozen) -> Option<BTreeMap<String, String>> {
        let mut priced = manifest.clone();
        pricing::apply_items(&mut priced, &frozen.items).ok()?;
        let wants = selection::wants(&priced, &frozen.profiles, false);
        let facts =
            facts::gather(&priced, wants, Pictures::Library(self.config.library.as_ref()), &self.workshop.places)
                .ok()?;
        let mut told = BTreeMap::new();
        for (want, found) in facts {
            let Found::Candidates { list, .. } = found else { return None };
            for candidate in list {
                let Ok(header) = candidate.header else { continue };
                let source = PlanSource {
                    place: candidate.place,
                    shown: candidate.shown,
                    kind: candidate.kind,
                    bytes: candidate.bytes,
                    header,
                    decode: DecodeFactor::FULL,
                    planes: None,
                    sha256: priced.images[want.image].sha256.clone(),
                };
                told.insert(source.shown.clone(), earlier::identity(&source, Path::new("")).ok()?);
            }
        }
        Some(told)
    }
}

impl Matcher for Memory {
    fn freeze(&self, manifest: &Manifest, hot_folder: &HotFolder) -> Frozen {
        self.matcher.freeze(manifest, hot_folder)
    }

    fn wants(&self, manifest: &Manifest, frozen: &Frozen) -> Vec<Want> {
        self.matcher.wants(manifest, frozen)
    }

    fn start(&self, manifest: &Manifest, frozen: &Frozen, hot_folder: &HotFolder, accepted: Timestamp) -> Start {
        self.matcher.start(manifest, frozen, hot_folder, accepted)
    }

    fn assets(&self, frozen: &Frozen) -> Vec<PathBuf> {
        self.matcher.assets(frozen)
    }

    fn is_known(&self, job: &JobId) -> bool {
        self.workshop.index.lock().unwrap_or_else(PoisonError::into_inner).knows(job)
    }

    fn replaces(&self, newer: (&Manifest, &HotFolder), older: (&Manifest, &HotFolder)) -> bool {
        let asked = |(manifest, hot_folder)| Asked::of(manifest, &self.freeze(manifest, hot_folder));
        let (Some(newer), Some(older)) = (asked(newer), asked(older)) else { return false };
        newer.replaces(&older)
    }

    /// As `jobs reprint` chooses the job.
    fn pictures_of_then(&self, manifest: &Manifest) -> Option<PathBuf> {
        if manifest.action != Action::Reprint {
            return None;
        }
        let made = earlier::newest_made(&self.workshop, Some(manifest.kind), &manifest.record).ok()??;
        let inputs = self.workshop.spool.find(&made).ok()??.folder.join(file::INPUTS);
        inputs.is_dir().then_some(inputs)
    }

    fn was_made(&self, manifest: &Manifest, hot_folder: &HotFolder, there: &[(&RelPath, &Path)]) -> bool {
        let frozen = self.freeze(manifest, hot_folder);
        let Some(asked) = Asked::of(manifest, &frozen) else { return false };
        let pictures = if frozen.pictures_beside {
            let told = there.iter().map(|(name, path)| Some((name.to_string(), self.beside(path)?)));
            told.collect::<Option<BTreeMap<_, _>>>()
        } else {
            self.originals(manifest, &frozen)
        };
        let Some(pictures) = pictures else { return false };
        let (kind, record) = (Some(manifest.kind), manifest.record.as_str());
        let compared = Compared { kind, record, asked: &asked, pictures: &pictures, job: None };
        earlier::repeated(&self.workshop, &compared).is_ok_and(|job| job.is_some())
    }
}
