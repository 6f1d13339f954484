//! Reading what was said in a room (contract, rooms 11 and 12: `*.history`, `*.messages`).

use domain::{RoomId, Timestamp};
use projections::{HistoryQuery, Slice};
use serde_json::Value;

use super::answer::{Answer, Outcome};
use crate::error::texts;
use crate::extract::Call;
use crate::extract::page::filter_rows;
use crate::extract::params::Params;

/// A page of everything in a room, newest first unless `sort={"ts":1}`.
pub async fn messages(call: &Call, params: &Params, room: &RoomId) -> Outcome {
    let page = call.page(params)?;
    let oldest_first = page.sorted_by("ts") == Some(false);
    let whole = page.filters() || oldest_first;
    let slice = if whole { Slice::ALL } else { page.slice };
    let found = call.state.views().messages(room, slice).await?;
    let mut items = found.items;
    if oldest_first {
        items.reverse();
    }
    let (items, total) = match &page.query {
        Some(filter) => filter_rows(items, filter, page.slice),
        None if whole => (crate::extract::page::cut(items, page.slice), found.total),
        None => (items, found.total),
    };
    let items = page.project(items);
    Ok(Answer::empty()
        .raw_list("messages", &items)
        .field("count", &items.len())
        .field("offset", &page.slice.offset)
        .field("total", &total))
}

/// A room's history, newest first, without system messages the workspace hides. With `unreads` also how many there are
/// after `oldest` that the page does not show, and the first of them.
pub async fn history(call: &Call, params: &Params, room: &RoomId, show_threads: bool) -> Outcome {
    let page = call.page(params)?;
    let date = |name: &str| params.date(name).map_err(|_| texts::invalid_date("error-invalid-date", "latest"));
    let (latest, oldest) = (date("latest")?, date("oldest")?);
    let hidden_kinds = hidden_kinds(call);
    let query = HistoryQuery {
        room: room.clone(),
        latest,
        oldest,
        inclusive: params.flag("inclusive"),
        show_threads,
        hidden_kinds: hidden_kinds.clone(),
        slice: page.slice,
    };
    let docs = call.state.views().history(query).await?;
    let mut answer = Answer::empty().raw_list("messages", &docs);
    if params.flag("unreads") {
        let last = docs.last().and_then(|doc| sent_at(doc));
        if let (Some(last), Some(oldest)) = (last, oldest) && last > oldest {
            let until = Timestamp::from_millis(last.as_millis() - 1);
            let window = call.state.views().window(room, Some(oldest), Some(until), &hidden_kinds).await?;
            answer = answer.field("unreadNotLoaded", &window.count);
            if let Some(first) = window.first {
                answer = answer.raw("firstUnread", &first);
            }
        } else {
            answer = answer.field("unreadNotLoaded", &0);
        }
    }
    Ok(answer)
}

fn sent_at(doc: &[u8]) -> Option<Timestamp> {
    let doc: Value = serde_json::from_slice(doc).ok()?;
    crate::extract::params::parse_date(doc.get("ts")?)
}

/// The kinds of system message the workspace hides; `mute_unmute` stands for two.
fn hidden_kinds(call: &Call) -> Vec<String> {
    let settings = call.state.views().settings();
    let hidden = settings.get("Hide_System_Messages").as_array().cloned().unwrap_or_default();
    let mut kinds = Vec::new();
    for kind in hidden.iter().filter_map(Value::as_str) {
        match kind {
            "mute_unmute" => kinds.extend(["user-muted".to_owned(), "user-unmuted".to_owned()]),
            kind => kinds.push(kind.to_owned()),
        }
    }
    kinds
}

