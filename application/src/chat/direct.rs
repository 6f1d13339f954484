//! Direct messages: between two users, a few, or with oneself; made when a user first opens one.

use domain::membership::{Joining, MembershipCommand};
use domain::room::{RoomContext, RoomCreated, RoomKind};
use domain::{RoomId, Timestamp, UserId};
use sha2::{Digest as _, Sha256};

use crate::caller::Caller;
use crate::chat::members;
use crate::chat::members::Founder;
use crate::chat::room_access::RoomAccess;
use crate::chat::rooms::found;
use crate::error::Error;
use crate::ids::now;
use crate::workspace::Workspace;

/// The room between exactly `participants`, made if there is none; the caller sees it in their list afterwards. That
/// there is none is a guess of the views: the room's id follows from the participants, and its stream begins only once.
pub async fn open(
    workspace: &Workspace,
    caller: &Caller,
    mut participants: Vec<UserId>,
) -> Result<RoomId, Error> {
    participants.sort();
    participants.dedup();
    if let Some(room) = existing(workspace, &participants).await? {
        show(workspace, caller, &room).await?;
        return Ok(room);
    }
    let wish = wish(participants, now());
    let room = wish.room.clone();
    match create(workspace, caller, &wish).await {
        Ok(()) => Ok(room),
        // Another user made it at the same time: just as good.
        Err(error) => match existing(workspace, &wish.participants).await? {
            Some(room) => Ok(room),
            None => Err(error),
        },
    }
}

async fn existing(workspace: &Workspace, participants: &[UserId]) -> Result<Option<RoomId>, Error> {
    let id = room_id(participants);
    if workspace.views().room_facts(&id).await?.is_some() {
        return Ok(Some(id));
    }
    Ok(workspace
        .views()
        .direct_room(participants)
        .await?
        .map(|room| room.id))
}

/// Shows the room in the caller's list, if they are a member and it is hidden.
async fn show(workspace: &Workspace, caller: &Caller, room: &RoomId) -> Result<(), Error> {
    match RoomAccess::of(workspace, caller, room).await? {
        Some(place) if place.is_member() => {
            let open = MembershipCommand::Open { at: now() };
            members::change_own(workspace, caller, &place, &open)
                .await
                .map(drop)
        }
        _ => Ok(()),
    }
}

async fn create(workspace: &Workspace, caller: &Caller, wish: &RoomCreated) -> Result<(), Error> {
    let (settings, permissions) = (
        workspace.views().settings(),
        workspace.views().permissions(),
    );
    let authority = caller.authority(&[], &permissions);
    let context = RoomContext::User {
        authority,
        settings: &settings,
    };
    let founders: Vec<Founder> = wish
        .participants
        .iter()
        .map(|user| Founder {
            user: user.clone(),
            joining: if user == caller.id() {
                Joining::DirectCreator
            } else {
                Joining::DirectOther
            },
            roles: Vec::new(),
        })
        .collect();
    workspace
        .run(caller.id(), async |tx| {
            found(&tx, &authority, wish, &context, &founders).await
        })
        .await
        .map(drop)
}

/// The id follows from the participants, so that two who begin at the same time begin the same room.
fn room_id(participants: &[UserId]) -> RoomId {
    if let [a, b] = participants {
        return RoomId::direct(a, b);
    }
    let mut hash = Sha256::new();
    for user in participants {
        hash.update(user.as_str().as_bytes());
        hash.update([0]);
    }
    let digest = hash.finalize();
    let mut bytes = [0; domain::id::ID_LENGTH];
    bytes.copy_from_slice(&digest[..domain::id::ID_LENGTH]);
    RoomId::new(domain::id::id_from_bytes(&bytes))
}

fn wish(participants: Vec<UserId>, at: Timestamp) -> RoomCreated {
    RoomCreated {
        room: room_id(&participants),
        kind: RoomKind::Direct,
        name: None,
        display_name: None,
        creator: None,
        participants,
        at,
        read_only: false,
        broadcast: false,
        default: false,
        encrypted: false,
        topic: None,
        description: None,
        announcement: None,
        custom_fields: None,
        discussion: None,
    }
}
