//! Many people added to a room by one command.
//!
//! What is decided is appended in batches, so that one big room does not keep everybody else's commands waiting, and no
//! batch is larger than the log takes. If it is interrupted, asking again adds those who are missing.

use std::collections::BTreeSet;

use domain::membership::{self, Membership, MembershipCommand, MembershipRefusal};
use domain::permission::Permission;
use domain::settings::keys;
use domain::{RoomId, Timestamp, UserId};

use crate::caller::Caller;
use crate::chat::followed::Followed;
use crate::chat::room_access::RoomAccess;
use crate::error::{Error, Refusal};
use crate::ids::now;
use crate::workspace::Workspace;

/// How much is decided at once: members who are added, messages that are deleted.
pub(super) const BATCH: usize = 500;

/// Lets the rules decide the same of each of `users`. If they refuse it of one, those in later batches are not added.
/// Returns those of whom it was so already.
pub(super) async fn each(
    workspace: &Workspace,
    caller: &Caller,
    place: &RoomAccess,
    users: &[UserId],
    command: fn(Timestamp) -> MembershipCommand,
) -> Result<Vec<UserId>, Error> {
    let at = now();
    let followed = Followed::of(workspace, &place.room).await?;
    let mut unchanged = Vec::new();
    for batch in users.chunks((BATCH / (1 + followed.len())).max(1)) {
        let (of_batch, joined) = workspace
            .run(caller.id(), async |tx| {
                let (mut unchanged, mut joined) = (Vec::new(), Vec::new());
                for user in batch {
                    let context = place.about(caller, user);
                    let stream = membership::stream(&place.room.id, user);
                    let events = tx
                        .decide_new::<Membership>(&stream, command(at), &context)
                        .await?;
                    if events.is_empty() {
                        unchanged.push(user.clone());
                    }
                    followed.bring(&tx, caller, &events).await?;
                    joined.extend(events);
                }
                Ok((unchanged, joined))
            })
            .await?;
        let late = followed.catch_up(workspace, caller, &place.room, &joined);
        late.await?;
        unchanged.extend(of_batch);
    }
    Ok(unchanged)
}

/// How many may be added at once.
fn most(workspace: &Workspace) -> usize {
    let limit = workspace.views().settings().int(keys::API_USER_LIMIT);
    // Room for one more, by which it is seen that there are more.
    usize::try_from(limit).unwrap_or(0).min(usize::MAX - 1)
}

fn not_too_many(users: Vec<UserId>, limit: usize) -> Result<Vec<UserId>, Refusal> {
    let fit = users.len() <= limit;
    fit.then_some(users).ok_or(Refusal::TooManyUsersToAdd)
}

/// The members of a room, if they may be added to another at once.
pub(super) async fn crowd(workspace: &Workspace, room: &RoomId) -> Result<Vec<UserId>, Error> {
    let limit = most(workspace);
    let members = workspace.views().member_ids(room, limit + 1).await?;
    Ok(not_too_many(members, limit)?)
}

/// Adds those of `users` who are neither in the room nor kept out of it. Returns how many.
pub(super) async fn add_missing(
    workspace: &Workspace,
    caller: &Caller,
    place: &RoomAccess,
    users: Vec<UserId>,
) -> Result<usize, Error> {
    let mut missing = Vec::new();
    for user in users {
        let there = workspace.views().membership_facts(&place.room.id, &user);
        if !place.room.banned.contains(&user) && there.await?.is_none() {
            missing.push(user);
        }
    }
    let there = each(workspace, caller, place, &missing, |at| {
        MembershipCommand::Add { at }
    });
    Ok(missing.len() - there.await?.len())
}

/// Adds everybody there is, or everybody who may log in, to the room: those who are not in it, nor kept out of it.
pub async fn add_all(
    workspace: &Workspace,
    caller: &Caller,
    place: &RoomAccess,
    active_only: bool,
) -> Result<(), Error> {
    if !caller.may(workspace, Permission::ADD_ALL_TO_ROOM) {
        return Err(MembershipRefusal::AddAllNotAllowed.into());
    }
    let limit = most(workspace);
    let users = workspace.views().user_ids(active_only, limit + 1).await?;
    let users = not_too_many(users, limit)?;
    let members = workspace
        .views()
        .member_ids(&place.room.id, usize::MAX)
        .await?;
    let members: BTreeSet<UserId> = members.into_iter().collect();
    let missing: Vec<UserId> = users
        .into_iter()
        .filter(|user| !members.contains(user))
        .collect();
    each(workspace, caller, place, &missing, |at| {
        MembershipCommand::AddWithAll { at }
    })
    .await
    .map(drop)
}
