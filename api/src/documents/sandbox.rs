//! What a sandbox is a copy of.

use application::dates::iso;
use application::sandbox::Sandbox;
use serde_json::{Value, json};

pub fn document(sandbox: &Sandbox) -> Value {
    json!({
        "of": sandbox.of.to_string(),
        "position": sandbox.position.get(),
        "time": iso(sandbox.time),
    })
}
