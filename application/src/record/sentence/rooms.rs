//! Rooms.

use domain::invite::InviteEvent;
use domain::room::{
    HistoryPruned, Retention, RoomCreated, RoomEvent, RoomKind, RoomRenamed, Spared,
};
use domain::room_export::{ExportFormat, MessagesMailRequested, RoomExportEvent};
use domain::{RoomId, UserId};

use super::words::{Teller, count, list, name, quoted, quotes, time, value, with};

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
        RoomEvent::RoomVisibilityChanged(event) => {
            let how = match event.kind {
                RoomKind::Channel => "a public channel",
                RoomKind::Group => "a private group",
                RoomKind::Direct => "a direct message",
            };
            let room = teller.room(&event.room);
            teller.deed(&event.by, format_args!("made {room} {how}"))
        }
        RoomEvent::TeamCreated(event) => {
            let room = teller.room(&event.room);
            teller.deed(
                &event.by,
                format_args!("made a team, whose main room is {room}"),
            )
        }
        RoomEvent::TeamDissolved(event) => {
            let room = teller.room(&event.room);
            teller.deed(
                &event.by,
                format_args!("dissolved the team whose main room is {room}"),
            )
        }
        RoomEvent::RoomAddedToTeam(event) => {
            let (room, main) = (teller.room(&event.room), teller.room(&event.main_room));
            teller.deed(
                &event.by,
                format_args!("put {room} into the team of {main}"),
            )
        }
        RoomEvent::RoomRemovedFromTeam(event) => {
            let (room, main) = (teller.room(&event.room), teller.room(&event.main_room));
            teller.deed(
                &event.by,
                format_args!("took {room} out of the team of {main}"),
            )
        }
        RoomEvent::TeamAutoJoinChanged(event) => {
            let (room, main) = (teller.room(&event.room), teller.room(&event.main_room));
            let deed = if event.auto_join {
                format!("had whoever joins the team of {main} join {room}, too")
            } else {
                format!("no longer had whoever joins the team of {main} join {room}")
            };
            teller.deed(&event.by, deed)
        }
        RoomEvent::ReactingInReadOnlyChanged(event) => {
            let how = if event.allowed {
                "let everybody react"
            } else {
                "let only those who may post react"
            };
            let room = teller.room(&event.room);
            teller.deed(&event.by, format_args!("{how} while {room} is read-only"))
        }
        RoomEvent::HiddenSystemMessagesChanged(event) => {
            let room = teller.room(&event.room);
            let deed = if event.kinds.is_empty() {
                format!("left to the workspace which system messages {room} shows")
            } else {
                let kinds = quotes(&event.kinds);
                format!("hid the system messages {kinds} in {room}")
            };
            teller.deed(&event.by, deed)
        }
        RoomEvent::DefaultRoomChanged(event) => {
            let room = teller.room(&event.room);
            let deed = if event.default {
                format!("let new users join {room}")
            } else {
                format!("no longer let new users join {room}")
            };
            teller.deed(&event.by, deed)
        }
        RoomEvent::FeaturedRoomChanged(event) => {
            let room = teller.room(&event.room);
            let deed = if event.featured {
                format!("featured {room}")
            } else {
                format!("no longer featured {room}")
            };
            teller.deed(&event.by, deed)
        }
        RoomEvent::DefaultFavouriteChanged(event) => {
            let room = teller.room(&event.room);
            let deed = if event.favourite {
                format!("made {room} a favourite of the new users who join it")
            } else {
                format!("no longer made {room} a favourite of the new users who join it")
            };
            teller.deed(&event.by, deed)
        }
        RoomEvent::JoinCodeSet(event) => {
            let room = teller.room(&event.room);
            let deed = format!("set a code that joining {room} takes");
            teller.deed(&event.by, deed)
        }
        RoomEvent::JoinCodeRemoved(event) => {
            let room = teller.room(&event.room);
            let deed = format!("removed the code that joining {room} took");
            teller.deed(&event.by, deed)
        }
        RoomEvent::RoomEncryptionChanged(event) => {
            let how = if event.encrypted { "on" } else { "off" };
            let room = teller.room(&event.room);
            let deed = format!("turned end-to-end encryption {how} in {room}");
            teller.deed(&event.by, deed)
        }
        RoomEvent::RoomCustomFieldsChanged(event) => {
            let (room, fields) = (teller.room(&event.room), value(&event.fields));
            let deed = format!("changed the custom fields of {room} to {fields}");
            teller.deed(&event.by, deed)
        }
        RoomEvent::RetentionChanged(event) => {
            let deed = kept(&event.retention, &teller.room(&event.room));
            teller.deed(&event.by, deed)
        }
        RoomEvent::StreamingOptionsChanged(event) => {
            let (room, options) = (teller.room(&event.room), value(&event.options));
            let deed = format!("changed what is streamed in {room} to {options}");
            teller.deed(&event.by, deed)
        }
        RoomEvent::HistoryPruned(event) => teller.deed(&event.by, pruned(teller, event)),
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

pub(super) fn invite(teller: &Teller<'_>, event: &InviteEvent) -> String {
    let room = teller.room(event.room());
    match event {
        InviteEvent::InviteCreated(event) => {
            let life = match event.days {
                0 => "for good".to_owned(),
                days => format!("for {}", number(days, "day")),
            };
            let uses = match event.max_uses {
                0 => "any number of uses".to_owned(),
                uses => number(uses, "use"),
            };
            let deed = format!("made a link into {room}, good {life} and for {uses}");
            teller.deed(&event.by, deed)
        }
        InviteEvent::InviteUsed(event) => {
            teller.deed(&event.user, format_args!("used a link into {room}"))
        }
        InviteEvent::InviteRemoved(event) => {
            teller.deed(&event.by, format_args!("removed a link into {room}"))
        }
    }
}

pub(super) fn export(teller: &Teller<'_>, event: &RoomExportEvent) -> String {
    let room = teller.room(event.room());
    match event {
        RoomExportEvent::RoomExportRequested(event) => {
            let form = match event.format {
                ExportFormat::Html => "a page",
                ExportFormat::Json => "JSON",
            };
            let ends = [
                event.from.map(|from| format!("from {}", time(from))),
                event.until.map(|until| format!("before {}", time(until))),
            ];
            let deed = format!("asked for a copy of what was said in {room} as {form}");
            teller.deed(&event.user, with(deed, ends.into_iter().flatten()))
        }
        RoomExportEvent::RoomExportCompleted(event) => {
            let (user, size) = (teller.user(&event.user), event.size);
            let messages = usize::try_from(event.messages).unwrap_or(usize::MAX);
            let messages = count(messages, "message");
            teller.did(format_args!(
                "made the copy of {room} that {user} asked for ({messages}, {size} bytes)"
            ))
        }
        RoomExportEvent::RoomExportFailed(event) => {
            let user = teller.user(&event.user);
            teller.did(format_args!(
                "failed to make the copy of {room} that {user} asked for"
            ))
        }
        RoomExportEvent::MessagesMailRequested(event) => mailed(teller, event),
    }
}

fn mailed(teller: &Teller<'_>, event: &MessagesMailRequested) -> String {
    let room = teller.room(&event.room);
    let messages = count(event.messages.len(), "message");
    let users = event.recipients.iter().map(|user| teller.user(user));
    let addresses = event.addresses.iter().map(|address| quoted(address));
    let to = list(users.chain(addresses));
    let subject = event.subject.as_ref();
    let subject = subject.map(|subject| format!("under the subject {}", quoted(subject)));
    let deed = format!("had {messages} of {room} mailed to {to}");
    teller.deed(&event.user, with(deed, subject))
}

fn number(number: u32, one: &str) -> String {
    count(usize::try_from(number).unwrap_or(usize::MAX), one)
}

fn pruned(teller: &Teller<'_>, event: &HistoryPruned) -> String {
    let pruning = &event.pruning;
    let messages = count(
        usize::try_from(event.messages).unwrap_or(usize::MAX),
        "message",
    );
    let room = teller.room(&event.room);
    let (oldest, latest) = (time(pruning.oldest), time(pruning.latest));
    let ends = if pruning.inclusive {
        " (ends included)"
    } else {
        ""
    };
    let authors = pruning.authors.as_deref();
    let spared = pruning.spared.iter().map(|spared| match spared {
        Spared::Pinned => "without pinned ones".to_owned(),
        Spared::Discussions => "without discussions".to_owned(),
        Spared::Threads => "without threads".to_owned(),
    });
    let facts = [
        authors.map(|authors| format!("only those of {}", teller.users(authors))),
        pruning.limit.map(|limit| format!("at most {limit}")),
    ];
    with(
        format!("pruned {messages} of {room} sent between {oldest} and {latest}{ends}"),
        facts.into_iter().flatten().chain(spared),
    )
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
    let deed = match event.discussion.as_deref() {
        Some(discussion) => {
            let parent = teller.room(&discussion.parent);
            let title = quoted(event.display_name.as_deref().unwrap_or_default());
            let about = discussion
                .message
                .as_ref()
                .map_or_else(String::new, |message| {
                    format!(" about the message {}", name(message.as_str()))
                });
            let how = match event.kind {
                RoomKind::Channel => "public",
                RoomKind::Group | RoomKind::Direct => "private",
            };
            format!("began the {how} discussion {title} of {parent}{about}")
        }
        None => format!("created {what}"),
    };
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
    let deed = with(deed, facts);
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

fn kept(retention: &Retention, room: &str) -> String {
    let said = |flag: Option<bool>, yes: &str, no: &str| {
        flag.map(|flag| if flag { yes } else { no }.to_owned())
    };
    let days = retention.max_age.map(|days| number(days, "day"));
    let facts = [
        said(retention.enabled, "pruned", "not pruned"),
        days.map(|days| format!("after {days}")),
        said(
            retention.exclude_pinned,
            "without pinned ones",
            "pinned ones too",
        ),
        said(retention.files_only, "only their files", "with their files"),
        said(retention.ignore_threads, "without threads", "threads too"),
        said(
            retention.override_global,
            "whatever the workspace says",
            "as the workspace says",
        ),
    ];
    let facts: Vec<String> = facts.into_iter().flatten().collect();
    format!(
        "changed how long messages of {room} are kept: {}",
        list(facts)
    )
}

fn text_changed(teller: &Teller<'_>, by: &UserId, room: &RoomId, what: &str, text: &str) -> String {
    let room = teller.room(room);
    if text.is_empty() {
        return teller.deed(by, format_args!("removed the {what} of {room}"));
    }
    let text = quoted(text);
    teller.deed(by, format_args!("changed the {what} of {room} to {text}"))
}
