//! What the index keeps of a job, from what its folder says.
//!
//! Owns: a line that is made again from a folder that still stands is the line that the job left when it ended.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::receipt::{self, Receipt};
use crate::deliver;
use crate::model::digest::sha256;
use crate::model::limits::MANIFEST_MAX_BYTES;
use crate::model::manifest::{self, Kind, Manifest};
use crate::plan::fingerprint::{Works, target};
use crate::plan::{Content, DeliveryStep, Plan};
use crate::spool::index::{Index, IndexLine, IndexedClient, IndexedFile};
use crate::spool::job::{self, JobFile, file};
use crate::spool::journal::{self, Progress};
use crate::spool::queue::{Located, Spool, SpoolError, State};

/// Lines of a manifest whose items are kept.
const ITEMS_MAX: usize = 200;

/// Whose job it is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Who {
    pub client: Option<IndexedClient>,
    pub sessions: Vec<String>,
    /// Codes of what it orders.
    pub items: Vec<String>,
}

/// Reads it from the manifest; one that cannot be read names nobody.
pub fn who(folder: &Path, job: &JobFile) -> Who {
    let path = folder.join(&job.manifest_file);
    let fits = std::fs::metadata(&path).is_ok_and(|m| m.len() <= MANIFEST_MAX_BYTES);
    let bytes = if fits { std::fs::read(&path).unwrap_or_default() } else { Vec::new() };
    manifest::read_job(&bytes, &job.manifest, job.kind).map(|read| of_manifest(read.manifest)).unwrap_or_default()
}

fn of_manifest(manifest: Manifest) -> Who {
    let own = manifest.session_of(None).map(String::from);
    let client = manifest.client;
    let name = [client.first, client.last].into_iter().flatten().collect::<Vec<_>>().join(" ");
    let name = Some(name).filter(|name| !name.is_empty());
    let known = name.is_some() || client.email.is_some();
    let items: BTreeSet<String> = manifest.lines.into_iter().filter_map(|line| line.item).take(ITEMS_MAX).collect();
    let images = manifest.images.into_iter().filter_map(|image| image.session);
    let sessions: BTreeSet<String> = own.into_iter().chain(images).collect();
    Who {
        client: known.then_some(IndexedClient { name, email: client.email }),
        sessions: sessions.into_iter().collect(),
        items: items.into_iter().collect(),
    }
}

/// What came of a job.
#[derive(Debug, Clone, Copy)]
pub(super) struct End<'a> {
    pub(super) result: &'a str,
    pub(super) finished: Timestamp,
    pub(super) is_duplicate: bool,
    /// Files of earlier jobs that it removed.
    pub(super) removed: &'a [PathBuf],
}

pub(super) fn line(job: &JobFile, folder: &Path, plan: Option<&Plan>, progress: &Progress, end: End<'_>) -> IndexLine {
    let Who { client, sessions, items } = who(folder, job);
    // A duplicate leaves nothing of its own. There are none where it never came to a plan.
    let works: Works =
        if end.is_duplicate { Works::default() } else { job::read(folder, file::WORKS).unwrap_or_default() };
    let is_compared = !works.request.is_empty();
    let mut placed = plan.map(|plan| placed_by(plan, progress, is_compared)).unwrap_or_default();
    if job.kind != Some(Kind::Pictures) {
        for file in &mut placed {
            file.made_of.clear();
        }
    }
    IndexLine {
        job: job.job.clone(),
        result: end.result.to_string(),
        finished: end.finished,
        accepted: Some(job.accepted),
        kind: job.kind,
        record: job.record.clone(),
        client,
        sessions,
        items,
        receipt: receipt::copy_path(job),
        cleared: job.drop_cleared,
        placed,
        works,
        removed: end.removed.to_vec(),
        reprint: job.reprint,
        prints: progress.prints.values().filter(|run| run.attempts > 0).count(),
        erased: None,
    }
}

/// A trigger announces; what it announced does not go by it. A reprint, which is not compared, stands beside the rest.
fn placed_by(plan: &Plan, progress: &Progress, is_compared: bool) -> Vec<IndexedFile> {
    let mut placed = Vec::new();
    for step in &plan.deliveries {
        for standing in deliver::placed(step, progress) {
            let member = standing.content.as_ref().and_then(|c| step.members.iter().find(|m| m.content == *c));
            let to = if is_compared && !standing.is_trigger() { target(&step.delivery) } else { String::new() };
            placed.push(IndexedFile {
                owner: step.owner.clone(),
                to,
                output: member.map(|m| m.output.clone()).unwrap_or_default(),
                made_of: made_of(step, standing.content.as_ref(), progress),
                path: standing.path,
                sha256: standing.sha256,
            });
        }
    }
    placed
}

/// Digests of all originals that a job has made pictures from.
pub(super) fn originals(progress: &Progress) -> BTreeSet<&str> {
    progress.rendered.values().flat_map(|made| &made.sources).map(|source| source.sha256.as_str()).collect()
}

/// A digest of the originals of one member of a delivery, or of all of them; empty while they are not known.
fn made_of(step: &DeliveryStep, content: Option<&Content>, progress: &Progress) -> String {
    let mut originals = String::new();
    for member in step.members.iter().filter(|member| content.is_none_or(|content| member.content == *content)) {
        if let Content::Step(id) = &member.content {
            let Some(made) = progress.rendered.get(id) else { return String::new() };
            originals.extend(made.sources.iter().map(|source| source.sha256.as_str()));
        }
    }
    if originals.is_empty() { originals } else { sha256(originals.as_bytes()) }
}

/// The same of each member of a delivery, as far as it is made, and of all of it.
pub(super) fn brought(step: &DeliveryStep, progress: &Progress) -> BTreeSet<String> {
    let contents = step.members.iter().map(|member| Some(&member.content)).chain([None]);
    contents.map(|content| made_of(step, content, progress)).filter(|digest| !digest.is_empty()).collect()
}

/// What a job in whatever state put at destinations.
pub fn placed(folder: &Path) -> Vec<PathBuf> {
    let Ok(plan) = job::read::<Plan>(folder, file::PLAN) else { return Vec::new() };
    let progress = journal::read(&folder.join(file::JOURNAL)).unwrap_or_default();
    placed_by(&plan, &progress, false).into_iter().map(|file| file.path).collect()
}

/// The line of a finished job; `None` for a folder that is none, such as a person's own.
fn line_again(folder: &Path) -> Option<IndexLine> {
    let job: JobFile = job::read(folder, file::JOB).ok()?;
    let receipt: Receipt = job::read(folder, file::RECEIPT).ok()?;
    let plan: Option<Plan> = job::read(folder, file::PLAN).ok();
    let progress = journal::read(&folder.join(file::JOURNAL)).unwrap_or_default();
    // The receipt of a duplicate tells no outputs, and neither does its line.
    let is_duplicate = receipt.duplicate_of.is_some();
    let plan = plan.filter(|_| !is_duplicate);
    // Which files it removed is not told again: they are gone from the disk, and that is what counts.
    let end = End { result: &receipt.result, finished: receipt.finished, is_duplicate, removed: &[] };
    Some(line(&job, folder, plan.as_ref(), &progress, end))
}

/// Makes the missing lines of finished jobs whose folders stand; how many.
pub fn restore(index: &mut Index, spool: &Spool) -> Result<usize, SpoolError> {
    /// So many are written at a time.
    const PORTION: usize = 1000;
    let mut missing: Vec<Located> = Vec::new();
    for state in [State::Done, State::Failed] {
        missing.extend(spool.jobs(state)?.into_iter().filter(|job| !index.knows(&job.id)));
    }
    let mut restored = 0;
    for portion in missing.chunks(PORTION) {
        let mut lines: Vec<IndexLine> = portion.iter().filter_map(|job| line_again(&job.folder)).collect();
        lines.sort_by_key(|line| line.finished);
        index.append_all(&lines)?;
        restored += lines.len();
    }
    Ok(restored)
}
