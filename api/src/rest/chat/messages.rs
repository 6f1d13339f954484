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
use serde_json::{Map, Value, json};

use crate::errors::{ApiError, wording};
use crate::http::answer::{Answer, Outcome};
use crate::http::call::{Call, FromInput, Input};
use crate::http::parameters::{Document, Filled, Flag, Loose, Param, Parameters, field};
use crate::http::params::parse_date;
use crate::http::route::{self, Route};
use crate::http::schema::{Kind, Schema};
use crate::rest::chat::{known_emoji, target};

pub(super) fn routes() -> Vec<Route> {
    vec![
        route::post("chat.sendMessage", send)
            .about("Posts a message, with an id of the caller's choice if it likes.")
            .answers(&[("message", Kind::Object)]),
        route::post("chat.postMessage", post)
            .about("Posts a message, to a room named by id, `#name` or `@user`.")
            .answers(&[("message", Kind::Object)]),
        route::post("chat.update", update)
            .about("Changes what a message says, or what an encrypted one hides.")
            .answers(&[("message", Kind::Object)]),
        route::post("chat.delete", delete)
            .about("Deletes a message.")
            .answers(&[("_id", Kind::Text), ("ts", Kind::Number)]),
        route::post("chat.react", react).about("Adds or takes back a reaction."),
        route::get("chat.getMessage", get)
            .about("One message.")
            .answers(&[("message", Kind::Object)]),
    ]
}

/// The body of `chat.sendMessage`: what clients rely on; anything else in it is ignored.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Sent {
    message: Option<SentMessage>,
    preview_urls: Option<Vec<String>>,
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
    otr_ack: Option<Value>,
    location: Option<Value>,
    custom_fields: Option<Value>,
}

impl FromInput for Sent {
    const SCHEMA: Schema = Schema {
        fields: &[
            field::<Map<String, Value>>("message", false),
            field::<Vec<String>>("previewUrls", false),
        ],
        ..Schema::OPEN
    };

    fn from_input(input: &mut Input) -> Result<Self, ApiError> {
        match input.json() {
            Some(sent) => Ok(sent),
            // The slower parse finds the words for what is wrong.
            None => Input::typed(input.params()?),
        }
    }
}

async fn send(call: Call, sent: Sent) -> Outcome {
    let message = sent.message.ok_or_else(wording::message_param_missing)?;
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
    let parent = parent(&call, thread.as_ref()).await?;
    let place = match (&thread, &parent) {
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
        previewed: sent.preview_urls,
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
async fn parent(call: &Call, thread: Option<&MessageId>) -> Result<Option<Parent>, ApiError> {
    let Some(id) = thread else { return Ok(None) };
    let record = call.state.views().message(id).await?;
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

#[derive(Parameters)]
#[params(open)]
struct Post {
    /// One or several targets; wins over `channel`.
    room_id: Option<Value>,
    channel: Option<Value>,
    text: Option<Document>,
    msg: Option<Document>,
    alias: Option<Filled>,
    username: Option<Filled>,
    emoji: Option<Filled>,
    #[param(name = "icon_emoji")]
    icon_emoji: Option<Filled>,
    avatar: Option<Filled>,
    #[param(name = "icon_url")]
    icon_url: Option<Filled>,
    attachments: Loose<Vec<Value>>,
    parse_urls: Option<bool>,
    groupable: Option<bool>,
    bot: Option<Value>,
    custom_fields: Loose<Map<String, Value>>,
    tmid: Option<MessageId>,
}

/// `POST /api/v1/chat.postMessage`. Several targets get one message each, up to the first error.
async fn post(call: Call, mut params: Post) -> Outcome {
    let targets: Option<Vec<String>> = match params.room_id.take() {
        None => Param::read(params.channel.take(), "channel")?,
        room => Param::read(room, "roomId")?,
    };
    let targets = targets.unwrap_or_default();
    if targets.is_empty() {
        return Err(wording::invalid_channel());
    }
    if targets.len() > limits::TARGETS {
        return Err(wording::too_many_rooms(limits::TARGETS));
    }
    // Checked before anything is done: naming a user begins a conversation.
    let mut wished = posted(params, now());
    messages::may_be_that_large(&call.state, &wished)?;
    wished.parent = parent(&call, wished.thread.as_ref()).await?;
    // All of them before the first message: if one cannot be posted to, none is.
    let mut places = Vec::with_capacity(targets.len());
    for named in targets {
        let place = target::place(&call, &named).await?;
        places.push((named, place));
    }
    let mut first = None;
    for (named, place) in places {
        let at = now();
        let draft = Draft {
            at,
            ..wished.clone()
        };
        let doc = messages::post(&call.state, &call.caller, &place, draft).await?;
        first.get_or_insert((named, at, doc));
    }
    let Some((named, at, doc)) = first else {
        return Err(wording::invalid_channel());
    };
    Ok(Answer::with_capacity(doc.len() + 64)
        .field("ts", &at.as_millis())
        .field("channel", &named)
        .raw("message", &doc))
}

fn posted(params: Post, at: Timestamp) -> Draft {
    let Document(text) = params
        .text
        .or(params.msg)
        .unwrap_or(Document(String::new()));
    let attachments = match params.attachments.value {
        Some(Value::Array(list)) => Some(list.into_iter().map(with_text).collect::<Vec<_>>()),
        _ => None,
    };
    let find_links = params.parse_urls.unwrap_or(attachments.is_none());
    let either = |a: Option<Filled>, b: Option<Filled>| a.or(b).map(|Filled(text)| text);
    let avatar = either(params.avatar, params.icon_url);
    let emoji = either(params.emoji, params.icon_emoji);
    let alias = either(params.alias, params.username);
    Draft {
        opaque: false,
        id: None,
        text: text::trim(&text).to_owned(),
        find_links,
        previewed: None,
        presentation: Some(Box::new(Presentation {
            alias: Some(alias.unwrap_or_default()),
            emoji: emoji.filter(|_| avatar.is_none()),
            avatar,
            groupable: Some(params.groupable.unwrap_or(false)),
            parse_urls: Some(find_links),
            bot: params.bot,
            custom_fields: params.custom_fields.value,
            ..Presentation::default()
        })),
        attachments: Some(attachments.unwrap_or_default()),
        thread: params.tmid,
        parent: None,
        shown_in_room: false,
        at,
        join: true,
        checks: PostChecks::Lenient,
    }
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
async fn found(
    call: &Call,
    id: &MessageId,
) -> Result<Option<(MessageRecord, RoomAccess)>, ApiError> {
    let Some(record) = call.state.views().message(id).await? else {
        return Ok(None);
    };
    let place = RoomAccess::of(&call.state, &call.caller, &record.room).await?;
    let place = place.filter(|place| place.is_visible(&call.caller));
    Ok(place.map(|place| (record, place)))
}

/// Names a message and its room, which must agree.
#[derive(Parameters)]
#[params(open)]
struct InRoom {
    room_id: RoomId,
    msg_id: MessageId,
}

async fn in_room(call: &Call, named: &InRoom) -> Result<(MessageRecord, RoomAccess), ApiError> {
    let unknown = || wording::no_message_with_id(named.msg_id.as_str());
    let (record, place) = found(call, &named.msg_id).await?.ok_or_else(unknown)?;
    // A caller who may not see the room learns nothing about what is in it.
    if !place.can_access(&call.caller) {
        return Err(unknown());
    }
    if record.room != named.room_id {
        return Err(wording::room_mismatch());
    }
    Ok((record, place))
}

#[derive(Parameters)]
#[params(open)]
struct Update {
    #[param(flatten)]
    named: InRoom,
    text: Option<Document>,
    /// Of an encrypted message, instead of a text.
    content: Option<Map<String, Value>>,
    #[param(name = "e2eMentions")]
    mentions: Option<Map<String, Value>>,
    custom_fields: Option<Map<String, Value>>,
    preview_urls: Option<Vec<String>>,
}

async fn update(call: Call, params: Update) -> Outcome {
    let wording = match (params.content, params.text) {
        (Some(content), _) => Wording::Hidden(Hidden {
            content: Value::Object(content),
            mentions: params.mentions.map(Value::Object),
        }),
        (None, Some(Document(text))) => Wording::Text {
            text,
            previewed: params.preview_urls,
        },
        (None, None) => return Err(wording::match_missing("text")),
    };
    let fields = params.custom_fields.map(Value::Object);
    let (record, place) = in_room(&call, &params.named).await?;
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

#[derive(Parameters)]
#[params(open)]
struct Delete {
    #[param(flatten)]
    named: InRoom,
    /// As its author.
    as_user: Flag,
}

async fn delete(call: Call, Delete { named, as_user }: Delete) -> Outcome {
    let (record, place) = in_room(&call, &named).await?;
    let Flag(as_author) = as_user;
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

#[derive(Parameters)]
#[params(open)]
struct ReactTo {
    message_id: Option<MessageId>,
    emoji: Option<Filled>,
    /// Another name for it.
    reaction: Option<Filled>,
    should_react: Option<bool>,
}

async fn react(call: Call, params: ReactTo) -> Outcome {
    let id = params.message_id.ok_or_else(wording::message_id_missing)?;
    let (record, place) = found(&call, &id)
        .await?
        .ok_or_else(wording::message_not_found)?;
    let emoji = params.emoji.or(params.reaction);
    let emoji = emoji.ok_or_else(wording::emoji_missing)?;
    if !place.can_access(&call.caller) {
        return Err(wording::reacting_not_authorized());
    }
    let reaction = Reaction {
        emoji: &emoji,
        known: known_emoji::exists(&call.state, &emoji).await?,
        wanted: params.should_react,
    };
    match messages::react(&call.state, &call.caller, &place, &record, reaction).await {
        Ok(()) => Ok(Answer::empty()),
        Err(Error::Message(MessageRefusal::Muted)) => {
            Err(wording::reacting_while_muted(record.room.as_str()))
        }
        Err(error) => Err(error.into()),
    }
}

#[derive(Parameters)]
#[params(open)]
struct Get {
    msg_id: Option<MessageId>,
}

async fn get(call: Call, Get { msg_id }: Get) -> Outcome {
    let id = msg_id.ok_or_else(wording::msg_id_query_missing)?;
    let (record, place) = found(&call, &id).await?.ok_or(ApiError::Bare)?;
    if !place.can_read(&call.caller) {
        return Err(wording::reading_not_allowed());
    }
    Ok(Answer::with_capacity(record.doc.len() + 16).raw("message", &record.doc))
}
