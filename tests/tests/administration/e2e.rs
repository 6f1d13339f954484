//! End-to-end encryption: keys and messages that the server hands on without looking inside.

use serde_json::{Value, json};
use tests::client::Client;
use tests::on_both_logs;
use tests::server::ServerOptions;

on_both_logs![keys_go_from_member_to_member,];

async fn subscription(client: &Client, room: &str) -> Value {
    client
        .get(&format!("subscriptions.getOne?roomId={room}"))
        .await
        .ok()["subscription"]
        .clone()
}

async fn set_keys(client: &Client, name: &str) {
    client
        .post(
            "e2e.setUserPublicAndPrivateKeys",
            json!({"public_key": format!("public of {name}"), "private_key": format!("private of {name}")}),
        )
        .await
        .ok();
}

fn encrypting(options: ServerOptions) -> ServerOptions {
    options.env("OVERWRITE_SETTING_E2E_Enable", "true")
}

async fn keys_go_from_member_to_member(options: ServerOptions) {
    let server = encrypting(options).start().await;
    let admin = server.admin().await;
    let (ann, bob, eve) = (
        admin.new_user("ann").await,
        admin.new_user("bob").await,
        admin.new_user("eve").await,
    );
    let empty = ann.get("e2e.fetchMyKeys").await.ok();
    assert!(empty.get("public_key").is_none());
    for (client, name) in [(&ann, "ann"), (&bob, "bob")] {
        set_keys(client, name).await;
    }
    // Set once; replaced only on purpose.
    ann.post(
        "e2e.setUserPublicAndPrivateKeys",
        json!({"public_key": "other", "private_key": "other"}),
    )
    .await
    .ok();
    let own = ann.get("e2e.fetchMyKeys").await.ok();
    assert_eq!(own["public_key"], "public of ann");
    assert_eq!(own["private_key"], "private of ann");

    let group = ann
        .post(
            "groups.create",
            json!({"name": "secret", "members": ["bob"]}),
        )
        .await
        .ok();
    let rid = group["group"]["_id"].as_str().expect("an id");
    ann.post("e2e.setRoomKeyID", json!({"rid": rid, "keyID": "k1"}))
        .await
        .ok();
    let body = ann
        .post("e2e.setRoomKeyID", json!({"rid": rid, "keyID": "k2"}))
        .await
        .refused(400);
    assert_eq!(body["errorType"], "error-room-e2e-key-already-exists");
    let info = ann.get(&format!("rooms.info?roomId={rid}")).await.ok();
    assert_eq!(info["room"]["e2eKeyId"], "k1");

    let waiting = ann
        .get(&format!("e2e.getUsersOfRoomWithoutKey?rid={rid}"))
        .await
        .ok();
    assert_eq!(waiting["users"].as_array().map(Vec::len), Some(2));
    ann.post(
        "e2e.updateGroupKey",
        json!({"rid": rid, "uid": ann.user_id, "key": "for ann"}),
    )
    .await
    .ok();
    assert_eq!(subscription(&ann, rid).await["E2EKey"], "for ann");
    ann.post(
        "e2e.updateGroupKey",
        json!({"rid": rid, "uid": bob.user_id, "key": "for bob"}),
    )
    .await
    .ok();
    let offered = subscription(&bob, rid).await;
    assert_eq!(offered["E2ESuggestedKey"], "for bob");
    assert!(offered.get("E2EKey").is_none());
    bob.post("e2e.rejectSuggestedGroupKey", json!({"rid": rid}))
        .await
        .ok();
    let body = bob
        .post("e2e.acceptSuggestedGroupKey", json!({"rid": rid}))
        .await
        .refused(400);
    assert_eq!(body["errorType"], "error-no-suggested-key-available");
    let fetched = ann
        .get(&format!("e2e.fetchUsersWaitingForGroupKey?roomIds[]={rid}"))
        .await
        .ok();
    assert_eq!(
        fetched["usersWaitingForE2EKeys"][rid],
        json!([{"_id": bob.user_id, "public_key": "public of bob"}])
    );
    ann.post(
        "e2e.provideUsersSuggestedGroupKeys",
        json!({"usersSuggestedGroupKeys": {rid: [
            {"_id": bob.user_id, "key": "again for bob"}, {"_id": eve.user_id, "key": "for eve"}]}}),
    )
    .await
    .ok();
    bob.post("e2e.acceptSuggestedGroupKey", json!({"rid": rid}))
        .await
        .ok();
    let taken = subscription(&bob, rid).await;
    assert_eq!(taken["E2EKey"], "again for bob");
    assert!(taken.get("E2ESuggestedKey").is_none());

    // Encrypted messages pass through as they are; nothing in them calls anybody.
    let message = json!({"rid": rid, "msg": "k1cipher@all@bob", "t": "e2e", "e2e": "pending",
        "content": {"algorithm": "rc.v1.aes-sha2", "ciphertext": "k1cipher"}});
    let sent = ann
        .post("chat.sendMessage", json!({"message": message}))
        .await
        .ok();
    assert_eq!(sent["message"]["t"], "e2e");
    assert_eq!(sent["message"]["e2e"], "pending");
    assert_eq!(sent["message"]["content"], message["content"]);
    assert_eq!(sent["message"]["msg"], "k1cipher@all@bob");
    assert_eq!(sent["message"]["mentions"], json!([]));

    // A key that got lost: everybody needs the new one.
    bob.post(
        "e2e.resetRoomKey",
        json!({"rid": rid, "e2eKey": "new for bob", "e2eKeyId": "k2"}),
    )
    .await
    .ok();
    assert_eq!(subscription(&bob, rid).await["E2EKey"], "new for bob");
    assert!(subscription(&ann, rid).await.get("E2EKey").is_none());
    let info = ann.get(&format!("rooms.info?roomId={rid}")).await.ok();
    assert_eq!(info["room"]["e2eKeyId"], "k2");
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_for_members_only() {
    let server = encrypting(ServerOptions::default()).start().await;
    let admin = server.admin().await;
    let (ann, eve) = (admin.new_user("ann").await, admin.new_user("eve").await);
    let group = ann
        .post("groups.create", json!({"name": "secret"}))
        .await
        .ok();
    let rid = group["group"]["_id"].as_str().expect("an id");
    set_keys(&eve, "eve").await;
    for room in [rid, "nowhere"] {
        let body = eve
            .get(&format!("e2e.getUsersOfRoomWithoutKey?rid={room}"))
            .await
            .refused(400);
        assert_eq!(body["errorType"], "error-invalid-room");
        for (path, body) in [
            ("e2e.setRoomKeyID", json!({"rid": room, "keyID": "k"})),
            (
                "e2e.updateGroupKey",
                json!({"rid": room, "uid": ann.user_id, "key": "k"}),
            ),
            (
                "e2e.resetRoomKey",
                json!({"rid": room, "e2eKey": "k", "e2eKeyId": "k"}),
            ),
        ] {
            let body = eve.post(path, body).await.refused(400);
            assert_eq!(body["errorType"], "error-invalid-room", "{path}");
        }
        for path in ["e2e.acceptSuggestedGroupKey", "e2e.rejectSuggestedGroupKey"] {
            let body = eve.post(path, json!({"rid": room})).await.refused(400);
            assert_eq!(body["errorType"], "error-subscription-not-found", "{path}");
        }
    }
    eve.post(
        "e2e.provideUsersSuggestedGroupKeys",
        json!({"usersSuggestedGroupKeys": {rid: [{"_id": ann.user_id, "key": "evil"}]}}),
    )
    .await
    .ok();
    assert!(
        subscription(&ann, rid)
            .await
            .get("E2ESuggestedKey")
            .is_none(),
        "passed over"
    );
    let fetched = eve
        .get(&format!("e2e.fetchUsersWaitingForGroupKey?roomIds={rid}"))
        .await
        .ok();
    assert_eq!(fetched["usersWaitingForE2EKeys"], json!({}));
    let body = eve
        .post(
            "e2e.setUserPublicAndPrivateKeys",
            json!({"public_key": "x"}),
        )
        .await
        .refused(400);
    assert_eq!(body["errorType"], "invalid-params");
    let huge = "x".repeat(100_000);
    eve.post(
        "e2e.setUserPublicAndPrivateKeys",
        json!({"public_key": huge, "private_key": "x", "force": true}),
    )
    .await
    .refused(413);
    server.client().get("e2e.fetchMyKeys").await.refused(401);
}
