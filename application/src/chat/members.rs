//! Joining, leaving, roles and read cursors.

use std::sync::Arc;

use domain::membership::{
    self, Joining, Membership, MembershipCommand, MembershipContext, MembershipEvent,
    MembershipRefusal, RoomRole,
};
use domain::permission::{Authority, PermissionTable};
use domain::room::RoomFacts;
use domain::{RoleId, RoomId, Timestamp, UserId};
use eventstore::ExecuteError;
use eventstore::execute::Transaction;
use projections::UserFacts;

use crate::admin::roles;
use crate::caller::Caller;
use crate::chat::bulk;
use crate::chat::followed::Followed;
use crate::chat::join_codes;
use crate::chat::room_access::RoomAccess;
use crate::error::{Error, Refusal};
use crate::ids::now;
use crate::witness;
use crate::workspace::{WorkError, Workspace};

/// A user who is in a room from the start.
#[derive(Clone)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub struct Founder {
    pub user: UserId,
    pub joining: Joining,
    /// Roles in the room.
    pub roles: Vec<RoleId>,
}

impl Founder {
    /// The user who makes a channel or group, and owns it.
    pub fn creator(user: UserId) -> Self {
        Self {
            user,
            joining: Joining::Creator,
            roles: vec![RoleId::new("owner")],
        }
    }

    /// A user who was named when the room was made.
    pub fn initial(user: UserId) -> Self {
        Self {
            user,
            joining: Joining::Initial,
            roles: Vec::new(),
        }
    }
}

/// Decides that a user is in a room from its start, or from the start of their account.
pub async fn found(
    tx: &Transaction,
    authority: &Authority<'_>,
    room: &RoomFacts,
    founder: &Founder,
    at: Timestamp,
) -> Result<(), WorkError> {
    let context = MembershipContext::new(*authority, &founder.user, room);
    let command = MembershipCommand::Found {
        joining: founder.joining.clone(),
        roles: founder.roles.clone(),
        at,
    };
    let stream = membership::stream(&room.id, &founder.user);
    tx.decide_new::<Membership>(&stream, command, &context)
        .await?;
    Ok(())
}

/// The rooms that new users join by themselves: those of a team that its members follow, too, where its main room is one.
/// Each once.
pub(crate) async fn default_rooms(workspace: &Workspace) -> Result<Vec<Arc<RoomFacts>>, Error> {
    let mut rooms: Vec<Arc<RoomFacts>> = Vec::new();
    for room in workspace.views().default_rooms().await? {
        let Some(room) = workspace.views().room_facts(&room).await? else {
            continue;
        };
        let followed = Followed::of(workspace, &room).await?;
        for room in std::iter::once(room).chain(followed.into_rooms()) {
            if !rooms.iter().any(|known| known.id == room.id) {
                rooms.push(room);
            }
        }
    }
    Ok(rooms)
}

/// The caller joins those of the rooms that new users join which they are not in. `silently`: the rooms are not told.
pub async fn join_default_rooms(
    workspace: &Workspace,
    caller: &Caller,
    silently: bool,
) -> Result<(), Error> {
    let (rooms, permissions) = (
        default_rooms(workspace).await?,
        workspace.views().permissions(),
    );
    let founder = Founder {
        user: caller.id().clone(),
        joining: if silently {
            Joining::Initial
        } else {
            Joining::Default
        },
        roles: Vec::new(),
    };
    let at = now();
    workspace
        .run(caller.id(), async |tx| {
            let authority = caller.authority(&[], &permissions);
            for room in &rooms {
                found(&tx, &authority, room, &founder, at).await?;
            }
            Ok(())
        })
        .await
}

/// Decides that `user` joins the room in the same batch as what made them. If the rules do not let them, nothing
/// happens.
pub async fn try_join(
    tx: &Transaction,
    user: &UserFacts,
    room: &RoomFacts,
    permissions: &PermissionTable,
    at: Timestamp,
) -> Result<(), WorkError> {
    let authority = Authority {
        actor: &user.id,
        roles: &user.roles,
        room_roles: &[],
        permissions,
    };
    let context = MembershipContext::new(authority, &user.id, room);
    match come_along(tx, context, at).await {
        Ok(()) | Err(ExecuteError::Refused(_)) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Decides that the caller joins the room in the same batch as what they wanted there.
pub async fn join_along(
    tx: &Transaction,
    caller: &Caller,
    place: &RoomAccess,
    at: Timestamp,
) -> Result<(), ExecuteError<MembershipRefusal>> {
    come_along(tx, place.about(caller, caller.id()), at).await
}

async fn come_along(
    tx: &Transaction,
    context: MembershipContext<'_>,
    at: Timestamp,
) -> Result<(), ExecuteError<MembershipRefusal>> {
    let context = MembershipContext {
        // Nobody who comes along has said one.
        join_code_ok: context.room.join_code.is_none(),
        ..context
    };
    let stream = membership::stream(&context.room.id, context.user);
    let join = MembershipCommand::Join { at };
    let decided = tx.decide::<Membership>(&stream, join, &context).await;
    decided.map(drop)
}

/// Lets the rules decide one command about the caller's own membership. Returns what [`change`] does.
pub async fn change_own(
    workspace: &Workspace,
    caller: &Caller,
    place: &RoomAccess,
    command: &MembershipCommand,
) -> Result<Vec<MembershipEvent>, Error> {
    change(workspace, caller, place, caller.id(), command).await
}

/// Lets the rules decide one command about `user`'s membership. Returns what happened; nothing: it was so already.
pub async fn change(
    workspace: &Workspace,
    caller: &Caller,
    place: &RoomAccess,
    user: &UserId,
    command: &MembershipCommand,
) -> Result<Vec<MembershipEvent>, Error> {
    let room = &place.room.id;
    let (view, newest) = match command {
        MembershipCommand::Read { .. }
        | MembershipCommand::ReadThread { .. }
        | MembershipCommand::MarkUnread { .. }
        | MembershipCommand::Hide { .. }
        | MembershipCommand::Open { .. } => {
            // Messages later than this are not claimed to be seen.
            let newest = workspace.views().newest_in(room).await?;
            let record = workspace.views().membership(room, user).await?;
            (record.map(|record| record.view), newest)
        }
        _ => (None, None),
    };
    let stream = membership::stream(room, user);
    let followed = match command {
        MembershipCommand::Join { .. } | MembershipCommand::Add { .. } => {
            Followed::of(workspace, &place.room).await?
        }
        _ => Followed::default(),
    };
    let events = workspace
        .run(caller.id(), async |tx| {
            let facts = with_owners(workspace, &tx, place, user, command).await?;
            let context = MembershipContext {
                room: &facts,
                view: view.as_ref(),
                newest,
                ..place.about(caller, user)
            };
            let events = tx
                .decide::<Membership>(&stream, command.clone(), &context)
                .await?;
            followed.bring(&tx, caller, &events).await?;
            for event in &events {
                if let MembershipEvent::RoomRoleGranted(granted) = event {
                    let (role, at) = (&granted.role, granted.at);
                    roles::give(&tx, role, user, Some(room), at).await?;
                }
            }
            Ok(events)
        })
        .await?;
    let late = followed.catch_up(workspace, caller, &place.room, &events);
    late.await?;
    Ok(events)
}

/// Marks a room as a favourite of the caller's, unless they say no.
pub async fn favour(
    workspace: &Workspace,
    caller: &Caller,
    room: &RoomId,
    favourite: Option<bool>,
) -> Result<(), Error> {
    let favour = MembershipCommand::Favour {
        favourite: favourite.unwrap_or(true),
        at: now(),
    };
    let place = RoomAccess::of(workspace, caller, room).await?;
    let place = place.ok_or(Refusal::NotInFavouredRoom)?;
    match change_own(workspace, caller, &place, &favour).await {
        Err(Error::Membership(MembershipRefusal::NotAMember)) => {
            Err(Refusal::NotInFavouredRoom.into())
        }
        outcome => outcome.map(drop),
    }
}

/// Makes `user` an owner of the room by a rule of the server, on behalf of `actor`. It is fine if they are one already.
pub(crate) async fn make_owner_as_server(
    tx: &Transaction,
    actor: &UserId,
    room: &RoomFacts,
    user: &UserId,
    at: Timestamp,
) -> Result<(), WorkError> {
    let (permissions, roles) = (PermissionTable::default(), [RoomRole::Owner.id()]);
    let authority = Authority {
        actor,
        roles: &[],
        room_roles: &roles,
        permissions: &permissions,
    };
    let context = MembershipContext::new(authority, user, room);
    let grant = MembershipCommand::GrantRole {
        role: RoomRole::Owner,
        at,
    };
    let stream = membership::stream(&room.id, user);
    match tx.decide::<Membership>(&stream, grant, &context).await {
        Ok(_) | Err(ExecuteError::Refused(_)) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Whether the command can leave a room without owner.
const fn ends_ownership(command: &MembershipCommand) -> bool {
    matches!(
        command,
        MembershipCommand::Leave { .. }
            | MembershipCommand::Remove { .. }
            | MembershipCommand::Ban { .. }
            | MembershipCommand::LeaveTeam { .. }
            | MembershipCommand::UnassignRole { .. }
            | MembershipCommand::RevokeRole {
                role: RoomRole::Owner,
                ..
            }
    )
}

/// The room with as many owners as the rules have to know of if an owner may leave: `user`, and a witness from the log
/// if there is one, so that two owners who leave at the same moment cannot both rely on the other.
pub(super) async fn with_owners(
    workspace: &Workspace,
    tx: &Transaction,
    place: &RoomAccess,
    user: &UserId,
    command: &MembershipCommand,
) -> Result<Arc<RoomFacts>, WorkError> {
    let room = &place.room;
    if !ends_ownership(command) || !witness::owns(tx, &room.id, user).await? {
        return Ok(Arc::clone(room));
    }
    let another = witness::another_owner(workspace, tx, &room.id, user).await?;
    Ok(Arc::new(RoomFacts {
        owners: 1 + u32::from(another),
        ..(**room).clone()
    }))
}

/// Adds all of `users` on behalf of the caller, who is told of those who are members already.
pub async fn invite(
    workspace: &Workspace,
    caller: &Caller,
    place: &RoomAccess,
    users: &[Arc<UserFacts>],
) -> Result<(), Error> {
    let ids: Vec<UserId> = users.iter().map(|user| user.id.clone()).collect();
    let there = bulk::each(workspace, caller, place, &ids, |at| {
        MembershipCommand::Add { at }
    });
    let there = there.await?;
    for user in users.iter().filter(|user| there.contains(&user.id)) {
        let text = format!("`{}` is already in here.", user.username);
        workspace.notices().tell(caller.id(), &place.room.id, text);
    }
    Ok(())
}

/// The caller joins the room, with the code that it may take. It is fine if they are a member already.
pub async fn join(
    workspace: &Workspace,
    caller: &Caller,
    place: &RoomAccess,
    code: Option<&str>,
) -> Result<(), Error> {
    let context = MembershipContext {
        join_code_ok: join_codes::fits(workspace, &place.room, code),
        ..place.about(caller, caller.id())
    };
    let stream = membership::stream(&place.room.id, caller.id());
    let join = MembershipCommand::Join { at: now() };
    let followed = Followed::of(workspace, &place.room).await?;
    let events = workspace
        .run(caller.id(), async |tx| {
            let events = tx
                .decide::<Membership>(&stream, join.clone(), &context)
                .await?;
            followed.bring(&tx, caller, &events).await?;
            Ok(events)
        })
        .await?;
    let late = followed.catch_up(workspace, caller, &place.room, &events);
    late.await
}
