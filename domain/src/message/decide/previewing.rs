//! Previews of the pages that a message links to (contract, messages 4.4).

use super::Decision;
use crate::message::{LinksPreviewed, Message, MessageContext, MessageRefusal, Preview};
use crate::{MessageId, Timestamp};

/// What was found out about links that the message still has and that nothing is known of yet.
pub(in crate::message) fn preview(
    state: &Message,
    message: MessageId,
    mut previews: Vec<Preview>,
    at: Timestamp,
    context: &MessageContext<'_>,
) -> Decision {
    let Message::Posted(posted) = state else {
        return Ok(vec![]);
    };
    if posted.room != context.room.id {
        return Err(MessageRefusal::OtherRoom);
    }
    let wanted: Vec<&str> = posted.content.to_preview().collect();
    previews.retain(|preview| {
        wanted.contains(&&*preview.url) && !posted.previewed.contains(&preview.url)
    });
    if previews.is_empty() {
        return Ok(vec![]);
    }
    let room = context.room.id.clone();
    Ok(vec![
        LinksPreviewed {
            message,
            room,
            at,
            previews,
        }
        .into(),
    ])
}
