//! One request over HTTP: a connection of its own, and whether anything of the request left by it.
//!
//! Owns: `NotSent` means that not a byte of the request was handed to the connection. Connections are not kept: one
//! that a printer closed meanwhile would make every first request of a day doubtful.

use std::io::{Cursor, Read as _, Write as _};
use std::net::ToSocketAddrs as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rustls::pki_types::ServerName;
use rustls::{AlertDescription, ClientConfig, ClientConnection, PeerIncompatible, StreamOwned};
use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{
    Buffers, ConnectionDetails, Connector, LazyBuffers, NextTimeout, TcpConnector, Transport, TransportAdapter,
};
use ureq::{Agent, SendBody};

use super::error::{IppError, Refusal};
use super::reader;
use crate::model::limits::PRINTER_ANSWER_MAX_BYTES;

const IPP_TYPE: &str = "application/ipp";
const IPP_PORT: u16 = 631;
/// What stands between a local IPv6 address and the name of its network.
const ZONE: &str = "%25";
/// How much of an answer is read at a time.
const PIECE_BYTES: usize = 16 * 1024;

/// Where requests go.
#[derive(Clone)]
pub(super) struct Address {
    /// `http` or `https`, always with its port.
    pub(super) url: String,
    pub(super) tls: Option<Arc<ClientConfig>>,
    /// The whole header for HTTP's basic authentication.
    pub(super) authorization: Option<String>,
    pub(super) connect_within: Duration,
}

/// Without the password.
impl std::fmt::Debug for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Address").field("url", &self.url).finish_non_exhaustive()
    }
}

/// What happened to the bytes of a request.
#[derive(Debug, Default)]
struct Trace {
    /// Some were handed to the connection.
    has_begun: AtomicBool,
    /// The other side stopped taking them. Its answer may be there all the same: why it does not want the rest.
    was_cut: AtomicBool,
}

/// Sends attributes and document, and reads the whole answer.
pub(super) fn exchange(to: &Address, head: Vec<u8>, document: &[u8], within: Duration) -> Result<Vec<u8>, IppError> {
    let trace = Arc::new(Trace::default());
    let config = Config::builder()
        .timeout_connect(Some(to.connect_within))
        .timeout_resolve(Some(to.connect_within))
        .timeout_global(Some(within))
        // Printers stand in the house; what the environment says of proxies is for the web.
        .proxy(None)
        .max_redirects(0)
        .max_idle_connections(0)
        .http_status_as_error(false)
        .user_agent(concat!("hotfolders/", env!("CARGO_PKG_VERSION")))
        .build();
    let connector =
        ().chain(TcpConnector::default()).chain(LineConnector { tls: to.tls.clone(), trace: Arc::clone(&trace) });
    let agent = Agent::with_parts(config, connector, Resolve::default());
    let length = head.len() + document.len();
    let mut body = Cursor::new(head).chain(document);
    let mut request = agent.post(&to.url).header("content-type", IPP_TYPE).header("content-length", length.to_string());
    if let Some((host, zone)) = to.url.split_once(ZONE) {
        // Which of our networks an address is in is not for the printer.
        let host = host.split_once("://").map_or(host, |(_, host)| host);
        let port = zone.split_once(']').map_or("", |(_, rest)| rest.split('/').next().unwrap_or_default());
        request = request.header("host", format!("{host}]{port}"));
    }
    if let Some(authorization) = &to.authorization {
        request = request.header("authorization", authorization);
    }
    let failed = |e: ureq::Error| {
        let has_begun = trace.has_begun.load(Ordering::SeqCst);
        if has_begun { IppError::Lost(lost(&e, within)) } else { IppError::NotSent(not_sent(&e, to)) }
    };
    let mut response = request.send(SendBody::from_reader(&mut body)).map_err(failed)?;
    let status = response.status().as_u16();
    if status != 200 {
        let wants_digest = status == 401 && asks_for_digest(response.headers());
        return Err(match Refusal::http(status) {
            _ if wants_digest => IppError::Refused(Refusal::digest()),
            Some(refusal) => IppError::Refused(refusal),
            None => IppError::Lost(format!("it answers with HTTP {status}, which leaves open what it did")),
        });
    }
    let format = response.headers().get("content-type").and_then(|v| v.to_str().ok()).unwrap_or_default().to_string();
    let is_called_ipp = format.to_ascii_lowercase().starts_with(IPP_TYPE);
    match read_answer(response.body_mut(), is_called_ipp) {
        // Some printers do not say what it is, or call it something else; it says so itself.
        Ok(answer) if !is_called_ipp && !reader::looks_right(&answer) => Err(IppError::Malformed(format!(
            "it answers with `{format}`, not with IPP: is that a printer, and its path right?"
        ))),
        Ok(answer) => Ok(answer),
        Err(ureq::Error::BodyExceedsLimit(_)) => {
            Err(IppError::Malformed(format!("its answer is longer than {PRINTER_ANSWER_MAX_BYTES} bytes")))
        }
        Err(e) => Err(failed(e)),
    }
    .and_then(|answer| {
        // Only a refusal can be meant for a request that was cut short.
        let is_success = answer.get(2) == Some(&0);
        if is_success && trace.was_cut.load(Ordering::SeqCst) {
            return Err(IppError::Lost("it said yes before it had all of the document".into()));
        }
        Ok(answer)
    })
}

/// The only way in that it offers is one that this program does not have.
fn asks_for_digest(headers: &ureq::http::HeaderMap) -> bool {
    let offered: Vec<String> = headers
        .get_all("www-authenticate")
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|part| part.split_whitespace().next().map(str::to_ascii_lowercase))
        .collect();
    offered.iter().any(|scheme| scheme == "digest") && !offered.iter().any(|scheme| scheme == "basic")
}

/// An answer as far as IPP needs it. Its attributes say where they end: some printers do not say how long it is, and
/// leave the connection open.
fn read_answer(body: &mut ureq::Body, is_called_ipp: bool) -> Result<Vec<u8>, ureq::Error> {
    let mut body = body.with_config().limit(PRINTER_ANSWER_MAX_BYTES).reader();
    let (mut answer, mut end, mut piece) = (Vec::new(), reader::End::default(), [0; PIECE_BYTES]);
    loop {
        let count = body.read(&mut piece)?;
        answer.extend(&piece[..count]);
        let is_no_answer = !is_called_ipp && answer.len() > reader::HEADER_BYTES && !reader::looks_right(&answer);
        if count == 0 || is_no_answer || end.is_in(&answer) {
            return Ok(answer);
        }
    }
}

/// Why there is no connection.
fn not_sent(error: &ureq::Error, to: &Address) -> String {
    use std::io::ErrorKind;
    match error {
        ureq::Error::HostNotFound => "there is no machine of that name: look at its `uri`".into(),
        ureq::Error::Timeout(_) => {
            format!(
                "it does not answer within {} s: is it switched on, and in this network?",
                to.connect_within.as_secs()
            )
        }
        ureq::Error::Io(e) => match e.kind() {
            ErrorKind::ConnectionRefused => "nobody listens there: is it switched on, and the port right?".into(),
            ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable => {
                "its network cannot be reached from here".into()
            }
            _ if is_timeout(e) => {
                format!("it does not answer within {} s: is it switched on?", to.connect_within.as_secs())
            }
            _ if let Some(why) = e.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) => no_tls(why),
            _ if to.tls.is_some() => format!("no encrypted connection: {e}; does it speak `ipps` at this port?"),
            _ => format!("no connection: {e}"),
        },
        other => format!("no connection: {other}"),
    }
}

fn no_tls(why: &rustls::Error) -> String {
    let too_old = |what: &str| {
        format!(
            "no encrypted connection: {what} ({why}); look for newer firmware, reach it by `ipp://`, or by a queue of \
             CUPS, which may still speak to it"
        )
    };
    match why {
        rustls::Error::AlertReceived(AlertDescription::ProtocolVersion)
        | rustls::Error::PeerIncompatible(
            PeerIncompatible::ServerDoesNotSupportTls12Or13 | PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig,
        ) => too_old("it speaks TLS 1.0 or 1.1 alone, which are not safe any more"),
        rustls::Error::AlertReceived(AlertDescription::HandshakeFailure | AlertDescription::InsufficientSecurity)
        | rustls::Error::PeerIncompatible(_) => too_old(
            "they have no cipher in common: it needs ECDHE on X25519, P-256 or P-384, with AES-GCM or ChaCha20, and no key \
             on P-521 where `ca_file` is set",
        ),
        rustls::Error::InvalidCertificate(_) => format!(
            "no encrypted connection: {why}; name the file with its certificate as `ca_file`, or take any with \
             `insecure: true`"
        ),
        _ => format!("no encrypted connection: {why}; does it speak `ipps` at this port?"),
    }
}

fn lost(error: &ureq::Error, within: Duration) -> String {
    match error {
        ureq::Error::Timeout(_) => format!("there was no whole answer within {} s", within.as_secs()),
        ureq::Error::Io(e) if is_timeout(e) => format!("there was no whole answer within {} s", within.as_secs()),
        ureq::Error::Io(e) => format!("the connection broke: {e}"),
        other => format!("the connection broke: {other}"),
    }
}

/// Under TLS a time-out of the connection comes wrapped.
fn is_timeout(error: &std::io::Error) -> bool {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<ureq::Error>());
    error.kind() == std::io::ErrorKind::TimedOut || matches!(inner, Some(ureq::Error::Timeout(_)))
}

/// Addresses of one network alone (`[fe80::1%25eth0]`) are for the system to read; it knows its networks by name.
#[derive(Debug, Default)]
struct Resolve {
    others: DefaultResolver,
}

impl Resolver for Resolve {
    fn resolve(&self, uri: &Uri, config: &Config, timeout: NextTimeout) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let host = uri.host().unwrap_or_default().trim_matches(['[', ']']);
        let Some((address, zone)) = host.split_once(ZONE) else { return self.others.resolve(uri, config, timeout) };
        let found = (format!("{address}%{zone}"), uri.port_u16().unwrap_or(IPP_PORT)).to_socket_addrs();
        let mut addresses = self.empty();
        addresses.push(found.ok().and_then(|mut found| found.next()).ok_or(ureq::Error::HostNotFound)?);
        Ok(addresses)
    }
}

/// Makes a `Line` of the plain connection that it is given.
#[derive(Debug)]
struct LineConnector {
    tls: Option<Arc<ClientConfig>>,
    trace: Arc<Trace>,
}

impl<In: Transport> Connector<In> for LineConnector {
    type Out = Line;

    fn connect(&self, details: &ConnectionDetails<'_>, chained: Option<In>) -> Result<Option<Line>, ureq::Error> {
        let Some(plain) = chained else { return Ok(None) };
        let carrier = match &self.tls {
            None => Carrier::Plain(plain.boxed()),
            Some(tls) => Carrier::Tls(Box::new(Tls::open(details, plain.boxed(), Arc::clone(tls))?)),
        };
        Ok(Some(Line { carrier, trace: Arc::clone(&self.trace) }))
    }
}

/// A connection that remembers whether it was used.
#[derive(Debug)]
struct Line {
    carrier: Carrier,
    trace: Arc<Trace>,
}

#[derive(Debug)]
enum Carrier {
    Plain(Box<dyn Transport>),
    Tls(Box<Tls>),
}

impl Carrier {
    fn get(&mut self) -> &mut dyn Transport {
        match self {
            Carrier::Plain(plain) => plain,
            Carrier::Tls(tls) => tls.as_mut(),
        }
    }
}

impl Transport for Line {
    fn buffers(&mut self) -> &mut dyn Buffers {
        self.carrier.get().buffers()
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), ureq::Error> {
        self.trace.has_begun.store(true, Ordering::SeqCst);
        if self.trace.was_cut.load(Ordering::SeqCst) {
            return Ok(());
        }
        match self.carrier.get().transmit_output(amount, timeout) {
            Err(ureq::Error::Io(e)) if is_hang_up(&e) => {
                self.trace.was_cut.store(true, Ordering::SeqCst);
                Ok(())
            }
            other => other,
        }
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, ureq::Error> {
        self.carrier.get().await_input(timeout)
    }

    fn is_open(&mut self) -> bool {
        self.carrier.get().is_open()
    }

    fn is_tls(&self) -> bool {
        matches!(self.carrier, Carrier::Tls(_))
    }
}

fn is_hang_up(error: &std::io::Error) -> bool {
    use std::io::ErrorKind;
    matches!(error.kind(), ErrorKind::BrokenPipe | ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted)
}

/// TLS over a plain connection. `ureq` has one of its own, whose rules for certificates cannot be changed.
struct Tls {
    stream: StreamOwned<ClientConnection, TransportAdapter>,
    buffers: LazyBuffers,
}

impl Tls {
    fn open(
        details: &ConnectionDetails<'_>,
        plain: Box<dyn Transport>,
        config: Arc<ClientConfig>,
    ) -> Result<Tls, ureq::Error> {
        let host = details.uri.host().unwrap_or_default().trim_matches(['[', ']']);
        let host = host.split_once(ZONE).map_or(host, |(address, _)| address);
        let name =
            ServerName::try_from(host.to_string()).map_err(|_| ureq::Error::Tls("that is no name of a machine"))?;
        let mut conn = ClientConnection::new(config, name).map_err(ureq::Error::Rustls)?;
        let mut sock = TransportAdapter::new(plain, Arc::clone(&details.current_time));
        sock.set_timeout(details.timeout);
        conn.complete_io(&mut sock)?;
        let (input, output) = (details.config.input_buffer_size(), details.config.output_buffer_size());
        Ok(Tls { stream: StreamOwned::new(conn, sock), buffers: LazyBuffers::new(input, output) })
    }
}

impl Transport for Tls {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), ureq::Error> {
        self.stream.get_mut().set_timeout(timeout);
        self.stream.write_all(&self.buffers.output()[..amount])?;
        Ok(())
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, ureq::Error> {
        self.stream.get_mut().set_timeout(timeout);
        let amount = self.stream.read(self.buffers.input_append_buf())?;
        self.buffers.input_appended(amount);
        Ok(amount > 0)
    }

    fn is_open(&mut self) -> bool {
        self.stream.get_mut().get_mut().is_open()
    }

    fn is_tls(&self) -> bool {
        true
    }
}

impl std::fmt::Debug for Tls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tls").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_encryption_is_named_and_no_certificate_is_blamed_for_it() {
        for old in [
            rustls::Error::AlertReceived(AlertDescription::ProtocolVersion),
            rustls::Error::AlertReceived(AlertDescription::HandshakeFailure),
            PeerIncompatible::ServerDoesNotSupportTls12Or13.into(),
            PeerIncompatible::NoCipherSuitesInCommon.into(),
        ] {
            let said = no_tls(&old);
            assert!(said.contains("`ipp://`") && !said.contains("insecure"), "{said}");
        }
        let unknown = no_tls(&rustls::CertificateError::UnknownIssuer.into());
        assert!(unknown.contains("`ca_file`") && unknown.contains("`insecure: true`"), "{unknown}");
    }

    #[test]
    fn digest_is_only_asked_for_where_nothing_else_is_offered() {
        let asks = |offered: &[&'static str]| {
            let values = offered.iter().map(|text| ("www-authenticate".parse().unwrap(), text.parse().unwrap()));
            asks_for_digest(&values.collect())
        };
        assert!(asks(&["Digest realm=\"x\", nonce=\"y\", qop=\"auth\""]));
        assert!(!asks(&["Digest realm=\"x\", nonce=\"y\", Basic realm=\"x\""]));
        assert!(!asks(&["Digest realm=\"x\"", "Basic realm=\"x\""]) && !asks(&["Basic realm=\"x\""]) && !asks(&[]));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn an_address_of_one_network_is_looked_up_with_it() {
        let config = Config::builder().build();
        let never = NextTimeout {
            after: ureq::unversioned::transport::time::Duration::NotHappening,
            reason: ureq::Timeout::Resolve,
            per_read: None,
            per_write: None,
        };
        let found = |uri: &str| Resolve::default().resolve(&uri.parse().unwrap(), &config, never);
        assert_eq!(found("http://[::1%251]:8631/x").unwrap()[0].port(), 8631);
        assert!(matches!(found("http://[fe80::1%25no-such-network]:8631/x"), Err(ureq::Error::HostNotFound)));
    }
}
