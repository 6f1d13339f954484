//! Devices that want to be told of messages.

use reqwest::Method;
use serde_json::{Value, json};
use tests::client::{Answer, Client};
use tests::on_both_logs;
use tests::server::{Server, ServerOptions};

use crate::calls::{refusal, result};

on_both_logs![
    devices_come_and_go,
    a_device_is_told_as_long_as_its_login_lasts,
];

async fn register(client: &Client, body: Value) -> Answer {
    client.post("push.token", body).await
}

async fn forget(client: &Client, body: Value) -> Answer {
    let body = Some(("application/json", body.to_string()));
    client
        .send(Method::DELETE, "/api/v1/push.token", body)
        .await
}

fn device(value: &str) -> Value {
    json!({"type": "gcm", "value": value, "appName": "app"})
}

async fn devices_come_and_go(options: ServerOptions) {
    let server = options.start().await;
    let admin = server.admin().await;
    let alice = admin.new_user("alice").await;
    let record = register(&alice, device("one")).await.ok()["result"].clone();
    assert_eq!(record["token"], json!({"gcm": "one"}));
    assert_eq!(record["userId"], alice.user_id);
    assert_eq!(record["enabled"], true);
    let mut told: Vec<&String> = record.as_object().unwrap().keys().collect();
    told.sort();
    let expected = [
        "_id",
        "_updatedAt",
        "appName",
        "createdAt",
        "enabled",
        "token",
        "userId",
    ];
    assert_eq!(told, expected);
    let again = register(&alice, device("one")).await.ok()["result"].clone();
    assert_eq!(again["_id"], record["_id"], "the same device");
    let mut named = device("two");
    named["id"] = record["_id"].clone();
    let renewed = register(&alice, named).await.ok()["result"].clone();
    assert_eq!(
        (&renewed["_id"], &renewed["token"]),
        (&record["_id"], &json!({"gcm": "two"}))
    );
    for (name, wrong, code) in [
        ("id", json!(5), "error-id-param-not-valid"),
        ("type", json!("pigeon"), "error-type-param-not-valid"),
        ("value", json!(""), "error-token-param-not-valid"),
        ("appName", Value::Null, "error-appName-param-not-valid"),
        // Only a device that names itself has an address for calls.
        ("voipToken", json!("v"), "error-voipToken-param-not-valid"),
    ] {
        let mut body = device("x");
        body[name] = wrong;
        assert_eq!(register(&alice, body).await.refused(400)["errorType"], code);
    }
    let bad = forget(&alice, json!({"token": 5})).await.refused(400);
    assert_eq!(bad["errorType"], "error-token-param-not-valid");
    let unknown = forget(&admin, json!({"token": "two"})).await.refused(404);
    assert_eq!(unknown["error"], "Resource not found", "not the caller's");
    forget(&alice, json!({"token": "two"})).await.ok();
    forget(&alice, json!({"token": "two"})).await.refused(404);
}

async fn a_device_is_told_as_long_as_its_login_lasts(options: ServerOptions) {
    let server = options.start().await;
    let admin = server.admin().await;
    let alice = admin.new_user("alice").await;
    let phone = server.client().login("alice", "password of alice").await;
    register(&phone, device("phone")).await.ok();
    register(&alice, device("tablet")).await.ok();
    phone.post("logout", json!({})).await.ok();
    forget(&alice, json!({"token": "phone"})).await.refused(404);
    forget(&alice, json!({"token": "tablet"})).await.ok();

    let bob = admin.new_user("bob").await;
    let before = register(&alice, device("shared")).await.ok()["result"].clone();
    let mut taken = device("shared");
    taken["id"] = before["_id"].clone();
    let after = register(&bob, taken).await.ok()["result"].clone();
    assert_eq!(after["userId"], bob.user_id);
    assert_ne!(
        after["_id"], before["_id"],
        "somebody else's record stays theirs"
    );
    forget(&alice, json!({"token": "shared"}))
        .await
        .refused(404);
}

#[tokio::test]
async fn what_a_phone_asks_for() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let (alice, bob) = (admin.new_user("alice").await, admin.new_user("bob").await);
    let info = alice.get("push.info").await.ok();
    assert_eq!(
        (&info["pushGatewayEnabled"], &info["defaultPushGateway"]),
        (&json!(true), &json!(true))
    );
    let none = alice.post("push.test", json!({})).await.refused(400);
    assert_eq!(none["errorType"], "error-no-tokens-for-this-user");
    register(&alice, device("one")).await.ok();
    let undelivered = alice.post("push.test", json!({})).await.refused(400);
    assert_eq!(undelivered["errorType"], "error-push-not-available");
    let off = json!({"value": false});
    admin.post("settings/Push_enable", off).await.ok();
    let off = alice.post("push.test", json!({})).await.refused(400);
    assert_eq!(off["errorType"], "error-push-disabled");

    let group = json!({"name": "den", "members": ["alice"]});
    let group = admin.post("groups.create", group).await.ok()["group"].clone();
    let sent = json!({"message": {"rid": group["_id"], "msg": "psst"}});
    let sent = admin.post("chat.sendMessage", sent).await.ok()["message"].clone();
    let path = format!("push.get?id={}", sent["_id"].as_str().unwrap());
    let data = alice.get(&path).await.ok()["data"].clone();
    assert_eq!(data["message"]["msg"], "psst");
    let notification = &data["notification"];
    assert_eq!(notification["title"], "#den");
    assert_eq!(notification["text"], "admin: psst");
    assert_eq!(notification["payload"]["rid"], group["_id"]);
    assert_eq!(notification["payload"]["senderName"], "admin");
    assert_eq!(notification["badge"], 1, "one unread message");
    assert_eq!(notification["userId"], alice.user_id);
    assert!(notification["notId"].is_i64());
    let off = json!({"value": false});
    admin
        .post("settings/Push_show_username_room", off)
        .await
        .ok();
    let anonymous = alice.get(&path).await.ok()["data"]["notification"].clone();
    assert_eq!(
        (&anonymous["title"], &anonymous["text"]),
        (&json!(""), &json!("psst"))
    );
    assert_eq!(anonymous["payload"]["senderName"], "");
    assert_eq!(anonymous["payload"]["name"], "");
    let refused = bob.get(&path).await.refused(400);
    let unknown = bob.get("push.get?id=nothing").await.refused(400);
    assert_eq!(
        unknown,
        json!({"success": false, "error": "error-message-not-found"})
    );
    assert_eq!(refused, unknown, "what others say is not there");
}

#[tokio::test]
async fn devices_by_method() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let alice = admin.new_user("alice").await;
    let wish = json!([{"token": {"apn": "one"}, "appName": "app", "userId": alice.user_id}]);
    let record = result(&alice, "raix:push-update", wish.clone()).await;
    assert_eq!(record["token"], json!({"apn": "one"}));
    let stranger = crate::calls::method(&admin, "raix:push-update", wish).await;
    assert!(stranger.get("error").is_some());
    assert_eq!(
        result(&alice, "raix:push-setuser", json!([record["_id"]])).await,
        true
    );
    assert_eq!(
        refusal(&alice, "push_test", json!([])).await,
        "error-not-allowed"
    );
    assert_eq!(
        refusal(&admin, "push_test", json!([])).await,
        "error-no-tokens-for-this-user"
    );
}
