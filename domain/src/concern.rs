//! What an event is about: the room it happened in, and the users it concerns. The actor is in its envelope.

use std::borrow::Cow;

use crate::avatar::{AvatarEvent, AvatarOwner};
use crate::claim::{ClaimEvent, NameKind};
use crate::invite::InviteEvent;
use crate::membership::MembershipEvent;
use crate::message::{Mention, MessageEvent};
use crate::oauth_grant::OAuthGrantEvent;
use crate::push::PushEvent;
use crate::report::ReportEvent;
use crate::role::RoleEvent;
use crate::room::RoomEvent;
use crate::room_export::RoomExportEvent;
use crate::{RoomId, UserId};

/// What the events of a set are about.
pub(crate) trait Concern {
    /// The room it happened in, or is about.
    fn room(&self) -> Option<Cow<'_, RoomId>> {
        None
    }

    /// The users it concerns, as far as the event itself tells.
    fn users(&self) -> Vec<&UserId> {
        Vec::new()
    }
}

/// What the events of a set are about, where one word says it; see the union of all sets.
macro_rules! concern {
    ($set:path, nobody) => {
        impl Concern for $set {}
    };
    ($set:path, user) => {
        impl Concern for $set {
            fn users(&self) -> Vec<&UserId> {
                vec![self.user()]
            }
        }
    };
    ($set:path, each) => {};
}
pub(crate) use concern;

impl Concern for RoomEvent {
    fn room(&self) -> Option<Cow<'_, RoomId>> {
        Some(Cow::Borrowed(self.room()))
    }

    fn users(&self) -> Vec<&UserId> {
        match self {
            Self::RoomCreated(event) => event.creator.iter().chain(&event.participants).collect(),
            Self::HistoryPruned(event) => event.pruning.authors.iter().flatten().collect(),
            _ => Vec::new(),
        }
    }
}

impl Concern for MembershipEvent {
    fn room(&self) -> Option<Cow<'_, RoomId>> {
        Some(Cow::Borrowed(self.room()))
    }

    fn users(&self) -> Vec<&UserId> {
        vec![self.user()]
    }
}

impl Concern for MessageEvent {
    fn room(&self) -> Option<Cow<'_, RoomId>> {
        Some(Cow::Borrowed(self.room()))
    }

    fn users(&self) -> Vec<&UserId> {
        in_message(self)
    }
}

impl Concern for InviteEvent {
    fn room(&self) -> Option<Cow<'_, RoomId>> {
        Some(Cow::Borrowed(self.room()))
    }

    fn users(&self) -> Vec<&UserId> {
        match self {
            Self::InviteCreated(event) => vec![&event.by],
            Self::InviteUsed(event) => vec![&event.user],
            Self::InviteRemoved(event) => vec![&event.by],
        }
    }
}

impl Concern for RoomExportEvent {
    fn room(&self) -> Option<Cow<'_, RoomId>> {
        Some(Cow::Borrowed(self.room()))
    }

    fn users(&self) -> Vec<&UserId> {
        let recipients = match self {
            Self::MessagesMailRequested(event) => event.recipients.as_slice(),
            Self::RoomExportRequested(_)
            | Self::RoomExportCompleted(_)
            | Self::RoomExportFailed(_) => &[],
        };
        std::iter::once(self.user()).chain(recipients).collect()
    }
}

impl Concern for ReportEvent {
    fn room(&self) -> Option<Cow<'_, RoomId>> {
        match self {
            Self::MessageReported(event) => Some(Cow::Borrowed(&event.room)),
            Self::UserReported(_) | Self::ReportDismissed(_) => None,
        }
    }

    fn users(&self) -> Vec<&UserId> {
        match self {
            Self::MessageReported(event) => vec![&event.author],
            Self::UserReported(event) => vec![&event.user],
            Self::ReportDismissed(_) => Vec::new(),
        }
    }
}

impl Concern for RoleEvent {
    fn room(&self) -> Option<Cow<'_, RoomId>> {
        match self {
            Self::RoleGiven(event) => event.room.as_ref().map(Cow::Borrowed),
            Self::RoleCreated(_) | Self::RoleChanged(_) | Self::RoleDeleted(_) => None,
        }
    }

    fn users(&self) -> Vec<&UserId> {
        match self {
            Self::RoleGiven(event) => vec![&event.user],
            Self::RoleCreated(_) | Self::RoleChanged(_) | Self::RoleDeleted(_) => Vec::new(),
        }
    }
}

impl Concern for AvatarEvent {
    fn room(&self) -> Option<Cow<'_, RoomId>> {
        match self.owner() {
            AvatarOwner::Room(room) => Some(Cow::Borrowed(room)),
            AvatarOwner::User(_) => None,
        }
    }

    fn users(&self) -> Vec<&UserId> {
        match self.owner() {
            AvatarOwner::User(user) => vec![user],
            AvatarOwner::Room(_) => Vec::new(),
        }
    }
}

impl Concern for ClaimEvent {
    fn room(&self) -> Option<Cow<'_, RoomId>> {
        let is_room = *self.kind() == NameKind::RoomName;
        is_room.then(|| Cow::Owned(RoomId::new(self.owner())))
    }
}

impl Concern for OAuthGrantEvent {
    fn users(&self) -> Vec<&UserId> {
        match self {
            Self::OAuthCodeIssued(event) => vec![&event.user],
            Self::OAuthCodeRedeemed(event) => vec![&event.user],
            Self::OAuthTokensRenewed(event) => vec![&event.user],
            Self::OAuthGrantRevoked(_) => Vec::new(),
        }
    }
}

impl Concern for PushEvent {
    fn users(&self) -> Vec<&UserId> {
        match self {
            Self::PushTokenRegistered(event) => vec![&event.user],
            Self::PushTokenRemoved(_) => Vec::new(),
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
        MessageEvent::MessagePinned(event) => (&event.by, None),
        MessageEvent::MessageUnpinned(event) => (&event.by, None),
        MessageEvent::MessageStarred(event) => (&event.user, None),
        MessageEvent::MessageUnstarred(event) => (&event.user, None),
        MessageEvent::ThreadFollowed(event) => (&event.user, None),
        MessageEvent::ThreadUnfollowed(event) => (&event.user, None),
        // Nobody did it but the server.
        MessageEvent::LinksPreviewed(_) => return Vec::new(),
    };
    let mentions = content.into_iter().flat_map(|content| &content.mentions);
    let called = mentions.filter_map(Mention::user);
    std::iter::once(by).chain(called).collect()
}
