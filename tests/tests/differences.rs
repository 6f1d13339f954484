//! What changed between two moments, over REST and on the command line.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on has failed"
)]

use reqwest::Method;
use serde_json::{Value, json};
use tests::client::{Answer, Client};
use tests::commands::{printed, refused};
use tests::server::{Server, ServerOptions};

async fn diff(client: &Client, path: &str) -> Answer {
    let path = format!("/audit/diff/{path}");
    client.send(Method::GET, &path, None).await
}

/// The last position, as text.
async fn head(client: &Client) -> String {
    let path = "/audit/events?order=newest&limit=1";
    let body = client.send(Method::GET, path, None).await.ok();
    body["events"][0]["position"].to_string()
}

/// The change of a part with that name.
fn of<'a>(diff: &'a Value, name: &str) -> &'a Value {
    let changes = diff["changes"].as_array().expect("a list of changes");
    let found = changes.iter().find(|change| change["name"] == name);
    found.unwrap_or(&Value::Null)
}

fn types(diff: &Value) -> Vec<&str> {
    let events = diff["events"].as_array().expect("a list of events");
    let types = events.iter().map(|event| event["type"].as_str());
    types.map(|name| name.expect("a type")).collect()
}

/// A room with ann in it, and two moments: between them, it was renamed, given a topic, ann left, bob came and became a
/// moderator, and a message was edited.
struct Story {
    server: Server,
    admin: Client,
    ann: Client,
    from: String,
    to: String,
}

impl Story {
    async fn tell() -> Self {
        Self::on(Server::start().await).await
    }

    async fn on(server: Server) -> Self {
        let admin = server.admin().await;
        let ann = admin.new_user("ann").await;
        let bob = admin.new_user("bob").await;
        let members = json!({"name": "plans", "members": ["ann"]});
        let made = admin.post("channels.create", members).await.ok();
        let room = made["channel"]["_id"].as_str().unwrap().to_owned();
        let topic = json!({"roomId": room, "topic": "we meet at ten"});
        admin.post("channels.setTopic", topic).await.ok();
        let message = json!({"message": {"rid": room, "msg": "bring cake"}});
        let posted = ann.post("chat.sendMessage", message).await.ok();
        let message = posted["message"]["_id"].as_str().unwrap();

        let from = head(&admin).await;
        let edit = json!({"roomId": room, "msgId": message, "text": "bring two cakes"});
        ann.post("chat.update", edit).await.ok();
        ann.post("channels.leave", json!({"roomId": room}))
            .await
            .ok();
        let name = json!({"roomId": room, "name": "party"});
        admin.post("channels.rename", name).await.ok();
        let topic = json!({"roomId": room, "topic": "we meet at nine"});
        admin.post("channels.setTopic", topic).await.ok();
        bob.post("channels.join", json!({"roomId": room}))
            .await
            .ok();
        let role = json!({"roomId": room, "userId": bob.user_id});
        admin.post("channels.addModerator", role).await.ok();
        let to = head(&admin).await;
        Self {
            server,
            admin,
            ann,
            from,
            to,
        }
    }
}

async fn a_room_is_compared_part_by_part(options: ServerOptions) {
    let story = Story::on(options.start().await).await;
    let path = format!("{}/{}/rooms/party", story.from, story.to);
    let told = diff(&story.admin, &path).await.ok();
    assert_eq!(told["rooms"][0]["name"], "#party", "{told}");
    assert_eq!(of(&told, "topic")["before"], "we meet at ten");
    assert_eq!(of(&told, "topic")["after"], "we meet at nine");
    assert_eq!(of(&told, "name")["before"], "plans");
    assert_eq!(of(&told, "ann")["part"], "member");
    assert_eq!(of(&told, "ann")["before"], json!([]));
    assert_eq!(of(&told, "ann")["after"], Value::Null);
    assert_eq!(of(&told, "bob")["before"], Value::Null);
    assert_eq!(of(&told, "bob")["after"], json!(["moderator"]));
    assert_eq!(of(&told, "admin"), &Value::Null, "nothing changed");
    assert_eq!(of(&told, "lm"), &Value::Null, "nothing to tell");
    assert_eq!(
        types(&told),
        [
            "MessageEdited",
            "MemberLeft",
            "RoomRenamed",
            "TopicChanged",
            "MemberJoined",
            "RoomRoleGranted"
        ]
    );
    assert_eq!(told["more"], Value::Null);
}

tests::on_both_logs!(a_room_is_compared_part_by_part);

#[tokio::test]
async fn people_read_it_word_by_word() {
    let mut story = Story::tell().await;
    let arguments = ["diff", &story.from, &story.to, "room", "party"];
    let page = printed(&story.server, &arguments);
    for line in [
        "in #party (public)",
        "  topic: we meet at [-ten-]{+nine+}",
        "  - ann",
        "  + bob  (moderator)",
        "admin changed the topic of",
    ] {
        assert!(page.contains(line), "{line:?} in {page}");
    }
    story.server.stop().await;
    assert_eq!(printed(&story.server, &arguments), page, "without a server");
}

#[tokio::test]
async fn a_room_that_came_or_went_is_all_there_is() {
    let story = Story::tell().await;
    let path = format!("1/{}/rooms/party", story.to);
    let told = diff(&story.admin, &path).await.ok();
    assert_eq!(of(&told, "name")["before"], Value::Null);
    assert_eq!(of(&told, "name")["after"], "party");
    let gone = json!({"roomName": "party"});
    story.admin.post("channels.delete", gone).await.ok();
    let path = format!("{}/{}/rooms/party", story.to, head(&story.admin).await);
    let told = diff(&story.admin, &path).await.ok();
    assert_eq!(of(&told, "name")["before"], "party");
    assert_eq!(of(&told, "name")["after"], Value::Null);
    assert_eq!(of(&told, "bob")["after"], Value::Null);
    let refusal = diff(&story.admin, "1/2/rooms/party").await.refused(400);
    assert!(
        refusal.to_string().contains("there was no room"),
        "{refusal}"
    );
}

/// Makes a public room.
async fn make(admin: &Client, name: &str) -> String {
    let made = admin.post("channels.create", json!({"name": name})).await;
    made.ok()["channel"]["_id"].as_str().unwrap().to_owned()
}

async fn delete(admin: &Client, room: &str) {
    let gone = json!({"roomId": room});
    admin.post("channels.delete", gone).await.ok();
}

/// The rooms that were compared: of each the id, and whether it was there at the one moment and at the other.
fn rooms(diff: &Value) -> Vec<(&str, bool, bool)> {
    let rooms = diff["rooms"].as_array().expect("a list of rooms").iter();
    let there = |room: &Value, when: &str| room[when].as_bool().expect("whether it was there");
    let told = |room| (there(room, "before"), there(room, "after"));
    rooms
        .map(|room| (room["id"].as_str().expect("an id"), told(room)))
        .map(|(id, (before, after))| (id, before, after))
        .collect()
}

#[tokio::test]
async fn every_room_that_had_the_name_is_told() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let first = make(&admin, "plans").await;
    let from = head(&admin).await;
    delete(&admin, &first).await;
    let between = head(&admin).await;
    let second = make(&admin, "plans").await;
    let to = head(&admin).await;

    let told = diff(&admin, &format!("{from}/{to}/rooms/plans")).await.ok();
    assert_eq!(
        rooms(&told),
        [(&*first, true, false), (&*second, false, true)]
    );
    assert_eq!(types(&told), ["RoomDeleted", "RoomCreated", "MemberJoined"]);
    let name = |room: &str| {
        let mut changes = told["changes"].as_array().unwrap().iter();
        let found = changes.find(|change| change["room"] == room && change["name"] == "name");
        found.map(|change| (change["before"].clone(), change["after"].clone()))
    };
    assert_eq!(name(&first), Some((json!("plans"), Value::Null)));
    assert_eq!(name(&second), Some((Value::Null, json!("plans"))));

    let told = diff(&admin, &format!("{from}/{between}/rooms/plans"))
        .await
        .ok();
    assert_eq!(rooms(&told), [(&*first, true, false)], "not made again yet");
    let by_id = diff(&admin, &format!("{from}/{to}/rooms/{second}"))
        .await
        .ok();
    assert_eq!(rooms(&by_id), [(&*second, false, true)], "an id is of one");
    let page = printed(&server, &["diff", &from, &to, "room", "plans"]);
    for line in [
        "2 rooms had the name, one after the other:".to_owned(),
        format!("in #plans (public, id {first}), which was deleted"),
        format!("in #plans (public, id {second}), which was made"),
    ] {
        assert!(page.contains(&line), "{line:?} in {page}");
    }
}

#[tokio::test]
async fn a_room_that_was_made_and_deleted_in_between_is_told() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let from = head(&admin).await;
    let room = make(&admin, "whim").await;
    delete(&admin, &room).await;
    let to = head(&admin).await;
    let told = diff(&admin, &format!("{from}/{to}/rooms/whim")).await.ok();
    assert_eq!(rooms(&told), [(&*room, false, false)]);
    assert_eq!(types(&told), ["RoomCreated", "MemberJoined", "RoomDeleted"]);
    let page = printed(&server, &["diff", &from, &to, "room", "whim"]);
    let line = "in #whim (public), which was made and deleted";
    assert!(page.contains(line), "{line:?} in {page}");
}

#[tokio::test]
async fn an_account_that_was_deleted_is_among_the_events_of_its_rooms() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let (ann, bob) = (admin.new_user("ann").await, admin.new_user("bob").await);
    let members = json!({"name": "plans", "members": ["ann"]});
    admin.post("channels.create", members).await.ok();
    let from = head(&admin).await;
    for user in [&bob, &ann] {
        let gone = json!({"userId": user.user_id});
        admin.post("users.delete", gone).await.ok();
    }
    let to = head(&admin).await;
    let told = diff(&admin, &format!("{from}/{to}/rooms/plans")).await.ok();
    assert_eq!(of(&told, "ann")["after"], Value::Null, "{told}");
    assert_eq!(types(&told), ["UserDeleted"], "bob was never there");
    assert_eq!(told["events"][0]["data"]["user"], json!(ann.user_id));
}

#[tokio::test]
async fn permissions_and_settings_are_compared() {
    let story = Story::tell().await;
    let admin = &story.admin;
    let from = head(admin).await;
    let roles = json!({"permissions": [{"_id": "create-p", "roles": ["admin", "moderator"]}]});
    admin.post("permissions.update", roles).await.ok();
    for (id, value) in [
        ("Site_Name", json!("Engines")),
        ("SMTP_Password", json!("top-secret-word")),
    ] {
        let path = format!("settings/{id}");
        admin.post(&path, json!({"value": value})).await.ok();
    }
    let to = head(admin).await;

    let told = diff(admin, &format!("{from}/{to}/permissions")).await.ok();
    assert_eq!(told["total"], 1, "{told}");
    assert_eq!(
        of(&told, "create-p")["after"],
        json!(["admin", "moderator"])
    );
    assert_eq!(types(&told), ["PermissionRolesChanged"]);
    let page = printed(&story.server, &["diff", &from, &to, "permissions"]);
    assert!(page.contains("create-p: admin"), "{page}");
    assert!(page.contains("{+moderator+}"), "{page}");

    let told = diff(admin, &format!("{from}/{to}/settings")).await.ok();
    assert_eq!(told["total"], 2, "{told}");
    assert_eq!(of(&told, "Site_Name")["after"], "Engines");
    assert_eq!(of(&told, "SMTP_Password")["after"], "(withheld)");
    assert!(!told.to_string().contains("top-secret-word"), "{told}");
    assert_eq!(types(&told), ["SettingChanged", "SettingChanged"]);
}

#[tokio::test]
async fn nobody_compares_without_the_right_and_private_rooms_stay_private() {
    let story = Story::tell().await;
    let admin = &story.admin;
    let body = admin.post("groups.create", json!({"name": "board"})).await;
    let room = body.ok()["group"]["_id"].as_str().unwrap().to_owned();
    let eve = admin.new_user("eve").await;
    let give = json!({"username": "eve", "roleId": "auditor"});
    admin.post("roles.addUserToRole", give).await.ok();
    let range = format!("{}/{}", story.to, head(admin).await);
    for what in ["rooms/party", "permissions", "settings"] {
        let path = format!("{range}/{what}");
        diff(&story.ann, &path).await.refused(403);
        diff(&eve, &path).await.ok();
    }
    for named in ["board", &room] {
        let path = format!("{range}/rooms/{named}");
        let refusal = diff(&eve, &path).await.refused(400).to_string();
        assert!(refusal.contains("no room called"), "{refusal}");
    }
    let shown = json!({"value": true});
    admin.post("settings/Audit_Private_Rooms", shown).await.ok();
    diff(&eve, &format!("{range}/rooms/board")).await.ok();
}

#[tokio::test]
async fn each_comparison_is_recorded() {
    let story = Story::tell().await;
    let path = format!("{}/{}/rooms/party", story.from, story.to);
    let told = diff(&story.admin, &path).await.ok();
    let path = "/audit/events?type=RecordRead&order=newest&limit=1";
    let events = story.admin.send(Method::GET, path, None).await.ok();
    let (from, to, total) = (&story.from, &story.to, &told["total"]);
    assert_eq!(
        events["events"][0]["sentence"],
        format!(
            "admin read what changed between two moments (from \"{from}\", room \"party\", to \"{to}\", what \"room\") and \
             was shown {total} changes of 1 room"
        )
    );
}

#[tokio::test]
async fn what_makes_no_sense_is_refused() {
    let story = Story::tell().await;
    let (from, to) = (story.from.as_str(), story.to.as_str());
    for (from, to, room, wrong) in [
        (to, from, "party", "does not come before"),
        (to, to, "party", "does not come before"),
        ("0", to, "party", "before the record begins"),
        (from, "2999-01-01", "party", "after the record ends"),
        (from, "noon", "party", "neither a position"),
        (from, to, "partie", "did you mean \\\"party\\\"?"),
    ] {
        let path = format!("{from}/{to}/rooms/{room}");
        let refusal = diff(&story.admin, &path).await.refused(400).to_string();
        assert!(refusal.contains(wrong), "{path}: {refusal}");
        let (complaint, code) = refused(&story.server, &["diff", from, to, "room", room]);
        let wrong = wrong.replace('\\', "");
        assert!(complaint.contains(&wrong), "{path}: {complaint}");
        assert_eq!(code, Some(2), "{path}: wrong usage");
    }
}
