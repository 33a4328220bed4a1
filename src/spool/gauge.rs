//! How much room is left on the disks that we write to.
//!
//! Owns: a share that hangs keeps one thread waiting, not the look for everything else.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, TryRecvError};
use std::time::Duration;

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

#[derive(Debug, Default)]
pub(super) struct Gauge {
    last: Vec<Room>,
    /// Where the answer of a measurement comes, which may be one of an earlier look.
    asked: Option<Receiver<Vec<Room>>>,
}

impl Gauge {
    /// What was measured last; folders that are not there are left out.
    pub(super) fn look(&mut self, folders: Vec<PathBuf>) -> &[Room] {
        self.look_with(folders, measure, ANSWER_WITHIN)
    }

    fn look_with(&mut self, folders: Vec<PathBuf>, measure: fn(&Path) -> Option<Room>, within: Duration) -> &[Room] {
        // One that hung is over.
        match self.asked.as_ref().map(Receiver::try_recv) {
            Some(Ok(_) | Err(TryRecvError::Disconnected)) => self.asked = None,
            Some(Err(TryRecvError::Empty)) => return &self.last,
            None => {}
        }
        let (answer, asked) = mpsc::channel();
        let measure_all = move || {
            let rooms = folders.iter().filter_map(|folder| measure(folder)).collect();
            // Nobody asks any more once the server has stopped.
            let _ = answer.send(rooms);
        };
        if let Err(e) = std::thread::Builder::new().name("disks".into()).spawn(measure_all) {
            tracing::warn!("the disks cannot be looked at: {e}");
            return &self.last;
        }
        match asked.recv_timeout(within) {
            Ok(rooms) => self.last = rooms,
            Err(RecvTimeoutError::Timeout) => self.asked = Some(asked),
            Err(RecvTimeoutError::Disconnected) => {}
        }
        &self.last
    }
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
    fn a_disk_that_hangs_is_not_waited_for_and_not_asked_twice() {
        fn hangs(folder: &Path) -> Option<Room> {
            while !folder.join("answers").exists() {
                std::thread::sleep(Duration::from_millis(2));
            }
            measure(folder)
        }
        let dir = tempfile::tempdir().unwrap();
        let folders = || vec![dir.path().to_path_buf()];
        let (mut gauge, short, long) = (Gauge::default(), Duration::from_millis(20), Duration::from_mins(1));
        assert!(gauge.look_with(folders(), hangs, short).is_empty());
        assert!(gauge.look_with(folders(), |_| unreachable!(), long).is_empty(), "it hangs still");
        crate::spool::durable::replace(&dir.path().join("answers"), b"").unwrap();
        while gauge.look_with(folders(), hangs, long).is_empty() {}
        assert_eq!(gauge.last[0].folder, dir.path());
        assert!(dir.path().starts_with(&gauge.last[0].disk) && gauge.last[0].free_bytes > 0);
        assert!(gauge.look(vec![dir.path().join("gone")]).is_empty());
    }
}
