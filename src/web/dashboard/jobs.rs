//! What the pages know a job by: kind, record, client.
//!
//! Owns: what is kept of a job in memory does not change while it lives; how many are kept is bounded.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;

use super::words;
use crate::model::limits::MANIFEST_MAX_BYTES;
use crate::model::manifest::{self, Kind, Manifest};
use crate::spool::job::{self, JobFile, JobId, file};
use crate::spool::queue::{Located, Spool};

/// Jobs whose faces are kept.
const KEPT_MAX: usize = 2_000;

/// A job in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Face {
    pub(super) id: JobId,
    pub(super) kind: Option<Kind>,
    pub(super) record: String,
    pub(super) client: Option<String>,
    pub(super) hot_folder: String,
    pub(super) accepted: Timestamp,
    pub(super) lines: usize,
}

impl Face {
    /// `Invoice 1042`.
    pub(super) fn title(&self) -> String {
        title(self.kind, &self.record, &self.id)
    }
}

pub(super) fn title(kind: Option<Kind>, record: &str, id: &JobId) -> String {
    // A manifest that cannot be read names no record.
    if record.is_empty() { id.to_string() } else { format!("{} {record}", words::kind(kind)) }
}

pub(super) fn client_name(manifest: &Manifest) -> Option<String> {
    let client = &manifest.client;
    let name = [&client.first, &client.last].into_iter().flatten().cloned().collect::<Vec<_>>().join(" ");
    Some(name).filter(|name| !name.is_empty()).or_else(|| client.email.clone())
}

/// The manifest of a job; `None` for one that cannot be read.
pub(super) fn manifest(folder: &Path, job: &JobFile) -> Option<Manifest> {
    manifest::read_job(&manifest_text(folder, job)?, &job.manifest, job.kind).ok().map(|read| read.manifest)
}

pub(super) fn manifest_text(folder: &Path, job: &JobFile) -> Option<Vec<u8>> {
    let path = folder.join(&job.manifest_file);
    let fits = std::fs::metadata(&path).is_ok_and(|metadata| metadata.len() <= MANIFEST_MAX_BYTES);
    fits.then(|| std::fs::read(&path).ok()).flatten()
}

#[derive(Debug, Default)]
pub(super) struct Faces {
    kept: Mutex<HashMap<JobId, Arc<Face>>>,
}

impl Faces {
    /// Reads the job's record and manifest, unless it is known.
    pub(super) fn of(&self, located: &Located) -> Option<Arc<Face>> {
        if let Some(known) = self.kept.lock().unwrap_or_else(PoisonError::into_inner).get(&located.id) {
            return Some(Arc::clone(known));
        }
        let job: JobFile = job::read(&located.folder, file::JOB).ok()?;
        let manifest = manifest(&located.folder, &job);
        let face = Arc::new(Face {
            id: located.id.clone(),
            kind: job.kind,
            client: manifest.as_ref().and_then(client_name),
            lines: manifest.map_or(0, |manifest| manifest.lines.len()),
            record: job.record,
            hot_folder: job.hot_folder,
            accepted: job.accepted,
        });
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= KEPT_MAX {
            kept.clear();
        }
        kept.insert(located.id.clone(), Arc::clone(&face));
        Some(face)
    }

    /// A job that is known by its id; it may have ended meanwhile.
    pub(super) fn find(&self, spool: &Spool, id: &JobId) -> Option<Arc<Face>> {
        if let Some(known) = self.kept.lock().unwrap_or_else(PoisonError::into_inner).get(id) {
            return Some(Arc::clone(known));
        }
        spool.find(id).ok().flatten().and_then(|located| self.of(&located))
    }
}
