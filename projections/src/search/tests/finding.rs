//! What is found, and in which order.

use std::path::Path;

use domain::message::{
    Content, MessageDeleted, MessageEdited, MessageEvent, Presentation, Remains,
};
use domain::room::{RoomDeleted, RoomEvent, RoomKind};
use domain::search::Word;
use domain::user::{MessageErasure, UserDeleted, UserEvent};
use domain::{Event, MessageId, RoomId, UserId};
use serde_json::json;

use super::{Scene, all_of, word};
use crate::search::{MessageQuery, Ranking};
use crate::testing::{MemoryLog, post, posted, room, t, user};

fn deleted(id: &str, room: &str, remains: Remains) -> Event {
    MessageEvent::from(MessageDeleted {
        message: MessageId::new(id),
        room: RoomId::new(room),
        by: UserId::new("u1"),
        at: t(9),
        remains,
    })
    .into()
}

fn edited(id: &str, room: &str, text: &str) -> Event {
    MessageEvent::from(MessageEdited {
        message: MessageId::new(id),
        room: RoomId::new(room),
        editor: UserId::new("u1"),
        at: t(9),
        content: Content {
            text: text.to_owned(),
            ..Content::default()
        },
        hidden: None,
        custom_fields: None,
    })
    .into()
}

fn gone(id: &str, messages: MessageErasure) -> Event {
    UserEvent::from(UserDeleted {
        user: UserId::new(id),
        messages,
        at: t(9),
    })
    .into()
}

async fn stage(dir: &Path) -> Scene {
    let scene = Scene::open(dir, &MemoryLog::new(64));
    scene
        .say([
            user("u1"),
            user("u2"),
            user("rocket.cat"),
            room("r", RoomKind::Channel, &[]),
            room("d", RoomKind::Direct, &["u1", "u2"]),
        ])
        .await;
    scene
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_changed_or_removed_is_found_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let scene = stage(dir.path()).await;
    let say = |id, room, author, text| posted(post(id, room, author, text, 5));
    scene
        .say([
            say("m1", "r", "u1", "tea one"),
            say("m2", "r", "u1", "tea two"),
            say("m3", "r", "u2", "tea three"),
            say("m4", "d", "u1", "tea four"),
        ])
        .await;
    assert_eq!(scene.ids("r", "tea").await, ["m1", "m2", "m3"]);
    // An edit, of what is committed and of what is not; deletion, with and without a trace.
    scene
        .say([
            edited("m1", "r", "coffee one"),
            say("m5", "r", "u2", "tea five"),
            edited("m5", "r", "coffee five"),
            deleted("m2", "r", Remains::Nothing),
            deleted("m3", "r", Remains::Placeholder),
            edited("m2", "r", "coffee again"),
            edited("never", "r", "coffee never"),
        ])
        .await;
    assert_eq!(scene.ids("r", "tea").await, Vec::<String>::new());
    assert_eq!(scene.ids("r", "coffee").await, ["m1", "m5"]);
    let raw = scene.found(all_of("r")).await.len();
    assert_eq!(raw, 2, "the index does not keep what was deleted");
    // The room is gone, and what came too late for it is not put in again.
    let room_gone = RoomEvent::from(RoomDeleted {
        room: RoomId::new("r"),
        by: UserId::new("u1"),
        at: t(9),
    });
    scene
        .say([room_gone.into(), edited("m1", "r", "late")])
        .await;
    assert_eq!(scene.found(all_of("r")).await, []);
    // So are direct messages between two, with either of them.
    scene.say([gone("u2", MessageErasure::Keep)]).await;
    assert_eq!(scene.found(all_of("d")).await, []);
    scene.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_of_deleted_accounts_are_found_as_the_setting_says() {
    let by = |author: &str| MessageQuery {
        authors: Some(vec![UserId::new(author)]),
        ..all_of("r")
    };
    for (erasure, of_nobody, of_cat) in [
        (MessageErasure::Delete, 0, 0),
        (MessageErasure::Unlink, 1, 1),
        (MessageErasure::Keep, 1, 0),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let scene = stage(dir.path()).await;
        scene.say([posted(post("m1", "r", "u1", "tea", 5))]).await;
        scene.say([gone("u1", erasure)]).await;
        assert_eq!(
            scene.found(all_of("r")).await.len(),
            of_nobody,
            "{erasure:?}"
        );
        assert_eq!(
            scene.found(by("rocket.cat")).await.len(),
            of_cat,
            "{erasure:?}"
        );
        scene.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_messages_have_is_found() {
    let dir = tempfile::tempdir().unwrap();
    let scene = stage(dir.path()).await;
    let mut linked = post("m1", "r", "u1", "see http://a.example", 10);
    linked.content.urls = Some(vec!["http://a.example".to_owned()]);
    linked.content.mentions = vec![
        domain::message::Mention::User(UserId::new("u2")),
        domain::message::Mention::All,
    ];
    let mut attached = post("m2", "r", "u2", "", 20);
    attached.content.attachments = Some(vec![
        json!({"title": "Plan (final).PDF", "description": "of the\nhouse", "labels": ["Cat", "Dog"]}),
        json!({"title": "second", "description": "other", "labels": ["Bird"]}),
    ]);
    let mut placed = post("m3", "r", "u2", "here", 30);
    let presentation = Presentation {
        location: Some(json!({"type": "Point", "coordinates": [1, 2]})),
        ..Presentation::default()
    };
    placed.presentation = Some(Box::new(presentation));
    let mut secret = post("m4", "r", "u2", "cipher", 40);
    let presentation = Presentation {
        encrypted: Some("e2e".to_owned()),
        ..Presentation::default()
    };
    secret.presentation = Some(Box::new(presentation));
    scene
        .say([linked, attached, placed, secret].map(posted))
        .await;
    let base = || all_of("r");
    let parts = |parts: &[&str]| parts.iter().map(ToString::to_string).collect::<Vec<_>>();
    let cases: Vec<(&str, MessageQuery, &[&str])> = vec![
        ("all but what is encrypted", base(), &["m1", "m2", "m3"]),
        (
            "links",
            MessageQuery {
                links: true,
                ..base()
            },
            &["m1"],
        ),
        (
            "places",
            MessageQuery {
                location: true,
                ..base()
            },
            &["m3"],
        ),
        (
            "mentions",
            MessageQuery {
                mentioned: Some(vec![UserId::new("u2")]),
                ..base()
            },
            &["m1"],
        ),
        (
            "calls",
            MessageQuery {
                mentioned: Some(vec![UserId::new("all")]),
                ..base()
            },
            &["m1"],
        ),
        (
            "nobody",
            MessageQuery {
                mentioned: Some(vec![]),
                ..base()
            },
            &[],
        ),
        (
            "authors",
            MessageQuery {
                authors: Some(vec![UserId::new("u2")]),
                ..base()
            },
            &["m2", "m3"],
        ),
        (
            "titles",
            MessageQuery {
                titles: parts(&["plan (final).p"]),
                ..base()
            },
            &["m2"],
        ),
        (
            "titles of any",
            MessageQuery {
                titles: parts(&["second", "plan"]),
                ..base()
            },
            &["m2"],
        ),
        (
            "no pattern",
            MessageQuery {
                titles: parts(&["pl.n"]),
                ..base()
            },
            &[],
        ),
        (
            "descriptions",
            MessageQuery {
                descriptions: parts(&["the house"]),
                ..base()
            },
            &["m2"],
        ),
        (
            "labels",
            MessageQuery {
                labels: parts(&["do"]),
                ..base()
            },
            &["m2"],
        ),
        (
            "labels of others",
            MessageQuery {
                labels: parts(&["bird"]),
                ..base()
            },
            &[],
        ),
        (
            "since",
            MessageQuery {
                since: Some(t(20)),
                ..base()
            },
            &["m2", "m3"],
        ),
        (
            "until",
            MessageQuery {
                until: Some(t(20)),
                ..base()
            },
            &["m1"],
        ),
        (
            "between",
            MessageQuery {
                since: Some(t(11)),
                until: Some(t(30)),
                ..base()
            },
            &["m2"],
        ),
        (
            "only",
            MessageQuery {
                only: Some(vec![MessageId::new("m3")]),
                ..base()
            },
            &["m3"],
        ),
        (
            "newest",
            MessageQuery {
                order: Ranking::NewestFirst,
                ..base()
            },
            &["m3", "m2", "m1"],
        ),
        (
            "a page",
            MessageQuery {
                offset: 1,
                count: 1,
                ..base()
            },
            &["m2"],
        ),
        ("elsewhere", all_of("d"), &[]),
    ];
    for (what, query, wanted) in cases {
        let hits = scene.found(query).await;
        let found = scene.views.messages_at(hits).await.unwrap();
        let ids: Vec<&str> = found.iter().map(|one| one.id.as_str()).collect();
        assert_eq!(ids, wanted, "{what}");
    }
    scene.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_best_come_first_and_of_equal_ones_the_newest() {
    let dir = tempfile::tempdir().unwrap();
    let scene = stage(dir.path()).await;
    let texts = [
        ("m1", "deploy"),
        (
            "m2",
            "a long text in which somebody deploys something somewhere",
        ),
        ("m3", "deploy"),
        ("m4", "deployment of tea"),
        ("m5", "deploying"),
    ];
    scene
        .say(texts.map(|(id, text)| posted(post(id, "r", "u1", text, 5))))
        .await;
    let find = async |words: Vec<Word>| {
        let query = MessageQuery {
            words,
            order: Ranking::Best,
            ..all_of("r")
        };
        let hits = scene.found(query).await;
        let found = scene.views.messages_at(hits).await.unwrap();
        found
            .iter()
            .map(|one| one.id.to_string())
            .collect::<Vec<_>>()
    };
    let loose = |text: &str| Word {
        exact: false,
        ..word(text)
    };
    let not = |text: &str| Word {
        negated: true,
        ..loose(text)
    };
    assert_eq!(find(vec![loose("deploy")]).await[..2], ["m3", "m1"]);
    assert_eq!(find(vec![word("deploy")]).await, ["m3", "m1"]);
    assert_eq!(find(vec![loose("deploys"), loose("text")]).await, ["m2"]);
    assert_eq!(
        find(vec![loose("deploy"), not("text"), not("tea")]).await,
        ["m3", "m1", "m5"]
    );
    assert_eq!(find(vec![word("somebody deploys")]).await, ["m2"]);
    assert_eq!(
        find(vec![word("deploys somebody")]).await,
        Vec::<String>::new()
    );
    assert_eq!(find(vec![loose("🎉")]).await, Vec::<String>::new());
    scene.close().await;
}
