//! Whoever reads, marks unread, comes and goes: what is told of who has read what is what somebody would say who watched
//! every message and noted every reader of each.

use std::collections::{BTreeMap, BTreeSet};

use domain::membership::{Joining, MarkedUnread, MembershipEvent, ReadCursorMoved, ThreadRead};
use domain::message::{MessageDeleted, MessageEvent, Remains};
use domain::room::RoomKind;
use domain::setting::{SettingChanged, SettingEvent};
use domain::user::{MessageErasure, UserActivated, UserDeactivated, UserDeleted, UserEvent};
use domain::{Event, MessageId, RoomId, SeenUpTo, Timestamp, UserId};

use crate::chat::receipts::{ReadFloor, floor, receipts};
use crate::engine::applied::Applied;
use crate::engine::tx::Tx;
use crate::engine::worker;
use crate::function_tests::{all, dump, first_difference, live};
use crate::testing::{Dice, join, leave, post, posted, recorded, room, t, user};

const USERS: [&str; 4] = ["anna", "bert", "carl", "dora"];
const ROOMS: [&str; 2] = ["general", "dm"];
const SETTINGS: [&str; 2] = [
    "Message_Read_Receipt_Enabled",
    "Message_Read_Receipt_Store_Users",
];

/// A message as the observer knows it: every reader with the time of reading.
#[derive(Clone, Debug)]
struct Seen {
    room: &'static str,
    thread: Option<String>,
    at: i64,
    /// It was sent while it was noted how far everybody reads, and somebody has not read it.
    unread: bool,
    readers: BTreeMap<&'static str, i64>,
}

/// Notes every reader of every message, one by one.
#[derive(Default)]
struct Observer {
    on: [bool; 2],
    messages: BTreeMap<String, Seen>,
    cursors: BTreeMap<(&'static str, &'static str), Option<i64>>,
    asleep: BTreeSet<&'static str>,
}

impl Observer {
    /// Somebody's cursor is there now; what it passed for the first time they have read.
    fn moves(&mut self, room: &'static str, who: &'static str, to: i64, at: i64) {
        let from = self.cursors.insert((room, who), Some(to)).flatten();
        let [floors, readers] = self.on;
        if !floors {
            return;
        }
        let passed = |seen: &&mut Seen| {
            seen.room == room && seen.unread && Some(seen.at) > from && seen.at <= to
        };
        if readers {
            for seen in self.messages.values_mut().filter(passed) {
                seen.readers.entry(who).or_insert(at);
            }
        }
        let here = self.cursors.iter();
        let here = here.filter(|((there, user), _)| *there == room && !self.asleep.contains(user));
        let Some(behind) = here.map(|(_, cursor)| *cursor).min().flatten() else {
            return;
        };
        let read = |seen: &&mut Seen| seen.room == room && seen.at <= behind;
        for seen in self.messages.values_mut().filter(read) {
            seen.unread = false;
        }
    }

    fn reads_thread(
        &mut self,
        room: &'static str,
        who: &'static str,
        thread: &str,
        to: i64,
        at: i64,
    ) {
        let from = self.cursors.get(&(room, who)).copied().flatten();
        if self.on != [true, true] {
            return;
        }
        for seen in self.messages.values_mut().filter(|seen| {
            seen.room == room
                && seen.thread.as_deref() == Some(thread)
                && seen.unread
                && Some(seen.at) > from
                && seen.at <= to
        }) {
            seen.readers.entry(who).or_insert(at);
        }
    }
}

struct Play {
    dice: Dice,
    tx: Tx,
    log: Vec<Applied>,
    committed: usize,
    observer: Observer,
    /// Newest send time of each room.
    clocks: BTreeMap<&'static str, i64>,
    now: i64,
}

impl Play {
    fn begin(seed: u64, tx: Tx) -> Self {
        let mut play = Self {
            dice: Dice(seed),
            tx,
            log: Vec::new(),
            committed: 0,
            observer: Observer::default(),
            clocks: ROOMS
                .into_iter()
                .map(|room| (room, t(1).as_millis()))
                .collect(),
            now: 10,
        };
        for id in USERS {
            play.happen(&user(id));
        }
        play.happen(&room("general", RoomKind::Channel, &[]));
        play.happen(&room("dm", RoomKind::Direct, &["anna", "bert"]));
        for id in USERS {
            play.joins("general", id, Joining::Initial);
        }
        play.joins("dm", "anna", Joining::DirectCreator);
        play.joins("dm", "bert", Joining::DirectOther);
        play
    }

    fn happen(&mut self, event: &Event) {
        let position = self.log.len() as u64 + 1;
        let recorded = recorded(position, self.now, event);
        self.log.push(Applied::decode(&recorded).unwrap());
    }

    fn joins(&mut self, room: &'static str, who: &'static str, joining: Joining) {
        // Initial members have no line about them.
        self.happen(&join(who, room, joining, &[], self.now));
        self.observer.cursors.entry((room, who)).or_insert(None);
    }

    fn commit(&mut self) {
        worker::transact(&mut self.tx, &all(), &self.log[self.committed..]).unwrap();
        self.committed = self.log.len();
        if self.dice.roll(3) == 0 {
            self.tx.trim();
        }
    }

    /// Somebody who is in a room.
    fn member(&mut self) -> (&'static str, &'static str) {
        let members: Vec<_> = self.observer.cursors.keys().copied().collect();
        *self.dice.pick(&members)
    }

    fn is_there(&self, room: &'static str, who: &'static str) -> bool {
        self.observer.cursors.contains_key(&(room, who))
    }

    fn switch(&mut self) {
        let which = self.dice.roll(2);
        let value = self.dice.roll(4) > 0;
        let was = self.observer.on;
        let mut said = [was[0], was[1]];
        said[which] = value;
        self.happen(
            &SettingEvent::from(SettingChanged {
                setting: SETTINGS[which].to_owned(),
                value: value.into(),
                sealed: None,
                editor: None,
                from_environment: false,
                at: t(self.now),
            })
            .into(),
        );
        if said[0] && !was[0] {
            // What was said before is not unread.
            for seen in self.observer.messages.values_mut() {
                seen.unread = false;
            }
        }
        self.observer.on = said;
    }

    fn says(&mut self, room: &'static str, who: &'static str) {
        let id = format!("m{}", self.log.len());
        let mut message = post(&id, room, who, "hello", self.now);
        let here = self.observer.messages.iter();
        let parents: Vec<_> = here
            .filter(|(_, seen)| seen.room == room && seen.thread.is_none())
            .map(|(id, _)| id.clone())
            .collect();
        if self.dice.roll(3) == 0 && !parents.is_empty() {
            message.thread = Some(MessageId::new(self.dice.pick(&parents)));
        }
        message.seen = Some(SeenUpTo::new(self.log.len() as u64));
        let thread = message.thread.as_ref().map(ToString::to_string);
        self.happen(&posted(message));
        let at = t(self.now).as_millis().max(self.clocks[room] + 1);
        self.clocks.insert(room, at);
        let seen = Seen {
            room,
            thread,
            at,
            unread: self.observer.on[0],
            readers: BTreeMap::new(),
        };
        self.observer.messages.insert(id.clone(), seen);
        self.observer.moves(room, who, at, at);
    }

    fn reads(&mut self, room: &'static str, who: &'static str) {
        let clock = self.clocks[room];
        let back = i64::try_from(self.dice.roll(4) * self.dice.roll(3)).unwrap();
        let (at, cursor) = (t(self.now), clock - back);
        self.happen(
            &MembershipEvent::from(ReadCursorMoved {
                room: RoomId::new(room),
                user: UserId::new(who),
                threads: false,
                cursor: Some(Timestamp::from_millis(cursor)),
                at,
            })
            .into(),
        );
        let seen = self.observer.cursors[&(room, who)];
        let to = seen.map_or(cursor, |seen| seen.max(cursor));
        self.observer.moves(room, who, to, at.as_millis());
    }

    fn reads_thread(&mut self, room: &'static str, who: &'static str) {
        let here = self.observer.messages.values();
        let threads: Vec<_> = here
            .filter(|seen| seen.room == room)
            .filter_map(|seen| seen.thread.clone())
            .collect();
        if threads.is_empty() {
            return;
        }
        let thread = self.dice.pick(&threads).clone();
        let at = t(self.now);
        self.happen(
            &MembershipEvent::from(ThreadRead {
                room: RoomId::new(room),
                user: UserId::new(who),
                thread: MessageId::new(&thread),
                cursor: None,
                at,
            })
            .into(),
        );
        let clock = self.clocks[room];
        self.observer
            .reads_thread(room, who, &thread, clock, at.as_millis());
    }

    fn marks_unread(&mut self, room: &'static str, who: &'static str) {
        let here = self.observer.messages.values();
        let times: Vec<i64> = here
            .filter(|seen| seen.room == room)
            .map(|seen| seen.at)
            .collect();
        if times.is_empty() {
            return;
        }
        let cursor = *self.dice.pick(&times);
        let at = t(self.now);
        self.happen(
            &MembershipEvent::from(MarkedUnread {
                room: RoomId::new(room),
                user: UserId::new(who),
                cursor: Timestamp::from_millis(cursor),
                at,
            })
            .into(),
        );
        self.observer.moves(room, who, cursor, at.as_millis());
    }

    fn removes(&mut self) {
        let here = self.observer.messages.iter();
        let known: Vec<_> = here.map(|(id, seen)| (id.clone(), seen.room)).collect();
        if known.is_empty() {
            return;
        }
        let (id, room) = self.dice.pick(&known).clone();
        let remains = [Remains::Nothing, Remains::Placeholder][self.dice.roll(2)];
        self.happen(
            &MessageEvent::from(MessageDeleted {
                message: MessageId::new(&id),
                room: RoomId::new(room),
                by: UserId::new("anna"),
                at: t(self.now),
                remains,
            })
            .into(),
        );
        self.observer.messages.remove(&id);
    }

    /// Carl may log in no longer, or again; dora leaves, or comes back.
    fn comes_or_goes(&mut self) {
        let at = t(self.now);
        match self.dice.roll(4) {
            0 => {
                let user = UserId::new("carl");
                let event = UserDeactivated {
                    user,
                    idle: true,
                    at,
                };
                self.happen(&UserEvent::from(event).into());
                self.observer.asleep.insert("carl");
            }
            1 => {
                let user = UserId::new("carl");
                self.happen(&UserEvent::from(UserActivated { user, at }).into());
                self.observer.asleep.remove("carl");
            }
            2 if self.is_there("general", "dora") => {
                self.happen(&leave("dora", "general", self.now));
                self.observer.cursors.remove(&("general", "dora"));
                self.line_in("general");
            }
            _ if !self.is_there("general", "dora") => {
                self.joins("general", "dora", Joining::Initial);
            }
            _ => {}
        }
    }

    /// The room gets a line about what happened: it is sent, too.
    fn line_in(&mut self, room: &'static str) {
        let at = t(self.now).as_millis().max(self.clocks[room] + 1);
        self.clocks.insert(room, at);
    }

    fn step(&mut self) {
        self.now += i64::try_from(self.dice.roll(4)).unwrap();
        let (room, who) = self.member();
        match self.dice.roll(16) {
            0..=5 => self.says(room, who),
            6..=9 => self.reads(room, who),
            10 | 11 => self.reads_thread(room, who),
            12 => self.marks_unread(room, who),
            13 => self.removes(),
            14 => self.comes_or_goes(),
            _ => self.switch(),
        }
    }

    fn check(&self, place: &str) {
        for (id, seen) in &self.observer.messages {
            let found = receipts(&self.tx.conn, &MessageId::new(id)).unwrap();
            let found: BTreeMap<String, i64> = found
                .iter()
                .map(|read| (read.user.to_string(), read.at.as_millis()))
                .collect();
            let expected = seen.readers.iter();
            let expected = expected.map(|(who, at)| ((*who).to_owned(), *at)).collect();
            assert_eq!(found, expected, "{place}: {id} {seen:?}");
            if self.observer.on[0] {
                let floor = floor(&self.tx.conn, &RoomId::new(seen.room)).unwrap();
                let floor = floor.map_or(ReadFloor::NOTHING, ReadFloor::at);
                let is_unread = floor.is_unread(Timestamp::from_millis(seen.at));
                assert_eq!(is_unread, seen.unread, "{place}: {id} {seen:?}");
            }
        }
    }
}

#[test]
fn receipts_are_what_somebody_would_note_who_watched() {
    let dir = tempfile::tempdir().unwrap();
    let mut noted = 0;
    for seed in 1..25_u64 {
        let path = dir.path().join(format!("views-{seed}.sqlite"));
        let mut play = Play::begin(seed * 7_919, live(&path));
        for step in 0..60 {
            for _ in 0..=play.dice.roll(4) {
                play.step();
            }
            play.commit();
            play.check(&format!("seed {seed}, step {step}"));
        }
        let readers = play
            .observer
            .messages
            .values()
            .map(|seen| seen.readers.len());
        noted += readers.sum::<usize>();
        let mut whole = live(&dir.path().join(format!("whole-{seed}.sqlite")));
        worker::transact(&mut whole, &all(), &play.log).unwrap();
        let (expected, found) = (dump(&whole.conn), dump(&play.tx.conn));
        assert!(expected == found, "{}", first_difference(&expected, &found));
    }
    assert!(noted > 200, "{noted} receipts are enough to tell something");
}

/// What somebody read is forgotten with the account, and what was read in a room with the room.
#[test]
fn an_account_that_is_erased_has_read_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let mut play = Play::begin(3, live(&dir.path().join("views.sqlite")));
    for setting in SETTINGS {
        let changed = SettingChanged {
            setting: setting.to_owned(),
            value: true.into(),
            sealed: None,
            editor: None,
            from_environment: false,
            at: t(play.now),
        };
        play.happen(&SettingEvent::from(changed).into());
    }
    play.observer.on = [true, true];
    for (room, author, reader) in [
        ("general", "anna", "dora"),
        ("general", "bert", "carl"),
        ("dm", "anna", "bert"),
    ] {
        play.says(room, author);
        play.now += 5;
        let clock = play.clocks[room];
        let read = ReadCursorMoved {
            room: RoomId::new(room),
            user: UserId::new(reader),
            threads: false,
            cursor: Some(Timestamp::from_millis(clock)),
            at: t(play.now),
        };
        play.happen(&MembershipEvent::from(read).into());
    }
    play.happen(&leave("dora", "general", play.now));
    let readers = |play: &Play| -> Vec<String> {
        play.tx
            .conn
            .prepare("SELECT room || ' ' || user FROM reads ORDER BY room, user")
            .unwrap()
            .query_map([], |row| row.get(0))
            .unwrap()
            .collect::<Result<_, _>>()
            .unwrap()
    };
    play.commit();
    let everybody = [
        "dm anna",
        "dm bert",
        "general anna",
        "general bert",
        "general carl",
        "general dora",
    ];
    assert_eq!(readers(&play), everybody);
    for (gone, left) in [
        ("dora", &everybody[..5]),
        ("bert", &["general anna", "general carl"]),
    ] {
        let deleted = UserDeleted {
            user: UserId::new(gone),
            messages: MessageErasure::Keep,
            at: t(play.now),
        };
        play.happen(&UserEvent::from(deleted).into());
        play.commit();
        assert_eq!(readers(&play), left, "without {gone}");
    }
}
