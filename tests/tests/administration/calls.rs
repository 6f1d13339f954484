//! Methods over REST, as ordinary clients call them.

use serde_json::Value;
use tests::client::Client;
pub use tests::method::method;

/// The result of a method that must succeed.
pub async fn result(client: &Client, name: &str, params: Value) -> Value {
    let message = method(client, name, params).await;
    assert!(message.get("error").is_none(), "{name}: {message}");
    message["result"].clone()
}

/// The error code of a method that must fail.
pub async fn refusal(client: &Client, name: &str, params: Value) -> Value {
    let message = method(client, name, params).await;
    assert!(message.get("error").is_some(), "{name}: {message}");
    message["error"]["error"].clone()
}

/// The ids in a list.
pub fn ids(list: &Value) -> Vec<&str> {
    list.as_array()
        .expect("a list")
        .iter()
        .map(|item| item["_id"].as_str().expect("an id"))
        .collect()
}
