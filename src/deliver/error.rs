//! What keeps a delivery from its destination, in words for the operator: what, which path, what to do.

use std::io::ErrorKind;

use crate::spool::durable::DurableError;

#[derive(Debug, thiserror::Error)]
pub enum DeliverError {
    /// The world's: what is being waited for.
    #[error("{0}")]
    Unreachable(String),
    /// Something stands in the way, and only a person can say what is to become of it.
    #[error("{0}")]
    Conflict(String),
    #[error("{0}{hint}", hint = hint(.0))]
    Disk(#[from] DurableError),
    /// The job's own journal could not be written. It must be opened again before the next try: its last line may be
    /// torn.
    #[error("{0}{hint}", hint = hint(.0))]
    Journal(#[source] DurableError),
    /// An output no longer is what was rendered: it must be rendered again.
    #[error("{0}")]
    Damaged(String),
    /// A program did not do what it should. It is tried again, but not for ever.
    #[error("{text}")]
    Command { text: String, is_last: bool },
    /// This version has no such delivery.
    #[error("{0}")]
    NotBuilt(String),
}

impl DeliverError {
    /// It is waited out: disk full, share gone, permission, read-only, busy … Trying again may help, with nothing
    /// changed in the job.
    pub fn is_world(&self) -> bool {
        match self {
            DeliverError::Unreachable(_) => true,
            DeliverError::Disk(e) | DeliverError::Journal(e) => !will_never_work(e.source.kind()),
            DeliverError::Command { is_last, .. } => !is_last,
            DeliverError::Conflict(_) | DeliverError::Damaged(_) | DeliverError::NotBuilt(_) => false,
        }
    }
}

/// What the same bytes at the same path meet again tomorrow. Everything else a system may answer is waited out: a share
/// that is going away gives the strangest errors, and no job may fail for it.
fn will_never_work(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::InvalidFilename
            | ErrorKind::FileTooLarge
            | ErrorKind::CrossesDevices
            | ErrorKind::IsADirectory
            | ErrorKind::NotADirectory
            | ErrorKind::InvalidInput
            | ErrorKind::InvalidData
            | ErrorKind::Unsupported
    )
}

/// What to do about it.
fn hint(error: &DurableError) -> &'static str {
    match error.source.kind() {
        ErrorKind::StorageFull => "; make room on that disk",
        ErrorKind::QuotaExceeded => "; make room, or have the quota raised",
        ErrorKind::PermissionDenied => "; give the user that the server runs as the right to do so",
        ErrorKind::ReadOnlyFilesystem => "; the disk or share is read-only: connect it for writing",
        ErrorKind::NotFound => "; it was there a moment ago: connect its disk or share again",
        ErrorKind::FileTooLarge => "; its file system (FAT32?) takes no file of that size: use another one, or `split`",
        ErrorKind::InvalidFilename => "; the name is too long or not allowed there: shorten `name` or `path`",
        ErrorKind::CrossesDevices => {
            "; a folder below the destination lies on another disk: deliver to that disk itself"
        }
        _ => "",
    }
}
