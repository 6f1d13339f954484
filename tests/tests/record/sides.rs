//! Rooms that were public at one time and private at another: to auditors they are private, from the beginning.

use reqwest::Method;
use serde_json::{Value, json};
use tests::client::Client;
use tests::commands;
use tests::on_both_logs;
use tests::server::{Server, ServerOptions};

use crate::socket::Socket;
use crate::{auditor, everything, make_room, page, post, printed};

on_both_logs![
    what_was_ever_private_is_kept_from_auditors,
    who_could_read_a_room_follows_what_it_was
];

/// A room that changed from one to the other.
struct Room {
    id: String,
    name: &'static str,
    /// A message from before the change.
    said: String,
}

/// The `cupboard`, a group that became a channel; the `attic`, a channel that became a group, and its discussion, the
/// `loft`.
struct Story {
    server: Server,
    admin: Client,
    eve: Client,
    rooms: Vec<Room>,
    /// A request that posted into the attic.
    request: String,
    /// A position before the changes, and one after them.
    before: String,
    head: String,
}

impl Story {
    async fn begin(options: ServerOptions) -> Self {
        let server = options.start().await;
        let admin = server.admin().await;
        let (ann, eve) = (admin.new_user("ann").await, auditor(&admin, "eve").await);
        admin.new_user("bob").await;
        let (mut rooms, mut request) = (Vec::new(), String::new());
        for (name, family, made) in [
            ("cupboard", "groups", "/group/_id"),
            ("attic", "channels", "/channel/_id"),
        ] {
            let create = format!("{family}.create");
            let id = make_room(&ann, &create, json!({"name": name}), made).await;
            let posted = post(&ann, &id, "treasure of old").await;
            posted
                .header("x-correlation-id")
                .unwrap()
                .clone_into(&mut request);
            let said = posted.ok()["message"]["_id"].as_str().unwrap().to_owned();
            rooms.push(Room { id, name, said });
        }
        // A discussion of it is its own room.
        let wish = json!({"prid": rooms[1].id, "t_name": "loft"});
        let path = "rooms.createDiscussion";
        let loft = make_room(&ann, path, wish, "/discussion/_id").await;
        let posted = post(&ann, &loft, "treasure of the loft").await.ok();
        let said = posted["message"]["_id"].as_str().unwrap().to_owned();
        rooms.push(Room {
            id: loft,
            name: "loft",
            said,
        });
        let before = head(&admin).await;
        // Readings that name it.
        let named = page(&admin, &[("room", "attic"), ("limit", "1")]).await;
        assert_eq!(named.events.len(), 1, "it is open");
        for (room, family, kind) in [(&rooms[0], "groups", "c"), (&rooms[1], "channels", "p")] {
            let change = json!({"roomId": room.id, "type": kind});
            ann.post(&format!("{family}.setType"), change).await.ok();
            post(&ann, &room.id, "treasure of today").await.ok();
        }
        // The newest that is shown to everybody who asks.
        post(&admin, "GENERAL", "done").await.ok();
        Self {
            head: head(&admin).await,
            server,
            admin,
            eve,
            rooms,
            request,
            before,
        }
    }

    /// What of the rooms is in there.
    fn tells(&self, shown: &str) -> Vec<&str> {
        let ids = self
            .rooms
            .iter()
            .flat_map(|room| [&*room.id, room.name, &*room.said]);
        let words = ids.chain(["treasure"]);
        words.filter(|word| shown.contains(*word)).collect()
    }
}

async fn head(client: &Client) -> String {
    let newest = page(client, &[("order", "newest"), ("limit", "1")]).await;
    newest.events[0]["position"].to_string()
}

async fn what_was_ever_private_is_kept_from_auditors(options: ServerOptions) {
    let story = Story::begin(options).await;
    let Story {
        server,
        eve,
        head,
        before,
        ..
    } = &story;
    let shown = json!(everything(eve).await).to_string();
    assert_eq!(story.tells(&shown), [""; 0], "all events");
    let mut socket = Socket::open(server, eve, &[("after", "0")]).await;
    loop {
        let frame = socket.next().await;
        assert_eq!(story.tells(&frame.to_string()), [""; 0], "live");
        if frame["position"].as_u64() >= head.parse().ok() {
            break;
        }
    }
    let question = Some(("application/json", "{}".to_owned()));
    let subscription = "/audit/subscriptions/all";
    eve.send(Method::PUT, subscription, question).await.ok();
    let path = format!("{subscription}?limit=1000");
    let told = eve.send(Method::GET, &path, None).await.ok();
    assert_eq!(story.tells(&told.to_string()), [""; 0], "a subscription");
    for path in [
        format!("/audit/at/{before}/rooms"),
        format!("/audit/at/{head}/rooms"),
        format!("/audit/explain/{}", story.request),
        format!("/audit/grants?to={head}"),
        format!("/audit/users/ann/access?to={head}"),
    ] {
        let told = eve.send(Method::GET, &path, None).await.body;
        assert_eq!(story.tells(&told.to_string()), [""; 0], "{path}");
    }
    for format in ["ndjson", "html"] {
        let into = server.data().with_file_name(format).display().to_string();
        let all = [
            "export", "--all", "--to", head, "--format", format, "--into", &into,
        ];
        commands::printed(server, &all);
        let told = contents(into.as_ref());
        assert!(
            told.contains("UserCreated") || told.contains("general"),
            "{told}"
        );
        assert_eq!(story.tells(&told), [""; 0], "{format}");
    }
    for room in &story.rooms {
        one_room_is_kept(&story, room).await;
    }
    assert_eq!(
        story.tells(&printed(server, &["--to", head]).await),
        [""; 0]
    );
    let shown = printed(server, &["--to", head, "--private-rooms"]).await;
    for line in [
        "ann made #attic a private group",
        "ann made #cupboard a public channel",
    ] {
        assert!(shown.contains(line), "{line}: {shown}");
    }
}

async fn one_room_is_kept(story: &Story, room: &Room) {
    let Room { id, name, said } = room;
    let Story { head, before, .. } = story;
    for path in [
        format!("/audit/events?room={id}"),
        format!("/audit/events?room={name}"),
        format!("/audit/at/{before}/rooms/{name}"),
        format!("/audit/at/{head}/rooms/{id}"),
        format!("/audit/at/{head}/rooms/{id}/members"),
        format!("/audit/at/{head}/rooms/{id}/messages"),
        format!("/audit/at/{before}/messages/{said}"),
        format!("/audit/messages/{said}"),
        format!("/audit/messages/{said}/readers"),
        format!("/audit/diff/1/{head}/rooms/{name}"),
    ] {
        let told = story.eve.send(Method::GET, &path, None).await;
        let refusal = told.refused(400).to_string();
        assert!(!refusal.contains("treasure"), "{path}: {refusal}");
    }
    let questions: [&[&str]; 6] = [
        &["log", "--room", id],
        &["at", before, "room", id],
        &["at", head, "message", said],
        &["diff", "1", head, "room", name],
        &["message", said],
        &["readers", said],
    ];
    for question in questions {
        let (complaint, code) = commands::refused(&story.server, question);
        assert_eq!(code, Some(2), "{question:?}: {complaint}");
        let insisting = [question, &["--private-rooms"]].concat();
        let told = commands::printed(&story.server, &insisting);
        assert_ne!(story.tells(&told), [""; 0], "{insisting:?}: {told}");
    }
}

/// All files of a folder, one after the other.
fn contents(folder: &std::path::Path) -> String {
    let entries = std::fs::read_dir(folder).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    let read = |path: std::path::PathBuf| {
        if path.is_dir() {
            contents(&path)
        } else {
            String::from_utf8_lossy(&std::fs::read(path).unwrap()).into_owned()
        }
    };
    paths.map(read).collect()
}

/// Bob is in neither room, and reads what is public.
async fn who_could_read_a_room_follows_what_it_was(options: ServerOptions) {
    let story = Story::begin(options).await;
    let insisting = ["access", "bob", "--to", &story.head, "--format", "json"];
    let told = commands::printed(
        &story.server,
        &[&insisting[..], &["--private-rooms"]].concat(),
    );
    let told: Value = serde_json::from_str(&told).unwrap();
    for (name, from, until) in [
        ("#attic", "RoomCreated", "RoomVisibilityChanged"),
        ("#cupboard", "RoomVisibilityChanged", "now"),
    ] {
        let rooms = told["rooms"].as_array().unwrap();
        let room = rooms.iter().find(|room| room["name"] == name);
        let stretches = room
            .map(|room| room["stretches"].clone())
            .unwrap_or_default();
        let edge = |side: &str| stretches[0][side]["event"].as_str().unwrap_or("now");
        assert_eq!(
            (edge("from"), edge("until")),
            (from, until),
            "{name}: {stretches}"
        );
        assert_eq!(
            stretches.as_array().map(Vec::len),
            Some(1),
            "{name}: {stretches}"
        );
    }
    story
        .admin
        .post("settings/Audit_Private_Rooms", json!({"value": true}))
        .await
        .ok();
    let path = format!("/audit/users/bob/access?to={}", story.head);
    let over_rest = story.eve.send(Method::GET, &path, None).await.ok();
    assert_eq!(over_rest["access"]["rooms"], told["rooms"]);
}
