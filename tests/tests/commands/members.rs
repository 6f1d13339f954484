//! Commands about who is in a room, and who may speak there.

use serde_json::json;
use tests::on_both_logs;
use tests::server::{Server, ServerOptions};

use super::{people, set, told};

on_both_logs![people_are_added_and_removed];

async fn people_are_added_and_removed(options: ServerOptions) {
    let server = options.start().await;
    let (admin, mut alice, mut bob) = people(&server).await;
    admin.client.new_user("carl").await;
    let den = alice.make("groups", "den", &[]).await;
    let nobody = "There is nobody called `@nobody`.";
    alice
        .types(&den, "invite @bob,@nobody  carl @BOB", &[nobody])
        .await;
    assert_eq!(
        alice.members("groups", &den).await,
        ["alice", "bob", "carl"]
    );
    let there = ["`bob` is already in here.", "`carl` is already in here."];
    alice.types(&den, "invite @bob @carl", &there).await;
    bob.types(&den, "invite @admin", &["Not allowed"]).await;
    bob.types(&den, "kick @alice", &["Not allowed"]).await;
    alice.types(&den, "kick carl", &[]).await;
    alice
        .types(&den, "kick @carl", &["`@carl` is not in this room."])
        .await;
    alice.types(&den, "kick @nobody", &[nobody]).await;
    let last = "You are the last owner. Please set new owner before leaving the room.";
    alice.types(&den, "kick @alice", &[last]).await;
    assert_eq!(alice.members("groups", &den).await, ["alice", "bob"]);
    let history = alice.history("groups", &den).await;
    let lines = [told("au", "bob"), told("au", "carl"), told("ru", "carl")];
    assert_eq!(history, lines, "each is told once");
    for command in ["kick", "mute @", "unmute"] {
        alice
            .types(&den, command, &["Name somebody: `@somebody`."])
            .await;
    }
    alice
        .types(
            &den,
            "invite , @ ,",
            &["Name those to be added: `@somebody`."],
        )
        .await;
    let many = vec!["@nobody"; 201].join(",");
    let invite = format!("invite {many}");
    alice
        .types(&den, &invite, &["At most 200 people can be named at once."])
        .await;
    let talk = alice.client.post("im.create", json!({"username": "bob"}));
    let talk = talk.await.ok()["room"]["_id"].as_str().unwrap().to_owned();
    bob.types(&talk, "invite carl", &["Can't invite user to direct rooms"])
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_muted_does_not_speak() {
    let server = Server::start().await;
    let (_, mut alice, mut bob) = people(&server).await;
    let den = alice.make("channels", "den", &["bob"]).await;
    bob.types(&den, "mute @alice", &["Not allowed"]).await;
    alice.types(&den, "mute @bob", &[]).await;
    bob.types(&den, "me growls", &["You are muted in this room."])
        .await;
    alice.types(&den, "unmute bob", &[]).await;
    bob.types(&den, "me growls", &[]).await;
    bob.types(&den, "unmute alice", &["Not allowed"]).await;
    alice
        .types(&den, "mute @admin", &["`@admin` is not in this room."])
        .await;
    let history = alice.history("channels", &den).await;
    let lines = [
        told("user-muted", "bob"),
        told("user-unmuted", "bob"),
        told("", "_growls_"),
    ];
    assert_eq!(history, lines);
}

#[tokio::test(flavor = "multi_thread")]
async fn all_of_a_room_are_added_to_another() {
    let server = Server::start().await;
    let (admin, mut alice, mut bob) = people(&server).await;
    for name in ["carl", "dora"] {
        admin.client.new_user(name).await;
    }
    let den = alice.make("groups", "den", &["carl", "dora"]).await;
    let hall = alice.make("channels", "hall", &["dora"]).await;
    alice.make("groups", "hidden", &[]).await;

    alice
        .types(
            &den,
            "invite-all-to #hall",
            &["One person is added to `#hall`."],
        )
        .await;
    assert_eq!(
        alice.members("channels", &hall).await,
        ["alice", "carl", "dora"]
    );
    let all = "Everybody is in `#hall` already.";
    alice.types(&hall, "invite-all-from #den", &[all]).await;
    alice
        .types(&den, "invite-all-to cellar", &["`#cellar` is made."])
        .await;
    let made = alice.client.get("rooms.info?roomName=cellar").await.ok();
    assert_eq!(made["room"]["t"], "p");
    let cellar = made["room"]["_id"].as_str().unwrap();
    assert_eq!(
        alice.members("groups", cellar).await,
        ["alice", "carl", "dora"]
    );

    // Who is kept out stays out.
    let ban = json!({"roomId": hall, "username": "carl"});
    alice.client.post("rooms.banUser", ban).await.ok();
    alice.types(&hall, "invite-all-from #den", &[all]).await;
    assert_eq!(alice.members("channels", &hall).await, ["alice", "dora"]);

    bob.types(&hall, "invite-all-from #general", &["Not allowed"])
        .await;
    bob.types("GENERAL", "invite-all-to #hall", &["Not allowed"])
        .await;
    let none = "There is no channel called `#hidden`.";
    bob.types("GENERAL", "invite-all-from #hidden", &[none])
        .await;
    bob.types(
        "GENERAL",
        "invite-all-to #hidden",
        &["A channel with name 'hidden' exists"],
    )
    .await;
    bob.types("GENERAL", "invite-all-to", &["Name a channel: `#channel`."])
        .await;
    bob.types(
        "GENERAL",
        "invite-all-from #",
        &["Name a channel: `#channel`."],
    )
    .await;
    set(&admin, "API_User_Limit", json!(2)).await;
    let answer = alice.send(&hall, "invite-all-from #den").await.ok();
    assert_eq!(answer, json!({"success": true}));
    assert_eq!(alice.members("channels", &hall).await, ["alice", "dora"]);
}
