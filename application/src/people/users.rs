//! Making, changing and ending accounts. Names and addresses are claimed in the batch that uses them.

use std::borrow::Cow;
use std::sync::Arc;

use domain::claim::{self, Claim, NameKind};
use domain::credential::Ending;
use domain::membership::Joining;
use domain::permission::{Authority, PermissionTable};
use domain::role::RoleScope;
use domain::room::RoomFacts;
use domain::setting::{self, ChangeSetting, Setting, SettingContext};
use domain::settings::{Key, Settings, keys};
use domain::user::{
    self, Email, Office, User, UserCommand, UserContext, UserCreated, UserEvent, UserKind,
    UserRefusal,
};
use domain::{Decider as _, RoleId, Timestamp, TokenHash, UserId};
use eventstore::execute::Transaction;

use crate::admin::roles;
use crate::caller::Caller;
use crate::chat::members::{self, Founder};
use crate::chat::ownership::Orphans;
use crate::claims::Claimant;
use crate::error::{Error, Fault, Refusal};
use crate::identity::account_mail::{self, Link, Told};
use crate::identity::{credentials, second_factors};
use crate::ids::now;
use crate::people::{avatars, own_limits};
use crate::witness;
use crate::workspace::{WorkError, Workspace};

/// Who makes an account, and for whom.
#[derive(Clone, Copy)]
pub enum Maker<'a> {
    /// The person signs up.
    Themselves(Door<'a>),
    /// A user makes it for another person.
    User(&'a Caller),
    /// At first start.
    Server,
}

/// What a person who is not logged in presents.
#[derive(Clone, Copy, Debug, Default)]
pub struct Door<'a> {
    /// The secret of the workspace, if signing up needs one.
    pub secret: Option<&'a str>,
    /// They proved that the server is theirs ([`crate::identity::setup`]).
    pub owns_server: bool,
}

impl<'a> Door<'a> {
    /// What the rules need to know of them. The commit depends on the office being as it is: if two sign up first at
    /// once, only one becomes administrator.
    pub(crate) async fn context(
        self,
        workspace: &Workspace,
        tx: &Transaction,
        settings: &'a Settings,
        known_roles: &'a [RoleId],
    ) -> Result<UserContext<'a>, WorkError> {
        let proved = self.owns_server;
        Ok(UserContext::Anonymous {
            settings,
            secret: self.secret,
            invited: false,
            office: if is_awaited(workspace, tx).await? {
                Office::Vacant { proved }
            } else {
                Office::Taken
            },
            known_roles,
        })
    }

    async fn around(
        self,
        workspace: &Workspace,
        tx: &Transaction,
        around: &'a Around,
    ) -> Result<UserContext<'a>, WorkError> {
        self.context(workspace, tx, &around.settings, &around.known_roles)
            .await
    }

    /// Whether signing up with that name would be refused, whatever the password and the address.
    pub async fn would_let_in(self, workspace: &Workspace, username: &str) -> Result<(), Error> {
        let around = Around::new(workspace);
        workspace
            .run(&UserId::system(), async |tx| {
                let context = self.around(workspace, &tx, &around).await?;
                user::check_sign_up(username, &context).map_err(WorkError::refused)
            })
            .await
    }

    /// Whether signing up like this would be refused; checked before a password is hashed for it. Names may still be
    /// taken.
    pub async fn would_register(
        self,
        workspace: &Workspace,
        wish: &UserCreated,
    ) -> Result<(), Error> {
        let around = Around::new(workspace);
        workspace
            .run(&UserId::system(), async |tx| {
                let context = self.around(workspace, &tx, &around).await?;
                let command = UserCommand::Register(Box::new(wish.clone()));
                User::decide(&User::Absent, command, &context)
                    .map(drop)
                    .map_err(WorkError::refused)
            })
            .await
    }
}

/// Whether the office is free. An administrator from before the office existed did not take it.
async fn is_vacant(tx: &Transaction) -> Result<bool, WorkError> {
    let office = claim::stream(NameKind::FirstAdministrator, "");
    Ok(*tx.state::<Claim>(&office).await? == Claim::Free)
}

async fn is_awaited(workspace: &Workspace, tx: &Transaction) -> Result<bool, WorkError> {
    if !is_vacant(tx).await? {
        return Ok(false);
    }
    let admins = workspace.views().active_admins().await;
    Ok(admins.map_err(witness::unanswered)?.is_empty())
}

/// Whether the next person who signs up becomes the first administrator.
pub async fn first_administrator_is_awaited(workspace: &Workspace) -> Result<bool, Error> {
    workspace
        .run(&UserId::system(), async |tx| {
            is_awaited(workspace, &tx).await
        })
        .await
}

/// Gives the office of first administrator to an account that is an administrator, if it is free.
pub(crate) async fn take_office(
    tx: &Transaction,
    settings: &Settings,
    user: &UserId,
    at: Timestamp,
) -> Result<(), WorkError> {
    let claimant = Claimant {
        kind: NameKind::FirstAdministrator,
        owner: user.as_str(),
        at,
    };
    if is_vacant(tx).await? && claimant.try_take(tx, "").await? {
        begin_setup(tx, settings, at).await?;
    }
    Ok(())
}

/// Every decision that makes an account has an event for it.
const NOT_CREATED: Fault = Fault::Impossible(Cow::Borrowed("an account was made without an event"));

/// Whether making such an account would be refused; checked before a password is hashed for it. Names may still be
/// taken.
pub fn would_create(
    workspace: &Workspace,
    caller: &Caller,
    wish: &UserCreated,
) -> Result<(), Error> {
    let around = Around::new(workspace);
    let command = UserCommand::Create(Box::new(wish.clone()));
    Ok(User::decide(&User::Absent, command, &around.context(caller, true)).map(drop)?)
}

/// Makes an account with its names, and adds it to the default rooms if it may log in and `join` is set.
pub async fn create(
    workspace: &Workspace,
    maker: Maker<'_>,
    wish: &UserCreated,
    join: bool,
) -> Result<UserId, Error> {
    create_and_tell(workspace, maker, wish, join, None).await
}

/// Like [`create`]; mails the owner a secret if one is given.
pub async fn create_and_tell(
    workspace: &Workspace,
    maker: Maker<'_>,
    wish: &UserCreated,
    join: bool,
    told: Option<&Told>,
) -> Result<UserId, Error> {
    let link = Link::fresh(workspace, &wish.user);
    let signed_up = matches!(maker, Maker::Themselves(_));
    let around = Around::new(workspace);
    let rooms = if join {
        default_rooms(workspace).await?
    } else {
        Vec::new()
    };
    let actor = match maker {
        Maker::Themselves(_) => wish.user.clone(),
        Maker::User(caller) => caller.id().clone(),
        Maker::Server => UserId::system(),
    };
    workspace
        .run(&actor, async |tx| {
            let created = decide_creation(workspace, &tx, &around, maker, wish).await?;
            take_names(&tx, maker, &created).await?;
            for role in &created.roles {
                roles::give(&tx, role, &created.user, None, created.at).await?;
            }
            account_mail::after_creation(workspace, &tx, &link, &created, signed_up, told).await?;
            if created.kind == UserKind::User {
                second_factors::opt_in(&tx, &around.settings, &created.user, created.at).await?;
            }
            if created.active && created.roles.iter().any(|role| role.as_str() == "admin") {
                take_office(&tx, &around.settings, &created.user, created.at).await?;
            }
            let authority = Authority {
                actor: &created.user,
                roles: &created.roles,
                room_roles: &[],
                permissions: &around.permissions,
            };
            for room in &rooms {
                let founder = Founder {
                    user: created.user.clone(),
                    joining: Joining::Default,
                    roles: Vec::new(),
                };
                members::found(&tx, &authority, room, &founder, created.at).await?;
            }
            Ok(())
        })
        .await?;
    Ok(wish.user.clone())
}

/// The first administrator begins the setup of the workspace (contract, conventions 6.6).
async fn begin_setup(
    tx: &Transaction,
    settings: &Settings,
    at: Timestamp,
) -> Result<(), WorkError> {
    const WIZARD: Key<str> = keys::SHOW_SETUP_WIZARD;
    if settings.text(WIZARD) != "pending" {
        return Ok(());
    }
    let change = ChangeSetting::open(WIZARD.id(), "in_progress".into(), at);
    tx.decide::<Setting>(
        &setting::stream(WIZARD.id()),
        change.into(),
        &SettingContext::System,
    )
    .await?;
    Ok(())
}

async fn decide_creation(
    workspace: &Workspace,
    tx: &Transaction,
    around: &Around,
    maker: Maker<'_>,
    wish: &UserCreated,
) -> Result<UserCreated, WorkError> {
    let wish = Box::new(wish.clone());
    let settings = &around.settings;
    let known_roles;
    let (command, context) = match maker {
        Maker::Themselves(door) => {
            known_roles = roles::there(tx, user::default_roles(settings)).await?;
            let context = door.context(workspace, tx, settings, &known_roles).await?;
            (UserCommand::Register(wish), context)
        }
        Maker::User(caller) => (UserCommand::Create(wish), around.context(caller, true)),
        Maker::Server => (UserCommand::Create(wish), UserContext::System),
    };
    let stream = match &command {
        UserCommand::Register(wish) | UserCommand::Create(wish) => user::stream(&wish.user),
        _ => return Err(WorkError::refused(NOT_CREATED)),
    };
    let events = tx.decide_new::<User>(&stream, command, &context).await?;
    let created = events.into_iter().find_map(|event| match event {
        UserEvent::UserCreated(created) => Some(created),
        _ => None,
    });
    created.ok_or(WorkError::refused(NOT_CREATED))
}

async fn take_names(
    tx: &Transaction,
    maker: Maker<'_>,
    created: &UserCreated,
) -> Result<(), WorkError> {
    let signing_up = matches!(maker, Maker::Themselves(_));
    let names = |kind| Claimant {
        kind,
        owner: created.user.as_str(),
        at: created.at,
    };
    let taken = |own: Refusal, name: &str| {
        if signing_up {
            own
        } else {
            Refusal::FieldUnavailable(name.to_owned())
        }
    };
    let username = &created.username;
    names(NameKind::Username)
        .take(tx, username, taken(Refusal::UsernameInUse, username))
        .await?;
    for Email { address, .. } in &created.emails {
        names(NameKind::Email)
            .take(tx, address, taken(Refusal::EmailInUse, address))
            .await?;
    }
    Ok(())
}

async fn default_rooms(workspace: &Workspace) -> Result<Vec<Arc<RoomFacts>>, Error> {
    let mut rooms = Vec::new();
    for room in workspace.views().default_rooms().await? {
        rooms.extend(workspace.views().room_facts(&room).await?);
    }
    Ok(rooms)
}

/// What the rules about accounts need to know from elsewhere.
pub(crate) struct Around {
    settings: Arc<Settings>,
    permissions: Arc<PermissionTable>,
    known_roles: Vec<RoleId>,
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

/// An invalid name makes an identity that cannot be saved, once the account exists (contract, conventions 7.3).
fn refused_change(refusal: UserRefusal) -> Error {
    match refusal {
        UserRefusal::InvalidUsername { .. }
        | UserRefusal::UsernameRequired
        | UserRefusal::NameRequired => Refusal::IdentityNotSaved.into(),
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
    let names = |kind| Claimant {
        kind,
        owner: target.as_str(),
        at,
    };
    match event {
        UserEvent::UsernameChanged(event) => {
            names(NameKind::Username)
                .swap(tx, [&*account.username], [&*event.username], |_| {
                    Refusal::IdentityNotSaved
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
