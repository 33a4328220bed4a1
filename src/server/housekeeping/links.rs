//! Links that ended long ago go, with what lies behind them.
//!
//! Owns: a folder goes only when no link that is kept leads to it, and no job that is at work has just put it there.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::PoisonError;
use std::time::Duration;

use jiff::Timestamp;

use crate::model::config::Config;
use crate::spool::durable;
use crate::spool::job::JobId;
use crate::spool::links::{CONTENTS, LinkRecord};
use crate::spool::queue::State;
use crate::worker::run::Workshop;

/// Without a `downloads` section.
const PURGE_AFTER: Duration = Duration::from_hours(7 * 24);
/// A download that was begun can be taken up again for so long: then it must still be known.
const GRANTS_FOR: Duration = Duration::from_hours(25);

#[derive(Debug, Default)]
pub(super) struct Purged {
    pub(super) links: usize,
    /// Of access logs.
    pub(super) lines: usize,
}

/// Hides what lies behind links from other users of the computer, where an earlier version put it.
pub(super) fn hide(workshop: &Workshop) {
    for (_, record) in workshop.links.all() {
        if record.folder.is_dir()
            && let Err(e) = durable::make_private_folder(&record.folder)
        {
            tracing::warn!("{e}");
        }
    }
}

/// Removes what is too old; what could not be removed is told, and tried again tomorrow.
pub(super) fn purge(workshop: &Workshop, config: &Config, now: Timestamp, stop: &dyn Fn() -> bool) -> Purged {
    let links = &workshop.links;
    let after = config.downloads.as_ref().map_or(PURGE_AFTER, |downloads| downloads.purge_after);
    let mut purged = Purged::default();
    let is_old = |record: &LinkRecord| record.ended() + after <= now;
    let (old, kept): (Vec<_>, Vec<_>) = links.all().into_iter().partition(|(_, record)| is_old(record));
    let in_use: BTreeSet<&PathBuf> = kept.iter().map(|(_, record)| &record.folder).collect();
    for (hash, record) in old {
        if stop() {
            return purged;
        }
        // The record last: by it the folder is found.
        let folder = if in_use.contains(&record.folder) { Ok(()) } else { durable::remove_tree(&record.folder) };
        match folder.and_then(|()| links.forget(&hash)) {
            Ok(()) => purged.links += 1,
            Err(e) => tracing::warn!("retention: {e}; it is tried again tomorrow"),
        }
    }
    for (hash, _) in &kept {
        let forgotten = links.usage(hash).and_then(|usage| {
            let mut usage = usage.lock().unwrap_or_else(PoisonError::into_inner);
            usage.forget_lines_before(now - config.server.retention.access_log, now - GRANTS_FOR)
        });
        match forgotten {
            Ok(gone) => purged.lines += gone,
            Err(e) => tracing::warn!("retention: {e}; it is tried again tomorrow"),
        }
    }
    if let Some(downloads) = &config.downloads {
        remove_orphans(workshop, &downloads.folder);
    }
    purged
}

/// Folders of ours to which nothing leads any more, such as after a link was renewed and the power failed.
fn remove_orphans(workshop: &Workshop, shelf: &std::path::Path) {
    let is_over = |path: &PathBuf| {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let job = name.rsplit_once("-d").and_then(|(job, _)| JobId::parse(job));
        // One that cannot be looked for may be at work; one whose folder is gone has ended.
        let ended = |job: JobId| workshop.spool.find(&job).is_ok_and(|at| at.is_none_or(|at| at.state == State::Done));
        path.join(CONTENTS).is_file() && job.is_some_and(ended)
    };
    let entries = std::fs::read_dir(shelf).into_iter().flatten().flatten().map(|entry| entry.path());
    let over: Vec<PathBuf> = entries.filter(is_over).collect();
    // Read after that: a job that has ended has written its record.
    let in_use: BTreeSet<PathBuf> = workshop.links.all().into_iter().map(|(_, record)| record.folder).collect();
    for path in over.iter().filter(|path| !in_use.contains(*path)) {
        if let Err(e) = durable::remove_tree(path) {
            tracing::warn!("retention: {e}; it is tried again tomorrow");
        }
    }
}
