//! Reacting (contract, messages 6 `chat.react`).

use super::{Decision, may_access, may_speak, there, writes_although_read_only};
use crate::message::{Message, MessageContext, MessageRefusal, ReactionAdded, ReactionRemoved};
use crate::{MessageId, Timestamp};

pub(in crate::message) fn react(
    state: &Message,
    message: MessageId,
    emoji: &str,
    wanted: Option<bool>,
    at: Timestamp,
    context: &MessageContext<'_>,
) -> Decision {
    let reactions = there(state, context)?.map(|posted| &posted.reactions);
    let (room, user) = (context.room.id.clone(), context.authority.actor.clone());
    let mine = (between_colons(emoji), user);
    let there = reactions.is_some_and(|reactions| reactions.contains(&mine));
    let wanted = wanted.unwrap_or(!there);
    may_access(context)?;
    // What is there can be taken back, even if it could not be added any more.
    if !there || wanted {
        may_react(&mine.0, context)?;
    }
    let (emoji, user) = mine;
    Ok(match (there, wanted) {
        (false, true) => vec![
            ReactionAdded {
                message,
                room,
                user,
                emoji,
                at,
            }
            .into(),
        ],
        (true, false) => vec![
            ReactionRemoved {
                message,
                room,
                user,
                emoji,
                at,
            }
            .into(),
        ],
        _ => vec![],
    })
}

/// Whether the actor may react so in the room.
fn may_react(emoji: &str, context: &MessageContext<'_>) -> Result<(), MessageRefusal> {
    let room = context.room;
    if !context.emoji_known || !is_emoji_name(emoji.trim_matches(':')) {
        return Err(MessageRefusal::InvalidEmoji);
    }
    if room.read_only && !room.react_when_read_only && !writes_although_read_only(context) {
        return Err(MessageRefusal::ReadOnly);
    }
    may_speak(context)
}

/// The emoji's name between colons, whether or not it came with any.
fn between_colons(emoji: &str) -> String {
    format!(":{}:", emoji.replace(':', ""))
}

fn is_emoji_name(name: &str) -> bool {
    const LONGEST: usize = 100;
    let fits = |c: char| c.is_alphanumeric() || "_-+.;".contains(c);
    !name.is_empty() && name.len() <= LONGEST && name.chars().all(fits)
}
