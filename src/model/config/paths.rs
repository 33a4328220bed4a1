//! Paths as the file writes them, made absolute.
//!
//! Lexical: nothing is looked up, so that the same file means the same wherever it is checked. `/` separates folders
//! on every system; `//nas/x` and `Z:/x` are absolute on every system, so that a file for a Windows machine can be
//! checked on another.

use std::path::{Component, Path, PathBuf};

use crate::model::delivery::Destination;
use crate::model::template::Template;

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Resolved {
    pub(super) path: PathBuf,
    /// Written relative to the config file.
    pub(super) relative: bool,
}

/// `folder` is that of the config file, absolute and normalised.
pub(super) fn resolve(folder: &Path, written: &str) -> Result<Resolved, String> {
    if written.is_empty() {
        return Err("a path belongs here, not an empty text".into());
    }
    if written.contains('\\') {
        return Err(format!("`{written}`: write `/` between folders, on Windows too"));
    }
    if written.chars().any(char::is_control) {
        return Err(format!("{written:?} has a control character in it"));
    }
    if written == "~" || written.starts_with("~/") {
        return Err(format!("`{written}`: `~` stands for nothing here; write the whole path"));
    }
    let (prefix, rest) = split_prefix(written);
    if prefix.is_none() && has_drive(written) {
        return Err(format!("`{written}`: behind the drive belongs a `/`"));
    }
    let mut path = prefix.map_or_else(|| folder.to_path_buf(), PathBuf::from);
    for part in rest.split('/') {
        match part {
            "" | "." => {}
            // Above the root there is nothing: `pop` leaves it alone.
            ".." => drop(path.pop()),
            name => path.push(name),
        }
    }
    Ok(Resolved { path, relative: prefix.is_none() })
}

/// Where a destination that was written relative to the config file lies now that the file lies in `folder`: the studio's
/// folder may have been moved since. `None` for an absolute one.
pub fn destination_in(folder: &Path, destination: &Destination) -> Option<PathBuf> {
    let (fixed, _) = Template::parse(&destination.written).ok()?.split_fixed();
    let resolved = resolve(folder, if fixed.is_empty() { "." } else { &fixed }).ok()?;
    resolved.relative.then_some(resolved.path)
}

/// Whether it counts from the folder of the config file.
pub(super) fn is_relative(written: &str) -> bool {
    split_prefix(written).0.is_none()
}

/// The root of an absolute path: `/`, `//`, `Z:/`.
fn split_prefix(written: &str) -> (Option<&str>, &str) {
    if has_drive(written) && written[2..].starts_with('/') {
        return (Some(&written[..3]), &written[3..]);
    }
    if let Some(rest) = written.strip_prefix("//") {
        // The server and its share are one root: no `..` leads out of them.
        let mut ends = rest.match_indices('/').map(|(at, _)| at);
        let end = ends.nth(1).unwrap_or(rest.len());
        return (Some(&written[..end + 2]), &rest[end..]);
    }
    written.strip_prefix('/').map_or((None, written), |rest| (Some("/"), rest))
}

fn has_drive(written: &str) -> bool {
    let bytes = written.as_bytes();
    bytes.len() >= 2 && bytes[0].is_ascii_alphabetic() && bytes[1] == b':'
}

/// Without `.` and `..`, by the letters alone.
pub(super) fn normalised(path: &Path) -> PathBuf {
    path.components().fold(PathBuf::new(), |mut out, component| {
        match component {
            Component::CurDir => {}
            Component::ParentDir => drop(out.pop()),
            other => out.push(other),
        }
        out
    })
}

/// Whether `inner` is `outer` or lies in it. Windows does not tell letters by their case.
pub(super) fn holds(outer: &Path, inner: &Path) -> bool {
    if cfg!(windows) {
        let fold = |path: &Path| PathBuf::from(path.to_string_lossy().to_lowercase());
        fold(inner).starts_with(fold(outer))
    } else {
        inner.starts_with(outer)
    }
}

/// As a message shows it: relative to the config file where it lies beside it, `/` everywhere.
pub(super) fn shown(folder: &Path, path: &Path) -> String {
    let text = match path.strip_prefix(folder) {
        Ok(below) if below.as_os_str().is_empty() => "the folder of this file".into(),
        Ok(below) => below.to_string_lossy(),
        Err(_) => path.to_string_lossy(),
    };
    if cfg!(windows) { text.replace('\\', "/") } else { text.into_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_relative_to_the_file_and_normalised() {
        let at = |written: &str| {
            let resolved = resolve(Path::new("/studio/conf"), written).unwrap();
            (resolved.path.to_string_lossy().into_owned(), resolved.relative)
        };
        assert_eq!(at("drop/status"), ("/studio/conf/drop/status".into(), true));
        assert_eq!(at("./a//b/"), ("/studio/conf/a/b".into(), true));
        assert_eq!(at("../x/../y"), ("/studio/y".into(), true));
        assert_eq!(at("/mnt/../x"), ("/x".into(), false));
        assert_eq!(at("/../x"), ("/x".into(), false));
        assert_eq!(at("Z:/x/../y"), ("Z:/y".into(), false));
        assert!(!at("//nas/share/x").1);
        assert_eq!(at("//nas/share/x").0, "//nas/share/x");
    }

    #[test]
    fn what_is_no_path_is_refused() {
        for written in ["", "a\\b", "~/x", "Z:x", "a\nb"] {
            assert!(resolve(Path::new("/"), written).is_err(), "{written:?}");
        }
    }
}
