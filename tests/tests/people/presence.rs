//! Who is there: sockets make people online, requests do not.

use std::time::Duration;

use serde_json::{Value, json};
use tests::client::Client;
use tests::live::Live;
use tests::on_both_logs;
use tests::server::{Server, ServerOptions};

on_both_logs![
    sockets_make_people_online_and_requests_do_not,
    people_choose_what_they_are_shown_as,
    setting_a_status_has_its_rules,
];

const PATIENCE: Duration = Duration::from_secs(10);

/// What `of` is shown as to `by`.
async fn status(by: &Client, of: &Client) -> String {
    let body = by
        .get(&format!("users.getPresence?userId={}", of.user_id))
        .await
        .ok();
    body["presence"].as_str().unwrap_or_default().to_owned()
}

/// Waits until `of` is shown as `wanted`: a socket that closes is noticed a moment later.
async fn until(by: &Client, of: &Client, wanted: &str) {
    for _ in 0..200 {
        if status(by, of).await == wanted {
            return;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("not {wanted}, but {}", status(by, of).await);
}

async fn presence_of(socket: &mut Live, user: &Client, status: &str) -> Value {
    loop {
        let frame = socket.next_frame(PATIENCE).await.expect("a presence frame");
        if frame["kind"] == "presence"
            && frame["data"]["user"]["_id"] == json!(user.user_id)
            && frame["data"]["status"] == status
        {
            return frame;
        }
    }
}

async fn sockets_make_people_online_and_requests_do_not(options: ServerOptions) {
    let server = options.start().await;
    let admin = server.admin().await;
    let (ann, bob) = (admin.new_user("ann").await, admin.new_user("bob").await);
    assert_eq!(status(&bob, &ann).await, "offline", "only logged in");
    let own = ann.get("users.getPresence").await.ok();
    assert_eq!(own["presence"], "offline");
    assert_eq!(own["connectionStatus"], "offline");

    let mut watcher = Live::connect(&server, &bob, None).await;
    watcher
        .send(&json!({"subscribe": {"presence": [ann.user_id, "nobody"]}}))
        .await;
    let subscribed = watcher.answer("subscribed").await;
    assert_eq!(subscribed["data"]["presence"], json!([ann.user_id]));
    presence_of(&mut watcher, &ann, "offline").await;

    let mut first = Live::connect(&server, &ann, None).await;
    presence_of(&mut watcher, &ann, "online").await;
    assert_eq!(status(&bob, &ann).await, "online");
    first
        .send(&json!({"presence": {"status": "away", "ref": "7"}}))
        .await;
    let answer = presence_of(&mut first, &ann, "away").await;
    assert_eq!(answer["data"]["ref"], "7");
    presence_of(&mut watcher, &ann, "away").await;

    let second = Live::connect(&server, &ann, None).await;
    presence_of(&mut watcher, &ann, "online").await;
    drop(second);
    presence_of(&mut watcher, &ann, "away").await;
    drop(first);
    presence_of(&mut watcher, &ann, "offline").await;

    watcher
        .send(&json!({"unsubscribe": {"presence": [ann.user_id]}}))
        .await;
    watcher.answer("unsubscribed").await;
    let again = Live::connect(&server, &ann, None).await;
    assert_eq!(
        watcher.next_frame(Duration::from_millis(300)).await,
        None,
        "no longer watched"
    );
    drop(again);
}

async fn people_choose_what_they_are_shown_as(options: ServerOptions) {
    let server = options.start().await;
    let admin = server.admin().await;
    let (ann, bob) = (admin.new_user("ann").await, admin.new_user("bob").await);

    // At once, although nobody is there.
    ann.post(
        "users.setStatus",
        json!({"status": "busy", "message": "writing"}),
    )
    .await
    .ok();
    let seen = bob
        .get(&format!("users.getStatus?username={}", "ann"))
        .await
        .ok();
    assert_eq!(seen["status"], "busy");
    assert_eq!(seen["message"], "writing");
    assert!(seen.get("connectionStatus").is_none());
    let me = ann.get("me").await.ok();
    assert_eq!(me["status"], "busy");
    assert_eq!(me["statusDefault"], "busy");
    assert_eq!(me["statusConnection"], "offline");
    assert_eq!(me["statusText"], "writing");

    // A connection that comes and goes has the last word; the choice survives.
    let socket = Live::connect(&server, &ann, None).await;
    until(&bob, &ann, "busy").await;
    drop(socket);
    until(&bob, &ann, "offline").await;
    let socket = Live::connect(&server, &ann, None).await;
    until(&bob, &ann, "busy").await;
    ann.post("users.setStatus", json!({"status": "offline"}))
        .await
        .ok();
    assert_eq!(status(&bob, &ann).await, "offline", "invisible");
    assert_eq!(
        ann.get("users.getPresence").await.ok()["connectionStatus"],
        "online"
    );
    drop(socket);

    // An empty message is taken away.
    ann.post("users.setStatus", json!({"message": ""}))
        .await
        .ok();
    assert_eq!(
        bob.get("users.getStatus?username=ann").await.ok()["message"],
        ""
    );
    let info = admin.get("users.info?username=ann").await.ok();
    assert_eq!(info["user"]["status"], "offline");
    assert_eq!(info["user"]["statusConnection"], "offline");
}

async fn setting_a_status_has_its_rules(options: ServerOptions) {
    let server = options.start().await;
    let admin = server.admin().await;
    let (ann, bob) = (admin.new_user("ann").await, admin.new_user("bob").await);
    let body = ann
        .post(
            "users.setStatus",
            json!({"status": "sleepy", "message": "m"}),
        )
        .await
        .refused(400);
    assert_eq!(body["errorType"], "error-invalid-status");
    assert_eq!(
        bob.get("users.getStatus?username=ann").await.ok()["message"],
        "m",
        "the message is applied first"
    );
    ann.post("users.setStatus", json!({})).await.refused(400);
    // Nothing would take it back.
    let ends = json!({"status": "busy", "expiresAt": "2100-01-01T00:00:00.000Z"});
    let body = ann.post("users.setStatus", ends).await.refused(400);
    assert_eq!(body["errorType"], "error-status-expiry-not-supported");
    let body = ann
        .post(
            "users.setStatus",
            json!({"userId": bob.user_id, "status": "busy"}),
        )
        .await
        .refused(403);
    assert_eq!(body["error"], "unauthorized");
    // Nobody learns by this who is there.
    for nobody in [
        json!({"userId": "x", "status": "busy"}),
        json!({"user": "x", "status": "busy"}),
    ] {
        ann.post("users.setStatus", nobody).await.refused(403);
    }
    let own = json!({"username": "ann", "status": "busy"});
    ann.post("users.setStatus", own).await.ok();
    let body = admin
        .post("users.setStatus", json!({"userId": "x", "status": "busy"}))
        .await
        .refused(400);
    assert_eq!(body["errorType"], "error-invalid-user");
    admin
        .post(
            "users.setStatus",
            json!({"userId": bob.user_id, "status": "busy"}),
        )
        .await
        .ok();
    assert_eq!(status(&ann, &bob).await, "busy");
    server
        .client()
        .post("users.setStatus", json!({"status": "busy"}))
        .await
        .refused(401);

    let strict = ServerOptions::default()
        .env(
            "OVERWRITE_SETTING_Accounts_AllowInvisibleStatusOption",
            "false",
        )
        .start()
        .await;
    let body = strict
        .admin()
        .await
        .post("users.setStatus", json!({"status": "offline"}))
        .await
        .refused(400);
    assert_eq!(body["errorType"], "error-status-not-allowed");
    let mute = ServerOptions::default()
        .env(
            "OVERWRITE_SETTING_Accounts_AllowUserStatusMessageChange",
            "false",
        )
        .start()
        .await;
    let body = mute
        .admin()
        .await
        .post("users.setStatus", json!({"status": "busy"}))
        .await
        .refused(400);
    assert_eq!(body["errorType"], "error-not-allowed");
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_tell_who_is_there() {
    let mut server = Server::start().await;
    let admin = server.admin().await;
    let (ann, bob) = (admin.new_user("ann").await, admin.new_user("bob").await);
    let socket = Live::connect(&server, &ann, None).await;
    until(&bob, &ann, "online").await;

    let all = bob.get("users.presence").await.ok();
    assert_eq!(all["full"], true);
    assert_eq!(all["users"].as_array().map(Vec::len), Some(1));
    assert_eq!(all["users"][0]["username"], "ann");
    assert_eq!(all["users"][0]["status"], "online");
    assert!(all["users"][0].get("statusConnection").is_none());

    let ids = format!("users.presence?ids={},{}", ann.user_id, bob.user_id);
    let some = bob.get(&ids).await.ok();
    assert_eq!(some["full"], false);
    assert_eq!(some["users"].as_array().map(Vec::len), Some(1));
    let ids = format!("users.presence?ids[]={}&ids[]=nobody", bob.user_id);
    assert_eq!(bob.get(&ids).await.ok()["users"], json!([]));

    let before = jiff::Timestamp::now() - jiff::SignedDuration::from_mins(2);
    let recent = bob.get(&format!("users.presence?from={before}")).await.ok();
    assert_eq!(recent["full"], false);
    let names: Vec<&str> = recent["users"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|user| user["username"].as_str())
        .collect();
    assert!(names.contains(&"ann"), "{names:?}");
    assert!(!names.contains(&"bob"), "not oneself: {names:?}");
    let long_ago = bob
        .get("users.presence?from=2020-01-01T00:00:00.000Z")
        .await
        .ok();
    assert_eq!(long_ago["full"], true, "too long ago: everybody");
    bob.get("users.presence?from=yesterday").await.refused(400);

    // After a restart nobody is there until they come back.
    drop(socket);
    server.restart().await;
    let bob = server.client().with_token(&bob.user_id, &bob.token);
    assert_eq!(bob.get("users.presence").await.ok()["users"], json!([]));
}
