//! Login, logout, me (contract, conventions 4).

use std::sync::Arc;

use application::identity::credentials;
use axum::http::Method;
use projections::UserFacts;
use serde_json::{Map, Value, json};

use crate::documents::users;
use crate::errors::{ApiError, wording};
use crate::http::answer::{Answer, Outcome};
use crate::http::call::{Anyone, Call, FromInput, Input};
use crate::http::parameters::{Loose, field};
use crate::http::route::{self, Route};
use crate::http::schema::{Kind, Schema};
use crate::http::{login_form, second_factors};
use crate::state::AppState;
use crate::state::kept::MadeOf;

pub(super) fn routes() -> Vec<Route> {
    vec![
        route::public(Method::POST, "login", login)
            .about("Logs in and hands out a login token.")
            .answers_status(),
        route::post("logout", logout)
            .about("Voids the login token that is presented.")
            .answers_status(),
        route::get("logout", logout)
            .about("Voids the login token that is presented.")
            .answers_status(),
        route::get("me", me)
            .about("Tells who is logged in.")
            .answers(&[("_id", Kind::Text), ("username", Kind::Text)]),
    ]
}

/// Any of the forms that [`login_form`] reads. What is none of them, it words itself.
struct LogIn(Map<String, Value>);

impl FromInput for LogIn {
    const SCHEMA: Schema = Schema {
        fields: &[
            field::<Loose<String>>("user", false),
            field::<Loose<String>>("username", false),
            field::<Loose<String>>("email", false),
            field::<Loose<String>>("password", false),
            field::<Loose<String>>("code", false),
            field::<Loose<String>>("resume", false),
        ],
        ..Schema::OPEN
    };

    fn from_input(input: &mut Input) -> Result<Self, ApiError> {
        let params = input.params();
        let params = params.map_err(|_| wording::unrecognized_login())?;
        Ok(Self(params.into_map()))
    }
}

async fn login(call: Anyone, LogIn(body): LogIn) -> Outcome {
    let factor = second_factors::in_headers(&call.input.headers);
    let login = login_form::log_in(&call.state, &call.input.client, &body, factor).await?;
    let me = about_me(&made_of(&call.state, &login.user).await?);
    Ok(Answer::status_data(&json!({
        "userId": login.user.id,
        "authToken": login.token,
        "me": me,
    })))
}

/// `POST` and `GET /api/v1/logout`: revokes exactly the token of the request.
async fn logout(call: Call) -> Outcome {
    credentials::log_this_out(&call.state, &call.caller).await?;
    Ok(Answer::status_data(
        &json!({ "message": "You've been logged out!" }),
    ))
}

async fn me(call: Call) -> Outcome {
    let made_of = made_of(&call.state, &call.caller.user).await?;
    let kept = call.state.kept_answers();
    let answer = kept.get(&made_of).unwrap_or_else(|| {
        let answer = Answer::empty().fields(&about_me(&made_of)).into_bytes();
        kept.keep(&made_of, &answer);
        answer
    });
    Ok(Answer::made(answer))
}

async fn made_of(state: &AppState, user: &Arc<UserFacts>) -> Result<MadeOf, ApiError> {
    Ok(MadeOf {
        user: Arc::clone(user),
        proofs: state.views().proofs(&user.id).await?,
        settings: state.views().settings(),
        seen: state.presence().of(&user.id, user.chosen_status),
    })
}

fn about_me(made_of: &MadeOf) -> Map<String, Value> {
    users::me(made_of, second_factors::services(&made_of.proofs))
}
