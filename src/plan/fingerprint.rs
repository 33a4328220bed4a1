//! What a plan makes, told in digests: whether a job is one more time the same work.
//!
//! Owns: two jobs of one record have equal works when the same pictures, with the same edits, sizes and counts, would
//! go to the same places. Ids, status and dates do not count: the plan that is looked at is made for a fixed day and a
//! fixed job.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::frozen::Frozen;
use super::{Content, DeliveryStep, Member, Plan, PlannedPrint, RenderStep, StepId};
use crate::model::delivery::Delivery;
use crate::model::digest::sha256;
use crate::model::manifest::Manifest;
use crate::model::template::Template;

/// What a job was asked for, and what it makes of it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Works {
    /// Digest of the manifest and of what the job keeps of the config: whether it asks for the same, whatever lies in
    /// the library by now.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub request: String,
    /// What each original is told by.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub sources: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub deliveries: Vec<Work>,
}

/// What one delivery of one profile (or render job) brings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Work {
    pub owner: String,
    /// Its word and the template of its path, printer or key.
    pub to: String,
    /// Name of each output, and the digest of everything that decides its pixels and its count.
    pub outputs: BTreeMap<String, String>,
}

impl Work {
    /// Whether the two are runs of the same delivery.
    pub fn is_run_of(&self, other: &Work) -> bool {
        self.owner == other.owner && self.to == other.to
    }

    /// What this run makes differently from an earlier one, a line for each output.
    pub fn differs_from(&self, earlier: &Work) -> Vec<String> {
        let changed = self.outputs.iter().filter_map(|(name, digest)| match earlier.outputs.get(name) {
            None => Some(format!("{name} is new")),
            Some(before) if before != digest => Some(format!("{name} changed")),
            Some(_) => None,
        });
        changed.chain(self.lacks(earlier).map(|name| format!("{name} is not made any more"))).collect()
    }

    /// Outputs of an earlier run that this one does not have.
    pub fn lacks<'w>(&'w self, earlier: &'w Work) -> impl Iterator<Item = &'w String> {
        earlier.outputs.keys().filter(|name| !self.outputs.contains_key(*name))
    }
}

/// Where a delivery goes, as the operator wrote it: what tells runs of it from runs of another one.
pub fn target(delivery: &Delivery) -> String {
    if let Delivery::Command { run, .. } = delivery {
        return format!("{} {}", delivery.word(), run.join(" "));
    }
    let named = match delivery {
        Delivery::Print { printer, .. } => Some(printer.as_str()),
        Delivery::Link { key, .. } => key.as_ref().map(Template::source),
        other => other.destination().map(|destination| destination.written.as_str()),
    };
    named.map_or_else(|| delivery.word().to_string(), |named| format!("{} {named}", delivery.word()))
}

/// Every delivery that a job is to make, with its owner; some may have no picture.
pub fn deliveries(frozen: &Frozen) -> impl Iterator<Item = (&str, &Delivery)> {
    let of_profiles = frozen.profiles.iter().flat_map(|p| p.deliver.iter().map(|d| (p.name.as_str(), d)));
    of_profiles.chain(frozen.deliveries.iter().map(|d| (d.rule.as_str(), &d.delivery)))
}

/// The profiles and render jobs whose deliveries a job makes.
pub fn owners(frozen: &Frozen) -> BTreeSet<String> {
    deliveries(frozen).map(|(owner, _)| owner.to_string()).collect()
}

/// Digest of what is asked for: manifest, profiles, deliveries, price list, layouts and the files that they use.
pub fn request(manifest: &Manifest, frozen: &Frozen) -> String {
    let assets: Vec<&String> = frozen.assets.iter().map(|a| &a.sha256).collect();
    let asked = (
        &manifest.content,
        &frozen.profiles,
        &frozen.deliveries,
        &frozen.items,
        &frozen.layouts,
        &frozen.studio,
        assets,
    );
    serde_json::to_vec(&asked).map(|bytes| sha256(&bytes)).unwrap_or_default()
}

/// The works of a plan for [`Occasion::COMPARED`](super::form::Occasion::COMPARED); `sources` tells each original of the plan apart. `None` where a
/// picture cannot be made as things are: such a job is never taken for one that was done.
pub fn works(plan: &Plan, sources: &[String]) -> Option<Vec<Work>> {
    let mut works: Vec<Work> = Vec::new();
    for delivery in &plan.deliveries {
        let to = target(&delivery.delivery);
        let known = works.iter().position(|w| w.owner == delivery.owner && w.to == to);
        let at = known.unwrap_or_else(|| {
            works.push(Work { owner: delivery.owner.clone(), to, outputs: BTreeMap::new() });
            works.len() - 1
        });
        for member in &delivery.members {
            let digest = match &member.content {
                Content::File(path) => path.display().to_string(),
                Content::Step(id) => {
                    let step = of_step(plan.render(id)?, sources)?;
                    let print = delivery.prints.iter().find(|print| print.sheet == *id);
                    print.map_or(of_lab(delivery, id, step.clone()), |print| Some(of_print(&step, delivery, print)))?
                }
            };
            works[at].outputs.insert(output(delivery, member), digest);
        }
    }
    Some(works)
}

/// Gives the members of a job's plan the names that its works have; `bare` is the plan that these were taken from.
pub fn name_outputs(plan: &mut Plan, bare: &Plan) {
    for (step, bare) in plan.deliveries.iter_mut().zip(&bare.deliveries) {
        for (member, of_bare) in step.members.iter_mut().zip(&bare.members) {
            member.output = output(bare, of_bare);
        }
    }
}

/// A delivery whose path has a token may have several folders: the name tells in which of them it is.
fn output(delivery: &DeliveryStep, member: &Member) -> String {
    match delivery.place.as_ref().and_then(|place| place.path.as_ref()) {
        Some(folder) => format!("{folder}/{}", member.path),
        None => member.path.to_string(),
    }
}

/// The same originals stand at other indices in another plan: what they are counts, in the order of the cells.
fn of_step(step: &RenderStep, sources: &[String]) -> Option<String> {
    let mut spec = step.spec()?.clone();
    let mut originals = Vec::new();
    for cell in &mut spec.cells {
        originals.push(sources.get(cell.source)?);
        cell.source = 0;
    }
    serde_json::to_vec(&(&spec, originals, step.copies)).ok().map(|bytes| sha256(&bytes))
}

/// A sheet is also how often it is printed, on what, and how.
fn of_print(sheet: &str, delivery: &DeliveryStep, print: &PlannedPrint) -> String {
    let how = match &delivery.delivery {
        Delivery::Print { quality, color_mode, .. } => (Some(*quality), color_mode.as_deref()),
        _ => (None, None),
    };
    let asked = serde_json::to_vec(&(sheet, print.copies, &print.ask, &print.demand.paper, how));
    asked.map(|bytes| sha256(&bytes)).unwrap_or_default()
}

/// What a lab is told of a picture counts too: the same pixels through another channel are another print.
fn of_lab(delivery: &DeliveryStep, step: &StepId, digest: String) -> Option<String> {
    let Some(print) = delivery.lab.iter().flat_map(|lab| &lab.prints).find(|print| print.step == *step) else {
        return Some(digest);
    };
    let told = (digest, print.channel, print.size.label(), &print.paper, print.quantity, &print.back);
    serde_json::to_vec(&told).ok().map(|bytes| sha256(&bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn work(outputs: &[(&str, &str)]) -> Work {
        let outputs = outputs.iter().map(|(name, digest)| ((*name).to_string(), (*digest).to_string())).collect();
        Work { owner: "web".into(), to: "folder".into(), outputs }
    }

    #[test]
    fn differences_are_told_output_by_output() {
        let (before, now) = (work(&[("a", "1"), ("b", "2"), ("c", "3")]), work(&[("b", "2"), ("c", "4"), ("d", "5")]));
        assert_eq!(now.differs_from(&before), ["c changed", "d is new", "a is not made any more"]);
        assert!(now.differs_from(&now).is_empty());
    }
}
