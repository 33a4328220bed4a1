//! A mail server in a thread: it takes mails, or does what mail servers do instead.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

/// A mail as it came over the wire, dots unstuffed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    pub from: String,
    pub to: Vec<String>,
    pub data: String,
    /// The connection was secure, and who had logged in.
    pub tls: bool,
    pub user: Option<String>,
}

impl Received {
    pub fn parsed(&self) -> mail_parser::Message<'_> {
        mail_parser::MessageParser::default().parse(self.data.as_bytes()).unwrap()
    }

    pub fn id(&self) -> String {
        self.parsed().message_id().unwrap().to_string()
    }

    pub fn subject(&self) -> String {
        self.parsed().subject().unwrap().to_string()
    }

    pub fn text(&self) -> String {
        self.parsed().body_text(0).unwrap().replace("\r\n", "\n")
    }

    pub fn html(&self) -> String {
        self.parsed().body_html(0).unwrap().into_owned()
    }
}

/// What it does when something is said to it.
#[derive(Debug, Clone, Default)]
pub struct Mood {
    /// Replies instead of the usual ones, by what they answer: `greeting`, a command such as `MAIL`, `RCPT address`, `body`.
    pub replies: HashMap<String, String>,
    /// The connection ends there, without a reply.
    pub hangs_up_at: Option<String>,
    /// There it waits until it is in another mood.
    pub stalls_at: Option<String>,
    /// Recipients are told to come again so many times.
    pub greylists: usize,
    /// User and password that it wants.
    pub login: Option<(String, String)>,
    /// Before each reply.
    pub delay: Duration,
    /// Before each byte of a reply.
    pub drips: Duration,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tls {
    None,
    AfterGreeting,
    AtOnce,
}

#[derive(Debug, Default)]
struct Shared {
    received: Mutex<Vec<Received>>,
    /// Everything that was said to it.
    said: Mutex<Vec<String>>,
    mood: Mutex<Mood>,
    connections: Mutex<usize>,
    stalled: AtomicBool,
    stop: AtomicBool,
}

/// It ends when it is dropped; its address is then free for another.
#[derive(Debug)]
pub struct MailServer {
    pub port: u16,
    shared: Arc<Shared>,
    thread: Option<std::thread::JoinHandle<()>>,
    /// The authority that signed its certificate, in PEM form.
    pub ca: String,
}

impl MailServer {
    pub fn start() -> MailServer {
        MailServer::start_at(0, Tls::None)
    }

    pub fn start_at(port: u16, tls: Tls) -> MailServer {
        MailServer::start_with(port, tls, (tls != Tls::None).then(certificate))
    }

    /// With a certificate, and the one that is trusted for it in PEM form.
    pub fn start_with(port: u16, tls: Tls, certified: Option<(String, Arc<rustls::ServerConfig>)>) -> MailServer {
        let listener = TcpListener::bind(("127.0.0.1", port)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let shared = Arc::new(Shared::default());
        let (ca, config) = certified.map_or((String::new(), None), |(ca, config)| (ca, Some(config)));
        let thread = std::thread::spawn({
            let shared = Arc::clone(&shared);
            move || {
                for stream in listener.incoming() {
                    if shared.stop.load(Ordering::SeqCst) {
                        return;
                    }
                    let (shared, config) = (Arc::clone(&shared), config.clone());
                    // What a client breaks off is its own matter.
                    std::thread::spawn(move || serve(stream.unwrap(), &shared, tls, config.as_ref()));
                }
            }
        });
        MailServer { port, shared, thread: Some(thread), ca }
    }

    pub fn url(&self) -> String {
        format!("smtp://127.0.0.1:{}", self.port)
    }

    pub fn mood(&self) -> MutexGuard<'_, Mood> {
        self.shared.mood.lock().unwrap()
    }

    pub fn received(&self) -> Vec<Received> {
        self.shared.received.lock().unwrap().clone()
    }

    pub fn said(&self) -> Vec<String> {
        self.shared.said.lock().unwrap().clone()
    }

    /// Whether it has come to where it stalls.
    pub fn has_stalled(&self) -> bool {
        self.shared.stalled.load(Ordering::SeqCst)
    }

    pub fn connections(&self) -> usize {
        *self.shared.connections.lock().unwrap()
    }
}

impl Drop for MailServer {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(("127.0.0.1", self.port));
        let _ = self.thread.take().unwrap().join();
    }
}

/// An authority of its own, and what a server at `localhost` needs to be believed by those who trust it.
pub fn certificate() -> (String, Arc<rustls::ServerConfig>) {
    let key = rcgen::KeyPair::generate().unwrap();
    let mut params = rcgen::CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let ca = rcgen::CertifiedIssuer::self_signed(params, key).unwrap();
    let own_key = rcgen::KeyPair::generate().unwrap();
    let names = vec!["localhost".to_string(), "127.0.0.1".to_string()];
    let own = rcgen::CertificateParams::new(names).unwrap().signed_by(&own_key, &ca).unwrap();
    (ca.pem(), shows(&own, &own_key))
}

/// One that small servers make for themselves: its own authority, and for another name where they have moved.
pub fn own_certificate(name: &str) -> (String, Arc<rustls::ServerConfig>) {
    let key = rcgen::KeyPair::generate().unwrap();
    let mut params = rcgen::CertificateParams::new(vec![name.to_string()]).unwrap();
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let own = params.self_signed(&key).unwrap();
    (own.pem(), shows(&own, &key))
}

fn shows(own: &rcgen::Certificate, own_key: &rcgen::KeyPair) -> Arc<rustls::ServerConfig> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![own.der().clone()],
            rustls::pki_types::PrivateKeyDer::try_from(own_key.serialize_der()).unwrap(),
        )
        .unwrap();
    Arc::new(config)
}

trait Stream: Read + Write {}
impl<T: Read + Write> Stream for T {}

/// Ends the conversation: the other side is gone, or it is to be hung up on.
struct End;

impl From<std::io::Error> for End {
    fn from(_: std::io::Error) -> End {
        End
    }
}

struct Talk<'a> {
    stream: Box<dyn Stream>,
    shared: &'a Shared,
}

impl Talk<'_> {
    fn reply(&mut self, to: &str, usual: &str) -> Result<bool, End> {
        let mood = self.shared.mood.lock().unwrap().clone();
        if mood.hangs_up_at.as_deref() == Some(to) {
            return Err(End);
        }
        while self.shared.mood.lock().unwrap().stalls_at.as_deref() == Some(to) {
            self.shared.stalled.store(true, Ordering::SeqCst);
            std::thread::sleep(Duration::from_millis(5));
        }
        std::thread::sleep(mood.delay);
        let reply = mood.replies.get(to).map_or(usual, String::as_str);
        let bytes = format!("{reply}\r\n").into_bytes();
        if mood.drips == Duration::ZERO {
            self.stream.write_all(&bytes)?;
        }
        for byte in bytes.iter().filter(|_| mood.drips > Duration::ZERO) {
            std::thread::sleep(mood.drips);
            self.stream.write_all(&[*byte])?;
        }
        self.stream.flush()?;
        Ok(reply.starts_with(['2', '3']))
    }

    fn line(&mut self) -> Result<String, End> {
        let mut line = Vec::new();
        let mut byte = [0];
        while !line.ends_with(b"\r\n") {
            if self.stream.read(&mut byte)? == 0 {
                return Err(End);
            }
            line.push(byte[0]);
        }
        let line = String::from_utf8(line).unwrap().trim_end_matches("\r\n").to_string();
        self.shared.said.lock().unwrap().push(line.clone());
        Ok(line)
    }

    fn body(&mut self) -> Result<String, End> {
        let mut data = String::new();
        loop {
            let line = self.line()?;
            match line.strip_prefix('.') {
                Some("") => return Ok(data),
                Some(rest) => data += rest,
                None => data += &line,
            }
            data += "\r\n";
        }
    }
}

fn serve(stream: TcpStream, shared: &Shared, tls: Tls, config: Option<&Arc<rustls::ServerConfig>>) {
    *shared.connections.lock().unwrap() += 1;
    stream.set_read_timeout(Some(Duration::from_mins(1))).unwrap();
    let secure = |stream: TcpStream| -> Box<dyn Stream> {
        let connection = rustls::ServerConnection::new(Arc::clone(config.unwrap())).unwrap();
        Box::new(rustls::StreamOwned::new(connection, stream))
    };
    let plain = stream.try_clone().unwrap();
    let mut talk = if tls == Tls::AtOnce {
        Talk { stream: secure(stream), shared }
    } else {
        Talk { stream: Box::new(stream), shared }
    };
    let _ = converse(&mut talk, tls, || secure(plain.try_clone().unwrap()));
    let _ = plain.shutdown(std::net::Shutdown::Both);
}

fn converse(talk: &mut Talk<'_>, tls: Tls, secure: impl Fn() -> Box<dyn Stream>) -> Result<(), End> {
    let mut is_secure = tls == Tls::AtOnce;
    let (mut from, mut to, mut user) = (String::new(), Vec::new(), None);
    if !talk.reply("greeting", "220 test ready")? {
        return Ok(());
    }
    loop {
        let line = talk.line()?;
        let word = line.split([' ', ':']).next().unwrap().to_uppercase();
        let path = |line: &str| line.split_once('<').unwrap().1.split_once('>').unwrap().0.to_string();
        let wants_login = talk.shared.mood.lock().unwrap().login.clone();
        match word.as_str() {
            "EHLO" => {
                let mut features = vec!["250-test"];
                if tls == Tls::AfterGreeting && !is_secure {
                    features.push("250-STARTTLS");
                } else if wants_login.is_some() {
                    features.push("250-AUTH PLAIN LOGIN");
                }
                features.push("250 8BITMIME");
                talk.reply("EHLO", &features.join("\r\n"))?;
            }
            "STARTTLS" => {
                talk.reply("STARTTLS", "220 go on")?;
                talk.stream = secure();
                is_secure = true;
            }
            "AUTH" => {
                let (name, password) = wants_login.unwrap();
                let expected = base64(format!("\0{name}\0{password}").as_bytes());
                if line == format!("AUTH PLAIN {expected}") {
                    user = Some(name);
                    talk.reply("AUTH", "235 welcome")?;
                } else {
                    talk.reply("AUTH", &format!("535 5.7.8 not with {line}"))?;
                }
            }
            "MAIL" if wants_login.is_some() && user.is_none() => {
                talk.reply("MAIL", "530 5.7.0 log in first")?;
            }
            "MAIL" => {
                (from, to) = (path(&line), Vec::new());
                talk.reply("MAIL", "250 fine")?;
            }
            "RCPT" => {
                let address = path(&line);
                let greylisted = {
                    let mut mood = talk.shared.mood.lock().unwrap();
                    let greylists = mood.greylists > 0;
                    mood.greylists = mood.greylists.saturating_sub(1);
                    greylists
                };
                let usual = if greylisted { "451 4.7.1 come again" } else { "250 fine" };
                if talk.reply(&format!("RCPT {address}"), usual)? && !greylisted {
                    to.push(address);
                }
            }
            "DATA" => {
                if talk.reply("DATA", "354 go on")? {
                    let data = talk.body()?;
                    let mail =
                        Received { from: from.clone(), to: to.clone(), data, tls: is_secure, user: user.clone() };
                    let refuses =
                        talk.shared.mood.lock().unwrap().replies.get("body").is_some_and(|r| !r.starts_with('2'));
                    if !refuses {
                        talk.shared.received.lock().unwrap().push(mail);
                    }
                    talk.reply("body", "250 taken")?;
                }
            }
            "QUIT" => {
                talk.reply("QUIT", "221 bye")?;
                return Ok(());
            }
            _ => {
                talk.reply(&word, "500 what?")?;
            }
        }
    }
}

pub fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for chunk in bytes.chunks(3) {
        let word = chunk.iter().fold(0_u32, |word, b| word << 8 | u32::from(*b)) << (8 * (3 - chunk.len()));
        for at in 0..4 {
            let letter = LETTERS[(word >> (18 - 6 * at) & 63) as usize] as char;
            out.push(if at <= chunk.len() { letter } else { '=' });
        }
    }
    out
}
