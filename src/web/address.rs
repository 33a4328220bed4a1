//! The address that a person opens: of a listening socket it is not always the one in the config.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};

/// `https://studio-pc.local:8642/`. A socket that listens everywhere is reached under the first of the names, else under
/// this machine's address in its network.
pub(super) fn url(listen: SocketAddr, hosts: &[String], is_tls: bool) -> String {
    let scheme = if is_tls { "https" } else { "http" };
    let (ip, port) = (listen.ip().to_canonical(), listen.port());
    match hosts.first() {
        Some(host) if !ip.is_loopback() => format!("{scheme}://{host}:{port}/"),
        _ if ip.is_unspecified() => format!("{scheme}://{}/", SocketAddr::new(own_address(), port)),
        _ => format!("{scheme}://{}/", SocketAddr::new(ip, port)),
    }
}

/// By the way that a packet to another network would leave; none is sent.
fn own_address() -> IpAddr {
    /// For documentation (RFC 5737): nobody has it.
    const ANYWHERE: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
    let looked = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).and_then(|socket| {
        socket.connect((ANYWHERE, 9))?;
        socket.local_addr()
    });
    let found = looked.ok().map(|address| address.ip()).filter(|ip| !ip.is_unspecified());
    found.unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_opens_in_a_browser() {
        let of = |listen: &str, hosts: &[&str], tls| {
            url(listen.parse().unwrap(), &hosts.iter().map(ToString::to_string).collect::<Vec<_>>(), tls)
        };
        assert_eq!(of("127.0.0.1:8642", &[], false), "http://127.0.0.1:8642/");
        assert_eq!(of("127.0.0.1:8642", &["studio.example"], false), "http://127.0.0.1:8642/");
        assert_eq!(of("0.0.0.0:8642", &["studio-pc.local", "other"], true), "https://studio-pc.local:8642/");
        assert_eq!(of("[::]:8642", &["studio-pc.local"], true), "https://studio-pc.local:8642/");
        assert_eq!(of("192.168.0.7:8642", &[], true), "https://192.168.0.7:8642/");
        assert_eq!(of("[2001:db8::1]:8642", &[], true), "https://[2001:db8::1]:8642/");
        assert!(!of("0.0.0.0:8642", &[], false).contains("0.0.0.0"));
    }
}
