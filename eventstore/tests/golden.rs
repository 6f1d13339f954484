//! Yesterday's data can be read today: every event type and schema ever shipped has a file in `golden/` with
//! examples of its data. The files are never changed; a new type or schema adds one.
#![expect(clippy::unwrap_used, reason = "tools of tests fail the test")]

#[path = "golden/sampler.rs"]
mod sampler;

use std::collections::BTreeSet;
use std::path::PathBuf;

use domain::{Event, EventPayload};
use eventstore::{DecodeError, codec};
use serde_json::Value;

const WRITE: &str = "HANSARD_WRITE_GOLDEN";

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}

fn file_name(event_type: &str, schema: u16) -> String {
    format!("{event_type}.v{schema}.json")
}

/// Data as it would stand in the log.
fn message_pack(data: &Value) -> Vec<u8> {
    rmp_serde::to_vec_named(data).unwrap()
}

/// The data of an event as JSON.
fn json(event: &Event) -> Value {
    rmp_serde::from_slice(&codec::encode(event).unwrap()).unwrap()
}

/// Whether everything in `old` is in `new` too. Fields may have been added since.
fn contains(new: &Value, old: &Value) -> bool {
    match (new, old) {
        (Value::Object(new), Value::Object(old)) => old
            .iter()
            .all(|(key, old)| new.get(key).is_some_and(|new| contains(new, old))),
        (Value::Array(new), Value::Array(old)) => {
            new.len() == old.len() && new.iter().zip(old).all(|(new, old)| contains(new, old))
        }
        (new, old) => new == old,
    }
}

#[test]
fn every_type_has_a_golden_file() {
    let mut missing = Vec::new();
    for (event_type, schema) in Event::types() {
        let path = folder().join(file_name(event_type, schema));
        if path.exists() {
            continue;
        }
        if std::env::var_os(WRITE).is_none() {
            missing.push(path.display().to_string());
            continue;
        }
        let samples: Vec<_> = sampler::samples::<Event>(event_type)
            .unwrap_or_else(|error| {
                panic!("no sample of {event_type} can be made up ({error}); write {path:?} by hand")
            })
            .iter()
            .map(json)
            .collect();
        let text = serde_json::to_string_pretty(&samples).unwrap() + "\n";
        std::fs::write(path, text).unwrap();
    }
    assert!(
        missing.is_empty(),
        "no golden file for {missing:#?}\nRun `{WRITE}=1 cargo test -p eventstore --test golden` to create them from \
         made-up samples, look at them, and add them to the repository. They are never changed afterwards."
    );
}

#[test]
fn every_golden_file_still_decodes() {
    let current: BTreeSet<_> = Event::types()
        .into_iter()
        .map(|(event_type, schema)| file_name(event_type, schema))
        .collect();
    for entry in std::fs::read_dir(folder()).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "json") {
            continue;
        }
        let name = path.file_name().unwrap().to_str().unwrap();
        let (event_type, schema) = name
            .strip_suffix(".json")
            .unwrap()
            .rsplit_once(".v")
            .expect("<Type>.v<schema>.json");
        let schema: u16 = schema.parse().expect("<Type>.v<schema>.json");
        let examples: Vec<Value> = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        assert!(!examples.is_empty(), "{name} has an example");
        for example in examples {
            let event: Event = codec::decode(event_type, schema, &message_pack(&example))
                .unwrap_or_else(|error| panic!("{name} does not decode any more: {error}"));
            if current.contains(name) {
                assert_eq!((event.event_type(), event.schema()), (event_type, schema));
                assert!(
                    contains(&json(&event), &example),
                    "{name} changed its meaning:\nfile:   {example}\nevent:  {}",
                    json(&event)
                );
            }
        }
    }
}

#[test]
fn unknown_types_and_shapes_are_told() {
    let unknown = |event_type: &str, schema: u16| {
        let outcome: Result<Event, _> =
            codec::decode(event_type, schema, &message_pack(&serde_json::json!({})));
        matches!(outcome, Err(DecodeError::Unknown { event_type: named, schema: numbered })
            if named == event_type && numbered == schema)
    };
    assert!(unknown("NothingHappened", 1));
    assert!(unknown("", 1));

    // The data of a shape that is not known yet is not taken for the one that is.
    let [sample, ..] = &sampler::samples::<Event>("MessagePosted").unwrap()[..] else {
        panic!("no sample")
    };
    let data = codec::encode(sample).unwrap();
    assert_eq!(
        codec::decode::<Event>("MessagePosted", 1, &data).unwrap(),
        *sample
    );
    let newer = codec::decode::<Event>("MessagePosted", 999, &data);
    assert!(
        matches!(newer, Err(DecodeError::Unknown { schema: 999, .. })),
        "{newer:?}"
    );
    let torn = codec::decode::<Event>("MessagePosted", 1, &data[..data.len() / 2]);
    assert!(
        matches!(torn, Err(DecodeError::Malformed { .. })),
        "{torn:?}"
    );
}
