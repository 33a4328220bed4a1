//! How much room is left on the disks that we write to.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::spool::gauge::Gauge;
use crate::spool::job::Stamp;
use crate::spool::queue::free_space;

/// A look waits so long for the disks to answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(2);

/// What is left on the disk that a folder lies on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Room {
    pub(super) folder: PathBuf,
    /// The highest folder of the volume.
    pub(super) disk: PathBuf,
    pub(super) free_bytes: u64,
}

/// What was measured last; folders that are not there are left out.
pub(super) fn rooms(gauge: &mut Gauge<Room>, folders: &[PathBuf]) -> Vec<Room> {
    gauge.look(folders, measure, ANSWER_WITHIN).into_iter().map(|(_, room)| room).collect()
}

fn measure(folder: &Path) -> Option<Room> {
    let (disk, free_bytes) = (top_of_volume(folder)?, free_space(folder)?);
    Some(Room { folder: folder.to_path_buf(), disk, free_bytes })
}

/// The highest folder of the volume that a folder lies on.
fn top_of_volume(folder: &Path) -> Option<PathBuf> {
    let device = |path: &Path| path.metadata().ok().map(|metadata| Stamp::from_metadata(&metadata).device);
    let own = device(folder)?;
    folder.ancestors().take_while(|above| device(above) == Some(own)).last().map(Path::to_path_buf)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_room_of_a_folder_is_that_of_its_disk() {
        let dir = tempfile::tempdir().unwrap();
        let mut gauge = Gauge::default();
        let rooms = rooms(&mut gauge, &[dir.path().to_path_buf(), dir.path().join("gone")]);
        assert_eq!((rooms.len(), rooms[0].folder.as_path()), (1, dir.path()));
        assert!(dir.path().starts_with(&rooms[0].disk) && rooms[0].free_bytes > 0);
    }
}
