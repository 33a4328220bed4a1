//! What a plan makes, told in digests: whether a job is one more time the same work.
//!
//! Owns: two jobs of one record have equal works when the same pictures, with the same edits, sizes and counts, would
//! go to the same places. Ids, status and dates do not count: the plan that is looked at is made for a fixed day and a
//! fixed job.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Content, Plan, RenderStep};
use crate::model::delivery::Delivery;
use crate::model::digest::sha256;

/// The job and the day that such a plan is made for.
pub const ANY_JOB: &str = "job";
pub const ANY_DAY: jiff::civil::Date = jiff::civil::date(2000, 1, 1);

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
        let gone = earlier.outputs.keys().filter(|name| !self.outputs.contains_key(*name));
        changed.chain(gone.map(|name| format!("{name} is not made any more"))).collect()
    }
}

/// The works of a plan for [`ANY_JOB`] on [`ANY_DAY`]; `sources` tells each original of the plan apart. `None` where a
/// picture cannot be made as things are: such a job is never taken for one that was done.
pub fn works(plan: &Plan, sources: &[String]) -> Option<Vec<Work>> {
    plan.deliveries
        .iter()
        .map(|delivery| {
            let outputs = delivery.members.iter().map(|member| {
                let digest = match &member.content {
                    Content::File(path) => path.display().to_string(),
                    Content::Step(id) => of_step(plan.render(id)?, sources)?,
                };
                Some((member.path.as_str().to_string(), digest))
            });
            let to = destination(&delivery.delivery);
            Some(Work { owner: delivery.owner.clone(), to, outputs: outputs.collect::<Option<_>>()? })
        })
        .collect()
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

fn destination(delivery: &Delivery) -> String {
    let value = serde_json::to_value(delivery).unwrap_or_default();
    let fields = match &value {
        Value::Object(map) if map.len() == 1 => map.values().next().unwrap_or(&value),
        other => other,
    };
    let mut text = delivery.word().to_string();
    for key in ["path", "printer", "key"] {
        if let Some(named) = fields.get(key).filter(|v| !v.is_null()) {
            text += &format!(" {named}");
        }
    }
    text
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
