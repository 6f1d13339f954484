//! Links by which people come into rooms.

use std::sync::Arc;

use futures::future::join_all;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tests::client::{Answer, Client};
use tests::server::{Server, ServerOptions};
use tokio::sync::Barrier;

tests::on_both_logs![
    a_link_brings_people_into_a_private_room,
    the_last_chance_is_for_one,
    one_who_follows_twice_at_once_uses_it_once,
];

const DAY: u32 = 24 * 60 * 60 * 1000;

/// Alice, who has the group `den`, and bob, who is not in it.
async fn stage(server: &Server) -> (Client, Client, Client, String) {
    let admin = server.admin().await;
    let (alice, bob) = (admin.new_user("alice").await, admin.new_user("bob").await);
    let den = alice.post("groups.create", json!({"name": "den"})).await;
    let den = text(&den.ok()["group"]["_id"]);
    (admin, alice, bob, den)
}

fn text(value: &Value) -> String {
    value
        .as_str()
        .unwrap_or_else(|| panic!("a text: {value}"))
        .to_owned()
}

async fn link(client: &Client, room: &str, days: u32, uses: u32) -> Value {
    let wish = json!({"rid": room, "days": days, "maxUses": uses});
    client.post("findOrCreateInvite", wish).await.ok()
}

async fn follow(client: &Client, token: &str) -> Answer {
    client.post("useInviteToken", json!({"token": token})).await
}

async fn is_good(server: &Server, token: &str) -> bool {
    let anybody = server.client();
    let body = json!({"token": token});
    let answer = anybody.post("validateInviteToken", body).await.ok();
    answer["valid"].as_bool().unwrap()
}

async fn remove(client: &Client, token: &str) -> Answer {
    let path = format!("/api/v1/removeInvite/{token}");
    client.send(Method::DELETE, &path, None).await
}

/// How many members the room has.
async fn members(client: &Client, room: &str) -> Value {
    let path = format!("groups.members?roomId={room}");
    client.get(&path).await.ok()["total"].clone()
}

async fn a_link_brings_people_into_a_private_room(options: ServerOptions) {
    let server = options.start().await;
    let (admin, alice, bob, den) = stage(&server).await;
    let made = link(&alice, &den, 1, 5).await;
    let token = text(&made["_id"]);
    assert_eq!(token.len(), 6, "{made}");
    for (field, value) in [
        ("days", json!(1)),
        ("maxUses", json!(5)),
        ("rid", json!(den)),
        ("userId", json!(alice.user_id)),
        ("uses", json!(0)),
    ] {
        assert_eq!(made[field], value, "{field} of {made}");
    }
    let url = text(&made["url"]);
    let expected = format!("&path=invite%2F{token}");
    assert!(
        url.starts_with("https://go.rocket.chat/invite?host="),
        "{url}"
    );
    assert!(url.contains(&expected), "{url}");
    assert_eq!(link(&alice, &den, 1, 5).await["_id"], json!(token), "again");
    assert_ne!(link(&alice, &den, 7, 5).await["_id"], json!(token));
    assert_eq!(link(&alice, &den, 0, 0).await["expires"], Value::Null);

    assert!(is_good(&server, &token).await);
    let room = follow(&bob, &token).await.ok()["room"].clone();
    assert_eq!(
        room,
        json!({"rid": den, "name": "den", "fname": "den", "t": "p"})
    );
    let path = format!("groups.history?roomId={den}");
    let newest = bob.get(&path).await.ok()["messages"][0].clone();
    assert_eq!(
        (&newest["t"], &newest["msg"]),
        (&json!("uj"), &json!("bob"))
    );
    follow(&bob, &token).await.ok();

    let listed = admin.get("listInvites").await.body;
    let listed = listed.as_array().expect("an array without an envelope");
    let uses = |token: &str| {
        let found = listed.iter().find(|one| one["_id"] == token);
        found.map(|one| one["uses"].clone())
    };
    assert_eq!(uses(&token), Some(json!(1)), "once for bob: {listed:?}");
    assert_eq!(listed.len(), 3, "{listed:?}");

    let removed = remove(&admin, &token).await;
    assert_eq!(
        (removed.status, removed.body),
        (StatusCode::OK, json!(true)),
        "without an envelope"
    );
    assert!(!is_good(&server, &token).await);
    let again = remove(&admin, &token).await.refused(400);
    assert_eq!(again["errorType"], "invalid-invitation-id", "{again}");
}

#[tokio::test]
async fn what_is_refused() {
    let server = Server::start().await;
    let (admin, alice, bob, den) = stage(&server).await;
    let direct = alice
        .post("im.create", json!({"username": "bob"}))
        .await
        .ok();
    let direct = text(&direct["room"]["_id"]);
    admin
        .post(
            "permissions.update",
            json!({"permissions": [{"_id": "create-invite-links", "roles": ["admin", "owner", "bot"]}]}),
        )
        .await
        .ok();
    let cases = [
        (&bob, &*den, 1, 1, "[not_authorized]"),
        (&bob, "nowhere", 1, 1, "[not_authorized]"),
        (&bob, "GENERAL", 1, 1, "[not_authorized]"),
        (&admin, &den, 1, 1, "error-invalid-room"),
        (&admin, "nowhere", 1, 1, "error-invalid-room"),
        (&alice, &den, 2, 1, "invalid-number-of-days"),
        (&alice, &den, 1, 3, "invalid-number-of-uses"),
    ];
    for (client, room, days, uses, expected) in cases {
        let wish = json!({"rid": room, "days": days, "maxUses": uses});
        let answer = client
            .post("findOrCreateInvite", wish.clone())
            .await
            .refused(400);
        let told = format!("{} {}", answer["error"], answer["errorType"]);
        assert!(told.contains(expected), "{wish}: {answer}");
    }
    let everybody =
        json!({"permissions": [{"_id": "create-invite-links", "roles": ["admin", "user"]}]});
    admin.post("permissions.update", everybody).await.ok();
    let wish = json!({"rid": direct, "days": 1, "maxUses": 1});
    let answer = alice.post("findOrCreateInvite", wish).await.refused(400);
    assert_eq!(
        answer["errorType"], "error-room-type-not-allowed",
        "{answer}"
    );
    let wish = json!({"rid": den, "days": "1"});
    let answer = alice.post("findOrCreateInvite", wish).await.refused(400);
    assert_eq!(answer["errorType"], "invalid-params", "{answer}");
    let wish = json!({"rid": den, "days": "1", "maxUses": "5"});
    alice.post("findOrCreateInvite", wish).await.ok();

    let answer = follow(&bob, "nothing").await.refused(400);
    assert_eq!(answer["errorType"], "error-invalid-token", "{answer}");
    let gone = alice.post("groups.create", json!({"name": "gone"})).await;
    let gone = text(&gone.ok()["group"]["_id"]);
    let token = text(&link(&alice, &gone, 0, 0).await["_id"]);
    let delete = json!({"roomId": gone});
    alice.post("groups.delete", delete).await.ok();
    let answer = follow(&bob, &token).await.refused(400);
    assert_eq!(answer["errorType"], "error-invalid-room", "{answer}");
    assert!(!is_good(&server, &token).await);
    remove(&admin, &token).await.ok();
}

#[tokio::test]
async fn no_link_is_listed_or_removed_by_owners_alone() {
    let server = Server::start().await;
    let (_, alice, _, den) = stage(&server).await;
    let token = text(&link(&alice, &den, 1, 1).await["_id"]);
    for answer in [alice.get("listInvites").await, remove(&alice, &token).await] {
        let answer = answer.refused(400);
        assert_eq!(answer["error"], "[not_authorized]", "{answer}");
    }
}

async fn the_last_chance_is_for_one(options: ServerOptions) {
    const PEOPLE: usize = 12;
    const CHANCES: u32 = 5;
    let server = options.start().await;
    let (admin, alice, _, den) = stage(&server).await;
    let token = text(&link(&alice, &den, 0, CHANCES).await["_id"]);
    let mut people = Vec::new();
    for number in 0..PEOPLE {
        people.push(admin.new_user(&format!("guest{number}")).await);
    }
    let barrier = Arc::new(Barrier::new(PEOPLE));
    let following = people.iter().map(|one| {
        let (barrier, token) = (Arc::clone(&barrier), token.clone());
        async move {
            barrier.wait().await;
            follow(one, &token).await
        }
    });
    let answers = join_all(following).await;
    let (got_in, refused): (Vec<_>, Vec<_>) = answers
        .into_iter()
        .partition(|answer| answer.status == StatusCode::OK);
    assert_eq!(got_in.len(), 5, "as many as the link says");
    for answer in refused {
        let answer = answer.refused(400);
        assert_eq!(answer["errorType"], "error-invite-expired", "{answer}");
    }
    assert_eq!(members(&alice, &den).await, json!(1 + CHANCES));
    assert!(!is_good(&server, &token).await);
}

async fn one_who_follows_twice_at_once_uses_it_once(options: ServerOptions) {
    const TIMES: usize = 8;
    let server = options.start().await;
    let (admin, alice, bob, den) = stage(&server).await;
    let token = text(&link(&alice, &den, 0, 1).await["_id"]);
    let barrier = Arc::new(Barrier::new(TIMES));
    let following = (0..TIMES).map(|_| {
        let (barrier, token, bob) = (Arc::clone(&barrier), token.clone(), bob.clone());
        async move {
            barrier.wait().await;
            follow(&bob, &token).await.status
        }
    });
    let answers = join_all(following).await;
    assert!(answers.contains(&StatusCode::OK), "{answers:?}");
    let listed = admin.get("listInvites").await.body;
    assert_eq!(listed[0]["uses"], 1, "{listed}");
    assert_eq!(members(&alice, &den).await, 2);
}

#[tokio::test]
async fn a_link_expires_by_its_own_time() {
    let mut server = Server::start().await;
    let (_, alice, bob, den) = stage(&server).await;
    let token = text(&link(&alice, &den, 1, 0).await["_id"]);
    let kept = text(&link(&alice, &den, 7, 0).await["_id"]);
    server.stop().await;
    server = server.with_options(|options: ServerOptions| options.clock_ahead(DAY + 60_000));
    server.restart().await;
    assert!(!is_good(&server, &token).await);
    let bob = server.client().with_token(&bob.user_id, &bob.token);
    let answer = follow(&bob, &token).await.refused(400);
    assert_eq!(answer["errorType"], "error-invite-expired", "{answer}");
    follow(&bob, &kept).await.ok();
    let alice = server.client().with_token(&alice.user_id, &alice.token);
    assert_ne!(
        link(&alice, &den, 1, 0).await["_id"],
        json!(token),
        "a new one"
    );
}

#[tokio::test]
async fn the_record_does_not_tell_tokens() {
    let server = Server::start().await;
    let (admin, alice, bob, den) = stage(&server).await;
    let token = text(&link(&alice, &den, 0, 0).await["_id"]);
    follow(&bob, &token).await.ok();
    let eve = admin.new_user("eve").await;
    let give = json!({"username": "eve", "roleId": "auditor"});
    admin.post("roles.addUserToRole", give).await.ok();
    let shown = json!({"value": true});
    admin.post("settings/Audit_Private_Rooms", shown).await.ok();
    for event in ["InviteCreated", "InviteUsed"] {
        let path = format!("/audit/events?type={event}");
        let told = eve.send(Method::GET, &path, None).await.body.to_string();
        assert!(told.contains("a link into"), "{told}");
        assert!(!told.contains(&token), "{told}");
        assert!(told.contains("invite-(withheld)"), "{told}");
    }
}
