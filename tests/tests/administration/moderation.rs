//! Reports, and the desk of those who deal with them.

use serde_json::{Value, json};
use tests::client::Client;
use tests::on_both_logs;
use tests::server::{Server, ServerOptions};

on_both_logs![
    reported_messages_are_dealt_with,
    reported_users_are_dealt_with,
];

async fn say(client: &Client, room: &str, text: &str) -> String {
    let sent = client
        .post("chat.postMessage", json!({"roomId": room, "text": text}))
        .await
        .ok();
    sent["message"]["_id"].as_str().expect("an id").to_owned()
}

async fn report(client: &Client, message: &str, why: &str) {
    client
        .post(
            "chat.reportMessage",
            json!({"messageId": message, "description": why}),
        )
        .await
        .ok();
}

async fn reported_messages_are_dealt_with(options: ServerOptions) {
    let server = options.start().await;
    let admin = server.admin().await;
    let (ann, bob) = (admin.new_user("ann").await, admin.new_user("bob").await);
    let (rude, ruder) = (
        say(&bob, "GENERAL", "rude").await,
        say(&bob, "GENERAL", "ruder").await,
    );
    report(&ann, &rude, "not nice").await;
    report(&admin, &rude, "indeed").await;
    report(&ann, &ruder, "even less").await;

    let users = admin.get("moderation.reportsByUsers").await.ok();
    assert_eq!(users["total"], 1);
    let entry = &users["reports"][0];
    assert_eq!(entry["userId"], json!(bob.user_id));
    assert_eq!(entry["username"], "bob");
    assert_eq!(entry["count"], 3);
    assert_eq!(entry["message"], "ruder", "the newest");
    assert_eq!(entry["msgId"], json!(ruder));
    assert_eq!(entry["rooms"][0]["_id"], "GENERAL");
    assert_eq!(entry["isUserDeleted"], false);
    for (query, total) in [
        ("selector=BOB", 1),
        ("selector=ann", 0),
        ("latest=2020-01-01T00:00:00Z", 0),
    ] {
        let found = admin
            .get(&format!("moderation.reportsByUsers?{query}"))
            .await
            .ok();
        assert_eq!(found["total"], total, "{query}");
    }

    let of_bob = admin
        .get(&format!(
            "moderation.user.reportedMessages?userId={}",
            bob.user_id
        ))
        .await
        .ok();
    assert_eq!(of_bob["total"], 2, "each message once");
    assert_eq!(of_bob["user"]["username"], "bob");
    assert_eq!(of_bob["messages"][0]["message"]["msg"], "ruder");

    let reports = admin
        .get(&format!("moderation.reports?msgId={rude}"))
        .await
        .ok();
    assert_eq!(reports["total"], 2);
    assert_eq!(reports["reports"][0]["description"], "indeed");
    assert_eq!(reports["reports"][1]["reportedBy"]["username"], "ann");
    let id = reports["reports"][1]["_id"].as_str().expect("an id");
    let info = admin
        .get(&format!("moderation.reportInfo?reportId={id}"))
        .await
        .ok();
    assert_eq!(info["report"]["message"]["msg"], "rude");

    admin
        .post("moderation.dismissReports", json!({"msgId": rude}))
        .await
        .ok();
    let left = admin.get("moderation.reportsByUsers").await.ok();
    assert_eq!(left["reports"][0]["count"], 1);
    let info = admin
        .get(&format!("moderation.reportInfo?reportId={id}"))
        .await
        .ok();
    assert_eq!(
        info["report"]["description"], "not nice",
        "what was dealt with can still be looked up"
    );

    let bobs = json!({"userId": bob.user_id});
    admin
        .post("moderation.user.deleteReportedMessages", bobs.clone())
        .await
        .ok();
    bob.get(&format!("chat.getMessage?msgId={ruder}"))
        .await
        .refused(400);
    bob.get(&format!("chat.getMessage?msgId={rude}")).await.ok();
    let none = admin.get("moderation.reportsByUsers").await.ok();
    assert_eq!(none["total"], 0);
    admin
        .post("moderation.user.deleteReportedMessages", bobs)
        .await
        .refused(400);
}

async fn reported_users_are_dealt_with(options: ServerOptions) {
    let server = options.start().await;
    let admin = server.admin().await;
    let (ann, bob) = (admin.new_user("ann").await, admin.new_user("bob").await);
    let whom = |why: &str| json!({"userId": bob.user_id, "description": why});
    ann.post("moderation.reportUser", whom("rude")).await.ok();
    ann.post("moderation.reportUser", whom("again")).await.ok();
    let users = admin.get("moderation.userReports").await.ok();
    assert_eq!(users["total"], 1);
    assert_eq!(users["reports"][0]["count"], 2);
    assert_eq!(users["reports"][0]["reportedUser"]["username"], "bob");
    assert_eq!(
        admin.get("moderation.reportsByUsers").await.ok()["total"],
        0,
        "no message was reported"
    );
    let path = format!("moderation.user.reportsByUserId?userId={}", bob.user_id);
    let reports = admin.get(&path).await.ok();
    assert_eq!(reports["total"], 2);
    assert_eq!(reports["user"]["username"], "bob");
    assert_eq!(reports["reports"][0]["description"], "again");
    admin
        .post(
            "moderation.dismissUserReports",
            json!({"userId": bob.user_id, "reason": "talked to"}),
        )
        .await
        .ok();
    assert_eq!(admin.get(&path).await.ok()["total"], 0);

    let body = ann
        .post(
            "moderation.reportUser",
            json!({"userId": "nobody", "description": "x"}),
        )
        .await
        .refused(400);
    assert_eq!(body["error"], "Invalid user id provided.");
    for body in [
        json!({"userId": bob.user_id}),
        json!({"userId": bob.user_id, "description": ""}),
    ] {
        let body = ann.post("moderation.reportUser", body).await.refused(400);
        assert_eq!(body["errorType"], "invalid-params");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn reporting_has_its_rules() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let (ann, bob) = (admin.new_user("ann").await, admin.new_user("bob").await);
    let group = bob
        .post("groups.create", json!({"name": "secret"}))
        .await
        .ok();
    let hidden = say(
        &bob,
        group["group"]["_id"].as_str().expect("an id"),
        "hidden",
    )
    .await;
    let open = say(&bob, "GENERAL", "open").await;
    let cases: [(Value, &str, &str); 5] = [
        (
            json!({"description": "x"}),
            "error",
            "The required \"messageId\" param is missing.",
        ),
        (
            json!({"messageId": open}),
            "error",
            "The required \"description\" param is missing.",
        ),
        (
            json!({"messageId": open, "description": " "}),
            "errorType",
            "error-invalid-description",
        ),
        (
            json!({"messageId": "nothing", "description": "x"}),
            "errorType",
            "error-invalid-message_id",
        ),
        (
            json!({"messageId": hidden, "description": "x"}),
            "errorType",
            "error-invalid-message_id",
        ),
    ];
    for (body, field, wanted) in cases {
        let answer = ann
            .post("chat.reportMessage", body.clone())
            .await
            .refused(400);
        assert_eq!(answer[field], wanted, "{body}");
    }
    for path in [
        "moderation.reportsByUsers",
        "moderation.userReports",
        "moderation.reports?msgId=x",
        "moderation.reportInfo?reportId=x",
    ] {
        let body = ann.get(path).await.refused(403);
        assert_eq!(
            body["error"],
            "User does not have the permissions required for this action [error-unauthorized]"
        );
    }
    for path in [
        "moderation.dismissReports",
        "moderation.dismissUserReports",
        "moderation.user.deleteReportedMessages",
    ] {
        ann.post(path, json!({"userId": bob.user_id}))
            .await
            .refused(403);
    }
    let body = admin
        .get("moderation.reportInfo?reportId=x")
        .await
        .refused(400);
    assert_eq!(body["error"], "error-report-not-found");
    let body = admin
        .post("moderation.dismissReports", json!({}))
        .await
        .refused(400);
    assert_eq!(body["errorType"], "invalid-params");
}
