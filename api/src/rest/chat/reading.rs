//! Other ways to read what was said in rooms: without a login, by cursor, and where one is mentioned (contract, rooms 11;
//! newer: rooms).

use application::chat::room_access::{self, RoomAccess};
use axum::http::Method;
use bytes::Bytes;
use domain::room::RoomKind;
use domain::settings::keys;
use domain::{MessageId, RoomId, Timestamp};
use projections::{HistoryQuery, MessageOrder, Slice};
use serde_json::json;

use crate::documents::messages::{sent_at, shown};
use crate::errors::{ApiError, wording};
use crate::http::answer::{Answer, Outcome};
use crate::http::call::{Anyone, Call};
use crate::http::page::{Count, Sorted};
use crate::http::parameters::{Date, Filled, Parameters};
use crate::http::route::{self, Route, paged};
use crate::http::schema::Kind;
use crate::rest::chat::history::{self, Listed, TrueOrFalse, hidden_kinds, with_unread};
use crate::rest::chat::kinds::{NAMED, path};
use crate::rest::lookup::{self, Archived, RoomNamed};

pub(super) fn routes() -> Vec<Route> {
    let without_login = NAMED.into_iter().map(|kind| {
        route::public(
            Method::GET,
            &path(kind, "anonymousread"),
            move |anyone, wanted| read_without_login(kind, anyone, wanted),
        )
        .about("Messages of a channel, for anyone, if the workspace may be read without a login.")
        .answers(paged!("messages"))
    });
    without_login
        .chain([
            route::get("channels.getAllUserMentionsByChannel", mentions)
                .about("Messages of a room that mention the caller.")
                .answers(paged!("mentions")),
            route::get("rooms.history", by_cursor)
                .about("Messages of a room, from a place on, backwards or forwards, or around one.")
                .answers(&[("messages", Kind::List), ("cursor", Kind::Object)]),
        ])
        .collect()
}

#[derive(Parameters)]
#[params(open)]
struct ReadWithoutLogin {
    #[param(flatten)]
    room: RoomNamed,
    #[param(flatten)]
    wanted: Listed,
}

/// `*.anonymousread`. Groups are found by nobody who has not logged in, so both families read channels.
async fn read_without_login(kind: RoomKind, anyone: Anyone, params: ReadWithoutLogin) -> Outcome {
    let views = anyone.state.views();
    if !views.settings().bool(keys::ACCOUNTS_ALLOW_ANONYMOUS_READ) {
        return Err(wording::anonymous_reading_off(kind));
    }
    let room = if let Some(id) = &params.room.room_id {
        views.room(&RoomId::new(&**id)).await?
    } else if let Some(name) = &params.room.room_name {
        views.room_by_name(name).await?
    } else {
        return Err(wording::room_param_missing(Some(kind)));
    };
    let unknown = || wording::room_not_found(Some(kind));
    let room = room.ok_or_else(unknown)?;
    if !room_access::is_open(&anyone.state, &room.id).await? {
        return Err(unknown());
    }
    history::messages(&anyone.state, None, &params.wanted, &room.id).await
}

#[derive(Parameters)]
struct MentionsWanted {
    room_id: RoomId,
    #[param(flatten)]
    page: Sorted,
}

/// `channels.getAllUserMentionsByChannel`, of rooms of any kind. In the order in which they were sent, unless `sort` says
/// otherwise.
async fn mentions(call: Call, MentionsWanted { room_id, page }: MentionsWanted) -> Outcome {
    let page = call.sorted(&page)?;
    let place = RoomAccess::of(&call.state, &call.caller, &room_id).await?;
    if !place.is_some_and(|place| place.can_read(&call.caller)) {
        return Err(wording::invalid_room().method("getUserMentionsByChannel"));
    }
    let order = match page.sorted_by("ts") {
        Some(true) => MessageOrder::NewestFirst,
        _ => MessageOrder::OldestFirst,
    };
    let views = call.state.views();
    let found = views
        .mentions_of(call.caller.id(), &room_id, order, page.slice)
        .await?;
    let docs = shown(&call.state, &call.caller, &room_id, found.items).await?;
    Ok(Answer::empty()
        .raw_list("mentions", &docs)
        .field("count", &docs.len())
        .field("offset", &page.slice.offset)
        .field("total", &found.total))
}

#[derive(Parameters)]
struct ByCursor {
    room_id: RoomId,
    #[param(flatten)]
    count: Count,
    show_thread_messages: Option<TrueOrFalse>,
    /// Only what was sent before the message it stands for.
    previous: Option<Filled>,
    /// Only what was sent after it.
    next: Option<Filled>,
    /// How far the caller has read.
    last_seen: Option<Date>,
    /// What was sent before and after this message, and itself.
    around_id: Option<MessageId>,
}

/// Where a part of a room begins, and in which direction it goes.
#[derive(Clone, Copy)]
enum Start {
    Newest,
    Before(Timestamp),
    After(Timestamp),
    Around(Timestamp),
}

impl ByCursor {
    async fn start(&self, call: &Call) -> Result<Start, ApiError> {
        match (&self.previous, &self.next, &self.around_id) {
            (None, None, None) => Ok(Start::Newest),
            (Some(previous), None, None) => place("previous", previous).map(Start::Before),
            (None, Some(next), None) => place("next", next).map(Start::After),
            (None, None, Some(id)) => {
                let message = call.state.views().message(id).await?;
                let message = message.filter(|message| message.room == self.room_id);
                let message = message.ok_or_else(wording::message_not_found)?;
                Ok(Start::Around(message.at))
            }
            _ => {
                let one = "must match at most one of previous, next and aroundId".to_owned();
                Err(wording::invalid_query_params(&[one]))
            }
        }
    }
}

/// The message that a cursor stands for: its send time, which no other message of the room has.
fn place(name: &str, cursor: &str) -> Result<Timestamp, ApiError> {
    let millis: Result<i64, _> = cursor.parse();
    let millis = millis.map_err(|_| format!("{name} must be a cursor"));
    let millis = millis.map_err(|fault| wording::invalid_query_params(&[fault]))?;
    Ok(Timestamp::from_millis(millis))
}

/// What is read of a room, whatever part of it.
struct Reading {
    room: RoomId,
    show_threads: bool,
    hidden_kinds: Vec<String>,
}

impl Reading {
    /// At most `count` messages after `oldest` and before `latest`, from the latter on backwards, or from the former on
    /// forwards. The newest is the first of them either way.
    async fn between(
        &self,
        call: &Call,
        (oldest, latest): (Option<Timestamp>, Option<Timestamp>),
        oldest_first: bool,
        count: Option<u64>,
    ) -> Result<Vec<Bytes>, ApiError> {
        let query = HistoryQuery {
            room: self.room.clone(),
            latest,
            oldest,
            inclusive: false,
            show_threads: self.show_threads,
            hidden_kinds: self.hidden_kinds.clone(),
            oldest_first,
            slice: Slice { offset: 0, count },
        };
        let mut docs = call.state.views().history(query).await?;
        if oldest_first {
            docs.reverse();
        }
        Ok(docs)
    }

    async fn from(
        &self,
        call: &Call,
        start: Start,
        count: Option<u64>,
    ) -> Result<Vec<Bytes>, ApiError> {
        match start {
            Start::Newest => self.between(call, (None, None), false, count).await,
            Start::Before(latest) => self.between(call, (None, Some(latest)), false, count).await,
            Start::After(oldest) => self.between(call, (Some(oldest), None), true, count).await,
            Start::Around(at) => {
                // A message itself is after the millisecond before it.
                let before = Timestamp::from_millis(at.as_millis().saturating_sub(1));
                let half = count.map(|count| count / 2);
                let older = self.between(call, (None, Some(at)), false, half).await?;
                let rest = count.map(|count| count.saturating_sub(older.len() as u64));
                let newer = self.between(call, (Some(before), None), true, rest);
                Ok([newer.await?, older].concat())
            }
        }
    }

    /// The cursor that goes on from a message in that direction; `None`: there is nothing more.
    async fn cursor(
        &self,
        call: &Call,
        end: Option<&Bytes>,
        forwards: bool,
    ) -> Result<Option<String>, ApiError> {
        let Some(at) = end.and_then(|doc| sent_at(doc)) else {
            return Ok(None);
        };
        let span = if forwards {
            (Some(at), None)
        } else {
            (None, Some(at))
        };
        let more = self.between(call, span, forwards, Some(1)).await?;
        Ok((!more.is_empty()).then(|| at.as_millis().to_string()))
    }
}

/// `rooms.history`. The newest message is the first, whatever the direction.
async fn by_cursor(call: Call, params: ByCursor) -> Outcome {
    let room = RoomNamed::by_id(&params.room_id);
    let found = lookup::room(&call, &room, None, Archived::Accepted).await?;
    if !found.place.can_read(&call.caller) {
        return Err(wording::forbidden());
    }
    let seen = params.last_seen.map(|date| date.0).transpose();
    let seen = seen.map_err(|_| wording::invalid_date("error-invalid-date", "lastSeen"))?;
    let start = params.start(&call).await?;
    let count = params.count.limit(&call.state.views().settings());
    let reading = Reading {
        hidden_kinds: hidden_kinds(&call, &params.room_id).await?,
        room: params.room_id,
        show_threads: params.show_thread_messages == Some(TrueOrFalse::True),
    };
    let docs = reading.from(&call, start, count).await?;
    let cursor = json!({
        "previous": reading.cursor(&call, docs.last(), false).await?,
        "next": reading.cursor(&call, docs.first(), true).await?,
    });
    let docs = shown(&call.state, &call.caller, &reading.room, docs).await?;
    let answer = Answer::empty()
        .raw_list("messages", &docs)
        .field("cursor", &cursor);
    match seen {
        Some(_) => with_unread(&call, answer, &reading.room, &docs, seen).await,
        None => Ok(answer),
    }
}
