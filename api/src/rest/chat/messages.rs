//! Messages: posting, changing, deleting, reacting (contract, messages 6).

use application::chat::messages::{self, Draft, Reaction, Wording};
use application::chat::room_access::RoomAccess;
use application::error::Error;
use application::ids::now;
use domain::message::{
    Hidden, MessageCommand, MessageRefusal, Parent, PostChecks, Presentation, resolve_sent_at,
};
use domain::permission::Permission;
use domain::{MessageId, RoomId, Timestamp, UserId, limits, text};
use projections::MessageRecord;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::errors::{ApiError, wording};
use crate::http::answer::{Answer, Outcome};
use crate::http::call::{Call, Input};
use crate::http::params::{Params, parse_date};
use crate::http::route::{self, Route};
use crate::http::schema::Kind;
use crate::rest::chat::{known_emoji, target};

pub(super) fn routes() -> Vec<Route> {
    vec![
        route::post("chat.sendMessage", send)
            .about("Posts a message, with an id of the caller's choice if it likes.")
            .knows(&[("message", Kind::Object), ("previewUrls", Kind::Texts)])
            .answers(&[("message", Kind::Object)]),
        route::post("chat.postMessage", post)
            .about("Posts a message, to a room named by id, `#name` or `@user`.")
            .knows(&[
                ("roomId", Kind::Any),
                ("channel", Kind::Any),
                ("text", Kind::Document),
                ("alias", Kind::Text),
                ("emoji", Kind::Text),
                ("avatar", Kind::Text),
                ("attachments", Kind::List),
            ])
            .answers(&[("message", Kind::Object)]),
        route::post("chat.update", update)
            .about("Changes what a message says, or what an encrypted one hides.")
            .knows(&[
                ("roomId", Kind::Text),
                ("msgId", Kind::Text),
                ("text", Kind::Document),
                ("content", Kind::Object),
                ("e2eMentions", Kind::Object),
                ("customFields", Kind::Object),
                ("previewUrls", Kind::Texts),
            ])
            .answers(&[("message", Kind::Object)]),
        route::post("chat.delete", delete)
            .about("Deletes a message.")
            .knows(&[
                ("roomId", Kind::Text),
                ("msgId", Kind::Text),
                ("asUser", Kind::Boolean),
            ])
            .answers(&[("_id", Kind::Text), ("ts", Kind::Number)]),
        route::post("chat.react", react)
            .about("Adds or takes back a reaction.")
            .knows(&[
                ("messageId", Kind::Text),
                ("emoji", Kind::Text),
                ("reaction", Kind::Text),
                ("shouldReact", Kind::Boolean),
            ]),
        route::get("chat.getMessage", get)
            .about("One message.")
            .knows(&[("msgId", Kind::Text)])
            .answers(&[("message", Kind::Object)]),
    ]
}

/// The body of `chat.sendMessage`: what clients rely on; anything else in it is ignored.
#[derive(Deserialize)]
struct Sent {
    message: Option<SentMessage>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SentMessage {
    #[serde(rename = "_id")]
    id: Option<String>,
    rid: Option<String>,
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
    location: Option<Value>,
    custom_fields: Option<Value>,
}

async fn send(call: Call) -> Outcome {
    let sent = match call.input.json::<Sent>() {
        Some(sent) => sent,
        // The slower parse finds the words for what is wrong.
        None => Input::typed(call.input.params()?)?,
    };
    let message = sent.message.ok_or_else(wording::message_param_missing)?;
    let now = now();
    let given = match &message.ts {
        None | Some(Value::Null) => None,
        Some(ts) => Some(
            parse_date(ts).ok_or_else(|| wording::type_mismatch("date", "another value", "ts"))?,
        ),
    };
    let at = resolve_sent_at(given, now)?;
    let tmid = message.tmid.filter(|tmid| !tmid.is_empty());
    let parent = parent(&call, tmid.as_deref()).await?;
    let place = match (&tmid, &parent) {
        (Some(_), Some(parent)) => place_in_thread(&call, parent).await?,
        (Some(_), None) => return Err(wording::message_not_found()),
        (None, _) => place_to_write(&call, message.rid.as_deref()).await?,
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
        }),
        thread: tmid.map(MessageId::new),
        parent,
        shown_in_room: message.tshow == Some(true),
        at,
        join: false,
        checks: PostChecks::Full,
    };
    let doc = messages::post(&call.state, &call.caller, &place, draft).await?;
    Ok(Answer::with_capacity(doc.len() + 16).raw("message", &doc))
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
fn presentation(wanted: Presentation) -> Option<Box<Presentation>> {
    (wanted != Presentation::default()).then(|| Box::new(wanted))
}

/// The message that a reply names, if any.
async fn parent(call: &Call, tmid: Option<&str>) -> Result<Option<Parent>, ApiError> {
    let Some(tmid) = tmid else { return Ok(None) };
    let record = call.state.views().message(&MessageId::new(tmid)).await?;
    Ok(record.map(messages::parent))
}

/// The room of a thread: a reply goes there, whatever room it names (contract, messages 3 step 4).
async fn place_in_thread(call: &Call, parent: &Parent) -> Result<RoomAccess, ApiError> {
    RoomAccess::of(&call.state, &call.caller, &parent.room)
        .await?
        .filter(|place| place.can_access(&call.caller))
        .ok_or_else(wording::message_not_found)
}

/// The room of that id. A caller who may not see it gets the same error as for a room that does not exist.
async fn place_to_write(call: &Call, rid: Option<&str>) -> Result<RoomAccess, ApiError> {
    let rid = rid
        .filter(|rid| !rid.is_empty())
        .ok_or_else(wording::rid_missing)?;
    RoomAccess::of(&call.state, &call.caller, &RoomId::new(rid))
        .await?
        .filter(|place| place.is_visible(&call.caller))
        .ok_or_else(wording::no_such_room)
}

/// `POST /api/v1/chat.postMessage`. Several targets get one message each, up to the first error.
async fn post(call: Call) -> Outcome {
    let params = call.input.params()?;
    let key = if params.get("roomId").is_some() {
        "roomId"
    } else {
        "channel"
    };
    let targets = params.texts(key)?.unwrap_or_default();
    if targets.is_empty() {
        return Err(wording::invalid_channel());
    }
    if targets.len() > limits::TARGETS {
        return Err(wording::too_many_rooms(limits::TARGETS));
    }
    // Checked before anything is done: naming a user begins a conversation.
    let mut wished = posted(&params, now())?;
    messages::may_be_that_large(&call.state, &wished)?;
    wished.parent = parent(&call, params.filled("tmid")?).await?;
    // All of them before the first message: if one cannot be posted to, none is.
    let mut places = Vec::with_capacity(targets.len());
    for named in targets {
        places.push((named, target::place(&call, named).await?));
    }
    let mut first = None;
    for (named, place) in places {
        let at = now();
        let draft = Draft {
            at,
            ..wished.clone()
        };
        let doc = messages::post(&call.state, &call.caller, &place, draft).await?;
        first.get_or_insert((named.to_owned(), at, doc));
    }
    let Some((named, at, doc)) = first else {
        return Err(wording::invalid_channel());
    };
    Ok(Answer::with_capacity(doc.len() + 64)
        .field("ts", &at.as_millis())
        .field("channel", &named)
        .raw("message", &doc))
}

fn posted(params: &Params, at: Timestamp) -> Result<Draft, ApiError> {
    let either = |a: &str, b: &str| {
        Ok::<_, ApiError>(params.filled(a)?.or(params.filled(b)?).map(str::to_owned))
    };
    let attachments = params
        .get("attachments")
        .and_then(Value::as_array)
        .map(|list| list.iter().cloned().map(with_text).collect::<Vec<_>>());
    let avatar = either("avatar", "icon_url")?;
    let parse_urls = params.boolean("parseUrls")?;
    let find_links = parse_urls.unwrap_or(attachments.is_none());
    Ok(Draft {
        opaque: false,
        id: None,
        text: text::trim(
            params
                .text("text")?
                .or(params.text("msg")?)
                .unwrap_or_default(),
        )
        .to_owned(),
        find_links,
        presentation: Some(Box::new(Presentation {
            alias: Some(
                either("alias", "username")?
                    .map(shown_alias)
                    .unwrap_or_default(),
            ),
            emoji: if avatar.is_some() {
                None
            } else {
                either("emoji", "icon_emoji")?
            },
            avatar,
            groupable: Some(params.boolean("groupable")?.unwrap_or(false)),
            parse_urls: Some(find_links),
            bot: params.get("bot").cloned(),
            custom_fields: params.get("customFields").cloned(),
            ..Presentation::default()
        })),
        attachments: Some(attachments.unwrap_or_default()),
        thread: params.filled("tmid")?.map(MessageId::new),
        parent: None,
        shown_in_room: false,
        at,
        join: true,
        checks: PostChecks::Lenient,
    })
}

/// `msg` of an attachment is another name for its `text`.
fn with_text(mut attachment: Value) -> Value {
    if let Some(object) = attachment.as_object_mut()
        && let Some(text) = object.remove("msg")
    {
        object.insert("text".to_owned(), text);
    }
    attachment
}

/// The message that a request names, with the caller's place in its room. To a caller who may not see the room, the
/// message does not exist.
async fn found(call: &Call, id: &str) -> Result<Option<(MessageRecord, RoomAccess)>, ApiError> {
    let Some(record) = call.state.views().message(&MessageId::new(id)).await? else {
        return Ok(None);
    };
    let place = RoomAccess::of(&call.state, &call.caller, &record.room).await?;
    let place = place.filter(|place| place.is_visible(&call.caller));
    Ok(place.map(|place| (record, place)))
}

/// The message of `roomId` and `msgId`, which must agree.
async fn in_room(call: &Call, params: &Params) -> Result<(MessageRecord, RoomAccess), ApiError> {
    let (room, id) = (params.required("roomId")?, params.required("msgId")?);
    let (record, place) = found(call, id)
        .await?
        .ok_or_else(|| wording::no_message_with_id(id))?;
    // A caller who may not see the room learns nothing about what is in it.
    if !place.can_access(&call.caller) {
        return Err(wording::no_message_with_id(id));
    }
    if record.room.as_str() != room {
        return Err(wording::room_mismatch());
    }
    Ok((record, place))
}

async fn update(call: Call) -> Outcome {
    let params = call.input.params()?;
    let mentions = params.object("e2eMentions")?.cloned();
    let wording = match params.object("content")?.cloned() {
        Some(content) => Wording::Hidden(Hidden { content, mentions }),
        None => Wording::Text(params.required("text")?.to_owned()),
    };
    let fields = params.object("customFields")?.cloned();
    let (record, place) = in_room(&call, &params).await?;
    messages::edit(
        &call.state,
        &call.caller,
        &place,
        &record,
        wording,
        fields,
        now(),
    )
    .await?;
    let doc = messages::document(&call.state, &record.id).await?;
    Ok(Answer::with_capacity(doc.len() + 16).raw("message", &doc))
}

async fn delete(call: Call) -> Outcome {
    let params = call.input.params()?;
    let as_author = params.flag("asUser");
    let (record, place) = in_room(&call, &params).await?;
    if as_author
        && record.author != *call.caller.id()
        && !place.may(&call.caller, Permission::FORCE_DELETE_MESSAGE)
    {
        return Err(wording::delete_as_user());
    }
    let at = now();
    let delete = MessageCommand::Delete {
        message: record.id.clone(),
        at,
    };
    messages::change(&call.state, &call.caller, &place, &record, &delete).await?;
    let author = author(&call, &record.author).await?;
    Ok(Answer::empty()
        .field("_id", &record.id)
        .field("ts", &at.as_millis())
        .field(
            "message",
            &json!({ "_id": record.id, "rid": record.room, "u": author }),
        ))
}

async fn author(call: &Call, id: &UserId) -> Result<Value, ApiError> {
    Ok(match call.state.views().user(id).await? {
        Some(user) => json!({ "_id": id, "username": user.username, "name": user.name }),
        None => json!({ "_id": id }),
    })
}

async fn react(call: Call) -> Outcome {
    let params = call.input.params()?;
    let id = params
        .filled("messageId")?
        .ok_or_else(wording::message_id_missing)?;
    let (record, place) = found(&call, id)
        .await?
        .ok_or_else(wording::message_not_found)?;
    let emoji = params
        .filled("emoji")?
        .or(params.filled("reaction")?)
        .ok_or_else(wording::emoji_missing)?;
    if !place.can_access(&call.caller) {
        return Err(wording::reacting_not_authorized());
    }
    let reaction = Reaction {
        emoji,
        known: known_emoji::exists(&call.state, emoji).await?,
        wanted: params.boolean("shouldReact")?,
    };
    match messages::react(&call.state, &call.caller, &place, &record, reaction).await {
        Ok(()) => Ok(Answer::empty()),
        Err(Error::Message(MessageRefusal::Muted)) => {
            Err(wording::reacting_while_muted(record.room.as_str()))
        }
        Err(error) => Err(error.into()),
    }
}

async fn get(call: Call) -> Outcome {
    let params = call.input.params()?;
    let id = params
        .filled("msgId")?
        .ok_or_else(wording::msg_id_query_missing)?;
    let (record, place) = found(&call, id).await?.ok_or(ApiError::Bare)?;
    if !place.can_read(&call.caller) {
        return Err(wording::reading_not_allowed());
    }
    Ok(Answer::with_capacity(record.doc.len() + 16).raw("message", &record.doc))
}
