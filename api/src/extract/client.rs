//! Where a request comes from.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use axum::http::request::Parts;
use axum::http::{HeaderMap, header};

use super::forwarded;

/// Where a request comes from, past reverse proxies: one of its extensions.
#[derive(Clone, Copy, Debug)]
pub struct Address(pub IpAddr);

/// The program at the other end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Client {
    /// Its address, past reverse proxies.
    pub address: IpAddr,
    /// What it calls itself; empty when it says nothing.
    pub user_agent: String,
    /// It runs on this machine, and no proxy is between ([`super::local`]). Not looked at, and false, where it comes
    /// with good credentials.
    pub local: bool,
}

impl Client {
    /// Reads what a request says of its sender; its [`Address`] was found when it came.
    pub fn of(parts: &Parts) -> Self {
        let address = parts.extensions.get::<Address>();
        let user_agent = parts
            .headers
            .get(header::USER_AGENT)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default();
        Self {
            address: address.map_or(IpAddr::V4(Ipv4Addr::LOCALHOST), |address| address.0),
            user_agent: user_agent.to_owned(),
            local: false,
        }
    }

    /// Who it counts as.
    pub fn household(&self) -> Household {
        Household::of(self.address)
    }
}

/// Who counts as one where callers are counted or known again by their address: a machine has one IPv4 address, but as
/// many IPv6 addresses as it likes out of a network of at least 64 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Household(IpAddr);

impl Household {
    /// Of nobody: what is counted without an address.
    pub const NONE: Self = Self(IpAddr::V4(Ipv4Addr::UNSPECIFIED));

    /// That of an address.
    pub fn of(address: IpAddr) -> Self {
        Self(match address.to_canonical() {
            IpAddr::V6(v6) => Ipv6Addr::from(u128::from(v6) & !u128::from(u64::MAX)).into(),
            v4 @ IpAddr::V4(_) => v4,
        })
    }
}

impl fmt::Display for Household {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            IpAddr::V6(network) => write!(f, "{network}/64"),
            IpAddr::V4(address) => address.fmt(f),
        }
    }
}

/// An address as proxies and people write it: `192.0.2.1`, `192.0.2.1:4711`, `2001:db8::1`, `[2001:db8::1]`,
/// `[2001:db8::1]:4711`, `fe80::1%eth0`. What is an IPv4 address in the clothes of an IPv6 one is an IPv4 address.
pub fn parse_address(text: &str) -> Option<IpAddr> {
    let text = text.trim_ascii();
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let (host, port) = rest.split_once(']')?;
            (
                host,
                port.strip_prefix(':').or(port.is_empty().then_some("0"))?,
            )
        }
        // More than one colon, and it is an address of IPv6.
        None => match text.split_once(':') {
            Some((host, port)) if !port.contains(':') => (host, port),
            _ => (text, "0"),
        },
    };
    port.parse::<u16>().ok()?;
    let host = host.split_once('%').map_or(host, |(host, _)| host);
    let address: IpAddr = host.parse().ok()?;
    Some(address.to_canonical())
}

/// The address a request comes from when `peer` is at the other end. `proxies` is the number of reverse proxies that add
/// to `X-Forwarded-For` or `Forwarded` (`HTTP_FORWARDED_COUNT`). With 0, `X-Real-IP` counts if it comes from this machine
/// or a private network, where a proxy may be; anybody else could write into it what they like.
pub fn address(headers: &HeaderMap, peer: IpAddr, proxies: usize) -> IpAddr {
    let peer = peer.to_canonical();
    let said = if proxies > 0 {
        forwarded::address(headers, proxies)
    } else if is_near(peer) {
        headers
            .get("x-real-ip")
            .and_then(|value| parse_address(value.to_str().ok()?))
    } else {
        None
    };
    said.unwrap_or(peer)
}

fn is_near(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => v4.is_loopback() || v4.is_private(),
        IpAddr::V6(v6) => v6.is_loopback() || v6.is_unique_local(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::extract::forwarded::tests::headers;

    fn seen(peer: &str, said: &[(&'static str, &str)], proxies: usize) -> String {
        let peer = peer.parse().expect("an address");
        address(&headers(said), peer, proxies).to_string()
    }

    #[test]
    fn addresses_of_one_network_count_as_one() {
        let one = |text: &str| Household::of(text.parse().expect("an address"));
        assert_eq!(one("2001:db8:1:2:3:4:5:6"), one("2001:db8:1:2::9"));
        assert_ne!(one("2001:db8:1:2::9"), one("2001:db8:1:3::9"));
        assert_ne!(one("192.0.2.1"), one("192.0.2.2"));
        assert_eq!(one("::ffff:192.0.2.1"), one("192.0.2.1"));
        assert_eq!(one("2001:db8::1").to_string(), "2001:db8::/64");
    }

    #[test]
    fn addresses_are_written_in_many_ways() {
        let table = [
            ("192.0.2.1", Some("192.0.2.1")),
            (" 192.0.2.1 ", Some("192.0.2.1")),
            ("192.0.2.1:4711", Some("192.0.2.1")),
            ("2001:DB8::1", Some("2001:db8::1")),
            ("[2001:db8::1]", Some("2001:db8::1")),
            ("[2001:db8::1]:4711", Some("2001:db8::1")),
            ("fe80::1%eth0", Some("fe80::1")),
            ("::ffff:192.0.2.1", Some("192.0.2.1")),
            ("[::ffff:192.0.2.1]:4711", Some("192.0.2.1")),
            ("::ffff:c000:201", Some("192.0.2.1")),
            ("", None),
            ("unknown", None),
            ("_hidden", None),
            ("192.0.2.1:", None),
            ("192.0.2.1:http", None),
            ("192.0.2.1:70000", None),
            ("[2001:db8::1", None),
            ("[2001:db8::1]4711", None),
            ("192.0.2.256", None),
        ];
        for (text, wanted) in table {
            let wanted = wanted.map(|wanted| wanted.parse::<IpAddr>().expect("an address"));
            assert_eq!(parse_address(text), wanted, "{text}");
        }
    }

    #[test]
    fn the_address_is_the_one_a_trusted_proxy_tells() {
        let real = [("x-real-ip", "198.51.100.7")];
        assert_eq!(seen("127.0.0.1", &real, 0), "198.51.100.7");
        assert_eq!(seen("203.0.113.9", &real, 0), "203.0.113.9");
        let real = [("x-real-ip", "[2001:db8::7]:443")];
        assert_eq!(seen("127.0.0.1", &real, 0), "2001:db8::7");
        let chain = [("x-forwarded-for", "1.1.1.1, 2.2.2.2, 3.3.3.3")];
        assert_eq!(seen("127.0.0.1", &chain, 0), "127.0.0.1");
        assert_eq!(seen("127.0.0.1", &chain, 2), "2.2.2.2");
        assert_eq!(seen("127.0.0.1", &chain, 9), "127.0.0.1");
        let nonsense = [("x-real-ip", "nonsense")];
        assert_eq!(seen("127.0.0.1", &nonsense, 0), "127.0.0.1");
    }
}
