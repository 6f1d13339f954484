//! Methods about messages (contract, messages 9.1 and 9.2).

mod changing;
mod history;
mod marks;
mod sending;
mod threads;

use bytes::Bytes;
use serde_json::Value;

use crate::methods::{Method, ejson};

pub(super) fn methods() -> Vec<Method> {
    [
        sending::methods(),
        changing::methods(),
        marks::methods(),
        history::methods(),
        threads::methods(),
    ]
    .concat()
}

/// Documents of messages as methods return them.
fn documents(docs: &[Bytes]) -> Value {
    docs.iter().map(document).collect()
}

fn document(doc: &Bytes) -> Value {
    let parsed = serde_json::from_slice::<Value>(doc);
    parsed.map_or(Value::Null, ejson::with_dates)
}
