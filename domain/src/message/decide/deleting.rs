//! Deleting and pruning (contract, messages 5.2 and 5.3).

use super::{Decision, MINUTE, is_own, writes_although_read_only};
use crate::message::{Message, MessageContext, MessageDeleted, MessageRefusal, Posted, Remains};
use crate::permission::Permission;
use crate::settings::keys;
use crate::{MessageId, Timestamp};

pub(in crate::message) fn delete(
    state: &Message,
    message: MessageId,
    at: Timestamp,
    context: &MessageContext<'_>,
) -> Decision {
    let (own, sent_at) = match (state, context.system_message) {
        (Message::Posted(posted), _) if posted.room != context.room.id => {
            return Err(MessageRefusal::OtherRoom);
        }
        (Message::Posted(Posted { author: None, .. }) | Message::Unposted, Some(sent_at)) => {
            (false, sent_at)
        }
        (Message::Posted(posted), _) => (is_own(posted, context), posted.at),
        (Message::Unposted | Message::Deleted(_), _) => return Err(MessageRefusal::NotFound),
    };
    may_delete(own, sent_at, at, context)?;
    let remains = if context.has_replies || context.settings.bool(keys::MESSAGE_SHOW_DELETED_STATUS)
    {
        Remains::Placeholder
    } else {
        Remains::Nothing
    };
    let by = context.authority.actor.clone();
    Ok(vec![
        MessageDeleted {
            message,
            room: context.room.id.clone(),
            by,
            at,
            remains,
        }
        .into(),
    ])
}

pub(in crate::message) fn prune(
    state: &Message,
    message: MessageId,
    at: Timestamp,
    context: &MessageContext<'_>,
) -> Decision {
    let authority = &context.authority;
    if !authority.has_in_room(Permission::CLEAN_CHANNEL_HISTORY) {
        return Err(MessageRefusal::DeleteNotAllowed);
    }
    let is_there = match state {
        // Somebody has chosen the id of a system message of this room for a message in another one.
        Message::Posted(posted) if posted.room != context.room.id => false,
        Message::Posted(posted) if posted.author.is_some() => true,
        Message::Posted(_) | Message::Unposted => context.system_message.is_some(),
        Message::Deleted(remains) => *remains == Remains::Placeholder,
    };
    if !is_there {
        return Ok(vec![]);
    }
    Ok(vec![
        MessageDeleted {
            message,
            room: context.room.id.clone(),
            by: authority.actor.clone(),
            at,
            remains: Remains::Nothing,
        }
        .into(),
    ])
}

fn may_delete(
    own: bool,
    sent_at: Timestamp,
    at: Timestamp,
    context: &MessageContext<'_>,
) -> Result<(), MessageRefusal> {
    let authority = &context.authority;
    if authority.has_in_room(Permission::FORCE_DELETE_MESSAGE) {
        return Ok(());
    }
    let allowed = authority.has_in_room(Permission::DELETE_MESSAGE)
        || (own && authority.has(Permission::DELETE_OWN_MESSAGE));
    if !allowed || !context.settings.bool(keys::MESSAGE_ALLOW_DELETING) {
        return Err(MessageRefusal::DeleteNotAllowed);
    }
    let limit = context
        .settings
        .int(keys::MESSAGE_ALLOW_DELETING_BLOCK_DELETE_IN_MINUTES);
    if limit > 0 {
        let rounded = at
            .millis_since(sent_at)
            .saturating_add(MINUTE / 2)
            .div_euclid(MINUTE);
        let bypasses = authority.has_in_room(Permission::BYPASS_TIME_LIMIT_EDIT_AND_DELETE);
        return if rounded <= limit || bypasses {
            Ok(())
        } else {
            Err(MessageRefusal::DeleteNotAllowed)
        };
    }
    if context.room.read_only && !writes_although_read_only(context) {
        return Err(MessageRefusal::DeleteInReadOnlyRoom);
    }
    Ok(())
}
