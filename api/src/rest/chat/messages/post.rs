//! `chat.postMessage`: what programs post.

use application::chat::messages::{self, Draft};
use application::ids::now;
use domain::message::{PostChecks, Presentation};
use domain::{MessageId, Timestamp, limits, text};
use serde_json::{Map, Value};

use crate::errors::wording;
use crate::http::answer::{Answer, Outcome};
use crate::http::call::Call;
use crate::http::message_form;
use crate::http::parameters::{Document, Filled, Loose, Param, Parameters};
use crate::http::route::{self, Route};
use crate::http::schema::Kind;
use crate::rest::chat::target;

pub(super) fn routes() -> Vec<Route> {
    vec![
        route::post("chat.postMessage", post)
            .about("Posts a message, to a room named by id, `#name` or `@user`.")
            .answers(&[("message", Kind::Object)]),
    ]
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
    wished.parent = message_form::parent(&call.state, wished.thread.as_ref()).await?;
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
