//! What happens to rooms when their only owner leaves (contract, conventions 7.4).
//!
//! Which rooms a user is in is read from the views: a user who makes a room, or is given one, in the very moment their
//! account ends may leave it without owner. That harms nobody else; administrators can appoint one.

use std::sync::Arc;

use domain::room::{RoomContext, RoomFacts, RoomKind};
use domain::{Timestamp, UserId};
use eventstore::execute::Transaction;
use projections::FileRecord;

use crate::chat::members;
use crate::chat::rooms::Going;
use crate::error::Refusal;
use crate::witness::{self, unanswered};
use crate::workspace::{WorkError, Workspace};

/// A room that would have no owner.
struct Orphan {
    room: Arc<RoomFacts>,
    /// The member who may log in and has been in the room the longest.
    heir: Option<UserId>,
}

impl Orphan {
    /// Whether the room is deleted with its owner. A channel may be without owner.
    fn goes(&self) -> bool {
        self.heir.is_none() && self.room.kind == RoomKind::Group
    }
}

/// What a change of an account means for the rooms that only its owner owns. Settled in the batch that records the
/// change: either both happen or neither.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Orphans {
    /// No room loses its owner.
    #[default]
    None,
    /// The owner leaves.
    Left {
        /// The caller was told which rooms these are and confirms; otherwise that is an error with their names.
        confirmed: bool,
    },
}

impl Orphans {
    /// Gives each room of `user` to an heir, or deletes it if it is a group without one. A rule of the server does
    /// this; whether `actor` may end the ownership is decided in the same batch. Returns the pictures of the rooms that
    /// are deleted.
    pub(crate) async fn settle(
        self,
        workspace: &Workspace,
        tx: &Transaction,
        actor: &UserId,
        user: &UserId,
        at: Timestamp,
    ) -> Result<Vec<FileRecord>, WorkError> {
        let Self::Left { confirmed } = self else {
            return Ok(Vec::new());
        };
        let orphans = orphans(workspace, tx, user).await?;
        if !orphans.is_empty() && !confirmed {
            return Err(WorkError::refused(named(&orphans)));
        }
        let mut pictures = Vec::new();
        for orphan in &orphans {
            match &orphan.heir {
                Some(heir) => {
                    members::make_owner_as_server(tx, actor, &orphan.room, heir, at).await?;
                }
                None if orphan.goes() => {
                    let going = Going::with(workspace, &orphan.room.id);
                    let going = going.await.map_err(unanswered)?;
                    going.delete(tx, &RoomContext::System, at).await?;
                    pictures.extend(going.pictures);
                }
                None => {}
            }
        }
        Ok(pictures)
    }
}

/// The error with the names of the rooms.
fn named(orphans: &[Orphan]) -> Refusal {
    let names = |heirless: bool| -> Vec<String> {
        orphans
            .iter()
            .filter(|one| one.heir.is_none() == heirless)
            .map(|one| one.room.name.clone().unwrap_or_default())
            .collect()
    };
    Refusal::LastOwner {
        removed: names(true),
        changed: names(false),
    }
}

async fn orphans(
    workspace: &Workspace,
    tx: &Transaction,
    user: &UserId,
) -> Result<Vec<Orphan>, WorkError> {
    let views = workspace.views();
    let mut orphans = Vec::new();
    for id in views.room_ids_of(user).await.map_err(unanswered)? {
        let Some(room) = views.room_facts(&id).await.map_err(unanswered)? else {
            continue;
        };
        if room.kind == RoomKind::Direct || !is_last(workspace, tx, &room, user).await? {
            continue;
        }
        let heir = witness::heir(workspace, tx, &id, user).await?;
        if heir.is_some() || room.kind == RoomKind::Group {
            orphans.push(Orphan { room, heir });
        }
    }
    Ok(orphans)
}

/// Whether nobody looks after the room without this user: they are its only owner, or the only one in a group.
async fn is_last(
    workspace: &Workspace,
    tx: &Transaction,
    room: &RoomFacts,
    user: &UserId,
) -> Result<bool, WorkError> {
    let views = workspace.views();
    if room.kind == RoomKind::Group && !views.is_shared(&room.id, user).await.map_err(unanswered)? {
        return Ok(true);
    }
    let owners = views.owners(&room.id).await.map_err(unanswered)?;
    Ok(owners.contains(user) && !witness::another_owner(workspace, tx, &room.id, user).await?)
}
