//! Files that only take room, so that there is some when a disk is full.

use std::fs::OpenOptions;
use std::io;
use std::path::Path;

use super::{Done, Named as _, point};

/// Makes a file shorter by so much, so that the room is free at once.
pub fn shorten(path: &Path, by_bytes: u64) -> Done {
    point("shorten", path)?;
    let file = OpenOptions::new().write(true).open(path).named("shorten", path)?;
    let length = file.metadata().named("look at", path)?.len();
    file.set_len(length.saturating_sub(by_bytes)).named("shorten", path)
}

/// Adds to a file that only takes room: what a power failure takes back of it is no loss.
pub fn lengthen(path: &Path, bytes: &[u8]) -> Done {
    point("lengthen", path)?;
    let mut file = OpenOptions::new().append(true).open(path).named("lengthen", path)?;
    io::Write::write_all(&mut file, bytes).named("lengthen", path)
}
