//! Signing up, and available user names (contract, conventions 7.1 and 7.6).

use application::identity::registration::{self, SignUp};
use application::identity::setup_proof;
use application::people::users::create::Door;
use axum::http::Method;
use domain::settings::keys;

use crate::documents::users;
use crate::errors::{ApiError, wording};
use crate::http::answer::{Answer, Outcome};
use crate::http::call::{Anyone, Call};
use crate::http::page::Fields;
use crate::http::parameters::{Filled, Long, Parameters};
use crate::http::route::{self, Rate, Route};
use crate::http::schema::Kind;

const USER: &[(&str, Kind)] = &[("user", Kind::Object)];

const RESULT: &[(&str, Kind)] = &[("result", Kind::Text)];

pub(super) fn routes() -> Vec<Route> {
    vec![
        route::public(Method::POST, "users.register", register)
            .about("Signs somebody up.")
            .rate(Rate::Setting(keys::RATE_LIMITER_LIMIT_REGISTER_USER))
            .answers(USER),
        route::get("users.getUsernameSuggestion", username_suggestion)
            .about("Suggests a user name that is free.")
            .answers(RESULT),
        route::get("users.checkUsernameAvailability", check_availability)
            .about("Tells whether the caller could have that user name.")
            .answers(&[("result", Kind::Boolean)]),
    ]
}

#[derive(Parameters)]
struct Register {
    username: Long<3>,
    email: String,
    pass: String,
    /// Required all the same: clients know the error of the handler.
    name: Option<String>,
    secret: Option<Filled>,
    reason: Option<Filled>,
    setup_code: Option<Filled>,
}

/// `POST /api/v1/users.register`. Does not log in.
async fn register(call: Anyone, params: Register) -> Outcome {
    let choice = Fields::read(&mut call.input.query())?.choice()?;
    let name = params.name.ok_or_else(|| wording::match_missing("name"))?;
    let wish = SignUp {
        username: Some(&params.username.0),
        name: &name,
        email: &params.email,
        password: &params.pass,
        door: Door {
            secret: params.secret.as_deref(),
            owns_server: setup_proof::is_proved(
                &call.state,
                &call.input.client,
                params.setup_code.as_deref(),
            ),
        },
        reason: params.reason.as_deref(),
    };
    let id = registration::sign_up(&call.state, &wish).await?;
    let user = call.state.views().user(&id).await?;
    let user = user.ok_or(ApiError::Unavailable)?;
    let mut doc = users::raw(&call.state, &user, false);
    if let Some(choice) = choice {
        choice.apply(&mut doc);
    }
    Ok(Answer::empty().field("user", &doc))
}

async fn username_suggestion(call: Call) -> Outcome {
    let free = registration::suggestion(&call.state, &call.caller).await?;
    Ok(Answer::empty().field("result", &free))
}

#[derive(Parameters)]
struct CheckAvailability {
    username: String,
}

async fn check_availability(call: Call, wish: CheckAvailability) -> Outcome {
    let (state, caller) = (&call.state, &call.caller);
    let free = registration::is_available(state, caller, &wish.username).await?;
    Ok(Answer::empty().field("result", &free))
}
