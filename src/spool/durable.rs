//! The only code that changes the disk.
//!
//! Owns: nothing half-written ever stands under its final name; nothing is overwritten except by a call named
//! `replace`; a call returns only when the bytes, and the folder entry, are on disk. Where many entries of one folder
//! are changed, calls that say so leave the entry to one [`sync_folder`] at the end.
//!
//! Every step that could be cut off by a power failure passes `point`, which numbers them. A debug build aborts, or
//! fails with a chosen error, at a chosen number, so that the tests can try every one of them.

#![allow(clippy::disallowed_methods, reason = "this file is what the rest of the program is sent to")]

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

mod appender;
mod folder;
mod private;
mod room;
mod shared;
mod staged;

pub use appender::{Appender, open_lock_file, write_lock_text};
pub use folder::{Folder, Found};
pub use private::{hide_from_others, make_private, make_private_folder, replace_all_private, replace_private};
pub use room::{lengthen, shorten};
pub use shared::{replace_for_folder, write_new_for_folder};
pub use staged::{Staged, Unsynced, Written, stage, stage_output, stage_private};

/// What was being done, to what, and what the system said.
#[derive(Debug, thiserror::Error)]
#[error("cannot {action} {}: {source}", path.display())]
pub struct DurableError {
    pub action: &'static str,
    pub path: PathBuf,
    #[source]
    pub source: io::Error,
}

impl DurableError {
    pub fn is_not_found(&self) -> bool {
        self.source.kind() == io::ErrorKind::NotFound
    }

    pub fn already_exists(&self) -> bool {
        matches!(self.source.kind(), io::ErrorKind::AlreadyExists | io::ErrorKind::DirectoryNotEmpty)
    }
}

pub type Done<T = ()> = Result<T, DurableError>;

trait Named<T> {
    fn named(self, action: &'static str, path: &Path) -> Done<T>;
}

impl<T> Named<T> for io::Result<T> {
    fn named(self, action: &'static str, path: &Path) -> Done<T> {
        self.map_err(|source| DurableError { action, path: path.to_path_buf(), source })
    }
}

#[cfg(debug_assertions)]
mod points;

/// In tests of this crate: the points of one thread, and a power failure or a fault at one of them. The environment
/// variables above are for whole programs; a test tries hundreds of cuts in one process, beside other tests.
#[cfg(test)]
pub(crate) mod trial {
    use std::cell::RefCell;
    use std::io;

    #[derive(Debug, Clone, Copy)]
    pub(crate) enum Cut {
        /// From this point on (counted from 0) nothing changes the disk any more.
        From(usize),
        /// Only this point fails, with this system error.
        At(usize, i32),
    }

    thread_local! {
        static TRIAL: RefCell<(Vec<&'static str>, Option<Cut>)> = const { RefCell::new((Vec::new(), None)) };
    }

    /// Counts from here on, with or without a cut.
    pub(crate) fn begin(cut: Option<Cut>) {
        TRIAL.set((Vec::new(), cut));
    }

    /// What was done at each point since [`begin`].
    pub(crate) fn passed() -> Vec<&'static str> {
        TRIAL.with_borrow(|(passed, _)| passed.clone())
    }

    pub(super) fn pass(action: &'static str) -> io::Result<()> {
        TRIAL.with_borrow_mut(|(passed, cut)| {
            let number = passed.len();
            passed.push(action);
            match cut {
                Some(Cut::From(at)) if number >= *at => Err(io::Error::other("the power failed")),
                Some(Cut::At(at, errno)) if number == *at => Err(io::Error::from_raw_os_error(*errno)),
                _ => Ok(()),
            }
        })
    }
}

/// One more step that a crash may fall in front of.
fn point(action: &'static str, path: &Path) -> Done {
    #[cfg(test)]
    trial::pass(action).named(action, path)?;
    #[cfg(debug_assertions)]
    points::pass(action).named(action, path)?;
    #[cfg(not(debug_assertions))]
    let _ = (action, path);
    Ok(())
}

/// Makes the entries of a folder durable. A file system without such a call (Windows) keeps them itself.
pub fn sync_folder(folder: &Path) -> Done {
    point("sync", folder)?;
    #[cfg(unix)]
    match File::open(folder).and_then(|f| f.sync_all()) {
        // A share whose file system cannot sync a folder keeps its names itself: its server wrote them before it answered.
        Err(e) if matches!(e.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported) => {}
        synced => synced.named("sync", folder)?,
    }
    Ok(())
}

fn parent(path: &Path) -> &Path {
    path.parent().unwrap_or(Path::new("."))
}

/// Makes one folder; one that stands already is fine.
pub fn make_folder(folder: &Path) -> Done {
    if folder.is_dir() {
        return Ok(());
    }
    point("make the folder", folder)?;
    match fs::create_dir(folder) {
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists && folder.is_dir() => Ok(()),
        other => other.named("make the folder", folder),
    }?;
    sync_folder(parent(folder))
}

/// Makes a folder and what is missing above it, down from `base`, which must stand.
pub fn make_folders(base: &Path, folder: &Path) -> Done {
    let below = folder.strip_prefix(base).unwrap_or(folder);
    let mut path = base.to_path_buf();
    for part in below.components() {
        path.push(part);
        make_folder(&path)?;
    }
    Ok(())
}

/// Makes a folder that must not stand yet.
pub fn make_new_folder(folder: &Path) -> Done {
    point("make the folder", folder)?;
    fs::create_dir(folder).named("make the folder", folder)?;
    sync_folder(parent(folder))
}

/// Makes a folder that must not stand yet and need not outlive a power failure: one in `tmp/`, before its content is
/// accepted.
pub fn make_scratch_folder(folder: &Path) -> Done {
    point("make the folder", folder)?;
    fs::create_dir(folder).named("make the folder", folder)
}

/// Gives a staged file its name, unless something has it: then `AlreadyExists`.
pub fn publish(from: &Path, to: &Path) -> Done {
    point("publish", to)?;
    rename_new(from, to).named("publish", to)?;
    sync_folder(parent(to))
}

/// Gives a staged file its name, in place of what has it.
pub fn publish_replace(from: &Path, to: &Path) -> Done {
    point("publish", to)?;
    fs::rename(from, to).named("publish", to)?;
    sync_folder(parent(to))
}

/// Renames without replacing.
#[cfg(unix)]
fn rename_new(from: &Path, to: &Path) -> io::Result<()> {
    use rustix::fs::{CWD, RenameFlags};
    match rustix::fs::renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        Ok(()) => Ok(()),
        // Some network and FUSE file systems know no flags.
        Err(rustix::io::Errno::INVAL | rustix::io::Errno::NOSYS | rustix::io::Errno::OPNOTSUPP) => {
            rename_new_by_link(from, to)
        }
        Err(e) => Err(e.into()),
    }
}

#[cfg(not(unix))]
fn rename_new(from: &Path, to: &Path) -> io::Result<()> {
    rename_new_by_link(from, to)
}

/// A hard link fails when the name is taken, so the name appears whole and once. Where there are no links either
/// (folders, exFAT), looking first leaves a gap of microseconds that only another writer of that very name can hit.
fn rename_new_by_link(from: &Path, to: &Path) -> io::Result<()> {
    if from.is_dir() {
        if to.exists() {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        return fs::rename(from, to);
    }
    match fs::hard_link(from, to) {
        Ok(()) => fs::remove_file(from),
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists => Err(e),
        Err(_) if to.symlink_metadata().is_ok() => Err(io::ErrorKind::AlreadyExists.into()),
        Err(_) => fs::rename(from, to),
    }
}

/// A temporary name beside a final one; hidden, and told by its ending.
fn aside(path: &Path) -> PathBuf {
    let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    path.with_file_name(format!(".{name}.hf-new"))
}

/// Takes what was begun away again where it came to nothing; what that cannot remove either does no harm.
fn or_clear<T>(temporary: &Path, done: Done<T>) -> Done<T> {
    if done.is_err() {
        let _ = fs::remove_file(temporary);
    }
    done
}

/// Writes a file that must not stand yet.
pub fn write_new(path: &Path, bytes: &[u8]) -> Done {
    let temporary = aside(path);
    or_clear(&temporary, stage(&temporary, bytes).and_then(|()| publish(&temporary, path)))
}

/// Writes a file, in place of the one that stands there.
pub fn replace(path: &Path, bytes: &[u8]) -> Done {
    let temporary = aside(path);
    or_clear(&temporary, stage(&temporary, bytes).and_then(|()| publish_replace(&temporary, path)))
}

/// As [`replace`], but the system puts the bytes on the disk when it likes: after a power failure the file may be missing
/// or empty. For files that somebody stands by for and can make again; other programs see whole ones all the same.
pub fn replace_unsynced(path: &Path, bytes: &[u8]) -> Done {
    let temporary = aside(path);
    let mut staged = Staged::create(&temporary)?;
    point("write", path)?;
    io::Write::write_all(&mut staged, bytes).named("write", path)?;
    drop(staged);
    point("publish", path)?;
    fs::rename(&temporary, path).named("publish", path)
}

/// One more name for a file, or a copy of it where links do not reach. `to` must not stand yet; it is on disk, its
/// folder entry is not until [`sync_folder`].
pub fn link_or_copy(from: &Path, to: &Path) -> Done {
    point("link", to)?;
    match fs::hard_link(from, to) {
        Ok(()) => Ok(()),
        Err(e) if matches!(e.kind(), io::ErrorKind::AlreadyExists | io::ErrorKind::NotFound) => {
            Err(e).named("link", to)
        }
        Err(_) => copy(from, to),
    }
}

/// One more name for a file; false where links do not reach. `to` must not stand yet. Neither are its bytes on disk
/// until [`sync_file`], nor is the name until [`sync_folder`]. A symbolic link gets one more name itself, it is not
/// followed.
pub fn link(from: &Path, to: &Path) -> Done<bool> {
    point("link", to)?;
    match fs::hard_link(from, to) {
        Err(e) if matches!(e.kind(), io::ErrorKind::AlreadyExists | io::ErrorKind::NotFound) => {
            Err(e).named("link", to)
        }
        linked => Ok(linked.is_ok()),
    }
}

/// Marks a file as used at a time. A power failure may take the mark back.
pub fn touch(path: &Path, at: jiff::Timestamp) -> Done {
    point("mark", path)?;
    let file = OpenOptions::new().write(true).open(path).named("mark", path)?;
    file.set_modified(at.into()).named("mark", path)
}

/// Writes over stretches of a file, which keeps its size: whoever is appending to it loses nothing.
pub fn replace_stretches(path: &Path, stretches: &[(u64, Vec<u8>)]) -> Done {
    point("open", path)?;
    let mut file = OpenOptions::new().write(true).open(path).named("open", path)?;
    for (start, bytes) in stretches {
        point("write", path)?;
        io::Seek::seek(&mut file, io::SeekFrom::Start(*start))
            .and_then(|_| io::Write::write_all(&mut file, bytes))
            .named("write", path)?;
    }
    point("sync", path)?;
    file.sync_data().named("sync", path)
}

/// Puts the bytes of a file on disk that somebody else wrote.
pub fn sync_file(path: &Path) -> Done {
    point("sync", path)?;
    // Windows syncs only what is open for writing.
    let file = if cfg!(unix) { File::open(path) } else { OpenOptions::new().write(true).open(path) };
    file.and_then(|f| f.sync_all()).named("sync", path)
}

/// A copy of an open file, on disk; how many bytes it has. The folder entry is not until [`sync_folder`].
pub fn copy_open(source: &mut File, to: &Path) -> Done<u64> {
    let mut staged = Staged::create(to)?;
    point("write", to)?;
    let bytes = io::copy(source, &mut staged).named("write", to)?;
    staged.finish()?;
    Ok(bytes)
}

/// A copy of a file under a temporary name, on disk. What stood under that name is overwritten.
pub fn copy(from: &Path, to: &Path) -> Done {
    let mut source = File::open(from).named("read", from)?;
    let mut staged = Staged::create(to)?;
    point("write", to)?;
    io::copy(&mut source, &mut staged).named("write", to)?;
    staged.finish().map(drop)
}

/// Moves a file or folder to a name that must be free, on the same volume; both folders are synced.
pub fn move_new(from: &Path, to: &Path) -> Done {
    point("move", from)?;
    rename_new(from, to).named("move", from)?;
    sync_folder(parent(to))?;
    if parent(from) != parent(to) {
        sync_folder(parent(from))?;
    }
    Ok(())
}

/// Moves folders of one parent into another, to names that must be free, until one cannot be moved: those behind it are
/// not tried. Both parents are synced once, at the end: an error of that (the outer one) leaves open which moves a power
/// failure would undo.
pub fn move_all_new(from: &Path, to: &Path, names: &[&str]) -> Done<Vec<Done>> {
    let mut moves: Vec<Done> = Vec::new();
    for name in names {
        let (source, target) = (from.join(name), to.join(name));
        let done = point("move", &source).and_then(|()| rename_new(&source, &target).named("move", &source));
        let is_end = done.is_err();
        moves.push(done);
        if is_end {
            break;
        }
    }
    if moves.iter().any(Result::is_ok) {
        sync_folder(to)?;
        sync_folder(from)?;
    }
    Ok(moves)
}

/// Renames to a name that nobody else gives, in one folder. Of several programs that do so with one file one succeeds, and the
/// others are told that it is not there: a plain rename is exclusive on every file system, unlike one that must not
/// replace. Not on disk until [`sync_folder`].
pub fn set_aside(from: &Path, to: &Path) -> Done {
    point("rename", from)?;
    fs::rename(from, to).named("rename", from)
}

/// Renames to a name that must be free, in one folder. Not on disk until [`sync_folder`].
pub fn rename_unsynced(from: &Path, to: &Path) -> Done {
    point("rename", from)?;
    rename_new(from, to).named("rename", from)
}

/// Removes a file; one that is gone already is fine. Not on disk until [`sync_folder`].
pub fn remove_file_unsynced(path: &Path) -> Done {
    point("remove", path)?;
    match fs::remove_file(path) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other.named("remove", path),
    }
}

/// Removes a file; one that is gone already is fine.
pub fn remove_file(path: &Path) -> Done {
    point("remove", path)?;
    match fs::remove_file(path) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
        other => {
            other.named("remove", path)?;
            sync_folder(parent(path))
        }
    }
}

/// Removes a folder that is empty; says whether it did.
pub fn remove_empty_folder(folder: &Path) -> bool {
    fs::remove_dir(folder).is_ok()
}

/// Removes a folder that holds nothing but what may go with it; says whether it did.
pub fn remove_folder_with(folder: &Path, may_go: &dyn Fn(&str, bool) -> bool) -> bool {
    if remove_empty_folder(folder) {
        return true;
    }
    let Ok(entries) = fs::read_dir(folder).and_then(Iterator::collect::<io::Result<Vec<_>>>) else { return false };
    let kind = |entry: &fs::DirEntry| entry.file_type().is_ok_and(|kind| kind.is_dir());
    if !entries.iter().all(|entry| may_go(&entry.file_name().to_string_lossy(), kind(entry))) {
        return false;
    }
    for entry in entries {
        let path = entry.path();
        let removed = if kind(&entry) { remove_tree(&path) } else { remove_file_unsynced(&path) };
        if removed.is_err() {
            return false;
        }
    }
    remove_empty_folder(folder)
}

/// Removes a folder and all in it; one that is gone already is fine. Symbolic links in it are removed, not followed.
pub fn remove_tree(folder: &Path) -> Done {
    point("remove", folder)?;
    match fs::remove_dir_all(folder) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
        other => {
            other.named("remove", folder)?;
            sync_folder(parent(folder))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_is_taken_stays_as_it_is() {
        let dir = tempfile::tempdir().unwrap();
        let (a, b) = (dir.path().join("a"), dir.path().join("b"));
        write_new(&a, b"1").unwrap();
        assert!(write_new(&a, b"2").unwrap_err().already_exists());
        assert_eq!(fs::read(&a).unwrap(), b"1");
        write_new(&b, b"3").unwrap();
        assert!(move_new(&a, &b).unwrap_err().already_exists());
        assert!(rename_new_by_link(&a, &b).is_err());
        replace(&a, b"4").unwrap();
        assert_eq!(fs::read(&a).unwrap(), b"4");
    }

    #[test]
    fn an_appender_cuts_a_torn_tail() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("j");
        Appender::open(&path, None).unwrap().append("one\ntw").unwrap();
        Appender::open(&path, Some(4)).unwrap().append("two\n").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "one\ntwo\n");
    }
}
