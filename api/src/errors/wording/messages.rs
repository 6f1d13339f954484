use domain::message::CustomFieldRefusal;
use serde_json::json;

use crate::errors::ApiError;

/// `chat.sendMessage` without a message.
pub fn message_param_missing() -> ApiError {
    ApiError::coded(
        "error-invalid-params",
        "The \"message\" parameter must be provided.",
    )
}

pub fn rid_missing() -> ApiError {
    ApiError::plain("The 'rid' property on the message object is missing.")
}

/// The message to change does not exist.
pub fn no_message_with_id(id: &str) -> ApiError {
    ApiError::Plain(format!("No message found with the id of \"{id}\".").into())
}

/// The message to change is in another room.
pub fn room_mismatch() -> ApiError {
    ApiError::plain("The room id provided does not match where the message is from.")
}

/// Deleting somebody else's message as its author needs a right.
pub fn delete_as_user() -> ApiError {
    ApiError::plain(
        "Unauthorized. You must have the permission \"force-delete-message\" to delete other's message as them.",
    )
}

pub fn message_id_missing() -> ApiError {
    ApiError::coded(
        "error-messageid-param-not-provided",
        "The required \"messageId\" param is missing.",
    )
}

pub fn message_not_found() -> ApiError {
    ApiError::coded(
        "error-message-not-found",
        "The provided \"messageId\" does not match any existing message.",
    )
}

pub fn emoji_missing() -> ApiError {
    ApiError::coded(
        "error-emoji-param-not-provided",
        "The required \"emoji\" param is missing.",
    )
}

/// Reacting in a room the caller may not see.
pub fn reacting_not_authorized() -> ApiError {
    ApiError::denied("not-authorized", "Not Authorized").method("setReaction")
}

/// Reacting in a room the caller may not post in.
pub fn reacting_while_muted(room: &str) -> ApiError {
    ApiError::denied("error-not-allowed", "You have been muted").with(json!({ "rid": room }))
}

pub fn invalid_emoji() -> ApiError {
    ApiError::denied("error-not-allowed", "Invalid emoji provided.").method("setReaction")
}

/// `chat.getMessage` without an id.
pub fn msg_id_query_missing() -> ApiError {
    ApiError::plain("The \"msgId\" query parameter must be provided.")
}

pub fn reading_not_allowed() -> ApiError {
    ApiError::denied("error-not-allowed", "Not allowed")
}

pub fn message_not_encrypted() -> ApiError {
    ApiError::coded("error-invalid-message", "The message is not encrypted").method("updateMessage")
}

/// The id the client chose is taken by something else.
pub fn message_id_taken() -> ApiError {
    ApiError::plain("A message with this id exists already.")
}

pub fn no_such_room() -> ApiError {
    ApiError::plain("error-invalid-room")
}

/// More rooms than one call may post to.
pub fn too_many_rooms(most: usize) -> ApiError {
    ApiError::coded(
        "error-invalid-params",
        format!("A message can be posted to at most {most} rooms at a time"),
    )
}

/// The id a client chose for a message is too long.
pub fn message_id_too_long(most: usize) -> ApiError {
    ApiError::coded(
        "error-invalid-params",
        format!("The id of a message can have at most {most} bytes"),
    )
}

/// `updateMessage` that makes a message a reply to itself.
pub fn replies_to_itself() -> ApiError {
    ApiError::coded(
        "error-message-same-as-tmid",
        "Cannot set tmid the same as the _id",
    )
    .method("updateMessage")
}

/// `updateMessage` that makes a message of a room a reply.
pub fn becomes_a_reply() -> ApiError {
    ApiError::coded(
        "error-message-change-to-thread",
        "Cannot update message to a thread",
    )
    .method("updateMessage")
}

/// `setReaction` on a message that is not there.
pub fn reacting_not_allowed() -> ApiError {
    ApiError::denied("error-not-allowed", "Not allowed").method("setReaction")
}

/// Custom fields that are not as the settings have them.
pub fn message_custom_fields(refusal: &CustomFieldRefusal) -> ApiError {
    match refusal {
        CustomFieldRefusal::BrokenSchema(_) => ApiError::coded(
            "error-invalid-customfield-json",
            "The setting Message_CustomFields is not a schema that the server understands",
        ),
        CustomFieldRefusal::Invalid { place, rule } => ApiError::coded(
            "error-invalid-custom-field",
            format!("Invalid custom fields: {rule} of {place:?}"),
        )
        .with(json!({ "field": place, "rule": rule })),
    }
}
