//! The rules of teams. A team is its main room, and the rooms that were put into it (contract, teams 1).

use super::{
    OpenRoom, RoomAddedToTeam, RoomContext, RoomEvent, RoomKind, RoomRefusal, RoomRemovedFromTeam,
    TeamAutoJoinChanged, TeamCreated, TeamDissolved,
};
use crate::permission::Permission;
use crate::{RoomId, TeamId, Timestamp};

/// The role that lets its holder put a room into a team.
const OWNER: &str = "owner";

type Decision = Result<Vec<RoomEvent>, RoomRefusal>;

/// What a room has to do with a team.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub struct RoomOfTeam {
    pub team: TeamId,
    /// Who is in it is in the team. May be the room itself.
    pub main_room: RoomId,
    /// Whoever joins the team joins the room, too.
    pub auto_join: bool,
}

/// What a room has to do with teams after an event.
pub(super) fn apply(open: &mut OpenRoom, event: &RoomEvent) {
    match event {
        RoomEvent::TeamCreated(event) => {
            open.team = Some(RoomOfTeam {
                team: event.team.clone(),
                main_room: event.room.clone(),
                auto_join: false,
            });
        }
        RoomEvent::RoomAddedToTeam(event) => {
            open.team = Some(RoomOfTeam {
                team: event.team.clone(),
                main_room: event.main_room.clone(),
                auto_join: false,
            });
        }
        RoomEvent::TeamDissolved(_) | RoomEvent::RoomRemovedFromTeam(_) => open.team = None,
        RoomEvent::TeamAutoJoinChanged(event) => {
            if let Some(team) = &mut open.team {
                team.auto_join = event.auto_join;
            }
        }
        _ => {}
    }
}

pub(super) fn found(
    open: &OpenRoom,
    room: RoomId,
    team: TeamId,
    converted: bool,
    at: Timestamp,
    context: &RoomContext<'_>,
) -> Decision {
    let may = context.may_everywhere(Permission::CREATE_TEAM);
    if !may || (converted && !context.may(Permission::EDIT_ROOM)) {
        return Err(RoomRefusal::TeamNotAllowed);
    }
    if !can_be_in_teams(open) || open.archived {
        return Err(RoomRefusal::NoRoomForTeams);
    }
    if open.team.is_some() {
        return Err(RoomRefusal::OnTeam);
    }
    let by = context.actor();
    Ok(vec![
        TeamCreated {
            room,
            team,
            converted,
            by,
            at,
        }
        .into(),
    ])
}

/// Direct messages are in no team, and discussions are where the room is that they belong to.
fn can_be_in_teams(open: &OpenRoom) -> bool {
    open.kind != RoomKind::Direct && open.parent.is_none()
}

pub(super) fn dissolve(
    open: &OpenRoom,
    room: RoomId,
    at: Timestamp,
    context: &RoomContext<'_>,
) -> Decision {
    let team = open.team.as_ref();
    let team = team.filter(|team| team.main_room == room);
    let team = team.ok_or(RoomRefusal::NoTeam)?.team.clone();
    let by = context.actor();
    Ok(vec![TeamDissolved { room, team, by, at }.into()])
}

pub(super) fn join(
    open: &OpenRoom,
    room: RoomId,
    team: RoomOfTeam,
    left_alone: bool,
    at: Timestamp,
    context: &RoomContext<'_>,
) -> Decision {
    if !can_be_in_teams(open) {
        return Err(RoomRefusal::NoRoomForTeams);
    }
    if open.team.is_some() && !left_alone {
        return Err(RoomRefusal::OnTeam);
    }
    if let RoomContext::User { authority, .. } = context
        && !authority
            .room_roles
            .iter()
            .any(|role| role.as_str() == OWNER)
    {
        return Err(RoomRefusal::NotOwner);
    }
    Ok(vec![
        RoomAddedToTeam {
            room,
            team: team.team,
            main_room: team.main_room,
            by: context.actor(),
            at,
        }
        .into(),
    ])
}

/// The team of a room that is not its main room.
fn of_team<'a>(open: &'a OpenRoom, room: &RoomId) -> Option<&'a RoomOfTeam> {
    open.team.as_ref().filter(|team| team.main_room != *room)
}

pub(super) fn leave(
    open: &OpenRoom,
    room: RoomId,
    team: &TeamId,
    at: Timestamp,
    context: &RoomContext<'_>,
) -> Decision {
    let of = of_team(open, &room).filter(|of| of.team == *team);
    let of = of.ok_or(RoomRefusal::NotOnThatTeam)?.clone();
    Ok(vec![
        RoomRemovedFromTeam {
            room,
            team: of.team,
            main_room: of.main_room,
            by: context.actor(),
            at,
        }
        .into(),
    ])
}

pub(super) fn auto_join(
    open: &OpenRoom,
    room: RoomId,
    auto_join: bool,
    at: Timestamp,
    context: &RoomContext<'_>,
) -> Decision {
    let of = of_team(open, &room).ok_or(RoomRefusal::NotOnTeam)?.clone();
    if of.auto_join == auto_join {
        return Ok(vec![]);
    }
    Ok(vec![
        TeamAutoJoinChanged {
            room,
            team: of.team,
            main_room: of.main_room,
            auto_join,
            by: context.actor(),
            at,
        }
        .into(),
    ])
}
