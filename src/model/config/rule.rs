//! Render jobs: which manifests run which profiles, when, and where the pictures go together.

use serde_json::{Value, json};

use super::Context;
use super::delivery::RawDelivery;
use super::names::Named;
use crate::model::document::{Node, Path as Place};
use crate::model::globs::Globs;
use crate::model::manifest::Kind;
use crate::model::problem::{Problems, did_you_mean};
use crate::model::profile::Profile;
use crate::model::rule::{At, Rule, When};
use crate::model::section::{OneOrMany, Read, Whole, misplaced};
use crate::model::units::{TimeOfDay, parse_duration};
use crate::section;

section! {
    /// A render job. Every one that matches a manifest runs, each profile once.
    pub(super) struct RawRule {
        /// What it is called in lists and logs. Default `render job N`.
        name: String,
        /// Which manifests it takes. Default all.
        when: RawWhen,
        /// The profiles that run.
        run: OneOrMany<String> [required],
        /// Deliveries of all these profiles' pictures together. Default none: each profile has its own.
        deliver: Vec<RawDelivery>,
        /// When it starts: `now`, the next `"22:00"`, or `"+2h"` after acceptance. Default `now`.
        at: At,
        /// Jobs of higher priority go first, −1000 to 1000. Default 0.
        priority: Whole<-1000, 1000>,
        /// `true`: the job waits for release before it starts. Default `false`.
        hold: bool,
    }
}

section! {
    /// What a manifest must say to be taken.
    pub(super) struct RawWhen {
        /// `session`, `invoice`, `production_order` or `pictures`: one or a list. Default any.
        kind: OneOrMany<Kind>,
        /// Its status: one glob or a list. Default any.
        status: Globs,
        /// Its type, such as an invoice type: one glob or a list. Default any.
        r#type: Globs,
        /// Its location: one glob or a list. Default any.
        location: Globs,
        /// The hot folder that it came from: one glob or a list. Default any.
        hot_folder: Globs,
    }
}

impl Read for At {
    fn read(node: &Node, path: &Place, problems: &mut Problems) -> Option<At> {
        let expected = "`now`, a time of day such as `\"22:00\"`, or a delay such as `\"+2h\"`";
        let Node::Text(text) = node else { return misplaced(node, path, problems, expected) };
        if text == "now" {
            return Some(At::Now);
        }
        let at = match text.strip_prefix('+') {
            Some(delay) => parse_duration(delay).ok().map(At::After),
            None => TimeOfDay::parse(text).ok().map(At::TimeOfDay),
        };
        at.or_else(|| misplaced(node, path, problems, expected))
    }
    fn schema() -> Value {
        json!({ "type": "string", "pattern": r"^(now|\d{1,2}:\d\d|\+\d+(\.\d+)?(ms|s|m|h|d|y))$", "examples": ["now", "22:00", "+2h"] })
    }
}

impl RawRule {
    /// `number` counts from 1.
    pub(super) fn check(self, number: usize, profiles: &[Profile], cx: &mut Context<'_>) -> Option<Rule> {
        let here = self.here.clone();
        if let Some(name) = &self.name {
            cx.given_name(name, &here.key("name"));
        }
        let run = self.run?.0;
        let at = here.key("run");
        if run.is_empty() {
            cx.error(&at, "name at least one profile");
        }
        cx.all_known(Named::Profile, &run, &at);
        let deliveries = self.deliver.unwrap_or_default();
        if deliveries.is_empty() {
            for (index, name) in run.iter().enumerate() {
                if profiles.iter().any(|p| p.name == *name && p.deliver.is_empty()) {
                    let text = format!("`{name}` has no `deliver`, nor has this render job: it will not be run");
                    cx.problems.warn(&at.index(index), text);
                }
            }
        }
        let deliver = deliveries.into_iter().filter_map(|delivery| delivery.check(&run, false, cx)).collect();
        Some(Rule {
            name: self.name.unwrap_or_else(|| format!("render job {number}")),
            when: self.when.unwrap_or_default().check(cx),
            run,
            deliver,
            at: self.at.unwrap_or(At::Now),
            priority: self.priority.map_or(0, |priority| priority.0 as i32),
            hold: self.hold.unwrap_or(false),
        })
    }
}

impl RawWhen {
    fn check(self, cx: &mut Context<'_>) -> When {
        let at = self.here.key("hot_folder");
        let hot_folder = self.hot_folder.unwrap_or_default();
        for glob in hot_folder.written() {
            check_hot_folder_glob(glob, &at, cx);
        }
        When {
            kind: self.kind.unwrap_or_default().0,
            status: self.status.unwrap_or_default(),
            r#type: self.r#type.unwrap_or_default(),
            location: self.location.unwrap_or_default(),
            hot_folder,
        }
    }
}

/// A glob that no hot folder of this file can match is a misspelt name.
fn check_hot_folder_glob(glob: &str, at: &Place, cx: &mut Context<'_>) {
    let name = glob.trim().trim_start_matches('!').trim();
    let Ok(matcher) = Globs::new(vec![name.to_string()]) else { return };
    let known = cx.names.all(Named::HotFolder);
    if !known.iter().any(|folder| matcher.matches(folder)) {
        let hint = did_you_mean(name, known.iter().map(String::as_str));
        let hint = if hint.is_empty() { cx.meant(Named::HotFolder, name) } else { hint };
        cx.error(at, format!("no hot folder is called `{name}`{hint}"));
    }
}
