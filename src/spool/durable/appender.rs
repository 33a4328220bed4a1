//! Files that only grow, and the file that carries the lock.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use super::{Done, Named as _, make_private, parent, point, sync_folder};

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

    /// As [`append`](Self::append), but a power failure may take the lines back.
    pub fn append_unsynced(&mut self, lines: &str) -> Done {
        point("write", &self.path)?;
        self.file.write_all(lines.as_bytes()).named("write", &self.path)
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
