//! Addresses of other machines and of people: URLs, listening sockets, mail addresses.
//!
//! Only their form is looked at; whether somebody answers is for `hotfolders check` to find out.

use std::net::SocketAddr;

use super::Context;
use crate::model::document::Path as Place;

/// Longest part before the `@` of a mail address (RFC 5321, 4.5.3.1.1).
const MAIL_USER_MAX_BYTES: usize = 64;

/// The parts of a URL that matter here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Url<'t> {
    pub(super) scheme: &'t str,
    /// An IPv6 one keeps its brackets.
    pub(super) host: &'t str,
    pub(super) port: Option<u16>,
    /// From the slash on.
    pub(super) path: &'t str,
}

pub(super) fn parse_url(text: &str) -> Option<Url<'_>> {
    let (scheme, rest) = text.split_once("://")?;
    let at = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(at);
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port.parse::<u16>().ok().filter(|p| *p > 0)?)),
        _ => (authority, None),
    };
    let bracketed = host.starts_with('[') && host.ends_with(']');
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '-' | '.' | '_');
    let host_is_fine = if bracketed {
        host[1..host.len() - 1].parse::<std::net::Ipv6Addr>().is_ok()
    } else {
        !host.is_empty() && host.chars().all(plain)
    };
    let fine = host_is_fine && !text.chars().any(|c| c.is_whitespace() || c.is_control());
    fine.then_some(Url { scheme, host, port, path })
}

/// A printer's address in ASCII and with a scheme in small letters, as the network has it; apart from it the zone of a
/// local IPv6 address, as in `[fe80::1%25eth0]`.
pub(super) fn printer_address(written: &str) -> Result<(String, Option<String>), String> {
    let written = written.trim();
    if written.contains(char::is_whitespace) {
        return Err(format!("`{written}` has a space in it; an address has `%20` in its place"));
    }
    let Some((scheme, rest)) = written.split_once("://") else { return Ok((written.to_string(), None)) };
    let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    let (authority, zone) = without_zone(authority);
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, format!(":{port}")),
        _ => (authority.as_str(), String::new()),
    };
    let host = if host.is_ascii() { host.to_string() } else { host_in_ascii(host)? };
    Ok((format!("{}://{host}{port}{}", scheme.to_ascii_lowercase(), path_in_ascii(path)), zone))
}

fn without_zone(authority: &str) -> (String, Option<String>) {
    let parts = authority.strip_prefix('[').and_then(|rest| rest.split_once(']'));
    match parts.and_then(|(inner, behind)| Some((inner.split_once('%')?, behind))) {
        Some(((address, zone), behind)) => {
            // The standard writes the percent sign as `%25`; people write what their system shows.
            let zone = zone.strip_prefix("25").filter(|zone| !zone.is_empty()).unwrap_or(zone);
            (format!("[{address}]{behind}"), Some(zone.to_string()))
        }
        None => (authority.to_string(), None),
    }
}

/// Names with letters beyond ASCII stand in the DNS as `xn--…`. Those that a house's own machines call out do not.
fn host_in_ascii(host: &str) -> Result<String, String> {
    if host.to_lowercase().trim_end_matches('.').rsplit('.').next() == Some("local") {
        return Err(format!("the name `{host}` cannot be looked up with letters beyond a to z; write its number"));
    }
    idna::domain_to_ascii(host).map_err(|_| format!("`{host}` is no name of a machine"))
}

fn path_in_ascii(path: &str) -> String {
    let mut plain = String::new();
    for byte in path.bytes() {
        if byte.is_ascii() {
            plain.push(char::from(byte));
        } else {
            plain.push_str(&format!("%{byte:02X}"));
        }
    }
    plain
}

impl Context<'_> {
    /// A URL of one of some schemes. User names and passwords do not belong into it: it is shown in logs.
    pub(super) fn url<'t>(&mut self, text: &'t str, at: &Place, schemes: &[&str], example: &str) -> Option<Url<'t>> {
        let url = parse_url(text).filter(|url| schemes.contains(&url.scheme));
        if url.is_none() {
            let list = schemes.iter().map(|s| format!("`{s}://`")).collect::<Vec<_>>().join(" or ");
            let authority = text.split_once("://").map_or("", |(_, rest)| rest.split('/').next().unwrap_or_default());
            let text = if authority.contains('@') {
                "a user name or password does not belong into the address; `user` and `password_file` have keys of \
                 their own where they are needed"
                    .to_string()
            } else {
                format!("`{text}` is no address with {list}, such as `{example}`")
            };
            self.error(at, text);
        }
        url
    }

    /// Where a server of ours listens: `127.0.0.1:8642`.
    pub(super) fn listen(&mut self, text: &str, at: &Place) -> Option<SocketAddr> {
        let numeric =
            text.strip_prefix("localhost:").map_or_else(|| text.to_string(), |port| format!("127.0.0.1:{port}"));
        let address = numeric.parse().ok();
        if address.is_none() {
            self.error(
                at,
                format!("`{text}` is no address to listen at: a number and a port such as `127.0.0.1:8642`"),
            );
        }
        address
    }

    pub(super) fn mail_address(&mut self, text: &str, at: &Place) {
        if !is_mail_address(text) {
            self.error(at, format!("`{text}` is no mail address such as `studio@larson.example`"));
        }
    }

    pub(super) fn mail_addresses(&mut self, list: &[String], at: &Place) {
        for (index, text) in list.iter().enumerate() {
            self.mail_address(text, &at.index(index));
        }
    }
}

/// One `@` between what mail servers take as a name and as a domain (RFC 5321, 4.1.2); names in quotes and
/// addresses in brackets are left out. Whether somebody has the address, only the server knows.
pub fn is_mail_address(text: &str) -> bool {
    let Some((user, host)) = text.split_once('@') else { return false };
    let odd = |c: char| c.is_whitespace() || c.is_control();
    let is_of_name = |c: char| !c.is_ascii() || c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c);
    let is_part = |part: &str| !part.is_empty() && part.chars().all(is_of_name);
    !text.contains(odd) && user.len() <= MAIL_USER_MAX_BYTES && user.split('.').all(is_part) && is_mail_host(host)
}

/// Of the form in which the DNS has it, which also knows a broken `xn--`.
fn is_mail_host(host: &str) -> bool {
    let edge = ['-', '_'];
    let is_label = |label: &str| {
        let is_plain = label.chars().all(|c| c.is_ascii_alphanumeric() || edge.contains(&c));
        is_plain && (1..=63).contains(&label.len()) && !label.starts_with(edge) && !label.ends_with(edge)
    };
    idna::domain_to_ascii(host).is_ok_and(|plain| plain.len() <= 253 && plain.split('.').all(is_label))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_taken_apart() {
        let url = parse_url("ipp://10.0.0.21:631/ipp/print").unwrap();
        assert_eq!((url.scheme, url.host, url.port, url.path), ("ipp", "10.0.0.21", Some(631), "/ipp/print"));
        let url = parse_url("ipps://[::1]/x").unwrap();
        assert_eq!((url.host, url.port), ("[::1]", None));
        for wrong in ["printer", "ipp://", "ipp://:631/", "ipp://a:99999/", "http://a b/", "http://u:p@h/", "ipp://a:/"]
        {
            assert_eq!(parse_url(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn printers_are_found_by_what_people_write() {
        let plain = |written| printer_address(written).unwrap();
        let same = |text: &str| (text.to_string(), None);
        assert_eq!(plain("IPP://10.0.0.21/ipp/print"), same("ipp://10.0.0.21/ipp/print"));
        assert_eq!(plain("ipps://Drücker.example:443/x"), same("ipps://xn--drcker-4ya.example:443/x"));
        assert_eq!(plain("ipp://mac/printers/Büro"), same("ipp://mac/printers/B%C3%BCro"));
        for (written, zone) in [("ipp://[fe80::1%25eth0]:631/x", "eth0"), ("ipp://[fe80::1%en0]:631/x", "en0")] {
            assert_eq!(plain(written), ("ipp://[fe80::1]:631/x".to_string(), Some(zone.to_string())));
        }
        assert!(printer_address("ipp://mac/printers/DNP DS620").unwrap_err().contains("`%20`"));
        assert!(printer_address("ipp://drücker.local/x").unwrap_err().contains("drücker.local"));
    }

    #[test]
    fn mail_addresses_have_one_at_and_whole_parts() {
        for fine in [
            "studio@larson.example",
            "a.b+c_d'e@larson.example",
            "root@localhost",
            "info@müller.example",
            "info@xn--mller-kva.example",
            "jörg@larson.example",
            "a@1.print-2.example",
        ] {
            assert!(is_mail_address(fine), "{fine}");
        }
        let long_label = format!("a@{}.example", "b".repeat(64));
        let long_name = format!("{}@larson.example", "a".repeat(65));
        for wrong in [
            "studio",
            "@x",
            "x@",
            "a@b@c",
            "a b@c",
            "a@b,c@d",
            "A <a@b>",
            "a@.b",
            "a@b.",
            "a@b..c",
            "a..b@c",
            ".a@b",
            "a.@b",
            "a@-b.example",
            "a@b-.example",
            "a@b.-c",
            "a@xn--a-\u{e4}.example",
            "a@xn--99999999.example",
            "a\\b@c",
            "\"a b\"@c",
            "a@[192.0.2.1]",
            "a@[b]",
            "",
            &long_label,
            &long_name,
        ] {
            assert!(!is_mail_address(wrong), "{wrong}");
        }
    }
}
