//! Pruning: many messages deleted at once, over REST and as a method.

use reqwest::Method;
use serde_json::{Value, json};
use tests::client::Client;
use tests::method::method;
use tests::on_both_logs;
use tests::server::{Server, ServerOptions};

use super::{create, info, people, told};

const OLDEST: &str = "2020-01-01T00:00:00.000Z";
const LATEST: &str = "2040-01-01T00:00:00.000Z";

/// Posts a message, a reply if it names one; returns the document.
async fn say(client: &Client, room: &str, text: &str, thread: Option<&Value>) -> Value {
    let mut message = json!({"rid": room, "msg": text});
    if let Some(thread) = thread {
        message["tmid"] = thread["_id"].clone();
    }
    let sent = client.post("chat.sendMessage", json!({"message": message}));
    sent.await.ok()["message"].clone()
}

/// What is said in the room, without what the room itself tells.
async fn said(client: &Client, room: &str) -> Vec<String> {
    let told = told(client, "groups", room).await;
    let said = told.into_iter().filter(|(kind, _)| kind.is_empty());
    said.map(|(_, text)| text).collect()
}

/// A wish to prune everything, with `more` in it.
fn wish(room: &str, more: &Value) -> Value {
    let mut wish = json!({"roomId": room, "oldest": OLDEST, "latest": LATEST});
    for (name, value) in more.as_object().unwrap() {
        wish[name] = value.clone();
    }
    wish
}

on_both_logs![what_is_pruned_is_gone_everywhere, filters_say_what_goes,];

async fn what_is_pruned_is_gone_everywhere(options: ServerOptions) {
    let server = options.start().await;
    let (admin, alice, bob) = people(&server).await;
    let room = create(&alice, "groups", "den", &["bob"]).await;
    let rename = json!({"roomId": room, "name": "cave"});
    alice.post("groups.rename", rename).await.ok();
    let first = say(&alice, &room, "first @bob", None).await;
    say(&bob, &room, "an answer", Some(&first)).await;
    say(&alice, &room, "another", Some(&first)).await;
    say(&alice, &room, "last @bob", None).await;
    let place = async || {
        let path = format!("subscriptions.getOne?roomId={room}");
        bob.get(&path).await.ok()["subscription"].clone()
    };
    let before = place().await;
    assert_eq!(before["userMentions"], json!(1), "{before}");
    assert_eq!(before["tunread"], json!([first["_id"]]), "{before}");

    let pruned = admin.post("rooms.cleanHistory", wish(&room, &json!({})));
    let pruned = pruned.await.ok();
    assert_eq!(pruned["_id"], json!(room));
    assert_eq!(pruned["count"], json!(5), "one of them the room told");

    assert_eq!(told(&alice, "groups", &room).await, []);
    let now = info(&alice, &room).await;
    assert_eq!((&now["msgs"], now.get("lastMessage")), (&json!(0), None));
    let after = place().await;
    assert_eq!(
        (&after["userMentions"], &after["unread"]),
        (&json!(0), &json!(0))
    );
    assert_eq!(
        after.get("tunread").unwrap_or(&json!([])),
        &json!([]),
        "{after}"
    );
    let id = first["_id"].as_str().unwrap();
    let edit = json!({"roomId": room, "msgId": id, "text": "x"});
    assert_eq!(alice.post("chat.update", edit).await.status, 400);
    let react = json!({"messageId": id, "emoji": "smile"});
    assert_eq!(bob.post("chat.react", react).await.status, 400);
    let again = json!({"message": {"rid": room, "msg": "x", "_id": id}});
    assert_eq!(alice.post("chat.sendMessage", again).await.status, 400);
    let found = alice.get(&format!("chat.getMessage?msgId={id}")).await;
    assert_eq!(found.status, 400);

    let again = admin.post("rooms.cleanHistory", wish(&room, &json!({})));
    assert_eq!(again.await.ok()["count"], json!(0));
    let recorded = async || {
        let log = "/audit/events?type=HistoryPruned";
        let answer = admin.send(Method::GET, log, None).await.ok();
        let events = answer["events"].as_array().unwrap().clone();
        let sentence = |event: &Value| event["sentence"].as_str().unwrap().to_owned();
        events.iter().map(sentence).collect::<Vec<_>>()
    };
    assert_eq!(
        recorded().await,
        Vec::<String>::new(),
        "the room is private"
    );
    let shown = json!({"value": true});
    let saved = admin.post("settings/Audit_Private_Rooms", shown).await;
    saved.ok();
    let recorded = recorded().await;
    assert_eq!(recorded.len(), 1, "what changes nothing is no event");
    assert!(recorded[0].contains("pruned 5 messages of"), "{recorded:?}");
}

/// What a filter leaves of a message of each of two people, a thread, and a later message. Where it goes by time, the
/// message that was sent then is named.
async fn filters_say_what_goes(options: ServerOptions) {
    let server = options.start().await;
    let (admin, alice, bob) = people(&server).await;
    let all = ["one", "two", "root", "reply", "last"];
    for (number, (more, left)) in [
        (json!({}), &[][..]),
        (json!({"users": ["bob"]}), &["one", "root", "last"]),
        (json!({"users": ["nobody"]}), &all),
        (json!({"users": []}), &[]),
        (json!({"ignoreThreads": true}), &["root", "reply"]),
        (json!({"limit": 2}), &["root", "reply", "last"]),
        (
            json!({"limit": 1, "users": ["bob"]}),
            &["one", "root", "reply", "last"],
        ),
        (json!({"filesOnly": true}), &all),
        (json!({"excludePinned": "true", "ignoreDiscussion": 1}), &[]),
        (json!({"latest": "one"}), &all),
        (json!({"latest": "two"}), &["two", "root", "reply", "last"]),
        (
            json!({"latest": "two", "inclusive": true}),
            &["root", "reply", "last"],
        ),
        (
            json!({"oldest": "two", "latest": "last"}),
            &["one", "two", "last"],
        ),
        (
            json!({"oldest": "two", "latest": "last", "inclusive": true}),
            &["one"],
        ),
    ]
    .into_iter()
    .enumerate()
    {
        let room = create(&alice, "groups", &format!("den{number}"), &["bob"]).await;
        let mut sent = vec![say(&alice, &room, "one", None).await];
        sent.push(say(&bob, &room, "two", None).await);
        sent.push(say(&alice, &room, "root", None).await);
        let reply = say(&bob, &room, "reply", Some(&sent[2])).await;
        sent.push(reply);
        sent.push(say(&alice, &room, "last", None).await);
        let mut asked = wish(&room, &more);
        for end in ["oldest", "latest"] {
            let named = sent.iter().find(|message| message["msg"] == asked[end]);
            if let Some(named) = named {
                asked[end] = named["ts"].clone();
            }
        }
        admin.post("rooms.cleanHistory", asked.clone()).await.ok();
        assert_eq!(said(&alice, &room).await, left, "{more} as {asked}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pruning_takes_a_right_and_two_points_in_time() {
    let server = Server::start().await;
    let (admin, alice, bob) = people(&server).await;
    let room = create(&alice, "groups", "den", &["bob"]).await;
    say(&alice, &room, "hello", None).await;
    let prune = async |client: &Client, more: &Value| {
        let wish = wish(&room, more);
        client.post("rooms.cleanHistory", wish).await.refused(400)
    };
    for client in [&alice, &bob] {
        let refusal = prune(client, &json!({})).await;
        assert_eq!(refusal["errorType"], "error-not-allowed", "{refusal}");
        assert_eq!(refusal["details"]["method"], "cleanRoomHistory");
    }
    for name in ["latest", "oldest"] {
        let refusal = prune(&admin, &json!({name: null})).await;
        let wanted = format!("Body parameter \"{name}\" is required.");
        assert_eq!(refusal["error"], json!(wanted));
        let refusal = prune(&admin, &json!({name: "soon"})).await;
        let error = refusal["error"].as_str().unwrap();
        assert!(error.starts_with("Match error"), "{error}");
    }
    let nowhere = prune(&admin, &json!({"roomId": "nowhere"})).await;
    assert_eq!(nowhere["errorType"], "error-room-not-found");
    let nowhere = prune(&admin, &json!({"roomId": ""})).await;
    assert_eq!(nowhere["errorType"], "error-roomid-param-not-provided");
    assert_eq!(said(&alice, &room).await, ["hello"]);
    let away = json!({"roomId": room});
    alice.post("groups.archive", away).await.ok();
    let refusal = prune(&admin, &json!({})).await;
    assert_eq!(refusal["errorType"], "error-room-archived");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_method_includes_the_ends_unless_told_otherwise() {
    let server = Server::start().await;
    let (admin, alice, _bob) = people(&server).await;
    let room = create(&alice, "groups", "den", &[]).await;
    let sent = say(&alice, &room, "hello", None).await;
    let clean = async |client: &Client, more: Value| {
        let mut asked = json!({"roomId": room, "oldest": sent["ts"], "latest": sent["ts"]});
        for (name, value) in more.as_object().unwrap() {
            asked[name] = value.clone();
        }
        method(client, "cleanRoomHistory", json!([asked])).await
    };
    let none = clean(&admin, json!({"inclusive": false})).await;
    assert_eq!(none["result"], json!(0));
    let others = clean(&admin, json!({"fromUsers": ["bob"]})).await;
    assert_eq!(others["result"], json!(0));
    let denied = clean(&alice, json!({})).await;
    assert_eq!(denied["error"]["error"], "error-not-allowed", "{denied}");
    let nowhere = clean(&admin, json!({"roomId": "nowhere"})).await;
    assert_eq!(nowhere["error"]["error"], "error-not-allowed", "{nowhere}");
    for limit in [json!(-1), json!(1.5), json!("1"), json!([1])] {
        let all = clean(&admin, json!({"limit": limit})).await;
        assert_eq!(all["error"]["errorType"], "Match.Error", "{limit}: {all}");
    }
    let one = clean(&admin, json!({})).await;
    assert_eq!(one["result"], json!(1), "{one}");
    assert_eq!(said(&alice, &room).await, Vec::<String>::new());
}
