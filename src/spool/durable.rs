//! The only code that changes the disk.
//!
//! Owns: nothing half-written ever stands under its final name; nothing is overwritten except by a call named
//! `replace`; a call returns only when the bytes, and the folder entry, are on disk.
//!
//! Every step that could be cut off by a power failure passes [`point`], which numbers them. A debug build aborts, or
//! fails with a chosen error, at a chosen number, so that the tests can try every one of them.

#![allow(clippy::disallowed_methods, reason = "this file is what the rest of the program is sent to")]

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

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
mod points {
    use std::io;
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU64, Ordering};

    static PASSED: AtomicU64 = AtomicU64::new(0);
    static CRASH_AT: OnceLock<Option<u64>> = OnceLock::new();
    static FAULT_AT: OnceLock<Option<(u64, i32)>> = OnceLock::new();

    /// `HOTFOLDERS_CRASH_AT=k` aborts at point k; `HOTFOLDERS_FAULT_AT=k:ERRNO` fails there with that system error.
    pub(super) fn pass() -> io::Result<()> {
        let number = PASSED.fetch_add(1, Ordering::SeqCst) + 1;
        let crash = CRASH_AT.get_or_init(|| std::env::var("HOTFOLDERS_CRASH_AT").ok()?.parse().ok());
        if *crash == Some(number) {
            std::process::abort();
        }
        let fault = FAULT_AT.get_or_init(|| {
            let text = std::env::var("HOTFOLDERS_FAULT_AT").ok()?;
            let (number, errno) = text.split_once(':')?;
            Some((number.parse().ok()?, errno.parse().ok()?))
        });
        match fault {
            Some((at, errno)) if *at == number => Err(io::Error::from_raw_os_error(*errno)),
            _ => Ok(()),
        }
    }
}

/// One more step that a crash may fall in front of.
fn point(action: &'static str, path: &Path) -> Done {
    #[cfg(debug_assertions)]
    points::pass().named(action, path)?;
    #[cfg(not(debug_assertions))]
    let _ = (action, path);
    Ok(())
}

/// Makes the entries of a folder durable. A file system without such a call (Windows) keeps them itself.
pub fn sync_folder(folder: &Path) -> Done {
    point("sync", folder)?;
    #[cfg(unix)]
    File::open(folder).and_then(|f| f.sync_all()).named("sync", folder)?;
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

/// A file that grows under a temporary name and is made visible by [`publish`].
#[derive(Debug)]
pub struct Staged {
    file: File,
    path: PathBuf,
}

impl Staged {
    /// Begins the file anew: a temporary name is reused after a crash.
    pub fn create(path: &Path) -> Done<Staged> {
        point("create", path)?;
        let file =
            OpenOptions::new().read(true).write(true).create(true).truncate(true).open(path).named("create", path)?;
        Ok(Staged { file, path: path.to_path_buf() })
    }

    /// The bytes on disk. A sync that failed is not tried again on the same handle: the kernel may have dropped the
    /// pages; the whole file is written anew instead.
    pub fn finish(self) -> Done<File> {
        point("sync", &self.path)?;
        self.file.sync_all().named("sync", &self.path)?;
        Ok(self.file)
    }
}

impl Write for Staged {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }
    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl io::Seek for Staged {
    fn seek(&mut self, to: io::SeekFrom) -> io::Result<u64> {
        self.file.seek(to)
    }
}

impl io::Read for Staged {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.file.read(buffer)
    }
}

/// Writes a temporary file whole; [`publish`] makes it visible.
pub fn stage(path: &Path, bytes: &[u8]) -> Done {
    let mut staged = Staged::create(path)?;
    point("write", path)?;
    staged.write_all(bytes).named("write", path)?;
    staged.finish().map(drop)
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

/// Writes a file that must not stand yet.
pub fn write_new(path: &Path, bytes: &[u8]) -> Done {
    let temporary = aside(path);
    stage(&temporary, bytes)?;
    publish(&temporary, path)
}

/// Writes a file, in place of the one that stands there.
pub fn replace(path: &Path, bytes: &[u8]) -> Done {
    let temporary = aside(path);
    stage(&temporary, bytes)?;
    publish_replace(&temporary, path)
}

/// Restricts a file or folder to its owner, where the system has such a notion.
pub fn make_private(path: &Path) -> Done {
    point("restrict", path)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = if path.is_dir() { 0o700 } else { 0o600 };
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).named("restrict", path)?;
    }
    Ok(())
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

/// A file that only grows, line by line, each durable when the call returns.
#[derive(Debug)]
pub struct Appender {
    file: File,
    path: PathBuf,
}

impl Appender {
    /// Opens or makes the file; `valid_bytes` cuts a torn tail off first, durably.
    pub fn open(path: &Path, valid_bytes: Option<u64>) -> Done<Appender> {
        point("open", path)?;
        let is_new = !path.exists();
        let file = OpenOptions::new().append(true).create(true).open(path).named("open", path)?;
        if let Some(valid) = valid_bytes
            && file.metadata().named("look at", path)?.len() > valid
        {
            file.set_len(valid).named("cut the torn end of", path)?;
            file.sync_all().named("sync", path)?;
        }
        if is_new {
            make_private(path)?;
            sync_folder(parent(path))?;
        }
        Ok(Appender { file, path: path.to_path_buf() })
    }

    pub fn append(&mut self, lines: &str) -> Done {
        point("write", &self.path)?;
        self.file.write_all(lines.as_bytes()).named("write", &self.path)?;
        point("sync", &self.path)?;
        self.file.sync_data().named("sync", &self.path)
    }
}

/// Opens (and makes) a file for the kernel's lock.
pub fn open_lock_file(path: &Path) -> Done<File> {
    OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path).named("open", path)
}

/// Writes the text of a lock that is held; it is for people only.
pub fn write_lock_text(file: &mut File, path: &Path, text: &str) -> Done {
    file.set_len(0).and_then(|()| file.write_all(text.as_bytes())).named("write", path)
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
