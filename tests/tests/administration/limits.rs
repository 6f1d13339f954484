//! Rate limits, and where requests come from.

use serde_json::json;
use tests::client::Client;
use tests::server::{Server, ServerOptions};

use crate::calls::method;

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
async fn addresses_of_one_network_are_one_client() {
    let server = limited().await;
    let attempt = async |address: String| {
        let client = server.client().with_header("X-Real-IP", &address);
        client.get("info").await.status.as_u16()
    };
    for host in 1..=3 {
        assert_eq!(attempt(format!("2001:db8:1:2::{host}")).await, 200);
    }
    assert_eq!(attempt("2001:db8:1:2:ffff::9".to_owned()).await, 429);
    assert_eq!(
        attempt("2001:db8:1:3::1".to_owned()).await,
        200,
        "another network"
    );
    assert_eq!(attempt("192.0.2.1".to_owned()).await, 200);
}

#[tokio::test]
async fn one_client_is_one_client_however_its_address_is_written() {
    let server = ServerOptions::default()
        .env("TEST_MODE", "false")
        .env("HTTP_FORWARDED_COUNT", "1")
        .env(
            "OVERWRITE_SETTING_API_Enable_Rate_Limiter_Limit_Calls_Default",
            "4",
        )
        .start()
        .await;
    let left = async |headers: &[(&str, &str)]| {
        let client = headers
            .iter()
            .fold(server.client(), |client, (name, value)| {
                client.with_header(name, value)
            });
        let answer = client.get("info").await;
        answer
            .header("x-ratelimit-remaining")
            .unwrap_or("none")
            .to_owned()
    };
    let older = "X-Forwarded-For";
    // Four spellings of each client; then it has nothing left.
    let clients = [
        [
            (older, "192.0.2.1"),
            (older, "6.6.6.6, 192.0.2.1:4711"),
            (older, "::ffff:192.0.2.1"),
            ("Forwarded", "for=6.6.6.6, for=\"192.0.2.1:80\";proto=https"),
        ],
        [
            (older, "2001:db8::1"),
            (older, "[2001:DB8::1]:4711"),
            (older, "[2001:db8:0:0:9::1]"),
            ("Forwarded", "proto=http;For=\"[2001:db8::2]:99\""),
        ],
    ];
    for spellings in clients {
        for (number, spelling) in spellings.into_iter().enumerate() {
            assert_eq!(
                left(&[spelling]).await,
                (3 - number).to_string(),
                "{spelling:?}"
            );
        }
    }
    // What the proxy did not write may be made up: such callers share what the proxy itself has.
    let forged = |other| [(older, "192.0.2.7"), ("Forwarded", other)];
    assert_eq!(left(&forged("for=6.6.6.1")).await, "3");
    assert_eq!(left(&forged("for=6.6.6.2")).await, "2");
    assert_eq!(left(&[(older, "unknown")]).await, "1");
    assert_eq!(left(&[]).await, "0");
    assert_eq!(
        left(&[(older, "192.0.2.7")]).await,
        "3",
        "nobody used up what is theirs"
    );
}

#[tokio::test]
async fn some_things_are_done_so_often_whatever_the_door() {
    let server = ServerOptions::default()
        .env("TEST_MODE", "false")
        .env("OVERWRITE_SETTING_API_Enable_Rate_Limiter", "false")
        .start()
        .await;
    let admin = server.admin().await;
    let (ada, bob) = (admin.new_user("ada").await, admin.new_user("bob").await);
    let say = async |client: &Client, text: &str| {
        client
            .post("users.setStatus", json!({ "message": text }))
            .await
    };
    for number in 1..=4 {
        say(&ada, &number.to_string()).await.ok();
    }
    let by_method = method(&ada, "setUserStatus", json!(["away", "by method"])).await;
    assert!(by_method.get("error").is_none(), "{by_method}");
    let refused = say(&ada, "once too often").await.refused(429);
    let text = refused["error"].as_str().expect("a text");
    assert!(
        text.starts_with("Error, too many requests. Please slow down. You must wait ")
            && text.ends_with(" seconds before trying again. [error-too-many-requests]"),
        "{text}"
    );
    assert_eq!(refused.get("errorType"), None);
    let status = ada.get("users.getStatus").await.ok();
    assert_eq!(status["message"], "by method");
    // Nobody else is held up, and who may change others is not counted.
    say(&bob, "hello").await.ok();
    for number in 1..=7 {
        say(&admin, &number.to_string()).await.ok();
    }
    let change = async |address: &str| {
        let data = json!({"email": address, "currentPassword": tests::sha256("password of bob")});
        bob.post("users.updateOwnBasicInfo", json!({ "data": data }))
            .await
    };
    change("bob@new.example").await.ok();
    let refused = change("bob@newer.example").await.refused(429);
    let text = refused["error"].as_str().expect("a text");
    assert!(
        text.ends_with("before trying again. [error-too-many-requests]"),
        "{text}"
    );
    let me = bob.get("me").await.ok();
    assert_eq!(me["emails"][0]["address"], "bob@new.example");
}

#[tokio::test]
async fn no_calls_at_all_is_no_limit() {
    let server = ServerOptions::default()
        .env("TEST_MODE", "false")
        .env(
            "OVERWRITE_SETTING_API_Enable_Rate_Limiter_Limit_Calls_Default",
            "0",
        )
        .env("OVERWRITE_SETTING_DDP_Rate_Limit_IP_Requests_Allowed", "0")
        .start()
        .await;
    let admin = server.admin().await;
    for _ in 0..12 {
        let answer = server.client().get("info").await;
        assert_eq!(answer.header("x-ratelimit-limit"), None);
        answer.ok();
    }
    let message = json!({"msg": "method", "method": "getUserRoles", "params": []}).to_string();
    let body = admin
        .post("method.call/getUserRoles", json!({ "message": message }))
        .await
        .ok();
    assert!(
        !body["message"]
            .as_str()
            .unwrap()
            .contains("too-many-requests"),
        "{body}"
    );
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
    let forwarded = |said| server.client().with_header("Forwarded", said);
    let secure = forwarded("for=198.51.100.1;proto=https");
    secure.get("info").await.ok();
    let insecure = forwarded("for=198.51.100.1;proto=http");
    insecure.get("info").await.refused(302);
    server.client().get("info").await.ok();
}
