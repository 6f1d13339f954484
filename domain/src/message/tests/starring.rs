//! Starring.

use super::*;

#[test]
fn a_star_is_everybodys_own() {
    let stage = Stage::default();
    let theirs_too = MessageStarred {
        message: id(),
        room: RoomId::new("room"),
        user: UserId::new("them"),
        at: at(1),
    };
    for (before, wanted, then) in [
        (vec![], true, Some(starred())),
        (vec![], false, None),
        (vec![starred()], true, None),
        (vec![starred()], false, Some(unstarred())),
        (vec![theirs_too.into()], true, Some(starred())),
        (vec![starred(), unstarred()], true, Some(starred())),
    ] {
        let before = std::iter::once(posted("hello").into()).chain(before);
        given::<Message>(before)
            .when(star(wanted), &stage.message())
            .then(then);
    }
}

#[test]
fn what_a_room_says_itself_can_be_starred() {
    nothing()
        .when(star(true), &Stage::default().system_message())
        .then([starred()]);
}

#[test]
fn whoever_only_reads_a_channel_stars_nothing() {
    theirs()
        .when(star(true), &Stage::default().outside().message())
        .then_nothing();
}

#[test]
fn starring_is_refused() {
    let private = Stage::default().in_a(RoomKind::Group).outside();
    let off = Stage::default().setting("Message_AllowStarring", false);
    for (state, stage, refusal) in [
        (theirs(), off, MessageRefusal::StarringDisabled),
        (theirs(), private, MessageRefusal::NoAccess),
        (nothing(), Stage::default(), MessageRefusal::NotFound),
        (gone(), Stage::default(), MessageRefusal::NotFound),
    ] {
        state
            .when(star(true), &stage.message())
            .then_refused(refusal);
    }
}
