//! Posting, editing, deleting and reacting (contract, messages 3, 5 and 6).

use std::sync::Arc;

use bytes::Bytes;
use domain::access::{Beyond, joins_by_mention};
use domain::mention::{Call as Called, Scanner, close_fences, links};
use domain::message::{
    self, Content, Hidden, Mention, Message, MessageCommand, MessageContext, MessagePosted,
    MessageRefusal, Parent, PostChecks, Presentation, Revision,
};
use domain::permission::Authority;
use domain::room::{RoomContext, RoomFacts, RoomKind};
use domain::settings::Settings;
use domain::{MessageId, SeenUpTo, Timestamp};
use eventstore::ExecuteError;
use projections::{MessageRecord, UserFacts};
use serde_json::Value;

use crate::caller::Caller;
use crate::chat::members;
use crate::chat::room_access::{PlaceInTeam, RoomAccess};
use crate::chat::rooms::Going;
use crate::error::Error;
use crate::ids::{fresh_id, now};
use crate::workspace::Workspace;

/// A message to be posted.
#[derive(Clone)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub struct Draft {
    /// Chosen by the client; `None`: a fresh one.
    pub id: Option<MessageId>,
    pub text: String,
    /// The text is encrypted: no mentions or links are looked for in it.
    pub opaque: bool,
    pub find_links: bool,
    pub attachments: Option<Vec<serde_json::Value>>,
    pub presentation: Option<Box<Presentation>>,
    /// The message it replies to.
    pub thread: Option<MessageId>,
    /// What is known of the message in `thread`.
    pub parent: Option<Parent>,
    /// A reply that is also shown in the room.
    pub shown_in_room: bool,
    pub at: Timestamp,
    /// The author joins the channel, if they are not a member.
    pub join: bool,
    /// Which rules apply to the post.
    pub checks: PostChecks,
}

/// Refuses a message that is larger than messages may be.
pub fn may_be_that_large(workspace: &Workspace, draft: &Draft) -> Result<(), Error> {
    message::check_size(
        &draft.text,
        draft.attachments.as_deref(),
        draft.presentation.as_deref(),
        draft.checks,
        &workspace.views().settings(),
    )?;
    Ok(())
}

/// What those who reply need to know of a message.
pub fn parent(record: MessageRecord) -> Parent {
    Parent {
        message: record.id,
        room: record.room,
        thread: record.thread,
    }
}

/// When the system message with that id was sent, if it exists: the views made it, so the log has no stream that would
/// keep others from using its id.
async fn system_message(workspace: &Workspace, id: &MessageId) -> Result<Option<Timestamp>, Error> {
    let record = workspace.views().message(id).await?;
    Ok(record
        .filter(|record| record.system)
        .map(|record| record.at))
}

/// Posts `draft` into the room and returns its wire document. A request that is repeated with the same id returns the
/// message that exists.
pub async fn post(
    workspace: &Workspace,
    caller: &Caller,
    place: &RoomAccess,
    draft: Draft,
) -> Result<Bytes, Error> {
    // Messages that become visible from here on were not seen by the author.
    let seen = workspace.views().applied().get();
    let settings = workspace.views().settings();
    // Before any text is scanned: a message that is too large costs nothing more.
    may_be_that_large(workspace, &draft)?;
    let system_message = match &draft.id {
        Some(id) => system_message(workspace, id).await?,
        None => None,
    };
    let id = draft.id.unwrap_or_else(|| MessageId::new(fresh_id()));
    let (content, called) = if draft.opaque {
        let content = Content {
            text: draft.text,
            attachments: draft.attachments,
            ..Content::default()
        };
        (content, Vec::new())
    } else {
        content(
            workspace,
            caller,
            &settings,
            draft.text,
            draft.find_links,
            draft.attachments,
        )
        .await?
    };
    let is_reply = draft.thread.is_some();
    let joining = newcomers(workspace, caller, place, is_reply, called).await?;
    // Whoever writes into a discussion joins it (contract, messages 3).
    let joins = draft.join && place.room.kind == RoomKind::Channel || place.room.parent.is_some();
    let joins_first = joins && !place.is_member();
    let context = MessageContext {
        system_message,
        parent: draft.parent.as_ref(),
        ..context(caller, place, &settings)
    };
    let stream = message::stream(&id);
    let posted = MessagePosted {
        message: id.clone(),
        room: place.room.id.clone(),
        author: caller.id().clone(),
        at: draft.at,
        content,
        presentation: draft.presentation,
        thread: draft.thread,
        shown_in_room: draft.shown_in_room,
        seen: Some(SeenUpTo::new(seen)),
    };
    let repeated = workspace
        .run(caller.id(), async |tx| {
            if joins_first {
                members::join_along(&tx, caller, place, draft.at).await?;
            }
            let post = MessageCommand::Post {
                posted: Box::new(posted.clone()),
                checks: draft.checks,
            };
            match tx.decide_new::<Message>(&stream, post, &context).await {
                Ok(_) => {}
                Err(ExecuteError::Refused(MessageRefusal::AlreadyPosted)) if !joins_first => {
                    return Ok(true);
                }
                Err(error) => return Err(error.into()),
            }
            // Users who are mentioned and added to the channel join it because of the message: in its batch and right
            // behind it, so that neither is ever seen without the other.
            for user in &joining {
                members::try_join(&tx, user, &place.room, &place.permissions, draft.at).await?;
            }
            Ok(false)
        })
        .await?;
    if repeated {
        // It may have been posted through another node a moment ago.
        let head = workspace
            .executor()
            .store()
            .head()
            .await
            .map_err(Error::from)?;
        workspace.views().wait_for(head).await?;
    }
    document(workspace, &id).await
}

/// The wire document of a message that exists.
pub async fn document(workspace: &Workspace, id: &MessageId) -> Result<Bytes, Error> {
    workspace
        .views()
        .message_doc(id)
        .await?
        .ok_or_else(|| MessageRefusal::NotFound.into())
}

/// What a message is to say or hide instead.
#[derive(Clone, Debug)]
pub enum Wording {
    /// In the clear: the server can read it.
    Text(String),
    /// Encrypted: nothing that the server can read.
    Hidden(Hidden),
}

/// Changes the content of a message.
pub async fn edit(
    workspace: &Workspace,
    caller: &Caller,
    place: &RoomAccess,
    record: &MessageRecord,
    wording: Wording,
    custom_fields: Option<Value>,
    at: Timestamp,
) -> Result<(), Error> {
    let settings = workspace.views().settings();
    let mut revision = Revision {
        custom_fields,
        ..Revision::default()
    };
    match wording {
        Wording::Hidden(hidden) => revision.hidden = Some(Box::new(hidden)),
        Wording::Text(text) => {
            message::check_size(&text, None, None, PostChecks::Lenient, &settings)?;
            // Encrypted content is kept as it came.
            revision.content = if record.kind.is_some() {
                Content {
                    text,
                    ..Content::default()
                }
            } else {
                content(workspace, caller, &settings, text, true, None)
                    .await?
                    .0
            };
        }
    }
    let edit = MessageCommand::Edit {
        message: record.id.clone(),
        revision,
        at,
    };
    change(workspace, caller, place, record, &edit).await
}

/// A wish to react to a message, or to take the reaction back.
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub struct Reaction<'a> {
    pub emoji: &'a str,
    /// Whether an emoji with that name exists.
    pub known: bool,
    /// `None`: the opposite of the present state.
    pub wanted: Option<bool>,
}

/// Reacts to a message, or takes the reaction back.
pub async fn react(
    workspace: &Workspace,
    caller: &Caller,
    place: &RoomAccess,
    record: &MessageRecord,
    reaction: Reaction<'_>,
) -> Result<(), Error> {
    let command = MessageCommand::React {
        message: record.id.clone(),
        emoji: reaction.emoji.to_owned(),
        wanted: reaction.wanted,
        at: now(),
    };
    change_knowing(workspace, caller, place, record, &command, reaction.known).await
}

/// Lets the rules decide one command about a message that exists.
pub async fn change(
    workspace: &Workspace,
    caller: &Caller,
    place: &RoomAccess,
    record: &MessageRecord,
    command: &MessageCommand,
) -> Result<(), Error> {
    change_knowing(workspace, caller, place, record, command, false).await
}

async fn change_knowing(
    workspace: &Workspace,
    caller: &Caller,
    place: &RoomAccess,
    record: &MessageRecord,
    command: &MessageCommand,
    emoji_known: bool,
) -> Result<(), Error> {
    let settings = workspace.views().settings();
    let context = MessageContext {
        system_message: record.system.then_some(record.at),
        has_replies: record.replies > 0,
        emoji_known,
        ..context(caller, place, &settings)
    };
    decide(workspace, record, command, &context).await
}

/// Lets the rules decide. A discussion goes with the message that tells of it.
async fn decide(
    workspace: &Workspace,
    record: &MessageRecord,
    command: &MessageCommand,
    context: &MessageContext<'_>,
) -> Result<(), Error> {
    let stream = message::stream(&record.id);
    let discussion = match command {
        MessageCommand::Delete { .. } if record.kind.as_deref() == Some("discussion-created") => {
            let views = workspace.views();
            views.discussion_told_by(&record.room, &record.id).await?
        }
        _ => None,
    };
    let going = match &discussion {
        Some(discussion) => Some(Going::with(workspace, discussion).await?),
        None => None,
    };
    workspace
        .run(context.authority.actor, async |tx| {
            tx.decide::<Message>(&stream, command.clone(), context)
                .await?;
            if let Some(going) = &going {
                going.delete(&tx, &RoomContext::System, now()).await?;
            }
            Ok(())
        })
        .await?;
    match going {
        Some(going) => {
            going
                .leave_nothing(workspace, context.authority.actor)
                .await
        }
        None => Ok(()),
    }
}

/// Like [`change`], with rights that are not the caller's own: those that a rule of the server gives.
pub async fn change_as(
    workspace: &Workspace,
    authority: Authority<'_>,
    room: &RoomFacts,
    record: &MessageRecord,
    command: &MessageCommand,
) -> Result<(), Error> {
    let settings = workspace.views().settings();
    let context = MessageContext {
        authority,
        room,
        beyond: Beyond::Nothing,
        membership: None,
        settings: &settings,
        system_message: record.system.then_some(record.at),
        has_replies: record.replies > 0,
        parent: None,
        emoji_known: false,
    };
    decide(workspace, record, command, &context).await
}

pub(crate) fn context<'a>(
    caller: &'a Caller,
    place: &'a RoomAccess,
    settings: &'a Settings,
) -> MessageContext<'a> {
    MessageContext {
        authority: place.authority(caller),
        room: &place.room,
        beyond: place.beyond(caller),
        membership: place.membership.as_deref(),
        settings,
        system_message: None,
        has_replies: false,
        parent: None,
        emoji_known: false,
    }
}

/// The content of a message with that text, and the users it mentions. Rooms that its author may not know of are not
/// found in it.
async fn content(
    workspace: &Workspace,
    caller: &Caller,
    settings: &Settings,
    mut text: String,
    find_links: bool,
    attachments: Option<Vec<serde_json::Value>>,
) -> Result<(Content, Vec<Arc<UserFacts>>), Error> {
    if find_links && let Some(closed) = close_fences(&text) {
        text = closed;
    }
    let urls = find_links.then(|| links(&text).into_iter().map(str::to_owned).collect());
    let mut content = Content {
        urls,
        attachments,
        ..Content::default()
    };
    let mut called = Vec::new();
    if text.contains(['@', '#']) {
        let scanner: Arc<Scanner> = workspace.scanner(settings);
        let found = scanner.scan(&text);
        for call in found.calls {
            match call {
                Called::All => content.mentions.push(Mention::All),
                Called::Here => content.mentions.push(Mention::Here),
                Called::User(name) => {
                    let user = workspace.views().user_by_username(name).await?;
                    // Mentions are case-sensitive, the view is not.
                    if let Some(user) = user.filter(|user| user.username == name) {
                        content.mentions.push(Mention::User(user.id.clone()));
                        called.push(user);
                    }
                }
            }
        }
        for name in found.channels {
            let Some(room) = workspace.views().room_by_name(name).await? else {
                continue;
            };
            let place = RoomAccess::of(workspace, caller, &room.id).await?;
            let named = room.kind != RoomKind::Direct
                && place.is_some_and(|place| place.is_visible(caller));
            content.channels.extend(named.then_some(room.id));
        }
    }
    content.text = text;
    Ok((content, called))
}

/// Those of `called` who become members by it.
async fn newcomers(
    workspace: &Workspace,
    caller: &Caller,
    place: &RoomAccess,
    is_reply: bool,
    called: Vec<Arc<UserFacts>>,
) -> Result<Vec<Arc<UserFacts>>, Error> {
    let views = workspace.views();
    let mut newcomers = Vec::new();
    for user in called {
        let joins = joins_by_mention(&place.room, is_reply, caller.id(), (&user.id, user.active));
        if !joins {
            continue;
        }
        let team = PlaceInTeam::of(workspace, &user.id, &place.room).await?;
        if !team.is_some_and(PlaceInTeam::is_closed)
            && views
                .membership_facts(&place.room.id, &user.id)
                .await?
                .is_none()
        {
            newcomers.push(user);
        }
    }
    Ok(newcomers)
}
