//! Making accounts (contract, conventions 7.1). Names and addresses are claimed in the batch that uses them.

use domain::claim::NameKind;
use domain::membership::Joining;
use domain::permission::Authority;
use domain::settings::{Settings, keys};
use domain::user::{
    self, Email, Office, User, UserCommand, UserContext, UserCreated, UserEvent, UserKind,
    check_custom_fields,
};
use domain::{Decider as _, RoleId, UserId, text};
use eventstore::execute::Transaction;
use serde_json::Value;
use std::borrow::Cow;

use crate::admin::roles;
use crate::caller::Caller;
use crate::chat::members::{self, Founder};
use crate::claims::Claimant;
use crate::error::{Error, Fault, Refusal};
use crate::identity::account_mail::{self, Link, Told};
use crate::identity::{mail_domain, passwords, second_factors};
use crate::ids::{fresh_id, fresh_secret, now};
use crate::people::users::{Around, first_administrator, is_of_team};
use crate::workspace::{WorkError, Workspace};

/// Who makes an account, and for whom.
#[derive(Clone, Copy)]
pub enum Maker<'a> {
    /// The person signs up.
    Themselves(Door<'a>),
    /// A user makes it for another person.
    User {
        /// Who makes it.
        caller: &'a Caller,
        /// Whether the account may log in; `None`: as the settings say.
        active: Option<bool>,
    },
    /// At first start.
    Server,
}

/// What a person who is not logged in presents.
#[derive(Clone, Copy, Debug, Default)]
pub struct Door<'a> {
    /// The secret of the workspace, if signing up needs one.
    pub secret: Option<&'a str>,
    /// They proved that the server is theirs ([`crate::identity::setup_proof`]).
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
            office: if first_administrator::awaited_within(workspace, tx).await? {
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

/// Every decision that makes an account has an event for it.
const NOT_CREATED: Fault = Fault::Impossible(Cow::Borrowed("an account was made without an event"));

/// Whether making such an account would be refused; checked before a password is hashed for it. Names may still be
/// taken.
fn would_create(
    workspace: &Workspace,
    caller: &Caller,
    account: &UserCreated,
    active: Option<bool>,
) -> Result<(), Error> {
    let around = Around::new(workspace);
    let command = UserCommand::Create {
        account: Box::new(account.clone()),
        active,
    };
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
async fn create_and_tell(
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
        members::default_rooms(workspace).await?
    } else {
        Vec::new()
    };
    let actor = match maker {
        Maker::Themselves(_) => wish.user.clone(),
        Maker::User { caller, .. } => caller.id().clone(),
        Maker::Server => UserId::system(),
    };
    workspace
        .run(&actor, async |tx| {
            let created = decide_creation(workspace, &tx, &around, maker, wish).await?;
            take_names(workspace, &tx, maker, &created).await?;
            for role in &created.roles {
                roles::give(&tx, role, &created.user, None, created.at).await?;
            }
            account_mail::after_creation(workspace, &tx, &link, &created, signed_up, told).await?;
            if created.kind == UserKind::User {
                second_factors::opt_in(&tx, &around.settings, &created.user, created.at).await?;
            }
            if created.active && created.roles.iter().any(|role| role.as_str() == "admin") {
                first_administrator::take(&tx, &around.settings, &created.user, created.at).await?;
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

async fn decide_creation(
    workspace: &Workspace,
    tx: &Transaction,
    around: &Around,
    maker: Maker<'_>,
    wish: &UserCreated,
) -> Result<UserCreated, WorkError> {
    let stream = user::stream(&wish.user);
    let wish = Box::new(wish.clone());
    let settings = &around.settings;
    let known_roles;
    let (command, context) = match maker {
        Maker::Themselves(door) => {
            known_roles = roles::there(tx, user::default_roles(settings)).await?;
            let context = door.context(workspace, tx, settings, &known_roles).await?;
            (UserCommand::Register(wish), context)
        }
        Maker::User { caller, active } => {
            let account = wish;
            let context = around.context(caller, true);
            (UserCommand::Create { account, active }, context)
        }
        Maker::Server => {
            let (account, active) = (wish, None);
            (UserCommand::Create { account, active }, UserContext::System)
        }
    };
    let events = tx.decide_new::<User>(&stream, command, &context).await?;
    let created = events.into_iter().find_map(|event| match event {
        UserEvent::UserCreated(created) => Some(created),
        _ => None,
    });
    created.ok_or(WorkError::refused(NOT_CREATED))
}

async fn take_names(
    workspace: &Workspace,
    tx: &Transaction,
    maker: Maker<'_>,
    created: &UserCreated,
) -> Result<(), WorkError> {
    let signing_up = matches!(maker, Maker::Themselves(_));
    let names = |kind| Claimant::new(kind, created.user.as_str(), created.at);
    let taken = |own: Refusal, name: &str| {
        if signing_up {
            own
        } else {
            Refusal::FieldUnavailable(name.to_owned())
        }
    };
    let username = &created.username;
    let username_taken = taken(Refusal::UsernameInUse, username);
    if !matches!(maker, Maker::Server) && is_of_team(workspace, username).await? {
        return Err(WorkError::refused(username_taken));
    }
    names(NameKind::Username)
        .take(tx, username, username_taken)
        .await?;
    for Email { address, .. } in &created.emails {
        names(NameKind::Email)
            .take(tx, address, taken(Refusal::EmailInUse, address))
            .await?;
    }
    Ok(())
}

/// An account that a user makes for somebody else (`users.create`).
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub struct NewAccount {
    pub username: String,
    pub name: String,
    pub email: Email,
    /// In the clear.
    pub password: String,
    /// Generated instead of the one given; the user has to choose another one.
    pub random_password: bool,
    pub require_password_change: bool,
    /// `None`: the default ones.
    pub roles: Option<Vec<RoleId>>,
    /// `None`: as the settings say.
    pub active: Option<bool>,
    pub custom_fields: Option<Value>,
    pub bio: Option<String>,
    pub nickname: Option<String>,
    /// Whether the user is mailed the password even if it was chosen.
    pub welcome: bool,
    /// Whether they become a member of the default rooms.
    pub join: bool,
}

/// Makes an account for somebody else.
pub async fn create_for_another(
    workspace: &Workspace,
    caller: &Caller,
    wish: NewAccount,
) -> Result<UserId, Error> {
    let (active, join) = (wish.active, wish.join);
    let (random, welcome) = (wish.random_password, wish.welcome);
    let (password, address) = (wish.password.clone(), wish.email.address.clone());
    let mut account = account(wish, &workspace.views().settings())?;
    would_create(workspace, caller, &account, active)?;
    if !random && text::is_blank(&password) {
        return Err(Refusal::PasswordMissing.into());
    }
    mail_domain::check(workspace, &address).await?;
    let password = if random { fresh_secret() } else { password };
    account.password = Some(passwords::hash(workspace, &password).await?);
    // Nobody else knows a password that nobody typed.
    let told =
        (random || welcome).then(|| Told::first_password(workspace, &account.user, &password));
    let maker = Maker::User { caller, active };
    create_and_tell(workspace, maker, &account, join, told.as_ref()).await
}

/// The account without its password. Custom fields are kept as far as they are defined (6.5).
fn account(wish: NewAccount, settings: &Settings) -> Result<UserCreated, Error> {
    let roles = wish.roles.unwrap_or_else(|| {
        let set = settings.text(keys::ACCOUNTS_REGISTRATION_USERS_DEFAULT_ROLES);
        let roles = set.split(',').filter_map(text::filled);
        roles.map(RoleId::new).collect()
    });
    let custom_fields = match &wish.custom_fields {
        None => None,
        sent => check_custom_fields(sent.as_ref(), settings)?,
    };
    Ok(UserCreated {
        user: UserId::new(fresh_id()),
        kind: UserKind::User,
        username: wish.username,
        name: Some(wish.name),
        emails: vec![wish.email],
        password: None,
        roles,
        active: true,
        require_password_change: wish.random_password || wish.require_password_change,
        reason: None,
        custom_fields,
        bio: wish.bio,
        nickname: wish.nickname,
        at: now(),
    })
}
