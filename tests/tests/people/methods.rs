//! Methods over REST.

use serde_json::{Value, json};
use tests::client::Answer;
pub use tests::method::method;
use tests::on_both_logs;
use tests::server::{Server, ServerOptions};

on_both_logs![errors_stand_inside_the_message,];

/// What stands in the message of an answer.
#[track_caller]
pub fn inside(answer: Answer) -> Value {
    let body = answer.ok();
    serde_json::from_str(body["message"].as_str().expect("a message")).expect("JSON inside")
}

/// The result of a method that must succeed.
#[track_caller]
pub fn result(message: &Value) -> Value {
    assert!(message.get("error").is_none(), "{message}");
    message["result"].clone()
}

#[tokio::test]
async fn the_name_inside_the_message_decides() {
    let server = Server::start().await;
    let admin = server.admin().await;
    for path in [
        "method.call/anything",
        "method.call/rooms/get",
        "method.call/a%2Fb",
    ] {
        let message = json!({"msg": "method", "id": 7, "method": "logoutCleanUp", "params": [{}]});
        let answer = admin
            .post(path, json!({"message": message.to_string()}))
            .await;
        assert_eq!(answer.clone().ok()["success"], json!(true));
        assert_eq!(
            inside(answer),
            json!({"msg": "result", "id": "7"}),
            "{path}"
        );
    }
    let short = json!({"method": "logoutCleanUp", "params": [{}, ""]}).to_string();
    let answer = admin.post("method.call/x", json!({"message": short})).await;
    assert_eq!(
        inside(answer),
        json!({"msg": "result"}),
        "as the mobile app calls"
    );
}

async fn errors_stand_inside_the_message(options: ServerOptions) {
    let server = options.start().await;
    let admin = server.admin().await;
    let error = method(&admin, "noSuchMethod", json!([])).await["error"].clone();
    assert_eq!(
        error,
        json!({
            "isClientSafe": true, "error": 404, "reason": "Method 'noSuchMethod' not found",
            "message": "Method 'noSuchMethod' not found [404]", "errorType": "Meteor.Error",
        })
    );
    let error = method(&admin, "logoutCleanUp", json!([5])).await["error"].clone();
    assert_eq!(error["errorType"], "Match.Error");
    assert_eq!(error["sanitizedError"]["reason"], "Match failed");
}

#[tokio::test]
async fn what_is_no_call_is_refused() {
    let server = Server::start().await;
    let admin = server.admin().await;
    for message in ["", "{", "[]", r#"{"method":"logout"}"#, r#"{"params":[]}"#] {
        let body = admin
            .post("method.call/x", json!({"message": message}))
            .await
            .refused(400);
        assert_eq!(
            body,
            json!({"success": false, "error": "Invalid method call"})
        );
    }
    let body = admin.post("method.call/x", json!({})).await.refused(400);
    assert_eq!(body["errorType"], "invalid-params");
    let body = admin
        .post("method.call/x", json!({"message": "{}", "more": 1}))
        .await
        .refused(400);
    assert_eq!(
        body["error"],
        "must NOT have additional properties [invalid-params]"
    );
}

#[tokio::test]
async fn without_a_login_only_open_methods_answer() {
    let server = Server::start().await;
    let message = json!({"msg": "method", "id": "1", "method": "logout", "params": []}).to_string();
    server
        .client()
        .post("method.call/logout", json!({"message": message}))
        .await
        .refused(401);
    // Somebody who is logged in is nobody here.
    let admin = server.admin().await;
    let answer = admin
        .post("method.callAnon/logout", json!({"message": message}))
        .await;
    let error = inside(answer)["error"].clone();
    assert_eq!(error["error"], "error-invalid-user");
    assert_eq!(error["details"], json!({"method": "logout"}));
    admin.get("me").await.ok();
    assert_eq!(
        result(&method(&admin, "logout", json!([])).await),
        Value::Null
    );
    admin.get("me").await.refused(401);
}

#[tokio::test]
async fn a_method_called_too_often_has_to_wait() {
    let server = ServerOptions::default()
        .env("TEST_MODE", "false")
        .start()
        .await;
    let admin = server.admin().await;
    let mut last = Value::Null;
    for _ in 0..11 {
        last = method(&admin, "logoutCleanUp", json!([{}])).await;
    }
    let error = &last["error"];
    assert_eq!(error["error"], "too-many-requests", "{last}");
    assert!(
        error["details"]["timeToReset"]
            .as_u64()
            .is_some_and(|wait| wait <= 10_000)
    );
    assert!(
        error["reason"]
            .as_str()
            .is_some_and(|text| text.ends_with("before trying again."))
    );
    // Another token is another connection.
    let again = server.admin().await;
    result(&method(&again, "logoutCleanUp", json!([{}])).await);
}
