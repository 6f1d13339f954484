//! Pinning.

use super::*;

#[test]
fn a_pin_is_set_and_taken_off_once() {
    let stage = Stage::default().with_room_roles(&["owner"]);
    let pinned_before = || given::<Message>([posted("hello").into(), pinned()]);
    mine().when(pin(true), &stage.message()).then([pinned()]);
    mine().when(pin(false), &stage.message()).then_nothing();
    pinned_before()
        .when(pin(true), &stage.message())
        .then_nothing();
    pinned_before()
        .when(pin(false), &stage.message())
        .then([unpinned()]);
    given::<Message>([posted("hello").into(), pinned(), unpinned()])
        .when(pin(true), &stage.message())
        .then([pinned()]);
}

#[test]
fn what_a_room_says_itself_can_be_pinned() {
    let stage = Stage::default().with_room_roles(&["owner"]);
    nothing()
        .when(pin(true), &stage.system_message())
        .then([pinned()]);
    given::<Message>([pinned()])
        .when(pin(false), &stage.system_message())
        .then([unpinned()]);
}

#[test]
fn pinning_is_refused() {
    let owner = || Stage::default().with_room_roles(&["owner"]);
    let off = owner().setting("Message_AllowPinning", false);
    for (state, stage, refusal) in [
        (theirs(), off, MessageRefusal::PinningDisabled),
        (theirs(), owner().outside(), MessageRefusal::NotAMember),
        (theirs(), Stage::default(), MessageRefusal::PinNotAllowed),
        (nothing(), owner(), MessageRefusal::NotFound),
        (gone(), owner(), MessageRefusal::NotFound),
    ] {
        state
            .when(pin(true), &stage.message())
            .then_refused(refusal);
    }
    let mut elsewhere = owner();
    elsewhere.room.id = RoomId::new("elsewhere");
    theirs()
        .when(pin(true), &elsewhere.message())
        .then_refused(MessageRefusal::OtherRoom);
}
