//! A body that is made while it is sent.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes};
use hyper::body::{Body as HttpBody, Frame};
use tokio::sync::mpsc;

struct Fed(mpsc::Receiver<Bytes>);

impl HttpBody for Fed {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0.poll_recv(cx).map(|bytes| bytes.map(|bytes| Ok(Frame::data(bytes))))
    }
}

/// A body, and where what it sends is put in. Whoever puts in waits while `pieces` of them have not left yet, and hears
/// when the other side is gone.
pub fn fed(pieces: usize) -> (mpsc::Sender<Bytes>, Body) {
    let (feed, pieces) = mpsc::channel(pieces);
    (feed, Body::new(Fed(pieces)))
}
