//! Pinning (contract, messages 6 `chat.pinMessage`).

use super::{Decision, there};
use crate::message::{Message, MessageContext, MessagePinned, MessageRefusal, MessageUnpinned};
use crate::permission::Permission;
use crate::settings::keys;
use crate::{MessageId, Timestamp};

/// Pinning what is pinned changes nothing.
pub(in crate::message) fn pin(
    state: &Message,
    message: MessageId,
    wanted: bool,
    at: Timestamp,
    context: &MessageContext<'_>,
) -> Decision {
    if !context.settings.bool(keys::MESSAGE_ALLOW_PINNING) {
        return Err(MessageRefusal::PinningDisabled);
    }
    let pinned = there(state, context)?.is_some_and(|posted| posted.pinned);
    if context.membership.is_none() {
        return Err(MessageRefusal::NotAMember);
    }
    if !context.authority.has_in_room(Permission::PIN_MESSAGE) {
        return Err(MessageRefusal::PinNotAllowed);
    }
    let (room, by) = (context.room.id.clone(), context.authority.actor.clone());
    Ok(match (pinned, wanted) {
        (false, true) => vec![
            MessagePinned {
                message,
                room,
                by,
                at,
            }
            .into(),
        ],
        (true, false) => vec![
            MessageUnpinned {
                message,
                room,
                by,
                at,
            }
            .into(),
        ],
        _ => vec![],
    })
}
