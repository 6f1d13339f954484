//! Following threads (contract, messages 6 `chat.followMessage`).

use super::{Decision, may_access, there};
use crate::message::{Message, MessageContext, MessageRefusal, ThreadFollowed, ThreadUnfollowed};
use crate::settings::keys;
use crate::{MessageId, Timestamp};

/// Nothing happens where the views show what is wanted, unless the last that this user said of it was the opposite: then
/// they may be behind.
pub(in crate::message) fn follow(
    state: &Message,
    message: MessageId,
    wanted: bool,
    at: Timestamp,
    context: &MessageContext<'_>,
) -> Decision {
    if !context.settings.bool(keys::THREADS_ENABLED) {
        return Err(MessageRefusal::ThreadsDisabled);
    }
    let posted = there(state, context)?;
    may_access(context)?;
    let user = context.authority.actor.clone();
    let said = posted.and_then(|posted| posted.followers.get(&user).copied());
    let room = context.room.id.clone();
    if context.follows == wanted && said.unwrap_or(wanted) == wanted {
        return Ok(vec![]);
    }
    Ok(if wanted {
        vec![
            ThreadFollowed {
                message,
                room,
                user,
                at,
            }
            .into(),
        ]
    } else {
        vec![
            ThreadUnfollowed {
                message,
                room,
                user,
                at,
            }
            .into(),
        ]
    })
}
