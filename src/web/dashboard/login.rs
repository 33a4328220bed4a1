//! Logging in and out.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use askama::Template;
use axum::Extension;
use axum::extract::{ConnectInfo, Form, Query, State};
use axum::http::header::{HeaderValue, LOCATION, RETRY_AFTER, SET_COOKIE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;

use super::guard::{Host, cookie_name, token};
use super::sessions::Visitor;
use super::{Dashboard, encoded};
use crate::model::config::{Config, User};
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

impl Refused {
    pub(super) fn trouble(self) -> Trouble {
        let status = match self {
            Refused::Wrong => StatusCode::UNAUTHORIZED,
            Refused::Throttled(_) => StatusCode::TOO_MANY_REQUESTS,
            Refused::Busy => StatusCode::SERVICE_UNAVAILABLE,
        };
        Trouble::new(status, self.text())
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
        name: &str,
        password: &str,
    ) -> Result<User, Refused> {
        if let Some(wait) = self.throttle.wait(from, name, Instant::now()) {
            return Err(Refused::Throttled(wait));
        }
        let user = config.server.users.iter().find(|user| user.name == name);
        let hash = user.map(|user| user.password.as_str().to_string());
        let right = self.verifier.verify(password.to_string(), hash).await.ok_or(Refused::Busy)?;
        // Others may have failed meanwhile: those who try many at once are not faster.
        if let Some(wait) = self.throttle.wait(from, name, Instant::now()) {
            return Err(Refused::Throttled(wait));
        }
        match user {
            Some(user) if right => {
                self.throttle.came_in(from, name);
                Ok(user.clone())
            }
            _ => {
                self.throttle.failed(from, name, Instant::now());
                // The name may be a password that was typed into the wrong field.
                tracing::warn!("dashboard: a login from {from} was refused");
                Err(Refused::Wrong)
            }
        }
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
        "The browser did not keep the login. Beyond this computer the dashboard needs an address with https: put a proxy \
         with a certificate in front of it."
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
    let from = peer::source(from, &headers);
    let user = match dashboard.log_in(&config, from, given.user.trim(), &given.password).await {
        Ok(user) => user,
        Err(refused) => {
            let mut response = login_page(&config, given.user.trim(), next, Some(refused.text()));
            *response.status_mut() = refused.clone().trouble().status;
            if let Refused::Throttled(wait) = refused {
                response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(wait.as_secs() + 1));
            }
            return Ok(response);
        }
    };
    // A session of before is not carried over: somebody may have planted it.
    if let Some(old) = token(&headers, &config) {
        dashboard.sessions.close(old);
    }
    let token = dashboard.sessions.open(&user, Instant::now())?;
    tracing::info!("dashboard: {} logged in from {from}", user.name);
    let mut response = go(&format!("/login?kept=1&next={}", encoded(next)));
    response.headers_mut().insert(SET_COOKIE, cookie(&config, &host, &token, "")?);
    Ok(response)
}

fn cookie(config: &Config, host: &Host, value: &str, end: &str) -> Result<HeaderValue, Trouble> {
    let secure = if host.is_loopback() { "" } else { "; Secure" };
    let text = format!("{}={value}; HttpOnly; SameSite=Strict; Path=/{secure}{end}", cookie_name(config));
    Ok(HeaderValue::from_str(&text)?)
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
    response.headers_mut().insert(SET_COOKIE, cookie(&config, &host, "", "; Max-Age=0")?);
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
