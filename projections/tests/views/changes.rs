//! What happens to what is there already.

use crate::testing::{post, posted, read, t};
use domain::message::{Mention, MessageDeleted, MessageEvent, ReactionAdded, Remains};
use domain::room::{RoomEvent, RoomRenamed};
use domain::user::{UserEvent, UsernameChanged};
use domain::{Event, MessageId, RoomId, UserId};
use projections::Slice;

use super::scene::{Scene, pick};

#[tokio::test(flavor = "multi_thread")]
async fn deleting_brings_the_message_before_back() {
    let scene = Scene::new().await;
    scene
        .say(
            100,
            [
                posted(post("m1", "general", "anna", "one", 100)),
                posted(post("m2", "general", "anna", "two", 101)),
            ],
        )
        .await;
    let delete = |id: &str, remains| {
        let (message, room, by) = (
            MessageId::new(id),
            RoomId::new("general"),
            UserId::new("anna"),
        );
        Event::from(MessageEvent::from(MessageDeleted {
            message,
            room,
            by,
            at: t(200),
            remains,
        }))
    };
    scene.say(200, [delete("m2", Remains::Nothing)]).await;
    let general = scene.room("general").await;
    assert_eq!(general["lastMessage"]["_id"], "m1");
    assert_eq!(general["msgs"], 2);
    assert_eq!(
        scene.views.message(&MessageId::new("m2")).await.unwrap(),
        None
    );
    assert_eq!(
        scene
            .views
            .message_doc(&MessageId::new("m2"))
            .await
            .unwrap(),
        None
    );
    let gone = scene
        .views
        .removed_messages(&RoomId::new("general"), scene.views.since(t(0)))
        .await
        .unwrap();
    assert_eq!(
        gone.iter().map(|gone| gone.id.as_str()).collect::<Vec<_>>(),
        ["m2"]
    );

    scene.say(300, [delete("m1", Remains::Placeholder)]).await;
    let general = scene.room("general").await;
    assert_eq!(pick(&general, &["lastMessage", "msgs"]), values![null, 1]);
    let place = scene.message("m1").await;
    assert_eq!(
        pick(&place, &["t", "msg", "reactions", "urls"]),
        values!["rm", "", [], []]
    );
    assert_eq!(place["editedBy"]["username"], "anna.name");
    assert_eq!(
        scene
            .views
            .messages(&RoomId::new("general"), Slice::ALL)
            .await
            .unwrap()
            .total,
        2
    );
    scene.views.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_name_shows_everywhere() {
    let scene = Scene::new().await;
    let mut call = post("m1", "general", "anna", "@bert", 100);
    call.content.mentions = vec![Mention::User(UserId::new("bert"))];
    let reaction = ReactionAdded {
        message: MessageId::new("m1"),
        room: RoomId::new("general"),
        user: UserId::new("bert"),
        emoji: ":+1:".to_owned(),
        at: t(101),
    };
    scene
        .say(100, [posted(call), MessageEvent::from(reaction).into()])
        .await;
    assert!(
        scene
            .views
            .user_by_username("BERT.NAME")
            .await
            .unwrap()
            .is_some()
    );
    let rename = UsernameChanged {
        user: UserId::new("bert"),
        username: "Robert".to_owned(),
        at: t(200),
    };
    scene.say(200, [UserEvent::from(rename).into()]).await;

    let message = scene.message("m1").await;
    assert_eq!(message["mentions"][0]["username"], "Robert");
    assert_eq!(
        message["reactions"][":+1:"]["usernames"],
        serde_json::json!(["Robert"])
    );
    assert_eq!(
        scene.room("general").await["lastMessage"]["mentions"][0]["username"],
        "Robert"
    );
    assert_eq!(
        scene.room("dm").await["usernames"],
        serde_json::json!(["anna.name", "Robert"])
    );
    assert_eq!(scene.membership("dm", "anna").await["name"], "Robert");
    assert_eq!(
        scene.membership("general", "bert").await["u"]["username"],
        "Robert"
    );
    assert!(
        scene
            .views
            .user_by_username("bert.name")
            .await
            .unwrap()
            .is_none(),
        "no stale name"
    );
    assert_eq!(
        scene
            .views
            .user_by_username("robert")
            .await
            .unwrap()
            .unwrap()
            .id,
        UserId::new("bert")
    );

    let rename = RoomRenamed {
        room: RoomId::new("general"),
        name: "lobby".to_owned(),
        display_name: "The Lobby".to_owned(),
        by: UserId::new("anna"),
        at: t(300),
    };
    scene
        .say(
            300,
            [read("bert", "general", 250), RoomEvent::from(rename).into()],
        )
        .await;
    let bert = scene.membership("general", "bert").await;
    assert_eq!(
        pick(&bert, &["name", "fname", "alert"]),
        values!["lobby", "The Lobby", true]
    );
    assert!(
        scene
            .views
            .room_by_name("general-name")
            .await
            .unwrap()
            .is_none()
    );
    assert_eq!(
        scene.views.room_by_name("lobby").await.unwrap().unwrap().id,
        RoomId::new("general")
    );
    assert_eq!(
        scene
            .views
            .room_facts(&RoomId::new("general"))
            .await
            .unwrap()
            .unwrap()
            .name
            .as_deref(),
        Some("lobby")
    );
    scene.views.close().await;
}
