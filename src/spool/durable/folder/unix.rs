//! The system calls behind a held folder: every name is resolved relative to an open folder, links not followed.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use rustix::fs::{AtFlags, CWD, Dir, FileType, Mode, OFlags, RenameFlags};
use rustix::io::Errno;

use super::Found;

pub(super) type Handle = OwnedFd;

const FOLDER: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);

pub(super) fn open(path: &Path) -> io::Result<Handle> {
    Ok(rustix::fs::openat(CWD, path, FOLDER, Mode::empty())?)
}

pub(super) fn again(folder: &Handle) -> io::Result<Handle> {
    folder.try_clone()
}

pub(super) fn child(folder: &Handle, name: &OsStr) -> io::Result<Handle> {
    Ok(rustix::fs::openat(folder, name, FOLDER | OFlags::NOFOLLOW, Mode::empty())?)
}

pub(super) fn look(folder: &Handle, name: &OsStr) -> io::Result<Found> {
    match rustix::fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(stat) => Ok(match FileType::from_raw_mode(stat.st_mode) {
            FileType::RegularFile => Found::File { bytes: u64::try_from(stat.st_size).unwrap_or_default() },
            FileType::Directory => Found::Folder,
            _ => Found::Other,
        }),
        Err(Errno::NOENT) => Ok(Found::Nothing),
        Err(e) => Err(e.into()),
    }
}

pub(super) type Rights = Mode;

/// As far as the umask lets them.
pub(super) const EVERYBODY: Rights = Mode::from_raw_mode(0o777);
pub(super) const OWNER: Rights = Mode::from_raw_mode(0o700);

pub(super) fn make(folder: &Handle, name: &OsStr, whom: Rights) -> io::Result<()> {
    Ok(rustix::fs::mkdirat(folder, name, whom)?)
}

pub(super) fn create(folder: &Handle, name: &OsStr) -> io::Result<File> {
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    Ok(rustix::fs::openat(folder, name, flags, Mode::from_raw_mode(0o666))?.into())
}

pub(super) fn read(folder: &Handle, name: &OsStr) -> io::Result<File> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file: File = rustix::fs::openat(folder, name, flags, Mode::empty())?.into();
    if file.metadata()?.is_file() { Ok(file) } else { Err(io::Error::new(io::ErrorKind::InvalidInput, "not a file")) }
}

pub(super) fn names(folder: &Handle) -> io::Result<Vec<OsString>> {
    let mut names = Vec::new();
    for entry in Dir::read_from(folder)? {
        let entry = entry?;
        let name = OsStr::from_bytes(entry.file_name().to_bytes());
        if name != "." && name != ".." {
            names.push(name.to_os_string());
        }
    }
    Ok(names)
}

pub(super) fn rename_new(from: &Handle, name: &OsStr, to: &Handle, to_name: &OsStr) -> io::Result<()> {
    match rustix::fs::renameat_with(from, name, to, to_name, RenameFlags::NOREPLACE) {
        Ok(()) => Ok(()),
        // Some network and FUSE file systems know no flags.
        Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => rename_new_by_link(from, name, to, to_name),
        Err(e) => Err(e.into()),
    }
}

/// As `durable::rename_new_by_link`: a hard link fails when the name is taken. Where there are none (folders, exFAT,
/// many shares) looking first leaves a gap that only another writer of that very name can hit.
fn rename_new_by_link(from: &Handle, name: &OsStr, to: &Handle, to_name: &OsStr) -> io::Result<()> {
    if look(from, name)? != Found::Folder {
        match rustix::fs::linkat(from, name, to, to_name, AtFlags::empty()) {
            Ok(()) => return unlink(from, name),
            Err(Errno::EXIST) => return Err(Errno::EXIST.into()),
            Err(_) => {}
        }
    }
    if look(to, to_name)? != Found::Nothing {
        return Err(Errno::EXIST.into());
    }
    rename(from, name, to, to_name)
}

pub(super) fn rename(from: &Handle, name: &OsStr, to: &Handle, to_name: &OsStr) -> io::Result<()> {
    Ok(rustix::fs::renameat(from, name, to, to_name)?)
}

pub(super) fn unlink(folder: &Handle, name: &OsStr) -> io::Result<()> {
    Ok(rustix::fs::unlinkat(folder, name, AtFlags::empty())?)
}

pub(super) fn remove_empty(folder: &Handle, name: &OsStr) -> io::Result<()> {
    Ok(rustix::fs::unlinkat(folder, name, AtFlags::REMOVEDIR)?)
}

/// A share whose file system cannot sync a folder keeps its names itself: its server wrote them before it answered.
pub(super) fn sync(folder: &Handle) -> io::Result<()> {
    match rustix::fs::fsync(folder) {
        Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => Ok(()),
        other => Ok(other?),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_rename_flags_a_name_is_given_once_too() {
        let dir = tempfile::tempdir().unwrap();
        let top = open(dir.path()).unwrap();
        let give = |a: &str, b: &str| rename_new_by_link(&top, OsStr::new(a), &top, OsStr::new(b));
        for name in ["a", "b"] {
            create(&top, OsStr::new(name)).unwrap();
        }
        make(&top, OsStr::new("d"), EVERYBODY).unwrap();
        assert_eq!(give("a", "b").unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(give("d", "b").unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        give("a", "c").unwrap();
        give("d", "e").unwrap();
        let mut now = names(&top).unwrap();
        now.sort();
        assert_eq!(now, ["b", "c", "e"]);
    }
}
