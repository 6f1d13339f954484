//! Who may read and end a subscription, and what is kept from them.

use reqwest::Method;
use serde_json::{Value, json};
use tests::server::Server;

use crate::{
    acknowledge, auditor, batch, door, end, events, listed, poll, say, show_private_rooms,
    subscribe, traces,
};

#[tokio::test]
async fn nobody_subscribes_without_the_right() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let ann = admin.new_user("ann").await;
    subscribe(&admin, "all", json!({})).await.ok();
    for (client, status) in [(&server.client(), 401), (&ann, 403)] {
        subscribe(client, "mine", json!({})).await.refused(status);
        poll(client, "all", "").await.refused(status);
        acknowledge(client, "all", 0).await.refused(status);
        end(client, "all").await.refused(status);
        let list = client.send(Method::GET, "/audit/subscriptions", None);
        list.await.refused(status);
    }
    assert_eq!(traces(&admin).await.len(), 1, "nothing was done");
}

#[tokio::test]
async fn a_subscription_is_its_owners() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let (eve, bob) = (auditor(&admin, "eve").await, auditor(&admin, "bob").await);
    subscribe(&eve, "eves", json!({})).await.ok();
    let told = batch(&eve, "eves", "limit=3").await;
    assert!(
        listed(&bob, "eves").await.is_some(),
        "others see that it is there"
    );
    for client in [&bob, &admin] {
        for answer in [
            subscribe(client, "eves", json!({})).await,
            poll(client, "eves", "").await,
            acknowledge(client, "eves", told.position).await,
        ] {
            let refused = answer.refused(400);
            assert_eq!(refused["errorType"], "error-not-allowed");
        }
    }
    end(&bob, "eves").await.refused(400);
    end(&admin, "eves").await.ok();
    let ended = traces(&admin).await.pop().unwrap();
    assert_eq!(ended["sentence"], "admin ended the subscription eves");
}

/// A private room with a message in it.
async fn cellar(client: &tests::client::Client) -> String {
    let body = json!({"name": "cellar"});
    let made = client.post("groups.create", body).await.ok();
    let room = made["group"]["_id"].as_str().unwrap().to_owned();
    say(client, &room, "treasure").await;
    room
}

#[tokio::test]
async fn private_rooms_are_shown_only_while_the_setting_says_so() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let eve = auditor(&admin, "eve").await;
    let room = cellar(&admin).await;
    let of_cellar = json!({"room": "cellar"});
    let refused = subscribe(&eve, "cellar", of_cellar.clone()).await;
    refused.refused(400);
    subscribe(&eve, "all", json!({"type": "MessagePosted"}))
        .await
        .ok();
    let hidden = batch(&eve, "all", "").await;
    assert_eq!(hidden.events, [Value::Null; 0], "no private message");

    show_private_rooms(&admin, true).await;
    subscribe(&eve, "cellar", of_cellar).await.ok();
    let shown = batch(&eve, "cellar", "").await;
    assert!(!shown.events.is_empty(), "the room is shown");
    let by_id = json!({"room": room});
    let shown = batch(&eve, "all", "").await;
    assert_eq!(shown.events.len(), 1, "the message is shown");
    let told = events(&eve, "category=subscription").await;
    assert_eq!(told.len(), 4);

    show_private_rooms(&admin, false).await;
    let hidden = batch(&eve, "all", "").await;
    assert_eq!(hidden.events, [Value::Null; 0], "hidden again");
    let hidden = batch(&eve, "cellar", "").await;
    assert_eq!(hidden.events, [Value::Null; 0], "passed over");
    subscribe(&eve, "cellar", by_id.clone()).await.ok();
    subscribe(&eve, "another", by_id).await.refused(400);
    let entry = listed(&eve, "cellar").await.unwrap();
    assert_eq!(entry["question"], Value::Null, "it names a private room");
    assert!(!entry.to_string().contains(&room), "{entry}");
    let told = events(&eve, "category=subscription").await;
    assert_eq!(told.len(), 1, "what was read of private rooms is private");
}

#[tokio::test]
async fn a_right_that_was_taken_away_ends_reading() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let eve = auditor(&admin, "eve").await;
    let question = json!({"type": "MessagePosted", "from": "1"});
    subscribe(&eve, "all", question).await.ok();
    say(&admin, "GENERAL", "one").await;
    let first = batch(&eve, "all", "").await;
    let waiting = {
        let (eve, position) = (eve.clone(), first.position);
        tokio::spawn(async move {
            let parameters = format!("wait=60&acknowledge={position}");
            poll(&eve, "all", &parameters).await
        })
    };
    // What is acknowledged is recorded before the waiting begins.
    while listed(&admin, "all").await.unwrap()["checkpoint"] != json!(first.position) {
        tokio::task::yield_now().await;
    }
    let take = json!({"username": "eve", "roleId": "auditor"});
    admin.post("roles.removeUserFromRole", take).await.ok();
    waiting.await.unwrap().refused(403);
    poll(&eve, "all", "").await.refused(403);
    let path = door("all");
    eve.send(Method::DELETE, &path, None).await.refused(403);
}
