//! Errors about accounts.

use domain::room::RoomKind;
use serde_json::json;

use crate::errors::{ApiError, Text};

pub fn user_param_missing() -> ApiError {
    ApiError::coded(
        "error-user-param-not-provided",
        "The required \"userId\" or \"username\" param was not provided",
    )
}

/// The named user does not exist.
pub fn user_param_unknown() -> ApiError {
    ApiError::coded(
        "error-invalid-user",
        "The required \"userId\" or \"username\" param provided does not match any users",
    )
}

/// Nobody to invite was named.
pub fn users_params_missing() -> ApiError {
    ApiError::coded(
        "error-users-params-not-provided",
        "Please provide \"userId\" or \"username\" or \"userIds\" or \"usernames\" as param",
    )
}

/// None of the users to invite exists. The two families of routes differ, and one swaps its fields.
pub fn invite_list_empty(kind: RoomKind) -> ApiError {
    match kind {
        RoomKind::Channel => ApiError::Typed {
            error: "invalid-user-invite-list".into(),
            error_type: json!("Cannot invite if no users are provided"),
        },
        RoomKind::Group | RoomKind::Direct => ApiError::coded(
            "error-empty-invite-list",
            "Cannot invite if no valid users are provided",
        ),
    }
}

/// `users.info` finds nobody.
pub fn user_not_found() -> ApiError {
    ApiError::plain("User not found")
}

/// A field of a new account is missing.
pub fn field_required(field: &str) -> ApiError {
    ApiError::coded(
        "error-the-field-is-required",
        format!("The field {field} is required"),
    )
    .with(json!({ "method": "insertOrUpdateUser", "field": field }))
}

pub fn invalid_username(username: &str) -> ApiError {
    ApiError::coded(
        "error-input-is-not-a-valid-field",
        format!("{username} is not a valid username"),
    )
    .with(json!({ "method": "insertOrUpdateUser", "input": username, "field": "Username" }))
}

/// Nobody may have that user name.
pub fn blocked_username(username: &str) -> ApiError {
    ApiError::coded(
        "error-blocked-username",
        format!("{username} is blocked and can't be used!"),
    )
    .with(json!({ "method": "insertOrUpdateUser", "field": username }))
}

/// A user name or address that somebody has.
pub fn field_unavailable(value: &str) -> ApiError {
    ApiError::coded(
        "error-field-unavailable",
        format!("{value} is already in use :("),
    )
    .with(json!({ "method": "insertOrUpdateUser", "field": value }))
}

/// The first sign-up lacks the proof that the server belongs to the caller.
pub fn setup_not_proved() -> ApiError {
    ApiError::coded(
        "error-setup-code-required",
        "This server has no administrator yet. The first account is made on the server's own machine, or with the code \
         that the server printed when it started (setupCode).",
    )
    .method("registerUser")
}

/// Signing up with a name that somebody has.
pub fn username_in_use() -> ApiError {
    ApiError::plain("Username is already in use")
}

/// Signing up with an address that somebody has.
pub fn email_exists() -> ApiError {
    ApiError::coded("403", "Email already exists.")
}

pub fn invalid_email(address: &str) -> ApiError {
    ApiError::coded("error-invalid-email", format!("Invalid email {address}"))
        .with(json!({ "function": "RocketChat.validateEmailDomain", "email": address }))
}

/// The password is empty or does not meet the policy; `rule` is the part that is not met.
pub fn password_policy(rule: Option<&str>) -> ApiError {
    match rule {
        None => ApiError::coded(
            "error-password-policy-not-met",
            "The password provided does not meet the server's password policy.",
        ),
        Some(rule) => ApiError::coded(
            format!("error-password-policy-not-met-{rule}"),
            "The password provided does not meet the server's password policy.",
        ),
    }
}

/// The definitions of custom fields are not JSON.
pub fn invalid_custom_field_json() -> ApiError {
    ApiError::coded(
        "error-invalid-customfield-json",
        "Invalid JSON for Custom Fields",
    )
}

/// A custom field breaks its rules; `what` says how.
pub fn custom_field(what: String) -> ApiError {
    ApiError::coded("error-user-registration-custom-field", what).method("registerUser")
}

pub fn username_invalid(username: &str) -> ApiError {
    ApiError::coded(
        "username-invalid",
        format!(
            "{username} is not a valid username, use only letters, numbers, dots, hyphens and underscores"
        ),
    )
    .method("setUsername")
}

/// The client would set its user to away too soon.
pub fn invalid_idle_time_limit() -> ApiError {
    ApiError::coded("invalid-idle-time-limit-value", "Invalid idleTimeLimit")
        .method("saveUserPreferences")
}

/// The name wanted is taken or not valid.
pub fn could_not_save_identity() -> ApiError {
    ApiError::coded(
        "error-could-not-save-identity",
        "Could not save user identity",
    )
    .method("saveUserIdentity")
}

/// Rooms would be left without owner: `removed` would be deleted, `changed` would get another owner.
pub fn last_owner(removed: &[String], changed: &[String]) -> ApiError {
    ApiError::code("user-last-owner")
        .with(json!({ "shouldBeRemoved": removed, "shouldChangeOwner": changed }))
}

/// `action` is the wire's name of the operation.
pub fn user_action(reason: impl Into<Text>, action: &str) -> ApiError {
    ApiError::denied("error-action-not-allowed", reason)
        .with(json!({ "method": "insertOrUpdateUser", "action": action }))
}

pub fn password_same_as_current() -> ApiError {
    ApiError::coded(
        "error-password-same-as-current",
        "Entered password same as current password",
    )
    .method("saveUserProfile")
}

/// The new password is one that the account had recently.
pub fn password_in_history() -> ApiError {
    ApiError::coded(
        "error-password-in-history",
        "Entered password has been previously used",
    )
    .method("saveUserProfile")
}

/// Changing profiles is off.
pub fn profile_change_not_allowed() -> ApiError {
    ApiError::denied("error-not-allowed", "Not allowed").method("saveUserProfile")
}

/// Mail cannot be sent to that domain.
pub fn invalid_mail_domain(domain: &str) -> ApiError {
    ApiError::coded("error-invalid-domain", format!("Invalid domain {domain}"))
        .with(json!({ "function": "RocketChat.validateEmailDomain", "domain": domain }))
}

pub fn username_missing() -> ApiError {
    ApiError::plain("The 'username' param is required")
}

/// The user whose preferences are meant does not exist.
pub fn preferences_of_nobody() -> ApiError {
    ApiError::coded(
        "error-invalid-user",
        "The optional \"userId\" param provided does not match any users",
    )
    .method("saveUserPreferences")
}

/// The request does not say what to look for.
pub fn selector_missing() -> ApiError {
    ApiError::plain("The 'selector' param is required")
}

pub fn invalid_selector() -> ApiError {
    ApiError::plain("The 'selector' param is not valid")
}

/// Deleting one's own account is off.
pub fn delete_own_not_allowed() -> ApiError {
    ApiError::denied("error-not-allowed", "Not allowed").method("deleteUserOwnAccount")
}

pub fn body_parameter_missing(name: &str) -> ApiError {
    ApiError::Plain(format!("Body parameter \"{name}\" is required.").into())
}

/// The password that confirms the deletion of the account is wrong.
pub fn invalid_own_password() -> ApiError {
    ApiError::coded("error-invalid-password", "Invalid password").method("deleteUserOwnAccount")
}

/// The name that confirms the deletion of the account is wrong.
pub fn invalid_own_username() -> ApiError {
    ApiError::coded("error-invalid-username", "Invalid username").method("deleteUserOwnAccount")
}

/// Copies of one's own data are off.
pub fn data_download_disabled() -> ApiError {
    ApiError::denied("error-not-allowed", "Not allowed").method("requestDataDownload")
}

/// This way to set a password is only for users who must change it.
pub fn password_change_not_required() -> ApiError {
    ApiError::denied("error-not-allowed", "Not allowed").method("setUserPassword")
}
