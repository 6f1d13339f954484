//! Discussions: rooms that belong to another room.

use serde_json::{Value, json};
use tests::client::Client;
use tests::method::method;
use tests::server::{Server, ServerOptions};

tests::on_both_logs![
    the_message_in_the_parent_follows_what_is_said,
    whoever_sees_the_parent_reads_it_and_joins_by_writing,
    it_goes_with_its_parent_and_with_the_message_that_tells_of_it,
    a_message_has_one_discussion,
];

/// Alice, who has the group `den` with bob, and carl, who is in no room but the general one.
struct Stage {
    admin: Client,
    alice: Client,
    bob: Client,
    carl: Client,
    den: String,
}

async fn stage(server: &Server) -> Stage {
    let admin = server.admin().await;
    let alice = admin.new_user("alice").await;
    let bob = admin.new_user("bob").await;
    let carl = admin.new_user("carl").await;
    let wish = json!({"name": "den", "members": ["bob"]});
    let den = text(&alice.post("groups.create", wish).await.ok()["group"]["_id"]);
    Stage {
        admin,
        alice,
        bob,
        carl,
        den,
    }
}

fn text(value: &Value) -> String {
    value
        .as_str()
        .unwrap_or_else(|| panic!("a text: {value}"))
        .to_owned()
}

async fn begin(client: &Client, wish: Value) -> Value {
    let answer = client.post("rooms.createDiscussion", wish).await.ok();
    answer["discussion"].clone()
}

async fn say(client: &Client, room: &str, msg: &str) -> String {
    let message = json!({"message": {"rid": room, "msg": msg}});
    text(&client.post("chat.sendMessage", message).await.ok()["message"]["_id"])
}

async fn info(client: &Client, room: &str) -> Value {
    let path = format!("rooms.info?roomId={room}");
    client.get(&path).await.ok()
}

async fn subscription(client: &Client, room: &str) -> Value {
    let path = format!("subscriptions.getOne?roomId={room}");
    client.get(&path).await.ok()["subscription"].clone()
}

/// The messages of a room, newest first.
async fn history(client: &Client, family: &str, room: &str) -> Vec<Value> {
    let path = format!("{family}.history?roomId={room}");
    let answer = client.get(&path).await.ok();
    answer["messages"].as_array().unwrap().clone()
}

/// The message in `room` that tells of a discussion.
async fn announcement(client: &Client, family: &str, room: &str) -> Value {
    let messages = history(client, family, room).await;
    let found = messages
        .into_iter()
        .find(|message| message["t"] == "discussion-created");
    found.expect("a message that tells of the discussion")
}

#[tokio::test]
async fn a_discussion_is_a_room_and_a_new_message_of_its_parent() {
    let server = Server::start().await;
    let Stage {
        alice, bob, den, ..
    } = stage(&server).await;
    let about = say(&bob, &den, "shall we?").await;
    let path = json!({"rid": den});
    alice.post("subscriptions.read", path.clone()).await.ok();
    bob.post("subscriptions.read", path).await.ok();
    let seen = subscription(&bob, &den).await;
    assert_eq!(seen["alert"], false, "{seen}");

    let wish = json!({"prid": den, "t_name": "Shall we?", "pmid": about, "users": ["carl", "nobody"],
        "reply": "I think so"});
    let begun = begin(&alice, wish).await;
    let room = text(&begun["rid"]);
    let expected = [
        ("_id", json!(room)),
        ("t", json!("p")),
        ("prid", json!(den)),
        ("fname", json!("Shall we?")),
        ("topic", json!("den")),
        ("description", json!("shall we?")),
        ("usersCount", json!(3)),
    ];
    for (field, value) in expected {
        assert_eq!(begun[field], value, "{field} of {begun}");
    }

    let told = announcement(&bob, "groups", &den).await;
    assert_eq!(told["msg"], "Shall we?", "{told}");
    assert_eq!(told["drid"], json!(room), "{told}");
    assert_eq!(told["u"]["username"], "alice", "{told}");
    assert_eq!(told["attachments"][0]["text"], "shall we?", "{told}");
    let place = subscription(&bob, &den).await;
    assert_eq!(
        (&place["alert"], &place["ls"]),
        (&json!(true), &seen["ls"]),
        "as new as any other message: {place}"
    );
    let own = subscription(&alice, &den).await;
    assert_eq!(
        (&own["alert"], &own["ls"]),
        (&json!(false), &told["ts"]),
        "to who began it, it is not: {own}"
    );
    let parent = info(&bob, &den).await;
    assert_eq!(
        parent["room"]["lastMessage"]["_id"], told["_id"],
        "{parent}"
    );
    assert_eq!(parent["room"]["lm"], told["ts"], "{parent}");

    let said = history(&bob, "groups", &room).await;
    let said: Vec<(&Value, &Value)> = said
        .iter()
        .map(|message| (&message["msg"], &message["attachments"][0]["author_name"]))
        .collect();
    assert_eq!(
        said,
        [
            (&json!("I think so"), &Value::Null),
            (&json!(""), &json!("bob"))
        ],
        "the quote opens it, without anybody having joined"
    );
    let place = subscription(&bob, &room).await;
    assert_eq!(place["prid"], json!(den), "{place}");
    let above = info(&bob, &room).await["parent"].clone();
    assert_eq!(above["name"], "den", "{above}");
}

async fn the_message_in_the_parent_follows_what_is_said(options: ServerOptions) {
    let server = options.start().await;
    let Stage {
        alice, bob, den, ..
    } = stage(&server).await;
    let about = say(&bob, &den, "shall we?").await;
    let wish = json!({"prid": den, "t_name": "Shall we?", "pmid": about});
    let room = text(&begin(&alice, wish).await["rid"]);
    let told = announcement(&alice, "groups", &den).await;
    assert_eq!(told["dcount"], Value::Null, "nothing was said: {told}");

    say(&alice, &room, "one").await;
    let two = say(&bob, &room, "two").await;
    let told = announcement(&alice, "groups", &den).await;
    let sent = &history(&alice, "groups", &room).await[0]["ts"];
    assert_eq!((&told["dcount"], &told["dlm"]), (&json!(2), sent), "{told}");

    let delete = json!({"roomId": room, "msgId": two});
    bob.post("chat.delete", delete).await.ok();
    let told = announcement(&alice, "groups", &den).await;
    assert_eq!(told["dcount"], 1, "{told}");
    let last = info(&alice, &den).await["room"]["lastMessage"].clone();
    assert_eq!(last["dcount"], 1, "the room's copy, too: {last}");
}

async fn whoever_sees_the_parent_reads_it_and_joins_by_writing(options: ServerOptions) {
    let server = options.start().await;
    let Stage {
        admin,
        alice,
        bob,
        carl,
        den,
    } = stage(&server).await;
    let room = text(&begin(&alice, json!({"prid": den, "t_name": "Quiet"})).await["rid"]);
    say(&alice, &room, "hello").await;
    for stranger in [&carl, &admin] {
        let path = format!("groups.history?roomId={room}");
        stranger.get(&path).await.refused(400);
        let path = format!("rooms.getDiscussions?roomId={den}");
        stranger.get(&path).await.refused(400);
    }
    assert_eq!(
        subscription(&bob, &room).await,
        Value::Null,
        "not in it yet"
    );
    assert_eq!(history(&bob, "groups", &room).await.len(), 1);
    let path = format!("rooms.getDiscussions?roomId={den}");
    let listed = bob.get(&path).await.ok();
    assert_eq!(listed["discussions"][0]["_id"], json!(room), "{listed}");
    assert_eq!(listed["total"], 1, "{listed}");

    say(&bob, &room, "hello to you").await;
    let place = subscription(&bob, &room).await;
    assert_eq!(place["rid"], json!(room), "{place}");
    let kinds: Vec<Value> = history(&bob, "groups", &room)
        .await
        .into_iter()
        .map(|message| message["t"].clone())
        .collect();
    assert_eq!(kinds, [Value::Null, json!("ut"), Value::Null]);

    let kick = json!({"roomId": den, "userId": bob.user_id});
    alice.post("groups.kick", kick).await.ok();
    say(&bob, &room, "still here").await;
    let leave = json!({"roomId": room});
    bob.post("rooms.leave", leave).await.ok();
    let path = format!("groups.history?roomId={room}");
    bob.get(&path).await.refused(400);
}

async fn it_goes_with_its_parent_and_with_the_message_that_tells_of_it(options: ServerOptions) {
    let server = options.start().await;
    let Stage { alice, den, .. } = stage(&server).await;
    let mut rooms = Vec::new();
    for title in ["one", "two", "three"] {
        let begun = begin(&alice, json!({"prid": den, "t_name": title})).await;
        rooms.push(text(&begun["rid"]));
    }
    let gone = async |room: &str| {
        let path = format!("rooms.info?roomId={room}");
        let answer = alice.get(&path).await.refused(400);
        assert_eq!(answer["errorType"], "error-room-not-found", "{answer}");
    };

    let told = announcement(&alice, "groups", &den).await;
    assert_eq!(told["drid"], json!(rooms[2]), "the newest");
    let delete = json!({"roomId": den, "msgId": told["_id"]});
    alice.post("chat.delete", delete).await.ok();
    gone(&rooms[2]).await;

    let delete = json!({"roomId": rooms[1]});
    alice.post("groups.delete", delete).await.ok();
    let told = announcement(&alice, "groups", &den).await;
    assert_eq!(
        (&told["msg"], &told["drid"], &told["dcount"]),
        (&json!("two"), &Value::Null, &Value::Null),
        "the message stays: {told}"
    );

    let delete = json!({"roomId": den});
    alice.post("groups.delete", delete).await.ok();
    gone(&rooms[0]).await;
}

#[tokio::test]
async fn a_channel_that_is_closed_closes_its_discussions() {
    let server = Server::start().await;
    let Stage {
        alice, bob, carl, ..
    } = stage(&server).await;
    let wish = json!({"name": "square", "members": ["bob"]});
    let square = text(&alice.post("channels.create", wish).await.ok()["channel"]["_id"]);
    let room = text(&begin(&alice, json!({"prid": square, "t_name": "More"})).await["rid"]);
    say(&alice, &room, "hello").await;
    assert_eq!(info(&carl, &room).await["room"]["t"], "c");

    let close = json!({"roomId": square, "type": "p"});
    alice.post("channels.setType", close).await.ok();
    for path in [
        format!("rooms.info?roomId={room}"),
        format!("channels.history?roomId={room}"),
        format!("groups.history?roomId={room}"),
    ] {
        let refused = carl.get(&path).await.refused(400);
        assert_eq!(refused["errorType"], "error-room-not-found", "{path}");
    }
    let listed = carl.get("channels.list?count=0").await.ok();
    assert!(!listed.to_string().contains(&room), "{listed}");
    let messages = history(&bob, "groups", &room).await;
    assert_eq!(
        (&messages[0]["t"], &messages[0]["u"]["username"]),
        (&json!("room_changed_privacy"), &json!("alice")),
        "to who is in the group it stays: {messages:?}"
    );
}

#[tokio::test]
async fn renaming_changes_the_title_alone_and_the_topic_follows_the_parent() {
    let server = Server::start().await;
    let Stage {
        alice, bob, den, ..
    } = stage(&server).await;
    let wish = json!({"prid": den, "t_name": "Old title", "users": ["bob"]});
    let begun = begin(&alice, wish).await;
    let room = text(&begun["rid"]);
    let rename = json!({"roomId": room, "name": "New title!"});
    alice.post("groups.rename", rename).await.ok();
    let renamed = info(&bob, &room).await["room"].clone();
    assert_eq!(
        (&renamed["name"], &renamed["fname"]),
        (&begun["name"], &json!("New title!")),
        "{renamed}"
    );
    let place = subscription(&bob, &room).await;
    assert_eq!(
        (&place["fname"], &place["alert"]),
        (&json!("New title!"), &json!(false)),
        "{place}"
    );

    let rename = json!({"roomId": den, "name": "lair"});
    alice.post("groups.rename", rename).await.ok();
    assert_eq!(info(&bob, &room).await["room"]["topic"], "lair");
}

async fn a_message_has_one_discussion(options: ServerOptions) {
    let server = options.start().await;
    let Stage { alice, bob, .. } = stage(&server).await;
    let about = say(&alice, "GENERAL", "shall we?").await;
    let wish = json!({"prid": "GENERAL", "t_name": "Yes", "pmid": about});
    let first = begin(&alice, wish.clone()).await;
    assert_eq!(first["t"], "c", "of a channel: {first}");
    let second = begin(&bob, wish).await;
    assert_eq!(second["_id"], first["_id"]);
    let room = text(&first["_id"]);
    assert_eq!(
        subscription(&bob, &room).await["rid"],
        json!(room),
        "joined"
    );
    let direct = alice
        .post("im.create", json!({"username": "bob"}))
        .await
        .ok();
    let wish = json!({"prid": direct["room"]["_id"], "t_name": "Between us", "users": ["bob"]});
    let private = begin(&alice, wish).await;
    assert_eq!(private["t"], "p", "of a direct message: {private}");
}

#[tokio::test]
async fn what_is_refused() {
    let server = Server::start().await;
    let Stage {
        admin,
        alice,
        bob,
        carl,
        den,
    } = stage(&server).await;
    let elsewhere = say(&alice, "GENERAL", "hello").await;
    let hidden = say(&alice, &den, "psst").await;
    let nested = text(&begin(&alice, json!({"prid": den, "t_name": "One"})).await["rid"]);
    let cases = [
        (
            &alice,
            json!({"t_name": "x"}),
            "Body parameter \"prid\" is required.",
        ),
        (
            &alice,
            json!({"prid": den}),
            "Body parameter \"t_name\" is required.",
        ),
        (
            &alice,
            json!({"prid": den, "t_name": "x", "users": "bob"}),
            "Body parameter \"users\" must be an array.",
        ),
        (
            &alice,
            json!({"prid": den, "t_name": "x", "encrypted": "yes"}),
            "Body parameter \"encrypted\" must be a boolean when included.",
        ),
        (
            &carl,
            json!({"prid": den, "t_name": "x"}),
            "error-invalid-room",
        ),
        (
            &alice,
            json!({"prid": "nowhere", "t_name": "x"}),
            "error-invalid-room",
        ),
        (
            &alice,
            json!({"prid": den, "t_name": "x", "pmid": "none"}),
            "error-invalid-message",
        ),
        (
            &alice,
            json!({"prid": den, "t_name": "x", "pmid": elsewhere}),
            "error-invalid-arguments",
        ),
        (
            &carl,
            json!({"prid": "GENERAL", "t_name": "x", "pmid": hidden}),
            "error-invalid-message",
        ),
        (
            &alice,
            json!({"prid": nested, "t_name": "x"}),
            "error-nested-discussion",
        ),
        (
            &alice,
            json!({"prid": den, "t_name": "x", "encrypted": true, "reply": "y"}),
            "error-invalid-arguments",
        ),
        (
            &alice,
            json!({"prid": den, "t_name": " "}),
            "error-invalid-name",
        ),
        (
            &alice,
            json!({"prid": den, "t_name": "x", "pmid": {"$ne": 1}}),
            "Match error: Expected string, got object in field pmid",
        ),
        (
            &alice,
            json!({"prid": den, "t_name": "x", "reply": 5}),
            "Match error: Expected string, got number in field reply",
        ),
    ];
    for (client, wish, expected) in cases {
        let answer = client
            .post("rooms.createDiscussion", wish.clone())
            .await
            .refused(400);
        let told = if answer["errorType"].is_null() {
            &answer["error"]
        } else {
            &answer["errorType"]
        };
        assert_eq!(told, expected, "{wish}: {answer}");
    }
    let read_only = json!({"roomId": den, "readOnly": true});
    alice.post("groups.setReadOnly", read_only).await.ok();
    let wish = json!({"prid": den, "t_name": "x"});
    let answer = bob.post("rooms.createDiscussion", wish).await.refused(400);
    let expected = "You can't send messages because the room is readonly.";
    assert_eq!(answer["error"], expected, "{answer}");
    let off = json!({"value": false});
    admin.post("settings/Discussion_enabled", off).await.ok();
    let wish = json!({"prid": den, "t_name": "x"});
    let answer = alice
        .post("rooms.createDiscussion", wish)
        .await
        .refused(400);
    assert_eq!(answer["errorType"], "error-action-not-allowed", "{answer}");
}

#[tokio::test]
async fn the_method_begins_one_too() {
    let server = Server::start().await;
    let Stage { alice, den, .. } = stage(&server).await;
    for field in ["pmid", "reply"] {
        let mut wish = json!({"prid": den, "t_name": "x"});
        wish[field] = json!({"$gt": ""});
        let refused = method(&alice, "createDiscussion", json!([wish])).await;
        assert_eq!(refused["error"]["errorType"], "Match.Error", "{refused}");
    }
    let params = json!([{"prid": den, "t_name": "By method", "users": []}]);
    let message =
        json!({"msg": "method", "id": "1", "method": "createDiscussion", "params": params});
    let body = json!({"message": message.to_string()});
    let answer = alice.post("method.call/createDiscussion", body).await.ok();
    let result: Value = serde_json::from_str(answer["message"].as_str().unwrap()).unwrap();
    let begun = &result["result"];
    assert_eq!(begun["fname"], "By method", "{result}");
    assert_eq!(begun["rid"], begun["_id"], "{result}");
}
