//! Where callers come from, as they are counted and recognised.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use http::uri::Authority;

/// What counts as one caller when callers are counted or recognised by their address: a machine has one IPv4 address,
/// but as many IPv6 addresses as it likes out of a network of at least 64 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Household(IpAddr);

impl Household {
    /// The household of requests without an address.
    pub const NONE: Self = Self(IpAddr::V4(Ipv4Addr::UNSPECIFIED));

    /// The household of an address.
    pub fn of(address: IpAddr) -> Self {
        Self(match address.to_canonical() {
            IpAddr::V6(v6) => Ipv6Addr::from(u128::from(v6) & !u128::from(u64::MAX)).into(),
            v4 @ IpAddr::V4(_) => v4,
        })
    }
}

/// The program at the other end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Client {
    /// Its address, past reverse proxies.
    pub address: IpAddr,
    /// As the program states it; empty if it does not.
    pub user_agent: String,
    /// It runs on this machine, with no proxy in between. Not determined, and false, if the request has good
    /// credentials.
    pub local: bool,
}

impl Client {
    /// The household that its address belongs to.
    pub fn household(&self) -> Household {
        Household::of(self.address)
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
/// `[2001:db8::1]:4711`, `fe80::1%eth0`. An IPv4 address that is written as an IPv6 one is an IPv4 address.
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
        // An address with more than one colon is an IPv6 address.
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

/// Whether `host`, with or without a port, names the machine it is used on.
pub fn names_this_machine(host: &str) -> bool {
    let Ok(authority) = host.parse::<Authority>() else {
        return false;
    };
    // Parsers of addresses differ in how they treat anything else around a name.
    let bare = match host.strip_prefix(authority.host()) {
        Some("") => true,
        Some(port) => port.strip_prefix(':').is_some_and(|port| {
            port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok()
        }),
        None => false,
    };
    if !bare {
        return false;
    }
    let name = authority
        .host()
        .trim_start_matches('[')
        .trim_end_matches(']');
    name.eq_ignore_ascii_case("localhost")
        || name
            .parse::<IpAddr>()
            .is_ok_and(|address| address.to_canonical().is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

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
    fn a_host_with_something_around_it_names_nobody() {
        for host in [
            "[::1]evil",
            "localhost:abc",
            "localhost:",
            "127.0.0.1:99999",
            "localhost:+3000",
            "me@localhost",
            "localhost.example.org",
        ] {
            assert!(!names_this_machine(host), "{host}");
        }
    }
}
