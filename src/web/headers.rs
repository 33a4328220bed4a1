//! What every answer says to a browser about itself.

use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::header::{
    ACCEPT_LANGUAGE, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, HeaderValue, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use axum::http::{Extensions, HeaderMap, Request, StatusCode, Version};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse as _, Response};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::timeout::TimeoutLayer;

use super::etag;
use super::page::{self, Tell};

/// Largest body of a request that sends a form, in bytes.
const FORM_MAX_BYTES: usize = 64 * 1024;
/// A request is answered by then: what streams for longer has begun.
const ANSWER_WITHIN: Duration = Duration::from_mins(1);

/// Nothing but our own files, and nothing inside a page: what a client's name might smuggle in is not run.
const POLICY: &str =
    "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'";

/// Each is kept as a handler has set it.
const ALWAYS: [(HeaderName, &str); 8] = [
    (CONTENT_SECURITY_POLICY, POLICY),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (X_FRAME_OPTIONS, "DENY"),
    // `no-referrer` would make browsers say `Origin: null` with forms.
    (REFERRER_POLICY, "same-origin"),
    (CACHE_CONTROL, "private, no-store"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (HeaderName::from_static("permissions-policy"), "camera=(), geolocation=(), microphone=(), payment=()"),
];

/// A room's routes with limits, error pages and headers around them.
pub fn secured(router: Router, tell: Tell) -> Router {
    dressed(hurried(router).fallback(async || StatusCode::NOT_FOUND), tell)
}

/// Routes whose requests are answered soon, or told that the server is busy.
pub fn hurried(router: Router) -> Router {
    router.layer(TimeoutLayer::with_status_code(StatusCode::SERVICE_UNAVAILABLE, ANSWER_WITHIN))
}

/// As [`secured`], for routes that look after their own time.
pub fn dressed(router: Router, tell: Tell) -> Router {
    let panicked = |_: Box<dyn std::any::Any + Send>| StatusCode::INTERNAL_SERVER_ERROR.into_response();
    router
        .method_not_allowed_fallback(async || StatusCode::METHOD_NOT_ALLOWED)
        .layer(DefaultBodyLimit::max(FORM_MAX_BYTES))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(middleware::from_fn_with_state(tell, dress))
        .layer(CompressionLayer::new().gzip(true).compress_when(is_text))
}

/// What gets smaller by compression. Its length could tell an attacker a secret of a page (BREACH), if they could make
/// a browser ask for the page again and again with texts of their own in it. They cannot: the cookies of a login and of a
/// PIN do not go with requests of other sites (`SameSite`), so what comes back for those is the login, without a secret;
/// and a page behind a link is found by a token that an attacker would have to know first.
fn is_text(status: StatusCode, _: Version, headers: &HeaderMap, _: &Extensions) -> bool {
    const KINDS: [&str; 5] = ["text/html", "text/css", "text/javascript", "image/svg+xml", "application/json"];
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    status != StatusCode::PARTIAL_CONTENT && KINDS.iter().any(|known| kind.starts_with(known))
}

async fn dress(State(tell): State<Tell>, request: Request<axum::body::Body>, next: Next) -> Response {
    let wants_page = page::wants_page(request.uri().path(), request.headers());
    let asked = request.headers().clone();
    let tell = |status, trouble| tell(status, trouble, asked.get(ACCEPT_LANGUAGE));
    let answer = etag::without_known(next.run(request).await, &asked);
    let mut response = page::with_error_page(answer, wants_page, tell);
    for (name, value) in ALWAYS {
        response.headers_mut().entry(name).or_insert(HeaderValue::from_static(value));
    }
    response
}
