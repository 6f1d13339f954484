//! People who do in rooms whatever can be done there, in no particular order of sense.

use std::collections::BTreeSet;

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::{Value, json};
use tests::client::{Answer, Client};
use tests::server::Server;

use super::kin::Team;
use super::values::{ROOM_SETTINGS, SETTINGS};

/// Enough for everything to happen in, few enough to look at all of them often.
const MOST_ROOMS: usize = 9;

/// One of them. Who is gone is replaced.
struct Person {
    client: Client,
    name: String,
    password: String,
}

/// A room that there is, or was.
pub struct Room {
    pub id: String,
    pub family: &'static str,
    /// Who made it.
    pub owner: String,
    pub is_deleted: bool,
}

/// A request, and who makes it.
pub struct Deed {
    pub who: Client,
    pub path: String,
    pub body: Value,
}

impl Deed {
    fn kind(&self) -> String {
        let of_rooms = ["channels.", "groups.", "im."];
        let mut families = of_rooms.iter();
        let kind = families.find_map(|family| self.path.strip_prefix(family));
        kind.unwrap_or(&self.path).to_owned()
    }
}

/// People who do this and that.
pub struct Crowd {
    pub admin: Client,
    people: Vec<Person>,
    pub rooms: Vec<Room>,
    /// Everybody there ever was.
    pub users: Vec<String>,
    messages: Vec<(String, String)>,
    pub teams: Vec<Team>,
    /// The tokens of links into rooms.
    pub links: Vec<String>,
    /// Who gave roles in rooms, and how.
    given: Vec<(Client, String, Value)>,
    /// What was asked for, and of that what was done at least once; whatever the kind of room.
    pub asked: BTreeSet<String>,
    pub done: BTreeSet<String>,
    chance: StdRng,
}

impl Crowd {
    pub async fn gather(server: &Server, seed: u64) -> Self {
        let mut crowd = Self {
            admin: server.admin().await,
            people: Vec::new(),
            rooms: Vec::new(),
            users: Vec::new(),
            messages: Vec::new(),
            teams: Vec::new(),
            links: Vec::new(),
            given: Vec::new(),
            asked: BTreeSet::new(),
            done: BTreeSet::new(),
            chance: StdRng::seed_from_u64(seed),
        };
        for name in ["ann", "bob", "cem", "dan"] {
            crowd.welcome(name).await;
        }
        for setting in ["E2E_Enable", "Audit_Private_Rooms"] {
            let on = json!({"value": true});
            let path = format!("settings/{setting}");
            crowd.admin.post(&path, on).await.ok();
        }
        crowd
    }

    async fn welcome(&mut self, name: &str) {
        let client = self.admin.new_user(name).await;
        self.users.push(client.user_id.clone());
        self.people.push(Person {
            client,
            name: name.to_owned(),
            password: format!("password of {name}"),
        });
    }

    pub fn any(&mut self, below: usize) -> usize {
        self.chance.random_range(0..below)
    }

    fn one_of<T: Copy>(&mut self, items: &[T]) -> T {
        items[self.any(items.len())]
    }

    /// A setting, and a value that it takes.
    fn setting(&mut self, of: &[(&'static str, &[&str])]) -> (&'static str, Value) {
        let (name, values) = self.one_of(of);
        let value = self.one_of(values);
        (name, serde_json::from_str(value).expect("JSON"))
    }

    /// Everybody who can look, the administrator first.
    pub fn clients(&self) -> impl Iterator<Item = &Client> {
        let people = self.people.iter().map(|one| &one.client);
        std::iter::once(&self.admin).chain(people)
    }

    /// The server has another address since.
    pub fn moved(&mut self, server: &Server) {
        let people = self.people.iter_mut().map(|one| &mut one.client);
        for client in people.chain([&mut self.admin]) {
            *client = server.client().with_token(&client.user_id, &client.token);
        }
    }

    pub fn anybody(&mut self) -> Client {
        let who = self.any(self.people.len());
        self.people[who].client.clone()
    }

    /// A room, and somebody who may mostly do what they like there.
    pub fn somewhere(&mut self) -> (String, &'static str, Client) {
        let there = self.rooms.iter().filter(|room| !room.is_deleted);
        let there: Vec<&Room> = there.collect();
        if there.is_empty() {
            return ("GENERAL".to_owned(), "channels", self.admin.clone());
        }
        let any = self.chance.random_range(0..4);
        let room = there[self.chance.random_range(0..there.len())];
        let who = match any {
            0 => self.admin.clone(),
            1 => self.people[0].client.clone(),
            _ => self.owner_of(&room.id),
        };
        (room.id.clone(), room.family, who)
    }

    /// Who made a room, or, if they are gone, the administrator.
    pub fn owner_of(&self, id: &str) -> Client {
        let room = self.rooms.iter().find(|room| room.id == id);
        let mut people = self.people.iter().map(|one| &one.client);
        let owner = people.find(|one| room.is_some_and(|room| room.owner == one.user_id));
        owner.unwrap_or(&self.admin).clone()
    }

    pub fn any_name(&mut self) -> String {
        let named = self.any(self.people.len());
        self.people[named].name.clone()
    }

    /// Whether there are as many rooms as anybody wants to look at.
    pub fn is_full(&self) -> bool {
        let there = self.rooms.iter().filter(|room| !room.is_deleted);
        there.count() >= MOST_ROOMS
    }

    pub fn a_message(&mut self) -> (String, String) {
        match self.messages.len() {
            0 => ("GENERAL".to_owned(), "nothing".to_owned()),
            count => self.messages[self.chance.random_range(0..count)].clone(),
        }
    }

    /// Something happens, or is refused.
    pub async fn act(&mut self) {
        let deed = match self.any(13) {
            0 | 1 => self.with_a_message(),
            2..=4 => self.with_a_member(),
            5 | 6 => self.with_a_room(),
            7 | 8 => self.with_a_place(),
            9..=11 => self.with_kin(),
            _ => self.with_the_workspace(),
        };
        self.asked.insert(deed.kind());
        let answer = deed.who.post(&deed.path, deed.body.clone()).await;
        // Methods tell of errors in a message of their own.
        let message = answer.body["message"].as_str().unwrap_or_default();
        if answer.status.is_success() && !message.contains(r#""error":"#) {
            self.done.insert(deed.kind());
            self.note(&deed, &answer).await;
        }
    }

    /// What others can do something with from now on.
    async fn note(&mut self, deed: &Deed, answer: &Answer) {
        let body = &answer.body;
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        match &*deed.path {
            "chat.sendMessage" => {
                let message = &body["message"];
                self.messages
                    .push((text(&message["rid"]), text(&message["_id"])));
            }
            "channels.create" | "groups.create" | "im.create" => {
                let made = [("channel", "channels"), ("group", "groups"), ("room", "im")];
                let made = made.into_iter().find(|(key, _)| body.get(key).is_some());
                let (key, family) = made.expect("a room");
                self.found(&text(&body[key]["_id"]), family, deed);
            }
            path if path.contains(".add") && deed.body.get("userId").is_some() => {
                let given = (deed.who.clone(), path.to_owned(), deed.body.clone());
                self.given.push(given);
            }
            "rooms.delete" | "rooms.cleanHistory" | "teams.delete" => {
                self.note_kin(deed, answer);
                self.look_around().await;
            }
            "users.update" => {
                let named = self.who(&deed.body["userId"]);
                self.people[named].name = text(&deed.body["data"]["username"]);
            }
            "users.setActiveStatus" if deed.body["activeStatus"] == true => {
                let back = self.who(&deed.body["userId"]);
                let person = &mut self.people[back];
                person.client = person.client.login(&person.name, &person.password).await;
            }
            "users.delete" => {
                let gone = self.who(&deed.body["userId"]);
                self.people.remove(gone);
                let name = format!("new{}", self.users.len());
                self.welcome(&name).await;
            }
            _ => self.note_kin(deed, answer),
        }
    }

    fn who(&self, id: &Value) -> usize {
        let mut people = self.people.iter();
        people
            .position(|one| *id == *one.client.user_id)
            .expect("one of these people")
    }

    fn with_a_message(&mut self) -> Deed {
        let (room, message) = self.a_message();
        let (any, number) = (self.any(12), self.any(1_000_000));
        let who = if number.is_multiple_of(3) {
            self.admin.clone()
        } else {
            self.anybody()
        };
        let named = self.any(self.people.len());
        let name = &self.people[named].name;
        let calls = ["hello", "@all", "@here", "tea", "#general", name.as_str()];
        let text = format!("{number} @{}", calls[number % calls.len()]);
        let (path, body) = match any {
            0 => {
                let it = json!({"roomId": room, "msgId": message, "text": text});
                ("chat.update", it)
            }
            1 => ("chat.delete", json!({"roomId": room, "msgId": message})),
            2 | 3 => {
                let is = !number.is_multiple_of(4);
                let it = json!({"messageId": message, "emoji": ":tea:", "shouldReact": is});
                ("chat.react", it)
            }
            4 | 5 => {
                let shown = number.is_multiple_of(2);
                let it = json!({"rid": room, "msg": text, "tmid": message, "tshow": shown});
                ("chat.sendMessage", json!({"message": it}))
            }
            _ => {
                let (room, _, owner) = self.somewhere();
                let it = json!({"message": {"rid": room, "msg": text}});
                let who = if any < 9 { owner } else { who };
                return deed(who, "chat.sendMessage", it);
            }
        };
        deed(who, path, body)
    }

    fn with_a_member(&mut self) -> Deed {
        let (room, family, owner) = self.somewhere();
        let (anybody, other) = (self.anybody(), self.anybody());
        let it = json!({"roomId": room});
        let of_other = json!({"roomId": room, "userId": other.user_id});
        let path = |name: &str| format!("{family}.{name}");
        if family == "im" {
            let blocks = self.any(2) == 0;
            return match self.any(4) {
                0 => deed(anybody, "im.leave", it),
                1 => deed(self.admin.clone(), "im.kick", of_other),
                _ => deed(
                    owner,
                    "im.blockUser",
                    json!({"roomId": room, "block": blocks}),
                ),
            };
        }
        match self.any(18) {
            0 | 1 => deed(anybody, "rooms.join", it),
            2 => deed(anybody, "rooms.leave", it),
            3 => deed(owner, path("leave"), it),
            4..=8 => deed(owner, path("invite"), of_other),
            9 => deed(owner, path("kick"), of_other),
            10 => deed(owner, "rooms.muteUser", of_other),
            11 => deed(owner, "rooms.unmuteUser", of_other),
            12 => deed(owner, "rooms.banUser", of_other),
            13 => deed(owner, "rooms.unbanUser", of_other),
            14 => deed(self.admin.clone(), path("addAll"), it),
            _ => {
                let taken = (self.any(3) == 0).then(|| self.given.pop()).flatten();
                if let Some((who, path, body)) = taken {
                    return deed(who, path.replacen(".add", ".remove", 1), body);
                }
                let role = self.one_of(&["addOwner", "addModerator", "addLeader"]);
                deed(owner, path(role), of_other)
            }
        }
    }

    fn with_a_room(&mut self) -> Deed {
        let (room, _, owner) = self.somewhere();
        let number = self.any(1_000_000);
        let any = self.any(10);
        if any < 3 && !self.is_full() {
            let (maker, others) = (self.anybody(), [self.any(4), self.any(4)]);
            let names = others.map(|other| self.people[other].name.clone());
            let wish = json!({"name": format!("room{number}"), "members": names});
            return match any {
                0 => deed(maker, "channels.create", wish),
                1 => deed(maker, "groups.create", wish),
                _ => {
                    let names = names[..=number % 2].join(",");
                    deed(maker, "im.create", json!({"usernames": names}))
                }
            };
        }
        match any {
            0 => deed(self.admin.clone(), "rooms.delete", json!({"roomId": room})),
            1 | 2 => {
                let action = self.one_of(&["archive", "unarchive", "unarchive"]);
                let wish = json!({"rid": room, "action": action});
                deed(self.admin.clone(), "rooms.changeArchivationState", wish)
            }
            3 | 4 => {
                let wish = json!({"rid": room, "roomName": format!("room{number}")});
                deed(owner, "rooms.saveRoomSettings", wish)
            }
            _ => {
                let (name, value) = self.setting(ROOM_SETTINGS);
                let who = if any < 8 { self.admin.clone() } else { owner };
                deed(
                    who,
                    "rooms.saveRoomSettings",
                    json!({"rid": room, name: value}),
                )
            }
        }
    }

    fn with_a_place(&mut self) -> Deed {
        let (room, _, owner) = self.somewhere();
        let (within, message) = self.a_message();
        let any = self.any(2) == 0;
        let who = if any { owner } else { self.anybody() };
        match self.any(13) {
            0 => deed(who, "rooms.hide", json!({"roomId": room})),
            1 => deed(who, "rooms.open", json!({"roomId": room})),
            2 => deed(
                who,
                "rooms.favorite",
                json!({"roomId": room, "favorite": any}),
            ),
            3 => {
                let value = self.one_of(&["all", "mentions", "nothing", "default"]);
                let chosen = json!({"desktopNotifications": value, "muteGroupMentions": "1"});
                let wish = json!({"roomId": room, "notifications": chosen});
                deed(who, "rooms.saveNotification", wish)
            }
            4 => {
                let draft = self.one_of(&["well, I", ""]);
                deed(who, "rooms.saveDraft", json!({"rid": room, "draft": draft}))
            }
            5 => {
                let wish = json!({"rid": within, "draft": "hm", "tmid": message});
                deed(who, "rooms.saveDraft", wish)
            }
            6 | 7 => {
                let wish = json!({"rid": room, "readThreads": any});
                deed(who, "subscriptions.read", wish)
            }
            8 => {
                let wish = json!({"rid": within, "tmid": message});
                deed(who, "subscriptions.read", wish)
            }
            9 => deed(who, "subscriptions.unread", json!({"roomId": room})),
            10 => {
                let wish = json!({"firstUnreadMessage": {"_id": message}});
                deed(who, "subscriptions.unread", wish)
            }
            11 => {
                let other = self.anybody().user_id;
                let wish = json!({"rid": room, "userId": other, "ignore": any});
                method(who, "ignoreUser", &json!([wish]))
            }
            _ => method(who, "toggleFavorite", &json!([room])),
        }
    }

    fn with_the_workspace(&mut self) -> Deed {
        let (admin, other, number) = (self.admin.clone(), self.anybody(), self.any(1_000_000));
        let id = other.user_id.clone();
        match self.any(16) {
            0 | 1 => {
                let data = json!({"username": format!("user{number}")});
                deed(admin, "users.update", json!({"userId": id, "data": data}))
            }
            2 | 3 => {
                let wish = json!({"userId": id, "activeStatus": number.is_multiple_of(2),
                                  "confirmRelinquish": true});
                deed(admin, "users.setActiveStatus", wish)
            }
            4 if number.is_multiple_of(3) => {
                let wish = json!({"userId": id, "confirmRelinquish": true});
                deed(admin, "users.delete", wish)
            }
            5 | 6 => {
                let data = json!({"highlights": ["tea"], "desktopNotifications": "mentions"});
                deed(other, "users.setPreferences", json!({"data": data}))
            }
            7 => {
                let roles = [["user", "guest"], ["user", "bot"]][number % 2];
                let wish = json!({"permissions": [{"_id": "create-p", "roles": roles}]});
                deed(admin, "permissions.update", wish)
            }
            _ => {
                let (setting, value) = self.setting(SETTINGS);
                let path = format!("settings/{setting}");
                deed(admin, path, json!({"value": value}))
            }
        }
    }
}

pub fn deed(who: Client, path: impl Into<String>, body: Value) -> Deed {
    Deed {
        who,
        path: path.into(),
        body,
    }
}

fn method(who: Client, name: &str, params: &Value) -> Deed {
    let message = json!({"msg": "method", "id": "1", "method": name, "params": params});
    let body = json!({"message": message.to_string()});
    deed(who, format!("method.call/{name}"), body)
}
