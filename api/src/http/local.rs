//! Whether a request was made on this machine, by somebody who uses it.

use std::net::SocketAddr;

use application::origin::names_this_machine;
use axum::extract::ConnectInfo;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Version, header};

/// Parts of the names of headers that proxies add.
const TRACES: &[&str] = &[
    "forward",
    "real-ip",
    "client-ip",
    "clientip",
    "connecting-ip",
    "remote-ip",
    "remote-addr",
    "user-ip",
    "peer-ip",
    "original-",
    "external-address",
    "x-scheme",
    "front-end",
    "request-start",
    "proxy-",
    "arr-",
    "cdn-",
    "cf-",
    "amzn",
];

/// Whether the connection comes from this machine and the request shows no trace of a proxy, or of another site's page
/// in a browser on this machine. The request must name this machine by a name that leads nowhere else: a name that a
/// name server resolved to it does not count.
pub fn is_local(parts: &Parts) -> bool {
    let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>();
    peer.is_some_and(|peer| peer.0.ip().to_canonical().is_loopback())
        // Some proxies that add nothing speak HTTP/1.0.
        && parts.version >= Version::HTTP_11
        && is_addressed_here(parts)
        && !has_passed_proxy(&parts.headers)
        && is_of_own_site(&parts.headers)
}

fn has_passed_proxy(headers: &HeaderMap) -> bool {
    headers.keys().any(|name| {
        let name = name.as_str();
        name == "via" || TRACES.iter().any(|trace| name.contains(trace))
    })
}

/// However the request names its host, it names this machine: programs in between go by one or the other.
fn is_addressed_here(parts: &Parts) -> bool {
    let hosts = parts.headers.get_all(header::HOST).iter();
    let mut names: Vec<Option<&str>> = hosts.map(|host| host.to_str().ok()).collect();
    names.extend(parts.uri.authority().map(|host| Some(host.as_str())));
    !names.is_empty()
        && names
            .into_iter()
            .all(|name| name.is_some_and(names_this_machine))
}

/// Browsers say which site a request comes from.
fn is_of_own_site(headers: &HeaderMap) -> bool {
    let from_elsewhere = |site: &HeaderValue| site != "same-origin" && site != "none";
    if headers.get_all("sec-fetch-site").iter().any(from_elsewhere) {
        return false;
    }
    let Some(origin) = headers.get(header::ORIGIN) else {
        return true;
    };
    let host = origin
        .to_str()
        .ok()
        .and_then(|origin| origin.split_once("://"));
    host.is_some_and(|(_, host)| names_this_machine(host))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(peer: &str, headers: &[(&str, &str)]) -> Parts {
        let mut request = axum::http::Request::post("/api/v1/users.register");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let peer: SocketAddr = peer.parse().expect("an address");
        let request = request.extension(ConnectInfo(peer)).body(());
        request.expect("a request").into_parts().0
    }

    #[test]
    fn a_request_made_here_counts() {
        for (peer, host) in [
            ("127.0.0.1:4", "localhost:3000"),
            ("127.0.0.1:4", "LOCALHOST"),
            ("127.0.0.1:4", "127.0.0.1:3000"),
            ("[::1]:4", "[::1]:3000"),
            ("[::ffff:127.0.0.1]:4", "localhost:3000"),
        ] {
            assert!(is_local(&parts(peer, &[("host", host)])), "{peer} {host}");
        }
        let page = [
            ("host", "localhost:3000"),
            ("origin", "http://localhost:3000"),
        ];
        assert!(is_local(&parts("127.0.0.1:4", &page)));
    }

    #[test]
    fn a_trace_of_somebody_else_does_not() {
        let here = ("host", "localhost:3000");
        for trace in [
            ("x-forwarded-for", "203.0.113.9"),
            ("x-forwarded-for", ""),
            ("x-forwarded-proto", "https"),
            ("x-forwarded-host", "chat.example.org"),
            ("forwarded", "for=203.0.113.9"),
            ("x-original-forwarded-for", "203.0.113.9"),
            ("x-real-ip", "127.0.0.1"),
            ("via", "1.1 proxy"),
            ("cf-connecting-ip", "203.0.113.9"),
            ("cf-ray", "1"),
            ("true-client-ip", "203.0.113.9"),
            ("fastly-client-ip", "203.0.113.9"),
            ("x-cluster-client-ip", "203.0.113.9"),
            ("x-azure-clientip", "203.0.113.9"),
            ("x-appengine-user-ip", "203.0.113.9"),
            ("x-envoy-external-address", "203.0.113.9"),
            ("cdn-loop", "x"),
            ("x-amzn-trace-id", "Root=1"),
            ("host", "evil.example"),
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-site", "same-site"),
            ("origin", "https://evil.example"),
            ("origin", "null"),
        ] {
            assert!(
                !is_local(&parts("127.0.0.1:4", &[here, trace])),
                "{trace:?}"
            );
        }
        assert!(!is_local(&parts("203.0.113.9:4", &[here])));
        assert!(!is_local(&parts(
            "127.0.0.1:4",
            &[("host", "chat.example.org")]
        )));
        assert!(!is_local(&parts(
            "127.0.0.1:4",
            &[("host", "evil@localhost")]
        )));
        let mut absolute = parts("127.0.0.1:4", &[here]);
        absolute.uri = "http://evil.example/api/v1/users.register"
            .parse()
            .expect("an address");
        assert!(!is_local(&absolute));
        assert!(!is_local(&parts("127.0.0.1:4", &[])));
        let mut old = parts("127.0.0.1:4", &[here]);
        old.version = Version::HTTP_10;
        assert!(!is_local(&old));
    }
}
