//! Creating and changing accounts, mostly those of others (contract, conventions 7.1 and 7.3).

use application::chat::ownership::Orphans;
use application::identity::account_mail::Told;
use application::identity::{mail_domain, passwords};
use application::ids::{fresh_id, fresh_secret, now};
use application::people::profile::first_address;
use application::people::users::{self, Maker};
use domain::permission::Permission;
use domain::settings::{Settings, keys};
use domain::user::{
    Email, ProfileChange, UserCommand, UserCreated, UserKind, UserRefusal, check_custom_fields,
};
use domain::{RoleId, UserId, text};
use projections::UserFacts;
use serde_json::Value;

use crate::documents;
use crate::errors::{ApiError, wording};
use crate::http::answer::{Answer, Outcome};
use crate::http::call::Call;
use crate::http::page::FieldChoice;
use crate::http::params::Params;
use crate::http::route::{self, Route};
use crate::http::schema::{Kind, OldSchema};

const USER: &[(&str, Kind)] = &[("user", Kind::Object)];

pub(super) fn routes() -> Vec<Route> {
    vec![
        route::post("users.create", create)
            .about("Makes an account for somebody.")
            .takes(&CREATE)
            .needs_or(&[Permission::CREATE_USER], create_not_allowed)
            .answers(USER),
        route::post("users.update", update)
            .about("Changes an account.")
            .takes(&UPDATE)
            .second_factor()
            .answers(USER),
    ]
}

static CREATE: OldSchema = OldSchema {
    required: &[
        ("email", Kind::Text),
        ("name", Kind::Text),
        ("password", Kind::Text),
        ("username", Kind::Text),
    ],
    optional: &[
        ("active", Kind::Boolean),
        ("bio", Kind::Text),
        ("nickname", Kind::Text),
        ("statusText", Kind::Text),
        ("roles", Kind::Texts),
        ("joinDefaultChannels", Kind::Boolean),
        ("requirePasswordChange", Kind::Boolean),
        ("setRandomPassword", Kind::Boolean),
        ("sendWelcomeEmail", Kind::Boolean),
        ("verified", Kind::Boolean),
        ("customFields", Kind::Object),
        ("fields", Kind::Text),
    ],
    one_of: &[],
};

static UPDATE: OldSchema = OldSchema {
    required: &[
        ("userId", Kind::Text),
        ("data", Kind::OldShape(&UPDATE_DATA)),
    ],
    optional: &[("confirmRelinquish", Kind::Boolean)],
    one_of: &[],
};

static UPDATE_DATA: OldSchema = OldSchema {
    required: &[],
    optional: &[
        ("email", Kind::Text),
        ("name", Kind::Text),
        ("password", Kind::Text),
        ("username", Kind::Text),
        ("bio", Kind::Text),
        ("nickname", Kind::Text),
        ("statusText", Kind::Text),
        ("active", Kind::Boolean),
        ("roles", Kind::Texts),
        ("joinDefaultChannels", Kind::Boolean),
        ("requirePasswordChange", Kind::Boolean),
        ("setRandomPassword", Kind::Boolean),
        ("sendWelcomeEmail", Kind::Boolean),
        ("verified", Kind::Boolean),
        ("customFields", Kind::Object),
        ("status", Kind::Text),
    ],
    one_of: &[],
};

/// For callers who may not create accounts.
fn create_not_allowed() -> ApiError {
    UserRefusal::CreateNotAllowed.into()
}

async fn create(call: Call) -> Outcome {
    let params = call.input.params()?;
    let choice = FieldChoice::parse(&call.input.query())?;
    let state = &call.state;
    let random = params.flag("setRandomPassword");
    let mut wish = wished(&call, &params)?;
    users::would_create(state, &call.caller, &wish)?;
    if !random && params.filled("password")?.is_none() {
        return Err(wording::field_required("Password"));
    }
    mail_domain::check(state, params.required("email")?).await?;
    let password = if random {
        fresh_secret()
    } else {
        params.required("password")?.to_owned()
    };
    wish.password = Some(passwords::hash(state, &password).await?);
    let join = params.boolean("joinDefaultChannels")?.unwrap_or(true);
    // Nobody else knows a password that nobody typed.
    let told = (random || params.flag("sendWelcomeEmail"))
        .then(|| Told::first_password(state, &wish.user, &password));
    let maker = Maker::User(&call.caller);
    let id = users::create_and_tell(state, maker, &wish, join, told.as_ref()).await?;
    raw_user(&call, &id, choice.as_ref()).await
}

/// The account that the parameters ask for, without its password.
fn wished(call: &Call, params: &Params) -> Result<UserCreated, ApiError> {
    let settings = call.state.views().settings();
    let roles = match params.texts("roles")? {
        Some(roles) => roles.into_iter().map(RoleId::new).collect(),
        None => settings
            .text(keys::ACCOUNTS_REGISTRATION_USERS_DEFAULT_ROLES)
            .split(',')
            .map(|role| RoleId::new(text::trim(role)))
            .filter(|role| !role.as_str().is_empty())
            .collect(),
    };
    let active = match params.boolean("active")? {
        Some(active) => {
            call.need(Permission::EDIT_OTHER_USER_ACTIVE_STATUS)?;
            active
        }
        None => !settings.bool(keys::ACCOUNTS_MANUALLY_APPROVE_NEW_USERS),
    };
    Ok(UserCreated {
        user: UserId::new(fresh_id()),
        kind: UserKind::User,
        username: params.required("username")?.to_owned(),
        name: params.text("name")?.map(str::to_owned),
        emails: vec![Email {
            address: params.required("email")?.to_owned(),
            verified: params.flag("verified"),
        }],
        password: None,
        roles,
        active,
        require_password_change: params.flag("setRandomPassword")
            || params.flag("requirePasswordChange"),
        reason: None,
        custom_fields: custom_fields(params, &settings)?,
        bio: params.filled("bio")?.map(str::to_owned),
        nickname: params.filled("nickname")?.map(str::to_owned),
        at: now(),
    })
}

/// The custom fields sent, as far as they are defined; `None` if none were sent (6.5).
fn custom_fields(params: &Params, settings: &Settings) -> Result<Option<Value>, ApiError> {
    match params.get("customFields") {
        sent @ Some(Value::Object(_)) => Ok(check_custom_fields(sent, settings)?),
        _ => Ok(None),
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

/// `POST /api/v1/users.update`. `bio` and `nickname` are cleared if they are not sent.
async fn update(call: Call) -> Outcome {
    let params = call.input.params()?;
    let choice = FieldChoice::parse(&call.input.query())?;
    let data: Params = match params.get("data") {
        Some(Value::Object(data)) => data.clone().into(),
        _ => return Err(wording::invalid_params(&["must be object".to_owned()])),
    };
    let id = UserId::new(params.required("userId")?);
    let own = id == *call.caller.id();
    if !own && !call.may(Permission::EDIT_OTHER_USER_INFO) {
        return Err(UserRefusal::EditOtherNotAllowed.into());
    }
    let user = call.state.views().user(&id).await?;
    let user = user.ok_or_else(wording::user_param_unknown)?;
    let mut orphans = Orphans::default();
    if let Some(active) = data.boolean("active")? {
        call.need(Permission::EDIT_OTHER_USER_ACTIVE_STATUS)?;
        if user.active && !active {
            let confirmed = params.flag("confirmRelinquish");
            orphans = Orphans::Left { confirmed };
        }
    }
    let (commands, told) = update_commands(&call, &user, &data).await?;
    let keep = own.then(|| call.caller.credential());
    let (caller, told) = (&call.caller, told.as_ref());
    users::change_and_tell(&call.state, caller, &id, &commands, keep, orphans, told).await?;
    raw_user(&call, &id, choice.as_ref()).await
}

/// What the fields of an update ask for, and the password to mail.
async fn update_commands(
    call: &Call,
    account: &UserFacts,
    data: &Params,
) -> Result<(Vec<UserCommand>, Option<Told>), ApiError> {
    let (at, user) = (now(), account.id.clone());
    let settings = call.state.views().settings();
    let owned = |name: &str| data.text(name).map(|text| text.map(str::to_owned));
    let change = ProfileChange {
        name: owned("name")?,
        bio: Some(owned("bio")?.unwrap_or_default()),
        nickname: Some(owned("nickname")?.unwrap_or_default()),
        status_text: owned("statusText")?,
        custom_fields: custom_fields(data, &settings)?,
    };
    let mut commands = vec![UserCommand::ChangeProfile {
        user: user.clone(),
        change,
        at,
    }];
    if let Some(username) = owned("username")? {
        commands.push(UserCommand::ChangeUsername {
            user: user.clone(),
            username,
            at,
        });
    }
    commands.extend(new_address(call, account, data).await?);
    if let Some(roles) = data.texts("roles")? {
        let roles = roles.into_iter().map(RoleId::new).collect();
        commands.push(UserCommand::SetRoles {
            user: user.clone(),
            roles,
            at,
        });
    }
    if let Some(active) = data.boolean("active")? {
        commands.push(UserCommand::SetActive {
            user: user.clone(),
            active,
            at,
        });
    }
    let (password, told) = new_password(call, &user, data).await?;
    commands.extend(password);
    Ok((commands, told))
}

async fn new_address(
    call: &Call,
    account: &UserFacts,
    data: &Params,
) -> Result<Option<UserCommand>, ApiError> {
    let verified = data.flag("verified");
    let now_address = first_address(&account.doc);
    let wanted = data.text("email")?.map(str::to_owned);
    let Some(address) = wanted.or_else(|| now_address.clone().filter(|_| verified)) else {
        return Ok(None);
    };
    if now_address.as_deref() != Some(text::trim(&address)) {
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
    data: &Params,
) -> Result<(Option<UserCommand>, Option<Told>), ApiError> {
    let (user, at, state) = (user.clone(), now(), &call.state);
    let random = data.flag("setRandomPassword");
    let wanted = data.boolean("requirePasswordChange")?;
    let may = call.may(Permission::EDIT_OTHER_USER_PASSWORD);
    let given = data.filled("password")?.filter(|_| may);
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
