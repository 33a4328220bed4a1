//! Hot folders: watched folders, and when a drop in one is whole.

use std::path::PathBuf;
use std::time::Duration;

use super::Context;
use super::names::Named;
use super::overlaps::Role;
use crate::keyword;
use crate::model::globs::Globs;
use crate::model::section::Span;
use crate::section;

keyword! {
    /// Where the pictures of a hot folder's jobs are.
    pub enum Images {
        /// In the library.
        Library = "library",
        /// With the manifest.
        Beside = "beside",
        /// There is no manifest: the pictures are the job.
        Alone = "alone",
    }
}

keyword! {
    /// What happens to a manifest that no render job takes.
    pub enum Unmatched { Ignore = "ignore", Hold = "hold", Fail = "fail" }
}

keyword! {
    /// How a drop is noticed.
    pub(super) enum Watch { Auto = "auto", Poll = "poll" }
}

/// A watched folder.
#[derive(Debug, Clone, PartialEq)]
pub struct HotFolder {
    pub name: String,
    pub folder: PathBuf,
    pub images: Images,
    /// Names of files that are manifests.
    pub match_: Globs,
    /// A file is whole when it has not changed for so long by our own clock.
    pub settle: Duration,
    /// How often to look even when no event comes.
    pub scan: Duration,
    /// Never wait for events.
    pub poll: bool,
    /// How long to wait for named pictures that are not there; starts anew at each arrival.
    pub complete_within: Duration,
    /// A manifest waits for `NAME.json.done`.
    pub done_file: bool,
    pub unmatched: Unmatched,
    /// Of manifests that name none.
    pub location: Option<String>,
    /// Where each receipt is put a second time.
    pub receipts: Option<PathBuf>,
    /// Profiles of pictures without a manifest.
    pub run: Vec<String>,
}

section! {
    /// A watched folder.
    pub(super) struct RawHotFolder {
        /// The folder that is watched. It must exist; it is never made.
        folder: String [required],
        /// Where the pictures are: `library`, `beside` the manifest, or `alone` (no manifest; each picture or folder of pictures is a job).
        images: Images [required],
        /// Names of files that are manifests: one glob or a list. Default `["*.json", "*.yaml", "*.yml"]`.
        r#match: Globs,
        /// A file is taken when it has not changed for so long, such as `2s`. Default `2s`, with `images: alone` `30s`.
        settle: Span,
        /// How often to look even when no event comes. Default `2s`.
        scan: Span,
        /// `auto`: by events where the file system has them. `poll`: by looking alone. Default `auto`.
        watch: Watch,
        /// How long to wait for pictures that a manifest names; starts anew at each arrival. Default `30m` with `images: beside`, `2m` with `library`.
        complete_within: Span,
        /// `true`: a manifest waits for a file of its name with `.done` behind it. Default `false`.
        done_file: bool,
        /// A manifest that no render job takes: `ignore`, `hold` or `fail`. Default `ignore` with `images: library`, else `fail`.
        unmatched: Unmatched,
        /// The location of manifests that name none. Default none.
        location: String,
        /// A folder where each receipt is put a second time, for the studio's own program to read. Default none.
        receipts: String,
        /// With `images: alone`: the profiles that render the pictures. Default: what the render jobs say.
        run: Vec<String>,
    }
}

/// Shorter than this the scan would do nothing else.
const SCAN_MIN: Duration = Duration::from_millis(50);

impl RawHotFolder {
    pub(super) fn check(self, name: String, cx: &mut Context<'_>) -> HotFolder {
        let here = &self.here;
        cx.given_name(&name, here);
        let folder = self.folder.map_or_else(PathBuf::new, |written| {
            cx.claim(&written, &here.key("folder"), Role::HotFolder(name.clone()))
        });
        let receipts =
            self.receipts.map(|written| cx.claim(&written, &here.key("receipts"), Role::Receipts(name.clone())));
        let images = self.images.unwrap_or(Images::Library);
        let alone = images == Images::Alone;
        if images == Images::Library && self.images.is_some() && !cx.names.has_library() {
            cx.error(&here.key("images"), "there is no `library`; say where the originals lie, or choose `beside`");
        }
        if alone {
            let manifest_keys = [
                ("match", self.r#match.is_some()),
                ("complete_within", self.complete_within.is_some()),
                ("done_file", self.done_file.is_some()),
            ];
            for (key, _) in manifest_keys.iter().filter(|(_, is_there)| *is_there) {
                cx.error(&here.key(key), format!("`{key}` speaks of manifests; with `images: alone` there are none"));
            }
        } else if self.run.is_some() && self.images.is_some() {
            let text = "`run` goes with `images: alone`; what a manifest runs, `render_jobs` say";
            cx.error(&here.key("run"), text);
        }
        let run = self.run.unwrap_or_default();
        cx.all_known(Named::Profile, &run, &here.key("run"));
        let scan = self.scan.map_or(Duration::from_secs(2), |span| span.0);
        if scan < SCAN_MIN {
            cx.error(&here.key("scan"), "a folder is looked at every `50ms` at most");
        }
        if let Some(globs) = &self.r#match
            && globs.is_empty()
        {
            cx.error(&here.key("match"), "name at least one glob, such as `*.json`");
        }
        let seconds = |span: Option<Span>, default| span.map_or(Duration::from_secs(default), |s| s.0);
        HotFolder {
            folder,
            images,
            match_: self.r#match.unwrap_or_else(manifest_names),
            settle: seconds(self.settle, if alone { 30 } else { 2 }),
            scan,
            poll: self.watch == Some(Watch::Poll),
            complete_within: seconds(self.complete_within, if images == Images::Library { 120 } else { 1800 }),
            done_file: self.done_file.unwrap_or(false),
            unmatched: self.unmatched.unwrap_or(match images {
                Images::Library => Unmatched::Ignore,
                Images::Beside | Images::Alone => Unmatched::Fail,
            }),
            location: self.location,
            receipts,
            run,
            name,
        }
    }
}

fn manifest_names() -> Globs {
    let written = ["*.json", "*.yaml", "*.yml"].iter().map(ToString::to_string).collect();
    // These three are globs: there is no error to hand on.
    Globs::new(written).unwrap_or_default()
}
