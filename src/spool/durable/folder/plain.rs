//! A held folder where the system resolves names by path only: each call looks for a link first.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use super::Found;

pub(super) type Handle = PathBuf;

fn not_a_folder() -> io::Error {
    io::Error::new(io::ErrorKind::NotADirectory, "not a folder, or a link to one")
}

pub(super) fn open(path: &Path) -> io::Result<Handle> {
    if fs::metadata(path)?.is_dir() { Ok(path.to_path_buf()) } else { Err(not_a_folder()) }
}

pub(super) fn again(folder: &Handle) -> io::Result<Handle> {
    Ok(folder.clone())
}

pub(super) fn child(folder: &Handle, name: &OsStr) -> io::Result<Handle> {
    let path = folder.join(name);
    if fs::symlink_metadata(&path)?.is_dir() { Ok(path) } else { Err(not_a_folder()) }
}

pub(super) fn look(folder: &Handle, name: &OsStr) -> io::Result<Found> {
    match fs::symlink_metadata(folder.join(name)) {
        Ok(metadata) if metadata.is_file() => Ok(Found::File { bytes: metadata.len() }),
        Ok(metadata) if metadata.is_dir() => Ok(Found::Folder),
        Ok(_) => Ok(Found::Other),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(Found::Nothing),
        Err(e) => Err(e),
    }
}

/// Here a folder has the rights of the one above it.
pub(super) type Rights = ();

pub(super) const EVERYBODY: Rights = ();
pub(super) const OWNER: Rights = ();

pub(super) fn make(folder: &Handle, name: &OsStr, _: Rights) -> io::Result<()> {
    fs::create_dir(folder.join(name))
}

pub(super) fn create(folder: &Handle, name: &OsStr) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create_new(true).open(folder.join(name))
}

pub(super) fn read(folder: &Handle, name: &OsStr) -> io::Result<File> {
    match look(folder, name)? {
        Found::File { .. } => File::open(folder.join(name)),
        Found::Nothing => Err(io::ErrorKind::NotFound.into()),
        Found::Folder | Found::Other => Err(io::Error::new(io::ErrorKind::InvalidInput, "not a file")),
    }
}

pub(super) fn names(folder: &Handle) -> io::Result<Vec<OsString>> {
    fs::read_dir(folder)?.map(|entry| Ok(entry?.file_name())).collect()
}

pub(super) fn rename_new(from: &Handle, name: &OsStr, to: &Handle, to_name: &OsStr) -> io::Result<()> {
    super::super::rename_new(&from.join(name), &to.join(to_name))
}

pub(super) fn rename(from: &Handle, name: &OsStr, to: &Handle, to_name: &OsStr) -> io::Result<()> {
    fs::rename(from.join(name), to.join(to_name))
}

pub(super) fn unlink(folder: &Handle, name: &OsStr) -> io::Result<()> {
    fs::remove_file(folder.join(name))
}

pub(super) fn remove_empty(folder: &Handle, name: &OsStr) -> io::Result<()> {
    fs::remove_dir(folder.join(name))
}

pub(super) fn sync(_folder: &Handle) -> io::Result<()> {
    Ok(())
}
