//! Signing up.

use super::*;

#[test]
fn people_sign_up() {
    let wish = UserCreated {
        username: " bob ".to_owned(),
        name: Some(" Bob".to_owned()),
        ..created()
    };
    nobody()
        .when(register(wish), &Stage::default().anonymous())
        .then([created().into()]);
}

#[test]
fn whoever_signs_up_is_given_what_the_rules_say() {
    let wish = UserCreated {
        kind: UserKind::App,
        roles: roles(&["admin"]),
        emails: vec![email("bob@example.org", true)],
        require_password_change: true,
        ..created()
    };
    nobody()
        .when(register(wish), &Stage::default().anonymous())
        .then([created().into()]);
    let stage = Stage::default()
        .setting(
            "Accounts_Registration_Users_Default_Roles",
            "guest, user,admin,guest",
        )
        .setting("Accounts_ManuallyApproveNewUsers", true);
    let made = UserCreated {
        roles: roles(&["guest", "user"]),
        active: false,
        ..created()
    };
    nobody()
        .when(register(created()), &stage.anonymous())
        .then([made.into()]);
}

#[test]
fn the_first_becomes_administrator() {
    let stage = Stage::default().setting("Accounts_ManuallyApproveNewUsers", true);
    let context = UserContext::Anonymous {
        settings: &stage.settings,
        secret: None,
        invited: false,
        office: Office::Vacant { proved: true },
        known_roles: &KNOWN,
    };
    let made = UserCreated {
        roles: roles(&["user", "admin"]),
        ..created()
    };
    nobody()
        .when(register(created()), &context)
        .then([made.into()]);
}

#[test]
fn a_stranger_does_not_become_the_first() {
    let stage = Stage::default();
    let context = UserContext::Anonymous {
        settings: &stage.settings,
        secret: None,
        invited: true,
        office: Office::Vacant { proved: false },
        known_roles: &KNOWN,
    };
    nobody()
        .when(register(created()), &context)
        .then_refused(UserRefusal::SetupNotProved);
}

#[test]
fn people_sign_up_with_roles_that_are_there() {
    let stage = Stage::default().setting(
        "Accounts_Registration_Users_Default_Roles",
        "user,gone,guest",
    );
    let made = UserCreated {
        roles: roles(&["user", "guest"]),
        ..created()
    };
    nobody()
        .when(register(created()), &stage.anonymous())
        .then([made.into()]);
}

#[test]
fn signing_up_can_be_switched_off() {
    let stage = Stage::default().setting("Accounts_RegistrationForm", "Disabled");
    nobody()
        .when(register(created()), &stage.anonymous())
        .then_refused(UserRefusal::RegistrationDisabled);
}

#[test]
fn signing_up_can_take_a_secret() {
    let stage = Stage::default().setting("Accounts_RegistrationForm", "Secret URL");
    let with = |stage: &Stage, secret, invited| {
        let context = UserContext::Anonymous {
            settings: &stage.settings,
            secret,
            invited,
            office: Office::Taken,
            known_roles: &KNOWN,
        };
        nobody().when(register(created()), &context)
    };
    with(&stage, Some(""), false).then_refused(UserRefusal::WrongSecret);
    let stage = stage.setting("Accounts_RegistrationForm_SecretURL", "abc");
    with(&stage, None, false).then_refused(UserRefusal::WrongSecret);
    with(&stage, Some("ab"), false).then_refused(UserRefusal::WrongSecret);
    with(&stage, Some("abc"), false).then([created().into()]);
    with(&stage, None, true).then([created().into()]);
    let known = known_roles();
    nobody()
        .when(register(created()), &stage.user(&known, 1))
        .then_refused(UserRefusal::WrongSecret);
}

#[test]
fn user_names_have_their_rules() {
    let stage = Stage::default().setting("Accounts_BlockedUsernameList", "boss, chief");
    let named = |username: &str| UserCreated {
        username: username.to_owned(),
        ..created()
    };
    let signing_up = |username: &str| nobody().when(register(named(username)), &stage.anonymous());
    signing_up("ab").then_refused(UserRefusal::UsernameTooShort { least: 3 });
    for username in ["a b c", "ümit", "a@b"] {
        signing_up(username).then_refused(UserRefusal::InvalidUsername {
            username: username.to_owned(),
        });
    }
    for username in ["all", "HERE", "chief", "Boss", "System", "admin"] {
        signing_up(username).then_refused(UserRefusal::BlockedUsername {
            username: username.to_owned(),
        });
    }
    let known = known_roles();
    nobody()
        .when(create(named(" ")), &admin().user(&known, 1))
        .then_refused(UserRefusal::UsernameRequired);
}

#[test]
fn a_name_is_required_where_the_workspace_says_so() {
    let nameless = UserCreated {
        name: Some(" ".to_owned()),
        ..created()
    };
    let stage = Stage::default();
    nobody()
        .when(register(nameless.clone()), &stage.anonymous())
        .then_refused(UserRefusal::NameRequired);
    let relaxed = stage.setting("Accounts_RequireNameForSignUp", false);
    let made = UserCreated {
        name: None,
        ..created()
    };
    nobody()
        .when(register(nameless), &relaxed.anonymous())
        .then([made.into()]);
}

#[test]
fn addresses_have_their_rules() {
    let stage = Stage::default();
    let signing_up = |address: &str, stage: &Stage| {
        let wish = UserCreated {
            emails: vec![email(address, false)],
            ..created()
        };
        nobody().when(register(wish), &stage.anonymous())
    };
    for address in [
        "",
        "a",
        "@b",
        "a@",
        "a@b@c",
        "a@b\r\nBcc: eve@example.org",
        "a\n@b",
        "a@b\u{0}c",
        "a b@c",
        "a@b\u{2028}c",
        "<a@b>",
        "a@b,c",
        "a@b;c",
    ] {
        signing_up(address, &stage).then_refused(UserRefusal::InvalidEmail {
            address: address.to_owned(),
        });
    }
    let none = UserCreated {
        emails: vec![],
        ..created()
    };
    nobody()
        .when(register(none), &stage.anonymous())
        .then_refused(UserRefusal::InvalidEmail {
            address: String::new(),
        });
    let domain = "example.org".to_owned();
    let blocking = stage
        .clone()
        .setting("Accounts_BlockedDomainsList", "evil.org, Example.org");
    signing_up("bob@example.org", &blocking).then_refused(UserRefusal::DomainBlocked {
        domain: domain.clone(),
    });
    let choosy = stage
        .clone()
        .setting("Accounts_AllowedDomainsList", "good.org");
    signing_up("bob@example.org", &choosy).then_refused(UserRefusal::DomainNotAllowed { domain });
    let open = stage.setting("Accounts_AllowedDomainsList", "good.org, EXAMPLE.org");
    signing_up("bob@example.org", &open).then([created().into()]);
}

#[test]
fn an_account_is_made_once() {
    let known = known_roles();
    for command in [register(created()), create(created())] {
        bob()
            .when(command.clone(), &admin().user(&known, 1))
            .then_refused(UserRefusal::AlreadyExists);
        given::<User>([created().into(), deleted()])
            .when(command, &UserContext::System)
            .then_refused(UserRefusal::AlreadyExists);
    }
}

#[test]
fn an_imported_account_is_claimed_once() {
    let imported = UserImported {
        user: me(),
        ids: vec!["17".to_owned()],
        at: AT,
    };
    let made = UserCreated {
        emails: vec![email("bob@example.org", true)],
        ..created()
    };
    let hash = PasswordHash("hash".to_owned());
    let wish = UserCreated {
        username: "robert".to_owned(),
        name: Some("Robert".to_owned()),
        password: Some(hash.clone()),
        ..created()
    };
    let claim = || UserCommand::Claim(Box::new(wish.clone()));
    let claimed = [
        username_changed("robert"),
        profile_changed(name("Robert")),
        email_changed("bob@example.org", false),
        PasswordChanged {
            user: me(),
            password: hash,
            require_change: false,
            at: AT,
        }
        .into(),
    ];
    let open = Stage::default();
    let before = || vec![made.clone().into(), imported.clone().into()];
    given::<User>(before())
        .when(claim(), &open.anonymous())
        .then(claimed.clone());
    // Not one that was made here, that is somebody's already, or that may not log in.
    let asleep = UserDeactivated {
        user: me(),
        idle: false,
        at: AT,
    };
    for history in [
        vec![made.clone().into()],
        [before(), claimed.to_vec()].concat(),
        [before(), vec![asleep.into()]].concat(),
    ] {
        given::<User>(history)
            .when(claim(), &open.anonymous())
            .then_refused(UserRefusal::AlreadyExists);
    }
    nobody()
        .when(claim(), &open.anonymous())
        .then_refused(UserRefusal::NotFound);
    // The rules of signing up hold.
    let closed = Stage::default().setting("Accounts_RegistrationForm", "Disabled");
    given::<User>(before())
        .when(claim(), &closed.anonymous())
        .then_refused(UserRefusal::RegistrationDisabled);
}
