//! What holds for whatever happened and whatever is asked.

use proptest::prelude::*;

use super::*;

fn some_content() -> impl Strategy<Value = Content> {
    let value = prop_oneof![
        Just(json!(null)),
        Just(json!({"description": "hello"})),
        Just(json!({"fields": [{"value": 1}], "title_link": "http://x"})),
        Just(json!({"actions": [3]})),
    ];
    (
        "(hello|@a :x: ```)?",
        proptest::option::of(proptest::collection::vec(value, 0..2)),
        any::<bool>(),
    )
        .prop_map(|(text, attachments, all)| Content {
            attachments,
            urls: all.then(|| vec!["https://a".to_owned()]),
            mentions: all.then_some(Mention::All).into_iter().collect(),
            ..content(&text)
        })
}

fn some_time() -> impl Strategy<Value = Timestamp> {
    prop_oneof![(0..200_000_i64), Just(i64::MIN), Just(i64::MAX)].prop_map(at)
}

fn some_command() -> impl Strategy<Value = MessageCommand> {
    prop_oneof![
        (some_content(), some_time(), any::<(bool, bool, bool)>()).prop_map(
            |(content, at, (full, reply, shown))| {
                MessageCommand::Post {
                    posted: Box::new(MessagePosted {
                        at,
                        thread: reply.then(|| MessageId::new("parent")),
                        shown_in_room: shown,
                        ..posted_by("me", content)
                    }),
                    checks: if full {
                        PostChecks::Full
                    } else {
                        PostChecks::Lenient
                    },
                }
            }
        ),
        (
            some_content(),
            any::<bool>(),
            any::<Option<u8>>(),
            some_time()
        )
            .prop_map(|(content, hides, fields, at)| MessageCommand::Edit {
                message: id(),
                revision: Revision {
                    content,
                    hidden: hides.then(|| Box::new(hidden())),
                    custom_fields: fields.map(|number| serde_json::json!({ "n": number })),
                },
                at,
            }),
        some_time().prop_map(|at| MessageCommand::Delete { message: id(), at }),
        some_time().prop_map(|at| MessageCommand::Prune { message: id(), at }),
        (":?[ab]?:?", any::<Option<bool>>(), some_time()).prop_map(|(emoji, wanted, at)| {
            MessageCommand::React {
                message: id(),
                emoji,
                wanted,
                at,
            }
        }),
        any::<bool>().prop_map(pin),
        any::<bool>().prop_map(star),
        any::<bool>().prop_map(follow),
        Just(preview(&["https://a"])),
    ]
}

fn some_event() -> impl Strategy<Value = MessageEvent> {
    let (room, user) = (RoomId::new("room"), UserId::new("me"));
    let reaction = |room: RoomId, user: UserId, emoji| ReactionAdded {
        message: id(),
        room,
        user,
        emoji,
        at: at(1),
    };
    prop_oneof![
        some_content().prop_map(|content| posted_by("me", content).into()),
        some_content().prop_map(|content| posted_by("them", content).into()),
        some_content().prop_map(edited),
        Just(deleted(Remains::Nothing)),
        ":[ab]:".prop_map(move |emoji| reaction(room.clone(), user.clone(), emoji).into()),
        Just(reaction_removed()),
        prop_oneof![
            Just(pinned()),
            Just(unpinned()),
            Just(starred()),
            Just(unstarred()),
            Just(followed()),
            Just(unfollowed()),
            Just(previewed(&["https://a"])),
        ],
    ]
}

fn some_stage() -> impl Strategy<Value = (Stage, bool, bool)> {
    let kind = prop_oneof![
        Just(RoomKind::Channel),
        Just(RoomKind::Group),
        Just(RoomKind::Direct)
    ];
    let role = prop_oneof![Just("owner"), Just("moderator"), Just("none")];
    (kind, role, any::<[bool; 6]>(), -1..3_i64).prop_map(|(kind, role, flags, number)| {
        let [member, read_only, muted, unmuted, system, replies] = flags;
        let mut stage = Stage::default()
            .in_a(kind)
            .with_room_roles(&[role])
            .setting("Message_MaxAllowedSize", number * 4)
            .setting("Message_AllowEditing_BlockEditInMinutes", number)
            .setting("Message_AllowDeleting_BlockDeleteInMinutes", number)
            .room(|room| {
                room.read_only = read_only;
                room.muted.extend(muted.then(|| UserId::new("me")));
                room.unmuted.extend(unmuted.then(|| UserId::new("me")));
            });
        if !member {
            stage = stage.outside();
        }
        (stage, system, replies)
    })
}

proptest! {
    #[test]
    fn nothing_panics_whatever_happened_and_whatever_is_asked(
        events in proptest::collection::vec(some_event(), 0..6),
        command in some_command(),
        (stage, system, has_replies) in some_stage(),
    ) {
        let context = MessageContext {
            has_replies,
            system_message: system.then(|| at(0)),
            ..stage.message()
        };
        for length in 0..=events.len() {
            let state = Message::fold(&events[..length]);
            let _ = Message::decide(&state, command.clone(), &context);
        }
    }

    #[test]
    fn replaying_gives_the_state_that_decided(
        steps in proptest::collection::vec((some_command(), some_stage()), 0..12),
    ) {
        let (mut state, mut log) = (Message::default(), Vec::new());
        for (command, (stage, _, _)) in steps {
            let Ok(events) = Message::decide(&state, command, &stage.message()) else { continue };
            state = events.iter().fold(state, Message::evolve);
            log.extend(events);
        }
        prop_assert_eq!(Message::fold(&log), state);
    }

    #[test]
    fn posting_twice_happens_once(content in some_content(), (stage, _, _) in some_stage()) {
        let command = post_leniently(posted_by("me", content));
        if let Ok(events) = Message::decide(&Message::Unposted, command.clone(), &stage.message()) {
            let again = Message::decide(&Message::fold(&events), command, &stage.message());
            prop_assert_eq!(again, Err(MessageRefusal::AlreadyPosted));
        }
    }

    #[test]
    fn any_text_has_a_length(text in "\\PC*|[:a +e\u{301}]{0,40}") {
        prop_assert!(length(&text) <= text.len());
    }
}
