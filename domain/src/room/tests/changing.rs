//! Changing and ending.

use super::*;

#[test]
fn owners_rename() {
    channel()
        .when(rename("ops"), &owner().context())
        .then([renamed("ops", "ops")]);
    let special = owner().setting("UI_Allow_room_names_with_special_chars", true);
    channel()
        .when(rename("Tea & Cake"), &special.context())
        .then([renamed("Tea-Cake", "Tea & Cake")]);
}

#[test]
fn the_same_name_is_no_change() {
    channel()
        .when(rename("dev"), &owner().context())
        .then_nothing();
    let special = owner().setting("UI_Allow_room_names_with_special_chars", true);
    given::<Room>([
        created(RoomKind::Channel).into(),
        renamed("Tea-Cake", "Tea & Cake"),
    ])
    .when(rename("Tea & Cake"), &special.context())
    .then_nothing();
}

#[test]
fn some_names_are_not_for_renaming() {
    let stage = owner().setting("Accounts_BlockedUsernameList", "boss");
    for name in ["all", "Here", "boss"] {
        channel()
            .when(rename(name), &stage.context())
            .then_refused(RoomRefusal::BlockedName {
                name: name.to_owned(),
            });
    }
    channel()
        .when(rename("a b"), &stage.context())
        .then_refused(RoomRefusal::InvalidName {
            name: "a b".to_owned(),
        });
    channel()
        .when(rename(""), &stage.context())
        .then_refused(RoomRefusal::EmptyName);
    let admin = Stage::default().with_roles(&["admin"]);
    a_direct_message()
        .when(rename("x"), &admin.context())
        .then_refused(RoomRefusal::DirectHasNoName);
}

#[test]
fn nobody_comes_into_a_direct_message_by_default() {
    let admin = Stage::default().with_roles(&["admin"]);
    for wish in [RoomChange::Default, RoomChange::DefaultFavourite] {
        a_direct_message()
            .when(change(wish(true)), &admin.context())
            .then_refused(RoomRefusal::EditNotAllowed);
        a_direct_message()
            .when(change(wish(false)), &admin.context())
            .then_nothing();
    }
}

#[test]
fn changing_takes_a_right() {
    let stage = Stage::default();
    for command in every_change() {
        let refusal = match &command {
            RoomCommand::Archive { .. } | RoomCommand::Unarchive { .. } => {
                RoomRefusal::ArchiveNotAllowed
            }
            RoomCommand::Delete { .. } => RoomRefusal::DeleteNotAllowed,
            _ => RoomRefusal::EditNotAllowed,
        };
        channel()
            .when(command, &stage.context())
            .then_refused(refusal);
    }
}

#[test]
fn nothing_can_be_changed_that_is_not_there() {
    for command in every_change() {
        nothing()
            .when(command.clone(), &RoomContext::System)
            .then_refused(RoomRefusal::NotFound);
        given::<Room>([RoomDeleted {
            room: id(),
            by: me(),
            at: AT,
        }
        .into()])
        .when(command, &RoomContext::System)
        .then_refused(RoomRefusal::NotFound);
    }
}

#[test]
fn rooms_are_put_away_and_taken_out() {
    let (room, by) = (id(), me());
    let admin = Stage::default().with_roles(&["admin"]);
    let (archive, unarchive) = (
        RoomCommand::Archive { room: id(), at: AT },
        RoomCommand::Unarchive { room: id(), at: AT },
    );
    let archived: RoomEvent = RoomArchived {
        room: room.clone(),
        by: by.clone(),
        at: AT,
    }
    .into();
    let put_away = || given::<Room>([created(RoomKind::Channel).into(), archived.clone()]);
    channel()
        .when(archive.clone(), &owner().context())
        .then([archived.clone()]);
    put_away()
        .when(archive.clone(), &owner().context())
        .then_nothing();
    channel()
        .when(unarchive.clone(), &admin.context())
        .then_nothing();
    put_away()
        .when(unarchive.clone(), &admin.context())
        .then([RoomUnarchived { room, by, at: AT }.into()]);
    put_away()
        .when(unarchive, &owner().context())
        .then_refused(RoomRefusal::ArchiveNotAllowed);
    a_direct_message()
        .when(archive, &admin.context())
        .then_refused(RoomRefusal::DirectNotArchivable);
}

#[test]
fn rooms_are_deleted_by_those_who_may() {
    let delete = RoomCommand::Delete { room: id(), at: AT };
    let deleted = |by| {
        RoomDeleted {
            room: id(),
            by,
            at: AT,
        }
        .into()
    };
    channel()
        .when(delete.clone(), &owner().context())
        .then([deleted(me())]);
    a_direct_message()
        .when(delete.clone(), &owner().context())
        .then_refused(RoomRefusal::DeleteNotAllowed);
    let admin = Stage::default().with_roles(&["admin"]);
    a_direct_message()
        .when(delete.clone(), &admin.context())
        .then([deleted(me())]);
    channel()
        .when(delete, &RoomContext::System)
        .then([deleted(UserId::system())]);
}

#[test]
fn a_room_has_one_key_until_it_gets_lost() {
    let set = |key: &str, reset| RoomCommand::SetKey {
        room: id(),
        key_id: key.to_owned(),
        reset,
        at: AT,
    };
    let changed = |key: &str, reset| -> RoomEvent {
        RoomKeyChanged {
            room: id(),
            key_id: key.to_owned(),
            reset,
            by: me(),
            at: AT,
        }
        .into()
    };
    let stage = owner();
    channel()
        .when(set("k1", false), &stage.context())
        .then([changed("k1", false)]);
    let with_key = || given::<Room>([created(RoomKind::Channel).into(), changed("k1", false)]);
    with_key()
        .when(set("k2", false), &stage.context())
        .then_refused(RoomRefusal::HasKey);
    with_key()
        .when(set("k2", true), &stage.context())
        .then([changed("k2", true)]);
}

#[test]
fn pruning_takes_a_right_and_something_to_delete() {
    let pruning = Pruning {
        oldest: AT,
        latest: AT,
        inclusive: true,
        limit: Some(2),
        authors: None,
        spared: [Spared::Threads].into(),
    };
    let prune = |messages| RoomCommand::Prune {
        room: id(),
        pruning: pruning.clone(),
        messages,
        at: AT,
    };
    channel()
        .when(prune(0), &owner().context())
        .then_refused(RoomRefusal::PruneNotAllowed);
    let admin = Stage::default().with_roles(&["admin"]);
    channel().when(prune(0), &admin.context()).then_nothing();
    channel()
        .when(prune(2), &admin.context())
        .then([HistoryPruned {
            room: id(),
            pruning: pruning.clone(),
            messages: 2,
            by: me(),
            at: AT,
        }
        .into()]);
}
