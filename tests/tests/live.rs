//! The `/live` socket, from outside.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on has failed"
)]

use std::time::Duration;

use serde_json::{Value, json};
use tests::client::Client;
use tests::live::Live;
use tests::on_both_logs;
use tests::server::{Server, ServerOptions};

on_both_logs![history_is_shown_as_it_is_now];

const SOON: Duration = Duration::from_secs(10);
const NOTHING: Duration = Duration::from_millis(400);

async fn say(client: &Client, room: &str, text: &str) {
    client
        .post("chat.postMessage", json!({"roomId": room, "text": text}))
        .await
        .ok();
}

async fn next_text(live: &mut Live) -> (u64, String) {
    loop {
        let frame = live.next_update(SOON).await.expect("an update");
        if frame["kind"] == "message-posted" && frame["data"].get("t").is_none() {
            let text = frame["data"]["msg"].as_str().unwrap().to_owned();
            return (frame["position"].as_u64().unwrap(), text);
        }
    }
}

#[tokio::test]
async fn updates_come_with_their_positions_in_order() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let mut live = Live::connect(&server, &admin, None).await;
    live.subscribe(&["GENERAL"]).await;
    for number in 0..50 {
        say(&admin, "GENERAL", &number.to_string()).await;
    }
    let mut last = 0;
    for number in 0..50 {
        let (position, text) = next_text(&mut live).await;
        assert_eq!(text, number.to_string());
        assert!(position > last);
        last = position;
    }
}

#[tokio::test]
async fn a_socket_that_comes_back_misses_and_repeats_nothing() {
    let mut server = Server::start().await;
    let admin = server.admin().await;
    let mut after = None;
    let mut seen = Vec::new();
    let writer = {
        let admin = admin.clone();
        tokio::spawn(async move {
            for number in 0..300 {
                say(&admin, "GENERAL", &number.to_string()).await;
            }
        })
    };
    // Cut off again and again, at any moment.
    for round in 0..20u64 {
        let mut live = Live::connect(&server, &admin, Some(after.unwrap_or(0))).await;
        live.subscribe(&["GENERAL"]).await;
        let until = tokio::time::Instant::now() + Duration::from_millis(20 + 7 * round);
        while tokio::time::Instant::now() < until {
            if let Some(frame) = live.next_update(Duration::from_millis(10)).await {
                after = frame["position"].as_u64();
                if frame["kind"] == "message-posted" && frame["data"].get("t").is_none() {
                    seen.push(frame["data"]["msg"].as_str().unwrap().to_owned());
                }
            }
        }
    }
    writer.await.unwrap();
    // And over a restart of the server.
    server.stop().await;
    server.restart().await;
    let mut live = Live::connect(&server, &admin, after).await;
    live.subscribe(&["GENERAL"]).await;
    while seen.len() < 300 {
        seen.push(next_text(&mut live).await.1);
    }
    let expected: Vec<String> = (0..300).map(|number| number.to_string()).collect();
    assert_eq!(seen, expected);
    assert_eq!(live.next_update(NOTHING).await, None, "and nothing more");
}

#[tokio::test]
async fn nobody_watches_what_is_not_theirs_to_see() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let (alice, bob) = (admin.new_user("alice").await, admin.new_user("bob").await);
    let created = alice
        .post(
            "groups.create",
            json!({"name": "secret", "members": ["bob"]}),
        )
        .await
        .ok();
    let room = created["group"]["_id"].as_str().unwrap().to_owned();
    let direct = alice
        .post("im.create", json!({"username": "bob"}))
        .await
        .ok();
    let direct = direct["room"]["_id"].as_str().unwrap().to_owned();

    let mut stranger = Live::connect(&server, &admin, Some(0)).await;
    for closed in [&room, &direct, &"no such room".to_owned()] {
        stranger
            .send(&json!({"subscribe": {"rooms": [closed]}}))
            .await;
        let answer = stranger.next_frame(SOON).await.expect("an answer");
        assert_eq!(answer["kind"], "error", "{closed}: {answer}");
    }
    say(&alice, &room, "between us").await;
    assert_eq!(stranger.next_update(NOTHING).await, None);

    // Thrown out: not one update more.
    let mut member = Live::connect(&server, &bob, None).await;
    member.subscribe(&[&room]).await;
    say(&alice, &room, "still here").await;
    assert_eq!(next_text(&mut member).await.1, "still here");
    alice
        .post(
            "groups.kick",
            json!({"roomId": room, "userId": bob.user_id}),
        )
        .await
        .ok();
    say(&alice, &room, "now that bob is gone").await;
    let mut ended = false;
    while let Some(frame) = member.next_frame(NOTHING).await {
        assert!(
            !frame.to_string().contains("now that bob is gone"),
            "{frame}"
        );
        ended |= frame["kind"] == "unsubscribed";
    }
    assert!(ended, "and is told so");
}

#[tokio::test]
async fn sockets_end_with_the_right_to_have_them() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let alice = admin.new_user("alice").await;
    let mut live = Live::connect(&server, &alice, None).await;
    live.subscribe(&["GENERAL"]).await;
    alice.post("logout", json!({})).await.ok();
    while live.next_frame(SOON).await.is_some() {}
    assert_eq!(live.closed.expect("closed").code, 4003.into());

    let mut stranger = Live::open(&server, None).await;
    stranger
        .send(&json!({"authenticate": {"token": "wrong", "user": admin.user_id}}))
        .await;
    while stranger.next_frame(SOON).await.is_some() {}
    assert_eq!(stranger.closed.expect("closed").code, 4001.into());

    let mut impatient = Live::open(&server, None).await;
    impatient
        .send(&json!({"subscribe": {"rooms": ["GENERAL"]}}))
        .await;
    while impatient.next_frame(SOON).await.is_some() {}
    assert_eq!(impatient.closed.expect("closed").code, 4001.into());

    let mut ahead = Live::open(&server, Some(1 << 40)).await;
    ahead
        .send(&json!({"authenticate": {"token": admin.token}}))
        .await;
    while ahead.next_frame(SOON).await.is_some() {}
    assert_eq!(ahead.closed.expect("closed").code, 4004.into());
}

#[tokio::test]
async fn oneself_is_watched_too() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let alice = admin.new_user("alice").await;
    let mut live = Live::connect(&server, &alice, None).await;
    live.send(&json!({"subscribe": {"rooms": [], "self": true}}))
        .await;
    live.answer("subscribed").await;
    let created = admin
        .post(
            "groups.create",
            json!({"name": "secret", "members": ["alice"]}),
        )
        .await
        .ok();
    let room = created["group"]["_id"].clone();
    let mut kinds = Vec::new();
    while let Some(frame) = live.next_update(Duration::from_secs(1)).await {
        kinds.push(frame["kind"].as_str().unwrap().to_owned());
    }
    assert!(kinds.contains(&"joined".to_owned()), "{kinds:?}");
    alice
        .post("subscriptions.read", json!({"rid": "GENERAL"}))
        .await
        .ok();
    admin
        .post(
            "groups.kick",
            json!({"roomId": room, "userId": alice.user_id}),
        )
        .await
        .ok();
    let mut frames: Vec<Value> = Vec::new();
    while let Some(frame) = live.next_update(Duration::from_secs(1)).await {
        frames.push(frame);
    }
    let kinds: Vec<_> = frames
        .iter()
        .map(|frame| (&frame["kind"], &frame["room"]))
        .collect();
    assert_eq!(
        kinds,
        [
            (&json!("read"), &json!("GENERAL")),
            (&json!("removed"), &room)
        ]
    );
}

#[tokio::test]
async fn what_is_not_a_command_is_answered_not_obeyed() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let mut live = Live::connect(&server, &admin, None).await;
    for nonsense in [
        json!({}),
        json!([]),
        json!({"dance": {}}),
        json!({"subscribe": {"rooms": 5}}),
        json!("ping"),
    ] {
        live.send(&nonsense).await;
        assert_eq!(
            live.next_frame(SOON).await.expect("an answer")["kind"],
            "error",
            "{nonsense}"
        );
    }
    live.send(&json!({"ping": {"ref": "7"}})).await;
    assert_eq!(
        live.next_frame(SOON).await.expect("an answer")["data"]["ref"],
        "7"
    );
    live.send(&json!({"ping": {"ref": "x".repeat(100 * 1024)}}))
        .await;
    while live.next_frame(SOON).await.is_some() {}
    assert_eq!(live.closed.expect("closed").code, 1009.into());
    assert!(!server.output().contains("panicked"), "{}", server.output());
}

#[tokio::test]
async fn a_socket_that_does_not_read_is_closed_and_costs_only_itself() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let mut idle = Live::connect(&server, &admin, None).await;
    idle.subscribe(&["GENERAL"]).await;
    let mut reader = Live::connect(&server, &admin, None).await;
    reader.subscribe(&["GENERAL"]).await;
    // More than the socket's buffers and the queue can hold together.
    let text = "x".repeat(4900);
    let mut posted = 0;
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let (admin, text) = (admin.clone(), text.clone());
        tasks.spawn(async move {
            for _ in 0..400 {
                say(&admin, "GENERAL", &text).await;
            }
        });
        posted += 400;
    }
    let mut received = 0;
    while received < posted {
        next_text(&mut reader).await;
        received += 1;
    }
    while tasks.join_next().await.is_some() {}
    let mut last = 0;
    while let Some(frame) = idle.next_frame(SOON).await {
        last = frame["position"].as_u64().unwrap_or(last).max(last);
    }
    let closed = idle.closed.expect("it was closed");
    assert_eq!(closed.code, 4008.into(), "{closed:?}");
    let resume: u64 = closed
        .reason
        .rsplit(' ')
        .next()
        .and_then(|word| word.parse().ok())
        .expect("where to resume");
    assert!(resume >= last, "no earlier than what it got");
}

async fn history_is_shown_as_it_is_now(options: ServerOptions) {
    let server = options.start().await;
    let admin = server.admin().await;
    let (alice, bob) = (admin.new_user("alice").await, admin.new_user("bob").await);
    let posted = async |client: &Client, text: &str| {
        let wish = json!({"roomId": "GENERAL", "text": text});
        let answer = client.post("chat.postMessage", wish).await.ok();
        answer["message"]["_id"].as_str().unwrap().to_owned()
    };
    let deleted = posted(&alice, "secret: deleted").await;
    let edited = posted(&alice, "secret: edited").await;
    let sealed = json!({"rid": "GENERAL", "msg": "", "t": "e2e", "content": {"ciphertext": "secret: sealed"}});
    let sealed = json!({ "message": sealed });
    let sealed = alice.post("chat.sendMessage", sealed).await.ok();
    let sealed = sealed["message"]["_id"].as_str().unwrap().to_owned();
    let kept = posted(&alice, "kept").await;
    let erased = posted(&bob, "secret: of an account that goes").await;
    let delete = json!({"roomId": "GENERAL", "msgId": deleted});
    alice.post("chat.delete", delete).await.ok();
    let edit = json!({"roomId": "GENERAL", "msgId": edited, "text": "as it stands"});
    alice.post("chat.update", edit).await.ok();
    let mut watching = Live::connect(&server, &alice, None).await;
    watching.subscribe(&["GENERAL"]).await;
    let (cipher, fields) = (json!({"ciphertext": "other"}), json!({"mood": "good"}));
    let edit =
        json!({"roomId": "GENERAL", "msgId": sealed, "content": cipher, "customFields": fields});
    alice.post("chat.update", edit).await.ok();
    let frame = watching.next_update(SOON).await.expect("the edit");
    assert_eq!(frame["kind"], "message-edited", "{frame}");
    assert_eq!(
        (&frame["data"]["content"], &frame["data"]["customFields"]),
        (&cipher, &fields),
        "{frame}"
    );
    for topic in ["before", "after"] {
        let wish = json!({"roomId": "GENERAL", "topic": topic});
        admin.post("channels.setTopic", wish).await.ok();
    }
    let erasure = json!({"value": "Delete"});
    admin
        .post("settings/Message_ErasureType", erasure)
        .await
        .ok();
    let delete = json!({"userId": bob.user_id});
    admin.post("users.delete", delete).await.ok();
    let last = posted(&alice, "the last").await;

    let mut live = Live::connect(&server, &alice, Some(0)).await;
    live.send(&json!({"subscribe": {"rooms": ["GENERAL"], "self": true}}))
        .await;
    let mut told = Vec::new();
    let mut position = 0;
    loop {
        let frame = live.next_update(SOON).await.expect("the rest");
        assert!(frame["position"].as_u64().unwrap() > position, "{frame}");
        position = frame["position"].as_u64().unwrap();
        assert!(!frame.to_string().contains("secret"), "{frame}");
        let (kind, id) = (frame["kind"].as_str().unwrap(), &frame["data"]["_id"]);
        if kind == "room-topic-changed" {
            assert_eq!(frame["data"]["topic"], "after");
        } else if kind.starts_with("message-") {
            told.push((kind.to_owned(), id.as_str().unwrap().to_owned()));
            if *id == json!(edited) {
                assert_eq!(frame["data"]["msg"], "as it stands");
            }
            if *id == json!(sealed) {
                assert_eq!(frame["data"]["content"], cipher, "{frame}");
                assert_eq!(frame["data"]["customFields"], fields, "{frame}");
            }
        }
        if *id == json!(last) {
            break;
        }
    }
    let expected = [
        ("message-deleted", &deleted),
        ("message-posted", &edited),
        ("message-posted", &sealed),
        ("message-posted", &kept),
        ("message-deleted", &erased),
        ("message-deleted", &deleted),
        ("message-edited", &edited),
        ("message-edited", &sealed),
        ("message-posted", &last),
    ]
    .map(|(kind, id)| (kind.to_owned(), id.clone()));
    assert_eq!(told, expected);
}

/// A socket that watches these rooms from there on.
async fn watching(server: &Server, client: &Client, rooms: &[&str], after: &str) -> Live {
    let mut live = Live::introduced(server, client, Some(after)).await.0;
    live.subscribe(rooms).await;
    live
}

/// Kind and room of the next updates.
async fn next_two(live: &mut Live) -> [Value; 2] {
    let mut next = async || live.next_update(SOON).await.expect("an update");
    [next().await, next().await]
}

#[tokio::test]
async fn a_socket_that_is_cut_between_two_rooms_is_told_in_the_other_when_it_comes_back() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let wish = json!({"prid": "GENERAL", "t_name": "talk"});
    let begun = admin.post("rooms.createDiscussion", wish).await.ok();
    let talk = begun["discussion"]["rid"].as_str().unwrap().to_owned();
    let mut live = Live::connect(&server, &admin, None).await;
    let both = ["GENERAL", talk.as_str()];
    live.subscribe(&both).await;
    say(&admin, &talk, "here").await;
    let frames = next_two(&mut live).await;
    let kinds = frames.each_ref().map(|frame| &frame["kind"]);
    assert_eq!(kinds, ["discussion-changed", "message-posted"]);
    let position = frames.each_ref().map(|frame| frame["position"].as_u64());
    let position = position.map(Option::unwrap);
    assert_eq!(position[0] + 1, position[1], "the first says what is done");
    let resume = frames.each_ref().map(|frame| frame["resume"].as_str());
    let resume = resume.map(Option::unwrap);

    let mut back = watching(&server, &admin, &both, resume[0]).await;
    assert_eq!(back.next_update(SOON).await.as_ref(), Some(&frames[1]));
    let mut by_number = watching(&server, &admin, &both, &position[0].to_string()).await;
    assert_eq!(next_two(&mut by_number).await, frames);
    // Nothing comes twice to whoever watches one of them, and is told once.
    let before = (position[0]).to_string();
    for (room, frame) in both.iter().zip(&frames) {
        let mut one = watching(&server, &admin, &[room], &before).await;
        let only = one.next_update(SOON).await.expect("an update");
        assert_eq!(only["kind"], frame["kind"]);
        assert_eq!(only["position"], position[1]);
        assert_eq!(only["resume"], resume[1]);
    }
    say(&admin, "GENERAL", "and on").await;
    for after in [resume[1], &position[1].to_string()] {
        let mut one = watching(&server, &admin, &both, after).await;
        assert_eq!(next_text(&mut one).await.1, "and on");
    }
}
