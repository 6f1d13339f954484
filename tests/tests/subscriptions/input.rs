//! What makes no sense is refused, and says what would.

use reqwest::Method;
use serde_json::{Value, json};
use tests::server::Server;

use crate::{batch, door, listed, poll, say, subscribe};

#[tokio::test]
async fn a_position_is_a_whole_number() {
    let server = Server::start().await;
    let admin = server.admin().await;
    subscribe(&admin, "all", json!({})).await.ok();
    let first = batch(&admin, "all", "limit=7").await;
    let path = format!("{}/acknowledge", door("all"));
    for position in [json!(null), json!("5"), json!(5.5), json!(-5), json!(true)] {
        let body = json!({"position": position}).to_string();
        let body = Some(("application/json", body));
        let refused = admin.send(Method::POST, &path, body).await.refused(400);
        let error = refused["error"].as_str().unwrap_or_default();
        assert!(
            error.contains("must be a whole number"),
            "{position}: {error}"
        );
    }
    let in_address = format!("{path}?position=5");
    for body in ["{}", "{\"position\": 5}"] {
        let body = Some(("application/json", body.to_owned()));
        admin
            .send(Method::POST, &in_address, body)
            .await
            .refused(400);
    }
    let receipt = &first.receipt;
    for parameters in [
        "acknowledge=5&receipt=five".to_owned(),
        format!("receipt={receipt}"),
    ] {
        let refused = poll(&admin, "all", &parameters).await.refused(400);
        let error = refused["error"].to_string();
        assert!(error.contains("receipt is what an answer"), "{error}");
    }
    let checkpoint = listed(&admin, "all").await.unwrap()["checkpoint"].clone();
    assert_eq!(checkpoint, 0, "refusals change nothing");
}

#[tokio::test]
async fn a_limit_says_what_it_may_be() {
    let server = Server::start().await;
    let admin = server.admin().await;
    subscribe(&admin, "all", json!({})).await.ok();
    let pages = ["/audit/events", "/audit/at/1/rooms", &door("all")].map(str::to_owned);
    for limit in ["-1", "0", "1001", "1.5"] {
        for page in &pages {
            let path = format!("{page}?limit={limit}");
            let refused = admin.send(Method::GET, &path, None).await.refused(400);
            let error = refused["error"].to_string();
            let wanted = "limit is a number from 1 to 1000";
            assert!(error.contains(wanted), "{path}: {error}");
        }
    }
    let refused = poll(&admin, "all", "wait=-1").await.refused(400);
    let error = refused["error"].to_string();
    assert!(error.contains("a whole number from 0"), "{error}");
}

#[tokio::test]
async fn no_more_than_the_most_begin_at_the_same_moment() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let begun = (0..110).map(|number| {
        let admin = admin.clone();
        async move { subscribe(&admin, &format!("s{number}"), json!({})).await }
    });
    let begun = futures::future::join_all(begun).await;
    let refused = begun.iter().filter(|answer| !answer.status.is_success());
    let refused: Vec<_> = refused.map(|answer| &answer.body["errorType"]).collect();
    assert_eq!(refused, [&json!("error-too-many-subscriptions"); 10]);
}

#[tokio::test]
async fn what_a_deleted_account_leaves_is_listed_and_ended_by_others() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let eve = crate::auditor(&admin, "eve").await;
    subscribe(&eve, "eves", json!({})).await.ok();
    say(&eve, "GENERAL", "bye").await;
    let gone = json!({"userId": eve.user_id});
    admin.post("users.delete", gone).await.ok();
    let entry = listed(&admin, "eves").await.expect("it stays");
    assert_eq!(
        entry["owner"],
        json!({"id": eve.user_id, "name": Value::Null})
    );
    crate::end(&admin, "eves").await.ok();
}
