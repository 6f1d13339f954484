//! What becomes of rooms when their only owner goes (contract, conventions 7.4).

use domain::room::RoomKind;
use domain::{RoomId, UserId};
use projections::{MemberQuery, Slice};
use serde_json::Value;

use super::{memberships, rooms};
use crate::error::{ApiError, texts};
use crate::state::AppState;

/// A room that would have no owner.
struct Orphan {
    room: RoomId,
    name: String,
    kind: RoomKind,
    /// Somebody else who is in it and may log in.
    heir: Option<UserId>,
}

/// The rooms that only somebody who goes owns. Found before they go, settled afterwards: what they own is not to be
/// seen any more then, and if they may not go after all nothing has happened to their rooms.
pub struct Orphans(Vec<Orphan>);

impl Orphans {
    /// The rooms that only `user` owns. Without `confirmed`, that there are some is an error that names them.
    pub async fn of(state: &AppState, user: &UserId, confirmed: bool) -> Result<Self, ApiError> {
        let orphans = orphans(state, user).await?;
        if orphans.is_empty() || confirmed {
            return Ok(Self(orphans));
        }
        let names = |heirless: bool| -> Vec<&str> {
            orphans
                .iter()
                .filter(|one| one.heir.is_none() == heirless)
                .map(|one| one.name.as_str())
                .collect()
        };
        Err(texts::last_owner(&names(true), &names(false)))
    }

    /// Hands each room on to an heir, or deletes it if it is a group without one. It is a rule of the server that does
    /// this; whether `actor` may send the owner away was decided before.
    pub async fn settle(self, state: &AppState, actor: &UserId) -> Result<(), ApiError> {
        for orphan in self.0 {
            let Some(room) = state.views().room_facts(&orphan.room).await? else {
                continue;
            };
            match (&orphan.heir, orphan.kind) {
                (Some(heir), _) => {
                    memberships::make_owner_as_server(state, actor, &room, heir).await?;
                }
                (None, RoomKind::Group) => rooms::delete_as_server(state, actor, &room).await?,
                // A channel may be without owner.
                (None, _) => {}
            }
        }
        Ok(())
    }
}

async fn orphans(state: &AppState, user: &UserId) -> Result<Vec<Orphan>, ApiError> {
    let mut orphans = Vec::new();
    for id in state.views().room_ids_of(user).await? {
        let Some(facts) = state.views().room_facts(&id).await? else {
            continue;
        };
        if facts.kind == RoomKind::Direct || state.views().owners(&id).await? != [user.clone()] {
            continue;
        }
        let heir = heir(state, &id, user).await?;
        if heir.is_some() || facts.kind == RoomKind::Group {
            let name = facts.name.clone().unwrap_or_default();
            orphans.push(Orphan {
                room: id,
                name,
                kind: facts.kind,
                heir,
            });
        }
    }
    Ok(orphans)
}

async fn heir(state: &AppState, room: &RoomId, user: &UserId) -> Result<Option<UserId>, ApiError> {
    let query = MemberQuery {
        room: room.clone(),
        filter: None,
        descending: false,
        slice: Slice {
            offset: 0,
            count: Some(2),
        },
    };
    let members = state.views().members(query).await?.items;
    let ids = members.iter().filter_map(|doc| {
        let doc: Value = serde_json::from_slice(doc).ok()?;
        doc["_id"].as_str().map(UserId::new)
    });
    Ok(ids.into_iter().find(|id| id != user))
}
