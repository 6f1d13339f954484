//! Accounts, and their names on what they said before.

use serde_json::json;
use tests::server::Server;

use super::{id, people};

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
        "User not found"
    );
    assert_eq!(
        alice.get("users.info").await.refused(400)["errorType"],
        "error-invalid-params"
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
        "User not found"
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
