//! Memberships and messages.

use domain::membership::{
    AutoTranslateChanged, Joining, MemberJoined, MembershipEvent, ReadCursorMoved,
};
use domain::message::{Content, MessageEdited, MessageEvent, MessagePosted, Presentation, Remains};
use serde_json::Value;

use super::place;
use super::words::{Teller, count, name, quoted, the_roles, time, with};

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
        MembershipEvent::MemberMuted(event) => {
            let user = teller.whom(&event.user, &event.by);
            let room = teller.room(&event.room);
            teller.deed(&event.by, format_args!("muted {user} in {room}"))
        }
        MembershipEvent::MemberUnmuted(event) => {
            let user = teller.whom(&event.user, &event.by);
            let room = teller.room(&event.room);
            let deed = format!("allowed {user} to post in {room}, read-only or not");
            teller.deed(&event.by, deed)
        }
        MembershipEvent::UserBannedFromRoom(event) => {
            let user = teller.whom(&event.user, &event.by);
            let room = teller.room(&event.room);
            teller.deed(&event.by, format_args!("banned {user} from {room}"))
        }
        MembershipEvent::UserUnbannedFromRoom(event) => {
            let user = teller.whom(&event.user, &event.by);
            let room = teller.room(&event.room);
            let deed = format!("lifted the ban of {user} from {room}");
            teller.deed(&event.by, deed)
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
        MembershipEvent::NotificationsChanged(_)
        | MembershipEvent::UserIgnored(_)
        | MembershipEvent::UserUnignored(_)
        | MembershipEvent::DraftChanged(_)
        | MembershipEvent::ThreadRead(_)
        | MembershipEvent::DirectMessageBlocked(_)
        | MembershipEvent::DirectMessageUnblocked(_) => place::told(teller, event),
    }
}

fn joined(teller: &Teller<'_>, event: &MemberJoined) -> String {
    let room = teller.room(&event.room);
    let roles = the_roles(&event.roles).map(|roles| format!("with {roles}"));
    let deed = match &event.joining {
        Joining::Creator => format!("joined {room} as its creator"),
        Joining::Initial => format!("joined {room} as one of its first members"),
        Joining::Joined => format!("joined {room}"),
        Joining::Invited => format!("joined {room} by a link into it"),
        Joining::Default => format!("joined {room}, which new users join"),
        Joining::DirectCreator => format!("joined {room} as the one who opened it"),
        Joining::DirectOther => format!("joined {room} as somebody it was opened with"),
        Joining::AddedWithAll { by } => {
            let user = teller.whom(&event.user, by);
            let deed = format!("added {user} to {room} with everybody else");
            return teller.deed(by, with(deed, roles));
        }
        Joining::DirectIntroduced => {
            format!("joined {room}, which somebody who is not in it opened")
        }
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
        MessageEvent::MessagePinned(event) => {
            let room = teller.room(&event.room);
            teller.deed(&event.by, format_args!("pinned a message in {room}"))
        }
        MessageEvent::MessageUnpinned(event) => {
            let room = teller.room(&event.room);
            teller.deed(&event.by, format_args!("unpinned a message in {room}"))
        }
        MessageEvent::MessageStarred(event) => {
            let room = teller.room(&event.room);
            teller.deed(&event.user, format_args!("starred a message in {room}"))
        }
        MessageEvent::MessageUnstarred(event) => {
            let room = teller.room(&event.room);
            let deed = format!("removed their star from a message in {room}");
            teller.deed(&event.user, deed)
        }
        MessageEvent::ThreadFollowed(event) => {
            let room = teller.room(&event.room);
            teller.deed(&event.user, format_args!("followed a thread in {room}"))
        }
        MessageEvent::ThreadUnfollowed(event) => {
            let room = teller.room(&event.room);
            let deed = format!("stopped following a thread in {room}");
            teller.deed(&event.user, deed)
        }
        MessageEvent::LinksPreviewed(event) => {
            let (links, room) = (
                count(event.previews.len(), "link"),
                teller.room(&event.room),
            );
            teller.did(format_args!("looked up {links} of a message in {room}"))
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
