//! Who else on the computer can read what a server keeps: nobody.
#![cfg(unix)]

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use super::links;
use super::studio::{Studio, session};

const STATES: [&str; 10] =
    ["tmp", "pending", "processing", "held", "done", "failed", "assets", "commands", "links", "labs"];

fn mode(path: &Path) -> u32 {
    path.metadata().unwrap_or_else(|e| panic!("{}: {e}", path.display())).permissions().mode() & 0o777
}

fn set(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

/// With a link that opens, and an order that failed.
fn worked() -> (Studio, PathBuf) {
    let mut studio = links::studio("");
    studio.serve();
    studio.drop_file("status", "i.json", &links::paid("7", &[1, 2]));
    studio.wait_jobs("done", 1);
    studio.write("drop/exports/nobody.json", session("S1", &[1]).replace("imported", "something else").as_bytes());
    studio.wait_jobs("failed", 1);
    let (_, record) = links::records(&studio).remove(0);
    let shelf = PathBuf::from(record["folder"].as_str().unwrap());
    (studio, shelf)
}

fn log_files(studio: &Studio) -> Vec<PathBuf> {
    fs::read_dir(studio.path("logs")).unwrap().flatten().map(|entry| entry.path()).collect()
}

#[test]
fn the_spool_the_pictures_behind_links_and_the_log_are_the_servers_alone() {
    let (mut studio, shelf) = worked();
    for folder in STATES {
        assert_eq!(mode(&studio.path("spool").join(folder)), 0o700, "{folder}");
    }
    assert_eq!(mode(&studio.path("spool")), 0o700);
    assert_eq!(mode(&shelf), 0o700);
    assert_eq!(mode(&studio.path("logs")), 0o700);
    assert_eq!(mode(&studio.jobs("failed")[0].join("reason.txt")), 0o600);
    // The studio app may be another user: a copy of a receipt has the rights of any new file.
    studio.write("receipts/any", b"");
    let copy = fs::read_dir(studio.path("receipts")).unwrap().flatten().find(|e| e.file_name() != "any").unwrap();
    assert_eq!(mode(&copy.path()), mode(&studio.path("receipts/any")));
    studio.stop();
}

#[test]
fn what_an_earlier_version_left_open_is_closed_at_the_next_start() {
    let (mut studio, shelf) = worked();
    studio.stop();
    let folders: Vec<PathBuf> = STATES.iter().map(|name| studio.path("spool").join(name)).chain([shelf]).collect();
    let logs = log_files(&studio);
    for folder in &folders {
        set(folder, 0o755);
    }
    for file in &logs {
        set(file, 0o664);
    }
    // A folder that somebody made for both keeps its rights: other things may lie in it.
    for shared in ["spool", "logs"] {
        set(&studio.path(shared), 0o755);
    }
    studio.serve();
    studio.wait("private folders", || folders.iter().all(|folder| mode(folder) == 0o700).then_some(()));
    studio.wait("a log that others cannot read", || logs.iter().all(|file| mode(file) == 0o660).then_some(()));
    assert_eq!((mode(&studio.path("spool")), mode(&studio.path("logs"))), (0o755, 0o755));
    studio.stop();
}
