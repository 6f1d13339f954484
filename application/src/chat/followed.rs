//! Rooms of a team that whoever comes into the team comes into, too.

use std::sync::Arc;

use domain::membership::{self, Membership, MembershipCommand, MembershipContext, MembershipEvent};
use domain::permission::PermissionTable;
use domain::room::RoomFacts;
use domain::{Timestamp, UserId};
use eventstore::execute::Transaction;

use crate::caller::Caller;
use crate::error::Error;
use crate::workspace::{WorkError, Workspace};

/// The rooms that whoever comes into a team comes into, too.
#[derive(Default)]
pub(super) struct Followed(Vec<Arc<RoomFacts>>);

impl Followed {
    /// Those of the team whose main room it is. None for other rooms.
    pub(super) async fn of(workspace: &Workspace, room: &RoomFacts) -> Result<Self, Error> {
        if !room.is_main() {
            return Ok(Self::default());
        }
        let mut followed = Vec::new();
        for room in workspace.views().auto_joined(&room.id).await? {
            followed.extend(workspace.views().room_facts(&room).await?);
        }
        Ok(Self(followed))
    }

    pub(super) fn into_rooms(self) -> Vec<Arc<RoomFacts>> {
        self.0
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Decides that whoever became a member of the main room by these events comes into the others.
    pub(super) async fn bring(
        &self,
        tx: &Transaction,
        caller: &Caller,
        events: &[MembershipEvent],
    ) -> Result<(), WorkError> {
        for event in events {
            if let MembershipEvent::MemberJoined(joined) = event {
                for room in &self.0 {
                    follow(tx, caller, room, &joined.user, joined.at).await?;
                }
            }
        }
        Ok(())
    }

    /// Once they are members: brings them into rooms that this became true of while they came. Whoever says it of a room
    /// adds those who are members by then, so that nobody is missed.
    pub(super) async fn catch_up(
        &self,
        workspace: &Workspace,
        caller: &Caller,
        room: &RoomFacts,
        events: &[MembershipEvent],
    ) -> Result<(), Error> {
        if events.is_empty() {
            return Ok(());
        }
        let Self(mut missed) = Self::of(workspace, room).await?;
        missed.retain(|room| self.0.iter().all(|known| known.id != room.id));
        let missed = Self(missed);
        let bring = async |tx| missed.bring(&tx, caller, events).await;
        workspace.run(caller.id(), bring).await
    }
}

/// Decides that `user` comes into a room because they are in its team. It is fine if they are in the room already.
pub(super) async fn follow(
    tx: &Transaction,
    caller: &Caller,
    room: &RoomFacts,
    user: &UserId,
    at: Timestamp,
) -> Result<Vec<MembershipEvent>, WorkError> {
    let permissions = PermissionTable::default();
    let context = MembershipContext::new(caller.authority(&[], &permissions), user, room);
    let stream = membership::stream(&room.id, user);
    let follow = MembershipCommand::FollowTeam { at };
    Ok(tx.decide::<Membership>(&stream, follow, &context).await?)
}
