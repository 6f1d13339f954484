//! Reading, hiding and opening.

use super::*;

#[expect(clippy::unnecessary_wraps, reason = "as the context has it")]
fn view(open: bool, unread: bool, cursor: Option<i64>) -> Option<MembershipView> {
    Some(MembershipView {
        open,
        unread,
        cursor: cursor.map(Timestamp::from_millis),
        unread_threads: Vec::new(),
    })
}

/// All is read but a thread.
fn thread_unread() -> Option<MembershipView> {
    view(true, false, Some(3)).map(|view| MembershipView {
        unread_threads: vec![MessageId::new("thread")],
        ..view
    })
}

#[test]
fn reading_moves_the_cursor_when_there_is_something_to_read() {
    let (stage, me) = (Stage::default(), me());
    let read = MembershipCommand::Read {
        threads: true,
        at: AT,
    };
    let newest = Some(Timestamp::from_millis(3));
    let moved = || {
        ReadCursorMoved {
            room: room(),
            user: UserId::new("me"),
            threads: true,
            cursor: newest,
            at: AT,
        }
        .into()
    };
    for there_is in [
        None,
        view(true, true, Some(3)),
        view(false, false, Some(3)),
        view(true, false, Some(2)),
        view(true, false, None),
        thread_unread(),
    ] {
        let context = MembershipContext {
            view: there_is.as_ref(),
            newest,
            ..stage.about(&me)
        };
        member().when(read.clone(), &context).then([moved()]);
    }
    let all_read = view(true, false, Some(3));
    let nothing_new = MembershipContext {
        view: all_read.as_ref(),
        newest,
        ..stage.about(&me)
    };
    member().when(read.clone(), &nothing_new).then_nothing();
    let empty = view(true, false, None);
    let no_message = MembershipContext {
        view: empty.as_ref(),
        ..stage.about(&me)
    };
    member().when(read.clone(), &no_message).then_nothing();
    let (rest_read, room_only) = (
        thread_unread(),
        MembershipCommand::Read {
            threads: false,
            at: AT,
        },
    );
    let but_a_thread = MembershipContext {
        view: rest_read.as_ref(),
        newest,
        ..stage.about(&me)
    };
    member().when(room_only, &but_a_thread).then_nothing();
    outside()
        .when(read, &stage.about(&me))
        .then_refused(MembershipRefusal::NotAMember);
}

#[test]
fn rooms_can_be_unread_again() {
    let (stage, me) = (Stage::default(), me());
    let cursor = Timestamp::from_millis(2);
    let mark = MembershipCommand::MarkUnread { cursor, at: AT };
    let marked = || {
        MarkedUnread {
            room: room(),
            user: UserId::new("me"),
            cursor,
            at: AT,
        }
        .into()
    };
    for seen in [
        None,
        view(true, false, Some(3)),
        view(true, true, Some(3)),
        view(false, true, Some(1)),
    ] {
        let context = MembershipContext {
            view: seen.as_ref(),
            ..stage.about(&me)
        };
        member().when(mark.clone(), &context).then([marked()]);
    }
    let marked_there = view(true, true, Some(2));
    let unread = MembershipContext {
        view: marked_there.as_ref(),
        ..stage.about(&me)
    };
    member().when(mark.clone(), &unread).then_nothing();
    outside()
        .when(mark, &stage.about(&me))
        .then_refused(MembershipRefusal::NotAMember);
}

#[test]
fn rooms_are_hidden_and_opened_once() {
    let (stage, me) = (Stage::default(), me());
    let (hide, open) = (
        MembershipCommand::Hide { at: AT },
        MembershipCommand::Open { at: AT },
    );
    let (is_shown, is_hidden) = (view(true, false, None), view(false, false, None));
    let shown = MembershipContext {
        view: is_shown.as_ref(),
        ..stage.about(&me)
    };
    let hidden = MembershipContext {
        view: is_hidden.as_ref(),
        ..stage.about(&me)
    };
    member().when(hide.clone(), &shown).then([RoomHidden {
        room: room(),
        user: me.clone(),
        at: AT,
    }
    .into()]);
    member().when(hide.clone(), &hidden).then_nothing();
    member().when(open.clone(), &hidden).then([RoomOpened {
        room: room(),
        user: me.clone(),
        at: AT,
    }
    .into()]);
    member().when(open.clone(), &shown).then_nothing();
    for command in [hide, open] {
        outside()
            .when(command, &stage.about(&me))
            .then_refused(MembershipRefusal::NotAMember);
    }
}

#[test]
fn members_choose_their_favourites() {
    let (stage, me) = (Stage::default(), me());
    let favour = |favourite| MembershipCommand::Favour { favourite, at: AT };
    let changed = |favourite| FavouriteChanged {
        room: room(),
        user: UserId::new("me"),
        favourite,
        at: AT,
    };
    let context = stage.about(&me);
    member()
        .when(favour(true), &context)
        .then([changed(true).into()]);
    member()
        .when(favour(false), &context)
        .then([changed(false).into()]);
    let favoured = || given::<Membership>([joined(Joining::Joined, &[]), changed(true).into()]);
    favoured().when(favour(true), &context).then_nothing();
    favoured()
        .when(favour(false), &context)
        .then([changed(false).into()]);
    outside()
        .when(favour(true), &context)
        .then_refused(MembershipRefusal::NotAMember);
}
