//! Parts of the network: one address, or all that begin alike.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use serde_json::{Value, json};

use crate::model::document::{Node, Path as Place};
use crate::model::problem::Problems;
use crate::model::section::{Read, misplaced};

/// An address, or a network such as `10.0.0.0/8`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    /// Bits that are alike.
    prefix: u32,
}

impl Network {
    pub(super) fn parse(text: &str) -> Option<Network> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().ok()?;
        let bits = if address.is_ipv4() { Ipv4Addr::BITS } else { Ipv6Addr::BITS };
        let digits = |text: &&str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        let prefix = match prefix {
            Some(prefix) => Some(prefix).filter(digits)?.parse().ok().filter(|prefix| *prefix <= bits)?,
            None => bits,
        };
        Some(Network { address, prefix })
    }

    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(own), IpAddr::V4(other)) => {
                self.prefix == 0 || (own.to_bits() ^ other.to_bits()) >> (Ipv4Addr::BITS - self.prefix) == 0
            }
            (IpAddr::V6(own), IpAddr::V6(other)) => {
                self.prefix == 0 || (own.to_bits() ^ other.to_bits()) >> (Ipv6Addr::BITS - self.prefix) == 0
            }
            _ => false,
        }
    }
}

impl Read for Network {
    fn read(node: &Node, path: &Place, problems: &mut Problems) -> Option<Network> {
        let expected = "an address or a network such as `10.0.0.2` or `172.18.0.0/16`";
        match node {
            Node::Text(text) => {
                let network = Network::parse(text.trim());
                if network.is_none() {
                    problems.error(path, format!("`{text}` is not {expected}"));
                }
                network
            }
            other => misplaced(other, path, problems, expected),
        }
    }
    fn schema() -> Value {
        json!({ "type": "string", "examples": ["10.0.0.2", "172.18.0.0/16", "fd00::/8"] })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_holds_what_begins_alike() {
        let holds = |network: &str, address: &str| Network::parse(network).unwrap().contains(address.parse().unwrap());
        for (network, inside, outside) in [
            ("10.0.0.2", "10.0.0.2", "10.0.0.3"),
            ("172.18.0.0/16", "172.18.255.1", "172.19.0.1"),
            ("172.18.7.7/16", "::ffff:172.18.0.1", "172.17.0.1"),
            ("0.0.0.0/0", "203.0.113.9", "::1"),
            ("2001:db8::/32", "2001:db8:ffff::1", "2001:db9::1"),
            ("::1", "::1", "::2"),
        ] {
            assert!(holds(network, inside) && !holds(network, outside), "{network}");
        }
        for wrong in ["", "proxy", "10.0.0.0/33", "10.0.0.0/", "10.0.0/8", "::/129", "10.0.0.0/+8", "10.0.0.2:80"] {
            assert_eq!(Network::parse(wrong), None, "{wrong}");
        }
    }
}
