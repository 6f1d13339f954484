//! Posting a message (contract, messages 3).

use std::sync::Arc;

use bytes::Bytes;
use domain::access::joins_by_mention;
use domain::message::{
    self, Content, Message, MessageCommand, MessageContext, MessagePosted, MessageRefusal, Parent,
    PostChecks, Presentation,
};
use domain::room::RoomKind;
use domain::{MessageId, SeenUpTo, Timestamp};
use eventstore::ExecuteError;
use projections::UserFacts;

use super::content::{Said, Typed, content};
use super::{context, document};
use crate::caller::Caller;
use crate::chat::members;
use crate::chat::room_access::{PlaceInTeam, RoomAccess};
use crate::error::Error;
use crate::ids::fresh_id;
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
    /// The links whose pages are to be previewed; `None`: all.
    pub previewed: Option<Vec<String>>,
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
    let said = if draft.opaque {
        let content = Content {
            text: draft.text,
            attachments: draft.attachments,
            ..Content::default()
        };
        Said {
            content,
            ..Said::default()
        }
    } else {
        let typed = Typed {
            text: draft.text,
            find_links: draft.find_links,
            previewed: draft.previewed,
            attachments: draft.attachments,
        };
        content(workspace, caller, place, &settings, typed).await?
    };
    message::may_call_so_many(said.grouped)?;
    let is_reply = draft.thread.is_some();
    let joining = newcomers(workspace, caller, place, is_reply, said.called).await?;
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
        content: said.content,
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
