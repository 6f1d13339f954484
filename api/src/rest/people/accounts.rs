//! Creating and changing accounts, mostly those of others (contract, conventions 7.1 and 7.3).

use application::people::users::new_account::{self, NewAccount};
use application::people::users::update::{self, AccountUpdate};
use domain::permission::Permission;
use domain::user::{Email, ProfileChange, UserRefusal};
use domain::{RoleId, UserId};
use serde_json::{Map, Value};

use crate::documents;
use crate::errors::ApiError;
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
        route::post("users.update", change)
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
    let wish = NewAccount {
        username: params.username,
        name: params.name,
        email: Email {
            address: params.email,
            verified: params.verified.unwrap_or_default(),
        },
        password: params.password,
        random_password: params.set_random_password.unwrap_or_default(),
        require_password_change: params.require_password_change.unwrap_or_default(),
        roles: params.roles.map(role_ids),
        active: params.active,
        custom_fields: params.custom_fields.map(Value::Object),
        bio: params.bio.map(|Filled(bio)| bio),
        nickname: params.nickname.map(|Filled(name)| name),
        welcome: params.send_welcome_email.unwrap_or_default(),
        join: params.join_default_channels.unwrap_or(true),
    };
    let id = new_account::create(&call.state, &call.caller, wish).await?;
    raw_user(&call, &id, choice.as_ref()).await
}

fn role_ids(names: Vec<String>) -> Vec<RoleId> {
    names.into_iter().map(RoleId::new).collect()
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
async fn change(call: Call, params: Update) -> Outcome {
    let choice = Fields::read(&mut call.input.query())?.choice()?;
    let (id, Inside(data)) = (params.user_id, params.data);
    let wish = AccountUpdate {
        change: ProfileChange {
            name: data.name,
            bio: Some(data.bio.unwrap_or_default()),
            nickname: Some(data.nickname.unwrap_or_default()),
            status_text: data.status_text,
            custom_fields: data.custom_fields.map(Value::Object),
        },
        username: data.username,
        email: data.email,
        verified: data.verified.unwrap_or_default(),
        password: data.password.map(|Filled(clear)| clear),
        random_password: data.set_random_password.unwrap_or_default(),
        require_password_change: data.require_password_change,
        roles: data.roles.map(role_ids),
        active: data.active,
        confirmed: params.confirm_relinquish.unwrap_or_default(),
    };
    update::update(&call.state, &call.caller, &id, wish).await?;
    raw_user(&call, &id, choice.as_ref()).await
}
