//! Lists of messages: mentions, discussions, several by their ids; and ignoring people.

use serde_json::json;
use tests::on_both_logs;
use tests::server::ServerOptions;

use super::{Scene, answers, id, say, texts};

on_both_logs!(messages_that_mention_somebody_are_listed);

async fn messages_that_mention_somebody_are_listed(options: ServerOptions) {
    let scene = Scene::begin(options).await;
    let Scene {
        alice, bob, room, ..
    } = &scene;
    say(alice, room, "hello @bob").await;
    say(alice, room, "hello @all").await;
    let edited = say(alice, room, "nobody yet").await;
    let gone = say(alice, room, "@bob is not meant").await;
    let later = say(alice, room, "@bob again").await;
    let path = format!("chat.getMentionedMessages?roomId={room}");
    let found = bob.get(&path).await.ok();
    assert_eq!(
        texts(&found, "messages"),
        ["@bob again", "@bob is not meant", "hello @bob"]
    );
    assert_eq!(found["total"], 3);
    for (message, text) in [(&edited, "now @bob"), (&gone, "not any more")] {
        let edit = json!({"roomId": room, "msgId": message, "text": text});
        alice.post("chat.update", edit).await.ok();
    }
    let delete = json!({"roomId": room, "msgId": later});
    alice.post("chat.delete", delete).await.ok();
    let sorted = format!("{path}&sort={{\"ts\":1}}");
    let found = bob.get(&sorted).await.ok();
    assert_eq!(texts(&found, "messages"), ["hello @bob", "now @bob"]);
    assert_eq!(alice.get(&path).await.ok()["total"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_that_tell_of_discussions_are_listed() {
    let scene = Scene::begin(ServerOptions::default()).await;
    let Scene { alice, room, .. } = &scene;
    for name in ["Lunch plans", "Dinner plans"] {
        let wish = json!({"prid": room, "t_name": name});
        alice.post("rooms.createDiscussion", wish).await.ok();
    }
    let path = format!("chat.getDiscussions?roomId={room}");
    let all = alice.get(&path).await.ok();
    assert_eq!(texts(&all, "messages"), ["Dinner plans", "Lunch plans"]);
    assert!(all["messages"][0]["drid"].is_string(), "{all}");
    let some = alice.get(&format!("{path}&text=lunch")).await.ok();
    assert_eq!(texts(&some, "messages"), ["Lunch plans"]);
    assert_eq!(some["total"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn several_messages_come_by_their_ids() {
    let scene = Scene::begin(ServerOptions::default()).await;
    let Scene {
        admin,
        alice,
        bob,
        eve,
        room,
        ..
    } = &scene;
    let mut ids = vec![
        say(alice, room, "one").await,
        say(admin, "GENERAL", "two").await,
    ];
    ids.push(ids[0].clone());
    ids.push("nosuch".to_owned());
    let wish = json!({ "msgIds": ids });
    let found = bob.post("chat.getMessages", wish.clone()).await.ok();
    assert_eq!(texts(&found, "messages"), ["one", "two"]);
    let found = eve.post("chat.getMessages", wish).await.ok();
    assert_eq!(texts(&found, "messages"), ["two"]);
    let many = json!({ "msgIds": vec!["x"; 101] });
    bob.post("chat.getMessages", many).await.refused(400);
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_have_their_refusals() {
    let scene = Scene::begin(ServerOptions::default()).await;
    let message = say(&scene.alice, &scene.room, "hello").await;
    let named = (scene.room.as_str(), message.as_str());
    let missing = "The required \"roomId\" query param is missing. [error-invalid-params]";
    let plain = "error-not-allowed";
    let ignored = "The required \"rid\" param is missing. [error-room-id-param-not-provided]";
    let nobody = "The required \"userId\" param is missing. [error-user-id-param-not-provided]";
    answers(
        &scene.bob,
        named,
        &[
            (
                "chat.getPinnedMessages",
                "",
                400,
                "The required \"roomId\" query param is missing. [error-roomId-param-not-provided]",
            ),
            ("chat.getStarredMessages", "", 400, missing),
            ("chat.getMentionedMessages", "", 400, missing),
            ("chat.getDiscussions", "", 400, missing),
            ("chat.getSnippetedMessages?roomId=ROOM", "", 400, plain),
            (
                "chat.getSnippetedMessageById?messageId=MESSAGE",
                "",
                400,
                plain,
            ),
            ("chat.ignoreUser?userId=x", "", 400, ignored),
            ("chat.ignoreUser?rid=ROOM", "", 400, nobody),
            (
                "chat.ignoreUser?rid=ROOM&userId=nobody",
                "",
                400,
                "Invalid subscription [error-invalid-subscription]",
            ),
        ],
    )
    .await;
    answers(
        &scene.eve,
        named,
        &[
            (
                "chat.getPinnedMessages?roomId=ROOM",
                "",
                400,
                "Not allowed [error-not-allowed]",
            ),
            ("chat.getStarredMessages?roomId=ROOM", "", 400, plain),
            ("chat.getMentionedMessages?roomId=ROOM", "", 400, plain),
            ("chat.getDiscussions?roomId=ROOM", "", 400, plain),
            ("chat.getStarredMessages?roomId=nosuch", "", 400, plain),
        ],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_is_ignored_and_heard_again() {
    let scene = Scene::begin(ServerOptions::default()).await;
    let Scene {
        alice, bob, room, ..
    } = &scene;
    let ignore = format!("chat.ignoreUser?rid={room}&userId={}", bob.user_id);
    let ignored = async || {
        let path = format!("subscriptions.getOne?roomId={room}");
        alice.get(&path).await.ok()["subscription"]["ignored"].clone()
    };
    alice.get(&ignore).await.ok();
    assert_eq!(ignored().await, json!([bob.user_id]));
    alice.get(&format!("{ignore}&ignore=false")).await.ok();
    assert!(ignored().await.as_array().is_none_or(Vec::is_empty));
    alice.get(&format!("{ignore}&ignore=1")).await.ok();
    assert_eq!(ignored().await, json!([bob.user_id]));
}

#[tokio::test(flavor = "multi_thread")]
async fn names_and_marks_are_as_the_settings_say() {
    let scene = Scene::begin(ServerOptions::default()).await;
    let Scene {
        alice, bob, room, ..
    } = &scene;
    let message = say(bob, room, "hello @alice").await;
    let edit = json!({"roomId": room, "msgId": message, "text": "hi @alice"});
    bob.post("chat.update", edit).await.ok();
    let react = json!({"messageId": message, "emoji": "smile"});
    alice.post("chat.react", react).await.ok();
    let names = json!({"data": {"name": "Alice Liddell"}});
    alice.post("users.updateOwnBasicInfo", names).await.ok();
    scene.set("UI_Use_Real_Name", json!(true)).await;
    scene.set("Message_ShowEditedStatus", json!(false)).await;
    let found = bob.get(&format!("groups.history?roomId={room}")).await.ok();
    let found = found["messages"].as_array().unwrap();
    let found = found.iter().find(|one| id(one) == message).unwrap();
    assert_eq!(found["mentions"][0]["name"], "Alice Liddell");
    assert_eq!(
        found["reactions"][":smile:"]["names"],
        json!(["Alice Liddell"])
    );
    assert!(found.get("editedAt").is_none(), "{found}");
}
