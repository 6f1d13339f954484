//! What a message, and what members do, means to each member's place: shown, alerted, counted (contract, rooms 2.3).

use serde_json::{Value, json};
use tests::client::Client;
use tests::method::method;
use tests::on_both_logs;
use tests::server::{Server, ServerOptions};

use super::place::{place, reply, say};

on_both_logs![
    what_a_message_counts_for_in_rooms,
    what_a_reply_means_to_whom,
    what_is_read_stays_so_through_the_archive_and_a_new_name,
];

/// `open`, `alert`, `unread`, `userMentions`, `groupMentions`.
type Place = (bool, bool, i64, i64, i64);

/// The author of all messages, somebody who is called by name, somebody else, and somebody who has highlighted `tea`.
struct Cast {
    admin: Client,
    alice: Client,
    bob: Client,
    carl: Client,
    dora: Client,
}

impl Cast {
    async fn of(server: &Server) -> Self {
        let admin = server.admin().await;
        let cast = Self {
            alice: admin.new_user("alice").await,
            bob: admin.new_user("bob").await,
            carl: admin.new_user("carl").await,
            dora: admin.new_user("dora").await,
            admin,
        };
        let words = json!({"data": {"highlights": ["tea"]}});
        cast.dora.post("users.setPreferences", words).await.ok();
        cast
    }

    fn all(&self) -> [(&'static str, &Client); 4] {
        [
            ("alice", &self.alice),
            ("bob", &self.bob),
            ("carl", &self.carl),
            ("dora", &self.dora),
        ]
    }

    /// A channel with all of them, in which all is read.
    async fn channel(&self, name: &str) -> String {
        let wish = json!({"name": name, "members": ["bob", "carl", "dora"]});
        let made = self.alice.post("channels.create", wish).await.ok();
        made["channel"]["_id"].as_str().unwrap().to_owned()
    }

    async fn set(&self, setting: &str, value: &str) {
        let wish = json!({"value": value});
        let path = format!("settings/{setting}");
        self.admin.post(&path, wish).await.ok();
    }
}

async fn seen(who: &Client, room: &str) -> Place {
    let place = place(who, room).await;
    let number = |field: &str| place[field].as_i64().unwrap_or(-1);
    (
        place["open"] == true,
        place["alert"] == true,
        number("unread"),
        number("userMentions"),
        number("groupMentions"),
    )
}

async fn read(who: &Client, room: &str) {
    let wish = json!({"rid": room, "readThreads": true});
    who.post("subscriptions.read", wish).await.ok();
}

/// How messages are counted, what is said, and what that adds for bob, carl and dora: `unread`, `userMentions`,
/// `groupMentions`.
type Counted = (i64, i64, i64);
const NONE: Counted = (0, 0, 0);
const ROOMS: &[(&str, &str, [Counted; 3])] = &[
    ("all_messages", "hello", [(1, 0, 0); 3]),
    ("all_messages", "@bob", [(1, 1, 0), (1, 0, 0), (1, 0, 0)]),
    ("all_messages", "@all", [(1, 0, 1); 3]),
    ("all_messages", "@here", [(1, 0, 1); 3]),
    ("all_messages", "@all @bob", [(1, 1, 0), NONE, NONE]),
    ("all_messages", "tea", [(1, 0, 0), (1, 0, 0), (1, 1, 0)]),
    ("all_messages", "@all tea", [NONE, NONE, (1, 1, 0)]),
    (
        "all_messages",
        "@bob tea",
        [(1, 1, 0), (1, 0, 0), (1, 1, 0)],
    ),
    ("user_mentions_only", "hello", [NONE; 3]),
    ("user_mentions_only", "@bob", [(1, 1, 0), NONE, NONE]),
    ("user_mentions_only", "@all", [(0, 0, 1); 3]),
    ("user_mentions_only", "tea", [NONE, NONE, (1, 1, 0)]),
    ("group_mentions_only", "hello", [NONE; 3]),
    ("group_mentions_only", "@bob", [(0, 1, 0), NONE, NONE]),
    ("group_mentions_only", "@all", [(1, 0, 1); 3]),
    ("group_mentions_only", "tea", [NONE, NONE, (0, 1, 0)]),
    ("user_and_group_mentions_only", "hello", [NONE; 3]),
    (
        "user_and_group_mentions_only",
        "@bob",
        [(1, 1, 0), NONE, NONE],
    ),
    ("user_and_group_mentions_only", "@all", [(1, 0, 1); 3]),
    (
        "user_and_group_mentions_only",
        "@all @bob",
        [(1, 1, 0), NONE, NONE],
    ),
    (
        "user_and_group_mentions_only",
        "@alice @all",
        [(1, 0, 1); 3],
    ),
    (
        "user_and_group_mentions_only",
        "tea",
        [NONE, NONE, (1, 1, 0)],
    ),
    (
        "user_and_group_mentions_only",
        "@here tea",
        [NONE, NONE, (1, 1, 0)],
    ),
];

async fn what_a_message_counts_for_in_rooms(options: ServerOptions) {
    let server = options.start().await;
    let cast = Cast::of(&server).await;
    let room = cast.channel("counted").await;
    for (mode, text, counted) in ROOMS {
        cast.set("Unread_Count", mode).await;
        for (_, who) in cast.all() {
            read(who, &room).await;
        }
        let hide = json!({"roomId": room});
        cast.carl.post("rooms.hide", hide).await.ok();
        say(&cast.alice, &room, text).await;
        let of_author = seen(&cast.alice, &room).await;
        assert_eq!(of_author, (true, false, 0, 0, 0), "{mode}: {text}: alice");
        for ((name, who), (unread, user, group)) in cast.all().into_iter().skip(1).zip(counted) {
            let expected = (true, true, *unread, *user, *group);
            assert_eq!(seen(who, &room).await, expected, "{mode}: {text}: {name}");
        }
    }
}

#[tokio::test]
async fn what_a_message_counts_for_between_two() {
    let server = Server::start().await;
    let cast = Cast::of(&server).await;
    let made = cast.alice.post("im.create", json!({"username": "dora"}));
    let made = made.await.ok();
    let room = made["room"]["rid"].as_str().unwrap();
    assert_eq!(seen(&cast.dora, room).await, (false, false, 0, 0, 0));
    for (mode, text, (unread, user, group)) in [
        ("all_messages", "hello", (1, 0, 0)),
        ("all_messages", "@dora", (1, 1, 0)),
        ("all_messages", "@all", (1, 0, 1)),
        ("all_messages", "tea", (1, 1, 0)),
        ("mentions_only", "hello", NONE),
        ("mentions_only", "@dora", (1, 1, 0)),
        ("mentions_only", "@all", (1, 0, 1)),
        ("mentions_only", "tea", (1, 1, 0)),
    ] {
        cast.set("Unread_Count_DM", mode).await;
        read(&cast.dora, room).await;
        say(&cast.alice, room, text).await;
        let expected = (true, true, unread, user, group);
        assert_eq!(seen(&cast.dora, room).await, expected, "{mode}: {text}");
        let of_author = seen(&cast.alice, room).await;
        assert_eq!(of_author, (true, false, 0, 0, 0), "{mode}: {text}: alice");
    }
}

/// The threads that are unread, those with a call by name, those with a call to everybody.
async fn threads(who: &Client, room: &str) -> [usize; 3] {
    let place = place(who, room).await;
    ["tunread", "tunreadUser", "tunreadGroup"]
        .map(|list| place[list].as_array().map_or(0, Vec::len))
}

async fn what_a_reply_means_to_whom(options: ServerOptions) {
    let server = options.start().await;
    let cast = Cast::of(&server).await;
    // What is said, whether in the room too, and for bob (whose message it is a reply to), carl (named, perhaps) and
    // dora: alerted, and the threads that are unread.
    let cases = [
        (
            "yes",
            false,
            [(true, [1, 0, 0]), (false, [0; 3]), (false, [0; 3])],
        ),
        (
            "@carl",
            false,
            [(true, [1, 0, 0]), (true, [1, 1, 0]), (false, [0; 3])],
        ),
        (
            "@all",
            false,
            [(true, [1, 0, 1]), (false, [0; 3]), (false, [0; 3])],
        ),
        (
            "tea",
            false,
            [(true, [1, 0, 0]), (false, [0; 3]), (false, [0; 3])],
        ),
        (
            "yes",
            true,
            [(true, [1, 0, 0]), (true, [0; 3]), (true, [0; 3])],
        ),
        (
            "@carl",
            true,
            [(true, [1, 0, 0]), (true, [1, 1, 0]), (true, [0; 3])],
        ),
    ];
    for (index, (text, shown, expected)) in cases.into_iter().enumerate() {
        let room = cast.channel(&format!("threads-{index}")).await;
        let root = say(&cast.bob, &room, "what now?").await;
        for (_, who) in cast.all() {
            read(who, &room).await;
        }
        let mut message = json!({"rid": room, "msg": text, "tmid": root});
        if shown {
            message["tshow"] = json!(true);
        }
        reply(&cast.alice, message).await;
        for ((name, who), (alert, lists)) in cast.all().into_iter().skip(1).zip(expected) {
            let told = format!("{text}, in the room too: {shown}: {name}");
            assert_eq!(seen(who, &room).await, (true, alert, 0, 0, 0), "{told}");
            assert_eq!(threads(who, &room).await, lists, "{told}");
        }
        assert_eq!(seen(&cast.alice, &room).await, (true, false, 0, 0, 0));
    }
}

#[tokio::test]
async fn what_members_do_with_their_place() {
    let server = Server::start().await;
    let cast = Cast::of(&server).await;
    let bob = &cast.bob;
    // What is done by whom, and bob's place after that. Before, there is one message that calls him.
    let cases: [(&str, &str, &Client, Place); 13] = [
        (
            "subscriptions.read",
            r#"{"rid":"ROOM"}"#,
            bob,
            (true, false, 0, 0, 0),
        ),
        (
            "subscriptions.read",
            r#"{"rid":"ROOM","readThreads":true}"#,
            bob,
            (true, false, 0, 0, 0),
        ),
        (
            "rooms.hide",
            r#"{"roomId":"ROOM"}"#,
            bob,
            (false, false, 1, 1, 0),
        ),
        (
            "channels.close",
            r#"{"roomId":"ROOM"}"#,
            bob,
            (false, false, 1, 1, 0),
        ),
        (
            "rooms.open",
            r#"{"roomId":"ROOM"}"#,
            bob,
            (true, true, 1, 1, 0),
        ),
        (
            "rooms.favorite",
            r#"{"roomId":"ROOM","favorite":true}"#,
            bob,
            (true, true, 1, 1, 0),
        ),
        (
            "rooms.saveDraft",
            r#"{"rid":"ROOM","draft":"x"}"#,
            bob,
            (true, true, 1, 1, 0),
        ),
        (
            "rooms.saveNotification",
            r#"{"roomId":"ROOM","notifications":{"disableNotifications":"1","muteGroupMentions":"1"}}"#,
            bob,
            (true, true, 1, 1, 0),
        ),
        (
            "subscriptions.unread",
            r#"{"roomId":"ROOM"}"#,
            bob,
            (true, true, 1, 1, 0),
        ),
        (
            "channels.setTopic",
            r#"{"roomId":"ROOM","topic":"x"}"#,
            &cast.alice,
            (true, true, 1, 1, 0),
        ),
        (
            "channels.rename",
            r#"{"roomId":"ROOM","name":"renamed"}"#,
            &cast.alice,
            (true, true, 1, 1, 0),
        ),
        (
            "channels.archive",
            r#"{"roomId":"ROOM"}"#,
            &cast.alice,
            (false, false, 1, 1, 0),
        ),
        // Counted again: what is gone cannot be read.
        (
            "chat.delete",
            r#"{"roomId":"ROOM","msgId":"MESSAGE"}"#,
            &cast.alice,
            (true, true, 0, 0, 0),
        ),
    ];
    for (index, (path, body, who, after)) in cases.into_iter().enumerate() {
        let room = cast.channel(&format!("place-{index}")).await;
        let message = say(&cast.alice, &room, "@bob").await;
        assert_eq!(seen(bob, &room).await, (true, true, 1, 1, 0));
        let body = body.replace("ROOM", &room).replace("MESSAGE", &message);
        let body: Value = serde_json::from_str(&body).unwrap();
        who.post(path, body).await.ok();
        assert_eq!(seen(bob, &room).await, after, "{path}");
    }
}

async fn what_is_read_stays_so_through_the_archive_and_a_new_name(options: ServerOptions) {
    let server = options.start().await;
    let cast = Cast::of(&server).await;
    let room = cast.channel("put-away").await;
    say(&cast.alice, &room, "hello").await;
    // Only administrators bring rooms back.
    let cases = [
        ("archive", "", &cast.alice, (false, false, 0, 0, 0)),
        ("unarchive", "", &cast.admin, (true, false, 0, 0, 0)),
        ("rename", "anew", &cast.alice, (true, true, 0, 0, 0)),
    ];
    for (deed, name, who, after) in cases {
        read(&cast.bob, &room).await;
        let mut wish = json!({"roomId": room});
        if !name.is_empty() {
            wish["name"] = json!(name);
        }
        let path = format!("channels.{deed}");
        who.post(&path, wish).await.ok();
        assert_eq!(seen(&cast.bob, &room).await, after, "{deed}");
    }
}

#[tokio::test]
async fn the_last_unread_thread_takes_the_alert_with_it() {
    let server = Server::start().await;
    let cast = Cast::of(&server).await;
    let room = cast.channel("last-thread").await;
    let mut roots = Vec::new();
    for text in ["one", "two"] {
        let root = say(&cast.bob, &room, text).await;
        let message = json!({"rid": room, "msg": "yes", "tmid": root});
        reply(&cast.alice, message).await;
        roots.push(root);
    }
    say(&cast.alice, &room, "@bob").await;
    for (root, alert) in [(&roots[0], true), (&roots[1], false)] {
        method(&cast.bob, "readThreads", json!([root])).await;
        let now = seen(&cast.bob, &room).await;
        assert_eq!(now, (true, alert, 1, 1, 0), "the room stays counted");
    }
}

#[tokio::test]
async fn who_comes_later_has_one_to_read() {
    let server = Server::start().await;
    let cast = Cast::of(&server).await;
    let room = cast.channel("joined").await;
    say(&cast.alice, &room, "@all").await;
    let join = json!({"roomId": room});
    cast.admin.post("channels.join", join).await.ok();
    assert_eq!(seen(&cast.admin, &room).await, (true, true, 1, 1, 0));
    let erin = cast.admin.new_user("erin").await;
    assert_eq!(
        seen(&erin, "GENERAL").await,
        (true, true, 1, 1, 0),
        "a room that new users join"
    );
    let invite = json!({"roomId": room, "userId": erin.user_id});
    cast.alice.post("channels.invite", invite).await.ok();
    assert_eq!(seen(&erin, &room).await, (true, true, 1, 1, 0));
    let leave = json!({"roomId": room});
    cast.dora.post("channels.leave", leave.clone()).await.ok();
    cast.dora.post("channels.join", leave).await.ok();
    assert_eq!(seen(&cast.dora, &room).await, (true, true, 1, 1, 0));
    // On a channel, a call by name takes those along who are not in it: that is all they have to read.
    let other = cast.alice.post("channels.create", json!({"name": "calls"}));
    let other = other.await.ok();
    let other = other["channel"]["_id"].as_str().unwrap();
    say(&cast.alice, other, "@bob").await;
    assert_eq!(seen(&cast.bob, other).await, (true, true, 1, 1, 0));
}
