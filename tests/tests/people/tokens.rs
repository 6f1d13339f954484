//! Login tokens and tokens for programs.

use serde_json::{Value, json};
use tests::client::Client;
use tests::on_both_logs;
use tests::server::{Server, ServerOptions};

use super::methods::{method, result};

on_both_logs![
    programs_have_tokens_of_their_own,
    logging_out_here_and_elsewhere,
    personal_tokens_need_a_right,
    a_right_taken_away_does_not_survive_deactivation,
];

async fn personal(client: &Client, name: &str) -> Client {
    let body = client
        .post(
            "users.generatePersonalAccessToken",
            json!({"tokenName": name}),
        )
        .await
        .ok();
    client.with_token(&client.user_id, body["token"].as_str().unwrap())
}

fn names(tokens: &Value) -> Vec<&str> {
    let tokens = tokens["tokens"].as_array().unwrap();
    tokens
        .iter()
        .filter_map(|token| token["name"].as_str())
        .collect()
}

async fn programs_have_tokens_of_their_own(options: ServerOptions) {
    let server = options.start().await;
    let admin = server.admin().await;
    let ada = admin.new_user("ada").await;
    let bot = personal(&ada, "bot").await;
    bot.get("me").await.ok();
    let list = ada.get("users.getPersonalAccessTokens").await.ok();
    assert_eq!(names(&list), ["bot"]);
    let token = &list["tokens"][0];
    let last: String = bot.token.chars().skip(bot.token.len() - 6).collect();
    assert_eq!(token["lastTokenPart"], last.as_str());
    assert_eq!(token["bypassTwoFactor"], false);
    assert!(token["createdAt"].is_string());
    let body = ada
        .post(
            "users.generatePersonalAccessToken",
            json!({"tokenName": "bot"}),
        )
        .await
        .refused(400);
    assert_eq!(body["errorType"], "error-token-already-exists");
    // A new one in its place.
    let body = ada
        .post(
            "users.regeneratePersonalAccessToken",
            json!({"tokenName": "bot"}),
        )
        .await
        .ok();
    bot.get("me").await.refused(401);
    let bot = ada.with_token(&ada.user_id, body["token"].as_str().unwrap());
    bot.get("me").await.ok();
    for path in [
        "users.regeneratePersonalAccessToken",
        "users.removePersonalAccessToken",
    ] {
        let body = ada
            .post(path, json!({"tokenName": "other"}))
            .await
            .refused(400);
        assert_eq!(body["errorType"], "error-token-does-not-exists", "{path}");
        let body = ada.post(path, json!({})).await.refused(400);
        assert_eq!(body["error"], "The 'tokenName' param is required", "{path}");
    }
    ada.post(
        "users.removePersonalAccessToken",
        json!({"tokenName": "bot"}),
    )
    .await
    .ok();
    bot.get("me").await.refused(401);
    let list = ada.get("users.getPersonalAccessTokens").await.ok();
    assert_eq!(list["tokens"], json!([]));
}

async fn personal_tokens_need_a_right(options: ServerOptions) {
    let server = options.start().await;
    let admin = server.admin().await;
    let ada = admin.new_user("ada").await;
    admin
        .post(
            "users.update",
            json!({"userId": ada.user_id, "data": {"roles": ["guest"]}}),
        )
        .await
        .ok();
    ada.get("users.getPersonalAccessTokens").await.refused(400);
    for path in ["generate", "regenerate", "remove"] {
        let body = ada
            .post(
                &format!("users.{path}PersonalAccessToken"),
                json!({"tokenName": "bot"}),
            )
            .await
            .refused(400);
        assert_eq!(body["errorType"], "not-authorized", "{path}");
    }
    let wish = json!([{"tokenName": "bot"}]);
    let error = method(&ada, "personalAccessTokens:generateToken", wish).await["error"].clone();
    assert_eq!(error["error"], "not-authorized");
}

#[tokio::test]
async fn personal_tokens_through_methods() {
    let server = Server::start().await;
    let ada = server.admin().await.new_user("ada").await;
    let wish = json!([{"tokenName": "bot", "bypassTwoFactor": true}]);
    let token = result(&method(&ada, "personalAccessTokens:generateToken", wish.clone()).await);
    let bot = ada.with_token(&ada.user_id, token.as_str().unwrap());
    bot.get("me").await.ok();
    let list = ada.get("users.getPersonalAccessTokens").await.ok();
    assert_eq!(list["tokens"][0]["bypassTwoFactor"], true);
    let token = result(&method(&ada, "personalAccessTokens:regenerateToken", wish.clone()).await);
    let again = ada.with_token(&ada.user_id, token.as_str().unwrap());
    result(&method(&again, "personalAccessTokens:removeToken", wish).await);
    again.get("me").await.refused(401);
}

async fn logging_out_here_and_elsewhere(options: ServerOptions) {
    let server = options.start().await;
    let admin = server.admin().await;
    let ada = admin.new_user("ada").await;
    let login = || async { server.client().login("ada", "password of ada").await };
    // Exactly the token that is presented.
    let other = login().await;
    let body = other.post("logout", json!({})).await.ok();
    assert_eq!(
        body,
        json!({"status": "success", "data": {"message": "You've been logged out!"}})
    );
    other.get("me").await.refused(401);
    ada.get("me").await.ok();
    let bot = personal(&ada, "bot").await;
    bot.get("logout").await.ok();
    bot.get("me").await.refused(401);
    // Other sessions, but not programs.
    let (other, bot) = (login().await, personal(&ada, "bot").await);
    let body = ada.post("users.logoutOtherClients", json!({})).await.ok();
    assert_eq!(body["token"], ada.token.as_str());
    assert!(
        body["tokenExpires"]
            .as_str()
            .is_some_and(|at| at.ends_with('Z'))
    );
    other.get("me").await.refused(401);
    bot.get("me").await.ok();
    ada.get("me").await.ok();
    // Everything else.
    let other = login().await;
    ada.post("users.removeOtherTokens", json!({})).await.ok();
    other.get("me").await.refused(401);
    bot.get("me").await.refused(401);
    ada.get("me").await.ok();
    // Everything.
    let body = admin
        .post("users.logout", json!({"userId": ada.user_id}))
        .await
        .ok();
    assert_eq!(
        body["message"],
        format!("User {} has been logged out!", ada.user_id)
    );
    ada.get("me").await.refused(401);
    let body = admin
        .post("users.logout", json!({"userId": "nobody"}))
        .await
        .refused(400);
    assert_eq!(body["errorType"], "error-invalid-user-id");
    let ada = login().await;
    let body = ada
        .post("users.logout", json!({"userId": admin.user_id}))
        .await
        .refused(403);
    assert_eq!(body, json!({"success": false, "error": "unauthorized"}));
    ada.post("users.logout", json!({})).await.ok();
    ada.get("me").await.refused(401);
}

#[tokio::test]
async fn there_are_at_most_fifty_sessions() {
    let server = Server::start().await;
    let ada = server.admin().await.new_user("ada").await;
    let bot = personal(&ada, "bot").await;
    for _ in 0..49 {
        let _ = server.client().login("ada", "password of ada").await;
    }
    ada.get("me").await.ok();
    let _ = server.client().login("ada", "password of ada").await;
    ada.get("me").await.refused(401);
    bot.get("me").await.ok();
}

#[tokio::test]
async fn the_operator_says_how_many_sessions_there_are() {
    let server = ServerOptions::default()
        .env("MAX_RESUME_LOGIN_TOKENS", "2")
        .start()
        .await;
    let ada = server.admin().await.new_user("ada").await;
    let bot = personal(&ada, "bot").await;
    let second = server.client().login("ada", "password of ada").await;
    ada.get("me").await.ok();
    let third = server.client().login("ada", "password of ada").await;
    ada.get("me").await.refused(401);
    for client in [second, third, bot] {
        client.get("me").await.ok();
    }
}

#[tokio::test]
async fn tokens_for_others_where_the_operator_allows_it() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let body = admin
        .post("users.createToken", json!({"username": "admin"}))
        .await
        .refused(400);
    assert_eq!(body["errorType"], "error-not-authorized");
    let server = ServerOptions::default()
        .env("CREATE_TOKENS_FOR_USERS", "true")
        .start()
        .await;
    let admin = server.admin().await;
    let ada = admin.new_user("ada").await;
    let body = admin
        .post("users.createToken", json!({"userId": ada.user_id}))
        .await
        .ok();
    assert_eq!(body["data"]["userId"], ada.user_id.as_str());
    let made = ada.with_token(&ada.user_id, body["data"]["authToken"].as_str().unwrap());
    made.get("me").await.ok();
    ada.post("users.createToken", json!({"user": "ada"}))
        .await
        .ok();
    for other in ["admin", "nobody"] {
        let body = ada
            .post("users.createToken", json!({"username": other}))
            .await
            .refused(400);
        assert_eq!(body["errorType"], "error-not-authorized", "{other}");
    }
    let body = admin
        .post("users.createToken", json!({}))
        .await
        .refused(400);
    assert_eq!(body["errorType"], "error-user-param-not-provided");
    let body = admin
        .post("users.createToken", json!({"username": "nobody"}))
        .await
        .refused(400);
    assert_eq!(body["errorType"], "error-invalid-user");
}

async fn a_right_taken_away_does_not_survive_deactivation(options: ServerOptions) {
    let server = options.start().await;
    let admin = server.admin().await;
    let ada = admin.new_user("ada").await;
    let bot = personal(&ada, "bot").await;
    for active in [false, true] {
        admin
            .post(
                "users.setActiveStatus",
                json!({"userId": ada.user_id, "activeStatus": active}),
            )
            .await
            .ok();
    }
    bot.get("me").await.refused(401);
    let ada = server.client().login("ada", "password of ada").await;
    // The name is free again.
    personal(&ada, "bot").await.get("me").await.ok();
}
