//! Editing (contract, messages 5.1).

use super::{Decision, MINUTE, is_own, may_write};
use crate::message::{
    Content, Message, MessageContext, MessageEdited, MessageRefusal, PostChecks, Posted, Revision,
    attachments, check_size, custom_fields,
};
use crate::permission::Permission;
use crate::settings::keys;
use crate::{MessageId, Timestamp};
use serde_json::Value;

pub(in crate::message) fn edit(
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
    if let Some(fields) = &custom_fields {
        custom_fields::check(fields, context.settings)?;
    }
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
    let bypasses = context
        .authority
        .has_in_room(Permission::BYPASS_TIME_LIMIT_EDIT_AND_DELETE);
    if limit > 0 && at.millis_since(posted.at) / MINUTE >= limit && !bypasses {
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
    if is_encrypted(posted) {
        // What looks like a mention in there is none.
        wanted = Content {
            text: wanted.text,
            ..Content::default()
        };
    }
    let quotes = wanted.attachments.take();
    wanted.attachments = requoted(posted, quotes)
        .map(attachments::checked)
        .transpose()?;
    Ok(Some(wanted))
}

/// The attachments with other quotes in the place of those that the text led to before; `None`: they stay as they are.
fn requoted(posted: &Posted, quotes: Option<Vec<Value>>) -> Option<Vec<Value>> {
    let quoted = &posted.content.quoted;
    if quoted.is_empty() && quotes.is_none() {
        return None;
    }
    let led_to = |attachment: &Value| {
        let link = attachment.get("message_link").and_then(Value::as_str);
        link.is_some_and(|link| quoted.iter().any(|url| url == link))
    };
    let others = posted.content.attachments.iter().flatten();
    let others = others.filter(|attachment| !led_to(attachment)).cloned();
    Some(others.chain(quotes.unwrap_or_default()).collect())
}

fn is_encrypted(posted: &Posted) -> bool {
    let shown = posted.presentation.as_deref();
    shown.is_some_and(|shown| shown.encrypted.is_some())
}
