//! Where a request comes from.
//!
//! Owns: what a header says of it is believed of a web server in front of us alone: one on this machine, or one that the
//! config trusts. Headers that contradict each other say nothing.

use std::net::{IpAddr, SocketAddr};

use axum::http::HeaderMap;
use axum::http::header::{FORWARDED, VIA};

use crate::model::config::Network;

const X_FORWARDED_FOR: &str = "x-forwarded-for";
/// What web servers in front add beside these, and whatever begins with `x-forwarded-`.
const OTHERS: [&str; 7] = [
    "x-real-ip",
    "x-client-ip",
    "x-cluster-client-ip",
    "x-original-forwarded-for",
    "true-client-ip",
    "cf-connecting-ip",
    "fastly-client-ip",
];

/// Whether a web server has handed the request on.
pub(super) fn is_handed_on(headers: &HeaderMap) -> bool {
    headers.contains_key(FORWARDED)
        || headers.contains_key(VIA)
        || headers.keys().any(|name| name.as_str().starts_with("x-forwarded-") || OTHERS.contains(&name.as_str()))
}

fn is_trusted(address: IpAddr, trusted: &[Network]) -> bool {
    address.to_canonical().is_loopback() || trusted.iter().any(|network| network.contains(address))
}

/// The client's address. Each web server that it passed has added whom it got the request from, at the end: the last one
/// that is no web server of ours is the client, and what stands in front of it the client has written itself.
pub(super) fn source(peer: SocketAddr, headers: &HeaderMap, trusted: &[Network]) -> IpAddr {
    let peer = peer.ip().to_canonical();
    if !is_trusted(peer, trusted) {
        return peer;
    }
    let list = |name: &str, address: fn(&str) -> Option<IpAddr>| {
        let lines = headers.get_all(name).iter();
        let entries: Vec<Option<IpAddr>> = lines
            .flat_map(|line| line.to_str().unwrap_or_default().split(','))
            .map(|entry| address(entry.trim()))
            .collect();
        (!entries.is_empty()).then(|| last_stranger(peer, &entries, trusted))
    };
    match (list(X_FORWARDED_FOR, address), list(FORWARDED.as_str(), forwarded_for)) {
        (Some(client), None) | (None, Some(client)) => client,
        // A web server that writes one of them may pass on the other as the client has sent it.
        (Some(client), Some(same)) if client == same => client,
        _ => peer,
    }
}

/// Where an entry cannot be read, the one behind it is as far as we know.
fn last_stranger(peer: IpAddr, entries: &[Option<IpAddr>], trusted: &[Network]) -> IpAddr {
    let mut last = peer;
    for entry in entries.iter().rev() {
        let Some(address) = entry else { return last };
        last = *address;
        if !is_trusted(last, trusted) {
            return last;
        }
    }
    last
}

/// `10.0.0.1`, `10.0.0.1:4444`, `2001:db8::1`, `[2001:db8::1]` or `[2001:db8::1]:99`.
fn address(text: &str) -> Option<IpAddr> {
    let plain = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    let address = plain.parse::<IpAddr>().ok().or_else(|| Some(text.parse::<SocketAddr>().ok()?.ip()));
    address.map(|address| address.to_canonical())
}

/// Of one element of RFC 7239: `for="[2001:db8::1]:99";proto=https`.
fn forwarded_for(element: &str) -> Option<IpAddr> {
    let value = element.split(';').find_map(|pair| {
        let (name, value) = pair.split_once('=')?;
        name.trim().eq_ignore_ascii_case("for").then(|| value.trim())
    })?;
    address(value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(value))
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderName, HeaderValue};

    use super::*;
    use crate::model::config::Config;

    fn trusted(list: &str) -> Vec<Network> {
        let user = "anna: { password: \"$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21l$WldVFG4ukGb0o0VPpMlYY1uRj5AMvQKJ5h5mB6FDQdQ\" }";
        let text = format!(
            "version: 1\nserver: {{ listen: \"127.0.0.1:1\", users: {{ {user} }}, trusted_proxies: [{list}] }}\n"
        );
        Config::parse(&text, std::path::Path::new("/studio/hotfolders.yaml")).unwrap().server.trusted_proxies
    }

    fn from(peer: &str, list: &str, lines: &[(&'static str, &'static str)]) -> String {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        source(peer.parse().unwrap(), &headers, &trusted(list)).to_string()
    }

    #[test]
    fn only_what_the_web_server_in_front_says_is_believed() {
        let of = |peer: &str, lines: &[&'static str]| {
            from(peer, "", &lines.iter().map(|line| (X_FORWARDED_FOR, *line)).collect::<Vec<_>>())
        };
        assert_eq!(of("127.0.0.1:9", &[]), "127.0.0.1");
        assert_eq!(of("127.0.0.1:9", &["10.0.0.1, 10.0.0.2"]), "10.0.0.2");
        assert_eq!(of("127.0.0.1:9", &["10.0.0.1", "10.0.0.2"]), "10.0.0.2", "the client sent the first itself");
        assert_eq!(of("127.0.0.1:9", &["10.0.0.1", "?"]), "127.0.0.1");
        assert_eq!(of("127.0.0.1:9", &["10.0.0.1, 127.0.0.1"]), "10.0.0.1", "two web servers on this machine");
        assert_eq!(of("192.168.0.7:9", &["10.0.0.1"]), "192.168.0.7");
        assert_eq!(of("[::ffff:192.168.0.7]:9", &[]), "192.168.0.7");
    }

    #[test]
    fn addresses_are_read_in_every_form_that_web_servers_write() {
        for (written, client) in [
            ("198.51.100.1:4444", "198.51.100.1"),
            ("[2001:db8::1]:99", "2001:db8::1"),
            ("[2001:db8::1]", "2001:db8::1"),
            ("2001:db8::1", "2001:db8::1"),
            ("::ffff:198.51.100.1", "198.51.100.1"),
        ] {
            assert_eq!(from("127.0.0.1:9", "", &[(X_FORWARDED_FOR, written)]), client, "{written}");
        }
        for (written, client) in [
            ("for=198.51.100.1;proto=https;by=10.0.0.1", "198.51.100.1"),
            ("proto=https; For=\"[2001:db8::1]:99\"", "2001:db8::1"),
            ("for=192.0.2.1, for=\"198.51.100.1:80\"", "198.51.100.1"),
            ("for=unknown", "127.0.0.1"),
            ("for=198.51.100.1, for=_hidden", "127.0.0.1"),
        ] {
            assert_eq!(from("127.0.0.1:9", "", &[("forwarded", written)]), client, "{written}");
        }
    }

    #[test]
    fn the_last_address_that_is_not_trusted_counts() {
        let of = |peer: &str, line: &'static str| {
            from(peer, "172.18.0.0/16, 10.0.0.2, \"fd00::/8\"", &[(X_FORWARDED_FOR, line)])
        };
        assert_eq!(of("172.18.0.5:9", "203.0.113.9"), "203.0.113.9");
        assert_eq!(of("10.0.0.2:9", "1.1.1.1, 203.0.113.9, 172.18.0.5"), "203.0.113.9");
        assert_eq!(of("[fd00::2]:9", "203.0.113.9"), "203.0.113.9");
        assert_eq!(of("10.0.0.3:9", "203.0.113.9"), "10.0.0.3");
        assert_eq!(of("172.18.0.5:9", "172.18.0.6"), "172.18.0.6");
        assert_eq!(of("172.18.0.5:9", "203.0.113.9, x, 172.18.0.6"), "172.18.0.6");
    }

    #[test]
    fn a_header_that_the_client_adds_to_that_of_the_web_server_is_not_believed() {
        let both =
            |a: &'static str, b: &'static str| from("127.0.0.1:9", "", &[(X_FORWARDED_FOR, a), ("forwarded", b)]);
        assert_eq!(both("203.0.113.9", "for=192.0.2.1"), "127.0.0.1");
        assert_eq!(both("203.0.113.9", "for=203.0.113.9"), "203.0.113.9");
    }

    #[test]
    fn what_a_web_server_adds_is_seen() {
        for name in ["forwarded", "via", "x-forwarded-for", "x-forwarded-proto", "x-forwarded-new", "x-real-ip"] {
            let mut headers = HeaderMap::new();
            headers.insert(HeaderName::from_static(name), HeaderValue::from_static("x"));
            assert!(is_handed_on(&headers), "{name}");
        }
        let mut headers = HeaderMap::new();
        headers.insert("x-requested-with", HeaderValue::from_static("x"));
        assert!(!is_handed_on(&headers));
    }
}
