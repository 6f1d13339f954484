//! The live updates an event leads to.

mod membership;
mod message;
mod names;
pub(crate) mod pushed;
pub(crate) mod replay;
mod room;

use bytes::Bytes;
use domain::avatar::{AvatarEvent, AvatarOwner};
use domain::banner::{BannerDismissalEvent, BannerEvent};
use domain::data_export::DataExportEvent;
use domain::invite::InviteEvent;
use domain::message::Remains;
use domain::permissions::PermissionEvent;
use domain::presence::PresenceEvent;
use domain::role::{RoleEvent, RoleProperties};
use domain::room_export::RoomExportEvent;
use domain::setting::SettingEvent;
use domain::user::UserEvent;
use domain::webdav::{Login, WebdavEvent};
use domain::{Event, MessageId, RoleId, RoomId, Timestamp, UserId};
use membership::of_membership;
use message::of_message;
use room::of_room;
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::chat::system_messages;
use crate::engine::applied::Applied;
use crate::engine::hub::update::{LiveUpdate, Scope};
use crate::engine::rows::user::hours;
use crate::iso::Date;
use crate::json;
use crate::names::{Names, UserRef};

/// Collects the updates of one event.
struct Maker<'a> {
    applied: &'a Applied,
    out: &'a mut Vec<LiveUpdate>,
}

impl Maker<'_> {
    fn room(
        &mut self,
        room: &RoomId,
        kind: &'static str,
        data: &impl Serialize,
    ) -> rusqlite::Result<&mut LiveUpdate> {
        let data = Bytes::from(json::encode(data)?);
        Ok(self.push(Scope::Room(room.clone()), Some(room.clone()), kind, data))
    }

    fn user(
        &mut self,
        user: &UserId,
        room: Option<&RoomId>,
        kind: &'static str,
        data: &impl Serialize,
    ) -> rusqlite::Result<&mut LiveUpdate> {
        let data = Bytes::from(json::encode(data)?);
        Ok(self.push(Scope::User(user.clone()), room.cloned(), kind, data))
    }

    fn workspace(&mut self, kind: &'static str, data: &impl Serialize) -> rusqlite::Result<()> {
        let data = Bytes::from(json::encode(data)?);
        self.push(Scope::Workspace, None, kind, data);
        Ok(())
    }

    fn push(
        &mut self,
        scope: Scope,
        room: Option<RoomId>,
        kind: &'static str,
        data: Bytes,
    ) -> &mut LiveUpdate {
        let index = self.out.len();
        if let (Some(last), Scope::Room(next)) = (self.out.last_mut(), &scope)
            && last.position == self.applied.position
            && matches!(last.scope, Scope::Room(_))
        {
            last.then = Some(next.clone());
        }
        self.out.push(LiveUpdate::new(
            (self.applied.position, self.applied.leaf),
            scope,
            room,
            kind,
            data,
        ));
        &mut self.out[index]
    }
}

/// The document of the message that an event added.
pub(crate) enum Added {
    /// It was loaded before.
    Made(Bytes),
    /// It is to be made from the event, if that adds one.
    ToMake,
    /// It no longer exists, or never did: so much remains of it.
    Gone(Remains),
}

pub(crate) fn updates_of(
    applied: &Applied,
    added: Added,
    names: &mut dyn Names,
    out: &mut Vec<LiveUpdate>,
) -> rusqlite::Result<()> {
    let mut maker = Maker { applied, out };
    match &applied.event {
        Event::Message(event) => {
            let posted = match added {
                Added::Made(doc) => Some(doc),
                Added::ToMake | Added::Gone(_) => None,
            };
            of_message(&mut maker, event, posted, names)
        }
        Event::Membership(event) => of_membership(&mut maker, event, added, names),
        Event::Room(event) => of_room(&mut maker, event, added, names),
        Event::User(event) => of_user(&mut maker, event),
        Event::DataExport(event) => of_data_export(&mut maker, event),
        Event::RoomExport(event) => of_room_export(&mut maker, event),
        Event::Presence(PresenceEvent::StatusChosen(event)) => {
            let data = json!({ "statusDefault": event.status });
            maker.user(&event.user, None, "profile-changed", &data)?;
            Ok(())
        }
        Event::Avatar(event) => of_avatar(&mut maker, event),
        Event::Role(event) => of_role(&mut maker, event),
        Event::Permission(event) => of_permission(&mut maker, event),
        Event::Setting(event) => of_setting(&mut maker, event),
        Event::Webdav(event) => of_webdav(&mut maker, event),
        Event::Banner(event) => of_banner(&mut maker, event),
        Event::Invite(event) => of_invite(&mut maker, event),
        Event::BannerDismissal(BannerDismissalEvent::BannerDismissed(event)) => {
            let data = json!({ "bannerId": event.banner });
            maker.user(&event.user, None, "banner-dismissed", &data)?;
            Ok(())
        }
        Event::Session(_)
        | Event::SecondFactor(_)
        | Event::Claim(_)
        | Event::Audit(_)
        | Event::Subscription(_)
        | Event::LoginService(_)
        | Event::OAuthApp(_)
        | Event::OAuthGrant(_)
        | Event::Push(_)
        | Event::CustomStatus(_)
        | Event::KeyPair(_)
        | Event::Report(_)
        | Event::EmailInbox(_)
        | Event::AccountMail(_)
        | Event::Emoji(_)
        | Event::Sound(_)
        | Event::Asset(_) => Ok(()),
    }
}

fn reaction(message: &MessageId, emoji: &str, user: &UserRef, at: Timestamp) -> Value {
    json!({ "_id": message, "emoji": emoji, "u": user, "at": Date(at) })
}

/// The system message an event leads to, as part of its update.
fn told(
    applied: &Applied,
    added: Added,
    names: &mut dyn Names,
) -> rusqlite::Result<Option<Box<RawValue>>> {
    let bytes = match added {
        Added::Made(bytes) => Some(bytes),
        Added::Gone(_) => None,
        Added::ToMake => match system_messages::derive(applied, names)? {
            Some(mut doc) => {
                doc.sent(names.send_time(applied.position)?);
                Some(Bytes::from(json::encode(&doc)?))
            }
            None => None,
        },
    };
    bytes.map(|bytes| json::decode(&bytes)).transpose()
}

/// What a room is told about itself or its members.
#[derive(Serialize)]
struct Told<T: Serialize> {
    #[serde(flatten)]
    what: T,
    at: Date,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<Box<RawValue>>,
}

fn of_user(maker: &mut Maker<'_>, event: &UserEvent) -> rusqlite::Result<()> {
    let changed = "profile-changed";
    let (user, kind, data) = match event {
        UserEvent::ProfileChanged(e) => {
            let data = json!({ "name": e.change.name, "bio": e.change.bio, "nickname": e.change.nickname,
                "statusText": e.change.status_text, "customFields": e.change.custom_fields });
            (&e.user, changed, without_nulls(data))
        }
        UserEvent::UsernameChanged(e) => (&e.user, changed, json!({ "username": e.username })),
        UserEvent::EmailChanged(e) => (&e.user, changed, json!({ "emails": e.emails })),
        UserEvent::RolesChanged(e) => (&e.user, changed, json!({ "roles": e.roles })),
        UserEvent::UserActivated(e) => (&e.user, changed, json!({ "active": true })),
        UserEvent::UserDeactivated(e) => (&e.user, changed, json!({ "active": false })),
        UserEvent::PasswordChangeRequired(e) => {
            let data = json!({ "requirePasswordChange": e.required });
            (&e.user, changed, data)
        }
        UserEvent::PreferencesChanged(e) => {
            let data = json!({ "preferences": e.set, "unset": e.unset });
            (&e.user, "preferences-changed", data)
        }
        UserEvent::UtcOffsetChanged(e) => {
            let data = json!({ "utcOffset": hours(e.offset) });
            (&e.user, changed, data)
        }
        UserEvent::RecordFieldsWritten(e) => {
            let data = json!({ "recordFields": e.fields });
            (&e.user, changed, data)
        }
        UserEvent::UserDeleted(e) => (&e.user, "account-deleted", json!({})),
        // Passwords are not published, and a new account has no connections yet.
        UserEvent::UserCreated(_) | UserEvent::PasswordChanged(_) | UserEvent::UserImported(_) => {
            return Ok(());
        }
    };
    maker.user(user, None, kind, &data)?;
    Ok(())
}

fn of_data_export(maker: &mut Maker<'_>, event: &DataExportEvent) -> rusqlite::Result<()> {
    if let DataExportEvent::DataExportCompleted(e) = event {
        let data = json!({ "export": e.export, "size": e.size });
        maker.user(&e.user, None, "data-export-ready", &data)?;
    }
    Ok(())
}

/// Only whoever asked is told. Members are not: whoever may take something out could read it before.
fn of_room_export(maker: &mut Maker<'_>, event: &RoomExportEvent) -> rusqlite::Result<()> {
    if let RoomExportEvent::RoomExportCompleted(e) = event {
        let data = json!({ "export": e.export, "size": e.size, "rid": e.room });
        maker.user(&e.user, None, "data-export-ready", &data)?;
    }
    Ok(())
}

fn of_avatar(maker: &mut Maker<'_>, event: &AvatarEvent) -> rusqlite::Result<()> {
    let (owner, etag) = match event {
        AvatarEvent::AvatarSet(event) => (&event.owner, Some(&event.file.id)),
        AvatarEvent::AvatarReset(event) => (&event.owner, None),
    };
    let data = without_nulls(json!({ "etag": etag }));
    match owner {
        AvatarOwner::User(user) => maker.user(user, None, "avatar-changed", &data)?,
        AvatarOwner::Room(room) => maker.room(room, "room-avatar-changed", &data)?,
    };
    Ok(())
}

fn of_role(maker: &mut Maker<'_>, event: &RoleEvent) -> rusqlite::Result<()> {
    let told = |role: &RoleId, properties: &RoleProperties| {
        json!({ "_id": role, "name": properties.name, "description": properties.description,
            "scope": properties.scope.as_str(), "mandatory2fa": properties.mandatory_second_factor })
    };
    match event {
        RoleEvent::RoleCreated(e) => maker.workspace("role-created", &told(&e.role, &e.properties)),
        RoleEvent::RoleChanged(e) => maker.workspace("role-changed", &told(&e.role, &e.properties)),
        RoleEvent::RoleDeleted(e) => maker.workspace("role-deleted", &json!({ "_id": e.role })),
        // Published by what happens to the user or the membership.
        RoleEvent::RoleGiven(_) => Ok(()),
    }
}

fn of_permission(maker: &mut Maker<'_>, event: &PermissionEvent) -> rusqlite::Result<()> {
    let PermissionEvent::PermissionRolesChanged(e) = event;
    let data = json!({ "_id": e.permission, "roles": e.roles });
    maker.workspace("permission-changed", &data)
}

/// Only settings that anyone may read.
fn of_setting(maker: &mut Maker<'_>, event: &SettingEvent) -> rusqlite::Result<()> {
    let (id, value) = match event {
        SettingEvent::SettingChanged(e) => (&e.setting, Some(&e.value)),
        SettingEvent::SettingReset(e) => (&e.setting, None),
    };
    match domain::settings::lookup(id) {
        Some(definition) if definition.public && !definition.hidden => {
            let value = match value {
                Some(value) if !definition.enterprise => value,
                _ => &definition.default,
            };
            maker.workspace("setting-changed", &json!({ "_id": id, "value": value }))
        }
        _ => Ok(()),
    }
}

/// Where a user's files are; never how to access them.
fn of_webdav(maker: &mut Maker<'_>, event: &WebdavEvent) -> rusqlite::Result<()> {
    match event {
        WebdavEvent::WebdavAccountAdded(e) => {
            let username = match &e.login {
                Login::Password { username, .. } => Some(username),
                Login::Token(_) => None,
            };
            let data = json!({ "_id": e.account, "serverURL": e.server_url, "username": username, "name": e.name });
            maker.user(&e.user, None, "webdav-account-added", &without_nulls(data))?;
        }
        WebdavEvent::WebdavAccountRemoved(e) => {
            let data = json!({ "_id": e.account });
            maker.user(&e.user, None, "webdav-account-removed", &data)?;
        }
    }
    Ok(())
}

/// That there is news about a link into a room, for whoever did it; never its token.
fn of_invite(maker: &mut Maker<'_>, event: &InviteEvent) -> rusqlite::Result<()> {
    let (user, kind, data) = match event {
        InviteEvent::InviteCreated(e) => {
            let data = json!({ "rid": e.room, "days": e.days, "maxUses": e.max_uses, "expires": e.expires.map(Date) });
            (&e.by, "invite-created", without_nulls(data))
        }
        InviteEvent::InviteRemoved(e) => (&e.by, "invite-removed", json!({ "rid": e.room })),
        // Published by the membership.
        InviteEvent::InviteUsed(_) => return Ok(()),
    };
    maker.user(user, None, kind, &data)?;
    Ok(())
}

/// That there is news about a banner; the query tells who it is for.
fn of_banner(maker: &mut Maker<'_>, event: &BannerEvent) -> rusqlite::Result<()> {
    let banner = match event {
        BannerEvent::BannerPublished(e) => &e.banner,
        BannerEvent::BannerWithdrawn(e) => &e.banner,
    };
    maker.workspace("banner-changed", &json!({ "bannerId": banner }))
}

fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(fields) => Value::Object(
            fields
                .into_iter()
                .filter(|(_, value)| !value.is_null())
                .collect(),
        ),
        other => other,
    }
}
