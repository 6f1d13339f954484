//! Preferences and passwords.

use serde_json::{Map, Value};

use super::*;

fn chosen(preferences: &Value) -> Map<String, Value> {
    preferences.as_object().cloned().unwrap_or_default()
}

fn set_preferences(preferences: &Value) -> UserCommand {
    UserCommand::SetPreferences {
        user: me(),
        preferences: chosen(preferences),
        at: AT,
    }
}

fn preferences_changed(set: &Value, unset: &[&str]) -> UserEvent {
    PreferencesChanged {
        user: me(),
        set: chosen(set),
        unset: unset.iter().map(|name| (*name).to_owned()).collect(),
        at: AT,
    }
    .into()
}

fn password_changed(hash: &str) -> UserEvent {
    PasswordChanged {
        user: me(),
        password: PasswordHash(hash.to_owned()),
        require_change: false,
        at: AT,
    }
    .into()
}

#[test]
fn a_preference_that_is_not_known_any_more_can_be_unset() {
    let stage = Stage::default();
    given::<User>([
        created().into(),
        preferences_changed(&json!({"vanished": true}), &[]),
    ])
    .when(
        set_preferences(&json!({"vanished": null})),
        &stage.user(&[], 1),
    )
    .then([preferences_changed(&json!({}), &["vanished"])]);
    bob()
        .when(
            set_preferences(&json!({"vanished": null})),
            &stage.user(&[], 1),
        )
        .then_refused(PreferenceFault::Unknown("vanished".to_owned()).into());
}

#[test]
fn preferences_are_merged_name_by_name() {
    let (known, stage) = (known_roles(), Stage::default());
    let first = json!({"language": "de", "highlights": ["coffee"], "clockMode": 2});
    bob()
        .when(set_preferences(&first), &stage.user(&known, 1))
        .then([preferences_changed(&first, &[])]);
    let history = [created().into(), preferences_changed(&first, &[])];
    given::<User>(history.clone())
        .when(
            set_preferences(&json!({"language": "de", "useEmojis": false})),
            &stage.user(&known, 1),
        )
        .then([preferences_changed(&json!({"useEmojis": false}), &[])]);
    given::<User>(history.clone())
        .when(
            set_preferences(&json!({"clockMode": 0})),
            &stage.user(&known, 1),
        )
        .then([preferences_changed(&json!({}), &["clockMode"])]);
    given::<User>(history)
        .when(set_preferences(&first), &stage.user(&known, 1))
        .then_nothing();
}

#[test]
fn old_values_get_their_new_names() {
    let (known, stage) = (known_roles(), Stage::default());
    for (old, new) in [("all", "mentions"), ("disabled", "nothing")] {
        bob()
            .when(
                set_preferences(&json!({"emailNotificationMode": old})),
                &stage.user(&known, 1),
            )
            .then([preferences_changed(
                &json!({"emailNotificationMode": new}),
                &[],
            )]);
    }
}

#[test]
fn preferences_have_names_and_kinds() {
    let (known, stage) = (known_roles(), Stage::default());
    let many: Vec<String> = (0..101).map(|number| number.to_string()).collect();
    for (wanted, fault) in [
        (json!({"x": 1}), PreferenceFault::Unknown("x".to_owned())),
        (
            json!({"useEmojis": "yes"}),
            PreferenceFault::Mistyped("useEmojis".to_owned()),
        ),
        (
            json!({"highlights": [1]}),
            PreferenceFault::Mistyped("highlights".to_owned()),
        ),
        (
            json!({"highlights": many}),
            PreferenceFault::TooLarge("highlights".to_owned()),
        ),
        (
            json!({"highlights": ["x".repeat(101)]}),
            PreferenceFault::TooLarge("highlights".to_owned()),
        ),
        (
            json!({"language": "x".repeat(501)}),
            PreferenceFault::TooLarge("language".to_owned()),
        ),
        (json!({"idleTimeLimit": 59}), PreferenceFault::TooImpatient),
    ] {
        bob()
            .when(set_preferences(&wanted), &stage.user(&known, 1))
            .then_refused(fault.into());
    }
}

#[test]
fn preferences_of_others_need_a_permission() {
    let known = known_roles();
    let wish = json!({"language": "de"});
    bob()
        .when(set_preferences(&wish), &someone_else().user(&known, 1))
        .then_refused(UserRefusal::EditOtherNotAllowed);
    bob()
        .when(set_preferences(&wish), &admin().user(&known, 1))
        .then([preferences_changed(&wish, &[])]);
}

#[test]
fn passwords_are_remembered_newest_first() {
    let mut history: Vec<UserEvent> = vec![created().into()];
    history.extend((0..60).map(|number| password_changed(&number.to_string())));
    let state = history.iter().fold(User::Absent, User::evolve);
    let User::Present(account) = state else {
        panic!("bob is there")
    };
    assert_eq!(account.password(), Some(&PasswordHash("59".to_owned())));
    let former: Vec<&str> = account
        .former_passwords(3)
        .map(|hash| hash.0.as_str())
        .collect();
    assert_eq!(former, ["58", "57", "56"]);
    assert_eq!(account.former_passwords(1000).count(), PASSWORDS_KEPT - 1);
}

#[test]
fn a_first_password_may_not_be_wanted() {
    let known = known_roles();
    let stage = Stage::default().setting("Accounts_AllowPasswordChangeForOAuthUsers", false);
    bob()
        .when(change_password(), &stage.user(&known, 1))
        .then_refused(UserRefusal::PasswordChangeNotAllowed);
    given::<User>([created().into(), password_changed("old")])
        .when(change_password(), &stage.user(&known, 1))
        .then([password_changed("hash")]);
}

#[test]
fn a_change_of_password_can_be_required_without_a_new_one() {
    let known = known_roles();
    let require = |required| UserCommand::RequirePasswordChange {
        user: me(),
        required,
        at: AT,
    };
    let required: UserEvent = PasswordChangeRequired {
        user: me(),
        required: true,
        at: AT,
    }
    .into();
    bob()
        .when(require(true), &Stage::default().user(&known, 1))
        .then_refused(UserRefusal::EditOtherNotAllowed);
    bob()
        .when(require(false), &admin().user(&known, 1))
        .then_nothing();
    bob()
        .when(require(true), &admin().user(&known, 1))
        .then([required.clone()]);
    given::<User>([created().into(), required, password_changed("new")])
        .when(require(false), &admin().user(&known, 1))
        .then_nothing();
}

#[test]
fn idle_accounts_are_put_to_sleep() {
    let known = known_roles();
    let sleep = UserCommand::DeactivateIdle { user: me(), at: AT };
    let asleep: UserEvent = UserDeactivated {
        user: me(),
        idle: true,
        at: AT,
    }
    .into();
    bob()
        .when(sleep.clone(), &admin().user(&known, 1))
        .then([asleep.clone()]);
    bob()
        .when(sleep.clone(), &Stage::default().user(&known, 1))
        .then_refused(UserRefusal::ActiveStatusNotAllowed);
    given::<User>([created().into(), asleep])
        .when(sleep.clone(), &admin().user(&known, 1))
        .then_nothing();
    an_admin()
        .when(sleep, &admin().user(&known, 1))
        .then_refused(UserRefusal::LastAdministrator);
}

#[test]
fn clocks_of_the_world_are_kept() {
    assert_eq!(
        UtcOffset::from_hours(5.75).map(UtcOffset::minutes),
        Some(345)
    );
    assert_eq!(UtcOffset::from_hours(-0.0).map(UtcOffset::minutes), Some(0));
    for hours in [-12.1, 14.1, f64::NAN, f64::INFINITY, 1e300] {
        assert_eq!(UtcOffset::from_hours(hours), None, "{hours}");
    }
    let offset = UtcOffset::from_hours(-3.5).expect("a time zone");
    let (user, at) = (me(), AT);
    let set = UserCommand::SetUtcOffset { user, offset, at };
    let user = me();
    let changed: UserEvent = UtcOffsetChanged { user, offset, at }.into();
    let known = known_roles();
    bob()
        .when(set.clone(), &Stage::default().user(&known, 1))
        .then([changed.clone()]);
    bob()
        .when(set.clone(), &someone_else().user(&known, 1))
        .then_refused(UserRefusal::EditOtherNotAllowed);
    given::<User>([created().into(), changed])
        .when(set, &Stage::default().user(&known, 1))
        .then_nothing();
}

#[test]
fn custom_fields_write_the_record_when_they_are_saved() {
    let known = known_roles();
    let definition = r#"{"desk": {"modifyRecordField": {"field": "extension"}},
                         "rank": {"modifyRecordField": {"field": "roles", "array": true}}}"#;
    let stage = Stage::default().setting("Accounts_CustomFields", definition);
    let wish = |desk: &str| ProfileChange {
        custom_fields: Some(json!({"desk": desk, "rank": "admin"})),
        ..ProfileChange::default()
    };
    let written = |desk: &str| -> UserEvent {
        let field = RecordField {
            field: "extension".to_owned(),
            value: desk.to_owned(),
            append: false,
        };
        RecordFieldsWritten {
            user: me(),
            fields: vec![field],
            at: AT,
        }
        .into()
    };
    bob()
        .when(change_profile(wish("12")), &stage.user(&known, 1))
        .then([profile_changed(wish("12")), written("12")]);
    // They are written as well when only the definition is another one.
    let before = || [created().into(), profile_changed(wish("12"))];
    given::<User>(before())
        .when(change_profile(wish("12")), &stage.user(&known, 1))
        .then([written("12")]);
    given::<User>([created().into(), profile_changed(wish("12")), written("12")])
        .when(change_profile(wish("12")), &stage.user(&known, 1))
        .then_nothing();
    let closed = stage.setting("Accounts_AllowUserProfileChange", false);
    given::<User>(before())
        .when(change_profile(wish("12")), &closed.user(&known, 1))
        .then_refused(UserRefusal::ProfileChangeNotAllowed);
}

#[test]
fn a_new_account_has_what_its_custom_fields_write() {
    let known = known_roles();
    let definition = r#"{"team": {"modifyRecordField": {"field": "teams", "array": true}}}"#;
    let stage = admin().setting("Accounts_CustomFields", definition);
    let wish = UserCreated {
        custom_fields: Some(json!({"team": "red"})),
        ..created()
    };
    let field = RecordField {
        field: "teams".to_owned(),
        value: "red".to_owned(),
        append: true,
    };
    let written = RecordFieldsWritten {
        user: me(),
        fields: vec![field],
        at: AT,
    };
    nobody()
        .when(create(wish.clone()), &stage.user(&known, 1))
        .then([wish.into(), written.into()]);
}
