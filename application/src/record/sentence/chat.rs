//! Rooms, memberships and messages.

use domain::membership::{
    AutoTranslateChanged, Joining, MemberJoined, MembershipEvent, ReadCursorMoved,
};
use domain::message::{Content, MessageEdited, MessageEvent, MessagePosted, Presentation, Remains};
use domain::room::{RoomCreated, RoomEvent, RoomKind, RoomRenamed};
use domain::{RoomId, UserId};
use serde_json::Value;

use super::words::{Teller, count, name, quoted, the_roles, time, with};

pub(super) fn room(teller: &Teller<'_>, event: &RoomEvent) -> String {
    match event {
        RoomEvent::RoomCreated(event) => created(teller, event),
        RoomEvent::RoomRenamed(event) => renamed(teller, event),
        RoomEvent::TopicChanged(event) => {
            text_changed(teller, &event.by, &event.room, "topic", &event.text)
        }
        RoomEvent::DescriptionChanged(event) => {
            text_changed(teller, &event.by, &event.room, "description", &event.text)
        }
        RoomEvent::AnnouncementChanged(event) => {
            text_changed(teller, &event.by, &event.room, "announcement", &event.text)
        }
        RoomEvent::ReadOnlyChanged(event) => {
            let how = if event.read_only {
                "read-only"
            } else {
                "writable for its members"
            };
            let room = teller.room(&event.room);
            teller.deed(&event.by, format_args!("made {room} {how}"))
        }
        RoomEvent::RoomArchived(event) => {
            let room = teller.room(&event.room);
            teller.deed(&event.by, format_args!("archived {room}"))
        }
        RoomEvent::RoomUnarchived(event) => {
            let room = teller.room(&event.room);
            teller.deed(&event.by, format_args!("unarchived {room}"))
        }
        RoomEvent::RoomDeleted(event) => {
            let room = teller.room(&event.room);
            let deed = format!("deleted {room} with its messages and memberships");
            teller.deed(&event.by, deed)
        }
        RoomEvent::RoomKeyChanged(event) => {
            let room = teller.room(&event.room);
            let deed = if event.reset {
                format!("replaced the lost encryption key of {room}")
            } else {
                format!("gave {room} an encryption key")
            };
            teller.deed(&event.by, deed)
        }
    }
}

fn created(teller: &Teller<'_>, event: &RoomCreated) -> String {
    let called = match &event.name {
        Some(name) => quoted(name),
        None => format!("with the id {}", name(event.room.as_str())),
    };
    let what = match event.kind {
        RoomKind::Channel => format!("the public channel {called}"),
        RoomKind::Group => format!("the private group {called}"),
        RoomKind::Direct if event.participants.is_empty() => "a direct message".to_owned(),
        RoomKind::Direct => format!("a direct message of {}", teller.users(&event.participants)),
    };
    let flags = [
        (event.read_only, "read-only"),
        (event.broadcast, "for broadcasts"),
        (event.default, "joined by new users"),
        (event.encrypted, "encrypted"),
        (event.custom_fields.is_some(), "with custom fields"),
    ];
    let flags = flags.into_iter().filter(|(is_so, _)| *is_so);
    let texts = [
        ("topic", &event.topic),
        ("description", &event.description),
        ("announcement", &event.announcement),
    ];
    let texts = texts.into_iter().filter_map(|(what, text)| {
        let text = text.as_deref().filter(|text| !text.is_empty())?;
        Some(format!("with the {what} {}", quoted(text)))
    });
    let facts = flags.map(|(_, flag)| flag.to_owned()).chain(texts);
    let deed = with(format!("created {what}"), facts);
    match &event.creator {
        Some(creator) => teller.deed(creator, deed),
        None => teller.did(deed),
    }
}

fn renamed(teller: &Teller<'_>, event: &RoomRenamed) -> String {
    let (room, to) = (teller.room(&event.room), quoted(&event.name));
    let deed = if event.display_name == event.name {
        format!("gave {room} the name {to}")
    } else {
        let shown = quoted(&event.display_name);
        format!("gave {room} the name {to}, shown as {shown}")
    };
    teller.deed(&event.by, deed)
}

fn text_changed(teller: &Teller<'_>, by: &UserId, room: &RoomId, what: &str, text: &str) -> String {
    let room = teller.room(room);
    if text.is_empty() {
        return teller.deed(by, format_args!("removed the {what} of {room}"));
    }
    let text = quoted(text);
    teller.deed(by, format_args!("changed the {what} of {room} to {text}"))
}

pub(super) fn membership(teller: &Teller<'_>, event: &MembershipEvent) -> String {
    match event {
        MembershipEvent::MemberJoined(event) => joined(teller, event),
        MembershipEvent::MemberLeft(event) => {
            let room = teller.room(&event.room);
            teller.deed(&event.user, format_args!("left {room}"))
        }
        MembershipEvent::MemberRemoved(event) => {
            let user = teller.whom(&event.user, &event.by);
            let room = teller.room(&event.room);
            teller.deed(&event.by, format_args!("removed {user} from {room}"))
        }
        MembershipEvent::RoomRoleGranted(event) => {
            let user = teller.whom(&event.user, &event.by);
            let (role, room) = (name(event.role.as_str()), teller.room(&event.room));
            let deed = format!("gave {user} the role {role} in {room}");
            teller.deed(&event.by, deed)
        }
        MembershipEvent::RoomRoleRevoked(event) => {
            let user = teller.whom(&event.user, &event.by);
            let (role, room) = (name(event.role.as_str()), teller.room(&event.room));
            let deed = format!("took the role {role} in {room} from {user}");
            teller.deed(&event.by, deed)
        }
        MembershipEvent::ReadCursorMoved(event) => read(teller, event),
        MembershipEvent::MarkedUnread(event) => {
            let (room, from) = (teller.room(&event.room), time(event.cursor));
            let deed = format!("marked {room} as unread from the message of {from} on");
            teller.deed(&event.user, deed)
        }
        MembershipEvent::RoomHidden(event) => {
            let room = teller.room(&event.room);
            teller.deed(&event.user, format_args!("hid {room} from their list"))
        }
        MembershipEvent::RoomOpened(event) => {
            let room = teller.room(&event.room);
            teller.deed(&event.user, format_args!("put {room} back into their list"))
        }
        MembershipEvent::RoomKeyReceived(event) => {
            let room = teller.room(&event.room);
            let deed = format!("received the encryption key of {room}, encrypted for them");
            teller.deed(&event.user, deed)
        }
        MembershipEvent::RoomKeySuggested(event) => {
            let user = teller.whom(&event.user, &event.by);
            let room = teller.room(&event.room);
            let deed = format!("offered {user} the encryption key of {room}");
            teller.deed(&event.by, deed)
        }
        MembershipEvent::SuggestedKeyAccepted(event) => {
            let room = teller.room(&event.room);
            let deed = format!("accepted the encryption key offered for {room}");
            teller.deed(&event.user, deed)
        }
        MembershipEvent::SuggestedKeyRejected(event) => {
            let room = teller.room(&event.room);
            let deed = format!("rejected the encryption key offered for {room}");
            teller.deed(&event.user, deed)
        }
        MembershipEvent::AutoTranslateChanged(event) => translated(teller, event),
        MembershipEvent::FavouriteChanged(event) => {
            let room = teller.room(&event.room);
            let deed = if event.favourite {
                format!("marked {room} as a favourite")
            } else {
                format!("took {room} off their favourites")
            };
            teller.deed(&event.user, deed)
        }
    }
}

fn joined(teller: &Teller<'_>, event: &MemberJoined) -> String {
    let room = teller.room(&event.room);
    let roles = the_roles(&event.roles).map(|roles| format!("with {roles}"));
    let deed = match &event.joining {
        Joining::Creator => format!("joined {room} as its creator"),
        Joining::Initial => format!("joined {room} as one of its first members"),
        Joining::Joined => format!("joined {room}"),
        Joining::Default => format!("joined {room}, which new users join"),
        Joining::DirectCreator => format!("joined {room} as the one who opened it"),
        Joining::DirectOther => format!("joined {room} as somebody it was opened with"),
        Joining::Added { by } => {
            let user = teller.whom(&event.user, by);
            return teller.deed(by, with(format!("added {user} to {room}"), roles));
        }
    };
    teller.deed(&event.user, with(deed, roles))
}

fn read(teller: &Teller<'_>, event: &ReadCursorMoved) -> String {
    let room = teller.room(&event.room);
    let threads = if event.threads {
        " and its threads"
    } else {
        ""
    };
    let until = event.cursor.map_or_else(String::new, |cursor| {
        format!(" up to the message of {}", time(cursor))
    });
    teller.deed(&event.user, format_args!("read {room}{threads}{until}"))
}

fn translated(teller: &Teller<'_>, event: &AutoTranslateChanged) -> String {
    let room = teller.room(&event.room);
    let language = event.language.as_deref().map(quoted);
    let deed = match (event.enabled, language) {
        (Some(true), None) => format!("turned on the translation of {room}"),
        (Some(true), Some(language)) => {
            format!("turned on the translation of {room} into {language}")
        }
        (Some(false), None) => format!("turned off the translation of {room}"),
        (Some(false), Some(language)) => {
            format!("turned off the translation of {room} and chose the language {language} for it")
        }
        (None, Some(language)) => {
            format!("chose the language {language} for the translation of {room}")
        }
        (None, None) => format!("left the translation of {room} as it was"),
    };
    teller.deed(&event.user, deed)
}

pub(super) fn message(teller: &Teller<'_>, event: &MessageEvent) -> String {
    match event {
        MessageEvent::MessagePosted(event) => posted(teller, event),
        MessageEvent::MessageEdited(event) => edited(teller, event),
        MessageEvent::MessageDeleted(event) => {
            let room = teller.room(&event.room);
            let left = match event.remains {
                Remains::Nothing => "",
                Remains::Placeholder => ", leaving a placeholder",
            };
            teller.deed(&event.by, format_args!("deleted a message in {room}{left}"))
        }
        MessageEvent::ReactionAdded(event) => {
            let (emoji, room) = (quoted(&event.emoji), teller.room(&event.room));
            let deed = format!("reacted with {emoji} to a message in {room}");
            teller.deed(&event.user, deed)
        }
        MessageEvent::ReactionRemoved(event) => {
            let (emoji, room) = (quoted(&event.emoji), teller.room(&event.room));
            let deed = format!("removed the reaction {emoji} from a message in {room}");
            teller.deed(&event.user, deed)
        }
    }
}

fn posted(teller: &Teller<'_>, event: &MessagePosted) -> String {
    let room = teller.room(&event.room);
    let place = match (&event.thread, event.shown_in_room) {
        (None, _) => format!("in {room}"),
        (Some(_), false) => format!("in a thread in {room}"),
        (Some(_), true) => format!("in a thread in {room} and in the room itself"),
    };
    let presentation = event.presentation.as_deref();
    let alias = presentation.and_then(|shown| shown.alias.as_deref());
    let alias = alias.filter(|alias| !alias.is_empty());
    let alias = alias.map(|alias| format!("under the name {}", quoted(alias)));
    if presentation.is_some_and(is_encrypted) {
        let deed = with(format!("posted an encrypted message {place}"), alias);
        return teller.deed(&event.author, deed);
    }
    let facts = alias.into_iter().chain(attached(&event.content));
    let deed = saying(with(format!("posted {place}"), facts), &event.content.text);
    teller.deed(&event.author, deed)
}

/// Whether the message says nothing that the server can read.
fn is_encrypted(shown: &Presentation) -> bool {
    shown.encrypted.is_some() || shown.e2e.is_some() || shown.encrypted_content.is_some()
}

fn attached(content: &Content) -> Option<String> {
    let attachments = content.attachments.as_ref()?.len();
    (attachments > 0).then(|| format!("with {}", count(attachments, "attachment")))
}

fn saying(mut deed: String, text: &str) -> String {
    if !text.is_empty() {
        deed.push_str(": ");
        deed.push_str(&quoted(text));
    }
    deed
}

fn edited(teller: &Teller<'_>, event: &MessageEdited) -> String {
    let room = teller.room(&event.room);
    let fields = event.custom_fields.as_ref();
    let fields = fields.map(|_| "with other custom fields".to_owned());
    if event.hidden.is_some() {
        let deed = format!("edited an encrypted message in {room}");
        return teller.deed(&event.editor, with(deed, fields));
    }
    if may_be_encrypted(&event.content.text) {
        let deed = format!("edited a message in {room}, which may be encrypted");
        return teller.deed(&event.editor, with(deed, fields));
    }
    let facts = attached(&event.content).into_iter().chain(fields);
    let deed = with(format!("edited a message in {room}"), facts);
    let text = description(&event.content).unwrap_or(&event.content.text);
    teller.deed(&event.editor, saying(deed, text))
}

/// What a message with a file says stands at the file.
fn description(content: &Content) -> Option<&str> {
    let first = content.attachments.as_ref()?.first()?;
    first.get("description").and_then(Value::as_str)
}

/// Whether the text may be what an older client made of one that it encrypted: a single word of base64. That the
/// message is encrypted was recorded when it was posted, and not again.
fn may_be_encrypted(text: &str) -> bool {
    /// The shortest: the id of the key (12 letters), and a vector and a block (32 bytes in base64).
    const SHORTEST: usize = 12 + 44;
    let is_base64 = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=');
    text.len() >= SHORTEST && text.bytes().all(is_base64)
}
