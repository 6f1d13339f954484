//! End-to-end encryption: keys that the server passes on and never looks into.

use domain::credential::Ending;
use domain::e2e::{self, KeyPair, KeyPairCommand, KeyPairSet};
use domain::membership::{self, Membership, MembershipCommand, MembershipRefusal};
use domain::permission::Permission;
use domain::room::{self, Room, RoomCommand, RoomContext};
use domain::{Timestamp, UserId};
use eventstore::execute::Transaction;

use crate::caller::Caller;
use crate::chat::room_access::RoomAccess;
use crate::error::{Error, Fault, Refusal};
use crate::identity::{credentials, second_factors};
use crate::ids::now;
use crate::workspace::{WorkError, Workspace};

/// The purpose that a private key is sealed for.
fn purpose(user: &UserId) -> String {
    format!("e2e/{user}")
}

/// The largest key that is kept, in bytes.
const LARGEST: usize = 64 * 1024;

fn check(key: &str) -> Result<(), Refusal> {
    if key.len() > LARGEST {
        Err(Refusal::KeyTooLarge)
    } else {
        Ok(())
    }
}

/// Stores the caller's key pair; an existing one is replaced only if `force` is set.
pub async fn set_keys(
    workspace: &Workspace,
    caller: &Caller,
    public_key: &str,
    private_key: &str,
    force: bool,
) -> Result<(), Error> {
    check(public_key)?;
    check(private_key)?;
    let pair = Box::new(KeyPairSet {
        user: caller.id().clone(),
        public_key: public_key.to_owned(),
        private_key: workspace.vault().seal(&purpose(caller.id()), private_key),
        at: now(),
    });
    let (stream, set) = (
        e2e::stream(caller.id()),
        KeyPairCommand::Set { pair, force },
    );
    workspace
        .decide::<KeyPair>(caller.id(), &stream, set, &())
        .await
        .map(drop)
}

/// The caller's key pair: public, and private as its owner encrypted it.
pub async fn own_keys(
    workspace: &Workspace,
    caller: &Caller,
) -> Result<Option<(String, String)>, Error> {
    let Some(pair) = workspace.views().key_pair(caller.id()).await? else {
        return Ok(None);
    };
    let private = workspace
        .vault()
        .open(&purpose(caller.id()), &pair.private_key)
        .map_err(|_| Fault::Sealed {
            what: "a key pair".to_owned(),
        })?;
    Ok(Some((pair.public_key, private)))
}

/// Removes the key pair of `user`, and with it their keys of all rooms. Within a transaction, so that tokens can be
/// revoked in the same batch.
pub async fn reset_within(tx: &Transaction, user: &UserId, at: Timestamp) -> Result<(), WorkError> {
    let reset = KeyPairCommand::Reset {
        user: user.clone(),
        at,
    };
    tx.decide::<KeyPair>(&e2e::stream(user), reset, &()).await?;
    Ok(())
}

/// Refuses a caller who may not reset keys of others.
pub fn may_reset_others(workspace: &Workspace, caller: &Caller) -> Result<(), Refusal> {
    second_factors::may_reset(workspace, caller, Permission::EDIT_OTHER_USER_E2EE)
        .then_some(())
        .ok_or(Refusal::KeysResetNotAllowed)
}

/// Removes the key pair of `user`, and with it their keys of all rooms, and voids all their tokens.
pub async fn reset(workspace: &Workspace, caller: &Caller, user: &UserId) -> Result<(), Error> {
    if user == caller.id() {
        caller.must_be_owner()?;
    } else {
        may_reset_others(workspace, caller)?;
    }
    let at = now();
    workspace
        .run(caller.id(), async |tx| {
            reset_within(&tx, user, at).await?;
            credentials::end(&tx, user, Ending::KeysReset, None, at).await
        })
        .await
}

/// Sets the id of the room's key. With `own_key`, the key was lost: everyone's copy is removed, and the caller has this
/// one.
pub async fn set_room_key(
    workspace: &Workspace,
    caller: &Caller,
    place: &RoomAccess,
    key_id: &str,
    own_key: Option<&str>,
) -> Result<(), Error> {
    own_key.map_or(Ok(()), check)?;
    check(key_id)?;
    let settings = workspace.views().settings();
    let context = RoomContext::User {
        authority: place.authority(caller),
        settings: &settings,
    };
    let stream = room::stream(&place.room.id);
    let at = now();
    workspace
        .run(caller.id(), async |tx| {
            let set = RoomCommand::SetKey {
                room: place.room.id.clone(),
                key_id: key_id.to_owned(),
                reset: own_key.is_some(),
                at,
            };
            tx.decide::<Room>(&stream, set, &context).await?;
            match own_key {
                Some(key) => give(&tx, caller, place, caller.id(), key, at).await,
                None => Ok(()),
            }
        })
        .await
}

async fn give(
    tx: &Transaction,
    caller: &Caller,
    place: &RoomAccess,
    user: &UserId,
    key: &str,
    at: Timestamp,
) -> Result<(), WorkError> {
    let command = MembershipCommand::GiveKey {
        key: key.to_owned(),
        at,
    };
    decide(tx, caller, place, user, command).await
}

async fn decide(
    tx: &Transaction,
    caller: &Caller,
    place: &RoomAccess,
    user: &UserId,
    command: MembershipCommand,
) -> Result<(), WorkError> {
    let context = place.about(caller, user);
    tx.decide::<Membership>(&membership::stream(&place.room.id, user), command, &context)
        .await
        .map_err(|error| {
            error.map_refusal(|refusal| match refusal {
                MembershipRefusal::NotAMember => Error::from(Refusal::NoSubscription),
                other => other.into(),
            })
        })?;
    Ok(())
}

/// Passes keys of one room on: the caller's own is stored, others are offered theirs. Users who are not members are
/// skipped.
pub async fn give_keys(
    workspace: &Workspace,
    caller: &Caller,
    place: &RoomAccess,
    keys: &[(UserId, String)],
) -> Result<(), Error> {
    for (_, key) in keys {
        check(key)?;
    }
    let mut wanted = Vec::new();
    for (user, key) in keys {
        let views = workspace.views();
        if views
            .membership_facts(&place.room.id, user)
            .await?
            .is_some()
        {
            wanted.push((user, key));
        }
    }
    let at = now();
    workspace
        .run(caller.id(), async |tx| {
            for (user, key) in &wanted {
                give(&tx, caller, place, user, key, at).await?;
            }
            Ok(())
        })
        .await
}

/// The caller accepts the key they are offered, or rejects it.
pub async fn answer(
    workspace: &Workspace,
    caller: &Caller,
    place: &RoomAccess,
    accept: bool,
) -> Result<(), Error> {
    let at = now();
    workspace
        .run(caller.id(), async |tx| {
            let command = if accept {
                MembershipCommand::AcceptKey { at }
            } else {
                MembershipCommand::RejectKey { at }
            };
            decide(&tx, caller, place, caller.id(), command).await
        })
        .await
}
