//! The folders of a destination: what must stand, what is made, and that no link below leads out.
//!
//! Owns: everything below `Place.fixed` is reached through held folders, so that no symbolic link is followed there.
//! What lies above is the operator's own choice of path.

use std::path::Path;

use super::error::DeliverError;
use crate::model::delivery::Delivery;
use crate::model::name::RelPath;
use crate::plan::{DeliveryStep, Place};
use crate::spool::durable::{self, Folder, Found};

/// The folder of a disc whose `path` has no token: see [`of_volumes`].
const DISC_NAME: &str = "Disc";

/// Where the files of a `folder` go.
pub(super) fn of_files(step: &DeliveryStep) -> Result<Place, DeliverError> {
    step.place
        .clone()
        .ok_or_else(|| DeliverError::NotBuilt(format!("delivery {} has no destination in its plan", step.id)))
}

/// Where discs and zips go, with a `path` that names the disc's folder, or the zip, below `fixed`.
///
/// A path without any token is `fixed` altogether. For a zip its last part is the file's name. A disc goes into such a
/// folder, as `Disc`: the folder stands before the first job, and every job writes there.
pub(super) fn of_volumes(step: &DeliveryStep) -> Result<Place, DeliverError> {
    let mut place = of_files(step)?;
    let is_zip = matches!(step.delivery, Delivery::Zip { .. });
    if place.path.is_none() {
        if is_zip {
            let name = place.fixed.file_name().and_then(|n| n.to_str()).and_then(|n| RelPath::parse(n).ok());
            let (Some(name), Some(parent)) = (name, place.fixed.parent()) else {
                return Err(DeliverError::Conflict(format!(
                    "{} cannot be the name of a zip: change `path` of the delivery",
                    place.fixed.display()
                )));
            };
            place.fixed = parent.to_path_buf();
            place.path = Some(name);
        } else {
            place.path = RelPath::from_part(DISC_NAME);
            place.shown = format!("{}/{DISC_NAME}", place.shown.trim_end_matches('/'));
        }
    }
    if is_zip
        && let Some(path) = &place.path
        && !has_zip_extension(path)
    {
        place.path = Some(path.with_extension("zip"));
        place.shown += ".zip";
    }
    Ok(place)
}

pub(super) fn has_zip_extension(path: &RelPath) -> bool {
    path.file_name().rsplit_once('.').is_some_and(|(stem, e)| !stem.is_empty() && e.eq_ignore_ascii_case("zip"))
}

/// The part of `shown` that stands for `fixed`.
pub(super) fn shown_fixed(place: &Place) -> &str {
    let parts = place.path.as_ref().map_or(0, |p| p.as_str().split('/').count());
    let shown = place.shown.trim_end_matches(['/', '\\']);
    (0..parts).fold(shown, |rest, _| rest.rsplit_once(['/', '\\']).map_or("", |(above, _)| above))
}

/// Joined as receipts show it.
pub(super) fn join_shown(above: &str, name: &RelPath) -> String {
    let above = above.trim_end_matches(['/', '\\']);
    if above.is_empty() { name.to_string() } else { format!("{above}/{name}") }
}

/// Opens the fixed part; makes it only when the config says so.
pub(super) fn open(place: &Place) -> Result<Folder, DeliverError> {
    if let Some(folder) = open_standing(&place.fixed)? {
        return Ok(folder);
    }
    if !place.made {
        return Err(DeliverError::Unreachable(format!(
            "the folder {} is not there: connect its disk or share, or make the folder; an absolute path is never made",
            place.fixed.display()
        )));
    }
    let standing = place.fixed.ancestors().find(|a| a.is_dir()).unwrap_or(&place.fixed);
    durable::make_folders(standing, &place.fixed)?;
    Ok(Folder::open(&place.fixed)?)
}

/// Opens a folder, if there is one.
pub(super) fn open_standing(path: &Path) -> Result<Option<Folder>, DeliverError> {
    match Folder::open(path) {
        Ok(folder) => Ok(Some(folder)),
        Err(e) if e.is_not_found() => Ok(None),
        Err(e) if e.source.kind() == std::io::ErrorKind::NotADirectory => Err(DeliverError::Unreachable(format!(
            "{} is a file, not a folder: move it away, or change `path` of the delivery",
            path.display()
        ))),
        Err(e) => Err(e.into()),
    }
}

/// A folder that stands below another one; `None` when it does not stand.
pub(super) fn find(from: &Folder, path: Option<&RelPath>) -> Result<Option<Folder>, DeliverError> {
    walk(from, path, |folder, part| match folder.look(part)? {
        Found::Nothing => Ok(None),
        Found::Folder => Ok(Some(folder.folder(part)?)),
        found => Err(in_the_way(folder, part, found)),
    })
}

/// As [`find`], but whatever else stands there is nothing: for those who only clean.
pub(super) fn find_if_folder(from: &Folder, path: Option<&RelPath>) -> Result<Option<Folder>, DeliverError> {
    walk(from, path, |folder, part| match folder.look(part)? {
        Found::Folder => Ok(Some(folder.folder(part)?)),
        _ => Ok(None),
    })
}

/// A folder below another one, made durably when it is missing.
pub(super) fn make(from: &Folder, path: Option<&RelPath>) -> Result<Folder, DeliverError> {
    let made = walk(from, path, |folder, part| match folder.look(part)? {
        Found::Nothing | Found::Folder => Ok(Some(folder.make(part)?)),
        found => Err(in_the_way(folder, part, found)),
    })?;
    made.map_or_else(|| Ok(from.again()?), Ok)
}

fn walk(
    from: &Folder,
    path: Option<&RelPath>,
    step: impl Fn(&Folder, &str) -> Result<Option<Folder>, DeliverError>,
) -> Result<Option<Folder>, DeliverError> {
    let mut at = from.again()?;
    for part in path.iter().flat_map(|p| p.as_str().split('/')) {
        match step(&at, part)? {
            Some(next) => at = next,
            None => return Ok(None),
        }
    }
    Ok(Some(at))
}

fn in_the_way(folder: &Folder, part: &str, found: Found) -> DeliverError {
    let path = folder.join(part);
    DeliverError::Conflict(match found {
        Found::File { .. } => format!("{} is a file where a folder is needed: move it away", path.display()),
        _ => format!(
            "{} is a link, and links below a destination are not followed: put a folder in its place, or write the \
             folder that it leads to as `path`",
            path.display()
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shown_without_its_path() {
        let place = |shown: &str, path: Option<&str>| Place {
            fixed: "/x".into(),
            made: true,
            path: path.map(|p| RelPath::parse(p).unwrap()),
            shown: shown.into(),
        };
        assert_eq!(shown_fixed(&place("burn/Larson-1042", Some("Larson-1042"))), "burn");
        assert_eq!(shown_fixed(&place("a/b/c/", Some("b/c"))), "a");
        assert_eq!(shown_fixed(&place("S1", Some("S1"))), "");
        assert_eq!(shown_fixed(&place("a/b", None)), "a/b");
        assert_eq!(join_shown("", &RelPath::parse("x").unwrap()), "x");
        assert_eq!(join_shown("a/", &RelPath::parse("x/y").unwrap()), "a/x/y");
    }
}
