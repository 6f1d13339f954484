//! Posting (contract, messages 3).

use super::{Decision, may_write};
use crate::message::{
    Content, Mention, Message, MessageContext, MessagePosted, MessageRefusal, PostChecks,
    Presentation, attachments, blocks, check_size, custom_fields, location,
};
use crate::permission::Permission;
use crate::settings::keys;
use crate::{MessageId, Timestamp, limits, link};

/// A client's clock is too far from the server's (contract, messages 3 step 2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the given time is more than a minute away from the server's")]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub struct OutOfSync {
    pub given: Timestamp,
    pub now: Timestamp,
}

/// The send time of a message: the client's if it is at most 10 seconds off, the server's if it is at most 60 seconds
/// off or not given (contract, messages 3 step 2).
pub fn resolve_sent_at(given: Option<Timestamp>, now: Timestamp) -> Result<Timestamp, OutOfSync> {
    let Some(given) = given else { return Ok(now) };
    match given.millis_since(now).unsigned_abs() {
        0..=10_000 => Ok(given),
        10_001..=60_000 => Ok(now),
        _ => Err(OutOfSync { given, now }),
    }
}

pub(in crate::message) fn post(
    state: &Message,
    mut posted: Box<MessagePosted>,
    checks: PostChecks,
    context: &MessageContext<'_>,
) -> Decision {
    posted.author = context.authority.actor.clone();
    posted.room = context.room.id.clone();
    if let Message::Posted(there) = state
        && there.author.as_ref() == Some(&posted.author)
        && there.room == posted.room
    {
        return Err(MessageRefusal::AlreadyPosted);
    }
    if checks == PostChecks::Full {
        may_thread(&posted, context)?;
    }
    check_size(
        &posted.content.text,
        posted.content.attachments.as_deref(),
        posted.presentation.as_deref(),
        checks,
        context.settings,
    )?;
    may_write(context)?;
    posted.thread = root(posted.thread, context)?;
    may_present(posted.presentation.as_deref(), context)?;
    posted.content.attachments = posted
        .content
        .attachments
        .map(attachments::checked)
        .transpose()?;
    may_mention(&posted.content, context)?;
    match state {
        // A deleted message keeps its id; so does a system message somebody reacted to.
        Message::Posted(_) | Message::Deleted(_) => Err(MessageRefusal::IdTaken),
        Message::Unposted if context.system_message.is_some() => Err(MessageRefusal::IdTaken),
        Message::Unposted => Ok(vec![(*posted).into()]),
    }
}

fn may_thread(posted: &MessagePosted, context: &MessageContext<'_>) -> Result<(), MessageRefusal> {
    match (&posted.thread, posted.shown_in_room) {
        (None, true) => Err(MessageRefusal::NotAReply),
        (Some(_), _) if !context.settings.bool(keys::THREADS_ENABLED) => {
            Err(MessageRefusal::ThreadsDisabled)
        }
        _ => Ok(()),
    }
}

/// The message that began the thread a reply goes to: in the room of the reply, or it is none (contract, messages 3
/// step 4).
fn root(
    named: Option<MessageId>,
    context: &MessageContext<'_>,
) -> Result<Option<MessageId>, MessageRefusal> {
    let Some(named) = named else { return Ok(None) };
    let parent = context
        .parent
        .filter(|parent| parent.message == named && parent.room == context.room.id)
        .ok_or(MessageRefusal::NoSuchThread)?;
    Ok(Some(parent.thread.clone().unwrap_or(named)))
}

fn may_present(
    presentation: Option<&Presentation>,
    context: &MessageContext<'_>,
) -> Result<(), MessageRefusal> {
    let Some(presentation) = presentation else {
        return Ok(());
    };
    let said = |part: &Option<String>| part.as_ref().is_some_and(|part| !part.is_empty());
    if (said(&presentation.alias) || said(&presentation.avatar))
        && !context
            .authority
            .has_in_room(Permission::MESSAGE_IMPERSONATE)
    {
        return Err(MessageRefusal::ImpersonationNotAllowed);
    }
    if presentation
        .avatar
        .as_deref()
        .is_some_and(|avatar| !link::is_picture(avatar))
    {
        return Err(MessageRefusal::InvalidLink);
    }
    blocks::check(presentation.blocks.as_deref().unwrap_or_default())?;
    presentation
        .location
        .as_ref()
        .map_or(Ok(()), location::check)?;
    if let Some(fields) = &presentation.custom_fields {
        custom_fields::check(fields, context.settings)?;
    }
    attachments::harmless(presentation.bot.as_slice())
}

/// Whether a message may call that many by the names of teams and roles. Each of them is told, so that calling many
/// takes long; a call to everybody does not.
pub fn may_call_so_many(members: u64) -> Result<(), MessageRefusal> {
    let limit = limits::CALLED;
    let fits = usize::try_from(members).is_ok_and(|members| members <= limit);
    fits.then_some(())
        .ok_or(MessageRefusal::TooManyCalled { limit })
}

fn may_mention(content: &Content, context: &MessageContext<'_>) -> Result<(), MessageRefusal> {
    let (all, here) = (
        content.mentions.contains(&Mention::All),
        content.mentions.contains(&Mention::Here),
    );
    let limit = context.settings.int(keys::MESSAGE_MAX_ALL);
    if (all || here) && limit > 0 && i64::from(context.room.members) > limit {
        return Err(MessageRefusal::RoomTooLargeForGroupMention { limit });
    }
    if all && !context.authority.has_in_room(Permission::MENTION_ALL) {
        return Err(MessageRefusal::MentionAllNotAllowed);
    }
    if here && !context.authority.has_in_room(Permission::MENTION_HERE) {
        return Err(MessageRefusal::MentionHereNotAllowed);
    }
    Ok(())
}
