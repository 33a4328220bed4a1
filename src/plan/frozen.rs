//! What a job keeps of the config from its acceptance on: `rules.json`.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::model::checks::Checks;
use crate::model::config::{Layout, destination_in};
use crate::model::delivery::Delivery;
use crate::model::manifest::Line;
use crate::model::profile::Profile;
use crate::model::rule::Item;
use crate::model::template::Template;

/// What kind of job it is to be, decided at acceptance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "fate", rename_all = "snake_case")]
pub enum Verdict {
    /// Profiles run.
    Run,
    /// No rule takes it, and here a person decides: mend the config and try it again, or drop it.
    Unmatched { why: String },
    /// No rule takes it, and that is fine here.
    Ignored { why: String },
    /// An estimate, a credit memo, a generic order: never rendered.
    Skipped { why: String },
    /// It goes to `failed/`: the manifest's fault.
    Reject { code: String, why: String },
    /// It cancels the record's jobs that have not started.
    Cancel,
}

/// Why one render job does, or does not, take the manifest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleVerdict {
    pub rule: String,
    pub matches: bool,
    /// For one that does not: what differs, in words.
    pub why_not: Vec<String>,
}

/// `rules.json`: what matched, and everything of the config that the job keeps from its acceptance on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Frozen {
    pub verdict: Verdict,
    pub rules: Vec<RuleVerdict>,
    /// Resolved, in the order in which they run.
    pub profiles: Vec<Profile>,
    /// Deliveries of render jobs: the rule's name, the profiles it runs, the delivery.
    pub deliveries: Vec<RuleDelivery>,
    /// The manifest named the profiles itself.
    pub named_by_manifest: bool,
    /// Names of profiles that would run but deliver nowhere.
    pub without_delivery: Vec<String>,
    pub items: Vec<Item>,
    pub studio: FrozenStudio,
    pub checks: Checks,
    /// Those that the lines name.
    #[serde(default)]
    pub layouts: Vec<Layout>,
    /// ICC files, artwork and fonts of profiles and layouts, and their digests; kept in the spool's `assets/`.
    #[serde(default)]
    pub assets: Vec<FrozenAsset>,
    /// The pictures came with the manifest; else they are found in the library.
    pub pictures_beside: bool,
}

impl Frozen {
    /// Destinations that were written relative to the config file count from the folder in which it lies now.
    pub fn follow(&mut self, config_folder: &Path) {
        let of_profiles = self.profiles.iter_mut().flat_map(|profile| &mut profile.deliver);
        for delivery in of_profiles.chain(self.deliveries.iter_mut().map(|of_rule| &mut of_rule.delivery)) {
            if let Some(destination) = delivery.destination_mut()
                && let Some(moved) = destination_in(config_folder, destination)
            {
                destination.fixed = moved;
            }
        }
    }

    pub fn layout(&self, name: &str) -> Option<&Layout> {
        self.layouts.iter().find(|layout| layout.name == name)
    }

    pub fn layout_of(&self, line: &Line) -> Option<&Layout> {
        self.layout(line.layout.as_deref()?)
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FrozenAsset {
    /// Absolute, as the config names it.
    pub path: PathBuf,
    pub sha256: String,
    /// The tokens in an SVG, such as `{studio.name}`; a template each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tokens: Vec<Template>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RuleDelivery {
    pub rule: String,
    pub run: Vec<String>,
    pub delivery: Delivery,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct FrozenStudio {
    pub name: Option<String>,
    pub copyright: Option<Template>,
    /// IANA name; `None` for the system's.
    pub time_zone: Option<String>,
    /// The hot folder's location, for manifests that name none.
    pub location: Option<String>,
}
