//! Removes a file or disc of an earlier job that its record does not make any more.
//!
//! Owns: only what still has the bytes that we gave it goes, and nothing outside the destination's fixed part.

use std::path::Path;

use super::content;
use super::error::DeliverError;
use super::place;
use crate::model::delivery::Destination;
use crate::model::name::RelPath;
use crate::spool::durable::Found;

/// What became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Superseded {
    /// Somebody else had removed it, or we, before a crash.
    Gone,
    Removed,
    /// It has other bytes by now.
    Kept,
    /// It stands, but not where the destination is now: it is left alone.
    Elsewhere,
}

/// Removes what stands at `path` when it is still what was delivered. Twice is once.
pub fn remove_superseded(destination: &Destination, path: &Path, sha256: &str) -> Result<Superseded, DeliverError> {
    let Some((root, below)) = below(&destination.fixed, path) else {
        let stands = path.symlink_metadata().is_ok();
        return Ok(if stands { Superseded::Elsewhere } else { Superseded::Gone });
    };
    let Some(root) = place::open_standing(root)? else {
        if destination.made {
            return Ok(Superseded::Gone);
        }
        return Err(DeliverError::Unreachable(format!(
            "the folder {} is not there: connect its disk or share, or make the folder; an absolute path is never made",
            root.display()
        )));
    };
    let Some(folder) = place::find_if_folder(&root, below.parent().as_ref())? else { return Ok(Superseded::Gone) };
    let name = below.file_name();
    let standing = match folder.look(name)? {
        Found::Nothing => return Ok(Superseded::Gone),
        Found::File { .. } => content::digest_file(&folder, name)?,
        Found::Folder => content::digest_tree(&folder.folder(name)?)?,
        Found::Other => return Ok(Superseded::Kept),
    };
    if standing.sha256 != sha256 {
        return Ok(Superseded::Kept);
    }
    folder.remove(name)?;
    folder.sync()?;
    Ok(Superseded::Removed)
}

/// The folder to begin at, and the way from there. A path without any token is the disc, or the zip, itself.
fn below<'p>(fixed: &'p Path, path: &Path) -> Option<(&'p Path, RelPath)> {
    let from = |root: &'p Path| {
        let parts: Option<Vec<&str>> = path.strip_prefix(root).ok()?.iter().map(|part| part.to_str()).collect();
        Some((root, RelPath::parse(&parts?.join("/")).ok()?))
    };
    let beside = || from(fixed.parent()?).filter(|(_, path)| path.parent().is_none());
    from(fixed).or_else(beside)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::digest;
    use crate::spool::durable;

    #[test]
    fn only_what_still_is_as_it_was_delivered_goes() {
        let dir = tempfile::tempdir().unwrap();
        let rest = crate::model::template::Template::parse("").unwrap();
        let fixed = dir.path().join("out");
        let destination = |made| Destination { written: "out".into(), fixed: fixed.clone(), made, rest: rest.clone() };
        let file = dir.path().join("out/a/b.jpg");
        let remove = |sha256: &str| remove_superseded(&destination(true), &file, sha256).unwrap();
        assert_eq!(remove("x"), Superseded::Gone);
        assert!(remove_superseded(&destination(false), &file, "x").unwrap_err().is_world());
        durable::make_folders(dir.path(), file.parent().unwrap()).unwrap();
        durable::stage(&file, b"edited").unwrap();
        assert_eq!(remove(&digest::sha256(b"delivered")), Superseded::Kept);
        assert!(file.exists());
        assert_eq!(remove(&digest::sha256(b"edited")), Superseded::Removed);
        assert_eq!(remove(&digest::sha256(b"edited")), Superseded::Gone);
        let outside = dir.path().join("elsewhere/b.jpg");
        assert_eq!(remove_superseded(&destination(true), &outside, "x").unwrap(), Superseded::Gone);
        durable::make_folders(dir.path(), outside.parent().unwrap()).unwrap();
        durable::stage(&outside, b"x").unwrap();
        assert_eq!(remove_superseded(&destination(true), &outside, "x").unwrap(), Superseded::Elsewhere);
    }
}
