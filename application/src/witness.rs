//! Rules of the form "at least one must be left": an administrator, an owner of a room, an heir.
//!
//! A count in the views cannot guard them: two who leave at the same moment would each be counted by the other. So the
//! views only name candidates, and the transaction looks for one that the log confirms. The commit depends on
//! that witness being as they were found: if they leave meanwhile, the work is done again and finds another or none.
//! Candidates that the views do not know of yet are missed, which refuses too much for a moment and never too little.

use domain::membership::{self, Member, Membership, RoomRole};
use domain::{RoomId, UserId};
use eventstore::execute::Transaction;
use projections::QueryError;

use crate::error::Fault;
use crate::people::account;
use crate::workspace::{WorkError, Workspace};

/// How many members are looked at to find an heir.
const CANDIDATES: u32 = 100;

/// A failure of the views within a transaction.
pub(crate) fn unanswered(error: QueryError) -> WorkError {
    WorkError::refused(error)
}

async fn may_log_in(tx: &Transaction, user: &UserId) -> Result<bool, WorkError> {
    Ok(account::within(tx, user)
        .await?
        .is_some_and(|account| account.active))
}

/// The membership as the log has it; the commit depends on it.
async fn member(
    tx: &Transaction,
    room: &RoomId,
    user: &UserId,
) -> Result<Option<Member>, WorkError> {
    let state = tx
        .state::<Membership>(&membership::stream(room, user))
        .await?;
    Ok(match &*state {
        Membership::Member(member) => Some(member.clone()),
        Membership::Outside(_) => None,
    })
}

/// Whether `user` owns the room.
pub(crate) async fn owns(
    tx: &Transaction,
    room: &RoomId,
    user: &UserId,
) -> Result<bool, WorkError> {
    let member = member(tx, room, user).await?;
    Ok(member.is_some_and(|member| member.roles.contains(&RoomRole::Owner.id())))
}

/// Whether anyone but `user` is an administrator.
pub(crate) async fn another_admin(
    workspace: &Workspace,
    tx: &Transaction,
    user: &UserId,
) -> Result<bool, WorkError> {
    let candidates = workspace
        .views()
        .active_admins()
        .await
        .map_err(unanswered)?;
    for candidate in candidates.iter().filter(|candidate| *candidate != user) {
        let account = account::within(tx, candidate).await?;
        if account.is_some_and(|account| account.administrates()) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether anyone but `user` owns the room and may log in.
pub(crate) async fn another_owner(
    workspace: &Workspace,
    tx: &Transaction,
    room: &RoomId,
    user: &UserId,
) -> Result<bool, WorkError> {
    let candidates = workspace.views().owners(room).await.map_err(unanswered)?;
    for candidate in candidates.iter().filter(|candidate| *candidate != user) {
        if owns(tx, room, candidate).await? && may_log_in(tx, candidate).await? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The member who may log in and has been in the room the longest, without `user`.
pub(crate) async fn heir(
    workspace: &Workspace,
    tx: &Transaction,
    room: &RoomId,
    user: &UserId,
) -> Result<Option<UserId>, WorkError> {
    let candidates = workspace
        .views()
        .longest_members(room, user, CANDIDATES)
        .await;
    let candidates = candidates.map_err(unanswered)?;
    let some = !candidates.is_empty();
    for candidate in candidates {
        if member(tx, room, &candidate).await?.is_some() && may_log_in(tx, &candidate).await? {
            return Ok(Some(candidate));
        }
    }
    if some {
        // All of them left at this moment; the views will show who remains.
        return Err(WorkError::refused(Fault::Overtaken));
    }
    Ok(None)
}
