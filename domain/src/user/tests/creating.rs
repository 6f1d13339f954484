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
fn whether_a_new_account_may_log_in_is_chosen_with_a_right_or_else_set() {
    let known = known_roles();
    let wish = |active| UserCommand::Create {
        account: Box::new(created()),
        active,
    };
    let inactive = UserCreated {
        active: false,
        ..created()
    };
    let approving = admin().setting("Accounts_ManuallyApproveNewUsers", true);
    for (stage, active, made) in [
        (admin(), None, created()),
        (admin(), Some(false), inactive.clone()),
        (approving.clone(), None, inactive),
        (approving, Some(true), created()),
    ] {
        nobody()
            .when(wish(active), &stage.user(&known, 1))
            .then([made.into()]);
    }
    let stage = admin().without(Permission::EDIT_OTHER_USER_ACTIVE_STATUS);
    for active in [true, false] {
        nobody()
            .when(wish(Some(active)), &stage.user(&known, 1))
            .then_refused(UserRefusal::ActiveStatusNotAllowed);
    }
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
