//! Links by which people come into rooms. Their tokens are secrets: kept sealed, and found by a fingerprint of them.

use domain::RoomId;
use domain::invite::{self, Invite, InviteCommand, InviteContext, InviteRefusal, Term, may_create};
use domain::membership::{self, Membership, MembershipCommand};
use domain::permission::Permission;
use projections::InviteRecord;

use crate::caller::Caller;
use crate::chat::followed::Followed;
use crate::chat::room_access::RoomAccess;
use crate::error::Error;
use crate::ids::now;
use crate::workspace::Workspace;

/// How many letters a token has.
const TOKEN_LENGTH: usize = 6;

/// How many tokens are tried until one is found that no link has.
const TOKEN_ATTEMPTS: usize = 10;

/// What tokens are sealed and fingerprinted for.
const PURPOSE: &str = "invite";

/// A link, with its token.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub struct Link {
    pub token: String,
    pub record: InviteRecord,
}

/// A link of that term into the room: one that the caller made before and that is still good, or else a new one.
pub async fn find_or_create(
    workspace: &Workspace,
    caller: &Caller,
    room: &RoomId,
    term: Term,
) -> Result<Link, Error> {
    let place = RoomAccess::of(workspace, caller, room).await?;
    let permissions = workspace.views().permissions();
    let roles = place.as_ref().map_or(&[][..], RoomAccess::roles);
    let context = InviteContext {
        authority: caller.authority(roles, &permissions),
        room: place.as_ref().map(|place| &*place.room),
        is_member: place.as_ref().is_some_and(RoomAccess::is_member),
    };
    let (days, max_uses) = may_create(term, &context)?;
    let views = workspace.views();
    let at = now();
    let known = views.invites_of(room, caller.id(), days, max_uses).await?;
    let mut known = known.into_iter().filter(|known| known.open.is_good(at));
    if let Some(link) = known.find_map(|known| open(workspace, known)) {
        return Ok(link);
    }
    for _ in 0..TOKEN_ATTEMPTS {
        let id = domain::id::id_from_bytes(&rand::random());
        let token = domain::text::cut(&id, TOKEN_LENGTH).to_owned();
        let invite = fingerprint(workspace, &token);
        let create = InviteCommand::Create {
            invite: invite.clone(),
            token: workspace.vault().seal(PURPOSE, &token),
            term,
            at,
        };
        let stream = invite::stream(&invite);
        let decided = workspace.decide::<Invite>(caller.id(), &stream, create, &context);
        match decided.await {
            Ok(_) => {
                let record = views.invite(&invite).await?;
                let record = record.ok_or(InviteRefusal::NotFound)?;
                return Ok(Link { token, record });
            }
            Err(Error::Invite(InviteRefusal::AlreadyExists)) => {}
            Err(error) => return Err(error),
        }
    }
    Err(InviteRefusal::AlreadyExists.into())
}

/// All links there are, for those who may make links everywhere.
pub async fn list(workspace: &Workspace, caller: &Caller) -> Result<Vec<Link>, Error> {
    may_list(workspace, caller)?;
    let records = workspace.views().invites().await?.into_iter();
    Ok(records.filter_map(|one| open(workspace, one)).collect())
}

fn may_list(workspace: &Workspace, caller: &Caller) -> Result<(), Error> {
    let permissions = workspace.views().permissions();
    let authority = caller.authority(&[], &permissions);
    let may = authority.has(Permission::CREATE_INVITE_LINKS);
    may.then_some(())
        .ok_or_else(|| InviteRefusal::NotAllowed.into())
}

/// Makes a link good for nothing.
pub async fn remove(workspace: &Workspace, caller: &Caller, token: &str) -> Result<(), Error> {
    let invite = fingerprint(workspace, token);
    let permissions = workspace.views().permissions();
    let context = InviteContext {
        authority: caller.authority(&[], &permissions),
        room: None,
        is_member: false,
    };
    let stream = invite::stream(&invite);
    let remove = InviteCommand::Remove { invite, at: now() };
    let decided = workspace.decide::<Invite>(caller.id(), &stream, remove, &context);
    decided.await.map(drop)
}

/// The caller comes into the room by the link with that token. Returns which room that is.
///
/// How often the link was used is decided by its own stream: two who use the last chance at the same moment do not both
/// get in.
pub async fn accept(workspace: &Workspace, caller: &Caller, token: &str) -> Result<RoomId, Error> {
    let invite = fingerprint(workspace, token);
    let record = workspace.views().invite(&invite).await?;
    let record = record.ok_or(InviteRefusal::NotFound)?;
    let place = RoomAccess::of(workspace, caller, &record.open.room).await?;
    let place = place.ok_or(InviteRefusal::RoomGone)?;
    let room = &place.room;
    let at = now();
    let (link, own) = (
        invite::stream(&invite),
        membership::stream(&room.id, caller.id()),
    );
    let followed = Followed::of(workspace, room).await?;
    let events = workspace
        .run(caller.id(), async |tx| {
            let state = tx.state::<Membership>(&own).await?;
            let is_member = matches!(&*state, Membership::Member(_));
            let context = InviteContext {
                authority: place.authority(caller),
                room: Some(room),
                is_member,
            };
            let invite = invite.clone();
            tx.decide::<Invite>(&link, InviteCommand::Use { invite, at }, &context)
                .await?;
            let context = place.about(caller, caller.id());
            let follow = MembershipCommand::FollowInvite { at };
            let events = tx.decide::<Membership>(&own, follow, &context).await?;
            followed.bring(&tx, caller, &events).await?;
            Ok(events)
        })
        .await?;
    let late = followed.catch_up(workspace, caller, room, &events);
    late.await?;
    Ok(room.id.clone())
}

/// Whether somebody could come into a room by the link with that token now.
pub async fn is_good(workspace: &Workspace, token: &str) -> Result<bool, Error> {
    let views = workspace.views();
    let Some(record) = views.invite(&fingerprint(workspace, token)).await? else {
        return Ok(false);
    };
    let room = views.room_facts(&record.open.room).await?;
    Ok(record.open.is_good(now()) && room.is_some())
}

fn fingerprint(workspace: &Workspace, token: &str) -> String {
    workspace.vault().fingerprint(PURPOSE, token)
}

/// The link with its token; `None`, and a line in the log: the token cannot be read any more.
fn open(workspace: &Workspace, record: InviteRecord) -> Option<Link> {
    let token = workspace.vault().open(PURPOSE, &record.token);
    let token = token.inspect_err(
        |error| tracing::error!(room = %record.open.room, %error, "the token of a link cannot be read"),
    );
    let token = token.ok()?;
    Some(Link { token, record })
}
