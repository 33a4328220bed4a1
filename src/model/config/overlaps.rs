//! Folders that must keep clear of one another.
//!
//! Owns: hot folders, the spool, logs, downloads and receipts do not lie in one another, and no destination lies in
//! one of them or holds one. Otherwise our own files would be taken for drops, or wiped with something else's.
//! Destinations may share and contain each other, and lie in the library where no source pattern reads them.

use std::path::{Path, PathBuf};

use super::library::Library;
use super::{Context, paths};
use crate::model::document::Path as Place;
use crate::model::name::fold;
use crate::model::template::Template;

/// What a folder is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Role {
    Spool,
    Logs,
    Downloads,
    HotFolder(String),
    Receipts(String),
    /// Of a delivery: what lies below the fixed part comes from the job.
    Destination {
        below: Template,
    },
    /// Of another program: we put files into it.
    PrinterFolder(String),
    LibraryRoot,
}

impl Role {
    fn named(&self) -> String {
        match self {
            Role::Spool => "the spool".into(),
            Role::Logs => "the log folder".into(),
            Role::Downloads => "the downloads folder".into(),
            Role::HotFolder(name) => format!("the hot folder `{name}`"),
            Role::Receipts(name) => format!("the receipts folder of `{name}`"),
            Role::Destination { .. } => "the destination".into(),
            Role::PrinterFolder(name) => format!("the folder of the printer `{name}`"),
            Role::LibraryRoot => "a root of the library".into(),
        }
    }

    /// Nothing else may lie in it, nor may it lie in something else.
    fn is_ours(&self) -> bool {
        !matches!(self, Role::Destination { .. } | Role::PrinterFolder(_) | Role::LibraryRoot)
    }
}

/// A folder that the file names for something.
#[derive(Debug, Clone)]
pub(super) struct Claim {
    pub(super) role: Role,
    pub(super) path: PathBuf,
    pub(super) at: Place,
}

pub(super) fn check(cx: &mut Context<'_>, library: Option<&Library>) {
    let claims = std::mem::take(&mut cx.claims);
    for (index, second) in claims.iter().enumerate() {
        // One message for each way: a destination that holds everything is one mistake.
        for how in [How::Same, How::LiesIn, How::Holds] {
            let others: Vec<String> = claims[..index]
                .iter()
                .filter(|first| clash(first, second) == Some(how))
                .map(|first| format!("{} ({})", first.role.named(), paths::shown(cx.folder, &first.path)))
                .collect();
            if !others.is_empty() {
                let text = format!(
                    "{} {} {}; each needs a folder of its own, outside the other",
                    second.role.named(),
                    how.words(),
                    others.join(" and ")
                );
                cx.error(&second.at, text);
            }
        }
    }
    let Some(library) = library else { return };
    for claim in &claims {
        if let Role::Destination { below } = &claim.role
            && let Some(source) = read_as_original(library, &claim.path, below)
        {
            let text = format!(
                "pictures made here may be taken for originals: the library reads its source `{source}` there; \
                 deliver into another folder"
            );
            cx.error(&claim.at, text);
        }
    }
}

/// How the second of two folders lies to the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum How {
    Same,
    LiesIn,
    Holds,
}

impl How {
    fn words(self) -> &'static str {
        match self {
            How::Same => "is also",
            How::LiesIn => "lies in",
            How::Holds => "holds",
        }
    }
}

/// How two folders lie to each other that must not.
fn clash(first: &Claim, second: &Claim) -> Option<How> {
    let may_share = |a: &Role, b: &Role| match (a, b) {
        (Role::Receipts(_), Role::Receipts(_)) => true,
        // The library is only read: it may hold what it likes, but not lie where we take files away.
        (Role::LibraryRoot, other) | (other, Role::LibraryRoot) => !other.is_ours(),
        (a, b) => !a.is_ours() && !b.is_ours(),
    };
    if may_share(&first.role, &second.role) {
        return None;
    }
    let first_holds = paths::holds(&first.path, &second.path);
    let second_holds = paths::holds(&second.path, &first.path);
    let library_holds =
        (first.role == Role::LibraryRoot && !second_holds) || (second.role == Role::LibraryRoot && !first_holds);
    match (first_holds, second_holds) {
        _ if library_holds => None,
        (true, true) => Some(How::Same),
        (true, false) => Some(How::LiesIn),
        (false, true) => Some(How::Holds),
        (false, false) => None,
    }
}

/// The source of the library whose folder a destination writes into, if any.
fn read_as_original<'l>(library: &'l Library, fixed: &Path, below: &Template) -> Option<&'l str> {
    // A token may become any name.
    const ANY: &str = "*";
    let rest = below.text(&|_| Some(ANY.into()), &mut Vec::new());
    library.roots.iter().find_map(|root| {
        let inside = if paths::holds(root, fixed) { fixed.strip_prefix(root).ok()? } else { return None };
        let mut parts: Vec<String> = inside.components().map(|c| fold(&c.as_os_str().to_string_lossy())).collect();
        parts.extend(rest.split('/').filter(|p| !p.is_empty()).map(fold));
        // The first one is a session's folder.
        let parts = parts.get(1..)?;
        let reads = |pattern: &String| {
            let folders: Vec<&str> = pattern.split('/').collect();
            let folders = &folders[..folders.len() - 1];
            folders.len() == parts.len()
                && folders.iter().zip(parts).all(|(folder, part)| part.contains(ANY) || fold(folder) == *part)
        };
        library.sources.iter().find(|source| source.patterns.iter().any(reads)).map(|source| source.name.as_str())
    })
}
