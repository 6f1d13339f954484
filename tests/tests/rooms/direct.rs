//! Direct messages: made, found, blocked, left, deleted.

use serde_json::{Value, json};
use tests::client::Client;
use tests::method::method;
use tests::on_both_logs;
use tests::server::{Server, ServerOptions};

use super::place::{place, say};

on_both_logs![
    a_deleted_direct_message_is_made_again,
    direct_messages_between_many_are_left,
    either_of_two_blocks_the_other,
];

async fn people(server: &Server) -> (Client, Client, Client, Client) {
    let admin = server.admin().await;
    let (alice, bob) = (admin.new_user("alice").await, admin.new_user("bob").await);
    let carl = admin.new_user("carl").await;
    (admin, alice, bob, carl)
}

/// The direct message of the caller with these users; its id.
async fn with(who: &Client, names: &str) -> String {
    let made = who
        .post("im.create", json!({"usernames": names}))
        .await
        .ok();
    made["room"]["rid"].as_str().unwrap().to_owned()
}

async fn a_deleted_direct_message_is_made_again(options: ServerOptions) {
    let server = options.start().await;
    let (admin, alice, bob, _) = people(&server).await;
    let room = with(&alice, "bob").await;
    say(&alice, &room, "hello").await;
    let block = json!({"roomId": room, "block": true});
    bob.post("im.blockUser", block).await.ok();
    let delete = json!({"roomId": room});
    let refused = alice.post("im.delete", delete.clone()).await.refused(400);
    assert_eq!(refused["errorType"], "error-not-allowed", "{refused}");
    let unknown = json!({"roomId": "nowhere"});
    let refused = alice.post("im.delete", unknown).await.refused(400);
    assert_eq!(refused["errorType"], "error-not-allowed", "{refused}");
    admin.post("im.delete", delete).await.ok();
    for who in [&alice, &bob] {
        assert_eq!(place(who, &room).await, Value::Null);
    }

    for round in 0..2 {
        assert_eq!(
            with(&bob, "alice").await,
            room,
            "the same people, the same id"
        );
        let seen = bob.get(&format!("im.messages?roomId={room}")).await.ok();
        assert_eq!(seen["total"], 0, "round {round}: {seen}");
        for (who, open) in [(&bob, true), (&alice, false)] {
            let now = place(who, &room).await;
            assert_eq!(now["open"], open, "round {round}: {now}");
            for field in ["blocked", "blocker"] {
                assert_eq!(now[field], Value::Null, "round {round}: {now}");
            }
        }
        say(&alice, &room, "again").await;
        let now = place(&bob, &room).await;
        assert_eq!(now["unread"], 1, "round {round}: {now}");
        let path = "rooms.get?updatedSince=2020-01-01T00:00:00Z";
        let synced = bob.get(path).await.ok();
        let gone = synced["remove"].to_string();
        assert!(!gone.contains(&room), "what is there is not gone: {gone}");
        admin.post("im.delete", json!({"roomId": room})).await.ok();
    }
}

async fn either_of_two_blocks_the_other(options: ServerOptions) {
    let server = options.start().await;
    let (_, alice, bob, _) = people(&server).await;
    let room = with(&alice, "bob").await;
    let many = with(&alice, "bob,carl").await;
    let block = async |who: &Client, block: bool| {
        let wish = json!({"roomId": room, "block": block});
        who.post("im.blockUser", wish).await.ok();
    };
    let marks = async |who: &Client| {
        let now = place(who, &room).await;
        (now["blocker"] == true, now["blocked"] == true)
    };
    let write = async |who: &Client| {
        let message = json!({"message": {"rid": room, "msg": "hello"}});
        who.post("chat.sendMessage", message).await
    };
    for (deed, hers, his, can_write) in [
        ((&alice, true), (true, false), (false, true), false),
        ((&alice, true), (true, false), (false, true), false),
        ((&bob, true), (true, true), (true, true), false),
        ((&alice, false), (false, true), (true, false), false),
        ((&bob, false), (false, false), (false, false), true),
    ] {
        block(deed.0, deed.1).await;
        assert_eq!(marks(&alice).await, hers, "alice's place");
        assert_eq!(marks(&bob).await, his, "bob's place");
        for who in [&alice, &bob] {
            let answer = write(who).await;
            if can_write {
                answer.ok();
            } else {
                assert_eq!(answer.refused(400)["error"], "room_is_blocked");
            }
        }
    }
    let wish = |room: &str, other: &str| json!([{"rid": room, "blocked": other}]);
    for (name, is) in [("blockUser", true), ("unblockUser", false)] {
        let answer = method(&alice, name, wish(&room, &bob.user_id)).await;
        assert_eq!(answer["result"], true, "{answer}");
        assert_eq!(marks(&bob).await.1, is, "{name}");
    }
    for (room, other) in [
        (&*room, &*alice.user_id),
        (&*room, "nobody"),
        (&*many, &*bob.user_id),
        ("GENERAL", &*bob.user_id),
        ("nowhere", &*bob.user_id),
    ] {
        let refused = method(&alice, "blockUser", wish(room, other)).await;
        assert_eq!(
            refused["error"]["error"], "error-invalid-room",
            "{other} in {room}: {refused}"
        );
    }
    let wish = json!({"roomId": many, "block": true});
    let refused = alice.post("im.blockUser", wish).await.refused(400);
    assert_eq!(refused["errorType"], "error-invalid-room", "{refused}");
}

async fn direct_messages_between_many_are_left(options: ServerOptions) {
    let server = options.start().await;
    let (admin, alice, bob, carl) = people(&server).await;
    let (pair, many) = (with(&alice, "bob").await, with(&alice, "bob,carl").await);
    let told = carl.get(&format!("rooms.info?roomId={many}")).await.ok();
    assert_eq!(told["room"]["usersCount"], 3, "{told}");
    carl.post("im.leave", json!({"roomId": many})).await.ok();
    assert_eq!(place(&carl, &many).await, Value::Null);
    carl.get(&format!("im.messages?roomId={many}"))
        .await
        .refused(403);
    let told = alice.get(&format!("rooms.info?roomId={many}")).await.ok();
    assert_eq!(told["room"]["usersCount"], 2, "{told}");
    assert_eq!(told["room"]["usernames"], json!(["alice", "bob"]), "{told}");
    assert_eq!(place(&alice, &many).await["name"], "bob");

    assert_eq!(
        with(&bob, "alice").await,
        pair,
        "a conversation of two stays that"
    );
    let again = with(&carl, "alice,bob").await;
    assert_ne!(again, many, "who left is not in it again");
    assert_eq!(with(&alice, "bob,carl").await, again);
    for (who, room) in [(&alice, &pair), (&alice, &many)] {
        let refused = who.post("im.leave", json!({"roomId": room})).await;
        assert_eq!(refused.refused(400)["errorType"], "error-not-allowed");
    }

    let kick = json!({"roomId": again, "username": "carl"});
    let refused = alice.post("im.kick", kick.clone()).await.refused(400);
    assert_eq!(refused["errorType"], "error-not-allowed", "{refused}");
    admin.post("im.kick", kick).await.refused(403);
    let ours = with(&admin, "alice,bob,carl").await;
    let kick = json!({"roomId": ours, "userId": carl.user_id});
    admin.post("im.kick", kick.clone()).await.ok();
    assert_eq!(place(&carl, &ours).await, Value::Null);
    let refused = admin.post("im.kick", kick).await.refused(400);
    assert_eq!(refused["errorType"], "error-user-not-in-room", "{refused}");
}

#[tokio::test]
async fn who_may_not_make_them_finds_those_there_are() {
    let server = Server::start().await;
    let (admin, alice, bob, _) = people(&server).await;
    let room = with(&alice, "bob").await;
    let permissions = json!({"permissions": [{"_id": "create-d", "roles": ["admin"]}]});
    admin.post("permissions.update", permissions).await.ok();
    assert_eq!(with(&bob, "alice").await, room);
    let wish = json!({"username": "carl"});
    let refused = bob.post("im.create", wish.clone()).await.refused(400);
    assert_eq!(refused["errorType"], "error-not-allowed", "{refused}");
    let permissions = json!({"permissions": [{"_id": "view-d-room", "roles": ["admin"]}]});
    admin.post("permissions.update", permissions).await.ok();
    let wish = json!({"username": "alice"});
    let refused = bob.post("im.create", wish).await.refused(400);
    assert_eq!(refused["errorType"], "error-not-allowed", "{refused}");
    for path in ["im.open", "im.close"] {
        bob.post(path, json!({"roomId": room})).await.refused(403);
    }
}

#[tokio::test]
async fn others_are_introduced_to_each_other() {
    let server = Server::start().await;
    let (admin, alice, bob, carl) = people(&server).await;
    let wish = |names: &str| json!({"usernames": names, "excludeSelf": true});
    let made = admin.post("im.create", wish("bob,carl")).await.ok();
    let room = made["room"]["rid"].as_str().unwrap();
    assert_eq!(made["room"]["usernames"], json!(["bob", "carl"]), "{made}");
    assert_eq!(place(&admin, room).await, Value::Null);
    for who in [&bob, &carl] {
        assert_eq!(place(who, room).await["open"], true, "shown at once");
    }
    let made = alice.post("im.create", wish("admin,carl")).await.ok();
    let room = made["room"]["rid"].as_str().unwrap();
    assert_eq!(place(&carl, room).await["open"], false, "not by everybody");
    let refused = admin.post("im.create", wish("bob")).await.refused(400);
    assert_eq!(refused["errorType"], "error-invalid-user", "{refused}");
}

#[tokio::test]
async fn nobody_joins_them_by_default() {
    let server = Server::start().await;
    let (admin, _, bob, _) = people(&server).await;
    let ours = with(&admin, "bob").await;
    for wish in [
        json!({"rid": ours, "default": true}),
        json!({"rid": ours, "favorite": {"favorite": true, "defaultValue": true}}),
    ] {
        let refused = admin
            .post("rooms.saveRoomSettings", wish)
            .await
            .refused(400);
        assert_eq!(refused["errorType"], "error-action-not-allowed");
    }
    // As a form says it that has all settings.
    let wish = json!({"rid": ours, "default": false, "roomTopic": "x"});
    admin.post("rooms.saveRoomSettings", wish).await.ok();
    let dora = admin.new_user("dora").await;
    assert_eq!(place(&dora, &ours).await, Value::Null);
    let members = bob.get(&format!("im.members?roomId={ours}")).await.ok();
    assert_eq!(members["total"], 2, "{members}");
}

#[tokio::test]
async fn direct_messages_by_method() {
    let server = Server::start().await;
    let (_, alice, _, _) = people(&server).await;
    let room = with(&alice, "bob").await;
    let create = async |params: Value| method(&alice, "createDirectMessage", params).await;
    let answer = create(json!(["bob"])).await;
    let told = json!({"t": "d", "rid": room, "usernames": ["alice", "bob"]});
    assert_eq!(answer["result"], told, "{answer}");
    let answer = create(json!(["bob", "carl", {"twoFactorCode": "1"}])).await;
    let names = json!(["alice", "bob", "carl"]);
    assert_eq!(answer["result"]["usernames"], names, "{answer}");
    for params in [json!(["nobody"]), json!([]), json!([7])] {
        let refused = create(params).await;
        assert_eq!(refused["error"]["error"], "error-invalid-user", "{refused}");
    }
}

#[tokio::test]
async fn members_and_messages_of_direct_messages() {
    let server = Server::start().await;
    let (admin, alice, bob, carl) = people(&server).await;
    let room = with(&alice, "carl,bob").await;
    say(&alice, &room, "hello").await;
    let names = async |query: &str| {
        let answer = bob.get(&format!("im.members?roomId={room}{query}")).await;
        let answer = answer.ok();
        let list = answer["members"].as_array().unwrap();
        let names: Vec<_> = list.iter().map(|one| one["username"].clone()).collect();
        (json!(names), answer["total"].clone())
    };
    for (query, found, total) in [
        ("", json!(["alice", "bob", "carl"]), 3),
        (
            "&sort={\"username\":-1}",
            json!(["carl", "bob", "alice"]),
            3,
        ),
        ("&filter=AL", json!(["alice"]), 1),
        ("&offset=1&count=1", json!(["bob"]), 3),
        ("&status[]=online", json!([]), 0),
    ] {
        assert_eq!(names(query).await, (found, json!(total)), "{query}");
    }
    let told = bob.get(&format!("im.members?roomId={room}")).await.ok();
    let fields = told["members"][0].as_object().unwrap();
    for field in ["_id", "username", "name", "status"] {
        assert!(fields.contains_key(field), "{field} in {told}");
    }
    for field in ["_updatedAt", "nickname", "avatarETag"] {
        assert!(!fields.contains_key(field), "{field} in {told}");
    }
    for path in ["im.members", "im.messages"] {
        for query in [
            "",
            &format!("?roomId={room}&username=bob"),
            &format!("?roomId={room}&more=1"),
        ] {
            let refused = bob.get(&format!("{path}{query}")).await.refused(400);
            assert_eq!(
                refused["errorType"], "error-invalid-params",
                "{path}{query}"
            );
        }
    }
    let by_name = alice.get("dm.messages?username=bob").await.ok();
    assert_eq!(by_name["total"], 0, "the two alone: {by_name}");

    let everyone = admin.get("im.list.everyone").await.ok();
    assert_eq!(everyone["total"], 2, "{everyone}");
    carl.get("im.list.everyone").await.refused(403);
    let others = format!("im.messages.others?roomId={room}");
    let refused = admin.get(&others).await.refused(400);
    assert_eq!(refused["errorType"], "error-endpoint-disabled", "{refused}");
    let on = json!({"value": true});
    let setting = "settings/API_Enable_Direct_Message_History_EndPoint";
    admin.post(setting, on).await.ok();
    assert_eq!(admin.get(&others).await.ok()["total"], 1);
    carl.get(&others).await.refused(403);
    for (query, error) in [
        ("", "error-roomid-param-not-provided"),
        ("?roomId=GENERAL", "error-room-not-found"),
    ] {
        let refused = admin.get(&format!("im.messages.others{query}")).await;
        assert_eq!(refused.refused(400)["errorType"], error);
    }
}

#[tokio::test]
async fn the_topic_takes_the_right_to_edit_rooms() {
    let server = Server::start().await;
    let (admin, alice, _, _) = people(&server).await;
    let ours = with(&admin, "bob").await;
    let wish = json!({"roomId": ours, "topic": "lunch"});
    alice.post("im.setTopic", wish.clone()).await.refused(403);
    assert_eq!(admin.post("im.setTopic", wish).await.ok()["topic"], "lunch");
    let theirs = with(&alice, "bob").await;
    let wish = json!({"roomId": theirs, "topic": "lunch"});
    let refused = alice.post("im.setTopic", wish).await.refused(400);
    assert_eq!(
        refused["errorType"], "error-action-not-allowed",
        "{refused}"
    );
}
