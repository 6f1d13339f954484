//! Commands about who is in a room, and who may speak there.

use std::sync::Arc;

use domain::membership::{MembershipCommand, MembershipRefusal};
use domain::permission::Permission;
use domain::text::is_space;
use domain::{Timestamp, UserId, limits};
use projections::UserFacts;

use super::{Typed, bare, channel, no_room, person, rooms};
use crate::chat::bulk;
use crate::chat::members::{self, Founder};
use crate::chat::room_access::RoomAccess;
use crate::error::Error;
use crate::ids::now;

/// `@user, @user`: adds them to this room.
pub(super) async fn invite(typed: &Typed<'_>) -> Result<(), Error> {
    let parts = typed.text.split(|end| end == ',' || is_space(end));
    let names = parts.map(bare).filter(|name| !name.is_empty());
    let names: Vec<&str> = names.take(limits::MENTIONS + 1).collect();
    if names.is_empty() {
        typed.tell("Name those to be added: `@somebody`.");
        return Ok(());
    }
    if names.len() > limits::MENTIONS {
        let most = limits::MENTIONS;
        typed.tell(format!("At most {most} people can be named at once."));
        return Ok(());
    }
    let mut users: Vec<Arc<UserFacts>> = Vec::new();
    for name in names {
        let user = typed.user(name).await?;
        users.extend(user.filter(|user| users.iter().all(|other| other.id != user.id)));
    }
    if users.is_empty() {
        return Ok(());
    }
    members::invite(typed.workspace, typed.caller, typed.place, &users).await
}

/// `#room`: adds the members of this room to that one, which is made if there is none.
pub(super) async fn invite_all_to(typed: &Typed<'_>) -> Result<(), Error> {
    let Some(name) = typed.name("Name a channel: `#channel`.") else {
        return Ok(());
    };
    let knows = |place: &RoomAccess| {
        place.is_visible(typed.caller)
            || place.may(typed.caller, Permission::ADD_USER_TO_ANY_P_ROOM)
    };
    if let Some(to) = typed.room(name).await?.filter(knows) {
        return copy(typed, typed.place, &to).await;
    }
    // From a direct message, nobody would know what kind of room to make.
    if typed.place.room.name.is_none() {
        typed.tell(no_room(name));
        return Ok(());
    }
    let Some(crowd) = crowd(typed, typed.place).await? else {
        return Ok(());
    };
    let own = typed.caller.id();
    let others = crowd.into_iter().filter(|user| user != own);
    let others: Vec<Founder> = others.map(Founder::initial).collect();
    rooms::found(typed, typed.place.room.kind, name, &others).await
}

/// `#room`: adds the members of that room to this one.
pub(super) async fn invite_all_from(typed: &Typed<'_>) -> Result<(), Error> {
    let Some(name) = typed.name("Name a channel: `#channel`.") else {
        return Ok(());
    };
    match typed.visible_room(name).await? {
        Some(from) => copy(typed, &from, typed.place).await,
        None => Ok(()),
    }
}

/// Who is in a room, if the caller may be told; they are told if they may not.
async fn crowd(typed: &Typed<'_>, from: &RoomAccess) -> Result<Option<Vec<UserId>>, Error> {
    if !from.can_access(typed.caller) || !from.may_list_members(typed.caller) {
        typed.tell("You may not see who is in that room.");
        return Ok(None);
    }
    bulk::crowd(typed.workspace, &from.room.id).await.map(Some)
}

async fn copy(typed: &Typed<'_>, from: &RoomAccess, to: &RoomAccess) -> Result<(), Error> {
    let Some(crowd) = crowd(typed, from).await? else {
        return Ok(());
    };
    let added = bulk::add_missing(typed.workspace, typed.caller, to, crowd).await?;
    let room = channel(to.room.name.as_deref().unwrap_or_default());
    typed.tell(match added {
        0 => format!("Everybody is in {room} already."),
        1 => format!("One person is added to {room}."),
        many => format!("{many} people are added to {room}."),
    });
    Ok(())
}

/// `@user`: removes them from this room.
pub(super) async fn kick(typed: &Typed<'_>) -> Result<(), Error> {
    change(typed, |at| MembershipCommand::Remove { at }).await
}

/// `@user`: they may not speak in this room.
pub(super) async fn mute(typed: &Typed<'_>) -> Result<(), Error> {
    change(typed, |at| MembershipCommand::Mute { at }).await
}

/// `@user`: they may speak in this room.
pub(super) async fn unmute(typed: &Typed<'_>) -> Result<(), Error> {
    change(typed, |at| MembershipCommand::Unmute { at }).await
}

async fn change(
    typed: &Typed<'_>,
    command: fn(Timestamp) -> MembershipCommand,
) -> Result<(), Error> {
    let Some(name) = typed.name("Name somebody: `@somebody`.") else {
        return Ok(());
    };
    let Some(user) = typed.user(name).await? else {
        return Ok(());
    };
    let (caller, place) = (typed.caller, typed.place);
    match members::change(typed.workspace, caller, place, &user.id, &command(now())).await {
        Err(Error::Membership(MembershipRefusal::NotAMember)) => {
            typed.tell(format!("{} is not in this room.", person(&user.username)));
            Ok(())
        }
        outcome => outcome.map(drop),
    }
}
