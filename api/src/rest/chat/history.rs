//! Reading the messages of a room (contract, rooms 11 and 12: `*.history`, `*.messages`).

use std::sync::Arc;

use application::caller::Caller;
use application::chat::hidden_kinds;
use bytes::Bytes;
use domain::{RoomId, Timestamp, UserId};
use projections::{HistoryQuery, MessageOrder, Page as Found, Slice};
use serde_json::{Value, json};

use crate::documents::messages::{one_shown, shown, shown_to_anyone, unread, with_marks};
use crate::errors::{ApiError, wording};
use crate::http::answer::{Answer, Outcome};
use crate::http::call::Call;
use crate::http::filter::Filter;
use crate::http::page::{Page, PageRequest, cut};
use crate::http::parameters::{Date, Filled, Flag, Loose, Param, Parameters};
use crate::state::AppState;

/// Rows read at a time if each has to be looked at.
const CHUNK: u64 = 1_000;

/// Most rows looked at for one request. `query` does not find what is older; search is made for that.
const MOST_ROWS: u64 = 20_000;

/// About the most bytes of documents found for one request; older documents are not found.
const MOST_BYTES: usize = 8 * 1024 * 1024;

/// Which messages of a room are wanted.
#[derive(Parameters)]
#[params(open)]
pub struct Listed {
    #[param(flatten)]
    page: Page,
    /// This and the following are newer names for what `query` is used for.
    mention_ids: Option<Filled>,
    starred_ids: Option<Filled>,
    pinned: Loose<String>,
}

/// What of a room is listed.
enum Listing {
    All,
    Pinned,
    /// What the caller has starred.
    Starred,
    /// What mentions the caller.
    Mentioning,
    /// What passes a filter.
    Passing(Filter),
}

/// A page of everything in a room, newest first unless `sort={"ts":1}`. `caller`: who reads it, if it is known.
pub async fn messages(
    state: &AppState,
    caller: Option<&Caller>,
    wanted: &Listed,
    room: &RoomId,
) -> Outcome {
    let page = PageRequest::of(&wanted.page, &state.views().settings())?;
    let order = match page.sorted_by("ts") {
        Some(false) => MessageOrder::OldestFirst,
        _ => MessageOrder::NewestFirst,
    };
    let views = state.views();
    let listing = listing(wanted, page.query.as_ref(), caller.map(Caller::id))?;
    let found = match (listing, caller) {
        (Listing::Passing(filter), _) => {
            let mut items = scan(state, caller, room, &filter).await?;
            if order == MessageOrder::OldestFirst {
                items.reverse();
            }
            let total = items.len() as u64;
            let items = cut(items, page.slice);
            Found { items, total }
        }
        (Listing::Pinned, _) => views.pinned(room, order, page.slice).await?,
        (Listing::Starred, Some(caller)) => {
            views.starred(caller.id(), room, order, page.slice).await?
        }
        (Listing::Mentioning, Some(caller)) => {
            let found = views.mentions_of(caller.id(), room, order, page.slice);
            found.await?
        }
        (Listing::All | Listing::Starred | Listing::Mentioning, _) => match order {
            MessageOrder::OldestFirst => views.messages_oldest_first(room, page.slice).await?,
            MessageOrder::NewestFirst => views.messages(room, page.slice).await?,
        },
    };
    let items = page.project(shown_to(state, caller, room, found.items).await?);
    Ok(Answer::empty()
        .raw_list("messages", &items)
        .field("count", &items.len())
        .field("offset", &page.slice.offset)
        .field("total", &found.total))
}

/// Messages of a room as whoever reads them is shown them.
async fn shown_to(
    state: &AppState,
    caller: Option<&Caller>,
    room: &RoomId,
    docs: Vec<Bytes>,
) -> Result<Vec<Bytes>, ApiError> {
    match caller {
        Some(caller) => shown(state, caller, room, docs).await,
        None => shown_to_anyone(state, docs).await,
    }
}

/// Which messages are wanted, in the older or the newer parameters. What is asked for alone and often has an index.
fn listing(
    wanted: &Listed,
    query: Option<&Filter>,
    caller: Option<&UserId>,
) -> Result<Listing, ApiError> {
    let is_caller = |ids: &Option<Filled>| {
        let id = ids.as_ref().map(|Filled(ids)| ids.as_str());
        id.is_some() && id == caller.map(UserId::as_str)
    };
    let Flag(pinned) = Flag::read(wanted.pinned.value.clone(), "pinned")?;
    match (&wanted.mention_ids, &wanted.starred_ids, pinned, query) {
        (None, None, false, None) => return Ok(Listing::All),
        (None, None, true, None) => return Ok(Listing::Pinned),
        (None, ids @ Some(_), false, None) if is_caller(ids) => return Ok(Listing::Starred),
        (ids @ Some(_), None, false, None) if is_caller(ids) => return Ok(Listing::Mentioning),
        _ => {}
    }
    let mut all: Vec<Filter> = query.cloned().into_iter().collect();
    for (ids, field) in [
        (&wanted.mention_ids, "mentions._id"),
        (&wanted.starred_ids, "starred._id"),
    ] {
        if let Some(list) = ids {
            let ids: Vec<&str> = list.split(',').map(str::trim_ascii).collect();
            let filter = Filter::parse(&json_map(json!({ field: { "$in": ids } })));
            all.push(filter.map_err(|_| wording::invalid_query("Too many ids"))?);
        }
    }
    if pinned {
        all.extend(Filter::parse(&json_map(json!({ "pinned": true }))));
    }
    Ok(Listing::Passing(Filter::All(all)))
}

fn json_map(value: Value) -> serde_json::Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => serde_json::Map::new(),
    }
}

/// The newest messages of a room that match, newest first, with bounded memory and work.
async fn scan(
    state: &AppState,
    caller: Option<&Caller>,
    room: &RoomId,
    filter: &Filter,
) -> Result<Vec<Bytes>, ApiError> {
    let filter = Arc::new(filter.clone());
    let (mut wanted, mut bytes) = (Vec::new(), 0);
    let mut offset = 0;
    while offset < MOST_ROWS && bytes < MOST_BYTES {
        let slice = Slice {
            offset,
            count: Some(CHUNK),
        };
        let chunk = state.views().messages(room, slice).await?;
        offset += chunk.items.len() as u64;
        let last = chunk.items.is_empty() || offset >= chunk.total;
        let filter = Arc::clone(&filter);
        // It is asked for by what is shown, stars among it.
        let items = match caller {
            Some(caller) => with_marks(state, caller, room, chunk.items).await?,
            None => chunk.items,
        };
        // Reading that many documents would keep other requests waiting.
        let found: Vec<Bytes> = tokio::task::spawn_blocking(move || {
            let wants = |doc: &Bytes| {
                serde_json::from_slice::<Value>(doc).is_ok_and(|doc| filter.matches(&doc))
            };
            items.into_iter().filter(wants).collect()
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

/// Which messages are wanted of those between two points in time.
#[derive(Debug)]
pub struct Span {
    latest: Option<Date>,
    oldest: Option<Date>,
    inclusive: bool,
    unreads: bool,
    show_threads: bool,
    page: Page,
    default_count: Option<u64>,
}

/// A [`Span`] of channels and direct messages: threads only on request.
#[derive(Parameters)]
pub struct PlainSpan {
    latest: Option<Date>,
    oldest: Option<Date>,
    inclusive: Option<TrueOrFalse>,
    unreads: Option<TrueOrFalse>,
    show_thread_messages: Option<TrueOrFalse>,
    #[param(flatten)]
    page: Page,
}

#[derive(PartialEq, Eq, Parameters)]
pub(super) enum TrueOrFalse {
    True,
    False,
}

impl From<PlainSpan> for Span {
    fn from(span: PlainSpan) -> Self {
        let is_true = |flag| flag == Some(TrueOrFalse::True);
        Self {
            latest: span.latest,
            oldest: span.oldest,
            inclusive: is_true(span.inclusive),
            unreads: is_true(span.unreads),
            show_threads: is_true(span.show_thread_messages),
            page: span.page,
            default_count: None,
        }
    }
}

/// A [`Span`] of groups: threads unless they are refused, and pages are shorter.
#[derive(Parameters)]
#[params(open)]
pub struct GroupSpan {
    latest: Option<Date>,
    oldest: Option<Date>,
    /// Any text counts as true, here and in the next.
    inclusive: Option<Filled>,
    unreads: Option<Filled>,
    show_thread_messages: Option<String>,
    #[param(flatten)]
    page: Page,
}

impl From<GroupSpan> for Span {
    fn from(span: GroupSpan) -> Self {
        Self {
            latest: span.latest,
            oldest: span.oldest,
            inclusive: span.inclusive.is_some(),
            unreads: span.unreads.is_some(),
            show_threads: span.show_thread_messages.as_deref() != Some("false"),
            page: span.page,
            default_count: Some(20),
        }
    }
}

/// A room's history, newest first, without system messages the workspace hides. With `unreads` also how many messages
/// there are after `oldest` that the page does not show, and the first of them.
pub async fn history(call: &Call, span: Span, room: &RoomId) -> Outcome {
    let mut slice = call.page(&span.page)?.slice;
    if !span.page.has_count() {
        slice.count = span.default_count.or(slice.count);
    }
    let point = |date: Option<Date>, name| {
        date.map(|date| date.0)
            .transpose()
            .map_err(|_| wording::invalid_date("error-invalid-date", name))
    };
    let latest = point(span.latest, "latest")?;
    let oldest = point(span.oldest, "oldest")?;
    let query = HistoryQuery {
        room: room.clone(),
        latest,
        oldest,
        inclusive: span.inclusive,
        show_threads: span.show_threads,
        hidden_kinds: hidden_kinds(call, room).await?,
        oldest_first: false,
        slice,
    };
    let docs = call.state.views().history(query).await?;
    let docs = shown(&call.state, &call.caller, room, docs).await?;
    let answer = Answer::empty().raw_list("messages", &docs);
    if !span.unreads {
        return Ok(answer);
    }
    with_unread(call, answer, room, &docs, oldest).await
}

/// Adds how many messages there are after `seen` and before those in `docs`, the newest of which is the first, and which
/// of them is the first.
pub(super) async fn with_unread(
    call: &Call,
    answer: Answer,
    room: &RoomId,
    docs: &[Bytes],
    seen: Option<Timestamp>,
) -> Outcome {
    let unread = unread(&call.state, room, docs, seen).await?;
    let answer = answer.field("unreadNotLoaded", &unread.count);
    Ok(match unread.first {
        Some(first) => {
            let first = one_shown(&call.state, &call.caller, first).await?;
            answer.raw("firstUnread", &first)
        }
        None => answer,
    })
}

/// The kinds of system message that are left out.
pub(super) async fn hidden_kinds(call: &Call, room: &RoomId) -> Result<Vec<String>, ApiError> {
    Ok(hidden_kinds::hidden_kinds(call.state.views(), room).await?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::params::Params;

    fn read<P: Parameters + Into<Span>>(query: &str) -> Span {
        let mut params = Params::from_urlencoded(query.as_bytes());
        P::read(&mut params).expect("parameters").into()
    }

    #[test]
    fn groups_read_their_flags_in_their_own_way() {
        let group = read::<GroupSpan>("inclusive=false&unreads=&showThreadMessages=true");
        assert!(group.inclusive && !group.unreads && group.show_threads);
        let channel = read::<PlainSpan>("inclusive=false&showThreadMessages=true");
        assert!(!channel.inclusive && !channel.unreads && channel.show_threads);
        assert!(read::<GroupSpan>("").show_threads);
        assert!(!read::<PlainSpan>("").show_threads);
    }
}
