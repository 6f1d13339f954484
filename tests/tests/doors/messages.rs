//! What is said in rooms.

use serde_json::{Value, json};
use tests::server::Server;

use super::{all, id, people};

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
        json!([{"url": "https://example.org/x", "meta": {}}]),
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
    let written = async || {
        let room = bob.get("channels.info?roomId=GENERAL").await.ok();
        room["channel"]["msgs"].clone()
    };
    let before = written().await;
    let several = json!({"roomId": ["GENERAL", "nowhere"], "text": "half"});
    bob.post("chat.postMessage", several).await.refused(400);
    assert_eq!(written().await, before, "posted to all of them or to none");

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
    let fields = json!({"roomId": "GENERAL", "msgId": "mine", "text": "changed", "customFields": {"mood": "good"}});
    let changed = alice.post("chat.update", fields).await.ok();
    assert_eq!(
        changed["message"]["customFields"],
        json!({"mood": "good"}),
        "{changed}"
    );
    let cipher = json!({"algorithm": "rc.v1.aes-sha2", "ciphertext": "abc"});
    let vault = json!({"name": "vault"});
    let vault = id(&alice.post("channels.create", vault).await.ok(), "channel");
    let encrypted = json!({"rid": vault, "t": "e2e", "content": {"ciphertext": "x"}, "msg": ""});
    let sent = alice
        .post("chat.sendMessage", json!({ "message": encrypted }))
        .await
        .ok();
    let hidden = json!({"roomId": vault, "msgId": sent["message"]["_id"], "content": cipher,
        "e2eMentions": {"e2eUserMentions": ["@bob"]}});
    let changed = alice.post("chat.update", hidden).await.ok();
    let message = &changed["message"];
    assert_eq!(
        (&message["msg"], &message["content"], &message["t"]),
        (&json!(""), &cipher, &json!("e2e")),
        "{changed}"
    );
    assert_eq!(message["e2eMentions"]["e2eUserMentions"], json!(["@bob"]));
    assert_eq!(message["editedBy"]["username"], "alice", "{changed}");
    let plain = json!({"roomId": "GENERAL", "msgId": "mine", "content": cipher});
    let refusal = alice.post("chat.update", plain).await.refused(400);
    assert_eq!(refusal["errorType"], "error-invalid-message");
    let open = json!({"roomId": vault, "msgId": message["_id"], "text": "in the open"});
    let changed = alice.post("chat.update", open).await.ok();
    let message = &changed["message"];
    assert_eq!(
        (
            &message["msg"],
            &message["content"],
            &message["e2eMentions"]
        ),
        (&json!("in the open"), &Value::Null, &Value::Null),
        "nothing stays hidden: {changed}"
    );
    let nothing = json!({"roomId": "GENERAL", "msgId": "mine"});
    alice.post("chat.update", nothing).await.refused(400);
    for field in ["content", "e2eMentions", "customFields"] {
        let wrong = json!({"roomId": "GENERAL", "msgId": "mine", "text": "x", field: "no object"});
        let refusal = alice.post("chat.update", wrong).await.refused(400);
        assert_eq!(
            refusal["error"],
            format!("Match error: Expected object, got string in field {field}")
        );
    }
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
