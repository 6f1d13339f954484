//! How a room comes to belong to a team.

use domain::room::{self, Room, RoomCommand, RoomContext, RoomOfTeam, RoomRefusal};
use domain::{RoomId, Timestamp};
use eventstore::execute::Transaction;

use crate::workspace::WorkError;

/// Decides that a room belongs to a team. It depends on the team being there.
pub(crate) async fn join_team(
    tx: &Transaction,
    team: &RoomOfTeam,
    room: &RoomId,
    context: &RoomContext<'_>,
    at: Timestamp,
) -> Result<(), WorkError> {
    if !is_there(tx, team).await? {
        return Err(WorkError::refused(RoomRefusal::NoTeam));
    }
    let stream = room::stream(room);
    let before = match &*tx.state::<Room>(&stream).await? {
        Room::Open(open) => open.team.clone(),
        Room::Absent | Room::Deleted => None,
    };
    let left_alone = match &before {
        Some(before) => !is_there(tx, before).await?,
        None => false,
    };
    let join = RoomCommand::JoinTeam {
        room: room.clone(),
        team: team.clone(),
        left_alone,
        at,
    };
    tx.decide::<Room>(&stream, join, context).await?;
    Ok(())
}

/// Whether there is such a team, by its main room.
async fn is_there(tx: &Transaction, team: &RoomOfTeam) -> Result<bool, WorkError> {
    let main = tx.state::<Room>(&room::stream(&team.main_room)).await?;
    Ok(match &*main {
        Room::Open(open) => open.team.as_ref().is_some_and(|of| of.team == team.team),
        Room::Absent | Room::Deleted => false,
    })
}
