//! Video conferences, of which there are none: nothing that holds them is part of the server.

use serde_json::{Value, json};
use tests::server::Server;

#[tokio::test(flavor = "multi_thread")]
async fn without_a_provider_the_answers_say_so() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let ann = admin.new_user("ann").await;
    let body = ann
        .post("video-conference.start", json!({"roomId": "GENERAL"}))
        .await
        .refused(400);
    assert_eq!(body["error"], "no-videoconf-provider-app");
    let body = ann.get("video-conference.capabilities").await.refused(400);
    assert_eq!(body["error"], "no-videoconf-provider-app");
    let providers = ann.get("video-conference.providers").await.ok();
    assert_eq!(providers["data"], json!([]));
    let calls = ann.get("video-conference.list?roomId=GENERAL").await.ok();
    assert_eq!(calls["data"], json!([]));
    assert_eq!(calls["total"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn rooms_and_calls_one_may_not_see_are_none() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let ann = admin.new_user("ann").await;
    let group = admin
        .post("groups.create", json!({"name": "secret"}))
        .await
        .ok();
    for room in [json!("nowhere"), group["group"]["_id"].clone()] {
        let body = ann
            .post("video-conference.start", json!({"roomId": room}))
            .await
            .refused(400);
        assert_eq!(body["error"], "invalid-params");
    }
    for path in ["video-conference.join", "video-conference.cancel"] {
        let body = ann.post(path, json!({"callId": "x"})).await.refused(400);
        assert_eq!(body["error"], "invalid-params", "{path}");
        let body = ann
            .post(path, json!({"callId": "x", "colour": 1}))
            .await
            .refused(400);
        assert_eq!(body["errorType"], "invalid-params", "{path}");
    }
    for (state, error) in [
        (json!({"mic": true, "cam": false}), Value::Null),
        (json!({"hat": true}), json!("invalid-params")),
    ] {
        let wish = json!({"callId": "x", "state": state});
        let body = ann.post("video-conference.join", wish).await.refused(400);
        assert_eq!(body["errorType"], error, "{state}");
    }
    let body = ann.get("video-conference.info?callId=x").await.refused(400);
    assert_eq!(body["error"], "invalid-params");
    server
        .client()
        .post("video-conference.join", json!({"callId": "x"}))
        .await
        .refused(401);
}
