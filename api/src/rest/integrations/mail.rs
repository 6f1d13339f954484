//! Mail: asking for links, and whether there is a mail server (contract, conventions 7.1 and 7.6, admin 6).

use application::identity::mail_links;
use axum::http::Method;
use domain::account_mail::ResetReason;
use domain::permission::Permission;
use domain::text;
use reactors::mail::invite;

use crate::errors::{ApiError, wording};
use crate::http::answer::{Answer, Outcome};
use crate::http::call::{Anyone, Call};
use crate::http::parameters::{Filled, Long, Parameters};
use crate::http::route::{self, Route};
use crate::http::schema::Kind;

pub(super) fn routes() -> Vec<Route> {
    vec![
        route::get("smtp.check", smtp_check)
            .about("Tells whether there is a mail server.")
            .answers(&[("isSMTPConfigured", Kind::Boolean)]),
        route::public(Method::POST, "users.forgotPassword", forgot_password)
            .about("Mails a link to choose a new password, if somebody has that address."),
        route::public(Method::POST, "users.verifyEmail", verify_email)
            .about("Proves an address with the token that was mailed to it."),
        route::post("users.sendConfirmationEmail", send_confirmation)
            .about("Mails a link that proves an address."),
        route::post("users.sendWelcomeEmail", send_welcome)
            .needs(&[Permission::SEND_MAIL])
            .about("Mails the owner of an account a link to choose the first password."),
        route::post("users.sendInvitationEmail", send_invitations)
            .needs(&[Permission::BULK_REGISTER_USER])
            .about("Mails people an invitation to sign up."),
    ]
}

#[derive(Parameters)]
#[params(open)]
struct ForgotPassword {
    email: Option<Filled>,
}

/// `POST /api/v1/users.forgotPassword`. The same answer, in the same time, whether or not there is such an account.
async fn forgot_password(call: Anyone, ForgotPassword { email }: ForgotPassword) -> Outcome {
    let address = email.ok_or_else(wording::email_param_missing)?;
    call.state.mail_wishes().forgotten(&address);
    Ok(Answer::empty())
}

#[derive(Parameters)]
struct VerifyEmail {
    token: Long<1>,
}

/// `POST /api/v1/users.verifyEmail`: whoever has the token can read the mails to the address. Logs nobody in.
async fn verify_email(call: Anyone, VerifyEmail { token }: VerifyEmail) -> Outcome {
    mail_links::verify(&call.state, &token.0).await?;
    Ok(Answer::empty())
}

#[derive(Parameters)]
struct Address {
    email: String,
}

/// `POST /api/v1/users.sendConfirmationEmail`: to one's own address, or as an administrator to somebody else's.
async fn send_confirmation(call: Call, Address { email }: Address) -> Outcome {
    let address = text::trim(&email);
    let user = call.state.views().user_by_email(address).await?;
    let may = |user: &projections::UserFacts| {
        user.id == *call.caller.id() || call.may(Permission::EDIT_OTHER_USER_INFO)
    };
    let user = user.filter(|user| may(user)).ok_or(ApiError::Bare)?;
    mail_links::send_verification(&call.state, call.caller.id(), &user, address).await?;
    Ok(Answer::empty())
}

/// `POST /api/v1/users.sendWelcomeEmail`: with a link to choose the first password.
async fn send_welcome(call: Call, Address { email }: Address) -> Outcome {
    const METHOD: &str = "sendWelcomeEmail";
    let address = text::trim(&email);
    if !call.state.mailer().is_configured() {
        return Err(wording::smtp_not_configured(METHOD));
    }
    let user = call.state.views().user_by_email(address).await?;
    let user = user.ok_or_else(|| wording::invalid_user_of(METHOD))?;
    let reason = ResetReason::Enrolment;
    mail_links::send_reset(&call.state, call.caller.id(), &user, address, reason).await?;
    Ok(Answer::empty())
}

#[derive(Parameters)]
struct SendInvitations {
    emails: Vec<String>,
}

async fn send_invitations(call: Call, SendInvitations { emails }: SendInvitations) -> Outcome {
    let addresses: Vec<&str> = emails.iter().map(String::as_str).collect();
    invite(&call.state, &addresses).await?;
    Ok(Answer::empty())
}

async fn smtp_check(call: Call) -> Outcome {
    let configured = call.state.mailer().is_configured();
    Ok(Answer::empty().field("isSMTPConfigured", &configured))
}
