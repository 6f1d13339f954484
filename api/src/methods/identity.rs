//! Methods about logins, login tokens and second factors (contract, conventions 10 and realtime 3).

use application::identity::login::LoggedIn;
use application::identity::mail_links::{self, Use};
use application::identity::personal_tokens::PersonalTokens;
use application::identity::second_factors::gate::Strictness;
use application::identity::{credentials, second_factors, sessions};
use application::token::{expires_at, token_hash};
use domain::Timestamp;
use domain::credential::Ending;
use serde_json::{Map, Value, json};

use crate::documents::password_policy::policy;
use crate::errors::{ApiError, wording};
use crate::http::login_form::{self, kind_name};
use crate::methods::{
    AnyMethodCall, Method, MethodCall, MethodOutcome, ejson, method, open_method,
};

pub(super) fn methods() -> Vec<Method> {
    vec![
        open_method("login", log_in),
        method("logout", logout),
        method("logoutCleanUp", logout_clean_up),
        method("getNewToken", get_new_token),
        method("removeOtherTokens", remove_other_tokens),
        method("personalAccessTokens:generateToken", generate_personal),
        method("personalAccessTokens:regenerateToken", regenerate_personal),
        method("personalAccessTokens:removeToken", remove_personal),
        method("2fa:enable", enable_totp),
        method("2fa:validateTempToken", validate_temp_token),
        method("2fa:disable", disable_totp),
        method("2fa:regenerateCodes", regenerate_codes),
        method("2fa:checkCodesRemaining", check_codes_remaining),
        open_method("getPasswordPolicy", password_policy),
    ]
}

/// `login(form)`.
async fn log_in(call: AnyMethodCall) -> MethodOutcome {
    let Some(form) = call.args.get(0).as_object() else {
        return Err(wording::unrecognized_login());
    };
    let login = login_form::log_in(&call.state, &call.client, form, call.factor).await?;
    Ok(login_result(&login))
}

/// What methods that log in return.
pub(super) fn login_result(login: &LoggedIn) -> Value {
    let mut result = Map::new();
    result.insert("id".to_owned(), json!(login.user.id));
    result.insert("token".to_owned(), json!(login.token));
    result.insert("tokenExpires".to_owned(), date_or_null(login.expires));
    result.insert("type".to_owned(), json!(kind_name(login.kind)));
    Value::Object(result)
}

/// Clients read it without checking whether it is there.
fn date_or_null(at: Option<Timestamp>) -> Value {
    at.map_or(Value::Null, ejson::date)
}

/// `logout()`: revokes the token of the caller.
async fn logout(call: MethodCall) -> MethodOutcome {
    credentials::log_this_out(&call.state, &call.caller).await?;
    Ok(Value::Null)
}

/// `logoutCleanUp(user)`: clients announce with it that they are about to log out; there is nothing to do before.
async fn logout_clean_up(call: MethodCall) -> MethodOutcome {
    call.args.object(0)?;
    Ok(Value::Null)
}

/// `getNewToken()`: another token of the same session, which expires with it.
async fn get_new_token(call: MethodCall) -> MethodOutcome {
    let (state, user) = (&call.state, call.caller.id());
    let views = state.views();
    let old = views.session(&call.caller.token).await?;
    let old = old.ok_or_else(|| wording::login_required_for("getNewToken"))?;
    if old.personal.is_some() {
        // A session instead of it would skip the second factor.
        return Err(wording::personal_tokens_not_allowed());
    }
    let token = sessions::continue_since(state, &call.caller, old.issued_at).await?;
    let settings = views.settings();
    let session = views.session(&token_hash(&token)).await?;
    let expires = session.and_then(|session| expires_at(&settings, &session));
    let mut result = Map::new();
    result.insert("id".to_owned(), json!(user));
    result.insert("token".to_owned(), json!(token));
    result.insert("tokenExpires".to_owned(), date_or_null(expires));
    Ok(Value::Object(result))
}

/// `removeOtherTokens()`: ends everything else, programs included.
async fn remove_other_tokens(call: MethodCall) -> MethodOutcome {
    credentials::end_others(&call.state, &call.caller, Ending::OthersRevoked).await?;
    Ok(Value::Null)
}

/// The caller's personal tokens, and the name given; asks for the right, then for the second factor.
async fn personal_tokens(call: &MethodCall) -> Result<(PersonalTokens<'_>, &str), ApiError> {
    let tokens = PersonalTokens::of(&call.state, &call.caller)?;
    let name = call.args.object(0)?.get("tokenName");
    let name = name.and_then(Value::as_str).and_then(domain::text::filled);
    let name = name.ok_or_else(wording::token_name_required)?;
    call.prover().prove(Strictness::Normal).await?;
    Ok((tokens, name))
}

/// `personalAccessTokens:generateToken({tokenName, bypassTwoFactor})`.
async fn generate_personal(call: MethodCall) -> MethodOutcome {
    let (tokens, name) = personal_tokens(&call).await?;
    let bypass = call.args.get(0)["bypassTwoFactor"] == json!(true);
    Ok(json!(tokens.issue(name, bypass).await?))
}

/// `personalAccessTokens:regenerateToken({tokenName})`.
async fn regenerate_personal(call: MethodCall) -> MethodOutcome {
    let (tokens, name) = personal_tokens(&call).await?;
    Ok(json!(tokens.regenerate(name).await?))
}

/// `personalAccessTokens:removeToken({tokenName})`.
async fn remove_personal(call: MethodCall) -> MethodOutcome {
    let (tokens, name) = personal_tokens(&call).await?;
    tokens.revoke(name).await?;
    Ok(Value::Null)
}

/// `2fa:enable()`: shows a secret for an authenticator.
async fn enable_totp(call: MethodCall) -> MethodOutcome {
    let shown = second_factors::prepare_totp(&call.state, &call.caller).await?;
    Ok(json!({ "secret": shown.secret, "url": shown.url }))
}

/// `2fa:validateTempToken(code)`: the authenticator works. All other sessions end, because they proved less.
async fn validate_temp_token(call: MethodCall) -> MethodOutcome {
    let code = call.args.text(0)?;
    let codes = second_factors::enable_totp(&call.state, &call.caller, code).await?;
    Ok(codes.map_or(Value::Null, |codes| json!({ "codes": codes })))
}

/// `2fa:disable(code)`.
async fn disable_totp(call: MethodCall) -> MethodOutcome {
    let code = call.args.text(0)?;
    let disabled = second_factors::disable_totp(&call.state, &call.caller, code).await?;
    Ok(json!(disabled))
}

/// `2fa:regenerateCodes(code)`.
async fn regenerate_codes(call: MethodCall) -> MethodOutcome {
    let code = call.args.text(0)?;
    let codes = second_factors::replace_backup_codes(&call.state, &call.caller, code).await?;
    Ok(codes.map_or(Value::Null, |codes| json!({ "codes": codes })))
}

async fn check_codes_remaining(call: MethodCall) -> MethodOutcome {
    let remaining = second_factors::totp_codes_left(&call.state, call.caller.id()).await?;
    let remaining = remaining.ok_or_else(wording::invalid_totp)?;
    Ok(json!({ "remaining": remaining }))
}

/// `getPasswordPolicy({token})`: for users who are logged in, and those who follow a link to choose a new password.
async fn password_policy(call: AnyMethodCall) -> MethodOutcome {
    const METHOD: &str = "getPasswordPolicy";
    if call.caller.is_none() {
        let token = call.args.get(0)["token"].as_str();
        let token = token.ok_or_else(|| wording::invalid_user_of(METHOD))?;
        let follow = mail_links::can_follow(&call.state, token, Use::Reset).await;
        follow.map_err(|error| {
            error.log();
            wording::invalid_user_of(METHOD)
        })?;
    }
    Ok(policy(&call.state.views().settings()))
}
