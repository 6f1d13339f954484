//! Second factors over REST (contract, conventions 7.5).

use std::sync::Arc;

use application::caller::Caller;
use application::error::{Error, Refusal};
use application::identity::second_factors::{self, gate};
use application::identity::{e2e, enrolment};
use application::workspace::Workspace;
use axum::http::Method;
use projections::UserFacts;

use crate::errors::{ApiError, wording};
use crate::http::answer::{Answer, Outcome};
use crate::http::call::{Anyone, Call};
use crate::http::parameters::{Filled, Long, Parameters};
use crate::http::params::Params;
use crate::http::route::{self, Route};
use crate::http::schema::{Kind, Schema};
use crate::rest::lookup::{self, UserNamed};

pub(super) fn routes() -> Vec<Route> {
    vec![
    route::post("users.2fa.enableEmail", enable_email)
        .about("Has codes mailed to the caller as a second factor."),
    route::post("users.2fa.disableEmail", disable_email)
        .about("Stops mailing codes to the caller as a second factor.")
        .second_factor_anew(),
    route::post("users.2fa.enableTotp", enable_totp)
        .about("Shows the caller a secret for an authenticator.")
        .answers(&[("secret", Kind::Text), ("url", Kind::Text)]),
    route::post("users.2fa.validateTotp", validate_totp)
        .about("Asks for codes of the authenticator from now on, if this is one. Answers backup codes.")
        .answers(&[("codes", Kind::Texts)]),
    route::post("users.2fa.disableTotp", disable_totp)
        .about("Stops asking for codes of the authenticator, if this is one.")
        .answers(&[("disabled", Kind::Boolean)]),
    route::post(
        "users.2fa.regenerateTotpCodes",
        regenerate_totp_codes,
    )
    .about("Replaces the caller's backup codes.")
    .answers(&[("codes", Kind::Texts)]),
    route::get(
        "users.2fa.totpCodesRemaining",
        totp_codes_remaining,
    )
    .about("How many backup codes the caller has left.")
    .answers(&[("remaining", Kind::Number)]),
    route::public(
        Method::POST,
        "users.2fa.sendEmailCode",
        send_email_code,
    )
    .about("Mails a fresh code to a user who logs in with codes by mail."),
    route::post("users.resetTOTP", reset_totp)
        .about("Takes the authenticator from the caller, or from the user named.")
        .second_factor_anew(),
    route::post("users.resetE2EKey", reset_e2e_key)
        .about(
            "Takes the keys of end-to-end encryption from the caller, or from the user named.",
        )
        .second_factor_anew(),
    ]
}

async fn enable_email(call: Call) -> Outcome {
    second_factors::set_email(&call.state, &call.caller, true).await?;
    Ok(Answer::empty())
}

async fn disable_email(call: Call) -> Outcome {
    second_factors::set_email(&call.state, &call.caller, false).await?;
    Ok(Answer::empty())
}

/// `POST /api/v1/users.2fa.enableTotp`: shows a secret for an authenticator.
async fn enable_totp(call: Call) -> Outcome {
    let shown = second_factors::prepare_totp(&call.state, &call.caller).await?;
    Ok(Answer::empty()
        .field("secret", &shown.secret)
        .field("url", &shown.url))
}

#[derive(Parameters)]
struct Code {
    code: Long<1>,
}

/// `POST /api/v1/users.2fa.validateTotp`: the authenticator works. All other sessions end, because they proved less.
async fn validate_totp(call: Call, Code { code }: Code) -> Outcome {
    let codes = second_factors::enable_totp(&call.state, &call.caller, &code.0).await?;
    Ok(Answer::empty().field("codes", &codes.ok_or_else(wording::invalid_totp)?))
}

async fn disable_totp(call: Call, Code { code }: Code) -> Outcome {
    let disabled = second_factors::disable_totp(&call.state, &call.caller, &code.0).await?;
    Ok(Answer::empty().field("disabled", &disabled))
}

async fn regenerate_totp_codes(call: Call, Code { code }: Code) -> Outcome {
    let codes = second_factors::replace_backup_codes(&call.state, &call.caller, &code.0).await?;
    Ok(Answer::empty().field("codes", &codes.ok_or_else(wording::invalid_totp)?))
}

async fn totp_codes_remaining(call: Call) -> Outcome {
    let remaining = second_factors::totp_codes_left(&call.state, call.caller.id()).await?;
    let remaining = remaining.ok_or_else(wording::invalid_totp)?;
    Ok(Answer::empty().field("remaining", &remaining))
}

#[derive(Parameters)]
#[params(open)]
struct SendEmailCode {
    email_or_username: Option<Filled>,
}

/// `POST /api/v1/users.2fa.sendEmailCode`: the same answer whether or not the user exists.
async fn send_email_code(call: Anyone, wish: SendEmailCode) -> Outcome {
    let named = wish
        .email_or_username
        .ok_or_else(|| wording::parameter_required("emailOrUsername"))?;
    let views = call.state.views();
    let user = if named.contains('@') {
        views.user_by_email(&named).await?
    } else {
        views.user_by_username(&named).await?
    };
    if let Some(user) = user.filter(|user| user.active) {
        let enrolled = enrolment::enrolled(&call.state, &user).await?;
        gate::mail_code(&call.state, &user.id, &enrolled).await?;
    }
    Ok(Answer::empty())
}

/// `None`: nothing names a user. A blank name is there, and names nobody.
struct Reset(Option<UserNamed>);

impl Parameters for Reset {
    const SCHEMA: Schema = UserNamed::SCHEMA;

    fn read(params: &mut Params) -> Result<Self, ApiError> {
        let mut fields = Self::SCHEMA.fields.iter();
        let names_somebody = fields.any(|field| params.get(field.name).is_some());
        let named = UserNamed::read(params)?;
        Ok(Self(names_somebody.then_some(named)))
    }
}

/// The user whose factors or keys are reset: the one named, which needs a right, or else the caller.
async fn to_reset(
    call: &Call,
    Reset(named): Reset,
    may_reset_others: fn(&Workspace, &Caller) -> Result<(), Refusal>,
) -> Result<Arc<UserFacts>, ApiError> {
    let Some(named) = named else {
        return Ok(Arc::clone(&call.caller.user));
    };
    // Asked before the user is looked for, so that nobody learns whether they exist.
    may_reset_others(&call.state, &call.caller).map_err(Error::from)?;
    lookup::user(&call.state, &named).await
}

async fn reset_totp(call: Call, wish: Reset) -> Outcome {
    let user = to_reset(&call, wish, second_factors::may_reset_others).await?;
    second_factors::reset_totp(&call.state, &call.caller, &user.id).await?;
    Ok(Answer::empty())
}

/// `POST /api/v1/users.resetE2EKey`: the user has to log in again everywhere.
async fn reset_e2e_key(call: Call, wish: Reset) -> Outcome {
    let user = to_reset(&call, wish, e2e::may_reset_others).await?;
    e2e::reset(&call.state, &call.caller, &user.id).await?;
    Ok(Answer::empty())
}
