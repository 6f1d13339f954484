//! Reacting.

use super::*;

#[test]
fn reactions_toggle() {
    let stage = Stage::default();
    for emoji in ["smile", ":smile:", "::sm:ile"] {
        mine()
            .when(react(emoji, None), &stage.message())
            .then([reaction_added()]);
    }
    given::<Message>([posted("hello").into(), reaction_added()])
        .when(react("smile", None), &stage.message())
        .then([reaction_removed()]);
}

#[test]
fn reacting_with_a_wish_is_idempotent() {
    let stage = Stage::default();
    let reacted = || given::<Message>([posted("hello").into(), reaction_added()]);
    mine()
        .when(react("smile", Some(true)), &stage.message())
        .then([reaction_added()]);
    reacted()
        .when(react("smile", Some(true)), &stage.message())
        .then_nothing();
    reacted()
        .when(react("smile", Some(false)), &stage.message())
        .then([reaction_removed()]);
    mine()
        .when(react("smile", Some(false)), &stage.message())
        .then_nothing();
}

#[test]
fn system_messages_can_be_reacted_to() {
    let stage = Stage::default();
    nothing()
        .when(react("smile", None), &stage.system_message())
        .then([reaction_added()]);
    given::<Message>([reaction_added()])
        .when(react("smile", None), &stage.system_message())
        .then([reaction_removed()]);
}

#[test]
fn a_reaction_can_always_be_taken_back() {
    let reacted = || given::<Message>([posted("hello").into(), reaction_added()]);
    let stage = Stage::default().room(|room| {
        room.read_only = true;
        room.archived = true;
        room.muted.push(UserId::new("me"));
    });
    let unknown = MessageContext {
        emoji_known: false,
        ..stage.message()
    };
    for wanted in [None, Some(false)] {
        reacted()
            .when(react("smile", wanted), &unknown)
            .then([reaction_removed()]);
        mine()
            .when(react("smile", wanted), &unknown)
            .then_refused(MessageRefusal::InvalidEmoji);
    }
    reacted()
        .when(react("smile", Some(true)), &unknown)
        .then_refused(MessageRefusal::InvalidEmoji);
    let outside = stage.in_a(RoomKind::Group).outside();
    reacted()
        .when(react("smile", None), &outside.message())
        .then_refused(MessageRefusal::NoAccess);
}

#[test]
fn reacting_has_its_rules() {
    let stage = Stage::default();
    nothing()
        .when(react("smile", None), &stage.message())
        .then_refused(MessageRefusal::NotFound);
    gone()
        .when(react("smile", None), &stage.message())
        .then_refused(MessageRefusal::NotFound);
    for emoji in ["", ":::", "😀", "two words", "<b>"] {
        mine()
            .when(react(emoji, None), &stage.message())
            .then_refused(MessageRefusal::InvalidEmoji);
    }
    let outside = stage.clone().in_a(RoomKind::Group).outside();
    mine()
        .when(react("smile", None), &outside.message())
        .then_refused(MessageRefusal::NoAccess);
    let muted = stage
        .clone()
        .room(|room| room.muted.push(UserId::new("me")));
    mine()
        .when(react("smile", None), &muted.message())
        .then_refused(MessageRefusal::Muted);
    let read_only = stage.clone().room(|room| room.read_only = true);
    mine()
        .when(react("smile", None), &read_only.message())
        .then_refused(MessageRefusal::ReadOnly);
    let allowed = read_only.room(|room| room.react_when_read_only = true);
    mine()
        .when(react("smile", None), &allowed.message())
        .then([reaction_added()]);
    let elsewhere = stage.room(|room| room.id = RoomId::new("elsewhere"));
    mine()
        .when(react("smile", None), &elsewhere.message())
        .then_refused(MessageRefusal::OtherRoom);
}
