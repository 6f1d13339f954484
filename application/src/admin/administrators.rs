//! Appointing an administrator by whoever runs the server: through the environment at a start, or through the command
//! line. This is how a workspace without administrator gets one again.

use domain::credential::Ending;
use domain::text::{quoted, told_back};
use domain::user::{
    self, Email, PasswordHash, User, UserCommand, UserContext, UserCreated, UserEvent, UserKind,
};
use domain::{RoleId, Timestamp, UserId};
use eventstore::execute::Transaction;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Fault};
use crate::identity::credentials;
use crate::ids::{fresh_id, now};
use crate::people::users::create::{Maker, create};
use crate::people::users::first_administrator;
use crate::workspace::{WorkError, Workspace};

/// The account that is to become administrator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Appointment {
    /// An account with this name is made if there is none.
    pub username: String,
    /// The password from now on; `None`: the account keeps the one it has.
    pub password: Option<PasswordHash>,
    /// Only for an account that does not exist yet.
    pub email: Option<String>,
}

/// What an appointment did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub enum Appointed {
    Made,
    Given,
}

/// Why nobody was appointed.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub enum AppointError {
    #[error("there is no user {}; to make one, give a password", told_back(.0))]
    NobodyThere(String),
    #[error("{name} is no user name: {why}", name = quoted(.0), why = .1)]
    Name(String, String),
    /// The account belongs to the server or to a program.
    #[error("{0} is no person")]
    NoPerson(String),
    #[error("there is no workspace here yet: start the server first")]
    NoWorkspace,
    #[error("{0}")]
    Failed(#[from] Error),
}

impl AppointError {
    /// Whether trying again may work.
    pub fn is_temporary(&self) -> bool {
        matches!(self, Self::Failed(error) if error.is_temporary())
    }
}

/// Gives the account of that name the role `admin`, the right to log in, and the password if there is one; makes the
/// account if there is none.
pub async fn appoint(workspace: &Workspace, wish: &Appointment) -> Result<Appointed, AppointError> {
    let name = || wish.username.clone();
    let Some(account) = workspace
        .views()
        .user_by_username(&wish.username)
        .await
        .map_err(Error::from)?
    else {
        let password = wish.password.clone();
        let password = password.ok_or_else(|| AppointError::NobodyThere(name()))?;
        let settings = workspace.views().settings();
        user::check_appointed_username(&wish.username, &settings)
            .map_err(|refusal| AppointError::Name(name(), refusal.to_string()))?;
        create(workspace, Maker::Server, &account_of(wish, password), true).await?;
        return Ok(Appointed::Made);
    };
    if account.kind != UserKind::User {
        return Err(AppointError::NoPerson(name()));
    }
    let at = now();
    workspace
        .run(&UserId::system(), async |tx| {
            give(&tx, &account.id, wish.password.as_ref(), at).await?;
            let settings = workspace.views().settings();
            first_administrator::take(&tx, &settings, &account.id, at).await
        })
        .await?;
    Ok(Appointed::Given)
}

fn account_of(wish: &Appointment, password: PasswordHash) -> UserCreated {
    let verified = |address: &String| Email {
        address: address.clone(),
        verified: true,
    };
    UserCreated {
        user: UserId::new(fresh_id()),
        kind: UserKind::User,
        username: wish.username.clone(),
        name: Some(wish.username.clone()),
        emails: wish.email.iter().map(verified).collect(),
        password: Some(password),
        roles: vec![RoleId::new("admin")],
        active: true,
        require_password_change: false,
        reason: None,
        custom_fields: None,
        bio: None,
        nickname: None,
        at: now(),
    }
}

async fn give(
    tx: &Transaction,
    user: &UserId,
    password: Option<&PasswordHash>,
    at: Timestamp,
) -> Result<(), WorkError> {
    let stream = user::stream(user);
    let before = tx.state::<User>(&stream).await?;
    let (mut roles, admin) = match &*before {
        User::Present(account) => (account.roles.clone(), RoleId::new("admin")),
        // It was removed at this moment; the views will show it.
        User::Absent | User::Deleted => return Err(WorkError::refused(Fault::Overtaken)),
    };
    if !roles.contains(&admin) {
        roles.push(admin);
    }
    let mut commands = vec![
        UserCommand::SetRoles {
            user: user.clone(),
            roles,
            at,
        },
        UserCommand::SetActive {
            user: user.clone(),
            active: true,
            at,
        },
    ];
    commands.extend(password.map(|password| UserCommand::ChangePassword {
        user: user.clone(),
        password: password.clone(),
        require_change: false,
        at,
    }));
    for command in commands {
        let events = tx
            .decide::<User>(&stream, command, &UserContext::System)
            .await?;
        for event in &events {
            if let UserEvent::PasswordChanged(_) = event {
                credentials::end(tx, user, Ending::PasswordChanged, None, at).await?;
            }
        }
    }
    Ok(())
}
