//! Licences and the cloud, as a community server answers.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tests::on_both_logs;
use tests::server::{Server, ServerOptions};

use crate::calls::result;

on_both_logs![a_registration_made_elsewhere_is_kept, there_is_no_licence,];

async fn there_is_no_licence(options: ServerOptions) {
    let server = options.start().await;
    let admin = server.admin().await;
    let alice = admin.new_user("alice").await;
    assert_eq!(admin.get("licenses.get").await.ok()["licenses"], json!([]));
    alice.get("licenses.get").await.refused(403);
    let bad = admin
        .post("licenses.add", json!({"license": "none"}))
        .await
        .refused(400);
    assert_eq!(bad["error"], "Invalid license");
    admin.post("licenses.add", json!({})).await.refused(400);
    alice
        .post("licenses.add", json!({"license": "x"}))
        .await
        .refused(403);
    let form = "QUFB".repeat(20);
    admin
        .post("licenses.add", json!({"license": form}))
        .await
        .ok();
    let most = alice.get("licenses.maxActiveUsers").await.ok();
    assert_eq!(most["maxActiveUsers"], Value::Null);
    assert_eq!(most["activeUsers"], 3, "admin, alice, rocket.cat");
    assert_eq!(
        alice.get("licenses.isEnterprise").await.ok()["isEnterprise"],
        false
    );
    server
        .client()
        .get("licenses.isEnterprise")
        .await
        .refused(401);
    let info = alice.get("licenses.info").await.ok();
    assert_eq!(info["license"]["activeModules"], json!([]));
    for (method, answer) in [
        ("license:isEnterprise", json!(false)),
        ("license:getModules", json!([])),
        ("license:hasLicense", json!(false)),
        ("license:getTags", json!([])),
    ] {
        assert_eq!(
            result(&alice, method, json!(["x"])).await,
            answer,
            "{method}"
        );
    }
}

async fn a_registration_made_elsewhere_is_kept(options: ServerOptions) {
    let server = options.start().await;
    let admin = server.admin().await;
    let registration = json!({
        "workspaceId": "w-1", "client_name": "chat", "client_id": "c-1", "client_secret": "hush",
        "client_secret_expires_at": 0, "publicKey": "key", "registration_client_uri": "https://cloud.example.org/c-1",
    });
    let blob = json!({"cloudBlob": STANDARD.encode(registration.to_string())});
    let answer = admin.post("cloud.manualRegister", blob.clone()).await.ok();
    assert_eq!(answer, json!({"success": true}));
    let status =
        async || admin.get("cloud.registrationStatus").await.ok()["registrationStatus"].clone();
    let registered = status().await;
    assert_eq!(
        (
            &registered["workspaceRegistered"],
            &registered["workspaceId"],
            &registered["connectToCloud"],
            &registered["token"]
        ),
        (&json!(true), &json!("w-1"), &json!(true), &json!(""))
    );
    assert!(!registered.to_string().contains("hush"));
    let twice = admin.post("cloud.manualRegister", blob).await.refused(400);
    assert_eq!(
        twice,
        json!({"success": false, "error": "Workspace is already registered"})
    );
    let anew = json!({"setDeploymentAs": "new-workspace"});
    admin.post("fingerprint", anew).await.ok();
    let forgotten = status().await;
    assert_eq!(
        (&forgotten["workspaceRegistered"], &forgotten["workspaceId"]),
        (&json!(false), &json!(""))
    );
}

#[tokio::test]
async fn there_is_no_cloud() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let alice = admin.new_user("alice").await;
    let status = admin.get("cloud.registrationStatus").await.ok();
    let status = &status["registrationStatus"];
    assert_eq!(status["workspaceRegistered"], false);
    assert_eq!(status["email"], "admin@example.org");
    assert!(!status["uniqueId"].as_str().unwrap().is_empty());
    alice.get("cloud.registrationStatus").await.refused(403);
    for blob in ["x", "bm8ganNvbg==", "e30="] {
        let answer = admin
            .post("cloud.manualRegister", json!({"cloudBlob": blob}))
            .await
            .refused(400);
        assert_eq!(answer["error"], "Invalid cloudBlob", "{blob}");
    }
    let intent = json!({"resend": false, "email": "a@example.org"});
    let answer = admin
        .post("cloud.createRegistrationIntent", intent.clone())
        .await
        .refused(400);
    assert_eq!(answer["error"], "Invalid query");
    let answer = admin
        .get("cloud.confirmationPoll?deviceCode=x")
        .await
        .refused(400);
    assert_eq!(answer["error"], "Invalid query");
    for (path, body) in [
        ("manualRegister", json!({"cloudBlob": "x"})),
        ("createRegistrationIntent", intent),
    ] {
        alice
            .post(&format!("cloud.{path}"), body)
            .await
            .refused(403);
    }
    alice
        .get("cloud.confirmationPoll?deviceCode=x")
        .await
        .refused(403);
}
