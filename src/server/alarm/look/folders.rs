//! Folders that cannot be reached, drops that cannot be taken, and disks that run full.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::{Room, Sight, cut};
use crate::alert::{Book, Condition, Kind, Seen};
use crate::intake::{DropTrouble, FolderState, Mode};
use crate::model::config::{Alerts, Config};
use crate::model::counted::counted;
use crate::worker::run::Workshop;

/// Room must come back so far beyond the bound before the alert is over, or files that come and go would ring for ever.
const RELIEF_PERCENT: u64 = 110;

pub(super) fn places(config: &Config, sight: &Sight, folders: &[FolderState]) -> Seen {
    let mut wrong: BTreeMap<PathBuf, Condition> = BTreeMap::new();
    let condition = |place: &Path, title: String, text: String, since| Condition {
        cause: format!("place {}", place.display()),
        kind: Kind::Place,
        title,
        text,
        since,
        job: None,
    };
    for folder in folders {
        if let Mode::Unreachable { since, reason } = &folder.mode {
            let title = format!("hot folder {} cannot be reached", folder.name);
            let text = format!("{reason}\nNothing is taken from {} until it is back.", folder.path.display());
            wrong.insert(folder.path.clone(), condition(&folder.path, title, text, *since));
        }
    }
    for awaited in &sight.places {
        let shown = awaited.place.strip_prefix(&config.folder).unwrap_or(&awaited.place).display();
        let jobs: Vec<String> = awaited.named.iter().map(ToString::to_string).collect();
        let text = format!("{}\nFor it: {}, {}", cut(&awaited.why), counted(awaited.jobs, "job"), jobs.join(", "));
        let of_place = condition(&awaited.place, format!("jobs wait for {shown}"), text, awaited.since);
        wrong.entry(awaited.place.clone()).or_insert(of_place);
    }
    // Before the first scan, and before every unfinished job was tried, nobody knows that something is right again.
    let complete = !sight.is_recovering && folders.len() == config.hot_folders.len();
    Seen { kinds: &[Kind::Place], wrong: wrong.into_values().collect(), complete, ..Seen::default() }
}

/// Drops that are whole and cannot be taken.
pub(super) fn drops(config: &Config, folders: &[FolderState]) -> Seen {
    let condition = |folder: &FolderState, trouble: &DropTrouble| Condition {
        cause: format!("drop {} {}", folder.name, trouble.name),
        kind: Kind::Drop,
        title: format!("`{}` in the hot folder `{}` cannot be taken", trouble.name, folder.name),
        text: format!("It {}\nIt lies in {}; the others there go on.", cut(&trouble.why), folder.path.display()),
        since: trouble.since,
        job: None,
    };
    let wrong = folders.iter().flat_map(|folder| folder.troubles.iter().map(move |trouble| condition(folder, trouble)));
    let complete = folders.len() == config.hot_folders.len();
    Seen { kinds: &[Kind::Drop], wrong: wrong.collect(), complete, ..Seen::default() }
}

/// Every disk that we write to.
pub(in crate::server::alarm) fn written_to(workshop: &Workshop, config: &Config) -> Vec<PathBuf> {
    let read_only = |place: &PathBuf| config.library.iter().any(|library| library.roots.contains(place));
    let mut folders: Vec<PathBuf> = config.places().into_iter().filter(|place| !read_only(place)).collect();
    folders.push(workshop.spool.root().to_path_buf());
    folders.push(config.server.log.folder.clone());
    folders.extend(config.downloads.iter().map(|downloads| downloads.folder.clone()));
    folders
}

pub(super) fn disks(rooms: &[Room], alerts: &Alerts, book: &Book, now: Timestamp) -> Seen {
    let mut wrong: BTreeMap<String, Condition> = BTreeMap::new();
    let mut looked_at = BTreeSet::new();
    for Room { folder, disk, free_bytes } in rooms {
        let cause = format!("disk_low {}", disk.display());
        looked_at.insert(cause.clone());
        let bound = if book.is_open(&cause) { alerts.disk_low / 100 * RELIEF_PERCENT } else { alerts.disk_low };
        if *free_bytes >= bound || wrong.contains_key(&cause) {
            continue;
        }
        let condition = Condition {
            cause: cause.clone(),
            kind: Kind::DiskLow,
            title: format!("the disk of {} is nearly full", folder.display()),
            text: format!(
                "{} MiB are free at {}. When nothing is left, jobs wait; nothing is lost.",
                free_bytes / (1024 * 1024),
                disk.display()
            ),
            since: now,
            job: None,
        };
        wrong.insert(cause, condition);
    }
    // A disk that is not mounted just now has not become empty.
    let unseen = book.open_causes().map(|open| &open.condition);
    let unseen = unseen.filter(|c| c.kind == Kind::DiskLow && !looked_at.contains(&c.cause));
    wrong.extend(unseen.map(|c| (c.cause.clone(), c.clone())));
    Seen { kinds: &[Kind::DiskLow], wrong: wrong.into_values().collect(), complete: true, ..Seen::default() }
}
