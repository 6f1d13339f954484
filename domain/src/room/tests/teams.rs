//! Teams: main rooms, and the rooms that were put into them.

use super::*;

pub(super) fn founded(converted: bool) -> TeamCreated {
    TeamCreated {
        room: id(),
        team: TeamId::new("team"),
        converted,
        by: me(),
        at: AT,
    }
}

/// The team of another main room.
pub(super) fn another() -> RoomOfTeam {
    RoomOfTeam {
        team: TeamId::new("other"),
        main_room: RoomId::new("main"),
        auto_join: false,
    }
}

pub(super) fn added() -> RoomAddedToTeam {
    let RoomOfTeam {
        team, main_room, ..
    } = another();
    RoomAddedToTeam {
        room: id(),
        team,
        main_room,
        by: me(),
        at: AT,
    }
}

fn found(converted: bool) -> RoomCommand {
    RoomCommand::FoundTeam {
        room: id(),
        team: TeamId::new("team"),
        converted,
        at: AT,
    }
}

fn join(left_alone: bool) -> RoomCommand {
    RoomCommand::JoinTeam {
        room: id(),
        team: another(),
        left_alone,
        at: AT,
    }
}

fn leave(team: &str) -> RoomCommand {
    RoomCommand::LeaveTeam {
        room: id(),
        team: TeamId::new(team),
        at: AT,
    }
}

const fn auto_join(room: RoomId, auto_join: bool) -> RoomCommand {
    RoomCommand::AutoJoin {
        room,
        auto_join,
        at: AT,
    }
}

fn in_team() -> Given<Room> {
    given::<Room>([created(RoomKind::Channel).into(), added().into()])
}

fn main_room() -> Given<Room> {
    given::<Room>([created(RoomKind::Channel).into(), founded(false).into()])
}

#[test]
fn a_team_takes_the_right_to_make_one_and_of_a_room_the_right_to_change_it() {
    let (member, owner) = (Stage::default(), owner());
    channel()
        .when(found(false), &member.context())
        .then([founded(false).into()]);
    channel()
        .when(found(true), &member.context())
        .then_refused(RoomRefusal::TeamNotAllowed);
    channel()
        .when(found(true), &owner.context())
        .then([founded(true).into()]);
    let without = owner.without(Permission::CREATE_TEAM);
    channel()
        .when(found(true), &without.context())
        .then_refused(RoomRefusal::TeamNotAllowed);
}

#[test]
fn a_room_is_in_one_team() {
    let owner = owner();
    for given in [in_team, main_room] {
        given()
            .when(found(true), &owner.context())
            .then_refused(RoomRefusal::OnTeam);
        given()
            .when(join(false), &owner.context())
            .then_refused(RoomRefusal::OnTeam);
    }
    in_team()
        .when(join(true), &owner.context())
        .then([added().into()]);
    channel()
        .when(join(false), &owner.context())
        .then([added().into()]);
    channel()
        .when(join(false), &Stage::default().context())
        .then_refused(RoomRefusal::NotOwner);
}

#[test]
fn no_team_is_made_of_what_has_no_name_of_its_own() {
    let discussion = RoomCreated {
        discussion: Some(Box::new(Discussion {
            parent: RoomId::new("parent"),
            message: None,
            quote: None,
        })),
        ..created(RoomKind::Group)
    };
    for room in [direct(&["me", "you"]), discussion] {
        for command in [found(true), join(false)] {
            given::<Room>([room.clone().into()])
                .when(command, &RoomContext::System)
                .then_refused(RoomRefusal::NoRoomForTeams);
        }
    }
}

#[test]
fn a_room_leaves_the_team_it_is_in() {
    let left = RoomRemovedFromTeam {
        room: id(),
        team: another().team,
        main_room: another().main_room,
        by: me(),
        at: AT,
    };
    let stage = Stage::default();
    in_team()
        .when(leave("other"), &stage.context())
        .then([left.into()]);
    in_team()
        .when(leave("team"), &stage.context())
        .then_refused(RoomRefusal::NotOnThatTeam);
    main_room()
        .when(leave("team"), &stage.context())
        .then_refused(RoomRefusal::NotOnThatTeam);
}

#[test]
fn members_of_a_team_join_a_room_of_it_by_themselves_if_it_says_so() {
    let stage = Stage::default();
    let changed = TeamAutoJoinChanged {
        room: id(),
        team: another().team,
        main_room: another().main_room,
        auto_join: true,
        by: me(),
        at: AT,
    };
    in_team()
        .when(auto_join(id(), true), &stage.context())
        .then([changed.into()]);
    in_team()
        .when(auto_join(id(), false), &stage.context())
        .then_nothing();
    for given in [channel, main_room] {
        given()
            .when(auto_join(id(), true), &stage.context())
            .then_refused(RoomRefusal::NotOnTeam);
    }
}

#[test]
fn a_main_room_goes_with_its_team() {
    let (room, owner) = (id(), owner());
    let delete = RoomCommand::Delete { room, at: AT };
    main_room()
        .when(delete.clone(), &owner.context())
        .then_refused(RoomRefusal::MainRoomOfTeam);
    let dissolve = RoomCommand::DissolveTeam { room: id(), at: AT };
    let dissolved = TeamDissolved {
        room: id(),
        team: TeamId::new("team"),
        by: me(),
        at: AT,
    };
    main_room()
        .when(dissolve.clone(), &owner.context())
        .then([dissolved.clone().into()]);
    in_team()
        .when(dissolve, &owner.context())
        .then_refused(RoomRefusal::NoTeam);
    let deleted = RoomDeleted {
        room: id(),
        by: me(),
        at: AT,
    };
    given::<Room>([
        created(RoomKind::Channel).into(),
        founded(false).into(),
        dissolved.into(),
    ])
    .when(delete, &owner.context())
    .then([deleted.into()]);
}
