//! Live updates about memberships.

use compact_str::CompactString;
use domain::membership::{
    Joining, MemberMuted, MemberUnmuted, MembershipEvent, ReadCursorMoved, UserBannedFromRoom,
    UserUnbannedFromRoom,
};
use domain::room::RoomKind;
use domain::{RoomId, Timestamp, UserId};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::{Added, Maker, Told, told, without_nulls};
use crate::engine::hub::update::Effect;
use crate::engine::rows::membership::choices;
use crate::iso::Date;
use crate::names::{Names, UserRef};

pub(super) fn of_membership(
    maker: &mut Maker<'_>,
    event: &MembershipEvent,
    added: Added,
    names: &mut dyn Names,
) -> rusqlite::Result<()> {
    let (room, user, kind, data) = match event {
        MembershipEvent::MemberJoined(_)
        | MembershipEvent::MemberLeft(_)
        | MembershipEvent::MemberRemoved(_)
        | MembershipEvent::RoomRoleGranted(_)
        | MembershipEvent::RoomRoleRevoked(_)
        | MembershipEvent::MemberMuted(_)
        | MembershipEvent::MemberUnmuted(_)
        | MembershipEvent::UserBannedFromRoom(_)
        | MembershipEvent::UserUnbannedFromRoom(_) => return of_roster(maker, event, added, names),
        // What members do with their own place is told to nobody else.
        MembershipEvent::ReadCursorMoved(e) => {
            let until = names.read_by_all(&e.room, maker.applied.position)?;
            tell_read_by_all(maker, e, until)?;
            let data = json!({ "rid": e.room, "ls": Date(e.cursor.unwrap_or(e.at)), "threads": e.threads,
                "until": until.map(Date) });
            (&e.room, &e.user, "read", without_nulls(data))
        }
        MembershipEvent::MarkedUnread(e) => {
            let data = json!({ "rid": e.room, "ls": Date(e.cursor) });
            (&e.room, &e.user, "marked-unread", data)
        }
        MembershipEvent::RoomHidden(e) => (&e.room, &e.user, "hidden", json!({ "rid": e.room })),
        MembershipEvent::RoomOpened(e) => (&e.room, &e.user, "opened", json!({ "rid": e.room })),
        MembershipEvent::RoomKeyReceived(e) => {
            let data = json!({ "rid": e.room, "E2EKey": e.key });
            (&e.room, &e.user, "room-key", data)
        }
        MembershipEvent::RoomKeySuggested(e) => {
            let data = json!({ "rid": e.room, "E2ESuggestedKey": e.key });
            (&e.room, &e.user, "room-key-suggested", data)
        }
        MembershipEvent::SuggestedKeyAccepted(e) => {
            let data = json!({ "rid": e.room, "accepted": true });
            (&e.room, &e.user, "room-key-answered", data)
        }
        MembershipEvent::SuggestedKeyRejected(e) => {
            let data = json!({ "rid": e.room, "accepted": false });
            (&e.room, &e.user, "room-key-answered", data)
        }
        MembershipEvent::AutoTranslateChanged(e) => {
            let data = json!({ "rid": e.room, "autoTranslate": e.enabled,
                "autoTranslateLanguage": e.language });
            (
                &e.room,
                &e.user,
                "auto-translate-changed",
                without_nulls(data),
            )
        }
        MembershipEvent::FavouriteChanged(e) => {
            let data = json!({ "rid": e.room, "f": e.favourite });
            (&e.room, &e.user, "favourite-changed", data)
        }
        MembershipEvent::NotificationsChanged(e) => {
            let mut data: Map<String, Value> = e
                .choices
                .iter()
                .map(choices::told)
                .map(|(field, chosen)| (field.to_owned(), chosen))
                .collect();
            data.insert("rid".to_owned(), json!(e.room));
            (&e.room, &e.user, "notifications-changed", data.into())
        }
        MembershipEvent::UserIgnored(e) => {
            let data = json!({ "rid": e.room, "ignored": e.ignored });
            (&e.room, &e.user, "user-ignored", data)
        }
        MembershipEvent::UserUnignored(e) => {
            let data = json!({ "rid": e.room, "unignored": e.ignored });
            (&e.room, &e.user, "user-unignored", data)
        }
        MembershipEvent::DraftChanged(e) => {
            let data = json!({ "rid": e.room, "tmid": e.thread, "draft": e.draft });
            (&e.room, &e.user, "draft-changed", without_nulls(data))
        }
        MembershipEvent::ThreadRead(e) => {
            let data = json!({ "rid": e.room, "tmid": e.thread });
            (&e.room, &e.user, "thread-read", data)
        }
        MembershipEvent::DirectMessageBlocked(e) => {
            return of_block(maker, &e.room, (&e.user, &e.other), true);
        }
        MembershipEvent::DirectMessageUnblocked(e) => {
            return of_block(maker, &e.room, (&e.user, &e.other), false);
        }
    };
    maker.user(user, Some(room), kind, &data)?;
    Ok(())
}

/// The others are told up to where everybody has read; not who was the last. The reader is told so with the rest.
fn tell_read_by_all(
    maker: &mut Maker<'_>,
    read: &ReadCursorMoved,
    until: Option<Timestamp>,
) -> rusqlite::Result<()> {
    let Some(until) = until else { return Ok(()) };
    let data = json!({ "rid": read.room, "until": Date(until) });
    let told = maker.room(&read.room, "messages-read", &data)?;
    told.except = Some(read.user.clone());
    Ok(())
}

/// Both are told that a direct message is blocked, or no longer: each what it is to them.
fn of_block(
    maker: &mut Maker<'_>,
    room: &RoomId,
    (blocker, blocked): (&UserId, &UserId),
    block: bool,
) -> rusqlite::Result<()> {
    for (user, field) in [(blocker, "blocker"), (blocked, "blocked")] {
        let data = json!({ "rid": room, field: block });
        maker.user(user, Some(room), "block-changed", &data)?;
    }
    Ok(())
}

/// What the room and the user in question are told of coming, going and roles.
fn of_roster(
    maker: &mut Maker<'_>,
    event: &MembershipEvent,
    added: Added,
    names: &mut dyn Names,
) -> rusqlite::Result<()> {
    let message = told(maker.applied, added, names)?;
    let member = |user: &UserId, names: &mut dyn Names| -> rusqlite::Result<Member<'static>> {
        Ok(Member {
            user: UserRef::full(names, user)?,
            by: None,
            role: None,
            joining: None,
            room: None,
        })
    };
    match event {
        MembershipEvent::MemberJoined(event) => {
            let (joining, by) = match &event.joining {
                Joining::Creator => ("creator", None),
                Joining::Initial => ("initial", None),
                Joining::Joined => ("joined", None),
                Joining::Added { by } | Joining::AddedWithAll { by } => {
                    ("added", Some(UserRef::short(names, by)?))
                }
                Joining::Default => ("default", None),
                Joining::Invited => ("invited", None),
                Joining::DirectCreator => ("direct-creator", None),
                Joining::DirectOther | Joining::DirectIntroduced => ("direct-other", None),
            };
            let mut what = member(&event.user, names)?;
            (what.joining, what.by) = (Some(joining), by);
            let at = Date(event.at);
            let mut data = Told { what, at, message };
            maker.room(&event.room, "member-joined", &data)?.except = Some(event.user.clone());
            data.what.room = Some(Room::called(&event.room, names)?);
            maker
                .user(&event.user, Some(&event.room), "joined", &data)?
                .effect = Effect::Enter;
        }
        MembershipEvent::MemberLeft(event) => {
            let data = Told {
                what: member(&event.user, names)?,
                at: Date(event.at),
                message,
            };
            maker.room(&event.room, "member-left", &data)?.except = Some(event.user.clone());
            maker
                .user(&event.user, Some(&event.room), "left", &data)?
                .effect = Effect::Leave;
        }
        MembershipEvent::MemberRemoved(event) => {
            let mut what = member(&event.user, names)?;
            what.by = Some(UserRef::short(names, &event.by)?);
            let data = Told {
                what,
                at: Date(event.at),
                message,
            };
            maker.room(&event.room, "member-removed", &data)?.except = Some(event.user.clone());
            maker
                .user(&event.user, Some(&event.room), "removed", &data)?
                .effect = Effect::Leave;
        }
        MembershipEvent::MemberMuted(MemberMuted { room, user, by, at })
        | MembershipEvent::MemberUnmuted(MemberUnmuted { room, user, by, at })
        | MembershipEvent::UserBannedFromRoom(UserBannedFromRoom { room, user, by, at })
        | MembershipEvent::UserUnbannedFromRoom(UserUnbannedFromRoom { room, user, by, at }) => {
            let kind = match event {
                MembershipEvent::MemberMuted(_) => "member-muted",
                MembershipEvent::MemberUnmuted(_) => "member-unmuted",
                MembershipEvent::UserBannedFromRoom(_) => "user-banned",
                _ => "user-unbanned",
            };
            let mut what = member(user, names)?;
            what.by = Some(UserRef::short(names, by)?);
            let at = Date(*at);
            maker.room(room, kind, &Told { what, at, message })?;
        }
        MembershipEvent::RoomRoleGranted(event) => {
            let what = Member {
                by: Some(UserRef::short(names, &event.by)?),
                role: Some(event.role.as_str()),
                ..member(&event.user, names)?
            };
            maker.room(
                &event.room,
                "role-granted",
                &Told {
                    what,
                    at: Date(event.at),
                    message,
                },
            )?;
        }
        MembershipEvent::RoomRoleRevoked(event) => {
            let what = Member {
                by: Some(UserRef::short(names, &event.by)?),
                role: Some(event.role.as_str()),
                ..member(&event.user, names)?
            };
            maker.room(
                &event.room,
                "role-revoked",
                &Told {
                    what,
                    at: Date(event.at),
                    message,
                },
            )?;
        }
        _ => {}
    }
    Ok(())
}

#[derive(Serialize)]
struct Member<'a> {
    user: UserRef,
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<UserRef>,
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    joining: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    room: Option<Room>,
}

#[derive(Serialize)]
struct Room {
    #[serde(rename = "_id")]
    id: RoomId,
    t: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<CompactString>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fname: Option<CompactString>,
}

impl Room {
    fn called(room: &RoomId, names: &mut dyn Names) -> rusqlite::Result<Self> {
        Ok(match names.room(room)? {
            Some(called) => Self {
                id: room.clone(),
                t: called.kind.letter(),
                name: called.name,
                fname: called.display,
            },
            None => Self {
                id: room.clone(),
                t: RoomKind::Channel.letter(),
                name: None,
                fname: None,
            },
        })
    }
}
