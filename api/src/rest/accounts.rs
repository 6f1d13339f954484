//! Making, changing and ending accounts of others, and one's own (contract, conventions 7.1, 7.3 and 7.4).

use domain::password::check_policy;
use domain::permission::Permission;
use domain::settings::Settings;
use domain::user::{Email, ProfileChange, UserCommand, UserCreated, UserKind, check_custom_fields};
use domain::{RoleId, UserId};
use serde_json::{Value, json};

use super::answer::{Answer, Outcome};
use super::{lookup, shape};
use crate::commands::account_mail::Told;
use crate::commands::ownership::Orphans;
use crate::commands::users::{self, Maker};
use crate::error::{ApiError, texts};
use crate::extract::Call;
use crate::extract::params::Params;
use crate::extract::schema::{Kind, Schema};
use crate::password::PasswordDigest;
use crate::state::{fresh_id, fresh_secret, now};

pub(crate) static CREATE: Schema = Schema {
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

pub(crate) static UPDATE: Schema = Schema {
    required: &[("userId", Kind::Text), ("data", Kind::Object)],
    optional: &[("confirmRelinquish", Kind::Boolean)],
    one_of: &[],
};

const UPDATE_DATA: Schema = Schema {
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

pub(crate) static SET_ACTIVE: Schema = Schema {
    required: &[("userId", Kind::Text), ("activeStatus", Kind::Boolean)],
    optional: &[("confirmRelinquish", Kind::Boolean)],
    one_of: &[],
};

/// `POST /api/v1/users.create`.
pub async fn create(call: Call) -> Outcome {
    let params = call.input.params()?;
    let state = &call.state;
    let settings = state.views().settings();
    for (key, label) in [
        ("username", "Username"),
        ("name", "Name"),
        ("password", "Password"),
    ] {
        if params.filled(key)?.is_none() {
            return Err(texts::field_required(label));
        }
    }
    let random = params.flag("setRandomPassword");
    let roles = match params.texts("roles")? {
        Some(roles) => roles.into_iter().map(RoleId::new).collect(),
        None => settings
            .text("Accounts_Registration_Users_Default_Roles")
            .split(',')
            .map(|role| RoleId::new(role.trim()))
            .filter(|role| !role.as_str().is_empty())
            .collect(),
    };
    let mut wish = UserCreated {
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
        active: params.boolean("active")?.unwrap_or(true),
        require_password_change: random || params.flag("requirePasswordChange"),
        reason: None,
        custom_fields: custom_fields(&params, &settings)?,
        bio: params.filled("bio")?.map(str::to_owned),
        nickname: params.filled("nickname")?.map(str::to_owned),
        at: now(),
    };
    users::would_create(state, &call.caller, &wish).await?;
    let password = if random {
        fresh_secret()
    } else {
        params.required("password")?.to_owned()
    };
    wish.password = Some(
        state
            .passwords()
            .hash(PasswordDigest::of(&password))
            .await?,
    );
    let join = params.boolean("joinDefaultChannels")?.unwrap_or(true);
    // A password nobody typed is known to nobody else.
    let told = (random || params.flag("sendWelcomeEmail"))
        .then(|| Told::first_password(state, &wish.user, &password));
    let maker = Maker::User(&call.caller);
    let id = users::create_and_tell(state, maker, &wish, join, told.as_ref()).await?;
    raw_user(&call, &id).await
}

/// The custom fields that are defined, among those sent; nothing without any sent (6.5).
fn custom_fields(params: &Params, settings: &Settings) -> Result<Option<Value>, ApiError> {
    match params.get("customFields") {
        sent @ Some(Value::Object(_)) => Ok(check_custom_fields(sent, settings)?),
        _ => Ok(None),
    }
}

async fn raw_user(call: &Call, id: &UserId) -> Outcome {
    let user = call
        .state
        .views()
        .user(id)
        .await?
        .ok_or(ApiError::Unavailable)?;
    let privileged = call.may(Permission::VIEW_FULL_OTHER_USER_INFO);
    Ok(Answer::empty().field("user", &shape::raw(&call.state, &user, privileged)))
}

/// `POST /api/v1/users.update`. `bio` and `nickname` are cleared when they are not sent.
pub async fn update(call: Call) -> Outcome {
    let params = call.input.params()?;
    let data: Params = match params.get("data") {
        Some(Value::Object(data)) => UPDATE_DATA.check(data.clone().into())?,
        _ => return Err(texts::invalid_params(&["must be object".to_owned()])),
    };
    let id = UserId::new(params.required("userId")?);
    let user = call
        .state
        .views()
        .user(&id)
        .await?
        .ok_or_else(texts::user_param_unknown)?;
    let orphans = match data.boolean("active")? {
        Some(active) => {
            call.need(Permission::EDIT_OTHER_USER_ACTIVE_STATUS)?;
            if user.active && !active {
                Orphans::of(&call.state, &id, params.flag("confirmRelinquish")).await?
            } else {
                Orphans::default()
            }
        }
        None => Orphans::default(),
    };
    let (commands, told) = update_commands(&call, &id, &data).await?;
    let own = id == *call.caller.id();
    let keep = own.then_some(&call.caller.token);
    let caller = &call.caller;
    let told = told.as_ref();
    users::change_and_tell(&call.state, caller, &id, &commands, keep, &orphans, told).await?;
    raw_user(&call, &id).await
}

/// What the fields of an update ask for, and the password that is to be mailed.
async fn update_commands(
    call: &Call,
    id: &UserId,
    data: &Params,
) -> Result<(Vec<UserCommand>, Option<Told>), ApiError> {
    let mut told = None;
    let (at, user) = (now(), id.clone());
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
    let verified = data.flag("verified");
    if let Some(address) = owned("email")? {
        commands.push(UserCommand::ChangeEmail {
            user: user.clone(),
            address,
            verified,
            at,
        });
    } else if verified && let Some(address) = first_address(call, id).await? {
        commands.push(UserCommand::ChangeEmail {
            user: user.clone(),
            address,
            verified,
            at,
        });
    }
    // Silently ignored without the permission, and random ones win over those sent.
    let random = data.flag("setRandomPassword");
    let password = if random {
        Some(fresh_secret())
    } else {
        data.filled("password")?.map(str::to_owned)
    };
    if let Some(password) = password
        && call.may(Permission::EDIT_OTHER_USER_PASSWORD)
    {
        check_policy(&password, &settings)?;
        told = random.then(|| Told::new_password(&call.state, id, &password));
        let password = call
            .state
            .passwords()
            .hash(PasswordDigest::of(&password))
            .await?;
        let require_change = random || data.flag("requirePasswordChange");
        commands.push(UserCommand::ChangePassword {
            user: user.clone(),
            password,
            require_change,
            at,
        });
    }
    if let Some(roles) = data.texts("roles")? {
        let roles = roles.into_iter().map(RoleId::new).collect();
        commands.push(UserCommand::SetRoles {
            user: user.clone(),
            roles,
            at,
        });
    }
    if let Some(active) = data.boolean("active")? {
        commands.push(UserCommand::SetActive { user, active, at });
    }
    Ok((commands, told))
}

async fn first_address(call: &Call, id: &UserId) -> Result<Option<String>, ApiError> {
    let Some(user) = call.state.views().user(id).await? else {
        return Ok(None);
    };
    let doc: Value = serde_json::from_slice(&user.doc).unwrap_or_default();
    Ok(doc["emails"][0]["address"].as_str().map(str::to_owned))
}

/// `POST /api/v1/users.setActiveStatus`. An unknown id is answered with success and no user.
pub async fn set_active_status(call: Call) -> Outcome {
    call.need(Permission::EDIT_OTHER_USER_ACTIVE_STATUS)?;
    let params = call.input.params()?;
    let id = UserId::new(params.required("userId")?);
    let active = params.flag("activeStatus");
    let Some(user) = call.state.views().user(&id).await? else {
        return Ok(Answer::empty());
    };
    let orphans = if user.active && !active {
        Orphans::of(&call.state, &id, params.flag("confirmRelinquish")).await?
    } else {
        Orphans::default()
    };
    let set = UserCommand::SetActive {
        user: id.clone(),
        active,
        at: now(),
    };
    users::change(&call.state, &call.caller, &id, &[set], None, &orphans).await?;
    Ok(Answer::empty().field("user", &json!({ "_id": id, "active": active })))
}

/// `POST /api/v1/users.delete`.
pub async fn delete(call: Call) -> Outcome {
    let params = call.input.params()?;
    let user = lookup::user(&call.state, &params).await?;
    let orphans = Orphans::of(&call.state, &user.id, params.flag("confirmRelinquish")).await?;
    users::delete(&call.state, &call.caller, &user.id, &orphans).await?;
    Ok(Answer::empty())
}
