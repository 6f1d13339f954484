//! The rules of posting, editing, deleting and reacting (contract, messages 3, 5 and 6).

use super::{
    Content, Mention, Message, MessageContext, MessageDeleted, MessageEdited, MessageEvent,
    MessagePosted, MessageRefusal, PostChecks, Posted, Presentation, ReactionAdded,
    ReactionRemoved, Remains, Revision, attachments, check_size,
};
use crate::membership::access::can_access_room;
use crate::permission::Permission;
use crate::room::RoomKind;
use crate::settings::keys;
use crate::{MessageId, Timestamp, link};

type Decision = Result<Vec<MessageEvent>, MessageRefusal>;

const MINUTE: i64 = 60_000;

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

pub(super) fn post(
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

/// Whether the actor may write into the room (contract, messages 3 step 5; rooms 3.3).
pub fn may_write(context: &MessageContext<'_>) -> Result<(), MessageRefusal> {
    let room = context.room;
    if !can_access_room(&context.authority, room, context.membership, context.beyond) {
        return Err(MessageRefusal::NoAccess);
    }
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
    attachments::harmless(presentation.blocks.as_deref().unwrap_or_default())?;
    for free in [&presentation.custom_fields, &presentation.bot] {
        attachments::harmless(free.as_slice())?;
    }
    Ok(())
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

fn is_own(posted: &Posted, context: &MessageContext<'_>) -> bool {
    posted.author.as_ref() == Some(context.authority.actor)
}

pub(super) fn edit(
    state: &Message,
    message: MessageId,
    revision: Revision,
    at: Timestamp,
    context: &MessageContext<'_>,
) -> Decision {
    let posted = match state {
        Message::Posted(posted) => posted,
        Message::Unposted if context.system_message.is_some() => {
            return Err(MessageRefusal::EditNotAllowed);
        }
        Message::Unposted | Message::Deleted(_) => return Err(MessageRefusal::NotFound),
    };
    if posted.room != context.room.id {
        return Err(MessageRefusal::OtherRoom);
    }
    may_edit(posted, at, context)?;
    may_write(context)?;
    let shown = posted.presentation.as_deref().cloned().unwrap_or_default();
    if revision.hidden.is_some() && shown.encrypted.is_none() {
        return Err(MessageRefusal::NotEncrypted);
    }
    let custom_fields = revision.custom_fields;
    let unchanged = revision.hidden.is_some()
        && revision.hidden.as_deref() == shown.hidden().as_ref()
        && posted.content.text.is_empty();
    let (content, hidden) = if unchanged && custom_fields.is_none() {
        return Ok(vec![]);
    } else if revision.hidden.is_some() {
        (Content::default(), revision.hidden)
    } else if let Some(content) = edited(posted, revision.content)? {
        (content, None)
    } else if custom_fields.is_some() {
        let mut content = posted.content.clone();
        // They stay.
        content.attachments = None;
        (content, shown.hidden().map(Box::new))
    } else {
        return Ok(vec![]);
    };
    let shown = shown.edited(hidden.as_deref(), custom_fields.as_ref());
    let attachments = content.attachments.as_ref();
    check_size(
        &content.text,
        attachments
            .or(posted.content.attachments.as_ref())
            .map(Vec::as_slice),
        Some(&shown),
        PostChecks::Lenient,
        context.settings,
    )?;
    attachments::harmless(custom_fields.as_slice())?;
    let editor = context.authority.actor.clone();
    Ok(vec![
        MessageEdited {
            message,
            room: posted.room.clone(),
            editor,
            at,
            content,
            hidden,
            custom_fields,
        }
        .into(),
    ])
}

fn may_edit(
    posted: &Posted,
    at: Timestamp,
    context: &MessageContext<'_>,
) -> Result<(), MessageRefusal> {
    let own = is_own(posted, context) && context.settings.bool(keys::MESSAGE_ALLOW_EDITING);
    // What a system message says is not anybody's to change.
    if posted.author.is_none() || !(own || context.authority.has_in_room(Permission::EDIT_MESSAGE))
    {
        return Err(MessageRefusal::EditNotAllowed);
    }
    let limit = context
        .settings
        .int(keys::MESSAGE_ALLOW_EDITING_BLOCK_EDIT_IN_MINUTES);
    if limit > 0 && at.millis_since(posted.at) / MINUTE >= limit {
        return Err(MessageRefusal::EditBlocked);
    }
    Ok(())
}

/// What the message says after the edit; `None` when nothing changes. The text of a message with a file is the file's
/// description (contract, messages 5.1).
fn edited(posted: &Posted, mut wanted: Content) -> Result<Option<Content>, MessageRefusal> {
    let first = posted
        .content
        .attachments
        .as_ref()
        .and_then(|attachments| attachments.first());
    if let Some(description) = first.and_then(|first| first.get("description")) {
        if description.as_str() == Some(&wanted.text) {
            return Ok(None);
        }
        let mut content = posted.content.clone();
        if let Some(first) = content
            .attachments
            .as_mut()
            .and_then(|attachments| attachments.first_mut())
        {
            first["description"] = wanted.text.into();
        }
        return Ok(Some(content));
    }
    if wanted.text == posted.content.text {
        return Ok(None);
    }
    wanted.attachments = wanted.attachments.map(attachments::checked).transpose()?;
    if is_encrypted(posted) {
        // What looks like a mention in there is none.
        wanted = Content {
            text: wanted.text,
            attachments: wanted.attachments,
            ..Content::default()
        };
    }
    Ok(Some(wanted))
}

fn is_encrypted(posted: &Posted) -> bool {
    let shown = posted.presentation.as_deref();
    shown.is_some_and(|shown| shown.encrypted.is_some())
}

pub(super) fn delete(
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

pub(super) fn prune(
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
        return if rounded <= limit {
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

pub(super) fn react(
    state: &Message,
    message: MessageId,
    emoji: &str,
    wanted: Option<bool>,
    at: Timestamp,
    context: &MessageContext<'_>,
) -> Decision {
    let reactions = match state {
        Message::Posted(posted) if posted.room != context.room.id => {
            return Err(MessageRefusal::OtherRoom);
        }
        Message::Posted(posted) => Some(&posted.reactions),
        Message::Unposted if context.system_message.is_some() => None,
        Message::Unposted | Message::Deleted(_) => return Err(MessageRefusal::NotFound),
    };
    let (room, user) = (context.room.id.clone(), context.authority.actor.clone());
    let mine = (between_colons(emoji), user);
    let there = reactions.is_some_and(|reactions| reactions.contains(&mine));
    let wanted = wanted.unwrap_or(!there);
    if !can_access_room(
        &context.authority,
        context.room,
        context.membership,
        context.beyond,
    ) {
        return Err(MessageRefusal::NoAccess);
    }
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
