//! One connection, and how many there may be.
//!
//! Owns: somebody who opens connections and sends nothing, or sends slowly, keeps nobody out: when all seats are taken,
//! the one that has waited longest for the rest of its request gives its seat up. A request that is being answered keeps
//! its seat for as long as its answer is taken.

use std::collections::BTreeMap;
use std::future::Future as _;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::ConnectInfo;
use axum::http::header::{HOST, LOCATION};
use axum::http::uri::PathAndQuery;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};
use hyper::body::{Body as HttpBody, Frame, Incoming, SizeHint};
use hyper_util::rt::{TokioIo, TokioTimer};
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio::time::Sleep;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tower::ServiceExt as _;

use super::Site;
use super::body::Holding;

/// A request's head must be there by then.
const HEAD_WITHIN: Duration = Duration::from_secs(10);
/// Largest head of a request, in bytes.
const HEAD_MAX_BYTES: usize = 16 * 1024;
/// How many headers a request may have.
const HEADERS_MAX: usize = 64;
/// TLS is agreed on by then.
const HANDSHAKE_WITHIN: Duration = Duration::from_secs(10);
/// What every TLS connection begins with, and no HTTP request: a record of the handshake.
const TLS_HANDSHAKE: u8 = 0x16;
/// Whoever takes nothing of an answer for so long has gone.
const TAKEN_WITHIN: Duration = Duration::from_mins(1);
/// A connection without a request is left alone for so long, also when others want its seat: a browser's request comes
/// within it.
const NEWCOMER: Duration = Duration::from_millis(250);

/// The seats of a door.
#[derive(Debug)]
pub(super) struct Table {
    permits: Arc<Semaphore>,
    idle: Mutex<Idle>,
}

/// Connections without a whole request, by the order in which they began to wait.
#[derive(Debug, Default)]
struct Idle {
    next: u64,
    waiting: BTreeMap<u64, (Instant, Arc<Notify>)>,
}

impl Idle {
    /// The one that waits for longest, and no newcomer.
    fn longest(&mut self) -> Option<Arc<Notify>> {
        let first = self.waiting.first_entry().filter(|first| first.get().0.elapsed() >= NEWCOMER);
        first.map(|first| first.remove().1)
    }
}

impl Table {
    pub(super) fn new(seats: usize) -> Arc<Table> {
        Arc::new(Table { permits: Arc::new(Semaphore::new(seats)), idle: Mutex::default() })
    }

    fn idle(&self) -> MutexGuard<'_, Idle> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A free seat. When there is none, the longest idle connection is told to go.
    pub(super) async fn seat(self: &Arc<Table>) -> Arc<Seat> {
        let permit = loop {
            if let Ok(permit) = Arc::clone(&self.permits).try_acquire_owned() {
                break Some(permit);
            }
            let longest = self.idle().longest();
            match longest {
                Some(leave) => leave.notify_one(),
                // Everybody is being served, or has just come.
                None => tokio::time::sleep(Duration::from_millis(20)).await,
            }
            if let Ok(permit) =
                tokio::time::timeout(Duration::from_millis(50), Arc::clone(&self.permits).acquire_owned()).await
            {
                break permit.ok();
            }
        };
        let seat =
            Seat { table: Arc::clone(self), leave: Arc::new(Notify::new()), at: Mutex::new(None), _permit: permit };
        seat.rest();
        Arc::new(seat)
    }
}

/// A connection's place. Handlers find it among a request's extensions.
#[derive(Debug)]
pub struct Seat {
    table: Arc<Table>,
    leave: Arc<Notify>,
    /// Its number among the idle; `None` while a request is in hand.
    at: Mutex<Option<u64>>,
    _permit: Option<OwnedSemaphorePermit>,
}

impl Seat {
    fn at(&self) -> MutexGuard<'_, Option<u64>> {
        self.at.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whoever sends much, and may, is not to be sent away for it.
    pub fn keep(&self) {
        if let Some(number) = self.at().take() {
            self.table.idle().waiting.remove(&number);
        }
    }

    fn rest(&self) {
        let mut idle = self.table.idle();
        let number = idle.next;
        idle.next += 1;
        idle.waiting.insert(number, (Instant::now(), Arc::clone(&self.leave)));
        drop(idle);
        *self.at() = Some(number);
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.keep();
    }
}

/// What came over a TLS port.
enum Opened {
    Tls(Box<TlsStream<Taking<TcpStream>>>),
    Plain(TcpStream),
}

pub(super) async fn serve_connection(
    stream: TcpStream,
    from: SocketAddr,
    seat: Arc<Seat>,
    router: Router,
    site: Site,
    tls: Option<Arc<ServerConfig>>,
) {
    let Some(config) = tls else {
        return serve_http(Taking::new(stream, TAKEN_WITHIN), from, seat, router, site).await;
    };
    let opened = async {
        let mut first = [0];
        if stream.peek(&mut first).await? == 1 && first[0] != TLS_HANDSHAKE {
            return Ok(Opened::Plain(stream));
        }
        let accepted = TlsAcceptor::from(config).accept(Taking::new(stream, TAKEN_WITHIN)).await;
        accepted.map(|stream| Opened::Tls(Box::new(stream)))
    };
    let opened: Result<io::Result<Opened>, _> = tokio::select! {
        opened = tokio::time::timeout(HANDSHAKE_WITHIN, opened) => opened,
        () = seat.leave.notified() => return,
        () = site.stopped() => return,
    };
    match opened {
        Ok(Ok(Opened::Tls(stream))) => serve_http(stream, from, seat, router, site).await,
        Ok(Ok(Opened::Plain(stream))) => {
            let router = Router::new().fallback(over_https);
            serve_http(Taking::new(stream, TAKEN_WITHIN), from, seat, router, site).await;
        }
        // Whoever does not agree, or does not trust us, has gone.
        Ok(Err(_)) | Err(_) => {}
    }
}

/// The answer to HTTP where HTTPS is spoken. Not for good: the config may change its mind.
async fn over_https(method: Method, uri: Uri, headers: HeaderMap) -> Response {
    let host = headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let is_fine = !host.is_empty() && host.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._:[]".contains(&b));
    let address = if is_fine { format!("https://{host}") } else { "an address that begins with https://".to_string() };
    let text = format!("This server speaks HTTPS here: open {address}\n");
    let path = uri.path_and_query().map_or("/", PathAndQuery::as_str);
    match HeaderValue::from_str(&format!("{address}{path}")) {
        Ok(to) if is_fine && matches!(method, Method::GET | Method::HEAD) => {
            (StatusCode::TEMPORARY_REDIRECT, [(LOCATION, to)], text).into_response()
        }
        _ => (StatusCode::BAD_REQUEST, text).into_response(),
    }
}

async fn serve_http<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    from: SocketAddr,
    seat: Arc<Seat>,
    router: Router,
    site: Site,
) {
    let leave = Arc::clone(&seat.leave);
    let service = hyper::service::service_fn(move |request: hyper::Request<Incoming>| {
        let (router, seat) = (router.clone(), Arc::clone(&seat));
        async move {
            let mut request = request.map(|body| Body::new(Arriving::new(body, Arc::clone(&seat))));
            request.extensions_mut().insert(ConnectInfo(from));
            request.extensions_mut().insert(Arc::clone(&seat));
            let response = router.oneshot(request).await;
            response.map(|response| response.map(|body| Holding::new(body, Leaving(seat))))
        }
    });
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_WITHIN)
        .max_buf_size(HEAD_MAX_BYTES)
        .max_headers(HEADERS_MAX)
        .half_close(false)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = std::pin::pin!(connection);
    // What goes wrong with a connection is the other side's affair; nothing of it belongs into the log.
    tokio::select! {
        _ = connection.as_mut() => return,
        () = leave.notified() => return,
        () = site.stopped() => {}
    }
    connection.as_mut().graceful_shutdown();
    let _ = connection.await;
}

/// A connection that ends when the other side takes nothing any more.
struct Taking<S> {
    stream: S,
    within: Duration,
    /// Runs while something waits to be taken.
    patience: Option<Pin<Box<Sleep>>>,
}

impl<S> Taking<S> {
    fn new(stream: S, within: Duration) -> Taking<S> {
        Taking { stream, within, patience: None }
    }

    fn watched(&mut self, cx: &mut Context<'_>, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if written.is_ready() {
            self.patience = None;
            return written;
        }
        let within = self.within;
        let patience = self.patience.get_or_insert_with(|| Box::pin(tokio::time::sleep(within)));
        ready!(patience.as_mut().poll(cx));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Taking<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, bytes)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Taking<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.watched(cx, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, pieces);
        self.watched(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(cx).map_ok(|()| 0);
        self.watched(cx, flushed).map_ok(|_| ())
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// A request's body. When it is whole, its connection has a request in hand.
struct Arriving {
    body: Incoming,
    seat: Arc<Seat>,
}

impl Arriving {
    fn new(body: Incoming, seat: Arc<Seat>) -> Arriving {
        if body.is_end_stream() {
            seat.keep();
        }
        Arriving { body, seat }
    }
}

impl HttpBody for Arriving {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        if frame.is_none() || self.body.is_end_stream() {
            self.seat.keep();
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// An answer that is under way. When it is sent, or given up, its connection is idle again.
struct Leaving(Arc<Seat>);

impl Drop for Leaving {
    fn drop(&mut self) {
        self.0.keep();
        self.0.rest();
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    #[test]
    fn whoever_takes_nothing_is_cut_and_whoever_is_slow_is_not() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let within = Duration::from_millis(200);
            let (ours, mut theirs) = tokio::io::duplex(10);
            let mut ours = Taking::new(ours, within);
            let slow = tokio::spawn(async move {
                let mut taken = [0; 10];
                for _ in 0..8 {
                    tokio::time::sleep(within / 4).await;
                    theirs.read_exact(&mut taken).await.unwrap();
                }
                theirs
            });
            ours.write_all(&[0; 80]).await.unwrap();
            let _theirs = slow.await.unwrap();
            let start = Instant::now();
            let cut = ours.write_all(&[0; 80]).await.unwrap_err();
            assert_eq!(cut.kind(), io::ErrorKind::TimedOut);
            assert!(start.elapsed() >= within, "{:?}", start.elapsed());
        });
    }
}
