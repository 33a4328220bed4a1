//! One connection: HTTP in, HTTP out, and the faults in between.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use base64::Engine as _;
use ipp::parser::IppParser;
use ipp::reader::IppReader;

use super::operations::{Request, answer, operation, refusal};
use super::{Behaviour, FakeState, Fault, Shared};

/// A client that says nothing for so long is gone.
const IDLE_AFTER: Duration = Duration::from_secs(30);

trait Stream: Read + Write {}
impl<T: Read + Write> Stream for T {}

pub(super) fn serve(stream: TcpStream, shared: &Shared) -> io::Result<()> {
    if shared.is_off.load(Ordering::SeqCst) {
        return Ok(());
    }
    stream.set_read_timeout(Some(IDLE_AFTER))?;
    stream.set_nodelay(true)?;
    let mut stream: Box<dyn Stream> = match &shared.tls {
        None => Box::new(stream),
        Some(config) => {
            let connection = rustls::ServerConnection::new(Arc::clone(config)).map_err(io::Error::other)?;
            Box::new(rustls::StreamOwned::new(connection, stream))
        }
    };
    while let Some(head) = head(&mut *stream)? {
        if !exchange(&mut *stream, &head, shared)? {
            break;
        }
    }
    stream.flush()
}

/// Everything up to the empty line; `None` when the client is done.
fn head(stream: &mut dyn Stream) -> io::Result<Option<String>> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        if stream.read(&mut byte)? == 0 {
            return Ok(None);
        }
        head.push(byte[0]);
        assert!(head.len() < 16 * 1024, "a head without end");
    }
    Ok(Some(String::from_utf8(head).unwrap()))
}

fn header<'h>(head: &'h str, name: &str) -> Option<&'h str> {
    let mut headers = head.lines().skip(1).filter_map(|line| line.split_once(':'));
    headers.find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
}

/// `false` ends the connection.
fn exchange(stream: &mut dyn Stream, head: &str, shared: &Shared) -> io::Result<bool> {
    assert!(head.starts_with("POST /ipp/print HTTP/1.1\r\n"), "{head}");
    assert_eq!(header(head, "content-type"), Some("application/ipp"));
    let length: usize = header(head, "content-length").expect("a length: old printers know no chunks").parse().unwrap();
    if header(head, "expect").is_some() {
        stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
    }
    let wanted = shared.state().behaviour.user_and_password.clone();
    if let Some((user, password)) = wanted {
        let basic = base64::engine::general_purpose::STANDARD.encode(format!("{user}:{password}"));
        if header(head, "authorization") != Some(&format!("Basic {basic}")) {
            return http(stream, 401, "text/html", b"<html>who are you?</html>").map(|()| false);
        }
    }
    // The first eight bytes say what is wanted, and with that what is to go wrong.
    let mut body = vec![0; length.min(8)];
    stream.read_exact(&mut body)?;
    let operation = operation(i16::from_be_bytes([body[2], body[3]]));
    let fault = {
        let mut state = shared.state();
        state.requests.push(operation);
        state.fault(operation)
    };
    match &fault {
        Some(Fault::Unheard) => return Ok(false),
        Some(Fault::RefusedAtOnce(status)) => {
            let bytes = refusal(*status, "enough");
            return http(stream, 200, "application/ipp", &bytes).map(|()| false);
        }
        Some(Fault::CutAt(bytes)) => {
            let whole = read_cut(stream, body, length, *bytes)?;
            answer(&mut shared.state(), whole, true);
            return Ok(false);
        }
        _ => {}
    }
    let before = body.len();
    body.resize(length, 0);
    stream.read_exact(&mut body[before..])?;
    let request = parse(body).expect("a whole request");
    match fault {
        Some(Fault::Garbage(bytes)) => return http(stream, 200, "application/ipp", &bytes).map(|()| true),
        Some(Fault::Endless) => return endless(stream).map(|()| false),
        Some(Fault::Refused(status)) => {
            let bytes = refusal(status, "not today");
            return http(stream, 200, "application/ipp", &bytes).map(|()| true);
        }
        Some(Fault::BrokenOff(status, sheets)) => {
            let mut state = shared.state();
            state.behaviour.fates.insert(0, (FakeState::Canceled, sheets));
            answer(&mut state, request, false);
            let bytes = refusal(status, "broken off");
            return http(stream, 200, "application/ipp", &bytes).map(|()| true);
        }
        _ => {}
    }
    let bytes = answer(&mut shared.state(), request, false);
    match fault {
        Some(Fault::Unanswered) => Ok(false),
        Some(Fault::Http(status)) => http(stream, status, "text/html", b"<html>odd</html>").map(|()| true),
        Some(Fault::Dribble(pause_ms)) => dribble(stream, &bytes, Duration::from_millis(pause_ms)).map(|()| false),
        _ => whole(stream, &bytes, &shared.state().behaviour.clone()).map(|()| true),
    }
}

/// With the headers that it has for answers.
fn whole(stream: &mut dyn Stream, bytes: &[u8], behaviour: &Behaviour) -> io::Result<()> {
    let format = behaviour.answer_type.map(|format| format!("content-type: {format}\r\n")).unwrap_or_default();
    let length = if behaviour.has_length { format!("content-length: {}\r\n", bytes.len()) } else { String::new() };
    let head = format!("HTTP/1.1 200 x\r\n{format}{length}\r\n");
    stream.write_all(&[head.as_bytes(), bytes].concat())?;
    stream.flush()
}

/// Reads on until so many bytes of the document are there.
fn read_cut(stream: &mut dyn Stream, mut body: Vec<u8>, length: usize, bytes: usize) -> io::Result<Request> {
    let mut byte = [0];
    loop {
        // Attributes end in the middle of nowhere: try whether they are whole.
        if let Some(mut request) = parse(body.clone()) {
            let have = request.document.len();
            let more = bytes.saturating_sub(have).min(length - body.len());
            let mut rest = vec![0; more];
            stream.read_exact(&mut rest)?;
            request.document.extend(rest);
            return Ok(request);
        }
        stream.read_exact(&mut byte)?;
        body.push(byte[0]);
    }
}

fn parse(body: Vec<u8>) -> Option<Request> {
    let (header, attributes, reader) = IppParser::new(IppReader::new(io::Cursor::new(body))).parse_parts().ok()?;
    let mut document = Vec::new();
    reader.into_inner().read_to_end(&mut document).unwrap();
    Some(Request { header, attributes, document })
}

fn http(stream: &mut dyn Stream, status: u16, format: &str, body: &[u8]) -> io::Result<()> {
    let head = format!("HTTP/1.1 {status} x\r\ncontent-type: {format}\r\ncontent-length: {}\r\n\r\n", body.len());
    stream.write_all(&[head.as_bytes(), body].concat())?;
    stream.flush()
}

fn endless(stream: &mut dyn Stream) -> io::Result<()> {
    stream.write_all(b"HTTP/1.1 200 x\r\ncontent-type: application/ipp\r\ntransfer-encoding: chunked\r\n\r\n")?;
    let chunk = [b"10000\r\n", &vec![0; 0x10000][..], b"\r\n"].concat();
    loop {
        stream.write_all(&chunk)?;
    }
}

fn dribble(stream: &mut dyn Stream, bytes: &[u8], pause: Duration) -> io::Result<()> {
    let head = format!("HTTP/1.1 200 x\r\ncontent-type: application/ipp\r\ncontent-length: {}\r\n\r\n", bytes.len());
    stream.write_all(head.as_bytes())?;
    for byte in bytes {
        stream.write_all(std::slice::from_ref(byte))?;
        stream.flush()?;
        std::thread::sleep(pause);
    }
    Ok(())
}
