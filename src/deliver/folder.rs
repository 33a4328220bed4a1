//! `to: folder`: pictures as files in a folder.
//!
//! `publish: files` brings each picture as soon as it is rendered. `publish: whole` shows nothing before all are, and
//! then all at once: a folder that did not stand appears complete in one rename; into one that stands all are staged
//! first and then renamed in a row, which is as near as file systems come.

use super::conflict::{Chosen, Standing, Taken};
use super::content::{self, Source};
use super::error::DeliverError;
use super::ledger::{Ledger, TRIGGER};
use super::publish::{self, Ready, staged_name};
use super::staging::{self, Names, Tree};
use super::{Job, place};
use crate::model::delivery::{OnConflict, Publish};
use crate::model::name::RelPath;
use crate::plan::{DeliveryStep, Place};
use crate::spool::durable::{Folder, Found};
use crate::spool::journal::PlacedFile;

/// Files staged at a time: the more, the fewer syncs; the fewer, the sooner they show.
const BATCH: usize = 64;

/// The folder of a whole delivery in the staging folder.
const WHOLE: &str = "whole";

/// Says whether all of it stands; adds warnings.
pub(super) fn deliver(
    job: &Job<'_>,
    step: &DeliveryStep,
    publish: Publish,
    mode: OnConflict,
    ledger: &mut Ledger<'_>,
    warnings: &mut Vec<String>,
) -> Result<bool, DeliverError> {
    let place = place::of_files(step)?;
    let names = Names::new(job.id, &step.id);
    // Recovery first: what stands already is not copied again. A folder is not made for it.
    if !ledger.doubtful().is_empty()
        && let Some(fixed) = place::open_standing(&place.fixed)?
        && let Some(root) = place::find(&fixed, place.path.as_ref())?
    {
        publish::recover_files(ledger, &root)?;
    }
    let (open, all_rendered) = open_members(job, step, ledger);
    if !all_rendered && (open.is_empty() || publish == Publish::Whole) {
        ledger.flush()?;
        return Ok(false);
    }
    let needs_trigger = step.trigger.is_some() && !ledger.stands(TRIGGER);
    if !open.is_empty() || needs_trigger {
        let fixed = place::open(&place)?;
        let taken = Taken::new(step.members.iter().map(|m| &m.path).chain(&step.trigger));
        let is_new = publish == Publish::Whole && publish_new(step, &place, &fixed, &names, ledger, &open)?;
        let root = place::make(&fixed, place.path.as_ref())?;
        if !is_new {
            let batch = if publish == Publish::Whole { open.len().max(1) } else { BATCH };
            for members in open.chunks(batch) {
                let part = names.fresh(&root)?;
                let ready = stage(step, members, &part.folder)?;
                let said = publish::publish(job, ledger, &root, &part, mode, &taken, ready)?;
                warnings.extend(said);
            }
        }
        if let Some(path) = step.trigger.as_ref().filter(|_| needs_trigger && all_rendered) {
            let part = names.fresh(&root)?;
            let ready = Ready {
                unit: TRIGGER.into(),
                staged: staged_name(0),
                written: staging::write(b"", &part.folder, &staged_name(0))?,
                wanted: path.clone(),
                chosen: empty_one(&root, path)?,
            };
            let said = publish::publish(job, ledger, &root, &part, mode, &taken, vec![ready])?;
            warnings.extend(said);
        }
    }
    if all_rendered {
        ledger.close()?;
    } else {
        ledger.flush()?;
    }
    Ok(all_rendered)
}

/// Members that can be brought now and do not stand, and whether nothing but these is missing.
fn open_members(job: &Job<'_>, step: &DeliveryStep, ledger: &Ledger<'_>) -> (Vec<(usize, Source)>, bool) {
    let mut all = true;
    let mut open = Vec::new();
    for (index, member) in step.members.iter().enumerate().filter(|(i, _)| !ledger.stands(&i.to_string())) {
        match content::source(job.outputs, member, ledger.progress()) {
            Some(source) => open.push((index, source)),
            None => all = false,
        }
    }
    (open, all)
}

fn stage(step: &DeliveryStep, members: &[(usize, Source)], part: &Folder) -> Result<Vec<Ready>, DeliverError> {
    let stage_one = |(index, source): &(usize, Source)| {
        let staged = staged_name(*index);
        let written = staging::copy(source, part, &staged)?;
        let wanted = step.members[*index].path.clone();
        Ok(Ready { unit: index.to_string(), staged, written, wanted, chosen: None })
    };
    members.iter().map(stage_one).collect()
}

/// Makes the whole folder appear in one rename. False when it stands, or somebody makes it meanwhile. The fixed part
/// itself is never the folder that appears: it is where the operator looks, and others write there.
fn publish_new(
    step: &DeliveryStep,
    place: &Place,
    fixed: &Folder,
    names: &Names,
    ledger: &mut Ledger<'_>,
    open: &[(usize, Source)],
) -> Result<bool, DeliverError> {
    let Some(path) = place.path.as_ref().filter(|_| !open.is_empty()) else { return Ok(false) };
    if place::find(fixed, Some(path))?.is_some() {
        return Ok(false);
    }
    let above = place::make(fixed, path.parent().as_ref())?;
    let part = names.fresh(&above)?;
    let files = build(step, open, &part.folder.make_new(WHOLE)?)?;
    let units: Vec<String> = files.iter().map(|(unit, _)| unit.clone()).collect();
    ledger.announce(files)?;
    let published = match part.folder.publish(WHOLE, &above, path.file_name()) {
        Ok(()) => true,
        Err(e) if e.already_exists() => false,
        Err(e) => return Err(e.into()),
    };
    part.remove()?;
    above.sync()?;
    if published {
        for unit in &units {
            ledger.placed(unit);
        }
    }
    Ok(published)
}

/// Builds what will appear. No folder in it stays open: some shares refuse to rename one that is.
fn build(
    step: &DeliveryStep,
    open: &[(usize, Source)],
    whole: &Folder,
) -> Result<Vec<(String, PlacedFile)>, DeliverError> {
    let mut tree = Tree::new(whole);
    let mut files = Vec::new();
    for (index, source) in open {
        let path = &step.members[*index].path;
        let written = tree.copy(source, path)?;
        let file = PlacedFile { path: path.clone(), sha256: written.sha256, bytes: written.bytes };
        files.push((index.to_string(), file));
    }
    tree.sync()?;
    Ok(files)
}

/// An empty file with the trigger's name says what ours says, so it is replaced, whoever made it: a suffix would be a
/// name that nobody waits for, and an empty file holds nothing to lose.
fn empty_one(root: &Folder, path: &RelPath) -> Result<Option<Chosen>, DeliverError> {
    let Some(folder) = place::find(root, path.parent().as_ref())? else { return Ok(None) };
    Ok((folder.look(path.file_name())? == Found::File { bytes: 0 })
        .then(|| Chosen { path: path.clone(), replaces: Some(Standing::Ours) }))
}
