//! What can be set about a room.

use serde_json::{Value, json};

use super::*;
use crate::Sealed;

/// Every wish that is not refused to the one with all rights, and what happens.
fn wishes() -> Vec<(RoomChange, RoomEvent)> {
    let (room, by, at) = (id(), me(), AT);
    macro_rules! happens {
        ($event:ident { $($field:ident: $value:expr),* }) => {
            $event { room: room.clone(), $($field: $value,)* by: by.clone(), at }.into()
        };
    }
    let text = || "text".to_owned();
    vec![
        (
            RoomChange::Topic(text()),
            happens!(TopicChanged { text: text() }),
        ),
        (
            RoomChange::Description(text()),
            happens!(DescriptionChanged { text: text() }),
        ),
        (
            RoomChange::Announcement {
                text: text(),
                details: Some(json!({"style": 1})),
            },
            happens!(AnnouncementChanged {
                text: text(),
                details: Some(json!({"style": 1}))
            }),
        ),
        (
            RoomChange::CustomFields(json!({"a": 1})),
            happens!(RoomCustomFieldsChanged {
                fields: json!({"a": 1})
            }),
        ),
        (
            RoomChange::Kind(RoomKind::Channel),
            happens!(RoomVisibilityChanged {
                kind: RoomKind::Channel
            }),
        ),
        (
            RoomChange::ReadOnly(true),
            happens!(ReadOnlyChanged { read_only: true }),
        ),
        (
            RoomChange::ReactInReadOnly(true),
            happens!(ReactingInReadOnlyChanged { allowed: true }),
        ),
        (
            RoomChange::HiddenSystemMessages(vec!["ul".into(), "uj".into(), "ul".into()]),
            happens!(HiddenSystemMessagesChanged {
                kinds: vec!["uj".into(), "ul".into()]
            }),
        ),
        (
            RoomChange::Default(true),
            happens!(DefaultRoomChanged { default: true }),
        ),
        (
            RoomChange::Featured(true),
            happens!(FeaturedRoomChanged { featured: true }),
        ),
        (
            RoomChange::DefaultFavourite(true),
            happens!(DefaultFavouriteChanged { favourite: true }),
        ),
        (
            RoomChange::Encrypted(false),
            happens!(RoomEncryptionChanged { encrypted: false }),
        ),
        (
            RoomChange::Retention(RetentionChange::MaxAge(7)),
            happens!(RetentionChanged {
                retention: Retention {
                    max_age: Some(7),
                    ..Retention::default()
                }
            }),
        ),
        (
            RoomChange::StreamingOptions(json!({"id": "x"})),
            happens!(StreamingOptionsChanged {
                options: json!({"id": "x"})
            }),
        ),
    ]
}

fn group() -> Given<Room> {
    given::<Room>([created(RoomKind::Group).into()])
}

/// May do everything in the room and in the workspace.
fn all_powerful() -> Stage {
    owner().with_roles(&["admin"]).setting("E2E_Enable", true)
}

#[test]
fn everything_is_set_once() {
    for (wish, event) in wishes() {
        group()
            .when(change(wish.clone()), &all_powerful().context())
            .then([event.clone()]);
        given::<Room>([created(RoomKind::Group).into(), event])
            .when(change(wish), &all_powerful().context())
            .then_nothing();
    }
}

#[test]
fn all_wishes_are_granted_in_order() {
    let (wanted, events): (Vec<_>, Vec<_>) = wishes().into_iter().unzip();
    group()
        .when(changes(wanted), &all_powerful().context())
        .then(events);
}

#[test]
fn if_one_wish_is_refused_none_is_granted() {
    let wanted = [
        RoomChange::Topic("text".to_owned()),
        RoomChange::HiddenSystemMessages(vec!["discussion-created".to_owned()]),
    ];
    group()
        .when(changes(wanted), &all_powerful().context())
        .then_refused(RoomRefusal::NotHideable);
}

#[test]
fn no_text_and_an_empty_one_are_the_same() {
    for wish in [
        RoomChange::Topic(String::new()),
        RoomChange::Description(String::new()),
        RoomChange::Announcement {
            text: String::new(),
            details: None,
        },
    ] {
        group()
            .when(change(wish), &owner().context())
            .then_nothing();
    }
}

#[test]
fn texts_have_an_end_and_links_lead_nowhere_bad() {
    let long = "x".repeat(crate::limits::ROOM_TEXT + 1);
    group()
        .when(set_topic(&long), &owner().context())
        .then_refused(RoomRefusal::TextTooLong {
            limit: crate::limits::ROOM_TEXT,
        });
    let bad = || json!({"url": "javascript:alert(1)"});
    for wish in [
        RoomChange::CustomFields(bad()),
        RoomChange::StreamingOptions(bad()),
        RoomChange::Announcement {
            text: String::new(),
            details: Some(bad()),
        },
    ] {
        group()
            .when(change(wish), &owner().context())
            .then_refused(RoomRefusal::InvalidLink);
    }
}

#[test]
fn a_broadcast_room_stays_read_only_in_its_own_way() {
    let broadcast = || {
        given::<Room>([RoomCreated {
            broadcast: true,
            read_only: true,
            ..created(RoomKind::Channel)
        }
        .into()])
    };
    for wish in [
        RoomChange::ReadOnly(true),
        RoomChange::ReactInReadOnly(true),
    ] {
        broadcast()
            .when(change(wish), &owner().context())
            .then_refused(RoomRefusal::BroadcastIsReadOnly);
    }
    broadcast()
        .when(change(RoomChange::ReadOnly(false)), &owner().context())
        .then([ReadOnlyChanged {
            room: id(),
            read_only: false,
            by: me(),
            at: AT,
        }
        .into()]);
}

#[test]
fn some_wishes_take_a_right_of_their_own() {
    for (wish, refusal) in [
        (
            RoomChange::Default(true),
            RoomRefusal::AdministrationNotAllowed,
        ),
        (
            RoomChange::Featured(false),
            RoomRefusal::AdministrationNotAllowed,
        ),
        (
            RoomChange::DefaultFavourite(true),
            RoomRefusal::AdministrationNotAllowed,
        ),
        (
            RoomChange::Retention(RetentionChange::FilesOnly(true)),
            RoomRefusal::RetentionNotAllowed,
        ),
    ] {
        group()
            .when(change(wish), &owner().context())
            .then_refused(refusal);
    }
}

#[test]
fn a_room_changes_sides_with_the_right_to_make_such_a_room() {
    let to = |kind| change(RoomChange::Kind(kind));
    let stage = owner().without(Permission::CREATE_P);
    channel()
        .when(to(RoomKind::Group), &stage.context())
        .then_refused(RoomRefusal::KindNotAllowed(RoomKind::Group));
    channel()
        .when(to(RoomKind::Direct), &all_powerful().context())
        .then_refused(RoomRefusal::InvalidKind);
    a_direct_message()
        .when(to(RoomKind::Group), &all_powerful().context())
        .then_refused(RoomRefusal::DirectStaysDirect);
    channel()
        .when(to(RoomKind::Channel), &stage.context())
        .then_nothing();
}

#[test]
fn a_group_is_joined_by_nobody_on_their_own() {
    let default = created(RoomKind::Channel);
    let default = RoomCreated {
        default: true,
        ..default
    };
    let closed = RoomVisibilityChanged {
        room: id(),
        kind: RoomKind::Group,
        by: me(),
        at: AT,
    };
    given::<Room>([default.into(), closed.into()])
        .when(
            change(RoomChange::Default(false)),
            &all_powerful().context(),
        )
        .then_nothing();
}

#[test]
fn who_may_turn_encryption_on_depends_on_the_room() {
    let on = || change(RoomChange::Encrypted(true));
    let changed = || -> RoomEvent {
        RoomEncryptionChanged {
            room: id(),
            encrypted: true,
            by: me(),
            at: AT,
        }
        .into()
    };
    let (enabled, disabled) = (
        Stage::default().setting("E2E_Enable", true),
        Stage::default().setting("E2E_Enable", false),
    );
    let refused = RoomRefusal::EncryptionNotAllowed;
    group()
        .when(on(), &enabled.clone().with_room_roles(&["owner"]).context())
        .then([changed()]);
    group()
        .when(
            on(),
            &enabled.clone().with_room_roles(&["moderator"]).context(),
        )
        .then_refused(refused.clone());
    channel()
        .when(on(), &all_powerful().context())
        .then_refused(refused.clone());
    a_direct_message()
        .when(on(), &enabled.context())
        .then([changed()]);
    a_direct_message()
        .when(on(), &disabled.context())
        .then_refused(refused);
    a_direct_message()
        .when(on(), &enabled.clone().by("stranger").context())
        .then_refused(RoomRefusal::EditNotAllowed);
    let more = [
        RoomChange::Topic("text".to_owned()),
        RoomChange::Encrypted(true),
    ];
    a_direct_message()
        .when(changes(more), &enabled.context())
        .then([changed()]);
}

#[test]
fn join_codes_come_and_go() {
    let set = |code: &str| RoomChange::JoinCode(Some(Sealed::new(code)));
    let is_set = |code: &str| -> RoomEvent {
        JoinCodeSet {
            room: id(),
            code: Sealed::new(code),
            by: me(),
            at: AT,
        }
        .into()
    };
    let removed = JoinCodeRemoved {
        room: id(),
        by: me(),
        at: AT,
    };
    channel()
        .when(change(set("a")), &owner().context())
        .then([is_set("a")]);
    given::<Room>([created(RoomKind::Channel).into(), is_set("a")])
        .when(change(RoomChange::JoinCode(None)), &owner().context())
        .then([removed.into()]);
    channel()
        .when(change(RoomChange::JoinCode(None)), &owner().context())
        .then_nothing();
}

#[test]
fn what_is_said_of_keeping_messages_is_told_at_once() {
    let wanted = [
        RoomChange::Retention(RetentionChange::Enabled(Some(true))),
        RoomChange::Topic("text".to_owned()),
        RoomChange::Retention(RetentionChange::MaxAge(3)),
    ];
    let retention = Retention {
        enabled: Some(true),
        max_age: Some(3),
        ..Retention::default()
    };
    let (topic, kept) = (
        TopicChanged {
            room: id(),
            text: "text".to_owned(),
            by: me(),
            at: AT,
        },
        RetentionChanged {
            room: id(),
            retention,
            by: me(),
            at: AT,
        },
    );
    group()
        .when(changes(wanted), &all_powerful().context())
        .then([topic.into(), kept.into()]);
}

#[test]
fn free_form_fields_are_kept_as_they_are() {
    let fields: Value = json!({"nested": {"list": [1, null, "x"]}});
    group()
        .when(
            change(RoomChange::CustomFields(fields.clone())),
            &owner().context(),
        )
        .then([RoomCustomFieldsChanged {
            room: id(),
            fields,
            by: me(),
            at: AT,
        }
        .into()]);
}
