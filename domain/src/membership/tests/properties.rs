//! What holds for whatever happened and whatever is asked.

use proptest::prelude::*;

use super::*;

fn some_role() -> impl Strategy<Value = RoomRole> {
    prop_oneof![
        Just(RoomRole::Owner),
        Just(RoomRole::Moderator),
        Just(RoomRole::Leader)
    ]
}

fn some_command() -> impl Strategy<Value = MembershipCommand> {
    prop_oneof![
        Just(found()),
        Just(MembershipCommand::Join { at: AT }),
        Just(MembershipCommand::FollowInvite { at: AT }),
        Just(MembershipCommand::Add { at: AT }),
        Just(MembershipCommand::AddWithAll { at: AT }),
        Just(MembershipCommand::FollowTeam { at: AT }),
        Just(MembershipCommand::LeaveTeam { at: AT }),
        Just(MembershipCommand::LeaveWithTeam { at: AT }),
        any::<bool>().prop_map(|keep| MembershipCommand::SetRoles {
            roles: vec![RoomRole::Leader],
            keep,
            at: AT,
        }),
        Just(MembershipCommand::Leave { at: AT }),
        Just(MembershipCommand::Remove { at: AT }),
        Just(MembershipCommand::Mute { at: AT }),
        Just(MembershipCommand::Unmute { at: AT }),
        Just(MembershipCommand::Ban { at: AT }),
        Just(MembershipCommand::Unban { at: AT }),
        some_role().prop_map(|role| MembershipCommand::GrantRole { role, at: AT }),
        some_role().prop_map(|role| MembershipCommand::RevokeRole { role, at: AT }),
        any::<bool>().prop_map(|threads| MembershipCommand::Read { threads, at: AT }),
        any::<i64>().prop_map(|cursor| MembershipCommand::MarkUnread {
            cursor: Timestamp::from_millis(cursor),
            at: AT
        }),
        Just(MembershipCommand::Hide { at: AT }),
        Just(MembershipCommand::Open { at: AT }),
        Just(MembershipCommand::GiveKey {
            key: "k".to_owned(),
            at: AT
        }),
        Just(MembershipCommand::AcceptKey { at: AT }),
        Just(MembershipCommand::RejectKey { at: AT }),
        any::<Option<bool>>().prop_map(|enabled| MembershipCommand::Translate {
            enabled,
            language: None,
            at: AT
        }),
        any::<bool>().prop_map(|favourite| MembershipCommand::Favour { favourite, at: AT }),
        some_choice_of_place(),
    ]
}

fn some_notification() -> impl Strategy<Value = NotificationChoice> {
    prop_oneof![
        any::<bool>().prop_map(NotificationChoice::Disabled),
        Just(NotificationChoice::Desktop(ToldOf::All)),
        Just(NotificationChoice::Desktop(ToldOf::Default)),
        any::<Option<bool>>()
            .prop_map(|sound| NotificationChoice::Sound(sound.map(|one| one.to_string()))),
    ]
}

fn some_choice_of_place() -> impl Strategy<Value = MembershipCommand> {
    let thread = || any::<bool>().prop_map(|is_reply| is_reply.then(|| MessageId::new("m")));
    prop_oneof![
        proptest::collection::vec(some_notification(), 0..3)
            .prop_map(|choices| MembershipCommand::Notify { choices, at: AT }),
        any::<bool>().prop_map(|ignore| MembershipCommand::Ignore {
            ignored: UserId::new("you"),
            ignore,
            at: AT
        }),
        (thread(), any::<bool>()).prop_map(|(thread, some)| MembershipCommand::Draft {
            thread,
            draft: if some { "text" } else { "" }.to_owned(),
            at: AT
        }),
        Just(MembershipCommand::ReadThread {
            thread: MessageId::new("m"),
            at: AT
        }),
        any::<bool>().prop_map(|block| MembershipCommand::Block { block, at: AT }),
    ]
}

fn some_event() -> impl Strategy<Value = MembershipEvent> {
    let (room, user, by, at) = (room(), me(), me(), AT);
    let granted = |role: RoomRole| RoomRoleGranted {
        quietly: false,
        room: self::room(),
        user: me(),
        role: role.id(),
        by: me(),
        at: AT,
    };
    let revoked = |role: RoomRole| RoomRoleRevoked {
        quietly: false,
        room: self::room(),
        user: me(),
        role: role.id(),
        by: me(),
        at: AT,
    };
    macro_rules! done {
        ($event:ident $(, $field:ident: $value:expr)?) => {
            Just(MembershipEvent::from($event {
                $($field: $value,)?
                room: room.clone(),
                user: user.clone(),
                by: by.clone(),
                at,
            }))
        };
    }
    prop_oneof![
        done!(MemberMuted),
        done!(MemberUnmuted),
        done!(UserBannedFromRoom),
        done!(UserUnbannedFromRoom),
        done!(MemberRemoved, from_team: true),
        Just(joined(Joining::Creator, &["owner"])),
        Just(joined(Joining::Joined, &[])),
        Just(
            MemberLeft {
                room: room.clone(),
                user: user.clone(),
                at
            }
            .into()
        ),
        some_role().prop_map(move |role| granted(role).into()),
        some_role().prop_map(move |role| revoked(role).into()),
        Just(
            ReadCursorMoved {
                room: room.clone(),
                user: user.clone(),
                threads: false,
                cursor: None,
                at
            }
            .into()
        ),
        Just(
            MarkedUnread {
                room: room.clone(),
                user: user.clone(),
                cursor: at,
                at
            }
            .into()
        ),
        Just(
            FavouriteChanged {
                room: room.clone(),
                user: user.clone(),
                favourite: true,
                at
            }
            .into()
        ),
        Just(
            RoomHidden {
                room: room.clone(),
                user: user.clone(),
                at
            }
            .into()
        ),
        Just(
            RoomKeySuggested {
                room: room.clone(),
                user: user.clone(),
                key: "k".to_owned(),
                by: UserId::new("you"),
                at
            }
            .into()
        ),
        Just(RoomOpened { room, user, at }.into()),
    ]
}

fn some_stage() -> impl Strategy<Value = (Stage, Option<MembershipView>)> {
    let kind = prop_oneof![
        Just(RoomKind::Channel),
        Just(RoomKind::Group),
        Just(RoomKind::Direct)
    ];
    let who = prop_oneof![Just("me"), Just("you")];
    let role = prop_oneof![Just("owner"), Just("none")];
    let view = (any::<(bool, bool)>(), proptest::option::of(0..9_i64)).prop_map(
        |((open, unread), cursor)| MembershipView {
            open,
            unread,
            cursor: cursor.map(Timestamp::from_millis),
            unread_threads: Vec::new(),
        },
    );
    (kind, who, role, 0..3_u32, proptest::option::of(view)).prop_map(
        |(kind, who, role, owners, view)| {
            let stage = Stage::default().by(who).in_a(kind).with_room_roles(&[role]);
            let stage = stage.room(|room| {
                room.owners = owners;
                room.participants = vec![me(), UserId::new("you")];
            });
            (stage, view)
        },
    )
}

proptest! {
    #[test]
    fn whatever_happened_and_is_asked_nothing_panics(
        events in proptest::collection::vec(some_event(), 0..6),
        command in some_command(),
        (stage, view) in some_stage(),
    ) {
        let me = me();
        let context = MembershipContext { view: view.as_ref(), ..stage.about(&me) };
        for length in 0..=events.len() {
            let _ = Membership::decide(&Membership::fold(&events[..length]), command.clone(), &context);
        }
    }

    #[test]
    fn replaying_gives_the_state_that_decided(
        steps in proptest::collection::vec((some_command(), some_stage()), 0..12),
    ) {
        let me = me();
        let (mut state, mut log) = (Membership::default(), Vec::new());
        for (command, (stage, view)) in steps {
            let context = MembershipContext { view: view.as_ref(), ..stage.about(&me) };
            let Ok(events) = Membership::decide(&state, command, &context) else { continue };
            state = events.iter().fold(state, Membership::evolve);
            log.extend(events);
        }
        prop_assert_eq!(Membership::fold(&log), state);
    }

    #[test]
    fn nobody_who_is_banned_is_a_member(
        steps in proptest::collection::vec((some_command(), some_stage()), 0..12),
    ) {
        let me = me();
        let mut state = Membership::default();
        for (command, (stage, view)) in steps {
            let context = MembershipContext { view: view.as_ref(), ..stage.about(&me) };
            let Ok(events) = Membership::decide(&state, command, &context) else { continue };
            state = events.iter().fold(state, Membership::evolve);
            let banned_member = matches!(&state, Membership::Member(member) if member.standing.banned);
            prop_assert!(!banned_member, "{:?}", state);
        }
    }

    #[test]
    fn whoever_is_a_member_does_not_become_one_again(
        events in proptest::collection::vec(some_event(), 0..6),
        (stage, _) in some_stage(),
    ) {
        let me = me();
        let state = Membership::fold(&events);
        for command in [found(), MembershipCommand::Join { at: AT }, MembershipCommand::Add { at: AT }] {
            let Ok(happened) = Membership::decide(&state, command.clone(), &stage.about(&me)) else { continue };
            let state = happened.iter().fold(state.clone(), Membership::evolve);
            prop_assert_eq!(Membership::decide(&state, command, &stage.about(&me)), Ok(vec![]));
        }
    }
}
