//! The names that one part of the file gives and another uses.
//!
//! They are taken from the tree, before anything is read: a profile with a mistake in it is still a profile, and who
//! names it has made no mistake.

use super::Context;
use crate::model::document::{Node, Path as Place};
use crate::model::problem::did_you_mean;

/// Most names that a message lists.
const LISTED: usize = 8;
/// Longest name, in characters.
const NAME_MAX_CHARS: usize = 64;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Named {
    Profile,
    Layout,
    /// A printer or a pool: where a print may go.
    Printer,
    Pool,
    HotFolder,
    Source,
}

#[derive(Debug, Default)]
pub(super) struct Names {
    profiles: Vec<String>,
    layouts: Vec<String>,
    printers: Vec<String>,
    pools: Vec<String>,
    hot_folders: Vec<String>,
    sources: Vec<String>,
    has_library: bool,
}

impl Names {
    pub(super) fn of(root: &Node) -> Names {
        let keys = |node: Option<&Node>| match node {
            Some(Node::Map(entries)) => entries.iter().map(|(key, _)| key.clone()).collect(),
            _ => Vec::new(),
        };
        let library = root.get("library").filter(|node| **node != Node::Null);
        let pools: Vec<String> = keys(root.get("pools"));
        let mut printers: Vec<String> = keys(root.get("printers"));
        printers.extend(pools.iter().cloned());
        Names {
            profiles: keys(root.get("profiles")),
            layouts: keys(root.get("layouts")),
            printers,
            pools,
            hot_folders: keys(root.get("hot_folders")),
            sources: keys(library.and_then(|l| l.get("sources"))),
            has_library: library.is_some(),
        }
    }

    pub(super) fn all(&self, named: Named) -> &[String] {
        match named {
            Named::Profile => &self.profiles,
            Named::Layout => &self.layouts,
            Named::Printer => &self.printers,
            Named::Pool => &self.pools,
            Named::HotFolder => &self.hot_folders,
            Named::Source => &self.sources,
        }
    }

    pub(super) fn has_library(&self) -> bool {
        self.has_library
    }
}

impl Named {
    fn one(self) -> &'static str {
        match self {
            Named::Profile => "profile",
            Named::Layout => "layout",
            Named::Printer => "printer or pool",
            Named::Pool => "pool",
            Named::HotFolder => "hot folder",
            Named::Source => "source of the library",
        }
    }

    /// Where such names are given.
    fn section(self) -> &'static str {
        match self {
            Named::Profile => "profiles",
            Named::Layout => "layouts",
            Named::Printer => "printers",
            Named::Pool => "pools",
            Named::HotFolder => "hot_folders",
            Named::Source => "library.sources",
        }
    }
}

impl Context<'_> {
    /// Reports a name that nothing has; says whether it is known.
    pub(super) fn known(&mut self, named: Named, name: &str, at: &Place) -> bool {
        if self.names.all(named).iter().any(|n| n == name) {
            return true;
        }
        let text = format!("`{name}` is no {}{}", named.one(), self.meant(named, name));
        self.error(at, text);
        false
    }

    pub(super) fn all_known(&mut self, named: Named, list: &[String], at: &Place) {
        for (index, name) in list.iter().enumerate() {
            self.known(named, name, &at.index(index));
            if list[..index].contains(name) {
                self.error(&at.index(index), format!("`{name}` stands here twice"));
            }
        }
    }

    /// The nearest name, or the few there are.
    pub(super) fn meant(&self, named: Named, name: &str) -> String {
        let known = self.names.all(named);
        let hint = did_you_mean(name, known.iter().map(String::as_str));
        if !hint.is_empty() {
            hint
        } else if known.is_empty() {
            format!("; `{}` has none", named.section())
        } else {
            let listed = known.iter().take(LISTED).map(|n| format!("`{n}`")).collect::<Vec<_>>().join(", ");
            let more = if known.len() > LISTED { " …" } else { "" };
            format!("; `{}` has {listed}{more}", named.section())
        }
    }

    /// A name that the file gives: it is shown in lists, logs and paths.
    pub(super) fn given_name(&mut self, name: &str, at: &Place) {
        if name.trim() != name || name.is_empty() || name.chars().any(char::is_control) {
            self.error(
                at,
                format!("{name:?} is no name: it is empty, or has space around it or a control character in it"),
            );
        } else if name.chars().count() > NAME_MAX_CHARS {
            self.error(at, format!("a name has at most {NAME_MAX_CHARS} characters"));
        }
    }
}
