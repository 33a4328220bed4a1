//! Where the file asks for what this version does not do yet.

use super::Config;
use crate::model::document::{Node, Path as Place};
use crate::model::problem::Problems;
use crate::model::unbuilt::unbuilt_delivery;

const NOT_BUILT: &str = "not built yet";

pub(super) fn warn(config: &Config, root: &Node, problems: &mut Problems) {
    let top = Place::default();
    for profile in &config.profiles {
        let at = top.key("profiles").key(&profile.name);
        warn_of_deliveries(&profile.deliver, &at, problems);
    }
    for (index, rule) in config.rules.iter().enumerate() {
        warn_of_deliveries(&rule.deliver, &top.key("render_jobs").index(index), problems);
    }
    let is_there = |path: &[&str]| {
        let node = path.iter().try_fold(root, |node, key| node.get(key));
        node.is_some_and(|node| *node != Node::Null && *node != Node::Map(Vec::new()))
    };
    let sections: [(&[&str], &str); 4] = [
        (&["printers"], "nothing is printed"),
        (&["pools"], "nothing is printed"),
        (&["server", "listen"], "there is no dashboard"),
        (&["server", "users"], "there is no dashboard"),
    ];
    for (path, effect) in sections {
        let at = path.iter().fold(top.clone(), |at, key| at.key(key));
        if is_there(path) {
            problems.warn_of_key(&at, format!("{NOT_BUILT}; {effect}"));
        }
    }
}

fn warn_of_deliveries(deliveries: &[crate::model::delivery::Delivery], owner: &Place, problems: &mut Problems) {
    for (index, delivery) in deliveries.iter().enumerate() {
        if let Some(what) = unbuilt_delivery(delivery) {
            problems.warn(&owner.key("deliver").index(index), format!("{what}; a job that needs it fails"));
        }
    }
}
