//! A workspace in which everything happens now and then, in no particular order of sense.

use std::collections::BTreeSet;

use domain::avatar::{AvatarEvent, AvatarOwner, AvatarReset, AvatarSet};
use domain::data_export::*;
use domain::membership::*;
use domain::message::*;
use domain::room::*;
use domain::session::*;
use domain::setting::{SettingChanged, SettingEvent, SettingReset};
use domain::user::*;
use domain::{
    Event, EventPayload, MessageId, RoleId, RoomId, SeenUpTo, StoredFile, Timestamp, TokenHash,
    UserId,
};
use eventstore::RecordedEvent;
use serde_json::{Map, json};

use super::events::{join, leave, post, posted, room, t, user};
use super::golden::{Cast, Golden, recast};

/// Numbers that look random and are the same every time.
pub struct Dice(pub u64);

impl Dice {
    pub fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap() % sides
    }

    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.roll(from.len())]
    }
}

/// A workspace in which everything happens now and then, in no particular order of sense.
pub struct Chaos {
    dice: Dice,
    pub users: Vec<String>,
    rooms: Vec<String>,
    messages: Vec<(String, String)>,
    names: usize,
    /// How many events there are so far.
    events: u64,
    /// Read when first needed: a tame workspace is made without.
    golden: Option<Golden>,
    pub now: i64,
}

const WORDS: &[&str] = &[
    "hello", "views", "log", "event", "replay", "lunch", "deploy", "coffee", "truth", "again",
];

impl Chaos {
    /// The events that begin it.
    pub fn begin(seed: u64, users: usize, rooms: usize) -> (Self, Vec<Event>) {
        Self::begin_with(seed, users, rooms, users * 2 / 3)
    }

    /// The same, with about so many members in a channel.
    pub fn begin_with(seed: u64, users: usize, rooms: usize, members: usize) -> (Self, Vec<Event>) {
        let mut chaos = Self {
            dice: Dice(seed),
            users: (0..users).map(|n| format!("user{n:013}")).collect(),
            rooms: (0..rooms).map(|n| format!("room{n:013}")).collect(),
            messages: Vec::new(),
            names: 0,
            events: 0,
            golden: None,
            now: 10,
        };
        let mut events: Vec<Event> = chaos.users.iter().map(|id| user(id)).collect();
        for (index, id) in chaos.rooms.clone().iter().enumerate() {
            if index % 4 == 3 {
                let (a, b) = (
                    chaos.users[index % users].clone(),
                    chaos.users[(index + 1) % users].clone(),
                );
                events.push(room(id, RoomKind::Direct, &[&a, &b]));
                events.push(join(&a, id, Joining::DirectCreator, &[], 2));
                events.push(join(&b, id, Joining::DirectOther, &[], 2));
            } else {
                events.push(room(id, RoomKind::Channel, &[]));
                events.push(join(&chaos.users[0], id, Joining::Creator, &["owner"], 2));
                for user in chaos
                    .users
                    .clone()
                    .iter()
                    .skip(1)
                    .filter(|_| chaos.dice.roll(users) < members)
                {
                    events.push(join(user, id, Joining::Initial, &[], 2));
                }
            }
        }
        chaos.events = events.len() as u64;
        (chaos, events)
    }

    fn text(&mut self) -> String {
        let words = 3 + self.dice.roll(12);
        (0..words)
            .map(|_| *self.dice.pick(WORDS))
            .collect::<Vec<_>>()
            .join(" ")
    }

    /// Somewhere, by somebody; in a tame workspace mostly in a few busy places, by a few who talk there.
    fn place(&mut self, wild: bool) -> (String, String) {
        if wild {
            return (
                self.dice.pick(&self.rooms).clone(),
                self.dice.pick(&self.users).clone(),
            );
        }
        let busy =
            self.dice.roll(self.rooms.len()) * self.dice.roll(self.rooms.len()) / self.rooms.len();
        let talker = (busy * 7 + self.dice.roll(40)) % self.users.len();
        (self.rooms[busy].clone(), self.users[talker].clone())
    }

    /// A read cursor that is seldom where the room is.
    fn stale(&mut self) -> Option<Timestamp> {
        let back = i64::try_from(self.dice.roll(8000)).unwrap();
        (self.dice.roll(3) > 0).then(|| t(self.now - back))
    }

    /// A message by anybody anywhere.
    pub fn message(&mut self, wild: bool) -> Event {
        self.names += 1;
        let id = format!("message{:010}", self.names);
        let (room, author) = self.place(wild);
        let text = self.text();
        let mut message = post(&id, &room, &author, &text, self.now);
        if self.dice.roll(10) == 0 {
            message
                .content
                .mentions
                .push(Mention::User(UserId::new(self.dice.pick(&self.users))));
        }
        if self.dice.roll(if wild { 60 } else { 2000 }) == 0 {
            message.content.mentions.push(Mention::All);
        }
        // Most see all there is; some are a few events behind.
        if self.dice.roll(3) == 0 {
            let behind = u64::try_from(self.dice.roll(40)).unwrap();
            message.seen = Some(SeenUpTo::new(self.events.saturating_sub(behind)));
        }
        // Servers' clocks differ, and several messages come at once.
        message.at = t(self.now - i64::try_from(self.dice.roll(2000)).unwrap());
        if self.dice.roll(8) == 0 && !self.messages.is_empty() {
            let from = self.messages.len().saturating_sub(50);
            let (parent, room) = self.dice.pick(&self.messages[from..]).clone();
            message.thread = Some(MessageId::new(parent));
            message.room = RoomId::new(&room);
            message.shown_in_room = self.dice.roll(3) == 0;
        } else {
            self.messages.push((id, room));
        }
        posted(message)
    }

    /// What happens next. `wild`: renames, deletions and other rare things as well, and often.
    pub fn next(&mut self, wild: bool) -> Event {
        self.events += 1;
        self.now += 1 + i64::try_from(self.dice.roll(900)).unwrap();
        let at = t(self.now);
        let (room, user) = self.place(wild);
        let (rid, uid) = (RoomId::new(&room), UserId::new(&user));
        let chance = if wild && self.dice.roll(4) == 0 {
            999
        } else {
            self.dice.roll(960)
        };
        if chance < 720 || self.messages.is_empty() {
            return self.message(wild);
        }
        let recent = self
            .messages
            .len()
            .saturating_sub(if wild { 500 } else { 40 });
        let (message, home) = self.dice.pick(&self.messages[recent..]).clone();
        let (message, home) = (MessageId::new(message), RoomId::new(home));
        if chance < 800 {
            return MembershipEvent::from(ReadCursorMoved {
                room: rid,
                user: uid,
                threads: chance % 5 == 0,
                cursor: self.stale(),
                at,
            })
            .into();
        }
        if chance < 880 {
            let emoji = [":+1:", ":smile:", ":tada:"][chance % 3].to_owned();
            return MessageEvent::from(ReactionAdded {
                message,
                room: home,
                user: uid,
                emoji,
                at,
            })
            .into();
        }
        if chance < 910 {
            let emoji = [":+1:", ":smile:", ":tada:"][chance % 3].to_owned();
            return MessageEvent::from(ReactionRemoved {
                message,
                room: home,
                user: uid,
                emoji,
                at,
            })
            .into();
        }
        if chance < 940 {
            let content = Content {
                text: self.text(),
                urls: Some(vec!["https://a.b".to_owned()]),
                ..Content::default()
            };
            let hidden = (chance % 3 == 0).then(|| {
                Box::new(Hidden {
                    content: json!({ "ciphertext": chance }),
                    mentions: (chance % 2 == 0).then(|| json!({ "e2eUserMentions": [] })),
                })
            });
            let content = if hidden.is_some() {
                Content::default()
            } else {
                content
            };
            let custom_fields = (chance % 4 == 0).then(|| json!({ "edit": chance }));
            return MessageEvent::from(MessageEdited {
                message,
                room: home,
                editor: uid,
                at,
                content,
                hidden,
                custom_fields,
            })
            .into();
        }
        if chance < 955 {
            let remains = if chance % 2 == 0 {
                Remains::Nothing
            } else {
                Remains::Placeholder
            };
            return MessageEvent::from(MessageDeleted {
                message,
                room: home,
                by: uid,
                at,
                remains,
            })
            .into();
        }
        if chance < 960 {
            return SessionEvent::from(TokenIssued {
                user: uid,
                hash: TokenHash::new(format!("{chance}{user}")),
                granted: false,
                at,
            })
            .into();
        }
        if !wild {
            return self.message(wild);
        }
        if self.dice.roll(2) == 0 {
            return self.anything(&room, &message, &home, at);
        }
        match self.dice.roll(16) {
            0 | 1 => leave(&user, &room, self.now),
            3 if self.dice.roll(2) == 0 => self.standing(uid, rid, at),
            2 | 3 => join(&user, &room, Joining::Joined, &[], self.now),
            4 => join(
                &user,
                &room,
                Joining::Added {
                    by: UserId::new(&self.users[0]),
                },
                &["moderator"],
                self.now,
            ),
            5 => MembershipEvent::from(RoomHidden {
                room: rid,
                user: uid,
                at,
            })
            .into(),
            6 => MembershipEvent::from(MarkedUnread {
                room: rid,
                user: uid,
                cursor: self.stale().unwrap_or(at),
                at,
            })
            .into(),
            7 => {
                self.names += 1;
                let username = format!("renamed{}", self.names);
                UserEvent::from(UsernameChanged {
                    user: uid,
                    username,
                    at,
                })
                .into()
            }
            8 => {
                self.names += 1;
                let name = format!("renamed-{}", self.names);
                RoomEvent::from(RoomRenamed {
                    room: rid,
                    display_name: name.clone(),
                    name,
                    by: uid,
                    at,
                })
                .into()
            }
            9 => RoomEvent::from(TopicChanged {
                room: rid,
                text: self.text(),
                by: uid,
                at,
            })
            .into(),
            10 => {
                let role = RoleId::new("owner");
                MembershipEvent::from(RoomRoleGranted {
                    quietly: false,
                    room: rid,
                    user: uid.clone(),
                    role,
                    by: uid,
                    at,
                })
                .into()
            }
            11 => {
                let role = RoleId::new("owner");
                MembershipEvent::from(RoomRoleRevoked {
                    quietly: false,
                    room: rid,
                    user: uid.clone(),
                    role,
                    by: uid,
                    at,
                })
                .into()
            }
            12 if self.dice.roll(2) == 0 => RoomEvent::from(RoomArchived {
                room: rid,
                by: uid,
                at,
            })
            .into(),
            12 => RoomEvent::from(RoomUnarchived {
                room: rid,
                by: uid,
                at,
            })
            .into(),
            13 if self.dice.roll(2) == 0 => self.receipts(at),
            13 => {
                let value =
                    ["all_messages", "user_and_group_mentions_only"][self.dice.roll(2)].into();
                SettingEvent::from(SettingChanged {
                    setting: "Unread_Count".to_owned(),
                    value,
                    sealed: None,
                    editor: None,
                    from_environment: false,
                    at,
                })
                .into()
            }
            14 if self.dice.roll(4) == 0 && self.rooms.len() > 4 => {
                self.rooms.retain(|one| *one != room);
                self.messages.retain(|(_, home)| *home != room);
                RoomEvent::from(RoomDeleted {
                    room: rid,
                    by: uid,
                    at,
                })
                .into()
            }
            15 if self.dice.roll(4) == 0 && self.users.len() > 6 => {
                self.users.retain(|one| *one != user);
                let messages = [
                    MessageErasure::Delete,
                    MessageErasure::Unlink,
                    MessageErasure::Keep,
                ][self.dice.roll(3)];
                UserEvent::from(UserDeleted {
                    user: uid,
                    messages,
                    at,
                })
                .into()
            }
            15 if self.dice.roll(4) == 0 => self.picture(uid, rid, at),
            15 if self.dice.roll(3) > 0 => self.account(uid, at),
            _ => {
                let change = ProfileChange {
                    name: Some(self.text()),
                    ..ProfileChange::default()
                };
                UserEvent::from(ProfileChanged {
                    user: uid,
                    change,
                    at,
                })
                .into()
            }
        }
    }

    /// It is noted who has read what, mostly, or no longer.
    fn receipts(&mut self, at: Timestamp) -> Event {
        let setting = [
            "Message_Read_Receipt_Enabled",
            "Message_Read_Receipt_Store_Users",
        ][self.dice.roll(2)]
        .to_owned();
        let event = match self.dice.roll(4) {
            0 => SettingReset { setting, at }.into(),
            _ => SettingEvent::from(SettingChanged {
                setting,
                value: true.into(),
                sealed: None,
                editor: None,
                from_environment: false,
                at,
            }),
        };
        event.into()
    }

    /// Somebody stands otherwise in a room, in it or not.
    fn standing(&mut self, user: UserId, room: RoomId, at: Timestamp) -> Event {
        let by = UserId::new(&self.users[0]);
        match self.dice.roll(4) {
            0 => MembershipEvent::from(MemberMuted { room, user, by, at }).into(),
            1 => MembershipEvent::from(MemberUnmuted { room, user, by, at }).into(),
            2 => MembershipEvent::from(UserBannedFromRoom { room, user, by, at }).into(),
            _ => MembershipEvent::from(UserUnbannedFromRoom { room, user, by, at }).into(),
        }
    }

    /// Something of any type at all, with somebody there or about a message in its room.
    fn anything(&mut self, room: &str, message: &MessageId, home: &RoomId, at: Timestamp) -> Event {
        let golden = self.golden.get_or_insert_with(Golden::load);
        let (event_type, mut data) = golden.draw(&mut self.dice);
        let cast = Cast {
            users: &self.users,
            rooms: &self.rooms,
            room: if data.get("message").is_some() {
                home.as_str()
            } else {
                room
            },
            message: message.as_str(),
            at: at.as_millis(),
        };
        recast(&mut data, "", &cast, &mut self.dice);
        match Event::deserialize_data(event_type, data) {
            Some(Ok(event)) => event,
            outcome => panic!("no {event_type} can be made of its golden file: {outcome:?}"),
        }
    }

    /// Somebody or something has another picture, or none.
    fn picture(&mut self, user: UserId, room: RoomId, at: Timestamp) -> Event {
        let owner = if self.dice.roll(2) == 0 {
            AvatarOwner::User(user)
        } else {
            AvatarOwner::Room(room)
        };
        if self.dice.roll(3) == 0 {
            let letters = self.dice.roll(2) == 0;
            return AvatarEvent::from(AvatarReset { owner, letters, at }).into();
        }
        let file = StoredFile {
            id: self.text(),
            sha256: "00".to_owned(),
            content_type: "image/png".to_owned(),
            size: 3,
        };
        AvatarEvent::from(AvatarSet {
            owner,
            origin: "rest".to_owned(),
            file,
            at,
        })
        .into()
    }

    /// Something rare about an account.
    fn account(&mut self, user: UserId, at: Timestamp) -> Event {
        let set = |name: &str, value: serde_json::Value| -> Event {
            UserEvent::from(PreferencesChanged {
                user: user.clone(),
                set: [(name.to_owned(), value)].into_iter().collect(),
                unset: vec!["clockMode".to_owned()],
                at,
            })
            .into()
        };
        match self.dice.roll(6) {
            0 => UserEvent::from(UserDeactivated {
                user,
                idle: false,
                at,
            })
            .into(),
            1 => UserEvent::from(UserActivated { user, at }).into(),
            2 => set(
                "desktopNotifications",
                ["all", "default"][self.dice.roll(2)].into(),
            ),
            3 => set("highlights", vec![*self.dice.pick(WORDS)].into()),
            4 => DataExportEvent::from(DataExportRequested {
                user,
                export: format!("export{}", self.names),
                full: false,
                at,
            })
            .into(),
            _ => DataExportEvent::from(DataExportCompleted {
                user,
                export: format!("export{}", self.names),
                size: 1,
                sha256: String::new(),
                at,
            })
            .into(),
        }
    }
}

/// The types of events.
pub fn types(events: &[RecordedEvent]) -> BTreeSet<String> {
    events
        .iter()
        .map(|event| event.event_type.to_string())
        .collect()
}
