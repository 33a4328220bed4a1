//! The spool: state folders, the lock, the index.
//!
//! Owns: a job is in exactly one state folder; ids are never reused; one server per spool.

mod id;

use std::fs::File;
use std::path::{Path, PathBuf};

use self::id::{own_id, read_id};
use super::durable::{self, Done, DurableError};
use super::job::JobId;
use crate::keyword;
use jiff::Timestamp;

keyword! {
    /// The folder a job is in.
    #[derive(PartialOrd, Ord)]
    pub enum State {
        Pending = "pending", Processing = "processing", Held = "held", Failed = "failed", Done = "done",
    }
}

impl State {
    pub const ALL: [State; 5] = [State::Pending, State::Processing, State::Held, State::Failed, State::Done];

    /// `done/` and `failed/` have a folder for each day.
    pub fn is_dated(self) -> bool {
        matches!(self, State::Done | State::Failed)
    }
}

/// The form of the spool that this version reads and writes.
const VERSION: &str = "1\n";
/// The file that says so.
const FORM: &str = "VERSION";

#[derive(Debug, thiserror::Error)]
pub enum SpoolError {
    #[error(transparent)]
    Disk(#[from] DurableError),
    #[error("cannot read {path}: {source}")]
    Read { path: String, source: std::io::Error },
    #[error(
        "the spool {0} was written by a newer version of hotfolders (its VERSION is `{1}`, this one knows 1): use that version"
    )]
    Newer(String, String),
    #[error("another hotfolders serves this spool: {0}")]
    Locked(String),
    #[error(
        "another hotfolders still works on this spool, whose LOCK was removed or replaced by hand: it ends by itself within a minute; then try again"
    )]
    Leaving,
    #[error(
        "the spool {0} lies on a network file system ({1}), where locks and renames cannot be relied on: move it to a local disk, or start with --allow-network-spool"
    )]
    Network(String, &'static str),
    #[error(
        "job {0} stands in two state folders, {1} and {2}: move one of them out of the spool after looking which is whole"
    )]
    Twice(JobId, String, String),
}

/// A spool folder whose form is known.
#[derive(Debug, Clone)]
pub struct Spool {
    root: PathBuf,
    id: String,
}

/// The kernel's lock, held as long as this lives.
#[derive(Debug)]
pub struct Lock {
    file: File,
    path: PathBuf,
    /// The spool's folder is locked as well, where a system can do that: whoever makes a new `LOCK` in place of one that
    /// was removed must not begin before we have ended.
    _folder: Option<File>,
}

impl Lock {
    /// Whether `LOCK` still is the file that was locked. When somebody has removed it, another server can take the spool. A
    /// spool that is away as a whole, such as with its disk, is waited for.
    pub fn is_in_place(&self) -> bool {
        is_at(&self.file, &self.path) || !self.path.with_file_name(FORM).exists()
    }
}

/// Whether an open file is the one that a path leads to.
#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let same = |a: std::fs::Metadata, b: std::fs::Metadata| (a.dev(), a.ino()) == (b.dev(), b.ino());
    match (file.metadata(), std::fs::metadata(path)) {
        (Ok(ours), Ok(there)) => same(ours, there),
        // A disk that does not answer just now has not lost its files.
        (Ok(_), Err(e)) => e.kind() != std::io::ErrorKind::NotFound,
        (Err(_), _) => true,
    }
}

#[cfg(not(unix))]
fn is_at(_: &File, path: &Path) -> bool {
    // An open file cannot be replaced there.
    path.exists()
}

/// The lock of a folder itself. `None` where the system has no such thing; `WouldBlock` where another has it.
#[cfg(unix)]
fn lock_folder(folder: &Path) -> std::io::Result<Option<File>> {
    let Ok(file) = File::open(folder) else { return Ok(None) };
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(std::fs::TryLockError::WouldBlock) => Err(std::io::ErrorKind::WouldBlock.into()),
        // Network file systems lock files alone.
        Err(std::fs::TryLockError::Error(_)) => Ok(None),
    }
}

#[cfg(not(unix))]
fn lock_folder(_: &Path) -> std::io::Result<Option<File>> {
    Ok(None)
}

/// Where a job was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Located {
    pub id: JobId,
    pub state: State,
    pub folder: PathBuf,
}

impl Spool {
    /// Opens a spool, and makes it when it is missing.
    pub fn open(root: &Path, allow_network: bool) -> Result<Spool, SpoolError> {
        if !root.is_dir() {
            durable::make_private_folder(root)?;
        }
        if let Some(kind) = network_file_system(root)
            && !allow_network
        {
            return Err(SpoolError::Network(root.display().to_string(), kind));
        }
        let version = root.join(FORM);
        match std::fs::read_to_string(&version) {
            Ok(text) if text.trim() == VERSION.trim() => {}
            Ok(text) => return Err(SpoolError::Newer(root.display().to_string(), text.trim().to_string())),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
                durable::replace(&version, VERSION.as_bytes())?;
            }
            Err(source) => return Err(SpoolError::Read { path: version.display().to_string(), source }),
        }
        for folder in ["tmp", "pending", "processing", "held", "done", "failed", "assets", "commands", "links", "labs"]
        {
            let folder = root.join(folder);
            if !durable::make_private_folder(&folder)? {
                tracing::warn!(
                    "other users of this computer can read {}, and its rights cannot be changed: it must belong to the \
                     user that the server runs as",
                    folder.display()
                );
            }
        }
        Ok(Spool { root: root.to_path_buf(), id: own_id(root)? })
    }

    /// A spool that stands, to look at; nothing is made.
    pub fn look(root: &Path) -> Option<Spool> {
        let id = read_id(root).unwrap_or_default();
        root.join(FORM).is_file().then(|| Spool { root: root.to_path_buf(), id })
    }

    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Eight hex digits that tell it from the spools of other servers, wherever it lies.
    pub fn id(&self) -> &str {
        &self.id
    }

    pub fn folder(&self, state: State) -> PathBuf {
        self.root.join(state.word())
    }

    pub fn tmp(&self) -> PathBuf {
        self.root.join("tmp")
    }

    pub fn assets(&self) -> PathBuf {
        self.root.join("assets")
    }

    /// Takes the lock, or says who has it.
    pub fn lock(&self, since: Timestamp) -> Result<Lock, SpoolError> {
        let path = self.root.join("LOCK");
        let mut file = Spool::lock_file(&path)?;
        let folder = lock_folder(&self.root).map_err(|_| SpoolError::Leaving)?;
        let text = format!("pid {} since {since}\n", std::process::id());
        // It is for people only: a full disk must not keep anybody from the spool.
        let _ = durable::write_lock_text(&mut file, &path, &text);
        Ok(Lock { file, path, _folder: folder })
    }

    /// The locked `LOCK`. One that was removed between opening and locking locks nothing: then the new one is taken.
    fn lock_file(path: &Path) -> Result<File, SpoolError> {
        const TRIES: usize = 10;
        for _ in 0..TRIES {
            let file = durable::open_lock_file(path)?;
            match file.try_lock() {
                Ok(()) if is_at(&file, path) => return Ok(file),
                Ok(()) => {}
                Err(std::fs::TryLockError::WouldBlock) => {
                    let text = std::fs::read_to_string(path).unwrap_or_default();
                    return Err(SpoolError::Locked(text.trim().to_string()));
                }
                Err(std::fs::TryLockError::Error(source)) => {
                    return Err(DurableError { action: "lock", path: path.to_path_buf(), source }.into());
                }
            }
        }
        Err(SpoolError::Leaving)
    }

    /// Who holds the lock, if somebody does.
    pub fn locked_by(&self) -> Option<String> {
        let path = self.root.join("LOCK");
        let file = File::open(&path).ok()?;
        match file.try_lock_shared() {
            Err(std::fs::TryLockError::WouldBlock) => {
                Some(std::fs::read_to_string(&path).unwrap_or_default().trim().to_string())
            }
            _ => None,
        }
    }

    /// Empties `tmp/`, which never holds the one copy of anything, but for what is still needed.
    pub fn wipe_tmp_but(&self, is_needed: &mut dyn FnMut(&Path) -> bool) -> Result<(), SpoolError> {
        for entry in Self::entries(&self.tmp())? {
            if !entry.is_dir() {
                durable::remove_file(&entry)?;
            } else if !is_needed(&entry) {
                durable::remove_tree(&entry)?;
            }
        }
        Ok(())
    }

    pub(super) fn entries(folder: &Path) -> Result<Vec<PathBuf>, SpoolError> {
        let read = |source| SpoolError::Read { path: folder.display().to_string(), source };
        let mut entries = Vec::new();
        match std::fs::read_dir(folder) {
            Ok(list) => {
                for entry in list {
                    entries.push(entry.map_err(read)?.path());
                }
            }
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {}
            Err(e) => return Err(read(e)),
        }
        entries.sort();
        Ok(entries)
    }

    /// The jobs in a state, oldest first.
    pub fn jobs(&self, state: State) -> Result<Vec<Located>, SpoolError> {
        let mut jobs = Vec::new();
        for base in self.bases(state)? {
            let ids = folders(&base)?.into_iter().filter_map(|name| JobId::parse(&name));
            jobs.extend(ids.map(|id| Located { folder: base.join(id.as_str()), id, state }));
        }
        jobs.sort_by(|a, b| a.id.cmp(&b.id));
        Ok(jobs)
    }

    /// The newest jobs of a state, the newest first, and how many more there are.
    pub fn newest(&self, state: State, most: usize) -> Result<(Vec<Located>, usize), SpoolError> {
        let (mut jobs, mut more) = (Vec::new(), 0);
        // Days begin with the year; within one, so do ids.
        for base in self.bases(state)?.into_iter().rev() {
            let ids = folders(&base)?.into_iter().rev().filter_map(|name| JobId::parse(&name));
            for id in ids {
                if jobs.len() < most {
                    jobs.push(Located { folder: base.join(id.as_str()), id, state });
                } else {
                    more += 1;
                }
            }
        }
        Ok((jobs, more))
    }

    /// How many jobs are in a state.
    pub fn count(&self, state: State) -> Result<usize, SpoolError> {
        self.bases(state)?.iter().map(|base| Ok(folders(base)?.len())).sum()
    }

    /// The folders of a state in which its jobs lie.
    fn bases(&self, state: State) -> Result<Vec<PathBuf>, SpoolError> {
        let base = self.folder(state);
        if !state.is_dated() {
            return Ok(vec![base]);
        }
        Ok(folders(&base)?.into_iter().map(|day| base.join(day)).collect())
    }

    /// Looks through all state folders.
    pub fn find(&self, id: &JobId) -> Result<Option<Located>, SpoolError> {
        for state in State::ALL {
            for base in self.bases(state)? {
                let folder = base.join(id.as_str());
                if folder.is_dir() {
                    return Ok(Some(Located { id: id.clone(), state, folder }));
                }
            }
        }
        Ok(None)
    }

    /// Moves a job to another state. `day` is the date folder of `done/` and `failed/`.
    pub fn move_to(&self, job: &Located, state: State, day: jiff::civil::Date) -> Done<Located> {
        let mut base = self.folder(state);
        if state.is_dated() {
            base = base.join(day.to_string());
            durable::make_folder(&base)?;
        }
        let folder = base.join(job.id.as_str());
        durable::move_new(&job.folder, &folder)?;
        Ok(Located { id: job.id.clone(), state, folder })
    }

    /// A job that was moved with a file manager, or by a crash between two renames, must not run twice.
    pub fn check_unique(&self) -> Result<(), SpoolError> {
        let mut all = Vec::new();
        for state in State::ALL {
            all.extend(self.jobs(state)?);
        }
        all.sort_unstable_by(|a, b| a.id.cmp(&b.id));
        let shown = |job: &Located| job.folder.display().to_string();
        match all.windows(2).find(|pair| pair[0].id == pair[1].id) {
            Some(pair) => Err(SpoolError::Twice(pair[0].id.clone(), shown(&pair[0]), shown(&pair[1]))),
            None => Ok(()),
        }
    }
}

/// The names of the folders in a folder, sorted. Most file systems tell what an entry is together with its name, so that
/// a hundred thousand of them need not be looked at one by one.
fn folders(folder: &Path) -> Result<Vec<String>, SpoolError> {
    let read = |source| SpoolError::Read { path: folder.display().to_string(), source };
    let list = match std::fs::read_dir(folder) {
        Ok(list) => list,
        // A day that retention took away just now.
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        // A person's own file beside the days.
        Err(e) if e.kind() == std::io::ErrorKind::NotADirectory => return Ok(Vec::new()),
        Err(e) => return Err(read(e)),
    };
    let mut names = Vec::new();
    for entry in list {
        let entry = entry.map_err(read)?;
        let is_folder = match entry.file_type() {
            Ok(kind) if kind.is_symlink() => entry.path().is_dir(),
            Ok(kind) => kind.is_dir(),
            Err(_) => false,
        };
        if is_folder && let Ok(name) = entry.file_name().into_string() {
            names.push(name);
        }
    }
    names.sort_unstable();
    Ok(names)
}

/// Bytes that are free for this user on the volume of a folder.
#[cfg(unix)]
pub fn free_space(folder: &Path) -> Option<u64> {
    rustix::fs::statvfs(folder).ok().map(|v| v.f_bavail.saturating_mul(v.f_frsize))
}

#[cfg(not(unix))]
pub fn free_space(_: &Path) -> Option<u64> {
    None
}

/// A volume and what is free on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Space {
    /// Equal for folders of one volume.
    pub volume: u64,
    pub free_bytes: u64,
    pub total_bytes: u64,
}

/// Of the volume of a folder.
#[cfg(unix)]
pub fn space(folder: &Path) -> Option<Space> {
    use std::os::unix::fs::MetadataExt as _;
    let known = rustix::fs::statvfs(folder).ok()?;
    Some(Space {
        volume: std::fs::metadata(folder).ok()?.dev(),
        free_bytes: known.f_bavail.saturating_mul(known.f_frsize),
        total_bytes: known.f_blocks.saturating_mul(known.f_frsize),
    })
}

#[cfg(not(unix))]
pub fn space(_: &Path) -> Option<Space> {
    None
}

/// Names the network file system a folder lies on.
#[cfg(target_os = "linux")]
pub fn network_file_system(folder: &Path) -> Option<&'static str> {
    let kind = rustix::fs::statfs(folder).ok()?.f_type;
    // Magic numbers of linux/magic.h; FUSE is a network file system more often than not (sshfs, cloud drives).
    match kind as u64 & 0xffff_ffff {
        0x6969 => Some("NFS"),
        0x517b | 0xff53_4d42 | 0xfe53_4d42 => Some("SMB"),
        0x6573_5546 => Some("FUSE"),
        0x0102_1997 => Some("9P"),
        0x5346_414f => Some("AFS"),
        0x00c3_6400 => Some("Ceph"),
        _ => None,
    }
}

#[cfg(not(target_os = "linux"))]
pub fn network_file_system(folder: &Path) -> Option<&'static str> {
    folder.to_string_lossy().starts_with(r"\\").then_some("SMB")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_server_per_spool() {
        let dir = tempfile::tempdir().unwrap();
        let spool = Spool::open(&dir.path().join("s"), false).unwrap();
        let lock = spool.lock(Timestamp::UNIX_EPOCH).unwrap();
        let second = spool.lock(Timestamp::UNIX_EPOCH).unwrap_err().to_string();
        assert!(second.contains(&format!("pid {}", std::process::id())), "{second}");
        assert!(spool.locked_by().is_some());
        drop(lock);
        assert!(spool.locked_by().is_none());
        spool.lock(Timestamp::UNIX_EPOCH).unwrap();
    }

    #[test]
    fn a_lock_whose_file_was_removed_is_known_as_lost_and_keeps_the_next_one_waiting() {
        let dir = tempfile::tempdir().unwrap();
        let spool = Spool::open(&dir.path().join("s"), false).unwrap();
        let lock = spool.lock(Timestamp::UNIX_EPOCH).unwrap();
        assert!(lock.is_in_place());
        let away = dir.path().join("away");
        durable::move_new(spool.root(), &away).unwrap();
        assert!(lock.is_in_place(), "the disk is away, and waited for");
        durable::move_new(&away, spool.root()).unwrap();
        durable::remove_file(&spool.root().join("LOCK")).unwrap();
        assert!(!lock.is_in_place());
        assert!(matches!(spool.lock(Timestamp::UNIX_EPOCH), Err(SpoolError::Leaving)));
        assert!(!lock.is_in_place(), "the new LOCK is another file");
        drop(lock);
        let next = spool.lock(Timestamp::UNIX_EPOCH).unwrap();
        assert!(next.is_in_place());
    }

    #[test]
    fn jobs_move_and_are_found() {
        let dir = tempfile::tempdir().unwrap();
        let spool = Spool::open(dir.path(), false).unwrap();
        let id = JobId::parse("20260101-000000-invoice-1-0000").unwrap();
        durable::make_folder(&spool.folder(State::Pending).join(id.as_str())).unwrap();
        let job = spool.find(&id).unwrap().unwrap();
        let day = jiff::civil::date(2026, 1, 1);
        let done = spool.move_to(&job, State::Done, day).unwrap();
        assert!(done.folder.ends_with("done/2026-01-01/20260101-000000-invoice-1-0000"));
        assert_eq!(spool.jobs(State::Done).unwrap(), [done]);
        spool.check_unique().unwrap();
        durable::make_folder(&spool.folder(State::Held).join(id.as_str())).unwrap();
        assert!(spool.check_unique().is_err());
    }

    #[test]
    fn a_newer_spool_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        durable::replace(&dir.path().join("VERSION"), b"2\n").unwrap();
        assert!(Spool::open(dir.path(), false).unwrap_err().to_string().contains("newer version"));
    }
}
