//! Figures, log lines, and what the server says of itself.

use serde_json::json;
use tests::live::Live;
use tests::on_both_logs;
use tests::server::{Server, ServerOptions};

use crate::calls::result;

on_both_logs![figures_are_those_of_the_workspace,];

/// The snapshot a new workspace takes by itself, once it is taken.
async fn first_snapshot(admin: &tests::client::Client) -> serde_json::Value {
    for _ in 0..200 {
        let list = admin.get("statistics.list").await.ok();
        if list["total"].as_u64() > Some(0) {
            let list = list["statistics"].as_array().expect("snapshots");
            return list.last().expect("one").clone();
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("no snapshot was taken");
}

async fn figures_are_those_of_the_workspace(options: ServerOptions) {
    let mut server = options.start().await;
    let admin = server.admin().await;
    // The first one was taken once there was a workspace.
    let first = first_snapshot(&admin).await;
    assert_eq!(first["totalUsers"], 2, "the administrator and the bot");
    assert!(first["uniqueId"].as_str().is_some_and(|id| !id.is_empty()));
    let (ann, bob) = (admin.new_user("ann").await, admin.new_user("bob").await);
    let before = admin.get("statistics?refresh=true").await.ok();
    let room = ann
        .post("groups.create", json!({"name": "secret"}))
        .await
        .ok();
    for text in ["one", "two"] {
        ann.post(
            "chat.postMessage",
            json!({"roomId": room["group"]["_id"], "text": text}),
        )
        .await
        .ok();
    }
    admin
        .post(
            "users.setActiveStatus",
            json!({"userId": bob.user_id, "activeStatus": false}),
        )
        .await
        .ok();
    let sent = json!({"roomId": room["group"]["_id"], "text": "three"});
    let root = ann.post("chat.postMessage", sent).await.ok()["message"]["_id"].clone();
    let reply = json!({"message": {"rid": room["group"]["_id"], "msg": "four", "tmid": root}});
    ann.post("chat.sendMessage", reply).await.ok();
    ann.post("subscriptions.read", json!({"rid": room["group"]["_id"]}))
        .await
        .ok();
    let picture = format!(
        "data:image/png;base64,{}",
        base64::Engine::encode(
            &base64::engine::general_purpose::STANDARD,
            tests::pictures::png(20, 20)
        )
    );
    result(
        &ann,
        "setAvatarFromService",
        json!([picture, "image/png", "upload"]),
    )
    .await;
    admin
        .post("roles.create", json!({"name": "guide"}))
        .await
        .ok();
    let socket = Live::connect(&server, &ann, None).await;
    let after = admin.get("statistics?refresh=true").await.ok();
    let number = |name: &str| after[name].as_u64().unwrap_or(9999);
    assert_eq!(number("totalUsers"), 4, "with the bot");
    assert_eq!(number("activeUsers"), 3);
    assert_eq!(number("nonActiveUsers"), 1);
    assert_eq!(number("totalChannels"), 1);
    assert_eq!(number("totalPrivateGroups"), 1);
    assert_eq!(number("totalRooms"), 2);
    assert_eq!(number("onlineUsers"), 1);
    assert_eq!(number("totalConnectedUsers"), 1);
    assert_eq!(number("offlineUsers"), 3);
    let more = number("totalPrivateGroupMessages")
        - before["totalPrivateGroupMessages"].as_u64().unwrap_or(0);
    assert_eq!(more, 4);
    assert_eq!(number("totalThreads"), 1);
    assert_eq!(number("totalCustomRoles"), 1);
    assert!(after["lastSeenSubscription"].is_string());
    assert_eq!(number("uploadsTotal"), 1);
    let bytes = number("uploadsTotalSize");
    assert!((20..20_000).contains(&bytes), "{bytes}");
    assert_eq!(number("instanceCount"), 1);
    assert_eq!(after["integrations"]["totalIntegrations"], 0);
    assert!(after["process"]["uptime"].is_u64());
    assert!(after["lastMessageSentAt"].is_string());
    assert!(after["process"]["pid"].is_u64());
    assert!(after["os"]["totalmem"].as_u64().is_some_and(|all| all > 0));
    assert!(after["_id"].is_string() && after["createdAt"].is_string());
    drop(socket);

    // Without asking for fresh ones the newest are answered, also after a restart.
    let newest = admin.get("statistics").await.ok();
    assert_eq!(newest["_id"], after["_id"]);
    let list = admin.get("statistics.list?count=2").await.ok();
    assert_eq!(list["statistics"][0]["_id"], after["_id"]);
    assert_eq!(list["statistics"][1]["_id"], before["_id"]);
    assert_eq!(list["count"], 2);
    assert!(list["total"].as_u64().is_some_and(|total| total >= 2));
    server.restart().await;
    let admin = server.client().with_token(&admin.user_id, &admin.token);
    for _ in 0..100 {
        let kept = admin.get("statistics").await.ok();
        if kept["_id"] == after["_id"] {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("the snapshots are gone");
}

#[tokio::test(flavor = "multi_thread")]
async fn figures_are_for_those_who_may_see_them() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let ann = admin.new_user("ann").await;
    for path in ["statistics", "statistics.list"] {
        let body = ann.get(path).await.refused(400);
        assert_eq!(body["error"], "error-not-allowed", "{path}");
        assert!(body.get("errorType").is_none());
        server.client().get(path).await.refused(401);
    }
    for path in ["instances.get", "stdout.queue"] {
        let body = ann.get(path).await.refused(403);
        assert_eq!(body["error"], "unauthorized", "{path}");
    }
    let instances = admin.get("instances.get").await.ok();
    assert_eq!(instances["instances"].as_array().map(Vec::len), Some(1));
    assert_eq!(instances["instances"][0]["pid"], json!(server.pid()));

    let build = &admin.get("info").await.ok()["info"]["build"];
    assert!(build["totalMemory"].as_u64().is_some_and(|all| all > 0));
    assert!(build["freeMemory"].is_u64() && build["cpus"].is_u64());
    assert!(ann.get("info").await.ok().get("info").is_none());
    ann.post(
        "statistics.telemetry",
        json!({"params": [{"eventName": "slashCommandsStats", "command": "me"}]}),
    )
    .await
    .ok();
    ann.post("statistics.telemetry", json!({}))
        .await
        .refused(400);
    let body = ann
        .post(
            "statistics.telemetry",
            json!({"params": [{"eventName": "nosy"}]}),
        )
        .await
        .refused(400);
    assert_eq!(body["error"], "event not found");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_log_lines_are_shown_without_secrets() {
    let server = ServerOptions::default()
        .env("RUST_LOG", "info")
        .start()
        .await;
    let admin = server.admin().await;
    let lines = admin.get("stdout.queue").await.ok();
    let queue = lines["queue"].as_array().expect("lines");
    assert!(!queue.is_empty());
    assert!(queue.len() <= 1000);
    for line in queue {
        assert!(line["id"].is_u64() && line["ts"].is_string());
        let text = line["string"].as_str().expect("a text");
        assert!(!text.contains(&admin.token), "{text}");
        assert!(!text.contains(tests::server::ADMIN_PASSWORD), "{text}");
    }
}
