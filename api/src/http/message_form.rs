//! A message that people send, as REST and methods take it (contract, messages 3).

use application::caller::Caller;
use application::chat::messages::{self, Draft};
use application::chat::room_access::RoomAccess;
use application::ids::now;
use bytes::Bytes;
use domain::message::{Parent, PostChecks, Presentation, resolve_sent_at};
use domain::{MessageId, RoomId, limits, text};
use projections::MessageRecord;
use serde::Deserialize;
use serde_json::Value;

use crate::errors::{ApiError, wording};
use crate::http::params::parse_date;
use crate::state::AppState;

/// What clients rely on of a message they send; anything else in it is ignored.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SentMessage {
    #[serde(rename = "_id")]
    id: Option<String>,
    pub rid: Option<String>,
    msg: Option<String>,
    ts: Option<Value>,
    tmid: Option<String>,
    tshow: Option<bool>,
    alias: Option<String>,
    avatar: Option<String>,
    emoji: Option<String>,
    attachments: Option<Vec<Value>>,
    blocks: Option<Vec<Value>>,
    groupable: Option<bool>,
    parse_urls: Option<bool>,
    bot: Option<Value>,
    t: Option<String>,
    e2e: Option<String>,
    content: Option<Value>,
    #[serde(rename = "e2eMentions")]
    e2e_mentions: Option<Value>,
    otr_ack: Option<Value>,
    location: Option<Value>,
    custom_fields: Option<Value>,
}

/// Posts what was sent. `previewed`: which of its links are to be previewed, if not all.
pub async fn post(
    state: &AppState,
    caller: &Caller,
    message: SentMessage,
    previewed: Option<Vec<String>>,
) -> Result<Bytes, ApiError> {
    let now = now();
    let given = match &message.ts {
        None | Some(Value::Null) => None,
        Some(ts) => Some(
            parse_date(ts).ok_or_else(|| wording::type_mismatch("date", "another value", "ts"))?,
        ),
    };
    let at = resolve_sent_at(given, now)?;
    let thread = message.tmid.filter(|tmid| !tmid.is_empty());
    let thread = thread.map(MessageId::new);
    let parent = parent(state, thread.as_ref()).await?;
    let place = match (&thread, &parent) {
        (Some(_), Some(parent)) => place_in_thread(state, caller, parent).await?,
        (Some(_), None) => return Err(wording::message_not_found()),
        (None, _) => place_to_write(state, caller, message.rid.as_deref()).await?,
    };
    let encrypted = message
        .t
        .filter(|kind| matches!(kind.as_str(), "e2e" | "otr" | "otr-ack"));
    let draft = Draft {
        opaque: encrypted.is_some(),
        id: message
            .id
            .as_deref()
            .filter(|id| !id.is_empty())
            .map(chosen_id)
            .transpose()?,
        text: message.msg.unwrap_or_default(),
        find_links: message.parse_urls != Some(false),
        previewed,
        attachments: message.attachments,
        presentation: presentation(Presentation {
            alias: message.alias.map(shown_alias),
            avatar: message.avatar,
            emoji: message.emoji,
            groupable: message.groupable,
            parse_urls: message.parse_urls,
            bot: message.bot,
            blocks: message.blocks,
            location: message.location,
            custom_fields: message.custom_fields,
            encrypted,
            e2e: message.e2e,
            encrypted_content: message.content.filter(Value::is_object),
            encrypted_mentions: message.e2e_mentions.filter(Value::is_object),
            otr_ack: message.otr_ack,
        }),
        thread,
        parent,
        shown_in_room: message.tshow == Some(true),
        at,
        join: false,
        checks: PostChecks::Full,
    };
    Ok(messages::post(state, caller, &place, draft).await?)
}

/// An id that a client chooses is kept with everything that refers to the message.
fn chosen_id(id: &str) -> Result<MessageId, ApiError> {
    if id.len() > limits::ID {
        return Err(wording::message_id_too_long(limits::ID));
    }
    Ok(MessageId::new(id))
}

/// The name a message shows instead of its author's; a blank one hides nobody.
fn shown_alias(alias: String) -> String {
    if text::is_blank(&alias) {
        String::new()
    } else {
        alias
    }
}

/// An empty presentation is recorded as none.
pub fn presentation(wanted: Presentation) -> Option<Box<Presentation>> {
    (wanted != Presentation::default()).then(|| Box::new(wanted))
}

/// The message that a reply names, if any.
pub async fn parent(
    state: &AppState,
    thread: Option<&MessageId>,
) -> Result<Option<Parent>, ApiError> {
    let Some(id) = thread else { return Ok(None) };
    let record = state.views().message(id).await?;
    Ok(record.map(messages::parent))
}

/// The room of a thread: a reply goes there, whatever room it names (contract, messages 3 step 4).
async fn place_in_thread(
    state: &AppState,
    caller: &Caller,
    parent: &Parent,
) -> Result<RoomAccess, ApiError> {
    RoomAccess::of(state, caller, &parent.room)
        .await?
        .filter(|place| place.can_access(caller))
        .ok_or_else(wording::message_not_found)
}

/// The room of that id. A caller who may not see it gets the same error as for a room that does not exist.
async fn place_to_write(
    state: &AppState,
    caller: &Caller,
    rid: Option<&str>,
) -> Result<RoomAccess, ApiError> {
    let rid = rid
        .filter(|rid| !rid.is_empty())
        .ok_or_else(wording::rid_missing)?;
    RoomAccess::of(state, caller, &RoomId::new(rid))
        .await?
        .filter(|place| place.is_visible(caller))
        .ok_or_else(wording::no_such_room)
}

/// The message that a request names, with the caller's place in its room. To a caller who may not see the room, the
/// message does not exist.
pub async fn found(
    state: &AppState,
    caller: &Caller,
    id: &MessageId,
) -> Result<Option<(MessageRecord, RoomAccess)>, ApiError> {
    let Some(record) = state.views().message(id).await? else {
        return Ok(None);
    };
    let place = RoomAccess::of(state, caller, &record.room).await?;
    let place = place.filter(|place| place.is_visible(caller));
    Ok(place.map(|place| (record, place)))
}
