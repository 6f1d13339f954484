//! Where a request comes from.

use std::net::{IpAddr, Ipv4Addr};

use application::origin::{Client, parse_address};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};

use crate::http::forwarded;

/// The address a request comes from, past reverse proxies: an extension of the request.
#[derive(Clone, Copy, Debug)]
pub struct Address(pub IpAddr);

/// What a request says of its sender; its [`Address`] was found when it arrived.
pub fn of(parts: &Parts) -> Client {
    let address = parts.extensions.get::<Address>();
    let user_agent = parts
        .headers
        .get(header::USER_AGENT)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    Client {
        address: address.map_or(IpAddr::V4(Ipv4Addr::LOCALHOST), |address| address.0),
        user_agent: user_agent.to_owned(),
        local: false,
    }
}

/// The address a request comes from if `peer` is at the other end. `proxies` is the number of reverse proxies that add
/// to `X-Forwarded-For` or `Forwarded` (`HTTP_FORWARDED_COUNT`). With 0, `X-Real-IP` counts if it comes from this
/// machine or a private network, where a proxy may be; anybody else could write anything into it.
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
    use crate::http::forwarded::tests::headers;

    fn seen(peer: &str, said: &[(&'static str, &str)], proxies: usize) -> String {
        let peer = peer.parse().expect("an address");
        address(&headers(said), peer, proxies).to_string()
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
