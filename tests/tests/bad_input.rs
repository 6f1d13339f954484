//! Bad input gets the contract's error envelope and leaves no event behind (contract, conventions 1).
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on has failed"
)]

use reqwest::Method;
use serde_json::{Value, json};
use tests::client::Client;
use tests::server::Server;

/// The log's head, as the metrics page tells it.
async fn head(client: &Client) -> String {
    let page = client.send(Method::GET, "/metrics", None).await.body;
    let page = page.as_str().expect("a text page").to_owned();
    let line = page
        .lines()
        .find(|line| line.starts_with("hansard_log_head_position"));
    line.unwrap_or_else(|| panic!("the head is in\n{page}"))
        .to_owned()
}

#[tokio::test]
async fn bad_requests_are_refused_in_the_contracts_words_and_leave_no_event() {
    let server = Server::start().await;
    let (admin, nobody) = (server.admin().await, server.client());
    let json = |body: &str| Some(("application/json", body.to_owned()));
    let before = head(&admin).await;

    // Nobody is logged in, or not any more.
    let login_needed = json!({"status": "error", "message": "You must be logged in to do this."});
    for path in ["/api/v1/me", "/api/v1/channels.list", "/api/v1/rooms.get"] {
        assert_eq!(
            nobody.send(Method::GET, path, None).await.refused(401),
            login_needed,
            "{path}"
        );
    }
    for path in [
        "/api/v1/chat.sendMessage",
        "/api/v1/channels.create",
        "/api/v1/logout",
    ] {
        assert_eq!(
            nobody
                .send(Method::POST, path, json("{}"))
                .await
                .refused(401),
            login_needed,
            "{path}"
        );
    }
    let forged = admin.with_token(&admin.user_id, &"x".repeat(43));
    assert_eq!(forged.get("me").await.refused(401), login_needed);

    // Bodies that are not what they say.
    for body in [
        "{",
        "[1,",
        "\"text\"",
        "17",
        "nonsense",
        "{\"message\":",
        "\u{0}",
    ] {
        let refusal = admin
            .send(Method::POST, "/api/v1/chat.sendMessage", json(body))
            .await
            .refused(400);
        assert_eq!(refusal["success"], json!(false), "{body}: {refusal}");
    }
    let deep = "[".repeat(100_000) + &"]".repeat(100_000);
    admin
        .send(Method::POST, "/api/v1/chat.sendMessage", json(&deep))
        .await
        .refused(400);
    for body in [
        json!({"message": 5}),
        json!({"message": {"rid": 5, "msg": "x"}}),
        json!({"message": {"rid": "GENERAL", "msg": {"a": 1}, "_id": 7}}),
        json!({"message": {"rid": "GENERAL", "msg": "x", "tshow": true}}),
        json!({"message": {"rid": "GENERAL", "msg": "x", "attachments": "none"}}),
        json!({"message": {"rid": "GENERAL", "msg": "x", "attachments": [{"title_link": "javascript:alert(1)"}]}}),
        json!({"message": {"rid": "no such room", "msg": "x"}}),
        json!({"message": {"msg": "x"}}),
        json!({}),
    ] {
        let refusal = admin
            .post("chat.sendMessage", body.clone())
            .await
            .refused(400);
        assert_eq!(refusal["success"], json!(false), "{body}: {refusal}");
    }
    let too_long = json!({"message": {"rid": "GENERAL", "msg": "x".repeat(5001)}});
    let refusal = admin.post("chat.sendMessage", too_long).await.refused(400);
    assert_eq!(
        refusal["errorType"],
        json!("error-message-size-exceeded"),
        "{refusal}"
    );

    // Missing and unknown things.
    for (path, body, error_type) in [
        ("channels.create", json!({}), Value::Null),
        (
            "channels.create",
            json!({"name": "not a name"}),
            json!("error-invalid-room-name"),
        ),
        (
            "channels.create",
            json!({"name": "general"}),
            json!("error-duplicate-channel-name"),
        ),
        (
            "channels.rename",
            json!({"roomId": "nowhere", "name": "x"}),
            json!("error-room-not-found"),
        ),
        (
            "channels.invite",
            json!({"roomId": "GENERAL"}),
            json!("error-users-params-not-provided"),
        ),
        (
            "channels.setTopic",
            json!({"roomId": "GENERAL"}),
            Value::Null,
        ),
        (
            "chat.postMessage",
            json!({"text": "x"}),
            json!("invalid-channel"),
        ),
        (
            "chat.postMessage",
            json!({"channel": "#nowhere", "text": "x"}),
            json!("invalid-channel"),
        ),
        (
            "chat.react",
            json!({"messageId": "none", "emoji": "smile"}),
            json!("error-message-not-found"),
        ),
        (
            "im.create",
            json!({"username": "nobody-there"}),
            json!("error-invalid-user"),
        ),
        (
            "users.delete",
            json!({"userId": "nobody"}),
            json!("error-invalid-user"),
        ),
        (
            "users.delete",
            json!({}),
            json!("error-user-param-not-provided"),
        ),
    ] {
        let refusal = admin.post(path, body.clone()).await.refused(400);
        assert_eq!(refusal["success"], json!(false), "{path} {body}: {refusal}");
        assert_eq!(refusal["errorType"], error_type, "{path} {body}: {refusal}");
    }

    // Routes and methods there are not.
    let missing = admin.get("no.such.route").await.refused(404);
    assert_eq!(
        missing,
        json!({"success": false, "error": "Resource not found"})
    );
    let wrong = admin.send(Method::DELETE, "/api/v1/me", None).await;
    assert_eq!(wrong.headers["allow"], "GET");
    assert_eq!(
        wrong.refused(405),
        json!({"status": "error", "message": "API endpoint does not exist"})
    );

    // Parameters that are not what they say.
    for query in [
        "channels.list?sort=%7B",
        "channels.list?query=nonsense",
        "channels.list?fields=%5B",
    ] {
        let refusal = admin.get(query).await.refused(400);
        assert!(
            refusal["errorType"]
                .as_str()
                .unwrap_or("")
                .starts_with("error-invalid-"),
            "{query}: {refusal}"
        );
    }

    assert_eq!(head(&admin).await, before, "none of this left an event");
    let said = server.output();
    assert!(
        !said.contains("ERROR") && !said.contains("panicked"),
        "nothing of this is an error of the server:\n{said}"
    );
    admin.get("me").await.ok();
}

#[tokio::test]
async fn an_oversized_body_is_refused_without_being_kept() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let body = format!(
        r#"{{"message":{{"rid":"GENERAL","msg":"{}"}}}}"#,
        "x".repeat(51 << 20)
    );
    let answer = admin
        .try_send(
            Method::POST,
            "/api/v1/chat.sendMessage",
            Some(("application/json", body)),
        )
        .await;
    // The server may hang up before it was told everything; it must not accept it.
    if let Ok(answer) = answer {
        assert!(
            answer.status.is_client_error(),
            "{} {}",
            answer.status,
            answer.body
        );
    }
    admin.get("me").await.ok();
}

#[tokio::test]
async fn an_expired_or_revoked_token_is_no_token() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let other = server.admin().await;
    other.post("logout", json!({})).await.ok();
    other.get("me").await.refused(401);
    admin.get("me").await.ok();
    let resumed = server
        .client()
        .post("login", json!({"resume": other.token}))
        .await
        .refused(401);
    assert_eq!(resumed["error"], json!(403), "{resumed}");
    let alice = admin.new_user("alice").await;
    admin
        .post(
            "users.setActiveStatus",
            json!({"userId": alice.user_id, "activeStatus": false}),
        )
        .await
        .ok();
    alice.get("me").await.refused(401);
    let refused = server
        .client()
        .post(
            "login",
            json!({"user": "alice", "password": "password of alice"}),
        )
        .await;
    assert_eq!(
        refused.refused(401)["error"],
        json!("error-user-is-not-activated")
    );
}

#[tokio::test]
async fn what_would_do_harm_where_it_is_shown_is_refused() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let before = head(&admin).await;
    let sent = |part: Value| {
        let mut message = json!({"rid": "GENERAL", "msg": "look"});
        message
            .as_object_mut()
            .unwrap()
            .extend(part.as_object().unwrap().clone());
        json!({ "message": message })
    };
    for script in [
        "javascript:alert(1)",
        "JavaScript:alert(1)",
        " javascript:alert(1)",
        "\u{1}java\nscript:alert(1)",
        "vbscript:x",
        "data:text/html,<script>alert(1)</script>",
    ] {
        for part in [
            json!({"attachments": [{"title_link": script}]}),
            json!({"attachments": [{"image_url": script}]}),
            json!({"attachments": [{"actions": [{"type": "button", "url": script}]}]}),
            json!({"attachments": [{"attachments": [{"author_link": script}]}]}),
            json!({"blocks": [{"type": "image", "imageUrl": script, "altText": "x"}]}),
            json!({"blocks": [{"type": "actions", "elements": [{"type": "button", "url": script}]}]}),
            json!({"avatar": script}),
            json!({"customFields": {"link": script}}),
        ] {
            let refusal = admin.post("chat.sendMessage", sent(part.clone())).await;
            let refusal = refusal.refused(400);
            // Speaking as somebody else is a right of programs.
            let words = ["Invalid href value provided", "Not enough permission"];
            assert!(
                words.contains(&refusal["error"].as_str().unwrap()),
                "{part}: {refusal}"
            );
        }
    }
    for address in [
        "ada@example.org\r\nBcc: eve@example.org",
        "ada\n@example.org",
        "ada@example.org,eve@example.org",
        "ada@exam\u{0}ple.org",
    ] {
        let wish =
            json!({"username": "ada", "name": "Ada", "password": "analytical", "email": address});
        admin.post("users.create", wish).await.refused(400);
        let wish =
            json!({"username": "ada", "name": "Ada", "pass": "analytical", "email": address});
        server
            .client()
            .post("users.register", wish)
            .await
            .refused(400);
    }
    assert_eq!(head(&admin).await, before);
    // What is shown and cannot run is not refused.
    let picture = "data:image/png;base64,iVBORw0KGgo=";
    for part in [
        json!({"attachments": [{"image_url": picture, "title_link": "https://example.org"}]}),
        json!({"blocks": [{"type": "image", "imageUrl": "https://example.org/a.png"}]}),
        json!({"customFields": {"note": "javascript: the good parts"}}),
    ] {
        admin.post("chat.sendMessage", sent(part)).await.ok();
    }
}

#[tokio::test]
async fn nothing_is_nested_more_deeply_than_everybody_can_read() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let nested = |depth: usize| format!("{}0{}", r#"{"a":"#.repeat(depth), "}".repeat(depth));
    let message = |depth: usize| {
        format!(
            r#"{{"message":{{"rid":"GENERAL","msg":"deep","customFields":{}}}}}"#,
            nested(depth)
        )
    };
    let before = head(&admin).await;
    for (path, body) in [
        ("chat.sendMessage", message(60)),
        ("chat.sendMessage", message(120)),
        (
            "channels.create",
            format!(r#"{{"name":"deep","customFields":{}}}"#, nested(100)),
        ),
        ("chat.sendMessage", message(100_000)),
    ] {
        let answer = admin
            .send(
                Method::POST,
                &format!("/api/v1/{path}"),
                Some(("application/json", body)),
            )
            .await;
        let refusal = answer.refused(400);
        let words = refusal["error"].as_str().unwrap();
        assert!(words.starts_with("Invalid request body"), "{refusal}");
    }
    assert_eq!(head(&admin).await, before);
    let body = Some(("application/json", message(40)));
    admin
        .send(Method::POST, "/api/v1/chat.sendMessage", body)
        .await
        .ok();
    let wish = json!({"roomId": "GENERAL", "text": "after"});
    admin.post("chat.postMessage", wish).await.ok();
    let query = "channels.messages?roomId=GENERAL&query={\"msg\":\"deep\"}";
    assert_eq!(
        admin.get(query).await.ok()["messages"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    let room = &admin.get("channels.info?roomId=GENERAL").await.ok()["channel"];
    assert_eq!(room["lastMessage"]["msg"], "after");
}
