//! What holds for whatever happened and whatever is asked.

use proptest::prelude::*;

use super::*;

fn some_text() -> impl Strategy<Value = String> {
    "(bob|eve| |all|a@b)?"
}

fn some_roles() -> impl Strategy<Value = Vec<RoleId>> {
    proptest::collection::vec("admin|user|bot|nonsense", 0..3)
        .prop_map(|names| names.iter().map(RoleId::new).collect())
}

fn some_creation() -> impl Strategy<Value = UserCreated> {
    (
        some_text(),
        proptest::option::of(some_text()),
        some_roles(),
        any::<(bool, bool)>(),
    )
        .prop_map(|(username, name, roles, (active, has_email))| UserCreated {
            username,
            name,
            roles,
            active,
            emails: has_email.then(|| email("a@b", true)).into_iter().collect(),
            ..created()
        })
}

fn some_change() -> impl Strategy<Value = ProfileChange> {
    let text = || proptest::option::of(some_text());
    (text(), text(), text(), text(), any::<Option<bool>>()).prop_map(
        |(name, bio, nickname, status_text, fields)| ProfileChange {
            name,
            bio,
            nickname,
            status_text,
            custom_fields: fields.map(|value| json!({"a": value})),
        },
    )
}

fn some_command() -> impl Strategy<Value = UserCommand> {
    prop_oneof![
        some_creation().prop_map(register),
        some_creation().prop_map(create),
        some_change().prop_map(change_profile),
        some_text().prop_map(|username| change_username(&username)),
        (some_text(), any::<bool>())
            .prop_map(|(address, verified)| change_email(&address, verified)),
        Just(change_password()),
        some_roles().prop_map(|roles| UserCommand::SetRoles {
            user: me(),
            roles,
            at: AT
        }),
        any::<bool>().prop_map(set_active),
        Just(delete()),
        Just(UserCommand::DeactivateIdle { user: me(), at: AT }),
        (-12_i32..=14).prop_map(|hours| UserCommand::SetUtcOffset {
            user: me(),
            offset: UtcOffset::from_hours(hours.into()).expect("a time zone"),
            at: AT,
        }),
        any::<bool>().prop_map(|required| UserCommand::RequirePasswordChange {
            user: me(),
            required,
            at: AT
        }),
        ("language|clockMode|nonsense", 0..2_i64).prop_map(|(name, value): (String, i64)| {
            let value = if name == "language" {
                json!(value.to_string())
            } else {
                json!(value)
            };
            UserCommand::SetPreferences {
                user: me(),
                preferences: [(name, value)].into_iter().collect(),
                at: AT,
            }
        }),
    ]
}

fn some_event() -> impl Strategy<Value = UserEvent> {
    prop_oneof![
        some_creation().prop_map(UserEvent::from),
        some_change().prop_map(profile_changed),
        some_text().prop_map(|username| username_changed(&username)),
        (some_text(), any::<bool>())
            .prop_map(|(address, verified)| email_changed(&address, verified)),
        some_roles().prop_map(|roles| RolesChanged {
            user: me(),
            roles,
            at: AT
        }
        .into()),
        Just(UserActivated { user: me(), at: AT }.into()),
        Just(
            UserDeactivated {
                user: me(),
                idle: false,
                at: AT
            }
            .into()
        ),
        Just(deleted()),
    ]
}

#[derive(Clone, Copy, Debug)]
enum Asking {
    Server,
    Stranger,
    Somebody,
}

fn some_stage() -> impl Strategy<Value = (Stage, Asking, u32)> {
    let asking = prop_oneof![
        Just(Asking::Server),
        Just(Asking::Stranger),
        Just(Asking::Somebody)
    ];
    let (who, role) = (
        prop_oneof![Just("me"), Just("you")],
        prop_oneof![Just("admin"), Just("user")],
    );
    (who, role, any::<bool>(), asking, 0..3_u32).prop_map(
        |(who, role, needs_name, asking, admins)| {
            let stage = Stage::default().by(who).with_roles(&[role]);
            (
                stage.setting("Accounts_RequireNameForSignUp", needs_name),
                asking,
                admins,
            )
        },
    )
}

fn context<'a>(
    stage: &'a Stage,
    asking: Asking,
    known: &'a [RoleId],
    admins: u32,
) -> UserContext<'a> {
    match asking {
        Asking::Server => UserContext::System,
        Asking::Stranger => stage.anonymous(),
        Asking::Somebody => stage.user(known, admins),
    }
}

proptest! {
    #[test]
    fn whatever_happened_and_is_asked_nothing_panics_and_asking_again_changes_nothing(
        events in proptest::collection::vec(some_event(), 0..6),
        command in some_command(),
        (stage, asking, admins) in some_stage(),
    ) {
        let known = known_roles();
        let context = context(&stage, asking, &known, admins);
        for length in 0..=events.len() {
            let state = User::fold(&events[..length]);
            let Ok(happened) = User::decide(&state, command.clone(), &context) else { continue };
            let state = happened.iter().fold(state, User::evolve);
            let again = User::decide(&state, command.clone(), &context);
            // Whether a password is the same as before, nobody can tell from its hash.
            let repeats = matches!(command, UserCommand::ChangePassword { .. });
            prop_assert!(repeats || again.is_err() || again == Ok(vec![]), "{:?}", again);
        }
    }

    #[test]
    fn replaying_gives_the_state_that_decided(
        steps in proptest::collection::vec((some_command(), some_stage()), 0..12),
    ) {
        let known = known_roles();
        let (mut state, mut log) = (User::default(), Vec::new());
        for (command, (stage, asking, admins)) in steps {
            let Ok(events) = User::decide(&state, command, &context(&stage, asking, &known, admins)) else { continue };
            state = events.iter().fold(state, User::evolve);
            log.extend(events);
        }
        prop_assert_eq!(User::fold(&log), state);
    }
}
