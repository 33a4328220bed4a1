//! Where a request comes from.

use std::net::{IpAddr, SocketAddr};

use axum::http::HeaderMap;

/// A web server in front of us, on this machine, says so itself; nobody else is believed. What it adds stands last, also
/// in a header of its own behind one that the client has sent.
pub(super) fn source(peer: SocketAddr, headers: &HeaderMap) -> IpAddr {
    let told = headers.get_all("x-forwarded-for").iter().next_back().and_then(|value| value.to_str().ok());
    let last = told.and_then(|list| list.rsplit(',').next()).and_then(|text| text.trim().parse().ok());
    match last {
        Some(client) if peer.ip().to_canonical().is_loopback() => client,
        _ => peer.ip(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_web_server_in_front_says_is_believed() {
        let from = |peer: &str, lines: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append("x-forwarded-for", axum::http::HeaderValue::from_static(line));
            }
            source(peer.parse().unwrap(), &headers).to_string()
        };
        assert_eq!(from("127.0.0.1:9", &[]), "127.0.0.1");
        assert_eq!(from("127.0.0.1:9", &["10.0.0.1, 10.0.0.2"]), "10.0.0.2");
        assert_eq!(from("127.0.0.1:9", &["10.0.0.1", "10.0.0.2"]), "10.0.0.2", "the client sent the first itself");
        assert_eq!(from("127.0.0.1:9", &["10.0.0.1", "?"]), "127.0.0.1");
        assert_eq!(from("192.168.0.7:9", &["10.0.0.1"]), "192.168.0.7");
    }
}
