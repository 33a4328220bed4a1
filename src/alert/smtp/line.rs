//! A connection to a mail server on which every wait has an end.
//!
//! Owns: a wait ends when its time is up, when the time for the whole mail is up, or when the mail is called off, whichever
//! comes first, however slowly bytes drip in between. What goes wrong is told in words.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{IpAddr, Shutdown, TcpStream, ToSocketAddrs};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, StreamOwned};

use super::reply::{Reply, one_line};
use super::terms::{Recall, Terms};

/// How soon a mail that is called off is heard.
const SLICE: Duration = Duration::from_millis(100);
/// Most of one reply, all lines together.
const REPLY_MAX_BYTES: usize = 64 * 1024;

/// Why a wait ended before there was something.
#[derive(Debug, thiserror::Error)]
enum Cut {
    #[error("it does not answer within {0}")]
    Slow(String),
    #[error("it is too slow: one mail may take {0}")]
    Long(String),
    #[error("it was called off")]
    Off,
}

/// A socket that keeps to the time.
struct Guarded {
    socket: TcpStream,
    within: Duration,
    until: Instant,
    whole: Duration,
    ends: Instant,
    recall: Recall,
}

impl Guarded {
    fn look(&self) -> io::Result<()> {
        let now = Instant::now();
        if self.recall.is_off() {
            return Err(io::Error::other(Cut::Off));
        }
        if now >= self.ends {
            return Err(io::Error::other(Cut::Long(span(self.whole))));
        }
        if now >= self.until { Err(io::Error::other(Cut::Slow(span(self.within)))) } else { Ok(()) }
    }

    /// Tries in slices, until something moves.
    fn patiently<T>(&self, mut step: impl FnMut(&TcpStream) -> io::Result<T>) -> io::Result<T> {
        loop {
            self.look()?;
            match step(&self.socket) {
                Err(e) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted) => {}
                moved => return moved,
            }
        }
    }
}

impl Read for Guarded {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.patiently(|mut socket| socket.read(into))
    }
}

impl Write for Guarded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.patiently(|mut socket| socket.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

enum Stream {
    Plain(Guarded),
    Tls(Box<StreamOwned<ClientConnection, Guarded>>),
}

/// The conversation, a command and a reply at a time.
pub(super) struct Line {
    stream: Stream,
    unread: Vec<u8>,
    /// Something went wrong on it: what comes next would answer something else.
    is_broken: bool,
}

impl Line {
    pub(super) fn connect(host: &str, port: u16, terms: &Terms<'_>) -> Result<Line, String> {
        let addresses =
            (host, port).to_socket_addrs().map_err(|e| format!("the address of `{host}` cannot be found: {e}"))?;
        let within = terms.patience.connect;
        let mut why = format!("`{host}` has no address");
        for address in addresses {
            match TcpStream::connect_timeout(&address, within) {
                Ok(socket) => {
                    let sliced = socket.set_read_timeout(Some(SLICE)).and(socket.set_write_timeout(Some(SLICE)));
                    sliced.map_err(|e| e.to_string())?;
                    let (now, whole) = (Instant::now(), terms.patience.whole);
                    let (until, ends) = (now + within, now + whole);
                    let guarded = Guarded { socket, within, until, whole, ends, recall: terms.recall.clone() };
                    return Ok(Line { stream: Stream::Plain(guarded), unread: Vec::new(), is_broken: false });
                }
                Err(e) => {
                    why = match e.kind() {
                        ErrorKind::ConnectionRefused => format!("nobody listens at {address}"),
                        ErrorKind::TimedOut | ErrorKind::WouldBlock => {
                            format!("{address} does not answer within {}", span(within))
                        }
                        ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable => {
                            format!("there is no way to {address}")
                        }
                        _ => format!("{address}: {e}"),
                    }
                }
            }
        }
        Err(why)
    }

    fn guarded(&mut self) -> &mut Guarded {
        match &mut self.stream {
            Stream::Plain(guarded) => guarded,
            Stream::Tls(tls) => &mut tls.sock,
        }
    }

    fn give(&mut self, within: Duration) {
        let guarded = self.guarded();
        (guarded.within, guarded.until) = (within, Instant::now() + within);
    }

    /// Our own address on it.
    pub(super) fn own_address(&mut self) -> Option<IpAddr> {
        self.guarded().socket.local_addr().ok().map(|address| address.ip())
    }

    /// From here on nobody else can read it.
    pub(super) fn secure(mut self, config: Arc<ClientConfig>, host: &str, within: Duration) -> Result<Line, String> {
        if !self.unread.is_empty() {
            return Err("it says something before the connection is secure, which anybody could have said".into());
        }
        self.give(within);
        let Stream::Plain(mut guarded) = self.stream else { return Ok(self) };
        let name = ServerName::try_from(host.to_string()).map_err(|_| format!("`{host}` is no name of a machine"))?;
        let mut tls = ClientConnection::new(config, name).map_err(|e| e.to_string())?;
        while tls.is_handshaking() {
            tls.complete_io(&mut guarded).map_err(|e| said(&e))?;
        }
        Ok(Line { stream: Stream::Tls(Box::new(StreamOwned::new(tls, guarded))), unread: Vec::new(), is_broken: false })
    }

    /// Hands all of it to the system.
    pub(super) fn write(&mut self, bytes: &[u8], within: Duration) -> Result<(), String> {
        let written = self.try_write(bytes, within);
        self.is_broken |= written.is_err();
        written
    }

    fn try_write(&mut self, bytes: &[u8], within: Duration) -> Result<(), String> {
        self.give(within);
        let written = match &mut self.stream {
            Stream::Plain(guarded) => guarded.write_all(bytes),
            Stream::Tls(tls) => tls.write_all(bytes).and_then(|()| tls.flush()),
        };
        written.map_err(|e| said(&e))
    }

    pub(super) fn command(&mut self, command: &str, within: Duration) -> Result<Reply, String> {
        self.write(format!("{command}\r\n").as_bytes(), within)?;
        self.reply(within)
    }

    pub(super) fn reply(&mut self, within: Duration) -> Result<Reply, String> {
        self.lines(within).map(|(reply, _)| reply)
    }

    /// A reply, and what stands in its lines.
    pub(super) fn lines(&mut self, within: Duration) -> Result<(Reply, Vec<String>), String> {
        let read = self.try_lines(within);
        self.is_broken |= read.is_err();
        read
    }

    fn try_lines(&mut self, within: Duration) -> Result<(Reply, Vec<String>), String> {
        self.give(within);
        let mut lines: Vec<String> = Vec::new();
        let mut bytes = 0;
        loop {
            let line = self.line(REPLY_MAX_BYTES - bytes)?;
            bytes += line.len() + 1;
            let is_last = line.as_bytes().get(3) != Some(&b'-');
            lines.push(line);
            if is_last {
                break;
            }
        }
        let reply =
            Reply::of(&lines).ok_or_else(|| format!("`{}` is no reply of a mail server", one_line(&lines[0])))?;
        let texts = lines.iter().map(|line| line.get(4..).unwrap_or_default().to_string()).collect();
        Ok((reply, texts))
    }

    fn line(&mut self, most: usize) -> Result<String, String> {
        loop {
            if let Some(end) = self.unread.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.unread.drain(..=end).collect();
                return Ok(String::from_utf8_lossy(&line).trim_end_matches(['\r', '\n']).to_string());
            }
            if self.unread.len() >= most {
                return Err(format!("its reply is longer than {REPLY_MAX_BYTES} bytes"));
            }
            let mut some = [0; 2048];
            let read = match &mut self.stream {
                Stream::Plain(guarded) => guarded.read(&mut some),
                Stream::Tls(tls) => tls.read(&mut some),
            };
            match read.map_err(|e| said(&e))? {
                0 => return Err("it has hung up".into()),
                count => self.unread.extend_from_slice(&some[..count]),
            }
        }
    }

    /// Whether it hears that does not matter.
    pub(super) fn leave(mut self, within: Duration) {
        if !self.is_broken {
            let _ = self.command("QUIT", within);
        }
        let _ = self.guarded().socket.shutdown(Shutdown::Both);
    }
}

/// As people say it.
pub(super) fn span(time: Duration) -> String {
    let seconds = time.as_secs();
    if seconds >= 120 { format!("{} min", seconds / 60) } else { format!("{seconds} s") }
}

fn said(e: &io::Error) -> String {
    let inner = e.get_ref();
    if let Some(cut) = inner.and_then(|inner| inner.downcast_ref::<Cut>()) {
        return cut.to_string();
    }
    if let Some(tls @ rustls::Error::InvalidCertificate(_)) = inner.and_then(|inner| inner.downcast_ref()) {
        return format!("{}; name the file with its certificate as `ca_file`", one_line(&tls.to_string()));
    }
    match e.kind() {
        ErrorKind::UnexpectedEof
        | ErrorKind::ConnectionReset
        | ErrorKind::ConnectionAborted
        | ErrorKind::BrokenPipe => "it has hung up".into(),
        _ => one_line(&e.to_string()),
    }
}
