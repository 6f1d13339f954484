//! Collects the events that decide what somebody could read.

use std::collections::{BTreeMap, BTreeSet};

use domain::room::RoomEvent;
use domain::{Event, RoomId, UserId};
use eventstore::{Position, RecordedEvent};
use projections::RecordQuery;

use super::state::{Edge, Nature, State, Stretch};
use super::{AskedReach, Reach, RoomReach};
use crate::error::Error;
use crate::record::access::Auditor;
use crate::record::deed::{Called as _, place};
use crate::record::found;
use crate::record::named;
use crate::record::question::Asked;
use crate::workspace::Workspace;

/// The most rooms that are told of: there may be any number of public ones.
const MOST_ROOMS: usize = 5_000;

/// The events of a user that decide what they can read.
const OF_USER: [&str; 8] = [
    "MemberJoined",
    "MemberLeft",
    "MemberRemoved",
    "RolesChanged",
    "UserActivated",
    "UserCreated",
    "UserDeactivated",
    "UserDeleted",
];

/// The events of others that do.
const OF_OTHERS: [&str; 6] = [
    "PermissionRolesChanged",
    "RoomAddedToTeam",
    "RoomDeleted",
    "RoomRemovedFromTeam",
    "RoomVisibilityChanged",
    "TeamDissolved",
];

pub(super) async fn reach(
    workspace: &Workspace,
    auditor: &Auditor,
    asked: &AskedReach,
) -> Result<Reach, Error> {
    let range = Asked {
        from: asked.from.clone(),
        to: asked.to.clone(),
        ..Asked::default()
    };
    let range = range.range(workspace).await?;
    let to = match range.upto {
        Some(upto) => upto,
        None => workspace.executor().store().head().await?,
    };
    workspace.views().wait_for(to).await?;
    let private_rooms = auditor.sees_private_rooms();
    let user = named::user(workspace, &asked.user).await?;
    let events = events(workspace, &user, to).await?;
    let natures = natures(workspace, &events).await?;
    let mut state = State::new(&user, &natures);
    for (by, event) in events.values() {
        state.apply(by, event);
    }
    let (account, rooms) = state.told();
    let from = range.after.next();
    let told = workspace.views().with_record_names(move |names| {
        let within = |stretches: Vec<Stretch>| -> Vec<Stretch> {
            let all = stretches.into_iter();
            all.filter(|stretch| stretch.reaches(from)).collect()
        };
        let rooms = rooms.into_iter().filter_map(|(room, stretches)| {
            let stretches = within(stretches);
            let room = place(names, &room, to)?;
            let shown = (room.public || private_rooms) && !stretches.is_empty();
            shown.then_some(RoomReach { room, stretches })
        });
        let mut rooms: Vec<RoomReach> = rooms.collect();
        rooms.sort_by(|a, b| (&a.room.name, &a.room.id).cmp(&(&b.room.name, &b.room.id)));
        let more = rooms.len().saturating_sub(MOST_ROOMS);
        rooms.truncate(MOST_ROOMS);
        Reach {
            user: names.person(&user, to),
            from,
            to,
            account: within(account),
            rooms,
            more,
        }
    });
    Ok(told.await?)
}

/// What decides, in the order of the log.
type Deciding = BTreeMap<Position, (Edge, Event)>;

async fn events(workspace: &Workspace, user: &UserId, to: Position) -> Result<Deciding, Error> {
    let types = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    let of_user = RecordQuery {
        concerning: vec![user.clone()],
        event_types: types(&OF_USER),
        ..found::within(Position::START, to)
    };
    let of_others = RecordQuery {
        event_types: types(&OF_OTHERS),
        ..found::within(Position::START, to)
    };
    let mut deciding = Deciding::new();
    let mut add = |events: &[RecordedEvent]| decode(&mut deciding, events);
    found::each(workspace, of_user, &mut add).await?;
    found::each(workspace, of_others, &mut add).await?;
    let made = workspace.views().with_record_names(move |names| {
        let made = names.public_rooms().into_iter();
        made.filter(|since| *since <= to).collect::<Vec<_>>()
    });
    read_at(workspace, made.await?, &mut add).await?;
    // Discussions of private rooms are not public, and whoever can read the room can read them.
    let parents = rooms(&deciding);
    let begun = workspace.views().with_record_names(move |names| {
        let begun = parents.iter().flat_map(|parent| names.discussions(parent));
        let begun = begun.filter(|since| *since <= to);
        begun.collect::<BTreeSet<_>>()
    });
    let begun: Vec<Position> = begun.await?.into_iter().collect();
    read_at(workspace, begun, |events| decode(&mut deciding, events)).await?;
    Ok(deciding)
}

/// Shows `see` the events at these positions, which are in order.
async fn read_at(
    workspace: &Workspace,
    mut positions: Vec<Position>,
    mut see: impl FnMut(&[RecordedEvent]),
) -> Result<(), Error> {
    let log = workspace.executor().store();
    while !positions.is_empty() {
        let events = log.read_at(positions.clone()).await?;
        if events.is_empty() {
            break;
        }
        see(&events);
        positions.drain(..events.len().min(positions.len()));
    }
    Ok(())
}

fn decode(deciding: &mut Deciding, events: &[RecordedEvent]) {
    for event in events {
        if let Ok(decoded) = event.decode() {
            deciding.insert(event.position, (Edge::of(event), decoded));
        }
    }
}

/// What the rooms that occur were made as.
async fn natures(
    workspace: &Workspace,
    deciding: &Deciding,
) -> Result<BTreeMap<RoomId, Nature>, Error> {
    let rooms = rooms(deciding);
    let natures = workspace.views().with_record_names(move |names| {
        let natures = rooms.into_iter().filter_map(|room| {
            let identity = names.identity(&room)?;
            let nature = Nature {
                kind: identity.kind,
                parent: identity.parent.clone(),
            };
            Some((room, nature))
        });
        natures.collect()
    });
    Ok(natures.await?)
}

fn rooms(deciding: &Deciding) -> BTreeSet<RoomId> {
    let mut rooms = BTreeSet::new();
    for (_, event) in deciding.values() {
        rooms.extend(event.room().map(std::borrow::Cow::into_owned));
        if let Event::Room(RoomEvent::RoomAddedToTeam(added)) = event {
            rooms.insert(added.main_room.clone());
        }
    }
    rooms
}
