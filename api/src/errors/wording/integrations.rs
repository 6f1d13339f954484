//! Errors about what connects the workspace with other programs and services.

use serde_json::json;

use crate::errors::ApiError;
use crate::errors::wording::mail::email_send_failed;

/// `Webdav_Integration_Enabled` is off.
pub fn webdav_disabled(method: &str) -> ApiError {
    ApiError::denied("error-not-allowed", "WebDAV Integration Not Allowed").method(method)
}

/// The account was added before.
pub fn webdav_duplicate() -> ApiError {
    ApiError::code("duplicated-account").method("addWebdavAccount")
}

/// The caller has no such account.
pub fn webdav_account_unknown(method: &str) -> ApiError {
    ApiError::coded("error-invalid-account", "Invalid WebDAV Account").method(method)
}

/// The WebDAV server refuses access, does not respond, or is none; `method` is the method that was called.
pub fn webdav_inaccessible(method: &str) -> ApiError {
    ApiError::code("could-not-access-webdav").method(method)
}

/// A file on a WebDAV server is larger than this server passes on.
pub fn webdav_file_too_large(method: &str) -> ApiError {
    ApiError::coded("error-file-too-large", "File exceeds allowed size").method(method)
}

pub fn webdav_file_name(method: &str) -> ApiError {
    ApiError::coded("error-invalid-file-name", "Invalid file name").method(method)
}

pub fn webdav_no_preview(method: &str) -> ApiError {
    ApiError::coded(
        "error-preview-not-available",
        "There is no preview of this file",
    )
    .method(method)
}

/// `AutoTranslate_Enabled` is off.
pub fn autotranslate_disabled() -> ApiError {
    ApiError::plain("AutoTranslate is disabled.")
}

/// `auto-translate` is missing.
pub fn autotranslate_not_allowed() -> ApiError {
    ApiError::denied("error-action-not-allowed", "Auto-Translate is not allowed")
        .method("autoTranslate.saveSettings")
}

/// A parameter of the body is missing; here the text ends in a full stop.
pub fn translation_param_required(name: &str) -> ApiError {
    ApiError::Plain(format!("The bodyParam \"{name}\" is required.").into())
}

pub fn body_param_type(name: &str, wanted: &str) -> ApiError {
    ApiError::Plain(format!("The bodyParam \"{name}\" must be a {wanted}.").into())
}

/// The caller is not a member of that room.
pub fn invalid_subscription(method: &str) -> ApiError {
    ApiError::coded("error-invalid-subscription", "Invalid subscription").method(method)
}

pub fn translated_message_unknown() -> ApiError {
    ApiError::plain("Message not found.")
}

pub fn import_not_allowed() -> ApiError {
    ApiError::denied("error-action-not-allowed", "Importing is not allowed")
        .with(json!({ "method": "startImport", "action": "run-import" }))
}

/// There is no such importer, or this server does not include it.
pub fn importer_not_defined(key: &str) -> ApiError {
    ApiError::coded(
        "error-importer-not-defined",
        format!("The importer ({key}) has no import class defined."),
    )
    .method("uploadImportFile")
}

/// No import is running.
pub fn import_operation_not_found(method: &str) -> ApiError {
    ApiError::coded("error-operation-not-found", "Import Operation Not Found").method(method)
}

/// `LDAP_Enable` is off.
pub fn ldap_disabled() -> ApiError {
    ApiError::plain("LDAP_disabled")
}

pub fn ldap_connection_failed() -> ApiError {
    ApiError::plain("Connection_failed")
}

/// No program for video conferences is installed.
pub fn no_video_provider() -> ApiError {
    ApiError::plain("no-videoconf-provider-app")
}

/// There is no such room or call, or the caller may not see it.
pub fn invalid_video_call() -> ApiError {
    ApiError::plain("invalid-params")
}

pub fn inbox_address_taken() -> ApiError {
    ApiError::coded(
        "error-email-inbox-already-exists",
        "Another inbox has this address",
    )
}

pub fn invalid_inbox_address(address: &str) -> ApiError {
    ApiError::coded(
        "error-invalid-email",
        format!("{address} is not an e-mail address"),
    )
}

pub fn inbox_unknown() -> ApiError {
    ApiError::plain("error-invalid-email-inbox")
}

pub fn inbox_incomplete(what: &str) -> ApiError {
    ApiError::Plain(format!("An email inbox needs {what}").into())
}

/// The password has to be entered again.
pub fn inbox_password_required() -> ApiError {
    ApiError::coded(
        "error-password-required",
        "The password has to be given anew with another server or account",
    )
}

/// Mail cannot be sent through the server of the inbox.
pub fn inbox_server_unreachable(why: &str) -> ApiError {
    email_send_failed("email-inbox.send-test", why)
}
