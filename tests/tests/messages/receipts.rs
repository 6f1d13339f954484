//! Who has read a message, and that everybody has.

use std::time::Duration;

use serde_json::{Value, json};
use tests::client::Client;
use tests::live::Live;
use tests::method::method;
use tests::on_both_logs;
use tests::server::{Server, ServerOptions};

const SETTINGS: [&str; 2] = [
    "Message_Read_Receipt_Enabled",
    "Message_Read_Receipt_Store_Users",
];

async fn note(admin: &Client, setting: &str, on: bool) {
    let value = json!({ "value": on });
    admin.post(&format!("settings/{setting}"), value).await.ok();
}

async fn note_all(admin: &Client) {
    for setting in SETTINGS {
        note(admin, setting, true).await;
    }
}

async fn people(server: &Server) -> (Client, Client, Client) {
    let admin = server.admin().await;
    let (alice, bob) = (admin.new_user("alice").await, admin.new_user("bob").await);
    (admin, alice, bob)
}

async fn group(owner: &Client, name: &str, members: &[&str]) -> String {
    let wish = json!({"name": name, "members": members});
    let made = owner.post("groups.create", wish).await.ok();
    made["group"]["_id"].as_str().expect("a room").to_owned()
}

async fn say(client: &Client, room: &str) -> String {
    let wish = json!({"roomId": room, "text": "hello"});
    let posted = client.post("chat.postMessage", wish).await.ok();
    posted["message"]["_id"].as_str().expect("an id").to_owned()
}

async fn read(client: &Client, room: &str) {
    let wish = json!({ "rid": room });
    client.post("subscriptions.read", wish).await.ok();
}

async fn receipts(client: &Client, message: &str) -> Vec<Value> {
    let path = format!("chat.getMessageReadReceipts?messageId={message}");
    let answer = client.get(&path).await.ok();
    answer["receipts"].as_array().expect("receipts").clone()
}

/// Who has read a message, the first reader first.
async fn readers(client: &Client, message: &str) -> Vec<String> {
    let receipts = receipts(client, message).await;
    let name = |receipt: &Value| receipt["user"]["username"].as_str().unwrap().to_owned();
    receipts.iter().map(name).collect()
}

on_both_logs!(who_has_read_a_message_is_told);

async fn who_has_read_a_message_is_told(options: ServerOptions) {
    let server = options.start().await;
    let (admin, alice, bob) = people(&server).await;
    note_all(&admin).await;
    let room = group(&alice, "den", &["bob"]).await;
    let first = say(&alice, &room).await;
    assert_eq!(readers(&bob, &first).await, ["alice"], "the author has");
    read(&bob, &room).await;
    let second = say(&alice, &room).await;
    assert_eq!(readers(&alice, &first).await, ["alice", "bob"]);
    assert_eq!(readers(&alice, &second).await, ["alice"]);

    let told = receipts(&alice, &first).await;
    let bobs = &told[1];
    assert!(bobs["ts"].as_str() > told[0]["ts"].as_str(), "{bobs}");
    assert_ne!(bobs["_id"], told[0]["_id"]);
    let expected = json!({
        "_id": bobs["_id"], "ts": bobs["ts"], "roomId": room, "messageId": first, "userId": bob.user_id,
        "user": {"_id": bob.user_id, "username": "bob", "name": bobs["user"]["name"]},
    });
    assert_eq!(*bobs, expected);

    let by_method = method(&alice, "getReadReceipts", json!([{"messageId": first}])).await;
    let dated = by_method["result"].as_array().expect("receipts");
    assert_eq!(dated.len(), 2);
    assert!(dated[1]["ts"]["$date"].is_number(), "{}", dated[1]);

    // Clients that page come to an end.
    for (part, names) in [
        ("&count=1", &["alice"][..]),
        ("&count=1&offset=1", &["bob"]),
        ("&count=50&offset=50", &[]),
    ] {
        let path = format!("chat.getMessageReadReceipts?messageId={first}{part}");
        let page = alice.get(&path).await.ok();
        let page = page["receipts"].as_array().unwrap();
        let found: Vec<_> = page.iter().map(|one| &one["user"]["username"]).collect();
        assert_eq!(found, names, "{part}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_told_while_nothing_is_noted() {
    let server = Server::start().await;
    let (admin, alice, bob) = people(&server).await;
    let room = group(&alice, "den", &["bob"]).await;
    let before = say(&alice, &room).await;
    assert_eq!(readers(&alice, &before).await, [""; 0]);
    note_all(&admin).await;
    read(&bob, &room).await;
    assert_eq!(readers(&alice, &before).await, [""; 0], "sent before");
    let noted = say(&alice, &room).await;
    read(&bob, &room).await;
    assert_eq!(readers(&alice, &noted).await, ["alice", "bob"]);
    for setting in SETTINGS {
        note(&admin, setting, false).await;
        assert_eq!(readers(&alice, &noted).await, [""; 0], "without {setting}");
        note(&admin, setting, true).await;
    }
    assert_eq!(readers(&alice, &noted).await, ["alice", "bob"], "again");
}

#[tokio::test(flavor = "multi_thread")]
async fn receipts_go_with_what_they_are_of() {
    let server = Server::start().await;
    let (admin, alice, bob) = people(&server).await;
    note_all(&admin).await;
    note(&admin, "Message_ShowDeletedStatus", true).await;
    let carl = admin.new_user("carl").await;
    let room = group(&alice, "den", &["bob", "carl"]).await;
    let emptied = say(&alice, &room).await;
    let kept = say(&alice, &room).await;
    for reader in [&bob, &carl] {
        read(reader, &room).await;
    }
    let delete = json!({"roomId": room, "msgId": emptied});
    alice.post("chat.delete", delete).await.ok();
    assert_eq!(readers(&alice, &emptied).await, [""; 0], "only a place");
    let leave = json!({ "roomId": room });
    carl.post("groups.leave", leave).await.ok();
    assert_eq!(
        readers(&alice, &kept).await,
        ["alice", "bob", "carl"],
        "has read it, and left"
    );
    let delete = json!({"userId": carl.user_id});
    admin.post("users.delete", delete).await.ok();
    assert_eq!(readers(&alice, &kept).await, ["alice", "bob"]);
}

/// Replies are read with their room, or with their thread alone.
#[tokio::test(flavor = "multi_thread")]
async fn a_reply_is_read_in_its_thread() {
    let server = Server::start().await;
    let (admin, alice, bob) = people(&server).await;
    note_all(&admin).await;
    let room = group(&alice, "den", &["bob"]).await;
    let parent = say(&bob, &room).await;
    let reply = json!({"message": {"rid": room, "msg": "reply", "tmid": parent}});
    let reply = alice.post("chat.sendMessage", reply).await.ok();
    let reply = reply["message"]["_id"].as_str().unwrap();
    let later = say(&alice, &room).await;
    method(&bob, "readThreads", json!([parent])).await;
    assert_eq!(readers(&bob, reply).await, ["alice", "bob"]);
    assert_eq!(readers(&bob, &later).await, ["alice"]);
    read(&bob, &room).await;
    assert_eq!(readers(&bob, reply).await, ["alice", "bob"]);
    assert_eq!(readers(&bob, &later).await, ["alice", "bob"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_not_read_the_message_is_told_nothing() {
    let server = Server::start().await;
    let (admin, alice, bob) = people(&server).await;
    note_all(&admin).await;
    let eve = admin.new_user("eve").await;
    let room = group(&alice, "den", &["bob"]).await;
    let secret = say(&alice, &room).await;
    let open = json!({"name": "square"});
    let open = alice.post("channels.create", open).await.ok();
    let open = say(&alice, open["channel"]["_id"].as_str().unwrap()).await;
    let preview = json!({"permissions": [{"_id": "preview-c-room", "roles": ["admin"]}]});
    admin.post("permissions.update", preview).await.ok();

    let unknown = "Invalid message [error-invalid-message]";
    let closed = "Invalid room [error-invalid-room]";
    let missing = "The required 'messageId' param is missing.";
    for (id, text, code) in [
        ("", missing, "error-invalid-message"),
        ("nothing", unknown, "error-invalid-message"),
        (&secret, unknown, "error-invalid-message"),
        (&open, closed, "error-invalid-room"),
    ] {
        let path = format!("chat.getMessageReadReceipts?messageId={id}");
        let refusal = eve.get(&path).await.refused(400);
        assert_eq!(refusal, json!({"success": false, "error": text}), "{id}");
        let by_method = method(&eve, "getReadReceipts", json!([{"messageId": id}])).await;
        assert_eq!(by_method["error"]["error"], code, "{id}: {by_method}");
    }
    let none = eve.get("chat.getMessageReadReceipts").await.refused(400);
    assert_eq!(none["error"], missing);

    // Of a room for announcements, not everybody is told who is there.
    let wish = json!({"name": "news", "members": ["bob", "eve"], "extraData": {"broadcast": true}});
    let news = alice.post("channels.create", wish).await.ok();
    let news = news["channel"]["_id"].as_str().unwrap();
    let told = say(&alice, news).await;
    for reader in [&bob, &eve] {
        read(reader, news).await;
    }
    assert_eq!(readers(&alice, &told).await, ["alice", "bob", "eve"]);
    assert_eq!(readers(&eve, &told).await, ["alice", "eve"]);
}

/// The kind, `until` and position of each update until the last marks the end.
async fn updates(live: &mut Live) -> Vec<(String, Value, Value)> {
    let mut told = Vec::new();
    while let Some(frame) = live.next_update(Duration::from_secs(20)).await {
        let kind = frame["kind"].as_str().unwrap().to_owned();
        if kind == "room-topic-changed" {
            break;
        }
        told.push((
            kind,
            frame["data"]["until"].clone(),
            frame["position"].clone(),
        ));
    }
    told
}

#[tokio::test(flavor = "multi_thread")]
async fn a_room_is_told_once_everybody_has_read() {
    let server = Server::start().await;
    let (admin, alice, bob) = people(&server).await;
    let carl = admin.new_user("carl").await;
    note(&admin, SETTINGS[0], true).await;
    let room = group(&alice, "den", &["bob", "carl"]).await;
    let mut of_alice = Live::connect(&server, &alice, None).await;
    let mut of_bob = Live::connect(&server, &bob, None).await;
    for live in [&mut of_alice, &mut of_bob] {
        let watch = json!({"subscribe": {"rooms": [room], "self": true}});
        live.send(&watch).await;
        live.answer("ready").await;
    }
    let wish = json!({"roomId": room, "text": "hello"});
    let posted = alice.post("chat.postMessage", wish).await.ok();
    let sent = posted["message"]["ts"].clone();
    read(&carl, &room).await;
    read(&bob, &room).await;
    let topic = json!({"roomId": room, "topic": "the end"});
    alice.post("groups.setTopic", topic).await.ok();

    let told = updates(&mut of_alice).await;
    let kinds: Vec<&str> = told.iter().map(|(kind, ..)| kind.as_str()).collect();
    assert_eq!(kinds, ["message-posted", "messages-read"], "{told:?}");
    assert_eq!(told[1].1, sent);
    let bobs = updates(&mut of_bob).await;
    let kinds: Vec<&str> = bobs.iter().map(|(kind, ..)| kind.as_str()).collect();
    assert_eq!(
        kinds,
        ["message-posted", "read"],
        "whoever was the last is told so"
    );
    assert_eq!(bobs[1].1, sent);

    // Whoever comes back is told the same.
    let begin = told[0].2.as_u64().unwrap() - 1;
    for (client, expected) in [(&alice, told), (&bob, bobs)] {
        let mut again = Live::connect(&server, client, Some(begin)).await;
        let watch = json!({"subscribe": {"rooms": [room], "self": true}});
        again.send(&watch).await;
        assert_eq!(updates(&mut again).await, expected);
    }
}
