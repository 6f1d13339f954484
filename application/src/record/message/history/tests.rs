use super::*;
use crate::record::testing::{Ids, at, event};
use serde_json::json;

/// The history of a message by ann. Each event is given with who asked for it, and stands at the position of its place
/// in the list.
fn told(events: Vec<(&str, &str, Value)>) -> Option<History> {
    let events = events.into_iter().zip(1..);
    let events = events.map(|((event_type, actor, data), position)| {
        let envelope = Envelope {
            at: at(position),
            actor: actor.into(),
        };
        (envelope, event(event_type, data))
    });
    History::fold(events, &mut Ids)
}

fn posted(content: &Value, presentation: &Value) -> (&'static str, &'static str, Value) {
    let data = json!({
        "message": "m", "room": "r", "author": "ann", "at": 1,
        "content": content, "presentation": presentation,
    });
    ("MessagePosted", "ann", data)
}

fn edited(
    by: &'static str,
    content: &Value,
    hidden: &Value,
) -> (&'static str, &'static str, Value) {
    let data = json!({
        "message": "m", "room": "r", "editor": by, "at": 1, "content": content, "hidden": hidden,
    });
    ("MessageEdited", by, data)
}

fn hello() -> (&'static str, &'static str, Value) {
    posted(&json!({"text": "hello world"}), &Value::Null)
}

fn texts(history: &History) -> Vec<Option<&str>> {
    let versions = history.versions.iter();
    let said = versions.map(|version| match &version.said {
        Said::Text(text) => Some(text.as_str()),
        Said::Encrypted => None,
    });
    said.collect()
}

#[test]
fn every_version_has_its_text_its_time_and_its_person() {
    let history = told(vec![
        hello(),
        edited("boss", &json!({"text": "hello all"}), &Value::Null),
    ])
    .unwrap();
    assert_eq!(texts(&history), [Some("hello world"), Some("hello all")]);
    assert_eq!(history.changes(0), Changes::default());
    let [original, edit] = &history.versions[..] else {
        panic!("{history:?}");
    };
    assert_eq!(
        history.changes(1).text.unwrap(),
        [
            Piece::Kept("hello ".to_owned()),
            Piece::Removed("world".to_owned()),
            Piece::Added("all".to_owned()),
        ]
    );
    let who = |deed: &Deed| (deed.at, deed.by.name.clone());
    assert_eq!(who(&original.deed), (at(1), "ann".to_owned()));
    assert_eq!(who(&edit.deed), (at(2), "boss".to_owned()));
}

#[test]
fn who_asked_for_a_deed_of_somebody_else_is_named_too() {
    let (event_type, _, data) = hello();
    let history = told(vec![(event_type, "robot", data)]).unwrap();
    let actor = history.versions[0].deed.actor.as_ref().unwrap();
    assert_eq!((&*history.author.name, &*actor.name), ("ann", "robot"));
}

#[test]
fn an_edit_keeps_the_attachments_it_does_not_name() {
    let file = json!({"title": "plan.pdf"});
    for (attachments, wanted) in [
        (Value::Null, vec![file.clone()]),
        (json!([]), vec![]),
        (json!([{"title": "new"}]), vec![json!({"title": "new"})]),
    ] {
        let history = told(vec![
            posted(&json!({"text": "", "attachments": [file]}), &Value::Null),
            edited(
                "ann",
                &json!({"text": "x", "attachments": attachments}),
                &Value::Null,
            ),
        ])
        .unwrap();
        assert_eq!(history.attachments(1), wanted, "{attachments}");
    }
}

#[test]
fn what_a_message_with_a_file_says_stands_at_the_file() {
    let content = |description: &str| json!({"text": "", "attachments": [{"title": "a", "description": description}]});
    for (after, wanted) in [
        ("a plan", None),
        (
            "a map",
            Some(vec![
                Piece::Kept("a ".to_owned()),
                Piece::Removed("plan".to_owned()),
                Piece::Added("map".to_owned()),
            ]),
        ),
    ] {
        let history = told(vec![
            posted(&content("a plan"), &Value::Null),
            edited("ann", &content(after), &Value::Null),
        ])
        .unwrap();
        assert_eq!(history.changes(1).description, wanted, "{after}");
    }
}

#[test]
fn what_is_encrypted_is_not_told() {
    let cipher = json!({"algorithm": "x", "ciphertext": "y"});
    let marked = json!({"encrypted": "e2e"});
    let hidden =
        json!({"encrypted": "e2e", "encrypted_content": cipher, "encrypted_mentions": ["bob"]});
    let text = json!({"text": "wZmCmSRj"});
    for (presentation, hides, wanted) in [
        (marked, Value::Null, [None, None]),
        (hidden, json!({"content": cipher}), [None, None]),
        (json!({"e2e": "pending"}), Value::Null, [None, None]),
        (
            Value::Null,
            json!({"content": cipher}),
            [Some("wZmCmSRj"), None],
        ),
    ] {
        let history = told(vec![
            posted(&text, &presentation),
            edited("ann", &text, &hides),
        ])
        .unwrap();
        assert_eq!(texts(&history), wanted, "{presentation}");
        assert_eq!(history.changes(1).text, None, "{presentation}");
        let shown = serde_json::to_string(&history.presentation).unwrap();
        assert!(
            !shown.contains("ciphertext") && !shown.contains("bob"),
            "{shown}"
        );
    }
}

#[test]
fn reactions_come_and_go() {
    let reaction =
        |user: &str| json!({"message": "m", "room": "r", "user": user, "emoji": ":a:", "at": 1});
    let history = told(vec![
        hello(),
        ("ReactionAdded", "bob", reaction("bob")),
        ("ReactionRemoved", "bob", reaction("bob")),
    ])
    .unwrap();
    let reactions: Vec<_> = history
        .reactions
        .iter()
        .map(|one| (one.deed.at, &*one.deed.by.name, &*one.emoji, one.added))
        .collect();
    assert_eq!(
        reactions,
        [(at(2), "bob", ":a:", true), (at(3), "bob", ":a:", false)]
    );
}

#[test]
fn what_became_of_a_message_is_told_with_who_did_it() {
    let deleted = |remains: &str| json!({"message": "m", "room": "r", "by": "boss", "at": 1, "remains": remains});
    let account = |user: &str, messages: &str| json!({"user": user, "messages": messages, "at": 1});
    let nothing = Fate::Deleted(Remains::Nothing);
    for (event_type, data, wanted) in [
        (
            "MessageDeleted",
            deleted("nothing"),
            Some(("boss", nothing)),
        ),
        (
            "MessageDeleted",
            deleted("placeholder"),
            Some(("boss", Fate::Deleted(Remains::Placeholder))),
        ),
        (
            "RoomDeleted",
            json!({"room": "r", "by": "boss", "at": 1}),
            Some(("boss", Fate::WithRoom)),
        ),
        (
            "UserDeleted",
            account("ann", "delete"),
            Some(("root", Fate::WithAccount)),
        ),
        (
            "UserDeleted",
            account("ann", "unlink"),
            Some(("root", Fate::Unlinked)),
        ),
        ("UserDeleted", account("ann", "keep"), None),
        ("UserDeleted", account("bob", "delete"), None),
    ] {
        let history = told(vec![hello(), (event_type, "root", data.clone())]).unwrap();
        let outcomes = history.outcomes.iter();
        let found: Vec<_> = outcomes.map(|one| (&*one.deed.by.name, one.fate)).collect();
        assert_eq!(
            found,
            wanted.into_iter().collect::<Vec<_>>(),
            "{event_type} {data}"
        );
    }
}

#[test]
fn what_was_not_posted_has_no_history() {
    assert_eq!(told(vec![]), None);
    assert_eq!(
        told(vec![edited("ann", &json!({"text": "x"}), &Value::Null)]),
        None
    );
}
