//! What happens to members, to those who watch.

use bytes::Bytes;
use compact_str::CompactString;
use domain::membership::{Joining, MembershipEvent};
use domain::room::RoomKind;
use domain::{RoomId, UserId};
use serde::Serialize;
use serde_json::json;

use super::{Effect, Maker, Told, told, without_nulls};
use crate::iso::Date;
use crate::names::{Names, UserRef};

pub(super) fn of_membership(
    maker: &mut Maker<'_>,
    event: &MembershipEvent,
    posted: Option<Bytes>,
    names: &mut dyn Names,
) -> rusqlite::Result<()> {
    let message = told(maker.applied, posted, names)?;
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
                Joining::Added { by } => ("added", Some(UserRef::short(names, by)?)),
                Joining::Default => ("default", None),
                Joining::DirectCreator => ("direct-creator", None),
                Joining::DirectOther => ("direct-other", None),
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
        MembershipEvent::ReadCursorMoved(event) => {
            let data = json!({ "rid": event.room, "ls": Date(event.at), "threads": event.threads });
            maker.user(&event.user, Some(&event.room), "read", &data)?;
        }
        MembershipEvent::MarkedUnread(event) => {
            let data = json!({ "rid": event.room, "ls": Date(event.cursor) });
            maker.user(&event.user, Some(&event.room), "marked-unread", &data)?;
        }
        MembershipEvent::RoomHidden(event) => {
            maker.user(
                &event.user,
                Some(&event.room),
                "hidden",
                &json!({ "rid": event.room }),
            )?;
        }
        MembershipEvent::RoomOpened(event) => {
            maker.user(
                &event.user,
                Some(&event.room),
                "opened",
                &json!({ "rid": event.room }),
            )?;
        }
        MembershipEvent::RoomKeyReceived(event) => {
            let data = json!({ "rid": event.room, "E2EKey": event.key });
            maker.user(&event.user, Some(&event.room), "room-key", &data)?;
        }
        MembershipEvent::RoomKeySuggested(event) => {
            let data = json!({ "rid": event.room, "E2ESuggestedKey": event.key });
            maker.user(&event.user, Some(&event.room), "room-key-suggested", &data)?;
        }
        MembershipEvent::SuggestedKeyAccepted(event) => {
            let data = json!({ "rid": event.room, "accepted": true });
            maker.user(&event.user, Some(&event.room), "room-key-answered", &data)?;
        }
        MembershipEvent::SuggestedKeyRejected(event) => {
            let data = json!({ "rid": event.room, "accepted": false });
            maker.user(&event.user, Some(&event.room), "room-key-answered", &data)?;
        }
        MembershipEvent::AutoTranslateChanged(event) => {
            let data = json!({ "rid": event.room, "autoTranslate": event.enabled,
                "autoTranslateLanguage": event.language });
            let data = without_nulls(data);
            maker.user(
                &event.user,
                Some(&event.room),
                "auto-translate-changed",
                &data,
            )?;
        }
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
