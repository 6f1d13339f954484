use application::error::Error;
use domain::membership::MembershipRefusal;
use domain::room::RoomKind;
use serde_json::{Value, json};

use crate::errors::ApiError;

/// What texts call a room of that kind.
const fn noun(kind: RoomKind) -> &'static str {
    match kind {
        RoomKind::Channel => "channel",
        RoomKind::Group => "private group",
        RoomKind::Direct => "direct message room",
    }
}

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

/// The named room does not exist, or the caller may not see it; `None`: any kind would do.
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

pub fn room_archived(kind: RoomKind, name: &str) -> ApiError {
    ApiError::coded(
        "error-room-archived",
        format!("The {}, {name}, is archived", noun(kind)),
    )
}

pub fn user_not_in_room() -> ApiError {
    ApiError::coded("error-user-not-in-room", "User is not in this room")
}

/// Somebody who is kept out of the room joins it, or is added.
pub fn banned_from_room() -> ApiError {
    ApiError::denied("error-user-is-banned", "User is banned from this room")
}

/// Somebody who is looked for in a room does not exist.
pub fn no_such_user_to_find() -> ApiError {
    ApiError::plain("error-user-not-found")
}

/// Direct messages have no owners.
pub fn room_type_not_supported() -> ApiError {
    ApiError::plain("error-room-type-not-supported")
}

/// `*.online` without saying which room.
pub fn room_query_missing() -> ApiError {
    ApiError::plain("Invalid query")
}

/// `*.online` of no room.
pub fn no_such_room_to_watch(kind: RoomKind) -> ApiError {
    ApiError::plain(match kind {
        RoomKind::Channel => "Channel does not exists",
        RoomKind::Group | RoomKind::Direct => "Group does not exists",
    })
}

/// `*.online` of a room that the caller may not see.
pub fn watching_not_allowed() -> ApiError {
    ApiError::denied("error-not-allowed", "Not Allowed")
}

/// One of the people to be added does not exist.
pub fn unknown_user_to_add() -> ApiError {
    ApiError::coded("error-invalid-username", "Invalid username").method("addUsersToRoom")
}

/// The caller may not see who is in the room, or there is none.
pub fn listing_not_authorized() -> ApiError {
    ApiError::denied("not-authorized", "Not Authorized")
}

/// The type is a number on the wire.
pub fn adding_all_not_allowed() -> ApiError {
    ApiError::Typed {
        error: "Access to Method Forbidden [403]".into(),
        error_type: Value::from(403),
    }
}

/// More users than may be added at once.
pub fn too_many_users_to_add() -> ApiError {
    ApiError::coded("error-user-limit-exceeded", "User Limit Exceeded").method("addAllUserToRoom")
}

/// There is no such room, or the operation makes no sense for it.
pub fn invalid_room() -> ApiError {
    ApiError::coded("error-invalid-room", "Invalid room")
}

pub fn not_archived(kind: RoomKind, name: &str) -> ApiError {
    ApiError::Plain(format!("The {}, {name}, is not archived", noun(kind)).into())
}

pub fn already_open(kind: RoomKind, name: &str) -> ApiError {
    let to = if kind == RoomKind::Channel {
        "to"
    } else {
        "for"
    };
    ApiError::Plain(
        format!(
            "The {}, {name}, is already open {to} the sender",
            noun(kind)
        )
        .into(),
    )
}

pub fn already_closed(kind: RoomKind, name: &str) -> ApiError {
    ApiError::Plain(match kind {
        RoomKind::Direct => "The direct message room, is already closed to the sender".into(),
        RoomKind::Channel | RoomKind::Group => format!(
            "The {}, {name}, is already closed to the sender",
            noun(kind)
        )
        .into(),
    })
}

/// Opening or closing a channel the caller is not in. The text for closing lacks the last quotation mark, and clients
/// may rely on that.
pub fn not_in_channel(name: &str, closing: bool) -> ApiError {
    let end = if closing { "" } else { "\"" };
    ApiError::Plain(format!("The user/callee is not in the channel \"{name}{end}.").into())
}

pub fn body_param_required(name: &str) -> ApiError {
    ApiError::Plain(format!("The bodyParam \"{name}\" is required").into())
}

/// A parameter of a discussion to begin is missing or wrong.
pub fn discussion_param(name: &str, rule: &str) -> ApiError {
    ApiError::Plain(format!("Body parameter \"{name}\" {rule}").into())
}

/// A parameter for creating a room is missing or has the wrong type; the two families word it differently.
pub fn creation_param(kind: RoomKind, name: &str, rule: &str) -> ApiError {
    let param = if kind == RoomKind::Channel {
        "Param"
    } else {
        "Body param"
    };
    ApiError::Plain(format!("{param} \"{name}\" {rule}").into())
}

/// A change to what a room has already; `what` as in "channel topic".
pub fn same_as_before(kind: RoomKind, what: &str) -> ApiError {
    ApiError::Plain(
        format!(
            "The {} {what} is the same as what it would be changed to.",
            noun(kind)
        )
        .into(),
    )
}

/// Renaming a channel to the name it has.
pub fn same_name() -> ApiError {
    ApiError::plain("The channel name is the same as what it would be renamed to.")
}

pub fn invalid_room_name(name: &str) -> ApiError {
    ApiError::coded(
        "error-invalid-room-name",
        format!("{name} is not a valid room name."),
    )
    .with(json!({ "function": "RocketChat.getValidRoomName", "channel_name": name }))
}

/// Another room has the name.
pub fn duplicate_room_name(name: &str, archived: bool) -> ApiError {
    let details = json!({ "function": "RocketChat.getValidRoomName", "channel_name": name });
    if archived {
        ApiError::coded(
            "error-archived-duplicate-name",
            format!("There's an archived channel with name {name}"),
        )
    } else {
        ApiError::coded(
            "error-duplicate-channel-name",
            format!("A channel with name '{name}' exists"),
        )
    }
    .with(details)
}

/// A user has the name wanted for a room.
pub fn duplicate_handle(name: &str) -> ApiError {
    ApiError::coded(
        "error-duplicate-handle",
        format!("A room, team or user with name '{name}' already exists"),
    )
    .with(json!({ "function": "RocketChat.updateRoomName", "handle": name }))
}

/// The caller may not see the room (`rooms.info`); the fields are swapped on the wire.
pub fn room_not_allowed() -> ApiError {
    ApiError::Typed {
        error: "not-allowed".into(),
        error_type: Value::from("Not Allowed"),
    }
}

/// A link into a room to be removed.
pub fn no_such_invite() -> ApiError {
    ApiError::coded("invalid-invitation-id", "Invalid Invitation _id")
}

/// `*.anonymousread` while the workspace may not be read without a login.
pub fn anonymous_reading_off(kind: RoomKind) -> ApiError {
    let family = if kind == RoomKind::Group {
        "groups"
    } else {
        "channels"
    };
    ApiError::denied("error-not-allowed", "Enable \"Allow Anonymous Read\"")
        .method(&format!("{family}.anonymousread"))
}

/// The caller may not see every room there is.
pub fn administering_not_allowed() -> ApiError {
    ApiError::plainly_denied("error-not-authorized")
}

/// The target of a message does not exist.
pub fn invalid_channel() -> ApiError {
    ApiError::code("invalid-channel")
}

/// A date of a sync request is not valid.
pub fn invalid_date(code: &'static str, name: &str) -> ApiError {
    ApiError::coded(
        code,
        format!("The \"{name}\" query parameter must be a valid date."),
    )
}

/// A direct message to somebody who does not exist, or to nobody.
pub fn direct_message_user_unknown() -> ApiError {
    ApiError::coded("error-invalid-user", "Invalid user").method("createDirectMessage")
}

/// Marking a room as read that the caller may not see.
pub fn marking_not_allowed() -> ApiError {
    ApiError::denied("error-not-allowed", "Not allowed").method("readMessages")
}

/// Marking a room as read that the caller is not in.
pub fn no_subscription() -> ApiError {
    ApiError::plain("error-invalid-subscription")
}

/// Reading replies to a message that the caller may not see, or while threads are off.
pub fn reading_thread_not_allowed() -> ApiError {
    ApiError::denied("error-not-allowed", "Not allowed").method("readThreads")
}

/// What is begun is a reply to nothing in the room.
pub fn no_thread_to_draft() -> ApiError {
    ApiError::coded("error-invalid-message", "Invalid message")
}

/// What `method` says to those who are not in the room in question; other errors say the same as ever.
pub fn or_no_subscription(error: Error, method: &str) -> ApiError {
    match error {
        Error::Membership(MembershipRefusal::NotAMember) => super::invalid_subscription(method),
        error => error.into(),
    }
}

/// Something about notifications that cannot be chosen.
pub fn invalid_notification() -> ApiError {
    ApiError::coded("error-invalid-settings", "Invalid settings").method("saveNotificationSettings")
}

pub fn already_hidden() -> ApiError {
    ApiError::plain("error-room-already-hidden")
}

/// The caller may neither see the direct message nor administers rooms.
pub fn deleting_not_allowed() -> ApiError {
    ApiError::denied("error-not-allowed", "Not allowed")
}

/// `API_Enable_Direct_Message_History_EndPoint` is off.
pub fn direct_history_disabled() -> ApiError {
    ApiError::coded("error-endpoint-disabled", "This endpoint is disabled")
        .with(json!({ "route": "/api/v1/im.messages.others" }))
}

pub fn param_required(name: &str) -> ApiError {
    ApiError::Plain(format!("The '{name}' param is required").into())
}

pub fn date_in_body_required(name: &str) -> ApiError {
    ApiError::Plain(format!("Body parameter \"{name}\" is required.").into())
}

/// A favourite of somebody who is not in the room.
pub fn favouring_not_allowed() -> ApiError {
    ApiError::coded(
        "error-invalid-subscription",
        "You must be part of a room to favorite it",
    )
    .method("toggleFavorite")
}

/// The room has no message that could be unread.
pub fn nothing_to_unread() -> ApiError {
    ApiError::coded(
        "error-no-message-for-unread",
        "There are no messages to mark unread",
    )
    .with(json!({ "method": "unreadMessages", "action": "Unread_messages" }))
}

/// The first unread message must exist and must not be the caller's own.
pub fn unread_not_allowed() -> ApiError {
    ApiError::denied("error-action-not-allowed", "Not allowed")
        .with(json!({ "method": "unreadMessages", "action": "Unread_messages" }))
}

/// A setting that no room has.
pub fn no_such_room_setting() -> ApiError {
    ApiError::coded("error-invalid-settings", "Invalid settings provided")
        .method("saveRoomSettings")
}

pub fn wrong_room_custom_fields() -> ApiError {
    ApiError::coded(
        "invalid-roomCustomFields-type",
        "Invalid roomCustomFields type",
    )
    .method("saveRoomSettings")
}

pub fn invalid_room_type() -> ApiError {
    ApiError::coded("error-invalid-room-type", "error-invalid-room-type").method("saveRoomSettings")
}

pub fn custom_fields_required() -> ApiError {
    ApiError::plain("The bodyParam \"customFields\" is required with a type like object.")
}

/// The types of this error and of [`same_default`] are swapped on the wire.
pub fn default_param_required() -> ApiError {
    ApiError::Typed {
        error: "The bodyParam \"default\" is required".into(),
        error_type: Value::from("error-channels-setdefault-is-same"),
    }
}

/// See [`default_param_required`].
pub fn same_default() -> ApiError {
    ApiError::Typed {
        error: "The channel default setting is the same as what it would be changed to.".into(),
        error_type: Value::from("error-channels-setdefault-missing-default-param"),
    }
}

/// The caller may not see codes that joining takes.
pub fn join_code_not_shown() -> ApiError {
    ApiError::denied("error-not-authorized", "Not authorized").method("getJoinCode")
}

/// A room that the caller may not see, or that is not there.
pub fn room_denied(method: &str) -> ApiError {
    ApiError::denied("error-not-allowed", "Not allowed").method(method)
}

/// A room that the caller knows of and may not look into.
pub fn no_permission(method: &str) -> ApiError {
    ApiError::denied("error-no-permission", "No permission").method(method)
}
