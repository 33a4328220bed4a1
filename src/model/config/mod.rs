//! `hotfolders.yaml`: the one file that an operator edits, read and checked.
//!
//! Owns: a [`Config`] value can run. What it names exists in it, templates use known tokens, keys that cannot be
//! followed together are refused, and its folders keep clear of one another. Everything that is wrong with a file
//! comes at once, with its place. Must not know whether the folders and printers really are there: nothing is looked
//! up here.
//!
//! ```text
//! text ─document─▶ tree ─section─▶ Raw… (as written) ─check─▶ Config
//! ```
//!
//! Each section has a file: what is written (`Raw…`, whose doc comments are the schema's descriptions), what it
//! becomes, and the check between them. `Context` is what a check sees of the rest of the file.

mod address;
mod checks;
mod context;
mod delivery;
mod downloads;
mod encoding;
mod file;
mod finish;
mod hot_folder;
mod image_number;
mod item;
mod lab;
mod layout;
mod library;
mod link;
mod mail;
mod media;
mod names;
mod network;
mod overlaps;
mod paths;
mod pool;
mod printer;
mod profile;
mod rule;
mod server;
mod studio;
mod syntax;
mod tls;
mod user;

#[cfg(test)]
mod tests;

use std::fmt;
use std::path::{Path, PathBuf};

use self::context::Context;
use self::file::RawConfig;
use self::names::Names;
use self::overlaps::Role;
use crate::model::checks::Checks;
use crate::model::document::{self, Node, Path as Place, Repeated, Syntax};
use crate::model::limits::CONFIG_MAX_BYTES;
use crate::model::name::quoted;
use crate::model::problem::{Problem, Problems, show_syntax_error};
use crate::model::profile::Profile;
use crate::model::rule::{Item, Rule};
use crate::model::section::Read as _;

pub use self::address::is_mail_address;
pub use self::downloads::Downloads;
pub use self::file::schema;
pub use self::hot_folder::{HotFolder, Images, Unmatched};
pub use self::image_number::{ImageNumber, NumberPattern};
pub use self::layout::{Align, CellTurn, Grid, Layout, LayoutArtwork, LayoutSlot, LayoutText, Openings};
pub use self::library::{Library, LibrarySource, SessionPattern};
pub use self::mail::{Alerts, Mail, Security, Smtp};
pub use self::media::{Media, Stock, is_nearly};
pub use self::network::Network;
pub use self::paths::destination_in;
pub use self::pool::{Allocate, Pool};
pub use self::printer::{Counts, FolderCopies, JobHistory, Printer, PrinterTarget};
pub use self::server::{Hours, Level, Log, Retention, Server};
pub use self::studio::Studio;
pub use self::tls::Tls;
pub use self::user::{PasswordHash, User, UserRole, let_in_although_edited};

/// Everything that the file says, with defaults filled in. Lists are in the order of the file.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// Absolute.
    pub file: PathBuf,
    /// That of the file: what relative paths were relative to.
    pub folder: PathBuf,
    pub studio: Studio,
    pub spool: PathBuf,
    pub library: Option<Library>,
    pub hot_folders: Vec<HotFolder>,
    pub items: Vec<Item>,
    pub profiles: Vec<Profile>,
    pub rules: Vec<Rule>,
    pub layouts: Vec<Layout>,
    pub printers: Vec<Printer>,
    pub pools: Vec<Pool>,
    pub downloads: Option<Downloads>,
    pub mail: Option<Mail>,
    pub alerts: Option<Alerts>,
    pub server: Server,
    pub checks: Checks,
    /// What runs, but perhaps not as it was meant: above all what this version does not do yet.
    pub warnings: Vec<Problem>,
}

/// Everything that is wrong with a file, one line each: `file:line:column: error: where: what`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    shown: String,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.shown.trim_end())
    }
}

impl std::error::Error for ConfigError {}

impl Config {
    /// Folders that are watched, read or written, as far as they are fixed.
    pub fn places(&self) -> Vec<PathBuf> {
        let mut places: Vec<PathBuf> = Vec::new();
        places.extend(self.hot_folders.iter().flat_map(|h| [Some(&h.folder), h.receipts.as_ref()]).flatten().cloned());
        places.extend(self.library.iter().flat_map(|library| &library.roots).cloned());
        let of_rules = self.rules.iter().flat_map(|rule| &rule.deliver);
        let deliveries = self.profiles.iter().flat_map(|profile| &profile.deliver).chain(of_rules);
        places.extend(deliveries.filter_map(|d| d.destination()).map(|destination| destination.fixed.clone()));
        places.extend(self.downloads.iter().map(|downloads| downloads.folder.clone()));
        places.extend(self.printers.iter().filter_map(|printer| match &printer.target {
            PrinterTarget::Folder { folder, .. } => Some(folder.clone()),
            PrinterTarget::Ipp { .. } | PrinterTarget::Command(_) => None,
        }));
        places.sort();
        places.dedup();
        places
    }
}

impl Config {
    /// `file` is absolute; nothing is read from it.
    pub fn parse(text: &str, file: &Path) -> Result<Config, ConfigError> {
        let name = file.to_string_lossy();
        if text.len() as u64 > CONFIG_MAX_BYTES {
            let shown = format!("{name}: error: the file is larger than {} KiB", CONFIG_MAX_BYTES / 1024);
            return Err(ConfigError { shown });
        }
        let (root, syntax, twice) = document::parse_collecting(text)
            .map_err(|e| ConfigError { shown: show_syntax_error(&name, &syntax::explained(e, text)) })?;
        let mut problems = Problems::new();
        for Repeated { path, again } in twice {
            let line = again.map(|position| format!(" again in line {},", position.line)).unwrap_or_default();
            let key = quoted(path.last_key().unwrap_or_default());
            problems.error_of_key(&path, format!("{key} stands twice in one map,{line} where it would be ignored"));
        }
        let (config, problems) = check(&root, file, problems);
        match config {
            Some(config) if !problems.has_errors() => Ok(config),
            _ => Err(ConfigError { shown: problems.show(&name, text, syntax) }),
        }
    }

    /// The warnings, one line each, with their places in the text that this config was parsed from.
    pub fn show_warnings(&self, text: &str) -> String {
        let syntax = document::parse(text, false).map_or(Syntax::Yaml, |(_, syntax)| syntax);
        Problems::from(self.warnings.clone()).show(&self.file.to_string_lossy(), text, syntax)
    }

    pub fn profile(&self, name: &str) -> Option<&Profile> {
        self.profiles.iter().find(|profile| profile.name == name)
    }

    pub fn hot_folder(&self, name: &str) -> Option<&HotFolder> {
        self.hot_folders.iter().find(|folder| folder.name == name)
    }

    pub fn layout(&self, name: &str) -> Option<&Layout> {
        self.layouts.iter().find(|layout| layout.name == name)
    }

    pub fn printer(&self, name: &str) -> Option<&Printer> {
        self.printers.iter().find(|printer| printer.name == name)
    }

    pub fn pool(&self, name: &str) -> Option<&Pool> {
        self.pools.iter().find(|pool| pool.name == name)
    }

    /// What the price list says of an item code; the first entry that matches.
    pub fn item(&self, code: &str) -> Option<&Item> {
        self.items.iter().find(|item| item.matcher.matches(code))
    }
}

/// No config where there is an error. The order of the sections is that of what they need of each other.
fn check(root: &Node, file: &Path, mut problems: Problems) -> (Option<Config>, Problems) {
    let folder = paths::normalised(file.parent().unwrap_or(file));
    let top = Place::default();
    // An empty file is a map without keys.
    let empty = Node::Map(Vec::new());
    let root = if *root == Node::Null { &empty } else { root };
    let is_there = |key: &str| root.get(key).is_some_and(|node| *node != Node::Null);
    let Some(raw) = RawConfig::read(root, &top, &mut problems) else { return (None, problems) };
    if !is_there("version") {
        let text = format!("`version: {}` is missing: the file's first line says which form it has", file::VERSION);
        problems.error(&top.key("version"), text);
    }
    if is_there("version") && raw.version.is_none() {
        // Another version may call everything else by other names.
        let mut only = Problems::new();
        let _ = file::Version::read(root.get("version").unwrap_or(&Node::Null), &top.key("version"), &mut only);
        return (None, only);
    }
    let mut context = Context {
        folder: &folder,
        names: Names::of(root),
        problems,
        claims: Vec::new(),
        papers: Vec::new(),
        has_mail: is_there("mail"),
        has_downloads: is_there("downloads"),
    };
    let cx = &mut context;

    let studio = raw.studio.unwrap_or_default().check(cx);
    let spool = cx.claim(raw.spool.as_deref().unwrap_or("spool"), &top.key("spool"), Role::Spool);
    let mut server = raw.server.unwrap_or_default();
    server.here = top.key("server");
    let server = server.check(cx);
    let downloads = raw.downloads.and_then(|downloads| downloads.check(cx));
    let mail = raw.mail.and_then(|mail| mail.check(cx));
    let alerts = raw.alerts.map(|alerts| alerts.check(cx));
    let checks = raw.checks.map_or_else(Checks::default, |checks| checks.check(&Checks::default()));
    let library = raw.library.map(|library| library.check(cx));
    let hot_folders: Vec<HotFolder> =
        raw.hot_folders.unwrap_or_default().0.into_iter().map(|(name, folder)| folder.check(name, cx)).collect();
    let layouts: Vec<Layout> =
        raw.layouts.unwrap_or_default().0.into_iter().filter_map(|(name, layout)| layout.check(name, cx)).collect();
    let printers: Vec<Printer> =
        raw.printers.unwrap_or_default().0.into_iter().filter_map(|(name, printer)| printer.check(name, cx)).collect();
    let pools: Vec<Pool> =
        raw.pools.unwrap_or_default().0.into_iter().map(|(name, pool)| pool.check(name, cx)).collect();
    let profiles: Vec<Profile> = raw
        .profiles
        .unwrap_or_default()
        .0
        .into_iter()
        .map(|(name, profile)| profile.check(name, &checks, cx))
        .collect();
    let items: Vec<Item> =
        raw.items.unwrap_or_default().0.into_iter().filter_map(|(pattern, item)| item.check(pattern, cx)).collect();
    let rules: Vec<Rule> = raw
        .render_jobs
        .unwrap_or_default()
        .into_iter()
        .enumerate()
        .filter_map(|(index, rule)| rule.check(index + 1, &profiles, cx))
        .collect();

    pool::check_members(&pools, &printers, cx);
    pool::check_papers(&printers, cx);
    server::check_listeners(server.listen, downloads.as_ref().map(|d| d.listen), cx);
    overlaps::check(cx, library.as_ref());

    let problems = context.problems;
    if problems.has_errors() {
        return (None, problems);
    }
    let mut config = Config {
        file: file.to_path_buf(),
        folder,
        studio,
        spool,
        library,
        hot_folders,
        items,
        profiles,
        rules,
        layouts,
        printers,
        pools,
        downloads,
        mail,
        alerts,
        server,
        checks,
        warnings: Vec::new(),
    };
    config.warnings = problems.warnings().cloned().collect();
    (Some(config), problems)
}
