//! What is there can be taken away, even if it could not be added any more.

use serde_json::{Value, json};
use tests::on_both_logs;
use tests::pictures::png;
use tests::server::ServerOptions;

use super::id;

on_both_logs![
    reactions_are_taken_back_whatever_came_of_their_emoji,
    archived_rooms_stay_as_they_are
];

async fn reactions_are_taken_back_whatever_came_of_their_emoji(options: ServerOptions) {
    let server = options.start().await;
    let admin = server.admin().await;
    let bob = admin.new_user("bob").await;
    let fields = [("name", "zorgle"), ("aliases", "zz9")];
    let picture = png(20, 20);
    let upload = ("emoji", "image/png", picture.as_slice());
    admin
        .upload("emoji-custom.create", upload, &fields)
        .await
        .ok();
    let wish = json!({"roomId": "GENERAL", "text": "look"});
    let message = id(&admin.post("chat.postMessage", wish).await.ok(), "message");
    let react = |emoji: &str, wanted: Value| {
        let mut body = json!({"messageId": message, "emoji": emoji});
        if !wanted.is_null() {
            body["shouldReact"] = wanted;
        }
        body
    };
    for emoji in ["zorgle", "zz9", "smile"] {
        bob.post("chat.react", react(emoji, Value::Null)).await.ok();
    }
    let emoji = admin.get("emoji-custom.list").await.ok()["emojis"]["update"][0]["_id"].clone();
    let delete = json!({"emojiId": emoji});
    admin.post("emoji-custom.delete", delete).await.ok();
    let read_only = json!({"roomId": "GENERAL", "readOnly": true});
    admin.post("channels.setReadOnly", read_only).await.ok();

    bob.post("chat.react", react(":+1:", json!(true)))
        .await
        .refused(400);
    for (emoji, wanted) in [
        ("zorgle", Value::Null),
        (":zz9:", json!(false)),
        ("smile", json!(false)),
    ] {
        bob.post("chat.react", react(emoji, wanted)).await.ok();
    }
    let path = format!("chat.getMessage?msgId={message}");
    let seen = bob.get(&path).await.ok();
    assert!(seen["message"].get("reactions").is_none(), "{seen}");
    let again = bob.post("chat.react", react("zorgle", Value::Null)).await;
    let refusal = again.refused(400);
    assert_eq!(
        refusal["error"],
        "Invalid emoji provided. [error-not-allowed]"
    );
}

async fn archived_rooms_stay_as_they_are(options: ServerOptions) {
    let server = options.start().await;
    let admin = server.admin().await;
    let (alice, bob) = (admin.new_user("alice").await, admin.new_user("bob").await);
    for (family, key) in [("channels", "channel"), ("groups", "group")] {
        let path = |name: &str| format!("{family}.{name}");
        let wish = json!({"name": format!("{family}-room"), "members": ["bob"]});
        let room = id(&alice.post(&path("create"), wish).await.ok(), key);
        let (named, it) = (
            json!({"roomId": room, "userId": bob.user_id}),
            json!({"roomId": room}),
        );
        alice.post(&path("addModerator"), named.clone()).await.ok();
        alice.post(&path("archive"), it.clone()).await.ok();
        for (who, name, wish) in [
            (&alice, path("addLeader"), &named),
            (&alice, path("removeModerator"), &named),
            (&alice, path("kick"), &named),
            (&alice, "rooms.muteUser".to_owned(), &named),
            (&alice, "rooms.banUser".to_owned(), &named),
            (&bob, path("leave"), &it),
            (&bob, "rooms.leave".to_owned(), &it),
        ] {
            let refused = who.post(&name, wish.clone()).await.refused(400);
            assert_eq!(refused["errorType"], "error-room-archived", "{name}");
        }
        let info = alice
            .get(&format!("{family}.info?roomId={room}"))
            .await
            .ok();
        assert_eq!(info[key]["usersCount"], 2, "{info}");
    }
}
