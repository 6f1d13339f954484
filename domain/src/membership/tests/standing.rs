//! Muting, and keeping out.

use super::*;

fn you() -> UserId {
    UserId::new("you")
}

/// What happened to me by you.
macro_rules! done {
    ($event:ident $(, $field:ident: $value:expr)?) => {
        MembershipEvent::from($event {
            $($field: $value,)?
            room: room(),
            user: me(),
            by: you(),
            at: AT,
        })
    };
}

/// A moderator of the room who is somebody else.
fn moderator() -> Stage {
    Stage::default().by("you").with_room_roles(&["moderator"])
}

fn left() -> MembershipEvent {
    let (room, user) = (room(), me());
    MemberLeft { room, user, at: AT }.into()
}

const MUTE: MembershipCommand = MembershipCommand::Mute { at: AT };
const UNMUTE: MembershipCommand = MembershipCommand::Unmute { at: AT };
const BAN: MembershipCommand = MembershipCommand::Ban { at: AT };
const UNBAN: MembershipCommand = MembershipCommand::Unban { at: AT };

#[test]
fn members_are_muted_and_unmuted() {
    let (stage, me) = (moderator(), me());
    let is = joined(Joining::Joined, &[]);
    let muted = || given::<Membership>([is.clone(), done!(MemberMuted)]);
    let unmuted = || given::<Membership>([is.clone(), done!(MemberUnmuted)]);
    member()
        .when(MUTE, &stage.about(&me))
        .then([done!(MemberMuted)]);
    muted().when(MUTE, &stage.about(&me)).then_nothing();
    unmuted()
        .when(MUTE, &stage.about(&me))
        .then([done!(MemberMuted)]);
    muted()
        .when(UNMUTE, &stage.about(&me))
        .then([done!(MemberUnmuted)]);
    unmuted().when(UNMUTE, &stage.about(&me)).then_nothing();
    // Who was never muted may post in a read-only room from then on.
    member()
        .when(UNMUTE, &stage.about(&me))
        .then([done!(MemberUnmuted)]);
}

#[test]
fn muting_has_its_rules() {
    let me = me();
    for command in [MUTE, UNMUTE] {
        let plain = Stage::default().by("you");
        member()
            .when(command.clone(), &plain.about(&me))
            .then_refused(MembershipRefusal::MuteNotAllowed);
        outside()
            .when(command.clone(), &moderator().about(&me))
            .then_refused(MembershipRefusal::NotAMember);
        member()
            .when(command, &moderator().in_a(RoomKind::Direct).about(&me))
            .then_refused(MembershipRefusal::CannotMuteInDirect);
    }
}

#[test]
fn who_leaves_stays_muted() {
    let (stage, me) = (moderator(), me());
    let is = || joined(Joining::Joined, &[]);
    let back = given::<Membership>([is(), done!(MemberMuted), left(), is()]);
    back.when(MUTE, &stage.about(&me)).then_nothing();
}

#[test]
fn whoever_is_banned_is_removed_first() {
    let (stage, me) = (moderator(), me());
    let banned = || done!(UserBannedFromRoom);
    outside().when(BAN, &stage.about(&me)).then([banned()]);
    member()
        .when(BAN, &stage.about(&me))
        .then([done!(MemberRemoved, from_team: false), banned()]);
    given::<Membership>([banned()])
        .when(BAN, &stage.about(&me))
        .then_nothing();
    owner()
        .when(BAN, &stage.about(&me))
        .then_refused(MembershipRefusal::LastOwner);
    owner()
        .when(BAN, &stage.clone().room(|room| room.owners = 2).about(&me))
        .then([done!(MemberRemoved, from_team: false), banned()]);
}

#[test]
fn banning_has_its_rules() {
    let me = me();
    for command in [BAN, UNBAN] {
        for stage in [
            Stage::default().by("you"),
            moderator().in_a(RoomKind::Direct),
        ] {
            outside()
                .when(command.clone(), &stage.about(&me))
                .then_refused(MembershipRefusal::BanNotAllowed);
        }
    }
}

#[test]
fn the_banned_stay_outside_until_they_are_unbanned() {
    let me = me();
    let banned = || given::<Membership>([done!(UserBannedFromRoom)]);
    let again = || given::<Membership>([done!(UserBannedFromRoom), done!(UserUnbannedFromRoom)]);
    let (join, add) = (
        MembershipCommand::Join { at: AT },
        MembershipCommand::Add { at: AT },
    );
    let myself = Stage::default().outside();
    banned()
        .when(join.clone(), &myself.about(&me))
        .then_refused(MembershipRefusal::Banned);
    banned()
        .when(add, &moderator().about(&me))
        .then_refused(MembershipRefusal::Banned);
    banned().when(found(), &myself.about(&me)).then_nothing();
    banned()
        .when(UNBAN, &moderator().about(&me))
        .then([done!(UserUnbannedFromRoom)]);
    again().when(UNBAN, &moderator().about(&me)).then_nothing();
    again()
        .when(join, &myself.about(&me))
        .then([joined(Joining::Joined, &[])]);
}
