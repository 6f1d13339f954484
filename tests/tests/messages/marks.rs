//! Pins and stars.

use serde_json::{Value, json};
use tests::client::Client;
use tests::method::method;
use tests::on_both_logs;
use tests::server::ServerOptions;

use super::{Scene, answers, id, say, shown, texts};

on_both_logs!(a_pin_is_shown_and_told_of, a_star_is_ones_own);

async fn a_pin_is_shown_and_told_of(options: ServerOptions) {
    let scene = Scene::begin(options).await;
    let Scene {
        alice, bob, room, ..
    } = &scene;
    let message = say(bob, room, "remember the milk").await;
    let wish = json!({ "messageId": message });
    let told = alice.post("chat.pinMessage", wish.clone()).await.ok();
    let told = &told["message"];
    assert_eq!(told["t"], "message_pinned");
    assert_eq!(
        (&told["msg"], &told["u"]["username"]),
        (&json!(""), &json!("alice"))
    );
    let quote = &told["attachments"][0];
    assert_eq!(quote["text"], "remember the milk");
    assert_eq!(quote["author_name"], "bob");
    assert_eq!(quote["author_icon"], "/avatar/bob");
    let now = shown(bob, &message).await;
    assert_eq!(
        (&now["pinned"], &now["pinnedBy"]["username"]),
        (&json!(true), &json!("alice"))
    );
    assert!(now["pinnedAt"].is_string(), "{now}");

    let path = format!("chat.getPinnedMessages?roomId={room}");
    let listed = bob.get(&path).await.ok();
    assert_eq!(texts(&listed, "messages"), ["remember the milk"]);
    assert_eq!((&listed["count"], &listed["total"]), (&json!(1), &json!(1)));

    let again = alice.post("chat.pinMessage", wish.clone()).await.ok();
    assert_eq!(
        id(&again["message"]),
        id(told),
        "what is pinned is told of once"
    );

    alice.post("chat.unPinMessage", wish.clone()).await.ok();
    let now = shown(bob, &message).await;
    assert_eq!(
        (&now["pinned"], &now["pinnedBy"]["username"]),
        (&json!(false), &json!("alice"))
    );
    assert_eq!(bob.get(&path).await.ok()["total"], 0);
    alice.post("chat.pinMessage", wish).await.ok();
    let told = alice
        .get(&format!("groups.messages?roomId={room}"))
        .await
        .ok();
    let told = told["messages"].as_array().unwrap();
    let pins = told
        .iter()
        .filter(|one| one["t"] == "message_pinned")
        .count();
    assert_eq!(pins, 2, "once for each pin");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_tells_of_a_pin_shows_what_the_message_says_now() {
    let scene = Scene::begin(ServerOptions::default()).await;
    let Scene {
        alice, bob, room, ..
    } = &scene;
    let message = say(bob, room, "the code is 1234").await;
    let wish = json!({ "messageId": message });
    let told = alice.post("chat.pinMessage", wish).await.ok();
    let told = id(&told["message"]);
    let edit = json!({"roomId": room, "msgId": message, "text": "the code is secret"});
    bob.post("chat.update", edit).await.ok();
    let quote = shown(alice, &told).await["attachments"][0]["text"].clone();
    assert_eq!(quote, "the code is secret");
    let delete = json!({"roomId": room, "msgId": message});
    bob.post("chat.delete", delete).await.ok();
    assert_eq!(shown(alice, &told).await["attachments"], json!([]));
    assert_eq!(
        alice
            .get(&format!("chat.getPinnedMessages?roomId={room}"))
            .await
            .ok()["total"],
        0
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn pinning_has_its_refusals() {
    let scene = Scene::begin(ServerOptions::default()).await;
    let message = say(&scene.bob, &scene.room, "hello").await;
    let missing =
        "The required \"messageId\" param is missing. [error-messageid-param-not-provided]";
    let unknown =
        "The provided \"messageId\" does not match any existing message. [error-message-not-found]";
    let not = "Not Authorized [not-authorized]";
    let named = (scene.room.as_str(), message.as_str());
    let one = r#"{"messageId":"MESSAGE"}"#;
    answers(
        &scene.bob,
        named,
        &[
            ("chat.pinMessage", "{}", 400, missing),
            ("chat.unPinMessage", "{}", 400, missing),
            ("chat.pinMessage", r#"{"messageId":"nosuch"}"#, 400, unknown),
            (
                "chat.unPinMessage",
                r#"{"messageId":"nosuch"}"#,
                400,
                unknown,
            ),
            ("chat.pinMessage", one, 400, not),
            ("chat.unPinMessage", one, 400, not),
        ],
    )
    .await;
    answers(&scene.eve, named, &[("chat.pinMessage", one, 400, unknown)]).await;
    // A channel that one may read without being in it.
    let wish = json!({"name": "open"});
    let made = scene.alice.post("channels.create", wish).await.ok();
    let open = made["channel"]["_id"].as_str().unwrap();
    let there = say(&scene.alice, open, "hello").await;
    answers(
        &scene.admin,
        (open, &there),
        &[
            (
                "chat.pinMessage",
                one,
                400,
                "Message you are pinning was not found [error-invalid-message]",
            ),
            (
                "chat.unPinMessage",
                one,
                400,
                "Message you are unpinning was not found [error-invalid-message]",
            ),
        ],
    )
    .await;
    scene.set("Message_AllowPinning", json!(false)).await;
    let off = "Message pinning not allowed [error-action-not-allowed]";
    answers(
        &scene.alice,
        named,
        &[
            ("chat.pinMessage", one, 400, off),
            ("chat.unPinMessage", one, 400, off),
        ],
    )
    .await;
}

async fn stars(client: &Client, message: &str) -> Value {
    shown(client, message).await["starred"].clone()
}

async fn a_star_is_ones_own(options: ServerOptions) {
    let scene = Scene::begin(options).await;
    let Scene {
        alice, bob, room, ..
    } = &scene;
    let message = say(bob, room, "stars").await;
    let other = say(bob, room, "no stars").await;
    let before = shown(alice, &message).await["_updatedAt"].clone();
    let wish = json!({ "messageId": message });
    alice.post("chat.starMessage", wish.clone()).await.ok();
    alice.post("chat.starMessage", wish.clone()).await.ok();
    let me = alice.get("me").await.ok()["_id"].clone();
    assert_eq!(stars(alice, &message).await, json!([{ "_id": me }]));
    assert_eq!(stars(alice, &other).await, Value::Null);
    let theirs = shown(bob, &message).await;
    assert_eq!(theirs["starred"], Value::Null, "nobody sees another's star");
    assert_eq!(theirs["_updatedAt"], before, "or that there is one");

    let path = format!("chat.getStarredMessages?roomId={room}");
    assert_eq!(texts(&alice.get(&path).await.ok(), "messages"), ["stars"]);
    assert_eq!(bob.get(&path).await.ok()["total"], 0);
    let mine = me.as_str().unwrap();
    for list in [
        format!("groups.history?roomId={room}"),
        format!("groups.messages?roomId={room}"),
        format!("groups.messages?roomId={room}&starredIds={mine}"),
        format!("groups.messages?roomId={room}&query={{\"starred._id\":\"{mine}\"}}"),
        format!("rooms.history?roomId={room}"),
    ] {
        let found = alice.get(&list).await.ok();
        let found = found["messages"].as_array().unwrap();
        let starred = found.iter().filter(|one| !one["starred"].is_null());
        let starred: Vec<&Value> = starred.map(|one| &one["_id"]).collect();
        assert_eq!(starred, [&json!(message)], "{list}");
        let theirs = bob.get(&list).await.ok().to_string();
        assert!(!theirs.contains("starred"), "{list}: {theirs}");
    }
    alice.post("chat.unStarMessage", wish.clone()).await.ok();
    assert_eq!(stars(alice, &message).await, Value::Null);
    assert_eq!(alice.get(&path).await.ok()["total"], 0);

    alice.post("chat.starMessage", wish).await.ok();
    let delete = json!({"roomId": room, "msgId": message});
    bob.post("chat.delete", delete).await.ok();
    assert_eq!(
        alice.get(&path).await.ok()["total"],
        0,
        "it goes with the message"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn starring_has_its_refusals() {
    let scene = Scene::begin(ServerOptions::default()).await;
    let message = say(&scene.bob, &scene.room, "hello").await;
    let missing =
        "The required \"messageId\" param is required. [error-messageid-param-not-provided]";
    let unknown =
        "The provided \"messageId\" does not match any existing message. [error-message-not-found]";
    let named = (scene.room.as_str(), message.as_str());
    let one = r#"{"messageId":"MESSAGE"}"#;
    answers(
        &scene.bob,
        named,
        &[
            ("chat.starMessage", "{}", 400, missing),
            ("chat.unStarMessage", "{}", 400, missing),
            (
                "chat.starMessage",
                r#"{"messageId":"nosuch"}"#,
                400,
                unknown,
            ),
            (
                "chat.unStarMessage",
                r#"{"messageId":"nosuch"}"#,
                400,
                unknown,
            ),
        ],
    )
    .await;
    answers(
        &scene.eve,
        named,
        &[("chat.starMessage", one, 400, unknown)],
    )
    .await;
    // Who reads a channel without being in it.
    let made = scene
        .alice
        .post("channels.create", json!({"name": "open"}))
        .await
        .ok();
    let open = made["channel"]["_id"].as_str().unwrap();
    let there = say(&scene.alice, open, "hello").await;
    answers(
        &scene.eve,
        (open, &there),
        &[("chat.starMessage", one, 200, "")],
    )
    .await;
    assert_eq!(
        stars(&scene.eve, &there).await,
        Value::Null,
        "nothing came of it"
    );
    scene.set("Message_AllowStarring", json!(false)).await;
    let off = "Message starring not allowed [error-action-not-allowed]";
    answers(&scene.bob, named, &[("chat.starMessage", one, 400, off)]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn methods_pin_and_star() {
    let scene = Scene::begin(ServerOptions::default()).await;
    let Scene {
        alice, bob, room, ..
    } = &scene;
    let message = say(bob, room, "hello").await;
    let call =
        async |client: &Client, name: &str, params: Value| method(client, name, params).await;
    let told = call(alice, "pinMessage", json!([{ "_id": message }])).await;
    assert_eq!(told["result"]["t"], "message_pinned", "{told}");
    assert!(told["result"]["ts"]["$date"].is_number(), "{told}");
    let unpinned = call(alice, "unpinMessage", json!([{ "_id": message }])).await;
    assert_eq!(unpinned["result"], 1);
    let star = json!([{ "_id": message, "rid": room, "starred": true }]);
    assert_eq!(call(bob, "starMessage", star.clone()).await["result"], 1);
    assert!(!stars(bob, &message).await.is_null());
    let elsewhere = json!([{ "_id": message, "rid": "GENERAL", "starred": true }]);
    assert_eq!(call(bob, "starMessage", elsewhere).await["result"], false);
    assert_eq!(call(&scene.eve, "starMessage", star).await["result"], false);
    let off = json!([{ "_id": message, "rid": room, "starred": false }]);
    assert_eq!(call(bob, "starMessage", off).await["result"], 1);
    assert!(stars(bob, &message).await.is_null());
}
