//! The socket, while many want it, or somebody wants too much of it.

use futures::StreamExt as _;
use futures_util::SinkExt as _;
use serde_json::json;
use tests::client::Client;
use tests::log::posted;
use tests::server::Server;
use tokio_tungstenite::tungstenite::Message;

use crate::auditor;
use crate::socket::{PATIENCE, Socket};

/// Messages in the general room, of so many bytes each, written into the log of a server that is stopped.
async fn fill(server: &Server, messages: usize, bytes: usize) {
    let message = |number| {
        let text = format!("number {number} {}", "x".repeat(bytes));
        posted(number, "GENERAL", &text)
    };
    tests::log::fill(server, (0..messages).map(message)).await;
}

#[tokio::test]
async fn strangers_take_no_place_from_auditors_and_are_soon_sent_away() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let nobody = server.client();
    let mut strangers = Vec::new();
    let refused = loop {
        match Socket::try_open(&server, &nobody, &[], None).await {
            Ok(stranger) => strangers.push(stranger),
            Err(refused) => break refused,
        }
        assert!(strangers.len() <= 64, "there is an end to strangers");
    };
    assert_eq!(refused.status, 503, "{refused:?}");
    let mut socket = Socket::open(&server, &admin, &[("after", "0")]).await;
    socket.next().await;
    let mut first = strangers.swap_remove(0);
    first.rest().await;
    let (code, _) = first.closed.expect("it is closed");
    assert_eq!(code, 4001, "nobody said who is there");
    let mut late = Socket::introduce(&server, &[("after", "0")], &admin.token).await;
    late.next().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_never_stops_talking_is_shown_what_happens() {
    let mut server = Server::start().await;
    server.stop().await;
    fill(&server, 4_000, 400).await;
    server.restart().await;
    let admin = server.admin().await;
    let question = [("after", "0"), ("text", "number 3999 ")];
    let opened = Socket::try_open(&server, &admin, &question, None).await;
    let (mut saying, mut hearing) = opened.unwrap().split();
    let talking =
        tokio::spawn(async move { while saying.send(Message::text("{}")).await.is_ok() {} });
    let shown = async {
        while let Some(Ok(message)) = hearing.next().await {
            if message.is_text() {
                return true;
            }
        }
        false
    };
    let shown = tokio::time::timeout(PATIENCE, shown).await;
    talking.abort();
    assert_eq!(shown, Ok(true), "it is found all the same");
}

/// Begins to show large messages to somebody who takes one of them and then waits.
async fn busy(server: &mut Server) -> (Client, Client, Socket) {
    server.stop().await;
    fill(server, 400, 200_000).await;
    server.restart().await;
    let admin = server.admin().await;
    let eve = auditor(&admin, "eve").await;
    let question = [("after", "0"), ("type", "MessagePosted")];
    let opened = Socket::try_open(server, &eve, &question, None).await;
    let mut socket = opened.unwrap();
    socket.next().await;
    (admin, eve, socket)
}

/// More than fits on the way to somebody who takes nothing, and fewer than are read at once.
const MANY: usize = 150;

#[tokio::test(flavor = "multi_thread")]
async fn who_loses_the_right_is_not_shown_all_that_was_read_before() {
    let mut server = Server::start().await;
    let (admin, _, mut socket) = busy(&mut server).await;
    let give = json!({"username": "eve", "roleId": "auditor"});
    admin.post("roles.removeUserFromRole", give).await.ok();
    let shown = socket.rest().await.len();
    assert!(shown < MANY, "{shown} are shown");
    let (code, reason) = socket.closed.expect("it is closed");
    assert_eq!(code, 4003, "{reason}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_stops_records_what_was_shown_to_who_takes_nothing() {
    let mut server = Server::start().await;
    server.set_env("SHUTDOWN_TIMEOUT", "3s");
    let (_, eve, socket) = busy(&mut server).await;
    server.stop().await;
    server.restart().await;
    let admin = server.admin().await;
    let question = [("type", "ReadingEnded"), ("actor", "eve")];
    let ended = crate::page(&admin, &question).await.events;
    let shown = ended
        .iter()
        .filter_map(|one| one["data"]["shown"]["results"].as_u64());
    let shown: Vec<_> = shown.collect();
    let [shown] = shown[..] else {
        panic!("one reading of {} has ended: {ended:?}", eve.user_id)
    };
    assert!(shown > 0, "something was shown");
    drop(socket);
}
