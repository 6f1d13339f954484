//! Errors about roles, permissions, settings and other things that administrators manage.

use serde_json::json;

use crate::errors::{ApiError, Text};

/// A bare code: the error and its type are the same (contract, conventions 1.3).
pub fn bare_code(code: &'static str) -> ApiError {
    ApiError::Typed {
        error: code.into(),
        error_type: json!(code),
    }
}

/// `access-permissions` is missing for changing roles.
pub fn accessing_permissions() -> ApiError {
    ApiError::denied(
        "error-action-not-allowed",
        "Accessing permissions is not allowed",
    )
    .with(json!({ "action": "Accessing_permissions" }))
}

/// `access-permissions` is missing for removing or looking up roles.
pub fn accessing_permissions_denied() -> ApiError {
    ApiError::denied("error-not-allowed", "Accessing permissions is not allowed")
}

/// By its code, this counts as something that the caller may not do.
pub fn role_name_taken() -> ApiError {
    ApiError::denied(
        "error-duplicate-role-names-not-allowed",
        "Role name already exists",
    )
}

/// A role without a name, or with a text that is too long.
pub fn invalid_role_properties() -> ApiError {
    ApiError::coded(
        "error-invalid-role-properties",
        "The role properties are invalid.",
    )
}

/// A role is to get the name of another one.
pub fn role_renamed_to_taken() -> ApiError {
    ApiError::Denied(Box::new(bare_code(
        "error-duplicate-role-names-not-allowed",
    )))
}

/// Neither id nor name of a role was given.
pub fn role_param_missing() -> ApiError {
    ApiError::plain("error-invalid-role-properties")
}

/// The role to give does not exist; the fields are swapped on the wire.
pub fn role_not_found() -> ApiError {
    ApiError::Typed {
        error: "error-role-not-found".into(),
        error_type: json!("Role not found"),
    }
}

pub fn invalid_role_id() -> ApiError {
    ApiError::coded("error-invalid-roleId", "This role does not exist")
}

/// The role whose users are wanted does not exist.
pub fn unknown_role_id() -> ApiError {
    ApiError::code("error-invalid-roleId")
}

pub fn invalid_scope() -> ApiError {
    bare_code("error-invalid-scope")
}

/// The user is not a member of the room the role is for.
pub fn role_user_not_subscribed() -> ApiError {
    ApiError::coded("error-invalid-user", "User is not in this room")
}

pub fn no_user_of_name() -> ApiError {
    ApiError::coded("error-invalid-user", "There is no user with this username")
}

pub fn role_needs_room() -> ApiError {
    ApiError::coded(
        "error-room-param-not-provided",
        "The parameter \"roomId\" is required to give a role of the scope Subscriptions",
    )
}

/// `roles.getUsersInRole` without a role.
pub fn role_query_missing() -> ApiError {
    ApiError::coded(
        "error-param-not-provided",
        "Query param \"role\" is required",
    )
}

/// A failure of `permissions.update`: text and type.
pub fn permissions_update(text: &'static str, code: &'static str) -> ApiError {
    ApiError::Typed {
        error: text.into(),
        error_type: json!(code),
    }
}

/// `access-permissions` is missing for `permissions.update`.
pub fn editing_permissions() -> ApiError {
    ApiError::Denied(Box::new(permissions_update(
        "Editing permissions is not allowed",
        "error-edit-permissions-not-allowed",
    )))
}

/// `access-permissions` would be taken from administrators.
pub fn administrators_keep_permissions() -> ApiError {
    permissions_update(
        "Administrators need access-permissions",
        "error-admin-required",
    )
}

pub fn invalid_permissions_body() -> ApiError {
    permissions_update("Invalid body params", "error-invalid-body-params")
}

pub fn setting_id_missing() -> ApiError {
    super::match_error(&"Expected string, got undefined in field _id")
}

/// The settings do not exist, or the caller may not change them.
pub fn saving_settings_not_allowed(ids: &[String]) -> ApiError {
    ApiError::denied(
        "error-action-not-allowed",
        "Editing settings is not allowed",
    )
    .with(json!({ "method": "saveSettings", "settingIds": ids }))
}

/// `add-oauth-service` is missing.
pub fn adding_services() -> ApiError {
    ApiError::denied(
        "error-action-not-allowed",
        "Adding OAuth Services is not allowed",
    )
    .with(json!({ "method": "addOAuthService", "action": "Adding_OAuth_Services" }))
}

pub fn service_name_missing() -> ApiError {
    ApiError::coded(
        "error-name-param-not-provided",
        "The parameter \"name\" is required",
    )
}

pub fn service_not_found() -> ApiError {
    ApiError::coded("error-service-not-found", "There is no such OAuth service")
}

/// `manage-oauth-apps` is missing; the answer is a text alone.
pub fn not_allowed_text() -> ApiError {
    ApiError::plainly_denied("error-not-allowed")
}

/// `manage-oauth-apps` is missing.
pub fn managing_oauth_apps() -> ApiError {
    ApiError::denied("error-not-allowed", "Not allowed")
}

/// `oauth-apps.get` with none or both of its selectors.
pub fn oauth_app_selector() -> ApiError {
    ApiError::plain("At least one of the query parameters \"clientId\" or \"appId\" is required.")
}

pub fn oauth_app_not_found() -> ApiError {
    ApiError::plain("OAuth app not found.")
}

pub fn invalid_oauth_arguments() -> ApiError {
    ApiError::coded("error-invalid-arguments", "Invalid arguments")
}

/// The same of a method.
pub fn invalid_oauth_arguments_of(method: &str) -> ApiError {
    invalid_oauth_arguments().method(method)
}

/// `name` is the parameter as the code of the error has it.
pub fn push_param(name: &str, parameter: &str) -> ApiError {
    ApiError::coded(
        format!("error-{name}-param-not-valid"),
        format!("The required \"{parameter}\" body param is missing or invalid."),
    )
}

pub fn push_disabled() -> ApiError {
    ApiError::coded("error-push-disabled", "Push is disabled").method("push_test")
}

/// The caller has no device for push.
pub fn no_push_tokens() -> ApiError {
    ApiError::coded(
        "error-no-tokens-for-this-user",
        "There are no tokens for this user",
    )
    .method("push_test")
}

/// This server has no way to reach devices.
pub fn push_not_delivered() -> ApiError {
    ApiError::coded(
        "error-push-not-available",
        "This server does not deliver push notifications",
    )
    .method("push_test")
}

/// `push.get` of something that does not exist or is not for the caller: texts alone.
pub fn push_get(what: &'static str) -> ApiError {
    match what {
        "message" => ApiError::plain("error-message-not-found"),
        _ => ApiError::plainly_denied("error-not-allowed"),
    }
}

pub fn banner_not_found() -> ApiError {
    ApiError::plain("Banner not found")
}

/// A banner that nobody could see, or that shows nothing.
pub fn invalid_banner(why: &'static str) -> ApiError {
    ApiError::coded("error-invalid-banner", why)
}

pub fn unknown_language() -> ApiError {
    ApiError::plain("Unknown language")
}

pub fn invalid_license() -> ApiError {
    ApiError::plain("Invalid license")
}

/// A query to a cloud that this workspace is not registered with.
pub fn invalid_cloud_query() -> ApiError {
    ApiError::plain("Invalid query")
}

pub fn already_registered() -> ApiError {
    ApiError::plain("Workspace is already registered")
}

pub fn invalid_cloud_blob() -> ApiError {
    ApiError::plain("Invalid cloudBlob")
}

pub fn role_refusal(code: &'static str, reason: impl Into<Text>) -> ApiError {
    ApiError::coded(code, reason)
}

/// The caller may not change permissions by method.
pub fn permission_method(method: &str) -> ApiError {
    ApiError::denied(
        "error-action-not-allowed",
        "Adding permission is not allowed",
    )
    .with(json!({ "method": method, "action": "Adding_permission" }))
}

pub fn invalid_permission(method: &str) -> ApiError {
    ApiError::coded("error-invalid-permission", "Permission does not exist").method(method)
}
