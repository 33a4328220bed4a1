//! Whether a browser has already what it asks for.

use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};

/// By `If-None-Match`: a list of entity tags, compared weakly (RFC 9110), or `*`.
pub(super) fn is_known(headers: &HeaderMap, etag: &str) -> bool {
    let opaque = |tag: &str| tag.strip_prefix("W/").unwrap_or(tag).to_string();
    let lists = headers.get_all(IF_NONE_MATCH).iter().filter_map(|list| list.to_str().ok());
    lists.flat_map(|list| list.split(',')).map(str::trim).any(|tag| tag == "*" || opaque(tag) == opaque(etag))
}

/// The answer to a browser that has it.
pub(super) fn unchanged(etag: HeaderValue) -> Response {
    (StatusCode::NOT_MODIFIED, [(ETAG, etag)]).into_response()
}

/// `response`, without what the browser has already.
pub(super) fn without_known(response: Response, asked: &HeaderMap) -> Response {
    let known = response.headers().get(ETAG).filter(|_| response.status() == StatusCode::OK);
    if !known.and_then(|etag| etag.to_str().ok()).is_some_and(|etag| is_known(asked, etag)) {
        return response;
    }
    let (mut parts, _) = response.into_parts();
    parts.status = StatusCode::NOT_MODIFIED;
    for name in [CONTENT_LENGTH, CONTENT_TYPE] {
        parts.headers.remove(name);
    }
    Response::from_parts(parts, axum::body::Body::empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_compared_weakly() {
        let known = |list: &'static str, etag: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(IF_NONE_MATCH, HeaderValue::from_static(list));
            is_known(&headers, etag)
        };
        for list in ["\"a\"", "W/\"a\"", "\"b\", \"a\"", "*"] {
            assert!(known(list, "\"a\"") && known(list, "W/\"a\""), "{list}");
        }
        for list in ["\"b\"", "a", "", "\"a b\"", "\"A\""] {
            assert!(!known(list, "\"a\""), "{list}");
        }
    }
}
