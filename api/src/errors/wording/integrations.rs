//! Errors about what connects the workspace with other programs and services.

use serde_json::json;

use crate::errors::ApiError;
use crate::errors::wording::email_send_failed;

/// `Webdav_Integration_Enabled` is off.
pub fn webdav_disabled(method: &str) -> ApiError {
    ApiError::coded("error-not-allowed", "WebDAV Integration Not Allowed").method(method)
}

/// The account was told of before.
pub fn webdav_duplicate() -> ApiError {
    ApiError::code("duplicated-account").method("addWebdavAccount")
}

/// There is no such account of the caller's.
pub fn webdav_account_unknown(method: &str) -> ApiError {
    ApiError::coded("error-invalid-account", "Invalid WebDAV Account").method(method)
}

/// The WebDAV server does not let us in, does not answer, or is none; `method` is what was asked for.
pub fn webdav_inaccessible(method: &str) -> ApiError {
    ApiError::code("could-not-access-webdav").method(method)
}

/// A file on a WebDAV server is larger than this server passes on.
pub fn webdav_file_too_large(method: &str) -> ApiError {
    ApiError::coded("error-file-too-large", "File exceeds allowed size").method(method)
}

/// A file cannot be called so.
pub fn webdav_file_name(method: &str) -> ApiError {
    ApiError::coded("error-invalid-file-name", "Invalid file name").method(method)
}

/// There is no preview of a file.
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
    ApiError::coded("error-action-not-allowed", "Auto-Translate is not allowed")
        .method("autoTranslate.saveSettings")
}

/// A parameter of a body is missing; here the text ends in a full stop.
pub fn translation_param_required(name: &str) -> ApiError {
    ApiError::Plain(format!("The bodyParam \"{name}\" is required.").into())
}

/// A parameter of a body has the wrong type.
pub fn body_param_type(name: &str, wanted: &str) -> ApiError {
    ApiError::Plain(format!("The bodyParam \"{name}\" must be a {wanted}.").into())
}

/// The caller is not a member of that room.
pub fn invalid_subscription(method: &str) -> ApiError {
    ApiError::coded("error-invalid-subscription", "Invalid subscription").method(method)
}

/// There is no such message.
pub fn translated_message_unknown() -> ApiError {
    ApiError::plain("Message not found.")
}

/// The right to import is missing.
pub fn import_not_allowed() -> ApiError {
    ApiError::coded("error-action-not-allowed", "Importing is not allowed")
        .with(json!({ "method": "startImport", "action": "run-import" }))
}

/// There is no such importer, or it is not part of this server.
pub fn importer_not_defined(key: &str) -> ApiError {
    ApiError::coded(
        "error-importer-not-defined",
        format!("The importer ({key}) has no import class defined."),
    )
    .method("uploadImportFile")
}

/// Nothing is being imported.
pub fn import_operation_not_found(method: &str) -> ApiError {
    ApiError::coded("error-operation-not-found", "Import Operation Not Found").method(method)
}

/// `LDAP_Enable` is off.
pub fn ldap_disabled() -> ApiError {
    ApiError::plain("LDAP_disabled")
}

/// The LDAP server cannot be reached from here.
pub fn ldap_connection_failed() -> ApiError {
    ApiError::plain("Connection_failed")
}

/// No program that holds video conferences is installed.
pub fn no_video_provider() -> ApiError {
    ApiError::plain("no-videoconf-provider-app")
}

/// There is no such room or call, or the caller may not see it.
pub fn invalid_video_call() -> ApiError {
    ApiError::plain("invalid-params")
}

/// Another inbox has the address.
pub fn inbox_address_taken() -> ApiError {
    ApiError::coded(
        "error-email-inbox-already-exists",
        "Another inbox has this address",
    )
}

/// Not an address an inbox can have.
pub fn invalid_inbox_address(address: &str) -> ApiError {
    ApiError::coded(
        "error-invalid-email",
        format!("{address} is not an e-mail address"),
    )
}

/// There is no inbox of that id.
pub fn inbox_unknown() -> ApiError {
    ApiError::plain("error-invalid-email-inbox")
}

/// An inbox lacks something.
pub fn inbox_incomplete(what: &str) -> ApiError {
    ApiError::Plain(format!("An email inbox needs {what}").into())
}

/// A password has to be given anew.
pub fn inbox_password_required() -> ApiError {
    ApiError::coded(
        "error-password-required",
        "The password has to be given anew with another server or account",
    )
}

/// The server of an inbox is none that mail may be sent through.
pub fn inbox_server_unreachable(why: &str) -> ApiError {
    email_send_failed("email-inbox.send-test", why)
}
