//! The rules of accounts, as given, when, then.

mod changing;
mod choosing;
mod creating;
mod properties;
mod registering;

use serde_json::json;

use super::*;
use crate::permission::Permission;
use crate::testing::{Given, Stage, given};

/// The roles there are, as far as people may sign up with them.
static KNOWN: std::sync::LazyLock<Vec<RoleId>> = std::sync::LazyLock::new(known_roles);

const AT: Timestamp = Timestamp::from_millis(1);

fn me() -> UserId {
    UserId::new("me")
}

fn roles(names: &[&str]) -> Vec<RoleId> {
    names.iter().map(RoleId::new).collect()
}

fn known_roles() -> Vec<RoleId> {
    roles(&["admin", "user", "bot", "guest"])
}

impl Stage {
    /// Logged in, in a workspace with so many administrators.
    fn user<'a>(&'a self, known_roles: &'a [RoleId], active_admins: u32) -> UserContext<'a> {
        UserContext::User {
            authority: self.authority(),
            settings: &self.settings,
            known_roles,
            another_admin: active_admins > 1,
        }
    }

    /// Not logged in.
    fn anonymous(&self) -> UserContext<'_> {
        UserContext::Anonymous {
            settings: &self.settings,
            secret: None,
            invited: false,
            office: Office::Taken,
            known_roles: &KNOWN,
        }
    }
}

fn created() -> UserCreated {
    UserCreated {
        user: me(),
        kind: UserKind::User,
        username: "bob".to_owned(),
        name: Some("Bob".to_owned()),
        emails: vec![email("bob@example.org", false)],
        password: None,
        roles: roles(&["user"]),
        active: true,
        require_password_change: false,
        reason: None,
        custom_fields: None,
        bio: None,
        nickname: None,
        at: AT,
    }
}

fn email(address: &str, verified: bool) -> Email {
    Email {
        address: address.to_owned(),
        verified,
    }
}

fn register(wish: UserCreated) -> UserCommand {
    UserCommand::Register(Box::new(wish))
}

fn create(wish: UserCreated) -> UserCommand {
    UserCommand::Create {
        account: Box::new(wish),
        active: None,
    }
}

fn change_profile(change: ProfileChange) -> UserCommand {
    UserCommand::ChangeProfile {
        user: me(),
        change,
        at: AT,
    }
}

fn profile_changed(change: ProfileChange) -> UserEvent {
    ProfileChanged {
        user: me(),
        change,
        at: AT,
    }
    .into()
}

fn bio(text: &str) -> ProfileChange {
    ProfileChange {
        bio: Some(text.to_owned()),
        ..ProfileChange::default()
    }
}

fn name(text: &str) -> ProfileChange {
    ProfileChange {
        name: Some(text.to_owned()),
        ..ProfileChange::default()
    }
}

fn status_text(text: &str) -> ProfileChange {
    ProfileChange {
        status_text: Some(text.to_owned()),
        ..ProfileChange::default()
    }
}

fn change_username(username: &str) -> UserCommand {
    UserCommand::ChangeUsername {
        user: me(),
        username: username.to_owned(),
        at: AT,
    }
}

fn username_changed(username: &str) -> UserEvent {
    UsernameChanged {
        user: me(),
        username: username.to_owned(),
        at: AT,
    }
    .into()
}

fn change_email(address: &str, verified: bool) -> UserCommand {
    UserCommand::ChangeEmail {
        user: me(),
        address: address.to_owned(),
        verified,
        at: AT,
    }
}

fn email_changed(address: &str, verified: bool) -> UserEvent {
    EmailChanged {
        user: me(),
        emails: vec![email(address, verified)],
        at: AT,
    }
    .into()
}

fn change_password() -> UserCommand {
    UserCommand::ChangePassword {
        user: me(),
        password: PasswordHash("hash".to_owned()),
        require_change: false,
        at: AT,
    }
}

fn set_roles(names: &[&str]) -> UserCommand {
    UserCommand::SetRoles {
        user: me(),
        roles: roles(names),
        at: AT,
    }
}

fn roles_changed(names: &[&str]) -> UserEvent {
    RolesChanged {
        user: me(),
        roles: roles(names),
        at: AT,
    }
    .into()
}

fn set_active(active: bool) -> UserCommand {
    UserCommand::SetActive {
        user: me(),
        active,
        at: AT,
    }
}

fn delete() -> UserCommand {
    UserCommand::Delete {
        user: me(),
        messages: MessageErasure::Keep,
        at: AT,
    }
}

fn deleted() -> UserEvent {
    UserDeleted {
        user: me(),
        messages: MessageErasure::Keep,
        at: AT,
    }
    .into()
}

fn nobody() -> Given<User> {
    given::<User>([])
}

fn bob() -> Given<User> {
    given::<User>([created().into()])
}

fn an_admin() -> Given<User> {
    given::<User>([UserCreated {
        roles: roles(&["user", "admin"]),
        ..created()
    }
    .into()])
}

fn someone_else() -> Stage {
    Stage::default().by("you")
}

fn admin() -> Stage {
    Stage::default().by("you").with_roles(&["admin"])
}

fn every_change() -> Vec<UserCommand> {
    vec![
        change_profile(bio("x")),
        change_username("new"),
        change_email("new@example.org", false),
        change_password(),
        set_roles(&["guest"]),
        set_active(false),
        delete(),
    ]
}
