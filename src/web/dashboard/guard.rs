//! Who may come in, and from where.
//!
//! Owns: nothing behind it sees a request that another site made a browser send, that came under a name that is not ours,
//! or that its sender may not make. The order matters: host, method, origin, session, role.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Instant;

use axum::body::Body;
use axum::extract::{ConnectInfo, State};
use axum::http::header::{AUTHORIZATION, HOST, HeaderName, LOCATION, ORIGIN, REFERER, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, Method, Request, StatusCode, Uri, Version};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

use super::Dashboard;
use super::login::{BASIC, BY_FORM, Refused};
use super::sessions::Visitor;
use crate::model::config::{Config, UserRole};
use crate::web::cookies;
use crate::web::page::Trouble;
use crate::web::peer;

/// Whoever comes may see these.
fn is_open(path: &str) -> bool {
    matches!(path, "/login" | "/healthz" | "/favicon.ico") || is_asset(path)
}

/// Styles, scripts and pictures of the pages themselves.
fn is_asset(path: &str) -> bool {
    path.starts_with("/assets/")
}

const WITHOUT_USERS: &str = "This dashboard has no users: it is for browsers on this computer alone, and the request came \
    through a web server or under another name. Make a password with `hotfolders hash-password`, name who may log in as \
    `server.users` in the config and the name of this address as `server.hosts`, then open the page again.";

/// Programs that cannot keep a cookie may say name and password with each request here.
fn takes_basic(path: &str) -> bool {
    path == "/metrics" || path.starts_with("/api/")
}

pub(super) async fn guard(
    State(dashboard): State<Arc<Dashboard>>,
    ConnectInfo(from): ConnectInfo<SocketAddr>,
    mut request: Request<Body>,
    next: Next,
) -> Result<Response, Trouble> {
    // They are the same for everybody, and the page that refuses somebody is made of them too.
    if is_asset(request.uri().path()) && matches!(*request.method(), Method::GET | Method::HEAD) {
        return Ok(next.run(request).await);
    }
    let config = dashboard.site.config();
    if config.server.users.is_empty() && is_handed_on(&request) {
        return Err(Trouble::new(StatusCode::FORBIDDEN, WITHOUT_USERS));
    }
    let host = host_of(&request)
        .ok_or_else(|| Trouble::new(StatusCode::BAD_REQUEST, "The request does not say which host it is for."))?;
    if !is_ours(&host, &config) {
        let text = if config.server.users.is_empty() {
            WITHOUT_USERS.to_string()
        } else {
            format!(
                "This server is not known as `{}`. If it should be, add the name to `server.hosts` in the config.",
                host.name
            )
        };
        return Err(Trouble::new(StatusCode::MISDIRECTED_REQUEST, text));
    }
    let changes = match *request.method() {
        Method::GET | Method::HEAD => false,
        Method::POST => true,
        _ => return Ok(StatusCode::METHOD_NOT_ALLOWED.into_response()),
    };
    if changes && !is_from_our_pages(request.headers(), &host) {
        let text = "The request did not come from a page of this dashboard. Open the dashboard anew and try again.";
        return Err(Trouble::new(StatusCode::FORBIDDEN, text));
    }
    let path = request.uri().path().to_string();
    let visitor = if config.server.users.is_empty() {
        // The config lets this be on a loopback address alone.
        Some(Visitor { name: None, role: UserRole::Operator })
    } else {
        match token(request.headers(), &config) {
            Some(token) => dashboard.sessions.visitor(token, &config, Instant::now()),
            None if takes_basic(&path) => {
                let source = peer::source(from, request.headers(), &config.server.trusted_proxies);
                match basic(&dashboard, &config, source, request.headers()).await {
                    Ok(visitor) => visitor,
                    Err(refused) => return Ok(refused.answer()),
                }
            }
            None => None,
        }
    };
    request.extensions_mut().insert(host);
    if is_open(&path) {
        request.extensions_mut().insert(visitor);
        return Ok(next.run(request).await);
    }
    let Some(visitor) = visitor else { return Ok(to_login(request.uri(), request.method())) };
    if changes && path != "/logout" && !visitor.acts() {
        let text = "You are a viewer: you see everything, and an operator acts.";
        return Err(Trouble::new(StatusCode::FORBIDDEN, text));
    }
    request.extensions_mut().insert(visitor);
    Ok(next.run(request).await)
}

/// What has passed a web server. Without users whoever sends a request runs the studio, and through a web server on this
/// machine everybody seems to sit at it. One that says nothing of itself is known by HTTP/1.0, which no browser speaks, or
/// because our own pages have another name in the browser.
fn is_handed_on<B>(request: &Request<B>) -> bool {
    let headers = request.headers();
    let is_elsewhere = |name: HeaderName| {
        let written = headers.get(name).and_then(|value| value.to_str().ok()).and_then(|text| text.split_once("://"));
        let host = written.map(|(_, rest)| rest.split('/').next().unwrap_or_default());
        host.is_some_and(|host| !Host::parse(host).is_some_and(|host| host.is_loopback()))
    };
    let is_from_our_page = headers.get("sec-fetch-site").is_some_and(|site| site == "same-origin");
    peer::is_handed_on(headers)
        || request.version() < Version::HTTP_11
        || (is_from_our_page && (is_elsewhere(ORIGIN) || is_elsewhere(REFERER)))
}

/// A page is asked for after the login once more; programs are told.
fn to_login(uri: &Uri, method: &Method) -> Response {
    let path = uri.path();
    if takes_basic(path) || path == "/events" || *method == Method::POST {
        let mut response = Trouble::new(StatusCode::UNAUTHORIZED, "Log in first.").into_response();
        response.headers_mut().insert(WWW_AUTHENTICATE, if takes_basic(path) { BASIC } else { BY_FORM });
        return response;
    }
    let wanted = uri.path_and_query().map_or("/", |wanted| wanted.as_str());
    let target = if wanted == "/" { "/login".to_string() } else { format!("/login?next={}", super::encoded(wanted)) };
    (StatusCode::SEE_OTHER, [(LOCATION, target)]).into_response()
}

/// A `Host` header: the name without its port, and both as they were written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Host {
    /// In small letters, without brackets.
    pub(super) name: String,
    pub(super) written: String,
}

impl Host {
    fn parse(written: &str) -> Option<Host> {
        let bracketed = written.strip_prefix('[').and_then(|rest| rest.split_once(']'));
        let (name, port) = match bracketed {
            Some((name, port)) => (name, port),
            None => written.split_at(written.find(':').unwrap_or(written.len())),
        };
        let port_is_fine = port.is_empty() || port.strip_prefix(':').is_some_and(|port| port.parse::<u16>().is_ok());
        let name_is_fine = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "-._:".contains(c));
        (port_is_fine && name_is_fine)
            .then(|| Host { name: name.to_ascii_lowercase(), written: written.to_ascii_lowercase() })
    }

    pub(super) fn is_loopback(&self) -> bool {
        let name = self.name.strip_suffix('.').unwrap_or(&self.name);
        name == "localhost"
            || name.ends_with(".localhost")
            || name.parse::<IpAddr>().is_ok_and(|address| address.to_canonical().is_loopback())
    }
}

/// One header, once; a whole address in the request line says the same.
pub(super) fn host_of<B>(request: &Request<B>) -> Option<Host> {
    let mut hosts = request.headers().get_all(HOST).iter();
    let (first, second) = (hosts.next(), hosts.next());
    if second.is_some() {
        return None;
    }
    let host = Host::parse(first?.to_str().ok()?)?;
    let named = request.uri().authority().map(|authority| authority.as_str().to_ascii_lowercase());
    named.is_none_or(|named| named == host.written).then_some(host)
}

/// A page of another site can make a browser call its own name with our address behind it; so only names that are ours
/// are answered. An address cannot be made to mean another one.
fn is_ours(host: &Host, config: &Config) -> bool {
    if host.is_loopback() || config.server.hosts.iter().any(|known| known.eq_ignore_ascii_case(&host.name)) {
        return true;
    }
    let Ok(address) = host.name.parse::<IpAddr>() else { return false };
    config.server.listen.is_some_and(|listen| listen.ip().is_unspecified() || listen.ip() == address.to_canonical())
}

/// Browsers of today say where a request comes from; older ones, and programs, say their origin.
fn is_from_our_pages(headers: &HeaderMap, host: &Host) -> bool {
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or_default());
    if let Some(site) = text("sec-fetch-site") {
        return site == "same-origin";
    }
    let origin = text(ORIGIN.as_str()).and_then(|origin| {
        origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://")).map(str::to_ascii_lowercase)
    });
    origin.is_some_and(|origin| origin == host.written)
}

/// Two dashboards on one machine share its cookies: each has a name of its own.
pub(super) fn cookie_name(config: &Config) -> String {
    format!("hotfolders-{}", config.server.listen.map_or(0, |address| address.port()))
}

pub(super) fn token<'h>(headers: &'h HeaderMap, config: &Config) -> Option<&'h str> {
    cookies::sent(headers, &cookie_name(config)).next()
}

async fn basic(
    dashboard: &Dashboard,
    config: &Config,
    from: IpAddr,
    headers: &HeaderMap,
) -> Result<Option<Visitor>, Refused> {
    let Some(given) = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()) else { return Ok(None) };
    let given = given.strip_prefix("Basic ").and_then(unbase64).and_then(|text| String::from_utf8(text).ok());
    let Some((name, password)) = given.as_deref().and_then(|text| text.split_once(':')) else { return Ok(None) };
    let user = dashboard.log_in(config, from, headers, name, password).await?;
    Ok(Some(Visitor { name: Some(user.name), role: user.role }))
}

fn unbase64(text: &str) -> Option<Vec<u8>> {
    let (mut bytes, mut bits, mut count) = (Vec::new(), 0_u32, 0);
    for c in text.trim_end_matches('=').bytes() {
        let value = match c {
            b'A'..=b'Z' => c - b'A',
            b'a'..=b'z' => c - b'a' + 26,
            b'0'..=b'9' => c - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        bits = (bits << 6) | u32::from(value);
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count) as u8);
            bits &= (1 << count) - 1;
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_read_strictly() {
        for (written, name, loopback) in [
            ("localhost:8642", "localhost", true),
            ("LOCALHOST.", "localhost.", true),
            ("127.0.0.1", "127.0.0.1", true),
            ("127.1.2.3:80", "127.1.2.3", true),
            ("[::1]:8642", "::1", true),
            ("10.0.0.5:8642", "10.0.0.5", false),
            ("localhost.evil.example", "localhost.evil.example", false),
        ] {
            let host = Host::parse(written).unwrap();
            assert_eq!((host.name.as_str(), host.is_loopback()), (name, loopback), "{written}");
        }
        for wrong in ["", ":80", "a b", "a:b", "a@b", "a/b", "[::1", "a:80:80", "a\u{e9}"] {
            assert_eq!(Host::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn what_a_web_server_hands_on_is_known() {
        let request = |headers: &[(&str, &str)]| {
            headers
                .iter()
                .fold(Request::builder().uri("/"), |all, (name, value)| all.header(*name, *value))
                .body(())
                .unwrap()
        };
        for own in [
            &[][..],
            &[("origin", "http://127.0.0.1:8642")],
            &[("referer", "http://localhost:8642/jobs/1"), ("user-agent", "curl")],
            &[("origin", "null")],
            &[("referer", "http://nas.local/mail"), ("sec-fetch-site", "cross-site")],
        ] {
            assert!(!is_handed_on(&request(own)), "{own:?}");
        }
        let ours = ("sec-fetch-site", "same-origin");
        for handed_on in [
            ("x-forwarded-for", "127.0.0.1"),
            ("forwarded", ""),
            ("via", "1.1 proxy"),
            ("x-real-ip", "127.0.0.1"),
            ("origin", "https://studio.example"),
            ("referer", "https://studio.example/"),
        ] {
            assert!(is_handed_on(&request(&[handed_on, ours])), "{handed_on:?}");
        }
        let mut old = request(&[]);
        *old.version_mut() = Version::HTTP_10;
        assert!(is_handed_on(&old));
    }

    #[test]
    fn base64_is_read() {
        assert_eq!(unbase64("YW5uYTpzZWNyZXQ=").unwrap(), b"anna:secret");
        assert_eq!(unbase64("YW5uYTpzZWNyZXQ").unwrap(), b"anna:secret");
        assert_eq!(unbase64("YW5 uYQ"), None);
    }
}
