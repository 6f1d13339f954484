//! Stream names: one stream per consistency boundary, named `category-id`.

use compact_str::{CompactString, format_compact};
use serde::{Deserialize, Serialize};
use std::fmt;

/// The kinds of stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub enum Category {
    /// One account.
    User,
    /// The login tokens of one account.
    Session,
    /// The second factors of one account.
    SecondFactor,
    Room,
    /// One user in one room.
    Membership,
    Message,
    Setting,
    /// One permission and the roles that hold it.
    Permission,
    /// The owner of one unique name.
    Claim,
    /// The copies of one user's data.
    DataExport,
    /// What one user chooses to be shown as.
    Presence,
    /// One custom user status.
    CustomStatus,
    /// One user's key pair for end-to-end encryption.
    KeyPair,
    /// One report to the moderators.
    Report,
    /// One account of a user on a WebDAV server.
    Webdav,
    /// The links and secrets mailed to the owner of one account.
    AccountMail,
    /// The picture of one user or room.
    Avatar,
    /// One emoji somebody made.
    Emoji,
    /// One sound somebody uploaded.
    Sound,
    /// One of the workspace's own pictures.
    Asset,
    Role,
    /// One way to log in that an administrator added.
    LoginService,
    /// One program that lets people log in with their account here.
    OAuthApp,
    /// What one user granted to one such program.
    OAuthGrant,
    /// One device that wants to be told of messages.
    Push,
    /// One e-mail inbox of the workspace.
    EmailInbox,
    Banner,
    /// What one user did with one banner.
    BannerDismissal,
    /// One reading of the record.
    Audit,
    /// One question about the record whose place is kept.
    Subscription,
    /// One link into a room.
    Invite,
    /// What one user takes out of rooms.
    RoomExport,
}

impl Category {
    /// Every kind of stream.
    pub const ALL: [Self; 32] = [
        Self::User,
        Self::Session,
        Self::SecondFactor,
        Self::Room,
        Self::Membership,
        Self::Message,
        Self::Setting,
        Self::Permission,
        Self::Claim,
        Self::DataExport,
        Self::Presence,
        Self::CustomStatus,
        Self::KeyPair,
        Self::Report,
        Self::Webdav,
        Self::AccountMail,
        Self::Avatar,
        Self::Emoji,
        Self::Sound,
        Self::Asset,
        Self::Role,
        Self::LoginService,
        Self::OAuthApp,
        Self::OAuthGrant,
        Self::Push,
        Self::EmailInbox,
        Self::Banner,
        Self::BannerDismissal,
        Self::Audit,
        Self::Subscription,
        Self::Invite,
        Self::RoomExport,
    ];

    /// The most bytes that an event of such a stream may have. Bounds whatever a decider forgot to bound.
    pub const fn largest_event(self) -> usize {
        match self {
            Self::User | Self::Message | Self::Setting | Self::Report => 2 * 1024 * 1024,
            _ => 256 * 1024,
        }
    }

    /// The category that a word stands for.
    pub fn find(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.as_str() == word)
    }

    /// The word in front of the dash.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Session => "session",
            Self::SecondFactor => "secondfactor",
            Self::Room => "room",
            Self::Membership => "membership",
            Self::Message => "message",
            Self::Setting => "setting",
            Self::Permission => "permission",
            Self::Claim => "claim",
            Self::DataExport => "export",
            Self::Presence => "presence",
            Self::CustomStatus => "customstatus",
            Self::KeyPair => "keypair",
            Self::Report => "report",
            Self::Webdav => "webdav",
            Self::AccountMail => "accountmail",
            Self::Avatar => "avatar",
            Self::Emoji => "emoji",
            Self::Sound => "sound",
            Self::Asset => "asset",
            Self::Role => "role",
            Self::LoginService => "loginservice",
            Self::OAuthApp => "oauthapp",
            Self::OAuthGrant => "oauthgrant",
            Self::Push => "push",
            Self::EmailInbox => "emailinbox",
            Self::Banner => "banner",
            Self::BannerDismissal => "bannerdismissal",
            Self::Audit => "audit",
            Self::Subscription => "subscription",
            Self::Invite => "invite",
            Self::RoomExport => "roomexport",
        }
    }
}

impl fmt::Display for Category {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The name of a stream, `category-id`, e.g. `room-GENERAL`. The category never contains a dash; the id may.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct StreamId(CompactString);

impl StreamId {
    /// The stream of `id` in `category`.
    pub fn new(category: Category, id: &str) -> Self {
        Self(format_compact!("{}-{id}", category.as_str()))
    }

    /// A name as it stands in a log. Accepts anything, unknown categories too.
    pub fn from_recorded(name: impl AsRef<str>) -> Self {
        Self(CompactString::new(name))
    }

    /// The whole name, `category-id`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The part before the first dash.
    pub fn category(&self) -> &str {
        self.0
            .split_once('-')
            .map_or(self.0.as_str(), |(category, _)| category)
    }

    /// The part after the first dash.
    pub fn id(&self) -> &str {
        self.0.split_once('-').map_or("", |(_, id)| id)
    }
}

impl fmt::Display for StreamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_name_splits_at_its_first_dash() {
        let stream = StreamId::new(Category::Room, "a-b");
        assert_eq!(stream.as_str(), "room-a-b");
        assert_eq!(stream.category(), "room");
        assert_eq!(stream.id(), "a-b");
    }
}
