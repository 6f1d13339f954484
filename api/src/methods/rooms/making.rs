//! Methods that make rooms.

use application::chat::discussions::Wish;
use domain::{MessageId, RoomId};
use serde_json::Value;

use crate::http::discussion_form;
use crate::methods::{Method, MethodCall, MethodOutcome, method};

pub(super) fn methods() -> Vec<Method> {
    vec![method("createDiscussion", create_discussion).with_documents()]
}

/// `createDiscussion({prid, pmid?, t_name, reply?, users?, encrypted?})`.
async fn create_discussion(call: MethodCall) -> MethodOutcome {
    let wished = call.args.object(0)?;
    let text = |name: &str| {
        let text = wished.get(name).and_then(Value::as_str);
        text.filter(|text| !text.is_empty()).map(str::to_owned)
    };
    let users = wished.get("users").and_then(Value::as_array);
    let users = users.into_iter().flatten().filter_map(Value::as_str);
    let wish = Wish {
        title: text("t_name").unwrap_or_default(),
        about: text("pmid").map(MessageId::new),
        reply: text("reply"),
        users: users.map(str::to_owned).collect(),
        encrypted: wished.get("encrypted").and_then(Value::as_bool),
    };
    let parent = RoomId::new(text("prid").unwrap_or_default());
    let begun = discussion_form::begin(&call.state, &call.caller, &parent, wish).await?;
    Ok(Value::Object(begun))
}
