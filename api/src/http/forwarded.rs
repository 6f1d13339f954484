//! What reverse proxies add to the requests they pass on: `Forwarded` (RFC 7239), or the older `X-Forwarded-For` and
//! `X-Forwarded-Proto`.

use std::net::IpAddr;

use application::origin::parse_address;
use axum::http::HeaderMap;

/// The address of the client: the `proxies`-th from the right, because every proxy appends the address that called it.
///
/// Proxies write one of the two headers; the other one passes through as the client sent it. If both are there and
/// disagree, either may be forged, and neither is believed.
pub(super) fn address(headers: &HeaderMap, proxies: usize) -> Option<IpAddr> {
    let older = line(headers, "x-forwarded-for").map(|line| {
        let hops = line.split(',').map(str::trim_ascii);
        let hops: Vec<&str> = hops.filter(|hop| !hop.is_empty()).collect();
        nth_from_right(&hops, proxies).and_then(|hop| parse_address(hop))
    });
    let newer = line(headers, "forwarded").map(|line| {
        let hops: Vec<Option<String>> = elements(&line)
            .into_iter()
            .map(|element| parameter(element, "for"))
            .collect();
        let hop = nth_from_right(&hops, proxies)?.as_deref()?;
        parse_address(hop)
    });
    match (older, newer) {
        (Some(older), Some(newer)) => older.filter(|_| older == newer),
        (Some(one), None) | (None, Some(one)) => one,
        (None, None) => None,
    }
}

/// Whether the client uses TLS, according to the proxy nearest to it.
pub fn is_secure(headers: &HeaderMap) -> bool {
    let older = line(headers, "x-forwarded-proto");
    let older = older.and_then(|line| line.split(',').next().map(str::to_owned));
    let newer = line(headers, "forwarded");
    let newer = newer.and_then(|line| parameter(elements(&line).first()?, "proto"));
    let proto = older.or(newer);
    proto.is_some_and(|proto| proto.trim_ascii().eq_ignore_ascii_case("https"))
}

/// Whether a proxy passed the request on.
pub fn is_forwarded(headers: &HeaderMap) -> bool {
    headers.contains_key("x-forwarded-for") || headers.contains_key("forwarded")
}

/// All lines of a header as one; `None`: there are none.
fn line(headers: &HeaderMap, name: &str) -> Option<String> {
    let lines: Vec<&str> = headers
        .get_all(name)
        .iter()
        .map(|value| value.to_str().unwrap_or("unknown"))
        .collect();
    (!lines.is_empty()).then(|| lines.join(","))
}

fn nth_from_right<T>(hops: &[T], number: usize) -> Option<&T> {
    hops.len().checked_sub(number).map(|index| &hops[index])
}

/// The elements of a `Forwarded` header, one per proxy.
fn elements(line: &str) -> Vec<&str> {
    split(line, ',')
        .into_iter()
        .filter(|element| !element.trim_ascii().is_empty())
        .collect()
}

/// The value of a parameter of an element, without its quotes.
fn parameter(element: &str, name: &str) -> Option<String> {
    split(element, ';').into_iter().find_map(|pair| {
        let (key, value) = pair.split_once('=')?;
        if !key.trim_ascii().eq_ignore_ascii_case(name) {
            return None;
        }
        let value = value.trim_ascii();
        let quoted = value
            .strip_prefix('"')
            .and_then(|rest| rest.strip_suffix('"'));
        Some(quoted.map_or_else(|| value.to_owned(), |quoted| quoted.replace('\\', "")))
    })
}

/// Splits a text at each `separator` outside quotes.
fn split(text: &str, separator: char) -> Vec<&str> {
    let (mut quoted, mut escaped) = (false, false);
    text.split(move |character: char| {
        let literal = std::mem::take(&mut escaped);
        match character {
            '\\' if quoted && !literal => escaped = true,
            '"' if !literal => quoted = !quoted,
            _ => {}
        }
        character == separator && !quoted
    })
    .collect()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use axum::http::HeaderName;

    pub(in crate::http) fn headers(said: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in said {
            headers.append(
                HeaderName::from_static(name),
                value.parse().expect("a header"),
            );
        }
        headers
    }

    #[test]
    fn a_proxy_says_who_called_it() {
        type Case<'a> = (&'a [(&'static str, &'a str)], usize, Option<&'a str>);
        let older = "x-forwarded-for";
        let table: [Case<'_>; 20] = [
            (&[], 1, None),
            (&[(older, "1.1.1.1, 2.2.2.2, 3.3.3.3")], 1, Some("3.3.3.3")),
            (&[(older, "1.1.1.1, 2.2.2.2, 3.3.3.3")], 3, Some("1.1.1.1")),
            (&[(older, "1.1.1.1")], 2, None),
            (
                &[(older, "1.1.1.1"), (older, "2.2.2.2:99")],
                1,
                Some("2.2.2.2"),
            ),
            (&[(older, "[2001:db8::1]:4711,")], 1, Some("2001:db8::1")),
            (&[(older, "::ffff:192.0.2.1")], 1, Some("192.0.2.1")),
            (&[(older, "unknown")], 1, None),
            (
                &[("forwarded", "for=192.0.2.60;proto=http;by=203.0.113.43")],
                1,
                Some("192.0.2.60"),
            ),
            (
                &[("forwarded", "For=\"[2001:db8:cafe::17]:4711\"")],
                1,
                Some("2001:db8:cafe::17"),
            ),
            (
                &[("forwarded", "for=\"192.0.2.1:80\"")],
                1,
                Some("192.0.2.1"),
            ),
            (
                &[(
                    "forwarded",
                    "proto=https; FOR = 192.0.2.43 , for=198.51.100.17",
                )],
                2,
                Some("192.0.2.43"),
            ),
            (
                &[
                    ("forwarded", "for=192.0.2.43"),
                    ("forwarded", "for=198.51.100.17"),
                ],
                1,
                Some("198.51.100.17"),
            ),
            (&[("forwarded", "for=192.0.2.43, by=10.0.0.1")], 1, None),
            (&[("forwarded", "for=_hidden, for=unknown")], 1, None),
            (
                &[("forwarded", "host=\"a,for=6.6.6.6;b\\\",\";for=192.0.2.1")],
                1,
                Some("192.0.2.1"),
            ),
            (
                &[("forwarded", "for=192.0.2.1, ext=\"for=6.6.6.6")],
                1,
                None,
            ),
            (
                &[("forwarded", "for=192.0.2.1"), (older, "192.0.2.1:7")],
                1,
                Some("192.0.2.1"),
            ),
            (
                &[("forwarded", "for=6.6.6.6"), (older, "192.0.2.1")],
                1,
                None,
            ),
            (&[("forwarded", ""), (older, "192.0.2.1")], 1, None),
        ];
        for (said, proxies, wanted) in table {
            let wanted = wanted.map(|wanted| wanted.parse::<IpAddr>().expect("an address"));
            assert_eq!(address(&headers(said), proxies), wanted, "{said:?}");
        }
    }

    #[test]
    fn a_proxy_says_whether_there_was_tls() {
        let table: [(&[(&'static str, &str)], bool); 6] = [
            (&[], false),
            (&[("x-forwarded-proto", "https, http")], true),
            (&[("x-forwarded-proto", "http, https")], false),
            (
                &[("forwarded", "for=1.1.1.1;proto=HTTPS, proto=http")],
                true,
            ),
            (&[("forwarded", "proto=\"https\"")], true),
            (&[("forwarded", "proto=http")], false),
        ];
        for (said, wanted) in table {
            assert_eq!(is_secure(&headers(said)), wanted, "{said:?}");
        }
    }
}
