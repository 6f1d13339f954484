//! Sending and changing messages, by methods.

use std::time::Duration;

use futures::future::join_all;
use serde_json::{Value, json};
use tests::live::Live;
use tests::method::method;
use tests::on_both_logs;
use tests::server::ServerOptions;

use super::{Scene, id, say, shown};

on_both_logs!(methods_send_and_change);

async fn methods_send_and_change(options: ServerOptions) {
    let scene = Scene::begin(options).await;
    let Scene {
        alice, bob, room, ..
    } = &scene;
    let wish = json!([{ "_id": "chosenbytheclient", "rid": room, "msg": "hello @bob" }]);
    let sent = method(alice, "sendMessage", wish.clone()).await["result"].clone();
    assert_eq!(
        (id(&sent).as_str(), &sent["msg"]),
        ("chosenbytheclient", &json!("hello @bob"))
    );
    assert_eq!(sent["mentions"][0]["username"], "bob");
    assert!(sent["ts"]["$date"].is_number(), "{sent}");
    let again = method(alice, "sendMessage", wish).await["result"].clone();
    assert_eq!(id(&again), id(&sent), "the same id is the same message");
    let message = id(&sent);
    let edit = json!([{ "_id": message, "rid": room, "msg": "bye" }]);
    assert_eq!(
        method(alice, "updateMessage", edit.clone()).await["error"],
        Value::Null
    );
    assert_eq!(shown(bob, &message).await["msg"], "bye");
    let not = method(bob, "updateMessage", edit).await;
    assert_eq!(not["error"]["error"], "error-action-not-allowed", "{not}");
    for (wish, code) in [
        (
            json!([{ "_id": message, "msg": "x", "tmid": message }]),
            "error-message-same-as-tmid",
        ),
        (
            json!([{ "_id": message, "msg": "x", "tmid": "other" }]),
            "error-message-change-to-thread",
        ),
    ] {
        let answer = method(alice, "updateMessage", wish).await;
        assert_eq!(answer["error"]["error"], code, "{answer}");
    }
    let unknown = json!([{ "_id": "nosuch", "msg": "x" }]);
    let unknown = method(alice, "updateMessage", unknown).await;
    assert_eq!(
        (&unknown["result"], &unknown["error"]),
        (&Value::Null, &Value::Null)
    );
    let react = method(bob, "setReaction", json!(["smile", message])).await;
    assert_eq!(react["error"], Value::Null, "{react}");
    assert_eq!(
        shown(bob, &message).await["reactions"][":smile:"]["usernames"],
        json!(["bob"])
    );
    let theirs = method(bob, "deleteMessage", json!([{ "_id": message }])).await;
    assert_eq!(
        theirs["error"]["error"], "error-action-not-allowed",
        "{theirs}"
    );
    let deleted = method(alice, "deleteMessage", json!([{ "_id": message }])).await;
    assert_eq!(deleted["error"], Value::Null, "{deleted}");
    let path = format!("chat.getMessage?msgId={message}");
    bob.get(&path).await.refused(400);
    let gone = method(alice, "deleteMessage", json!([{ "_id": message }])).await;
    assert_eq!(gone["error"]["error"], "error-action-not-allowed", "{gone}");
}

#[tokio::test(flavor = "multi_thread")]
async fn some_messages_a_second_are_sent_by_method() {
    let options = ServerOptions::default()
        .env("TEST_MODE", "false")
        .env("OVERWRITE_SETTING_API_Enable_Rate_Limiter", "false");
    let scene = Scene::begin(options).await;
    let Scene { alice, room, .. } = &scene;
    let sending = (0..40).map(|number| {
        let wish = json!([{ "rid": room, "msg": format!("{number}") }]);
        method(alice, "sendMessage", wish)
    });
    let sent = join_all(sending).await;
    let refused = sent
        .iter()
        .filter(|sent| sent["error"]["error"] == "too-many-requests");
    assert!(refused.count() > 0, "nobody was held to five a second");
    // Programs that post through REST are not.
    for number in 0..10 {
        say(alice, room, &format!("{number}")).await;
    }
}

/// What somebody is told in a room, and nobody else.
async fn notice(live: &mut Live) -> Value {
    loop {
        let told = live.next_update(Duration::from_secs(20)).await;
        let told = told.expect("a notice in time");
        if told["kind"] == "notice" {
            return told["data"].clone();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_could_not_send_something_is_told_why() {
    let scene = Scene::begin(ServerOptions::default()).await;
    let Scene {
        alice,
        bob,
        eve,
        room,
        server,
        ..
    } = &scene;
    let mut live = Live::connect(server, bob, None).await;
    live.send(&json!({"subscribe": {"rooms": [room], "self": true}}))
        .await;
    live.answer("subscribed").await;
    let mute = json!({"roomId": room, "username": "bob"});
    alice.post("rooms.muteUser", mute).await.ok();
    let wish = json!({ "rid": room, "msg": "hello?" });
    let sent = method(bob, "sendMessage", json!([wish])).await;
    assert_eq!(
        (&sent["result"], &sent["error"]),
        (&Value::Null, &Value::Null),
        "{sent}"
    );
    let told = notice(&mut live).await;
    assert_eq!(told["msg"], "You are muted in this room.", "{told}");
    let refused = bob
        .post("chat.sendMessage", json!({ "message": wish }))
        .await
        .refused(400);
    assert_eq!(refused["error"], "You_have_been_muted");
    assert_eq!(
        notice(&mut live).await["msg"],
        "You are muted in this room."
    );
    // Who may not see the room at all is told so.
    let elsewhere = method(eve, "sendMessage", json!([wish])).await;
    assert_eq!(elsewhere["result"], Value::Null, "{elsewhere}");
}
