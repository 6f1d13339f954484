//! What changed of the messages of a room.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use tests::method::method;
use tests::on_both_logs;
use tests::server::ServerOptions;

use super::{Scene, answers, id, reply, say, texts};

on_both_logs!(clients_learn_what_changed, every_change_is_on_one_page);

/// An hour before it: answers go back further than asked.
const LONG_AGO: &str = "2020-01-01T00:00:00.000Z";

async fn clients_learn_what_changed(options: ServerOptions) {
    let scene = Scene::begin(options).await;
    let Scene {
        alice, bob, room, ..
    } = &scene;
    let one = say(alice, room, "one").await;
    let two = say(alice, room, "two").await;
    let gone = say(alice, room, "three").await;
    let answer = reply(bob, room, &one, "answer").await;
    for (path, wish) in [
        ("chat.delete", json!({"roomId": room, "msgId": gone})),
        (
            "chat.update",
            json!({"roomId": room, "msgId": two, "text": "second"}),
        ),
    ] {
        alice.post(path, wish).await.ok();
    }
    let path = format!("chat.syncMessages?roomId={room}&lastUpdate={LONG_AGO}");
    let found = bob.get(&path).await.ok()["result"].clone();
    assert_eq!(
        texts(&found, "updated"),
        ["answer", "second", "one"],
        "the newest first"
    );
    assert_eq!(found["deleted"][0]["_id"], json!(gone), "{found}");
    assert!(found["deleted"][0]["_deletedAt"].is_string(), "{found}");
    let later = "2090-01-01T00:00:00.000Z";
    let path = format!("chat.syncMessages?roomId={room}&lastUpdate={later}");
    let found = bob.get(&path).await.ok()["result"].clone();
    assert_eq!(
        (&found["updated"], &found["deleted"]),
        (&json!([]), &json!([]))
    );

    let path = format!("chat.getDeletedMessages?roomId={room}&since={LONG_AGO}");
    let found = bob.get(&path).await.ok();
    assert_eq!(found["messages"], json!([{ "_id": gone }]));
    assert_eq!((&found["count"], &found["total"]), (&json!(1), &json!(1)));
    let path = format!("chat.syncThreadsList?rid={room}&updatedSince={LONG_AGO}");
    let found = bob.get(&path).await.ok()["threads"].clone();
    assert_eq!(texts(&found, "update"), ["one"]);
    let path = format!("chat.syncThreadMessages?tmid={one}&updatedSince={LONG_AGO}");
    let found = bob.get(&path).await.ok()["messages"].clone();
    assert_eq!(found["update"][0]["_id"], json!(answer));
    let since = json!([room, { "lastUpdate": { "$date": 0 } }]);
    let found = method(bob, "messages/get", since).await["result"].clone();
    assert_eq!(texts(&found, "updated"), ["answer", "second", "one"]);
    assert!(
        found["deleted"][0]["_deletedAt"]["$date"].is_number(),
        "{found}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_star_is_a_change_for_whose_it_is() {
    let scene = Scene::begin(ServerOptions::default()).await;
    let Scene {
        alice, bob, room, ..
    } = &scene;
    let message = say(bob, room, "hello").await;
    alice
        .post("chat.starMessage", json!({ "messageId": message }))
        .await
        .ok();
    let path = format!("chat.syncMessages?roomId={room}&lastUpdate={LONG_AGO}");
    let found = alice.get(&path).await.ok()["result"]["updated"].clone();
    assert_eq!(found.as_array().unwrap().len(), 1, "once: {found}");
    assert_eq!(found[0]["starred"], json!([{ "_id": alice.user_id }]));
}

/// Everything of one kind, page by page from the beginning to the end.
async fn pages(scene: &Scene, kind: &str, count: usize) -> Vec<Value> {
    let (mut all, mut next) = (Vec::new(), "0".to_owned());
    loop {
        let path = format!(
            "chat.syncMessages?roomId={}&next={next}&count={count}&type={kind}",
            scene.room
        );
        let page = scene.bob.get(&path).await.ok()["result"].clone();
        let list = if kind == "UPDATED" {
            "updated"
        } else {
            "deleted"
        };
        all.extend(page[list].as_array().unwrap().iter().cloned());
        match page["cursor"]["next"].as_str() {
            Some(cursor) => cursor.clone_into(&mut next),
            None => return all,
        }
    }
}

async fn every_change_is_on_one_page(options: ServerOptions) {
    let scene = Scene::begin(options).await;
    let mut there = BTreeSet::new();
    let mut gone = BTreeSet::new();
    for number in 0..20 {
        let message = say(&scene.alice, &scene.room, &format!("message {number}")).await;
        if number % 4 == 0 {
            let wish = json!({"roomId": scene.room, "msgId": message});
            scene.alice.post("chat.delete", wish).await.ok();
            gone.insert(message);
        } else {
            there.insert(message);
        }
    }
    let updated = pages(&scene, "UPDATED", 3).await;
    let ids: Vec<String> = updated.iter().map(id).collect();
    assert_eq!(ids.len(), there.len(), "each once: {ids:?}");
    assert_eq!(ids.into_iter().collect::<BTreeSet<_>>(), there);
    let times = updated
        .iter()
        .map(|one| one["_updatedAt"].as_str().unwrap());
    assert!(times.is_sorted(), "the oldest change first");
    let deleted = pages(&scene, "DELETED", 2).await;
    assert_eq!(deleted.iter().map(id).collect::<BTreeSet<_>>(), gone);
    // Backwards from the end.
    let path = format!(
        "chat.syncMessages?roomId={}&previous=9999999999999&count=3&type=UPDATED",
        scene.room
    );
    let last = scene.bob.get(&path).await.ok()["result"].clone();
    assert_eq!(texts(&last, "updated").last(), Some(&"message 19"));
    assert!(last["cursor"]["previous"].is_string(), "{last}");
}

#[tokio::test(flavor = "multi_thread")]
async fn asking_for_changes_has_its_refusals() {
    let scene = Scene::begin(ServerOptions::default()).await;
    let message = say(&scene.alice, &scene.room, "hello").await;
    let named = (scene.room.as_str(), message.as_str());
    let room = "The required \"roomId\" query param is missing. [error-roomId-param-not-provided]";
    let since = "The required param \"updatedSince\" must be a valid date. [error-updatedSince-param-invalid]";
    answers(&scene.bob, named, &[
        ("chat.syncMessages", "", 400, room),
        ("chat.syncMessages?roomId=ROOM", "", 400, "The required \"lastUpdate\" query param is missing. [error-lastUpdate-param-not-provided]"),
        ("chat.syncMessages?roomId=ROOM&lastUpdate=x", "", 400, "The \"lastUpdate\" query parameter must be a valid date. [error-roomId-param-invalid]"),
        ("chat.syncMessages?roomId=ROOM&next=1&previous=2&type=UPDATED", "", 400, "You cannot provide both \"next\" and \"previous\" parameters. [error-cursor-conflict]"),
        ("chat.syncMessages?roomId=ROOM&next=1", "", 400, "The \"type\" parameter is required when using the \"next\" or \"previous\" parameters. [error-type-param-required]"),
        ("chat.syncMessages?roomId=ROOM&next=x&type=UPDATED", "", 400, "The \"next\" query parameter must be a time in milliseconds. [error-invalid-params]"),
        ("chat.getDeletedMessages", "", 400, "[The required \"roomId\" query param is missing.]"),
        ("chat.getDeletedMessages?roomId=ROOM", "", 400, "[The required \"since\" query param is missing.]"),
        ("chat.getDeletedMessages?roomId=ROOM&since=x", "", 400, "[The \"since\" query parameter must be a valid date.]"),
        ("chat.syncThreadsList?updatedSince=2020-01-01T00:00:00Z", "", 400, "The required \"rid\" query param is missing. [error-room-id-param-not-provided]"),
        ("chat.syncThreadsList?rid=ROOM", "", 400, since),
        ("chat.syncThreadMessages?tmid=MESSAGE&updatedSince=x", "", 400, since),
    ])
    .await;
    let not = "Not allowed [error-not-allowed]";
    answers(
        &scene.eve,
        named,
        &[
            (
                "chat.syncMessages?roomId=ROOM&lastUpdate=2020-01-01T00:00:00Z",
                "",
                400,
                not,
            ),
            (
                "chat.syncMessages?roomId=ROOM&next=1&type=UPDATED",
                "",
                400,
                not,
            ),
            (
                "chat.getDeletedMessages?roomId=ROOM&since=2020-01-01T00:00:00Z",
                "",
                400,
                not,
            ),
            (
                "chat.syncThreadsList?rid=ROOM&updatedSince=2020-01-01T00:00:00Z",
                "",
                400,
                "Not Allowed [error-not-allowed]",
            ),
        ],
    )
    .await;
}
