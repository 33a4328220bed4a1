//! Finished pictures to their destinations: `folder`, `disc`, `zip`, `lab`, `command`, what lies behind a link.
//!
//! Owns: a destination sees complete files only, and running twice equals running once. It knows the plan, the journal
//! and the outputs of one job; nothing of how pictures are made, of other jobs, or of when it is called.

mod command;
mod conflict;
mod content;
mod disc;
mod error;
mod folder;
mod lab;
mod ledger;
pub mod link;
mod place;
mod publish;
mod staging;
mod superseded;
#[cfg(test)]
mod tests;
mod volume;
mod zip;

use std::path::{Path, PathBuf};

use jiff::Timestamp;

pub use self::command::{Doubt, settle};
pub use self::error::DeliverError;
pub use self::lab::{LabFolder, unit as order_unit};
use self::ledger::{Ledger, TRIGGER};
use self::staging::Names;
pub use self::superseded::{Superseded, remove_superseded};
use crate::model::delivery::Delivery;
use crate::model::name::RelPath;
use crate::model::units::show_bytes;
use crate::plan::{Content, DeliveryStep, Place};
use crate::spool::journal::{Journal, Progress};

/// What a delivery has to know of its job.
#[allow(missing_debug_implementations, reason = "it holds functions")]
pub struct Job<'a> {
    pub id: &'a str,
    pub record: &'a str,
    /// When it was accepted, in the studio's time: what orders to a lab are dated.
    pub accepted: jiff::civil::DateTime,
    /// The studio's.
    pub zone: &'a jiff::tz::TimeZone,
    /// Where commands are run: the config's folder.
    pub home: &'a Path,
    /// Finished pictures; their names are `RenderedFile.file`.
    pub outputs: &'a Path,
    pub now: &'a dyn Fn() -> Timestamp,
    /// What an earlier run of the same record and profile (kind, record, owner) put at this absolute path: its digest.
    /// Only such a file, still with that digest, is ours to replace.
    pub earlier: &'a dyn Fn(&Path) -> Option<String>,
    /// What is said of any other file.
    pub foreign: &'a str,
}

/// Said of a file that another record or profile made, or nobody of ours.
pub const FOREIGN: &str = "is not of this record and profile";
/// The same where pictures came without a manifest: their names are all that their records have in common.
pub const OF_OTHER_PICTURES: &str = "was not made from this picture";
/// The same for a reprint, beside which everything else stays.
pub const BEFORE_A_REPRINT: &str = "is not of this reprint";

/// How far a delivery came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivered {
    /// Everything of it stands, and the journal says so.
    pub complete: bool,
    pub warnings: Vec<String>,
    /// Commands whose end nobody knows.
    pub doubts: Vec<Doubt>,
}

/// Brings what is rendered of one delivery to its destination, as far as it can be now; running twice equals running
/// once. A delivery without members leaves nothing behind, neither a folder nor a trigger: a trigger announces
/// pictures.
pub fn deliver(job: &Job<'_>, step: &DeliveryStep, journal: &mut Journal) -> Result<Delivered, DeliverError> {
    if let Some(why) = &step.blocked {
        return Err(DeliverError::NotBuilt(why.clone()));
    }
    let (mut warnings, mut doubts) = (Vec::new(), Vec::new());
    let mut complete = journal.progress().delivered.contains(&step.id);
    if let Delivery::Command { run, timeout, r#for } = &step.delivery
        && !complete
        && !step.members.is_empty()
    {
        let program = run.first().map_or("", String::as_str);
        complete = command::deliver(job, step, (program, *timeout, *r#for), journal, &mut doubts)?;
    } else if !complete {
        let mut ledger = Ledger::new(journal, &step.id, job.now);
        complete = if step.members.is_empty() {
            ledger.close()?;
            true
        } else {
            match &step.delivery {
                Delivery::Folder { publish, on_conflict, .. } => {
                    folder::deliver(job, step, *publish, *on_conflict, &mut ledger, &mut warnings)?
                }
                Delivery::Disc { medium, .. } => disc::deliver(job, step, *medium, &mut ledger)?,
                Delivery::Zip { split, .. } => zip::deliver(job, step, *split, &mut ledger)?,
                Delivery::Lab { .. } => lab::deliver(job, step, &mut ledger, &mut warnings)?,
                other => {
                    return Err(DeliverError::NotBuilt(format!(
                        "delivery {} is `to: {}`, which this version does not have",
                        step.id,
                        other.word()
                    )));
                }
            }
        };
    }
    if complete {
        warnings.extend(told_by_the_journal(job, step, journal.progress()));
    }
    Ok(Delivered { complete, warnings, doubts })
}

/// Warnings that follow from what was chosen, so that a crash loses none.
fn told_by_the_journal(job: &Job<'_>, step: &DeliveryStep, progress: &Progress) -> Vec<String> {
    if step.members.is_empty() {
        return vec![format!("delivery {} of {} has no pictures: nothing was delivered", step.id, step.owner)];
    }
    let Some((place, root)) = root(step) else { return Vec::new() };
    let Some(units) = progress.placed.get(&step.id) else { return Vec::new() };
    let volumes = units.keys().filter(|unit| volume_number(unit).is_some()).count();
    let mut warnings = Vec::new();
    for (unit, (file, _)) in units {
        let wanted = match (&step.delivery, volume_number(unit), &place.path) {
            (Delivery::Disc { .. }, Some(number), Some(path)) => Some(volume::disc_path(path, number, volumes)),
            (Delivery::Zip { .. }, Some(number), Some(path)) => Some(volume::zip_path(path, number, volumes)),
            (Delivery::Folder { .. }, ..) => planned(step, unit).cloned(),
            _ => None,
        };
        warnings.extend(wanted.and_then(|wanted| conflict::named_otherwise(job, &root, &wanted, &file.path)));
        if let Delivery::Zip { split: Some(limit), .. } = step.delivery
            && file.bytes > limit
        {
            warnings.push(format!(
                "{} has {}, more than `split: {}`: a single picture in it is larger",
                file.path.below(&root).display(),
                show_bytes(file.bytes),
                show_bytes(limit)
            ));
        }
    }
    warnings
}

fn volume_number(unit: &str) -> Option<usize> {
    unit.strip_prefix('v')?.parse().ok()
}

/// The plan's name for a unit of a `folder`.
fn planned<'s>(step: &'s DeliveryStep, unit: &str) -> Option<&'s RelPath> {
    if unit == TRIGGER {
        return step.trigger.as_ref();
    }
    Some(&step.members.get(unit.parse::<usize>().ok()?)?.path)
}

/// The place of a step, and the folder that the paths in its journal are below.
fn root(step: &DeliveryStep) -> Option<(Place, PathBuf)> {
    match step.delivery {
        Delivery::Folder { .. } | Delivery::Lab { .. } => {
            place::of_files(step).ok().map(|place| (place.clone(), place.folder()))
        }
        Delivery::Disc { .. } | Delivery::Zip { .. } => {
            place::of_volumes(step).ok().map(|place| (place.clone(), place.fixed))
        }
        _ => None,
    }
}

/// Something that stands at a destination.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// The index of the member, `v1` … for a volume, `label1` … for its label, `trigger`.
    pub unit: String,
    /// Which member it is; `None` for volumes, labels and the trigger.
    pub content: Option<Content>,
    /// As receipts show it.
    pub shown: String,
    pub path: PathBuf,
    /// Of a disc, the digest of its listing.
    pub sha256: String,
    pub bytes: u64,
}

impl Standing {
    pub fn is_trigger(&self) -> bool {
        self.unit == TRIGGER
    }
}

/// What stands at the destination, from the journal alone. Members in their order, then volumes and labels, then the
/// trigger.
pub fn placed(step: &DeliveryStep, progress: &Progress) -> Vec<Standing> {
    let Some((place, root)) = root(step) else { return Vec::new() };
    let above = match step.delivery {
        Delivery::Folder { .. } | Delivery::Lab { .. } => place.shown.as_str(),
        _ => place::shown_fixed(&place),
    };
    let units = progress.placed.get(&step.id).into_iter().flatten().filter(|(_, (_, stands))| *stands);
    let mut all: Vec<Standing> = units
        .map(|(unit, (file, _))| Standing {
            unit: unit.clone(),
            content: unit.parse::<usize>().ok().and_then(|i| Some(step.members.get(i)?.content.clone())),
            shown: place::join_shown(above, &file.path),
            path: file.path.below(&root),
            sha256: file.sha256.clone(),
            bytes: file.bytes,
        })
        .collect();
    all.sort_by_key(|standing| {
        let number = standing.unit.trim_start_matches(|c: char| !c.is_ascii_digit()).parse().unwrap_or(usize::MAX);
        (standing.unit == TRIGGER, number, standing.unit.clone())
    });
    all
}

/// Where a member stands, as receipts show it; `None` while it does not, or where it lies in one of several volumes.
pub fn where_is(step: &DeliveryStep, progress: &Progress, member: usize) -> Option<String> {
    let standing = placed(step, progress);
    let path = &step.members.get(member)?.path;
    if let Some(link) = progress.links.get(&step.id) {
        return link.zip.as_ref().map(|zip| format!("{zip}/{path}"));
    }
    if let Delivery::Lab { .. } = step.delivery {
        return lab::where_is(step, &standing, member);
    }
    let mut volumes = standing.iter().filter(|s| volume_number(&s.unit).is_some());
    match (&step.delivery, volumes.next(), volumes.next()) {
        (Delivery::Folder { .. }, ..) => {
            standing.iter().find(|s| s.unit == member.to_string()).map(|s| s.shown.clone())
        }
        (_, Some(only), None) => Some(format!("{}/{path}", only.shown)),
        _ => None,
    }
}

/// Removes temporary names of ours that a job left at a destination (cancel, end of job, recovery), and what of a lab's
/// order was prepared and not handed over. Makes nothing; a
/// destination that is not there is waited for when it never is made, because something may lie in it.
pub fn clean(
    job_id: &str,
    step: &DeliveryStep,
    journal: &mut Journal,
    now: &dyn Fn() -> Timestamp,
) -> Result<(), DeliverError> {
    let place = match step.delivery {
        _ if step.blocked.is_some() || step.members.is_empty() => return Ok(()),
        Delivery::Folder { .. } | Delivery::Lab { .. } => place::of_files(step)?,
        Delivery::Disc { .. } | Delivery::Zip { .. } => place::of_volumes(step)?,
        _ => return Ok(()),
    };
    if place.made && place::open_standing(&place.fixed)?.is_none() {
        return Ok(());
    }
    let fixed = place::open(&place)?;
    let names = Names::new(job_id, &step.id);
    if let Delivery::Lab { format, .. } = step.delivery
        && let Some(root) = place::find_if_folder(&fixed, place.path.as_ref())?
    {
        lab::withdraw(format, &root, &names, &mut Ledger::new(journal, &step.id, now))?;
    }
    // The folder that appears whole is staged beside itself, files inside it.
    let beside = place.path.as_ref().and_then(RelPath::parent);
    for path in [beside.as_ref(), place.path.as_ref()] {
        if let Some(folder) = place::find_if_folder(&fixed, path)? {
            names.clean(&folder)?;
        }
    }
    Ok(())
}
