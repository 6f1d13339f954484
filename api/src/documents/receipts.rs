//! Who has read messages, and which of them somebody has not read (contract, messages 2 and 6).

use application::dates::{from_iso, iso};
use bytes::Bytes;
use domain::{MessageId, RoomId};
use projections::{ReadFloor, Receipt};
use serde::Deserialize;
use serde_json::{Value, json};

/// The message was read by somebody. Nothing is kept of a receipt but that, so its id is made of both.
pub fn receipt(message: &MessageId, room: &RoomId, receipt: &Receipt) -> Value {
    json!({
        "_id": format!("{message}-{}", receipt.user),
        "roomId": room,
        "userId": receipt.user,
        "messageId": message,
        "ts": iso(receipt.at),
        "user": { "_id": receipt.user, "username": receipt.username, "name": receipt.name },
    })
}

/// What of a message says whether it can be unread.
#[derive(Deserialize)]
struct Sent<'a> {
    ts: Option<&'a str>,
    t: Option<&'a str>,
}

/// The document of a message with `unread`, if somebody in its room has not read it. `floor` is
/// [`projections::Views::read_floor`] of the room, asked for after the document: `None` costs nothing.
pub fn with_unread(doc: Bytes, floor: Option<ReadFloor>) -> Bytes {
    let Some(floor) = floor else { return doc };
    let is_unread = serde_json::from_slice::<Sent<'_>>(&doc).is_ok_and(|sent| {
        let at = sent.ts.and_then(from_iso);
        sent.t != Some("rm") && at.is_some_and(|at| floor.is_unread(at))
    });
    match doc.strip_suffix(b"}") {
        Some(begin) if is_unread => [begin, br#","unread":true}"#].concat().into(),
        _ => doc,
    }
}

#[cfg(test)]
mod tests {
    use domain::Timestamp;

    use super::*;

    #[test]
    fn what_somebody_has_not_read_is_unread() {
        let floor = |at| Some(ReadFloor::at(Timestamp::from_millis(at)));
        let doc = |kind: &str| format!(r#"{{"_id":"m"{kind},"ts":"1970-01-01T00:00:00.005Z"}}"#);
        for (kind, floor, is_unread) in [
            ("", floor(4), true),
            ("", floor(5), false),
            ("", None, false),
            (r#","t":"uj""#, floor(4), true),
            (r#","t":"rm""#, floor(4), false),
        ] {
            let doc = doc(kind);
            let told = with_unread(Bytes::from(doc.clone()), floor);
            let told: Value = serde_json::from_slice(&told).unwrap_or_default();
            let mut expected: Value = serde_json::from_str(&doc).unwrap_or_default();
            if is_unread {
                expected["unread"] = json!(true);
            }
            assert_eq!(told, expected, "{kind} {floor:?}");
        }
    }
}
