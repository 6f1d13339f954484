//! What is done with messages that exist (contract, messages 5 and 6).

use domain::access::Beyond;
use domain::message::{
    self, Content, Hidden, Message, MessageCommand, MessageContext, PostChecks, Preview, Revision,
};
use domain::permission::{Authority, PermissionTable};
use domain::room::{RoomContext, RoomFacts};
use domain::settings::Settings;
use domain::{MessageId, Timestamp, UserId};
use projections::MessageRecord;
use serde_json::Value;

use super::content::{Typed, content};
use super::context;
use crate::caller::Caller;
use crate::chat::room_access::RoomAccess;
use crate::chat::rooms::Going;
use crate::error::Error;
use crate::ids::now;
use crate::workspace::Workspace;

/// What a message is to say or hide instead.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub enum Wording {
    /// In the clear: the server can read it.
    Text {
        text: String,
        /// The links whose pages are to be previewed; `None`: all.
        previewed: Option<Vec<String>>,
    },
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
        Wording::Text { text, previewed } => {
            message::check_size(&text, None, None, PostChecks::Lenient, &settings)?;
            // Encrypted content is kept as it came.
            revision.content = if record.kind.is_some() {
                Content {
                    text,
                    ..Content::default()
                }
            } else {
                let typed = Typed {
                    text,
                    find_links: true,
                    previewed,
                    attachments: None,
                };
                content(workspace, caller, place, &settings, typed)
                    .await?
                    .content
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
    let settings = workspace.views().settings();
    let context = MessageContext {
        emoji_known: reaction.known,
        ..of_record(caller, place, &settings, record)
    };
    decide(workspace, record, &command, &context).await
}

/// Pins a message, or takes the pin off.
pub async fn pin(
    workspace: &Workspace,
    caller: &Caller,
    place: &RoomAccess,
    record: &MessageRecord,
    wanted: bool,
) -> Result<(), Error> {
    let (message, at) = (record.id.clone(), now());
    let pin = MessageCommand::Pin {
        message,
        wanted,
        at,
    };
    change(workspace, caller, place, record, &pin).await
}

/// Stars a message for the caller, or takes their star off.
pub async fn star(
    workspace: &Workspace,
    caller: &Caller,
    place: &RoomAccess,
    record: &MessageRecord,
    wanted: bool,
) -> Result<(), Error> {
    let (message, at) = (record.id.clone(), now());
    let star = MessageCommand::Star {
        message,
        wanted,
        at,
    };
    change(workspace, caller, place, record, &star).await
}

/// Lets the caller follow the thread that a message begins, or not any more.
pub async fn follow(
    workspace: &Workspace,
    caller: &Caller,
    place: &RoomAccess,
    record: &MessageRecord,
    wanted: bool,
) -> Result<(), Error> {
    let (message, at) = (record.id.clone(), now());
    let follow = MessageCommand::Follow {
        message,
        wanted,
        at,
    };
    let settings = workspace.views().settings();
    let context = MessageContext {
        follows: record.is_followed_by(caller.id()),
        ..of_record(caller, place, &settings, record)
    };
    decide(workspace, record, &follow, &context).await
}

/// Adds what the server found out about links of a message, as far as it still has them.
pub async fn preview(
    workspace: &Workspace,
    message: &MessageId,
    previews: Vec<Preview>,
) -> Result<(), Error> {
    let views = workspace.views();
    let Some(record) = views.message(message).await? else {
        return Ok(());
    };
    let Some(room) = views.room_facts(&record.room).await? else {
        return Ok(());
    };
    let (server, permissions) = (UserId::system(), PermissionTable::default());
    let authority = Authority {
        actor: &server,
        roles: &[],
        room_roles: &[],
        permissions: &permissions,
    };
    let preview = MessageCommand::Preview {
        message: message.clone(),
        previews,
        at: now(),
    };
    change_as(workspace, authority, &room, &record, &preview).await
}

/// Lets the rules decide one command about a message that exists.
pub async fn change(
    workspace: &Workspace,
    caller: &Caller,
    place: &RoomAccess,
    record: &MessageRecord,
    command: &MessageCommand,
) -> Result<(), Error> {
    let settings = workspace.views().settings();
    let context = of_record(caller, place, &settings, record);
    decide(workspace, record, command, &context).await
}

fn of_record<'a>(
    caller: &'a Caller,
    place: &'a RoomAccess,
    settings: &'a Settings,
    record: &MessageRecord,
) -> MessageContext<'a> {
    MessageContext {
        system_message: record.system.then_some(record.at),
        has_replies: record.replies > 0,
        ..context(caller, place, settings)
    }
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
        follows: false,
    };
    decide(workspace, record, command, &context).await
}
