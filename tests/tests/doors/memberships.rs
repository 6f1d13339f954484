//! Somebody's place in rooms: read, hidden, counted.

use std::time::Duration;

use serde_json::{Value, json};
use tests::live::Live;
use tests::method::method;
use tests::server::Server;

use super::{all, id, people};

#[tokio::test]
async fn places_in_rooms() {
    let server = Server::start().await;
    let (admin, alice, bob) = people(&server).await;
    let since = jiff_now();
    alice
        .post(
            "chat.postMessage",
            json!({"channel": "#general", "text": "@bob"}),
        )
        .await
        .ok();
    alice
        .post(
            "chat.postMessage",
            json!({"channel": "#general", "text": "@all"}),
        )
        .await
        .ok();
    let place = bob.get("subscriptions.getOne?roomId=GENERAL").await.ok()["subscription"].clone();
    for (field, value) in [
        ("alert", json!(true)),
        ("groupMentions", json!(1)),
        ("open", json!(true)),
    ] {
        assert_eq!(place[field], value, "{field} of {place}");
    }
    bob.post("subscriptions.read", json!({"rid": "GENERAL"}))
        .await
        .ok();
    let place = bob.get("subscriptions.getOne?roomId=GENERAL").await.ok()["subscription"].clone();
    for (field, value) in [
        ("alert", json!(false)),
        ("unread", json!(0)),
        ("userMentions", json!(0)),
        ("groupMentions", json!(0)),
    ] {
        assert_eq!(place[field], value, "{field} of {place}");
    }
    bob.post("subscriptions.unread", json!({"roomId": "GENERAL"}))
        .await
        .ok();
    let place = bob.get("subscriptions.getOne?roomId=GENERAL").await.ok()["subscription"].clone();
    assert_eq!(place["alert"], true, "{place}");
    assert_eq!(
        bob.get("subscriptions.getOne?roomId=nowhere").await.ok()["subscription"],
        Value::Null
    );

    let room = id(
        &bob.post("channels.create", json!({"name": "short-lived"}))
            .await
            .ok(),
        "channel",
    );
    bob.post("channels.delete", json!({"roomId": room}))
        .await
        .ok();
    let synced = bob
        .get(&format!("subscriptions.get?updatedSince={since}"))
        .await
        .ok();
    assert_eq!(all(&synced, "update", "rid"), ["GENERAL"], "{synced}");
    assert_eq!(synced["remove"].as_array().unwrap().len(), 1, "{synced}");
    let synced = bob
        .get(&format!("rooms.get?updatedSince={since}"))
        .await
        .ok();
    assert_eq!(all(&synced, "remove", "_id"), [room], "{synced}");
    assert_eq!(
        all(&bob.get("rooms.get").await.ok(), "update", "_id"),
        ["GENERAL"]
    );
    assert_eq!(
        admin.get("rooms.info?roomName=general").await.ok()["room"]["_id"],
        "GENERAL"
    );
}

/// Now, as clients write it in a query.
fn jiff_now() -> String {
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap();
    jiff::Timestamp::from_millisecond(i64::try_from(now.as_millis()).unwrap() - 1)
        .unwrap()
        .to_string()
}

#[tokio::test]
async fn favourites() {
    let server = Server::start().await;
    let (_, alice, bob) = people(&server).await;
    let favourite = async || {
        bob.get("subscriptions.getOne?roomId=GENERAL").await.ok()["subscription"]["f"].clone()
    };
    assert_eq!(favourite().await, Value::Null, "nobody chose yet");
    for (sent, becomes) in [
        (json!(true), true),
        (json!(false), false),
        (Value::Null, true),
    ] {
        let wish = json!({"roomId": "GENERAL", "favorite": sent});
        bob.post("rooms.favorite", wish).await.ok();
        assert_eq!(favourite().await, becomes, "after sending {sent}");
    }
    let mut live = Live::connect(&server, &bob, None).await;
    live.send(&json!({"subscribe": {"rooms": [], "self": true}}))
        .await;
    live.answer("subscribed").await;
    let undone = method(&bob, "toggleFavorite", json!(["GENERAL", false])).await;
    assert_eq!(undone["result"], 1, "{undone}");
    assert_eq!(favourite().await, false);
    let told = live.next_update(Duration::from_secs(5)).await;
    let told = told.expect("a frame about one's own favourite");
    assert_eq!(
        (&told["kind"], &told["data"]),
        (
            &json!("favourite-changed"),
            &json!({"rid": "GENERAL", "f": false})
        ),
        "{told}"
    );
    let others = alice.get("subscriptions.getOne?roomId=GENERAL").await.ok();
    assert_eq!(
        others["subscription"]["f"],
        Value::Null,
        "it is bob's alone"
    );

    let wish = json!({"roomId": "GENERAL"});
    let refused = bob.post("rooms.favorite", wish).await.refused(400);
    assert_eq!(refused["error"], "The 'favorite' param is required");
    let hers = alice
        .post("channels.create", json!({"name": "hers"}))
        .await
        .ok();
    let wish = json!({"roomId": id(&hers, "channel"), "favorite": true});
    let refused = bob.post("rooms.favorite", wish).await.refused(400);
    assert_eq!(
        refused["errorType"], "error-invalid-subscription",
        "{refused}"
    );
    let again = json!({"roomId": "GENERAL"});
    bob.post("rooms.leave", again.clone()).await.ok();
    bob.post("channels.join", again).await.ok();
    assert_eq!(favourite().await, Value::Null, "who joins again has none");
}
