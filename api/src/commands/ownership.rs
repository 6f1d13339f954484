//! What becomes of rooms when their only owner goes (contract, conventions 7.4).

use std::sync::Arc;

use domain::avatar::AvatarOwner;
use domain::room::{RoomFacts, RoomKind};
use domain::{Timestamp, UserId};
use eventstore::execute::Transaction;
use projections::FileRecord;

use super::{WorkError, memberships, rooms};
use crate::error::{ApiError, texts};
use crate::state::AppState;

/// A room that would have no owner.
struct Orphan {
    room: Arc<RoomFacts>,
    /// Who of those that may log in is in it the longest.
    heir: Option<UserId>,
}

impl Orphan {
    /// Whether the room goes with its owner. A channel may be without owner.
    fn goes(&self) -> bool {
        self.heir.is_none() && self.room.kind == RoomKind::Group
    }
}

/// The rooms that only somebody who goes owns. Settled in the batch that says they go: either both happen or neither.
#[derive(Default)]
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
                .map(|one| one.room.name.as_deref().unwrap_or_default())
                .collect()
        };
        Err(texts::last_owner(&names(true), &names(false)))
    }

    /// The pictures of the rooms that go with their owner.
    pub(super) async fn pictures(&self, state: &AppState) -> Result<Vec<FileRecord>, ApiError> {
        let mut pictures = Vec::new();
        for orphan in self.0.iter().filter(|orphan| orphan.goes()) {
            let owner = AvatarOwner::Room(orphan.room.id.clone());
            pictures.extend(state.views().avatar(&owner).await?);
        }
        Ok(pictures)
    }

    /// Hands each room on to an heir, or deletes it if it is a group without one. It is a rule of the server that does
    /// this; whether `actor` may send the owner away is decided in the same batch.
    pub(super) async fn settle(
        &self,
        tx: &Transaction,
        actor: &UserId,
        at: Timestamp,
    ) -> Result<(), WorkError> {
        for orphan in &self.0 {
            match &orphan.heir {
                Some(heir) => {
                    memberships::make_owner_as_server(tx, actor, &orphan.room, heir, at).await?;
                }
                None if orphan.goes() => {
                    rooms::delete_as_server(tx, &orphan.room.id, at).await?;
                }
                None => {}
            }
        }
        Ok(())
    }
}

async fn orphans(state: &AppState, user: &UserId) -> Result<Vec<Orphan>, ApiError> {
    let views = state.views();
    let mut orphans = Vec::new();
    for id in views.room_ids_of(user).await? {
        let Some(room) = views.room_facts(&id).await? else {
            continue;
        };
        if room.kind == RoomKind::Direct || !is_last(state, &room, user).await? {
            continue;
        }
        let heir = views.longest_member(&id, user).await?;
        if heir.is_some() || room.kind == RoomKind::Group {
            orphans.push(Orphan { room, heir });
        }
    }
    Ok(orphans)
}

/// Whether nobody looks after the room without this user: its only owner, or the only one in a group.
async fn is_last(state: &AppState, room: &RoomFacts, user: &UserId) -> Result<bool, ApiError> {
    if room.kind == RoomKind::Group && room.members <= 1 {
        return Ok(true);
    }
    Ok(state.views().owners(&room.id).await? == [user.clone()])
}
