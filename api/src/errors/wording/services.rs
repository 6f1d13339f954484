//! Presence, custom statuses, search, statistics, end-to-end encryption, moderation and the small services.

use serde_json::json;

use crate::errors::ApiError;
use crate::errors::wording::email_send_failed;

// ---- presence -------------------------------------------------------------------------------------------------

/// `Accounts_AllowUserStatusMessageChange` is off.
pub fn status_change_not_allowed() -> ApiError {
    ApiError::coded("error-not-allowed", "Change status is not allowed").method("users.setStatus")
}

/// Not one of the four.
pub fn invalid_status() -> ApiError {
    ApiError::coded(
        "error-invalid-status",
        "Valid status types include online, away, offline, and busy.",
    )
    .method("users.setStatus")
}

/// Nothing takes a status back when its time is over, so none is given that should end.
pub fn status_does_not_end() -> ApiError {
    ApiError::coded(
        "error-status-expiry-not-supported",
        "A status that ends by itself is not supported",
    )
    .method("users.setStatus")
}

/// `Accounts_AllowInvisibleStatusOption` is off.
pub fn status_not_allowed() -> ApiError {
    ApiError::coded("error-status-not-allowed", "Invisible status is disabled")
        .method("users.setStatus")
}

/// Nobody says whether somebody else is there.
pub fn others_connection() -> ApiError {
    ApiError::coded(
        "cannot-change-other-users-status",
        "The status of other users cannot be changed",
    )
}

// ---- custom statuses ------------------------------------------------------------------------------------------

/// Some rights are missed under this old name.
pub fn not_authorized_code() -> ApiError {
    ApiError::code("not_authorized")
}

/// A custom status without a name.
pub fn custom_status_name_required() -> ApiError {
    ApiError::coded("error-the-field-is-required", "The field Name is required")
        .with(json!({ "method": "insertOrUpdateUserStatus", "field": "Name" }))
}

/// A name with characters that may not be in one, or no status it could stand for.
pub fn custom_status_invalid_name(name: &str) -> ApiError {
    ApiError::coded(
        "error-input-is-not-a-valid-field",
        format!("{name} is not a valid name"),
    )
    .with(json!({ "method": "insertOrUpdateUserStatus", "input": name, "field": "Name" }))
}

/// Not one of the four statuses.
pub fn custom_status_invalid_type(kind: &str) -> ApiError {
    ApiError::coded(
        "error-input-is-not-a-valid-field",
        format!("{kind} is not a valid status type"),
    )
    .with(json!({ "method": "insertOrUpdateUserStatus", "input": kind, "field": "StatusType" }))
}

/// Another custom status has the name.
pub fn custom_status_name_taken() -> ApiError {
    ApiError::coded(
        "Custom_User_Status_Error_Name_Already_In_Use",
        "The custom user status name is already in use",
    )
    .method("insertOrUpdateUserStatus")
}

/// There is no such custom status.
pub fn custom_status_unknown() -> ApiError {
    ApiError::coded(
        "Custom_User_Status_Error_Invalid_User_Status",
        "Invalid user status",
    )
    .method("deleteCustomUserStatus")
}

/// There is no custom status of this id, as its update says it.
pub fn custom_status_not_found(id: &str) -> ApiError {
    ApiError::Plain(format!("No custom user status found with the id of \"{id}\".").into())
}

/// A body has a key that it must not have.
pub fn match_unknown(field: &str) -> ApiError {
    ApiError::Plain(format!("Match error: Unknown key in field {field}").into())
}

// ---- search and figures ---------------------------------------------------------------------------------------

/// The directory does not understand, or does not answer this caller.
pub fn directory_parameters() -> ApiError {
    ApiError::plain("Please verify the parameters")
}

/// A right is missing, said as a text without a type.
pub fn plainly_not_allowed() -> ApiError {
    ApiError::plain("error-not-allowed")
}

/// A right is missing, said as a text without a type.
pub fn plainly_not_authorized() -> ApiError {
    ApiError::plain("error-not-authorized")
}

/// There is no such counter.
pub fn event_not_found() -> ApiError {
    ApiError::plain("event not found")
}

/// `API_Enable_Shields` is off.
pub fn shields_disabled() -> ApiError {
    ApiError::coded("error-endpoint-disabled", "This endpoint is disabled")
        .with(json!({ "route": "/api/v1/shield.svg" }))
}

/// Not one of `API_Shield_Types`.
pub fn shield_type_disabled() -> ApiError {
    ApiError::coded("error-shield-disabled", "This shield type is disabled")
        .with(json!({ "route": "/api/v1/shield.svg" }))
}

/// A shield without icon needs a name.
pub fn shield_name_missing() -> ApiError {
    ApiError::plain("Name cannot be empty when icon is hidden")
}

/// A shield of a channel needs the channel.
pub fn shield_channel_missing() -> ApiError {
    ApiError::plain("Shield channel is required for type channel")
}

/// A parameter that must be there is not.
pub fn missing_param(name: &str) -> ApiError {
    ApiError::coded(
        "error-missing-param",
        format!("The required \"{name}\" param is missing."),
    )
}

/// There is no such record in the domain name system, or it does not answer.
pub fn not_resolved(name: &str) -> ApiError {
    ApiError::Plain(format!("The name {name} could not be resolved").into())
}

/// Not the purpose of a deployment.
pub fn invalid_fingerprint() -> ApiError {
    ApiError::plain("Invalid fingerprint action")
}

/// What somebody who asks for an encrypted session is told: there is none to be had.
pub const NOT_ACCEPTABLE: &str = "Not Acceptable";

// ---- end-to-end encryption ------------------------------------------------------------------------------------

/// The room has a key already.
pub fn room_has_key() -> ApiError {
    ApiError::coded(
        "error-room-e2e-key-already-exists",
        "E2E Key ID already exists",
    )
    .method("e2e.setRoomKeyID")
}

/// Nobody offers the caller a key.
pub fn no_suggested_key() -> ApiError {
    ApiError::coded(
        "error-no-suggested-key-available",
        "No suggested key available",
    )
    .method("handleSuggestedGroupKey")
}

/// There is no such room, or the caller is not one of its members.
pub fn e2e_room_unknown(method: &str) -> ApiError {
    ApiError::coded("error-invalid-room", "Invalid room").method(method)
}

/// The caller is not a member.
pub fn subscription_not_found() -> ApiError {
    ApiError::coded("error-subscription-not-found", "Subscription not found")
        .method("handleSuggestedGroupKey")
}

// ---- moderation -----------------------------------------------------------------------------------------------

/// A report that does not say what is wrong.
pub fn invalid_report_description() -> ApiError {
    ApiError::coded("error-invalid-description", "Invalid description").method("reportMessage")
}

/// There is no such message, or the caller may not see it.
pub fn invalid_reported_message() -> ApiError {
    ApiError::coded("error-invalid-message_id", "Invalid message id").method("reportMessage")
}

/// A report of a message needs to say which.
pub fn report_message_id_missing() -> ApiError {
    ApiError::plain("The required \"messageId\" param is missing.")
}

/// A report needs to say what is wrong.
pub fn report_description_missing() -> ApiError {
    ApiError::plain("The required \"description\" param is missing.")
}

/// There is no such report.
pub fn report_not_found() -> ApiError {
    ApiError::plain("error-report-not-found")
}

/// There is no such user.
pub fn reported_user_unknown() -> ApiError {
    ApiError::plain("Invalid user id provided.")
}

/// The user has no such reports.
pub fn no_reports() -> ApiError {
    ApiError::plain("No messages found for moderation")
}

// ---- small services -------------------------------------------------------------------------------------------

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
