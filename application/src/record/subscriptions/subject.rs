//! What a subscription is of, as it is asked and as it is kept.

use domain::subscription::{Subject, SubscriptionEvent, UpTo};
use domain::{RoomId, UserId};

use crate::error::Error;
use crate::record::access::Auditor;
use crate::record::question::{Asked, NotUnderstood};
use crate::workspace::Workspace;

/// What is asked, with ids in the place of names, and where it begins. What is asked in the very ids that are `kept` needs
/// nobody to look them up: it is the same even while a room of it is hidden from whoever asks.
pub(super) async fn subject(
    workspace: &Workspace,
    auditor: &Auditor,
    asked: &Asked,
    kept: Option<&Subject>,
) -> Result<(Subject, UpTo), Error> {
    let left_out = SubscriptionEvent::LEFT_BY_READING;
    if let Some(name) = asked
        .types
        .iter()
        .find(|one| left_out.contains(&one.as_str()))
    {
        return Err(NotUnderstood::NotToSubscribeTo(name.clone()).into());
    }
    let literally = literally(asked);
    if kept == Some(&literally) {
        let after = asked.range(workspace).await?.after;
        return Ok((literally, UpTo::new(after.get())));
    }
    let meant = asked.meant(workspace, auditor.sees_private_rooms());
    let query = meant.await?.query;
    let subject = Subject {
        rooms: in_order(query.rooms),
        users: in_order(query.users),
        actors: in_order(query.actors),
        ..literally
    };
    Ok((subject, UpTo::new(query.after.get())))
}

/// The question, if every name in it is an id.
fn literally(asked: &Asked) -> Subject {
    Subject {
        rooms: in_order(asked.rooms.iter().map(RoomId::new).collect()),
        users: in_order(asked.users.iter().map(UserId::new).collect()),
        actors: in_order(asked.actors.iter().map(UserId::new).collect()),
        types: in_order(asked.types.clone()),
        categories: in_order(asked.categories.clone()),
        stream: asked.stream.clone(),
        text: asked.text.clone(),
    }
}

/// Each once, so that the same question is the same however it was typed.
fn in_order<T: Ord>(mut list: Vec<T>) -> Vec<T> {
    list.sort_unstable();
    list.dedup();
    list
}

/// The question again, of what it was understood as.
pub(super) fn asked(subject: &Subject) -> Asked {
    Asked {
        rooms: subject.rooms.iter().map(ToString::to_string).collect(),
        users: subject.users.iter().map(ToString::to_string).collect(),
        actors: subject.actors.iter().map(ToString::to_string).collect(),
        types: subject.types.clone(),
        categories: subject.categories.clone(),
        stream: subject.stream.clone(),
        text: subject.text.clone(),
        ..Asked::default()
    }
}
