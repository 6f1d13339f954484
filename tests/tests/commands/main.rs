//! What people type after a slash, from outside: what comes of it, who is told what, and who may not.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on has failed"
)]

mod doors;
mod hostile;
mod members;
mod methods;
mod people;
mod rooms;
mod text;

use std::time::Duration;

use serde_json::{Value, json};
use tests::client::{Answer, Client};
use tests::live::Live;
use tests::server::Server;

const SOON: Duration = Duration::from_secs(20);

/// Somebody who is logged in and listens.
struct Person {
    client: Client,
    live: Live,
}

impl Person {
    async fn new(server: &Server, client: Client) -> Self {
        let mut live = Live::connect(server, &client, None).await;
        live.send(&json!({"subscribe": {"rooms": [], "self": true}}))
            .await;
        live.answer("subscribed").await;
        Self { client, live }
    }

    /// Types a line with a command into a room.
    async fn send(&self, room: &str, line: &str) -> Answer {
        let (command, params) = line.split_once(' ').unwrap_or((line, ""));
        let wish = json!({"command": command, "params": params, "roomId": room});
        self.client.post("commands.run", wish).await
    }

    /// The same, which is never an error; these notices come of it, in this room, and no others.
    async fn types(&mut self, room: &str, line: &str, told: &[&str]) {
        let answer = self.send(room, line).await.ok();
        assert_eq!(answer, json!({"success": true}), "{line}");
        self.is_told(room, line, told).await;
    }

    async fn is_told(&mut self, room: &str, why: &str, told: &[&str]) {
        let mut notices = Vec::new();
        for text in told {
            let notice = self.notice_or("").await;
            let notice = notice.unwrap_or_else(|| panic!("{why} does not tell {text}"));
            assert_eq!(notice["data"]["rid"], json!(room), "{why}");
            notices.push(notice);
        }
        let texts: Vec<&str> = notices.iter().filter_map(text).collect();
        assert_eq!(texts, told, "{why}");
        self.live.send(&json!({"ping": {}})).await;
        let more = self.notice_or("pong").await;
        assert_eq!(more, None, "{why} tells more");
    }

    /// The next notice, unless a frame of that kind comes before.
    async fn notice_or(&mut self, end: &str) -> Option<Value> {
        loop {
            let frame = self.live.next_frame(SOON).await.expect("a frame");
            match frame["kind"].as_str() {
                Some("notice") => return Some(frame),
                Some(kind) if kind == end => return None,
                _ => {}
            }
        }
    }

    async fn make(&self, family: &str, name: &str, members: &[&str]) -> String {
        let wish = json!({"name": name, "members": members});
        let made = self
            .client
            .post(&format!("{family}.create"), wish)
            .await
            .ok();
        let key = family.trim_end_matches('s');
        made[key]["_id"].as_str().unwrap().to_owned()
    }

    /// The names of those who are in a room that this person sees.
    async fn members(&self, family: &str, room: &str) -> Vec<String> {
        let path = format!("{family}.members?roomId={room}");
        let found = self.client.get(&path).await.ok();
        let members = found["members"].as_array().unwrap().iter();
        let mut names: Vec<String> = members
            .map(|member| member["username"].as_str().unwrap().to_owned())
            .collect();
        names.sort();
        names
    }

    /// Kinds and texts of a room's messages, oldest first.
    async fn history(&self, family: &str, room: &str) -> Vec<(String, String)> {
        let path = format!("{family}.history?roomId={room}&count=100&showThreadMessages=true");
        let found = self.client.get(&path).await.ok();
        let text = |message: &Value, name: &str| message[name].as_str().unwrap_or("").to_owned();
        let messages = found["messages"].as_array().unwrap().iter().rev();
        messages
            .map(|message| (text(message, "t"), text(message, "msg")))
            .collect()
    }

    async fn info(&self, room: &str) -> Value {
        let found = self.client.get(&format!("rooms.info?roomId={room}")).await;
        found.ok()["room"].clone()
    }
}

fn text(notice: &Value) -> Option<&str> {
    notice["data"]["msg"].as_str()
}

/// The administrator, and two users.
async fn people(server: &Server) -> (Person, Person, Person) {
    let admin = server.admin().await;
    let (alice, bob) = (admin.new_user("alice").await, admin.new_user("bob").await);
    (
        Person::new(server, admin).await,
        Person::new(server, alice).await,
        Person::new(server, bob).await,
    )
}

fn told(kind: &str, text: &str) -> (String, String) {
    (kind.to_owned(), text.to_owned())
}

/// Somebody who may do hardly anything.
async fn guest(server: &Server, admin: &Person) -> Person {
    let password = "password of the guest";
    let wish = json!({"username": "gregor", "name": "Gregor", "password": password,
                      "email": "gregor@example.org", "roles": ["guest"]});
    admin.client.post("users.create", wish).await.ok();
    let client = admin.client.login("gregor", password).await;
    Person::new(server, client).await
}

async fn set(admin: &Person, setting: &str, value: Value) {
    let path = format!("settings/{setting}");
    admin.client.post(&path, json!({"value": value})).await.ok();
}
