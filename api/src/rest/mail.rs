//! Mail: asking for links, and whether there is a mail server (contract, conventions 7.1 and 7.6, admin 6).

use domain::account_mail::ResetReason;
use domain::permission::Permission;

use super::answer::{Answer, Outcome};
use crate::commands::account_mail;
use crate::error::{ApiError, texts};
use crate::extract::schema::{Kind, Schema};
use crate::extract::{Anyone, Call};

/// What the routes that send to an address take.
pub(crate) static ADDRESS: Schema = Schema {
    required: &[("email", Kind::Text)],
    optional: &[],
    one_of: &[],
};

/// `POST /api/v1/users.forgotPassword`. The same answer, in the same time, whether or not there is such an account.
pub async fn forgot_password(call: Anyone) -> Outcome {
    let params = call.input.params()?;
    let address = params
        .filled("email")?
        .ok_or_else(texts::email_param_missing)?;
    call.state.mail_wishes().forgotten(address);
    Ok(Answer::empty())
}

/// `POST /api/v1/users.sendConfirmationEmail`: to an own address, or as an administrator to somebody else's.
pub async fn send_confirmation(call: Call) -> Outcome {
    let params = call.input.params()?;
    let address = params.required("email")?.trim();
    let user = call.state.views().user_by_email(address).await?;
    let may = |user: &projections::UserFacts| {
        user.id == *call.caller.id() || call.may(Permission::EDIT_OTHER_USER_INFO)
    };
    let user = user.filter(|user| may(user)).ok_or(ApiError::Bare)?;
    account_mail::send_verification(&call.state, call.caller.id(), &user, address).await?;
    Ok(Answer::empty())
}

/// `POST /api/v1/users.sendWelcomeEmail`: with a link to choose the first password.
pub async fn send_welcome(call: Call) -> Outcome {
    const METHOD: &str = "sendWelcomeEmail";
    let params = call.input.params()?;
    let address = params.required("email")?.trim();
    if !call.state.mailer().is_configured() {
        return Err(texts::smtp_not_configured(METHOD));
    }
    let user = call.state.views().user_by_email(address).await?;
    let user = user.ok_or_else(|| texts::invalid_user_of(METHOD))?;
    let reason = ResetReason::Enrolment;
    account_mail::send_reset(&call.state, call.caller.id(), &user, address, reason).await?;
    Ok(Answer::empty())
}

/// `GET /api/v1/smtp.check`.
pub async fn smtp_check(call: Call) -> Outcome {
    let configured = call.state.mailer().is_configured();
    Ok(Answer::empty().field("isSMTPConfigured", &configured))
}
