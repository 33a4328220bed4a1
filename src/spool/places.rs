//! `places.json`: which watched and written places lie on a volume of their own. `away.json`: which hot folders are away.
//!
//! Owns: a disk or share that was unmounted is told from an empty folder. Where a place was once seen behind a mount
//! point, and that mount point is now a plain folder, the place is unreachable, whatever stands there.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;

use super::durable::{self, Done};
use super::job::Stamp;

/// The file's name in the spool.
const FILE: &str = "places.json";

/// A place, and the mount point that it was seen behind.
type Known = BTreeMap<PathBuf, PathBuf>;

/// What is known of places; the file is read again whenever it changed, so that removing it forgets.
#[derive(Debug, Default)]
pub struct Places {
    file: PathBuf,
    read: Mutex<(Option<Stamp>, Known)>,
}

/// The volume that a path lies on; links are followed.
type Volume<'v> = &'v dyn Fn(&Path) -> Option<u64>;

fn volume(path: &Path) -> Option<u64> {
    path.metadata().ok().map(|metadata| Stamp::from_metadata(&metadata).device)
}

/// The nearest folder at or above a path where a volume begins that is not its parent's. `None` for what lies on the
/// volume of the root, and for what is not there.
fn mount_point(path: &Path, volume: Volume<'_>) -> Option<PathBuf> {
    volume(path)?;
    path.ancestors().find(|folder| is_mount_point(folder, volume)).map(Path::to_path_buf)
}

fn is_mount_point(folder: &Path, volume: Volume<'_>) -> bool {
    let above = folder.parent().and_then(volume);
    above.is_some_and(|above| volume(folder).is_some_and(|own| own != above))
}

impl Places {
    pub fn of_spool(root: &Path) -> Places {
        Places { file: root.join(FILE), read: Mutex::default() }
    }

    fn known(&self) -> Known {
        let stamp = Stamp::of(&self.file).ok();
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        if read.0 != stamp {
            let text = std::fs::read(&self.file).unwrap_or_default();
            // One that was damaged knows nothing, and is written anew with what is seen.
            *read = (stamp, serde_json::from_slice(&text).unwrap_or_default());
        }
        read.1.clone()
    }

    /// Remembers behind which mount points these places lie now. What the config does not name any more is forgotten.
    pub fn learn(&self, places: &[PathBuf]) -> Done {
        self.learn_by(places, &volume)
    }

    fn learn_by(&self, places: &[PathBuf], volume: Volume<'_>) -> Done {
        let known = self.known();
        let mut now: Known = known.clone();
        now.retain(|place, _| places.contains(place));
        for place in places {
            // The nearest one is the one that counts: a share below a disk.
            if let Some(point) = mount_point(place, volume)
                && now.get(place).is_none_or(|before| point.starts_with(before))
            {
                now.insert(place.clone(), point);
            }
        }
        if now == known {
            return Ok(());
        }
        durable::replace(&self.file, &serde_json::to_vec_pretty(&now).unwrap_or_default())
    }

    /// Why a place cannot be what it seems: its volume is not mounted.
    pub fn unmounted(&self, place: &Path) -> Option<String> {
        self.unmounted_by(place, &volume)
    }

    fn unmounted_by(&self, place: &Path, volume: Volume<'_>) -> Option<String> {
        let point = self.known().remove(place)?;
        (!is_mount_point(&point, volume)).then(|| {
            format!(
                "the disk or share of {} is not mounted at {}; mount it, or remove {} if the place has moved to this disk \
                 for good",
                place.display(),
                point.display(),
                self.file.display()
            )
        })
    }
}

/// The file's name in the spool.
const AWAY_FILE: &str = "away.json";

/// `away.json`: since when hot folders cannot be reached, also over a restart of the server.
#[derive(Debug)]
pub struct Away {
    file: PathBuf,
    since: BTreeMap<PathBuf, Timestamp>,
}

impl Away {
    /// Reads what is known; a file that is damaged knows nothing.
    pub fn of_spool(root: &Path) -> Away {
        let file = root.join(AWAY_FILE);
        let text = std::fs::read(&file).unwrap_or_default();
        Away { since: serde_json::from_slice(&text).unwrap_or_default(), file }
    }

    /// These are away now, each since then as far as this server has seen; what is not named is back.
    pub fn note(&mut self, now: &BTreeMap<PathBuf, Timestamp>) -> Done {
        let earliest = |(place, seen): (&PathBuf, &Timestamp)| {
            let since = self.since.get(place).map_or(*seen, |known| (*known).min(*seen));
            (place.clone(), since)
        };
        let since: BTreeMap<PathBuf, Timestamp> = now.iter().map(earliest).collect();
        if since == self.since {
            return Ok(());
        }
        self.since = since;
        durable::replace(&self.file, &serde_json::to_vec_pretty(&self.since).unwrap_or_default())
    }

    pub fn since(&self, place: &Path) -> Option<Timestamp> {
        self.since.get(place).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A volume begins at each of these; what is not below `/s` is not there.
    fn volumes<'p>(points: &'p [&'p str]) -> impl Fn(&Path) -> Option<u64> + 'p {
        |path| {
            let there = path == Path::new("/") || path.starts_with("/s");
            there.then(|| points.iter().filter(|point| path.starts_with(point)).map(|point| point.len() as u64).sum())
        }
    }

    fn places() -> (tempfile::TempDir, Places) {
        let dir = tempfile::tempdir().unwrap();
        let places = Places::of_spool(dir.path());
        (dir, places)
    }

    #[test]
    fn a_place_whose_mount_point_is_a_plain_folder_is_unreachable() {
        let (_dir, places) = places();
        let all = [PathBuf::from("/s/nas/drop"), PathBuf::from("/s/local")];
        places.learn_by(&all, &volumes(&["/s/nas"])).unwrap();
        for (points, unmounted) in [(&["/s/nas"][..], false), (&[], true), (&["/s/nas/drop"], true)] {
            assert_eq!(places.unmounted_by(&all[0], &volumes(points)).is_some(), unmounted, "{points:?}");
            assert_eq!(places.unmounted_by(&all[1], &volumes(points)), None);
        }
        // Seen unmounted it is still known, also by the next server.
        places.learn_by(&all, &volumes(&[])).unwrap();
        let next = Places::of_spool(places.file.parent().unwrap());
        let told = next.unmounted_by(&all[0], &volumes(&[])).unwrap();
        assert!(told.contains("not mounted at /s/nas") && told.contains("places.json"), "{told}");
    }

    #[test]
    fn removing_the_file_forgets_and_so_does_the_config() {
        let (_dir, places) = places();
        let nas = PathBuf::from("/s/nas");
        places.learn_by(std::slice::from_ref(&nas), &volumes(&["/s/nas"])).unwrap();
        assert!(places.unmounted_by(&nas, &volumes(&[])).is_some());
        durable::remove_file(&places.file).unwrap();
        assert_eq!(places.unmounted_by(&nas, &volumes(&[])), None);
        places.learn_by(std::slice::from_ref(&nas), &volumes(&["/s/nas"])).unwrap();
        places.learn_by(&[], &volumes(&["/s/nas"])).unwrap();
        assert_eq!(places.unmounted_by(&nas, &volumes(&[])), None);
    }

    #[test]
    fn a_folder_is_away_since_then_also_for_the_next_server() {
        let dir = tempfile::tempdir().unwrap();
        let at = |second| Timestamp::from_second(second).unwrap();
        let nas = PathBuf::from("/s/nas");
        let away = |second| BTreeMap::from([(nas.clone(), at(second))]);
        Away::of_spool(dir.path()).note(&away(100)).unwrap();
        let mut next = Away::of_spool(dir.path());
        next.note(&away(200)).unwrap();
        assert_eq!(next.since(&nas), Some(at(100)));
        next.note(&BTreeMap::new()).unwrap();
        let mut next = Away::of_spool(dir.path());
        assert_eq!(next.since(&nas), None);
        next.note(&away(300)).unwrap();
        assert_eq!(next.since(&nas), Some(at(300)), "it was back in between");
    }

    #[test]
    fn a_damaged_file_is_written_anew() {
        let (_dir, places) = places();
        durable::replace(&places.file, b"{").unwrap();
        let nas = PathBuf::from("/s/nas");
        places.learn_by(std::slice::from_ref(&nas), &volumes(&["/s/nas"])).unwrap();
        assert!(places.unmounted_by(&nas, &volumes(&[])).is_some());
    }
}
