//! Downloads that take long, because whoever takes them is slow.

use std::time::{Duration, Instant};

use rand::distr::{Alphanumeric, SampleString as _};
use reqwest::Method;
use serde_json::json;
use tests::client::Client;
use tests::log::posted;
use tests::server::Server;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};

use crate::background::{asked, complete, look, unpacked};
use crate::{Exports, found};

const DOOR: &str = "/audit/exports";

/// How many may be taken at once.
const MOST: usize = 8;

/// How long something may take to be noticed.
const PATIENCE: Duration = Duration::from_mins(1);

/// A server, and an export that is larger than what is on its way in a connection. It does not become small in an archive.
async fn large() -> (Server, Client, String) {
    let mut server = Server::start().await;
    server.stop().await;
    let message = |number| {
        let text = Alphanumeric.sample_string(&mut rand::rng(), 100_000);
        posted(number, "GENERAL", &text)
    };
    tests::log::fill(&server, (0..160).map(message)).await;
    server.restart().await;
    let admin = server.admin().await;
    let id = asked(&admin, json!({"format": "ndjson"})).await;
    complete(&admin, &id).await;
    (server, admin, id)
}

/// Begins to take an export, and takes hardly anything of it.
async fn begun(server: &Server, client: &Client, id: &str) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    let address = ([127, 0, 0, 1], server.port()).into();
    let mut stream = socket.connect(address).await.unwrap();
    // In this version the end of the connection is the end of the body.
    let (user, token) = (&client.user_id, &client.token);
    let head = format!(
        "GET {DOOR}/{id}/download HTTP/1.0\r\nX-User-Id: {user}\r\nX-Auth-Token: {token}\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut status = [0; 12];
    stream.read_exact(&mut status).await.unwrap();
    assert!(status.ends_with(b" 200"), "{}", status.escape_ascii());
    stream
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_removed_while_somebody_takes_it_is_taken_whole() {
    let (server, admin, id) = large().await;
    let mut slow = begun(&server, &admin, &id).await;
    let path = format!("{DOOR}/{id}");
    admin.send(Method::DELETE, &path, None).await.ok();
    look(&admin, &id).await.refused(400);
    let again = format!("{path}/download");
    admin.send(Method::GET, &again, None).await.refused(400);
    let kept = server.data().join("exports").join(&id);
    assert!(kept.exists(), "somebody takes it");
    let mut answer = Vec::new();
    slow.read_to_end(&mut answer).await.unwrap();
    let head = answer.windows(4).position(|part| part == b"\r\n\r\n");
    let archive = &answer[head.unwrap() + 4..];
    let exports = Exports::new();
    let folder = unpacked(archive, &id, &exports.folder("slow"));
    assert!(found(&folder)["manifest"].is_object(), "all of it is there");
    let since = Instant::now();
    while kept.exists() {
        assert!(since.elapsed() < PATIENCE, "the last one removes its files");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn so_many_are_taken_at_once_and_whoever_leaves_gives_a_place_back() {
    let (server, admin, id) = large().await;
    let mut slow = Vec::new();
    for _ in 0..MOST {
        slow.push(begun(&server, &admin, &id).await);
    }
    let path = format!("{DOOR}/{id}/download");
    admin.send(Method::GET, &path, None).await.refused(503);
    drop(slow.pop());
    let headers = [
        ("X-User-Id", &*admin.user_id),
        ("X-Auth-Token", &*admin.token),
    ];
    let since = Instant::now();
    loop {
        let loaded = admin.load(Method::GET, &path, &headers).await;
        if loaded.status == 200 {
            break;
        }
        assert_eq!(loaded.status, 503, "{}", loaded.text());
        assert!(since.elapsed() < PATIENCE, "its place is given back");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
