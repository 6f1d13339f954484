//! One's own place in a room: notifications, drafts, whom to see, what is read, whether it is listed.

use std::time::Duration;

use serde_json::{Value, json};
use tests::client::Client;
use tests::live::Live;
use tests::method::method;
use tests::on_both_logs;
use tests::server::{Server, ServerOptions};

on_both_logs![
    drafts_are_kept_and_told_to_nobody_else,
    threads_are_read_one_by_one_or_all_at_once,
    rooms_are_unread_again,
];

/// Somebody's place in a room, as they see it.
pub async fn place(who: &Client, room: &str) -> Value {
    let answer = who
        .get(&format!("subscriptions.getOne?roomId={room}"))
        .await
        .ok();
    answer["subscription"].clone()
}

/// A message, sent; its id.
pub async fn say(who: &Client, room: &str, text: &str) -> String {
    reply(who, json!({"rid": room, "msg": text})).await
}

pub async fn reply(who: &Client, message: Value) -> String {
    let sent = who.post("chat.sendMessage", json!({"message": message}));
    let sent = sent.await.ok();
    sent["message"]["_id"].as_str().unwrap().to_owned()
}

async fn two(server: &Server) -> (Client, Client, Client) {
    let admin = server.admin().await;
    let (alice, bob) = (admin.new_user("alice").await, admin.new_user("bob").await);
    (admin, alice, bob)
}

/// What can be chosen, what shows then, and what when the default is chosen after that.
const CHOICES: &[(&str, &str, &str, &str)] = &[
    ("desktopNotifications", "mentions", r#""mentions""#, "null"),
    ("mobilePushNotifications", "all", r#""all""#, "null"),
    (
        "emailNotifications",
        "nothing",
        r#""nothing""#,
        r#""mentions""#,
    ),
    ("unreadAlert", "nothing", r#""nothing""#, r#""default""#),
    ("audioNotificationValue", "beep", r#""beep""#, "null"),
    ("disableNotifications", "1", "true", "false"),
    ("hideUnreadStatus", "1", "true", "false"),
    ("hideMentionStatus", "1", "true", "null"),
    ("muteGroupMentions", "1", "true", "false"),
];

#[tokio::test]
async fn notifications_are_chosen_for_a_room() {
    let server = Server::start().await;
    let (_, alice, bob) = two(&server).await;
    // What a choice goes back to.
    let prefers = json!({"data": {"emailNotificationMode": "mentions"}});
    bob.post("users.setPreferences", prefers).await.ok();
    let parse = |text: &str| serde_json::from_str::<Value>(text).unwrap();
    for (field, value, shown, _) in CHOICES {
        let wish = json!({"roomId": "GENERAL", "notifications": {*field: value}});
        bob.post("rooms.saveNotification", wish).await.ok();
        let now = place(&bob, "GENERAL").await;
        assert_eq!(now[*field], parse(shown), "{field} = {value}: {now}");
    }
    let listed = bob.get("subscriptions.get").await.ok();
    let general = &listed["update"][0];
    assert_eq!(
        general["muteGroupMentions"], true,
        "in lists too: {general}"
    );
    let own = place(&bob, "GENERAL").await;
    assert_eq!(own["emailPrefOrigin"], "subscription", "{own}");

    for (field, _, _, after) in CHOICES {
        let params = json!(["GENERAL", field, "default"]);
        let answer = method(&bob, "saveNotificationSettings", params).await;
        assert_eq!(answer["result"], true, "{answer}");
        let now = place(&bob, "GENERAL").await;
        assert_eq!(now[*field], parse(after), "{field} = default: {now}");
    }
    let own = place(&bob, "GENERAL").await;
    assert_eq!(own["emailPrefOrigin"], "user", "the preference: {own}");
    assert_eq!(own["desktopPrefOrigin"], Value::Null, "{own}");
    let prefers = json!({"data": {"emailNotificationMode": "nothing"}});
    bob.post("users.setPreferences", prefers).await.ok();
    let own = place(&bob, "GENERAL").await;
    assert_eq!(own["emailNotifications"], "nothing", "follows again: {own}");
    let hers = place(&alice, "GENERAL").await;
    assert_eq!(hers["unreadAlert"], Value::Null, "they are bob's: {hers}");
}

#[tokio::test]
async fn what_cannot_be_chosen_changes_nothing() {
    let server = Server::start().await;
    let (_, alice, bob) = two(&server).await;
    let hers = alice
        .post("channels.create", json!({"name": "hers"}))
        .await
        .ok();
    let hers = &hers["channel"]["_id"];
    let sound = json!({"audioNotificationValue": "x".repeat(300)});
    for (wish, error) in [
        (
            json!({"notifications": {"unreadAlert": "all"}}),
            "The 'roomId' param is required",
        ),
        (
            json!({"roomId": "GENERAL"}),
            "The 'notifications' param is required",
        ),
        (
            json!({"roomId": "GENERAL", "notifications": {"unreadAlert": "all", "alert": "1"}}),
            "error-invalid-settings",
        ),
        (
            json!({"roomId": "GENERAL", "notifications": {"unreadAlert": "some"}}),
            "error-invalid-settings",
        ),
        (
            json!({"roomId": "GENERAL", "notifications": {"muteGroupMentions": true}}),
            "Match error: Expected string, got boolean",
        ),
        (
            json!({"roomId": hers, "notifications": {"unreadAlert": "all"}}),
            "error-invalid-subscription",
        ),
        (
            json!({"roomId": "nowhere", "notifications": {"unreadAlert": "all"}}),
            "error-invalid-subscription",
        ),
        (
            json!({"roomId": "GENERAL", "notifications": sound}),
            "invalid-params",
        ),
    ] {
        let refused = bob.post("rooms.saveNotification", wish.clone()).await;
        let refused = refused.refused(400);
        let said = format!("{} {}", refused["error"], refused["errorType"]);
        assert!(said.contains(error), "{wish}: {refused}");
    }
    let own = place(&bob, "GENERAL").await;
    assert_eq!(own["unreadAlert"], Value::Null, "all or nothing: {own}");
}

async fn drafts_are_kept_and_told_to_nobody_else(options: ServerOptions) {
    let server = options.start().await;
    let (_, alice, bob) = two(&server).await;
    let thread = say(&alice, "GENERAL", "what do you think?").await;
    let mut own = Live::connect(&server, &bob, None).await;
    let mut other = Live::connect(&server, &alice, None).await;
    let wanted = json!({"subscribe": {"rooms": ["GENERAL"], "self": true}});
    for live in [&mut own, &mut other] {
        live.send(&wanted).await;
        live.answer("ready").await;
    }
    let draft = async |body: Value| bob.post("rooms.saveDraft", body).await;
    draft(json!({"rid": "GENERAL", "draft": "well, I"}))
        .await
        .ok();
    draft(json!({"rid": "GENERAL", "draft": "no", "tmid": thread}))
        .await
        .ok();
    let now = place(&bob, "GENERAL").await;
    assert_eq!(now["draft"], "well, I", "{now}");
    assert_eq!(now["threadDrafts"], json!({thread.clone(): "no"}), "{now}");
    let told = own.next_update(Duration::from_secs(5)).await;
    let told = told.expect("a frame about one's own draft");
    assert_eq!(
        (&told["kind"], &told["data"]),
        (
            &json!("draft-changed"),
            &json!({"rid": "GENERAL", "draft": "well, I"})
        ),
        "{told}"
    );
    let told = other.next_update(Duration::from_millis(300)).await;
    assert_eq!(told, None, "others are told of drafts");

    draft(json!({"rid": "GENERAL", "draft": "", "tmid": thread}))
        .await
        .ok();
    draft(json!({"rid": "GENERAL", "draft": ""})).await.ok();
    let now = place(&bob, "GENERAL").await;
    for field in ["draft", "threadDrafts"] {
        assert_eq!(now[field], Value::Null, "given up: {now}");
    }
    for (body, error) in [
        (
            json!({"rid": "nowhere", "draft": "x"}),
            "error-invalid-subscription",
        ),
        (
            json!({"rid": "GENERAL", "draft": "x", "tmid": "nothing"}),
            "error-invalid-message",
        ),
        (
            json!({"rid": "GENERAL", "draft": "x".repeat(20_000)}),
            "invalid-params",
        ),
        (json!({"rid": "GENERAL"}), "invalid-params"),
        (
            json!({"rid": "GENERAL", "draft": "x", "more": 1}),
            "invalid-params",
        ),
    ] {
        let refused = draft(body).await.refused(400);
        assert_eq!(refused["errorType"], error, "{refused}");
    }
}

#[tokio::test]
async fn members_ignore_each_other() {
    let server = Server::start().await;
    let (admin, alice, bob) = two(&server).await;
    let ignore = async |who: &Value, ignore: Value| {
        let wish = json!({"rid": "GENERAL", "userId": who, "ignore": ignore});
        method(&bob, "ignoreUser", json!([wish])).await
    };
    let her = json!(alice.user_id);
    for (wish, shown) in [
        (json!(true), json!([alice.user_id])),
        (Value::Null, json!([alice.user_id])),
        (json!(false), Value::Null),
    ] {
        let answer = ignore(&her, wish.clone()).await;
        assert_eq!(answer["result"], true, "{answer}");
        let now = place(&bob, "GENERAL").await;
        assert_eq!(now["ignored"], shown, "after {wish}: {now}");
    }
    alice
        .post("rooms.leave", json!({"roomId": "GENERAL"}))
        .await
        .ok();
    let gone = ignore(&her, json!(true)).await;
    assert_eq!(
        gone["error"]["error"], "error-invalid-subscription",
        "{gone}"
    );
    bob.post("rooms.leave", json!({"roomId": "GENERAL"}))
        .await
        .ok();
    let outside = ignore(&json!(admin.user_id), json!(true)).await;
    assert_eq!(
        outside["error"]["error"], "error-invalid-subscription",
        "{outside}"
    );
}

async fn threads_are_read_one_by_one_or_all_at_once(options: ServerOptions) {
    let server = options.start().await;
    let (admin, alice, bob) = two(&server).await;
    let mut threads = Vec::new();
    for text in ["one", "two", "three", "four"] {
        let root = say(&bob, "GENERAL", text).await;
        let answer = json!({"rid": "GENERAL", "msg": "yes", "tmid": root});
        reply(&alice, answer).await;
        threads.push(root);
    }
    // Posting reads the room, and leaves the threads.
    say(&bob, "GENERAL", "so").await;
    let left = async || place(&bob, "GENERAL").await["tunread"].clone();
    assert_eq!(left().await, json!(threads));

    let read = json!({"rid": "GENERAL", "tmid": threads[0]});
    bob.post("subscriptions.read", read).await.ok();
    assert_eq!(left().await, json!(threads[1..]));
    let answer = method(&bob, "readThreads", json!([threads[1]])).await;
    assert_eq!(answer["error"], Value::Null, "{answer}");
    assert_eq!(left().await, json!(threads[2..]));
    bob.post("subscriptions.read", json!({"rid": "GENERAL"}))
        .await
        .ok();
    assert_eq!(left().await, json!(threads[2..]), "the room only");
    let all = json!({"rid": "GENERAL", "readThreads": true});
    bob.post("subscriptions.read", all).await.ok();
    assert_eq!(
        left().await,
        Value::Null,
        "the room is up to date, the threads were not"
    );

    for thread in [json!("nothing"), json!(threads[2])] {
        let on = json!({"value": thread == "nothing"});
        admin.post("settings/Threads_enabled", on).await.ok();
        let refused = method(&bob, "readThreads", json!([thread])).await;
        assert_eq!(refused["error"]["error"], "error-not-allowed", "{refused}");
    }
}

#[tokio::test]
async fn rooms_are_hidden_and_shown() {
    let server = Server::start().await;
    let (_, alice, bob) = two(&server).await;
    let den = alice
        .post("groups.create", json!({"name": "den"}))
        .await
        .ok();
    let den = &den["group"]["_id"];
    let general = json!({"roomId": "GENERAL"});
    let is_open = async || place(&bob, "GENERAL").await["open"].clone();
    bob.post("rooms.hide", general.clone()).await.ok();
    assert_eq!(is_open().await, false);
    let refused = bob.post("rooms.hide", general.clone()).await.refused(400);
    assert_eq!(refused["error"], "error-room-already-hidden");
    for _ in 0..2 {
        bob.post("rooms.open", general.clone()).await.ok();
        assert_eq!(is_open().await, true);
    }
    for (name, open) in [("hideRoom", false), ("openRoom", true)] {
        let answer = method(&bob, name, json!(["GENERAL"])).await;
        assert_eq!(answer["result"], 1, "{answer}");
        assert_eq!(is_open().await, open, "{name}");
        let answer = method(&bob, name, json!([den])).await;
        assert_eq!(answer["result"], 0, "{answer}");
    }
    for path in ["rooms.hide", "rooms.open"] {
        bob.post(path, json!({"roomId": den})).await.refused(403);
        bob.post(path, json!({"roomId": "nowhere"}))
            .await
            .refused(403);
        bob.post(path, json!({})).await.refused(400);
    }
}

#[tokio::test]
async fn rooms_and_places_by_method() {
    let server = Server::start().await;
    let (admin, alice, bob) = two(&server).await;
    alice
        .post("channels.create", json!({"name": "hers"}))
        .await
        .ok();
    for (name, field) in [("rooms/get", "_id"), ("subscriptions/get", "rid")] {
        for params in [json!([]), json!([{}])] {
            let answer = method(&bob, name, params.clone()).await;
            let all = answer["result"].as_array();
            let all = all.unwrap_or_else(|| panic!("{name}({params}): a list, not {answer}"));
            assert_eq!(all.len(), 1, "{name}: {answer}");
            assert_eq!(all[0][field], "GENERAL", "{name}: {answer}");
            assert!(
                all[0]["_updatedAt"]["$date"].is_number(),
                "{name}: {answer}"
            );
        }
        let answer = method(&bob, name, json!([{"$date": 0}])).await;
        let changed = &answer["result"];
        assert_eq!(changed["update"][0][field], "GENERAL", "{name}: {answer}");
        assert!(changed["remove"].is_array(), "{name}: {answer}");
        let answer = method(&bob, name, json!([{"$date": 9_999_999_999_999_i64}])).await;
        assert_eq!(answer["result"]["update"], json!([]), "{name}: {answer}");
        let nobody = method(&server.client(), name, json!([])).await;
        assert_eq!(nobody["result"], json!([]), "{name}: {nobody}");
    }
    let on = json!({"value": true});
    admin
        .post("settings/Accounts_AllowAnonymousRead", on)
        .await
        .ok();
    let nobody = method(&server.client(), "rooms/get", json!([])).await;
    assert_eq!(nobody["result"][0]["_id"], "GENERAL", "{nobody}");
    assert_eq!(
        nobody["result"].as_array().map(Vec::len),
        Some(1),
        "{nobody}"
    );
}

async fn rooms_are_unread_again(options: ServerOptions) {
    let server = options.start().await;
    let (_, alice, bob) = two(&server).await;
    let first = say(&alice, "GENERAL", "first").await;
    let second = say(&alice, "GENERAL", "second").await;
    bob.post("subscriptions.read", json!({"rid": "GENERAL"}))
        .await
        .ok();
    let counted = async || {
        let answer = bob.get("channels.counters?roomId=GENERAL").await.ok();
        answer["unreads"].clone()
    };
    assert_eq!(counted().await, 0);
    let sent = |message: &str| json!({"firstUnreadMessage": {"_id": message}});
    bob.post("subscriptions.unread", sent(&first)).await.ok();
    let marked = place(&bob, "GENERAL").await;
    assert_eq!(marked["alert"], true, "{marked}");
    assert_eq!(counted().await, 2, "from the first on");
    // What is unread already is left alone.
    let answer = method(&bob, "unreadMessages", json!([{"_id": second}])).await;
    assert_eq!(answer["result"], 1, "{answer}");
    assert_eq!(place(&bob, "GENERAL").await["ls"], marked["ls"]);
    let answer = method(&bob, "readMessages", json!(["GENERAL"])).await;
    assert_eq!(answer["error"], Value::Null, "{answer}");
    assert_eq!(counted().await, 0);
    let answer = method(&bob, "unreadMessages", json!([null, "GENERAL"])).await;
    assert_eq!(answer["result"], 1, "{answer}");
    assert_eq!(counted().await, 1, "the newest");
    let refused = method(&bob, "readMessages", json!(["nowhere"])).await;
    assert_eq!(refused["error"]["error"], "error-not-allowed", "{refused}");

    let own = say(&bob, "GENERAL", "mine").await;
    let empty = bob
        .post("channels.create", json!({"name": "empty"}))
        .await
        .ok();
    for (body, error) in [
        (sent(&own), "error-action-not-allowed"),
        (sent("nothing"), "error-action-not-allowed"),
        (
            json!({"roomId": empty["channel"]["_id"]}),
            "error-no-message-for-unread",
        ),
        (json!({}), "invalid-params"),
        (json!({"roomId": "GENERAL", "more": 1}), "invalid-params"),
        (json!({"firstUnreadMessage": own}), "invalid-params"),
    ] {
        let refused = bob.post("subscriptions.unread", body.clone()).await;
        let refused = refused.refused(400);
        assert_eq!(refused["errorType"], error, "{body}: {refused}");
    }
}

#[tokio::test]
async fn counters_of_archived_groups_are_not_told() {
    let server = Server::start().await;
    let (admin, alice, _) = two(&server).await;
    let den = alice
        .post("groups.create", json!({"name": "den"}))
        .await
        .ok();
    let den = den["group"]["_id"].as_str().unwrap();
    let path = format!("groups.counters?roomId={den}");
    alice.get(&path).await.ok();
    alice
        .post("groups.archive", json!({"roomId": den}))
        .await
        .ok();
    for who in [&alice, &admin] {
        let refused = who.get(&path).await.refused(400);
        assert_eq!(refused["errorType"], "error-room-archived", "{refused}");
    }
}
