//! A folder that is held open, and what may be done to the names in it.
//!
//! Owns: what is done through a [`Folder`] is done in that folder, whatever happens to the path that led to it. Below
//! it no symbolic link is followed, so that one swapped in by somebody else cannot lead out of a destination. That is
//! so on Unix, where names are resolved relative to the open folder; elsewhere each call looks for links first, which
//! leaves a gap of microseconds.
//!
//! Unlike the free functions of `durable`, calls here that change names do not sync: the caller does many of them and
//! calls [`Folder::sync`] once.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::path::{Path, PathBuf};

use super::{Done, DurableError, Named as _, Staged, point};

#[cfg(not(unix))]
#[path = "folder/plain.rs"]
mod sys;
#[cfg(unix)]
#[path = "folder/unix.rs"]
mod sys;

/// See the module.
#[derive(Debug)]
pub struct Folder {
    handle: sys::Handle,
    path: PathBuf,
}

/// What has a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    Nothing,
    File {
        bytes: u64,
    },
    Folder,
    /// A symbolic link, a pipe, a device.
    Other,
}

impl Folder {
    /// Opens a folder by its path. Links in that path are followed: it is one that the operator wrote.
    pub fn open(path: &Path) -> Done<Folder> {
        let handle = sys::open(path).named("open the folder", path)?;
        Ok(Folder { handle, path: path.to_path_buf() })
    }

    /// The same folder once more.
    pub fn again(&self) -> Done<Folder> {
        let handle = sys::again(&self.handle).named("open the folder", &self.path)?;
        Ok(Folder { handle, path: self.path.clone() })
    }

    /// The path by which it was found, for messages and records.
    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn join(&self, name: &(impl AsRef<OsStr> + ?Sized)) -> PathBuf {
        self.path.join(name.as_ref())
    }

    pub fn look(&self, name: &(impl AsRef<OsStr> + ?Sized)) -> Done<Found> {
        sys::look(&self.handle, name.as_ref()).named("look at", &self.join(name))
    }

    /// A folder in this one; not through a link.
    pub fn folder(&self, name: &(impl AsRef<OsStr> + ?Sized)) -> Done<Folder> {
        let path = self.join(name);
        let handle = sys::child(&self.handle, name.as_ref()).named("open the folder", &path)?;
        Ok(Folder { handle, path })
    }

    /// A folder in this one, made durably when it is missing.
    pub fn make(&self, name: &(impl AsRef<OsStr> + ?Sized)) -> Done<Folder> {
        if self.look(name)? != Found::Nothing {
            return self.folder(name);
        }
        match self.make_new(name) {
            Ok(made) => {
                self.sync()?;
                Ok(made)
            }
            // Another job was quicker.
            Err(e) if e.already_exists() => self.folder(name),
            Err(e) => Err(e),
        }
    }

    /// A folder that must not stand yet.
    pub fn make_new(&self, name: &(impl AsRef<OsStr> + ?Sized)) -> Done<Folder> {
        self.make_new_for(name, sys::EVERYBODY)
    }

    /// A folder that must not stand yet, and that nobody but its owner can open.
    pub fn make_new_private(&self, name: &(impl AsRef<OsStr> + ?Sized)) -> Done<Folder> {
        self.make_new_for(name, sys::OWNER)
    }

    fn make_new_for(&self, name: &(impl AsRef<OsStr> + ?Sized), whom: sys::Rights) -> Done<Folder> {
        let path = self.join(name);
        point("make the folder", &path)?;
        sys::make(&self.handle, name.as_ref(), whom).named("make the folder", &path)?;
        self.folder(name)
    }

    /// Begins a file that must not stand yet.
    pub fn create(&self, name: &(impl AsRef<OsStr> + ?Sized)) -> Done<Staged> {
        let path = self.join(name);
        point("create", &path)?;
        let file = sys::create(&self.handle, name.as_ref()).named("create", &path)?;
        Ok(Staged { file, path })
    }

    /// Opens a regular file, nothing else: opening a pipe would wait for its writer.
    pub fn read(&self, name: &(impl AsRef<OsStr> + ?Sized)) -> Done<File> {
        sys::read(&self.handle, name.as_ref()).named("read", &self.join(name))
    }

    /// What is in it, sorted.
    pub fn names(&self) -> Done<Vec<OsString>> {
        let mut names = sys::names(&self.handle).named("list", &self.path)?;
        names.sort();
        Ok(names)
    }

    /// Moves `name` to `to_name` in another folder of the same volume, unless something has that: then `AlreadyExists`.
    pub fn publish(
        &self,
        name: &(impl AsRef<OsStr> + ?Sized),
        to: &Folder,
        to_name: &(impl AsRef<OsStr> + ?Sized),
    ) -> Done {
        let path = to.join(to_name);
        point("publish", &path)?;
        sys::rename_new(&self.handle, name.as_ref(), &to.handle, to_name.as_ref()).named("publish", &path)
    }

    /// Moves the file `name` to `to_name` in another folder, in place of the file that has that.
    pub fn publish_replace(
        &self,
        name: &(impl AsRef<OsStr> + ?Sized),
        to: &Folder,
        to_name: &(impl AsRef<OsStr> + ?Sized),
    ) -> Done {
        let path = to.join(to_name);
        point("publish", &path)?;
        sys::rename(&self.handle, name.as_ref(), &to.handle, to_name.as_ref()).named("publish", &path)
    }

    /// Removes a file, or a folder with all in it; says whether there was one. Links in it are removed, not followed.
    pub fn remove(&self, name: &(impl AsRef<OsStr> + ?Sized)) -> Done<bool> {
        if self.look(name)? == Found::Nothing {
            return Ok(false);
        }
        point("remove", &self.join(name))?;
        self.remove_all(name.as_ref())?;
        Ok(true)
    }

    fn remove_all(&self, name: &OsStr) -> Done {
        if self.look(name)? != Found::Folder {
            return gone_is_fine(sys::unlink(&self.handle, name)).named("remove", &self.join(name));
        }
        let inner = self.folder(name)?;
        for child in inner.names()? {
            inner.remove_all(&child)?;
        }
        gone_is_fine(sys::remove_empty(&self.handle, name)).named("remove", &self.join(name))
    }

    /// Makes the names in it durable.
    pub fn sync(&self) -> Done {
        point("sync", &self.path)?;
        sys::sync(&self.handle).named("sync", &self.path)
    }
}

fn gone_is_fine(result: std::io::Result<()>) -> std::io::Result<()> {
    match result {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

impl DurableError {
    /// An error of reading or writing that happened outside this module, in the same words.
    pub fn new(action: &'static str, path: &Path, source: std::io::Error) -> DurableError {
        DurableError { action, path: path.to_path_buf(), source }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};

    use super::*;

    fn put(folder: &Folder, name: &str, text: &str) {
        let mut staged = folder.create(name).unwrap();
        staged.write_all(text.as_bytes()).unwrap();
        staged.finish().unwrap();
    }

    fn text(folder: &Folder, name: &str) -> String {
        let mut text = String::new();
        folder.read(name).unwrap().read_to_string(&mut text).unwrap();
        text
    }

    #[test]
    fn names_are_given_once_and_replaced_on_purpose() {
        let dir = tempfile::tempdir().unwrap();
        let top = Folder::open(dir.path()).unwrap();
        let sub = top.make("sub").unwrap();
        put(&sub, "a", "1");
        put(&sub, "b", "2");
        assert!(sub.create("a").unwrap_err().already_exists());
        sub.publish("a", &top, "x").unwrap();
        assert!(sub.publish("b", &top, "x").unwrap_err().already_exists());
        assert_eq!(text(&top, "x"), "1");
        sub.publish_replace("b", &top, "x").unwrap();
        assert_eq!(text(&top, "x"), "2");
        assert!(top.publish("sub", &top, "x").unwrap_err().already_exists());
        assert_eq!(top.look("x").unwrap(), Found::File { bytes: 1 });
        assert_eq!(top.names().unwrap(), ["sub", "x"]);
        assert!(top.remove("sub").unwrap() && !top.remove("sub").unwrap());
        assert_eq!(top.look("sub").unwrap(), Found::Nothing);
    }

    #[cfg(unix)]
    #[test]
    fn links_are_never_followed() {
        let dir = tempfile::tempdir().unwrap();
        let top = Folder::open(dir.path()).unwrap();
        let outside = tempfile::tempdir().unwrap();
        put(&Folder::open(outside.path()).unwrap(), "kept", "1");
        std::os::unix::fs::symlink(outside.path(), dir.path().join("link")).unwrap();
        std::os::unix::fs::symlink(outside.path().join("kept"), dir.path().join("file")).unwrap();
        assert_eq!(top.look("link").unwrap(), Found::Other);
        assert!(top.folder("link").is_err() && top.make("link").is_err() && top.read("file").is_err());
        let sub = top.make("sub").unwrap();
        std::os::unix::fs::symlink(outside.path(), dir.path().join("sub/link")).unwrap();
        // The folder is held: what replaces its path changes nothing.
        crate::spool::durable::move_new(&dir.path().join("sub"), &dir.path().join("moved")).unwrap();
        std::os::unix::fs::symlink(outside.path(), dir.path().join("sub")).unwrap();
        put(&sub, "new", "2");
        assert!(dir.path().join("moved/new").exists() && !outside.path().join("new").exists());
        assert!(top.remove("moved").unwrap() && top.remove("link").unwrap());
        assert!(outside.path().join("kept").exists());
    }
}
