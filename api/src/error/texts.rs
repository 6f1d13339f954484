//! The errors of the wire that have a name of their own, each worded once.

use domain::room::RoomKind;
use serde_json::{Value, json};

use super::{ApiError, Text};

/// No valid credentials.
pub const NOT_LOGGED_IN: &str = "You must be logged in to do this.";
/// The path exists, but not for this method.
pub const NO_SUCH_ENDPOINT: &str = "API endpoint does not exist";
/// Sic.
pub const INTERNAL: &str = "Internal error occured";
/// More data than is accepted.
pub const TOO_LARGE: &str = "Request entity too large";
/// The log cannot be used now.
pub const UNAVAILABLE: &str = "Service temporarily unavailable";
/// What a direct message never is on the wire: a channel or a group.
const fn noun(kind: RoomKind) -> &'static str {
    match kind {
        RoomKind::Channel => "channel",
        RoomKind::Group => "private group",
        RoomKind::Direct => "direct message room",
    }
}

// ---- requests -------------------------------------------------------------------------------------------------

/// The caller may not.
pub fn forbidden() -> ApiError {
    ApiError::Forbidden("unauthorized".into())
}

/// A route permission is missing.
pub fn permission_missing() -> ApiError {
    ApiError::coded("error-unauthorized", "User does not have the permissions required for this action")
}

/// Nothing there.
pub fn not_found() -> ApiError {
    ApiError::NotFound("Resource not found".into())
}

/// The body is not JSON, or not an object or array.
pub fn malformed_body(what: &str) -> ApiError {
    ApiError::Plain(format!("Invalid request body: {what}").into())
}

/// A parameter has another type than it must; `found` is the name of the type it has.
pub fn type_mismatch(wanted: &str, found: &str, field: &str) -> ApiError {
    ApiError::Plain(format!("Match error: Expected {wanted}, got {found} in field {field}").into())
}

/// A parameter that must be there is not.
pub fn match_missing(field: &str) -> ApiError {
    ApiError::Plain(format!("Match error: Missing key '{field}'").into())
}

/// The parameters do not meet the schema of the route.
pub fn invalid_params(messages: &[String]) -> ApiError {
    ApiError::coded("invalid-params", messages.join("\n "))
}

/// One of the JSON parameters of the query string is not valid: `sort`, `fields` or `query`.
pub fn invalid_json_parameter(name: &str, raw: &str) -> ApiError {
    ApiError::coded(format!("error-invalid-{name}"), format!("Invalid {name} parameter provided: \"{raw}\""))
        .with(json!({ "helperMethod": "parseJsonQuery" }))
}

/// A query asks for what may not be asked.
pub fn invalid_query(what: &str) -> ApiError {
    ApiError::coded("error-invalid-query", what.to_owned()).with(json!({ "helperMethod": "parseJsonQuery" }))
}

// ---- users ----------------------------------------------------------------------------------------------------

/// Nobody was named.
pub fn user_param_missing() -> ApiError {
    ApiError::coded(
        "error-user-param-not-provided",
        "The required \"userId\" or \"username\" param was not provided",
    )
}

/// Somebody was named who is not there.
pub fn user_param_unknown() -> ApiError {
    ApiError::coded(
        "error-invalid-user",
        "The required \"userId\" or \"username\" param provided does not match any users",
    )
}

/// Nobody was named to be invited.
pub fn users_params_missing() -> ApiError {
    ApiError::coded(
        "error-users-params-not-provided",
        "Please provide \"userId\" or \"username\" or \"userIds\" or \"usernames\" as param",
    )
}

/// Nobody of those named to be invited is there. The two families of routes differ, and one swaps its fields.
pub fn invite_list_empty(kind: RoomKind) -> ApiError {
    match kind {
        RoomKind::Channel => ApiError::Typed {
            error: "invalid-user-invite-list".into(),
            error_type: json!("Cannot invite if no users are provided"),
        },
        RoomKind::Group | RoomKind::Direct => {
            ApiError::coded("error-empty-invite-list", "Cannot invite if no valid users are provided")
        }
    }
}

/// `users.info` finds nobody.
pub fn user_not_found() -> ApiError {
    ApiError::plain("User not found.")
}

/// A field of a new account is missing.
pub fn field_required(field: &str) -> ApiError {
    ApiError::coded("error-the-field-is-required", format!("The field {field} is required"))
        .with(json!({ "method": "insertOrUpdateUser", "field": field }))
}

/// The user name does not have the form of one.
pub fn invalid_username(username: &str) -> ApiError {
    ApiError::coded("error-input-is-not-a-valid-field", format!("{username} is not a valid username"))
        .with(json!({ "method": "insertOrUpdateUser", "input": username, "field": "Username" }))
}

/// The user name is one that nobody may have.
pub fn blocked_username(username: &str) -> ApiError {
    ApiError::coded("error-blocked-username", format!("{username} is blocked and can't be used!"))
        .with(json!({ "method": "insertOrUpdateUser", "field": username }))
}

/// A user name or address belongs to somebody.
pub fn field_unavailable(value: &str) -> ApiError {
    ApiError::coded("error-field-unavailable", format!("{value} is already in use :("))
        .with(json!({ "method": "insertOrUpdateUser", "field": value }))
}

/// Signing up with a name that somebody has.
pub fn username_in_use() -> ApiError {
    ApiError::plain("Username is already in use")
}

/// Signing up with an address that somebody has.
pub fn email_exists() -> ApiError {
    ApiError::coded("403", "Email already exists.")
}

/// Something about an address is wrong.
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
    ApiError::coded("error-invalid-customfield-json", "Invalid JSON for Custom Fields")
}

/// A custom field breaks its rules; `what` says how.
pub fn custom_field(what: String) -> ApiError {
    ApiError::coded("error-user-registration-custom-field", what).method("registerUser")
}

/// The name wanted belongs to somebody, or is none.
pub fn could_not_save_identity() -> ApiError {
    ApiError::coded("error-could-not-save-identity", "Could not save user identity").method("saveUserIdentity")
}

/// Rooms would be left without owner: those that would go, and those that would get another.
pub fn last_owner(removed: &[&str], changed: &[&str]) -> ApiError {
    ApiError::code("user-last-owner").with(json!({ "shouldBeRemoved": removed, "shouldChangeOwner": changed }))
}

/// An operation on an account is not allowed; `action` is the wire's name of it.
pub fn user_action(reason: impl Into<Text>, action: &str) -> ApiError {
    ApiError::coded("error-action-not-allowed", reason).with(json!({ "method": "insertOrUpdateUser", "action": action }))
}

// ---- rooms ----------------------------------------------------------------------------------------------------

/// No room was named.
pub fn room_param_missing(kind: Option<RoomKind>) -> ApiError {
    match kind {
        Some(RoomKind::Group) => ApiError::coded(
            "error-room-param-not-provided",
            "The parameter \"roomId\" or \"roomName\" is required",
        ),
        Some(RoomKind::Direct) => ApiError::coded(
            "error-room-param-not-provided",
            "Body param \"roomId\" or \"username\" is required",
        ),
        Some(RoomKind::Channel) | None => ApiError::coded(
            "error-roomid-param-not-provided",
            "The parameter \"roomId\" or \"roomName\" is required",
        ),
    }
}

/// The room that was named is not there, or not for the caller; `None`: any kind would have done.
pub fn room_not_found(kind: Option<RoomKind>) -> ApiError {
    let noun = match kind {
        Some(RoomKind::Group) => "group",
        _ => "channel",
    };
    ApiError::coded(
        "error-room-not-found",
        format!("The required \"roomId\" or \"roomName\" param provided does not match any {noun}"),
    )
}

/// The room that was named is archived.
pub fn room_archived(kind: RoomKind, name: &str) -> ApiError {
    ApiError::coded("error-room-archived", format!("The {}, {name}, is archived", noun(kind)))
}

/// Unarchiving a channel that is not archived.
pub fn not_archived(kind: RoomKind, name: &str) -> ApiError {
    ApiError::Plain(format!("The {}, {name}, is not archived", noun(kind)).into())
}

/// Opening what is open.
pub fn already_open(kind: RoomKind, name: &str) -> ApiError {
    let to = if kind == RoomKind::Channel { "to" } else { "for" };
    ApiError::Plain(format!("The {}, {name}, is already open {to} the sender", noun(kind)).into())
}

/// Closing what is closed.
pub fn already_closed(kind: RoomKind, name: &str) -> ApiError {
    ApiError::Plain(match kind {
        RoomKind::Direct => "The direct message room, is already closed to the sender".into(),
        RoomKind::Channel | RoomKind::Group => {
            format!("The {}, {name}, is already closed to the sender", noun(kind)).into()
        }
    })
}

/// Opening a channel one is not in. Closing one lacks the last quotation mark, and clients may have learnt that.
pub fn not_in_channel(name: &str, closing: bool) -> ApiError {
    let end = if closing { "" } else { "\"" };
    ApiError::Plain(format!("The user/callee is not in the channel \"{name}{end}.").into())
}

/// A parameter of a room route is required.
pub fn body_param_required(name: &str) -> ApiError {
    ApiError::Plain(format!("The bodyParam \"{name}\" is required").into())
}

/// A parameter for making a room is missing or of the wrong type; the two families word it differently.
pub fn creation_param(kind: RoomKind, name: &str, rule: &str) -> ApiError {
    let param = if kind == RoomKind::Channel { "Param" } else { "Body param" };
    ApiError::Plain(format!("{param} \"{name}\" {rule}").into())
}

/// Changing something of a room to what it is; `what` as in "channel topic".
pub fn same_as_before(kind: RoomKind, what: &str) -> ApiError {
    ApiError::Plain(format!("The {} {what} is the same as what it would be changed to.", noun(kind)).into())
}

/// Renaming a channel to its name.
pub fn same_name() -> ApiError {
    ApiError::plain("The channel name is the same as what it would be renamed to.")
}

/// The name of a room is not one.
pub fn invalid_room_name(name: &str) -> ApiError {
    ApiError::coded("error-invalid-room-name", format!("{name} is not a valid room name."))
        .with(json!({ "function": "RocketChat.getValidRoomName", "channel_name": name }))
}

/// The name of a room belongs to another one.
pub fn duplicate_room_name(name: &str, archived: bool) -> ApiError {
    let details = json!({ "function": "RocketChat.getValidRoomName", "channel_name": name });
    if archived {
        ApiError::coded("error-archived-duplicate-name", format!("There's an archived channel with name {name}"))
    } else {
        ApiError::coded("error-duplicate-channel-name", format!("A channel with name '{name}' exists"))
    }
    .with(details)
}

/// The name wanted for a room belongs to a user.
pub fn duplicate_handle(name: &str) -> ApiError {
    ApiError::coded("error-duplicate-handle", format!("A room, team or user with name '{name}' already exists"))
        .with(json!({ "function": "RocketChat.updateRoomName", "handle": name }))
}

/// The caller may not see the room (`rooms.info`); the fields are swapped on the wire.
pub fn room_not_allowed() -> ApiError {
    ApiError::Typed { error: "not-allowed".into(), error_type: Value::from("Not Allowed") }
}

/// The target of a message is not there.
pub fn invalid_channel() -> ApiError {
    ApiError::code("invalid-channel")
}

/// A date of a sync request is not one.
pub fn invalid_date(code: &'static str, name: &str) -> ApiError {
    ApiError::coded(code, format!("The \"{name}\" query parameter must be a valid date."))
}

// ---- messages -------------------------------------------------------------------------------------------------

/// `chat.sendMessage` without a message.
pub fn message_param_missing() -> ApiError {
    ApiError::coded("error-invalid-params", "The \"message\" parameter must be provided.")
}

/// A message without a room.
pub fn rid_missing() -> ApiError {
    ApiError::plain("The 'rid' property on the message object is missing.")
}

/// The message to change is not there.
pub fn no_message_with_id(id: &str) -> ApiError {
    ApiError::Plain(format!("No message found with the id of \"{id}\".").into())
}

/// The message to change is in another room.
pub fn room_mismatch() -> ApiError {
    ApiError::plain("The room id provided does not match where the message is from.")
}

/// Deleting as the author of somebody else's message needs a right.
pub fn delete_as_user() -> ApiError {
    ApiError::plain(
        "Unauthorized. You must have the permission \"force-delete-message\" to delete other's message as them.",
    )
}

/// A message route without a message id.
pub fn message_id_missing() -> ApiError {
    ApiError::coded("error-messageid-param-not-provided", "The required \"messageId\" param is missing.")
}

/// A message route with an unknown message id.
pub fn message_not_found() -> ApiError {
    ApiError::coded("error-message-not-found", "The provided \"messageId\" does not match any existing message.")
}

/// Reacting with nothing.
pub fn emoji_missing() -> ApiError {
    ApiError::coded("error-emoji-param-not-provided", "The required \"emoji\" param is missing.")
}

/// Reacting with what is no emoji.
pub fn invalid_emoji() -> ApiError {
    ApiError::coded("error-not-allowed", "Invalid emoji provided.").method("setReaction")
}

/// `chat.getMessage` without an id.
pub fn msg_id_query_missing() -> ApiError {
    ApiError::plain("The \"msgId\" query parameter must be provided.")
}

/// Reading what one may not.
pub fn reading_not_allowed() -> ApiError {
    ApiError::coded("error-not-allowed", "Not allowed")
}

/// Sent with an id that is taken by something else.
pub fn message_id_taken() -> ApiError {
    ApiError::plain("A message with this id exists already.")
}

// ---- login ----------------------------------------------------------------------------------------------------

/// Unknown user or wrong password: not told apart.
pub fn wrong_credentials() -> ApiError {
    ApiError::LoginFailed { code: Some(json!("Unauthorized")), reason: "Unauthorized".into(), details: None }
}

/// The account has no password.
pub fn no_password_set() -> ApiError {
    ApiError::LoginFailed { code: Some(json!(403)), reason: "User has no password set".into(), details: None }
}

/// The account may not log in (any more, or yet).
pub fn user_not_activated() -> ApiError {
    ApiError::LoginFailed {
        code: Some(json!("error-user-is-not-activated")),
        reason: "User is not activated".into(),
        details: None,
    }
}

/// The address was not confirmed; the placeholder is literal.
pub fn email_unverified() -> ApiError {
    ApiError::LoginFailed {
        code: Some(json!("error-invalid-email")),
        reason: "Invalid email __email__".into(),
        details: None,
    }
}

/// The token to resume with is not valid any more.
pub fn logged_out_by_server() -> ApiError {
    ApiError::LoginFailed {
        code: Some(json!(403)),
        reason: "You've been logged out by the server. Please log in again.".into(),
        details: None,
    }
}

/// The token to resume with is too old.
pub fn session_expired() -> ApiError {
    ApiError::LoginFailed {
        code: Some(json!(403)),
        reason: "Your session has expired. Please log in again.".into(),
        details: None,
    }
}

/// No way of logging in that is known.
pub fn unrecognized_login() -> ApiError {
    ApiError::LoginFailed {
        code: Some(json!(400)),
        reason: "Unrecognized options for login request".into(),
        details: None,
    }
}

/// The arguments of a login have wrong types.
pub fn malformed_login(what: &str) -> ApiError {
    ApiError::LoginFailed { code: None, reason: format!("Match error: {what}").into(), details: None }
}
