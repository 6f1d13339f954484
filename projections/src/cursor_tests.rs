//! Whatever is posted, read, marked unread and deleted by whoever acts by views of whatever age: send times rise in the
//! order of the log, and `unread` is what lies behind `ls`.

use std::collections::BTreeMap;

use domain::membership::{Joining, MarkedUnread, MembershipEvent, ReadCursorMoved};
use domain::message::{Mention, MessageDeleted, MessageEvent, Remains};
use domain::room::RoomKind;
use domain::user::{PreferencesChanged, UserEvent};
use domain::{Event, MessageId, RoomId, SeenUpTo, Timestamp, UserId};
use rusqlite::Connection;
use serde_json::Value;

use crate::chat::memberships::listed_since;
use crate::engine::applied::Applied;
use crate::engine::tx::Tx;
use crate::engine::worker;
use crate::function_tests::{all, live};
use crate::iso;
use crate::testing::{Dice, join, post, posted, recorded, room, t, user};

const USERS: [&str; 3] = ["anna", "bert", "carl"];
const ROOMS: [&str; 2] = ["general", "dm"];

/// A message as the test remembers it.
struct Said {
    id: String,
    room: usize,
    position: u64,
}

struct Play {
    dice: Dice,
    tx: Tx,
    position: u64,
    now: i64,
    said: Vec<Said>,
    /// Per room: its newest send time after each event, as views of that age had it.
    clocks: Vec<Vec<Timestamp>>,
    pending: Vec<Applied>,
}

impl Play {
    fn begin(seed: u64, tx: Tx) -> Self {
        let mut play = Self {
            dice: Dice(seed),
            tx,
            position: 0,
            now: 10,
            said: Vec::new(),
            clocks: Vec::new(),
            pending: Vec::new(),
        };
        for id in USERS {
            play.happen(&user(id));
        }
        play.happen(&room("general", RoomKind::Channel, &[]));
        play.happen(&room("dm", RoomKind::Direct, &["anna", "bert"]));
        for id in USERS {
            play.happen(&join(id, "general", Joining::Initial, &[], 2));
        }
        play.happen(&join("anna", "dm", Joining::DirectCreator, &[], 2));
        play.happen(&join("bert", "dm", Joining::DirectOther, &[], 2));
        let words = UserEvent::from(PreferencesChanged {
            user: UserId::new("carl"),
            set: [("highlights".to_owned(), Value::from(vec!["Tea"]))]
                .into_iter()
                .collect(),
            unset: Vec::new(),
            at: t(3),
        });
        play.happen(&words.into());
        play.commit();
        play
    }

    fn happen(&mut self, event: &Event) {
        self.position += 1;
        let recorded = recorded(self.position, self.now, event);
        self.pending.push(Applied::decode(&recorded).unwrap());
    }

    fn commit(&mut self) {
        worker::transact(&mut self.tx, &all(), &std::mem::take(&mut self.pending)).unwrap();
        if self.dice.roll(4) == 0 {
            self.tx.trim();
        }
        let clocks = ROOMS.map(|room| {
            let sql = "SELECT clock FROM rooms WHERE id = ?1";
            let clock = self.tx.conn.query_row(sql, [room], |row| row.get(0));
            Timestamp::from_millis(clock.unwrap())
        });
        self.clocks.push(clocks.to_vec());
    }

    /// Views as somebody had them a while ago, more or less.
    fn view(&mut self) -> usize {
        let back = self.dice.roll(12) * self.dice.roll(2);
        self.clocks.len().saturating_sub(1 + back)
    }

    fn message(&mut self, place: usize, who: &str, at: Timestamp) -> Event {
        let members = USERS.len() - place;
        let id = format!("m{}", self.position);
        let text = ["hello", "a cup of TEA", "teapot"][self.dice.roll(3)];
        let mut message = post(
            &id,
            ROOMS[place],
            who,
            text,
            at.as_millis() - t(0).as_millis(),
        );
        if self.dice.roll(4) == 0 {
            let called = UserId::new(USERS[self.dice.roll(members)]);
            message.content.mentions.push(Mention::User(called));
        }
        if self.dice.roll(6) == 0 {
            message.content.mentions.push(Mention::All);
        }
        if self.dice.roll(6) == 0 {
            message.thread = self
                .said
                .iter()
                .find(|said| said.room == place)
                .map(|said| MessageId::new(&said.id));
        }
        // A writer does not see what is not committed yet, nor some of what is.
        let behind = u64::try_from(self.dice.roll(8) * self.dice.roll(2)).unwrap();
        let committed = self.tx.position.get();
        message.seen = Some(SeenUpTo::new(committed.saturating_sub(behind)));
        let position = self.position + 1;
        self.said.push(Said {
            id,
            room: place,
            position,
        });
        posted(message)
    }

    fn step(&mut self) {
        self.now += i64::try_from(self.dice.roll(3)).unwrap();
        let at = t(self.now - i64::try_from(self.dice.roll(5)).unwrap());
        let place = self.dice.roll(2);
        let (room, members) = (ROOMS[place], USERS.len() - place);
        let who = USERS[self.dice.roll(members)];
        let (rid, uid) = (RoomId::new(room), UserId::new(who));
        let event: Event = match self.dice.roll(10) {
            0..=4 => self.message(place, who, at),
            5..=7 => {
                let view = self.view();
                MembershipEvent::from(ReadCursorMoved {
                    room: rid,
                    user: uid,
                    threads: self.dice.roll(2) == 0,
                    cursor: (self.dice.roll(8) > 0).then(|| self.clocks[view][place]),
                    at,
                })
                .into()
            }
            8 if !self.said.is_empty() => {
                let said = self.dice.roll(self.said.len());
                let said = &self.said[said];
                let position = i64::try_from(said.position).unwrap();
                let sql = "SELECT at FROM messages WHERE seq = ?1";
                let at_it = self.tx.conn.query_row(sql, [position], |row| row.get(0));
                let Ok(cursor) = at_it.map(Timestamp::from_millis) else {
                    return;
                };
                let members = USERS.len() - said.room;
                MembershipEvent::from(MarkedUnread {
                    room: RoomId::new(ROOMS[said.room]),
                    user: UserId::new(USERS[self.dice.roll(members)]),
                    cursor,
                    at,
                })
                .into()
            }
            9 if !self.said.is_empty() => {
                let said = self.dice.roll(self.said.len());
                let said = &self.said[said];
                let remains = [Remains::Nothing, Remains::Placeholder][self.dice.roll(2)];
                MessageEvent::from(MessageDeleted {
                    message: MessageId::new(&said.id),
                    room: RoomId::new(ROOMS[said.room]),
                    by: uid,
                    at,
                    remains,
                })
                .into()
            }
            _ => return,
        };
        self.happen(&event);
    }
}

/// A user's memberships as lists show them, by room.
fn listed(conn: &Connection, user: &str, since: Option<Timestamp>) -> BTreeMap<String, Value> {
    let listed = listed_since(conn, &UserId::new(user), since).unwrap();
    let documents = listed.iter().map(|doc| {
        let doc: Value = serde_json::from_slice(doc).unwrap();
        (doc["rid"].as_str().unwrap().to_owned(), doc)
    });
    documents.collect()
}

/// What somebody's counters are, and what they should be by what lies behind the cursor.
fn counters(conn: &Connection, room: &str, user: &str) -> ([i64; 3], [i64; 3]) {
    let seen: Option<i64> = conn
        .query_row(
            "SELECT seen FROM memberships WHERE room = ?1 AND user = ?2",
            [room, user],
            |row| row.get(0),
        )
        .unwrap();
    let place = &listed(conn, user, None)[room];
    let found =
        ["unread", "userMentions", "groupMentions"].map(|field| place[field].as_i64().unwrap());
    let mut expected = [0; 3];
    let mut select = conn
        .prepare("SELECT doc, at FROM messages WHERE room = ?1 AND author <> ?2 AND thread IS NULL AND kind IS NULL")
        .unwrap();
    let mut rows = select.query([room, user]).unwrap();
    while let Some(row) = rows.next().unwrap() {
        if Some(row.get::<_, i64>(1).unwrap()) <= seen {
            continue;
        }
        let doc: Value =
            serde_json::from_slice(row.get_ref(0).unwrap().as_bytes().unwrap()).unwrap();
        let author = doc["u"]["_id"].as_str().unwrap();
        let mentions: Vec<&str> = doc["mentions"]
            .as_array()
            .unwrap()
            .iter()
            .map(|mention| mention["_id"].as_str().unwrap())
            .filter(|id| *id != author)
            .collect();
        let tea = room == "general" && author != "carl" && doc["msg"] == "a cup of TEA";
        let group = mentions.contains(&"all");
        // A word that somebody has highlighted calls them like a name.
        let somebody = tea || mentions.iter().any(|id| *id != "all");
        let counted = if mentions.contains(&user) || (tea && user == "carl") {
            [1, 1, 0]
        } else if group && !somebody {
            [1, 0, 1]
        } else {
            // Everything counts in a conversation of two, but calls to somebody else.
            [i64::from(room == "dm" && !group), 0, 0]
        };
        for (sum, more) in expected.iter_mut().zip(counted) {
            *sum += more;
        }
    }
    (found, expected)
}

fn rises(conn: &Connection, room: &str) -> bool {
    let mut select = conn
        .prepare("SELECT at FROM messages WHERE room = ?1 ORDER BY seq")
        .unwrap();
    let times: Vec<i64> = select
        .query_map([room], |row| row.get(0))
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    times.windows(2).all(|pair| pair[0] < pair[1])
}

/// Whoever asks for what changed is told what they would see changed in the whole list.
#[test]
fn what_changed_is_what_is_listed_as_changed() {
    let dir = tempfile::tempdir().unwrap();
    let mut play = Play::begin(104_729, live(&dir.path().join("views.sqlite")));
    for step in 0..60 {
        for _ in 0..=play.dice.roll(4) {
            play.step();
        }
        play.commit();
        let now = play.now;
        for since in [now, now - 1, now - 3, now - 10].map(Timestamp::from_millis) {
            let from = str::from_utf8(&iso::write(since)).unwrap().to_owned();
            for user in USERS {
                let mut all = listed(&play.tx.conn, user, None);
                all.retain(|_, place| place["_updatedAt"].as_str() >= Some(&*from));
                let changed = listed(&play.tx.conn, user, Some(since));
                assert_eq!(changed, all, "step {step}: {user} since {from}");
            }
        }
    }
}

#[test]
fn unread_is_what_lies_behind_the_cursor() {
    let dir = tempfile::tempdir().unwrap();
    for seed in 1..13_u64 {
        let tx = live(&dir.path().join(format!("views-{seed}.sqlite")));
        let mut play = Play::begin(seed * 7_919, tx);
        for step in 0..60 {
            for _ in 0..=play.dice.roll(4) {
                play.step();
            }
            play.commit();
            for room in ROOMS {
                assert!(
                    rises(&play.tx.conn, room),
                    "seed {seed}, step {step}: {room}"
                );
            }
            for (room, user) in [
                ("general", "anna"),
                ("general", "bert"),
                ("general", "carl"),
                ("dm", "anna"),
                ("dm", "bert"),
            ] {
                let (found, expected) = counters(&play.tx.conn, room, user);
                assert_eq!(
                    found, expected,
                    "seed {seed}, step {step}: {user} in {room}"
                );
            }
        }
    }
}
