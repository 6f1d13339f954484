//! Changing accounts, mostly those of others (contract, conventions 7.3).

use application::people::users::update::{self, AccountUpdate};
use domain::UserId;
use domain::user::ProfileChange;
use serde_json::{Map, Value};

use crate::http::answer::Outcome;
use crate::http::call::Call;
use crate::http::page::Fields;
use crate::http::parameters::{Filled, Inside, Parameters};
use crate::http::route::{self, Route};
use crate::rest::people::users::{USER, raw_user, role_ids};

pub(super) fn routes() -> Vec<Route> {
    vec![
        route::post("users.update", change)
            .about("Changes an account.")
            .second_factor()
            .answers(USER),
    ]
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
