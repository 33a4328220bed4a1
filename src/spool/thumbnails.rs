//! `thumbnails/` in a job's folder: what the job has made, and what it was made from, small enough for a page.
//!
//! Owns: the names. A job keeps them to its end, also when its pictures have left: what a finished print looked like is
//! asked when neither sheet nor file is there any more.

use std::path::{Path, PathBuf};

use crate::model::name::RelPath;
use crate::model::spec::Turn;

/// The folder's name in a job's folder.
pub const FOLDER: &str = "thumbnails";
/// Longest side, in pixels: twice what a page shows, for fine screens. About 30 KB as a JPEG.
pub const LONGEST_PX: u32 = 480;
/// Pictures of one job that are kept small; later ones are not.
pub const KEPT_MAX: usize = 2_000;

/// Of a file in `outputs/`.
pub fn of_result(job: &Path, file: &RelPath) -> PathBuf {
    job.join(FOLDER).join(format!("result-{}.jpg", file.as_str().replace('/', "-")))
}

/// Of an original, by its number in the plan, as it is turned for a picture.
pub fn of_source(job: &Path, source: usize, turn: Turn) -> PathBuf {
    job.join(FOLDER).join(format!("source-{source}-{}.jpg", turn.degrees()))
}
