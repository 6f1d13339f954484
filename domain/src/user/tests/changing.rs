//! Changing and ending.

use super::*;

#[test]
fn nothing_can_be_changed_that_is_not_there() {
    for command in every_change() {
        nobody()
            .when(command.clone(), &UserContext::System)
            .then_refused(UserRefusal::NotFound);
        given::<User>([created().into(), deleted()])
            .when(command, &UserContext::System)
            .then_refused(UserRefusal::NotFound);
    }
}

#[test]
fn changing_takes_a_login() {
    for command in every_change() {
        bob()
            .when(command, &Stage::default().anonymous())
            .then_refused(UserRefusal::LoginRequired);
    }
}

#[test]
fn changing_others_takes_rights() {
    let (known, refusals) = (
        known_roles(),
        [
            UserRefusal::EditOtherNotAllowed,
            UserRefusal::EditOtherNotAllowed,
            UserRefusal::EditOtherNotAllowed,
            UserRefusal::EditOtherPasswordNotAllowed,
            UserRefusal::AssignRolesNotAllowed,
            UserRefusal::ActiveStatusNotAllowed,
            UserRefusal::DeleteNotAllowed,
        ],
    );
    for (command, refusal) in every_change().into_iter().zip(refusals) {
        bob()
            .when(command, &someone_else().user(&known, 1))
            .then_refused(refusal);
    }
    for unchanged in [
        change_profile(name("Bob")),
        change_username("bob"),
        change_email("bob@example.org", false),
    ] {
        bob()
            .when(unchanged, &someone_else().user(&known, 1))
            .then_refused(UserRefusal::EditOtherNotAllowed);
    }
}

#[test]
fn people_describe_themselves() {
    let (known, stage) = (known_roles(), Stage::default());
    let change = ProfileChange {
        name: Some(" Robert ".to_owned()),
        bio: Some("b".repeat(260)),
        nickname: Some("n".repeat(120)),
        status_text: Some(format!(" {}", "s".repeat(130))),
        custom_fields: Some(json!({"a": "b"})),
    };
    let changed = ProfileChange {
        name: Some("Robert".to_owned()),
        status_text: Some("s".repeat(120)),
        ..change.clone()
    };
    bob()
        .when(change_profile(change.clone()), &stage.user(&known, 1))
        .then([profile_changed(changed.clone())]);
    given::<User>([created().into(), profile_changed(changed)])
        .when(change_profile(change), &stage.user(&known, 1))
        .then_nothing();
    bob()
        .when(change_profile(bio("x")), &admin().user(&known, 1))
        .then([profile_changed(bio("x"))]);
}

#[test]
fn only_what_differs_is_changed() {
    let (known, stage) = (known_roles(), Stage::default());
    let change = ProfileChange {
        bio: Some(String::new()),
        ..name("Bob")
    };
    bob()
        .when(change_profile(change), &stage.user(&known, 1))
        .then_nothing();
    given::<User>([created().into(), profile_changed(bio("x"))])
        .when(change_profile(bio(" ")), &stage.user(&known, 1))
        .then([profile_changed(bio(""))]);
}

#[test]
fn descriptions_have_limits() {
    let (known, stage) = (known_roles(), Stage::default());
    bob()
        .when(
            change_profile(bio(&"b".repeat(261))),
            &stage.user(&known, 1),
        )
        .then_refused(UserRefusal::BioTooLong { limit: 260 });
    let nickname = ProfileChange {
        nickname: Some("n".repeat(121)),
        ..ProfileChange::default()
    };
    bob()
        .when(change_profile(nickname), &stage.user(&known, 1))
        .then_refused(UserRefusal::NicknameTooLong { limit: 120 });
    bob()
        .when(change_profile(name(" ")), &stage.user(&known, 1))
        .then_refused(UserRefusal::NameRequired);
}

#[test]
fn what_people_change_about_themselves_can_be_switched_off() {
    let known = known_roles();
    for (setting, command, refusal) in [
        (
            "Accounts_AllowUserProfileChange",
            change_profile(bio("x")),
            UserRefusal::ProfileChangeNotAllowed,
        ),
        (
            "Accounts_AllowUserProfileChange",
            change_username("new"),
            UserRefusal::ProfileChangeNotAllowed,
        ),
        (
            "Accounts_AllowRealNameChange",
            change_profile(name("x")),
            UserRefusal::RealNameChangeNotAllowed,
        ),
        (
            "Accounts_AllowUserStatusMessageChange",
            change_profile(status_text("x")),
            UserRefusal::StatusTextChangeNotAllowed,
        ),
        (
            "Accounts_AllowUsernameChange",
            change_username("new"),
            UserRefusal::UsernameChangeNotAllowed,
        ),
        (
            "Accounts_AllowEmailChange",
            change_email("n@b", false),
            UserRefusal::EmailChangeNotAllowed,
        ),
        (
            "Accounts_AllowPasswordChange",
            change_password(),
            UserRefusal::PasswordChangeNotAllowed,
        ),
    ] {
        let off = Stage::default()
            .with_roles(&["admin"])
            .setting(setting, false);
        bob()
            .when(command.clone(), &off.user(&known, 1))
            .then_refused(refusal);
        let other = User::decide(
            &User::fold(&[created().into()]),
            command,
            &admin().setting(setting, false).user(&known, 1),
        );
        assert!(
            other.is_ok_and(|events| events.len() == 1),
            "{setting} does not bind others"
        );
    }
    let off = Stage::default().setting("Accounts_AllowUserProfileChange", false);
    bob()
        .when(change_profile(status_text("x")), &off.user(&known, 1))
        .then([profile_changed(status_text("x"))]);
}

#[test]
fn user_names_change() {
    let (known, stage) = (known_roles(), Stage::default());
    bob()
        .when(change_username(" rob "), &stage.user(&known, 1))
        .then([username_changed("rob")]);
    bob()
        .when(change_username("Bob"), &admin().user(&known, 1))
        .then([username_changed("Bob")]);
    bob()
        .when(change_username("bob"), &stage.user(&known, 1))
        .then_nothing();
    bob()
        .when(change_username("bob"), &admin().user(&known, 1))
        .then_nothing();
    bob()
        .when(change_username("a b"), &stage.user(&known, 1))
        .then_refused(UserRefusal::InvalidUsername {
            username: "a b".to_owned(),
        });
    bob()
        .when(change_username("all"), &stage.user(&known, 1))
        .then_refused(UserRefusal::BlockedUsername {
            username: "all".to_owned(),
        });
    bob()
        .when(change_username(""), &stage.user(&known, 1))
        .then_refused(UserRefusal::UsernameRequired);
}

#[test]
fn addresses_change() {
    let (known, stage) = (known_roles(), Stage::default());
    let new = "new@example.org";
    bob()
        .when(change_email(new, true), &stage.user(&known, 1))
        .then([email_changed(new, false)]);
    bob()
        .when(change_email(new, true), &admin().user(&known, 1))
        .then([email_changed(new, true)]);
    bob()
        .when(
            change_email("bob@example.org", false),
            &stage.user(&known, 1),
        )
        .then_nothing();
    bob()
        .when(change_email("no", false), &stage.user(&known, 1))
        .then_refused(UserRefusal::InvalidEmail {
            address: "no".to_owned(),
        });
    bob()
        .when(change_email("bob@example.org", true), &UserContext::System)
        .then([email_changed("bob@example.org", true)]);
    let verified = || given::<User>([created().into(), email_changed("bob@example.org", true)]);
    verified()
        .when(
            change_email("bob@example.org", false),
            &stage.user(&known, 1),
        )
        .then_nothing();
    verified()
        .when(change_email("bob@example.org", true), &UserContext::System)
        .then_nothing();
}

#[test]
fn passwords_change() {
    let known = known_roles();
    let changed = || PasswordChanged {
        user: me(),
        password: PasswordHash("hash".to_owned()),
        require_change: false,
        at: AT,
    };
    for stage in [Stage::default(), admin()] {
        bob()
            .when(change_password(), &stage.user(&known, 1))
            .then([changed().into()]);
    }
}

#[test]
fn administrators_give_roles() {
    let (known, stage) = (known_roles(), admin());
    bob()
        .when(
            set_roles(&["guest", "admin", "guest"]),
            &stage.user(&known, 1),
        )
        .then([roles_changed(&["guest", "admin"])]);
    bob()
        .when(set_roles(&["user"]), &stage.user(&known, 1))
        .then_nothing();
    bob()
        .when(set_roles(&["owner"]), &stage.user(&known, 1))
        .then_refused(UserRefusal::UnknownRole(RoleId::new("owner")));
    let careful = stage.clone().without(Permission::ASSIGN_ADMIN_ROLE);
    bob()
        .when(set_roles(&["admin"]), &careful.user(&known, 1))
        .then_refused(UserRefusal::AssignAdminNotAllowed);
    an_admin()
        .when(set_roles(&["user"]), &careful.user(&known, 2))
        .then_refused(UserRefusal::AssignAdminNotAllowed);
    an_admin()
        .when(set_roles(&["admin", "bot"]), &careful.user(&known, 1))
        .then([roles_changed(&["admin", "bot"])]);
    an_admin()
        .when(set_roles(&["user"]), &stage.user(&known, 2))
        .then([roles_changed(&["user"])]);
}

#[test]
fn one_administrator_stays() {
    let (known, stage) = (known_roles(), admin());
    for command in [set_roles(&["user"]), set_active(false), delete()] {
        an_admin()
            .when(command, &stage.user(&known, 1))
            .then_refused(UserRefusal::LastAdministrator);
    }
    let inactive = || {
        given::<User>([UserCreated {
            roles: roles(&["admin"]),
            active: false,
            ..created()
        }
        .into()])
    };
    inactive()
        .when(delete(), &stage.user(&known, 1))
        .then([deleted()]);
}

#[test]
fn accounts_are_switched_off_and_on() {
    let (known, stage) = (known_roles(), admin());
    let off: UserEvent = UserDeactivated {
        user: me(),
        idle: false,
        at: AT,
    }
    .into();
    bob()
        .when(set_active(true), &stage.user(&known, 1))
        .then_nothing();
    bob()
        .when(set_active(false), &stage.user(&known, 1))
        .then([off.clone()]);
    let switched_off = || given::<User>([created().into(), off.clone()]);
    switched_off()
        .when(set_active(false), &stage.user(&known, 1))
        .then_nothing();
    switched_off()
        .when(set_active(true), &stage.user(&known, 1))
        .then([UserActivated { user: me(), at: AT }.into()]);
    an_admin()
        .when(set_active(false), &stage.user(&known, 2))
        .then([off.clone()]);
}

#[test]
fn accounts_are_deleted() {
    let known = known_roles();
    bob()
        .when(delete(), &admin().user(&known, 1))
        .then([deleted()]);
    bob()
        .when(delete(), &Stage::default().user(&known, 1))
        .then_refused(UserRefusal::DeleteOwnNotAllowed);
    let own = Stage::default().setting("Accounts_AllowDeleteOwnAccount", true);
    bob().when(delete(), &own.user(&known, 1)).then([deleted()]);
    given::<User>([UserCreated {
        kind: UserKind::App,
        ..created()
    }
    .into()])
    .when(delete(), &admin().user(&known, 1))
    .then_refused(UserRefusal::AppUser);
}

#[test]
fn a_password_is_not_shown() {
    assert_eq!(
        format!("{:?}", PasswordHash("secret".to_owned())),
        "PasswordHash(..)"
    );
}

fn grant(role: &str) -> UserCommand {
    UserCommand::GrantRole {
        user: me(),
        role: RoleId::new(role),
        at: AT,
    }
}

fn revoke(role: &str) -> UserCommand {
    UserCommand::RevokeRole {
        user: me(),
        role: RoleId::new(role),
        at: AT,
    }
}

#[test]
fn a_role_that_is_gone_can_be_taken() {
    let (known, stage) = (known_roles(), admin());
    let holding = || given::<User>([created().into(), roles_changed(&["user", "vanished"])]);
    holding()
        .when(revoke("vanished"), &stage.user(&known, 1))
        .then([roles_changed(&["user"])]);
    holding()
        .when(set_roles(&["vanished", "guest"]), &stage.user(&known, 1))
        .then([roles_changed(&["vanished", "guest"])]);
    holding()
        .when(grant("vanished"), &stage.user(&known, 1))
        .then_refused(UserRefusal::HasRole);
    bob()
        .when(revoke("vanished"), &stage.user(&known, 1))
        .then_refused(UserRefusal::UnknownRole(RoleId::new("vanished")));
}

#[test]
fn single_roles_are_given_and_taken() {
    let (known, stage) = (known_roles(), admin());
    bob()
        .when(grant("guest"), &stage.user(&known, 1))
        .then([roles_changed(&["user", "guest"])]);
    bob()
        .when(grant("user"), &stage.user(&known, 1))
        .then_refused(UserRefusal::HasRole);
    bob()
        .when(grant("owner"), &stage.user(&known, 1))
        .then_refused(UserRefusal::UnknownRole(RoleId::new("owner")));
    bob()
        .when(revoke("user"), &stage.user(&known, 1))
        .then([roles_changed(&[])]);
    bob()
        .when(revoke("guest"), &stage.user(&known, 1))
        .then_refused(UserRefusal::LacksRole);
    an_admin()
        .when(revoke("admin"), &stage.user(&known, 1))
        .then_refused(UserRefusal::AdministratorRequired);
    let careful = stage.without(Permission::ASSIGN_ADMIN_ROLE);
    bob()
        .when(grant("admin"), &careful.user(&known, 1))
        .then_refused(UserRefusal::AssignAdminNotAllowed);
    for command in [grant("guest"), revoke("user")] {
        bob()
            .when(command, &someone_else().user(&known, 1))
            .then_refused(UserRefusal::AccessPermissionsMissing);
    }
}
