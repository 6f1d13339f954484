//! Making accounts for others.

use super::*;

#[test]
fn administrators_make_accounts() {
    let known = known_roles();
    let wish = UserCreated {
        roles: roles(&["user", "admin"]),
        emails: vec![email("b@c", true)],
        ..created()
    };
    nobody()
        .when(create(wish.clone()), &admin().user(&known, 1))
        .then([wish.into()]);
    nobody()
        .when(create(created()), &someone_else().user(&known, 1))
        .then_refused(UserRefusal::CreateNotAllowed);
    nobody()
        .when(create(created()), &Stage::default().anonymous())
        .then_refused(UserRefusal::LoginRequired);
}

#[test]
fn roles_of_new_accounts_are_checked() {
    let known = known_roles();
    let wish = |names| {
        create(UserCreated {
            roles: roles(names),
            ..created()
        })
    };
    nobody()
        .when(wish(&["owner"]), &admin().user(&known, 1))
        .then_refused(UserRefusal::UnknownRole(RoleId::new("owner")));
    let stage = admin().without(Permission::ASSIGN_ADMIN_ROLE);
    nobody()
        .when(wish(&["admin"]), &stage.user(&known, 1))
        .then_refused(UserRefusal::AssignAdminNotAllowed);
}

#[test]
fn only_with_a_right_may_new_accounts_log_in_or_not_against_the_setting() {
    let known = known_roles();
    let wish = UserCreated {
        active: false,
        ..created()
    };
    nobody()
        .when(create(wish.clone()), &admin().user(&known, 1))
        .then([wish.clone().into()]);
    let stage = admin().without(Permission::EDIT_OTHER_USER_ACTIVE_STATUS);
    nobody()
        .when(create(wish.clone()), &stage.user(&known, 1))
        .then_refused(UserRefusal::ActiveStatusNotAllowed);
    let approving = stage.setting("Accounts_ManuallyApproveNewUsers", true);
    nobody()
        .when(create(wish.clone()), &approving.user(&known, 1))
        .then([wish.into()]);
    nobody()
        .when(create(created()), &approving.user(&known, 1))
        .then_refused(UserRefusal::ActiveStatusNotAllowed);
}

#[test]
fn the_server_makes_what_it_likes() {
    let wish = UserCreated {
        username: "admin".to_owned(),
        roles: roles(&["admin"]),
        ..created()
    };
    for command in [create(wish.clone()), register(wish.clone())] {
        nobody()
            .when(command, &UserContext::System)
            .then([wish.clone().into()]);
    }
}
