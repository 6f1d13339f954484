//! Discussions.

use super::*;
use crate::MessageId;
use crate::settings::keys;

fn discussion() -> RoomCreated {
    RoomCreated {
        name: Some("made-up".to_owned()),
        display_name: Some("What now?".to_owned()),
        topic: Some("general".to_owned()),
        discussion: Some(Box::new(Discussion {
            parent: RoomId::new("parent"),
            message: Some(MessageId::new("message")),
            quote: None,
        })),
        ..created(RoomKind::Group)
    }
}

fn begun() -> Given<Room> {
    given::<Room>([discussion().into()])
}

#[test]
fn either_right_is_enough_and_rights_to_make_rooms_are_not_needed() {
    let rights = [
        Permission::START_DISCUSSION,
        Permission::START_DISCUSSION_OTHER_USER,
    ];
    for missing in rights {
        let stage = Stage::default()
            .without(Permission::CREATE_P)
            .without(missing);
        nothing()
            .when(create(discussion()), &stage.context())
            .then([discussion().into()]);
    }
    let neither = Stage::default().without(rights[0]).without(rights[1]);
    nothing()
        .when(create(discussion()), &neither.context())
        .then_refused(RoomRefusal::DiscussionNotAllowed);
}

#[test]
fn a_workspace_may_have_none() {
    let stage = Stage::default().setting(keys::DISCUSSION_ENABLED.id(), false);
    nothing()
        .when(create(discussion()), &stage.context())
        .then_refused(RoomRefusal::DiscussionNotAllowed);
}

#[test]
fn a_title_is_any_text_but_no_blank_and_no_endless_one() {
    for (title, refusal) in [
        (" ".to_owned(), RoomRefusal::EmptyName),
        (
            "x".repeat(crate::limits::ROOM_NAME + 1),
            RoomRefusal::TextTooLong {
                limit: crate::limits::ROOM_NAME,
            },
        ),
    ] {
        let wish = RoomCreated {
            display_name: Some(title.clone()),
            ..discussion()
        };
        nothing()
            .when(create(wish), &Stage::default().context())
            .then_refused(refusal.clone());
        begun()
            .when(rename(&title), &owner().context())
            .then_refused(refusal);
    }
}

#[test]
fn renaming_one_changes_only_what_is_shown() {
    begun()
        .when(rename("And now?"), &owner().context())
        .then([renamed("made-up", "And now?")]);
    begun()
        .when(rename("What now?"), &owner().context())
        .then_nothing();
}

#[test]
fn what_it_is_about_is_cut_where_it_is_too_long_for_a_description() {
    let long = "x".repeat(crate::limits::ROOM_TEXT + 1);
    let wish = RoomCreated {
        description: Some(long.clone()),
        ..discussion()
    };
    let made = RoomCreated {
        description: Some(long[..crate::limits::ROOM_TEXT].to_owned()),
        ..discussion()
    };
    nothing()
        .when(create(wish), &Stage::default().context())
        .then([made.into()]);
}

#[test]
fn only_discussions_of_channels_are_public() {
    for (parent, kind) in [
        (RoomKind::Channel, RoomKind::Channel),
        (RoomKind::Group, RoomKind::Group),
        (RoomKind::Direct, RoomKind::Group),
    ] {
        assert_eq!(parent.of_discussion(), kind, "of {parent:?}");
    }
}

#[test]
fn one_that_is_public_is_closed_with_its_channel_whoever_closes_it() {
    let close = || RoomCommand::CloseWithParent { room: id(), at: AT };
    let public = RoomCreated {
        kind: RoomKind::Channel,
        ..discussion()
    };
    let closed = RoomVisibilityChanged {
        room: id(),
        kind: RoomKind::Group,
        by: me(),
        at: AT,
    };
    given::<Room>([public.into()])
        .when(close(), &Stage::default().context())
        .then([closed.into()]);
    begun()
        .when(close(), &Stage::default().context())
        .then_nothing();
}
