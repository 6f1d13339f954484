//! What counts as unread, and for whom.

use crate::testing::{join, post, posted, read, t};
use domain::membership::{Joining, MarkedUnread, MembershipEvent};
use domain::message::Mention;
use domain::{MessageId, RoomId, UserId};

use super::scene::{COUNTS, Scene, pick};

#[tokio::test(flavor = "multi_thread")]
async fn members_begin_as_the_contract_says() {
    let scene = Scene::new().await;
    assert_eq!(
        pick(&scene.membership("general", "anna").await, &COUNTS),
        values![true, false, 0, 0, 0]
    );
    assert_eq!(
        pick(&scene.membership("general", "bert").await, &COUNTS),
        values![true, true, 1, 1, 0]
    );
    assert_eq!(
        pick(&scene.membership("dm", "anna").await, &COUNTS),
        values![true, false, 0, 0, 0]
    );
    let other = scene.membership("dm", "bert").await;
    assert_eq!(pick(&other, &COUNTS), values![false, false, 0, 0, 0]);
    assert_eq!(
        pick(&other, &["t", "name", "fname", "ts", "ls"]),
        values!["d", "anna.name", "ANNA Name", null, null]
    );
    assert_eq!(
        scene.membership("general", "anna").await["roles"],
        serde_json::json!(["owner"])
    );
    let general = scene.room("general").await;
    assert_eq!(
        pick(
            &general,
            &["_id", "t", "name", "fname", "usersCount", "msgs", "lm"]
        ),
        values!["general", "c", "general-name", "general Name", 2, 1, null],
        "the system message counts as a message, but not as the last"
    );
    let told = &scene.history("general").await[0];
    assert_eq!(
        pick(told, &["t", "msg", "groupable"]),
        values!["uj", "bert.name", false]
    );
    assert_eq!(told["_id"].as_str().unwrap().len(), 17);
    assert_eq!(
        told["u"],
        serde_json::json!({"_id": "bert", "username": "bert.name"})
    );
    let dm = scene.room("dm").await;
    assert_eq!(
        pick(&dm, &["uids", "usernames", "usersCount"]),
        values![["anna", "bert"], ["anna.name", "bert.name"], 2]
    );
    scene.views.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_count_as_the_contract_says() {
    let scene = Scene::new().await;
    scene
        .say(
            100,
            [
                read("bert", "general", 100),
                join("carl", "general", Joining::Initial, &[], 100),
            ],
        )
        .await;

    scene
        .say(200, [posted(post("m1", "general", "anna", "hello", 200))])
        .await;
    assert_eq!(
        pick(&scene.membership("general", "bert").await, &COUNTS),
        values![true, true, 0, 0, 0]
    );
    assert_eq!(
        scene.membership("general", "anna").await["ls"],
        "2023-11-14T22:13:20.200Z"
    );

    let mut call = post("m2", "general", "anna", "@bert", 300);
    call.content.mentions = vec![Mention::User(UserId::new("bert"))];
    scene.say(300, [posted(call)]).await;
    assert_eq!(
        pick(&scene.membership("general", "bert").await, &COUNTS),
        values![true, true, 1, 1, 0]
    );
    assert_eq!(
        pick(&scene.membership("general", "carl").await, &COUNTS),
        values![true, true, 0, 0, 0]
    );

    let mut call = post("m3", "general", "anna", "@all @bert", 400);
    call.content.mentions = vec![Mention::All, Mention::User(UserId::new("bert"))];
    scene.say(400, [posted(call)]).await;
    assert_eq!(
        pick(&scene.membership("general", "bert").await, &COUNTS),
        values![true, true, 2, 2, 0]
    );
    assert_eq!(
        pick(&scene.membership("general", "carl").await, &COUNTS),
        values![true, true, 0, 0, 0],
        "direct mentions win over group mentions"
    );

    let mut call = post("m4", "general", "anna", "@all", 500);
    call.content.mentions = vec![Mention::All];
    scene.say(500, [posted(call)]).await;
    assert_eq!(
        pick(&scene.membership("general", "carl").await, &COUNTS),
        values![true, true, 1, 0, 1]
    );

    scene
        .say(
            600,
            [
                posted(post("d1", "dm", "anna", "psst", 600)),
                posted(post("d2", "dm", "anna", "psst!", 601)),
            ],
        )
        .await;
    assert_eq!(
        pick(&scene.membership("dm", "bert").await, &COUNTS),
        values![true, true, 2, 0, 0]
    );
    scene
        .say(700, [posted(post("d3", "dm", "bert", "what?", 700))])
        .await;
    assert_eq!(
        pick(&scene.membership("dm", "bert").await, &COUNTS),
        values![true, false, 0, 0, 0]
    );
    let dm = scene.room("dm").await;
    assert_eq!(
        pick(&dm, &["msgs", "lm"]),
        values![3, "2023-11-14T22:13:20.700Z"]
    );
    assert_eq!(dm["lastMessage"]["msg"], "what?");

    let unread = MarkedUnread {
        room: RoomId::new("dm"),
        user: UserId::new("bert"),
        cursor: t(600),
        at: t(800),
    };
    scene.say(800, [MembershipEvent::from(unread).into()]).await;
    assert_eq!(
        pick(&scene.membership("dm", "bert").await, &COUNTS),
        values![true, true, 1, 0, 0],
        "what anna said after that is unread again"
    );
    scene.views.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn threads_count_as_the_contract_says() {
    let scene = Scene::new().await;
    scene
        .say(
            100,
            [
                join("carl", "general", Joining::Initial, &[], 100),
                posted(post("p", "general", "bert", "?", 101)),
            ],
        )
        .await;
    scene
        .say(
            102,
            [read("anna", "general", 102), read("carl", "general", 102)],
        )
        .await;
    let mut reply = post("r", "general", "anna", "!", 103);
    reply.thread = Some(MessageId::new("p"));
    scene.say(103, [posted(reply)]).await;
    let parent = scene.message("p").await;
    assert_eq!(
        pick(&parent, &["tcount", "replies", "tlm"]),
        values![1, ["bert", "anna"], "2023-11-14T22:13:20.103Z"]
    );
    let bert = scene.membership("general", "bert").await;
    assert_eq!(
        pick(&bert, &["alert", "tunread", "unread"]),
        values![true, ["p"], 0]
    );
    assert_eq!(
        scene.membership("general", "carl").await["alert"],
        false,
        "carl has nothing to do with it"
    );
    let general = scene.room("general").await;
    assert_eq!(
        general["lastMessage"]["_id"], "p",
        "a reply in its thread only is not the last message"
    );
    assert_eq!(
        general["lastMessage"]["tcount"], 1,
        "but the last message is always as it is now"
    );
    assert_eq!(general["msgs"], 3);
    assert_eq!(scene.history("general").await.len(), 2);
    scene.views.close().await;
}
