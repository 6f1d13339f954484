//! Reading what was said, by methods.

use serde_json::{Value, json};
use tests::client::Client;
use tests::method::method;
use tests::on_both_logs;
use tests::server::ServerOptions;

use super::{Scene, reply, say, shown, texts};

on_both_logs!(a_room_is_read_by_methods);

async fn a_room_is_read_by_methods(options: ServerOptions) {
    let scene = Scene::begin(options).await;
    let Scene {
        alice,
        bob,
        eve,
        room,
        ..
    } = &scene;
    let mut ids = Vec::new();
    for text in ["one", "two", "three", "four", "five"] {
        ids.push(say(alice, room, text).await);
    }
    reply(alice, room, &ids[0], "reply").await;
    let call = async |name: &str, params: Value| method(bob, name, params).await["result"].clone();
    let at = async |index: usize| {
        let at = shown(bob, &ids[index]).await["ts"]
            .as_str()
            .unwrap()
            .to_owned();
        let at = chrono_millis(&at);
        json!({ "$date": at })
    };
    let newest = call("loadHistory", json!([room, null, 2, at(0).await, false])).await;
    assert_eq!(texts(&newest, "messages"), ["five", "four"]);
    assert_eq!(newest["unreadNotLoaded"], 2, "{newest}");
    assert_eq!(newest["firstUnread"]["msg"], "two");
    let with_replies = call("loadHistory", json!([room, null, 1])).await;
    assert_eq!(texts(&with_replies, "messages"), ["reply"]);
    let before = call("loadHistory", json!([room, at(2).await, 20, null, false])).await;
    assert_eq!(texts(&before, "messages")[..2], ["two", "one"]);
    let missed = call("loadMissedMessages", json!([room, at(2).await])).await;
    assert_eq!(
        texts(&json!({ "all": missed }), "all"),
        ["reply", "five", "four"]
    );
    let next = call("loadNextMessages", json!([room, at(1).await, 2])).await;
    assert_eq!(texts(&next, "messages"), ["three", "four"]);
    let around = call("loadSurroundingMessages", json!([{ "_id": ids[2] }, 4])).await;
    assert_eq!(texts(&around, "messages"), ["two", "one", "three", "four"]);
    assert_eq!(
        (&around["moreBefore"], &around["moreAfter"]),
        (&json!(false), &json!(true))
    );
    let one = call("getSingleMessage", json!([ids[3]])).await;
    assert_eq!(one["msg"], "four");
    assert!(one["ts"]["$date"].is_number());
    let two = call("getMessages", json!([[ids[0], ids[1]]])).await;
    assert_eq!(texts(&json!({ "all": two }), "all"), ["one", "two"]);
    let span =
        json!([room, { "oldestDate": at(1).await, "latestDate": at(3).await, "inclusive": true }]);
    let found = call("messages/get", span).await;
    assert_eq!(texts(&found, "messages"), ["four", "three", "two"]);
    let wish =
        json!([{ "rid": room, "latest": at(3).await, "count": 1, "showThreadMessages": false }]);
    assert_eq!(
        texts(&call("getChannelHistory", wish).await, "messages"),
        ["three"]
    );
    say(alice, room, "@bob").await;
    let found = call(
        "getUserMentionsByChannel",
        json!([{ "roomId": room, "options": {} }]),
    )
    .await;
    assert_eq!(texts(&json!({ "all": found }), "all"), ["@bob"]);
    refusals(eve, room, &ids[0]).await;
}

/// Milliseconds of a date as REST writes it.
fn chrono_millis(date: &str) -> i64 {
    let date = date.parse::<jiff::Timestamp>().expect("a date");
    date.as_millisecond()
}

async fn refusals(eve: &Client, room: &str, message: &str) {
    for (name, params, result) in [
        ("loadHistory", json!([room]), json!(false)),
        (
            "loadMissedMessages",
            json!([room, { "$date": 0 }]),
            json!(false),
        ),
        ("loadNextMessages", json!([room]), json!(false)),
        (
            "loadSurroundingMessages",
            json!([{ "_id": message }]),
            json!(false),
        ),
        ("getChannelHistory", json!([{ "rid": room }]), json!(false)),
        ("getSingleMessage", json!([message]), Value::Null),
        ("getMessages", json!([[message]]), json!([])),
    ] {
        let answer = method(eve, name, params).await;
        assert_eq!(answer["result"], result, "{name}: {answer}");
    }
    for (name, params, code) in [
        ("messages/get", json!([room, {}]), "error-not-allowed"),
        (
            "getUserMentionsByChannel",
            json!([{ "roomId": room }]),
            "error-invalid-room",
        ),
        (
            "getChannelHistory",
            json!([{ "rid": room, "oldest": "x" }]),
            "error-invalid-date",
        ),
    ] {
        let answer = method(eve, name, params).await;
        assert_eq!(answer["error"]["error"], code, "{name}: {answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_not_logged_in_reads_channels_if_anybody_may() {
    let scene = Scene::begin(ServerOptions::default()).await;
    say(&scene.admin, "GENERAL", "hello").await;
    say(&scene.alice, &scene.room, "secret").await;
    let nobody = scene.server.client();
    let load = async |room: &str| method(&nobody, "loadHistory", json!([room])).await;
    assert_eq!(load("GENERAL").await["result"], false);
    scene.set("Accounts_AllowAnonymousRead", json!(true)).await;
    assert_eq!(
        texts(&load("GENERAL").await["result"], "messages")[0],
        "hello"
    );
    assert_eq!(load(&scene.room).await["result"], false);
    let missed = json!(["GENERAL", { "$date": 0 }]);
    let missed = method(&nobody, "loadMissedMessages", missed).await;
    assert_eq!(missed["result"][0]["msg"], "hello", "{missed}");
}
