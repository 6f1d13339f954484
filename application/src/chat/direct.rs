//! Direct messages: between two users, a few, or with oneself; made when a user first opens one.

use domain::membership::{Joining, MembershipCommand};
use domain::permission::Permission;
use domain::room::{self, RoomContext, RoomCreated, RoomKind, RoomRefusal};
use domain::settings::{Settings, keys};
use domain::{RoomId, UserId};
use sha2::{Digest as _, Sha256};

use crate::caller::Caller;
use crate::chat::members;
use crate::chat::members::Founder;
use crate::chat::room_access::RoomAccess;
use crate::chat::rooms::found;
use crate::error::Error;
use crate::ids::{fresh_id, now};
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
    let settings = workspace.views().settings();
    let found = find(workspace, &participants).await?;
    let (may_make, may_see) = (
        caller.may(workspace, Permission::CREATE_D),
        caller.may(workspace, Permission::VIEW_D_ROOM),
    );
    let may_open = may_see && matches!(found, Found::There(_));
    if !may_make && !may_open {
        return Err(RoomRefusal::CreateNotAllowed(RoomKind::Direct).into());
    }
    room::may_talk(&participants, caller.id(), &settings)?;
    let id = match found {
        Found::There(room) => {
            show(workspace, caller, &room).await?;
            return Ok(room);
        }
        Found::Free(id) => id,
    };
    let wish = wish(id.clone(), participants, &settings);
    match create(workspace, caller, &wish).await {
        Ok(()) => Ok(id),
        // Another user made it at the same time: just as good, once the views show it.
        Err(error) => {
            let log = workspace.executor().store();
            let head = log.head().await?;
            workspace.views().wait_for(head).await?;
            match find(workspace, &wish.participants).await? {
                Found::There(room) => Ok(room),
                Found::Free(_) => Err(error),
            }
        }
    }
}

/// The room between some people, or the id that it would have.
enum Found {
    There(RoomId),
    Free(RoomId),
}

/// How many rooms that were made between the same people, and that somebody left, are looked at.
const MOST_LEFT: u32 = 20;

async fn find(workspace: &Workspace, participants: &[UserId]) -> Result<Found, Error> {
    let mut free = None;
    for attempt in 0..MOST_LEFT {
        let id = room_id(participants, attempt);
        match workspace.views().room_facts(&id).await? {
            None => {
                free = Some(id);
                break;
            }
            // Somebody left it since it was made between these.
            Some(room) if participants.len() > 2 && room.participants != participants => {}
            Some(_) => return Ok(Found::There(id)),
        }
    }
    // Two who begin at the same time would then begin two rooms, of which both find the older one from there on.
    let free = free.unwrap_or_else(|| RoomId::new(fresh_id()));
    // What is left of a room of more is no conversation of two.
    if participants.len() == 2 {
        return Ok(Found::Free(free));
    }
    let other = workspace.views().direct_room(participants).await?;
    Ok(other.map_or(Found::Free(free), |room| Found::There(room.id)))
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
    let introduced = !wish.participants.contains(caller.id())
        && authority.has(Permission::VIEW_ROOM_ADMINISTRATION);
    let founders: Vec<Founder> = wish
        .participants
        .iter()
        .map(|user| Founder {
            user: user.clone(),
            joining: if user == caller.id() {
                Joining::DirectCreator
            } else if introduced {
                Joining::DirectIntroduced
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

/// The id follows from the participants, so that two who begin at the same time begin the same room. `attempt`: how many
/// rooms that were made between these there are, which somebody left.
fn room_id(participants: &[UserId], attempt: u32) -> RoomId {
    if let [a, b] = participants {
        return RoomId::direct(a, b);
    }
    let mut hash = Sha256::new();
    for user in participants {
        hash.update(user.as_str().as_bytes());
        hash.update([0]);
    }
    if attempt > 0 {
        hash.update(attempt.to_be_bytes());
    }
    let digest = hash.finalize();
    let mut bytes = [0; domain::id::ID_LENGTH];
    bytes.copy_from_slice(&digest[..domain::id::ID_LENGTH]);
    RoomId::new(domain::id::id_from_bytes(&bytes))
}

fn wish(room: RoomId, participants: Vec<UserId>, settings: &Settings) -> RoomCreated {
    RoomCreated {
        room,
        kind: RoomKind::Direct,
        name: None,
        display_name: None,
        creator: None,
        participants,
        at: now(),
        read_only: false,
        broadcast: false,
        default: false,
        encrypted: settings.bool(keys::E2E_ENABLE)
            && settings.bool(keys::E2E_ENABLED_DEFAULT_DIRECT_ROOMS),
        topic: None,
        description: None,
        announcement: None,
        custom_fields: None,
        discussion: None,
    }
}
