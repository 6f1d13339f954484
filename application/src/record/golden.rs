//! Examples of every event there is, for tests: what stands in the golden files of the log, and variations of it.

use std::path::PathBuf;

use domain::{Event, EventPayload};
use serde_json::Value;

/// Data of an event as it would stand in the log.
#[derive(Clone, Debug)]
pub(super) struct Example {
    /// The name of the file without its ending, e.g. `MessagePosted.v1`.
    pub(super) file: String,
    pub(super) event_type: String,
    pub(super) data: Value,
}

impl Example {
    /// The event, if the data is of one.
    pub(super) fn event(&self) -> Option<Event> {
        let event = Event::deserialize_data(&self.event_type, self.data.clone());
        event.and_then(Result::ok)
    }

    /// As it is, with all that can be missing but switched off, and with nothing that can be missing.
    pub(super) fn variations(&self) -> [Self; 3] {
        let mut off = self.clone();
        switch_off(&mut off.data);
        let mut bare = off.clone();
        for pointer in pointers(&self.data) {
            let mut less = bare.clone();
            remove(&mut less.data, &pointer);
            if less.event().is_some() {
                bare = less;
            }
        }
        [self.clone(), off, bare]
    }

    /// With another text wherever `is_wanted` the pointer to one, and the event still is one.
    pub(super) fn with_text(&self, text: &str, is_wanted: impl Fn(&str) -> bool) -> Self {
        let mut changed = self.clone();
        let wanted = pointers(&self.data).into_iter();
        for pointer in wanted.filter(|pointer| is_wanted(pointer)) {
            let mut more = changed.clone();
            match more.data.pointer_mut(&pointer) {
                Some(leaf @ Value::String(_)) => *leaf = text.into(),
                _ => continue,
            }
            if more.event().is_some() {
                changed = more;
            }
        }
        changed
    }
}

/// All that stands in golden files of shapes that are still current, in the order of their names.
pub(super) fn examples() -> Vec<Example> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../eventstore/tests/golden");
    let mut paths: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "json"))
        .collect();
    paths.sort();
    let mut examples = Vec::new();
    for path in paths {
        let file = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let (event_type, rest) = file.split_once(".v").unwrap();
        let schema = rest.split('.').next().unwrap().parse().unwrap();
        if !Event::types().contains(&(event_type, schema)) {
            continue; // It is read by way of an upcaster.
        }
        let all: Vec<Value> = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        examples.extend(all.into_iter().map(|data| Example {
            event_type: event_type.to_owned(),
            file: file.clone(),
            data,
        }));
    }
    examples
}

/// Pointers to all that is in `data`, what is deeper first.
pub(super) fn pointers(data: &Value) -> Vec<String> {
    fn walk(value: &Value, at: &str, found: &mut Vec<String>) {
        match value {
            Value::Object(fields) => {
                for (name, value) in fields {
                    walk(value, &format!("{at}/{name}"), found);
                }
            }
            Value::Array(values) => {
                for (index, value) in values.iter().enumerate() {
                    walk(value, &format!("{at}/{index}"), found);
                }
            }
            _ => {}
        }
        found.push(at.to_owned());
    }
    let mut found = Vec::new();
    walk(data, "", &mut found);
    found
}

fn switch_off(value: &mut Value) {
    match value {
        Value::Bool(flag) => *flag = false,
        Value::Object(fields) => fields.values_mut().for_each(switch_off),
        Value::Array(values) => values.iter_mut().for_each(switch_off),
        _ => {}
    }
}

fn remove(data: &mut Value, pointer: &str) {
    let (above, name) = pointer.rsplit_once('/').unwrap_or_default();
    if let Some(Value::Object(fields)) = data.pointer_mut(above) {
        fields.remove(name);
    }
}
