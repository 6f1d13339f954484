//! Where a request ends, and what a head that cannot be read is answered.

use std::time::Duration;

use tests::raw::Raw;
use tests::server::Server;

const PROMPT: Duration = Duration::from_secs(5);

#[tokio::test]
async fn what_stands_behind_a_request_holds_nothing_back() {
    let server = Server::start().await;
    for behind in ["x", "\r\n", "\n", "\r\n\r\n", "GET /livez HT"] {
        let mut raw = Raw::connect(server.port()).await;
        raw.send(format!("GET /livez HTTP/1.1\r\nHost: x\r\n\r\n{behind}").as_bytes())
            .await;
        let answer = raw.answer_within(PROMPT).await;
        assert_eq!(
            answer.map(|answer| answer.status),
            Some(200),
            "{behind:?} behind it"
        );
    }
    let mut raw = Raw::connect(server.port()).await;
    let request = "GET /livez HTTP/1.1\r\nHost: x\r\n\r\n";
    raw.send(request.repeat(3).as_bytes()).await;
    for _ in 0..3 {
        let answer = raw.answer_within(PROMPT).await;
        assert_eq!(
            answer.map(|answer| answer.status),
            Some(200),
            "one after the other"
        );
    }
}

#[tokio::test]
async fn a_head_that_cannot_be_read_is_refused_in_words() {
    let server = Server::start().await;
    let headers = |count: usize| {
        let lines: Vec<String> = (0..count)
            .map(|number| format!("X-{number}: y\r\n"))
            .collect();
        let lines = lines.concat();
        format!("GET /livez HTTP/1.1\r\nHost: x\r\n{lines}\r\n")
    };
    let url = |length: usize| format!("GET /{} HTTP/1.1\r\nHost: x\r\n\r\n", "u".repeat(length));
    let large = |length: usize| {
        format!(
            "GET /livez HTTP/1.1\r\nHost: x\r\nX: {}\r\n\r\n",
            "v".repeat(length)
        )
    };
    for (what, head, status) in [
        ("99 headers", headers(98), 200),
        ("many headers", headers(101), 431),
        ("very many headers", headers(5000), 431),
        ("a header that is not large", large(15_000), 200),
        ("a large header", large(17_000), 431),
        ("a larger header", large(70_000), 431),
        ("a huge header", large(2_000_000), 431),
        ("a long address", url(17_000), 414),
        ("a longer address", url(200_000), 414),
        ("a huge address", url(2_000_000), 414),
        ("no HTTP", "hello\r\n\r\n".to_owned(), 400),
        (
            "a control character",
            "GET /\u{1} HTTP/1.1\r\nHost: x\r\n\r\n".to_owned(),
            400,
        ),
        (
            "a broken header",
            "GET / HTTP/1.1\r\nA B\r\n\r\n".to_owned(),
            400,
        ),
        (
            "another version",
            "GET / HTTP/7.0\r\nHost: x\r\n\r\n".to_owned(),
            400,
        ),
        (
            "two lengths",
            "POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n".to_owned(),
            400,
        ),
    ] {
        let mut raw = Raw::connect(server.port()).await;
        raw.send(head.as_bytes()).await;
        let answer = raw
            .answer()
            .await
            .unwrap_or_else(|| panic!("{what}: no answer"));
        assert_eq!(answer.status, status, "{what}: {}", answer.head);
        if status == 200 {
            continue;
        }
        let body = answer.json();
        assert_eq!(body["success"], false, "{what}: {body}");
        assert!(
            body["error"].as_str().is_some_and(|text| !text.is_empty()),
            "{what}: {body}"
        );
        assert!(
            answer.head.to_lowercase().contains("application/json"),
            "{what}: {}",
            answer.head
        );
        assert!(
            answer.head.to_lowercase().contains("connection: close"),
            "{what}: {}",
            answer.head
        );
        assert!(raw.closes().await, "{what}: the connection closes");
    }
    // After answers, too.
    let mut raw = Raw::connect(server.port()).await;
    raw.send(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n").await;
    assert_eq!(raw.answer().await.map(|answer| answer.status), Some(200));
    raw.send(b"nonsense\r\n\r\n").await;
    let answer = raw.answer().await.expect("an answer");
    assert_eq!(
        (answer.status, answer.json()["success"].clone()),
        (400, false.into())
    );
    assert!(raw.closes().await);
}
