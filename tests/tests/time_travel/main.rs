//! The workspace of an earlier moment: what the doors showed then, they show again.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on has failed"
)]

mod crowd;
mod kin;
mod moments;
mod values;

use reqwest::Method;
use serde_json::json;
use tests::client::{Answer, Client};
use tests::commands::{printed, refused};
use tests::server::{Server, ServerOptions};

async fn look(client: &Client, path: &str) -> Answer {
    let path = format!("/audit/at/{path}");
    client.send(Method::GET, &path, None).await
}

/// The last position.
async fn head(client: &Client) -> u64 {
    let path = "/audit/events?order=newest&limit=1";
    let body = client.send(Method::GET, path, None).await.ok();
    body["events"][0]["position"].as_u64().unwrap()
}

async fn make_channel(client: &Client, name: &str) -> String {
    let body = json!({"name": name});
    let body = client.post("channels.create", body).await.ok();
    body["channel"]["_id"].as_str().unwrap().to_owned()
}

async fn post(client: &Client, room: &str, text: &str, thread: Option<&str>) -> String {
    let message = json!({"message": {"rid": room, "msg": text, "tmid": thread}});
    let body = client.post("chat.sendMessage", message).await.ok();
    body["message"]["_id"].as_str().unwrap().to_owned()
}

/// A channel that is renamed, with two messages of which one is edited and then deleted.
struct Story {
    server: Server,
    admin: Client,
    ann: Client,
    room: String,
    message: String,
    /// The positions after the message was posted, was edited, and was deleted.
    posted: u64,
    edited: u64,
}

impl Story {
    async fn tell() -> Self {
        let server = ServerOptions::default()
            .env("SNAPSHOT_EVERY", "10")
            .start()
            .await;
        let admin = server.admin().await;
        let ann = admin.new_user("ann").await;
        let room = make_channel(&ann, "plans").await;
        let message = post(&ann, &room, "we meet at ten", None).await;
        let posted = head(&admin).await;
        let edit = json!({"roomId": room, "msgId": message, "text": "we meet at nine"});
        ann.post("chat.update", edit).await.ok();
        let edited = head(&admin).await;
        let name = json!({"roomId": room, "name": "schemes"});
        ann.post("channels.rename", name).await.ok();
        let which = json!({"roomId": room, "msgId": message});
        ann.post("chat.delete", which).await.ok();
        Self {
            server,
            admin,
            ann,
            room,
            message,
            posted,
            edited,
        }
    }
}

#[tokio::test]
async fn a_message_is_shown_as_it_stood_then() {
    let story = Story::tell().await;
    for (position, text) in [
        (story.posted, "we meet at ten"),
        (story.edited, "we meet at nine"),
    ] {
        let path = format!("{position}/messages/{}", story.message);
        let body = look(&story.admin, &path).await.ok();
        assert_eq!(body["message"]["msg"], text);
        assert_eq!(body["position"], position);
        let page = printed(
            &story.server,
            &["at", &position.to_string(), "message", &story.message],
        );
        assert!(page.contains(&format!("msg: {text}\n")), "{page}");
    }
    let now = head(&story.admin).await;
    let path = format!("{now}/messages/{}", story.message);
    let refusal = look(&story.admin, &path).await.refused(400);
    assert!(
        refusal.to_string().contains("there was no message"),
        "{refusal}"
    );
}

#[tokio::test]
async fn a_room_is_found_by_its_name_of_then_and_of_any_other_time() {
    let story = Story::tell().await;
    for name in ["plans", "%23plans", "schemes", &story.room] {
        let path = format!("{}/rooms/{name}", story.posted);
        let body = look(&story.admin, &path).await.ok();
        assert_eq!(body["room"]["name"], "plans", "{name}");
    }
    let path = format!("{}/rooms/plan", story.posted);
    let refusal = look(&story.admin, &path).await.refused(400);
    let text = refusal.to_string();
    assert!(text.contains("there was no room"), "{text}");
    assert!(
        text.contains("plans"),
        "a name like it is suggested: {text}"
    );
    let path = "1/rooms/plans";
    let refusal = look(&story.admin, path).await.refused(400);
    assert!(
        refusal.to_string().contains("at position 1"),
        "it was made later: {refusal}"
    );
}

#[tokio::test]
async fn a_thread_is_shown_as_it_was() {
    let story = Story::tell().await;
    let (ann, room) = (&story.ann, &story.room);
    let parent = post(ann, room, "who comes?", None).await;
    for reply in ["I", "me too"] {
        post(ann, room, reply, Some(&parent)).await;
    }
    let position = head(&story.admin).await;
    post(ann, room, "too late", Some(&parent)).await;
    let path = format!("{position}/rooms/{room}/messages?thread={parent}");
    let body = look(&story.admin, &path).await.ok();
    let texts = body["messages"].as_array().unwrap().iter();
    let texts: Vec<_> = texts.map(|one| one["msg"].as_str().unwrap()).collect();
    assert_eq!(texts, ["who comes?", "I", "me too"]);
    assert_eq!(body["total"], 3);
}

#[tokio::test]
async fn it_is_the_same_after_a_restart_and_a_rebuild_and_without_a_server() {
    let mut story = Story::tell().await;
    let position = story.posted.to_string();
    let arguments = ["at", &position, "room", "plans", "--format", "json"];
    let shown = printed(&story.server, &arguments);
    assert!(shown.contains("\"name\": \"plans\""), "{shown}");
    story.server.stop().await;
    assert_eq!(
        printed(&story.server, &arguments),
        shown,
        "without a server"
    );
    printed(&story.server, &["projections", "rebuild"]);
    assert_eq!(printed(&story.server, &arguments), shown, "after a rebuild");
    story.server.restart().await;
    story.server.kill9();
    story.server.restart().await;
    assert_eq!(printed(&story.server, &arguments), shown, "after a crash");
}

#[tokio::test]
async fn teams_and_discussions_and_what_was_pruned_are_shown_as_they_were() {
    let story = Story::tell().await;
    let Story {
        admin, ann, room, ..
    } = &story;
    let wish = json!({"name": "crew", "type": 0, "members": [admin.user_id]});
    let team = ann.post("teams.create", wish).await.ok()["team"].clone();
    let put = json!({"teamId": team["_id"], "rooms": [room]});
    ann.post("teams.addRooms", put).await.ok();
    let wish = json!({"prid": room, "t_name": "talk"});
    let begun = ann.post("rooms.createDiscussion", wish).await.ok();
    let talk = begun["discussion"]["_id"].as_str().unwrap();
    for _ in 0..30 {
        post(ann, room, "well", None).await;
    }
    let (main, within) = (
        format!("rooms/{}", team["roomId"].as_str().unwrap()),
        format!("rooms/{room}"),
    );
    let (talk, members) = (format!("rooms/{talk}"), format!("{main}/members"));
    let messages = format!("{within}/messages");
    let id = &team["_id"];
    let deeds = [
        (
            ann,
            "teams.removeMember",
            json!({"teamId": id, "userId": admin.user_id}),
        ),
        (ann, "teams.convertToChannel", json!({"teamId": id})),
        (
            ann,
            "rooms.delete",
            json!({"roomId": talk.strip_prefix("rooms/")}),
        ),
        (
            admin,
            "rooms.cleanHistory",
            json!({"roomId": room, "oldest": "2000-01-01", "latest": "2100-01-01"}),
        ),
    ];
    // What each of them changes: where, before, and after.
    let changes = [
        (&members, "/total", json!(2), json!(1)),
        (&within, "/room/teamId", id.clone(), json!(null)),
        (&talk, "/room/fname", json!("talk"), json!(null)),
        (&messages, "/total", json!(32), json!(0)),
    ];
    let mut moments = vec![head(admin).await];
    for (who, path, body) in deeds {
        who.post(path, body).await.ok();
        moments.push(head(admin).await);
    }
    for (index, (path, field, before, after)) in changes.iter().enumerate() {
        for (moment, position) in moments.iter().enumerate() {
            let found = look(admin, &format!("{position}/{path}")).await;
            let found = found.body.pointer(field).cloned().unwrap_or_default();
            let expected = if moment > index { after } else { before };
            assert_eq!(found, *expected, "{path} after {moment} of them");
        }
    }
}

#[tokio::test]
async fn nobody_looks_without_the_right_and_private_rooms_stay_private() {
    let story = Story::tell().await;
    let admin = &story.admin;
    let private = json!({"name": "board"});
    let body = admin.post("groups.create", private).await.ok();
    let room = body["group"]["_id"].as_str().unwrap().to_owned();
    let message = post(admin, &room, "hush", None).await;
    let eve = admin.new_user("eve").await;
    let give = json!({"username": "eve", "roleId": "auditor"});
    admin.post("roles.addUserToRole", give).await.ok();
    let position = head(admin).await;
    let paths = [
        format!("{position}/rooms/{room}"),
        format!("{position}/rooms/board"),
        format!("{position}/rooms/board/members"),
        format!("{position}/rooms/{room}/messages"),
        format!("{position}/messages/{message}"),
    ];
    for path in &paths {
        look(&story.ann, path).await.refused(403);
        let refusal = look(&eve, path).await.refused(400).to_string();
        assert!(refusal.contains("there was no"), "{path}: {refusal}");
        assert!(!refusal.contains("hush"), "{path}: {refusal}");
    }
    let path = format!("{position}/rooms");
    let rooms = look(&eve, &path).await.ok().to_string();
    assert!(
        rooms.contains("schemes") && !rooms.contains("board"),
        "{rooms}"
    );
    let shown = json!({"value": true});
    admin.post("settings/Audit_Private_Rooms", shown).await.ok();
    for path in &paths {
        look(&eve, path).await.ok();
    }
}

#[tokio::test]
async fn secrets_of_settings_are_not_shown() {
    let story = Story::tell().await;
    let value = json!({"value": "top-secret-word"});
    story.admin.post("settings/SMTP_Password", value).await.ok();
    let position = head(&story.admin).await;
    let shown = look(&story.admin, &format!("{position}/settings?limit=1000")).await;
    let shown = shown.ok();
    assert!(!shown.to_string().contains("top-secret-word"));
    let settings = shown["settings"].as_array().unwrap();
    let password = settings.iter().find(|one| one["_id"] == "SMTP_Password");
    assert_eq!(password.unwrap()["value"], "(withheld)");
}

#[tokio::test]
async fn settings_and_permissions_are_lists_and_are_counted() {
    let story = Story::tell().await;
    let position = head(&story.admin).await;
    for list in ["settings", "permissions"] {
        let all = look(&story.admin, &format!("{position}/{list}?limit=1000"))
            .await
            .ok();
        let items = all[list].as_array().unwrap();
        assert_eq!(all["total"], items.len(), "{list}: all fit");
        let part = format!("{position}/{list}?offset=3&limit=2");
        let part = look(&story.admin, &part).await.ok();
        assert_eq!(part[list], json!(items[3..5]), "{list}");
        assert_eq!(part["total"], all["total"], "{list}");
        let last = format!("{position}/{list}?limit=9&offset={}", items.len() - 1);
        let last = look(&story.admin, &last).await.ok();
        assert_eq!(last[list], json!(items[items.len() - 1..]), "{list}");
        let path = "/audit/events?type=RecordRead&order=newest&limit=3";
        let left = story.admin.send(Method::GET, path, None).await.ok();
        let counted = |index: usize| left["events"][index]["data"]["shown"]["results"].clone();
        assert_eq!(
            [counted(0), counted(1), counted(2)],
            [json!(1), json!(2), json!(items.len())],
            "{list}"
        );
    }
}

#[tokio::test]
async fn each_look_is_recorded() {
    let story = Story::tell().await;
    let path = format!("{}/rooms/plans/members", story.posted);
    look(&story.admin, &path).await.ok();
    let path = "/audit/events?type=RecordRead&order=newest&limit=1";
    let events = story.admin.send(Method::GET, path, None).await.ok();
    assert_eq!(
        events["events"][0]["sentence"],
        format!(
            "admin read the workspace as it was (at \"{}\", room \"plans\", what \"members\") and was shown 1 thing of 1 room",
            story.posted
        )
    );
}

#[tokio::test]
async fn what_makes_no_sense_is_refused() {
    let story = Story::tell().await;
    let far = (head(&story.admin).await + 1000).to_string();
    for (moment, wrong) in [
        (far.as_str(), "after the record ends"),
        ("2999-01-01", "after the record ends"),
        ("1999-01-01", "before the record begins"),
        ("0", "before the record begins"),
        ("noon", "neither a position"),
    ] {
        let refusal = look(&story.admin, &format!("{moment}/rooms")).await;
        let refusal = refusal.refused(400).to_string();
        assert!(refusal.contains(wrong), "{moment}: {refusal}");
        let (complaint, code) = refused(&story.server, &["at", moment, "rooms"]);
        assert!(complaint.contains(wrong), "{moment}: {complaint}");
        assert_eq!(code, Some(2), "{moment}: wrong usage");
    }
    for limit in ["0", "1001"] {
        let path = format!("{}/rooms?limit={limit}", story.posted);
        look(&story.admin, &path).await.refused(400);
    }
}
