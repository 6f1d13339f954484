//! Methods about finding people and rooms.

use std::time::Duration;

use domain::RoomId;
use projections::Slice;
use serde_json::{Value, json};

use crate::documents::directory::{self, List};
use crate::documents::spotlight::{self, Wish};
use crate::methods::{Method, MethodCall, MethodOutcome, ejson, method};

/// `browseChannels` has a limit of its own (contract, messages 9.4).
const BROWSING: (u32, Duration) = (100, Duration::from_secs(100));

/// The most of one page of the directory.
const MOST_LISTED: u64 = 100;

pub(super) fn methods() -> Vec<Method> {
    vec![
        method("spotlight", spotlight),
        method("browseChannels", browse).limited(BROWSING.0, BROWSING.1),
    ]
}

/// `browseChannels({text, workspace, type, sortBy, sortDirection, page or offset, limit})`. What it does not understand,
/// and what the caller may not see, has no result.
async fn browse(call: MethodCall) -> MethodOutcome {
    let Some(wish) = directory_wish(call.args.get(0)) else {
        return Ok(Value::Null);
    };
    let found = directory::look_up(&call.state, &call.caller, wish).await?;
    Ok(found.map_or(
        Value::Null,
        |(results, total)| json!({ "total": total, "results": ejson::with_dates(json!(results)) }),
    ))
}

fn directory_wish(wish: &Value) -> Option<directory::Wish> {
    let text = |name: &str, usual: &'static str| match &wish[name] {
        Value::Null => Some(usual.to_owned()),
        Value::String(text) => Some(text.clone()),
        _ => None,
    };
    let list = List::named(&text("type", "channels")?, &text("workspace", "")?)?;
    let descending = match &*text("sortDirection", "asc")? {
        "asc" => false,
        "desc" => true,
        _ => return None,
    };
    let limit = wish["limit"].as_u64().filter(|limit| *limit > 0);
    let limit = limit.unwrap_or(directory::FEW).min(MOST_LISTED);
    let offset = match (wish["offset"].as_u64(), wish["page"].as_u64()) {
        (Some(offset), _) => offset,
        (None, page) => page?.saturating_mul(limit),
    };
    Some(directory::Wish {
        sort: list.order(&text("sortBy", "name")?)?,
        list,
        text: Some(text("text", "")?),
        descending,
        slice: Slice {
            offset,
            count: Some(limit),
        },
    })
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
