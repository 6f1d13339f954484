//! Keys of rooms, and what a member wants translated. A room's key comes to each member encrypted for them alone; the
//! server passes it on and never looks inside.

use super::{
    AutoTranslateChanged, Member, MembershipContext, MembershipEvent, MembershipRefusal,
    RoomKeyReceived, RoomKeySuggested, SuggestedKeyAccepted, SuggestedKeyRejected,
};
use crate::Timestamp;

type Decision = Result<Vec<MembershipEvent>, MembershipRefusal>;

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
