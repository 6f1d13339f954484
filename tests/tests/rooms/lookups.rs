//! Methods that look rooms up.

use serde_json::{Value, json};
use tests::client::Client;
use tests::method::method;
use tests::server::Server;

use super::{create, people};

/// What a method returns, or the code it is refused with.
async fn asked(client: &Client, name: &str, params: Value) -> Value {
    let answer = method(client, name, params).await;
    match answer.get("error") {
        Some(error) => json!({ "refused": error["error"] }),
        None => answer["result"].clone(),
    }
}

#[tokio::test]
async fn rooms_are_looked_up_by_those_who_may_see_them() {
    let server = Server::start().await;
    let (_, alice, bob) = people(&server).await;
    let den = create(&alice, "groups", "den", &[]).await;
    let square = create(&alice, "channels", "square", &[]).await;
    let refused = |code: &str| json!({ "refused": code });
    for (who, name, params, wanted) in [
        (&alice, "getRoomIdByNameOrId", json!(["den"]), json!(den)),
        (&alice, "getRoomIdByNameOrId", json!([den]), json!(den)),
        (
            &bob,
            "getRoomIdByNameOrId",
            json!(["den"]),
            refused("error-not-allowed"),
        ),
        (
            &bob,
            "getRoomIdByNameOrId",
            json!(["none"]),
            refused("error-not-allowed"),
        ),
        (&alice, "getRoomNameById", json!([den]), json!("den")),
        (&bob, "getRoomNameById", json!([square]), json!("square")),
        (
            &bob,
            "getRoomNameById",
            json!([den]),
            refused("error-not-allowed"),
        ),
        (
            &bob,
            "getRoomById",
            json!([den]),
            refused("error-not-allowed"),
        ),
        (
            &bob,
            "getRoomById",
            json!(["none"]),
            refused("error-not-allowed"),
        ),
        (
            &bob,
            "getRoomByTypeAndName",
            json!(["p", "den"]),
            refused("error-invalid-room"),
        ),
        (
            &bob,
            "getRoomByTypeAndName",
            json!(["p", "square"]),
            refused("error-invalid-room"),
        ),
        (&bob, "roomNameExists", json!(["square"]), json!(true)),
        (&bob, "roomNameExists", json!(["Square"]), json!(false)),
        (&bob, "getTotalChannels", json!([]), json!(2)),
    ] {
        assert_eq!(
            asked(who, name, params.clone()).await,
            wanted,
            "{name} {params}"
        );
    }
    for (name, params) in [
        ("getRoomById", json!([square])),
        ("getRoomByTypeAndName", json!(["c", "square"])),
        ("getRoomByTypeAndName", json!(["c", square])),
    ] {
        let room = asked(&bob, name, params).await;
        assert_eq!(
            (&room["_id"], &room["t"], room.get("joinCode")),
            (&json!(square), &json!("c"), None),
            "{room}"
        );
    }
}

#[tokio::test]
async fn channels_are_listed_by_kind_and_in_order() {
    let server = Server::start().await;
    let (_, alice, bob) = people(&server).await;
    create(&alice, "groups", "den", &[]).await;
    let square = create(&alice, "channels", "square", &[]).await;
    for text in ["one", "two", "three", "four", "five", "six"] {
        let message = json!({"message": {"rid": square, "msg": text}});
        alice.post("chat.sendMessage", message).await.ok();
    }
    for (who, params, wanted) in [
        (&alice, json!(["", "public"]), &["general", "square"][..]),
        (
            &alice,
            json!(["", "public", 10, "name"]),
            &["general", "square"],
        ),
        (
            &alice,
            json!(["", "public", 10, "msgs"]),
            &["square", "general"],
        ),
        (&alice, json!(["", "public", 1, "msgs"]), &["square"]),
        (&alice, json!(["QUA", "public"]), &["square"]),
        (&alice, json!(["", "private"]), &["den"]),
        (&alice, json!(["", "any"]), &["general", "square", "den"]),
        (&bob, json!(["", "private"]), &[]),
    ] {
        let listed = asked(who, "channelsList", params.clone()).await;
        let listed = listed["channels"].as_array().expect("channels").iter();
        let names: Vec<_> = listed
            .map(|one| one["name"].as_str().unwrap_or(""))
            .collect();
        assert_eq!(names, wanted, "{params}");
    }
}
