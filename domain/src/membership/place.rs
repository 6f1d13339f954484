//! The rules of what members do with their own place in a room beyond reading it: what they want to be told of, whose
//! messages they do not want to see, what they have begun to write, whom they do not want to hear from.

use std::collections::BTreeMap;

use super::{
    DirectMessageBlocked, DirectMessageUnblocked, DraftChanged, Member, MembershipContext,
    MembershipEvent, MembershipRefusal, NotificationChoice, NotificationsChanged, ThreadRead,
    UserIgnored, UserUnignored,
};
use crate::{MessageId, Timestamp, UserId, limits};

type Decision = Result<Vec<MembershipEvent>, MembershipRefusal>;

/// What decisions need to know of a member's own place.
#[derive(Clone, Debug, Default, PartialEq)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub struct Place {
    /// At most one about each thing.
    pub notifications: Vec<NotificationChoice>,
    pub ignored: Vec<UserId>,
    /// None of them empty. `None`: what is to be said in the room itself.
    pub drafts: BTreeMap<Option<MessageId>, String>,
    /// Whether they blocked a direct message.
    pub blocks: bool,
}

impl Place {
    /// What an event changes of it.
    pub(super) fn apply(&mut self, event: &MembershipEvent) {
        match event {
            MembershipEvent::NotificationsChanged(event) => {
                for choice in &event.choices {
                    self.notifications
                        .retain(|held| !held.is_about_the_same(choice));
                    self.notifications.push(choice.clone());
                }
            }
            MembershipEvent::UserIgnored(event) => self.ignored.push(event.ignored.clone()),
            MembershipEvent::UserUnignored(event) => {
                self.ignored.retain(|one| *one != event.ignored);
            }
            MembershipEvent::DraftChanged(event) => {
                if event.draft.is_empty() {
                    self.drafts.remove(&event.thread);
                } else {
                    self.drafts
                        .insert(event.thread.clone(), event.draft.clone());
                }
            }
            MembershipEvent::DirectMessageBlocked(_) => self.blocks = true,
            MembershipEvent::DirectMessageUnblocked(_) => self.blocks = false,
            _ => {}
        }
    }
}

fn own<'m>(
    member: Option<&'m Member>,
    context: &MembershipContext<'_>,
) -> Result<&'m Member, MembershipRefusal> {
    context.must_be_own_member(member)?;
    member.ok_or(MembershipRefusal::NotAMember)
}

pub(super) fn notify(
    member: Option<&Member>,
    mut choices: Vec<NotificationChoice>,
    at: Timestamp,
    context: &MembershipContext<'_>,
) -> Decision {
    let held = &own(member, context)?.place.notifications;
    let too_long = |choice: &NotificationChoice| match choice {
        NotificationChoice::Sound(Some(sound)) => sound.len() > limits::ID,
        _ => false,
    };
    if choices.iter().any(too_long) {
        return Err(MembershipRefusal::TooLong { limit: limits::ID });
    }
    choices.retain(|choice| !held.contains(choice));
    if choices.is_empty() {
        return Ok(vec![]);
    }
    Ok(vec![
        NotificationsChanged {
            room: context.room.id.clone(),
            user: context.user.clone(),
            choices,
            at,
        }
        .into(),
    ])
}

pub(super) fn ignore(
    member: Option<&Member>,
    ignored: UserId,
    ignore: bool,
    at: Timestamp,
    context: &MembershipContext<'_>,
) -> Decision {
    let held = &own(member, context)?.place.ignored;
    if held.contains(&ignored) == ignore {
        return Ok(vec![]);
    }
    if ignore && held.len() >= limits::IGNORED {
        return Err(MembershipRefusal::TooMany {
            limit: limits::IGNORED,
        });
    }
    let (room, user) = (context.room.id.clone(), context.user.clone());
    Ok(vec![if ignore {
        UserIgnored {
            room,
            user,
            ignored,
            at,
        }
        .into()
    } else {
        UserUnignored {
            room,
            user,
            ignored,
            at,
        }
        .into()
    }])
}

pub(super) fn draft(
    member: Option<&Member>,
    thread: Option<MessageId>,
    draft: String,
    at: Timestamp,
    context: &MembershipContext<'_>,
) -> Decision {
    let held = &own(member, context)?.place.drafts;
    if draft.len() > limits::DRAFT {
        return Err(MembershipRefusal::TooLong {
            limit: limits::DRAFT,
        });
    }
    if held.get(&thread).map_or("", String::as_str) == draft {
        return Ok(vec![]);
    }
    if !held.contains_key(&thread) && held.len() >= limits::DRAFTS {
        return Err(MembershipRefusal::TooMany {
            limit: limits::DRAFTS,
        });
    }
    Ok(vec![
        DraftChanged {
            room: context.room.id.clone(),
            user: context.user.clone(),
            thread,
            draft,
            at,
        }
        .into(),
    ])
}

pub(super) fn read_thread(
    member: Option<&Member>,
    thread: MessageId,
    at: Timestamp,
    context: &MembershipContext<'_>,
) -> Decision {
    own(member, context)?;
    let is_read = |view: &super::MembershipView| !view.unread_threads.contains(&thread);
    if context.view.is_some_and(is_read) {
        return Ok(vec![]);
    }
    Ok(vec![
        ThreadRead {
            room: context.room.id.clone(),
            user: context.user.clone(),
            thread,
            cursor: context.newest,
            at,
        }
        .into(),
    ])
}

/// Only between two: whoever blocks is heard by the other no more than they hear.
pub(super) fn block(
    member: Option<&Member>,
    block: bool,
    at: Timestamp,
    context: &MembershipContext<'_>,
) -> Decision {
    let held = &own(member, context)?.place;
    let (room, user) = (context.room.id.clone(), context.user.clone());
    let other = match &context.room.participants[..] {
        [one, other] if *one == user => other,
        [other, one] if *one == user => other,
        _ => return Err(MembershipRefusal::NotBetweenTwo),
    };
    if held.blocks == block {
        return Ok(vec![]);
    }
    let other = other.clone();
    Ok(vec![if block {
        DirectMessageBlocked {
            room,
            user,
            other,
            at,
        }
        .into()
    } else {
        DirectMessageUnblocked {
            room,
            user,
            other,
            at,
        }
        .into()
    }])
}
