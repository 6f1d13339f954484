//! Keys of rooms, and what a member wants translated. A room's key comes to each member encrypted for them alone; the
//! server hands it on and never looks inside.

use serde::{Deserialize, Serialize};

use super::{Member, MembershipContext, MembershipEvent, MembershipRefusal};
use crate::{RoomId, Timestamp, UserId};

type Decision = Result<Vec<MembershipEvent>, MembershipRefusal>;

/// A member has the room's key, encrypted for them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RoomKeyReceived {
    /// The room.
    pub room: RoomId,
    /// Who.
    pub user: UserId,
    /// The key.
    pub key: String,
    /// When.
    pub at: Timestamp,
}

/// Another member offers somebody the room's key, encrypted for them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RoomKeySuggested {
    /// The room.
    pub room: RoomId,
    /// To whom.
    pub user: UserId,
    /// The key.
    pub key: String,
    /// Who offers it.
    pub by: UserId,
    /// When.
    pub at: Timestamp,
}

/// A member could read the key that was offered: it is theirs now.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SuggestedKeyAccepted {
    /// The room.
    pub room: RoomId,
    /// Who.
    pub user: UserId,
    /// When.
    pub at: Timestamp,
}

/// A member could not read the key that was offered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SuggestedKeyRejected {
    /// The room.
    pub room: RoomId,
    /// Who.
    pub user: UserId,
    /// When.
    pub at: Timestamp,
}

/// A member wants the room translated, or no longer, or into another language. `None` leaves a part as it was.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AutoTranslateChanged {
    /// The room.
    pub room: RoomId,
    /// Who.
    pub user: UserId,
    /// Whether messages are to be translated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    /// Into which language.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// When.
    pub at: Timestamp,
}

impl MembershipContext<'_> {
    fn must_be_own_member(&self, member: Option<&Member>) -> Result<(), MembershipRefusal> {
        if self.authority.actor != self.user {
            return Err(MembershipRefusal::NotYourOwn);
        }
        member.map(|_| ()).ok_or(MembershipRefusal::NotAMember)
    }
}

/// One's own key is kept; a key for somebody else is offered to them, by another member.
pub(super) fn give_key(
    member: Option<&Member>,
    key: String,
    at: Timestamp,
    context: &MembershipContext<'_>,
) -> Decision {
    let by = context.authority.actor;
    if member.is_none() || (by != context.user && context.actor_membership.is_none()) {
        return Err(MembershipRefusal::NotAMember);
    }
    let (room, user) = (context.room.id.clone(), context.user.clone());
    Ok(vec![if *by == user {
        RoomKeyReceived {
            room,
            user,
            key,
            at,
        }
        .into()
    } else {
        RoomKeySuggested {
            room,
            user,
            key,
            by: by.clone(),
            at,
        }
        .into()
    }])
}

pub(super) fn answer_key(
    member: Option<&Member>,
    accept: bool,
    at: Timestamp,
    context: &MembershipContext<'_>,
) -> Decision {
    context.must_be_own_member(member)?;
    if !member.is_some_and(|member| member.key_suggested) {
        return Err(MembershipRefusal::NoSuggestedKey);
    }
    let (room, user) = (context.room.id.clone(), context.user.clone());
    Ok(vec![if accept {
        SuggestedKeyAccepted { room, user, at }.into()
    } else {
        SuggestedKeyRejected { room, user, at }.into()
    }])
}

pub(super) fn translate(
    member: Option<&Member>,
    enabled: Option<bool>,
    language: Option<String>,
    at: Timestamp,
    context: &MembershipContext<'_>,
) -> Decision {
    context.must_be_own_member(member)?;
    let now = member.map(|member| (member.translate, member.language.as_deref()));
    let same = now.is_some_and(|(on, into)| {
        enabled.is_none_or(|enabled| on == Some(enabled))
            && language
                .as_deref()
                .is_none_or(|language| into == Some(language))
    });
    if same {
        return Ok(vec![]);
    }
    Ok(vec![
        AutoTranslateChanged {
            room: context.room.id.clone(),
            user: context.user.clone(),
            enabled,
            language,
            at,
        }
        .into(),
    ])
}
