//! Methods about finding people and rooms.

use domain::RoomId;
use serde_json::{Value, json};

use crate::documents::spotlight::{self, Wish};
use crate::methods::{Method, MethodCall, MethodOutcome, method};

pub(super) fn methods() -> Vec<Method> {
    vec![method("spotlight", spotlight)]
}

/// `spotlight(text, user names to leave out, {users, rooms}, room)`.
async fn spotlight(call: MethodCall) -> MethodOutcome {
    let wanted = |what: &str| call.args.get(2)[what].as_bool().unwrap_or(true);
    let except = call.args.get(1).as_array().into_iter().flatten();
    let wish = Wish {
        text: call.args.text(0)?,
        except: except
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect(),
        users: wanted("users"),
        rooms: wanted("rooms"),
        room: call.args.optional_text(3)?.map(RoomId::new),
    };
    let (users, rooms) = spotlight::propose(&call.state, &call.caller, wish).await?;
    Ok(json!({ "users": users, "rooms": rooms }))
}
