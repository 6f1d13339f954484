//! Changing and ending accounts. Names and addresses are claimed in the batch that uses them.

pub mod create;
pub mod first_administrator;
pub mod update;

use std::sync::Arc;

use domain::claim::NameKind;
use domain::credential::Ending;
use domain::permission::PermissionTable;
use domain::role::RoleScope;
use domain::settings::Settings;
use domain::user::{self, User, UserCommand, UserContext, UserEvent, UserRefusal};
use domain::{RoleId, Timestamp, TokenHash, UserId};
use eventstore::execute::Transaction;

use crate::admin::roles;
use crate::caller::Caller;
use crate::chat::ownership::Orphans;
use crate::claims::Claimant;
use crate::error::{Error, Refusal};
use crate::identity::account_mail::{self, Link, Told};
use crate::identity::credentials;
use crate::ids::now;
use crate::people::{avatars, own_limits};
use crate::witness;
use crate::workspace::{WorkError, Workspace};

/// What the rules about accounts need to know from elsewhere.
pub(crate) struct Around {
    pub(crate) settings: Arc<Settings>,
    pub(crate) permissions: Arc<PermissionTable>,
    pub(crate) known_roles: Vec<RoleId>,
}

impl Around {
    pub(crate) fn new(workspace: &Workspace) -> Self {
        let views = workspace.views();
        Self {
            settings: views.settings(),
            permissions: views.permissions(),
            known_roles: views.roles().ids_in(RoleScope::Users),
        }
    }

    /// If no administrator is removed, it does not matter whether there is another one.
    pub(crate) fn context<'a>(
        &'a self,
        caller: &'a Caller,
        another_admin: bool,
    ) -> UserContext<'a> {
        UserContext::User {
            authority: caller.authority(&[], &self.permissions),
            settings: &self.settings,
            known_roles: &self.known_roles,
            another_admin,
        }
    }

    /// What the rules need to know to decide the command about the account as it is `before` it.
    pub(crate) async fn context_of<'a>(
        &'a self,
        workspace: &Workspace,
        tx: &Transaction,
        caller: &'a Caller,
        (target, before): (&UserId, &User),
        command: &UserCommand,
    ) -> Result<UserContext<'a>, WorkError> {
        let may_end = match before {
            User::Present(account) => account.administrates() && command.may_end_administration(),
            User::Absent | User::Deleted => false,
        };
        let another = !may_end || witness::another_admin(workspace, tx, target).await?;
        Ok(self.context(caller, another))
    }
}

/// Lets the rules decide several commands about one account, all or nothing, with the changes of names and tokens that
/// follow.
///
/// `keep` is the token that survives a new password; `orphans` are the rooms that lose their owner by it.
pub async fn change(
    workspace: &Workspace,
    caller: &Caller,
    target: &UserId,
    commands: &[UserCommand],
    keep: Option<&TokenHash>,
    orphans: Orphans,
) -> Result<(), Error> {
    change_and_tell(workspace, caller, target, commands, keep, orphans, None).await
}

/// Like [`change`]; mails the owner a secret if one is given and the rules allowed a new password.
pub async fn change_and_tell(
    workspace: &Workspace,
    caller: &Caller,
    target: &UserId,
    commands: &[UserCommand],
    keep: Option<&TokenHash>,
    orphans: Orphans,
    told: Option<&Told>,
) -> Result<(), Error> {
    if target == caller.id() && commands.iter().any(UserCommand::changes_access) {
        caller.must_be_owner()?;
    }
    own_limits::count(workspace, caller, target, commands).await?;
    let around = Around::new(workspace);
    let stream = user::stream(target);
    let link = Link::fresh(workspace, target);
    let at = now();
    let pictures = workspace
        .run(caller.id(), async |tx| {
            let pictures = orphans
                .settle(workspace, &tx, caller.id(), target, at)
                .await?;
            for command in commands {
                let before = tx.state::<User>(&stream).await?;
                let about = (target, &*before);
                let context = around
                    .context_of(workspace, &tx, caller, about, command)
                    .await?;
                let events = tx
                    .decide::<User>(&stream, command.clone(), &context)
                    .await
                    .map_err(|error| error.map_refusal(refused_change))?;
                for event in &events {
                    if let UserEvent::UsernameChanged(changed) = event
                        && is_of_team(workspace, &changed.username).await?
                    {
                        return Err(WorkError::refused(Refusal::NameNotUsable));
                    }
                    follow(&tx, target, &before, event, keep, at).await?;
                    mail_about(&tx, &link, target, &before, event, told, at).await?;
                }
            }
            Ok(pictures)
        })
        .await?;
    avatars::bury(workspace, pictures).await;
    Ok(())
}

/// Whether a team is called so: users and teams share their names (contract, conventions 6.1). That is read from the
/// views, as it is when a team is made: two who take the name at the same moment are confusing at worst.
pub(crate) async fn is_of_team(workspace: &Workspace, name: &str) -> Result<bool, WorkError> {
    let team = workspace.views().team_called(name).await;
    Ok(team.map_err(witness::unanswered)?.is_some())
}

/// An invalid name makes an identity that cannot be saved, once the account exists (contract, conventions 7.3).
fn refused_change(refusal: UserRefusal) -> Error {
    match refusal {
        UserRefusal::InvalidUsername { .. }
        | UserRefusal::UsernameRequired
        | UserRefusal::NameRequired => Refusal::NameNotUsable.into(),
        refusal => refusal.into(),
    }
}

/// What must be recorded together with a change of an account: names taken and released, roles given, access ended.
pub(crate) async fn follow(
    tx: &Transaction,
    target: &UserId,
    before: &User,
    event: &UserEvent,
    keep: Option<&TokenHash>,
    at: Timestamp,
) -> Result<(), WorkError> {
    let User::Present(account) = before else {
        return Ok(());
    };
    let names = |kind| Claimant::new(kind, target.as_str(), at);
    match event {
        UserEvent::UsernameChanged(event) => {
            names(NameKind::Username)
                .swap(tx, [&*account.username], [&*event.username], |_| {
                    Refusal::NameNotUsable
                })
                .await
        }
        UserEvent::EmailChanged(event) => {
            let old = account.emails.first().map(|email| &*email.address);
            let new = event.emails.first().map(|email| &*email.address);
            names(NameKind::Email)
                .swap(tx, old, new, |name| {
                    Refusal::FieldUnavailable(name.to_owned())
                })
                .await
        }
        UserEvent::RolesChanged(event) => {
            let held = |role: &&RoleId| account.roles.contains(*role);
            for role in event.roles.iter().filter(|role| !held(role)) {
                roles::give(tx, role, target, None, at).await?;
            }
            Ok(())
        }
        UserEvent::PasswordChanged(_) => {
            credentials::end(tx, target, Ending::PasswordChanged, keep, at).await
        }
        UserEvent::UserDeactivated(event) => {
            let ending = if event.idle {
                Ending::FellAsleep
            } else {
                Ending::Deactivated
            };
            credentials::end(tx, target, ending, None, at).await
        }
        UserEvent::UserDeleted(_) => {
            names(NameKind::Username)
                .release(tx, &account.username)
                .await?;
            for email in &account.emails {
                names(NameKind::Email).release(tx, &email.address).await?;
            }
            credentials::end(tx, target, Ending::Deleted, None, at).await
        }
        _ => Ok(()),
    }
}

/// What is mailed because of a change: a link to prove a new address, a password that another user chose.
async fn mail_about(
    tx: &Transaction,
    link: &Link,
    target: &UserId,
    before: &User,
    event: &UserEvent,
    told: Option<&Told>,
    at: Timestamp,
) -> Result<(), WorkError> {
    match (event, before) {
        (UserEvent::EmailChanged(event), User::Present(account)) => {
            let is_new = |email: &&domain::user::Email| {
                let same = |old: &domain::user::Email| old.address == email.address;
                !email.verified && !account.emails.iter().any(same)
            };
            match event.emails.iter().find(is_new) {
                Some(email) => {
                    account_mail::ask_to_verify(tx, link, target, &email.address, at).await
                }
                None => Ok(()),
            }
        }
        (UserEvent::PasswordChanged(_), _) => match told {
            Some(told) => told.tell(tx, target, at).await,
            None => Ok(()),
        },
        _ => Ok(()),
    }
}
