//! `reserve`: room on the spool's disk that is kept for what a person asks for.
//!
//! Owns: on a full disk jobs wait, but the server can still be asked, paused, and told to cancel a job. The file holds
//! nothing; it is made shorter, piece by piece, when a request finds no room. What the request leaves is taken back before
//! something else fills it, and when there is room again the reserve is whole.

use std::path::{Path, PathBuf};

use super::durable::{self, Done};
use super::queue::free_space;

const FILE: &str = "reserve";
/// What a request takes, or its answer, with what it changes: a few blocks of the disk.
const PIECE_BYTES: u64 = 16 * 1024;
const PIECES: u64 = 16;
/// A disk with less than this is full.
const NEEDED_BYTES: u64 = 8 * 1024;
/// Of the free room no more than this part is kept.
const SHARE: u64 = 4;

fn path(root: &Path) -> PathBuf {
    root.join(FILE)
}

fn length(root: &Path) -> u64 {
    std::fs::metadata(path(root)).map_or(0, |metadata| metadata.len())
}

/// Makes the reserve as large as it should be, where the disk has the room.
pub fn keep(root: &Path) -> Done {
    let share = free_space(root).map_or(PIECES, |free| free / SHARE / PIECE_BYTES);
    let wanted = share.min(PIECES) * PIECE_BYTES;
    if length(root) >= wanted {
        return Ok(());
    }
    durable::replace_for_folder(&path(root), &filling(wanted))
}

/// Whether the disk is so full that nothing can be written.
pub fn is_needed(root: &Path) -> bool {
    free_space(root).is_some_and(|free| free < NEEDED_BYTES)
}

/// Lets a piece go when the disk is full; says whether there was one.
pub fn make_room(root: &Path) -> bool {
    is_needed(root) && length(root) > 0 && durable::shorten(&path(root), PIECE_BYTES).is_ok()
}

/// Takes back what a request has left of its pieces, on a disk that is still full.
pub fn take_back(root: &Path) {
    let whole = PIECES * PIECE_BYTES;
    let length = length(root);
    let left =
        free_space(root).filter(|free| *free < 2 * PIECE_BYTES).unwrap_or_default().min(whole.saturating_sub(length));
    if left > 0 && path(root).exists() {
        // Another program may have been quicker.
        let _ = durable::lengthen(&path(root), &filling(left));
    }
}

/// A file system that compresses would keep no room for zeros. Without the system's randomness it is what it is.
fn filling(bytes: u64) -> Vec<u8> {
    let mut filling = vec![0; usize::try_from(bytes).unwrap_or_default()];
    let _ = getrandom::fill(&mut filling);
    filling
}

/// Does what a person asked for, which must have room. What has failed on a full disk is done again with one more piece:
/// another program may have been quicker to take the first.
pub fn with_room<T, E>(root: &Path, mut work: impl FnMut() -> Result<T, E>) -> Result<T, E> {
    make_room(root);
    loop {
        match work() {
            Err(_) if make_room(root) => {}
            done => return done,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_made_once_and_let_go_piece_by_piece() {
        let dir = tempfile::tempdir().unwrap();
        keep(dir.path()).unwrap();
        assert_eq!(length(dir.path()), PIECES * PIECE_BYTES);
        let before = std::fs::read(path(dir.path())).unwrap();
        keep(dir.path()).unwrap();
        assert_eq!(std::fs::read(path(dir.path())).unwrap(), before);
        assert!(!make_room(dir.path()), "the disk is not full");
        durable::shorten(&path(dir.path()), PIECE_BYTES).unwrap();
        assert_eq!(length(dir.path()), (PIECES - 1) * PIECE_BYTES);
        keep(dir.path()).unwrap();
        assert_eq!(length(dir.path()), PIECES * PIECE_BYTES);
    }

    #[test]
    fn what_fails_for_another_reason_is_not_tried_again() {
        let dir = tempfile::tempdir().unwrap();
        let mut tries = 0;
        let done: Result<(), ()> = with_room(dir.path(), || {
            tries += 1;
            Err(())
        });
        assert!(done.is_err() && tries == 1);
    }
}
