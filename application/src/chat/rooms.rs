//! Making, changing and deleting rooms.

use domain::avatar::AvatarOwner;
use domain::claim::NameKind;
use domain::membership::RoomRole;
use domain::permission::Authority;
use domain::room::{
    self, Room, RoomChange, RoomCommand, RoomContext, RoomCreated, RoomEvent, RoomFacts, RoomKind,
    RoomOfTeam, RoomRefusal,
};
use domain::settings::keys;
use domain::{RoomId, Timestamp, UserId};
use eventstore::execute::Transaction;
use projections::{FileRecord, QueryError};

use crate::caller::Caller;
use crate::chat::members::{self, Founder};
use crate::chat::room_access::RoomAccess;
use crate::chat::team_rooms::join_team;
use crate::claims::Claimant;
use crate::error::{Error, Refusal};
use crate::ids::{fresh_id, now};
use crate::people::avatars;
use crate::workspace::{WorkError, Workspace};

/// How many suffixes are tried to make the name of a room unique.
const NAME_ATTEMPTS: u32 = 100;

/// A channel or group to be made, of which no more is wished than a name as typed.
pub fn plain(workspace: &Workspace, kind: RoomKind, name: String, creator: &UserId) -> RoomCreated {
    let settings = workspace.views().settings();
    RoomCreated {
        room: RoomId::new(fresh_id()),
        kind,
        name: Some(name),
        display_name: None,
        creator: Some(creator.clone()),
        participants: Vec::new(),
        at: now(),
        read_only: false,
        broadcast: false,
        default: false,
        encrypted: kind == RoomKind::Group
            && settings.bool(keys::E2E_ENABLE)
            && settings.bool(keys::E2E_ENABLED_DEFAULT_PRIVATE_ROOMS),
        topic: None,
        description: None,
        announcement: None,
        custom_fields: None,
        discussion: None,
    }
}

/// Makes a channel or group, with its name and first members, in one transaction.
///
/// If room names may have special characters, a taken name gets a suffix instead of being refused. Whoever makes a room may
/// put it into any `team`.
pub async fn create(
    workspace: &Workspace,
    caller: &Caller,
    mut wish: RoomCreated,
    founders: &[Founder],
    team: Option<&RoomOfTeam>,
) -> Result<RoomId, Error> {
    let (settings, permissions) = (
        workspace.views().settings(),
        workspace.views().permissions(),
    );
    let context = RoomContext::User {
        authority: caller.authority(&[], &permissions),
        settings: &settings,
    };
    let owner = [RoomRole::Owner.id()];
    let in_room = RoomContext::User {
        authority: caller.authority(&owner, &permissions),
        settings: &settings,
    };
    let typed = wish.name.clone().unwrap_or_default();
    let wanted = room::name::resolve(&typed, &settings)?.slug;
    let mut name = wanted.clone();
    wish.display_name.get_or_insert(typed);
    for attempt in 1..=NAME_ATTEMPTS {
        wish.name = Some(name.clone());
        let authority = caller.authority(&[], &permissions);
        let taken = workspace
            .run(caller.id(), async |tx| {
                let taken = found(&tx, &authority, &wish, &context, founders).await?;
                if let Some(team) = team.filter(|_| !taken) {
                    join_team(&tx, team, &wish.room, &in_room, wish.at).await?;
                }
                Ok(taken)
            })
            .await?;
        if !taken {
            return Ok(wish.room);
        }
        if !settings.bool(keys::UI_ALLOW_ROOM_NAMES_WITH_SPECIAL_CHARS) {
            break;
        }
        name = format!("{wanted}-{attempt}");
    }
    let archived = workspace
        .views()
        .room_by_name(&name)
        .await?
        .is_some_and(|room| room.archived);
    Err(Refusal::RoomNameTaken { name, archived }.into())
}

/// Decides everything a new room begins with. Returns whether its name is taken; then nothing is decided.
pub(crate) async fn found(
    tx: &Transaction,
    authority: &Authority<'_>,
    wish: &RoomCreated,
    context: &RoomContext<'_>,
    founders: &[Founder],
) -> Result<bool, WorkError> {
    if let Some(name) = &wish.name
        && !claimant(&wish.room, wish.at).try_take(tx, name).await?
    {
        return Ok(true);
    }
    let create = RoomCommand::Create(Box::new(wish.clone()));
    tx.decide_new::<Room>(&room::stream(&wish.room), create, context)
        .await?;
    let facts = facts_of(wish);
    for founder in founders {
        members::found(tx, authority, &facts, founder, wish.at).await?;
    }
    Ok(false)
}

/// The room as the owner of its name.
fn claimant(room: &RoomId, at: Timestamp) -> Claimant<'_> {
    Claimant::new(NameKind::RoomName, room.as_str(), at)
}

/// What the rules need to know of a room that is being made.
pub(crate) fn facts_of(wish: &RoomCreated) -> RoomFacts {
    RoomFacts {
        id: wish.room.clone(),
        kind: wish.kind,
        name: wish.name.clone(),
        archived: false,
        read_only: wish.read_only || wish.broadcast,
        react_when_read_only: false,
        broadcast: wish.broadcast,
        muted: Vec::new(),
        unmuted: Vec::new(),
        banned: Vec::new(),
        participants: wish.participants.clone(),
        join_code: None,
        hidden_system_messages: Vec::new(),
        owners: 0,
        members: 0,
        parent: wish
            .discussion
            .as_deref()
            .map(|discussion| discussion.parent.clone()),
        team: None,
        main_room: None,
    }
}

/// Archives a room, or brings it back from the archive.
pub async fn put_away(
    workspace: &Workspace,
    caller: &Caller,
    place: &RoomAccess,
    archive: bool,
) -> Result<(), Error> {
    let settings = workspace.views().settings();
    let context = RoomContext::User {
        authority: place.authority(caller),
        settings: &settings,
    };
    let (room, at) = (place.room.id.clone(), now());
    let stream = room::stream(&room);
    let command = if archive {
        RoomCommand::Archive { room, at }
    } else {
        RoomCommand::Unarchive { room, at }
    };
    let decided = workspace.decide::<Room>(caller.id(), &stream, command, &context);
    decided.await.map(drop)
}

/// Changes settings of a room, in this order, all of them or none. Returns what happened; nothing: it was so already.
/// A channel that becomes a group closes its discussions.
///
/// Names of rooms are claimed. That no user has the name is read from the views: rooms and users with the same name are
/// found by `#` and `@`, so that two who take it at the same moment are confusing at worst.
pub async fn set(
    workspace: &Workspace,
    caller: &Caller,
    place: &RoomAccess,
    changes: Vec<RoomChange>,
) -> Result<Vec<RoomEvent>, Error> {
    let settings = workspace.views().settings();
    let context = RoomContext::User {
        authority: place.authority(caller),
        settings: &settings,
    };
    let id = &place.room.id;
    for change in &changes {
        if let RoomChange::Name(wanted) = change
            && place.room.parent.is_none()
        {
            refuse_handle(workspace, place, &room::name::slug(wanted, &settings)).await?;
        }
    }
    let at = now();
    let stream = room::stream(id);
    let discussions = workspace.views().discussions_of(id).await?;
    let events = workspace
        .run(caller.id(), async |tx| {
            let before = tx.state::<Room>(&stream).await?;
            let change = RoomCommand::Change {
                room: id.clone(),
                changes: changes.clone(),
                at,
            };
            let events = tx.decide::<Room>(&stream, change, &context).await?;
            let mut old = match &*before {
                Room::Open(open) => open.name.clone(),
                Room::Absent | Room::Deleted => None,
            };
            for event in &events {
                if let RoomEvent::RoomRenamed(renamed) = event {
                    move_name(&tx, id, old.as_deref(), &renamed.name, at).await?;
                    old = Some(renamed.name.clone());
                }
            }
            if events.iter().any(closes) {
                close(&tx, &discussions, &context, at).await?;
            }
            Ok(events)
        })
        .await?;
    if events.iter().any(closes) {
        // From now on all are begun as groups. These are of the moment in between.
        let begun = workspace.views().discussions_of(id).await?;
        let close = async |tx| close(&tx, &begun, &context, at).await;
        workspace.run(caller.id(), close).await?;
    }
    Ok(events)
}

fn closes(event: &RoomEvent) -> bool {
    matches!(event, RoomEvent::RoomVisibilityChanged(changed) if changed.kind == RoomKind::Group)
}

/// Decides that discussions are closed with the channel they belong to.
async fn close(
    tx: &Transaction,
    discussions: &[RoomId],
    context: &RoomContext<'_>,
    at: Timestamp,
) -> Result<(), WorkError> {
    for room in discussions {
        let stream = room::stream(room);
        // Somebody else may have deleted it just now.
        if matches!(*tx.state::<Room>(&stream).await?, Room::Open(_)) {
            let room = room.clone();
            let close = RoomCommand::CloseWithParent { room, at };
            tx.decide::<Room>(&stream, close, context).await?;
        }
    }
    Ok(())
}

/// Refuses a new name that a user or another team has.
async fn refuse_handle(workspace: &Workspace, place: &RoomAccess, slug: &str) -> Result<(), Error> {
    if place.room.name.as_deref() == Some(slug) {
        return Ok(());
    }
    let views = workspace.views();
    let team = views.team_called(slug).await?;
    let of_another = team.is_some_and(|team| team.main_room != place.room.id);
    if of_another || views.user_by_username(slug).await?.is_some() {
        return Err(Refusal::HandleTaken(slug.to_owned()).into());
    }
    Ok(())
}

/// Claims the new name of a room, and gives up the old one.
async fn move_name(
    tx: &Transaction,
    room: &RoomId,
    old: Option<&str>,
    new: &str,
    at: Timestamp,
) -> Result<(), WorkError> {
    if old == Some(new) {
        return Ok(());
    }
    if !claimant(room, at).try_take(tx, new).await? {
        return Err(WorkError::refused(Refusal::RoomNameTaken {
            name: new.to_owned(),
            archived: false,
        }));
    }
    match old {
        Some(old) => claimant(room, at).release(tx, old).await,
        None => Ok(()),
    }
}

/// Deletes the room, its discussions and their pictures; their names are free again.
pub async fn delete(
    workspace: &Workspace,
    caller: &Caller,
    place: &RoomAccess,
) -> Result<(), Error> {
    let settings = workspace.views().settings();
    let context = RoomContext::User {
        authority: place.authority(caller),
        settings: &settings,
    };
    let going = Going::with(workspace, &place.room.id).await?;
    let at = now();
    workspace
        .run(caller.id(), async |tx| {
            going.delete(&tx, &context, at).await
        })
        .await?;
    going.leave_nothing(workspace, caller.id()).await
}

/// Like [`delete`], of any room by its id. Who may neither see a room nor delete any such room is told that there is none.
pub async fn erase(workspace: &Workspace, caller: &Caller, room: &RoomId) -> Result<(), Error> {
    let place = RoomAccess::of(workspace, caller, room).await?;
    let knows = |place: &RoomAccess| {
        place.is_visible(caller) || place.may(caller, room::deletion(place.room.kind))
    };
    let place = place.filter(knows).ok_or(RoomRefusal::NotFound)?;
    delete(workspace, caller, &place).await
}

/// A room that is to be deleted with its discussions.
///
/// Which there are is read from the views. Once the room is gone none begins, so that those of the moment in between are
/// found after it.
pub(crate) struct Going {
    /// The room itself, then its discussions.
    rooms: Vec<RoomId>,
    /// What the views have of their pictures. The files go when the rooms are gone.
    pub(crate) pictures: Vec<FileRecord>,
}

impl Going {
    /// Finds what goes with a room.
    pub(crate) async fn with(workspace: &Workspace, room: &RoomId) -> Result<Self, QueryError> {
        let views = workspace.views();
        let (mut rooms, mut pictures, mut looked_at) = (vec![room.clone()], Vec::new(), 0);
        while let Some(room) = rooms.get(looked_at).cloned() {
            pictures.extend(views.avatar(&AvatarOwner::Room(room.clone())).await?);
            rooms.extend(views.discussions_of(&room).await?);
            looked_at += 1;
        }
        Ok(Self { rooms, pictures })
    }

    /// Decides that they are deleted. Whoever may delete the room deletes its discussions.
    pub(crate) async fn delete(
        &self,
        tx: &Transaction,
        context: &RoomContext<'_>,
        at: Timestamp,
    ) -> Result<(), WorkError> {
        let mut context = *context;
        for room in &self.rooms {
            delete_within(tx, room, &context, at).await?;
            context = RoomContext::System;
        }
        Ok(())
    }

    /// Once they are deleted: deletes the discussions that began meanwhile, and the pictures.
    pub(crate) async fn leave_nothing(
        self,
        workspace: &Workspace,
        actor: &UserId,
    ) -> Result<(), Error> {
        let mut begun = Vec::new();
        for room in &self.rooms {
            begun.extend(workspace.views().discussions_of(room).await?);
        }
        let at = now();
        let delete = async |tx| {
            for room in &begun {
                delete_within(&tx, room, &RoomContext::System, at).await?;
            }
            Ok(())
        };
        workspace.run(actor, delete).await?;
        avatars::bury(workspace, self.pictures).await;
        Ok(())
    }
}

async fn delete_within(
    tx: &Transaction,
    id: &RoomId,
    context: &RoomContext<'_>,
    at: Timestamp,
) -> Result<(), WorkError> {
    let stream = room::stream(id);
    let before = tx.state::<Room>(&stream).await?;
    // Somebody else may have deleted a discussion just now.
    if *before == Room::Deleted && matches!(context, RoomContext::System) {
        return Ok(());
    }
    let delete = RoomCommand::Delete {
        room: id.clone(),
        at,
    };
    tx.decide::<Room>(&stream, delete, context).await?;
    if let Room::Open(open) = &*before
        && let Some(name) = &open.name
    {
        claimant(id, at).release(tx, name).await?;
    }
    Ok(())
}
