//! What an event is about: the room it happened in, and the users it concerns. The actor is in its envelope.

use std::borrow::Cow;

use crate::avatar::AvatarOwner;
use crate::claim::NameKind;
use crate::message::{Mention, MessageEvent};
use crate::oauth_grant::OAuthGrantEvent;
use crate::push::PushEvent;
use crate::report::ReportEvent;
use crate::role::RoleEvent;
use crate::room::RoomEvent;
use crate::{Event, RoomId, UserId};

impl Event {
    /// The room it happened in, or is about.
    pub fn room(&self) -> Option<Cow<'_, RoomId>> {
        match self {
            Self::Room(event) => Some(Cow::Borrowed(event.room())),
            Self::Membership(event) => Some(Cow::Borrowed(event.room())),
            Self::Message(event) => Some(Cow::Borrowed(event.room())),
            Self::Report(ReportEvent::MessageReported(event)) => Some(Cow::Borrowed(&event.room)),
            Self::Role(RoleEvent::RoleGiven(event)) => event.room.as_ref().map(Cow::Borrowed),
            Self::Avatar(event) => match event.owner() {
                AvatarOwner::Room(room) => Some(Cow::Borrowed(room)),
                AvatarOwner::User(_) => None,
            },
            Self::Claim(event) => (*event.kind() == NameKind::RoomName)
                .then(|| Cow::Owned(RoomId::new(event.owner()))),
            Self::Report(ReportEvent::UserReported(_) | ReportEvent::ReportDismissed(_))
            | Self::Role(
                RoleEvent::RoleCreated(_) | RoleEvent::RoleChanged(_) | RoleEvent::RoleDeleted(_),
            )
            | Self::User(_)
            | Self::Session(_)
            | Self::SecondFactor(_)
            | Self::AccountMail(_)
            | Self::DataExport(_)
            | Self::KeyPair(_)
            | Self::Webdav(_)
            | Self::Presence(_)
            | Self::BannerDismissal(_)
            | Self::OAuthGrant(_)
            | Self::Push(_)
            | Self::Setting(_)
            | Self::Permission(_)
            | Self::CustomStatus(_)
            | Self::Emoji(_)
            | Self::Sound(_)
            | Self::Asset(_)
            | Self::LoginService(_)
            | Self::OAuthApp(_)
            | Self::EmailInbox(_)
            | Self::Banner(_)
            | Self::Audit(_) => None,
        }
    }

    /// The users it concerns, as far as the event itself tells: whose account, login or membership it is, whom a message
    /// calls. May name somebody twice. Who wrote a message that somebody else edited is not in the event.
    pub fn users(&self) -> Vec<&UserId> {
        match self {
            Self::User(event) => vec![event.user()],
            Self::Session(event) => vec![event.user()],
            Self::SecondFactor(event) => vec![event.user()],
            Self::AccountMail(event) => vec![event.user()],
            Self::DataExport(event) => vec![event.user()],
            Self::KeyPair(event) => vec![event.user()],
            Self::Webdav(event) => vec![event.user()],
            Self::Presence(event) => vec![event.user()],
            Self::BannerDismissal(event) => vec![event.user()],
            Self::Membership(event) => vec![event.user()],
            Self::Message(event) => in_message(event),
            Self::Room(RoomEvent::RoomCreated(event)) => {
                event.creator.iter().chain(&event.participants).collect()
            }
            Self::Report(ReportEvent::MessageReported(event)) => vec![&event.author],
            Self::Report(ReportEvent::UserReported(event)) => vec![&event.user],
            Self::Role(RoleEvent::RoleGiven(event)) => vec![&event.user],
            Self::OAuthGrant(event) => granted(event).into_iter().collect(),
            Self::Push(PushEvent::PushTokenRegistered(event)) => vec![&event.user],
            Self::Avatar(event) => match event.owner() {
                AvatarOwner::User(user) => vec![user],
                AvatarOwner::Room(_) => vec![],
            },
            Self::Room(_)
            | Self::Report(ReportEvent::ReportDismissed(_))
            | Self::Role(_)
            | Self::Push(PushEvent::PushTokenRemoved(_))
            | Self::Claim(_)
            | Self::Setting(_)
            | Self::Permission(_)
            | Self::CustomStatus(_)
            | Self::Emoji(_)
            | Self::Sound(_)
            | Self::Asset(_)
            | Self::LoginService(_)
            | Self::OAuthApp(_)
            | Self::EmailInbox(_)
            | Self::Banner(_)
            | Self::Audit(_) => vec![],
        }
    }
}

fn in_message(event: &MessageEvent) -> Vec<&UserId> {
    let (by, content) = match event {
        MessageEvent::MessagePosted(event) => (&event.author, Some(&event.content)),
        MessageEvent::MessageEdited(event) => (&event.editor, Some(&event.content)),
        MessageEvent::MessageDeleted(event) => (&event.by, None),
        MessageEvent::ReactionAdded(event) => (&event.user, None),
        MessageEvent::ReactionRemoved(event) => (&event.user, None),
    };
    let mentions = content.into_iter().flat_map(|content| &content.mentions);
    let called = mentions.filter_map(|mention| match mention {
        Mention::User(user) => Some(user),
        Mention::All | Mention::Here => None,
    });
    std::iter::once(by).chain(called).collect()
}

fn granted(event: &OAuthGrantEvent) -> Option<&UserId> {
    match event {
        OAuthGrantEvent::OAuthCodeIssued(event) => Some(&event.user),
        OAuthGrantEvent::OAuthCodeRedeemed(event) => Some(&event.user),
        OAuthGrantEvent::OAuthTokensRenewed(event) => Some(&event.user),
        OAuthGrantEvent::OAuthGrantRevoked(_) => None,
    }
}
