use super::*;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

const LIMITS: Limits = Limits {
    bytes: 1000,
    time: Duration::from_secs(5),
};

/// A server that gives every connection this answer, and then waits.
async fn server(answer: impl Fn(SocketAddr) -> String) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let answer = answer(address);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let answer = answer.clone();
            tokio::spawn(async move {
                let mut request = [0; 4096];
                let _ = stream.read(&mut request).await;
                let _ = stream.write_all(answer.as_bytes()).await;
                tokio::time::sleep(Duration::from_secs(20)).await;
            });
        }
    });
    address
}

fn ok(body: &str) -> String {
    format!(
        "HTTP/1.1 200 OK\r\nContent-Type: image/PNG; x=1\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

fn fetcher(allowed: &str) -> Fetcher {
    Fetcher::new(allowed.parse().expect("a list"))
}

async fn get(allowed: &str, url: &str) -> Result<Fetched, FetchError> {
    fetcher(allowed).fetch(Outgoing::get(url), LIMITS).await
}

#[tokio::test]
async fn shut_nothing_is_reached_whatever_is_allowed() {
    let address = server(|_| ok("picture")).await;
    let fetcher = fetcher("127.0.0.1").shut();
    let outgoing = Outgoing::get(format!("http://{address}/a"));
    let fetched = fetcher.fetch(outgoing, LIMITS).await;
    assert_eq!(fetched.map(|answer| answer.url), Err(FetchError::Shut));
    let resolved = fetcher.resolve("127.0.0.1").await;
    assert_eq!(resolved, Err(FetchError::Shut));
}

fn is_forbidden(outcome: &Result<Fetched, FetchError>) -> bool {
    matches!(outcome, Err(FetchError::Forbidden(_)))
}

#[tokio::test]
async fn what_the_operator_trusts_is_reached() {
    let address = server(|_| ok("picture")).await;
    let fetched = get("127.0.0.1", &format!("http://{address}/a"))
        .await
        .expect("an answer");
    assert_eq!(
        (fetched.status.as_u16(), &fetched.body[..]),
        (200, &b"picture"[..])
    );
    assert_eq!(fetched.content_type(), "image/png");
    let url = format!("http://localhost:{}/", address.port());
    assert!(get("localhost", &url).await.is_ok());
}

#[tokio::test]
async fn this_machine_is_not_reached_however_it_is_spelled() {
    let port = server(|_| ok("secret")).await.port();
    for host in [
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f000001",
        "0177.0.0.1",
        "0",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "localhost",
        "LOCALHOST",
        "127.0.0.1.",
        "169.254.169.254",
    ] {
        let outcome = get("", &format!("http://{host}:{port}/")).await;
        assert!(is_forbidden(&outcome), "{host}: {outcome:?}");
    }
}

#[tokio::test]
async fn other_connections_go_only_where_requests_may() {
    for host in ["127.0.0.1", "localhost", "10.0.0.1", "[::1]"] {
        let outcome = fetcher("").resolve(host).await;
        assert!(
            matches!(outcome, Err(FetchError::Forbidden(_))),
            "{host}: {outcome:?}"
        );
    }
    let trusted = fetcher("127.0.0.1").resolve("127.0.0.1").await;
    assert_eq!(trusted, Ok(vec![IpAddr::from([127, 0, 0, 1])]));
    let trusted = fetcher("localhost").resolve("localhost").await;
    assert!(trusted.is_ok_and(|found| !found.is_empty()));
    assert_eq!(fetcher("").resolve("").await, Err(FetchError::InvalidUrl));
}

#[test]
fn only_some_redirected_requests_become_a_get() {
    let propfind = Method::from_bytes(b"PROPFIND").expect("a method");
    for (status, method, becomes) in [
        (301, &Method::POST, true),
        (302, &Method::POST, true),
        (301, &propfind, false),
        (302, &Method::PUT, false),
        (303, &Method::PUT, true),
        (303, &Method::HEAD, false),
        (307, &Method::POST, false),
        (308, &Method::POST, false),
    ] {
        let status = StatusCode::from_u16(status).expect("a status");
        assert_eq!(becomes_get(status, method), becomes, "{status} {method}");
    }
}

#[tokio::test]
async fn only_the_web_is_reached() {
    for url in [
        "",
        "x",
        "/avatar",
        "file:///etc/passwd",
        "ftp://example.org/a",
        "gopher://127.0.0.1/",
        "data:image/png;base64,AAAA",
        "http://",
    ] {
        let outcome = get("127.0.0.1", url).await;
        assert_eq!(outcome.err(), Some(FetchError::InvalidUrl), "{url}");
    }
}

#[tokio::test]
async fn every_redirection_is_checked() {
    let to = |location: &str| {
        let location = location.to_owned();
        move |_| {
            format!(
                "HTTP/1.1 302 Found\r\nLocation: {location}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
            )
        }
    };
    for location in ["http://127.0.0.2/", "http://10.0.0.1/", "//[::1]/"] {
        let address = server(to(location)).await;
        let outcome = get("127.0.0.1", &format!("http://{address}/")).await;
        assert!(is_forbidden(&outcome), "{location}: {outcome:?}");
    }
    let address = server(to("file:///etc/passwd")).await;
    let outcome = get("127.0.0.1", &format!("http://{address}/")).await;
    assert_eq!(outcome.err(), Some(FetchError::InvalidUrl));
    let address = server(to("/again")).await;
    let outcome = get("127.0.0.1", &format!("http://{address}/")).await;
    assert_eq!(outcome.err(), Some(FetchError::TooManyRedirects));
    let there = server(|_| ok("there")).await;
    let address = server(to(&format!("http://{there}/"))).await;
    let fetched = get("127.0.0.1", &format!("http://{address}/")).await;
    assert_eq!(fetched.expect("an answer").body, "there");
}

#[tokio::test]
async fn credentials_stay_with_the_first_host() {
    let (sender, mut seen) = tokio::sync::mpsc::channel::<String>(4);
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let there = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = vec![0; 4096];
            let length = stream.read(&mut request).await.unwrap_or(0);
            let text = String::from_utf8_lossy(&request[..length]).into_owned();
            let _ = sender.send(text).await;
            let _ = stream.write_all(ok("x").as_bytes()).await;
        }
    });
    let address = server(|_| {
        format!("HTTP/1.1 307 Temporary\r\nLocation: http://{there}/\r\nContent-Length: 0\r\n\r\n")
    })
    .await;
    let mut request = Outgoing::get(format!("http://{address}/"));
    let value = "Bearer secret".parse().expect("a header");
    request.headers.insert(header::AUTHORIZATION, value);
    fetcher("127.0.0.1")
        .fetch(request, LIMITS)
        .await
        .expect("an answer");
    let seen = seen.recv().await.expect("a request");
    assert!(!seen.contains("secret"), "{seen}");
}

#[tokio::test]
async fn size_and_time_have_limits() {
    let long = "x".repeat(1001);
    let address = server(|_| ok(&long)).await;
    let outcome = get("127.0.0.1", &format!("http://{address}/")).await;
    assert_eq!(outcome.err(), Some(FetchError::TooLarge), "declared");
    let chunked = format!(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n{long}\r\n0\r\n\r\n",
        long.len()
    );
    let address = server(|_| chunked.clone()).await;
    let outcome = get("127.0.0.1", &format!("http://{address}/")).await;
    assert_eq!(outcome.err(), Some(FetchError::TooLarge), "not declared");
    let slow = "HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\nsome";
    let address = server(|_| slow.to_owned()).await;
    let limits = Limits {
        time: Duration::from_millis(300),
        ..LIMITS
    };
    let outcome = fetcher("127.0.0.1")
        .fetch(Outgoing::get(format!("http://{address}/")), limits)
        .await;
    assert_eq!(outcome.err(), Some(FetchError::TimedOut));
}

#[tokio::test]
async fn who_is_not_there_is_not_reached() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    drop(listener);
    let outcome = get("127.0.0.1", &format!("http://{address}/")).await;
    assert!(
        matches!(outcome, Err(FetchError::Unreachable(_))),
        "{outcome:?}"
    );
}
