use super::*;
use crate::record::testing::{Ids, at, event};
use serde_json::{Value, json};

/// Position of the message, and its send time.
const POSTED: i64 = 10;

/// A message of ann, which was edited at 20 and 30.
fn life(ended: Option<i64>) -> Life {
    Life {
        author: "ann".into(),
        posted: at(POSTED),
        sent: Timestamp::from_millis(POSTED),
        versions: [POSTED, 20, 30]
            .map(|position| at(position).position)
            .to_vec(),
        ended: ended.map(at),
    }
}

type Given = (i64, &'static str, Value);

fn joined(position: i64, user: &str) -> Given {
    let data = json!({"room": "r", "user": user, "joining": "joined", "at": 1});
    (position, "MemberJoined", data)
}

fn left(position: i64, user: &str) -> Given {
    (
        position,
        "MemberLeft",
        json!({"room": "r", "user": user, "at": 1}),
    )
}

fn removed(position: i64, user: &str) -> Given {
    let data = json!({"room": "r", "user": user, "by": "boss", "at": 1});
    (position, "MemberRemoved", data)
}

fn read(position: i64, user: &str, cursor: Option<i64>) -> Given {
    let data = json!({"room": "r", "user": user, "cursor": cursor, "at": 1});
    (position, "ReadCursorMoved", data)
}

fn posted(position: i64, user: &str, seen: Option<i64>) -> Given {
    let data = json!({
        "message": format!("m{position}"), "room": "r", "author": user, "at": 1, "content": {"text": ""}, "seen": seen,
    });
    (position, "MessagePosted", data)
}

fn room_deleted(position: i64) -> Given {
    (
        position,
        "RoomDeleted",
        json!({"room": "r", "by": "boss", "at": 1}),
    )
}

fn account_deleted(position: i64, user: &str) -> Given {
    let data = json!({"user": user, "messages": "keep", "at": 1});
    (position, "UserDeleted", data)
}

fn readership(ended: Option<i64>, events: impl IntoIterator<Item = Given>) -> Readership {
    let mut readership = Readership::new(life(ended));
    for (position, event_type, data) in events {
        readership.apply(at(position), &event(event_type, data));
    }
    readership
}

fn told(ended: Option<i64>, events: impl IntoIterator<Item = Given>) -> Vec<Reader> {
    readership(ended, events).told(&mut Ids, at(100).position)
}

/// Who was a member from where to where, as text.
fn spans(readers: &[Reader]) -> Vec<String> {
    let span = |span: &Span| {
        let until = span
            .until
            .map(|(at, how)| format!("{} {how:?}", at.position));
        format!("{}-{}", span.from.position, until.unwrap_or_default())
    };
    let of = |reader: &Reader| {
        let all: Vec<_> = reader.spans.iter().map(span).collect();
        format!("{} {}", reader.who.name, all.join(", "))
    };
    readers.iter().map(of).collect()
}

/// At which position, and with which version, somebody had read it.
fn first(readers: &[Reader], user: &str) -> Option<(u64, usize)> {
    let reader = readers.iter().find(|reader| reader.who.name == user)?;
    let read = reader.read.as_ref()?;
    Some((read.at.position.get(), read.version))
}

#[test]
fn members_could_read_while_they_were_members_and_there_was_the_message() {
    let ann = "ann 1-";
    for (events, wanted) in [
        (vec![joined(2, "bob")], vec![ann, "bob 2-"]),
        (vec![joined(15, "bob")], vec![ann, "bob 15-"]),
        (
            vec![joined(2, "bob"), left(15, "bob")],
            vec![ann, "bob 2-15 Left"],
        ),
        (
            vec![joined(2, "bob"), removed(15, "bob")],
            vec![ann, "bob 2-15 Removed"],
        ),
        // Not any more when it was posted.
        (vec![joined(2, "bob"), left(5, "bob")], vec![ann]),
        (
            vec![
                joined(2, "bob"),
                left(5, "bob"),
                joined(6, "bob"),
                left(15, "bob"),
                joined(17, "bob"),
            ],
            vec![ann, "bob 6-15 Left, 17-"],
        ),
        // To join again changes nothing.
        (
            vec![joined(2, "bob"), joined(3, "bob")],
            vec![ann, "bob 2-"],
        ),
        (
            vec![joined(2, "bob"), account_deleted(15, "bob")],
            vec![ann, "bob 2-15 AccountDeleted"],
        ),
        (vec![joined(2, "bob"), account_deleted(5, "bob")], vec![ann]),
        (
            vec![joined(2, "bob"), room_deleted(50)],
            vec!["ann 1-50 RoomDeleted", "bob 2-50 RoomDeleted"],
        ),
        // Another room had the id before.
        (
            vec![joined(2, "bob"), room_deleted(5), joined(6, "ann")],
            vec!["ann 6-"],
        ),
        (
            vec![joined(2, "bob"), joined(60, "carl")],
            vec![ann, "bob 2-"],
        ),
    ] {
        let described = format!("{events:?}");
        let readers = told(Some(50), [vec![joined(1, "ann")], events].concat());
        assert_eq!(spans(&readers), wanted, "{described}");
    }
}

#[test]
fn whoever_moved_their_cursor_past_it_had_read_it() {
    for (event, wanted) in [
        (read(25, "bob", Some(POSTED)), Some((25, 2))),
        (read(25, "bob", Some(POSTED + 1)), Some((25, 2))),
        (read(25, "bob", Some(POSTED - 1)), None),
        // Everything before the event.
        (read(12, "bob", None), Some((12, 1))),
        (read(35, "bob", None), Some((35, 3))),
        // Before there was the message, whatever the clocks say.
        (read(9, "bob", Some(POSTED + 1)), None),
        // It was deleted by then.
        (read(51, "bob", None), None),
        (posted(25, "bob", None), Some((25, 2))),
        (posted(25, "bob", Some(POSTED)), Some((25, 2))),
        (posted(25, "bob", Some(POSTED - 1)), None),
        (posted(51, "bob", None), None),
    ] {
        let described = format!("{event:?}");
        let readers = told(Some(50), [joined(2, "bob"), event]);
        assert_eq!(first(&readers, "bob"), wanted, "{described}");
    }
}

#[test]
fn the_first_event_counts() {
    for events in [
        vec![read(12, "bob", None), read(25, "bob", None)],
        // Posts are looked at last.
        vec![read(25, "bob", None), posted(12, "bob", None)],
        vec![read(12, "bob", None), posted(25, "bob", None)],
        vec![posted(25, "bob", None), posted(12, "bob", None)],
    ] {
        let described = format!("{events:?}");
        let readers = told(None, [vec![joined(2, "bob")], events].concat());
        assert_eq!(first(&readers, "bob"), Some((12, 1)), "{described}");
    }
}

#[test]
fn only_members_read() {
    let readers = told(
        None,
        [
            posted(12, "guest", None),
            joined(2, "bob"),
            left(15, "bob"),
            posted(17, "bob", None),
        ],
    );
    assert_eq!(first(&readers, "bob"), None);
    assert_eq!(first(&readers, "guest"), None);
}

#[test]
fn the_author_had_read_it_from_the_start() {
    for events in [vec![], vec![joined(1, "ann"), read(12, "ann", None)]] {
        let readers = told(None, events);
        let read = readers[0].read.clone().unwrap();
        assert_eq!(
            (read.at, read.evidence, read.version),
            (at(POSTED), Evidence::Wrote, 1)
        );
    }
}

#[test]
fn posts_are_looked_for_of_those_who_may_not_have_read_it() {
    let events = [
        joined(1, "ann"),
        joined(2, "bob"),
        joined(3, "carl"),
        read(25, "carl", None),
    ];
    let readership = readership(None, events);
    let ids = |ids: &[&str]| Some(ids.iter().map(UserId::new).collect::<Vec<_>>());
    for (at_position, most, wanted) in [
        (POSTED, 2, ids(&["bob", "carl"])),
        (25, 2, ids(&["bob"])),
        (POSTED, 1, None),
    ] {
        let unread = readership.unread_by(at(at_position).position, most);
        assert_eq!(unread, wanted, "by {at_position}, at most {most}");
    }
}
