//! Where the file asks for what this version does not do yet.

use crate::model::document::{Node, Path as Place};
use crate::model::problem::Problems;

const NOT_BUILT: &str = "not built yet";

pub(super) fn warn(root: &Node, problems: &mut Problems) {
    let top = Place::default();
    let is_there = |path: &[&str]| {
        let node = path.iter().try_fold(root, |node, key| node.get(key));
        node.is_some_and(|node| *node != Node::Null && *node != Node::Map(Vec::new()))
    };
    let sections: [(&[&str], &str); 2] =
        [(&["server", "listen"], "there is no dashboard"), (&["server", "users"], "there is no dashboard")];
    for (path, effect) in sections {
        let at = path.iter().fold(top.clone(), |at, key| at.key(key));
        if is_there(path) {
            problems.warn_of_key(&at, format!("{NOT_BUILT}; {effect}"));
        }
    }
}
