//! Facts and lists.

use crate::testing::{join, leave, post, posted, room, t, user};
use domain::membership::Joining;
use domain::room::{RoomDeleted, RoomEvent, RoomKind};
use domain::session::{AllTokensRevoked, SessionEvent, TokenIssued};
use domain::{RoomId, TokenHash, UserId};
use eventstore::{EventStore as _, Position};
use projections::{
    DirectoryQuery, DirectorySort, HistoryQuery, MemberOrder, MemberQuery, Order, PeopleField,
    RecordQuery, RoomQuery, Slice, Spotlight, UserQuery,
};
use serde_json::Value;

use super::scene::Scene;

#[tokio::test(flavor = "multi_thread")]
async fn facts_follow_what_happens() {
    let scene = Scene::new().await;
    let (general, bert) = (RoomId::new("general"), UserId::new("bert"));
    let hash = TokenHash::new("hash");
    assert!(scene.views.session(&hash).await.unwrap().is_none());
    let issued = TokenIssued {
        user: bert.clone(),
        hash: hash.clone(),
        granted: false,
        at: t(100),
    };
    scene.say(100, [SessionEvent::from(issued).into()]).await;
    assert_eq!(
        scene.views.session(&hash).await.unwrap().unwrap().user,
        bert
    );
    let revoked = AllTokensRevoked {
        user: bert.clone(),
        except: None,
        at: t(101),
    };
    scene.say(101, [SessionEvent::from(revoked).into()]).await;
    assert!(scene.views.session(&hash).await.unwrap().is_none());

    assert!(
        scene
            .views
            .membership_facts(&general, &bert)
            .await
            .unwrap()
            .is_some()
    );
    assert_eq!(
        scene
            .views
            .room_facts(&general)
            .await
            .unwrap()
            .unwrap()
            .members,
        2
    );
    scene.say(200, [leave("bert", "general", 200)]).await;
    assert!(
        scene
            .views
            .membership_facts(&general, &bert)
            .await
            .unwrap()
            .is_none()
    );
    let facts = scene.views.room_facts(&general).await.unwrap().unwrap();
    assert_eq!((facts.members, facts.owners), (1, 1));
    let sync = scene
        .views
        .memberships_sync(&bert, Some(scene.views.since(t(150))))
        .await
        .unwrap();
    assert_eq!(sync.remove.len(), 1);

    let deleted = RoomDeleted {
        room: general.clone(),
        by: UserId::new("anna"),
        at: t(300),
    };
    scene.say(300, [RoomEvent::from(deleted).into()]).await;
    assert!(scene.views.room_facts(&general).await.unwrap().is_none());
    assert!(
        scene
            .views
            .membership_facts(&general, &UserId::new("anna"))
            .await
            .unwrap()
            .is_none()
    );
    let sync = scene
        .views
        .rooms_sync(&UserId::new("carl"), Some(scene.views.since(t(250))))
        .await
        .unwrap();
    assert_eq!(
        sync.remove
            .iter()
            .map(|gone| gone.id.as_str())
            .collect::<Vec<_>>(),
        ["general"]
    );
    scene.views.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_are_paged_filtered_and_ordered() {
    let scene = Scene::new().await;
    let names = |docs: &[bytes::Bytes], field: &str| -> Vec<String> {
        let field = |doc: &bytes::Bytes| {
            let value: Value = serde_json::from_slice(doc).unwrap();
            value[field].as_str().unwrap_or_default().to_owned()
        };
        docs.iter().map(field).collect()
    };
    let page = scene
        .views
        .users(UserQuery {
            slice: Slice {
                offset: 1,
                count: Some(1),
            },
            ..UserQuery::default()
        })
        .await
        .unwrap();
    assert_eq!(
        (names(&page.items, "_id"), page.total),
        (vec!["bert".to_owned()], 3)
    );
    let people = |text: &str| DirectoryQuery {
        text: Some(text.to_owned()),
        fields: vec![PeopleField::Username, PeopleField::Email],
        sort: DirectorySort::Email,
        descending: true,
        slice: Slice {
            offset: 0,
            count: Some(2),
        },
    };
    let found = scene.views.directory_people(people("CARL")).await.unwrap();
    assert_eq!(found.total, 1);
    let found = scene
        .views
        .directory_people(people("Example"))
        .await
        .unwrap();
    assert_eq!(
        (names(&found.items, "_id"), found.total),
        (vec!["carl".to_owned(), "bert".to_owned()], 3)
    );
    let spotlight = Spotlight {
        text: "r".to_owned(),
        fields: vec![PeopleField::Name],
        except: vec!["carl.name".to_owned()],
        by_name: true,
        limit: 5,
    };
    let found = scene.views.spotlight_people(spotlight).await.unwrap();
    assert_eq!(names(&found, "_id"), ["bert"]);
    let query = UserQuery {
        roles: vec![domain::RoleId::new("admin")],
        ..UserQuery::default()
    };
    assert_eq!(scene.views.users(query).await.unwrap().total, 0);
    assert_eq!(
        scene
            .views
            .user_by_email("ANNA@example.com")
            .await
            .unwrap()
            .unwrap()
            .id,
        UserId::new("anna")
    );
    let credentials = scene
        .views
        .credentials(&UserId::new("anna"))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(credentials.password.unwrap().0, "hash of anna");

    let query = RoomQuery {
        kinds: vec![RoomKind::Channel],
        ..RoomQuery::default()
    };
    assert_eq!(
        names(&scene.views.rooms(query).await.unwrap().items, "_id"),
        ["general"]
    );
    let query = RoomQuery {
        member: Some(UserId::new("bert")),
        kinds: vec![RoomKind::Direct],
        ..RoomQuery::default()
    };
    assert_eq!(
        names(&scene.views.rooms(query).await.unwrap().items, "_id"),
        ["dm"]
    );
    let participants = [UserId::new("bert"), UserId::new("anna")];
    assert_eq!(
        scene
            .views
            .direct_room(&participants)
            .await
            .unwrap()
            .unwrap()
            .id,
        RoomId::new("dm")
    );
    let query = MemberQuery {
        order: MemberOrder::Username { descending: true },
        ..MemberQuery::of(RoomId::new("general"))
    };
    let page = scene.views.members(query).await.unwrap();
    assert_eq!(
        (names(&page.items, "_id"), page.total),
        (vec!["bert".to_owned(), "anna".to_owned()], 2)
    );
    assert_eq!(
        scene.views.owners(&RoomId::new("general")).await.unwrap(),
        [UserId::new("anna")]
    );
    assert_eq!(
        scene
            .views
            .role_holders(&RoomId::new("general"))
            .await
            .unwrap()
            .len(),
        1
    );

    scene
        .say(
            100,
            (0..10).map(|n| posted(post(&format!("m{n}"), "general", "anna", "x", 100 + n))),
        )
        .await;
    let query = HistoryQuery {
        room: RoomId::new("general"),
        latest: Some(t(107)),
        oldest: Some(t(103)),
        inclusive: false,
        show_threads: true,
        hidden_kinds: vec!["uj".to_owned()],
        oldest_first: false,
        slice: Slice {
            offset: 1,
            count: Some(5),
        },
    };
    let docs = scene.views.history(query.clone()).await.unwrap();
    assert_eq!(names(&docs, "_id"), ["m5", "m4"]);
    let docs = scene
        .views
        .history(HistoryQuery {
            inclusive: true,
            ..query
        })
        .await
        .unwrap();
    assert_eq!(names(&docs, "_id"), ["m6", "m5", "m4", "m3"]);
    let window = scene
        .views
        .window(&RoomId::new("general"), Some(t(102)), None, &[])
        .await
        .unwrap();
    assert_eq!(
        (window.count, names(&[window.first.unwrap()], "_id")),
        (8, vec!["m2".to_owned()])
    );
    assert_eq!(
        scene
            .views
            .last_message_at(&RoomId::new("general"))
            .await
            .unwrap(),
        Some(t(109))
    );
    scene.views.close().await;
}

/// The posts to a room, found a few at a time, while others come in between.
async fn posts_a_few_at_a_time(scene: &Scene, order: Order) -> Vec<u64> {
    let mut query = RecordQuery {
        rooms: vec![RoomId::new("dm")],
        event_types: vec!["MessagePosted".to_owned()],
        order,
        limit: 3,
        ..RecordQuery::default()
    };
    let mut positions = Vec::new();
    for round in 0.. {
        let found = scene.views.search_record(query.clone()).await.unwrap();
        positions.extend(found.positions.iter().map(|position| position.get()));
        let (Some(last), true) = (found.positions.last(), found.more) else {
            break;
        };
        match order {
            Order::OldestFirst => query.after = *last,
            Order::NewestFirst => query.upto = Some(Position::new(last.get() - 1)),
        }
        query.as_of = Some(found.as_of);
        // More than a block of the index has.
        let others = (0..5_000).map(|number| {
            let id = format!("{order:?}-{round}-{number}");
            posted(post(&id, "dm", "anna", "meanwhile", 100))
        });
        scene.say(100, others).await;
    }
    positions
}

#[tokio::test(flavor = "multi_thread")]
async fn a_search_goes_on_in_the_record_as_it_was_when_it_began() {
    for order in [Order::OldestFirst, Order::NewestFirst] {
        let scene = Scene::new().await;
        let begin = scene.log.head().await.unwrap().get();
        let posts = (0..7).map(|number| posted(post(&format!("m{number}"), "dm", "bert", "", 50)));
        scene.say(50, posts).await;
        let mut wanted: Vec<u64> = (begin + 1..=begin + 7).collect();
        if order == Order::NewestFirst {
            wanted.reverse();
        }
        assert_eq!(
            posts_a_few_at_a_time(&scene, order).await,
            wanted,
            "{order:?}"
        );
    }
}

/// The rooms of one user that changed are the same, however many others did.
#[tokio::test(flavor = "multi_thread")]
async fn what_changed_is_told_whether_few_rooms_changed_or_many() {
    /// Years ahead, in milliseconds: views that show what was recorded long ago go back as far.
    const THEN: i64 = 300_000_000_000;
    const MINUTE: i64 = 60_000;
    let scene = Scene::new().await;
    let dora = UserId::new("dora");
    let of_minute = |minute: i64, number: usize| format!("room-{minute}-{number:03}");
    scene.say(THEN, [user("dora")]).await;
    for (minute, rooms) in [(10, 3), (20, 300)] {
        let at = THEN + minute * MINUTE;
        let made =
            (0..rooms).map(|number| room(&of_minute(minute, number), RoomKind::Channel, &[]));
        let joined = join("dora", &of_minute(minute, 1), Joining::Joined, &[], at);
        scene.say(at, made.chain([joined])).await;
    }
    let last = post("last", "room-10-001", "dora", "again", THEN + 40 * MINUTE);
    scene.say(THEN + 40 * MINUTE, [posted(last)]).await;
    for (minute, told) in [
        (5, &["room-10-001", "room-20-001"][..]),
        (15, &["room-10-001", "room-20-001"]),
        (30, &["room-10-001"]),
        (50, &[]),
    ] {
        let since = scene.views.since(t(THEN + minute * MINUTE));
        let sync = scene.views.rooms_sync(&dora, Some(since)).await.unwrap();
        let ids = sync.update.iter().map(|doc| {
            let doc: Value = serde_json::from_slice(doc).unwrap();
            doc["_id"].as_str().unwrap().to_owned()
        });
        assert_eq!(ids.collect::<Vec<_>>(), told, "since minute {minute}");
    }
    scene.views.close().await;
}
