//! Methods about accounts and profiles (contract, conventions 10).

use std::time::Duration;

use application::chat::ownership::Orphans;
use application::error::{Error, Refusal};
use application::identity::registration::{self, SignUp};
use application::identity::second_factors::gate::Strictness;
use application::identity::setup_proof;
use application::ids::now;
use application::people::profile::{self, OwnProfile};
use application::people::users;
use application::people::users::create::Door;
use application::people::{account_end, status};
use domain::presence::Status;
use domain::settings::keys;
use domain::text::{is_blank, trim};
use domain::user::{ProfileChange, UserCommand, UserRefusal, UtcOffset, check_username};
use serde_json::{Map, Value, json};

use crate::errors::{ApiError, wording};
use crate::methods::{
    AnyMethodCall, Method, MethodCall, MethodOutcome, ejson, method, open_method,
};

pub(super) fn methods() -> Vec<Method> {
    vec![
        open_method("registerUser", register_user),
        open_method("checkRegistrationSecretURL", check_registration_secret),
        method("setUsername", set_username),
        method("checkUsernameAvailability", check_username_availability),
        method("getUsernameSuggestion", username_suggestion),
        method("saveUserProfile", save_user_profile),
        method("saveUserPreferences", save_user_preferences),
        method("setUserPassword", set_user_password),
        method("userSetUtcOffset", set_utc_offset).limited(1, Duration::from_mins(1)),
        method("setUserActiveStatus", set_user_active_status),
        method("deleteUser", delete_user),
    ]
}

fn text<'a>(fields: &'a Map<String, Value>, name: &str) -> Result<Option<&'a str>, ApiError> {
    match fields.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(other) => {
            let found = crate::http::params::type_name(other);
            Err(wording::type_mismatch("string", found, name))
        }
    }
}

fn required<'a>(fields: &'a Map<String, Value>, name: &str) -> Result<&'a str, ApiError> {
    text(fields, name)?.ok_or_else(|| wording::match_missing(name))
}

/// `registerUser({name, email, pass, secretURL?, reason?, setupCode?})`: returns the id of the new account. It has a
/// user name at once, made of its name and address; `setUsername` changes it.
async fn register_user(call: AnyMethodCall) -> MethodOutcome {
    let wish = call.args.object(0)?;
    let settings = call.state.views().settings();
    let open = settings.bool(keys::ACCOUNTS_ALLOW_ANONYMOUS_READ)
        && settings.bool(keys::ACCOUNTS_ALLOW_ANONYMOUS_WRITE);
    if open && text(wish, "email")?.is_none() {
        let (token, at) = registration::anonymous(&call.state).await?;
        return Ok(json!({ "token": token, "when": ejson::date(at) }));
    }
    let wish = SignUp {
        username: None,
        name: required(wish, "name")?,
        email: required(wish, "email")?,
        password: required(wish, "pass")?,
        door: Door {
            secret: text(wish, "secretURL")?,
            owns_server: setup_proof::is_proved(
                &call.state,
                &call.client,
                text(wish, "setupCode")?,
            ),
        },
        reason: text(wish, "reason")?.filter(|reason| !is_blank(reason)),
    };
    Ok(json!(registration::sign_up(&call.state, &wish).await?))
}

/// `checkRegistrationSecretURL(hash)`.
async fn check_registration_secret(call: AnyMethodCall) -> MethodOutcome {
    let given = call.args.text(0)?;
    Ok(json!(registration::knows_secret(&call.state, given)))
}

/// `setUsername(name, {joinDefaultChannelsSilenced?})`: returns the name. Accounts have joined the default rooms
/// before.
async fn set_username(call: MethodCall) -> MethodOutcome {
    let username = trim(call.args.text(0)?).to_owned();
    would_rename(&call, &username).await?;
    let change = UserCommand::ChangeUsername {
        user: call.caller.id().clone(),
        username: username.clone(),
        at: now(),
    };
    let (state, caller) = (&call.state, &call.caller);
    users::change(state, caller, caller.id(), &[change], None, Orphans::None)
        .await
        .map_err(|error| match error {
            // Another call took the name first.
            Error::Refused(Refusal::NameNotUsable) => wording::field_unavailable(&username),
            error => error.into(),
        })?;
    Ok(json!(username))
}

/// Whether the caller may take that name, in the words of `setUsername`.
async fn would_rename(call: &MethodCall, username: &str) -> Result<(), ApiError> {
    let settings = call.state.views().settings();
    let allowed = [
        keys::ACCOUNTS_ALLOW_USER_PROFILE_CHANGE,
        keys::ACCOUNTS_ALLOW_USERNAME_CHANGE,
    ];
    if !allowed.iter().all(|key| settings.bool(*key)) {
        return Err(wording::method_not_allowed("setUsername"));
    }
    match check_username(username, &settings) {
        Err(UserRefusal::BlockedUsername { username }) => {
            return Err(wording::blocked_username(&username));
        }
        Err(_) => return Err(wording::username_invalid(username)),
        Ok(()) => {}
    }
    let holder = call.state.views().user_by_username(username).await?;
    match holder {
        Some(holder) if holder.id != *call.caller.id() => Err(wording::field_unavailable(username)),
        _ => Ok(()),
    }
}

/// `checkUsernameAvailability(name)`.
async fn check_username_availability(call: MethodCall) -> MethodOutcome {
    let username = call.args.text(0)?;
    let free = registration::is_available(&call.state, &call.caller, username).await?;
    Ok(json!(free))
}

async fn username_suggestion(call: MethodCall) -> MethodOutcome {
    let free = registration::suggestion(&call.state, &call.caller).await?;
    Ok(json!(free))
}

/// `saveUserProfile(profile, customFields, factor?)`.
async fn save_user_profile(call: MethodCall) -> MethodOutcome {
    let fields = call.args.object(0)?;
    let owned = |name: &str| text(fields, name).map(|text| text.map(str::to_owned));
    let filled = |name: &str| owned(name).map(|text| text.filter(|text: &String| !is_blank(text)));
    let wish = OwnProfile {
        change: ProfileChange {
            name: owned("realname")?,
            bio: owned("bio")?,
            nickname: owned("nickname")?,
            status_text: owned("statusText")?,
            custom_fields: None,
        },
        username: filled("username")?,
        email: filled("email")?,
        password: filled("newPassword")?,
        custom_fields: Some(call.args.get(1).clone()).filter(is_filled),
    };
    let status = text(fields, "statusType")?.filter(|status| !status.is_empty());
    let status = status.map(|status| Status::find(status).ok_or_else(wording::invalid_status));
    let status = status.transpose()?;
    let typed = text(fields, "typedPassword")?.filter(|typed| !typed.is_empty());
    let prover = call.prover().with_password(typed);
    let confirm = async || prover.prove(Strictness::Always).await;
    profile::change_own(&call.state, &call.caller, wish, confirm).await?;
    if let Some(status) = status {
        status::set(&call.state, &call.caller, &call.caller.user, status).await?;
    }
    Ok(json!(true))
}

/// `userSetUtcOffset(hours)`: returns 1, the number of updated records.
async fn set_utc_offset(call: MethodCall) -> MethodOutcome {
    let hours = call.args.number(0)?;
    let hours = hours.ok_or_else(|| wording::match_error(&"Expected number, got undefined"))?;
    let offset = UtcOffset::from_hours(hours);
    let offset = offset.ok_or_else(|| wording::match_error(&"Expected hours of a time zone"))?;
    let (state, caller) = (&call.state, &call.caller);
    let (user, at) = (caller.id().clone(), now());
    let set = UserCommand::SetUtcOffset { user, offset, at };
    users::change(state, caller, caller.id(), &[set], None, Orphans::None).await?;
    Ok(json!(1))
}

/// Clients send an empty object when there are no custom fields.
fn is_filled(value: &Value) -> bool {
    value.as_object().is_some_and(|fields| !fields.is_empty())
}

/// `saveUserPreferences({...})`.
async fn save_user_preferences(call: MethodCall) -> MethodOutcome {
    let wanted = call.args.object(0)?.clone();
    profile::prefer(&call.state, &call.caller, call.caller.id(), wanted).await?;
    Ok(json!(true))
}

/// `setUserPassword(password)`: for users who must choose another one.
async fn set_user_password(call: MethodCall) -> MethodOutcome {
    let password = call.args.text(0)?;
    if !call.caller.user.require_password_change {
        return Err(wording::password_change_not_required());
    }
    let (state, caller) = (&call.state, &call.caller);
    let change = profile::new_password(state, caller, password).await?;
    let keep = Some(caller.credential());
    users::change(state, caller, caller.id(), &[change], keep, Orphans::None).await?;
    Ok(json!(true))
}

/// `setUserActiveStatus(userId, active, confirmRelinquish?)`.
async fn set_user_active_status(call: MethodCall) -> MethodOutcome {
    let id = domain::UserId::new(call.args.text(0)?);
    let active = call.args.boolean(1)?.unwrap_or(false);
    let confirmed = call.args.boolean(2)?.unwrap_or(false);
    account_end::set_active(&call.state, &call.caller, &id, active, confirmed).await?;
    Ok(json!(true))
}

/// `deleteUser(userId, confirmRelinquish?)`.
async fn delete_user(call: MethodCall) -> MethodOutcome {
    let id = domain::UserId::new(call.args.text(0)?);
    let confirmed = call.args.boolean(1)?.unwrap_or(false);
    account_end::delete(&call.state, &call.caller, &id, confirmed).await?;
    Ok(json!(true))
}
