//! Devices registered for push messages (contract, admin 10.1).

use application::dates::iso;
use application::integrations::push;
use projections::PushRecord;
use serde_json::{Map, Value, json};

use crate::errors::ApiError;
use crate::state::AppState;

fn document(state: &AppState, record: &PushRecord) -> Value {
    let mut token = Map::new();
    token.insert(
        record.platform.as_str().to_owned(),
        json!(push::address(state, record)),
    );
    json!({
        "_id": record.id, "token": token, "appName": record.app_name, "userId": record.user, "enabled": true,
        "createdAt": iso(record.created_at), "_updatedAt": iso(record.updated_at),
    })
}

/// The document of the device with that id; null if there is none.
pub async fn device(state: &AppState, id: &str) -> Result<Value, ApiError> {
    let record = state.views().push_token(id).await?;
    Ok(record.map_or(Value::Null, |record| document(state, &record)))
}
