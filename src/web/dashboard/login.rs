//! Logging in and out.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use askama::Template;
use axum::Extension;
use axum::extract::{ConnectInfo, Form, Query, State};
use axum::http::header::{COOKIE, HeaderValue, LOCATION, RETRY_AFTER, SET_COOKIE, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;

use super::browsers::{self, KNOWN_FOR};
use super::guard::{Host, cookie_name, token};
use super::sessions::Visitor;
use super::{Dashboard, blocking, encoded};
use crate::clock;
use crate::model::config::{Config, User};
use crate::web::key::Key;
use crate::web::page::{self, Trouble};
use crate::web::peer;

/// Why somebody was not let in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Refused {
    Wrong,
    /// Too many wrong ones before: so long to wait.
    Throttled(Duration),
    Busy,
}

/// A browser that is asked for name and password in a window of its own would never see our page: it does not know this
/// way of logging in, and shows what is answered.
pub(super) const BY_FORM: HeaderValue = HeaderValue::from_static("Cookie realm=\"dashboard\", form-action=\"/login\"");
/// For programs.
pub(super) const BASIC: HeaderValue = HeaderValue::from_static("Basic realm=\"dashboard\", charset=\"UTF-8\"");
/// A password takes some tens of milliseconds, and few wait.
const BUSY_FOR_S: u64 = 2;

impl Refused {
    fn status(&self) -> StatusCode {
        match self {
            Refused::Wrong => StatusCode::UNAUTHORIZED,
            Refused::Throttled(_) => StatusCode::TOO_MANY_REQUESTS,
            Refused::Busy => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// What is answered instead: `page`, with what the refusal says to programs.
    fn with(&self, mut page: Response, how: HeaderValue) -> Response {
        *page.status_mut() = self.status();
        match self {
            Refused::Wrong => page.headers_mut().insert(WWW_AUTHENTICATE, how),
            Refused::Throttled(wait) => page.headers_mut().insert(RETRY_AFTER, HeaderValue::from(wait.as_secs() + 1)),
            Refused::Busy => page.headers_mut().insert(RETRY_AFTER, HeaderValue::from(BUSY_FOR_S)),
        };
        page
    }

    pub(super) fn answer(&self) -> Response {
        self.with(Trouble::new(self.status(), self.text()).into_response(), BASIC)
    }

    fn text(&self) -> String {
        match self {
            Refused::Wrong => "Name and password do not belong together.".to_string(),
            Refused::Throttled(wait) => {
                let seconds = wait.as_secs() + 1;
                let shown =
                    if seconds < 120 { format!("{seconds} seconds") } else { format!("{} minutes", seconds / 60) };
                format!("Too many tries. Wait {shown}, then try again.")
            }
            Refused::Busy => "The server is busy; try again in a moment.".to_string(),
        }
    }
}

impl Dashboard {
    /// The user whose name and password these are.
    pub(super) async fn log_in(
        &self,
        config: &Config,
        from: IpAddr,
        headers: &HeaderMap,
        name: &str,
        password: &str,
    ) -> Result<User, Refused> {
        let users = &config.server.users;
        let user = users.iter().find(|user| user.name == name);
        let browser = match user {
            Some(user) => self.known_browser(config, user, headers).await,
            None => None,
        };
        let begun = self.throttle.begin(from, name, browser.as_deref(), Instant::now());
        let login = begun.map_err(Refused::Throttled)?;
        // A name that nobody has takes as long as one that somebody has.
        let compared = user.or(users.first()).ok_or(Refused::Wrong)?;
        let Some(right) = self.verifier.verify(password, compared.password.as_str()).await else {
            self.throttle.was_not_looked_at(&login, Instant::now());
            return Err(Refused::Busy);
        };
        match user {
            Some(user) if right => {
                self.throttle.was_right(&login, Instant::now());
                Ok(user.clone())
            }
            _ => {
                // The name may be a password that was typed into the wrong field.
                tracing::warn!("dashboard: a login from {from} was refused");
                Err(Refused::Wrong)
            }
        }
    }

    /// The browser that this comes from, if somebody was logged in with it under this name before.
    async fn known_browser(&self, config: &Config, user: &User, headers: &HeaderMap) -> Option<String> {
        if !headers.contains_key(COOKIE) {
            return None;
        }
        let key = self.browser_key().await?;
        browsers::known(&key, user, headers, config, clock::now())
    }

    /// Without it everybody logs in as from a new browser.
    async fn browser_key(&self) -> Option<Arc<Key>> {
        let (browsers, spool) = (Arc::clone(&self.browsers), self.site.spool.clone());
        let key = blocking(move || browsers.key(&spool).map_err(Trouble::from)).await;
        key.ok()
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Wanted {
    next: String,
    /// After a login: the browser should have a cookie now.
    kept: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct Given {
    #[serde(default)]
    user: String,
    #[serde(default)]
    password: String,
    #[serde(default)]
    next: String,
}

#[derive(Template)]
#[template(path = "dashboard/login.html")]
struct LoginPage<'a> {
    studio: &'a str,
    user: &'a str,
    next: &'a str,
    problem: Option<String>,
}

fn login_page(config: &Config, user: &str, next: &str, problem: Option<String>) -> Response {
    page::html(&LoginPage { studio: super::studio_name(config), user, next, problem })
}

/// Where to go after the login: a page of ours, nothing else.
fn safe_next(next: &str) -> &str {
    let is_ours = next.starts_with('/')
        && !next.starts_with("//")
        && !next.starts_with("/login")
        && !next.starts_with("/logout")
        && next.bytes().all(|b| b.is_ascii_graphic() && b != b'\\');
    if is_ours { next } else { "/" }
}

fn go(to: &str) -> Response {
    (StatusCode::SEE_OTHER, [(LOCATION, to.to_string())]).into_response()
}

pub(super) async fn show(
    State(dashboard): State<Arc<Dashboard>>,
    Extension(visitor): Extension<Option<Visitor>>,
    Query(wanted): Query<Wanted>,
) -> Response {
    let next = safe_next(&wanted.next);
    if visitor.is_some() {
        return go(next);
    }
    let problem = wanted.kept.map(|_| {
        "The browser did not keep the login. Beyond this computer the dashboard needs an address with https: write \
         `server.tls: self-signed` into the config, or put a web server with a certificate in front of it."
            .to_string()
    });
    login_page(&dashboard.site.config(), "", next, problem)
}

pub(super) async fn log_in(
    State(dashboard): State<Arc<Dashboard>>,
    ConnectInfo(from): ConnectInfo<SocketAddr>,
    Extension(host): Extension<Host>,
    headers: HeaderMap,
    Form(given): Form<Given>,
) -> Result<Response, Trouble> {
    let config = dashboard.site.config();
    let next = safe_next(&given.next);
    let from = peer::source(from, &headers, &config.server.trusted_proxies);
    let user = match dashboard.log_in(&config, from, &headers, given.user.trim(), &given.password).await {
        Ok(user) => user,
        Err(refused) => {
            let page = login_page(&config, given.user.trim(), next, Some(refused.text()));
            return Ok(refused.with(page, BY_FORM));
        }
    };
    // A session of before is not carried over: somebody may have planted it.
    if let Some(old) = token(&headers, &config) {
        dashboard.sessions.close(old);
    }
    let token = dashboard.sessions.open(&user, Instant::now())?;
    tracing::info!("dashboard: {} logged in from {from}", user.name);
    let mut response = go(&format!("/login?kept=1&next={}", encoded(next)));
    let headers = response.headers_mut();
    headers.insert(SET_COOKIE, cookie(&config, &host, (&cookie_name(&config), &token), "; Path=/")?);
    if let Some(key) = dashboard.browser_key().await {
        let value = browsers::remembered(&key, &user, clock::now())?;
        let end = format!("; Path=/login; Max-Age={}", KNOWN_FOR.as_secs());
        headers.append(SET_COOKIE, cookie(&config, &host, (&browsers::cookie_name(&config), &value), &end)?);
    }
    Ok(response)
}

fn cookie(config: &Config, host: &Host, (name, value): (&str, &str), end: &str) -> Result<HeaderValue, Trouble> {
    let secure = if host.is_loopback() && config.server.tls.is_none() { "" } else { "; Secure" };
    Ok(HeaderValue::from_str(&format!("{name}={value}; HttpOnly; SameSite=Strict{end}{secure}"))?)
}

pub(super) async fn log_out(
    State(dashboard): State<Arc<Dashboard>>,
    Extension(host): Extension<Host>,
    headers: HeaderMap,
) -> Result<Response, Trouble> {
    let config = dashboard.site.config();
    if let Some(token) = token(&headers, &config) {
        dashboard.sessions.close(token);
    }
    let mut response = go("/login");
    response
        .headers_mut()
        .insert(SET_COOKIE, cookie(&config, &host, (&cookie_name(&config), ""), "; Path=/; Max-Age=0")?);
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::safe_next;

    #[test]
    fn after_a_login_one_stays_here() {
        for (next, to) in [
            ("/jobs/1?x=2", "/jobs/1?x=2"),
            ("", "/"),
            ("//evil.example", "/"),
            ("/\\evil.example", "/"),
            ("https://evil.example", "/"),
            ("/a\r\nset-cookie: x", "/"),
            ("/login?next=/", "/"),
        ] {
            assert_eq!(safe_next(next), to, "{next}");
        }
    }
}
