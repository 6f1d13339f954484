//! Making accounts for others (contract, conventions 7.1).

use application::people::users::create::{NewAccount, create_for_another};
use domain::permission::Permission;
use domain::user::{Email, UserRefusal};
use serde_json::{Map, Value};

use crate::errors::ApiError;
use crate::http::answer::Outcome;
use crate::http::call::Call;
use crate::http::page::Fields;
use crate::http::parameters::{Filled, Parameters};
use crate::http::route::{self, Route};
use crate::rest::people::users::{USER, raw_user, role_ids};

pub(super) fn routes() -> Vec<Route> {
    vec![
        route::post("users.create", create)
            .about("Makes an account for somebody.")
            .needs_or(&[Permission::CREATE_USER], create_not_allowed)
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
    let id = create_for_another(&call.state, &call.caller, wish).await?;
    raw_user(&call, &id, choice.as_ref()).await
}
