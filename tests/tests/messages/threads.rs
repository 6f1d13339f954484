//! Threads: their list, the replies in them, who follows them.

use serde_json::{Value, json};
use tests::client::Client;
use tests::method::method;
use tests::on_both_logs;
use tests::server::ServerOptions;

use super::{Scene, answers, reply, say, shown, texts};

on_both_logs!(
    threads_are_listed_and_read,
    whoever_follows_a_thread_is_told_of_replies
);

async fn threads_are_listed_and_read(options: ServerOptions) {
    let scene = Scene::begin(options).await;
    let Scene {
        alice, bob, room, ..
    } = &scene;
    let first = say(alice, room, "First subject").await;
    let second = say(alice, room, "Second subject").await;
    say(alice, room, "nobody replies").await;
    for text in ["one", "two", "three"] {
        reply(bob, room, &first, text).await;
    }
    reply(alice, room, &second, "four").await;
    reply(alice, room, &first, "five").await;

    let list = |more: &str| format!("chat.getThreadsList?rid={room}{more}");
    let all = bob.get(&list("")).await.ok();
    assert_eq!(
        texts(&all, "threads"),
        ["First subject", "Second subject"],
        "the last reply first"
    );
    assert_eq!(
        (&all["total"], &all["threads"][0]["tcount"]),
        (&json!(2), &json!(4))
    );
    for (more, found) in [
        ("&type=following", vec!["First subject"]),
        ("&type=unread", vec!["First subject"]),
        ("&text=SECOND", vec!["Second subject"]),
        ("&text=nothing", vec![]),
        ("&sort={\"tlm\":1}", vec!["Second subject", "First subject"]),
        ("&count=1", vec!["First subject"]),
        ("&count=1&offset=1", vec!["Second subject"]),
        ("&query={\"tcount\":1}", vec!["Second subject"]),
    ] {
        assert_eq!(
            texts(&bob.get(&list(more)).await.ok(), "threads"),
            found,
            "{more}"
        );
    }
    let replies = |more: &str| format!("chat.getThreadMessages?tmid={first}{more}");
    let all = bob.get(&replies("")).await.ok();
    assert_eq!(texts(&all, "messages"), ["one", "two", "three", "five"]);
    assert_eq!(all["total"], 4);
    let newest = bob.get(&replies("&count=2&sort={\"ts\":-1}")).await.ok();
    assert_eq!(texts(&newest, "messages"), ["five", "three"]);
    let third = all["messages"][2]["_id"].as_str().unwrap();
    let around = bob
        .get(&replies(&format!("&count=3&aroundId={third}")))
        .await
        .ok();
    assert_eq!(texts(&around, "messages"), ["two", "three", "five"]);
    let unread = bob.get(&list("&type=unread")).await.ok();
    assert_eq!(
        unread["total"], 1,
        "reading the replies so does not mark them as read"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn threads_have_their_refusals() {
    let scene = Scene::begin(ServerOptions::default()).await;
    let message = say(&scene.alice, &scene.room, "subject").await;
    reply(&scene.bob, &scene.room, &message, "reply").await;
    let named = (scene.room.as_str(), message.as_str());
    let no_tmid = "The required \"tmid\" query param is missing. [error-invalid-params]";
    let invalid = "Invalid Message [error-invalid-message]";
    answers(
        &scene.bob,
        named,
        &[
            ("chat.getThreadMessages", "", 400, no_tmid),
            ("chat.syncThreadMessages", "", 400, no_tmid),
            ("chat.getThreadMessages?tmid=nosuch", "", 400, invalid),
            (
                "chat.getThreadMessages?tmid=MESSAGE&aroundId=nosuch",
                "",
                400,
                invalid,
            ),
            (
                "chat.getThreadsList?rid=ROOM&type=other",
                "",
                400,
                "Match error: Expected one of following, unread in field type",
            ),
            (
                "chat.followMessage",
                "{}",
                400,
                "[The required \"mid\" body param is missing.]",
            ),
            (
                "chat.unfollowMessage",
                "{}",
                400,
                "[The required \"mid\" body param is missing.]",
            ),
            (
                "chat.followMessage",
                r#"{"mid":"nosuch"}"#,
                400,
                "Invalid message [error-invalid-message]",
            ),
        ],
    )
    .await;
    answers(
        &scene.eve,
        named,
        &[
            (
                "chat.getThreadsList?rid=ROOM",
                "",
                400,
                "Not Allowed [error-not-allowed]",
            ),
            ("chat.getThreadMessages?tmid=MESSAGE", "", 400, invalid),
            (
                "chat.followMessage",
                r#"{"mid":"MESSAGE"}"#,
                400,
                "Invalid message [error-invalid-message]",
            ),
        ],
    )
    .await;
    scene.set("Threads_enabled", json!(false)).await;
    let off = "Threads Disabled [error-not-allowed]";
    answers(
        &scene.bob,
        named,
        &[
            ("chat.getThreadsList?rid=ROOM", "", 400, off),
            ("chat.getThreadMessages?tmid=MESSAGE", "", 400, off),
            (
                "chat.followMessage",
                r#"{"mid":"MESSAGE"}"#,
                400,
                "not-allowed [error-not-allowed]",
            ),
        ],
    )
    .await;
}

/// Threads of the room that somebody has not read.
async fn unread(client: &Client, room: &str) -> Value {
    let path = format!("subscriptions.getOne?roomId={room}");
    client.get(&path).await.ok()["subscription"]["tunread"].clone()
}

async fn whoever_follows_a_thread_is_told_of_replies(options: ServerOptions) {
    let scene = Scene::begin(options).await;
    let Scene {
        alice, bob, room, ..
    } = &scene;
    let message = say(alice, room, "subject").await;
    let following = json!({ "mid": message });
    // Before anybody has replied, and twice.
    for _ in 0..2 {
        bob.post("chat.followMessage", following.clone()).await.ok();
    }
    assert_eq!(shown(bob, &message).await["replies"], json!([bob.user_id]));
    let first = reply(alice, room, &message, "one").await;
    assert_eq!(unread(bob, room).await, json!([message]));
    let followers = shown(bob, &message).await["replies"].clone();
    assert!(
        followers
            .as_array()
            .unwrap()
            .contains(&json!(alice.user_id)),
        "{followers}"
    );

    // A reply stands for what it replies to.
    bob.post("chat.unfollowMessage", json!({ "mid": first }))
        .await
        .ok();
    assert_eq!(unread(bob, room).await, Value::Null);
    assert_eq!(
        shown(bob, &message).await["replies"],
        json!([alice.user_id])
    );
    reply(alice, room, &message, "two").await;
    assert_eq!(unread(bob, room).await, Value::Null);
    reply(bob, room, &message, "three").await;
    reply(alice, room, &message, "four").await;
    assert_eq!(
        unread(bob, room).await,
        json!([message]),
        "whoever replies follows again"
    );
    let unfollowed = method(bob, "unfollowMessage", json!([{ "mid": message }])).await;
    assert_eq!(unfollowed["result"], 1);
    assert_eq!(unread(bob, room).await, Value::Null);
    let followed = method(bob, "followMessage", json!([{ "mid": message }])).await;
    assert_eq!(followed["result"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn methods_read_threads() {
    let scene = Scene::begin(ServerOptions::default()).await;
    let Scene {
        alice, bob, room, ..
    } = &scene;
    let message = say(bob, room, "subject").await;
    for text in ["one", "two", "three"] {
        reply(alice, room, &message, text).await;
    }
    let list = method(bob, "getThreadsList", json!([{ "rid": room }])).await;
    assert_eq!(texts(&list, "result"), ["subject"]);
    assert!(list["result"][0]["tlm"]["$date"].is_number(), "{list}");
    assert_eq!(unread(bob, room).await, json!([message]));
    let read = method(
        bob,
        "getThreadMessages",
        json!([{ "tmid": message, "limit": 2 }]),
    )
    .await;
    assert_eq!(texts(&read, "result"), ["subject", "three", "two"]);
    assert_eq!(
        unread(bob, room).await,
        Value::Null,
        "what is read so is read"
    );
    let unknown = method(bob, "getThreadMessages", json!([{ "tmid": "nosuch" }])).await;
    assert_eq!(unknown["result"], json!([]));
    let much = method(
        bob,
        "getThreadMessages",
        json!([{ "tmid": message, "limit": 101 }]),
    )
    .await;
    assert_eq!(much["error"]["reason"], "max limit: 100", "{much}");
    let hidden = method(&scene.eve, "getThreadsList", json!([{ "rid": room }])).await;
    assert_eq!(hidden["error"]["error"], "error-not-allowed", "{hidden}");
}
