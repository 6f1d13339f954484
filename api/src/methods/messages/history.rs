//! Reading what was said in rooms.

use application::caller::Caller;
use application::chat::hidden_kinds::hidden_kinds;
use application::chat::room_access::{self, RoomAccess};
use bytes::Bytes;
use domain::settings::keys;
use domain::{MessageId, RoomId, Timestamp};
use projections::{HistoryQuery, MessageOrder, Slice};
use serde_json::{Map, Value, json};

use super::{document, documents};
use crate::documents::messages::{all_shown, one_shown, shown, shown_to_anyone, unread};
use crate::documents::rooms::removed;
use crate::errors::{ApiError, wording};
use crate::http::message_form::found;
use crate::http::params::mismatch;
use crate::methods::{
    AnyMethodCall, Method, MethodCall, MethodOutcome, ejson, method, open_method,
};
use crate::state::AppState;

pub(super) fn methods() -> Vec<Method> {
    vec![
        open_method("loadHistory", load),
        open_method("loadMissedMessages", missed),
        method("loadNextMessages", next),
        method("loadSurroundingMessages", surrounding),
        method("getSingleMessage", single),
        method("getMessages", many),
        method("messages/get", get),
        method("getChannelHistory", of_channel),
        method("getUserMentionsByChannel", mentions),
    ]
}

/// The most messages at a time.
const MOST: u64 = 1_000;

/// Somebody who reads a room; without a login, if the workspace may be read so.
struct Reader<'a> {
    state: &'a AppState,
    caller: Option<&'a Caller>,
    room: RoomId,
}

impl<'a> Reader<'a> {
    /// `None`: they may not read it, or it is not there.
    async fn of(
        state: &'a AppState,
        caller: Option<&'a Caller>,
        room: RoomId,
    ) -> Result<Option<Self>, ApiError> {
        let may_read = if let Some(caller) = caller {
            let place = RoomAccess::of(state, caller, &room).await?;
            place.is_some_and(|place| place.can_read(caller))
        } else {
            let settings = state.views().settings();
            settings.bool(keys::ACCOUNTS_ALLOW_ANONYMOUS_READ)
                && room_access::is_open(state, &room).await?
        };
        Ok(may_read.then_some(Self {
            state,
            caller,
            room,
        }))
    }

    /// Messages after `oldest` and before `latest`.
    async fn between(
        &self,
        (oldest, latest): (Option<Timestamp>, Option<Timestamp>),
        order: MessageOrder,
        count: Option<u64>,
    ) -> Result<Vec<Bytes>, ApiError> {
        let query = HistoryQuery {
            latest,
            oldest,
            oldest_first: order == MessageOrder::OldestFirst,
            slice: Slice { offset: 0, count },
            ..self.all().await?
        };
        Ok(self.state.views().history(query).await?)
    }

    /// Everything in the room that is not hidden.
    async fn all(&self) -> Result<HistoryQuery, ApiError> {
        Ok(HistoryQuery {
            room: self.room.clone(),
            latest: None,
            oldest: None,
            inclusive: false,
            show_threads: true,
            hidden_kinds: hidden_kinds(self.state.views(), &self.room).await?,
            oldest_first: false,
            slice: Slice::ALL,
        })
    }

    async fn shown(&self, docs: Vec<Bytes>) -> Result<Vec<Bytes>, ApiError> {
        match self.caller {
            Some(caller) => shown(self.state, caller, &self.room, docs).await,
            None => shown_to_anyone(self.state, docs).await,
        }
    }

    /// Messages, and how many there are between `seen` and the oldest of them, and which is the first.
    async fn with_unread(&self, docs: Vec<Bytes>, seen: Option<Timestamp>) -> MethodOutcome {
        let unread = unread(self.state, &self.room, &docs, seen).await?;
        let mut answer = json!({
            "messages": documents(&self.shown(docs).await?),
            "unreadNotLoaded": unread.count,
        });
        if let Some(first) = unread.first {
            let first = self.shown(vec![first]).await?;
            answer["firstUnread"] = documents(&first)[0].take();
        }
        Ok(answer)
    }
}

fn limit(given: Option<f64>, default: u64) -> u64 {
    match given {
        // What is no number of messages counts as absent.
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "in range"
        )]
        Some(given) if given >= 1.0 => given.min(1e6) as u64,
        _ => default,
    }
    .min(MOST)
}

/// `loadHistory(rid, end?, limit?, ls?, showThreadMessages?)`: the newest first.
async fn load(call: AnyMethodCall) -> MethodOutcome {
    let room = RoomId::new(call.args.text(0)?);
    let Some(reader) = Reader::of(&call.state, call.caller.as_ref(), room).await? else {
        return Ok(json!(false));
    };
    let query = HistoryQuery {
        latest: call.args.date(1),
        show_threads: call.args.boolean(4)?.unwrap_or(true),
        slice: Slice::first(limit(call.args.number(2)?, 20)),
        ..reader.all().await?
    };
    let docs = call.state.views().history(query).await?;
    reader.with_unread(docs, call.args.date(3)).await
}

/// `loadMissedMessages(rid, start)`: what was sent since, the newest first.
async fn missed(call: AnyMethodCall) -> MethodOutcome {
    let room = RoomId::new(call.args.text(0)?);
    let start = call.args.date(1);
    let start = start.ok_or_else(|| mismatch("Date", call.args.get(1), "start"))?;
    let Some(reader) = Reader::of(&call.state, call.caller.as_ref(), room).await? else {
        return Ok(json!(false));
    };
    let docs = reader.between((Some(start), None), MessageOrder::NewestFirst, None);
    Ok(documents(&reader.shown(docs.await?).await?))
}

/// `loadNextMessages(rid, end?, limit?)`: what was sent after that, the oldest first.
async fn next(call: MethodCall) -> MethodOutcome {
    let room = RoomId::new(call.args.text(0)?);
    let Some(reader) = Reader::of(&call.state, Some(&call.caller), room).await? else {
        return Ok(json!(false));
    };
    let count = Some(limit(call.args.number(2)?, 20));
    let span = (call.args.date(1), None);
    let docs = reader.between(span, MessageOrder::OldestFirst, count);
    let docs = reader.shown(docs.await?).await?;
    Ok(json!({ "messages": documents(&docs) }))
}

/// `loadSurroundingMessages({_id, rid?}, limit?)`: what was sent before it, the newest first; itself; and what was sent
/// after it, the oldest first.
async fn surrounding(call: MethodCall) -> MethodOutcome {
    let id = super::changing::id(call.args.object(0)?)?;
    let Some(message) = call.state.views().message(&id).await? else {
        return Ok(json!(false));
    };
    let room = message.room.clone();
    let Some(reader) = Reader::of(&call.state, Some(&call.caller), room).await? else {
        return Ok(json!(false));
    };
    let others = limit(call.args.number(1)?, 50).saturating_sub(1);
    let (before, after) = (others.div_ceil(2), others / 2);
    // One more of each tells whether there are more.
    let (span, order) = ((None, Some(message.at)), MessageOrder::NewestFirst);
    let mut docs = reader.between(span, order, Some(before + 1)).await?;
    let more_before = docs.len() as u64 > before;
    docs.truncate(usize::try_from(before).unwrap_or(usize::MAX));
    docs.push(message.doc);
    let (span, order) = ((Some(message.at), None), MessageOrder::OldestFirst);
    let mut newer = reader.between(span, order, Some(after + 1)).await?;
    let more_after = newer.len() as u64 > after;
    newer.truncate(usize::try_from(after).unwrap_or(usize::MAX));
    docs.extend(newer);
    let docs = reader.shown(docs).await?;
    Ok(json!({
        "messages": documents(&docs),
        "moreBefore": more_before,
        "moreAfter": more_after,
    }))
}

/// `getSingleMessage(id)`.
async fn single(call: MethodCall) -> MethodOutcome {
    let id = MessageId::new(call.args.text(0)?);
    let Some((record, place)) = found(&call.state, &call.caller, &id).await? else {
        return Ok(Value::Null);
    };
    if !place.can_read(&call.caller) {
        return Err(wording::reading_not_allowed());
    }
    let doc = one_shown(&call.state, &call.caller, record.doc).await?;
    Ok(document(&doc))
}

/// `getMessages([ids])`.
async fn many(call: MethodCall) -> MethodOutcome {
    let ids = call.args.list(0)?;
    if ids.len() as u64 > MOST {
        return Err(wording::too_many_messages(ids.len()));
    }
    let mut docs = Vec::new();
    for id in ids {
        let id = id
            .as_str()
            .ok_or_else(|| mismatch("string", id, "messages"))?;
        let id = MessageId::new(id);
        let Some((record, place)) = found(&call.state, &call.caller, &id).await? else {
            continue;
        };
        if !place.can_read(&call.caller) {
            return Err(wording::reading_not_allowed().method("getMessages"));
        }
        docs.push(record.doc);
    }
    let docs = all_shown(&call.state, &call.caller, docs).await?;
    Ok(documents(&docs))
}

/// Which messages between two times are wanted.
struct Span {
    oldest: Option<Timestamp>,
    latest: Option<Timestamp>,
    inclusive: bool,
    unreads: bool,
    show_threads: bool,
    slice: Slice,
}

impl Span {
    fn read(wish: &Map<String, Value>, oldest: &str, latest: &str) -> Result<Self, ApiError> {
        let date = |name: &str| match wish.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => ejson::read_date(value)
                .map(Some)
                .ok_or_else(|| wording::invalid_date("error-invalid-date", name)),
        };
        let is_set = |name: &str| wish.get(name) == Some(&Value::Bool(true));
        let number = |name: &str| wish.get(name).and_then(Value::as_f64);
        Ok(Self {
            oldest: date(oldest)?,
            latest: date(latest)?,
            inclusive: is_set("inclusive"),
            unreads: is_set("unreads"),
            show_threads: wish.get("showThreadMessages") != Some(&Value::Bool(false)),
            slice: Slice {
                offset: wish.get("offset").and_then(Value::as_u64).unwrap_or(0),
                count: Some(limit(number("count"), 20)),
            },
        })
    }

    async fn answer(self, reader: &Reader<'_>) -> MethodOutcome {
        let query = HistoryQuery {
            latest: self.latest,
            oldest: self.oldest,
            inclusive: self.inclusive,
            show_threads: self.show_threads,
            slice: self.slice,
            ..reader.all().await?
        };
        let docs = reader.state.views().history(query).await?;
        if self.unreads {
            return reader.with_unread(docs, self.oldest).await;
        }
        Ok(json!({ "messages": documents(&reader.shown(docs).await?) }))
    }
}

/// `messages/get(rid, {lastUpdate} or {latestDate, oldestDate, inclusive, count, unreads})`.
async fn get(call: MethodCall) -> MethodOutcome {
    let room = RoomId::new(call.args.text(0)?);
    let reader = Reader::of(&call.state, Some(&call.caller), room).await?;
    let reader = reader.ok_or_else(|| wording::reading_not_allowed().method("messages/get"))?;
    let nothing = Map::new();
    let wish = call.args.get(1).as_object().unwrap_or(&nothing);
    let Some(since) = wish.get("lastUpdate").and_then(ejson::read_date) else {
        return Span::read(wish, "oldestDate", "latestDate")?
            .answer(&reader)
            .await;
    };
    let views = call.state.views();
    let since = views.since(since);
    let updated = views.messages_changed(&reader.room, call.caller.id(), since);
    let updated = reader.shown(updated.await?).await?;
    let deleted = views.removed_messages(&reader.room, since).await?;
    Ok(json!({
        "updated": documents(&updated),
        "deleted": ejson::with_dates(removed(&deleted).into()),
    }))
}

/// `getChannelHistory({rid, latest?, oldest?, inclusive?, offset?, count?, unreads?, showThreadMessages?})`.
async fn of_channel(call: MethodCall) -> MethodOutcome {
    let wish = call.args.object(0)?;
    let room = wish.get("rid").unwrap_or(&Value::Null);
    let room = room
        .as_str()
        .ok_or_else(|| mismatch("string", room, "rid"))?;
    let span = Span::read(wish, "oldest", "latest")?;
    match Reader::of(&call.state, Some(&call.caller), RoomId::new(room)).await? {
        Some(reader) => span.answer(&reader).await,
        None => Ok(json!(false)),
    }
}

/// `getUserMentionsByChannel({roomId, options: {limit?, skip?, sort?}})`.
async fn mentions(call: MethodCall) -> MethodOutcome {
    let wish = call.args.object(0)?;
    let room = wish.get("roomId").unwrap_or(&Value::Null);
    let room = room
        .as_str()
        .ok_or_else(|| mismatch("string", room, "roomId"))?;
    let reader = Reader::of(&call.state, Some(&call.caller), RoomId::new(room)).await?;
    let unknown = || wording::invalid_room().method("getUserMentionsByChannel");
    let reader = reader.ok_or_else(unknown)?;
    let options = wish.get("options").unwrap_or(&Value::Null);
    let order = match options["sort"]["ts"].as_i64() {
        Some(-1) => MessageOrder::NewestFirst,
        _ => MessageOrder::OldestFirst,
    };
    let slice = Slice {
        offset: options["skip"].as_u64().unwrap_or(0),
        count: Some(limit(options["limit"].as_f64(), 50)),
    };
    let views = call.state.views();
    let found = views.mentions_of(call.caller.id(), &reader.room, order, slice);
    let docs = reader.shown(found.await?.items).await?;
    Ok(documents(&docs))
}
