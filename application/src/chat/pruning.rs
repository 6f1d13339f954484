//! Deleting many messages of a room at once (contract, messages 5.3).
//!
//! They are appended in batches, as people are who are added to a room at once ([`super::bulk`]). If that is interrupted,
//! asking again deletes those that are left.

use domain::UserId;
use domain::message::{self, Message, MessageCommand, MessageContext};
use domain::permission::Permission;
use domain::room::{self, Pruning, Room, RoomCommand, RoomContext, RoomRefusal};
use projections::Doomed;

use crate::caller::Caller;
use crate::chat::bulk::BATCH;
use crate::chat::messages;
use crate::chat::room_access::RoomAccess;
use crate::chat::rooms::Going;
use crate::error::Error;
use crate::ids::now;
use crate::workspace::Workspace;

/// What somebody wants to be deleted.
#[derive(Clone, Debug)]
pub struct Wish {
    /// Its authors are those in `usernames`.
    pub pruning: Pruning,
    /// Whose messages. Names that nobody has are passed over; none: everybody's.
    pub usernames: Vec<String>,
    /// Only their files go.
    pub files_only: bool,
}

/// Deletes the messages; returns how many, or of how many the files.
pub async fn prune(
    workspace: &Workspace,
    caller: &Caller,
    place: &RoomAccess,
    wish: Wish,
) -> Result<u64, Error> {
    // Before all of them are looked at. The rules ask again.
    if !place.may(caller, Permission::CLEAN_CHANNEL_HISTORY) {
        return Err(RoomRefusal::PruneNotAllowed.into());
    }
    if wish.files_only {
        // No message has a file.
        return Ok(0);
    }
    let id = &place.room.id;
    let pruning = Pruning {
        authors: authors(workspace, &wish.usernames).await?,
        ..wish.pruning
    };
    let doomed = workspace.views().doomed(id, &pruning).await?;
    let messages = doomed.len() as u64;
    let settings = workspace.views().settings();
    let context = RoomContext::User {
        authority: place.authority(caller),
        settings: &settings,
    };
    let at = now();
    let stream = room::stream(id);
    let prune = RoomCommand::Prune {
        room: id.clone(),
        pruning,
        messages,
        at,
    };
    let mut announced = false;
    for batch in doomed.chunks(BATCH) {
        let discussions = discussions(workspace, place, batch).await?;
        workspace
            .run(caller.id(), async |tx| {
                if !announced {
                    tx.decide::<Room>(&stream, prune.clone(), &context).await?;
                }
                for message in batch {
                    let context = MessageContext {
                        system_message: message.system,
                        ..messages::context(caller, place, &settings)
                    };
                    let prune = MessageCommand::Prune {
                        message: message.id.clone(),
                        at,
                    };
                    let stream = message::stream(&message.id);
                    tx.decide::<Message>(&stream, prune, &context).await?;
                }
                for discussion in &discussions {
                    discussion.delete(&tx, &RoomContext::System, at).await?;
                }
                Ok(())
            })
            .await?;
        announced = true;
        for discussion in discussions {
            discussion.leave_nothing(workspace, caller.id()).await?;
        }
    }
    Ok(messages)
}

/// The discussions that go with the messages that tell of them.
async fn discussions(
    workspace: &Workspace,
    place: &RoomAccess,
    batch: &[Doomed],
) -> Result<Vec<Going>, Error> {
    let views = workspace.views();
    let mut going = Vec::new();
    for message in batch.iter().filter(|message| message.of_discussion) {
        if let Some(told) = views
            .discussion_told_by(&place.room.id, &message.id)
            .await?
        {
            going.push(Going::with(workspace, &told).await?);
        }
    }
    Ok(going)
}

/// Those who have exactly these names; `None`: whoever.
async fn authors(
    workspace: &Workspace,
    usernames: &[String],
) -> Result<Option<Vec<UserId>>, Error> {
    if usernames.is_empty() {
        return Ok(None);
    }
    let mut authors = Vec::new();
    for name in usernames {
        let user = workspace.views().user_by_username(name).await?;
        authors.extend(
            user.filter(|user| user.username == *name)
                .map(|user| user.id.clone()),
        );
    }
    Ok(Some(authors))
}
