//! Methods over REST, as ordinary clients call them.

use serde_json::{Value, json};

use crate::client::Client;

/// What a method answers: the message inside the answer, with `result` or `error`. Without a login, it is called
/// without one.
///
/// # Panics
/// When the answer is no message.
pub async fn method(client: &Client, name: &str, params: Value) -> Value {
    let door = if client.token.is_empty() {
        "method.callAnon"
    } else {
        "method.call"
    };
    let path = format!("{door}/{}", name.replace('/', "%2F"));
    let message = json!({"msg": "method", "id": "1", "method": name, "params": params});
    let body = client
        .post(&path, json!({"message": message.to_string()}))
        .await
        .ok();
    serde_json::from_str(body["message"].as_str().expect("a message")).expect("JSON inside")
}
