//! Which name a file or folder gets at its destination.
//!
//! Owns: what this record and profile did not make, or what somebody edited since, is replaced only by `on_conflict:
//! replace`. A name that was announced and is still free is taken again, so that a crash changes nothing.

use std::collections::BTreeSet;

use super::Job;
use super::content::{self, Written};
use super::error::DeliverError;
use super::ledger::Ledger;
use super::place;
use crate::model::delivery::OnConflict;
use crate::model::name::RelPath;
use crate::spool::durable::{Folder, Found};

/// A folder with so many files of one name holds something else than deliveries.
const SUFFIX_MAX: u32 = 9_999;

/// What stands at a name, as seen by a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    Free,
    /// Of an earlier run, with the bytes that run gave it.
    Ours,
    /// Of an earlier run, but changed since.
    Edited,
    Foreign,
}

/// A name that was chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Chosen {
    pub(super) path: RelPath,
    /// What stands there is replaced.
    pub(super) replaces: Option<Standing>,
}

/// The names that a suffix must not run into: what the plan gives the other units of the delivery. Two suffixed names
/// never meet, because the plan's names differ.
pub(super) struct Taken(BTreeSet<String>);

impl Taken {
    pub(super) fn new<'p>(planned: impl Iterator<Item = &'p RelPath>) -> Taken {
        Taken(planned.map(RelPath::fold_case).collect())
    }

    fn has(&self, path: &RelPath) -> bool {
        self.0.contains(&path.fold_case())
    }
}

/// `wanted`, then `wanted_2` … The first is always allowed, whatever is taken: it is the unit's own.
fn candidates<'c>(
    wanted: &'c RelPath,
    suffixed: impl Fn(&RelPath, u32) -> RelPath + 'c,
    taken: &'c Taken,
) -> impl Iterator<Item = RelPath> + 'c {
    let others = (2..=SUFFIX_MAX).map(move |n| suffixed(wanted, n)).filter(|path| !taken.has(path));
    std::iter::once(wanted.clone()).chain(others)
}

fn before_extension(path: &RelPath, number: u32) -> RelPath {
    path.with_suffix(&format!("_{number}"))
}

/// A folder has no extension: `A.Lee` becomes `A.Lee_2`.
fn at_end(path: &RelPath, number: u32) -> RelPath {
    // Digits at the end of a safe path leave it safe.
    RelPath::parse(&format!("{path}_{number}")).unwrap_or_else(|_| before_extension(path, number))
}

/// Chooses the name of a file below `root`.
pub(super) fn choose(
    job: &Job<'_>,
    root: &Folder,
    wanted: &RelPath,
    announced: Option<&RelPath>,
    mode: OnConflict,
    taken: &Taken,
) -> Result<Chosen, DeliverError> {
    if let Some(path) = announced
        && file_at(job, root, path)? == Standing::Free
    {
        return Ok(Chosen { path: path.clone(), replaces: None });
    }
    for path in candidates(wanted, before_extension, taken) {
        let standing = file_at(job, root, &path)?;
        match (standing, mode) {
            (Standing::Free, _) => return Ok(Chosen { path, replaces: None }),
            (Standing::Ours, _) => return Ok(Chosen { path, replaces: Some(standing) }),
            (_, OnConflict::Suffix) => {}
            (_, OnConflict::Fail) => return Err(in_the_way(job, root, &path, standing)),
            (_, OnConflict::Replace) => {
                return match found(root, &path)? {
                    Found::Folder => Err(DeliverError::Conflict(format!(
                        "{} is a folder where a file belongs: move it away",
                        path.below(root.path()).display()
                    ))),
                    _ => Ok(Chosen { path, replaces: Some(standing) }),
                };
            }
        }
    }
    Err(too_many(root, wanted))
}

fn in_the_way(job: &Job<'_>, root: &Folder, path: &RelPath, standing: Standing) -> DeliverError {
    let why = match standing {
        Standing::Edited => "was changed since it was delivered".to_string(),
        _ => format!("was there already and {}", job.foreign),
    };
    DeliverError::Conflict(format!(
        "{} {why}, and `on_conflict` is `fail`: move it away, then retry",
        path.below(root.path()).display()
    ))
}

fn too_many(root: &Folder, wanted: &RelPath) -> DeliverError {
    DeliverError::Conflict(format!(
        "{} and {SUFFIX_MAX} names like it are taken: clear the folder, then retry",
        wanted.below(root.path()).display()
    ))
}

fn found(root: &Folder, path: &RelPath) -> Result<Found, DeliverError> {
    match place::find(root, path.parent().as_ref())? {
        Some(folder) => Ok(folder.look(path.file_name())?),
        None => Ok(Found::Nothing),
    }
}

/// What stands at the name of a file.
pub(super) fn file_at(job: &Job<'_>, root: &Folder, path: &RelPath) -> Result<Standing, DeliverError> {
    let Some(folder) = place::find(root, path.parent().as_ref())? else { return Ok(Standing::Free) };
    file_in(job, &folder, path.file_name())
}

fn file_in(job: &Job<'_>, folder: &Folder, name: &str) -> Result<Standing, DeliverError> {
    let earlier = (job.earlier)(&folder.join(name));
    Ok(match (folder.look(name)?, earlier) {
        (Found::Nothing, _) => Standing::Free,
        (Found::File { .. }, Some(sha256)) => ours_if(&content::digest_file(folder, name)?, &sha256),
        _ => Standing::Foreign,
    })
}

fn ours_if(standing: &Written, sha256: &str) -> Standing {
    if standing.sha256 == sha256 { Standing::Ours } else { Standing::Edited }
}

/// Chooses the name of a folder that is published whole, and of the label beside it, if there is one.
pub(super) fn choose_folder(
    job: &Job<'_>,
    root: &Folder,
    wanted: &RelPath,
    announced: Option<&RelPath>,
    label: Option<&dyn Fn(&RelPath) -> RelPath>,
) -> Result<Chosen, DeliverError> {
    if let Some(path) = announced
        && found(root, path)? == Found::Nothing
    {
        return Ok(Chosen { path: path.clone(), replaces: None });
    }
    let allowed = |standing| matches!(standing, Standing::Free | Standing::Ours);
    let nothing_taken = Taken::new(std::iter::empty());
    for path in candidates(wanted, at_end, &nothing_taken) {
        let standing = folder_at(job, root, &path)?;
        if allowed(standing) && label.map_or(Ok(true), |label| file_at(job, root, &label(&path)).map(allowed))? {
            return Ok(Chosen { path, replaces: (standing == Standing::Ours).then_some(standing) });
        }
    }
    Err(too_many(root, wanted))
}

/// Chooses the name of a set of files that share it.
pub(super) fn choose_set(
    root: &Folder,
    wanted: &RelPath,
    fits: impl Fn(&RelPath) -> Result<bool, DeliverError>,
) -> Result<RelPath, DeliverError> {
    let nothing_taken = Taken::new(std::iter::empty());
    for path in candidates(wanted, before_extension, &nothing_taken) {
        if fits(&path)? {
            return Ok(path);
        }
    }
    Err(too_many(root, wanted))
}

/// What stands at the name of a disc, or of a set of discs. A set is ours when each disc and label in it is.
fn folder_at(job: &Job<'_>, root: &Folder, path: &RelPath) -> Result<Standing, DeliverError> {
    let Some(above) = place::find(root, path.parent().as_ref())? else { return Ok(Standing::Free) };
    match above.look(path.file_name())? {
        Found::Nothing => return Ok(Standing::Free),
        Found::Folder => {}
        Found::File { .. } | Found::Other => return Ok(Standing::Foreign),
    }
    let folder = above.folder(path.file_name())?;
    if let Some(sha256) = (job.earlier)(folder.path()) {
        return Ok(ours_if(&content::digest_tree(&folder)?, &sha256));
    }
    let mut set = Standing::Foreign;
    for name in folder.names()? {
        let Some(name) = name.to_str() else { return Ok(Standing::Foreign) };
        if content::is_left_by_viewer(name) {
            continue;
        }
        let standing = match (folder.look(name)?, (job.earlier)(&folder.join(name))) {
            (Found::Folder, Some(sha256)) => ours_if(&content::digest_tree(&folder.folder(name)?)?, &sha256),
            (Found::File { .. }, Some(sha256)) => ours_if(&content::digest_file(&folder, name)?, &sha256),
            _ => Standing::Foreign,
        };
        if standing != Standing::Ours {
            return Ok(standing);
        }
        set = Standing::Ours;
    }
    Ok(set)
}

/// What the chosen names tell the operator. From the journal, so that a crash does not lose it.
pub(super) fn named_otherwise(
    job: &Job<'_>,
    root: &std::path::Path,
    wanted: &RelPath,
    chosen: &RelPath,
) -> Option<String> {
    if wanted == chosen {
        return None;
    }
    let path = wanted.below(root);
    let why = if (job.earlier)(&path).is_some() {
        "was changed since it was delivered, and was kept".to_string()
    } else {
        format!("was there already, and {}", job.foreign)
    };
    Some(format!("{} {why}: delivered as `{chosen}`", path.display()))
}

/// What to say of a replaced file that is not an earlier one of ours, or that somebody had edited.
pub(super) fn replaced(job: &Job<'_>, root: &Folder, chosen: &Chosen) -> Option<String> {
    let why = match chosen.replaces? {
        Standing::Edited => "was changed since it was delivered".to_string(),
        Standing::Foreign => format!("was there already, and {}", job.foreign),
        Standing::Free | Standing::Ours => return None,
    };
    let path = chosen.path.below(root.path());
    Some(format!("{} {why}; it was replaced, as `on_conflict: replace` asks for", path.display()))
}

/// The name that a unit was announced with.
pub(super) fn announced<'l>(ledger: &'l Ledger<'_>, unit: &str) -> Option<&'l RelPath> {
    ledger.file(unit).map(|file| &file.path)
}
