//! Refusals about messages.

use application::dates::iso;
use domain::message::{MessageRefusal, OutOfSync};
use serde_json::json;

use crate::errors::{ApiError, wording};

impl From<OutOfSync> for ApiError {
    fn from(error: OutOfSync) -> Self {
        Self::coded(
            "error-message-ts-out-of-sync",
            "Message timestamp is out of sync",
        )
        .with(json!({
            "method": "sendMessage",
            "message_ts": iso(error.given),
            "server_ts": iso(error.now),
        }))
    }
}

impl From<MessageRefusal> for ApiError {
    fn from(refusal: MessageRefusal) -> Self {
        let action = |reason: &'static str, method: &str, action: &str| {
            Self::denied("error-action-not-allowed", reason)
                .with(json!({ "method": method, "action": action }))
        };
        match refusal {
            MessageRefusal::NoAccess => Self::plainly_denied("error-not-allowed"),
            MessageRefusal::Blocked => Self::plain("room_is_blocked"),
            MessageRefusal::ReadOnly => {
                Self::plain("You can't send messages because the room is readonly.")
            }
            MessageRefusal::Muted => Self::plain("You_have_been_muted"),
            MessageRefusal::NotAReply => {
                Self::coded("invalid-params", "tshow provided but missing tmid")
                    .method("sendMessage")
            }
            MessageRefusal::ThreadsDisabled => {
                Self::denied("error-not-allowed", "not-allowed").method("sendMessage")
            }
            MessageRefusal::TooLong { .. } => Self::coded(
                "error-message-size-exceeded",
                "Message size exceeds Message_MaxAllowedSize",
            )
            .method("sendMessage"),
            MessageRefusal::NotEncrypted => wording::message_not_encrypted(),
            MessageRefusal::TooLarge => Self::coded(
                "error-message-size-exceeded",
                "Message size exceeds what the server accepts",
            )
            .method("sendMessage"),
            MessageRefusal::ImpersonationNotAllowed => Self::plain("Not enough permission"),
            MessageRefusal::InvalidLink => Self::plain("Invalid href value provided"),
            MessageRefusal::InvalidShape { key } => {
                wording::type_mismatch("another type", "something else", key)
            }
            MessageRefusal::CustomFields(refusal) => wording::message_custom_fields(&refusal),
            MessageRefusal::TooManyCalled { limit } => action_text(format!(
                "Teams and roles cannot be called that have more than {limit} members in the room"
            )),
            MessageRefusal::RoomTooLargeForGroupMention { limit } => action_text(format!(
                "Notify all is not allowed in rooms with more than {limit} members"
            )),
            MessageRefusal::MentionAllNotAllowed => Self::denied(
                "error-action-not-allowed",
                "Notify all in this room not allowed",
            )
            .method("filterATAllTag"),
            MessageRefusal::MentionHereNotAllowed => Self::denied(
                "error-action-not-allowed",
                "Notify here in this room not allowed",
            )
            .method("filterATHereTag"),
            MessageRefusal::AlreadyPosted | MessageRefusal::IdTaken => wording::message_id_taken(),
            MessageRefusal::NotFound | MessageRefusal::NoSuchThread => wording::message_not_found(),
            MessageRefusal::OtherRoom => wording::room_mismatch(),
            MessageRefusal::EditNotAllowed => action(
                "Message editing not allowed",
                "updateMessage",
                "Message_editing",
            ),
            MessageRefusal::EditBlocked => Self::coded(
                "error-message-editing-blocked",
                "Message editing is blocked",
            )
            .method("updateMessage"),
            MessageRefusal::DeleteNotAllowed => {
                action("Not allowed", "deleteMessage", "Delete_message")
            }
            MessageRefusal::DeleteInReadOnlyRoom => {
                Self::plain("You can't delete messages because the room is readonly.")
            }
            MessageRefusal::InvalidEmoji => wording::invalid_emoji(),
            MessageRefusal::PinningDisabled => action(
                "Message pinning not allowed",
                "pinMessage",
                "Message_pinning",
            ),
            MessageRefusal::NotAMember => wording::pinned_message_not_found("pinMessage"),
            MessageRefusal::PinNotAllowed => {
                Self::denied("not-authorized", "Not Authorized").method("pinMessage")
            }
            MessageRefusal::StarringDisabled => action(
                "Message starring not allowed",
                "starMessage",
                "Message_starring",
            ),
        }
    }
}

fn action_text(reason: String) -> ApiError {
    ApiError::denied("error-action-not-allowed", reason).method("filterATAllTag")
}
