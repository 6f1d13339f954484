//! Messages that a search found.

use application::caller::Caller;
use application::chat::searching::Found;
use bytes::Bytes;
use serde_json::{Value, json};

use crate::documents::messages::one_shown;
use crate::errors::ApiError;
use crate::state::AppState;

/// What was found as the caller is shown messages.
pub async fn shown(
    state: &AppState,
    caller: &Caller,
    mut all: Vec<Found>,
) -> Result<Vec<Found>, ApiError> {
    for found in &mut all {
        let doc = std::mem::take(&mut found.message.doc);
        found.message.doc = one_shown(state, caller, doc).await?;
    }
    Ok(all)
}

/// The document of a message, with how well it fits and what of its text was looked for.
pub fn document(found: &Found) -> Bytes {
    let mut doc = found.message.doc.to_vec();
    if doc.pop() != Some(b'}') {
        return found.message.doc.clone();
    }
    if let Some(score) = found.score {
        doc.extend_from_slice(format!(",\"score\":{}", json!(score)).as_bytes());
    }
    let highlights = json!(found.highlights).to_string();
    doc.extend_from_slice(format!(",\"highlights\":{highlights}}}").as_bytes());
    doc.into()
}

/// The same as a value.
pub fn value(found: &Found) -> Value {
    serde_json::from_slice(&document(found)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::{MessageId, RoomId, Timestamp, UserId};
    use eventstore::Position;
    use projections::FoundMessage;

    #[test]
    fn what_was_found_stands_beside_what_the_message_says() {
        let found = |score| Found {
            message: FoundMessage {
                position: Position::new(1),
                id: MessageId::new("m"),
                room: RoomId::new("r"),
                author: UserId::new("u"),
                at: Timestamp::from_millis(0),
                doc: Bytes::from_static(br#"{"_id":"m","msg":"green tea"}"#),
            },
            score,
            highlights: vec!["te\"a".to_owned()],
        };
        let plain = json!({"_id": "m", "msg": "green tea", "highlights": ["te\"a"]});
        assert_eq!(value(&found(None)), plain);
        assert_eq!(value(&found(Some(1.5)))["score"], json!(1.5));
    }
}
