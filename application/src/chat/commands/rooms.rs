//! Commands about rooms, and one's own place in them.

use domain::RoomId;
use domain::membership::MembershipCommand;
use domain::pattern::first_room_name;
use domain::permission::Permission;
use domain::room::name::slug;
use domain::room::{RoomChange, RoomKind, RoomRefusal};
use domain::text::words;

use super::{Typed, channel, no_room};
use crate::chat::members::{self, Founder};
use crate::chat::room_access::RoomAccess;
use crate::chat::{place, rooms};
use crate::error::{Error, Refusal};
use crate::ids::now;

/// `#room`, or this one: archives it, or brings it back. Direct messages stay as they are.
pub(super) async fn put_away(typed: &Typed<'_>, archive: bool) -> Result<(), Error> {
    let right = if archive {
        Permission::ARCHIVE_ROOM
    } else {
        Permission::UNARCHIVE_ROOM
    };
    let named = if typed.text.is_empty() {
        None
    } else {
        let Some(name) = typed.name("Name a channel: `#channel`.") else {
            return Ok(());
        };
        let knows =
            |place: &RoomAccess| place.is_visible(typed.caller) || place.may(typed.caller, right);
        let Some(place) = typed.room(name).await?.filter(knows) else {
            typed.tell(no_room(name));
            return Ok(());
        };
        Some(place)
    };
    let place = named.as_ref().unwrap_or(typed.place);
    let Some(name) = &place.room.name else {
        return Ok(());
    };
    let name = channel(name);
    if place.room.archived == archive {
        typed.tell(if archive {
            format!("{name} is archived already.")
        } else {
            format!("{name} is not archived.")
        });
        return Ok(());
    }
    rooms::put_away(typed.workspace, typed.caller, place, archive).await?;
    typed.tell(if archive {
        format!("{name} is archived.")
    } else {
        format!("{name} is no longer archived.")
    });
    Ok(())
}

/// `#name [--private]`: makes a channel, or a private group.
pub(super) async fn create(typed: &Typed<'_>) -> Result<(), Error> {
    let is_flag = |word: &&str| word.starts_with("--");
    let is_private = words(typed.text).any(|word| word == "--private");
    let named: Vec<&str> = words(typed.text).filter(|word| !is_flag(word)).collect();
    let settings = typed.workspace.views().settings();
    let named = named.join(" ");
    let Some(name) = first_room_name(&named, &settings) else {
        typed.tell("Name the channel to be made: `#channel`.");
        return Ok(());
    };
    let kind = if is_private {
        RoomKind::Group
    } else {
        RoomKind::Channel
    };
    found(typed, kind, name, &[]).await
}

/// Makes a room that the caller owns, with these others in it.
pub(super) async fn found(
    typed: &Typed<'_>,
    kind: RoomKind,
    name: &str,
    others: &[Founder],
) -> Result<(), Error> {
    let creator = typed.caller.id();
    let settings = typed.workspace.views().settings();
    // Where room names may have special characters, it would get a suffix instead of being refused.
    let name_of_another = slug(name, &settings);
    let other = typed.workspace.views().room_by_name(&name_of_another);
    if let Some(room) = other.await? {
        let (name, archived) = (name_of_another, room.archived);
        return Err(Refusal::RoomNameTaken { name, archived }.into());
    }
    let wish = rooms::plain(typed.workspace, kind, name.to_owned(), creator);
    let founders = [&[Founder::creator(creator.clone())], others].concat();
    rooms::create(typed.workspace, typed.caller, wish, &founders, None).await?;
    typed.tell(format!("{} is made.", channel(name)));
    Ok(())
}

/// `#channel`: joins it.
pub(super) async fn join(typed: &Typed<'_>) -> Result<(), Error> {
    let Some(name) = typed.name("Name a channel: `#channel`.") else {
        return Ok(());
    };
    let Some(place) = typed.visible_room(name).await? else {
        return Ok(());
    };
    if place.room.kind != RoomKind::Channel {
        typed.tell(no_room(name));
        return Ok(());
    }
    if place.is_member() {
        return Err(Refusal::AlreadyInChannel.into());
    }
    if place.room.archived {
        typed.tell(format!("{} is archived.", channel(name)));
        return Ok(());
    }
    members::join(typed.workspace, typed.caller, &place, None).await
}

/// Leaves this room.
pub(super) async fn leave(typed: &Typed<'_>) -> Result<(), Error> {
    let leave = MembershipCommand::Leave { at: now() };
    members::change_own(typed.workspace, typed.caller, typed.place, &leave)
        .await
        .map(drop)
}

/// Says what this room is about. Nothing comes of it where that is not for the caller to say.
pub(super) async fn set_topic(typed: &Typed<'_>) -> Result<(), Error> {
    let topic = vec![RoomChange::Topic(typed.text.to_owned())];
    match rooms::set(typed.workspace, typed.caller, typed.place, topic).await {
        Err(Error::Room(RoomRefusal::EditNotAllowed)) => Ok(()),
        outcome => outcome.map(drop),
    }
}

/// `#room`, `@user` or this one: hides it in the caller's list.
pub(super) async fn hide(typed: &Typed<'_>) -> Result<(), Error> {
    let room = if typed.text.is_empty() {
        typed.place.room.id.clone()
    } else {
        let wanted = "Name a channel or somebody: `#channel` or `@somebody`.";
        let Some(name) = typed.name(wanted) else {
            return Ok(());
        };
        let found = if typed.text.starts_with('@') {
            direct(typed, name).await?
        } else {
            let place = typed.visible_room(name).await?;
            place.map(|place| place.room.id.clone())
        };
        let Some(room) = found else { return Ok(()) };
        room
    };
    let hidden = place::show(typed.workspace, typed.caller, &room, false).await?;
    if hidden.is_none() {
        typed.tell("You are not in that room.");
    }
    Ok(())
}

/// The direct message with the user of that name. If there is none, the caller is told.
async fn direct(typed: &Typed<'_>, name: &str) -> Result<Option<RoomId>, Error> {
    let Some(user) = typed.user(name).await? else {
        return Ok(None);
    };
    let mut both = vec![typed.caller.id().clone(), user.id.clone()];
    both.sort();
    both.dedup();
    let room = typed.workspace.views().direct_room(&both).await?;
    if room.is_none() {
        typed.tell("You are not in that room.");
    }
    Ok(room.map(|room| room.id))
}
