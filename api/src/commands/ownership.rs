//! What becomes of rooms when their only owner goes (contract, conventions 7.4).

use domain::membership::{MembershipCommand, RoomRole};
use domain::room::RoomKind;
use domain::{RoomId, UserId};
use projections::{MemberQuery, Slice};
use serde_json::Value;

use super::memberships;
use super::place::Place;
use crate::error::{ApiError, texts};
use crate::extract::Caller;
use crate::state::{AppState, now};

/// A room that would have no owner.
struct Orphan {
    room: RoomId,
    name: String,
    kind: RoomKind,
    /// Somebody else who is in it and may log in.
    heir: Option<UserId>,
}

/// Hands on or deletes the rooms that only `user` owns. Without `confirmed` it says which ones, as an error.
pub async fn relinquish(state: &AppState, caller: &Caller, user: &UserId, confirmed: bool) -> Result<(), ApiError> {
    let orphans = orphans(state, user).await?;
    if orphans.is_empty() {
        return Ok(());
    }
    if !confirmed {
        let names = |heirless: bool| -> Vec<&str> {
            orphans.iter().filter(|one| one.heir.is_none() == heirless).map(|one| one.name.as_str()).collect()
        };
        return Err(texts::last_owner(&names(true), &names(false)));
    }
    for orphan in orphans {
        match (&orphan.heir, orphan.kind) {
            (Some(heir), _) => hand_on(state, caller, &orphan.room, heir).await?,
            (None, RoomKind::Group) => delete(state, caller, &orphan.room).await?,
            // A channel may be without owner.
            (None, _) => {}
        }
    }
    Ok(())
}

async fn orphans(state: &AppState, user: &UserId) -> Result<Vec<Orphan>, ApiError> {
    let mut orphans = Vec::new();
    for id in state.views().room_ids_of(user).await? {
        let Some(facts) = state.views().room_facts(&id).await? else { continue };
        if facts.kind == RoomKind::Direct || state.views().owners(&id).await? != [user.clone()] {
            continue;
        }
        let heir = heir(state, &id, user).await?;
        if heir.is_some() || facts.kind == RoomKind::Group {
            let name = facts.name.clone().unwrap_or_default();
            orphans.push(Orphan { room: id, name, kind: facts.kind, heir });
        }
    }
    Ok(orphans)
}

async fn heir(state: &AppState, room: &RoomId, user: &UserId) -> Result<Option<UserId>, ApiError> {
    let query =
        MemberQuery { room: room.clone(), filter: None, descending: false, slice: Slice { offset: 0, count: Some(2) } };
    let members = state.views().members(query).await?.items;
    let ids = members.iter().filter_map(|doc| {
        let doc: Value = serde_json::from_slice(doc).ok()?;
        doc["_id"].as_str().map(UserId::new)
    });
    Ok(ids.into_iter().find(|id| id != user))
}

async fn hand_on(state: &AppState, caller: &Caller, room: &RoomId, heir: &UserId) -> Result<(), ApiError> {
    let Some(place) = Place::of(state, caller, room).await? else { return Ok(()) };
    let grant = MembershipCommand::GrantRole { role: RoomRole::Owner, at: now() };
    memberships::change(state, caller, &place, heir, &grant).await.map(drop)
}

async fn delete(state: &AppState, caller: &Caller, room: &RoomId) -> Result<(), ApiError> {
    let Some(place) = Place::of(state, caller, room).await? else { return Ok(()) };
    super::rooms::delete_as_server(state, caller.id(), &place.room).await
}
