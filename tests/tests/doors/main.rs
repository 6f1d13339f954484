//! The REST doors one by one: what they answer when all is well, and their documented refusals, on the embedded log.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on has failed"
)]

use serde_json::{Value, json};
use tests::client::Client;
use tests::server::Server;

/// The room of a creation's answer.
fn id(answer: &Value, key: &str) -> String {
    answer[key]["_id"]
        .as_str()
        .unwrap_or_else(|| panic!("{key}._id in {answer}"))
        .to_owned()
}

/// A list's values of one field, sorted.
fn all(answer: &Value, list: &str, field: &str) -> Vec<String> {
    let items = answer[list]
        .as_array()
        .unwrap_or_else(|| panic!("{list} in {answer}"));
    let mut values: Vec<String> = items
        .iter()
        .map(|item| item[field].as_str().unwrap_or("").to_owned())
        .collect();
    values.sort();
    values
}

async fn people(server: &Server) -> (Client, Client, Client) {
    let admin = server.admin().await;
    let (alice, bob) = (admin.new_user("alice").await, admin.new_user("bob").await);
    (admin, alice, bob)
}

#[tokio::test]
async fn info_and_login() {
    let server = Server::start().await;
    let (admin, alice, _) = people(&server).await;
    let nobody = server.client();
    let info = nobody
        .send(reqwest::Method::GET, "/api/info", None)
        .await
        .ok();
    assert_eq!(info["success"], true);
    assert!(
        info["version"].as_str().unwrap().split('.').count() >= 2,
        "{info}"
    );
    assert_eq!(
        nobody.get("info").await.ok()["version"],
        info["version"],
        "also under /api/v1"
    );

    let digest = "5e884898da28047151d0e56f8dc6292773603d0d6aabbdd62a11ef721d1542d8"; // of `password`
    admin
        .post("users.create", json!({"username": "dora", "name": "Dora", "email": "Dora@example.org", "password": "password"}))
        .await
        .ok();
    for body in [
        json!({"user": "dora", "password": "password"}),
        json!({"username": "dora", "password": "password"}),
        json!({"user": "DORA", "password": "password"}),
        json!({"user": "dora@example.org", "password": "password"}),
        json!({"email": "dora@example.org", "password": "password"}),
        json!({"user": "dora", "password": {"digest": digest, "algorithm": "sha-256"}}),
        json!({"user": {"username": "dora"}, "password": {"digest": digest, "algorithm": "sha-256"}}),
    ] {
        let answer = nobody.post("login", body.clone()).await.ok();
        assert_eq!(answer["status"], "success", "{body}: {answer}");
        assert_eq!(answer["data"]["me"]["username"], "dora");
        assert!(
            !answer.to_string().contains("argon2"),
            "no hash leaks: {answer}"
        );
        assert_eq!(answer["data"]["authToken"].as_str().unwrap().len(), 43);
    }
    let form = Some((
        "application/x-www-form-urlencoded",
        "user=dora&password=password".to_owned(),
    ));
    nobody
        .send(reqwest::Method::POST, "/api/v1/login", form)
        .await
        .ok();
    let resumed = nobody
        .post("login", json!({"resume": alice.token}))
        .await
        .ok();
    assert_eq!(
        resumed["data"]["authToken"],
        json!(alice.token),
        "resuming gives the same token"
    );

    for body in [
        json!({"user": "dora", "password": "wrong"}),
        json!({"user": "nobody", "password": "wrong"}),
    ] {
        let refusal = nobody.post("login", body).await.refused(401);
        assert_eq!(
            refusal,
            json!({"status": "error", "error": "Unauthorized", "message": "Unauthorized"})
        );
    }
    let refusal = nobody
        .post("login", json!({"resume": "not a token"}))
        .await
        .refused(401);
    assert_eq!(
        refusal["message"],
        "You've been logged out by the server. Please log in again."
    );
    let refusal = nobody
        .post("login", json!({"user": "dora", "password": ""}))
        .await
        .refused(401);
    assert_eq!(refusal["message"], "Unrecognized options for login request");

    let me = alice.get("me").await.ok();
    assert_eq!(me["_id"], json!(alice.user_id));
    assert_eq!(me["emails"][0]["address"], "alice@example.org");
    assert_eq!(me["services"]["password"]["exists"], true);
    assert!(
        me["settings"]["preferences"].is_object() && me["avatarUrl"].is_string(),
        "{me}"
    );
    assert_eq!(
        alice.post("logout", json!({})).await.ok()["data"]["message"],
        "You've been logged out!"
    );
    alice.get("me").await.refused(401);
}

#[tokio::test]
async fn accounts() {
    let server = Server::start().await;
    let (admin, alice, bob) = people(&server).await;
    let refusal = alice
        .post(
            "users.create",
            json!({"username": "x1", "name": "X", "email": "x@example.org", "password": "x"}),
        )
        .await
        .refused(400);
    assert_eq!(
        refusal["error"], "Adding user is not allowed [error-action-not-allowed]",
        "{refusal}"
    );
    let taken =
        json!({"username": "ALICE", "name": "A", "email": "a@example.org", "password": "x"});
    assert_eq!(
        admin.post("users.create", taken).await.refused(400)["errorType"],
        "error-field-unavailable"
    );
    let taken =
        json!({"username": "alice3", "name": "A", "email": "ALICE@example.org", "password": "x"});
    assert_eq!(
        admin.post("users.create", taken).await.refused(400)["errorType"],
        "error-field-unavailable"
    );
    let strict = json!({"username": "alice3", "name": "A", "email": "a@example.org", "password": "x", "surplus": 1});
    assert_eq!(
        admin.post("users.create", strict).await.refused(400)["errorType"],
        "invalid-params"
    );

    let registered = server
        .client()
        .post("users.register", json!({"username": "carol", "name": "Carol", "email": "carol@example.org", "pass": "secret"}))
        .await
        .ok();
    assert_eq!(registered["user"]["username"], "carol");
    assert!(
        registered["user"].get("emails").is_none(),
        "an unprivileged caller sees little: {registered}"
    );
    server
        .client()
        .login("carol", "secret")
        .await
        .get("me")
        .await
        .ok();
    let again = json!({"username": "Carol", "name": "Carol", "email": "carol2@example.org", "pass": "secret"});
    let refusal = server
        .client()
        .post("users.register", again)
        .await
        .refused(400);
    assert_eq!(refusal["error"], "Username is already in use", "{refusal}");

    let seen = alice.get("users.info?username=bob").await.ok();
    assert_eq!(seen["user"]["_id"], json!(bob.user_id));
    assert!(seen["user"].get("emails").is_none(), "{seen}");
    let seen = admin
        .get(&format!("users.info?userId={}", bob.user_id))
        .await
        .ok();
    assert_eq!(seen["user"]["emails"][0]["address"], "bob@example.org");
    assert_eq!(
        alice.get("users.info?username=nobody").await.refused(400)["error"],
        "User not found."
    );
    assert_eq!(
        alice.get("users.info").await.refused(400)["errorType"],
        "invalid-params"
    );

    let list = alice.get("users.list?count=2&offset=1").await.ok();
    assert_eq!(
        (&list["count"], &list["offset"]),
        (&json!(2), &json!(1)),
        "{list}"
    );
    assert_eq!(
        list["total"],
        json!(5),
        "admin, alice, bob, carol and rocket.cat: {list}"
    );

    admin
        .post(
            "users.update",
            json!({"userId": bob.user_id, "data": {"name": "Robert", "username": "robert"}}),
        )
        .await
        .ok();
    let seen = alice.get("users.info?username=robert").await.ok();
    assert_eq!(seen["user"]["name"], "Robert");
    assert_eq!(
        alice.get("users.info?username=bob").await.refused(400)["error"],
        "User not found."
    );
    let refusal = alice
        .post(
            "users.update",
            json!({"userId": bob.user_id, "data": {"name": "X"}}),
        )
        .await
        .refused(400);
    assert_eq!(refusal["errorType"], "error-action-not-allowed");

    admin
        .post("users.delete", json!({"userId": bob.user_id}))
        .await
        .ok();
    bob.get("me").await.refused(401);
    admin.new_user("robert").await;
    alice
        .post("users.delete", json!({"userId": admin.user_id}))
        .await
        .refused(403);
    let sole = admin
        .post(
            "users.setActiveStatus",
            json!({"userId": admin.user_id, "activeStatus": false}),
        )
        .await;
    assert_eq!(
        sole.refused(400)["errorType"],
        "error-action-not-allowed",
        "the last administrator stays"
    );
}

#[tokio::test]
async fn a_new_name_shows_on_what_was_said_before() {
    let server = Server::start().await;
    let (admin, alice, bob) = people(&server).await;
    let said = alice
        .post(
            "chat.postMessage",
            json!({"channel": "#general", "text": "hi @bob"}),
        )
        .await
        .ok();
    let message = id(&said, "message");
    for (user, name) in [(&alice, "alina"), (&bob, "bert")] {
        admin
            .post(
                "users.update",
                json!({"userId": user.user_id, "data": {"username": name}}),
            )
            .await
            .ok();
    }
    let seen = admin
        .get(&format!("chat.getMessage?msgId={message}"))
        .await
        .ok();
    assert_eq!(seen["message"]["u"]["username"], "alina", "{seen}");
    assert_eq!(seen["message"]["mentions"][0]["username"], "bert", "{seen}");
}

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
async fn messages() {
    let server = Server::start().await;
    let (admin, alice, bob) = people(&server).await;
    let body = json!({"message": {"rid": "GENERAL", "msg": "see https://example.org/x and #general, @bob", "_id": "mine"}});
    let sent = alice.post("chat.sendMessage", body.clone()).await.ok();
    let message = &sent["message"];
    assert_eq!(message["_id"], "mine");
    assert_eq!(
        message["u"],
        json!({"_id": alice.user_id, "username": "alice", "name": "ALICE"})
    );
    assert_eq!(
        message["urls"],
        json!([{"url": "https://example.org/x"}]),
        "{message}"
    );
    assert_eq!(message["mentions"][0]["username"], "bob", "{message}");
    assert_eq!(
        message["channels"],
        json!([{"_id": "GENERAL", "name": "general"}]),
        "{message}"
    );
    let again = alice.post("chat.sendMessage", body.clone()).await.ok();
    assert_eq!(
        again["message"]["ts"], message["ts"],
        "the same id again is the same message"
    );
    assert!(
        bob.post("chat.sendMessage", body)
            .await
            .status
            .is_client_error(),
        "somebody else's id is taken"
    );

    let posted = bob
        .post(
            "chat.postMessage",
            json!({"channel": "#general", "text": " hello ", "emoji": ":ghost:"}),
        )
        .await
        .ok();
    assert_eq!(posted["channel"], "#general");
    assert!(posted["ts"].is_number(), "{posted}");
    assert_eq!(
        (&posted["message"]["msg"], &posted["message"]["groupable"]),
        (&json!("hello"), &json!(false))
    );
    let refusal = bob
        .post(
            "chat.postMessage",
            json!({"channel": "#general", "text": "x", "alias": "the boss"}),
        )
        .await;
    assert_eq!(refusal.refused(400)["error"], "Not enough permission");

    let mine = json!({"roomId": "GENERAL", "msgId": "mine", "text": "changed"});
    assert_eq!(
        bob.post("chat.update", mine.clone()).await.refused(400)["errorType"],
        "error-action-not-allowed"
    );
    let changed = alice.post("chat.update", mine).await.ok();
    assert_eq!(changed["message"]["msg"], "changed");
    assert_eq!(
        changed["message"]["editedBy"],
        json!({"_id": alice.user_id, "username": "alice"})
    );
    let refusal = alice
        .post(
            "chat.update",
            json!({"roomId": "GENERAL", "msgId": "none", "text": "x"}),
        )
        .await
        .refused(400);
    assert_eq!(
        refusal["error"],
        "No message found with the id of \"none\"."
    );

    for (emoji, wanted, reactions) in [
        ("smile", None, json!({":smile:": {"usernames": ["bob"]}})),
        (
            ":smile:",
            Some(true),
            json!({":smile:": {"usernames": ["bob"]}}),
        ),
        (":smile:", None, Value::Null),
        (":smile:", Some(false), Value::Null),
    ] {
        let mut body = json!({"messageId": "mine", "emoji": emoji});
        if let Some(wanted) = wanted {
            body["shouldReact"] = json!(wanted);
        }
        bob.post("chat.react", body).await.ok();
        let seen = alice.get("chat.getMessage?msgId=mine").await.ok();
        assert_eq!(
            seen["message"]["reactions"], reactions,
            "{emoji} {wanted:?}"
        );
    }
    let refusal = bob
        .post(
            "chat.react",
            json!({"messageId": "mine", "emoji": "no-such-emoji"}),
        )
        .await
        .refused(400);
    assert_eq!(
        refusal["error"], "Invalid emoji provided. [error-not-allowed]",
        "{refusal}"
    );

    let delete = json!({"roomId": "GENERAL", "msgId": "mine"});
    assert_eq!(
        bob.post("chat.delete", delete.clone()).await.refused(400)["errorType"],
        "error-action-not-allowed"
    );
    let deleted = alice.post("chat.delete", delete).await.ok();
    assert_eq!(deleted["_id"], "mine");
    alice.get("chat.getMessage?msgId=mine").await.refused(400);
    let info = admin.get("channels.info?roomId=GENERAL").await.ok();
    assert_eq!(
        info["channel"]["lastMessage"]["msg"], "hello",
        "the last message is recomputed: {info}"
    );

    let parent = id(
        &alice
            .post(
                "chat.postMessage",
                json!({"roomId": "GENERAL", "text": "thread"}),
            )
            .await
            .ok(),
        "message",
    );
    bob.post(
        "chat.sendMessage",
        json!({"message": {"rid": "GENERAL", "msg": "reply", "tmid": parent}}),
    )
    .await
    .ok();
    let seen = alice
        .get(&format!("chat.getMessage?msgId={parent}"))
        .await
        .ok();
    assert_eq!(seen["message"]["tcount"], 1, "{seen}");
    assert_eq!(
        seen["message"]["replies"],
        json!([alice.user_id, bob.user_id]),
        "{seen}"
    );
    let history = alice.get("channels.history?roomId=GENERAL").await.ok();
    assert!(
        !all(&history, "messages", "msg").contains(&"reply".to_owned()),
        "a reply is not in the room's history"
    );
}

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
async fn settings_and_permissions() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let public = server.client().get("settings.public?count=0").await.ok();
    let ids = all(&public, "settings", "_id");
    assert_eq!(public["total"], json!(ids.len()));
    assert!(
        ids.contains(&"Site_Url".to_owned())
            && !ids.contains(&"Initial_Channel_Created".to_owned())
    );
    for path in [
        "settings.public?_id=uniqueID",
        "settings.public?query={\"_id\":\"uniqueID\"}",
    ] {
        let one = server.client().get(path).await.ok();
        assert_eq!(one["settings"].as_array().unwrap().len(), 1, "{one}");
        assert!(
            one["settings"][0]["value"]
                .as_str()
                .is_some_and(|value| !value.is_empty()),
            "{one}"
        );
    }
    let permissions = admin.get("permissions.listAll").await.ok();
    let list = permissions["update"].as_array().unwrap();
    for (index, name) in [
        (28, "edit-message"),
        (70, "view-full-other-user-info"),
        (140, "post-readonly"),
        (150, "pin-message"),
    ] {
        assert_eq!(
            list[index]["_id"], name,
            "clients look here (contract, clients 5)"
        );
    }
    assert!(list.iter().all(|permission| permission["roles"].is_array()));
    assert_eq!(permissions["remove"], json!([]));
}
