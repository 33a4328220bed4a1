//! Staged files get their names: announced in the journal, renamed, synced, placed.
//!
//! Owns: the order. It costs two syncs of the journal and one of each folder for a whole batch, not for each file.

use super::Job;
use super::conflict::{self, Chosen, Taken};
use super::content::{self, Written};
use super::error::DeliverError;
use super::ledger::{Ledger, TRIGGER};
use super::place;
use super::staging::Part;
use crate::model::delivery::OnConflict;
use crate::model::name::RelPath;
use crate::spool::durable::{Folder, Found};
use crate::spool::journal::PlacedFile;

/// How often a batch may find that somebody else took a name between the look and the rename.
const RACES_MAX: u32 = 100;

/// A file in the staging folder.
#[derive(Debug)]
pub(super) struct Ready {
    pub(super) unit: String,
    /// Its name in the staging folder.
    pub(super) staged: String,
    pub(super) written: Written,
    /// The plan's name, below the destination.
    pub(super) wanted: RelPath,
    /// When it was chosen already.
    pub(super) chosen: Option<Chosen>,
}

/// The name of a file in the staging folder; without the extension of a picture, so that nothing takes it for one.
pub(super) fn staged_name(number: usize) -> String {
    format!("{number}.part")
}

/// Publishes a batch below `root`; returns warnings. The staging folder is gone afterwards.
pub(super) fn publish(
    job: &Job<'_>,
    ledger: &mut Ledger<'_>,
    root: &Folder,
    part: &Part,
    mode: OnConflict,
    taken: &Taken,
    batch: Vec<Ready>,
) -> Result<Vec<String>, DeliverError> {
    let mut warnings = Vec::new();
    let mut open = batch;
    let mut placed = Vec::new();
    let mut touched: Vec<Option<RelPath>> = Vec::new();
    for _ in 0..RACES_MAX {
        let mut named = Vec::new();
        for mut ready in open {
            let chosen = if let Some(chosen) = ready.chosen.take() {
                chosen
            } else {
                let announced = conflict::announced(ledger, &ready.unit);
                conflict::choose(job, root, &ready.wanted, announced, mode, taken)?
            };
            named.push((ready, chosen));
        }
        ledger
            .announce(named.iter().map(|(ready, chosen)| (ready.unit.clone(), placed_file(ready, chosen))).collect())?;
        open = Vec::new();
        for (ready, chosen) in named {
            let folder = place::make(root, chosen.path.parent().as_ref())?;
            let name = chosen.path.file_name();
            let renamed = if chosen.replaces.is_some() {
                part.folder.publish_replace(&ready.staged, &folder, name)
            } else {
                part.folder.publish(&ready.staged, &folder, name)
            };
            match renamed {
                Ok(()) => {}
                Err(e) if e.already_exists() && chosen.replaces.is_none() => {
                    open.push(ready);
                    continue;
                }
                Err(e) => return Err(e.into()),
            }
            warnings.extend(conflict::replaced(job, root, &chosen));
            let above = chosen.path.parent();
            if !touched.contains(&above) {
                touched.push(above);
            }
            placed.push(ready.unit);
        }
        if open.is_empty() {
            break;
        }
    }
    if let Some(ready) = open.first() {
        return Err(DeliverError::Conflict(format!(
            "somebody else keeps taking the name {}: stop the other program, then retry",
            ready.wanted.below(root.path()).display()
        )));
    }
    // Emptied first, so that the sync below makes that durable too.
    part.remove()?;
    let mut part_is_synced = false;
    for above in &touched {
        if let Some(folder) = place::find(root, above.as_ref())? {
            folder.sync()?;
            part_is_synced |= folder.path() == part.above.path();
        }
    }
    if !part_is_synced {
        part.above.sync()?;
    }
    for unit in placed {
        ledger.placed(&unit);
    }
    Ok(warnings)
}

fn placed_file(ready: &Ready, chosen: &Chosen) -> PlacedFile {
    PlacedFile { path: chosen.path.clone(), sha256: ready.written.sha256.clone(), bytes: ready.written.bytes }
}

/// After a crash: a file that was announced and stands with its digest is ours. A trigger is not recognised, but
/// published again: an empty file may have stood there before, and somebody may wait for the event of a new one.
pub(super) fn recover_files(ledger: &mut Ledger<'_>, root: &Folder) -> Result<(), DeliverError> {
    for (unit, file) in ledger.doubtful() {
        if unit != TRIGGER && stands(root, &file)? {
            ledger.placed(&unit);
        }
    }
    Ok(())
}

pub(super) fn stands(root: &Folder, file: &PlacedFile) -> Result<bool, DeliverError> {
    let Some(folder) = place::find(root, file.path.parent().as_ref())? else { return Ok(false) };
    let name = file.path.file_name();
    match folder.look(name)? {
        Found::File { bytes } if bytes == file.bytes => Ok(content::digest_file(&folder, name)?.sha256 == file.sha256),
        _ => Ok(false),
    }
}
