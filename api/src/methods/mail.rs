//! Methods about mail: links to verify an address or to choose a password, and the test mail (contract, integrations 11
//! and conventions 10).

use application::identity::login;
use application::identity::mail_links::{self, Chosen, Use};
use application::identity::password_hasher::PasswordDigest;
use application::ids::fresh_id;
use application::outside::mail::Mailbox;
use domain::permission::Permission;
use domain::{UserId, text};
use reactors::mail::{invite, test_mail};
use serde_json::{Value, json};

use crate::errors::{ApiError, wording};
use crate::methods::{
    AnyMethodCall, Method, MethodCall, MethodOutcome, identity, method, open_method,
};

pub(super) fn methods() -> Vec<Method> {
    vec![
        open_method("forgotPassword", forgot_password),
        open_method("sendForgotPasswordEmail", send_forgot_password),
        open_method("resetPassword", reset_password),
        open_method("verifyEmail", verify_email),
        open_method("sendConfirmationEmail", send_confirmation),
        method("sendSMTPTestEmail", send_test),
        method("sendInvitationEmail", send_invitations),
    ]
}

/// `forgotPassword({email})`, as client libraries call it. Returns nothing, whether or not the account exists.
async fn forgot_password(call: AnyMethodCall) -> MethodOutcome {
    let address = call.args.object(0)?.get("email").and_then(Value::as_str);
    let address = address.ok_or_else(|| wording::match_missing("email"))?;
    call.state.mail_wishes().forgotten(address);
    Ok(Value::Null)
}

/// `sendForgotPasswordEmail(email)`: true, also for unknown addresses; false for accounts that log in elsewhere.
async fn send_forgot_password(call: AnyMethodCall) -> MethodOutcome {
    let address = text::trim(call.args.text(0)?);
    if let Some(user) = call.state.views().user_by_email(address).await?
        && !mail_links::may_reset(&call.state, &user).await?
    {
        return Ok(json!(false));
    }
    call.state.mail_wishes().forgotten(address);
    Ok(json!(true))
}

/// `resetPassword(token, newPassword)`: logs in.
async fn reset_password(call: AnyMethodCall) -> MethodOutcome {
    let token = call.args.text(0)?;
    let chosen = match call.args.get(1) {
        Value::Object(object) => {
            let digest = object.get("digest").and_then(Value::as_str);
            let digest = digest.and_then(PasswordDigest::from_hex);
            Chosen::Digest(digest.ok_or_else(|| wording::match_missing("digest"))?)
        }
        _ => Chosen::Clear(call.args.text(1)?),
    };
    let proved = prove(&call, token, Use::Reset).await?;
    let user = mail_links::reset(&call.state, token, chosen).await?;
    log_in(&call, &user, proved).await
}

/// `verifyEmail(token)`: logs in.
async fn verify_email(call: AnyMethodCall) -> MethodOutcome {
    let token = call.args.text(0)?;
    let proved = prove(&call, token, Use::Verify).await?;
    let user = mail_links::verify(&call.state, token).await?;
    log_in(&call, &user, proved).await
}

/// Asks for a second factor before a link that logs in takes effect: access to somebody's mail is not enough. Returns
/// whether one was proved.
async fn prove(call: &AnyMethodCall, token: &str, to: Use) -> Result<bool, ApiError> {
    let user = mail_links::can_follow(&call.state, token, to).await?;
    Ok(login::prove_beside_link(&call.state, &user, &call.factor).await?)
}

/// Logs in the user of a link. The link has taken effect even if the account may not log in.
async fn log_in(call: &AnyMethodCall, user: &UserId, proved: bool) -> MethodOutcome {
    let login = login::with_link(&call.state, &call.client, user, proved).await?;
    Ok(identity::login_result(&login))
}

/// `sendConfirmationEmail(email)`: true; for callers who are logged in, false if nobody has the address.
async fn send_confirmation(call: AnyMethodCall) -> MethodOutcome {
    let address = text::trim(call.args.text(0)?);
    let Some(caller) = &call.caller else {
        call.state.mail_wishes().unverified(address);
        return Ok(json!(true));
    };
    match call.state.views().user_by_email(address).await? {
        Some(user) => {
            mail_links::send_verification(&call.state, caller.id(), &user, address).await?;
            Ok(json!(true))
        }
        None => Ok(json!(false)),
    }
}

/// `sendInvitationEmail([addresses])`: returns those that were invited.
async fn send_invitations(call: MethodCall) -> MethodOutcome {
    if !call.caller.may(&call.state, Permission::BULK_REGISTER_USER) {
        return Err(wording::method_not_allowed("sendInvitationEmail"));
    }
    let addresses = call.args.list(0)?.iter().filter_map(Value::as_str);
    let addresses: Vec<&str> = addresses.collect();
    Ok(json!(invite(&call.state, &addresses).await?))
}

/// `sendSMTPTestEmail()`: mails the caller at once, and returns what the mail server said.
async fn send_test(call: MethodCall) -> MethodOutcome {
    const METHOD: &str = "sendSMTPTestEmail";
    let state = &call.state;
    if !call.caller.may(state, Permission::TEST_ADMIN_OPTIONS) {
        return Err(wording::method_not_allowed(METHOD));
    }
    let address = call.caller.user.first_address();
    let address = address.ok_or_else(|| wording::no_own_address(METHOD))?;
    let to = Mailbox {
        name: call.caller.user.name.clone(),
        address: address.to_owned(),
    };
    let mail = test_mail(&state.views().settings(), to, &fresh_id());
    match state.mailer().send(&mail).await {
        Ok(()) => Ok(json!({ "message": "Your_mail_was_sent_to_s", "params": [address] })),
        Err(error) => Err(wording::email_send_failed(METHOD, &error.to_string())),
    }
}
