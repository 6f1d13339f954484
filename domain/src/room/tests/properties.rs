//! What holds for whatever happened and whatever is asked.

use proptest::prelude::*;
use serde_json::json;

use super::*;

fn some_kind() -> impl Strategy<Value = RoomKind> {
    prop_oneof![
        Just(RoomKind::Channel),
        Just(RoomKind::Group),
        Just(RoomKind::Direct)
    ]
}

fn some_text() -> impl Strategy<Value = String> {
    "(a|b|ä| |all|admin)?"
}

fn some_creation() -> impl Strategy<Value = RoomCreated> {
    (
        some_kind(),
        proptest::option::of(some_text()),
        proptest::collection::vec("me|you|it", 0..4),
        any::<bool>(),
    )
        .prop_map(|(kind, name, participants, broadcast)| RoomCreated {
            name,
            display_name: None,
            participants: participants.iter().map(UserId::new).collect(),
            broadcast,
            ..created(kind)
        })
}

fn some_change() -> impl Strategy<Value = RoomChange> {
    let fields = prop_oneof![
        Just(json!({})),
        Just(json!({"a": 1})),
        Just(json!({"url": "javascript:1"}))
    ];
    prop_oneof![
        some_text().prop_map(RoomChange::Name),
        some_text().prop_map(RoomChange::Topic),
        some_text().prop_map(RoomChange::Description),
        (some_text(), proptest::option::of(fields.clone()))
            .prop_map(|(text, details)| RoomChange::Announcement { text, details }),
        fields.clone().prop_map(RoomChange::CustomFields),
        fields.prop_map(RoomChange::StreamingOptions),
        some_kind().prop_map(RoomChange::Kind),
        any::<bool>().prop_map(RoomChange::ReadOnly),
        any::<bool>().prop_map(RoomChange::ReactInReadOnly),
        any::<bool>().prop_map(RoomChange::Default),
        any::<bool>().prop_map(RoomChange::Featured),
        any::<bool>().prop_map(RoomChange::DefaultFavourite),
        any::<bool>().prop_map(RoomChange::Encrypted),
        Just(RoomChange::JoinCode(None)),
        proptest::collection::vec("uj|ul|xx", 0..3).prop_map(RoomChange::HiddenSystemMessages),
        some_retention().prop_map(RoomChange::Retention),
    ]
}

fn some_retention() -> impl Strategy<Value = RetentionChange> {
    prop_oneof![
        proptest::option::of(any::<bool>()).prop_map(RetentionChange::Enabled),
        (1_u32..3).prop_map(RetentionChange::MaxAge),
        any::<bool>().prop_map(RetentionChange::ExcludePinned),
        any::<bool>().prop_map(RetentionChange::FilesOnly),
        any::<bool>().prop_map(RetentionChange::IgnoreThreads),
        any::<bool>().prop_map(RetentionChange::OverrideGlobal),
    ]
}

fn some_command() -> impl Strategy<Value = RoomCommand> {
    let (room, at) = (id(), AT);
    prop_oneof![
        some_creation().prop_map(create),
        // One at a time: of two about the same thing, each undoes the other when both are asked for again.
        some_change().prop_map(change),
        Just(RoomCommand::Archive {
            room: room.clone(),
            at
        }),
        Just(RoomCommand::Unarchive {
            room: room.clone(),
            at
        }),
        any::<bool>().prop_map(|reset| RoomCommand::SetKey {
            room: id(),
            key_id: "k".to_owned(),
            reset,
            at: AT
        }),
        any::<bool>().prop_map(|converted| RoomCommand::FoundTeam {
            room: id(),
            team: TeamId::new("team"),
            converted,
            at: AT
        }),
        Just(RoomCommand::DissolveTeam {
            room: room.clone(),
            at
        }),
        Just(RoomCommand::JoinTeam {
            room: room.clone(),
            team: teams::another(),
            left_alone: false,
            at
        }),
        Just(RoomCommand::LeaveTeam {
            room: room.clone(),
            team: teams::another().team,
            at
        }),
        any::<bool>().prop_map(|auto_join| RoomCommand::AutoJoin {
            room: id(),
            auto_join,
            at: AT
        }),
        Just(RoomCommand::CloseWithParent {
            room: room.clone(),
            at
        }),
        Just(RoomCommand::Delete { room, at }),
    ]
}

fn some_event() -> impl Strategy<Value = RoomEvent> {
    let (room, by, at) = (id(), me(), AT);
    prop_oneof![
        some_creation().prop_map(RoomEvent::from),
        some_text().prop_map(|name| renamed(&name, &name)),
        some_text().prop_map(|text| TopicChanged {
            room: id(),
            text,
            by: me(),
            at: AT
        }
        .into()),
        some_text().prop_map(|text| DescriptionChanged {
            room: id(),
            text,
            by: me(),
            at: AT
        }
        .into()),
        some_text().prop_map(|text| AnnouncementChanged {
            room: id(),
            text,
            details: None,
            by: me(),
            at: AT
        }
        .into()),
        some_kind().prop_map(|kind| RoomVisibilityChanged {
            room: id(),
            kind,
            by: me(),
            at: AT
        }
        .into()),
        any::<bool>().prop_map(|read_only| ReadOnlyChanged {
            room: id(),
            read_only,
            by: me(),
            at: AT
        }
        .into()),
        Just(
            RoomArchived {
                room: room.clone(),
                by: by.clone(),
                at
            }
            .into()
        ),
        Just(
            RoomUnarchived {
                room: room.clone(),
                by: by.clone(),
                at
            }
            .into()
        ),
        Just(teams::founded(true).into()),
        Just(teams::added().into()),
        Just(
            TeamDissolved {
                room: room.clone(),
                team: TeamId::new("team"),
                by: by.clone(),
                at
            }
            .into()
        ),
        Just(RoomDeleted { room, by, at }.into()),
    ]
}

fn some_stage() -> impl Strategy<Value = Option<Stage>> {
    let role = prop_oneof![Just("admin"), Just("user"), Just("guest")];
    let room_role = prop_oneof![Just("owner"), Just("none")];
    let stage = (role, room_role, any::<bool>()).prop_map(|(role, room_role, special)| {
        Stage::default()
            .with_roles(&[role])
            .with_room_roles(&[room_role])
            .setting("UI_Allow_room_names_with_special_chars", special)
            .setting("DirectMesssage_maxUsers", 2)
    });
    proptest::option::of(stage)
}

fn context(stage: Option<&Stage>) -> RoomContext<'_> {
    stage.map_or(RoomContext::System, Stage::context)
}

proptest! {
    #[test]
    fn whatever_happened_and_is_asked_nothing_panics_and_asking_again_changes_nothing(
        events in proptest::collection::vec(some_event(), 0..6),
        command in some_command(),
        stage in some_stage(),
    ) {
        for length in 0..=events.len() {
            let state = Room::fold(&events[..length]);
            let Ok(happened) = Room::decide(&state, command.clone(), &context(stage.as_ref())) else { continue };
            let state = happened.iter().fold(state, Room::evolve);
            let again = Room::decide(&state, command.clone(), &context(stage.as_ref()));
            prop_assert!(again.is_err() || again == Ok(vec![]), "{:?}", again);
        }
    }

    #[test]
    fn replaying_gives_the_state_that_decided(
        steps in proptest::collection::vec((some_command(), some_stage()), 0..12),
    ) {
        let (mut state, mut log) = (Room::default(), Vec::new());
        for (command, stage) in steps {
            let Ok(events) = Room::decide(&state, command, &context(stage.as_ref())) else { continue };
            state = events.iter().fold(state, Room::evolve);
            log.extend(events);
        }
        prop_assert_eq!(Room::fold(&log), state);
    }
}
