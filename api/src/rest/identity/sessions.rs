//! One's own login tokens and those of others, and tokens for programs (contract, conventions 7.5).

use application::dates::iso;
use application::error::Error;
use application::identity::personal_tokens::PersonalTokens;
use application::identity::{credentials, sessions};
use application::token::expires_at;
use domain::UserId;
use domain::credential::Ending;
use domain::permission::Permission;
use serde_json::{Value, json};

use crate::errors::{ApiError, wording};
use crate::http::answer::{Answer, Outcome};
use crate::http::call::Call;
use crate::http::parameters::{Filled, Flag, Parameters};
use crate::http::route::{self, Route};
use crate::http::schema::Kind;
use crate::rest::lookup::{self, UserNamed};

const PERSONAL: &[Permission] = &[Permission::CREATE_PERSONAL_ACCESS_TOKENS];

pub(super) fn routes() -> Vec<Route> {
    vec![
        route::post("users.logout", logout)
            .about("Voids all tokens of a user.")
            .answers(&[("message", Kind::Text)]),
        route::post("users.logoutOtherClients", logout_other_clients)
            .about("Ends the caller's other sessions; personal access tokens stay valid.")
            .answers(&[("token", Kind::Text)]),
        route::post("users.removeOtherTokens", remove_other_tokens)
            .about("Voids all of the caller's other tokens."),
        route::post("users.createToken", create_token)
            .about("Makes a session token for a user, where the operator allows that.")
            .answers(&[("data", Kind::Object)]),
        route::get("users.getPersonalAccessTokens", list_personal)
            .about("Lists the caller's personal access tokens.")
            .needs_or(PERSONAL, wording::personal_tokens_not_allowed)
            .answers(&[("tokens", Kind::List)]),
        route::post("users.generatePersonalAccessToken", generate_personal)
            .about("Makes a personal access token. It is shown this once.")
            .needs_or(PERSONAL, wording::personal_tokens_not_allowed)
            .second_factor()
            .answers(&[("token", Kind::Text)]),
        route::post("users.regeneratePersonalAccessToken", regenerate_personal)
            .about("Replaces a personal access token by a new one of the same name.")
            .needs_or(PERSONAL, wording::personal_tokens_not_allowed)
            .second_factor()
            .answers(&[("token", Kind::Text)]),
        route::post("users.removePersonalAccessToken", remove_personal)
            .about("Voids a personal access token.")
            .needs_or(PERSONAL, wording::personal_tokens_not_allowed)
            .second_factor(),
    ]
}

#[derive(Parameters)]
#[params(open)]
struct Logout {
    user_id: Option<UserId>,
}

/// `POST /api/v1/users.logout`: ends all sessions of a user, including those of programs.
async fn logout(call: Call, Logout { user_id }: Logout) -> Outcome {
    let target = user_id.unwrap_or_else(|| call.caller.id().clone());
    credentials::log_out(&call.state, &call.caller, &target).await?;
    let message = format!("User {target} has been logged out!");
    Ok(Answer::empty().field("message", &message))
}

/// `POST /api/v1/users.logoutOtherClients`: ends the other sessions; programs stay logged in.
async fn logout_other_clients(call: Call) -> Outcome {
    credentials::end_others(&call.state, &call.caller, Ending::OtherSessionsEnded).await?;
    let token = presented(&call)?;
    let session = call.state.views().session(&call.caller.token).await?;
    let settings = call.state.views().settings();
    let mut answer = Answer::empty().field("token", &token);
    if let Some(expires) = session.and_then(|session| expires_at(&settings, &session)) {
        answer = answer.field("tokenExpires", &iso(expires));
    }
    Ok(answer)
}

/// The token in clear text, as it was sent: only its hash is stored.
fn presented(call: &Call) -> Result<String, ApiError> {
    let header = call.input.headers.get("x-auth-token");
    let token = header.and_then(|value| value.to_str().ok());
    token.map(str::to_owned).ok_or(ApiError::NotLoggedIn)
}

/// `POST /api/v1/users.removeOtherTokens`: ends everything else, including programs.
async fn remove_other_tokens(call: Call) -> Outcome {
    credentials::end_others(&call.state, &call.caller, Ending::OthersRevoked).await?;
    Ok(Answer::empty())
}

/// `POST /api/v1/users.createToken`: a session for a user, if the operator allows that.
async fn create_token(call: Call, named: UserNamed) -> Outcome {
    if !call.state.doors().create_tokens_for_users {
        return Err(wording::create_token_not_allowed());
    }
    let target = lookup::find_user(&call.state, &named).await?;
    let id = target.as_ref().map(|user| &user.id);
    let token = sessions::create_for(&call.state, &call.caller, id).await?;
    Ok(Answer::empty().field("data", &json!({ "userId": id, "authToken": token })))
}

#[derive(Parameters)]
#[params(open)]
struct TokenNamed {
    token_name: Option<Filled>,
}

impl TokenNamed {
    fn name(&self) -> Result<&str, ApiError> {
        let name = self.token_name.as_deref().map(domain::text::trim);
        name.ok_or_else(wording::token_name_required)
    }
}

#[derive(Parameters)]
#[params(open)]
struct GeneratePersonal {
    #[param(flatten)]
    token: TokenNamed,
    bypass_two_factor: Flag,
}

fn tokens(call: &Call) -> Result<PersonalTokens<'_>, Error> {
    PersonalTokens::of(&call.state, &call.caller)
}

async fn generate_personal(call: Call, wish: GeneratePersonal) -> Outcome {
    let bypass = wish.bypass_two_factor.0;
    let token = tokens(&call)?.issue(wish.token.name()?, bypass).await?;
    Ok(Answer::empty().field("token", &token))
}

async fn regenerate_personal(call: Call, named: TokenNamed) -> Outcome {
    let token = tokens(&call)?.regenerate(named.name()?).await?;
    Ok(Answer::empty().field("token", &token))
}

async fn remove_personal(call: Call, named: TokenNamed) -> Outcome {
    tokens(&call)?.revoke(named.name()?).await?;
    Ok(Answer::empty())
}

async fn list_personal(call: Call) -> Outcome {
    let tokens = tokens(&call)?.list().await?;
    let tokens: Vec<Value> = tokens
        .into_iter()
        .filter_map(|token| {
            let personal = token.personal?;
            Some(json!({
                "name": personal.name,
                "createdAt": iso(token.issued_at),
                "lastTokenPart": personal.last_part,
                "bypassTwoFactor": personal.bypass_second_factor,
            }))
        })
        .collect();
    Ok(Answer::empty().field("tokens", &tokens))
}
