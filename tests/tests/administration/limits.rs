//! Rate limits, and where requests come from.

use serde_json::json;
use tests::server::{Server, ServerOptions};

async fn limited() -> Server {
    ServerOptions::default()
        .env("TEST_MODE", "false")
        .env(
            "OVERWRITE_SETTING_API_Enable_Rate_Limiter_Limit_Calls_Default",
            "3",
        )
        .start()
        .await
}

#[tokio::test]
async fn an_address_calls_a_route_so_often_and_then_waits() {
    let server = limited().await;
    let admin = server.admin().await;
    let bob = admin.new_user("bob").await;
    for left in (0..3).rev() {
        let answer = bob.get("me").await;
        assert_eq!(answer.header("x-ratelimit-limit"), Some("3"));
        assert_eq!(
            answer.header("x-ratelimit-remaining"),
            Some(left.to_string().as_str())
        );
        let reset: i64 = answer
            .header("x-ratelimit-reset")
            .and_then(|text| text.parse().ok())
            .expect("when the window ends, in milliseconds");
        assert!(reset > 1_700_000_000_000, "{reset}");
        answer.ok();
    }
    let refused = bob.get("me").await.refused(429);
    let text = refused["error"].as_str().unwrap();
    assert!(
        text.starts_with("Error, too many requests. Please slow down. You must wait ")
            && text
                .ends_with(" seconds before trying this endpoint again. [error-too-many-requests]"),
        "{text}"
    );
    assert_eq!(refused.get("errorType"), None);
    bob.get("rooms.get").await.ok();
    for _ in 0..5 {
        let answer = admin.get("me").await;
        assert_eq!(
            answer.header("x-ratelimit-limit"),
            None,
            "administrators are not counted"
        );
        answer.ok();
    }
}

#[tokio::test]
async fn behind_a_proxy_the_client_is_who_the_proxy_says() {
    let server = limited().await;
    let attempt = |address: &'static str| {
        let client = server.client();
        async move {
            let body = json!({ "user": "nobody", "password": "x" });
            client
                .with_header("X-Real-IP", address)
                .post("login", body)
                .await
                .status
                .as_u16()
        }
    };
    for _ in 0..3 {
        assert_eq!(attempt("198.51.100.1").await, 401);
    }
    assert_eq!(attempt("198.51.100.1").await, 429);
    assert_eq!(attempt("198.51.100.2").await, 401, "another client");
}

#[tokio::test]
async fn limits_are_off_where_the_workspace_says_so() {
    let server = ServerOptions::default()
        .env("TEST_MODE", "false")
        .env("OVERWRITE_SETTING_API_Enable_Rate_Limiter", "false")
        .start()
        .await;
    for _ in 0..15 {
        let answer = server.client().get("info").await;
        assert_eq!(answer.header("x-ratelimit-limit"), None);
        answer.ok();
    }
}

#[tokio::test]
async fn requests_without_tls_are_sent_to_tls_where_the_workspace_wants_it() {
    let server = ServerOptions::default()
        .env("OVERWRITE_SETTING_Force_SSL", "true")
        .env("ROOT_URL", "https://chat.example.org")
        .start()
        .await;
    let outside = server
        .client()
        .with_header("X-Forwarded-For", "198.51.100.1");
    let answer = outside.get("info?x=1").await;
    assert_eq!(answer.status, 302);
    assert_eq!(
        answer.header("location"),
        Some("https://chat.example.org/api/v1/info?x=1")
    );
    outside
        .with_header("X-Forwarded-Proto", "https")
        .get("info")
        .await
        .ok();
    server.client().get("info").await.ok();
}
