//! A message as its room shows it. Every member gets it with the room, so it is short: a large message is reduced to
//! what a list of rooms shows.

use std::borrow::Cow;

use domain::limits::LAST_MESSAGE;
use serde_json::{Map, Value};

/// The most characters of text.
const TEXT: usize = 1_000;

/// What a list of rooms shows of a message; each field has its own bound.
const SHOWN: [&str; 9] = [
    "_id",
    "rid",
    "ts",
    "u",
    "_updatedAt",
    "t",
    "tmid",
    "groupable",
    "e2e",
];

/// The document of a message, reduced if it is large.
pub(super) fn brief(doc: &[u8]) -> Cow<'_, [u8]> {
    if doc.len() <= LAST_MESSAGE {
        return doc.into();
    }
    let Ok(Value::Object(whole)) = serde_json::from_slice(doc) else {
        return doc.into();
    };
    let mut brief: Map<String, Value> = Map::new();
    for (name, value) in whole {
        match value {
            Value::String(text) if name == "msg" => {
                brief.insert(name, text.chars().take(TEXT).collect::<String>().into());
            }
            value if SHOWN.contains(&name.as_str()) => {
                brief.insert(name, value);
            }
            _ => {}
        }
    }
    Value::Object(brief).to_string().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_large_message_is_shown_in_short() {
        let small = br#"{"_id":"a","msg":"x","attachments":[{}]}"#;
        assert_eq!(brief(small), &small[..]);
        let large = json!({
            "_id": "a", "rid": "r", "msg": "x".repeat(2 * LAST_MESSAGE), "u": { "_id": "u" },
            "attachments": [{ "text": "y".repeat(LAST_MESSAGE) }],
        })
        .to_string();
        let shown = brief(large.as_bytes()).into_owned();
        let expected =
            json!({ "_id": "a", "rid": "r", "msg": "x".repeat(TEXT), "u": { "_id": "u" } });
        assert_eq!(serde_json::from_slice::<Value>(&shown).ok(), Some(expected));
        assert_eq!(brief(&shown), &shown[..], "as it is read again");
    }
}
