//! Creating and changing accounts, mostly those of others (contract, conventions 7.1 and 7.3).

use application::chat::ownership::Orphans;
use application::identity::account_mail::Told;
use application::identity::{mail_domain, passwords};
use application::ids::{fresh_id, fresh_secret, now};
use application::people::users::{self, Maker};
use domain::permission::Permission;
use domain::settings::{Settings, keys};
use domain::user::{
    Email, ProfileChange, UserCommand, UserCreated, UserKind, UserRefusal, check_custom_fields,
};
use domain::{RoleId, UserId, text};
use projections::UserFacts;
use serde_json::{Map, Value};

use crate::documents;
use crate::errors::{ApiError, wording};
use crate::http::answer::{Answer, Outcome};
use crate::http::call::Call;
use crate::http::page::{FieldChoice, Fields};
use crate::http::parameters::{Filled, Inside, Parameters};
use crate::http::route::{self, Route};
use crate::http::schema::Kind;

const USER: &[(&str, Kind)] = &[("user", Kind::Object)];

pub(super) fn routes() -> Vec<Route> {
    vec![
        route::post("users.create", create)
            .about("Makes an account for somebody.")
            .needs_or(&[Permission::CREATE_USER], create_not_allowed)
            .answers(USER),
        route::post("users.update", update)
            .about("Changes an account.")
            .second_factor()
            .answers(USER),
    ]
}

/// For callers who may not create accounts.
fn create_not_allowed() -> ApiError {
    UserRefusal::CreateNotAllowed.into()
}

#[derive(Parameters)]
struct Create {
    email: String,
    name: String,
    password: String,
    username: String,
    active: Option<bool>,
    bio: Option<Filled>,
    nickname: Option<Filled>,
    _status_text: Option<String>,
    roles: Option<Vec<String>>,
    join_default_channels: Option<bool>,
    require_password_change: Option<bool>,
    set_random_password: Option<bool>,
    send_welcome_email: Option<bool>,
    verified: Option<bool>,
    custom_fields: Option<Map<String, Value>>,
    /// Those in the query string count.
    _fields: Option<String>,
}

async fn create(call: Call, params: Create) -> Outcome {
    let choice = Fields::read(&mut call.input.query())?.choice()?;
    let state = &call.state;
    let random = params.set_random_password.unwrap_or_default();
    let welcome = params.send_welcome_email.unwrap_or_default();
    let join = params.join_default_channels.unwrap_or(true);
    let (email, password) = (params.email.clone(), params.password.clone());
    let mut wish = wished(&call, params)?;
    users::would_create(state, &call.caller, &wish)?;
    if !random && text::is_blank(&password) {
        return Err(wording::field_required("Password"));
    }
    mail_domain::check(state, &email).await?;
    let password = if random { fresh_secret() } else { password };
    wish.password = Some(passwords::hash(state, &password).await?);
    // Nobody else knows a password that nobody typed.
    let told = (random || welcome).then(|| Told::first_password(state, &wish.user, &password));
    let maker = Maker::User(&call.caller);
    let id = users::create_and_tell(state, maker, &wish, join, told.as_ref()).await?;
    raw_user(&call, &id, choice.as_ref()).await
}

/// The account that the parameters ask for, without its password.
fn wished(call: &Call, params: Create) -> Result<UserCreated, ApiError> {
    let settings = call.state.views().settings();
    let roles = match params.roles {
        Some(roles) => roles.into_iter().map(RoleId::new).collect(),
        None => settings
            .text(keys::ACCOUNTS_REGISTRATION_USERS_DEFAULT_ROLES)
            .split(',')
            .map(|role| RoleId::new(text::trim(role)))
            .filter(|role| !role.as_str().is_empty())
            .collect(),
    };
    let active = match params.active {
        Some(active) => {
            call.need(Permission::EDIT_OTHER_USER_ACTIVE_STATUS)?;
            active
        }
        None => !settings.bool(keys::ACCOUNTS_MANUALLY_APPROVE_NEW_USERS),
    };
    Ok(UserCreated {
        user: UserId::new(fresh_id()),
        kind: UserKind::User,
        username: params.username,
        name: Some(params.name),
        emails: vec![Email {
            address: params.email,
            verified: params.verified.unwrap_or_default(),
        }],
        password: None,
        roles,
        active,
        require_password_change: params.set_random_password == Some(true)
            || params.require_password_change == Some(true),
        reason: None,
        custom_fields: custom_fields(params.custom_fields, &settings)?,
        bio: params.bio.map(|Filled(bio)| bio),
        nickname: params.nickname.map(|Filled(name)| name),
        at: now(),
    })
}

/// The custom fields sent, as far as they are defined; `None` if none were sent (6.5).
fn custom_fields(
    sent: Option<Map<String, Value>>,
    settings: &Settings,
) -> Result<Option<Value>, ApiError> {
    match sent.map(Value::Object) {
        None => Ok(None),
        sent => Ok(check_custom_fields(sent.as_ref(), settings)?),
    }
}

/// The account as it is now. The fields wanted are in the query string, whatever the body says.
async fn raw_user(call: &Call, id: &UserId, choice: Option<&FieldChoice>) -> Outcome {
    let user = call.state.views().user(id).await?;
    let user = user.ok_or(ApiError::Unavailable)?;
    let privileged = call.may(Permission::VIEW_FULL_OTHER_USER_INFO);
    let mut doc = documents::users::raw(&call.state, &user, privileged);
    if let Some(choice) = choice {
        choice.apply(&mut doc);
    }
    Ok(Answer::empty().field("user", &doc))
}

#[derive(Parameters)]
struct Update {
    user_id: UserId,
    data: Inside<Data>,
    confirm_relinquish: Option<bool>,
}

#[derive(Parameters)]
struct Data {
    email: Option<String>,
    name: Option<String>,
    password: Option<Filled>,
    username: Option<String>,
    bio: Option<String>,
    nickname: Option<String>,
    status_text: Option<String>,
    active: Option<bool>,
    roles: Option<Vec<String>>,
    _join_default_channels: Option<bool>,
    require_password_change: Option<bool>,
    set_random_password: Option<bool>,
    _send_welcome_email: Option<bool>,
    verified: Option<bool>,
    custom_fields: Option<Map<String, Value>>,
    _status: Option<String>,
}

/// `POST /api/v1/users.update`. `bio` and `nickname` are cleared if they are not sent.
async fn update(call: Call, params: Update) -> Outcome {
    let choice = Fields::read(&mut call.input.query())?.choice()?;
    let (id, Inside(data)) = (params.user_id, params.data);
    let own = id == *call.caller.id();
    if !own && !call.may(Permission::EDIT_OTHER_USER_INFO) {
        return Err(UserRefusal::EditOtherNotAllowed.into());
    }
    let user = call.state.views().user(&id).await?;
    let user = user.ok_or_else(wording::user_param_unknown)?;
    let mut orphans = Orphans::default();
    if let Some(active) = data.active {
        call.need(Permission::EDIT_OTHER_USER_ACTIVE_STATUS)?;
        if user.active && !active {
            let confirmed = params.confirm_relinquish.unwrap_or_default();
            orphans = Orphans::Left { confirmed };
        }
    }
    let (commands, told) = update_commands(&call, &user, data).await?;
    let keep = own.then(|| call.caller.credential());
    let (caller, told) = (&call.caller, told.as_ref());
    users::change_and_tell(&call.state, caller, &id, &commands, keep, orphans, told).await?;
    raw_user(&call, &id, choice.as_ref()).await
}

/// What the fields of an update ask for, and the password to mail.
async fn update_commands(
    call: &Call,
    account: &UserFacts,
    data: Data,
) -> Result<(Vec<UserCommand>, Option<Told>), ApiError> {
    let (at, user) = (now(), account.id.clone());
    let settings = call.state.views().settings();
    let address = new_address(call, account, &data).await?;
    let (password, told) = new_password(call, &user, &data).await?;
    let change = ProfileChange {
        name: data.name,
        bio: Some(data.bio.unwrap_or_default()),
        nickname: Some(data.nickname.unwrap_or_default()),
        status_text: data.status_text,
        custom_fields: custom_fields(data.custom_fields, &settings)?,
    };
    let mut commands = vec![UserCommand::ChangeProfile {
        user: user.clone(),
        change,
        at,
    }];
    if let Some(username) = data.username {
        commands.push(UserCommand::ChangeUsername {
            user: user.clone(),
            username,
            at,
        });
    }
    commands.extend(address);
    if let Some(roles) = data.roles {
        let roles = roles.into_iter().map(RoleId::new).collect();
        commands.push(UserCommand::SetRoles {
            user: user.clone(),
            roles,
            at,
        });
    }
    if let Some(active) = data.active {
        commands.push(UserCommand::SetActive {
            user: user.clone(),
            active,
            at,
        });
    }
    commands.extend(password);
    Ok((commands, told))
}

async fn new_address(
    call: &Call,
    account: &UserFacts,
    data: &Data,
) -> Result<Option<UserCommand>, ApiError> {
    let verified = data.verified.unwrap_or_default();
    let now_address = account.first_address();
    let wanted = data.email.clone();
    let Some(address) = wanted.or_else(|| now_address.filter(|_| verified).map(str::to_owned))
    else {
        return Ok(None);
    };
    if now_address != Some(text::trim(&address)) {
        mail_domain::check(&call.state, &address).await?;
    }
    Ok(Some(UserCommand::ChangeEmail {
        user: account.id.clone(),
        address,
        verified,
        at: now(),
    }))
}

/// The new password, silently ignored without the permission; a random one comes before the one sent, and is mailed.
async fn new_password(
    call: &Call,
    user: &UserId,
    data: &Data,
) -> Result<(Option<UserCommand>, Option<Told>), ApiError> {
    let (user, at, state) = (user.clone(), now(), &call.state);
    let random = data.set_random_password.unwrap_or_default();
    let wanted = data.require_password_change;
    let may = call.may(Permission::EDIT_OTHER_USER_PASSWORD);
    let given = data.password.as_deref().filter(|_| may);
    let mut told = None;
    let password = if random && may {
        // Generated: the policy is for passwords that people choose.
        let clear = fresh_secret();
        told = Some(Told::new_password(state, &user, &clear));
        Some(passwords::hash(state, &clear).await?)
    } else if let Some(clear) = given {
        Some(passwords::hash_checked(state, clear).await?)
    } else {
        None
    };
    let command = match password {
        Some(password) => Some(UserCommand::ChangePassword {
            user,
            password,
            require_change: random || wanted.unwrap_or(false),
            at,
        }),
        None => wanted
            .filter(|_| call.may(Permission::EDIT_OTHER_USER_INFO))
            .map(|required| UserCommand::RequirePasswordChange { user, required, at }),
    };
    Ok((command, told))
}
