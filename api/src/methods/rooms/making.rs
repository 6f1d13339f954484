//! Methods that make rooms.

use application::chat::discussions::Wish;
use domain::room::RoomKind;
use domain::{MessageId, RoomId};
use serde_json::{Map, Value, json};

use crate::errors::{ApiError, wording};
use crate::http::discussion_form;
use crate::http::new_room_form::NewRoom;
use crate::http::params::mismatch;
use crate::methods::{Method, MethodCall, MethodOutcome, method};

pub(super) fn methods() -> Vec<Method> {
    vec![
        method("createChannel", |call| create(call, RoomKind::Channel)),
        method("createDiscussion", create_discussion).with_documents(),
        method("createPrivateGroup", |call| create(call, RoomKind::Group)),
    ]
}

/// `createChannel(name, members, readOnly, customFields, extraData)`, and the same for groups.
async fn create(call: MethodCall, kind: RoomKind) -> MethodOutcome {
    let members = match call.args.get(1) {
        Value::Null => &[],
        _ => call.args.list(1)?,
    };
    let wish = NewRoom {
        kind,
        name: call.args.text(0)?.to_owned(),
        members: members
            .iter()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect(),
        read_only: call.args.boolean(2)?.unwrap_or(false),
        custom_fields: object(&call, 3)?,
        extra: object(&call, 4)?,
        teams: Vec::new(),
    };
    let room = wish.make(&call.state, &call.caller).await?;
    let record = call.state.views().room(&room).await?;
    let record = record.ok_or_else(wording::invalid_room)?;
    let mut document: Map<String, Value> = serde_json::from_slice(&record.doc).unwrap_or_default();
    document.insert("rid".to_owned(), json!(room));
    Ok(Value::Object(document))
}

/// An object that may be missing.
fn object(call: &MethodCall, index: usize) -> Result<Map<String, Value>, ApiError> {
    match call.args.get(index) {
        Value::Null => Ok(Map::new()),
        _ => call.args.object(index).cloned(),
    }
}

/// `createDiscussion({prid, pmid?, t_name, reply?, users?, encrypted?})`.
async fn create_discussion(call: MethodCall) -> MethodOutcome {
    let wished = call.args.object(0)?;
    let text = |name: &str| match wished.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text).filter(|text| !text.is_empty()).cloned()),
        Some(other) => Err(mismatch("string", other, name)),
    };
    let users = wished.get("users").and_then(Value::as_array);
    let users = users.into_iter().flatten().filter_map(Value::as_str);
    let wish = Wish {
        title: text("t_name")?.unwrap_or_default(),
        about: text("pmid")?.map(MessageId::new),
        reply: text("reply")?,
        users: users.map(str::to_owned).collect(),
        encrypted: wished.get("encrypted").and_then(Value::as_bool),
    };
    let parent = RoomId::new(text("prid")?.unwrap_or_default());
    let begun = discussion_form::begin(&call.state, &call.caller, &parent, wish).await?;
    Ok(Value::Object(begun))
}
