//! Changing, deleting and reacting to messages.

use application::chat::messages::{self, Reaction, Wording};
use application::chat::room_access::RoomAccess;
use application::error::Error;
use application::ids::now;
use domain::message::{Hidden, MessageCommand, MessageRefusal};
use domain::permission::Permission;
use domain::{MessageId, RoomId, UserId};
use projections::MessageRecord;
use serde_json::{Map, Value, json};

use crate::documents::messages::one_shown;
use crate::errors::{ApiError, wording};
use crate::http::answer::{Answer, Outcome};
use crate::http::call::Call;
use crate::http::known_emoji;
use crate::http::message_form::found;
use crate::http::parameters::{Document, Filled, Flag, Parameters};
use crate::http::route::{self, Route};
use crate::http::schema::Kind;

pub(super) fn routes() -> Vec<Route> {
    vec![
        route::post("chat.update", update)
            .about("Changes what a message says, or what an encrypted one hides.")
            .answers(&[("message", Kind::Object)]),
        route::post("chat.delete", delete)
            .about("Deletes a message.")
            .answers(&[("_id", Kind::Text), ("ts", Kind::Number)]),
        route::post("chat.react", react).about("Adds or takes back a reaction."),
    ]
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
    let (record, place) = found(&call.state, &call.caller, &named.msg_id)
        .await?
        .ok_or_else(unknown)?;
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
    let doc = one_shown(&call.state, &call.caller, doc).await?;
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
    let (record, place) = found(&call.state, &call.caller, &id)
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
