//! What the intake asks about a manifest, answered from the config and the plan's rules.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;

use crate::intake::{Matcher, Start};
use crate::model::config::{Config, HotFolder};
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
use crate::spool::retention;

/// Decides with one config.
#[derive(Debug)]
pub struct ConfigMatcher {
    config: Arc<Config>,
}

impl ConfigMatcher {
    pub fn new(config: Arc<Config>) -> ConfigMatcher {
        ConfigMatcher { config }
    }
}

/// Adds the digests of the files that profiles and layouts name. One that cannot be read makes the job fail with that
/// reason, not the intake.
pub fn with_digests(mut frozen: Frozen) -> Frozen {
    for path in matching::asset_files(&frozen.profiles, &frozen.layouts) {
        match std::fs::read(&path) {
            Ok(bytes) => {
                let tokens = svg_tokens(&bytes).iter().filter_map(|token| Template::parse(token).ok()).collect();
                frozen.assets.push(FrozenAsset { sha256: digest::sha256(&bytes), path, tokens });
            }
            Err(e) => {
                let why = format!(
                    "{} cannot be read: {e}; mend the path in the config, or put the file there",
                    path.display()
                );
                frozen.verdict = Verdict::Reject { code: "missing_asset".into(), why };
            }
        }
    }
    frozen
}

/// The printers of a config, with the digests of their ICC files. Where one of these cannot be read, only what is
/// printed with it fails.
pub fn printing(config: &Config) -> Printing {
    let mut printing = Printing::of(config);
    for path in printing.asset_files() {
        match std::fs::read(&path) {
            Ok(bytes) => {
                printing.assets.push(FrozenAsset { sha256: digest::sha256(&bytes), path, tokens: Vec::new() });
            }
            Err(e) => printing.unreadable.push((path, e.to_string())),
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
        with_digests(matching::freeze(manifest, hot_folder, &self.config))
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

    fn assets(&self, frozen: &Frozen) -> Vec<PathBuf> {
        frozen.assets.iter().map(|a| a.path.clone()).collect()
    }
}
