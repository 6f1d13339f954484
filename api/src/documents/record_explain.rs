//! What came of a request, as programs read it.

use application::record::deed::Person;
use application::record::document::Document;
use application::record::explain::{Audience, Explanation, Step, Update};
use serde_json::{Value, json};

/// The story of a request.
pub fn explanation(told: &Explanation) -> Value {
    json!({
        "request": told.request,
        "callers": told.callers.iter().map(person).collect::<Vec<_>>(),
        "steps": told.steps.iter().map(step).collect::<Vec<_>>(),
        "cut": told.cut,
    })
}

fn person(person: &Person) -> Value {
    json!({ "id": person.id, "name": person.name })
}

fn step(step: &Step) -> Value {
    json!({
        "event": Document(&step.entry),
        "becauseOf": step.because_of,
        "views": step.views,
        "updates": step.updates.iter().map(update).collect::<Vec<_>>(),
    })
}

fn update(update: &Update) -> Value {
    let to = match &update.to {
        Audience::Room(id, name) => json!({ "room": { "id": id, "name": name } }),
        Audience::User(user) => json!({ "user": person(user) }),
        Audience::Workspace => json!("workspace"),
    };
    json!({ "kind": update.kind, "to": to, "except": update.except.as_ref().map(person) })
}
