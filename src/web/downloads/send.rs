//! The bytes of a download: from the disk to the connection, a piece at a time.
//!
//! Owns: a download has two pieces in memory, one that is being sent and the next, however slow its client is; when it
//! ends, whole or not, what went out is noted, and is in the link's log soon after. It ends when its permit is over.

use std::fs::File;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use axum::body::{Body, Bytes};
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::transfers::Permit;
use crate::clock;
use crate::spool::durable::Done;
use crate::spool::links::{SENT_EVERY, Set, Usage};

/// Measured on loopback: smaller ones cost throughput, larger ones only memory.
pub(super) const PIECE_BYTES: usize = 128 * 1024;

/// Buffers that are kept when nobody downloads.
const SPARE_MAX: usize = 16;

/// Buffers of pieces that are sent, for those that come next. Threads in turn ask for pieces of this size and give them
/// back: without this the allocator keeps some for each thread, many times what is in use (measured with 50 clients).
#[derive(Debug, Clone, Default)]
pub(super) struct Spare(Arc<Mutex<Vec<Vec<u8>>>>);

impl Spare {
    fn take(&self, length: usize) -> Filling {
        let spare = self.0.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut bytes = spare.unwrap_or_else(|| Vec::with_capacity(PIECE_BYTES));
        bytes.resize(length, 0);
        Filling { bytes, spare: self.clone() }
    }
}

/// A piece; its buffer goes back when the connection is done with it.
struct Filling {
    bytes: Vec<u8>,
    spare: Spare,
}

impl AsRef<[u8]> for Filling {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Filling {
    fn drop(&mut self) {
        let mut spare = self.spare.0.lock().unwrap_or_else(PoisonError::into_inner);
        if spare.len() < SPARE_MAX {
            spare.push(std::mem::take(&mut self.bytes));
        }
    }
}

/// What is sent, and where it is noted.
#[derive(Debug)]
pub(super) struct Sending {
    pub(super) spare: Spare,
    pub(super) file: File,
    pub(super) permit: Arc<Permit>,
    /// Of the file, without its end.
    pub(super) stretch: (u64, u64),
    pub(super) set: Set,
    /// The nonce of the grant that it is sent by.
    pub(super) grant: String,
    pub(super) usage: Arc<Mutex<Usage>>,
    /// Where it goes.
    pub(super) from: String,
    /// See [`Site::stop`](crate::web::Site).
    pub(super) stop: watch::Receiver<bool>,
}

pub(super) fn body(sending: Sending) -> Body {
    let (start, end) = sending.stretch;
    let file = Arc::new(sending.file);
    let Sending { set, grant, usage, from, stop, .. } = sending;
    let note = Note { stop, set, grant, usage, from, start, at: start };
    let (spare, permit) = (sending.spare, sending.permit);
    let mut pieces = Pieces { next: None, spare, permit, file, read: start, end, note };
    pieces.read_on();
    Body::new(pieces)
}

struct Pieces {
    /// Being read.
    next: Option<JoinHandle<io::Result<Bytes>>>,
    spare: Spare,
    permit: Arc<Permit>,
    file: Arc<File>,
    read: u64,
    end: u64,
    note: Note,
}

impl Pieces {
    fn read_on(&mut self) {
        let length = (self.end - self.read).min(PIECE_BYTES as u64);
        if length > 0 {
            let (file, at, spare) = (Arc::clone(&self.file), self.read, self.spare.clone());
            self.next = Some(tokio::task::spawn_blocking(move || {
                let mut piece = spare.take(length as usize);
                read_at(&file, at, &mut piece.bytes)?;
                Ok(Bytes::from_owner(piece))
            }));
            self.read += length;
        }
    }
}

#[cfg(unix)]
fn read_at(file: &File, at: u64, bytes: &mut [u8]) -> io::Result<()> {
    use std::os::unix::fs::FileExt as _;
    file.read_exact_at(bytes, at)
}

/// Pieces are read one after the other, so that moving the file's own position does no harm.
#[cfg(not(unix))]
fn read_at(mut file: &File, at: u64, bytes: &mut [u8]) -> io::Result<()> {
    use std::io::{Read as _, Seek as _};
    file.seek(io::SeekFrom::Start(at))?;
    file.read_exact(bytes)
}

impl HttpBody for Pieces {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        if self.permit.is_over() {
            self.next = None;
            return Poll::Ready(Some(Err(io::Error::other("the link was closed"))));
        }
        let Some(next) = &mut self.next else { return Poll::Ready(None) };
        let read = ready!(Pin::new(next).poll(cx)).unwrap_or_else(|e| Err(io::Error::other(e)));
        self.next = None;
        Poll::Ready(Some(read.map(|bytes| {
            self.note.at += bytes.len() as u64;
            self.read_on();
            Frame::data(bytes)
        })))
    }

    fn is_end_stream(&self) -> bool {
        self.next.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.end - self.note.at)
    }
}

/// Notes what went out when the download ends. The last piece may still have been on its way when the client left.
struct Note {
    stop: watch::Receiver<bool>,
    set: Set,
    grant: String,
    usage: Arc<Mutex<Usage>>,
    from: String,
    start: u64,
    at: u64,
}

impl Drop for Note {
    fn drop(&mut self) {
        let (usage, set, stretch) = (Arc::clone(&self.usage), self.set, (self.start, self.at));
        let (grant, from) = (std::mem::take(&mut self.grant), std::mem::take(&mut self.from));
        let note = move || {
            let waits = lock(&usage).sent(clock::now(), set, &grant, stretch, Some(from));
            noted(waits).filter(|waits| *waits).map(|_| usage)
        };
        // A server that stops has no threads left for it; nor has one whose runtime is gone.
        let runtime = tokio::runtime::Handle::try_current().ok().filter(|_| !*self.stop.borrow());
        let Some(runtime) = runtime else {
            note();
            return;
        };
        runtime.spawn(async {
            let Ok(Some(usage)) = tokio::task::spawn_blocking(note).await else { return };
            tokio::time::sleep(SENT_EVERY).await;
            // Whether that came to its end is nobody's affair any more.
            let _ = tokio::task::spawn_blocking(move || noted(lock(&usage).settle(clock::now()))).await;
        });
    }
}

fn lock(usage: &Mutex<Usage>) -> MutexGuard<'_, Usage> {
    usage.lock().unwrap_or_else(PoisonError::into_inner)
}

fn noted<T>(done: Done<T>) -> Option<T> {
    done.map_err(|e| tracing::warn!("what was downloaded could not be noted: {e}")).ok()
}
