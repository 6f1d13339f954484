//! What may be done with a message, one file per wish (contract, messages 3, 5 and 6), and what several wishes ask.

mod deleting;
mod editing;
mod following;
mod pinning;
mod posting;
mod previewing;
mod reacting;
mod starring;

pub(super) use deleting::{delete, prune};
pub(super) use editing::edit;
pub(super) use following::follow;
pub(super) use pinning::pin;
pub(super) use posting::post;
pub use posting::{OutOfSync, may_call_so_many, resolve_sent_at};
pub(super) use previewing::preview;
pub(super) use reacting::react;
pub(super) use starring::star;

use super::{Message, MessageContext, MessageEvent, MessageRefusal, Posted};
use crate::membership::access::can_access_room;
use crate::permission::Permission;
use crate::room::RoomKind;

type Decision = Result<Vec<MessageEvent>, MessageRefusal>;

const MINUTE: i64 = 60_000;

/// Whether the actor may write into the room (contract, messages 3 step 5; rooms 3.3).
pub fn may_write(context: &MessageContext<'_>) -> Result<(), MessageRefusal> {
    let room = context.room;
    may_access(context)?;
    if room.kind == RoomKind::Direct
        && context
            .membership
            .is_some_and(|membership| membership.blocked)
    {
        return Err(MessageRefusal::Blocked);
    }
    if room.read_only && !writes_although_read_only(context) {
        return Err(MessageRefusal::ReadOnly);
    }
    may_speak(context)
}

fn writes_although_read_only(context: &MessageContext<'_>) -> bool {
    context.authority.has_in_room(Permission::POST_READONLY)
        || context.room.unmuted.contains(context.authority.actor)
}

fn may_speak(context: &MessageContext<'_>) -> Result<(), MessageRefusal> {
    if context.room.banned.contains(context.authority.actor) {
        return Err(MessageRefusal::NoAccess);
    }
    if context.room.muted.contains(context.authority.actor) {
        return Err(MessageRefusal::Muted);
    }
    Ok(())
}

fn is_own(posted: &Posted, context: &MessageContext<'_>) -> bool {
    posted.author.as_ref() == Some(context.authority.actor)
}

fn may_access(context: &MessageContext<'_>) -> Result<(), MessageRefusal> {
    let (authority, room) = (&context.authority, context.room);
    if can_access_room(authority, room, context.membership, context.beyond) {
        Ok(())
    } else {
        Err(MessageRefusal::NoAccess)
    }
}

/// The message that something is to be attached to; `None` for a system message about which the log says nothing yet.
fn there<'a>(
    state: &'a Message,
    context: &MessageContext<'_>,
) -> Result<Option<&'a Posted>, MessageRefusal> {
    match state {
        Message::Posted(posted) if posted.room != context.room.id => Err(MessageRefusal::OtherRoom),
        Message::Posted(posted) => Ok(Some(posted)),
        Message::Unposted if context.system_message.is_some() => Ok(None),
        Message::Unposted | Message::Deleted(_) => Err(MessageRefusal::NotFound),
    }
}
