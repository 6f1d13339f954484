//! Who may read the record, and what it keeps from them.

use std::collections::BTreeSet;

use domain::UserId;
use domain::avatar::{self, AvatarEvent, AvatarOwner, AvatarReset};
use eventstore::{Batch, Cause, CorrelationId, Expected, NewEvent, StreamAppend};
use reqwest::Method;
use serde_json::{Value, json};
use tests::client::Client;
use tests::commands::{self, refused};
use tests::server::Server;

use crate::socket::Socket;
use crate::{
    MOST, ask, auditor, everything, make_room, page, pages, printed, say, show_private_rooms,
};

#[tokio::test]
async fn nobody_reads_without_the_right() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let (ann, eve) = (admin.new_user("ann").await, auditor(&admin, "eve").await);
    let nobody = server.client();
    let wrong = server.client().with_token(&ann.user_id, "wrong");
    for (client, status) in [(&nobody, 401), (&wrong, 401), (&ann, 403)] {
        ask(client, &[]).await.refused(status);
    }
    let doors = [
        "/audit/grants",
        "/audit/users/ann/access",
        "/audit/explain/0192d3a4-5b6c-7d8e-9f00-112233445566",
    ];
    for path in doors {
        for (client, status) in [(&nobody, 401), (&wrong, 401), (&ann, 403)] {
            client.send(Method::GET, path, None).await.refused(status);
        }
    }
    for (client, status) in [(&wrong, 401), (&ann, 403)] {
        let refused = Socket::try_open(&server, client, &[], None).await;
        assert_eq!(refused.err().map(|refused| refused.status), Some(status));
    }
    for (token, code) in [("wrong", 4001), (&*ann.token, 4003)] {
        let mut socket = Socket::introduce(&server, &[("after", "0")], token).await;
        assert_eq!(socket.rest().await, [Value::Null; 0], "nothing is shown");
        let closed = socket.closed.as_ref().map(|(code, _)| *code);
        assert_eq!(closed, Some(code), "{:?}", socket.closed);
    }
    let readings = page(&admin, &[("category", "audit")]).await;
    assert_eq!(readings.events.len(), 0, "nobody has read anything");
    for reader in [&eve, &admin] {
        let found = page(reader, &[("limit", "3")]).await;
        assert_eq!(found.events.len(), 3, "who has the right reads");
    }
    let mut socket = Socket::introduce(&server, &[("after", "0")], &eve.token).await;
    assert_eq!(socket.next().await["position"], 1);
}

#[tokio::test]
async fn an_auditor_may_read_the_record_and_nothing_else() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let (ann, eve) = (admin.new_user("ann").await, auditor(&admin, "eve").await);
    let allowed = admin.get("permissions.listAll").await.ok();
    let allowed = allowed["update"].as_array().unwrap();
    let of_auditors = allowed.iter().filter(|one| {
        let roles = one["roles"].as_array().unwrap();
        roles.contains(&json!("auditor"))
    });
    let of_auditors: BTreeSet<&str> = of_auditors.filter_map(|one| one["_id"].as_str()).collect();
    let wanted = BTreeSet::from(["export-audit-log", "view-audit-log"]);
    assert_eq!(of_auditors, wanted);
    let secret = make_room(
        &ann,
        "groups.create",
        json!({"name": "cellar"}),
        "/group/_id",
    )
    .await;
    for (path, body) in [
        ("settings/Audit_Private_Rooms", json!({"value": true})),
        (
            "permissions.update",
            json!({"permissions": [{"_id": "view-audit-log", "roles": ["user"]}]}),
        ),
        (
            "roles.addUserToRole",
            json!({"username": "eve", "roleId": "admin"}),
        ),
        (
            "users.update",
            json!({"userId": ann.user_id, "data": {"name": "X"}}),
        ),
        ("channels.delete", json!({"roomId": "GENERAL"})),
    ] {
        let answer = eve.post(path, body).await;
        let status = answer.status.as_u16();
        assert!(status == 403 || status == 400, "{path}: {status}");
        assert_eq!(answer.body["success"], false, "{path}: {}", answer.body);
    }
    eve.get(&format!("groups.messages?roomId={secret}"))
        .await
        .refused(400);
    let value = admin.get("settings/Audit_Private_Rooms").await.ok();
    assert_eq!(value["value"], false, "private rooms stay hidden");
}

/// What happens in a private room and in a direct message, of every kind that names a room.
async fn private_life(server: &mut Server) -> [String; 2] {
    let admin = server.admin().await;
    let (ann, bob) = (admin.new_user("ann").await, admin.new_user("bob").await);
    let wish = json!({"name": "cellar", "members": ["bob"], "topic": "treasure"});
    let cellar = make_room(&ann, "groups.create", wish, "/group/_id").await;
    let wish = json!({"username": "bob"});
    let direct = make_room(&ann, "im.create", wish, "/room/_id").await;
    let said = say(&ann, &cellar, "treasure in the cellar").await;
    let body = json!({"roomId": cellar, "msgId": said, "text": "treasure, edited"});
    ann.post("chat.update", body).await.ok();
    say(&ann, &direct, "treasure for two").await;
    let body = json!({"messageId": said, "description": "treasure reported"});
    bob.post("chat.reportMessage", body).await.ok();
    let body = json!({"roomId": cellar, "userId": bob.user_id});
    ann.post("groups.addModerator", body).await.ok();
    let role = json!({"name": "host", "scope": "Subscriptions"});
    admin.post("roles.create", role).await.ok();
    let body = json!({"roomId": cellar, "username": "admin"});
    ann.post("groups.invite", body).await.ok();
    let give = json!({"username": "bob", "roleName": "host", "roomId": cellar});
    admin.post("roles.addUserToRole", give).await.ok();
    let body = json!({"roomId": cellar, "name": "vault"});
    ann.post("groups.rename", body).await.ok();
    server.stop().await;
    forget_picture(server, &cellar, &ann).await;
    server.restart().await;
    [cellar, direct]
}

/// No door gives a room a picture of its own yet; other programs' logs have them.
async fn forget_picture(server: &Server, room: &str, actor: &Client) {
    let owner = AvatarOwner::Room(domain::RoomId::new(room));
    let reset = AvatarReset {
        owner: owner.clone(),
        letters: false,
        at: domain::Timestamp::from_millis(1),
    };
    let append = StreamAppend {
        stream: avatar::stream(&owner),
        expected: Expected::NoStream,
        events: vec![NewEvent::encode(&AvatarEvent::from(reset)).unwrap()],
    };
    let batch = Batch {
        cause: Cause {
            actor: UserId::new(&actor.user_id),
            correlation_id: CorrelationId::fresh(),
            causation_id: None,
        },
        appends: vec![append],
    };
    let log = tests::log::open(server).await;
    log.append(batch).await.unwrap();
    log.close().await;
}

/// Whether anything of the private rooms is in there.
fn tells(shown: &str, rooms: &[String; 2]) -> Vec<String> {
    let words = ["treasure", "cellar", "vault"].map(str::to_owned);
    let words = words.iter().chain(rooms);
    words
        .filter(|word| shown.contains(&**word))
        .cloned()
        .collect()
}

#[tokio::test]
async fn private_rooms_are_hidden_unless_the_setting_shows_them() {
    let mut server = Server::start().await;
    let rooms = private_life(&mut server).await;
    let admin = server.admin().await;
    let eve = auditor(&admin, "eve").await;
    let nothing: [String; 0] = [];
    let shown = everything(&eve).await;
    let head = shown.last().unwrap()["position"].to_string();
    assert_eq!(tells(&json!(shown).to_string(), &rooms), nothing);
    for format in ["table", "json", "ndjson", "csv"] {
        let shown = printed(&server, &["--to", &head, "--format", format]).await;
        assert_eq!(tells(&shown, &rooms), nothing, "--format {format}");
        let question = [("to", &*head), ("limit", "1000"), ("format", format)];
        let path = crate::path("/audit/events", &question);
        let shown = eve.send(Method::GET, &path, None).await;
        assert_eq!(tells(&shown.body.to_string(), &rooms), nothing, "{format}");
    }
    let mut socket = Socket::open(&server, &eve, &[("after", "0")]).await;
    loop {
        let frame = socket.next().await;
        let shown = frame.to_string();
        assert_eq!(tells(&shown, &rooms), nothing);
        if frame["position"].as_u64() >= head.parse().ok() {
            break;
        }
    }
    for question in [
        ("text", "treasure"),
        ("type", "MessageReported"),
        ("category", "avatar"),
        ("type", "RoomRoleGranted"),
    ] {
        let found = pages(&eve, &[question, ("to", &head)], MOST).await;
        assert_eq!(found, [Value::Null; 0], "{question:?} finds nothing");
    }
    let [cellar, direct] = &rooms;
    for (kind, hidden, unknown) in [
        ("room", cellar.clone(), "no-such-room"),
        ("room", direct.clone(), "no-such-room"),
        ("room", "cellar".to_owned(), "no-such-room"),
        ("stream", format!("room-{direct}"), "room-no-such-room"),
    ] {
        let said = |refusal: Value, named: &str| {
            let said = refusal["error"].as_str().unwrap_or_default();
            said.replace(named, "it")
        };
        let refusal = ask(&eve, &[(kind, &*hidden)]).await.refused(400);
        let never = ask(&eve, &[(kind, unknown)]).await.refused(400);
        assert_eq!(
            said(refusal, &hidden),
            said(never, unknown),
            "{kind}={hidden} is refused as what never was"
        );
    }

    show_private_rooms(&admin, true).await;
    for room in &rooms {
        let found = pages(&eve, &[("room", room), ("to", &head)], MOST).await;
        let types: BTreeSet<&str> = found
            .iter()
            .filter_map(|one| one["type"].as_str())
            .collect();
        let of_both = ["RoomCreated", "MemberJoined", "MessagePosted"];
        let of_a_group = [
            "AvatarReset",
            "MessageEdited",
            "MessageReported",
            "NameClaimed",
            "NameReleased",
            "RoleGiven",
            "RoomRenamed",
            "RoomRoleGranted",
        ];
        let wanted = of_both.into_iter().chain(of_a_group);
        let wanted: Vec<&str> = wanted
            .take(if *room == rooms[0] { 11 } else { 3 })
            .collect();
        let missing = wanted.into_iter().filter(|one| !types.contains(one));
        let missing: Vec<&str> = missing.collect();
        assert_eq!(missing, [""; 0], "shown of {room}: {types:?}");
    }
    let found = pages(&eve, &[("text", "treasure"), ("to", &head)], MOST).await;
    assert_eq!(found.len(), 3, "two messages and an edit: {found:?}");
}

#[tokio::test]
async fn names_of_private_rooms_are_not_suggested() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let eve = auditor(&admin, "eve").await;
    for (route, name, pointer) in [
        ("groups.create", "engineering-secret", "/group/_id"),
        ("channels.create", "engineering-public", "/channel/_id"),
    ] {
        make_room(&admin, route, json!({"name": name}), pointer).await;
    }
    let refusal = ask(&eve, &[("room", "engineering")]).await.refused(400);
    let said = refusal["error"].as_str().unwrap();
    assert!(
        said.contains("did you mean \"engineering-public\"?"),
        "{said}"
    );
}

#[tokio::test]
async fn whoever_has_the_data_folder_may_insist_on_private_rooms() {
    let mut server = Server::start().await;
    let rooms = private_life(&mut server).await;
    let cellar = rooms[0].as_str();
    let posted = [
        "--room",
        cellar,
        "--type",
        "MessagePosted",
        "--private-rooms",
    ];
    let posted = printed(&server, &[&posted[..], &["--format", "ndjson"]].concat()).await;
    let posted: Value = serde_json::from_str(posted.lines().next().unwrap()).unwrap();
    let said = posted["data"]["message"].as_str().unwrap();
    let head = posted["position"].to_string();
    let into = server.data().with_file_name("export").display().to_string();
    let questions: [&[&str]; 7] = [
        &["log", "--room", cellar],
        &["at", &head, "room", cellar],
        &["at", &head, "message", said],
        &["diff", "1", &head, "room", cellar],
        &["message", said],
        &["readers", said],
        &[
            "export", "--room", cellar, "--format", "csv", "--into", &into,
        ],
    ];
    for question in questions {
        let (complaint, code) = refused(&server, question);
        assert_eq!(code, Some(2), "{question:?}: {complaint}");
        assert!(
            complaint.contains("were left out: --private-rooms shows them too"),
            "{question:?} says how they are shown: {complaint}"
        );
        let insisting = [question, &["--private-rooms"]].concat();
        commands::printed(&server, &insisting);
    }
    let question = ["--room", cellar, "--type", "MessagePosted"];
    let question = [&question[..], &["--private-rooms"]].concat();
    let shown = printed(&server, &question).await;
    assert!(shown.contains("treasure in the cellar"), "{shown}");
    let admin = server.admin().await;
    show_private_rooms(&admin, true).await;
    let read = page(
        &admin,
        &[("type", "RecordRead"), ("order", "newest"), ("limit", "1")],
    )
    .await;
    let told = crate::sentences(&read.events)[0];
    assert!(told.contains("private rooms too"), "{told}");
}
