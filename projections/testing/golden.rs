//! Every event type there is, out of the golden files of the log. A new type has to have one, so what is made of them
//! here leaves none out, nor any that is to come.

use std::path::PathBuf;

use domain::{Event, EventPayload};
use serde_json::Value;

use super::chaos::Dice;

/// The time in the golden files.
const THEN: i64 = 1_735_689_600_123;

/// What begins and ends the people, rooms and messages that other events are about: made elsewhere, of new ids.
const BEGINNINGS_AND_ENDS: &[&str] = &[
    "UserCreated",
    "UserDeleted",
    "RoomCreated",
    "RoomDeleted",
    "MessagePosted",
];

/// Examples of events, drawn like cards: each type comes once before one comes again.
pub struct Golden {
    examples: Vec<(&'static str, Vec<Value>)>,
    deck: Vec<usize>,
}

impl Golden {
    pub fn load() -> Self {
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../eventstore/tests/golden");
        let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        // The dice give the same every time.
        files.sort();
        let examples = Event::types()
            .into_iter()
            .filter(|(event_type, _)| !BEGINNINGS_AND_ENDS.contains(event_type))
            .map(|(event_type, schema)| {
                let begin = format!("{event_type}.v{schema}.");
                let mut examples: Vec<Value> = Vec::new();
                for path in &files {
                    let name = path.file_name().unwrap().to_string_lossy();
                    if name.starts_with(&begin) {
                        let text = std::fs::read(path).unwrap();
                        let more: Vec<Value> = serde_json::from_slice(&text).unwrap();
                        examples.extend(more);
                    }
                }
                assert!(!examples.is_empty(), "no example of {event_type}");
                (event_type, examples)
            })
            .collect();
        Self {
            examples,
            deck: Vec::new(),
        }
    }

    /// A type, and the data of an event of it.
    pub fn draw(&mut self, dice: &mut Dice) -> (&'static str, Value) {
        if self.deck.is_empty() {
            self.deck = (0..self.examples.len()).collect();
        }
        let card = dice.roll(self.deck.len());
        let (event_type, examples) = &self.examples[self.deck.swap_remove(card)];
        (event_type, dice.pick(examples).clone())
    }
}

/// Who and what an event is told of.
pub struct Cast<'a> {
    pub users: &'a [String],
    pub room: &'a str,
    /// All there are.
    pub rooms: &'a [String],
    pub message: &'a str,
    pub at: i64,
}

/// The same happening to others: fields that hold somebody or something get it from the cast, and other made-up texts
/// one of a few, so that what is made is also changed and removed.
pub fn recast(value: &mut Value, field: &str, cast: &Cast<'_>, dice: &mut Dice) {
    match value {
        Value::Object(fields) => {
            for (field, value) in fields {
                recast(value, field, cast, dice);
            }
        }
        Value::Array(items) => {
            for item in items {
                recast(item, field, cast, dice);
            }
        }
        Value::Bool(flag) => *flag = dice.roll(2) == 0,
        Value::Number(number) if number.as_i64() == Some(THEN) => *value = cast.at.into(),
        Value::String(text) => {
            *text = match field {
                // Of a setting, that is how it is edited.
                "editor" if text != field => return,
                "user" | "by" | "author" | "editor" | "owner" => dice.pick(cast.users).clone(),
                "room" | "channels" => cast.room.to_owned(),
                "main_room" => dice.pick(cast.rooms).clone(),
                "message" | "thread" => cast.message.to_owned(),
                // A text that says its field's name was made up; any other is one of a closed set.
                _ if text == field => format!("{field}{}", dice.roll(3)),
                _ => return,
            }
        }
        Value::Number(_) | Value::Null => {}
    }
}
