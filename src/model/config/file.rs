//! The file as it is written: its sections, and its JSON Schema.

use serde_json::{Value, json};

use super::checks::RawChecks;
use super::downloads::RawDownloads;
use super::hot_folder::RawHotFolder;
use super::item::RawItem;
use super::layout::RawLayout;
use super::library::RawLibrary;
use super::mail::{RawAlerts, RawMail};
use super::pool::RawPool;
use super::printer::RawPrinter;
use super::profile::RawProfile;
use super::rule::RawRule;
use super::server::RawServer;
use super::studio::RawStudio;
use crate::model::document::{Node, Path as Place};
use crate::model::problem::Problems;
use crate::model::section::{Entries, Read};
use crate::section;

/// The only one so far.
pub(super) const VERSION: u64 = 1;

section! {
    /// What a print server of a photo studio watches, makes and delivers.
    pub(super) struct RawConfig {
        /// Version of this file's form: 1.
        version: Version,
        /// The studio itself: what stands in templates, copyright notes and mails.
        studio: RawStudio,
        /// The folder of all jobs. Default `spool`.
        spool: String,
        /// The studio's originals, which are only ever read. Default: none.
        library: RawLibrary,
        /// Watched folders, by name.
        hot_folders: Entries<RawHotFolder>,
        /// The price list: what lines get that do not say it themselves, by item code or glob; the first that matches counts.
        items: Entries<RawItem>,
        /// Render profiles, by name: which images, what is made of them, where it goes.
        profiles: Entries<RawProfile>,
        /// Which manifests run which profiles, and when. Every one that matches runs, each profile once.
        render_jobs: Vec<RawRule>,
        /// Sheets with several openings, by name.
        layouts: Entries<RawLayout>,
        /// Printers, by name.
        printers: Entries<RawPrinter>,
        /// Printers that stand in for one another, by name.
        pools: Entries<RawPool>,
        /// The download pages that links open. Default: none.
        downloads: RawDownloads,
        /// The server that takes mail. Default: no mail.
        mail: RawMail,
        /// Who is told when something needs a person. Default: nobody.
        alerts: RawAlerts,
        /// The server itself: hours, dashboard, limits, log, retention.
        server: RawServer,
        /// What is judged before anything is rendered.
        checks: RawChecks,
    }
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Version;

impl Read for Version {
    fn read(node: &Node, path: &Place, problems: &mut Problems) -> Option<Version> {
        match node {
            Node::Number(n) if n.as_u64() == Some(VERSION) => Some(Version),
            other => {
                let written = other.as_shown().map_or_else(|| other.kind().to_string(), |text| format!("`{text}`"));
                problems.error(path, format!("this program reads version {VERSION} of this file, not {written}"));
                None
            }
        }
    }
    fn schema() -> Value {
        json!({ "const": VERSION })
    }
}

/// JSON Schema (draft 2020-12) of `hotfolders.yaml`, for editors.
pub fn schema() -> Value {
    let mut schema = RawConfig::schema();
    if let Some(map) = schema.as_object_mut() {
        map.insert("required".into(), json!(["version"]));
        map.insert("$schema".into(), "https://json-schema.org/draft/2020-12/schema".into());
        map.insert("title".into(), "hotfolders.yaml".into());
        map.insert(
            "description".into(),
            "Config of hotfolders, the render and print server for a photo studio.".into(),
        );
    }
    schema
}
