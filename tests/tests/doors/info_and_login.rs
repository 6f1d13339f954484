//! What anyone may ask, and logging in.

use serde_json::json;
use tests::server::Server;

use super::people;

#[tokio::test]
async fn info_and_login() {
    let server = Server::start().await;
    let (admin, alice, _) = people(&server).await;
    let nobody = server.client();
    let info = nobody
        .send(reqwest::Method::GET, "/api/info", None)
        .await
        .ok();
    assert_eq!(info["success"], true);
    assert!(
        info["version"].as_str().unwrap().split('.').count() >= 2,
        "{info}"
    );
    assert_eq!(
        nobody.get("info").await.ok()["version"],
        info["version"],
        "also under /api/v1"
    );

    let digest = "5e884898da28047151d0e56f8dc6292773603d0d6aabbdd62a11ef721d1542d8"; // of `password`
    admin
        .post("users.create", json!({"username": "dora", "name": "Dora", "email": "Dora@example.org", "password": "password"}))
        .await
        .ok();
    for body in [
        json!({"user": "dora", "password": "password"}),
        json!({"username": "dora", "password": "password"}),
        json!({"user": "DORA", "password": "password"}),
        json!({"user": "dora@example.org", "password": "password"}),
        json!({"email": "dora@example.org", "password": "password"}),
        json!({"user": "dora", "password": {"digest": digest, "algorithm": "sha-256"}}),
        json!({"user": {"username": "dora"}, "password": {"digest": digest, "algorithm": "sha-256"}}),
    ] {
        let answer = nobody.post("login", body.clone()).await.ok();
        assert_eq!(answer["status"], "success", "{body}: {answer}");
        assert_eq!(answer["data"]["me"]["username"], "dora");
        assert!(
            !answer.to_string().contains("argon2"),
            "no hash leaks: {answer}"
        );
        assert_eq!(answer["data"]["authToken"].as_str().unwrap().len(), 43);
    }
    let form = Some((
        "application/x-www-form-urlencoded",
        "user=dora&password=password".to_owned(),
    ));
    nobody
        .send(reqwest::Method::POST, "/api/v1/login", form)
        .await
        .ok();
    let resumed = nobody
        .post("login", json!({"resume": alice.token}))
        .await
        .ok();
    assert_eq!(
        resumed["data"]["authToken"],
        json!(alice.token),
        "resuming gives the same token"
    );

    for body in [
        json!({"user": "dora", "password": "wrong"}),
        json!({"user": "nobody", "password": "wrong"}),
    ] {
        let refusal = nobody.post("login", body).await.refused(401);
        assert_eq!(
            refusal,
            json!({"status": "error", "error": "Unauthorized", "message": "Unauthorized"})
        );
    }
    let refusal = nobody
        .post("login", json!({"resume": "not a token"}))
        .await
        .refused(401);
    assert_eq!(
        refusal["message"],
        "You've been logged out by the server. Please log in again."
    );
    let refusal = nobody
        .post("login", json!({"user": "dora", "password": ""}))
        .await
        .refused(401);
    assert_eq!(refusal["message"], "Unrecognized options for login request");

    let me = alice.get("me").await.ok();
    assert_eq!(me["_id"], json!(alice.user_id));
    assert_eq!(me["emails"][0]["address"], "alice@example.org");
    assert_eq!(me["services"]["password"]["exists"], true);
    assert!(
        me["settings"]["preferences"].is_object() && me["avatarUrl"].is_string(),
        "{me}"
    );
    assert_eq!(
        alice.post("logout", json!({})).await.ok()["data"]["message"],
        "You've been logged out!"
    );
    alice.get("me").await.refused(401);
}
