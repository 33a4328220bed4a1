//! Links of jobs that have ended: their addresses, and what an operator does with them.

use std::path::Path;

use crate::spool::job::file;
use crate::spool::journal::{self, MadeLink};
use crate::spool::links::LinkRecord;
use crate::spool::queue::Spool;

/// From the system.
pub fn random<const N: usize>() -> std::io::Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|e| std::io::Error::other(e.to_string()))?;
    Ok(bytes)
}

/// URL and PIN of a link; `None` where the job that made it is not kept any more.
pub fn address_of(spool: &Spool, hash: &str, record: &LinkRecord) -> Option<MadeLink> {
    let folder = spool.find(&record.job).ok()??.folder;
    made_in(&folder).into_iter().find(|made| made.hash == hash)
}

/// The links that a job's journal has.
pub fn made_in(job_folder: &Path) -> Vec<MadeLink> {
    let progress = journal::read(&job_folder.join(file::JOURNAL)).unwrap_or_default();
    progress.links.into_values().collect()
}
