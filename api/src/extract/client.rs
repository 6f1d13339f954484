//! Where a request comes from.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use axum::extract::ConnectInfo;
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};

/// The program at the other end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Client {
    /// Its address, past reverse proxies.
    pub address: IpAddr,
    /// What it calls itself; empty when it says nothing.
    pub user_agent: String,
    /// It runs on this machine, and no proxy is between ([`super::local`]).
    pub local: bool,
}

impl Client {
    /// Reads what a request says of its sender. `proxies` is the number of reverse proxies that add to
    /// `X-Forwarded-For` (`HTTP_FORWARDED_COUNT`). With 0, `X-Real-IP` counts if it comes from this machine or a
    /// private network, where a proxy may be; anybody else could write into it what they like.
    pub fn of(parts: &Parts, proxies: usize) -> Self {
        let peer = parts
            .extensions
            .get::<ConnectInfo<SocketAddr>>()
            .map_or(IpAddr::V4(Ipv4Addr::LOCALHOST), |info| {
                info.0.ip().to_canonical()
            });
        let user_agent = parts
            .headers
            .get(header::USER_AGENT)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default();
        Self {
            address: address(&parts.headers, peer, proxies),
            user_agent: user_agent.to_owned(),
            local: super::local::is_local(parts),
        }
    }
}

fn address(headers: &HeaderMap, peer: IpAddr, proxies: usize) -> IpAddr {
    let said = if proxies > 0 {
        forwarded(headers, proxies)
    } else if is_near(peer) {
        headers
            .get("x-real-ip")
            .and_then(|value| value.to_str().ok()?.trim().parse::<IpAddr>().ok())
    } else {
        None
    };
    said.map_or(peer, |said| said.to_canonical())
}

/// The `proxies`-th address from the right of `X-Forwarded-For`.
fn forwarded(headers: &HeaderMap, proxies: usize) -> Option<IpAddr> {
    let lines: Vec<&str> = headers
        .get_all("x-forwarded-for")
        .iter()
        .filter_map(|value| value.to_str().ok())
        .collect();
    let all = lines.join(",");
    all.rsplit(',').nth(proxies - 1)?.trim().parse().ok()
}

/// Who counts as one where callers are counted by their address: a machine has one IPv4 address, but as many IPv6
/// addresses as it likes out of a network of at least 64 bits.
pub fn household(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => {
            let network = u128::from(v6) & !u128::from(u64::MAX);
            IpAddr::V6(network.into())
        }
        v4 @ IpAddr::V4(_) => v4,
    }
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

    fn seen(peer: &str, headers: &[(&'static str, &str)], proxies: usize) -> String {
        let headers = headers
            .iter()
            .map(|(name, value)| {
                (
                    axum::http::HeaderName::from_static(name),
                    value.parse().expect("a header"),
                )
            })
            .collect();
        address(&headers, peer.parse().expect("an address"), proxies).to_string()
    }

    #[test]
    fn addresses_of_one_network_count_as_one() {
        let one = |text: &str| household(text.parse().expect("an address"));
        assert_eq!(one("2001:db8:1:2:3:4:5:6"), one("2001:db8:1:2::9"));
        assert_ne!(one("2001:db8:1:2::9"), one("2001:db8:1:3::9"));
        assert_ne!(one("192.0.2.1"), one("192.0.2.2"));
        assert_eq!(one("::ffff:192.0.2.1"), one("192.0.2.1"));
    }

    #[test]
    fn the_address_is_the_one_a_trusted_proxy_tells() {
        let real = [("x-real-ip", "198.51.100.7")];
        assert_eq!(seen("127.0.0.1", &real, 0), "198.51.100.7");
        assert_eq!(seen("203.0.113.9", &real, 0), "203.0.113.9");
        let chain = [("x-forwarded-for", "1.1.1.1, 2.2.2.2, 3.3.3.3")];
        assert_eq!(seen("127.0.0.1", &chain, 0), "127.0.0.1");
        assert_eq!(seen("127.0.0.1", &chain, 1), "3.3.3.3");
        assert_eq!(seen("127.0.0.1", &chain, 2), "2.2.2.2");
        assert_eq!(seen("127.0.0.1", &chain, 9), "127.0.0.1");
        let mapped = [("x-forwarded-for", "::ffff:198.51.100.7")];
        assert_eq!(seen("127.0.0.1", &mapped, 1), "198.51.100.7");
        assert_eq!(
            seen("127.0.0.1", &[("x-real-ip", "nonsense")], 0),
            "127.0.0.1"
        );
    }
}
