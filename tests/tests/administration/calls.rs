//! Methods over REST, as ordinary clients call them.

use serde_json::{Value, json};
use tests::client::Client;

/// What the method answers: `result` or `error`.
pub async fn method(client: &Client, name: &str, params: Value) -> Value {
    let message = json!({"msg": "method", "id": "1", "method": name, "params": params});
    let path = format!("method.call/{}", name.replace('/', "%2F"));
    let body = client
        .post(&path, json!({"message": message.to_string()}))
        .await
        .ok();
    serde_json::from_str(body["message"].as_str().expect("a message")).expect("JSON inside")
}

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
