//! Copies of one's own data.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use tests::client::Client;
use tests::on_both_logs;
use tests::server::{Server, ServerOptions};

use crate::set;

on_both_logs![a_copy_of_ones_data_is_made,];

/// Asks until the copy is made.
async fn made(client: &Client) -> Value {
    for _ in 0..200 {
        let body = client.get("users.requestDataDownload").await.ok();
        if body["exportOperation"]["status"] == json!("completed") {
            return body["exportOperation"].clone();
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("no copy was made")
}

async fn a_copy_of_ones_data_is_made(options: ServerOptions) {
    let server = options.start().await;
    let admin = server.admin().await;
    let (ann, bob) = (admin.new_user("ann").await, admin.new_user("bob").await);
    for (client, text) in [(&ann, "my words"), (&bob, "your words")] {
        let message = json!({"message": {"rid": "GENERAL", "msg": text}});
        client.post("chat.sendMessage", message).await.ok();
    }
    let first = ann
        .get("users.requestDataDownload?fullExport=false")
        .await
        .ok();
    assert_eq!(first["requested"], json!(true));
    let operation = &first["exportOperation"];
    assert_eq!(
        (&operation["userId"], &operation["fullExport"]),
        (&json!(ann.user_id), &json!(false))
    );
    let again = ann
        .get("users.requestDataDownload?fullExport=true")
        .await
        .ok();
    assert_eq!(again["requested"], json!(false), "once a day");
    assert_eq!(again["exportOperation"]["_id"], operation["_id"]);

    let operation = made(&ann).await;
    let path = format!(
        "/data-export/{}",
        operation["fileId"].as_str().expect("a file")
    );
    let copy = ann.send(Method::GET, &path, None).await;
    assert!(
        copy.headers["content-disposition"]
            .to_str()
            .unwrap()
            .starts_with("attachment")
    );
    let copy = copy.ok();
    assert_eq!(copy["user"]["username"], json!("ann"));
    assert_eq!(copy["rooms"][0]["rid"], json!("GENERAL"));
    let said: Vec<&str> = copy["messages"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|one| one["msg"].as_str())
        .collect();
    assert!(
        said.contains(&"my words") && !said.contains(&"your words"),
        "{said:?}"
    );
    assert!(!copy.to_string().contains("argon2"));
    // With the credentials of a link, and for nobody else.
    let link = format!("{path}?rc_uid={}&rc_token={}", ann.user_id, ann.token);
    server.client().send(Method::GET, &link, None).await.ok();
    server
        .client()
        .send(Method::GET, &path, None)
        .await
        .refused(403);
    bob.send(Method::GET, &path, None).await.refused(403);
    ann.send(Method::GET, "/data-export/nothing", None)
        .await
        .refused(403);

    bob.get("users.requestDataDownload?fullExport=true")
        .await
        .ok();
    let operation = made(&bob).await;
    let path = format!(
        "/data-export/{}",
        operation["fileId"].as_str().expect("a file")
    );
    let copy = bob.send(Method::GET, &path, None).await.ok();
    let said = copy["conversations"][0]["messages"].to_string();
    assert!(said.contains("my words") && said.contains("your words"));
    // It goes with its owner.
    admin
        .post("users.delete", json!({"userId": bob.user_id}))
        .await
        .ok();
    bob.send(Method::GET, &path, None).await.refused(403);
    let folder = server.data().join("files/data-exports");
    for _ in 0..100 {
        if std::fs::read_dir(&folder).is_ok_and(|left| left.count() == 1) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the copy of a deleted account is still there");
}

#[tokio::test]
async fn copies_can_be_switched_off() {
    let server = Server::start().await;
    let admin = server.admin().await;
    set(&admin, "UserData_EnableDownload", json!(false)).await;
    let body = admin.get("users.requestDataDownload").await.refused(400);
    assert_eq!(body["errorType"], json!("error-not-allowed"));
    let body = admin
        .get("users.requestDataDownload?x=1")
        .await
        .refused(400);
    assert_eq!(body["errorType"], json!("error-invalid-params"));
    server
        .client()
        .get("users.requestDataDownload")
        .await
        .refused(401);
}
