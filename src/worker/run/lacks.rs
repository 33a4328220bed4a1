//! Which pictures a failed job lacks that should have come with it, and where they are put.

use super::Run;
use crate::intake;
use crate::model::counted::counted;
use crate::model::manifest::{self, Kind};
use crate::model::name::RelPath;
use crate::plan::SourcePlace;
use crate::spool::job::file;
use crate::worker::receipt::Notice;

/// Codes of what is wrong with one picture.
const ABOUT_A_PICTURE: [&str; 8] = [
    "damaged",
    "not_a_picture",
    "unsupported",
    "too_large",
    "wrong_digest",
    "shape_changed",
    "frame_changed",
    "source_changed",
];
/// Most names that the message shows.
const SHOWN: usize = 10;

impl Run<'_> {
    /// What is not there, and what an error is about. A picture that something was made from is as it should be.
    pub(super) fn lacks(&self, errors: &[Notice]) -> Vec<String> {
        let is_beside = self.frozen.as_ref().is_some_and(|frozen| frozen.pictures_beside);
        let bytes = std::fs::read(self.folder().join(&self.job.manifest_file)).unwrap_or_default();
        let read = manifest::read_job(&bytes, &self.job.manifest, self.job.kind).ok().filter(|_| is_beside);
        let Some(read) = read else { return Vec::new() };
        let used = self.progress().rendered.values().flat_map(|made| &made.sources);
        let sources = self.plan.as_ref().map(|plan| plan.sources.as_slice()).unwrap_or_default();
        let used: Vec<&SourcePlace> = used.filter_map(|used| Some(&sources.get(used.source)?.place)).collect();
        let about: Vec<&Notice> =
            errors.iter().filter(|error| ABOUT_A_PICTURE.contains(&error.code.as_str())).collect();
        let is_spoilt = |name: &RelPath| {
            let is_used = used.iter().any(|place| matches!(place, SourcePlace::Input(input) if input == name));
            !is_used && about.iter().any(|error| error.text.contains(name.as_str()))
        };
        intake::lacking(&read.manifest, &self.folder().join(file::INPUTS), &is_spoilt)
    }

    /// Where they are put. What comes without a manifest is a job by itself as soon as it lies in the hot folder.
    pub(super) fn mend(&self, lacks: &[String]) -> Option<String> {
        let id = &self.job.job;
        if lacks.is_empty() {
            return None;
        }
        let names = if lacks.len() > SHOWN {
            counted(lacks.len(), "picture")
        } else {
            let shown = |place: &String| place.strip_prefix('#').map_or(format!("`{place}`"), |n| format!("image {n}"));
            lacks.iter().map(shown).collect::<Vec<_>>().join(", ")
        };
        let (it, lies) = if lacks.len() == 1 { ("it", "it lies") } else { ("them", "they lie") };
        let by_folder = format!(
            "run `hotfolders jobs retry {id} --pictures FOLDER` with the folder where {lies}, or choose {it} on the job's page \
             of the dashboard"
        );
        let own = self.job.taken.first().and_then(|manifest| manifest.from.parent());
        Some(match own.filter(|_| self.job.kind != Some(Kind::Pictures) && self.job.reprint_of.is_none()) {
            Some(folder) => format!(
                "Put {names} into {} (make the folder again if it is gone) and run `hotfolders jobs retry {id}`; or {by_folder}.",
                folder.display()
            ),
            None => format!("Missing or damaged: {names}. To put {it} right, {by_folder}."),
        })
    }
}
