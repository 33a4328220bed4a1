//! HTML answers: a filled-in template, or what went wrong in plain words.

use std::sync::Arc;

use askama::Template;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{Html, IntoResponse, Response};

use super::Site;
use super::dashboard::studio_name;

/// A template as an answer.
pub fn html(template: &impl Template) -> Response {
    match template.render() {
        Ok(text) => Html(text).into_response(),
        Err(e) => {
            tracing::error!("a page could not be made: {e}");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// What went wrong with a request, as a page says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    pub status: StatusCode,
    /// One sentence: what happened and what can be done.
    pub text: String,
}

impl Trouble {
    pub fn new(status: StatusCode, text: impl Into<String>) -> Trouble {
        Trouble { status, text: text.into() }
    }

    /// What is looked for is not there, or not any more.
    pub fn not_found(text: impl Into<String>) -> Trouble {
        Trouble::new(StatusCode::NOT_FOUND, text)
    }
}

impl<E: std::error::Error> From<E> for Trouble {
    /// Of the disk, mostly: it is in the log too, since nobody may be looking at the page.
    fn from(e: E) -> Trouble {
        tracing::error!("a page could not be made: {e}");
        Trouble::new(StatusCode::INTERNAL_SERVER_ERROR, e.to_string())
    }
}

impl IntoResponse for Trouble {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// How a room tells what went wrong, by the status, what its handler says of it, and the languages of the browser.
pub type Tell = Arc<dyn Fn(StatusCode, Option<Trouble>, Option<&HeaderValue>) -> Told + Send + Sync>;

/// The same for both who may ask.
#[derive(Debug)]
pub struct Told {
    /// For a program.
    pub text: String,
    /// For a person, in HTML.
    pub page: String,
}

/// Programs are answered in their own form, people by a page.
pub(super) fn wants_page(path: &str, headers: &HeaderMap) -> bool {
    let accepts = headers.get("accept").and_then(|value| value.to_str().ok()).unwrap_or_default();
    !path.starts_with("/api/") && (accepts.contains("text/html") || accepts.is_empty())
}

#[derive(Template)]
#[template(path = "error.html")]
struct ErrorPage<'a> {
    studio: &'a str,
    title: &'a str,
    text: &'a str,
}

fn in_words(status: StatusCode) -> (&'static str, &'static str) {
    match status {
        StatusCode::NOT_FOUND => ("Not found", "There is nothing at this address, or not any more."),
        StatusCode::METHOD_NOT_ALLOWED => ("Not possible", "This address cannot be used in that way."),
        StatusCode::PAYLOAD_TOO_LARGE => ("Too large", "What was sent is larger than this page takes."),
        StatusCode::FORBIDDEN => ("Not allowed", "You may not do this."),
        StatusCode::MISDIRECTED_REQUEST => ("Not known here", "This server is not known under that name."),
        StatusCode::TOO_MANY_REQUESTS => ("Too many tries", "Wait a little, then try again."),
        StatusCode::SERVICE_UNAVAILABLE => ("Busy", "The server did not come to it in time; try again."),
        StatusCode::INTERNAL_SERVER_ERROR => ("Something went wrong", "The reason is in the server's log."),
        _ => ("That did not work", "The server could not make sense of the request."),
    }
}

/// As the studio reads it: with all that its handler says, and a way back.
pub(super) fn tell_studio(site: Site) -> Tell {
    Arc::new(move |status, trouble, _| {
        let (title, general) = in_words(status);
        let text = trouble.map_or_else(|| general.to_string(), |trouble| trouble.text);
        let config = site.config();
        let page =
            ErrorPage { studio: studio_name(&config), title, text: &text }.render().unwrap_or_else(|_| text.clone());
        Told { text, page }
    })
}

/// An error without a body of its own gets one.
pub(super) fn with_error_page(
    mut response: Response,
    wants_page: bool,
    tell: impl FnOnce(StatusCode, Option<Trouble>) -> Told,
) -> Response {
    let status = response.status();
    let trouble = response.extensions_mut().remove::<Trouble>();
    let kind = response.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    // What axum's own extractors refuse has a plain text for programmers.
    let is_bare = kind.is_none_or(|kind| kind.starts_with("text/plain"));
    if !(status.is_client_error() || status.is_server_error()) || (trouble.is_none() && !is_bare) {
        return response;
    }
    let told = tell(status, trouble);
    let (kind, body) = if wants_page {
        ("text/html; charset=utf-8", told.page)
    } else {
        ("application/json", serde_json::json!({ "error": told.text }).to_string())
    };
    let (mut parts, _) = response.into_parts();
    parts.headers.remove("content-length");
    parts.headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    Response::from_parts(parts, body.into())
}
