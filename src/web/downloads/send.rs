//! The bytes of a download: from the disk to the connection, a piece at a time.
//!
//! Owns: a download has two pieces in memory, one that is being sent and the next, however slow its client is; when it
//! ends, whole or not, what went out is noted.

use std::fs::File;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use axum::body::{Body, Bytes};
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use tokio::task::JoinHandle;

use crate::clock;
use crate::spool::links::{Set, Usage};

/// Measured on loopback: smaller ones cost throughput, larger ones only memory.
pub(super) const PIECE_BYTES: usize = 128 * 1024;

/// What is sent, and where it is noted.
#[derive(Debug)]
pub(super) struct Sending {
    pub(super) file: File,
    /// Of the file, without its end.
    pub(super) stretch: (u64, u64),
    pub(super) set: Set,
    pub(super) usage: Arc<Mutex<Usage>>,
    /// Where it goes.
    pub(super) from: String,
}

pub(super) fn body(sending: Sending) -> Body {
    let (start, end) = sending.stretch;
    let file = Arc::new(sending.file);
    let note = Note { set: sending.set, usage: sending.usage, from: sending.from, start, at: start };
    let mut pieces = Pieces { next: None, file, read: start, end, note };
    pieces.read_on();
    Body::new(pieces)
}

struct Pieces {
    /// Being read.
    next: Option<JoinHandle<io::Result<Bytes>>>,
    file: Arc<File>,
    read: u64,
    end: u64,
    note: Note,
}

impl Pieces {
    fn read_on(&mut self) {
        let length = (self.end - self.read).min(PIECE_BYTES as u64);
        if length > 0 {
            let (file, at) = (Arc::clone(&self.file), self.read);
            self.next = Some(tokio::task::spawn_blocking(move || read_at(&file, at, length as usize)));
            self.read += length;
        }
    }
}

#[cfg(unix)]
fn read_at(file: &File, at: u64, length: usize) -> io::Result<Bytes> {
    use std::os::unix::fs::FileExt as _;
    let mut bytes = vec![0; length];
    file.read_exact_at(&mut bytes, at)?;
    Ok(bytes.into())
}

/// Pieces are read one after the other, so that moving the file's own position does no harm.
#[cfg(not(unix))]
fn read_at(mut file: &File, at: u64, length: usize) -> io::Result<Bytes> {
    use std::io::{Read as _, Seek as _};
    let mut bytes = vec![0; length];
    file.seek(io::SeekFrom::Start(at))?;
    file.read_exact(&mut bytes)?;
    Ok(bytes.into())
}

impl HttpBody for Pieces {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
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

/// Writes down what went out when the download ends. The last piece may still have been on its way when the client left.
struct Note {
    set: Set,
    usage: Arc<Mutex<Usage>>,
    from: String,
    start: u64,
    at: u64,
}

impl Drop for Note {
    fn drop(&mut self) {
        let (usage, set, stretch, from) =
            (Arc::clone(&self.usage), self.set, (self.start, self.at), std::mem::take(&mut self.from));
        let note = move || {
            let mut usage = usage.lock().unwrap_or_else(PoisonError::into_inner);
            if let Err(e) = usage.sent(clock::now(), set, stretch, Some(from)) {
                tracing::warn!("what was downloaded could not be noted: {e}");
            }
        };
        // A server that stops has no threads left for it.
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) => drop(runtime.spawn_blocking(note)),
            Err(_) => note(),
        }
    }
}
