//! Second factors over REST (contract, conventions 7.5). Setting up an authenticator is a method.

use std::sync::Arc;

use domain::permission::Permission;
use projections::UserFacts;

use super::answer::{Answer, Outcome};
use crate::commands::{e2e, second_factors};
use crate::error::{ApiError, texts};
use crate::extract::{Anyone, Call};
use crate::rest::lookup;
use crate::second_factor;

/// `POST /api/v1/users.2fa.enableEmail`.
pub async fn enable_email(call: Call) -> Outcome {
    second_factors::set_email(&call.state, call.caller.id(), true).await?;
    Ok(Answer::empty())
}

/// `POST /api/v1/users.2fa.disableEmail`.
pub async fn disable_email(call: Call) -> Outcome {
    second_factors::set_email(&call.state, call.caller.id(), false).await?;
    Ok(Answer::empty())
}

/// `POST /api/v1/users.2fa.sendEmailCode`: answers the same whether there is such a user or not.
pub async fn send_email_code(call: Anyone) -> Outcome {
    let params = call.input.params()?;
    let named = params
        .filled("emailOrUsername")?
        .ok_or_else(|| texts::parameter_required("emailOrUsername"))?;
    let views = call.state.views();
    let user = if named.contains('@') {
        views.user_by_email(named).await?
    } else {
        views.user_by_username(named).await?
    };
    if let Some(user) = user.filter(|user| user.active) {
        let enrolled = second_factor::enrolled(&call.state, &user).await?;
        second_factor::mail_code(&call.state, &user.id, &enrolled).await?;
    }
    Ok(Answer::empty())
}

/// Whose factors or keys are reset: those of the user named, for which a right is needed, or else one's own.
async fn to_reset(
    call: &Call,
    right: Permission,
    method: &str,
) -> Result<Arc<UserFacts>, ApiError> {
    let params = call.input.params()?;
    let names_somebody = ["userId", "username", "user"]
        .into_iter()
        .any(|name| params.get(name).is_some());
    if !names_somebody {
        return Ok(Arc::clone(&call.caller.user));
    }
    let settings = call.state.views().settings();
    let allowed = settings.bool("Accounts_TwoFactorAuthentication_Enforce_Password_Fallback");
    if !allowed || !call.may(right) {
        return Err(texts::reset_not_allowed(method));
    }
    lookup::user(&call.state, &params).await
}

/// `POST /api/v1/users.resetTOTP`.
pub async fn reset_totp(call: Call) -> Outcome {
    let user = to_reset(&call, Permission::EDIT_OTHER_USER_TOTP, "users.resetTOTP").await?;
    second_factors::reset_totp(&call.state, call.caller.id(), &user.id).await?;
    Ok(Answer::empty())
}

/// `POST /api/v1/users.resetE2EKey`: the user has to log in anew everywhere.
pub async fn reset_e2e_key(call: Call) -> Outcome {
    let right = Permission::EDIT_OTHER_USER_E2EE;
    let user = to_reset(&call, right, "users.resetE2EKey").await?;
    e2e::reset(&call.state, call.caller.id(), &user.id).await?;
    Ok(Answer::empty())
}
