use super::*;
use crate::record::golden::examples;
use domain::{EventPayload as _, StreamId, Timestamp, UserId};
use eventstore::{CorrelationId, EventId, NewEvent, Position, Version};
use serde_json::json;

fn recorded(event_type: &str, data: Vec<u8>) -> RecordedEvent {
    RecordedEvent {
        position: Position::new(7),
        stream: StreamId::from_recorded("room-GENERAL"),
        version: Version::new(2),
        id: EventId::fresh(),
        event_type: event_type.into(),
        schema: 1,
        recorded_at: Timestamp::from_millis(1),
        actor: UserId::new("ann"),
        correlation_id: CorrelationId::fresh(),
        causation_id: Some(EventId::fresh()),
        data: data.into(),
        salt: [1; 16],
        leaf: [0xab; 32],
    }
}

/// The data as a tree of values has it, with what is secret withheld.
fn withheld_data(event: &RecordedEvent) -> Value {
    let data = rmp_serde::from_slice(&event.data).unwrap();
    withheld::withhold(&event.event_type, data)
}

#[test]
fn what_is_written_as_it_is_read_is_what_a_tree_of_values_would_say() {
    for example in examples() {
        let event = example.event().unwrap();
        let data = NewEvent::encode(&event).unwrap().data.to_vec();
        let event = recorded(event.event_type(), data);
        let wanted = withheld_data(&event);
        let text = serde_json::to_string(&Data(&event)).unwrap();
        let read: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(read, wanted, "{} as JSON", example.file);
        let bytes = rmp_serde::to_vec_named(&Data(&event)).unwrap();
        let read: Value = rmp_serde::from_slice(&bytes).unwrap();
        assert_eq!(read, wanted, "{} as MessagePack", example.file);
    }
}

#[test]
fn an_event_that_nobody_looked_at_for_secrets_is_withheld() {
    let data = rmp_serde::to_vec_named(&json!({"anything": "a secret"})).unwrap();
    let event = recorded("SomethingNew", data);
    let shown = serde_json::to_value(Data(&event)).unwrap();
    assert_eq!(shown, json!({"anything": withheld::WITHHELD}));
}

#[test]
fn an_event_has_the_same_fields_in_every_form() {
    let data = rmp_serde::to_vec_named(&json!({"anything": 1})).unwrap();
    let entry = Entry {
        changes: None,
        event: recorded("SomethingNew", data),
        actor: "ann".to_owned(),
        room: None,
        sentence: "ann did something".to_owned(),
    };
    let event = &entry.event;
    let wanted = json!({
        "position": 7, "time": "1970-01-01T00:00:00.001Z", "type": "SomethingNew", "schema": 1, "category": "room",
        "stream": "room-GENERAL", "version": 2, "id": event.id.0.to_string(), "actor": {"id": "ann", "name": "ann"},
        "room": null, "correlation": event.correlation_id.0.to_string(),
        "causation": event.causation_id.map(|id| id.0.to_string()), "sentence": "ann did something",
        "data": {"anything": withheld::WITHHELD}, "leaf": "ab".repeat(32),
    });
    assert_eq!(serde_json::to_value(Document(&entry)).unwrap(), wanted);
    let bytes = rmp_serde::to_vec_named(&Document(&entry)).unwrap();
    assert_eq!(rmp_serde::from_slice::<Value>(&bytes).unwrap(), wanted);
}
