//! A webhook in a thread: it keeps what is posted.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use serde_json::Value;

use super::smtp::certificate;

#[derive(Debug, Default)]
struct Shared {
    posted: Mutex<Vec<Value>>,
    /// What it answers; 200 where there is nothing.
    answer: Mutex<Option<u16>>,
    stop: AtomicBool,
}

#[derive(Debug)]
pub struct Hook {
    pub port: u16,
    shared: Arc<Shared>,
    thread: Option<std::thread::JoinHandle<()>>,
    /// The authority that signed its certificate, in PEM form; none where it speaks without TLS.
    pub ca: Option<String>,
}

impl Hook {
    pub fn start() -> Hook {
        Hook::start_with(None)
    }

    pub fn over_tls() -> Hook {
        Hook::start_with(Some(certificate()))
    }

    fn start_with(certified: Option<(String, Arc<rustls::ServerConfig>)>) -> Hook {
        let (ca, tls) = certified.unzip();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let shared = Arc::new(Shared::default());
        let thread = std::thread::spawn({
            let shared = Arc::clone(&shared);
            move || {
                for stream in listener.incoming() {
                    if shared.stop.load(Ordering::SeqCst) {
                        return;
                    }
                    // Who does not trust us hangs up.
                    let _ = match &tls {
                        None => answer(stream.unwrap(), &shared),
                        Some(tls) => {
                            let connection = rustls::ServerConnection::new(Arc::clone(tls)).unwrap();
                            answer(rustls::StreamOwned::new(connection, stream.unwrap()), &shared)
                        }
                    };
                }
            }
        });
        Hook { port, shared, thread: Some(thread), ca }
    }

    pub fn url(&self) -> String {
        let scheme = if self.ca.is_some() { "https" } else { "http" };
        format!("{scheme}://127.0.0.1:{}/T0/hook-secret", self.port)
    }

    pub fn answers(&self, status: Option<u16>) {
        *self.shared.answer.lock().unwrap() = status;
    }

    /// What was posted and taken.
    pub fn posted(&self) -> Vec<Value> {
        self.shared.posted.lock().unwrap().clone()
    }

    /// Its events and kinds, in order.
    pub fn told(&self) -> Vec<String> {
        let word = |value: &Value| value.as_str().unwrap().to_string();
        self.posted().iter().map(|alert| format!("{} {}", word(&alert["event"]), word(&alert["kind"]))).collect()
    }
}

impl Drop for Hook {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(("127.0.0.1", self.port));
        let _ = self.thread.take().unwrap().join();
    }
}

fn answer(stream: impl Read + Write, shared: &Shared) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    let (mut bytes, mut is_post, mut is_json) = (0, false, false);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let line = line.trim_end().to_lowercase();
        is_post |= line.starts_with("post /t0/hook-secret http/1.1");
        is_json |= line.starts_with("content-type: application/json");
        if let Some(length) = line.strip_prefix("content-length: ") {
            bytes = length.parse().unwrap();
        }
        if line.is_empty() {
            break;
        }
    }
    let mut body = vec![0; bytes];
    reader.read_exact(&mut body)?;
    let status = shared.answer.lock().unwrap().unwrap_or(200);
    if is_post && status == 200 {
        assert!(is_json);
        shared.posted.lock().unwrap().push(serde_json::from_slice(&body).unwrap());
    }
    write!(reader.get_mut(), "HTTP/1.1 {status} x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")?;
    reader.get_mut().flush()
}
