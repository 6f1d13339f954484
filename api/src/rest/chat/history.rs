//! Reading the messages of a room (contract, rooms 11 and 12: `*.history`, `*.messages`).

use std::sync::Arc;

use bytes::Bytes;
use domain::settings::keys;
use domain::{RoomId, Timestamp};
use projections::{HistoryQuery, Slice};
use serde_json::{Value, json};

use crate::errors::{ApiError, wording};
use crate::http::answer::{Answer, Outcome};
use crate::http::call::Call;
use crate::http::filter::Filter;
use crate::http::page::{PageRequest, cut};
use crate::http::params::{Params, parse_date};
use crate::http::schema::{Kind, OldSchema};

/// Parameters for the messages between two points in time.
pub(super) const HISTORY_PARAMS: &[(&str, Kind)] = &[
    ("roomId", Kind::Text),
    ("roomName", Kind::Text),
    ("latest", Kind::Text),
    ("oldest", Kind::Text),
    ("inclusive", Kind::Boolean),
    ("unreads", Kind::Boolean),
    ("count", Kind::Number),
    ("offset", Kind::Number),
];

/// What `channels.messages` takes; the last three are newer names for what `query` is used for.
pub const MESSAGES: OldSchema = OldSchema {
    required: &[("roomId", Kind::Text)],
    optional: &[
        ("count", Kind::Number),
        ("offset", Kind::Number),
        ("sort", Kind::Text),
        ("fields", Kind::Text),
        ("query", Kind::Text),
        ("mentionIds", Kind::Text),
        ("starredIds", Kind::Text),
        ("pinned", Kind::Text),
    ],
    one_of: &[],
};

const FLAG: Kind = Kind::Enum(&["true", "false"]);

pub const HISTORY: OldSchema = OldSchema {
    required: &[],
    one_of: &["roomId", "roomName"],
    ..DIRECT_HISTORY
};

pub const DIRECT_HISTORY: OldSchema = OldSchema {
    required: &[("roomId", Kind::Text)],
    optional: &[
        ("latest", Kind::Text),
        ("oldest", Kind::Text),
        ("inclusive", FLAG),
        ("unreads", FLAG),
        ("showThreadMessages", FLAG),
        ("count", Kind::Number),
        ("offset", Kind::Number),
        ("sort", Kind::Text),
        ("fields", Kind::Text),
        ("query", Kind::Text),
    ],
    one_of: &[],
};

/// Rows read at a time if each has to be looked at.
const CHUNK: u64 = 1_000;

/// Most rows looked at for one request. `query` does not find what is older; search is made for that.
const MOST_ROWS: u64 = 20_000;

/// About the most bytes of documents found for one request; older documents are not found.
const MOST_BYTES: usize = 8 * 1024 * 1024;

/// A page of everything in a room, newest first unless `sort={"ts":1}`.
pub async fn messages(call: &Call, params: &Params, room: &RoomId) -> Outcome {
    let page = call.page(params)?;
    let oldest_first = page.sorted_by("ts") == Some(false);
    let (items, total) = match filter(params, &page)? {
        Some(filter) => {
            let mut items = scan(call, room, &filter).await?;
            if oldest_first {
                items.reverse();
            }
            let total = items.len() as u64;
            (cut(items, page.slice), total)
        }
        None if oldest_first => {
            let views = call.state.views();
            let found = views.messages_oldest_first(room, page.slice).await?;
            (found.items, found.total)
        }
        None => {
            let found = call.state.views().messages(room, page.slice).await?;
            (found.items, found.total)
        }
    };
    let items = page.project(items);
    Ok(Answer::empty()
        .raw_list("messages", &items)
        .field("count", &items.len())
        .field("offset", &page.slice.offset)
        .field("total", &total))
}

/// Which messages are wanted, in the older or the newer parameters; `None`: all.
fn filter(params: &Params, page: &PageRequest) -> Result<Option<Filter>, ApiError> {
    let mut all: Vec<Filter> = page.query.clone().into_iter().collect();
    for (name, field) in [
        ("mentionIds", "mentions._id"),
        ("starredIds", "starred._id"),
    ] {
        if let Some(list) = params.filled(name)? {
            let ids: Vec<&str> = list.split(',').map(str::trim_ascii).collect();
            let filter = Filter::parse(&json_map(json!({ field: { "$in": ids } })));
            all.push(filter.map_err(|_| wording::invalid_query("Too many ids"))?);
        }
    }
    if params.flag("pinned") {
        all.extend(Filter::parse(&json_map(json!({ "pinned": true }))));
    }
    Ok((!all.is_empty()).then_some(Filter::All(all)))
}

fn json_map(value: Value) -> serde_json::Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => serde_json::Map::new(),
    }
}

/// The newest messages of a room that match, newest first, with bounded memory and work.
async fn scan(call: &Call, room: &RoomId, filter: &Filter) -> Result<Vec<Bytes>, ApiError> {
    let filter = Arc::new(filter.clone());
    let (mut wanted, mut bytes) = (Vec::new(), 0);
    let mut offset = 0;
    while offset < MOST_ROWS && bytes < MOST_BYTES {
        let slice = Slice {
            offset,
            count: Some(CHUNK),
        };
        let chunk = call.state.views().messages(room, slice).await?;
        offset += chunk.items.len() as u64;
        let last = chunk.items.is_empty() || offset >= chunk.total;
        let filter = Arc::clone(&filter);
        // Reading that many documents would keep other requests waiting.
        let found: Vec<Bytes> = tokio::task::spawn_blocking(move || {
            let wants = |doc: &Bytes| {
                serde_json::from_slice::<Value>(doc).is_ok_and(|doc| filter.matches(&doc))
            };
            chunk.items.into_iter().filter(wants).collect()
        })
        .await
        .map_err(|_| ApiError::Internal)?;
        bytes += found.iter().map(Bytes::len).sum::<usize>();
        wanted.extend(found);
        if last {
            break;
        }
    }
    Ok(wanted)
}

/// How a family of routes reads its flags: they differ, and clients rely on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HistoryOptions {
    show_threads: bool,
    inclusive: bool,
    unreads: bool,
    default_count: Option<u64>,
}

impl HistoryOptions {
    /// For channels and direct messages: threads only on request.
    pub fn of(params: &Params) -> Self {
        Self {
            show_threads: params.flag("showThreadMessages"),
            inclusive: params.flag("inclusive"),
            unreads: params.flag("unreads"),
            default_count: None,
        }
    }

    /// For groups: threads by default, any text counts as true, and pages are shorter.
    pub fn of_group(params: &Params) -> Result<Self, ApiError> {
        Ok(Self {
            show_threads: params.text("showThreadMessages")? != Some("false"),
            inclusive: params.filled("inclusive")?.is_some(),
            unreads: params.filled("unreads")?.is_some(),
            default_count: Some(20),
        })
    }
}

/// A room's history, newest first, without system messages the workspace hides. With `unreads` also how many messages
/// there are after `oldest` that the page does not show, and the first of them.
pub async fn history(
    call: &Call,
    params: Params,
    room: &RoomId,
    options: HistoryOptions,
) -> Outcome {
    let mut slice = call.page(&params)?.slice;
    if params.get("count").is_none() {
        slice.count = options.default_count.or(slice.count);
    }
    let date = |name: &str| {
        params
            .date(name)
            .map_err(|_| wording::invalid_date("error-invalid-date", name))
    };
    let (latest, oldest) = (date("latest")?, date("oldest")?);
    let hidden_kinds = hidden_kinds(call);
    let query = HistoryQuery {
        room: room.clone(),
        latest,
        oldest,
        inclusive: options.inclusive,
        show_threads: options.show_threads,
        hidden_kinds: hidden_kinds.clone(),
        slice,
    };
    let docs = call.state.views().history(query).await?;
    let answer = Answer::empty().raw_list("messages", &docs);
    if !options.unreads {
        return Ok(answer);
    }
    let last = docs.last().and_then(|doc| sent_at(doc));
    let (Some(last), Some(oldest)) = (last, oldest.filter(|oldest| last > Some(*oldest))) else {
        return Ok(answer.field("unreadNotLoaded", &0));
    };
    let until = Timestamp::from_millis(last.as_millis() - 1);
    let window = call
        .state
        .views()
        .window(room, Some(oldest), Some(until), &hidden_kinds)
        .await?;
    let answer = answer.field("unreadNotLoaded", &window.count);
    Ok(match window.first {
        Some(first) => answer.raw("firstUnread", &first),
        None => answer,
    })
}

fn sent_at(doc: &[u8]) -> Option<Timestamp> {
    let doc: Value = serde_json::from_slice(doc).ok()?;
    parse_date(doc.get("ts")?)
}

/// The kinds of system message the workspace hides; `mute_unmute` stands for two.
fn hidden_kinds(call: &Call) -> Vec<String> {
    let settings = call.state.views().settings();
    let mut kinds = Vec::new();
    for kind in settings.list(keys::HIDE_SYSTEM_MESSAGES) {
        match kind {
            "mute_unmute" => kinds.extend(["user-muted".to_owned(), "user-unmuted".to_owned()]),
            kind => kinds.push(kind.to_owned()),
        }
    }
    kinds
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_read_their_flags_in_their_own_way() {
        let params = Params::from_urlencoded(b"inclusive=false&unreads=&showThreadMessages=true");
        let group = HistoryOptions::of_group(&params).expect("texts");
        assert!(group.inclusive && !group.unreads && group.show_threads);
        let channel = HistoryOptions::of(&params);
        assert!(!channel.inclusive && channel.show_threads);
        assert!(
            HistoryOptions::of_group(&Params::default())
                .expect("nothing")
                .show_threads
        );
        assert!(!HistoryOptions::of(&Params::default()).show_threads);
    }
}
