//! One's own place in a room: what one has read there, what one wants to be told of, whom one does not want to see, and
//! what one has begun to write.

use domain::membership::{MembershipCommand, MembershipRefusal, NotificationChoice};
use domain::settings::keys;
use domain::{MessageId, RoomId, Timestamp, UserId};

use crate::caller::Caller;
use crate::chat::members::change_own;
use crate::chat::room_access::RoomAccess;
use crate::error::{Error, Refusal};
use crate::ids::now;
use crate::workspace::Workspace;

/// What of a room is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reading {
    /// What stands in the room itself.
    Room,
    /// That, and every thread.
    RoomAndThreads,
    /// The replies to this message only.
    Thread(MessageId),
}

/// From where on a room is unread again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unread {
    /// From its newest message on.
    Room(RoomId),
    /// From this message on, which somebody else wrote.
    Message(MessageId),
}

/// The caller's place in a room. Who is in no such room is told the same, whether there is one or not.
async fn own(workspace: &Workspace, caller: &Caller, room: &RoomId) -> Result<RoomAccess, Error> {
    let place = RoomAccess::of(workspace, caller, room).await?;
    let place = place.filter(RoomAccess::is_member);
    place.ok_or_else(|| MembershipRefusal::NotAMember.into())
}

/// The same for reading: who may see the room but is not in it is told that.
async fn readable(
    workspace: &Workspace,
    caller: &Caller,
    room: &RoomId,
) -> Result<RoomAccess, Error> {
    let place = RoomAccess::of(workspace, caller, room).await?;
    let place = place.filter(|place| place.can_access(caller));
    let place = place.ok_or(Refusal::ReadingNotAllowed)?;
    if !place.is_member() {
        return Err(Refusal::NotInReadRoom.into());
    }
    Ok(place)
}

/// Marks a room, or a thread of it, as read.
pub async fn read(
    workspace: &Workspace,
    caller: &Caller,
    room: &RoomId,
    reading: Reading,
) -> Result<(), Error> {
    let place = readable(workspace, caller, room).await?;
    let at = now();
    let read = match reading {
        Reading::Room => MembershipCommand::Read { threads: false, at },
        Reading::RoomAndThreads => MembershipCommand::Read { threads: true, at },
        Reading::Thread(thread) => MembershipCommand::ReadThread { thread, at },
    };
    change_own(workspace, caller, &place, &read).await.map(drop)
}

/// Marks the replies to a message as read, in whatever room it is. Who is not in that room has none to read.
pub async fn read_thread(
    workspace: &Workspace,
    caller: &Caller,
    thread: &MessageId,
) -> Result<(), Error> {
    if !workspace.views().settings().bool(keys::THREADS_ENABLED) {
        return Err(Refusal::ThreadNotShown.into());
    }
    let message = workspace.views().message(thread).await?;
    let message = message.ok_or(Refusal::ThreadNotShown)?;
    match read(
        workspace,
        caller,
        &message.room,
        Reading::Thread(thread.clone()),
    )
    .await
    {
        Err(Error::Refused(Refusal::ReadingNotAllowed)) => Err(Refusal::ThreadNotShown.into()),
        Err(Error::Refused(Refusal::NotInReadRoom)) => Ok(()),
        outcome => outcome,
    }
}

/// Marks a room as unread. A message that the caller has not read is no reason to.
pub async fn mark_unread(
    workspace: &Workspace,
    caller: &Caller,
    from: &Unread,
) -> Result<(), Error> {
    let (place, cursor) = match from {
        Unread::Room(room) => {
            let place = readable(workspace, caller, room).await?;
            let newest = workspace.views().last_message_at(room).await?;
            (place, newest.ok_or(Refusal::NothingToMarkUnread)?)
        }
        Unread::Message(message) => {
            let (place, sent) = read_message(workspace, caller, message).await?;
            let record = workspace.views().membership(&place.room.id, caller.id());
            let seen = record.await?.and_then(|record| record.view.cursor);
            if seen.is_some_and(|seen| sent >= seen) {
                return Ok(());
            }
            (place, sent)
        }
    };
    let mark = MembershipCommand::MarkUnread { cursor, at: now() };
    change_own(workspace, caller, &place, &mark).await.map(drop)
}

/// A message of somebody else in a room that the caller is in, and when it was sent.
async fn read_message(
    workspace: &Workspace,
    caller: &Caller,
    message: &MessageId,
) -> Result<(RoomAccess, Timestamp), Error> {
    let record = workspace.views().message(message).await?;
    let record = record.filter(|record| record.author != *caller.id());
    let record = record.ok_or(Refusal::MessageNotToMarkUnread)?;
    let place = RoomAccess::of(workspace, caller, &record.room).await?;
    if !place.is_some_and(|place| place.is_visible(caller)) {
        return Err(Refusal::MessageNotToMarkUnread.into());
    }
    Ok((readable(workspace, caller, &record.room).await?, record.at))
}

/// Shows a room in the caller's list, or hides it. Returns whether that changed anything; `None`: they are not in it.
pub async fn show(
    workspace: &Workspace,
    caller: &Caller,
    room: &RoomId,
    show: bool,
) -> Result<Option<bool>, Error> {
    let place = RoomAccess::of(workspace, caller, room).await?;
    let Some(place) = place.filter(RoomAccess::is_member) else {
        return Ok(None);
    };
    let at = now();
    let command = if show {
        MembershipCommand::Open { at }
    } else {
        MembershipCommand::Hide { at }
    };
    let happened = change_own(workspace, caller, &place, &command).await?;
    Ok(Some(!happened.is_empty()))
}

/// Keeps what the caller wants to be told of in a room, all the choices or none.
pub async fn notify(
    workspace: &Workspace,
    caller: &Caller,
    room: &RoomId,
    choices: Vec<NotificationChoice>,
) -> Result<(), Error> {
    let place = own(workspace, caller, room).await?;
    let notify = MembershipCommand::Notify { choices, at: now() };
    change_own(workspace, caller, &place, &notify)
        .await
        .map(drop)
}

/// Hides from the caller what another member says in a room, or shows it again.
pub async fn ignore(
    workspace: &Workspace,
    caller: &Caller,
    room: &RoomId,
    ignored: UserId,
    ignore: bool,
) -> Result<(), Error> {
    let place = own(workspace, caller, room).await?;
    let other = workspace.views().membership_facts(room, &ignored).await?;
    if other.is_none() {
        return Err(MembershipRefusal::NotAMember.into());
    }
    let ignore = MembershipCommand::Ignore {
        ignored,
        ignore,
        at: now(),
    };
    change_own(workspace, caller, &place, &ignore)
        .await
        .map(drop)
}

/// Keeps what the caller has begun to write in a room, or in a thread of it.
pub async fn draft(
    workspace: &Workspace,
    caller: &Caller,
    room: &RoomId,
    thread: Option<MessageId>,
    draft: String,
) -> Result<(), Error> {
    let place = own(workspace, caller, room).await?;
    // What is given up may have been a reply to a message that is gone.
    if let Some(thread) = thread.as_ref().filter(|_| !draft.is_empty()) {
        let message = workspace.views().message(thread).await?;
        if message.is_none_or(|message| message.room != *room) {
            return Err(Refusal::NoThreadToDraft.into());
        }
    }
    let draft = MembershipCommand::Draft {
        thread,
        draft,
        at: now(),
    };
    change_own(workspace, caller, &place, &draft)
        .await
        .map(drop)
}

/// Blocks the other in a direct message between two, or no longer. `other`: who the caller says that is.
pub async fn block(
    workspace: &Workspace,
    caller: &Caller,
    room: &RoomId,
    other: Option<&UserId>,
    block: bool,
) -> Result<(), Error> {
    let place = own(workspace, caller, room).await;
    let place = place.map_err(|error| match error {
        Error::Membership(_) => MembershipRefusal::NotBetweenTwo.into(),
        error => error,
    })?;
    let is_there = |other: &UserId| other != caller.id() && place.room.participants.contains(other);
    if !other.is_none_or(is_there) {
        return Err(MembershipRefusal::NotBetweenTwo.into());
    }
    let block = MembershipCommand::Block { block, at: now() };
    change_own(workspace, caller, &place, &block)
        .await
        .map(drop)
}
