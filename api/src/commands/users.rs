//! Making, changing and ending accounts. Names and addresses are claimed in the batch that uses them.

use std::sync::Arc;

use domain::claim::{self, Claim, ClaimCommand, NameKind};
use domain::membership::Joining;
use domain::permission::{Authority, PermissionTable};
use domain::role::RoleScope;
use domain::room::RoomFacts;
use domain::session::{self, SessionCommand, Sessions};
use domain::setting::{self, ChangeSetting, Setting, SettingContext};
use domain::settings::Settings;
use domain::user::{
    self, Account, User, UserCommand, UserContext, UserCreated, UserEvent, UserKind,
};
use domain::{Decider as _, RoleId, Timestamp, TokenHash, UserId};
use eventstore::ExecuteError;
use eventstore::execute::Transaction;

use super::account_mail::{self, Link, Told};
use super::ownership::Orphans;
use super::rooms::Founder;
use super::{WorkError, avatars, memberships, often, second_factors};
use crate::error::{ApiError, texts};
use crate::extract::Caller;
use crate::state::{AppState, now};

/// Who makes an account, and for whom.
#[derive(Clone, Copy)]
pub enum Maker<'a> {
    /// Somebody signs up, perhaps with a secret.
    Themselves(Option<&'a str>),
    /// A user makes it for somebody.
    User(&'a Caller),
    /// The server, at first start.
    Server,
}

/// Whether signing up like this would be refused, before a password is hashed for it. Names may still be taken.
pub fn would_register(
    state: &AppState,
    secret: Option<&str>,
    wish: &UserCreated,
) -> Result<(), ApiError> {
    let settings = state.views().settings();
    let context = UserContext::Anonymous {
        settings: &settings,
        secret,
        invited: false,
        first_administrator: false,
    };
    let command = UserCommand::Register(Box::new(wish.clone()));
    Ok(User::decide(&User::Absent, command, &context).map(drop)?)
}

/// Whether making such an account would be refused, before a password is hashed for it. Names may still be taken.
pub async fn would_create(
    state: &AppState,
    caller: &Caller,
    wish: &UserCreated,
) -> Result<(), ApiError> {
    let around = Around::new(state).await?;
    let command = UserCommand::Create(Box::new(wish.clone()));
    Ok(User::decide(&User::Absent, command, &around.context(caller)).map(drop)?)
}

/// Makes an account with its names, and takes it into the default rooms if it may log in and `join` says so.
pub async fn create(
    state: &AppState,
    maker: Maker<'_>,
    wish: &UserCreated,
    join: bool,
) -> Result<UserId, ApiError> {
    create_and_tell(state, maker, wish, join, None).await
}

/// The same, and mails the owner a secret where there is one.
pub async fn create_and_tell(
    state: &AppState,
    maker: Maker<'_>,
    wish: &UserCreated,
    join: bool,
    told: Option<&Told>,
) -> Result<UserId, ApiError> {
    let link = Link::fresh(state, &wish.user);
    let signed_up = matches!(maker, Maker::Themselves(_));
    let around = Around::new(state).await?;
    let rooms = if join {
        default_rooms(state).await?
    } else {
        Vec::new()
    };
    let actor = match maker {
        Maker::Themselves(_) => wish.user.clone(),
        Maker::User(caller) => caller.id().clone(),
        Maker::Server => UserId::system(),
    };
    state
        .run(&actor, async |tx| {
            // Reading the office ties the commit to it: of two who sign up first at once, one becomes administrator.
            let office = claim::stream(NameKind::FirstAdministrator, "");
            let vacant = *tx
                .state::<Claim>(&office)
                .await
                .map_err(ExecuteError::widen)?
                == Claim::Free;
            let created = decide_creation(&tx, &around, maker, wish, vacant).await?;
            take_names(&tx, maker, &created).await?;
            account_mail::after_creation(state, &tx, &link, &created, signed_up, told).await?;
            if created.kind == UserKind::User {
                second_factors::opt_in(&tx, &around.settings, &created.user, created.at).await?;
            }
            if vacant && created.active && created.roles.iter().any(|role| role.as_str() == "admin")
            {
                let take = take(NameKind::FirstAdministrator, &created.user, created.at);
                tx.decide::<Claim>(&office, take, &())
                    .await
                    .map_err(ExecuteError::widen)?;
                begin_setup(&tx, &around.settings, created.at).await?;
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
                memberships::found(&tx, &authority, room, &founder, created.at).await?;
            }
            Ok(())
        })
        .await?;
    Ok(wish.user.clone())
}

/// With its first administrator a workspace is being set up (contract, conventions 6.6).
async fn begin_setup(
    tx: &Transaction,
    settings: &Settings,
    at: Timestamp,
) -> Result<(), WorkError> {
    const WIZARD: &str = "Show_Setup_Wizard";
    if settings.text(WIZARD) != "pending" {
        return Ok(());
    }
    let change = ChangeSetting::open(WIZARD, "in_progress".into(), at);
    tx.decide::<Setting>(
        &setting::stream(WIZARD),
        change.into(),
        &SettingContext::System,
    )
    .await
    .map(drop)
    .map_err(ExecuteError::widen)
}

async fn decide_creation(
    tx: &Transaction,
    around: &Around,
    maker: Maker<'_>,
    wish: &UserCreated,
    vacant: bool,
) -> Result<UserCreated, WorkError> {
    let wish = Box::new(wish.clone());
    let settings = &around.settings;
    let (command, context) = match maker {
        Maker::Themselves(secret) => {
            let context = UserContext::Anonymous {
                settings,
                secret,
                invited: false,
                first_administrator: vacant,
            };
            (UserCommand::Register(wish), context)
        }
        Maker::User(caller) => (UserCommand::Create(wish), around.context(caller)),
        Maker::Server => (UserCommand::Create(wish), UserContext::System),
    };
    let stream = match &command {
        UserCommand::Register(wish) | UserCommand::Create(wish) => user::stream(&wish.user),
        _ => return Err(ExecuteError::Refused(ApiError::Internal)),
    };
    let events = tx
        .decide_new::<User>(&stream, command, &context)
        .await
        .map_err(ExecuteError::widen)?;
    let created = events.into_iter().find_map(|event| match event {
        UserEvent::UserCreated(created) => Some(created),
        _ => None,
    });
    created.ok_or(ExecuteError::Refused(ApiError::Internal))
}

async fn take_names(
    tx: &Transaction,
    maker: Maker<'_>,
    created: &UserCreated,
) -> Result<(), WorkError> {
    let signing_up = matches!(maker, Maker::Themselves(_));
    let stream = claim::stream(NameKind::Username, &created.username);
    let taken = tx
        .decide::<Claim>(
            &stream,
            take(NameKind::Username, &created.user, created.at),
            &(),
        )
        .await;
    taken.map_err(|error| {
        error.map_refusal(|_| {
            if signing_up {
                texts::username_in_use()
            } else {
                texts::field_unavailable(&created.username)
            }
        })
    })?;
    for email in &created.emails {
        let stream = claim::stream(NameKind::Email, &email.address);
        let taken = tx
            .decide::<Claim>(
                &stream,
                take(NameKind::Email, &created.user, created.at),
                &(),
            )
            .await;
        taken.map_err(|error| {
            error.map_refusal(|_| {
                if signing_up {
                    texts::email_exists()
                } else {
                    texts::field_unavailable(&email.address)
                }
            })
        })?;
    }
    Ok(())
}

fn take(kind: NameKind, owner: &UserId, at: Timestamp) -> ClaimCommand {
    ClaimCommand::Take {
        kind,
        owner: owner.as_str().to_owned(),
        at,
    }
}

async fn default_rooms(state: &AppState) -> Result<Vec<Arc<RoomFacts>>, ApiError> {
    let mut rooms = Vec::new();
    for room in state.views().default_rooms().await? {
        rooms.extend(state.views().room_facts(&room).await?);
    }
    Ok(rooms)
}

/// What the rules about accounts need to know from elsewhere.
pub(super) struct Around {
    settings: Arc<Settings>,
    permissions: Arc<PermissionTable>,
    known_roles: Vec<RoleId>,
    /// How many administrators may log in.
    pub(super) active_admins: u32,
}

impl Around {
    pub(super) async fn new(state: &AppState) -> Result<Self, ApiError> {
        let views = state.views();
        Ok(Self {
            settings: views.settings(),
            permissions: views.permissions(),
            known_roles: views.roles().ids_in(RoleScope::Users),
            active_admins: views.active_admins().await?,
        })
    }

    pub(super) fn context<'a>(&'a self, caller: &'a Caller) -> UserContext<'a> {
        self.context_with(caller, self.active_admins)
    }

    /// The same with another number of administrators.
    pub(super) fn context_with<'a>(
        &'a self,
        caller: &'a Caller,
        active_admins: u32,
    ) -> UserContext<'a> {
        UserContext::User {
            authority: caller.authority(&[], &self.permissions),
            settings: &self.settings,
            known_roles: &self.known_roles,
            active_admins,
        }
    }
}

/// Lets the rules decide several commands about one account, all or nothing, with the names and tokens that follow.
///
/// `keep` is the token that survives a new password; `orphans` are the rooms that lose their owner by it.
pub async fn change(
    state: &AppState,
    caller: &Caller,
    target: &UserId,
    commands: &[UserCommand],
    keep: Option<&TokenHash>,
    orphans: &Orphans,
) -> Result<(), ApiError> {
    change_and_tell(state, caller, target, commands, keep, orphans, None).await
}

/// The same, and mails the owner a secret where there is one and the rules allowed a new password.
pub async fn change_and_tell(
    state: &AppState,
    caller: &Caller,
    target: &UserId,
    commands: &[UserCommand],
    keep: Option<&TokenHash>,
    orphans: &Orphans,
    told: Option<&Told>,
) -> Result<(), ApiError> {
    often::check(state, caller, commands)?;
    let around = Around::new(state).await?;
    let stream = user::stream(target);
    let link = Link::fresh(state, target);
    let pictures = orphans.pictures(state).await?;
    let at = now();
    state
        .run(caller.id(), async |tx| {
            let context = around.context(caller);
            orphans.settle(&tx, caller.id(), at).await?;
            for command in commands {
                let before = tx
                    .state::<User>(&stream)
                    .await
                    .map_err(ExecuteError::widen)?;
                let events = tx
                    .decide::<User>(&stream, command.clone(), &context)
                    .await
                    .map_err(ExecuteError::widen)?;
                for event in &events {
                    follow(&tx, target, &before, event, keep, at).await?;
                    mail_about(&tx, &link, target, &before, event, told, at).await?;
                }
            }
            Ok(())
        })
        .await?;
    avatars::bury(state, pictures).await;
    Ok(())
}

/// What must be recorded together with a change of an account: names taken and given back, tokens voided.
async fn follow(
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
    match event {
        UserEvent::UsernameChanged(event) => {
            swap(
                tx,
                NameKind::Username,
                target,
                Some(&account.username),
                Some(&event.username),
                at,
            )
            .await
        }
        UserEvent::EmailChanged(event) => {
            let old = account.emails.first().map(|email| email.address.as_str());
            let new = event.emails.first().map(|email| email.address.as_str());
            swap(tx, NameKind::Email, target, old, new, at).await
        }
        UserEvent::PasswordChanged(_) => void_tokens(tx, target, keep, at).await,
        UserEvent::UserDeactivated(event) if !event.idle => void_tokens(tx, target, None, at).await,
        UserEvent::UserDeleted(_) => {
            swap(
                tx,
                NameKind::Username,
                target,
                Some(&account.username),
                None,
                at,
            )
            .await?;
            for email in &account.emails {
                swap(tx, NameKind::Email, target, Some(&email.address), None, at).await?;
            }
            void_tokens(tx, target, None, at).await
        }
        _ => Ok(()),
    }
}

/// What is mailed because of a change: a link to prove a new address, a password somebody else chose.
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
        (UserEvent::PasswordChanged(_), _) => {
            account_mail::void_resets(tx, target, at).await?;
            match told {
                Some(told) => told.tell(tx, target, at).await,
                None => Ok(()),
            }
        }
        _ => Ok(()),
    }
}

pub(crate) async fn void_tokens(
    tx: &Transaction,
    user: &UserId,
    except: Option<&TokenHash>,
    at: Timestamp,
) -> Result<(), WorkError> {
    let command = SessionCommand::RevokeAll {
        user: user.clone(),
        except: except.cloned(),
        at,
    };
    tx.decide::<Sessions>(&session::stream(user), command, &())
        .await
        .map(drop)
        .map_err(ExecuteError::widen)
}

/// Gives `old` back and takes `new`. Names that differ in case only are the same name.
async fn swap(
    tx: &Transaction,
    kind: NameKind,
    owner: &UserId,
    old: Option<&str>,
    new: Option<&str>,
    at: Timestamp,
) -> Result<(), WorkError> {
    let (old, new) = (
        old.map(|name| claim::stream(kind, name)),
        new.map(|name| (name, claim::stream(kind, name))),
    );
    if old.as_ref() == new.as_ref().map(|(_, stream)| stream) {
        return Ok(());
    }
    if let Some((name, stream)) = new {
        let taken = tx
            .decide::<Claim>(&stream, take(kind, owner, at), &())
            .await;
        taken.map_err(|error| {
            error.map_refusal(|_| match kind {
                NameKind::Username => texts::could_not_save_identity(),
                _ => texts::field_unavailable(name),
            })
        })?;
    }
    if let Some(stream) = old {
        let release = ClaimCommand::Release {
            kind,
            owner: owner.as_str().to_owned(),
            at,
        };
        tx.decide::<Claim>(&stream, release, &())
            .await
            .map_err(ExecuteError::widen)?;
    }
    Ok(())
}

/// The account as the log has it, for what the views do not tell: passwords it had.
pub async fn account(state: &AppState, user: &UserId) -> Result<Option<Account>, ApiError> {
    let stream = user::stream(user);
    state
        .run(user, async |tx| {
            let state = tx
                .state::<User>(&stream)
                .await
                .map_err(ExecuteError::widen)?;
            Ok(match &*state {
                User::Present(account) => Some(account.clone()),
                User::Absent | User::Deleted => None,
            })
        })
        .await
}
