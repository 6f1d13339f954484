//! Yesterday's data can be read today: every event type and schema ever shipped has a file in `golden/` with
//! examples of its data, and every field that such a type was given later has one beside it. The files are never
//! changed; a new type, schema or field adds one.
#![expect(clippy::unwrap_used, reason = "tools of tests fail the test")]

#[path = "golden/sampler.rs"]
mod sampler;

use std::collections::BTreeSet;
use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use domain::{Event, EventPayload};
use eventstore::{DecodeError, codec};
use serde_json::Value;

const WRITE: &str = "HANSARD_WRITE_GOLDEN";

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}

/// The event type and the schema that a file `<Type>.v<schema>[.<way to a field added later>].json` is about.
fn subject(path: &Path) -> Option<(String, u16)> {
    let name = path.file_name()?.to_str()?.strip_suffix(".json")?;
    let (event_type, rest) = name.split_once(".v")?;
    let schema = rest.split('.').next()?.parse().ok()?;
    Some((event_type.to_owned(), schema))
}

fn files() -> impl Iterator<Item = PathBuf> {
    std::fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "json")
        })
}

fn examples(path: &Path) -> Vec<Value> {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

/// Every field there is in `value`, by the names that lead to it.
fn fields(value: &Value, above: &str, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(object) => {
            for (name, value) in object {
                let path = format!("{above}.{name}");
                fields(value, &path, found);
                found.insert(path);
            }
        }
        Value::Array(list) => list.iter().for_each(|value| fields(value, above, found)),
        _ => {}
    }
}

fn all_fields<'a>(values: impl IntoIterator<Item = &'a Value>) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for value in values {
        fields(value, "", &mut found);
    }
    found
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
fn every_type_and_every_field_has_a_golden_file() {
    let mut missing = Vec::new();
    for (event_type, schema) in Event::types() {
        let shipped: Vec<Value> = files()
            .filter(|path| subject(path) == Some((event_type.to_owned(), schema)))
            .flat_map(|path| examples(&path))
            .collect();
        let samples: Vec<Value> = sampler::samples::<Event>(event_type)
            .unwrap_or_else(|error| {
                panic!("no sample of {event_type} can be made up ({error}); write a file by hand")
            })
            .iter()
            .map(json)
            .collect();
        let known = all_fields(&shipped);
        let added: Vec<String> = all_fields(&samples)
            .into_iter()
            .filter(|field| !known.contains(field))
            .collect();
        let name = match added.first() {
            _ if shipped.is_empty() => format!("{event_type}.v{schema}.json"),
            // It begins with a full stop.
            Some(field) => format!("{event_type}.v{schema}{field}.json"),
            None => continue,
        };
        if std::env::var_os(WRITE).is_none() {
            missing.push((name, added));
            continue;
        }
        let text = serde_json::to_string_pretty(&samples).unwrap() + "\n";
        let mut file = File::create_new(folder().join(name)).unwrap();
        file.write_all(text.as_bytes()).unwrap();
    }
    assert!(
        missing.is_empty(),
        "no golden file with these fields: {missing:#?}\nRun `{WRITE}=1 cargo test -p eventstore --test golden` to \
         create them from made-up samples, look at them, and add them to the repository. They are never changed \
         afterwards."
    );
}

#[test]
fn every_golden_file_still_decodes() {
    let current: BTreeSet<(&str, u16)> = Event::types().into_iter().collect();
    for path in files() {
        let name = path.display();
        let (event_type, schema) =
            subject(&path).unwrap_or_else(|| panic!("{name} is not named <Type>.v<schema>.json"));
        let examples = examples(&path);
        assert!(!examples.is_empty(), "{name} has an example");
        for example in examples {
            let event: Event = codec::decode(&event_type, schema, &message_pack(&example))
                .unwrap_or_else(|error| panic!("{name} does not decode any more: {error}"));
            if current.contains(&(event_type.as_str(), schema)) {
                assert_eq!((event.event_type(), event.schema()), (&*event_type, schema));
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
