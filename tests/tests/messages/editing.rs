//! Changing what a message says: who, how long, and what stays.

use serde_json::{Value, json};
use tests::client::Client;
use tests::server::{Server, ServerOptions};

use super::steps::{edit, group, people, read, say, send, set};

tests::on_both_logs![an_edit_is_like_a_message_and_calls_nobody_anew];

const MINUTE: u32 = 60_000;

async fn an_edit_is_like_a_message_and_calls_nobody_anew(options: ServerOptions) {
    let server = options.start().await;
    let (_, alice, bob) = people(&server).await;
    let den = group(&alice, "den", &["bob"]).await;
    let said = say(&alice, &den, "hello").await;
    let edited = edit(&alice, &said, "@bob https://a.example #general")
        .await
        .ok();
    let edited = &edited["message"];
    assert_eq!(edited["mentions"][0]["username"], "bob", "{edited}");
    assert_eq!(edited["urls"][0]["url"], "https://a.example", "{edited}");
    assert_eq!(edited["channels"][0]["name"], "general", "{edited}");
    assert_eq!(edited["editedBy"]["username"], "alice", "{edited}");
    assert_eq!((&edited["u"], &edited["ts"]), (&said["u"], &said["ts"]));
    let path = format!("subscriptions.getOne?roomId={den}");
    let place = bob.get(&path).await.ok();
    assert_eq!(place["subscription"]["userMentions"], 0, "{place}");
    // Unchanged text is no edit.
    edit(&alice, &said, "@bob https://a.example #general")
        .await
        .ok();
    let same = read(&alice, &said).await.ok();
    assert_eq!(same["message"]["editedAt"], edited["editedAt"]);
}

#[tokio::test]
async fn who_may_edit() {
    let server = Server::start().await;
    let (admin, alice, bob) = people(&server).await;
    let said = say(&alice, "GENERAL", "hello").await;
    let refused = edit(&bob, &said, "bye").await.refused(400);
    assert_eq!(
        refused["errorType"], "error-action-not-allowed",
        "{refused}"
    );
    assert_eq!(refused["details"]["action"], "Message_editing", "{refused}");
    edit(&admin, &said, "by the administrator").await.ok();
    set(&admin, "Message_AllowEditing", false).await;
    edit(&alice, &said, "again").await.refused(400);
    edit(&admin, &said, "whoever has the right").await.ok();
}

#[tokio::test]
async fn in_a_read_only_room_those_edit_who_write_there() {
    let server = Server::start().await;
    let (_, alice, bob) = people(&server).await;
    let den = group(&alice, "den", &["bob"]).await;
    let (hers, his) = (say(&alice, &den, "a").await, say(&bob, &den, "b").await);
    let closed = json!({"roomId": den, "readOnly": true});
    alice.post("groups.setReadOnly", closed).await.ok();
    let refused = edit(&bob, &his, "c").await.refused(400);
    let why = "You can't send messages because the room is readonly.";
    assert_eq!(refused["error"], why, "{refused}");
    edit(&alice, &hers, "c").await.ok();
}

/// The same people on a server whose clock is ahead.
async fn later<const N: usize>(server: &mut Server, millis: u32, who: [Client; N]) -> [Client; N] {
    server.stop().await;
    let old = std::mem::replace(server, Server::start().await);
    *server = old.with_options(|options: ServerOptions| options.clock_ahead(millis));
    server.restart().await;
    who.map(|who| server.client().with_token(&who.user_id, &who.token))
}

#[tokio::test]
async fn the_time_to_edit_ends_for_all_without_a_right() {
    let mut server = Server::start().await;
    let (admin, alice, _) = people(&server).await;
    set(&admin, "Message_AllowEditing_BlockEditInMinutes", 5).await;
    set(&admin, "Message_AllowDeleting_BlockDeleteInMinutes", 5).await;
    let mut said = Vec::new();
    for _ in 0..2 {
        said.push(say(&alice, "GENERAL", "hello").await);
    }
    edit(&alice, &said[0], "in time").await.ok();
    let [admin, alice] = later(&mut server, 7 * MINUTE, [admin, alice]).await;
    for who in [&admin, &alice] {
        let refused = edit(who, &said[0], "too late").await.refused(400);
        assert_eq!(
            refused["errorType"], "error-message-editing-blocked",
            "{refused}"
        );
    }
    let refused = super::steps::delete(&alice, &said[1]).await.refused(400);
    assert_eq!(refused["details"]["action"], "Delete_message", "{refused}");
    let right =
        json!({"permissions": [{"_id": "bypass-time-limit-edit-and-delete", "roles": ["user"]}]});
    admin.post("permissions.update", right).await.ok();
    edit(&alice, &said[0], "late").await.ok();
    super::steps::delete(&alice, &said[1]).await.ok();
}

#[tokio::test]
async fn an_edit_may_be_longer_than_a_message() {
    let server = Server::start().await;
    let (admin, alice, _) = people(&server).await;
    set(&admin, "Message_MaxAllowedSize", 10).await;
    let said = say(&alice, "GENERAL", "short").await;
    let long = json!({"msg": "longer than that"});
    let refused = send(&alice, "GENERAL", long).await.refused(400);
    assert_eq!(refused["errorType"], "error-message-size-exceeded");
    let edited = edit(&alice, &said, "longer than that").await.ok();
    assert_eq!(edited["message"]["msg"], "longer than that");
    let huge = "x".repeat(300 * 1024);
    let refused = edit(&alice, &said, &huge).await;
    assert!(refused.status.is_client_error(), "{}", refused.status);
}

#[tokio::test]
async fn what_a_file_is_described_as_is_edited_in_its_place() {
    let server = Server::start().await;
    let (_, alice, _) = people(&server).await;
    let file = json!({"title": "a.png", "description": "old", "type": "file"});
    let sent = json!({"msg": "", "attachments": [file]});
    let sent = send(&alice, "GENERAL", sent).await.ok()["message"].clone();
    let edited = edit(&alice, &sent, "new").await.ok();
    let message: &Value = &edited["message"];
    assert_eq!(message["attachments"][0]["description"], "new", "{message}");
    assert_eq!(
        (&message["msg"], &message["attachments"][0]["title"]),
        (&json!(""), &json!("a.png"))
    );
}
