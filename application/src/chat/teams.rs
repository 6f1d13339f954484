//! Teams: a main room, the people in it, and the rooms that were put into the team (contract, teams 1).
//!
//! Who is in the main room is in the team, with the same roles; the team is called and as open as the main room. So there
//! is no second list that could say otherwise.

use std::sync::Arc;

use domain::membership::{
    self, Joining, Membership, MembershipCommand, MembershipContext, MembershipEvent,
    MembershipRefusal, RoomRole,
};
use domain::permission::{Authority, Permission};
use domain::room::{self, Room, RoomCommand, RoomContext, RoomCreated, RoomOfTeam, RoomRefusal};
use domain::{RoomId, TeamId, Timestamp, UserId};
use eventstore::ExecuteError;
use eventstore::execute::Transaction;
use projections::{TeamRecord, TeamRoomQuery, UserFacts};

use crate::caller::Caller;
use crate::chat::followed::{Followed, follow};
use crate::chat::members::{Founder, with_owners};
use crate::chat::room_access::RoomAccess;
use crate::chat::rooms::{self, Going};
use crate::chat::team_rooms::join_team;
use crate::error::{Error, Refusal};
use crate::ids::now;
use crate::workspace::{WorkError, Workspace};

/// How many memberships are made at once, so that a big team does not keep everybody else's commands waiting.
const BATCH: usize = 500;

/// A team that is to be made with a room of its own.
pub struct NewTeam {
    /// The main room as it is wished for. Its creator owns the team.
    pub room: RoomCreated,
    /// Who owns it.
    pub owner: Arc<UserFacts>,
    /// Who else is in it.
    pub members: Vec<UserId>,
}

/// Makes a team, with its main room and its first members, in one transaction. Returns its id.
pub async fn create(
    workspace: &Workspace,
    caller: &Caller,
    wish: NewTeam,
) -> Result<TeamId, Error> {
    if !caller.may(workspace, Permission::CREATE_TEAM) {
        return Err(RoomRefusal::TeamNotAllowed.into());
    }
    let (settings, permissions) = (
        workspace.views().settings(),
        workspace.views().permissions(),
    );
    let NewTeam {
        mut room,
        owner,
        members,
    } = wish;
    let typed = room.name.clone().unwrap_or_default();
    let slug = room::name::resolve_handle(&typed, &settings)?.slug;
    name_is_free(workspace, &slug, None).await?;
    room.name = Some(slug.clone());
    room.display_name.get_or_insert(typed);
    let authority = Authority {
        actor: &owner.id,
        roles: &owner.roles,
        room_roles: &[],
        permissions: &permissions,
    };
    let context = RoomContext::User {
        authority,
        settings: &settings,
    };
    let mut founders = vec![Founder::creator(owner.id.clone())];
    let others = members.into_iter().filter(|member| *member != owner.id);
    founders.extend(others.map(Founder::initial));
    let (team, at) = (TeamId::new(fresh_team_id()), room.at);
    let by_caller = RoomContext::User {
        authority: caller.authority(&[], &permissions),
        settings: &settings,
    };
    let found = RoomCommand::FoundTeam {
        room: room.room.clone(),
        team: team.clone(),
        converted: false,
        at,
    };
    let taken = workspace
        .run(caller.id(), async |tx| {
            if rooms::found(&tx, &authority, &room, &context, &founders).await? {
                return Ok(true);
            }
            let stream = room::stream(&room.room);
            tx.decide::<Room>(&stream, found.clone(), &by_caller)
                .await?;
            Ok(false)
        })
        .await?;
    if taken {
        return Err(Refusal::TeamRoomNameTaken.into());
    }
    Ok(team)
}

/// 24 hexadecimal digits.
fn fresh_team_id() -> String {
    format!("{:024x}", rand::random::<u128>() >> 32)
}

/// Refuses a name that a user or a team has, or a room other than `except`.
async fn name_is_free(
    workspace: &Workspace,
    name: &str,
    except: Option<&RoomId>,
) -> Result<(), Error> {
    let views = workspace.views();
    let called = views.team_called(name).await?;
    if called.is_some() || views.user_by_username(name).await?.is_some() {
        return Err(Refusal::TeamNameTaken.into());
    }
    let room = views.room_by_name(name).await?;
    if room.is_some_and(|room| Some(&room.id) != except) {
        return Err(Refusal::TeamRoomNameTaken.into());
    }
    Ok(())
}

/// Makes a team of a room that is there: whoever is in it is in the team, and the caller owns it.
pub async fn convert(
    workspace: &Workspace,
    caller: &Caller,
    place: &RoomAccess,
) -> Result<TeamId, Error> {
    let settings = workspace.views().settings();
    let context = RoomContext::User {
        authority: place.authority(caller),
        settings: &settings,
    };
    let room = &place.room.id;
    if !may_convert(caller, place) {
        return Err(RoomRefusal::TeamNotAllowed.into());
    }
    let name = place.room.name.as_deref().unwrap_or_default();
    name_is_free(workspace, name, Some(room)).await?;
    let (team, at) = (TeamId::new(fresh_team_id()), now());
    let found = RoomCommand::FoundTeam {
        room: room.clone(),
        team: team.clone(),
        converted: true,
        at,
    };
    let own = membership::stream(room, caller.id());
    let join = MembershipCommand::Found {
        joining: Joining::Initial,
        roles: vec![],
        at,
    };
    let own_it = MembershipCommand::SetRoles {
        roles: vec![RoomRole::Owner],
        keep: true,
        at,
    };
    workspace
        .run(caller.id(), async |tx| {
            tx.decide::<Room>(&room::stream(room), found.clone(), &context)
                .await?;
            let context = place.about(caller, caller.id());
            for command in [&join, &own_it] {
                tx.decide::<Membership>(&own, command.clone(), &context)
                    .await?;
            }
            Ok(())
        })
        .await?;
    Ok(team)
}

/// Whether the caller may make a team of that room.
fn may_convert(caller: &Caller, place: &RoomAccess) -> bool {
    let authority = place.authority(caller);
    authority.has(Permission::CREATE_TEAM) && authority.has_in_room(Permission::EDIT_ROOM)
}

/// What a room of the team has to do with it.
pub fn belonging(team: &TeamRecord) -> RoomOfTeam {
    RoomOfTeam {
        team: team.id.clone(),
        main_room: team.main_room.clone(),
        auto_join: false,
    }
}

/// The main room of a team, and the caller's place in it.
pub async fn main_place(
    workspace: &Workspace,
    caller: &Caller,
    team: &TeamRecord,
) -> Result<RoomAccess, Error> {
    let place = RoomAccess::of(workspace, caller, &team.main_room).await?;
    Ok(place.ok_or(RoomRefusal::NoTeam)?)
}

/// Refuses callers who hold none of these rights in the main room.
fn need(caller: &Caller, main: &RoomAccess, rights: &[Permission]) -> Result<(), Error> {
    let held = rights.iter().any(|right| main.may(caller, *right));
    held.then_some(())
        .ok_or_else(|| RoomRefusal::TeamNotAllowed.into())
}

/// A member of a team, and the roles they are to have in it.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub struct Rank {
    pub user: UserId,
    pub roles: Vec<RoomRole>,
}

/// Adds people to a team, and to the rooms of it that its members join by themselves.
pub async fn add_members(
    workspace: &Workspace,
    caller: &Caller,
    team: &TeamRecord,
    ranks: &[Rank],
) -> Result<(), Error> {
    let main = main_place(workspace, caller, team).await?;
    let rights = [Permission::ADD_TEAM_MEMBER, Permission::EDIT_TEAM_MEMBER];
    need(caller, &main, &rights)?;
    let followed = Followed::of(workspace, &main.room).await?;
    let at = now();
    for batch in ranks.chunks((BATCH / (1 + followed.len())).max(1)) {
        let joined = workspace
            .run(caller.id(), async |tx| {
                let mut all = Vec::new();
                for rank in batch {
                    let joined = follow(&tx, caller, &main.room, &rank.user, at).await?;
                    followed.bring(&tx, caller, &joined).await?;
                    set_roles(&tx, caller, &main, rank, true, at).await?;
                    all.extend(joined);
                }
                Ok(all)
            })
            .await?;
        let late = followed.catch_up(workspace, caller, &main.room, &joined);
        late.await?;
    }
    Ok(())
}

/// Who owns a team is for those who may say who owns its main room: whoever may edit its members does not make
/// themselves its owner.
async fn set_roles(
    tx: &Transaction,
    caller: &Caller,
    main: &RoomAccess,
    rank: &Rank,
    keep: bool,
    at: Timestamp,
) -> Result<(), WorkError> {
    let set = MembershipCommand::SetRoles {
        roles: rank.roles.clone(),
        keep,
        at,
    };
    let stream = membership::stream(&main.room.id, &rank.user);
    let context = main.about(caller, &rank.user);
    let events = tx.decide::<Membership>(&stream, set, &context).await?;
    let owner = RoomRole::Owner.id();
    let about_owners = events.iter().any(|event| match event {
        MembershipEvent::RoomRoleGranted(event) => event.role == owner,
        MembershipEvent::RoomRoleRevoked(event) => event.role == owner,
        _ => false,
    });
    if about_owners && !main.may(caller, Permission::SET_OWNER) {
        return Err(WorkError::refused(RoomRefusal::TeamNotAllowed));
    }
    Ok(())
}

/// Gives a member of a team exactly these roles. Nothing happens to who is not in it.
pub async fn update_member(
    workspace: &Workspace,
    caller: &Caller,
    team: &TeamRecord,
    rank: &Rank,
) -> Result<(), Error> {
    let main = main_place(workspace, caller, team).await?;
    need(caller, &main, &[Permission::EDIT_TEAM_MEMBER])?;
    let at = now();
    workspace
        .run(caller.id(), async |tx| {
            set_roles(&tx, caller, &main, rank, false, at).await
        })
        .await
}

/// Removes somebody from a team, and from those of the listed rooms that belong to it. Of oneself, that is leaving, and
/// takes no right.
pub async fn remove_member(
    workspace: &Workspace,
    caller: &Caller,
    team: &TeamRecord,
    user: &UserId,
    rooms: &[RoomId],
) -> Result<(), Error> {
    let main = main_place(workspace, caller, team).await?;
    let mut places = Vec::new();
    for room in of_team(workspace, team, rooms).await? {
        places.extend(RoomAccess::of(workspace, caller, &room).await?);
    }
    let at = now();
    let leave = MembershipCommand::LeaveTeam { at };
    workspace
        .run(caller.id(), async |tx| {
            let facts = with_owners(workspace, &tx, &main, user, &leave).await?;
            let context = MembershipContext {
                room: &facts,
                ..main.about(caller, user)
            };
            let stream = membership::stream(&main.room.id, user);
            match tx
                .decide::<Membership>(&stream, leave.clone(), &context)
                .await
            {
                Err(ExecuteError::Refused(MembershipRefusal::NotAMember)) => {
                    return Err(WorkError::refused(Refusal::NotInTeam));
                }
                Err(ExecuteError::Refused(MembershipRefusal::LastOwner)) => {
                    return Err(WorkError::refused(Refusal::LastOwnerOfTeam));
                }
                decided => decided?,
            };
            for place in &places {
                let stream = membership::stream(&place.room.id, user);
                let leave = MembershipCommand::LeaveWithTeam { at };
                let context = place.about(caller, user);
                tx.decide::<Membership>(&stream, leave, &context).await?;
            }
            Ok(())
        })
        .await
}

/// Refuses callers who may not change who is in the team.
pub async fn must_edit_members(
    workspace: &Workspace,
    caller: &Caller,
    team: &TeamRecord,
) -> Result<(), Error> {
    let main = main_place(workspace, caller, team).await?;
    need(caller, &main, &[Permission::EDIT_TEAM_MEMBER])
}

/// Those of `rooms` that are in the team, each once. The main room is not among them.
async fn of_team(
    workspace: &Workspace,
    team: &TeamRecord,
    rooms: &[RoomId],
) -> Result<Vec<RoomId>, Error> {
    let mut found: Vec<RoomId> = Vec::new();
    for room in rooms {
        let facts = workspace.views().room_facts(room).await?;
        let belongs = facts.is_some_and(|facts| facts.team.as_ref() == Some(&team.id));
        if belongs && *room != team.main_room && !found.contains(room) {
            found.push(room.clone());
        }
    }
    Ok(found)
}

/// Puts rooms into a team, all of them or none.
pub async fn add_rooms(
    workspace: &Workspace,
    caller: &Caller,
    team: &TeamRecord,
    rooms: &[RoomId],
) -> Result<(), Error> {
    let main = main_place(workspace, caller, team).await?;
    if !main.may(caller, Permission::ADD_TEAM_CHANNEL) {
        return Err(Refusal::TeamRoomNotAllowed.into());
    }
    let mut places = Vec::new();
    for room in rooms {
        let place = RoomAccess::of(workspace, caller, room).await?;
        let place = place.filter(|place| place.can_access(caller));
        places.push(place.ok_or(RoomRefusal::NoRoomForTeams)?);
    }
    let of = belonging(team);
    let settings = workspace.views().settings();
    let at = now();
    workspace
        .run(caller.id(), async |tx| {
            for place in &places {
                let context = RoomContext::User {
                    authority: place.authority(caller),
                    settings: &settings,
                };
                join_team(&tx, &of, &place.room.id, &context, at).await?;
            }
            Ok(())
        })
        .await
}

/// Takes a room out of a team.
pub async fn remove_room(
    workspace: &Workspace,
    caller: &Caller,
    team: &TeamRecord,
    room: &RoomId,
) -> Result<(), Error> {
    let main = main_place(workspace, caller, team).await?;
    need(caller, &main, &[Permission::REMOVE_TEAM_CHANNEL])?;
    let place = RoomAccess::of(workspace, caller, room).await?;
    let all = main.may(caller, Permission::VIEW_ALL_TEAM_CHANNELS);
    let place = place.filter(|place| all || place.can_access(caller));
    let place = place.ok_or(RoomRefusal::NoRoomForTeams)?;
    let settings = workspace.views().settings();
    let context = RoomContext::User {
        authority: place.authority(caller),
        settings: &settings,
    };
    let leave = RoomCommand::LeaveTeam {
        room: room.clone(),
        team: team.id.clone(),
        at: now(),
    };
    let stream = room::stream(room);
    let decided = workspace.decide::<Room>(caller.id(), &stream, leave, &context);
    decided.await.map(drop)
}

/// Says whether members of its team join a room by themselves. If so, those who are in the team now are added to it.
pub async fn set_auto_join(
    workspace: &Workspace,
    caller: &Caller,
    room: &RoomId,
    auto_join: bool,
) -> Result<(), Error> {
    let place = RoomAccess::of(workspace, caller, room).await?;
    let place = place.filter(|place| place.is_visible(caller));
    let place = place.ok_or(RoomRefusal::NoRoomForTeams)?;
    let team = match &place.room.team {
        Some(team) => workspace.views().team(team).await?,
        None => None,
    };
    let team = team.ok_or(RoomRefusal::NotOnTeam)?;
    let main = main_place(workspace, caller, &team).await?;
    need(caller, &main, &[Permission::EDIT_TEAM_CHANNEL])?;
    let settings = workspace.views().settings();
    let context = RoomContext::User {
        authority: place.authority(caller),
        settings: &settings,
    };
    let at = now();
    let change = RoomCommand::AutoJoin {
        room: room.clone(),
        auto_join,
        at,
    };
    let stream = room::stream(room);
    workspace
        .decide::<Room>(caller.id(), &stream, change, &context)
        .await?;
    if !auto_join {
        return Ok(());
    }
    let members = workspace
        .views()
        .member_ids(&team.main_room, usize::MAX)
        .await?;
    for batch in members.chunks(BATCH) {
        workspace
            .run(caller.id(), async |tx| {
                for user in batch {
                    follow(&tx, caller, &place.room, user, at).await?;
                }
                Ok(())
            })
            .await?;
    }
    Ok(())
}

/// What is left of a team that is dissolved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remains {
    /// The main room, as a room like others.
    MainRoom,
    /// Nothing.
    Nothing,
}

/// Dissolves a team. Those of `rooms` that belong to it are deleted, the others stay, and are in no team.
pub async fn dissolve(
    workspace: &Workspace,
    caller: &Caller,
    team: &TeamRecord,
    rooms: &[RoomId],
    remains: Remains,
) -> Result<(), Error> {
    let main = main_place(workspace, caller, team).await?;
    let right = match remains {
        Remains::MainRoom => Permission::CONVERT_TEAM,
        Remains::Nothing => Permission::DELETE_TEAM,
    };
    need(caller, &main, &[right])?;
    let mut going = Vec::new();
    for room in of_team(workspace, team, rooms).await? {
        if let Some(place) = RoomAccess::of(workspace, caller, &room).await? {
            going.push((Going::with(workspace, &room).await?, place));
        }
    }
    let last = match remains {
        Remains::MainRoom => None,
        Remains::Nothing => Some(Going::with(workspace, &team.main_room).await?),
    };
    let settings = workspace.views().settings();
    let at = now();
    let stream = room::stream(&team.main_room);
    let dissolve = RoomCommand::DissolveTeam {
        room: team.main_room.clone(),
        at,
    };
    workspace
        .run(caller.id(), async |tx| {
            for (going, place) in &going {
                let context = RoomContext::User {
                    authority: place.authority(caller),
                    settings: &settings,
                };
                going.delete(&tx, &context, at).await?;
            }
            let context = RoomContext::User {
                authority: main.authority(caller),
                settings: &settings,
            };
            tx.decide::<Room>(&stream, dissolve.clone(), &context)
                .await?;
            match &last {
                Some(last) => last.delete(&tx, &context, at).await,
                None => Ok(()),
            }
        })
        .await?;
    let gone = going.into_iter().map(|(going, _)| going).chain(last);
    for going in gone {
        going.leave_nothing(workspace, caller.id()).await?;
    }
    Ok(())
}

/// Whether the caller may know what rooms a team has: of a private team, whoever is in it or may see all teams.
pub async fn knows_rooms(
    workspace: &Workspace,
    caller: &Caller,
    team: &TeamRecord,
) -> Result<RoomAccess, Error> {
    let main = main_place(workspace, caller, team).await?;
    let knows = !team.private || main.is_member() || main.may(caller, Permission::VIEW_ALL_TEAMS);
    if !knows {
        return Err(Refusal::NotOnPrivateTeam.into());
    }
    Ok(main)
}

/// The query for the rooms of a team that the caller may see.
pub fn rooms_seen(caller: &Caller, main: &RoomAccess) -> TeamRoomQuery {
    let all = main.may(caller, Permission::VIEW_ALL_TEAM_CHANNELS);
    TeamRoomQuery {
        seen_by: (!all).then(|| caller.id().clone()),
        ..TeamRoomQuery::of(main.room.id.clone())
    }
}

/// Whether the user is the only owner of a room.
pub async fn is_last_owner(
    workspace: &Workspace,
    room: &RoomId,
    user: &UserId,
) -> Result<bool, Error> {
    let owners = workspace.views().owners(room).await?;
    Ok(owners.len() == 1 && owners.contains(user))
}

/// The ids of everybody in the teams of these names. Teams that there are not, and private ones that the caller is not in,
/// add nobody.
pub async fn members_of(
    workspace: &Workspace,
    caller: &Caller,
    names: &[String],
) -> Result<Vec<UserId>, Error> {
    let mut found = Vec::new();
    for name in names {
        let Some(team) = workspace.views().team_by_name(name).await? else {
            continue;
        };
        let main = main_place(workspace, caller, &team).await?;
        if main.can_access(caller) {
            found.extend(
                workspace
                    .views()
                    .member_ids(&team.main_room, usize::MAX)
                    .await?,
            );
        }
    }
    Ok(found)
}

/// Whether somebody is in the team.
pub async fn is_member(
    workspace: &Workspace,
    team: &TeamRecord,
    user: &UserId,
) -> Result<bool, Error> {
    let views = workspace.views();
    let membership = views.membership_facts(&team.main_room, user).await?;
    Ok(membership.is_some())
}
