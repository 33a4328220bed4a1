//! What a browser sends back.

use axum::http::header::{COOKIE, HeaderMap};

/// Every value of the cookies called `name`; strangers may send any number of them.
pub(super) fn sent<'h>(headers: &'h HeaderMap, name: &str) -> impl Iterator<Item = &'h str> {
    values(headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok()), name)
}

/// The same of `Cookie` headers as they are written.
pub fn values<'h>(lines: impl Iterator<Item = &'h str>, name: &str) -> impl Iterator<Item = &'h str> {
    let pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.filter_map(move |(known, value)| (known == name).then_some(value))
}
