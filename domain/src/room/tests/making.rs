//! Making rooms.

use super::*;

#[test]
fn a_user_makes_channels_and_groups() {
    for kind in [RoomKind::Channel, RoomKind::Group] {
        nothing()
            .when(create(created(kind)), &Stage::default().context())
            .then([created(kind).into()]);
    }
}

#[test]
fn the_creator_is_who_asks() {
    let wish = RoomCreated {
        creator: Some(UserId::new("you")),
        ..created(RoomKind::Channel)
    };
    nothing()
        .when(create(wish), &Stage::default().context())
        .then([created(RoomKind::Channel).into()]);
}

#[test]
fn making_takes_a_right_for_each_kind() {
    for (kind, permission) in [
        (RoomKind::Channel, Permission::CREATE_C),
        (RoomKind::Group, Permission::CREATE_P),
        (RoomKind::Direct, Permission::CREATE_D),
    ] {
        let stage = Stage::default().without(permission);
        nothing()
            .when(create(created(kind)), &stage.context())
            .then_refused(RoomRefusal::CreateNotAllowed(kind));
    }
}

#[test]
fn a_room_is_made_once() {
    let again = create(created(RoomKind::Channel));
    channel()
        .when(again.clone(), &Stage::default().context())
        .then_refused(RoomRefusal::AlreadyExists);
    given::<Room>([
        created(RoomKind::Channel).into(),
        RoomDeleted {
            room: id(),
            by: me(),
            at: AT,
        }
        .into(),
    ])
    .when(again, &RoomContext::System)
    .then_refused(RoomRefusal::AlreadyExists);
}

#[test]
fn a_direct_message_is_made_again_once_it_is_deleted() {
    let wish = direct(&["me", "you"]);
    let deleted = RoomDeleted {
        room: id(),
        by: me(),
        at: AT,
    };
    given::<Room>([wish.clone().into(), deleted.into()])
        .when(create(wish.clone()), &RoomContext::System)
        .then([wish.into()]);
}

#[test]
fn a_room_needs_a_name_that_can_be_one() {
    let named = |name: Option<&str>| {
        create(RoomCreated {
            name: name.map(str::to_owned),
            display_name: None,
            ..created(RoomKind::Channel)
        })
    };
    let stage = Stage::default();
    nothing()
        .when(named(None), &stage.context())
        .then_refused(RoomRefusal::EmptyName);
    nothing()
        .when(named(Some(" ")), &stage.context())
        .then_refused(RoomRefusal::EmptyName);
    let invalid = |name: &str| RoomRefusal::InvalidName {
        name: name.to_owned(),
    };
    nothing()
        .when(named(Some("a b")), &stage.context())
        .then_refused(invalid("a b"));
    nothing()
        .when(named(Some("System")), &stage.context())
        .then_refused(invalid("System"));
    nothing()
        .when(named(Some("dev")), &stage.context())
        .then([created(RoomKind::Channel).into()]);
}

#[test]
fn special_characters_are_for_show() {
    let stage = Stage::default().setting("UI_Allow_room_names_with_special_chars", true);
    let wish = RoomCreated {
        name: Some("Größe".to_owned()),
        display_name: None,
        ..created(RoomKind::Channel)
    };
    let made = RoomCreated {
        name: Some("Grosse".to_owned()),
        display_name: Some("Größe".to_owned()),
        ..created(RoomKind::Channel)
    };
    nothing()
        .when(create(wish), &stage.context())
        .then([made.clone().into()]);
    let claimed = RoomCreated {
        name: Some("Grosse-1".to_owned()),
        ..made
    };
    nothing()
        .when(create(claimed.clone()), &stage.context())
        .then([claimed.into()]);
}

#[test]
fn broadcast_rooms_are_read_only() {
    let wish = RoomCreated {
        broadcast: true,
        ..created(RoomKind::Channel)
    };
    let made = RoomCreated {
        read_only: true,
        ..wish.clone()
    };
    nothing()
        .when(create(wish), &Stage::default().context())
        .then([made.into()]);
}

#[test]
fn direct_messages_have_participants_instead_of_a_name() {
    let wish = RoomCreated {
        name: Some("x".to_owned()),
        ..direct(&["you", "me", "you"])
    };
    nothing()
        .when(create(wish), &Stage::default().context())
        .then([direct(&["me", "you"]).into()]);
}

#[test]
fn direct_messages_are_between_some() {
    let stage = Stage::default().setting("DirectMesssage_maxUsers", 2);
    nothing()
        .when(create(direct(&[])), &stage.context())
        .then_refused(RoomRefusal::InvalidParticipants);
    nothing()
        .when(create(direct(&["me", "you", "them"])), &stage.context())
        .then_refused(RoomRefusal::TooManyParticipants { limit: 2 });
    nothing()
        .when(create(direct(&["me"])), &stage.context())
        .then([direct(&["me"]).into()]);
    let not_alone = stage.setting("Message_AllowDirectMessagesToYourself", false);
    nothing()
        .when(create(direct(&["me"])), &not_alone.context())
        .then_refused(RoomRefusal::InvalidParticipants);
}

#[test]
fn the_server_makes_what_it_likes() {
    let general = RoomCreated {
        creator: None,
        default: true,
        ..created(RoomKind::Channel)
    };
    nothing()
        .when(create(general.clone()), &RoomContext::System)
        .then([general.into()]);
}
