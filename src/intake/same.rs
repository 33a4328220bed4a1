//! Opening a file as exactly the one that was looked at.
//!
//! Owns: between a look and a read no other file, link or pipe slips in unseen.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _};
use std::path::Path;

use crate::model::digest::Hasher;
use crate::spool::job::Stamp;

/// Why a file was not read.
#[derive(Debug)]
pub(super) enum NotRead {
    /// It is not the file any more that was looked at; the next look will show what it is.
    Changed,
    /// The system's answer.
    Failed(io::Error),
}

/// Opens without following a link and without waiting for a pipe's writer.
pub(super) fn open(path: &Path, stamp: &Stamp) -> Result<File, NotRead> {
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    {
        use rustix::fs::OFlags;
        use std::os::unix::fs::OpenOptionsExt as _;
        options.custom_flags((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed());
    }
    let file = match options.open(path) {
        Ok(file) => file,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Err(NotRead::Changed),
        // A link where a plain file was: the system says so in many ways.
        Err(_) if Stamp::of(path).is_ok_and(|now| now != *stamp) => return Err(NotRead::Changed),
        Err(e) => return Err(NotRead::Failed(e)),
    };
    unchanged(&file, stamp)?;
    Ok(file)
}

fn unchanged(file: &File, stamp: &Stamp) -> Result<(), NotRead> {
    let metadata = file.metadata().map_err(NotRead::Failed)?;
    if metadata.is_file() && Stamp::from_metadata(&metadata) == *stamp { Ok(()) } else { Err(NotRead::Changed) }
}

/// The whole file; it was looked at again when the last byte was read.
pub(super) fn read(path: &Path, stamp: &Stamp) -> Result<Vec<u8>, NotRead> {
    let mut file = open(path, stamp)?;
    let mut bytes = Vec::with_capacity(usize::try_from(stamp.bytes).unwrap_or(0));
    (&mut file).take(stamp.bytes + 1).read_to_end(&mut bytes).map_err(NotRead::Failed)?;
    unchanged(&file, stamp)?;
    if bytes.len() as u64 == stamp.bytes { Ok(bytes) } else { Err(NotRead::Changed) }
}

/// The SHA-256 of the whole file, in pieces.
pub(super) fn sha256(path: &Path, stamp: &Stamp) -> Result<String, NotRead> {
    let mut file = open(path, stamp)?;
    let (mut hasher, mut buffer) = (Hasher::default(), vec![0; 256 * 1024]);
    loop {
        match file.read(&mut buffer) {
            Ok(0) => break,
            Ok(n) => hasher.update(&buffer[..n]),
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(NotRead::Failed(e)),
        }
    }
    unchanged(&file, stamp)?;
    Ok(hasher.finish())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spool::durable;

    #[test]
    fn another_file_of_that_name_is_not_read() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a");
        durable::stage(&path, b"one").unwrap();
        let stamp = Stamp::of(&path).unwrap();
        assert_eq!(read(&path, &stamp).unwrap(), b"one");
        durable::replace(&path, b"two").unwrap();
        assert!(matches!(read(&path, &stamp), Err(NotRead::Changed)));
        durable::remove_file(&path).unwrap();
        assert!(matches!(sha256(&path, &stamp), Err(NotRead::Changed)));
    }

    #[cfg(unix)]
    #[test]
    fn a_link_or_pipe_that_slipped_in_is_not_opened() {
        let dir = tempfile::tempdir().unwrap();
        let (path, other) = (dir.path().join("a"), dir.path().join("b"));
        durable::stage(&path, b"one").unwrap();
        let stamp = Stamp::of(&path).unwrap();
        durable::move_new(&path, &other).unwrap();
        std::os::unix::fs::symlink(&other, &path).unwrap();
        assert!(matches!(open(&path, &stamp), Err(NotRead::Changed)));
        durable::remove_file(&path).unwrap();
        let mode = rustix::fs::Mode::from_raw_mode(0o600);
        rustix::fs::mknodat(rustix::fs::CWD, &path, rustix::fs::FileType::Fifo, mode, 0).unwrap();
        assert!(matches!(open(&path, &stamp), Err(NotRead::Changed)));
    }
}
