//! Starring (contract, messages 6 `chat.starMessage`).

use super::{Decision, may_access, there};
use crate::message::{Message, MessageContext, MessageRefusal, MessageStarred, MessageUnstarred};
use crate::settings::keys;
use crate::{MessageId, Timestamp};

/// Starring what one has starred changes nothing, neither does starring in a room one is not a member of.
pub(in crate::message) fn star(
    state: &Message,
    message: MessageId,
    wanted: bool,
    at: Timestamp,
    context: &MessageContext<'_>,
) -> Decision {
    if !context.settings.bool(keys::MESSAGE_ALLOW_STARRING) {
        return Err(MessageRefusal::StarringDisabled);
    }
    let posted = there(state, context)?;
    may_access(context)?;
    let user = context.authority.actor.clone();
    let starred = posted.is_some_and(|posted| posted.stars.contains(&user));
    let room = context.room.id.clone();
    Ok(match (starred, wanted) {
        _ if context.membership.is_none() => vec![],
        (false, true) => vec![
            MessageStarred {
                message,
                room,
                user,
                at,
            }
            .into(),
        ],
        (true, false) => vec![
            MessageUnstarred {
                message,
                room,
                user,
                at,
            }
            .into(),
        ],
        _ => vec![],
    })
}
