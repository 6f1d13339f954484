//! Custom user statuses.

use serde_json::json;
use tests::on_both_logs;
use tests::server::ServerOptions;

on_both_logs![administrators_keep_them, they_have_their_rules,];

async fn administrators_keep_them(options: ServerOptions) {
    let server = options.start().await;
    let admin = server.admin().await;
    let ann = admin.new_user("ann").await;
    let made = admin
        .post(
            "custom-user-status.create",
            json!({"name": "in a meeting", "statusType": "busy"}),
        )
        .await
        .ok();
    let status = &made["customUserStatus"];
    assert_eq!(status["name"], "in a meeting");
    assert_eq!(status["statusType"], "busy");
    let id = status["_id"].as_str().expect("an id");

    let body = admin
        .post("custom-user-status.create", json!({"name": "in a meeting"}))
        .await
        .refused(400);
    assert_eq!(
        body["errorType"],
        "Custom_User_Status_Error_Name_Already_In_Use"
    );

    let changed = admin
        .post(
            "custom-user-status.update",
            json!({"_id": id, "name": "at lunch", "statusType": "away"}),
        )
        .await
        .ok();
    assert_eq!(changed["customUserStatus"]["name"], "at lunch");
    // The old name is free again, the new one is not.
    admin
        .post("custom-user-status.create", json!({"name": "in a meeting"}))
        .await
        .ok();
    admin
        .post("custom-user-status.create", json!({"name": "at lunch"}))
        .await
        .refused(400);

    let list = ann.get("custom-user-status.list").await.ok();
    assert_eq!(list["total"], 2);
    assert_eq!(list["statuses"][0]["name"], "at lunch");
    assert_eq!(list["statuses"][1]["statusType"], json!(null));
    let one = ann
        .get("custom-user-status.list?count=1&offset=1")
        .await
        .ok();
    assert_eq!((&one["count"], &one["total"]), (&json!(1), &json!(2)));
    let found = ann
        .get("custom-user-status.list?query={\"name\":\"at lunch\"}")
        .await
        .ok();
    assert_eq!(found["total"], 1);

    admin
        .post(
            "custom-user-status.delete",
            json!({"customUserStatusId": id}),
        )
        .await
        .ok();
    let list = ann.get("custom-user-status.list").await.ok();
    assert_eq!(list["total"], 1);
    let body = admin
        .post(
            "custom-user-status.delete",
            json!({"customUserStatusId": id}),
        )
        .await
        .refused(400);
    assert_eq!(
        body["errorType"],
        "Custom_User_Status_Error_Invalid_User_Status"
    );
}

async fn they_have_their_rules(options: ServerOptions) {
    let server = options.start().await;
    let admin = server.admin().await;
    let ann = admin.new_user("ann").await;
    let create = "custom-user-status.create";
    for (path, body) in [
        (create, json!({"name": "x"})),
        (
            "custom-user-status.update",
            json!({"_id": "x", "name": "x"}),
        ),
        (
            "custom-user-status.delete",
            json!({"customUserStatusId": "x"}),
        ),
    ] {
        let body = ann.post(path, body).await.refused(400);
        assert_eq!(body["errorType"], "not_authorized", "{path}");
        server.client().post(path, json!({})).await.refused(401);
    }
    let body = admin.post(create, json!({"name": " "})).await.refused(400);
    assert_eq!(body["errorType"], "error-the-field-is-required");
    for body in [
        json!({"name": "a<b"}),
        json!({"name": "a", "statusType": "asleep"}),
    ] {
        let body = admin.post(create, body).await.refused(400);
        assert_eq!(body["errorType"], "error-input-is-not-a-valid-field");
    }
    let body = admin
        .post(create, json!({"name": "a", "colour": "red"}))
        .await
        .refused(400);
    assert!(
        body["error"]
            .as_str()
            .is_some_and(|error| error.starts_with("Match error")),
        "{body}"
    );
    let body = admin
        .post(
            "custom-user-status.update",
            json!({"_id": "x", "name": "x"}),
        )
        .await
        .refused(400);
    assert_eq!(
        body["error"],
        "No custom user status found with the id of \"x\"."
    );
}
