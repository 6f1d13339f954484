//! The workspace of an earlier moment: what the doors showed then, they show again.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on has failed"
)]

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use reqwest::Method;
use serde_json::{Map, Value, json};
use tests::both_logs;
use tests::client::{Answer, Client};
use tests::commands::{printed, refused};
use tests::server::{Server, ServerOptions};

/// What comes of connections is not recorded.
const PRESENCE: [&str; 2] = ["status", "statusConnection"];

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

/// A list without what is not recorded, by id.
fn by_id(list: &Value) -> Vec<Value> {
    let list = list.as_array().expect("a list").iter();
    let mut list: Vec<Value> = list
        .map(|one| {
            let mut one = one.clone();
            let fields = one.as_object_mut().expect("a document");
            fields.retain(|field, _| !PRESENCE.contains(&field.as_str()));
            one
        })
        .collect();
    list.sort_by_key(|one| one["_id"].to_string());
    list
}

/// Of documents of settings what a list shows.
fn values(settings: &Value) -> Vec<Value> {
    let kept = ["_id", "value"];
    let mut settings = by_id(settings);
    for setting in &mut settings {
        let fields: &mut Map<String, Value> = setting.as_object_mut().unwrap();
        fields.retain(|field, _| kept.contains(&field.as_str()));
    }
    // Groups have no value, and are no settings.
    settings.retain(|setting| setting.get("value").is_some());
    settings
}

/// What the doors show of a workspace, by name.
type Moment = Vec<(String, Value)>;

/// What the doors show now.
async fn now(client: &Client, rooms: &[String], users: &[String]) -> Moment {
    let mut moment = Vec::new();
    for room in rooms {
        let found = client.get(&format!("rooms.info?roomId={room}")).await;
        let found = found.status.is_success().then_some(found);
        moment.push((
            format!("rooms/{room}"),
            found.map_or(Value::Null, |found| found.body["room"].clone()),
        ));
        let parts = [("members", "members"), ("messages", "messages")];
        for (route, field) in parts {
            let page = client
                .get(&format!("channels.{route}?roomId={room}&count=100"))
                .await;
            let found = page.status.is_success();
            let list = if found {
                json!(by_id(&page.body[field]))
            } else {
                Value::Null
            };
            moment.push((format!("rooms/{room}/{route}"), list));
        }
    }
    for user in users {
        let found = client.get(&format!("users.info?userId={user}")).await.ok();
        let user_doc = by_id(&json!([found["user"]]));
        moment.push((format!("users/{user}"), json!(user_doc)));
    }
    let settings = client.get("settings?count=0").await.ok();
    moment.push(("settings".to_owned(), json!(values(&settings["settings"]))));
    let permissions = client.get("permissions.listAll").await.ok();
    let permissions = by_id(&permissions["update"]);
    moment.push(("permissions".to_owned(), json!(permissions)));
    moment
}

/// What is shown of then.
async fn then(client: &Client, position: u64, now: &Moment) -> Moment {
    let mut moment = Vec::new();
    for (path, _) in now {
        let path = path.as_str();
        let last = path.rsplit('/').next().unwrap_or_default();
        let list = matches!(last, "members" | "messages" | "settings" | "permissions");
        let limit = if list { "?limit=1000" } else { "" };
        let answer = look(client, &format!("{position}/{path}{limit}")).await;
        let body = &answer.body;
        let found = answer.status.is_success();
        let shown = match last {
            _ if !found => Value::Null,
            "members" => {
                let mut members = by_id(&body["members"]);
                // Lists of members do not show roles in the room.
                for member in &mut members {
                    member.as_object_mut().unwrap().remove("roles");
                }
                json!(members)
            }
            "messages" => json!(by_id(&body["messages"])),
            "settings" => json!(values(&body["settings"])),
            "permissions" => json!(by_id(&body["permissions"])),
            _ if path.starts_with("users") => {
                let mut user = body["user"].clone();
                user["canViewAllInfo"] = json!(true);
                json!(by_id(&json!([user])))
            }
            _ => body["room"].clone(),
        };
        moment.push((path.to_owned(), shown));
    }
    moment
}

/// What is not the same. Secrets are withheld from those who look back.
fn difference(expected: &Value, found: &Value) -> Option<String> {
    let (Value::Array(expected), Value::Array(found)) = (expected, found) else {
        return (expected != found).then(|| format!("{expected} became {found}"));
    };
    if expected.len() != found.len() {
        return Some(format!("{expected:?} became {found:?}"));
    }
    let withheld = |one: &Value| one["value"] == "(withheld)";
    let mut pairs = expected.iter().zip(found);
    let differs = pairs.find(|(expected, found)| expected != found && !withheld(found));
    differs.map(|(expected, found)| format!("{expected} became {found}"))
}

/// People who do this and that.
struct Crowd {
    admin: Client,
    people: Vec<Client>,
    rooms: Vec<String>,
    messages: Vec<(String, String)>,
    chance: StdRng,
}

impl Crowd {
    async fn gather(server: &Server, seed: u64) -> Self {
        let admin = server.admin().await;
        let mut people = Vec::new();
        for name in ["ann", "bob", "cem"] {
            people.push(admin.new_user(name).await);
        }
        let mut rooms = Vec::new();
        for name in ["plans", "tea", "void"] {
            rooms.push(make_channel(&admin, name).await);
        }
        for room in &rooms {
            for one in &people {
                let room = json!({"roomId": room});
                one.post("channels.join", room).await.ok();
            }
        }
        Self {
            admin,
            people,
            rooms,
            messages: Vec::new(),
            chance: StdRng::seed_from_u64(seed),
        }
    }

    fn any(&mut self, below: usize) -> usize {
        self.chance.random_range(0..below)
    }

    /// Something happens, or is refused, which is all the same here.
    async fn act(&mut self) {
        let (who, room) = (self.any(self.people.len()), self.any(self.rooms.len()));
        let (number, deed) = (self.any(1_000_000), self.any(14));
        let one = self.people[who].clone();
        let room = self.rooms[room].clone();
        let message = match self.messages.len() {
            0 => (room.clone(), String::new()),
            count => self.messages[self.chance.random_range(0..count)].clone(),
        };
        let of_message = json!({"roomId": message.0, "msgId": message.1});
        let of_room = json!({"roomId": room});
        let of_one = json!({"roomId": room, "userId": one.user_id});
        let admin = self.admin.clone();
        match deed {
            0..=3 => {
                let thread = (number % 3 == 0).then_some(message.1.as_str());
                let rid = if thread.is_some() { &message.0 } else { &room };
                let text = format!("{number} @ann @all");
                let wish = json!({"message": {"rid": rid, "msg": text, "tmid": thread}});
                let posted = one.post("chat.sendMessage", wish).await;
                if let Some(id) = posted.body["message"]["_id"].as_str() {
                    self.messages.push((rid.clone(), id.to_owned()));
                }
            }
            4 => {
                let mut wish = of_message;
                wish["text"] = json!(format!("rather {number}"));
                admin.post("chat.update", wish).await;
            }
            5 => {
                let react = json!({"messageId": message.1, "emoji": ":tea:", "shouldReact": number % 2 == 0});
                one.post("chat.react", react).await;
            }
            6 => drop(admin.post("chat.delete", of_message).await),
            7 => drop(one.post("channels.leave", of_room).await),
            8 => drop(one.post("channels.join", of_room).await),
            9 => {
                let topic = json!({"roomId": room, "topic": format!("about {number}")});
                admin.post("channels.setTopic", topic).await;
            }
            10 => {
                let name = json!({"roomId": room, "name": format!("room{number}")});
                admin.post("channels.rename", name).await;
            }
            11 => {
                let name =
                    json!({"userId": one.user_id, "data": {"username": format!("user{number}")}});
                admin.post("users.update", name).await;
            }
            12 => {
                let which = ["addModerator", "removeModerator"][number % 2];
                admin.post(&format!("channels.{which}"), of_one).await;
            }
            _ => {
                let value = json!({"value": 1000 + number % 10_000});
                admin
                    .post("settings/Message_MaxAllowedSize", value)
                    .await
                    .ok();
                let role = ["admin", "user"][number % 2];
                let roles = json!({"permissions": [{"_id": "create-c", "roles": [role]}]});
                admin.post("permissions.update", roles).await.ok();
            }
        }
    }
}

async fn every_moment_is_shown_again(options: ServerOptions, seed: u64) {
    let server = options.env("SNAPSHOT_EVERY", "25").start().await;
    let mut crowd = Crowd::gather(&server, seed).await;
    let (admin, rooms) = (crowd.admin.clone(), crowd.rooms.clone());
    let users: Vec<String> = crowd.people.iter().map(|one| one.user_id.clone()).collect();
    let mut moments = Vec::new();
    for _ in 0..12 {
        for _ in 0..crowd.any(12) {
            crowd.act().await;
        }
        let moment = now(&admin, &rooms, &users).await;
        moments.push((head(&admin).await, moment));
    }
    assert!(crowd.messages.len() > 5, "much was said");
    for (position, expected) in &moments {
        let found = then(&admin, *position, expected).await;
        for ((path, expected), (_, found)) in expected.iter().zip(&found) {
            if let Some(difference) = difference(expected, found) {
                panic!("seed {seed}, position {position}, {path}: {difference}");
            }
        }
    }
}

#[tokio::test]
async fn every_moment_of_a_random_run_is_shown_again() {
    for seed in [1, 22, 333] {
        every_moment_is_shown_again(ServerOptions::default(), seed).await;
    }
}

#[tokio::test]
async fn every_moment_of_a_random_run_is_shown_again_with_the_log_in_mongodb() {
    every_moment_is_shown_again(both_logs::mongodb().await, 4444).await;
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
