//! Other ways to read a room: without a login, by cursor, where one is mentioned; and the lists of what rooms do not have
//! yet.

use serde_json::{Value, json};
use tests::client::Client;
use tests::on_both_logs;
use tests::server::{Server, ServerOptions};

use super::{create, people};

/// Posts a message; returns its id.
async fn say(client: &Client, room: &str, text: &str) -> String {
    let wish = json!({"roomId": room, "text": text});
    let posted = client.post("chat.postMessage", wish).await.ok();
    posted["message"]["_id"].as_str().unwrap().to_owned()
}

fn texts<'a>(answer: &'a Value, list: &str) -> Vec<&'a str> {
    let messages = answer[list].as_array().expect("messages");
    let text = |message: &'a Value| message["msg"].as_str().unwrap_or("");
    messages.iter().map(text).collect()
}

on_both_logs!(a_room_is_read_by_cursor);

async fn a_room_is_read_by_cursor(options: ServerOptions) {
    let server = options.start().await;
    let (_admin, alice, bob) = people(&server).await;
    let room = create(&alice, "groups", "den", &["bob"]).await;
    let mut ids = Vec::new();
    for text in ["one", "two", "three", "four", "five"] {
        ids.push(say(&alice, &room, text).await);
    }
    let reply = json!({"message": {"rid": room, "msg": "reply", "tmid": ids[0]}});
    alice.post("chat.sendMessage", reply).await.ok();
    let read = async |more: &str| {
        let path = format!("rooms.history?roomId={room}&count=2{more}");
        bob.get(&path).await.ok()
    };
    let cursor = |page: &Value, way: &str| {
        let cursor = page["cursor"][way].as_str();
        cursor.map(|cursor| format!("&{way}={cursor}"))
    };
    let newest = read("").await;
    assert_eq!(texts(&newest, "messages"), ["five", "four"]);
    assert_eq!(cursor(&newest, "next"), None);
    let older = read(&cursor(&newest, "previous").unwrap()).await;
    assert_eq!(texts(&older, "messages"), ["three", "two"]);
    let oldest = read(&cursor(&older, "previous").unwrap()).await;
    assert_eq!(texts(&oldest, "messages"), ["one"]);
    assert_eq!(cursor(&oldest, "previous"), None);
    let newer = read(&cursor(&oldest, "next").unwrap()).await;
    assert_eq!(texts(&newer, "messages"), ["three", "two"]);
    let around = read(&format!("&aroundId={}", ids[2])).await;
    assert_eq!(texts(&around, "messages"), ["three", "two"]);
    assert!(cursor(&around, "next").is_some() && cursor(&around, "previous").is_some());
    let first = read(&format!("&aroundId={}", ids[0])).await;
    assert_eq!(texts(&first, "messages"), ["two", "one"]);
    let threads = read("&showThreadMessages=true").await;
    assert_eq!(texts(&threads, "messages"), ["reply", "five"]);

    let seen = older["messages"][1]["ts"].as_str().unwrap();
    let unread = read(&format!("&lastSeen={seen}")).await;
    assert_eq!(unread["unreadNotLoaded"], json!(1), "three");
    assert_eq!(unread["firstUnread"]["msg"], "three");

    for (more, code) in [
        ("&next=x", "error-invalid-params"),
        ("&previous=1&next=1", "error-invalid-params"),
        ("&aroundId=nothing", "error-message-not-found"),
        ("&lastSeen=x", "error-invalid-date"),
        ("&offset=1", "error-invalid-params"),
    ] {
        let path = format!("rooms.history?roomId={room}{more}");
        let refusal = bob.get(&path).await.refused(400);
        assert_eq!(refusal["errorType"], code, "{more}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn mentions_of_oneself_are_found_in_a_room() {
    let server = Server::start().await;
    let (_admin, alice, bob) = people(&server).await;
    let room = create(&alice, "channels", "square", &["bob"]).await;
    let other = create(&alice, "channels", "other", &["bob"]).await;
    say(&alice, &room, "@bob first").await;
    let edited = say(&alice, &room, "@bob second").await;
    say(&alice, &room, "@all and @here").await;
    say(&alice, &other, "@bob elsewhere").await;
    say(&alice, &room, "@bob third").await;
    let answer = async |client: &Client, more: &str| {
        let path = format!("channels.getAllUserMentionsByChannel?roomId={room}{more}");
        client.get(&path).await
    };
    let found = answer(&bob, "").await.ok();
    assert_eq!(
        texts(&found, "mentions"),
        ["@bob first", "@bob second", "@bob third"]
    );
    let edit = json!({"roomId": room, "msgId": edited, "text": "nobody"});
    alice.post("chat.update", edit).await.ok();
    let found = answer(&bob, r#"&count=1&offset=1&sort={"ts":1}"#)
        .await
        .ok();
    assert_eq!(texts(&found, "mentions"), ["@bob third"]);
    assert_eq!(
        (&found["count"], &found["offset"], &found["total"]),
        (&json!(1), &json!(1), &json!(2))
    );
    let found = answer(&bob, r#"&sort={"ts":-1}"#).await.ok();
    assert_eq!(texts(&found, "mentions"), ["@bob third", "@bob first"]);
    assert_eq!(answer(&alice, "").await.ok()["total"], json!(0));
    let group = create(&alice, "groups", "den", &[]).await;
    for id in [&group, "nowhere"] {
        let path = format!("channels.getAllUserMentionsByChannel?roomId={id}");
        let refusal = bob.get(&path).await.refused(400);
        assert_eq!(refusal["errorType"], "error-invalid-room", "{id}");
    }
}

on_both_logs!(channels_are_read_without_a_login_where_that_is_allowed);

async fn channels_are_read_without_a_login_where_that_is_allowed(options: ServerOptions) {
    let server = options.start().await;
    let (admin, alice, _bob) = people(&server).await;
    let channel = create(&alice, "channels", "square", &[]).await;
    let group = create(&alice, "groups", "den", &[]).await;
    for room in [&channel, &group] {
        say(&alice, room, "hello").await;
    }
    let anyone = Client::new(&server.url());
    let read = async |family: &str, what: &str| {
        anyone.get(&format!("{family}.anonymousread?{what}")).await
    };
    for family in ["channels", "groups"] {
        let off = read(family, "roomName=square").await.refused(400);
        assert_eq!(off["errorType"], "error-not-allowed", "{family}");
    }
    let on = json!({"value": true});
    admin
        .post("settings/Accounts_AllowAnonymousRead", on)
        .await
        .ok();
    for family in ["channels", "groups"] {
        for named in ["roomName=square".to_owned(), format!("roomId={channel}")] {
            let found = read(family, &named).await.ok();
            assert_eq!(texts(&found, "messages"), ["hello"], "{family} {named}");
            assert_eq!(found["total"], json!(1));
        }
        for hidden in ["roomName=den", &format!("roomId={group}"), "roomId=nowhere"] {
            let refusal = read(family, hidden).await.refused(400);
            assert_eq!(refusal["errorType"], "error-room-not-found", "{hidden}");
        }
    }
    let nothing = read("groups", "").await.refused(400);
    assert_eq!(nothing["errorType"], "error-room-param-not-provided");
}

/// What is listed, by whom, and what is refused how.
#[tokio::test(flavor = "multi_thread")]
async fn lists_of_what_rooms_do_not_have_are_empty_for_those_who_may_see_them() {
    let server = Server::start().await;
    let (admin, alice, bob) = people(&server).await;
    let channel = create(&alice, "channels", "square", &[]).await;
    let group = create(&alice, "groups", "den", &[]).await;
    let talk = alice.post("im.create", json!({"username": "bob"})).await;
    let talk = talk.ok()["room"]["_id"].as_str().unwrap().to_owned();
    let owner = json!({"roomId": group, "username": "admin"});
    alice.post("groups.invite", owner).await.ok();
    let lists = [
        (&alice, format!("channels.files?roomId={channel}"), "files"),
        (&alice, "groups.files?roomName=den".to_owned(), "files"),
        (&alice, format!("im.files?roomId={talk}"), "files"),
        (&alice, "dm.files?username=bob".to_owned(), "files"),
        (&alice, format!("rooms.images?roomId={group}"), "files"),
        (
            &admin,
            format!("channels.getIntegrations?roomId={channel}&includeAllPublicChannels=true"),
            "integrations",
        ),
        (
            &admin,
            format!("groups.getIntegrations?roomId={group}"),
            "integrations",
        ),
    ];
    for (client, path, list) in lists {
        let found = client.get(&format!("{path}&offset=3")).await.ok();
        let empty = json!({list: [], "count": 0, "offset": 3, "total": 0, "success": true});
        assert_eq!(found, empty, "{path}");
    }
    for (path, status, code) in [
        (
            format!("groups.files?roomId={group}"),
            400,
            "error-room-not-found",
        ),
        (
            "channels.files?roomName=none".to_owned(),
            400,
            "error-room-not-found",
        ),
        (
            "channels.files".to_owned(),
            400,
            "error-roomid-param-not-provided",
        ),
        (format!("im.files?roomId={group}"), 403, "unauthorized"),
        (format!("rooms.images?roomId={group}"), 403, "unauthorized"),
        (
            "rooms.images?roomId=nowhere".to_owned(),
            403,
            "unauthorized",
        ),
        (
            format!("channels.getIntegrations?roomId={channel}"),
            403,
            "unauthorized",
        ),
    ] {
        let refusal = bob.get(&path).await.refused(status);
        let said = refusal.get("errorType").unwrap_or(&refusal["error"]);
        assert_eq!(said, code, "{path}: {refusal}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_has_an_invitation_to_answer() {
    let server = Server::start().await;
    let (_admin, alice, bob) = people(&server).await;
    let room = create(&alice, "groups", "den", &[]).await;
    for (client, room) in [(&alice, &*room), (&bob, &room), (&bob, "nowhere")] {
        for action in ["accept", "reject"] {
            let wish = json!({"roomId": room, "action": action});
            let refusal = client.post("rooms.invite", wish).await.refused(400);
            assert_eq!(refusal["error"], "error-invalid-subscription");
        }
    }
    let other = json!({"roomId": room, "action": "ignore"});
    let refusal = alice.post("rooms.invite", other).await.refused(400);
    assert_eq!(refusal["errorType"], "invalid-params");
}
