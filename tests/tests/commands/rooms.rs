//! Commands about rooms, and one's own place in them.

use serde_json::{Value, json};
use tests::method::method;
use tests::on_both_logs;
use tests::server::ServerOptions;

use super::{guest, people, told};

on_both_logs![
    rooms_are_put_away_and_taken_out,
    a_channel_is_joined_and_left
];

async fn rooms_are_put_away_and_taken_out(options: ServerOptions) {
    let server = options.start().await;
    let (mut admin, mut alice, mut bob) = people(&server).await;
    let den = alice.make("channels", "den", &["bob"]).await;
    alice.make("groups", "hidden", &[]).await;
    let talk = alice.client.post("im.create", json!({"username": "bob"}));
    let talk = talk.await.ok()["room"]["_id"].as_str().unwrap().to_owned();

    alice
        .types("GENERAL", "archive #den", &["`#den` is archived."])
        .await;
    let room = method(&alice.client, "getRoomById", json!([den])).await;
    assert_eq!(room["result"]["archived"], json!(true));
    alice
        .types(&den, "archive", &["`#den` is archived already."])
        .await;
    bob.types(&den, "unarchive", &["Not authorized"]).await;
    admin
        .types(&den, "unarchive", &["`#den` is no longer archived."])
        .await;
    admin
        .types("GENERAL", "unarchive den", &["`#den` is not archived."])
        .await;
    bob.types(&den, "archive", &["Not authorized"]).await;
    alice.types(&talk, "archive", &[]).await;
    let history = alice.history("channels", &den).await;
    let about: Vec<_> = history
        .iter()
        .filter(|(kind, _)| kind.contains("archived"))
        .collect();
    let once = [told("room-archived", ""), told("room-unarchived", "")];
    assert_eq!(about, [&once[0], &once[1]], "each is told once");
    for line in ["archive #hidden", "unarchive hidden", "archive #nowhere"] {
        let name = line.rsplit([' ', '#']).next().unwrap();
        let none = format!("There is no channel called `#{name}`.");
        bob.types("GENERAL", line, &[&none]).await;
    }
    alice
        .types("GENERAL", "archive #", &["Name a channel: `#channel`."])
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rooms_are_made() {
    let server = tests::server::Server::start().await;
    let (admin, mut alice, mut bob) = people(&server).await;
    let mut gregor = guest(&server, &admin).await;
    alice
        .types("GENERAL", "create #fresh", &["`#fresh` is made."])
        .await;
    alice
        .types(
            "GENERAL",
            "create --private #cellar",
            &["`#cellar` is made."],
        )
        .await;
    alice
        .types("GENERAL", "create two words", &["`#two` is made."])
        .await;
    for (name, kind) in [("fresh", "c"), ("cellar", "p"), ("two", "c")] {
        let path = format!("rooms.info?roomName={name}");
        let room = alice.client.get(&path).await.ok()["room"].clone();
        assert_eq!(
            (&room["t"], &room["u"]["username"]),
            (&json!(kind), &json!("alice"))
        );
    }
    for name in ["fresh", "cellar"] {
        let taken = format!("A channel with name '{name}' exists");
        bob.types("GENERAL", &format!("create #{name}"), &[&taken])
            .await;
    }
    bob.types(
        "GENERAL",
        "create #admin",
        &["admin is not a valid room name."],
    )
    .await;
    for nameless in ["create", "create #", "create --private", "create 日本"] {
        let wanted = "Name the channel to be made: `#channel`.";
        bob.types("GENERAL", nameless, &[wanted]).await;
    }
    let general = json!({"roomId": "GENERAL", "username": "gregor"});
    admin.client.post("channels.invite", general).await.ok();
    gregor
        .types("GENERAL", "create #x", &["You may not do that."])
        .await;
}

async fn a_channel_is_joined_and_left(options: ServerOptions) {
    let server = options.start().await;
    let (_, mut alice, mut bob) = people(&server).await;
    let den = alice.make("channels", "den", &[]).await;
    alice.make("groups", "hidden", &[]).await;
    bob.types("GENERAL", "join #den", &[]).await;
    assert_eq!(alice.members("channels", &den).await, ["alice", "bob"]);
    let again = bob.send("GENERAL", "join den").await.refused(400);
    let already = json!({"success": false, "errorType": "error-user-already-in-room",
        "error": "You are already in the channel [error-user-already-in-room]",
        "details": {"method": "slashCommand"}});
    assert_eq!(again, already);
    bob.is_told("GENERAL", "joining twice", &[]).await;
    bob.types(&den, "leave", &[]).await;
    bob.types("GENERAL", "join den", &[]).await;
    bob.types(&den, "part", &[]).await;
    assert_eq!(alice.members("channels", &den).await, ["alice"]);
    let history = alice.history("channels", &den).await;
    let (uj, ul) = (told("uj", "bob"), told("ul", "bob"));
    assert_eq!(history, [uj.clone(), ul.clone(), uj, ul]);
    let last = "You are the last owner. Please set new owner before leaving the room.";
    alice.types(&den, "leave", &[last]).await;
    for name in ["hidden", "nowhere"] {
        let none = format!("There is no channel called `#{name}`.");
        bob.types("GENERAL", &format!("join #{name}"), &[&none])
            .await;
    }
    let code = json!({"roomId": den, "joinCode": "sesame"});
    alice.client.post("channels.setJoinCode", code).await.ok();
    bob.types("GENERAL", "join den", &["Invalid Room Password"])
        .await;
    alice
        .types("GENERAL", "archive den", &["`#den` is archived."])
        .await;
    bob.types("GENERAL", "join den", &["`#den` is archived."])
        .await;
    bob.types("GENERAL", "join", &["Name a channel: `#channel`."])
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_topic_is_set_by_those_who_may() {
    let server = tests::server::Server::start().await;
    let (_, mut alice, mut bob) = people(&server).await;
    let den = alice.make("channels", "den", &["bob"]).await;
    alice.types(&den, "topic bears & honey", &[]).await;
    bob.types(&den, "topic bees", &[]).await;
    assert_eq!(alice.info(&den).await["topic"], "bears & honey");
    alice.types(&den, "topic", &[]).await;
    assert_eq!(alice.info(&den).await["topic"], "");
    let history = alice.history("channels", &den).await;
    let kind = "room_changed_topic";
    assert_eq!(history, [told(kind, "bears & honey"), told(kind, "")]);
    let long = format!("topic {}", "x".repeat(10_001));
    alice
        .types(&den, &long, &["must NOT have more than 10000 characters"])
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rooms_are_hidden() {
    let server = tests::server::Server::start().await;
    let (_, mut alice, mut bob) = people(&server).await;
    let den = alice.make("channels", "den", &[]).await;
    alice.make("groups", "hidden", &[]).await;
    let talk = alice.client.post("im.create", json!({"username": "bob"}));
    let talk = talk.await.ok()["room"]["_id"].as_str().unwrap().to_owned();
    let client = alice.client.clone();
    let is_open = async |room: &str| {
        let path = format!("subscriptions.getOne?roomId={room}");
        client.get(&path).await.ok()["subscription"]["open"] == json!(true)
    };
    for (room, line) in [
        (&den, "hide"),
        (&den, "hide #den"),
        (&talk, "hide @bob"),
        (&talk, "hide"),
    ] {
        let open = json!({"roomId": room});
        alice.client.post("rooms.open", open).await.ok();
        assert!(is_open(room).await);
        let typed_in = if line == "hide" { room } else { "GENERAL" };
        alice.types(typed_in, line, &[]).await;
        assert!(!is_open(room).await, "{line}");
        alice.types(typed_in, line, &[]).await;
    }
    bob.types("GENERAL", "hide #den", &["You are not in that room."])
        .await;
    bob.types(&den, "hide", &["You are not in that room."])
        .await;
    bob.types("GENERAL", "hide @admin", &["You are not in that room."])
        .await;
    for name in ["hidden", "nowhere"] {
        let none = format!("There is no channel called `#{name}`.");
        bob.types("GENERAL", &format!("hide #{name}"), &[&none])
            .await;
    }
    bob.types(
        "GENERAL",
        "hide @nobody",
        &["There is nobody called `@nobody`."],
    )
    .await;
    let wanted = "Name a channel or somebody: `#channel` or `@somebody`.";
    bob.types("GENERAL", "hide @", &[wanted]).await;
    assert_ne!(bob.info("GENERAL").await, Value::Null);
}
