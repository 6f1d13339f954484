//! Channels, groups and direct messages.

use serde_json::json;
use tests::server::Server;

use super::{all, id, people};

async fn family(server: &Server, family: &str, key: &str) {
    let (admin, alice, bob) = people(server).await;
    let path = |operation: &str| format!("{family}.{operation}");
    let created = alice
        .post(&path("create"), json!({"name": "room", "members": ["bob"]}))
        .await
        .ok();
    let room = id(&created, key);
    assert_eq!(created[key]["usersCount"], 2, "{created}");
    assert_eq!(created[key]["u"]["username"], "alice");
    let info = alice
        .get(&format!("{family}.info?roomId={room}"))
        .await
        .ok();
    assert_eq!(info[key]["name"], "room");
    assert_eq!(
        alice
            .get(&format!("{family}.info?roomName=room"))
            .await
            .ok()[key]["_id"],
        json!(room)
    );
    assert_eq!(
        all(
            &alice
                .get(&format!("{family}.members?roomId={room}"))
                .await
                .ok(),
            "members",
            "username"
        ),
        ["alice", "bob"]
    );

    for (operation, field, value) in [
        ("setTopic", "topic", "a topic"),
        ("setDescription", "description", "a description"),
        ("setAnnouncement", "announcement", "an announcement"),
    ] {
        let answer = alice
            .post(&path(operation), json!({"roomId": room, field: value}))
            .await
            .ok();
        assert_eq!(answer[field], value, "{operation}");
        let refusal = bob
            .post(&path(operation), json!({"roomId": room, field: "other"}))
            .await
            .refused(400);
        assert_eq!(
            refusal["errorType"], "error-action-not-allowed",
            "{operation}: {refusal}"
        );
    }
    let info = alice
        .get(&format!("{family}.info?roomId={room}"))
        .await
        .ok();
    assert_eq!(
        (&info[key]["topic"], &info[key]["description"]),
        (&json!("a topic"), &json!("a description"))
    );

    let renamed = alice
        .post(&path("rename"), json!({"roomId": room, "name": "chamber"}))
        .await
        .ok();
    assert_eq!(renamed[key]["name"], "chamber", "{renamed}");
    alice
        .post(&path("create"), json!({"name": "room"}))
        .await
        .ok(); // The old name is free.

    for role in ["Owner", "Moderator", "Leader"] {
        let target = json!({"roomId": room, "userId": bob.user_id});
        let lower = role.to_lowercase();
        bob.post(&path(&format!("add{role}")), target.clone())
            .await
            .refused(400);
        alice
            .post(&path(&format!("add{role}")), target.clone())
            .await
            .ok();
        let refusal = alice
            .post(&path(&format!("add{role}")), target.clone())
            .await
            .refused(400);
        assert_eq!(
            refusal["errorType"],
            json!(format!("error-user-already-{lower}")),
            "{refusal}"
        );
        alice
            .post(&path(&format!("remove{role}")), target.clone())
            .await
            .ok();
        let refusal = alice
            .post(&path(&format!("remove{role}")), target)
            .await
            .refused(400);
        assert_eq!(
            refusal["errorType"],
            json!(format!("error-user-not-{lower}")),
            "{refusal}"
        );
    }
    let refusal = alice
        .post(
            &path("removeOwner"),
            json!({"roomId": room, "userId": alice.user_id}),
        )
        .await
        .refused(400);
    assert_eq!(refusal["errorType"], "error-remove-last-owner");
    let refusal = alice
        .post(&path("leave"), json!({"roomId": room}))
        .await
        .refused(400);
    assert_eq!(refusal["errorType"], "error-you-are-last-owner");

    alice
        .post(
            &path("kick"),
            json!({"roomId": room, "userId": bob.user_id}),
        )
        .await
        .ok();
    let refusal = alice
        .post(
            &path("kick"),
            json!({"roomId": room, "userId": bob.user_id}),
        )
        .await
        .refused(400);
    assert_eq!(refusal["errorType"], "error-user-not-in-room");
    alice
        .post(
            &path("invite"),
            json!({"roomId": room, "userId": bob.user_id}),
        )
        .await
        .ok();
    bob.post(&path("leave"), json!({"roomId": room})).await.ok();
    bob.post(&path("leave"), json!({"roomId": room}))
        .await
        .refused(400);

    alice
        .post("chat.postMessage", json!({"roomId": room, "text": "one"}))
        .await
        .ok();
    alice
        .post("chat.postMessage", json!({"roomId": room, "text": "two"}))
        .await
        .ok();
    let history = alice
        .get(&format!("{family}.history?roomId={room}&count=2"))
        .await
        .ok();
    assert_eq!(
        history["messages"][0]["msg"], "two",
        "newest first: {history}"
    );
    let types: Vec<_> = all(
        &alice
            .get(&format!("{family}.messages?roomId={room}&count=0"))
            .await
            .ok(),
        "messages",
        "t",
    );
    for system in [
        "au",
        "r",
        "room_changed_topic",
        "ru",
        "subscription-role-added",
        "subscription-role-removed",
        "ul",
    ] {
        assert!(
            types.iter().any(|t| t == system),
            "{system} is in {types:?}"
        );
    }

    alice
        .post(&path("archive"), json!({"roomId": room}))
        .await
        .ok();
    let archived = alice
        .post(&path("setTopic"), json!({"roomId": room, "topic": "x"}))
        .await
        .refused(400);
    assert_eq!(archived["errorType"], "error-room-archived", "{archived}");
    admin
        .post(&path("unarchive"), json!({"roomId": room}))
        .await
        .refused(if family == "groups" { 400 } else { 200 });
    alice
        .post(&path("delete"), json!({"roomId": room}))
        .await
        .ok();
    let gone = alice
        .get(&format!("{family}.info?roomId={room}"))
        .await
        .refused(400);
    assert_eq!(gone["errorType"], "error-room-not-found");
}

#[tokio::test]
async fn channels() {
    let server = Server::start().await;
    family(&server, "channels", "channel").await;
    let (admin, alice) = (
        server.admin().await,
        server.client().login("alice", "password of alice").await,
    );
    let joined = alice.get("channels.list.joined").await.ok();
    assert_eq!(all(&joined, "channels", "name"), ["general", "room"]);
    let list = admin.get("channels.list?sort={\"name\":-1}").await.ok();
    assert_eq!(list["channels"][0]["name"], "room", "{list}");
    assert_eq!(list["total"], 2);
    let general = alice
        .post("channels.join", json!({"roomName": "general"}))
        .await
        .ok();
    assert_eq!(
        general["channel"]["_id"], "GENERAL",
        "joining again changes nothing"
    );
}

#[tokio::test]
async fn groups() {
    let server = Server::start().await;
    family(&server, "groups", "group").await;
    let admin = server.admin().await;
    let alice = server.client().login("alice", "password of alice").await;
    let secret = id(
        &alice
            .post("groups.create", json!({"name": "secret"}))
            .await
            .ok(),
        "group",
    );
    alice
        .post(
            "chat.postMessage",
            json!({"roomId": secret, "text": "not for you"}),
        )
        .await
        .ok();
    for path in [
        "groups.info",
        "groups.history",
        "groups.messages",
        "groups.members",
        "rooms.info",
        "channels.info",
    ] {
        let answer = admin.get(&format!("{path}?roomId={secret}")).await;
        assert!(
            answer.status.is_client_error(),
            "{path} is closed even to administrators: {}",
            answer.body
        );
        assert!(
            !answer.body.to_string().contains("not for you"),
            "{path} leaks {}",
            answer.body
        );
    }
    for (path, body) in [
        (
            "chat.sendMessage",
            json!({"message": {"rid": secret, "msg": "hello"}}),
        ),
        (
            "chat.postMessage",
            json!({"roomId": secret, "text": "hello"}),
        ),
        ("channels.join", json!({"roomId": secret})),
        ("subscriptions.read", json!({"rid": secret})),
    ] {
        assert!(
            admin.post(path, body).await.status.is_client_error(),
            "{path} is closed"
        );
    }
}

#[tokio::test]
async fn direct_messages() {
    let server = Server::start().await;
    let (admin, alice, bob) = people(&server).await;
    let room = id(
        &alice
            .post("im.create", json!({"username": "bob"}))
            .await
            .ok(),
        "room",
    );
    let mut ids = [alice.user_id.clone(), bob.user_id.clone()];
    ids.sort();
    assert_eq!(room, ids.concat(), "the id is made of both users'");
    assert_eq!(
        id(
            &bob.post("dm.create", json!({"username": "alice"}))
                .await
                .ok(),
            "room"
        ),
        room,
        "one room for both"
    );
    alice
        .post(
            "chat.postMessage",
            json!({"channel": "@bob", "text": "psst"}),
        )
        .await
        .ok();
    let seen = bob.get(&format!("im.history?roomId={room}")).await.ok();
    assert_eq!(seen["messages"][0]["msg"], "psst");
    assert_eq!(
        bob.get(&format!("im.messages?roomId={room}")).await.ok()["total"],
        1
    );
    assert_eq!(
        all(&bob.get("im.list").await.ok(), "ims", "_id"),
        std::slice::from_ref(&room)
    );
    bob.post("im.close", json!({"roomId": room})).await.ok();
    let place = bob
        .get(&format!("subscriptions.getOne?roomId={room}"))
        .await
        .ok();
    assert_eq!(place["subscription"]["open"], false, "{place}");
    bob.post("im.open", json!({"roomId": room})).await.ok();
    let place = bob
        .get(&format!("subscriptions.getOne?roomId={room}"))
        .await
        .ok();
    assert_eq!(
        (
            &place["subscription"]["open"],
            &place["subscription"]["unread"]
        ),
        (&json!(true), &json!(1))
    );
    assert!(
        admin
            .get(&format!("im.history?roomId={room}"))
            .await
            .status
            .is_client_error(),
        "between two"
    );
    assert!(
        admin
            .get(&format!("im.messages?roomId={room}"))
            .await
            .status
            .is_client_error(),
        "between two"
    );
}

#[tokio::test]
async fn a_short_name_that_is_taken_is_numbered() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let on = json!({"value": true});
    let setting = "settings/UI_Allow_room_names_with_special_chars";
    admin.post(setting, on).await.ok();
    let mut names = Vec::new();
    for typed in ["über uns", "uber-uns", "uber uns", "Über-uns"] {
        let body = admin
            .post("channels.create", json!({"name": typed}))
            .await
            .ok();
        names.push(body["channel"]["name"].clone());
    }
    assert_eq!(names[..3], ["uber-uns", "uber-uns-1", "uber-uns-2"]);
    assert_eq!(names[3], "Uber-uns", "letter case counts");
}
