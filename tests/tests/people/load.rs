//! More logins at once than passwords can be checked.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tests::client::Answer;
use tests::server::{ADMIN, ADMIN_PASSWORD, Server, ServerOptions};

/// Logins at a time.
const FLOOD: usize = 60;

async fn flood(server: &Server) -> Vec<Answer> {
    let login = json!({"user": ADMIN, "password": ADMIN_PASSWORD});
    let mut logins = tokio::task::JoinSet::new();
    for _ in 0..FLOOD {
        let (client, login) = (server.client(), login.clone());
        logins.spawn(async move { client.post("login", login).await });
    }
    logins.join_all().await
}

/// With room for one password, a flood of logins is answered by 200 or 503 and nothing else, and then all is well.
#[tokio::test]
async fn a_flood_of_logins_is_turned_away_cleanly() {
    let server = ServerOptions::default()
        .env("PASSWORD_QUEUE", "1")
        .start()
        .await;
    let admin = server.admin().await;
    let deadline = Instant::now() + Duration::from_mins(1);
    let mut turned_away = 0;
    while turned_away == 0 {
        assert!(Instant::now() < deadline, "the queue never was full");
        for answer in flood(&server).await {
            match answer.status.as_u16() {
                200 => assert!(answer.body["data"]["authToken"].is_string()),
                503 => {
                    turned_away += 1;
                    assert_eq!(answer.header("content-type"), Some("application/json"));
                    assert_eq!(answer.body["success"], json!(false));
                    assert!(answer.body["error"].is_string(), "{}", answer.body);
                    assert_eq!(answer.body["data"], Value::Null);
                }
                other => panic!("{other}: {}", answer.body),
            }
        }
        // Whoever is logged in goes on.
        admin.get("me").await.ok();
    }
    server.admin().await.get("me").await.ok();
}

#[tokio::test]
async fn the_operator_says_how_many_logins_an_account_may_have() {
    let server = ServerOptions::default()
        .env("MAX_RESUME_LOGIN_TOKENS", "2")
        .start()
        .await;
    let admin = server.admin().await;
    let ann = admin.new_user("ann").await;
    let made = json!({"tokenName": "bot"});
    let made = ann
        .post("users.generatePersonalAccessToken", made)
        .await
        .ok();
    let bot = ann.with_token(&ann.user_id, made["token"].as_str().unwrap());
    let second = server.client().login("ann", "password of ann").await;
    ann.get("me").await.ok();
    let third = server.client().login("ann", "password of ann").await;
    ann.get("me").await.refused(401);
    for valid in [second, third, bot] {
        valid.get("me").await.ok();
    }
}
