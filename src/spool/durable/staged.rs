//! Files that are written whole before they get their names.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::{Done, Named as _, aside, make_private, or_clear, point, sync_file, sync_folder};

/// A file that grows under a temporary name and is made visible by [`publish`](super::publish).
#[derive(Debug)]
pub struct Staged {
    pub(super) file: File,
    pub(super) path: PathBuf,
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

/// Writes a temporary file whole; [`publish`](super::publish) makes it visible.
pub fn stage(path: &Path, bytes: &[u8]) -> Done {
    let mut staged = Staged::create(path)?;
    point("write", path)?;
    staged.write_all(bytes).named("write", path)?;
    staged.finish().map(drop)
}

/// Writes an output of a job in place of an earlier try. Its folder entry is durable only after [`sync_folder`], which
/// the caller asks for once for all outputs of a pass.
pub fn stage_output(path: &Path, bytes: &[u8]) -> Done {
    let temporary = aside(path);
    let named = || point("name", path).and_then(|()| fs::rename(&temporary, path).named("name", path));
    or_clear(&temporary, stage(&temporary, bytes).and_then(|()| named()))
}

/// As [`stage`], readable by its owner alone from its first byte on. It is on disk when [`Staged::finish`] or
/// [`Unsynced::sync`] returns.
pub fn stage_private(path: &Path, bytes: &[u8]) -> Done<Staged> {
    let mut staged = Staged::create(path)?;
    make_private(path)?;
    point("write", path)?;
    staged.write_all(bytes).named("write", path)?;
    Ok(staged)
}

/// What was written, and is not on disk yet.
#[derive(Debug, Default)]
pub struct Written {
    files: Vec<Staged>,
    linked: Vec<PathBuf>,
    folders: BTreeSet<PathBuf>,
}

impl Written {
    pub fn file(&mut self, file: Staged) {
        self.files.push(file);
    }

    /// A file that somebody else wrote.
    pub fn linked(&mut self, file: &Path) {
        self.linked.push(file.to_path_buf());
    }

    /// A folder's entries; false when it was named before.
    pub fn folder(&mut self, folder: &Path) -> bool {
        self.folders.insert(folder.to_path_buf())
    }

    #[cfg(target_os = "linux")]
    fn count(&self) -> usize {
        self.files.len() + self.linked.len() + self.folders.len()
    }
}

/// What is put on the disk of one volume together.
#[derive(Debug)]
pub struct Unsynced {
    /// Opened before the first of it was written: what fails to reach the disk from then on is told to this handle.
    #[cfg(target_os = "linux")]
    volume: File,
    pub(super) path: PathBuf,
    written: Written,
}

impl Unsynced {
    pub fn on_volume_of(folder: &Path) -> Done<Unsynced> {
        Ok(Unsynced {
            #[cfg(target_os = "linux")]
            volume: File::open(folder).named("open", folder)?,
            path: folder.to_path_buf(),
            written: Written::default(),
        })
    }

    /// Something that was written whole. What was given up half-way is not added: it may be gone by now.
    pub fn add(&mut self, written: Written) {
        self.written.files.extend(written.files);
        self.written.linked.extend(written.linked);
        self.written.folders.extend(written.folders);
    }

    /// All of it on disk. Many files go with one sync of their volume: the disk is asked to empty its cache once, and
    /// not hundreds of times.
    pub fn sync(self) -> Done {
        point("sync", &self.path)?;
        #[cfg(target_os = "linux")]
        if self.written.count() >= MANY {
            return rustix::fs::syncfs(&self.volume).map_err(io::Error::from).named("sync", &self.path);
        }
        self.written.files.into_iter().try_for_each(|file| file.finish().map(drop))?;
        self.written.linked.iter().try_for_each(|file| sync_file(file))?;
        // The inner ones first.
        self.written.folders.iter().rev().try_for_each(|folder| sync_folder(folder))
    }
}

/// From so many files on their volume is synced as a whole.
#[cfg(target_os = "linux")]
const MANY: usize = 12;
