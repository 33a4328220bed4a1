//! What the intake asks about a manifest, answered from the config and the plan's rules.

use std::collections::HashMap;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;

use crate::intake::{Matcher, Start};
use crate::model::config::{Config, HotFolder};
use crate::model::limits::ASSET_MAX_BYTES;
use crate::model::manifest::Manifest;
use crate::model::name::RelPath;
use crate::model::template::Template;
use crate::model::{digest, pricing};
use crate::plan::facts::Want;
use crate::plan::frozen::{Frozen, FrozenAsset, Verdict};
use crate::plan::printing::Printing;
use crate::plan::{matching, selection};
use crate::render::svg_tokens;
use crate::spool::durable::{self, DurableError};
use crate::spool::job::{JobId, Stamp};
use crate::spool::retention;

/// Decides with one config.
#[derive(Debug)]
pub struct ConfigMatcher {
    config: Arc<Config>,
    /// Each file of the config's is read once for its size and time.
    digests: Mutex<Digests>,
}

impl ConfigMatcher {
    pub fn new(config: Arc<Config>) -> ConfigMatcher {
        ConfigMatcher { config, digests: Mutex::default() }
    }
}

/// Reads a font, artwork or ICC file that the config names; or says why it cannot be used.
pub fn read_asset(path: &Path) -> Result<Vec<u8>, String> {
    let read =
        |e: std::io::Error| format!("it cannot be read: {e}; mend the path in the config, or put the file there");
    let file = std::fs::File::open(path).map_err(read)?;
    let mut bytes = Vec::new();
    file.take(ASSET_MAX_BYTES + 1).read_to_end(&mut bytes).map_err(read)?;
    if bytes.len() as u64 > ASSET_MAX_BYTES {
        let most = ASSET_MAX_BYTES / (1024 * 1024);
        return Err(format!("it is too large: a font, artwork or ICC file has at most {most} MiB; make it smaller"));
    }
    Ok(bytes)
}

/// Files of the config that cannot be used, each with its reason: jobs that need one fail with it.
pub fn asset_troubles(config: &Config) -> Vec<String> {
    let of_profiles = matching::asset_files(&config.profiles, &config.layouts);
    let mut files: Vec<PathBuf> = of_profiles.into_iter().chain(Printing::of(config).asset_files()).collect();
    files.sort();
    files.dedup();
    files.iter().filter_map(|path| Some(format!("{}: {}", path.display(), read_asset(path).err()?))).collect()
}

/// Files that were read before, as they were then.
#[derive(Debug, Default)]
struct Digests(HashMap<PathBuf, (Stamp, FrozenAsset)>);

impl Digests {
    fn of(&mut self, path: &Path) -> Result<FrozenAsset, String> {
        let stamp = path.metadata().ok().map(|metadata| Stamp::from_metadata(&metadata));
        if let Some((_, asset)) = self.0.get(path).filter(|(known, _)| Some(*known) == stamp) {
            return Ok(asset.clone());
        }
        let bytes = read_asset(path)?;
        let tokens = svg_tokens(&bytes).iter().filter_map(|token| Template::parse(token).ok()).collect();
        let asset = FrozenAsset { sha256: digest::sha256(&bytes), path: path.to_path_buf(), tokens };
        self.0.extend(stamp.map(|stamp| (path.to_path_buf(), (stamp, asset.clone()))));
        Ok(asset)
    }

    /// Adds the digests of the files that profiles and layouts name. One that cannot be used makes the job fail with that
    /// reason, not the intake.
    fn add(&mut self, mut frozen: Frozen) -> Frozen {
        for path in matching::asset_files(&frozen.profiles, &frozen.layouts) {
            match self.of(&path) {
                Ok(asset) => frozen.assets.push(asset),
                Err(e) => {
                    let why = format!("{}: {e}", path.display());
                    frozen.verdict = Verdict::Reject { code: "missing_asset".into(), why };
                }
            }
        }
        frozen
    }
}

/// Adds the digests of the files that profiles and layouts name.
pub fn with_digests(frozen: Frozen) -> Frozen {
    Digests::default().add(frozen)
}

/// The printers of a config, with the digests of their ICC files. Where one of these cannot be read, only what is
/// printed with it fails.
pub fn printing(config: &Config) -> Printing {
    let mut printing = Printing::of(config);
    for path in printing.asset_files() {
        match read_asset(&path) {
            Ok(bytes) => {
                printing.assets.push(FrozenAsset { sha256: digest::sha256(&bytes), path, tokens: Vec::new() });
            }
            Err(e) => printing.unreadable.push((path, e)),
        }
    }
    printing
}

/// Keeps the files that profiles, layouts or printers use, by digest.
pub fn keep_assets(assets: &[FrozenAsset], folder: &std::path::Path) -> Result<(), DurableError> {
    for asset in assets {
        let kept = folder.join(&asset.sha256);
        if kept.exists() {
            retention::mark_used(&kept, crate::clock::now())?;
            continue;
        }
        let action = "read";
        let bytes =
            std::fs::read(&asset.path).map_err(|source| DurableError { action, path: asset.path.clone(), source })?;
        durable::replace(&kept, &bytes)?;
    }
    Ok(())
}

impl Matcher for ConfigMatcher {
    fn freeze(&self, manifest: &Manifest, hot_folder: &HotFolder) -> Frozen {
        let frozen = matching::freeze(manifest, hot_folder, &self.config);
        self.digests.lock().unwrap_or_else(PoisonError::into_inner).add(frozen)
    }

    fn wants(&self, manifest: &Manifest, frozen: &Frozen) -> Vec<Want> {
        let mut priced = manifest.clone();
        if pricing::apply_items(&mut priced, &frozen.items).is_err() {
            return Vec::new();
        }
        priced.keep_only_what_is_reprinted();
        selection::wants(&priced, &frozen.profiles, frozen.pictures_beside).into_iter().collect()
    }

    fn start(&self, manifest: &Manifest, frozen: &Frozen, _: &HotFolder, accepted: Timestamp) -> Start {
        let zone = crate::clock::time_zone(frozen.studio.time_zone.as_deref());
        let schedule = matching::schedule(frozen, manifest, &self.config, &accepted.to_zoned(zone));
        Start { priority: schedule.priority, not_before: schedule.not_before, hold: schedule.hold }
    }

    /// Of the config alone nothing was made before.
    fn was_made(&self, _: &Manifest, _: &HotFolder, _: &[(&RelPath, &Path)]) -> bool {
        false
    }

    /// Nor is one compared with another.
    fn replaces(&self, _: (&Manifest, &HotFolder), _: (&Manifest, &HotFolder)) -> bool {
        false
    }

    fn is_known(&self, _: &JobId) -> bool {
        false
    }

    fn assets(&self, frozen: &Frozen) -> Vec<PathBuf> {
        frozen.assets.iter().map(|a| a.path.clone()).collect()
    }
}
