//! Deleting many messages of a room at once.

use application::chat::pruning::{self, Wish};
use application::chat::room_access::RoomAccess;
use domain::permission::Permission;
use domain::room::{Pruning, Spared};
use domain::{RoomId, Timestamp, limits};
use serde_json::{Map, Value, json};

use crate::errors::{ApiError, wording};
use crate::http::params::{mismatch, parse_date};
use crate::methods::{Method, MethodCall, MethodOutcome, method};

const NAME: &str = "cleanRoomHistory";

pub(super) fn methods() -> Vec<Method> {
    vec![method(NAME, clean)]
}

/// `cleanRoomHistory({roomId, latest, oldest, inclusive = true, limit, excludePinned, ignoreDiscussion = true, filesOnly,
/// fromUsers, ignoreThreads})`.
async fn clean(call: MethodCall) -> MethodOutcome {
    let asked = call.args.object(0)?;
    let room = asked.get("roomId").and_then(Value::as_str);
    let room = RoomId::new(room.ok_or_else(|| wording::match_missing("roomId"))?);
    let flags = [
        (flag(asked, "excludePinned", false)?, Spared::Pinned),
        (flag(asked, "ignoreDiscussion", true)?, Spared::Discussions),
        (flag(asked, "ignoreThreads", false)?, Spared::Threads),
    ];
    let spared = flags.into_iter().filter(|(is_set, _)| *is_set);
    let wish = Wish {
        pruning: Pruning {
            latest: point(asked, "latest")?,
            oldest: point(asked, "oldest")?,
            inclusive: flag(asked, "inclusive", true)?,
            limit: most(asked)?.filter(|limit| *limit > 0),
            authors: None,
            spared: spared.map(|(_, spared)| spared).collect(),
        },
        usernames: usernames(asked)?,
        files_only: flag(asked, "filesOnly", false)?,
    };
    let right = Permission::CLEAN_CHANNEL_HISTORY;
    let place = RoomAccess::knowing(&call.state, &call.caller, &room, right).await?;
    let place = place.ok_or_else(|| wording::room_denied(NAME))?;
    let count = pruning::prune(&call.state, &call.caller, &place, wish).await?;
    Ok(json!(count))
}

fn point(asked: &Map<String, Value>, name: &str) -> Result<Timestamp, ApiError> {
    let date = asked.get(name);
    let date = date.ok_or_else(|| wording::match_missing(name))?;
    parse_date(date).ok_or_else(|| mismatch("date", date, name))
}

/// How many at most. What is no such number is not taken for none: without one, all of them go.
fn most(asked: &Map<String, Value>) -> Result<Option<u64>, ApiError> {
    match asked.get("limit") {
        None | Some(Value::Null) => Ok(None),
        Some(limit) => match limit.as_u64() {
            Some(number) => Ok(Some(number)),
            None => Err(mismatch("a whole number from 0", limit, "limit")),
        },
    }
}

fn flag(asked: &Map<String, Value>, name: &str, usual: bool) -> Result<bool, ApiError> {
    match asked.get(name) {
        None | Some(Value::Null) => Ok(usual),
        Some(Value::Bool(flag)) => Ok(*flag),
        Some(other) => Err(mismatch("boolean", other, name)),
    }
}

fn usernames(asked: &Map<String, Value>) -> Result<Vec<String>, ApiError> {
    let names = match asked.get("fromUsers") {
        None | Some(Value::Null) => return Ok(Vec::new()),
        Some(Value::Array(names)) if names.len() <= limits::ITEMS => names,
        Some(other) => return Err(mismatch("array", other, "fromUsers")),
    };
    let name = |name: &Value| {
        let text = name.as_str().map(str::to_owned);
        text.ok_or_else(|| mismatch("string", name, "fromUsers"))
    };
    names.iter().map(name).collect()
}
